/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/clock.h"
#include "base/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* What a clock shows: year, month, day, hour, minute. */
struct shown {
	int64_t year;
	unsigned month, day, hour, minute;
};

static int64_t ns_of(struct shown s)
{
	return (clock_days(s.year, s.month, s.day) * 86400 + s.hour * 3600 + s.minute * 60) * NS_PER_S;
}

static const struct zone *loaded(struct arena *arena, const char *name)
{
	struct err err = {0};
	const struct zone *zone = NULL;
	if (zone_load(name, arena, &zone, &err))
		fail_msg("%s: %s", name, err.text);
	return zone;
}

static void a_clock_is_moved_by_what_its_zone_is_from_utc_at_that_time(void **state)
{
	(void)state;
	static const struct {
		const char *zone;
		struct shown local, utc;
	} times[] = {
		{"UTC", {2026, 3, 4, 9, 15}, {2026, 3, 4, 9, 15}},
		{"+01:00", {2026, 3, 4, 9, 15}, {2026, 3, 4, 8, 15}},
		{"-0530", {2026, 3, 4, 22, 15}, {2026, 3, 5, 3, 45}},
		{"+9", {2026, 3, 4, 3, 15}, {2026, 3, 3, 18, 15}},
		{"+14", {2026, 1, 1, 0, 0}, {2025, 12, 31, 10, 0}},
		{"Europe/Berlin", {2026, 3, 4, 9, 15}, {2026, 3, 4, 8, 15}},
		{"Europe/Berlin", {2026, 7, 4, 9, 15}, {2026, 7, 4, 7, 15}},
		{"Europe/Berlin", {2026, 3, 29, 1, 59}, {2026, 3, 29, 0, 59}},
		{"Europe/Berlin", {2026, 3, 29, 3, 0}, {2026, 3, 29, 1, 0}},
		{"Europe/Berlin", {2026, 3, 29, 2, 30}, {2026, 3, 29, 1, 30}}, /* was left out */
		{"Europe/Berlin", {2026, 10, 25, 1, 59}, {2026, 10, 24, 23, 59}},
		{"Europe/Berlin", {2026, 10, 25, 2, 30}, {2026, 10, 25, 0, 30}}, /* came twice: the first */
		{"Europe/Berlin", {2026, 10, 25, 3, 0}, {2026, 10, 25, 2, 0}},
		{"America/New_York", {2026, 3, 8, 1, 59}, {2026, 3, 8, 6, 59}},
		{"America/New_York", {2026, 3, 8, 3, 0}, {2026, 3, 8, 7, 0}},
		{"America/New_York", {2026, 11, 1, 1, 30}, {2026, 11, 1, 5, 30}},
		{"America/New_York", {2026, 11, 1, 2, 0}, {2026, 11, 1, 7, 0}},
		{"Asia/Kolkata", {2026, 7, 4, 9, 15}, {2026, 7, 4, 3, 45}},
		{"Asia/Kathmandu", {2026, 7, 4, 9, 15}, {2026, 7, 4, 3, 30}},
		{"Australia/Lord_Howe", {2026, 1, 4, 9, 15}, {2026, 1, 3, 22, 15}}, /* half an hour of summer time */
		{"Australia/Lord_Howe", {2026, 7, 4, 9, 15}, {2026, 7, 3, 22, 45}},
		{"America/Sao_Paulo", {2018, 12, 1, 12, 0}, {2018, 12, 1, 14, 0}},
		{"America/Sao_Paulo", {2026, 12, 1, 12, 0}, {2026, 12, 1, 15, 0}}, /* has no summer time any more */
	};
	struct arena arena = {0};
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t got = zone_to_utc(loaded(&arena, times[i].zone), ns_of(times[i].local));
		if (got != ns_of(times[i].utc))
			fail_msg("%s, number %zu: %lld s off", times[i].zone, i, (long long)((got - ns_of(times[i].utc)) / NS_PER_S));
	}
	arena_done(&arena);
}

/* The library's own answer, the other way round. */
static void what_a_clock_shows_at_any_time_leads_back_to_that_time(void **state)
{
	(void)state;
	static const char *const names[] = {"Europe/Berlin", "America/New_York", "Africa/Casablanca", "Asia/Tehran", "Pacific/Apia", "Australia/Lord_Howe"};
	struct arena arena = {0};
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		const struct zone *zone = loaded(&arena, names[n]);
		size_t twice = 0;
		setenv("TZ", names[n], 1);
		tzset();
		for (time_t t = 946684800; t < 2100000000; t += 1811) {
			struct tm tm;
			localtime_r(&t, &tm);
			int64_t shown = ((int64_t)t + tm.tm_gmtoff) * NS_PER_S, back = zone_to_utc(zone, shown) / NS_PER_S;
			if (back == t)
				continue;
			struct tm other;
			time_t first = (time_t)back;
			localtime_r(&first, &other);
			/* the second of two hours that look the same */
			if (back > t || first + other.tm_gmtoff != t + tm.tm_gmtoff)
				fail_msg("%s at %lld: %lld", names[n], (long long)t, (long long)back);
			twice++;
		}
		if (twice > 400)
			fail_msg("%s: %zu times are not unique", names[n], twice);
	}
	unsetenv("TZ");
	tzset();
	arena_done(&arena);
}

static void what_is_no_zone_is_refused_with_the_nearest_name(void **state)
{
	(void)state;
	static const struct {
		const char *name, *says;
	} wrong[] = {
		{"Europe/Berln", "did you mean \"Europe/Berlin\"?"}, {"America/New York", "did you mean \"America/New_York\"?"}, {"Middle/Earth", "\"Middle/Earth\" is neither"}, {"", "neither"}, {"+", "neither"},
		{"+25", "neither"}, {"+01:60", "neither"}, {"+1:00x", "neither"}, {"- 5", "neither"}, {"../../etc/passwd", "neither"}, {"/usr/share/zoneinfo/Europe/Berlin", "neither"}, {"Europe", "neither"},
		{"zone1970.tab", "neither"},
	};
	struct arena arena = {0};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct err err = {0};
		const struct zone *zone;
		if (zone_load(wrong[i].name, &arena, &zone, &err) != ERR_INPUT || !strstr(err.text, wrong[i].says))
			fail_msg("\"%s\": %s", wrong[i].name, err.text);
	}
	arena_done(&arena);
}

static void the_process_keeps_its_own_zone(void **state)
{
	(void)state;
	struct arena arena = {0};
	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	loaded(&arena, "Europe/Berlin");
	assert_string_equal(getenv("TZ"), "Asia/Tokyo");
	time_t t = 0;
	struct tm tm;
	assert_int_equal(localtime_r(&t, &tm)->tm_hour, 9);
	unsetenv("TZ");
	tzset();
	loaded(&arena, "Europe/Berlin");
	assert_null(getenv("TZ"));
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clock_is_moved_by_what_its_zone_is_from_utc_at_that_time),
		cmocka_unit_test(what_a_clock_shows_at_any_time_leads_back_to_that_time),
		cmocka_unit_test(what_is_no_zone_is_refused_with_the_nearest_name),
		cmocka_unit_test(the_process_keeps_its_own_zone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
