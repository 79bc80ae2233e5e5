/* SPDX-License-Identifier: Apache-2.0 */
/* A few messages into a topic, with the outcome of each. One thread. */
#ifndef WINNOW_SOURCE_KAFKA_SEND_H
#define WINNOW_SOURCE_KAFKA_SEND_H

#include "source/kafka.h"

struct kafka_send;

/* ERR_INPUT: a property is not usable. */
int kafka_send_new(const char *brokers, const char *topic, const struct kafka_property *properties, size_t len, struct kafka_send **ret, struct err *err);
void kafka_send_free(struct kafka_send *s);
/* Sends the value so many times, over the partitions, and waits until the broker has all of them; returns how many it has. */
size_t kafka_send_values(struct kafka_send *s, struct slice value, size_t count);

#endif
