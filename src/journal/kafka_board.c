/* SPDX-License-Identifier: Apache-2.0 */
/* The board as a compacted topic. put waits for its delivery report, which its own calls of poll bring; the reader is assigned partition 0 from its beginning, in no group. */
#include "base/clock.h"
#include "base/mem.h"
#include "journal/board_kind.h"
#include "journal/kafka_client.h"

#include <pthread.h>
#include <stdlib.h>

enum { SERVE_MS = 100 };

struct kafka_board {
	struct board board;
	char *topic;
	rd_kafka_t *producer, *reader;
	rd_kafka_message_t *current; /* what the last read returned */
	bool began;                  /* BOARD_END was said */
	pthread_t thread;
	bool runs;
	_Atomic bool stop;
};

static const struct kafka_setting nothing[] = {{NULL, NULL}};
static const struct kafka_setting producer_usual[] = {{"message.timeout.ms", "10000"}, {"linger.ms", "0"}, {NULL, NULL}};
static const struct kafka_setting producer_must[] = {{"acks", "all"}, {NULL, NULL}};
static const struct kafka_setting reader_must[] = {
	{"group.id", "winnow-board-reader"}, /* never joined */
	{"enable.auto.commit", "false"},
	{"enable.partition.eof", "true"},
	{"auto.offset.reset", "earliest"},
	{"allow.auto.create.topics", "false"},
	{NULL, NULL},
};

static void *serve_producer(void *arg)
{
	struct kafka_board *k = arg;
	while (!k->stop)
		rd_kafka_poll(k->producer, SERVE_MS);
	return NULL;
}

static void let_go(struct kafka_board *k)
{
	if (k->current)
		rd_kafka_message_destroy(k->current);
	k->current = NULL;
}

static void kafka_close(struct board *b)
{
	struct kafka_board *k = (struct kafka_board *)b;
	k->stop = true;
	if (k->runs)
		pthread_join(k->thread, NULL);
	let_go(k);
	if (k->reader) {
		rd_kafka_consumer_close(k->reader);
		rd_kafka_destroy(k->reader);
	}
	if (k->producer)
		rd_kafka_destroy(k->producer);
	free(k->topic);
	free(k);
}

static int kafka_put(struct board *b, struct slice key, struct slice text, struct err *err)
{
	struct kafka_board *k = (struct kafka_board *)b;
	struct kafka_wait *w = kafka_wait_new();
	kafka_wait_send(w, k->producer, k->topic, key, text, text.ptr == NULL);
	rd_kafka_resp_err_t code = kafka_wait_done(w);
	return code ? err_set(err, kafka_err_code(code), "topic %s did not take a notice: %s", k->topic, rd_kafka_err2str(code)) : 0;
}

static int kafka_read(struct board *b, int64_t timeout_ns, struct board_notice *ret, struct err *err)
{
	struct kafka_board *k = (struct kafka_board *)b;
	let_go(k);
	rd_kafka_message_t *m = k->current = rd_kafka_consumer_poll(k->reader, (int)(timeout_ns / NS_PER_MS));
	if (!m)
		return BOARD_NOTHING;
	if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
		bool first = !k->began;
		k->began = true;
		return first ? BOARD_END : BOARD_NOTHING;
	}
	if (m->err == RD_KAFKA_RESP_ERR__TRANSPORT || m->err == RD_KAFKA_RESP_ERR__TIMED_OUT)
		return BOARD_NOTHING;
	if (m->err)
		return err_set(err, kafka_err_code(m->err), "topic %s: %s", k->topic, rd_kafka_message_errstr(m));
	ret->key = slice_of(m->key, m->key_len);
	ret->text = slice_of(m->payload, m->len);
	return BOARD_NOTICE;
}

static const struct board_kind kafka_kind = {.close = kafka_close, .put = kafka_put, .read = kafka_read};

static int start(struct kafka_board *k, const struct journal_kafka_opts *opts, struct err *err)
{
	rd_kafka_conf_t *conf;
	int rc = kafka_conf(opts, producer_usual, producer_must, &conf, err);
	if (rc < 0)
		return rc;
	rd_kafka_conf_set_dr_msg_cb(conf, kafka_wait_delivered);
	if ((rc = kafka_client(RD_KAFKA_PRODUCER, conf, &k->producer, err)) < 0)
		return rc;
	if ((rc = kafka_conf(opts, nothing, reader_must, &conf, err)) == 0)
		rc = kafka_client(RD_KAFKA_CONSUMER, conf, &k->reader, err);
	if (rc == 0)
		rd_kafka_poll_set_consumer(k->reader);
	if (rc == 0)
		rc = kafka_topic_ensure_compacted(k->reader, k->producer, k->topic, err);
	if (rc == 0)
		rc = kafka_assign(k->reader, k->topic, RD_KAFKA_OFFSET_BEGINNING, err);
	if (rc < 0)
		return rc;
	k->runs = pthread_create(&k->thread, NULL, serve_producer, k) == 0;
	return k->runs ? 0 : err_set(err, ERR_IO, "cannot start a thread");
}

int board_open_kafka(const struct journal_kafka_opts *opts, const char *topic, struct board **ret, struct err *err)
{
	struct kafka_board *k = mem_zalloc(1, sizeof(*k));
	k->board.kind = &kafka_kind;
	k->topic = mem_strdup(slice_str(topic));
	int rc = start(k, opts, err);
	if (rc < 0)
		kafka_close(&k->board);
	else
		*ret = &k->board;
	return rc;
}
