/* SPDX-License-Identifier: Apache-2.0 */
/* How long miner_name() takes for a message of about 100 bytes with 100 and with 10,000 templates known, for printed objects, and for messages that are all
 * new; beside it a loop that hashes the same bytes once, and instructions a message under callgrind, so that a regression shows on any machine.
 *
 * usage: bench_mining            everything, one line each
 *        bench_mining --count TEMPLATES MESSAGES   only naming, for callgrind */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "pattern/miner.h"

enum { MESSAGES = 200000, ROUNDS = 5 };

static const char *const words[] = {
	"connection", "request", "accepted", "from", "upstream", "cache", "miss", "while", "loading", "order", "stock", "payment", "shipping", "handler", "retry", "after",
	"timeout", "reading", "response", "header", "closing", "stale", "session", "worker", "finished", "batch", "segment", "flushed", "index", "replica", "leader",
	"elected", "partition", "offset", "committed", "consumer", "rebalanced", "listener", "started", "schema", "migrated", "token", "refreshed", "certificate",
	"expires", "volume", "attached", "snapshot", "restored", "quota", "exceeded", "tenant", "queue", "drained", "circuit", "opened", "fallback", "served", "checksum",
	"verified", "manifest", "published", "webhook", "delivered",
};
enum { WORDS = sizeof(words) / sizeof(*words) };

static uint64_t random_state = 42;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* A message of template i. All its words depend on all of i, so that templates are not each other's variants. */
static void write_message(struct buf *out, size_t i)
{
	uint64_t r = next_random();
	uint64_t w = hash_pair(i, 1);
	const char *word[10];
	for (int k = 0; k < 10; k++)
		word[k] = words[(w >> (6 * k)) % WORDS];
	buf_printf(out, "%s %s %s: id=%u from 10.%u.%u.%u:%u %s %s took %u.%ums (%s %s) status %u %s %s", word[0], word[1], word[2], (unsigned)(r & 0xffff),
		(unsigned)(r >> 16 & 255), (unsigned)(r >> 24 & 255), (unsigned)(r >> 32 & 255), (unsigned)(r >> 40 & 0x7fff), word[3], word[4],
		(unsigned)(r >> 50 & 127), (unsigned)(r >> 57 & 7), word[5], word[6], (unsigned)(200 + (r >> 60)), word[7], word[8]);
}

/* An object printed into the message, as toString() does: about 900 bytes. */
static void write_object(struct buf *out)
{
	buf_add_str(out, "[query][result] LeftTicketInfo{tickets=[");
	for (int i = 0; i < 13; i++)
		buf_printf(out, "%sTicket(seatNo=%u, startStation=shanghai, destStation=suzhou)", i ? ", " : "", (unsigned)(next_random() & 0xffffff));
	buf_add_str(out, "]} for request ");
	buf_add_u64(out, next_random() & 0xffff);
}

/* A message with new words at every place. */
static void write_new(struct buf *out)
{
	for (int i = 0; i < 12; i++) {
		uint64_t r = next_random();
		char word[9] = " ";
		for (int k = 0; k < 8; k++)
			word[k + 1] = (char)('a' + (r >> (8 * k) & 255) % 26);
		buf_add(out, i ? word : word + 1, i ? 9 : 8);
	}
}

enum kind { KNOWN, OBJECTS, ALL_NEW };

struct corpus {
	struct buf bytes;
	struct slice *messages;
	size_t len;
};

static struct corpus make_corpus(enum kind kind, size_t templates, size_t len)
{
	struct corpus c = {.len = len, .messages = mem_zalloc(len, sizeof(struct slice))};
	size_t *ends = mem_zalloc(len, sizeof(*ends));
	for (size_t i = 0; i < len; i++) {
		if (kind == KNOWN)
			write_message(&c.bytes, next_random() % templates);
		else if (kind == OBJECTS)
			write_object(&c.bytes);
		else
			write_new(&c.bytes);
		ends[i] = c.bytes.len;
	}
	for (size_t i = 0; i < len; i++)
		c.messages[i] = slice_of(c.bytes.data + (i ? ends[i - 1] : 0), ends[i] - (i ? ends[i - 1] : 0));
	free(ends);
	return c;
}

static void corpus_done(struct corpus *c)
{
	buf_done(&c->bytes);
	free(c->messages);
}

static uint64_t sink;

/* Time of this thread on its core: what else the machine does counts for less. */
static int64_t core_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static double name_all(struct miner *m, const struct corpus *c)
{
	struct mined mined;
	int64_t start = core_ns();
	for (size_t i = 0; i < c->len; i++) {
		miner_name(m, SLICE("orders"), c->messages[i], &mined);
		sink += mined.pattern->index;
	}
	return (double)(core_ns() - start) / (double)c->len;
}

static double hash_all(const struct corpus *c)
{
	int64_t start = core_ns();
	for (size_t i = 0; i < c->len; i++)
		sink += hash_bytes(c->messages[i]);
	return (double)(core_ns() - start) / (double)c->len;
}

static void bench_known(const char *name, enum kind kind, size_t templates)
{
	struct corpus c = make_corpus(kind, templates, kind == OBJECTS ? MESSAGES / 8 : MESSAGES);
	struct pattern_set *set = pattern_set_new(&(struct pattern_limits){.patterns_per_service = 20000});
	struct miner *m = miner_new(set, 0);
	double best = 1e9;
	double hash = 1e9;
	name_all(m, &c);
	for (int i = 0; i < ROUNDS; i++) {
		double ns = name_all(m, &c);
		double ref = hash_all(&c);
		best = ns < best ? ns : best;
		hash = ref < hash ? ref : hash;
	}
	printf("mining.%s  %.1f  %.1f  %.1f  ns a message of %.0f bytes, beside hashing it once (%zu patterns)\n", name, best, hash, best / hash, (double)c.bytes.len / (double)c.len, pattern_set_len(set));
	miner_free(m);
	pattern_set_free(set);
	corpus_done(&c);
}

enum { STEPS = 100 };

/* Messages that are all new, the best of the first and of the last tenth of `total`: throughput must hold when budgets and memory are used up. */
static void bench_new(const char *name, size_t total, size_t patterns)
{
	struct pattern_set *set = pattern_set_new(&(struct pattern_limits){.patterns_per_service = patterns});
	struct miner *m = miner_new(set, (size_t)16 << 20);
	double first = 1e9;
	double last = 1e9;
	size_t most = 0;
	for (size_t i = 0; i < STEPS; i++) {
		struct corpus c = make_corpus(ALL_NEW, 0, total / STEPS);
		double ns = name_all(m, &c);
		first = i < STEPS / 10 && ns < first ? ns : first;
		last = i >= STEPS - STEPS / 10 && ns < last ? ns : last;
		most = miner_bytes(m) > most ? miner_bytes(m) : most;
		corpus_done(&c);
	}
	printf("mining.%s  %.1f  %.1f  %.2f  ns a message at the end of %zu new ones, beside the beginning (budget %zu, miner held %.1f of 16 MiB at most)\n", name, last, first,
		last / first, total, patterns, (double)most / (1 << 20));
	miner_free(m);
	pattern_set_free(set);
}

/* Instructions a message: two runs under callgrind that differ only in the number of messages. 0 if valgrind is not there. */
static double callgrind_count(const char *self, size_t templates, size_t len)
{
	char command[4096];
	char line[512];
	double count = 0;
	snprintf(command, sizeof(command), "valgrind --tool=callgrind --callgrind-out-file=/dev/null %s --count %zu %zu 2>&1", self, templates, len);
	FILE *f = popen(command, "r");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		char *at = strstr(line, "Collected :");
		if (at)
			count = strtod(at + 11, NULL);
	}
	pclose(f);
	return count;
}

static int count(size_t templates, size_t len)
{
	struct corpus c = make_corpus(KNOWN, templates, 20000);
	struct pattern_set *set = pattern_set_new(&(struct pattern_limits){.patterns_per_service = 20000});
	struct miner *m = miner_new(set, 0);
	for (size_t i = 0; i < len; i += c.len)
		name_all(m, &c);
	miner_free(m);
	pattern_set_free(set);
	corpus_done(&c);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--count") == 0)
		return count(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
	bench_known("100-templates", KNOWN, 100);
	bench_known("10,000-templates", KNOWN, 10000);
	bench_known("printed-objects", OBJECTS, 1);
	size_t total = argc == 2 ? strtoul(argv[1], NULL, 10) : 10000000;
	bench_new("all-new", total, 1000);
	bench_new("all-born", total / 20, 100000); /* the largest budget there may be: patterns are born and templates evicted */
	double few = callgrind_count(argv[0], 100, 20000);
	double many = callgrind_count(argv[0], 100, 60000);
	if (many > few)
		printf("mining.instructions  %.0f  -  -  instructions a message with 100 templates, by callgrind\n", (many - few) / 40000);
	return sink == 1;
}
