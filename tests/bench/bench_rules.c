/* SPDX-License-Identifier: Apache-2.0 */
/* What a record costs the rule set, with 10, 100, 1,000 and 5,000 rules, beside trying each rule's regex in turn in the same run; and how long a set takes
 * to load. The messages are a mixed stream of a third that fits a rule and two thirds that fit none but are made of the same words.
 *
 * How the cost grows is told in two ways. rules.growth: the very same stream, whose matches are of ten rules that every set has, so that the work of matching is
 * the same and what is left is what the other rules cost. rules.growth_spread: the matches are spread evenly over all rules of the set, so that a
 * thousand different rules are at work, and with them a hundred times the memory.
 *
 * Each stream is of 20,000 messages: of 2,000 that come again and again the CPU learns every branch by heart, which no log lets it do, and ten rules that are
 * learnt by heart cost 36 ns or 57 from run to run. Medians of many rounds of all sets in turn. Prints name, ours, reference, ratio, unit; exit 1 if a goal is missed. */
#include "base/clock.h"
#include "base/mem.h"
#include "pattern/rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGES = 20000, ROUNDS = 101, REFERENCE_ROUNDS = 9, SIZES = 4, STREAMS = 2, SAME = 0, SPREAD = 1 };

static const size_t sizes[SIZES] = {10, 100, 1000, 5000};
static uint64_t seed = 7;

static unsigned rnd(unsigned below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1;
	return (unsigned)(seed >> 33) % below;
}

static const char *const nouns[] = {"order", "payment", "cart", "session", "invoice", "parcel", "voucher", "stock", "mail", "refund", "review", "login", "export", "import", "report", "shard"};
static const char *const verbs[] = {"accepted", "rejected", "queued", "sent", "lost", "found", "moved", "split", "merged", "closed", "opened", "locked", "freed", "cached", "dropped", "renamed"};
static const char *const places_of[] = {"gateway", "ledger", "broker", "replica", "worker", "bucket", "volume", "region", "tenant", "pool", "topic", "index", "table", "socket", "mirror", "proxy"};

/* The fixed words of rule n: told apart by three words and a number, as sites of one program are. Neighbours in the file have different ones. */
static void words_of(size_t n, char out[3][32])
{
	if (n < 4096)
		n = (n * 2521 + 77) % 4096;
	snprintf(out[0], 32, "%s", nouns[n % 16]);
	snprintf(out[1], 32, "%s", verbs[n / 16 % 16]);
	snprintf(out[2], 32, "%s-%zu", places_of[n / 256 % 16], n / 4096);
}

static void write_rules(const char *path, size_t len)
{
	FILE *f = fopen(path, "w");
	if (!f)
		exit(2);
	fputs("rules:\n", f);
	for (size_t i = 0; i < len; i++) {
		char w[3][32];
		words_of(i, w);
		fprintf(f, "  - {name: r%zu, match: \"%s <id:word> %s by %s after <took:duration>: <reason:rest>\", duration: {from: took}}\n", i, w[0], w[1], w[2]);
	}
	fclose(f);
}

/* among: the rules that matches are of. */
static void write_messages(char (*messages)[160], size_t among)
{
	seed = 7;
	for (size_t i = 0; i < MESSAGES; i++) {
		char w[3][32];
		words_of(rnd(3) == 0 ? rnd((unsigned)among) : 5000 + rnd(100000), w);
		snprintf(messages[i], sizeof(messages[i]), "%s %u %s by %s after %u.%ums: attempt %u of 5 on 10.%u.%u.7", w[0], rnd(1000000), w[1], w[2], rnd(900), rnd(10), rnd(5), rnd(255), rnd(255));
	}
}

static int64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static bool each_in_turn(const struct ruleset *set, struct rule_scratch *s, const struct record *record, struct rule_match *ret)
{
	for (ret->index = 0; ret->index < ruleset_len(set); ret->index++)
		if (rule_exec(ruleset_at(set, ret->index), s, record->message) > 0)
			return true;
	return false;
}

typedef bool match_fn(const struct ruleset *set, struct rule_scratch *s, const struct record *record, struct rule_match *ret);

/* ns per message; the rules that matched are added up in *ret_sum, so that both ways can be compared. */
static double run(match_fn *match, const struct ruleset *set, struct rule_scratch *s, char (*messages)[160], size_t len, size_t *ret_sum)
{
	static size_t lens[MESSAGES];
	struct record record = {.severity = SEVERITY_INFO, .duration_ns = -1}; /* the decoder's work, not ours */
	for (size_t i = 0; i < len; i++)
		lens[i] = strlen(messages[i]);
	int64_t start = cpu_ns();
	*ret_sum = 0;
	for (size_t i = 0; i < len; i++) {
		struct rule_match m;
		record.message = slice_of(messages[i], lens[i]);
		*ret_sum += match(set, s, &record, &m) ? m.index + 1 : 0;
	}
	return (double)(cpu_ns() - start) / (double)len;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double median(double *values, size_t len)
{
	qsort(values, len, sizeof(*values), by_value);
	return values[len / 2];
}

/* A set, and the two streams it is asked about: whose matches are of the first ten rules, and of all its rules. */
struct contender {
	struct ruleset *set;
	struct rule_scratch *scratch;
	char (*messages[STREAMS])[160];
	double ours[STREAMS][ROUNDS], reference[STREAMS], load_ms;
};

static void contender_load(struct contender *c, const char *path, size_t rules)
{
	struct rule_errors errors = {0};
	write_rules(path, rules);
	int64_t start = cpu_ns();
	if (ruleset_load(&path, 1, &c->set, &errors)) {
		fputs(buf_cstr(&errors.text), stderr);
		exit(2);
	}
	c->load_ms = (double)(cpu_ns() - start) / 1e6;
	c->scratch = rule_scratch_new(c->set);
	for (size_t i = 0; i < STREAMS; i++) {
		c->messages[i] = mem_zalloc(MESSAGES, sizeof(*c->messages[i]));
		write_messages(c->messages[i], i == SAME ? sizes[0] : rules);
	}
}

static void contender_free(struct contender *c)
{
	rule_scratch_free(c->scratch);
	ruleset_free(c->set);
	for (size_t i = 0; i < STREAMS; i++)
		free(c->messages[i]);
}

/* Each regex in turn, on the front of each stream; and both ways name the same rules. */
static void contender_refer(struct contender *c)
{
	for (size_t i = 0; i < STREAMS; i++) {
		double took[REFERENCE_ROUNDS];
		size_t len = ruleset_len(c->set) > 1000 ? 100 : 400, sum, naive_sum;
		for (size_t n = 0; n < REFERENCE_ROUNDS; n++)
			took[n] = run(each_in_turn, c->set, c->scratch, c->messages[i], len, &naive_sum);
		run(ruleset_match, c->set, c->scratch, c->messages[i], len, &sum);
		if (sum != naive_sum)
			exit(2);
		c->reference[i] = median(took, REFERENCE_ROUNDS);
	}
}

/* One round of every set on every stream, one after the other: whatever the machine does meanwhile, it does to all of them. */
static void round_of_all(struct contender *contenders, size_t round)
{
	size_t sum;
	for (size_t i = 0; i < SIZES; i++)
		for (size_t k = 0; k < STREAMS; k++)
			contenders[i].ours[k][round] = run(ruleset_match, contenders[i].set, contenders[i].scratch, contenders[i].messages[k], MESSAGES, &sum);
}

int main(void)
{
	char path[] = "/tmp/bench_rules_XXXXXX";
	static struct contender contenders[SIZES];
	static const char *const names[STREAMS] = {"", "_spread"}, *const notes[STREAMS] = {"reference each regex in turn", "matches spread over all rules"};
	double cost[SIZES][STREAMS];
	close(mkstemp(path));
	for (size_t i = 0; i < SIZES; i++)
		contender_load(&contenders[i], path, sizes[i]);
	unlink(path);
	for (size_t i = 0; i < SIZES; i++)
		contender_refer(&contenders[i]);
	for (size_t n = 0; n < ROUNDS; n++)
		round_of_all(contenders, n);
	for (size_t i = 0; i < SIZES; i++)
		for (size_t k = 0; k < STREAMS; k++) {
			const struct contender *c = &contenders[i];
			cost[i][k] = median(contenders[i].ours[k], ROUNDS);
			printf("rules.%zu%s  %.0f  %.0f  %.1f  ns per message, %s\n", sizes[i], names[k], cost[i][k], c->reference[k], c->reference[k] / cost[i][k], notes[k]);
		}
	double growth = cost[2][SAME] / cost[0][SAME], gain = contenders[2].reference[SAME] / cost[2][SAME], load = contenders[2].load_ms;
	printf("rules.growth  %.0f  %.0f  %.2f  ns per message of the same stream with 1,000 rules against 10 (goal at most 1.3)\n", cost[2][SAME], cost[0][SAME], growth);
	printf("rules.growth_spread  %.0f  %.0f  %.2f  the same with matches of all the rules\n", cost[2][SPREAD], cost[0][SPREAD], cost[2][SPREAD] / cost[0][SPREAD]);
	printf("rules.load  %.1f  200  %.2f  ms to load 1,000 rules (goal at most 200)\n", load, load / 200);
	for (size_t i = 0; i < SIZES; i++)
		contender_free(&contenders[i]);
	return growth <= 1.3 && gain >= 20 && load <= 200 ? 0 : 1;
}
