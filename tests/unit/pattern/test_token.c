/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/template.h"
#include "../check.h"

#include <stdlib.h>

static struct tokens tokens;
static struct buf text;

/* The template of one message: text for people, or the text that identity rests on. */
static struct slice shown(const char *message)
{
	tokens_scan(&tokens, slice_str(message));
	struct template *t = template_new(&tokens);
	buf_reset(&text);
	template_text(t, &text);
	free(t);
	return buf_slice(&text);
}

static struct slice birth(const char *message)
{
	tokens_scan(&tokens, slice_str(message));
	buf_reset(&text);
	tokens_birth_text(&tokens, &text);
	return buf_slice(&text);
}

static bool one_pattern(const char *a, const char *b)
{
	tokens_scan(&tokens, slice_str(a));
	uint64_t identity = tokens.identity;
	tokens_scan(&tokens, slice_str(b));
	return identity == tokens.identity;
}

static void places_have_types(void **state)
{
	(void)state;
	static const struct {
		const char *message;
		const char *text;
	} cases[] = {
		{"took 17", "took <num>"},
		{"took -1.5e3", "took <num>"},
		{"load 93% now", "load <num> now"},
		{"took 31.2ms", "took <duration>"},
		{"took 1h30m5s.", "took <duration>."},
		{"heap 512MB used", "heap <size> used"},
		{"at 0x7ffe12", "at <hex>"},
		{"commit 9fceb02d", "commit <hex>"},
		{"peer 10.0.0.1 left", "peer <ip> left"},
		{"peer 10.0.0.1:8080, bye", "peer <ip>, bye"},
		{"peer /10.0.0.1:8080", "peer <ip>"},
		{"peer fe80::1ff:fe23:4567:890a left", "peer <ip> left"},
		{"mac 5c:50:15:36:bc:03", "mac <*>"},
		{"id 123e4567-e89b-12d3-a456-426614174000", "id <uuid>"},
		{"open /var/log/syslog failed", "open <path> failed"},
		{"open C:\\Windows\\x.log failed", "open <path> failed"},
		{"fetch https://a.example/b?c=d&e=1", "fetch <url>"},
		{"on 2023-01-29 16:43:15.123 UTC", "on <time> UTC"},
		{"on 2023-01-29T16:43:15Z", "on <time>"},
		{"on Sun Jan 29 16:43:15 CST 2023", "on <time>"},
		{"[10/Oct/2000:13:55:36 -0700] x", "[<time>] x"},
		{"mail to ann@example.org", "mail to <*>"},
		{"blk_-1608999687919862906 lost", "<*> lost"},
		{"core.2275 written", "core.<num> written"},
		{"GET /v2/a/b?x=1 HTTP/1.1 200", "GET <path> <num>"},
		{"tag = null", "tag = <*>"},
		{"the G1 collector", "the G1 collector"},
		{"addr=<nil> x", "addr=<*> x"},
		{"held for PT1M2.5S by", "held for <duration> by"},
		{"a PT boat", "a PT boat"},
		{"from ::1 and ::ffff:10.0.0.1", "from <ip> and <ip>"},
		{"std::string x", "std::string x"},
		{"[17/Jan/2024 10:59:21] x", "[<time>] x"},
		{"GET / HTTP/1.1 200", "GET <path> <num>"},
		{"a / b", "a / b"},
		{"proxying / to b", "proxying <path> to b"},
		{"redirected to /", "redirected to <path>"},
		{"next at 8/16/2024 9:24:42 AM +00:00", "next at <time>"},
		{"hook evt_TuveSXTVUpHNboPcYDfQFDtG sent", "hook <*> sent"},
		{"RetryUpToMaximumCountWithFixedSleep", "RetryUpToMaximumCountWithFixedSleep"},
		{"accept=*/* x", "accept=<*> x"},
		{"key=b'GbXTwBmf' x", "key=<*> x"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_slice(shown(cases[i].message), cases[i].text);
}

static void keys_are_structure_and_values_are_not(void **state)
{
	(void)state;
	check_slice(birth("login user=ann id=7 from=web"), "login user=<*> id=<*> from=<*>");
	check(one_pattern("a user=ann ok", "a user= ok"));
	check(one_pattern("a user=\"ann b\" ok", "a user=\"x\" ok"));
	check(!one_pattern("a user=ann ok", "a host=ann ok"));
	check(one_pattern("status: ready2, next", "status: x, next"));
}

static void printed_objects_are_one_value(void **state)
{
	(void)state;
	check(one_pattern("names: [a]", "names: [a, b, c]"));
	check(one_pattern("got Seat(no=1, stations=[a, b]) ok", "got Seat(no=2, stations=[c]) ok"));
	check(one_pattern("[find][Left][info is: Info{t=[T(n=1, a=b), T(n=2, a=c)]}]", "[find][Left][info is: Info{t=[]}]") == false);
	check(one_pattern("[find][Left][info is: Info{t=[T(n=1, a=b), T(n=2, a=c)]}]", "[find][Left][info is: Info{t=[T(n=1, a=x)]}]"));
	check(!one_pattern("[getSoldTickets][Seat request] x", "[getSoldTickets][Left ticket] x"));
	check(one_pattern("x {\"a\": {\"b\": [1, 2]}, \"c\": 3} y", "x {\"a\": 1} y"));
}

static void what_go_prints_of_structs_and_maps_is_one_value(void **state)
{
	(void)state;
	check(one_pattern("loaded {Id:A7 Name:Tank Top Price:{Units:3}} now", "loaded {Id:B8 Name:Mug Price:{Units:14}} now"));
	check(one_pattern("usage map[cpu:1]", "usage map[mem:2 io:3]"));
	check(one_pattern("got &{User:ann Items:[0xc0001 0xc0002]}", "got &{User:bob Items:[]}"));
	check(!one_pattern("bitmap [cpu] full", "bitmap [mem] full"));
	check(!one_pattern("see {http://a.example/x} now", "look {http://a.example/x} now"));
	check(one_pattern("state Map(1) { 'a' => 1 }", "state Map(2) { 'a' => 1, 'b' => 2 }"));
	check(one_pattern("got {'a': 1}", "got {'a': 1, 'b': [2]}"));
	check(one_pattern("request (words=[a, b])", "request (words=[])"));
}

static void units_currencies_and_content_types_belong_to_values(void **state)
{
	(void)state;
	check(one_pattern("read 12.5 MB from disk", "read 640 kB from disk"));
	check_slice(shown("read 12.5 MB from disk"), "read <num> MB from disk");
	check(!one_pattern("plan A of 3", "plan B of 3"));
	check(one_pattern("charged 12.50 EUR to 7", "charged 9 USD to 7"));
	check(one_pattern("converting EUR to JPY", "converting USD to CHF"));
	check(!one_pattern("TRY again", "CAD again"));
	check(one_pattern("sent text/html; charset=utf-8 in 3ms", "sent application/json in 3ms"));
	check(!one_pattern("text/ lost", "image/ lost"));
	check(one_pattern("view in en-US done", "view in de-DE done"));
}

static void several_words_in_quotes_behind_a_word_are_a_value(void **state)
{
	(void)state;
	check(one_pattern("search for 'blue mug' gave 3", "search for 'shoes' gave 17"));
	check(one_pattern("endpoint \"gRPC - /shop.Cart/Get\" hit", "endpoint \"Cart.Get (Api)\" hit"));
	check(!one_pattern("[api] \"Pod updated\" pod=a", "[api] \"Node updated\" pod=a"));
	check(!one_pattern("info \"Pod updated\" pod=a", "info \"Node updated\" pod=a"));
	check(!one_pattern("error: \"no such file\"", "error: \"no such user\""));
	check(one_pattern("- \"GET /a HTTP/1.1\" 200 OK", "- \"GET /b HTTP/1.1\" 404 Not Found"));
	check(!one_pattern("x said \"GET /a HTTP/1.1\" 200", "x said \"POST /a HTTP/1.1\" 200"));
}

static void hosts_and_numbered_names_are_values(void **state)
{
	(void)state;
	check(one_pattern("cannot reach redis-cart:6379 now", "cannot reach localhost:5432 now"));
	check(one_pattern("cannot reach redis-cart:6379 now", "cannot reach 10.0.0.1:80 now"));
	check_slice(shown("cannot reach redis-cart:6379 now"), "cannot reach redis-cart:<num> now");
	check_slice(shown("proxy.lab.example.org:5070 close"), "<*>:<num> close");
	check(!one_pattern("line:42 skipped", "page:42 skipped"));
	check_slice(shown("in main.go:42"), "in main.go:<num>");
	check_slice(shown("offset of partition orders-0 lost"), "offset of partition orders-<num> lost");
	check(one_pattern("offset of partition orders-0 lost", "offset of partition user.signup-12 lost"));
	check(one_pattern("plugins: Auth, Search, Export", "plugins: Auth"));
	check(!one_pattern("status: lost, retrying", "status: lost, leaving"));
	check(one_pattern("trip from S\xc3\xa3o Paulo to Berlin", "trip from Paris to Mountain View"));
	check(one_pattern("read from queue orders.created in 3 ms", "read from queue mails in 3 ms"));
	check(!one_pattern("unable to open it", "unable to close it"));
}

static void letters_outside_ascii_make_words(void **state)
{
	(void)state;
	check_slice(shown("f\xc3\xbcr Kunde M\xc3\xbcller 17"), "f\xc3\xbcr Kunde M\xc3\xbcller <num>");
	check(one_pattern("login of user M\xc3\xbcller from x", "login of user ann from x"));
	check_slice(shown("16.2\xc2\xb0" "C now"), "<num>\xc2\xb0" "C now");
}

static void a_response_between_angles_is_one_value(void **state)
{
	(void)state;
	check(one_pattern("[a][result is <200,R(a=1, b=[]),[x:\"y\"]>] ok", "[a][result is <404,R(c=1)>] ok"));
	check_slice(shown("result is <200,OK> done"), "result is <<*>> done");
	check_slice(shown("if a <5 or b> 3"), "if a <<num> or b> <num>");
}

static void a_value_that_was_cut_off_meets_its_kin(void **state)
{
	(void)state;
	struct buf whole = {0};
	struct buf cut = {0};
	buf_add_str(&whole, "[a][info is: Info{list=[");
	for (int i = 0; i < 40; i++)
		buf_printf(&whole, "T(no=%d, at=x), ", i);
	buf_add_slice(&cut, buf_slice(&whole));
	buf_add_str(&whole, "T(no=1, at=y)]}]");
	check(one_pattern(buf_cstr(&whole), buf_cstr(&cut)));
	buf_done(&whole);
	buf_done(&cut);
}

static void json_and_logfmt_keep_keys_and_message(void **state)
{
	(void)state;
	check(one_pattern("{\"msg\":\"order created\",\"id\":1}", "{\"msg\":\"order created\",\"id\":22}"));
	check(!one_pattern("{\"msg\":\"order created\",\"id\":1}", "{\"msg\":\"order lost\",\"id\":1}"));
	check(!one_pattern("{\"msg\":\"a b\",\"id\":1}", "{\"msg\":\"a b\",\"no\":1}"));
	check(one_pattern("{\"event\":\"order moved\",\"to\":\"PAID\"}", "{\"event\":\"order moved\",\"to\":\"shipped\"}"));
	check(!one_pattern("{\"msg\":\"boot\",\"id\":1}", "{\"msg\":\"halt\",\"id\":1}"));
	check(one_pattern("{\"name\":\"Ann Lee\",\"id\":1}", "{\"name\":\"Bob\",\"id\":1}"));
	check(one_pattern("level=info msg=\"order created\" id=1", "level=warn msg=\"order created\" id=2"));
	check(!one_pattern("level=info msg=\"order created\" id=1", "level=info msg=\"order lost\" id=1"));
}

static void what_others_masked_or_cut_is_a_value(void **state)
{
	(void)state;
	check_slice(shown("pid <NUM> for <private> of <a>"), "pid <*> for <*> of <a>");
	check(one_pattern("close, lifetime <1 sec", "close, lifetime 00:12"));
	check(one_pattern("fans ( 1 **** 3 )", "fans ( 1 2 3 )"));
	check(one_pattern("{a=no such key, b=1}", "{a=gone, b=1}"));
	check(!one_pattern("a=1 failed, b", "a=1 done, b"));
	check_slice(birth("a=x ; b=y"), "a=<*> ; b=<*>");
	check(one_pattern("acls to: ann,bob", "acls to: ann"));
	check(one_pattern("res=? x", "res=failed x"));
}

static void lists_of_values_are_one_place(void **state)
{
	(void)state;
	check(one_pattern("ask 1 to", "ask 1 2 3 to"));
	check(one_pattern("ask 1, 2 to", "ask 1, 2, 3 to"));
	check(!one_pattern("ask 1 to", "ask one to"));
}

static void names_that_words_announce_are_values(void **state)
{
	(void)state;
	check(one_pattern("Invalid user webmaster from 1.2.3.4", "Invalid user oracle from 1.2.3.4"));
	check(one_pattern("Failed password for root from 1.2.3.4", "Failed password for ann from 1.2.3.4"));
	check(!one_pattern("the user is gone", "the user was gone"));
	check(!one_pattern("user logged in", "user removed in"));
	check(!one_pattern("client connection closed", "client handshake closed"));
	check(one_pattern("order of user John Smith lost", "order of user Ann lost"));
	check_slice(shown("session closed for user root"), "session closed for user root");
	check_slice(birth("session closed for user root"), "session closed for user <*>");
}

static void states_are_never_values(void **state)
{
	(void)state;
	check(!one_pattern("overlap:true", "overlap:false"));
	check(!one_pattern("state 'Active' now", "state 'Inactive' now"));
	check(!one_pattern("from NEW to RUNNING", "from RUNNING to DONE"));
	check(one_pattern("ready=true", "ready=false"));
	check(one_pattern("{\"event\":\"login\",\"ok\":true}", "{\"event\":\"login\",\"ok\":false}"));
}

static void boundaries_hold_beside_cjk_text(void **state)
{
	(void)state;
	check_slice(shown("\xe8\x80\x97\xe6\x97\xb6: 300ms"), "\xe8\x80\x97\xe6\x97\xb6: <duration>");
	check_slice(shown("\xe8\x80\x97\xe6\x97\xb6" "300ms"), "\xe8\x80\x97\xe6\x97\xb6<duration>");
	/* "user: ann, done" in wide marks */
	check(one_pattern("\xe7\x94\xa8\xe6\x88\xb7\xef\xbc\x9a\xe5\xbc\xa0\xe4\xb8\x89\xef\xbc\x8c\xe6\x88\x90\xe5\x8a\x9f", "\xe7\x94\xa8\xe6\x88\xb7\xef\xbc\x9a" "ann\xef\xbc\x8c\xe6\x88\x90\xe5\x8a\x9f"));
	check_slice(shown("\xe8\xae\xa2\xe5\x8d\x95" "17\xe5\xa4\xb1\xe8\xb4\xa5"), "\xe8\xae\xa2\xe5\x8d\x95<num>\xe5\xa4\xb1\xe8\xb4\xa5");
}

static void a_stack_trace_adds_exception_and_function(void **state)
{
	(void)state;
	check_slice(shown("Order 17 failed\njava.lang.IllegalStateException: none left\n\tat com.acme.Stock.take(Stock.java:71)\n\tat x.Y.z(Y.java:1)"),
		"Order <num> failed java.lang.IllegalStateException at com.acme.Stock.take()");
	check_slice(shown("Traceback (most recent call last):\n  File \"/a.py\", line 1, in main\n    f()\n  File \"/b.py\", line 3, in take\n    raise\nValueError: 17"),
		"Traceback (most recent call last): ValueError at take()");
	check_slice(shown("panic: no\n\ngoroutine 1 [running]:\nmain.take(0xc000)\n\t/app/main.go:12"), "panic: no at main.take()");
	check(one_pattern("x failed\n\tat a.B.c(B.java:1)\n\tat d.E.f(E.java:2)", "x failed\n\tat a.B.c(B.java:9)"));
	check_slice(shown("only\nprose follows here"), "only");
}

static void the_first_duration_is_read(void **state)
{
	(void)state;
	tokens_scan(&tokens, SLICE("a 12 b 1.5ms c 3s"));
	check(tokens.duration_ns == 1500000);
	tokens_scan(&tokens, SLICE("no duration 5"));
	check(tokens.duration_ns == -1);
}

static void any_bytes_give_bounded_tokens(void **state)
{
	(void)state;
	size_t len = 1 << 20;
	char *big = malloc(len);
	static const char fills[] = "a1 ([\"'=:,\xff\n";
	for (size_t f = 0; f < sizeof(fills); f++) {
		memset(big, fills[f], len);
		tokens_scan(&tokens, slice_of(big, len));
		check(tokens.atoms_len <= TOKENS_ATOMS_MAX + 8 && tokens.segments_len <= TOKENS_SEGMENTS_MAX + 8);
		buf_reset(&text);
		tokens_birth_text(&tokens, &text);
		check(text.len < 64 * 1024);
	}
	free(big);
	tokens_scan(&tokens, slice_of(NULL, 0));
	check(tokens.segments_len == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_have_types),
		cmocka_unit_test(keys_are_structure_and_values_are_not),
		cmocka_unit_test(printed_objects_are_one_value),
		cmocka_unit_test(what_go_prints_of_structs_and_maps_is_one_value),
		cmocka_unit_test(units_currencies_and_content_types_belong_to_values),
		cmocka_unit_test(several_words_in_quotes_behind_a_word_are_a_value),
		cmocka_unit_test(hosts_and_numbered_names_are_values),
		cmocka_unit_test(letters_outside_ascii_make_words),
		cmocka_unit_test(a_response_between_angles_is_one_value),
		cmocka_unit_test(a_value_that_was_cut_off_meets_its_kin),
		cmocka_unit_test(json_and_logfmt_keep_keys_and_message),
		cmocka_unit_test(what_others_masked_or_cut_is_a_value),
		cmocka_unit_test(lists_of_values_are_one_place),
		cmocka_unit_test(names_that_words_announce_are_values),
		cmocka_unit_test(states_are_never_values),
		cmocka_unit_test(boundaries_hold_beside_cjk_text),
		cmocka_unit_test(a_stack_trace_adds_exception_and_function),
		cmocka_unit_test(the_first_duration_is_read),
		cmocka_unit_test(any_bytes_give_bounded_tokens),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	buf_done(&text);
	return failed;
}
