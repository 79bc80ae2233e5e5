/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/incident.h"

#include "base/mem.h"

#include <stdlib.h>

struct incidents {
	size_t len;
	struct incident items[];
};

struct incidents *incidents_new(const struct incident *items, size_t len)
{
	if (len == 0)
		return NULL;
	struct incidents *x = mem_zalloc(1, sizeof(*x) + len * sizeof(*items));
	x->len = len;
	for (size_t i = 0; i < len; i++) {
		x->items[i] = items[i];
		x->items[i].service = slice_of(mem_strdup(items[i].service), items[i].service.len);
	}
	return x;
}

void incidents_free(struct incidents *x)
{
	for (size_t i = 0; x && i < x->len; i++)
		free((void *)x->items[i].service.ptr);
	free(x);
}

bool incidents_cover(const struct incidents *x, struct slice service, int64_t time_ns)
{
	for (size_t i = 0; x && i < x->len; i++)
		if (time_ns >= x->items[i].from_ns && time_ns < x->items[i].until_ns && slice_eq(x->items[i].service, service))
			return true;
	return false;
}
