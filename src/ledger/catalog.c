/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/catalog.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>

#define EXAMPLE_REFRESH_NS (600 * NS_PER_S)

static void entry_free(struct catalog_entry *e)
{
	free((void *)e->service.ptr);
	free((void *)e->template_text.ptr);
	free((void *)e->rule.ptr);
	free(e->example);
	free(e);
}

void catalog_done(struct catalog *c)
{
	for (size_t i = 0; i < c->len; i++)
		entry_free(c->entries[i]);
	free(c->entries);
	for (size_t i = 0; i < c->further_len; i++)
		free(c->further[i]);
	map_done(&c->by_id);
}

struct slice catalog_text(struct slice s)
{
	return s.len ? slice_of(mem_strdup(s), s.len) : (struct slice){0};
}

static void replace(struct slice *text, struct slice with)
{
	free((void *)text->ptr);
	*text = catalog_text(with);
}

struct catalog_entry *catalog_find(const struct catalog *c, uint64_t id)
{
	return map_get(&c->by_id, id, NULL, NULL);
}

struct catalog_entry *catalog_survivor(const struct catalog *c, uint64_t id)
{
	struct catalog_entry *e = catalog_find(c, id), *next;
	while (e && e->alias_id && (next = catalog_find(c, e->alias_id)) != NULL)
		e = next;
	return e;
}

struct catalog_entry *catalog_add(struct catalog *c, uint64_t id, enum pattern_origin origin, struct slice service)
{
	struct catalog_entry *e = catalog_find(c, id);
	if (e || id == 0 || c->len >= CATALOG_ENTRIES_MAX)
		return e;
	e = mem_zalloc(1, sizeof(*e));
	e->id = id;
	e->origin = origin;
	e->service = catalog_text(service);
	c->entries = mem_grow(c->entries, c->len, &c->cap, sizeof(struct catalog_entry *));
	c->entries[c->len++] = e;
	map_put(&c->by_id, id, e);
	return e;
}

static void absorb(struct catalog_entry *into, const struct catalog_entry *from)
{
	into->count += from->count;
	for (size_t i = 0; i < SEVERITIES; i++)
		into->by_severity[i] += from->by_severity[i];
	if (from->seen) {
		into->first_step = into->seen && into->first_step < from->first_step ? into->first_step : from->first_step;
		into->last_step = into->seen && into->last_step > from->last_step ? into->last_step : from->last_step;
		into->seen = true;
	}
	if (from->example && (!into->example || from->example->rank > into->example->rank))
		catalog_set_example(into, from->example);
}

/* Merges e into the survivor of alias_id. The first word in the journal stands: an alias stays one, and a merge that would close a circle is not made. */
static bool merge(struct catalog *c, struct catalog_entry *e, uint64_t alias_id)
{
	if (alias_id == 0 || e->alias_id)
		return false;
	struct catalog_entry *survivor = catalog_survivor(c, alias_id);
	if (!survivor)
		survivor = catalog_add(c, alias_id, e->origin, e->service);
	if (!survivor || survivor == e)
		return false;
	e->alias_id = survivor->id;
	absorb(survivor, e);
	return true;
}

bool catalog_learn(struct catalog *c, const struct delta_pattern *p, struct catalog_entry **ret_entry, bool *ret_retext)
{
	size_t known = c->len;
	struct catalog_entry *e = catalog_add(c, p->id, p->origin, p->service);
	*ret_entry = e;
	*ret_retext = false;
	if (!e)
		return false;
	bool changed = c->len > known;
	if (p->template_text.len && !slice_eq(e->template_text, p->template_text)) {
		*ret_retext = changed = true;
		replace(&e->template_text, p->template_text);
	}
	if (p->rule.len && !slice_eq(e->rule, p->rule)) {
		*ret_retext = changed = true;
		replace(&e->rule, p->rule);
	}
	if (merge(c, e, p->alias_id))
		*ret_retext = changed = true;
	return changed || p->alias_id != e->alias_id;
}

static struct delta_example *copy_of(const struct delta_example *e)
{
	struct slice text = slice_sub(e->text, 0, EXAMPLE_TEXT_MAX);
	const struct slice from[] = {text, e->trace_id, e->span_id, e->topic};
	size_t bytes = 0;
	for (size_t i = 0; i < 4; i++)
		bytes += from[i].len;
	struct delta_example *copy = mem_zalloc(1, sizeof(*copy) + bytes);
	char *at = (char *)(copy + 1);
	*copy = *e;
	struct slice *const to[] = {&copy->text, &copy->trace_id, &copy->span_id, &copy->topic};
	for (size_t i = 0; i < 4; i++) {
		*to[i] = slice_of(at, from[i].len);
		if (from[i].len)
			memcpy(at, from[i].ptr, from[i].len);
		at += from[i].len;
	}
	return copy;
}

void catalog_set_example(struct catalog_entry *entry, const struct delta_example *e)
{
	struct delta_example *copy = copy_of(e);
	free(entry->example);
	entry->example = copy;
}

static void drop_further(struct catalog *c, size_t at)
{
	free(c->further[at]);
	c->further_len--;
	memmove(&c->further[at], &c->further[at + 1], (c->further_len - at) * sizeof(c->further[0]));
}

size_t catalog_further(const struct catalog *c, const struct catalog_entry *entry, const struct delta_example *ret[FURTHER_OF_ONE])
{
	size_t n = 0;
	for (size_t i = c->further_len; i-- > 0 && n < FURTHER_OF_ONE;)
		if (catalog_survivor(c, c->further[i]->pattern_id) == entry)
			ret[n++] = c->further[i];
	return n;
}

void catalog_restore_further(struct catalog *c, const struct delta_example *e)
{
	if (c->further_len < FURTHER_MAX)
		c->further[c->further_len++] = copy_of(e);
}

/* Two that merge may have more than their share for a while: what comes next drops the oldest of them. */
static void add_further(struct catalog *c, const struct catalog_entry *entry, const struct delta_example *e)
{
	size_t first = c->further_len, n = 0;
	for (size_t i = c->further_len; i-- > 0;)
		if (catalog_survivor(c, c->further[i]->pattern_id) == entry) {
			first = i;
			n++;
		}
	if (n >= FURTHER_OF_ONE)
		drop_further(c, first);
	else if (c->further_len == FURTHER_MAX)
		drop_further(c, 0);
	catalog_restore_further(c, e);
}

/* A better one wins; one as good only if it is ten minutes of event time younger: the trace of an old example may be gone from its store. */
void catalog_offer(struct catalog *c, const struct delta_example *e)
{
	struct catalog_entry *entry = catalog_survivor(c, e->pattern_id);
	if (!entry)
		return;
	if (e->further) {
		add_further(c, entry, e);
		return;
	}
	const struct delta_example *now = entry->example;
	if (!now || e->rank > now->rank || (e->rank == now->rank && e->time_ns >= now->time_ns + EXAMPLE_REFRESH_NS))
		catalog_set_example(entry, e);
}

/* In the order of the record room's enum severity. */
static const struct slice severities[] = {
	{"unknown", 7}, {"trace", 5}, {"debug", 5}, {"info", 4}, {"warn", 4}, {"error", 5}, {"fatal", 5},
};

void catalog_count(struct catalog_entry *entry, struct slice severity, uint64_t n, int64_t step)
{
	size_t at = 0;
	for (size_t i = 0; i < sizeof(severities) / sizeof(severities[0]); i++)
		if (slice_eq(severity, severities[i]))
			at = i;
	entry->count += n;
	entry->by_severity[at] += n;
	if (!entry->seen || step < entry->first_step)
		entry->first_step = step;
	if (!entry->seen || step > entry->last_step)
		entry->last_step = step;
	entry->seen = true;
}
