/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a column that are there and not null, best first; and notes on where one was. Private to the room. */
#ifndef WINNOW_RECORD_JSON_SEARCH_H
#define WINNOW_RECORD_JSON_SEARCH_H

#include "record/reader.h"

/* Walks the values of a column that are there and not null. */
struct search {
	const struct object *o;
	const struct place *place; /* of the last value */
	const struct present *next;
	enum member member;
};

/* The value of a place that no plan says; 0: there is none. */
uint32_t search_look_for(const struct object *o, enum member member, const struct present *p);
void search_write_note(struct decoder *d, const struct object *o, enum member member, const struct place *place);

static inline struct search search_start(const struct object *o, enum member member)
{
	return (struct search){.o = o, .next = o->present[member], .member = member};
}

static inline __attribute__((always_inline)) uint32_t search_next(struct search *s)
{
	const struct object *o = s->o;
	for (const struct present *p; (p = s->next)->place;) {
		s->next++;
		uint32_t at = __builtin_expect(p->step != SHAPE_NO_STEP, 1) ? o->steps[p->step].at : search_look_for(o, s->member, p);
		if (!json_is_null(&o->json, at)) {
			s->place = p->place;
			return at;
		}
	}
	return 0;
}

static inline void search_note(struct decoder *d, struct search s)
{
	if (__builtin_expect(noting(d), 0))
		search_write_note(d, s.o, s.member, s.place);
}

static inline __attribute__((always_inline)) struct slice search_text(struct decoder *d, const struct object *o, enum member member)
{
	if (!(o->columns >> member & 1))
		return slice_of(NULL, 0);
	struct search s = search_start(o, member);
	for (uint32_t at; (at = search_next(&s));) {
		struct slice text = json_text(&o->json, at);
		if (text.len == 0)
			continue;
		search_note(d, s);
		return text;
	}
	return slice_of(NULL, 0);
}

#endif
