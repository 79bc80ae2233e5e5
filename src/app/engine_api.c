/* SPDX-License-Identifier: Apache-2.0 */
/* The public header over a shard and a ledger in memory: what is fed is cut into a delta and posted before anything is read. */
#include "base/clock.h"
#include "base/mem.h"
#include "app/gather.h"
#include "ledger/ledger.h"
#include "winnow/winnow.h"

#include <stdlib.h>

struct winnow_engine {
	struct shard *shard;
	struct ruleset *rules;
	struct ledger *ledger;
	struct shard_partition partition;
	struct gather gather;
	struct buf record;
	int64_t now_ns;
	uint64_t seq;
	size_t open; /* values fed since the last post */
	struct winnow_text names[LABELS_MAX], values[LABELS_MAX];
	size_t series_cursor, series_index; /* where winnow_sample_at's dense index stands in the ledger */
};

const char *winnow_version(void)
{
	return WINNOW_VERSION;
}

struct winnow_engine *winnow_open(const char *const *rule_paths, size_t len, int64_t step_ns, char **ret_error)
{
	struct ruleset *rules = NULL;
	struct rule_errors errors = {0};
	if (len && ruleset_load(rule_paths, len, &rules, &errors) < 0) {
		if (ret_error)
			*ret_error = mem_strdup(buf_slice(&errors.text));
		buf_done(&errors.text);
		return NULL;
	}
	struct winnow_engine *e = mem_zalloc(1, sizeof(*e));
	struct shard_opts opts = {.step_ns = step_ns > 0 ? step_ns : 10 * NS_PER_S, .rules = rules};
	struct ledger_opts ledger = {.step_ns = opts.step_ns, .lateness_ns = 2 * NS_PER_S, .expire_ns = INT64_MAX / 8, .receiver_window_ns = INT64_MAX / 8, .series_limit = 200000};
	e->rules = rules;
	e->shard = shard_new(&opts);
	e->ledger = ledger_new(&ledger);
	e->partition = (struct shard_partition){.topic = SLICE("fed")};
	shard_partition_start(&e->partition, &(struct shard_start){0}, &(struct shard_opts){0});
	return e;
}

void winnow_close(struct winnow_engine *e)
{
	if (!e)
		return;
	shard_free(e->shard);
	ruleset_free(e->rules);
	ledger_free(e->ledger);
	gather_done(&e->gather);
	buf_done(&e->record);
	free(e);
}

static void post(struct winnow_engine *e)
{
	struct delta_body body;
	struct ledger_event event;
	struct shard_partition *p = &e->partition;
	if (!e->open)
		return;
	gather(&e->gather, e->shard, &body);
	struct delta_range range = {.topic = p->topic, .from = p->cut_from, .to = p->expected, .replay = p->expected, .newest_ns = p->newest_ns};
	struct delta_header header = {.writer = 1, .seq = ++e->seq, .journal_time_ns = e->now_ns, .ranges = &range, .ranges_len = 1};
	buf_reset(&e->record);
	delta_encode(&e->record, &header, &body);
	ledger_post(e->ledger, buf_slice(&e->record), (int64_t)e->seq, &event);
	p->cut_from = p->expected;
	shard_clear(e->shard);
	e->open = 0;
	/* nobody receives the steps: each is done with as soon as it is closed */
	for (int64_t step; (step = ledger_pending_first(e->ledger)) != INT64_MIN;) {
		buf_reset(&e->record);
		mark_encode(&e->record, 0, step, false, e->now_ns, 0);
		ledger_post(e->ledger, buf_slice(&e->record), (int64_t)++e->seq, &event);
	}
}

size_t winnow_feed(struct winnow_engine *e, const void *bytes, size_t len, int64_t now_ns)
{
	enum { POST_EVERY = 4096 };
	uint64_t before = shard_totals(e->shard)->undecodable;
	if (now_ns > e->now_ns)
		e->now_ns = now_ns;
	shard_feed(e->shard, &e->partition, slice_of(bytes, len), e->partition.expected, e->partition.expected + 1, 0, e->now_ns);
	if (++e->open >= POST_EVERY)
		post(e);
	e->series_cursor = e->series_index = 0;
	return (size_t)(shard_totals(e->shard)->undecodable - before);
}

static struct winnow_text text(struct slice s)
{
	return (struct winnow_text){.ptr = s.ptr, .len = s.len};
}

int winnow_pattern_at(struct winnow_engine *e, size_t index, struct winnow_pattern *ret)
{
	struct ledger_pattern p;
	post(e);
	if (index >= ledger_patterns_len(e->ledger))
		return 0;
	ledger_pattern_at(e->ledger, index, &p);
	*ret = (struct winnow_pattern){
		.id = p.id,
		.service = text(p.service),
		.template_text = text(p.template_text),
		.origin = text(slice_str(pattern_origin_name(p.origin))),
		.rule = text(p.rule),
		.count = p.count,
	};
	if (p.example) {
		ret->example = text(p.example->text);
		ret->trace_id = text(p.example->trace_id);
	}
	return 1;
}

int winnow_sample_at(struct winnow_engine *e, size_t index, struct winnow_sample *ret)
{
	struct ledger_value value;
	post(e);
	if (index < e->series_index)
		e->series_cursor = e->series_index = 0;
	for (;; e->series_cursor++) {
		if (e->series_cursor >= ledger_series_len(e->ledger))
			return 0;
		if (!ledger_series_at(e->ledger, e->series_cursor, &value))
			continue;
		if (e->series_index == index)
			break;
		e->series_index++;
	}
	for (size_t i = 0; i < value.labels_len; i++) {
		e->names[i] = text(value.labels[i].name);
		e->values[i] = text(value.labels[i].value);
	}
	*ret = (struct winnow_sample){.name = text(slice_str(family_get(value.family)->name)), .label_names = e->names, .label_values = e->values, .labels_len = value.labels_len, .value = family_get(value.family)->sums ? value.sum : (double)value.count};
	return 1;
}
