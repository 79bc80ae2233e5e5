/* SPDX-License-Identifier: Apache-2.0 */
/* SLO files in three forms as one list of objectives: Sloth's prometheus/v1, OpenSLO v1, and the short form. Boot-time only, one thread.
 *
 *   slo_set_read    one file as YAML
 *   slo_set_close   after the last file: reads the objectives out of all of them (OpenSLO keeps SLO and SLI apart) and refuses two of one name
 *
 * Mistakes are collected as "file:line:column: what", so that all of them show at once.
 *
 * Texts are borrowed from the documents, which the set keeps, or live in its arena. */
#ifndef WINNOW_SLO_SET_H
#define WINNOW_SLO_SET_H

#include "base/arena.h"
#include "base/yaml.h"
#include "slo/decimal.h"
#include "slo/labels.h"

struct slo_alert {
	bool disabled;
	struct slo_labels labels, annotations;
};

/* One series of generated tests: what is added to it at each interval of a test, as a multiple of good and of bad events. */
struct slo_input {
	struct slice series;
	bool good, bad;
};
enum { SLO_INPUTS = 3 };

struct slo {
	const struct yaml_doc *doc;
	int line, column;           /* where it is defined, for messages */
	struct slice spec;          /* "prometheus/v1", "openslo/v1", "winnow/v1" */
	struct slice service, name, description;
	struct slice id;            /* service-name */
	struct decimal objective;   /* 0.999 */
	int64_t period_ns;          /* 0: the default */
	struct slo_labels labels;
	struct slice error_query;   /* with {{.window}} */
	struct slice total_query;   /* empty: error_query is the ratio of errors itself */
	struct slice exemplar_query;/* empty: the error query */
	struct slice alert_name;    /* empty: the default */
	struct slo_labels alert_labels, alert_annotations;
	struct slo_alert page, ticket, absent;
	struct slo_input inputs[SLO_INPUTS]; /* none: tests feed the recordings */
	size_t inputs_len;
};

/* What was found wrong, and what is worth a look though it is not. */
struct slo_findings {
	struct buf errors, remarks;
	size_t errors_len, remarks_len;
};

struct slo_set {
	struct slo **items;
	size_t len, cap;
	struct yaml_doc **docs;
	size_t docs_len, docs_cap;
	struct arena arena;
	struct slo_findings found;
};

void slo_set_done(struct slo_set *set);
/* 0, or ERR_INPUT when there are mistakes, which are in found. */
int slo_set_read(struct slo_set *set, const char *path);
int slo_set_close(struct slo_set *set);

/* --- for the readers of the three forms --- */

void slo_error(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *at, const char *format, ...) __attribute__((format(printf, 4, 5)));
void slo_remark(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *at, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Reports keys of a map that are not among names; false if it is no map at all (reported too). */
bool slo_keys(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *map, const char *what, const char *const *names);
/* The text of a scalar key; empty if it is not there, which is an error if it is required. */
struct slice slo_text(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *map, const char *key, bool required);
bool slo_flag(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *map, const char *key);
int64_t slo_length(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *map, const char *key);
/* Percent (99.9, or "99.9%") as a ratio. */
void slo_objective(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *value, bool is_ratio, struct decimal *ret);
/* A map of labels (names checked) or of annotations into labels. */
void slo_map(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *map, const char *key, struct slo_labels *into);
/* A query with at least one {{.window}}. */
struct slice slo_query(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *map, const char *key);
/* A new objective that begins at a value; in the set, not yet checked. */
struct slo *slo_new(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *at, const char *spec);
/* Service and name into the id, checked. */
void slo_named(struct slo_set *set, struct slo *slo);
struct slice slo_keep(struct slo_set *set, struct buf *text);

void slo_read_sloth(struct slo_set *set, const struct yaml_doc *doc);
void slo_read_short(struct slo_set *set, const struct yaml_doc *doc);
void slo_read_openslo(struct slo_set *set, const struct yaml_doc *doc);

#endif
