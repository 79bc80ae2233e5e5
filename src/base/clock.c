/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <time.h>

static int64_t now(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_wall_ns(void)
{
	return now(CLOCK_REALTIME);
}

int64_t clock_mono_ns(void)
{
	return now(CLOCK_MONOTONIC);
}

void clock_sleep_ns(int64_t ns)
{
	if (ns <= 0)
		return;
	struct timespec t = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
	nanosleep(&t, NULL);
}

void clock_format(struct buf *out, int64_t wall_ns)
{
	int64_t seconds = wall_ns / NS_PER_S, fraction = wall_ns % NS_PER_S;
	if (fraction < 0) {
		fraction += NS_PER_S;
		seconds--;
	}
	time_t when = (time_t)seconds;
	struct tm tm;
	if (!gmtime_r(&when, &tm))
		return;
	buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)fraction);
}

int64_t clock_days(int64_t year, unsigned month, unsigned day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

static int64_t unit_ns(struct slice unit)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {{"ns", 1}, {"us", NS_PER_US}, {"\xC2\xB5s", NS_PER_US}, {"ms", NS_PER_MS}, {"s", NS_PER_S}, {"m", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S}, {"d", 86400 * NS_PER_S}};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (slice_eq(unit, slice_str(units[i].name)))
			return units[i].ns;
	return 0;
}

bool clock_parse_duration(struct slice s, int64_t *ret_ns)
{
	double total = 0;
	if (s.len == 0)
		return false;
	while (s.len > 0) {
		size_t digits = 0;
		while (digits < s.len && ((s.ptr[digits] >= '0' && s.ptr[digits] <= '9') || s.ptr[digits] == '.'))
			digits++;
		size_t end = digits;
		while (end < s.len && (s.ptr[end] < '0' || s.ptr[end] > '9'))
			end++;
		double value;
		int64_t unit = unit_ns(slice_of(s.ptr + digits, end - digits));
		if (!unit || !slice_to_double(slice_of(s.ptr, digits), &value))
			return false;
		total += value * (double)unit;
		s = slice_sub(s, end, s.len);
	}
	if (!(total < 9.2e18))
		return false;
	*ret_ns = (int64_t)(total + 0.5);
	return true;
}
