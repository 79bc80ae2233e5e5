/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/miner.h"
#include "../check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

/* One shard: a set and its miner. */
struct shard {
	struct pattern_set *set;
	struct miner *miner;
};

static struct shard shard_new(size_t patterns, size_t memory)
{
	struct shard s;
	s.set = pattern_set_new(&(struct pattern_limits){.patterns_per_service = patterns});
	s.miner = miner_new(s.set, memory);
	return s;
}

static void shard_done(struct shard *s)
{
	miner_free(s->miner);
	pattern_set_free(s->set);
}

static struct pattern *name_for(struct shard *s, const char *service, const char *message)
{
	struct mined mined;
	miner_name(s->miner, slice_str(service), slice_str(message), &mined);
	check(mined.pattern);
	return mined.pattern;
}

static struct pattern *name(struct shard *s, const char *message)
{
	return name_for(s, "a", message);
}

/* A stream with variable words, values, lists and many templates. */
enum { STREAM = 4000 };

static void stream_message(unsigned i, char *out, size_t size)
{
	static const char *const skins[] = {"blue", "green", "amber", "violet", "white", "black", "ochre", "teal"};
	static const char *const people[] = {"ann", "bob", "cleo", "dan", "eve", "fay"};
	unsigned r = i * 2654435761u;
	const char *skin = skins[r >> 8 & 7];
	const char *who = people[(r >> 12) % 6];
	switch (r >> 20 & 7) {
	case 0: snprintf(out, size, "loading skin %s for window %u", skin, r & 255); break;
	case 1: snprintf(out, size, "session opened for user %s by (uid=%u)", who, r & 15); break;
	case 2: snprintf(out, size, "request took %u.%ums", r & 255, r & 7); break;
	case 3: snprintf(out, size, "peers [%s]", r & 256 ? "10.0.0.1, 10.0.0.2" : "10.0.0.9"); break;
	case 4: snprintf(out, size, "painted the wall %s again", skin); break;
	case 5: snprintf(out, size, "worker %s", r & 64 ? "started" : "stopped"); break;
	case 6: snprintf(out, size, "synchronized to %s, stratum %u", r & 128 ? "LOCAL(0)" : "10.1.2.3", r & 7); break;
	default: snprintf(out, size, "step %c of plan reached", 'a' + (int)(r >> 24 & 1)); break;
	}
}

static void feed(struct shard *s, const unsigned *order, size_t from, size_t to)
{
	char message[128];
	for (size_t i = from; i < to; i++) {
		stream_message(order[i], message, sizeof(message));
		name(s, message);
	}
}

static void shuffled(unsigned *order, size_t len, unsigned seed)
{
	srand(seed);
	for (size_t i = 0; i < len; i++)
		order[i] = (unsigned)i;
	for (size_t i = len; seed && i > 1; i--) {
		size_t k = (size_t)rand() % i;
		unsigned swap = order[i - 1];
		order[i - 1] = order[k];
		order[k] = swap;
	}
}

/* Whether each message of the stream has the same id at the end in both. */
static void check_same_ids(struct shard *x, struct shard *y)
{
	char message[128];
	for (unsigned i = 0; i < STREAM; i++) {
		stream_message(i, message, sizeof(message));
		struct pattern *p = name(x, message);
		struct pattern *q = name(y, message);
		if (p->id != q->id)
			print_error("%s: \"%.*s\" and \"%.*s\"\n", message, (int)p->template_text.len, p->template_text.ptr, (int)q->template_text.len, q->template_text.ptr);
		check(p->id == q->id);
	}
}

static size_t survivors(const struct shard *s)
{
	size_t n = 0;
	for (uint32_t i = 0; i < pattern_set_len(s->set); i++)
		n += !pattern_set_at(s->set, i)->alias_of;
	return n;
}

static void numbers_never_make_a_new_id_and_ids_outlive_their_texts(void **state)
{
	(void)state;
	struct shard s = shard_new(0, 0);
	struct pattern *p = name(&s, "link eth0 up after 12 ms");
	uint64_t id = p->id;
	check_slice(p->template_text, "link eth0 up after <num> ms");
	check(name(&s, "link eth1 up after 777 ms") == p);
	check(p->id == id);
	check_slice(p->template_text, "link <*> up after <num> ms");
	check(id == pattern_id(SLICE("a"), SLICE("link <*> up after <*> ms")));
	shard_done(&s);
}

static void every_message_gets_a_pattern(void **state)
{
	(void)state;
	struct shard s = shard_new(0, 0);
	struct pattern *empty = name(&s, "");
	check(empty == name(&s, "") && empty->id);
	struct pattern *word = name(&s, "suspendAutohide");
	check(word != empty && word != name(&s, "resumeAutohide"));
	struct buf b = {0};
	for (int i = 0; i < 20000; i++)
		buf_printf(&b, "word%d ", i);
	struct mined mined;
	miner_name(s.miner, SLICE("a"), buf_slice(&b), &mined);
	check(mined.pattern && !mined.pattern->overflow && mined.born);
	check(mined.pattern->template_text.len < 16384);
	miner_name(s.miner, SLICE("a"), slice_of(NULL, 0), &mined);
	check(mined.pattern == empty && !mined.born);
	buf_done(&b);
	shard_done(&s);
}

static void a_place_is_learned_from_its_variants_and_they_become_aliases(void **state)
{
	(void)state;
	struct shard s = shard_new(0, 0);
	struct pattern *blue = name(&s, "loading skin blue for window 1");
	struct pattern *green = name(&s, "loading skin green for window 1");
	check(blue != green);
	check(!name(&s, "loading skin ochre for window 1")->alias_of);
	struct pattern *wide = name(&s, "loading skin amber for window 1");
	check_slice(wide->template_text, "loading skin <*> for window <num>");
	check(wide->id == pattern_id(SLICE("a"), SLICE("loading skin <*> for window <*>")));
	check(pattern_survivor(blue) == wide && pattern_survivor(green) == wide);
	check(name(&s, "loading skin blue for window 1") == wide);
	check(name(&s, "loading skin violet for window 1") == wide);
	shard_done(&s);
}

static void state_words_and_first_words_stay_apart(void **state)
{
	(void)state;
	struct shard s = shard_new(0, 0);
	check(name(&s, "VM Started (Lifecycle Event)") != name(&s, "VM Stopped (Lifecycle Event)"));
	check(name(&s, "VM Paused (Lifecycle Event)") != name(&s, "VM Resumed (Lifecycle Event)"));
	check(survivors(&s) == 4);
	static const char *const first[] = {"Reading", "Writing", "Checking", "Moving", "Closing", "Merging"};
	char message[64];
	for (int i = 0; i < 6; i++) {
		snprintf(message, sizeof(message), "%s the big file", first[i]);
		name(&s, message);
	}
	check(survivors(&s) == 10);
	shard_done(&s);
}

static void nothing_swallows_everything(void **state)
{
	(void)state;
	struct shard s = shard_new(100000, 0);
	char message[128];
	srand(3);
	for (int i = 0; i < 2000; i++) {
		int len = 0;
		for (int w = 0; w < 2 + i % 5; w++) {
			for (int k = 0; k < 6; k++)
				message[len++] = (char)('a' + rand() % 26);
			message[len++] = ' ';
		}
		message[len] = 0;
		struct pattern *p = name(&s, message);
		check(!slice_starts(p->template_text, SLICE("<*> <*>")));
	}
	check(survivors(&s) > 1900);
	shard_done(&s);
}

static void the_order_of_arrival_does_not_matter(void **state)
{
	(void)state;
	static unsigned order[STREAM];
	struct shard straight = shard_new(0, 0);
	shuffled(order, STREAM, 0);
	feed(&straight, order, 0, STREAM);
	for (unsigned seed = 1; seed <= 5; seed++) {
		struct shard s = shard_new(0, 0);
		shuffled(order, STREAM, seed);
		feed(&s, order, 0, STREAM);
		check_same_ids(&straight, &s);
		check(survivors(&s) == survivors(&straight));
		shard_done(&s);
	}
	shard_done(&straight);
}

/* What the ledger does: all changes of one shard become known to the other. Returns how many there were. */
static size_t tell(struct shard *from, struct shard *to)
{
	struct pattern *changes[64];
	size_t total = 0;
	size_t n;
	while ((n = pattern_set_take_changes(from->set, changes, 64))) {
		total += n;
		for (size_t i = 0; i < n; i++) {
			struct pattern *p = changes[i];
			miner_import(to->miner, pattern_set_import(to->set, p->id, p->origin, p->service, p->template_text, p->rule, p->alias_of ? p->alias_of->id : 0));
		}
	}
	return total;
}

static void two_miners_that_tell_each_other_are_as_one(void **state)
{
	(void)state;
	static unsigned order[STREAM];
	struct shard one = shard_new(0, 0);
	struct shard x = shard_new(0, 0);
	struct shard y = shard_new(0, 0);
	shuffled(order, STREAM, 11);
	feed(&one, order, 0, STREAM);
	shuffled(order, STREAM, 12);
	for (size_t i = 0; i < STREAM; i += 200) {
		feed(&x, order, i, i + 100);
		feed(&y, order, i + 100, i + 200);
		while (tell(&x, &y) + tell(&y, &x))
			;
	}
	check_same_ids(&one, &x);
	check_same_ids(&one, &y);
	check(survivors(&one) == survivors(&x) && survivors(&x) == survivors(&y));
	shard_done(&one);
	shard_done(&x);
	shard_done(&y);
}

static void variants_seen_by_different_miners_add_up(void **state)
{
	(void)state;
	struct shard x = shard_new(0, 0);
	struct shard y = shard_new(0, 0);
	name(&x, "loading skin blue for window 1");
	name(&x, "loading skin green for window 1");
	name(&y, "loading skin amber for window 1");
	name(&y, "loading skin ochre for window 1");
	while (tell(&x, &y) + tell(&y, &x))
		;
	struct pattern *p = name(&x, "loading skin teal for window 1");
	struct pattern *q = name(&y, "loading skin teal for window 1");
	check(p->id == q->id && p->id == pattern_id(SLICE("a"), SLICE("loading skin <*> for window <*>")));
	shard_done(&x);
	shard_done(&y);
}

static void a_learned_place_beside_a_value_is_told_too(void **state)
{
	(void)state;
	struct shard x = shard_new(0, 0);
	struct shard y = shard_new(0, 0);
	name(&x, "(root) CMD (/bin/get_temps alpha)");
	name(&x, "(root) CMD (/bin/get_temps beta)");
	name(&x, "(root) CMD (/bin/get_temps zeta)");
	struct pattern *p = name(&x, "(root) CMD (/bin/get_temps gamma)");
	name(&y, "(root) CMD (/bin/get_temps delta)");
	while (tell(&x, &y) + tell(&y, &x))
		;
	check(name(&y, "(root) CMD (/bin/get_temps delta)")->id == p->id);
	check(name(&y, "(root) CMD (/bin/get_temps epsilon)")->id == p->id);
	check(survivors(&x) == 1 && survivors(&y) == 1);
	shard_done(&x);
	shard_done(&y);
}

static void reading_again_gives_the_same_ids(void **state)
{
	(void)state;
	static unsigned order[STREAM];
	static uint64_t ids[STREAM];
	char message[128];
	struct shard s = shard_new(0, 0);
	shuffled(order, STREAM, 5);
	feed(&s, order, 0, STREAM);
	for (unsigned i = 0; i < STREAM; i++) {
		stream_message(order[i], message, sizeof(message));
		ids[i] = name(&s, message)->id;
	}
	struct shard restarted = shard_new(0, 0);
	while (tell(&s, &restarted))
		;
	for (unsigned i = 0; i < STREAM; i++) {
		stream_message(order[i], message, sizeof(message));
		check(name(&restarted, message)->id == ids[i]);
	}
	shard_done(&s);
	shard_done(&restarted);
}

static void a_noisy_service_cannot_take_anothers_patterns(void **state)
{
	(void)state;
	char message[128];
	struct shard s = shard_new(50, (size_t)1 << 20);
	struct pattern *p = name_for(&s, "quiet", "all is well in the garden");
	uint64_t id = p->id;
	for (int i = 0; i < 20000; i++) {
		snprintf(message, sizeof(message), "%c%c%c xy%c%c z%c%c%c q%c", 'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676 % 26, 'a' + i % 7, 'a' + i % 11, 'a' + i % 13,
			'a' + i % 17, 'a' + i % 19, 'a' + i % 23);
		name_for(&s, "noisy", message);
	}
	check(name_for(&s, "quiet", "all is well in the garden")->id == id);
	check(!name_for(&s, "quiet", "a new thing has come")->overflow);
	size_t noisy = 0;
	for (uint32_t i = 0; i < pattern_set_len(s.set); i++)
		noisy += slice_eq(pattern_set_at(s.set, i)->service, SLICE("noisy"));
	check(noisy <= 4 * 50 + 1);
	shard_done(&s);
}

static void random_word(char *out)
{
	for (int k = 0; k < 8; k++)
		out[k] = (char)('a' + rand() % 26);
	out[8] = 0;
}

static void eviction_is_bounded_and_learning_goes_on(void **state)
{
	(void)state;
	enum { MEMORY = 1 << 20 };
	char message[256];
	char w[6][9];
	struct shard s = shard_new(1000000, MEMORY);
	srand(9);
	for (int i = 0; i < 30000; i++) {
		for (int k = 0; k < 6; k++)
			random_word(w[k]);
		snprintf(message, sizeof(message), "%s %s %s %s %s %s", w[0], w[1], w[2], w[3], w[4], w[5]);
		name(&s, message);
		check(miner_bytes(s.miner) <= MEMORY);
	}
	struct pattern *p = name(&s, message);
	check(p == name(&s, message));
	name(&s, "loading skin blue for window 1");
	name(&s, "loading skin green for window 1");
	name(&s, "loading skin ochre for window 1");
	check_slice(name(&s, "loading skin amber for window 1")->template_text, "loading skin <*> for window <num>");
	shard_done(&s);
}

static void an_evicted_pattern_keeps_its_id(void **state)
{
	(void)state;
	char message[256];
	char w[6][9];
	struct shard s = shard_new(1000000, (size_t)1 << 20);
	uint64_t id = name(&s, "the quick fox jumps 17 times")->id;
	srand(10);
	for (int i = 0; i < 30000; i++) {
		for (int k = 0; k < 6; k++)
			random_word(w[k]);
		snprintf(message, sizeof(message), "%s %s %s %s %s %s", w[0], w[1], w[2], w[3], w[4], w[5]);
		name(&s, message);
	}
	struct mined mined;
	miner_name(s.miner, SLICE("a"), SLICE("the quick fox jumps 18 times"), &mined);
	check(mined.pattern->id == id && !mined.born);
	shard_done(&s);
}

static char hostile_byte(int round)
{
	static const char brackets[] = "([{\"'=, :<";
	switch (round % 4) {
	case 0: return 'x';
	case 1: return (char)(rand() & 255);
	case 2: return brackets[(size_t)rand() % (sizeof(brackets) - 1)];
	default: return (char)('a' + rand() % 26);
	}
}

static void hostile_streams_are_bounded(void **state)
{
	(void)state;
	struct shard s = shard_new(100, (size_t)2 << 20);
	size_t len = 1 << 20;
	char *big = malloc(len);
	struct mined mined;
	srand(4);
	for (int round = 0; round < 40; round++) {
		for (size_t i = 0; i < len; i++)
			big[i] = hostile_byte(round);
		miner_name(s.miner, SLICE("a"), slice_of(big, len), &mined);
		check(mined.pattern);
		for (size_t cut = 1; cut < 400; cut++)
			miner_name(s.miner, SLICE("a"), slice_of(big, cut), &mined);
	}
	check(miner_bytes(s.miner) <= (size_t)2 << 20);
	check(pattern_set_len(s.set) <= 401);
	free(big);
	shard_done(&s);
}

static void the_duration_is_read_from_every_message(void **state)
{
	(void)state;
	struct shard s = shard_new(0, 0);
	struct mined mined;
	static const struct {
		const char *message;
		int64_t ns;
	} cases[] = {
		{"GET 200 in 31ms", 31000000}, {"GET 404 in 7ms", 7000000}, {"GET 404 in 1234ms", 1234000000}, {"GET 404 in 1.5ms (x)", 1500000}, {"GET 404 in 2.25ms (x)", 2250000},
		{"no time 5", -1}, {"no time 6", -1}, {"a 1 b 2s, c 3ms", 2000000000}, {"a 17 b 3s, c 4ms", 3000000000},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		miner_name(s.miner, SLICE("a"), slice_str(cases[i].message), &mined);
		check(mined.duration_ns == cases[i].ns);
	}
	shard_done(&s);
}

static void a_masked_example_shows_no_values(void **state)
{
	(void)state;
	struct shard s = shard_new(0, 0);
	struct buf out = {0};
	miner_mask(s.miner, SLICE("login of user ann from 10.0.0.1 with key=abc at Rect(1, 2) took 3ms\nsecret"), &out);
	check_slice(buf_slice(&out), "login of user <*> from <ip> with key=<*> at Rect(<num>, <num>) took <duration>");
	buf_done(&out);
	shard_done(&s);
}

static void services_do_not_share_patterns(void **state)
{
	(void)state;
	struct shard s = shard_new(0, 0);
	struct pattern *p = name_for(&s, "a", "hello 1");
	struct pattern *q = name_for(&s, "b", "hello 1");
	check(p != q && p->id != q->id);
	check(name_for(&s, "a", "hello 2") == p && name_for(&s, "b", "hello 2") == q);
	shard_done(&s);
}

/* The texts between backticks in a line of Markdown; returns how many. */
static size_t backticked(char *line, char *spans[], size_t cap)
{
	size_t n = 0;
	for (char *at = strchr(line, '`'); at && n < cap; at = strchr(at + 1, '`')) {
		char *end = strchr(at + 1, '`');
		check(end);
		*end = 0;
		spans[n++] = at + 1;
		at = end;
	}
	return n;
}

static void the_manual_shows_what_becomes_of_its_twelve_lines(void **state)
{
	(void)state;
	FILE *f = fopen(WINNOW_SOURCE_DIR "/docs/mining.md", "r");
	char line[2048];
	char *spans[8];
	size_t rows = 0;
	check(f);
	while (fgets(line, sizeof(line), f) && strncmp(line, "## What is a place", 18) != 0) {
		size_t n = line[0] == '|' ? backticked(line, spans, 8) : 0;
		if (n == 0)
			continue;
		struct shard s = shard_new(0, 0);
		struct buf message = {0};
		for (size_t i = 0; i + 1 < n; i++)
			buf_printf(&message, "%s%s", i ? "\n" : "", spans[i]);
		check_slice(name(&s, buf_cstr(&message))->template_text, spans[n - 1]);
		buf_done(&message);
		shard_done(&s);
		rows++;
	}
	fclose(f);
	check(rows == 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_never_make_a_new_id_and_ids_outlive_their_texts),
		cmocka_unit_test(every_message_gets_a_pattern),
		cmocka_unit_test(a_place_is_learned_from_its_variants_and_they_become_aliases),
		cmocka_unit_test(state_words_and_first_words_stay_apart),
		cmocka_unit_test(nothing_swallows_everything),
		cmocka_unit_test(the_order_of_arrival_does_not_matter),
		cmocka_unit_test(two_miners_that_tell_each_other_are_as_one),
		cmocka_unit_test(variants_seen_by_different_miners_add_up),
		cmocka_unit_test(a_learned_place_beside_a_value_is_told_too),
		cmocka_unit_test(reading_again_gives_the_same_ids),
		cmocka_unit_test(a_noisy_service_cannot_take_anothers_patterns),
		cmocka_unit_test(eviction_is_bounded_and_learning_goes_on),
		cmocka_unit_test(an_evicted_pattern_keeps_its_id),
		cmocka_unit_test(hostile_streams_are_bounded),
		cmocka_unit_test(the_duration_is_read_from_every_message),
		cmocka_unit_test(a_masked_example_shows_no_values),
		cmocka_unit_test(services_do_not_share_patterns),
		cmocka_unit_test(the_manual_shows_what_becomes_of_its_twelve_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
