/* SPDX-License-Identifier: Apache-2.0 */
/* What Jaeger's two encodings share. Private to the room. */
#ifndef WINNOW_RECORD_JAEGER_H
#define WINNOW_RECORD_JAEGER_H

#include "record/attribute.h"
#include "record/reader.h"

/* Takes a tag: kind and status have names of Jaeger's own. */
void jaeger_tag(struct decoder *d, struct record *r, struct slice name, const struct attribute *value);
void jaeger_note(struct decoder *d, const struct record *r);

#endif
