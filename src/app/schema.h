/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schemas of the files that users write, out of the tables that the loaders use: an editor that has them completes keys and marks mistakes. */
#ifndef WINNOW_APP_SCHEMA_H
#define WINNOW_APP_SCHEMA_H

#include "base/buf.h"

struct schema {
	const char *name;    /* "rules", "config" */
	const char *summary;
	void (*print)(struct buf *out);
};

/* NULL-terminated by name. */
extern const struct schema schemas[];
/* The schema, indented. */
void schema_print(const struct schema *schema, struct buf *out);

#endif
