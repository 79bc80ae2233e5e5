/* SPDX-License-Identifier: Apache-2.0 */
/* Objectives as Prometheus rule groups, under the names of Sloth, which Grafana's dashboards 14348 and 14643 read.
 *
 * Burn rate: how many times faster than allowed errors come; 1 spends the whole budget in exactly the period. Three alerts, each over a long window (is it enough
 * to matter?) and a twelfth of it (is it still going on?), for a period of 30 days; other periods scale the windows:
 *
 *	rate   long  short   budget spent in the long window   alert
 *	14.4   1h    5m      2 %                               page
 *	6      6h    30m     5 %                               page
 *	1      3d    6h      10 %                              ticket
 *
 * A rate that the objective can never reach (14.4 x 10 % is more than all requests) has no alert. Ratios are requests over requests at every window, the period's
 * too: it sums recorded rates of errors and of all, where an average of ratios would count a quiet night as much as a busy day. */
#ifndef WINNOW_SLO_RULES_H
#define WINNOW_SLO_RULES_H

#include "slo/set.h"

struct slo_options {
	struct slice runbooks;   /* folder of the pages: URL without a slash at its end */
	struct slice dashboards; /* Grafana's address, the same */
	struct slice version;
	int64_t period_ns;       /* where a file has none */
};

enum { SLO_BURNS = 3 };
struct slo_burn {
	struct decimal rate;
	int64_t long_ns, short_ns;
	struct decimal threshold; /* ratio of errors */
	bool page;
	bool reachable;
};

/* The alerts of an objective over a period. */
void slo_burns(const struct slo *slo, int64_t period_ns, struct slo_burn ret[SLO_BURNS]);
int64_t slo_period(const struct slo *slo, const struct slo_options *options);
/* Labels that every recording of the objective has. Free with slo_labels_done. */
struct slo_labels slo_record_labels(const struct slo *slo);

/* The whole file, for `rule_files`. */
void slo_rules_print(struct buf *out, const struct slo_set *set, const struct slo_options *options);
/* A file for `promtool test rules`: of every objective a burn that pages, one that does not, recordings beside their values, and data that stay away. */
void slo_promtest_print(struct buf *out, const struct slo_set *set, const struct slo_options *options, struct slice rule_file);

#endif
