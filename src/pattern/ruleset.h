/* SPDX-License-Identifier: Apache-2.0 */
/* User rules: a directory of YAML files compiled into one immutable set. Loading is for boot and reload; matching is per shard with its own scratch. */
#ifndef WINNOW_PATTERN_RULESET_H
#define WINNOW_PATTERN_RULESET_H

#include "base/buf.h"
#include "base/err.h"
#include "record/record.h"

enum { RULE_CAPTURES_MAX = 32, RULE_LABELS_MAX = 16, RULE_METRICS_MAX = 8, RULE_BOUNDS_MAX = 31 };

/* All errors at once: "patterns/nginx.yaml:14:7: unknown field "lable"; did you mean "label"?" each on a line. */
struct rule_errors {
	struct buf text;
	size_t len;
	struct buf *files; /* NULL, or gets the paths of further files that the rule files name, each with a NUL behind it, whether or not the load succeeds */
};

struct ruleset;
struct rule;
struct rule_scratch; /* PCRE2 match data, JIT stack, Vectorscan scratch: one per thread and ruleset */

/* paths: files or directories (their *.yaml and *.yml in name order). 0 or ERR_INPUT with errors filled; *ret is set only on success. */
int ruleset_load(const char *const *paths, size_t len, struct ruleset **ret, struct rule_errors *errors);
void ruleset_free(struct ruleset *set);
size_t ruleset_len(const struct ruleset *set);
const struct rule *ruleset_at(const struct ruleset *set, size_t index);
uint64_t ruleset_hash(const struct ruleset *set);

struct rule_scratch *rule_scratch_new(const struct ruleset *set);
void rule_scratch_free(struct rule_scratch *scratch);
/* How often a match of this rule was given up at its limit: counted as no match, to be reported. */
uint64_t rule_scratch_limit_hits(const struct rule_scratch *scratch, size_t index);
/* The next of the rules that were given up since the last time, -1: no more. */
int64_t rule_scratch_take_given_up(struct rule_scratch *scratch);

struct rule_match {
	const struct rule *rule;
	size_t index;                                 /* of the rule in the set */
	struct slice captures[RULE_CAPTURES_MAX];     /* by capture number of the rule; views into the message */
};

/* The first rule in file order that matches. Allocates nothing. */
bool ruleset_match(const struct ruleset *set, struct rule_scratch *scratch, const struct record *record, struct rule_match *ret);

struct slice rule_name(const struct rule *rule);
struct slice rule_template(const struct rule *rule); /* what log_pattern_info shows: the match text with <id:word> as <id>, or the regex */
bool rule_drops(const struct rule *rule);
/* -1: the rule does not say; 0 or 1. */
int rule_error(const struct rule *rule);
/* The same for one match: also what `error: {status: ">= 500"}` says about its captures. The engine asks this one. */
int rule_match_error(const struct rule_match *match);
/* Overrides, empty / SEVERITY_COUNT if the rule has none. */
struct slice rule_service(const struct rule *rule);
enum severity rule_severity(const struct rule *rule);
/* Duration in ns of this match, -1 if the rule has none or the capture is no number. */
int64_t rule_duration_ns(const struct rule_match *match);
/* Labels the rule adds to its pattern's series: name and value (templates expanded into scratch memory valid until the next match). */
struct rule_label {
	struct slice name, value;
};
size_t rule_labels(const struct rule_match *match, const struct record *record, struct rule_scratch *scratch, struct rule_label out[RULE_LABELS_MAX]);
/* The names of those labels; and the same of the index-th metric that the rule counts in, with the metric's name. */
size_t rule_label_names(const struct rule *rule, struct slice out[RULE_LABELS_MAX]);
size_t rule_measure_names(const struct rule *rule, size_t index, struct slice *ret_metric, struct slice out[RULE_LABELS_MAX]);
/* The metrics that rules of the set define, each once. */
struct rule_metric_view {
	struct slice name, help;  /* NUL behind the name; the help may be empty */
	const char *unit;         /* "seconds", "bytes" or "" */
	bool counter;             /* else a histogram */
	const double *bounds;
	size_t bounds_len;
};
size_t ruleset_metrics_len(const struct ruleset *set);
void ruleset_metric_at(const struct ruleset *set, size_t index, struct rule_metric_view *ret);
/* What a match counts in its rule's metrics, one after the other: false if the capture is no number. */
struct rule_measure {
	size_t metric;            /* for ruleset_metric_at() */
	bool counter;
	double value;
	struct rule_label labels[RULE_LABELS_MAX]; /* in scratch memory until the next call */
	size_t labels_len;
};
size_t rule_measures_len(const struct rule *rule);
bool rule_measure(const struct rule_match *match, const struct record *record, struct rule_scratch *scratch, size_t index, struct rule_measure *ret);
/* The captures named method, path, route and status, for the RED of access logs; empty and 0 where the rule has none. */
struct rule_http {
	struct slice method, path, route;
	int status;
};
void rule_match_http(const struct rule_match *match, struct rule_http *ret);
/* Captures by place: name and value, for explain and tests. */
size_t rule_captures_len(const struct rule *rule);
struct slice rule_capture_name(const struct rule *rule, size_t capture);

/* For explain: which rules were tried and why they did not match, up to and including the one that matched, with what it took. */
struct ruleset_explain_opts {
	bool all;          /* of a large set too: every rule; else those whose text is not there, or whose `where` says no, are only counted */
	struct slice rule; /* this one alone, whether or not an earlier one matches; empty: all */
};
void ruleset_explain(const struct ruleset *set, struct rule_scratch *scratch, const struct record *record, const struct ruleset_explain_opts *opts, struct buf *out);
/* The index of the rule with this name; ruleset_len() if there is none. */
size_t ruleset_find(const struct ruleset *set, struct slice name);
/* Runs every rule's tests; appends "file:line: rule: ..." per failure; returns how many failed, *ret_run how many ran. */
size_t ruleset_run_tests(const struct ruleset *set, struct buf *out, size_t *ret_run);
/* Lints (no required literal, shadowed, id-like labels, ...): lines appended, returns how many. */
size_t ruleset_lint(const struct ruleset *set, struct buf *out);
/* The table of place types, for docs/rules.md. */
void rule_print_places(struct buf *out);
/* The grok names there are, for the same. */
void rule_print_grok(struct buf *out);

#endif
