/* SPDX-License-Identifier: Apache-2.0 */
/* A document's tape (json.h) from the index that simdjson's first stage made. Private to the room. */
#ifndef WINNOW_RECORD_JSON_INDEX_H
#define WINNOW_RECORD_JSON_INDEX_H

#include "record/json_shim.h"
#include "record/outline.h"

#include <stdbool.h>

struct json_index {
	const struct json_shim *shim;
	char *base;           /* the text; JSON_SHIM_PADDING zeros behind it */
	size_t len;
	bool escapes;         /* there is a backslash somewhere */
	const uint32_t *at;   /* json_shim_index's answer */
	size_t at_len;
	char *spare;          /* where strings that had escapes go: room for the text again, and padding; then the first free byte */
	uint64_t *tape;       /* room for len + 8 words */
	struct outline_walk *walk; /* the outermost object's; its len is 0 if it cannot be followed */
};

/* False: there is something in the document that only simdjson decides on, an error or a number that is not plain. */
bool json_index_read(struct json_index *index);

#endif
