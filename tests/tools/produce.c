/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Produces a file of lines, plain or gzip, to a topic, and prints how many records of which service it sent.
 *
 * usage: produce -b BROKERS -t TOPIC [OPTION...] FILE
 *        produce -o [-T] [-s N] [-n N] FILE          to standard output instead
 *   -p N        spread over N partitions in turn (default 4; without a key)
 *   -k trace    by trace id instead, so that a trace stays in one partition
 *   -r N        the whole file N times          -u N   stop after N messages
 *   -s N        leave out the first N lines     -n N   read at most N lines
 *   -R N        at most N messages a second
 *   -T          move all times so that the newest in the file is now; -O SECONDS: is that long ago
 *   -l          the file holds values, each behind a line with its length, as `values` reads them; without a key
 *   -c CODEC    lz4 (default), none, snappy, zstd, gzip
 *
 * The file is held in memory; times are edited in place (shift.h). Exit 0 only when every message was acknowledged by the broker.
 */
#include <errno.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "shift.h"
#include "tally.h"

struct options {
	const char *brokers, *topic, *codec, *path;
	int partitions;
	bool by_trace, now, print, lengths;
	uint64_t repeat, until, skip, limit, rate;
	int64_t ago_s;
};

struct line {
	char *at;
	size_t len;
};

struct file {
	char *bytes;
	struct line *lines;
	size_t count;
};

static uint64_t failed;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "produce: %s: %s\n", what, why);
	exit(1);
}

static void *grow(void *old, size_t bytes)
{
	void *p = realloc(old, bytes);
	if (!p)
		die("memory", strerror(errno));
	return p;
}

static int64_t now_ns(clockid_t clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static char *read_whole(const char *path, size_t *ret_len)
{
	gzFile in = gzopen(path, "rb");
	size_t len = 0, room = 1 << 24;
	char *bytes = grow(NULL, room);
	int got;

	if (!in)
		die(path, strerror(errno));
	gzbuffer(in, 1 << 20);
	while ((got = gzread(in, bytes + len, (unsigned)(room - len))) > 0) {
		len += (size_t)got;
		if (room - len < 1 << 20)
			bytes = grow(bytes, room = room * 2 < room + (1u << 30) ? room * 2 : room + (1u << 30));
	}
	if (got < 0)
		die(path, gzerror(in, &got));
	gzclose(in);
	*ret_len = len;
	return bytes;
}

static struct file file_read(const struct options *o)
{
	struct file f = {0};
	size_t len, room = 0;
	uint64_t seen = 0;

	f.bytes = read_whole(o->path, &len);
	for (char *p = f.bytes, *end = f.bytes + len; p < end && f.count < o->limit;) {
		char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((newline ? newline : end) - p), behind = 1;
		if (o->lengths) {
			char *after;
			n = strtoul(p, &after, 10);
			behind = 0;
			p = after + 1;
			if (*after != '\n' || n > (size_t)(end - p))
				die(o->path, "no length where one must be");
		}
		if (seen++ >= o->skip) {
			if (f.count == room)
				f.lines = grow(f.lines, (room = room ? room * 2 : 65536) * sizeof(*f.lines));
			f.lines[f.count++] = (struct line){p, n};
		}
		p += n + behind;
	}
	return f;
}

static void file_shift(struct file *f, const struct options *o)
{
	int64_t newest = INT64_MIN;

	for (size_t i = 0; i < f->count; i++) {
		int64_t t = shift_newest(f->lines[i].at, f->lines[i].len);
		newest = t > newest ? t : newest;
	}
	if (newest == INT64_MIN)
		die(o->path, "no times found");
	int64_t delta = now_ns(CLOCK_REALTIME) - o->ago_s * 1000000000 - newest;
	for (size_t i = 0; i < f->count; i++)
		shift_line(f->lines[i].at, f->lines[i].len, delta);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
	(void)rk;
	(void)opaque;
	if (message->err && failed++ == 0)
		fprintf(stderr, "produce: %s\n", rd_kafka_err2str(message->err));
}

static void set(rd_kafka_conf_t *conf, const char *key, const char *value)
{
	char why[512];
	if (rd_kafka_conf_set(conf, key, value, why, sizeof(why)) != RD_KAFKA_CONF_OK)
		die(key, why);
}

static rd_kafka_t *producer_new(const struct options *o)
{
	char why[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	set(conf, "bootstrap.servers", o->brokers);
	set(conf, "compression.codec", o->codec);
	set(conf, "linger.ms", "50");
	set(conf, "batch.size", "1000000");
	set(conf, "message.max.bytes", "16000000");
	set(conf, "queue.buffering.max.messages", "500000");
	set(conf, "acks", "all");
	set(conf, "log_level", "3"); /* a new broker is slow to load its coordinators; that is no news */
	set(conf, "enable.idempotence", "true"); /* a retry must not become a second record */
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (!rk)
		die("kafka", why);
	return rk;
}

/* The trace id's text in the line, or nothing. */
static const char *trace_of(const struct line *line, size_t *ret_len)
{
	static const char *const keys[] = {"\"traceId\": \"", "\"traceId\":\"", "\"trace_id\":\"", "\"trace_id\": \"", "TraceID: "};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *p = memmem(line->at, line->len, keys[i], strlen(keys[i]));
		if (p && (size_t)(line->at + line->len - p) >= strlen(keys[i]) + 32) {
			*ret_len = 32;
			return p + strlen(keys[i]);
		}
	}
	*ret_len = 0;
	return NULL;
}

static int32_t partition_of(const struct options *o, const struct line *line, uint64_t sequence)
{
	size_t len;
	const char *trace = o->by_trace ? trace_of(line, &len) : NULL;

	return (int32_t)((trace ? crc32(0, (const Bytef *)trace, (uInt)len) : sequence) % (uint64_t)o->partitions);
}

static void pace(const struct options *o, uint64_t sent, int64_t start)
{
	if (!o->rate || sent % 100)
		return;
	int64_t due = start + (int64_t)((double)sent * 1e9 / (double)o->rate), wait = due - now_ns(CLOCK_MONOTONIC);
	if (wait > 0)
		nanosleep(&(struct timespec){wait / 1000000000, wait % 1000000000}, NULL);
}

static void send_one(rd_kafka_t *rk, rd_kafka_topic_t *topic, int32_t partition, const struct line *line)
{
	while (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, line->at, line->len, NULL, 0, NULL) < 0) {
		if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			die("send", rd_kafka_err2str(rd_kafka_last_error()));
		rd_kafka_poll(rk, 100);
	}
}

static void produce(const struct options *o, const struct file *f, struct tally *tally)
{
	rd_kafka_t *rk = producer_new(o);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, o->topic, NULL);
	int64_t start = now_ns(CLOCK_MONOTONIC);

	for (uint64_t round = 0; round < o->repeat && tally->messages < o->until; round++)
		for (size_t i = 0; i < f->count && tally->messages < o->until; i++) {
			send_one(rk, topic, partition_of(o, &f->lines[i], tally->messages), &f->lines[i]);
			if (o->lengths) { /* may be binary: nothing to look for */
				tally->messages++;
				tally->bytes += f->lines[i].len;
			} else {
				tally_message(tally, f->lines[i].at, f->lines[i].len);
			}
			if (tally->messages % 1000 == 0)
				rd_kafka_poll(rk, 0);
			pace(o, tally->messages, start);
		}
	rd_kafka_resp_err_t err = rd_kafka_flush(rk, 120000);
	if (err)
		die("flush", rd_kafka_err2str(err));
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(rk);
}

static void usage(void)
{
	fprintf(stderr, "usage: produce -b BROKERS -t TOPIC [-p PARTITIONS] [-k trace] [-r TIMES] [-u MESSAGES] [-s LINES] [-n LINES] [-R RATE] [-T] [-O SECONDS] [-l] "
			"[-c CODEC] FILE\n       produce -o [-T] [-s LINES] [-n LINES] FILE\n");
	exit(2);
}

static uint64_t number(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);
	if (*end || end == text)
		usage();
	return n;
}

static void option(struct options *o, int letter)
{
	switch (letter) {
	case 'b': o->brokers = optarg; break;
	case 't': o->topic = optarg; break;
	case 'c': o->codec = optarg; break;
	case 'p': o->partitions = (int)number(optarg); break;
	case 'k': o->by_trace = !strcmp(optarg, "trace"); break;
	case 'r': o->repeat = number(optarg); break;
	case 'u': o->until = number(optarg); break;
	case 's': o->skip = number(optarg); break;
	case 'n': o->limit = number(optarg); break;
	case 'R': o->rate = number(optarg); break;
	case 'l': o->lengths = true; break;
	case 'O': o->ago_s = (int64_t)number(optarg); break;
	case 'T': o->now = true; break;
	case 'o': o->print = true; break;
	default: usage();
	}
}

int main(int argc, char **argv)
{
	static struct tally tally;
	struct options o = {.codec = "lz4", .partitions = 4, .repeat = 1, .until = UINT64_MAX, .limit = UINT64_MAX};

	for (int letter; (letter = getopt(argc, argv, "b:t:c:p:k:r:u:s:n:R:O:Tol")) != -1;)
		option(&o, letter);
	if ((!o.print && (!o.brokers || !o.topic)) || optind != argc - 1 || o.partitions < 1)
		usage();
	o.path = argv[optind];
	struct file f = file_read(&o);
	if (o.now)
		file_shift(&f, &o);
	if (o.print) {
		for (size_t i = 0; i < f.count; i++)
			printf("%.*s\n", (int)f.lines[i].len, f.lines[i].at);
	} else {
		produce(&o, &f, &tally);
		tally_print(&tally, stdout);
	}
	if (failed)
		fprintf(stderr, "produce: %" PRIu64 " of %" PRIu64 " messages were not acknowledged\n", failed, tally.messages);
	free(f.lines);
	free(f.bytes);
	return failed > 0;
}
