/* SPDX-License-Identifier: Apache-2.0 */
/* The journal as files of one directory.
 *
 *   lock                          held by flock while open
 *   journal-<position>            segments; the name is the position of the first byte, positions are byte positions rising over all segments
 *   snapshot-<position>           one frame each; the two newest are kept
 *
 * A segment is a run of frames (frame.h). An append writes one frame behind the last and waits for fdatasync; only then does `end` move, and readers never
 * look past `end`. A write that fails is cut off again, so that the file always ends with a whole frame. After a crash the last segment may end with a torn
 * frame: nothing good follows it, it was never acknowledged, and it is cut off at the next start. If a good frame follows a bad one, the middle is damaged and
 * opening fails: what is lost there must not go unsaid.
 *
 * A new segment begins when the last has grown past SEGMENT_BYTES; segments wholly before the older kept snapshot are removed with it.
 *
 * Threads: `lock` guards the segments and end; appends hold it over their fdatasync, so they have one order. Reading holds it only to look up where. */
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "journal/backend.h"
#include "journal/frame.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEGMENT_BYTES = 64 << 20, SNAPSHOTS_KEPT = 2, NAME_BYTES = 64 };

struct positions {
	int64_t *at;
	size_t len, cap;
};

struct file_journal {
	struct journal journal;
	char *directory;
	int directory_fd, lock_fd;
	pthread_mutex_t lock;
	pthread_cond_t grown;
	struct positions segments; /* rising */
	int64_t end;               /* behind the last whole frame */
	int write_fd;              /* the last segment */
	bool broken;               /* a failed write could not be undone */
	/* the reader's own */
	int read_fd;
	int64_t read_segment;      /* start of the segment read_fd is of, -1: none */
	int64_t next;
	struct buf record;
};

static int system_error(struct err *err, const struct file_journal *f, const char *what)
{
	return err_set(err, ERR_IO, "journal %s: %s: %s", f->directory, what, strerror(errno));
}

static void name_of(char name[NAME_BYTES], const char *kind, int64_t position)
{
	snprintf(name, NAME_BYTES, "%s-%020" PRId64, kind, position);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* Position in a name of this kind, or -1. */
static int64_t position_of(const char *name, const char *kind)
{
	size_t prefix = strlen(kind);
	int64_t position;
	if (strncmp(name, kind, prefix) != 0 || name[prefix] != '-' || strlen(name) != prefix + 21)
		return -1;
	return slice_to_i64(slice_str(name + prefix + 1), &position) ? position : -1;
}

/* Positions in the names of this kind, rising. */
static int list(struct file_journal *f, const char *kind, struct positions *ret, struct err *err)
{
	DIR *dir = opendir(f->directory);
	if (!dir)
		return system_error(err, f, "cannot list the directory");
	ret->len = 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		int64_t position = position_of(entry->d_name, kind);
		if (position < 0)
			continue;
		ret->at = mem_grow(ret->at, ret->len, &ret->cap, sizeof(*ret->at));
		ret->at[ret->len++] = position;
	}
	closedir(dir);
	if (ret->len)
		qsort(ret->at, ret->len, sizeof(*ret->at), compare);
	return 0;
}

static int make_directories(const char *path)
{
	char *copy = mem_strdup(slice_str(path));
	for (char *at = copy + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = 0;
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			break;
		*at = '/';
	}
	int rc = mkdir(copy, 0755);
	free(copy);
	return rc == 0 || errno == EEXIST ? 0 : -1;
}

static int open_directory(struct file_journal *f, struct err *err)
{
	if (make_directories(f->directory) < 0)
		return system_error(err, f, "cannot create the directory");
	f->directory_fd = open(f->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->directory_fd < 0)
		return system_error(err, f, "cannot open the directory");
	f->lock_fd = openat(f->directory_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (f->lock_fd < 0)
		return system_error(err, f, "cannot open the lock file");
	if (flock(f->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? err_set(err, ERR_IO, "journal %s: another winnow is using it (it holds the file lock)", f->directory)
					    : system_error(err, f, "cannot take the lock");
	return 0;
}

/* Starts a new last segment at position. */
static int begin_segment(struct file_journal *f, int64_t position, struct err *err)
{
	char name[NAME_BYTES];
	name_of(name, "journal", position);
	int fd = openat(f->directory_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return system_error(err, f, "cannot create a segment");
	if (fsync(f->directory_fd) < 0) {
		close(fd);
		return system_error(err, f, "cannot sync the directory");
	}
	if (f->write_fd >= 0)
		close(f->write_fd);
	f->write_fd = fd;
	f->segments.at = mem_grow(f->segments.at, f->segments.len, &f->segments.cap, sizeof(*f->segments.at));
	f->segments.at[f->segments.len++] = position;
	f->end = position;
	return 0;
}

static int read_whole(int fd, struct buf *out)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -1;
	char *at = buf_reserve(out, (size_t)st.st_size + 1);
	while (out->len < (size_t)st.st_size) {
		ssize_t n = pread(fd, at + out->len, (size_t)st.st_size - out->len, (off_t)out->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		out->len += (size_t)n;
	}
	return 0;
}

/* Checks every frame of the last segment and cuts off a torn one. */
static int check_tail(struct file_journal *f, int64_t start, struct err *err)
{
	struct buf bytes = {0};
	size_t good = 0;
	int rc = read_whole(f->write_fd, &bytes) < 0 ? system_error(err, f, "cannot read the last segment") : 0;
	for (size_t n; rc == 0 && (n = frame_at(slice_sub(buf_slice(&bytes), good, bytes.len))) > 0;)
		good += n;
	if (rc == 0 && good < bytes.len) {
		if (frame_anywhere(slice_sub(buf_slice(&bytes), good + 1, bytes.len)))
			rc = err_set(err, ERR_CORRUPT, "journal %s: segment journal-%020" PRId64 " is damaged at byte %zu, with good records behind it: "
				"restore the file, or move the directory away to start anew with counters at 0", f->directory, start, good);
		else if (ftruncate(f->write_fd, (off_t)good) < 0 || fsync(f->write_fd) < 0)
			rc = system_error(err, f, "cannot cut off a torn record");
		else
			log_line(LOG_WARN, "journal", "%s: cut off a torn record of %zu bytes at position %lld: it was never acknowledged", f->directory,
				bytes.len - good, (long long)(start + (int64_t)good));
	}
	f->end = start + (int64_t)good;
	buf_done(&bytes);
	return rc;
}

static int64_t file_size(const struct file_journal *f, const char *kind, int64_t position)
{
	char name[NAME_BYTES];
	struct stat st;
	name_of(name, kind, position);
	return fstatat(f->directory_fd, name, &st, 0) < 0 ? -1 : (int64_t)st.st_size;
}

static int check_order(const struct file_journal *f, struct err *err)
{
	for (size_t i = 0; i + 1 < f->segments.len; i++)
		if (f->segments.at[i] + file_size(f, "journal", f->segments.at[i]) != f->segments.at[i + 1])
			return err_set(err, ERR_CORRUPT, "journal %s: segment journal-%020" PRId64 " does not reach to the next one: a part of the journal is missing",
				f->directory, f->segments.at[i]);
	return 0;
}

static void remove_file(struct file_journal *f, const char *kind, int64_t position)
{
	char name[NAME_BYTES];
	name_of(name, kind, position);
	if (unlinkat(f->directory_fd, name, 0) < 0 && errno != ENOENT)
		log_line(LOG_WARN, "journal", "%s: cannot remove %s: %s", f->directory, name, strerror(errno));
}

/* Positions must never be handed out twice: what is appended below a snapshot's position would be taken for old. */
static int start_behind_snapshot(struct file_journal *f, struct err *err)
{
	struct positions snapshots = {0};
	int rc = list(f, "snapshot", &snapshots, err);
	int64_t newest = rc == 0 && snapshots.len ? snapshots.at[snapshots.len - 1] : 0;
	free(snapshots.at);
	if (rc < 0 || (f->segments.len && f->end >= newest))
		return rc;
	if (newest)
		log_line(LOG_WARN, "journal", "%s: the newest snapshot is ahead of the journal: it goes on at %lld", f->directory, (long long)newest);
	for (size_t i = 0; i < f->segments.len; i++)
		remove_file(f, "journal", f->segments.at[i]);
	f->segments.len = 0;
	return begin_segment(f, newest, err);
}

static int open_segments(struct file_journal *f, struct err *err)
{
	char name[NAME_BYTES];
	int rc = list(f, "journal", &f->segments, err);
	if (rc == 0)
		rc = check_order(f, err);
	if (rc < 0)
		return rc;
	if (f->segments.len) {
		int64_t last = f->segments.at[f->segments.len - 1];
		name_of(name, "journal", last);
		f->write_fd = openat(f->directory_fd, name, O_RDWR | O_CLOEXEC);
		if (f->write_fd < 0)
			return system_error(err, f, "cannot open the last segment");
		if ((rc = check_tail(f, last, err)) < 0)
			return rc;
	}
	return start_behind_snapshot(f, err);
}

static void file_close(struct journal *j)
{
	struct file_journal *f = (struct file_journal *)j;
	const int fds[] = {f->write_fd, f->read_fd, f->lock_fd, f->directory_fd};
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	pthread_cond_destroy(&f->grown);
	pthread_mutex_destroy(&f->lock);
	buf_done(&f->record);
	free(f->segments.at);
	free(f->directory);
	free(f);
}

static int write_at(int fd, struct slice bytes, int64_t at)
{
	while (bytes.len) {
		ssize_t n = pwrite(fd, bytes.ptr, bytes.len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes = slice_sub(bytes, (size_t)n, bytes.len);
		at += n;
	}
	return 0;
}

/* Cuts the file back to its last whole frame after a failed write. */
static int undo(struct file_journal *f, int64_t size, struct err *err)
{
	int reason = errno;
	if (ftruncate(f->write_fd, (off_t)size) < 0 || fdatasync(f->write_fd) < 0) {
		f->broken = true;
		return err_set(err, ERR_IO, "journal %s: a write failed (%s) and could not be undone (%s): restart winnow when the disk is well", f->directory,
			strerror(reason), strerror(errno));
	}
	return err_set(err, ERR_IO, "journal %s: cannot write: %s%s", f->directory, strerror(reason),
		reason == ENOSPC ? "; intake waits until there is room, nothing is lost" : "");
}

static int append_locked(struct file_journal *f, struct slice record, struct err *err)
{
	char head[FRAME_HEAD];
	if (f->broken)
		return err_set(err, ERR_IO, "journal %s: an earlier write failed and could not be undone: restart winnow", f->directory);
	int64_t start = f->segments.at[f->segments.len - 1];
	int rc = 0;
	if (f->end - start >= SEGMENT_BYTES) {
		rc = begin_segment(f, f->end, err);
		if (rc < 0)
			return rc;
		start = f->end;
	}
	int64_t size = f->end - start;
	frame_head(head, record);
	rc = write_at(f->write_fd, slice_of(head, FRAME_HEAD), size);
	failpoint_hit(FAIL_JOURNAL_HALF_RECORD);
	if (rc < 0 || write_at(f->write_fd, record, size + FRAME_HEAD) < 0 || fdatasync(f->write_fd) < 0)
		return undo(f, size, err);
	f->end += FRAME_HEAD + (int64_t)record.len;
	pthread_cond_signal(&f->grown);
	return 0;
}

static int file_append(struct journal *j, struct slice record, struct err *err)
{
	struct file_journal *f = (struct file_journal *)j;
	if (record.len > FRAME_MAX)
		return err_set(err, ERR_LIMIT, "journal %s: a record of %zu bytes is past the bound of %d", f->directory, record.len, FRAME_MAX);
	pthread_mutex_lock(&f->lock);
	int rc = append_locked(f, record, err);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

static int file_begin(struct journal *j, int64_t *ret_position, struct err *err)
{
	struct file_journal *f = (struct file_journal *)j;
	(void)err;
	pthread_mutex_lock(&f->lock);
	*ret_position = f->segments.at[0];
	pthread_mutex_unlock(&f->lock);
	return 0;
}

static int file_end(struct journal *j, int64_t *ret_position, struct err *err)
{
	struct file_journal *f = (struct file_journal *)j;
	(void)err;
	pthread_mutex_lock(&f->lock);
	*ret_position = f->end;
	pthread_mutex_unlock(&f->lock);
	return 0;
}

/* Opens the segment that holds position for reading and returns its start; -1 on failure. The lock is not needed: only the reader removes segments. */
static int64_t enter_segment(struct file_journal *f, int64_t position, struct err *err)
{
	char name[NAME_BYTES];
	pthread_mutex_lock(&f->lock);
	size_t at = f->segments.len;
	while (at > 0 && f->segments.at[at - 1] > position)
		at--;
	int64_t start = at > 0 ? f->segments.at[at - 1] : -1;
	pthread_mutex_unlock(&f->lock);
	if (start < 0 || start == f->read_segment)
		return start;
	name_of(name, "journal", start);
	int fd = openat(f->directory_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		system_error(err, f, "cannot open a segment");
		return -1;
	}
	if (f->read_fd >= 0)
		close(f->read_fd);
	f->read_fd = fd;
	f->read_segment = start;
	return start;
}

static int damaged(struct err *err, const struct file_journal *f, int64_t position)
{
	return err_set(err, ERR_CORRUPT, "journal %s: the record at position %lld is damaged: restore the file, or move the directory away to start anew with "
		"counters at 0", f->directory, (long long)position);
}

static bool read_exactly(int fd, char *at, size_t len, int64_t offset)
{
	while (len) {
		ssize_t n = pread(fd, at, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
		offset += n;
	}
	return true;
}

/* Length of the record at position, which must be below end; negative on failure. */
static int64_t record_len(struct file_journal *f, int64_t position, char head[FRAME_HEAD], struct err *err)
{
	int64_t start = enter_segment(f, position, err);
	if (start < 0)
		return ERR_IO;
	if (!read_exactly(f->read_fd, head, FRAME_HEAD, position - start))
		return damaged(err, f, position);
	int64_t len = frame_len(head);
	return len < 0 ? damaged(err, f, position) : len;
}

/* To the first record at or behind position: walks the heads of its segment, as a position may lie within a record. */
static int file_seek(struct journal *j, int64_t position, struct err *err)
{
	struct file_journal *f = (struct file_journal *)j;
	char head[FRAME_HEAD];
	int64_t end = 0, begin = 0;
	file_end(j, &end, err);
	file_begin(j, &begin, err);
	if (position < begin)
		return err_set(err, ERR_INPUT, "journal %s: position %lld is before its beginning %lld", f->directory, (long long)position, (long long)begin);
	if (position > end)
		return err_set(err, ERR_CORRUPT, "journal %s: position %lld is behind its end %lld: a part of the journal is missing", f->directory,
			(long long)position, (long long)end);
	if (position == end) {
		f->next = end;
		return 0;
	}
	int64_t at = enter_segment(f, position, err);
	if (at < 0)
		return ERR_IO;
	while (at < position) {
		int64_t len = record_len(f, at, head, err);
		if (len < 0)
			return (int)len;
		at += FRAME_HEAD + len;
	}
	f->next = at;
	return 0;
}

static int64_t file_next(const struct journal *j)
{
	return ((const struct file_journal *)j)->next;
}

/* Whether there is a record at f->next, waiting for it. */
static bool wait_for_record(struct file_journal *f, int64_t timeout_ns)
{
	struct timespec until;
	int64_t deadline = clock_mono_ns() + timeout_ns;
	until.tv_sec = deadline / NS_PER_S;
	until.tv_nsec = deadline % NS_PER_S;
	pthread_mutex_lock(&f->lock);
	while (f->end <= f->next && timeout_ns > 0)
		if (pthread_cond_timedwait(&f->grown, &f->lock, &until) == ETIMEDOUT)
			break;
	bool there = f->end > f->next;
	pthread_mutex_unlock(&f->lock);
	return there;
}

static int file_read(struct journal *j, int64_t timeout_ns, struct journal_entry *ret, struct err *err)
{
	struct file_journal *f = (struct file_journal *)j;
	char head[FRAME_HEAD];
	if (!wait_for_record(f, timeout_ns))
		return 0;
	int64_t len = record_len(f, f->next, head, err);
	if (len < 0)
		return (int)len;
	buf_reset(&f->record);
	char *at = buf_reserve(&f->record, (size_t)len + 1);
	if (!read_exactly(f->read_fd, at, (size_t)len, f->next - f->read_segment + FRAME_HEAD) || !frame_good(head, slice_of(at, (size_t)len)))
		return damaged(err, f, f->next);
	ret->position = f->next;
	ret->next_position = f->next += FRAME_HEAD + len;
	ret->bytes = slice_of(at, (size_t)len);
	return 1;
}

static bool file_leads(struct journal *j)
{
	(void)j;
	return true;
}

static int write_snapshot(struct file_journal *f, struct slice snapshot, int64_t position, struct err *err)
{
	char head[FRAME_HEAD], name[NAME_BYTES];
	int fd = openat(f->directory_fd, "snapshot.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return system_error(err, f, "cannot create a snapshot");
	frame_head(head, snapshot);
	bool ok = write_at(fd, slice_of(head, FRAME_HEAD), 0) == 0;
	failpoint_hit(FAIL_SNAPSHOT_HALF);
	ok = ok && write_at(fd, snapshot, FRAME_HEAD) == 0 && fsync(fd) == 0;
	int rc = ok ? 0 : system_error(err, f, "cannot write a snapshot");
	close(fd);
	if (rc < 0) {
		unlinkat(f->directory_fd, "snapshot.tmp", 0); /* best effort: its room may be what is missing */
		return rc;
	}
	name_of(name, "snapshot", position);
	failpoint_hit(FAIL_SNAPSHOT_BEFORE_CLOSE);
	if (renameat(f->directory_fd, "snapshot.tmp", f->directory_fd, name) < 0 || fsync(f->directory_fd) < 0)
		return system_error(err, f, "cannot put a snapshot in its place");
	return 0;
}

/* Removes segments that end at or before position, never the last. */
static void drop_segments(struct file_journal *f, int64_t position)
{
	pthread_mutex_lock(&f->lock);
	size_t gone = 0;
	while (gone + 1 < f->segments.len && f->segments.at[gone + 1] <= position)
		remove_file(f, "journal", f->segments.at[gone++]);
	memmove(f->segments.at, f->segments.at + gone, (f->segments.len - gone) * sizeof(*f->segments.at));
	f->segments.len -= gone;
	pthread_mutex_unlock(&f->lock);
}

static int file_save_snapshot(struct journal *j, struct slice snapshot, int64_t position, struct err *err)
{
	struct file_journal *f = (struct file_journal *)j;
	struct positions kept = {0};
	if (snapshot.len > FRAME_MAX)
		return err_set(err, ERR_LIMIT, "journal %s: a snapshot of %zu bytes is past the bound of %d", f->directory, snapshot.len, FRAME_MAX);
	int rc = write_snapshot(f, snapshot, position, err);
	failpoint_hit(FAIL_SNAPSHOT_BEFORE_CLEANUP);
	if (rc == 0)
		rc = list(f, "snapshot", &kept, err);
	if (rc == 0 && kept.len >= SNAPSHOTS_KEPT) {
		size_t old = kept.len - SNAPSHOTS_KEPT;
		for (size_t i = 0; i < old; i++)
			remove_file(f, "snapshot", kept.at[i]);
		drop_segments(f, kept.at[old]);
	}
	free(kept.at);
	return rc;
}

static bool load_one(struct file_journal *f, int64_t position, struct buf *out)
{
	char name[NAME_BYTES];
	name_of(name, "snapshot", position);
	int fd = openat(f->directory_fd, name, O_RDONLY | O_CLOEXEC);
	buf_reset(out);
	bool ok = fd >= 0 && read_whole(fd, out) == 0 && frame_at(buf_slice(out)) == out->len && out->len > 0;
	if (fd >= 0)
		close(fd);
	if (!ok) {
		log_line(LOG_ERROR, "journal", "%s/%s is damaged: trying the one before it", f->directory, name);
		buf_reset(out);
		return false;
	}
	memmove(out->data, out->data + FRAME_HEAD, out->len - FRAME_HEAD);
	out->len -= FRAME_HEAD;
	return true;
}

static int file_load_snapshot(struct journal *j, struct buf *out, struct err *err)
{
	struct file_journal *f = (struct file_journal *)j;
	struct positions there = {0};
	int rc = list(f, "snapshot", &there, err);
	buf_reset(out);
	for (size_t i = there.len; rc == 0 && i > 0; i--)
		if (load_one(f, there.at[i - 1], out))
			break;
	free(there.at);
	return rc;
}

static const struct journal_backend file_backend = {
	.close = file_close,
	.append = file_append,
	.begin = file_begin,
	.end = file_end,
	.seek = file_seek,
	.next = file_next,
	.read = file_read,
	.leads = file_leads,
	.save_snapshot = file_save_snapshot,
	.load_snapshot = file_load_snapshot,
};

int journal_open_file(const char *directory, struct journal **ret, struct err *err)
{
	struct file_journal *f = mem_zalloc(1, sizeof(*f));
	pthread_condattr_t monotonic;
	f->journal.backend = &file_backend;
	f->directory = mem_strdup(slice_str(directory));
	f->directory_fd = f->lock_fd = f->write_fd = f->read_fd = -1;
	f->read_segment = -1;
	pthread_mutex_init(&f->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&f->grown, &monotonic);
	pthread_condattr_destroy(&monotonic);
	int rc = open_directory(f, err);
	if (rc == 0)
		rc = open_segments(f, err);
	if (rc < 0) {
		file_close(&f->journal);
		return rc;
	}
	f->next = f->segments.at[0];
	*ret = &f->journal;
	return 0;
}
