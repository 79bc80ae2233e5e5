/* SPDX-License-Identifier: Apache-2.0 */
/* A partition in the hands of a worker: its reader, what was read and not yet fed, where the shard stands in it. Belongs to the worker's thread. */
#ifndef WINNOW_APP_PARTITION_H
#define WINNOW_APP_PARTITION_H

#include "engine/shard.h"
#include "source/source.h"

/* The headers of the message that the shard is fed with. */
struct partition_headers {
	struct message_headers base;
	struct source_reader *reader;
	const struct source_message *message;
};

struct partition {
	struct shard_partition shard;
	struct source_reader *reader;
	struct partition_headers headers;
	struct source_batch batch; /* read, of which messages from `next` on are still to be fed */
	size_t next;
	int64_t active_ns;  /* monotonic time of the last message or end */
	int64_t retry_ns;   /* monotonic time before which it is not polled */
	bool joined;        /* say so in the next delta */
	bool seek_pending;
	int64_t aside_to;   /* offsets below were set aside already, if they had to be */
	bool unsettled;     /* something that was set aside is not known to be stored */
	bool aside_full;    /* so much of it that reading waits */
	bool ended;         /* read up to where it ended when it was opened */
	uint32_t life;      /* of the log: see struct delta_range */
	bool anew;          /* to be said in the next delta */
	int64_t before;
	bool suspicious;    /* the log may be shorter than what is counted of it */
	int64_t look_ns;    /* monotonic time of the next look at that */
};

struct partitions {
	struct partition **at;
	size_t len, cap;
};

/* Has the shard ask the reader for headers, if its messages have any. */
void partition_init_headers(struct partition *p);
/* Gives what was read and not fed back to the reader. */
void partition_let_go(struct partition *p);
/* Lets go, closes the reader, frees. */
void partition_free(struct partition *p);
/* Sets a message aside that was just fed and not all of which could be read. */
enum source_aside partition_set_aside(struct partition *p, const struct source_message *m, const char *reason, size_t lost);
/* Whether reading waits because too much that was set aside is not stored yet. */
bool partition_aside_full(struct partition *p);
/* Waits until what was set aside is stored; false if it is not after timeout_ns. Adds how many were refused for good. */
bool partition_settle(struct partition *p, int64_t timeout_ns, size_t *lost);
/* Furthest behind in event time first. */
void partitions_sort_by_time(struct partitions *all);

#endif
