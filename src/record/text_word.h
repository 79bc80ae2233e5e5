/* SPDX-License-Identifier: Apache-2.0 */
/* Words of a line of text, for the readers of layouts (text_line.c, text_frame.c, text_proxy.c). Private to the room. */
#ifndef WINNOW_RECORD_TEXT_WORD_H
#define WINNOW_RECORD_TEXT_WORD_H

#include "record/text_header.h"

static inline bool text_digit(char c)
{
	return (unsigned)(c - '0') <= 9;
}

static inline struct slice text_rest(struct slice s, size_t from)
{
	return slice_sub(s, from, s.len);
}

/* Takes the next word and the blanks behind it off *rest. */
static inline struct slice text_word(struct slice *rest)
{
	size_t n = slice_find(*rest, ' ', 0), from = n;
	struct slice found = slice_of(rest->ptr, n);
	while (from < rest->len && rest->ptr[from] == ' ')
		from++;
	*rest = text_rest(*rest, from);
	return found;
}

static inline enum severity text_severity_of_status(int64_t status)
{
	return status >= 500 ? SEVERITY_ERROR : status >= 400 ? SEVERITY_WARN : SEVERITY_INFO;
}

static inline bool text_is_method(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 'A' || s.ptr[i] > 'Z')
			return false;
	return s.len >= 3 && s.len <= 10;
}

static inline bool text_status(struct slice s, int64_t *ret)
{
	return s.len == 3 && slice_to_i64(s, ret) && *ret >= 100 && *ret <= 599;
}

/* nginx' and CloudFront's way to write seconds: with three decimals. */
static inline bool text_is_seconds(struct slice s)
{
	double number;
	return s.len >= 5 && s.ptr[s.len - 4] == '.' && text_digit(s.ptr[0]) && slice_to_double(s, &number);
}

/* text_w3c.c: a line of a W3C extended log of more than 30 bytes that begins with a date and has the same byte behind it and behind the time; a line that says how those are to be read, "#Fields: ..". */
bool text_w3c_read(struct slice line, struct text_header *ret);
bool text_directive_read(struct slice line, struct text_header *ret);
/* text_proxy.c: a line that a proxy or a load balancer wrote about a request. */
bool text_proxy_read(struct slice line, struct text_header *ret);
/* text_device.c: a line of a network device; one with a TAI64N label, which carries another line. */
bool text_device_read(struct slice line, struct text_header *ret);
bool text_tai_read(struct slice line, struct text_header *ret);
/* text_columns.c: lines of at least 16 bytes whose fields stand in a fixed order: S3's, with a blank behind 64 bytes; such as begin with a number; "type=.."; PostgreSQL's, with a comma behind the time. */
bool text_s3_read(struct slice line, struct text_header *ret);
bool text_numbers_read(struct slice line, struct text_header *ret);
bool text_audit_read(struct slice line, struct text_header *ret);
bool text_csvlog_read(struct slice line, struct text_header *ret);
/* text_report.c: several lines whose first begins with '=', with "# ", with 'R'. */
bool text_erlang_read(struct slice line, struct text_header *ret);
bool text_slow_query_read(struct slice line, struct text_header *ret);
bool text_lambda_read(struct slice line, struct text_header *ret);
/* text_frame.c: a line whose time is in words, or that carries another line. */
bool text_frame_read(struct slice line, struct text_header *ret);

#endif
