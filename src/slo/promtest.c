/* SPDX-License-Identifier: Apache-2.0 */
/* Tests for `promtool test rules`, one after the other for each objective. A test feeds a constant share of errors, chosen as whole numbers of events so that
 * the ratio is exact: 20 times the budget (or everything) must alert by every burn rate the objective can reach, half the budget by none, nothing at all must alert
 * by its absence. Where the series are known (the short form) they are fed; else, as any PromQL may stand in a file, the recordings that the alerts read. */
#include "slo/period.h"
#include "slo/rules.h"

enum { INTERVAL_S = 10, LENGTH_S = 70 * 60 };

struct share {
	int64_t bad, all; /* events in an interval */
};

static struct share burning(const struct slo *slo)
{
	struct decimal budget = decimal_complement(slo->objective);
	int64_t all = decimal_unit(budget), bad = 20 * budget.mantissa;
	return (struct share){bad < all ? bad : all, all};
}

static struct share calm(const struct slo *slo)
{
	struct decimal budget = decimal_complement(slo->objective);
	return (struct share){budget.mantissa, 2 * decimal_unit(budget)};
}

static void print_series(struct buf *out, struct slice series, const char *format, double start, double step)
{
	buf_add_str(out, "      - series: ");
	buf_add_json_string(out, series);
	buf_add_str(out, "\n        values: '");
	buf_printf(out, format, start, step, LENGTH_S / INTERVAL_S);
	buf_add_str(out, "'\n");
}

/* The recordings that alerts read, as series with a constant value. */
static void print_recordings(struct buf *out, const struct slo *slo, int64_t period_ns, struct share share)
{
	struct slo_burn burns[SLO_BURNS];
	struct slo_labels labels = slo_record_labels(slo);
	struct buf at = {0};
	int64_t windows[2 * SLO_BURNS + 1] = {5 * PERIOD_MINUTE};
	size_t len = 1;
	slo_burns(slo, period_ns, burns);
	for (size_t i = 0; i < SLO_BURNS; i++) {
		windows[len++] = burns[i].long_ns;
		windows[len++] = burns[i].short_ns;
	}
	for (size_t i = 0; i < len; i++) {
		bool seen = false;
		for (size_t k = 0; k < i; k++)
			seen |= windows[k] == windows[i];
		if (seen)
			continue;
		struct buf window = {0};
		buf_reset(&at);
		period_print(&window, windows[i]);
		slo_labels_set(&labels, SLICE("sloth_window"), buf_slice(&window));
		buf_printf(&at, "slo:sli_error:ratio_rate%s", buf_cstr(&window));
		slo_labels_print(&at, &labels);
		print_series(out, buf_slice(&at), "%.17g+%.0fx%d", (double)share.bad / (double)share.all, 0);
		buf_done(&window);
	}
	if (slo->total_query.len) {
		slo_labels_done(&labels);
		labels = slo_record_labels(slo);
		buf_reset(&at);
		buf_add_str(&at, "slo:sli_total:rate5m");
		slo_labels_print(&at, &labels);
		print_series(out, buf_slice(&at), "%.0f+%.0fx%d", 1, 0);
	}
	slo_labels_done(&labels);
	buf_done(&at);
}

static void print_inputs(struct buf *out, const struct slo *slo, int64_t period_ns, struct share share)
{
	buf_add_str(out, "    input_series:\n");
	if (slo->inputs_len == 0)
		print_recordings(out, slo, period_ns, share);
	for (size_t i = 0; i < slo->inputs_len; i++) {
		const struct slo_input *in = &slo->inputs[i];
		int64_t step = (in->good ? share.all - share.bad : 0) + (in->bad ? share.bad : 0);
		print_series(out, in->series, "%.0f+%.0fx%d", 0, (double)step);
	}
}

static void print_test(struct buf *out, const struct slo *slo, const char *what)
{
	buf_printf(out, "  - name: \"%.*s: %s\"\n    interval: %ds\n", (int)slo->id.len, slo->id.ptr, what, INTERVAL_S);
}

/* `expr` at the end of the feed is the number. */
static void expect(struct buf *out, struct slice expr, double value, const char *at)
{
	buf_add_str(out, "      - expr: ");
	buf_add_json_string(out, expr);
	buf_printf(out, "\n        eval_time: %s\n        exp_samples: [{labels: '{}', value: %.17g}]\n", at, value);
}

static void expect_alerts(struct buf *out, const struct slo *slo, const char *matchers, double count, const char *at)
{
	struct buf expr = {0};
	buf_add_str(&expr, "sum(ALERTS{alertstate=\"firing\",sloth_id=");
	slo_promql_string(&expr, slo->id);
	buf_printf(&expr, "%s}) or vector(0)", matchers);
	expect(out, buf_slice(&expr), count, at);
	buf_done(&expr);
}

/* Every window's ratio beside the share that went in, to 1e-12. */
static void expect_ratios(struct buf *out, const struct slo *slo, int64_t period_ns, struct share share)
{
	struct slo_burn burns[SLO_BURNS];
	int64_t windows[] = {5 * PERIOD_MINUTE, 0, 0, 0, 0, 0, 0, period_ns};
	slo_burns(slo, period_ns, burns);
	for (size_t i = 0; i < SLO_BURNS; i++) {
		windows[1 + 2 * i] = burns[i].long_ns;
		windows[2 + 2 * i] = burns[i].short_ns;
	}
	for (size_t i = 0; i < sizeof(windows) / sizeof(*windows); i++) {
		struct buf expr = {0};
		buf_add_str(&expr, "sum(abs(slo:sli_error:ratio_rate");
		period_print(&expr, windows[i]);
		buf_add_str(&expr, "{sloth_id=");
		slo_promql_string(&expr, slo->id);
		buf_printf(&expr, "} - %lld / %lld) < bool 1e-12)", (long long)share.bad, (long long)share.all);
		expect(out, buf_slice(&expr), 1, "70m");
		buf_done(&expr);
	}
}

static void print_burn_test(struct buf *out, const struct slo *slo, int64_t period_ns)
{
	struct slo_burn burns[SLO_BURNS];
	struct share share = burning(slo);
	print_test(out, slo, "errors at 20 times the budget alert");
	print_inputs(out, slo, period_ns, share);
	buf_add_str(out, "    promql_expr_test:\n");
	slo_burns(slo, period_ns, burns);
	for (size_t i = 0; i < SLO_BURNS; i++) {
		struct buf matchers = {0};
		bool disabled = (burns[i].page ? &slo->page : &slo->ticket)->disabled;
		buf_add_str(&matchers, ",burn_rate=\"");
		decimal_print(&matchers, burns[i].rate);
		buf_add_char(&matchers, '"');
		expect_alerts(out, slo, buf_cstr(&matchers), burns[i].reachable && !disabled ? 1 : 0, "70m");
		buf_done(&matchers);
	}
	if (slo->inputs_len)
		expect_ratios(out, slo, period_ns, share);
}

void slo_promtest_print(struct buf *out, const struct slo_set *set, const struct slo_options *options, struct slice rule_file)
{
	buf_add_str(out, "# Made by `winnow slo --test`; run it with promtool test rules.\nrule_files: [");
	buf_add_json_string(out, rule_file);
	buf_add_str(out, "]\nevaluation_interval: 5m\ntests:\n");
	for (size_t i = 0; i < set->len; i++) {
		const struct slo *slo = set->items[i];
		int64_t period_ns = slo_period(slo, options);
		print_burn_test(out, slo, period_ns);
		print_test(out, slo, "errors at half the budget do not alert");
		print_inputs(out, slo, period_ns, calm(slo));
		buf_add_str(out, "    promql_expr_test:\n");
		expect_alerts(out, slo, "", 0, "70m");
		if (slo->inputs_len)
			expect_ratios(out, slo, period_ns, calm(slo));
		print_test(out, slo, "data that stay away alert");
		buf_add_str(out, "    promql_expr_test:\n");
		expect_alerts(out, slo, ",alertname=\"SloDataAbsent\"", slo->absent.disabled ? 0 : 1, "20m");
	}
}
