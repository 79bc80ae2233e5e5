/* SPDX-License-Identifier: Apache-2.0 */
/* The books of a journal, folded anew beside a running winnow: what was counted in a range of time, out of which offsets, and what was sent. One thread. */
#ifndef WINNOW_APP_AUDIT_H
#define WINNOW_APP_AUDIT_H

#include "app/config.h"
#include "base/arena.h"
#include "base/map.h"
#include "metric/tally.h"

/* A service's line in the books; of log records or of spans. */
struct audit_line {
	struct slice service;
	bool spans;
	uint64_t topic;     /* records in the topic, in the offsets that deltas of the range cover */
	uint64_t counted;   /* by those deltas */
	uint64_t sent;      /* total that marks say the receiver has, at sent_ns */
	uint64_t received;  /* what it has then */
};

/* Offsets of a partition that deltas of the range cover. */
struct audit_range {
	char *topic;
	int32_t partition;
	int64_t from, to, gaps;
};

struct audit {
	size_t endpoint;            /* of the configuration: whose marks are heeded */
	int64_t from_ns, until_ns;  /* journal time of the deltas that are audited */
	int64_t first_ns, last_ns;  /* of those that there are */
	int64_t sent_ns;            /* end of the last step that is marked, 0: none */
	uint64_t deltas, rejected;
	struct audit_line **lines;
	size_t len, cap;
	struct audit_range *ranges;
	size_t ranges_len, ranges_cap;
	struct map by_service;
	struct arena arena;
};

struct audit_line *audit_line(struct audit *a, struct slice service, bool spans);
/* The service of a series that counts records once each; false for any other. */
bool audit_service(enum family_id family, const struct label *labels, size_t len, struct slice *ret_service, bool *ret_spans);
/* Reads the journal of this configuration, or a copy of it if it is a file's; the running instance does not notice. */
int audit_journal(struct audit *a, const struct config *config, struct err *err);
void audit_done(struct audit *a);

#endif
