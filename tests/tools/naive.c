/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual design, to be killed beside winnow: counters in memory, offsets committed by the client on its own, totals shown once a second.
 *
 * usage: naive BROKERS GROUP FILE TOPIC...
 *
 * FILE holds the total as of the last second: what a scrape would have seen before a kill. The sum of it over all lives is what increase() makes of such a
 * counter, which starts at 0 in every life.
 */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what, const char *why)
{
	fprintf(stderr, "naive: %s: %s\n", what, why);
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void set(rd_kafka_conf_t *conf, const char *key, const char *value)
{
	char reason[256];
	if (rd_kafka_conf_set(conf, key, value, reason, sizeof(reason)) != RD_KAFKA_CONF_OK)
		die(key, reason);
}

static rd_kafka_t *consumer(char **argv, int topics)
{
	char reason[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	set(conf, "bootstrap.servers", argv[1]);
	set(conf, "group.id", argv[2]);
	set(conf, "auto.offset.reset", "earliest");
	set(conf, "session.timeout.ms", "2000");
	set(conf, "heartbeat.interval.ms", "500");
	set(conf, "auto.commit.interval.ms", "1000"); /* the default is 5 s */
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof(reason));
	if (!rk)
		die("consumer", reason);
	rd_kafka_poll_set_consumer(rk);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(topics);
	for (int i = 0; i < topics; i++)
		rd_kafka_topic_partition_list_add(list, argv[4 + i], RD_KAFKA_PARTITION_UA);
	if (rd_kafka_subscribe(rk, list))
		die("subscribe", argv[4]);
	rd_kafka_topic_partition_list_destroy(list);
	return rk;
}

static void show(const char *path, uint64_t total)
{
	char text[32];
	FILE *f = fopen(path, "w");
	if (!f)
		die("cannot write", path);
	snprintf(text, sizeof(text), "%020" PRIu64 "\n", total);
	if (fputs(text, f) < 0 || fclose(f))
		die("cannot write", path);
}

int main(int argc, char **argv)
{
	uint64_t total = 0;
	if (argc < 5)
		die("usage", "naive BROKERS GROUP FILE TOPIC...");
	rd_kafka_t *rk = consumer(argv, argc - 4);
	for (double due = now() + 1;;) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);
		if (m && !m->err)
			total++;
		if (m)
			rd_kafka_message_destroy(m);
		if (now() < due)
			continue;
		show(argv[3], total);
		due = now() + 1;
	}
}
