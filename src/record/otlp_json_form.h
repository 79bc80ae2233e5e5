/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects are spans as nearly all are, and where their values stand. Private to the room. */
#ifndef WINNOW_RECORD_OTLP_JSON_FORM_H
#define WINNOW_RECORD_OTLP_JSON_FORM_H

#include "record/reader.h"

/* The members that a span's object has: ids, name, kind and times, and nothing else that is read. */
enum form { FORM_OTHER, FORM_ROOT, FORM_CHILD };
/* Where they are in a memo. */
enum { AT_TRACE, AT_SPAN, AT_NAME, AT_KIND, AT_START, AT_END, AT_PARENT };
_Static_assert((int)AT_PARENT < (int)MEMBER_PLACES, "a memo has room");

/* Finds out, for a memo just made of this object, which form it has. */
void otlp_form_learn(struct member_memo *memo, const struct object *o);

#endif
