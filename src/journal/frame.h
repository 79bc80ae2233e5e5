/* SPDX-License-Identifier: Apache-2.0 */
/* The file journal's unit on disk: magic, length, CRC-32, bytes. Records and snapshots alike; private to the room. */
#ifndef WINNOW_JOURNAL_FRAME_H
#define WINNOW_JOURNAL_FRAME_H

#include "base/buf.h"

enum { FRAME_HEAD = 12, FRAME_MAX = 1 << 30 };

void frame_head(char head[FRAME_HEAD], struct slice bytes);
/* Length that a head claims, or -1 if it is none. */
int64_t frame_len(const char head[FRAME_HEAD]);
/* Whether the bytes behind a head are what was written. */
bool frame_good(const char head[FRAME_HEAD], struct slice bytes);
/* Length of the whole frame (head included) at the start of s, or 0 if no good one begins there. */
size_t frame_at(struct slice s);
/* Whether a good frame begins anywhere in s. */
bool frame_anywhere(struct slice s);

#endif
