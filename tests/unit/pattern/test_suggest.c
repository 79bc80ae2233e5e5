/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "pattern/miner.h"
#include "pattern/ruleset.h"
#include "pattern/suggest.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MESSAGES_MAX = 32 };

static char path[] = "/tmp/test_suggest_XXXXXX";
static struct buf out, left_out;

/* The rules suggested for one pattern, as the miner shows it and with these messages, and another that has nothing to do with it. */
static size_t suggest(const char *service, const char *const *messages)
{
	struct slice examples[MESSAGES_MAX], other = SLICE("something of another kind");
	size_t n = 0;
	for (; messages[n]; n++)
		examples[n] = slice_str(messages[n]);
	struct pattern_set *set = pattern_set_new(&(struct pattern_limits){0});
	struct miner *miner = miner_new(set, 0);
	struct mined mined;
	for (size_t i = 0; i < n; i++)
		miner_name(miner, slice_str(service), examples[i], &mined);
	struct suggest_pattern patterns[] = {
		{.id = mined.pattern->id, .count = n, .service = slice_str(service), .template_text = mined.pattern->template_text, .examples = examples, .examples_len = n},
		{.id = 1, .template_text = other, .examples = &other, .examples_len = 1},
	};
	buf_reset(&out);
	buf_reset(&left_out);
	size_t rules = suggest_rules(patterns, 1, 2, SLICE("test"), &out, &left_out);
	buf_cstr(&out);
	miner_free(miner);
	pattern_set_free(set);
	return rules;
}

/* It loads, and its tests, one that matches and one that does not, pass. */
static void passes(void)
{
	struct rule_errors errors = {0};
	struct ruleset *set = NULL;
	struct buf failures = {0};
	const char *paths[] = {path};
	size_t run;
	FILE *f = fopen(path, "w");
	check(f && fwrite(out.data, 1, out.len, f) == out.len);
	fclose(f);
	if (ruleset_load(paths, 1, &set, &errors))
		fail_msg("%s\n%s", buf_cstr(&errors.text), out.data);
	if (ruleset_run_tests(set, &failures, &run))
		fail_msg("%s\n%s", buf_cstr(&failures), out.data);
	assert_int_equal(run, 2 * ruleset_len(set));
	buf_done(&failures);
	ruleset_free(set);
}

static void has(const char *text)
{
	if (slice_search(buf_slice(&out), slice_str(text)) == out.len)
		fail_msg("not there: %s\n%s", text, out.data);
}

#define SUGGEST(service, ...) suggest(service, (const char *const[]){__VA_ARGS__, NULL})

static void a_pattern_becomes_a_rule_with_typed_places_and_two_tests(void **state)
{
	(void)state;
	assert_int_equal(SUGGEST("payment", "Charge for order 17 failed after 250ms: timed out (66 waiting)", "Charge for order 18 failed after 1.5s: timed out (7 waiting)",
				 "Charge for order 19 failed after 31.2ms: timed out (9 waiting)"), 1);
	passes();
	has("  - name: payment_charge_order_failed_timed_waiting\n    where: {service: payment}\n"
	    "    match: \"Charge for order <order:int> failed after <took:duration>: timed out (<waiting:int> waiting)\"\n    duration: {from: took}\n");
	has("        expect: {order: \"17\", took: 0.25, waiting: \"66\"}\n");
	has("      - message: \"something of another kind\"\n        fields: {service: payment}\n        expect: no match\n");
}

static void a_bare_number_with_a_unit_beside_it_is_a_duration(void **state)
{
	(void)state;
	assert_int_equal(SUGGEST("", "query answered in 31 ms"), 1);
	passes();
	has("match: \"query answered in <took:num> ms\"\n    duration: {from: took, unit: ms}\n");
	has("expect: {took: 0.031}");
	assert_int_equal(SUGGEST("", "done elapsed_ms=12 rows=9"), 1);
	passes();
	has("match: \"done elapsed_ms=<elapsed_ms:num> rows=<rows:num>\"\n    duration: {from: elapsed_ms, unit: ms}\n");
}

static void what_the_template_leaves_out_stays_between_the_places(void **state)
{
	(void)state;
	assert_int_equal(SUGGEST("", "GET /api/v1/orders/4711?expand=items HTTP/1.1 200 31.2ms"), 1);
	passes();
	has("match: \"GET <path:path><any> <value:num> <took:duration>\"");
	assert_int_equal(SUGGEST("", "Order 17 failed\njava.lang.IllegalStateException: none left\n\tat com.acme.Stock.take(Stock.java:71)\n\tat com.acme.Shop.main(Shop.java:9)"), 1);
	passes();
	has("match: \"Order <order:num> failed\\njava.lang.IllegalStateException");
}

static void every_odd_message_and_service_gives_a_file_that_loads_and_passes(void **state)
{
	(void)state;
	static const char *const messages[] = {
		"{\"a\": \"<init> <x:word> << <\", \"b\": 5 ms}", "it's # a: {b} [c], & *d !e %f @g `h` | > - ? \"quoted\" \\back\\ took 5ms", "tab\there 17 \xC2\x85 nel \xE2\x80\xA8 ls \xEF\xBB\xBF bom \x7f del \x01 ctl",
		"<num> and 17 <ip> and 10.0.0.1 are <*> literal", "- item 5 of a list", "? 7 questions", "{{ x }} 8 %{IP:x} 9", "用户 ann 登录成功，耗时300ms", "emoji \xF0\x9F\x98\x80 7 ok", "trailing blank 5   ",
		"   leading blank 5", "a=1 b=2 c.d=3 e_ms=5", "192.168.0.9 - - [10/Oct/2025:13:55:36 +0200] \"POST /login HTTP/2.0\" 302 0 \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"", "percent 50% done",
		"{\"level\":\"info\",\"msg\":\"order created\",\"order_id\":\"4711\",\"items\":[1,2,3]}", "path C:\\Users\\bob\\17.txt opened", "status 200 status 201 status 202 status 203 path /a path /b", "null was found", "yes it was", "a < b and c > d in 5",
		"open </x> <y/> <z 5>", "\xC2\xA0non-breaking 5", "1.2.3.4 says hello to 5.6.7.8 at 2026-03-04 09:15:02.481",
	};
	static const char *const services[] = {"", "no", "*", "!x", "shop*", ">= 5", "a b", "ok-1", "日本", "\"q\"", "a: b"};
	for (size_t m = 0; m < sizeof(messages) / sizeof(messages[0]); m++)
		for (size_t s = 0; s < sizeof(services) / sizeof(services[0]); s++) {
			if (SUGGEST(services[s], messages[m]) != 1)
				fail_msg("no rule for \"%s\": %s", messages[m], buf_cstr(&left_out));
			passes();
		}
}

static void more_places_than_a_rule_can_name_are_left_without_names(void **state)
{
	(void)state;
	struct buf message = {0};
	for (int i = 0; i < 60; i++)
		buf_printf(&message, "k%d=%d ", i, i * 7);
	assert_int_equal(SUGGEST("", buf_cstr(&message)), 1);
	passes();
	buf_done(&message);
}

static void a_pattern_without_a_text_of_its_own_gets_no_rule_and_the_reason(void **state)
{
	(void)state;
	assert_int_equal(SUGGEST("", "17"), 0);
	assert_int_equal(out.len, 0);
	check(slice_search(buf_slice(&left_out), SLICE("it has no text of its own")) < left_out.len);
}

static void a_template_that_a_logger_sent_gives_its_names_to_the_places(void **state)
{
	(void)state;
	struct slice examples[] = {SLICE("Stock of SKU-1 is 5 in berlin-1, 20%"), SLICE("Stock of SKU-22 is 56 in lodz-3, 3%"), SLICE("Stock of SKU-7 is 9 in porto-2, 100%")};
	struct suggest_pattern p = {.id = 5, .carried = true, .template_text = SLICE("Stock of {Sku} is {@ItemCount,8:n} in {}, %d%"), .examples = examples, .examples_len = 3};
	buf_reset(&out);
	assert_int_equal(suggest_rules(&p, 1, 1, SLICE("t"), &out, &left_out), 1);
	buf_cstr(&out);
	passes();
	has("match: \"Stock of <sku:word> is <item_count:int> in <what:word>, <value:int>%\"");
}

/* Of a template and an example that have nothing to do with each other. */
static void a_template_that_does_not_fit_its_example_gets_no_rule(void **state)
{
	(void)state;
	struct slice example = SLICE("entirely different");
	struct suggest_pattern p = {.id = 5, .template_text = SLICE("disk <num> full"), .examples = &example, .examples_len = 1};
	buf_reset(&left_out);
	assert_int_equal(suggest_rules(&p, 1, 1, SLICE("t"), &out, &left_out), 0);
	check(slice_search(buf_slice(&left_out), SLICE("its template does not fit its example")) < left_out.len);
}

static void a_general_pattern_stands_behind_a_special_one_and_names_are_unique(void **state)
{
	(void)state;
	struct slice general = SLICE("job seven ended"), special = SLICE("job nine ended");
	struct suggest_pattern p[] = {
		{.id = 1, .template_text = SLICE("job <*> ended"), .examples = &general, .examples_len = 1},
		{.id = 2, .template_text = SLICE("job nine ended"), .examples = &special, .examples_len = 1},
	};
	buf_reset(&out);
	assert_int_equal(suggest_rules(p, 2, 2, SLICE("t"), &out, &left_out), 2);
	buf_cstr(&out);
	passes();
	struct slice text = buf_slice(&out);
	check(slice_search(text, SLICE("name: job_nine_ended\n")) < slice_search(text, SLICE("name: job_ended\n")));
}

static int set_up(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	buf_done(&out);
	buf_done(&left_out);
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_becomes_a_rule_with_typed_places_and_two_tests),
		cmocka_unit_test(a_bare_number_with_a_unit_beside_it_is_a_duration),
		cmocka_unit_test(what_the_template_leaves_out_stays_between_the_places),
		cmocka_unit_test(every_odd_message_and_service_gives_a_file_that_loads_and_passes),
		cmocka_unit_test(more_places_than_a_rule_can_name_are_left_without_names),
		cmocka_unit_test(a_pattern_without_a_text_of_its_own_gets_no_rule_and_the_reason),
		cmocka_unit_test(a_template_that_a_logger_sent_gives_its_names_to_the_places),
		cmocka_unit_test(a_template_that_does_not_fit_its_example_gets_no_rule),
		cmocka_unit_test(a_general_pattern_stands_behind_a_special_one_and_names_are_unique),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
