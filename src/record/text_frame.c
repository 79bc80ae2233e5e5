/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines whose time is in words, or that carry another line.
 *
 * Layouts: java.util.logging's two lines; NestJS's `[Nest] 41  - 03/04/2026, 9:15:02 AM     LOG [Orders] text`; ctime's `Wed Mar  4 09:15:02 2026 text`;
 * Logstash's plain output, `2026-03-04T09:15:02.481Z host text`.
 */
#include "record/level.h"
#include "record/text_line.h"
#include "record/text_word.h"

enum { LONGEST_HOST = 160 };

/* java.util.logging's two lines: "Mar 04, 2026 9:15:02 AM shop.pay.Charge run", then "SEVERE: text" and perhaps a trace. */
static bool read_jul(struct slice line, struct text_header *h)
{
	struct slice first = slice_sub(line, 0, slice_find(line, '\n', 0)), second = text_rest(line, first.len + 1);
	struct timestamp time;
	size_t half = slice_search(slice_sub(first, 0, 32), SLICE("M ")), colon = slice_find(slice_sub(second, 0, 16), ':', 0);
	if (half + 2 >= first.len || half < 18 || half > 26 || !timestamp_parse_words(slice_sub(first, 0, half + 1), &time) || time.yearless)
		return false;
	struct slice name = text_rest(first, half + 2);
	enum severity severity = colon < second.len && second.ptr[colon] == ':' ? level_parse(slice_sub(second, 0, colon), LEVEL_WORDS) : SEVERITY_UNKNOWN;
	*h = (struct text_header){.has_time = true, .time = time, .severity = severity, .logger = text_word(&name), .message = severity ? slice_trim(text_rest(second, colon + 1)) : text_rest(first, half + 2)};
	return true;
}

/* "[Nest] 41  - 03/04/2026, 9:15:02 AM     LOG [Orders] text" */
static bool read_nest(struct slice line, struct text_header *h)
{
	struct timestamp time;
	size_t dash = slice_search(slice_sub(line, 0, 24), SLICE("- ")), half = slice_search(slice_sub(line, 0, 60), SLICE("M "));
	if (!slice_starts(line, SLICE("[Nest] ")) || dash >= 24 || half + 2 >= line.len || half < dash || !timestamp_parse_words(slice_trim(slice_sub(line, dash + 1, half - dash)), &time) || time.yearless)
		return false;
	struct slice rest = slice_trim(text_rest(line, half + 2)), level = text_word(&rest);
	size_t end = rest.len && rest.ptr[0] == '[' ? slice_find(rest, ']', 0) : rest.len;
	*h = (struct text_header){.has_time = true, .time = time, .severity = level_parse(level, LEVEL_WORDS), .message = rest};
	if (end < rest.len) {
		h->logger = slice_sub(rest, 1, end - 1);
		h->message = slice_trim(text_rest(rest, end + 1));
	}
	return true;
}

/* "Wed Mar  4 09:15:02 2026 text": ctime's; the text may have a header of its own. */
static bool read_ctime(struct slice line, struct text_header *h)
{
	enum { CTIME = 24 };
	struct timestamp time;
	if (line.len <= CTIME + 1 || line.ptr[CTIME] != ' ' || line.ptr[13] != ':' || !timestamp_parse_words(slice_sub(line, 0, CTIME), &time) || time.yearless)
		return false;
	text_header_read_inside(slice_trim(text_rest(line, CTIME)), h);
	h->has_time = true;
	h->time = time;
	return true;
}

/* What a word is made of. */
struct word_marks {
	size_t digits, letters, dots;
	size_t tail; /* digits at its end */
	bool wrong;  /* holds what no host's name does */
};

static struct word_marks marks_of(struct slice s)
{
	struct word_marks m = {0};
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool digit = text_digit(c), letter = c >= 'a' && c <= 'z', between = i && i + 1 < s.len;
		m.digits += digit;
		m.letters += letter;
		m.dots += c == '.';
		m.tail = digit ? m.tail + 1 : 0;
		m.wrong |= !digit && !letter && !(between && (c == '-' || c == '.'));
	}
	return m;
}

/* A host's name that can hardly be a word of a sentence: "web-1", "node-12", "web01", "ip-10-0-0-7", "a.shop.internal", "10.2.3.4"; not "v1.2.3", not "order-81422". */
static bool is_host(struct slice s)
{
	struct word_marks m = marks_of(s);
	if (m.wrong || s.len < 3)
		return false;
	if (text_digit(s.ptr[0]))
		return m.dots == 3 && m.letters == 0;
	if (m.dots)
		return !(s.ptr[0] == 'v' && text_digit(s.ptr[1]));
	return (m.tail >= 1 && m.tail <= 3) || slice_starts(s, SLICE("ip-"));
}

/* The host that Logstash writes behind its time: a word, or "{name=host}", or "%{host}" where there is none. What follows it; empty if it is no host. */
static struct slice after_host(struct slice rest)
{
	static const struct slice braces[] = {{"{name=", 6}, {"{hostname=", 10}, {"%{host}", 7}};
	size_t brace = slice_find(slice_sub(rest, 0, LONGEST_HOST), '}', 0);
	for (size_t i = 0; i < sizeof(braces) / sizeof(braces[0]); i++)
		if (slice_starts(rest, braces[i]) && brace + 2 < rest.len && rest.ptr[brace + 1] == ' ')
			return text_rest(rest, brace + 2);
	return is_host(text_word(&rest)) ? rest : slice_of(NULL, 0);
}

/* Logstash's plain output: "2026-03-04T09:15:02.481Z host text"; the text may have a header of its own. */
static bool read_logstash(struct slice line, struct text_header *h)
{
	enum { SECONDS = 19, LONGEST_TIME = 30 };
	struct timestamp time;
	size_t blank = slice_find(slice_sub(line, 0, LONGEST_TIME + 1), ' ', SECONDS);
	if (line.len < LONGEST_TIME || line.ptr[SECONDS] != '.' || blank > LONGEST_TIME || blank + 1 >= line.len || line.ptr[blank] != ' ' || line.ptr[blank - 1] != 'Z')
		return false;
	struct slice text = after_host(text_rest(line, blank + 1));
	if (text.len == 0 || !timestamp_scan(line, &time) || time.len != blank)
		return false;
	text_header_read_inside(text, h);
	h->contained = true;
	h->container = time;
	if (!h->has_time) {
		h->has_time = true;
		h->time = time;
	}
	return true;
}

bool text_frame_read(struct slice line, struct text_header *ret)
{
	char c = line.ptr[0];
	if (line.len < 20)
		return false;
	if (text_digit(c))
		return read_logstash(line, ret);
	return c == '[' ? read_nest(line, ret) : read_jul(line, ret) || read_ctime(line, ret);
}
