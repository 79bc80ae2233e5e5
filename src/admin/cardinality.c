/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/cardinality: where series come from. Every label of every live series is looked at once, under the ledger's lock: some 100 ns each. A row is a label of a metric, or
 * of a rule's records; a histogram's series are all its buckets with sum and count, as the receiver and the budgets count them. `saving` is what would go if the label
 * had one value, `growth` what began within the last hour of the metrics' time, and `other` the demand that a budget has folded away. */
#include "admin/view.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "metric/family.h"
#include "metric/id_like.h"

#include <stdlib.h>

enum { ROWS_SHOWN = 20 };
#define GROWTH_NS (3600 * NS_PER_S)

struct row {
	const struct family *family; /* NULL: a service's */
	struct slice label;          /* or the service */
	struct slice rule;
	size_t values, ids;      /* distinct; of them, those that look like ids */
	size_t series, growth;   /* as the receiver counts */
	uint64_t records, other; /* increments; of them, those in `other` */
};

struct list {
	struct map by_key;
	struct row **items;
	size_t len, cap;
};

struct rows {
	struct list labels, services;
	struct map values; /* the items are their rows */
	size_t series, growth;
	int64_t hour_ns;   /* when the last hour began */
};

static struct row *row_of(struct list *l, uint64_t hash, const struct family *family, struct slice label)
{
	struct row *row = map_get(&l->by_key, hash, NULL, NULL);
	if (row)
		return row;
	row = mem_zalloc(1, sizeof(*row));
	row->family = family;
	row->label = label;
	l->items = mem_grow(l->items, l->len, &l->cap, sizeof(struct row *));
	l->items[l->len++] = row;
	map_put(&l->by_key, hash, row);
	return row;
}

static void add_to(struct row *row, size_t series, bool grown, const struct ledger_value *v, bool other)
{
	row->series += series;
	row->growth += grown ? series : 0;
	row->records += v->count;
	row->other += other ? v->count : 0;
}

/* Labels that every record of the metric has; others of log_pattern_records_total are those of a rule. */
static bool is_of_rule(const struct ledger_value *v, struct slice label)
{
	return v->rule.len && v->family == FAMILY_LOG_PATTERN_RECORDS && !slice_eq(label, SLICE("service_name")) && !slice_eq(label, SLICE("severity")) && !slice_eq(label, SLICE("pattern_id"));
}

static void add_label(struct rows *r, const struct ledger_value *v, const struct label *label, size_t series, bool grown)
{
	bool of_rule = is_of_rule(v, label->name);
	uint64_t scope = hash_pair(family_key(v->family), hash_bytes(label->name));
	if (of_rule)
		scope = hash_pair(scope, hash_bytes(v->rule));
	uint64_t hash = hash_pair(scope, hash_bytes(label->value));
	struct row *row = row_of(&r->labels, scope, family_get(v->family), label->name);
	if (of_rule)
		row->rule = v->rule;
	add_to(row, series, grown, v, slice_eq(label->value, SLICE("other")));
	if (map_get(&r->values, hash, NULL, NULL))
		return;
	map_put(&r->values, hash, row);
	row->values++;
	row->ids += id_like(label->value) && !slice_eq(label->name, SLICE("pattern_id"));
}

static void add(struct rows *r, const struct ledger_value *v)
{
	const struct family *family = family_get(v->family);
	size_t series = family->type == METRIC_HISTOGRAM ? family->bounds_len + 3 : 1;
	bool grown = v->begun_ns == 0 || v->begun_ns >= r->hour_ns, other = false;
	struct slice service = {0};
	r->series += series;
	r->growth += grown ? series : 0;
	for (size_t i = 0; i < v->labels_len; i++) {
		add_label(r, v, &v->labels[i], series, grown);
		other |= slice_eq(v->labels[i].value, SLICE("other"));
		if (slice_eq(v->labels[i].name, SLICE("service_name")) || slice_eq(v->labels[i].name, SLICE("service")))
			service = v->labels[i].value;
	}
	if (service.len)
		add_to(row_of(&r->services, hash_bytes(service), NULL, service), series, grown, v, other);
}

static size_t saving(const struct row *r)
{
	return r->values ? r->series - r->series / r->values : 0;
}

/* Those of most values first among labels that are on the same series: they are what makes them. */
static int by_saving(const void *a, const void *b)
{
	const struct row *x = *(struct row *const *)a, *y = *(struct row *const *)b;
	size_t one = x->family ? saving(x) : x->series, two = y->family ? saving(y) : y->series;
	if (one != two)
		return one < two ? 1 : -1;
	int order = x->family && y->family ? strcmp(x->family->name, y->family->name) : 0;
	order = order ? order : slice_cmp(x->rule, y->rule);
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
	buf_printf(out, "%s{", out->data[out->len - 1] == '[' ? "" : ",");
	if (r->family)
		buf_printf(out, "\"metric\":\"%s\",\"label\":", r->family->name);
	else
		buf_add_str(out, "\"service_name\":");
	buf_add_json_string(out, r->label);
	if (r->rule.len) {
		buf_add_str(out, ",\"rule\":");
		buf_add_json_string(out, r->rule);
	}
	buf_printf(out, ",\"series\":%zu,\"growth\":%zu,\"records\":%llu,\"other\":%llu", r->series, r->growth, (unsigned long long)r->records, (unsigned long long)r->other);
	if (r->family)
		buf_printf(out, ",\"values\":%zu,\"saving\":%zu,\"id_like\":%s", r->values, saving(r), r->ids * 2 > r->values ? "true" : "false");
	buf_add_char(out, '}');
}

static void print_rows(const struct list *l, const char *name, bool demand, struct buf *out)
{
	if (l->len)
		qsort(l->items, l->len, sizeof(struct row *), demand ? by_demand : by_saving);
	buf_printf(out, ",\"%s\":[", name);
	for (size_t i = 0; i < l->len && i < ROWS_SHOWN; i++)
		if (!demand || l->items[i]->other)
			print_row(l->items[i], out);
	buf_add_char(out, ']');
}

static void list_done(struct list *l)
{
	for (size_t i = 0; i < l->len; i++)
		free(l->items[i]);
	free(l->items);
	map_done(&l->by_key);
}

/* What budgets refused since this instance began, the first of each kind. */
static void print_refused(const struct ledger *l, struct buf *out)
{
	const struct ledger_refusal *r;
	buf_add_str(out, ",\"refused\":[");
	for (size_t i = 0; l && ledger_refusal_at(l, i, &r); i++) {
		buf_printf(out, "%s{\"budget\":\"%s\",\"metric\":\"%s\",\"service_name\":", i ? "," : "", r->budget, family_get(r->family)->name);
		buf_add_json_string(out, r->service);
		buf_add_str(out, ",\"label\":");
		buf_add_json_string(out, r->label);
		buf_add_str(out, ",\"value\":");
		buf_add_json_string(out, r->value);
		buf_add_str(out, ",\"rule\":");
		buf_add_json_string(out, r->rule);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

void view_cardinality(const struct view *v, struct buf *out)
{
	struct rows rows = {.hour_ns = (v->ledger ? ledger_watermark(v->ledger) : 0) - GROWTH_NS};
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
	buf_printf(out, "{\"series\":%zu,\"growth\":%zu,\"budget_used\":%zu,\"budget\":%zu,\"overflow\":{%s}", rows.series, rows.growth, v->ledger ? ledger_budget_used(v->ledger) : 0, v->ledger ? ledger_options(v->ledger)->series_limit : 0, buf_cstr(&overflow));
	print_rows(&rows.labels, "by_series", false, out);
	print_rows(&rows.labels, "by_demand", true, out);
	print_rows(&rows.services, "by_service", false, out);
	print_refused(v->ledger, out);
	buf_add_char(out, '}');
	list_done(&rows.labels);
	list_done(&rows.services);
	map_done(&rows.values);
	buf_done(&overflow);
}
