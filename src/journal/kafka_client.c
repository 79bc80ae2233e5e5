/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/kafka_client.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>

static void log_client(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk;
	log_line(level <= 3 ? LOG_WARN : LOG_DEBUG, "journal", "kafka: %s: %s", facility, text);
}

static int set(rd_kafka_conf_t *conf, const char *key, const char *value, struct err *err)
{
	char text[512];
	if (rd_kafka_conf_set(conf, key, value, text, sizeof(text)) == RD_KAFKA_CONF_OK)
		return 0;
	return err_set(err, ERR_INPUT, "journal.kafka.properties: %s: %s", key, text);
}

static int set_all(rd_kafka_conf_t *conf, const struct kafka_setting *settings, struct err *err)
{
	int rc = 0;
	for (; rc == 0 && settings->key; settings++)
		rc = set(conf, settings->key, settings->value, err);
	return rc;
}

int kafka_conf(const struct journal_kafka_opts *opts, const struct kafka_setting *usual, const struct kafka_setting *must, rd_kafka_conf_t **ret, struct err *err)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	int rc = set_all(conf, usual, err);
	rd_kafka_conf_set_log_cb(conf, log_client);
	for (size_t i = 0; rc == 0 && i < opts->properties_len; i++)
		rc = set(conf, opts->properties[i].key, opts->properties[i].value, err);
	if (rc == 0)
		rc = set(conf, "bootstrap.servers", opts->brokers, err);
	if (rc == 0)
		rc = set_all(conf, must, err);
	if (rc < 0)
		rd_kafka_conf_destroy(conf);
	else
		*ret = conf;
	return rc;
}

int kafka_client(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **ret, struct err *err)
{
	char text[512];
	rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof(text));
	if (!rk) {
		rd_kafka_conf_destroy(conf);
		return err_set(err, ERR_INPUT, "journal.kafka: %s", text);
	}
	*ret = rk;
	return 0;
}

int kafka_err_code(rd_kafka_resp_err_t code)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		return 0;
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
		return ERR_LIMIT;
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
		return ERR_INPUT;
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR__BAD_MSG:
	case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
		return ERR_CORRUPT;
	default:
		return ERR_UNREACHABLE;
	}
}

int kafka_assign(rd_kafka_t *consumer, const char *topic, int64_t offset, struct err *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, topic, 0)->offset = offset;
	rd_kafka_resp_err_t code = rd_kafka_assign(consumer, list);
	rd_kafka_topic_partition_list_destroy(list);
	return code ? err_set(err, kafka_err_code(code), "journal: cannot read topic %s: %s", topic, rd_kafka_err2str(code)) : 0;
}

/* A topic made a moment ago has no leader yet. */
static bool may_pass(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE || code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
		code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
}

int kafka_watermarks(rd_kafka_t *rk, const char *topic, int64_t *ret_low, int64_t *ret_high, struct err *err)
{
	rd_kafka_resp_err_t code;
	int64_t until = clock_mono_ns() + KAFKA_WAIT_MS * NS_PER_MS;
	while (may_pass(code = rd_kafka_query_watermark_offsets(rk, topic, 0, ret_low, ret_high, KAFKA_WAIT_MS)) && clock_mono_ns() < until)
		clock_sleep_ns(100 * NS_PER_MS);
	return code ? err_set(err, kafka_err_code(code), "journal: cannot ask for the ends of topic %s: %s", topic, rd_kafka_err2str(code)) : 0;
}

struct kafka_wait {
	pthread_mutex_t lock;
	pthread_cond_t done;
	size_t open;
	rd_kafka_resp_err_t first_error;
};

struct kafka_wait *kafka_wait_new(void)
{
	struct kafka_wait *w = mem_zalloc(1, sizeof(*w));
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->done, NULL);
	return w;
}

static void settle(struct kafka_wait *w, rd_kafka_resp_err_t code)
{
	pthread_mutex_lock(&w->lock);
	if (code && !w->first_error)
		w->first_error = code;
	if (--w->open == 0)
		pthread_cond_signal(&w->done);
	pthread_mutex_unlock(&w->lock);
}

void kafka_wait_delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
	(void)rk;
	(void)opaque;
	settle(message->_private, message->err);
}

void kafka_wait_send(struct kafka_wait *w, rd_kafka_t *producer, const char *topic, struct slice key, struct slice payload, bool tombstone)
{
	rd_kafka_resp_err_t code;
	pthread_mutex_lock(&w->lock);
	w->open++;
	pthread_mutex_unlock(&w->lock);
	do {
		code = rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
			RD_KAFKA_V_KEY((void *)key.ptr, key.len), RD_KAFKA_V_VALUE(tombstone ? NULL : (void *)(payload.ptr ? payload.ptr : ""), payload.len),
			RD_KAFKA_V_OPAQUE(w), RD_KAFKA_V_END);
		if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
			rd_kafka_poll(producer, 100);
	} while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL);
	if (code)
		settle(w, code);
}

rd_kafka_resp_err_t kafka_wait_done(struct kafka_wait *w)
{
	pthread_mutex_lock(&w->lock);
	while (w->open)
		pthread_cond_wait(&w->done, &w->lock);
	rd_kafka_resp_err_t code = w->first_error;
	pthread_mutex_unlock(&w->lock);
	pthread_cond_destroy(&w->done);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return code;
}
