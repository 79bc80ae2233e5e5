/* SPDX-License-Identifier: Apache-2.0 */
/* Which values a label may have: the first ones, as many as there is room for (budgets.label_values), and only so many that look like ids (budgets.id_values).
 *
 * A scope is a label of one rule, metric or service. Its ids are folded long before its budget is spent, by one of two signs:
 *   shape   as many values as budgets.id_values, three quarters of the scope's, look like ids by their shape (id_like.h)
 *   growth  GROWN values or more, three quarters of them with digits enough to be numbers of something, and not one record in 20 repeated one
 * Growth is asked only where every record asks, which is not so for labels of spans (memos).
 * From then on further values that look so are `other`, those that do not go on as before. Both look at values only when there is a new one: a value that is
 * known costs one look-up. The ledger asks the same of all instances together (budget.c there); here it keeps deltas and tables small, and knows the rule's name. */
#include "base/log.h"
#include "base/mem.h"
#include "engine/red_parts.h"
#include "metric/id_like.h"

#include <stdlib.h>

enum { GROWN = 64, FRESH_OF = 20, SHOWN = 60 };

struct label_scope {
	size_t values, ids, perhaps; /* admitted; of them, what looks like an id: by its shape; if there is other evidence */
	uint64_t records;            /* counted with an admitted value */
	bool told_full, told_id;
};

const char *red_refusal_name(enum red_refusal refusal)
{
	static const char *const names[] = {"", "label_values", "id_values"};
	return names[refusal];
}

void red_labels_forget(struct red *r)
{
	map_clear(&r->label_values);
	map_clear(&r->label_scopes);
	arena_reset(&r->label_arena);
}

void red_labels_done(struct red *r)
{
	map_done(&r->label_values);
	map_done(&r->label_scopes);
	arena_done(&r->label_arena);
}

static struct label_scope *scope_get(struct red *r, uint64_t hash)
{
	struct label_scope *s = map_get(&r->label_scopes, hash, NULL, NULL);
	if (s)
		return s;
	s = arena_zalloc(&r->label_arena, sizeof(*s));
	map_put(&r->label_scopes, hash, s);
	return s;
}

static bool grows(const struct label_scope *s)
{
	return s->values >= GROWN && s->perhaps * 4 >= s->values * 3 && s->values * FRESH_OF > s->records * (FRESH_OF - 1);
}

static bool takes_ids(const struct red *r, const struct label_scope *s)
{
	return r->ids && s->ids >= r->ids && s->ids * 4 >= s->values * 3;
}

static enum red_refusal refusal_of(const struct red *r, const struct label_scope *s, struct slice value, enum red_ids ids)
{
	if (ids != IDS_WELCOME && takes_ids(r, s) && id_like(value))
		return RED_ID;
	if (ids == IDS_BY_GROWTH && r->ids && grows(s) && id_like_perhaps(value))
		return RED_ID;
	return s->values >= r->names ? RED_FULL : RED_FITS;
}

enum red_refusal red_value(struct red *r, uint64_t scope, struct slice value, enum red_ids ids, bool *ret_first)
{
	uint64_t hash = hash_pair(scope, hash_bytes(value));
	struct label_scope *s = map_get(&r->label_values, hash, NULL, NULL);
	*ret_first = false;
	if (s) {
		s->records++;
		return RED_FITS;
	}
	s = scope_get(r, scope);
	enum red_refusal refusal = refusal_of(r, s, value, ids);
	if (refusal != RED_FITS) {
		bool *told = refusal == RED_ID ? &s->told_id : &s->told_full;
		*ret_first = !*told;
		*told = true;
		return refusal;
	}
	s->values++;
	s->records++;
	s->ids += id_like(value);
	s->perhaps += id_like_perhaps(value);
	map_put(&r->label_values, hash, s);
	return RED_FITS;
}

void red_warn(const struct red *r, enum red_refusal refusal, const char *what, struct slice whose, struct slice label, struct slice value)
{
	value = slice_sub(value, 0, SHOWN);
	value.len = slice_utf8_prefix(value);
	if (refusal == RED_ID)
		log_line(LOG_WARN, "budgets", "%s \"%.*s\": its label \"%.*s\" takes ids, \"%.*s\" is one more: there is a new one for nearly every record. Further ones are counted as \"other\" (budgets.id_values)", what,
			(int)whose.len, whose.ptr, (int)label.len, label.ptr, (int)value.len, value.ptr);
	else
		log_line(LOG_WARN, "budgets", "%s \"%.*s\": its label \"%.*s\" has more than %zu values, \"%.*s\" is the next; further ones are counted as \"other\" (budgets.label_values)", what, (int)whose.len,
			whose.ptr, (int)label.len, label.ptr, r->names, (int)value.len, value.ptr);
}
