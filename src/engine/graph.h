/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls whom: pairs of spans of one partition become edges. Private to the engine room; one thread. */
#ifndef WINNOW_ENGINE_GRAPH_H
#define WINNOW_ENGINE_GRAPH_H

#include "engine/weight.h"

/* The label connection_type is graph_connection_name(). */
enum graph_connection {
	GRAPH_CALL,      /* one service called another */
	GRAPH_MESSAGING, /* PRODUCER -> CONSUMER */
	GRAPH_DATABASE,  /* a client that says db.system and whose other end sends no spans */
	GRAPH_VIRTUAL,   /* the other end sends no spans: named by the client's attributes, or the user of a root */
	GRAPH_UNPAIRED,  /* the other end did not come within the hold, and nothing names it: client or server is empty */
};
const char *graph_connection_name(enum graph_connection connection);

struct graph_edge {
	struct slice client, server;              /* views that live until graph_span returns */
	enum graph_connection connection;
	double client_seconds, server_seconds;    /* < 0: unknown */
	uint32_t weight;                          /* how many requests it stands for */
	bool clocks_apart;                        /* the server seems to begin before the client */
	bool failed;                              /* one of the ends says so */
	bool fed;                                 /* the span just fed is one of the ends; else the hold of another is over */
};

/* Called for every edge that is complete. */
typedef void graph_sink(void *arg, const struct graph_edge *edge);

struct graph;

/* With what a graph begins: which spans it has to see. */
struct graph_watch {
	int64_t due_ns; /* any, from this event time on: something has waited for long enough */
	bool all;       /* any; else those that are the end of a call by their kind */
};

struct graph_opts {
	int64_t hold_ns;   /* for how much event time a span waits */
	size_t spans_max;  /* how many ends may wait; past it the oldest is given up early. Of one trace an eighth of them; past it new ones are */
	bool services;     /* a span and its parent in another service are an edge whatever their kinds */
	bool once;         /* remember every span for the hold: the second time it comes is no time */
};

struct graph *graph_new(const struct graph_opts *opts);
void graph_free(struct graph *g);
/* Feeds a span of this service. newest_ns: the partition's event time with it, never below that of the last call. weight: how many it stands for (weight.h). sink may be NULL. */
void graph_feed(struct graph *g, const struct record *span, struct slice service, int64_t newest_ns, uint64_t weight, graph_sink *sink, void *arg);
static inline void graph_span(struct graph *g, const struct record *span, struct slice service, int64_t newest_ns, uint64_t weight, graph_sink *sink, void *arg)
{
	const struct graph_watch *watch = (const void *)g;
	if (span->span_kind > SPAN_INTERNAL || newest_ns >= watch->due_ns || watch->all)
		graph_feed(g, span, service, newest_ns, weight, sink, arg);
}
/* Nothing waits. */
bool graph_empty(const struct graph *g);
/* Spans given up early so far because too many were waiting. */
uint64_t graph_given_up(const struct graph *g);

#endif
