/* SPDX-License-Identifier: Apache-2.0 */
/* bench_spans [-s] FILE: feeds a file of OTLP batches to a shard, some rounds, and prints spans per CPU second: what decoding and counting cost without Kafka. Lines of JSON,
 * or values each behind a decimal line with its length (as `values` reads them). -s: edges of services. For profilers; `./dev bench spans` measures the whole. */
#include "base/buf.h"
#include "base/clock.h"
#include "engine/shard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 6, DELTA = 20000 };

struct values {
	struct buf bytes;
	struct slice *items;
	size_t len, cap;
};

static void add(struct values *v, size_t at, size_t len)
{
	if (v->len == v->cap)
		v->items = realloc(v->items, (v->cap = v->cap ? v->cap * 2 : 4096) * sizeof(*v->items));
	v->items[v->len++] = slice_of(v->bytes.data + at, len);
}

static void load(struct values *v, const char *path)
{
	FILE *in = fopen(path, "rb");
	size_t got;
	if (!in) {
		perror(path);
		exit(2);
	}
	do {
		char *room = buf_reserve(&v->bytes, 1 << 20);
		got = fread(room, 1, 1 << 20, in);
		v->bytes.len += got;
	} while (got);
	fclose(in);
	bool lines = v->bytes.len && v->bytes.data[0] == '{';
	for (size_t at = 0; at < v->bytes.len;) {
		size_t end = slice_find(buf_slice(&v->bytes), '\n', at), len = end - at;
		if (!lines) {
			len = strtoul(v->bytes.data + at, NULL, 10);
			at = end + 1;
			end = at + len - 1;
		}
		add(v, at, len);
		at = end + 1;
	}
}

static double cpu_seconds(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct values v = {0};
	bool services = argc > 2 && strcmp(argv[1], "-s") == 0;
	const struct shard_opts opts = {.step_ns = 10 * NS_PER_S, .window_ns = 55 * 60 * NS_PER_S, .hold_ns = 30 * NS_PER_S, .graph_of_services = services};
	if (argc < 2)
		return 2;
	load(&v, argv[argc - 1]);
	for (int round = 0; round < ROUNDS; round++) {
		struct shard *s = shard_new(&opts);
		struct shard_partition p = {.topic = SLICE("t")};
		int64_t now = clock_wall_ns();
		shard_partition_start(&p, &(struct shard_start){0}, &opts);
		double begun = cpu_seconds();
		for (size_t i = 0; i < v.len; i++) {
			shard_feed(s, &p, v.items[i], (int64_t)i, (int64_t)i + 1, now, now);
			if (i % DELTA == DELTA - 1)
				shard_clear(s);
		}
		double took = cpu_seconds() - begun;
		double n = (double)shard_totals(s)->consumed;
		printf("%.0f spans, %.0f ns each, %.2f million per CPU second, %.0f bytes each\n", n, took / n * 1e9, n / took / 1e6, (double)v.bytes.len / n);
		shard_partition_done(&p);
		shard_free(s);
	}
	free(v.items);
	buf_done(&v.bytes);
	return 0;
}
