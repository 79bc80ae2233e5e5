/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A notice board: small texts by key, of which the newest counts.
 *
 * Two kinds: a compacted Kafka topic of one partition, which all instances and whoever else is interested read; and a file, for one instance. What is put up is
 * read back like the notices of others, in one order for everyone. Not a part of the books: nothing on it decides what is counted.
 */
#ifndef WINNOW_JOURNAL_BOARD_H
#define WINNOW_JOURNAL_BOARD_H

#include "journal/journal.h"

struct board;

struct board_notice {
	struct slice key, text; /* valid until the next read; text.ptr NULL: taken down */
};

enum board_answer { BOARD_NOTHING, BOARD_NOTICE, BOARD_END }; /* BOARD_END: all that was there when it was opened has been read */

/* One notice a line, KEY<tab>TEXT; written anew at each change. */
int board_open_file(const char *path, struct board **ret, struct err *err);
/* Of opts, only brokers and properties are used. The topic is made if it is missing. ERR_UNREACHABLE: no broker answers. */
int board_open_kafka(const struct journal_kafka_opts *opts, const char *topic, struct board **ret, struct err *err);
void board_close(struct board *b);
/* Waits until it is safe. text.ptr NULL takes the notice down. Neither may hold a tab or a newline. Any thread. */
int board_put(struct board *b, struct slice key, struct slice text, struct err *err);
/* An enum board_answer, or an error. One thread. */
int board_read(struct board *b, int64_t timeout_ns, struct board_notice *ret, struct err *err);

#endif
