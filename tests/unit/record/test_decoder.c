/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/clock.h"
#include "record/decoder.h"

#include <stdlib.h>

static const int64_t NOW_NS = INT64_C(1772618400) * NS_PER_S; /* 2026-03-04T10:00:00Z */

static struct decoded decode_as(struct decoder **d, enum format format, struct slice payload)
{
	struct decoded out;
	*d = decoder_new(&(struct decoder_opts){.format = format});
	decoder_decode(*d, payload, NOW_NS, &out);
	return out;
}

static void check_payload(enum format format, struct slice payload, size_t records, size_t lost, enum undecodable reason)
{
	struct decoder *d;
	struct decoded out = decode_as(&d, format, payload);
	if (out.len != records || out.undecodable != lost || out.reason != reason)
		print_error("%.*s: %zu records, %zu lost, %s\n", (int)(payload.len < 100 ? payload.len : 100), payload.ptr ? payload.ptr : "NULL", out.len, out.undecodable,
			undecodable_name(out.reason));
	assert_int_equal(out.len, records);
	assert_int_equal(out.undecodable, lost);
	assert_string_equal(undecodable_name(out.reason), undecodable_name(reason));
	decoder_free(d);
}

#define S(text) {text, sizeof(text) - 1}

/* A header that was read to know what a payload is does not outlive it. */
static void texts_that_come_in_the_same_memory_are_each_read_anew(void **state)
{
	static const struct {
		const char *line;
		enum severity severity;
		const char *logger, *message;
	} rows[] = {{"2026-03-04 09:15:02,481 - pay.views - ERROR - charge declined", SEVERITY_ERROR, "pay.views", "charge declined"}, {"[2026-03-04 09:15:03,9] [WARN] the queue is full, 812 waiting ..", SEVERITY_WARN, "", "the queue is full, 812 waiting .."},
		{"2026-03-04 09:15:04,481 - pay.other - DEBUG - charge accepted", SEVERITY_DEBUG, "pay.other", "charge accepted"}, {"[\"INFO  one, of a list of texts, as long as the others are.\"]  ", SEVERITY_INFO, "", "one, of a list of texts, as long as the others are."}};
	char memory[64] = {0};
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	(void)state;
	for (size_t i = 0; i < 4 * sizeof(rows) / sizeof(rows[0]); i++) {
		struct decoded out;
		size_t which = i % 4;
		memcpy(memory, rows[which].line, strlen(rows[which].line));
		decoder_decode(d, slice_of(memory, strlen(rows[which].line)), NOW_NS, &out);
		assert_int_equal(out.len, 1);
		assert_int_equal(out.records[0].severity, rows[which].severity);
		check_slice(out.records[0].logger, rows[which].logger);
		check_slice(out.records[0].message, rows[which].message);
	}
	decoder_free(d);
}

static void documents_one_behind_the_other_are_each_read(void **state)
{
	static const struct {
		struct slice payload;
		size_t records, lost;
		enum undecodable reason;
	} rows[] = {
		{S("\x1E{\"msg\":\"a\"}\n"), 1, 0, UNDECODABLE_NONE}, {S("\x1E{\"msg\":\"a\"}\n\x1E{\"msg\":\"b\"}\n"), 2, 0, UNDECODABLE_NONE}, {S("\x1E{\"msg\":\"a\"}\n\x1E{\"msg\":\"cut\n\x1E{\"msg\":\"c\"}\n"), 2, 1, UNDECODABLE_TRUNCATED},
		{S("\x1E\x1E\n\x1E{\"msg\":\"a\"}"), 1, 0, UNDECODABLE_NONE}, {S("\x1E"), 0, 1, UNDECODABLE_EMPTY}, {S("\x1E 5"), 0, 1, UNDECODABLE_WRONG_TYPE}, {S("{\"msg\":\"a\"}{\"msg\":\"b\"}"), 2, 0, UNDECODABLE_NONE},
		{S("{\"msg\":\"a } { \\\" }{\"} {\n\"msg\":\"b\"\n}\n{}"), 3, 0, UNDECODABLE_NONE}, {S("{\"msg\":\"a\"}{\"msg\":}{\"msg\":\"c\"}"), 2, 1, UNDECODABLE_NOT_JSON}, {S("{\"msg\":\"a\"}{\"msg\":\"b"), 1, 1, UNDECODABLE_TRUNCATED},
		{S("{\"msg\":}{\"msg\":\"b\"}"), 0, 1, UNDECODABLE_NOT_JSON}, {S("{\"msg\":\"a\"}}"), 0, 1, UNDECODABLE_NOT_JSON}, {S("{\"msg\":\"a\"} and more"), 0, 1, UNDECODABLE_NOT_JSON},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_payload(FORMAT_AUTO, rows[i].payload, rows[i].records, rows[i].lost, rows[i].reason);
		check_payload(FORMAT_JSON, rows[i].payload, rows[i].records, rows[i].lost, rows[i].reason);
	}
}

static void bad_input_costs_that_record_and_says_why(void **state)
{
	static const struct {
		struct slice payload;
		enum undecodable reason;
	} rows[] = {
		{{NULL, 0}, UNDECODABLE_NULL},
		{{"", 0}, UNDECODABLE_EMPTY},
		{S(" \n\t "), UNDECODABLE_EMPTY},
		{S("hello world"), UNDECODABLE_NOT_JSON},
		{S("{hello}"), UNDECODABLE_NOT_JSON},
		{S("{\"a\":1}}"), UNDECODABLE_NOT_JSON},
		{S("{\"a\":01}"), UNDECODABLE_NOT_JSON},
		{S("{\"a\":tru}"), UNDECODABLE_NOT_JSON},
		{S("{\"a\":\"\\x\"}"), UNDECODABLE_NOT_JSON},
		{S("{\n\"a\": 1,\n\"b\": {},\n\"c\" 2\n}"), UNDECODABLE_NOT_JSON},
		{S("{\"msg\":\"cut in the mid"), UNDECODABLE_TRUNCATED},
		{S("{\"msg\":\"cut\""), UNDECODABLE_TRUNCATED},
		{S("{\"msg\":\"cut\","), UNDECODABLE_TRUNCATED},
		{S("{\"msg\":"), UNDECODABLE_TRUNCATED},
		{S("{\"a\":1e"), UNDECODABLE_TRUNCATED},
		{S("{\"a\":tr"), UNDECODABLE_TRUNCATED},
		{S("[{\"a\":1}"), UNDECODABLE_TRUNCATED},
		{S("{\"msg\":\"\xC3(\"}"), UNDECODABLE_NOT_UTF8},
		{S("\xFF\xFE{\"msg\":1}"), UNDECODABLE_NOT_UTF8},
		{S("{\"msg\":\"a\0b\"}"), UNDECODABLE_NUL},
		{S("{\"msg\":\"a\"}\0"), UNDECODABLE_NUL},
		{S("\0\0\0\0"), UNDECODABLE_NUL},
		{S("{\"n\":1e999}"), UNDECODABLE_NUMBER},
		{S("{\"n\":1234567890123456789012345678901234567890}"), UNDECODABLE_NUMBER},
		{S("{\"n\":-92233720368547758080}"), UNDECODABLE_NUMBER},
		{S("{\"message\":[\"a\",\"b\"],\"level\":\"info\"}"), UNDECODABLE_WRONG_TYPE},
		{S("{\"message\":\"a\",\"level\":{\"x\":\"info\"}}"), UNDECODABLE_WRONG_TYPE},
		{S("{\"message\":\"a\",\"level\":[30]}"), UNDECODABLE_WRONG_TYPE},
		{S("{\"message\":\"a\",\"level\":true}"), UNDECODABLE_WRONG_TYPE},
		{S("{\"message\":\"a\",\"time\":true}"), UNDECODABLE_WRONG_TYPE},
		{S("{\"message\":\"a\",\"time\":[1]}"), UNDECODABLE_WRONG_TYPE},
		{S("{\"message\":\"a\",\"trace_id\":{\"x\":1}}"), UNDECODABLE_WRONG_TYPE},
		{S("12"), UNDECODABLE_NOT_JSON},
		{S("{\"message\":\"a\",\"message\":\"b\"}"), UNDECODABLE_DUPLICATE_KEY},
		{S("{\"level\":\"info\",\"message\":\"a\",\"level\":\"warn\"}"), UNDECODABLE_DUPLICATE_KEY},
		{S("{\"message\":\"a\",\"time\":\"1970-01-01T00:00:00Z\"}"), UNDECODABLE_TIME},
		{S("{\"message\":\"a\",\"time\":\"1970-03-04T00:00:00Z\"}"), UNDECODABLE_TIME},
		{S("{\"message\":\"a\",\"time\":86400}"), UNDECODABLE_TIME},
		{S("{\"message\":\"a\",\"time\":\"2099-01-01T00:00:00Z\"}"), UNDECODABLE_TIME},
		{S("{\"message\":\"a\",\"ts\":4070908800}"), UNDECODABLE_TIME},
		{S("{\"message\":\"a\",\"ts\":18446744073709551615}"), UNDECODABLE_TIME},
		{S("{\"log\":\"{\\\"msg\\\":1,\\\"msg\\\":2}\",\"stream\":\"stdout\"}"), UNDECODABLE_DUPLICATE_KEY},
		{S("{\"resourceLogs\":{}}"), UNDECODABLE_WRONG_TYPE},
		{S("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":true}]}]}]}"), UNDECODABLE_WRONG_TYPE},
		{S("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"traceId\":7}]}]}]}"), UNDECODABLE_WRONG_TYPE},
		{S("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":[]}]}]}]}"), UNDECODABLE_WRONG_TYPE},
		{S("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"severityNumber\":{}}]}]}]}"), UNDECODABLE_WRONG_TYPE},
		{S("{\"resourceMetrics\":[]}"), UNDECODABLE_UNSUPPORTED},
		{S("\x0A\x7F\x12\x05\xFF"), UNDECODABLE_TRUNCATED},
		{S("\x0A\x02\xFF\xFF"), UNDECODABLE_NOT_PROTOBUF},
		{S("\x1F\x8B\x08\x00garbage"), UNDECODABLE_GZIP},
		{S("\x81\xA1" "a\xC1"), UNDECODABLE_NOT_MSGPACK},
		{S("\x81\xA3msg\xA5" "cut"), UNDECODABLE_TRUNCATED},
		{S("\x81\xA3msg\xA2\xFF\xFE"), UNDECODABLE_NOT_UTF8},
		{S("\x81\x01\x02"), UNDECODABLE_WRONG_TYPE},
		{S("\0\0\0\0\x2A\x02\x0A" "abcd"), UNDECODABLE_SCHEMA_AVRO},
		{S("\0\0\0\0\x2A\0\x0A\x02hi\x10\x07"), UNDECODABLE_SCHEMA_PROTOBUF},
		{S("{\"traceId\":7,\"id\":\"x\",\"kind\":\"CLIENT\"}"), UNDECODABLE_WRONG_TYPE},
		{S("{\"streams\":7}"), UNDECODABLE_WRONG_TYPE},
		{S("{\"logEvents\":{}}"), UNDECODABLE_WRONG_TYPE},
		{S("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":1}]}]}]}"), UNDECODABLE_WRONG_TYPE},
		{S("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"a\",\"name\":\"b\"}]}]}]}"), UNDECODABLE_DUPLICATE_KEY},
		{S("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"endTimeUnixNano\":\"86400000000000\"}]}]}]}"), UNDECODABLE_TIME},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_payload(FORMAT_AUTO, rows[i].payload, 0, 1, rows[i].reason);
}

static void a_ten_megabyte_line_is_too_large_and_the_next_line_is_read(void **state)
{
	size_t len = 10 * 1000 * 1000;
	char *line = malloc(len);
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	struct decoded out;
	(void)state;
	memset(line, 'x', len);
	memcpy(line, "{\"msg\":\"", 8);
	memcpy(line + len - 2, "\"}", 2);
	decoder_decode(d, slice_of(line, len), NOW_NS, &out);
	assert_int_equal(out.reason, UNDECODABLE_TOO_LARGE);
	assert_int_equal(out.undecodable, 1);
	memcpy(line + 5 * 1000 * 1000, "\"}", 2);
	decoder_decode(d, slice_of(line, 5 * 1000 * 1000 + 2), NOW_NS, &out);
	assert_int_equal(out.len, 1);
	assert_int_equal(out.records[0].message.len, 5 * 1000 * 1000 - 8);
	decoder_decode(d, SLICE("{\"msg\":\"small\"}"), NOW_NS, &out);
	assert_int_equal(out.len, 1);
	check_slice(out.records[0].message, "small");
	decoder_free(d);
	free(line);
}

static void ten_thousand_levels_are_too_deep_closed_or_not(void **state)
{
	enum { LEVELS = 10000 };
	static char text[LEVELS * 6 + LEVELS + 2];
	size_t n = 0;
	(void)state;
	for (int i = 0; i < LEVELS; i++, n += 5)
		memcpy(text + n, "{\"a\":", 5);
	check_payload(FORMAT_AUTO, slice_of(text, n), 0, 1, UNDECODABLE_TOO_DEEP);
	text[n++] = '1';
	for (int i = 0; i < LEVELS; i++)
		text[n++] = '}';
	check_payload(FORMAT_AUTO, slice_of(text, n), 0, 1, UNDECODABLE_TOO_DEEP);
	memset(text, '[', LEVELS);
	check_payload(FORMAT_AUTO, slice_of(text, LEVELS), 0, 1, UNDECODABLE_TOO_DEEP);
}

static void a_bad_record_does_not_take_its_neighbours_along(void **state)
{
	(void)state;
	check_payload(FORMAT_AUTO, SLICE("[{\"msg\":\"a\"},7,{\"msg\":[1]},{\"msg\":\"b\"}]"), 2, 2, UNDECODABLE_WRONG_TYPE);
	check_payload(FORMAT_AUTO, SLICE("{\"msg\":\"a\"}\n{\"msg\":\n\n{\"msg\":\"b\"}\nnonsense\n"), 2, 2, UNDECODABLE_TRUNCATED);
	check_payload(FORMAT_AUTO, SLICE("{\"broken\"\n{\"msg\":\"b\"}"), 1, 1, UNDECODABLE_TRUNCATED);
	check_payload(FORMAT_AUTO,
		SLICE("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"a\"}},{\"timeUnixNano\":\"4070908800000000000\"},7,"
		      "{\"body\":{\"stringValue\":\"b\"}}]},5]},{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"c\"}}]}]}]}"),
		3, 3, UNDECODABLE_TIME);
}

static void what_is_no_mistake_is_read(void **state)
{
	static const struct slice rows[] = {
		S("{}"), S("{\"msg\":null}"), S("{\"msg\":\"\"}"), S("{\"msg\":\"a\",\"time\":null}"), S("{\"msg\":\"a\",\"time\":\"\"}"), S("{\"msg\":\"a\",\"time\":0}"),
		S("{\"msg\":\"a\",\"time\":-1}"), S("{\"msg\":\"a\",\"time\":\"0\"}"), S("{\"msg\":\"a\",\"time\":\"0001-01-01T00:00:00Z\"}"), S("{\"msg\":\"a\",\"time\":\"noon\"}"),
		S("{\"msg\":\"a\",\"level\":\"loud\"}"), S("{\"msg\":\"a\",\"level\":null}"), S("{\"msg\":\"a\",\"x\":1,\"x\":2}"), S("\xEF\xBB\xBF{\"msg\":\"a\"}\r\n"),
		S("{\"msg\":\"\\u0000\"}"), S("{\"msg\":{\"a\":[1,\"x\"]}}"), S("{\"msg\":7}"), S("{\n\"msg\":\n\"a\"\n}"),
		S("{\"log\":\"{\\\"cut\\\":\",\"stream\":\"stdout\"}"), S("{\"log\":\"\",\"stream\":\"stdout\"}"), S("\"just text\""),
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_payload(FORMAT_AUTO, rows[i], 1, 0, UNDECODABLE_NONE);
	check_payload(FORMAT_AUTO, SLICE("[]"), 0, 0, UNDECODABLE_NONE);
	check_payload(FORMAT_AUTO, SLICE("{\"resourceLogs\":[]}"), 0, 0, UNDECODABLE_NONE);
}

static void ids_that_stand_as_bytes_in_msgpack_are_their_digits(void **state)
{
	static const struct {
		struct slice payload;
		const char *trace, *span;
	} rows[] = {
		{S("\x83\xA3msg\xA4paid\xA8trace_id\xC4\x10\x4B\xF9\x2F\x35\x77\xB3\x4D\xA6\xA3\xCE\x92\x9D\x0E\x0E\x47\x36\xA7span_id\xC4\x08\x00\xF0\x67\xAA\x0B\xA9\x02\xB7"), "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"},
		{S("\x83\xA3msg\xA4paid\xA8trace_id\xC4\x08\x01\x02\x03\x04\x05\x06\x07\x08\xA7span_id\xC4\x08\x11\x12\x13\x14\x15\x16\x17\x18"), "0102030405060708", "1112131415161718"}, /* UTF-8, too */
		{S("\x83\xA3msg\xA4paid\xA8trace_id\xC4\x10" "4bf92f3577b34da6\xA7span_id\xC4\x10" "00f067aa0ba902b7"), "4bf92f3577b34da6", "00f067aa0ba902b7"}, /* text, as bytes */
		{S("\x83\xA3msg\xA4paid\xA8trace_id\xC4\x03\xFF\xFE\xFD\xA7span_id\xC4\x08\0\0\0\0\0\0\0\0"), "", ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct decoder *d;
		struct decoded out = decode_as(&d, FORMAT_AUTO, rows[i].payload);
		assert_int_equal(out.len, 1);
		check_slice(out.records[0].message, "paid");
		check_slice(out.records[0].trace_id, rows[i].trace);
		check_slice(out.records[0].span_id, rows[i].span);
		decoder_free(d);
	}
}

static void an_object_as_message_becomes_its_json_text(void **state)
{
	struct decoder *d;
	struct decoded out = decode_as(&d, FORMAT_AUTO, SLICE("{\"body\":{\"a\":[1,2.5,true,null],\"b\":\"x\\n\"}}"));
	(void)state;
	assert_int_equal(out.len, 1);
	check_slice(out.records[0].message, "{\"a\":[1,2.5,true,null],\"b\":\"x\\n\"}");
	decoder_free(d);
}

static void formats_are_kept_apart(void **state)
{
	(void)state;
	check_payload(FORMAT_TEXT, SLICE("2026-03-04T09:15:02Z WARN disk at 91 %"), 1, 0, UNDECODABLE_NONE);
	check_payload(FORMAT_TEXT, SLICE("{\"msg\":1}"), 1, 0, UNDECODABLE_NONE);
	check_payload(FORMAT_TEXT, SLICE("a\xFF"), 0, 1, UNDECODABLE_NOT_UTF8);
	check_payload(FORMAT_TEXT, SLICE("a\0b"), 0, 1, UNDECODABLE_NUL);
	check_payload(FORMAT_JSON, SLICE("{\"resourceLogs\":[],\"msg\":\"a\"}"), 1, 0, UNDECODABLE_NONE);
	check_payload(FORMAT_JSON, SLICE("7"), 0, 1, UNDECODABLE_WRONG_TYPE);
	check_payload(FORMAT_OTLP_JSON, SLICE("{\"msg\":\"a\"}"), 0, 1, UNDECODABLE_WRONG_TYPE);
	check_payload(FORMAT_OTLP_JSON, SLICE("{}"), 0, 0, UNDECODABLE_NONE);
	check_payload(FORMAT_MSGPACK, SLICE("x"), 0, 1, UNDECODABLE_WRONG_TYPE);
	assert_int_equal(format_by_name(SLICE("otlp_json")), FORMAT_OTLP_JSON);
	assert_int_equal(format_by_name(SLICE("xml")), FORMAT_COUNT);
	for (unsigned i = 0; i < FORMAT_COUNT; i++)
		assert_int_equal(format_by_name(slice_str(format_names()[i])), i);
	assert_null(format_names()[FORMAT_COUNT]);
}

static void the_wrapper_fills_what_its_text_leaves_open(void **state)
{
	struct decoder *d;
	struct decoded out = decode_as(&d, FORMAT_AUTO, SLICE("{\"log\":\"{\\\"asctime\\\":\\\"2026-03-04 10:15:02,481\\\",\\\"levelname\\\":\\\"INFO\\\",\\\"message\\\":\\\"hi\\\"}\","
							      "\"stream\":\"stdout\",\"time\":\"2026-03-04T09:15:02.5Z\",\"kubernetes\":{\"labels\":{\"app\":\"pay\"}}}"));
	(void)state;
	assert_int_equal(out.len, 1);
	check_slice(out.records[0].service, "pay");
	check_slice(out.records[0].message, "hi");
	/* the inner time names no zone, so the wrapper's is the better one */
	assert_int_equal(out.records[0].time_ns, INT64_C(1772615702500000000));
	decoder_free(d);
}

static void the_error_flag_follows_severity_status_and_exception(void **state)
{
	static const struct {
		struct slice payload;
		bool error;
	} rows[] = {
		{S("{\"level\":\"error\",\"msg\":\"a\"}"), true}, {S("{\"level\":\"fatal\",\"msg\":\"a\"}"), true}, {S("{\"level\":\"warn\",\"msg\":\"a\"}"), false},
		{S("{\"level\":\"info\",\"msg\":\"a\",\"status\":500}"), true}, {S("{\"level\":\"info\",\"msg\":\"a\",\"status\":\"503\"}"), true},
		{S("{\"level\":\"info\",\"msg\":\"a\",\"status\":499}"), false}, {S("{\"level\":\"info\",\"msg\":\"a\",\"error\":\"EOF\"}"), true},
		{S("{\"level\":\"info\",\"msg\":\"a\",\"error\":\"\"}"), false}, {S("{\"level\":\"info\",\"msg\":\"a\",\"error\":null}"), false},
		{S("{\"level\":\"info\",\"msg\":\"a\",\"err\":{}}"), false}, {S("{\"level\":\"info\",\"msg\":\"a\",\"err\":{\"type\":\"E\"}}"), true},
		{S("{\"level\":\"info\",\"msg\":\"a\",\"error\":false}"), false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct decoder *d;
		struct decoded out = decode_as(&d, FORMAT_AUTO, rows[i].payload);
		assert_int_equal(out.len, 1);
		if (out.records[0].error != rows[i].error)
			fail_msg("%s", rows[i].payload.ptr);
		decoder_free(d);
	}
}

static void a_schema_registrys_prefix_before_json_is_skipped(void **state)
{
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO, .notes = true});
	struct decoded out;
	size_t notes;
	(void)state;
	decoder_decode(d, SLICE("\0\0\0\x01\x02{\"level\":\"warn\",\"message\":\"behind it\"}"), NOW_NS, &out);
	assert_int_equal(out.len, 1);
	check_slice(out.records[0].message, "behind it");
	const struct decode_note *note = decoder_notes(d, &notes);
	assert_true(notes > 0);
	assert_string_equal(note[0].member, "envelope");
	check_slice(note[0].source, "behind a schema registry's prefix, schema 258");
	decoder_free(d);
	check_payload(FORMAT_JSON, SLICE("\0\0\0\0\x05{\"msg\":\"a\"}"), 1, 0, UNDECODABLE_NONE);
}

static void configured_fields_win_over_the_shape(void **state)
{
	static const char *const service[] = {"svc", "app.name", NULL}, *const when[] = {"at", NULL}, *const level[] = {"prio", NULL};
	const struct decoder_field fields[] = {{"service", service}, {"time", when}, {"severity", level}};
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO, .fields = fields, .fields_len = 3});
	struct decoded out;
	(void)state;
	decoder_decode(d, SLICE("{\"service\":\"x\",\"app\":{\"name\":\"pay\"},\"prio\":\"error\",\"level\":\"info\",\"msg\":\"a\",\"at\":\"2026-03-04T09:15:02Z\",\"time\":1}"), NOW_NS, &out);
	assert_int_equal(out.len, 1);
	check_slice(out.records[0].service, "pay");
	assert_int_equal(out.records[0].severity, SEVERITY_ERROR);
	assert_true(out.records[0].error);
	assert_int_equal(out.records[0].time_ns, INT64_C(1772615702000000000));
	/* what is not there, or is no level, leaves what the shape found */
	decoder_decode(d, SLICE("{\"log\":\"{\\\"svc\\\":\\\"inner\\\",\\\"prio\\\":\\\"loud\\\",\\\"level\\\":\\\"warn\\\",\\\"msg\\\":\\\"b\\\"}\",\"stream\":\"stdout\",\"svc\":\"outer\"}"), NOW_NS, &out);
	assert_int_equal(out.len, 1);
	check_slice(out.records[0].service, "inner");
	assert_int_equal(out.records[0].severity, SEVERITY_WARN);
	decoder_free(d);
}

static void a_time_without_a_zone_is_in_the_configured_one(void **state)
{
	static const struct {
		const char *payload, *zone, *utc;
	} rows[] = {
		/* JSON: with a fraction, with a comma, with slashes, in an envelope whose own time names its zone, in the text of a container's line */
		{"{\"asctime\":\"2026-03-04 09:15:02,481\",\"levelname\":\"INFO\",\"message\":\"a\"}", "Europe/Berlin", "2026-03-04T08:15:02.481000000Z"},
		{"{\"asctime\":\"2025-07-04 09:15:02,481\",\"levelname\":\"INFO\",\"message\":\"a\"}", "Europe/Berlin", "2025-07-04T07:15:02.481000000Z"},
		{"{\"time\":\"2026/03/04 09:15:02\",\"message\":\"a\"}", "America/New_York", "2026-03-04T14:15:02.000000000Z"},
		{"{\"time\":\"2025-11-02T01:30:00\",\"message\":\"a\"}", "America/New_York", "2025-11-02T05:30:00.000000000Z"},
		{"{\"time\":\"2025-11-02T02:00:00\",\"message\":\"a\"}", "America/New_York", "2025-11-02T07:00:00.000000000Z"},
		{"{\"time\":\"2026-03-04T09:15:02\",\"message\":\"a\"}", NULL, "2026-03-04T09:15:02.000000000Z"},
		{"{\"log\":\"{\\\"time\\\":\\\"2026-03-04 10:15:02\\\",\\\"msg\\\":\\\"a\\\"}\\n\",\"stream\":\"stdout\",\"time\":\"2026-03-04T09:15:03Z\"}", "+01:00", "2026-03-04T09:15:02.000000000Z"},
		{"{\"log\":\"{\\\"time\\\":\\\"2026-03-04 10:15:02\\\",\\\"msg\\\":\\\"a\\\"}\\n\",\"stream\":\"stdout\",\"time\":\"2026-03-04T09:15:03Z\"}", NULL, "2026-03-04T09:15:03.000000000Z"},
		/* one that names its zone, or is a number, stays */
		{"{\"time\":\"2026-03-04T09:15:02Z\",\"message\":\"a\"}", "Europe/Berlin", "2026-03-04T09:15:02.000000000Z"},
		{"{\"time\":\"2026-03-04T09:15:02+05:30\",\"message\":\"a\"}", "Europe/Berlin", "2026-03-04T03:45:02.000000000Z"},
		{"{\"time\":1772615702,\"message\":\"a\"}", "Europe/Berlin", "2026-03-04T09:15:02.000000000Z"},
		/* text: Spring's, Python's, syslog without a year, klog, logfmt, Go's log, behind a container's own time */
		{"2026-03-04 09:15:02.481  INFO 7 --- [main] c.a.Pay : a", "Asia/Kolkata", "2026-03-04T03:45:02.481000000Z"},
		{"2025-07-04 09:15:02,481 - pay - ERROR - a", "Europe/Berlin", "2025-07-04T07:15:02.481000000Z"},
		{"<34>Mar  4 09:15:02 web-1 sshd[7]: a", "Europe/Berlin", "2026-03-04T08:15:02.000000000Z"},
		{"<34>Jul  4 09:15:02 web-1 sshd[7]: a", "Europe/Berlin", "2025-07-04T07:15:02.000000000Z"},
		{"E0304 09:15:02.481203   41 store.go:118] a", "America/New_York", "2026-03-04T14:15:02.481203000Z"},
		{"time=\"2026-03-04 09:15:02\" level=info msg=a", "+0200", "2026-03-04T07:15:02.000000000Z"},
		{"2026/03/04 09:15:02 a", "+02:00", "2026-03-04T07:15:02.000000000Z"},
		{"2026-03-04T09:15:03.5Z stdout F 2026-03-04 10:15:02,481 - pay - ERROR - a", "+01:00", "2026-03-04T09:15:02.481000000Z"},
		{"10.0.0.7 - - [04/Mar/2026:09:15:02 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"", "Europe/Berlin", "2026-03-04T09:15:02.000000000Z"},
	};
	struct arena arena = {0};
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct zone *zone = NULL;
		struct decoded out;
		struct buf got = {0};
		if (rows[i].zone)
			assert_int_equal(zone_load(rows[i].zone, &arena, &zone, NULL), 0);
		decoder_set_zone(d, zone);
		decoder_decode(d, slice_str(rows[i].payload), NOW_NS, &out);
		if (out.len == 1)
			clock_format(&got, out.records[0].time_ns);
		if (!slice_eq(buf_slice(&got), slice_str(rows[i].utc)))
			fail_msg("%s in %s: %s", rows[i].payload, rows[i].zone ? rows[i].zone : "none", buf_cstr(&got));
		buf_done(&got);
	}
	decoder_free(d);
	arena_done(&arena);
}

static void the_first_wrong_byte_is_found(void **state)
{
	static const struct {
		const char *payload, *reason;
		int64_t at; /* -1: there is none */
	} rows[] = {{"{\"a\":tru}", "not_json", 8}, {"hello world", "not_json", 0}, {"{\"msg\":\"cut", "truncated", 11}, {"{\"a\":1}\n{\"b\":2}\n{\"c\" 3}\n", "not_json", 21}, {"  {\"a\":01}", "not_json", 7},
		{"{\"msg\":\"\xC3(\"}", "not_utf8", 8}, {"{\"message\":\"a\",\"time\":true}", "wrong_type", -1}, {"", "empty", -1}, {"{\"n\":1e999}", "number", -1}};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t at = 0;
		bool found = decoder_first_error(slice_str(rows[i].payload), rows[i].reason, &at);
		if (found != (rows[i].at >= 0) || (found && at != (size_t)rows[i].at))
			fail_msg("%s: %d at %zu", rows[i].payload, found, at);
	}
	size_t at;
	assert_true(decoder_first_error(slice_of("{\"a\0", 4), "nul", &at) && at == 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_wrong_byte_is_found),
		cmocka_unit_test(texts_that_come_in_the_same_memory_are_each_read_anew),
		cmocka_unit_test(documents_one_behind_the_other_are_each_read),
		cmocka_unit_test(bad_input_costs_that_record_and_says_why),
		cmocka_unit_test(a_ten_megabyte_line_is_too_large_and_the_next_line_is_read),
		cmocka_unit_test(ten_thousand_levels_are_too_deep_closed_or_not),
		cmocka_unit_test(a_bad_record_does_not_take_its_neighbours_along),
		cmocka_unit_test(what_is_no_mistake_is_read),
		cmocka_unit_test(ids_that_stand_as_bytes_in_msgpack_are_their_digits),
		cmocka_unit_test(an_object_as_message_becomes_its_json_text),
		cmocka_unit_test(formats_are_kept_apart),
		cmocka_unit_test(the_wrapper_fills_what_its_text_leaves_open),
		cmocka_unit_test(a_schema_registrys_prefix_before_json_is_skipped),
		cmocka_unit_test(a_time_without_a_zone_is_in_the_configured_one),
		cmocka_unit_test(configured_fields_win_over_the_shape),
		cmocka_unit_test(the_error_flag_follows_severity_status_and_exception),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
