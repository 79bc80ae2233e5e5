/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target over shapes, tokens, templates and the miner: every line of the input is a message, its first byte picks the service. Checked beside
 * what the sanitizers see: every message has a pattern, the same message again has the same, memory stays within its bound, and what one miner tells
 * another is taken in without a birth. */
#include <stdlib.h>

#include "pattern/miner.h"
#include "pattern/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 256 * 1024, CHANGES = 16 };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void scan_template(struct slice text)
{
	static struct tokens t;
	tokens_scan_template(&t, text);
	require(t.segments_len <= TOKENS_SEGMENTS_MAX + 8);
}

static void name_line(struct pattern_set *set, struct miner *m, struct slice line)
{
	static const char *const services[] = {"", "a", "b", "c"};
	struct slice service = slice_str(services[line.len ? (uint8_t)line.ptr[0] & 3 : 0]);
	struct mined first;
	struct mined again;
	miner_name(m, service, line, &first);
	require(first.pattern && !first.pattern->alias_of && pattern_set_at(set, first.pattern->index) == first.pattern);
	miner_name(m, service, line, &again);
	require(again.pattern == first.pattern || first.pattern->overflow);
	require(again.duration_ns == first.duration_ns);
	scan_template(first.pattern->template_text);
}

static void tell(struct pattern_set *set, struct pattern_set *to, struct miner *m)
{
	struct pattern *changes[CHANGES];
	size_t n;
	while ((n = pattern_set_take_changes(set, changes, CHANGES)))
		for (size_t i = 0; i < n; i++) {
			struct pattern *p = changes[i];
			miner_import(m, pattern_set_import(to, p->id, p->origin, p->service, p->template_text, p->rule, p->alias_of ? p->alias_of->id : 0));
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct pattern_limits limits = {.patterns_per_service = 8, .services = 3};
	struct pattern_set *set = pattern_set_new(&limits);
	struct pattern_set *second_set = pattern_set_new(&limits);
	struct miner *m = miner_new(set, MEMORY);
	struct miner *second = miner_new(second_set, MEMORY);
	struct slice rest = slice_of((const char *)data, size);
	while (rest.len) {
		size_t end = slice_find(rest, '\0', 0);
		name_line(set, m, slice_sub(rest, 0, end));
		rest = slice_sub(rest, end + 1, SIZE_MAX);
		tell(set, second_set, second);
	}
	require(miner_bytes(m) <= MEMORY + 64 * 1024);
	miner_free(m);
	miner_free(second);
	pattern_set_free(set);
	pattern_set_free(second_set);
	return 0;
}
