/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "app/schema.h"
#include "record/json.h"

#include <stdio.h>
#include <stdlib.h>

/* With UPDATE_DOCS in the environment the files are written instead of compared. */
static void the_kept_schemas_are_what_the_tables_say(void **state)
{
	(void)state;
	for (const struct schema *s = schemas; s->name; s++) {
		struct buf expect = {0}, got = {0}, path = {0};
		schema_print(s, &expect);
		buf_printf(&path, WINNOW_SOURCE_DIR "/docs/schema/%s.json", s->name);
		FILE *f = fopen(buf_cstr(&path), getenv("UPDATE_DOCS") ? "w+" : "r");
		assert_non_null(f);
		if (getenv("UPDATE_DOCS")) {
			fwrite(expect.data, 1, expect.len, f);
			rewind(f);
		}
		got.len = fread(buf_reserve(&got, 1 << 20), 1, 1 << 20, f);
		fclose(f);
		assert_string_equal(buf_cstr(&got), buf_cstr(&expect));
		buf_done(&path);
		buf_done(&got);
		buf_done(&expect);
	}
}

static void a_schema_is_json_with_the_keys_of_the_tables(void **state)
{
	(void)state;
	static const struct {
		const char *schema, *path, *text;
	} wanted[] = {
		{"rules", "properties.rules.items.properties.duration.properties.from.type", "string"},
		{"rules", "properties.rules.type", "array"},
		{"config", "properties.sources.items.properties.kafka.properties.group.default", "winnow"},
		{"config", "properties.metrics.properties.step.default", "10s"},
	};
	struct json_parser *parser = json_parser_new();
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const struct schema *s = schemas;
		struct buf out = {0};
		struct json json;
		while (strcmp(s->name, wanted[i].schema) != 0)
			s++;
		schema_print(s, &out);
		assert_int_equal(json_parser_parse(parser, out.data, out.len, &json), JSON_OK);
		check_slice(json_text(&json, json_find(&json, JSON_ROOT, slice_str(wanted[i].path))), wanted[i].text);
		buf_done(&out);
	}
	json_parser_free(parser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kept_schemas_are_what_the_tables_say),
		cmocka_unit_test(a_schema_is_json_with_the_keys_of_the_tables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
