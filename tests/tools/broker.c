/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An embedded broker: librdkafka's mock cluster in a process of its own, for the demo and for tests without Java.
 *
 * usage: broker TOPIC[:PARTITIONS]...
 *
 * Prints BOOTSTRAP=host:port and serves until SIGTERM or SIGINT. The mock keeps 5 MiB of compressed batches per partition and drops older
 * ones silently, so a topic needs enough partitions for what goes through it: 4 hold 20 MiB, about 200 MiB of log lines in lz4.
 */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_PARTITIONS = 4 };

static int create_topic(rd_kafka_mock_cluster_t *cluster, const char *spec)
{
	char name[250];
	size_t len = strcspn(spec, ":");
	long partitions = spec[len] ? strtol(spec + len + 1, NULL, 10) : DEFAULT_PARTITIONS;

	if (!len || len >= sizeof(name) || partitions < 1 || partitions > 10000) {
		fprintf(stderr, "broker: %s: not TOPIC[:PARTITIONS]\n", spec);
		return -1;
	}
	memcpy(name, spec, len);
	name[len] = '\0';
	rd_kafka_resp_err_t err = rd_kafka_mock_topic_create(cluster, name, (int)partitions, 1);
	if (err) {
		fprintf(stderr, "broker: %s: %s\n", name, rd_kafka_err2str(err));
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	char why[512];
	sigset_t ends;
	int signal_number;

	if (argc < 2) {
		fprintf(stderr, "usage: broker TOPIC[:PARTITIONS]...\n");
		return 2;
	}
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL); /* before librdkafka's threads, which inherit it */

	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "log_level", "3", NULL, 0); /* that it has no servers of its own is no news */
	rd_kafka_t *host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	rd_kafka_mock_cluster_t *cluster = host ? rd_kafka_mock_cluster_new(host, 1) : NULL;
	if (!cluster) {
		fprintf(stderr, "broker: cannot start: %s\n", host ? "no mock cluster" : why);
		return 1;
	}
	for (int i = 1; i < argc; i++)
		if (create_topic(cluster, argv[i]) < 0)
			return 2;
	printf("BOOTSTRAP=%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
	fflush(stdout);
	sigwait(&ends, &signal_number);
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(host);
	return 0;
}
