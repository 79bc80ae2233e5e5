/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery is at least once: a worker settles before it appends the delta behind which a successor would not decide the same traces again. A message never times out, so while the brokers are away nothing is
 * given up: the worker cannot append, and stops reading. What brokers refuse for good is counted. Header `winnow.kept`: why. */
#include "sink/kept_topic.h"

#include "base/clock.h"
#include "base/mem.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

enum { FULL_WAIT_MS = 10, SETTLE_MS = 5, LEAVE_MS = 5000 };

struct kept_topic {
	rd_kafka_t *rk;
	char *topic;
};

static void on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct kept_lane *lane = m->_private;
	(void)rk;
	(void)opaque;
	lane->lost += m->err != RD_KAFKA_RESP_ERR_NO_ERROR;
	lane->open--;
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk;
	(void)level;
	(void)facility;
	(void)text; /* the consumer of the brokers says what is wrong with them */
}

static int configure(rd_kafka_conf_t *conf, const struct kept_topic_opts *opts, struct err *err)
{
	static const struct kept_property ours[] = {{"linger.ms", "5"}, {"compression.type", "lz4"}, {"message.max.bytes", "100000000"}, {"client.id", "winnow"}};
	static const struct kept_property fixed[] = {{"acks", "all"}, {"message.timeout.ms", "0"}};
	char reason[256];
	rd_kafka_conf_res_t rc = RD_KAFKA_CONF_OK;
	for (size_t i = 0; rc == RD_KAFKA_CONF_OK && i < sizeof(ours) / sizeof(*ours); i++)
		rc = rd_kafka_conf_set(conf, ours[i].key, ours[i].value, reason, sizeof(reason));
	for (size_t i = 0; rc == RD_KAFKA_CONF_OK && i < opts->properties_len; i++)
		rc = rd_kafka_conf_set(conf, opts->properties[i].key, opts->properties[i].value, reason, sizeof(reason));
	for (size_t i = 0; rc == RD_KAFKA_CONF_OK && i < sizeof(fixed) / sizeof(*fixed); i++)
		rc = rd_kafka_conf_set(conf, fixed[i].key, fixed[i].value, reason, sizeof(reason));
	if (rc == RD_KAFKA_CONF_OK)
		rc = rd_kafka_conf_set(conf, "bootstrap.servers", opts->brokers, reason, sizeof(reason));
	return rc == RD_KAFKA_CONF_OK ? 0 : err_set(err, ERR_INPUT, "kept traces: %s", reason);
}

int kept_topic_new(const struct kept_topic_opts *opts, struct kept_topic **ret, struct err *err)
{
	char reason[256];
	struct kept_topic *t = mem_zalloc(1, sizeof(*t));
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
	rd_kafka_conf_set_log_cb(conf, on_log);
	int rc = configure(conf, opts, err);
	if (!rc && !(t->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason))))
		rc = err_set(err, ERR_INPUT, "kept traces: %s", reason);
	if (rc) {
		rd_kafka_conf_destroy(conf);
		free(t);
		return rc;
	}
	t->topic = mem_strdup(slice_str(opts->topic));
	*ret = t;
	return 0;
}

void kept_topic_free(struct kept_topic *t)
{
	if (!t)
		return;
	rd_kafka_flush(t->rk, LEAVE_MS);
	rd_kafka_destroy(t->rk);
	free(t->topic);
	free(t);
}

void kept_topic_send(struct kept_topic *t, struct kept_lane *lane, struct slice trace_id, struct slice otlp, const char *reasons)
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

bool kept_topic_settle(struct kept_topic *t, struct kept_lane *lane, int64_t timeout_ns)
{
	int64_t until = clock_mono_ns() + timeout_ns;
	while (lane->open > 0 && clock_mono_ns() < until)
		rd_kafka_poll(t->rk, SETTLE_MS);
	return lane->open == 0;
}
