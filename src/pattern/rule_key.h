/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule file may hold, as one table: loading knows keys by it, the table in docs/rules.md and the JSON Schema for editors are made from it. */
#ifndef WINNOW_PATTERN_RULE_KEY_H
#define WINNOW_PATTERN_RULE_KEY_H

#include "base/yaml.h"

enum { KEY_TEXT = 1, KEY_NUMBER = 2, KEY_BOOL = 4, KEY_MAP = 8, KEY_LIST = 16 };

struct rule_key;

/* What a value may be. */
struct key_shape {
	unsigned kinds;                  /* KEY_..., or-ed */
	const char *const *values;       /* the texts there are, NULL-terminated; NULL: any */
	const struct rule_key *keys;     /* of a map: these names, up to a row without one; NULL: any name */
	const struct key_shape *others;  /* of a map with any names: what they hold */
	const struct key_shape *items;   /* of a list */
};

struct rule_key {
	const char *name;
	bool required;
	const struct key_shape *shape;
	const char *help;                /* one line of Markdown */
};

extern const struct rule_key rule_file_keys[]; /* of a file: rules, grok_patterns */
extern const struct rule_key rule_keys[];      /* of one rule */
extern const struct rule_key rule_duration_keys[], rule_label_keys[], rule_counter_keys[], rule_histogram_keys[], rule_test_keys[];
/* A rule has exactly one of these, or only `where`. */
extern const char *const rule_text_keys[];

enum { RULE_KEYS_MAX = 31 };
/* The names, NULL-terminated, for err_nearest() and yaml_report_unknown(). */
void rule_key_names(const struct rule_key *keys, const char *ret[RULE_KEYS_MAX + 1]);
const struct rule_key *rule_key_find(const struct rule_key *keys, struct slice name);
/* The tables of keys in docs/rules.md. */
void rule_print_keys(struct buf *out);
void rule_print_metric_keys(struct buf *out);

#endif
