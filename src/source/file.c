/* SPDX-License-Identifier: Apache-2.0 */
/* A window of the file is read into one buffer; messages are views into it. The buffer grows to the longest line, at most a little over LINE_MAX_BYTES: of a
 * longer line the rest is read and forgotten (`cut`), and one message comes out, cut at that length, whose next_offset lies behind the whole line; the
 * decoder refuses it by its size and the lines behind it count as usual.
 *
 * Offsets never go back within a run: after a rotation the new file's first byte stands at `shift`, right behind the old one's last. */
#include "source/file.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW_BYTES = 1 << 20, LINE_MAX_BYTES = 32 << 20 };

struct file_reader {
	struct source_reader base;
	char *path;
	int fd;
	bool follow, pipe, ended;
	ino_t inode;
	char *window;
	size_t cap, begin, len; /* unread bytes are window[begin, len) */
	size_t scanned;         /* of them, bytes known to hold no line's end */
	size_t cut;             /* bytes of the window's line that were forgotten: they stood behind window[len) */
	int64_t offset;         /* of window[begin] */
	int64_t shift;          /* offset of the first byte of the file that is open now */
};

static struct file_reader *of(struct source_reader *r)
{
	return (struct file_reader *)r;
}

static size_t unread(const struct file_reader *f)
{
	return f->len - f->begin;
}

static void forget_window(struct file_reader *f)
{
	f->begin = f->len = f->scanned = f->cut = 0;
}

/* Room behind what is there; of a line past the limit only the head is kept. */
static void make_room(struct file_reader *f)
{
	if (f->begin > 0) {
		memmove(f->window, f->window + f->begin, unread(f));
		f->len -= f->begin;
		f->begin = 0;
	}
	if (f->len > LINE_MAX_BYTES) {
		f->cut += f->len - LINE_MAX_BYTES;
		f->len = f->scanned = LINE_MAX_BYTES;
	}
	if (f->len == f->cap) {
		f->cap = f->cap >= LINE_MAX_BYTES ? f->cap + WINDOW_BYTES : f->cap ? f->cap * 2 : WINDOW_BYTES;
		f->window = mem_realloc(f->window, f->cap, 1);
	}
}

/* A pipe with nothing in it must not hold up its reader. */
static bool has_something(const struct file_reader *f)
{
	struct pollfd p = {.fd = f->fd, .events = POLLIN};
	return !f->pipe || poll(&p, 1, 0) > 0;
}

/* Reads more behind what is there; false at the end of what the file has. */
static bool fill(struct file_reader *f, int *ret_errno)
{
	make_room(f);
	if (!has_something(f))
		return false;
	ssize_t n = read(f->fd, f->window + f->len, f->cap - f->len);
	if (n > 0) {
		f->len += (size_t)n;
		return true;
	}
	*ret_errno = n < 0 && errno != EAGAIN && errno != EINTR ? errno : 0;
	if (n == 0)
		f->ended = true;
	return false;
}

/* Hands out the line of len bytes at the window's beginning, with its newline if it has one. */
static void take(struct file_reader *f, size_t len, size_t newline, struct source_batch *ret)
{
	struct source_message *m = &ret->messages[ret->len++];
	size_t shown = len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES;
	*m = (struct source_message){.payload = slice_of(f->window + f->begin, shown), .offset = f->offset, .next_offset = f->offset + (int64_t)(len + f->cut + newline)};
	if (len && shown == len && m->payload.ptr[len - 1] == '\r')
		m->payload.len--;
	f->begin += len + newline;
	f->offset = m->next_offset;
	f->scanned = f->cut = 0;
}

/* Hands out whole lines of the window. */
static void take_lines(struct file_reader *f, size_t max, struct source_batch *ret)
{
	while (ret->len < max) {
		struct slice rest = slice_of(f->window + f->begin, unread(f));
		size_t at = slice_find(rest, '\n', f->scanned);
		if (at == rest.len) {
			f->scanned = at;
			return;
		}
		take(f, at, 1, ret);
	}
}

/* Whether another file stands at the path now, or this one was cut shorter than what has been read of it. */
static bool is_rotated(const struct file_reader *f)
{
	struct stat now;
	if (!f->follow || stat(f->path, &now) < 0)
		return false;
	return now.st_ino != f->inode || now.st_size < f->offset - f->shift + (int64_t)(unread(f) + f->cut);
}

/* The end of the file was met: a last line without newline counts if no more can come of it, and a new file takes the place of one that is read out. */
static void at_end(struct file_reader *f, struct source_batch *ret, int *ret_errno)
{
	bool rotated = is_rotated(f);
	if (rotated && fill(f, ret_errno)) { /* written between the end and the rotation */
		f->ended = false;
		return;
	}
	if ((rotated || !f->follow) && unread(f) > 0) {
		take(f, unread(f), 0, ret);
		return;
	}
	struct stat st;
	int fd = rotated ? open(f->path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	close(f->fd);
	f->fd = fd;
	f->inode = fstat(fd, &st) < 0 ? 0 : st.st_ino;
	f->shift = f->offset;
	f->ended = false;
	forget_window(f);
}

static int file_poll(struct source_reader *r, size_t max, struct source_batch *ret, struct err *err)
{
	struct file_reader *f = of(r);
	int failed = 0;
	ret->len = ret->held_len = 0;
	take_lines(f, max, ret);
	if (ret->len == 0) {
		f->ended = false;
		while (ret->len == 0 && fill(f, &failed))
			take_lines(f, max, ret);
		if (ret->len == 0 && f->ended)
			at_end(f, ret, &failed);
	}
	ret->at_end = ret->len == 0 && f->ended;
	if (failed)
		return err_set(err, ERR_IO, "%s: %s", f->path, strerror(failed));
	return 0;
}

static void file_release(struct source_reader *r, struct source_batch *batch)
{
	(void)r;
	batch->len = 0;
}

static int file_seek(struct source_reader *r, int64_t offset, struct err *err)
{
	struct file_reader *f = of(r);
	if (offset == f->offset)
		return 0;
	if (f->pipe)
		return err_set(err, ERR_IO, "standard input cannot be read again from offset %lld", (long long)offset);
	if (offset < f->shift) /* in a file that was rotated away: what is left begins here, and the caller counts the gap */
		offset = f->shift;
	if (lseek(f->fd, (off_t)(offset - f->shift), SEEK_SET) < 0)
		return err_set(err, ERR_IO, "%s: seek to %lld: %s", f->path, (long long)offset, strerror(errno));
	forget_window(f);
	f->offset = offset;
	return 0;
}

static void file_close(struct source_reader *r)
{
	struct file_reader *f = of(r);
	if (f->fd > 0)
		close(f->fd);
	free(f->window);
	free(f->path);
	free(f->base.topic);
	free(f);
}

static const struct source_reader_ops file_ops = {.poll = file_poll, .release = file_release, .seek = file_seek, .close = file_close};

int file_source_open(const char *path, bool follow, struct source_reader **ret, struct err *err)
{
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? 0 : open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0)
		return err_set(err, ERR_INPUT, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode)) {
		if (!standard)
			close(fd);
		return err_set(err, ERR_INPUT, "%s: is a directory, not a file of lines", path);
	}
	struct file_reader *f = mem_zalloc(1, sizeof(*f));
	f->base.reset = -1;
	struct buf topic = {0};
	f->base.ops = &file_ops;
	f->path = mem_strdup(slice_str(path));
	f->fd = fd;
	f->pipe = !S_ISREG(st.st_mode);
	f->follow = follow && !f->pipe && !standard;
	f->inode = st.st_ino;
	/* what is redirected to standard input may have been read in part: offset 0 is where it stands */
	f->shift = standard && !f->pipe ? -(int64_t)lseek(fd, 0, SEEK_CUR) : 0;
	f->base.end = f->pipe ? -1 : (int64_t)st.st_size + f->shift;
	if (standard)
		buf_printf(&topic, "file:%s:%lld", path, (long long)clock_wall_ns());
	else
		buf_printf(&topic, "file:%s", path);
	f->base.topic = mem_strdup(buf_slice(&topic));
	buf_done(&topic);
	*ret = &f->base;
	return 0;
}
