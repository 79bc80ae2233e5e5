/* SPDX-License-Identifier: Apache-2.0 */
/* What a decoder remembers from record to record of a batch (names of members, how times begin, the trace) changes nothing: each record comes out as it does alone, from a decoder that has seen nothing. */
#include "../check.h"
#include "../random.h"
#include "base/buf.h"
#include "record/decoder.h"

#include <stdlib.h>

enum { BATCHES = 400, SPANS = 12 };

/* Members as they come in the wild, and some that are nearly the same. A NULL value is made up on the spot. */
static const struct {
	const char *name, *value;
} members[] = {
	{"traceId", NULL}, {"spanId", "\"00f067aa0ba902b7\""}, {"parentSpanId", "\"11f067aa0ba902b7\""}, {"name", "\"GET /a\""}, {"kind", "2"}, {"kind", "6"}, {"kind", "-1"}, {"kind", "18446744073709551615"}, {"name", "7"}, {"parentSpanId", "\"\""}, {"parentSpanId", "\"11F067AA0BA902B7\""}, {"parent_span_id", "\"22f067aa0ba902b7\""}, {"kind", "\"SPAN_KIND_CLIENT\""},
	{"startTimeUnixNano", NULL}, {"endTimeUnixNano", NULL}, {"startTimeXnixNano", "\"1\""}, {"startTiXeUnixNano", "7"}, {"endTimeUnixNanos", "\"2\""}, {"status", "{\"code\":2}"},
	{"status", "{}"}, {"attributes", "[{\"key\":\"http.route\",\"value\":{\"stringValue\":\"/r\"}}]"}, {"traceState", "\"ot=th:8\""}, {"x", "1"}, {"", "2"}, {"droppedAttributesCountOfThisLongName", "0"},
};
enum { MEMBERS = sizeof(members) / sizeof(members[0]), TRACE = 0, START = 13, END = 14 };

static const char *const traces[] = {"\"4bf92f3577b34da6a3ce929d0e0e4736\"", "\"4bf92f3577b34da6a3ce929d0e0e4737\"", "\"4BF92F3577B34DA6A3CE929D0E0E4736\"", "\"00000000000000000000000000000000\"", "\"\"", "7",
	"\"no id of thirty-two characters..\""};
static const char *const times[] = {"\"1772618399123456789\"", "\"1772618399000000001\"", "1772618399123456789", "\"1772618299999999999\"", "\"17726183991234567x9\"", "\"17726183x9123456789\"", "\"1772618x99123456789\"",
	"\"17726183991234567890\"", "\"177261839912345678\"", "\"\"", "\"-772618399123456789\"", "\"1772618399123:56789\"", "\"1772618399/23456789\"", "null", "true", "\"9223372036854775807\"", "\"9923372036854775807\""};

static void add_member(struct buf *out, size_t which)
{
	const char *value = members[which].value;
	if (!value)
		value = which == TRACE ? traces[below(3) ? below(2) : below(sizeof(traces) / sizeof(traces[0]))] : times[below(3) ? below(2) : below(sizeof(times) / sizeof(times[0]))];
	buf_printf(out, "\"%s\":%s", members[which].name, value);
}

/* Mostly the usual members in the usual order. */
static void add_span(struct buf *out)
{
	static const size_t usual[] = {TRACE, 1, 3, 4, START, END, 2};
	size_t odd = below(3) ? SIZE_MAX : below(7), first = below(8) ? 0 : below(7);
	buf_add_char(out, '{');
	for (size_t i = 0; i < 7; i++) {
		if (i)
			buf_add_char(out, ',');
		add_member(out, i == odd ? below(MEMBERS) : usual[(first + i) % 7]);
	}
	buf_add_char(out, '}');
}

static void add_batch(struct buf *out, const struct buf *spans, size_t len)
{
	buf_add_str(out, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}]},\"scopeSpans\":[{\"spans\":[");
	for (size_t i = 0; i < len; i++) {
		if (i)
			buf_add_char(out, ',');
		buf_add_slice(out, buf_slice(&spans[i]));
	}
	buf_add_str(out, "]}]}]}");
}

static void check_same(const struct record *a, const struct record *b)
{
	const struct slice texts[][2] = {{a->trace_id, b->trace_id}, {a->span_id, b->span_id}, {a->parent_span_id, b->parent_span_id}, {a->name, b->name}, {a->service, b->service}, {a->http_route, b->http_route},
		{a->trace_state, b->trace_state}};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check(slice_eq(texts[i][0], texts[i][1]));
	assert_int_equal(a->time_ns, b->time_ns);
	assert_int_equal(a->duration_ns, b->duration_ns);
	assert_int_equal(a->span_kind, b->span_kind);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->error, b->error);
	assert_int_equal(a->backwards, b->backwards);
	assert_int_equal(a->resource, b->resource);
}

/* The span alone, from a fresh decoder; true if it is one. */
static bool decode_alone(struct decoder *d, const struct buf *span, struct decoded *ret)
{
	static struct buf payload;
	buf_reset(&payload);
	add_batch(&payload, span, 1);
	buf_reserve(&payload, 64);
	decoder_decode(d, buf_slice(&payload), RANDOM_NOW_NS, ret);
	assert_int_equal(ret->len + ret->undecodable, 1);
	return ret->len == 1;
}

static void each_span_of_a_batch_comes_out_as_it_does_alone(void **state)
{
	(void)state;
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	struct buf spans[SPANS] = {0}, payload = {0};
	size_t good = 0, bad = 0;
	for (size_t n = 0; n < BATCHES; n++) {
		struct decoded all;
		size_t at = 0;
		buf_reset(&payload);
		for (size_t i = 0; i < SPANS; i++) {
			buf_reset(&spans[i]);
			add_span(&spans[i]);
		}
		add_batch(&payload, spans, SPANS);
		decoder_decode(d, buf_slice(&payload), RANDOM_NOW_NS, &all);
		for (size_t i = 0; i < SPANS; i++) {
			struct decoder *fresh = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
			struct decoded one;
			if (decode_alone(fresh, &spans[i], &one)) {
				assert_true(at < all.len);
				check_same(&all.records[at++], one.records);
			}
			decoder_free(fresh);
		}
		assert_int_equal(at, all.len);
		assert_int_equal(all.len + all.undecodable, SPANS);
		good += all.len;
		bad += all.undecodable;
	}
	check(good > BATCHES * SPANS / 2 && bad > BATCHES / 2);
	for (size_t i = 0; i < SPANS; i++)
		buf_done(&spans[i]);
	buf_done(&payload);
	decoder_free(d);
}

static void a_known_name_that_stands_there_twice_is_refused_among_records_as_before(void **state)
{
	(void)state;
	const char *const payload = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"spanId\":\"00f067aa0ba902b7\",\"name\":\"a\"},{\"spanId\":\"00f067aa0ba902b7\",\"name\":\"b\"},"
		"{\"spanId\":\"00f067aa0ba902b7\",\"spanId\":\"11f067aa0ba902b7\"},{\"spanId\":\"00f067aa0ba902b7\",\"name\":\"d\"}]}]}]}";
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	struct decoded out;
	decoder_decode(d, slice_str(payload), RANDOM_NOW_NS, &out);
	assert_int_equal(out.len, 3);
	assert_int_equal(out.undecodable, 1);
	assert_int_equal(out.reason, UNDECODABLE_DUPLICATE_KEY);
	check_slice(out.records[2].name, "d");
	decoder_free(d);
}

/* Of two names for the same the first counts, in the second record with these names as in the first. */
static void of_two_names_for_the_same_the_first_counts_each_time(void **state)
{
	(void)state;
	const char *const span = "{\"traceId\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"spanId\":\"00f067aa0ba902b7\",\"name\":\"a\",\"kind\":2,\"startTimeUnixNano\":\"1772618399000000000\","
		"\"start_time_unix_nano\":\"1772618399000000003\",\"endTimeUnixNano\":\"1772618399000000005\",\"status\":{}}";
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	struct buf spans[3] = {0}, payload = {0};
	struct decoded out;
	for (size_t i = 0; i < 3; i++)
		buf_add_str(&spans[i], span);
	add_batch(&payload, spans, 3);
	decoder_decode(d, buf_slice(&payload), RANDOM_NOW_NS, &out);
	assert_int_equal(out.len, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(out.records[i].duration_ns, 5);
		buf_done(&spans[i]);
	}
	buf_done(&payload);
	decoder_free(d);
}

/* What a resource is called is remembered by its text: no two are taken for each other, and what has escapes is read each time. */
static void each_resource_is_called_as_it_says(void **state)
{
	(void)state;
	static const char *const resources[] = {
		"{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}},{\"key\":\"pod\",\"value\":{\"stringValue\":\"0000000000\"}}]}",
		"{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"cart\"}},{\"key\":\"pod\",\"value\":{\"stringValue\":\"0000000000\"}}]}",
		"{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"c\\u0061r\"}},{\"key\":\"pod\",\"value\":{\"stringValue\":\"0000000000\"}}]}",
		"{\"attributes\":[]}",
	};
	static const char *const names[] = {"shop", "cart", "car", ""};
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	struct buf payload = {0};
	for (size_t n = 0; n < 40; n++) {
		size_t which = below(4);
		struct decoded out;
		buf_reset(&payload);
		buf_printf(&payload, "{\"resourceSpans\":[{\"resource\":%s,\"scopeSpans\":[{\"spans\":[{\"spanId\":\"00f067aa0ba902b7\",\"name\":\"a\"}]}]}]}", resources[which]);
		buf_reserve(&payload, 64);
		decoder_decode(d, buf_slice(&payload), RANDOM_NOW_NS, &out);
		assert_int_equal(out.len, 1);
		check_slice(out.records[0].service, names[which]);
	}
	buf_done(&payload);
	decoder_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_span_of_a_batch_comes_out_as_it_does_alone),
		cmocka_unit_test(a_known_name_that_stands_there_twice_is_refused_among_records_as_before),
		cmocka_unit_test(of_two_names_for_the_same_the_first_counts_each_time),
		cmocka_unit_test(each_resource_is_called_as_it_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
