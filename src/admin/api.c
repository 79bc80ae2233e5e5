/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of /api/v1: status and patterns. */
#include "admin/view.h"
#include "base/clock.h"
#include "base/mem.h"
#include "metric/family.h"

#include <stdlib.h>

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 10000 };

/* As enum severity of the record room numbers them (a number in the journal's format). */
static const char *const severities[] = {"unknown", "trace", "debug", "info", "warn", "error", "fatal"};
enum { SEVERITIES = sizeof(severities) / sizeof(severities[0]) };

/* --- pieces --- */

/* ,"name": or {"name": */
static void key(struct buf *out, const char *name)
{
	if (out->len > 0 && out->data[out->len - 1] != '{')
		buf_add_char(out, ',');
	buf_add_json_string(out, slice_str(name));
	buf_add_char(out, ':');
}

static void add_text(struct buf *out, const char *name, struct slice value)
{
	key(out, name);
	buf_add_json_string(out, value);
}

static void add_number(struct buf *out, const char *name, int64_t value)
{
	key(out, name);
	buf_add_i64(out, value);
}

static void add_bool(struct buf *out, const char *name, bool value)
{
	key(out, name);
	buf_add_str(out, value ? "true" : "false");
}

/* RFC 3339, or null for 0. */
static void add_time(struct buf *out, const char *name, int64_t ns)
{
	key(out, name);
	if (ns == 0) {
		buf_add_str(out, "null");
		return;
	}
	buf_add_char(out, '"');
	clock_format(out, ns);
	buf_add_char(out, '"');
}

static void add_id(struct buf *out, const char *name, uint64_t id)
{
	key(out, name);
	buf_printf(out, "\"%016llx\"", (unsigned long long)id);
}

static void separate(struct buf *out)
{
	if (out->data[out->len - 1] != '[')
		buf_add_char(out, ',');
}

/* --- status --- */

static void add_partitions(const struct view *v, struct buf *out)
{
	struct ledger_partition p;
	key(out, "partitions");
	buf_add_char(out, '[');
	for (size_t i = 0; ledger_partition_at(v->ledger, i, &p); i++) {
		int64_t end = v->opts->end_offset ? v->opts->end_offset(v->opts->app, p.topic, p.partition) : -1;
		separate(out);
		buf_add_char(out, '{');
		add_text(out, "topic", p.topic);
		add_number(out, "partition", p.partition);
		add_number(out, "absorbed", p.absorbed);
		if (end >= 0)
			add_number(out, "lag", end > p.absorbed ? end - p.absorbed : 0);
		add_time(out, "newest", p.newest_ns);
		add_bool(out, "at_end", p.at_end);
		add_number(out, "gaps", p.gaps);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

/* Records consumed and per outcome, over all instances. */
static void add_outcomes(const struct view *v, struct buf *out)
{
	struct ledger_value value;
	uint64_t consumed = 0;
	size_t len = ledger_series_len(v->ledger);
	key(out, "outcomes");
	buf_add_char(out, '{');
	for (size_t i = 0; i < len; i++) {
		if (!ledger_series_at(v->ledger, i, &value))
			continue;
		if (value.family == FAMILY_RECORDS_CONSUMED)
			consumed += value.count;
		if (value.family != FAMILY_RECORDS || value.labels_len != 1)
			continue;
		if (out->data[out->len - 1] != '{')
			buf_add_char(out, ',');
		buf_add_json_string(out, value.labels[0].value);
		buf_add_char(out, ':');
		buf_add_u64(out, value.count);
	}
	buf_add_char(out, '}');
	add_number(out, "consumed", (int64_t)consumed);
}

static void add_ledger(const struct view *v, struct buf *out)
{
	struct ledger_stats stats;
	ledger_stats(v->ledger, &stats);
	add_outcomes(v, out);
	add_partitions(v, out);
	add_number(out, "journal_position", ledger_position(v->ledger));
	add_time(out, "watermark", ledger_watermark(v->ledger));
	add_number(out, "pending_steps", (int64_t)ledger_pending_steps(v->ledger));
	add_number(out, "series", (int64_t)ledger_series_len(v->ledger));
	add_number(out, "patterns", (int64_t)ledger_patterns_len(v->ledger));
	add_number(out, "deltas_posted", (int64_t)stats.posted);
	add_number(out, "deltas_rejected", (int64_t)stats.rejected);
	add_number(out, "late_records", (int64_t)stats.late_records);
	add_number(out, "state_lost", (int64_t)stats.state_lost);
}

/* Everything but the braces. */
static void add_sender(const struct admin_endpoint *e, struct buf *out)
{
	if (e->write_version)
		add_text(out, "version", e->write_version == 2 ? SLICE("2.0") : SLICE("1.0"));
	add_number(out, "partial_writes", (int64_t)e->partial_writes);
	add_number(out, "in_flight", (int64_t)e->in_flight);
	add_number(out, "steps_sent", (int64_t)e->steps_sent);
	add_number(out, "samples_sent", (int64_t)e->samples_sent);
	add_number(out, "bytes_sent", (int64_t)e->bytes_sent);
	add_time(out, "failing_since", e->failing_since_ns);
	add_number(out, "suspects", (int64_t)e->suspects);
	add_number(out, "set_aside", (int64_t)e->aside);
	key(out, "aside");
	buf_add_char(out, '[');
	for (size_t i = 0; i < e->aside_len; i++) {
		separate(out);
		buf_add_char(out, '{');
		add_text(out, "series", slice_str(e->asides[i].name));
		add_text(out, "reason", slice_str(e->asides[i].reason));
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

static void add_endpoint(const struct admin_endpoint *e, struct buf *out)
{
	separate(out);
	buf_add_char(out, '{');
	add_text(out, "name", slice_str(e->name));
	add_text(out, "url", slice_str(e->url));
	add_text(out, "state", e->failing_since_ns ? SLICE("failing") : SLICE("ok"));
	add_number(out, "pending_steps", (int64_t)e->pending_steps);
	add_number(out, "pending_bytes", (int64_t)e->pending_bytes);
	add_time(out, "waiting_since", e->waiting_since_ns);
	add_number(out, "folded_steps", (int64_t)e->folded_steps);
	add_sender(e, out);
	add_text(out, "last_error", slice_str(e->last_error));
	add_time(out, "last_error_time", e->last_error_ns);
	buf_add_char(out, '}');
}

/* The first as it was when there was but one, then all of them. */
static void add_remote_write(const struct admin_status *s, struct buf *out)
{
	key(out, "remote_write");
	buf_add_char(out, '{');
	add_sender(&s->endpoints[0], out);
	buf_add_char(out, '}');
	key(out, "endpoints");
	buf_add_char(out, '[');
	for (size_t i = 0; i < s->endpoints_len; i++)
		add_endpoint(&s->endpoints[i], out);
	buf_add_char(out, ']');
}

static void add_incidents(const struct admin_status *s, struct buf *out)
{
	key(out, "incidents");
	buf_add_char(out, '[');
	for (size_t i = 0; i < s->incidents_len; i++) {
		separate(out);
		buf_add_char(out, '{');
		add_text(out, "service", slice_str(s->incidents[i].service));
		add_text(out, "level", slice_str(s->incidents[i].level));
		add_time(out, "from", s->incidents[i].from_ns);
		add_time(out, "until", s->incidents[i].until_ns);
		add_text(out, "by", slice_str(s->incidents[i].by));
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

static void add_otlp(const struct admin_status *s, struct buf *out)
{
	if (!s->otlp.on)
		return;
	key(out, "otlp");
	buf_add_char(out, '{');
	add_number(out, "spans_sent", (int64_t)s->otlp.sent);
	add_number(out, "spans_refused", (int64_t)s->otlp.refused);
	add_number(out, "spans_overflow", (int64_t)s->otlp.overflow);
	add_number(out, "spans_expired", (int64_t)s->otlp.expired);
	add_number(out, "spans_queued", (int64_t)s->otlp.queued);
	add_text(out, "last_error", slice_str(s->otlp.last_error));
	buf_add_char(out, '}');
}

void view_status(const struct view *v, struct buf *out)
{
	const struct admin_status *s = v->status;
	buf_add_char(out, '{');
	add_text(out, "version", slice_str(v->opts->version));
	add_time(out, "started", v->started_ns);
	add_bool(out, "ready", s->not_ready[0] == 0);
	if (s->not_ready[0])
		add_text(out, "not_ready", slice_str(s->not_ready));
	add_text(out, "role", s->leader ? SLICE("leader") : SLICE("standby"));
	if (v->ledger)
		add_ledger(v, out);
	add_incidents(s, out);
	add_remote_write(s, out);
	add_otlp(s, out);
	add_text(out, "last_error", slice_str(s->last_error));
	add_time(out, "last_error_time", s->last_error_ns);
	buf_add_str(out, "}\n");
}

/* --- patterns --- */

static void add_severities(const struct ledger_pattern *p, struct buf *out)
{
	key(out, "severities");
	buf_add_char(out, '{');
	for (size_t i = 0; i < SEVERITIES; i++)
		if (p->by_severity[i])
			add_number(out, severities[i], (int64_t)p->by_severity[i]);
	buf_add_char(out, '}');
}

static void add_example(const struct delta_example *e, struct buf *out)
{
	if (!e) {
		buf_add_str(out, "null");
		return;
	}
	buf_add_char(out, '{');
	add_time(out, "time", e->time_ns);
	add_text(out, "severity", slice_str(severities[e->severity < SEVERITIES ? e->severity : 0]));
	add_text(out, "text", e->text);
	add_text(out, "trace_id", e->trace_id);
	add_text(out, "span_id", e->span_id);
	add_text(out, "topic", e->topic);
	add_number(out, "partition", e->partition);
	add_number(out, "offset", e->offset);
	buf_add_char(out, '}');
}

/* Records per second between the first and the last step it was seen in. */
static double rate_of(const struct ledger_pattern *p)
{
	double seconds = (double)(p->last_seen_ns - p->first_seen_ns) / (double)NS_PER_S;
	return (double)p->count / (seconds > 1 ? seconds : 1);
}

/* Everything but the closing brace. */
static void add_pattern(const struct ledger_pattern *p, struct buf *out)
{
	buf_add_char(out, '{');
	add_id(out, "id", p->id);
	add_text(out, "service_name", p->service);
	add_text(out, "template", p->template_text);
	add_text(out, "origin", slice_str(pattern_origin_name(p->origin)));
	if (p->rule.len > 0)
		add_text(out, "rule", p->rule);
	add_number(out, "count", (int64_t)p->count);
	key(out, "rate");
	buf_printf(out, "%.6g", rate_of(p));
	add_severities(p, out);
	add_time(out, "first_seen", p->first_seen_ns);
	add_time(out, "last_seen", p->last_seen_ns);
	key(out, "example");
	add_example(p->example, out);
}

struct wanted {
	struct slice service, text;
	int severity;        /* -1: any */
	int origin;          /* -1: any */
	int64_t since_ns;    /* last seen at or after */
	size_t limit;
	int (*order)(const void *, const void *);
};

static bool contains_nocase(struct slice s, struct slice part)
{
	for (size_t i = 0; i + part.len <= s.len; i++)
		if (slice_eq_nocase(slice_sub(s, i, part.len), part))
			return true;
	return false;
}

static bool is_wanted(const struct wanted *w, const struct ledger_pattern *p)
{
	return p->alias_id == 0 && (w->service.len == 0 || slice_eq(p->service, w->service)) && (w->severity < 0 || p->by_severity[w->severity] > 0)
		&& (w->origin < 0 || (int)p->origin == w->origin) && p->last_seen_ns >= w->since_ns
		&& (w->text.len == 0 || contains_nocase(p->template_text, w->text) || contains_nocase(p->rule, w->text) || (p->example && contains_nocase(p->example->text, w->text)));
}

static int compare(double a, double b, uint64_t id_a, uint64_t id_b)
{
	if (a != b)
		return a < b ? 1 : -1;
	return id_a < id_b ? -1 : id_a > id_b;
}

static int by_count(const void *a, const void *b)
{
	const struct ledger_pattern *p = a, *q = b;
	return compare((double)p->count, (double)q->count, p->id, q->id);
}

static int by_rate(const void *a, const void *b)
{
	const struct ledger_pattern *p = a, *q = b;
	return compare(rate_of(p), rate_of(q), p->id, q->id);
}

static int by_birth(const void *a, const void *b)
{
	const struct ledger_pattern *p = a, *q = b;
	return compare((double)p->first_seen_ns, (double)q->first_seen_ns, p->id, q->id);
}

static const struct {
	const char *name;
	int (*order)(const void *, const void *);
} orders[] = {{"count", by_count}, {"rate", by_rate}, {"new", by_birth}};

/* "15m" before now, or seconds since 1970. */
static bool read_since(struct slice text, int64_t now_ns, int64_t *ret_ns)
{
	int64_t value;
	if (slice_to_i64(text, &value) && value >= 0 && value < INT64_MAX / NS_PER_S)
		*ret_ns = value * NS_PER_S;
	else if (clock_parse_duration(text, &value))
		*ret_ns = now_ns - value;
	else
		return false;
	return true;
}

static int index_of(struct slice name, const char *(*name_at)(size_t), size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (slice_eq(name, slice_str(name_at(i))))
			return (int)i;
	return -1;
}

static const char *severity_at(size_t i)
{
	return severities[i];
}

static const char *origin_at(size_t i)
{
	return pattern_origin_name((enum pattern_origin)i);
}

static const char *order_at(size_t i)
{
	return orders[i].name;
}

/* A parameter that is one of some names; *ret stays if it is not given. */
static int read_name(struct slice text, const char *what, const char *(*name_at)(size_t), size_t len, int *ret, struct err *err)
{
	if (text.len == 0)
		return 0;
	*ret = index_of(text, name_at, len);
	if (*ret >= 0)
		return 0;
	struct buf names = {0};
	for (size_t i = 0; i < len; i++)
		buf_printf(&names, "%s%s", i ? ", " : "", name_at(i));
	int code = err_set(err, ERR_INPUT, "%s is none of %s", what, buf_cstr(&names));
	buf_done(&names);
	return code;
}

static int read_wanted(const struct view *v, view_param_fn *param, void *request, struct wanted *w, struct err *err)
{
	struct slice limit = param(request, "limit"), since = param(request, "since");
	int64_t number = LIMIT_DEFAULT;
	int order = 0;
	*w = (struct wanted){.service = param(request, "service"), .text = param(request, "q"), .severity = -1, .origin = -1};
	if (read_name(param(request, "severity"), "severity", severity_at, SEVERITIES, &w->severity, err) < 0
		|| read_name(param(request, "origin"), "origin", origin_at, ORIGIN_COUNT, &w->origin, err) < 0
		|| read_name(param(request, "sort"), "sort", order_at, sizeof(orders) / sizeof(orders[0]), &order, err) < 0)
		return ERR_INPUT;
	if (limit.len > 0 && (!slice_to_i64(limit, &number) || number < 1 || number > LIMIT_MAX))
		return err_set(err, ERR_INPUT, "limit is not a number from 1 to %d", LIMIT_MAX);
	if (since.len > 0 && !read_since(since, v->now_ns, &w->since_ns))
		return err_set(err, ERR_INPUT, "since is neither a duration such as 15m nor seconds since 1970");
	w->limit = (size_t)number;
	w->order = orders[order].order;
	return 0;
}

int view_patterns(const struct view *v, view_param_fn *param, void *request, struct buf *out, struct err *err)
{
	struct wanted wanted;
	int status = read_wanted(v, param, request, &wanted, err);
	if (status < 0)
		return status;
	size_t all = v->ledger ? ledger_patterns_len(v->ledger) : 0, len = 0;
	struct ledger_pattern *found = mem_zalloc(all + 1, sizeof(*found));
	for (size_t i = 0; i < all; i++) {
		ledger_pattern_at(v->ledger, i, &found[len]);
		len += is_wanted(&wanted, &found[len]);
	}
	qsort(found, len, sizeof(*found), wanted.order);
	buf_add_char(out, '{');
	add_number(out, "total", (int64_t)len);
	key(out, "patterns");
	buf_add_char(out, '[');
	for (size_t i = 0; i < len && i < wanted.limit; i++) {
		separate(out);
		add_pattern(&found[i], out);
		buf_add_char(out, '}');
	}
	buf_add_str(out, "]}\n");
	free(found);
	return 0;
}

/* Those of an incident, newest first. */
static void add_further(const struct ledger *l, uint64_t id, struct buf *out)
{
	const struct delta_example *further[LEDGER_FURTHER_MAX];
	key(out, "examples");
	buf_add_char(out, '[');
	size_t len = ledger_further(l, id, further);
	for (size_t i = 0; i < len; i++) {
		separate(out);
		add_example(further[i], out);
	}
	buf_add_char(out, ']');
}

bool view_pattern(const struct view *v, uint64_t id, struct buf *out)
{
	struct ledger_pattern p, other;
	if (!v->ledger || !ledger_pattern_find(v->ledger, id, &p))
		return false;
	add_pattern(&p, out);
	if (p.alias_id)
		add_id(out, "alias_of", p.alias_id);
	key(out, "aliases");
	buf_add_char(out, '[');
	for (size_t i = 0; i < ledger_patterns_len(v->ledger); i++) {
		ledger_pattern_at(v->ledger, i, &other);
		if (other.alias_id != id || other.id == id)
			continue;
		separate(out);
		buf_printf(out, "\"%016llx\"", (unsigned long long)other.id);
	}
	buf_add_char(out, ']');
	add_further(v->ledger, id, out);
	buf_add_str(out, "}\n");
	return true;
}
