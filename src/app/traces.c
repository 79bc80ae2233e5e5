/* SPDX-License-Identifier: Apache-2.0 */
#include "app/traces.h"

#include "app/span_sender.h"
#include "base/clock.h"

enum { HEAR_MAX = 256 };
#define SETTLE_NS (5 * NS_PER_S)
#define PATIENCE_NS (180 * NS_PER_S) /* the ledger lets go of a partition that stands still after 120 */

static void hear(struct traces *t)
{
	struct delta_trace said[HEAR_MAX];
	size_t n;
	do {
		n = books_traces(t->books, &t->heard, said, HEAR_MAX);
		for (size_t i = 0; i < n; i++) {
			struct shard_trace one = {.trace = said[i].trace, .time_ns = said[i].time_ns, .pattern_id = said[i].pattern_id, .span = said[i].span, .reasons = said[i].reasons};
			shard_learn_trace(t->shard, &one);
		}
	} while (n == HEAR_MAX);
}

static void add_reasons(struct buf *out, unsigned reasons)
{
	for (unsigned bit = 1; bit <= reasons; bit <<= 1)
		if (reasons & bit && sampling_reason_name(bit))
			buf_printf(out, "%s%s", out->len ? "," : "", sampling_reason_name(bit));
}

static void pass_on(void *arg, const struct shard_kept *kept)
{
	struct traces *t = arg;
	struct buf why = {0};
	if (!t->topic)
		return;
	add_reasons(&why, kept->reasons);
	span_topic_send(t->topic, &t->lane, kept->trace_id, kept->otlp, buf_cstr(&why));
	if (t->otlp)
		span_sender_add(t->otlp, kept->otlp, kept->spans);
	buf_done(&why);
}

/* Up to where all has been told. Where memory is full, reading waits for decisions, so a partition that stands still is waited for no longer than by the watermark. */
static int64_t settled(const struct traces *t, const struct partitions *all)
{
	for (size_t i = 0; i < all->len; i++)
		if (shard_read_up_to(&all->at[i]->shard) == 0)
			return books_slowest(t->books);
	return books_settled(t->books);
}

/* settled_ns: how far every partition has told, asked for before what was said up to there is heard. */
static void decide(struct traces *t, const struct partitions *all, int64_t settled_ns)
{
	hear(t);
	shard_asked_from(t->shard, books_asked_from(t->books));
	for (size_t i = 0; i < all->len; i++)
		shard_decide(t->shard, &all->at[i]->shard, settled_ns, pass_on, t);
}

void traces_turn(struct traces *t, const struct partitions *all)
{
	if (t->on)
		decide(t, all, settled(t, all));
}

void traces_rewind(struct traces *t)
{
	t->heard = 0;
	if (t->on)
		hear(t);
}

static bool some_left(const struct partitions *all)
{
	bool some = false;
	for (size_t i = 0; i < all->len; i++)
		some |= shard_flush_traces(&all->at[i]->shard);
	return some;
}

/* How far to go at the end: where the others are, or all the way if they are where they were for a long time, as one whose clock has stopped. */
static int64_t settled_at_end(struct traces *t, const struct partitions *all)
{
	int64_t settled_ns = settled(t, all), now = clock_mono_ns();
	if (!t->ending_ns || settled_ns != t->ending_settled_ns) {
		t->ending_ns = now;
		t->ending_settled_ns = settled_ns;
	}
	return now - t->ending_ns > PATIENCE_NS ? INT64_MAX : settled_ns;
}

enum traces_end traces_end(struct traces *t, const struct partitions *all)
{
	if (!t->on || !some_left(all))
		return TRACES_NONE;
	decide(t, all, settled_at_end(t, all));
	return some_left(all) ? TRACES_WAIT : TRACES_DECIDED;
}

bool traces_settle(struct traces *t)
{
	return !t->topic || span_topic_settle(t->topic, &t->lane, SETTLE_NS);
}

void traces_publish(const struct traces *t, const struct partitions *all, struct worker_status *ret)
{
	const struct shard_sampled *s = shard_sampled(t->shard);
	uint64_t undecided = 0, bytes = 0;
	if (!s)
		return;
	for (size_t i = 0; i < all->len; i++)
		shard_undecided(&all->at[i]->shard, &undecided, &bytes);
	ret->traces_kept = s->kept;
	ret->traces_dropped = s->dropped;
	ret->traces_early = s->early;
	ret->spans_kept = s->kept_spans;
	ret->spans_dropped = s->dropped_spans;
	ret->kept_bytes = s->kept_bytes;
	ret->spans_untraced = s->untraced;
	ret->kept_lost = t->lane.lost;
	ret->traces_undecided = undecided;
	ret->traces_bytes = bytes;
}
