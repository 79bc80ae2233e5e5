/* SPDX-License-Identifier: Apache-2.0 */
/* A Kafka topic for messages that could not be read: key, value and headers as they were, and why. One producer for the source; each of its partitions has a lane. */
#ifndef WINNOW_SOURCE_DEAD_LETTER_H
#define WINNOW_SOURCE_DEAD_LETTER_H

#include "source/kafka.h"

struct rd_kafka_message_s;
struct dead_letters;
struct dead_lane; /* what a partition has on its way */

struct dead_letter_opts {
	const char *brokers, *topic;
	const struct kafka_property *properties; /* the source's */
	size_t properties_len;
	int64_t per_second; /* most messages a second, ten seconds' worth at once; 0: no limit */
	enum format format; /* as which messages are read */
};

int dead_letters_new(const struct dead_letter_opts *opts, struct dead_letters **ret, struct err *err);
/* Waits a while for what is on its way. */
void dead_letters_free(struct dead_letters *d);
/* The partition's; as long as the letters. Any thread. */
struct dead_lane *dead_letters_lane(struct dead_letters *d, const char *topic, int32_t partition);
/* Copies the message into the topic. Any thread. */
enum source_aside dead_letters_add(struct dead_letters *d, struct dead_lane *lane, const struct rd_kafka_message_s *m, const char *topic, const char *reason, size_t lost);
/* Whether so much is on its way that no more should be added for now. Any thread. */
bool dead_letters_full(struct dead_letters *d);
/* Waits until all that the lane added is stored; false if it is not after timeout_ns. Adds how many the brokers refused for good since the last call. */
bool dead_letters_settle(struct dead_letters *d, struct dead_lane *lane, int64_t timeout_ns, size_t *lost);

#endif
