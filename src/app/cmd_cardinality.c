/* SPDX-License-Identifier: Apache-2.0 */
/* winnow cardinality: which labels of a running instance make the series, and which were folded into `other`. */
#include "app/command.h"
#include "app/instance.h"
#include "base/buf.h"

#include <getopt.h>
#include <stdio.h>

static long long number_at(const struct json *json, uint32_t at, const char *name)
{
	int64_t value = 0;
	json_i64(json, json_get(json, at, slice_str(name)), &value);
	return value;
}

static struct slice text_at(const struct json *json, uint32_t at, const char *name)
{
	return json_text(json, json_get(json, at, slice_str(name)));
}

static bool has_rows(const struct json *json, uint32_t list)
{
	return list && json_is_array(json, list) && json_first(list) < json_end(json, list);
}

static void print_label(const struct json *json, uint32_t at)
{
	struct buf scratch = {0};
	struct slice metric = text_at(json, at, "metric"), label = text_at(json, at, "label"), rule = text_at(json, at, "rule"), id_like = {0};
	json_scalar(json, json_get(json, at, SLICE("id_like")), &scratch, &id_like);
	printf("%10lld %8lld %10lld %8lld %12lld %12lld  %.*s{%.*s}", number_at(json, at, "series"), number_at(json, at, "growth"), number_at(json, at, "saving"), number_at(json, at, "values"),
		number_at(json, at, "records"), number_at(json, at, "other"), (int)metric.len, metric.ptr, (int)label.len, label.ptr);
	if (rule.len)
		printf("  rule %.*s", (int)rule.len, rule.ptr);
	printf("%s\n", slice_eq(id_like, SLICE("true")) ? "  values look like ids" : "");
	buf_done(&scratch);
}

static void print_labels(const struct json *json, const char *list_name, const char *title)
{
	uint32_t list = json_get(json, JSON_ROOT, slice_str(list_name));
	if (!has_rows(json, list))
		return;
	printf("\n%s\n%10s %8s %10s %8s %12s %12s  %s\n", title, "SERIES", "GROWTH", "SAVING", "VALUES", "RECORDS", "IN other", "METRIC and label");
	for (uint32_t at = json_first(list); at < json_end(json, list); at = json_next(json, at))
		print_label(json, at);
}

static void print_services(const struct json *json)
{
	uint32_t list = json_get(json, JSON_ROOT, SLICE("by_service"));
	if (!has_rows(json, list))
		return;
	printf("\nServices by their series\n%10s %8s %12s %12s  %s\n", "SERIES", "GROWTH", "RECORDS", "IN other", "SERVICE");
	for (uint32_t at = json_first(list); at < json_end(json, list); at = json_next(json, at)) {
		struct slice service = text_at(json, at, "service_name");
		printf("%10lld %8lld %12lld %12lld  %.*s\n", number_at(json, at, "series"), number_at(json, at, "growth"), number_at(json, at, "records"), number_at(json, at, "other"), (int)service.len, service.ptr);
	}
}

static int show(struct instance *instance, bool as_json, struct err *err)
{
	struct json json;
	int code = instance_get(instance, "/api/v1/cardinality", &json, err);
	if (code)
		return code;
	if (as_json) {
		struct slice answer = instance_answer(instance);
		printf("%.*s\n", (int)answer.len, answer.ptr);
		return 0;
	}
	printf("%lld series of %lld, %lld of them began within the last hour  (%s)\n", number_at(&json, JSON_ROOT, "series"), number_at(&json, JSON_ROOT, "budget"), number_at(&json, JSON_ROOT, "growth"), instance_url(instance));
	print_labels(&json, "by_series", "Labels by the series they make; GROWTH: in the last hour; SAVING: without the label");
	print_labels(&json, "by_demand", "Labels with increments that a budget sent to other");
	print_services(&json);
	return 0;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'}, {"admin", required_argument, NULL, 'a'}, {"json", no_argument, NULL, 'j'}, {0}};
	const char *config = NULL, *admin = NULL;
	struct instance *instance = NULL;
	bool as_json = false;
	struct err err = {0};
	optind = 0;
	opterr = 0;
	for (int option; (option = getopt_long(argc, argv, "c:", longs, NULL)) != -1;) {
		if (option == '?')
			return command_usage(&cmd_cardinality, "unknown option or missing value: %s", argv[optind - 1]);
		if (option == 'j')
			as_json = true;
		else
			*(option == 'c' ? &config : &admin) = optarg;
	}
	if (optind < argc)
		return command_usage(&cmd_cardinality, "does not know \"%s\"", argv[optind]);
	int code = instance_open(admin, config, &instance, &err);
	if (!code)
		code = show(instance, as_json, &err);
	if (code)
		fprintf(stderr, "winnow cardinality: %s\n", err.text);
	instance_free(instance);
	return code ? command_status(code) : 0;
}

const struct command cmd_cardinality = {
	.name = "cardinality",
	.synopsis = "[-c FILE] [--admin ADDR] [--json]",
	.summary = "Shows which labels of a running instance make the series",
	.help = "  -c, --config FILE  where the instance listens (winnow.yaml)\n"
		"      --admin ADDR   the same as HOST:PORT\n"
		"      --json         what /api/v1/cardinality says\n"
		"\n"
		"The top 20 labels by the series they make, and by the increments that a budget\n"
		"sent to other, with the rule they come from, what they grew by in the last hour\n"
		"and what leaving them out would save; and the services with the most series.\n"
		"Exit status: 3 nobody listens there.\n"
		"\n"
		"Example:\n  winnow cardinality --admin 127.0.0.1:9465\n",
	.run = run,
};
