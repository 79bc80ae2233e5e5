/* SPDX-License-Identifier: Apache-2.0 */
#include "slo/rules.h"
#include "slo/period.h"
#include "slo/query.h"

enum { MAX_WINDOWS = 16 };

static const int64_t thirty_days = 30 * PERIOD_DAY;

static const struct {
	struct decimal rate;
	int64_t long_ns, short_ns;
	bool page;
	const char *spends;
} burn_table[SLO_BURNS] = {
	{{144, 1}, PERIOD_HOUR, 5 * PERIOD_MINUTE, true, "2%"},
	{{6, 0}, 6 * PERIOD_HOUR, 30 * PERIOD_MINUTE, true, "5%"},
	{{1, 0}, 72 * PERIOD_HOUR, 6 * PERIOD_HOUR, false, "10%"},
};

/* What dashboards look for besides the alerts' windows. */
static const int64_t shown_windows[] = {5 * PERIOD_MINUTE, 30 * PERIOD_MINUTE, PERIOD_HOUR, 2 * PERIOD_HOUR, 6 * PERIOD_HOUR, PERIOD_DAY, 3 * PERIOD_DAY};

/* Whole seconds; not below a minute, in which a step of 10 s has enough samples for rate(). */
static int64_t scaled(int64_t window, int64_t period)
{
	int64_t seconds = window / PERIOD_SECOND * (period / PERIOD_SECOND) / (thirty_days / PERIOD_SECOND);
	return seconds < 60 ? PERIOD_MINUTE : seconds * PERIOD_SECOND;
}

int64_t slo_period(const struct slo *slo, const struct slo_options *options)
{
	return slo->period_ns ? slo->period_ns : options->period_ns;
}

void slo_burns(const struct slo *slo, int64_t period_ns, struct slo_burn ret[SLO_BURNS])
{
	struct decimal budget = decimal_complement(slo->objective);
	for (size_t i = 0; i < SLO_BURNS; i++) {
		struct slo_burn b = {.rate = burn_table[i].rate, .long_ns = scaled(burn_table[i].long_ns, period_ns), .short_ns = scaled(burn_table[i].short_ns, period_ns), .page = burn_table[i].page};
		b.threshold = decimal_mul(b.rate, budget);
		b.reachable = b.threshold.mantissa < decimal_unit(b.threshold);
		ret[i] = b;
	}
}

struct slo_labels slo_record_labels(const struct slo *slo)
{
	struct slo_labels labels = {0};
	slo_labels_merge(&labels, &slo->labels);
	slo_labels_set(&labels, SLICE("sloth_id"), slo->id);
	slo_labels_set(&labels, SLICE("sloth_service"), slo->service);
	slo_labels_set(&labels, SLICE("sloth_slo"), slo->name);
	return labels;
}

/* --- YAML out --- */

struct page {
	struct buf *out;
	const struct slo *slo;
	const struct slo_options *options;
	int64_t period_ns;
	struct slo_labels labels; /* of every recording */
	struct buf where;         /* {sloth_id="...",...} */
};

static void print_pairs(struct buf *out, const char *name, const struct slo_labels *pairs)
{
	if (pairs->len == 0)
		return;
	buf_printf(out, "        %s:\n", name);
	for (size_t i = 0; i < pairs->len; i++) {
		buf_printf(out, "          %.*s: ", (int)pairs->items[i].name.len, pairs->items[i].name.ptr);
		buf_add_json_string(out, pairs->items[i].value);
		buf_add_char(out, '\n');
	}
}

/* An expression as a block of lines; empties it. */
static void print_expr(struct buf *out, struct buf *expr)
{
	struct slice text = slice_trim(buf_slice(expr));
	buf_add_str(out, "        expr: |-\n");
	while (text.len) {
		size_t end = slice_find(text, '\n', 0);
		buf_add_str(out, "          ");
		buf_add_slice(out, slice_sub(text, 0, end));
		buf_add_char(out, '\n');
		text = slice_sub(text, end + 1, text.len);
	}
	buf_done(expr);
}

static void group(struct buf *out, const char *kind, const struct slo *slo)
{
	buf_printf(out, "  - name: sloth-slo-%s-%.*s\n    rules:\n", kind, (int)slo->id.len, slo->id.ptr);
}

/* One recording with the objective's labels, and sloth_window if window_ns is not 0. */
static void record(struct page *p, const char *name, int64_t window_ns, struct buf *expr)
{
	struct slo_labels labels = {0};
	struct buf window = {0};
	period_print(&window, window_ns);
	slo_labels_merge(&labels, &p->labels);
	if (window_ns)
		slo_labels_set(&labels, SLICE("sloth_window"), buf_slice(&window));
	buf_printf(p->out, "      - record: %s%s\n", name, slice_ends(slice_str(name), SLICE("_rate")) ? buf_cstr(&window) : "");
	print_expr(p->out, expr);
	print_pairs(p->out, "labels", &labels);
	slo_labels_done(&labels);
	buf_done(&window);
}

/* In brackets of its own; on lines of its own where a comment could swallow the bracket. */
static void bracket(struct buf *out, struct slice query, int64_t window_ns)
{
	bool lines = slice_find(query, '\n', 0) < query.len || slice_find(query, '#', 0) < query.len;
	buf_add_str(out, lines ? "(\n  " : "(");
	slo_query_print(out, query, window_ns);
	buf_add_str(out, lines ? "\n)" : ")");
}

/* Errors; 0 where nothing has failed yet and so no series of errors is there. */
static void errors(struct buf *out, const struct slo *slo, int64_t window_ns)
{
	bracket(out, slo->error_query, window_ns);
	buf_add_str(out, "\nor\n0 * ");
	bracket(out, slo->total_query, window_ns);
}

static void ratio(struct buf *out, const struct slo *slo, int64_t window_ns)
{
	if (slo->total_query.len == 0) {
		bracket(out, slo->error_query, window_ns);
		return;
	}
	buf_add_str(out, "(\n");
	errors(out, slo, window_ns);
	buf_add_str(out, "\n)\n/\n(");
	bracket(out, slo->total_query, window_ns);
	buf_add_str(out, " > 0)");
}

static void add_window(int64_t *windows, size_t *len, int64_t window)
{
	size_t at = 0;
	while (at < *len && windows[at] < window)
		at++;
	if (at < *len && windows[at] == window)
		return;
	memmove(windows + at + 1, windows + at, (*len - at) * sizeof(*windows));
	windows[at] = window;
	(*len)++;
}

static void print_recordings(struct page *p)
{
	int64_t windows[MAX_WINDOWS];
	size_t len = 0;
	struct slo_burn burns[SLO_BURNS];
	struct buf expr = {0};
	slo_burns(p->slo, p->period_ns, burns);
	for (size_t i = 0; i < sizeof(shown_windows) / sizeof(*shown_windows); i++)
		if (shown_windows[i] < p->period_ns)
			add_window(windows, &len, shown_windows[i]);
	for (size_t i = 0; i < SLO_BURNS; i++) {
		add_window(windows, &len, burns[i].long_ns);
		add_window(windows, &len, burns[i].short_ns);
	}
	group(p->out, "sli-recordings", p->slo);
	for (size_t i = 0; i < len; i++) {
		ratio(&expr, p->slo, windows[i]);
		record(p, "slo:sli_error:ratio_rate", windows[i], &expr);
	}
	if (p->slo->total_query.len) {
		errors(&expr, p->slo, 5 * PERIOD_MINUTE);
		record(p, "slo:sli_error:rate5m", 0, &expr);
		bracket(&expr, p->slo->total_query, 5 * PERIOD_MINUTE);
		record(p, "slo:sli_total:rate5m", 0, &expr);
	}
	struct buf period = {0};
	period_print(&period, p->period_ns);
	const char *where = buf_cstr(&p->where), *over = buf_cstr(&period);
	if (p->slo->total_query.len)
		buf_printf(&expr, "sum_over_time(slo:sli_error:rate5m%s[%s])\n/\n(sum_over_time(slo:sli_total:rate5m%s[%s]) > 0)", where, over, where, over);
	else
		buf_printf(&expr, "avg_over_time(slo:sli_error:ratio_rate5m%s[%s])", where, over);
	record(p, "slo:sli_error:ratio_rate", p->period_ns, &expr);
	buf_done(&period);
}

static void record_number(struct page *p, const char *name, struct decimal value)
{
	struct buf expr = {0};
	buf_add_str(&expr, "vector(");
	decimal_print(&expr, value);
	buf_add_char(&expr, ')');
	record(p, name, 0, &expr);
}

static void record_info(struct page *p)
{
	struct buf expr = {0}, objective = {0};
	struct slo_labels kept = p->labels;
	struct decimal percent = decimal_mul(p->slo->objective, (struct decimal){100, 0});
	decimal_print(&objective, percent);
	p->labels = (struct slo_labels){0};
	slo_labels_merge(&p->labels, &kept);
	slo_labels_set(&p->labels, SLICE("sloth_mode"), SLICE("winnow-slo"));
	slo_labels_set(&p->labels, SLICE("sloth_spec"), p->slo->spec);
	slo_labels_set(&p->labels, SLICE("sloth_version"), p->options->version);
	slo_labels_set(&p->labels, SLICE("sloth_objective"), buf_slice(&objective));
	buf_add_str(&expr, "vector(1)");
	record(p, "sloth_slo_info", 0, &expr);
	slo_labels_done(&p->labels);
	p->labels = kept;
	buf_done(&objective);
}

static void print_meta(struct page *p)
{
	static const char join[] = "/ on (sloth_id, sloth_slo, sloth_service) group_left\n";
	struct buf expr = {0}, period = {0};
	const char *where = buf_cstr(&p->where);
	group(p->out, "meta-recordings", p->slo);
	record_number(p, "slo:objective:ratio", p->slo->objective);
	record_number(p, "slo:error_budget:ratio", decimal_complement(p->slo->objective));
	if (p->period_ns % PERIOD_DAY == 0)
		buf_printf(&expr, "vector(%lld)", (long long)(p->period_ns / PERIOD_DAY));
	else
		buf_printf(&expr, "vector(%lld / 86400)", (long long)(p->period_ns / PERIOD_SECOND));
	record(p, "slo:time_period:days", 0, &expr);
	buf_printf(&expr, "slo:sli_error:ratio_rate5m%s\n%sslo:error_budget:ratio%s", where, join, where);
	record(p, "slo:current_burn_rate:ratio", 0, &expr);
	period_print(&period, p->period_ns);
	buf_printf(&expr, "slo:sli_error:ratio_rate%s%s\n%sslo:error_budget:ratio%s", buf_cstr(&period), where, join, where);
	record(p, "slo:period_burn_rate:ratio", 0, &expr);
	buf_printf(&expr, "1 - slo:period_burn_rate:ratio%s", where);
	record(p, "slo:period_error_budget_remaining:ratio", 0, &expr);
	record_info(p);
	buf_done(&period);
}

/* --- alerts --- */

static void url_escape(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
		if (plain)
			buf_add_char(out, c);
		else
			buf_printf(out, "%%%02X", (unsigned char)c);
	}
}

struct texts {
	struct buf runbook, dashboard, burn, exemplars, summary, description, rate;
};

static void texts_done(struct texts *t)
{
	struct buf *const all[] = {&t->runbook, &t->dashboard, &t->burn, &t->exemplars, &t->summary, &t->description, &t->rate};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		buf_done(all[i]);
}

/* What every alert of the objective has, before the file's own. */
static void common(struct page *p, struct texts *t, const char *runbook, struct slo_labels *annotations)
{
	const struct slo_options *o = p->options;
	struct slice exemplars = p->slo->exemplar_query.len ? p->slo->exemplar_query : p->slo->error_query;
	buf_printf(&t->runbook, "%.*s/%s.md", (int)o->runbooks.len, o->runbooks.ptr, runbook);
	buf_printf(&t->dashboard, "%.*s/d/winnow-service?var-service=", (int)o->dashboards.len, o->dashboards.ptr);
	url_escape(&t->dashboard, p->slo->service);
	buf_add_str(&t->dashboard, "&from=now-1h&to=now");
	buf_printf(&t->burn, "slo:current_burn_rate:ratio%s", buf_cstr(&p->where));
	slo_query_print(&t->exemplars, exemplars, 5 * PERIOD_MINUTE);
	slo_labels_set(annotations, SLICE("runbook_url"), buf_slice(&t->runbook));
	slo_labels_set(annotations, SLICE("dashboard_url"), buf_slice(&t->dashboard));
	slo_labels_set(annotations, SLICE("burn_rate_query"), buf_slice(&t->burn));
	slo_labels_set(annotations, SLICE("exemplar_query"), buf_slice(&t->exemplars));
	slo_labels_set(annotations, SLICE("summary"), buf_slice(&t->summary));
	slo_labels_set(annotations, SLICE("title"), buf_slice(&t->summary));
	slo_labels_set(annotations, SLICE("description"), buf_slice(&t->description));
}

static void print_alert(struct page *p, const struct slo_alert *own, const char *severity, bool page, struct slo_labels *labels, struct slo_labels *annotations)
{
	slo_labels_merge(labels, &p->labels); /* the expression brings them too; so that no two rules look alike */
	slo_labels_set(labels, SLICE("sloth_severity"), page ? SLICE("page") : SLICE("ticket"));
	slo_labels_set(labels, SLICE("severity"), slice_str(severity));
	slo_labels_merge(labels, &p->slo->alert_labels);
	slo_labels_merge(labels, &own->labels);
	slo_labels_merge(annotations, &p->slo->alert_annotations);
	slo_labels_merge(annotations, &own->annotations);
	print_pairs(p->out, "labels", labels);
	print_pairs(p->out, "annotations", annotations);
	slo_labels_done(labels);
	slo_labels_done(annotations);
}

static void describe_burn(struct page *p, const struct slo_burn *b, const char *spends, struct texts *t)
{
	const struct slo *s = p->slo;
	decimal_print(&t->rate, b->rate);
	buf_printf(&t->summary, "%.*s: %.*s spends its error budget %s times too fast", (int)s->service.len, s->service.ptr, (int)s->name.len, s->name.ptr, buf_cstr(&t->rate));
	buf_add_str(&t->description, "{{ $value | humanizePercentage }} of ");
	buf_printf(&t->description, "%.*s", (int)s->service.len, s->service.ptr);
	buf_add_str(&t->description, " missed the objective of ");
	decimal_print(&t->description, decimal_mul(s->objective, (struct decimal){100, 0}));
	buf_add_str(&t->description, "% in the last ");
	period_print(&t->description, b->long_ns);
	buf_printf(&t->description, ", and it goes on. Above this rate, %s of the budget of ", spends);
	period_print(&t->description, p->period_ns);
	buf_add_str(&t->description, " is gone within ");
	period_print(&t->description, b->long_ns);
	buf_add_str(&t->description, ", and all of it within ");
	period_print(&t->description, p->period_ns / PERIOD_MINUTE * decimal_unit(b->rate) / b->rate.mantissa * PERIOD_MINUTE);
	buf_add_char(&t->description, '.');
	if (s->description.len)
		buf_printf(&t->description, " %.*s", (int)s->description.len, s->description.ptr);
}

static void over(struct buf *expr, struct page *p, int64_t window_ns, struct decimal threshold)
{
	buf_add_str(expr, "(slo:sli_error:ratio_rate");
	period_print(expr, window_ns);
	buf_printf(expr, "%s > ", buf_cstr(&p->where));
	decimal_print(expr, threshold);
	buf_add_char(expr, ')');
}

static void print_burn(struct page *p, const struct slo_burn *b, const char *spends)
{
	const struct slo_alert *own = b->page ? &p->slo->page : &p->slo->ticket;
	struct texts t = {0};
	struct slo_labels labels = {0}, annotations = {0};
	struct buf expr = {0};
	struct slice name = p->slo->alert_name.len ? p->slo->alert_name : SLICE("SloErrorBudgetBurn");
	if (own->disabled || !b->reachable)
		return;
	over(&expr, p, b->long_ns, b->threshold);
	buf_add_str(&expr, "\nand ignoring (sloth_window)\n");
	over(&expr, p, b->short_ns, b->threshold);
	buf_add_str(p->out, "      - alert: ");
	buf_add_json_string(p->out, name);
	buf_add_char(p->out, '\n');
	print_expr(p->out, &expr);
	describe_burn(p, b, spends, &t);
	common(p, &t, "SloErrorBudgetBurn", &annotations);
	slo_labels_set(&labels, SLICE("burn_rate"), buf_slice(&t.rate));
	print_alert(p, own, b->page ? "critical" : "warning", b->page, &labels, &annotations);
	texts_done(&t);
}

static void print_absent(struct page *p)
{
	struct texts t = {0};
	struct slo_labels labels = {0}, annotations = {0};
	struct buf expr = {0};
	const struct slo *s = p->slo;
	if (s->absent.disabled)
		return;
	buf_printf(&expr, "absent(%s%s)", s->total_query.len ? "slo:sli_total:rate5m" : "slo:sli_error:ratio_rate5m", buf_cstr(&p->where));
	buf_add_str(p->out, "      - alert: SloDataAbsent\n");
	print_expr(p->out, &expr);
	buf_add_str(p->out, "        for: 15m\n");
	buf_printf(&t.summary, "%.*s: nothing to measure %.*s by", (int)s->service.len, s->service.ptr, (int)s->name.len, s->name.ptr);
	buf_printf(&t.description, "The series of this SLO have been away for 15 minutes: no traffic, a renamed service, or a broken path from the service to Prometheus. Its other alerts cannot fire.");
	common(p, &t, "SloDataAbsent", &annotations);
	print_alert(p, &s->absent, "warning", false, &labels, &annotations);
	texts_done(&t);
}

static void print_alerts(struct page *p)
{
	struct slo_burn burns[SLO_BURNS];
	bool any = !p->slo->absent.disabled;
	slo_burns(p->slo, p->period_ns, burns);
	for (size_t i = 0; i < SLO_BURNS; i++)
		any |= burns[i].reachable && !(burns[i].page ? &p->slo->page : &p->slo->ticket)->disabled;
	if (!any)
		return;
	group(p->out, "alerts", p->slo);
	for (size_t i = 0; i < SLO_BURNS; i++)
		print_burn(p, &burns[i], burn_table[i].spends);
	print_absent(p);
}

void slo_rules_print(struct buf *out, const struct slo_set *set, const struct slo_options *options)
{
	buf_add_str(out, "# Made by `winnow slo`; edit the SLO files, not this.\ngroups:\n");
	for (size_t i = 0; i < set->len; i++) {
		struct page p = {.out = out, .slo = set->items[i], .options = options, .period_ns = slo_period(set->items[i], options)};
		struct slo_labels id = {0};
		p.labels = slo_record_labels(p.slo);
		slo_labels_set(&id, SLICE("sloth_id"), p.slo->id);
		slo_labels_set(&id, SLICE("sloth_service"), p.slo->service);
		slo_labels_set(&id, SLICE("sloth_slo"), p.slo->name);
		slo_labels_print(&p.where, &id);
		print_recordings(&p);
		print_meta(&p);
		print_alerts(&p);
		slo_labels_done(&id);
		slo_labels_done(&p.labels);
		buf_done(&p.where);
	}
}
