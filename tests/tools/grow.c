/* SPDX-License-Identifier: Apache-2.0 */
/* Gives a topic more partitions.   usage: grow BROKERS TOPIC PARTITIONS */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

enum { WAIT_MS = 15000 };

static int die(const char *why)
{
	fprintf(stderr, "grow: %s\n", why);
	return 1;
}

int main(int argc, char **argv)
{
	char reason[256];
	if (argc != 4)
		return die("usage: grow BROKERS TOPIC PARTITIONS");
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	if (rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], reason, sizeof(reason)) != RD_KAFKA_CONF_OK)
		return die(reason);
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
	if (!rk)
		return die(reason);
	rd_kafka_NewPartitions_t *wish = rd_kafka_NewPartitions_new(argv[2], (size_t)strtoul(argv[3], NULL, 10), reason, sizeof(reason));
	if (!wish)
		return die(reason);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_CreatePartitions(rk, &wish, 1, NULL, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, WAIT_MS);
	if (!event || rd_kafka_event_error(event))
		return die(event ? rd_kafka_event_error_string(event) : "no answer");
	size_t len;
	const rd_kafka_topic_result_t **results = rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event), &len);
	rd_kafka_resp_err_t code = len == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR_UNKNOWN;
	int status = code ? die(rd_kafka_err2str(code)) : 0;
	rd_kafka_event_destroy(event);
	rd_kafka_NewPartitions_destroy(wish);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(rk);
	return status;
}
