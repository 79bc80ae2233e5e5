/* SPDX-License-Identifier: Apache-2.0 */
/* Of several headers that name a trace the one that stands first in the table counts, and of a name that is there twice the last, as producers that send on what they read leave it. Names are
 * compared without case. Spring writes texts as JSON: with quotation marks. */
#include "record/trace_header.h"

#include "record/trace_id.h"

#define HEADER(text) {text, sizeof(text) - 1}

/* The span's name is that of a header of its own; where there is none, the trace's header may hold both. */
static const struct {
	struct slice trace, span;
	bool decimal;
} rows[] = {
	{HEADER("traceparent"), HEADER(""), false},
	{HEADER("ce_traceparent"), HEADER(""), false}, /* CloudEvents */
	{HEADER("b3"), HEADER(""), false},
	{HEADER("X-B3-TraceId"), HEADER("X-B3-SpanId"), false},
	{HEADER("x-datadog-trace-id"), HEADER("x-datadog-parent-id"), true},
	{HEADER("uber-trace-id"), HEADER(""), false},
	{HEADER("X-Amzn-Trace-Id"), HEADER(""), false},
	{HEADER("x-cloud-trace-context"), HEADER(""), false},
	{HEADER("sw8"), HEADER(""), false},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

struct found {
	struct slice name, value;
};

/* The headers that the table knows: of row i the trace's as found[i][0], the span's as found[i][1]. False if there is none. */
static bool find_all(const struct message_headers *headers, struct found found[ROWS][2])
{
	struct found h;
	bool any = false;
	for (size_t i = 0; headers->at(headers, i, &h.name, &h.value); i++)
		for (size_t row = 0; row < ROWS; row++) {
			bool trace = slice_eq_nocase(h.name, rows[row].trace), span = !trace && rows[row].span.len && slice_eq_nocase(h.name, rows[row].span);
			if (trace || span)
				found[row][span] = h;
			any |= trace;
		}
	return any;
}

static struct slice bare(struct slice value)
{
	value = slice_trim(value);
	return value.len > 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"' ? slice_sub(value, 1, value.len - 2) : value;
}

static struct slice of_decimal(struct slice value, struct arena *a)
{
	uint64_t number;
	char bytes[8];
	if (!slice_to_u64(value, &number))
		return slice_of(NULL, 0);
	for (size_t i = sizeof(bytes); i-- > 0; number >>= 8)
		bytes[i] = (char)(number & 0xFF);
	return span_id_of_bytes(slice_of(bytes, sizeof(bytes)), a);
}

bool trace_header_read(const struct message_headers *headers, struct arena *a, struct trace_header *ret)
{
	struct found found[ROWS][2] = {0};
	if (!find_all(headers, found))
		return false;
	for (size_t row = 0; row < ROWS; row++) {
		const struct found *trace = &found[row][0], *span = rows[row].span.len ? &found[row][1] : trace;
		*ret = (struct trace_header){.trace_name = trace->name, .span_name = span->name};
		ret->trace_id = rows[row].decimal ? of_decimal(bare(trace->value), a) : trace_id_of(bare(trace->value), a, &ret->span_id);
		if (ret->trace_id.len == 0)
			continue;
		if (span != trace)
			ret->span_id = rows[row].decimal ? of_decimal(bare(span->value), a) : span_id_of(bare(span->value), a);
		return true;
	}
	return false;
}
