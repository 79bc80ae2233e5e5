/* SPDX-License-Identifier: Apache-2.0 */
/* Does a label value look like an id, of which there is a fresh one for every request? Integer arithmetic on the bytes alone: the same verdict in every process. */
#ifndef WINNOW_METRIC_ID_LIKE_H
#define WINNOW_METRIC_ID_LIKE_H

#include "base/slice.h"

/* By its shape: a UUID, a long hexadecimal or decimal number, or a long run of letters and digits that hardly repeats one. Hardly anything else looks so. */
bool id_like(struct slice value);
/* At least 8 characters, a third of them digits: an id if there is other evidence. */
bool id_like_perhaps(struct slice value);

#endif
