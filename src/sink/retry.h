/* SPDX-License-Identifier: Apache-2.0 */
/* What senders over HTTP have in common: how long to wait before the next try, and replies counted by their status. Pure; no shared state. */
#ifndef WINNOW_SINK_RETRY_H
#define WINNOW_SINK_RETRY_H

#include <stddef.h>
#include <stdint.h>

enum { REPLY_CODES_MAX = 32 };

struct reply_codes {
	struct reply_code {
		int code; /* HTTP status, 0: no answer */
		uint64_t count;
	} at[REPLY_CODES_MAX];
	size_t len;
};

/* Counts a reply; one of a status for which there is no room is not counted. */
void reply_codes_count(struct reply_codes *c, int code);

/* Nanoseconds to wait after the try number attempt (from 0): least, doubled each time up to most, less a tenth at most as random says; or what the receiver
 * asked for (Retry-After), if that is longer, but a minute at most. */
int64_t retry_wait_ns(int64_t least, int64_t most, unsigned attempt, uint64_t random, int64_t asked_ns);

#endif
