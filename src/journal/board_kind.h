/* SPDX-License-Identifier: Apache-2.0 */
/* What a kind of board must do; private to the room. */
#ifndef WINNOW_JOURNAL_BOARD_KIND_H
#define WINNOW_JOURNAL_BOARD_KIND_H

#include "journal/board.h"

/* Members as the functions of board.h with the same names. */
struct board_kind {
	void (*close)(struct board *b);
	int (*put)(struct board *b, struct slice key, struct slice text, struct err *err);
	int (*read)(struct board *b, int64_t timeout_ns, struct board_notice *ret, struct err *err);
};

/* First member of both kinds. */
struct board {
	const struct board_kind *kind;
};

#endif
