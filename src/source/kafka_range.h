/* SPDX-License-Identifier: Apache-2.0 */
/* A range of offsets of one partition, read once and without a group: nothing is committed, no other reader notices. */
#ifndef WINNOW_SOURCE_KAFKA_RANGE_H
#define WINNOW_SOURCE_KAFKA_RANGE_H

#include "source/kafka.h"

struct kafka_range {
	char topic[256];
	int32_t partition;
	int64_t from, to; /* the messages from <= offset < to; -1: from the beginning, to the end */
};

/* topic:partition:from-to, where from and to may be empty. False if text is no such range. */
bool kafka_range_parse(struct slice text, struct kafka_range *ret);
/* Calls take with every payload (ptr NULL: a tombstone). ERR_UNREACHABLE: no broker answers; ERR_INPUT: there is no such partition, or it does not reach back to
 * `from` any more. */
int kafka_range_read(const char *brokers, const struct kafka_property *properties, size_t properties_len, const struct kafka_range *range, void (*take)(void *arg, struct slice payload), void *arg,
		     struct err *err);

#endif
