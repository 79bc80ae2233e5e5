/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's loop: commands, patterns others found, verdicts, a batch from the partition that is furthest behind in event time, a delta when it is due.
 *
 * How far each partition is read while others lag is pace.c's.
 *
 * Deltas are appended without waiting for their verdicts, at most IN_FLIGHT of them. One rejection makes the worker drop what is open, take a new writer id
 * (so verdicts still on their way mean nothing), wait until the ledger has read the journal to its end, and seek every partition to where the ledger stands. */
#include "app/worker_parts.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum { COMMANDS_MAX = 8192, NOTICES_MAX = 65536, IN_FLIGHT = 16, CUT_BYTES = 8 << 20 };
#define IDLE_NS (5 * NS_PER_MS)
#define IDLE_LONG_NS (20 * NS_PER_MS)
#define IDLE_ALONE_NS (100 * NS_PER_MS)
#define CUT_SOON_NS (20 * NS_PER_MS)

enum command_kind { COMMAND_TAKE, COMMAND_DROP, COMMAND_RULES, COMMAND_INCIDENTS, COMMAND_STOP };

struct command {
	enum command_kind kind;
	struct source_reader *reader;
	enum format format;
	const struct zone *zone;
	struct shard_start at;
	char *topic;
	int32_t partition;
	const struct ruleset *rules;
	struct incidents *incidents; /* the command's until it is obeyed */
	bool unmask;
	bool until_end;
};

void worker_set_trouble(struct worker *w, const char *text)
{
	pthread_mutex_lock(&w->trouble_lock);
	snprintf(w->trouble, sizeof(w->trouble), "%.500s", text);
	pthread_mutex_unlock(&w->trouble_lock);
	if (text[0])
		log_line(LOG_WARN, "worker", "%s", text);
}

static void new_writer_id(struct worker *w)
{
	uint64_t id = 0;
	while (id == 0)
		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			id = (uint64_t)clock_wall_ns() ^ (uintptr_t)w;
	books_remove_writer(w->books, &w->writer);
	w->writer.id = id;
	w->writer.posted = w->writer.rejected = 0;
	w->seq = 0;
	w->rules_told = false;
	books_add_writer(w->books, &w->writer);
}

/* --- rewinding --- */

static void stand_where_the_ledger_stands(struct worker *w, struct partition *p)
{
	struct ledger_partition at;
	bool known = books_partition(w->books, p->shard.topic, p->shard.partition, &at);
	struct shard_start start = {.offset = p->reader->start, .replay = p->reader->start};
	if (known)
		start = (struct shard_start){.offset = at.absorbed, .replay = at.replay, .replay_time_ns = at.replay_time_ns, .newest_ns = at.reached_ns};
	shard_partition_start(&p->shard, &start, &w->opts.shard);
	p->life = known ? at.life : 0;
	p->joined = true;
	p->anew = false;
	p->ended = p->reader->end >= 0 && shard_partition_to(&p->shard) >= p->reader->end;
	p->active_ns = clock_mono_ns();
	worker_seek(w, p);
}

static void rewind_all(struct worker *w)
{
	failpoint_hit(FAIL_REWIND_BEFORE_READ);
	if (!books_catch_up(w->books, NS_PER_S))
		return; /* the journal cannot be read: try again at the next turn, count nothing until then */
	failpoint_hit(FAIL_REWIND_BEFORE_SEEK);
	new_writer_id(w);
	shard_rewind(w->shard);
	traces_rewind(&w->traces);
	for (size_t i = 0; i < w->partitions.len; i++)
		stand_where_the_ledger_stands(w, w->partitions.at[i]);
	w->must_rewind = false;
	w->status.rewinds++;
	if (w->trouble[0] && !w->append_failed)
		worker_set_trouble(w, "");
}

static void send_rekeyed(void *arg, struct slice trace_id, struct slice otlp)
{
	struct worker *w = arg;
	span_topic_send(w->opts.rekey, &w->rekeyed, trace_id, otlp, "rekeyed");
}

/* --- commands --- */

static void take(struct worker *w, const struct command *c)
{
	struct partition *p = mem_zalloc(1, sizeof(*p));
	p->reader = c->reader;
	p->shard = (struct shard_partition){
		.topic = slice_str(c->reader->topic),
		.partition = c->reader->partition,
		.format = c->format,
		.zone = c->zone,
	};
	partition_init_headers(p);
	if (w->opts.rekey)
		p->shard.keying = slice_eq(p->shard.topic, slice_str(w->opts.rekey_topic)) ? SHARD_REKEYED : SHARD_TO_REKEY;
	shard_partition_start(&p->shard, &c->at, &w->opts.shard);
	p->active_ns = clock_mono_ns();
	if (w->partitions.len == 0)
		w->rules_told = false; /* of a writer that counted nothing for long, the ledger may have forgotten it */
	struct ledger_partition at;
	if (books_partition(w->books, p->shard.topic, p->shard.partition, &at))
		p->life = at.life;
	p->suspicious = c->reader->end >= 0 && c->at.offset > c->reader->end && c->reader->ops->look;
	p->ended = c->reader->end >= 0 && c->at.offset >= c->reader->end && !p->suspicious;
	w->partitions.at = mem_grow(w->partitions.at, w->partitions.len, &w->partitions.cap, sizeof(struct partition *));
	w->partitions.at[w->partitions.len++] = p;
}

static void wait_posted(struct worker *w, int64_t timeout_ns)
{
	int64_t until = clock_mono_ns() + timeout_ns;
	while (w->writer.posted < w->seq && !w->writer.rejected && clock_mono_ns() < until)
		clock_sleep_ns(NS_PER_MS);
}

static void drop(struct worker *w, const struct command *c)
{
	size_t open = tally_entries_len(shard_tally(w->shard));
	failpoint_hit(FAIL_REVOKE_BEFORE_APPEND);
	if (open > 0)
		worker_cut(w);
	w->must_rewind |= w->append_failed; /* what is open holds records of a partition that goes */
	failpoint_hit(FAIL_REVOKE_AFTER_APPEND);
	wait_posted(w, 3 * NS_PER_S);
	for (size_t i = 0; i < w->partitions.len; i++) {
		struct partition *p = w->partitions.at[i];
		if (p->shard.partition != c->partition || !slice_eq(p->shard.topic, slice_str(c->topic)))
			continue;
		partition_free(p);
		w->partitions.at[i--] = w->partitions.at[--w->partitions.len];
	}
	pace_tell(&w->pace, &w->partitions, clock_mono_ns()); /* what is gone holds no other worker */
	free(c->topic);
}

/* What is open was counted by the old rules, and leaves before the new ones are told. */
static void take_rules(struct worker *w, const struct ruleset *rules)
{
	size_t open = tally_entries_len(shard_tally(w->shard));
	if (open > 0)
		worker_cut(w);
	w->must_rewind |= w->append_failed; /* else they leave as counted by the new ones */
	shard_set_rules(w->shard, rules);
	w->rules = rules;
	w->rules_told = false;
}

static void obey(struct worker *w, struct command *c)
{
	switch (c->kind) {
	case COMMAND_TAKE:
		take(w, c);
		break;
	case COMMAND_DROP:
		drop(w, c);
		queue_push(w->replies, w, -1);
		break;
	case COMMAND_RULES:
		take_rules(w, c->rules);
		queue_push(w->replies, w, -1);
		break;
	case COMMAND_INCIDENTS:
		shard_set_incidents(w->shard, c->incidents, c->unmask);
		break;
	case COMMAND_STOP:
		w->until_end = c->until_end;
		w->stopping = !c->until_end;
		break;
	}
	free(c);
}

static void learn(struct worker *w)
{
	for (struct books_notice *n; (n = queue_pop(w->writer.notices, 0)); free(n))
		shard_import(w->shard, n->id, n->origin, n->service, n->template_text, n->rule, n->alias_id);
}

/* Whether a delta is due: by time, by size, or because event time has moved on so far that other instances have to know. */
static bool due(struct worker *w, bool hold)
{
	struct tally *tally = shard_tally(w->shard);
	size_t open = tally_entries_len(tally);
	if (clock_mono_ns() >= w->cut_at_ns && (!hold || open > 0 || w->append_failed))
		return true; /* after a failed append an empty delta tries the journal */
	if (w->traces.on && w->limited && !hold && clock_mono_ns() >= w->cut_at_ns - w->opts.cut_interval_ns + (open ? CUT_SOON_NS : CUT_SOON_NS * 5))
		return true; /* others wait to hear how far this worker has come, or it waits itself */
	if (open == 0)
		return false;
	return tally_bytes(tally) > w->opts.cut_bytes || pace_moved_on(&w->pace, w->newest_ns - w->cut_newest_ns, w->newest_ns);
}

/* Whether intake stands still because the receiver or the journal is behind. */
static bool held(struct worker *w)
{
	bool full = books_full(w->books) || w->seq - w->writer.posted > IN_FLIGHT;
	if (w->was_full && !full)
		for (size_t i = 0; i < w->partitions.len; i++)
			w->partitions.at[i]->joined = true;
	w->was_full = full;
	return full;
}

static void publish(struct worker *w)
{
	const struct shard_totals *t = shard_totals(w->shard);
	size_t ended = 0;
	for (size_t i = 0; i < w->partitions.len; i++)
		ended += w->partitions.at[i]->ended;
	w->status.consumed = t->consumed;
	w->status.bytes = t->bytes;
	w->status.behind = t->behind;
	w->status.gaps = t->gaps;
	w->status.incident = t->incident;
	w->status.partitions = w->partitions.len;
	w->status.ended = ended;
	traces_publish(&w->traces, &w->partitions, &w->status);
}

/* What a process that died held open lies in records that are counted: nothing is over before they are fed. */
static bool fed_again(const struct partition *p)
{
	return p->shard.expected >= p->shard.count_from || p->shard.at_end;
}

/* Whether a run until the end has counted everything it came for. */
static bool all_posted(struct worker *w)
{
	if (!w->until_end || w->must_rewind)
		return false;
	for (size_t i = 0; i < w->partitions.len; i++)
		if (!w->partitions.at[i]->ended || !fed_again(w->partitions.at[i]))
			return false;
	size_t open = tally_entries_len(shard_tally(w->shard));
	if (open > 0)
		worker_cut(w);
	wait_posted(w, NS_PER_S);
	if (w->must_rewind || w->append_failed || w->writer.rejected || w->writer.posted < w->seq)
		return false;
	enum traces_end end = traces_end(&w->traces, &w->partitions);
	if (end == TRACES_DECIDED)
		worker_cut(w); /* a successor need not feed them again */
	return end == TRACES_NONE;
}

/* Nothing to do: the longer it has been so, the longer the rest, but a command ends it. Who has partitions is asked for by time (a delta, a trace's end), who waits for others looks often. */
static void rest(struct worker *w, bool waits)
{
	int64_t longest = waits ? IDLE_NS : w->partitions.len ? IDLE_LONG_NS : IDLE_ALONE_NS;
	w->rest_ns = w->rest_ns ? w->rest_ns * 2 : IDLE_NS;
	if (w->rest_ns > longest)
		w->rest_ns = longest;
	struct command *c = queue_pop(w->commands, w->rest_ns);
	if (!c)
		return;
	obey(w, c);
	w->rest_ns = 0;
}

static void turn(struct worker *w)
{
	for (struct command *c; (c = queue_pop(w->commands, 0));)
		obey(w, c);
	learn(w);
	if (w->writer.rejected)
		w->must_rewind = true;
	if (w->must_rewind)
		rewind_all(w);
	if (w->opts.tap)
		shard_set_tap(w->shard, tap_wanted(w->opts.tap) ? tap_take : NULL, w->opts.tap);
	bool busy = false;
	bool hold = w->must_rewind || w->append_failed || held(w);
	if (!hold && !w->stopping)
		busy = worker_read(w);
	if (due(w, hold))
		worker_cut(w);
	traces_turn(&w->traces, &w->partitions);
	publish(w);
	if (busy)
		w->rest_ns = 0;
	else if (!w->stopping)
		rest(w, hold || w->limited);
}

static void *run(void *arg)
{
	struct worker *w = arg;
	while (!w->stopping && !all_posted(w))
		turn(w);
	if (!w->until_end) {
		worker_cut(w);
		wait_posted(w, 4 * NS_PER_S);
	}
	publish(w);
	pace_leave(&w->pace);
	w->stopped = true;
	return NULL;
}

/* --- the other threads' side --- */

int worker_start(struct books *books, const struct worker_opts *opts, struct worker **ret, struct err *err)
{
	struct worker *w = mem_zalloc(1, sizeof(*w));
	w->books = books;
	w->opts = *opts;
	if (!w->opts.cut_bytes)
		w->opts.cut_bytes = CUT_BYTES;
	w->shard = shard_new(&opts->shard);
	if (opts->rekey)
		shard_set_rekey(w->shard, send_rekeyed, w);
	w->rules = opts->shard.rules;
	w->commands = queue_new(COMMANDS_MAX);
	w->replies = queue_new(COMMANDS_MAX);
	w->writer.notices = queue_new(NOTICES_MAX);
	w->traces = (struct traces){.books = books, .shard = w->shard, .topic = opts->kept, .otlp = opts->otlp, .on = shard_sampled(w->shard) != NULL};
	w->pace = (struct pace){.books = books, .low_ns = opts->low_ns, .number = opts->number, .count = opts->count, .window_ns = opts->window_ns};
	pace_leave(&w->pace);
	pthread_mutex_init(&w->trouble_lock, NULL);
	new_writer_id(w);
	books_teach(books, &w->writer);
	if (pthread_create(&w->thread, NULL, run, w))
		return err_set(err, ERR_IO, "cannot start a worker thread");
	*ret = w;
	return 0;
}

static void say(struct worker *w, struct command command)
{
	struct command *c = mem_zalloc(1, sizeof(*c));
	*c = command;
	queue_push(w->commands, c, -1);
}

void worker_take(struct worker *w, struct source_reader *reader, enum format format, const struct zone *zone, const struct shard_start *at)
{
	say(w, (struct command){.kind = COMMAND_TAKE, .reader = reader, .format = format, .zone = zone, .at = *at});
}

void worker_drop(struct worker *w, const char *topic, int32_t partition)
{
	w->drops_asked++;
	say(w, (struct command){.kind = COMMAND_DROP, .topic = mem_strdup(slice_str(topic)), .partition = partition});
}

static void wait_replies(struct worker *w, size_t n)
{
	while (n > 0 && !w->stopped)
		n -= queue_pop(w->replies, NS_PER_S / 10) != NULL;
}

void worker_wait_dropped(struct worker *w)
{
	wait_replies(w, w->drops_asked);
	w->drops_asked = 0;
}

void worker_set_rules(struct worker *w, const struct ruleset *rules)
{
	say(w, (struct command){.kind = COMMAND_RULES, .rules = rules});
	wait_replies(w, 1);
}

void worker_set_incidents(struct worker *w, struct incidents *incidents, bool unmask)
{
	say(w, (struct command){.kind = COMMAND_INCIDENTS, .incidents = incidents, .unmask = unmask});
}

void worker_stop(struct worker *w, bool until_end)
{
	say(w, (struct command){.kind = COMMAND_STOP, .until_end = until_end});
}

void worker_join(struct worker *w)
{
	if (!w)
		return;
	pthread_join(w->thread, NULL);
	books_remove_writer(w->books, &w->writer);
	for (struct command *c; (c = queue_pop(w->commands, 0)); free(c)) {
		free(c->topic);
		incidents_free(c->incidents);
	}
	for (struct books_notice *n; (n = queue_pop(w->writer.notices, 0));)
		free(n);
	for (size_t i = 0; i < w->partitions.len; i++)
		partition_free(w->partitions.at[i]);
	w->partitions.len = 0;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	queue_free(w->commands);
	queue_free(w->replies);
	queue_free(w->writer.notices);
	shard_free(w->shard);
	free(w->partitions.at);
	free(w->ranges);
	gather_done(&w->gather);
	buf_done(&w->record);
	pthread_mutex_destroy(&w->trouble_lock);
	free(w);
}

bool worker_stopped(const struct worker *w)
{
	return w->stopped;
}

const struct worker_status *worker_status(const struct worker *w)
{
	return &w->status;
}

size_t worker_number(const struct worker *w)
{
	return w->opts.number;
}

void worker_trouble(struct worker *w, char *out, size_t size)
{
	pthread_mutex_lock(&w->trouble_lock);
	snprintf(out, size, "%s", w->trouble);
	pthread_mutex_unlock(&w->trouble_lock);
}
