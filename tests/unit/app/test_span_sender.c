/* SPDX-License-Identifier: Apache-2.0 */
#include "../receiver.h"

#include "app/span_sender.h"
#include "base/clock.h"
#include "base/wire.h"
#include "record/packed.h"

enum { WAIT_S = 20 };

/* What an endpoint does: refuses requests with the byte 'P', is away while told so. Counts what it took. */
struct endpoint {
	struct receiver server;
	struct receiver_answer now;
	bool gzip;
	_Atomic unsigned taken;
	_Atomic size_t requests;
	size_t largest;
};

static struct receiver_answer answer(void *user, const struct receiver_request *request, size_t index)
{
	struct endpoint *e = user;
	struct packed packed = {0};
	struct slice body = buf_slice(&request->body);
	(void)index;
	e->requests++;
	if (e->gzip) {
		if (packed_open(&packed, body) != UNDECODABLE_NONE)
			return (struct receiver_answer){.status = 415};
		body = buf_slice(&packed.plain);
	}
	struct receiver_answer a = e->now;
	if (a.status == 200 && slice_find(body, 'P', 0) < body.len)
		a.status = 400;
	if (a.status == 200) {
		e->taken += (unsigned)body.len;
		e->largest = body.len > e->largest ? body.len : e->largest;
	}
	packed_done(&packed);
	return a;
}

static void change(struct endpoint *e, unsigned status, const char *retry_after)
{
	pthread_mutex_lock(&e->server.mutex);
	e->now = (struct receiver_answer){.status = status, .retry_after = retry_after};
	pthread_mutex_unlock(&e->server.mutex);
}

static struct span_sender *begin(struct endpoint *e, struct span_sender_opts *opts)
{
	struct span_sender *s;
	struct err err = {0};
	receiver_start(&e->server, answer, e);
	opts->http.url = e->server.url;
	opts->backoff_min_ns = 5 * NS_PER_MS;
	opts->backoff_max_ns = 20 * NS_PER_MS;
	e->gzip = opts->gzip;
	if (span_sender_start(opts, &s, &err) < 0)
		fail_msg("%s", err.text);
	return s;
}

/* Waits until a number of the status is at least that; the status then. */
static struct span_sender_status until(struct span_sender *s, size_t member, uint64_t least)
{
	struct span_sender_status status;
	int64_t end = clock_mono_ns() + WAIT_S * NS_PER_S;
	do {
		span_sender_status(s, &status);
		if (*(const uint64_t *)(const void *)((const char *)&status + member) >= least)
			return status;
		clock_sleep_ns(NS_PER_MS);
	} while (clock_mono_ns() < end);
	fail_msg("sent %d, overflow %d, expired %d, refused %d, queued %d: %s", (int)status.sent, (int)status.overflow, (int)status.expired, (int)status.refused, (int)status.queued, status.last_error);
	return status;
}
#define UNTIL(sender, member, least) until(sender, offsetof(struct span_sender_status, member), least)

static void messages_go_in_one_request_and_wait_while_the_endpoint_is_away(void **state)
{
	(void)state;
	for (int gzip = 0; gzip < 2; gzip++) {
		struct endpoint e = {.now = {.status = 503}};
		struct span_sender_opts opts;
		span_sender_opts_default(&opts);
		opts.gzip = gzip;
		struct span_sender *s = begin(&e, &opts);
		for (int i = 0; i < 100; i++)
			span_sender_add(s, SLICE("abcd"), 2);
		while (e.requests < 5) /* tries while it is away */
			clock_sleep_ns(NS_PER_MS);
		struct span_sender_status status;
		span_sender_status(s, &status);
		assert_int_equal(status.queued, 200);
		assert_int_equal(status.queued_bytes, 400);
		check(strncmp(status.last_error, "503", 3) == 0);
		change(&e, 200, NULL);
		status = UNTIL(s, sent, 200);
		assert_int_equal(status.sent, 200);
		assert_int_equal(status.queued + status.overflow + status.expired + status.refused, 0);
		assert_string_equal(status.last_error, "");
		assert_int_equal(e.taken, 400);
		check(e.largest > 4);
		check(receiver_has_header(&e.server.requests[0], "content-type: application/x-protobuf"));
		check(receiver_has_header(&e.server.requests[0], "content-encoding: gzip") == gzip);
		span_sender_stop(s, NS_PER_S);
		receiver_stop(&e.server);
	}
}

static void what_the_endpoint_asks_to_wait_is_waited(void **state)
{
	(void)state;
	struct endpoint e = {.now = {.status = 429, .retry_after = "1"}};
	struct span_sender_opts opts;
	span_sender_opts_default(&opts);
	struct span_sender *s = begin(&e, &opts);
	int64_t begun = clock_mono_ns();
	span_sender_add(s, SLICE("abcd"), 1);
	while (e.requests == 0)
		clock_sleep_ns(NS_PER_MS);
	change(&e, 200, NULL);
	UNTIL(s, sent, 1);
	check(clock_mono_ns() - begun >= NS_PER_S);
	span_sender_stop(s, NS_PER_S);
	receiver_stop(&e.server);
}

static void a_message_that_is_refused_costs_itself_only(void **state)
{
	(void)state;
	struct endpoint e = {.now = {.status = 503}};
	struct span_sender_opts opts;
	span_sender_opts_default(&opts);
	struct span_sender *s = begin(&e, &opts);
	for (int i = 0; i < 64; i++)
		span_sender_add(s, i == 37 ? SLICE("Poison") : SLICE("good"), 1);
	change(&e, 200, NULL);
	struct span_sender_status status = UNTIL(s, sent, 63);
	assert_int_equal(status.refused, 1);
	assert_int_equal(e.taken, 63 * 4);
	span_sender_stop(s, NS_PER_S);
	receiver_stop(&e.server);
}

static void what_may_not_go_again_is_refused_at_once(void **state)
{
	(void)state;
	struct endpoint e = {.now = {.status = 401}};
	struct span_sender_opts opts;
	span_sender_opts_default(&opts);
	struct span_sender *s = begin(&e, &opts);
	span_sender_add(s, SLICE("abcd"), 3);
	UNTIL(s, refused, 3);
	assert_int_equal(e.requests, 1);
	span_sender_stop(s, NS_PER_S);
	receiver_stop(&e.server);
}

static void a_full_queue_takes_no_more_and_nobody_waits(void **state)
{
	(void)state;
	struct endpoint e = {.now = {.status = 503}};
	struct span_sender_opts opts;
	span_sender_opts_default(&opts);
	opts.queue_bytes = 40;
	struct span_sender *s = begin(&e, &opts);
	for (int i = 0; i < 15; i++)
		span_sender_add(s, SLICE("abcd"), 1);
	struct span_sender_status status;
	span_sender_status(s, &status);
	assert_int_equal(status.overflow, 5);
	assert_int_equal(status.queued, 10);
	change(&e, 200, NULL);
	UNTIL(s, sent, 10);
	span_sender_stop(s, NS_PER_S);
	receiver_stop(&e.server);
}

static void what_waited_too_long_is_given_up_and_fresh_spans_arrive(void **state)
{
	(void)state;
	struct endpoint e = {.now = {.close = true}};
	struct span_sender_opts opts;
	span_sender_opts_default(&opts);
	opts.give_up_ns = 300 * NS_PER_MS;
	struct span_sender *s = begin(&e, &opts);
	span_sender_add(s, SLICE("old"), 7);
	UNTIL(s, expired, 7);
	change(&e, 200, NULL);
	span_sender_add(s, SLICE("new"), 1);
	struct span_sender_status status = UNTIL(s, sent, 1);
	assert_int_equal(status.expired, 7);
	assert_int_equal(e.taken, 3);
	span_sender_stop(s, NS_PER_S);
	receiver_stop(&e.server);
}

static void stopping_ends_in_time_while_the_endpoint_is_away(void **state)
{
	(void)state;
	struct endpoint e = {.now = {.status = 503, .retry_after = "60"}};
	struct span_sender_opts opts;
	span_sender_opts_default(&opts);
	struct span_sender *s = begin(&e, &opts);
	span_sender_add(s, SLICE("abcd"), 1);
	while (e.requests == 0)
		clock_sleep_ns(NS_PER_MS);
	int64_t begun = clock_mono_ns();
	span_sender_stop(s, 200 * NS_PER_MS);
	check(clock_mono_ns() - begun < 10 * NS_PER_S);
	receiver_stop(&e.server);
}

static void stopping_sends_what_waits_first(void **state)
{
	(void)state;
	struct endpoint e = {.now = {.status = 200}};
	struct span_sender_opts opts;
	span_sender_opts_default(&opts);
	opts.request_bytes = 40;
	struct span_sender *s = begin(&e, &opts);
	for (int i = 0; i < 1000; i++)
		span_sender_add(s, SLICE("abcd"), 1);
	span_sender_stop(s, WAIT_S * NS_PER_S);
	assert_int_equal(e.taken, 4000);
	check(e.largest <= 40);
	receiver_stop(&e.server);
}

static void answers_decide(void **state)
{
	(void)state;
	static const struct {
		int status;
		enum span_sender_move alone, among;
	} rows[] = {{200, SPAN_SENDER_PASSED, SPAN_SENDER_PASSED}, {202, SPAN_SENDER_PASSED, SPAN_SENDER_PASSED}, {0, SPAN_SENDER_RETRY, SPAN_SENDER_RETRY}, {429, SPAN_SENDER_RETRY, SPAN_SENDER_RETRY},
		{502, SPAN_SENDER_RETRY, SPAN_SENDER_RETRY}, {503, SPAN_SENDER_RETRY, SPAN_SENDER_RETRY}, {504, SPAN_SENDER_RETRY, SPAN_SENDER_RETRY}, {400, SPAN_SENDER_REFUSED, SPAN_SENDER_HALVE},
		{413, SPAN_SENDER_REFUSED, SPAN_SENDER_HALVE}, {401, SPAN_SENDER_REFUSED, SPAN_SENDER_REFUSED}, {404, SPAN_SENDER_REFUSED, SPAN_SENDER_REFUSED}, {500, SPAN_SENDER_REFUSED, SPAN_SENDER_REFUSED},
		{301, SPAN_SENDER_REFUSED, SPAN_SENDER_REFUSED}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(span_sender_decide(rows[i].status, 1), rows[i].alone);
		assert_int_equal(span_sender_decide(rows[i].status, 2), rows[i].among);
	}
}

static void a_partial_success_says_how_many_were_refused(void **state)
{
	(void)state;
	struct buf partial = {0}, whole = {0};
	wire_add_u64(&partial, 1, 3);
	wire_add_bytes(&partial, 2, SLICE("no room"));
	wire_add_bytes(&whole, 1, buf_slice(&partial));
	assert_int_equal(span_sender_rejected(buf_slice(&whole), 10), 3);
	assert_int_equal(span_sender_rejected(buf_slice(&whole), 2), 2);
	assert_int_equal(span_sender_rejected(slice_sub(buf_slice(&whole), 0, 3), 10), 0);
	assert_int_equal(span_sender_rejected(SLICE(""), 10), 0);
	assert_int_equal(span_sender_rejected(SLICE("{}"), 10), 0);
	buf_done(&partial);
	buf_done(&whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_go_in_one_request_and_wait_while_the_endpoint_is_away),
		cmocka_unit_test(what_the_endpoint_asks_to_wait_is_waited),
		cmocka_unit_test(a_message_that_is_refused_costs_itself_only),
		cmocka_unit_test(what_may_not_go_again_is_refused_at_once),
		cmocka_unit_test(a_full_queue_takes_no_more_and_nobody_waits),
		cmocka_unit_test(what_waited_too_long_is_given_up_and_fresh_spans_arrive),
		cmocka_unit_test(stopping_ends_in_time_while_the_endpoint_is_away),
		cmocka_unit_test(stopping_sends_what_waits_first),
		cmocka_unit_test(answers_decide),
		cmocka_unit_test(a_partial_success_says_how_many_were_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
