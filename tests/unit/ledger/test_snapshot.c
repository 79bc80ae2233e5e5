/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "desk.h"

/* A small random journal with everything in it; records are kept so that it can be folded again. */
struct story {
	struct buf records[1500];
	int64_t positions[1500];
	size_t len;
};

/* splitmix64 */
static uint64_t roll(uint64_t *seed, uint64_t n)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % n;
}

static const char *const ids[] = {"00000000000000a1", "00000000000000a2", "00000000000000a3", "00000000000000a4", "00000000000000a5"};
static const char *const services[] = {"cart", "pay", "mail"};

static void write_patterns(struct desk *d, uint64_t *seed)
{
	static const char *const texts[] = {"a b", "a <*>", "<*> b", "c"};
	if (roll(seed, 3))
		return;
	uint64_t at = roll(seed, 5);
	d->patterns[d->patterns_len++] = (struct delta_pattern){.id = 0xa1 + at, .alias_id = roll(seed, 6) ? 0 : 0xa1 + roll(seed, 5), .origin = ORIGIN_MINED,
		.service = slice_str(services[at % 3]), .template_text = slice_str(texts[roll(seed, 4)])};
	d->examples[d->examples_len++] = (struct delta_example){.pattern_id = 0xa1 + at, .rank = (uint8_t)(1 + roll(seed, 4)), .further = roll(seed, 4) == 0, .text = SLICE("an example"),
		.trace_id = SLICE("0123"), .topic = SLICE("t"), .offset = (int64_t)roll(seed, 1000)};
}

/* As some writers count: the same observations by powers. */
static void add_native(struct tally_entry *e, uint64_t *seed)
{
	static struct native natives[8];
	static size_t next;
	if (roll(seed, 3) == 0)
		return;
	struct native *h = &natives[next++ % 8];
	native_reset(h);
	for (uint64_t n = 0; n < e->count; n++)
		native_observe(h, roll(seed, 9) ? (double)(1 + roll(seed, 1 << roll(seed, 30))) / 997 : 0, 1);
	e->native = h;
}

static void write_entry(struct desk *d, uint64_t *seed, int64_t step)
{
	static uint64_t buckets[8][BOUNDS_MAX + 1];
	const char *const pairs[][2] = {{"service_name", services[roll(seed, 3)]}};
	uint64_t kind = roll(seed, 5);
	if (kind >= 3) {
		uint64_t *b = memset(buckets[d->entries_len % 8], 0, sizeof(buckets[0]));
		enum family_id family = kind == 3 ? desk_sum() : desk_histogram(roll(seed, 3));
		d->rules_ns = (int64_t)roll(seed, 1000);
		struct tally_entry *e = desk_observe(d, family, b, roll(seed, family_buckets(family_get(family))), step, 1 + roll(seed, 3), (double)roll(seed, 1000) / 7);
		if (kind == 4)
			add_native(e, seed);
	} else if (kind == 0) {
		desk_records(d, services[roll(seed, 3)], step, 1 + roll(seed, 9));
	} else if (kind == 1) {
		struct tally_entry *e = desk_pattern_records(d, services[roll(seed, 3)], ids[roll(seed, 5)], step, 1 + roll(seed, 9));
		e->exemplar = (struct exemplar){.time_ns = step * DESK_STEP, .value = 1, .rank = (uint8_t)roll(seed, 4), .trace_len = 4, .trace_id = "beef"};
	} else {
		uint64_t *b = memset(buckets[d->entries_len % 8], 0, sizeof(buckets[0]));
		struct tally_entry *e = desk_count(d, FAMILY_LOG_PATTERN_DURATION, pairs, 1, step, 2);
		b[roll(seed, 3)] = 2;
		e->buckets = b;
		e->sum = (double)roll(seed, 1000) / 7;
		add_native(e, seed);
	}
}

static void write_delta(struct desk *d, uint64_t *seed, double *now, int64_t offsets[3])
{
	*now += (double)roll(seed, 8) + (roll(seed, 60) ? 0 : 50);
	for (int32_t p = 0; p < 3; p++) {
		if (roll(seed, 3) == 0)
			continue;
		int64_t n = 1 + (int64_t)roll(seed, 4);
		desk_range(d, p, offsets[p], offsets[p] + n, AT(*now - (double)roll(seed, 5)), roll(seed, 2));
		offsets[p] += n;
	}
	for (uint64_t n = d->ranges_len ? roll(seed, 7) : 0; n > 0; n--)
		write_entry(d, seed, STEP_AT(*now - (double)roll(seed, 40)));
	write_patterns(d, seed);
	if (desk_post(d, AT(*now)) != LEDGER_POSTED)
		fail();
}

static void write_step(struct desk *d, uint64_t *seed, double now)
{
	int64_t first = ledger_pending_first(d->l);
	uint64_t kind = roll(seed, 6);
	if (first == INT64_MIN)
		return;
	if (kind < 2)
		desk_anchored(d, first, AT(now));
	else
		desk_mark(d, first, kind == 5, AT(now));
}

static void keep(struct story *s, const struct desk *d)
{
	buf_add_slice(&s->records[s->len], buf_slice(&d->record));
	s->positions[s->len++] = d->position;
}

static void write_story(struct story *s, uint64_t seed, const struct ledger_opts *opts)
{
	struct desk d;
	double now = 100;
	int64_t offsets[3] = {0};
	desk_open(&d, opts);
	memset(s, 0, sizeof(*s));
	for (int32_t p = 0; p < 3; p++)
		desk_range(&d, p, 0, 0, 0, false);
	desk_post(&d, AT(now));
	keep(s, &d);
	while (s->len < 300) {
		int64_t before = d.position;
		if (roll(&seed, 3) == 0)
			write_delta(&d, &seed, &now, offsets);
		else
			write_step(&d, &seed, now);
		if (d.position != before)
			keep(s, &d);
		if (roll(&seed, 100) == 0) {
			desk_close(&d, AT(now));
			keep(s, &d);
		}
	}
	desk_done(&d);
}

static void same_cut(struct ledger *a, struct ledger *b, enum remote_write_version version)
{
	struct cut x, y;
	assert_int_equal(ledger_pending_first(a), ledger_pending_first(b));
	assert_int_equal(ledger_pending_steps(a), ledger_pending_steps(b));
	ledger_cut(a, ledger_pending_first(a), version, 7, 4096, &x);
	ledger_cut(b, ledger_pending_first(b), version, 7, 4096, &y);
	assert_int_equal(x.len, y.len);
	for (size_t i = 0; i < x.len; i++)
		check(slice_eq(x.requests[i].body, y.requests[i].body));
	cut_done(&x);
	cut_done(&y);
}

static void check_from(const struct story *s, size_t from, struct slice snapshot, const struct ledger_opts *opts, struct slice last)
{
	struct ledger *straight = ledger_new(opts), *loaded = ledger_new(opts);
	struct ledger_event event;
	struct err err = {0};
	struct buf again = {0};
	assert_int_equal(ledger_load(loaded, snapshot, &err), 0);
	for (size_t i = 0; i < from; i++)
		ledger_post(straight, buf_slice(&s->records[i]), s->positions[i], &event);
	assert_int_equal(ledger_position(straight), ledger_position(loaded));
	for (size_t i = from; i < s->len && i < from + 40; i++) {
		struct ledger_event other;
		ledger_post(straight, buf_slice(&s->records[i]), s->positions[i], &event);
		ledger_post(loaded, buf_slice(&s->records[i]), s->positions[i], &other);
		assert_int_equal(event.outcome, other.outcome);
		same_cut(straight, loaded, REMOTE_WRITE_1);
		same_cut(straight, loaded, REMOTE_WRITE_2);
	}
	for (size_t i = from + 40; i < s->len; i++)
		ledger_post(loaded, buf_slice(&s->records[i]), s->positions[i], &event);
	ledger_save(loaded, &again);
	check(slice_eq(buf_slice(&again), last)); /* to the last byte of the whole state */
	buf_done(&again);
	ledger_free(straight);
	ledger_free(loaded);
}

static void a_snapshot_at_any_position_goes_on_as_the_straight_fold_does(void **state)
{
	(void)state;
	static struct story s;
	struct ledger_opts opts = desk_opts;
	opts.series_limit = 14;
	opts.expire_ns = 20 * NS_PER_S;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		opts.histograms = (enum ledger_histograms)(seed % 3);
		write_story(&s, seed, &opts);
		struct ledger *l = ledger_new(&opts);
		struct buf *snapshots = calloc(s.len + 1, sizeof(*snapshots));
		struct ledger_event event;
		for (size_t i = 0; i <= s.len; i++) {
			ledger_save(l, &snapshots[i]);
			if (i < s.len)
				ledger_post(l, buf_slice(&s.records[i]), s.positions[i], &event);
		}
		struct ledger_stats stats;
		ledger_stats(l, &stats);
		assert_in_range(stats.marks, 20, 400);
		assert_in_range(stats.late_records, 1, 100000);
		assert_in_range(stats.overflow_records, 1, 100000);
		assert_in_range(stats.expired_series, 1, 100000);
		for (size_t i = 0; i <= s.len; i++)
			check_from(&s, i, buf_slice(&snapshots[i]), &opts, buf_slice(&snapshots[s.len]));
		for (size_t i = 0; i <= s.len; i++)
			buf_done(&snapshots[i]);
		for (size_t i = 0; i < s.len; i++)
			buf_done(&s.records[i]);
		free(snapshots);
		ledger_free(l);
	}
}

static void a_damaged_snapshot_is_refused(void **state)
{
	(void)state;
	struct desk d;
	struct buf good = {0};
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 5, AT(5), true);
	desk_records(&d, "a", STEP_AT(5), 5);
	desk_pattern_records(&d, "a", ids[0], STEP_AT(15), 5);
	desk_post(&d, AT(12));
	ledger_save(d.l, &good);
	for (size_t i = 0; i < good.len; i++) {
		struct ledger *l = ledger_new(&desk_opts);
		struct err err = {0};
		good.data[i] ^= 1;
		assert_int_equal(ledger_load(l, buf_slice(&good), &err), ERR_CORRUPT);
		check(err.text[0] != 0);
		good.data[i] ^= 1;
		assert_int_equal(ledger_load(l, slice_of(good.data, i), &err), ERR_CORRUPT);
		ledger_free(l);
	}
	buf_done(&good);
	desk_done(&d);
}

static void a_snapshot_of_another_step_length_is_an_input_error(void **state)
{
	(void)state;
	struct desk d;
	struct buf snapshot = {0};
	struct err err = {0};
	struct ledger_opts opts = desk_opts;
	desk_open(&d, NULL);
	ledger_save(d.l, &snapshot);
	opts.step_ns = 15 * NS_PER_S;
	struct ledger *l = ledger_new(&opts);
	assert_int_equal(ledger_load(l, buf_slice(&snapshot), &err), ERR_INPUT);
	check(strstr(err.text, "metrics.step"));
	ledger_free(l);
	buf_done(&snapshot);
	desk_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_snapshot_at_any_position_goes_on_as_the_straight_fold_does),
		cmocka_unit_test(a_damaged_snapshot_is_refused),
		cmocka_unit_test(a_snapshot_of_another_step_length_is_an_input_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
