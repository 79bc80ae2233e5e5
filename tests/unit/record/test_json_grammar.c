/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 8259 case by case, after the kinds that the JSON Parsing Test Suite names: what must be read, what must not, and where a parser may choose. */
#include "../check.h"

#include "record/decoder.h"

static const int64_t NOW_NS = INT64_C(1772618400000000000);

#define S(text) {text, sizeof(text) - 1}

/* Valid JSON: whatever becomes of it as a record, it is no broken JSON. */
static const struct slice valid[] = {
	S("[]"), S("{}"), S("[[] ]"), S("[\"\"]"), S("[\"a\"]"), S("[false]"), S("[null, 1, \"1\", {}]"), S("[null]"), S("[1\n]"), S(" [1]"), S("[1,null,null,null,2]"), S("[2] "),
	S("[0e+1]"), S("[0e1]"), S("[ 4]"), S("[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]"), S("[20e1]"), S("[-0]"), S("[-123]"), S("[-1]"), S("[1E22]"),
	S("[1E-2]"), S("[1E+2]"), S("[123e45]"), S("[123.456e78]"), S("[1e-2]"), S("[1e+2]"), S("[123]"), S("[123.456789]"), S("{\"asd\":\"sdf\", \"dfg\":\"fgh\"}"), S("{\"asd\":\"sdf\"}"),
	S("{\"a\":\"b\",\"a\":\"c\"}"), S("{\"\":0}"), S("{\"foo\\u0000bar\": 42}"), S("{ \"min\": -1.0e+28, \"max\": 1.0e+28 }"), S("{\"x\":[{\"id\": \"x\"}]}"), S("{\"a\":[]}"),
	S("{\"title\":\"\\u041f\\u043e\\u043b\"}"), S("{\n\"a\": \"b\"\n}"), S("[\"\\u0060\\u012a\\u12AB\"]"), S("[\"\\uD801\\udc37\"]"), S("[\"\\ud83d\\ude39\\ud83d\\udc8d\"]"),
	S("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"), S("[\"\\\\u0000\"]"), S("[\"\\\"\"]"), S("[\"a/*b*/c/*d//e\"]"), S("[\"\\\\a\"]"), S("[\"\\\\n\"]"), S("[\"\\u0012\"]"), S("[\"\\uFFFF\"]"), S("[\"asd\"]"),
	S("\" \""), S("[\"\\uDBFF\\uDFFF\"]"), S("[\"new\\u00A0line\"]"), S("[\"\xF4\x8F\xBF\xBF\"]"), S("[\"\xEF\xBF\xBF\"]"), S("[\"\\u0000\"]"), S("[\"\\u002c\"]"), S("[\"\xCF\x80\"]"), S("[\"\xF0\x9B\xBF\xBF\"]"),
	S("[\"asd \"]"), S("[\"\\u0821\"]"), S("[\"\\u0123\"]"), S("[\"\xE2\x80\xA8\"]"), S("[\"\xE2\x80\xA9\"]"), S("[\"\\u0061\\u30af\\u30EA\\u30b9\"]"), S("[\"new\\u000Aline\"]"), S("[\"\x7F\"]"),
	S("[\"\\uA66D\"]"), S("[\"\\u005C\"]"), S("[\"\xE2\x8D\x82\xE3\x88\xB4\xE2\x8D\x82\"]"), S("[\"\\u0022\"]"), S("[\"\xE2\x82\xAC\xF0\x9D\x84\x9E\"]"), S("[\"a\x7F" "a\"]"), S("[true]"), S("{\"a\" :\t1\r\n}"), S("\"\""),
	/* alone, and with blanks around */
	S("42"), S("-0.1"), S("true"), S("false"), S("null"), S("\"asd\""), S("[\"a\"]\n"), S(" [] "), S("\t{}\r\n"),
	/* what Unicode has no character for, in UTF-8 and escaped */
	S("[\"\xF4\x8F\xBF\xBE\"]"), S("[\"\xF0\x9F\xBF\xBE\"]"), S("[\"\xEF\xB7\x90\"]"), S("[\"\xEF\xBF\xBE\"]"), S("[\"\xE2\x80\x8B\"]"), S("[\"\xE2\x81\xA4\"]"), S("[\"\\uDBFF\\uDFFE\"]"), S("[\"\\uD83F\\uDFFE\"]"),
	S("[\"\\uFDD0\"]"), S("[\"\\uFFFE\"]"), S("[\"\\u200B\"]"), S("[\"\\u2064\"]"), S("[\"\\uD834\\uDD1E\"]"),
	S("{\"x\":[{\"id\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}],\"id\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}"),
};

static const struct slice invalid[] = {
	S("[1 true]"), S("[a\xE5]"), S("[\"\": 1]"), S("[\"\"],"), S("[,1]"), S("[1,,2]"), S("[\"x\",,]"), S("[\"x\"]]"), S("[\"\",]"), S("[\"x\""), S("[x"), S("[3[4]]"), S("[\xFF]"), S("[1:2]"), S("[,]"),
	S("[-]"), S("[   , \"\"]"), S("[\"a\",\n4\n,1,"), S("[1,]"), S("[1,\n1\n,1"), S("[\"\x0B\"\\f]"), S("[*]"), S("[\"\""), S("[1,"), S("[{}"), S("[fals]"), S("[nul]"), S("[tru]"), S("[++1234]"), S("[+1]"),
	S("[+Inf]"), S("[-01]"), S("[-1.0.]"), S("[-2.]"), S("[-NaN]"), S("[.-1]"), S("[.2e-3]"), S("[0.1.2]"), S("[0.3e+]"), S("[0.3e]"), S("[0.e1]"), S("[0E+]"), S("[0E]"), S("[0e+]"), S("[0e]"),
	S("[1.0e+]"), S("[1.0e-]"), S("[1.0e]"), S("[1 000.0]"), S("[1eE2]"), S("[2.e+3]"), S("[2.e-3]"), S("[2.e3]"), S("[9.e+]"), S("[Inf]"), S("[NaN]"), S("[\xEF\xBC\x91]"), S("[1+2]"), S("[0x1]"), S("[0x42]"),
	S("[Infinity]"), S("[0e+-1]"), S("[-123.123foo]"), S("[123\xE5]"), S("[1e1\xE5]"), S("[0\xE5]"), S("[-Infinity]"), S("[-foo]"), S("[- 1]"), S("[-012]"), S("[-.123]"), S("[-1x]"), S("[1ea]"), S("[1.]"),
	S("[.123]"), S("[1.2a-3]"), S("[1.8011670033376514H-308]"), S("[012]"), S("[\"x\", truth]"), S("{[: \"x\"}"), S("{\"x\", null}"), S("{\"x\"::\"b\"}"), S("{\"a\":\"a\" 123}"), S("{key: 'value'}"),
	S("{\"\xB9\":\"0\",}"), S("{\"a\" b}"), S("{:\"b\"}"), S("{\"a\" \"b\"}"), S("{\"a\":"), S("{\"a\""), S("{1:1}"), S("{9999E9999:1}"), S("{null:null,null:null}"), S("{\"id\":0,,,,,}"), S("{'a':0}"), S("{\"id\":0,}"),
	S("{\"a\":\"b\"}/**/"), S("{\"a\":\"b\"}/**//"), S("{\"a\":\"b\"}//"), S("{\"a\":\"b\"}/"), S("{\"a\":\"b\",,\"c\":\"d\"}"), S("{a: \"b\"}"), S("{\"a\":\"a"), S("{ \"foo\" : \"bar\", \"a\" }"), S("{\"a\":\"b\"}#"), S(" "),
	S("[\"\\uD800\\\"]"), S("[\"\\uD800\\u\"]"), S("[\"\\uD800\\u1\"]"), S("[\"\\uD800\\u1x\"]"), S("[\xC3\xA9]"), S("[\"\\\0\"]"), S("[\"\\\\\\\"]"), S("[\"\\x00\"]"), S("[\"\\\xF0\x9F\x8C\x80\"]"), S("[\"\\\"]"),
	S("[\"\\uD834\\uDd\"]"), S("[\"\\uD800\\uD800\\x\"]"), S("[\"\\u\xE5\"]"), S("[\"\\a\"]"), S("[\"\\uqqqq\"]"), S("[\"\\\xE5\"]"), S("[\\u0020\"asd\"]"), S("[\\n]"), S("\""), S("['single quote']"), S("abc"), S("[\"\\"),
	S("[\"a\0a\"]"), S("[\"new\nline\"]"), S("[\"\t\"]"), S("\"\\UA66D\""), S("\"\"x"), S("[\xE2\x81\xA0]"), S("\xEF\xBB"), S("<.>"), S("[<null>]"), S("[1]x"), S("[1]]"), S("[\"asd]"), S("a\xC3\xA5"), S("[True]"), S("1]"),
	S("{\"x\": true,"), S("[][]"), S("]"), S("\xEF\xBB\xBF{}}"), S("\xE5"), S("["), S("123\0"), S("{\"\":[{\"\":[{\"\":["), S("[\0]"), S("{}}"), S("{\"\":"), S("{\"a\":/*comment*/\"b\"}"), S("{\"a\": true} \"x\""), S("['"),
	S("[,"), S("[{"), S("[\"a"), S("[\"a\""), S("{"), S("{]"), S("{,"), S("{["), S("{\"a"), S("{'a'"), S("[\"\\{[\"\\{[\"\\{[\"\\{"), S("\xE9"), S("*"), S("{\"a\":\"b\"}#{}"), S("[\\u000A\"\"]"), S("[1"), S("[ false, nul"),
	S("[ true, fals"), S("[ false, tru"), S("{\"asd\":\"asd\""), S("\xC3\xA5"), S("[\xE2\x81\xA0]"), S("[\x0C]"), S("{\"a\":1\x00}"), S("nan"), S("[\"\xA0\xC2\"]"), S("{\"a\":0123}"), S("{\"a\":tru}"),
	S(""), S("\xEF\xBB\xBF"), S("\xEF\xBB{}"), S("[1;2]"), S("[00.0]"), S("[-00.0]"), S("[00e0]"), S("[-00e0]"), S("[1e\xE5]"), S("{\xF0\x9F\x87\xA8\xF0\x9F\x87\xAD}"), S("[\"\\01\"]"), S("[\"\\\t\"]"),
	S("[\"\\u00A\"]"), S("{\"a\":00}"), S("[\"\x1F\"]"), S("[\"a\rb\"]"),
};

/* Where RFC 8259 leaves the choice: nothing may crash. */
static const struct slice open_cases[] = {
	S("[123.456e-789]"), S("[0.4e00669999999999999999999999999999999999999999999999999999999999999999]"), S("[-1e+9999]"), S("[1.5e+9999]"), S("[-123123e100000]"), S("[123123e100000]"),
	S("[-123123123123123123123123123123]"), S("[100000000000000000000]"), S("[-237462374673276894279832749832423479823246327846]"), S("{\"\\uDFAA\":0}"), S("[\"\\uDADA\"]"), S("[\"\\uD888\\u1234\"]"),
	S("[\"\xE6\x97\xA5\xD1\x88\xFA\"]"), S("[\"\\uD800\\n\"]"), S("[\"\\uDd1ea\"]"), S("[\"\\uD800\\uD800\\n\"]"), S("[\"\\ud800\"]"), S("[\"\\ud800abc\"]"), S("[\"\xFF\"]"), S("[\"\\uDd1e\\uD834\"]"),
	S("[\"\xE9\"]"), S("[\"\\uDFAA\"]"), S("[\"\x81\"]"), S("[\"\xF4\xBF\xBF\xBF\"]"), S("[\"\xC0\xAF\"]"), S("[\"\xFC\x83\xBF\xBF\xBF\xBF\"]"), S("[\"\xFC\x80\x80\x80\x80\x80\"]"), S("[\"\xE0\xFF\"]"),
	S("\xFF\xFE[\0\"\0\xE9\0\"\0]\0"), S("\0[\0\"\0\xE9\0\"\0]"), S("\xEF\xBB\xBF{}"), S("[\"\xED\xA0\x80\"]"),
	S("[\0\"\0\xE9\0\"\0]\0"), S("[\"\xE0\x80\xAF\"]"), S("[1e-400]"), S("[9223372036854775808]"), S("[-9223372036854775809]"), S("[18446744073709551616]"),
};

static struct decoded decode(struct decoder *d, struct slice payload)
{
	struct decoded out;
	decoder_decode(d, payload, NOW_NS, &out);
	return out;
}

static bool is_broken(enum undecodable reason)
{
	return reason == UNDECODABLE_NOT_JSON || reason == UNDECODABLE_TRUNCATED || reason == UNDECODABLE_NOT_UTF8 || reason == UNDECODABLE_NUL || reason == UNDECODABLE_NUMBER;
}

static void valid_json_is_never_called_broken(void **state)
{
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_JSON});
	(void)state;
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
		struct decoded out = decode(d, valid[i]);
		if (is_broken(out.reason))
			fail_msg("%s: %s", valid[i].ptr, undecodable_name(out.reason));
	}
	decoder_free(d);
}

static void valid_json_inside_a_record_is_read_with_it(void **state)
{
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	struct buf record = {0};
	(void)state;
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
		buf_reset(&record);
		buf_add_str(&record, "{\"message\":\"order 7 accepted\",\"x\":");
		buf_add_slice(&record, valid[i]);
		buf_add_str(&record, ",\"level\":\"warn\"}");
		struct decoded out = decode(d, buf_slice(&record));
		if (out.len != 1 || out.undecodable || !slice_eq(out.records[0].message, SLICE("order 7 accepted")) || out.records[0].severity != SEVERITY_WARN)
			fail_msg("%s: %s", valid[i].ptr, undecodable_name(out.reason));
	}
	buf_done(&record);
	decoder_free(d);
}

static void invalid_json_is_undecodable_whatever_the_format(void **state)
{
	static const enum format formats[] = {FORMAT_JSON, FORMAT_AUTO, FORMAT_OTLP_JSON, FORMAT_ZIPKIN, FORMAT_JAEGER};
	(void)state;
	for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
		struct decoder *d = decoder_new(&(struct decoder_opts){.format = formats[f]});
		for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
			struct decoded out = decode(d, invalid[i]);
			if (out.len != 0 || out.undecodable == 0)
				fail_msg("case %zu, %s, as %s: %zu records, %s", i, invalid[i].ptr, format_names()[formats[f]], out.len, undecodable_name(out.reason));
		}
		decoder_free(d);
	}
}

static void where_a_parser_may_choose_nothing_is_lost_silently(void **state)
{
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	(void)state;
	for (size_t i = 0; i < sizeof(open_cases) / sizeof(open_cases[0]); i++) {
		struct decoded out = decode(d, open_cases[i]);
		assert_true(out.len + out.undecodable >= 1);
	}
	decoder_free(d);
}

static void five_hundred_nested_arrays_are_too_deep_and_a_hundred_are_not(void **state)
{
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	struct buf deep = {0};
	(void)state;
	for (size_t depth = 100; depth <= 500; depth += 400) {
		buf_reset(&deep);
		buf_add_str(&deep, "{\"message\":\"a\",\"x\":");
		for (size_t i = 0; i < depth; i++)
			buf_add_char(&deep, '[');
		for (size_t i = 0; i < depth; i++)
			buf_add_char(&deep, ']');
		buf_add_char(&deep, '}');
		struct decoded out = decode(d, buf_slice(&deep));
		assert_int_equal(out.len, depth == 100);
		assert_int_equal(out.reason, depth == 100 ? UNDECODABLE_NONE : UNDECODABLE_TOO_DEEP);
	}
	buf_done(&deep);
	decoder_free(d);
}

static void a_hundred_thousand_opening_brackets_are_one_lost_record(void **state)
{
	static char deep[100000];
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	(void)state;
	memset(deep, '[', sizeof(deep));
	struct decoded out = decode(d, slice_of(deep, sizeof(deep)));
	assert_int_equal(out.undecodable, 1);
	assert_int_equal(out.reason, UNDECODABLE_TOO_DEEP);
	for (size_t i = 0; i + 5 <= sizeof(deep); i += 5)
		memcpy(deep + i, "{\"\":[", 5);
	out = decode(d, slice_of(deep, sizeof(deep)));
	assert_int_equal(out.undecodable, 1);
	decoder_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_json_is_never_called_broken),
		cmocka_unit_test(valid_json_inside_a_record_is_read_with_it),
		cmocka_unit_test(invalid_json_is_undecodable_whatever_the_format),
		cmocka_unit_test(where_a_parser_may_choose_nothing_is_lost_silently),
		cmocka_unit_test(five_hundred_nested_arrays_are_too_deep_and_a_hundred_are_not),
		cmocka_unit_test(a_hundred_thousand_opening_brackets_are_one_lost_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
