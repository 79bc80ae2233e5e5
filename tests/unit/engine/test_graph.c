/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/buf.h"
#include "base/clock.h"
#include "engine/graph.h"
#include "record/decoder.h"

#include <stdio.h>

#define START (INT64_C(1772615690) * NS_PER_S)
#define HOLD (30 * NS_PER_S)

struct bench {
	struct graph *graph;
	struct decoder *decoder;
	struct buf said; /* every edge: "cart -> billing (kind) failed; " */
};

static void setup(struct bench *b, size_t spans_max)
{
	const struct decoder_opts opts = {.format = FORMAT_OTLP_JSON};
	*b = (struct bench){.graph = graph_new(&(struct graph_opts){.hold_ns = HOLD, .spans_max = spans_max}), .decoder = decoder_new(&opts)};
}

static void done(struct bench *b)
{
	graph_free(b->graph);
	decoder_free(b->decoder);
	buf_done(&b->said);
}

static void say(void *arg, const struct graph_edge *e)
{
	buf_printf(arg, "%.*s->%.*s", (int)e->client.len, e->client.ptr ? e->client.ptr : "", (int)e->server.len, e->server.ptr ? e->server.ptr : "");
	if (e->connection)
		buf_printf(arg, " %s", graph_connection_name(e->connection));
	if (e->failed)
		buf_add_str(arg, " failed");
	if (e->client_seconds >= 0)
		buf_printf(arg, " c%g", e->client_seconds);
	if (e->server_seconds >= 0)
		buf_printf(arg, " s%g", e->server_seconds);
	buf_add_str(arg, "; ");
}

struct span {
	const char *service;
	int kind;            /* as OTLP numbers them */
	unsigned id, parent; /* 0: none */
	int at_s, took_ms;
	const char *peer;    /* attributes as JSON; NULL: none */
	bool error;
};

static void feed(struct bench *b, const struct span *s)
{
	char text[2048], parent[48] = "";
	struct decoded decoded;
	int64_t end = START + s->at_s * NS_PER_S;
	if (s->parent)
		snprintf(parent, sizeof(parent), "\"parentSpanId\":\"%016x\",", s->parent);
	snprintf(text, sizeof(text),
		"{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"%s\"}}]},\"scopeSpans\":[{\"spans\":["
		"{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"%016x\",%s\"name\":\"x\",\"kind\":%d,\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":\"%lld\",\"attributes\":[%s]%s}]}]}]}",
		s->service, s->id, parent, s->kind, (long long)(end - s->took_ms * NS_PER_MS), (long long)end, s->peer ? s->peer : "", s->error ? ",\"status\":{\"code\":2}" : "");
	decoder_decode(b->decoder, slice_str(text), end, &decoded);
	assert_int_equal(decoded.len, 1);
	graph_span(b->graph, &decoded.records[0], decoded.records[0].service, end, WEIGHT_UNIT, say, &b->said);
}

#define FEED(b, ...) feed(b, &(struct span){__VA_ARGS__})
#define SAID(b, text) do { check_slice(buf_slice(&(b)->said), text); buf_reset(&(b)->said); } while (0)
#define ATTRIBUTE(key, value) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"

enum { INTERNAL = 1, SERVER, CLIENT, PRODUCER, CONSUMER };

static void two_ends_make_an_edge_in_either_order(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, 100);
	FEED(&b, "billing", SERVER, .id = 2, .parent = 1, .took_ms = 250);
	SAID(&b, "");
	FEED(&b, "cart", CLIENT, .id = 1, .parent = 9, .took_ms = 500);
	SAID(&b, "cart->billing c0.5 s0.25; ");
	FEED(&b, "cart", CLIENT, .id = 3, .parent = 9, .took_ms = 500, .error = true);
	FEED(&b, "stock", SERVER, .id = 4, .parent = 3, .took_ms = 125);
	SAID(&b, "cart->stock failed c0.5 s0.125; ");
	done(&b);
}

static void producers_and_consumers_are_an_edge_over_messages(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, 100);
	FEED(&b, "cart", PRODUCER, .id = 1, .parent = 9);
	FEED(&b, "mail", CONSUMER, .id = 2, .parent = 1, .error = true);
	SAID(&b, "cart->mail messaging_system failed c0 s0; ");
	done(&b);
}

static void a_root_is_called_by_the_user_and_spans_within_a_service_are_no_edge(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, 100);
	FEED(&b, "gateway", SERVER, .id = 1, .took_ms = 1000);
	SAID(&b, "user->gateway virtual_node s1; ");
	FEED(&b, "gateway", INTERNAL, .id = 2, .parent = 1);
	SAID(&b, "");
	assert_true(graph_empty(b.graph));
	done(&b);
}

static void every_server_of_one_client_is_an_edge(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, 100);
	FEED(&b, "a", SERVER, .id = 2, .parent = 1);
	FEED(&b, "b", SERVER, .id = 3, .parent = 1);
	FEED(&b, "cart", CLIENT, .id = 1, .parent = 9);
	FEED(&b, "c", SERVER, .id = 4, .parent = 1);
	SAID(&b, "cart->a c0 s0; cart->b c0 s0; cart->c c0 s0; ");
	done(&b);
}

static void a_client_delivered_twice_is_one(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, 100);
	FEED(&b, "cart", CLIENT, .id = 1, .parent = 9, .peer = ATTRIBUTE("peer.service", "a"));
	FEED(&b, "cart", CLIENT, .id = 1, .parent = 9, .peer = ATTRIBUTE("peer.service", "a"));
	FEED(&b, "a", SERVER, .id = 2, .parent = 1);
	FEED(&b, "cart", INTERNAL, .id = 8, .at_s = 60);
	SAID(&b, "cart->a c0 s0; ");
	assert_true(graph_empty(b.graph));
	done(&b);
}

static void after_the_hold_attributes_name_the_other_end(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, 100);
	FEED(&b, "cart", CLIENT, .id = 1, .parent = 9, .took_ms = 10, .peer = ATTRIBUTE("server.address", "pay.example") "," ATTRIBUTE("peer.service", "pay"));
	FEED(&b, "cart", CLIENT, .id = 2, .parent = 9, .peer = ATTRIBUTE("server.address", "db-1") "," ATTRIBUTE("db.system", "postgresql"));
	FEED(&b, "cart", CLIENT, .id = 3, .parent = 9, .peer = ATTRIBUTE("db.system", "redis"));
	FEED(&b, "cart", PRODUCER, .id = 4, .parent = 9, .peer = ATTRIBUTE("messaging.system", "kafka"), .error = true);
	FEED(&b, "cart", INTERNAL, .id = 8, .at_s = 29);
	SAID(&b, "");
	FEED(&b, "cart", INTERNAL, .id = 8, .at_s = 30);
	SAID(&b, "cart->pay virtual_node c0.01; cart->db-1 database c0; cart->redis database c0; cart->kafka messaging_system failed c0; ");
	done(&b);
}

static void what_nothing_names_is_unpaired(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, 100);
	FEED(&b, "cart", CLIENT, .id = 1, .parent = 9);
	FEED(&b, "billing", SERVER, .id = 2, .parent = 77, .at_s = 1);
	FEED(&b, "cart", INTERNAL, .id = 8, .at_s = 31);
	SAID(&b, "cart-> unpaired c0; ->billing unpaired s0; ");
	FEED(&b, "billing", SERVER, .id = 2, .parent = 1, .at_s = 32);
	SAID(&b, "");
	done(&b);
}

static void past_the_limit_the_oldest_is_given_up(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, 3);
	for (unsigned i = 1; i <= 5; i++)
		FEED(&b, "cart", CLIENT, .id = i, .parent = 9, .peer = ATTRIBUTE("peer.service", "pay"));
	SAID(&b, "cart->pay virtual_node c0; cart->pay virtual_node c0; ");
	assert_int_equal(graph_given_up(b.graph), 2);
	done(&b);
}

static void who_has_met_his_caller_takes_no_room(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, 4);
	FEED(&b, "pay", SERVER, .id = 11, .parent = 1);
	FEED(&b, "pay", SERVER, .id = 12, .parent = 2);
	FEED(&b, "cart", CLIENT, .id = 1);
	FEED(&b, "pay", SERVER, .id = 13, .parent = 3);
	FEED(&b, "cart", CLIENT, .id = 3);
	FEED(&b, "cart", CLIENT, .id = 2);
	SAID(&b, "cart->pay c0 s0; cart->pay c0 s0; cart->pay c0 s0; ");
	assert_int_equal(graph_given_up(b.graph), 0);
	done(&b);
}

static void a_trace_of_very_many_spans_costs_no_other_trace_its_edges(void **state)
{
	struct bench b;
	char id[17];
	(void)state;
	setup(&b, 800);
	graph_free(b.graph);
	b.graph = graph_new(&(struct graph_opts){.hold_ns = HOLD, .spans_max = 800, .services = true});
	FEED(&b, "cart", CLIENT, .id = 1);
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(id, sizeof(id), "%016x", i + 16);
		struct record r = {.kind = RECORD_SPAN, .span_kind = SPAN_INTERNAL, .trace_id = SLICE("ffffffffffffffffffffffffffffffff"), .span_id = slice_str(id), .parent_span_id = SLICE("000000000000000f"), .time_ns = START};
		graph_span(b.graph, &r, SLICE("deep"), START, WEIGHT_UNIT, NULL, NULL);
	}
	FEED(&b, "pay", SERVER, .id = 2, .parent = 1);
	SAID(&b, "cart->pay c0 s0; ");
	assert_int_equal(graph_given_up(b.graph), 2 * 100000 - 164);
	done(&b);
}

static void a_million_spans_under_one_parent_are_no_more_work_each(void **state)
{
	struct bench b;
	char text[4096];
	struct decoded decoded;
	(void)state;
	setup(&b, 200000);
	snprintf(text, sizeof(text),
		"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"00000000000000aa\",\"parentSpanId\":\"00000000000000bb\",\"name\":\"x\",\"kind\":2,"
		"\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":\"%lld\"}]}]}]}", (long long)START, (long long)START);
	decoder_decode(b.decoder, slice_str(text), START, &decoded);
	for (int i = 0; i < 1000000; i++)
		graph_span(b.graph, &decoded.records[0], SLICE("deep"), START + i * NS_PER_MS, WEIGHT_UNIT, NULL, NULL);
	FEED(&b, "deep", INTERNAL, .id = 8, .at_s = 1000);
	buf_reset(&b.said);
	FEED(&b, "cart", CLIENT, .id = 0xbb, .parent = 9, .at_s = 1000);
	assert_int_equal(b.said.len % strlen("cart->deep c0 s0; "), 0);
	assert_int_equal(b.said.len / strlen("cart->deep c0 s0; "), 25063); /* an eighth of 200,000 wait: the last ones that found room */
	done(&b);
}

static void services(struct bench *b)
{
	graph_free(b->graph);
	b->graph = graph_new(&(struct graph_opts){.hold_ns = HOLD, .spans_max = 100, .services = true});
}

static void parents_in_another_service_are_edges_where_that_is_asked_for(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, 100);
	FEED(&b, "cart", INTERNAL, .id = 1, .parent = 9);
	FEED(&b, "stock", INTERNAL, .id = 2, .parent = 1);
	SAID(&b, "");
	services(&b);
	FEED(&b, "gateway", SERVER, .id = 1, .took_ms = 1000);
	FEED(&b, "gateway", INTERNAL, .id = 2, .parent = 1);
	FEED(&b, "cart", INTERNAL, .id = 4, .parent = 3, .took_ms = 250, .error = true); /* before its parent */
	FEED(&b, "gateway", INTERNAL, .id = 3, .parent = 2, .took_ms = 500);
	FEED(&b, "stock", SERVER, .id = 5, .parent = 4);
	SAID(&b, "user->gateway virtual_node s1; gateway->cart failed c0.5 s0.25; cart->stock failed c0.25 s0; ");
	FEED(&b, "gateway", INTERNAL, .id = 3, .parent = 2, .took_ms = 500); /* delivered twice */
	FEED(&b, "cart", INTERNAL, .id = 4, .parent = 3);
	FEED(&b, "late", INTERNAL, .id = 8, .parent = 8, .at_s = 40);
	SAID(&b, "");
	FEED(&b, "late", INTERNAL, .id = 9, .parent = 77, .at_s = 40);
	FEED(&b, "late", INTERNAL, .id = 10, .parent = 8, .at_s = 80);
	SAID(&b, "->late unpaired s0; ");
	done(&b);
}

static void a_client_waits_for_its_server_whatever_its_own_children(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, 100);
	services(&b);
	FEED(&b, "cart", CLIENT, .id = 1, .parent = 9, .peer = ATTRIBUTE("peer.service", "pay"));
	FEED(&b, "cart", INTERNAL, .id = 2, .parent = 1);
	FEED(&b, "cart", INTERNAL, .id = 3, .parent = 2, .at_s = 31);
	SAID(&b, "->cart unpaired s0; cart->pay virtual_node c0; "); /* span 9 did not come */
	done(&b);
}

static void spans_are_remembered_once_where_they_may_come_again(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, 100);
	graph_free(b.graph);
	b.graph = graph_new(&(struct graph_opts){.hold_ns = HOLD, .spans_max = 100, .once = true});
	for (int i = 0; i < 2; i++) {
		FEED(&b, "gateway", SERVER, .id = 1);
		FEED(&b, "cart", CLIENT, .id = 2, .parent = 1);
		FEED(&b, "pay", SERVER, .id = 3, .parent = 2);
		FEED(&b, "pay", INTERNAL, .id = 4, .parent = 3);
	}
	SAID(&b, "user->gateway virtual_node s0; cart->pay c0 s0; ");
	done(&b);
}

static void a_consumer_meets_its_producer_over_a_link(void **state)
{
	struct bench b;
	struct decoded decoded;
	char text[2048];
	(void)state;
	setup(&b, 100);
	FEED(&b, "cart", PRODUCER, .id = 1, .parent = 9);
	snprintf(text, sizeof(text),
		"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"1af7651916cd43dd8448eb211c80319c\",\"spanId\":\"00000000000000aa\",\"name\":\"x\",\"kind\":5,"
		"\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":\"%lld\",\"links\":[{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"0000000000000001\"}]}]}]}]}",
		(long long)START, (long long)START);
	decoder_decode(b.decoder, slice_str(text), START, &decoded);
	assert_int_equal(decoded.len, 1);
	graph_span(b.graph, &decoded.records[0], SLICE("mail"), START, WEIGHT_UNIT, say, &b.said);
	SAID(&b, "cart->mail messaging_system c0 s0; ");
	done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_ends_make_an_edge_in_either_order),
		cmocka_unit_test(producers_and_consumers_are_an_edge_over_messages),
		cmocka_unit_test(a_root_is_called_by_the_user_and_spans_within_a_service_are_no_edge),
		cmocka_unit_test(every_server_of_one_client_is_an_edge),
		cmocka_unit_test(a_client_delivered_twice_is_one),
		cmocka_unit_test(after_the_hold_attributes_name_the_other_end),
		cmocka_unit_test(what_nothing_names_is_unpaired),
		cmocka_unit_test(past_the_limit_the_oldest_is_given_up),
		cmocka_unit_test(who_has_met_his_caller_takes_no_room),
		cmocka_unit_test(parents_in_another_service_are_edges_where_that_is_asked_for),
		cmocka_unit_test(a_client_waits_for_its_server_whatever_its_own_children),
		cmocka_unit_test(spans_are_remembered_once_where_they_may_come_again),
		cmocka_unit_test(a_consumer_meets_its_producer_over_a_link),
		cmocka_unit_test(a_trace_of_very_many_spans_costs_no_other_trace_its_edges),
		cmocka_unit_test(a_million_spans_under_one_parent_are_no_more_work_each),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
