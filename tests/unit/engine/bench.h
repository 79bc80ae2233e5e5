/* SPDX-License-Identifier: Apache-2.0 */
/* A shard on the workbench: fed with JSON lines, its open increments read back by series. */
#ifndef WINNOW_TESTS_UNIT_ENGINE_BENCH_H
#define WINNOW_TESTS_UNIT_ENGINE_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/red.h"
#include "engine/shard.h"

/* 2026-03-04T09:15:00Z, the beginning of a step */
#define BENCH_NOW (INT64_C(1772615700) * NS_PER_S)
#define BENCH_STEP (10 * NS_PER_S)

struct bench {
	struct shard *shard;
	struct shard_partition partition;
	struct ruleset *rules;
};

static inline void bench_open(struct bench *b, struct shard_opts opts, const char *rules_yaml)
{
	char path[] = "/tmp/winnow-rules-XXXXXX.yaml";
	const char *paths[] = {path};
	struct rule_errors errors = {0};
	*b = (struct bench){.partition = {.topic = SLICE("t"), .gap_asked = -1}};
	if (rules_yaml) {
		int fd = mkstemps(path, 5);
		assert_true(fd >= 0 && write(fd, rules_yaml, strlen(rules_yaml)) == (ssize_t)strlen(rules_yaml) && close(fd) == 0);
		if (ruleset_load(paths, 1, &b->rules, &errors) < 0)
			fail_msg("%s", buf_cstr(&errors.text));
		unlink(path);
		buf_done(&errors.text);
	}
	opts.step_ns = BENCH_STEP;
	opts.rules = b->rules;
	b->shard = shard_new(&opts);
}

static inline void bench_done(struct bench *b)
{
	shard_free(b->shard);
	ruleset_free(b->rules);
}

/* One value at the expected offset. */
static inline void bench_feed_at(struct bench *b, const char *value, int64_t now_ns)
{
	int64_t offset = b->partition.expected;
	assert_int_equal(shard_feed(b->shard, &b->partition, slice_str(value), offset, offset + 1, now_ns, now_ns), SHARD_COUNTED);
}

static inline void bench_feed(struct bench *b, const char *value)
{
	bench_feed_at(b, value, BENCH_NOW);
}

/* A log record without a time of its own. */
static inline void bench_log(struct bench *b, const char *service, const char *level, const char *message)
{
	char value[1024];
	snprintf(value, sizeof(value), "{\"level\":\"%s\",\"service\":\"%s\",\"message\":\"%s\"}", level, service, message);
	bench_feed(b, value);
}

static inline bool bench_has_label(const struct tally_series *s, const char *name, const char *value)
{
	for (size_t i = 0; i < s->labels_len; i++)
		if (slice_eq(s->labels[i].name, slice_str(name)))
			return slice_eq(s->labels[i].value, slice_str(value));
	return false;
}

/* The open entry of a family whose series has both labels (NULL: any), the n-th of them; NULL if there is none. */
static inline const struct tally_entry *bench_entry(const struct tally *t, enum family_id family, const char *const labels[][2], size_t n)
{
	size_t len;
	const struct tally_entry *entries = tally_entries(t, &len);
	for (size_t i = 0; i < len; i++) {
		const struct tally_series *s = tally_series_at(t, entries[i].series);
		bool fits = s->family == family;
		for (size_t k = 0; fits && labels && labels[k][0]; k++)
			fits = bench_has_label(s, labels[k][0], labels[k][1]);
		if (fits && n-- == 0)
			return &entries[i];
	}
	return NULL;
}

static inline uint64_t bench_sum(const struct tally *t, enum family_id family, const char *const labels[][2])
{
	uint64_t sum = 0;
	const struct tally_entry *e;
	for (size_t i = 0; (e = bench_entry(t, family, labels, i)); i++)
		sum += e->count;
	return sum;
}

#define LABELS(...) ((const char *const[][2]){__VA_ARGS__, {NULL, NULL}})
#define SUM(b, family, ...) bench_sum(shard_tally((b)->shard), family, LABELS(__VA_ARGS__))
#define SUM_ALL(b, family) bench_sum(shard_tally((b)->shard), family, NULL)

#endif
