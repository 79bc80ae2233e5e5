/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a rule file: mistakes or a set whose prefiltered and naive answers agree, on the file's own test messages and on the file itself.
 * Corpus: patterns/ and tests/fuzz/corpus/rules. */
#include "pattern/rule.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/tmp/fuzz_rules_XXXXXX";

static void done(void)
{
	unlink(path);
}

static const char *file_of(const uint8_t *data, size_t size)
{
	static bool made;
	if (!made) {
		close(mkstemp(path));
		atexit(done);
		made = true;
	}
	FILE *f = fopen(path, "w");
	if (!f || fwrite(data, 1, size, f) != size || fclose(f))
		abort();
	return path;
}

static void compare(const struct ruleset *set, struct rule_scratch *s, struct slice message)
{
	struct record record = {.severity = SEVERITY_ERROR, .message = message, .duration_ns = -1};
	struct rule_match fast, naive;
	struct rule_label labels[RULE_LABELS_MAX];
	bool hit = ruleset_match(set, s, &record, &fast);
	assert(hit == ruleset_match_naive(set, s, &record, &naive));
	if (!hit)
		return;
	assert(fast.index == naive.index);
	rule_labels(&fast, &record, s, labels);
	rule_duration_ns(&fast);
	rule_match_error(&fast);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *paths[] = {file_of(data, size)};
	struct ruleset *set = NULL;
	struct rule_errors errors = {0};
	int code = ruleset_load(paths, 1, &set, &errors);
	assert((code == 0) == (set != NULL) && (code == 0) == (errors.len == 0));
	buf_done(&errors.text);
	if (code)
		return 0;
	struct rule_scratch *s = rule_scratch_new(set);
	struct buf out = {0};
	size_t run;
	compare(set, s, slice_of((const char *)data, size));
	for (size_t i = 0; i < ruleset_len(set); i++)
		for (size_t k = 0; k < ruleset_at(set, i)->tests_len; k++)
			compare(set, s, ruleset_at(set, i)->tests[k].message);
	ruleset_run_tests(set, &out, &run);
	buf_done(&out);
	rule_scratch_free(s);
	ruleset_free(set);
	return 0;
}
