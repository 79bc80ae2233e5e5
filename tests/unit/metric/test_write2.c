/* SPDX-License-Identifier: Apache-2.0 */
/* 2.0 bodies, read back by a decoder that shares nothing with the encoder but the wire format's cursor. */
#include "../check.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/wire.h"
#include "metric/remote_write.h"
#include "metric/write2.h"

#include <stdio.h>
#include <stdlib.h>

/* A point under a name, with one more label or NULL. */
static void point(struct write2 *w, const char *name, const struct label *extra, double value, int64_t at_ms, int64_t start_ms, const struct exemplar *e)
{
	struct write2_label named = {.label = {SLICE("__name__"), slice_str(name)}}, more = {0};
	if (extra)
		more.label = *extra;
	write2_point(w, &named, extra ? &more : NULL, value, at_ms, start_ms, e);
}

#define LABEL(n, v) ((struct label){SLICE(n), SLICE(v)})

static const struct family counter = {.name = "m_total", .type = METRIC_COUNTER, .unit = "", .help = "H"};
static const struct family seconds = {.name = "d_seconds", .type = METRIC_HISTOGRAM, .unit = "seconds", .help = "D"};

struct symbols {
	struct slice at[4096];
	size_t len;
};

static void read_symbols(struct slice body, struct symbols *ret)
{
	struct wire w = wire_of(body);
	struct wire_field f;
	bool series = false;
	ret->len = 0;
	while (wire_next(&w, &f) == 1) {
		series |= f.number == 5;
		check(f.number == 5 || (f.number == 4 && !series)); /* all symbols come first */
		if (f.number == 4)
			ret->at[ret->len++] = f.bytes;
	}
	assert_int_equal(ret->at[0].len, 0);
	for (size_t i = 0; i < ret->len; i++)
		for (size_t k = 0; k < i; k++)
			check(!slice_eq(ret->at[i], ret->at[k]));
}

static void print_refs(const struct symbols *s, struct slice refs, struct buf *out)
{
	struct wire w = wire_of(refs);
	uint64_t name, value;
	while (w.next < w.end) {
		check(wire_read_varint(&w, &name) && wire_read_varint(&w, &value));
		check(name < s->len && value < s->len);
		buf_printf(out, "%.*s=%.*s ", (int)s->at[name].len, s->at[name].ptr, (int)s->at[value].len, s->at[value].ptr);
	}
}

static void print_point(const struct symbols *s, struct slice bytes, bool exemplar, struct buf *out)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	double value = 0;
	int64_t time = 0, start = 0;
	while (wire_next(&w, &f) == 1) {
		if (exemplar && f.number == 1)
			print_refs(s, f.bytes, out);
		else if (f.number == (exemplar ? 2 : 1))
			value = wire_to_double(f.value);
		else if (f.number == (exemplar ? 3 : 2))
			time = (int64_t)f.value;
		else
			start = (int64_t)f.value;
	}
	buf_printf(out, "%g@%lld", value, (long long)time);
	if (start)
		buf_printf(out, " since %lld", (long long)start);
}

static void print_metadata(const struct symbols *s, struct slice bytes, struct buf *out)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	buf_add_str(out, " |");
	while (wire_next(&w, &f) == 1) {
		if (f.number == 1)
			buf_printf(out, " %u", (unsigned)f.value);
		else
			buf_printf(out, " %.*s", (int)s->at[f.value].len, s->at[f.value].ptr);
	}
}

/* "[labels value@time since start | exemplar | metadata]" each. */
static void print_request(struct slice body, struct buf *out)
{
	static struct symbols symbols;
	struct wire w = wire_of(body), inside;
	struct wire_field f;
	read_symbols(body, &symbols);
	while (wire_next(&w, &f) == 1) {
		if (f.number != 5)
			continue;
		buf_add_char(out, '[');
		for (inside = wire_of(f.bytes); wire_next(&inside, &f) == 1;) {
			if (f.number == 1)
				print_refs(&symbols, f.bytes, out);
			else if (f.number == 2 || f.number == 4) {
				buf_add_str(out, f.number == 4 ? " | " : "");
				print_point(&symbols, f.bytes, f.number == 4, out);
			} else if (f.number == 5) {
				print_metadata(&symbols, f.bytes, out);
			}
		}
		buf_add_char(out, ']');
	}
}

static void check_request(struct write2 *w, const char *expect)
{
	struct buf body = {0}, text = {0};
	write2_finish(w, &body);
	assert_int_equal(body.len, write2_len(w));
	print_request(buf_slice(&body), &text);
	check_slice(buf_slice(&text), expect);
	buf_done(&body);
	buf_done(&text);
}

static void a_request_is_byte_for_byte_what_the_schema_says(void **state)
{
	(void)state;
	struct write2 *w = write2_new();
	struct buf body = {0};
	const struct label label = LABEL("a", "b");
	write2_labels(w, &counter, &label, 1);
	point(w, "m_total", NULL, 1.5, 300, 200, NULL);
	write2_finish(w, &body);
	static const char expect[] =
		"\x22\x00" "\x22\x01" "a" "\x22\x01" "b" "\x22\x01" "H" "\x22\x08" "__name__" "\x22\x07" "m_total" /* symbols 0 to 5 */
		"\x2A\x1D"                                                              /* timeseries, 29 bytes */
		"\x0A\x04\x04\x05\x01\x02"                                              /* references: __name__ m_total a b */
		"\x12\x0F\x09\x00\x00\x00\x00\x00\x00\xF8\x3F\x10\xAC\x02\x18\xC8\x01"  /* sample: 1.5, 300, 200 */
		"\x2A\x04\x08\x01\x18\x03";                                             /* metadata: counter, help */
	assert_int_equal(body.len, sizeof(expect) - 1);
	assert_memory_equal(body.data, expect, sizeof(expect) - 1);
	write2_begin(w);
	buf_reset(&body);
	write2_finish(w, &body);
	assert_int_equal(body.len, 2); /* the empty symbol alone */
	buf_done(&body);
	write2_free(w);
}

static void labels_come_out_sorted_with_the_name_and_the_bound_in_their_places(void **state)
{
	(void)state;
	struct write2 *w = write2_new();
	const struct label le = LABEL("le", "0.5"), first = LABEL("Le", "1");
	const struct label ordinary[] = {LABEL("kind", "k"), LABEL("service_name", "s")};
	const struct label early[] = {LABEL("A", "1"), LABEL("_A", "2"), LABEL("_z", "3"), LABEL("z", "4")};
	const struct label doubled[] = {LABEL("__name__", "x"), LABEL("le", "y"), LABEL("z", "4")};
	const struct {
		const struct label *labels;
		size_t len;
		const struct label *extra;
		const char *expect;
	} cases[] = {
		{NULL, 0, NULL, "[__name__=m 1@5]"},
		{NULL, 0, &le, "[__name__=m le=0.5 1@5]"},
		{ordinary, 2, NULL, "[__name__=m kind=k service_name=s 1@5]"},
		{ordinary, 2, &le, "[__name__=m kind=k le=0.5 service_name=s 1@5]"},
		{early, 4, NULL, "[A=1 _A=2 __name__=m _z=3 z=4 1@5]"},
		{early, 4, &le, "[A=1 _A=2 __name__=m _z=3 le=0.5 z=4 1@5]"},
		{early, 4, &first, "[A=1 Le=1 _A=2 __name__=m _z=3 z=4 1@5]"},
		{doubled, 3, &le, "[__name__=m le=0.5 z=4 1@5]"},
		{ordinary, 2, &first, "[Le=1 __name__=m kind=k service_name=s 1@5]"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write2_begin(w);
		write2_labels(w, NULL, cases[i].labels, cases[i].len);
		point(w, "m", cases[i].extra, 1, 5, 0, NULL);
		check_request(w, cases[i].expect);
	}
	write2_free(w);
}

static void texts_are_in_the_table_once_and_exemplars_and_metadata_refer_to_it(void **state)
{
	(void)state;
	struct write2 *w = write2_new();
	struct exemplar e;
	const struct label labels[] = {LABEL("a", "x"), LABEL("b", "x"), LABEL("c", "trace_id")}, le = LABEL("le", "1");
	exemplar_set(&e, 1500 * NS_PER_MS, 0.25, 3, SLICE("x"), SLICE("seconds"));
	write2_labels(w, &seconds, labels, 3);
	point(w, "d_seconds_bucket", &le, 1, 1000, 10, &e);
	point(w, "d_seconds_sum", NULL, 0, 1000, 10, NULL);
	exemplar_set(&e, 1500 * NS_PER_MS, 0.25, 0, SLICE("x"), SLICE("s")); /* rank 0: none */
	write2_labels(w, NULL, labels, 1);
	point(w, "m", NULL, -1, 1000, 0, &e);
	assert_int_equal(write2_series_len(w), 3);
	check_request(w, "[__name__=d_seconds_bucket a=x b=x c=trace_id le=1 1@1000 since 10 | span_id=seconds trace_id=x 0.25@1500 | 3 D seconds]"
		"[__name__=d_seconds_sum a=x b=x c=trace_id 0@1000 since 10 | 3 D seconds][__name__=m a=x -1@1000]");
	write2_free(w);
}

/* Thousands of texts, so that tables grow in the middle; the same bytes whatever the tables held before. */
static void fill(struct write2 *w, unsigned from)
{
	for (unsigned i = 0; i < 3000; i++) {
		char name[16], value[40];
		snprintf(name, sizeof(name), "n%u", i % 5);
		snprintf(value, sizeof(value), i % 3 ? "v%u" : "a value of more than sixteen bytes %u", from + i % 1500);
		struct label label = {slice_str(name), slice_str(value)};
		write2_labels(w, &counter, &label, 1);
		point(w, "m_total", NULL, i, 1000, 5, NULL);
	}
}

static void tables_grow_and_are_empty_after_begin(void **state)
{
	(void)state;
	static struct symbols symbols;
	struct write2 *used = write2_new(), *fresh = write2_new();
	struct buf a = {0}, b = {0};
	fill(used, 7000);
	write2_begin(used);
	fill(used, 1);
	fill(fresh, 1);
	write2_finish(used, &a);
	write2_finish(fresh, &b);
	check(slice_eq(buf_slice(&a), buf_slice(&b)));
	read_symbols(buf_slice(&a), &symbols);
	assert_int_equal(symbols.len, 1500 + 5 + 4); /* values, names; "", H, __name__, m_total */
	buf_done(&a);
	buf_done(&b);
	write2_free(used);
	write2_free(fresh);
}

static uint64_t random_state;
static unsigned dice(unsigned n)
{
	random_state = hash_pair(random_state, 1);
	return (unsigned)(random_state % n);
}

/* One random point. */
static void add_random(struct write2 *w)
{
	static const char *const texts[] = {"a", "b", "service", "\xC3\xA4", "a longer text, more than sixteen", "z", "0", "trace_id"};
	static const char *const names[] = {"A", "B", "_x", "a", "b", "kind", "q", "z"};
	struct label labels[8];
	size_t len = 0;
	for (size_t i = 0; i < 8; i++)
		if (dice(2))
			labels[len++] = (struct label){slice_str(names[i]), slice_str(texts[dice(8)])};
	struct label le = LABEL("le", "+Inf");
	const struct label *extra = dice(2) ? &le : NULL;
	struct exemplar e;
	exemplar_set(&e, (int64_t)dice(100000) * NS_PER_MS, (double)dice(3), (uint8_t)dice(4), slice_str(texts[dice(8)]), dice(2) ? SLICE("") : SLICE("0123456789abcdef"));
	double value = dice(5) ? (double)dice(10) : remote_write_stale();
	int64_t time = (int64_t)dice(3) * 1700000000000;
	const char *name = texts[dice(3)];
	write2_labels(w, NULL, labels, len);
	point(w, name, extra, value, time, 0, dice(2) ? &e : NULL);
}

static void the_portable_form_comes_back_as_the_same_request(void **state)
{
	(void)state;
	struct write2 *w = write2_new(), *again = write2_new();
	for (unsigned seed = 0; seed < 300; seed++) {
		struct buf two = {0}, portable = {0}, back = {0}, x = {0}, y = {0};
		random_state = seed;
		write2_begin(w);
		for (unsigned i = dice(20); i > 0; i--)
			add_random(w);
		const struct label label = LABEL("a", "b");
		write2_labels(w, &seconds, &label, 1); /* with a start and metadata */
		point(w, "d_seconds_count", NULL, 3, 1000, 900, NULL);
		write2_finish(w, &two);
		assert_int_equal(write2_to_portable(buf_slice(&two), &portable), 0);
		assert_int_equal(write2_of_portable(buf_slice(&portable), again, &back), 0);
		print_request(buf_slice(&two), &x);
		print_request(buf_slice(&back), &y);
		check_slice(buf_slice(&y), buf_cstr(&x));
		buf_done(&two);
		buf_done(&portable);
		buf_done(&back);
		buf_done(&x);
		buf_done(&y);
	}
	write2_free(w);
	write2_free(again);
}

static void stripped_of_what_2_has_it_is_what_1_would_have_sent(void **state)
{
	(void)state;
	struct write2 *w = write2_new();
	struct buf two = {0}, portable = {0}, stripped = {0}, block = {0}, one = {0};
	const struct label labels[] = {LABEL("a", "b"), LABEL("service_name", "s")}, le = LABEL("le", "1");
	struct exemplar e;
	exemplar_set(&e, 1500 * NS_PER_MS, 0.25, 3, SLICE("0123456789abcdef0123456789abcdef"), SLICE("0123456789abcdef"));
	write2_labels(w, &seconds, labels, 2);
	point(w, "d_seconds_bucket", &le, 7, 1700000000123, 1690000000000, &e);
	write2_finish(w, &two);
	remote_write_label_block(&block, SLICE("d_seconds_bucket"), labels, 2, &le);
	remote_write_add(&one, buf_slice(&block), 7, 1700000000123, &e);
	assert_int_equal(write2_to_portable(buf_slice(&two), &portable), 0);
	check(portable.len > one.len);
	assert_int_equal(write2_strip(buf_slice(&portable), &stripped), 0);
	check(slice_eq(buf_slice(&stripped), buf_slice(&one)));
	buf_reset(&stripped);
	assert_int_equal(write2_strip(buf_slice(&one), &stripped), 0); /* a 1.0 body stays as it is */
	check(slice_eq(buf_slice(&stripped), buf_slice(&one)));
	buf_done(&two);
	buf_done(&portable);
	buf_done(&stripped);
	buf_done(&block);
	buf_done(&one);
	write2_free(w);
}

static void bytes_that_are_no_body_are_said_to_be_none(void **state)
{
	(void)state;
	struct write2 *w = write2_new();
	struct buf out = {0};
	check(write2_to_portable(SLICE("\x2A\x02\x0A\x00"), &out) < 0);          /* no symbols */
	check(write2_to_portable(SLICE("\x22\x00\x2A\x04\x0A\x02\x00\x01"), &out) < 0); /* a reference past the table */
	check(write2_to_portable(SLICE("\x22\x00\x2A\x03\x0A\x01\x00"), &out) < 0); /* half a pair */
	check(write2_to_portable(SLICE("\x22\x00\x2A\x05\x0A"), &out) < 0);
	check(write2_of_portable(SLICE("\x0A\x05\x0A"), w, &out) < 0);
	check(write2_strip(SLICE("\x0A\x05\x0A"), &out) < 0);
	buf_done(&out);
	write2_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_byte_for_byte_what_the_schema_says),
		cmocka_unit_test(labels_come_out_sorted_with_the_name_and_the_bound_in_their_places),
		cmocka_unit_test(texts_are_in_the_table_once_and_exemplars_and_metadata_refer_to_it),
		cmocka_unit_test(tables_grow_and_are_empty_after_begin),
		cmocka_unit_test(the_portable_form_comes_back_as_the_same_request),
		cmocka_unit_test(stripped_of_what_2_has_it_is_what_1_would_have_sent),
		cmocka_unit_test(bytes_that_are_no_body_are_said_to_be_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
