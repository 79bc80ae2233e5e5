/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "record/json.h"

static struct json parse(struct json_parser *parser, struct slice text)
{
	struct json json = {0};
	assert_int_equal(json_parser_parse(parser, text.ptr, text.len, &json), JSON_OK);
	return json;
}

static void a_document_renders_as_it_was_written(void **state)
{
	static const char *const rows[] = {"{}", "[]", "{\"a\":1}", "[1,-2,18446744073709551615,2.5,1e+300,0.1]", "{\"a\":{\"b\":[true,false,null,\"x\\\"\\\\\\n\"]},\"c\":[[],{}]}", "\"\"", "7"};
	struct json_parser *parser = json_parser_new();
	struct buf out = {0};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json json = parse(parser, slice_str(rows[i]));
		buf_reset(&out);
		json_render(&json, JSON_ROOT, &out);
		check_slice(buf_slice(&out), rows[i]);
	}
	buf_done(&out);
	json_parser_free(parser);
}

static void paths_find_dotted_and_nested_names(void **state)
{
	struct json_parser *parser = json_parser_new();
	struct json json = parse(parser, SLICE("{\"a.b\":{\"c\":1},\"d\":{\"e\":{\"f\":2},\"e.g\":3},\"labels\":{\"app.kubernetes.io/name\":4},\"x\":5}"));
	static const struct {
		const char *path;
		int64_t value;
	} rows[] = {{"a.b.c", 1}, {"d.e.f", 2}, {"d.e.g", 3}, {"labels.app.kubernetes.io/name", 4}, {"x", 5}};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t value = 0;
		assert_true(json_i64(&json, json_find(&json, JSON_ROOT, slice_str(rows[i].path)), &value));
		assert_int_equal(value, rows[i].value);
	}
	assert_int_equal(json_find(&json, JSON_ROOT, SLICE("a.c")), 0);
	assert_int_equal(json_find(&json, JSON_ROOT, SLICE("x.y")), 0);
	assert_int_equal(json_find(&json, JSON_ROOT, SLICE("")), 0);
	json_parser_free(parser);
}

static void refusals_name_their_kind(void **state)
{
	struct json_parser *parser = json_parser_new();
	struct json json;
	(void)state;
	assert_int_equal(json_parser_parse(parser, "{\"a\":1e999}", 11, &json), JSON_NUMBER);
	assert_int_equal(json_parser_parse(parser, "\"\xFF\"", 3, &json), JSON_UTF8);
	assert_int_equal(json_parser_parse(parser, "{", 1, &json), JSON_SYNTAX);
	assert_int_equal(json_fault(SLICE("{\"a\":[1,")), JSON_FAULT_TRUNCATED);
	assert_int_equal(json_fault(SLICE("{\"a\":[1,]}")), JSON_FAULT_SYNTAX);
	assert_int_equal(json_fault(SLICE("{\"a\":\"\\u12")), JSON_FAULT_TRUNCATED);
	assert_int_equal(json_fault(SLICE("{\"a\":\"\\u12g4\"}")), JSON_FAULT_SYNTAX);
	assert_int_equal(json_fault(SLICE("{\"a\":-1.5e+7, \"b\" : [ ] }")), JSON_FAULT_NONE);
	assert_int_equal(json_fault(SLICE("{} {}")), JSON_FAULT_SYNTAX);
	json_parser_free(parser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_renders_as_it_was_written),
		cmocka_unit_test(paths_find_dotted_and_nested_names),
		cmocka_unit_test(refusals_name_their_kind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
