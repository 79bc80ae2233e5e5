/* SPDX-License-Identifier: Apache-2.0 */
/* One user rule, compiled: private to the rule*.c and ruleset*.c files. Immutable once loaded; any thread. */
#ifndef WINNOW_PATTERN_RULE_H
#define WINNOW_PATTERN_RULE_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/arena.h"
#include "base/yaml.h"
#include "pattern/rule_key.h"
#include "pattern/rule_program.h"
#include "pattern/ruleset.h"

enum { RULE_GIVEN_UP_MAX = 16, RULE_LITERAL_MIN = 3, RULE_START_MIN = 3, RULE_LITERALS_MAX = 12, RULE_MESSAGE_MAX = 65536, RULE_NO_CAPTURE = RULE_CAPTURES_MAX };

enum place_type {
	PLACE_WORD, PLACE_INT, PLACE_NUM, PLACE_IP, PLACE_UUID, PLACE_PATH, PLACE_URL, PLACE_DURATION, PLACE_SIZE, PLACE_HEX, PLACE_QUOTED, PLACE_HOST,
	PLACE_EMAIL, PLACE_TIME, PLACE_LINE, PLACE_REST, PLACE_ANY, PLACE_STAR, PLACE_TYPES
};

struct place {
	const char *name, *regex, *help, *example;
	bool unbounded; /* its values are too many for a label */
};

extern const struct place places[PLACE_TYPES];

struct rule_capture {
	struct slice name;
	enum place_type type; /* PLACE_WORD for the groups of a regex */
	uint32_t group;
};

struct rule_alternative {
	uint32_t capture, group;
};

/* A capture that is a field of the record. */
struct rule_field_capture {
	uint32_t capture;
	struct slice path;
};

/* One condition on a text: of `where` on a field, of `error` on a capture. */
enum where_op { WHERE_EQUAL, WHERE_PREFIX, WHERE_PRESENT, WHERE_LESS, WHERE_LESS_EQUAL, WHERE_GREATER, WHERE_GREATER_EQUAL };

struct where_value {
	enum where_op op;
	bool negated;
	struct slice text;
	double number;
};

struct where_field {
	struct slice path;
	uint32_t capture;           /* for conditions on captures */
	struct where_value *values; /* one of the plain ones, none of the negated ones */
	size_t len;
};

struct where {
	uint32_t severities;       /* bit per enum severity that passes */
	struct where_field *fields;
	size_t len;
	struct slice *services;    /* exact services, if the rule names only such; also in fields */
	size_t services_len;
};

/* A label's value: pieces of text and references, or a map over the value of one reference. */
struct label_piece {
	struct slice text;  /* literal text, or the path of a record field */
	uint32_t capture;   /* RULE_NO_CAPTURE: none */
	bool field;
};

struct label_rule {
	struct slice name;
	struct label_piece *pieces;
	size_t len;
	struct where_value *keys;  /* map: condition and what it becomes */
	struct slice *becomes;
	size_t map_len;
	struct slice fallback;
	bool has_fallback;
	bool unbounded;            /* it looks like an id, and the rule insists */
};

/* A counter or histogram of the rule's own. */
struct rule_metric {
	struct slice name, help;
	int line, column;
	size_t index;              /* among the set's */
	bool counter;
	uint32_t capture;          /* RULE_NO_CAPTURE: counts 1 */
	const char *unit;          /* "seconds", "bytes" or "" */
	double unit_ns;            /* of a bare number */
	const double *bounds;
	size_t bounds_len;
	struct label_rule *labels;
	size_t labels_len;
};

struct rule_pair {
	struct slice name, value;
};

struct rule_test {
	int line;
	struct slice message;
	struct rule_pair *fields;
	size_t fields_len;
	struct rule_pair *expect;
	size_t expect_len;
	bool no_match;
};

struct rule {
	struct slice name, shown;  /* shown: rule_template() */
	const char *file;
	int line, column;
	struct where where;
	pcre2_code *code;          /* NULL: `where` alone decides */
	const uint8_t *program;    /* of a template; NULL: the regex alone decides */
	bool jit;
	bool utf;
	bool same_names;           /* groups may share a name: of a grok's alternatives */
	struct slice regex_text;
	struct slice prefix;       /* every match starts so; empty if that is not known */
	struct slice *literals;    /* every match holds one of these, each of RULE_LITERAL_MIN or more bytes */
	size_t literals_len;       /* 0: no such texts are known */
	bool literals_caseless;
	struct rule_capture captures[RULE_CAPTURES_MAX];
	size_t captures_len;
	struct rule_field_capture *field_captures; /* the last ones of captures */
	size_t field_captures_len;
	struct rule_alternative *alternatives; /* more groups of captures: the first that is set counts */
	size_t alternatives_len;
	uint32_t http_method, http_path, http_route, http_status; /* captures by these names */
	struct label_rule *labels;
	size_t labels_len;
	struct rule_metric *metrics; /* room for RULE_METRICS_MAX, if any */
	size_t metrics_len;
	uint32_t duration;         /* capture */
	double duration_unit_ns;   /* of a bare number */
	bool drop;
	bool allow_unbounded;
	int error;                 /* -1, 0, 1 */
	struct where error_when;   /* on captures; len 0: none */
	struct slice service;
	enum severity severity;
	struct rule_test *tests;
	size_t tests_len;
};

/* A grok name that a rule file defines, or a grok file that it names. */
struct grok_own {
	struct slice name, regex;
	const struct yaml *node; /* where it stands, or the name of its file */
	const char *file;        /* NULL: in the rule file itself */
	int line;
	size_t column;
	enum { GROK_UNTRIED, GROK_OPEN, GROK_GOOD, GROK_BAD } state;
	struct grok_own *next;
};

/* One load: what its parts share. */
struct rule_loader {
	struct arena *arena;       /* the set's */
	const struct yaml_doc *doc;
	struct rule_errors *errors;
	struct buf *files;         /* the set's: paths of the grok files read, each with a NUL behind it */
	struct grok_own *grok;     /* the file's own grok names, in order; the last of a name is the one */
	size_t grok_depth;
	uint64_t hash;             /* of the grok files that were read */
};

void rule_complain(struct rule_loader *l, const struct yaml *at, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* For a place inside a scalar: offset bytes behind its first one. */
void rule_complain_inside(struct rule_loader *l, const struct yaml *at, size_t offset, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* About every key of the map that keys has not, with the nearest; and about those that it needs. */
void rule_check_keys(struct rule_loader *l, const struct yaml *map, const struct rule_key *keys);
struct slice rule_keep(struct rule_loader *l, struct slice s);
/* A scalar's text, kept; false after a complaint. */
bool rule_text(struct rule_loader *l, const struct yaml *node, struct slice *ret);

/* rule_load.c: one rule from its YAML map; what is wrong is in the loader's errors. */
void rule_load(struct rule_loader *l, const struct yaml *node, struct rule *rule);
void rule_done(struct rule *rule);
/* Says that name is none of the captures, with the nearest. */
void rule_complain_capture(struct rule_loader *l, const struct yaml *at, const struct rule *rule, struct slice name);
uint32_t rule_capture_find(const struct rule *rule, struct slice name);

/* rule_label.c */
void rule_load_labels(struct rule_loader *l, const struct yaml *node, bool allow_unbounded, const struct rule *rule, struct label_rule **ret, size_t *ret_len);
/* rule.c: what they are for one match. */
size_t rule_make_labels(const struct label_rule *labels, size_t labels_len, const struct rule_match *match, const struct record *record, struct rule_scratch *scratch,
	struct rule_label out[RULE_LABELS_MAX]);

/* rule_metric.c */
void rule_load_metrics(struct rule_loader *l, const struct yaml *node, bool counters, bool allow_unbounded, struct rule *rule);
/* The metrics of all rules, each name once; complains where rules differ about one. */
struct rule_metric **rule_join_metrics(struct arena *arena, struct rule *rules, size_t len, struct rule_errors *errors, size_t *ret_len);

/* rule_template.c: the template form as a regex, captures and shown text filled; false after a complaint. */
bool rule_compile_template(struct rule_loader *l, const struct yaml *node, struct rule *rule, struct buf *regex);
bool rule_add_capture(struct rule_loader *l, const struct yaml *node, size_t offset, struct rule *rule, struct slice name, enum place_type type);
/* rule_grok.c: the same for grok. */
bool rule_compile_grok(struct rule_loader *l, const struct yaml *node, struct rule *rule, struct buf *regex);
/* The capture whose name is too long for a group's, by its group's name; RULE_NO_CAPTURE: it is none of those. */
uint32_t rule_grok_group(const struct rule *rule, struct slice group);
/* Tries the file's own names, each by itself; what is wrong is in the loader's errors. */
void rule_check_grok(struct rule_loader *l);
/* grok_file.c: the own names of a rule file: grok_patterns, grok_files. */
void rule_load_grok(struct rule_loader *l, const struct yaml *root);
/* rule_regex.c: compiles rule->regex_text, finds its literal and the named groups that no template has named. */
bool rule_compile_regex(struct rule_loader *l, const struct yaml *node, struct rule *rule);
/* Texts of which every match must hold at least one: how many (at most RULE_LITERALS_MAX), 0 if there are none for sure. */
size_t regex_literals(struct arena *arena, struct slice regex, struct slice **ret, bool *ret_caseless);
/* The text with which every match starts, and every message that has one; empty if that is not known. */
struct slice regex_prefix(struct arena *arena, struct slice regex);

/* rule_where.c */
void where_load(struct rule_loader *l, const struct yaml *node, struct where *where);
bool where_load_value(struct rule_loader *l, const struct yaml *node, struct where_value *ret);
bool where_value_holds(const struct where_value *value, bool present, struct slice text);
bool where_field_holds(const struct where_field *field, bool present, struct slice text);
enum severity severity_find(struct slice name); /* SEVERITY_COUNT: none */

/* rule_convert.c: texts as numbers in base units: seconds, bytes. */
bool convert_duration(struct slice text, double bare_unit_ns, double *ret_ns);
bool convert_size(struct slice text, double *ret_bytes);
bool convert_unit(struct slice name, double *ret_ns);
/* By the capture's type; false if it is no number of that type. */
bool convert_capture(const struct rule *rule, size_t capture, struct slice text, double *ret);

/* ruleset.c */
struct rule_scratch {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	struct hs_scratch *literals;
	uint64_t *words;             /* candidates, a bit per rule */
	uint64_t *summary;           /* a bit per word that is not 0 */
	uint64_t *limit_hits;        /* per rule: matches given up */
	bool by_regex;               /* programs are left aside: to test them against */
	uint32_t given_up[RULE_GIVEN_UP_MAX]; /* rules, to be reported */
	size_t given_up_len;
	struct buf text;             /* values of labels */
	const struct rule_test *test; /* its fields stand for the record's, while a test runs */
};

bool rule_field(const struct rule_scratch *scratch, const struct record *record, struct slice path, struct slice *ret);
/* pcre2_match under the set's bounds. */
int rule_exec(const struct rule *rule, struct rule_scratch *scratch, struct slice subject);
/* Why a rule does not match, as explain says it; NULL if it does. */
enum rule_miss { RULE_HIT, RULE_MISS_SEVERITY, RULE_MISS_FIELD, RULE_MISS_TEXT, RULE_MISS_LIMIT };
enum rule_miss rule_try(const struct rule *rule, size_t index, struct rule_scratch *scratch, const struct record *record, struct rule_match *ret, size_t *ret_field);
/* The same answer without the prefilter: what it is tested against. */
bool ruleset_match_naive(const struct ruleset *set, struct rule_scratch *scratch, const struct record *record, struct rule_match *ret);

#endif
