/* SPDX-License-Identifier: Apache-2.0 */
/* The policies, asked of each span and log record that the values hold of the trace; then the running instance, which knows what the journal says of it. */
#include "app/explain_trace.h"

#include "app/instance.h"
#include "base/clock.h"

#include <stdio.h>

struct asked {
	const struct sampling *policy;
	struct slice trace_id;
	unsigned reasons;
	size_t spans, logs;
};

static void print_reasons(unsigned reasons)
{
	const char *separator = "";
	for (unsigned bit = 1; sampling_reason_name(bit); bit <<= 1) {
		if (!(reasons & bit))
			continue;
		printf("%s%s", separator, sampling_reason_name(bit));
		separator = ", ";
	}
	if (!reasons)
		printf("-");
}

static void ask_span(struct asked *a, const struct record *r)
{
	struct slice service = r->service.len ? r->service : SLICE("unknown_service");
	int64_t usual = a->policy->slow_quantile > 0 ? INT64_MAX : 0; /* only who read the partition knows */
	unsigned reasons = sampling_judge(a->policy, r, service, usual);
	int64_t bound = sampling_bound_ns(a->policy, service, r->name, usual);
	if (sampling_shares(a->policy, service, sampling_hash(a->trace_id)))
		reasons |= SAMPLING_SHARE;
	a->spans++;
	a->reasons |= reasons;
	printf("  span  %.*s  %.*s: ", (int)service.len, service.ptr, (int)r->name.len, r->name.ptr);
	print_reasons(reasons);
	printf("  (took %.3f s", r->duration_ns < 0 ? 0 : (double)r->duration_ns / 1e9);
	if (bound == INT64_MAX)
		printf(", slow is what was beyond p%g of its operation then", a->policy->slow_quantile * 100);
	else if (bound)
		printf(", %.3f s is slow", (double)bound / 1e9);
	printf(")\n");
}

static void ask_log(struct asked *a, const struct record *r)
{
	unsigned reasons = a->policy->errors && r->error ? SAMPLING_LOG_ERROR : 0;
	a->logs++;
	a->reasons |= reasons;
	printf("  log   %.*s  %.*s: ", (int)r->service.len, r->service.ptr, (int)(r->message.len < 60 ? r->message.len : 60), r->message.ptr);
	print_reasons(reasons);
	printf("\n");
}

static void ask_value(struct asked *a, struct decoder *decoder, struct slice value)
{
	struct decoded decoded;
	decoder_decode(decoder, value, clock_wall_ns(), &decoded);
	for (size_t i = 0; i < decoded.len; i++) {
		const struct record *r = &decoded.records[i];
		if (!slice_eq(r->trace_id, a->trace_id))
			continue;
		if (r->kind == RECORD_SPAN)
			ask_span(a, r);
		else
			ask_log(a, r);
	}
}

static void ask_values(struct asked *a, const struct config *config, enum format format, struct slice values)
{
	struct decoder_opts opts = {.format = format, .fields = config->decoder_fields, .fields_len = config->decoder_fields_len};
	struct decoder *decoder = decoder_new(&opts);
	while (values.len) {
		size_t end = slice_find(values, '\n', 0);
		struct slice line = slice_trim(slice_sub(values, 0, end));
		if (line.len)
			ask_value(a, decoder, line);
		values = slice_sub(values, end < values.len ? end + 1 : end, values.len);
	}
	decoder_free(decoder);
}

static void print_list(const struct json *json, const char *name, const char *what)
{
	uint32_t list = json_get(json, JSON_ROOT, slice_str(name));
	printf("%s", what);
	if (!json_is_array(json, list) || json_first(list) >= json_end(json, list))
		printf(" none");
	for (uint32_t at = json_is_array(json, list) ? json_first(list) : 0; at && at < json_end(json, list); at = json_next(json, at))
		printf(" %.*s", (int)json_text(json, at).len, json_text(json, at).ptr);
	printf("\n");
}

/* False if nobody answers. */
static bool ask_instance(const char *config_path, struct slice trace_id, bool *ret_kept, struct err *err)
{
	struct instance *instance = NULL;
	struct buf path = {0};
	struct json json;
	buf_printf(&path, "/api/v1/traces/%.*s", (int)trace_id.len, trace_id.ptr);
	int code = instance_open(NULL, config_path, &instance, err);
	if (!code)
		code = instance_get(instance, buf_cstr(&path), &json, err);
	if (!code) {
		uint32_t kept = json_get(&json, JSON_ROOT, SLICE("kept"));
		*ret_kept = kept && json_type(&json, kept) == 't';
		printf("the journal, by %s: %s\n", instance_url(instance), *ret_kept ? "kept" : "it says nothing of this trace");
		print_list(&json, "reasons", "  reasons: ");
		print_list(&json, "patterns", "  patterns:");
	}
	instance_free(instance);
	buf_done(&path);
	return !code;
}

static void print_share(const struct sampling *policy, struct slice trace_id)
{
	uint64_t hash = sampling_hash(trace_id);
	double place = (double)(hash >> 11) * 0x1p-53;
	printf("  share %.4g %%: the id lies at %.4g %%, so it %s\n", policy->share * 100, place * 100, sampling_shares(policy, SLICE(""), hash) ? "is in it" : "is not");
}

/* What the spans and records given say; nothing without a configuration. */
static void ask_policy(struct asked *a, const struct config *config, enum format format, struct slice values)
{
	if (!config)
		return;
	print_share(a->policy, a->trace_id);
	ask_values(a, config, format, values);
	if (sampling_surely_shared(a->policy, sampling_hash(a->trace_id)))
		a->reasons |= SAMPLING_SHARE;
	if (a->spans + a->logs == 0)
		return;
	printf("%zu spans and %zu log records given, reasons: ", a->spans, a->logs);
	print_reasons(a->reasons);
	printf("\n");
}

int explain_trace(const struct config *config, const char *config_path, enum format format, struct slice trace_id, struct slice values)
{
	struct err err = {0};
	bool kept = false;
	struct asked a = {.policy = config ? &config->sampling.policy : NULL, .trace_id = trace_id};
	if (config && !a.policy->on) {
		fprintf(stderr, "winnow explain: the configuration has no sampling.topic, so no trace is sampled\n");
		return 1;
	}
	printf("trace %.*s\n", (int)trace_id.len, trace_id.ptr);
	ask_policy(&a, config, format, values);
	bool answered = ask_instance(config_path, trace_id, &kept, &err);
	if (!answered)
		printf("the journal: not asked (%s)\n", err.text);
	printf("%s\n", kept || a.reasons ? "kept" : answered ? "dropped, or decided more than ten minutes of event time ago" : "not known");
	return answered || a.spans + a.logs || a.reasons ? 0 : 3;
}
