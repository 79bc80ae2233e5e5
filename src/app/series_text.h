/* SPDX-License-Identifier: Apache-2.0 */
/* A series as text, name{label="value",...}, for commands that show what would leave. */
#ifndef WINNOW_APP_SERIES_TEXT_H
#define WINNOW_APP_SERIES_TEXT_H

#include "metric/tally.h"

/* Whether it leaves by remote write, unlike winnow's own counts. */
bool series_leaves(const struct tally_series *s);
/* id: the value of pattern_id if it has that label, instead of its own; NULL: its own. */
void series_text(struct buf *out, const struct tally_series *s, const char *id);

#endif
