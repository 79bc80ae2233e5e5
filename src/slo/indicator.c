/* SPDX-License-Identifier: Apache-2.0 */
#include "slo/indicator.h"
#include "slo/period.h"

struct bound {
	const char *le;
	int64_t ns;
};

#define MS 1000000LL
static const struct bound span_bounds[] = {
	{"2", 2 * MS}, {"4", 4 * MS}, {"6", 6 * MS}, {"8", 8 * MS}, {"10", 10 * MS}, {"50", 50 * MS}, {"100", 100 * MS}, {"200", 200 * MS},
	{"400", 400 * MS}, {"800", 800 * MS}, {"1000", 1000 * MS}, {"1400", 1400 * MS}, {"2000", 2000 * MS}, {"5000", 5000 * MS},
	{"10000", 10000 * MS}, {"15000", 15000 * MS}, {0},
};
static const struct bound tempo_bounds[] = {
	{"0.002", 2 * MS}, {"0.004", 4 * MS}, {"0.008", 8 * MS}, {"0.016", 16 * MS}, {"0.032", 32 * MS}, {"0.064", 64 * MS}, {"0.128", 128 * MS}, {"0.256", 256 * MS},
	{"0.512", 512 * MS}, {"1.024", 1024 * MS}, {"2.048", 2048 * MS}, {"4.096", 4096 * MS}, {"8.192", 8192 * MS}, {"16.384", 16384 * MS}, {0},
};
static const struct bound log_bounds[] = {
	{"0.001", 1 * MS}, {"0.0025", 5 * MS / 2}, {"0.005", 5 * MS}, {"0.01", 10 * MS}, {"0.025", 25 * MS}, {"0.05", 50 * MS}, {"0.1", 100 * MS}, {"0.25", 250 * MS},
	{"0.5", 500 * MS}, {"1", 1000 * MS}, {"2.5", 2500 * MS}, {"5", 5000 * MS}, {"10", 10000 * MS}, {"30", 30000 * MS}, {0},
};

struct slo_source {
	const char *from;
	bool tempo;
	const char *count, *duration; /* families */
	const char *service;          /* label */
	const char *only;             /* matcher that belongs to it unless `where` names its label */
	const char *only_label, *only_example;
	const char *error;            /* matcher of an error */
	const char *error_example, *fine_example; /* labels of series in tests */
	const struct bound *bounds;
};

const char *const slo_source_names[] = {"spans", "access_logs", "logs", NULL};

#define KINDS .only = "span_kind=~\"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER\"", .only_label = "span_kind", .only_example = "SPAN_KIND_SERVER"
#define STATUS .error = "status_code=\"STATUS_CODE_ERROR\"", .error_example = "status_code=\"STATUS_CODE_ERROR\"", .fine_example = "status_code=\"STATUS_CODE_UNSET\""
static const struct slo_source sources[] = {
	{"spans", false, "traces_span_metrics_calls_total", "traces_span_metrics_duration_milliseconds", "service_name", .bounds = span_bounds, KINDS, STATUS},
	{"spans", true, "traces_spanmetrics_calls_total", "traces_spanmetrics_latency", "service", .bounds = tempo_bounds, KINDS, STATUS},
	{"access_logs", false, "log_requests_total", "log_request_duration_seconds", "service_name", .bounds = log_bounds, .error = "http_response_status_code=~\"5..\"",
		.error_example = "http_response_status_code=\"503\"", .fine_example = "http_response_status_code=\"200\""},
	{"logs", false, "log_records_total", "log_pattern_duration_seconds", "service_name", .bounds = log_bounds, .error = "severity=~\"error|fatal\"", .error_example = "severity=\"error\"",
		.fine_example = "severity=\"info\""},
};

const struct slo_source *slo_source_find(struct slice from, bool tempo)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++)
		if (slice_eq(from, slice_str(sources[i].from)) && (sources[i].tempo == tempo || !slice_eq(from, SLICE("spans"))))
			return &sources[i];
	return NULL;
}

/* The inside of the braces: service, `where`, what belongs to the source, and more. */
static void selector(struct buf *out, const struct slo *slo, const struct slo_indicator *in, const char *more)
{
	buf_printf(out, "%s=", in->source->service);
	slo_promql_string(out, slo->service);
	for (size_t i = 0; i < in->where.len; i++) {
		struct slice value = in->where.items[i].value;
		bool regex = slice_starts(value, SLICE("~"));
		buf_printf(out, ",%.*s%s", (int)in->where.items[i].name.len, in->where.items[i].name.ptr, regex ? "=~" : "=");
		slo_promql_string(out, slice_sub(value, regex, value.len));
	}
	if (in->source->only && !slo_labels_get(&in->where, slice_str(in->source->only_label)).len)
		buf_printf(out, ",%s", in->source->only);
	buf_printf(out, "%s%s", *more ? "," : "", more);
}

static void rate(struct buf *out, const char *family, const struct slo *slo, const struct slo_indicator *in, const char *more)
{
	buf_printf(out, "sum(rate(%s{", family);
	selector(out, slo, in, more);
	buf_add_str(out, "}[{{.window}}]))");
}

/* A series for generated tests, if the matchers are plain. */
static void input(struct slo_set *set, struct slo *slo, const struct slo_indicator *in, const char *family, const char *more, bool good, bool bad)
{
	struct buf out = {0};
	buf_printf(&out, "%s{%s=", family, in->source->service);
	slo_promql_string(&out, slo->service);
	for (size_t i = 0; i < in->where.len; i++) {
		buf_printf(&out, ",%.*s=", (int)in->where.items[i].name.len, in->where.items[i].name.ptr);
		slo_promql_string(&out, in->where.items[i].value);
	}
	if (in->source->only && !slo_labels_get(&in->where, slice_str(in->source->only_label)).len)
		buf_printf(&out, ",%s=\"%s\"", in->source->only_label, in->source->only_example);
	buf_printf(&out, "%s%s}", *more ? "," : "", more);
	slo->inputs[slo->inputs_len++] = (struct slo_input){slo_keep(set, &out), good, bad};
}

/* Matchers that no series can be made up for. */
static bool has_regex(const struct slo_indicator *in)
{
	for (size_t i = 0; i < in->where.len; i++)
		if (slice_starts(in->where.items[i].value, SLICE("~")))
			return true;
	return false;
}

static const char *cstr(struct slo_set *set, struct buf *text)
{
	buf_cstr(text);
	text->len++;
	return slo_keep(set, text).ptr;
}

/* pattern_id="..." for one, =~ for more. */
static const char *pattern_matcher(struct slo_set *set, struct slice ids, struct slice more)
{
	struct buf out = {0};
	bool several = more.len || slice_find(ids, '|', 0) < ids.len;
	buf_printf(&out, "pattern_id=%s\"%.*s%s%.*s\"", several ? "~" : "", (int)ids.len, ids.ptr, more.len ? "|" : "", (int)more.len, more.ptr);
	return cstr(set, &out);
}

static void availability(struct slo_set *set, struct slo *slo, const struct slo_indicator *in)
{
	const struct slo_source *source = in->source;
	const char *family = source->count, *error = source->error, *total = "";
	struct buf errors = {0}, totals = {0}, exemplars = {0};
	if (in->bad.len) {
		family = "log_pattern_records_total";
		error = pattern_matcher(set, in->bad, slice_of(NULL, 0));
		total = in->good.len ? pattern_matcher(set, in->bad, in->good) : "";
	}
	rate(&errors, family, slo, in, error);
	rate(&totals, family, slo, in, total);
	buf_printf(&exemplars, "%s{", in->source->count == family && slice_eq(slice_str(source->from), SLICE("logs")) ? "log_pattern_records_total" : family);
	selector(&exemplars, slo, in, error);
	buf_add_char(&exemplars, '}');
	slo->error_query = slo_keep(set, &errors);
	slo->total_query = slo_keep(set, &totals);
	slo->exemplar_query = slo_keep(set, &exemplars);
	if (has_regex(in))
		return;
	bool patterns = in->bad.len > 0;
	struct slice first_bad = slice_sub(in->bad, 0, slice_find(in->bad, '|', 0)), first_good = slice_sub(in->good, 0, slice_find(in->good, '|', 0));
	input(set, slo, in, family, patterns ? pattern_matcher(set, first_bad, slice_of(NULL, 0)) : source->error_example, false, true);
	input(set, slo, in, family, patterns ? pattern_matcher(set, first_good.len ? first_good : SLICE("0"), slice_of(NULL, 0)) : source->fine_example, true, false);
}

/* What of the series lies within the bound; linear between two bounds of the histogram, as histogram_quantile() has it. */
static void within(struct buf *out, const char *bucket, const struct slo *slo, const struct slo_indicator *in, const char *patterns, const struct bound *below, const struct bound *above)
{
	struct buf low = {0}, high = {0};
	const char *comma = *patterns ? "," : "";
	if (below)
		buf_printf(&low, "%s%sle=\"%s\"", patterns, comma, below->le);
	buf_printf(&high, "%s%sle=\"%s\"", patterns, comma, above->le);
	if (in->latency_ns == above->ns) {
		rate(out, bucket, slo, in, buf_cstr(&high));
	} else {
		int64_t from = below ? below->ns : 0;
		struct buf lower = {0};
		if (below)
			rate(&lower, bucket, slo, in, buf_cstr(&low));
		buf_printf(out, "(%s%s(", below ? buf_cstr(&lower) : "", below ? " + " : "");
		rate(out, bucket, slo, in, buf_cstr(&high));
		buf_printf(out, "%s%s) * %lld / %lld)", below ? " - " : "", below ? buf_cstr(&lower) : "", (long long)((in->latency_ns - from) / 1000), (long long)((above->ns - from) / 1000));
		buf_done(&lower);
	}
	buf_done(&low);
	buf_done(&high);
}

/* For generated tests: the count, and the buckets from first to last that the query reads. */
static void latency_inputs(struct slo_set *set, struct slo *slo, const struct slo_indicator *in, const char *count, const char *bucket, const struct bound *first, const struct bound *last)
{
	struct slice id = slice_sub(in->good, 0, slice_find(in->good, '|', 0));
	const char *pattern = id.len ? pattern_matcher(set, id, slice_of(NULL, 0)) : "";
	if (has_regex(in))
		return;
	input(set, slo, in, count, pattern, true, true);
	for (const struct bound *b = first; b <= last; b++) {
		struct buf le = {0};
		buf_printf(&le, "%s%sle=\"%s\"", pattern, *pattern ? "," : "", b->le);
		input(set, slo, in, bucket, buf_cstr(&le), true, false);
		buf_done(&le);
	}
}

static const char *latency(struct slo_set *set, struct slo *slo, const struct slo_indicator *in, const char **ret_remark)
{
	const struct bound *above = in->source->bounds, *below = NULL;
	struct buf count = {0}, bucket = {0}, errors = {0}, totals = {0}, slow = {0}, le = {0};
	const char *patterns = in->good.len ? pattern_matcher(set, in->good, slice_of(NULL, 0)) : "";
	for (; above->le && above->ns < in->latency_ns; above++)
		below = above;
	if (!above->le) {
		buf_printf(&le, "the histogram's largest bound is %s%s", below->le, below->ns == 15000 * MS ? "ms" : "s");
		return cstr(set, &le);
	}
	buf_printf(&count, "%s_count", in->source->duration);
	buf_printf(&bucket, "%s_bucket", in->source->duration);
	rate(&totals, buf_cstr(&count), slo, in, patterns);
	buf_add_slice(&errors, buf_slice(&totals));
	buf_add_str(&errors, " - ");
	within(&errors, buf_cstr(&bucket), slo, in, patterns, below, above);
	buf_printf(&slow, "%s{", buf_cstr(&bucket));
	buf_printf(&le, "%s%sle=~\"", patterns, *patterns ? "," : "");
	for (const struct bound *b = above + (in->latency_ns == above->ns); b->le; b++)
		buf_printf(&le, "%s|", b->le);
	buf_add_str(&le, "\\\\+Inf\"");
	selector(&slow, slo, in, buf_cstr(&le));
	buf_add_char(&slow, '}');
	if (in->latency_ns != above->ns) {
		struct buf said = {0};
		buf_printf(&said, "the histogram has no bound there: counted linearly between le=\"%s\" and le=\"%s\"; take one of these for an exact count", below ? below->le : "0", above->le);
		*ret_remark = cstr(set, &said);
	}
	latency_inputs(set, slo, in, buf_cstr(&count), buf_cstr(&bucket), below && in->latency_ns != above->ns ? below : above, above);
	slo->error_query = slo_keep(set, &errors);
	slo->total_query = slo_keep(set, &totals);
	slo->exemplar_query = slo_keep(set, &slow);
	buf_done(&count);
	buf_done(&bucket);
	buf_done(&le);
	return NULL;
}

const char *slo_indicate(struct slo_set *set, struct slo *slo, const struct slo_indicator *indicator, const char **ret_remark)
{
	*ret_remark = NULL;
	if (indicator->latency_ns)
		return latency(set, slo, indicator, ret_remark);
	availability(set, slo, indicator);
	return NULL;
}
