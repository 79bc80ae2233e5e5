/* SPDX-License-Identifier: Apache-2.0 */
/* Every metric that can leave, one row each (family.c): names, types, helps; docs/metrics.md is generated from it. */
#ifndef WINNOW_METRIC_FAMILY_H
#define WINNOW_METRIC_FAMILY_H

#include "base/buf.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* Numbers are part of the delta and snapshot formats: append only. */
enum family_id {
	FAMILY_LOG_RECORDS,          /* log_records_total */
	FAMILY_LOG_PATTERN_RECORDS,  /* log_pattern_records_total */
	FAMILY_LOG_PATTERN_DURATION, /* log_pattern_duration_seconds */
	FAMILY_LOG_PATTERN_INFO,     /* log_pattern_info: made by the ledger from its catalog */
	FAMILY_LOG_REQUESTS,         /* log_requests_total */
	FAMILY_LOG_REQUEST_DURATION, /* log_request_duration_seconds */
	FAMILY_SPAN_CALLS,           /* traces_span_metrics_calls_total */
	FAMILY_SPAN_DURATION,        /* traces_span_metrics_duration_milliseconds */
	FAMILY_RECORDS,              /* winnow_records_total{outcome} */
	FAMILY_RECORDS_CONSUMED,     /* winnow_records_consumed_total */
	FAMILY_UNDECODABLE,          /* winnow_undecodable_total{reason} */
	FAMILY_LATE_RECORDS,         /* winnow_late_records_total{service_name}: counted by the ledger */
	FAMILY_CLOCK_AHEAD,          /* winnow_clock_ahead_records_total{service_name} */
	FAMILY_OVERFLOW,             /* winnow_overflow_total{budget} */
	FAMILY_INPUT_BYTES,          /* winnow_input_bytes_total */
	FAMILY_OFFSET_GAPS,          /* winnow_offset_gap_records_total: offsets that the log no longer has */
	FAMILY_CLAMPED_EXEMPLARS_RESERVED,
	FAMILY_GRAPH_REQUESTS,       /* traces_service_graph_request_total */
	FAMILY_GRAPH_FAILED,         /* traces_service_graph_request_failed_total */
	FAMILY_GRAPH_CLIENT,         /* traces_service_graph_request_client_seconds */
	FAMILY_GRAPH_SERVER,         /* traces_service_graph_request_server_seconds */
	FAMILY_GRAPH_UNPAIRED,       /* traces_service_graph_unpaired_spans_total */
	FAMILY_RULE_GAVE_UP,         /* winnow_rule_gave_up_total{rule} */
	FAMILY_SPANS,                /* winnow_spans_total{weight} */
	FAMILY_TEMPO_CALLS,          /* traces_spanmetrics_calls_total */
	FAMILY_TEMPO_LATENCY,        /* traces_spanmetrics_latency */
	FAMILY_HTTP_SERVER,          /* http_server_request_duration_seconds */
	FAMILY_HTTP_CLIENT,          /* http_client_request_duration_seconds */
	FAMILY_TARGET_INFO,          /* target_info */
	FAMILY_SPAN_FAULTS,          /* winnow_span_faults_total{fault} */
	FAMILY_COUNT
};

struct family {
	const char *name; /* with its suffix for counters ("_total"); the base name for histograms */
	enum metric_type type;
	const char *unit; /* "seconds", "milliseconds", "bytes" or "" */
	const char *help;
	const double *bounds; /* histograms: upper bounds without +Inf, rising */
	size_t bounds_len;
	const char *labels; /* for the docs: "service_name, severity" */
	bool sums;          /* a counter that grows by amounts: it is kept like a histogram without bounds, and its value is the sum */
};

/* id < FAMILY_COUNT, or of a rule's own (rule_family.h). */
const struct family *family_get(enum family_id id);
/* What tells its series from those of other families: the same in every process. */
uint64_t family_key(enum family_id id);
/* Whether it is of winnow's own books: winnow_records_total and its like. */
bool family_is_book(enum family_id id);
/* How many counts of buckets its series hold: 0 for plain counters and gauges, which hold a number. */
static inline size_t family_buckets(const struct family *f)
{
	return f->type == METRIC_HISTOGRAM || f->sums ? f->bounds_len + 1 : 0;
}

/* The process's own numbers: of one instance, never in a delta, on its /metrics only. */
enum own_metric {
	OWN_DELTAS,                /* winnow_deltas_total{outcome} */
	OWN_PATTERNS,              /* winnow_patterns */
	OWN_SERIES,                /* winnow_series */
	OWN_EXPIRED_SERIES,        /* winnow_expired_series_total */
	OWN_STATE_LOST,            /* winnow_state_lost_total */
	OWN_LOGS_ANEW,             /* winnow_input_logs_anew_total */
	OWN_OVERRULED,             /* winnow_offsets_overruled_total */
	OWN_CANARY_SENT,           /* winnow_canary_sent_records */
	OWN_CANARY_RECEIVED,       /* winnow_canary_received_records */
	OWN_CANARY_MISSING,        /* winnow_canary_missing_records */
	OWN_CANARY_SURPLUS,        /* winnow_canary_surplus_records */
	OWN_CANARY_DELAY,          /* winnow_canary_delay_seconds */
	OWN_CANARY_UNANSWERED,     /* winnow_canary_unanswered_queries_total */
	OWN_REMOTE_WRITE_REQUESTS, /* winnow_remote_write_requests_total{code} */
	OWN_OUTPUT_BYTES,          /* winnow_output_bytes_total */
	OWN_REMOTE_WRITE_ASIDE,    /* winnow_remote_write_aside_series */
	OWN_DEAD_LETTERS,          /* winnow_dead_letters_total{outcome} */
	OWN_TRACES,                /* winnow_traces_total{decision} */
	OWN_TRACES_EARLY,          /* winnow_traces_early_total */
	OWN_TRACE_SPANS,           /* winnow_trace_spans_total{decision} */
	OWN_KEPT_BYTES,            /* winnow_kept_bytes_total */
	OWN_KEPT_LOST,             /* winnow_kept_messages_lost_total */
	OWN_TRACES_UNDECIDED,      /* winnow_traces_undecided */
	OWN_TRACES_BYTES,          /* winnow_traces_undecided_bytes */
	OWN_OTLP_REQUESTS,         /* winnow_otlp_requests_total{code} */
	OWN_OTLP_SPANS,            /* winnow_otlp_spans_total{outcome} */
	OWN_OTLP_QUEUED,           /* winnow_otlp_queued_spans */
	OWN_OTLP_BYTES,            /* winnow_otlp_bytes_total */
	OWN_PENDING_STEPS,         /* winnow_pending_steps{endpoint} */
	OWN_FOLDED_STEPS,          /* winnow_folded_steps_total{endpoint} */
	OWN_WATERMARK,             /* winnow_watermark_timestamp_seconds */
	OWN_LAG,                   /* winnow_lag_records{topic, partition} */
	OWN_LEADER,                /* winnow_leader */
	OWN_JOURNAL_POSITION,      /* winnow_journal_position */
	OWN_RULES_RELOAD,          /* winnow_rules_last_reload_successful */
	OWN_RULES_RELOAD_TIME,     /* winnow_rules_last_reload_success_timestamp_seconds */
	OWN_INCIDENT_UNTIL,        /* winnow_incident_until_timestamp_seconds{service_name} */
	OWN_INCIDENTS,             /* winnow_incidents_total */
	OWN_INCIDENT_RECORDS,      /* winnow_incident_records_total */
	OWN_BUILD_INFO,            /* winnow_build_info{version} */
	OWN_PROCESS_CPU,           /* process_cpu_seconds_total */
	OWN_PROCESS_RESIDENT,      /* process_resident_memory_bytes */
	OWN_PROCESS_VIRTUAL,       /* process_virtual_memory_bytes */
	OWN_PROCESS_FILES,         /* process_open_fds */
	OWN_PROCESS_FILES_MAX,     /* process_max_fds */
	OWN_PROCESS_START,         /* process_start_time_seconds */
	OWN_BUDGET_USED,           /* winnow_budget_series_used */
	OWN_BUDGET_LIMIT,          /* winnow_budget_series_limit */
	OWN_COUNT
};

/* metric < OWN_COUNT. */
const struct family *family_own(enum own_metric metric);
/* docs/metrics.md, from both tables. */
void family_print_docs(struct buf *out);

enum { BOUNDS_MAX = 31 }; /* most upper bounds any histogram has; counts have one more place for +Inf */

#endif
