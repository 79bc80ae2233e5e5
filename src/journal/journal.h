/* SPDX-License-Identifier: Apache-2.0 */
/* Where deltas are appended and read back: one order for everyone. Two kinds: a local file and a Kafka topic (with a compacted topic for snapshots). */
#ifndef WINNOW_JOURNAL_JOURNAL_H
#define WINNOW_JOURNAL_JOURNAL_H

#include "base/buf.h"
#include "base/err.h"

struct journal;

struct journal_entry {
	int64_t position;      /* of this record */
	int64_t next_position; /* of the one behind it */
	struct slice bytes;    /* valid until the next read */
};

struct journal_property {
	const char *key, *value;
};

struct journal_kafka_opts {
	const char *brokers;
	const char *topic;       /* one partition, cleanup.policy=delete; created if missing, settings checked */
	const char *state_topic; /* compacted */
	const char *group;       /* leadership: whoever owns partition 0 of the journal topic in this group (GROUP-winnow-leader) leads */
	const struct journal_property *properties;
	size_t properties_len;
};

/* directory is created if missing; ERR_IO if another process holds its lock. A torn last record is cut off and said so. */
int journal_open_file(const char *directory, struct journal **ret, struct err *err);
int journal_open_kafka(const struct journal_kafka_opts *opts, struct journal **ret, struct err *err);
void journal_close(struct journal *j);

/* Appends one record and waits until it is safe (fsync; acks=all). Any thread. On error the record may or may not be there: read back to know.
 * ERR_IO: disk full and the like, nothing was written (the file is cut back); ERR_UNREACHABLE: broker. */
int journal_append(struct journal *j, struct slice record, struct err *err);

/* The rest is for the one ledger thread, but journal_end and journal_leads, which any thread may call. */
/* Position of the first record still there. */
int journal_begin(struct journal *j, int64_t *ret_position, struct err *err);
/* Position behind the last record at the time of asking. */
int journal_end(struct journal *j, int64_t *ret_position, struct err *err);
/* To the first record at or behind position. */
int journal_seek(struct journal *j, int64_t position, struct err *err);
/* Where the next read goes on: behind the record last read, or where a seek really went, which may be behind what it was asked for. */
int64_t journal_next(const struct journal *j);
/* 1: *ret is the next record; 0: none came within timeout_ns; negative: error. */
int journal_read(struct journal *j, int64_t timeout_ns, struct journal_entry *ret, struct err *err);
/* Whether this instance is the one that sends. File: always. */
bool journal_leads(struct journal *j);

/* Keeps the snapshot (bytes as ledger_save made them) taken at position; older ones are removed when it is safe. */
int journal_save_snapshot(struct journal *j, struct slice snapshot, int64_t position, struct err *err);
/* Newest whole snapshot; 0 with out->len == 0 if there is none. Corrupt ones are skipped and said so. */
int journal_load_snapshot(struct journal *j, struct buf *out, struct err *err);

#endif
