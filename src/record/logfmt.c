/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logfmt: key=value key="value with \"quotes\"" flag key= ...
 *
 * Idea: a line is logfmt if it begins with a pair and at least two pairs of it carry names that a logger writes (a level, a time, a message, a logger, a
 * caller); a sentence with "a=1" in it is not. It becomes a document of strings, which the shapes read as they read JSON's.
 */
#include "record/logfmt.h"

#include "record/tape.h"

enum { LEAST_KNOWN = 2, LONGEST_KEY = 128 };

static inline bool is_key_char(char c)
{
	static const bool keys[256] = {['!'] = true, ['#' ... '<'] = true, ['>' ... 'Z'] = true, ['\\' ... 'z'] = true, ['|' ... '~'] = true};
	return keys[(unsigned char)c];
}

static size_t key_len(struct slice text)
{
	size_t n = 0;
	while (n < text.len && n < LONGEST_KEY && is_key_char(text.ptr[n]))
		n++;
	return n;
}

/* Length of the quoted value at the start of text with its quotes; 0 if it does not end. */
static size_t quoted_len(struct slice text)
{
	for (size_t i = 1; i < text.len; i++) {
		if (text.ptr[i] == '\\')
			i++;
		else if (text.ptr[i] == '"')
			return i + 1;
	}
	return 0;
}

static void add_quoted(struct decoder *d, struct slice inside)
{
	static const char from[] = "nrt\"\\/", to[] = "\n\r\t\"\\/";
	buf_reset(&d->scratch);
	for (size_t i = 0; i < inside.len; i++) {
		char c = inside.ptr[i];
		const char *known = c == '\\' && i + 1 < inside.len && inside.ptr[i + 1] ? strchr(from, inside.ptr[i + 1]) : NULL;
		if (known) {
			c = to[known - from];
			i++;
		}
		buf_add_char(&d->scratch, c);
	}
	tape_string(d, buf_slice(&d->scratch));
}

static bool is_logger_key(unsigned key)
{
	switch (key) {
	case KEY_LEVEL: case KEY_LVL: case KEY_SEVERITY: case KEY_LEVEL3: case KEY_MSG: case KEY_MESSAGE: case KEY_TIME: case KEY_TS: case KEY_T: case KEY_TIMESTAMP:
	case KEY_CALLER: case KEY_LOGGER: case KEY_EVENT: case KEY_COMPONENT: case KEY_ERR: case KEY_ERROR: case KEY_SERVICE: case KEY_APP: case KEY_METHOD: case KEY_PATH:
	case KEY_STATUS: case KEY_TRACE_ID: case KEY_TRACEID: case KEY_TRACEID2: case KEY_LEVEL2: case KEY_AT_LEVEL: case KEY_SOURCE: case KEY_SERVICE_NAME:
		return true;
	default:
		return false;
	}
}

/* One pair at the start of *text onto the tape; false if this is no logfmt. */
static bool read_pair(struct decoder *d, struct slice *text, size_t *known)
{
	struct slice key = slice_of(text->ptr, key_len(*text)), rest = slice_sub(*text, key.len, text->len);
	if (key.len == 0)
		return false;
	tape_string(d, key);
	if (rest.len == 0 || rest.ptr[0] != '=') {
		tape_constant(d, 't');
		*text = rest;
		return rest.len == 0 || rest.ptr[0] == ' ' || rest.ptr[0] == '\t';
	}
	rest = slice_sub(rest, 1, rest.len);
	*known += is_logger_key(decoder_key(d, key));
	size_t n = 0;
	if (rest.len && rest.ptr[0] == '"') {
		n = quoted_len(rest);
		if (n == 0)
			return false;
		add_quoted(d, slice_sub(rest, 1, n - 2));
	} else {
		while (n < rest.len && rest.ptr[n] != ' ' && rest.ptr[n] != '\t' && rest.ptr[n] != '\n')
			n++;
		tape_string(d, slice_of(rest.ptr, n));
	}
	*text = slice_sub(rest, n, rest.len);
	return true;
}

/* Linux' audit has pairs that are not logfmt's, and its time in the second of them (text_columns.c). */
static bool is_audit(struct slice text)
{
	struct slice head = slice_sub(text, 0, 160);
	return slice_starts(text, SLICE("type=")) && slice_search(head, SLICE(" msg=audit(")) < head.len;
}

/* Cold lines end here: the first word is no pair. */
static bool begins(struct slice text)
{
	if (!logfmt_may_begin(text))
		return false;
	size_t n = key_len(text);
	return n > 0 && n + 1 < text.len && text.ptr[n] == '=' && text.ptr[n + 1] != '=' && !is_audit(text);
}

static __attribute__((noinline)) bool parse(struct decoder *d, struct slice text, struct json *ret)
{
	size_t known = 0;
	tape_begin(d);
	uint32_t opened = tape_open(d, '{');
	while (text.len) {
		char c = text.ptr[0];
		if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
			text = slice_sub(text, 1, text.len);
		else if (!read_pair(d, &text, &known))
			return false;
	}
	if (known < LEAST_KNOWN)
		return false;
	tape_close(d, opened);
	tape_finish(d, ret);
	return true;
}

bool logfmt_parse(struct decoder *d, struct slice text, struct json *ret)
{
	return begins(text) && parse(d, text, ret);
}

bool logfmt_is(struct decoder *d, struct slice text)
{
	struct json json;
	return logfmt_parse(d, text, &json);
}
