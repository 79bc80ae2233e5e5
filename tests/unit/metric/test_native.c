/* SPDX-License-Identifier: Apache-2.0 */
/* Native histograms: where values lie, merging in any order, and the message read back by a reader of its own. */
#include "../check.h"
#include "base/hash.h"
#include "base/wire.h"
#include "metric/native.h"
#include "metric/remote_write.h"

#include <math.h>
#include <stdlib.h>

static uint64_t random_state;
static unsigned dice(unsigned n)
{
	random_state = hash_pair(random_state, 1);
	return (unsigned)(random_state % n);
}

static double some_value(void)
{
	return exp2((double)dice(40000) / 1000 - 20);
}

static uint64_t sum_of(const struct native *h)
{
	uint64_t sum = h->zero;
	for (uint32_t i = 0; i < h->len; i++)
		sum += h->counts[i];
	return sum;
}

static void a_value_lies_above_the_bound_below_and_not_above_its_own(void **state)
{
	(void)state;
	random_state = 7;
	for (unsigned i = 0; i < 20000; i++) {
		struct native h = {.schema = NATIVE_SCHEMA};
		double value = i < 200 ? exp2((double)((int)i - 100) / 8) : some_value();
		if (value <= NATIVE_ZERO)
			continue;
		native_observe(&h, value, 3);
		assert_int_equal(h.len, 1);
		assert_int_equal(h.counts[0], 3);
		check(value <= exp2((double)h.first / 8) * (1 + 1e-15));
		check(value > exp2((double)(h.first - 1) / 8) * (1 - 1e-15));
		native_done(&h);
	}
}

static void what_is_no_positive_value_counts_as_zero(void **state)
{
	(void)state;
	struct native h = {.schema = NATIVE_SCHEMA};
	native_observe(&h, 0, 1);
	native_observe(&h, -5, 2);
	native_observe(&h, 1e-12, 3);
	native_observe(&h, 1e300, 4);
	assert_int_equal(h.zero, 6);
	assert_int_equal(h.count, 10);
	assert_int_equal(h.len, 1);
	assert_int_equal(h.first, NATIVE_INDEX_MAX);
	native_done(&h);
}

static void histograms_add_up_to_the_same_in_any_order_and_coarseness(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 200; seed++) {
		struct native parts[6] = {0}, forth = {0}, back = {0}, direct = {.schema = NATIVE_SCHEMA};
		random_state = seed;
		for (size_t i = 0; i < 6; i++) {
			native_reset(&parts[i]);
			for (unsigned n = dice(300); n > 0; n--) {
				double value = some_value();
				native_observe(&parts[i], value, 1);
				native_observe(&direct, value, 1);
			}
			if (dice(2))
				native_limit(&parts[i]);
		}
		for (size_t i = 0; i < 6; i++) {
			native_add(&forth, &parts[i]);
			native_add(&back, &parts[5 - i]);
		}
		native_limit(&forth);
		native_limit(&back);
		native_limit(&direct);
		if (direct.count) {
			check(forth.len <= NATIVE_BUCKETS && forth.schema == back.schema && forth.len == back.len && forth.first == back.first && forth.count == back.count);
			assert_memory_equal(forth.counts, back.counts, forth.len * sizeof(*forth.counts));
			assert_int_equal(sum_of(&forth), direct.count);
			check(forth.schema <= direct.schema);
			if (forth.schema == direct.schema)
				assert_memory_equal(forth.counts, direct.counts, forth.len * sizeof(*forth.counts));
		}
		for (size_t i = 0; i < 6; i++)
			native_done(&parts[i]);
		native_done(&forth);
		native_done(&back);
		native_done(&direct);
	}
}

static int64_t unzigzag(uint64_t value)
{
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

struct message {
	uint64_t count, zero, spans, lengths;
	int64_t schema, at_ms, start_ms, starts[200];
	uint64_t length[200];
	int64_t deltas[4000];
	size_t deltas_len;
	double sum, threshold;
};

static void read_message(struct slice bytes, struct message *m)
{
	struct wire w = wire_of(bytes), in;
	struct wire_field f;
	*m = (struct message){0};
	while (wire_next(&w, &f) == 1) {
		uint64_t value;
		int64_t offset = 0;
		switch (f.number) {
		case 1: m->count = f.value; break;
		case 3: m->sum = wire_to_double(f.value); break;
		case 4: m->schema = unzigzag(f.value); break;
		case 5: m->threshold = wire_to_double(f.value); break;
		case 6: m->zero = f.value; break;
		case 11:
			for (in = wire_of(f.bytes); wire_next(&in, &f) == 1;)
				*(f.number == 1 ? (uint64_t *)&offset : &m->length[m->spans]) = f.number == 1 ? (uint64_t)unzigzag(f.value) : f.value;
			m->lengths += m->length[m->spans];
			m->starts[m->spans++] = offset;
			break;
		case 12:
			for (in = wire_of(f.bytes); in.next < in.end; m->deltas_len++) {
				check(wire_read_varint(&in, &value));
				m->deltas[m->deltas_len] = unzigzag(value);
			}
			break;
		case 15: m->at_ms = (int64_t)f.value; break;
		case 17: m->start_ms = (int64_t)f.value; break;
		default: fail_msg("field %u", f.number);
		}
	}
}

static void check_buckets(const struct message *m, const struct native *h)
{
	int64_t index = 0, count = 0;
	uint64_t seen = m->zero;
	size_t at = 0;
	for (size_t s = 0; s < m->spans; s++) {
		check(s == 0 || m->starts[s] > 0);
		index += m->starts[s];
		for (uint64_t i = 0; i < m->length[s]; i++, index++) {
			count += m->deltas[at++];
			check(index >= h->first && index < h->first + (int64_t)h->len);
			assert_int_equal(count, h->counts[index - h->first]);
			seen += (uint64_t)count;
		}
	}
	assert_int_equal(seen, m->count);
}

static void the_message_says_every_bucket(void **state)
{
	(void)state;
	static struct message m;
	for (unsigned seed = 0; seed < 300; seed++) {
		struct native h = {.schema = NATIVE_SCHEMA};
		struct buf out = {0};
		random_state = seed;
		for (unsigned n = dice(100); n > 0; n--)
			native_observe(&h, dice(10) ? some_value() : 0, dice(20) ? 1 + dice(5) : 1000000000);
		native_limit(&h);
		native_encode(&out, &h, 1700000000000, seed % 2 ? 1690000000000 : 0);
		read_message(buf_slice(&out), &m);
		assert_true(m.count == h.count && m.zero == h.zero && m.schema == h.schema && m.at_ms == 1700000000000 && m.start_ms == (seed % 2 ? 1690000000000 : 0));
		check(m.sum == h.sum && m.threshold == NATIVE_ZERO && m.lengths == m.deltas_len);
		check_buckets(&m, &h);
		native_done(&h);
		buf_done(&out);
	}
}

static void none_is_an_empty_one_and_a_stale_marker_is_its_sum(void **state)
{
	(void)state;
	static struct message m;
	struct buf out = {0};
	native_encode(&out, NULL, 5, 0);
	read_message(buf_slice(&out), &m);
	assert_true(m.count == 0 && m.spans == 0 && m.schema == NATIVE_SCHEMA && m.at_ms == 5);
	buf_reset(&out);
	native_encode_stale(&out, 6);
	read_message(buf_slice(&out), &m);
	uint64_t bits;
	memcpy(&bits, &m.sum, sizeof(bits));
	assert_true(bits == REMOTE_WRITE_STALE_BITS && m.count == 0 && m.at_ms == 6);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_lies_above_the_bound_below_and_not_above_its_own),
		cmocka_unit_test(what_is_no_positive_value_counts_as_zero),
		cmocka_unit_test(histograms_add_up_to_the_same_in_any_order_and_coarseness),
		cmocka_unit_test(the_message_says_every_bucket),
		cmocka_unit_test(none_is_an_empty_one_and_a_stale_marker_is_its_sum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
