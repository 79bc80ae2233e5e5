/* SPDX-License-Identifier: Apache-2.0 */
/* A posted delta's body into steps, series and catalog. */
#include "ledger/state.h"

#include "base/mem.h"

#include <stdlib.h>

/* Where a series of the delta goes. */
struct route {
	struct series *series;
	enum budget refused;    /* the budget that sent it to `other` */
};

static struct series *intern(struct ledger *l, enum family_id family, const struct label *labels, size_t len)
{
	uint64_t hash = series_hash(family, labels, len);
	struct series *s = series_find(l, hash, family, labels, len);
	return s ? s : series_add(l, hash, family, labels, len);
}

static size_t copy_labels(struct label *to, const struct tally_series *from)
{
	memcpy(to, from->labels, from->labels_len * sizeof(*to));
	return from->labels_len;
}

static void hex(char *at, uint64_t id)
{
	for (int i = 15; i >= 0; i--, id >>= 4)
		at[i] = "0123456789abcdef"[id & 15];
}

/* The label of an alias becomes its survivor's; text holds it. */
static void follow_alias(const struct ledger *l, struct label *labels, size_t len, char *text)
{
	uint64_t id;
	if (!series_pattern_id(labels, len, &id))
		return;
	const struct catalog_entry *survivor = catalog_survivor(&l->catalog, id);
	if (!survivor || survivor->id == id)
		return;
	hex(text, survivor->id);
	for (size_t i = 0; i < len; i++)
		if (slice_eq(labels[i].name, SLICE("pattern_id")))
			labels[i].value = slice_of(text, 16);
}

/* A series that is there, or may be, or the `other` that takes its increments. */
static struct series *admit(struct ledger *l, enum family_id family, struct label *labels, size_t len, bool wide, enum budget *ret_refused)
{
	uint64_t hash = series_hash(family, labels, len);
	struct series *s = series_find(l, hash, family, labels, len);
	*ret_refused = BUDGET_KEPT;
	if (s)
		return s;
	*ret_refused = budget_labels(l, family, labels, len, wide);
	if (*ret_refused != BUDGET_KEPT) {
		hash = series_hash(family, labels, len);
		s = series_find(l, hash, family, labels, len);
	}
	if (s)
		return s;
	enum budget room = budget_room(l, family, labels, len);
	if (room == BUDGET_KEPT)
		return series_add(l, hash, family, labels, len);
	if (budget_other(labels, len))
		*ret_refused = room;
	hash = series_hash(family, labels, len);
	s = series_find(l, hash, family, labels, len);
	if (s)
		return s;
	if (budget_nobody(l, family, labels, len))
		*ret_refused = BUDGET_SERVICES;
	return intern(l, family, labels, len);
}

static void find_route(struct ledger *l, const struct tally_series *from, bool wide, struct route *route)
{
	struct label labels[LABELS_MAX];
	char id[16];
	size_t len = copy_labels(labels, from);
	follow_alias(l, labels, len, id);
	route->series = admit(l, layout_family(l, from->family), labels, len, wide, &route->refused);
}

static void add(struct step *step, struct series *s, enum family_id from, const struct tally_entry *e)
{
	size_t len = series_buckets(s);
	const uint64_t *buckets = len ? e->buckets : NULL;
	uint64_t fitted[BOUNDS_MAX + 1];
	if (len && from != s->family) {
		layout_fit(from, e->buckets, s->family, fitted);
		buckets = fitted;
	}
	step_add(step, s, e->count, e->sum, buckets, &e->exemplar);
	if (e->native)
		step_add_native(step, s, e->native);
	if (family_get(s->family)->type == METRIC_GAUGE)
		s->posted.count = e->count;
	else
		value_add(&s->posted, e->count, e->sum, buckets, len);
	if (e->exemplar.rank == 0)
		return;
	if (!s->exemplar)
		s->exemplar = mem_zalloc(1, sizeof(*s->exemplar));
	*s->exemplar = e->exemplar;
}

static void count_own(struct ledger *l, struct step *step, enum family_id family, struct label label, uint64_t n)
{
	struct series *s = intern(l, family, &label, label.value.len ? 1 : 0);
	step_add(step, s, n, 0, NULL, NULL);
	value_add(&s->posted, n, 0, NULL, 0);
}

static void add_label(struct label *labels, size_t *len, struct slice name, struct slice value)
{
	value = slice_sub(value, 0, LABEL_VALUE_MAX); /* a catalog's texts are not cut as a tally's labels are */
	value.len = slice_utf8_prefix(value);
	if (value.len)
		labels[(*len)++] = (struct label){.name = name, .value = value};
}

/* The log_pattern_info series of a pattern's current text, or NULL: no text yet, or the limit is reached. */
static struct series *info_series(struct ledger *l, struct catalog_entry *entry)
{
	struct label labels[5];
	char id[16];
	size_t len = 0;
	struct slice text = slice_sub(entry->template_text, 0, 512);
	text.len = slice_utf8_prefix(text);
	if (entry->info || text.len == 0)
		return entry->info;
	hex(id, entry->id);
	add_label(labels, &len, SLICE("origin"), slice_str(pattern_origin_name(entry->origin)));
	add_label(labels, &len, SLICE("pattern_id"), slice_of(id, sizeof(id)));
	add_label(labels, &len, SLICE("rule"), entry->rule);
	add_label(labels, &len, SLICE("service_name"), entry->service);
	add_label(labels, &len, SLICE("template"), text);
	uint64_t hash = series_hash(FAMILY_LOG_PATTERN_INFO, labels, len);
	entry->info = series_find(l, hash, FAMILY_LOG_PATTERN_INFO, labels, len);
	if (!entry->info && budget_room(l, FAMILY_LOG_PATTERN_INFO, labels, len) == BUDGET_KEPT)
		entry->info = series_add(l, hash, FAMILY_LOG_PATTERN_INFO, labels, len);
	return entry->info;
}

static void touch_info(struct ledger *l, struct step *step, struct catalog_entry *entry)
{
	struct series *info = info_series(l, entry);
	if (!info)
		return;
	step_add(step, info, 1, 0, NULL, NULL);
	info->posted.count = 1;
	if (step->number > info->touched_step)
		info->touched_step = step->number;
}

static void count_pattern(struct ledger *l, struct step *step, struct series *s, uint64_t n)
{
	uint64_t id;
	if (!s->pattern && series_pattern_id(s->labels, s->labels_len, &id))
		s->pattern = catalog_find(&l->catalog, id); /* its birth may have been in a delta that was rejected, and come again after its records */
	if (!s->pattern)
		return;
	catalog_count(s->pattern, series_label(s, SLICE("severity")), n, step->number);
	touch_info(l, step, s->pattern);
}

/* Families of which every record makes exactly one increment: late records are counted by them, once. */
static bool counts_records(enum family_id family)
{
	return family == FAMILY_LOG_RECORDS || family == FAMILY_SPAN_CALLS;
}

static void post_entry(struct ledger *l, const struct tally_series *from, const struct tally_entry *e, const struct route *route)
{
	bool late;
	struct step *step = step_open(l, time_target(l, e->step, &late));
	struct series *s = route->series;
	add(step, s, from->family, e);
	if (route->refused) {
		l->stats.overflow_records += e->count;
		count_own(l, step, FAMILY_OVERFLOW, (struct label){.name = SLICE("budget"), .value = slice_str(budget_name(route->refused))}, e->count);
	}
	if (late && counts_records(from->family)) {
		l->stats.late_records += e->count;
		count_own(l, step, FAMILY_LATE_RECORDS, (struct label){.name = SLICE("service_name"), .value = series_label(s, SLICE("service_name"))}, e->count);
	}
	if (from->family == FAMILY_LOG_PATTERN_RECORDS)
		count_pattern(l, step, s, e->count);
}

/* The info series' last word goes into the newest step that holds anything of it, or the earliest open one. */
static void end_info(struct ledger *l, struct catalog_entry *entry)
{
	struct series *info = entry->info;
	entry->info = NULL;
	if (!info || (!info->live && !info->pending)) /* nothing of it was sent or will be */
		return;
	bool late;
	int64_t number = time_target(l, info->touched_step, &late);
	step_end(step_open(l, number), info);
}

static void report(struct ledger *l, const struct catalog_entry *entry)
{
	const struct catalog_entry *survivor = entry->alias_id ? catalog_survivor(&l->catalog, entry->id) : NULL;
	l->changes = mem_grow(l->changes, l->changes_len, &l->changes_cap, sizeof(*l->changes));
	l->changes[l->changes_len++] = (struct delta_pattern){
		.id = entry->id,
		.alias_id = survivor ? survivor->id : 0,
		.origin = entry->origin,
		.service = arena_copy(&l->arena, entry->service),
		.template_text = arena_copy(&l->arena, entry->template_text),
		.rule = arena_copy(&l->arena, entry->rule),
	};
}

static void learn(struct ledger *l, const struct delta_pattern *p)
{
	struct catalog_entry *entry;
	bool retext;
	bool tell = catalog_learn(&l->catalog, p, &entry, &retext);
	if (!entry)
		return;
	if (retext)
		end_info(l, entry);
	if (tell)
		report(l, entry);
}

void posting_add(struct ledger *l, const struct delta_body *body)
{
	struct route *routes = arena_zalloc(&l->arena, (body->series_len + 1) * sizeof(*routes));
	for (size_t i = 0; i < body->patterns_len; i++)
		learn(l, &body->patterns[i]);
	for (size_t i = 0; i < body->families_len; i++)
		layout_take(l, body->families[i].family, body->families[i].since_ns);
	for (size_t i = 0; i < body->entries_len; i++) {
		const struct tally_entry *e = &body->entries[i];
		if (e->count == 0)
			continue;
		if (!routes[e->series].series)
			find_route(l, &body->series[e->series], body->wide, &routes[e->series]);
		post_entry(l, &body->series[e->series], e, &routes[e->series]);
	}
	for (size_t i = 0; i < body->examples_len; i++)
		catalog_offer(&l->catalog, &body->examples[i]);
	int64_t asked_ns = body->traces_len ? ledger_asked_from(l) : 0;
	for (size_t i = 0; i < body->traces_len; i++)
		kept_add(&l->kept, &body->traces[i], asked_ns);
	for (size_t i = 0; i < body->families_len; i++)
		layout_sweep(l, body->families[i].family);
}
