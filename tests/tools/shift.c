/* SPDX-License-Identifier: Apache-2.0 */
#include "shift.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

static const int64_t NS = 1000000000, DAY_MS = 86400000;

/* One place in a line that holds a time. */
struct place {
	char *at;
	size_t digits; /* of the fraction, or of the number */
	enum { RFC3339, TIME_OF_DAY, UNIX_NANO } form;
	int64_t value; /* ns; of the day for TIME_OF_DAY */
};

static int digits(const char *p, size_t count, int64_t *ret_value)
{
	int64_t value = 0;
	for (size_t i = 0; i < count; i++) {
		if (!isdigit((unsigned char)p[i]))
			return -1;
		value = value * 10 + (p[i] - '0');
	}
	*ret_value = value;
	return 0;
}

static void put(char *p, size_t count, int64_t value)
{
	while (count--) {
		p[count] = (char)('0' + value % 10);
		value /= 10;
	}
}

/* Reads "HH:MM:SS[.fraction]" into ns of the day. */
static int clock_read(struct place *place, const char *p, const char *end)
{
	int64_t h, m, s, fraction = 0;

	if (end - p < 9 || p[2] != ':' || p[5] != ':' || digits(p, 2, &h) || digits(p + 3, 2, &m) || digits(p + 6, 2, &s))
		return -1;
	place->digits = 0;
	if (p[8] == '.')
		while (p + 9 + place->digits < end && place->digits < 9 && isdigit((unsigned char)p[9 + place->digits]))
			place->digits++;
	digits(p + 9, place->digits, &fraction);
	for (size_t i = place->digits; i < 9; i++)
		fraction *= 10;
	place->value = ((h * 60 + m) * 60 + s) * NS + fraction;
	return 0;
}

static void clock_write(const struct place *place, char *p, int64_t ns_of_day)
{
	int64_t fraction = ns_of_day % NS, s = ns_of_day / NS;

	put(p, 2, s / 3600);
	put(p + 3, 2, s / 60 % 60);
	put(p + 6, 2, s % 60);
	for (size_t i = place->digits; i < 9; i++)
		fraction /= 10;
	put(p + 9, place->digits, fraction);
}

static int date_read(struct place *place, char *p, const char *end)
{
	int64_t y, m, d;

	if (end - p < 20 || p[4] != '-' || p[7] != '-' || p[10] != 'T' || digits(p, 4, &y) || digits(p + 5, 2, &m) || digits(p + 8, 2, &d))
		return -1;
	if (clock_read(place, p + 11, end))
		return -1;
	struct tm tm = {.tm_year = (int)y - 1900, .tm_mon = (int)m - 1, .tm_mday = (int)d};
	place->value += (int64_t)timegm(&tm) * NS;
	place->form = RFC3339;
	place->at = p;
	return 0;
}

static void date_write(const struct place *place, int64_t ns)
{
	time_t t = (time_t)(ns / NS);
	struct tm tm;

	gmtime_r(&t, &tm);
	put(place->at, 4, tm.tm_year + 1900);
	put(place->at + 5, 2, tm.tm_mon + 1);
	put(place->at + 8, 2, tm.tm_mday);
	clock_write(place, place->at + 11, ns % (DAY_MS * 1000000));
}

/* Is the value at p that of a key which holds the record's time? p stands at the value's opening quote. */
static int key_is(const char *line, const char *p, const char *key)
{
	size_t len = strlen(key);

	while (p > line && (p[-1] == ' ' || p[-1] == ':'))
		p--;
	return p - line >= (ptrdiff_t)len && !memcmp(p - len, key, len);
}

static int place_at(struct place *place, const char *line, char *quote, const char *end)
{
	static const char *const time_keys[] = {"\"time\"", "\"timestamp\"", "\"@timestamp\"", "\"ts\""};
	char *value = quote + 1;

	if (value >= end || !isdigit((unsigned char)*value))
		return -1;
	if (key_is(line, quote, "UnixNano\"") && end - value > 19 && value[19] == '"' && !digits(value, 19, &place->value)) {
		place->at = value;
		place->form = UNIX_NANO;
		return 0;
	}
	if (key_is(line, quote, "\"log\"") && !clock_read(place, value, end)) {
		place->at = value;
		place->form = TIME_OF_DAY;
		return 0;
	}
	for (size_t i = 0; i < sizeof(time_keys) / sizeof(*time_keys); i++)
		if (key_is(line, quote, time_keys[i]))
			return date_read(place, value, end);
	return -1;
}

/* Next place at or behind *cursor, which moves past it. */
static int place_next(struct place *place, const char *line, char **cursor, const char *end)
{
	for (char *quote; (quote = memchr(*cursor, '"', (size_t)(end - *cursor)));) {
		*cursor = quote + 1;
		if (!place_at(place, line, quote, end))
			return 1;
	}
	return 0;
}

int64_t shift_newest(const char *line, size_t len)
{
	char *cursor = (char *)(uintptr_t)line;
	struct place place;
	int64_t newest = INT64_MIN;

	while (place_next(&place, line, &cursor, line + len))
		if (place.form != TIME_OF_DAY && place.value > newest)
			newest = place.value;
	return newest;
}

void shift_line(char *line, size_t len, int64_t delta_ns)
{
	char *cursor = line;
	struct place place;
	const int64_t day = DAY_MS * 1000000;

	while (place_next(&place, line, &cursor, line + len)) {
		if (place.form == UNIX_NANO)
			put(place.at, 19, place.value + delta_ns);
		else if (place.form == RFC3339)
			date_write(&place, place.value + delta_ns);
		else
			clock_write(&place, place.at, ((place.value + delta_ns) % day + day) % day);
	}
}
