/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of answers, made from the ledger and what the process says of itself. Private to the room; no HTTP here. */
#ifndef WINNOW_ADMIN_VIEW_H
#define WINNOW_ADMIN_VIEW_H

#include "admin/admin.h"

struct openmetrics;

struct view {
	const struct admin_opts *opts;
	const struct ledger *ledger; /* NULL: none yet; locked by the caller */
	const struct admin_status *status;
	int64_t now_ns;
	int64_t started_ns;
};

/* A query parameter, empty if it is not there. */
typedef struct slice view_param_fn(void *request, const char *name);

void view_metrics(const struct view *v, struct buf *out);
/* process_*: what the kernel says of this process. */
void view_process(const struct view *v, struct openmetrics *o);
void view_status(const struct view *v, struct buf *out);
/* 0 or ERR_INPUT with err saying which parameter is wrong. */
int view_patterns(const struct view *v, view_param_fn *param, void *request, struct buf *out, struct err *err);
/* Which metrics and labels the series come from. */
void view_cardinality(const struct view *v, struct buf *out);
/* What the journal says of a trace (the id in hex): why it is kept, the patterns in it. */
void view_trace(const struct view *v, struct slice trace_id, struct buf *out);
/* Kept traces with log records of a pattern, newest first. */
void view_pattern_traces(const struct view *v, uint64_t id, size_t limit, struct buf *out);
/* False if there is no pattern with this id. */
bool view_pattern(const struct view *v, uint64_t id, struct buf *out);

#endif
