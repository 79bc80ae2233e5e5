/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/clock.h"
#include "record/decoder.h"

static const int64_t NOW_NS = INT64_C(1772618400) * NS_PER_S; /* 2026-03-04T10:00:00Z */

static void check_tried(enum format format, struct slice payload, const char *expect)
{
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = format});
	struct buf out = {0};
	decoder_tried(d, payload, "\n", &out);
	check_slice(buf_slice(&out), expect);
	buf_done(&out);
	decoder_free(d);
}

#define UNPACKED(bytes) "packed: no, " bytes " begins no gzip, zstd or snappy\n"
#define NO_BINARY(byte) "protobuf, msgpack: no, " byte " begins none of OTLP, Zipkin, Jaeger and MessagePack\n"

static void each_reader_says_why_it_declined(void **state)
{
	(void)state;
	check_tried(FORMAT_AUTO, SLICE("hello"), UNPACKED("68 65 6C 6C") NO_BINARY("68") "json: no, begins with \"h\", not with { [ or \"\n"
		"text header: no: it begins with no time, no level and no address of an access log\nlogfmt: no: not name=value from beginning to end with two names that are known\nstack trace: no: no line of one");
	check_tried(FORMAT_AUTO, SLICE("{\"a\":tru}"), UNPACKED("7B 22 61 22") NO_BINARY("7B") "json: no, not_json at byte 8, behind \"{\\\"a\\\":tru\": \"}\"");
	check_tried(FORMAT_AUTO, SLICE("{\"msg\":\"cut"), UNPACKED("7B 22 6D 73") NO_BINARY("7B") "json: no, truncated at byte 11, its end, behind \"{\\\"msg\\\":\\\"cut\"");
	check_tried(FORMAT_AUTO, SLICE("{\"message\":\"a\",\"time\":true}"), UNPACKED("7B 22 6D 65") NO_BINARY("7B") "json: no, wrong_type");
	check_tried(FORMAT_AUTO, SLICE("{\"msg\":\"a\"}\n{\"msg\":}\n{\"msg\":\"c\"}"), UNPACKED("7B 22 6D 73") NO_BINARY("7B") "json: yes, but for 1 of 3: not_json");
	check_tried(FORMAT_AUTO, SLICE("2026-03-04 09:15:02,481 - pay - ERROR - a"), UNPACKED("32 30 32 36") NO_BINARY("32") "json: no, begins with \"2\", not with { [ or \"\ntext: yes, by its header");
	check_tried(FORMAT_AUTO, SLICE("level=info msg=a"), UNPACKED("6C 65 76 65") NO_BINARY("6C") "json: no, begins with \"l\", not with { [ or \"\n"
		"text header: no: it begins with no time, no level and no address of an access log\nlogfmt: yes");
	check_tried(FORMAT_AUTO, SLICE("\xFFx"), UNPACKED("FF 78") "otlp_proto: no, FF begins no batch or span of it\nmsgpack: no, FF begins no map or array\nzipkin_proto: no, FF begins no batch or span of it\n"
		"jaeger_proto: no, FF begins no batch or span of it\njson: no, begins with \"\xEF\xBF\xBD\", not with { [ or \"\ntext: no, it is not UTF-8");
	check_tried(FORMAT_AUTO, slice_of(NULL, 0), "any: no, there is no payload");
	check_tried(FORMAT_AUTO, SLICE(""), "any: no, it is empty");
	check_tried(FORMAT_AUTO, SLICE("\x1F\x8B\x08\0no"), "packed: gzip, but it is broken");
	check_tried(FORMAT_AUTO, slice_of("\0\0\0\0\x2A\x02\x0A" "abcd", 11), UNPACKED("00 00 00 00") "schema registry: yes, its prefix stands before the value");
}

static void what_the_format_rules_out_is_not_tried(void **state)
{
	(void)state;
	check_tried(FORMAT_JSON, SLICE("hello"), UNPACKED("68 65 6C 6C") "format: json\njson: no, begins with \"h\", not with { [ or \"");
	check_tried(FORMAT_TEXT, SLICE("hello"), UNPACKED("68 65 6C 6C") "format: text\ntext header: no: it begins with no time, no level and no address of an access log\n"
		"logfmt: no: not name=value from beginning to end with two names that are known\nstack trace: no: no line of one\ntext: yes, because the format says so");
}

static void the_shape_and_the_nearest_before_it_are_named(void **state)
{
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO, .notes = true});
	struct decoded decoded;
	struct buf out = {0};
	(void)state;
	decoder_decode(d, SLICE("{\"ts\":1772615702.48,\"level\":\"info\",\"msg\":\"a\",\"v\":0}"), NOW_NS, &decoded);
	assert_int_equal(decoded.len, 1);
	decoder_shapes(d, &out);
	assert_true(slice_starts(buf_slice(&out), SLICE("  shape zap: has ts, msg\n  not klog: it has level\n")));
	buf_reset(&out);
	decoder_asked_before(d, "time", SLICE("ts"), &out);
	check_slice(buf_slice(&out), "; asked before: timestamp, time");
	buf_reset(&out);
	decoder_asked_before(d, "severity", SLICE("level"), &out);
	check_slice(buf_slice(&out), "");
	decoder_asked_before(d, "service", SLICE(""), &out);
	assert_true(slice_starts(buf_slice(&out), SLICE("nowhere; asked: service, service.name, ")));
	buf_reset(&out);
	/* in an envelope: both objects, and where the inner one lies */
	decoder_decode(d, SLICE("{\"log\":\"{\\\"level\\\":30,\\\"time\\\":1772615702481,\\\"msg\\\":\\\"done\\\"}\\n\",\"stream\":\"stdout\",\"time\":\"2026-03-04T09:15:02.481Z\"}"), NOW_NS, &decoded);
	decoder_shapes(d, &out);
	assert_true(slice_search(buf_slice(&out), SLICE("shape container: has log, text as log, and of its own stream, time\n")) < out.len);
	assert_true(slice_search(buf_slice(&out), SLICE("shape pino, in log JSON: has level, time, a number as level, a number as time\n")) < out.len);
	buf_done(&out);
	decoder_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_reader_says_why_it_declined),
		cmocka_unit_test(what_the_format_rules_out_is_not_tried),
		cmocka_unit_test(the_shape_and_the_nearest_before_it_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
