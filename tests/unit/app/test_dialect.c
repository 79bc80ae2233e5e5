/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "app/dialect.h"
#include "base/clock.h"
#include "base/wire.h"

/* A 1.0 body with one series of one sample, which names its start where 1.0 has no place for it. */
static void write_body(struct buf *out, bool start)
{
	struct buf sample = {0}, series = {0};
	wire_add_double(&sample, 1, 2);
	wire_add_u64(&sample, 2, 1700000000000);
	if (start)
		wire_add_u64(&sample, 3, 1600000000000);
	wire_add_bytes(&series, 2, buf_slice(&sample));
	wire_add_bytes(out, 1, buf_slice(&series));
	buf_done(&sample);
	buf_done(&series);
}

/* One that spoke 2.0 until the receiver showed that it does not understand it. */
static struct dialect *in_1(void)
{
	struct dialect *d = dialect_new(SENDER_AUTO, 3600 * NS_PER_S);
	struct http_reply reply = {.verdict = HTTP_OK, .status = 204, .written_samples = -1, .written_histograms = -1, .written_exemplars = -1};
	assert_int_equal(dialect_hear(d, &reply, 1, 0), DIALECT_CHANGED);
	assert_int_equal(dialect_version(d), REMOTE_WRITE_1);
	return d;
}

static void a_plain_body_goes_as_it_is(void **state)
{
	(void)state;
	struct dialect *d = in_1();
	struct buf plain = {0};
	write_body(&plain, false);
	struct slice fit = dialect_fit(d, (struct dialect_body){buf_slice(&plain), DIALECT_FORM_1});
	assert_ptr_equal(fit.ptr, plain.data);
	assert_int_equal(fit.len, plain.len);
	buf_done(&plain);
	dialect_free(d);
}

static void what_only_2_0_has_is_taken_out_of_a_portable_one(void **state)
{
	(void)state;
	struct dialect *d = in_1();
	struct buf plain = {0}, portable = {0};
	write_body(&plain, false);
	write_body(&portable, true);
	struct slice fit = dialect_fit(d, (struct dialect_body){buf_slice(&portable), DIALECT_FORM_PORTABLE});
	assert_true(slice_eq(fit, buf_slice(&plain)));
	assert_false(slice_eq(fit, buf_slice(&portable)));
	buf_done(&plain);
	buf_done(&portable);
	dialect_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_body_goes_as_it_is),
		cmocka_unit_test(what_only_2_0_has_is_taken_out_of_a_portable_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
