/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idea: the C library knows the database but only one zone at a time, and asking it is slow and not for threads. So at start it is asked once for every day from
 * 1999 to 2100 how far a zone is from UTC; where two days differ, the second of the change is found by halving. What is left is a table of some 200 changes.
 *
 *     until[i]: the local time, as if it were UTC, up to which east[i] holds; the last one holds for ever
 *
 * At a change from a to b seconds east at UTC second t, local times up to t + max(a, b) are taken to be before it: of an hour that comes twice (b < a) the first one,
 * and one that is left out (b > a) is a clock that was not put forward yet.
 */
#include "base/zone.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { DAY = 86400, NAMES_MAX = 2000, FARTHEST = 18 * 3600 };

struct zone {
	const char *name;
	int64_t *until_ns;
	int32_t *east;
	size_t len, cap; /* of until_ns; east has one more */
};

int64_t zone_to_utc(const struct zone *z, int64_t local_ns)
{
	size_t low = 0, high = z->len;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (local_ns < z->until_ns[middle])
			high = middle;
		else
			low = middle + 1;
	}
	int64_t east_ns = z->east[low] * NS_PER_S, utc_ns;
	return __builtin_sub_overflow(local_ns, east_ns, &utc_ns) ? local_ns : utc_ns;
}

const char *zone_name(const struct zone *z)
{
	return z->name;
}

static int32_t east_at(time_t t)
{
	struct tm tm;
	return localtime_r(&t, &tm) ? (int32_t)tm.tm_gmtoff : 0;
}

static void add_change(struct zone *z, struct arena *arena, time_t at, int32_t before, int32_t after)
{
	if (z->len == z->cap) {
		size_t cap = z->cap ? z->cap * 2 : 256;
		int64_t *until_ns = arena_alloc(arena, cap * sizeof(*until_ns));
		int32_t *east = arena_alloc(arena, (cap + 1) * sizeof(*east));
		if (z->len)
			memcpy(until_ns, z->until_ns, z->len * sizeof(*until_ns));
		memcpy(east, z->east, (z->len + 1) * sizeof(*east));
		z->until_ns = until_ns;
		z->east = east;
		z->cap = cap;
	}
	z->until_ns[z->len++] = ((int64_t)at + (before > after ? before : after)) * NS_PER_S;
	z->east[z->len] = after;
}

/* The first second after `low` at which the zone is as far from UTC as at `high`. */
static time_t change_between(time_t low, time_t high)
{
	int32_t after = east_at(high);
	while (high - low > 1) {
		time_t middle = low + (high - low) / 2;
		if (east_at(middle) == after)
			high = middle;
		else
			low = middle;
	}
	return high;
}

static void ask_library(struct zone *z, struct arena *arena)
{
	time_t first = clock_days(1999, 1, 1) * DAY, last = clock_days(2100, 1, 1) * DAY;
	z->east[0] = east_at(first);
	for (time_t day = first; day < last; day += DAY) {
		int32_t before = z->east[z->len], after = east_at(day + DAY);
		if (before != after)
			add_change(z, arena, change_between(day, day + DAY), before, after);
	}
}

static void load_named(struct zone *z, struct arena *arena, const char *name)
{
	const char *old = getenv("TZ");
	char *kept = old ? mem_strdup(slice_str(old)) : NULL;
	setenv("TZ", name, 1);
	tzset();
	ask_library(z, arena);
	if (kept)
		setenv("TZ", kept, 1);
	else
		unsetenv("TZ");
	tzset();
	free(kept);
}

/* "+01:00", "-0530", "+9": seconds. */
static bool to_offset(const char *name, int32_t *ret)
{
	int hour, minute = 0, end = 0;
	if ((name[0] != '+' && name[0] != '-') || (unsigned)(name[1] - '0') > 9)
		return false;
	if ((sscanf(name + 1, "%2d:%2d%n", &hour, &minute, &end) != 2 || name[1 + end]) && (sscanf(name + 1, "%2d%2d%n", &hour, &minute, &end) != 2 || name[1 + end])) {
		minute = 0;
		if (sscanf(name + 1, "%2d%n", &hour, &end) != 1 || name[1 + end])
			return false;
	}
	*ret = (name[0] == '-' ? -1 : 1) * (hour * 3600 + minute * 60);
	return hour >= 0 && minute >= 0 && minute < 60 && *ret <= FARTHEST && *ret >= -FARTHEST;
}

static const char *folder(void)
{
	const char *own = getenv("TZDIR");
	return own && *own ? own : "/usr/share/zoneinfo";
}

/* Whether the database has it: the library would take what it does not know for UTC and say nothing. */
static bool is_known(const char *name)
{
	char path[512], magic[4] = "";
	bool plain = name[0] && name[0] != '/' && !strstr(name, "..") && strlen(name) < 64 &&
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/") == strlen(name);
	if (!plain)
		return false;
	snprintf(path, sizeof(path), "%s/%s", folder(), name);
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	bool known = fread(magic, 1, sizeof(magic), f) == sizeof(magic) && memcmp(magic, "TZif", 4) == 0;
	fclose(f);
	return known;
}

/* The names in the database's table, the third of its columns. */
static size_t all_names(FILE *f, struct arena *arena, const char **names, size_t max)
{
	char line[512], name[64];
	size_t n = 0;
	while (n < max && fgets(line, sizeof(line), f))
		if (line[0] != '#' && sscanf(line, "%*s %*s %63s", name) == 1)
			names[n++] = arena_copy(arena, slice_of(name, strlen(name) + 1)).ptr;
	names[n] = NULL;
	return n;
}

static int unknown(const char *name, struct err *err)
{
	char path[512];
	struct stat st;
	snprintf(path, sizeof(path), "%s/zone1970.tab", folder());
	if (stat(folder(), &st))
		return err_set(err, ERR_INPUT, "\"%.64s\": there is no time zone database in %s; install tzdata, or give an offset like +01:00", name, folder());
	struct arena arena = {0};
	const char **names = mem_zalloc(NAMES_MAX + 1, sizeof(*names));
	FILE *f = fopen(path, "re");
	if (f) {
		all_names(f, &arena, names, NAMES_MAX);
		fclose(f);
	}
	const char *near = err_nearest(slice_str(name), names);
	err_set(err, ERR_INPUT, "\"%.64s\" is neither a time zone like Europe/Berlin, an offset like +01:00 nor UTC%s%s%s", name, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	arena_done(&arena);
	free(names);
	return ERR_INPUT;
}

int zone_load(const char *name, struct arena *arena, const struct zone **ret, struct err *err)
{
	bool utc = strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0;
	int32_t east = 0;
	if (!utc && !to_offset(name, &east) && !is_known(name))
		return unknown(name, err);
	struct zone *z = arena_zalloc(arena, sizeof(*z));
	z->name = arena_copy(arena, slice_of(name, strlen(name) + 1)).ptr;
	z->east = arena_zalloc(arena, sizeof(*z->east));
	z->east[0] = east;
	if (!utc && !to_offset(name, &east))
		load_named(z, arena, name);
	*ret = z;
	return 0;
}
