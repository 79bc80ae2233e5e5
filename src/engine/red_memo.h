/* SPDX-License-Identifier: Apache-2.0 */
/* What red_span.c (keys, counting), red_series.c (series and their labels), red_edge.c and red_target.c share: memos under keys of bytes. Private to the engine room. */
#ifndef WINNOW_ENGINE_RED_MEMO_H
#define WINNOW_ENGINE_RED_MEMO_H

#include "engine/red_parts.h"
#include "engine/route.h"

enum { MEMO_SERIES = 4, LABEL_NAME_MAX = 128 };

struct memo {
	uint64_t hash;
	size_t len;
	size_t names; /* the budgets that it was made under: what did not fit is asked again under others */
	enum red_refusal refusal; /* whether a budget was spent */
	bool none; /* the preset has nothing for it */
	struct tally_spot spot; /* of series[0], for spans */
	int64_t series[MEMO_SERIES];
	char key[];
};

/* Room in r->key for `fixed` bytes and texts that have `texts` bytes in all. */
static inline char *key_begin(struct red *r, size_t fixed, size_t texts)
{
	buf_reset(&r->key);
	return buf_reserve(&r->key, fixed + texts);
}

static inline char *key_bytes(char *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static inline char *key_text(char *at, struct slice text)
{
	uint32_t len = (uint32_t)text.len;
	memcpy(at, &len, sizeof(len));
	at += sizeof(len);
	if (len)
		memcpy(at, text.ptr, len);
	return at + len;
}

static inline void key_end(struct red *r, const char *at)
{
	r->key.len = (size_t)(at - r->key.data);
}

/* --- red_memo.c --- */
/* The memo under r->key, and whether it is new and to be filled. */
struct memo *memo_get(struct red *r, bool *ret_new);
void memos_forget(struct red *r);

/* --- red_series.c --- */
/* Finds a span's series, as the preset has them. */
void red_fill_span(struct red *r, const struct red_event *e, struct memo *m);
/* How many nanoseconds one of the preset's durations has. */
double red_unit_ns(const struct red *r);
/* value, or `other` if the service has too many of them. */
struct slice red_in_budget(struct red *r, struct slice service, const char *what, struct slice value, enum red_refusal *refusal);
/* The name of an attribute as a label may be called; anything but letters, digits and _ becomes _. */
struct slice red_label_name(struct slice name, char out[LABEL_NAME_MAX]);
/* service.namespace/service.name */
struct slice red_job(const struct red_event *e, char out[ROUTE_MAX]);

/* --- red_span.c --- */
void red_fault(struct red *r, const char *fault, int64_t step);

/* --- red_target.c --- */
void red_targets_forget(struct red *r);

#endif
