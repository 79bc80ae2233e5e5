/* SPDX-License-Identifier: Apache-2.0 */
/* A Kafka topic for messages that could not be read: key, value and headers as they were, and why. */
#ifndef WINNOW_SOURCE_DEAD_LETTER_H
#define WINNOW_SOURCE_DEAD_LETTER_H

#include "source/kafka.h"

struct rd_kafka_message_s;
struct dead_letters;

struct dead_letter_opts {
	const char *brokers, *topic;
	const struct kafka_property *properties; /* the source's */
	size_t properties_len;
	int64_t per_second; /* most messages a second, ten seconds' worth at once; 0: no limit */
};

int dead_letters_new(const struct dead_letter_opts *opts, struct dead_letters **ret, struct err *err);
/* Waits a while for what is on its way. */
void dead_letters_free(struct dead_letters *d);
/* Copies the message into the topic. Any thread. */
enum source_aside dead_letters_add(struct dead_letters *d, const struct rd_kafka_message_s *m, const char *topic, const char *reason, size_t lost);
/* Waits until all that was added is stored, for five seconds at most; returns how many could not be since the last call. Any thread. */
size_t dead_letters_settle(struct dead_letters *d);

#endif
