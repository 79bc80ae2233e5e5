/* SPDX-License-Identifier: Apache-2.0 */
/* The logs that traces.c has read: spans keyed by trace, and log records that name the same traces. */
#ifndef WINNOW_TESTS_SIM_TRACE_LOGS_H
#define WINNOW_TESTS_SIM_TRACE_LOGS_H

#include "world.h"

enum { SPAN_LOGS = 2, TRACE_LOGS = 4, TRACES = 120, SPANS_EACH = 8 };
#define TRACES_NOW (INT64_C(1767225600) * NS_PER_S)

struct payload {
	char *text;
	size_t len;
	int64_t time_ns;
};

struct payloads {
	struct payload *at;
	size_t len, cap;
};

/* Traces of up to eight spans, a tenth of them without a root; some spans come after the hold, some records after the grace; now and then a silence. Trace and span ids end
 * with the trace's number, and the span's + 1, in hex. Returns how many spans there are. */
uint64_t trace_logs_write(struct world *w, struct payloads logs[TRACE_LOGS]);
void trace_logs_done(struct payloads logs[TRACE_LOGS]);

#endif
