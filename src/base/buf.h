/* SPDX-License-Identifier: Apache-2.0 */
/* A growable run of bytes, owned. Zero-initialise, append, buf_done. */
#ifndef WINNOW_BASE_BUF_H
#define WINNOW_BASE_BUF_H

#include "base/slice.h"

struct buf {
	char *data;
	size_t len;
	size_t cap;
};

void buf_done(struct buf *b);
static inline void buf_reset(struct buf *b)
{
	b->len = 0;
}
static inline struct slice buf_slice(const struct buf *b)
{
	return slice_of(b->data, b->len);
}
/* Makes room for n more bytes and returns where they go; the caller advances len. */
char *buf_reserve(struct buf *b, size_t n);
void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_add_slice(struct buf *b, struct slice s);
void buf_add_str(struct buf *b, const char *text);
void buf_add_char(struct buf *b, char c);
void buf_add_u64(struct buf *b, uint64_t value);
void buf_add_i64(struct buf *b, int64_t value);
/* printf into the buffer; cold paths only. */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends s as the inside of a JSON string: quotes, backslashes and controls escaped, bytes that are not UTF-8 as U+FFFD. No quotes around. */
void buf_add_json(struct buf *b, struct slice s);
/* The same with quotes around it. */
void buf_add_json_string(struct buf *b, struct slice s);
/* Appends s with every ill-formed UTF-8 sequence replaced by U+FFFD and NUL bytes too: what a label value may hold. */
void buf_add_utf8(struct buf *b, struct slice s);
/* The text as a C string (NUL behind the end, not counted in len). */
const char *buf_cstr(struct buf *b);

#endif
