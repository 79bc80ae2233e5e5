/* SPDX-License-Identifier: Apache-2.0 */
#include "trace_logs.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

/* A span or a log record before it is written. */
struct event {
	int64_t time_ns, at_ns; /* its own; when it comes into the log */
	uint16_t trace;
	uint8_t span;
	bool root, failed, slow;
};

static int by_arrival(const void *a, const void *b)
{
	const struct event *x = a, *y = b;
	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return x->trace != y->trace ? x->trace - y->trace : x->span - y->span;
}

static void span_text(struct buf *out, const struct event *e)
{
	int64_t took = e->slow ? NS_PER_S : (e->trace * 7 + e->span * 13) % 97 * NS_PER_MS;
	buf_printf(out, "{\"traceId\":\"aaaaaaaaaaaaaaaabbbbbbbb%08x\",\"spanId\":\"%016x\",%s\"name\":\"GET /x\",\"kind\":2,\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":\"%lld\",\"status\":{\"code\":%d}}", e->trace,
		e->span + 1, e->root ? "" : "\"parentSpanId\":\"00000000000000ff\",", (long long)(e->time_ns - took), (long long)e->time_ns, e->failed ? 2 : 0);
}

static void tell(const struct event *e, size_t message)
{
	printf("message %zu: span %u of trace %u at %.2f%s%s%s\n", message, e->span, e->trace, (double)(e->time_ns - TRACES_NOW) / 1e9, e->root ? ", root" : "", e->failed ? ", failed" : "", e->slow ? ", slow" : "");
}

static void add_payload(struct payloads *log, struct buf *text, int64_t time_ns)
{
	log->at = mem_grow(log->at, log->len, &log->cap, sizeof(*log->at));
	log->at[log->len++] = (struct payload){.text = mem_strdup(buf_slice(text)), .len = text->len, .time_ns = time_ns};
	buf_reset(text);
}

/* A message of spans has one to three, whosever they are. */
static void write_spans(struct world *w, struct payloads *log, struct event *events, size_t len)
{
	struct buf text = {0};
	qsort(events, len, sizeof(*events), by_arrival);
	for (size_t i = 0; i < len;) {
		size_t end = i + 1 + roll(w, 3);
		buf_add_str(&text, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"cart\"}}]},\"scopeSpans\":[{\"spans\":[");
		for (size_t first = i; i < len && i < end; i++) {
			if (i > first)
				buf_add_char(&text, ',');
			if (w->verbose)
				tell(&events[i], log->len);
			span_text(&text, &events[i]);
		}
		buf_add_str(&text, "]}]}]}");
		add_payload(log, &text, events[i - 1].at_ns);
	}
	buf_done(&text);
}

static void write_records(struct payloads *log, struct event *events, size_t len)
{
	struct buf text = {0};
	qsort(events, len, sizeof(*events), by_arrival);
	for (size_t i = 0; i < len; i++) {
		const struct event *e = &events[i];
		buf_printf(&text, "{\"time\":%lld,\"level\":\"%s\",\"service\":\"cart\",\"message\":\"card %s\",\"trace_id\":\"aaaaaaaaaaaaaaaabbbbbbbb%08x\"}", (long long)(e->time_ns / NS_PER_MS), e->failed ? "error" : "info",
			e->failed ? "refused" : "charged", e->trace);
		add_payload(log, &text, e->at_ns);
	}
	buf_done(&text);
}

uint64_t trace_logs_write(struct world *w, struct payloads logs[TRACE_LOGS])
{
	static struct event events[TRACE_LOGS][TRACES * SPANS_EACH];
	size_t lens[TRACE_LOGS] = {0};
	uint64_t spans = 0;
	uint64_t silent = roll(w, 2 * TRACES); /* before this trace nothing came for long, in half the seeds */
	int64_t silence = SECONDS(600 + roll(w, 3000)), at = TRACES_NOW - SECONDS(3000) - silence;
	for (uint16_t n = 0; n < TRACES; n++) {
		int log = n % SPAN_LOGS;
		at += n == silent ? silence : 0;
		at += chance(w, 3) ? SECONDS(roll(w, 100)) : (int64_t)roll(w, 9000) * NS_PER_MS;
		bool rooted = chance(w, 90);
		for (uint8_t s = 0, len = (uint8_t)(1 + roll(w, SPANS_EACH)); s < len; s++) {
			int64_t time = at + (int64_t)roll(w, 6000) * NS_PER_MS + (chance(w, 5) ? SECONDS(roll(w, 90)) : 0);
			events[log][lens[log]++] = (struct event){.time_ns = time, .at_ns = time + (int64_t)roll(w, 1500) * NS_PER_MS, .trace = n, .span = s, .root = rooted && s == 0, .failed = chance(w, 3), .slow = chance(w, 3)};
		}
		for (uint64_t records = roll(w, 3); records > 0; records--) {
			log = SPAN_LOGS + (int)roll(w, TRACE_LOGS - SPAN_LOGS);
			int64_t time = at + (int64_t)roll(w, 6000) * NS_PER_MS;
			events[log][lens[log]++] = (struct event){.time_ns = time, .at_ns = time + (int64_t)roll(w, chance(w, 5) ? 30000 : 3000) * NS_PER_MS, .trace = n, .failed = chance(w, 40)};
		}
	}
	for (int log = 0; log < SPAN_LOGS; log++) {
		write_spans(w, &logs[log], events[log], lens[log]);
		spans += lens[log];
	}
	for (int log = SPAN_LOGS; log < TRACE_LOGS; log++)
		write_records(&logs[log], events[log], lens[log]);
	return spans;
}

void trace_logs_done(struct payloads logs[TRACE_LOGS])
{
	for (int log = 0; log < TRACE_LOGS; log++) {
		for (size_t i = 0; i < logs[log].len; i++)
			free(logs[log].at[i].text);
		free(logs[log].at);
	}
}
