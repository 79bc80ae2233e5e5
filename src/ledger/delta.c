/* SPDX-License-Identifier: Apache-2.0 */
/* The codec of journal records.
 *
 * A record is a seal (seal.h) around two streams of MessagePack values. The head stays uncompressed, so that who wrote what about which offsets can be read
 * alone; the body is compressed. Values follow each other without nesting: a count, then the members of each thing in turn.
 *
 *   'd' head: writer seq journal_time n { topic partition flags from to replay replay_time newest gap [how far it has read past newest] [life]
 *                                           [before] }
 *             flags of each range also say whether anything of the delta was counted in an incident
 *       body: n { string }                                   every label name and value once
 *             n { family labels { name value } }             places in the string table; only series that an entry uses
 *                 [a rule's family, once: name help unit sums n { bound } since]
 *             n { series step count has_exemplar             steps as the difference to the entry before
 *                 [histograms, sums: sum n { bucket count }] buckets that are not zero
 *                 [exemplar: time value rank trace span] }
 *             n { id alias origin service template rule }
 *             n { pattern time severity rank text trace span topic partition offset }
 *             [n { trace second reasons [pattern span id id] }]    8 bytes for the trace; a pattern where there are no reasons
 *             [n { entry schema zero n { bucket count } }]   native histograms: entries and buckets as the difference to the one before
 *             The last two, and the last, are left out where there are none.
 *   'm' head: journal_time step skipped [leader]      'a' head: journal_time step [leader]      'c' head: journal_time      'l' head: journal_time leader
 *   'r' head: journal_time writer number from_seq hash
 *       body: n { metric name service n { label } }
 *
 * Reading trusts nothing: whatever the ledger would have to check later (order of labels, bucket sums, ranges) is checked here, once, and a record
 * that fails is refused whole. */
#include "ledger/delta.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "ledger/ledger.h"
#include "ledger/item.h"
#include "ledger/seal.h"
#include "metric/rule_family.h"

#include <math.h>
#include <stdlib.h>

enum { RANGE_AT_END = 1, RANGE_JOINED = 2, RANGE_AHEAD = 4, RANGE_LIFE = 8, RANGE_ANEW = 16, RANGE_WIDE = 32, RANGE_FLAGS = 63 };
enum { RANGES_MAX = 65536, STRINGS_MAX = 2000000, SERIES_MAX = 1000000, ENTRIES_MAX = 2000000, CATALOG_MAX = 500000, RULES_MAX = 1000000 };
#define TIME_MAX INT64_C(4000000000000000000)

struct text {
	struct slice bytes;
	uint32_t place;
};

struct table {
	struct arena arena;
	struct map map;
	struct buf out;
};

static bool same_text(const void *item, const void *key)
{
	return slice_eq(((const struct text *)item)->bytes, *(const struct slice *)key);
}

static uint32_t table_place(struct table *t, struct slice bytes)
{
	uint64_t hash = hash_bytes(bytes);
	struct text *text = map_get(&t->map, hash, same_text, &bytes);
	if (!text) {
		text = arena_alloc(&t->arena, sizeof(*text));
		*text = (struct text){.bytes = bytes, .place = (uint32_t)t->map.len};
		map_put(&t->map, hash, text);
		pack_bytes(&t->out, bytes);
	}
	return text->place;
}

static void encode_head(struct buf *out, const struct delta_header *h, bool wide)
{
	pack_u64(out, h->writer);
	pack_u64(out, h->seq);
	pack_i64(out, h->journal_time_ns);
	pack_u64(out, h->ranges_len);
	for (size_t i = 0; i < h->ranges_len; i++) {
		const struct delta_range *r = &h->ranges[i];
		pack_bytes(out, r->topic);
		pack_i64(out, r->partition);
		bool ahead = r->reached_ns > r->newest_ns;
		pack_u64(out, (r->at_end ? RANGE_AT_END : 0) | (r->joined ? RANGE_JOINED : 0) | (ahead ? RANGE_AHEAD : 0) | (r->life ? RANGE_LIFE : 0) | (r->anew ? RANGE_ANEW : 0) | (wide ? RANGE_WIDE : 0));
		pack_i64(out, r->from);
		pack_i64(out, r->to);
		pack_i64(out, r->replay);
		pack_i64(out, r->replay_time_ns);
		pack_i64(out, r->newest_ns);
		pack_i64(out, r->gap);
		if (ahead)
			pack_i64(out, r->reached_ns - r->newest_ns);
		if (r->life)
			pack_u64(out, r->life);
		if (r->anew)
			pack_i64(out, r->before);
	}
}

static void encode_series(struct buf *out, struct table *t, struct map *families, int64_t rules_ns, const struct tally_series *s)
{
	family_pack(out, families, s->family, rules_ns);
	pack_u64(out, s->labels_len);
	for (size_t i = 0; i < s->labels_len; i++) {
		pack_u64(out, table_place(t, s->labels[i].name));
		pack_u64(out, table_place(t, s->labels[i].value));
	}
}

static void encode_buckets(struct buf *out, const struct tally_entry *e, size_t buckets)
{
	size_t used = 0;
	for (size_t i = 0; i < buckets; i++)
		used += e->buckets[i] != 0;
	pack_double(out, e->sum);
	pack_u64(out, used);
	for (size_t i = 0; i < buckets; i++) {
		if (e->buckets[i] == 0)
			continue;
		pack_u64(out, i);
		pack_u64(out, e->buckets[i]);
	}
}

static void encode_entries(struct buf *out, const struct delta_body *body, const uint32_t *places)
{
	int64_t step = 0;
	pack_u64(out, body->entries_len);
	for (size_t i = 0; i < body->entries_len; i++) {
		const struct tally_entry *e = &body->entries[i];
		const struct family *family = family_get(body->series[e->series].family);
		pack_u64(out, places[e->series]);
		pack_i64(out, e->step - step);
		step = e->step;
		pack_u64(out, e->count);
		pack_bool(out, e->exemplar.rank != 0);
		if (family_buckets(family))
			encode_buckets(out, e, family_buckets(family));
		if (e->exemplar.rank != 0)
			exemplar_pack(out, &e->exemplar);
	}
}

static void encode_patterns(struct buf *out, const struct delta_body *body)
{
	pack_u64(out, body->patterns_len);
	for (size_t i = 0; i < body->patterns_len; i++) {
		const struct delta_pattern *p = &body->patterns[i];
		pack_u64(out, p->id);
		pack_u64(out, p->alias_id);
		pack_u64(out, (uint64_t)p->origin);
		pack_bytes(out, p->service);
		pack_bytes(out, p->template_text);
		pack_bytes(out, p->rule);
	}
}

static void encode_examples(struct buf *out, const struct delta_body *body)
{
	pack_u64(out, body->examples_len);
	for (size_t i = 0; i < body->examples_len; i++)
		example_pack(out, &body->examples[i]);
}

static size_t natives_len(const struct delta_body *body)
{
	size_t len = 0;
	for (size_t i = 0; i < body->entries_len; i++)
		len += body->entries[i].native != NULL;
	return len;
}

static void encode_traces(struct buf *out, const struct delta_body *body)
{
	int64_t seconds = 0;
	if (body->traces_len == 0 && natives_len(body) == 0)
		return;
	pack_u64(out, body->traces_len);
	for (size_t i = 0; i < body->traces_len; i++)
		trace_pack(out, &body->traces[i], &seconds);
}

static void encode_natives(struct buf *out, const struct delta_body *body)
{
	size_t len = natives_len(body), last = 0;
	if (len == 0)
		return;
	pack_u64(out, len);
	for (size_t i = 0; i < body->entries_len; i++) {
		if (!body->entries[i].native)
			continue;
		pack_u64(out, i - last);
		last = i;
		native_pack(out, body->entries[i].native);
	}
}

static void encode_body(struct buf *out, const struct delta_body *body)
{
	struct table table = {0};
	struct map families = {0};
	struct buf series = {0};
	uint32_t *places = mem_zalloc(body->series_len + 1, sizeof(*places));
	uint32_t used = 0;
	memset(places, 0xff, body->series_len * sizeof(*places));
	for (size_t i = 0; i < body->entries_len; i++) {
		uint32_t at = body->entries[i].series;
		if (places[at] != UINT32_MAX)
			continue;
		places[at] = used++;
		encode_series(&series, &table, &families, body->rules_ns, &body->series[at]);
	}
	pack_u64(out, table.map.len);
	buf_add_slice(out, buf_slice(&table.out));
	pack_u64(out, used);
	buf_add_slice(out, buf_slice(&series));
	encode_entries(out, body, places);
	encode_patterns(out, body);
	encode_examples(out, body);
	encode_traces(out, body);
	encode_natives(out, body);
	free(places);
	buf_done(&series);
	buf_done(&table.out);
	map_done(&table.map);
	map_done(&families);
	arena_done(&table.arena);
}

void delta_encode(struct buf *out, const struct delta_header *header, const struct delta_body *body)
{
	struct buf head = {0}, raw = {0};
	encode_head(&head, header, body && body->wide);
	if (body && (body->entries_len || body->patterns_len || body->examples_len || body->traces_len))
		encode_body(&raw, body);
	seal_close(out, DELTA_INCREMENTS, buf_slice(&head), buf_slice(&raw));
	buf_done(&head);
	buf_done(&raw);
}

static void decode_range(struct unpack *u, struct delta_range *r, bool *wide)
{
	r->topic = unpack_bytes(u);
	r->partition = (int32_t)unpack_upto(u, INT32_MAX);
	uint64_t flags = unpack_upto(u, RANGE_FLAGS);
	r->at_end = flags & RANGE_AT_END;
	r->joined = flags & RANGE_JOINED;
	*wide |= (flags & RANGE_WIDE) != 0;
	r->from = (int64_t)unpack_upto(u, INT64_MAX);
	r->to = (int64_t)unpack_upto(u, INT64_MAX);
	r->replay = unpack_i64(u);
	r->replay_time_ns = unpack_i64(u);
	r->newest_ns = unpack_i64(u);
	r->gap = unpack_i64(u);
	if (r->newest_ns > TIME_MAX || r->newest_ns < -TIME_MAX || r->replay_time_ns > TIME_MAX || r->replay_time_ns < -TIME_MAX)
		u->bad = true;
	r->reached_ns = r->newest_ns;
	if (flags & RANGE_AHEAD && !u->bad)
		r->reached_ns += (int64_t)unpack_upto(u, TIME_MAX);
	r->life = flags & RANGE_LIFE ? (uint32_t)unpack_upto(u, UINT32_MAX) : 0;
	r->anew = flags & RANGE_ANEW;
	r->before = r->anew ? (int64_t)unpack_upto(u, INT64_MAX) : 0;
	u->bad |= r->anew && r->life == 0;
	if (r->from > r->to || r->gap < 0 || r->gap > r->to - r->from || r->topic.len == 0 || r->reached_ns > TIME_MAX)
		u->bad = true;
}

static bool same_range(const void *item, const void *key)
{
	const struct delta_range *a = item, *b = key;
	return a->partition == b->partition && slice_eq(a->topic, b->topic);
}

static bool distinct(const struct delta_range *ranges, size_t len)
{
	struct map seen = {0};
	bool ok = true;
	for (size_t i = 0; i < len && ok; i++) {
		uint64_t hash = hash_pair(hash_bytes(ranges[i].topic), (uint64_t)ranges[i].partition);
		ok = !map_get(&seen, hash, same_range, &ranges[i]);
		if (ok)
			map_put(&seen, hash, (void *)&ranges[i]);
	}
	map_done(&seen);
	return ok;
}

static bool good_time(int64_t journal_time_ns)
{
	return journal_time_ns > 0 && journal_time_ns < TIME_MAX;
}

static int decode_head(struct slice head, struct arena *arena, struct delta_header *h, bool *wide)
{
	struct unpack u = unpack_of(head);
	h->writer = unpack_u64(&u);
	h->seq = unpack_u64(&u);
	h->journal_time_ns = unpack_i64(&u);
	h->ranges_len = unpack_count(&u, RANGES_MAX, 9);
	h->ranges = arena_alloc(arena, (h->ranges_len + 1) * sizeof(*h->ranges));
	for (size_t i = 0; i < h->ranges_len; i++)
		decode_range(&u, &h->ranges[i], wide);
	return unpack_whole(&u) && good_time(h->journal_time_ns) && distinct(h->ranges, h->ranges_len) ? 0 : ERR_CORRUPT;
}

static bool decode_series(struct unpack *u, struct arena *arena, const struct slice *strings, size_t strings_len, struct families_read *families, struct tally_series *s)
{
	s->family = family_unpack(u, families);
	s->labels_len = (uint8_t)unpack_upto(u, LABELS_MAX);
	s->labels = arena_alloc(arena, (s->labels_len + 1u) * sizeof(*s->labels));
	s->hash = 0; /* the ledger's own business */
	for (size_t i = 0; i < s->labels_len && !u->bad; i++) {
		size_t name = unpack_u64(u), value = unpack_u64(u);
		if (u->bad || name >= strings_len || value >= strings_len)
			return false;
		s->labels[i] = (struct label){.name = strings[name], .value = strings[value]};
		if (s->labels[i].value.len == 0 || s->labels[i].name.len == 0 || (i > 0 && slice_cmp(s->labels[i - 1].name, s->labels[i].name) >= 0))
			return false;
	}
	return !u->bad;
}

/* Into the arena. */
static void keep_families(struct arena *arena, struct families_read *families, struct delta_body *body)
{
	struct delta_family *items = arena_zalloc(arena, (families->len + 1) * sizeof(*items));
	if (families->len)
		memcpy(items, families->items, families->len * sizeof(*items));
	body->families = items;
	body->families_len = families->len;
	free(families->items);
}

static void decode_all_series(struct unpack *u, struct arena *arena, struct delta_body *body)
{
	struct families_read families = {0};
	size_t strings_len = unpack_count(u, STRINGS_MAX, 2);
	struct slice *strings = arena_alloc(arena, (strings_len + 1) * sizeof(*strings));
	for (size_t i = 0; i < strings_len; i++) {
		strings[i] = unpack_bytes(u);
		u->bad |= strings[i].len > ITEM_TEXT_MAX;
	}
	body->series_len = unpack_count(u, SERIES_MAX, 2);
	struct tally_series *series = arena_alloc(arena, (body->series_len + 1) * sizeof(*series));
	for (size_t i = 0; i < body->series_len && !u->bad; i++)
		u->bad |= !decode_series(u, arena, strings, strings_len, &families, &series[i]);
	keep_families(arena, &families, body);
	body->series = series;
}

static void decode_buckets(struct unpack *u, struct arena *arena, struct tally_entry *e, size_t buckets)
{
	uint64_t seen = 0;
	e->sum = unpack_double(u);
	e->buckets = arena_zalloc(arena, buckets * sizeof(*e->buckets));
	for (size_t n = unpack_count(u, buckets, 2); n > 0; n--) {
		size_t at = unpack_upto(u, buckets - 1);
		e->buckets[at] = unpack_u64(u);
		seen += e->buckets[at];
	}
	if (seen != e->count || !isfinite(e->sum))
		u->bad = true;
}

static void decode_entry(struct unpack *u, struct arena *arena, const struct delta_body *body, int64_t step_before, struct tally_entry *e)
{
	*e = (struct tally_entry){.series = (uint32_t)unpack_u64(u)};
	int64_t difference = unpack_i64(u);
	e->count = unpack_u64(u);
	bool exemplar = unpack_bool(u);
	if (u->bad || e->series >= body->series_len || e->count > INT64_MAX || __builtin_add_overflow(step_before, difference, &e->step)) {
		u->bad = true;
		return;
	}
	const struct family *family = family_get(body->series[e->series].family);
	if (family_buckets(family))
		decode_buckets(u, arena, e, family_buckets(family));
	if (exemplar)
		exemplar_unpack(u, &e->exemplar);
}

static void decode_entries(struct unpack *u, struct arena *arena, struct delta_body *body)
{
	body->entries_len = unpack_count(u, ENTRIES_MAX, 4);
	struct tally_entry *entries = arena_alloc(arena, (body->entries_len + 1) * sizeof(*entries));
	int64_t step = 0;
	for (size_t i = 0; i < body->entries_len && !u->bad; i++) {
		decode_entry(u, arena, body, step, &entries[i]);
		step = entries[i].step;
	}
	body->entries = entries;
}

static void decode_patterns(struct unpack *u, struct arena *arena, struct delta_body *body)
{
	body->patterns_len = unpack_count(u, CATALOG_MAX, 6);
	struct delta_pattern *patterns = arena_zalloc(arena, (body->patterns_len + 1) * sizeof(*patterns));
	for (size_t i = 0; i < body->patterns_len && !u->bad; i++) {
		struct delta_pattern *p = &patterns[i];
		p->id = unpack_u64(u);
		p->alias_id = unpack_u64(u);
		p->origin = (enum pattern_origin)unpack_upto(u, ORIGIN_COUNT - 1);
		p->service = unpack_bytes(u);
		p->template_text = unpack_bytes(u);
		p->rule = unpack_bytes(u);
		u->bad |= p->service.len > ITEM_TEXT_MAX || p->template_text.len > ITEM_TEXT_MAX || p->rule.len > ITEM_TEXT_MAX;
	}
	body->patterns = patterns;
}

static void decode_examples(struct unpack *u, struct arena *arena, struct delta_body *body)
{
	body->examples_len = unpack_count(u, CATALOG_MAX, 10);
	struct delta_example *examples = arena_zalloc(arena, (body->examples_len + 1) * sizeof(*examples));
	for (size_t i = 0; i < body->examples_len && !u->bad; i++)
		example_unpack(u, &examples[i]);
	body->examples = examples;
}

static void decode_traces(struct unpack *u, struct arena *arena, struct delta_body *body)
{
	int64_t seconds = 0;
	if (u->bad || u->next == u->end)
		return; /* there are none, or the writer knew of none */
	body->traces_len = unpack_count(u, ENTRIES_MAX, 3);
	struct delta_trace *traces = arena_zalloc(arena, (body->traces_len + 1) * sizeof(*traces));
	for (size_t i = 0; i < body->traces_len && !u->bad; i++)
		trace_unpack(u, &traces[i], &seconds);
	body->traces = traces;
}

/* One of an entry that is there, with as many observations; into the arena. */
static void decode_native(struct unpack *u, struct arena *arena, struct tally_entry *e)
{
	struct native *h = arena_zalloc(arena, sizeof(*h)), made = {0};
	native_unpack(u, &made);
	*h = made;
	h->counts = arena_alloc(arena, (h->len + 1) * sizeof(*h->counts));
	if (h->len)
		memcpy(h->counts, made.counts, h->len * sizeof(*h->counts));
	h->cap = h->len;
	h->sum = e->sum;
	u->bad |= h->count != e->count;
	e->native = h;
	native_done(&made);
}

static void decode_natives(struct unpack *u, struct arena *arena, struct delta_body *body)
{
	size_t at = 0;
	if (unpack_whole(u))
		return;
	for (size_t n = unpack_count(u, body->entries_len, 4), first = n; n > 0 && !u->bad; n--) {
		size_t difference = unpack_u64(u);
		u->bad |= difference >= body->entries_len || (difference == 0 && n < first);
		at += u->bad ? 0 : difference;
		u->bad |= at >= body->entries_len;
		if (u->bad || family_get(body->series[body->entries[at].series].family)->type != METRIC_HISTOGRAM) {
			u->bad = true;
			return;
		}
		decode_native(u, arena, (struct tally_entry *)&body->entries[at]);
	}
}

static bool moves(const struct delta_header *h)
{
	for (size_t i = 0; i < h->ranges_len; i++)
		if (h->ranges[i].to > h->ranges[i].from)
			return true;
	return false;
}

static int decode_body(struct slice bytes, struct arena *arena, struct delta *d)
{
	if (bytes.len == 0)
		return 0;
	struct unpack u = unpack_of(bytes);
	decode_all_series(&u, arena, &d->body);
	decode_entries(&u, arena, &d->body);
	decode_patterns(&u, arena, &d->body);
	decode_examples(&u, arena, &d->body);
	decode_traces(&u, arena, &d->body);
	decode_natives(&u, arena, &d->body);
	return unpack_whole(&u) && (d->body.entries_len == 0 || moves(&d->header)) ? 0 : ERR_CORRUPT;
}

static int decode_short(struct slice head, struct delta *d)
{
	struct unpack u = unpack_of(head);
	d->header.journal_time_ns = unpack_i64(&u);
	if (d->kind == DELTA_MARK || d->kind == DELTA_ANCHORED)
		d->step = unpack_i64(&u);
	if (d->kind == DELTA_MARK)
		d->skipped = unpack_bool(&u);
	if (d->kind != DELTA_CLOSE && !unpack_whole(&u))
		d->header.writer = unpack_u64(&u);
	if (d->kind == DELTA_BEGIN || (d->kind != DELTA_CLOSE && d->kind != DELTA_CLAIM && !unpack_whole(&u)))
		d->endpoint = unpack_u64(&u); /* not said of the first */
	if (d->kind == DELTA_BEGIN)
		d->base = unpack_u64(&u);
	return unpack_whole(&u) && good_time(d->header.journal_time_ns) ? 0 : ERR_CORRUPT;
}

static void decode_rule(struct unpack *u, struct arena *arena, struct delta_rule *r)
{
	r->metric = unpack_bool(u);
	r->name = unpack_bytes(u);
	r->service = unpack_bytes(u);
	r->labels_len = unpack_count(u, LABELS_MAX, 1);
	struct slice *labels = arena_alloc(arena, (r->labels_len + 1) * sizeof(*labels));
	for (size_t i = 0; i < r->labels_len; i++)
		labels[i] = unpack_bytes(u);
	r->labels = labels;
	u->bad |= r->name.len == 0 || r->name.len > ITEM_TEXT_MAX || r->service.len > ITEM_TEXT_MAX;
}

static int decode_rules(struct slice head, struct slice body, struct arena *arena, struct delta *d)
{
	struct unpack u = unpack_of(head), in = unpack_of(body);
	d->header.journal_time_ns = unpack_i64(&u);
	d->header.writer = d->rules.writer = unpack_u64(&u);
	d->rules.number = unpack_u64(&u);
	d->rules.from_seq = unpack_u64(&u);
	d->rules.hash = unpack_u64(&u);
	d->rules.len = unpack_count(&in, RULES_MAX, 4);
	struct delta_rule *at = arena_zalloc(arena, (d->rules.len + 1) * sizeof(*at));
	for (size_t i = 0; i < d->rules.len && !in.bad; i++)
		decode_rule(&in, arena, &at[i]);
	d->rules.at = at;
	return unpack_whole(&u) && unpack_whole(&in) && good_time(d->header.journal_time_ns) ? 0 : ERR_CORRUPT;
}

int delta_decode(struct slice record, struct arena *arena, struct buf *scratch, struct delta *ret)
{
	struct slice head, body;
	char kind;
	*ret = (struct delta){0};
	if (seal_open(record, scratch, &kind, &head, &body) < 0)
		return ERR_CORRUPT;
	ret->kind = (enum delta_kind)kind;
	if (kind == DELTA_INCREMENTS)
		return decode_head(head, arena, &ret->header, &ret->body.wide) < 0 ? ERR_CORRUPT : decode_body(body, arena, ret);
	if (kind == DELTA_RULES)
		return decode_rules(head, body, arena, ret);
	if (kind != DELTA_MARK && kind != DELTA_ANCHORED && kind != DELTA_CLOSE && kind != DELTA_CLAIM && kind != DELTA_BEGIN)
		return ERR_CORRUPT;
	return decode_short(head, ret);
}
