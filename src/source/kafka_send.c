/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kafka_send.h"

#include "base/mem.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

enum { SETTLE_MS = 10000 };

struct kafka_send {
	rd_kafka_t *rk;
	char *topic;
	size_t delivered;
};

static void on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	(void)rk;
	((struct kafka_send *)opaque)->delivered += !m->err;
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk;
	(void)level;
	(void)facility;
	(void)text; /* the consumer of the same brokers says what is wrong with them */
}

static rd_kafka_conf_res_t configure(rd_kafka_conf_t *conf, const char *brokers, const struct kafka_property *properties, size_t len, char *reason, size_t size)
{
	const struct kafka_property ours[] = {{"acks", "all"}, {"enable.idempotence", "true"}, {"message.timeout.ms", "8000"}, {"client.id", "winnow"}, {"bootstrap.servers", brokers}};
	rd_kafka_conf_res_t rc = RD_KAFKA_CONF_OK;
	for (size_t i = 0; rc == RD_KAFKA_CONF_OK && i < len; i++)
		rc = rd_kafka_conf_set(conf, properties[i].key, properties[i].value, reason, size);
	for (size_t i = 0; rc == RD_KAFKA_CONF_OK && i < sizeof(ours) / sizeof(*ours); i++)
		rc = rd_kafka_conf_set(conf, ours[i].key, ours[i].value, reason, size);
	return rc;
}

int kafka_send_new(const char *brokers, const char *topic, const struct kafka_property *properties, size_t len, struct kafka_send **ret, struct err *err)
{
	char reason[256];
	struct kafka_send *s = mem_zalloc(1, sizeof(*s));
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set_opaque(conf, s);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
	rd_kafka_conf_set_log_cb(conf, on_log);
	if (configure(conf, brokers, properties, len, reason, sizeof(reason)) != RD_KAFKA_CONF_OK || !(s->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason)))) {
		rd_kafka_conf_destroy(conf);
		free(s);
		return err_set(err, ERR_INPUT, "kafka: %s", reason);
	}
	s->topic = mem_strdup(slice_str(topic));
	*ret = s;
	return 0;
}

void kafka_send_free(struct kafka_send *s)
{
	if (!s)
		return;
	rd_kafka_destroy(s->rk);
	free(s->topic);
	free(s);
}

size_t kafka_send_values(struct kafka_send *s, struct slice value, size_t count)
{
	s->delivered = 0;
	for (size_t i = 0; i < count; i++)
		rd_kafka_producev(s->rk, RD_KAFKA_V_TOPIC(s->topic), RD_KAFKA_V_VALUE((void *)value.ptr, value.len), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
	rd_kafka_flush(s->rk, SETTLE_MS);
	return s->delivered;
}
