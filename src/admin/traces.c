/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of /api/v1/traces: what the journal has said of traces lately. */
#include "admin/view.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>

enum { READ = 1024 };

typedef void each_fn(void *arg, const struct delta_trace *t);

static void each(const struct view *v, each_fn *visit, void *arg)
{
	struct delta_trace *some = mem_zalloc(READ, sizeof(*some));
	uint64_t from = 0;
	for (size_t n = READ; v->ledger && n == READ;) {
		n = ledger_traces(v->ledger, &from, some, READ);
		for (size_t i = 0; i < n; i++)
			visit(arg, &some[i]);
	}
	free(some);
}

static void separate(struct buf *out)
{
	if (out->len && out->data[out->len - 1] != '[' && out->data[out->len - 1] != '{')
		buf_add_char(out, ',');
}

/* --- one trace --- */

struct wanted {
	uint64_t trace;
	unsigned reasons;
	int64_t since_ns;
	struct buf patterns;
};

static void note(void *arg, const struct delta_trace *t)
{
	struct wanted *w = arg;
	char id[20];
	if (t->trace != w->trace)
		return;
	w->reasons |= t->reasons;
	if (t->reasons && (!w->since_ns || t->time_ns < w->since_ns))
		w->since_ns = t->time_ns;
	if (!t->pattern_id)
		return;
	struct buf text = {.data = id, .cap = sizeof(id)};
	buf_printf(&text, "\"%016llx\"", (unsigned long long)t->pattern_id);
	if (slice_search(buf_slice(&w->patterns), buf_slice(&text)) < w->patterns.len)
		return;
	if (w->patterns.len)
		buf_add_char(&w->patterns, ',');
	buf_add_slice(&w->patterns, buf_slice(&text));
}

void view_trace(const struct view *v, struct slice trace_id, struct buf *out)
{
	struct wanted w = {.trace = hash_bytes(trace_id)};
	bool shared = v->opts->shared && v->opts->shared(v->opts->app, trace_id);
	each(v, note, &w);
	buf_printf(out, "{\"trace_id\":\"%.*s\",\"kept\":%s,\"reasons\":[", (int)trace_id.len, trace_id.ptr, w.reasons || shared ? "true" : "false");
	for (unsigned bit = 1; v->opts->reason && v->opts->reason(bit); bit <<= 1) {
		if (!(w.reasons & bit) && !(shared && !v->opts->reason(bit << 1))) /* the share is the last of them */
			continue;
		separate(out);
		buf_add_json_string(out, slice_str(v->opts->reason(bit)));
	}
	buf_add_str(out, "],\"since\":");
	if (w.since_ns) {
		buf_add_char(out, '"');
		clock_format(out, w.since_ns);
		buf_add_char(out, '"');
	} else {
		buf_add_str(out, "null");
	}
	buf_add_str(out, ",\"patterns\":[");
	buf_add_slice(out, buf_slice(&w.patterns));
	buf_add_str(out, "]}\n");
	buf_done(&w.patterns);
}

/* --- the traces of a pattern --- */

struct found {
	uint64_t pattern;
	struct delta_trace *items;
	size_t len, cap;
};

static void collect(void *arg, const struct delta_trace *t)
{
	struct found *f = arg;
	if (t->pattern_id != f->pattern)
		return;
	f->items = mem_grow(f->items, f->len, &f->cap, sizeof(*f->items));
	f->items[f->len++] = *t;
}

static void add_trace(const struct delta_trace *t, struct buf *out)
{
	separate(out);
	buf_add_str(out, "{\"trace_id\":\"");
	if (t->id[0])
		buf_printf(out, "%016llx", (unsigned long long)t->id[0]);
	buf_printf(out, "%016llx\",\"time\":\"", (unsigned long long)t->id[1]);
	clock_format(out, t->time_ns);
	buf_add_str(out, "\"}");
}

static bool came_before(const struct found *f, size_t i)
{
	for (size_t k = i + 1; k < f->len && k < i + 100; k++)
		if (f->items[k].trace == f->items[i].trace)
			return true;
	return false;
}

void view_pattern_traces(const struct view *v, uint64_t id, size_t limit, struct buf *out)
{
	struct found f = {.pattern = id};
	each(v, collect, &f);
	buf_add_str(out, "{\"traces\":[");
	for (size_t i = f.len; i-- > 0 && limit > 0;) {
		if (came_before(&f, i))
			continue; /* several of its spans had the pattern */
		add_trace(&f.items[i], out);
		limit--;
	}
	buf_add_str(out, "]}\n");
	free(f.items);
}
