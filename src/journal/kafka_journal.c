/* SPDX-License-Identifier: Apache-2.0 */
/* The journal as a Kafka topic: partition 0 of one topic is its one order; a position is an offset.
 *
 *   producer   idempotent, acks=all: append waits for its delivery report. A report that does not come within message.timeout.ms (30 s) is ERR_UNREACHABLE,
 *              and the record may be there all the same: the chain rule of the ledger makes a second copy harmless, reading back tells. A fatal error of the
 *              idempotent producer (its sequence was lost) is answered with a new producer.
 *   reader     a consumer of its own by assign(), in no group; an offset that retention took, or that the log no longer has, is ERR_CORRUPT
 *   elector    a second consumer, subscribed in the group GROUP-winnow-leader, with nothing fetched: whoever is given partition 0 leads. Two may believe so
 *              for a session timeout; they send the same bytes.
 *
 * Threads: one polls the producer, one the elector; the reader belongs to the ledger thread. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "journal/backend.h"
#include "journal/kafka_client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum { SERVE_MS = 100 };

struct kafka_journal {
	struct journal journal;
	struct journal_kafka_opts opts; /* with texts of our own */
	char *leader_group;
	rd_kafka_t *producer, *reader, *elector;
	rd_kafka_message_t *current;    /* what the last read returned */
	bool assigned;
	int64_t next;                   /* where the reader goes on, once assigned */
	struct kafka_state state;
	pthread_t producer_thread, elector_thread;
	bool producer_runs, elector_runs;
	bool stop, leads;               /* atomic */
	pthread_mutex_t lock;           /* of the next three */
	pthread_cond_t renewed;
	size_t users;                   /* appends going on */
	bool renewing;                  /* the producer is being replaced */
};

static const struct kafka_setting nothing[] = {{NULL, NULL}};
static const struct kafka_setting producer_usual[] = {
	{"message.timeout.ms", "30000"},
	{"linger.ms", "0"},
	{"message.max.bytes", "8388608"},
	{NULL, NULL},
};
static const struct kafka_setting producer_must[] = {{"enable.idempotence", "true"}, {"acks", "all"}, {NULL, NULL}};
static const struct kafka_setting reader_must[] = {
	{"group.id", "winnow-journal-reader"}, /* never joined */
	{"enable.auto.commit", "false"},
	{"enable.auto.offset.store", "false"},
	{"auto.offset.reset", "error"},
	{"allow.auto.create.topics", "false"},
	{"isolation.level", "read_uncommitted"},
	{"check.crcs", "true"},
	{NULL, NULL},
};
static const struct kafka_setting elector_usual[] = {{"session.timeout.ms", "10000"}, {"heartbeat.interval.ms", "2000"}, {NULL, NULL}};

static int make_producer(struct kafka_journal *k, struct err *err)
{
	rd_kafka_conf_t *conf;
	int rc = kafka_conf(&k->opts, producer_usual, producer_must, &conf, err);
	if (rc < 0)
		return rc;
	rd_kafka_conf_set_dr_msg_cb(conf, kafka_wait_delivered);
	return kafka_client(RD_KAFKA_PRODUCER, conf, &k->producer, err);
}

/* Replaces a producer that had a fatal error, once no append uses it. */
static void renew(struct kafka_journal *k)
{
	struct err err = {0};
	bool used = true;
	log_line(LOG_WARN, "journal", "the producer lost its place; starting a new one");
	pthread_mutex_lock(&k->lock);
	k->renewing = true;
	pthread_mutex_unlock(&k->lock);
	while (used) {
		rd_kafka_poll(k->producer, SERVE_MS);
		pthread_mutex_lock(&k->lock);
		used = k->users > 0;
		pthread_mutex_unlock(&k->lock);
	}
	rd_kafka_t *old = k->producer;
	if (make_producer(k, &err) < 0)
		log_line(LOG_ERROR, "journal", "cannot start a producer: %s", err.text); /* the old one stays: appends fail and say so */
	else
		rd_kafka_destroy(old);
	pthread_mutex_lock(&k->lock);
	k->renewing = false;
	pthread_cond_broadcast(&k->renewed);
	pthread_mutex_unlock(&k->lock);
}

static bool stopping(struct kafka_journal *k)
{
	return __atomic_load_n(&k->stop, __ATOMIC_ACQUIRE);
}

static void *serve_producer(void *arg)
{
	struct kafka_journal *k = arg;
	char text[256];
	while (!stopping(k)) {
		rd_kafka_poll(k->producer, SERVE_MS);
		if (rd_kafka_fatal_error(k->producer, text, sizeof(text)))
			renew(k);
	}
	return NULL;
}

/* The producer for one append; leave must follow. */
static rd_kafka_t *enter(struct kafka_journal *k)
{
	pthread_mutex_lock(&k->lock);
	while (k->renewing)
		pthread_cond_wait(&k->renewed, &k->lock);
	k->users++;
	rd_kafka_t *producer = k->producer;
	pthread_mutex_unlock(&k->lock);
	return producer;
}

static void leave(struct kafka_journal *k)
{
	pthread_mutex_lock(&k->lock);
	k->users--;
	pthread_mutex_unlock(&k->lock);
}

static int kafka_append(struct journal *j, struct slice record, struct err *err)
{
	struct kafka_journal *k = (struct kafka_journal *)j;
	rd_kafka_t *producer = enter(k);
	struct kafka_wait *w = kafka_wait_new();
	kafka_wait_send(w, producer, k->opts.topic, (struct slice){0}, record, false);
	rd_kafka_resp_err_t code = kafka_wait_done(w);
	leave(k);
	if (!code)
		return 0;
	return err_set(err, kafka_err_code(code), "journal: topic %s did not take a record of %zu bytes: %s", k->opts.topic, record.len, rd_kafka_err2str(code));
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
	struct kafka_journal *k = opaque;
	bool given = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && rd_kafka_topic_partition_list_find(partitions, k->opts.topic, 0) != NULL;
	bool led = __atomic_exchange_n(&k->leads, given, __ATOMIC_ACQ_REL);
	if (given != led)
		log_line(LOG_INFO, "journal", given ? "this instance leads: it sends" : "this instance stands by");
	if (code != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		rd_kafka_assign(rk, NULL);
		return;
	}
	for (int i = 0; i < partitions->cnt; i++)
		partitions->elems[i].offset = RD_KAFKA_OFFSET_END;
	rd_kafka_assign(rk, partitions);
	rd_kafka_pause_partitions(rk, partitions); /* it is here to own, not to read */
}

static void *serve_elector(void *arg)
{
	struct kafka_journal *k = arg;
	while (!stopping(k)) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(k->elector, SERVE_MS);
		if (m)
			rd_kafka_message_destroy(m);
	}
	return NULL;
}

static int make_elector(struct kafka_journal *k, struct err *err)
{
	const struct kafka_setting must[] = {
		{"group.id", k->leader_group},
		{"enable.auto.commit", "false"},
		{"partition.assignment.strategy", "range"},
		{"queued.min.messages", "1"},
		{NULL, NULL},
	};
	rd_kafka_conf_t *conf;
	int rc = kafka_conf(&k->opts, elector_usual, must, &conf, err);
	if (rc < 0)
		return rc;
	rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
	rd_kafka_conf_set_opaque(conf, k);
	if ((rc = kafka_client(RD_KAFKA_CONSUMER, conf, &k->elector, err)) < 0)
		return rc;
	rd_kafka_poll_set_consumer(k->elector);
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(topics, k->opts.topic, RD_KAFKA_PARTITION_UA);
	rd_kafka_resp_err_t code = rd_kafka_subscribe(k->elector, topics);
	rd_kafka_topic_partition_list_destroy(topics);
	return code ? err_set(err, kafka_err_code(code), "journal: cannot stand for leader in group %s: %s", k->leader_group, rd_kafka_err2str(code)) : 0;
}

static int make_reader(struct kafka_journal *k, struct err *err)
{
	rd_kafka_conf_t *conf;
	int rc = kafka_conf(&k->opts, nothing, reader_must, &conf, err);
	if (rc == 0)
		rc = kafka_client(RD_KAFKA_CONSUMER, conf, &k->reader, err);
	if (rc == 0)
		rd_kafka_poll_set_consumer(k->reader);
	return rc;
}

static int kafka_begin(struct journal *j, int64_t *ret_position, struct err *err)
{
	struct kafka_journal *k = (struct kafka_journal *)j;
	int64_t high;
	return kafka_watermarks(k->reader, k->opts.topic, ret_position, &high, err);
}

/* Over the producer's connection: on the reader's the question would wait behind a fetch that the broker holds until something comes. */
static int kafka_end(struct journal *j, int64_t *ret_position, struct err *err)
{
	struct kafka_journal *k = (struct kafka_journal *)j;
	int64_t low;
	rd_kafka_t *producer = enter(k);
	int rc = kafka_watermarks(producer, k->opts.topic, &low, ret_position, err);
	leave(k);
	return rc;
}

static void let_go(struct kafka_journal *k)
{
	if (k->current)
		rd_kafka_message_destroy(k->current);
	k->current = NULL;
}

static int kafka_seek(struct journal *j, int64_t position, struct err *err)
{
	struct kafka_journal *k = (struct kafka_journal *)j;
	int64_t low, high;
	int rc = kafka_watermarks(k->reader, k->opts.topic, &low, &high, err);
	if (rc < 0)
		return rc;
	if (position < low)
		return err_set(err, ERR_INPUT, "journal: topic %s begins at %lld, behind position %lld: retention took what was there", k->opts.topic, (long long)low,
			(long long)position);
	if (position > high)
		return err_set(err, ERR_CORRUPT, "journal: topic %s ends at %lld, before position %lld: the topic was made anew or lost records", k->opts.topic,
			(long long)high, (long long)position);
	let_go(k);
	rc = kafka_assign(k->reader, k->opts.topic, position, err);
	k->assigned = rc == 0;
	k->next = position;
	return rc;
}

static int64_t kafka_next(const struct journal *j)
{
	return ((const struct kafka_journal *)j)->next;
}

/* What a poll that brought no record means: 0 to go on waiting another time. */
static int read_trouble(const struct kafka_journal *k, rd_kafka_resp_err_t code, const char *text, struct err *err)
{
	if (code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__PARTITION_EOF || code == RD_KAFKA_RESP_ERR__TIMED_OUT)
		return 0;
	return err_set(err, kafka_err_code(code), "journal: topic %s: %s", k->opts.topic, text);
}

static int kafka_read(struct journal *j, int64_t timeout_ns, struct journal_entry *ret, struct err *err)
{
	struct kafka_journal *k = (struct kafka_journal *)j;
	int64_t begin;
	let_go(k);
	if (!k->assigned) {
		int rc = kafka_begin(j, &begin, err);
		if (rc == 0)
			rc = kafka_seek(j, begin, err);
		if (rc < 0)
			return rc;
	}
	rd_kafka_message_t *m = rd_kafka_consumer_poll(k->reader, (int)(timeout_ns / NS_PER_MS));
	if (!m)
		return 0;
	k->current = m;
	if (m->err)
		return read_trouble(k, m->err, rd_kafka_message_errstr(m), err);
	k->next = m->offset + 1;
	*ret = (struct journal_entry){.position = m->offset, .next_position = m->offset + 1, .bytes = slice_of(m->payload, m->payload ? m->len : 0)};
	return 1;
}

static bool kafka_leads(struct journal *j)
{
	return __atomic_load_n(&((struct kafka_journal *)j)->leads, __ATOMIC_ACQUIRE);
}

static int kafka_save_snapshot(struct journal *j, struct slice snapshot, int64_t position, struct err *err)
{
	struct kafka_journal *k = (struct kafka_journal *)j;
	rd_kafka_t *producer = enter(k);
	int rc = kafka_state_save(&k->state, producer, snapshot, position, err);
	leave(k);
	return rc;
}

static int kafka_load_snapshot(struct journal *j, struct buf *out, struct err *err)
{
	return kafka_state_load(&((struct kafka_journal *)j)->state, out, err);
}

static void free_opts(struct journal_kafka_opts *o)
{
	for (size_t i = 0; i < o->properties_len; i++) {
		free((void *)o->properties[i].key);
		free((void *)o->properties[i].value);
	}
	free((void *)o->properties);
	free((void *)o->brokers);
	free((void *)o->topic);
	free((void *)o->state_topic);
	free((void *)o->group);
}

static void copy_opts(struct journal_kafka_opts *to, const struct journal_kafka_opts *from)
{
	struct journal_property *properties = mem_zalloc(from->properties_len, sizeof(*properties));
	for (size_t i = 0; i < from->properties_len; i++) {
		properties[i].key = mem_strdup(slice_str(from->properties[i].key));
		properties[i].value = mem_strdup(slice_str(from->properties[i].value));
	}
	*to = (struct journal_kafka_opts){
		.brokers = mem_strdup(slice_str(from->brokers)),
		.topic = mem_strdup(slice_str(from->topic)),
		.state_topic = mem_strdup(slice_str(from->state_topic)),
		.group = mem_strdup(slice_str(from->group)),
		.properties = properties,
		.properties_len = from->properties_len,
	};
}

static void destroy_consumer(rd_kafka_t *consumer)
{
	if (!consumer)
		return;
	rd_kafka_consumer_close(consumer);
	rd_kafka_destroy(consumer);
}

static void kafka_close(struct journal *j)
{
	struct kafka_journal *k = (struct kafka_journal *)j;
	__atomic_store_n(&k->stop, true, __ATOMIC_RELEASE);
	if (k->producer_runs)
		pthread_join(k->producer_thread, NULL);
	if (k->elector_runs)
		pthread_join(k->elector_thread, NULL);
	let_go(k);
	destroy_consumer(k->elector);
	destroy_consumer(k->reader);
	if (k->producer)
		rd_kafka_destroy(k->producer);
	pthread_cond_destroy(&k->renewed);
	pthread_mutex_destroy(&k->lock);
	kafka_state_done(&k->state);
	free_opts(&k->opts);
	free(k->leader_group);
	free(k);
}

static int start(struct kafka_journal *k, struct err *err)
{
	int rc = make_producer(k, err);
	if (rc == 0)
		rc = make_reader(k, err);
	if (rc == 0)
		rc = kafka_topics_ensure(k->reader, k->producer, &k->opts, err);
	if (rc == 0)
		rc = make_elector(k, err);
	if (rc < 0)
		return rc;
	k->producer_runs = pthread_create(&k->producer_thread, NULL, serve_producer, k) == 0;
	k->elector_runs = pthread_create(&k->elector_thread, NULL, serve_elector, k) == 0;
	return k->producer_runs && k->elector_runs ? 0 : err_set(err, ERR_IO, "journal: cannot start a thread");
}

static const struct journal_backend kafka_backend = {
	.close = kafka_close,
	.append = kafka_append,
	.begin = kafka_begin,
	.end = kafka_end,
	.seek = kafka_seek,
	.next = kafka_next,
	.read = kafka_read,
	.leads = kafka_leads,
	.save_snapshot = kafka_save_snapshot,
	.load_snapshot = kafka_load_snapshot,
};

int journal_open_kafka(const struct journal_kafka_opts *opts, struct journal **ret, struct err *err)
{
	struct kafka_journal *k = mem_zalloc(1, sizeof(*k));
	char group[256];
	k->journal.backend = &kafka_backend;
	copy_opts(&k->opts, opts);
	snprintf(group, sizeof(group), "%s-winnow-leader", opts->group);
	k->leader_group = mem_strdup(slice_str(group));
	k->state.opts = &k->opts;
	while (k->state.writer == 0)
		if (getrandom(&k->state.writer, sizeof(k->state.writer), 0) != sizeof(k->state.writer))
			k->state.writer = (uint64_t)clock_wall_ns();
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->renewed, NULL);
	int rc = start(k, err);
	if (rc < 0) {
		kafka_close(&k->journal);
		return rc;
	}
	*ret = &k->journal;
	return 0;
}
