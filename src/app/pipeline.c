/* SPDX-License-Identifier: Apache-2.0 */
/* The control thread: it opens the journal (waiting for a broker that is not there yet), starts the workers, serves the consumer groups, hands partitions to
 * workers and takes them back, and shuts down in an order that leaves nothing half said: workers first (they append what is open), then the groups, then the
 * sender, then the books (which write a snapshot).
 *
 * A partition that is assigned is announced in the journal before any worker reads it: from then on the watermark waits for it. */
#include "app/pipeline.h"

#include "app/books.h"
#include "app/pipeline_parts.h"
#include "app/sending.h"
#include "app/status.h"
#include "app/worker.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "source/file.h"
#include "source/kafka.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define COMMIT_NS (5 * NS_PER_S)
#define SERVE_NS (50 * NS_PER_MS)
#define NOTHING_NS (20 * NS_PER_S)
#define OTLP_LEAVE_NS (5 * NS_PER_S)

/* Until a broker has been asked, an instance that reads from one does nothing yet. */
static void expect_brokers(const struct control *c)
{
	for (size_t i = 0; i < c->config->sources_len; i++)
		if (c->config->sources[i].kind == CONFIG_SOURCE_KAFKA)
			status_expect(c->status, "kafka", "not connected yet");
}

static bool leads(void *arg)
{
	return books_leads(arg);
}

/* Before the first record is counted. */
static void open_desk(struct control *c)
{
	if (c->until_end)
		return;
	c->desk = desk_open(c->config);
	desk_set_leads(c->desk, leads, c->books);
	status_set_desk(c->status, c->desk);
	c->canary = canary_open(c->config, c->books);
	status_set_canary(c->status, c->canary);
}

static int start_workers(struct control *c)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = c->config->shards > 0 ? (size_t)c->config->shards : cpus > 0 ? (size_t)cpus : 1;
	c->low_ns = mem_zalloc(n, sizeof(*c->low_ns));
	c->workers = mem_zalloc(n, sizeof(struct worker *));
	for (size_t i = 0; i < n; i++)
		c->low_ns[i] = INT64_MAX;
	for (size_t i = 0; i < n; i++) {
		struct err err = {0};
		struct worker_opts opts = {
			.shard = {
				.step_ns = c->config->metrics.step_ns,
				.window_ns = c->config->metrics.window_ns,
				.limits = {.patterns_per_service = (size_t)c->config->budgets.patterns_per_service},
				.miner_bytes = (64u << 20) / n,
				.native = c->config->metrics.histograms != CONFIG_HISTOGRAMS_CLASSIC,
				.label_values = (size_t)c->config->budgets.label_values,
				.id_values = c->config->budgets.id_values ? (size_t)c->config->budgets.id_values : SHARD_IDS_WELCOME,
				.hold_ns = c->config->metrics.service_graph_hold_ns,
				.sampling = &c->config->sampling.policy,
				.join_full = c->config->metrics.join_full_lines,
				.graph_of_services = c->config->metrics.service_graph_edges == CONFIG_EDGES_SERVICES,
				.exceptions_are_errors = c->config->metrics.exceptions_are_errors,
				.span_preset = (int)c->config->metrics.spans,
				.span_dimensions = (const char *const *)c->config->metrics.span_dimensions.items,
				.span_dimensions_len = c->config->metrics.span_dimensions.len,
				.examples = (enum examples_kept)c->config->examples,
				.rules = c->rules,
				.fields = c->config->decoder_fields,
				.fields_len = c->config->decoder_fields_len,
			},
			.cut_interval_ns = NS_PER_S,
			.window_ns = c->config->metrics.window_ns,
			.low_ns = c->low_ns,
			.number = i,
			.count = n,
			.tap = status_tap(c->status),
			.kept = c->kept,
			.otlp = c->otlp,
			.rekey = c->rekey,
			.rekey_topic = c->rekey_topic,
		};
		if (worker_start(c->books, &opts, &c->workers[i], &err) < 0) {
			log_line(LOG_ERROR, "worker", "%s", err.text);
			return 1;
		}
		c->workers_len++;
	}
	status_set_workers(c->status, c->workers, c->workers_len);
	desk_set_workers(c->desk, c->workers, c->workers_len);
	return 0;
}

/* Announces the partitions where they go on, so that the watermark waits for them from now on. */
static bool announce(struct control *c, struct source_reader *const *readers, size_t len, const struct shard_start *at)
{
	struct delta_body body = {0};
	struct buf record = {0};
	struct err err = {0};
	uint64_t writer = 0;
	int64_t now = clock_wall_ns(), journal_time = books_journal_time(c->books);
	struct delta_range *ranges = mem_zalloc(len, sizeof(*ranges));
	for (size_t i = 0; i < len; i++) {
		struct ledger_partition known;
		bool is_known = books_partition(c->books, slice_str(readers[i]->topic), readers[i]->partition, &known);
		ranges[i] = (struct delta_range){.topic = slice_str(readers[i]->topic), .partition = readers[i]->partition, .joined = true, .from = at[i].offset, .to = at[i].offset, .replay = at[i].replay, .replay_time_ns = at[i].replay_time_ns, .life = is_known ? known.life : 0}; /* no time: that is the worker's to say */
	}
	if (getrandom(&writer, sizeof(writer), 0) < 0)
		writer = (uint64_t)now;
	struct delta_header header = {.writer = writer, .seq = 1, .journal_time_ns = now > journal_time ? now : journal_time, .ranges = ranges, .ranges_len = len};
	delta_encode(&record, &header, &body);
	int rc = books_append(c->books, buf_slice(&record), &err);
	status_trouble(c->status, "journal", rc ? err.text : "");
	buf_done(&record);
	free(ranges);
	return rc == 0;
}

/* Where each partition goes on: what the journal says, read to its end; else the source's start. True if all of it was so already. */
static bool look_up(struct control *c, struct source_reader *const *readers, size_t len, struct shard_start *starts)
{
	bool same = true;
	while (!books_catch_up(c->books, 10 * NS_PER_S) && !c->leaving)
		log_line(LOG_WARN, "journal", "waiting to read the journal to its end before counting");
	for (size_t i = 0; i < len; i++) {
		struct ledger_partition at;
		bool known = books_partition(c->books, slice_str(readers[i]->topic), readers[i]->partition, &at);
		int64_t offset = known ? at.absorbed : readers[i]->start;
		same = same && starts[i].offset == offset;
		starts[i] = (struct shard_start){.offset = offset, .replay = offset};
		if (known)
			starts[i] = (struct shard_start){.offset = offset, .replay = at.replay, .replay_time_ns = at.replay_time_ns, .newest_ns = at.reached_ns};
	}
	return same;
}

/* The journal decides where to go on: it says what is counted, and a consumer group's offsets do not. */
static void overrule(struct control *c, const struct source_reader *reader, const struct shard_start *start)
{
	struct ledger_partition at;
	if (reader->reset < 0 || reader->reset == start->offset || !books_partition(c->books, slice_str(reader->topic), reader->partition, &at))
		return;
	log_line(LOG_ERROR, "source", "%s/%d: someone set the offset of the consumer group to %lld; the journal says that %lld are counted, and that stands. To count again, use another group and another journal",
		reader->topic, (int)reader->partition, (long long)reader->reset, (long long)start->offset);
	status_overruled(c->status);
}

static void on_assigned(void *arg, struct source_reader *const *readers, size_t len, int64_t *offsets)
{
	struct control *c = ((struct control_source *)arg)->control;
	struct shard_start *starts = mem_zalloc(len, sizeof(*starts));
	for (size_t i = 0; i < len; i++)
		starts[i].offset = -1;
	look_up(c, readers, len, starts);
	for (unsigned tries = 0; len && tries < 5 && !c->leaving; tries++)
		if (announce(c, readers, len, starts) && look_up(c, readers, len, starts))
			break;
	for (size_t i = 0; i < len; i++) {
		overrule(c, readers[i], &starts[i]);
		offsets[i] = starts[i].replay;
		control_place(c, arg, readers[i], &starts[i]);
	}
	free(starts);
}

static void on_ready(void *arg, struct source_reader *const *readers, size_t len)
{
	struct control_source *s = arg;
	for (size_t i = 0; i < len; i++)
		control_hand_over(s->control, readers[i]);
	log_line(LOG_INFO, "source", "%zu partitions assigned", len);
}

static void on_revoked(void *arg, const char *const *topics, const int32_t *partitions, size_t len, bool lost)
{
	struct control_source *s = arg;
	if (s->control->leaving_sources)
		return;
	log_line(LOG_INFO, "source", "%zu partitions %s", len, lost ? "lost" : "given back");
	control_take_back(s->control, topics, partitions, len);
}

static int open_kafka_source(struct control_source *s, const struct config_source *config)
{
	struct err err = {0};
	struct kafka_source_calls calls = {.assigned = on_assigned, .ready = on_ready, .revoked = on_revoked, .arg = s};
	struct kafka_source_opts opts = {
		.brokers = config->kafka.brokers,
		.topics = config->kafka.topics.items,
		.topics_len = config->kafka.topics.len,
		.group = config->kafka.group,
		.start = config->kafka.start.kind == CONFIG_START_EARLIEST ? KAFKA_EARLIEST : config->kafka.start.kind == CONFIG_START_LATEST ? KAFKA_LATEST : KAFKA_AT_TIME,
		.start_ns = config->kafka.start.time_ns,
		.properties = (const struct kafka_property *)config->kafka.properties.items,
		.properties_len = config->kafka.properties.len,
		.dead_letters = config->kafka.dead_letters.topic,
		.dead_letters_per_second = config->kafka.dead_letters.per_second,
		.format = (enum format)config->format,
	};
	_Static_assert(sizeof(struct kafka_property) == sizeof(struct config_pair), "both are a key and a value");
	if (kafka_source_new(&opts, &calls, &s->kafka, &err) == 0)
		return 0;
	log_line(LOG_ERROR, "source", "%s", err.text);
	return 1;
}

static int open_file_source(struct control_source *s, const struct config_source *config)
{
	struct err err = {0};
	struct source_reader *reader;
	int64_t offset;
	if (file_source_open(config->file.path, config->file.follow, &reader, &err) < 0) {
		log_line(LOG_ERROR, "source", "%s", err.text);
		return 1;
	}
	on_assigned(s, &reader, 1, &offset);
	if (reader->ops->seek(reader, offset, &err) < 0) {
		log_line(LOG_ERROR, "source", "%s", err.text);
		return 1;
	}
	on_ready(s, &reader, 1);
	return 0;
}

/* Where the log of a partition ends: whichever source reads it knows. From the admin thread. */
static int64_t log_end(void *arg, const char *topic, int32_t partition)
{
	const struct control *c = arg;
	int64_t end = -1;
	for (size_t i = 0; end < 0 && i < c->sources_len; i++)
		if (c->sources[i].kafka)
			end = kafka_source_end(c->sources[i].kafka, topic, partition);
	return end;
}

static int open_sources(struct control *c)
{
	c->sources = mem_zalloc(c->config->sources_len, sizeof(*c->sources));
	for (size_t i = 0; i < c->config->sources_len; i++) {
		const struct config_source *config = &c->config->sources[i];
		struct control_source *s = &c->sources[c->sources_len++];
		s->control = c;
		s->format = (enum format)config->format;
		s->zone = config->zone;
		if (config->kind == CONFIG_SOURCE_KAFKA ? open_kafka_source(s, config) : open_file_source(s, config))
			return 1;
	}
	status_set_ends(c->status, log_end, c);
	return 0;
}

static void serve_sources(struct control *c)
{
	bool any = false;
	for (size_t i = 0; i < c->sources_len; i++) {
		struct control_source *s = &c->sources[i];
		const char *trouble = "";
		if (!s->kafka)
			continue;
		any = true;
		kafka_source_serve(s->kafka, SERVE_NS, &trouble);
		if (!trouble[0] && !kafka_source_joined(s->kafka))
			trouble = "waiting for the consumer group";
		status_trouble(c->status, "kafka", trouble);
	}
	if (!any)
		clock_sleep_ns(SERVE_NS);
}

static void commit_offsets(struct control *c)
{
	for (size_t i = 0; i < c->sources_len; i++)
		if (c->sources[i].kafka)
			control_commit(c, &c->sources[i]);
	c->commit_at_ns = clock_mono_ns() + COMMIT_NS;
}

/* --- until the end --- */

static bool joined(const struct control *c)
{
	for (size_t i = 0; i < c->sources_len; i++)
		if (c->sources[i].kafka && !kafka_source_joined(c->sources[i].kafka))
			return false;
	return true;
}

static bool all_ended(const struct control *c)
{
	size_t partitions = 0, ended = 0;
	for (size_t i = 0; i < c->workers_len; i++) {
		const struct worker_status *s = worker_status(c->workers[i]);
		partitions += s->partitions;
		ended += s->ended;
	}
	return partitions == control_places(c) && ended == partitions;
}

static bool all_stopped(const struct control *c)
{
	for (size_t i = 0; i < c->workers_len; i++)
		if (!worker_stopped(c->workers[i]))
			return false;
	return true;
}

static bool close_books(struct control *c)
{
	struct buf record = {0};
	struct err err = {0};
	int64_t now = clock_wall_ns(), journal_time = books_journal_time(c->books);
	close_encode(&record, now > journal_time ? now : journal_time);
	int rc = books_append(c->books, buf_slice(&record), &err);
	status_trouble(c->status, "journal", rc ? err.text : "");
	buf_done(&record);
	return rc == 0;
}

/* A run until the end that was given nothing to read for a while says so: a topic's name is wrong, or another member of the group has all of it. */
static bool nothing_to_read(struct control *c)
{
	if (control_places(c) > 0 || clock_mono_ns() - c->started_ns < NOTHING_NS)
		return false;
	log_line(LOG_ERROR, "source", "no partition to read after %d s: do the topics exist, and is no other member in the group?", (int)(NOTHING_NS / NS_PER_S));
	c->exit_status = 3;
	return true;
}

/* One turn of a run until the end: read, post, close, send, in this order. True when all is done. */
static bool finish(struct control *c)
{
	switch (c->phase) {
	case PHASE_READING:
		if (!joined(c) || control_places(c) == 0 || !all_ended(c))
			return nothing_to_read(c);
		for (size_t i = 0; i < c->workers_len; i++)
			worker_stop(c->workers[i], true);
		c->phase = PHASE_POSTING;
		return false;
	case PHASE_POSTING:
		if (all_stopped(c) && close_books(c))
			c->phase = PHASE_SENDING;
		return false;
	case PHASE_SENDING:
		if (!books_catch_up(c->books, NS_PER_S) || books_pending_steps(c->books) > 0)
			return false;
		/* a step that was too old to send has moved into the next one, which is open again */
		return !books_open_steps(c->books) || (close_books(c), false);
	}
	return false;
}

/* --- from start to end --- */

static void loop(struct control *c)
{
	while (!c->leaving) {
		serve_sources(c);
		control_wait_signal(c, 0);
		control_look_at_rules(c);
		if (clock_mono_ns() >= c->commit_at_ns)
			commit_offsets(c);
		if (c->until_end && finish(c))
			return;
	}
}

static void shut_down(struct control *c)
{
	c->leaving_sources = true;
	if (c->canary)
		status_set_canary(c->status, NULL);
	canary_close(c->canary);
	desk_set_workers(c->desk, NULL, 0);
	for (size_t i = 0; i < c->workers_len; i++)
		worker_stop(c->workers[i], false);
	status_set_workers(c->status, NULL, 0);
	for (size_t i = 0; i < c->workers_len; i++)
		worker_join(c->workers[i]);
	if (c->books)
		commit_offsets(c);
	if (c->status)
		status_set_ends(c->status, NULL, NULL);
	for (size_t i = 0; i < c->sources_len; i++)
		kafka_source_close(c->sources[i].kafka);
	if (c->otlp)
		status_set_otlp(c->status, NULL);
	span_sender_stop(c->otlp, c->until_end && !c->leaving ? c->config->sampling.otlp.give_up_ns : OTLP_LEAVE_NS);
	span_topic_free(c->kept);
	span_topic_free(c->rekey);
	for (size_t i = 0; i < c->workers_len; i++)
		worker_free(c->workers[i]);
	for (size_t i = 0; i < BOOKS_ENDPOINTS_MAX; i++)
		sending_stop(c->sending[i]);
	status_stop(c->status);
	desk_close(c->desk);
	books_close(c->books);
	control_done(c);
}

int pipeline_run(const struct config *config, bool until_end)
{
	struct control c = {.config = config, .until_end = until_end, .started_ns = clock_mono_ns()};
	int rc = control_init(&c);
	if (!rc)
		rc = status_start(config, &c.reload, &c.status);
	expect_brokers(&c);
	if (!rc)
		rc = pipeline_open_books(&c);
	for (size_t i = 0; !rc && i < config->remote_write_len; i++)
		rc = sending_start(config, i, c.books, c.status, &c.sending[i]);
	if (!rc)
		rc = pipeline_open_outputs(&c);
	if (!rc)
		open_desk(&c);
	if (!rc)
		rc = start_workers(&c);
	if (!rc)
		rc = open_sources(&c);
	if (!rc)
		loop(&c);
	shut_down(&c);
	return rc ? rc : c.exit_status;
}
