/* SPDX-License-Identifier: Apache-2.0 */
/* The service graph. An edge is a span and the span whose parent it is, where the two are the ends of a call: CLIENT and SERVER, PRODUCER and CONSUMER, or (graph_opts.services)
 * of two different services, whatever their kinds say. It is counted when the later of the two arrives.
 *
 * Both ends meet at one key, trace id and the caller's span id: an end is a node in a map under that key. Those that were called and came first wait in a list under it; when their caller
 * comes, they have met it and go, for nobody else can be theirs. A caller stays, because it may have called others too, and may be delivered twice. What stays does so for a hold of
 * the partition's event time after it came; then it goes, and one that found no other becomes an edge to a virtual node:
 * a client's attributes may name its peer (peer.service, server.address, db.system, messaging.system, in this order). A server without a parent is a root: the user called it. What
 * nothing names is an unpaired span; many of them mean that the topic is not keyed by trace id, so that ends lie in different partitions. A consumer that has a link was sent what
 * the link leads to: instrumentations that take messages in batches have no single parent to name.
 *
 * Everything is a function of the partition's records in their order, time included: the partition's event time is the newest seen, and decides expiry. So a
 * successor that feeds the same records holds the same nodes (replay.c).
 *
 * At most spans_max ends wait, and of one trace an eighth of them: a trace of a million spans costs itself its edges, not the others theirs.
 *
 * Layout: nodes come from blocks and are used again; they are linked in order of arrival, which is the order of expiry; names are kept once for each text while
 * nodes refer to them, so a stream of new names costs no more than its nodes do. The keys are ids made at random; 64 bits of the trace id's hash and the 64 of the
 * span id tell them apart. Metric names and the idea of virtual nodes: Grafana Tempo's service graph processor; edges between services of any kind: Jaeger's dependencies. */
#include "engine/graph.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"

#include <stdlib.h>

enum { BLOCK = 256, TRACE_DIGITS = 32, CROWDS = 4096, CROWD_SHARE = 8, CROWD_LEAST = 64 };
/* How much earlier than its client a server may seem to begin before their clocks are said to be apart. */
#define CLOCKS_APART (10 * NS_PER_MS)

struct name {
	uint64_t hash;
	size_t used, len;
	char text[];
};

struct node {
	struct node *next, *prev;   /* called by the same; or free */
	struct node *older, *newer; /* in order of arrival */
	uint64_t trace, span;
	int64_t came_ns;    /* the partition's event time then */
	int64_t start_ns;
	struct name *service, *peer;
	double seconds;
	uint32_t weight;
	uint8_t connection; /* enum graph_connection of the edge to the peer */
	bool is_caller;
	bool says_so;       /* by its kind, not by its place alone */
	bool messaging, failed, paired;
};

struct block {
	struct block *next;
	struct node nodes[BLOCK];
};

struct graph {
	struct graph_watch watch; /* first */
	struct graph_opts opts;
	uint64_t given_up;
	struct map ends, names;
	struct name *last_name;
	uint64_t last_trace;
	char last_trace_id[TRACE_DIGITS];
	size_t last_trace_len;
	struct block *blocks;
	struct node *free;
	struct node *oldest, *newest;
	size_t len;
	uint32_t crowds[CROWDS]; /* nodes by trace, a few traces to each: one trace must not push out all others */
};

const char *graph_connection_name(enum graph_connection connection)
{
	static const char *const names[] = {"", "messaging_system", "database", "virtual_node", "unpaired"};
	return names[connection];
}

struct graph *graph_new(const struct graph_opts *opts)
{
	struct graph *g = mem_zalloc(1, sizeof(*g));
	g->opts = *opts;
	g->watch = (struct graph_watch){.due_ns = INT64_MAX, .all = opts->services || opts->once};
	return g;
}

void graph_free(struct graph *g)
{
	size_t cursor = 0;
	if (!g)
		return;
	for (struct name *n; (n = map_next(&g->names, &cursor));)
		free(n);
	for (struct block *b = g->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	map_done(&g->names);
	map_done(&g->ends);
	free(g);
}

bool graph_empty(const struct graph *g)
{
	return g->len == 0;
}

uint64_t graph_given_up(const struct graph *g)
{
	return g->given_up;
}

/* --- names --- */

static bool name_is(const void *item, const void *key)
{
	const struct name *n = item;
	return slice_eq(slice_of(n->text, n->len), *(const struct slice *)key);
}

static struct name *name_take(struct graph *g, struct slice text)
{
	uint64_t hash = hash_bytes(text);
	struct name *n = map_get(&g->names, hash, name_is, &text);
	if (!n) {
		n = mem_zalloc(1, sizeof(*n) + text.len);
		n->hash = hash;
		n->len = text.len;
		memcpy(n->text, text.ptr, text.len);
		map_put(&g->names, hash, n);
	}
	n->used++;
	return n;
}

static void name_drop(struct graph *g, struct name *n)
{
	if (!n || --n->used)
		return;
	struct slice text = slice_of(n->text, n->len);
	map_remove(&g->names, n->hash, name_is, &text);
	free(n);
}

static struct slice name_text(const struct name *n)
{
	return n ? slice_of(n->text, n->len) : slice_of(NULL, 0);
}

/* --- nodes --- */

static struct node *node_new(struct graph *g)
{
	if (!g->free) {
		struct block *b = mem_zalloc(1, sizeof(*b));
		b->next = g->blocks;
		g->blocks = b;
		for (size_t i = 0; i < BLOCK; i++) {
			b->nodes[i].next = g->free;
			g->free = &b->nodes[i];
		}
	}
	struct node *n = g->free;
	g->free = n->next;
	*n = (struct node){0};
	return n;
}

/* The ids are random and the trace's is hashed: mixing the two is enough. */
static inline uint64_t key_of(const struct node *n)
{
	uint64_t key = n->trace ^ n->span * UINT64_C(0x9E3779B97F4A7C15);
	return key ^ key >> 32;
}

static bool same_key(const void *item, const void *key)
{
	const struct node *a = item, *b = key;
	return a->trace == b->trace && a->span == b->span;
}

/* Puts the node under its key, of which head is the first; all of them wait for the same caller then. */
static void add(struct graph *g, struct node *n, struct node *head)
{
	if (!head) {
		map_put(&g->ends, key_of(n), n);
	} else {
		n->prev = head;
		n->next = head->next;
		if (n->next)
			n->next->prev = n;
		head->next = n;
	}
	n->older = g->newest;
	*(n->older ? &n->older->newer : &g->oldest) = n;
	g->newest = n;
	g->len++;
	g->crowds[n->trace % CROWDS]++;
}

static void forget_arrival(struct graph *g, struct node *n)
{
	*(n->older ? &n->older->newer : &g->oldest) = n->newer;
	*(n->newer ? &n->newer->older : &g->newest) = n->older;
	g->len--;
	g->crowds[n->trace % CROWDS]--;
}

static void take_out(struct graph *g, struct node *n)
{
	if (n->next)
		n->next->prev = n->prev;
	if (n->prev) {
		n->prev->next = n->next;
		return;
	}
	map_remove(&g->ends, key_of(n), same_key, n);
	if (n->next)
		map_put(&g->ends, key_of(n), n->next);
}

/* --- edges --- */

static void emit_pair(const struct node *caller, const struct node *called, graph_sink *sink, void *arg)
{
	struct graph_edge edge = {
		.client = name_text(caller->service),
		.server = name_text(called->service),
		.connection = caller->messaging || called->messaging ? GRAPH_MESSAGING : GRAPH_CALL,
		.client_seconds = caller->seconds,
		.server_seconds = called->seconds,
		.weight = caller->weight > called->weight ? caller->weight : called->weight,
		.failed = caller->failed || called->failed,
		.clocks_apart = called->start_ns < caller->start_ns - CLOCKS_APART,
		.fed = true,
	};
	if (sink)
		sink(arg, &edge);
}

/* What becomes of an end that found no other; a caller that only its place makes one called nobody. */
static void emit_alone(const struct node *n, graph_sink *sink, void *arg)
{
	struct graph_edge edge = {
		.client = n->is_caller ? name_text(n->service) : name_text(n->peer),
		.server = n->is_caller ? name_text(n->peer) : name_text(n->service),
		.connection = (enum graph_connection)n->connection,
		.client_seconds = n->is_caller ? n->seconds : -1,
		.server_seconds = n->is_caller ? -1 : n->seconds,
		.weight = n->weight,
		.failed = n->failed,
	};
	if (sink && (n->says_so || !n->is_caller))
		sink(arg, &edge);
}

static void node_free(struct graph *g, struct node *n)
{
	name_drop(g, n->service);
	name_drop(g, n->peer);
	n->next = g->free;
	g->free = n;
}

static void leave_first(struct graph *g, graph_sink *sink, void *arg)
{
	struct node *n = g->oldest;
	forget_arrival(g, n);
	take_out(g, n);
	if (!n->paired)
		emit_alone(n, sink, arg);
	node_free(g, n);
}

/* Whether this trace has all the room that one trace may have. The node goes then, as one that found no other end. */
static bool crowded(struct graph *g, struct node *n, graph_sink *sink, void *arg)
{
	if (g->crowds[n->trace % CROWDS] < g->opts.spans_max / CROWD_SHARE + CROWD_LEAST)
		return false;
	g->given_up++;
	if (!n->paired)
		emit_alone(n, sink, arg);
	node_free(g, n);
	return true;
}

static inline void leave(struct graph *g, int64_t newest_ns, graph_sink *sink, void *arg)
{
	while (g->len && newest_ns - g->oldest->came_ns >= g->opts.hold_ns)
		leave_first(g, sink, arg);
	while (g->len >= g->opts.spans_max) {
		g->given_up += !g->oldest->paired;
		leave_first(g, sink, arg);
	}
}

/* A span and its parent met. Within a service a parent is no call unless the kinds say so; a CLIENT span's own children leave it waiting for its server. */
static void meet(const struct graph *g, struct node *caller, const struct node *called, graph_sink *sink, void *arg)
{
	bool call = (caller->says_so && called->says_so) || (g->opts.services && caller->service != called->service);
	if (!call)
		return;
	caller->paired = true;
	emit_pair(caller, called, sink, arg);
}

/* Those that waited for this caller, the first of them under its key, meet it and go. */
static void meet_all(struct graph *g, struct node *caller, struct node *head, graph_sink *sink, void *arg)
{
	if (head)
		map_remove(&g->ends, key_of(head), same_key, head);
	for (struct node *next; head; head = next) {
		next = head->next;
		meet(g, caller, head, sink, arg);
		forget_arrival(g, head);
		node_free(g, head);
	}
}

/* --- spans --- */

/* The four bits of each of eight hex digits, as 32 bits in an order of their own. */
static inline uint64_t pack_digits(const char *digits)
{
	uint64_t v;
	memcpy(&v, digits, sizeof(v));
	v = (v & UINT64_C(0x0F0F0F0F0F0F0F0F)) + 9 * (v >> 6 & UINT64_C(0x0101010101010101));
	v = (v << 4 | v >> 8) & UINT64_C(0x00FF00FF00FF00FF);
	v = (v | v >> 8) & UINT64_C(0x0000FFFF0000FFFF);
	return (v | v >> 16) & UINT64_C(0xFFFFFFFF);
}

/* 16 hex digits as a number that tells them apart; 0 if it is no such id. */
static inline uint64_t span_id(struct slice hex)
{
	return hex.len == 16 ? pack_digits(hex.ptr) << 32 | pack_digits(hex.ptr + 8) : 0;
}

/* Spans of one trace mostly follow each other. */
static uint64_t trace_hash(struct graph *g, struct slice id)
{
	if (id.len == g->last_trace_len && memcmp(id.ptr, g->last_trace_id, id.len) == 0)
		return g->last_trace;
	g->last_trace = hash_bytes(id);
	g->last_trace_len = id.len <= TRACE_DIGITS ? id.len : 0;
	memcpy(g->last_trace_id, id.ptr, g->last_trace_len);
	return g->last_trace;
}

static struct name *service_take(struct graph *g, struct slice service)
{
	if (!g->last_name || !name_is(g->last_name, &service)) {
		name_drop(g, g->last_name);
		g->last_name = name_take(g, service);
	}
	g->last_name->used++;
	return g->last_name;
}

/* What a span is to the graph. */
struct role {
	const struct record *span;
	struct slice service;
	int64_t newest_ns;
	uint64_t weight;
	bool client, server; /* its kind says so */
	bool messaging;
};

/* Both ends of an edge round by the key they share. */
static uint32_t weight_at(const struct role *role, uint64_t trace, uint64_t id)
{
	return role->weight == WEIGHT_UNIT ? 1 : weight_round(role->weight, hash_pair(trace, id));
}

static struct node *node_of(struct graph *g, const struct role *role, uint64_t trace, uint64_t id, bool is_caller)
{
	static const enum graph_connection connections[] = {[SYSTEM_NONE] = GRAPH_VIRTUAL, [SYSTEM_DATABASE] = GRAPH_DATABASE, [SYSTEM_MESSAGING] = GRAPH_MESSAGING, [SYSTEM_RPC] = GRAPH_VIRTUAL};
	const struct record *span = role->span;
	struct node *n = node_new(g);
	bool named = span->peer.len > 0 && (is_caller ? role->client : span->span_kind == SPAN_CONSUMER && span->system == SYSTEM_MESSAGING);
	n->trace = trace;
	n->span = id;
	n->is_caller = is_caller;
	n->says_so = is_caller ? role->client : role->server;
	n->messaging = role->messaging;
	n->came_ns = role->newest_ns;
	n->service = service_take(g, role->service);
	n->peer = named ? name_take(g, span->peer) : NULL;
	n->connection = named ? (uint8_t)connections[span->system] : GRAPH_UNPAIRED;
	n->seconds = span->duration_ns < 0 ? 0 : (double)span->duration_ns / 1e9;
	n->start_ns = span->time_ns - (span->duration_ns > 0 ? span->duration_ns : 0);
	n->failed = span->status == STATUS_ERROR;
	n->weight = weight_at(role, trace, id);
	return n;
}

/* The user calls the root of a trace. */
static void emit_root(const struct role *role, uint64_t trace, graph_sink *sink, void *arg)
{
	const struct record *span = role->span;
	struct graph_edge edge = {
		.client = SLICE("user"),
		.server = role->service,
		.connection = GRAPH_VIRTUAL,
		.client_seconds = -1,
		.server_seconds = span->duration_ns < 0 ? 0 : (double)span->duration_ns / 1e9,
		.weight = weight_at(role, trace, span_id(span->span_id)),
		.failed = span->status == STATUS_ERROR,
		.fed = true,
	};
	if (sink)
		sink(arg, &edge);
}

static struct node *head_of(const struct graph *g, uint64_t trace, uint64_t id)
{
	struct node key = {.trace = trace, .span = id};
	return map_get(&g->ends, key_of(&key), same_key, &key);
}

/* As the one that was called: its parent is there already, or it waits for it. */
static void feed_called(struct graph *g, const struct role *role, uint64_t trace, struct slice parent, graph_sink *sink, void *arg)
{
	uint64_t id = span_id(parent);
	struct node *head = head_of(g, trace, id);
	bool waits = !head || !head->is_caller;
	if (!waits && !(head->says_so && role->server) && name_is(head->service, &role->service))
		return; /* most spans: a step within their service */
	struct node *n = node_of(g, role, trace, id, false);
	if (waits) {
		if (!crowded(g, n, sink, arg))
			add(g, n, head);
		return;
	}
	meet(g, head, n, sink, arg);
	node_free(g, n);
}

static void feed_caller(struct graph *g, const struct role *role, uint64_t trace, struct node *head, graph_sink *sink, void *arg)
{
	struct node *n = node_of(g, role, trace, span_id(role->span->span_id), true);
	meet_all(g, n, head, sink, arg);
	if (!crowded(g, n, sink, arg))
		add(g, n, NULL);
}

static struct role role_of(const struct record *span, struct slice service, int64_t newest_ns, uint64_t weight)
{
	static const bool client[SPAN_KIND_COUNT] = {[SPAN_CLIENT] = true, [SPAN_PRODUCER] = true}, server[SPAN_KIND_COUNT] = {[SPAN_SERVER] = true, [SPAN_CONSUMER] = true};
	static const bool messaging[SPAN_KIND_COUNT] = {[SPAN_PRODUCER] = true, [SPAN_CONSUMER] = true};
	enum span_kind kind = span->span_kind;
	return (struct role){.span = span, .service = service, .newest_ns = newest_ns, .weight = weight, .client = client[kind], .server = server[kind], .messaging = messaging[kind]};
}

/* As the one that was called: by the user, by its parent, or by what its link leads to. */
static void feed_as_called(struct graph *g, const struct role *role, uint64_t trace, graph_sink *sink, void *arg)
{
	const struct record *span = role->span;
	bool linked = span->span_kind == SPAN_CONSUMER && span->link_trace_id.len && span->link_span_id.len;
	struct slice parent = linked ? span->link_span_id : span->parent_span_id;
	if (parent.len)
		feed_called(g, role, linked ? hash_bytes(span->link_trace_id) : trace, parent, sink, arg);
	else if (role->server)
		emit_root(role, trace, sink, arg);
}

static void feed(struct graph *g, const struct record *span, struct slice service, int64_t newest_ns, uint64_t weight, graph_sink *sink, void *arg)
{
	const struct role role = role_of(span, service, newest_ns, weight);
	bool called = role.server || g->opts.services, calls = (role.client || g->opts.services || g->opts.once) && span->span_id.len;
	if (span->trace_id.len == 0 || !(called || calls))
		return;
	uint64_t trace = trace_hash(g, span->trace_id), id = span_id(span->span_id);
	struct node *head = calls ? head_of(g, trace, id) : NULL;
	if (head && head->is_caller)
		return; /* the same span, delivered twice */
	if (called)
		feed_as_called(g, &role, trace, sink, arg);
	if (calls) /* asked again: a span that is its own parent has just been put there */
		feed_caller(g, &role, trace, called ? head_of(g, trace, id) : head, sink, arg);
}

/* When the oldest has to leave. */
static int64_t due_ns(const struct graph *g)
{
	int64_t due;
	if (g->len == 0)
		return INT64_MAX;
	if (g->len >= g->opts.spans_max || __builtin_add_overflow(g->oldest->came_ns, g->opts.hold_ns, &due))
		return INT64_MIN;
	return due;
}

void graph_feed(struct graph *g, const struct record *span, struct slice service, int64_t newest_ns, uint64_t weight, graph_sink *sink, void *arg)
{
	leave(g, newest_ns, sink, arg);
	feed(g, span, service, newest_ns, weight, sink, arg);
	g->watch.due_ns = due_ns(g);
}
