/* SPDX-License-Identifier: Apache-2.0 */
#include "app/gather.h"

#include "base/mem.h"

#include <stdlib.h>

static void *room(void *items, size_t need, size_t *cap, size_t size)
{
	if (need <= *cap && items)
		return items;
	*cap = need * 2 + 16;
	return mem_realloc(items, *cap, size);
}

/* Entries with series numbers of this delta's own, and just the series they use. */
static void collect_tally(struct gather *g, struct shard *shard, struct delta_body *body)
{
	struct tally *tally = shard_tally(shard);
	const struct tally_entry *entries = tally_entries(tally, &body->entries_len);
	size_t known = tally_series_len(tally);
	if (known > g->local_cap)
		g->local = room(g->local, known, &g->local_cap, sizeof(*g->local));
	if (known)
		memset(g->local, 0, known * sizeof(*g->local));
	g->entries = room(g->entries, body->entries_len, &g->entries_cap, sizeof(*g->entries));
	g->series = room(g->series, body->entries_len, &g->series_cap, sizeof(*g->series));
	for (size_t i = 0; i < body->entries_len; i++) {
		uint32_t *local = &g->local[entries[i].series];
		if (!*local) {
			g->series[body->series_len++] = *tally_series_at(tally, entries[i].series);
			*local = (uint32_t)body->series_len;
		}
		g->entries[i] = entries[i];
		g->entries[i].series = *local - 1;
	}
	body->entries = g->entries;
	body->series = g->series;
}

static void collect_patterns(struct gather *g, struct shard *shard, struct delta_body *body)
{
	struct pattern *const *news = shard_news(shard, &body->patterns_len);
	g->news = room(g->news, body->patterns_len, &g->news_cap, sizeof(*g->news));
	for (size_t i = 0; i < body->patterns_len; i++) {
		const struct pattern *p = news[i];
		g->news[i] = (struct delta_pattern){.id = p->id, .alias_id = p->alias_of ? pattern_survivor(p->alias_of)->id : 0, .origin = p->origin, .service = p->service, .template_text = p->template_text, .rule = p->rule};
	}
	body->patterns = g->news;
	const struct shard_example *examples = shard_examples(shard, &body->examples_len);
	g->examples = room(g->examples, body->examples_len, &g->examples_cap, sizeof(*g->examples));
	for (size_t i = 0; i < body->examples_len; i++) {
		const struct shard_example *x = &examples[i];
		g->examples[i] = (struct delta_example){.pattern_id = x->pattern->id, .time_ns = x->time_ns, .severity = (uint8_t)x->severity, .rank = x->rank, .further = x->further, .text = x->text, .trace_id = x->trace_id, .span_id = x->span_id, .topic = x->topic, .partition = x->partition, .offset = x->offset};
	}
	body->examples = g->examples;
}

static void collect_traces(struct gather *g, struct shard *shard, struct delta_body *body)
{
	const struct shard_trace *traces = shard_traces(shard, &body->traces_len);
	g->traces = room(g->traces, body->traces_len, &g->traces_cap, sizeof(*g->traces));
	for (size_t i = 0; i < body->traces_len; i++) {
		const struct shard_trace *t = &traces[i];
		g->traces[i] = (struct delta_trace){.trace = t->trace, .time_ns = t->time_ns, .pattern_id = t->pattern_id, .span = t->span, .id = {t->id[0], t->id[1]}, .reasons = t->reasons};
	}
	body->traces = g->traces;
}

void gather(struct gather *g, struct shard *shard, struct delta_body *ret)
{
	*ret = (struct delta_body){.rules_ns = shard_rules_ns(shard), .wide = shard_wide(shard)};
	collect_tally(g, shard, ret);
	collect_patterns(g, shard, ret);
	collect_traces(g, shard, ret);
}

static void keep_labels(struct arena *arena, struct delta_rule *r, const struct slice *names, size_t len)
{
	struct slice *labels = arena_alloc(arena, (len + 1) * sizeof(*labels));
	memcpy(labels, names, len * sizeof(*labels));
	r->labels = labels;
	r->labels_len = len;
}

static size_t count_claims(const struct ruleset *rules)
{
	size_t n = 0;
	for (size_t i = 0; i < ruleset_len(rules); i++)
		n += 1 + rule_measures_len(ruleset_at(rules, i));
	return n;
}

void gather_rules(struct arena *arena, const struct ruleset *rules, struct delta_rules *ret)
{
	struct slice names[RULE_LABELS_MAX];
	*ret = (struct delta_rules){.hash = rules ? ruleset_hash(rules) : 0};
	if (!rules)
		return;
	struct delta_rule *at = arena_zalloc(arena, count_claims(rules) * sizeof(*at) + 1);
	for (size_t i = 0; i < ruleset_len(rules); i++) {
		const struct rule *rule = ruleset_at(rules, i);
		if (rule_drops(rule))
			continue;
		struct delta_rule *r = &at[ret->len++];
		*r = (struct delta_rule){.name = rule_name(rule), .service = rule_service(rule)};
		keep_labels(arena, r, names, rule_label_names(rule, names));
		for (size_t k = 0; k < rule_measures_len(rule); k++) {
			r = &at[ret->len++];
			*r = (struct delta_rule){.service = rule_service(rule), .metric = true};
			keep_labels(arena, r, names, rule_measure_names(rule, k, &r->name, names));
		}
	}
	ret->at = at;
}

void gather_done(struct gather *g)
{
	free(g->news);
	free(g->examples);
	free(g->traces);
	free(g->series);
	free(g->entries);
	free(g->local);
}
