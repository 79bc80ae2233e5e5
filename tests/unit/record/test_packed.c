/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/clock.h"
#include "record/packed.h"

#include <snappy-c.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

static const int64_t NOW_NS = INT64_C(1772618400) * NS_PER_S; /* 2026-03-04T10:00:00Z */

static void pack_gzip(struct buf *out, struct slice plain)
{
	z_stream z = {.next_in = (unsigned char *)(uintptr_t)plain.ptr, .avail_in = (unsigned)plain.len};
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	size_t most = deflateBound(&z, plain.len);
	z.next_out = (unsigned char *)buf_reserve(out, most);
	z.avail_out = (unsigned)most;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len += most - z.avail_out;
	deflateEnd(&z);
}

static void pack_zstd(struct buf *out, struct slice plain)
{
	size_t most = ZSTD_compressBound(plain.len), len = ZSTD_compress(buf_reserve(out, most), most, plain.ptr, plain.len, 3);
	assert_false(ZSTD_isError(len));
	out->len += len;
}

/* As a client that streams does it: the frame does not say how much it holds. */
static void pack_zstd_stream(struct buf *out, struct slice plain)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t most = ZSTD_compressBound(plain.len) + 64;
	ZSTD_inBuffer in = {plain.ptr, plain.len, 0};
	ZSTD_outBuffer to = {buf_reserve(out, most), most, 0};
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	assert_false(ZSTD_isError(ZSTD_compressStream2(c, &to, &in, ZSTD_e_flush)));
	assert_int_equal(ZSTD_compressStream2(c, &to, &in, ZSTD_e_end), 0);
	out->len += to.pos;
	ZSTD_freeCCtx(c);
}

static void add_block(struct buf *out, struct slice plain)
{
	size_t len = snappy_max_compressed_length(plain.len);
	char *block = malloc(len);
	assert_int_equal(snappy_compress(plain.ptr, plain.len, block, &len), SNAPPY_OK);
	buf_add(out, block, len);
	free(block);
}

static void pack_java(struct buf *out, struct slice plain)
{
	buf_add(out, "\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16);
	for (size_t at = 0; at < plain.len || at == 0; at += 32768) {
		struct buf block = {0};
		add_block(&block, slice_sub(plain, at, 32768));
		const unsigned char len[4] = {(unsigned char)(block.len >> 24), (unsigned char)(block.len >> 16), (unsigned char)(block.len >> 8), (unsigned char)block.len};
		buf_add(out, len, 4);
		buf_add_slice(out, buf_slice(&block));
		buf_done(&block);
	}
}

/* CRC-32C a bit at a time, as it is defined. */
static uint32_t crc32c(struct slice bytes)
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < bytes.len; i++) {
		crc ^= (unsigned char)bytes.ptr[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ UINT32_C(0x82F63B78) : crc >> 1;
	}
	return ~crc;
}

static void add_chunk(struct buf *out, unsigned char type, uint32_t crc, struct slice body)
{
	uint32_t masked = (crc >> 15 | crc << 17) + UINT32_C(0xA282EAD8);
	size_t len = body.len + 4;
	const unsigned char head[8] = {type, (unsigned char)len, (unsigned char)(len >> 8), (unsigned char)(len >> 16), (unsigned char)masked, (unsigned char)(masked >> 8), (unsigned char)(masked >> 16),
		(unsigned char)(masked >> 24)};
	buf_add(out, head, 8);
	buf_add_slice(out, body);
}

static void pack_framed(struct buf *out, struct slice plain)
{
	buf_add(out, "\xFF\x06\0\0sNaPpY", 10);
	for (size_t at = 0; at < plain.len; at += 65536) {
		struct slice piece = slice_sub(plain, at, 65536);
		struct buf block = {0};
		add_block(&block, piece);
		bool stored = at % 131072 != 0; /* every other one uncompressed */
		add_chunk(out, stored, crc32c(piece), stored ? piece : buf_slice(&block));
		buf_done(&block);
	}
	buf_add(out, "\xFE\x03\0\0...", 7); /* padding */
}

static const struct {
	const char *name, *broken;
	void (*pack)(struct buf *out, struct slice plain);
} packers[] = {{"gzip", "gzip", pack_gzip}, {"zstd", "zstd", pack_zstd}, {"zstd", "zstd", pack_zstd_stream}, {"snappy", "snappy", pack_framed}, {"snappy, as Java writes it", "snappy", pack_java}};
enum { PACKERS = sizeof(packers) / sizeof(packers[0]) };

static const char json[] = "{\"time\":\"2026-03-04T09:15:02Z\",\"level\":\"error\",\"msg\":\"charge declined\",\"service\":\"billing\"}";

static void a_packed_payload_reads_as_what_is_in_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < PACKERS; i++) {
		struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO, .notes = true});
		struct decoded out;
		struct buf packed = {0};
		size_t notes;
		packers[i].pack(&packed, slice_str(json));
		assert_string_equal(packed_kind(buf_slice(&packed)), packers[i].name);
		decoder_decode(d, buf_slice(&packed), NOW_NS, &out);
		assert_int_equal(out.len, 1);
		assert_int_equal(out.undecodable, 0);
		check_slice(out.records[0].message, "charge declined");
		check_slice(out.records[0].service, "billing");
		assert_int_equal(out.records[0].time_ns, INT64_C(1772615702) * NS_PER_S);
		assert_int_equal(out.records[0].severity, SEVERITY_ERROR);
		const struct decode_note *note = decoder_notes(d, &notes);
		assert_true(notes > 0 && slice_starts(note[0].source, SLICE("packed: ")));
		buf_done(&packed);
		decoder_free(d);
	}
}

static void what_is_in_it_may_be_many_lines_and_long(void **state)
{
	struct buf plain = {0};
	(void)state;
	for (size_t i = 0; i < 5000; i++)
		buf_printf(&plain, "{\"level\":\"info\",\"msg\":\"item %zu added\",\"service\":\"cart\"}\n", i);
	for (size_t i = 0; i < PACKERS; i++) {
		struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_JSON});
		struct decoded out;
		struct buf packed = {0};
		packers[i].pack(&packed, buf_slice(&plain));
		for (unsigned again = 0; again < 2; again++) {
			decoder_decode(d, buf_slice(&packed), NOW_NS, &out);
			assert_int_equal(out.len, 5000);
			check_slice(out.records[4999].message, "item 4999 added");
		}
		buf_done(&packed);
		decoder_free(d);
	}
	buf_done(&plain);
}

static void two_members_or_frames_are_read_one_behind_the_other(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct packed p = {0};
		struct buf packed = {0};
		packers[i].pack(&packed, SLICE("{\"a\":"));
		packers[i].pack(&packed, SLICE("1}"));
		assert_int_equal(packed_open(&p, buf_slice(&packed)), UNDECODABLE_NONE);
		check_slice(buf_slice(&p.plain), "{\"a\":1}");
		packed_done(&p);
		buf_done(&packed);
	}
}

static void text_may_be_packed_too(void **state)
{
	(void)state;
	for (size_t i = 0; i < PACKERS; i++) {
		struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_TEXT});
		struct decoded out;
		struct buf packed = {0};
		packers[i].pack(&packed, SLICE("just words"));
		decoder_decode(d, buf_slice(&packed), NOW_NS, &out);
		assert_int_equal(out.len, 1);
		check_slice(out.records[0].message, "just words");
		buf_done(&packed);
		decoder_free(d);
	}
}

static void what_is_cut_or_changed_is_counted_and_never_read_wrong(void **state)
{
	struct buf plain = {0};
	(void)state;
	buf_printf(&plain, "{\"msg\":\"%0400d\",\"service\":\"a\"}", 7);
	for (size_t i = 0; i < PACKERS; i++) {
		struct buf packed = {0}, bad = {0};
		struct packed p = {0};
		packers[i].pack(&packed, buf_slice(&plain));
		for (size_t len = 16; len < packed.len; len++) {
			enum undecodable reason = packed_open(&p, slice_of(packed.data, len));
			if (reason == UNDECODABLE_NONE && p.plain.len && strcmp(packers[i].broken, "snappy") != 0)
				fail_msg("%s cut at %zu of %zu", packers[i].name, len, packed.len);
			if (reason != UNDECODABLE_NONE)
				assert_string_equal(undecodable_name(reason), packers[i].broken);
		}
		for (size_t bit = 16 * 8; bit < packed.len * 8; bit++) {
			buf_reset(&bad);
			buf_add_slice(&bad, buf_slice(&packed));
			bad.data[bit / 8] = (char)(bad.data[bit / 8] ^ 1 << bit % 8);
			packed_open(&p, buf_slice(&bad));
		}
		packed_done(&p);
		buf_done(&packed);
		buf_done(&bad);
	}
	buf_done(&plain);
}

/* What it says of its content is checked: zstd and snappy framed, whose sums are ours or optional. */
static void a_wrong_sum_is_a_broken_payload(void **state)
{
	struct buf good = {0}, bad = {0};
	struct packed p = {0};
	(void)state;
	/* the sum of "123456789" is the one that catalogues of CRCs print */
	for (unsigned wrong = 0; wrong < 2; wrong++) {
		struct buf *out = wrong ? &bad : &good;
		buf_add(out, "\xFF\x06\0\0sNaPpY", 10);
		add_chunk(out, 1, UINT32_C(0xE3069283) + wrong, SLICE("123456789"));
	}
	assert_int_equal(packed_open(&p, buf_slice(&good)), UNDECODABLE_NONE);
	check_slice(buf_slice(&p.plain), "123456789");
	assert_int_equal(packed_open(&p, buf_slice(&bad)), UNDECODABLE_SNAPPY);
	buf_reset(&good);
	pack_zstd_stream(&good, slice_str(json));
	good.data[good.len - 1] = (char)(good.data[good.len - 1] ^ 1);
	assert_int_equal(packed_open(&p, buf_slice(&good)), UNDECODABLE_ZSTD);
	packed_done(&p);
	buf_done(&good);
	buf_done(&bad);
}

static void a_bomb_is_too_large_and_takes_no_more_than_the_limit(void **state)
{
	enum { HUGE = 64 * 1024 * 1024 };
	char *zeros = calloc(1, HUGE);
	(void)state;
	for (size_t i = 0; i < PACKERS; i++) {
		struct buf packed = {0};
		struct packed p = {0};
		packers[i].pack(&packed, slice_of(zeros, HUGE));
		assert_int_equal(packed_open(&p, buf_slice(&packed)), UNDECODABLE_TOO_LARGE);
		assert_true(p.plain.cap <= (size_t)DECODER_LARGEST * 3);
		packed_done(&p);
		buf_done(&packed);
	}
	/* a snappy block that only says that it is large, and a zstd frame that wants a window of 128 MiB */
	struct packed p = {0};
	assert_int_equal(packed_open(&p, slice_of("\x82SNAPPY\0\0\0\0\1\0\0\0\1\0\0\0\5\xFF\xFF\xFF\xFF\x0F", 25)), UNDECODABLE_TOO_LARGE);
	assert_int_equal(packed_open(&p, slice_of("\x28\xB5\x2F\xFD\x00\x88\x01\0\0", 9)), UNDECODABLE_TOO_LARGE);
	packed_done(&p);
	free(zeros);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packed_payload_reads_as_what_is_in_it),
		cmocka_unit_test(what_is_in_it_may_be_many_lines_and_long),
		cmocka_unit_test(two_members_or_frames_are_read_one_behind_the_other),
		cmocka_unit_test(text_may_be_packed_too),
		cmocka_unit_test(what_is_cut_or_changed_is_counted_and_never_read_wrong),
		cmocka_unit_test(a_wrong_sum_is_a_broken_payload),
		cmocka_unit_test(a_bomb_is_too_large_and_takes_no_more_than_the_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
