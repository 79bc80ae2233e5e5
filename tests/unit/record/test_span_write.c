/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/clock.h"
#include "record/decoder.h"
#include "record/span_write.h"

#define NOW (INT64_C(1772615700) * NS_PER_S)

static const char json_batch[] =
	"{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"cart\"}},{\"key\":\"host.id\",\"value\":{\"intValue\":\"7\"}}]},"
	"\"scopeSpans\":[{\"scope\":{\"name\":\"lib\",\"version\":\"1.2\"},\"spans\":["
	"{\"traceId\":\"0AF7651916CD43DD8448EB211C80319C\",\"spanId\":\"b7ad6b7169203331\",\"parentSpanId\":\"00f067aa0ba902b7\",\"name\":\"GET /x\",\"kind\":\"SPAN_KIND_SERVER\",\"traceState\":\"th:8\","
	"\"startTimeUnixNano\":\"1772615690000000000\",\"endTimeUnixNano\":1772615691000000000,\"attributes\":[{\"key\":\"tier\",\"value\":{\"stringValue\":\"gold\"}},{\"key\":\"n\",\"value\":{\"doubleValue\":1.5}},"
	"{\"key\":\"list\",\"value\":{\"arrayValue\":{\"values\":[{\"stringValue\":\"a\"},{\"boolValue\":true}]}}},{\"key\":\"map\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\"bytesValue\":\"aGk=\"}}]}}}],"
	"\"events\":[{\"timeUnixNano\":\"1772615690500000000\",\"name\":\"exception\",\"attributes\":[{\"key\":\"exception.type\",\"value\":{\"stringValue\":\"E\"}}]}],"
	"\"links\":[{\"traceId\":\"0af7651916cd43dd8448eb211c80319d\",\"spanId\":\"b7ad6b7169203332\"}],\"status\":{\"code\":2,\"message\":\"no\"}},"
	"{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"b7ad6b7169203335\",\"name\":\"child\",\"kind\":1,\"startTimeUnixNano\":\"1772615690000000000\",\"endTimeUnixNano\":\"1772615690000000000\"}]}]}]}";

static struct slice write_all(struct span_writer *w, enum format format, struct slice payload, const struct span_note *note)
{
	struct decoder_opts opts = {.format = format};
	struct decoder *d = decoder_new(&opts);
	struct decoded decoded;
	decoder_decode(d, payload, NOW, &decoded);
	assert_int_equal(decoded.undecodable, 0);
	for (size_t i = 0; i < decoded.len; i++)
		span_write(w, &decoded.records[i], note);
	struct slice out = span_writer_finish(w);
	decoder_free(d);
	return out;
}

static void expect_field(const struct record *r, const char *name, const char *text)
{
	struct slice value;
	assert_true(record_field(r, slice_str(name), &value));
	check_slice(value, text);
}

/* What was written reads as what it was made of. */
static void expect_batch(struct slice out)
{
	struct decoder_opts opts = {.format = FORMAT_OTLP_PROTO};
	struct decoder *d = decoder_new(&opts);
	struct decoded decoded;
	decoder_decode(d, out, NOW, &decoded);
	assert_int_equal(decoded.undecodable, 0);
	assert_int_equal(decoded.len, 2);
	const struct record *r = &decoded.records[0];
	check_slice(r->trace_id, "0af7651916cd43dd8448eb211c80319c");
	check_slice(r->span_id, "b7ad6b7169203331");
	check_slice(r->parent_span_id, "00f067aa0ba902b7");
	check_slice(r->name, "GET /x");
	check_slice(r->service, "cart");
	check_slice(r->logger, "lib");
	check_slice(r->exception_type, "E");
	assert_int_equal(r->span_kind, SPAN_SERVER);
	assert_int_equal(r->status, STATUS_ERROR);
	assert_int_equal(r->time_ns, INT64_C(1772615691000000000));
	assert_int_equal(r->duration_ns, NS_PER_S);
	expect_field(r, "tier", "gold");
	expect_field(r, "n", "1.5");
	expect_field(r, "host.id", "7");
	check_slice(decoded.records[1].name, "child");
	assert_int_equal(decoded.records[1].parent_span_id.len, 0);
	decoder_free(d);
}

static void spans_of_json_become_protobuf_with_all_they_say(void **state)
{
	struct span_writer w = {0};
	(void)state;
	struct slice out = write_all(&w, FORMAT_OTLP_JSON, slice_str(json_batch), NULL);
	expect_batch(out);
	assert_true(slice_search(out, SLICE("th:8")) < out.len);
	assert_true(slice_search(out, SLICE("hi")) < out.len); /* bytes, out of base64 */
	assert_true(slice_search(out, SLICE("1.2")) < out.len);
	span_writer_done(&w);
}

static void spans_of_protobuf_stay_as_they_are(void **state)
{
	struct span_writer w = {0}, again = {0};
	(void)state;
	struct slice first = write_all(&w, FORMAT_OTLP_JSON, slice_str(json_batch), NULL);
	struct slice second = write_all(&again, FORMAT_OTLP_PROTO, first, NULL);
	expect_batch(second);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.ptr, second.ptr, first.len);
	span_writer_done(&w);
	span_writer_done(&again);
}

static void a_note_becomes_an_attribute_of_texts(void **state)
{
	struct span_writer w = {0};
	const struct slice ids[] = {SLICE("00000000000000aa"), SLICE("00000000000000bb")};
	const struct span_note note = {.name = SLICE("log.pattern_id"), .values = ids, .len = 2};
	(void)state;
	struct slice out = write_all(&w, FORMAT_OTLP_JSON, slice_str(json_batch), &note);
	expect_batch(out);
	assert_true(slice_search(out, SLICE("log.pattern_id")) < out.len && slice_search(out, ids[1]) < out.len);
	span_writer_done(&w);
}

static void of_other_formats_what_the_record_has_is_written(void **state)
{
	struct span_writer w = {0};
	struct decoder_opts opts = {.format = FORMAT_OTLP_PROTO};
	struct decoder *d = decoder_new(&opts);
	struct decoded decoded;
	(void)state;
	struct slice out = write_all(&w, FORMAT_ZIPKIN,
		SLICE("[{\"traceId\":\"8448eb211c80319c\",\"id\":\"b7ad6b7169203331\",\"name\":\"get\",\"kind\":\"SERVER\",\"timestamp\":1772615690000000,\"duration\":2000,\"localEndpoint\":{\"serviceName\":\"cart\"}}]"), NULL);
	decoder_decode(d, out, NOW, &decoded);
	assert_int_equal(decoded.len, 1);
	check_slice(decoded.records[0].trace_id, "00000000000000008448eb211c80319c");
	check_slice(decoded.records[0].service, "cart");
	assert_int_equal(decoded.records[0].duration_ns, 2 * NS_PER_MS);
	decoder_free(d);
	span_writer_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_of_json_become_protobuf_with_all_they_say),
		cmocka_unit_test(spans_of_protobuf_stay_as_they_are),
		cmocka_unit_test(a_note_becomes_an_attribute_of_texts),
		cmocka_unit_test(of_other_formats_what_the_record_has_is_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
