/* SPDX-License-Identifier: Apache-2.0 */
/* Every fixtures/shapes/NAME.json is decoded and must read as its NAME.expect says, notes included. */
#include "../check.h"

#include "describe.h"

#include <dirent.h>
#include <stdio.h>

static const int64_t NOW_NS = INT64_C(1772618400) * NS_PER_S;

static bool slurp(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "rb");
	buf_reset(out);
	if (!file)
		return false;
	for (size_t n = 1; n > 0; out->len += n)
		n = fread(buf_reserve(out, 4096), 1, 4096, file);
	fclose(file);
	return true;
}

static void every_fixture_reads_as_expected(void **state)
{
	DIR *dir = opendir(WINNOW_SOURCE_DIR "/fixtures/shapes");
	struct buf payload = {0}, expect = {0}, got = {0};
	size_t seen = 0, wrong = 0;
	(void)state;
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		char path[512];
		struct slice name = slice_str(entry->d_name);
		if (!slice_ends(name, SLICE(".json")))
			continue;
		int stem = (int)name.len - 5;
		snprintf(path, sizeof(path), WINNOW_SOURCE_DIR "/fixtures/shapes/%.*s.json", stem, name.ptr);
		assert_true(slurp(path, &payload));
		snprintf(path, sizeof(path), WINNOW_SOURCE_DIR "/fixtures/shapes/%.*s.expect", stem, name.ptr);
		assert_true(slurp(path, &expect));
		struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO, .notes = true});
		struct decoded out;
		decoder_decode(d, buf_slice(&payload), NOW_NS, &out);
		buf_reset(&got);
		describe(&got, d, &out);
		if (!slice_eq(buf_slice(&got), buf_slice(&expect))) {
			print_error("%.*s: got\n%sexpected\n%s", stem, name.ptr, buf_cstr(&got), buf_cstr(&expect));
			wrong++;
		}
		decoder_free(d);
		seen++;
	}
	closedir(dir);
	assert_true(seen >= 35);
	assert_int_equal(wrong, 0);
	buf_done(&payload);
	buf_done(&expect);
	buf_done(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_fixture_reads_as_expected)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
