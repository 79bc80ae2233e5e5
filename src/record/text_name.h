/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of text headers ask of characters, tokens, names and ids. Private to the room. */
#ifndef WINNOW_RECORD_TEXT_NAME_H
#define WINNOW_RECORD_TEXT_NAME_H

#include "record/text_block.h"
#include "record/text_header.h"

enum { LONGEST_TOKEN = 200 };

enum { DIGIT = 1, LETTER = 2, WORD = 4, ID = 8, LOGGER = 16, BLANK = 32, LEVEL_END = 64, SEPARATOR = 128, TOKEN_END = 256 };

extern const unsigned short text_classes[256];

static inline bool is(char c, unsigned what)
{
	return text_classes[(unsigned char)c] & what;
}

static inline bool is_blank(char c)
{
	return is(c, BLANK);
}

static inline bool is_word_char(char c)
{
	return is(c, WORD);
}

/* Of sixteen bytes those that end a token, as bits. */
static inline unsigned token_ends(block c)
{
	return block_bits(block_is(c, ' ') | block_is(c, '\t') | block_is(c, '\n'));
}

static inline struct slice token(struct slice text)
{
	size_t n = 0;
	size_t most = text.len < LONGEST_TOKEN ? text.len : LONGEST_TOKEN;
	for (unsigned ends; n + BLOCK <= most; n += BLOCK)
		if ((ends = token_ends(block_load(text.ptr + n))))
			return slice_of(text.ptr, n + (unsigned)__builtin_ctz(ends));
	while (n < most && !is(text.ptr[n], TOKEN_END))
		n++;
	return slice_of(text.ptr, n);
}

/* What is left behind n bytes, of which there are as many. */
static inline struct slice behind(struct slice text, size_t n)
{
	return slice_of(text.ptr + n, text.len - n);
}

static inline struct slice after_blanks(struct slice text)
{
	size_t n = 0;
	while (n < text.len && is_blank(text.ptr[n]))
		n++;
	return behind(text, n);
}

static inline size_t word_len(struct slice text)
{
	size_t n = 0;
	while (n < text.len && is_word_char(text.ptr[n]))
		n++;
	return n;
}

/* text_time.c: timestamp_scan, from memory if it can be (times, NULL: there is none). */
bool text_time_scan(struct slice text, struct time_memos *times, struct timestamp *ret);

/* text_element.c: an element that few loggers write; the bytes used, or 0. first: nothing was read before it. */
size_t text_element_read(struct text_header *h, struct slice text, bool first);
/* klog's and glog's "E0304 09:15:02.481203   41 store.go:118]", newer glog's with the year, CockroachDB's with two digits of it, of text of 20 bytes or more that begins with the letter. */
size_t text_klog_read(struct text_header *h, struct slice text);

/* text_id.c: the length of an id's digits at the start of text. */
size_t text_id_len(struct slice text);
/* key, ':' or '=', blanks, id; the bytes used, or 0. */
size_t text_id_read(struct text_header *h, struct slice text);
/* Whether a key of an id may begin there; false for nearly every word: two letters tell most words from "trace", "span", "x-b3-" and "dd." at once. */
static inline bool text_id_begins(struct slice text)
{
	if (text.len < 8)
		return false;
	unsigned first = (unsigned char)text.ptr[0] | 32U, two = first << 8 | (unsigned char)text.ptr[1] | 32U;
	return two == ('t' << 8 | 'r') || two == ('s' << 8 | 'p') || two == ('d' << 8 | 'd') || (first == 'x' && !is(text.ptr[1], LETTER));
}

/* text_name.c: lengths of a logger's name at the start of text, its line number included; 0 if it does not look like one. ret_own: of the name alone, if that is less. */
size_t text_logger_len(struct slice text, size_t *ret_own);
/* Loguru's "name:function:line - ", logback's "name:line - ": all but the separator. */
size_t text_loguru_len(struct slice text, size_t *ret_name);
/* Rust's "shop::pay: ": all but the colon. */
size_t text_module_len(struct slice text);

#endif
