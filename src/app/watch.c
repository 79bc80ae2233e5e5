/* SPDX-License-Identifier: Apache-2.0 */
/* Idea. inotify says that something happened in the folders that matter: those named, those that hold the files named, and the folders in which they themselves
 * are entries, so that a link that is swapped (Kubernetes swaps `..data`) is noticed. What counts as a change is decided by the files, not the events: a
 * print of names, inodes, sizes and times, which follows links. So a busy folder costs some stat calls and no reload.
 *
 * When. A change is told when no event came for QUIET_NS (or MOST_NS after the first one) and no file that was being written is still open for it, but for
 * no longer than WRITER_NS: a writer may have died. File systems that send no events are looked at every POLL_NS. */
#include "app/watch.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITERS_MAX = 32, EVENTS_BYTES = 16384 };
#define QUIET_NS (200 * NS_PER_MS)
#define MOST_NS (2 * NS_PER_S)
#define WRITER_NS (5 * NS_PER_S)
#define POLL_NS (5 * NS_PER_S)
#define ENTRIES (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF)
#define CONTENTS (IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB)

struct watch {
	const char *const *paths;
	size_t len;
	struct buf more; /* paths with a NUL behind each */
	int fd; /* -1: none to be had; then only the clock helps */
	uint64_t seen;
	int64_t first_ns, last_ns; /* of the events not yet told; 0: none */
	int64_t poll_at_ns;
	uint64_t writers[WRITERS_MAX]; /* files written to and not closed: hashes */
	size_t writers_len;
};

/* ---- what the files are ---- */

static uint64_t print_file(const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return hash_bytes(slice_str(path));
	const int64_t numbers[] = {(int64_t)st.st_dev, (int64_t)st.st_ino, st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec, st.st_ctim.tv_sec, st.st_ctim.tv_nsec, (int64_t)st.st_mode};
	return hash_pair(hash_bytes(slice_str(path)), hash_bytes(slice_of((const char *)numbers, sizeof(numbers))));
}

static int is_rule_file(const struct dirent *entry)
{
	struct slice name = slice_str(entry->d_name);
	return name.ptr[0] != '.' && (slice_ends(name, SLICE(".yaml")) || slice_ends(name, SLICE(".yml")));
}

static uint64_t print_directory(const char *path)
{
	struct dirent **entries;
	struct buf file = {0};
	uint64_t print = hash_bytes(slice_str(path));
	int n = scandir(path, &entries, is_rule_file, alphasort);
	for (int i = 0; i < n; i++) {
		buf_reset(&file);
		buf_printf(&file, "%s/%s", path, entries[i]->d_name);
		print = hash_pair(print, print_file(buf_cstr(&file)));
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	buf_done(&file);
	return print;
}

uint64_t watch_print(const struct watch *w)
{
	uint64_t print = 0;
	for (size_t i = 0; i < w->len; i++) {
		struct stat st;
		bool directory = stat(w->paths[i], &st) == 0 && S_ISDIR(st.st_mode);
		print = hash_pair(print, directory ? print_directory(w->paths[i]) : print_file(w->paths[i]));
	}
	for (size_t at = 0; at < w->more.len; at += strlen(w->more.data + at) + 1)
		print = hash_pair(print, print_file(w->more.data + at));
	return print;
}

/* ---- events ---- */

static void look_at(const struct watch *w, const char *path, bool contents)
{
	inotify_add_watch(w->fd, path, ENTRIES | (contents ? CONTENTS : 0) | IN_ONLYDIR | IN_MASK_ADD);
}

/* The folder that holds path. */
static void look_at_parent(const struct watch *w, const char *path, bool contents)
{
	struct buf parent = {0};
	struct slice s = slice_str(path);
	while (s.len > 1 && s.ptr[s.len - 1] == '/')
		s.len--;
	while (s.len > 0 && s.ptr[s.len - 1] != '/')
		s.len--;
	buf_add_slice(&parent, s.len ? s : SLICE("."));
	look_at(w, buf_cstr(&parent), contents);
	buf_done(&parent);
}

/* Anew, as folders may have been replaced; what happened between two looks is in the print. */
static void look(struct watch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	w->writers_len = 0;
	for (size_t i = 0; w->fd >= 0 && i < w->len; i++) {
		struct stat st;
		char real[PATH_MAX];
		bool directory = stat(w->paths[i], &st) == 0 && S_ISDIR(st.st_mode);
		look_at_parent(w, w->paths[i], !directory);
		if (directory)
			look_at(w, w->paths[i], true);
		else if (realpath(w->paths[i], real))
			look_at_parent(w, real, true);
	}
	for (size_t at = 0; w->fd >= 0 && at < w->more.len; at += strlen(w->more.data + at) + 1)
		look_at_parent(w, w->more.data + at, true);
}

void watch_more(struct watch *w, struct slice paths)
{
	if (slice_eq(buf_slice(&w->more), paths))
		return;
	buf_reset(&w->more);
	buf_add_slice(&w->more, paths);
	look(w);
	w->seen = watch_print(w);
}

static void note_writer(struct watch *w, uint64_t file, bool writing)
{
	for (size_t i = 0; i < w->writers_len; i++)
		if (w->writers[i] == file) {
			if (!writing)
				w->writers[i] = w->writers[--w->writers_len];
			return;
		}
	if (writing && w->writers_len < WRITERS_MAX)
		w->writers[w->writers_len++] = file;
}

static void take_event(struct watch *w, const struct inotify_event *e, int64_t now)
{
	if (e->len)
		note_writer(w, hash_pair((uint64_t)e->wd, hash_bytes(slice_str(e->name))), e->mask & IN_MODIFY);
	if (!w->first_ns)
		w->first_ns = now;
	w->last_ns = now;
}

static void take_events(struct watch *w, int64_t now)
{
	_Alignas(struct inotify_event) char bytes[EVENTS_BYTES];
	ssize_t n;
	while (w->fd >= 0 && (n = read(w->fd, bytes, sizeof(bytes))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const struct inotify_event *)(const void *)(bytes + at);
			take_event(w, e, now);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
}

static bool settled(const struct watch *w, int64_t now)
{
	if (!w->first_ns)
		return false;
	if (w->writers_len && now - w->last_ns < WRITER_NS)
		return false;
	return now - w->last_ns >= QUIET_NS || now - w->first_ns >= MOST_NS;
}

bool watch_changed(struct watch *w, int64_t now)
{
	take_events(w, now);
	bool by_clock = now >= w->poll_at_ns && !w->first_ns;
	if (!settled(w, now) && !by_clock)
		return false;
	bool events = w->first_ns != 0;
	w->first_ns = w->last_ns = 0;
	w->poll_at_ns = now + POLL_NS;
	uint64_t print = watch_print(w);
	if (events)
		look(w);
	if (print == w->seen)
		return false;
	w->seen = print;
	return true;
}

void watch_seen(struct watch *w, uint64_t print)
{
	w->seen = print;
}

struct watch *watch_new(const char *const *paths, size_t len)
{
	struct watch *w = mem_zalloc(1, sizeof(*w));
	w->paths = paths;
	w->len = len;
	w->fd = -1;
	look(w);
	w->seen = watch_print(w);
	return w;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	buf_done(&w->more);
	free(w);
}
