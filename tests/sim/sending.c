/* SPDX-License-Identifier: Apache-2.0 */
/* A leader: the real sender (app/sender.c with its quarantine) under the loop of app/sending.c, as a coroutine, because sending a step takes time in
 * which everything else goes on. What it stands on is wrapped at link time (CMakeLists.txt): HTTP, the clocks, waiting, the log.
 *
 * A kill lets the coroutine run out with every wrapped call failing at once, so that memory is freed and nothing else happens. */
#include "world.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"

#include <snappy-c.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

enum { REQUEST_SAMPLES = 40, REQUEST_BYTES = 1 << 16, STACK_BYTES = 256 << 10 };

/* The one coroutine that runs, if any. */
static struct world *world;
static struct instance *running;
static ucontext_t outside, inside[INSTANCES];
static char stacks[INSTANCES][STACK_BYTES] __attribute__((aligned(16)));

/* Lets the world go on for at least ns. */
static void pass_time(int64_t ns)
{
	struct instance *i = running;
	if (i->sending.dying)
		return;
	i->sending.wake_ns = world->now_ns + ns;
	swapcontext(&inside[i->index], &outside);
}

static void resume(struct world *w, struct instance *i)
{
	world = w;
	running = i;
	swapcontext(&outside, &inside[i->index]);
	running = NULL;
}

/* --- what the sender stands on --- */

/* The names that the linker gives to what stands in for a function of the program, and to that function. */
int64_t __wrap_clock_wall_ns(void);
int64_t __wrap_clock_mono_ns(void);
void *__wrap_queue_pop(struct queue *q, int64_t timeout_ns);
void __wrap_log_line(enum log_level level, const char *component, const char *format, ...);
int __wrap_http_sender_new(const struct http_opts *opts, struct http_sender **ret, struct err *err);
void __wrap_http_sender_free(struct http_sender *s);
void __wrap_http_sender_abort(struct http_sender *s);
void __wrap_http_sender_post(struct http_sender *s, struct slice packed, unsigned attempt, struct http_reply *ret);
void __wrap_http_sender_post_all(struct http_sender *s, struct http_job *jobs, size_t len);

int64_t __wrap_clock_wall_ns(void)
{
	return running ? instance_now(world, running) : backlog_clock_ns ? backlog_clock_ns : 1;
}

int64_t __wrap_clock_mono_ns(void)
{
	return running ? world->now_ns : backlog_clock_ns ? backlog_clock_ns : 1;
}

void *__wrap_queue_pop(struct queue *q, int64_t timeout_ns)
{
	(void)q;
	pass_time(timeout_ns);
	return NULL;
}

void __wrap_log_line(enum log_level level, const char *component, const char *format, ...)
{
	char text[400];
	va_list args;
	(void)level;
	if (!running || !world->verbose)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	world_say(world, "instance %d %s: %s", running->index, component, text);
}

int __wrap_http_sender_new(const struct http_opts *opts, struct http_sender **ret, struct err *err)
{
	(void)opts;
	(void)err;
	*ret = (struct http_sender *)&inside; /* never looked into */
	return 0;
}

void __wrap_http_sender_free(struct http_sender *s)
{
	(void)s;
}

void __wrap_http_sender_abort(struct http_sender *s)
{
	(void)s;
}

static struct slice unpack(struct world *w, struct slice packed)
{
	size_t len = 0;
	if (snappy_uncompressed_length(packed.ptr, packed.len, &len) != SNAPPY_OK)
		abort();
	buf_reset(&w->body);
	if (snappy_uncompress(packed.ptr, packed.len, buf_reserve(&w->body, len), &len) != SNAPPY_OK)
		abort();
	w->body.len = len;
	return buf_slice(&w->body);
}

static void answer(struct world *w, enum reply reply, struct http_reply *ret)
{
	static const int codes[] = {[REPLY_OK] = 204, [REPLY_REFUSED] = 400, [REPLY_FAILED] = 500};
	static const enum http_verdict verdicts[] = {[REPLY_OK] = HTTP_OK, [REPLY_REFUSED] = HTTP_REFUSED, [REPLY_FAILED] = HTTP_RETRY};
	*ret = (struct http_reply){.verdict = verdicts[reply], .status = codes[reply], .retry_after_ns = -1, .delivered = true};
	w->refused += reply == REPLY_REFUSED;
}

/* It is on its way; its sender gives up on it. */
static void go_astray(struct world *w, struct slice body)
{
	w->strays = mem_grow(w->strays, w->strays_len, &w->strays_cap, sizeof(*w->strays));
	struct stray *s = &w->strays[w->strays_len++];
	*s = (struct stray){.land_ns = w->now_ns + (int64_t)roll(w, 150) * NS_PER_S};
	buf_add_slice(&s->bytes, body);
}

static void post(struct world *w, struct slice body, struct http_reply *ret)
{
	bool faults = !w->calm;
	*ret = (struct http_reply){.verdict = HTTP_RETRY, .retry_after_ns = -1};
	if (faults && chance(w, 4)) {
		go_astray(w, body);
		ret->delivered = true;
		pass_time(SECONDS(roll(w, 30)));
		return;
	}
	if (w->now_ns < w->receiver_down_until_ns || (faults && chance(w, 5))) {
		ret->status = chance(w, 50) ? 503 : 0;
		return;
	}
	if (faults && chance(w, 2)) {
		receiver_write(&w->receiver, body);
		ret->repeated = true; /* by the connection, of its own accord */
	}
	bool repeated = ret->repeated;
	answer(w, receiver_write(&w->receiver, body), ret);
	ret->repeated = repeated;
	if (faults && chance(w, 20))
		pass_time(SECONDS(roll(w, 3)));
	if (faults && chance(w, 5)) { /* lost acknowledgement */
		*ret = (struct http_reply){.verdict = HTTP_RETRY, .retry_after_ns = -1, .delivered = true};
		pass_time(SECONDS(roll(w, 30)));
	}
}

/* Only some mutants want to know. */
static bool is_anchors(const struct sending *s, struct slice body)
{
	if (world->mutant != MUTANT_MARK_UNSENT && world->mutant != MUTANT_VALUES_WITH_ANCHORS)
		return false;
	uint64_t hash = hash_bytes(body);
	for (size_t i = 0; i < s->anchors_len; i++)
		if (s->anchors[i] == hash)
			return true;
	return false;
}

void __wrap_http_sender_post(struct http_sender *h, struct slice packed, unsigned attempt, struct http_reply *ret)
{
	struct world *w = world;
	struct sending *s = &running->sending;
	(void)h;
	(void)attempt;
	*ret = (struct http_reply){.verdict = HTTP_RETRY, .retry_after_ns = -1};
	if (s->dying)
		return;
	bool anchors = is_anchors(s, unpack(w, packed));
	post(w, buf_slice(&w->body), ret);
	if (s->dying)
		*ret = (struct http_reply){.verdict = HTTP_RETRY, .retry_after_ns = -1};
	w->retries += ret->verdict == HTTP_RETRY;
	if ((w->mutant == MUTANT_MARK_UNSENT && ret->verdict == HTTP_RETRY && !anchors) || (w->mutant == MUTANT_VALUES_WITH_ANCHORS && ret->verdict == HTTP_RETRY && anchors))
		ret->verdict = HTTP_OK;
}

/* Several at once arrive in any order. */
void __wrap_http_sender_post_all(struct http_sender *h, struct http_job *jobs, size_t len)
{
	size_t order[HTTP_JOBS_MAX];
	for (size_t i = 0; i < len; i++)
		order[i] = i;
	for (size_t i = len; i > 1; i--) {
		size_t k = (size_t)roll(world, i), last = order[i - 1];
		order[i - 1] = order[k];
		order[k] = last;
	}
	for (size_t i = 0; i < len; i++)
		__wrap_http_sender_post(h, jobs[order[i]].body, 0, &jobs[order[i]].reply);
	world->waves += len > 1;
}

/* --- app/sending.c and the sender's part of app/books.c, on this world --- */

static int64_t step_to_send(const struct instance *i, bool *ret_newest)
{
	*ret_newest = ledger_pending_steps(i->ledger) == 1;
	return i->sending.leading ? ledger_pending_first(i->ledger) : INT64_MIN;
}

/* Every cut of a step in the same phase must have the same bytes, whoever makes it. */
static void check_cut(struct world *w, const struct instance *i, const struct cut *c)
{
	uint64_t key = hash_pair((uint64_t)c->step, c->begins), hash = 0;
	for (size_t r = 0; r < c->len; r++)
		if (c->begins || !c->requests[r].anchors)
			hash = hash_pair(hash, hash_bytes(c->requests[r].body));
	uint64_t *known = map_get(&w->cuts, key, NULL, NULL);
	if (known && *known != hash)
		world_fail(w, "instance %d cuts step %lld in other bytes than were cut before", i->index, (long long)c->step);
	if (known)
		return;
	w->cut_hashes = mem_grow(w->cut_hashes, w->cuts_len, &w->cuts_cap, sizeof(uint64_t *));
	known = w->cut_hashes[w->cuts_len++] = mem_zalloc(1, sizeof(*known));
	*known = hash;
	map_put(&w->cuts, key, known);
}

static void mutate_cut(const struct world *w, struct cut *c)
{
	size_t kept = 0;
	for (size_t r = 0; w->mutant == MUTANT_NO_ANCHORS && r < c->len; r++)
		if (!c->requests[r].anchors)
			c->requests[kept++] = c->requests[r];
	if (w->mutant == MUTANT_NO_ANCHORS)
		c->len = kept;
	if (w->mutant == MUTANT_HALF_STEP && !c->more && c->len && !c->requests[c->len - 1].anchors)
		c->len--;
}

/* The step as a whole: it must be the one that others cut, and what are anchors in it is remembered. */
static void look_at_step(struct instance *i, int64_t step, enum remote_write_version version, size_t max_samples, size_t max_bytes)
{
	struct cut whole;
	ledger_cut(i->ledger, step, version, max_samples, max_bytes, &whole);
	check_cut(world, i, &whole);
	i->sending.anchors_len = 0;
	for (size_t r = 0; world->mutant && r < whole.len; r++)
		if (whole.requests[r].anchors && i->sending.anchors_len < 64)
			i->sending.anchors[i->sending.anchors_len++] = hash_bytes(whole.requests[r].body);
	cut_done(&whole);
}

static bool cut(void *self, int64_t step, enum remote_write_version version, size_t max_samples, size_t max_bytes, struct cut *c)
{
	enum { SMALL_PART = 1000, LARGE_PART = 20000 }; /* one request, or some that can go at once */
	struct instance *i = self;
	size_t part = world->seed % 4 ? LARGE_PART : SMALL_PART;
	if (i->sending.dying || ledger_pending_first(i->ledger) != step)
		return false;
	if (!c->more)
		look_at_step(i, step, version, max_samples, max_bytes);
	ledger_cut_part(i->ledger, step, version, max_samples, max_bytes, part, c);
	mutate_cut(world, c);
	return true;
}

static void done(void *self, struct cut *c)
{
	(void)self;
	cut_done(c);
}

/* Appends and waits (a second at most) until everything up to there has been folded; false: nobody knows. */
static bool append_and_fold(struct world *w, struct instance *i, const struct buf *record)
{
	struct sending *s = &i->sending;
	int64_t until = w->now_ns + SECONDS(30);
	if (s->dying)
		return false;
	s->append = 0;
	flight_append(w, i, FLIGHT_OF_SENDER, record);
	while (!s->dying && s->append == 0 && w->now_ns < until)
		pass_time(NS_PER_MS);
	if (s->append <= 0 || s->dying)
		return false;
	size_t end = w->journal_len;
	for (until = w->now_ns + NS_PER_S; !s->dying && i->read < end && w->now_ns < until;)
		pass_time(NS_PER_MS);
	return !s->dying;
}

static bool anchored(void *self, int64_t step)
{
	struct instance *i = self;
	struct buf bytes = {0};
	if (world->mutant == MUTANT_NO_ANCHORED_RECORD)
		return true;
	anchored_encode(&bytes, 0, step, instance_journal_time(world, i), i->sending.leader);
	world_say(world, "instance %d anchored step %lld", i->index, (long long)step);
	bool ok = append_and_fold(world, i, &bytes) && ledger_anchored(i->ledger, step);
	world->anchored += ok;
	buf_done(&bytes);
	if (!ok)
		pass_time(NS_PER_S / 2);
	return ok;
}

static bool overtaken(void *self, int64_t step, bool anchors)
{
	struct instance *i = self;
	size_t end = world->journal_len;
	if (world->mutant == MUTANT_LATE_ANCHORS)
		return false;
	for (int64_t until = world->now_ns + SECONDS(5); i->read < end; pass_time(NS_PER_MS))
		if (i->sending.dying || world->now_ns >= until)
			return true;
	return ledger_pending_first(i->ledger) != step || (anchors && ledger_anchored(i->ledger, step));
}

static bool contested(void *self)
{
	struct instance *i = self;
	const struct sending *s = &i->sending;
	size_t end = world->journal_len;
	if (world->mutant == MUTANT_LATE_ANCHORS)
		return false;
	for (int64_t until = world->now_ns + SECONDS(5); i->read < end; pass_time(NS_PER_MS))
		if (s->dying || world->now_ns >= until)
			return true;
	return s->others_claim || (s->others_ns && ledger_journal_time(i->ledger) - s->others_ns < SECONDS(120));
}

void sending_hears(struct instance *i, const struct ledger_event *event)
{
	struct sending *s = &i->sending;
	bool claim = event->outcome == LEDGER_CLAIMED, speaks = event->outcome == LEDGER_MARKED || event->outcome == LEDGER_ANCHORED || event->outcome == LEDGER_IGNORED ||
		event->outcome == LEDGER_FOREIGN;
	if (((claim || speaks) && event->writer != s->leader) || (claim && s->others_claim))
		s->others_ns = ledger_journal_time(i->ledger);
	if (claim)
		s->others_claim = event->writer != s->leader;
}

static bool wanted(void *self, int64_t step)
{
	struct instance *i = self;
	bool newest;
	return !i->sending.dying && i->sending.leadership == i->sending.known_leadership && step_to_send(i, &newest) == step;
}

static void mark(struct world *w, struct instance *i, int64_t step, bool skipped)
{
	struct sending *s = &i->sending;
	struct buf bytes = {0};
	mark_encode(&bytes, 0, step, skipped && w->mutant != MUTANT_SKIP_AS_SENT, instance_journal_time(w, i), s->leader);
	world_say(w, "instance %d %s step %lld", i->index, skipped ? "skips" : "marks", (long long)step);
	bool ok = append_and_fold(w, i, &bytes);
	buf_done(&bytes);
	if (s->dying)
		return;
	w->skipped += skipped;
	w->steps += !skipped;
	if (ok)
		return;
	sender_lead(s->sender, step);
	pass_time(NS_PER_S / 2);
}

static void send_step(struct world *w, struct instance *i, int64_t step, bool newest)
{
	struct sending *s = &i->sending;
	if (s->leadership != s->known_leadership) {
		s->known_leadership = s->leadership;
		sender_lead(s->sender, step);
		sender_contested(s->sender);
	}
	if (w->mutant == MUTANT_MARK_FIRST)
		mark(w, i, step, false);
	enum sender_result result = sender_send(s->sender, step, newest);
	if (result == SENDER_ACKNOWLEDGED || result == SENDER_TOO_OLD)
		mark(w, i, step, result == SENDER_TOO_OLD);
}

static void loop(void)
{
	struct instance *i = running;
	struct sending *s = &i->sending;
	while (!s->dying) {
		bool newest;
		int64_t step = step_to_send(i, &newest);
		s->idle = step == INT64_MIN;
		if (s->idle)
			pass_time(0);
		else
			send_step(world, i, step, newest);
	}
	s->over = true;
	swapcontext(&inside[i->index], &outside);
}

/* --- the world's side --- */

void sending_start(struct world *w, struct instance *i)
{
	struct sending *s = &i->sending;
	struct sender_opts opts;
	struct sender_source source = {.self = i, .cut = cut, .cut_done = done, .anchored = anchored, .overtaken = overtaken, .contested = contested, .wanted = wanted};
	struct err err;
	*s = (struct sending){.idle = true, .leader = roll(w, UINT64_MAX)};
	sender_opts_default(&opts);
	opts.step_ns = w->opts.step_ns;
	opts.receiver_window_ns = w->opts.receiver_window_ns;
	opts.max_samples = REQUEST_SAMPLES;
	opts.max_bytes = REQUEST_BYTES;
	opts.aside_retry_ns = w->opts.expire_ns / 2;
	opts.metadata_every_ns = -1;
	opts.in_flight = 1 + (unsigned)(w->seed % 4); /* not a throw of the dice: seeds keep their stories */
	world = w;
	running = i; /* its clocks */
	if (sender_new(&opts, &source, &s->sender, &err) < 0)
		abort();
	running = NULL;
	getcontext(&inside[i->index]);
	inside[i->index].uc_stack.ss_sp = stacks[i->index];
	inside[i->index].uc_stack.ss_size = STACK_BYTES;
	inside[i->index].uc_link = NULL;
	makecontext(&inside[i->index], loop, 0);
}

void sending_kill(struct world *w, struct instance *i)
{
	struct sending *s = &i->sending;
	if (!s->sender)
		return;
	s->dying = true;
	sender_stop(s->sender);
	while (!s->over)
		resume(w, i);
	sender_free(s->sender);
	*s = (struct sending){0};
}

static bool claim(struct world *w, struct instance *i)
{
	struct sending *s = &i->sending;
	struct buf bytes = {0};
	if (s->claim == 0 || s->claim == -1) {
		s->claim = 1;
		claim_encode(&bytes, instance_journal_time(w, i), s->leader);
		flight_append(w, i, FLIGHT_OF_CLAIM, &bytes);
		buf_done(&bytes);
	}
	return s->claim == 2;
}

void sending_claimed(struct instance *i, bool ok)
{
	if (i->sending.claim == 1)
		i->sending.claim = ok ? 2 : -1;
}

static void watch_leadership(struct world *w, struct instance *i)
{
	struct sending *s = &i->sending;
	if (!i->leads) {
		s->leading = false;
		s->lead_from = SIZE_MAX;
		s->claim = 0;
		return;
	}
	if (s->leading || !claim(w, i))
		return;
	if (s->lead_from == SIZE_MAX)
		s->lead_from = w->journal_len;
	if (i->read < s->lead_from)
		return;
	s->leadership++;
	s->leading = true;
}

static void close_alone(struct world *w, struct instance *i)
{
	struct buf bytes = {0};
	close_encode(&bytes, instance_journal_time(w, i));
	instance_post_early(i, buf_slice(&bytes));
	buf_done(&bytes);
}

void sending_tick(struct world *w, struct instance *i)
{
	bool newest;
	watch_leadership(w, i);
	if (w->mutant == MUTANT_CLOSE_ALONE && i->leads && chance(w, 20))
		close_alone(w, i);
	if (w->now_ns < i->sending.wake_ns || (i->sending.idle && step_to_send(i, &newest) == INT64_MIN))
		return;
	resume(w, i);
}

void sending_appended(struct world *w, struct instance *i, bool ok)
{
	(void)w;
	i->sending.append = ok ? 1 : -1;
}

size_t sending_suspects(const struct instance *i)
{
	struct sender_status status;
	sender_status(i->sending.sender, &status);
	return status.suspects;
}
