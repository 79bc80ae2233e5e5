/* SPDX-License-Identifier: Apache-2.0 */
/* What journal records and snapshots write the same way: families, exemplars, native histograms, examples. Reading trusts nothing. */
#include "ledger/item.h"

#include "base/hash.h"
#include "base/mem.h"
#include "metric/rule_family.h"

enum { FAMILIES_MAX = 1000000, EXAMPLE_FURTHER = 0x40 /* added to the rank */ };

/* The map's items are places + 1, by the definition's number in this process. */
void family_pack(struct buf *out, struct map *written, enum family_id family, int64_t since_ns)
{
	if (!family_is_of_rule(family)) {
		pack_u64(out, (uint64_t)family);
		return;
	}
	uintptr_t place = (uintptr_t)map_get(written, hash_pair(0, (uint64_t)family), NULL, NULL);
	pack_u64(out, FAMILY_OF_RULES + (place ? place - 1 : written->len));
	if (place)
		return;
	const struct family *f = family_get(family);
	map_put(written, hash_pair(0, (uint64_t)family), (void *)((uintptr_t)written->len + 1));
	pack_bytes(out, slice_str(f->name));
	pack_bytes(out, slice_str(f->help));
	pack_bytes(out, slice_str(f->unit));
	pack_bool(out, f->sums);
	pack_u64(out, f->bounds_len);
	for (size_t i = 0; i < f->bounds_len; i++)
		pack_double(out, f->bounds[i]);
	pack_i64(out, since_ns);
}

static enum family_id unpack_definition(struct unpack *u, int64_t *ret_since_ns)
{
	struct buf texts = {0};
	size_t at[3];
	double bounds[BOUNDS_MAX];
	for (size_t i = 0; i < 3; i++) {
		struct slice text = unpack_bytes(u);
		at[i] = texts.len;
		u->bad |= text.len > ITEM_TEXT_MAX || slice_find(text, 0, 0) < text.len || !slice_is_utf8(text);
		buf_add_slice(&texts, text);
		buf_add_char(&texts, 0);
	}
	struct family f = {.name = texts.data + at[0], .help = texts.data + at[1], .unit = texts.data + at[2], .sums = unpack_bool(u), .bounds = bounds};
	f.type = f.sums ? METRIC_COUNTER : METRIC_HISTOGRAM;
	f.bounds_len = unpack_count(u, BOUNDS_MAX, 1);
	for (size_t i = 0; i < f.bounds_len; i++)
		bounds[i] = unpack_double(u);
	*ret_since_ns = unpack_i64(u);
	u->bad |= u->bad || rule_family_fault(&f) != NULL;
	enum family_id family = u->bad ? FAMILY_COUNT : rule_family_intern(&f);
	u->bad |= family == FAMILY_COUNT;
	buf_done(&texts);
	return family;
}

enum family_id family_unpack(struct unpack *u, struct families_read *seen)
{
	uint64_t number = unpack_upto(u, FAMILY_OF_RULES + FAMILIES_MAX);
	u->bad |= (number >= FAMILY_COUNT && number < FAMILY_OF_RULES) || number > FAMILY_OF_RULES + seen->len;
	if (u->bad)
		return FAMILY_COUNT;
	if (number < FAMILY_COUNT)
		return (enum family_id)number;
	if (number == FAMILY_OF_RULES + seen->len) {
		seen->items = mem_grow(seen->items, seen->len, &seen->cap, sizeof(*seen->items));
		struct delta_family *f = &seen->items[seen->len++];
		f->family = unpack_definition(u, &f->since_ns);
	}
	return seen->items[number - FAMILY_OF_RULES].family;
}

void exemplar_pack(struct buf *out, const struct exemplar *e)
{
	pack_i64(out, e->time_ns);
	pack_double(out, e->value);
	pack_u64(out, e->rank);
	pack_bytes(out, slice_of(e->trace_id, e->trace_len));
	pack_bytes(out, slice_of(e->span_id, e->span_len));
}

void exemplar_unpack(struct unpack *u, struct exemplar *e)
{
	e->time_ns = unpack_i64(u);
	e->value = unpack_double(u);
	e->rank = (uint8_t)unpack_upto(u, UINT8_MAX);
	struct slice trace = unpack_bytes(u), span = unpack_bytes(u);
	if (trace.len > EXEMPLAR_TRACE_MAX || span.len > EXEMPLAR_SPAN_MAX || e->rank == 0) {
		u->bad = true;
		return;
	}
	e->trace_len = (uint8_t)trace.len;
	e->span_len = (uint8_t)span.len;
	if (trace.len)
		memcpy(e->trace_id, trace.ptr, trace.len);
	if (span.len)
		memcpy(e->span_id, span.ptr, span.len);
}

void native_pack(struct buf *out, const struct native *h)
{
	int64_t used = 0, last = 0;
	for (uint32_t i = 0; i < h->len; i++)
		used += h->counts[i] != 0;
	pack_i64(out, h->schema);
	pack_u64(out, h->zero);
	pack_u64(out, (uint64_t)used);
	for (uint32_t i = 0; i < h->len; i++) {
		if (h->counts[i] == 0)
			continue;
		pack_i64(out, (int64_t)h->first + i - last);
		last = (int64_t)h->first + i;
		pack_u64(out, h->counts[i]);
	}
}

void native_unpack(struct unpack *u, struct native *h)
{
	enum { PLACES_MAX = 4096 };
	uint64_t seen;
	int64_t schema = unpack_i64(u), index = 0;
	h->zero = seen = unpack_u64(u);
	u->bad |= schema < NATIVE_SCHEMA_MIN || schema > NATIVE_SCHEMA;
	h->schema = (int8_t)schema;
	for (size_t n = unpack_count(u, PLACES_MAX, 2); n > 0 && !u->bad; n--) {
		int64_t difference = unpack_i64(u);
		uint64_t count = unpack_u64(u);
		u->bad |= difference < -PLACES_MAX || difference > PLACES_MAX || (h->len && difference <= 0);
		index += u->bad ? 0 : difference;
		u->bad |= index < -PLACES_MAX || index > PLACES_MAX || count == 0 || __builtin_add_overflow(seen, count, &seen);
		if (!u->bad)
			native_put(h, h->schema, (int32_t)index, count);
	}
	h->count = seen;
}

void example_pack(struct buf *out, const struct delta_example *e)
{
	pack_u64(out, e->pattern_id);
	pack_i64(out, e->time_ns);
	pack_u64(out, e->severity);
	pack_u64(out, e->rank | (e->further ? EXAMPLE_FURTHER : 0));
	pack_bytes(out, e->text);
	pack_bytes(out, e->trace_id);
	pack_bytes(out, e->span_id);
	pack_bytes(out, e->topic);
	pack_i64(out, e->partition);
	pack_i64(out, e->offset);
}

void example_unpack(struct unpack *u, struct delta_example *e)
{
	e->pattern_id = unpack_u64(u);
	e->time_ns = unpack_i64(u);
	e->severity = (uint8_t)unpack_upto(u, UINT8_MAX);
	e->rank = (uint8_t)unpack_upto(u, UINT8_MAX);
	e->further = (e->rank & EXAMPLE_FURTHER) != 0;
	e->rank &= (uint8_t)~EXAMPLE_FURTHER;
	e->text = unpack_bytes(u);
	e->trace_id = unpack_bytes(u);
	e->span_id = unpack_bytes(u);
	e->topic = unpack_bytes(u);
	e->partition = (int32_t)unpack_upto(u, INT32_MAX);
	e->offset = unpack_i64(u);
}
