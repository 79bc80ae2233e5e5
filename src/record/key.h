/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The field names that the shapes know, interned: text to a small number, so that an object is read in one pass and everything after that works on sets
 * of numbers.
 *
 * Layout: an open-addressing table of four times as many slots as there are names, filled once per decoder. A name's hash is taken from its length and its
 * first and last eight bytes, which also are compared before the rest. Names that differ only in case have a number appended to their identifier.
 * A name that fewer writers use for what another one says is an alias: it has that one's number, so that it costs no place in a set. Where both are there, the first is taken.
 */
#ifndef WINNOW_RECORD_KEY_H
#define WINNOW_RECORD_KEY_H

#include "base/slice.h"

/* clang-format off */
#define KEYS(X) \
	/* time */ \
	X(AT_TIMESTAMP, "@timestamp") X(TIMESTAMP, "timestamp") X(TIME, "time") X(TS, "ts") X(AT_T, "@t") X(TIMESTAMP2, "Timestamp") \
	X(ASCTIME, "asctime") X(INSTANT, "instant") X(TIMEMILLIS, "timeMillis") X(EVENTTIME, "eventTime") X(DATE, "date") X(DATETIME, "datetime") \
	X(T, "t") X(TIMESTAMPSECONDS, "timestampSeconds") X(TIMESTAMPNANOS, "timestampNanos") X(TIME_ISO8601, "time_iso8601") X(MSEC, "msec") \
	X(START_TIME, "start_time") X(STARTUTC, "StartUTC") X(__REALTIME_TIMESTAMP, "__REALTIME_TIMESTAMP") X(AT_TIME, "@time") \
	X(EVENT_TIME, "event_time") X(CREATED_AT, "created_at") X(TIME_LOCAL, "time_local") X(STAGETIMESTAMP, "stageTimestamp") X(TS_MS, "ts_ms") X(ISODATE, "ISODATE") X(DATE2, "DATE") \
	X(TIMEREPORTED, "timereported") X(SYSLOG_TIMESTAMP, "syslog_timestamp") X(RECEIVETIMESTAMP, "receiveTimestamp") X(TIMESTAMP_MS, "timestamp_ms") X(TIMESTAMP_NS, "timestamp_ns") \
	/* level */ \
	X(LEVEL, "level") X(LOG_LEVEL, "log.level") X(SEVERITY, "severity") X(LOGLEVEL, "LogLevel") X(LEVEL2, "Level") X(AT_L, "@l") \
	X(LEVELNAME, "levelname") X(LVL, "lvl") X(LOG_LEVEL2, "log_level") X(LOGLEVEL2, "loglevel") X(LEVELNO, "levelno") \
	X(LEVEL_VALUE, "level_value") X(SEVERITY_TEXT, "severity_text") X(SEVERITYTEXT, "SeverityText") X(SEVERITYTEXT2, "severityText") \
	X(ERROR_SEVERITY, "error_severity") X(PRIORITY, "PRIORITY") X(LEVEL3, "LEVEL") X(SEVERITY2, "SEVERITY") X(SEVERITY3, "Severity") \
	X(LEVEL_NAME, "level_name") X(AT_LEVEL, "@level") \
	/* message */ \
	X(MESSAGE, "message") X(MSG, "msg") X(SHORT_MESSAGE, "short_message") X(AT_M, "@m") X(AT_MT, "@mt") X(MESSAGE2, "Message") \
	X(RENDEREDMESSAGE, "RenderedMessage") X(MESSAGETEMPLATE, "MessageTemplate") X(EVENT, "event") X(BODY, "body") X(LOG, "log") \
	X(TEXT, "text") X(MESSAGE3, "MESSAGE") X(FULL_MESSAGE, "full_message") X(BODY2, "Body") X(LOG_MESSAGE, "log.message") X(AT_MESSAGE, "@message") \
	/* template */ \
	X(RAW_MESSAGE, "raw_message") X(ORIGINAL_FORMAT, "{OriginalFormat}") X(LOG_RECORD_TEMPLATE, "log.record.template") \
	X(MESSAGE_TEMPLATE, "message_template") X(AT_I, "@i") X(AT_R, "@r") X(EVENTNAME, "eventName") \
	/* service */ \
	X(SERVICE, "service") X(SERVICE_NAME, "service.name") X(SERVICE_NAME2, "service_name") X(SERVICENAME, "serviceName") X(APP, "app") \
	X(APPLICATION, "application") X(APP_NAME, "app_name") X(APPNAME, "appname") X(APPLICATION_NAME, "application_name") \
	X(SERVICECONTEXT, "serviceContext") X(DD_SERVICE, "dd.service") X(OTELSERVICENAME, "otelServiceName") X(APPLICATION2, "Application") \
	X(SERVICENAME2, "ServiceName") X(_SERVICE, "_service") X(COMPONENT, "component") X(KUBERNETES, "kubernetes") X(RESOURCE, "resource") \
	X(CONTAINER_NAME, "container_name") X(SYSLOG_IDENTIFIER, "SYSLOG_IDENTIFIER") X(NAME, "name") X(DEPLOYMENT, "deployment") X(JOB, "job") X(_SYSTEMD_UNIT, "_SYSTEMD_UNIT") X(_COMM, "_COMM") X(SERVER_NAME, "server_name") X(AUTHORITY, "authority") \
	X(UPSTREAM_CLUSTER, "upstream_cluster") X(SERVICENAME3, "Service") X(DBNAME, "dbname") X(PROGRAM, "program") X(PROGRAM2, "PROGRAM") X(PROGRAMNAME, "programname") \
	X(IDENT, "ident") X(APPNAME2, "app-name") X(SYSLOGTAG, "syslogtag") X(SYSLOG_PROGRAM, "syslog_program") X(APPNAME3, "app_kubernetes_io_name") X(CONTAINER, "container") \
	X(K8S_DEPLOYMENT_NAME, "k8s.deployment.name") X(K8S_CONTAINER_NAME, "k8s.container.name") X(RESOURCEATTRIBUTES, "ResourceAttributes") X(LOGGROUP, "logGroup") \
	X(APPLICATIONNAME, "applicationName") X(APPNAME4, "appName") X(WORKLOAD, "workload") X(UNDERSCORE_APP, "_app") X(_APPLICATION, "_application") X(_SERVICE_NAME, "_service_name") \
	/* logger */ \
	X(LOGGER, "logger") X(LOGGER_NAME, "logger_name") X(LOGGERNAME, "loggerName") X(LOG_LOGGER, "log.logger") X(CATEGORY, "Category") \
	X(SOURCECONTEXT, "SourceContext") X(TARGET, "target") X(_LOGGER, "_logger") X(CALLER, "caller") X(MODULE, "module") X(AT_MODULE, "@module") X(SCOPENAME, "ScopeName") X(CHANNEL, "channel") \
	/* trace */ \
	X(TRACE_ID, "trace_id") X(TRACEID, "traceId") X(TRACEID2, "traceID") X(TRACEID3, "TraceId") X(TRACEID4, "TraceID") X(TRACEID5, "traceid") \
	X(TRACE_ID2, "trace.id") X(TRACE, "trace") X(OTELTRACEID, "otelTraceID") X(AT_TR, "@tr") X(DD_TRACE_ID, "dd.trace_id") X(DD, "dd") \
	X(GOOGLE_TRACE, "logging.googleapis.com/trace") X(TRACEPARENT, "traceparent") X(XRAY_TRACE_ID, "xray_trace_id") \
	X(X_B3_TRACEID, "x_b3_traceid") X(X_B3_TRACEID2, "X-B3-TraceId") X(_TRACE_ID, "_trace_id") X(_TRACEID, "_traceId") \
	X(OTEL_TRACE_ID, "otel_trace_id") X(OTEL_SPAN_ID, "otel_span_id") X(X_AMZN_TRACE_ID, "x_amzn_trace_id") X(X_AMZN_TRACE_ID2, "X-Amzn-Trace-Id") X(B3, "b3") X(HTTP_B3, "http_b3") X(HTTP_TRACEPARENT, "http_traceparent") X(TRACE_FLAGS, "trace_flags") \
	/* span */ \
	X(SPAN_ID, "span_id") X(SPANID, "spanId") X(SPANID2, "spanID") X(SPANID3, "SpanId") X(SPANID4, "SpanID") X(SPANID5, "spanid") \
	X(SPAN_ID2, "span.id") X(SPAN, "span") X(OTELSPANID, "otelSpanID") X(AT_SP, "@sp") X(DD_SPAN_ID, "dd.span_id") \
	X(GOOGLE_SPANID, "logging.googleapis.com/spanId") X(_SPAN_ID, "_span_id") X(_SPANID, "_spanId") X(TRANSACTION_ID, "transaction.id") \
	X(GOOGLE_SPAN, "logging.googleapis.com/span_id") X(X_B3_SPANID, "x_b3_spanid") X(X_B3_SPANID2, "X-B3-SpanId") \
	/* parent */ \
	X(PARENT_SPAN_ID, "parent_span_id") X(PARENTSPANID, "parentSpanId") X(PARENT_ID, "parent_id") X(PARENTID, "parentId") \
	X(PARENTID2, "ParentId") X(PARENT_ID2, "parent.id") \
	/* duration */ \
	X(DURATION, "duration") X(ELAPSED, "elapsed") X(LATENCY, "latency") X(TOOK, "took") X(EVENT_DURATION, "event.duration") \
	X(DURATION_MS, "duration_ms") X(ELAPSED_MS, "elapsed_ms") X(LATENCY_MS, "latency_ms") X(DURATIONMS, "durationMs") \
	X(ELAPSEDMS, "elapsedMs") X(LATENCYMS, "latencyMs") X(TOOK_MS, "took_ms") X(DURATION_US, "duration_us") X(ELAPSED_US, "elapsed_us") \
	X(DURATION_NS, "duration_ns") X(ELAPSED_NS, "elapsed_ns") X(DURATION_S, "duration_s") X(DURATION_SECONDS, "duration_seconds") \
	X(ELAPSED_SECONDS, "elapsed_seconds") X(LATENCY_SECONDS, "latency_seconds") X(ELAPSED_TIME, "elapsed_time") \
	X(RESPONSETIME, "responseTime") X(RESPONSE_TIME, "response_time") X(RESPONSE_TIME_MS, "response_time_ms") X(REQUEST_TIME, "request_time") \
	X(ELAPSED2, "Elapsed") X(ELAPSEDMILLISECONDS, "ElapsedMilliseconds") X(DURATION_MILLIS, "duration_millis") \
	X(DURATIONMILLIS, "durationMillis") X(_DURATION, "_duration") X(DURATION2, "Duration") X(DUR, "dur") X(_DURATION_MS, "_duration_ms") \
	X(DURATION_SEC, "duration_sec") X(UPSTREAM_RESPONSE_TIME, "upstream_response_time") X(DURATION_MICROS, "duration_micros") X(DURATIONMICROS, "durationMicros") \
	X(DURATION_NANOS, "duration_nanos") X(DURATIONNANOS, "durationNanos") X(DURATIONSECONDS, "durationSeconds") X(ELAPSED_MILLIS, "elapsedMillis") \
	X(TIME_TAKEN, "time_taken") X(TIME_TAKEN_MS, "time_taken_ms") X(RESPONSETIMEMS, "responseTimeMs") X(RESPONSE_TIME_SECONDS, "response_time_seconds") X(EXECUTION_TIME_MS, "execution_time_ms") \
	X(REQUEST_DURATION_MS, "request_duration_ms") X(REQUEST_TIME_MS, "request_time_ms") X(PROCESSING_TIME_MS, "processing_time_ms") X(X_B3_TRACEID3, "x-b3-traceid") X(X_B3_SPANID3, "x-b3-spanid") X(UBER_TRACE_ID, "uber-trace-id") \
	X(LATENCY_US, "latency_us") X(LATENCY_NS, "latency_ns") X(TOTAL_TIME, "total_time") \
	/* http status */ \
	X(STATUS, "status") X(STATUS_CODE, "status_code") X(STATUSCODE, "statusCode") X(HTTP_STATUS_CODE, "http.status_code") \
	X(HTTP_RESPONSE_STATUS_CODE, "http.response.status_code") X(HTTP_STATUS, "http_status") X(STATUSCODE2, "StatusCode") \
	X(RESPONSE_CODE, "response_code") X(DOWNSTREAMSTATUS, "DownstreamStatus") X(_STATUS, "_status") X(STATUSCODE3, "status-code") \
	/* http method */ \
	X(METHOD, "method") X(HTTP_METHOD, "http.method") X(HTTP_REQUEST_METHOD, "http.request.method") X(REQUEST_METHOD, "request_method") \
	X(HTTP_METHOD2, "http_method") X(METHOD2, "Method") X(REQUESTMETHOD, "RequestMethod") X(_METHOD, "_method") X(VERB, "verb") \
	/* http route */ \
	X(ROUTE, "route") X(HTTP_ROUTE, "http.route") X(ROUTERNAME, "RouterName") X(ROUTE_NAME, "route_name") \
	/* http path */ \
	X(PATH, "path") X(URL, "url") X(URI, "uri") X(REQUEST_URI, "request_uri") X(HTTP_TARGET, "http.target") X(URL_PATH, "url.path") \
	X(REQUESTPATH, "RequestPath") X(HTTP_URL, "http.url") X(URL_FULL, "url.full") X(PATH2, "Path") X(REQUEST_PATH, "request_path") X(HTTP_PATH, "http.path") X(REQUESTPATH2, "requestPath") X(REQUESTURI, "requestURI") \
	/* failure */ \
	X(ERROR, "error") X(ERR, "err") X(EXCEPTION, "exception") X(EXC_INFO, "exc_info") X(STACK_TRACE, "stack_trace") \
	X(STACKTRACE, "stacktrace") X(STACK, "stack") X(EXCEPTION2, "Exception") X(AT_X, "@x") X(THROWN, "thrown") X(ERROR_TYPE, "error.type") \
	X(ERROR_MESSAGE, "error.message") X(ERROR_STACK_TRACE, "error.stack_trace") X(EXCEPTION_TYPE, "exception.type") \
	X(EXCEPTION_MESSAGE, "exception.message") X(EXCEPTION_STACKTRACE, "exception.stacktrace") X(EXCEPTION_TYPE2, "exception_type") \
	X(ERRORVERBOSE, "errorVerbose") X(THROWABLE_CLASS, "throwable_class") X(EXCEPTION_NAME, "exception_name") X(ERROR_TYPE2, "error_type") \
	X(EXCEPTION_CLASS, "exception_class") X(STATE_CODE, "state_code") X(EXCEPTIONTYPE, "exceptionType") X(THROWABLE, "throwable") \
	/* objects */ \
	X(FIELDS, "fields") X(MDC, "mdc") X(CONTEXTMAP, "contextMap") X(LABELS, "labels") X(ATTRIBUTES, "attributes") X(PROPERTIES, "Properties") \
	X(SCOPES, "Scopes") X(STATE, "State") X(HTTPREQUEST, "httpRequest") X(REQ, "req") X(RES, "res") X(REQUEST, "request") \
	X(RESPONSE, "response") X(HTTP, "http") X(STREAM, "stream") X(DOCKER, "docker") X(AGENT, "agent") X(ECS, "ecs") \
	X(ECS_VERSION, "ecs.version") X(AT_METADATA, "@metadata") X(SOURCE_TYPE, "source_type") X(HOST, "host") X(HOSTNAME, "hostname") \
	X(PID, "pid") X(TAG, "tag") X(CONTAINER_ID, "container_id") X(SPANS, "spans") \
	/* signatures */ \
	X(LOGGERFQCN, "loggerFqcn") X(EVENTID, "EventId") X(VERSION, "version") X(V, "v") X(AT_VERSION, "@version") X(THREAD_NAME, "thread_name") \
	X(TASKNAME, "taskName") X(PATHNAME, "pathname") X(LINENO, "lineno") X(ENDOFBATCH, "endOfBatch") X(SEQUENCE, "sequence") \
	X(LOGGERCLASSNAME, "loggerClassName") X(GOOGLE_LABELS, "logging.googleapis.com/labels") \
	X(GOOGLE_TRACE_SAMPLED, "logging.googleapis.com/trace_sampled") X(GOOGLE_SOURCELOCATION, "logging.googleapis.com/sourceLocation") \
	X(SOURCE, "source") \
	/* OTLP */ \
	X(RESOURCELOGS, "resourceLogs") X(RESOURCESPANS, "resourceSpans") X(SCOPELOGS, "scopeLogs") X(SCOPESPANS, "scopeSpans") X(SCOPE, "scope") \
	X(LOGRECORDS, "logRecords") X(TIMEUNIXNANO, "timeUnixNano") X(OBSERVEDTIMEUNIXNANO, "observedTimeUnixNano") \
	X(SEVERITYNUMBER, "severityNumber") X(KIND, "kind") X(STARTTIMEUNIXNANO, "startTimeUnixNano") X(ENDTIMEUNIXNANO, "endTimeUnixNano") \
	X(EVENTS, "events") \
	/* from here on clues, which shapes are known by but records take nothing from: these may stand there twice */ \
	X(ID, "id") X(SCHEMA, "schema") X(PAYLOAD, "payload") X(OP, "op") X(AFTER, "after") X(BEFORE, "before") X(JSON, "json") X(DATA, "data") \
	X(SPECVERSION, "specversion") X(TYPE, "type") X(TOPICARN, "TopicArn") X(SOURCETYPE, "sourcetype") X(INDEX, "index") X(JSONPAYLOAD, "jsonPayload") \
	X(TEXTPAYLOAD, "textPayload") X(PROTOPAYLOAD, "protoPayload") X(INSERTID, "insertId") X(LOGNAME, "logName") X(LOGEVENTS, "logEvents") X(RECORDS, "records") \
	X(RECORDS2, "Records") X(ITEMS, "items") X(STREAMS, "streams") X(LOCALENDPOINT, "localEndpoint") X(ANNOTATIONS, "annotations") X(TAGS, "tags") \
	X(OPERATIONNAME, "operationName") X(OPERATION_NAME, "operation_name") X(PROCESS, "process") X(PROCESSES, "processes") X(PROCESSID, "processID") \
	X(RESOURCEMETRICS, "resourceMetrics") X(RESOURCEPROFILES, "resourceProfiles") X(S, "s") X(C, "c") X(CTX, "ctx") X(ATTR, "attr") \
	X(BACKEND_TYPE, "backend_type") X(SESSION_ID, "session_id") X(LINE_NUM, "line_num") X(DDSOURCE, "ddsource") X(DDTAGS, "ddtags") X(DD_ENV, "dd.env") \
	X(RESPONSE_FLAGS, "response_flags") X(UPSTREAM_HOST, "upstream_host") X(REMOTE_ADDR, "remote_addr") X(BODY_BYTES_SENT, "body_bytes_sent") \
	X(DOWNSTREAMCONTENTSIZE, "DownstreamContentSize") X(REQUESTHOST, "RequestHost") X(RESP_HEADERS, "resp_headers") X(HOSTNAME2, "hostName") \
	X(NDC, "ndc") X(THREADNAME, "threadName") X(FUNCTION_REQUEST_ID, "function_request_id") X(LOCATION, "location") X(COLD_START, "cold_start") \
	X(FACILITY, "facility") X(FACILITY2, "FACILITY") X(SYSLOG_FACILITY, "SYSLOG_FACILITY") X(SYSLOG_FACILITY2, "syslog_facility") X(PROCID, "procid") X(MSGID, "msgid") \
	X(PRI, "pri") X(PRIORITY2, "priority") X(SYSLOG_SEVERITY, "syslog_severity") X(SYSLOG_SEVERITY_CODE, "syslog_severity_code") X(SEVERITY_CODE, "severity_code") \
	X(SYSLOG_MESSAGE, "syslog_message") X(SEQUENCENUMBER, "sequenceNumber") X(ARGUMENTS, "arguments") X(FORMATTEDMESSAGE, "formattedMessage") X(CONTEXT, "context") \
	X(RECORD, "record") X(AUDITID, "auditID") X(STAGE, "stage") X(RESPONSESTATUS, "responseStatus") X(OBJECTREF, "objectRef") X(BYTES_SENT, "bytes_sent") \
	X(EXTRA, "extra") X(CALLER2, "caller_file") X(BYTES_RECEIVED, "bytes_received") X(ORIGINAL, "original") X(EVENT_ORIGINAL, "event.original") X(RESOURCEID, "resourceId") \
	/* what fewer loggers write, or in fewer places */ \
	X(L, "L") X(M, "M") X(N, "N") X(C2, "C") X(S2, "S") X(T2, "T") X(METADATA, "metadata") X(LONGDATE, "longdate") X(CREATED, "created") X(LOGGER2, "Logger") X(PROGNAME, "progname") \
	X(LEVEL_INDEX, "level_index") X(NAMED_TAGS, "named_tags") X(MESSAGETEMPLATE2, "messageTemplate") X(CODE, "code") X(SIZE, "size") X(REFERER, "referer") \
	X(REQUESTED_URI, "requested_uri") X(SOURCE_REALTIME, "_SOURCE_REALTIME_TIMESTAMP") X(USER_UNIT, "_SYSTEMD_USER_UNIT") X(TRACE_ID3, "TRACE_ID") X(SPAN_ID3, "SPAN_ID") \
	X(CATEGORY2, "category") X(RESULTDESCRIPTION, "resultDescription") X(RESULTTYPE, "resultType") X(OPERATIONID, "OperationId") X(APPROLENAME, "AppRoleName") \
	X(SEVERITYLEVEL, "SeverityLevel") X(PROPERTIES2, "properties") X(INVOLVEDOBJECT, "involvedObject") X(REGARDING, "regarding") X(REASON, "reason") \
	X(LASTTIMESTAMP, "lastTimestamp") X(FIRSTTIMESTAMP, "firstTimestamp") X(EVENTTIME2, "deprecatedLastTimestamp") X(REPORTINGCOMPONENT, "reportingComponent") X(NOTE, "note") \
	X(ERROR_KIND, "error.kind") X(TIME_BUSY, "time.busy") X(OPENTELEMETRY_TRACE_ID, "opentelemetry_trace_id") X(OPENTELEMETRY_SPAN_ID, "opentelemetry_span_id") \
	X(HTTP_X_B3_TRACEID, "http_x_b3_traceid") X(HTTP_X_B3_SPANID, "http_x_b3_spanid") X(TRACE_ID4, "trace-id") X(SPAN_ID4, "span-id") X(X_TRACE_ID, "x-trace-id") X(X_TRACE_ID2, "X-Trace-Id") \
	X(TRACE_TRACE_ID, "trace.trace_id") X(TRACE_SPAN_ID, "trace.span_id") X(TRACE_PARENT_ID, "trace.parent_id") X(DD_TRACE_ID2, "dd_trace_id") X(DD_SPAN_ID2, "dd_span_id") \
	X(X_DATADOG_TRACE_ID, "x-datadog-trace-id") X(X_DATADOG_PARENT_ID, "x-datadog-parent-id") X(X_AMZN_TRACE_ID3, "x-amzn-trace-id") X(CLOUD_TRACE, "x-cloud-trace-context") \
	X(CLOUD_TRACE2, "X-Cloud-Trace-Context") X(CLOUD_TRACE3, "x_cloud_trace_context") X(CLOUD_TRACE4, "http_x_cloud_trace_context") X(AT, "at") X(DYNO, "dyno") X(FWD, "fwd") X(DESC, "desc") X(LATENCY_HUMAN, "latency_human") X(SW8, "sw8") X(HTTP_SW8, "http_sw8") X(TRACEPARENT2, "Traceparent") \
	X(INPUT, "input") X(OFFSET, "offset") X(LOG_PROCESSED, "log_processed") X(RENDERINGS, "Renderings") X(LOGTAG, "logtag") X(PARTIAL_MESSAGE, "partial_message") X(PARTIAL_LAST, "partial_last") \
	/* attributes of spans */ \
	X(PEER_SERVICE, "peer.service") X(SERVER_ADDRESS, "server.address") X(NET_PEER_NAME, "net.peer.name") X(DB_SYSTEM, "db.system") X(DB_SYSTEM_NAME, "db.system.name") \
	X(MESSAGING_SYSTEM, "messaging.system") X(SAMPLING_PROBABILITY, "sampling.probability") X(TRACESTATE, "traceState") X(LINKS, "links") \
	X(RPC_SERVICE, "rpc.service") X(RPC_METHOD, "rpc.method") X(DB_OPERATION_NAME, "db.operation.name") X(DB_OPERATION, "db.operation") \
	X(DB_COLLECTION_NAME, "db.collection.name") X(DB_SQL_TABLE, "db.sql.table") X(MESSAGING_OPERATION_NAME, "messaging.operation.name") \
	X(MESSAGING_OPERATION, "messaging.operation") X(MESSAGING_DESTINATION_NAME, "messaging.destination.name") \
	X(SERVICE_NAMESPACE, "service.namespace") X(SERVICE_INSTANCE_ID, "service.instance.id") \
	/* the first of many spellings each: see ALIASES */ \
	X(OTHER_TIME, "log_time") X(OTHER_LEVEL, "logLevel") X(OTHER_MESSAGE, "log_message") X(OTHER_SERVICE, "svc") X(OTHER_TRACE, "otel.trace_id") X(OTHER_SPAN, "otel.span_id") \
	X(OTEL, "otel") X(META, "meta") X(TRANSACTION, "transaction") X(SYSLOG, "syslog") X(LABEL, "label") X(PRIO, "prio") X(EVENTSOURCE, "eventSource") X(LATENCIES, "latencies") X(RULE, "rule") \
	X(IKEY, "iKey") X(LOGS, "logs") X(COMMON, "common") X(ID_ORIG_H, "id.orig_h")

#define ALIASES(X) \
	X(OTHER_TIME, "logTime") X(OTHER_TIME, "started_at") X(OTHER_TIME, "EdgeStartTimestamp") X(OTHER_TIME, "eventtime") X(OTHER_TIME, "EventTime") X(OTHER_TIME, "logtime") X(OTHER_TIME, "logTimestamp") X(OTHER_TIME, "log_timestamp") X(OTHER_TIME, "dateTime") X(OTHER_TIME, "DateTime") X(OTHER_TIME, "date_time") \
	X(OTHER_TIME, "Time") X(OTHER_TIME, "TIMESTAMP") X(OTHER_TIME, "TimeStamp") X(OTHER_TIME, "timeStamp") X(OTHER_TIME, "time_stamp") X(OTHER_TIME, "createdAt") X(OTHER_TIME, "timestampMs") \
	X(OTHER_TIME, "timestampMillis") X(OTHER_TIME, "timestamp_millis") X(OTHER_TIME, "timestamp_us") X(OTHER_TIME, "unix_timestamp") X(OTHER_TIME, "eventTimestamp") X(OTHER_TIME, "event_timestamp") \
	X(OTHER_TIME, "epoch") X(OTHER_TIME, "epoch_ms") X(OTHER_TIME, "written_at") X(OTHER_TIME, "ibm_datetime") X(OTHER_TIME, "_time") X(OTHER_TIME, "_ts") X(OTHER_TIME, "@ts") X(OTHER_TIME, "ts_ns") \
	X(OTHER_TIME, "TimeGenerated") X(OTHER_TIME, "TimeCreated") X(OTHER_TIME, "requestTimeEpoch") X(OTHER_TIME, "log.timestamp") X(OTHER_TIME, "dt") X(OTHER_TIME, "unixTime") X(OTHER_TIME, "unix_time") X(OTHER_TIME, "recorded_at") X(OTHER_TIME, "occurred_at") X(OTHER_TIME, "occurredAt") X(OTHER_TIME, "logged_at") X(OTHER_TIME, "loggedAt") \
	X(OTHER_TIME, "timestamp_utc") X(OTHER_TIME, "utc_time") X(OTHER_TIME, "time_utc") X(OTHER_TIME, "startTime") X(OTHER_TIME, "event.created") \
	X(OTHER_LEVEL, "log-level") X(OTHER_LEVEL, "levelName") X(OTHER_LEVEL, "Loglevel") X(OTHER_LEVEL, "LOG_LEVEL") X(OTHER_LEVEL, "Lvl") X(OTHER_LEVEL, "severity_label") X(OTHER_LEVEL, "severityLabel") \
	X(OTHER_LEVEL, "severity_name") X(OTHER_LEVEL, "severityName") X(OTHER_LEVEL, "level_str") X(OTHER_LEVEL, "levelStr") X(OTHER_LEVEL, "log.severity") X(OTHER_LEVEL, "log_severity") X(OTHER_LEVEL, "@severity") X(OTHER_LEVEL, "_level_name") \
	X(OTHER_LEVEL, "_level") X(OTHER_LEVEL, "level.name") X(OTHER_LEVEL, "detected_level") X(SEVERITYNUMBER, "severity_number") X(SEVERITYNUMBER, "SeverityNumber") X(SEVERITYTEXT, "Severity_Text") \
	X(RESOURCELOGS, "resource_logs") X(RESOURCESPANS, "resource_spans") X(RESOURCEMETRICS, "resource_metrics") X(SCOPELOGS, "scope_logs") X(SCOPESPANS, "scope_spans") X(TIMEUNIXNANO, "time_unix_nano") \
	X(OBSERVEDTIMEUNIXNANO, "observed_time_unix_nano") X(STARTTIMEUNIXNANO, "start_time_unix_nano") X(ENDTIMEUNIXNANO, "end_time_unix_nano") X(TRACESTATE, "trace_state") \
	X(OTHER_MESSAGE, "logMessage") X(OTHER_MESSAGE, "output") X(OTHER_MESSAGE, "LogEntry") X(OTHER_MESSAGE, "LogMessage") X(OTHER_MESSAGE, "Msg") X(OTHER_MESSAGE, "MSG") X(OTHER_MESSAGE, "rest") X(OTHER_MESSAGE, "line") X(OTHER_MESSAGE, "log.original") \
	X(OTHER_MESSAGE, "OuterMessage") X(OTHER_MESSAGE, "message_text") \
	X(OTHER_SERVICE, "svc_name") X(OTHER_SERVICE, "ContainerName") X(OTHER_SERVICE, "AppName") X(OTHER_SERVICE, "App") X(OTHER_SERVICE, "service-name") X(OTHER_SERVICE, "app.name") X(OTHER_SERVICE, "application.name") \
	X(OTHER_SERVICE, "spring.application.name") X(OTHER_SERVICE, "entity.name") X(OTHER_SERVICE, "SERVICE") X(OTHER_SERVICE, "SERVICE_NAME") X(OTHER_SERVICE, "APP") X(OTHER_SERVICE, "kubernetes.labels.app") X(OTHER_SERVICE, "container.name") X(OTHER_SERVICE, "kubernetes.container.name") X(OTHER_SERVICE, "kubernetes.container_name") \
	X(OTHER_SERVICE, "k8s_container_name") X(OTHER_SERVICE, "k8s_job_name") X(OTHER_SERVICE, "_container_name") X(OTHER_SERVICE, "_k8s_container_name") X(_SERVICE_NAME, "_service.name") X(_SERVICE_NAME, "_serviceName") \
	X(OTHER_TRACE, "otel.traceId") X(OTHER_TRACE, "otel.traceID") X(OTHER_TRACE, "mdc.traceId") X(OTHER_TRACE, "mdc.trace_id") X(OTHER_TRACE, "_mdc.traceId") X(OTHER_TRACE, "_mdc.trace_id") X(OTHER_TRACE, "_mdc_traceId") \
	X(OTHER_TRACE, "_mdc_trace_id") X(OTHER_TRACE, "contextMap.traceId") X(OTHER_TRACE, "contextMap.trace_id") X(OTHER_TRACE, "context.trace_id") X(OTHER_TRACE, "context.traceId") X(OTHER_TRACE, "labels.trace_id") \
	X(OTHER_TRACE, "attributes.trace_id") X(OTHER_TRACE, "fields.trace_id") X(OTHER_TRACE, "dd.traceId") X(OTHER_TRACE, "xrayTraceId") X(OTHER_TRACE, "AWS-XRAY-TRACE-ID") X(OPERATIONID, "operation_Id") X(PARENTID2, "operation_ParentId") X(SEVERITYLEVEL, "severityLevel") X(APPROLENAME, "cloud_RoleName") X(OTHER_TRACE, "trace.traceId") X(OTHER_TRACE, "Trace-Id") X(OTHER_TRACE, "TRACEID") X(OTHER_TRACE, "_traceID") \
	X(OTHER_TRACE, "_TraceId") X(OTHER_TRACE, "_traceid") X(OTHER_TRACE, "_otel_trace_id") X(OTHER_TRACE, "_otelTraceID") X(OTHER_TRACE, "_dd.trace_id") X(OTHER_TRACE, "_traceparent") \
	X(OTHER_TRACE, "X-B3-Traceid") X(OTHER_TRACE, "ot-tracer-traceid") X(OTHER_SPAN, "X-B3-Spanid") X(OTHER_SPAN, "ot-tracer-spanid") X(ELAPSED_TIME, "elapsedTime") \
	X(OTHER_SPAN, "otel.spanId") X(OTHER_SPAN, "otel.spanID") X(OTHER_SPAN, "mdc.spanId") X(OTHER_SPAN, "mdc.span_id") X(OTHER_SPAN, "_mdc.spanId") X(OTHER_SPAN, "_mdc.span_id") X(OTHER_SPAN, "_mdc_spanId") \
	X(OTHER_SPAN, "_mdc_span_id") X(OTHER_SPAN, "contextMap.spanId") X(OTHER_SPAN, "contextMap.span_id") X(OTHER_SPAN, "context.span_id") X(OTHER_SPAN, "context.spanId") X(OTHER_SPAN, "labels.span_id") \
	X(OTHER_SPAN, "attributes.span_id") X(OTHER_SPAN, "fields.span_id") X(OTHER_SPAN, "dd.spanId") X(OTHER_SPAN, "trace.spanId") X(OTHER_SPAN, "Span-Id") X(OTHER_SPAN, "SPANID") X(OTHER_SPAN, "_spanID") \
	X(OTHER_SPAN, "_SpanId") X(OTHER_SPAN, "_spanid") X(OTHER_SPAN, "_otel_span_id") X(OTHER_SPAN, "_otelSpanID") X(OTHER_SPAN, "_dd.span_id") \
	X(META, "_meta") X(RESPONSE_TIME_MS, "responseLatency") X(OTEL, "opentelemetry") X(OTEL, "tracing") X(OTEL, "trace_context") X(OTEL, "traceContext") X(OTEL, "span_context") X(OTEL, "spanContext") X(OTEL, "headers") X(FIELDS, "@fields") X(RESOURCE, "Resource") X(RESOURCE, "resources") X(JSON, "structured") X(ATTRIBUTES, "Attributes") X(RESOURCEATTRIBUTES, "resource_attributes") X(RESOURCEATTRIBUTES, "resourceAttributes") \
	X(REPORTINGCOMPONENT, "reportingController") X(CONTAINER_NAME, "CONTAINER_NAME") X(HTTP_METHOD2, "httpMethod") X(HTTP_METHOD2, "request_verb") X(HTTP_METHOD2, "ClientRequestMethod") X(REQUEST_URI, "ClientRequestURI") X(HTTP_STATUS, "EdgeResponseStatus") X(REQUEST_URI, "http_uri") X(REQUEST_URI, "resourcePath") \
	X(HTTP_STATUS, "httpStatus") X(HTTP_STATUS, "httpStatusCode") X(HTTP_STATUS, "http_status_code") X(HTTP_STATUS, "elb_status_code") X(SERVER_NAME, "vhost")
/* clang-format on */

enum key {
	KEY_NONE,
#define X(id, text) KEY_##id,
	KEYS(X)
#undef X
	/* durations whose names only end as they should (key_of_duration) */
	KEY_ANY_MS,
	KEY_ANY_US,
	KEY_ANY_NS,
	KEY_ANY_S,
	/* not names but facts about values, kept in the same sets (json_object.c) */
	KEY_IS_LEVEL_NUMBER,
	KEY_IS_LEVEL_UPPER,
	KEY_IS_TIME_NUMBER,
	KEY_IS_LOG_TEXT,
	KEY_IS_LOG_OBJECT,
	KEY_IS_EVENT_TEXT,
	KEY_IS_DATA_TRACES,
	KEY_COUNT
};
_Static_assert(KEY_COUNT <= 576, "struct key_set holds 576");

enum { KEY_FIRST_CLUE = KEY_ID, KEY_SET_WORDS = 9, KEY_SLOTS = 2048 };

struct key_set {
	uint64_t words[KEY_SET_WORDS];
};

static inline void key_set_add(struct key_set *set, unsigned key)
{
	set->words[key / 64] |= UINT64_C(1) << (key % 64);
}

static inline bool key_set_has(const struct key_set *set, unsigned key)
{
	return set->words[key / 64] >> (key % 64) & 1;
}

/* Whether all of `part` are in set. */
static inline bool key_set_covers(const struct key_set *set, const struct key_set *part)
{
	uint64_t missing = 0;
	for (size_t i = 0; i < KEY_SET_WORDS; i++)
		missing |= part->words[i] & ~set->words[i];
	return missing == 0;
}

static inline bool key_set_meets(const struct key_set *set, const struct key_set *other)
{
	uint64_t common = 0;
	for (size_t i = 0; i < KEY_SET_WORDS; i++)
		common |= other->words[i] & set->words[i];
	return common != 0;
}

struct key_slot {
	uint64_t first; /* the name's first eight bytes, zero-padded */
	uint64_t last;  /* its last eight bytes; zero if it has no more than eight */
	uint32_t len;
	uint16_t key;   /* KEY_NONE: the slot is free */
	uint16_t name;  /* for key_name */
};

struct key_table {
	struct key_slot slots[KEY_SLOTS];
};

void key_table_init(struct key_table *table);
/* KEY_ANY_MS and so on if name is a duration's and says its unit ("db.duration_ms", "http_request_duration_seconds", "queryTimeMillis"), or KEY_NONE. */
unsigned key_of_duration(struct slice name);
const char *key_text(unsigned key);
/* A name by its number: that of a key, or from KEY_COUNT on of an alias. */
const char *key_name(unsigned name);

static inline size_t key_hash(uint64_t first, uint64_t last, size_t len)
{
	return (size_t)(((first ^ (last << 7 | last >> 57)) + len) * UINT64_C(0x9E3779B97F4A7C15) >> 53);
}

/* Eight bytes of name, zero-padded; the caller guarantees eight readable ones. */
static inline uint64_t key_load(const char *name, size_t len)
{
	uint64_t word;
	memcpy(&word, name, sizeof(word));
	return len >= 8 ? word : word & ((UINT64_C(1) << (len * 8)) - 1);
}

/* Which key name is; KEY_NONE if it is not known. first: its first eight bytes, zero-padded; last: the last eight of a name that has more, else 0. */
static inline unsigned key_search(const struct key_table *table, struct slice name, uint64_t first, uint64_t last)
{
	for (size_t i = key_hash(first, last, name.len);; i = (i + 1) % KEY_SLOTS) {
		const struct key_slot *slot = &table->slots[i];
		if (slot->key == KEY_NONE)
			return KEY_NONE;
		if (slot->first != first || slot->last != last || slot->len != name.len)
			continue;
		if (name.len <= 16 || memcmp(key_name(slot->name), name.ptr, name.len) == 0)
			return slot->key;
	}
}

/* The same of a name that is followed by eight readable bytes, as every string of a document is. */
static inline unsigned key_find(const struct key_table *table, struct slice name)
{
	return key_search(table, name, key_load(name.ptr, name.len), name.len > 8 ? key_load(name.ptr + name.len - 8, 8) : 0);
}

#endif
