/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/clock.h"
#include "base/wire.h"
#include "metric/remote_write.h"

#include <math.h>
#include <snappy-c.h>
#include <stdlib.h>

#define LABEL(n, v) ((struct label){SLICE(n), SLICE(v)})

/* Appends "name=value " for every label of an encoded block (or of an exemplar), failing on anything else. */
static void read_label(struct slice bytes, struct buf *out)
{
	struct wire w = wire_of(bytes);
	struct wire_field name, value;
	check(wire_next(&w, &name) == 1 && name.number == 1 && wire_next(&w, &value) == 1 && value.number == 2 && w.next == w.end);
	buf_add_slice(out, name.bytes);
	buf_add_char(out, '=');
	buf_add_slice(out, value.bytes);
	buf_add_char(out, ' ');
}

static void read_point(struct slice bytes, uint32_t value_field, uint32_t time_field, struct buf *out)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	double value = 0;
	int64_t time = 0;
	int more;
	while ((more = wire_next(&w, &f)) == 1) {
		if (f.number == value_field)
			value = wire_to_double(f.value);
		else if (f.number == time_field)
			time = (int64_t)f.value;
		else
			read_label(f.bytes, out);
	}
	assert_int_equal(more, 0);
	buf_printf(out, "%g@%lld", value, (long long)time);
}

/* A whole request as text: "[labels value@time | exemplar labels value@time]". */
static void read_request(struct slice body, struct buf *out)
{
	struct wire w = wire_of(body), series;
	struct wire_field f;
	int more;
	while ((more = wire_next(&w, &f)) == 1) {
		assert_int_equal(f.number, 1);
		buf_add_char(out, '[');
		series = wire_of(f.bytes);
		while ((more = wire_next(&series, &f)) == 1) {
			if (f.number == 1) {
				read_label(f.bytes, out);
			} else if (f.number == 2) {
				read_point(f.bytes, 1, 2, out);
			} else {
				assert_int_equal(f.number, 3);
				buf_add_str(out, " | ");
				read_point(f.bytes, 2, 3, out);
			}
		}
		assert_int_equal(more, 0);
		buf_add_char(out, ']');
	}
	assert_int_equal(more, 0);
}

static void check_block(const struct label *labels, size_t len, const struct label *extra, const char *expect)
{
	struct buf block = {0}, text = {0};
	remote_write_label_block(&block, SLICE("m_total"), labels, len, extra);
	struct wire w = wire_of(buf_slice(&block));
	struct wire_field f;
	while (wire_next(&w, &f) == 1) {
		assert_int_equal(f.number, 1);
		read_label(f.bytes, &text);
	}
	check_slice(buf_slice(&text), expect);
	buf_done(&block);
	buf_done(&text);
}

static void labels_come_out_sorted_with_the_name_and_the_bound_in_their_places(void **state)
{
	(void)state;
	const struct label le = LABEL("le", "0.5");
	const struct label ordinary[] = {LABEL("kind", "k"), LABEL("service_name", "s")};
	const struct label early[] = {LABEL("A", "1"), LABEL("_A", "2"), LABEL("_z", "3"), LABEL("z", "4")};
	const struct label doubled[] = {LABEL("__name__", "x"), LABEL("le", "y"), LABEL("z", "4")};
	check_block(NULL, 0, NULL, "__name__=m_total ");
	check_block(NULL, 0, &le, "__name__=m_total le=0.5 ");
	check_block(ordinary, 2, NULL, "__name__=m_total kind=k service_name=s ");
	check_block(ordinary, 2, &le, "__name__=m_total kind=k le=0.5 service_name=s ");
	check_block(early, 4, &le, "A=1 _A=2 __name__=m_total _z=3 le=0.5 z=4 ");
	check_block(doubled, 3, &le, "__name__=m_total le=0.5 z=4 ");
	const struct label first = LABEL("Le", "1");
	check_block(ordinary, 2, &first, "Le=1 __name__=m_total kind=k service_name=s ");
}

static void a_series_is_byte_for_byte_what_the_schema_says(void **state)
{
	(void)state;
	struct buf block = {0}, request = {0};
	const struct label label = LABEL("a", "b");
	remote_write_label_block(&block, SLICE("m"), &label, 1, NULL);
	remote_write_add(&request, buf_slice(&block), 1.5, 300, NULL);
	static const char expect[] =
		"\x0A\x25"                                         /* timeseries, 37 bytes */
		"\x0A\x0D\x0A\x08__name__\x12\x01m"                /* label */
		"\x0A\x06\x0A\x01" "a\x12\x01" "b"                 /* label */
		"\x12\x0C\x09\x00\x00\x00\x00\x00\x00\xF8\x3F\x10\xAC\x02"; /* sample: 1.5, 300 */
	assert_int_equal(request.len, sizeof(expect) - 1);
	assert_memory_equal(request.data, expect, sizeof(expect) - 1);
	buf_reset(&request);
	remote_write_add(&request, buf_slice(&block), 0, 300, NULL); /* proto3: zero is left out */
	static const char tail[] = "\x12\x03\x10\xAC\x02";
	assert_memory_equal(request.data + request.len - 5, tail, 5);
	buf_done(&block);
	buf_done(&request);
}

static void exemplars_and_values_are_read_back(void **state)
{
	(void)state;
	struct buf block = {0}, request = {0}, text = {0};
	struct exemplar e;
	remote_write_label_block(&block, SLICE("m"), NULL, 0, NULL);
	exemplar_set(&e, 1500 * NS_PER_MS + 7, 0.25, 3, SLICE("0123456789abcdef0123456789abcdef"), SLICE("0123456789abcdef"));
	remote_write_add(&request, buf_slice(&block), 7, 1700000000123, &e);
	exemplar_set(&e, 1500 * NS_PER_MS, 0, 1, SLICE("t"), SLICE(""));
	remote_write_add(&request, buf_slice(&block), -1, -5, &e);
	read_request(buf_slice(&request), &text);
	check_slice(buf_slice(&text), "[__name__=m 7@1700000000123 | span_id=0123456789abcdef trace_id=0123456789abcdef0123456789abcdef 0.25@1500]"
		"[__name__=m -1@-5 | trace_id=t 0@1500]");
	buf_done(&block);
	buf_done(&request);
	buf_done(&text);
}

static void an_exemplar_that_a_receiver_would_drop_is_not_sent(void **state)
{
	(void)state;
	struct buf block = {0}, plain = {0}, request = {0};
	remote_write_label_block(&block, SLICE("m"), NULL, 0, NULL);
	remote_write_add(&plain, buf_slice(&block), 7, 1, NULL);
	struct exemplar bad[5];
	for (int i = 0; i < 5; i++)
		exemplar_set(&bad[i], 1, 1, 1, SLICE("t"), SLICE("s"));
	bad[0].rank = 0;
	bad[1].trace_len = bad[1].span_len = 0;
	bad[2].trace_len = EXEMPLAR_TRACE_MAX + 1;
	bad[3].value = (double)NAN;
	bad[4].trace_id[0] = (char)0xFF;
	for (int i = 0; i < 5; i++) {
		buf_reset(&request);
		remote_write_add(&request, buf_slice(&block), 7, 1, &bad[i]);
		check(slice_eq(buf_slice(&request), buf_slice(&plain)));
	}
	buf_done(&block);
	buf_done(&plain);
	buf_done(&request);
}

static void the_stale_marker_keeps_its_bits(void **state)
{
	(void)state;
	struct buf request = {0};
	remote_write_add(&request, slice_of(NULL, 0), remote_write_stale(), 0, NULL);
	static const char expect[] = "\x0A\x0B\x12\x09\x09\x02\x00\x00\x00\x00\x00\xF0\x7F";
	assert_int_equal(request.len, sizeof(expect) - 1);
	assert_memory_equal(request.data, expect, sizeof(expect) - 1);
	buf_done(&request);
}

static void metadata_has_type_name_help_and_unit(void **state)
{
	(void)state;
	struct buf request = {0};
	const struct family f = {.name = "a_seconds", .type = METRIC_HISTOGRAM, .unit = "seconds", .help = "H"};
	remote_write_add_metadata(&request, &f);
	static const char expect[] = "\x1A\x19\x08\x03\x12\x09" "a_seconds\x22\x01H\x2A\x07seconds";
	assert_int_equal(request.len, sizeof(expect) - 1);
	assert_memory_equal(request.data, expect, sizeof(expect) - 1);
	buf_reset(&request);
	const struct family bare = {.name = "c_total", .type = METRIC_COUNTER, .unit = "", .help = ""};
	remote_write_add_metadata(&request, &bare);
	static const char short_form[] = "\x1A\x0B\x08\x01\x12\x07" "c_total";
	assert_int_equal(request.len, sizeof(short_form) - 1);
	assert_memory_equal(request.data, short_form, sizeof(short_form) - 1);
	buf_done(&request);
}

static void what_is_compressed_comes_back(void **state)
{
	(void)state;
	struct buf body = {0}, packed = {0};
	remote_write_compress(&packed, buf_slice(&body));
	assert_int_equal(packed.len, 1); /* an empty block is its length alone */
	buf_reset(&packed);
	for (int i = 0; i < 5000; i++)
		buf_printf(&body, "%d,", i % 37);
	remote_write_compress(&packed, buf_slice(&body));
	check(packed.len < body.len / 4);
	char *back = malloc(body.len);
	size_t len = body.len;
	assert_int_equal(snappy_uncompress(packed.data, packed.len, back, &len), SNAPPY_OK);
	check(slice_eq(slice_of(back, len), buf_slice(&body)));
	free(back);
	buf_done(&body);
	buf_done(&packed);
}

static void bounds_read_as_other_exporters_write_them(void **state)
{
	(void)state;
	static const struct {
		double bound;
		const char *text;
	} cases[] = {{0.005, "0.005"}, {0.1, "0.1"}, {1, "1"}, {2.5, "2.5"}, {10, "10"}, {15000, "15000"}, {1e6, "1e+06"}, {0.30000000000000004, "0.30000000000000004"}, {(double)INFINITY, "+Inf"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf text = {0};
		remote_write_bound_text(&text, cases[i].bound);
		check_slice(buf_slice(&text), cases[i].text);
		buf_done(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_come_out_sorted_with_the_name_and_the_bound_in_their_places),
		cmocka_unit_test(a_series_is_byte_for_byte_what_the_schema_says),
		cmocka_unit_test(exemplars_and_values_are_read_back),
		cmocka_unit_test(an_exemplar_that_a_receiver_would_drop_is_not_sent),
		cmocka_unit_test(the_stale_marker_keeps_its_bits),
		cmocka_unit_test(metadata_has_type_name_help_and_unit),
		cmocka_unit_test(what_is_compressed_comes_back),
		cmocka_unit_test(bounds_read_as_other_exporters_write_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
