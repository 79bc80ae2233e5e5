/* SPDX-License-Identifier: Apache-2.0 */
/* Long streams: shapes at random, each read as when it stands alone; one record in a hundred broken, in 20 ways, each counted under its reason. 50,000 records, or
 * as many as WINNOW_RECORDS says (a million). */
#include "../check.h"
#include "../random.h"

#include "base/clock.h"
#include "record/decoder.h"

#include <stdio.h>
#include <stdlib.h>

static const int64_t NOW_NS = INT64_C(1772618400000000000);
static const char *const shapes[] = {"zap", "pino", "slog", "logrus", "ecs_dotted", "logback", "gcp", "container_json", "container_spring", "filebeat"};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static size_t records_wanted(void)
{
	const char *wanted = getenv("WINNOW_RECORDS");
	return wanted ? strtoul(wanted, NULL, 10) : 50000;
}

static struct slice load(size_t shape)
{
	static char texts[SHAPES][1 << 14];
	char path[512];
	snprintf(path, sizeof(path), WINNOW_SOURCE_DIR "/fixtures/shapes/%s.json", shapes[shape]);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	size_t len = fread(texts[shape], 1, sizeof(texts[shape]), file);
	fclose(file);
	return slice_trim(slice_of(texts[shape], len));
}

/* A record as one line: what a reader of it would see. */
static void add_record(struct buf *out, const struct record *r)
{
	buf_printf(out, "%s|%lld|%d|%lld|%d|%d|", r->shape, (long long)r->time_ns, (int)r->severity, (long long)r->duration_ns, r->error, r->http_status);
	const struct slice texts[] = {r->service, r->message, r->logger, r->trace_id, r->span_id, r->template_text, r->http_method, r->http_path, r->exception_type};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_add_slice(out, texts[i]);
		buf_add_char(out, '|');
	}
}

static void ten_shapes_at_random_are_read_as_each_alone(void **state)
{
	struct slice payloads[SHAPES];
	struct buf alone[SHAPES] = {0}, here = {0};
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	struct decoded out;
	size_t len = records_wanted();
	(void)state;
	for (size_t i = 0; i < SHAPES; i++) {
		struct decoder *fresh = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
		payloads[i] = load(i);
		decoder_decode(fresh, payloads[i], NOW_NS, &out);
		assert_int_equal(out.len, 1);
		add_record(&alone[i], &out.records[0]);
		decoder_free(fresh);
	}
	for (size_t n = 0; n < len; n++) {
		size_t i = below(SHAPES);
		decoder_decode(d, payloads[i], NOW_NS, &out);
		assert_int_equal(out.len, 1);
		buf_reset(&here);
		add_record(&here, &out.records[0]);
		if (!slice_eq(buf_slice(&here), buf_slice(&alone[i])))
			fail_msg("record %zu, %s: \"%s\", alone \"%s\"", n, shapes[i], buf_cstr(&here), buf_cstr(&alone[i]));
	}
	for (size_t i = 0; i < SHAPES; i++)
		buf_done(&alone[i]);
	buf_done(&here);
	decoder_free(d);
}

#define S(text) {text, sizeof(text) - 1}

static const struct {
	struct slice payload;
	enum undecodable reason;
} broken[] = {
	{{NULL, 0}, UNDECODABLE_NULL}, {S(""), UNDECODABLE_EMPTY}, {S(" \n\t "), UNDECODABLE_EMPTY}, {S("hello world"), UNDECODABLE_NOT_JSON}, {S("{\"a\":tru}"), UNDECODABLE_NOT_JSON},
	{S("{'msg':'x'}"), UNDECODABLE_NOT_JSON}, {S("{\"msg\":\"cut in the mid"), UNDECODABLE_TRUNCATED}, {S("[{\"a\":1}"), UNDECODABLE_TRUNCATED}, {S("{\"msg\":\"\xC3(\"}"), UNDECODABLE_NOT_UTF8},
	{S("{\"msg\":\"a\0b\"}"), UNDECODABLE_NUL}, {S("{\"n\":1e999}"), UNDECODABLE_NUMBER}, {S("{\"message\":[\"a\",\"b\"],\"level\":\"info\"}"), UNDECODABLE_WRONG_TYPE},
	{S("{\"message\":\"a\",\"time\":true}"), UNDECODABLE_WRONG_TYPE}, {S("{\"message\":\"a\",\"message\":\"b\"}"), UNDECODABLE_DUPLICATE_KEY},
	{S("{\"message\":\"a\",\"time\":\"1970-03-04T00:00:00Z\"}"), UNDECODABLE_TIME}, {S("{\"resourceMetrics\":[]}"), UNDECODABLE_UNSUPPORTED}, {S("\x0A\x02\xFF\xFF"), UNDECODABLE_NOT_PROTOBUF},
	{S("\x81\xA1" "a\xC1"), UNDECODABLE_NOT_MSGPACK}, {S("\x1F\x8B\x08\x00garbage"), UNDECODABLE_GZIP}, {S("\0\0\0\0\x07\x02\x0Aorder"), UNDECODABLE_SCHEMA_AVRO},
};
enum { WAYS = sizeof(broken) / sizeof(broken[0]) };
_Static_assert(WAYS == 20, "twenty ways");

static void one_broken_in_a_hundred_is_counted_under_its_reason_and_costs_nothing_else(void **state)
{
	struct slice payloads[SHAPES];
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	size_t len = records_wanted(), whole = 0, fed = 0, made[UNDECODABLE_COUNT] = {0}, counted[UNDECODABLE_COUNT] = {0};
	struct decoded out;
	(void)state;
	for (size_t i = 0; i < SHAPES; i++)
		payloads[i] = load(i);
	for (size_t n = 0; n < len; n++) {
		size_t way = below(WAYS);
		bool bad = below(100) == 0;
		decoder_decode(d, bad ? broken[way].payload : payloads[below(SHAPES)], NOW_NS, &out);
		if (bad)
			made[broken[way].reason]++;
		else
			fed++;
		assert_int_equal(out.len + out.undecodable, 1);
		whole += out.len;
		counted[out.reason] += out.undecodable;
	}
	assert_int_equal(whole, fed);
	for (unsigned i = 0; i < UNDECODABLE_COUNT; i++)
		if (counted[i] != made[i])
			fail_msg("%s: %zu made, %zu counted", undecodable_name((enum undecodable)i), made[i], counted[i]);
	decoder_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_shapes_at_random_are_read_as_each_alone),
		cmocka_unit_test(one_broken_in_a_hundred_is_counted_under_its_reason_and_costs_nothing_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
