/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/variants.h"
#include "../check.h"

#include <stdlib.h>

enum { FIRST = 1 << 0, THIRD = 1 << 2, FIFTH = 1 << 4 };

static struct tokens tokens;

static struct template *of(const char *message)
{
	tokens_scan(&tokens, slice_str(message));
	return template_new(&tokens);
}

/* What the first message's template learns from the others, `len` of them. */
static uint64_t learned(const char *const *messages, size_t len)
{
	struct variants v = {.len = 0};
	struct template *templates[16] = {0};
	for (size_t i = 0; i < len; i++) {
		templates[i] = of(messages[i]);
		if (i > 0)
			variants_add(&v, templates[0], templates[i]);
	}
	uint64_t mask = variants_learned(&v, templates[0]);
	for (size_t i = 0; i < len; i++)
		free(templates[i]);
	return mask;
}

static void a_fourth_word_at_one_place_makes_it_a_value(void **state)
{
	(void)state;
	static const char *const skins[] = {"loading skin blue done", "loading skin green done", "loading skin amber done", "loading skin pink done"};
	check(learned(skins, 3) == (0));
	check(learned(skins, 4) == (THIRD));
}

static void places_that_change_together_need_one_more(void **state)
{
	(void)state;
	static const char *const pairs[] = {"moved from blue to red at last", "moved from green to pink at last", "moved from amber to grey at last", "moved from black to gold at last",
		"moved from white to lime at last"};
	check(learned(pairs, 4) == (0));
	check(learned(pairs, 5) == (THIRD | FIFTH));
}

static void state_words_stay_words_for_longer(void **state)
{
	(void)state;
	static const char *const states[] = {"the unit has started now", "the unit has stopped now", "the unit has failed now", "the unit has succeeded now", "the unit has completed now"};
	check(learned(states, 5) == (0));
}

static void statements_that_share_less_than_half_their_words_teach_nothing(void **state)
{
	(void)state;
	static const char *const others[] = {"loading skin blue done", "storing font green done", "sending page amber done", "reading list pink done", "marking word grey done"};
	check(learned(others, 5) == (0));
}

static void an_alias_tells_what_its_survivor_has_learned(void **state)
{
	(void)state;
	struct template *alias = of("loading skin blue done");
	struct template *other = of("storing skin blue done");
	tokens_scan_template(&tokens, SLICE("loading skin <*> done"));
	struct template *survivor = template_new(&tokens);
	check(variants_told(alias, survivor) == (THIRD));
	check(variants_told(other, survivor) == (0));
	free(survivor);
	free(other);
	free(alias);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fourth_word_at_one_place_makes_it_a_value),
		cmocka_unit_test(places_that_change_together_need_one_more),
		cmocka_unit_test(state_words_stay_words_for_longer),
		cmocka_unit_test(statements_that_share_less_than_half_their_words_teach_nothing),
		cmocka_unit_test(an_alias_tells_what_its_survivor_has_learned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
