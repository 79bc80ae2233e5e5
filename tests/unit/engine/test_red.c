/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "bench.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static struct tally *tally;
static struct red *red;

static int open_red(void **state)
{
	(void)state;
	tally = tally_new();
	red = red_new(tally, BENCH_STEP, 500, 16, NULL);
	return 0;
}

static int close_red(void **state)
{
	(void)state;
	red_free(red);
	tally_free(tally);
	return 0;
}

static struct red_event event_of(const struct record *r)
{
	return (struct red_event){.record = r, .service = SLICE("cart"), .time_ns = BENCH_NOW, .duration_ns = r->duration_ns, .error = r->error};
}

static void span(const char *name, enum span_status status, int64_t duration_ns)
{
	struct record r = {.kind = RECORD_SPAN, .name = slice_str(name), .span_kind = SPAN_SERVER, .status = status, .duration_ns = duration_ns, .trace_id = SLICE(TRACE), .span_id = SLICE(SPAN), .error = status == STATUS_ERROR};
	struct red_event e = event_of(&r);
	red_span(red, &e, WEIGHT_UNIT, WEIGHT_ONE);
	red_books(red);
}

static void spans_of_one_route_are_one_series_whatever_their_ids(void **state)
{
	(void)state;
	for (int i = 0; i < 2000; i++) {
		char name[64];
		snprintf(name, sizeof(name), "GET /users/%d", i);
		span(name, STATUS_UNSET, 5 * NS_PER_MS);
	}
	assert_int_equal(bench_sum(tally, FAMILY_SPAN_CALLS, LABELS({"service_name", "cart"}, {"span_name", "GET /users/<id>"}, {"span_kind", "SPAN_KIND_SERVER"}, {"status_code", "STATUS_CODE_UNSET"})), 2000);
	assert_int_equal(tally_series_len(tally), 2 + 3); /* and three of the books */
	const struct tally_entry *e = bench_entry(tally, FAMILY_SPAN_DURATION, NULL, 0);
	assert_int_equal(e->count, 2000);
	assert_true(e->sum > 9999.9 && e->sum < 10000.1); /* milliseconds */
}

static void an_error_is_a_series_of_its_own_with_its_trace_as_exemplar(void **state)
{
	(void)state;
	span("GET /a", STATUS_OK, NS_PER_MS);
	span("GET /a", STATUS_ERROR, 2 * NS_PER_MS);
	assert_int_equal(bench_sum(tally, FAMILY_SPAN_CALLS, LABELS({"status_code", "STATUS_CODE_ERROR"})), 1);
	const struct tally_entry *e = bench_entry(tally, FAMILY_SPAN_DURATION, LABELS({"status_code", "STATUS_CODE_ERROR"}), 0);
	assert_int_equal(e->exemplar.rank, 3);
	check_slice(slice_of(e->exemplar.trace_id, e->exemplar.trace_len), TRACE);
	check_slice(slice_of(e->exemplar.span_id, e->exemplar.span_len), SPAN);
	assert_true(e->exemplar.value == 2);
}

static void span_names_past_the_budget_share_one_series(void **state)
{
	(void)state;
	for (int i = 0; i < 600; i++) {
		char name[64];
		snprintf(name, sizeof(name), "call %c%c", 'a' + i / 26, 'a' + i % 26);
		span(name, STATUS_UNSET, 0);
	}
	assert_int_equal(bench_sum(tally, FAMILY_RECORDS, LABELS({"outcome", "overflow"})), 100);
	assert_int_equal(bench_sum(tally, FAMILY_RECORDS, LABELS({"outcome", "carried"})), 500);
	assert_int_equal(bench_sum(tally, FAMILY_OVERFLOW, LABELS({"budget", "label_values"})), 100);
	assert_int_equal(bench_sum(tally, FAMILY_RECORDS_CONSUMED, NULL), 600);
	assert_int_equal(bench_sum(tally, FAMILY_SPAN_CALLS, LABELS({"span_name", "other"})), 100);
	assert_int_equal(bench_sum(tally, FAMILY_SPAN_CALLS, NULL), 600);
}

static void a_route_and_a_span_name_are_never_one_series(void **state)
{
	(void)state;
	struct record r = {.http_method = SLICE("POST"), .duration_ns = NS_PER_MS};
	struct pattern p = {.id = 1, .service = SLICE("cart")};
	for (int status = 1; status <= 400; status++) {
		struct red_event e = event_of(&r);
		e.pattern = &p;
		e.http = (struct rule_http){.method = SLICE("POST"), .path = SLICE("/a"), .status = status};
		red_log(red, &e);
	}
	span("/a", STATUS_OK, 0);
	span("/a", STATUS_ERROR, 0);
	assert_int_equal(bench_sum(tally, FAMILY_LOG_REQUESTS, LABELS({"http_route", "/a"}, {"http_request_method", "POST"})), 400);
	assert_int_equal(bench_sum(tally, FAMILY_SPAN_CALLS, LABELS({"span_name", "/a"})), 2);
}

static void a_request_counts_by_route_method_and_status(void **state)
{
	(void)state;
	struct record r = {.duration_ns = -1};
	struct pattern p = {.id = 1, .service = SLICE("cart")};
	struct red_event e = event_of(&r);
	e.pattern = &p;
	e.http = (struct rule_http){.method = SLICE("BREW"), .path = SLICE("/pots/12?now"), .status = 418};
	red_log(red, &e);
	e.duration_ns = 40 * NS_PER_MS;
	red_log(red, &e);
	assert_int_equal(bench_sum(tally, FAMILY_LOG_REQUESTS, LABELS({"http_route", "/pots/<id>"}, {"http_request_method", "_OTHER"}, {"http_response_status_code", "418"})), 2);
	assert_int_equal(bench_sum(tally, FAMILY_LOG_REQUEST_DURATION, NULL), 1);
}

static void a_record_belongs_to_the_step_of_its_event_time(void **state)
{
	(void)state;
	red_consumed(red, BENCH_NOW + BENCH_STEP - 1, 1, 0);
	red_consumed(red, BENCH_NOW + BENCH_STEP, 1, 0);
	red_consumed(red, -1, 1, 0);
	assert_int_equal(bench_entry(tally, FAMILY_RECORDS_CONSUMED, NULL, 0)->step, BENCH_NOW / BENCH_STEP);
	assert_int_equal(bench_entry(tally, FAMILY_RECORDS_CONSUMED, NULL, 1)->step, BENCH_NOW / BENCH_STEP + 1);
	assert_int_equal(bench_entry(tally, FAMILY_RECORDS_CONSUMED, NULL, 2)->step, -1);
}

static void numbers_are_looked_up_again_after_the_tally_forgot(void **state)
{
	(void)state;
	span("a", STATUS_OK, 0);
	red_outcome(red, BENCH_NOW, OUTCOME_MINED, 1);
	tally_forget(tally);
	red_forget(red);
	red_outcome(red, BENCH_NOW, OUTCOME_RULE, 2);
	span("b", STATUS_OK, 0);
	assert_int_equal(bench_sum(tally, FAMILY_RECORDS, LABELS({"outcome", "rule"})), 2);
	assert_int_equal(bench_sum(tally, FAMILY_RECORDS, NULL), 3); /* and the span */
	assert_int_equal(bench_sum(tally, FAMILY_SPAN_CALLS, LABELS({"span_name", "b"})), 1);
}

/* A RED of another preset in place of the fixture's. */
static void reopen(enum span_preset preset, const char *const *dimensions, size_t len)
{
	const struct red_span_opts opts = {.preset = preset, .dimensions = dimensions, .dimensions_len = len};
	red_free(red);
	red = red_new(tally, BENCH_STEP, 500, 16, &opts);
}

static void count(const struct record *r)
{
	enum weight_source source;
	struct red_event e = event_of(r);
	uint64_t weight = weight_of(r, &source);
	red_span(red, &e, weight, source);
	red_books(red);
}

static struct record server(const char *name)
{
	return (struct record){.kind = RECORD_SPAN, .name = slice_str(name), .span_kind = SPAN_SERVER, .duration_ns = 40 * NS_PER_MS, .trace_id = SLICE(TRACE), .span_id = SLICE(SPAN)};
}

static void the_tempo_preset_counts_in_seconds_under_service(void **state)
{
	(void)state;
	reopen(SPANS_TEMPO, NULL, 0);
	struct record r = server("GET /a");
	r.status = STATUS_ERROR;
	count(&r);
	assert_int_equal(bench_sum(tally, FAMILY_TEMPO_CALLS, LABELS({"service", "cart"}, {"span_name", "GET /a"}, {"span_kind", "SPAN_KIND_SERVER"}, {"status_code", "STATUS_CODE_ERROR"})), 1);
	const struct tally_entry *e = bench_entry(tally, FAMILY_TEMPO_LATENCY, NULL, 0);
	assert_true(e->sum > 0.0399 && e->sum < 0.0401);
	assert_int_equal(e->buckets[5], 1); /* 0.032 .. 0.064 */
	assert_null(bench_entry(tally, FAMILY_SPAN_CALLS, NULL, 0));
}

static void the_semconv_preset_has_the_servers_and_clients_of_http_alone(void **state)
{
	(void)state;
	reopen(SPANS_SEMCONV, NULL, 0);
	struct record r = server("GET /users/{id}"), inner = server("inner");
	r.http_method = SLICE("GET");
	r.http_route = SLICE("/users/{id}");
	r.http_status = 503;
	r.service_namespace = SLICE("shop");
	count(&r);
	inner.span_kind = SPAN_INTERNAL;
	count(&inner);
	assert_int_equal(bench_sum(tally, FAMILY_HTTP_SERVER,
		LABELS({"http_request_method", "GET"}, {"http_response_status_code", "503"}, {"http_route", "/users/{id}"}, {"error_type", "503"}, {"job", "shop/cart"})), 1);
	r.span_kind = SPAN_CLIENT;
	r.http_status = 200;
	r.peer = SLICE("pay.example");
	r.peer_rank = 5;
	count(&r);
	assert_int_equal(bench_sum(tally, FAMILY_HTTP_CLIENT, LABELS({"http_response_status_code", "200"}, {"server_address", "pay.example"}, {"job", "shop/cart"})), 1);
	assert_int_equal(bench_sum(tally, FAMILY_HTTP_SERVER, NULL), 1);
	assert_int_equal(bench_sum(tally, FAMILY_SPANS, LABELS({"weight", "one"})), 3);
}

static void attributes_of_few_values_win_over_the_name(void **state)
{
	static const struct {
		enum span_system system;
		const char *route, *operation, *target, *name;
	} rows[] = {
		{SYSTEM_NONE, "/users/{id}", "", "", "GET /users/{id}"},
		{SYSTEM_RPC, "", "shop.Cart", "Add", "shop.Cart/Add"},
		{SYSTEM_RPC, "", "shop.Cart", "", "a name 4711"},
		{SYSTEM_DATABASE, "", "SELECT", "orders", "SELECT orders"},
		{SYSTEM_MESSAGING, "", "publish", "mail-4711", "publish <id>"},
		{SYSTEM_NONE, "", "SELECT", "orders", "a name 4711"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct record r = server("a name 4711");
		r.http_method = SLICE("GET");
		r.http_route = slice_str(rows[i].route);
		r.system = rows[i].system;
		r.operation = slice_str(rows[i].operation);
		r.target = slice_str(rows[i].target);
		tally_clear(tally);
		count(&r);
		const char *name = strcmp(rows[i].name, "a name 4711") == 0 ? "a name <id>" : rows[i].name;
		assert_int_equal(bench_sum(tally, FAMILY_SPAN_CALLS, LABELS({"span_name", name})), 1);
	}
}

static void a_sampled_span_counts_as_often_as_it_stands_for(void **state)
{
	(void)state;
	struct record r = server("a");
	r.trace_state = SLICE("vendor=x,ot=rv:12;th:e6666666666666");
	count(&r);
	r.trace_state = SLICE("");
	r.sampling = 0.25;
	count(&r);
	r.sampling = -3;
	count(&r);
	r.sampling = 0;
	count(&r);
	assert_int_equal(bench_sum(tally, FAMILY_SPAN_CALLS, NULL), 10 + 4 + 1 + 1);
	const struct tally_entry *e = bench_entry(tally, FAMILY_SPAN_DURATION, NULL, 0);
	assert_int_equal(e->count, 16);
	assert_int_equal(e->buckets[5], 16); /* 10 .. 50 ms */
	assert_true(e->sum > 639.9 && e->sum < 640.1);
	assert_int_equal(bench_sum(tally, FAMILY_SPANS, LABELS({"weight", "tracestate"})), 1);
	assert_int_equal(bench_sum(tally, FAMILY_SPANS, LABELS({"weight", "attribute"})), 1);
	assert_int_equal(bench_sum(tally, FAMILY_SPANS, LABELS({"weight", "unusable"})), 1);
	assert_int_equal(bench_sum(tally, FAMILY_SPANS, LABELS({"weight", "one"})), 1);
}

static void odd_spans_count_and_are_told_of(void **state)
{
	(void)state;
	struct record r = server("a");
	r.backwards = true;
	r.duration_ns = -1;
	count(&r);
	r.backwards = false;
	r.trace_id = SLICE("");
	count(&r);
	assert_int_equal(bench_sum(tally, FAMILY_SPAN_CALLS, NULL), 2);
	assert_int_equal(bench_sum(tally, FAMILY_SPAN_FAULTS, LABELS({"fault", "duration"})), 1);
	assert_int_equal(bench_sum(tally, FAMILY_SPAN_FAULTS, LABELS({"fault", "id"})), 1);
}

static void names_with_ids_that_no_rule_knows_do_not_fill_the_memory(void **state)
{
	(void)state;
	for (int i = 0; i < 50000; i++) {
		char name[64];
		snprintf(name, sizeof(name), "GET /users/%d", i);
		span(name, STATUS_UNSET, NS_PER_MS);
	}
	assert_int_equal(bench_sum(tally, FAMILY_SPAN_CALLS, LABELS({"span_name", "GET /users/<id>"})), 50000);
	assert_true(red_memos(red) <= 8192);
}

#define RED_TEST(f) cmocka_unit_test_setup_teardown(f, open_red, close_red)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RED_TEST(spans_of_one_route_are_one_series_whatever_their_ids),
		RED_TEST(an_error_is_a_series_of_its_own_with_its_trace_as_exemplar),
		RED_TEST(span_names_past_the_budget_share_one_series),
		RED_TEST(a_route_and_a_span_name_are_never_one_series),
		RED_TEST(a_request_counts_by_route_method_and_status),
		RED_TEST(a_record_belongs_to_the_step_of_its_event_time),
		RED_TEST(numbers_are_looked_up_again_after_the_tally_forgot),
		RED_TEST(the_tempo_preset_counts_in_seconds_under_service),
		RED_TEST(the_semconv_preset_has_the_servers_and_clients_of_http_alone),
		RED_TEST(attributes_of_few_values_win_over_the_name),
		RED_TEST(a_sampled_span_counts_as_often_as_it_stands_for),
		RED_TEST(odd_spans_count_and_are_told_of),
		RED_TEST(names_with_ids_that_no_rule_knows_do_not_fill_the_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
