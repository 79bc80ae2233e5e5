/* SPDX-License-Identifier: Apache-2.0 */
/* An endpoint's sender thread: while this instance leads, sends the oldest closed step and marks it in the journal. */
#ifndef WINNOW_APP_SENDING_H
#define WINNOW_APP_SENDING_H

#include "app/books.h"
#include "app/config.h"
#include "app/sender.h"

struct sending;
struct status;

/* 0, or the exit status after having said why. */
int sending_start(const struct config *config, size_t endpoint, struct books *books, struct status *status, struct sending **ret);
/* Gives up what is under way, waits for the thread, frees. */
void sending_stop(struct sending *s);

#endif
