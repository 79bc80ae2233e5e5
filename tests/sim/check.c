/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold at the end. */
#include "world.h"

#include "base/hash.h"
#include "base/mem.h"
#include "metric/remote_write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct total {
	char *name;
	double expected, received;
};

struct totals {
	struct map map;
	struct total **list;
	size_t len, cap;
};

static bool same_name(const void *item, const void *key)
{
	return strcmp(((const struct total *)item)->name, key) == 0;
}

/* Where patterns merge, a pattern's own total cannot be told; that over a service's patterns can. */
static void strip_pattern(char *name)
{
	char *at = strstr(name, "pattern_id=");
	if (at)
		memmove(at, strchr(at, ',') + 1, strlen(strchr(at, ',')));
}

static struct total *total_of(struct totals *t, const struct world *w, const char *text)
{
	char *name = mem_strdup(slice_str(text));
	if (w->aliases)
		strip_pattern(name);
	uint64_t hash = hash_bytes(slice_str(name));
	struct total *total = map_get(&t->map, hash, same_name, name);
	if (total) {
		free(name);
		return total;
	}
	total = mem_zalloc(1, sizeof(*total));
	total->name = name;
	t->list = mem_grow(t->list, t->len, &t->cap, sizeof(struct total *));
	t->list[t->len++] = total;
	map_put(&t->map, hash, total);
	return total;
}

static void text_of(struct buf *out, const char *metric, const struct tally_series *s, const char *le)
{
	buf_reset(out);
	buf_printf(out, "__name__=%s,", metric);
	if (le)
		buf_printf(out, "le=%s,", le);
	for (size_t i = 0; i < s->labels_len; i++)
		buf_printf(out, "%.*s=%.*s,", (int)s->labels[i].name.len, s->labels[i].name.ptr, (int)s->labels[i].value.len, s->labels[i].value.ptr);
	buf_cstr(out);
}

static void expect(struct totals *t, const struct world *w, const struct tally_series *s, const char *metric, const char *le, double n)
{
	struct buf text = {0};
	text_of(&text, metric, s, le);
	if (n != 0)
		total_of(t, w, text.data)->expected += n;
	buf_done(&text);
}

/* What was produced of one series. */
struct produced {
	double count, sum, buckets[BOUNDS_MAX + 1];
};

static void add_record(struct produced *series, const struct input *r)
{
	size_t pattern = (size_t)(r->service * PATTERNS + r->pattern);
	const struct family *f = family_get(FAMILY_LOG_PATTERN_DURATION);
	struct produced *timed = &series[SERVICES * 2 + SERVICES * PATTERNS + pattern];
	series[r->service * 2 + r->error].count++;
	series[SERVICES * 2 + pattern].count++;
	if (!r->timed)
		return;
	timed->count++;
	timed->sum += r->seconds;
	for (size_t b = 0; b <= f->bounds_len; b++)
		timed->buckets[b] += b == f->bounds_len || r->seconds <= f->bounds[b];
}

static void expect_histogram(struct totals *t, const struct world *w, const struct tally_series *s, const struct produced *p)
{
	const struct family *f = family_get(s->family);
	char name[128];
	struct buf le = {0};
	snprintf(name, sizeof(name), "%s_bucket", f->name);
	for (size_t b = 0; b <= f->bounds_len; b++) {
		buf_reset(&le);
		remote_write_bound_text(&le, b < f->bounds_len ? f->bounds[b] : (double)INFINITY);
		expect(t, w, s, name, buf_cstr(&le), p->buckets[b]);
	}
	buf_done(&le);
	snprintf(name, sizeof(name), "%s_sum", f->name);
	expect(t, w, s, name, NULL, p->sum);
	snprintf(name, sizeof(name), "%s_count", f->name);
	expect(t, w, s, name, NULL, p->count);
}

static void expect_all(struct totals *t, const struct world *w)
{
	struct produced series[SERIES_MAX] = {0};
	for (int p = 0; p < PARTITIONS; p++)
		for (size_t i = 0; i < w->logs[p].len; i++)
			add_record(series, &w->logs[p].records[i]);
	for (size_t i = 0; i < w->series_len; i++) {
		const struct family *f = family_get(w->series[i].family);
		if (f->type == METRIC_HISTOGRAM)
			expect_histogram(t, w, &w->series[i], &series[i]);
		else
			expect(t, w, &w->series[i], f->name, NULL, series[i].count);
	}
}

static void compare(struct world *w, const struct totals *t)
{
	for (size_t i = 0; i < t->len; i++) {
		const struct total *x = t->list[i];
		if (fabs(x->expected - x->received) > 1e-9 * (1 + fabs(x->expected)))
			world_fail(w, "%.300s: produced %.17g, received %.17g", x->name, x->expected, x->received);
	}
}

void check_totals(struct world *w)
{
	struct totals t = {0};
	expect_all(&t, w);
	for (size_t i = 0; i < w->receiver.len; i++) {
		const struct receiver_series *s = w->receiver.list[i];
		if (!s->gauge && !strstr(s->text, "__name__=winnow_"))
			total_of(&t, w, s->text)->received += s->increase;
	}
	compare(w, &t);
	for (size_t i = 0; i < t.len; i++) {
		free(t.list[i]->name);
		free(t.list[i]);
	}
	free(t.list);
	map_done(&t.map);
}

void check_states(struct world *w)
{
	struct ledger *fresh = ledger_new(&w->opts);
	struct ledger_event event;
	struct buf mine = {0}, theirs = {0};
	if (w->mutant == MUTANT_NONE) {
		for (size_t i = 0; i < w->journal_len; i++)
			ledger_post(fresh, buf_slice(&w->journal[i]), (int64_t)i * POSITION_SCALE + POSITION_SCALE - 1, &event);
		ledger_save(fresh, &mine);
	}
	for (int k = 0; k < INSTANCES && mine.len; k++) {
		if (w->instances[k].read != w->journal_len)
			continue;
		buf_reset(&theirs);
		ledger_save(w->instances[k].ledger, &theirs);
		if (!slice_eq(buf_slice(&mine), buf_slice(&theirs)))
			world_fail(w, "instance %d stands in another state than a fold of the whole journal", k);
	}
	buf_done(&mine);
	buf_done(&theirs);
	ledger_free(fresh);
}
