/* SPDX-License-Identifier: Apache-2.0 */
/* The admin server over a real ledger, asked over a real socket by libcurl. */
#include "../check.h"
#include "admin/admin.h"
#include "base/clock.h"
#include "base/mem.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOW (INT64_C(1700000000) * NS_PER_S)

struct process {
	struct ledger *ledger;
	pthread_mutex_t mutex;
	struct admin_status status;
	int reloads, locked;
	struct admin *admin;
};

static const struct ledger *lock(void *app)
{
	struct process *p = app;
	pthread_mutex_lock(&p->mutex);
	if (!p->ledger)
		pthread_mutex_unlock(&p->mutex);
	p->locked += p->ledger != NULL;
	return p->ledger;
}

static void unlock(void *app)
{
	struct process *p = app;
	p->locked--;
	pthread_mutex_unlock(&p->mutex);
}

static void fill_status(void *app, struct admin_status *ret)
{
	*ret = ((struct process *)app)->status;
}

static int64_t end_offset(void *app, struct slice topic, int32_t partition)
{
	(void)app;
	return slice_eq(topic, SLICE("logs")) && partition == 0 ? 17 : -1;
}

static int reload(void *app, struct err *err)
{
	struct process *p = app;
	return p->reloads++ ? err_set(err, ERR_INPUT, "rules: x.yaml:3: no") : 0;
}

/* Ten records: eight of one pattern, two errors of another, one of the spans that took 5 ms. */
static void post(struct ledger *l)
{
	struct tally *t = tally_new();
	int64_t step = NOW / (10 * NS_PER_S);
	const struct label info[] = {{SLICE("service_name"), SLICE("cart")}, {SLICE("severity"), SLICE("info")}, {SLICE("pattern_id"), SLICE("00000000000000aa")}};
	const struct label error[] = {{SLICE("service_name"), SLICE("pay")}, {SLICE("severity"), SLICE("error")}, {SLICE("pattern_id"), SLICE("00000000000000bb")}};
	const struct label outcome = {SLICE("outcome"), SLICE("mined")}, service = {SLICE("service_name"), SLICE("pay")};
	struct exemplar e;
	exemplar_set(&e, NOW + 5, 1, 3, SLICE("0123456789abcdef0123456789abcdef"), SLICE(""));
	tally_count(t, tally_series(t, FAMILY_LOG_PATTERN_RECORDS, info, 3), step, 8, NULL);
	tally_count(t, tally_series(t, FAMILY_LOG_PATTERN_RECORDS, error, 3), step, 2, &e);
	tally_count(t, tally_series(t, FAMILY_RECORDS, &outcome, 1), step, 10, NULL);
	tally_count(t, tally_series(t, FAMILY_RECORDS_CONSUMED, NULL, 0), step, 10, NULL);
	tally_observe(t, tally_series(t, FAMILY_SPAN_DURATION, &service, 1), step, 5, NULL);
	struct delta_range range = {.topic = SLICE("logs"), .from = 0, .to = 10, .replay = 10, .newest_ns = NOW};
	const struct delta_header header = {.writer = 1, .seq = 1, .journal_time_ns = NOW, .ranges = &range, .ranges_len = 1};
	const struct delta_pattern patterns[] = {{.id = 0xaa, .origin = ORIGIN_MINED, .service = SLICE("cart"), .template_text = SLICE("added <num> items")},
		{.id = 0xbb, .origin = ORIGIN_RULE, .service = SLICE("pay"), .template_text = SLICE("card <*> \"declined\""), .rule = SLICE("declined")}};
	const struct delta_example example = {.pattern_id = 0xbb, .time_ns = NOW + 5, .severity = 5, .rank = 4, .text = SLICE("card 17 \"declined\""),
		.trace_id = SLICE("0123456789abcdef0123456789abcdef"), .topic = SLICE("logs"), .offset = 7};
	struct delta_body body = {.patterns = patterns, .patterns_len = 2, .examples = &example, .examples_len = 1, .series = tally_series_at(t, 0), .series_len = tally_series_len(t)};
	body.entries = tally_entries(t, &body.entries_len);
	struct buf record = {0};
	struct ledger_event event;
	delta_encode(&record, &header, &body);
	ledger_post(l, buf_slice(&record), 0, &event);
	assert_int_equal(event.outcome, LEDGER_POSTED);
	buf_done(&record);
	tally_free(t);
}

static struct process *process_new(const char *token, bool with_ledger)
{
	static const struct ledger_opts ledger_opts = {.step_ns = 10 * NS_PER_S, .lateness_ns = 2 * NS_PER_S, .expire_ns = 900 * NS_PER_S, .receiver_window_ns = 3300 * NS_PER_S, .series_limit = 1000};
	struct process *p = mem_zalloc(1, sizeof(*p));
	pthread_mutex_init(&p->mutex, NULL);
	if (with_ledger) {
		p->ledger = ledger_new(&ledger_opts);
		post(p->ledger);
	}
	p->status = (struct admin_status){.leader = true, .rules_reload_successful = true, .endpoints_len = 1,
		.endpoints = {{.name = "default", .url = "http://receiver:9090", .requests = {{204, 5}, {0, 2}}, .requests_len = 2, .aside = 1, .aside_len = 1, .asides = {{.name = "m{a=\"b\"}", .reason = "no"}}}}, .last_error = "500: boom", .last_error_ns = NOW};
	const struct admin_opts opts = {.listen = "127.0.0.1:0", .token = token, .version = "9.9", .app = p, .lock = lock, .unlock = unlock, .status = fill_status, .end_offset = end_offset, .reload = reload};
	struct err err = {0};
	if (admin_start(&opts, &p->admin, &err) < 0)
		fail_msg("%s", err.text);
	return p;
}

static void process_free(struct process *p)
{
	admin_stop(p->admin);
	assert_int_equal(p->locked, 0);
	ledger_free(p->ledger);
	pthread_mutex_destroy(&p->mutex);
	free(p);
}

static size_t take(char *bytes, size_t size, size_t count, void *user)
{
	buf_add(user, bytes, size * count);
	return size * count;
}

/* Asks and returns the status; header may be NULL. */
static long ask(struct process *p, const char *method, const char *path, const char *header, struct buf *body)
{
	char url[512];
	long status = 0;
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = header ? curl_slist_append(NULL, header) : NULL;
	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", admin_port(p->admin), path);
	buf_reset(body);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	if (strcmp(method, "POST") == 0)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "x=y");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	assert_int_equal(curl_easy_perform(curl), CURLE_OK);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return status;
}

static void check_has(const struct buf *body, const char *part)
{
	if (slice_search(buf_slice(body), slice_str(part)) == body->len)
		fail_msg("no %s in\n%.*s", part, (int)body->len, body->data);
}

static void check_lacks(const struct buf *body, const char *part)
{
	if (slice_search(buf_slice(body), slice_str(part)) < body->len)
		fail_msg("%s in\n%.*s", part, (int)body->len, body->data);
}

static void metrics_are_the_ledgers_series_and_the_process_itself(void **state)
{
	(void)state;
	struct process *p = process_new(NULL, true);
	struct buf body = {0};
	assert_int_equal(ask(p, "GET", "/metrics", NULL, &body), 200);
	static const char *const parts[] = {
		"# TYPE log_pattern_records counter\n",
		"log_pattern_records_total{pattern_id=\"00000000000000bb\",service_name=\"pay\",severity=\"error\"} 2 # {trace_id=\"0123456789abcdef0123456789abcdef\"} 1 1700000000.000\n",
		"winnow_records_total{outcome=\"mined\"} 10\n", "winnow_records_consumed_total 10\n",
		"traces_span_metrics_duration_milliseconds_bucket{service_name=\"pay\",le=\"4\"} 0\n", "traces_span_metrics_duration_milliseconds_bucket{service_name=\"pay\",le=\"6\"} 1\n",
		"traces_span_metrics_duration_milliseconds_count{service_name=\"pay\"} 1\n",
		"winnow_deltas_total{outcome=\"posted\"} 1\n", "winnow_patterns 2\n", "winnow_remote_write_requests_total{code=\"204\"} 5\n", "winnow_lag_records{topic=\"logs\",partition=\"0\"} 7\n",
		"winnow_rules_last_reload_successful 1\n", "winnow_build_info{version=\"9.9\"} 1\n", "\n# EOF\n"};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		check_has(&body, parts[i]);
	buf_done(&body);
	process_free(p);
}

static double value_after(const struct buf *body, const char *name)
{
	const char *at = memmem(body->data, body->len, name, strlen(name));
	return at ? strtod(at + strlen(name), NULL) : -1;
}

/* A second endpoint that has been down for a while. */
static void several_endpoints_are_told_apart(void **state)
{
	(void)state;
	struct process *p = process_new(NULL, true);
	struct buf body = {0};
	p->status.endpoints_len = 2;
	p->status.endpoints[1] = (struct admin_endpoint){.name = "mimir", .url = "https://mimir:8080", .requests = {{503, 3}}, .requests_len = 1, .pending_steps = 40, .pending_bytes = 4096, .waiting_since_ns = NOW,
		.folded_steps = 6, .failing_since_ns = NOW, .last_error = "503: away", .bytes_sent = 9};
	assert_int_equal(ask(p, "GET", "/metrics", NULL, &body), 200);
	static const char *const parts[] = {"winnow_remote_write_requests_total{code=\"204\",endpoint=\"default\"} 5\n", "winnow_remote_write_requests_total{code=\"503\",endpoint=\"mimir\"} 3\n",
		"winnow_pending_steps{endpoint=\"mimir\"} 40\n", "winnow_remote_write_aside_series{endpoint=\"default\"} 1\n", "winnow_output_bytes_total{endpoint=\"mimir\"} 9\n",
		"winnow_folded_steps_total{endpoint=\"mimir\"} 6\n"};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		check_has(&body, parts[i]);
	assert_int_equal(ask(p, "GET", "/api/v1/status", NULL, &body), 200);
	check_has(&body, "\"endpoints\":[{\"name\":\"default\",\"url\":\"http://receiver:9090\",\"state\":\"ok\",\"pending_steps\":0,");
	check_has(&body, "{\"name\":\"mimir\",\"url\":\"https://mimir:8080\",\"state\":\"failing\",\"pending_steps\":40,\"pending_bytes\":4096,\"waiting_since\":\"2023-11-14T22:13:20.000000000Z\",\"folded_steps\":6,");
	check_has(&body, "\"last_error\":\"503: away\"");
	buf_done(&body);
	process_free(p);
}

static void the_process_says_what_it_takes_under_the_usual_names(void **state)
{
	(void)state;
	struct process *p = process_new(NULL, true);
	struct buf body = {0};
	assert_int_equal(ask(p, "GET", "/metrics", NULL, &body), 200);
	buf_add_char(&body, 0);
	check_has(&body, "# TYPE process_cpu_seconds counter\n");
	assert_true(value_after(&body, "\nprocess_cpu_seconds_total ") > 0);
	double resident = value_after(&body, "\nprocess_resident_memory_bytes "), files = value_after(&body, "\nprocess_open_fds ");
	assert_true(resident > 1e6 && resident < value_after(&body, "\nprocess_virtual_memory_bytes "));
	assert_true(files >= 4 && files < value_after(&body, "\nprocess_max_fds "));
	/* a file more is one more */
	int fd = dup(0);
	assert_int_equal(ask(p, "GET", "/metrics", NULL, &body), 200);
	buf_add_char(&body, 0);
	assert_true(value_after(&body, "\nprocess_open_fds ") > files);
	close(fd);
	buf_done(&body);
	process_free(p);
}

static void a_scraper_can_come_before_there_is_a_ledger(void **state)
{
	(void)state;
	struct process *p = process_new(NULL, false);
	struct buf body = {0};
	snprintf(p->status.not_ready, sizeof(p->status.not_ready), "Kafka at localhost:9092 does not answer");
	assert_int_equal(ask(p, "GET", "/metrics", NULL, &body), 200);
	check_has(&body, "\n# EOF\n");
	assert_int_equal(ask(p, "GET", "/-/healthy", NULL, &body), 200);
	assert_int_equal(ask(p, "GET", "/-/ready", NULL, &body), 503);
	check_slice(buf_slice(&body), "Kafka at localhost:9092 does not answer\n");
	assert_int_equal(ask(p, "GET", "/api/v1/status", NULL, &body), 200);
	check_has(&body, "\"ready\":false,\"not_ready\":\"Kafka at");
	assert_int_equal(ask(p, "GET", "/api/v1/patterns", NULL, &body), 200);
	check_slice(buf_slice(&body), "{\"total\":0,\"patterns\":[]}\n");
	assert_int_equal(ask(p, "GET", "/api/v1/patterns/00000000000000aa", NULL, &body), 404);
	p->status.not_ready[0] = 0;
	assert_int_equal(ask(p, "GET", "/-/ready", NULL, &body), 200);
	buf_done(&body);
	process_free(p);
}

static void status_says_what_was_counted_and_what_went_wrong(void **state)
{
	(void)state;
	struct process *p = process_new(NULL, true);
	struct buf body = {0};
	assert_int_equal(ask(p, "GET", "/api/v1/status", NULL, &body), 200);
	static const char *const parts[] = {"{\"version\":\"9.9\",", "\"role\":\"leader\"", "\"outcomes\":{\"mined\":10},\"consumed\":10",
		"\"partitions\":[{\"topic\":\"logs\",\"partition\":0,\"absorbed\":10,\"lag\":7,\"newest\":\"2023-11-14T22:13:20.000000000Z\"", "\"deltas_posted\":1",
		"\"aside\":[{\"series\":\"m{a=\\\"b\\\"}\",\"reason\":\"no\"}]", "\"last_error\":\"500: boom\",\"last_error_time\":\"2023-11-14T22:13:20.000000000Z\"}\n"};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		check_has(&body, parts[i]);
	buf_done(&body);
	process_free(p);
}

static void patterns_are_filtered_sorted_and_limited(void **state)
{
	(void)state;
	struct process *p = process_new(NULL, true);
	struct buf body = {0};
	assert_int_equal(ask(p, "GET", "/api/v1/patterns", NULL, &body), 200);
	check_has(&body, "{\"total\":2,\"patterns\":[{\"id\":\"00000000000000aa\",\"service_name\":\"cart\",\"template\":\"added <num> items\",\"origin\":\"mined\",\"count\":8,");
	check_has(&body, "},{\"id\":\"00000000000000bb\",");
	check_has(&body, "\"severities\":{\"error\":2}");
	check_has(&body, "\"text\":\"card 17 \\\"declined\\\"\",\"trace_id\":\"0123456789abcdef0123456789abcdef\",\"span_id\":\"\",\"topic\":\"logs\",\"partition\":0,\"offset\":7}");
	static const struct {
		const char *query;
		bool cart, pay;
	} cases[] = {{"service=cart", true, false}, {"service=c", false, false}, {"severity=error", false, true}, {"origin=mined", true, false}, {"q=DECLINED", false, true},
		{"q=items", true, false}, {"limit=1", true, false}, {"since=1699990000", true, true}, {"since=1800000000", false, false}, {"since=1m", false, false}, {"q=%20items&service=cart", true, false}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[128];
		snprintf(path, sizeof(path), "/api/v1/patterns?%s", cases[i].query);
		assert_int_equal(ask(p, "GET", path, NULL, &body), 200);
		(cases[i].cart ? check_has : check_lacks)(&body, "00000000000000aa");
		(cases[i].pay ? check_has : check_lacks)(&body, "00000000000000bb");
	}
	assert_int_equal(ask(p, "GET", "/api/v1/patterns?sort=fast", NULL, &body), 400);
	check_slice(buf_slice(&body), "{\"error\":\"sort is none of count, rate, new\"}\n");
	assert_int_equal(ask(p, "GET", "/api/v1/patterns?limit=0", NULL, &body), 400);
	assert_int_equal(ask(p, "GET", "/api/v1/patterns?since=yesterday", NULL, &body), 400);
	buf_done(&body);
	process_free(p);
}

static void one_pattern_is_found_by_its_id(void **state)
{
	(void)state;
	struct process *p = process_new(NULL, true);
	struct buf body = {0};
	assert_int_equal(ask(p, "GET", "/api/v1/patterns/00000000000000BB", NULL, &body), 200);
	check_has(&body, "{\"id\":\"00000000000000bb\",\"service_name\":\"pay\",\"template\":\"card <*> \\\"declined\\\"\",\"origin\":\"rule\",\"rule\":\"declined\",\"count\":2,");
	check_has(&body, "\"aliases\":[],\"examples\":[]}\n");
	static const char *const unknown[] = {"/api/v1/patterns/00000000000000cc", "/api/v1/patterns/bb", "/api/v1/patterns/zz000000000000bb", "/api/v1/patterns/", "/api/v2", "/../../etc/passwd", "//"};
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_int_equal(ask(p, "GET", unknown[i], NULL, &body), 404);
	buf_done(&body);
	process_free(p);
}

static void the_page_is_whole_and_loads_nothing_from_elsewhere(void **state)
{
	(void)state;
	struct process *p = process_new("secret", true);
	struct buf body = {0};
	assert_int_equal(ask(p, "GET", "/", NULL, &body), 200);
	check(slice_starts(buf_slice(&body), SLICE("<!doctype html>")) && slice_ends(buf_slice(&body), SLICE("</html>\n")));
	check_has(&body, "api/v1/patterns");
	check_lacks(&body, "http://");
	check_lacks(&body, "https://");
	check_lacks(&body, "innerHTML"); /* log lines are never markup */
	buf_done(&body);
	process_free(p);
}

static void reload_is_a_post(void **state)
{
	(void)state;
	struct process *p = process_new(NULL, true);
	struct buf body = {0};
	assert_int_equal(ask(p, "GET", "/-/reload", NULL, &body), 405);
	assert_int_equal(p->reloads, 0);
	assert_int_equal(ask(p, "POST", "/-/reload", NULL, &body), 200);
	assert_int_equal(ask(p, "POST", "/-/reload", NULL, &body), 500);
	check_slice(buf_slice(&body), "{\"error\":\"rules: x.yaml:3: no\"}\n");
	assert_int_equal(ask(p, "POST", "/metrics", NULL, &body), 405);
	buf_done(&body);
	process_free(p);
}

static void a_token_opens_everything_but_health(void **state)
{
	(void)state;
	struct process *p = process_new("secret", true);
	struct buf body = {0};
	static const char *const wrong[] = {NULL, "Authorization: Bearer secre", "Authorization: Bearer secrets", "Authorization: Basic secret", "Authorization: Bearer", "Authorization: Bearer ecret"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(ask(p, "GET", "/metrics", wrong[i], &body), 401);
		assert_int_equal(ask(p, "GET", "/api/v1/patterns", wrong[i], &body), 401);
		assert_int_equal(ask(p, "POST", "/-/reload", wrong[i], &body), 401);
	}
	assert_int_equal(p->reloads, 0);
	assert_int_equal(ask(p, "GET", "/metrics", "Authorization: bearer secret", &body), 200);
	assert_int_equal(ask(p, "GET", "/-/healthy", NULL, &body), 200);
	assert_int_equal(ask(p, "GET", "/-/ready", NULL, &body), 200);
	buf_done(&body);
	process_free(p);
}

static void a_foreign_web_site_cannot_read_through_a_browser(void **state)
{
	(void)state;
	struct process *p = process_new(NULL, true);
	struct buf body = {0};
	assert_int_equal(ask(p, "GET", "/api/v1/patterns", "Host: evil.example", &body), 403);
	assert_int_equal(ask(p, "POST", "/-/reload", "Host: localhost.evil.example:80", &body), 403);
	assert_int_equal(ask(p, "POST", "/-/reload", "Origin: http://evil.example", &body), 403);
	assert_int_equal(ask(p, "POST", "/-/reload", "Origin: null", &body), 403);
	assert_int_equal(p->reloads, 0);
	assert_int_equal(ask(p, "GET", "/api/v1/patterns", "Host: localhost:9465", &body), 200);
	assert_int_equal(ask(p, "GET", "/api/v1/patterns", "Host: [::1]:9465", &body), 200);
	buf_done(&body);
	process_free(p);
}

static void an_address_for_others_needs_a_token_or_consent(void **state)
{
	(void)state;
	struct process *p = process_new(NULL, true);
	char taken[64];
	snprintf(taken, sizeof(taken), "127.0.0.1:%u", admin_port(p->admin));
	const struct {
		const char *listen, *token;
		bool insecure;
		int expect;
	} cases[] = {{"0.0.0.0:0", NULL, false, ERR_INPUT}, {"0.0.0.0:0", "t", false, 0}, {"0.0.0.0:0", NULL, true, 0}, {"[::]:0", NULL, false, ERR_INPUT}, {"[::1]:0", NULL, false, 0},
		{"localhost:0", NULL, false, 0}, {"9465", NULL, false, ERR_INPUT}, {"127.0.0.1:http!", NULL, false, ERR_INPUT}, {taken, NULL, false, ERR_IO}, {NULL, NULL, false, ERR_INPUT}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct admin_opts opts = {.listen = cases[i].listen, .token = cases[i].token, .insecure = cases[i].insecure, .version = "1", .app = p, .lock = lock, .unlock = unlock, .status = fill_status};
		struct admin *admin = NULL;
		struct err err = {0};
		int status = admin_start(&opts, &admin, &err);
		if (status != cases[i].expect && !(cases[i].listen && cases[i].listen[0] == '[' && status == ERR_IO)) /* machines without IPv6 */
			fail_msg("%s: %d %s", cases[i].listen, status, err.text);
		check((status < 0) == (err.text[0] != 0));
		admin_stop(admin);
	}
	process_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_are_the_ledgers_series_and_the_process_itself),
		cmocka_unit_test(several_endpoints_are_told_apart), cmocka_unit_test(the_process_says_what_it_takes_under_the_usual_names),
		cmocka_unit_test(a_scraper_can_come_before_there_is_a_ledger),
		cmocka_unit_test(status_says_what_was_counted_and_what_went_wrong),
		cmocka_unit_test(patterns_are_filtered_sorted_and_limited),
		cmocka_unit_test(one_pattern_is_found_by_its_id),
		cmocka_unit_test(the_page_is_whole_and_loads_nothing_from_elsewhere),
		cmocka_unit_test(reload_is_a_post),
		cmocka_unit_test(a_token_opens_everything_but_health),
		cmocka_unit_test(a_foreign_web_site_cannot_read_through_a_browser),
		cmocka_unit_test(an_address_for_others_needs_a_token_or_consent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
