/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both encoders of remote write against a decoder of the fuzz targets' own (proto.h): whatever series are made of the input, every request decodes to what was put
 * in: labels, values to the bit, times, exemplars, histograms, metadata, in order.
 *
 * The input describes series: family, labels, times, values, an exemplar, observations of a native histogram. They are encoded by 1.0 and 2.0, all of a series at
 * once, and sample by sample as well. What is expected is written down here by the specification's words, not by the encoders' code.
 */
#include "base/clock.h"
#include "metric/native.h"
#include "metric/remote_write.h"
#include "metric/write2.h"
#include "proto.h"

#include <math.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SERIES_MAX = 24, VALUES = BOUNDS_MAX + 3, TEXTS = SERIES_MAX * LABELS_MAX * 300 };

/* --- what is put in --- */

struct input {
	const uint8_t *at, *end;
	char texts[TEXTS];
	size_t texts_len;
};

static uint64_t take(struct input *in, unsigned bytes)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < bytes && in->at < in->end; i++)
		v = v << 8 | *in->at++;
	return v;
}

static struct slice take_text(struct input *in, size_t max)
{
	size_t len = 1 + take(in, 1) % max;
	assert(in->texts_len + len <= TEXTS);
	char *at = in->texts + in->texts_len;
	for (size_t i = 0; i < len; i++)
		at[i] = (char)take(in, 1);
	in->texts_len += len;
	return slice_of(at, len);
}

struct made {
	const struct family *family;
	struct label labels[LABELS_MAX]; /* sorted by name, each name once */
	size_t labels_len;
	struct family_pairs names;
	struct pair *pairs[LABELS_MAX];
	struct points points;
	double values[VALUES];
	struct exemplar exemplar;
	struct native native;
	bool has_native, stale;
	bool plain; /* none of its labels is __name__ or le */
};

static struct slice take_name(struct input *in)
{
	static const char *const names[] = {"A", "Z_upper", "__name__", "_x", "a", "job", "le", "lea", "service_name", "span_name", "zone", "\xc3\xa9t\xc3\xa9"};
	uint64_t which = take(in, 1);
	return which < 200 ? slice_str(names[which % (sizeof(names) / sizeof(names[0]))]) : take_text(in, 40);
}

static void take_labels(struct input *in, struct made *m)
{
	m->plain = true;
	for (uint64_t n = take(in, 1) % (LABELS_MAX + 1); n > 0; n--) {
		struct label label = {.name = take_name(in), .value = take(in, 1) % 8 ? take_text(in, 24) : take_text(in, 256)};
		size_t at = m->labels_len;
		bool twice = false;
		for (size_t i = 0; i < m->labels_len; i++)
			twice |= slice_eq(m->labels[i].name, label.name);
		if (twice)
			continue;
		for (; at > 0 && slice_cmp(m->labels[at - 1].name, label.name) > 0; at--)
			m->labels[at] = m->labels[at - 1];
		m->labels[at] = label;
		m->labels_len++;
		m->plain &= !slice_eq(label.name, SLICE("__name__")) && !slice_eq(label.name, SLICE("le"));
	}
}

static void take_exemplar(struct input *in, struct made *m)
{
	struct exemplar *e = &m->exemplar;
	e->rank = (uint8_t)(take(in, 1) % 4);
	e->time_ns = (int64_t)take(in, 8);
	uint64_t bits = take(in, 8);
	memcpy(&e->value, &bits, sizeof(bits));
	e->trace_len = (uint8_t)(take(in, 1) % (EXEMPLAR_TRACE_MAX + 1));
	e->span_len = (uint8_t)(take(in, 1) % (EXEMPLAR_SPAN_MAX + 1));
	for (size_t i = 0; i < e->trace_len; i++)
		e->trace_id[i] = (char)take(in, 1);
	for (size_t i = 0; i < e->span_len; i++)
		e->span_id[i] = (char)take(in, 1);
}

static void take_native(struct input *in, struct made *m)
{
	m->has_native = m->family->type == METRIC_HISTOGRAM && take(in, 1) % 2;
	m->stale = m->has_native && take(in, 1) % 8 == 0;
	for (uint64_t n = take(in, 1); m->has_native && n > 0; n--) {
		uint64_t bits = take(in, 8);
		double value = n % 2 ? (double)bits / 1e9 : proto_double(bits);
		if (isfinite(value))
			native_observe(&m->native, value, 1 + take(in, 1));
	}
	native_limit(&m->native);
}

static void make_names(struct label_pairs *table, const struct family *f, struct family_pairs *p)
{
	static const char *const suffixes[] = {"_bucket", "_sum", "_count", ""};
	char text[256];
	for (size_t i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "%s%s", f->name, f->type == METRIC_HISTOGRAM ? suffixes[i] : "");
		p->name[i] = pair_get(table, SLICE("__name__"), slice_str(text));
	}
	for (size_t i = 0; i <= f->bounds_len; i++) {
		if (i < f->bounds_len)
			snprintf(text, sizeof(text), "%.17g", f->bounds[i]);
		p->le[i] = pair_get(table, SLICE("le"), i < f->bounds_len ? slice_str(text) : SLICE("+Inf"));
	}
}

static size_t values_len(const struct family *f)
{
	return f->type == METRIC_HISTOGRAM ? f->bounds_len + 3 : 1;
}

static void make(struct input *in, struct label_pairs *table, struct made *m)
{
	*m = (struct made){0};
	m->native.schema = NATIVE_SCHEMA;
	m->family = family_get((enum family_id)(take(in, 1) % FAMILY_COUNT));
	take_labels(in, m);
	make_names(table, m->family, &m->names);
	for (size_t i = 0; i < m->labels_len; i++)
		m->pairs[i] = pair_get(table, m->labels[i].name, m->labels[i].value);
	for (size_t i = 0; i < values_len(m->family); i++) {
		uint64_t bits = take(in, 1) % 4 ? take(in, 3) << 40 : take(in, 8);
		memcpy(&m->values[i], &bits, sizeof(bits));
	}
	take_exemplar(in, m);
	take_native(in, m);
	m->points = (struct points){.family = m->family, .names = &m->names, .labels = m->pairs, .order = pair_sort(m->pairs, m->labels_len), .at_ms = (int64_t)take(in, 8), .begun_ms = take(in, 1) % 2 ? (int64_t)take(in, 8) : 0,
		.values = m->values, .marked = take(in, 1) % (m->family->bounds_len + 1), .exemplar = take(in, 1) % 2 ? &m->exemplar : NULL};
}

static void unmake(struct label_pairs *table, struct made *m)
{
	for (size_t i = 0; i < m->labels_len; i++)
		pair_drop(table, m->pairs[i]);
	for (size_t i = 0; i < 4; i++)
		pair_drop(table, m->names.name[i]);
	for (size_t i = 0; i <= m->family->bounds_len; i++)
		pair_drop(table, m->names.le[i]);
	native_done(&m->native);
}

/* --- what must come out --- */

/* The symbols of a 2.0 request; of 1.0 there are none. */
struct symbols {
	struct proto *at;
	size_t len;
};

struct expected {
	const struct made *of;
	size_t value; /* index; SIZE_MAX: the native histogram */
	bool starts;  /* 2.0: says when it began */
};

static struct proto symbol(const struct symbols *s, uint64_t ref)
{
	assert(ref < s->len);
	return s->at[ref];
}

static bool is_bucket(const struct expected *x)
{
	return x->of->family->type == METRIC_HISTOGRAM && x->value <= x->of->family->bounds_len;
}

/* Labels of the series' own that are left out, as those names are the encoder's. */
static bool is_left_out(const struct label *label)
{
	return slice_eq(label->name, SLICE("__name__")) || slice_eq(label->name, SLICE("le"));
}

static void check_name(const struct expected *x, const struct proto *value)
{
	static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
	const struct family *f = x->of->family;
	char text[256];
	const char *suffix = f->type != METRIC_HISTOGRAM || x->value == SIZE_MAX ? "" : suffixes[is_bucket(x) ? 0 : x->value - f->bounds_len];
	snprintf(text, sizeof(text), "%s%s", f->name, suffix);
	assert(proto_is(value, text, strlen(text)));
}

static void check_bound(const struct expected *x, const struct proto *value)
{
	const struct family *f = x->of->family;
	char text[64];
	size_t len = (size_t)(value->end - value->at);
	assert(is_bucket(x) && len > 0 && len < sizeof(text));
	memcpy(text, value->at, len);
	text[len] = 0;
	assert(x->value == f->bounds_len ? strcmp(text, "+Inf") == 0 : strtod(text, NULL) == f->bounds[x->value]);
}

/* A label that must be there, in its place; *next: the series' own that is to come. */
static void check_label(const struct expected *x, size_t *next, bool *named, bool *bounded, const struct proto *name, const struct proto *value)
{
	const struct made *m = x->of;
	if (proto_is(name, "__name__", 8)) {
		assert(!*named);
		*named = true;
		check_name(x, value);
		return;
	}
	if (proto_is(name, "le", 2)) {
		assert(!*bounded);
		*bounded = true;
		check_bound(x, value);
		return;
	}
	while (*next < m->labels_len && is_left_out(&m->labels[*next]))
		++*next;
	assert(*next < m->labels_len);
	const struct label *want = &m->labels[(*next)++];
	assert(proto_is(name, want->name.ptr, want->name.len) && proto_is(value, want->value.ptr, want->value.len));
}

static bool rises(const struct proto *before, const struct proto *name)
{
	size_t a = (size_t)(before->end - before->at), b = (size_t)(name->end - name->at);
	int order = memcmp(before->at, name->at, a < b ? a : b);
	return order < 0 || (order == 0 && a < b);
}

/* Label messages of 1.0 and references of 2.0 alike: names rise, none is missing, none too many. */
struct labels_read {
	size_t next;
	bool named, bounded;
	struct proto before;
};

static void read_label(const struct expected *x, struct labels_read *r, struct proto name, struct proto value)
{
	assert(!r->before.at || rises(&r->before, &name));
	r->before = name;
	check_label(x, &r->next, &r->named, &r->bounded, &name, &value);
}

static void end_labels(const struct expected *x, struct labels_read *r)
{
	const struct made *m = x->of;
	while (r->next < m->labels_len && is_left_out(&m->labels[r->next]))
		r->next++;
	assert(r->next == m->labels_len && r->named);
	assert(r->bounded == is_bucket(x));
}

static void read_pair(struct proto message, struct proto *name, struct proto *value)
{
	struct proto_field f;
	*name = *value = proto_of("", 0);
	while (proto_next(&message, &f)) {
		assert(f.kind == 2 && (f.number == 1 || f.number == 2));
		*(f.number == 1 ? name : value) = f.inside;
	}
}

static void check_exemplar_label(const struct exemplar *e, const struct proto *name, const struct proto *value, unsigned *seen)
{
	bool trace = proto_is(name, "trace_id", 8);
	assert(trace || proto_is(name, "span_id", 7));
	assert(trace ? proto_is(value, e->trace_id, e->trace_len) : proto_is(value, e->span_id, e->span_len));
	*seen |= trace ? 1 : 2;
}

static void check_exemplar(const struct expected *x, struct proto message, const struct symbols *symbols)
{
	const struct exemplar *e = x->of->points.exemplar;
	struct proto_field f;
	unsigned seen = 0;
	assert(e);
	uint64_t value = 0, time = 0, want;
	while (proto_next(&message, &f)) {
		struct proto name, text;
		if (f.number == 1 && symbols) {
			while (f.inside.at < f.inside.end) {
				name = symbol(symbols, proto_varint(&f.inside));
				text = symbol(symbols, proto_varint(&f.inside));
				check_exemplar_label(e, &name, &text, &seen);
			}
		} else if (f.number == 1) {
			read_pair(f.inside, &name, &text);
			check_exemplar_label(e, &name, &text, &seen);
		} else {
			assert((f.number == 2 && f.kind == 1) || (f.number == 3 && f.kind == 0));
			*(f.number == 2 ? &value : &time) = f.value;
		}
	}
	memcpy(&want, &e->value, sizeof(want));
	assert(value == want && (int64_t)time == e->time_ns / NS_PER_MS);
	assert(seen == ((e->trace_len ? 1u : 0) | (e->span_len ? 2u : 0)));
}

static bool is_text(const char *s, size_t len)
{
	return slice_is_utf8(slice_of(s, len));
}

/* By the rules for exemplars: a rank, a finite value, ids that are text. */
static bool has_exemplar(const struct expected *x)
{
	const struct points *p = &x->of->points;
	const struct exemplar *e = p->exemplar;
	if (!e || e->rank == 0 || !isfinite(e->value) || e->trace_len + e->span_len == 0 || !is_text(e->trace_id, e->trace_len) || !is_text(e->span_id, e->span_len))
		return false;
	return x->value == SIZE_MAX || p->family->type != METRIC_HISTOGRAM || x->value == p->marked;
}

static void check_sample(const struct expected *x, struct proto message)
{
	struct proto_field f;
	uint64_t read[4] = {0}, want;
	while (proto_next(&message, &f)) {
		assert(f.number >= 1 && f.number <= 3 && f.kind == (f.number == 1 ? 1 : 0));
		read[f.number] = f.value;
	}
	assert(x->value != SIZE_MAX);
	memcpy(&want, &x->of->values[x->value], sizeof(want));
	assert(read[1] == want && (int64_t)read[2] == x->of->points.at_ms && (int64_t)read[3] == (x->starts ? x->of->points.begun_ms : 0));
}

struct buckets_read {
	int64_t index[2 * NATIVE_BUCKETS], spans;
	size_t len, counts;
	int64_t count;
};

static void read_span(struct buckets_read *b, struct proto message)
{
	struct proto_field f;
	int64_t offset = 0;
	uint64_t len = 0;
	while (proto_next(&message, &f)) {
		assert(f.kind == 0 && (f.number == 1 || f.number == 2));
		if (f.number == 1)
			offset = proto_zigzag(f.value);
		else
			len = f.value;
	}
	b->spans += offset;
	for (; len > 0; len--) {
		assert(b->len < 2 * NATIVE_BUCKETS);
		b->index[b->len++] = b->spans++;
	}
}

/* The count of an index in the histogram that was put in. */
static uint64_t count_at(const struct native *h, int64_t index)
{
	int64_t at = index - h->first;
	return at >= 0 && at < (int64_t)h->len ? h->counts[at] : 0;
}

static void read_deltas(const struct native *h, struct buckets_read *b, struct proto packed, uint64_t *total)
{
	while (packed.at < packed.end) {
		b->count += proto_zigzag(proto_varint(&packed));
		assert(b->counts < b->len && b->count >= 0 && (uint64_t)b->count == count_at(h, b->index[b->counts]));
		*total += (uint64_t)b->count;
		b->counts++;
	}
}

static void check_native(const struct expected *x, struct proto message)
{
	const struct native *h = &x->of->native;
	struct buckets_read b = {0};
	struct proto_field f;
	uint64_t n[18] = {0}, total = 0, sum;
	while (proto_next(&message, &f)) {
		assert(f.number < 18);
		if (f.number == 11)
			read_span(&b, f.inside);
		else if (f.number == 12)
			read_deltas(h, &b, f.inside, &total);
		else
			n[f.number] = f.value;
	}
	assert((int64_t)n[15] == x->of->points.at_ms);
	if (x->of->stale) {
		assert(n[3] == REMOTE_WRITE_STALE_BITS && n[1] == 0 && b.len == 0);
		return;
	}
	memcpy(&sum, &h->sum, sizeof(sum));
	assert(n[1] == h->count && n[6] == h->zero && b.counts == b.len && total + h->zero == h->count);
	assert(n[3] == sum || (n[3] == 0 && h->sum == 0));
	assert(h->count == 0 || proto_zigzag(n[4]) == h->schema);
	assert(proto_double(n[5]) == NATIVE_ZERO && (int64_t)n[17] == (x->starts ? x->of->points.begun_ms : 0));
}

static void check_metadata(const struct expected *x, struct proto message, const struct symbols *symbols)
{
	assert(symbols);
	static const uint64_t types[] = {[METRIC_COUNTER] = 1, [METRIC_GAUGE] = 2, [METRIC_HISTOGRAM] = 3};
	const struct family *family = x->of->family;
	struct proto_field f;
	uint64_t read[5] = {0};
	while (proto_next(&message, &f)) {
		assert(f.kind == 0 && f.number <= 4);
		read[f.number] = f.value;
	}
	struct proto help = symbol(symbols, read[3]), unit = symbol(symbols, read[4]);
	assert(read[1] == types[family->type] && proto_is(&help, family->help, strlen(family->help)) && proto_is(&unit, family->unit, strlen(family->unit)));
}

static void read_labels(const struct expected *x, struct labels_read *labels, struct proto message, const struct symbols *symbols)
{
	struct proto name, value;
	if (!symbols) {
		read_pair(message, &name, &value);
		read_label(x, labels, name, value);
		return;
	}
	while (message.at < message.end) {
		name = symbol(symbols, proto_varint(&message));
		value = symbol(symbols, proto_varint(&message));
		read_label(x, labels, name, value);
	}
}

/* One TimeSeries of either version. */
static void check_series(const struct expected *x, struct proto message, const struct symbols *symbols)
{
	enum { LABELS = 1, SAMPLES = 2, METADATA = 5 };
	const uint32_t histograms = symbols ? 3 : 4, exemplars = symbols ? 4 : 3;
	struct labels_read labels = {0};
	struct proto_field f;
	unsigned seen[METADATA + 1] = {0};
	while (proto_next(&message, &f)) {
		assert(f.kind == 2 && f.number <= METADATA);
		seen[f.number]++;
		if (f.number == LABELS)
			read_labels(x, &labels, f.inside, symbols);
		else if (f.number == SAMPLES)
			check_sample(x, f.inside);
		else if (f.number == histograms)
			check_native(x, f.inside);
		else if (f.number == exemplars)
			check_exemplar(x, f.inside, symbols);
		else
			check_metadata(x, f.inside, symbols);
	}
	end_labels(x, &labels);
	assert(seen[SAMPLES] == (x->value != SIZE_MAX) && seen[histograms] == (x->value == SIZE_MAX));
	assert(seen[exemplars] == has_exemplar(x) && seen[METADATA] == (symbols ? 1 : 0));
}

/* --- requests --- */

struct request {
	struct expected at[SERIES_MAX * (VALUES + 1)];
	size_t len;
};

static void expect(struct request *r, const struct made *m, size_t value, bool starts)
{
	r->at[r->len++] = (struct expected){.of = m, .value = value, .starts = starts};
}

static void expect_all(struct request *r, const struct made *m, bool starts)
{
	for (size_t i = 0; i < values_len(m->family); i++)
		expect(r, m, i, starts);
}

static void check_1(const struct buf *body, const struct request *r, const struct made *described, size_t described_len)
{
	static const uint64_t types[] = {[METRIC_COUNTER] = 1, [METRIC_GAUGE] = 2, [METRIC_HISTOGRAM] = 3};
	struct proto all = proto_of(body->data, body->len);
	struct proto_field f, g;
	size_t n = 0, metadata = 0;
	while (proto_next(&all, &f)) {
		assert(f.kind == 2);
		if (f.number == 1) {
			assert(n < r->len);
			check_series(&r->at[n++], f.inside, NULL);
			continue;
		}
		assert(f.number == 3 && metadata < described_len);
		const struct family *family = described[metadata++].family;
		while (proto_next(&f.inside, &g)) {
			const char *text = g.number == 2 ? family->name : g.number == 4 ? family->help : family->unit;
			assert(g.number == 1 ? g.value == types[family->type] : proto_is(&g.inside, text, strlen(text)));
		}
	}
	assert(n == r->len && metadata == described_len);
}

static void check_2(struct slice body, const struct request *r)
{
	struct proto all = proto_of(body.ptr, body.len);
	struct proto_field f;
	struct symbols symbols = {0};
	size_t n = 0;
	for (struct proto count = all; proto_next(&count, &f);)
		symbols.len += f.number == 4;
	symbols.at = calloc(symbols.len + 1, sizeof(*symbols.at));
	if (!symbols.at)
		abort();
	symbols.len = 0;
	while (proto_next(&all, &f)) {
		assert(f.kind == 2 && (f.number == 4 || f.number == 5));
		if (f.number == 4) {
			for (size_t i = 0; i < symbols.len && symbols.len < 64; i++) /* each text once */
				assert(!proto_is(&f.inside, (const char *)symbols.at[i].at, (size_t)(symbols.at[i].end - symbols.at[i].at)));
			symbols.at[symbols.len++] = f.inside;
			continue;
		}
		assert(n < r->len);
		check_series(&r->at[n++], f.inside, &symbols);
	}
	assert(n == r->len && symbols.len > 0 && symbols.at[0].at == symbols.at[0].end);
	free(symbols.at);
}

static void encode_native(const struct made *m, bool starts, struct buf *out)
{
	if (m->stale)
		native_encode_stale(out, m->points.at_ms);
	else
		native_encode(out, &m->native, m->points.at_ms, starts ? m->points.begun_ms : 0);
}

/* All of a series at once; in_place: the request of 2.0 at the end of a buffer that holds another. */
static void by_series(const struct made *made, size_t len, struct write2 *w, bool in_place)
{
	static struct request one, two;
	struct buf body = {0}, second = {0}, message = {0};
	one.len = two.len = 0;
	if (in_place) {
		buf_add_str(&second, "another request");
		write2_begin_in(w, &second);
	} else {
		write2_begin(w);
	}
	for (size_t i = 0; i < len; i++) {
		const struct made *m = &made[i];
		remote_write_series(&body, &m->points);
		write2_series(w, &m->points);
		expect_all(&one, m, false);
		expect_all(&two, m, true);
		if (!m->has_native)
			continue;
		buf_reset(&message);
		encode_native(m, false, &message);
		remote_write_native(&body, &m->points, buf_slice(&message));
		buf_reset(&message);
		encode_native(m, true, &message);
		write2_native(w, &m->points, buf_slice(&message));
		expect(&one, m, SIZE_MAX, false);
		expect(&two, m, SIZE_MAX, true);
	}
	for (size_t i = 0; i < len; i++)
		remote_write_add_metadata(&body, made[i].family);
	size_t begin = 0;
	if (in_place)
		begin = write2_finish_in(w);
	else
		write2_finish(w, &second);
	check_1(&body, &one, made, len);
	check_2(slice_sub(buf_slice(&second), begin, second.len), &two);
	buf_done(&body);
	buf_done(&second);
	buf_done(&message);
}

/* Sample by sample, as the first values of series go. */
static void by_sample(const struct made *made, size_t len, struct write2 *w)
{
	static struct request one, two;
	struct buf body = {0}, second = {0}, block = {0};
	one.len = two.len = 0;
	write2_begin(w);
	for (size_t i = 0; i < len; i++) {
		const struct made *m = &made[i];
		if (!m->plain || m->family->type == METRIC_HISTOGRAM)
			continue;
		buf_reset(&block);
		remote_write_label_block(&block, slice_str(m->family->name), m->labels, m->labels_len, NULL);
		remote_write_add(&body, buf_slice(&block), m->values[0], m->points.at_ms, m->points.exemplar);
		struct write2_label name = {.label = {.name = SLICE("__name__"), .value = slice_str(m->family->name)}};
		write2_labels(w, m->family, m->labels, m->labels_len);
		write2_point(w, &name, NULL, m->values[0], m->points.at_ms, m->points.begun_ms, m->points.exemplar);
		expect(&one, m, 0, false);
		expect(&two, m, 0, true);
	}
	write2_finish(w, &second);
	check_1(&body, &one, made, 0);
	check_2(buf_slice(&second), &two);
	buf_done(&body);
	buf_done(&second);
	buf_done(&block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct input in;
	static struct made made[SERIES_MAX];
	struct label_pairs table = {0};
	struct write2 *w = write2_new();
	in.at = data;
	in.end = data + size;
	in.texts_len = 0;
	size_t len = 1 + take(&in, 1) % SERIES_MAX;
	for (size_t i = 0; i < len; i++)
		make(&in, &table, &made[i]);
	write2_share(w, &table);
	by_series(made, len, w, false);
	by_sample(made, len, w);
	by_series(made, len, w, true); /* what the writer and the pairs remember is of another request */
	for (size_t i = 0; i < len; i++)
		unmake(&table, &made[i]);
	label_pairs_done(&table);
	write2_free(w);
	return 0;
}
