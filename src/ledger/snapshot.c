/* SPDX-License-Identifier: Apache-2.0 */
/* The whole state as bytes and back.
 *
 * A seal of kind 's'. Head: step length, position, and the endpoint if it is not the first. Body, a stream of MessagePack values in this order: clocks and figures; partitions in order of appearance;
 * catalog in order of appearance; series in order of creation; steps in order of time, their increments by index into the series; since 0.2 the step in which each
 * series began, the further examples, how far past its said time each partition was read and which life of its log it was, the rules in force with, of each step,
 * definitions that were replaced before it, what was said of traces, and native histograms by series, then by step and increment (a snapshot that ends before any of
 * these is read all the same). Every order is the
 * ledger's own, so a ledger that was saved and loaded goes on exactly as one that folded the journal from the start (a test does it at every position).
 * Not in it: what is of this instance only (series set aside, label blocks). The ledgers of several endpoints are seals one behind the other. */
#include "base/mem.h"
#include "ledger/item.h"
#include "ledger/seal.h"
#include "ledger/state.h"
#include "metric/rule_family.h"

#include <stdlib.h>

enum { MANY = 1 << 26 };

static void save_clocks(const struct ledger *l, struct buf *out)
{
	const int64_t clocks[] = {l->journal_time_ns, l->alive_ns, l->last_closed, l->newest_step};
	const struct ledger_stats *s = &l->stats;
	const uint64_t figures[] = {s->posted, s->rejected, s->corrupt, s->marks, s->late_records, s->overflow_records, s->expired_series, s->state_lost, l->next_number};
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++)
		pack_i64(out, clocks[i]);
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		pack_u64(out, figures[i]);
}

static void load_clocks(struct ledger *l, struct unpack *u)
{
	int64_t *const clocks[] = {&l->journal_time_ns, &l->alive_ns, &l->last_closed, &l->newest_step};
	struct ledger_stats *s = &l->stats;
	uint64_t *const figures[] = {&s->posted, &s->rejected, &s->corrupt, &s->marks, &s->late_records, &s->overflow_records, &s->expired_series, &s->state_lost,
		&l->next_number};
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++)
		*clocks[i] = unpack_i64(u);
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		*figures[i] = unpack_u64(u);
}

static void save_partitions(const struct ledger *l, struct buf *out)
{
	pack_u64(out, l->partitions_len);
	for (size_t i = 0; i < l->partitions_len; i++) {
		const struct partition *p = l->partitions[i];
		const struct ledger_partition *v = &p->view;
		const int64_t numbers[] = {v->partition, v->absorbed, v->replay, v->replay_time_ns, v->newest_ns, v->moved_ns, v->at_end, v->gaps, p->moved_alive_ns,
			p->placed};
		pack_bytes(out, p->topic);
		for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++)
			pack_i64(out, numbers[k]);
	}
}

static void load_partitions(struct ledger *l, struct unpack *u)
{
	for (size_t n = unpack_count(u, MANY, 10); n > 0 && !u->bad; n--) {
		struct slice topic = unpack_bytes(u);
		struct partition *p = partition_add(l, topic, (int32_t)unpack_upto(u, INT32_MAX));
		p->view.absorbed = unpack_i64(u);
		p->view.replay = unpack_i64(u);
		p->view.replay_time_ns = unpack_i64(u);
		p->view.newest_ns = unpack_i64(u);
		p->view.moved_ns = unpack_i64(u);
		p->view.at_end = unpack_i64(u) != 0;
		p->view.gaps = unpack_i64(u);
		p->moved_alive_ns = unpack_i64(u);
		p->placed = unpack_i64(u) != 0;
	}
}

static void save_entry(const struct catalog_entry *e, struct buf *out)
{
	pack_u64(out, e->id);
	pack_u64(out, e->alias_id);
	pack_u64(out, (uint64_t)e->origin);
	pack_bytes(out, e->service);
	pack_bytes(out, e->template_text);
	pack_bytes(out, e->rule);
	pack_u64(out, e->count);
	for (size_t i = 0; i < SEVERITIES; i++)
		pack_u64(out, e->by_severity[i]);
	pack_bool(out, e->seen);
	pack_i64(out, e->first_step);
	pack_i64(out, e->last_step);
	pack_bool(out, e->example != NULL);
	if (e->example)
		example_pack(out, e->example);
}

static void load_entry(struct ledger *l, struct unpack *u)
{
	uint64_t id = unpack_u64(u), alias_id = unpack_u64(u);
	enum pattern_origin origin = (enum pattern_origin)unpack_upto(u, ORIGIN_COUNT - 1);
	size_t known = l->catalog.len;
	struct catalog_entry *e = catalog_add(&l->catalog, id, origin, unpack_bytes(u));
	if (u->bad || !e || l->catalog.len == known) {
		u->bad = true;
		return;
	}
	e->alias_id = alias_id;
	e->template_text = catalog_text(unpack_bytes(u));
	e->rule = catalog_text(unpack_bytes(u));
	e->count = unpack_u64(u);
	for (size_t i = 0; i < SEVERITIES; i++)
		e->by_severity[i] = unpack_u64(u);
	e->seen = unpack_bool(u);
	e->first_step = unpack_i64(u);
	e->last_step = unpack_i64(u);
	if (unpack_bool(u)) {
		struct delta_example example = {0};
		example_unpack(u, &example);
		catalog_set_example(e, &example);
	}
}

/* Every alias must lead to a survivor. */
static bool aliases_end(const struct catalog *c)
{
	for (size_t i = 0; i < c->len; i++) {
		const struct catalog_entry *e = c->entries[i];
		size_t steps = 0;
		while (e && e->alias_id && steps++ <= c->len)
			e = catalog_find(c, e->alias_id);
		if (!e || e->alias_id)
			return false;
	}
	return true;
}

static void save_catalog(const struct ledger *l, struct buf *out)
{
	pack_u64(out, l->catalog.len);
	for (size_t i = 0; i < l->catalog.len; i++)
		save_entry(l->catalog.entries[i], out);
}

static void load_catalog(struct ledger *l, struct unpack *u)
{
	for (size_t n = unpack_count(u, CATALOG_ENTRIES_MAX, 20); n > 0 && !u->bad; n--)
		load_entry(l, u);
	if (!u->bad && !aliases_end(&l->catalog))
		u->bad = true;
}

static void save_value(const struct value *v, size_t buckets, struct buf *out)
{
	pack_u64(out, v->count);
	if (buckets == 0)
		return;
	pack_double(out, v->sum);
	for (size_t i = 0; i < buckets; i++)
		pack_u64(out, v->buckets[i]);
}

static void load_value(struct value *v, size_t buckets, struct unpack *u)
{
	v->count = unpack_u64(u);
	if (buckets == 0)
		return;
	v->sum = unpack_double(u);
	for (size_t i = 0; i < buckets; i++)
		v->buckets[i] = unpack_u64(u);
}

static void save_one_series(const struct ledger *l, const struct series *s, struct map *families, struct buf *out)
{
	pack_u64(out, s->number);
	family_pack(out, families, s->family, layout_since(l, s->family));
	pack_u64(out, s->labels_len);
	for (size_t i = 0; i < s->labels_len; i++) {
		pack_bytes(out, s->labels[i].name);
		pack_bytes(out, s->labels[i].value);
	}
	save_value(&s->now, series_buckets(s), out);
	save_value(&s->posted, series_buckets(s), out);
	pack_i64(out, s->last_step);
	pack_i64(out, s->stale_step);
	pack_i64(out, s->touched_step);
	pack_bool(out, s->live);
	pack_bool(out, s->pattern && s->pattern->info == s);
	pack_bool(out, s->exemplar != NULL);
	if (s->exemplar)
		exemplar_pack(out, s->exemplar);
}

static struct series *load_labels(struct ledger *l, struct families_read *families, struct unpack *u)
{
	struct label labels[LABELS_MAX];
	uint64_t number = unpack_u64(u), next = l->next_number;
	size_t seen = families->len;
	enum family_id family = family_unpack(u, families);
	size_t len = unpack_upto(u, LABELS_MAX);
	for (size_t i = 0; i < len; i++) {
		labels[i].name = unpack_bytes(u);
		labels[i].value = unpack_bytes(u);
	}
	if (u->bad)
		return NULL;
	if (families->len > seen)
		layout_take(l, family, families->items[seen].since_ns);
	struct series *s = series_add(l, series_hash(family, labels, len), family, labels, len);
	s->number = number;
	l->next_number = next;
	return s;
}

static void load_one_series(struct ledger *l, struct families_read *families, struct unpack *u)
{
	struct series *s = load_labels(l, families, u);
	if (!s) {
		u->bad = true;
		return;
	}
	load_value(&s->now, series_buckets(s), u);
	load_value(&s->posted, series_buckets(s), u);
	s->last_step = unpack_i64(u);
	s->stale_step = unpack_i64(u);
	s->touched_step = unpack_i64(u);
	s->live = unpack_bool(u);
	l->live_len += s->live;
	if (unpack_bool(u) && s->pattern)
		s->pattern->info = s;
	if (!unpack_bool(u))
		return;
	s->exemplar = mem_zalloc(1, sizeof(*s->exemplar));
	exemplar_unpack(u, s->exemplar);
}

static void save_series(const struct ledger *l, struct buf *out)
{
	pack_u64(out, l->series_len);
	struct map families = {0};
	for (size_t i = 0; i < l->series_len; i++)
		save_one_series(l, l->series[i], &families, out);
	map_done(&families);
}

static void load_series(struct ledger *l, struct unpack *u)
{
	struct families_read families = {0};
	for (size_t n = unpack_count(u, MANY, 10); n > 0 && !u->bad; n--)
		load_one_series(l, &families, u);
	free(families.items);
}

/* Index in the ledger's array, which is sorted by number. */
static size_t index_of(const struct ledger *l, const struct series *s)
{
	size_t low = 0, high = l->series_len;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (l->series[middle]->number < s->number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void save_increment(const struct ledger *l, const struct step *step, const struct increment *i, struct buf *out)
{
	const struct exemplar *e = step_exemplar(step, i);
	pack_u64(out, index_of(l, i->series));
	pack_u64(out, i->count);
	pack_u64(out, i->exemplar == INCREMENT_ENDS ? 2 : e ? 1 : 0);
	pack_bool(out, i->hist != 0);
	if (i->hist) {
		pack_double(out, step_sum(step, i));
		for (size_t b = 0; b < series_buckets(i->series); b++)
			pack_u64(out, step_buckets(step, i)[b]);
	}
	if (e)
		exemplar_pack(out, e);
}

static void load_increment(struct ledger *l, struct step *step, struct unpack *u)
{
	uint64_t buckets[BOUNDS_MAX + 1];
	struct exemplar e = {0};
	double sum = 0;
	size_t at = unpack_u64(u);
	uint64_t count = unpack_u64(u), what = unpack_upto(u, 2);
	bool hist = unpack_bool(u);
	if (u->bad || at >= l->series_len || (hist && series_buckets(l->series[at]) == 0)) {
		u->bad = true;
		return;
	}
	struct series *s = l->series[at];
	if (hist)
		sum = unpack_double(u);
	for (size_t b = 0; hist && b < series_buckets(s); b++)
		buckets[b] = unpack_u64(u);
	if (what == 1)
		exemplar_unpack(u, &e);
	step_add(step, s, count, sum, hist ? buckets : NULL, &e);
	if (what == 2)
		step_end(step, s);
}

static void save_steps(const struct ledger *l, struct buf *out)
{
	pack_u64(out, l->steps_len);
	pack_u64(out, l->closed_len);
	for (size_t i = 0; i < l->steps_len; i++) {
		const struct step *step = l->steps[i];
		pack_i64(out, step->number);
		pack_bool(out, step->anchored);
		pack_u64(out, step->len);
		for (size_t k = 0; k < step->len; k++)
			save_increment(l, step, &step->increments[k], out);
	}
}

static void load_steps(struct ledger *l, struct unpack *u)
{
	size_t steps = unpack_count(u, MANY, 3);
	l->closed_len = unpack_upto(u, steps);
	for (size_t i = 0; i < steps && !u->bad; i++) {
		int64_t number = unpack_i64(u);
		if (i > 0 && number <= l->steps[i - 1]->number) {
			u->bad = true;
			return;
		}
		struct step *step = step_open(l, number);
		step->anchored = unpack_bool(u);
		for (size_t n = unpack_count(u, MANY, 4); n > 0 && !u->bad; n--)
			load_increment(l, step, u);
		if (i < l->closed_len)
			step_close(step);
	}
}

static void save_beginnings(const struct ledger *l, struct buf *out)
{
	for (size_t i = 0; i < l->series_len; i++)
		pack_i64(out, l->series[i]->first_step);
}

static void load_beginnings(struct ledger *l, struct unpack *u)
{
	for (size_t i = 0; i < l->series_len && !unpack_whole(u); i++)
		l->series[i]->first_step = unpack_i64(u);
}

static void save_lives(const struct ledger *l, struct buf *out)
{
	for (size_t i = 0; i < l->partitions_len; i++) {
		pack_i64(out, l->partitions[i]->view.reached_ns);
		pack_u64(out, l->partitions[i]->view.life);
	}
	pack_u64(out, l->stats.lives);
}

static void load_lives(struct ledger *l, struct unpack *u)
{
	bool there = !unpack_whole(u);
	for (size_t i = 0; i < l->partitions_len; i++) {
		struct ledger_partition *v = &l->partitions[i]->view;
		v->reached_ns = there ? unpack_i64(u) : v->newest_ns;
		v->life = there ? (uint32_t)unpack_upto(u, UINT32_MAX) : 0;
	}
	l->stats.lives = there ? unpack_u64(u) : 0;
}

static void save_further(const struct ledger *l, struct buf *out)
{
	pack_u64(out, l->catalog.further_len);
	for (size_t i = 0; i < l->catalog.further_len; i++)
		example_pack(out, l->catalog.further[i]);
}

static void load_further(struct ledger *l, struct unpack *u)
{
	if (unpack_whole(u))
		return;
	for (size_t n = unpack_count(u, FURTHER_MAX, 10); n > 0 && !u->bad; n--) {
		struct delta_example example = {0};
		example_unpack(u, &example);
		catalog_restore_further(&l->catalog, &example);
	}
}

static void save_native(const struct native *h, uint64_t place, struct buf *out)
{
	if (!h)
		return;
	pack_u64(out, place + 1); /* 0 ends the list */
	native_pack(out, h);
	pack_double(out, h->sum);
}

static void save_natives(const struct ledger *l, struct buf *out)
{
	for (size_t i = 0; i < l->series_len; i++)
		save_native(l->series[i]->native, i, out);
	pack_u64(out, 0);
	for (size_t n = 0; n < l->steps_len; n++) {
		for (size_t i = 0; i < l->steps[n]->len; i++)
			save_native(step_native(l->steps[n], &l->steps[n]->increments[i]), i, out);
		pack_u64(out, 0);
	}
}

/* The next of a list of len places; false at its end. */
static bool load_native(struct unpack *u, size_t len, size_t *ret_place, struct native *ret)
{
	uint64_t place = unpack_upto(u, len);
	*ret = (struct native){0};
	if (u->bad || place == 0)
		return false;
	*ret_place = (size_t)place - 1;
	native_unpack(u, ret);
	ret->sum = unpack_double(u);
	if (u->bad)
		native_done(ret);
	return !u->bad;
}

static void load_natives(struct ledger *l, struct unpack *u)
{
	struct native h;
	size_t at;
	if (unpack_whole(u))
		return;
	while (load_native(u, l->series_len, &at, &h)) {
		series_add_native(l->series[at], &h);
		native_done(&h);
	}
	for (size_t n = 0; n < l->steps_len && !u->bad; n++)
		while (load_native(u, l->steps[n]->len, &at, &h)) {
			struct increment *i = &l->steps[n]->increments[at];
			u->bad |= family_get(i->series->family)->type != METRIC_HISTOGRAM;
			step_put_native(l->steps[n], i, &h);
			native_done(&h);
		}
}

static void save_retired(const struct ledger *l, struct buf *out)
{
	struct map families = {0};
	for (size_t i = 0; i < l->steps_len; i++) {
		pack_u64(out, l->steps[i]->retired_len);
		for (size_t k = 0; k < l->steps[i]->retired_len; k++)
			family_pack(out, &families, l->steps[i]->retired[k], 0);
	}
	map_done(&families);
}

static void load_retired(struct ledger *l, struct unpack *u)
{
	struct families_read families = {0};
	for (size_t i = 0; i < l->steps_len; i++)
		for (size_t n = unpack_count(u, MANY, 1); n > 0 && !u->bad; n--) {
			enum family_id family = family_unpack(u, &families);
			if (!u->bad)
				step_retire(l->steps[i], family);
		}
	free(families.items);
}

/* What earlier versions did not write. */
static void load_force(struct ledger *l, struct unpack *u)
{
	if (unpack_whole(u))
		return;
	force_load(l, u);
	load_retired(l, u);
}

void ledger_save(const struct ledger *l, struct buf *out)
{
	struct buf head = {0}, body = {0};
	pack_i64(&head, l->opts.step_ns);
	pack_i64(&head, l->position);
	if (l->opts.endpoint)
		pack_u64(&head, l->opts.endpoint);
	save_clocks(l, &body);
	save_partitions(l, &body);
	save_catalog(l, &body);
	save_series(l, &body);
	save_steps(l, &body);
	save_beginnings(l, &body);
	save_further(l, &body);
	save_lives(l, &body);
	force_save(l, &body);
	save_retired(l, &body);
	kept_save(&l->kept, &body);
	save_natives(l, &body);
	seal_close(out, SEAL_SNAPSHOT, buf_slice(&head), buf_slice(&body));
	buf_done(&head);
	buf_done(&body);
}

static int load_head(struct ledger *l, struct slice head, struct err *err)
{
	struct unpack u = unpack_of(head);
	int64_t step_ns = unpack_i64(&u);
	l->position = unpack_i64(&u);
	uint64_t endpoint = unpack_whole(&u) ? 0 : unpack_u64(&u);
	if (!unpack_whole(&u))
		return err_set(err, ERR_CORRUPT, "snapshot: its head is damaged");
	if (endpoint != l->opts.endpoint)
		return err_set(err, ERR_CORRUPT, "snapshot: it is another endpoint's");
	if (step_ns != l->opts.step_ns)
		return err_set(err, ERR_INPUT, "snapshot: made with metrics.step %lld ms, the configuration says %lld ms: the step of a journal cannot change",
			(long long)(step_ns / 1000000), (long long)(l->opts.step_ns / 1000000));
	return 0;
}

int ledger_load(struct ledger *l, struct slice snapshot, struct err *err)
{
	struct slice head, body;
	char kind;
	int rc = seal_open(snapshot, &l->scratch, &kind, &head, &body);
	if (rc < 0 || kind != SEAL_SNAPSHOT)
		return err_set(err, ERR_CORRUPT, "snapshot: not a whole snapshot of a format this version knows");
	if ((rc = load_head(l, head, err)) < 0)
		return rc;
	struct unpack u = unpack_of(body);
	load_clocks(l, &u);
	load_partitions(l, &u);
	load_catalog(l, &u);
	load_series(l, &u);
	load_steps(l, &u);
	load_beginnings(l, &u);
	load_further(l, &u);
	load_lives(l, &u);
	load_force(l, &u);
	if (!u.bad && !unpack_whole(&u))
		kept_load(&l->kept, &u);
	load_natives(l, &u);
	return unpack_whole(&u) ? 0 : err_set(err, ERR_CORRUPT, "snapshot: its content does not fit together");
}

bool ledger_next_saved(struct slice *all, struct slice *ret, uint64_t *ret_endpoint)
{
	size_t len = seal_len(*all);
	if (len == 0 || len > all->len)
		return false;
	struct unpack u = unpack_of(seal_head(*all));
	unpack_i64(&u);
	unpack_i64(&u);
	*ret_endpoint = unpack_whole(&u) ? 0 : unpack_u64(&u);
	*ret = slice_sub(*all, 0, len);
	*all = slice_sub(*all, len, all->len - len);
	return unpack_whole(&u);
}
