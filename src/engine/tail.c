/* SPDX-License-Identifier: Apache-2.0 */
/* Tail sampling.
 *
 * A trace lies in one partition (the topic is keyed by trace id), so its judge needs nobody else's spans. Three stages:
 *
 *   open      its spans come in, until the hold is over since its first one, or its root has ended and nothing came for a while; it is due then, and the
 *             spans that come later are a trace of their own with the same id
 *   waiting   other partitions (logs that fail in its name, examples) may still have something to say. What they say is in the journal, with the event
 *             time at which they found it, so it waits until all of them have told of their records up to its due time and a grace
 *   decided   kept if any span gave a reason, or the journal has one that was found by due time and grace; all its spans go, or none
 *
 * Everything but the marks is a function of this partition's records in their order: due times by its own event time, the share by the id, the rate limit and what is slow by
 * windows of event time, memory by what undecided traces are charged. Of the marks, only those found in time count, and they are all there when the
 * trace is decided. So who feeds the same records, with the same journal, comes to the same decisions (replay.c says where a successor begins).
 *
 * Decisions are remembered as marks (the share needs no memory), so spans that come late are kept by them; a trace that was dropped is judged afresh, which comes to the same,
 * as each reason is one span's own.
 *
 * Layout: traces come from blocks and are used again; a map by number while open; three lists in order: open ones by arrival, open ones whose root has ended by their
 * last span, waiting ones by the time they became due. Spans are places in payloads (heap.c); nothing is decoded or written before it is known that it is kept. A trace is not
 * looked at between its message and the end of its hold: by then it has left the caches, so a list's next one is asked for while the one before it is at hand. */
#include "engine/tail.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "engine/slowness.h"

#include <stdlib.h>

enum { BLOCK = 256, SPANS_MAX = 50000, WINDOW_S = 10 };
#define LEAD_NS (180 * NS_PER_S) /* what is read while traces wait for other partitions */

struct trace {
	struct trace *next, *prev;             /* open: by arrival; waiting: by due time; free: next */
	struct trace *quiet_next, *quiet_prev; /* its root has ended */
	uint64_t number;
	int64_t came_ns, last_ns, due_ns;
	struct heap_run *first, *last;
	uint32_t len, bytes;
	uint8_t reasons;
	bool rooted, asked, early;             /* asked: the share has decided */
};

struct list {
	struct trace *first, *last;
};

struct block {
	struct block *next;
	struct trace traces[BLOCK];
};

/* How many traces of a service the share has taken in a window. */
struct rate {
	int64_t window, taken;
};

struct tail {
	const struct sampling *policy;
	const struct marks *marks;
	struct heap heap;
	struct map open;
	struct map rates;
	struct slowness *slowness; /* NULL: not asked */
	struct list by_arrival, quiet, waiting, hurried; /* hurried: to be decided at once */
	struct trace *last_open;                        /* the trace of the span before: mostly the next one's too */
	struct block *blocks;
	struct trace *free;
	size_t bytes, waiting_bytes, waiting_len;
	int64_t judged_ns;
};

struct tail *tail_new(const struct sampling *policy, const struct marks *marks, int64_t judged_ns)
{
	struct tail *t = mem_zalloc(1, sizeof(*t));
	t->judged_ns = judged_ns;
	t->policy = policy;
	t->marks = marks;
	t->slowness = policy->slow_quantile > 0 ? slowness_new(policy->slow_quantile, policy->hold_ns) : NULL;
	return t;
}

/* --- lists --- */

static void append(struct list *l, struct trace *x)
{
	x->next = NULL;
	x->prev = l->last;
	*(l->last ? &l->last->next : &l->first) = x;
	l->last = x;
}

static void take_out(struct list *l, struct trace *x)
{
	*(x->prev ? &x->prev->next : &l->first) = x->next;
	*(x->next ? &x->next->prev : &l->last) = x->prev;
}

static void quiet_append(struct list *l, struct trace *x)
{
	x->quiet_next = NULL;
	x->quiet_prev = l->last;
	*(l->last ? &l->last->quiet_next : &l->first) = x;
	l->last = x;
}

static void quiet_take_out(struct list *l, struct trace *x)
{
	*(x->quiet_prev ? &x->quiet_prev->quiet_next : &l->first) = x->quiet_next;
	*(x->quiet_next ? &x->quiet_next->quiet_prev : &l->last) = x->quiet_prev;
}

/* --- traces --- */

static inline void ask_for(const struct trace *x)
{
	__builtin_prefetch(x);
	__builtin_prefetch((const char *)x + 64);
}

static struct trace *trace_new(struct tail *t)
{
	if (!t->free) {
		struct block *b = mem_realloc(NULL, 1, sizeof(*b));
		b->next = t->blocks;
		t->blocks = b;
		for (size_t i = 0; i < BLOCK; i++) {
			b->traces[i].next = t->free;
			t->free = &b->traces[i];
		}
	}
	struct trace *x = t->free;
	t->free = x->next;
	ask_for(x->next);
	*x = (struct trace){0};
	return x;
}

static void drop_spans(struct tail *t, struct trace *x)
{
	for (struct heap_run *r = x->first, *next; r; r = next) {
		next = r->next;
		heap_drop(&t->heap, r);
	}
}

static void trace_free(struct tail *t, struct trace *x)
{
	drop_spans(t, x);
	x->next = t->free;
	t->free = x;
}

static void drop_list(struct tail *t, struct list *l)
{
	for (struct trace *x = l->first; x; x = x->next)
		drop_spans(t, x);
}

void tail_free(struct tail *t)
{
	size_t cursor = 0;
	if (!t)
		return;
	drop_list(t, &t->by_arrival);
	drop_list(t, &t->waiting);
	drop_list(t, &t->hurried);
	heap_done(&t->heap);
	map_done(&t->open);
	for (struct rate *r; (r = map_next(&t->rates, &cursor));)
		free(r);
	map_done(&t->rates);
	slowness_free(t->slowness);
	for (struct block *b = t->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(t);
}

static bool same_number(const void *item, const void *key)
{
	return ((const struct trace *)item)->number == *(const uint64_t *)key;
}

/* The trace is complete; what comes with its id from now on is another one. */
static void close_trace(struct tail *t, struct trace *x, int64_t due_ns, bool early)
{
	map_remove(&t->open, x->number, same_number, &x->number);
	take_out(&t->by_arrival, x);
	if (x->rooted)
		quiet_take_out(&t->quiet, x);
	if (t->last_open == x)
		t->last_open = NULL;
	x->due_ns = due_ns;
	x->early = early;
	append(early ? &t->hurried : &t->waiting, x);
	t->bytes -= x->bytes;
	t->waiting_bytes += x->bytes;
	t->waiting_len++;
}

/* The trace that is closed next, and the one behind it. */
static inline void look_ahead(const struct tail *t, const struct trace *x)
{
	if (!x)
		return;
	ask_for(x->quiet_next);
	map_expect(&t->open, x->number);
}

static void close_due(struct tail *t, int64_t newest_ns)
{
	const struct sampling *p = t->policy;
	while (t->quiet.first && t->quiet.first->last_ns + p->quiet_ns <= newest_ns) {
		look_ahead(t, t->quiet.first->quiet_next);
		close_trace(t, t->quiet.first, t->quiet.first->last_ns + p->quiet_ns, false);
	}
	while (t->by_arrival.first && t->by_arrival.first->came_ns + p->hold_ns <= newest_ns)
		close_trace(t, t->by_arrival.first, t->by_arrival.first->came_ns + p->hold_ns, false);
	while (t->by_arrival.first && t->bytes > p->memory)
		close_trace(t, t->by_arrival.first, newest_ns, true);
}

void tail_flush(struct tail *t)
{
	while (t->by_arrival.first)
		close_trace(t, t->by_arrival.first, t->by_arrival.first->came_ns + t->policy->hold_ns, false);
}

/* --- policies --- */

static bool within_rate(struct tail *t, struct slice service, int64_t newest_ns)
{
	uint64_t hash = hash_bytes(service);
	int64_t window = newest_ns / (WINDOW_S * NS_PER_S);
	if (t->policy->per_second == 0)
		return true;
	struct rate *r = map_get(&t->rates, hash, NULL, NULL);
	if (!r) {
		r = mem_zalloc(1, sizeof(*r));
		map_put(&t->rates, hash, r);
	}
	if (r->window != window)
		*r = (struct rate){.window = window};
	return r->taken++ < t->policy->per_second * WINDOW_S;
}

/* Reasons that the span adds to its trace. */
static unsigned judge(struct tail *t, struct trace *x, const struct record *span, struct slice service, int64_t newest_ns)
{
	int64_t usual_ns = t->slowness ? slowness_take(t->slowness, service, span->name, span->duration_ns, newest_ns) : 0;
	unsigned reasons = sampling_judge(t->policy, span, service, usual_ns);
	if (!x->asked) {
		bool shares = sampling_shares(t->policy, service, x->number);
		x->asked = shares || t->policy->shares_len == 0; /* no other service's answer would be another one */
		if (shares && within_rate(t, service, newest_ns))
			reasons |= SAMPLING_SHARE;
	}
	return reasons & ~(unsigned)x->reasons;
}

/* Whether the journal says by now that the trace is kept; for what it says later there is the decision. */
static bool marked(const struct tail *t, uint64_t number, struct tail_message *m, int64_t newest_ns)
{
	m->unmarked = m->unmarked || !marks_get(t->marks, number, newest_ns, newest_ns);
	return !m->unmarked;
}

/* --- spans --- */

static inline bool same_id(struct slice a, struct slice b)
{
	uint64_t x[4], y[4];
	if (a.ptr == b.ptr && a.len == b.len)
		return true;
	if (a.len != sizeof(x) || b.len != sizeof(y))
		return false;
	memcpy(x, a.ptr, sizeof(x));
	memcpy(y, b.ptr, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3])) == 0;
}

static void expect(const struct tail *t, struct tail_message *m, struct slice trace_id)
{
	m->trace_id = trace_id;
	m->trace = sampling_hash(trace_id);
	m->unmarked = false;
	map_expect(&t->open, m->trace);
	marks_expect(t->marks, m->trace);
}

void tail_expect(struct tail *t, const struct record *span, struct tail_message *m)
{
	if (span->trace_id.len)
		expect(t, m, span->trace_id);
}

static struct trace *trace_of(struct tail *t, struct tail_message *m, struct slice trace_id, int64_t newest_ns)
{
	if (!same_id(m->trace_id, trace_id))
		expect(t, m, trace_id);
	uint64_t number = m->trace;
	if (t->last_open && t->last_open->number == number) /* as most spans are: those of a trace follow each other */
		return t->last_open;
	struct trace *x = map_get(&t->open, number, same_number, &number);
	if (!x) {
		x = trace_new(t);
		x->number = number;
		x->came_ns = newest_ns;
		x->bytes = sizeof(*x) + 2 * sizeof(struct map_slot);
		t->bytes += x->bytes;
		map_put(&t->open, number, x);
		append(&t->by_arrival, x);
	}
	return t->last_open = x;
}

static void hold_span(struct tail *t, struct trace *x, struct tail_message *m, size_t index)
{
	if (!m->held)
		m->held = heap_payload(&t->heap, m->bytes, m->format, m->records);
	uint32_t bytes = (uint32_t)(m->bytes.len / (m->records ? m->records : 1));
	if (x->last && x->last->index + x->last->len == index && heap_payload_of(x->last) == m->held) {
		x->last->len++;
	} else {
		struct heap_run *run = heap_run(&t->heap, m->held, index);
		*(x->last ? &x->last->next : &x->first) = run;
		x->last = run;
		bytes += sizeof(*run);
	}
	x->len++;
	x->bytes += bytes;
	t->bytes += bytes;
}

static void note_root(struct tail *t, struct trace *x, const struct record *span)
{
	if (x->rooted && t->quiet.last == x)
		return;
	if (x->rooted)
		quiet_take_out(&t->quiet, x);
	x->rooted = x->rooted || span->parent_span_id.len == 0;
	if (x->rooted)
		quiet_append(&t->quiet, x);
}

struct tail_verdict tail_span(struct tail *t, const struct record *span, struct slice service, struct tail_message *m, size_t index, int64_t newest_ns)
{
	struct tail_verdict v = {0};
	close_due(t, newest_ns);
	if (span->trace_id.len == 0)
		return v;
	struct trace *x = trace_of(t, m, span->trace_id, newest_ns);
	v.reasons = judge(t, x, span, service, newest_ns);
	x->reasons |= (uint8_t)v.reasons;
	v.sure = x->reasons || marked(t, x->number, m, newest_ns);
	x->last_ns = newest_ns;
	hold_span(t, x, m, index);
	note_root(t, x, span);
	if (x->len >= SPANS_MAX)
		close_trace(t, x, newest_ns, true);
	return v;
}

/* --- decisions --- */

static void decide(struct tail *t, struct trace *x, tail_sink *sink, void *arg)
{
	unsigned reasons = x->reasons | marks_get(t->marks, x->number, x->due_ns, x->due_ns + t->policy->grace_ns - NS_PER_S); /* marks have whole seconds */
	struct tail_trace d = {.trace = x->number, .reasons = reasons, .spans = x->first, .len = x->len, .early = x->early};
	if (x->came_ns >= t->judged_ns)
		sink(arg, &d);
	t->waiting_bytes -= x->bytes;
	t->waiting_len--;
	trace_free(t, x);
}

/* The trace that is decided the time after next, and the one behind it. */
static inline void prepare(const struct tail *t, const struct trace *x)
{
	if (!x || !x->next)
		return;
	x = x->next;
	ask_for(x->next);
	__builtin_prefetch(x->first);
	marks_expect(t->marks, x->number);
}

void tail_decide(struct tail *t, int64_t settled_ns, tail_sink *sink, void *arg)
{
	for (struct trace *x; (x = t->hurried.first);) {
		take_out(&t->hurried, x);
		decide(t, x, sink, arg);
	}
	for (struct trace *x; (x = t->waiting.first) && x->due_ns <= settled_ns - t->policy->grace_ns;) {
		prepare(t, x->next);
		take_out(&t->waiting, x);
		decide(t, x, sink, arg);
	}
}

int64_t tail_read_up_to(const struct tail *t)
{
	return t->waiting.first ? t->waiting.first->due_ns + t->policy->grace_ns + LEAD_NS : INT64_MAX;
}

bool tail_crowded(const struct tail *t)
{
	return t->waiting_len && t->waiting_bytes + t->bytes > t->policy->memory;
}

int64_t tail_oldest(const struct tail *t)
{
	int64_t oldest = INT64_MAX;
	if (t->by_arrival.first)
		oldest = t->by_arrival.first->came_ns;
	if (t->waiting.first && t->waiting.first->came_ns - t->policy->hold_ns < oldest)
		oldest = t->waiting.first->came_ns - t->policy->hold_ns; /* those behind it may have come a hold before it, no more */
	if (t->hurried.first && t->hurried.first->came_ns - t->policy->hold_ns < oldest)
		oldest = t->hurried.first->came_ns - t->policy->hold_ns;
	return oldest;
}

void tail_figures(const struct tail *t, struct tail_figures *ret)
{
	*ret = (struct tail_figures){
		.undecided = t->open.len,
		.waiting = t->waiting_len,
		.bytes = t->bytes + t->waiting_bytes,
		.memory = t->heap.bytes,
	};
}
