/* SPDX-License-Identifier: Apache-2.0 */
/* Known records through the whole way: into an input topic, and as a total at the receiver. Only the instance that leads does so. */
#ifndef WINNOW_APP_CANARY_H
#define WINNOW_APP_CANARY_H

#include "admin/admin.h"
#include "app/books.h"
#include "app/config.h"

struct canary;

/* NULL if the configuration has none; that it cannot start is said, and nothing else. */
struct canary *canary_open(const struct config *config, struct books *books);
void canary_close(struct canary *c);
/* Any thread. */
void canary_status(struct canary *c, struct admin_canary *ret);
/* Where the receiver of an endpoint answers queries: as said, or beside the address of its writes. */
void canary_query_address(const struct config *config, size_t endpoint, const char *said, struct buf *out);

#endif
