/* SPDX-License-Identifier: Apache-2.0 */
/* What an attribute of OTLP, or a tag of Jaeger or Zipkin, means for its record. */
#ifndef WINNOW_RECORD_ATTRIBUTE_H
#define WINNOW_RECORD_ATTRIBUTE_H

#include "record/record.h"

struct attribute {
	struct slice text; /* of a string, else empty */
	int64_t number;    /* of an integer, or of a string that is one; else 0 */
	double real;       /* of a number with a fraction; else 0 */
	bool truth;        /* true, or "true" */
};

/* Takes the value into the member that the attribute with this interned name (key.h) is for; any other name changes nothing. */
void attribute_take(struct record *r, unsigned key, const struct attribute *value);
/* The attribute that a text stands for. */
struct attribute attribute_of_text(struct slice text);

#endif
