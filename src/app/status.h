/* SPDX-License-Identifier: Apache-2.0 */
/* What this process can say of itself, gathered from its parts whenever someone asks over HTTP; owns the admin server. Every function is for any thread. */
#ifndef WINNOW_APP_STATUS_H
#define WINNOW_APP_STATUS_H

#include "app/books.h"
#include "app/canary.h"
#include "app/config.h"
#include "app/desk.h"
#include "app/sender.h"
#include "app/span_sender.h"
#include "app/worker.h"

struct status;

/* Opens the admin port. *reload is set when someone asks for a reload. 0, or the exit status after having said why. */
int status_start(const struct config *config, _Atomic bool *reload, struct status **ret);
void status_stop(struct status *s);
/* The parts as they come and go; NULL: gone. */
void status_set_books(struct status *s, struct books *books);
void status_set_workers(struct status *s, struct worker *const *workers, size_t len);
void status_set_sender(struct status *s, size_t endpoint, struct sender *sender);
void status_set_otlp(struct status *s, struct span_sender *otlp);
void status_set_canary(struct status *s, struct canary *canary);
void status_set_desk(struct status *s, struct desk *desk);
/* Who knows where the logs of the partitions end (-1: not known); called from the admin thread until it is set to NULL. */
typedef int64_t status_end_fn(void *arg, const char *topic, int32_t partition);
void status_set_ends(struct status *s, status_end_fn *end, void *arg);
/* What keeps a part ("journal", "kafka") from working, in a sentence; empty: nothing. Logged when it changes. */
void status_trouble(struct status *s, const char *part, const char *text);
/* The same of what nobody has tried yet: not logged. */
void status_expect(struct status *s, const char *part, const char *text);
/* The offset that someone set a consumer group to was not heeded. */
void status_overruled(struct status *s);
/* Where workers show records to who looks on. */
struct tap *status_tap(struct status *s);
void status_reloaded(struct status *s, bool successful);

#endif
