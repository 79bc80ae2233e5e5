/* SPDX-License-Identifier: Apache-2.0 */
/*
 * W3C extended logs: IIS', CloudFront's, those of caches and proxies.
 *
 * Idea: the directive that names the fields stands once at a file's beginning and is one record among many of a topic, perhaps in another partition, read by another instance, or before the place where this
 * one started. What a line says may not depend on that, so each field is known by its form: a method, the path behind it, a status, seconds with three decimals. Two layouts are certain:
 *
 *   IIS, in any selection:  .. method path .. status substatus win32 .. [time-taken in ms, last]
 *   others, with an address among them:  .. method [host] path [query] .. status ..,  or  address status .. method .. path  (caches)
 *
 * Ports look like a status as well (443), sizes and times too: a status is one that is assigned, behind the path with at most a user's name between them. Whole numbers whose sense only the directive knows are
 * left alone. Fields are parted by blanks, or by tabs behind a date and a tab. Directives are records of the server's, with their time if they say one.
 * Source: W3C working draft WD-logfile-960323.
 */
#include "record/text_word.h"

#include "base/clock.h"
#include "record/duration.h"

enum { MOST_TOKENS = 32, DATE_TIME = 19, FURTHEST_METHOD = 10 };

struct tokens {
	struct slice at[MOST_TOKENS];
	size_t len;
};

static void split(struct slice rest, char separator, struct tokens *ret)
{
	ret->len = 0;
	while (rest.len && ret->len < MOST_TOKENS) {
		size_t n = slice_find(rest, separator, 0);
		ret->at[ret->len++] = slice_of(rest.ptr, n);
		while (n < rest.len && rest.ptr[n] == separator)
			n++;
		rest = text_rest(rest, n);
	}
}

static bool is_path(struct slice s)
{
	return s.len && s.ptr[0] == '/';
}

/* "10.2.3.4", "::1", "2001:db8::7", with a port or without. */
static bool is_address(struct slice s)
{
	size_t dots = 0, colons = 0;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		dots += c == '.';
		colons += c == ':';
		if (c != '.' && c != ':' && !text_digit(c) && ((c | 32) < 'a' || (c | 32) > 'f'))
			return false;
	}
	return (dots == 3 && text_digit(s.ptr[0])) || (colons >= 2 && dots == 0);
}

static bool is_word(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned)((s.ptr[i] | 32) - 'a') > 25)
			return false;
	return s.len > 0;
}

static bool is_known_method(struct slice s)
{
	static const struct slice methods[] = {{"GET", 3}, {"POST", 4}, {"PUT", 3}, {"HEAD", 4}, {"DELETE", 6}, {"PATCH", 5}, {"OPTIONS", 7}, {"PROPFIND", 8}, {"TRACE", 5}};
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (slice_eq(s, methods[i]))
			return true;
	return false;
}

/* A status that somebody sends. */
static bool is_assigned(struct slice s, int64_t *ret)
{
	static const struct {
		int16_t first, last;
	} ranges[] = {{100, 103}, {200, 208}, {226, 226}, {300, 308}, {400, 442}, {444, 451}, {460, 464}, {494, 499}, {500, 511}, {520, 530}, {598, 599}};
	int64_t number;
	for (size_t i = 0; text_status(s, &number) && i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (number >= ranges[i].first && number <= ranges[i].last) {
			*ret = number;
			return true;
		}
	return false;
}

/* status substatus win32: the first three numbers in a row that begin with a status, behind the path; false if there are none. */
static bool read_iis(const struct tokens *t, struct text_header *h)
{
	int64_t status, number, ms;
	size_t method = 0;
	while (method < 5 && method + 1 < t->len && !(text_is_method(t->at[method]) && is_path(t->at[method + 1])))
		method++;
	if (method == 5 || method + 1 >= t->len)
		return false;
	for (size_t i = method + 2; i + 2 < t->len; i++) {
		if (!text_status(t->at[i], &status) || !slice_to_i64(t->at[i + 1], &number) || !slice_to_i64(t->at[i + 2], &number))
			continue;
		*h = (struct text_header){.status = (int)status, .method = t->at[method], .path = t->at[method + 1]};
		h->has_duration = i + 3 < t->len && slice_to_i64(t->at[t->len - 1], &ms) && ms >= 0 && ms < 86400000;
		if (h->has_duration)
			h->duration_ns = ms * NS_PER_MS;
		return true;
	}
	return false;
}

/* The status behind the path, with no more than a user's name in letters before it; or, as caches have it, behind an address before the method. 0: it is not certain. */
static int64_t status_near(const struct tokens *t, size_t method, size_t path, size_t *ret_at)
{
	int64_t status;
	size_t words = 0;
	for (*ret_at = path + 1; *ret_at < t->len && words < 2; words += is_word(t->at[(*ret_at)++]))
		if (is_assigned(t->at[*ret_at], &status))
			return status;
	for (*ret_at = 1; *ret_at < method; (*ret_at)++)
		if (is_address(t->at[*ret_at - 1]) && is_assigned(t->at[*ret_at], &status))
			return status;
	return 0;
}

static bool any_address(const struct tokens *t)
{
	size_t i = 0;
	while (i < t->len && !is_address(t->at[i]))
		i++;
	return i < t->len;
}

static bool read_other(const struct tokens *t, struct text_header *h)
{
	size_t method = 0, at;
	while (method < FURTHEST_METHOD && method < t->len && !is_known_method(t->at[method]))
		method++;
	size_t path = method + 1;
	while (path < t->len && path < method + 4 && !is_path(t->at[path]))
		path++;
	if (path >= t->len || path == method + 4 || !any_address(t))
		return false;
	int64_t status = status_near(t, method, path, &at);
	*h = (struct text_header){.status = (int)status, .method = t->at[method], .path = t->at[path]};
	for (; status && at < t->len && !h->has_duration; at++)
		h->has_duration = text_is_seconds(t->at[at]) && duration_parse(t->at[at], NS_PER_S, &h->duration_ns);
	return status > 0;
}

bool text_w3c_read(struct slice line, struct text_header *ret)
{
	char separator = line.ptr[10], when[DATE_TIME];
	struct timestamp time;
	struct tokens tokens;
	struct text_header found;
	if ((separator != ' ' && separator != '\t'))
		return false;
	memcpy(when, line.ptr, DATE_TIME);
	when[10] = ' ';
	if (!timestamp_scan(slice_of(when, DATE_TIME), &time) || !time.dated || time.len != DATE_TIME)
		return false;
	struct slice message = slice_trim(text_rest(line, DATE_TIME));
	split(message, separator, &tokens);
	if (!read_iis(&tokens, &found) && !read_other(&tokens, &found))
		return false;
	*ret = found;
	ret->has_time = true;
	ret->time = time;
	ret->severity = text_severity_of_status(found.status);
	ret->message = message;
	return true;
}

bool text_directive_read(struct slice line, struct text_header *ret)
{
	static const struct slice names[] = {{"#Fields: ", 9}, {"#Software: ", 11}, {"#Version: ", 10}, {"#Date: ", 7}, {"#Start-Date: ", 13}, {"#End-Date: ", 11}, {"#Remark: ", 9}};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!slice_starts(line, names[i]))
			continue;
		struct timestamp time;
		*ret = (struct text_header){.severity = SEVERITY_INFO, .message = line};
		ret->has_time = timestamp_scan(text_rest(line, names[i].len), &time) && time.dated;
		if (ret->has_time)
			ret->time = time;
		return true;
	}
	return false;
}
