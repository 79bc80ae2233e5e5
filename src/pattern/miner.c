/* SPDX-License-Identifier: Apache-2.0 */
/* The template miner: names each message in one pass, in bounded memory, with ids that do not depend on who sees what first.
 *
 * The idea. What a message's bytes tell is decided by rules that look at that message alone (token.c): numbers, addresses, values behind = and so on are
 * places, and the text with every place as <*> is the template at birth. Its hash is the id, so all instances agree without talking, in any order. Only what
 * bytes cannot tell - that "blue", "green" and "amber" in "loading skin X" are values - is learned, late, and from sets of variants, not from their order.
 *
 * Naming a message, cheapest first:
 *   1. Its SHAPE (shape.c: numbers as 0) is looked up in a table of two slots a key. Messages of one shape have one pattern; 100 bytes cost about 100 ns here.
 *   2. It is taken apart (token.c). The hash over its atoms (`detail`) is looked up in a second table: a message that looked exactly like this is known.
 *   3. The hash over its segments (`identity`) is looked up in a map of all templates: a template of this identity is known, but the message shows
 *      something new in a value. Where the template's text still shows what a value looked like (eth0, <num>, Rect(<num>, <num>)) and this message shows
 *      another thing, the text says <*> from now on (template_refine). The id stays. Texts only ever become more general, so this ends.
 *   4. The service's GENERAL templates, those with learned places, are tried one by one (template_match). A learned place takes a word or value, and up to two
 *      more if they look like the rest of a name.
 *   5. Kin: if the message has pieces such as LOCAL(0) - values glued to words - and a template is known that has a plain value there and is the same
 *      elsewhere ("coarse" hash), it is that template's. The other way round, the plain one takes those that came before it (subsumption).
 *   6. It is new: perhaps a place is learned (below), else a pattern is born.
 *
 * Learning. Templates of one SKELETON (segments with all words alike) of one service form a group. A new one is compared with up to VARIANTS_MAX of it; where
 * they show that words are values (variants.c), a place is learned.
 *   The general template is BORN under its own text ("loading skin <*>") and the variants become its aliases. It is not one of the variants grown wider: then its
 * id would be that of the first variant, which differs from instance to instance. Any four variants of the place lead to the same general template, so
 * survivors have the same ids in any order of arrival and on every instance. The price is one more id per learned place; most places are not learned but told
 * by their surroundings, so that ids handed out over ids that remain is about 1.01.
 *
 * Import. A pattern found elsewhere has its text read as a template (a text reads back to its identity), takes part in groups as if it had been born here -
 * so that variants seen by different shards add up - and an imported alias tells, by comparison with its survivor's text, which places that one has learned.
 * Matching ids need no import at all: a birth whose id is in the set is that pattern.
 *
 * Bounds. Tables are sized from memory_bytes. Templates, groups and kin are counted; past half of memory_bytes each birth moves a clock's hand EVICT_STEPS
 * templates on and drops those not used since it last came by, so eviction never stalls and never stops learning. A pattern outlives its template: if the
 * message comes again, its birth text finds the same pattern. Budgets per service are the set's; where one is used up, a new message costs a lookup of its id, and
 * one of REFUSED_TRIES still goes the whole way, since learning a place gives budget back.
 *
 * Aliases make what the shape table knows void: `merges` is part of its keys.
 *
 * Threads: one miner, one set, one thread.
 *
 * Sources: grouping by token skeletons and late generalisation are our own measurements (docs/mining.md); masks before mining after He et al., "Drain" (ICWS
 * 2017) and what its users report; a sequence cache in front as in ByteBrain (SIGMOD 2025). */
#include "pattern/miner.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "pattern/lexeme.h"
#include "pattern/shape.h"
#include "pattern/template.h"
#include "pattern/variants.h"

enum {
	GENERALS_MAX = 256,      /* templates with learned places of one service */
	SERVICES_MAX = 10000,    /* services past it share what is learned */
	EVICT_STEPS = 16,
};

#define DEFAULT_MEMORY ((size_t)64 << 20)

/* A template with its pattern. The pattern outlives it. */
struct cluster {
	struct template *template;
	struct pattern *pattern;
	struct service *service;
	struct group *group;
	struct cluster *next; /* of the group */
	struct cluster *prev;
	struct kin *kin;
	uint64_t key;
	bool used;            /* since the clock's hand passed */
	bool general;
};

/* The templates of one skeleton. */
struct group {
	struct cluster *first;
	uint64_t key;
};

enum { KIN_MAX = 4 };

/* Templates that are alike but for pieces such as LOCAL(0): the pure one, or those waiting for it. */
struct kin {
	uint64_t key;
	size_t clusters; /* that point here */
	struct pattern *pure;
	struct pattern *waiting[KIN_MAX];
	size_t waiting_len;
};

struct service {
	struct slice name;
	uint64_t salt;
	struct cluster **generals;
	size_t generals_len;
	size_t generals_cap;
	struct pattern *other; /* set while the budget refuses */
	uint32_t refused;
};

struct cache_slot {
	uint64_t key;
	struct pattern *pattern;
};

enum { DURATION_NONE = UINT16_MAX };

/* A message's shape is known: its pattern, and which number its duration is. */
struct shape_slot {
	uint64_t key; /* the lower 16 bits are the number of the run, or DURATION_NONE */
	struct pattern *pattern;
};

struct miner {
	struct pattern_set *set;
	size_t memory_bytes;
	size_t used_bytes;
	struct cache_slot *cache;
	size_t cache_mask;
	struct shape_slot *shapes; /* their patterns are survivors: an alias makes all slots void, see merges */
	uint64_t merges;
	size_t shapes_mask;
	struct map exact;   /* identity -> cluster */
	struct map coarse;  /* coarse identity -> kin */
	struct map groups;  /* skeleton -> group */
	struct map services;
	struct service *last_service;
	struct cluster **clusters;
	size_t clusters_len;
	size_t clusters_cap;
	size_t hand;
	struct buf text;
	struct buf birth;
	struct tokens tokens;
	struct shape shape;
};

struct miner *miner_new(struct pattern_set *set, size_t memory_bytes)
{
	struct miner *m = mem_zalloc(1, sizeof(*m));
	m->set = set;
	m->memory_bytes = memory_bytes ? memory_bytes : DEFAULT_MEMORY;
	size_t slots = 1024;
	while (slots * 2 * sizeof(struct cache_slot) <= m->memory_bytes / 8 && slots < (size_t)1 << 17)
		slots *= 2;
	m->cache = mem_zalloc(slots, sizeof(*m->cache));
	m->cache_mask = slots - 2;
	m->shapes = mem_zalloc(slots, sizeof(*m->shapes));
	m->shapes_mask = slots - 2;
	return m;
}

static void cluster_free(struct cluster *c)
{
	free(c->template);
	free(c);
}

void miner_free(struct miner *m)
{
	size_t cursor = 0;
	void *item;
	if (!m)
		return;
	for (size_t i = 0; i < m->clusters_len; i++)
		cluster_free(m->clusters[i]);
	while ((item = map_next(&m->groups, &cursor)))
		free(item);
	cursor = 0;
	while ((item = map_next(&m->coarse, &cursor)))
		free(item);
	map_done(&m->coarse);
	cursor = 0;
	while ((item = map_next(&m->services, &cursor))) {
		free((char *)(uintptr_t)((struct service *)item)->name.ptr);
		free(((struct service *)item)->generals);
		free(item);
	}
	map_done(&m->exact);
	map_done(&m->groups);
	map_done(&m->services);
	free(m->clusters);
	free(m->cache);
	free(m->shapes);
	buf_done(&m->text);
	buf_done(&m->birth);
	free(m);
}

static bool service_eq(const void *item, const void *key)
{
	return slice_eq(((const struct service *)item)->name, *(const struct slice *)key);
}

static struct service *service_of(struct miner *m, struct slice name)
{
	if (m->last_service && slice_eq(m->last_service->name, name))
		return m->last_service;
	uint64_t hash = hash_bytes(name);
	struct service *s = map_get(&m->services, hash, service_eq, &name);
	if (!s && m->services.len >= SERVICES_MAX && !slice_eq(name, SLICE("other")))
		return service_of(m, SLICE("other"));
	if (!s) {
		s = mem_zalloc(1, sizeof(*s));
		s->name = slice_of(mem_strdup(name), name.len);
		s->salt = hash | 1;
		map_put(&m->services, hash, s);
		m->used_bytes += sizeof(*s) + name.len;
	}
	m->last_service = s;
	return s;
}

/* Two slots a key; the newer one comes first. */
static struct pattern *cache_get(const struct miner *m, uint64_t key)
{
	const struct cache_slot *slot = &m->cache[key & m->cache_mask];
	return slot[0].key == key ? slot[0].pattern : slot[1].key == key ? slot[1].pattern : NULL;
}

static void cache_put(struct miner *m, uint64_t key, struct pattern *p)
{
	struct cache_slot *slot = &m->cache[key & m->cache_mask];
	if (slot[0].key != key)
		slot[1] = slot[0];
	slot[0] = (struct cache_slot){key, p};
}

static void group_leave(struct miner *m, struct cluster *c)
{
	if (c->next)
		c->next->prev = c->prev;
	if (c->prev)
		c->prev->next = c->next;
	else
		c->group->first = c->next;
	if (!c->group->first) {
		map_remove(&m->groups, c->group->key, NULL, NULL);
		free(c->group);
	}
}

static void generals_leave(struct cluster *c)
{
	struct service *s = c->service;
	for (size_t i = 0; i < s->generals_len; i++)
		if (s->generals[i] == c)
			s->generals[i--] = s->generals[--s->generals_len];
}

static void kin_leave(struct miner *m, struct cluster *c)
{
	struct kin *k = c->kin;
	if (!k || --k->clusters)
		return;
	map_remove(&m->coarse, k->key, NULL, NULL);
	free(k);
	m->used_bytes -= sizeof(*k);
}

static size_t cluster_bytes(const struct cluster *c)
{
	return c->template->bytes + sizeof(*c) + 4 * sizeof(struct map_slot);
}

static void cluster_drop(struct miner *m, size_t at)
{
	struct cluster *c = m->clusters[at];
	m->clusters[at] = m->clusters[--m->clusters_len];
	if (c->key && map_get(&m->exact, c->key, NULL, NULL) == c)
		map_remove(&m->exact, c->key, NULL, NULL);
	group_leave(m, c);
	if (c->general)
		generals_leave(c);
	kin_leave(m, c);
	m->used_bytes -= cluster_bytes(c);
	cluster_free(c);
}

/* Past the memory bound each birth pays for itself: a few steps of a clock's hand, never more. */
static void evict(struct miner *m)
{
	for (int step = 0; step < EVICT_STEPS && m->used_bytes > m->memory_bytes / 2 && m->clusters_len; step++) {
		m->hand = m->hand + 1 < m->clusters_len ? m->hand + 1 : 0;
		struct cluster *c = m->clusters[m->hand];
		if (c->used || (c->general && step < EVICT_STEPS / 2))
			c->used = false;
		else
			cluster_drop(m, m->hand);
	}
}

static struct cluster *cluster_add(struct miner *m, struct service *s, struct template *template, struct pattern *p, bool general)
{
	evict(m);
	struct cluster *c = mem_zalloc(1, sizeof(*c));
	*c = (struct cluster){.template = template, .pattern = p, .service = s, .general = general, .used = true};
	uint64_t key = hash_pair(s->salt, template->skeleton);
	struct group *g = map_get(&m->groups, key, NULL, NULL);
	if (!g) {
		g = mem_zalloc(1, sizeof(*g));
		g->key = key;
		map_put(&m->groups, key, g);
	}
	c->group = g;
	c->next = g->first;
	if (g->first)
		g->first->prev = c;
	g->first = c;
	if (!general) {
		c->key = hash_pair(s->salt, template->identity);
		map_put(&m->exact, c->key, c);
	} else if (s->generals_len < GENERALS_MAX) {
		s->generals = mem_grow(s->generals, s->generals_len, &s->generals_cap, sizeof(*s->generals));
		s->generals[s->generals_len++] = c;
	}
	m->clusters = mem_grow(m->clusters, m->clusters_len, &m->clusters_cap, sizeof(*m->clusters));
	m->clusters[m->clusters_len++] = c;
	m->used_bytes += cluster_bytes(c);
	return c;
}

static void retext(struct miner *m, struct cluster *c)
{
	buf_reset(&m->text);
	template_text(c->template, &m->text);
	pattern_set_retext(m->set, c->pattern, buf_slice(&m->text));
}

static struct cluster *match_general(struct service *s, const struct tokens *t)
{
	for (size_t i = 0; i < s->generals_len; i++)
		if (template_match(s->generals[i]->template, t))
			return s->generals[i];
	return NULL;
}

static void gather(const struct group *g, const struct template *fresh, struct variants *v)
{
	v->len = 0;
	size_t seen = 0;
	for (struct cluster *c = g->first; c && seen < VARIANTS_MAX; c = c->next, seen++)
		if (!c->pattern->alias_of)
			variants_add(v, fresh, c->template);
}

/* Merges p into survivor. Shapes kept before would name p, so their keys change. */
static void merge(struct miner *m, struct pattern *p, struct pattern *survivor)
{
	pattern_set_alias(m->set, p, survivor);
	m->merges++;
}

/* The general template takes those of its kin that it covers. */
static void absorb(struct miner *m, uint64_t group, struct cluster *general)
{
	struct group *g = map_get(&m->groups, group, NULL, NULL);
	for (struct cluster *c = g ? g->first : NULL; c; c = c->next)
		if (c != general && template_covers(general->template, c->template))
			merge(m, c->pattern, general->pattern);
	general->service->other = NULL;
}

static struct pattern *add_pattern(struct miner *m, struct service *s, const struct template *t)
{
	buf_reset(&m->birth);
	buf_reset(&m->text);
	template_birth_text(t, &m->birth);
	template_text(t, &m->text);
	return pattern_set_add(m->set, ORIGIN_MINED, s->name, buf_slice(&m->birth), buf_slice(&m->text), slice_of(NULL, 0));
}

/* If the new template makes a place of its kin variable, the template with that place. */
static struct cluster *learn(struct miner *m, struct service *s, const struct template *fresh)
{
	struct variants v;
	uint64_t group = hash_pair(s->salt, fresh->skeleton);
	struct group *g = map_get(&m->groups, group, NULL, NULL);
	if (!g || fresh->words < 2)
		return NULL;
	gather(g, fresh, &v);
	uint64_t mask = variants_learned(&v, fresh);
	if (!mask)
		return NULL;
	struct template *wide = template_generalised(fresh, mask);
	struct pattern *p = add_pattern(m, s, wide);
	if (p->overflow) {
		free(wide);
		return NULL;
	}
	struct cluster *c = cluster_add(m, s, wide, pattern_survivor(p), true);
	absorb(m, group, c);
	return c;
}

/* The pure kin of the message, if there is one. */
static struct pattern *kin_pure(struct miner *m, struct service *s, uint64_t coarse)
{
	struct kin *k = map_get(&m->coarse, hash_pair(s->salt, coarse), NULL, NULL);
	return k ? k->pure : NULL;
}

/* A new cluster meets its kin: a pure one takes those that waited for it. */
static void kin_join(struct miner *m, struct cluster *c, uint64_t coarse, bool pure)
{
	uint64_t key = hash_pair(c->service->salt, coarse);
	struct kin *k = map_get(&m->coarse, key, NULL, NULL);
	if (!k) {
		k = mem_zalloc(1, sizeof(*k));
		k->key = key;
		map_put(&m->coarse, key, k);
		m->used_bytes += sizeof(*k);
	}
	c->kin = k;
	k->clusters++;
	if (!pure && k->waiting_len < KIN_MAX)
		k->waiting[k->waiting_len++] = c->pattern;
	if (!pure || k->pure)
		return;
	k->pure = c->pattern;
	for (size_t i = 0; i < k->waiting_len; i++)
		merge(m, k->waiting[i], c->pattern);
}

enum { REFUSED_TRIES = 8 }; /* of so many messages that the budget refuses, one may still teach something */

/* The answer where the service's budget is used up and the message is not of a pattern that was evicted or imported. */
static struct pattern *refuse(struct miner *m, struct service *s)
{
	if (!s->other || ++s->refused % REFUSED_TRIES == 0)
		return NULL;
	buf_reset(&m->birth);
	tokens_birth_text(&m->tokens, &m->birth);
	return pattern_set_find(m->set, pattern_id(s->name, buf_slice(&m->birth))) ? NULL : s->other;
}

static struct pattern *birth(struct miner *m, struct service *s, uint64_t key, bool *born)
{
	struct pattern *other = refuse(m, s);
	if (other)
		return other;
	bool pure;
	uint64_t coarse = tokens_coarse(&m->tokens, &pure);
	struct pattern *kin = pure ? NULL : kin_pure(m, s, coarse);
	if (kin) {
		cache_put(m, key, kin);
		return pattern_survivor(kin);
	}
	struct template *fresh = template_new(&m->tokens);
	size_t before = pattern_set_len(m->set);
	struct cluster *general = learn(m, s, fresh);
	struct pattern *p = general ? general->pattern : add_pattern(m, s, fresh);
	p = pattern_survivor(p);
	*born = pattern_set_len(m->set) > before && !p->overflow;
	if (p->overflow)
		s->other = p;
	cache_put(m, key, p);
	if (general || p->overflow)
		free(fresh);
	else
		kin_join(m, cluster_add(m, s, fresh, p, false), coarse, pure);
	return p;
}

void miner_mask(struct miner *m, struct slice message, struct buf *out)
{
	tokens_scan(&m->tokens, message);
	tokens_masked_text(&m->tokens, out);
}

void miner_mask_pattern(struct miner *m, const struct pattern *p, struct buf *out)
{
	tokens_scan_template(&m->tokens, p->template_text);
	tokens_masked_text(&m->tokens, out);
}

/* Names a message by taking it apart. */
static struct pattern *name_tokens(struct miner *m, struct service *s, struct slice message, bool *born)
{
	tokens_scan(&m->tokens, message);
	uint64_t key = (m->tokens.detail ^ s->salt) * UINT64_C(0x9e3779b97f4a7c15);
	struct pattern *p = cache_get(m, key);
	if (p)
		return p;
	struct cluster *c = map_get(&m->exact, hash_pair(s->salt, m->tokens.identity), NULL, NULL);
	if (!c)
		c = match_general(s, &m->tokens);
	if (!c)
		return birth(m, s, key, born);
	c->used = true;
	if (template_refine(c->template, &m->tokens) && !c->pattern->alias_of)
		retext(m, c);
	cache_put(m, key, c->pattern);
	return c->pattern;
}

static bool same_shape(const struct shape_slot *slot, uint64_t key)
{
	return (slot->key ^ key) >> 16 == 0 && slot->pattern;
}

/* Two slots a key, as in the cache. */
static const struct shape_slot *shape_find(const struct miner *m, uint64_t key)
{
	const struct shape_slot *slot = &m->shapes[key >> 16 & m->shapes_mask];
	return same_shape(&slot[0], key) ? &slot[0] : same_shape(&slot[1], key) ? &slot[1] : NULL;
}

/* Keeps what the message's shape tells, unless its duration cannot be found again by it. */
static void shape_learn(struct miner *m, uint64_t key, struct slice message, struct pattern *p)
{
	unsigned duration = DURATION_NONE;
	if (m->tokens.duration) {
		duration = shape_run_at(&m->shape, (size_t)(m->tokens.duration - message.ptr));
		if (duration == m->shape.runs)
			return;
	}
	struct shape_slot *slot = &m->shapes[key >> 16 & m->shapes_mask];
	if (!same_shape(&slot[0], key))
		slot[1] = slot[0];
	slot[0] = (struct shape_slot){(key & ~(uint64_t)DURATION_NONE) | duration, p};
}

size_t miner_bytes(const struct miner *m)
{
	return m->used_bytes + (m->cache_mask + 2) * sizeof(*m->cache) + (m->shapes_mask + 2) * sizeof(*m->shapes) + sizeof(*m);
}

void miner_name(struct miner *m, struct slice service, struct slice message, struct mined *ret)
{
	struct service *s = service_of(m, service);
	uint64_t key = 0;
	*ret = (struct mined){.duration_ns = -1};
	bool shaped = message.len <= SHAPE_BYTES_MAX;
	if (shaped) {
		shape_of(&m->shape, message);
		key = (m->shape.hash ^ s->salt ^ m->merges) * UINT64_C(0x9e3779b97f4a7c15);
		const struct shape_slot *slot = shape_find(m, key);
		if (slot) {
			unsigned duration = slot->key & DURATION_NONE;
			ret->pattern = slot->pattern;
			if (duration != DURATION_NONE)
				ret->duration_ns = lex_duration(slice_sub(message, m->shape.starts[duration], SIZE_MAX));
			return;
		}
	}
	uint64_t merges = m->merges;
	struct pattern *p = name_tokens(m, s, message, &ret->born);
	ret->duration_ns = m->tokens.duration_ns;
	ret->pattern = pattern_survivor(p);
	if (shaped && m->merges == merges)
		shape_learn(m, key, message, ret->pattern);
}

static bool has_general(const struct service *s, const struct pattern *p)
{
	for (size_t i = 0; i < s->generals_len; i++)
		if (s->generals[i]->pattern == p)
			return true;
	return false;
}

/* An imported alias tells which places its survivor has learned. */
static void import_alias(struct miner *m, struct service *s, struct pattern *p)
{
	struct pattern *survivor = pattern_survivor(p);
	tokens_scan_template(&m->tokens, p->template_text);
	struct template *alias = template_new(&m->tokens);
	tokens_scan_template(&m->tokens, survivor->template_text);
	struct template *wide = template_new(&m->tokens);
	uint64_t mask = has_general(s, survivor) ? 0 : variants_told(alias, wide);
	if (mask) {
		uint64_t group = hash_pair(s->salt, alias->skeleton);
		absorb(m, group, cluster_add(m, s, template_generalised(alias, mask), survivor, true));
	}
	free(alias);
	free(wide);
}

void miner_import(struct miner *m, struct pattern *p)
{
	struct service *s = service_of(m, p->service);
	if (p->origin != ORIGIN_MINED || p->overflow)
		return;
	if (p->alias_of) {
		m->merges++;
		import_alias(m, s, p);
		return;
	}
	tokens_scan_template(&m->tokens, p->template_text);
	uint64_t key = hash_pair(s->salt, m->tokens.identity);
	if (map_get(&m->exact, key, NULL, NULL))
		return;
	struct template *fresh = template_new(&m->tokens);
	struct cluster *general = match_general(s, &m->tokens);
	if (!general)
		general = learn(m, s, fresh);
	if (general) {
		merge(m, p, general->pattern);
		free(fresh);
		return;
	}
	bool pure;
	uint64_t coarse = tokens_coarse(&m->tokens, &pure);
	kin_join(m, cluster_add(m, s, fresh, p, false), coarse, pure);
}
