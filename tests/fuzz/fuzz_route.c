/* SPDX-License-Identifier: Apache-2.0 */
/* A route is no longer than its room, cut between characters, and stays itself when it is made again (if it was not cut). */
#include "engine/route.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char once[ROUTE_MAX], twice[ROUTE_MAX];
	struct slice name = slice_of((const char *)data, size);
	size_t len = route_template(name, once);
	if (len > ROUTE_MAX || (slice_is_utf8(name) && !slice_is_utf8(slice_of(once, len))))
		abort();
	if (len < ROUTE_MAX - 4 && slice_is_utf8(name) && !slice_eq(slice_of(once, len), slice_of(twice, route_template(slice_of(once, len), twice))))
		abort();
	return 0;
}
