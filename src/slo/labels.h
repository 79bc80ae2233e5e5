/* SPDX-License-Identifier: Apache-2.0 */
/* A small set of labels or annotations, sorted by name; a later value of a name replaces the earlier. Borrows names and values. */
#ifndef WINNOW_SLO_LABELS_H
#define WINNOW_SLO_LABELS_H

#include "base/buf.h"

struct slo_label {
	struct slice name, value;
};

struct slo_labels {
	struct slo_label *items;
	size_t len, cap;
};

void slo_labels_done(struct slo_labels *l);
void slo_labels_set(struct slo_labels *l, struct slice name, struct slice value);
void slo_labels_merge(struct slo_labels *into, const struct slo_labels *from);
/* The value, or the empty slice. */
struct slice slo_labels_get(const struct slo_labels *l, struct slice name);
/* Whether Prometheus takes it as a label's name. */
bool slo_label_name_ok(struct slice name);
/* As {a="b",c="d"} with PromQL's escapes. */
void slo_labels_print(struct buf *out, const struct slo_labels *l);
/* value as a PromQL string, quoted. */
void slo_promql_string(struct buf *out, struct slice value);

#endif
