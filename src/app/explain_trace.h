/* SPDX-License-Identifier: Apache-2.0 */
/* explain --trace: why a trace is kept, or not. */
#ifndef WINNOW_APP_EXPLAIN_TRACE_H
#define WINNOW_APP_EXPLAIN_TRACE_H

#include "app/config.h"

/* config: with the policy; NULL: only the running instance is asked. values: lines with the trace's spans and log records, or nothing. Returns the exit status. */
int explain_trace(const struct config *config, const char *config_path, enum format format, struct slice trace_id, struct slice values);

#endif
