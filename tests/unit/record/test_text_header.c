/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/buf.h"
#include "record/text_header.h"
#include "record/time_memo.h"

#include <stdlib.h>

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static void headers_of_usual_layouts_are_taken_apart(void **state)
{
	static const struct {
		const char *line;
		enum severity severity;
		const char *logger, *service, *trace, *span, *message;
	} rows[] = {
		{"16:42:09.490 INFO  t.s.TravelServiceImpl#260 TraceID: " TRACE " SpanID: " SPAN " [query][Query TripResponse]", SEVERITY_INFO, "t.s.TravelServiceImpl", "", TRACE, SPAN, "[query][Query TripResponse]"},
		{"16:43:26.379 ERROR o.a.c.c.C.[.[.[.[dispatcherServlet]#175 TraceID: " TRACE " SpanID: " SPAN " Servlet.service() for servlet", SEVERITY_ERROR, "o.a.c.c.C.[.[.[.[dispatcherServlet]", "", TRACE, SPAN,
			"Servlet.service() for servlet"},
		{"16:42:09.510 INFO  f.mq.RabbitSend#20 TraceID:  SpanID:  Send info", SEVERITY_INFO, "f.mq.RabbitSend", "", "", "", "Send info"},
		{"2026-03-04 09:15:02.481  INFO [pay," TRACE "," SPAN "] 1 --- [nio-8080-exec-1] c.s.Pay  : paid 5", SEVERITY_INFO, "c.s.Pay", "pay", TRACE, SPAN, "paid 5"},
		{"2026-03-04 09:15:02.481  INFO [pay,,] 1 --- [main] c.s.Pay  : started", SEVERITY_INFO, "c.s.Pay", "pay", "", "", "started"},
		{"2026-03-04 09:15:02.481  WARN 7 --- [main] c.s.Pay  : slow", SEVERITY_WARN, "c.s.Pay", "", "", "", "slow"},
		{"09:15:02.481 [main] DEBUG com.shop.Main - ready", SEVERITY_DEBUG, "com.shop.Main", "", "", "", "ready"},
		{"2026-03-04 09:15:02,481 - pay.views - ERROR - declined", SEVERITY_ERROR, "pay.views", "", "", "", "declined"},
		{"[2026-03-04 09:15:02,481] [WARN] queue full", SEVERITY_WARN, "", "", "", "", "queue full"},
		{"2026-03-04T09:15:02.481203117Z stdout F charge ok", SEVERITY_UNKNOWN, "", "", "", "", "charge ok"},
		{"E0304 09:15:02.481203      41 reflector.go:118] watch ended: EOF", SEVERITY_ERROR, "reflector.go", "", "", "", "watch ended: EOF"},
		{"INFO: listening on :8080", SEVERITY_INFO, "", "", "", "", "listening on :8080"},
		{"INFO:root:ready", SEVERITY_INFO, "root", "", "", "", "ready"},
		{"2026-03-04T09:15:02Z info [traceId=" TRACE ", spanId=" SPAN "] paid", SEVERITY_INFO, "", "", TRACE, SPAN, "paid"},
		{"charge 12 failed trace_id=" TRACE " span_id=" SPAN, SEVERITY_UNKNOWN, "", "", TRACE, SPAN, "charge 12 failed trace_id=" TRACE " span_id=" SPAN},
		{"error while reading the file", SEVERITY_UNKNOWN, "", "", "", "", "error while reading the file"},
		{"Error: no such user", SEVERITY_UNKNOWN, "", "", "", "", "Error: no such user"},
		{"com.shop.Main started", SEVERITY_UNKNOWN, "", "", "", "", "com.shop.Main started"},
		{"12 items sold", SEVERITY_UNKNOWN, "", "", "", "", "12 items sold"},
		{"[cart] 12 items sold", SEVERITY_UNKNOWN, "", "", "", "", "[cart] 12 items sold"},
		{"2026-03-04T09:15:02Z INFO example.com is down", SEVERITY_INFO, "", "", "", "", "example.com is down"},
		{"2026-03-04T09:15:02Z INFO [cart] 12 items sold", SEVERITY_INFO, "", "", "", "", "[cart] 12 items sold"},
		{"2026-03-04T09:15:02Z INFO Retry: 3 left", SEVERITY_INFO, "", "", "", "", "Retry: 3 left"},
		{"@40000000zz5d5f2b81f4f6d4c00 is no label", SEVERITY_UNKNOWN, "", "", "", "", "@40000000zz5d5f2b81f4f6d4c00 is no label"},
		{"*** 100%ASA-6-302013: of it, 5 times", SEVERITY_UNKNOWN, "", "", "", "", "*** 100%ASA-6-302013: of it, 5 times"},
		{"we saw %ASA-6-302013: of it, 5 times", SEVERITY_UNKNOWN, "", "", "", "", "we saw %ASA-6-302013: of it, 5 times"},
		{"=ERROR REPORT==== yesterday ===", SEVERITY_UNKNOWN, "", "", "", "", "=ERROR REPORT==== yesterday ==="},
		{"=LOUD REPORT==== 4-Mar-2026::09:15:02 ===", SEVERITY_UNKNOWN, "", "", "", "", "=LOUD REPORT==== 4-Mar-2026::09:15:02 ==="},
		{"=ERROR REPORT==== 4-Mar-2026::09:15:02", SEVERITY_UNKNOWN, "", "", "", "", "=ERROR REPORT==== 4-Mar-2026::09:15:02"},
		{"2 apples and three pears lie on the table here, no more", SEVERITY_UNKNOWN, "", "", "", "", "2 apples and three pears lie on the table here, no more"},
		{"REPORT RequestId: of none", SEVERITY_UNKNOWN, "", "", "", "", "REPORT RequestId: of none"},
		{"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be files [some day] 10.0.0.9 -", SEVERITY_UNKNOWN, "", "", "", "", "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be files [some day] 10.0.0.9 -"},
		{"*Mar  4 09:15:02: %d-%s: of it", SEVERITY_UNKNOWN, "", "", "", "", "*Mar  4 09:15:02: %d-%s: of it"},
		{"", SEVERITY_UNKNOWN, "", "", "", "", ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text_header h;
		text_header_read(slice_str(rows[i].line), NULL, &h);
		print_message("%s\n", rows[i].line);
		assert_int_equal(h.severity, rows[i].severity);
		check_slice(h.logger, rows[i].logger);
		check_slice(h.service, rows[i].service);
		check_slice(h.trace_id, rows[i].trace);
		check_slice(h.span_id, rows[i].span);
		check_slice(h.message, rows[i].message);
	}
}

static void the_rest_of_a_multi_line_text_belongs_to_the_message(void **state)
{
	struct text_header h;
	(void)state;
	text_header_read(SLICE("09:15:02.481 ERROR a.b.C - failed\njava.io.IOException: no\n\tat a.b.C.run(C.java:5)\n"), NULL, &h);
	check_slice(h.message, "failed\njava.io.IOException: no\n\tat a.b.C.run(C.java:5)");
}

/* A copy in memory of its own, so that sanitizers see who reads behind it. */
static void read_alone(const char *line, struct text_header *h)
{
	size_t len = strlen(line);
	char *copy = malloc(len);
	assert_non_null(copy);
	memcpy(copy, line, len);
	text_header_read(slice_of(copy, len), NULL, h);
	free(copy);
}

/* What follows a time decides where it ends: a zone behind a blank is looked for in every line. */
static void times_remembered_from_line_to_line_are_what_each_line_says(void **state)
{
	static const char *const times[] = {"2026-03-04 09:15:02,481", "2026-03-04 09:15:02.481", "2026-03-04T09:15:02.481+01:00", "2026-03-04T09:15:02.481203117Z", "2026-03-04 09:15:02", "2026-03-04T09:15:02.481"};
	static const char *const ends[] = {" ERROR charge 81422 declined", " - pay.views - ERROR - charge 81422", " -0700 ERROR charge 81422 declined", " +0200 ERROR charge 81422 declined", " +02 ERROR charge 81422 declined",
		" CET ERROR charge 81422 declined", " EST ERROR charge 81422 declined", " EET ERROR charge 81422 declined", " WET ERROR charge 81422 declined", " UTC ERROR charge 81422 declined", "7 ERROR charge 81422 declined", "Z ERROR charge 81422 declined",
		" [main] ERROR shop.pay.Charge - no", "\tERROR charge 81422 was declined", " ERROR\n", " -07 items", " INFO -0700 items came back today", " web-1 INFO charge 81422 declined"};
	enum { TIMES = sizeof(times) / sizeof(times[0]), ENDS = sizeof(ends) / sizeof(ends[0]), LINES = TIMES * ENDS };
	struct time_memos memos = {0};
	size_t remembered = 0;
	(void)state;
	for (size_t i = 0; i < LINES * LINES; i++) {
		struct text_header with, without;
		struct buf line = {0};
		/* any line behind any other */
		size_t which = i % 2 ? i / 2 % LINES : i / 2 / LINES % LINES;
		buf_printf(&line, "%s%s", times[which % TIMES], ends[which / TIMES]);
		if (i % 3 == 1)
			line.data[18] = (char)('0' + i % 10); /* another second */
		text_header_read(buf_slice(&line), NULL, &without);
		size_t before = memos.at[without.time.len % TIME_MEMOS].len;
		text_header_read(buf_slice(&line), &memos, &with);
		remembered += before == without.time.len;
		assert_int_equal(with.has_time, without.has_time);
		assert_int_equal(with.time.ns, without.time.ns);
		assert_int_equal(with.time.zoned, without.time.zoned);
		assert_int_equal(with.time.len, without.time.len);
		assert_int_equal(with.severity, without.severity);
		assert_ptr_equal(with.message.ptr, without.message.ptr);
		buf_done(&line);
	}
	assert_true(remembered > LINES * LINES / 4);
}

/* Such a year has no place among 64 bits of nanoseconds: the time is as late as one can be, and no other. */
static void a_year_far_ahead_does_not_come_round(void **state)
{
	struct text_header h;
	(void)state;
	text_header_read(SLICE("I99990304 09:15:02.481203 12345 x.cc:12] far ahead"), NULL, &h);
	assert_true(h.has_time);
	assert_true(h.time.ns == INT64_MAX);
}

static void a_line_within_a_line_within_a_line_leads_no_deeper_than_one(void **state)
{
	static const char *const heads[] = {"Wed Mar  4 09:15:02 2026 ", "2026-03-04T09:15:02.481Z web-1 ", "<1>", "9 <1>"};
	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct buf line = {0};
		struct text_header h;
		for (int n = 0; n < 400000; n++)
			buf_add_str(&line, heads[i]);
		buf_add_str(&line, "x");
		read_alone(buf_cstr(&line), &h);
		assert_true(h.has_time || h.severity);
		buf_done(&line);
	}
}

static void lines_of_proxies_may_be_cut_anywhere_and_hold_any_number(void **state)
{
	static const char *const lines[] = {
		"10.0.0.1:5 [04/Mar/2026:09:15:02.481] web app/a 0/0/0/1/9000000000000000000 200 512 - - ---- \"GET / HTTP/1.1\"",
		"10.0.0.1:5 [04/Mar/2026:09:15:02.481234567890123456789012345678901234567890",
		"[2026-03-04T09:15:02.481Z] \"GET /p HTTP/1.1\" 200 - 0 512 9000000000000000000 3 \"-\" \"curl\"",
		"http 2026-03-04T09:15:02.481Z app/a 10.0.0.1:5 10.0.0.2:80 9e300 0.1 0.1 200 200 34 366 \"GET http://a:80/ HTTP/1.1\" \"Root=1-67-",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct buf line = {0};
		struct text_header h;
		buf_add_str(&line, lines[i]);
		for (; line.len > 0; line.len--) {
			read_alone(buf_cstr(&line), &h);
			assert_true(h.duration_ns >= -1);
		}
		buf_done(&line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_of_usual_layouts_are_taken_apart),
		cmocka_unit_test(the_rest_of_a_multi_line_text_belongs_to_the_message),
		cmocka_unit_test(times_remembered_from_line_to_line_are_what_each_line_says),
		cmocka_unit_test(a_year_far_ahead_does_not_come_round),
		cmocka_unit_test(a_line_within_a_line_within_a_line_leads_no_deeper_than_one),
		cmocka_unit_test(lines_of_proxies_may_be_cut_anywhere_and_hold_any_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
