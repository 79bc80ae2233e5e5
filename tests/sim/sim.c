/* SPDX-License-Identifier: Apache-2.0 */
/* The simulation: shards, journal, ledgers, leaders, receiver and every fault between them as a deterministic machine from one seed.
 *
 * Real: the delta codec, the ledger, its cuts and snapshots, the sender with its quarantine (sending.c). Simulated: workers and input logs (retention, lost ends, new
 * partitions), the journal (flight.c), who owns a partition (zombies go on), who leads (none, one or two), kills, pauses, clock jumps, reloads, a receiver that refuses
 * what Prometheus refuses, is down, loses acknowledgements or what it acknowledged, refuses a series for a while, and gets requests minutes after their sender gave up
 * (fault.c, receiver.c).
 *
 * Invariants: every record is counted once, or never for a reason (check.c); for every series the increase the receiver can compute is what was produced; no sample shrinks, but to the 0 of a new life behind a
 * stale marker; a step is cut into the same bytes by everyone; a ledger is the fold of the journal, snapshots or not, to the byte.
 *
 *   sim --seeds A-B        runs them; on a failure prints the seed and exits with 1
 *   sim --seeds A-B --log FILE [--note TEXT]
 *                          the long run: notes every thousand seeds in the file, leaves out those that are noted there, goes on behind a failure
 *   sim --seed N --verbose replays one
 *   sim --backlogs ...     another kind of seed: backlog.c
 *   sim --traces ...       and a third: traces.c; every 32nd seed of the first kind has one of these as well
 *   sim --mutants          runs each way of being wrong until a seed catches it; exits with 1 if one is not caught
 *   sim --mutant NAME ...  with the above */
#include "world.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct task {
	uint64_t first, last;
	enum mutant mutant;
	bool verbose, mutants, backlogs, traces;
	const char *log, *note;
	unsigned jobs;
};

static const uint64_t mutant_seeds = 3000;

enum { BLOCK = 1000, BLOCKS_MAX = 10000, TRACES_EVERY = 32 };

static void sum_up(struct world *total, const struct world *w)
{
	total->kills += w->kills;
	total->pauses += w->pauses;
	total->rejected += w->rejected;
	total->skipped += w->skipped;
	total->anchored += w->anchored;
	total->retries += w->retries;
	total->waves += w->waves;
	total->steps += w->steps;
	total->refused += w->refused;
	total->lost += w->lost;
	total->deleted += w->deleted;
}

/* The kinds of seeds; those of traces come along with some of the others. */
static const struct kind {
	const char *flag;
	bool (*run)(struct world *w, uint64_t seed, enum mutant mutant, bool verbose);
} deliveries = {"", world_run}, backlogs = {" --backlogs", backlog_run}, traces = {" --traces", traces_run};

static bool run_kind(const struct task *t, const struct kind *kind, struct world *w, uint64_t seed)
{
	bool ok = kind->run(w, seed, t->mutant, t->verbose);
	if (!ok)
		printf("seed %llu failed: %s\nreplay: sim%s --seed %llu --verbose%s%s\n", (unsigned long long)seed, w->failure, kind->flag, (unsigned long long)seed, t->mutant ? " --mutant " : "",
			t->mutant ? mutant_names[t->mutant] : "");
	return ok;
}

static bool run_one(const struct task *t, struct world *w, uint64_t seed)
{
	static struct world other;
	if (t->backlogs || t->traces)
		return run_kind(t, t->traces ? &traces : &backlogs, w, seed);
	bool ok = run_kind(t, &deliveries, w, seed);
	world_done(w);
	if (seed % TRACES_EVERY == 0)
		ok &= run_kind(t, &traces, &other, seed);
	return ok;
}

/* Runs seeds first, first + every, ...; false at the first failure. */
static bool run_seeds(const struct task *t, uint64_t first, uint64_t every, struct world *total)
{
	static struct world w;
	bool ok = true;
	for (uint64_t seed = first; ok && seed <= t->last; seed += every) {
		ok = run_one(t, &w, seed);
		sum_up(total, &w);
	}
	fflush(stdout);
	return ok;
}

enum { FIGURES = 11 };
static const char *const figure_names[FIGURES] = {"kills", "pauses", "deltas rejected", "steps sent", "steps skipped", "anchored", "retries", "waves", "requests refused",
	"receiver losses", "records deleted"};

static void figures_of(const struct world *w, uint64_t figures[FIGURES])
{
	const uint64_t all[FIGURES] = {w->kills, w->pauses, w->rejected, w->steps, w->skipped, w->anchored, w->retries, w->waves, w->refused, w->lost, w->deleted};
	memcpy(figures, all, sizeof(all));
}

static void print_figures(const uint64_t figures[FIGURES])
{
	for (size_t i = 0; i < FIGURES; i++)
		printf("%s%s %llu", i ? ", " : "", figure_names[i], (unsigned long long)figures[i]);
	putchar('\n');
	fflush(stdout);
}

static void print_total(const struct world *w)
{
	uint64_t figures[FIGURES];
	figures_of(w, figures);
	print_figures(figures);
}

/* --- the long run --- */

/* What a log notes of a block of seeds. */
struct block {
	uint64_t first, last, failed;
	uint64_t figures[FIGURES];
	bool noted;
};

static size_t blocks_of(const struct task *t)
{
	return (size_t)((t->last - t->first) / BLOCK + 1);
}

static bool read_block(char *line, struct block *b)
{
	int used = 0;
	if (sscanf(line, "block %lu-%lu failed %lu%n", &b->first, &b->last, &b->failed, &used) != 3)
		return false;
	for (size_t i = 0; i < FIGURES; i++) {
		char *end;
		b->figures[i] = strtoull(line + used, &end, 10);
		used = (int)(end - line);
	}
	b->noted = true;
	return true;
}

static void read_log(const struct task *t, struct block *blocks)
{
	char line[1024];
	FILE *f = fopen(t->log, "r");
	while (f && fgets(line, sizeof(line), f)) {
		struct block b = {0};
		if (read_block(line, &b) && b.first >= t->first && (b.first - t->first) % BLOCK == 0 && b.last <= t->last)
			blocks[(b.first - t->first) / BLOCK] = b;
	}
	if (f)
		fclose(f);
}

/* One line, in one write: others append too. */
static void note_block(const struct task *t, const struct block *b)
{
	char line[1024];
	size_t len = (size_t)snprintf(line, sizeof(line), "block %lu-%lu failed %lu", b->first, b->last, b->failed);
	for (size_t i = 0; i < FIGURES; i++)
		len += (size_t)snprintf(line + len, sizeof(line) - len, " %lu", b->figures[i]);
	len += (size_t)snprintf(line + len, sizeof(line) - len, " %.200s\n", t->note);
	int fd = open(t->log, O_WRONLY | O_APPEND | O_CREAT, 0644);
	if (fd < 0 || write(fd, line, len) != (ssize_t)len)
		abort();
	close(fd);
}

static void run_block(const struct task *t, struct block *b)
{
	static struct world w;
	struct world *total = calloc(1, sizeof(*total));
	for (uint64_t seed = b->first; seed <= b->last; seed++) {
		b->failed += !run_one(t, &w, seed);
		sum_up(total, &w);
	}
	figures_of(total, b->figures);
	free(total);
	note_block(t, b);
	fflush(stdout);
}

static int sum_log(const struct task *t, struct block *blocks)
{
	uint64_t figures[FIGURES] = {0}, seeds = 0, failed = 0;
	memset(blocks, 0, blocks_of(t) * sizeof(*blocks));
	read_log(t, blocks);
	for (size_t k = 0; k < blocks_of(t); k++) {
		seeds += blocks[k].noted ? blocks[k].last - blocks[k].first + 1 : 0;
		failed += blocks[k].failed;
		for (size_t i = 0; i < FIGURES; i++)
			figures[i] += blocks[k].figures[i];
	}
	print_figures(figures);
	printf("%lu seeds, %lu failed\n", seeds, failed);
	return failed || seeds != t->last - t->first + 1;
}

static int run_log(const struct task *t)
{
	static struct block blocks[BLOCKS_MAX];
	atomic_size_t *next = mmap(NULL, sizeof(*next), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (next == MAP_FAILED || blocks_of(t) > BLOCKS_MAX)
		return 2;
	read_log(t, blocks);
	for (unsigned job = 0; job < t->jobs; job++) {
		if (fork() != 0)
			continue;
		for (size_t k; (k = atomic_fetch_add(next, 1)) < blocks_of(t);) {
			struct block b = {.first = t->first + k * BLOCK, .last = t->first + k * BLOCK + BLOCK - 1};
			b.last = b.last > t->last ? t->last : b.last;
			if (!blocks[k].noted)
				run_block(t, &b);
		}
		exit(0);
	}
	while (wait(NULL) > 0)
		;
	return sum_log(t, blocks);
}

static int run_jobs(const struct task *t)
{
	int failed = 0;
	for (unsigned job = 0; job < t->jobs; job++) {
		if (fork() != 0)
			continue;
		struct world *total = calloc(1, sizeof(*total));
		bool ok = run_seeds(t, t->first + job, t->jobs, total);
		print_total(total);
		free(total);
		exit(!ok);
	}
	for (int status; wait(&status) > 0;)
		failed |= status != 0;
	printf("seeds %llu-%llu: %s\n", (unsigned long long)t->first, (unsigned long long)t->last, failed ? "FAILED" : "all exact");
	return failed;
}

/* Whether some seed finds the mutant out. */
static bool caught(enum mutant mutant)
{
	static struct world w;
	for (uint64_t seed = 1; seed <= mutant_seeds; seed++) {
		const struct kind *kind = mutant >= MUTANT_FIRST_OF_TRACES ? &traces : mutant >= MUTANT_FIRST_OF_BACKLOGS ? &backlogs : &deliveries;
		bool ok = kind->run(&w, seed, mutant, false);
		if (!ok)
			printf("%-22s caught by seed %llu: %.150s\n", mutant_names[mutant], (unsigned long long)seed, w.failure);
		if (kind == &deliveries)
			world_done(&w);
		if (!ok)
			return true;
	}
	printf("%-22s NOT CAUGHT by %llu seeds\n", mutant_names[mutant], (unsigned long long)mutant_seeds);
	return false;
}

static int run_mutants(void)
{
	int missed = 0;
	for (int m = MUTANT_NONE + 1; m < MUTANT_COUNT; m++)
		missed += !caught((enum mutant)m);
	return missed > 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: sim [--backlogs|--traces] --seeds A-B [--jobs N] [--log FILE [--note TEXT]] | --seed N [--verbose] | --mutants   [--mutant NAME]\n");
	return 2;
}

static bool find_mutant(const char *name, enum mutant *ret)
{
	for (int m = 0; m < MUTANT_COUNT; m++)
		if (strcmp(name, mutant_names[m]) == 0) {
			*ret = (enum mutant)m;
			return true;
		}
	return false;
}

static bool flag(const char *text, struct task *t)
{
	const struct {
		const char *text;
		bool *value;
	} flags[] = {{"--verbose", &t->verbose}, {"--mutants", &t->mutants}, {"--backlogs", &t->backlogs}, {"--traces", &t->traces}};
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(text, flags[i].text) == 0)
			return *flags[i].value = true;
	return false;
}

static bool option(const char *text, const char *value, struct task *t)
{
	if (strcmp(text, "--seed") == 0)
		t->first = t->last = strtoull(value, NULL, 10);
	else if (strcmp(text, "--jobs") == 0)
		t->jobs = (unsigned)strtoul(value, NULL, 10);
	else if (strcmp(text, "--log") == 0)
		t->log = value;
	else if (strcmp(text, "--note") == 0)
		t->note = value;
	else if (strcmp(text, "--seeds") == 0)
		return sscanf(value, "%lu-%lu", &t->first, &t->last) == 2;
	else
		return strcmp(text, "--mutant") == 0 && find_mutant(value, &t->mutant);
	return true;
}

static bool parse(int argc, char **argv, struct task *t)
{
	for (int i = 1; i < argc; i++)
		if (!flag(argv[i], t) && (i + 1 == argc || !option(argv[i], argv[i + 1], t) || ++i == argc))
			return false;
	return t->first <= t->last && t->jobs > 0;
}

int main(int argc, char **argv)
{
	struct task t = {.first = 1, .last = 20000, .jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN), .note = ""};
	if (!parse(argc, argv, &t))
		return usage();
	if (t.mutants)
		return run_mutants();
	if (t.log)
		return run_log(&t);
	return run_jobs(&t);
}
