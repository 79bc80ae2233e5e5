/* SPDX-License-Identifier: Apache-2.0 */
/* Which rules are in force, and the end of the series that none of them counts.
 *
 * Idea. A writer tells its rules before its first delta under them: for each rule and metric a name, a service if it sets one, and the names of its labels. So
 * the ledger knows for every input partition by which rules it was counted last. A rule is in force while one partition is counted by a set that has it;
 * when the last one has gone over to other rules, by a reload or a restart, series that no set covers get a stale marker in the next step. While
 * instances with the old rules still run, nothing ends, and nothing that they still count comes back as a ghost.
 *
 * Rules count from a delta of their writer on (from_seq): until that is posted, it is not known what its partitions are counted by, and nothing ends. The
 * same holds for a writer that never told (of an earlier version). A partition that nobody has counted for QUIET_NS holds nothing in force.
 *
 * A series ends in the step after its newest open increments, at the earliest in the earliest open step: nothing of that step can have been sent. It keeps its
 * value while it is dormant, as one that was quiet: the rule may come back. Its last value goes out once more before the marker, as an anchor.
 *
 * All of it is a function of the journal and part of snapshots. */
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "ledger/item.h"
#include "ledger/state.h"
#include "metric/rule_family.h"

#include <stdlib.h>

enum { TOLD_MAX = 4096 };
#define QUIET_NS (60 * NS_PER_S)
#define FRESH_NS (600 * NS_PER_S)

/* What one writer told. */
struct rules {
	struct delta_rules told; /* texts in arena */
	struct arena arena;
	struct map by_name;
	int64_t told_alive_ns;   /* when, by the alive clock */
	bool owns;               /* a partition: while force_settle looks */
};

static uint64_t name_hash(struct slice name, bool metric)
{
	return hash_pair(hash_bytes(name), metric);
}

static struct rules *rules_of(const struct force *f, uint64_t writer)
{
	for (size_t i = f->len; i-- > 0;)
		if (f->told[i]->told.writer == writer)
			return f->told[i];
	return NULL;
}

static void rules_free(struct rules *r)
{
	map_done(&r->by_name);
	arena_done(&r->arena);
	free(r);
}

static void remove_at(struct force *f, size_t at)
{
	rules_free(f->told[at]);
	memmove(&f->told[at], &f->told[at + 1], (f->len - at - 1) * sizeof(struct rules *));
	f->len--;
}

static struct rules *rules_copy(const struct delta_rules *from)
{
	struct rules *r = mem_zalloc(1, sizeof(*r));
	struct delta_rule *at = arena_zalloc(&r->arena, (from->len + 1) * sizeof(*at));
	r->told = *from;
	r->told.at = at;
	for (size_t i = 0; i < from->len; i++) {
		struct slice *labels = arena_alloc(&r->arena, (from->at[i].labels_len + 1) * sizeof(*labels));
		for (size_t k = 0; k < from->at[i].labels_len; k++)
			labels[k] = arena_copy(&r->arena, from->at[i].labels[k]);
		at[i] = (struct delta_rule){.name = arena_copy(&r->arena, from->at[i].name), .service = arena_copy(&r->arena, from->at[i].service),
			.metric = from->at[i].metric, .labels = labels, .labels_len = from->at[i].labels_len};
		map_put(&r->by_name, name_hash(at[i].name, at[i].metric), &at[i]);
	}
	return r;
}

static void add_rules(struct force *f, struct rules *r)
{
	f->told = mem_grow(f->told, f->len, &f->cap, sizeof(struct rules *));
	f->told[f->len++] = r;
}

void force_tell(struct ledger *l, const struct delta_rules *told)
{
	struct force *f = &l->force;
	for (size_t i = 0; i < f->len; i++) {
		if (f->told[i]->told.writer != told->writer)
			continue;
		if (f->told[i]->told.number >= told->number)
			return; /* a second copy, late */
		remove_at(f, i);
		break;
	}
	if (f->len >= TOLD_MAX)
		remove_at(f, 0);
	struct rules *r = rules_copy(told);
	r->told_alive_ns = l->alive_ns;
	add_rules(f, r);
	f->unsettled = true;
	force_settle(l, false);
}

void force_heard(struct ledger *l, struct partition *p, const struct delta_header *h)
{
	l->force.unsettled |= p->writer != h->writer;
	p->writer = h->writer;
	p->seq = h->seq;
	p->heard_alive_ns = l->alive_ns;
}

/* ---- what the rules cover ---- */

/* What a series says of the rule, or the rule's metric, that counts it. */
struct claim {
	const struct series *series;
	struct slice name, service;
	bool metric;
};

static bool is_own_label(struct slice name)
{
	return slice_eq(name, SLICE("service_name")) || slice_eq(name, SLICE("pattern_id")) || slice_eq(name, SLICE("severity"));
}

static bool has_label(const struct delta_rule *rule, struct slice name)
{
	for (size_t i = 0; i < rule->labels_len; i++)
		if (slice_eq(rule->labels[i], name))
			return true;
	return false;
}

static bool covers(const void *item, const void *key)
{
	const struct delta_rule *rule = item;
	const struct claim *claim = key;
	if (rule->metric != claim->metric || !slice_eq(rule->name, claim->name))
		return false;
	if (rule->service.len && !slice_eq(rule->service, claim->service) && !slice_eq(claim->service, SLICE("other")))
		return false;
	const struct series *s = claim->series;
	for (size_t i = 0; s->family != FAMILY_LOG_PATTERN_INFO && i < s->labels_len; i++)
		if (!is_own_label(s->labels[i].name) && !has_label(rule, s->labels[i].name))
			return false;
	return true;
}

/* False for a series that is not a rule's. */
static bool claim_of(const struct ledger *l, const struct series *s, struct claim *ret)
{
	uint64_t id;
	*ret = (struct claim){.series = s, .service = series_label(s, SLICE("service_name"))};
	if (family_is_of_rule(s->family)) {
		ret->metric = true;
		ret->name = slice_str(family_get(s->family)->name);
		return true;
	}
	if (s->family != FAMILY_LOG_PATTERN_RECORDS && s->family != FAMILY_LOG_PATTERN_DURATION && s->family != FAMILY_LOG_PATTERN_INFO)
		return false;
	if (!series_pattern_id(s->labels, s->labels_len, &id))
		return false;
	const struct catalog_entry *entry = catalog_find(&l->catalog, id);
	if (!entry || entry->origin != ORIGIN_RULE || entry->rule.len == 0)
		return false;
	ret->name = entry->rule;
	return true;
}

static bool in_force(const struct ledger *l, const struct series *s)
{
	struct claim claim;
	if (!claim_of(l, s, &claim))
		return true;
	uint64_t hash = name_hash(claim.name, claim.metric);
	for (size_t i = 0; i < l->force.len; i++)
		if (l->force.told[i]->owns && map_get(&l->force.told[i]->by_name, hash, covers, &claim))
			return true;
	return false;
}

/* ---- the end of a series ---- */

static void end(struct ledger *l, struct series *s)
{
	int64_t number = l->last_closed == INT64_MIN ? INT64_MIN : l->last_closed + 1;
	for (size_t i = l->steps_len; s->pending && i > l->closed_len; i--) {
		const struct increment *last = step_find(l->steps[i - 1], s);
		if (last && last->exemplar == INCREMENT_ENDS)
			return; /* it does already */
		if (!last)
			continue;
		number = l->steps[i - 1]->number + 1;
		break;
	}
	if (number != INT64_MIN)
		step_end(step_open(l, number), s);
}

static void end_uncovered(struct ledger *l)
{
	for (size_t i = 0; i < l->series_len; i++) {
		struct series *s = l->series[i];
		if ((s->live || s->pending) && !in_force(l, s))
			end(l, s);
	}
}

/* Whether a set counts a partition for an earlier writer as well. */
static bool counted_already(const struct force *f, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (f->told[i]->owns && f->told[i]->told.hash == f->told[at]->told.hash)
			return true;
	return false;
}

/* Notes whose rules count a partition; false while that is not known of one. *ret_hash: of the sets they are, in whatever order. */
static bool find_owners(const struct ledger *l, uint64_t *ret_hash)
{
	const struct force *f = &l->force;
	*ret_hash = 1;
	for (size_t i = 0; i < f->len; i++)
		f->told[i]->owns = false;
	for (size_t i = 0; i < l->partitions_len; i++) {
		const struct partition *p = l->partitions[i];
		if (l->alive_ns - p->heard_alive_ns > QUIET_NS)
			continue;
		struct rules *r = rules_of(f, p->writer);
		if (!r || p->seq < r->told.from_seq)
			return false;
		r->owns = true;
	}
	for (size_t i = 0; i < f->len; i++)
		if (f->told[i]->owns && !counted_already(f, i))
			*ret_hash += hash_pair(f->told[i]->told.hash, 0);
	return true;
}

/* What was told by writers that own nothing, unless they may be about to. */
static void forget_writers(struct ledger *l)
{
	struct force *f = &l->force;
	for (size_t i = f->len; i-- > 0;)
		if (!f->told[i]->owns && l->alive_ns - f->told[i]->told_alive_ns > FRESH_NS)
			remove_at(f, i);
}

void force_settle(struct ledger *l, bool all)
{
	struct force *f = &l->force;
	uint64_t hash;
	if ((!f->unsettled && !all) || !find_owners(l, &hash))
		return;
	if (f->unsettled || hash != f->hash)
		end_uncovered(l);
	f->unsettled = false;
	f->hash = hash;
	forget_writers(l);
}

/* ---- snapshots ---- */

static void save_rules(const struct rules *r, struct buf *out)
{
	struct buf record = {0};
	rules_encode(&record, &r->told, 1);
	pack_i64(out, r->told_alive_ns);
	pack_bytes(out, buf_slice(&record));
	buf_done(&record);
}

void force_save(const struct ledger *l, struct buf *out)
{
	for (size_t i = 0; i < l->partitions_len; i++) {
		pack_u64(out, l->partitions[i]->writer);
		pack_u64(out, l->partitions[i]->seq);
		pack_i64(out, l->partitions[i]->heard_alive_ns);
	}
	pack_u64(out, l->force.hash);
	pack_bool(out, l->force.unsettled);
	pack_u64(out, l->force.len);
	for (size_t i = 0; i < l->force.len; i++)
		save_rules(l->force.told[i], out);
}

static void load_rules(struct ledger *l, struct unpack *u)
{
	struct buf scratch = {0};
	struct delta d;
	int64_t told_alive_ns = unpack_i64(u);
	struct slice record = unpack_bytes(u);
	if (u->bad || delta_decode(record, &l->arena, &scratch, &d) < 0 || d.kind != DELTA_RULES) {
		u->bad = true;
	} else {
		struct rules *r = rules_copy(&d.rules);
		r->told_alive_ns = told_alive_ns;
		add_rules(&l->force, r);
	}
	buf_done(&scratch);
}

void force_load(struct ledger *l, struct unpack *u)
{
	for (size_t i = 0; i < l->partitions_len; i++) {
		l->partitions[i]->writer = unpack_u64(u);
		l->partitions[i]->seq = unpack_u64(u);
		l->partitions[i]->heard_alive_ns = unpack_i64(u);
	}
	l->force.hash = unpack_u64(u);
	l->force.unsettled = unpack_bool(u);
	for (size_t n = unpack_count(u, TOLD_MAX, 20); n > 0 && !u->bad; n--)
		load_rules(l, u);
}

void force_done(struct force *f)
{
	for (size_t i = 0; i < f->len; i++)
		rules_free(f->told[i]);
	free(f->told);
}
