/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/clock.h"
#include "record/decoder.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define OWN "0af7651916cd43dd8448eb211c80319c"

static const int64_t NOW_NS = INT64_C(1772618400) * NS_PER_S; /* 2026-03-04T10:00:00Z */

enum { HEADERS_MAX = 4 };

struct sent {
	struct message_headers base;
	const char *headers[HEADERS_MAX][2];
	size_t *asked;
};

static bool header_at(const struct message_headers *headers, size_t i, struct slice *ret_name, struct slice *ret_value)
{
	const struct sent *sent = (const struct sent *)headers;
	if (sent->asked)
		++*sent->asked;
	if (i >= HEADERS_MAX || !sent->headers[i][0])
		return false;
	*ret_name = slice_str(sent->headers[i][0]);
	*ret_value = slice_str(sent->headers[i][1]);
	return true;
}

static struct decoded decode(struct decoder *d, const char *payload, struct sent *sent)
{
	struct decoded out;
	sent->base.at = header_at;
	decoder_decode_message(d, &(struct decoder_message){.payload = slice_str(payload), .headers = &sent->base}, NOW_NS, &out);
	return out;
}

static void a_record_without_a_trace_id_has_that_of_its_messages_headers(void **state)
{
	static const struct {
		struct sent sent;
		const char *trace, *span;
	} rows[] = {
		{{.headers = {{"traceparent", "00-" TRACE "-" SPAN "-01"}}}, TRACE, SPAN},
		{{.headers = {{"Traceparent", "00-" TRACE "-" SPAN "-00"}, {"tracestate", "a=b"}}}, TRACE, SPAN},
		{{.headers = {{"ce_traceparent", "00-" TRACE "-" SPAN "-01"}}}, TRACE, SPAN},
		{{.headers = {{"b3", TRACE "-" SPAN "-1"}}}, TRACE, SPAN},
		{{.headers = {{"b3", TRACE "-" SPAN "-1-a3ce929d0e0e4736"}}}, TRACE, SPAN},
		{{.headers = {{"b3", "a3ce929d0e0e4736-" SPAN}}}, "a3ce929d0e0e4736", SPAN},
		{{.headers = {{"X-B3-TraceId", TRACE}, {"X-B3-SpanId", SPAN}, {"X-B3-Sampled", "1"}}}, TRACE, SPAN},
		{{.headers = {{"x-b3-spanid", SPAN}, {"x-b3-traceid", "a3ce929d0e0e4736"}}}, "a3ce929d0e0e4736", SPAN},
		{{.headers = {{"X-B3-TraceId", "\"" TRACE "\""}, {"X-B3-SpanId", "\"" SPAN "\""}}}, TRACE, SPAN},
		{{.headers = {{"X-B3-TraceId", TRACE}}}, TRACE, ""},
		{{.headers = {{"x-datadog-trace-id", "6023947403358210776"}, {"x-datadog-parent-id", "67667974448284343"}}}, "53995c3f42cd8ad8", SPAN},
		{{.headers = {{"x-datadog-trace-id", "1234567890123456"}, {"x-datadog-parent-id", "1234567890123457"}}}, "000462d53c8abac0", "000462d53c8abac1"},
		{{.headers = {{"uber-trace-id", TRACE ":53995c3f42cd8ad8:0:1"}}}, TRACE, "53995c3f42cd8ad8"},
		{{.headers = {{"X-Amzn-Trace-Id", "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=53995c3f42cd8ad8;Sampled=1"}}}, TRACE, "53995c3f42cd8ad8"},
		{{.headers = {{"X-Cloud-Trace-Context", TRACE "/6023947403358210776;o=1"}}}, TRACE, "53995c3f42cd8ad8"},
		/* of two, the first of the table; one that names no trace is none */
		{{.headers = {{"b3", OWN "-" SPAN "-1"}, {"traceparent", "00-" TRACE "-53995c3f42cd8ad8-01"}}}, TRACE, "53995c3f42cd8ad8"},
		{{.headers = {{"traceparent", "00-00000000000000000000000000000000-0000000000000000-00"}, {"b3", TRACE "-" SPAN}}}, TRACE, SPAN},
		{{.headers = {{"traceparent", ""}, {"b3", "0"}, {"X-B3-TraceId", TRACE}}}, TRACE, ""},
		/* of one that is there twice, the last */
		{{.headers = {{"traceparent", "00-" OWN "-53995c3f42cd8ad8-01"}, {"traceparent", "00-" TRACE "-" SPAN "-01"}}}, TRACE, SPAN},
		/* what is no id */
		{{.headers = {{"traceparent", "garbage"}, {"x-datadog-trace-id", "0"}, {"uber-trace-id", NULL}, {"X-B3-SpanId", SPAN}}}, "", ""},
		{{.headers = {{"x-datadog-trace-id", "99999999999999999999999"}, {"", TRACE}, {"trace", TRACE}, {"traceparent2", "00-" TRACE "-" SPAN "-01"}}}, "", ""},
		{{.headers = {{NULL, NULL}}}, "", ""},
	};
	static const char *const payloads[] = {"{\"level\":\"info\",\"msg\":\"paid\"}", "2026-03-04T09:15:02Z INFO paid", "\"2026-03-04T09:15:02Z INFO paid\"", "level=info msg=paid",
		"{\"log\":\"{\\\"level\\\":\\\"info\\\",\\\"msg\\\":\\\"paid\\\"}\\n\",\"stream\":\"stdout\",\"time\":\"2026-03-04T09:15:02Z\"}", "\x81\xA3msg\xA4paid"};
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t p = 0; p < sizeof(payloads) / sizeof(payloads[0]); p++) {
			struct sent sent = rows[i].sent;
			struct decoded out = decode(d, payloads[p], &sent);
			assert_int_equal(out.len, 1);
			check_slice(out.records[0].message, "paid");
			check_slice(out.records[0].trace_id, rows[i].trace);
			check_slice(out.records[0].span_id, rows[i].span);
		}
	decoder_free(d);
}

static void a_records_own_trace_id_wins_and_headers_are_not_asked(void **state)
{
	static const struct {
		const char *payload, *trace, *span;
		size_t asked;
	} rows[] = {
		{"{\"level\":\"info\",\"msg\":\"paid\",\"trace_id\":\"" OWN "\"}", OWN, "", 0},
		{"{\"level\":\"info\",\"msg\":\"paid\",\"trace_id\":\"" OWN "\",\"span_id\":\"53995c3f42cd8ad8\"}", OWN, "53995c3f42cd8ad8", 0},
		{"{\"level\":\"info\",\"msg\":\"paid\",\"ctx\":{\"request\":\"" OWN "\"}}", OWN, "", 0},
		{"{\"level\":\"info\",\"msg\":\"paid\",\"trace_id\":\"0\"}", TRACE, SPAN, 2},
		{"{\"level\":\"info\",\"msg\":\"paid\",\"span_id\":\"53995c3f42cd8ad8\"}", TRACE, "53995c3f42cd8ad8", 2},
	};
	static const char *const paths[] = {"ctx.request", NULL};
	static const struct decoder_field field = {"trace_id", paths};
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO, .fields = &field, .fields_len = 1});
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t asked = 0;
		struct sent sent = {.headers = {{"traceparent", "00-" TRACE "-" SPAN "-01"}}, .asked = &asked};
		struct decoded out = decode(d, rows[i].payload, &sent);
		assert_int_equal(out.len, 1);
		check_slice(out.records[0].trace_id, rows[i].trace);
		check_slice(out.records[0].span_id, rows[i].span);
		assert_int_equal(asked, rows[i].asked);
	}
	decoder_free(d);
}

/* Who sends them together sends them in no trace of theirs; OTLP names the trace of each that has one. */
static void records_of_a_batch_and_spans_have_nothing_of_the_headers(void **state)
{
	static const char *const payloads[] = {
		"{\"level\":\"info\",\"msg\":\"a\"}\n{\"level\":\"info\",\"msg\":\"b\"}",
		"[{\"level\":\"info\",\"msg\":\"a\"},{\"level\":\"info\",\"msg\":\"b\"}]",
		"[{\"level\":\"info\",\"msg\":\"a\"}]",
		"{\"records\":[{\"time\":\"2026-03-04T09:15:02Z\",\"category\":\"a\",\"resourceId\":\"b\"}]}",
		"{\"streams\":[{\"stream\":{\"app\":\"a\"},\"values\":[[\"1772615702000000000\",\"a\"]]}]}",
		"{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"1772615702000000000\",\"body\":{\"stringValue\":\"a\"}}]}]}]}",
		"\x0a\x0c\x12\x0a\x12\x08\x2a\x06\x0a\x04paid",
	};
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	(void)state;
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		size_t asked = 0;
		struct sent sent = {.headers = {{"traceparent", "00-" TRACE "-" SPAN "-01"}}, .asked = &asked};
		struct decoded out = decode(d, payloads[i], &sent);
		assert_true(out.len > 0);
		for (size_t r = 0; r < out.len; r++) {
			assert_int_equal(out.records[r].kind, RECORD_LOG);
			check_slice(out.records[r].trace_id, "");
			check_slice(out.records[r].span_id, "");
		}
		assert_int_equal(asked, 0);
	}
	decoder_free(d);
}

static void headers_are_those_of_their_message_alone(void **state)
{
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	struct sent sent = {.headers = {{"traceparent", "00-" TRACE "-" SPAN "-01"}}};
	struct decoded out = decode(d, "{\"level\":\"info\",\"msg\":\"paid\"}", &sent);
	(void)state;
	check_slice(out.records[0].trace_id, TRACE);
	decoder_decode(d, SLICE("{\"level\":\"info\",\"msg\":\"paid\"}"), NOW_NS, &out);
	check_slice(out.records[0].trace_id, "");
	decoder_free(d);
}

static void explain_says_which_header_it_was(void **state)
{
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO, .notes = true});
	struct sent sent = {.headers = {{"x-b3-traceid", TRACE}, {"X-B3-SPANID", SPAN}}};
	size_t n, found = 0;
	(void)state;
	decode(d, "{\"level\":\"info\",\"msg\":\"paid\"}", &sent);
	const struct decode_note *notes = decoder_notes(d, &n);
	for (size_t i = 0; i < n; i++) {
		const char *expected = strcmp(notes[i].member, "trace_id") == 0 ? "header x-b3-traceid" : strcmp(notes[i].member, "span_id") == 0 ? "header X-B3-SPANID" : NULL;
		if (expected)
			check_slice(notes[i].source, expected);
		found += expected != NULL;
	}
	assert_int_equal(found, 2);
	decoder_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_without_a_trace_id_has_that_of_its_messages_headers),
		cmocka_unit_test(a_records_own_trace_id_wins_and_headers_are_not_asked),
		cmocka_unit_test(records_of_a_batch_and_spans_have_nothing_of_the_headers),
		cmocka_unit_test(headers_are_those_of_their_message_alone),
		cmocka_unit_test(explain_says_which_header_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
