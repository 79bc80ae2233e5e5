/* SPDX-License-Identifier: Apache-2.0 */
/* What the short form's "availability" and "latency < 300ms" mean in terms of the series winnow sends: queries, exemplars, and series for generated tests. */
#ifndef WINNOW_SLO_INDICATOR_H
#define WINNOW_SLO_INDICATOR_H

#include "slo/set.h"

struct slo_source;

/* The matchers that narrow an indicator; a value that begins with '~' is a regular expression. */
struct slo_indicator {
	const struct slo_source *source;
	struct slo_labels where;
	struct slice bad, good;      /* pattern ids as a|b, for logs; may be empty */
	int64_t latency_ns;          /* 0: availability */
};

/* NULL-terminated: spans, access_logs, logs. */
extern const char *const slo_source_names[];
/* The series of a preset ("otel", "tempo") from spans, access logs or logs; NULL: there is no such. */
const struct slo_source *slo_source_find(struct slice from, bool tempo);
/* Fills queries and test inputs of slo; NULL, or what cannot be: a sentence, static or in the set's arena. `remark` is set if the bound was interpolated. */
const char *slo_indicate(struct slo_set *set, struct slo *slo, const struct slo_indicator *indicator, const char **ret_remark);

#endif
