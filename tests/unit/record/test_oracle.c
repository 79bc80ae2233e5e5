/* SPDX-License-Identifier: Apache-2.0 */
/* fixtures/oracle/NAME.cases: payloads that other people's libraries encoded, with what must be read of each (tests/tools/oracle.py). */
#include "../check.h"

#include "describe.h"

#include <stdio.h>

static const int64_t NOW_NS = INT64_C(1772618400) * NS_PER_S;

static bool take(FILE *file, struct buf *out)
{
	unsigned char size[4];
	if (fread(size, 1, 4, file) != 4)
		return false;
	size_t len = size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 | (size_t)size[3] << 24;
	buf_reset(out);
	assert_int_equal(fread(buf_reserve(out, len + 1), 1, len, file), len);
	out->len = len;
	return true;
}

static void check_cases(const char *name, enum format forced, size_t least)
{
	char path[512];
	struct buf payload = {0}, expect = {0}, got = {0};
	struct decoder *decoders[] = {decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO}), decoder_new(&(struct decoder_opts){.format = forced})};
	size_t cases = 0;
	snprintf(path, sizeof(path), WINNOW_SOURCE_DIR "/fixtures/oracle/%s.cases", name);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	for (; take(file, &payload) && take(file, &expect); cases++)
		for (int i = 0; i < 2; i++) {
			struct decoded out;
			decoder_decode(decoders[i], buf_slice(&payload), NOW_NS, &out);
			buf_reset(&got);
			describe(&got, decoders[i], &out);
			if (!slice_eq(buf_slice(&got), buf_slice(&expect)))
				fail_msg("%s, case %zu, %s: got\n%sexpected\n%s", name, cases, i ? "forced" : "auto", buf_cstr(&got), buf_cstr(&expect));
		}
	assert_true(cases >= least);
	fclose(file);
	decoder_free(decoders[0]);
	decoder_free(decoders[1]);
	buf_done(&payload);
	buf_done(&expect);
	buf_done(&got);
}

static void otlp_logs_in_protobuf_read_as_the_oracle_wrote_them(void **state)
{
	(void)state;
	check_cases("otlp_logs", FORMAT_OTLP_PROTO, 50);
}

static void otlp_spans_in_protobuf_read_as_the_oracle_wrote_them(void **state)
{
	(void)state;
	check_cases("otlp_spans", FORMAT_OTLP_PROTO, 50);
}

static void jaeger_spans_in_protobuf_read_as_the_oracle_wrote_them(void **state)
{
	(void)state;
	check_cases("jaeger", FORMAT_JAEGER, 100);
}

static void zipkin_spans_in_protobuf_read_as_the_oracle_wrote_them(void **state)
{
	(void)state;
	check_cases("zipkin", FORMAT_ZIPKIN, 60);
}

static void messagepack_reads_as_the_oracle_wrote_it(void **state)
{
	(void)state;
	check_cases("msgpack", FORMAT_MSGPACK, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(otlp_logs_in_protobuf_read_as_the_oracle_wrote_them),
		cmocka_unit_test(otlp_spans_in_protobuf_read_as_the_oracle_wrote_them),
		cmocka_unit_test(jaeger_spans_in_protobuf_read_as_the_oracle_wrote_them),
		cmocka_unit_test(zipkin_spans_in_protobuf_read_as_the_oracle_wrote_them),
		cmocka_unit_test(messagepack_reads_as_the_oracle_wrote_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
