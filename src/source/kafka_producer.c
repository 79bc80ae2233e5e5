/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kafka_producer.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk;
	(void)level;
	(void)facility;
	(void)text; /* the consumer of the same brokers says what is wrong with them */
}

static rd_kafka_conf_res_t set_all(rd_kafka_conf_t *conf, const struct kafka_property *at, size_t len, char *reason, size_t size)
{
	rd_kafka_conf_res_t rc = RD_KAFKA_CONF_OK;
	for (size_t i = 0; rc == RD_KAFKA_CONF_OK && i < len; i++)
		rc = rd_kafka_conf_set(conf, at[i].key, at[i].value, reason, size);
	return rc;
}

int kafka_producer_new(const struct kafka_producer_opts *opts, rd_kafka_t **ret, struct err *err)
{
	const struct kafka_property every[] = {{"compression.type", "lz4"}, {"message.max.bytes", "100000000"}, {"client.id", "winnow"}}, last[] = {{"acks", "all"}, {"bootstrap.servers", opts->brokers}};
	const struct {
		const struct kafka_property *at;
		size_t len;
	} in_turn[] = {{every, COUNT(every)}, {opts->usual, opts->usual_len}, {opts->users, opts->users_len}, {opts->fixed, opts->fixed_len}, {last, COUNT(last)}};
	rd_kafka_conf_res_t rc = RD_KAFKA_CONF_OK;
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char reason[256];
	rd_kafka_conf_set_opaque(conf, opts->opaque);
	rd_kafka_conf_set_dr_msg_cb(conf, opts->on_delivered);
	rd_kafka_conf_set_log_cb(conf, on_log);
	for (size_t i = 0; rc == RD_KAFKA_CONF_OK && i < COUNT(in_turn); i++)
		rc = set_all(conf, in_turn[i].at, in_turn[i].len, reason, sizeof(reason));
	if (rc == RD_KAFKA_CONF_OK && (*ret = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason))))
		return 0;
	rd_kafka_conf_destroy(conf);
	return err_set(err, ERR_INPUT, "%s: %s", opts->what, reason);
}
