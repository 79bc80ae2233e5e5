/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/hash.h"
#include "ledger/ledger.h"
#include "ledger/pack.h"
#include "ledger/seal.h"

#include <float.h>
#include <stdlib.h>
#include <zlib.h>

struct reader {
	struct arena arena;
	struct buf scratch;
	struct delta d;
};

static int decode(struct reader *r, const struct buf *record)
{
	arena_reset(&r->arena);
	return delta_decode(buf_slice(record), &r->arena, &r->scratch, &r->d);
}

static void reader_done(struct reader *r)
{
	arena_done(&r->arena);
	buf_done(&r->scratch);
}

static struct label labels[] = {{SLICE("pattern_id"), SLICE("00000000000000aa")}, {SLICE("service_name"), SLICE("cart")}};
static const struct tally_series series[] = {
	{.family = FAMILY_LOG_RECORDS, .labels = &labels[1], .labels_len = 1}, /* no entry uses it: it does not travel */
	{.family = FAMILY_LOG_PATTERN_DURATION, .labels = labels, .labels_len = 2},
	{.family = FAMILY_LOG_PATTERN_RECORDS, .labels = labels, .labels_len = 2},
};

static struct delta_range range = {.topic = SLICE("in"), .partition = 3, .at_end = true, .from = 1, .to = INT64_MAX, .replay = 1, .replay_time_ns = -5, .newest_ns = 9, .gap = 4};
static const struct delta_header header = {.writer = UINT64_MAX, .seq = 7, .journal_time_ns = 1000, .ranges = &range, .ranges_len = 1};

static void write_whole(struct buf *out)
{
	static uint64_t buckets[BOUNDS_MAX + 1] = {1, 0, 2};
	static struct tally_entry entries[2];
	entries[0] = (struct tally_entry){.series = 2, .step = -3, .count = INT64_MAX,
		.exemplar = {.time_ns = 77, .value = DBL_MIN, .rank = 3, .trace_len = 4, .span_len = 2, .trace_id = "beef", .span_id = "aa"}};
	entries[1] = (struct tally_entry){.series = 1, .step = INT64_MAX / 2, .count = 3, .sum = 0.1, .buckets = buckets};
	const struct delta_pattern pattern = {.id = 0xaa, .alias_id = 0xbb, .origin = ORIGIN_RULE, .service = SLICE("cart"), .template_text = SLICE("a\0b"), .rule = SLICE("r")};
	const struct delta_example example = {.pattern_id = 0xaa, .time_ns = 5, .severity = 5, .rank = 4, .text = SLICE("text"), .trace_id = SLICE("t"), .topic = SLICE("in"),
		.partition = 3, .offset = 12};
	const struct delta_body body = {.series = series, .series_len = 3, .entries = entries, .entries_len = 2, .patterns = &pattern, .patterns_len = 1, .examples = &example,
		.examples_len = 1};
	delta_encode(out, &header, &body);
}

static void a_delta_reads_back_as_it_was_written(void **state)
{
	(void)state;
	struct reader r = {0};
	struct buf record = {0};
	write_whole(&record);
	assert_int_equal(decode(&r, &record), 0);
	const struct delta_range *got = &r.d.header.ranges[0];
	assert_int_equal(r.d.header.writer, UINT64_MAX);
	assert_int_equal(r.d.header.seq, 7);
	check(got->at_end && got->to == INT64_MAX && got->replay_time_ns == -5 && got->gap == 4 && got->partition == 3);
	check_slice(got->topic, "in");
	assert_int_equal(r.d.body.series_len, 2);
	const struct tally_entry *e = r.d.body.entries;
	assert_int_equal(r.d.body.series[e[0].series].family, FAMILY_LOG_PATTERN_RECORDS);
	check(e[0].step == -3 && e[0].count == INT64_MAX && e[0].exemplar.value == DBL_MIN && e[0].exemplar.rank == 3);
	check_slice(slice_of(e[0].exemplar.trace_id, e[0].exemplar.trace_len), "beef");
	assert_int_equal(r.d.body.series[e[1].series].family, FAMILY_LOG_PATTERN_DURATION);
	check(e[1].step == INT64_MAX / 2 && e[1].sum == 0.1 && e[1].buckets[0] == 1 && e[1].buckets[1] == 0 && e[1].buckets[2] == 2);
	assert_int_equal(r.d.body.patterns[0].alias_id, 0xbb);
	assert_int_equal(r.d.body.patterns[0].template_text.len, 3);
	check_slice(r.d.body.examples[0].text, "text");
	assert_int_equal(r.d.body.examples[0].offset, 12);
	buf_done(&record);
	reader_done(&r);
}

static void how_far_a_partition_was_read_travels_beside_the_time_it_says(void **state)
{
	(void)state;
	struct delta_range ranges[3] = {range, range, range};
	const struct delta_header ahead = {.writer = 1, .seq = 1, .journal_time_ns = 1000, .ranges = ranges, .ranges_len = 3};
	struct reader r = {0};
	struct buf record = {0};
	ranges[1].partition = 4;
	ranges[1].reached_ns = 61000;
	ranges[2].partition = 5;
	ranges[2].life = 7;
	ranges[2].anew = true;
	ranges[2].before = 12345;
	ranges[2].reached_ns = 3; /* below what it says: the same as none */
	delta_encode(&record, &ahead, NULL);
	assert_int_equal(decode(&r, &record), 0);
	check(r.d.header.ranges[0].newest_ns == 9 && r.d.header.ranges[0].reached_ns == 9);
	check(r.d.header.ranges[1].newest_ns == 9 && r.d.header.ranges[1].reached_ns == 61000);
	check(r.d.header.ranges[2].newest_ns == 9 && r.d.header.ranges[2].reached_ns == 9 && r.d.header.ranges[2].gap == 4);
	check(r.d.header.ranges[2].life == 7 && r.d.header.ranges[2].anew && r.d.header.ranges[2].before == 12345 && !r.d.header.ranges[1].anew && r.d.header.ranges[1].life == 0);
	buf_done(&record);
	reader_done(&r);
}

static void the_short_records_read_back(void **state)
{
	(void)state;
	struct reader r = {0};
	struct buf record = {0};
	mark_encode(&record, 0, -12, true, 5, 0);
	assert_int_equal(decode(&r, &record), 0);
	check(r.d.kind == DELTA_MARK && r.d.step == -12 && r.d.skipped && r.d.header.journal_time_ns == 5);
	buf_reset(&record);
	anchored_encode(&record, 0, 13, 6, 0);
	assert_int_equal(decode(&r, &record), 0);
	check(r.d.kind == DELTA_ANCHORED && r.d.step == 13);
	buf_reset(&record);
	close_encode(&record, 7);
	assert_int_equal(decode(&r, &record), 0);
	check(r.d.kind == DELTA_CLOSE && r.d.header.journal_time_ns == 7);
	buf_done(&record);
	reader_done(&r);
}

static void a_body_that_claims_more_than_a_record_may_hold_is_refused(void **state)
{
	(void)state;
	struct buf record = {0}, scratch = {0};
	struct slice head, body;
	char kind;
	seal_close(&record, 'd', SLICE("head"), SLICE("a body of some length"));
	assert_int_equal(seal_open(buf_slice(&record), &scratch, &kind, &head, &body), 0);
	check_slice(head, "head");
	check_slice(body, "a body of some length");
	/* a bomb: 300 MiB of zeros, whole and with a good checksum */
	size_t bomb = (size_t)300 << 20;
	char *zeros = calloc(1, bomb);
	buf_reset(&record);
	seal_close(&record, 'd', SLICE("head"), slice_of(zeros, bomb));
	check(record.len < 4 << 20);
	assert_int_equal(seal_open(buf_slice(&record), &scratch, &kind, &head, &body), ERR_CORRUPT);
	check(scratch.cap < 1 << 20); /* and no memory was taken for it */
	free(zeros);
	buf_done(&record);
	buf_done(&scratch);
}

static void add_u32(struct buf *out, size_t value)
{
	for (unsigned shift = 0; shift < 32; shift += 8)
		buf_add_char(out, (char)(value >> shift));
}

static void a_record_of_the_version_before_is_read(void **state)
{
	(void)state;
	struct buf record = {0}, scratch = {0};
	struct slice head, body, text = SLICE("a body of some length, a body of some length");
	Bytef packed[128];
	uLongf len = sizeof(packed);
	char kind;
	assert_int_equal(compress2(packed, &len, (const Bytef *)text.ptr, text.len, 1), Z_OK);
	buf_add_slice(&record, SLICE("wnd\x01"));
	add_u32(&record, 4);
	buf_add_slice(&record, SLICE("head"));
	add_u32(&record, text.len);
	add_u32(&record, len);
	buf_add(&record, packed, len);
	add_u32(&record, crc32_z(0, (const Bytef *)record.data, record.len));
	assert_int_equal(seal_open(buf_slice(&record), &scratch, &kind, &head, &body), 0);
	check(kind == 'd' && slice_eq(head, SLICE("head")) && slice_eq(body, text));
	buf_done(&record);
	buf_done(&scratch);
}

/* Bodies with a good seal and a wrong inside: each change of one value must be refused or stay within bounds; sanitizers look on. */
static void no_byte_of_the_inside_can_lead_out_of_bounds(void **state)
{
	(void)state;
	struct buf record = {0}, scratch = {0}, copy = {0}, forged = {0};
	struct slice head, body;
	struct reader r = {0};
	char kind;
	size_t refused = 0;
	write_whole(&record);
	assert_int_equal(seal_open(buf_slice(&record), &scratch, &kind, &head, &body), 0);
	buf_add_slice(&copy, body);
	for (size_t i = 0; i < copy.len; i++)
		for (int change = 1; change < 256; change += 7) {
			char was = copy.data[i];
			copy.data[i] = (char)(was ^ change);
			buf_reset(&forged);
			seal_close(&forged, kind, head, buf_slice(&copy));
			refused += decode(&r, &forged) < 0;
			copy.data[i] = was;
		}
	check(refused > copy.len * 10);
	for (size_t len = 1; len < copy.len; len++) {
		buf_reset(&forged);
		seal_close(&forged, kind, head, slice_of(copy.data, len));
		assert_int_equal(decode(&r, &forged), ERR_CORRUPT);
	}
	buf_done(&record);
	buf_done(&scratch);
	buf_done(&copy);
	buf_done(&forged);
	reader_done(&r);
}

static void check_refused(const struct delta_body *body)
{
	struct reader r = {0};
	struct buf record = {0};
	delta_encode(&record, &header, body);
	assert_int_equal(decode(&r, &record), ERR_CORRUPT);
	buf_done(&record);
	reader_done(&r);
}

static void increments_that_contradict_themselves_are_refused(void **state)
{
	(void)state;
	uint64_t buckets[BOUNDS_MAX + 1] = {1};
	struct tally_entry e = {.series = 1, .count = 2, .buckets = buckets};
	struct delta_body body = {.series = series, .series_len = 3, .entries = &e, .entries_len = 1};
	check_refused(&body); /* buckets do not add up */
	e.count = 1;
	e.sum = (double)__builtin_inf();
	check_refused(&body);
	struct label unsorted[] = {labels[1], labels[0]};
	const struct tally_series wrong = {.family = FAMILY_LOG_RECORDS, .labels = unsorted, .labels_len = 2};
	e = (struct tally_entry){.count = 1};
	body.series = &wrong;
	body.series_len = 1;
	check_refused(&body);
	unsorted[0] = labels[0];
	check_refused(&body); /* a label twice */
	unsorted[1] = (struct label){SLICE("x"), SLICE("")};
	check_refused(&body);
}

static void numbers_of_every_width_read_back(void **state)
{
	(void)state;
	static const uint64_t numbers[] = {0, 127, 128, 255, 256, 65535, 65536, UINT32_MAX, (uint64_t)UINT32_MAX + 1, INT64_MAX, UINT64_MAX};
	static const int64_t signed_numbers[] = {0, -1, -32, -33, -128, -129, -32768, -32769, INT32_MIN, (int64_t)INT32_MIN - 1, INT64_MIN, INT64_MAX};
	struct buf b = {0};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		pack_u64(&b, numbers[i]);
	for (size_t i = 0; i < sizeof(signed_numbers) / sizeof(signed_numbers[0]); i++)
		pack_i64(&b, signed_numbers[i]);
	pack_u64(&b, UINT64_MAX);
	struct unpack u = unpack_of(buf_slice(&b));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		check(unpack_u64(&u) == numbers[i]);
	for (size_t i = 0; i < sizeof(signed_numbers) / sizeof(signed_numbers[0]); i++)
		check(unpack_i64(&u) == signed_numbers[i]);
	check(!u.bad);
	check(unpack_i64(&u) == 0 && u.bad); /* too large for a signed one */
	check(unpack_u64(&u) == 0 && !unpack_bool(&u) && unpack_bytes(&u).len == 0 && unpack_double(&u) == 0);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delta_reads_back_as_it_was_written),
		cmocka_unit_test(how_far_a_partition_was_read_travels_beside_the_time_it_says),
		cmocka_unit_test(the_short_records_read_back),
		cmocka_unit_test(a_record_of_the_version_before_is_read),
		cmocka_unit_test(a_body_that_claims_more_than_a_record_may_hold_is_refused),
		cmocka_unit_test(no_byte_of_the_inside_can_lead_out_of_bounds),
		cmocka_unit_test(increments_that_contradict_themselves_are_refused),
		cmocka_unit_test(numbers_of_every_width_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
