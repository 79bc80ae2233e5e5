/* SPDX-License-Identifier: Apache-2.0 */
/* A Kafka consumer group as a source of readers. The consumer group only shares out the partitions; where reading starts is the journal's word. */
#ifndef WINNOW_SOURCE_KAFKA_H
#define WINNOW_SOURCE_KAFKA_H

#include "record/decoder.h"
#include "source/source.h"

struct kafka_property {
	const char *key, *value;
};

enum kafka_start { KAFKA_EARLIEST, KAFKA_LATEST, KAFKA_AT_TIME };

struct kafka_source_opts {
	const char *brokers;
	const char *const *topics; /* "^..." is a regular expression */
	size_t topics_len;
	const char *group;
	enum kafka_start start;
	int64_t start_ns;
	const struct kafka_property *properties; /* anything librdkafka knows; they win over ours, except those that exactness rests on */
	size_t properties_len;
	const char *dead_letters;         /* topic for messages that cannot be read; NULL: none */
	int64_t dead_letters_per_second;  /* 0: no limit */
	enum format format;               /* as which messages are read, for what letters say */
};

struct kafka_source;

/* Called by kafka_source_serve on its thread. */
struct kafka_source_calls {
	/* New partitions: set ret_offsets[i] to where reading of readers[i] starts. They belong to the callee from now on, but must not be read yet. */
	void (*assigned)(void *arg, struct source_reader *const *readers, size_t len, int64_t *ret_offsets);
	/* The same partitions, assigned: reading may begin. */
	void (*ready)(void *arg, struct source_reader *const *readers, size_t len);
	/* The partitions go away: returns when what was read of them is in the journal; lost: they are gone already. Close the readers. */
	void (*revoked)(void *arg, const char *const *topics, const int32_t *partitions, size_t len, bool lost);
	void *arg;
};

int kafka_source_new(const struct kafka_source_opts *opts, const struct kafka_source_calls *calls, struct kafka_source **ret, struct err *err);
/* Waits up to timeout for group events and handles them. *ret_trouble is a sentence when brokers cannot be reached (empty: all is well); valid until the next call. */
void kafka_source_serve(struct kafka_source *k, int64_t timeout_ns, const char **ret_trouble);
/* Tells the group how far counting is, for lag dashboards only. */
void kafka_source_commit(struct kafka_source *k, const char *const *topics, const int32_t *partitions, const int64_t *offsets, size_t len);
/* True once the group has given this member an assignment (possibly of nothing). */
bool kafka_source_joined(const struct kafka_source *k);
/* End of the log of a partition as the brokers last told with a fetch; -1: not known, as it is for partitions of other members. Any thread. */
int64_t kafka_source_end(const struct kafka_source *k, const char *topic, int32_t partition);
/* Leaves the group (revoked is called for what is left) and frees. */
void kafka_source_close(struct kafka_source *k);

#endif
