/* SPDX-License-Identifier: Apache-2.0 */
/* Text among the layers of a record, and what the record takes from it. Private to the room. */
#ifndef WINNOW_RECORD_TEXT_LAYER_H
#define WINNOW_RECORD_TEXT_LAYER_H

#include "record/reader.h"

/* Text among the layers: its header, and how many objects lie around it. */
struct text_layer {
	bool found;
	unsigned under;
	bool json; /* its message is JSON, and open: what is said there goes before the text of it */
	const char *via; /* notes: the field that held it */
	struct text_header h;
};
/* The members of the record that are still open. */
void text_layer_fill(struct decoder *d, const struct text_layer *text, struct record *r);
/* The same for one of them, `name`. */
void text_layer_take(struct decoder *d, const struct text_layer *text, struct slice *member, struct slice value, const char *name);

#endif
