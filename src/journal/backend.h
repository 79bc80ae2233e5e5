/* SPDX-License-Identifier: Apache-2.0 */
/* What a kind of journal must do; private to the room. */
#ifndef WINNOW_JOURNAL_BACKEND_H
#define WINNOW_JOURNAL_BACKEND_H

#include "journal/journal.h"

/* Members as the functions of journal.h with the same names. */
struct journal_backend {
	void (*close)(struct journal *j);
	int (*append)(struct journal *j, struct slice record, struct err *err);
	int (*begin)(struct journal *j, int64_t *ret_position, struct err *err);
	int (*end)(struct journal *j, int64_t *ret_position, struct err *err);
	int (*seek)(struct journal *j, int64_t position, struct err *err);
	int64_t (*next)(const struct journal *j);
	int (*read)(struct journal *j, int64_t timeout_ns, struct journal_entry *ret, struct err *err);
	bool (*leads)(struct journal *j);
	int (*save_snapshot)(struct journal *j, struct slice snapshot, int64_t position, struct err *err);
	int (*load_snapshot)(struct journal *j, struct buf *out, struct err *err);
};

/* First member of both kinds. */
struct journal {
	const struct journal_backend *backend;
};

#endif
