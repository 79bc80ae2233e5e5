/* SPDX-License-Identifier: Apache-2.0 */
/* Low-cardinality forms of span names and URL paths: segments that are ids become <id>, the query goes. Stateless, so every instance gives the same label. */
#ifndef WINNOW_ENGINE_ROUTE_H
#define WINNOW_ENGINE_ROUTE_H

#include "base/slice.h"

enum { ROUTE_MAX = 256 };

/* Writes the template of name ("GET /users/81422?x=1" -> "GET /users/<id>") to out; returns its length, at most ROUTE_MAX. */
size_t route_template(struct slice name, char out[ROUTE_MAX]);

#endif
