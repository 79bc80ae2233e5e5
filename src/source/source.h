/* SPDX-License-Identifier: Apache-2.0 */
/* Where messages come from. A reader is one input partition, owned by one shard thread at a time; how readers come and go is the business of each kind
 * (a consumer group for Kafka, the command line for files). */
#ifndef WINNOW_SOURCE_SOURCE_H
#define WINNOW_SOURCE_SOURCE_H

#include "base/err.h"

enum { SOURCE_BATCH_MAX = 1000 };

struct source_message {
	struct slice payload; /* ptr NULL: tombstone */
	int64_t offset;
	int64_t next_offset;  /* where the message behind it starts, as far as this one tells */
	int64_t time_ns;      /* the source's own timestamp, 0: none */
	void *handle;         /* private to the reader */
};

struct source_batch {
	struct source_message messages[SOURCE_BATCH_MAX];
	size_t len;
	bool at_end;          /* nothing more is there for now */
	void *held[SOURCE_BATCH_MAX]; /* private to the reader */
	size_t held_len;
};

struct source_reader;

enum source_aside {
	SOURCE_ASIDE_NOWHERE, /* there is no place for what cannot be read */
	SOURCE_ASIDE_TAKEN,
	SOURCE_ASIDE_LIMITED, /* too many of them at this time */
};

struct source_reader_ops {
	/* Fills ret with what is there now, without waiting; views are valid until release. Errors: nothing was read, try later. */
	int (*poll)(struct source_reader *r, size_t max, struct source_batch *ret, struct err *err);
	void (*release)(struct source_reader *r, struct source_batch *batch);
	/* The next poll starts at offset. */
	int (*seek)(struct source_reader *r, int64_t offset, struct err *err);
	void (*close)(struct source_reader *r);
	/* The header of a message of the batch with this number; false behind the last. NULL: messages have none. */
	bool (*header)(struct source_reader *r, const struct source_message *m, size_t i, struct slice *ret_name, struct slice *ret_value);
	/* Keeps a message of the batch that could not be read, with the reason, for people. NULL: there is nowhere. */
	enum source_aside (*set_aside)(struct source_reader *r, const struct source_message *m, const char *reason, size_t lost_records);
	/* Whether so much that was set aside is not stored yet that reading should wait. NULL like the above. */
	bool (*aside_full)(struct source_reader *r);
	/* Waits until all that was set aside is stored; false if it is not after timeout_ns. Adds how many were refused for good. NULL like the above. */
	bool (*settle)(struct source_reader *r, int64_t timeout_ns, size_t *lost);
	/* Offset behind the last message now. NULL: the log cannot become shorter than it was. */
	int (*look)(struct source_reader *r, int64_t *ret_end, struct err *err);
	/* First offset written at time_ns or later; the end if there is none. NULL like the above. */
	int (*since)(struct source_reader *r, int64_t time_ns, int64_t *ret, struct err *err);
};

struct source_reader {
	const struct source_reader_ops *ops;
	char *topic;
	int32_t partition;
	int64_t start;        /* first offset to read where the journal does not know the partition */
	int64_t end;          /* offset behind the last message when the reader was opened; -1: unknown (a pipe) */
	int64_t reset;        /* offset to which someone else set the consumer group; -1: nobody did */
};

#endif
