/* SPDX-License-Identifier: Apache-2.0 */
/* Services under incident: for a span of event time all that is kept of them is kept generously. Event time, so that records of the incident that are counted late are
 * treated like the others. Immutable once made. */
#ifndef WINNOW_ENGINE_INCIDENT_H
#define WINNOW_ENGINE_INCIDENT_H

#include "base/slice.h"

enum { INCIDENTS_MAX = 64 };

struct incident {
	struct slice service;
	int64_t from_ns, until_ns; /* half open */
};

struct incidents;

/* A copy of items; NULL if there are none. */
struct incidents *incidents_new(const struct incident *items, size_t len);
void incidents_free(struct incidents *x);
/* Whether a record of the service at this time belongs to an incident: all of its traces are kept then, its budgets are doubled. x may be NULL. */
bool incidents_cover(const struct incidents *x, struct slice service, int64_t time_ns);

#endif
