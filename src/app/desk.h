/* SPDX-License-Identifier: Apache-2.0 */
/* The incident desk: which services are under incident, as the board has it; tells the workers. A thread of its own. Every function is for any thread. */
#ifndef WINNOW_APP_DESK_H
#define WINNOW_APP_DESK_H

#include "admin/admin.h"
#include "app/config.h"
#include "app/worker.h"

struct desk;

/* Opens the board and waits a few seconds until it is read; a board that cannot be opened is tried again for ever, and desk_trouble says why. */
struct desk *desk_open(const struct config *config);
void desk_close(struct desk *d);
/* Who is told; NULL: nobody any more. leads: whether this instance takes down what is over. */
void desk_set_workers(struct desk *d, struct worker *const *workers, size_t len);
void desk_set_leads(struct desk *d, bool (*leads)(void *arg), void *arg);
/* What keeps it from working; empty: nothing. */
void desk_trouble(struct desk *d, char *out, size_t size);

/* POST /api/v1/incident: {service, minutes, level} or what Alertmanager sends to a webhook. ERR_INPUT: not understood; others: not written down. */
int desk_post(struct desk *d, struct slice body, struct buf *out, struct err *err);
/* GET /api/v1/incidents, and /api/v1/control/SERVICE. */
void desk_list(struct desk *d, struct buf *out);
void desk_control(struct desk *d, struct slice service, struct buf *out);
/* Those that are going on, and how many were raised here so far. */
void desk_status(struct desk *d, struct admin_status *ret);

#endif
