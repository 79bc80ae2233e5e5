/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP for people and Prometheus: /metrics, health, the API of status and patterns, and a page that shows them. One thread of its own. */
#ifndef WINNOW_ADMIN_ADMIN_H
#define WINNOW_ADMIN_ADMIN_H

#include "ledger/ledger.h"

enum { ADMIN_CODES_MAX = 32, ADMIN_ASIDE_MAX = 20, ADMIN_INCIDENTS_MAX = 64, ADMIN_ENDPOINTS_MAX = 8 };

/* A service of which all is kept for a time. */
struct admin_incident {
	char service[204], level[8], by[104];
	int64_t from_ns, until_ns;
};

/* Known records on their way to the receiver, as this instance counts them while it leads. */
struct admin_canary {
	bool on;
	uint64_t sent, received, missing, surplus;
	uint64_t unsent, unanswered; /* records that Kafka did not take; queries without an answer */
	int64_t delay_ns;            /* age of the oldest that is not there */
};

struct admin_requests {
	int code; /* HTTP status, 0: no answer */
	uint64_t count;
};

/* Remote write to one place. */
struct admin_endpoint {
	char name[64], url[200];   /* of the URL scheme and host alone */
	struct admin_requests requests[ADMIN_CODES_MAX]; /* by HTTP status */
	size_t requests_len;
	int write_version;         /* of remote write that is spoken now: 1 or 2, 0: none yet */
	uint64_t partial_writes;   /* requests of which the receiver wrote a part */
	uint64_t in_flight;        /* requests that may go at once now */
	uint64_t steps_sent, samples_sent, bytes_sent;
	uint64_t pending_steps, pending_bytes; /* that wait */
	int64_t waiting_since_ns;  /* end of the oldest step that waits; 0: none does */
	uint64_t folded_steps;     /* that were not sent by themselves, so that other endpoints go on */
	int64_t failing_since_ns;  /* the receiver takes nothing since then; 0: all is well */
	char last_error[600];
	int64_t last_error_ns;     /* 0: none yet */
	size_t suspects, aside, aside_len;
	struct {
		char name[300];
		char reason[256];
	} asides[ADMIN_ASIDE_MAX];
};

/* What the process knows and the ledger does not. */
struct admin_status {
	char not_ready[512];     /* why this instance does no work yet; empty: it is ready */
	char last_error[600];    /* of any endpoint */
	int64_t last_error_ns;   /* 0: none yet */
	bool leader;
	bool rules_reload_successful;
	int64_t rules_loaded_ns; /* those in force */
	struct admin_endpoint endpoints[ADMIN_ENDPOINTS_MAX];
	size_t endpoints_len;
	struct {
		uint64_t taken, limited, lost;
	} dead_letters;
	struct {
		bool on;
		uint64_t kept, dropped, early, kept_spans, dropped_spans, untraced, kept_bytes, lost, undecided, bytes;
	} traces; /* of tail sampling */
	struct {
		bool on;
		struct admin_requests requests[ADMIN_CODES_MAX];
		size_t requests_len;
		uint64_t sent, overflow, expired, refused, queued, bytes; /* spans, but bytes */
		char last_error[600];   /* empty: the last request passed */
	} otlp; /* the endpoint for kept spans */
	struct admin_incident incidents[ADMIN_INCIDENTS_MAX];
	size_t incidents_len;
	uint64_t incidents_raised, incident_records;
	struct admin_canary canary;
	uint64_t overruled; /* offsets of a consumer group */
};

struct admin_opts {
	const char *listen;      /* "127.0.0.1:9465", "[::1]:9465", "localhost:0" */
	const char *token;       /* asked for as a bearer token everywhere but health and the page itself; NULL: none */
	bool insecure;           /* allows an address other than loopback without a token */
	const char *version;
	void *app;               /* handed to the functions; each may be called at any time until admin_stop returns, from the server's thread */
	/* The ledger, locked until unlock; NULL (and not locked) while there is none. */
	const struct ledger *(*lock)(void *app);
	void (*unlock)(void *app);
	void (*status)(void *app, struct admin_status *ret);
	/* End of the log of a partition, -1: unknown. Called with the ledger locked. May be NULL, as may reload. */
	int64_t (*end_offset)(void *app, struct slice topic, int32_t partition);
	int (*reload)(void *app, struct err *err);
	/* Tail sampling: the name of a reason (one bit; NULL: it is none), and whether the share takes a trace. May be NULL. */
	const char *(*reason)(unsigned bit);
	bool (*shared)(void *app, struct slice trace_id);
	/* Incidents; all three or none, without the ledger's lock. incident takes what was posted. */
	int (*incident)(void *app, struct slice body, struct buf *out, struct err *err);
	void (*incidents)(void *app, struct buf *out);
	void (*control)(void *app, struct slice service, struct buf *out);
	/* Records as they pass, behind number `after`; without the ledger's lock. May be NULL. */
	void (*tap)(void *app, struct slice filter, uint64_t after, struct buf *out);
};

struct admin;

/* ERR_INPUT: the address is not usable or not allowed; ERR_IO: it is taken. Texts in opts are copied. */
int admin_start(const struct admin_opts *opts, struct admin **ret, struct err *err);
void admin_stop(struct admin *a);
/* The port it listens on. */
unsigned admin_port(const struct admin *a);

#endif
