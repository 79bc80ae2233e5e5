/* SPDX-License-Identifier: Apache-2.0 */
/* Times as text, from memory if they can be. Private to the room. */
#ifndef WINNOW_RECORD_JSON_TIME_H
#define WINNOW_RECORD_JSON_TIME_H

#include "record/reader.h"
#include "record/timestamp.h"

/* A text that is read in full; 0: it is no time. */
int64_t json_time_new(struct decoder *d, struct slice text, bool *ret_zoned);

static inline int64_t json_time_text(struct decoder *d, struct slice text, bool *ret_zoned)
{
	struct timestamp t;
	if (!time_memo_again(&d->times, text, &t))
		return json_time_new(d, text, ret_zoned);
	*ret_zoned = t.zoned;
	return t.ns;
}

#endif
