/* SPDX-License-Identifier: Apache-2.0 */
/* PromQL as SLO files carry it: a text with {{.window}} where the window goes. */
#ifndef WINNOW_SLO_QUERY_H
#define WINNOW_SLO_QUERY_H

#include "base/buf.h"

/* What is wrong with the placeholders, as a sentence; NULL: nothing, and *ret_windows says how many there are. */
const char *slo_query_check(struct slice query, size_t *ret_windows);
/* Appends the query with its windows filled in, without white space around it. */
void slo_query_print(struct buf *out, struct slice query, int64_t window_ns);
/* A query of OpenSLO, which knows no window, as one that has it: its ranges ([5m]) become windows; a counter without a range is put into
 * rate(), inside an outer sum() if there is one; what is no counter is summed over the window. */
void slo_query_with_window(struct buf *out, struct slice query, bool counter);

#endif
