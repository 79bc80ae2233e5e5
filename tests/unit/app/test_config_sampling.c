/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "app/config.h"
#include "base/clock.h"

static const char head[] = "sources: [{kafka: {brokers: 'k:9092', topics: [spans]}}]\nremote_write: {url: 'http://localhost:9090/x'}\n";

static struct config *load(const char *more, struct config_errors *errors)
{
	struct buf text = {0};
	struct config *config = NULL;
	buf_add_str(&text, head);
	buf_add_str(&text, more);
	config_load_text(buf_slice(&text), "winnow.yaml", &config, errors);
	buf_done(&text);
	return config;
}

static void a_topic_turns_it_on_and_texts_become_a_policy(void **state)
{
	struct config_errors errors = {0};
	(void)state;
	struct config *c = load("sampling: {topic: kept, share: 0.5%, shares: [pay=10%], slow: 250ms, slow_quantile: p99.9, slow_operations: ['cart:GET /x=2s', 'job=0s'], keep: [tier=gold, debug], memory_mib: 3}\n", &errors);
	assert_int_equal(errors.len, 0);
	const struct sampling *p = &c->sampling.policy;
	assert_true(p->on && p->errors && p->share == 0.005 && p->shares[0].share == 0.1);
	check_slice(p->shares[0].service, "pay");
	assert_string_equal(c->sampling.brokers, "k:9092");
	assert_int_equal(sampling_bound_ns(p, SLICE("cart"), SLICE("GET /x"), 0), 2 * NS_PER_S);
	assert_int_equal(sampling_bound_ns(p, SLICE("mail"), SLICE("GET /x"), 0), 250 * NS_PER_MS);
	assert_int_equal(sampling_bound_ns(p, SLICE("mail"), SLICE("job"), 0), 0);
	assert_int_equal(sampling_bound_ns(p, SLICE("cart"), SLICE("GET /x"), 7), 2 * NS_PER_S);
	assert_int_equal(sampling_bound_ns(p, SLICE("mail"), SLICE("GET /x"), 7), 7);
	assert_true(p->slow_quantile > 0.9989 && p->slow_quantile < 0.9991);
	check_slice(p->keep[0].value, "gold");
	assert_int_equal(p->keep[1].value.len, 0);
	assert_int_equal(p->memory, 3 << 20);
	config_free(c);
	c = load("", &errors);
	assert_false(c->sampling.policy.on);
	config_free(c);
	config_errors_done(&errors);
}

static void what_is_no_share_or_bound_is_said(void **state)
{
	static const struct {
		const char *text, *complaint;
	} rows[] = {{"sampling: {topic: t, share: much}\n", "\"much\" is no share like 1%"}, {"sampling: {topic: t, share: 101%}\n", "\"101%\" is no share"}, {"sampling: {topic: t, slow: p95}\n", "\"p95\" is not a duration like 500ms; a quantile like p99 is sampling.slow_quantile"}, {"sampling: {topic: t, slow_quantile: p100}\n", "\"p100\" is no quantile like p99"}, {"sampling: {topic: t, slow_quantile: p99.9999999999}\n", "\"p99.9999999999\" is no quantile"}, {"sampling: {topic: t, slow_quantile: 99}\n", "\"99\" is no quantile"},
		{"sampling: {topic: t, shares: [pay]}\n", "\"pay\" is not SERVICE=10%"}, {"sampling: {topic: t, slow_operations: [x=y]}\n", "\"x=y\" is not NAME=500ms"}};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_errors errors = {0};
		assert_null(load(rows[i].text, &errors));
		if (!strstr(buf_cstr(&errors.text), rows[i].complaint))
			fail_msg("%s: %s", rows[i].text, buf_cstr(&errors.text));
		config_errors_done(&errors);
	}
}

static void an_endpoint_needs_a_url_and_the_topic(void **state)
{
	static const struct {
		const char *text, *complaint;
	} rows[] = {{"{topic: t, otlp: {timeout: 5s}}", "sampling.otlp needs a url"}, {"{topic: t, otlp: {url: 'tempo:4318'}}", "sampling.otlp.url must be http://"},
		{"{otlp: {url: 'http://tempo:4318/v1/traces'}}", "sampling.otlp needs sampling.topic"}, {"{topic: t, otlp: {url: 'http://t/', compression: zstd}}", "\"zstd\""},
		{"{topic: t, otlp: {url: 'http://t/', tls: {cert: c.pem}}}", "needs both cert and key"}, {"{topic: t, otlp: {url: 'http://t/', retries: 3}}", "retries"}};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_errors errors = {0};
		struct buf text = {0};
		buf_printf(&text, "sampling: %s\n", rows[i].text);
		assert_null(load(buf_cstr(&text), &errors));
		if (!strstr(buf_cstr(&errors.text), rows[i].complaint))
			fail_msg("%s: %s", rows[i].text, buf_cstr(&errors.text));
		buf_done(&text);
		config_errors_done(&errors);
	}
	struct config_errors errors = {0};
	struct config *c = load("sampling: {topic: t, otlp: {url: 'https://tempo/v1/traces', headers: {Authorization: Bearer x}, compression: none, give_up: 1m}}\n", &errors);
	assert_int_equal(errors.len, 0);
	assert_int_equal(c->sampling.otlp.compression, CONFIG_COMPRESSION_NONE);
	assert_int_equal(c->sampling.otlp.give_up_ns, 60 * NS_PER_S);
	assert_int_equal(c->sampling.otlp.queue_mib, 64);
	assert_string_equal(c->sampling.otlp.headers.items[0].value, "Bearer x");
	config_free(c);
	config_errors_done(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_topic_turns_it_on_and_texts_become_a_policy),
		cmocka_unit_test(what_is_no_share_or_bound_is_said),
		cmocka_unit_test(an_endpoint_needs_a_url_and_the_topic),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
