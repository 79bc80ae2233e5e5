/* SPDX-License-Identifier: Apache-2.0 */
/* Whether rule files have changed on disk: directories and files by their paths, through symbolic links, once nobody writes to them any more. One thread. */
#ifndef WINNOW_APP_WATCH_H
#define WINNOW_APP_WATCH_H

#include "base/slice.h"

struct watch;

/* paths outlive it. What is there now counts as seen. */
struct watch *watch_new(const char *const *paths, size_t len);
void watch_free(struct watch *w);
/* True once when the files are other than those last seen, and have been left alone for a moment. Never waits. */
bool watch_changed(struct watch *w, int64_t mono_ns);
/* Further files, each path with a NUL behind it; copied. They take the place of those named before. */
void watch_more(struct watch *w, struct slice paths);
/* What the files are now, as a number: where it is the same before and after reading them, they were read as they stood. */
uint64_t watch_print(const struct watch *w);
/* These files were read: watch_changed() tells of others. */
void watch_seen(struct watch *w, uint64_t print);

#endif
