/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Produces values exactly as given, for what a file of lines cannot hold: newlines, NUL bytes, nothing at all.
 *
 * usage: values BROKERS TOPIC [KEY NAME=VALUE...] < input
 *
 * Input: for each value its length as a decimal line, then that many bytes. -1 is a message with a NULL payload. All go to partition 0, with the key and the headers if there are any.
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed;

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
	(void)rk;
	(void)opaque;
	if (message->err) {
		fprintf(stderr, "values: %s\n", rd_kafka_err2str(message->err));
		failed = 1;
	}
}

static rd_kafka_headers_t *headers_of(char **texts)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(1);
	for (; *texts; texts++) {
		const char *equals = strchr(*texts, '=');
		if (equals)
			rd_kafka_header_add(headers, *texts, equals - *texts, equals + 1, -1);
	}
	return headers;
}

static int send_value(rd_kafka_t *rk, char **argv, long len)
{
	char *value = len > 0 ? malloc((size_t)len) : NULL;
	static char nothing;

	if (len > 0 && (!value || fread(value, 1, (size_t)len, stdin) != (size_t)len)) {
		fprintf(stderr, "values: cut input\n");
		free(value);
		return -1;
	}
	char *at = len < 0 ? NULL : value ? value : &nothing;
	size_t size = len > 0 ? (size_t)len : 0;
	rd_kafka_headers_t *headers = headers_of(argv[3] ? argv + 4 : argv + 3);
	rd_kafka_resp_err_t err;
	while ((err = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(argv[2]), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
					RD_KAFKA_V_KEY(argv[3], argv[3] ? strlen(argv[3]) : 0), RD_KAFKA_V_HEADERS(headers),
					RD_KAFKA_V_VALUE(at, size), RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		rd_kafka_poll(rk, 50);
	free(value);
	if (err)
		fprintf(stderr, "values: %s\n", rd_kafka_err2str(err));
	return err ? -1 : 0;
}

int main(int argc, char **argv)
{
	char why[512], line[32];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	if (argc < 3 || argc == 4) {
		fprintf(stderr, "usage: values BROKERS TOPIC [KEY NAME=VALUE...] < input\n");
		return 2;
	}
	rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], NULL, 0);
	rd_kafka_conf_set(conf, "message.max.bytes", "16000000", NULL, 0);
	rd_kafka_conf_set(conf, "enable.idempotence", "true", NULL, 0);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (!rk) {
		fprintf(stderr, "values: %s\n", why);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin))
		if (send_value(rk, argv, strtol(line, NULL, 10)) < 0)
			return 1;
	if (rd_kafka_flush(rk, 60000))
		return 1;
	rd_kafka_destroy(rk);
	return failed;
}
