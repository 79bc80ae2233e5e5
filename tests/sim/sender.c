/* SPDX-License-Identifier: Apache-2.0 */
/* A leader: cuts the oldest pending step, sends it, marks it. The order of things is what ledger.h asks for: anchors, anchored record, values, mark. A 400 is
 * answered with a skipped mark: if the samples are there already the mark of who sent them is in the journal first and ours has no effect; else they go
 * with the next step. */
#include "world.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>

enum { REQUEST_SAMPLES = 40, REQUEST_BYTES = 1 << 16 };
#define JOURNAL_WAIT_NS (20 * NS_PER_S)

static enum reply send(struct world *w, struct slice body)
{
	bool stray = !w->calm && chance(w, 4);
	if (w->now_ns < w->receiver_down_until_ns && !stray)
		return REPLY_FAILED;
	if (stray) { /* it is on its way; its sender gives up on it */
		w->strays = mem_grow(w->strays, w->strays_len, &w->strays_cap, sizeof(*w->strays));
		struct stray *s = &w->strays[w->strays_len++];
		*s = (struct stray){.land_ns = w->now_ns + (int64_t)roll(w, 150) * NS_PER_S};
		buf_add_slice(&s->bytes, body);
		return REPLY_FAILED;
	}
	if (!w->calm && chance(w, 5))
		return REPLY_FAILED;
	enum reply reply = receiver_write(&w->receiver, body);
	return !w->calm && chance(w, 5) ? REPLY_FAILED : reply; /* lost acknowledgement */
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

static void record(struct world *w, struct instance *i, enum phase phase, bool skipped)
{
	struct sending *s = &i->sending;
	struct buf bytes = {0};
	if (phase == PHASE_ANCHORED)
		anchored_encode(&bytes, s->step, instance_journal_time(w, i));
	else
		mark_encode(&bytes, s->step, skipped, instance_journal_time(w, i));
	world_say(w, "instance %d %s step %lld", i->index, phase == PHASE_ANCHORED ? "anchored" : skipped ? "skips" : "marks", (long long)s->step);
	w->skipped += skipped;
	w->anchored += phase == PHASE_ANCHORED;
	world_append(w, i, -1, &bytes);
	buf_done(&bytes);
	s->phase = phase;
	s->until_ns = w->now_ns + JOURNAL_WAIT_NS;
}

/* Sends requests of one kind from s->at on; true when all are acknowledged. */
static bool send_kind(struct world *w, struct instance *i, const struct cut *c, bool anchors)
{
	struct sending *s = &i->sending;
	for (; s->at < c->len; s->at++) {
		if (c->requests[s->at].anchors != anchors || (anchors && w->mutant == MUTANT_NO_ANCHORS))
			continue;
		enum reply reply = send(w, c->requests[s->at].body);
		if (reply == REPLY_REFUSED) {
			record(w, i, PHASE_MARKED, w->mutant != MUTANT_SKIP_AS_SENT);
			return false;
		}
		if (reply == REPLY_FAILED) {
			w->retries++;
			if (w->mutant == MUTANT_MARK_UNSENT && !anchors)
				return true;
			if (w->mutant == MUTANT_VALUES_WITH_ANCHORS && anchors)
				continue;
			return false;
		}
		if (!w->calm && chance(w, 20))
			return false; /* the rest at another time */
	}
	return true;
}

static void send_step(struct world *w, struct instance *i)
{
	struct sending *s = &i->sending;
	struct cut c;
	ledger_cut(i->ledger, s->step, REQUEST_SAMPLES, REQUEST_BYTES, &c);
	check_cut(w, i, &c);
	if (s->phase == PHASE_START) {
		s->at = 0;
		s->phase = c.begins ? PHASE_ANCHORS : PHASE_VALUES;
	}
	if (s->phase == PHASE_ANCHORED && !c.begins) {
		s->at = 0;
		s->phase = PHASE_VALUES;
	}
	if (s->phase == PHASE_ANCHORS && send_kind(w, i, &c, true) && s->phase == PHASE_ANCHORS) {
		if (w->mutant == MUTANT_NO_ANCHORED_RECORD)
			s->phase = PHASE_VALUES, s->at = 0;
		else
			record(w, i, PHASE_ANCHORED, false);
	}
	if (s->phase == PHASE_VALUES && send_kind(w, i, &c, false) && s->phase == PHASE_VALUES) {
		record(w, i, PHASE_MARKED, false);
		w->steps++;
	}
	cut_done(&c);
}

void sender_tick(struct world *w, struct instance *i)
{
	struct sending *s = &i->sending;
	int64_t first = ledger_pending_first(i->ledger), now = instance_now(w, i);
	if (!i->leads || first == INT64_MIN)
		return;
	if (first != s->step || ((s->phase == PHASE_MARKED || s->phase == PHASE_ANCHORED) && w->now_ns > s->until_ns))
		*s = (struct sending){.step = first};
	int64_t end = (first + 1) * w->opts.step_ns;
	if (s->phase == PHASE_MARKED || end > now + 10 * NS_PER_S)
		return; /* waiting for the journal, or for our clock */
	if (s->phase != PHASE_ANCHORED && end < now - w->opts.receiver_window_ns) {
		record(w, i, PHASE_MARKED, w->mutant != MUTANT_SKIP_AS_SENT);
		return;
	}
	send_step(w, i);
}
