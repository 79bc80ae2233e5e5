/* SPDX-License-Identifier: Apache-2.0 */
/* The board as a file, written beside it and moved into its place. What is put up is queued for the reader too. */
#include "base/clock.h"
#include "base/mem.h"
#include "journal/board_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NOTICES_MAX = 1024, BYTES_MAX = 1 << 20 };

struct notice {
	char *key, *text; /* text NULL: taken down */
	bool unread;
};

struct file_board {
	struct board board;
	char *path;
	pthread_mutex_t lock;
	struct notice *notices; /* in the order of their last change */
	size_t len, cap;
	struct notice current;  /* what the last read returned */
	bool began;
};

static void notice_done(struct notice *n)
{
	free(n->key);
	free(n->text);
	*n = (struct notice){0};
}

/* Replaces what the key has, at the end. */
static void set(struct file_board *f, struct slice key, struct slice text)
{
	for (size_t i = 0; i < f->len; i++)
		if (slice_eq(slice_str(f->notices[i].key), key)) {
			notice_done(&f->notices[i]);
			f->len--;
			memmove(&f->notices[i], &f->notices[i + 1], (f->len - i) * sizeof(*f->notices));
			break;
		}
	f->notices = mem_grow(f->notices, f->len, &f->cap, sizeof(*f->notices));
	f->notices[f->len++] = (struct notice){.key = mem_strdup(key), .text = text.ptr ? mem_strdup(text) : NULL, .unread = true};
}

static int write_whole(const char *path, struct slice bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640), rc = 0;
	if (fd < 0)
		return -1;
	for (size_t at = 0; rc == 0 && at < bytes.len;) {
		ssize_t n = write(fd, bytes.ptr + at, bytes.len - at);
		if (n > 0)
			at += (size_t)n;
		else if (errno != EINTR)
			rc = -1;
	}
	if (rc == 0)
		rc = fsync(fd);
	return close(fd) < 0 ? -1 : rc;
}

static int save(struct file_board *f, struct err *err)
{
	struct buf bytes = {0}, path = {0};
	for (size_t i = 0; i < f->len; i++)
		if (f->notices[i].text)
			buf_printf(&bytes, "%s\t%s\n", f->notices[i].key, f->notices[i].text);
	buf_printf(&path, "%s.new", f->path);
	int rc = write_whole(buf_cstr(&path), buf_slice(&bytes));
	if (rc == 0)
		rc = rename(buf_cstr(&path), f->path);
	if (rc < 0)
		rc = err_set(err, ERR_IO, "cannot write %s: %s", f->path, strerror(errno));
	buf_done(&bytes);
	buf_done(&path);
	return rc;
}

static int load(struct file_board *f, struct err *err)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	FILE *file = fopen(f->path, "re");
	if (!file)
		return errno == ENOENT ? 0 : err_set(err, ERR_IO, "cannot read %s: %s", f->path, strerror(errno));
	for (size_t bytes = 0; (n = getline(&line, &cap, file)) > 0 && f->len < NOTICES_MAX && (bytes += (size_t)n) < BYTES_MAX;) {
		struct slice all = slice_trim(slice_of(line, (size_t)n));
		size_t tab = slice_find(all, '\t', 0);
		if (tab > 0 && tab < all.len)
			set(f, slice_sub(all, 0, tab), slice_sub(all, tab + 1, all.len));
	}
	free(line);
	fclose(file);
	return 0;
}

static void file_close(struct board *b)
{
	struct file_board *f = (struct file_board *)b;
	for (size_t i = 0; i < f->len; i++)
		notice_done(&f->notices[i]);
	notice_done(&f->current);
	free(f->notices);
	free(f->path);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static int file_put(struct board *b, struct slice key, struct slice text, struct err *err)
{
	struct file_board *f = (struct file_board *)b;
	pthread_mutex_lock(&f->lock);
	int rc = f->len >= NOTICES_MAX ? err_set(err, ERR_LIMIT, "%s holds %d notices: no more", f->path, NOTICES_MAX) : 0;
	if (rc == 0)
		set(f, key, text);
	if (rc == 0)
		rc = save(f, err);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

/* Takes the oldest unread notice; forgets one that was taken down. */
static bool take(struct file_board *f)
{
	for (size_t i = 0; i < f->len; i++) {
		struct notice *n = &f->notices[i];
		if (!n->unread)
			continue;
		n->unread = false;
		f->current = (struct notice){.key = mem_strdup(slice_str(n->key)), .text = n->text ? mem_strdup(slice_str(n->text)) : NULL};
		if (n->text)
			return true;
		notice_done(n);
		f->len--;
		memmove(n, n + 1, (f->len - i) * sizeof(*n));
		return true;
	}
	return false;
}

static int file_read(struct board *b, int64_t timeout_ns, struct board_notice *ret, struct err *err)
{
	struct file_board *f = (struct file_board *)b;
	int64_t until = clock_mono_ns() + timeout_ns;
	bool found;
	(void)err;
	notice_done(&f->current);
	do {
		pthread_mutex_lock(&f->lock);
		found = take(f);
		pthread_mutex_unlock(&f->lock);
		if (found || !f->began)
			break;
		clock_sleep_ns(20 * NS_PER_MS);
	} while (clock_mono_ns() < until);
	if (found) {
		ret->key = slice_str(f->current.key);
		ret->text = slice_str(f->current.text);
		return BOARD_NOTICE;
	}
	bool first = !f->began;
	f->began = true;
	return first ? BOARD_END : BOARD_NOTHING;
}

static const struct board_kind file_kind = {.close = file_close, .put = file_put, .read = file_read};

int board_open_file(const char *path, struct board **ret, struct err *err)
{
	struct file_board *f = mem_zalloc(1, sizeof(*f));
	f->board.kind = &file_kind;
	f->path = mem_strdup(slice_str(path));
	pthread_mutex_init(&f->lock, NULL);
	int rc = load(f, err);
	if (rc < 0)
		file_close(&f->board);
	else
		*ret = &f->board;
	return rc;
}
