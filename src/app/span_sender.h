/* SPDX-License-Identifier: Apache-2.0 */
/* Kept spans to an OTLP/HTTP endpoint, beside their topic: a bounded queue and a thread of its own. */
#ifndef WINNOW_APP_SPAN_SENDER_H
#define WINNOW_APP_SPAN_SENDER_H

#include "sink/http.h"
#include "sink/retry.h"

struct span_sender;

struct span_sender_opts {
	struct http_opts http;  /* body is set here */
	bool gzip;
	size_t queue_bytes;     /* 64 MiB: what waits */
	size_t request_bytes;   /* 1 MiB before packing; a message that is larger goes alone */
	int64_t backoff_min_ns; /* 100 ms */
	int64_t backoff_max_ns; /* 10 s */
	int64_t give_up_ns;     /* 5 min: what waited longer is given up */
};
/* The values above; http is left zero. */
void span_sender_opts_default(struct span_sender_opts *opts);

struct span_sender_status {
	struct reply_codes requests;
	uint64_t sent, overflow, expired, refused; /* spans: taken; the queue was full; waited too long; not taken by the endpoint */
	uint64_t queued, queued_bytes;             /* spans and their bytes now */
	uint64_t bytes;                            /* of bodies posted, repeats included */
	char last_error[600];                      /* empty: the last request passed */
};

/* ERR_INPUT as http_sender_new. */
int span_sender_start(const struct span_sender_opts *opts, struct span_sender **ret, struct err *err);
/* Takes a copy of a TracesData message. Never waits: if the queue is full, its spans are counted as overflow. Any thread. */
void span_sender_add(struct span_sender *s, struct slice otlp, size_t spans);
/* What waits gets timeout_ns to leave; frees. NULL: nothing happens. */
void span_sender_stop(struct span_sender *s, int64_t timeout_ns);
/* Any thread. */
void span_sender_status(struct span_sender *s, struct span_sender_status *ret);

/* What an answer means, apart from all I/O. */
enum span_sender_move {
	SPAN_SENDER_PASSED,
	SPAN_SENDER_RETRY,  /* the same messages again */
	SPAN_SENDER_HALVE,  /* some of the messages may be the reason: fewer of them again */
	SPAN_SENDER_REFUSED /* never again */
};
enum span_sender_move span_sender_decide(int status, size_t messages);
/* Spans that an answer (ExportTraceServiceResponse) says were refused although the request passed; at most as many as were sent. */
uint64_t span_sender_rejected(struct slice answer, uint64_t sent);

#endif
