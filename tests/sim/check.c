/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold at the end. */
#include "world.h"

#include "base/hash.h"
#include "base/mem.h"
#include "metric/remote_write.h"
#include "store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct total {
	char *name;
	double expected, received;
	bool lost; /* the receiver lost some of it and has heard nothing since */
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

static void add_pair(struct buf *out, struct slice name, struct slice value)
{
	buf_add_slice(out, name);
	buf_add_char(out, '=');
	buf_add_slice(out, value);
	buf_add_char(out, ',');
}

static void text_of(struct buf *out, const char *metric, const struct tally_series *s, const char *le)
{
	buf_reset(out);
	add_pair(out, SLICE("__name__"), slice_str(metric));
	if (le)
		add_pair(out, SLICE("le"), slice_str(le));
	for (size_t i = 0; i < s->labels_len; i++)
		add_pair(out, s->labels[i].name, s->labels[i].value);
	buf_cstr(out);
}

static void expect(struct totals *t, const struct world *w, const struct tally_series *s, const char *metric, const char *le, double n)
{
	static struct buf text;
	if (n == 0)
		return;
	text_of(&text, metric, s, le);
	total_of(t, w, text.data)->expected += n;
}

/* What was produced of one series. */
struct produced {
	double count, sum, buckets[BOUNDS_MAX + 1], native;
};

static void add_record(struct produced *series, const struct input *r, int rules)
{
	uint8_t which = world_pattern(r, rules);
	size_t pattern = (size_t)(r->service * PATTERNS + which);
	const struct family *f = family_get(FAMILY_LOG_PATTERN_DURATION);
	struct produced *timed = &series[SERVICES * 2 + SERVICES * PATTERNS + pattern];
	series[r->service * 2 + world_is_error(which)].count++;
	series[SERVICES * 2 + pattern].count++;
	if (!r->timed)
		return;
	timed->count++;
	timed->sum += r->seconds;
	timed->native += native_weight(r->seconds);
	for (size_t b = 0; b <= f->bounds_len; b++)
		timed->buckets[b] += b == f->bounds_len || r->seconds <= f->bounds[b];
}

/* The chain rule once more, without the ledger: which deltas count. */
struct chain {
	bool known[PARTITIONS_MAX];
	int64_t absorbed[PARTITIONS_MAX], gaps[PARTITIONS_MAX];
};

static bool chain_takes(struct chain *c, const struct delta_header *h)
{
	for (size_t i = 0; i < h->ranges_len; i++) {
		int p = h->ranges[i].partition;
		if (c->known[p] ? c->absorbed[p] != h->ranges[i].from : h->seq != 1)
			return false;
	}
	for (size_t i = 0; i < h->ranges_len; i++) {
		int p = h->ranges[i].partition;
		c->known[p] = true;
		c->absorbed[p] = h->ranges[i].to;
		c->gaps[p] += h->ranges[i].gap;
	}
	return true;
}

static void count_note(struct world *w, struct produced *series, uint64_t writer, uint64_t seq)
{
	const struct note *n = map_get(&w->notes_by_key, hash_pair(writer, seq), NULL, NULL);
	for (size_t k = 0; n && k < n->len; k++) {
		uint32_t count = w->counts[n->first + k];
		w->pool[count / 2].counted++;
		add_record(series, &w->pool[count / 2], (int)(count % 2));
	}
}

/* Every record is counted once, or never for a reason, and what the log no longer had is in the gaps. */
static void check_records(struct world *w, const struct chain *c)
{
	int64_t absorbed = 0, gaps = 0, counted = 0, known = 0;
	struct ledger_partition p;
	for (size_t i = 0; i < w->pool_len; i++) {
		const struct input *r = &w->pool[i];
		counted += r->counted;
		if (r->counted > 1 || (r->counted == 0 && r->excuse == EXCUSE_NONE))
			world_fail(w, "record %zu was counted %d times", i, r->counted);
	}
	for (int k = 0; k < w->partitions; k++) {
		absorbed += c->absorbed[k];
		gaps += c->gaps[k];
		if (ledger_partition(w->instances[0].ledger, SLICE("in"), k, &p))
			known += p.gaps;
	}
	if (absorbed - counted != gaps || known != gaps)
		world_fail(w, "%lld offsets were passed, %lld records counted, gaps are %lld, the ledger says %lld", (long long)absorbed, (long long)counted, (long long)gaps, (long long)known);
}

static void walk_journal(struct world *w, struct produced *series)
{
	struct chain chain = {0};
	struct arena arena = {0};
	struct buf scratch = {0};
	struct delta d;
	for (size_t i = 0; i < w->journal_len; i++) {
		arena_reset(&arena);
		store_show(i);
		if (delta_decode(buf_slice(&w->journal[i]), &arena, &scratch, &d) == 0 && d.kind == DELTA_INCREMENTS && chain_takes(&chain, &d.header))
			count_note(w, series, d.header.writer, d.header.seq);
	}
	check_records(w, &chain);
	arena_done(&arena);
	buf_done(&scratch);
}

static void expect_histogram(struct totals *t, const struct world *w, const struct tally_series *s, const struct produced *p)
{
	const struct family *f = family_get(s->family);
	char name[128];
	struct buf le = {0};
	if (w->opts.histograms != LEDGER_CLASSIC)
		expect(t, w, s, f->name, NULL, p->native);
	if (w->opts.histograms == LEDGER_NATIVE)
		return;
	snprintf(name, sizeof(name), "%s_bucket", f->name);
	for (size_t b = 0; b <= f->bounds_len; b++) {
		buf_reset(&le);
		if (p->buckets[b] == 0)
			continue;
		remote_write_bound_text(&le, b < f->bounds_len ? f->bounds[b] : (double)INFINITY);
		expect(t, w, s, name, buf_cstr(&le), p->buckets[b]);
	}
	buf_done(&le);
	snprintf(name, sizeof(name), "%s_sum", f->name);
	expect(t, w, s, name, NULL, p->sum);
	snprintf(name, sizeof(name), "%s_count", f->name);
	expect(t, w, s, name, NULL, p->count);
}

static void expect_all(struct totals *t, struct world *w)
{
	struct produced series[SERIES_MAX] = {0};
	walk_journal(w, series);
	for (size_t i = 0; i < w->series_len; i++) {
		const struct family *f = family_get(w->series[i].family);
		if (f->type == METRIC_HISTOGRAM)
			expect_histogram(t, w, &w->series[i], &series[i]);
		else
			expect(t, w, &w->series[i], f->name, NULL, series[i].count);
	}
}

static bool may_end(const char *name)
{
	const char *id = strstr(name, "pattern_id=");
	return id && !world_has_rule((strtoul(id + strlen("pattern_id="), NULL, 16) - 0xa00) % PATTERNS, 1);
}

/* What the receiver refused for the rest of a series' life it never gets; where patterns merge, a sum over them may miss it. Nor what it refused of a series
 * together with others, if its rule went before it was its turn to be sent alone. */
static bool was_refused(const struct world *w, const struct total *x)
{
	if (!w->poisons || x->received > x->expected)
		return false;
	return strstr(x->name, w->poison) || (w->aliases && strstr(x->name, "log_pattern")) || may_end(x->name);
}

static void compare(struct world *w, const struct totals *t)
{
	for (size_t i = 0; i < t->len; i++) {
		const struct total *x = t->list[i];
		if (!x->lost && !was_refused(w, x) && fabs(x->expected - x->received) > 1e-9 * (1 + fabs(x->expected)))
			world_fail(w, "%.300s: produced %.17g, received %.17g", x->name, x->expected, x->received);
	}
}

void check_totals(struct world *w)
{
	struct totals t = {0};
	expect_all(&t, w);
	for (size_t i = 0; i < w->receiver.len; i++) {
		const struct receiver_series *s = w->receiver.list[i];
		if (s->gauge || strstr(s->text, "__name__=winnow_"))
			continue;
		struct total *total = total_of(&t, w, s->text);
		total->received += s->now.increase;
		total->lost |= s->lost || s->gone;
	}
	compare(w, &t);
	for (size_t i = 0; i < t.len; i++) {
		free(t.list[i]->name);
		free(t.list[i]);
	}
	free(t.list);
	map_done(&t.map);
}

const char *check_ghost(const struct world *w)
{
	for (size_t i = 0; world_ends(w) && i < w->receiver.len; i++) {
		const struct receiver_series *s = w->receiver.list[i];
		const char *id = strstr(s->text, "pattern_id=");
		size_t pattern = id ? strtoul(id + strlen("pattern_id="), NULL, 16) - 0xa00 : 0;
		if (id && !s->now.stale && !world_has_rule(pattern % PATTERNS, w->rules))
			return s->text;
	}
	return NULL;
}

void check_ends(struct world *w)
{
	const char *ghost = check_ghost(w);
	if (ghost)
		world_fail(w, "%.200s is a ghost: no instance has its rule any more", ghost);
}

/* The state of a fold of the whole journal; in three of four seeds that of an instance that has read all of it must do. */
static void whole_state(const struct world *w, struct buf *out)
{
	struct ledger *fresh = ledger_new(&w->opts);
	struct ledger_event event;
	for (size_t i = 0; w->seed % 4 == 0 && i < w->journal_len; i++) /* decoded anew */
		ledger_post(fresh, buf_slice(&w->journal[i]), (int64_t)i * POSITION_SCALE + POSITION_SCALE - 1, &event);
	ledger_save(w->seed % 4 == 0 ? fresh : w->instances[0].ledger, out);
	ledger_free(fresh);
}

void check_states(struct world *w)
{
	struct buf mine = {0}, theirs = {0};
	if (w->mutant == MUTANT_NONE)
		whole_state(w, &mine);
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
}
