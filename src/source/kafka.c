/* SPDX-License-Identifier: Apache-2.0 */
/* The Kafka consumer. Each assigned partition's queue is cut off from the consumer's own, so that one shard thread reads it without a lock shared with others
 * and may choose which of its partitions to read next. Group events are served on the control thread.
 *
 * What librdkafka 2.0.2 gets wrong around seeks and rebalances (repeated or skipped messages out of a batch) does not matter here: the shard's offset
 * guard counts each offset once and asks for a seek where one is missing. Between the assignment and the cut, a fetch may already bring messages, or the word
 * that there are none, to the consumer's own queue, where no shard looks: the control thread puts the partition back to where they stand.
 *
 * auto.offset.reset is earliest, because a position that retention has passed must go on at what is left (and the gap is counted), never silently at the
 * end. */
#include "source/kafka.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "source/dead_letter.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* How long a question may take; a shard's are asked again, and must not hold its thread when it is to end. */
enum { ASK_MS = 10000, SHARD_ASK_MS = 2000, ASK_TRIES = 3, LEAVE_S = 8 };
#define OUR_SIGN "winnow" /* beside every offset we commit */

struct kafka_reader {
	struct source_reader base;
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;
	rd_kafka_topic_t *handle;
	struct dead_letters *dead_letters; /* the source's; NULL: none */
	struct dead_lane *dead_lane;
};

struct kafka_source {
	rd_kafka_t *rk;
	struct kafka_source_calls calls;
	enum kafka_start start;
	int64_t start_ns;
	char *brokers;
	struct dead_letters *dead_letters;
	bool joined;
	char trouble[512];
	int64_t trouble_ns;
};

static struct kafka_reader *of(struct source_reader *r)
{
	return (struct kafka_reader *)r;
}

static int kafka_poll(struct source_reader *r, size_t max, struct source_batch *ret, struct err *err)
{
	rd_kafka_message_t *messages[SOURCE_BATCH_MAX];
	ssize_t n = rd_kafka_consume_batch_queue(of(r)->queue, 0, messages, max < SOURCE_BATCH_MAX ? max : SOURCE_BATCH_MAX);
	int rc = 0;
	ret->len = ret->held_len = 0;
	ret->at_end = false;
	for (ssize_t i = 0; i < n; i++) {
		rd_kafka_message_t *m = messages[i];
		ret->held[ret->held_len++] = m;
		if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
			ret->at_end = true;
			continue;
		}
		if (m->err) {
			rc = err_set(err, ERR_AGAIN, "%s/%d: %s", r->topic, (int)r->partition, rd_kafka_message_errstr(m));
			continue;
		}
		if (m->partition != r->partition)
			continue;
		rd_kafka_timestamp_type_t type;
		int64_t ms = rd_kafka_message_timestamp(m, &type);
		ret->messages[ret->len++] = (struct source_message){
			.payload = slice_of(m->payload, m->len),
			.offset = m->offset,
			.next_offset = m->offset + 1,
			.time_ns = ms > 0 && ms < INT64_MAX / NS_PER_MS ? ms * NS_PER_MS : 0,
			.handle = m,
		};
		ret->at_end = false;
	}
	return rc;
}

static void kafka_release(struct source_reader *r, struct source_batch *batch)
{
	(void)r;
	for (size_t i = 0; i < batch->held_len; i++)
		rd_kafka_message_destroy(batch->held[i]);
	batch->len = batch->held_len = 0;
}

static int kafka_seek(struct source_reader *r, int64_t offset, struct err *err)
{
	rd_kafka_resp_err_t rc = rd_kafka_seek(of(r)->handle, r->partition, offset, SHARD_ASK_MS);
	if (rc)
		return err_set(err, ERR_AGAIN, "%s/%d: seek to %lld: %s", r->topic, (int)r->partition, (long long)offset, rd_kafka_err2str(rc));
	return 0;
}

static void kafka_close(struct source_reader *r)
{
	rd_kafka_queue_destroy(of(r)->queue);
	rd_kafka_topic_destroy(of(r)->handle);
	free(r->topic);
	free(r);
}

/* Asking librdkafka takes 150 ns where there are none, as it does not say so before it has set up its reader. Asking only now and then would be cheaper, and would make what a record is a matter of
 * who reads it. */
static bool kafka_header(struct source_reader *r, const struct source_message *m, size_t i, struct slice *ret_name, struct slice *ret_value)
{
	rd_kafka_headers_t *headers;
	const char *name;
	const void *value;
	size_t len;
	(void)r;
	if (rd_kafka_message_headers(m->handle, &headers) || rd_kafka_header_get_all(headers, i, &name, &value, &len))
		return false;
	*ret_name = slice_str(name);
	*ret_value = slice_of(value, len);
	return true;
}

static enum source_aside kafka_set_aside(struct source_reader *r, const struct source_message *m, const char *reason, size_t lost_records)
{
	struct dead_letters *to = of(r)->dead_letters;
	return to ? dead_letters_add(to, of(r)->dead_lane, m->handle, r->topic, reason, lost_records) : SOURCE_ASIDE_NOWHERE;
}

static bool kafka_aside_full(struct source_reader *r)
{
	return of(r)->dead_letters && dead_letters_full(of(r)->dead_letters);
}

static bool kafka_settle(struct source_reader *r, int64_t timeout_ns, size_t *lost)
{
	return !of(r)->dead_letters || dead_letters_settle(of(r)->dead_letters, of(r)->dead_lane, timeout_ns, lost);
}

static int kafka_look(struct source_reader *r, int64_t *ret_end, struct err *err)
{
	int64_t low;
	rd_kafka_resp_err_t rc = rd_kafka_query_watermark_offsets(of(r)->rk, r->topic, r->partition, &low, ret_end, SHARD_ASK_MS);
	return rc ? err_set(err, ERR_AGAIN, "%s/%d: where its log ends: %s", r->topic, (int)r->partition, rd_kafka_err2str(rc)) : 0;
}

/* -1: there is none; less: it cannot be told. */
static int64_t offset_since(rd_kafka_t *rk, const char *topic, int32_t partition, int64_t time_ns, int ask_ms)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, topic, partition)->offset = time_ns / NS_PER_MS;
	rd_kafka_resp_err_t rc = rd_kafka_offsets_for_times(rk, list, ask_ms);
	int64_t offset = rc || list->elems[0].err ? -2 : list->elems[0].offset < 0 ? -1 : list->elems[0].offset;
	rd_kafka_topic_partition_list_destroy(list);
	return offset;
}

static int kafka_since(struct source_reader *r, int64_t time_ns, int64_t *ret, struct err *err)
{
	*ret = offset_since(of(r)->rk, r->topic, r->partition, time_ns, SHARD_ASK_MS);
	if (*ret >= 0)
		return 0;
	return *ret == -1 ? kafka_look(r, ret, err) : err_set(err, ERR_AGAIN, "%s/%d: what was written when cannot be told now", r->topic, (int)r->partition);
}

static const struct source_reader_ops kafka_ops = {
	.poll = kafka_poll,
	.release = kafka_release,
	.seek = kafka_seek,
	.close = kafka_close,
	.header = kafka_header,
	.set_aside = kafka_set_aside,
	.aside_full = kafka_aside_full,
	.settle = kafka_settle,
	.look = kafka_look,
	.since = kafka_since,
};

/* First offset to read of a partition that the journal does not know. */
static int64_t start_offset(struct kafka_source *k, const char *topic, int32_t partition, int64_t low, int64_t high)
{
	if (k->start == KAFKA_EARLIEST)
		return low;
	if (k->start == KAFKA_LATEST)
		return high;
	int64_t offset = offset_since(k->rk, topic, partition, k->start_ns, ASK_MS);
	return offset < 0 ? high : offset;
}

static struct source_reader *reader_new(struct kafka_source *k, const char *topic, int32_t partition)
{
	struct kafka_reader *r = mem_zalloc(1, sizeof(*r));
	int64_t low = 0, high = 0;
	for (int i = 0; i < ASK_TRIES; i++) /* an answer that is lost must not pass for an empty log */
		if (!rd_kafka_query_watermark_offsets(k->rk, topic, partition, &low, &high, ASK_MS))
			break;
	r->rk = k->rk;
	r->base.ops = &kafka_ops;
	r->base.reset = -1;
	r->base.topic = mem_strdup(slice_str(topic));
	r->base.partition = partition;
	r->base.start = start_offset(k, topic, partition, low, high);
	r->base.end = high;
	r->dead_letters = k->dead_letters;
	if (r->dead_letters)
		r->dead_lane = dead_letters_lane(r->dead_letters, topic, partition);
	r->handle = rd_kafka_topic_new(k->rk, topic, NULL);
	r->queue = rd_kafka_queue_get_partition(k->rk, topic, partition);
	return &r->base;
}

static bool cooperative(struct kafka_source *k)
{
	return strcmp(rd_kafka_rebalance_protocol(k->rk), "COOPERATIVE") == 0;
}

/* What the group has committed without our sign on it: an operator's tool did. */
static void find_resets(struct kafka_source *k, const rd_kafka_topic_partition_list_t *list, struct source_reader *const *readers)
{
	rd_kafka_topic_partition_list_t *committed = rd_kafka_topic_partition_list_copy(list);
	if (rd_kafka_committed(k->rk, committed, ASK_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
		for (int i = 0; i < committed->cnt; i++) {
			const rd_kafka_topic_partition_t *c = &committed->elems[i];
			bool ours = slice_eq(slice_of(c->metadata, c->metadata_size), SLICE(OUR_SIGN));
			readers[i]->reset = c->offset >= 0 && !ours ? c->offset : -1;
		}
	rd_kafka_topic_partition_list_destroy(committed);
}

static void assign(struct kafka_source *k, rd_kafka_topic_partition_list_t *list)
{
	size_t n = (size_t)list->cnt;
	struct source_reader **readers = mem_zalloc(n, sizeof(struct source_reader *));
	int64_t *offsets = mem_zalloc(n, sizeof(int64_t));
	for (size_t i = 0; i < n; i++)
		readers[i] = reader_new(k, list->elems[i].topic, list->elems[i].partition);
	find_resets(k, list, readers);
	k->calls.assigned(k->calls.arg, readers, n, offsets);
	for (size_t i = 0; i < n; i++)
		list->elems[i].offset = offsets[i];
	if (cooperative(k))
		rd_kafka_error_destroy(rd_kafka_incremental_assign(k->rk, list));
	else
		rd_kafka_assign(k->rk, list);
	failpoint_hit(FAIL_ASSIGN_BEFORE_PART);
	for (size_t i = 0; i < n; i++)
		rd_kafka_queue_forward(of(readers[i])->queue, NULL); /* assigning forwards it to the consumer's own queue */
	k->calls.ready(k->calls.arg, readers, n);
	free(readers);
	free(offsets);
}

static void revoke(struct kafka_source *k, rd_kafka_topic_partition_list_t *list)
{
	size_t n = (size_t)list->cnt;
	const char **topics = mem_zalloc(n, sizeof(char *));
	int32_t *partitions = mem_zalloc(n, sizeof(int32_t));
	for (size_t i = 0; i < n; i++) {
		topics[i] = list->elems[i].topic;
		partitions[i] = list->elems[i].partition;
	}
	k->calls.revoked(k->calls.arg, topics, partitions, n, rd_kafka_assignment_lost(k->rk));
	if (cooperative(k))
		rd_kafka_error_destroy(rd_kafka_incremental_unassign(k->rk, list));
	else
		rd_kafka_assign(k->rk, NULL);
	free(topics);
	free(partitions);
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t rc, rd_kafka_topic_partition_list_t *list, void *opaque)
{
	struct kafka_source *k = opaque;
	if (!k->rk)
		k->rk = rk;
	if (rc == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		k->joined = true;
		assign(k, list);
	} else {
		revoke(k, list);
	}
}

static void on_error(rd_kafka_t *rk, int rc, const char *reason, void *opaque)
{
	struct kafka_source *k = opaque;
	(void)rk;
	/* "all brokers down" follows the error that says which and why; what comes right behind a line is held back in the log */
	if (rc != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !k->trouble[0])
		snprintf(k->trouble, sizeof(k->trouble), "%s: %s", k->brokers, reason);
	k->trouble_ns = clock_mono_ns();
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk;
	(void)level;
	(void)facility;
	(void)text; /* errors reach us through on_error, in one place and held back */
}

static int set(rd_kafka_conf_t *conf, const char *key, const char *value, struct err *err)
{
	char reason[256];
	if (rd_kafka_conf_set(conf, key, value, reason, sizeof(reason)) == RD_KAFKA_CONF_OK)
		return 0;
	return err_set(err, ERR_INPUT, "kafka property %s: %s", key, reason);
}

/* What a user may tune, then the user's, then what exactness rests on. */
static int configure(rd_kafka_conf_t *conf, const struct kafka_source_opts *opts, struct err *err)
{
	static const struct kafka_property ours[] = {
		{"partition.assignment.strategy", "cooperative-sticky"},
		{"queued.min.messages", "10000"},
		{"queued.max.messages.kbytes", "32768"},
		{"fetch.max.bytes", "8388608"},
		{"fetch.wait.max.ms", "100"},
		{"session.timeout.ms", "15000"},
		{"topic.metadata.refresh.interval.ms", "10000"},
		{"check.crcs", "true"},
		{"client.id", "winnow"},
	};
	static const struct kafka_property fixed[] = {
		{"enable.auto.commit", "false"},
		{"enable.auto.offset.store", "false"},
		{"enable.partition.eof", "true"},
		{"auto.offset.reset", "earliest"},
	};
	int rc = 0;
	for (size_t i = 0; !rc && i < sizeof(ours) / sizeof(ours[0]); i++)
		rc = set(conf, ours[i].key, ours[i].value, err);
	for (size_t i = 0; !rc && i < opts->properties_len; i++)
		rc = set(conf, opts->properties[i].key, opts->properties[i].value, err);
	for (size_t i = 0; !rc && i < sizeof(fixed) / sizeof(fixed[0]); i++)
		rc = set(conf, fixed[i].key, fixed[i].value, err);
	if (!rc)
		rc = set(conf, "bootstrap.servers", opts->brokers, err);
	if (!rc)
		rc = set(conf, "group.id", opts->group, err);
	return rc;
}

static int subscribe(struct kafka_source *k, const struct kafka_source_opts *opts, struct err *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)opts->topics_len);
	for (size_t i = 0; i < opts->topics_len; i++)
		rd_kafka_topic_partition_list_add(list, opts->topics[i], RD_KAFKA_PARTITION_UA);
	rd_kafka_resp_err_t rc = rd_kafka_subscribe(k->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	return rc ? err_set(err, ERR_INPUT, "kafka topics: %s", rd_kafka_err2str(rc)) : 0;
}

static int open_dead_letters(struct kafka_source *k, const struct kafka_source_opts *opts, struct err *err)
{
	struct dead_letter_opts to = {
		.brokers = opts->brokers,
		.topic = opts->dead_letters,
		.properties = opts->properties,
		.properties_len = opts->properties_len,
		.per_second = opts->dead_letters_per_second,
		.format = opts->format,
	};
	return dead_letters_new(&to, &k->dead_letters, err);
}

int kafka_source_new(const struct kafka_source_opts *opts, const struct kafka_source_calls *calls, struct kafka_source **ret, struct err *err)
{
	char reason[256];
	struct kafka_source *k = mem_zalloc(1, sizeof(*k));
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	k->calls = *calls;
	k->start = opts->start;
	k->start_ns = opts->start_ns;
	k->brokers = mem_strdup(slice_str(opts->brokers));
	rd_kafka_conf_set_opaque(conf, k);
	rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, on_log);
	int rc = configure(conf, opts, err);
	if (!rc) {
		k->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof(reason));
		if (k->rk)
			conf = NULL;
		else
			rc = err_set(err, ERR_INPUT, "kafka: %s", reason);
	}
	if (!rc) {
		rd_kafka_poll_set_consumer(k->rk);
		rc = subscribe(k, opts, err);
	}
	if (!rc && opts->dead_letters)
		rc = open_dead_letters(k, opts, err);
	if (!rc) {
		*ret = k;
		return 0;
	}
	if (conf)
		rd_kafka_conf_destroy(conf);
	if (k->rk)
		rd_kafka_destroy(k->rk);
	free(k->brokers);
	free(k);
	return rc;
}

/* A message, or the end of a partition, that came by the consumer's own queue. It is read again by the shard's; waits, so that what came behind it is void. */
static void put_back(const rd_kafka_message_t *m)
{
	rd_kafka_seek(m->rkt, m->partition, m->offset, ASK_MS); /* fails only if the partition is gone again */
}

void kafka_source_serve(struct kafka_source *k, int64_t timeout_ns, const char **ret_trouble)
{
	rd_kafka_message_t *m = rd_kafka_consumer_poll(k->rk, (int)(timeout_ns / NS_PER_MS));
	if (m && (!m->err || m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)) {
		put_back(m);
	} else if (m) {
		snprintf(k->trouble, sizeof(k->trouble), "%s", rd_kafka_message_errstr(m));
		k->trouble_ns = clock_mono_ns();
	}
	if (m)
		rd_kafka_message_destroy(m);
	if (k->trouble[0] && clock_mono_ns() - k->trouble_ns > 15 * NS_PER_S)
		k->trouble[0] = 0;
	*ret_trouble = k->trouble;
}

void kafka_source_commit(struct kafka_source *k, const char *const *topics, const int32_t *partitions, const int64_t *offsets, size_t len)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)len);
	for (size_t i = 0; i < len; i++) {
		rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(list, topics[i], partitions[i]);
		p->offset = offsets[i];
		p->metadata = mem_strdup(SLICE(OUR_SIGN)); /* freed with the list */
		p->metadata_size = sizeof(OUR_SIGN) - 1;
	}
	if (len)
		rd_kafka_commit(k->rk, list, 1);
	rd_kafka_topic_partition_list_destroy(list);
}

int64_t kafka_source_end(const struct kafka_source *k, const char *topic, int32_t partition)
{
	int64_t low = -1, high = -1;
	if (rd_kafka_get_watermark_offsets(k->rk, topic, partition, &low, &high))
		return -1;
	return high < 0 ? -1 : high;
}

bool kafka_source_joined(const struct kafka_source *k)
{
	return k->joined;
}

static void *leave(void *arg)
{
	rd_kafka_t *rk = arg;
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	return NULL;
}

/* librdkafka (since 2.0) may wait for ever for a thread of its own when a topic was deleted meanwhile. Nothing of ours depends on that any more. */
static bool left_in_time(rd_kafka_t *rk)
{
	pthread_t thread;
	struct timespec until;
	if (pthread_create(&thread, NULL, leave, rk))
		return leave(rk) == NULL;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LEAVE_S;
	if (!pthread_timedjoin_np(thread, NULL, &until))
		return true;
	pthread_detach(thread);
	return false;
}

void kafka_source_close(struct kafka_source *k)
{
	if (!k)
		return;
	bool left = left_in_time(k->rk);
	dead_letters_free(k->dead_letters);
	if (!left) {
		log_line(LOG_WARN, "source", "%s: the consumer did not end within %d s and is left behind", k->brokers, LEAVE_S);
		return; /* it may still call back */
	}
	free(k->brokers);
	free(k);
}
