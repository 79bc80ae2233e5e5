/* SPDX-License-Identifier: Apache-2.0 */
/* Which traces are worth keeping: policies over single spans and log records. Immutable once set up, so any thread may ask. */
#ifndef WINNOW_ENGINE_SAMPLING_H
#define WINNOW_ENGINE_SAMPLING_H

#include "record/record.h"

/* Reasons to keep a trace, as bits. Each comes from one span or one record: nothing that comes later takes it back. */
enum sampling_reason {
	SAMPLING_ERROR = 1,     /* a span says that it failed */
	SAMPLING_SLOW = 2,      /* a span took longer than its operation's bound */
	SAMPLING_LISTED = 4,    /* a service or attribute on the list */
	SAMPLING_LOG_ERROR = 8, /* an error in a log record that names the trace */
	SAMPLING_PATTERN = 16,  /* a log record of a new or a rare pattern */
	SAMPLING_EXAMPLE = 32,  /* it went out as the example of a pattern */
	SAMPLING_SHARE = 64,    /* its id lies in the share: everyone can tell by the id alone, unless there is a rate limit */
	SAMPLING_INCIDENT = 128, /* a span or log record of a service under incident */
};
enum { SAMPLING_REASONS = 8, SAMPLING_ALL = 255 };

/* The name of one bit: "error", "slow", ...; NULL if it is none. */
const char *sampling_reason_name(unsigned bit);

/* A condition that keeps: the field (record_field) is there and, unless value is empty, has this value. */
struct sampling_match {
	struct slice field, value;
};

struct sampling_share {
	struct slice service;
	double share;
};

/* A fixed bound of one operation; service empty: of all services. */
struct sampling_bound {
	struct slice service, name;
	int64_t slow_ns;
};

struct sampling {
	bool on;
	bool errors, patterns;
	double share;           /* 0 to 1 */
	const struct sampling_share *shares; /* of services that have their own */
	size_t shares_len;
	int64_t per_second;     /* most traces a second of event time that a partition keeps for the share, of one service; 0: no limit */
	int64_t slow_ns;        /* 0: none is too slow */
	double slow_quantile;   /* of the operation's own spans, where they are enough to tell (slowness.h); 0: not asked */
	const struct sampling_bound *bounds;
	size_t bounds_len;
	const struct sampling_match *keep;
	size_t keep_len;
	int64_t hold_ns;        /* how long a trace may go on, in event time of its partition */
	int64_t quiet_ns;       /* after its root has ended, how long nothing may have come for it to be decided sooner */
	int64_t grace_ns;       /* how long after a trace is complete other partitions are heard, in event time */
	size_t memory;          /* most bytes that the undecided traces of one partition take */
};

/* The trace's own number. */
uint64_t sampling_hash(struct slice trace_id);
/* The id's bits: 128, or 64 in the lower half; 0 if it is not hex digits. */
void sampling_bits(struct slice trace_id, uint64_t ret[2]);
/* Reasons that the span itself gives; the share apart. usual_ns: the quantile of its operation; 0: not known. */
unsigned sampling_judge(const struct sampling *s, const struct record *span, struct slice service, int64_t usual_ns);
/* Whether the service's share takes the trace. */
bool sampling_shares(const struct sampling *s, struct slice service, uint64_t hash);
/* Whether every instance knows by the id alone that a trace is kept. */
bool sampling_surely_shared(const struct sampling *s, uint64_t hash);
/* What the operation may take: its own bound, else its quantile where that is known, else what all may; 0: as long as it likes. */
int64_t sampling_bound_ns(const struct sampling *s, struct slice service, struct slice name, int64_t usual_ns);

#endif
