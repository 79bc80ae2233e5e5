/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the input as messages: each record has one outcome, each log a pattern. */
#include "base/clock.h"
#include "engine/shard.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FEEDS_MAX = 100000 };

static uint64_t sum(const struct tally *t, enum family_id family)
{
	size_t len;
	uint64_t n = 0;
	const struct tally_entry *entries = tally_entries(t, &len);
	for (size_t i = 0; i < len; i++)
		n += tally_series_at(t, entries[i].series)->family == family ? entries[i].count : 0;
	return n;
}

static void check(struct shard *s)
{
	const struct tally *t = shard_tally(s);
	if (sum(t, FAMILY_RECORDS_CONSUMED) != sum(t, FAMILY_RECORDS) || sum(t, FAMILY_LOG_RECORDS) != sum(t, FAMILY_LOG_PATTERN_RECORDS))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct shard *s;
	static size_t fed;
	struct shard_opts opts = {.step_ns = 10 * NS_PER_S, .miner_bytes = 4 << 20, .limits = {.patterns_per_service = 50, .services = 50}, .series_limit = 2000};
	struct shard_partition p = {.topic = SLICE("t"), .gap_asked = -1};
	struct slice rest = slice_of((const char *)data, size);
	size_t len;
	if (s && fed > FEEDS_MAX) {
		shard_free(s);
		s = NULL;
	}
	if (!s)
		fed = 0, s = shard_new(&opts);
	for (; rest.len; fed++) {
		size_t end = slice_find(rest, '\n', 0);
		shard_feed(s, &p, slice_sub(rest, 0, end), p.expected, p.expected + 1, 0, INT64_C(1772615700000000000));
		rest = slice_sub(rest, end + 1, rest.len);
	}
	check(s);
	shard_news(s, &len);
	shard_clear(s);
	shard_partition_done(&p);
	return 0;
}
