/* SPDX-License-Identifier: Apache-2.0 */
/* Labels that are kept, and series written from them: the fast way says, in both versions, exactly what the plain way says. */
#include "../check.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/wire.h"
#include "metric/remote_write.h"
#include "metric/write2.h"

#include <stdio.h>

static uint64_t random_state;
static unsigned dice(unsigned n)
{
	random_state = hash_pair(random_state, 1);
	return (unsigned)(random_state % n);
}

static void labels_of_the_same_texts_are_one_and_go_with_their_last_user(void **state)
{
	(void)state;
	struct label_pairs pairs = {0};
	struct pair *a = pair_get(&pairs, SLICE("kind"), SLICE("x")), *b = pair_get(&pairs, SLICE("kind"), SLICE("y"));
	assert_ptr_equal(pair_get(&pairs, SLICE("kind"), SLICE("x")), a);
	assert_ptr_not_equal(a, b);
	assert_ptr_equal(a->name, b->name);
	assert_int_equal(pairs.map.len, 2);
	pair_drop(&pairs, a);
	assert_int_equal(pairs.map.len, 2);
	pair_drop(&pairs, a);
	assert_int_equal(pairs.map.len, 1);
	assert_int_equal(pairs.texts.len, 2); /* a name and a value */
	pair_drop(&pairs, b);
	assert_int_equal(pairs.map.len + pairs.texts.len, 0);
	label_pairs_done(&pairs);
}

static void a_text_is_one_however_many_pairs_have_it(void **state)
{
	(void)state;
	struct label_pairs pairs = {0};
	struct pair *a = pair_get(&pairs, SLICE("from"), SLICE("x")), *b = pair_get(&pairs, SLICE("to"), SLICE("y"));
	assert_ptr_equal(a->value, &a->own); /* until another has it */
	struct pair *c = pair_get(&pairs, SLICE("to"), SLICE("x")), *d = pair_get(&pairs, SLICE("x"), SLICE("from"));
	assert_ptr_equal(a->value, c->value);
	assert_ptr_equal(d->name, a->value);
	assert_ptr_equal(d->value, a->name);
	assert_int_equal(pairs.texts.len, 4);
	assert_ptr_equal(pair_text_find(&pairs, hash_bytes(SLICE("x")), SLICE("x")), a->value);
	pair_drop(&pairs, a); /* the first of them goes, the text stays */
	check(slice_eq(slice_of(c->value->text, c->value->len), SLICE("x")));
	pair_drop(&pairs, c);
	pair_drop(&pairs, d);
	assert_int_equal(pairs.texts.len, 2);
	pair_drop(&pairs, b);
	assert_int_equal(pairs.texts.len, 0);
	label_pairs_done(&pairs);
}

static void pairs_are_ordered_as_they_are_sent(void **state)
{
	(void)state;
	static const char *const names[] = {"A", "__name__", "kind", "le", "z"};
	struct label_pairs pairs = {0};
	struct pair *p[5];
	for (size_t i = 0; i < 5; i++)
		p[i] = pair_get(&pairs, slice_str(names[i]), SLICE("v"));
	struct pair_order order = pair_sort(p, 5);
	assert_int_equal(order.before_name, 1);
	assert_int_equal(order.before_le, 2);
	assert_int_equal(order.len, 3);
	assert_int_equal(order.encoded_len, p[0]->encoded_len + p[1]->encoded_len + p[2]->encoded_len);
	check(slice_eq(pair_label(p[2]).name, SLICE("z")));
	for (size_t i = 0; i < 5; i++) /* and nobody is lost */
		pair_drop(&pairs, p[i]);
	assert_int_equal(pairs.map.len, 0);
	label_pairs_done(&pairs);
}

static void a_label_knows_where_it_sorts(void **state)
{
	(void)state;
	const struct {
		const char *name;
		enum pair_place place;
	} cases[] = {{"A", PAIR_BEFORE_NAME}, {"_", PAIR_BEFORE_NAME}, {"__name__", PAIR_NAME}, {"__name__2", PAIR_BETWEEN}, {"kind", PAIR_BETWEEN}, {"l", PAIR_BETWEEN}, {"le", PAIR_LE}, {"lea", PAIR_AFTER_LE}, {"z", PAIR_AFTER_LE}};
	struct label_pairs pairs = {0};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair *pair = pair_get(&pairs, slice_str(cases[i].name), SLICE("v"));
		assert_int_equal(pair->place, cases[i].place);
		pair_drop(&pairs, pair);
	}
	label_pairs_done(&pairs);
}

/* --- the same as the plain way --- */

static const double bounds[] = {0.005, 0.25, 10, 15000};
static const struct family kinds[] = {
	{.name = "m_total", .type = METRIC_COUNTER, .unit = "", .help = "H"},
	{.name = "d_seconds", .type = METRIC_HISTOGRAM, .unit = "seconds", .help = "D", .bounds = bounds, .bounds_len = 4},
	{.name = "info", .type = METRIC_GAUGE, .unit = "", .help = ""},
};

struct example {
	const struct family *family;
	struct label labels[LABELS_MAX];
	size_t len;
	double values[BOUNDS_MAX + 3];
	size_t values_len, marked;
	int64_t at_ms, begun_ms;
	struct exemplar exemplar;
	bool has;
};

static struct slice some_text(char *out, size_t size)
{
	static const char *const texts[] = {"a", "GET", "\xC3\xA4", "checkout", "a longer text, more than thirty-two bytes of it"};
	if (dice(3))
		return slice_str(texts[dice(5)]);
	size_t len = 1 + dice((unsigned)size - 1);
	for (size_t i = 0; i < len; i++)
		out[i] = (char)('a' + dice(26));
	return slice_of(out, len);
}

static void make(struct example *x, char texts[][300])
{
	static const char *const names[] = {"A", "B_", "_x", "a", "kind", "l", "lee", "pattern_id", "service_name", "z"};
	*x = (struct example){.family = &kinds[dice(3)], .at_ms = dice(9) ? 1700000000000 + dice(1000) : 0, .begun_ms = dice(3) ? 1690000000000 : 0};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (dice(3) == 0) {
			x->labels[x->len] = (struct label){slice_str(names[i]), some_text(texts[x->len], dice(10) ? 20 : 300)};
			x->len++;
		}
	x->values_len = x->family->type == METRIC_HISTOGRAM ? x->family->bounds_len + 3 : 1;
	for (size_t i = 0; i < x->values_len; i++)
		x->values[i] = dice(3) ? dice(100000) : dice(2) ? 0 : remote_write_stale();
	x->has = dice(2);
	exemplar_set(&x->exemplar, 1700000000500 * NS_PER_MS, 0.125, (uint8_t)dice(4), dice(3) ? SLICE("0123456789abcdef0123456789abcdef") : SLICE(""), SLICE("0123456789abcdef"));
	x->marked = x->family->type == METRIC_HISTOGRAM ? dice((unsigned)x->family->bounds_len + 1) : 0;
}

static void text_of(const struct example *x, size_t part, struct buf *name, struct buf *le)
{
	static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
	bool histogram = x->family->type == METRIC_HISTOGRAM, bucket = histogram && part <= x->family->bounds_len;
	buf_reset(name);
	buf_reset(le);
	buf_printf(name, "%s%s", x->family->name, !histogram ? "" : suffixes[bucket ? 0 : part - x->family->bounds_len]);
	if (bucket)
		remote_write_bound_text(le, part < x->family->bounds_len ? bounds[part] : __builtin_inf());
}

static void plainly(const struct example *x, struct buf *one, struct write2 *two)
{
	struct buf name = {0}, le = {0}, block = {0};
	write2_labels(two, x->family, x->labels, x->len);
	for (size_t i = 0; i < x->values_len; i++) {
		const struct exemplar *e = x->has && i == x->marked ? &x->exemplar : NULL;
		text_of(x, i, &name, &le);
		struct label bound = {SLICE("le"), buf_slice(&le)};
		struct write2_label named = {.label = {SLICE("__name__"), buf_slice(&name)}}, extra = {.label = bound};
		buf_reset(&block);
		remote_write_label_block(&block, buf_slice(&name), x->labels, x->len, le.len ? &bound : NULL);
		remote_write_add(one, buf_slice(&block), x->values[i], x->at_ms, e);
		write2_point(two, &named, le.len ? &extra : NULL, x->values[i], x->at_ms, x->begun_ms, e);
	}
	buf_done(&name);
	buf_done(&le);
	buf_done(&block);
}

static void names_of(struct label_pairs *pairs, const struct example *x, struct family_pairs *ret)
{
	struct buf name = {0}, le = {0};
	*ret = (struct family_pairs){0};
	for (size_t i = 0; i < x->values_len; i++) {
		text_of(x, i, &name, &le);
		if (le.len)
			ret->le[i] = pair_get(pairs, SLICE("le"), buf_slice(&le));
		size_t n = le.len || i < x->family->bounds_len ? 0 : i - x->family->bounds_len;
		if (!ret->name[n])
			ret->name[n] = pair_get(pairs, SLICE("__name__"), buf_slice(&name));
	}
	buf_done(&name);
	buf_done(&le);
}

static void fast(const struct example *x, struct label_pairs *pairs, struct buf *one, struct write2 *two)
{
	struct family_pairs names;
	struct pair *labels[LABELS_MAX];
	names_of(pairs, x, &names);
	for (size_t i = 0; i < x->len; i++)
		labels[i] = pair_get(pairs, x->labels[i].name, x->labels[i].value);
	const struct points p = {.family = x->family, .names = &names, .labels = labels, .order = pair_sort(labels, x->len), .at_ms = x->at_ms, .begun_ms = x->begun_ms, .values = x->values, .marked = x->marked,
		.exemplar = x->has ? &x->exemplar : NULL};
	remote_write_series(one, &p);
	write2_series(two, &p); /* pairs are kept until the end: two requests use them in turn */
}

/* Symbols of a body, of which none may stand twice. */
static size_t symbols_of(struct slice body)
{
	struct slice texts[2000];
	struct wire w = wire_of(body);
	struct wire_field f;
	size_t len = 0;
	while (wire_next(&w, &f) > 0 && f.number == 4 && len < 2000) {
		for (size_t i = 0; i < len; i++)
			check(!slice_eq(texts[i], f.bytes));
		texts[len++] = f.bytes;
	}
	return len;
}

static void drop_all(struct label_pairs *pairs)
{
	size_t cursor = 0, len = 0;
	struct pair **all = test_calloc(pairs->map.len, sizeof(struct pair *));
	for (struct pair *pair; (pair = map_next(&pairs->map, &cursor));)
		all[len++] = pair;
	for (size_t i = 0; i < len; i++)
		for (uint32_t users = all[i]->users; users > 0; users--)
			pair_drop(pairs, all[i]);
	test_free(all);
	label_pairs_done(pairs);
}

static void series_are_written_as_the_plain_way_writes_them(void **state)
{
	(void)state;
	static char texts[LABELS_MAX][300];
	struct write2 *plain = write2_new(), *quick = write2_new();
	struct label_pairs pairs = {0};
	write2_share(quick, &pairs);
	for (unsigned seed = 0; seed < 400; seed++) {
		struct buf plain_1 = {0}, quick_1 = {0}, plain_2 = {0}, quick_2 = {0}, a = {0}, b = {0};
		random_state = seed;
		write2_begin(plain);
		write2_begin(quick);
		for (unsigned n = 1 + dice(30); n > 0; n--) {
			struct example x;
			make(&x, texts);
			plainly(&x, &plain_1, plain);
			fast(&x, &pairs, &quick_1, quick);
		}
		check(slice_eq(buf_slice(&plain_1), buf_slice(&quick_1)));
		assert_int_equal(write2_series_len(plain), write2_series_len(quick));
		write2_finish(plain, &plain_2);
		write2_finish(quick, &quick_2);
		assert_int_equal(write2_to_portable(buf_slice(&plain_2), &a), 0); /* symbols may stand in another order */
		assert_int_equal(write2_to_portable(buf_slice(&quick_2), &b), 0);
		check(slice_eq(buf_slice(&a), buf_slice(&b)));
		assert_int_equal(symbols_of(buf_slice(&plain_2)), symbols_of(buf_slice(&quick_2)));
		buf_done(&plain_1);
		buf_done(&quick_1);
		buf_done(&plain_2);
		buf_done(&quick_2);
		buf_done(&a);
		buf_done(&b);
	}
	write2_free(plain);
	write2_free(quick);
	drop_all(&pairs);
}

/* References of one, two and three bytes, of names and of values. */
static void any_number_of_symbols_is_referred_to_rightly(void **state)
{
	(void)state;
	enum { MANY = 40000, NAMES = 20000 };
	struct write2 *plain = write2_new(), *quick = write2_new();
	struct label_pairs pairs = {0};
	struct buf one = {0}, plain_2 = {0}, quick_2 = {0}, a = {0}, b = {0};
	write2_share(quick, &pairs);
	for (unsigned i = 0; i < MANY; i++) {
		char name[16], value[16];
		snprintf(name, sizeof(name), "n%u", i % NAMES);
		snprintf(value, sizeof(value), "v%u", i);
		struct example x = {.family = &kinds[0], .at_ms = 1700000000000, .begun_ms = 1690000000000, .values = {i}, .values_len = 1, .len = 2};
		x.labels[0] = (struct label){slice_str(name), slice_str(value)};
		x.labels[1] = (struct label){SLICE("service_name"), SLICE("shop")};
		plainly(&x, &one, plain);
		fast(&x, &pairs, &one, quick);
	}
	assert_int_equal(write2_series_len(quick), MANY);
	write2_finish(plain, &plain_2);
	write2_finish(quick, &quick_2);
	assert_int_equal(plain_2.len, quick_2.len);
	assert_int_equal(write2_to_portable(buf_slice(&plain_2), &a), 0);
	assert_int_equal(write2_to_portable(buf_slice(&quick_2), &b), 0);
	check(slice_eq(buf_slice(&a), buf_slice(&b)));
	write2_free(plain);
	write2_free(quick);
	buf_done(&one);
	buf_done(&plain_2);
	buf_done(&quick_2);
	buf_done(&a);
	buf_done(&b);
	drop_all(&pairs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_of_the_same_texts_are_one_and_go_with_their_last_user),
		cmocka_unit_test(a_text_is_one_however_many_pairs_have_it),
		cmocka_unit_test(pairs_are_ordered_as_they_are_sent),
		cmocka_unit_test(a_label_knows_where_it_sorts),
		cmocka_unit_test(series_are_written_as_the_plain_way_writes_them),
		cmocka_unit_test(any_number_of_symbols_is_referred_to_rightly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
