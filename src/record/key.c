/* SPDX-License-Identifier: Apache-2.0 */
#include "record/key.h"

#include <assert.h>

static const char *const texts[KEY_COUNT] = {
#define X(id, text) [KEY_##id] = text,
	KEYS(X)
#undef X
};

static const struct {
	const char *text;
	uint16_t key;
} aliases[] = {
#define X(id, name) {.text = (name), .key = KEY_##id},
	ALIASES(X)
#undef X
};
enum { ALIASES_LEN = sizeof(aliases) / sizeof(aliases[0]) };

const char *key_name(unsigned name)
{
	return name < KEY_COUNT ? key_text(name) : name - KEY_COUNT < ALIASES_LEN ? aliases[name - KEY_COUNT].text : "";
}

const char *key_text(unsigned key)
{
	return key < KEY_COUNT && texts[key] ? texts[key] : "";
}

static void put(struct key_table *table, unsigned number, unsigned key)
{
	char name[64] = {0};
	const char *text = key_name(number);
	size_t len = strlen(text);
	assert(len + 8 <= sizeof(name));
	memcpy(name, text, len);
	struct key_slot slot = {.first = key_load(name, len), .last = len > 8 ? key_load(name + len - 8, 8) : 0, .len = (uint32_t)len, .key = (uint16_t)key, .name = (uint16_t)number};
	size_t i = key_hash(slot.first, slot.last, len);
	while (table->slots[i].key != KEY_NONE)
		i = (i + 1) % KEY_SLOTS;
	table->slots[i] = slot;
}

void key_table_init(struct key_table *table)
{
	*table = (struct key_table){0};
	for (unsigned key = 1; key < KEY_COUNT; key++)
		if (texts[key])
			put(table, key, key);
	for (unsigned i = 0; i < ALIASES_LEN; i++)
		put(table, KEY_COUNT + i, aliases[i].key);
}

static bool ends_nocase(struct slice s, struct slice end)
{
	return s.len >= end.len && slice_eq_nocase(slice_sub(s, s.len - end.len, end.len), end);
}

/* Takes a unit off the end of *name, with what separates it: "_ms", ".ms", "Ms". */
static unsigned take_unit(struct slice *name)
{
	static const struct {
		struct slice unit; /* lower case */
		unsigned key;
	} units[] = {{{"milliseconds", 12}, KEY_ANY_MS}, {{"millis", 6}, KEY_ANY_MS}, {{"msec", 4}, KEY_ANY_MS}, {{"ms", 2}, KEY_ANY_MS}, {{"microseconds", 12}, KEY_ANY_US}, {{"micros", 6}, KEY_ANY_US},
		{{"usec", 4}, KEY_ANY_US}, {{"us", 2}, KEY_ANY_US}, {{"nanoseconds", 11}, KEY_ANY_NS}, {{"nanos", 5}, KEY_ANY_NS}, {{"nsec", 4}, KEY_ANY_NS}, {{"ns", 2}, KEY_ANY_NS},
		{{"seconds", 7}, KEY_ANY_S}, {{"secs", 4}, KEY_ANY_S}, {{"sec", 3}, KEY_ANY_S}, {{"s", 1}, KEY_ANY_S}};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t n = units[i].unit.len;
		if (name->len <= n || !ends_nocase(*name, units[i].unit))
			continue;
		char before = name->ptr[name->len - n - 1], first = name->ptr[name->len - n];
		bool apart = before == '_' || before == '.' || before == '-';
		if (!apart && !(first >= 'A' && first <= 'Z' && before >= 'a'))
			continue;
		name->len -= n + apart;
		if (ends_nocase(*name, SLICE("_in")) || slice_ends(*name, SLICE("In")))
			name->len -= name->ptr[name->len - 3] == '_' ? 3 : 2;
		return units[i].key;
	}
	return KEY_NONE;
}

/* What begins so is a limit or was measured over many. */
static bool is_bound(struct slice name)
{
	static const struct slice words[] = {{"max", 3}, {"min", 3}, {"avg", 3}, {"average", 7}, {"mean", 4}, {"expected", 8}, {"allowed", 7}, {"limit", 5}, {"target", 6}, {"threshold", 9}};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = words[i].len;
		if (name.len > n && slice_eq_nocase(slice_of(name.ptr, n), words[i]) && (strchr("_.-", name.ptr[n]) || (unsigned)(name.ptr[n] - 'A') <= 25))
			return true;
	}
	return false;
}

/* What ends in these took time; a timeout, an interval or an uptime did not. */
static bool is_duration_word(struct slice name)
{
	static const struct slice words[] = {{"duration", 8}, {"elapsed", 7}, {"latency", 7}, {"took", 4}, {"time_taken", 10}, {"timetaken", 9}, {"time-taken", 10}, {"elapsed_time", 12}, {"elapsedtime", 11},
		{"response_time", 13}, {"responsetime", 12}, {"request_time", 12}, {"requesttime", 11}, {"execution_time", 14}, {"executiontime", 13}, {"exec_time", 9}, {"processing_time", 15},
		{"processingtime", 14}, {"process_time", 12}, {"query_time", 10}, {"querytime", 9}, {"service_time", 12}, {"total_time", 10}, {"totaltime", 9}, {"runtime", 7}, {"run_time", 8}, {"cost", 4}, {"rtt", 3}, {"grpc.time", 9}};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (ends_nocase(name, words[i]))
			return true;
	return false;
}

unsigned key_of_duration(struct slice name)
{
	char last = name.len >= 6 ? (char)(name.ptr[name.len - 1] | 32) : 0; /* all units end in these */
	unsigned key = last == 's' || last == 'c' ? take_unit(&name) : KEY_NONE;
	return key != KEY_NONE && is_duration_word(name) && !is_bound(name) ? key : KEY_NONE;
}
