/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints every message of a topic as it is at this time, a JSON object a line: partition, offset, time_ms, key and value (hexadecimal, or null), headers (texts).
 *
 * usage: dump BROKERS TOPIC
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_MS = 10000 };

static void hex(const char *name, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	printf(",\"%s\":", name);
	if (!p) {
		fputs("null", stdout);
		return;
	}
	putchar('"');
	for (size_t i = 0; i < len; i++)
		printf("%02x", p[i]);
	putchar('"');
}

static void text(const char *bytes, size_t len)
{
	putchar('"');
	for (size_t i = 0; i < len; i++)
		if (bytes[i] == '"' || bytes[i] == '\\' || (unsigned char)bytes[i] < 0x20)
			printf("\\u%04x", (unsigned)bytes[i]);
		else
			putchar(bytes[i]);
	putchar('"');
}

static void print(const rd_kafka_message_t *m)
{
	rd_kafka_headers_t *headers = NULL;
	rd_kafka_timestamp_type_t type;
	const char *name;
	const void *value;
	size_t len;
	printf("{\"partition\":%d,\"offset\":%lld,\"time_ms\":%lld", (int)m->partition, (long long)m->offset, (long long)rd_kafka_message_timestamp(m, &type));
	hex("key", m->key, m->key_len);
	hex("value", m->payload, m->len);
	fputs(",\"headers\":{", stdout);
	rd_kafka_message_headers(m, &headers);
	for (size_t i = 0; headers && !rd_kafka_header_get_all(headers, i, &name, &value, &len); i++) {
		if (i)
			putchar(',');
		text(name, strlen(name));
		putchar(':');
		text(value, len);
	}
	puts("}}");
}

/* Reads all partitions from the start; returns how many there are. */
static int assign(rd_kafka_t *rk, const char *name)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
	int n = -1;
	if (rd_kafka_metadata(rk, 0, topic, &metadata, ASK_MS) == RD_KAFKA_RESP_ERR_NO_ERROR) {
		n = metadata->topics[0].partition_cnt;
		rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
		for (int i = 0; i < n; i++)
			rd_kafka_topic_partition_list_add(list, name, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
		if (rd_kafka_assign(rk, list))
			n = -1;
		rd_kafka_topic_partition_list_destroy(list);
		rd_kafka_metadata_destroy(metadata);
	}
	rd_kafka_topic_destroy(topic);
	return n;
}

int main(int argc, char **argv)
{
	char why[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	if (argc != 3) {
		fprintf(stderr, "usage: dump BROKERS TOPIC\n");
		return 2;
	}
	rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], NULL, 0);
	rd_kafka_conf_set(conf, "group.id", "dump", NULL, 0);
	rd_kafka_conf_set(conf, "enable.auto.commit", "false", NULL, 0);
	rd_kafka_conf_set(conf, "enable.partition.eof", "true", NULL, 0);
	rd_kafka_conf_set(conf, "allow.auto.create.topics", "false", NULL, 0);
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (!rk) {
		fprintf(stderr, "dump: %s\n", why);
		return 1;
	}
	int left = assign(rk, argv[2]);
	if (left < 0)
		fprintf(stderr, "dump: no metadata of %s\n", argv[2]);
	for (int failed = left < 0; !failed && left > 0;) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, ASK_MS);
		if (m && !m->err)
			print(m);
		left -= m && m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
		failed = !m;
		if (m)
			rd_kafka_message_destroy(m);
	}
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	return left == 0 ? 0 : 1;
}
