/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payload of text: one record, or many.
 *
 * Idea: most texts of several lines are one record, whose message goes on or has a stack trace behind it. But who ships a file by blocks, or what gathered in a second, puts many
 * records in a message. A line begins a record if it begins as the first one does:
 *
 *   both have a time, at the same place and in the same spelling: "2026-03-04 09:15:02.481" is not "2026-03-04 09:15:02", which a thread dump writes
 *   neither has, and both have a level with the same signs around it: "INFO:root:", "[WARN] "
 *   both are logfmt, and their first names are the same
 *
 * Any other line belongs to the record before it. Behind a directive of W3C's ("#Fields: ..") each line is a record.
 *
 * Invariant: each byte that is no blank at a line's end is part of exactly one record. What decides are the payload's own lines, nothing that was read before.
 */
#include "record/reader.h"
#include "record/text_header.h"
#include "record/text_word.h"

enum { FURTHEST_TIME = 64 };

enum beginning {
	BEGINNING_NONE,
	BEGINNING_TIME,
	BEGINNING_LEVEL,
	BEGINNING_LOGFMT,
	BEGINNING_DIRECTIVE,
};

/* How a record's first line begins: up to its time's end, up to its message, or its first name. */
struct first_line {
	enum beginning kind;
	struct slice head;
};

static bool is_word(char c)
{
	return text_digit(c) || (unsigned)((c | 32) - 'a') <= 25 || (c & 0x80) || c == '-' || c == '.' || c == '_';
}

/* Beside a time there may be an address of IPv6. */
static bool is_part(char c)
{
	return is_word(c) || c == ':';
}

/* The form of the word or of the sign at s[*at], which it goes behind: of a number its kind is enough, of what stands beside a time so is that it is a word. */
static char next_form(struct slice s, size_t *at, bool words)
{
	char c = s.ptr[*at];
	bool word = words && is_part(c), digit = text_digit(c), blank = c == ' ';
	if (!word && !digit && !blank) {
		*at += 1;
		return c;
	}
	while (*at < s.len && (word ? is_part(s.ptr[*at]) : digit ? text_digit(s.ptr[*at]) : s.ptr[*at] == ' '))
		*at += 1;
	return word ? 'a' : digit ? '0' : ' ';
}

static bool same_form(struct slice a, struct slice b, bool words)
{
	size_t i = 0, j = 0;
	while (i < a.len && j < b.len)
		if (next_form(a, &i, words) != next_form(b, &j, words))
			return false;
	return i == a.len && j == b.len;
}

/* Where the line's time stands; it has one. */
static struct slice find_time(struct slice line)
{
	struct timestamp t;
	for (size_t i = 0; i < line.len && i < FURTHEST_TIME; i++)
		if ((i == 0 || !is_word(line.ptr[i - 1])) && timestamp_scan(text_rest(line, i), &t) && t.len)
			return slice_sub(line, i, t.len);
	return slice_of(line.ptr, 0);
}

static struct slice first_name(struct slice line)
{
	return slice_sub(line, 0, slice_find(line, '=', 0));
}

static void look_at(struct decoder *d, struct slice line, struct first_line *ret)
{
	struct text_header h;
	*ret = (struct first_line){.kind = BEGINNING_NONE};
	if (text_directive_read(line, &h)) {
		ret->kind = BEGINNING_DIRECTIVE;
	} else if (logfmt_is(d, line)) {
		*ret = (struct first_line){.kind = BEGINNING_LOGFMT, .head = first_name(line)};
	} else {
		text_header_read(line, &d->times, &h);
		if (!text_header_tells(&h))
			return;
		ret->kind = h.has_time ? BEGINNING_TIME : BEGINNING_LEVEL;
		ret->head = h.has_time ? find_time(line) : slice_sub(line, 0, (size_t)(h.message.ptr - line.ptr));
		ret->kind = ret->head.len ? ret->kind : BEGINNING_NONE;
	}
}

static bool begins_alike(const struct first_line *first, struct slice first_text, const struct first_line *other, struct slice text)
{
	if (first->kind != other->kind)
		return false;
	if (first->kind == BEGINNING_LOGFMT)
		return slice_eq(first->head, other->head);
	if (first->kind == BEGINNING_LEVEL)
		return same_form(first->head, other->head, true);
	struct slice before = slice_sub(first_text, 0, (size_t)(first->head.ptr - first_text.ptr)), other_before = slice_sub(text, 0, (size_t)(other->head.ptr - text.ptr));
	return same_form(first->head, other->head, false) && same_form(before, other_before, true);
}

/* Most lines of a trace are told by their first byte. */
static bool may_begin(struct slice first, struct slice line)
{
	return line.len && (line.ptr[0] == first.ptr[0] || (is_word(line.ptr[0]) && is_word(first.ptr[0])));
}

static bool begins_record(struct decoder *d, const struct first_line *first, struct slice text, struct slice line)
{
	struct first_line other;
	if (first->kind == BEGINNING_DIRECTIVE)
		return slice_trim(line).len > 0;
	if (first->kind == BEGINNING_NONE || !may_begin(text, line))
		return false;
	look_at(d, line, &other);
	return begins_alike(first, text, &other, line);
}

static struct slice line_at(struct slice text, size_t from)
{
	return slice_sub(text, from, slice_find(text, '\n', from) - from);
}

/* Where the next record behind `from` begins; the text's end if it is the last. */
static size_t next_record(struct decoder *d, const struct first_line *first, struct slice text, size_t from)
{
	for (size_t at = slice_find(text, '\n', from); at < text.len; at = slice_find(text, '\n', at + 1))
		if (begins_record(d, first, text, line_at(text, at + 1)))
			return at + 1;
	return text.len;
}

static __attribute__((noinline)) void read_lines(struct decoder *d, struct slice text)
{
	struct first_line first;
	look_at(d, line_at(text, 0), &first);
	size_t end = next_record(d, &first, text, 0);
	d->many = d->batch = end < text.len;
	for (size_t from = 0; from < text.len; from = end) {
		end = from ? next_record(d, &first, text, from) : end;
		text_log_read(d, end < text.len ? slice_sub(text, from, end - from - 1) : slice_sub(text, from, text.len - from), 0);
	}
}

void text_payload_read(struct decoder *d, struct slice text)
{
	const char *end = text.len ? memchr(text.ptr, '\n', text.len - 1) : NULL;
	if (end)
		read_lines(d, text);
	else
		text_log_read(d, text, 0);
}
