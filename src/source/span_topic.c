/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery is at least once: a worker settles before it appends the delta behind which a successor would not decide the same traces again. A message never times out, so while the brokers are away nothing is
 * given up: the worker cannot append, and stops reading. What brokers refuse for good is counted. Header `winnow.kept`: why. */
#include "source/span_topic.h"

#include "base/clock.h"
#include "base/mem.h"
#include "source/kafka_producer.h"

#include <stdlib.h>

enum { FULL_WAIT_MS = 10, SETTLE_MS = 5, LEAVE_MS = 5000 };

struct span_topic {
	rd_kafka_t *rk;
	char *topic;
};

static void on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct span_lane *lane = m->_private;
	(void)rk;
	(void)opaque;
	lane->lost += m->err != RD_KAFKA_RESP_ERR_NO_ERROR;
	lane->open--;
}

int span_topic_new(const struct span_topic_opts *opts, struct span_topic **ret, struct err *err)
{
	static const struct kafka_property usual[] = {{"linger.ms", "5"}}, fixed[] = {{"message.timeout.ms", "0"}};
	struct span_topic *t = mem_zalloc(1, sizeof(*t));
	const struct kafka_producer_opts producer = {
		.what = opts->topic,
		.brokers = opts->brokers,
		.usual = usual,
		.usual_len = 1,
		.users = opts->properties,
		.users_len = opts->properties_len,
		.fixed = fixed,
		.fixed_len = 1,
		.on_delivered = on_delivered,
	};
	int rc = kafka_producer_new(&producer, &t->rk, err);
	if (rc) {
		free(t);
		return rc;
	}
	t->topic = mem_strdup(slice_str(opts->topic));
	*ret = t;
	return 0;
}

void span_topic_free(struct span_topic *t)
{
	if (!t)
		return;
	rd_kafka_flush(t->rk, LEAVE_MS);
	rd_kafka_destroy(t->rk);
	free(t->topic);
	free(t);
}

void span_topic_send(struct span_topic *t, struct span_lane *lane, struct slice trace_id, struct slice otlp, const char *reasons)
{
	rd_kafka_resp_err_t rc;
	lane->open++;
	for (;;) {
		rc = rd_kafka_producev(t->rk, RD_KAFKA_V_TOPIC(t->topic), RD_KAFKA_V_KEY(trace_id.ptr, trace_id.len), RD_KAFKA_V_VALUE((void *)(uintptr_t)otlp.ptr, otlp.len),
			RD_KAFKA_V_HEADER("winnow.kept", reasons, -1), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(lane), RD_KAFKA_V_END);
		if (rc != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			break;
		rd_kafka_poll(t->rk, FULL_WAIT_MS);
	}
	if (rc) {
		lane->open--;
		lane->lost++;
	}
	rd_kafka_poll(t->rk, 0);
}

bool span_topic_settle(struct span_topic *t, struct span_lane *lane, int64_t timeout_ns)
{
	int64_t until = clock_mono_ns() + timeout_ns;
	while (lane->open > 0 && clock_mono_ns() < until)
		rd_kafka_poll(t->rk, SETTLE_MS);
	return lane->open == 0;
}
