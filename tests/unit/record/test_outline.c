/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/clock.h"
#include "record/decoder.h"
#include "record/outline.h"

#include <stdio.h>

static const int64_t NOW_NS = INT64_C(1772618400) * NS_PER_S; /* 2026-03-04T10:00:00Z */

/* A name as it stands in a document. */
static struct slice name(const char *text)
{
	static char at[512];
	memset(at, 0xEE, sizeof(at));
	at[0] = '"';
	memcpy(at + 1, text, strlen(text));
	at[1 + strlen(text)] = '"';
	return slice_of(at, strlen(text) + 2);
}

/* As a reader does: the child that came last first. Nodes by number; 0: nowhere, 1: the root. */
static size_t step(struct outline *o, size_t parent, struct slice text)
{
	struct outline_node *first = o->nodes[parent].first;
	bool expected = outline_is(first, text.ptr);
	struct outline_node *found = outline_search(o, &o->nodes[parent], text);
	if (expected)
		assert_ptr_equal(found, first);
	return (size_t)(found - o->nodes);
}

static void a_name_leads_to_the_same_node_again(void **state)
{
	struct outline o = {0};
	outline_begin(&o);
	size_t time = step(&o, 1, name("time")), level = step(&o, time, name("level"));
	assert_true(time && level && time != level);
	assert_int_equal(step(&o, 1, name("time")), time);
	assert_int_equal(step(&o, time, name("level")), level);
	assert_int_not_equal(step(&o, 1, name("level")), level);
	assert_true(slice_eq(outline_name(&o.nodes[level]), slice_str("level")));
	outline_done(&o);
	(void)state;
}

static void names_are_told_apart_to_the_last_byte(void **state)
{
	static const char *const names[] = {"", "a", "b", "aa", "time", "time_", "resource.attributes.host_a", "resource.attributes.host_b", "resource.attributes.host_",
		"a_name_of_sixteen", "a_name_of_twelve"};
	struct outline o = {0};
	size_t nodes[sizeof(names) / sizeof(names[0])];
	outline_begin(&o);
	for (size_t round = 0; round < 2; round++)
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			size_t node = step(&o, 1, name(names[i]));
			nodes[i] = round ? nodes[i] : node;
			assert_int_equal(node, nodes[i]);
			assert_true(slice_eq(outline_name(&o.nodes[node]), slice_str(names[i])));
			for (size_t k = 0; k < i; k++)
				assert_int_not_equal(nodes[k], node);
		}
	outline_done(&o);
	(void)state;
}

static void it_is_bounded(void **state)
{
	struct outline o = {0};
	char text[OUTLINE_TEXT + 1];
	size_t refused = 0;
	outline_begin(&o);
	memset(text, 'x', OUTLINE_TEXT - 1);
	text[OUTLINE_TEXT - 1] = 0;
	assert_int_equal(step(&o, 1, name(text)), 0);
	for (int i = 0; i < OUTLINE_BRANCHES + 5; i++) {
		snprintf(text, sizeof(text), "n%d", i);
		refused += step(&o, 1, name(text)) == 0;
	}
	assert_int_equal(refused, 5);
	for (int i = 0; i < 10 * OUTLINE_NODES; i++) {
		outline_begin(&o);
		snprintf(text, sizeof(text), "n%d", i);
		size_t node = step(&o, 1, name("n3"));
		for (int k = 0; k < 3 && node; k++)
			node = step(&o, node, name(text));
		assert_true(o.len <= OUTLINE_NODES);
	}
	outline_done(&o);
	(void)state;
}

static void a_bracket_is_no_name_and_leads_on(void **state)
{
	struct outline o = {0};
	outline_begin(&o);
	struct outline_node *root = outline_root(&o), *object = outline_search_bracket(&o, root, '{'), *array = outline_search_bracket(&o, root, '[');
	assert_true(object != array && object != outline_nowhere(&o));
	assert_ptr_equal(outline_search_bracket(&o, root, '{'), object);
	assert_ptr_not_equal(outline_search(&o, object, name("{")), object);
	assert_false(outline_is(object, name("{").ptr));
	assert_ptr_equal(outline_search_bracket(&o, outline_nowhere(&o), '{'), outline_nowhere(&o));
	outline_done(&o);
	(void)state;
}

/* --- a decoder that has seen other objects says what a new one says --- */

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	return *seed ^= *seed << 17;
}

/* What lies in members: objects, arrays of them, values that are neither; names that come once only. */
static size_t some_value(uint64_t *seed, unsigned depth, char *out, size_t size)
{
	static const char *const names[] = {"level", "message", "trace_id", "span_id", "name", "service", "labels", "app", "type", "key", "value", "elapsed_ms", "id", "timestamp"};
	static const char *const values[] = {"1", "null", "\"warn\"", "\"shop\"", "[]", "{}", "[1,\"a\"]", "\"trace_id\"", "\"0123456789abcdef0123456789abcdef\"", "\"2026-03-04T09:15:02Z\""};
	size_t len = 0, want = next(seed) % 4;
	bool array = next(seed) % 3 == 0;
	if (depth == 0 || next(seed) % 4 == 0)
		return (size_t)snprintf(out, size, "%s", values[next(seed) % (sizeof(values) / sizeof(values[0]))]);
	out[len++] = array ? '[' : '{';
	for (size_t i = 0; i < want; i++) {
		len += (size_t)snprintf(out + len, size - len, "%s", i ? "," : "");
		if (!array && next(seed) % 20 == 0)
			len += (size_t)snprintf(out + len, size - len, "\"n%u\":", (unsigned)(next(seed) % 1000));
		else if (!array)
			len += (size_t)snprintf(out + len, size - len, "\"%s\":", names[next(seed) % (sizeof(names) / sizeof(names[0]))]);
		len += some_value(seed, depth - 1, out + len, size - len);
	}
	out[len++] = array ? ']' : '}';
	out[len] = 0;
	return len;
}

/* A few members of a few loggers in any order, now and then one twice or with another kind of value. */
static size_t some_object(uint64_t *seed, char *out, size_t size)
{
	static const char *const members[] = {"\"time\":\"2026-03-04T09:15:02Z\"", "\"time\":1772618399000", "\"level\":\"INFO\"", "\"level\":50", "\"level\":\"error\"",
		"\"msg\":\"one\"", "\"message\":\"two\"", "\"log\":\"three\"", "\"log\":{\"level\":\"warn\"}", "\"kubernetes\":{\"labels\":{\"app\":\"shop\"}}", "\"service\":\"cart\"",
		"\"err\":{\"type\":\"E\"}", "\"x\":1", "\"trace_id\":\"0123456789abcdef0123456789abcdef\"", "\"event\":\"four\"", "\"logger\":\"a.B\"", "\"@timestamp\":\"2026-03-04T09:15:03Z\""};
	static const char *const inside[] = {"fields", "log", "kubernetes", "span", "spans", "service", "labels", "resource", "attributes", "error", "event", "x", "trace"};
	size_t len = 0, want = 1 + next(seed) % 6;
	out[len++] = '{';
	for (size_t i = 0; i < want; i++) {
		len += (size_t)snprintf(out + len, size - len, "%s", i ? "," : "");
		if (next(seed) % 3) {
			len += (size_t)snprintf(out + len, size - len, "%s", members[next(seed) % (sizeof(members) / sizeof(members[0]))]);
			continue;
		}
		len += (size_t)snprintf(out + len, size - len, "\"%s\":", inside[next(seed) % (sizeof(inside) / sizeof(inside[0]))]);
		len += some_value(seed, 4, out + len, size - len);
	}
	out[len++] = '}';
	return len;
}

static void check_same(const struct decoded *a, const struct decoded *b)
{
	assert_int_equal(a->len, b->len);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->undecodable, b->undecodable);
	for (size_t i = 0; i < a->len; i++) {
		const struct record *x = &a->records[i], *y = &b->records[i];
		assert_int_equal(x->time_ns, y->time_ns);
		assert_int_equal(x->severity, y->severity);
		assert_true(slice_eq(x->message, y->message));
		assert_true(slice_eq(x->service, y->service));
		assert_true(slice_eq(x->trace_id, y->trace_id));
		assert_true(slice_eq(x->logger, y->logger));
		assert_true(slice_eq(x->exception_type, y->exception_type));
		assert_true(slice_eq(x->span_id, y->span_id));
		assert_int_equal(x->duration_ns, y->duration_ns);
		assert_int_equal(x->error, y->error);
	}
}

/* Twice in a row, so that the second time what the first one noted is used. */
static void what_was_seen_before_changes_nothing(void **state)
{
	const struct decoder_opts opts = {.format = FORMAT_AUTO};
	struct decoder *old = decoder_new(&opts);
	uint64_t seed = 88172645463325252u;
	size_t lost = 0;
	for (int i = 0; i < 40000; i++) {
		char text[16384];
		struct decoded a, b;
		struct slice payload = slice_of(text, some_object(&seed, text, sizeof(text)));
		decoder_decode(old, payload, NOW_NS, &a);
		if (i % 10) /* what the old one learns from */
			continue;
		struct decoder *fresh = decoder_new(&opts);
		decoder_decode(fresh, payload, NOW_NS, &b);
		check_same(&a, &b);
		decoder_decode(old, payload, NOW_NS, &a);
		check_same(&a, &b);
		lost += a.undecodable;
		decoder_free(fresh);
	}
	assert_true(lost > 200 && lost < 3800);
	decoder_free(old);
	(void)state;
}

/* The same names in the same order, at whatever depth, and other values: what one of them leaves behind is what the others find. */
static void objects_of_one_order_have_their_own_values(void **state)
{
	static const char *const forms[] = {
		"{\"level\":%s,\"message\":\"m\",\"kubernetes\":{\"labels\":{\"app\":%s}},\"span\":{\"trace_id\":%s}}",
		"{\"level\":%s,\"message\":\"m\",\"fields\":{\"app\":%s},\"spans\":[1,{\"name\":\"a\"},{\"trace_id\":%s}]}",
		"{\"level\":%s,\"message\":\"m\",\"attributes\":[{\"key\":%s,\"value\":%s}]}",
		"{\"level\":%s,\"message\":\"m\",\"log\":{\"level\":%s,\"logger\":%s}}",
	};
	static const char *const values[] = {"\"error\"", "\"INFO\"", "50", "null", "true", "{}", "[]", "\"shop\"", "\"0123456789abcdef0123456789abcdef\"", "\"trace_id\"", "\"a\\nb\""};
	enum { VALUES = sizeof(values) / sizeof(values[0]) };
	const struct decoder_opts opts = {.format = FORMAT_AUTO};
	struct decoder *old = decoder_new(&opts);
	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++)
		for (size_t i = 0; i < VALUES * VALUES * VALUES; i++) {
			char text[512];
			struct decoded a, b;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			struct slice payload = slice_of(text, (size_t)snprintf(text, sizeof(text), forms[f], values[i % VALUES], values[i / VALUES % VALUES], values[i / VALUES / VALUES]));
#pragma GCC diagnostic pop
			decoder_decode(old, payload, NOW_NS, &a);
			struct decoder *fresh = decoder_new(&opts);
			decoder_decode(fresh, payload, NOW_NS, &b);
			check_same(&a, &b);
			decoder_free(fresh);
		}
	decoder_free(old);
	(void)state;
}

/* Ever new names in one object make it opaque: from then on nothing is taken for known of what lies in it. */
static void an_object_of_ever_new_names_is_looked_into_each_time(void **state)
{
	const struct decoder_opts opts = {.format = FORMAT_AUTO};
	struct decoder *d = decoder_new(&opts);
	for (int i = 0; i < 200; i++) {
		char text[256];
		struct decoded out;
		bool has = i % 3 == 0;
		struct slice payload = slice_of(text, (size_t)snprintf(text, sizeof(text), "{\"level\":\"info\",\"message\":\"m\",\"span\":{\"n%d\":1,\"%s\":\"0123456789abcdef0123456789abcdef\"}}", i, has ? "trace_id" : "other"));
		decoder_decode(d, payload, NOW_NS, &out);
		assert_int_equal(out.len, 1);
		check_slice(out.records[0].trace_id, has ? "0123456789abcdef0123456789abcdef" : "");
	}
	decoder_free(d);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_leads_to_the_same_node_again),
		cmocka_unit_test(names_are_told_apart_to_the_last_byte),
		cmocka_unit_test(it_is_bounded),
		cmocka_unit_test(a_bracket_is_no_name_and_leads_on),
		cmocka_unit_test(an_object_of_ever_new_names_is_looked_into_each_time),
		cmocka_unit_test(objects_of_one_order_have_their_own_values),
		cmocka_unit_test(what_was_seen_before_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
