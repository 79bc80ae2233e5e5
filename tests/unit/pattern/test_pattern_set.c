/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/pattern.h"
#include "../check.h"

#include <stdio.h>

static struct pattern *mined(struct pattern_set *set, const char *service, const char *text)
{
	return pattern_set_add(set, ORIGIN_MINED, slice_str(service), slice_str(text), slice_str(text), slice_of(NULL, 0));
}

static struct pattern *numbered(struct pattern_set *set, const char *service, int n)
{
	char text[32];
	snprintf(text, sizeof(text), "text %d", n);
	return mined(set, service, text);
}

static void the_id_is_of_service_and_birth_text_alone(void **state)
{
	(void)state;
	struct pattern_set *set = pattern_set_new(NULL);
	struct pattern *p = mined(set, "a", "x <*>");
	check(p->id == pattern_id(SLICE("a"), SLICE("x <*>")) && p->id != 0);
	check(p->id != pattern_id(SLICE("b"), SLICE("x <*>")));
	check(pattern_id(SLICE("ab"), SLICE("c")) != pattern_id(SLICE("a"), SLICE("bc")));
	check(mined(set, "a", "x <*>") == p && pattern_set_len(set) == 1);
	check(pattern_set_find(set, p->id) == p && pattern_set_at(set, p->index) == p);
	uint64_t id = p->id;
	pattern_set_retext(set, p, SLICE("<*> <*>"));
	check(p->id == id && p->version == 1);
	check_slice(p->template_text, "<*> <*>");
	pattern_set_retext(set, p, SLICE("<*> <*>"));
	check(p->version == 1);
	pattern_set_free(set);
}

static void a_budget_is_per_service(void **state)
{
	(void)state;
	struct pattern_set *set = pattern_set_new(&(struct pattern_limits){.patterns_per_service = 3});
	for (int i = 0; i < 100; i++)
		numbered(set, "noisy", i);
	struct pattern *other = numbered(set, "noisy", 1000);
	check(other->overflow && other->id == 0);
	check_slice(other->service, "noisy");
	check(numbered(set, "noisy", 1001) == other);
	check(!numbered(set, "noisy", 0)->overflow); /* what has its place keeps it */
	check(!numbered(set, "quiet", 0)->overflow);
	check(pattern_set_len(set) == 3 + 1 + 1);
	pattern_set_free(set);
}

static void rules_do_not_count_and_aliases_give_their_place_back(void **state)
{
	(void)state;
	struct pattern_set *set = pattern_set_new(&(struct pattern_limits){.patterns_per_service = 2});
	struct pattern *rule = pattern_set_add(set, ORIGIN_RULE, SLICE("a"), SLICE("rule:x"), SLICE("x"), SLICE("x"));
	check_slice(rule->rule, "x");
	struct pattern *p = numbered(set, "a", 1);
	struct pattern *q = numbered(set, "a", 2);
	check(numbered(set, "a", 3)->overflow);
	pattern_set_alias(set, q, p);
	check(pattern_survivor(q) == p);
	check(!numbered(set, "a", 3)->overflow);
	check(numbered(set, "a", 4)->overflow);
	pattern_set_free(set);
}

static void aliases_never_make_a_circle(void **state)
{
	(void)state;
	struct pattern_set *set = pattern_set_new(NULL);
	struct pattern *a = numbered(set, "a", 1);
	struct pattern *b = numbered(set, "a", 2);
	struct pattern *c = numbered(set, "a", 3);
	pattern_set_alias(set, a, b);
	pattern_set_alias(set, b, c);
	pattern_set_alias(set, c, a);
	check(pattern_survivor(a) == c && pattern_survivor(b) == c && pattern_survivor(c) == c);
	pattern_set_free(set);
}

static void services_past_the_limit_share_one_budget(void **state)
{
	(void)state;
	char name[16];
	struct pattern_set *set = pattern_set_new(&(struct pattern_limits){.patterns_per_service = 2, .services = 2});
	numbered(set, "a", 1);
	numbered(set, "b", 1);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		struct pattern *p = numbered(set, name, i);
		check_slice(p->service, "other");
		check(p->overflow == (i >= 2));
	}
	check(!numbered(set, "a", 2)->overflow);
	pattern_set_free(set);
}

static void changes_come_once_oldest_first_and_survivors_before_aliases(void **state)
{
	(void)state;
	struct pattern *out[8];
	struct pattern_set *set = pattern_set_new(NULL);
	struct pattern *a = numbered(set, "a", 1);
	struct pattern *b = numbered(set, "a", 2);
	pattern_set_retext(set, a, SLICE("wider"));
	check(pattern_set_take_changes(set, out, 1) == 1 && out[0] == a);
	check(pattern_set_take_changes(set, out, 8) == 1 && out[0] == b);
	check(pattern_set_take_changes(set, out, 8) == 0);
	struct pattern *c = numbered(set, "a", 3);
	struct pattern *d = numbered(set, "a", 4);
	pattern_set_alias(set, c, d);
	check(pattern_set_take_changes(set, out, 8) == 2 && out[0] == d && out[1] == c);
	pattern_set_retext(set, a, SLICE("widest"));
	check(pattern_set_take_changes(set, out, 8) == 1 && out[0] == a);
	pattern_set_free(set);
}

static void what_is_imported_is_known_and_not_reported(void **state)
{
	(void)state;
	struct pattern *out[8];
	struct pattern_set *set = pattern_set_new(NULL);
	uint64_t id = pattern_id(SLICE("a"), SLICE("x <*>"));
	struct pattern *p = pattern_set_import(set, id, ORIGIN_MINED, SLICE("a"), SLICE("x <num>"), slice_of(NULL, 0), 0);
	struct pattern *q = pattern_set_import(set, 77, ORIGIN_MINED, SLICE("a"), SLICE("x y"), slice_of(NULL, 0), id);
	check(pattern_survivor(q) == p);
	check(mined(set, "a", "x <*>") == p);
	check_slice(p->template_text, "x <num>");
	check(pattern_set_take_changes(set, out, 8) == 0);
	check(pattern_set_import(set, id, ORIGIN_MINED, SLICE("a"), SLICE("x <num>"), slice_of(NULL, 0), 0) == p);
	pattern_set_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_id_is_of_service_and_birth_text_alone),
		cmocka_unit_test(a_budget_is_per_service),
		cmocka_unit_test(rules_do_not_count_and_aliases_give_their_place_back),
		cmocka_unit_test(aliases_never_make_a_circle),
		cmocka_unit_test(services_past_the_limit_share_one_budget),
		cmocka_unit_test(changes_come_once_oldest_first_and_survivors_before_aliases),
		cmocka_unit_test(what_is_imported_is_known_and_not_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
