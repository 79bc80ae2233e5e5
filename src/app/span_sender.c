/* SPDX-License-Identifier: Apache-2.0 */
/*
 * THE SENDER OF SPANS: kept spans on their way to an OTLP/HTTP endpoint.
 *
 * The topic is the record: a delta is appended when its kept spans are stored there. The endpoint must not be able to hold that up, so what goes to it waits in
 * a queue of this process, bounded by bytes and by time, and is given up, and counted by its spans, rather than waited for:
 *
 *   queue full                    the newest message is not taken (overflow)
 *   waited longer than give_up    the oldest goes (expired): after an outage the last minutes arrive, not the first
 *   429, 502, 503, 504, no answer the same messages again: 100 ms, 200 ms, ... 10 s, jittered; Retry-After if that is longer, up to a minute
 *   400, 413, 422                 one message may be the reason: half as many again, until the one is alone and refused; the number grows again as requests pass
 *   any other status              refused: the specification forbids to send it again
 *   200 with partial_success      the spans that it names are refused, the others there
 *
 * A request is the messages one behind the other: concatenated protobuf messages are one whose repeated fields are joined. Messages stay in the queue until
 * their request is settled; only the thread takes them out, so it reads those it has counted without the lock.
 *
 * Source: OpenTelemetry protocol specification 1.x, "OTLP/HTTP". Threads: add and status on any, the mutex guards queue and status; the rest on its own.
 */
#include "app/span_sender.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/wire.h"
#include "sink/gzip.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ABORT_NS (NS_PER_S / 2)

struct message {
	struct message *next;
	int64_t since_ns; /* monotonic */
	size_t spans, len;
	char bytes[];
};

struct span_sender {
	struct span_sender_opts opts;
	struct http_sender *http;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct message *first, **last;
	int64_t until_ns;   /* monotonic, when stopping is over; INT64_MAX: not stopping */
	bool ended;         /* the thread has */
	struct span_sender_status status;
	/* the thread's own */
	size_t most;        /* messages of the next request */
	struct buf body, packed;
	uint64_t random;
};

void span_sender_opts_default(struct span_sender_opts *opts)
{
	*opts = (struct span_sender_opts){.gzip = true, .queue_bytes = 64 << 20, .request_bytes = 1 << 20, .backoff_min_ns = 100 * NS_PER_MS, .backoff_max_ns = 10 * NS_PER_S, .give_up_ns = 300 * NS_PER_S};
}

/* --- decisions --- */

static bool is_any(int status, const int *of, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (of[i] == status)
			return true;
	return false;
}

enum span_sender_move span_sender_decide(int status, size_t messages)
{
	static const int later[] = {0, 429, 502, 503, 504}, perhaps[] = {400, 413, 422};
	if (status >= 200 && status < 300)
		return SPAN_SENDER_PASSED;
	if (is_any(status, later, sizeof(later) / sizeof(later[0])))
		return SPAN_SENDER_RETRY;
	return messages > 1 && is_any(status, perhaps, sizeof(perhaps) / sizeof(perhaps[0])) ? SPAN_SENDER_HALVE : SPAN_SENDER_REFUSED;
}

/* A field of a message in protobuf; false if there is none or the bytes are none. */
static bool field_of(struct slice message, uint32_t number, enum wire_type type, struct wire_field *ret)
{
	struct wire w = wire_of(message);
	while (wire_next(&w, ret) == 1)
		if (ret->number == number && ret->type == type)
			return true;
	return false;
}

uint64_t span_sender_rejected(struct slice answer, uint64_t sent)
{
	struct wire_field partial, rejected;
	if (!field_of(answer, 1, WIRE_BYTES, &partial) || !field_of(partial.bytes, 1, WIRE_VARINT, &rejected))
		return 0;
	return rejected.value < sent ? rejected.value : sent;
}

/* --- the queue, under the mutex --- */

static void take_out(struct span_sender *s)
{
	struct message *m = s->first;
	s->first = m->next;
	if (!s->first)
		s->last = &s->first;
	s->status.queued -= m->spans;
	s->status.queued_bytes -= m->len;
	free(m);
}

static void expire(struct span_sender *s)
{
	int64_t oldest = clock_mono_ns() - s->opts.give_up_ns;
	while (s->first && s->first->since_ns < oldest) {
		s->status.expired += s->first->spans;
		take_out(s);
	}
}

static void wait_until(struct span_sender *s, int64_t until_ns)
{
	struct timespec t = {.tv_sec = until_ns / NS_PER_S, .tv_nsec = until_ns % NS_PER_S};
	pthread_cond_timedwait(&s->changed, &s->mutex, &t);
}

/* How many messages are next, 0: stopping is over. */
static size_t next_messages(struct span_sender *s, uint64_t *ret_spans)
{
	size_t n = 0, bytes = 0;
	pthread_mutex_lock(&s->mutex);
	expire(s);
	while (!s->first && s->until_ns == INT64_MAX)
		pthread_cond_wait(&s->changed, &s->mutex);
	*ret_spans = 0;
	if (clock_mono_ns() < s->until_ns)
		for (const struct message *m = s->first; m && n < s->most && (n == 0 || bytes + m->len <= s->opts.request_bytes); m = m->next) {
			bytes += m->len;
			*ret_spans += m->spans;
			n++;
		}
	pthread_mutex_unlock(&s->mutex);
	return n;
}

/* --- the thread --- */

static void post(struct span_sender *s, size_t messages, struct http_reply *reply)
{
	const struct message *m = s->first; /* not empty: only this thread takes out */
	buf_reset(&s->body);
	buf_reset(&s->packed);
	for (size_t left = messages;; m = m->next) {
		buf_add(&s->body, m->bytes, m->len);
		if (--left == 0)
			break; /* the last one's next is for the lock */
	}
	if (s->opts.gzip)
		gzip_pack(buf_slice(&s->body), &s->packed);
	http_sender_post(s->http, buf_slice(s->opts.gzip ? &s->packed : &s->body), 0, reply);
}

static void tell(const struct http_reply *reply, enum span_sender_move move, bool troubled, uint64_t refused, size_t messages)
{
	if (move == SPAN_SENDER_PASSED && refused)
		log_line(LOG_WARN, "otlp", "the endpoint took a request and refused %llu of its spans", (unsigned long long)refused);
	else if (move == SPAN_SENDER_PASSED && troubled)
		log_line(LOG_INFO, "otlp", "all is well");
	else if (move == SPAN_SENDER_REFUSED)
		log_line(LOG_WARN, "otlp", "the endpoint refused %zu messages of kept spans with %d: %s", messages, reply->status, reply->reason);
	else if (move != SPAN_SENDER_PASSED && !troubled)
		log_line(LOG_WARN, "otlp", "the endpoint does not take kept spans (%d: %s); they wait", reply->status, reply->reason);
}

/* What became of the first messages, in the status and in the queue. */
static void settle(struct span_sender *s, size_t messages, uint64_t spans, const struct http_reply *reply, enum span_sender_move move)
{
	uint64_t refused = move == SPAN_SENDER_PASSED ? span_sender_rejected(reply->answer, spans) : move == SPAN_SENDER_REFUSED ? spans : 0;
	bool over = move == SPAN_SENDER_PASSED || move == SPAN_SENDER_REFUSED;
	pthread_mutex_lock(&s->mutex);
	bool troubled = s->status.last_error[0];
	reply_codes_count(&s->status.requests, reply->status);
	s->status.bytes += s->opts.gzip ? s->packed.len : s->body.len;
	s->status.refused += refused;
	if (move == SPAN_SENDER_PASSED)
		s->status.sent += spans - refused;
	for (size_t i = 0; over && i < messages; i++)
		take_out(s);
	if (move == SPAN_SENDER_PASSED)
		s->status.last_error[0] = 0;
	else
		snprintf(s->status.last_error, sizeof(s->status.last_error), "%d: %s", reply->status, reply->reason);
	pthread_mutex_unlock(&s->mutex);
	tell(reply, move, troubled, refused, messages);
}

static void pause_for(struct span_sender *s, unsigned attempt, int64_t asked_ns)
{
	s->random = hash_pair(s->random, 1);
	int64_t until = clock_mono_ns() + retry_wait_ns(s->opts.backoff_min_ns, s->opts.backoff_max_ns, attempt, s->random, asked_ns);
	pthread_mutex_lock(&s->mutex);
	while (clock_mono_ns() < until && clock_mono_ns() < s->until_ns)
		wait_until(s, until < s->until_ns ? until : s->until_ns);
	pthread_mutex_unlock(&s->mutex);
}

static void *run(void *arg)
{
	struct span_sender *s = arg;
	unsigned attempt = 0;
	uint64_t spans;
	for (size_t n; (n = next_messages(s, &spans)) > 0;) {
		struct http_reply reply;
		post(s, n, &reply);
		enum span_sender_move move = span_sender_decide(reply.status, n);
		settle(s, n, spans, &reply, move);
		if (move == SPAN_SENDER_HALVE)
			s->most = n / 2;
		else if (move == SPAN_SENDER_PASSED && s->most < SIZE_MAX / 2)
			s->most *= 2;
		if (move == SPAN_SENDER_RETRY)
			pause_for(s, attempt++, reply.retry_after_ns);
		else
			attempt = 0;
	}
	pthread_mutex_lock(&s->mutex);
	s->ended = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

/* --- from outside --- */

int span_sender_start(const struct span_sender_opts *opts, struct span_sender **ret, struct err *err)
{
	struct span_sender *s = mem_zalloc(1, sizeof(*s));
	pthread_condattr_t attr;
	s->opts = *opts;
	s->opts.http.body = opts->gzip ? HTTP_OTLP_GZIP : HTTP_OTLP;
	int rc = http_sender_new(&s->opts.http, &s->http, err);
	s->opts.http = (struct http_opts){0}; /* borrowed: not kept */
	if (rc < 0) {
		free(s);
		return rc;
	}
	s->last = &s->first;
	s->until_ns = INT64_MAX;
	s->most = SIZE_MAX;
	s->random = (uint64_t)clock_wall_ns();
	pthread_mutex_init(&s->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&s->thread, NULL, run, s))
		abort(); /* out of memory */
	*ret = s;
	return 0;
}

void span_sender_add(struct span_sender *s, struct slice otlp, size_t spans)
{
	struct message *m = mem_zalloc(1, sizeof(*m) + otlp.len);
	*m = (struct message){.since_ns = clock_mono_ns(), .spans = spans, .len = otlp.len};
	memcpy(m->bytes, otlp.ptr, otlp.len);
	pthread_mutex_lock(&s->mutex);
	bool fits = s->status.queued_bytes + otlp.len <= s->opts.queue_bytes;
	if (fits) {
		*s->last = m;
		s->last = &m->next;
		s->status.queued += spans;
		s->status.queued_bytes += otlp.len;
		pthread_cond_broadcast(&s->changed);
	} else {
		s->status.overflow += spans;
	}
	pthread_mutex_unlock(&s->mutex);
	if (!fits)
		free(m);
}

void span_sender_stop(struct span_sender *s, int64_t timeout_ns)
{
	if (!s)
		return;
	int64_t until = clock_mono_ns() + timeout_ns;
	pthread_mutex_lock(&s->mutex);
	s->until_ns = until;
	pthread_cond_broadcast(&s->changed);
	while (!s->ended && clock_mono_ns() < until + ABORT_NS)
		wait_until(s, until + ABORT_NS);
	pthread_mutex_unlock(&s->mutex);
	http_sender_abort(s->http);
	pthread_join(s->thread, NULL);
	const struct span_sender_status *now = &s->status;
	if (now->queued + now->overflow + now->expired + now->refused)
		log_line(LOG_WARN, "otlp", "of the kept spans, %llu did not get to the endpoint: they are in the topic alone (%llu got there)", (unsigned long long)(now->queued + now->overflow + now->expired + now->refused),
			(unsigned long long)now->sent);
	while (s->first)
		take_out(s);
	http_sender_free(s->http);
	buf_done(&s->body);
	buf_done(&s->packed);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

void span_sender_status(struct span_sender *s, struct span_sender_status *ret)
{
	pthread_mutex_lock(&s->mutex);
	*ret = s->status;
	pthread_mutex_unlock(&s->mutex);
}
