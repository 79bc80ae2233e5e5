/* SPDX-License-Identifier: Apache-2.0 */
/* Documents read in one pass against simdjson's own tape: what is read in the first way, simdjson accepts, and reads the same. */
#include "../check.h"
#include "../random.h"

#include "../../fuzz/json_compare.h"

#include <stdio.h>
#include <sys/mman.h>

enum { ROUNDS = 40000, LONGEST = 4096 };

static struct json_pair pair_new(void)
{
	return (struct json_pair){.scan = json_parser_new(), .tape = json_parser_new()};
}

static void pair_done(struct json_pair *p)
{
	json_parser_free(p->scan);
	json_parser_free(p->tape);
}

/* Twice, since the second time the outline knows the names; whether the one pass was enough. */
static bool check_same(const struct json_pair *p, struct slice text)
{
	bool plain = false;
	for (int i = 0; i < 2; i++)
		if (!json_compare(p, text, &plain)) {
			fprintf(stderr, "differs: %.*s\n", (int)text.len, text.ptr);
			fail();
		}
	return plain;
}

static void ordinary_documents_are_read_in_one_pass(void **state)
{
	static const char *const rows[] = {"{}", "{ }", "[]", " [ ] ", "{\"a\":1}", "{\"a\":{},\"b\":[]}", "{\"a\" : [1, -2, 3.5 , true,false,null,\"x\"]\n, \"b\":{\"c\":{\"d\":\"\"}}}",
		"[0,-0,-0.0,0.1,123456789012345678,-123456789012345678,1772615702.4812031,0.12345678901234567,99999999999.1234567]",
		"{\"level\":\"info\",\"msg\":\"a \\\"quoted\\\" word\\n\\tand \\u00e9\\ud83d\\ude00 \\/ \\\\\",\"n\":1}", "{\"\":\"\",\"\":\"\"}", "{\"a_name_that_is_longer_than_sixteen\":1,\"a_name_that_is_longer_than_sixteex\":2}",
		"{\"a_name_that_is_much_longer_than_what_a_node_of_the_outline_can_hold_of_it\":1,\"b\":2}", "{\"k\\u0065y\":1,\"b\":2}", "{\"\xC3\xA9\":\"\xE2\x82\xAC\"}", "{\"a\":\"plain, then \xE2\x82\xAC and \\t more\"}", "{\"a\":\"\\t\xE2\x82\xAC\"}",
		"[\"0123456789abcde\"]", "[\"0123456789abcdef\"]", "[\"0123456789abcde\\n0123456789abcdef0123456789abcdef\\t\"]", "[1772615702481203117]", "{\"a\":1 , \"b\":2}", "{\"a\":1, \"b\":2}",
		"{\"log\":\"a line\\n\",\"b\":\"\\n\",\"c\":\"\\\\n\",\"d\\n\":\"\\\\\\n\",\"e\":[\"x\\n\",\"\\t\\n\"]}"};
	struct json_pair p = pair_new();
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!check_same(&p, slice_str(rows[i]))) {
			fprintf(stderr, "refused: %s\n", rows[i]);
			fail();
		}
	pair_done(&p);
}

/* What the one pass has undone is not in the way of who reads the text after it. */
static void a_document_that_the_pass_gives_up_is_read_from_its_own_text(void **state)
{
	static const char text[] = "{\"log\":\"a line\\n\",\"n\":1e2}";
	struct json_parser *p = json_parser_new();
	struct json json;
	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(json_parser_by_scan(p, text, sizeof(text) - 1, &json), JSON_SYNTAX);
		assert_int_equal(json_parser_parse(p, text, sizeof(text) - 1, &json), JSON_OK);
		check_slice(json_text(&json, json_get(&json, JSON_ROOT, SLICE("log"))), "a line\n");
	}
	json_parser_free(p);
}

static void broken_documents_are_refused(void **state)
{
	static const char *const rows[] = {"", " ", "{", "}", "[", "]", "{]", "[}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,\"a\":1}", "{\"a\":1 \"b\":2}", "{\"a\":1}}", "[1,]", "[,1]", "[1 2]", "{\"a\":1,,\"b\":2}",
		"01", "-", "1.", ".5", "+1", "1e", "tru", "nul", "falsx", "\"a", "\"\\x\"", "\"\\u12g4\"", "\"\n\"", "{\"a\":1{}}", "{\"a\":1{\"b\":2}}", "{{}}", "{}{}", "{} x", "\"\\ud800\"", "\"\\udc00\"", "\"\xFF\"", "{\"l\xEFg\":1}", "{\"a\":\"\\n\xFF\"}",
		"{\"a\":\"0123456789abcdef0123456789abcde\xC3\"}", "{\"\xC3\xA9\":1,\"\xC3\":2}", "{\"a\":\"\\\"}", "[\"\\", "{\"a\":tru3}", "[nul]"};
	struct json_pair p = pair_new();
	struct json json;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_same(&p, slice_str(rows[i]));
		if (json_parser_parse(p.scan, rows[i], strlen(rows[i]), &json) == JSON_OK) {
			fprintf(stderr, "accepted: %s\n", rows[i]);
			fail();
		}
	}
	pair_done(&p);
}

/* Behind the name "a" the outline expects the bracket that came last time. */
static void a_bracket_is_no_name(void **state)
{
	struct json_pair p = pair_new();
	(void)state;
	assert_true(check_same(&p, SLICE("{\"a\":[1]}")));
	assert_false(check_same(&p, SLICE("{\"a\":1,[:2}")));
	pair_done(&p);
}

/* --- at random --- */

static void add_text(struct buf *out)
{
	static const char *const pieces[] = {"a", "warn", "\\n", "\\\"", "\\u00e9", "\\ud83d\\ude00", "\xC3\xA9", "0123456789", " ", "/", "order 7 of 9", "\\\\", "\\t"};
	buf_add_char(out, '"');
	for (size_t n = below(5); n > 0; n--)
		buf_add_str(out, pieces[below(sizeof(pieces) / sizeof(pieces[0]))]);
	buf_add_char(out, '"');
}

static void add_number(struct buf *out)
{
	buf_add_str(out, below(2) ? "-" : "");
	buf_printf(out, "%llu", (unsigned long long)(below(4) ? below(1000) : below(SIZE_MAX) * below(SIZE_MAX)));
	if (below(2))
		buf_printf(out, ".%0*llu", (int)below(12) + 1, (unsigned long long)below(1000000000));
	if (below(12) == 0)
		buf_printf(out, "e%d", (int)below(40) - 20);
}

static void add_blank(struct buf *out)
{
	buf_add_str(out, below(6) ? "" : below(2) ? " " : "\n\t ");
}

static void add_value(struct buf *out, unsigned depth)
{
	static const char *const names[] = {"level", "msg", "time", "a", "kubernetes", "a_long_name_of_a_member_of_it", "\\u0061", "", "x.y", "\xC3\xA9t\xC3\xA9"};
	size_t kind = below(depth > 4 ? 4 : 6);
	if (kind < 2) {
		add_text(out);
	} else if (kind == 2) {
		add_number(out);
	} else if (kind == 3) {
		buf_add_str(out, below(3) ? "true" : below(2) ? "false" : "null");
	} else {
		bool object = kind == 4;
		buf_add_char(out, object ? '{' : '[');
		for (size_t n = below(6), i = 0; i < n; i++) {
			buf_add_str(out, i ? "," : "");
			add_blank(out);
			if (object)
				buf_printf(out, "\"%s\"%s:", names[below(sizeof(names) / sizeof(names[0]))], below(8) ? "" : " ");
			add_blank(out);
			add_value(out, depth + 1);
			add_blank(out);
		}
		buf_add_char(out, object ? '}' : ']');
	}
}

static void documents_at_random_and_damaged_ones_are_the_same_in_both_ways(void **state)
{
	static const char damage[] = "{}[]\",:\\ \n0-1.eEtu\x01\x80";
	struct json_pair p = pair_new();
	struct buf text = {0};
	size_t plain = 0;
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		buf_reset(&text);
		add_value(&text, 0);
		if (text.len > LONGEST)
			continue;
		plain += check_same(&p, buf_slice(&text));
		for (size_t n = below(3); n > 0 && text.len; n--)
			text.data[below(text.len)] = damage[below(sizeof(damage) - 1)];
		check_same(&p, buf_slice(&text));
	}
	assert_true(plain > ROUNDS / 2);
	buf_done(&text);
	pair_done(&p);
}

static void names_that_never_repeat_do_not_fill_the_memory(void **state)
{
	struct json_pair p = pair_new();
	struct buf text = {0};
	(void)state;
	for (int i = 0; i < 20000; i++) {
		buf_reset(&text);
		buf_printf(&text, "{\"level\":\"info\",\"key%d\":1,\"other%d\":2}", i, i * 7);
		assert_true(check_same(&p, buf_slice(&text)));
	}
	buf_done(&text);
	pair_done(&p);
}

/* Payloads lie wherever the broker's answer put them: what follows may be nobody's memory. */
static void nothing_is_read_behind_the_end_of_memory(void **state)
{
	enum { PAGE = 4096 };
	static const char text[] = "{\"level\":\"info\",\"msg\":\"a \\\"quoted\\\" word\",\"n\":17.25,\"http\":{\"status\":200,\"path\":\"/a\"},\"last\":true}";
	struct json_pair p = pair_new();
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)state;
	assert_true(pages != MAP_FAILED && mprotect(pages + PAGE, PAGE, PROT_NONE) == 0);
	for (size_t left = 0; left < 200; left++) {
		struct slice at_end = slice_of(pages + PAGE - left - (sizeof(text) - 1), sizeof(text) - 1);
		memcpy(pages + PAGE - left - at_end.len, text, at_end.len);
		assert_true(check_same(&p, at_end));
		for (size_t cut = 1; cut < at_end.len; cut++)
			check_same(&p, slice_sub(at_end, cut, at_end.len));
	}
	munmap(pages, 2 * PAGE);
	pair_done(&p);
}

/* A number is the same to the last bit however many digits it has. */
static void numbers_of_any_length_are_exact(void **state)
{
	static const char digits[] = "17726157024812031179072";
	struct json_pair p = pair_new();
	char text[64];
	(void)state;
	for (int whole = 1; whole < 22; whole++)
		for (int places = 0; whole + places < 23; places++)
			for (int sign = 0; sign < 2; sign++) {
				snprintf(text, sizeof(text), "[%s%.*s%s%.*s ]", sign ? "-" : "", whole, digits, places ? "." : "", places, digits + whole);
				bool plain = check_same(&p, slice_str(text));
				assert_true(plain || whole + places > 16);
			}
	pair_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_documents_are_read_in_one_pass),
		cmocka_unit_test(a_document_that_the_pass_gives_up_is_read_from_its_own_text),
		cmocka_unit_test(broken_documents_are_refused),
		cmocka_unit_test(a_bracket_is_no_name),
		cmocka_unit_test(documents_at_random_and_damaged_ones_are_the_same_in_both_ways),
		cmocka_unit_test(nothing_is_read_behind_the_end_of_memory),
		cmocka_unit_test(numbers_of_any_length_are_exact),
		cmocka_unit_test(names_that_never_repeat_do_not_fill_the_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
