/* SPDX-License-Identifier: Apache-2.0 */
/* A document's tape (json.h) from its text, in one pass along the outline. Private to the room. */
#ifndef WINNOW_RECORD_JSON_SCAN_H
#define WINNOW_RECORD_JSON_SCAN_H

#include "record/json_shim.h"
#include "record/outline.h"

#include <stdbool.h>

struct json_scan {
	struct json_shim *shim;
	char *text;           /* JSON_SHIM_PADDING zeros behind it; ends of lines may be undone in it */
	size_t len;
	char *spare;          /* where strings that had escapes go: room for the text again, and padding; then the first free byte */
	uint64_t *tape;       /* room for len + 8 words */
	struct outline_walk *walk; /* the outermost object's; its len is 0 if it cannot be followed */
};

/* False: there is something in the document that only simdjson decides on, an error or a number that is not plain. */
bool json_scan_read(struct json_scan *scan);

#endif
