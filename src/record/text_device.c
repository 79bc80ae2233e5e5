/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of network devices and of daemontools.
 *
 * Idea: what Cisco's systems write has a tag, "%SYS-5-CONFIG_I:", that nothing else looks like. It is looked for first; what stands before it (a priority, counters, a time with or without a year and a zone,
 * the device's name) is then read as far as it is understood, and has to hold a time unless it is counters only.
 *
 * Layouts: "<189>29: 000042: *Mar  4 09:15:02.481 UTC: %SYS-5-CONFIG_I: text" (IOS: the star says that the clock is not set, a dot that it may be wrong; "router1: " may stand before the time), "Mar 04 2026 09:15:02 fw1 : %ASA-6-302013: text" (ASA),
 * "2026 Mar  4 09:15:02 sw1 %ETHPORT-5-IF_UP: text" (NX-OS). TAI64N: "@4000000069a7f7e61cb1b6f8 text".
 */
#include "base/clock.h"
#include "record/level.h"
#include "record/text_line.h"
#include "record/text_word.h"

enum { LONGEST_HEAD = 120, TAI_DIGITS = 24 };

static bool is_tag_char(char c)
{
	return (unsigned)(c - 'A') <= 25 || text_digit(c) || c == '_';
}

static size_t tag_word(struct slice s)
{
	size_t n = 0;
	while (n < s.len && is_tag_char(s.ptr[n]))
		n++;
	return n;
}

/* "%FACILITY-5-MNEMONIC: text", the facility perhaps in two words. */
static bool read_tag(struct slice text, struct text_header *h)
{
	size_t from = 1, n = 0;
	for (int words = 0; words < 3; words++, from += n + 1) {
		n = tag_word(text_rest(text, from));
		if (n == 0 || from + n + 1 >= text.len || text.ptr[from + n] != '-')
			return false;
		if (words && n == 1 && (unsigned)(text.ptr[from] - '0') <= 7)
			break;
	}
	size_t mnemonic = from + 2, end = mnemonic + tag_word(text_rest(text, mnemonic));
	if (n != 1 || end == mnemonic || end >= text.len || text.ptr[end] != ':')
		return false;
	h->severity = level_of_number(text.ptr[from] - '0', LEVEL_SYSLOG);
	h->logger = slice_sub(text, 1, from - 2);
	h->message = slice_trim(text_rest(text, end + 1));
	return true;
}

/* The number and the separator behind it, or nothing. */
static struct slice without_number(struct slice s, const char *separator)
{
	size_t n = 0;
	while (n < s.len && text_digit(s.ptr[n]))
		n++;
	return n && slice_starts(text_rest(s, n), slice_str(separator)) ? slice_trim(text_rest(s, n + strlen(separator))) : s;
}

/* "Mar  4 09:15:02", also with the year before or behind the day. */
static bool read_when(struct slice s, struct timestamp *ret)
{
	int64_t year;
	if (timestamp_scan_month(s, ret) || (timestamp_scan(s, ret) && ret->dated))
		return true;
	if (s.len < 20 || s.ptr[4] != ' ' || !slice_to_i64(slice_sub(s, 0, 4), &year) || !timestamp_scan_month(text_rest(s, 5), ret) || !ret->yearless)
		return false;
	ret->ns = timestamp_in_year(ret->ns, year);
	ret->yearless = false;
	return ret->ns > 0;
}

/* "router1: ", as IOS is told to write itself before the time. */
static struct slice without_origin(struct slice s)
{
	size_t end = slice_find(s, ' ', 0);
	return end > 1 && end < s.len && s.ptr[end - 1] == ':' && (unsigned)((s.ptr[0] | 32) - 'a') <= 25 ? slice_trim(text_rest(s, end)) : s;
}

/* What stands before the tag; false if it is not understood. */
static bool read_head(struct slice head, struct text_header *h)
{
	if (head.len && head.ptr[0] == '<')
		head = without_number(text_rest(head, 1), ">");
	for (int i = 0; i < 2; i++)
		head = without_number(head, ": ");
	head = without_origin(head);
	if (head.len && (head.ptr[0] == '*' || head.ptr[0] == '.'))
		head = text_rest(head, 1);
	h->has_time = read_when(head, &h->time);
	return h->has_time || head.len == 0;
}

bool text_device_read(struct slice line, struct text_header *ret)
{
	size_t at = slice_find(slice_sub(line, 0, LONGEST_HEAD), '%', 0);
	struct text_header h = {0};
	if (at + 8 > line.len || line.ptr[at] != '%' || (at && line.ptr[at - 1] != ' ') || !read_tag(text_rest(line, at), &h) || !read_head(slice_trim(slice_sub(line, 0, at)), &h))
		return false;
	*ret = h;
	return true;
}

static int tai_digit(char c)
{
	return text_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool text_tai_read(struct slice line, struct text_header *ret)
{
	/* what the label counts from, as multilog writes it: ten seconds ahead of 1970, leap seconds left out */
	const uint64_t begin = (UINT64_C(1) << 62) + 10;
	uint64_t seconds = 0, ns = 0;
	if (line.len < TAI_DIGITS + 2 || line.ptr[TAI_DIGITS + 1] != ' ')
		return false;
	for (size_t i = 1; i <= TAI_DIGITS; i++) {
		int digit = tai_digit(line.ptr[i]);
		if (digit < 0)
			return false;
		*(i <= 16 ? &seconds : &ns) = (i <= 16 ? seconds : ns) << 4 | (unsigned)digit;
	}
	if (seconds <= begin || seconds - begin > UINT32_MAX * UINT64_C(2) || ns >= NS_PER_S)
		return false;
	text_header_read_inside(slice_trim(text_rest(line, TAI_DIGITS + 2)), ret);
	ret->has_time = true;
	ret->time = (struct timestamp){.ns = timestamp_of_parts((int64_t)(seconds - begin), (int64_t)ns), .dated = true, .zoned = true};
	return true;
}
