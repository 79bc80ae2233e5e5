/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kafka_range.h"

#include <librdkafka/rdkafka.h>

#include "base/clock.h"

enum { ANSWER_MS = 10000, POLL_MS = 200, SILENCE_MS = 30000 };

static bool read_offset(struct slice text, int64_t *ret)
{
	*ret = -1;
	return text.len == 0 || (slice_to_i64(text, ret) && *ret >= 0);
}

bool kafka_range_parse(struct slice text, struct kafka_range *ret)
{
	int64_t partition;
	size_t last = text.len, first = 0;
	while (last > 0 && text.ptr[last - 1] != ':')
		last--;
	if (last < 2)
		return false;
	for (first = last - 1; first > 0 && text.ptr[first - 1] != ':';)
		first--;
	struct slice offsets = slice_sub(text, last, text.len);
	size_t dash = slice_find(offsets, '-', 0);
	*ret = (struct kafka_range){0};
	if (first < 2 || first > sizeof(ret->topic) || dash == offsets.len || !slice_to_i64(slice_sub(text, first, last - 1 - first), &partition) || partition < 0 || partition > INT32_MAX)
		return false;
	memcpy(ret->topic, text.ptr, first - 1);
	ret->partition = (int32_t)partition;
	return read_offset(slice_sub(offsets, 0, dash), &ret->from) && read_offset(slice_sub(offsets, dash + 1, offsets.len), &ret->to) && (ret->to < 0 || ret->from <= ret->to);
}

static void on_log(const rd_kafka_t *kafka, int level, const char *facility, const char *text)
{
	(void)kafka;
	(void)level;
	(void)facility;
	(void)text; /* what matters comes back as an error of the call */
}

static rd_kafka_t *open_client(const char *brokers, const struct kafka_property *properties, size_t len, struct err *err)
{
	const struct kafka_property ours[] = {{"bootstrap.servers", brokers}, {"group.id", "winnow-range"}, {"enable.auto.commit", "false"}, {"enable.partition.eof", "true"}, {"auto.offset.reset", "error"}};
	char reason[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_res_t rc = RD_KAFKA_CONF_OK;
	for (size_t i = 0; i < len && rc == RD_KAFKA_CONF_OK; i++)
		rc = rd_kafka_conf_set(conf, properties[i].key, properties[i].value, reason, sizeof(reason));
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]) && rc == RD_KAFKA_CONF_OK; i++)
		rc = rd_kafka_conf_set(conf, ours[i].key, ours[i].value, reason, sizeof(reason));
	rd_kafka_conf_set_log_cb(conf, on_log);
	rd_kafka_t *kafka = rc == RD_KAFKA_CONF_OK ? rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof(reason)) : NULL;
	if (!kafka) {
		rd_kafka_conf_destroy(conf);
		err_set(err, ERR_INPUT, "kafka: %s", reason);
	}
	return kafka;
}

static bool is_unreachable(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__RESOLVE;
}

/* The range as far as the partition has it. */
static int bound(rd_kafka_t *kafka, const struct kafka_range *range, int64_t *ret_from, int64_t *ret_to, struct err *err)
{
	int64_t low = 0, high = 0;
	rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(kafka, range->topic, range->partition, &low, &high, ANSWER_MS);
	if (code)
		return err_set(err, is_unreachable(code) ? ERR_UNREACHABLE : ERR_INPUT, "%s:%d: %s", range->topic, (int)range->partition, rd_kafka_err2str(code));
	if (range->from >= 0 && range->from < low)
		return err_set(err, ERR_INPUT, "%s:%d: begins with offset %lld by now", range->topic, (int)range->partition, (long long)low);
	*ret_from = range->from < 0 ? low : range->from;
	*ret_to = range->to < 0 || range->to > high ? high : range->to;
	return 0;
}

static int consume(rd_kafka_t *kafka, const struct kafka_range *range, int64_t to, void (*take)(void *arg, struct slice payload), void *arg, struct err *err)
{
	int64_t heard_ns = clock_mono_ns();
	for (bool end = false; !end;) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(kafka, POLL_MS);
		if (!m && clock_mono_ns() - heard_ns > SILENCE_MS * NS_PER_MS)
			return err_set(err, ERR_UNREACHABLE, "%s:%d: no message for %d s", range->topic, (int)range->partition, SILENCE_MS / 1000);
		if (!m)
			continue;
		heard_ns = clock_mono_ns();
		rd_kafka_resp_err_t code = m->err;
		if (!code && m->offset < to)
			take(arg, slice_of(m->payload, m->len));
		end = code == RD_KAFKA_RESP_ERR__PARTITION_EOF || (!code && m->offset + 1 >= to);
		rd_kafka_message_destroy(m);
		if (code && !end && !is_unreachable(code))
			return err_set(err, ERR_INPUT, "%s:%d: %s", range->topic, (int)range->partition, rd_kafka_err2str(code));
	}
	return 0;
}

int kafka_range_read(const char *brokers, const struct kafka_property *properties, size_t properties_len, const struct kafka_range *range, void (*take)(void *arg, struct slice payload), void *arg,
		     struct err *err)
{
	int64_t from = 0, to = 0;
	rd_kafka_t *kafka = open_client(brokers, properties, properties_len, err);
	if (!kafka)
		return ERR_INPUT;
	int code = bound(kafka, range, &from, &to, err);
	if (!code && from < to) {
		rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
		rd_kafka_topic_partition_list_add(list, range->topic, range->partition)->offset = from;
		rd_kafka_resp_err_t failed = rd_kafka_assign(kafka, list);
		rd_kafka_topic_partition_list_destroy(list);
		code = failed ? err_set(err, ERR_INPUT, "%s:%d: %s", range->topic, (int)range->partition, rd_kafka_err2str(failed)) : consume(kafka, range, to, take, arg, err);
		rd_kafka_consumer_close(kafka);
	}
	rd_kafka_destroy(kafka);
	return code;
}
