/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/family.h"

#include "metric/rule_family.h"

#include <string.h>

/* Seconds, for what people log: from a cache hit to a slow batch job. */
static const double seconds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
/* Milliseconds, as the OpenTelemetry span metrics connector has them: dashboards read these. */
static const double otel_milliseconds[] = {2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10000, 15000};

/* Seconds, as Grafana Tempo's service graph has them. */
static const double graph_seconds[] = {0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8};

/* Seconds, as Grafana Tempo's span metrics have them. */
static const double tempo_seconds[] = {0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384};
/* Seconds, as OpenTelemetry's semantic conventions have them for HTTP. */
static const double http_seconds[] = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10};

#define BOUNDS(array) .bounds = (array), .bounds_len = sizeof(array) / sizeof((array)[0])

static const struct family families[FAMILY_COUNT] = {
	[FAMILY_LOG_RECORDS] = {.name = "log_records_total", .type = METRIC_COUNTER, .unit = "", .help = "Log records, by the service that wrote them and their severity.",
		.labels = "service_name, severity"},
	[FAMILY_LOG_PATTERN_RECORDS] = {.name = "log_pattern_records_total", .type = METRIC_COUNTER, .unit = "", .help = "Log records, by the pattern that names them.",
		.labels = "service_name, severity, pattern_id"},
	[FAMILY_LOG_PATTERN_DURATION] = {.name = "log_pattern_duration_seconds", .type = METRIC_HISTOGRAM, .unit = "seconds", .help = "Durations that log records of a pattern speak of.",
		BOUNDS(seconds), .labels = "service_name, pattern_id"},
	[FAMILY_LOG_PATTERN_INFO] = {.name = "log_pattern_info", .type = METRIC_GAUGE, .unit = "", .help = "What a pattern is: 1, with its template as a label.",
		.labels = "service_name, pattern_id, template, origin, rule"},
	[FAMILY_LOG_REQUESTS] = {.name = "log_requests_total", .type = METRIC_COUNTER, .unit = "", .help = "HTTP requests that access logs report.",
		.labels = "service_name, http_request_method, http_route, http_response_status_code"},
	[FAMILY_LOG_REQUEST_DURATION] = {.name = "log_request_duration_seconds", .type = METRIC_HISTOGRAM, .unit = "seconds", .help = "Durations of the HTTP requests that access logs report.",
		BOUNDS(seconds), .labels = "service_name, http_request_method, http_route, http_response_status_code"},
	[FAMILY_SPAN_CALLS] = {.name = "traces_span_metrics_calls_total", .type = METRIC_COUNTER, .unit = "", .help = "Spans, by service, name, kind and status.",
		.labels = "service_name, span_name, span_kind, status_code"},
	[FAMILY_SPAN_DURATION] = {.name = "traces_span_metrics_duration_milliseconds", .type = METRIC_HISTOGRAM, .unit = "milliseconds", .help = "Durations of spans.",
		BOUNDS(otel_milliseconds), .labels = "service_name, span_name, span_kind, status_code"},
	[FAMILY_RECORDS] = {.name = "winnow_records_total", .type = METRIC_COUNTER, .unit = "", .help = "Records, each under the one outcome it had: rule, carried, mined, overflow, undecodable, filtered, joined.",
		.labels = "outcome"},
	[FAMILY_RECORDS_CONSUMED] = {.name = "winnow_records_consumed_total", .type = METRIC_COUNTER, .unit = "", .help = "Records taken from the sources: the sum of all outcomes.",
		.labels = ""},
	[FAMILY_UNDECODABLE] = {.name = "winnow_undecodable_total", .type = METRIC_COUNTER, .unit = "", .help = "Records that could not be read, by reason.",
		.labels = "reason"},
	[FAMILY_LATE_RECORDS] = {.name = "winnow_late_records_total", .type = METRIC_COUNTER, .unit = "", .help = "Records of a step that was closed already; they are counted in the next open one.",
		.labels = "service_name"},
	[FAMILY_CLOCK_AHEAD] = {.name = "winnow_clock_ahead_records_total", .type = METRIC_COUNTER, .unit = "", .help = "Records whose time lay ahead of the clock and was set back to it.",
		.labels = "service_name"},
	[FAMILY_OVERFLOW] = {.name = "winnow_overflow_total", .type = METRIC_COUNTER, .unit = "", .help = "Increments that went to a series called other because a budget was spent: label_values, id_values, patterns_per_service, services, series_per_service, series_per_metric, series; targets (target_info that is not shown).",
		.labels = "budget"},
	[FAMILY_INPUT_BYTES] = {.name = "winnow_input_bytes_total", .type = METRIC_COUNTER, .unit = "bytes", .help = "Bytes of payload taken from the sources.",
		.labels = ""},
	[FAMILY_OFFSET_GAPS] = {.name = "winnow_offset_gap_records_total", .type = METRIC_COUNTER, .unit = "", .help = "Offsets that the log no longer had when they were to be read.",
		.labels = ""},
	[FAMILY_GRAPH_REQUESTS] = {.name = "traces_service_graph_request_total", .type = METRIC_COUNTER, .unit = "", .help = "Requests from one service to another, by pairs of spans.",
		.labels = "client, server, connection_type"},
	[FAMILY_GRAPH_FAILED] = {.name = "traces_service_graph_request_failed_total", .type = METRIC_COUNTER, .unit = "", .help = "Those of which one of the two spans says that they failed.",
		.labels = "client, server, connection_type"},
	[FAMILY_GRAPH_CLIENT] = {.name = "traces_service_graph_request_client_seconds", .type = METRIC_HISTOGRAM, .unit = "seconds", .help = "How long requests took as the client saw it.",
		BOUNDS(graph_seconds), .labels = "client, server, connection_type"},
	[FAMILY_GRAPH_SERVER] = {.name = "traces_service_graph_request_server_seconds", .type = METRIC_HISTOGRAM, .unit = "seconds", .help = "How long requests took as the server saw it.",
		BOUNDS(graph_seconds), .labels = "client, server, connection_type"},
	[FAMILY_GRAPH_UNPAIRED] = {.name = "traces_service_graph_unpaired_spans_total", .type = METRIC_COUNTER, .unit = "", .help = "Spans whose other end did not come in time: many of them mean that the topic is not keyed by trace id.",
		.labels = "client, server"},
	[FAMILY_CLAMPED_EXEMPLARS_RESERVED] = {.name = "winnow_reserved", .type = METRIC_COUNTER, .unit = "", .help = "", .labels = ""},
	[FAMILY_RULE_GAVE_UP] = {.name = "winnow_rule_gave_up_total", .type = METRIC_COUNTER, .unit = "", .help = "Records on which a rule's regex was given up, because it tried too many ways: no match.",
		.labels = "rule"},
	[FAMILY_SPANS] = {.name = "winnow_spans_total", .type = METRIC_COUNTER, .unit = "", .help = "Spans read, by what says how many each stands for: one (itself), tracestate or attribute (sampled at the source), unusable (what it says is no probability: counted as one).",
		.labels = "weight"},
	[FAMILY_TEMPO_CALLS] = {.name = "traces_spanmetrics_calls_total", .type = METRIC_COUNTER, .unit = "", .help = "Spans, by service, name, kind and status (metrics.spans: tempo).",
		.labels = "service, span_name, span_kind, status_code"},
	[FAMILY_TEMPO_LATENCY] = {.name = "traces_spanmetrics_latency", .type = METRIC_HISTOGRAM, .unit = "", .help = "Durations of spans in seconds (metrics.spans: tempo).",
		BOUNDS(tempo_seconds), .labels = "service, span_name, span_kind, status_code"},
	[FAMILY_HTTP_SERVER] = {.name = "http_server_request_duration_seconds", .type = METRIC_HISTOGRAM, .unit = "seconds", .help = "Durations of SERVER spans of HTTP (metrics.spans: semconv).",
		BOUNDS(http_seconds), .labels = "http_request_method, http_response_status_code, http_route, error_type, job"},
	[FAMILY_HTTP_CLIENT] = {.name = "http_client_request_duration_seconds", .type = METRIC_HISTOGRAM, .unit = "seconds", .help = "Durations of CLIENT spans of HTTP (metrics.spans: semconv).",
		BOUNDS(http_seconds), .labels = "http_request_method, http_response_status_code, server_address, error_type, job"},
	[FAMILY_TARGET_INFO] = {.name = "target_info", .type = METRIC_GAUGE, .unit = "", .help = "What sends spans: 1, with the attributes of its resource as labels.",
		.labels = "job, instance"},
	[FAMILY_SPAN_FAULTS] = {.name = "winnow_span_faults_total", .type = METRIC_COUNTER, .unit = "", .help = "Spans that are counted although something is wrong with them: id (no usable trace or span id: no exemplar, no edge), duration (it ends before it begins: counted as 0), clock (an edge whose server begins before its client: their clocks are apart).",
		.labels = "fault"},
};

static const struct family own[OWN_COUNT] = {
	[OWN_DELTAS] = {.name = "winnow_deltas_total", .type = METRIC_COUNTER, .unit = "", .help = "Deltas read back from the journal, by what became of them: posted, rejected, corrupt.",
		.labels = "outcome"},
	[OWN_PATTERNS] = {.name = "winnow_patterns", .type = METRIC_GAUGE, .unit = "", .help = "Patterns in the catalog, aliases not counted.", .labels = ""},
	[OWN_SERIES] = {.name = "winnow_series", .type = METRIC_GAUGE, .unit = "", .help = "Series in the ledger; a histogram counts as one.", .labels = ""},
	[OWN_EXPIRED_SERIES] = {.name = "winnow_expired_series_total", .type = METRIC_COUNTER, .unit = "", .help = "Series that left because nothing was counted in them any more.", .labels = ""},
	[OWN_STATE_LOST] = {.name = "winnow_state_lost_total", .type = METRIC_COUNTER, .unit = "", .help = "Times that the journal did not reach back to the snapshot, so that totals began at 0 again.", .labels = ""},
	[OWN_LOGS_ANEW] = {.name = "winnow_input_logs_anew_total", .type = METRIC_COUNTER, .unit = "", .help = "Times that a partition's log ended before what is counted of it (a topic made anew, an unclean leader election): what was written since is counted.", .labels = ""},
	[OWN_OVERRULED] = {.name = "winnow_offsets_overruled_total", .type = METRIC_COUNTER, .unit = "", .help = "Times that someone had set the offset of the consumer group, and the journal's stood.", .labels = ""},
	[OWN_CANARY_SENT] = {.name = "winnow_canary_sent_records", .type = METRIC_GAUGE, .unit = "", .help = "The canary's records that Kafka took since this instance began to count.", .labels = ""},
	[OWN_CANARY_RECEIVED] = {.name = "winnow_canary_received_records", .type = METRIC_GAUGE, .unit = "", .help = "By how much the canary's total at the receiver has grown since then.", .labels = ""},
	[OWN_CANARY_MISSING] = {.name = "winnow_canary_missing_records", .type = METRIC_GAUGE, .unit = "", .help = "The canary's records that ought to be at the receiver by now, and are not.", .labels = ""},
	[OWN_CANARY_SURPLUS] = {.name = "winnow_canary_surplus_records", .type = METRIC_GAUGE, .unit = "", .help = "The canary's records at the receiver that nobody sent.", .labels = ""},
	[OWN_CANARY_DELAY] = {.name = "winnow_canary_delay_seconds", .type = METRIC_GAUGE, .unit = "seconds", .help = "Age of the oldest of the canary's records that is not at the receiver.", .labels = ""},
	[OWN_CANARY_UNANSWERED] = {.name = "winnow_canary_unanswered_queries_total", .type = METRIC_COUNTER, .unit = "", .help = "Queries for the canary's total that the receiver did not answer.", .labels = ""},
	[OWN_REMOTE_WRITE_REQUESTS] = {.name = "winnow_remote_write_requests_total", .type = METRIC_COUNTER, .unit = "", .help = "Remote-write requests, by the status the receiver answered (0: no answer). This and others of remote write have `endpoint` where there are several.",
		.labels = "code, endpoint"},
	[OWN_OUTPUT_BYTES] = {.name = "winnow_output_bytes_total", .type = METRIC_COUNTER, .unit = "bytes", .help = "Bytes of remote-write bodies as they went over the wire, repeats included.", .labels = "endpoint"},
	[OWN_REMOTE_WRITE_ASIDE] = {.name = "winnow_remote_write_aside_series", .type = METRIC_GAUGE, .unit = "", .help = "Series set aside because the receiver refuses them; /api/v1/status names them.", .labels = "endpoint"},
	[OWN_DEAD_LETTERS] = {.name = "winnow_dead_letters_total", .type = METRIC_COUNTER, .unit = "", .help = "Messages that could not be read, where there is a topic for them: taken, limited (too many a second), lost (taken, but the topic did not store them).",
		.labels = "outcome"},
	[OWN_TRACES] = {.name = "winnow_traces_total", .type = METRIC_COUNTER, .unit = "", .help = "Traces that tail sampling decided in this instance: kept, dropped.", .labels = "decision"},
	[OWN_TRACES_EARLY] = {.name = "winnow_traces_early_total", .type = METRIC_COUNTER, .unit = "", .help = "Traces decided before they were complete: for memory, or for having too many spans.", .labels = ""},
	[OWN_TRACE_SPANS] = {.name = "winnow_trace_spans_total", .type = METRIC_COUNTER, .unit = "", .help = "Spans by what tail sampling did with their traces: kept, dropped; untraced: without a trace id, so dropped.", .labels = "decision"},
	[OWN_KEPT_BYTES] = {.name = "winnow_kept_bytes_total", .type = METRIC_COUNTER, .unit = "bytes", .help = "Bytes of OTLP that went to the topic for kept traces, repeats included.", .labels = ""},
	[OWN_KEPT_LOST] = {.name = "winnow_kept_messages_lost_total", .type = METRIC_COUNTER, .unit = "", .help = "Messages of kept traces that the brokers refused for good.", .labels = ""},
	[OWN_TRACES_UNDECIDED] = {.name = "winnow_traces_undecided", .type = METRIC_GAUGE, .unit = "", .help = "Traces that wait to be decided.", .labels = ""},
	[OWN_TRACES_BYTES] = {.name = "winnow_traces_undecided_bytes", .type = METRIC_GAUGE, .unit = "bytes", .help = "Memory that their messages take.", .labels = ""},
	[OWN_OTLP_REQUESTS] = {.name = "winnow_otlp_requests_total", .type = METRIC_COUNTER, .unit = "", .help = "Requests with kept spans to the OTLP endpoint, by the status it answered (0: no answer).", .labels = "code"},
	[OWN_OTLP_SPANS] = {.name = "winnow_otlp_spans_total", .type = METRIC_COUNTER, .unit = "", .help = "Kept spans by what became of them at the OTLP endpoint: sent (it took them), refused (it did not), overflow (the queue was full), expired (they waited too long). All of them are in the topic.",
		.labels = "outcome"},
	[OWN_OTLP_QUEUED] = {.name = "winnow_otlp_queued_spans", .type = METRIC_GAUGE, .unit = "", .help = "Kept spans that wait for the OTLP endpoint.", .labels = ""},
	[OWN_OTLP_BYTES] = {.name = "winnow_otlp_bytes_total", .type = METRIC_COUNTER, .unit = "bytes", .help = "Bytes of requests to the OTLP endpoint as they went over the wire, repeats included.", .labels = ""},
	[OWN_PENDING_STEPS] = {.name = "winnow_pending_steps", .type = METRIC_GAUGE, .unit = "", .help = "Steps that are closed and not yet acknowledged by the receiver.", .labels = "endpoint"},
	[OWN_FOLDED_STEPS] = {.name = "winnow_folded_steps_total", .type = METRIC_COUNTER, .unit = "", .help = "Steps that one of several endpoints will get as part of later ones, because it took nothing and others go on (by this instance).", .labels = "endpoint"},
	[OWN_WATERMARK] = {.name = "winnow_watermark_timestamp_seconds", .type = METRIC_GAUGE, .unit = "seconds", .help = "Event time up to which steps are closed.", .labels = ""},
	[OWN_LAG] = {.name = "winnow_lag_records", .type = METRIC_GAUGE, .unit = "", .help = "Records in the log that are not counted yet.", .labels = "topic, partition"},
	[OWN_LEADER] = {.name = "winnow_leader", .type = METRIC_GAUGE, .unit = "", .help = "1 if this instance is the one that sends.", .labels = ""},
	[OWN_JOURNAL_POSITION] = {.name = "winnow_journal_position", .type = METRIC_GAUGE, .unit = "", .help = "Position in the journal up to which this instance has read.", .labels = ""},
	[OWN_RULES_RELOAD] = {.name = "winnow_rules_last_reload_successful", .type = METRIC_GAUGE, .unit = "", .help = "1 if the rules were in order when they were last loaded.", .labels = ""},
	[OWN_RULES_RELOAD_TIME] = {.name = "winnow_rules_last_reload_success_timestamp_seconds", .type = METRIC_GAUGE, .unit = "seconds", .help = "When the rules in force were loaded.", .labels = ""},
	[OWN_INCIDENT_UNTIL] = {.name = "winnow_incident_until_timestamp_seconds", .type = METRIC_GAUGE, .unit = "seconds", .help = "When the incident of a service ends; there while it lasts.", .labels = "service_name"},
	[OWN_INCIDENTS] = {.name = "winnow_incidents_total", .type = METRIC_COUNTER, .unit = "", .help = "Incidents raised at this instance.", .labels = ""},
	[OWN_INCIDENT_RECORDS] = {.name = "winnow_incident_records_total", .type = METRIC_COUNTER, .unit = "", .help = "Records of services under incident that this instance counted.", .labels = ""},
	[OWN_BUDGET_USED] = {.name = "winnow_budget_series_used", .type = METRIC_GAUGE, .unit = "", .help = "Series as the receiver counts them, dormant ones included: what budgets.series bounds.", .labels = ""},
	[OWN_BUDGET_LIMIT] = {.name = "winnow_budget_series_limit", .type = METRIC_GAUGE, .unit = "", .help = "budgets.series.", .labels = ""},
	[OWN_BUILD_INFO] = {.name = "winnow_build_info", .type = METRIC_GAUGE, .unit = "", .help = "1, with the version as a label.", .labels = "version"},
	[OWN_PROCESS_CPU] = {.name = "process_cpu_seconds_total", .type = METRIC_COUNTER, .unit = "seconds", .help = "CPU time of the process, user and system.", .labels = ""},
	[OWN_PROCESS_RESIDENT] = {.name = "process_resident_memory_bytes", .type = METRIC_GAUGE, .unit = "bytes", .help = "Resident memory of the process.", .labels = ""},
	[OWN_PROCESS_VIRTUAL] = {.name = "process_virtual_memory_bytes", .type = METRIC_GAUGE, .unit = "bytes", .help = "Address space of the process.", .labels = ""},
	[OWN_PROCESS_FILES] = {.name = "process_open_fds", .type = METRIC_GAUGE, .unit = "", .help = "Files and sockets that the process has open.", .labels = ""},
	[OWN_PROCESS_FILES_MAX] = {.name = "process_max_fds", .type = METRIC_GAUGE, .unit = "", .help = "How many it may have open.", .labels = ""},
	[OWN_PROCESS_START] = {.name = "process_start_time_seconds", .type = METRIC_GAUGE, .unit = "seconds", .help = "When the process began.", .labels = ""},
};

const struct family *family_get(enum family_id id)
{
	return family_is_of_rule(id) ? rule_family_get(id) : &families[id];
}

uint64_t family_key(enum family_id id)
{
	return family_is_of_rule(id) ? rule_family_key(id) : (uint64_t)id;
}

bool family_is_book(enum family_id id)
{
	return id < FAMILY_COUNT && strncmp(families[id].name, "winnow_", 7) == 0;
}

const struct family *family_own(enum own_metric metric)
{
	return &own[metric];
}

static void print_row(struct buf *out, const struct family *f)
{
	static const char *const types[] = {[METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};
	if (f->help[0] == 0) /* a reserved number */
		return;
	buf_printf(out, "| `%s` | %s | %s%s%s | %s", f->name, types[f->type], f->labels[0] ? "`" : "", f->labels, f->labels[0] ? "`" : "", f->help);
	if (f->bounds_len > 0)
		buf_add_str(out, " Bounds:");
	for (size_t i = 0; i < f->bounds_len; i++)
		buf_printf(out, " %g", f->bounds[i]);
	buf_add_str(out, f->bounds_len > 0 ? ". |\n" : " |\n");
}

static void print_table(struct buf *out, const struct family *rows, size_t len)
{
	buf_add_str(out, "| name | type | labels | what it is |\n|---|---|---|---|\n");
	for (size_t i = 0; i < len; i++)
		print_row(out, &rows[i]);
}

void family_print_docs(struct buf *out)
{
	buf_add_str(out, "# Metrics\n\n<!-- Generated from src/metric/family.c; the unit test metric.family compares the two. -->\n\n"
		"## Sent by remote write\n\nOne set of series for all instances together: no label says which instance or partition it came from. Counters and histograms of logs and spans\n"
		"carry exemplars with `trace_id` and `span_id`. Histograms leave as `_bucket` (with `le`), `_sum` and `_count`, and by choice (`metrics.histograms`) as one native histogram under their name. The same series are on `/metrics` of every instance.\n\n");
	print_table(out, families, FAMILY_COUNT);
	buf_add_str(out, "\nRules may define counters and histograms of their own (`counters` and `histograms` in [rules.md](rules.md#counters-and-histograms-of-its-own)): they carry\n"
		"`service_name` and the labels that the rule gives them, with exemplars, and leave the same way.\n");
	buf_add_str(out, "\n## On `/metrics` only\n\nEach instance about itself.\n\n");
	print_table(out, own, OWN_COUNT);
}
