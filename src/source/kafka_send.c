/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kafka_send.h"

#include "base/mem.h"
#include "source/kafka_producer.h"

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

int kafka_send_new(const char *brokers, const char *topic, const struct kafka_property *properties, size_t len, struct kafka_send **ret, struct err *err)
{
	static const struct kafka_property fixed[] = {{"enable.idempotence", "true"}, {"message.timeout.ms", "8000"}};
	struct kafka_send *s = mem_zalloc(1, sizeof(*s));
	const struct kafka_producer_opts producer = {
		.what = "kafka",
		.brokers = brokers,
		.users = properties,
		.users_len = len,
		.fixed = fixed,
		.fixed_len = sizeof(fixed) / sizeof(fixed[0]),
		.on_delivered = on_delivered,
		.opaque = s,
	};
	int rc = kafka_producer_new(&producer, &s->rk, err);
	if (rc) {
		free(s);
		return rc;
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
