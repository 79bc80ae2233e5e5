/* SPDX-License-Identifier: Apache-2.0 */
/* The service graph. An edge is a CLIENT span and a SERVER span whose parent it is (PRODUCER and CONSUMER likewise), counted when the later of the two arrives.
 *
 * Both ends meet at one key, trace id and the client's span id: an end is a node in a map under that key, a key with several servers (a retried or a fanned-out
 * call) has one node for each. An end stays for a hold of the partition's event time after it came, paired or not, so that a second server finds its client; then it
 * goes, and an end that found no other becomes an edge to a virtual node: a client's attributes may name its peer (peer.service, server.address, db.system,
 * messaging.system, in this order). A server without a parent is a root: the user called it. What nothing names is an unpaired span; many of them mean that the topic is
 * not keyed by trace id, so that ends lie in different partitions.
 *
 * Everything is a function of the partition's records in their order, time included: the partition's event time is the newest seen, and decides expiry. So a
 * successor that feeds the same records holds the same nodes (replay.c).
 *
 * Layout: nodes come from blocks and are used again; a ring of pointers in order of arrival, which is the order of expiry; names are kept once for each text while
 * nodes refer to them, so a stream of new names costs no more than its nodes do. The keys are ids made at random; 64 bits of the trace id's hash and the 64 of the
 * span id tell them apart. Metric names and the idea of virtual nodes: Grafana Tempo's service graph processor. */
#include "engine/graph.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"

#include <stdlib.h>

enum { BLOCK = 256 };

struct name {
	uint64_t hash;
	size_t used, len;
	char text[];
};

struct node {
	struct node *next, *prev; /* with the same key: a client first, if there is one; or free */
	uint64_t trace, span;
	int64_t came_ns;    /* the partition's event time then */
	struct name *service, *peer;
	double seconds;
	enum graph_connection connection; /* of the edge to the peer */
	bool is_client, messaging, failed, paired;
};

struct block {
	struct block *next;
	struct node nodes[BLOCK];
};

struct graph {
	int64_t hold_ns;
	size_t spans_max;
	uint64_t given_up;
	struct map ends, names;
	struct block *blocks;
	struct node *free;
	struct node **ring;
	size_t first, len, cap; /* cap: a power of two */
};

const char *graph_connection_name(enum graph_connection connection)
{
	static const char *const names[] = {"", "messaging_system", "database", "virtual_node", "unpaired"};
	return names[connection];
}

struct graph *graph_new(int64_t hold_ns, size_t spans_max)
{
	struct graph *g = mem_zalloc(1, sizeof(*g));
	g->hold_ns = hold_ns;
	g->spans_max = spans_max;
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
	free(g->ring);
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

static uint64_t key_of(const struct node *n)
{
	return hash_pair(n->trace, n->span);
}

static bool same_key(const void *item, const void *key)
{
	const struct node *a = item, *b = key;
	return a->trace == b->trace && a->span == b->span;
}

static void push(struct graph *g, struct node *n)
{
	if (g->len == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : BLOCK;
		struct node **ring = mem_zalloc(cap, sizeof(struct node *));
		for (size_t i = 0; i < g->len; i++)
			ring[i] = g->ring[(g->first + i) & (g->cap - 1)];
		free(g->ring);
		g->ring = ring;
		g->first = 0;
		g->cap = cap;
	}
	g->ring[(g->first + g->len++) & (g->cap - 1)] = n;
}

/* Puts the node among those of its key, of which head is the first: a client becomes the first, a server the second. */
static void add(struct graph *g, struct node *n, struct node *head)
{
	if (!head) {
		map_put(&g->ends, key_of(n), n);
	} else if (n->is_client) {
		map_remove(&g->ends, key_of(n), same_key, n);
		n->next = head;
		head->prev = n;
		map_put(&g->ends, key_of(n), n);
	} else {
		n->prev = head;
		n->next = head->next;
		if (n->next)
			n->next->prev = n;
		head->next = n;
	}
	push(g, n);
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

static void emit_pair(const struct node *client, const struct node *server, graph_sink *sink, void *arg)
{
	struct graph_edge edge = {
		.client = name_text(client->service),
		.server = name_text(server->service),
		.connection = client->messaging || server->messaging ? GRAPH_MESSAGING : GRAPH_CALL,
		.client_seconds = client->seconds,
		.server_seconds = server->seconds,
		.failed = client->failed || server->failed,
		.fed = true,
	};
	if (sink)
		sink(arg, &edge);
}

/* What becomes of an end that found no other. */
static void emit_alone(const struct node *n, graph_sink *sink, void *arg)
{
	struct graph_edge edge = {
		.client = n->is_client ? name_text(n->service) : name_text(n->peer),
		.server = n->is_client ? name_text(n->peer) : name_text(n->service),
		.connection = n->connection,
		.client_seconds = n->is_client ? n->seconds : -1,
		.server_seconds = n->is_client ? -1 : n->seconds,
		.failed = n->failed,
	};
	if (sink)
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
	struct node *n = g->ring[g->first];
	g->first = (g->first + 1) & (g->cap - 1);
	g->len--;
	take_out(g, n);
	if (!n->paired)
		emit_alone(n, sink, arg);
	node_free(g, n);
}

static void leave(struct graph *g, int64_t newest_ns, graph_sink *sink, void *arg)
{
	while (g->len && newest_ns - g->ring[g->first]->came_ns >= g->hold_ns)
		leave_first(g, sink, arg);
	while (g->len >= g->spans_max) {
		g->given_up += !g->ring[g->first]->paired;
		leave_first(g, sink, arg);
	}
}

/* A server pairs with its client, a client with all servers that wait for it. */
static void meet(struct node *n, struct node *head, graph_sink *sink, void *arg)
{
	if (!n->is_client && head && head->is_client) {
		emit_pair(head, n, sink, arg);
		n->paired = head->paired = true;
	}
	for (struct node *o = n->is_client ? head : NULL; o; o = o->next)
		if (!o->paired) {
			emit_pair(n, o, sink, arg);
			n->paired = o->paired = true;
		}
}

/* --- spans --- */

static void name_peer(struct graph *g, struct node *n, const struct record *span)
{
	static const struct {
		const char *attribute;
		enum graph_connection connection;
	} peers[] = {{"peer.service", GRAPH_VIRTUAL}, {"server.address", GRAPH_VIRTUAL}, {"net.peer.name", GRAPH_VIRTUAL}, {"db.system", GRAPH_DATABASE},
		{"db.system.name", GRAPH_DATABASE}, {"messaging.system", GRAPH_MESSAGING}};
	struct slice value;
	n->connection = GRAPH_UNPAIRED;
	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		if (!record_field(span, slice_str(peers[i].attribute), &value) || value.len == 0)
			continue;
		if (!n->peer) {
			n->peer = name_take(g, value);
			n->connection = peers[i].connection;
		} else if (n->connection == GRAPH_VIRTUAL) {
			n->connection = peers[i].connection; /* peer.service names it, db.system says what it is */
		}
	}
}

/* 16 hex digits; 0 if it is no such id. */
static uint64_t span_id(struct slice hex)
{
	uint64_t id = 0;
	for (size_t i = 0; i < hex.len && i < 16; i++) {
		unsigned char c = (unsigned char)hex.ptr[i];
		id = id << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return id;
}

static void describe(struct graph *g, struct node *n, const struct record *span, struct slice service)
{
	n->service = name_take(g, service);
	n->seconds = span->duration_ns < 0 ? 0 : (double)span->duration_ns / 1e9;
	n->failed = span->status == STATUS_ERROR;
	n->connection = GRAPH_UNPAIRED;
	if (n->is_client)
		name_peer(g, n, span);
}

/* The user calls the root of a trace. */
static void emit_root(const struct record *span, struct slice service, graph_sink *sink, void *arg)
{
	struct graph_edge edge = {
		.client = SLICE("user"),
		.server = service,
		.connection = GRAPH_VIRTUAL,
		.client_seconds = -1,
		.server_seconds = span->duration_ns < 0 ? 0 : (double)span->duration_ns / 1e9,
		.failed = span->status == STATUS_ERROR,
		.fed = true,
	};
	if (sink)
		sink(arg, &edge);
}

void graph_span(struct graph *g, const struct record *span, struct slice service, int64_t newest_ns, graph_sink *sink, void *arg)
{
	bool is_client = span->span_kind == SPAN_CLIENT || span->span_kind == SPAN_PRODUCER, is_server = span->span_kind == SPAN_SERVER || span->span_kind == SPAN_CONSUMER;
	struct slice id = is_client ? span->span_id : span->parent_span_id;
	leave(g, newest_ns, sink, arg);
	if ((!is_client && !is_server) || span->trace_id.len == 0 || (is_client && id.len == 0))
		return;
	if (is_server && id.len == 0) {
		emit_root(span, service, sink, arg);
		return;
	}
	struct node *n = node_new(g);
	n->is_client = is_client;
	n->messaging = span->span_kind == SPAN_PRODUCER || span->span_kind == SPAN_CONSUMER;
	n->trace = hash_bytes(span->trace_id);
	n->span = span_id(id);
	n->came_ns = newest_ns;
	describe(g, n, span, service);
	struct node *head = map_get(&g->ends, key_of(n), same_key, n);
	if (n->is_client && head && head->is_client) {
		node_free(g, n); /* the same span, delivered twice */
		return;
	}
	meet(n, head, sink, arg);
	add(g, n, head);
}
