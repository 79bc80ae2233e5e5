/* SPDX-License-Identifier: Apache-2.0 */
/* winnow audit: the records in the topic, the outcomes in the journal and the totals at the receiver, service by service. */
#include "app/audit.h"
#include "app/canary.h"
#include "app/command.h"
#include "app/instance.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/shard.h"
#include "source/kafka_range.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

struct auditor {
	struct audit books;
	struct config *config;
	const char *config_path, *receiver, *endpoint;
	struct ruleset *rules;
	struct shard *shard;
	enum format format;
	uint64_t values, undecodable;
};

/* --- the topic --- */

static void note_record(void *arg, const struct shard_view *view)
{
	struct auditor *a = arg;
	size_t n;
	const struct tally_entry *entries = tally_entries(view->tally, &n);
	for (size_t i = 0; i < n; i++) {
		struct slice service;
		bool spans;
		const struct tally_series *s = tally_series_at(view->tally, entries[i].series);
		if (audit_service(s->family, s->labels, s->labels_len, &service, &spans))
			audit_line(&a->books, service, spans)->topic += entries[i].count;
	}
}

static void take_value(void *arg, struct slice value)
{
	struct auditor *a = arg;
	struct decoded decoded;
	if (value.ptr == NULL)
		return;
	a->values++;
	shard_explain(a->shard, a->format, value, clock_wall_ns(), note_record, a, &decoded);
	a->undecodable += decoded.undecodable;
}

static const struct config_source *source_of(const struct config *config, const char *topic)
{
	for (size_t i = 0; i < config->sources_len; i++) {
		const struct config_source *s = &config->sources[i];
		for (size_t k = 0; s->kind == CONFIG_SOURCE_KAFKA && k < s->kafka.topics.len; k++)
			if (strcmp(s->kafka.topics.items[k], topic) == 0)
				return s;
	}
	return NULL;
}

static int read_topic(struct auditor *a, struct err *err)
{
	int rc = 0;
	for (size_t i = 0; !rc && i < a->books.ranges_len; i++) {
		const struct audit_range *r = &a->books.ranges[i];
		const struct config_source *source = source_of(a->config, r->topic);
		struct kafka_range range = {.partition = r->partition, .from = r->from, .to = r->to};
		if (r->from == r->to)
			continue;
		if (!source)
			return err_set(err, ERR_INPUT, "%s: the journal counts it, and it is no Kafka topic of this configuration", r->topic);
		snprintf(range.topic, sizeof(range.topic), "%s", r->topic);
		a->format = (enum format)source->format;
		_Static_assert(sizeof(struct kafka_property) == sizeof(struct config_pair), "both are a key and a value");
		rc = kafka_range_read(source->kafka.brokers, (const struct kafka_property *)source->kafka.properties.items, source->kafka.properties.len, &range, take_value, a, err);
	}
	return rc;
}

static int load_rules(struct auditor *a)
{
	struct rule_errors errors = {0};
	int rc = ruleset_load(a->config->rules.items, a->config->rules.len, &a->rules, &errors);
	fprintf(stderr, "%s", buf_cstr(&errors.text));
	buf_done(&errors.text);
	if (!rc)
		a->shard = shard_new(&(struct shard_opts){.step_ns = a->config->metrics.step_ns, .rules = a->rules, .limits = {.patterns_per_service = 10000}, .fields = a->config->decoder_fields, .fields_len = a->config->decoder_fields_len});
	return rc;
}

/* --- the receiver --- */

static int ask_family(struct auditor *a, struct instance *receiver, const char *family, bool spans, struct err *err)
{
	struct buf path = {0};
	struct json json;
	buf_printf(&path, "/api/v1/query?query=sum%%20by%%20(service_name)(%s)&time=%lld.%03lld", family, (long long)(a->books.sent_ns / NS_PER_S), (long long)(a->books.sent_ns / NS_PER_MS % 1000));
	int rc = instance_get(receiver, buf_cstr(&path), &json, err);
	buf_done(&path);
	if (rc)
		return rc;
	uint32_t list = json_get(&json, json_get(&json, JSON_ROOT, SLICE("data")), SLICE("result"));
	if (!list || !json_is_array(&json, list))
		return err_set(err, ERR_INPUT, "%s: its answer holds no result", instance_url(receiver));
	for (uint32_t at = json_first(list); at < json_end(&json, list); at = json_next(&json, at)) {
		struct slice service = json_text(&json, json_get(&json, json_get(&json, at, SLICE("metric")), SLICE("service_name")));
		uint32_t pair = json_get(&json, at, SLICE("value"));
		double value = NAN;
		if (pair && json_is_array(&json, pair))
			value = strtod(json_text(&json, json_next(&json, json_first(pair))).ptr, NULL);
		audit_line(&a->books, service, spans)->received = isfinite(value) && value >= 0 ? (uint64_t)llround(value) : 0;
	}
	return 0;
}

static int ask_receiver(struct auditor *a, struct err *err)
{
	struct buf address = {0};
	struct instance *receiver = NULL;
	if (!a->books.sent_ns)
		return 0; /* nothing was sent yet */
	const char *said = a->receiver ? a->receiver : a->books.endpoint == 0 ? a->config->canary.query : NULL;
	canary_query_address(a->config, a->books.endpoint, said, &address);
	int rc = instance_open(buf_cstr(&address), NULL, &receiver, err);
	if (!rc)
		rc = ask_family(a, receiver, "log_records_total", false, err);
	if (!rc)
		rc = ask_family(a, receiver, "traces_span_metrics_calls_total", true, err);
	instance_free(receiver);
	buf_done(&address);
	return rc;
}

/* --- the books --- */

static int by_service(const void *a, const void *b)
{
	const struct audit_line *const *x = a, *const *y = b;
	int order = slice_cmp((*x)->service, (*y)->service);
	return order ? order : (int)(*x)->spans - (int)(*y)->spans;
}

static void print_time(const char *before, int64_t ns)
{
	char text[32];
	struct tm tm;
	time_t seconds = ns / NS_PER_S;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
	printf("%s%s", before, text);
}

/* How many lines do not balance. */
static size_t print_books(struct auditor *a)
{
	struct audit *books = &a->books;
	size_t wrong = 0;
	qsort(books->lines, books->len, sizeof(struct audit_line *), by_service);
	printf("%llu deltas", (unsigned long long)books->deltas);
	print_time(", ", books->first_ns);
	print_time(" to ", books->last_ns);
	printf("; %llu messages of the topics read again, %llu undecodable, %llu deltas rejected\n", (unsigned long long)a->values, (unsigned long long)a->undecodable, (unsigned long long)books->rejected);
	if (books->sent_ns)
		print_time("sent and received: as of ", books->sent_ns);
	printf("\n%-24s %-6s %14s %14s %14s %14s\n", "SERVICE", "KIND", "IN THE TOPIC", "COUNTED", "SENT", "RECEIVED");
	for (size_t i = 0; i < books->len; i++) {
		const struct audit_line *l = books->lines[i];
		bool lost = l->topic != l->counted, unlike = l->sent != l->received;
		wrong += lost || unlike;
		printf("%-24.*s %-6s %14llu %14llu %14llu %14llu%s%s\n", (int)l->service.len, l->service.len ? l->service.ptr : "", l->spans ? "spans" : "logs", (unsigned long long)l->topic,
			(unsigned long long)l->counted, (unsigned long long)l->sent, (unsigned long long)l->received, lost ? "  topic and journal differ" : "", unlike ? "  journal and receiver differ" : "");
	}
	printf("%s\n", wrong ? "The books do not balance." : "The books balance.");
	return wrong;
}

static int parse(struct auditor *a, int argc, char **argv)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'}, {"since", required_argument, NULL, 's'}, {"until", required_argument, NULL, 'u'}, {"receiver", required_argument, NULL, 'r'}, {"endpoint", required_argument, NULL, 'e'}, {0}};
	int64_t now = clock_wall_ns(), ago;
	int option;
	optind = 0;
	opterr = 0;
	a->books.until_ns = INT64_MAX;
	while ((option = getopt_long(argc, argv, "c:", longs, NULL)) != -1) {
		if ((option == 's' || option == 'u') && !clock_parse_duration(slice_str(optarg), &ago))
			return command_usage(&cmd_audit, "\"%s\" is no duration like 10m or 2h", optarg);
		if (option == 'c')
			a->config_path = optarg;
		else if (option == 's')
			a->books.from_ns = now - ago;
		else if (option == 'u')
			a->books.until_ns = now - ago;
		else if (option == 'r')
			a->receiver = optarg;
		else if (option == 'e')
			a->endpoint = optarg;
		else
			return command_usage(&cmd_audit, "unknown option or missing value: %s", argv[optind - 1]);
	}
	return optind < argc ? command_usage(&cmd_audit, "does not know what to do with \"%s\"", argv[optind]) : 0;
}

/* The one that is asked for, or the first. */
static int find_endpoint(struct auditor *a)
{
	const char *names[CONFIG_ENDPOINTS_MAX + 1] = {0};
	for (size_t i = 0; a->endpoint && i < a->config->remote_write_len; i++) {
		names[i] = a->config->remote_write[i].name;
		a->books.endpoint = i;
		if (strcmp(names[i], a->endpoint) == 0)
			return 0;
	}
	if (!a->endpoint)
		return 0;
	const char *nearest = err_nearest(slice_str(a->endpoint), names);
	fprintf(stderr, "winnow audit: no endpoint of remote_write is called \"%s\"%s%s%s\n", a->endpoint, nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
	return ERR_INPUT;
}

static int load(struct auditor *a)
{
	struct config_errors errors = {0};
	int rc = config_load(a->config_path, &a->config, &errors);
	fprintf(stderr, "%s", errors.text.len ? buf_cstr(&errors.text) : "");
	config_errors_done(&errors);
	if (!rc)
		rc = find_endpoint(a);
	return rc ? rc : load_rules(a);
}

static int run(int argc, char **argv)
{
	struct auditor a = {.config_path = "winnow.yaml"};
	log_set_level(LOG_ERROR); /* what the journal says of itself is no part of the books */
	struct err err = {0};
	size_t wrong = 0;
	int rc = parse(&a, argc, argv);
	if (rc)
		return rc;
	rc = load(&a);
	if (!rc)
		rc = audit_journal(&a.books, a.config, &err);
	if (!rc)
		rc = ask_receiver(&a, &err);
	if (!rc)
		rc = read_topic(&a, &err);
	if (!rc)
		wrong = print_books(&a);
	if (err.text[0])
		fprintf(stderr, "winnow audit: %s\n", err.text);
	shard_free(a.shard);
	ruleset_free(a.rules);
	config_free(a.config);
	audit_done(&a.books);
	return rc ? command_status(rc) : wrong > 0;
}

const struct command cmd_audit = {
	.name = "audit",
	.synopsis = "[-c FILE] [--since AGE] [--until AGE] [--endpoint NAME] [--receiver URL]",
	.summary = "Compares topic, journal and receiver, service by service",
	.help = "  -c, --config FILE   the configuration of the instances (winnow.yaml)\n"
		"      --since AGE     deltas of the journal since so long ago (all that it has)\n"
		"      --until AGE     and until so long ago (now)\n"
		"      --endpoint NAME of several, the one whose receiver is asked (the first)\n"
		"      --receiver URL  where the receiver answers queries (beside its url)\n"
		"\n"
		"Reads again what deltas of that time counted, and asks the receiver for its totals\n"
		"at the last step that was sent. Runs beside winnow and changes nothing.\n"
		"\n"
		"Exit status: 0 the books balance, 1 they do not, 2 wrong usage, 3 no answer.\n"
		"\n"
		"Example:\n  winnow audit -c winnow.yaml --since 10m\n",
	.run = run,
};
