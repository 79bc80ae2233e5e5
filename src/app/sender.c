/* SPDX-License-Identifier: Apache-2.0 */
/*
 * THE SENDER: what happens to a closed step until the receiver has it.
 *
 * A step is a list of requests, cut by the ledger: first values (anchors), then values. All anchors must be settled before values go out; inside one phase
 * requests are about different series, so their order means nothing, and several may go at once (a wave): as many as window.c says, one until the receiver has taken one in the
 * version spoken. A wave's answers are then heard one after the other, as if each request had been sent alone; what has to go again goes alone. For each request:
 *
 *   2xx                          passed
 *   5xx, 429, 408, no answer     the same bytes again: 100 ms, 200 ms, ... 10 s, jittered; Retry-After if that is longer, up to a minute
 *   401, 403, 404, ...           we are denied, not our samples (nobody has looked at them): again every 10 s, loudly, until someone repairs it
 *   400 and other 4xx            these bytes are never sent again. Values that may have been delivered before (an earlier leader, a lost acknowledgement): the receiver
 *                                has them, passed. Else the journal is asked: if another leader has marked the step meanwhile, or noted its anchors and these were
 *                                some, the request was late, not bad, and the step is given up; if nobody noted anchors, nobody has sent values either, and a 0 may
 *                                come later. Else the request's series go to the quarantine and the step goes on without them: totals are cumulative
 *   5xx, five times in a row     perhaps the request itself is the poison (duplicate labels, "too old": Prometheus 2.42 answers 500). One series out of it is tried alone:
 *                                if that passes and the request fails three times more, the receiver is well and the request is treated as refused; else the
 *                                receiver is ill, and we wait
 *   413                          as refused, and requests are smaller from now on
 *
 *   415, and what else says so   the receiver does not speak remote write 2.0: dialect.c
 *
 * The step is acknowledged when every request passed or was refused. Source: delivery.md "Sending"; remote-write 1.0 specification; behaviour of receivers as
 * measured. Threads: sender_send on one; the mutex guards only the status that others read.
 */
#include "app/sender_parts.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "metric/remote_write.h"

#include <stdio.h>
#include <stdlib.h>

enum { SERVER_ERRORS_MAX = 5, INSIST_TRIES = 3, SAMPLES_MIN = 100 };

void sender_opts_default(struct sender_opts *opts)
{
	*opts = (struct sender_opts){.version = SENDER_ONLY_1, .version_retry_ns = 3600 * NS_PER_S, .step_ns = 10 * NS_PER_S, .receiver_window_ns = 55 * 60 * NS_PER_S, .max_samples = 2000, .max_bytes = 1 << 20, .in_flight = 1, .backoff_min_ns = 100 * NS_PER_MS,
		.backoff_max_ns = 10 * NS_PER_S, .denied_pause_ns = 10 * NS_PER_S, .aside_retry_ns = 600 * NS_PER_S, .metadata_every_ns = 60 * NS_PER_S};
}

int sender_new(const struct sender_opts *opts, const struct sender_source *source, struct sender **ret, struct err *err)
{
	struct http_sender *http;
	int status = http_sender_new(&opts->http, &http, err);
	if (status < 0)
		return status;
	struct sender *s = mem_zalloc(1, sizeof(*s));
	s->opts = *opts;
	s->opts.http = (struct http_opts){0}; /* borrowed: not kept */
	if (opts->name)
		snprintf(s->about, sizeof(s->about), "%.63s: ", opts->name);
	s->source = *source;
	s->http = http;
	s->quarantine = quarantine_new(opts->aside_retry_ns);
	s->dialect = dialect_new(opts->version, opts->version_retry_ns);
	s->status.version = REMOTE_WRITE_1; /* of http, until the first step */
	s->status.in_flight = 1;
	s->wake = queue_new(1);
	s->maybe_there_until = INT64_MIN;
	s->max_samples = opts->max_samples;
	window_init(&s->window, opts->in_flight < HTTP_JOBS_MAX ? opts->in_flight : HTTP_JOBS_MAX);
	s->random = (uint64_t)clock_wall_ns();
	pthread_mutex_init(&s->mutex, NULL);
	*ret = s;
	return 0;
}

void sender_free(struct sender *s)
{
	if (!s)
		return;
	http_sender_free(s->http);
	quarantine_free(s->quarantine);
	dialect_free(s->dialect);
	queue_free(s->wake);
	buf_done(&s->packed);
	cut_done(&s->cut);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

void sender_stop(struct sender *s)
{
	atomic_store(&s->stopping, true);
	queue_close(s->wake);
	http_sender_abort(s->http);
}

void sender_lead(struct sender *s, int64_t until_step)
{
	s->maybe_there_until = until_step;
}

/* A 0 behind another leader's values would count them twice. */
void sender_contested(struct sender *s)
{
	quarantine_forget(s->quarantine);
}

static uint64_t next_random(struct sender *s)
{
	s->random = hash_pair(s->random, 1);
	return s->random;
}

/* --- decisions --- */

bool sender_denied(int status)
{
	static const int denials[] = {401, 402, 403, 404, 405, 407, 415, 421, 431};
	for (size_t i = 0; i < sizeof(denials) / sizeof(denials[0]); i++)
		if (status == denials[i])
			return true;
	return false;
}

enum sender_move sender_decide(const struct sender_opts *opts, const struct sender_try *try, const struct http_reply *reply, uint64_t random, int64_t *ret_wait_ns)
{
	*ret_wait_ns = 0;
	if (reply->verdict == HTTP_OK)
		return SENDER_PASSED;
	bool denied = sender_denied(reply->status);
	if (reply->verdict == HTTP_REFUSED && !denied && reply->status != 408)
		return reply->status == 400 && try->maybe_there && !try->anchors ? SENDER_ALREADY_THERE : SENDER_REFUSED;
	int64_t least = denied ? opts->denied_pause_ns : opts->backoff_min_ns, most = denied ? 6 * opts->denied_pause_ns : opts->backoff_max_ns;
	*ret_wait_ns = retry_wait_ns(least, most, try->attempt, random, reply->retry_after_ns);
	return reply->status >= 500 && try->server_errors + 1 >= SERVER_ERRORS_MAX ? SENDER_PROBE : SENDER_RETRY;
}

/* --- one request --- */

/* What became of a request. */
enum fate { FATE_PASSED, FATE_REFUSED, FATE_GONE, FATE_STOPPED };

static void set_version(struct sender *s, enum remote_write_version version)
{
	if (s->status.version == version)
		return;
	http_sender_set_version(s->http, version);
	s->window.width = 1;
	pthread_mutex_lock(&s->mutex);
	s->status.version = version;
	pthread_mutex_unlock(&s->mutex);
}

static bool pushes_back(const struct http_reply *reply)
{
	return reply->status == 0 || reply->status == 429 || reply->status == 503;
}

static void post(struct sender *s, struct dialect_body body, unsigned attempt, struct http_reply *reply)
{
	buf_reset(&s->packed);
	remote_write_compress(&s->packed, dialect_fit(s->dialect, body));
	failpoint_hit(FAIL_REQUEST_BEFORE_SEND);
	int64_t begun = clock_mono_ns();
	http_sender_post(s->http, buf_slice(&s->packed), attempt, reply);
	failpoint_hit(FAIL_REQUEST_AFTER_SEND);
	window_hear(&s->window, reply->verdict == HTTP_OK, clock_mono_ns() - begun, pushes_back(reply));
	pthread_mutex_lock(&s->mutex);
	s->status.in_flight = s->window.width;
	s->status.bytes += s->packed.len;
	pthread_mutex_unlock(&s->mutex);
}

/* All families' types and helps: also a request that no series can poison. In 2.0 they go with the series, and this is an empty request. */
static void build_metadata(struct buf *body)
{
	for (int i = 0; i < FAMILY_COUNT; i++)
		if (family_get((enum family_id)i)->help[0])
			remote_write_add_metadata(body, family_get((enum family_id)i));
}

/* Whether the receiver takes anything while this request fails. A request of one series cannot be told from an ill receiver by itself: then something must have passed in
 * this step, and a request without series must pass now. */
static bool receiver_is_well(struct sender *s, struct dialect_body body)
{
	struct http_reply reply;
	struct buf metadata = {0}, portable = {0};
	dialect_to_portable(body, &portable);
	struct dialect_body probe = {quarantine_pick(buf_slice(&portable), next_random(s)), DIALECT_FORM_PORTABLE};
	bool well = probe.bytes.len > 0 || s->passed;
	if (probe.bytes.len == 0) {
		build_metadata(&metadata);
		probe.bytes = buf_slice(&metadata);
	}
	if (well) {
		post(s, probe, 0, &reply);
		well = reply.verdict == HTTP_OK;
		sender_note_reply(s, &reply, well ? SENDER_PASSED : SENDER_RETRY);
	}
	buf_done(&metadata);
	buf_done(&portable);
	return well;
}

static bool wait_for(struct sender *s, int64_t ns)
{
	int64_t until = clock_mono_ns() + ns;
	s->waited = true;
	for (int64_t left = ns; left > 0 && !atomic_load(&s->stopping); left = until - clock_mono_ns()) {
		int64_t piece = left < NS_PER_S ? left : NS_PER_S; /* so that a lost leadership ends a long wait */
		queue_pop(s->wake, piece);
		if (!s->source.wanted(s->source.self, s->step))
			return false;
	}
	return true;
}

/* What the answer says about the version and about what was written; changes the reply where that says more than its status. */
static void hear(struct sender *s, struct dialect_body body, unsigned attempt, struct http_reply *reply)
{
	size_t series = reply->status == 400 ? dialect_series(body) : 0;
	switch (dialect_hear(s->dialect, reply, series, clock_mono_ns())) {
	case DIALECT_CHANGED:
		set_version(s, dialect_version(s->dialect));
		post(s, body, attempt + 1, reply);
		break;
	case DIALECT_NOT_SPOKEN: /* remote_write.version may be wrong: someone has to look */
		reply->verdict = HTTP_REFUSED;
		reply->status = 415;
		snprintf(reply->reason, sizeof(reply->reason), "it does not say what it has written, so it does not speak remote write 2.0 (remote_write.version: auto would find out)");
		break;
	case DIALECT_ALL_WRITTEN:
		sender_note_partial(s, reply, series);
		reply->verdict = HTTP_OK;
		break;
	case DIALECT_PARTLY:
		sender_note_partial(s, reply, series);
		break;
	case DIALECT_AS_IT_WAS:
		break;
	}
	set_version(s, dialect_version(s->dialect));
}

/* The receiver took something else: it may have come back just now, so the body gets a few more tries before it is called the poison. */
static enum sender_move insist(struct sender *s, struct dialect_body body, const struct sender_try *try, struct http_reply *reply, int64_t *ret_wait_ns)
{
	enum sender_move move = SENDER_PROBE;
	for (unsigned n = 1; move == SENDER_PROBE && n <= INSIST_TRIES && !atomic_load(&s->stopping); n++) {
		sender_note_reply(s, reply, SENDER_RETRY);
		post(s, body, try->attempt + n, reply);
		hear(s, body, try->attempt + n, reply);
		move = sender_decide(&s->opts, try, reply, next_random(s), ret_wait_ns);
	}
	return move == SENDER_PROBE && !atomic_load(&s->stopping) ? SENDER_REFUSED : move;
}

/* One try; the fate is set if it was the last one. */
static bool try_once(struct sender *s, struct dialect_body body, struct sender_try *try, struct http_reply *reply, int64_t *ret_wait_ns, enum fate *ret_fate)
{
	if (s->given)
		*reply = *s->given;
	else
		post(s, body, try->attempt, reply);
	s->given = NULL;
	hear(s, body, try->attempt, reply);
	if (atomic_load(&s->stopping) && reply->verdict != HTTP_OK) {
		*ret_fate = FATE_STOPPED;
		return true;
	}
	try->maybe_there |= reply->repeated;
	enum sender_move move = sender_decide(&s->opts, try, reply, next_random(s), ret_wait_ns);
	if (move == SENDER_PROBE && receiver_is_well(s, body))
		move = insist(s, body, try, reply, ret_wait_ns);
	sender_note_reply(s, reply, move);
	bool passed = move == SENDER_PASSED || move == SENDER_ALREADY_THERE;
	s->passed |= passed;
	if (!passed)
		sender_log_reply(s, reply, move, try->attempt);
	*ret_fate = passed ? FATE_PASSED : FATE_REFUSED;
	return passed || move == SENDER_REFUSED;
}

/* What a failed try means for the next one. */
static void learn(struct sender_try *try, const struct http_reply *reply)
{
	bool lost = reply->status == 0 || reply->status == 502 || reply->status == 504;
	try->attempt++;
	try->server_errors = reply->status >= 500 ? try->server_errors + 1 : 0;
	try->maybe_there |= reply->delivered && lost;
}

/* The body until its fate is known; reply is the last one. */
static enum fate deliver(struct sender *s, struct dialect_body body, bool anchors, struct http_reply *reply)
{
	struct sender_try try = {.maybe_there = s->step <= s->maybe_there_until, .anchors = anchors};
	enum fate fate;
	int64_t wait;
	if (atomic_load(&s->stopping))
		return FATE_STOPPED;
	while (!try_once(s, body, &try, reply, &wait, &fate)) {
		learn(&try, reply);
		if (!wait_for(s, wait))
			return FATE_GONE;
		if (atomic_load(&s->stopping))
			return FATE_STOPPED;
	}
	return fate;
}

/* --- one step --- */

/* A request as it is left after suspects were taken out. */
struct outgoing {
	struct dialect_body body;
	struct buf own; /* if body is not the ledger's */
	size_t samples, exemplars;
	bool anchors;
	struct buf packed;       /* as it went out in a wave; empty: it did not */
	struct http_reply reply; /* then: to that */
};

/* The ordinary part of a request; suspects go to their groups. */
static void sort_out(struct sender *s, const struct cut *c, const struct cut_request *r, struct outgoing *o)
{
	int64_t anchor_ms = (c->end_ns - s->opts.step_ns) / NS_PER_MS;
	*o = (struct outgoing){.body = {r->body, c->version == REMOTE_WRITE_2 ? DIALECT_FORM_2 : DIALECT_FORM_1}, .samples = r->samples, .exemplars = r->exemplars, .anchors = r->anchors};
	if (quarantine_len(s->quarantine) == 0)
		return;
	struct buf portable = {0};
	dialect_to_portable(o->body, &portable);
	o->samples = quarantine_take(s->quarantine, buf_slice(&portable), r->anchors, anchor_ms, &o->own);
	o->body = (struct dialect_body){buf_slice(&o->own), DIALECT_FORM_PORTABLE};
	buf_done(&portable);
}

static void note_passed(struct sender *s, const struct outgoing *o)
{
	pthread_mutex_lock(&s->mutex);
	s->status.samples += o->samples;
	s->status.exemplars += o->exemplars;
	pthread_mutex_unlock(&s->mutex);
}

static enum fate send_ordinary(struct sender *s, struct outgoing *o)
{
	struct http_reply reply;
	if (o->body.bytes.len == 0)
		return FATE_PASSED;
	enum fate fate = deliver(s, o->body, o->anchors, &reply);
	if (fate == FATE_PASSED)
		note_passed(s, o);
	if (fate != FATE_REFUSED)
		return fate;
	if (s->source.overtaken && s->source.overtaken(s->source.self, s->step, o->anchors))
		return FATE_GONE;
	if (reply.status == 413 && s->max_samples > SAMPLES_MIN)
		s->max_samples = s->max_samples / 2 > SAMPLES_MIN ? s->max_samples / 2 : SAMPLES_MIN;
	struct buf portable = {0};
	dialect_to_portable(o->body, &portable);
	quarantine_refuse(s->quarantine, buf_slice(&portable), o->anchors, reply.reason);
	buf_done(&portable);
	return FATE_PASSED; /* the step goes on without it */
}

static enum fate send_group(struct sender *s, struct quarantine_group *g)
{
	struct http_reply reply;
	struct outgoing values = {.samples = g->samples};
	enum fate fate = FATE_PASSED;
	if (g->anchors.len > 0 && s->source.contested && s->source.contested(s->source.self)) { /* its newer values may be there */
		quarantine_forget(s->quarantine);
		buf_reset(&g->anchors);
	}
	if (g->anchors.len > 0) {
		fate = deliver(s, (struct dialect_body){buf_slice(&g->anchors), DIALECT_FORM_PORTABLE}, true, &reply);
		if (fate == FATE_PASSED)
			quarantine_group_anchored(g);
	}
	if (fate == FATE_PASSED && g->values.len > 0) {
		fate = deliver(s, (struct dialect_body){buf_slice(&g->values), DIALECT_FORM_PORTABLE}, false, &reply);
		if (fate == FATE_PASSED)
			note_passed(s, &values);
	}
	if (fate == FATE_REFUSED)
		quarantine_group_refused(g, reply.reason);
	return fate == FATE_REFUSED ? FATE_PASSED : fate;
}

/* All first values are settled: no value goes out before that. */
static enum fate settle_anchors(struct sender *s, const struct cut *c, bool *settled)
{
	bool gone = !*settled && c->begins && s->source.anchored && !s->source.anchored(s->source.self, c->step);
	*settled = true;
	return gone ? FATE_GONE : FATE_PASSED;
}

/* --- waves --- */

/* First tries of all at once. */
static void send_wave(struct sender *s, struct outgoing *o, size_t len)
{
	struct http_job jobs[HTTP_JOBS_MAX];
	size_t sent[HTTP_JOBS_MAX], n = 0, bytes = 0;
	bool pushed_back = false;
	for (size_t i = 0; i < len; i++) {
		if (o[i].body.bytes.len == 0)
			continue;
		remote_write_compress(&o[i].packed, dialect_fit(s->dialect, o[i].body));
		jobs[n] = (struct http_job){.body = buf_slice(&o[i].packed)};
		bytes += o[i].packed.len;
		sent[n++] = i;
	}
	failpoint_hit(FAIL_REQUEST_BEFORE_SEND);
	int64_t begun = clock_mono_ns();
	http_sender_post_all(s->http, jobs, n);
	failpoint_hit(FAIL_REQUEST_AFTER_SEND);
	for (size_t i = 0; i < n; i++) {
		o[sent[i]].reply = jobs[i].reply;
		pushed_back |= pushes_back(&jobs[i].reply);
	}
	if (n)
		window_hear(&s->window, (unsigned)n, clock_mono_ns() - begun, pushed_back);
	pthread_mutex_lock(&s->mutex);
	s->status.bytes += bytes;
	s->status.in_flight = s->window.width;
	pthread_mutex_unlock(&s->mutex);
}

/* What the wave's answer to this one is worth now. Where the version has changed since, only a refusal still says something of these samples; a wait that was asked for may be over. */
static void give(struct sender *s, struct outgoing *o, enum remote_write_version version)
{
	bool changed = dialect_version(s->dialect) != version;
	s->given = o->packed.len && !(changed && o->reply.status != 400) ? &o->reply : NULL;
	if (s->waited)
		o->reply.retry_after_ns = -1;
}

/* len requests of one phase. */
static enum fate send_some(struct sender *s, const struct cut *c, const struct cut_request *requests, size_t len)
{
	struct outgoing o[HTTP_JOBS_MAX];
	enum fate fate = FATE_PASSED;
	enum remote_write_version version = dialect_version(s->dialect);
	for (size_t i = 0; i < len; i++)
		sort_out(s, c, &requests[i], &o[i]); /* who became a suspect with his first value is left out here */
	s->waited = false;
	if (len > 1)
		send_wave(s, o, len);
	for (size_t i = 0; i < len && fate == FATE_PASSED; i++) {
		give(s, &o[i], version);
		fate = send_ordinary(s, &o[i]);
		s->given = NULL;
	}
	for (size_t i = 0; i < len; i++) {
		buf_done(&o[i].own);
		buf_done(&o[i].packed);
	}
	return fate;
}

/* How many of the same phase may go at once. */
static size_t wave_len(const struct sender *s, const struct cut_request *requests, size_t len)
{
	size_t n = 1;
	while (n < len && n < s->window.width && requests[n].anchors == requests[0].anchors)
		n++;
	return n;
}

static enum fate send_part(struct sender *s, const struct cut *c, bool *settled)
{
	enum fate fate = FATE_PASSED;
	for (size_t i = 0, n; i < c->len && fate == FATE_PASSED; i += n) {
		n = wave_len(s, &c->requests[i], c->len - i);
		if (!c->requests[i].anchors)
			fate = settle_anchors(s, c, settled);
		if (fate == FATE_PASSED)
			fate = send_some(s, c, &c->requests[i], n);
	}
	return fate;
}

static enum fate send_groups(struct sender *s)
{
	enum fate fate = FATE_PASSED;
	struct quarantine_group *g;
	for (size_t i = 0; fate == FATE_PASSED && (g = quarantine_group_at(s->quarantine, i)); i++)
		fate = send_group(s, g);
	return fate;
}

static bool cut_part(struct sender *s, int64_t step, struct cut *c)
{
	return s->source.cut(s->source.self, step, dialect_version(s->dialect), s->max_samples, s->opts.max_bytes, c);
}

/* The step a part at a time, the first of which is there. */
static enum fate send_all(struct sender *s, struct cut *c)
{
	bool settled = false;
	enum fate fate = send_part(s, c, &settled);
	while (fate == FATE_PASSED && c->more)
		fate = cut_part(s, c->step, c) ? send_part(s, c, &settled) : FATE_GONE;
	if (fate == FATE_PASSED)
		fate = settle_anchors(s, c, &settled);
	return fate == FATE_PASSED ? send_groups(s) : fate;
}

/* Once in a while and of no consequence: if it fails it comes again. */
static void send_metadata(struct sender *s)
{
	struct http_reply reply;
	struct buf body = {0};
	if (s->opts.metadata_every_ns < 0 || dialect_version(s->dialect) != REMOTE_WRITE_1 || clock_mono_ns() < s->metadata_at_ns || atomic_load(&s->stopping))
		return;
	s->metadata_at_ns = clock_mono_ns() + s->opts.metadata_every_ns;
	build_metadata(&body);
	post(s, (struct dialect_body){buf_slice(&body), DIALECT_FORM_1}, 0, &reply);
	sender_note_reply(s, &reply, reply.verdict == HTTP_OK ? SENDER_PASSED : SENDER_RETRY);
	buf_done(&body);
}

static enum sender_result finish(struct sender *s, enum fate fate)
{
	static const enum sender_result results[] = {[FATE_PASSED] = SENDER_ACKNOWLEDGED, [FATE_GONE] = SENDER_GONE, [FATE_STOPPED] = SENDER_STOPPED};
	if (fate == FATE_GONE)
		quarantine_forget(s->quarantine); /* someone else sends as well */
	if (fate == FATE_PASSED) {
		size_t before = quarantine_aside_len(s->quarantine);
		quarantine_end(s->quarantine, clock_wall_ns(), s->passed);
		sender_log_asides(s, before);
		sender_publish_quarantine(s);
		pthread_mutex_lock(&s->mutex);
		s->status.steps++;
		pthread_mutex_unlock(&s->mutex);
		send_metadata(s);
	}
	return results[fate];
}

enum sender_result sender_send(struct sender *s, int64_t step, bool newest)
{
	struct cut *c = &s->cut;
	enum sender_result result = SENDER_TOO_OLD;
	if (atomic_load(&s->stopping))
		return SENDER_STOPPED;
	set_version(s, dialect_begin(s->dialect, clock_mono_ns()));
	if (!cut_part(s, step, c)) {
		s->source.cut_done(s->source.self, c);
		return finish(s, FATE_GONE);
	}
	int64_t now = clock_wall_ns();
	if (newest || c->end_ns >= now - s->opts.receiver_window_ns) {
		s->step = step;
		s->passed = false;
		quarantine_begin(s->quarantine, now);
		result = finish(s, send_all(s, c));
	}
	s->source.cut_done(s->source.self, c);
	return result;
}
