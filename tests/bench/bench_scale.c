/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to be one of many: bench_scale [INSTANCES [LINES PER SECOND OF A CORE]].
 *
 * snapshot: the time to start from a snapshot of 200,000 series and 50,000 patterns; the reference is inflating the same bytes alone.
 * journal: INSTANCES (200) write a delta a second each into one journal, on 8 partitions each, 250 series moving in each delta out of 200,000; every instance
 * reads all of them. What a delta costs its reader and its writer, how large it is; the reference is inflating and checking the same records alone.
 * endpoint: what one more place to send to takes.
 * The last lines say what follows for a cluster. Their other side, lines per second of a core, is what `./dev bench main` prints. */
#include "base/clock.h"
#include "base/mem.h"
#include "ledger/ledger.h"
#include "ledger/seal.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { SERIES = 200000, PATTERNS = 50000, MOVING = 250, PARTITIONS_EACH = 8, SECONDS_RUN = 20, ROUNDS = 3, SERIES_GOAL_S = 3 };
#define START_NS (INT64_C(1767225600) * NS_PER_S)
#define LINES_GOAL 10000000.0

static const struct ledger_opts opts = {.step_ns = 10 * NS_PER_S, .lateness_ns = 2 * NS_PER_S, .expire_ns = 900 * NS_PER_S, .receiver_window_ns = 3300 * NS_PER_S, .series_limit = 4000000};

static int64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static double rss_mib(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_maxrss / 1024;
}

static uint64_t id_of(size_t n)
{
	return n * UINT64_C(0x9E3779B97F4A7C15) >> 3 | 1;
}

/* Four series to a pattern: records by two severities, durations, and its info, which the ledger adds itself. */
static void count(struct tally *t, size_t n, int64_t step)
{
	static const char *const severities[] = {"info", "error"};
	char service[32], id[24];
	size_t pattern = n / 3;
	snprintf(service, sizeof(service), "service-%zu", pattern / 250);
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)id_of(pattern));
	struct label labels[] = {{SLICE("pattern_id"), slice_str(id)}, {SLICE("service_name"), slice_str(service)}, {SLICE("severity"), slice_str(severities[n % 2])}};
	struct exemplar e;
	exemplar_set(&e, START_NS + (int64_t)n, 0.25, 1, SLICE("0123456789abcdef0123456789abcdef"), SLICE("0123456789abcdef"));
	if (n % 3 == 2)
		tally_observe(t, tally_series(t, FAMILY_LOG_PATTERN_DURATION, labels, 2), step, (double)(n % 100) / 50, n % 20 ? NULL : &e);
	else
		tally_count(t, tally_series(t, FAMILY_LOG_PATTERN_RECORDS, labels, 3), step, n % 13 + 1, n % 20 ? NULL : &e);
}

struct text {
	char service[32], template_text[128], line[256];
};

static void learn(struct delta_pattern *p, struct delta_example *e, struct text *t, size_t n)
{
	snprintf(t->service, sizeof(t->service), "service-%zu", n / 250);
	snprintf(t->template_text, sizeof(t->template_text), "request <num> of customer <*> for basket %zu took <duration> at <ip>, answered <num>", n);
	snprintf(t->line, sizeof(t->line), "request 1881 of customer c-%zu for basket %zu took 18.2ms at 10.1.2.3, answered 200, with a tail as lines have it in real life", n * 7, n);
	*p = (struct delta_pattern){.id = id_of(n), .origin = ORIGIN_MINED, .service = slice_str(t->service), .template_text = slice_str(t->template_text)};
	*e = (struct delta_example){.pattern_id = p->id, .time_ns = START_NS, .severity = 1, .rank = 2, .text = slice_str(t->line), .trace_id = SLICE("0123456789abcdef0123456789abcdef"), .topic = SLICE("logs"), .offset = (int64_t)n};
}

static void body_of(struct tally *t, struct delta_body *body)
{
	*body = (struct delta_body){0};
	body->entries = tally_entries(t, &body->entries_len);
	body->series_len = tally_series_len(t);
	body->series = body->series_len ? tally_series_at(t, 0) : NULL;
}

static void must_be_posted(struct ledger *l, struct slice record, int64_t position)
{
	struct ledger_event event;
	ledger_post(l, record, position, &event);
	if (event.outcome == LEDGER_POSTED)
		return;
	fprintf(stderr, "bench_scale: a delta was not posted (%d)\n", (int)event.outcome);
	exit(1);
}

/* A ledger with everything in it. */
static struct ledger *whole(void)
{
	struct ledger *l = ledger_new(&opts);
	struct tally *t = tally_new();
	struct delta_pattern *patterns = mem_zalloc(PATTERNS, sizeof(*patterns));
	struct delta_example *examples = mem_zalloc(PATTERNS, sizeof(*examples));
	struct text *texts = mem_zalloc(PATTERNS, sizeof(*texts));
	struct delta_range range = {.topic = SLICE("seed"), .to = 10, .replay = 10, .newest_ns = START_NS, .at_end = true};
	struct delta_header header = {.writer = 1, .seq = 1, .journal_time_ns = START_NS, .ranges = &range, .ranges_len = 1};
	struct delta_body body;
	struct buf record = {0};
	for (size_t n = 0; n < PATTERNS; n++)
		learn(&patterns[n], &examples[n], &texts[n], n);
	for (size_t n = 0; n < (size_t)PATTERNS * 3; n++)
		count(t, n, START_NS / opts.step_ns);
	body_of(t, &body);
	body.patterns = patterns;
	body.examples = examples;
	body.patterns_len = body.examples_len = PATTERNS;
	delta_encode(&record, &header, &body);
	must_be_posted(l, buf_slice(&record), 0);
	buf_done(&record);
	tally_free(t);
	free(patterns);
	free(examples);
	free(texts);
	return l;
}

static void inflate_alone(struct slice record, struct buf *scratch)
{
	struct slice head, body;
	char kind;
	if (seal_open(record, scratch, &kind, &head, &body) < 0)
		exit(1);
}

static bool snapshot(const struct ledger *l)
{
	struct buf bytes = {0}, scratch = {0};
	struct err err = {0};
	int64_t best = INT64_MAX, alone = INT64_MAX, begun = cpu_ns();
	ledger_save(l, &bytes);
	int64_t save_ns = cpu_ns() - begun;
	for (int round = 0; round < ROUNDS; round++) {
		struct ledger *fresh = ledger_new(&opts);
		begun = cpu_ns();
		if (ledger_load(fresh, buf_slice(&bytes), &err) < 0)
			exit(1);
		best = cpu_ns() - begun < best ? cpu_ns() - begun : best;
		ledger_free(fresh);
		begun = cpu_ns();
		inflate_alone(buf_slice(&bytes), &scratch);
		alone = cpu_ns() - begun < alone ? cpu_ns() - begun : alone;
	}
	double seconds = (double)best / 1e9;
	printf("scale.snapshot  %.2f  %.2f  %.1f  s to load a snapshot of %zu series and %zu patterns, %.1f MiB, beside inflating it alone (goal at most %d s); %.2f s to save it, %.0f MiB at most\n",
		seconds, (double)alone / 1e9, (double)best / (double)alone, ledger_series_len(l), ledger_patterns_len(l), (double)bytes.len / (1 << 20), SERIES_GOAL_S, (double)save_ns / 1e9, rss_mib());
	buf_done(&bytes);
	buf_done(&scratch);
	return seconds <= SERIES_GOAL_S;
}

static double in_use_mib(void)
{
	struct mallinfo2 info = mallinfo2();
	return (double)(info.uordblks + info.hblkhd) / (1 << 20);
}

/* What a second place to send to takes: a ledger of its own. What it costs to fold is what a delta costs its reader, once more. */
static void endpoint(const struct ledger *l)
{
	double before = in_use_mib();
	struct ledger *other = ledger_begin(l, 7);
	double mib = in_use_mib() - before;
	printf("scale.endpoint  %.1f MiB that one more endpoint takes: its ledger of %zu series and %zu patterns, %.0f bytes a series\n", mib, ledger_series_len(other), ledger_patterns_len(other),
		mib * (1 << 20) / (double)ledger_series_len(other));
	ledger_free(other);
}

struct figures {
	size_t deltas, bytes;
	int64_t write_ns, read_ns, alone_ns;
};

static void one_delta(struct ledger *l, struct tally *t, size_t instance, size_t second, struct figures *f)
{
	struct delta_range ranges[PARTITIONS_EACH];
	int64_t now = START_NS + (int64_t)second * NS_PER_S, offset = (int64_t)second * 1000;
	struct buf record = {0}, scratch = {0};
	struct delta_body body;
	for (int p = 0; p < PARTITIONS_EACH; p++)
		ranges[p] = (struct delta_range){.topic = SLICE("logs"), .partition = (int32_t)(instance * PARTITIONS_EACH) + p, .from = offset, .to = offset + 1000, .replay = offset + 1000, .newest_ns = now};
	struct delta_header header = {.writer = 10 + instance, .seq = second + 1, .journal_time_ns = now, .ranges = ranges, .ranges_len = PARTITIONS_EACH};
	for (size_t i = 0; i < MOVING; i++)
		count(t, (instance * 977 + i * 601 + second * 31) % ((size_t)PATTERNS * 3), now / opts.step_ns);
	int64_t begun = cpu_ns();
	body_of(t, &body);
	delta_encode(&record, &header, &body);
	f->write_ns += cpu_ns() - begun;
	tally_clear(t);
	begun = cpu_ns();
	must_be_posted(l, buf_slice(&record), (int64_t)++f->deltas);
	f->read_ns += cpu_ns() - begun;
	begun = cpu_ns();
	inflate_alone(buf_slice(&record), &scratch);
	f->alone_ns += cpu_ns() - begun;
	f->bytes += record.len;
	buf_done(&record);
	buf_done(&scratch);
}

static void journal(struct ledger *l, size_t instances, double lines_per_core)
{
	struct figures f = {0};
	struct tally *t = tally_new();
	for (size_t second = 0; second < SECONDS_RUN; second++)
		for (size_t i = 0; i < instances; i++)
			one_delta(l, t, i, second, &f);
	tally_free(t);
	double n = (double)f.deltas, read_us = (double)f.read_ns / n / 1e3, bytes = (double)f.bytes / n;
	printf("scale.journal  %.0f  %.0f  %.1f  us of a core to read a delta of %d series and %d partitions, beside inflating it alone; %.0f us to write it, %.1f KiB\n", read_us,
		(double)f.alone_ns / n / 1e3, (double)f.read_ns / (double)f.alone_ns, MOVING, PARTITIONS_EACH, (double)f.write_ns / n / 1e3, bytes / 1024);
	double needed = LINES_GOAL / lines_per_core;
	printf("scale.instances  %zu instances, a delta a second each: every one reads %.1f MiB/s and spends %.1f %% of a core on it; the journal takes %.1f MiB/s\n", instances,
		bytes * (double)instances / (1 << 20), read_us * (double)instances / 1e4, bytes * (double)instances / (1 << 20));
	printf("scale.10M  %.0f lines/s at %.0f lines/s of a core: %.0f cores; in instances of 4 cores %.0f, each of which spends %.1f %% of one core on the others' deltas\n", LINES_GOAL,
		lines_per_core, needed, needed / 4, read_us * needed / 4 / 1e4);
}

int main(int argc, char **argv)
{
	size_t instances = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 200;
	double lines_per_core = argc > 2 ? strtod(argv[2], NULL) : 400000; /* what `./dev bench main` prints, a little less */
	struct ledger *l = whole();
	bool good = snapshot(l);
	endpoint(l);
	journal(l, instances, lines_per_core);
	ledger_free(l);
	return !good;
}
