/* SPDX-License-Identifier: Apache-2.0 */
/* librdkafka handles as the Kafka journal needs them, and its two topics; private to the room. */
#ifndef WINNOW_JOURNAL_KAFKA_CLIENT_H
#define WINNOW_JOURNAL_KAFKA_CLIENT_H

#include "journal/journal.h"

#include <librdkafka/rdkafka.h>

enum { KAFKA_WAIT_MS = 15000 };

struct kafka_setting {
	const char *key, *value;
};

/* One configuration from three tables: ours to begin with, then the user's, then what must hold. NULL-terminated by key. */
int kafka_conf(const struct journal_kafka_opts *opts, const struct kafka_setting *usual, const struct kafka_setting *must, rd_kafka_conf_t **ret, struct err *err);
/* Makes a handle of conf, which is used up in any case. */
int kafka_client(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **ret, struct err *err);
/* A consumer of its own for partition 0 of topic at offset. */
int kafka_assign(rd_kafka_t *consumer, const char *topic, int64_t offset, struct err *err);
/* err_code of a librdkafka error. */
int kafka_err_code(rd_kafka_resp_err_t code);
int kafka_watermarks(rd_kafka_t *rk, const char *topic, int64_t *ret_low, int64_t *ret_high, struct err *err);

/* kafka_topic.c: creates the topics if missing and checks their settings. consumer must not create topics by asking for them. */
int kafka_topics_ensure(rd_kafka_t *consumer, rd_kafka_t *producer, const struct journal_kafka_opts *opts, struct err *err);

/* Makes one compacted topic if it is missing, and checks that it is one. */
int kafka_topic_ensure_compacted(rd_kafka_t *consumer, rd_kafka_t *producer, const char *name, struct err *err);

/* kafka_state.c: snapshots in the state topic. */
enum { KAFKA_SLOT_BYTES = 40 };

struct kafka_slot {
	char name[KAFKA_SLOT_BYTES];
	uint32_t chunks;     /* it may have */
	int64_t position;    /* of the whole snapshot in it, -1: none */
};

struct kafka_state {
	const struct journal_kafka_opts *opts;
	uint64_t writer;     /* random */
	unsigned next_slot;
	uint32_t chunks[2];  /* chunks our slots have */
	struct kafka_slot *others; /* as of the last load */
	size_t others_len, others_cap;
};

/* Several records of which one waits for all. */
struct kafka_wait;
struct kafka_wait *kafka_wait_new(void);
/* Sends to partition 0; payload is copied. */
void kafka_wait_send(struct kafka_wait *w, rd_kafka_t *producer, const char *topic, struct slice key, struct slice payload, bool tombstone);
/* Waits for every record, frees w; 0 or the first failure. */
rd_kafka_resp_err_t kafka_wait_done(struct kafka_wait *w);
/* The producer's delivery callback. */
void kafka_wait_delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque);

int kafka_state_save(struct kafka_state *s, rd_kafka_t *producer, struct slice snapshot, int64_t position, struct err *err);
void kafka_state_done(struct kafka_state *s);
int kafka_state_load(struct kafka_state *s, struct buf *out, struct err *err);

#endif
