/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/openmetrics.h"

#include "base/clock.h"
#include "metric/remote_write.h"

#include <math.h>

/* The family's name without what samples add: OpenMetrics names a counter without its _total. */
static struct slice base_name(const struct family *f)
{
	struct slice name = slice_str(f->name);
	if (f->type == METRIC_COUNTER && slice_ends(name, SLICE("_total")))
		name.len -= sizeof("_total") - 1;
	return name;
}

static void add_escaped(struct buf *out, struct slice s)
{
	size_t start = 0;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (c != '\\' && c != '"' && c != '\n')
			continue;
		buf_add(out, s.ptr + start, i - start);
		buf_add_char(out, '\\');
		buf_add_char(out, c == '\n' ? 'n' : c);
		start = i + 1;
	}
	buf_add(out, s.ptr + start, s.len - start);
}

static void line_start(struct openmetrics *o, const char *what)
{
	buf_add_str(o->out, what);
	buf_add_slice(o->out, base_name(o->family));
	buf_add_char(o->out, ' ');
}

void openmetrics_family(struct openmetrics *o, const struct family *family)
{
	static const char *const types[] = {[METRIC_COUNTER] = "counter\n", [METRIC_GAUGE] = "gauge\n", [METRIC_HISTOGRAM] = "histogram\n"};
	o->family = family;
	line_start(o, "# TYPE ");
	buf_add_str(o->out, types[family->type]);
	struct slice name = base_name(family), unit = slice_str(family->unit);
	if (unit.len > 0 && slice_ends(name, unit)) { /* a unit that is not the name's end makes the page invalid */
		line_start(o, "# UNIT ");
		buf_add_slice(o->out, unit);
		buf_add_char(o->out, '\n');
	}
	line_start(o, "# HELP ");
	add_escaped(o->out, slice_str(family->help));
	buf_add_char(o->out, '\n');
}

static void add_label(struct buf *out, struct slice name, struct slice value, bool first)
{
	buf_add_char(out, first ? '{' : ',');
	buf_add_slice(out, name);
	buf_add_str(out, "=\"");
	add_escaped(out, value);
	buf_add_char(out, '"');
}

/* name + suffix + {labels} and a blank; bound, if not empty, is the le label. */
static void sample_start(struct openmetrics *o, const char *suffix, const struct label *labels, size_t len, struct slice bound)
{
	buf_add_str(o->out, o->family->name);
	buf_add_str(o->out, suffix);
	for (size_t i = 0; i < len; i++)
		add_label(o->out, labels[i].name, labels[i].value, i == 0);
	if (bound.len > 0)
		add_label(o->out, SLICE("le"), bound, len == 0);
	buf_add_str(o->out, len > 0 || bound.len > 0 ? "} " : " ");
}

static void add_number(struct buf *out, double value)
{
	if (isnan(value))
		buf_add_str(out, "NaN");
	else if (isinf(value))
		buf_add_str(out, value > 0 ? "+Inf" : "-Inf");
	else
		remote_write_bound_text(out, value);
}

static void sample_end(struct openmetrics *o, const struct exemplar *e)
{
	if (e && e->rank > 0 && e->trace_len + e->span_len > 0) {
		buf_add_str(o->out, " # ");
		if (e->trace_len)
			add_label(o->out, SLICE("trace_id"), slice_of(e->trace_id, e->trace_len), true);
		if (e->span_len)
			add_label(o->out, SLICE("span_id"), slice_of(e->span_id, e->span_len), e->trace_len == 0);
		buf_add_str(o->out, "} ");
		add_number(o->out, e->value);
		buf_printf(o->out, " %lld.%03d", (long long)(e->time_ns / NS_PER_S), (int)(e->time_ns % NS_PER_S / NS_PER_MS));
	}
	buf_add_char(o->out, '\n');
}

void openmetrics_count(struct openmetrics *o, const struct label *labels, size_t len, uint64_t value, const struct exemplar *exemplar)
{
	sample_start(o, "", labels, len, SLICE(""));
	buf_add_u64(o->out, value);
	sample_end(o, o->family->type == METRIC_COUNTER ? exemplar : NULL);
}

void openmetrics_value(struct openmetrics *o, const struct label *labels, size_t len, double value)
{
	sample_start(o, "", labels, len, SLICE(""));
	add_number(o->out, value);
	sample_end(o, NULL);
}

void openmetrics_sum(struct openmetrics *o, const struct label *labels, size_t len, double sum, const struct exemplar *exemplar)
{
	sample_start(o, "", labels, len, SLICE(""));
	add_number(o->out, sum);
	sample_end(o, exemplar);
}

/* The bucket an exemplar's value falls into. */
static size_t bucket_of(const struct family *f, const struct exemplar *e)
{
	size_t bucket = 0;
	while (bucket < f->bounds_len && f->bounds[bucket] < e->value)
		bucket++;
	return bucket;
}

void openmetrics_histogram(struct openmetrics *o, const struct label *labels, size_t len, const uint64_t *buckets, double sum, const struct exemplar *exemplar)
{
	const struct family *f = o->family;
	size_t place = exemplar ? bucket_of(f, exemplar) : SIZE_MAX;
	uint64_t total = 0;
	struct buf bound = {0};
	for (size_t i = 0; i <= f->bounds_len; i++) {
		total += buckets[i];
		buf_reset(&bound);
		remote_write_bound_text(&bound, i < f->bounds_len ? f->bounds[i] : (double)INFINITY);
		sample_start(o, "_bucket", labels, len, buf_slice(&bound));
		buf_add_u64(o->out, total);
		sample_end(o, i == place ? exemplar : NULL);
	}
	sample_start(o, "_sum", labels, len, SLICE(""));
	add_number(o->out, sum);
	sample_end(o, NULL);
	sample_start(o, "_count", labels, len, SLICE(""));
	buf_add_u64(o->out, total);
	sample_end(o, NULL);
	buf_done(&bound);
}

void openmetrics_end(struct openmetrics *o)
{
	buf_add_str(o->out, "# EOF\n");
}
