/* SPDX-License-Identifier: Apache-2.0 */
/* Edges of the service graph as series. */
#include "engine/red_memo.h"

static void fill_edge(struct red *r, const struct graph_edge *edge, struct memo *m)
{
	struct slice server = edge->server.len ? red_in_budget(r, edge->client, "server", edge->server, &m->refusal) : edge->server;
	struct label labels[] = {
		red_label("client", edge->client),
		red_label("server", server),
		red_label("connection_type", slice_str(graph_connection_name(edge->connection))),
	};
	if (edge->connection == GRAPH_UNPAIRED) {
		m->series[0] = tally_series(r->tally, FAMILY_GRAPH_UNPAIRED, labels, 2);
		return;
	}
	m->series[0] = tally_series(r->tally, FAMILY_GRAPH_REQUESTS, labels, 3);
	if (edge->failed)
		m->series[1] = tally_series(r->tally, FAMILY_GRAPH_FAILED, labels, 3);
	m->series[2] = tally_series(r->tally, FAMILY_GRAPH_CLIENT, labels, 3);
	m->series[3] = tally_series(r->tally, FAMILY_GRAPH_SERVER, labels, 3);
}

enum red_refusal red_edge(struct red *r, const struct red_event *e, const struct graph_edge *edge)
{
	const char head[] = {'e', (char)edge->connection, (char)edge->failed, 0, 0};
	struct exemplar x = {0};
	int64_t step = red_step(r, e->time_ns);
	bool fresh;
	char *at = key_bytes(key_begin(r, sizeof(head), 2 * sizeof(uint32_t) + edge->client.len + edge->server.len), head, sizeof(head));
	key_end(r, key_text(key_text(at, edge->client), edge->server));
	struct memo *m = memo_get(r, &fresh);
	if (fresh)
		fill_edge(r, edge, m);
	if (edge->clocks_apart)
		red_fault(r, "clock", step);
	if (edge->fed && edge->connection != GRAPH_UNPAIRED)
		red_exemplar(&x, e, 1); /* other edges are of another trace than the span that brought the time on */
	tally_count(r->tally, (uint32_t)m->series[0], step, edge->weight, red_candidate(&x));
	if (m->series[1] != NONE)
		tally_count(r->tally, (uint32_t)m->series[1], step, edge->weight, red_candidate(&x));
	const double seconds[] = {edge->client_seconds, edge->server_seconds};
	for (size_t i = 0; i < 2; i++) {
		if (edge->connection == GRAPH_UNPAIRED || seconds[i] < 0)
			continue;
		x.value = seconds[i];
		tally_observe_n(r->tally, (uint32_t)m->series[2 + i], step, seconds[i], edge->weight, red_candidate(&x));
	}
	return m->refusal;
}
