/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of options: it parses, checks and documents winnow.yaml. A new option is a row here and a member in struct config. */
#include "app/config_option.h"
#include "base/log.h"
#include "engine/shard.h"
#include "record/decoder.h"

static const char *const formats[] = {
	[FORMAT_AUTO] = "auto", [FORMAT_JSON] = "json", [FORMAT_OTLP_JSON] = "otlp_json", [FORMAT_OTLP_PROTO] = "otlp_proto",
	[FORMAT_MSGPACK] = "msgpack", [FORMAT_ZIPKIN] = "zipkin", [FORMAT_JAEGER] = "jaeger", [FORMAT_TEXT] = "text", [FORMAT_COUNT] = NULL,
};
static const char *const spans[] = {[CONFIG_SPANS_OTEL] = "otel", [CONFIG_SPANS_TEMPO] = "tempo", [CONFIG_SPANS_SEMCONV] = "semconv", NULL};
static const char *const edges[] = {[CONFIG_EDGES_KINDS] = "kinds", [CONFIG_EDGES_SERVICES] = "services", NULL};
static const char *const histograms[] = {[CONFIG_HISTOGRAMS_CLASSIC] = "classic", [CONFIG_HISTOGRAMS_NATIVE] = "native", [CONFIG_HISTOGRAMS_BOTH] = "both", NULL};
static const char *const compressions[] = {"gzip", "none", NULL};
static const char *const versions[] = {[CONFIG_WRITE_AUTO] = "auto", [CONFIG_WRITE_1_0] = "1.0", [CONFIG_WRITE_2_0] = "2.0", NULL};
static const char *const examples[] = {[EXAMPLES_FULL] = "full", [EXAMPLES_MASKED] = "masked", [EXAMPLES_NONE] = "none", NULL};
static const char *const wanted_levels[] = {"trace", "debug", "info", "warn", "error", "fatal", NULL}; /* from SEVERITY_TRACE on */
static const char *const incident_examples[] = {[CONFIG_INCIDENT_FULL] = "full", [CONFIG_INCIDENT_AS_CONFIGURED] = "as_configured", NULL};
static const char *const levels[] = {[LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error", NULL};

#define IN_SOURCE(member) offsetof(struct config_source, member)
#define IN_ENDPOINT(member) offsetof(struct config_endpoint, member)
#define IN(member) offsetof(struct config, member)

const struct option options[] = {
	{"sources[].kafka.brokers", OPTION_STRING, IN_SOURCE(kafka.brokers), "localhost:9092", NULL, NULL, NULL, "Bootstrap servers, `host:port`, comma-separated."},
	{"sources[].kafka.topics", OPTION_STRINGS, IN_SOURCE(kafka.topics), NULL, NULL, NULL, NULL, "Topics to read; `^` starts a regular expression. Required."},
	{"sources[].kafka.group", OPTION_STRING, IN_SOURCE(kafka.group), "winnow", NULL, NULL, NULL, "Consumer group: instances with the same group share the partitions."},
	{"sources[].kafka.start", OPTION_START, IN_SOURCE(kafka.start), "earliest", NULL, NULL, NULL, "Where to begin with a partition that the journal does not know: `earliest`, `latest` or an RFC 3339 time."},
	{"sources[].kafka.properties", OPTION_KAFKA, IN_SOURCE(kafka.properties), NULL, NULL, NULL, NULL, "Anything librdkafka knows, for example `security.protocol`, `sasl.username`, `ssl.ca.location`."},
	{"sources[].kafka.dead_letters.topic", OPTION_STRING, IN_SOURCE(kafka.dead_letters.topic), NULL, NULL, NULL, NULL, "A topic of the same brokers for messages that cannot be read: key, value and headers as they were, with the reason and the place as headers `winnow.*`."},
	{"sources[].kafka.dead_letters.per_second", OPTION_INT, IN_SOURCE(kafka.dead_letters.per_second), "100", "0", "1000000", NULL, "Most messages a second that go there, ten seconds' worth at once; 0: no limit. The others are counted as everywhere."},
	{"sources[].kafka.rekey.topic", OPTION_STRING, IN_SOURCE(kafka.rekey_topic), NULL, NULL, NULL, NULL, "A topic of the same brokers, for spans whose own topic is not keyed by trace id: they go there keyed by it, and are read from there for the service graph and for sampling. At most one source has it."},
	{"sources[].file.path", OPTION_STRING, IN_SOURCE(file.path), NULL, NULL, NULL, NULL, "A file of lines; `-` is standard input. Required."},
	{"sources[].file.follow", OPTION_BOOL, IN_SOURCE(file.follow), "false", NULL, NULL, NULL, "Wait for more at the end of the file."},
	{"sources[].format", OPTION_CHOICE, IN_SOURCE(format), "auto", NULL, NULL, formats, "What a message or line holds."},
	{"sources[].timezone", OPTION_ZONE, IN_SOURCE(zone), NULL, NULL, NULL, NULL, "Where the clocks stand whose times name no zone: `Europe/Berlin` or any other name of the system's time zone database, or an offset, `+01:00`. Unset, such a time is taken for UTC, and gives way to one of its envelope that names its zone."},
	{"journal.file", OPTION_STRING, IN(journal.directory), "/var/lib/winnow", NULL, NULL, NULL, "Directory of the journal and its snapshots, for one instance. The default when neither kind is named."},
	{"journal.kafka.brokers", OPTION_STRING, IN(journal.kafka.brokers), NULL, NULL, NULL, NULL, "Bootstrap servers of the journal; those of the first Kafka source unless set."},
	{"journal.kafka.topic", OPTION_STRING, IN(journal.kafka.topic), "winnow.journal", NULL, NULL, NULL, "The journal's topic, shared by all instances; created if it is missing."},
	{"journal.kafka.state_topic", OPTION_STRING, IN(journal.kafka.state_topic), "winnow.state", NULL, NULL, NULL, "The compacted topic of snapshots; created if it is missing."},
	{"journal.kafka.properties", OPTION_KAFKA, IN(journal.kafka.properties), NULL, NULL, NULL, NULL, "librdkafka properties for the journal; those of the first Kafka source unless set."},
	{"rules", OPTION_STRINGS, IN(rules), NULL, NULL, NULL, NULL, "Rule files, or directories of them (`*.yaml`, `*.yml`, in name order)."},
	{"fields.time", OPTION_STRINGS, IN(fields[0]), NULL, NULL, NULL, NULL, "Dotted paths of fields that hold the event time, asked before the shape; the first that is there wins."},
	{"fields.severity", OPTION_STRINGS, IN(fields[1]), NULL, NULL, NULL, NULL, "Dotted paths of fields that hold the severity, asked before the shape; the first that is there wins."},
	{"fields.service", OPTION_STRINGS, IN(fields[2]), NULL, NULL, NULL, NULL, "Dotted paths of fields that hold the service's name, asked before the shape; the first that is there wins."},
	{"fields.message", OPTION_STRINGS, IN(fields[3]), NULL, NULL, NULL, NULL, "Dotted paths of fields that hold the message, asked before the shape; the first that is there wins."},
	{"fields.logger", OPTION_STRINGS, IN(fields[4]), NULL, NULL, NULL, NULL, "Dotted paths of fields that hold the logger's name, asked before the shape; the first that is there wins."},
	{"fields.trace_id", OPTION_STRINGS, IN(fields[5]), NULL, NULL, NULL, NULL, "Dotted paths of fields that hold the trace id, asked before the shape; the first that is there wins."},
	{"fields.span_id", OPTION_STRINGS, IN(fields[6]), NULL, NULL, NULL, NULL, "Dotted paths of fields that hold the span id, asked before the shape; the first that is there wins."},
	{"fields.duration", OPTION_STRINGS, IN(fields[7]), NULL, NULL, NULL, NULL, "Dotted paths of fields that hold a duration (milliseconds unless it names its unit), asked before the shape; the first that is there wins."},
	{"metrics.step", OPTION_DURATION, IN(metrics.step_ns), "10s", "1s", "5m", NULL, "Event time between two samples of a series."},
	{"metrics.lateness", OPTION_DURATION, IN(metrics.lateness_ns), "2s", "0s", "5m", NULL, "How long a step waits for records that are out of order."},
	{"metrics.expire", OPTION_DURATION, IN(metrics.expire_ns), "15m", "1m", "7d", NULL, "A series without increments for this long gets a stale marker and leaves."},
	{"metrics.window", OPTION_DURATION, IN(metrics.window_ns), "55m", "1m", "30d", NULL, "How far back the receiver takes samples; older steps are folded into the first one inside."},
	{"metrics.spans", OPTION_CHOICE, IN(metrics.spans), "otel", NULL, NULL, spans, "Names and labels of the span metrics: OpenTelemetry's connector, Grafana Tempo, or HTTP by the semantic conventions."},
	{"metrics.span_dimensions", OPTION_STRINGS, IN(metrics.span_dimensions), NULL, NULL, NULL, NULL, "Attributes of spans or their resources that become labels as well, 16 at most; each has the budget `label_values` per service."},
	{"metrics.exceptions_are_errors", OPTION_BOOL, IN(metrics.exceptions_are_errors), "false", NULL, NULL, NULL, "A span whose status is unset counts as failed if one of its events is an exception."},
	{"metrics.service_graph_hold", OPTION_DURATION, IN(metrics.service_graph_hold_ns), "30s", "0s", "5m", NULL, "How long a span waits for the other end of its call, in event time, before its attributes name it; `0s`: no service graph."},
	{"metrics.service_graph_edges", OPTION_CHOICE, IN(metrics.service_graph_edges), "kinds", NULL, NULL, edges, "What is an edge: spans whose `kinds` say so (CLIENT and SERVER, PRODUCER and CONSUMER), or also a span and its parent in another service whatever their kinds: `services`."},
	{"sampling.topic", OPTION_STRING, IN(sampling.topic), NULL, NULL, NULL, NULL, "A Kafka topic for the spans of traces worth keeping: OTLP in protobuf, keyed by trace id. Naming it turns tail sampling on."},
	{"sampling.brokers", OPTION_STRING, IN(sampling.brokers), NULL, NULL, NULL, NULL, "Bootstrap servers of that topic; those of the first Kafka source unless set."},
	{"sampling.properties", OPTION_KAFKA, IN(sampling.properties), NULL, NULL, NULL, NULL, "librdkafka properties for it; those of the first Kafka source unless set."},
	{"sampling.share", OPTION_STRING, IN(sampling.share), "1%", NULL, NULL, NULL, "Share of all traces that is kept whatever is in them, by a hash of the trace id."},
	{"sampling.shares", OPTION_STRINGS, IN(sampling.shares), NULL, NULL, NULL, NULL, "Shares of single services, `SERVICE=10%`: a trace with a span of the service is kept with this share."},
	{"sampling.per_second", OPTION_INT, IN(sampling.per_second), "0", "0", "1000000", NULL, "Most traces a second of event time that one partition keeps for a service's share; 0: no limit."},
	{"sampling.errors", OPTION_BOOL, IN(sampling.errors), "true", NULL, NULL, NULL, "Keep traces with a span or a log record that failed."},
	{"sampling.slow", OPTION_STRING, IN(sampling.slow), "1s", NULL, NULL, NULL, "Keep traces with a span that took longer; `0s`: none is too slow."},
	{"sampling.slow_operations", OPTION_STRINGS, IN(sampling.slow_operations), NULL, NULL, NULL, NULL, "Other bounds for single operations, by the span's name: `NAME=500ms` or `SERVICE:NAME=500ms`; the first that fits counts, `0s`: none."},
	{"sampling.keep", OPTION_STRINGS, IN(sampling.keep), NULL, NULL, NULL, NULL, "Keep traces with a span that has this attribute (`customer.tier=gold`, or `debug` with any value); `service=NAME` is its service."},
	{"sampling.patterns", OPTION_BOOL, IN(sampling.patterns), "true", NULL, NULL, NULL, "Keep the traces of the first ten log records of a pattern that is new."},
	{"sampling.hold", OPTION_DURATION, IN(sampling.hold_ns), "30s", "1s", "5m", NULL, "How long a trace may take to be complete, in event time of its partition since its first span."},
	{"sampling.quiet", OPTION_DURATION, IN(sampling.quiet_ns), "5s", "100ms", "5m", NULL, "A trace is complete sooner if its root has ended and nothing came for this long."},
	{"sampling.grace", OPTION_DURATION, IN(sampling.grace_ns), "10s", "1s", "10m", NULL, "How long after that the logs of other partitions are heard before a trace is dropped, in event time: as far as log records of one partition come out of order, or behind the spans."},
	{"sampling.memory_mib", OPTION_INT, IN(sampling.memory_mib), "256", "1", "65536", NULL, "Most MiB of undecided traces in one partition; past it, the oldest are decided early."},
	{"sampling.otlp.url", OPTION_STRING, IN(sampling.otlp.url), NULL, NULL, NULL, NULL, "An OTLP/HTTP endpoint that gets the kept spans as well, for example `http://tempo:4318/v1/traces`. The topic is what holds them surely: see [spans](spans.md#to-an-otlp-endpoint)."},
	{"sampling.otlp.headers", OPTION_PAIRS, IN(sampling.otlp.headers), NULL, NULL, NULL, NULL, "Headers to send along, for example `Authorization: Bearer ${file:/run/secrets/NAME}`."},
	{"sampling.otlp.compression", OPTION_CHOICE, IN(sampling.otlp.compression), "gzip", NULL, NULL, compressions, "How requests are packed."},
	{"sampling.otlp.tls.ca", OPTION_STRING, IN(sampling.otlp.ca), NULL, NULL, NULL, NULL, "File of certificate authorities to trust instead of the system's."},
	{"sampling.otlp.tls.cert", OPTION_STRING, IN(sampling.otlp.cert), NULL, NULL, NULL, NULL, "File of the client certificate."},
	{"sampling.otlp.tls.key", OPTION_STRING, IN(sampling.otlp.key), NULL, NULL, NULL, NULL, "File of its private key."},
	{"sampling.otlp.tls.insecure_skip_verify", OPTION_BOOL, IN(sampling.otlp.insecure_skip_verify), "false", NULL, NULL, NULL, "Do not check the endpoint's certificate."},
	{"sampling.otlp.proxy", OPTION_STRING, IN(sampling.otlp.proxy), NULL, NULL, NULL, NULL, "Proxy to go through, `http://HOST:PORT`; if not set, what the environment says."},
	{"sampling.otlp.timeout", OPTION_DURATION, IN(sampling.otlp.timeout_ns), "10s", "1s", "10m", NULL, "How long one request may take."},
	{"sampling.otlp.give_up", OPTION_DURATION, IN(sampling.otlp.give_up_ns), "5m", "1s", "24h", NULL, "Kept spans that waited this long for the endpoint are given up, and counted."},
	{"sampling.otlp.queue_mib", OPTION_INT, IN(sampling.otlp.queue_mib), "64", "1", "4096", NULL, "Most MiB that wait for the endpoint; past it, kept spans go to the topic alone, and are counted."},
	{"metrics.join_full_lines", OPTION_BOOL, IN(metrics.join_full_lines), "false", NULL, NULL, NULL, "A container's line that fills Docker's buffer of 16 KiB and has no end of line goes on in the next message: both are one record. Off, each counts; lines whose pieces are marked (CRI, `partial_message`), or are JSON that stops in the middle, are joined always."},
	{"metrics.histograms", OPTION_CHOICE, IN(metrics.histograms), "classic", NULL, NULL, histograms, "How histograms are sent: `classic`, `native` (exponential, 9 % a bucket), or `both`. The receiver must take native ones: see [remote write](remote-write.md#histograms)."},
	{"budgets.series", OPTION_INT, IN(budgets.series), "200000", "100", "10000000", NULL, "Series in all, as the receiver counts them; past it, increments go to `other`. No service takes more of it than it leaves free for others."},
	{"budgets.series_per_metric", OPTION_INT, IN(budgets.series_per_metric), "100000", "0", "10000000", NULL, "Series of one metric; past it, `other`. Shared out like all series. 0: no budget of its own."},
	{"budgets.series_per_service", OPTION_INT, IN(budgets.series_per_service), "50000", "0", "10000000", NULL, "Series of one service; past it, `other`. 0: none but its fair share."},
	{"budgets.patterns_per_service", OPTION_INT, IN(budgets.patterns_per_service), "1000", "1", "100000", NULL, "Mined patterns of one service; past it, `other`."},
	{"budgets.label_values", OPTION_INT, IN(budgets.label_values), "200", "1", "100000", NULL, "Values of one label of a rule, and span names, routes and values of a dimension of one service; past it, `other`."},
	{"budgets.id_values", OPTION_INT, IN(budgets.id_values), "16", "0", "100000", NULL, "Of those, values that look like ids (UUIDs, long numbers); past it, such ones are `other`, with a warning that names the rule. 0: ids are as welcome as other values."},
	{"examples", OPTION_CHOICE, IN(examples), "full", NULL, NULL, examples, "What is kept of the best record of each pattern: its text, the text with the values `masked`, or `none`. What the journal holds already stays until a better one comes."},
	{"remote_write.name", OPTION_STRING, IN_ENDPOINT(name), CONFIG_ENDPOINT_FIRST, NULL, NULL, NULL, "What this endpoint is called, where there are several (`remote_write` is then a list of such mappings). The journal notes its progress under this name: under another it begins anew. Letters, digits, `_`, `-` and `.`."},
	{"remote_write.url", OPTION_STRING, IN_ENDPOINT(url), NULL, NULL, NULL, NULL, "Where samples go, for example `http://localhost:9090/api/v1/write`. Required."},
	{"remote_write.version", OPTION_CHOICE, IN_ENDPOINT(version), "auto", NULL, NULL, versions, "Version of the protocol; `auto` begins with 2.0 and speaks 1.0 (for an hour, then it asks again) to a receiver that does not understand it."},
	{"remote_write.headers", OPTION_PAIRS, IN_ENDPOINT(headers), NULL, NULL, NULL, NULL, "Headers to send along, for example `X-Scope-OrgID: team-a`."},
	{"remote_write.basic_auth.username", OPTION_STRING, IN_ENDPOINT(username), NULL, NULL, NULL, NULL, "User for basic authentication."},
	{"remote_write.basic_auth.password", OPTION_SECRET, IN_ENDPOINT(password), NULL, NULL, NULL, NULL, "Its password; best as `${file:/run/secrets/NAME}`."},
	{"remote_write.bearer_token", OPTION_SECRET, IN_ENDPOINT(bearer_token), NULL, NULL, NULL, NULL, "Token, instead of basic authentication."},
	{"remote_write.tls.ca", OPTION_STRING, IN_ENDPOINT(ca), NULL, NULL, NULL, NULL, "File of certificate authorities to trust instead of the system's."},
	{"remote_write.tls.cert", OPTION_STRING, IN_ENDPOINT(cert), NULL, NULL, NULL, NULL, "File of the client certificate."},
	{"remote_write.tls.key", OPTION_STRING, IN_ENDPOINT(key), NULL, NULL, NULL, NULL, "File of its private key."},
	{"remote_write.tls.insecure_skip_verify", OPTION_BOOL, IN_ENDPOINT(insecure_skip_verify), "false", NULL, NULL, NULL, "Do not check the receiver's certificate."},
	{"remote_write.proxy", OPTION_STRING, IN_ENDPOINT(proxy), NULL, NULL, NULL, NULL, "Proxy to go through, `http://HOST:PORT`; if not set, what the environment says (`https_proxy`, `no_proxy`)."},
	{"remote_write.sigv4.region", OPTION_STRING, IN_ENDPOINT(sigv4.region), NULL, NULL, NULL, NULL, "Requests are signed for this AWS region (Signature Version 4)."},
	{"remote_write.sigv4.service", OPTION_STRING, IN_ENDPOINT(sigv4.service), "aps", NULL, NULL, NULL, "The service they are signed for."},
	{"remote_write.sigv4.access_key", OPTION_STRING, IN_ENDPOINT(sigv4.access_key), NULL, NULL, NULL, NULL, "The key's id."},
	{"remote_write.sigv4.secret_key", OPTION_SECRET, IN_ENDPOINT(sigv4.secret_key), NULL, NULL, NULL, NULL, "The key."},
	{"remote_write.oauth2.token_url", OPTION_STRING, IN_ENDPOINT(oauth2.token_url), NULL, NULL, NULL, NULL, "Where a bearer token is fetched by client credentials (OAuth 2); again before it runs out, and when the receiver does not take it."},
	{"remote_write.oauth2.client_id", OPTION_STRING, IN_ENDPOINT(oauth2.client_id), NULL, NULL, NULL, NULL, "Who asks."},
	{"remote_write.oauth2.client_secret", OPTION_SECRET, IN_ENDPOINT(oauth2.client_secret), NULL, NULL, NULL, NULL, "Its secret."},
	{"remote_write.oauth2.scopes", OPTION_STRING, IN_ENDPOINT(oauth2.scopes), NULL, NULL, NULL, NULL, "What it asks for, separated by blanks."},
	{"remote_write.aside_retry", OPTION_DURATION, IN_ENDPOINT(aside_retry_ns), "10m", "1s", "24h", NULL, "A series that the receiver refuses is tried again after this time (half of `metrics.expire` at most)."},
	{"remote_write.in_flight", OPTION_INT, IN_ENDPOINT(in_flight), "4", "1", "16", NULL, "Most requests of a step at once. A series is in one of them only, so none is ever reordered; fewer go while the receiver is slow or answers 429 or 503."},
	{"remote_write.timeout", OPTION_DURATION, IN_ENDPOINT(timeout_ns), "30s", "1s", "10m", NULL, "How long one request may take."},
	{"admin.listen", OPTION_STRING, IN(admin.listen), "127.0.0.1:9465", NULL, NULL, NULL, "Address of `/metrics`, health and the API. An address other than loopback needs `token` or `insecure: true`."},
	{"admin.token", OPTION_SECRET, IN(admin.token), NULL, NULL, NULL, NULL, "Bearer token that the API asks for."},
	{"admin.insecure", OPTION_BOOL, IN(admin.insecure), "false", NULL, NULL, NULL, "Allow an address other than loopback without a token."},
	{"incident.topic", OPTION_STRING, IN(incident.topic), NULL, NULL, NULL, NULL, "Compacted topic that says which services are under incident and the log level wanted of them; created if it is missing. `winnow.control` when the journal is in Kafka; a file in the journal's directory when it is not and no topic is named."},
	{"incident.minutes", OPTION_INT, IN(incident.minutes), "30", "1", "1440", NULL, "How long an incident lasts when nobody says."},
	{"incident.level", OPTION_CHOICE, IN(incident.level), "debug", NULL, NULL, wanted_levels, "Log level that is asked of a service when nobody says."},
	{"incident.examples", OPTION_CHOICE, IN(incident.examples), "full", NULL, NULL, incident_examples, "Whether examples of a service under incident are kept as they are, even where `examples` says `masked`."},
	{"canary.topic", OPTION_STRING, IN(canary.topic), NULL, NULL, NULL, NULL, "A topic of the sources into which the instance that leads writes known records of the service `winnow-canary`, and looks whether they arrive at the receiver. Unset: no canary."},
	{"canary.interval", OPTION_DURATION, IN(canary.interval_ns), "30s", "1s", "1h", NULL, "How often the canary writes and looks."},
	{"canary.records", OPTION_INT, IN(canary.records), "10", "1", "10000", NULL, "How many records it writes each time."},
	{"canary.query", OPTION_STRING, IN(canary.query), NULL, NULL, NULL, NULL, "Where the receiver answers queries (Prometheus's `/api/v1/query` below it); beside `remote_write.url` unless set."},
	{"shards", OPTION_INT, IN(shards), "0", "0", "256", NULL, "Worker threads; 0 is one per CPU."},
	{"log_level", OPTION_CHOICE, IN(log_level), "info", NULL, NULL, levels, "Least level of winnow's own log."},
};
const size_t options_len = sizeof(options) / sizeof(options[0]);
