/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger thread reads the journal record by record, folds it under the lock, tells writers of this process what became of their deltas, and offers the
 * oldest closed step to the sender while this instance leads. It starts to offer steps only once it has read what was in the journal when it began to lead:
 * before that, a mark further on may say that they have gone out already. */
#include "app/books.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum { WRITERS_MAX = 256, READ_NS = 20000000 };
#define CONTESTED_NS (120 * NS_PER_S) /* longer than a leader that lost its leadership goes on, or a record of its is under way */

/* Of requests that are in memory at a time. */
#define PART_BYTES ((size_t)1 << 20)

struct books {
	struct books_opts opts;
	struct journal *journal;
	struct ledger *ledger;
	pthread_t thread;
	pthread_mutex_t lock; /* ledger, writers, trouble */
	struct books_writer *writers[WRITERS_MAX];
	size_t writers_len;
	char trouble[512];
	_Atomic int64_t position, journal_time, slowest;
	_Atomic size_t pending_steps, pending_bytes;
	_Atomic bool stopping, leads;
	_Atomic bool leading;      /* caught up since leadership began */
	_Atomic uint64_t leadership;
	uint64_t leader;           /* as which this instance sends; random */
	bool claimed;              /* since leadership began */
	_Atomic bool others_claim; /* the last claim in the journal is another's */
	_Atomic int64_t others_ns; /* journal time of the last record in which another spoke as leader */
	int64_t lead_from;         /* position from which on steps may be sent */
	int64_t snapshot_at_ns, snapshot_position;
};

static void publish(struct books *b)
{
	b->position = ledger_position(b->ledger);
	b->journal_time = ledger_journal_time(b->ledger);
	b->slowest = ledger_slowest(b->ledger);
	b->pending_steps = ledger_pending_steps(b->ledger);
	b->pending_bytes = ledger_pending_bytes(b->ledger);
}

static void set_trouble(struct books *b, const char *text)
{
	pthread_mutex_lock(&b->lock);
	snprintf(b->trouble, sizeof(b->trouble), "%.500s", text);
	pthread_mutex_unlock(&b->lock);
}

static struct books_notice *notice_new(const struct delta_pattern *p)
{
	struct books_notice *n = mem_zalloc(1, sizeof(*n) + p->service.len + p->template_text.len + p->rule.len);
	char *at = n->bytes;
	const struct slice from[] = {p->service, p->template_text, p->rule};
	struct slice *to[] = {&n->service, &n->template_text, &n->rule};
	n->id = p->id;
	n->alias_id = p->alias_id;
	n->origin = p->origin;
	for (size_t i = 0; i < 3; i++) {
		if (from[i].len)
			memcpy(at, from[i].ptr, from[i].len);
		*to[i] = slice_of(at, from[i].len);
		at += from[i].len;
	}
	return n;
}

static void notify(struct books_writer *w, const struct delta_pattern *p)
{
	struct books_notice *n = notice_new(p);
	if (!queue_push(w->notices, n, 0))
		free(n); /* a miner that misses one finds the pattern by itself, under the same id */
}

/* Called under the lock. */
static void deliver(struct books *b, const struct ledger_event *event)
{
	for (size_t i = 0; i < b->writers_len; i++) {
		struct books_writer *w = b->writers[i];
		bool own = w->id == event->writer;
		if (own && event->outcome == LEDGER_POSTED)
			w->posted = event->seq;
		if (own && event->outcome == LEDGER_REJECTED)
			w->rejected = event->seq;
		for (size_t k = 0; !own && k < event->patterns_len; k++)
			notify(w, &event->patterns[k]);
	}
}

/* Who else sends. */
static void watch_leaders(struct books *b, const struct ledger_event *event)
{
	bool claim = event->outcome == LEDGER_CLAIMED, speaks = event->outcome == LEDGER_MARKED || event->outcome == LEDGER_ANCHORED || event->outcome == LEDGER_IGNORED || event->outcome == LEDGER_FOREIGN;
	if (claim)
		b->others_claim = event->writer != b->leader;
	if ((claim || speaks) && event->writer != b->leader)
		b->others_ns = b->journal_time;
}

static void warn_of(const struct ledger_refusal *r)
{
	struct slice value = slice_sub(r->value, 0, 60);
	value.len = slice_utf8_prefix(value);
	if (r->rule.len)
		log_line(LOG_WARN, "budgets", "rule \"%.*s\": its label \"%.*s\" is past budgets.%s in all instances together with \"%.*s\"; further values are counted as \"other\"", (int)r->rule.len, r->rule.ptr, (int)r->label.len,
			r->label.ptr, r->budget, (int)value.len, value.ptr);
	else if (strcmp(r->budget, "services") == 0)
		log_line(LOG_WARN, "budgets", "service \"%.*s\" is one too many for budgets.series, a tenth of which bounds their number; it and others that are new are counted as the service \"other\"", (int)r->service.len, r->service.ptr);
	else if (r->label.len)
		log_line(LOG_WARN, "budgets", "service \"%.*s\": the label \"%.*s\" of %s is past budgets.%s in all instances together with \"%.*s\"; further values are counted as \"other\"", (int)r->service.len, r->service.ptr,
			(int)r->label.len, r->label.ptr, family_get(r->family)->name, r->budget, (int)value.len, value.ptr);
	else
		log_line(LOG_WARN, "budgets", "service \"%.*s\": no room for more series of %s (budgets.%s); what is new is counted as \"other\"", (int)r->service.len, r->service.ptr, family_get(r->family)->name, r->budget);
}

static void fold(struct books *b, const struct journal_entry *entry)
{
	struct ledger_event event = {0};
	failpoint_hit(FAIL_DELTA_BEFORE_POST);
	pthread_mutex_lock(&b->lock);
	ledger_post(b->ledger, entry->bytes, entry->position, &event);
	if (event.outcome == LEDGER_POSTED || event.outcome == LEDGER_REJECTED)
		deliver(b, &event);
	pthread_mutex_unlock(&b->lock);
	failpoint_hit(FAIL_DELTA_AFTER_POST);
	for (size_t i = 0; i < event.refusals_len; i++)
		warn_of(event.refusals[i]);
	if (event.outcome == LEDGER_CORRUPT)
		log_line(LOG_ERROR, "ledger", "journal record at %lld is not one of ours or damaged: skipped", (long long)entry->position);
	publish(b);
	watch_leaders(b, &event);
	b->position = entry->next_position;
}

static int64_t now_in_journal(struct books *b)
{
	int64_t now = clock_wall_ns(), journal_time = b->journal_time;
	return now > journal_time ? now : journal_time;
}

/* Says that this instance is about to send: before it does, and where every other leader reads it. */
static bool claim(struct books *b)
{
	struct buf record = {0};
	struct err err = {0};
	if (b->claimed)
		return true;
	claim_encode(&record, now_in_journal(b), b->leader);
	b->claimed = journal_append(b->journal, buf_slice(&record), &err) == 0;
	buf_done(&record);
	return b->claimed;
}

/* Notices when leadership comes and goes. */
static void watch_leadership(struct books *b)
{
	bool leads = journal_leads(b->journal);
	if (leads != b->leads) {
		log_line(LOG_INFO, "ledger", leads ? "this instance sends now" : "another instance sends now; standing by");
		b->leads = leads;
		b->leading = b->claimed = false;
		b->lead_from = -1;
	}
	if (!leads || b->leading || !claim(b))
		return;
	if (b->lead_from < 0 && journal_end(b->journal, &b->lead_from, NULL) < 0)
		b->lead_from = -1;
	if (b->lead_from >= 0 && b->position >= b->lead_from) {
		b->leadership++;
		failpoint_hit(FAIL_LEAD_BEFORE_SEND);
		b->leading = true;
	}
}

static void snapshot(struct books *b)
{
	struct buf bytes = {0};
	struct err err = {0};
	int64_t position = b->position;
	if (position == b->snapshot_position)
		return;
	ledger_save(b->ledger, &bytes);
	failpoint_hit(FAIL_SNAPSHOT_BEFORE);
	if (journal_save_snapshot(b->journal, buf_slice(&bytes), position, &err) < 0)
		log_line(LOG_WARN, "ledger", "snapshot not written: %s", err.text);
	else
		b->snapshot_position = position;
	b->snapshot_at_ns = clock_mono_ns();
	buf_done(&bytes);
}

static void *run(void *arg)
{
	struct books *b = arg;
	struct journal_entry entry;
	while (!b->stopping) {
		struct err err = {0};
		int rc = journal_read(b->journal, READ_NS, &entry, &err);
		if (rc > 0)
			fold(b, &entry);
		if (rc < 0) {
			log_line(LOG_WARN, "journal", "%s", err.text);
			set_trouble(b, err.text);
			clock_sleep_ns(NS_PER_S / 2);
		} else if (b->trouble[0]) {
			set_trouble(b, "");
		}
		watch_leadership(b);
		if (b->leading && clock_mono_ns() - b->snapshot_at_ns > b->opts.snapshot_interval_ns)
			snapshot(b);
	}
	return NULL;
}

/* Snapshot, then the place in the journal behind it; what the journal no longer has is said and counted. */
static int load(struct books *b, struct err *err)
{
	struct buf bytes = {0};
	int64_t begin = 0, position;
	int rc = journal_load_snapshot(b->journal, &bytes, err);
	if (!rc && bytes.len)
		rc = ledger_load(b->ledger, buf_slice(&bytes), err);
	if (!rc)
		rc = journal_begin(b->journal, &begin, err);
	position = bytes.len ? ledger_position(b->ledger) : begin;
	buf_done(&bytes);
	if (!rc && position < begin) {
		log_line(LOG_ERROR, "journal", "the journal no longer has the records behind the snapshot (%lld, first left %lld): totals before it are lost and start again", (long long)position,
			 (long long)begin);
		position = begin;
		ledger_lost(b->ledger);
	}
	if (!rc)
		rc = journal_seek(b->journal, position, err);
	/* the ledger knows where its last record began, and that record is at least one byte long: the journal knows where the next one is */
	b->position = rc ? position : journal_next(b->journal);
	return rc;
}

static int read_to_end(struct books *b, struct err *err)
{
	int64_t end;
	struct journal_entry entry;
	int rc = journal_end(b->journal, &end, err);
	while (!rc && b->position < end) {
		if (b->opts.give_up && b->opts.give_up(b->opts.give_up_arg))
			return err_set(err, ERR_UNREACHABLE, "gave up reading the journal at %lld of %lld", (long long)b->position, (long long)end);
		int got = journal_read(b->journal, NS_PER_S, &entry, err);
		if (got < 0)
			rc = got;
		else if (got)
			fold(b, &entry);
	}
	publish(b);
	if (b->position < end)
		b->position = end;
	return rc;
}

int books_open(struct journal *journal, const struct books_opts *opts, struct books **ret, struct err *err)
{
	struct books *b = mem_zalloc(1, sizeof(*b));
	b->opts = *opts;
	b->journal = journal;
	b->ledger = ledger_new(&opts->ledger);
	b->lead_from = -1;
	if (getrandom(&b->leader, sizeof(b->leader), 0) != sizeof(b->leader) || b->leader == 0)
		b->leader = (uint64_t)clock_wall_ns() | 1;
	b->snapshot_position = -1;
	b->slowest = INT64_MAX;
	b->snapshot_at_ns = clock_mono_ns();
	pthread_mutex_init(&b->lock, NULL);
	int rc = load(b, err);
	if (!rc) {
		int64_t loaded = b->position;
		rc = read_to_end(b, err);
		if (!rc && b->position < loaded)
			b->position = loaded;
	}
	if (!rc && pthread_create(&b->thread, NULL, run, b))
		rc = err_set(err, ERR_IO, "cannot start the ledger thread");
	if (rc) {
		ledger_free(b->ledger);
		journal_close(journal);
		free(b);
		return rc;
	}
	*ret = b;
	return 0;
}

void books_close(struct books *b)
{
	if (!b)
		return;
	b->stopping = true;
	pthread_join(b->thread, NULL);
	if (b->leads)
		snapshot(b);
	journal_close(b->journal);
	ledger_free(b->ledger);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

int books_append(struct books *b, struct slice record, struct err *err)
{
	return journal_append(b->journal, record, err);
}

bool books_catch_up(struct books *b, int64_t timeout_ns)
{
	int64_t end, until = clock_mono_ns() + timeout_ns;
	struct err err = {0};
	while (journal_end(b->journal, &end, &err) < 0) {
		set_trouble(b, err.text);
		if (clock_mono_ns() > until)
			return false;
		clock_sleep_ns(NS_PER_S / 4);
	}
	while (b->position < end) {
		if (clock_mono_ns() > until)
			return false;
		clock_sleep_ns(2 * NS_PER_MS);
	}
	return true;
}

bool books_partition(struct books *b, struct slice topic, int32_t partition, struct ledger_partition *ret)
{
	pthread_mutex_lock(&b->lock);
	bool known = ledger_partition(b->ledger, topic, partition, ret);
	pthread_mutex_unlock(&b->lock);
	return known;
}

int64_t books_settled(struct books *b)
{
	return b->slowest;
}

size_t books_traces(struct books *b, uint64_t *from, struct delta_trace *out, size_t max)
{
	pthread_mutex_lock(&b->lock);
	size_t n = ledger_traces(b->ledger, from, out, max);
	pthread_mutex_unlock(&b->lock);
	return n;
}

int64_t books_journal_time(struct books *b)
{
	return b->journal_time;
}

int64_t books_slowest(struct books *b)
{
	return b->slowest;
}

int64_t books_slowest_but(struct books *b, bool (*own)(void *arg, const struct ledger_partition *p), void *arg)
{
	struct ledger_partition p;
	int64_t slowest = INT64_MAX;
	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; ledger_partition_at(b->ledger, i, &p); i++)
		if (p.in_play && p.reached_ns < slowest && !own(arg, &p))
			slowest = p.reached_ns;
	pthread_mutex_unlock(&b->lock);
	return slowest;
}

bool books_full(struct books *b)
{
	return b->pending_steps > b->opts.max_pending_steps || b->pending_bytes > b->opts.max_pending_bytes;
}

size_t books_pending_steps(struct books *b)
{
	return b->pending_steps;
}

bool books_open_steps(struct books *b)
{
	pthread_mutex_lock(&b->lock);
	bool open = ledger_open_steps(b->ledger) > 0;
	pthread_mutex_unlock(&b->lock);
	return open;
}

bool books_leads(struct books *b)
{
	return b->leads;
}

const struct ledger *books_lock(struct books *b)
{
	pthread_mutex_lock(&b->lock);
	return b->ledger;
}

void books_unlock(struct books *b)
{
	pthread_mutex_unlock(&b->lock);
}

void books_add_writer(struct books *b, struct books_writer *w)
{
	pthread_mutex_lock(&b->lock);
	if (b->writers_len < WRITERS_MAX)
		b->writers[b->writers_len++] = w;
	pthread_mutex_unlock(&b->lock);
}

void books_remove_writer(struct books *b, struct books_writer *w)
{
	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < b->writers_len; i++)
		if (b->writers[i] == w)
			b->writers[i--] = b->writers[--b->writers_len];
	pthread_mutex_unlock(&b->lock);
}

void books_teach(struct books *b, struct books_writer *w)
{
	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < ledger_patterns_len(b->ledger); i++) {
		struct ledger_pattern p;
		ledger_pattern_at(b->ledger, i, &p);
		struct delta_pattern d = {.id = p.id, .alias_id = p.alias_id, .origin = p.origin, .service = p.service, .template_text = p.template_text, .rule = p.rule};
		notify(w, &d);
	}
	pthread_mutex_unlock(&b->lock);
}

void books_trouble(struct books *b, char *out, size_t size)
{
	pthread_mutex_lock(&b->lock);
	snprintf(out, size, "%s", b->trouble);
	pthread_mutex_unlock(&b->lock);
}

int64_t books_step_to_send(struct books *b, bool *ret_newest)
{
	if (!b->leading || b->pending_steps == 0)
		return INT64_MIN;
	pthread_mutex_lock(&b->lock);
	int64_t step = ledger_pending_first(b->ledger);
	*ret_newest = ledger_pending_steps(b->ledger) == 1;
	pthread_mutex_unlock(&b->lock);
	return step;
}

bool books_cut(struct books *b, int64_t step, enum remote_write_version version, size_t max_samples, size_t max_bytes, struct cut *cut)
{
	pthread_mutex_lock(&b->lock);
	bool oldest = ledger_pending_first(b->ledger) == step;
	if (oldest)
		ledger_cut_part(b->ledger, step, version, max_samples, max_bytes, PART_BYTES, cut);
	pthread_mutex_unlock(&b->lock);
	return oldest;
}

bool books_contested(struct books *b)
{
	return !books_catch_up(b, 5 * NS_PER_S) || b->others_claim || (b->others_ns && b->journal_time - b->others_ns < CONTESTED_NS);
}

uint64_t books_leadership(struct books *b)
{
	return b->leadership;
}

/* Appends and waits (a second at most) until everything up to there has been folded. */
static int append_and_fold(struct books *b, struct buf *record, struct err *err)
{
	int rc = journal_append(b->journal, buf_slice(record), err);
	buf_done(record);
	if (!rc)
		books_catch_up(b, NS_PER_S);
	return rc;
}

int books_mark(struct books *b, int64_t step, bool skipped, struct err *err)
{
	struct buf record = {0};
	mark_encode(&record, 0, step, skipped, now_in_journal(b), b->leader);
	return append_and_fold(b, &record, err);
}

bool books_overtaken(struct books *b, int64_t step, bool anchors)
{
	if (!books_catch_up(b, 5 * NS_PER_S))
		return true;
	pthread_mutex_lock(&b->lock);
	bool overtaken = ledger_pending_first(b->ledger) != step || (anchors && ledger_anchored(b->ledger, step));
	pthread_mutex_unlock(&b->lock);
	return overtaken;
}

int books_anchored(struct books *b, int64_t step, struct err *err)
{
	struct buf record = {0};
	anchored_encode(&record, 0, step, now_in_journal(b), b->leader);
	int rc = append_and_fold(b, &record, err);
	if (rc)
		return rc;
	pthread_mutex_lock(&b->lock);
	bool anchored = ledger_anchored(b->ledger, step);
	pthread_mutex_unlock(&b->lock);
	return anchored ? 0 : err_set(err, ERR_AGAIN, "another instance has gone on past this step, or the journal is not read back yet");
}
