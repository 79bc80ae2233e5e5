/* SPDX-License-Identifier: Apache-2.0 */
/* A window of the file is read into one buffer; messages are views into it. The buffer grows to the longest line, at most LINE_MAX_BYTES: what is longer is
 * handed out cut at that length, so that the decoder can refuse it by its size and the lines behind it count as usual. */
#include "source/file.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
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
	int64_t offset;         /* file position of window[begin] */
	bool skipping;          /* inside a line longer than the limit */
};

static struct file_reader *of(struct source_reader *r)
{
	return (struct file_reader *)r;
}

/* Whether another file stands at the path now, and this one is read to its end. */
static void reopen_if_rotated(struct file_reader *f)
{
	struct stat now;
	if (!f->follow || f->pipe || stat(f->path, &now) < 0 || (now.st_ino == f->inode && now.st_size >= f->offset))
		return;
	int fd = open(f->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	close(f->fd);
	f->fd = fd;
	f->inode = now.st_ino;
	/* offsets go on rising: the new file's bytes follow the old one's, so the chain in the journal holds within this run */
	f->begin = f->len = 0;
}

/* Reads more behind what is there; false at the end of what the file has. */
static bool fill(struct file_reader *f, int *ret_errno)
{
	if (f->begin > 0) {
		memmove(f->window, f->window + f->begin, f->len - f->begin);
		f->len -= f->begin;
		f->begin = 0;
	}
	if (f->len == f->cap) {
		f->cap = f->cap ? f->cap * 2 : WINDOW_BYTES;
		f->window = mem_realloc(f->window, f->cap, 1);
	}
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

static void take(struct file_reader *f, size_t len, size_t newline, struct source_batch *ret)
{
	struct source_message *m = &ret->messages[ret->len];
	*m = (struct source_message){.payload = slice_of(f->window + f->begin, len), .offset = f->offset, .next_offset = f->offset + (int64_t)(len + newline)};
	if (len && m->payload.ptr[len - 1] == '\r')
		m->payload.len--;
	f->begin += len + newline;
	f->offset = m->next_offset;
	if (f->skipping) /* the tail of a line whose head was handed out */
		f->skipping = false;
	else
		ret->len++;
}

/* Hands out whole lines of the window. */
static void take_lines(struct file_reader *f, size_t max, struct source_batch *ret)
{
	while (ret->len < max) {
		struct slice rest = slice_of(f->window + f->begin, f->len - f->begin);
		size_t at = slice_find(rest, '\n', 0);
		if (at == rest.len)
			return;
		take(f, at, 1, ret);
	}
}

static void take_tail(struct file_reader *f, struct source_batch *ret)
{
	size_t rest = f->len - f->begin;
	if (rest >= LINE_MAX_BYTES) {
		take(f, rest, 0, ret);
		f->skipping = true;
	} else if (rest > 0 && f->ended && !f->follow) {
		take(f, rest, 0, ret);
	}
}

static int file_poll(struct source_reader *r, size_t max, struct source_batch *ret, struct err *err)
{
	struct file_reader *f = of(r);
	int failed = 0;
	ret->len = ret->held_len = 0;
	take_lines(f, max, ret);
	if (ret->len == 0) {
		f->ended = false;
		while (ret->len == 0 && f->len - f->begin < LINE_MAX_BYTES && fill(f, &failed))
			take_lines(f, max, ret);
		if (ret->len == 0)
			take_tail(f, ret);
		if (ret->len == 0 && f->ended)
			reopen_if_rotated(f);
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
	if (lseek(f->fd, (off_t)offset, SEEK_SET) < 0)
		return err_set(err, ERR_IO, "%s: seek to %lld: %s", f->path, (long long)offset, strerror(errno));
	f->begin = f->len = 0;
	f->offset = offset;
	f->skipping = false;
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
	struct buf topic = {0};
	f->base.ops = &file_ops;
	f->path = mem_strdup(slice_str(path));
	f->fd = fd;
	f->pipe = !S_ISREG(st.st_mode);
	f->follow = follow && !f->pipe;
	f->inode = st.st_ino;
	f->base.end = f->pipe ? -1 : (int64_t)st.st_size;
	if (f->pipe)
		buf_printf(&topic, "file:%s:%lld", path, (long long)clock_wall_ns());
	else
		buf_printf(&topic, "file:%s", path);
	f->base.topic = mem_strdup(buf_slice(&topic));
	buf_done(&topic);
	*ret = &f->base;
	return 0;
}
