/* SPDX-License-Identifier: Apache-2.0 */
/* What a sample costs on its way out, in both versions: bench_remote_write [SERIES [SERIES_FOR_MEMORY]]. A ledger of realistic series (counters of patterns, histograms of durations, three
 * labels each) closes a step; its requests are cut and compressed as the sender does it. The reference is snappy alone on the same bytes. */
#include "base/clock.h"
#include "base/mem.h"
#include "ledger/ledger.h"
#include "metric/remote_write.h"

#include <malloc.h>
#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 9, SAMPLES = 2000, BYTES = 1 << 20, PART = 1 << 20, SETTLED_S = 7 };
#define START_NS (INT64_C(1767225600) * NS_PER_S)

/* Of this thread: others use the machine too. */
static int64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Of /proc/self/status, in KiB. */
static long memory_kib(const char *what)
{
	char line[256];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, what, strlen(what)) == 0)
			kib = strtol(line + strlen(what), NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

/* From here on VmHWM is the most that is in use. */
static void forget_peak(void)
{
	FILE *f = fopen("/proc/self/clear_refs", "w");
	malloc_trim(0);
	if (!f || fputs("5", f) < 0 || fclose(f) != 0)
		fprintf(stderr, "bench_remote_write: the peak of memory so far stays in the figure\n");
}

/* One series in seven is a histogram. Only the first step has news of all series; every later one moves a tenth. */
static void fill(struct tally *t, size_t series, int64_t step, size_t stride)
{
	static const char *const severities[] = {"info", "warn", "error", "debug"};
	for (size_t i = 0; i < series; i += stride) {
		char service[32], id[24];
		snprintf(service, sizeof(service), "service-%zu", i / 400);
		snprintf(id, sizeof(id), "%016zx", i * 0x9E3779B97F4A7C15 >> 3);
		struct label labels[] = {{SLICE("service_name"), slice_str(service)}, {SLICE("pattern_id"), slice_str(id)}, {SLICE("severity"), slice_str(severities[i % 4])}};
		struct exemplar e;
		exemplar_set(&e, START_NS + (int64_t)i, 0.25, 1, SLICE("0123456789abcdef0123456789abcdef"), SLICE("0123456789abcdef"));
		if (i % 7 == 0)
			tally_observe(t, tally_series(t, FAMILY_LOG_PATTERN_DURATION, labels, 2), step, (double)(i % 100) / 50, i % 70 ? NULL : &e);
		else
			tally_count(t, tally_series(t, FAMILY_LOG_PATTERN_RECORDS, labels, 3), step, i % 13 + 1, i % 50 ? NULL : &e);
	}
}

static void post(struct ledger *l, struct tally *t, int64_t *offset, int64_t position, int64_t newest_ns, int64_t now_ns)
{
	struct delta_range range = {.topic = SLICE("t"), .from = *offset, .to = *offset + 10, .replay = *offset + 10, .newest_ns = newest_ns};
	struct delta_header header = {.writer = 1, .seq = (uint64_t)position + 1, .journal_time_ns = now_ns, .ranges = &range, .ranges_len = 1};
	struct delta_body body = {0};
	struct buf record = {0};
	struct ledger_event event;
	*offset += 10;
	body.entries = tally_entries(t, &body.entries_len);
	body.series_len = tally_series_len(t);
	body.series = body.series_len ? tally_series_at(t, 0) : NULL;
	delta_encode(&record, &header, &body);
	ledger_post(l, buf_slice(&record), position, &event);
	if (event.outcome != LEDGER_POSTED) {
		fprintf(stderr, "bench_remote_write: the delta was not posted (%d)\n", (int)event.outcome);
		exit(1);
	}
	buf_done(&record);
	tally_clear(t);
}

struct figures {
	size_t samples, raw, packed, requests;
	int64_t ours_ns, alone_ns;
};

/* What snappy alone takes for the same bodies, which lie in memory one after the other. */
static int64_t alone(const struct buf *bodies, const size_t *ends, size_t len, struct buf *packed)
{
	int64_t begun = cpu_ns();
	for (size_t i = 0, from = 0; i < len; from = ends[i++]) {
		size_t packed_len = snappy_max_compressed_length(ends[i] - from);
		buf_reset(packed);
		snappy_compress(bodies->data + from, ends[i] - from, buf_reserve(packed, packed_len), &packed_len);
	}
	return cpu_ns() - begun;
}

/* Cuts and compresses a step as the sender does it, a part at a time; bodies not NULL: keeps what it made. */
static void send(struct ledger *l, int64_t step, enum remote_write_version version, struct cut *cut, struct figures *f, struct buf *bodies, size_t *ends)
{
	struct buf packed = {0};
	cut_again(cut);
	*f = (struct figures){0};
	int64_t begun = cpu_ns();
	do {
		ledger_cut_part(l, step, version, SAMPLES, BYTES, PART, cut);
		for (size_t i = 0; i < cut->len; i++) {
			buf_reset(&packed);
			remote_write_compress(&packed, cut->requests[i].body);
			if (bodies)
				buf_add_slice(bodies, cut->requests[i].body);
			if (ends)
				ends[f->requests] = bodies->len;
			f->samples += cut->requests[i].samples;
			f->raw += cut->requests[i].body.len;
			f->packed += packed.len;
			f->requests++;
		}
	} while (cut->more);
	f->ours_ns = cpu_ns() - begun;
	buf_done(&packed);
}

/* The fastest round of each counts. */
static struct figures measure(struct ledger *l, int64_t step, enum remote_write_version version)
{
	struct figures best = {.ours_ns = INT64_MAX, .alone_ns = INT64_MAX}, f;
	struct buf bodies = {0}, packed = {0};
	struct cut cut = {0}; /* as the sender has it: its memory goes from step to step */
	send(l, step, version, &cut, &f, NULL, NULL);
	size_t *ends = mem_zalloc(f.requests + 1, sizeof(*ends));
	send(l, step, version, &cut, &f, &bodies, ends);
	for (int round = 0; round < ROUNDS; round++) {
		int64_t alone_ns = alone(&bodies, ends, f.requests, &packed);
		send(l, step, version, &cut, &f, NULL, NULL);
		best.alone_ns = alone_ns < best.alone_ns ? alone_ns : best.alone_ns;
		best.ours_ns = f.ours_ns < best.ours_ns ? f.ours_ns : best.ours_ns;
	}
	f.ours_ns = best.ours_ns;
	f.alone_ns = best.alone_ns;
	free(ends);
	buf_done(&bodies);
	buf_done(&packed);
	cut_done(&cut);
	return f;
}

static bool report(const char *name, const struct figures *f)
{
	double n = (double)f->samples;
	double ours = (double)f->ours_ns / n, reference = (double)f->alone_ns / n;
	printf("remote-write.%s  %.1f  %.1f  %.2f  ns a sample, encode and compress beside snappy alone on the same bytes (goal at most 1.5); %.1f bytes a sample, %.1f packed, %zu samples, %zu requests\n",
		name, ours, reference, ours / reference, (double)f->raw / n, (double)f->packed / n, f->samples, f->requests);
	return ours <= 1.5 * reference;
}

/* A ledger with a closed step in which all series are live and a tenth has news. */
static struct ledger *make_ledger(size_t series, int64_t *ret_step)
{
	const struct ledger_opts opts = {.step_ns = 10 * NS_PER_S, .lateness_ns = 2 * NS_PER_S, .expire_ns = 900 * NS_PER_S, .receiver_window_ns = 3300 * NS_PER_S, .series_limit = 4000000};
	struct ledger *l = ledger_new(&opts);
	struct tally *t = tally_new();
	struct ledger_event event;
	struct buf mark = {0};
	int64_t offset = 0, step = START_NS / opts.step_ns, now = START_NS;
	post(l, t, &offset, 0, now, now);
	fill(t, series, step, 1);
	now += 5 * NS_PER_S;
	post(l, t, &offset, 1, now, now);
	now += 10 * NS_PER_S;
	fill(t, series, step + 1, 10);
	post(l, t, &offset, 2, now, now);
	mark_encode(&mark, 0, step, false, now, 0);
	ledger_post(l, buf_slice(&mark), 3, &event); /* every series has begun */
	now += 10 * NS_PER_S;
	post(l, t, &offset, 4, now, now);
	tally_free(t);
	buf_done(&mark);
	if (ledger_pending_first(l) != step + 1) {
		fprintf(stderr, "bench_remote_write: no step to cut\n");
		exit(1);
	}
	*ret_step = step + 1;
	return l;
}

static bool measure_time(size_t series)
{
	int64_t step;
	struct ledger *l = make_ledger(series, &step);
	struct figures one = measure(l, step, REMOTE_WRITE_1), two = measure(l, step, REMOTE_WRITE_2);
	bool met = report("1.0", &one);
	met &= report("2.0", &two);
	ledger_free(l);
	return met;
}

static bool measure_memory(size_t series)
{
	int64_t step;
	struct ledger *l = make_ledger(series, &step);
	struct figures f;
	sleep(SETTLED_S); /* what making the ledger left free has gone back to the system then, and hides nothing */
	forget_peak();
	long idle = memory_kib("VmRSS:");
	size_t samples = 0;
	for (enum remote_write_version v = REMOTE_WRITE_1; v <= REMOTE_WRITE_2; v++) {
		struct cut cut = {0};
		send(l, step, v, &cut, &f, NULL, NULL);
		cut_done(&cut);
		samples = f.samples;
	}
	long above = memory_kib("VmHWM:") - idle;
	printf("remote-write.rss  %.1f  200  %.2f  MiB above %ld MiB idle while a step of %zu series, %zu samples, is sent in both versions (goal at most 200)\n", (double)above / 1024,
		(double)above / 1024 / 200, idle / 1024, series, samples);
	ledger_free(l);
	return above <= 200 * 1024;
}

int main(int argc, char **argv)
{
	bool met = measure_time(argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 100000);
	met &= measure_memory(argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 1000000);
	return met ? 0 : 1;
}
