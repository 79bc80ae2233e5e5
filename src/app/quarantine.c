/* SPDX-License-Identifier: Apache-2.0 */
/*
 * THE QUARANTINE: finding a poisoned series without losing its neighbours.
 *
 * One sample that a receiver refuses costs the whole request (anchors: Prometheus rolls it back), and the specification forbids to send refused samples again.
 * But totals are cumulative: what a step could not deliver, the next one carries, at a new time. So a refused request is not repeated; its series become
 * suspects, and from the next step on they travel in groups of their own, halved at every refusal, until the bad one is alone. n series need log2(n) steps;
 * everyone else loses nothing but a few points of the curve.
 *
 *        refused request          step + 1            step + 2              step + 3
 *        [ ........x........ ] -> [........] [x...] -> passed  [x.] [..] -> [x] set aside, [.] free again
 *
 * Identity: a series is known by its labels without `le` and the _bucket/_sum/_count endings, so that a histogram stays together. Requests are sorted by copying
 * whole encoded TimeSeries; nothing is decoded but labels. Nothing here depends on where a series stood in a step, so series may come and go meanwhile.
 *
 * First values: if the request that was refused carried anchors (what a series stood at before its first increments: 0, or an old total when it wakes up), they are kept,
 * and sent again one step before the values they then go with, so that the first increments stay visible.
 *
 * Bounds: at most GROUPS_PER_STEP groups are sent in a step, in turns. When a receiver refuses everything, halving stops at GROUPS_WHOLE groups but for one group a step (so
 * that a good series hidden among bad ones is found in the end), and nobody is set aside.
 */
#include "app/quarantine.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/wire.h"
#include "metric/tally.h"

#include <stdio.h>
#include <stdlib.h>

enum { GROUPS_PER_STEP = 64, GROUPS_WHOLE = 64, NAME_MAX_BYTES = 500 };

struct suspect {
	uint64_t key;
	struct quarantine_group *group; /* NULL: set aside */
	struct buf anchors;  /* its anchors that were refused, encoded; empty: the receiver has them */
	int64_t retry_at_ns; /* set aside only, as are name and reason */
	char *name, *reason;
};

struct quarantine {
	int64_t retry_ns;
	struct map suspects; /* by key, those set aside too */
	struct quarantine_group **groups; /* in order of their next turn */
	size_t groups_len, groups_cap;
	struct suspect **asides;
	size_t asides_len, asides_cap;
};

/* --- encoded TimeSeries --- */

struct series_view {
	struct slice whole; /* with tag and length: a request of its own */
	struct slice labels; /* the label block */
};

/* The next TimeSeries of a request; false at its end (our own bytes, so a malformed rest is the end too). */
static bool next_series(struct wire *w, struct series_view *ret)
{
	struct wire_field f;
	const uint8_t *start = w->next;
	while (wire_next(w, &f) == 1) {
		if (f.number == 1 && f.type == WIRE_BYTES) {
			struct wire inside = wire_of(f.bytes);
			const uint8_t *end = inside.next;
			struct wire_field label;
			while (wire_next(&inside, &label) == 1 && label.number == 1)
				end = inside.next;
			ret->whole = slice_of((const char *)start, (size_t)(w->next - start));
			ret->labels = slice_of(f.bytes.ptr, (size_t)((const char *)end - f.bytes.ptr));
			return true;
		}
		start = w->next;
	}
	return false;
}

static struct slice without_suffix(struct slice name)
{
	static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
	for (size_t i = 0; i < 3; i++)
		if (slice_ends(name, slice_str(suffixes[i])))
			return slice_of(name.ptr, name.len - strlen(suffixes[i]));
	return name;
}

/* The next label that tells series apart; the metric's name comes as that of the whole histogram. */
static bool next_label(struct wire *block, struct label *ret)
{
	struct wire_field f, part;
	while (wire_next(block, &f) == 1) {
		struct wire w = wire_of(f.bytes);
		*ret = (struct label){0};
		while (wire_next(&w, &part) == 1)
			*(part.number == 1 ? &ret->name : &ret->value) = part.bytes;
		if (slice_eq(ret->name, SLICE("__name__")))
			ret->value = without_suffix(ret->value);
		if (!slice_eq(ret->name, SLICE("le")))
			return true;
	}
	return false;
}

static uint64_t key_of(struct slice labels)
{
	struct wire block = wire_of(labels);
	struct label label;
	uint64_t key = 0;
	while (next_label(&block, &label))
		key = hash_pair(key, hash_pair(hash_bytes(label.name), hash_bytes(label.value)));
	return key;
}

static char *name_of(struct slice body)
{
	struct wire w = wire_of(body);
	struct series_view series;
	struct label label;
	struct buf labels = {0}, all = {0};
	if (next_series(&w, &series)) {
		struct wire block = wire_of(series.labels);
		while (next_label(&block, &label)) {
			if (slice_eq(label.name, SLICE("__name__"))) {
				buf_add_slice(&all, label.value);
				continue;
			}
			buf_add_str(&labels, labels.len ? "," : "{");
			buf_add_slice(&labels, label.name);
			buf_add_char(&labels, '=');
			buf_add_json_string(&labels, label.value);
		}
		buf_add_str(&labels, labels.len ? "}" : "");
	}
	buf_add_slice(&all, buf_slice(&labels));
	if (all.len > NAME_MAX_BYTES)
		all.len = slice_utf8_prefix(slice_of(all.data, NAME_MAX_BYTES));
	char *name = mem_strdup(buf_slice(&all));
	buf_done(&labels);
	buf_done(&all);
	return name;
}

struct slice quarantine_pick(struct slice body, uint64_t n)
{
	struct series_view series;
	uint64_t len = 0;
	for (struct wire w = wire_of(body); next_series(&w, &series);)
		len++;
	if (len < 2)
		return slice_of(NULL, 0);
	struct wire w = wire_of(body);
	for (n %= len; next_series(&w, &series) && n > 0;)
		n--;
	return series.whole;
}

/* --- groups --- */

struct quarantine *quarantine_new(int64_t retry_ns)
{
	struct quarantine *q = mem_zalloc(1, sizeof(*q));
	q->retry_ns = retry_ns;
	return q;
}

static void group_free(struct quarantine_group *g)
{
	buf_done(&g->anchors);
	buf_done(&g->values);
	free(g->members);
	free(g);
}

static void suspect_free(struct suspect *s)
{
	free(s->name);
	free(s->reason);
	buf_done(&s->anchors);
	free(s);
}

void quarantine_free(struct quarantine *q)
{
	if (!q)
		return;
	size_t cursor = 0;
	for (struct suspect *s; (s = map_next(&q->suspects, &cursor));)
		suspect_free(s);
	for (size_t i = 0; i < q->groups_len; i++)
		group_free(q->groups[i]);
	map_done(&q->suspects);
	free(q->groups);
	free(q->asides);
	free(q);
}

size_t quarantine_len(const struct quarantine *q)
{
	return q->suspects.len;
}

static struct quarantine_group *group_add(struct quarantine *q, struct suspect *const *members, size_t len)
{
	struct quarantine_group *g = mem_zalloc(1, sizeof(*g));
	g->members = mem_zalloc(len ? len : 1, sizeof(struct suspect *));
	g->len = len;
	for (size_t i = 0; i < len; i++) {
		g->members[i] = members[i];
		members[i]->group = g;
	}
	q->groups = mem_grow(q->groups, q->groups_len, &q->groups_cap, sizeof(struct quarantine_group *));
	q->groups[q->groups_len++] = g;
	return g;
}

/* Those whose time has come are suspects again, each alone. */
static void take_back(struct quarantine *q, int64_t now_ns)
{
	size_t kept = 0;
	for (size_t i = 0; i < q->asides_len; i++) {
		struct suspect *s = q->asides[i];
		if (s->retry_at_ns > now_ns)
			q->asides[kept++] = s;
		else
			group_add(q, &s, 1);
	}
	q->asides_len = kept;
}

void quarantine_begin(struct quarantine *q, int64_t now_ns)
{
	take_back(q, now_ns);
	for (size_t i = 0; i < q->groups_len; i++) {
		struct quarantine_group *g = q->groups[i];
		g->active = i < GROUPS_PER_STEP;
		g->refused = false;
		g->samples = 0;
		buf_reset(&g->anchors);
		buf_reset(&g->values);
	}
}

/* A Sample or Histogram message at another time; all else as it is. */
static void add_moved_point(struct buf *out, const struct wire_field *point, int64_t at_ms)
{
	enum { SAMPLES = 2, SAMPLE_TIME = 2, HISTOGRAM_TIME = 15 };
	uint32_t time = point->number == SAMPLES ? SAMPLE_TIME : HISTOGRAM_TIME;
	struct buf moved = {0};
	struct wire w = wire_of(point->bytes);
	struct wire_field f;
	for (const uint8_t *start = w.next; wire_next(&w, &f) == 1; start = w.next)
		if (f.number != time)
			buf_add(&moved, start, (size_t)(w.next - start));
	wire_add_u64(&moved, time, (uint64_t)at_ms);
	wire_add_bytes(out, point->number, buf_slice(&moved));
	buf_done(&moved);
}

/* A whole TimeSeries, its samples at another time. */
static void add_moved(struct buf *out, struct slice whole, int64_t at_ms)
{
	struct buf moved = {0};
	struct wire w = wire_of(whole);
	struct wire_field f;
	if (wire_next(&w, &f) != 1)
		return;
	w = wire_of(f.bytes);
	for (const uint8_t *start = w.next; wire_next(&w, &f) == 1; start = w.next) {
		if (f.number == 2 || f.number == 4)
			add_moved_point(&moved, &f, at_ms);
		else
			buf_add(&moved, start, (size_t)(w.next - start));
	}
	wire_add_bytes(out, 1, buf_slice(&moved));
	buf_done(&moved);
}

/* The newest anchor that belongs to these labels, at a new time. */
static void add_anchor(const struct suspect *s, struct slice labels, int64_t anchor_ms, struct buf *out)
{
	struct wire w = wire_of(buf_slice(&s->anchors));
	struct series_view anchor;
	struct slice found = {0};
	while (next_series(&w, &anchor))
		if (slice_eq(anchor.labels, labels))
			found = anchor.whole;
	if (found.len > 0)
		add_moved(out, found, anchor_ms);
}

static void take_suspect(struct suspect *s, const struct series_view *series, bool anchors, int64_t anchor_ms)
{
	if (anchors) { /* sent when its values come */
		buf_add_slice(&s->anchors, series->whole);
	} else if (s->group && s->group->active) {
		add_anchor(s, series->labels, anchor_ms, &s->group->anchors);
		buf_add_slice(&s->group->values, series->whole);
		s->group->samples++;
	}
}

size_t quarantine_take(struct quarantine *q, struct slice body, bool anchors, int64_t anchor_ms, struct buf *ordinary)
{
	struct wire w = wire_of(body);
	struct series_view series;
	size_t samples = 0;
	while (next_series(&w, &series)) {
		struct suspect *s = map_get(&q->suspects, key_of(series.labels), NULL, NULL);
		if (s) {
			take_suspect(s, &series, anchors, anchor_ms);
			continue;
		}
		buf_add_slice(ordinary, series.whole);
		samples++;
	}
	return samples;
}

struct quarantine_group *quarantine_group_at(const struct quarantine *q, size_t index)
{
	return index < q->groups_len && q->groups[index]->active ? q->groups[index] : NULL;
}

void quarantine_refuse(struct quarantine *q, struct slice body, bool anchors, const char *reason)
{
	struct wire w = wire_of(body);
	struct series_view series;
	struct suspect **members = NULL;
	size_t len = 0, cap = 0;
	while (next_series(&w, &series)) {
		uint64_t key = key_of(series.labels);
		struct suspect *s = map_get(&q->suspects, key, NULL, NULL);
		if (!s) {
			s = mem_zalloc(1, sizeof(*s));
			s->key = key;
			map_put(&q->suspects, key, s);
			members = mem_grow(members, len, &cap, sizeof(struct suspect *));
			members[len++] = s;
		}
		if (anchors)
			buf_add_slice(&s->anchors, series.whole);
	}
	if (len > 0) {
		struct quarantine_group *g = group_add(q, members, len);
		if (len == 1) /* shown if it is set aside */
			buf_add_slice(&g->values, body);
		quarantine_group_refused(g, reason);
	}
	free(members);
}

void quarantine_group_anchored(struct quarantine_group *g)
{
	for (size_t i = 0; i < g->len; i++)
		buf_done(&g->members[i]->anchors);
}

void quarantine_forget(struct quarantine *q)
{
	size_t cursor = 0;
	for (struct suspect *s; (s = map_next(&q->suspects, &cursor));)
		buf_done(&s->anchors);
}

void quarantine_group_refused(struct quarantine_group *g, const char *reason)
{
	g->refused = true;
	snprintf(g->reason, sizeof(g->reason), "%s", reason);
}

/* --- the end of a step --- */

static void set_aside(struct quarantine *q, struct quarantine_group *g, int64_t now_ns)
{
	struct suspect *s = g->members[0];
	free(s->name);
	free(s->reason);
	s->name = name_of(g->values.len ? buf_slice(&g->values) : buf_slice(&g->anchors));
	s->reason = mem_strdup(slice_str(g->reason));
	s->retry_at_ns = now_ns + q->retry_ns;
	s->group = NULL;
	q->asides = mem_grow(q->asides, q->asides_len, &q->asides_cap, sizeof(struct suspect *));
	q->asides[q->asides_len++] = s;
	group_free(g);
}

static void release(struct quarantine *q, struct quarantine_group *g)
{
	for (size_t i = 0; i < g->len; i++) {
		map_remove(&q->suspects, g->members[i]->key, NULL, NULL);
		suspect_free(g->members[i]);
	}
	group_free(g);
}

static void halve(struct quarantine *q, struct quarantine_group *g)
{
	size_t half = g->len / 2;
	group_add(q, g->members, half);
	group_add(q, g->members + half, g->len - half);
	group_free(g);
}

static void keep(struct quarantine *q, struct quarantine_group *g)
{
	q->groups = mem_grow(q->groups, q->groups_len, &q->groups_cap, sizeof(struct quarantine_group *));
	q->groups[q->groups_len++] = g;
}

/* What becomes of a group that had its turn; true if it was halved. */
static bool settle(struct quarantine *q, struct quarantine_group *g, int64_t now_ns, bool something_passed, bool may_halve)
{
	bool halves = g->refused && g->len > 1 && may_halve;
	if (halves)
		halve(q, g);
	else if (!g->refused)
		release(q, g);
	else if (g->len == 1 && something_passed)
		set_aside(q, g, now_ns);
	else
		keep(q, g);
	return halves;
}

void quarantine_end(struct quarantine *q, int64_t now_ns, bool something_passed)
{
	struct quarantine_group **old = q->groups;
	size_t old_len = q->groups_len;
	bool halved = false;
	q->groups = NULL;
	q->groups_len = q->groups_cap = 0;
	for (size_t i = 0; i < old_len; i++) /* those that still wait for their turn come first */
		if (!old[i]->active && !old[i]->refused) {
			keep(q, old[i]);
			old[i] = NULL;
		}
	for (size_t i = 0; i < old_len; i++)
		if (old[i])
			halved |= settle(q, old[i], now_ns, something_passed, something_passed || old_len < GROUPS_WHOLE || !halved);
	free(old);
}

size_t quarantine_aside_len(const struct quarantine *q)
{
	return q->asides_len;
}

void quarantine_aside_at(const struct quarantine *q, size_t index, struct quarantine_aside *ret)
{
	ret->name = slice_str(q->asides[index]->name);
	ret->reason = slice_str(q->asides[index]->reason);
}
