/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/template.h"
#include "../check.h"

#include <stdlib.h>

static struct tokens tokens;

static struct template *of(const char *message)
{
	tokens_scan(&tokens, slice_str(message));
	return template_new(&tokens);
}

static void check_text(const struct template *t, const char *expect)
{
	struct buf out = {0};
	template_text(t, &out);
	check_slice(buf_slice(&out), expect);
	buf_done(&out);
}

static void a_text_becomes_general_only_where_values_differ(void **state)
{
	(void)state;
	struct template *t = of("link eth0 up at Rect(1, 2) for user root");
	check_text(t, "link eth0 up at Rect(<num>, <num>) for user root");
	tokens_scan(&tokens, SLICE("link eth0 up at Rect(7, 8) for user root"));
	check(!template_refine(t, &tokens));
	tokens_scan(&tokens, SLICE("link eth1 up at Rect(7, 8) for user root"));
	check(template_refine(t, &tokens));
	check_text(t, "link <*> up at Rect(<num>, <num>) for user root");
	tokens_scan(&tokens, SLICE("link eth1 up at Rect(7, 8, 9) for user ann"));
	check(template_refine(t, &tokens));
	check_text(t, "link <*> up at Rect(<*>) for user <*>");
	check(!t->detailed);
	free(t);
}

static void a_learned_place_takes_words_and_values_and_names_of_more_words(void **state)
{
	(void)state;
	struct template *t = of("loading skin blue done");
	struct template *wide = template_generalised(t, 1u << 2);
	check_text(wide, "loading skin <*> done");
	tokens_scan(&tokens, SLICE("loading skin red done"));
	check(template_match(wide, &tokens));
	tokens_scan(&tokens, SLICE("loading skin 17 done"));
	check(template_match(wide, &tokens));
	tokens_scan(&tokens, SLICE("loading skin Dark Forest done"));
	check(template_match(wide, &tokens));
	tokens_scan(&tokens, SLICE("loading skin was never done"));
	check(!template_match(wide, &tokens));
	tokens_scan(&tokens, SLICE("loading font red done"));
	check(!template_match(wide, &tokens));
	free(wide);
	free(t);
}

static void a_texts_reading_gives_the_identity_back(void **state)
{
	(void)state;
	static const char *const messages[] = {
		"took 17 ms for 10.0.0.1:80 (a=1 b=x) [1, 2]", "link eth0 up: done", "name=\"x y\" tag= id=0x1f core.12", "Seat(no=1, at=[a, b]) {\"k\": \"v\"}",
		"x failed\njava.io.IOException: y\n\tat a.B.c(B.java:1)", "resourcelimit=<memory:10240, vCores:-17>", "for user root from 1.2.3.4", "",
		"{\"msg\":\"a b\",\"id\":1}", "level=info msg=\"order created\" id=1", "Rect(0, 0 - 7, 8)word", "-[Foo bar:baz:] 12%", "a......0 b -- c",
		"- \"GET /a HTTP/1.1\" 404 Not Found", "sent to / by", "lost partition orders-0 of node node-7", "on thread worker-1", "at 8/16/2024 9:24:42 AM +00:00", "USD 12.5 -> EUR 9", "read 3 MB at redis-cart:6379, x", "took 1.5s: None", "sent text/html; charset=utf-8 to ::1", "{Id:7 Name:x y} map[a:1]",
		"for 'two words' of S\xc3\xa3o Paulo", "key=b'ab c' GET / HTTP/1.1",
	};
	struct buf out = {0};
	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
		struct template *t = of(messages[i]);
		uint64_t identity = tokens.identity;
		buf_reset(&out);
		template_text(t, &out);
		tokens_scan_template(&tokens, buf_slice(&out));
		if (tokens.identity != identity)
			print_error("%s\n%s\n", messages[i], buf_cstr(&out));
		check(tokens.identity == identity);
		free(t);
	}
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_becomes_general_only_where_values_differ),
		cmocka_unit_test(a_learned_place_takes_words_and_values_and_names_of_more_words),
		cmocka_unit_test(a_texts_reading_gives_the_identity_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
