/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's catalog: every pattern ever announced, what became of it, how often it was seen and its best example. One thread. */
#ifndef WINNOW_LEDGER_CATALOG_H
#define WINNOW_LEDGER_CATALOG_H

#include "base/map.h"
#include "ledger/delta.h"

enum { SEVERITIES = 8, EXAMPLE_TEXT_MAX = 16384, CATALOG_ENTRIES_MAX = 262144, FURTHER_MAX = 512, FURTHER_OF_ONE = 8 };

struct series;

struct catalog_entry {
	uint64_t id, alias_id;           /* alias_id: the pattern this one was merged into (which may have been merged on), or 0 */
	enum pattern_origin origin;
	struct slice service, template_text, rule; /* owned */
	uint64_t count, by_severity[SEVERITIES];   /* posted; of a survivor with what its aliases had when they joined */
	bool seen;                       /* the two times are set */
	int64_t first_step, last_step;
	struct delta_example *example;   /* with its texts in one piece of memory, or NULL */
	struct series *info;             /* the log_pattern_info series of the current text, or NULL */
};

struct catalog {
	struct map by_id;
	struct catalog_entry **entries;  /* in order of first appearance */
	size_t len, cap;
	struct delta_example *further[FURTHER_MAX]; /* examples kept besides the best ones, in the order of the journal; the oldest go first */
	size_t further_len;
};

void catalog_done(struct catalog *c);
struct catalog_entry *catalog_find(const struct catalog *c, uint64_t id);
/* Follows aliases; NULL if id is unknown. */
struct catalog_entry *catalog_survivor(const struct catalog *c, uint64_t id);
/* The entry for id, added (with empty texts) if it is new and there is room; else NULL. */
struct catalog_entry *catalog_add(struct catalog *c, uint64_t id, enum pattern_origin origin, struct slice service);
/* Whether p changes something, or claims what the catalog decided otherwise. *ret_entry: its entry, or NULL if there is no room; *ret_retext: its own line in log_pattern_info ended (new text, or it became an alias). */
bool catalog_learn(struct catalog *c, const struct delta_pattern *p, struct catalog_entry **ret_entry, bool *ret_retext);
/* Keeps the example if it is better than the one its pattern's survivor has; a further one, as one of the last of its pattern. */
void catalog_offer(struct catalog *c, const struct delta_example *e);
/* Puts a copy behind the further ones as they were saved. */
void catalog_restore_further(struct catalog *c, const struct delta_example *e);
/* The further examples of a survivor, newest first; how many. */
size_t catalog_further(const struct catalog *c, const struct catalog_entry *entry, const struct delta_example *ret[FURTHER_OF_ONE]);
void catalog_set_example(struct catalog_entry *entry, const struct delta_example *e);
void catalog_count(struct catalog_entry *entry, struct slice severity, uint64_t n, int64_t step);
/* A heap copy; empty stays NULL. */
struct slice catalog_text(struct slice s);

#endif
