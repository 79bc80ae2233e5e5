/* SPDX-License-Identifier: Apache-2.0 */
/* How the allocator behaves, where it is jemalloc (a sanitizer brings its own). Messages are allocated by librdkafka's threads and freed by ours, tens of MiB at a burst; glibc keeps such
 * memory for ever in the arena of the thread that asked for it. Here a thread of the allocator's own gives back what nobody used for some seconds, so what a backlog took
 * goes, and no thread that counts has to do it. Without the last word it would give back 8 MiB of free neighbours at once, however soon they are wanted again. The environment's MALLOC_CONF is read later and wins. */
__attribute__((visibility("default"))) extern const char *malloc_conf;

const char *malloc_conf = "background_thread:true,dirty_decay_ms:5000,muzzy_decay_ms:0,oversize_threshold:0";
