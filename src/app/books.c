/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger thread reads the journal record by record, folds it under the lock, tells writers of this process what became of their deltas, and offers the
 * oldest closed step to the sender while this instance leads. It starts to offer steps only once it has read what was in the journal when it began to lead:
 * before that, a mark further on may say that they have gone out already. */
#include "app/books_parts.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum { READ_NS = 20000000 };

static void publish(struct books *b)
{
	b->position = ledger_position(b->ledger);
	b->journal_time = ledger_journal_time(b->ledger);
	b->slowest = ledger_slowest(b->ledger);
	b->settled = ledger_settled(b->ledger);
	b->asked_from = ledger_asked_from(b->ledger);
	for (size_t i = 0; i < b->places_len; i++) {
		struct books_place *p = &b->places[i];
		p->pending_steps = p->ledger ? ledger_pending_steps(p->ledger) : 0;
		p->pending_bytes = p->ledger ? ledger_pending_bytes(p->ledger) : 0;
	}
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
	bool claim = event->outcome == LEDGER_CLAIMED, speaks = event->outcome == LEDGER_MARKED || event->outcome == LEDGER_ANCHORED || event->outcome == LEDGER_IGNORED ||
		event->outcome == LEDGER_FOREIGN;
	if (((claim || speaks) && event->writer != b->leader) || (claim && b->others_claim))
		b->others_ns = b->journal_time; /* whoever led before us may have sent, without a word, until we claimed */
	if (claim)
		b->others_claim = event->writer != b->leader;
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

static struct books_place *place_of(struct books *b, uint64_t endpoint)
{
	for (size_t i = 0; i < b->places_len; i++)
		if (b->places[i].endpoint == endpoint)
			return &b->places[i];
	return NULL;
}

/* The one that is shown, and asked where partitions stand, which all of them know alike; one that is not configured is of no use once the others are there. */
static void settle_places(struct books *b)
{
	bool all = true;
	for (size_t i = 0; i < b->endpoints_len; i++)
		all &= b->places[i].ledger != NULL;
	while (all && b->places_len > b->endpoints_len)
		ledger_free(b->places[--b->places_len].ledger);
	for (size_t i = b->places_len; i-- > 0;)
		if (b->places[i].ledger)
			b->ledger = b->places[i].ledger;
}

/* An endpoint begins after another's ledger; one that is there begins anew, or instances would not be of one mind about it. */
static void begin(struct books *b, const struct ledger_event *event)
{
	struct books_place *p = place_of(b, event->endpoint);
	const struct books_place *base = place_of(b, event->base);
	if (!p || !base || p == base || !base->ledger)
		return;
	struct ledger *before = p->ledger;
	p->ledger = ledger_begin(base->ledger, p->endpoint);
	p->generation++;
	p->folding_to = INT64_MIN;
	ledger_free(before);
	settle_places(b);
	b->snapshot_at_ns = clock_mono_ns() - b->opts.snapshot_interval_ns - 1; /* whoever starts next is to know it */
	log_line(LOG_INFO, "ledger", "remote write to \"%s\" begins with what is counted from now on", p->name);
}

/* The record into every ledger; what the shown one makes of it is told. */
static void post(struct books *b, const struct journal_entry *entry, struct ledger_event *ret)
{
	struct ledger *shown = b->ledger;
	for (size_t i = 0; i < b->places_len; i++) {
		struct books_place *p = &b->places[i];
		struct ledger_event event;
		if (!p->ledger)
			continue;
		ledger_post(p->ledger, entry->bytes, entry->position, &event);
		if (event.outcome == LEDGER_MARKED && !event.skipped)
			p->moved_ns = clock_mono_ns();
		if (p->ledger == shown)
			*ret = event;
	}
	if (ret->outcome == LEDGER_BEGUN)
		begin(b, ret);
}

static void fold(struct books *b, const struct journal_entry *entry)
{
	struct ledger_event event = {0};
	failpoint_hit(FAIL_DELTA_BEFORE_POST);
	pthread_mutex_lock(&b->lock);
	post(b, entry, &event);
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

int64_t books_now(struct books *b)
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
	claim_encode(&record, books_now(b), b->leader);
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
	for (size_t i = 0; i < b->places_len; i++)
		if (b->places[i].ledger)
			ledger_save(b->places[i].ledger, &bytes);
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
		books_make_room(b);
		if (b->leading && clock_mono_ns() - b->snapshot_at_ns > b->opts.snapshot_interval_ns)
			snapshot(b);
	}
	return NULL;
}

static struct ledger *ledger_of(const struct books *b, uint64_t endpoint)
{
	struct ledger_opts opts = b->opts.ledger;
	opts.endpoint = endpoint;
	return ledger_new(&opts);
}

/* What was saved of one endpoint. One that is not configured is kept if there is no other: those that are new begin after it. */
static int load_one(struct books *b, struct slice saved, uint64_t endpoint, struct err *err)
{
	struct books_place *p = place_of(b, endpoint);
	if (!p && b->ledger)
		return 0;
	if (!p) {
		p = &b->places[b->places_len++];
		*p = (struct books_place){.endpoint = endpoint, .name = "", .folding_to = INT64_MIN};
	}
	ledger_free(p->ledger);
	p->ledger = ledger_of(b, endpoint);
	b->ledger = p->ledger;
	return ledger_load(p->ledger, saved, err);
}

static int load_places(struct books *b, struct slice saved, struct err *err)
{
	struct slice one;
	uint64_t endpoint;
	int rc = 0;
	for (size_t i = 0; i < b->endpoints_len && saved.len == 0; i++)
		b->places[i].ledger = ledger_of(b, b->places[i].endpoint);
	while (!rc && ledger_next_saved(&saved, &one, &endpoint))
		rc = load_one(b, one, endpoint, err);
	if (!rc && (saved.len || (b->ledger == NULL && b->places[0].ledger == NULL)))
		rc = err_set(err, ERR_CORRUPT, "snapshot: not a whole snapshot of a format this version knows");
	settle_places(b);
	return rc;
}

/* Snapshot, then the place in the journal behind it; what the journal no longer has is said and counted. */
static int load(struct books *b, struct err *err)
{
	struct buf bytes = {0};
	int64_t begin = 0, position;
	int rc = journal_load_snapshot(b->journal, &bytes, err);
	if (!rc)
		rc = load_places(b, buf_slice(&bytes), err);
	if (!rc)
		rc = journal_begin(b->journal, &begin, err);
	b->others_claim = bytes.len > 0; /* who kept the snapshot claimed before it */
	position = bytes.len ? ledger_position(b->ledger) : begin;
	buf_done(&bytes);
	if (!rc && position < begin) {
		log_line(LOG_ERROR, "journal", "the journal no longer has the records behind the snapshot (%lld, first left %lld): totals before it are lost and start again", (long long)position,
			 (long long)begin);
		position = begin;
		for (size_t i = 0; i < b->places_len; i++)
			if (b->places[i].ledger)
				ledger_lost(b->places[i].ledger);
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

/* What no snapshot has and no record began, begins now. */
static int begin_missing(struct books *b, struct err *err)
{
	int rc = 0;
	bool some = false;
	for (size_t i = 0; i < b->endpoints_len && !rc; i++) {
		struct buf record = {0};
		if (b->places[i].ledger)
			continue;
		some = true;
		begin_encode(&record, b->places[i].endpoint, ledger_options(b->ledger)->endpoint, books_now(b), b->leader);
		rc = journal_append(b->journal, buf_slice(&record), err);
		buf_done(&record);
	}
	return !rc && some ? read_to_end(b, err) : rc;
}

static void set_places(struct books *b)
{
	static const struct books_endpoint first = {.name = "default"};
	const struct books_endpoint *endpoints = b->opts.endpoints_len ? b->opts.endpoints : &first;
	b->endpoints_len = b->places_len = b->opts.endpoints_len ? b->opts.endpoints_len : 1;
	for (size_t i = 0; i < b->places_len; i++)
		b->places[i] = (struct books_place){.endpoint = endpoints[i].id, .name = endpoints[i].name, .folding_to = INT64_MIN, .moved_ns = clock_mono_ns()};
}

static void free_ledgers(struct books *b)
{
	for (size_t i = 0; i < b->places_len; i++)
		ledger_free(b->places[i].ledger);
}

int books_open(struct journal *journal, const struct books_opts *opts, struct books **ret, struct err *err)
{
	struct books *b = mem_zalloc(1, sizeof(*b));
	b->opts = *opts;
	b->journal = journal;
	set_places(b);
	b->lead_from = -1;
	if (getrandom(&b->leader, sizeof(b->leader), 0) != sizeof(b->leader) || b->leader == 0)
		b->leader = (uint64_t)clock_wall_ns() | 1;
	b->snapshot_position = -1;
	b->slowest = b->settled = b->asked_from = INT64_MAX;
	b->snapshot_at_ns = clock_mono_ns();
	pthread_mutex_init(&b->lock, NULL);
	int rc = load(b, err);
	if (!rc) {
		int64_t loaded = b->position;
		rc = read_to_end(b, err);
		if (!rc && b->position < loaded)
			b->position = loaded;
	}
	if (!rc)
		rc = begin_missing(b, err);
	if (!rc && pthread_create(&b->thread, NULL, run, b))
		rc = err_set(err, ERR_IO, "cannot start the ledger thread");
	if (rc) {
		free_ledgers(b);
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
	free_ledgers(b);
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
	return b->settled;
}

int64_t books_asked_from(struct books *b)
{
	return b->asked_from;
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

size_t books_pending_steps(struct books *b)
{
	size_t steps = 0;
	for (size_t i = 0; i < b->endpoints_len; i++)
		steps += b->places[i].pending_steps;
	return steps;
}

bool books_open_steps(struct books *b)
{
	pthread_mutex_lock(&b->lock);
	bool open = false;
	for (size_t i = 0; i < b->endpoints_len; i++)
		open |= b->places[i].ledger && ledger_open_steps(b->places[i].ledger) > 0;
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
