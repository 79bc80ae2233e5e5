/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/retry.h"

#include "base/clock.h"

#define ASKED_MAX_NS (60 * NS_PER_S)

void reply_codes_count(struct reply_codes *c, int code)
{
	size_t i = 0;
	while (i < c->len && c->at[i].code != code)
		i++;
	if (i == REPLY_CODES_MAX)
		return;
	c->at[i].code = code;
	c->at[i].count++;
	c->len += i == c->len;
}

int64_t retry_wait_ns(int64_t least, int64_t most, unsigned attempt, uint64_t random, int64_t asked_ns)
{
	int64_t wait = least;
	for (unsigned i = 0; i < attempt && wait < most; i++)
		wait *= 2;
	wait = wait < most ? wait : most;
	wait -= (int64_t)(random % (uint64_t)(wait / 10 + 1));
	int64_t asked = asked_ns < ASKED_MAX_NS ? asked_ns : ASKED_MAX_NS;
	return asked > wait ? asked : wait;
}
