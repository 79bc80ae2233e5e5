/* SPDX-License-Identifier: Apache-2.0 */
/* winnow.yaml as a struct: everything the commands and rooms are set up with. Loaded at boot; immutable afterwards, so any thread may read it. */
#ifndef WINNOW_APP_CONFIG_H
#define WINNOW_APP_CONFIG_H

#include "base/buf.h"
#include "base/err.h"
#include "engine/sampling.h"
#include "record/decoder.h"

struct config_pair {
	const char *key, *value;
};

struct config_pairs {
	struct config_pair *items;
	size_t len;
};

struct config_strings {
	const char **items; /* items[len] is NULL */
	size_t len;
};

enum config_start_kind { CONFIG_START_EARLIEST, CONFIG_START_LATEST, CONFIG_START_TIME };

struct config_start {
	enum config_start_kind kind;
	int64_t time_ns; /* CONFIG_START_TIME */
};

enum config_source_kind { CONFIG_SOURCE_KAFKA, CONFIG_SOURCE_FILE };

struct config_source {
	enum config_source_kind kind;
	int format; /* enum format of record/decoder.h */
	const struct zone *zone; /* of times that name none */
	struct {
		const char *brokers, *group;
		struct config_strings topics; /* ^ starts a regular expression */
		struct config_start start;
		struct config_pairs properties; /* librdkafka's, checked for name and value */
		struct {
			const char *topic; /* NULL: none */
			int64_t per_second;
		} dead_letters;
		const char *rekey_topic; /* NULL: its spans are keyed by trace id */
	} kafka;
	struct {
		const char *path; /* "-": standard input */
		bool follow;
	} file;
};

enum { CONFIG_FIELDS = 8 };
enum config_journal_kind { CONFIG_JOURNAL_FILE, CONFIG_JOURNAL_KAFKA };
enum config_spans { CONFIG_SPANS_OTEL, CONFIG_SPANS_TEMPO, CONFIG_SPANS_SEMCONV };
enum config_edges { CONFIG_EDGES_KINDS, CONFIG_EDGES_SERVICES };
enum config_histograms { CONFIG_HISTOGRAMS_CLASSIC, CONFIG_HISTOGRAMS_NATIVE, CONFIG_HISTOGRAMS_BOTH };
enum config_incident_examples { CONFIG_INCIDENT_FULL, CONFIG_INCIDENT_AS_CONFIGURED };
enum config_compression { CONFIG_COMPRESSION_GZIP, CONFIG_COMPRESSION_NONE };
enum config_write_version { CONFIG_WRITE_AUTO, CONFIG_WRITE_1_0, CONFIG_WRITE_2_0 };

/* Where samples go. */
struct config_endpoint {
	const char *name; /* CONFIG_ENDPOINT_FIRST unless set */
	uint64_t id;      /* made of it: in the journal */
	const char *url;
	enum config_write_version version;
	struct config_pairs headers;
	const char *username, *password, *bearer_token; /* NULL if not set */
	const char *ca, *cert, *key;                    /* NULL if not set */
	bool insecure_skip_verify;
	const char *proxy;                              /* NULL if not set */
	struct {
		const char *region, *service, *access_key, *secret_key; /* region NULL: none */
	} sigv4;
	struct {
		const char *token_url, *client_id, *client_secret, *scopes; /* token_url NULL: none */
	} oauth2;
	int64_t timeout_ns, aside_retry_ns;
	int64_t in_flight;
};

#define CONFIG_ENDPOINT_FIRST "default"
enum { CONFIG_ENDPOINTS_MAX = 8 };

struct config {
	struct config_source *sources;
	size_t sources_len;
	struct {
		enum config_journal_kind kind;
		const char *directory; /* CONFIG_JOURNAL_FILE */
		struct {
			const char *brokers; /* of the first Kafka source unless set */
			const char *topic, *state_topic;
			struct config_pairs properties; /* of the first Kafka source unless set */
		} kafka;
	} journal;
	struct config_strings rules; /* files or directories */
	struct config_strings fields[CONFIG_FIELDS]; /* paths by member, in the order of decoder_members */
	struct decoder_field decoder_fields[CONFIG_FIELDS]; /* those of them that are set, for the decoders */
	size_t decoder_fields_len;
	struct {
		int64_t step_ns, lateness_ns, expire_ns, window_ns;
		enum config_spans spans;
		struct config_strings span_dimensions;
		bool exceptions_are_errors;
		int64_t service_graph_hold_ns; /* 0: no service graph */
		bool join_full_lines;
		enum config_edges service_graph_edges;
		enum config_histograms histograms;
	} metrics;
	struct {
		const char *topic, *brokers; /* topic NULL: no sampling; brokers: of the first Kafka source unless set */
		struct config_pairs properties;
		const char *share, *slow, *slow_quantile;
		struct config_strings shares, slow_operations, keep;
		int64_t per_second, hold_ns, quiet_ns, grace_ns, memory_mib;
		bool errors, patterns;
		struct sampling policy; /* made of the above */
		struct {
			const char *url; /* NULL: none */
			struct config_pairs headers;
			const char *ca, *cert, *key, *proxy; /* NULL if not set */
			bool insecure_skip_verify;
			int compression; /* enum config_compression */
			int64_t timeout_ns, give_up_ns, queue_mib;
		} otlp; /* an endpoint beside the topic */
	} sampling;
	struct {
		int64_t series, series_per_metric, series_per_service, patterns_per_service, label_values, id_values;
	} budgets;
	struct config_endpoint *remote_write; /* at least one */
	size_t remote_write_len;
	struct {
		const char *listen; /* HOST:PORT */
		const char *token;  /* NULL if not set */
		bool insecure;
	} admin;
	int examples; /* enum examples_kept of engine/shard.h */
	struct {
		const char *topic;  /* NULL: a file in journal.directory */
		const char *brokers; /* of the journal if it is in Kafka, else of the first Kafka source */
		struct config_pairs properties;
		int64_t minutes;
		int level;          /* 0: trace, 1: debug ... */
		enum config_incident_examples examples;
	} incident;
	struct {
		const char *topic;  /* NULL: no canary */
		const char *query;  /* NULL: beside the first remote_write.url */
		int64_t interval_ns, records;
		const char *brokers; /* of the source that reads the topic */
		struct config_pairs properties;
	} canary;
	int64_t shards;
	int log_level; /* enum log_level of base/log.h */
	struct config_memory *memory;
};

/* All mistakes at once: "winnow.yaml:3:7: unknown key "brokres"; did you mean "brokers"?", each on a line. No secret is ever in them. */
struct config_errors {
	struct buf text;
	size_t len;
};

/* Reads, expands ${...}, checks. 0 or ERR_INPUT with errors filled; *ret is set only on success and is the caller's to config_free. */
int config_load(const char *path, struct config **ret, struct config_errors *errors);
/* The same from text; name stands in the errors, relative paths mean the working directory in both. */
int config_load_text(struct slice text, const char *name, struct config **ret, struct config_errors *errors);
/* What every key has unless a file says otherwise: no sources, no remote-write URL. For commands that need no file. */
struct config *config_defaults(void);
/* Whether a file is a winnow.yaml and not a rule file, which has only `rules`, a list of maps. */
bool config_is_one(const char *path);
void config_free(struct config *config);
void config_errors_done(struct config_errors *errors);
/* docs/configuration.md, from the table of options. */
void config_print_docs(struct buf *out);

#endif
