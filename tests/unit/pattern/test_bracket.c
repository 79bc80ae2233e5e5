/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/bracket.h"
#include "../check.h"

static struct brackets found;

static const struct bracket *find(const char *text, size_t offset)
{
	brackets_find(&found, text, 0, strlen(text));
	return brackets_at(&found, offset);
}

static void a_bracket_knows_what_closes_it(void **state)
{
	(void)state;
	const struct bracket *b = find("f(a[1]{2})x", 1);
	check(b && b->close == 9 && !b->listed && !b->named);
	b = brackets_at(&found, 3);
	check(b && b->close == 5);
	b = brackets_at(&found, 6);
	check(b && b->close == 8);
	check(!brackets_at(&found, 9));
}

static void commas_quotes_and_named_values_make_a_list(void **state)
{
	(void)state;
	check(find("(1, 2)", 0)->listed);
	check(find("{\"a\"}", 0)->listed);
	check(find("(id: 7)", 0)->named);
	check(!find("(id:7)", 0)->named);
	check(!find("(plain words)", 0)->listed);
	check(find("([1, 2])", 0)->listed);
	const struct bracket *outer = find("([1] x) a, b", 0);
	check(!outer->listed); /* the comma stands behind it */
}

static void what_never_closes_says_so(void **state)
{
	(void)state;
	const struct bracket *b = find("(a, b", 0);
	check(b->close == BRACKET_NONE && b->listed);
	b = find("([a)", 0);
	check(b->close == 3);
	b = brackets_at(&found, 1);
	check(b->close == BRACKET_NONE);
	check(!find(")))", 0));
}

static void pairs_hold_across_blocks_of_any_length(void **state)
{
	(void)state;
	char text[400];
	for (size_t len = 2; len < sizeof(text); len++) {
		memset(text, 'x', len);
		text[0] = '[';
		text[len - 1] = ']';
		if (len > 4)
			text[len / 2] = ',';
		brackets_find(&found, text, 0, len);
		const struct bracket *b = brackets_at(&found, 0);
		check(b && b->close == len - 1 && b->listed == (len > 4));
	}
}

static void deep_nesting_is_bounded(void **state)
{
	(void)state;
	char text[1000];
	memset(text, '(', 500);
	memset(text + 500, ')', 500);
	brackets_find(&found, text, 0, sizeof(text));
	check(found.len <= BRACKETS_MAX);
	const struct bracket *b = brackets_at(&found, 0);
	check(b && b->close == 999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bracket_knows_what_closes_it),
		cmocka_unit_test(commas_quotes_and_named_values_make_a_list),
		cmocka_unit_test(what_never_closes_says_so),
		cmocka_unit_test(pairs_hold_across_blocks_of_any_length),
		cmocka_unit_test(deep_nesting_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
