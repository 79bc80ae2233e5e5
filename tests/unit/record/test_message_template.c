/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "record/message_template.h"

static void holes_are_filled_from_the_fields(void **state)
{
	static const struct {
		const char *template, *text;
	} rows[] = {
		{"Payment {Id} took {Elapsed:0.00} ms", "Payment p-1 took 184.5 ms"}, {"{@Cart} {$Id} {Id,8}", "{\"n\":[1,2]} p-1 p-1"}, {"{{Id}} {Gone} {} {Id", "{Id} {Gone} {} {Id"},
		{"", ""}, {"plain", "plain"}, {"{Id}{Id}", "p-1p-1"}, {"}", "}"},
	};
	static const char text[] = "{\"Id\":\"p-1\",\"Elapsed\":184.5,\"Cart\":{\"n\":[1,2]}}";
	struct json_parser *parser = json_parser_new();
	struct json json;
	struct buf out = {0};
	(void)state;
	assert_int_equal(json_parser_parse(parser, text, sizeof(text) - 1, &json), JSON_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		message_template_render(&json, JSON_ROOT, 0, slice_str(rows[i].template), &out);
		check_slice(buf_slice(&out), rows[i].text);
	}
	buf_done(&out);
	json_parser_free(parser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(holes_are_filled_from_the_fields)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
