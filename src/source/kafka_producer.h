/* SPDX-License-Identifier: Apache-2.0 */
/* The producer of a topic that winnow writes beside its journal: dead letters, spans, the canary's records. Private to the room. */
#ifndef WINNOW_SOURCE_KAFKA_PRODUCER_H
#define WINNOW_SOURCE_KAFKA_PRODUCER_H

#include "source/kafka.h"

#include <librdkafka/rdkafka.h>

struct kafka_producer_opts {
	const char *what; /* errors begin with it */
	const char *brokers;
	const struct kafka_property *usual; /* the user's win over these */
	size_t usual_len;
	const struct kafka_property *users;
	size_t users_len;
	const struct kafka_property *fixed; /* and these over the user's, as does acks=all */
	size_t fixed_len;
	void (*on_delivered)(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque); /* in whichever thread polls */
	void *opaque;
};

/* ERR_INPUT: a property is not usable. */
int kafka_producer_new(const struct kafka_producer_opts *opts, rd_kafka_t **ret, struct err *err);

#endif
