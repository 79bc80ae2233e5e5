/* SPDX-License-Identifier: Apache-2.0 */
/* The sampling section as a policy: shares, bounds and conditions out of their texts. */
#include "app/config_option.h"
#include "base/clock.h"

#include <stdlib.h>

/* "1%", "0.5 %" or "0.01". */
static bool to_share(struct slice text, double *ret)
{
	char copy[32], *end;
	bool percent = slice_ends(text, SLICE("%"));
	text = slice_trim(slice_sub(text, 0, text.len - percent));
	if (text.len == 0 || text.len >= sizeof(copy) || text.ptr[0] < '0' || text.ptr[0] > '9')
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = 0;
	*ret = strtod(copy, &end) / (percent ? 100 : 1);
	return *end == 0 && *ret <= 1;
}

/* "p99", "p99.9"; beyond p99.99 no window has the spans that could tell. */
static bool to_quantile(struct slice text, double *ret)
{
	char copy[16], *end;
	if (text.len < 2 || text.len > sizeof(copy) || text.ptr[0] != 'p' || text.ptr[1] < '0' || text.ptr[1] > '9')
		return false;
	memcpy(copy, text.ptr + 1, text.len - 1);
	copy[text.len - 1] = 0;
	*ret = strtod(copy, &end) / 100;
	return *end == 0 && *ret > 0 && *ret <= 0.9999;
}

/* Splits at the last '='. */
static bool split(const char *item, struct slice *ret_name, struct slice *ret_value)
{
	struct slice s = slice_str(item);
	size_t at = s.len;
	while (at > 0 && s.ptr[at - 1] != '=')
		at--;
	*ret_name = slice_trim(slice_sub(s, 0, at ? at - 1 : 0));
	*ret_value = slice_trim(slice_sub(s, at, s.len));
	return at > 0 && ret_name->len;
}

static void *items(struct loader *l, size_t len, size_t size)
{
	return arena_zalloc(&l->config->memory->arena, (len + 1) * size);
}

static void make_shares(struct loader *l, struct sampling *p, const struct yaml *at)
{
	const struct config_strings *list = &l->config->sampling.shares;
	struct sampling_share *shares = items(l, list->len, sizeof(*shares));
	for (size_t i = 0; i < list->len; i++) {
		struct slice value;
		if (!split(list->items[i], &shares[i].service, &value) || !to_share(value, &shares[i].share))
			loader_complain(l, at, "sampling.shares: \"%.100s\" is not SERVICE=10%%", list->items[i]);
	}
	p->shares = shares;
	p->shares_len = list->len;
}

static void make_bounds(struct loader *l, struct sampling *p, const struct yaml *at)
{
	const struct config_strings *list = &l->config->sampling.slow_operations;
	struct sampling_bound *bounds = items(l, list->len, sizeof(*bounds));
	for (size_t i = 0; i < list->len; i++) {
		struct slice name, value;
		if (!split(list->items[i], &name, &value) || !clock_parse_duration(value, &bounds[i].slow_ns)) {
			loader_complain(l, at, "sampling.slow_operations: \"%.100s\" is not NAME=500ms or SERVICE:NAME=500ms", list->items[i]);
			continue;
		}
		size_t colon = slice_find(name, ':', 0);
		bounds[i].name = colon < name.len ? slice_trim(slice_sub(name, colon + 1, name.len)) : name;
		bounds[i].service = colon < name.len ? slice_trim(slice_sub(name, 0, colon)) : slice_of(NULL, 0);
	}
	p->bounds = bounds;
	p->bounds_len = list->len;
}

static void make_conditions(struct loader *l, struct sampling *p)
{
	const struct config_strings *list = &l->config->sampling.keep;
	struct sampling_match *keep = items(l, list->len, sizeof(*keep));
	for (size_t i = 0; i < list->len; i++) {
		struct slice s = slice_str(list->items[i]);
		size_t at = slice_find(s, '=', 0);
		keep[i] = (struct sampling_match){.field = slice_trim(slice_sub(s, 0, at)), .value = at < s.len ? slice_trim(slice_sub(s, at + 1, s.len)) : slice_of(NULL, 0)};
	}
	p->keep = keep;
	p->keep_len = list->len;
}

static void take_brokers(struct loader *l, const struct yaml *at)
{
	struct config *c = l->config;
	for (size_t i = 0; i < c->sources_len; i++) {
		if (c->sources[i].kind != CONFIG_SOURCE_KAFKA || c->sampling.brokers)
			continue;
		c->sampling.brokers = c->sources[i].kafka.brokers;
		if (!yaml_get(at, "properties"))
			c->sampling.properties = c->sources[i].kafka.properties;
	}
	if (!c->sampling.brokers)
		loader_complain(l, at, "sampling.brokers is required when no source is Kafka");
}

static void check_otlp(struct loader *l, const struct yaml *at)
{
	const struct config *c = l->config;
	const struct yaml *otlp = yaml_get(at, "otlp");
	if (!otlp)
		return;
	if (!c->sampling.otlp.url)
		loader_complain(l, otlp, "sampling.otlp needs a url, for example http://localhost:4318/v1/traces");
	else if (!loader_http_url(c->sampling.otlp.url))
		loader_complain(l, otlp, "sampling.otlp.url must be http://HOST[:PORT]/PATH or https://...");
	if (!c->sampling.topic)
		loader_complain(l, otlp, "sampling.otlp needs sampling.topic: what the endpoint does not take in time is there");
	if (!c->sampling.otlp.cert != !c->sampling.otlp.key)
		loader_complain(l, otlp, "sampling.otlp.tls needs both cert and key");
}

void loader_check_sampling(struct loader *l, const struct yaml *at)
{
	struct config *c = l->config;
	struct sampling *p = &c->sampling.policy;
	*p = (struct sampling){
		.on = c->sampling.topic != NULL,
		.errors = c->sampling.errors,
		.patterns = c->sampling.patterns,
		.per_second = c->sampling.per_second,
		.hold_ns = c->sampling.hold_ns,
		.quiet_ns = c->sampling.quiet_ns,
		.grace_ns = c->sampling.grace_ns,
		.memory = (size_t)c->sampling.memory_mib << 20,
	};
	if (!to_share(slice_str(c->sampling.share), &p->share))
		loader_complain(l, at, "sampling.share: \"%.100s\" is no share like 1%%", c->sampling.share);
	if (!clock_parse_duration(slice_str(c->sampling.slow), &p->slow_ns))
		loader_complain(l, at, "sampling.slow: \"%.100s\" is not a duration like 500ms; a quantile like p99 is sampling.slow_quantile", c->sampling.slow);
	if (c->sampling.slow_quantile && !to_quantile(slice_str(c->sampling.slow_quantile), &p->slow_quantile))
		loader_complain(l, at, "sampling.slow_quantile: \"%.100s\" is no quantile like p99", c->sampling.slow_quantile);
	make_shares(l, p, at);
	make_bounds(l, p, at);
	make_conditions(l, p);
	check_otlp(l, at);
	if (p->on)
		take_brokers(l, at);
}
