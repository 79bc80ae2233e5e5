/* SPDX-License-Identifier: Apache-2.0 */
/* What shard.c (guard, payloads, rules), shard_log.c (naming and counting logs) and shard_span.c (what spans record) share. Private to the engine room. */
#ifndef WINNOW_ENGINE_SHARD_PARTS_H
#define WINNOW_ENGINE_SHARD_PARTS_H

#include "base/clock.h"
#include "engine/example.h"
#include "engine/keying.h"
#include "engine/open.h"
#include "engine/red.h"
#include "engine/rekey.h"
#include "engine/sampler.h"
#include "engine/shard.h"

#define AHEAD_NS (10 * NS_PER_S)

struct shard {
	struct shard_opts opts;
	struct decoder *decoders[FORMAT_COUNT]; /* made when first needed */
	const struct ruleset *rules;
	struct rule_scratch *scratch;
	enum family_id *families; /* of the rules' own metrics */
	struct pattern **named;   /* by rule: the pattern it named last */
	int64_t rules_ns;
	int64_t now_ns;           /* of the message fed last */
	struct pattern_set *patterns;
	struct miner *miner;
	struct tally *tally;
	struct red *red;
	struct examples *examples;
	struct sampler *sampler; /* NULL: no sampling */
	struct buf masked;
	struct keying keying;
	struct red_event span; /* the span at hand; what spans have nothing in stays empty */
	struct rekey *rekey; /* NULL: nothing is re-keyed */
	struct incidents *incidents; /* NULL: none */
	bool unmask, wide, was_wide; /* wide: budgets are doubled for the record at hand; was_wide: for one since the last clear */
	/* what the journal was told of each pattern: version + 1, 0: nothing */
	uint32_t *told;
	size_t told_cap;
	struct pattern **news;
	size_t news_len, news_cap;
	struct shard_totals totals;
	shard_visit *tap;       /* NULL: nobody looks on */
	void *tap_arg;
	size_t lost;            /* of the message fed last */
	enum undecodable lost_reason;
};

/* What naming a record found out. */
struct naming {
	struct red_event event;
	enum outcome outcome;
	struct pattern *pattern;
	struct rule_match match;
	struct rule_label labels[RULE_LABELS_MAX];
};

/* When a message came. */
struct arrival {
	int64_t log_ns;  /* as the log has it; 0: it has none */
	int64_t ns;      /* the same, or now: for records without a time */
	int64_t now_ns;
	int64_t latest_ns; /* what is later than this is ahead of now */
};

void naming_init(struct naming *n, const struct record *record, int64_t time_ns);
/* Doubles the budgets for a record of an incident, and puts them back for the next that is not. */
void shard_widen(struct shard *s, const struct red_event *e);
/* Puts the pattern on the list for the next delta if the journal may not know it as it is now. */
void shard_tell(struct shard *s, struct pattern *p);
/* Names a log record and counts it. where: the place of its example, with its partition's event time. */
void shard_count_log(struct shard *s, struct naming *n, struct shard_example *where);
/* When a record counts: its own time, or its message's; none is ahead of now. *ret_ahead: it was. */
static inline int64_t shard_event_time(const struct record *record, const struct arrival *arrival, bool *ret_ahead)
{
	int64_t time_ns = record->time_ns ? record->time_ns : arrival->ns;
	*ret_ahead = time_ns > arrival->latest_ns;
	return *ret_ahead || time_ns <= 0 ? arrival->now_ns : time_ns;
}

static inline void shard_newest(struct shard_partition *p, int64_t time_ns)
{
	if (time_ns > p->newest_ns)
		p->newest_ns = time_ns;
}

/* The partition's event time with this record. Times come from the log alone: this has to come out the same whoever does it, whenever. */
int64_t shard_advance(struct shard *s, struct shard_partition *p, const struct record *r, int64_t source_time_ns);
/* Whether spans of this partition are fed to the service graph and the tail sampler. */
static inline bool shard_spans_record(const struct shard *s, const struct shard_partition *p, const struct record *record)
{
	return record->kind == RECORD_SPAN && p->keying != SHARD_TO_REKEY && (s->opts.hold_ns || s->sampler);
}
/* The first span of a message is soon fed: asks for what will be looked for. */
void shard_expect_span(const struct shard_partition *p, const struct record *span, struct tail_message *m);
/* A span for the service graph and the tail sampler; e NULL: it is counted already. m and index: its message, and which of its records it is. */
void shard_feed_span(struct shard *s, struct shard_partition *p, const struct record *span, struct tail_message *m, size_t index, uint64_t weight, int64_t source_time_ns, struct red_event *e);
/* Counts the spans from number `from` on, and returns the number of the first record that is none. */
size_t shard_count_spans(struct shard *s, struct shard_partition *p, struct tail_message *m, const struct decoded *decoded, size_t from, const struct arrival *arrival);

#endif
