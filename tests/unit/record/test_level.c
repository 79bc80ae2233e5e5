/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "record/level.h"

static void every_vocabulary_maps_onto_six_severities(void **state)
{
	static const struct {
		const char *text;
		enum level_scale scale;
		enum severity severity;
	} rows[] = {
		{"info", LEVEL_GUESS, SEVERITY_INFO}, {"INFO", LEVEL_GUESS, SEVERITY_INFO}, {"Information", LEVEL_GUESS, SEVERITY_INFO}, {"WARNING", LEVEL_GUESS, SEVERITY_WARN},
		{"Warn", LEVEL_GUESS, SEVERITY_WARN}, {"ERRO", LEVEL_GUESS, SEVERITY_ERROR}, {"TRCE", LEVEL_GUESS, SEVERITY_TRACE}, {"DEBG", LEVEL_GUESS, SEVERITY_DEBUG},
		{"CRIT", LEVEL_GUESS, SEVERITY_FATAL}, {"dpanic", LEVEL_GUESS, SEVERITY_FATAL}, {"SEVERE", LEVEL_GUESS, SEVERITY_ERROR}, {"NOTICE", LEVEL_GUESS, SEVERITY_INFO},
		{"EMERGENCY", LEVEL_GUESS, SEVERITY_FATAL}, {"Level(-2)", LEVEL_GUESS, SEVERITY_TRACE}, {"Level(-1)", LEVEL_GUESS, SEVERITY_DEBUG}, {"INFO+2", LEVEL_GUESS, SEVERITY_INFO},
		{"DEBUG-4", LEVEL_GUESS, SEVERITY_DEBUG}, {"ERROR+4", LEVEL_GUESS, SEVERITY_ERROR}, {"I", LEVEL_GUESS, SEVERITY_INFO}, {"E", LEVEL_GUESS, SEVERITY_ERROR},
		{"D1", LEVEL_GUESS, SEVERITY_DEBUG}, {"WARN2", LEVEL_GUESS, SEVERITY_WARN}, {"SEVERITY_NUMBER_WARN2", LEVEL_OTEL, SEVERITY_WARN}, {"SEVERITY_NUMBER_FATAL4", LEVEL_OTEL, SEVERITY_FATAL},
		{"30", LEVEL_GUESS, SEVERITY_INFO}, {"3", LEVEL_SYSLOG, SEVERITY_ERROR}, {"17", LEVEL_OTEL, SEVERITY_ERROR}, {" info ", LEVEL_GUESS, SEVERITY_INFO}, {"[WARN]", LEVEL_GUESS, SEVERITY_WARN},
		{"verbose", LEVEL_GUESS, SEVERITY_TRACE}, {"silly", LEVEL_GUESS, SEVERITY_TRACE}, {"http", LEVEL_GUESS, SEVERITY_INFO}, {"", LEVEL_GUESS, SEVERITY_UNKNOWN},
		{"loud", LEVEL_GUESS, SEVERITY_UNKNOWN}, {"infotainment", LEVEL_GUESS, SEVERITY_UNKNOWN}, {"an error that is longer than any word", LEVEL_GUESS, SEVERITY_UNKNOWN},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (level_parse(slice_str(rows[i].text), rows[i].scale) != rows[i].severity)
			fail_msg("%s is %s", rows[i].text, severity_name(level_parse(slice_str(rows[i].text), rows[i].scale)));
}

static void numbers_are_read_on_their_scale(void **state)
{
	static const struct {
		int64_t number;
		enum level_scale scale;
		enum severity severity;
	} rows[] = {
		{10, LEVEL_GUESS, SEVERITY_TRACE}, {20, LEVEL_GUESS, SEVERITY_DEBUG}, {30, LEVEL_GUESS, SEVERITY_INFO}, {40, LEVEL_GUESS, SEVERITY_WARN}, {50, LEVEL_GUESS, SEVERITY_ERROR},
		{60, LEVEL_GUESS, SEVERITY_FATAL}, {35, LEVEL_GUESS, SEVERITY_INFO}, {0, LEVEL_GUESS, SEVERITY_FATAL}, {6, LEVEL_GUESS, SEVERITY_INFO}, {7, LEVEL_SYSLOG, SEVERITY_DEBUG},
		{4, LEVEL_SYSLOG, SEVERITY_WARN}, {8, LEVEL_SYSLOG, SEVERITY_UNKNOWN}, {200, LEVEL_GUESS, SEVERITY_INFO}, {500, LEVEL_GUESS, SEVERITY_ERROR}, {800, LEVEL_GUESS, SEVERITY_FATAL},
		{5000, LEVEL_GUESS, SEVERITY_TRACE}, {10000, LEVEL_GUESS, SEVERITY_DEBUG}, {20000, LEVEL_GUESS, SEVERITY_INFO}, {30000, LEVEL_GUESS, SEVERITY_WARN},
		{40000, LEVEL_GUESS, SEVERITY_ERROR}, {1, LEVEL_OTEL, SEVERITY_TRACE}, {5, LEVEL_OTEL, SEVERITY_DEBUG}, {9, LEVEL_OTEL, SEVERITY_INFO}, {16, LEVEL_OTEL, SEVERITY_WARN},
		{24, LEVEL_OTEL, SEVERITY_FATAL}, {0, LEVEL_OTEL, SEVERITY_UNKNOWN}, {25, LEVEL_OTEL, SEVERITY_UNKNOWN}, {10, LEVEL_PYTHON, SEVERITY_DEBUG}, {50, LEVEL_PYTHON, SEVERITY_FATAL},
		{INT64_MAX, LEVEL_GUESS, SEVERITY_FATAL}, {INT64_MIN, LEVEL_GUESS, SEVERITY_TRACE},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (level_of_number(rows[i].number, rows[i].scale) != rows[i].severity)
			fail_msg("%lld on scale %d", (long long)rows[i].number, rows[i].scale);
}

static void words_of_running_text_are_no_levels(void **state)
{
	(void)state;
	assert_int_equal(level_word(SLICE("WARN")), SEVERITY_WARN);
	assert_int_equal(level_word(SLICE("fine")), SEVERITY_UNKNOWN);
	assert_int_equal(level_word(SLICE("E")), SEVERITY_UNKNOWN);
	assert_int_equal(level_word(SLICE("HTTP")), SEVERITY_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vocabulary_maps_onto_six_severities),
		cmocka_unit_test(numbers_are_read_on_their_scale),
		cmocka_unit_test(words_of_running_text_are_no_levels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
