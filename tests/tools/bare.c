/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference of `./dev bench main`: a librdkafka consumer that touches every byte of every payload and does nothing else.
 *
 * usage: bare BROKERS TOPIC
 *
 * Reads the topic to the ends it has, with the same queue and malloc settings as winnow, and prints one line of JSON: messages, bytes,
 * CPU seconds (user + system of the whole process) and wall seconds from the first message to the last.
 */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 1000 };

static const char *const settings[][2] = {
	{"enable.partition.eof", "true"},
	{"enable.auto.commit", "false"},
	{"auto.offset.reset", "earliest"},
	{"queued.min.messages", "500000"},
	{"queued.max.messages.kbytes", "262144"},
	{"session.timeout.ms", "6000"},
};

static double seconds(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
	struct rusage use;
	getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static uint64_t touch(const void *payload, size_t len)
{
	const unsigned char *p = payload;
	uint64_t sum = 0, word;
	size_t i = 0;

	for (; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		sum += word;
	}
	for (; i < len; i++)
		sum += p[i];
	return sum;
}

static rd_kafka_t *consumer_new(const char *brokers)
{
	char why[512], group[64];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	snprintf(group, sizeof(group), "bare-%ld-%ld", (long)getpid(), (long)time(NULL));
	rd_kafka_conf_set(conf, "bootstrap.servers", brokers, NULL, 0);
	rd_kafka_conf_set(conf, "group.id", group, NULL, 0);
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], why, sizeof(why)) != RD_KAFKA_CONF_OK) {
			fprintf(stderr, "bare: %s\n", why);
			exit(1);
		}
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (!rk) {
		fprintf(stderr, "bare: %s\n", why);
		exit(1);
	}
	rd_kafka_poll_set_consumer(rk);
	return rk;
}

/* Assigns every partition of the topic from its beginning; returns their number. */
static int assign(rd_kafka_t *rk, const char *topic)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
	rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, handle, &metadata, 10000);

	if (err || !metadata->topic_cnt || !metadata->topics[0].partition_cnt) {
		fprintf(stderr, "bare: %s: %s\n", topic, err ? rd_kafka_err2str(err) : "no such topic");
		exit(3);
	}
	int count = metadata->topics[0].partition_cnt;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
	for (int i = 0; i < count; i++)
		rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_metadata_destroy(metadata);
	rd_kafka_topic_destroy(handle);
	return count;
}

int main(int argc, char **argv)
{
	static rd_kafka_message_t *batch[BATCH];
	uint64_t messages = 0, bytes = 0, sum = 0;
	double first = 0, last = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: bare BROKERS TOPIC\n");
		return 2;
	}
	mallopt(M_MMAP_THRESHOLD, 64 << 20);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	mallopt(M_TOP_PAD, 64 << 20);
	rd_kafka_t *rk = consumer_new(argv[1]);
	int open = assign(rk, argv[2]);
	rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
	double idle_since = seconds();
	while (open > 0 && seconds() - idle_since < 60) {
		ssize_t got = rd_kafka_consume_batch_queue(queue, 1000, batch, BATCH);
		for (ssize_t i = 0; i < got; i++) {
			if (!batch[i]->err) {
				messages++;
				bytes += batch[i]->len;
				sum += touch(batch[i]->payload, batch[i]->len);
			} else if (batch[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
				open--;
			}
			rd_kafka_message_destroy(batch[i]);
		}
		if (got > 0) {
			last = idle_since = seconds();
			first = first > 0 ? first : last;
		}
	}
	double cpu = cpu_seconds();
	printf("{\"messages\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"cpu_seconds\": %.3f, \"wall_seconds\": %.3f, \"checksum\": %" PRIu64 "}\n",
	       messages, bytes, cpu, last - first, sum);
	fflush(stdout);
	rd_kafka_queue_destroy(queue);
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	return open > 0;
}
