/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/err.h"
#include "base/wire.h"

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	struct buf b = {0};
	wire_add_u64(&b, 1, UINT64_MAX);
	wire_add_sint64(&b, 2, -3);
	wire_add_double(&b, 3, 2.5);
	wire_add_bytes(&b, 4, SLICE("abc"));
	struct wire w = wire_of(buf_slice(&b));
	struct wire_field f;
	check(wire_next(&w, &f) == 1 && f.number == 1 && f.value == UINT64_MAX);
	check(wire_next(&w, &f) == 1 && wire_zigzag(f.value) == -3);
	check(wire_next(&w, &f) == 1 && wire_to_double(f.value) == 2.5);
	check(wire_next(&w, &f) == 1);
	check_slice(f.bytes, "abc");
	check(wire_next(&w, &f) == 0);
	buf_done(&b);
}

static void truncated_and_malformed_input_is_corrupt(void **state)
{
	(void)state;
	struct wire_field f;
	const struct slice bad[] = {SLICE("\x0A\x05" "ab"), SLICE("\x08"), SLICE("\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02"), SLICE("\x00\x01"), SLICE("\x0B")};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wire w = wire_of(bad[i]);
		assert_int_equal(wire_next(&w, &f), ERR_CORRUPT);
	}
}

static void varint_lengths_match_what_is_written(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		struct buf b = {0};
		wire_add_varint(&b, UINT64_C(1) << bit);
		assert_int_equal(b.len, wire_varint_len(UINT64_C(1) << bit));
		buf_done(&b);
	}
	assert_int_equal(wire_varint_len(0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(truncated_and_malformed_input_is_corrupt),
		cmocka_unit_test(varint_lengths_match_what_is_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
