/* SPDX-License-Identifier: Apache-2.0 */
/* What looks like an id and what only looks technical. */
#include "../check.h"
#include "base/hash.h"
#include "metric/id_like.h"

#include <stdio.h>

static void ids_are_known_by_their_shape(void **state)
{
	(void)state;
	static const char *const ids[] = {
		"5e0b1c9e-7d2a-4f33-9d0b-1a2b3c4d5e6f", "{5E0B1C9E-7D2A-4F33-9D0B-1A2B3C4D5E6F}", "load 5e0b1c9e-7d2a-4f33-9d0b-1a2b3c4d5e6f from cart", "x5e0b1c9e-7d2a-4f33-9d0b-1a2b3c4d5e6fx",
		"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "req-00f067aa0ba902b7", "1764012345", "1764012345678901", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "V1StGXR8Z5jdHi6BmyT9kQ", "arn:aws:x/4bf92f3577b34da6a3ce929d0e0e4736",
		"acct_1032D82eZvKYlo2CxZ4k",
	};
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (!id_like(slice_str(ids[i])))
			fail_msg("%s is an id", ids[i]);
}

static void names_of_things_are_none(void **state)
{
	(void)state;
	static const char *const names[] = {
		"", "a", "checkout", "ts-order-other-service", "checkout-7d9f8b6c5d-x2x8z", "ip-10-0-12-34.eu-west-1.compute.internal", "10.0.12.34", "v1.2.3-rc4", "e0f748b", "2026-11-23", "eu-central-1a", "GET /api/v1/orders",
		"java.lang.IllegalArgumentException", "order-created-v2", "SELECT", "OrderCreatedEventHandlerV2Impl", "node-0042", "aabbccddeeff", "deadbeefcafebabefeed", "internationalization2026team", "azaaaaaaaa1aaaaaaaaa1aaaaaa1aaa", "2001:db8::ff00:42:8329",
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (id_like(slice_str(names[i])))
			fail_msg("%s is no id", names[i]);
}

static void long_values_with_a_third_of_digits_may_be_ids(void **state)
{
	(void)state;
	assert_true(id_like_perhaps(SLICE("order-4711")));
	assert_true(id_like_perhaps(SLICE("12345678")));
	assert_false(id_like_perhaps(SLICE("1234567")));
	assert_false(id_like_perhaps(SLICE("checkout-12")));
	assert_false(id_like_perhaps((struct slice){0}));
}

static void random_ids_of_every_usual_kind_are_found(void **state)
{
	(void)state;
	static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	uint64_t dice = 1;
	size_t missed[3] = {0};
	for (size_t n = 0; n < 3000; n++) {
		char text[64];
		size_t kind = n % 3, len = kind == 0 ? 16 : kind == 1 ? 32 : 24, base = kind == 2 ? 62 : 16;
		for (size_t i = 0; i < len; i++) {
			dice = hash_pair(dice, i);
			text[i] = alphabet[dice % base];
		}
		missed[kind] += !id_like(slice_of(text, len));
	}
	assert_in_range(missed[0], 0, 5);
	assert_int_equal(missed[1], 0);
	assert_in_range(missed[2], 0, 150); /* some have hardly a digit */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_known_by_their_shape),
		cmocka_unit_test(names_of_things_are_none),
		cmocka_unit_test(long_values_with_a_third_of_digits_may_be_ids),
		cmocka_unit_test(random_ids_of_every_usual_kind_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
