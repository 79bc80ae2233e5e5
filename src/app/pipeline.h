/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: sources, workers, books, sender and admin put together. Everything runs between pipeline_run's call and its return. */
#ifndef WINNOW_APP_PIPELINE_H
#define WINNOW_APP_PIPELINE_H

#include "app/config.h"
#include "journal/journal.h"
#include "ledger/ledger.h"

/* The configuration's ledger and journal. group: added to the name of the group in which leaders are chosen, "" for the one of the instances. */
void pipeline_ledger_opts(const struct config *config, struct ledger_opts *ret);
int pipeline_open_journal(const struct config *config, const char *group, struct journal **ret, struct err *err);

/* Runs until SIGTERM or SIGINT (SIGHUP reloads the rules), or, with until_end, until every source has been read to the end it had at start and every step is
 * sent. Returns the exit status. */
int pipeline_run(const struct config *config, bool until_end);

#endif
