/* SPDX-License-Identifier: Apache-2.0 */
#include "record/duration.h"

#include "base/clock.h"

static const double LONGEST_NS = 100.0 * 365 * 86400 * 1e9;

bool duration_of(double number, int64_t unit, int64_t *ret_ns)
{
	double ns = number * (double)unit;
	if (!(ns >= 0 && ns <= LONGEST_NS))
		return false;
	*ret_ns = (int64_t)(ns + 0.5);
	return true;
}

static bool is_digit(struct slice text, size_t n)
{
	return n < text.len && (unsigned)(text.ptr[n] - '0') <= 9;
}

/* Digits, a point, "e-3". */
static size_t number_len(struct slice text)
{
	size_t n = 0;
	while (is_digit(text, n) || (n < text.len && text.ptr[n] == '.'))
		n++;
	bool exponent = n && n + 1 < text.len && (text.ptr[n] | 32) == 'e', sign = exponent && (text.ptr[n + 1] == '-' || text.ptr[n + 1] == '+');
	if (exponent && is_digit(text, n + 1 + sign))
		for (n += 1 + sign; is_digit(text, n);)
			n++;
	return n;
}

static int64_t unit_of(struct slice name)
{
	static const struct {
		struct slice name;
		int64_t ns;
	} units[] = {{{"ms", 2}, NS_PER_MS}, {{"s", 1}, NS_PER_S}, {{"us", 2}, NS_PER_US}, {{"\xC2\xB5s", 3}, NS_PER_US}, {{"\xCE\xBCs", 3}, NS_PER_US},
		{{"ns", 2}, 1}, {{"m", 1}, 60 * NS_PER_S}, {{"h", 1}, 3600 * NS_PER_S}, {{"d", 1}, 86400 * NS_PER_S}, {{"sec", 3}, NS_PER_S}, {{"secs", 4}, NS_PER_S}, {{"second", 6}, NS_PER_S}, {{"seconds", 7}, NS_PER_S},
		{{"msec", 4}, NS_PER_MS}, {{"millis", 6}, NS_PER_MS}, {{"millisecond", 11}, NS_PER_MS}, {{"milliseconds", 12}, NS_PER_MS}, {{"usec", 4}, NS_PER_US}, {{"micros", 6}, NS_PER_US}, {{"microseconds", 12}, NS_PER_US},
		{{"nanos", 5}, 1}, {{"nanoseconds", 11}, 1}, {{"min", 3}, 60 * NS_PER_S}, {{"minute", 6}, 60 * NS_PER_S}, {{"minutes", 7}, 60 * NS_PER_S}, {{"hour", 4}, 3600 * NS_PER_S}, {{"hours", 5}, 3600 * NS_PER_S}};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (slice_eq(units[i].name, name))
			return units[i].ns;
	return 0;
}

/* hh:mm:ss.fraction, with .NET's days and a point before it */
static bool time_span(struct slice text, int64_t *ret_ns)
{
	int64_t hours, minutes, days = 0;
	double seconds;
	size_t point = slice_find(text, '.', 0);
	if (point + 8 < text.len && slice_find(text, ':', 0) == point + 3 && slice_to_i64(slice_sub(text, 0, point), &days))
		text = slice_sub(text, point + 1, text.len);
	if (text.len < 8 || text.ptr[2] != ':' || text.ptr[5] != ':')
		return false;
	if (!slice_to_i64(slice_sub(text, 0, 2), &hours) || !slice_to_i64(slice_sub(text, 3, 2), &minutes) || !slice_to_double(slice_sub(text, 6, text.len), &seconds))
		return false;
	return duration_of((double)days * 86400 + (double)(hours * 3600 + minutes * 60) + seconds, NS_PER_S, ret_ns);
}

/* "P1D" before a T: seconds; negative if it is something else. */
static double iso_days(struct slice text)
{
	double number;
	if (text.len == 1)
		return 0;
	return text.ptr[text.len - 1] == 'D' && slice_to_double(slice_sub(text, 1, text.len - 2), &number) && number >= 0 ? number * 86400 : -1;
}

/* "PT1H2M3.5S", "P1DT1H", as Java's Duration and its like write themselves. */
static bool iso_duration(struct slice text, int64_t *ret_ns)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = {{'H', 3600}, {'M', 60}, {'S', 1}};
	double total, number;
	size_t t = text.len >= 4 && text.ptr[0] == 'P' ? slice_find(text, 'T', 0) : text.len;
	if (t == text.len || (total = iso_days(slice_of(text.ptr, t))) < 0)
		return false;
	text = slice_sub(text, t + 1, text.len);
	for (size_t u = 0; text.len; u++) {
		size_t n = number_len(text);
		while (u < 3 && n < text.len && text.ptr[n] != units[u].letter)
			u++;
		if (n == 0 || n == text.len || u >= 3 || !slice_to_double(slice_sub(text, 0, n), &number) || number < 0)
			return false;
		total += number * (double)units[u].seconds;
		text = slice_sub(text, n + 1, text.len);
	}
	return duration_of(total, NS_PER_S, ret_ns);
}

/* "0.184s", "12ms": digits few enough that a double holds them, and the unit nearly every writer uses. */
static bool usual(struct slice text, int64_t *ret_ns)
{
	static const double tens[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	uint64_t value = 0;
	size_t n = 0, places = 0;
	bool milli = text.len > 2 && text.ptr[text.len - 2] == 'm';
	if (text.len < 2 || text.len > 16 || text.ptr[text.len - 1] != 's')
		return false;
	for (size_t end = text.len - 1 - milli; n < end; n++) {
		unsigned digit = (unsigned)(text.ptr[n] - '0');
		if (digit <= 9)
			value = value * 10 + digit;
		else if (text.ptr[n] == '.' && places == 0 && n > 0 && n + 1 < end)
			places = end - 1 - n;
		else
			return false;
	}
	return duration_of((double)value / tens[places] * (double)(milli ? NS_PER_MS : NS_PER_S), 1, ret_ns);
}

bool duration_parse(struct slice text, int64_t unit, int64_t *ret_ns)
{
	double total = 0, number;
	bool named = false;
	if (usual(text, ret_ns))
		return true;
	text = slice_trim(text);
	if (time_span(text, ret_ns) || iso_duration(text, ret_ns))
		return true;
	if (text.len == 0)
		return false;
	while (text.len > 0) {
		size_t n = number_len(text), u;
		if (!slice_to_double(slice_sub(text, 0, n), &number))
			return false;
		text = slice_trim(slice_sub(text, n, text.len));
		for (u = 0; u < text.len && (unsigned)(text.ptr[u] - '0') > 9 && text.ptr[u] != ' '; u++)
			;
		int64_t ns = u ? unit_of(slice_sub(text, 0, u)) : named ? 0 : unit;
		if (ns == 0)
			return false;
		named = true;
		total += number * (double)ns;
		text = slice_trim(slice_sub(text, u, text.len));
	}
	return duration_of(total, 1, ret_ns);
}
