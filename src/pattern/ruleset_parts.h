/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule set is made of; private to ruleset.c, ruleset_prefilter.c and ruleset_start.c. */
#ifndef WINNOW_PATTERN_RULESET_PARTS_H
#define WINNOW_PATTERN_RULESET_PARTS_H

#include "base/map.h"
#include "pattern/anchor.h"
#include "pattern/needle.h"
#include "pattern/rule.h"

enum { WORD_BITS = 64 };

struct service_rules {
	struct slice service;
	uint32_t *rules;
	size_t len, cap;
};

/* One of the rules that a literal finds, with how its messages start: rules that share a literal cost a comparison of one word each. */
struct literal_rule {
	uint64_t start, mask; /* the first bytes of the prefix, at most 8 */
	struct slice prefix;
	uint32_t rule;
};

/* What a candidate is tried by first, side by side. */
struct rule_front {
	const uint8_t *program;
	uint32_t severities;
	bool fields; /* its `where` has fields, or its captures are some */
};

/* Finds the literals of some of the rules in a message. */
struct finder {
	struct anchors *anchors;
	struct needles *needles;        /* if only a few are not for the anchors */
	struct hs_database *literals;   /* else */
	uint32_t anchors_base, needles_base; /* numbers of their first literals */
};

/* Rules that may match any message; rules for messages that start in some ways, of which there are too many for the start to tell them apart. */
enum { FIND_ANYWHERE, FIND_OPENED, FINDERS };

struct starts;

struct ruleset {
	struct arena arena;
	struct rule *rules;
	struct rule_front *fronts;
	size_t len, cap;
	uint64_t hash;
	uint32_t groups_max;
	struct starts *starts;
	struct finder finders[FINDERS];
	uint32_t *literal_first;
	struct literal_rule *literal_rules;
	uint32_t *always;
	size_t always_len;
	struct map services; /* struct service_rules: the others without a literal */
	size_t words_len;
	struct rule_metric **metrics; /* by name, each once */
	size_t metrics_len;
	struct buf files; /* of grok names: paths */
};

static inline bool same_service(const void *item, const void *key)
{
	return slice_eq(((const struct service_rules *)item)->service, *(const struct slice *)key);
}

/* The first 8 bytes of s as one word, zeros behind its end. */
static inline uint64_t start_word(struct slice s)
{
	uint64_t word = 0;
	if (s.len >= sizeof(word))
		memcpy(&word, s.ptr, sizeof(word));
	else if (s.len)
		memcpy(&word, s.ptr, s.len);
	return word;
}

static inline struct literal_rule literal_rule(const struct ruleset *set, uint32_t rule)
{
	struct slice prefix = set->rules[rule].prefix;
	struct slice ones = slice_sub(SLICE("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), 0, prefix.len);
	return (struct literal_rule){.start = start_word(prefix), .mask = start_word(ones), .prefix = prefix, .rule = rule};
}

/* start: the message's start_word(). */
static inline bool starts_with(struct slice message, uint64_t start, const struct literal_rule *r)
{
	return !((start ^ r->start) & r->mask) && (r->prefix.len <= sizeof(start) || slice_starts(message, r->prefix));
}

static inline void add_candidate(struct rule_scratch *s, uint32_t rule)
{
	s->words[rule / WORD_BITS] |= UINT64_C(1) << rule % WORD_BITS;
	s->summary[rule / WORD_BITS / WORD_BITS] |= UINT64_C(1) << rule / WORD_BITS % WORD_BITS;
}

/* ruleset_prefilter.c */
void ruleset_compile_prefilter(struct ruleset *set);

/* ruleset_start.c: by_literal, of all rules: set for those that are to be found by their literals in messages for which ruleset_find_starts() says so. */
void ruleset_compile_starts(struct ruleset *set, bool *by_literal);
/* Adds the candidates that the start of the message tells; whether the FIND_OPENED must look as well. */
bool ruleset_find_starts(const struct ruleset *set, struct rule_scratch *scratch, struct slice message, uint64_t start);

#endif
