/* SPDX-License-Identifier: Apache-2.0 */
#include "../receiver.h"

#include "base/clock.h"
#include "sink/http.h"
#include "test_certificate.h"

#include <time.h>

struct script {
	struct receiver_answer answers[8];
};

static struct receiver_answer scripted(void *user, const struct receiver_request *request, size_t index)
{
	(void)request;
	const struct script *script = user;
	return script->answers[index];
}

static struct http_sender *sender(const struct http_opts *opts)
{
	struct http_sender *s;
	struct err err = {0};
	if (http_sender_new(opts, &s, &err) < 0)
		fail_msg("%s", err.text);
	return s;
}

static void statuses_decide_whether_bytes_may_go_again(void **state)
{
	(void)state;
	struct script script = {{{.status = 204}, {.status = 400, .body = "out of order\n  sample\x01\n"}, {.status = 500, .body = "boom"}, {.status = 429, .retry_after = "7"}, {.status = 404}, {.status = 302}}};
	static const enum http_verdict expect[] = {HTTP_OK, HTTP_REFUSED, HTTP_RETRY, HTTP_RETRY, HTTP_REFUSED, HTTP_RETRY};
	struct receiver r;
	receiver_start(&r, scripted, &script);
	struct http_sender *s = sender(&(struct http_opts){.url = r.url});
	struct http_reply reply[6];
	for (size_t i = 0; i < 6; i++) {
		http_sender_post(s, SLICE("body\0bytes"), 0, &reply[i]);
		assert_int_equal(reply[i].verdict, expect[i]);
		assert_int_equal(reply[i].status, script.answers[i].status);
		check(reply[i].delivered);
	}
	check_slice(slice_str(reply[0].reason), "");
	check_slice(slice_str(reply[1].reason), "out of order sample");
	check_slice(slice_str(reply[2].reason), "boom");
	check_slice(slice_str(reply[4].reason), "(the receiver gave no reason)");
	check(reply[2].retry_after_ns == -1 && reply[3].retry_after_ns == 7 * NS_PER_S);
	check(slice_eq(buf_slice(&r.requests[0].body), SLICE("body\0bytes")));
	for (size_t i = 1; i < r.len; i++)
		assert_int_equal(r.requests[i].port, r.requests[0].port); /* one connection, kept alive */
	http_sender_free(s);
	receiver_stop(&r);
}

static void headers_are_the_specifications_and_users_cannot_change_them(void **state)
{
	(void)state;
	struct script script = {{{.status = 204}, {.status = 204}}};
	struct receiver r;
	receiver_start(&r, scripted, &script);
	const struct http_header headers[] = {{"X-Scope-OrgID", "team-a"}, {"content-type", "text/plain"}, {"X-Prometheus-Remote-Write-Version", "9"}, {"User-Agent", "me"},
		{"Content-encoding", "gzip"}, {"Retry-Attempt", "99"}, {"Transfer-Encoding", "chunked"}, {"X-Empty", ""}, {"Authorization", "mine"}};
	struct http_sender *s = sender(&(struct http_opts){.url = r.url, .headers = headers, .headers_len = 9, .username = "u", .password = "p:w"});
	struct http_reply reply;
	http_sender_post(s, SLICE("x"), 0, &reply);
	http_sender_post(s, SLICE("x"), 3, &reply);
	static const char *const expect[] = {"method: POST", "content-encoding: snappy", "content-type: application/x-protobuf", "x-prometheus-remote-write-version: 0.1.0",
		"x-scope-orgid: team-a", "content-length: 1", "x-empty: ", "authorization: Basic dTpwOnc="};
	for (size_t i = 0; i < sizeof(expect) / sizeof(expect[0]); i++)
		if (!receiver_has_header(&r.requests[0], expect[i]))
			fail_msg("no \"%s\" in\n%s", expect[i], buf_cstr(&r.requests[0].headers));
	struct slice all = buf_slice(&r.requests[0].headers);
	static const char *const never[] = {"text/plain", "gzip", "chunked", "mine", "retry-attempt", "expect", ": 9\n", ": me\n"};
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		check(slice_search(all, slice_str(never[i])) == all.len);
	check(slice_search(all, SLICE("user-agent: winnow/")) < all.len);
	check(receiver_has_header(&r.requests[1], "retry-attempt: 3"));
	http_sender_free(s);
	receiver_stop(&r);
}

static void a_bearer_token_is_sent(void **state)
{
	(void)state;
	struct script script = {{{.status = 204}}};
	struct receiver r;
	receiver_start(&r, scripted, &script);
	struct http_sender *s = sender(&(struct http_opts){.url = r.url, .bearer_token = "t0ken"});
	struct http_reply reply;
	http_sender_post(s, SLICE("x"), 0, &reply);
	check(receiver_has_header(&r.requests[0], "authorization: Bearer t0ken"));
	http_sender_free(s);
	receiver_stop(&r);
}

static void retry_after_may_be_a_date(void **state)
{
	(void)state;
	char date[64];
	time_t when = time(NULL) + 30;
	struct tm tm;
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&when, &tm));
	struct script script = {{{.status = 503, .retry_after = date}, {.status = 503, .retry_after = "soon"}}};
	struct receiver r;
	receiver_start(&r, scripted, &script);
	struct http_sender *s = sender(&(struct http_opts){.url = r.url});
	struct http_reply reply;
	http_sender_post(s, SLICE("x"), 0, &reply);
	check(reply.retry_after_ns >= 27 * NS_PER_S && reply.retry_after_ns <= 30 * NS_PER_S);
	http_sender_post(s, SLICE("x"), 0, &reply);
	assert_int_equal(reply.retry_after_ns, -1);
	http_sender_free(s);
	receiver_stop(&r);
}

static void no_answer_is_no_verdict_on_the_bytes(void **state)
{
	(void)state;
	struct script script = {{{.close = true}, {.status = 204, .delay_ms = 600}}};
	struct receiver r;
	receiver_start(&r, scripted, &script);
	struct http_sender *s = sender(&(struct http_opts){.url = r.url, .timeout_ns = 250 * NS_PER_MS});
	struct http_reply reply;
	for (int i = 0; i < 2; i++) { /* cut off, then too slow: both may have been taken */
		http_sender_post(s, SLICE("x"), 0, &reply);
		check(reply.verdict == HTTP_RETRY && reply.status == 0 && reply.delivered && reply.reason[0]);
	}
	receiver_stop(&r);
	http_sender_post(s, SLICE("x"), 0, &reply); /* nobody listens: certainly not taken */
	check(reply.verdict == HTTP_RETRY && reply.status == 0 && !reply.delivered && reply.reason[0]);
	http_sender_free(s);
}

static void a_connection_that_dies_under_a_request_is_told(void **state)
{
	(void)state;
	struct script script = {{{.status = 204}, {.close = true}, {.status = 400}}};
	struct receiver r;
	receiver_start(&r, scripted, &script);
	struct http_sender *s = sender(&(struct http_opts){.url = r.url});
	struct http_reply reply;
	http_sender_post(s, SLICE("x"), 0, &reply);
	check(!reply.repeated);
	http_sender_post(s, SLICE("yz"), 0, &reply);
	assert_int_equal(r.len, 3);
	check(slice_eq(buf_slice(&r.requests[2].body), SLICE("yz")));
	check(reply.status == 400 && reply.repeated);
	http_sender_free(s);
	receiver_stop(&r);
}

static void certificates_are_checked_unless_told_otherwise(void **state)
{
	(void)state;
	struct script script = {{{.status = 204}, {.status = 204}}};
	struct receiver r;
	struct http_reply reply;
	char ca[] = "/tmp/winnow-test-XXXXXX";
	int fd = mkstemp(ca);
	check(fd >= 0 && write(fd, test_certificate, sizeof(test_certificate) - 1) == (ssize_t)sizeof(test_certificate) - 1);
	close(fd);
	receiver_start_tls(&r, test_certificate, test_key, scripted, &script);
	const struct http_opts cases[] = {{.url = r.url}, {.url = r.url, .ca_file = ca}, {.url = r.url, .insecure_skip_verify = true}};
	for (size_t i = 0; i < 3; i++) {
		struct http_sender *s = sender(&cases[i]);
		http_sender_post(s, SLICE("x"), 0, &reply);
		assert_int_equal(reply.verdict, i == 0 ? HTTP_RETRY : HTTP_OK);
		check(i > 0 || (reply.status == 0 && !reply.delivered && slice_search(slice_str(reply.reason), SLICE("certificate")) < strlen(reply.reason)));
		http_sender_free(s);
	}
	assert_int_equal(r.len, 2);
	receiver_stop(&r);
	unlink(ca);
}

/* By what the body says. */
static struct receiver_answer by_body(void *user, const struct receiver_request *request, size_t index)
{
	(void)user, (void)index;
	char kind = request->body.len ? request->body.data[0] : '?';
	if (kind == 'b')
		return (struct receiver_answer){.status = 400, .body = "bad one", .delay_ms = 30};
	if (kind == 's')
		return (struct receiver_answer){.status = 503, .retry_after = "2"};
	return (struct receiver_answer){.status = 204, .delay_ms = 60};
}

static void several_posts_at_once_get_each_its_own_answer(void **state)
{
	(void)state;
	struct receiver r;
	receiver_start(&r, by_body, NULL);
	struct http_sender *s = sender(&(struct http_opts){.url = r.url});
	unsigned short ports[2][4];
	for (size_t wave = 0; wave < 2; wave++) {
		struct http_job jobs[] = {{.body = SLICE("good")}, {.body = SLICE("bad")}, {.body = SLICE("slow down")}, {.body = SLICE("good too")}};
		http_sender_post_all(s, jobs, 4);
		const int statuses[] = {204, 400, 503, 204};
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(jobs[i].reply.status, statuses[i]);
		assert_string_equal(jobs[1].reply.reason, "bad one");
		check(jobs[2].reply.retry_after_ns == 2 * NS_PER_S && jobs[2].reply.verdict == HTTP_RETRY && jobs[0].reply.retry_after_ns <= 0);
		assert_int_equal(r.len, 4 * (wave + 1));
		for (size_t i = 0; i < 4; i++)
			ports[wave][i] = r.requests[4 * wave + i].port;
	}
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < i; k++)
			check(ports[0][i] != ports[0][k]); /* a connection each, and */
	size_t kept = 0;
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 4; k++)
			kept += ports[1][i] == ports[0][k];
	assert_int_equal(kept, 4); /* the same ones again */
	struct http_reply reply;
	http_sender_post(s, SLICE("bad"), 1, &reply); /* and one alone as ever */
	check(reply.status == 400 && receiver_has_header(&r.requests[8], "retry-attempt: 1"));
	http_sender_free(s);
	receiver_stop(&r);
}

static void *abort_soon(void *user)
{
	usleep(100000);
	http_sender_abort(user);
	return NULL;
}

static void a_post_under_way_can_be_stopped(void **state)
{
	(void)state;
	struct script script = {{{.status = 204, .delay_ms = 4000}}};
	struct receiver r;
	receiver_start(&r, scripted, &script);
	struct http_sender *s = sender(&(struct http_opts){.url = r.url});
	struct http_reply reply;
	pthread_t thread;
	pthread_create(&thread, NULL, abort_soon, s);
	int64_t before = clock_mono_ns();
	http_sender_post(s, SLICE("x"), 0, &reply);
	check(clock_mono_ns() - before < 2500 * NS_PER_MS);
	check(reply.verdict == HTTP_RETRY && reply.status == 0);
	check_slice(slice_str(reply.reason), "stopped");
	pthread_join(thread, NULL);
	http_sender_post(s, SLICE("x"), 0, &reply);
	check(reply.verdict == HTTP_RETRY && !reply.delivered);
	http_sender_free(s);
	receiver_stop(&r);
}

static void what_cannot_work_is_said_at_once(void **state)
{
	(void)state;
	const struct http_header split = {"X-A", "b\r\nX-C: d"}, unnamed = {"X A", "b"};
	const struct http_opts bad[] = {{.url = NULL}, {.url = "localhost 9090"}, {.url = "ftp://x/y"}, {.url = "http://x", .ca_file = "/no/such/file"},
		{.url = "http://x", .headers = &split, .headers_len = 1}, {.url = "http://x", .headers = &unnamed, .headers_len = 1}, {.url = "http://x", .bearer_token = "a\nb"}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct http_sender *s = NULL;
		struct err err = {0};
		assert_int_equal(http_sender_new(&bad[i], &s, &err), ERR_INPUT);
		check(err.text[0] != 0 && s == NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses_decide_whether_bytes_may_go_again),
		cmocka_unit_test(headers_are_the_specifications_and_users_cannot_change_them),
		cmocka_unit_test(a_bearer_token_is_sent),
		cmocka_unit_test(retry_after_may_be_a_date),
		cmocka_unit_test(no_answer_is_no_verdict_on_the_bytes),
		cmocka_unit_test(a_connection_that_dies_under_a_request_is_told),
		cmocka_unit_test(certificates_are_checked_unless_told_otherwise),
		cmocka_unit_test(several_posts_at_once_get_each_its_own_answer),
		cmocka_unit_test(a_post_under_way_can_be_stopped),
		cmocka_unit_test(what_cannot_work_is_said_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
