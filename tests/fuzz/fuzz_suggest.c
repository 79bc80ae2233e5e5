/* SPDX-License-Identifier: Apache-2.0 */
/* Any lines as log messages: the rules suggested for their patterns load, pass their tests, and say where other messages stop fitting. A first line with a
 * brace is a logger's template for all others. Corpus: tests/fuzz/corpus/suggest. */
#include "pattern/miner.h"
#include "pattern/rule_why.h"
#include "pattern/suggest.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES_MAX = 4, LINE_BYTES = 300 };

struct lines {
	struct arena arena;
	struct slice items[LINES_MAX];
	size_t len;
};

/* As the command hands them on: in UTF-8. */
static void split(struct lines *l, struct slice data)
{
	struct buf clean = {0};
	while (data.len && l->len < LINES_MAX) {
		size_t end = slice_find(data, '\n', 0);
		buf_reset(&clean);
		buf_add_utf8(&clean, slice_sub(data, 0, end < LINE_BYTES ? end : LINE_BYTES));
		l->items[l->len++] = arena_copy(&l->arena, buf_slice(&clean));
		data = slice_sub(data, end + 1, data.len);
	}
	buf_done(&clean);
}

static struct ruleset *load(const struct buf *text)
{
	char path[40];
	const char *paths[] = {path};
	struct ruleset *set = NULL;
	struct rule_errors errors = {0};
	int fd = memfd_create("suggested.yaml", MFD_CLOEXEC);
	if (fd < 0 || write(fd, text->data, text->len) != (ssize_t)text->len)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (ruleset_load(paths, 1, &set, &errors))
		fprintf(stderr, "%s%.*s\n", buf_cstr(&errors.text), (int)text->len, text->data);
	assert(set);
	close(fd);
	return set;
}

static void judge(const struct buf *text, const struct lines *l)
{
	struct ruleset *set = load(text);
	struct rule_scratch *scratch = rule_scratch_new(set);
	struct buf out = {0};
	size_t run;
	if (ruleset_run_tests(set, &out, &run))
		fprintf(stderr, "%s%.*s\n", buf_cstr(&out), (int)text->len, text->data);
	assert(out.len == 0 && run == 2 * ruleset_len(set));
	for (size_t i = 0; i < ruleset_len(set); i++)
		for (size_t k = 0; k < l->len; k++) {
			struct rule_stop stop;
			if (rule_stop_find(ruleset_at(set, i), scratch, l->items[k], &stop))
				assert(stop.at <= l->items[k].len);
			buf_done(&stop.expected);
		}
	buf_done(&out);
	rule_scratch_free(scratch);
	ruleset_free(set);
}

static size_t mine(const struct lines *l, struct suggest_pattern *ret)
{
	struct pattern_set *set = pattern_set_new(&(struct pattern_limits){0});
	struct miner *miner = miner_new(set, 0);
	struct mined mined;
	size_t len = 0;
	for (size_t i = 0; i < l->len; i++) {
		miner_name(miner, SLICE("shop"), l->items[i], &mined);
		struct slice template = arena_copy((struct arena *)(uintptr_t)&l->arena, mined.pattern->template_text);
		ret[len++] = (struct suggest_pattern){.id = mined.pattern->id, .count = 1, .service = SLICE("shop"), .template_text = template, .examples = &l->items[i], .examples_len = 1};
	}
	miner_free(miner);
	pattern_set_free(set);
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lines l = {0};
	struct suggest_pattern patterns[LINES_MAX];
	struct buf out = {0}, left_out = {0};
	split(&l, slice_of((const char *)data, size));
	bool carried = l.len > 1 && slice_find(l.items[0], '{', 0) < l.items[0].len;
	size_t len = 1;
	if (carried)
		patterns[0] = (struct suggest_pattern){.id = 1, .carried = true, .template_text = l.items[0], .examples = l.items + 1, .examples_len = l.len - 1};
	else
		len = mine(&l, patterns);
	if (suggest_rules(patterns, len, len, SLICE("fuzz"), &out, &left_out))
		judge(&out, &l);
	buf_done(&out);
	buf_done(&left_out);
	arena_done(&l.arena);
	return 0;
}
