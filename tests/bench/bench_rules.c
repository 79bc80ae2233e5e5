/* SPDX-License-Identifier: Apache-2.0 */
/* What a record costs the rule set, with 10, 100, 1,000 and 5,000 rules, beside trying each rule's regex in turn in the same run; and how long a set takes
 * to load. The messages are a mixed stream of a third that fits a rule and two thirds that fit none but are made of the same words.
 *
 * How the cost grows is told in two ways. rules.growth: the very same stream, whose matches are of ten rules that every set has, so that the work of matching is
 * the same and what is left is what the other rules cost. rules.growth_spread: the matches are spread evenly over all rules of the set, so that a
 * thousand different rules are at work, and with them a hundred times the memory.
 *
 * Medians of alternating rounds. Prints name, ours, reference, ratio, unit; exit 1 if a goal is missed. */
#include "base/clock.h"
#include "pattern/rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGES = 2000, ROUNDS = 9, SIZES = 4 };

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

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), by_value);
	return values[ROUNDS / 2];
}

struct result {
	double ours, reference, load_ms;
};

static struct result measure(const char *path, size_t rules, size_t among, char (*messages)[160])
{
	struct ruleset *set = NULL;
	struct rule_errors errors = {0};
	double ours[ROUNDS], reference[ROUNDS];
	size_t naive_len = rules > 1000 ? 100 : 400, sum, naive_sum;
	write_rules(path, rules);
	write_messages(messages, among);
	int64_t start = cpu_ns();
	if (ruleset_load(&path, 1, &set, &errors)) {
		fputs(buf_cstr(&errors.text), stderr);
		exit(2);
	}
	struct result r = {.load_ms = (double)(cpu_ns() - start) / 1e6};
	struct rule_scratch *s = rule_scratch_new(set);
	for (int i = 0; i < ROUNDS; i++) {
		ours[i] = run(ruleset_match, set, s, messages, naive_len, &sum);
		reference[i] = run(each_in_turn, set, s, messages, naive_len, &naive_sum);
		if (sum != naive_sum)
			exit(2);
		ours[i] = run(ruleset_match, set, s, messages, MESSAGES, &sum);
	}
	r.ours = median(ours);
	r.reference = median(reference);
	rule_scratch_free(s);
	ruleset_free(set);
	return r;
}

int main(void)
{
	char path[] = "/tmp/bench_rules_XXXXXX";
	static char messages[MESSAGES][160];
	struct result same[SIZES], spread[SIZES];
	close(mkstemp(path));
	for (size_t i = 0; i < SIZES; i++) {
		same[i] = measure(path, sizes[i], sizes[0], messages);
		spread[i] = measure(path, sizes[i], sizes[i], messages);
		printf("rules.%zu  %.0f  %.0f  %.1f  ns per message, reference each regex in turn\n", sizes[i], same[i].ours, same[i].reference, same[i].reference / same[i].ours);
		printf("rules.%zu_spread  %.0f  %.0f  %.1f  ns per message, matches spread over all rules\n", sizes[i], spread[i].ours, spread[i].reference, spread[i].reference / spread[i].ours);
	}
	unlink(path);
	double growth = same[2].ours / same[0].ours, gain = same[2].reference / same[2].ours;
	printf("rules.growth  %.0f  %.0f  %.2f  ns per message of the same stream with 1,000 rules against 10 (goal at most 1.3)\n", same[2].ours, same[0].ours, growth);
	printf("rules.growth_spread  %.0f  %.0f  %.2f  the same with matches of all the rules\n", spread[2].ours, spread[0].ours, spread[2].ours / spread[0].ours);
	printf("rules.load  %.1f  200  %.2f  ms to load 1,000 rules (goal at most 200)\n", spread[2].load_ms, spread[2].load_ms / 200);
	return growth <= 1.3 && gain >= 20 && spread[2].load_ms <= 200 ? 0 : 1;
}
