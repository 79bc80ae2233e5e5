/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "record/key.h"

static unsigned find(const struct key_table *table, const char *text)
{
	char name[80] = {0};
	size_t len = strlen(text);
	memcpy(name, text, len);
	memset(name + len, '#', 8); /* what follows a name in a document */
	return key_find(table, slice_of(name, len));
}

static void every_name_is_found_and_no_other(void **state)
{
	static struct key_table table;
	size_t names = 0;
	(void)state;
	key_table_init(&table);
	for (unsigned key = 1; key < KEY_COUNT; key++) {
		char other[80];
		size_t len = strlen(key_text(key));
		if (len == 0)
			continue;
		names++;
		assert_int_equal(find(&table, key_text(key)), key);
		memcpy(other, key_text(key), len + 1);
		other[len / 2] = '~';
		assert_int_equal(find(&table, other), KEY_NONE);
	}
	assert_true(names > 200);
	assert_int_equal(find(&table, ""), KEY_NONE);
	assert_int_equal(find(&table, "messag"), KEY_NONE);
	assert_int_equal(find(&table, "messages"), KEY_NONE);
	assert_int_equal(find(&table, "a name that is much longer than any that is known"), KEY_NONE);
}

static void an_alias_has_the_number_of_what_it_stands_for(void **state)
{
	static const struct {
		const char *name;
		unsigned key;
	} rows[] = {
#define X(id, text) {text, KEY_##id},
		ALIASES(X)
#undef X
	};
	static struct key_table table;
	(void)state;
	key_table_init(&table);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (find(&table, rows[i].name) != rows[i].key)
			fail_msg("%s", rows[i].name);
	assert_int_equal(find(&table, "kubernetes.container_nama"), KEY_NONE);
}

static void a_duration_is_told_by_its_end(void **state)
{
	static const struct {
		const char *name;
		unsigned key;
	} rows[] = {{"db.duration_ms", KEY_ANY_MS}, {"http_request_duration_seconds", KEY_ANY_S}, {"took_us", KEY_ANY_US}, {"queryTimeMillis", KEY_ANY_MS}, {"rpc.latency_ns", KEY_ANY_NS}, {"handlerDurationMs", KEY_ANY_MS},
		{"elapsedMicros", KEY_ANY_US}, {"cost_ms", KEY_ANY_MS}, {"requestLatencySeconds", KEY_ANY_S}, {"timeout_ms", KEY_NONE}, {"uptime_seconds", KEY_NONE}, {"start_time_ms", KEY_NONE}, {"durations", KEY_NONE},
		{"duration", KEY_NONE}, {"items", KEY_NONE}, {"status", KEY_NONE}, {"_ms", KEY_NONE}, {"", KEY_NONE}, {"forms_ms", KEY_NONE}, {"costs", KEY_NONE}, {"interval_ms", KEY_NONE}};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (key_of_duration(slice_str(rows[i].name)) != rows[i].key)
			fail_msg("%s", rows[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_name_is_found_and_no_other), cmocka_unit_test(an_alias_has_the_number_of_what_it_stands_for),
		cmocka_unit_test(a_duration_is_told_by_its_end)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
