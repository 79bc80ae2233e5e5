/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes: which logger wrote a JSON object, and where it keeps what.
 *
 * Idea: a shape is a row: the field names that give it away, and for each member of a record the places to look at, best first. A member without places
 * of its own in a row uses the generic ones, so a row says only what is special (a unit, a level scale, a name that means something else elsewhere).
 * Rows are tried from the top and the last one takes everything. The names are interned (key.h), so detection is a few operations on sets, and a column
 * whose set does not meet the object's is skipped without looking.
 */
#ifndef WINNOW_RECORD_SHAPE_H
#define WINNOW_RECORD_SHAPE_H

#include "record/key.h"
#include "record/level.h"
#include "record/outline.h"

enum member {
	MEMBER_TIME, MEMBER_LEVEL, MEMBER_MESSAGE, MEMBER_TEMPLATE, MEMBER_SERVICE, MEMBER_LOGGER, MEMBER_TRACE, MEMBER_SPAN, MEMBER_PARENT,
	MEMBER_DURATION, MEMBER_STATUS, MEMBER_METHOD, MEMBER_ROUTE, MEMBER_PATH, MEMBER_FAILURE, MEMBER_COUNT
};

/* A field, or a field inside one; a column ends with KEY_NONE. */
struct place {
	uint16_t key;
	enum level_scale scale;  /* levels: what a number means */
	int64_t unit;            /* durations: nanoseconds per unit of a bare number; 0: the shape's */
	bool ids;                /* the value is inside, under any of the column's own names: of those that are there the first by the column's order */
	struct slice inside[2];  /* names to descend by; empty: none */
};

/* Whether its value lies in that of its field. */
static inline bool place_is_inside(const struct place *p)
{
	return p->inside[0].len || p->ids;
}

enum { SHAPE_CLUES = 12, SHAPE_MAX = 96, SHAPE_ANSWERS = 64, SHAPE_PRESENT = 128, SHAPE_LAYERS = 6 };

/* What an object of this shape holds: one record, or something that has a reader of its own (json_document.c). */
enum shape_kind { SHAPE_LOG, SHAPE_OTLP, SHAPE_OTHER_SIGNAL, SHAPE_ZIPKIN, SHAPE_JAEGER, SHAPE_JAEGER_BATCH, SHAPE_LIST, SHAPE_STREAMS };

/* Whether the message may hold another record: _JSON: as JSON text that looks like one; _WHOLE: it is what somebody else wrote, so also an object, logfmt,
 * or text with a header. */
enum envelope { ENVELOPE_NONE, ENVELOPE_JSON, ENVELOPE_WHOLE };

struct shape {
	const char *name;
	uint16_t all[SHAPE_CLUES];  /* every one must be there */
	uint16_t any[SHAPE_CLUES];  /* at least one, if the list is not empty */
	uint16_t none[SHAPE_CLUES]; /* no one */
	enum shape_kind kind;
	enum envelope envelope;
	bool container;             /* its text is what a container's process wrote */
	bool access;                /* an access log: without a level, its status says how severe it is */
	bool any_request;           /* may be one: with a method and a status, and without a level */
	enum level_scale scale;
	enum severity absent_level; /* what a missing level means */
	int64_t duration_unit;
	const struct place *columns[MEMBER_COUNT];
};

struct shape_row {
	const struct shape *shape;
	struct key_set all, any, none;
	struct key_set columns[MEMBER_COUNT];
	const struct place *places[MEMBER_COUNT];
	bool choosy; /* any is not empty */
	const struct shape_table *table;
};

/* A name as one of 64 bits: which names an object holds is told by a word, mostly. */
static inline uint64_t name_bit(struct slice name)
{
	return name.len ? UINT64_C(1) << ((name.len * 5 + (unsigned char)name.ptr[0] + (unsigned char)name.ptr[name.len - 1] * 3U) & 63) : 1;
}

enum { SHAPE_NESTED = 12, SHAPE_NO_STEP = UINT16_MAX };

/* A place whose field is there. */
struct present {
	const struct place *place; /* NULL: the column's end */
	uint64_t bit;              /* of the first name inside; 0: none, or it is not known */
	uint16_t step;             /* in a plan: which name on the way has the value; SHAPE_NO_STEP: it has to be looked for */
};

/* An answer: the shape, and which of its columns have any of these names (bit m: member m). */
struct shape_match {
	struct key_set seen;
	const struct shape_row *row; /* NULL: the entry is free */
	unsigned members;
	const struct present *present[MEMBER_COUNT]; /* of each column the places whose field is there */
	struct present places[SHAPE_PRESENT];
	uint16_t nested[SHAPE_NESTED + 1]; /* the fields that places lie in; KEY_NONE ends them */
};

/* What was found out about objects whose names, and those inside them, come in one order (outline.h): their shape, and of each column the places whose value is there. */
struct shape_plan {
	struct shape_plan *next; /* of the same order, where other facts (json_object.c) hold */
	unsigned facts;
	struct key_set seen;
	const struct shape_row *row;
	unsigned members, columns; /* as a match's; and which columns have any place here */
	size_t keys_len;
	struct plan_key {
		uint16_t key, step; /* a known field, and which name on the way it is */
	} keys[OUTLINE_MEMBERS];
	const struct present *present[MEMBER_COUNT];
	struct present places[];
};

struct shape_table {
	struct shape_row rows[SHAPE_MAX];
	size_t len;
	const struct key_table *keys;
	uint8_t ranks[MEMBER_COUNT][KEY_COUNT]; /* where in the generic column a field that is no object stands, from 1; 0: nowhere */
	struct shape_match answers[SHAPE_LAYERS][SHAPE_ANSWERS]; /* by hash of the set: streams repeat themselves */
};

void shape_table_init(struct shape_table *table, const struct key_table *keys);
/* layer: how deep the object lies; the answer is valid until the next call for the same. */
const struct shape_match *shape_detect(struct shape_table *table, unsigned layer, const struct key_set *seen);
/* "time", "severity", ...: for notes. */
const char *member_name(enum member member);

#endif
