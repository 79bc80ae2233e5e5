/* SPDX-License-Identifier: Apache-2.0 */
/* Texts found by their anchors against looking for each of them: random texts of few words, so that many share beginnings and ends. The seed is printed. */
#include "../check.h"
#include "random.h"
#include "base/buf.h"
#include "pattern/anchor.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { TEXTS_MAX = 300, ROUNDS = 60, MESSAGES = 60 };

static void add_words(struct buf *out, unsigned most)
{
	static const char *const words[] = {"accepted", "rejected", " by ", " ", "-", "gateway-0", "gateway-1", "after", "x", "caf\xC3\xA9", "\xFF", "order 17", ": ", "Accepted", "payments", "/api/orders", "9", "_"};
	for (unsigned i = 0, n = 1 + rnd(most); i < n; i++)
		buf_add_str(out, words[rnd(sizeof(words) / sizeof(words[0]))]);
}

static void note(void *arg, uint32_t number)
{
	((bool *)arg)[number] = true;
}

static size_t make_texts(struct buf *texts, struct slice *slices)
{
	size_t len = 0;
	for (unsigned i = 0, n = 1 + rnd(TEXTS_MAX - 1); i < n; i++) {
		buf_reset(&texts[len]);
		add_words(&texts[len], 5);
		slices[len] = buf_slice(&texts[len]);
		bool fresh = anchor_fits(slices[len]);
		for (size_t k = 0; fresh && k < len; k++)
			fresh = !slice_eq(slices[k], slices[len]);
		len += fresh;
	}
	return len;
}

static void what_anchors_find_is_what_is_there(void **state)
{
	(void)state;
	static struct buf texts[TEXTS_MAX];
	static struct slice slices[TEXTS_MAX];
	const char *given = getenv("WINNOW_SEED");
	size_t found = 0, looked = 0;
	seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();
	print_message("WINNOW_SEED=%llu\n", (unsigned long long)seed);
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t len = make_texts(texts, slices);
		struct anchors *a = anchors_new(slices, len);
		for (unsigned i = 0; i < MESSAGES && len; i++) {
			bool got[TEXTS_MAX] = {0};
			struct buf message = {0};
			add_words(&message, 12);
			if (rnd(2))
				buf_add_slice(&message, slices[rnd((unsigned)len)]);
			if (rnd(2))
				add_words(&message, 8);
			char *exact = malloc(message.len); /* reading past its end would be seen */
			memcpy(exact, message.data, message.len);
			struct slice s = slice_of(exact, message.len);
			anchors_scan(a, s, note, got);
			for (size_t k = 0; k < len; k++, looked++) {
				bool there = slice_search(s, slices[k]) < s.len;
				if (there != got[k])
					fail_msg("\"%.*s\" in \"%.*s\": %d, found %d", (int)slices[k].len, slices[k].ptr, (int)s.len, s.ptr, there, got[k]);
				found += there;
			}
			free(exact);
			buf_done(&message);
		}
		anchors_free(a);
	}
	for (size_t i = 0; i < TEXTS_MAX; i++)
		buf_done(&texts[i]);
	print_message("%zu of %zu are there\n", found, looked);
	check(found > 1000);
}

static void texts_without_the_beginning_of_a_word_do_not_fit(void **state)
{
	(void)state;
	check(!anchor_fits(SLICE("")));
	check(!anchor_fits(SLICE("accepted")));
	check(!anchor_fits(SLICE("acceptedandmore")));   /* what stands before its first letter is not known */
	check(!anchor_fits(SLICE(" accept")));
	check(anchor_fits(SLICE(" accepted")));
	check(anchor_fits(SLICE("is accepted")));
	check(!anchor_fits(SLICE("accepted by me")));    /* no window of 8 bytes at a beginning */
	check(anchors_new(NULL, 0) == NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_anchors_find_is_what_is_there),
		cmocka_unit_test(texts_without_the_beginning_of_a_word_do_not_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
