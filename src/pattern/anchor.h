/* SPDX-License-Identifier: Apache-2.0 */
/* Finds which of many texts occur in a message, at a cost that does not depend on how many there are: for texts with a word of some length in them. Immutable
 * once made; any thread. */
#ifndef WINNOW_PATTERN_ANCHOR_H
#define WINNOW_PATTERN_ANCHOR_H

#include "base/slice.h"

struct anchors;

/* Whether a text can be found this way. */
bool anchor_fits(struct slice text);
/* texts must outlive it, all fit, and differ; NULL for none. */
struct anchors *anchors_new(const struct slice *texts, size_t len);
void anchors_free(struct anchors *a);
typedef void anchor_found(void *arg, uint32_t number);
/* Calls found for each occurrence, in no order that means anything. */
void anchors_scan(const struct anchors *a, struct slice message, anchor_found *found, void *arg);

#endif
