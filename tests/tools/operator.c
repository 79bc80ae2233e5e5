/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator does to a Kafka.
 *
 * usage: operator BROKERS delete TOPIC
 *        operator BROKERS reset GROUP TOPIC PARTITION OFFSET     as kafka-consumer-groups --reset-offsets: the group must have no members */
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 15000 };

static int die(const char *why)
{
	fprintf(stderr, "operator: %s\n", why);
	return 1;
}

static rd_kafka_t *client(const char *brokers, const char *group)
{
	char reason[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, reason, sizeof(reason)) != RD_KAFKA_CONF_OK ||
		(group && rd_kafka_conf_set(conf, "group.id", group, reason, sizeof(reason)) != RD_KAFKA_CONF_OK)) {
		die(reason);
		return NULL;
	}
	rd_kafka_t *rk = rd_kafka_new(group ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
	if (!rk)
		die(reason);
	return rk;
}

static int delete(rd_kafka_t *rk, const char *topic)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_DeleteTopic_t *wish = rd_kafka_DeleteTopic_new(topic);
	rd_kafka_DeleteTopics(rk, &wish, 1, NULL, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, WAIT_MS);
	if (!event || rd_kafka_event_error(event))
		return die(event ? rd_kafka_event_error_string(event) : "no answer");
	size_t len;
	const rd_kafka_topic_result_t **results = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &len);
	rd_kafka_resp_err_t code = len == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR_UNKNOWN;
	rd_kafka_event_destroy(event);
	rd_kafka_DeleteTopic_destroy(wish);
	rd_kafka_queue_destroy(queue);
	return code ? die(rd_kafka_err2str(code)) : 0;
}

static int reset(rd_kafka_t *rk, const char *topic, int32_t partition, int64_t offset)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
	rd_kafka_resp_err_t code = rd_kafka_commit(rk, list, 0);
	if (!code)
		code = list->elems[0].err;
	rd_kafka_topic_partition_list_destroy(list);
	return code ? die(rd_kafka_err2str(code)) : 0;
}

int main(int argc, char **argv)
{
	bool deletes = argc == 4 && strcmp(argv[2], "delete") == 0, resets = argc == 7 && strcmp(argv[2], "reset") == 0;
	if (!deletes && !resets)
		return die("usage: operator BROKERS delete TOPIC | reset GROUP TOPIC PARTITION OFFSET");
	rd_kafka_t *rk = client(argv[1], resets ? argv[3] : NULL);
	if (!rk)
		return 1;
	int status = deletes ? delete(rk, argv[3]) : reset(rk, argv[4], (int32_t)strtol(argv[5], NULL, 10), strtoll(argv[6], NULL, 10));
	rd_kafka_destroy(rk);
	return status;
}
