/* SPDX-License-Identifier: Apache-2.0 */
/* What a sample costs on its way out, in both versions: bench_remote_write [SERIES]. A ledger of realistic series (counters of patterns, histograms of durations, three
 * labels each) closes a step; its requests are cut and compressed as the sender does it. The reference is snappy alone on the same bytes. */
#include "base/clock.h"
#include "ledger/ledger.h"
#include "metric/remote_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { ROUNDS = 9, SAMPLES = 2000, BYTES = 1 << 20 };
#define START_NS (INT64_C(1767225600) * NS_PER_S)

/* Of this thread: others use the machine too. */
static int64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static long rss_kib(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
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
	int64_t encode_ns, compress_ns, alone_ns;
};

/* Cut and compress as one sending does; the fastest round of each counts. */
static struct figures measure(const struct ledger *l, int64_t step, enum remote_write_version version)
{
	struct figures best = {.encode_ns = INT64_MAX, .compress_ns = INT64_MAX, .alone_ns = INT64_MAX};
	struct buf packed = {0};
	for (int round = 0; round < ROUNDS; round++) {
		struct cut cut;
		size_t samples = 0, raw = 0, out = 0;
		int64_t begun = cpu_ns();
		ledger_cut(l, step, version, SAMPLES, BYTES, &cut);
		int64_t cut_ns = cpu_ns() - begun, compress_ns = 0, alone_ns = 0;
		for (int pass = 0; pass < 2; pass++) { /* the sender's own pass, then the same bytes again for snappy alone */
			begun = cpu_ns();
			for (size_t i = 0; i < cut.len; i++) {
				buf_reset(&packed);
				remote_write_compress(&packed, cut.requests[i].body);
				samples += pass == 0 ? cut.requests[i].samples : 0;
				raw += pass == 0 ? cut.requests[i].body.len : 0;
				out += pass == 0 ? packed.len : 0;
			}
			*(pass ? &alone_ns : &compress_ns) = cpu_ns() - begun;
		}
		best.encode_ns = cut_ns < best.encode_ns ? cut_ns : best.encode_ns;
		best.compress_ns = compress_ns < best.compress_ns ? compress_ns : best.compress_ns;
		best.alone_ns = alone_ns < best.alone_ns ? alone_ns : best.alone_ns;
		best.samples = samples;
		best.raw = raw;
		best.packed = out;
		best.requests = cut.len;
		cut_done(&cut);
	}
	buf_done(&packed);
	return best;
}

static void report(const char *name, const struct figures *f)
{
	double n = (double)f->samples;
	double ours = (double)(f->encode_ns + f->compress_ns) / n, reference = (double)f->alone_ns / n;
	printf("remote-write.%s  %.1f  %.1f  %.2f  ns a sample, encode and compress beside snappy alone on the same bytes (goal at most 1.5); %.1f bytes a sample, %.1f packed, %zu samples, %zu requests\n",
		name, ours, reference, ours / reference, (double)f->raw / n, (double)f->packed / n, f->samples, f->requests);
}

int main(int argc, char **argv)
{
	size_t series = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 100000;
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
	mark_encode(&mark, step, false, now, 0);
	ledger_post(l, buf_slice(&mark), 3, &event); /* every series has begun */
	now += 10 * NS_PER_S;
	post(l, t, &offset, 4, now, now);
	tally_free(t);
	if (ledger_pending_first(l) != step + 1) {
		fprintf(stderr, "bench_remote_write: no step to cut\n");
		return 1;
	}
	long idle = rss_kib();
	struct figures one = measure(l, step + 1, REMOTE_WRITE_1), two = measure(l, step + 1, REMOTE_WRITE_2);
	report("1.0", &one);
	report("2.0", &two);
	printf("remote-write.rss  %ld  200  %.2f  MiB above %ld MiB idle, %zu series in a step (goal at most 200)\n", (rss_kib() - idle) / 1024, (double)(rss_kib() - idle) / 1024 / 200, idle / 1024, series);
	buf_done(&mark);
	ledger_free(l);
	return 0;
}
