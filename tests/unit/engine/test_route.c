/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "engine/route.h"

static void check_route(const char *name, const char *expect)
{
	char out[ROUTE_MAX];
	size_t len = route_template(slice_str(name), out);
	check_slice(slice_of(out, len), expect);
}

static void segments_that_are_ids_become_a_place(void **state)
{
	(void)state;
	check_route("GET /users/81422", "GET /users/<id>");
	check_route("/orders/8d3e1c5e-0b8f-4d1e-9a53-0a7b2b1c9d11/items/7", "/orders/<id>/items/<id>");
	check_route("/blobs/deadbeef01", "/blobs/<id>");
	check_route("/s/a1b2c3d4e5f6g7h8i9j0", "/s/<id>");
	check_route("query(17)", "query(<id>)");
	check_route("/at/2026-03-04/x", "/at/<id>/x");
}

static void words_with_a_digit_stay(void **state)
{
	(void)state;
	check_route("/api/v1/oauth2/s3", "/api/v1/oauth2/s3");
	check_route("/decade/facade", "/decade/facade");
	check_route("com.example.Cart/AddItem", "com.example.Cart/AddItem");
	check_route("/p95-latency-report-page", "/p95-latency-report-page");
}

static void the_query_goes(void **state)
{
	(void)state;
	check_route("GET /users/81422?x=1&y=/2", "GET /users/<id>");
	check_route("?x=1", "");
	check_route("", "");
}

static void a_long_name_is_cut_between_characters(void **state)
{
	(void)state;
	char out[ROUTE_MAX], name[2 * ROUTE_MAX];
	memset(name, 'x', sizeof(name));
	assert_int_equal(route_template(slice_of(name, sizeof(name)), out), ROUTE_MAX);
	memcpy(name + ROUTE_MAX - 1, "\xC3\xA4", 2); /* one character over the edge */
	assert_int_equal(route_template(slice_of(name, sizeof(name)), out), ROUTE_MAX - 1);
	memset(name, '/', sizeof(name));
	assert_int_equal(route_template(slice_of(name, sizeof(name)), out), ROUTE_MAX);
	memset(name, 'x', sizeof(name));
	memcpy(name + ROUTE_MAX - 3, "/1234", 5); /* a place is never half there */
	assert_int_equal(route_template(slice_of(name, ROUTE_MAX + 2), out), ROUTE_MAX - 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_that_are_ids_become_a_place),
		cmocka_unit_test(words_with_a_digit_stay),
		cmocka_unit_test(the_query_goes),
		cmocka_unit_test(a_long_name_is_cut_between_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
