/* SPDX-License-Identifier: Apache-2.0 */
/* What the pipeline opens before it reads: the journal, the books over it, and where spans go. From the configuration to each room's options. */
#include "app/pipeline_parts.h"

#include "app/books.h"
#include "app/pipeline.h"
#include "app/status.h"
#include "base/clock.h"
#include "base/log.h"

#ifdef WINNOW_FAILPOINTS
#define SNAPSHOT_NS (2 * NS_PER_S) /* so that a test comes to it */
#else
#define SNAPSHOT_NS (120 * NS_PER_S)
#endif
#define RETRY_NS (2 * NS_PER_S)
#define STUCK_NS (60 * NS_PER_S)

int pipeline_open_journal(const struct config *config, const char *group, struct journal **ret, struct err *err)
{
	struct buf name = {0};
	if (config->journal.kind == CONFIG_JOURNAL_FILE)
		return journal_open_file(config->journal.directory, ret, err);
	buf_printf(&name, "%s%s", config->sources_len && config->sources[0].kind == CONFIG_SOURCE_KAFKA ? config->sources[0].kafka.group : "winnow", group);
	struct journal_kafka_opts opts = {
		.brokers = config->journal.kafka.brokers,
		.topic = config->journal.kafka.topic,
		.state_topic = config->journal.kafka.state_topic,
		.group = buf_cstr(&name),
		.properties = (const struct journal_property *)config->journal.kafka.properties.items,
		.properties_len = config->journal.kafka.properties.len,
	};
	_Static_assert(sizeof(struct journal_property) == sizeof(struct config_pair), "both are a key and a value");
	int rc = journal_open_kafka(&opts, ret, err);
	buf_done(&name);
	return rc;
}

/* While the journal is read at the start, a signal to leave is heeded. */
static bool asked_to_leave(void *arg)
{
	struct control *c = arg;
	control_wait_signal(c, 0);
	return c->leaving;
}

void pipeline_ledger_opts(const struct config *config, struct ledger_opts *ret)
{
	*ret = (struct ledger_opts){
		.step_ns = config->metrics.step_ns,
		.lateness_ns = config->metrics.lateness_ns,
		.expire_ns = config->metrics.expire_ns,
		.receiver_window_ns = config->metrics.window_ns,
		.series_limit = (size_t)config->budgets.series,
		.metric_limit = (size_t)config->budgets.series_per_metric,
		.service_limit = (size_t)config->budgets.series_per_service,
		.label_values = (size_t)config->budgets.label_values,
		.id_values = (size_t)config->budgets.id_values,
		.histograms = (enum ledger_histograms)config->metrics.histograms,
	};
}

static struct books_opts books_opts(const struct config *config)
{
	_Static_assert((int)CONFIG_HISTOGRAMS_NATIVE == (int)LEDGER_NATIVE && (int)CONFIG_HISTOGRAMS_BOTH == (int)LEDGER_BOTH, "the same choices");
	size_t window_steps = (size_t)(config->metrics.window_ns / config->metrics.step_ns);
	struct books_opts opts = {
		.snapshot_interval_ns = SNAPSHOT_NS,
		.max_pending_steps = window_steps + 30,
		.max_pending_bytes = 48 << 20,
		.stuck_ns = STUCK_NS,
	};
	pipeline_ledger_opts(config, &opts.ledger);
	return opts;
}

int pipeline_open_books(struct control *c)
{
	struct books_opts opts = books_opts(c->config);
	struct books_endpoint endpoints[BOOKS_ENDPOINTS_MAX];
	_Static_assert((int)CONFIG_ENDPOINTS_MAX == (int)BOOKS_ENDPOINTS_MAX, "the books have a ledger for each");
	for (size_t i = 0; i < c->config->remote_write_len; i++)
		endpoints[i] = (struct books_endpoint){.id = c->config->remote_write[i].id, .name = c->config->remote_write[i].name};
	opts.endpoints = endpoints;
	opts.endpoints_len = c->config->remote_write_len;
	opts.give_up = asked_to_leave;
	opts.give_up_arg = c;
	for (;;) {
		struct err err = {0};
		struct books *books = NULL;
		struct journal *journal = NULL;
		if (pipeline_open_journal(c->config, "", &journal, &err) == 0 && books_open(journal, &opts, &books, &err) == 0) {
			status_set_books(c->status, books);
			status_trouble(c->status, "journal", "");
			c->books = books;
			return 0;
		}
		status_trouble(c->status, "journal", err.text);
		log_line(LOG_ERROR, "journal", "%s", err.text);
		if (err.code != ERR_UNREACHABLE)
			return 1;
		if (c->leaving || (control_wait_signal(c, RETRY_NS) && c->leaving))
			return 3;
	}
}

static int open_kept(struct control *c)
{
	struct err err = {0};
	struct span_topic_opts opts = {
		.brokers = c->config->sampling.brokers,
		.topic = c->config->sampling.topic,
		.properties = (const struct kafka_property *)c->config->sampling.properties.items,
		.properties_len = c->config->sampling.properties.len,
	};
	_Static_assert(sizeof(struct kafka_property) == sizeof(struct config_pair), "both are a key and a value");
	if (!c->config->sampling.policy.on || span_topic_new(&opts, &c->kept, &err) == 0)
		return 0;
	log_line(LOG_ERROR, "sampling", "%s", err.text);
	return 1;
}

/* The endpoint beside the topic. */
static int open_otlp(struct control *c)
{
	struct err err = {0};
	struct span_sender_opts opts;
	span_sender_opts_default(&opts);
	if (!c->config->sampling.otlp.url)
		return 0;
	opts.http = (struct http_opts){
		.url = c->config->sampling.otlp.url,
		.headers = (const struct http_header *)c->config->sampling.otlp.headers.items,
		.headers_len = c->config->sampling.otlp.headers.len,
		.ca_file = c->config->sampling.otlp.ca,
		.cert_file = c->config->sampling.otlp.cert,
		.key_file = c->config->sampling.otlp.key,
		.insecure_skip_verify = c->config->sampling.otlp.insecure_skip_verify,
		.proxy = c->config->sampling.otlp.proxy,
		.timeout_ns = c->config->sampling.otlp.timeout_ns,
	};
	opts.gzip = c->config->sampling.otlp.compression == CONFIG_COMPRESSION_GZIP;
	opts.give_up_ns = c->config->sampling.otlp.give_up_ns;
	opts.queue_bytes = (size_t)c->config->sampling.otlp.queue_mib << 20;
	if (span_sender_start(&opts, &c->otlp, &err) < 0) {
		log_line(LOG_ERROR, "otlp", "sampling.otlp: %s", err.text);
		return 1;
	}
	status_set_otlp(c->status, c->otlp);
	return 0;
}

static int open_rekey(struct control *c)
{
	struct err err = {0};
	for (size_t i = 0; i < c->config->sources_len; i++) {
		const struct config_source *s = &c->config->sources[i];
		if (!s->kafka.rekey_topic)
			continue;
		struct span_topic_opts opts = {.brokers = s->kafka.brokers, .topic = s->kafka.rekey_topic, .properties = (const struct kafka_property *)s->kafka.properties.items, .properties_len = s->kafka.properties.len};
		c->rekey_topic = s->kafka.rekey_topic;
		if (span_topic_new(&opts, &c->rekey, &err) == 0)
			continue;
		log_line(LOG_ERROR, "rekey", "%s", err.text);
		return 1;
	}
	return 0;
}

int pipeline_open_outputs(struct control *c)
{
	int rc = open_kept(c);
	if (!rc)
		rc = open_otlp(c);
	return rc ? rc : open_rekey(c);
}
