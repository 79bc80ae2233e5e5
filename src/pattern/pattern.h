/* SPDX-License-Identifier: Apache-2.0 */
/* A pattern: what a catalog keeps of one kind of record. A shard's patterns live in its pattern_set (one thread); the ledger has its own catalog. */
#ifndef WINNOW_PATTERN_PATTERN_H
#define WINNOW_PATTERN_PATTERN_H

#include "base/slice.h"

enum pattern_origin { ORIGIN_RULE, ORIGIN_CARRIED, ORIGIN_MINED, ORIGIN_COUNT };

const char *pattern_origin_name(enum pattern_origin origin); /* "rule", "carried", "mined" */

struct pattern {
	uint64_t id;             /* hash of (service, template at birth); 0 for a service's `other` */
	uint32_t index;          /* dense in its set, from 0, never reused: for arrays kept beside the set */
	uint32_t version;        /* grows when template_text becomes more general */
	enum pattern_origin origin;
	struct slice service;
	struct slice template_text; /* current text, with typed places <num>, <ip>, ..., <*> */
	struct slice rule;          /* the rule's name, for ORIGIN_RULE */
	struct pattern *alias_of;   /* the pattern it was merged into, or NULL; follow with pattern_survivor() */
	bool overflow;              /* this is the service's `other`: the budget refused what was to be named */
	bool changed;               /* private to the set: on the list of changes */
};

static inline struct pattern *pattern_survivor(struct pattern *p)
{
	while (p->alias_of)
		p = p->alias_of;
	return p;
}

struct pattern_limits {
	size_t patterns_per_service; /* 0: 1,000 */
	size_t services;             /* 0: 10,000; services past it share one budget under the name `other` */
};

struct pattern_set;

struct pattern_set *pattern_set_new(const struct pattern_limits *limits);
void pattern_set_free(struct pattern_set *set);
/* Whether every service may hold twice as many from now on; what it holds stays. */
void pattern_set_widen(struct pattern_set *set, bool wide);
size_t pattern_set_len(const struct pattern_set *set);
struct pattern *pattern_set_at(const struct pattern_set *set, uint32_t index);
/* id for (service, text): the one identity function. Rules use "rule:" + name as their text. */
uint64_t pattern_id(struct slice service, struct slice text_at_birth);
/* The pattern with this id, or NULL. */
struct pattern *pattern_set_find(const struct pattern_set *set, uint64_t id);
/* The pattern for this birth text, added if the service's budget allows, else the service's `other`. Copies what it keeps. Rules do not count against the budget. */
struct pattern *pattern_set_add(struct pattern_set *set, enum pattern_origin origin, struct slice service, struct slice birth_text, struct slice template_text, struct slice rule);
/* A more general text for p (same id). */
void pattern_set_retext(struct pattern_set *set, struct pattern *p, struct slice template_text);
/* p becomes an alias of survivor. */
void pattern_set_alias(struct pattern_set *set, struct pattern *p, struct pattern *survivor);
/* What was born, retexted or aliased since the last call, oldest first: fills at most cap pointers, returns how many. Imported ones are not reported. */
size_t pattern_set_take_changes(struct pattern_set *set, struct pattern **out, size_t cap);
/* Learns a pattern another shard found (from the ledger's catalog); alias_id 0 or the survivor's id. Not reported as a change. */
struct pattern *pattern_set_import(struct pattern_set *set, uint64_t id, enum pattern_origin origin, struct slice service, struct slice template_text, struct slice rule, uint64_t alias_id);

#endif
