/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/buf.h"
#include "record/decoder.h"

/* "severity message" of each record, a line each; '/' in place of a line's end within a message. */
static void assert_read(const char *payload, const char *expected)
{
	struct decoder_opts opts = {.format = FORMAT_AUTO};
	struct decoder *d = decoder_new(&opts);
	struct decoded out;
	struct buf text = {0};
	decoder_decode(d, slice_str(payload), INT64_C(1772615702000000000), &out);
	for (size_t i = 0; i < out.len; i++) {
		buf_printf(&text, "%s ", severity_name(out.records[i].severity));
		buf_add_slice(&text, out.records[i].message);
		buf_add_char(&text, '|');
	}
	for (size_t i = 0; i < text.len; i++)
		text.data[i] = text.data[i] == '\n' ? '/' : text.data[i];
	assert_int_equal(out.undecodable, 0);
	buf_add_char(&text, 0);
	assert_string_equal(text.data, expected);
	buf_done(&text);
	decoder_free(d);
}

static void lines_that_begin_as_the_first_are_records_and_others_belong_to_the_one_before(void **state)
{
	(void)state;
	assert_read("2026-03-04 09:15:02.481  INFO 1 --- [main] c.a.B : started\n2026-03-04 09:15:03.481 ERROR 1 --- [http-1] c.a.B : failed\njava.lang.X: y\n\tat a.b.C(D.java:1)\n"
		    "2026-03-04 09:15:04.481  WARN 1 --- [main] c.a.B : again\n",
		"info started|error failed/java.lang.X: y/\tat a.b.C(D.java:1)|warn again|");
	assert_read("[INFO] a\n[ERROR] b\nmore of b", "info a|error b/more of b|");
	assert_read("INFO:root:a\r\nERROR:shop.pay:b\r\n", "info a|error b|");
	assert_read("I0304 09:15:02.481203       1 a.go:1] one\nE0304 09:15:03.481203      17 b.go:22] two", "info one|error two|");
	assert_read("<34>Mar  4 09:15:02 web sshd[12]: one\n<30>Mar 14 09:15:03 db-2 cron[7]: two", "fatal one|info two|");
	assert_read("INFO  2026-03-04 09:15:02,481 one\nERROR 2026-03-04 09:15:03,481 two", "info one|error two|");
}

static void lines_of_an_access_log_are_records(void **state)
{
	(void)state;
	assert_read("10.0.0.1 - - [04/Mar/2026:09:15:02 +0000] \"GET /a HTTP/1.1\" 200 5\n2001:db8::7 - ann [04/Mar/2026:09:15:03 +0000] \"GET /b HTTP/1.1\" 503 5\n",
		"info 10.0.0.1 - - [04/Mar/2026:09:15:02 +0000] \"GET /a HTTP/1.1\" 200 5|error 2001:db8::7 - ann [04/Mar/2026:09:15:03 +0000] \"GET /b HTTP/1.1\" 503 5|");
}

static void logfmt_lines_are_records_if_their_first_names_are_the_same(void **state)
{
	(void)state;
	assert_read("level=info msg=a\nlevel=error msg=\"b c\"\n", "info a|error b c|");
	assert_read("time=2026-03-04T09:15:02Z level=info msg=a\ntime=2026-03-04T09:15:03Z level=warn msg=b", "info a|warn b|");
}

static void behind_directives_each_line_is_a_record(void **state)
{
	(void)state;
	assert_read("#Software: IIS 10.0\n#Fields: date time cs-method cs-uri-stem sc-status sc-substatus sc-win32-status time-taken\n"
		    "2026-03-04 09:15:02 GET /a 200 0 0 184\n2026-03-04 09:15:03 GET /b 500 0 0 15\n",
		"info #Software: IIS 10.0|info #Fields: date time cs-method cs-uri-stem sc-status sc-substatus sc-win32-status time-taken|info GET /a 200 0 0 184|"
		"error GET /b 500 0 0 15|");
}

static void a_time_in_another_spelling_or_within_a_sentence_begins_nothing(void **state)
{
	(void)state;
	assert_read("2026-03-04 09:15:02.481 INFO dump\n2026-03-04 09:15:02\nFull thread dump\n\"main\" #1", "info dump/2026-03-04 09:15:02/Full thread dump/\"main\" #1|");
	assert_read("2026-03-04 09:15:02.481 INFO state:\n  2026-03-04 09:15:01.481 connected\nsince 2026-03-04 09:15:01.481", "info state:/  2026-03-04 09:15:01.481 connected/since 2026-03-04 09:15:01.481|");
	assert_read("ERROR: no such table\nDETAIL: none\nHINT: create it", "error no such table/DETAIL: none/HINT: create it|");
}

static void lines_of_a_container_runtime_are_records_and_pieces(void **state)
{
	(void)state;
	struct decoder_opts opts = {.format = FORMAT_AUTO};
	struct decoder *d = decoder_new(&opts);
	struct decoded out;
	decoder_decode(d, SLICE("2026-03-04T09:15:02.481203117Z stdout P {\"level\":\"error\",\n2026-03-04T09:15:02.4812Z stdout F \"msg\":\"x\"}\n2026-03-04T09:15:03.4Z stderr F WARN y"),
		INT64_C(1772615702000000000), &out);
	assert_int_equal(out.len, 3);
	assert_int_equal(out.records[0].part, PART_UNFINISHED);
	assert_int_equal(out.records[1].part, PART_WHOLE);
	assert_int_equal(out.records[2].severity, SEVERITY_WARN);
	decoder_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_that_begin_as_the_first_are_records_and_others_belong_to_the_one_before),
		cmocka_unit_test(lines_of_an_access_log_are_records),
		cmocka_unit_test(logfmt_lines_are_records_if_their_first_names_are_the_same),
		cmocka_unit_test(behind_directives_each_line_is_a_record),
		cmocka_unit_test(a_time_in_another_spelling_or_within_a_sentence_begins_nothing),
		cmocka_unit_test(lines_of_a_container_runtime_are_records_and_pieces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
