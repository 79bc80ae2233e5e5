/* SPDX-License-Identifier: Apache-2.0 */
/* The patterns of one shard. A pattern is never freed or moved while its set lives, so pointers and indexes to it stay good; what grows is bounded
 * by the budgets: each service may hold `patterns_per_service` mined or carried survivors (an alias gives its place back) and, aliases included, at
 * most ALIAS_FACTOR times as many in all. What does not fit is the service's `other`. Services past `services` share one `other` service. */
#include "pattern/pattern.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"

enum { ALIAS_FACTOR = 4 };

struct budget {
	struct slice service;
	struct pattern *other;
	size_t live; /* survivors that count */
	size_t ever; /* all that counted once */
};

struct pattern_set {
	struct pattern_limits limits;
	size_t usual_patterns; /* limits.patterns_per_service when it is not doubled */
	struct pattern **items;
	size_t len;
	size_t cap;
	struct pattern **changes;
	size_t changes_len;
	size_t changes_cap;
	size_t changes_taken;
	struct map by_id;
	struct map budgets;
	struct budget *shared; /* of the services past the limit */
	struct arena arena;
};

const char *pattern_origin_name(enum pattern_origin origin)
{
	static const char *const names[ORIGIN_COUNT] = {"rule", "carried", "mined"};
	return origin < ORIGIN_COUNT ? names[origin] : "";
}

uint64_t pattern_id(struct slice service, struct slice text_at_birth)
{
	uint64_t id = hash_pair(hash_bytes(service), hash_bytes(text_at_birth));
	return id ? id : 1; /* 0 is `other` */
}

struct pattern_set *pattern_set_new(const struct pattern_limits *limits)
{
	struct pattern_set *set = mem_zalloc(1, sizeof(*set));
	if (limits)
		set->limits = *limits;
	if (!set->limits.patterns_per_service)
		set->limits.patterns_per_service = 1000;
	if (!set->limits.services)
		set->limits.services = 10000;
	set->usual_patterns = set->limits.patterns_per_service;
	return set;
}

void pattern_set_widen(struct pattern_set *set, bool wide)
{
	set->limits.patterns_per_service = set->usual_patterns << wide;
}

void pattern_set_free(struct pattern_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->len; i++)
		free((char *)(uintptr_t)set->items[i]->template_text.ptr);
	free(set->items);
	free(set->changes);
	map_done(&set->by_id);
	map_done(&set->budgets);
	arena_done(&set->arena);
	free(set);
}

size_t pattern_set_len(const struct pattern_set *set)
{
	return set->len;
}

struct pattern *pattern_set_at(const struct pattern_set *set, uint32_t index)
{
	return index < set->len ? set->items[index] : NULL;
}

struct pattern *pattern_set_find(const struct pattern_set *set, uint64_t id)
{
	return id ? map_get(&set->by_id, id, NULL, NULL) : NULL;
}

static struct slice text_copy(struct slice text)
{
	return slice_of(mem_strdup(text), text.len);
}

static void note_change(struct pattern_set *set, struct pattern *p)
{
	if (p->changed)
		return;
	p->changed = true;
	set->changes = mem_grow(set->changes, set->changes_len, &set->changes_cap, sizeof(*set->changes));
	set->changes[set->changes_len++] = p;
}

static struct pattern *append(struct pattern_set *set, uint64_t id, enum pattern_origin origin, struct slice service, struct slice text, struct slice rule)
{
	struct pattern *p = arena_alloc(&set->arena, sizeof(*p));
	*p = (struct pattern){
		.id = id,
		.index = (uint32_t)set->len,
		.origin = origin,
		.service = service,
		.template_text = text_copy(text),
		.rule = arena_copy(&set->arena, rule),
	};
	set->items = mem_grow(set->items, set->len, &set->cap, sizeof(*set->items));
	set->items[set->len++] = p;
	if (id)
		map_put(&set->by_id, id, p);
	return p;
}

static bool budget_eq(const void *item, const void *key)
{
	const struct budget *b = item;
	return slice_eq(b->service, *(const struct slice *)key);
}

static struct budget *budget_new(struct pattern_set *set, struct slice service)
{
	struct budget *b = arena_zalloc(&set->arena, sizeof(*b));
	b->service = arena_copy(&set->arena, service);
	return b;
}

static struct budget *budget_of(struct pattern_set *set, struct slice service)
{
	uint64_t hash = hash_bytes(service);
	struct budget *b = map_get(&set->budgets, hash, budget_eq, &service);
	if (b)
		return b;
	if (set->budgets.len >= set->limits.services) {
		if (!set->shared)
			set->shared = budget_new(set, SLICE("other"));
		return set->shared;
	}
	b = budget_new(set, service);
	map_put(&set->budgets, hash, b);
	return b;
}

static struct pattern *budget_other(struct pattern_set *set, struct budget *b)
{
	if (!b->other) {
		b->other = append(set, 0, ORIGIN_MINED, b->service, SLICE("other"), slice_of(NULL, 0));
		b->other->overflow = true;
		note_change(set, b->other);
	}
	return b->other;
}

static bool budget_refuses(const struct pattern_set *set, const struct budget *b)
{
	return b->live >= set->limits.patterns_per_service || b->ever >= ALIAS_FACTOR * set->limits.patterns_per_service;
}

struct pattern *pattern_set_add(struct pattern_set *set, enum pattern_origin origin, struct slice service, struct slice birth_text, struct slice template_text, struct slice rule)
{
	struct budget *b = budget_of(set, service);
	uint64_t id = pattern_id(b->service, birth_text);
	struct pattern *p = pattern_set_find(set, id);
	if (p)
		return p;
	if (origin != ORIGIN_RULE) {
		if (budget_refuses(set, b))
			return budget_other(set, b);
		b->live++;
		b->ever++;
	}
	p = append(set, id, origin, b->service, template_text, rule);
	note_change(set, p);
	return p;
}

void pattern_set_retext(struct pattern_set *set, struct pattern *p, struct slice template_text)
{
	if (slice_eq(p->template_text, template_text))
		return;
	struct slice copy = text_copy(template_text);
	free((char *)(uintptr_t)p->template_text.ptr);
	p->template_text = copy;
	p->version++;
	note_change(set, p);
}

/* A survivor that becomes an alias gives its place in the budget back. */
static void make_alias(struct pattern_set *set, struct pattern *p, struct pattern *survivor)
{
	if (p->origin != ORIGIN_RULE && !p->alias_of) {
		struct budget *b = budget_of(set, p->service);
		if (b->live)
			b->live--;
	}
	p->alias_of = survivor;
}

void pattern_set_alias(struct pattern_set *set, struct pattern *p, struct pattern *survivor)
{
	survivor = pattern_survivor(survivor);
	p = pattern_survivor(p);
	if (p == survivor || p->overflow)
		return;
	make_alias(set, p, survivor);
	note_change(set, p);
}

/* An alias is told after its survivor, so that who reads the changes in order knows it. */
static void put_survivor_first(struct pattern_set *set)
{
	struct pattern *p = set->changes[set->changes_taken];
	for (size_t i = set->changes_taken + 1; p->alias_of && p->alias_of->changed && i < set->changes_len; i++)
		if (set->changes[i] == p->alias_of) {
			set->changes[i] = p;
			p = set->changes[set->changes_taken] = p->alias_of;
			i = set->changes_taken;
		}
}

size_t pattern_set_take_changes(struct pattern_set *set, struct pattern **out, size_t cap)
{
	size_t n = 0;
	while (n < cap && set->changes_taken < set->changes_len) {
		put_survivor_first(set);
		out[n] = set->changes[set->changes_taken++];
		out[n++]->changed = false;
	}
	if (set->changes_taken == set->changes_len)
		set->changes_taken = set->changes_len = 0;
	return n;
}

static void import_alias(struct pattern_set *set, struct pattern *p, uint64_t alias_id)
{
	struct pattern *survivor = pattern_set_find(set, alias_id);
	if (!survivor || p->alias_of)
		return;
	survivor = pattern_survivor(survivor);
	if (survivor != p && !p->overflow)
		make_alias(set, p, survivor);
}

struct pattern *pattern_set_import(struct pattern_set *set, uint64_t id, enum pattern_origin origin, struct slice service, struct slice template_text, struct slice rule, uint64_t alias_id)
{
	struct budget *b = budget_of(set, service);
	if (id == 0)
		return budget_other(set, b);
	struct pattern *p = pattern_set_find(set, id);
	if (!p) {
		p = append(set, id, origin, b->service, template_text, rule);
		if (origin != ORIGIN_RULE) {
			b->live++;
			b->ever++;
		}
	}
	import_alias(set, p, alias_id);
	return p;
}
