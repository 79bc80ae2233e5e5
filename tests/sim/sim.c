/* SPDX-License-Identifier: Apache-2.0 */
/* The simulation: shards, journal, ledgers, leaders, receiver and every fault between them as a deterministic machine from one seed.
 *
 * Real: the delta codec, the ledger, its cuts and snapshots. Simulated: input logs, the journal (appends that are late, doubled, lost, or said to be lost and there
 * all the same; reordered between writers), who owns a partition (zombies go on), who leads (none, one or two), kills, pauses, clock jumps, a receiver that
 * refuses what Prometheus refuses, is down, loses acknowledgements and gets requests minutes after their sender gave up.
 *
 * Invariants: for every series the increase the receiver can compute is what was produced; no sample shrinks, but to the 0 of a new life behind a
 * stale marker; a step is cut into the same bytes by everyone; a ledger is the fold of the journal, snapshots or not, to the byte.
 *
 *   sim --seeds A-B        runs them; on a failure prints the seed and exits with 1
 *   sim --seed N --verbose replays one
 *   sim --mutants          runs each way of being wrong until a seed catches it; exits with 1 if one is not caught
 *   sim --mutant NAME ...  with the above */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct task {
	uint64_t first, last;
	enum mutant mutant;
	bool verbose, mutants;
	unsigned jobs;
};

static const uint64_t mutant_seeds = 3000;

static void sum_up(struct world *total, const struct world *w)
{
	total->kills += w->kills;
	total->pauses += w->pauses;
	total->rejected += w->rejected;
	total->skipped += w->skipped;
	total->anchored += w->anchored;
	total->retries += w->retries;
	total->steps += w->steps;
	total->refused += w->refused;
	total->lost += w->lost;
	total->deleted += w->deleted;
}

/* Runs seeds first, first + every, ...; false at the first failure. */
static bool run_seeds(const struct task *t, uint64_t first, uint64_t every, struct world *total)
{
	static struct world w;
	bool ok = true;
	for (uint64_t seed = first; ok && seed <= t->last; seed += every) {
		ok = world_run(&w, seed, t->mutant, t->verbose);
		if (!ok)
			printf("seed %llu failed: %s\nreplay: sim --seed %llu --verbose%s%s\n", (unsigned long long)seed, w.failure, (unsigned long long)seed,
				t->mutant ? " --mutant " : "", t->mutant ? mutant_names[t->mutant] : "");
		sum_up(total, &w);
		world_done(&w);
	}
	fflush(stdout);
	return ok;
}

static void print_total(const struct world *w)
{
	const struct {
		const char *name;
		uint64_t count;
	} figures[] = {{"kills", w->kills}, {"pauses", w->pauses}, {"deltas rejected", w->rejected}, {"steps sent", w->steps}, {"steps skipped", w->skipped},
		{"anchored", w->anchored}, {"retries", w->retries}, {"requests refused", w->refused}, {"receiver losses", w->lost}, {"records deleted", w->deleted}};
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		printf("%s%s %llu", i ? ", " : "", figures[i].name, (unsigned long long)figures[i].count);
	putchar('\n');
	fflush(stdout);
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
		bool ok = world_run(&w, seed, mutant, false);
		if (!ok)
			printf("%-22s caught by seed %llu: %.150s\n", mutant_names[mutant], (unsigned long long)seed, w.failure);
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
	fprintf(stderr, "usage: sim --seeds A-B [--jobs N] | --seed N [--verbose] | --mutants   [--mutant NAME]\n");
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

static bool parse(int argc, char **argv, struct task *t)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (strcmp(argv[i], "--verbose") == 0)
			t->verbose = true;
		else if (strcmp(argv[i], "--mutants") == 0)
			t->mutants = true;
		else if (strcmp(argv[i], "--seed") == 0)
			t->first = t->last = strtoull(argv[++i] ? value : "1", NULL, 10);
		else if (strcmp(argv[i], "--jobs") == 0)
			t->jobs = (unsigned)strtoul(argv[++i] ? value : "1", NULL, 10);
		else if (strcmp(argv[i], "--seeds") == 0 && sscanf(value, "%lu-%lu", &t->first, &t->last) == 2)
			i++;
		else if (strcmp(argv[i], "--mutant") == 0 && find_mutant(value, &t->mutant))
			i++;
		else
			return false;
	}
	return t->first <= t->last && t->jobs > 0;
}

int main(int argc, char **argv)
{
	struct task t = {.first = 1, .last = 2000, .jobs = 2};
	if (!parse(argc, argv, &t))
		return usage();
	if (t.mutants)
		return run_mutants();
	return run_jobs(&t);
}
