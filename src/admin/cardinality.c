/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/cardinality: where series come from. Every label of every live series is looked at once, under the ledger's lock: some 100 ns each. A row is a label of a metric; a
 * histogram's series are all its buckets with sum and count, as the receiver counts them. `saving` is what would go if the label had one value. */
#include "admin/view.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "metric/family.h"

#include <stdlib.h>

enum { ROWS_SHOWN = 20 };

struct row {
	const struct family *family;
	struct slice label;
	size_t values, ids;      /* distinct; of them, those that look like ids */
	size_t series;           /* as the receiver counts */
	uint64_t records, other; /* increments; of them, those in `other` */
};

struct rows {
	struct map by_label, values; /* the values' items are their rows */
	struct row **items;
	size_t len, cap;
	size_t series;
};

/* Long, and a third of it digits. */
static bool looks_like_an_id(struct slice s)
{
	size_t digits = 0;
	for (size_t i = 0; i < s.len; i++)
		digits += s.ptr[i] >= '0' && s.ptr[i] <= '9';
	return s.len >= 8 && digits * 3 >= s.len;
}

static struct row *row_of(struct rows *r, uint64_t hash, const struct family *family, struct slice label)
{
	struct row *row = map_get(&r->by_label, hash, NULL, NULL);
	if (row)
		return row;
	row = mem_zalloc(1, sizeof(*row));
	row->family = family;
	row->label = label;
	r->items = mem_grow(r->items, r->len, &r->cap, sizeof(struct row *));
	r->items[r->len++] = row;
	map_put(&r->by_label, hash, row);
	return row;
}

static void add(struct rows *r, const struct ledger_value *v)
{
	const struct family *family = family_get(v->family);
	size_t series = family->type == METRIC_HISTOGRAM ? family->bounds_len + 3 : 1;
	r->series += series;
	for (size_t i = 0; i < v->labels_len; i++) {
		uint64_t scope = hash_pair(family_key(v->family), hash_bytes(v->labels[i].name));
		uint64_t hash = hash_pair(scope, hash_bytes(v->labels[i].value));
		struct row *row = row_of(r, scope, family, v->labels[i].name);
		row->series += series;
		row->records += v->count;
		row->other += slice_eq(v->labels[i].value, SLICE("other")) ? v->count : 0;
		if (map_get(&r->values, hash, NULL, NULL))
			continue;
		map_put(&r->values, hash, row);
		row->values++;
		row->ids += looks_like_an_id(v->labels[i].value) && !slice_eq(v->labels[i].name, SLICE("pattern_id"));
	}
}

static size_t saving(const struct row *r)
{
	return r->values ? r->series - r->series / r->values : 0;
}

static int by_saving(const void *a, const void *b)
{
	const struct row *x = *(struct row *const *)a, *y = *(struct row *const *)b;
	if (saving(x) != saving(y))
		return saving(x) < saving(y) ? 1 : -1;
	int order = strcmp(x->family->name, y->family->name);
	return order ? order : slice_cmp(x->label, y->label);
}

/* By what a budget has folded away: the demand that was not met. */
static int by_demand(const void *a, const void *b)
{
	const struct row *x = *(struct row *const *)a, *y = *(struct row *const *)b;
	if (x->other != y->other)
		return x->other < y->other ? 1 : -1;
	return by_saving(a, b);
}

static void print_row(const struct row *r, struct buf *out)
{
	buf_printf(out, "%s{\"metric\":\"%s\",\"label\":", out->data[out->len - 1] == '[' ? "" : ",", r->family->name);
	buf_add_json_string(out, r->label);
	buf_printf(out, ",\"values\":%zu,\"series\":%zu,\"saving\":%zu,\"records\":%llu,\"other\":%llu,\"id_like\":%s}", r->values, r->series, saving(r), (unsigned long long)r->records,
		(unsigned long long)r->other, r->ids * 2 > r->values ? "true" : "false");
}

static void print_rows(struct rows *r, const char *name, bool demand, struct buf *out)
{
	if (r->len)
		qsort(r->items, r->len, sizeof(struct row *), demand ? by_demand : by_saving);
	buf_printf(out, ",\"%s\":[", name);
	for (size_t i = 0; i < r->len && i < ROWS_SHOWN; i++)
		if (!demand || r->items[i]->other)
			print_row(r->items[i], out);
	buf_add_char(out, ']');
}

void view_cardinality(const struct view *v, struct buf *out)
{
	struct rows rows = {0};
	struct ledger_value value;
	struct buf overflow = {0};
	for (size_t i = 0; v->ledger && i < ledger_series_len(v->ledger); i++) {
		if (!ledger_series_at(v->ledger, i, &value))
			continue;
		add(&rows, &value);
		if (value.family != FAMILY_OVERFLOW || value.labels_len != 1)
			continue;
		buf_add_str(&overflow, overflow.len ? "," : "");
		buf_add_json_string(&overflow, value.labels[0].value);
		buf_printf(&overflow, ":%llu", (unsigned long long)value.count);
	}
	buf_printf(out, "{\"series\":%zu,\"overflow\":{%s}", rows.series, buf_cstr(&overflow));
	print_rows(&rows, "by_series", false, out);
	print_rows(&rows, "by_demand", true, out);
	buf_add_char(out, '}');
	for (size_t i = 0; i < rows.len; i++)
		free(rows.items[i]);
	free(rows.items);
	map_done(&rows.by_label);
	map_done(&rows.values);
	buf_done(&overflow);
}
