/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "record/decoder.h"

struct expect {
	const char *path;
	const char *value; /* NULL: there is none */
};

static void check_fields(struct slice payload, const struct expect *rows)
{
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	struct decoded out;
	decoder_decode(d, payload, 0, &out);
	assert_true(out.len >= 1);
	for (; rows->path; rows++) {
		struct slice value = {NULL, 0};
		bool found = record_field(&out.records[0], slice_str(rows->path), &value);
		if (found != (rows->value != NULL))
			fail_msg("%s", rows->path);
		if (found)
			check_slice(value, rows->value);
	}
	decoder_free(d);
}

static void fields_are_found_inside_first_and_in_the_wrapper_second(void **state)
{
	static const struct expect rows[] = {
		{"seq", "5512"}, {"ratio", "0.25"}, {"ok", "true"}, {"who.name", "ann"}, {"stream", "stdout"}, {"kubernetes.labels.app", "edge"}, {"kubernetes.pod_name", "edge-1"},
		{"time", "inner"}, {"kubernetes", NULL}, {"nothing", NULL}, {"none", NULL}, {"message", "hi"}, {"severity", "info"}, {"service", "edge"}, {"logger", NULL}, {NULL, NULL}};
	(void)state;
	check_fields(SLICE("{\"log\":\"{\\\"level\\\":\\\"info\\\",\\\"msg\\\":\\\"hi\\\",\\\"seq\\\":5512,\\\"ratio\\\":0.25,\\\"ok\\\":true,\\\"none\\\":null,\\\"time\\\":\\\"inner\\\",\\\"who\\\":{\\\"name\\\":\\\"ann\\\"}}\\n\","
			   "\"stream\":\"stdout\",\"time\":\"2026-03-04T09:15:02Z\",\"kubernetes\":{\"pod_name\":\"edge-1\",\"labels\":{\"app\":\"edge\"}}}"),
		rows);
}

static void otlp_attributes_are_found_by_name(void **state)
{
	static const struct expect rows[] = {{"order.id", "81422"}, {"k8s.pod.name", "p-1"}, {"lib", "x"}, {"traceState", "th:8"}, {"name", "POST /charge"}, {"status.code", "2"}, {"order", NULL}, {NULL, NULL}};
	(void)state;
	check_fields(SLICE("{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"k8s.pod.name\",\"value\":{\"stringValue\":\"p-1\"}}]},\"scopeSpans\":[{\"scope\":{\"attributes\":[{\"key\":\"lib\",\"value\":"
			   "{\"stringValue\":\"x\"}}]},\"spans\":[{\"name\":\"POST /charge\",\"traceState\":\"th:8\",\"status\":{\"code\":2},\"attributes\":[{\"key\":\"order.id\",\"value\":{\"intValue\":\"81422\"}}]}]}]}]}"),
		rows);
}

/* The text of a resource as the first record of a batch has it, kept in out. */
static void read_resource(struct decoder *d, const char *resource, const char *before_scopes, struct buf *out)
{
	struct buf payload = {0};
	struct decoded decoded;
	buf_printf(&payload, "{\"resourceSpans\":[{\"resource\":%s%s\"scopeSpans\":[{\"spans\":[{\"name\":\"a\"}]}]}]}", resource, before_scopes);
	decoder_decode(d, buf_slice(&payload), 0, &decoded);
	assert_int_equal(decoded.len, 1);
	buf_reset(out);
	buf_add_slice(out, record_resource_bytes(&decoded.records[0]));
	buf_done(&payload);
}

/* By it resources are told apart: equal text must mean equal attributes, and where that is not sure there is none. */
static void a_resource_stands_in_json_as_it_stands_in_the_text(void **state)
{
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	struct buf one = {0}, other = {0};
	(void)state;
	read_resource(d, "{\"attributes\":[{\"key\":\"pid\",\"value\":{\"intValue\":1}}]}", ",", &one);
	assert_true(slice_search(buf_slice(&one), SLICE("\"pid\",\"value\":{\"intValue\":1}}]}")) < one.len);
	read_resource(d, "{\"attributes\":[{\"key\":\"pid\",\"value\":{\"intValue\":1}}]}", ",", &other);
	assert_true(slice_eq(buf_slice(&one), buf_slice(&other)));
	read_resource(d, "{\"attributes\":[{\"key\":\"pid\",\"value\":{\"intValue\":2}}]}", ",", &other);
	assert_false(slice_eq(buf_slice(&one), buf_slice(&other)));
	read_resource(d, "{\"attributes\":[{\"key\":\"a\\nb\",\"value\":{\"stringValue\":\"\\u0041\"}}]}", ",", &other); /* escapes inside stand there too */
	assert_true(slice_search(buf_slice(&other), SLICE("a\\nb")) < other.len && slice_search(buf_slice(&other), SLICE("\\u0041")) < other.len);
	static const char *const unsure[][2] = {
		{"{\"attribute\\u0073\":[{\"key\":\"pid\",\"value\":{\"intValue\":1}}]}", ","},
		{"{\"attributes\":[{\"key\":\"pid\",\"value\":{\"intValue\":1}}]}", ",\"\\u0062\":0,"},
		{"{\"attribute\\u0073\":[{\"key\":\"pid\",\"value\":{\"intValue\":1}}]}", ",\"\\u0062\":0,"},
		{"{\"attributes\":[{\"key\":\"x\",\"value\":{\"doubleValue\":1e5}}]}", ","}, /* a number that is simdjson's own work: so is the whole document then */
		{"{}", ","},
		{"[]", ","},
	};
	for (size_t i = 0; i < sizeof(unsure) / sizeof(unsure[0]); i++) {
		read_resource(d, unsure[i][0], unsure[i][1], &other);
		assert_int_equal(other.len, 0);
	}
	buf_done(&one);
	buf_done(&other);
	decoder_free(d);
}

static void records_of_json_lines_keep_their_own_fields(void **state)
{
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	struct decoded out;
	struct slice value;
	(void)state;
	decoder_decode(d, SLICE("{\"n\":\"one\"}\n{\"n\":\"two\"}\n{\"n\":3}"), 0, &out);
	assert_int_equal(out.len, 3);
	assert_true(record_field(&out.records[0], SLICE("n"), &value));
	check_slice(value, "one");
	assert_true(record_field(&out.records[2], SLICE("n"), &value));
	check_slice(value, "3");
	assert_true(record_field(&out.records[1], SLICE("n"), &value));
	check_slice(value, "two");
	decoder_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found_inside_first_and_in_the_wrapper_second),
		cmocka_unit_test(otlp_attributes_are_found_by_name),
		cmocka_unit_test(a_resource_stands_in_json_as_it_stands_in_the_text),
		cmocka_unit_test(records_of_json_lines_keep_their_own_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
