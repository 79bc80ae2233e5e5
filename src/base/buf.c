/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

char *buf_reserve(struct buf *b, size_t n)
{
	if (b->cap - b->len < n) {
		size_t cap = b->cap ? b->cap : 64;
		while (cap - b->len < n)
			cap *= 2;
		b->data = mem_realloc(b->data, cap, 1);
		b->cap = cap;
	}
	return b->data + b->len;
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_reserve(b, n), bytes, n);
	b->len += n;
}

void buf_add_slice(struct buf *b, struct slice s)
{
	buf_add(b, s.ptr, s.len);
}

void buf_add_str(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_add_char(struct buf *b, char c)
{
	*buf_reserve(b, 1) = c;
	b->len++;
}

void buf_add_u64(struct buf *b, uint64_t value)
{
	char text[20];
	size_t at = sizeof(text);
	do {
		text[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	buf_add(b, text + at, sizeof(text) - at);
}

void buf_add_i64(struct buf *b, int64_t value)
{
	if (value < 0)
		buf_add_char(b, '-');
	buf_add_u64(b, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int need = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (need <= 0)
		return;
	char *at = buf_reserve(b, (size_t)need + 1);
	va_start(args, format);
	vsnprintf(at, (size_t)need + 1, format, args);
	va_end(args);
	b->len += (size_t)need;
}

/* Copies s a well-formed stretch at a time, with U+FFFD for every byte that belongs to none. */
static void add_well_formed(struct buf *b, struct slice s, void (*add)(struct buf *, struct slice))
{
	for (;;) {
		size_t good = slice_utf8_prefix(s);
		add(b, slice_of(s.ptr, good));
		if (good == s.len)
			return;
		buf_add_str(b, "\xEF\xBF\xBD");
		s = slice_sub(s, good + 1, s.len);
	}
}

static void add_json_part(struct buf *b, struct slice s)
{
	static const char hex[] = "0123456789abcdef";
	size_t start = 0;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(b, s.ptr + start, i - start);
		start = i + 1;
		const char *short_form = c == '"' ? "\\\"" : c == '\\' ? "\\\\" : c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : NULL;
		if (short_form) {
			buf_add(b, short_form, 2);
		} else {
			char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
			buf_add(b, escape, 6);
		}
	}
	buf_add(b, s.ptr + start, s.len - start);
}

void buf_add_json(struct buf *b, struct slice s)
{
	add_well_formed(b, s, add_json_part);
}

void buf_add_json_string(struct buf *b, struct slice s)
{
	buf_add_char(b, '"');
	buf_add_json(b, s);
	buf_add_char(b, '"');
}

static void add_without_nul(struct buf *b, struct slice s)
{
	size_t start = 0;
	for (size_t at; (at = slice_find(s, 0, start)) < s.len; start = at + 1) {
		buf_add(b, s.ptr + start, at - start);
		buf_add_str(b, "\xEF\xBF\xBD");
	}
	buf_add(b, s.ptr + start, s.len - start);
}

void buf_add_utf8(struct buf *b, struct slice s)
{
	add_well_formed(b, s, add_without_nul);
}

const char *buf_cstr(struct buf *b)
{
	*buf_reserve(b, 1) = 0;
	return b->data;
}
