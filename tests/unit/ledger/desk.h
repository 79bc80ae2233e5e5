/* SPDX-License-Identifier: Apache-2.0 */
/* A desk to keep a ledger at: writes deltas in short form, posts them, and reads what a cut would put at a receiver. */
#ifndef WINNOW_TESTS_UNIT_LEDGER_DESK_H
#define WINNOW_TESTS_UNIT_LEDGER_DESK_H

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/wire.h"
#include "ledger/ledger.h"
#include "metric/remote_write.h"
#include "metric/rule_family.h"
#include "metric/write2.h"

/* 2026-01-01T00:00:00Z, a multiple of the step */
#define DESK_START (INT64_C(1767225600) * NS_PER_S)
#define DESK_STEP (10 * NS_PER_S)
/* Event or journal time: seconds after the start. */
#define AT(seconds) (DESK_START + (int64_t)((seconds) * 1e9))
#define STEP_AT(seconds) (AT(seconds) / DESK_STEP)

struct desk {
	struct ledger *l;
	int64_t position;
	struct ledger_event event;
	/* of the delta being written */
	struct tally_series series[64];
	struct label labels[64][3];
	size_t series_len;
	struct tally_entry entries[64];
	size_t entries_len;
	struct delta_pattern patterns[16];
	size_t patterns_len;
	struct delta_example examples[16];
	size_t examples_len;
	struct delta_range ranges[16];
	size_t ranges_len;
	uint64_t writer, seq, told; /* the writer may be changed; its deltas' numbers do not begin anew */
	int64_t rules_ns;
	struct buf record; /* the last record posted */
};

static const struct ledger_opts desk_opts = {
	.step_ns = DESK_STEP,
	.lateness_ns = 2 * NS_PER_S,
	.expire_ns = 60 * NS_PER_S,
	.receiver_window_ns = 3300 * NS_PER_S,
	.series_limit = 1000,
};

static inline void desk_open(struct desk *d, const struct ledger_opts *opts)
{
	memset(d, 0, sizeof(*d));
	d->writer = 1;
	d->l = ledger_new(opts ? opts : &desk_opts);
}

static inline void desk_done(struct desk *d)
{
	ledger_free(d->l);
	buf_done(&d->record);
}

/* Partition p of topic "t" moves from..to with this newest event time. */
static inline void desk_range(struct desk *d, int32_t p, int64_t from, int64_t to, int64_t newest_ns, bool at_end)
{
	d->ranges[d->ranges_len++] = (struct delta_range){.topic = SLICE("t"), .partition = p, .from = from, .to = to, .replay = to, .newest_ns = newest_ns, .at_end = at_end};
}

/* name=value pairs must come sorted by name; NULL ends them. */
static inline struct tally_entry *desk_count(struct desk *d, enum family_id family, const char *const pairs[][2], size_t pairs_len, int64_t step, uint64_t n)
{
	size_t at = d->series_len++;
	for (size_t i = 0; i < pairs_len; i++)
		d->labels[at][i] = (struct label){.name = slice_str(pairs[i][0]), .value = slice_str(pairs[i][1])};
	d->series[at] = (struct tally_series){.family = family, .labels = d->labels[at], .labels_len = (uint8_t)pairs_len};
	struct tally_entry *e = &d->entries[d->entries_len++];
	*e = (struct tally_entry){.series = (uint32_t)at, .step = step, .count = n};
	return e;
}

static inline struct tally_entry *desk_records(struct desk *d, const char *service, int64_t step, uint64_t n)
{
	const char *const pairs[][2] = {{"service_name", service}, {"severity", "info"}};
	return desk_count(d, FAMILY_LOG_RECORDS, pairs, 2, step, n);
}

static inline struct tally_entry *desk_pattern_records(struct desk *d, const char *service, const char *id, int64_t step, uint64_t n)
{
	const char *const pairs[][2] = {{"pattern_id", id}, {"service_name", service}, {"severity", "error"}};
	return desk_count(d, FAMILY_LOG_PATTERN_RECORDS, pairs, 3, step, n);
}

/* A rule's histogram with one of three sets of buckets. */
static inline enum family_id desk_histogram(size_t layout)
{
	static const double bounds[3][3] = {{0.1, 1}, {0.1, 0.5, 1}, {0.5}};
	static const size_t lens[3] = {2, 3, 1};
	const struct family f = {.name = "payment_seconds", .type = METRIC_HISTOGRAM, .unit = "seconds", .help = "Payments.", .bounds = bounds[layout], .bounds_len = lens[layout]};
	return rule_family_intern(&f);
}

static inline enum family_id desk_sum(void)
{
	const struct family f = {.name = "paid_euros_total", .type = METRIC_COUNTER, .sums = true, .unit = "", .help = "Paid."};
	return rule_family_intern(&f);
}

/* Observations in one bucket. buckets: the caller's, zeroed, as many as there are. */
static inline struct tally_entry *desk_observe(struct desk *d, enum family_id family, uint64_t *buckets, size_t bucket, int64_t step, uint64_t n, double sum)
{
	const char *const pairs[][2] = {{"service_name", "a"}};
	struct tally_entry *e = desk_count(d, family, pairs, 1, step, n);
	buckets[bucket] = n;
	e->buckets = buckets;
	e->sum = sum;
	return e;
}

static inline enum ledger_outcome desk_post_record(struct desk *d)
{
	d->position += 7; /* positions rise, but not by one */
	ledger_post(d->l, buf_slice(&d->record), d->position, &d->event);
	return d->event.outcome;
}

static inline enum ledger_outcome desk_post(struct desk *d, int64_t journal_time_ns)
{
	struct delta_header header = {.writer = d->writer, .seq = ++d->seq, .journal_time_ns = journal_time_ns, .ranges = d->ranges, .ranges_len = d->ranges_len};
	struct delta_body body = {.rules_ns = d->rules_ns, .series = d->series, .series_len = d->series_len, .entries = d->entries, .entries_len = d->entries_len,
		.patterns = d->patterns, .patterns_len = d->patterns_len, .examples = d->examples, .examples_len = d->examples_len};
	buf_reset(&d->record);
	delta_encode(&d->record, &header, &body);
	d->series_len = d->entries_len = d->patterns_len = d->examples_len = d->ranges_len = 0;
	return desk_post_record(d);
}

/* The desk's writer says by which rules its next delta counts. */
static inline enum ledger_outcome desk_tell(struct desk *d, uint64_t hash, const struct delta_rule *rules, size_t len, int64_t journal_time_ns)
{
	const struct delta_rules told = {.writer = d->writer, .number = ++d->told, .from_seq = d->seq + 1, .hash = hash, .at = rules, .len = len};
	buf_reset(&d->record);
	rules_encode(&d->record, &told, journal_time_ns);
	return desk_post_record(d);
}

static inline enum ledger_outcome desk_mark(struct desk *d, int64_t step, bool skipped, int64_t journal_time_ns)
{
	buf_reset(&d->record);
	mark_encode(&d->record, 0, step, skipped, journal_time_ns, 0);
	return desk_post_record(d);
}

static inline enum ledger_outcome desk_anchored(struct desk *d, int64_t step, int64_t journal_time_ns)
{
	buf_reset(&d->record);
	anchored_encode(&d->record, 0, step, journal_time_ns, 0);
	return desk_post_record(d);
}

static inline enum ledger_outcome desk_close(struct desk *d, int64_t journal_time_ns)
{
	buf_reset(&d->record);
	close_encode(&d->record, journal_time_ns);
	return desk_post_record(d);
}

/* One sample as text: name{a="b"} value @seconds after the start; "stale" for a stale marker; " # trace value" for its exemplar. */
static inline void desk_read_series(struct slice bytes, struct buf *out)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	struct buf labels = {0}, tail = {0};
	const char *name = "";
	size_t name_len = 0;
	while (wire_next(&w, &f) == 1) {
		struct wire in = wire_of(f.bytes);
		struct wire_field g;
		struct slice key = {0}, value = {0};
		double number = 0;
		int64_t ms = 0;
		uint64_t bits = 0;
		while (wire_next(&in, &g) == 1) {
			if (f.number == 1)
				*(g.number == 1 ? &key : &value) = g.bytes;
			else if (f.number == 3 && g.number == 1) {
				struct wire pair = wire_of(g.bytes);
				struct wire_field h;
				while (wire_next(&pair, &h) == 1)
					*(h.number == 1 ? &key : &value) = h.bytes;
				if (slice_eq(key, SLICE("trace_id")))
					buf_printf(&tail, " # %.*s", (int)value.len, value.ptr);
			} else if (g.type == WIRE_FIXED64) {
				bits = g.value;
				number = wire_to_double(g.value);
			} else {
				ms = (int64_t)g.value;
			}
		}
		if (f.number == 1 && slice_eq(key, SLICE("__name__"))) {
			name = value.ptr;
			name_len = value.len;
		} else if (f.number == 1) {
			buf_printf(&labels, "%s%.*s=\"%.*s\"", labels.len ? "," : "", (int)key.len, key.ptr, (int)value.len, value.ptr);
		} else if (f.number == 2 && bits == REMOTE_WRITE_STALE_BITS) {
			buf_printf(&tail, " stale @%g", (double)(ms - DESK_START / NS_PER_MS) / 1e3);
		} else if (f.number == 2) {
			buf_printf(&tail, " %.17g @%g", number, (double)(ms - DESK_START / NS_PER_MS) / 1e3);
		} else {
			buf_printf(&tail, " %g @%g", number, (double)(ms - DESK_START / NS_PER_MS) / 1e3);
		}
	}
	buf_printf(out, "%.*s{%.*s}%.*s\n", (int)name_len, name, (int)labels.len, labels.data ? labels.data : "", (int)tail.len, tail.data ? tail.data : "");
	buf_done(&labels);
	buf_done(&tail);
}

/* A cut as text: "anchors" or "values" line per request, then its samples; metadata as "meta NAME". */
static inline void desk_read_cut(const struct cut *c, struct buf *out)
{
	for (size_t i = 0; i < c->len; i++) {
		struct wire w = wire_of(c->requests[i].body);
		struct wire_field f;
		buf_add_str(out, c->requests[i].anchors ? "anchors\n" : "values\n");
		while (wire_next(&w, &f) == 1) {
			if (f.number == 1) {
				desk_read_series(f.bytes, out);
				continue;
			}
			struct wire in = wire_of(f.bytes);
			struct wire_field g;
			while (wire_next(&in, &g) == 1)
				if (g.number == 2)
					buf_printf(out, "meta %.*s\n", (int)g.bytes.len, g.bytes.ptr);
		}
	}
}

/* The samples of a cut alone, requests joined; bodies of 2.0 as 1.0 would have them. */
static inline void desk_samples(const struct cut *c, struct buf *out)
{
	for (size_t i = 0; i < c->len; i++) {
		struct buf portable = {0}, plain = {0};
		struct wire w = wire_of(c->requests[i].body);
		struct wire_field f;
		if (c->version == REMOTE_WRITE_2) {
			assert_int_equal(write2_to_portable(c->requests[i].body, &portable), 0);
			assert_int_equal(write2_strip(buf_slice(&portable), &plain), 0);
			w = wire_of(buf_slice(&plain));
		}
		while (wire_next(&w, &f) == 1)
			if (f.number == 1)
				desk_read_series(f.bytes, out);
		buf_done(&portable);
		buf_done(&plain);
	}
}

static inline void desk_same_in_both(struct desk *d, const struct cut *one, size_t max_samples)
{
	struct buf a = {0}, b = {0};
	struct cut two;
	ledger_cut(d->l, ledger_pending_first(d->l), REMOTE_WRITE_2, max_samples, 1 << 20, &two);
	assert_int_equal(one->len, two.len);
	desk_samples(one, &a);
	desk_samples(&two, &b);
	check_slice(buf_slice(&b), buf_cstr(&a));
	cut_done(&two);
	buf_done(&a);
	buf_done(&b);
}

/* A part at a time, of one request each, it is the same. */
static inline void desk_same_in_parts(struct desk *d, const struct cut *whole, size_t max_samples)
{
	struct cut part = {0};
	size_t at = 0;
	do {
		ledger_cut_part(d->l, ledger_pending_first(d->l), REMOTE_WRITE_1, max_samples, 1 << 20, 1, &part);
		assert_true(part.len <= 1);
		for (size_t i = 0; i < part.len; i++, at++) {
			assert_true(at < whole->len);
			check(slice_eq(part.requests[i].body, whole->requests[at].body));
			assert_int_equal(part.requests[i].first, whole->requests[at].first);
			assert_int_equal(part.requests[i].anchors, whole->requests[at].anchors);
			assert_true(part.requests[i].anchors || part.begins == whole->begins);
		}
	} while (part.more);
	assert_int_equal(at, whole->len);
	assert_int_equal(part.begins, whole->begins);
	cut_done(&part);
}

/* The oldest pending step's cut as text, which the caller frees. */
static inline char *desk_cut(struct desk *d, size_t max_samples)
{
	struct cut c;
	struct buf out = {0};
	ledger_cut(d->l, ledger_pending_first(d->l), REMOTE_WRITE_1, max_samples, 1 << 20, &c);
	desk_read_cut(&c, &out);
	desk_same_in_both(d, &c, max_samples);
	desk_same_in_parts(d, &c, max_samples);
	cut_done(&c);
	buf_cstr(&out);
	return out.data;
}

/* The oldest pending step's cut without its metadata, which is the business of one test only. */
static inline void desk_check_cut(struct desk *d, const char *expect)
{
	char *got = desk_cut(d, 10000);
	for (char *meta; (meta = strstr(got, "meta ")) != NULL;)
		memmove(meta, strchr(meta, '\n') + 1, strlen(strchr(meta, '\n')));
	assert_string_equal(got, expect);
	free(got);
}

/* Sends and marks the oldest pending step. */
static inline void desk_mark_first(struct desk *d)
{
	int64_t step = ledger_pending_first(d->l);
	desk_anchored(d, step, ledger_journal_time(d->l));
	assert_int_equal(desk_mark(d, step, false, ledger_journal_time(d->l)), LEDGER_MARKED);
}

static inline void desk_mark_all(struct desk *d)
{
	while (ledger_pending_steps(d->l))
		desk_mark_first(d);
}

#endif
