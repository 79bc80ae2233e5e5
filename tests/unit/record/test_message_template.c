/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "record/message_template.h"
#include "record/template_memo.h"

#include <stdlib.h>

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

/* Every template in every record behind every other: what memory says is what rendering says, whatever came before. */
static void a_template_remembered_is_rendered_as_one_that_is_not(void **state)
{
	static const char *const records[] = {
		"{\"Id\":\"p-1\",\"Elapsed\":184.5,\"@r\":[\"184.50\"]}", "{\"Id\":7,\"Elapsed\":\"long\",\"@r\":[]}", "{\"Elapsed\":1,\"Id\":\"p-2\",\"@r\":[\"1.00\",\"x\"]}",
		"{\"Id\":{\"a\":[1,\"b\"]},\"Elapsed\":null,\"@r\":[1.5]}", "{\"Id\":\"first\",\"Elapsed\":1,\"@r\":0,\"Id\":\"second\"}", "{\"Id\":\"first\",\"Id\":\"second\",\"Elapsed\":2,\"@r\":[\"2\"]}",
		"{\"Other\":{\"Id\":\"inside\"},\"Id\":\"\",\"Elapsed\":-0.25}", "{\"Elapsed\":3}", "{\"Id\":\"with \\\"quotes\\\"\",\"Elapsed\":184.5,\"@r\":[\"184.50\"]}",
	};
	static const char *const templates[] = {"Payment {Id} took {Elapsed:0.00} ms", "Payment {Id} took {Elapsed:0.00} ns", "{Elapsed:0.0}{Elapsed:0.00}{@Id}{$Id,8}", "{{Id}} of {Id}}}", "{Gone} {Id}", "no hole", "{Id", "}{Id}", "{}",
		"{Id} {Id} {Id} {Id} {Id} {Id} {Id} {Id} {Id} {Id} {Id} {Id} {Id}", ""};
	enum { RECORDS = sizeof(records) / sizeof(records[0]), TEMPLATES = sizeof(templates) / sizeof(templates[0]), ROUNDS = 4 };
	struct json_parser *parser = json_parser_new();
	struct template_memos *memos = calloc(1, sizeof(*memos));
	struct arena arena = {0};
	struct buf want = {0}, scratch = {0};
	size_t again = 0;
	(void)state;
	for (size_t i = 0; i < ROUNDS * RECORDS * TEMPLATES; i++) {
		/* by turns record by record and template by template */
		size_t which = i / (RECORDS * TEMPLATES) % 2 ? i % RECORDS : i / TEMPLATES % RECORDS;
		struct slice template = slice_str(templates[i % TEMPLATES]), text;
		struct json json;
		assert_int_equal(json_parser_parse(parser, records[which], strlen(records[which]), &json), JSON_OK);
		assert_non_null(json.walk);
		uint32_t ready = json_get(&json, JSON_ROOT, SLICE("@r"));
		buf_reset(&want);
		message_template_render(&json, JSON_ROOT, ready, template, &want);
		if (!template_memo_again(memos, &json, ready, template, &arena, &scratch, &text)) {
			template_memo_learn(memos, &json, JSON_ROOT, template);
			continue;
		}
		again++;
		check_slice(text, buf_cstr(&want));
	}
	assert_in_range(again, RECORDS * TEMPLATES, ROUNDS * RECORDS * TEMPLATES);
	buf_done(&want);
	buf_done(&scratch);
	arena_done(&arena);
	free(memos);
	json_parser_free(parser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(holes_are_filled_from_the_fields), cmocka_unit_test(a_template_remembered_is_rendered_as_one_that_is_not)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
