/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes every line of the files named, some rounds, and prints what came out and the time per line: bench_decode FILE... */
#include "base/clock.h"
#include "base/map.h"
#include "base/hash.h"
#include "record/decoder.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 5 };

struct totals {
	size_t lines, logs, spans, undecodable, with_time, with_trace, with_span, errors, message_bytes, with_logger;
	size_t severities[SEVERITY_COUNT];
	struct map services;
};

static void count(struct totals *t, const struct record *r)
{
	static char mark;
	uint64_t hash = hash_bytes(r->service);
	*(r->kind == RECORD_LOG ? &t->logs : &t->spans) += 1;
	t->with_time += r->time_ns != 0;
	t->with_trace += r->trace_id.len == 32;
	t->with_span += r->span_id.len == 16;
	t->errors += r->error;
	t->with_logger += r->logger.len > 0;
	t->message_bytes += r->message.len;
	t->severities[r->severity]++;
	if (!map_get(&t->services, hash, NULL, NULL))
		map_put(&t->services, hash, &mark);
}

static int64_t pass(struct decoder *d, struct slice text, struct totals *t)
{
	int64_t now_ns = clock_wall_ns(), start_ns = clock_mono_ns();
	for (size_t from = 0, end; from < text.len; from = end + 1) {
		struct decoded out;
		end = slice_find(text, '\n', from);
		decoder_decode(d, slice_sub(text, from, end - from), now_ns, &out);
		if (!t)
			continue;
		t->lines++;
		t->undecodable += out.undecodable;
		for (size_t i = 0; i < out.len; i++)
			count(t, &out.records[i]);
	}
	return clock_mono_ns() - start_ns;
}

static void report(const char *path, struct slice text, struct decoder *d)
{
	struct totals t = {0};
	int64_t best_ns = INT64_MAX;
	pass(d, text, &t);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t ns = pass(d, text, NULL);
		best_ns = ns < best_ns ? ns : best_ns;
	}
	printf("%s: %zu lines, %zu log records, %zu spans, %zu undecodable\n", path, t.lines, t.logs, t.spans, t.undecodable);
	printf("  with time %zu, trace id %zu, span id %zu, logger %zu, errors %zu, services %zu, message bytes %zu\n", t.with_time, t.with_trace, t.with_span, t.with_logger,
		t.errors, t.services.len, t.message_bytes);
	for (unsigned i = 0; i < SEVERITY_COUNT; i++)
		if (t.severities[i])
			printf("  %s %zu\n", severity_name((enum severity)i), t.severities[i]);
	printf("  %.0f ns a line, %.0f ns a record, %.0f MB/s (best of %d)\n", (double)best_ns / (double)t.lines,
		(double)best_ns / (double)(t.logs + t.spans + t.undecodable), (double)text.len * 1e3 / (double)best_ns, ROUNDS);
	map_done(&t.services);
}

int main(int argc, char **argv)
{
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		struct buf text = {0};
		size_t n = 0;
		if (!file) {
			perror(argv[i]);
			return 1;
		}
		do {
			text.len += n;
			n = fread(buf_reserve(&text, 1 << 20), 1, 1 << 20, file);
		} while (n > 0);
		fclose(file);
		report(argv[i], buf_slice(&text), d);
		buf_done(&text);
	}
	decoder_free(d);
	return 0;
}
