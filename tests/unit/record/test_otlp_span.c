/* SPDX-License-Identifier: Apache-2.0 */
/* A span in protobuf as nearly all are written is read in one go, others field by field: both ways come to the same. What makes a span go the other way is a field that means nothing behind its own. */
#include "../check.h"
#include "../random.h"
#include "base/wire.h"
#include "record/decoder.h"
#include "record/record.h"

enum { SPANS = 20000, UNKNOWN = 100 };

/* Mostly an id, now and then none or one of another length. */
static void add_id(struct buf *b, uint32_t field, size_t len)
{
	char bytes[24];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)below(256);
	size_t odd = below(24);
	if (odd == 0)
		memset(bytes, 0, sizeof(bytes));
	wire_add_bytes(b, field, slice_of(bytes, odd == 1 ? below(sizeof(bytes)) : len));
}

static void add_name(struct buf *b)
{
	static const char *const names[] = {"GET /a", "orders.find", "a name of more than thirty-two characters", "", "caf\xC3\xA9 with sixteen bytes", "not UTF-8: \xC3(", "\xFF"};
	char longest[200];
	memset(longest, 'x', sizeof(longest));
	if (below(20) == 0)
		wire_add_bytes(b, 5, slice_of(longest, below(sizeof(longest))));
	else
		wire_add_bytes(b, 5, slice_str(names[below(10) ? below(4) : below(7)]));
}

static uint64_t a_time(void)
{
	static const uint64_t odd[] = {0, 1, UINT64_C(946684799999999999), UINT64_C(946684800000000000), UINT64_C(9223372036854775807), UINT64_C(9223372036854775808), UINT64_MAX};
	return below(12) ? (uint64_t)RANDOM_NOW_NS - below(1000) : odd[below(7)];
}

/* Fields in the order of their numbers; some are left out, some in another form. */
static void make_span(struct buf *b)
{
	buf_reset(b);
	if (below(30))
		add_id(b, 1, 16);
	if (below(30))
		add_id(b, 2, 8);
	if (below(4))
		add_id(b, 4, 8);
	if (below(30))
		add_name(b);
	if (below(30))
		wire_add_u64(b, 6, below(12) ? below(6) : below(300));
	if (below(30))
		wire_add_fixed64(b, 7, a_time());
	if (below(30))
		wire_add_fixed64(b, 8, a_time());
	if (below(10) == 0)
		wire_add_u64(b, 10, below(3));
	if (below(40) == 0 && b->len > 3)
		b->len -= below(3); /* cut off */
}

static struct slice batch_of(struct buf *out, struct slice span)
{
	struct buf scope = {0}, resource = {0};
	wire_add_bytes(&scope, 2, span);
	wire_add_bytes(&resource, 2, buf_slice(&scope));
	buf_reset(out);
	wire_add_bytes(out, 1, buf_slice(&resource));
	buf_done(&scope);
	buf_done(&resource);
	return buf_slice(out);
}

static void check_same(const struct record *a, const struct record *b)
{
	check(slice_eq(a->trace_id, b->trace_id) && slice_eq(a->span_id, b->span_id) && slice_eq(a->parent_span_id, b->parent_span_id) && slice_eq(a->name, b->name));
	assert_int_equal(a->time_ns, b->time_ns);
	assert_int_equal(a->duration_ns, b->duration_ns);
	assert_int_equal(a->span_kind, b->span_kind);
	check(a->error == b->error && a->backwards == b->backwards && a->status == b->status && a->resource == b->resource);
	check(a->message.len == 0 && a->http_route.len == 0 && a->trace_state.len == 0 && a->peer.len == 0 && a->sampling == 0);
}

static void a_usual_span_comes_out_as_field_by_field(void **state)
{
	(void)state;
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_OTLP_PROTO}), *other = decoder_new(&(struct decoder_opts){.format = FORMAT_OTLP_PROTO});
	struct buf span = {0}, payload = {0}, payload2 = {0};
	size_t good = 0, plain = 0, lost = 0;
	for (size_t i = 0; i < SPANS; i++) {
		struct decoded a, b;
		make_span(&span);
		decoder_decode(d, batch_of(&payload, buf_slice(&span)), RANDOM_NOW_NS, &a);
		size_t whole = span.len;
		wire_add_u64(&span, UNKNOWN, 1);
		decoder_decode(other, batch_of(&payload2, buf_slice(&span)), RANDOM_NOW_NS, &b);
		if (a.len == 0 && a.reason == UNDECODABLE_NOT_PROTOBUF && whole) { /* what was cut off may have taken the field behind it for its end */
			lost++;
			continue;
		}
		assert_int_equal(a.len, b.len);
		assert_int_equal(a.undecodable, b.undecodable);
		assert_int_equal(a.reason, b.reason);
		if (!a.len)
			continue;
		check_same(&a.records[0], &b.records[0]);
		check(!b.records[0].plain);
		plain += a.records[0].plain;
		good++;
	}
	check(good > SPANS / 2 && plain > SPANS / 3 && plain < good && lost > 0);
	buf_done(&span);
	buf_done(&payload);
	buf_done(&payload2);
	decoder_free(d);
	decoder_free(other);
}

/* A place in the decoder's list has nothing left of a span that had more. */
static void a_plain_span_behind_one_with_attributes_has_none_of_them(void **state)
{
	(void)state;
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_OTLP_PROTO});
	struct buf plain = {0}, rich = {0}, pair = {0}, any = {0}, payload = {0};
	for (int i = 0; i < 2; i++) {
		struct buf *b = i ? &rich : &plain;
		wire_add_bytes(b, 1, SLICE("0123456789abcdef"));
		wire_add_bytes(b, 2, SLICE("01234567"));
		wire_add_bytes(b, 5, SLICE("name"));
		wire_add_u64(b, 6, 2);
		wire_add_fixed64(b, 7, (uint64_t)RANDOM_NOW_NS - 5);
		wire_add_fixed64(b, 8, (uint64_t)RANDOM_NOW_NS);
	}
	wire_add_bytes(&any, 1, SLICE("/r"));
	wire_add_bytes(&pair, 1, SLICE("http.route"));
	wire_add_bytes(&pair, 2, buf_slice(&any));
	wire_add_bytes(&rich, 9, buf_slice(&pair));
	for (int i = 0; i < 6; i++) {
		struct decoded out;
		decoder_decode(d, batch_of(&payload, buf_slice(i % 2 ? &rich : &plain)), RANDOM_NOW_NS, &out);
		assert_int_equal(out.len, 1);
		check_slice(out.records[0].http_route, i % 2 ? "/r" : "");
		check(out.records[0].plain == (i % 2 == 0));
		check_slice(out.records[0].name, "name");
	}
	buf_done(&plain);
	buf_done(&rich);
	buf_done(&pair);
	buf_done(&any);
	buf_done(&payload);
	decoder_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_usual_span_comes_out_as_field_by_field),
		cmocka_unit_test(a_plain_span_behind_one_with_attributes_has_none_of_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
