/* SPDX-License-Identifier: Apache-2.0 */
#include "record/shape.h"

#include "base/clock.h"

#include <assert.h>

#define AT(id) {.key = KEY_##id}
#define IN(id, name) {.key = KEY_##id, .inside = {{name, sizeof(name) - 1}}}
#define IN2(id, name, name2) {.key = KEY_##id, .inside = {{name, sizeof(name) - 1}, {name2, sizeof(name2) - 1}}}
#define UNIT(id, ns) {.key = KEY_##id, .unit = (ns)}
#define IDS(id) {.key = KEY_##id, .ids = true}
#define IDS_IN(id, name) {.key = KEY_##id, .ids = true, .inside = {{name, sizeof(name) - 1}}}
#define SCALE(id, what) {.key = KEY_##id, .scale = LEVEL_##what}
#define END {.key = KEY_NONE}

static const struct place any_time[] = {AT(TIMESTAMP), AT(TIME), AT(TS), AT(AT_TIMESTAMP), AT(AT_T), AT(TIMESTAMP2), AT(INSTANT), AT(TIMEMILLIS), AT(ASCTIME),
	AT(TIMESTAMPSECONDS), AT(__REALTIME_TIMESTAMP), AT(TIME_ISO8601), AT(MSEC), AT(EVENTTIME), AT(EVENT_TIME), AT(DATETIME), AT(DATE), AT(AT_TIME), AT(T), AT(START_TIME),
	AT(STARTUTC), AT(CREATED_AT), AT(TIME_LOCAL), AT(TIMESTAMP_MS), AT(TIMESTAMP_NS), AT(TIMEREPORTED), AT(SYSLOG_TIMESTAMP), AT(ISODATE),
	AT(DATE2), AT(STAGETIMESTAMP), AT(TS_MS), AT(RECEIVETIMESTAMP), IN(METADATA, "timestamp"), AT(LONGDATE), AT(CREATED), AT(SOURCE_REALTIME), AT(OTHER_TIME), AT(TIMEUNIXNANO), AT(OBSERVEDTIMEUNIXNANO), IN(SYSLOG, "timestamp"), IN(META, "date"), END};
static const struct place any_level[] = {AT(LEVEL), AT(LOG_LEVEL), IN(LOG, "level"), AT(SEVERITY_TEXT), AT(SEVERITYTEXT2), AT(SEVERITY), AT(AT_L), AT(LEVELNAME), AT(LOGLEVEL), AT(LVL), AT(LEVEL2),
	AT(LOG_LEVEL2), AT(LOGLEVEL2), AT(SEVERITYTEXT), AT(ERROR_SEVERITY), AT(LEVEL3), AT(SEVERITY2), AT(SEVERITY3), AT(LEVEL_NAME),
	SCALE(PRIORITY, SYSLOG), AT(LEVEL_VALUE), SCALE(LEVELNO, PYTHON), SCALE(SEVERITYNUMBER, OTEL), AT(AT_LEVEL), AT(OTHER_LEVEL), IN(FIELDS, "level"), IN(FIELDS, "severity"), IN(META, "level"), IN(ATTRIBUTES, "level"), IN(META, "logLevelName"), IN(SYSLOG, "severity"), AT(SYSLOG_SEVERITY), SCALE(SEVERITYLEVEL, AZURE), END};
static const struct place any_message[] = {AT(MESSAGE), AT(MSG), AT(AT_M), AT(SHORT_MESSAGE), AT(MESSAGE2), AT(RENDEREDMESSAGE), IN(FIELDS, "message"), AT(EVENT),
	AT(LOG), IN(BODY, "stringValue"), AT(BODY), AT(TEXT), AT(MESSAGE3), AT(LOG_MESSAGE), AT(BODY2), AT(AT_MT), AT(MESSAGETEMPLATE), AT(FULL_MESSAGE), AT(AT_MESSAGE), AT(FORMATTEDMESSAGE), AT(SYSLOG_MESSAGE), IN(EVENT, "original"), AT(EVENT_ORIGINAL), AT(OTHER_MESSAGE), END};
static const struct place any_template[] = {AT(LOG_RECORD_TEMPLATE), AT(ORIGINAL_FORMAT), AT(AT_MT), AT(MESSAGETEMPLATE), AT(MESSAGE_TEMPLATE),
	IN(STATE, "{OriginalFormat}"), IN(ATTRIBUTES, "log.record.template"), AT(MESSAGETEMPLATE2), END};
/* Behind "app", the label that is there most often. */
#define KUBERNETES_LABELS IN2(KUBERNETES, "labels", "app.kubernetes.io/name"), IN2(KUBERNETES, "labels", "app_kubernetes_io/name"), IN2(KUBERNETES, "labels", "app_kubernetes_io_name"), IN2(KUBERNETES, "labels", "k8s-app")
static const struct place any_service[] = {AT(SERVICE), IN(SERVICE, "name"), AT(SERVICE_NAME), AT(SERVICE_NAME2), AT(SERVICENAME), AT(APP), IN(APP, "name"), AT(APPLICATION), IN(APPLICATION, "name"), AT(APP_NAME),
	AT(APPNAME), AT(APPLICATION_NAME), IN(SERVICECONTEXT, "service"), AT(DD_SERVICE), IN(DD, "service"), AT(OTELSERVICENAME), AT(APPLICATION2), AT(SERVICENAME2), AT(_SERVICE),
	IN(RESOURCE, "service.name"), IN2(RESOURCE, "service", "name"), IN(PROPERTIES, "Application"), IN(PROPERTIES, "ServiceName"), IN(PROPERTIES, "ApplicationName"), IN(PROPERTIES, "Service"), IN(PROPERTIES, "service.name"), IN(LABELS, "app"), IN(LABELS, "service"), IN(LABELS, "service.name"), IN(LABELS, "service_name"), IN2(KUBERNETES, "labels", "app"), IN(LABELS, "app.kubernetes.io/name"), KUBERNETES_LABELS,
	IN(KUBERNETES, "container_name"), AT(CONTAINER_NAME), AT(SYSLOG_IDENTIFIER),
	IN(RESOURCEATTRIBUTES, "service.name"), IN2(RESOURCE, "attributes", "service.name"), AT(SERVICENAME3), AT(APPLICATIONNAME), AT(APPNAME4), AT(APPNAME3), IN2(KUBERNETES, "pod_labels", "app"),
	IN2(KUBERNETES, "container", "name"), AT(K8S_DEPLOYMENT_NAME), AT(K8S_CONTAINER_NAME), AT(CONTAINER), IN(CONTAINER, "name"), IN(DOCKER, "container_name"), AT(WORKLOAD), IN(FIELDS, "service"), IN(FIELDS, "service.name"), IN(FIELDS, "service_name"), IN(FIELDS, "ServiceName"), IN(FIELDS, "Application"), IN(FIELDS, "app"), IN(FIELDS, "ApplicationName"),
	IN(METADATA, "service"), IN(DATA, "service"), IN(MDC, "service"), IN(MDC, "service.name"), IN(CONTEXTMAP, "service"), IN(CONTEXTMAP, "service.name"), IN(CONTEXT, "service"), IN(EXTRA, "service"), IN(ATTRIBUTES, "service.name"), IN(META, "service"), IN(META, "service.name"), IN(GOOGLE_LABELS, "service"), IN(GOOGLE_LABELS, "app"), IN(NAMED_TAGS, "service"), IN2(NAMED_TAGS, "dd", "service"), IN(OTEL, "service.name"), AT(APPROLENAME), AT(OTHER_SERVICE), AT(JOB), END};
static const struct place any_logger[] = {AT(LOGGER), AT(LOGGER_NAME), AT(LOGGERNAME), AT(LOG_LOGGER), IN(LOG, "logger"), AT(CATEGORY), AT(SOURCECONTEXT),
	IN(PROPERTIES, "SourceContext"), AT(TARGET), AT(_LOGGER), AT(AT_MODULE), AT(SCOPENAME), AT(CHANNEL), AT(MODULE), AT(LOGGER2), IN(FIELDS, "SourceContext"), AT(PROGNAME), END};
#define CARRIERS IDS(FIELDS), IDS(SPAN), IDS(SPANS), IDS(MDC), IDS(CONTEXTMAP), IDS(LABELS), IDS(ATTRIBUTES), IDS(PROPERTIES), IDS(PROPERTIES2), IDS(SCOPES), \
	IDS(CONTEXT), IDS(EXTRA), IDS(METADATA), IDS(META), IDS(DATA), IDS(NAMED_TAGS), IDS(OTEL), IDS(TRACE), IDS(CTX), IDS(GOOGLE_LABELS), \
	IDS_IN(SPAN, "context"), IDS_IN(CONTEXT, "trace"), IDS_IN(CONTEXT, "span"), IDS_IN(REQ, "headers"), IDS_IN(REQUEST, "headers")
static const struct place any_trace[] = {AT(TRACE_ID), AT(TRACEID), AT(TRACEID2), AT(TRACEID3), AT(TRACEID4), AT(TRACEID5), AT(TRACE_ID2), IN(TRACE, "id"),
	AT(OTELTRACEID), AT(AT_TR), AT(DD_TRACE_ID), IDS(DD), AT(GOOGLE_TRACE), AT(TRACEPARENT), AT(XRAY_TRACE_ID), AT(X_B3_TRACEID), AT(X_B3_TRACEID2), AT(X_B3_TRACEID3), AT(UBER_TRACE_ID), AT(_TRACE_ID),
	AT(_TRACEID), AT(OTEL_TRACE_ID), AT(HTTP_TRACEPARENT), CARRIERS, AT(TRACE), AT(X_AMZN_TRACE_ID), AT(X_AMZN_TRACE_ID2), AT(B3), AT(HTTP_B3),
	IDS(REQ), IN2(NAMED_TAGS, "dd", "trace_id"),
	AT(TRACE_ID3), AT(TRACE_ID4), AT(X_TRACE_ID), AT(X_TRACE_ID2), AT(TRACE_TRACE_ID), AT(DD_TRACE_ID2), AT(X_DATADOG_TRACE_ID), AT(X_AMZN_TRACE_ID3), AT(CLOUD_TRACE), AT(CLOUD_TRACE2), AT(CLOUD_TRACE3), AT(CLOUD_TRACE4),
	AT(SW8), AT(HTTP_SW8), AT(TRACEPARENT2), AT(OPENTELEMETRY_TRACE_ID), AT(HTTP_X_B3_TRACEID), AT(OTHER_TRACE), AT(OPERATIONID), END};
static const struct place any_span[] = {AT(SPAN_ID), AT(SPANID), AT(SPANID2), AT(SPANID3), AT(SPANID4), AT(SPANID5), AT(SPAN_ID2), IN(SPAN, "id"), AT(OTELSPANID),
	AT(AT_SP), AT(DD_SPAN_ID), IDS(DD), AT(GOOGLE_SPANID), AT(_SPAN_ID), AT(_SPANID), AT(X_B3_SPANID), AT(X_B3_SPANID2), AT(X_B3_SPANID3), CARRIERS, AT(OTEL_SPAN_ID),
	AT(GOOGLE_SPAN), AT(TRANSACTION_ID), IN(TRANSACTION, "id"), AT(SPAN), IN2(NAMED_TAGS, "dd", "span_id"),
	AT(SPAN_ID3), AT(SPAN_ID4), AT(TRACE_SPAN_ID), AT(DD_SPAN_ID2), AT(X_DATADOG_PARENT_ID), AT(OPENTELEMETRY_SPAN_ID), AT(HTTP_X_B3_SPANID), AT(OTHER_SPAN), END};
static const struct place any_parent[] = {AT(PARENT_SPAN_ID), AT(PARENTSPANID), AT(PARENT_ID), AT(PARENTID), AT(PARENTID2), AT(PARENT_ID2), IN(SPAN, "parent_span_id"), IN(SCOPES, "ParentId"), AT(TRACE_PARENT_ID), END};
static const struct place any_duration[] = {UNIT(DURATION_MS, NS_PER_MS), UNIT(ELAPSED_MS, NS_PER_MS), UNIT(LATENCY_MS, NS_PER_MS), UNIT(DURATIONMS, NS_PER_MS),
	UNIT(ELAPSEDMS, NS_PER_MS), UNIT(LATENCYMS, NS_PER_MS), UNIT(TOOK_MS, NS_PER_MS), UNIT(DURATION_US, NS_PER_US), UNIT(ELAPSED_US, NS_PER_US), UNIT(DURATION_NS, 1),
	UNIT(ELAPSED_NS, 1), UNIT(DURATION_S, NS_PER_S), UNIT(DURATION_SEC, NS_PER_S), UNIT(DURATION_SECONDS, NS_PER_S), UNIT(ELAPSED_SECONDS, NS_PER_S),
	UNIT(LATENCY_SECONDS, NS_PER_S), UNIT(ELAPSED_TIME, NS_PER_MS), UNIT(RESPONSETIME, NS_PER_MS), UNIT(RESPONSE_TIME, NS_PER_MS), UNIT(RESPONSE_TIME_MS, NS_PER_MS),
	UNIT(REQUEST_TIME, NS_PER_S), UNIT(ELAPSED2, NS_PER_MS), UNIT(ELAPSEDMILLISECONDS, NS_PER_MS), UNIT(DURATION_MILLIS, NS_PER_MS), UNIT(DURATIONMILLIS, NS_PER_MS),
	UNIT(EVENT_DURATION, 1), {.key = KEY_EVENT, .unit = 1, .inside = {{"duration", 8}}}, UNIT(DURATION2, 1), IN(HTTPREQUEST, "latency"),
	{.key = KEY_PROPERTIES, .unit = NS_PER_MS, .inside = {{"Elapsed", 7}}}, {.key = KEY_FIELDS, .unit = NS_PER_MS, .inside = {{"elapsed_ms", 10}}},
	{.key = KEY_FIELDS, .unit = NS_PER_MS, .inside = {{"duration_ms", 11}}}, IN(FIELDS, "time.busy"), UNIT(_DURATION_MS, NS_PER_MS), UNIT(UPSTREAM_RESPONSE_TIME, NS_PER_S), UNIT(DURATION_MICROS, NS_PER_US),
	UNIT(DURATIONMICROS, NS_PER_US), UNIT(DURATION_NANOS, 1), UNIT(DURATIONNANOS, 1), UNIT(DURATIONSECONDS, NS_PER_S), UNIT(ELAPSED_MILLIS, NS_PER_MS), UNIT(TIME_TAKEN, NS_PER_MS), UNIT(TIME_TAKEN_MS, NS_PER_MS), UNIT(RESPONSETIMEMS, NS_PER_MS), UNIT(RESPONSE_TIME_SECONDS, NS_PER_S), UNIT(EXECUTION_TIME_MS, NS_PER_MS),
	UNIT(REQUEST_DURATION_MS, NS_PER_MS), UNIT(REQUEST_TIME_MS, NS_PER_MS), UNIT(PROCESSING_TIME_MS, NS_PER_MS), UNIT(LATENCY_US, NS_PER_US),
	UNIT(LATENCY_NS, 1), {.key = KEY_STATE, .unit = NS_PER_MS, .inside = {{"ElapsedMilliseconds", 19}}}, {.key = KEY_STATE, .unit = NS_PER_MS, .inside = {{"Elapsed", 7}}},
	{.key = KEY_ATTR, .unit = NS_PER_MS, .inside = {{"durationMillis", 14}}}, {.key = KEY_FIELDS, .unit = NS_PER_US, .inside = {{"elapsed_us", 10}}}, IN(FIELDS, "elapsed"), IN(FIELDS, "duration"), IN(FIELDS, "latency"), {.key = KEY_PROPERTIES, .unit = NS_PER_MS, .inside = {{"ElapsedMilliseconds", 19}}}, {.key = KEY_META, .unit = NS_PER_MS, .inside = {{"responseTime", 12}}},
	{.key = KEY_CTX, .unit = NS_PER_S, .inside = {{"elapsed", 7}}}, {.key = KEY_LATENCIES, .unit = NS_PER_MS, .inside = {{"request", 7}}}, IN(HTTP, "duration"), {.key = KEY_HTTP, .unit = NS_PER_MS, .inside = {{"duration_ms", 11}}}, AT(DURATION), AT(ELAPSED), AT(LATENCY), AT(TOOK), AT(DUR),
	AT(_DURATION), AT(TIME_BUSY), UNIT(ANY_MS, NS_PER_MS), UNIT(ANY_US, NS_PER_US), UNIT(ANY_NS, 1), UNIT(ANY_S, NS_PER_S), END};
static const struct place any_status[] = {AT(HTTP_RESPONSE_STATUS_CODE), AT(HTTP_STATUS_CODE), AT(HTTP_STATUS), AT(STATUS_CODE), AT(STATUSCODE), AT(STATUSCODE2), AT(RESPONSE_CODE),
	AT(DOWNSTREAMSTATUS), IN(HTTPREQUEST, "status"), IN(RES, "statusCode"), IN2(HTTP, "response", "status_code"), IN(HTTP, "status_code"), IN(RESPONSE, "status"), IN(PROPERTIES, "StatusCode"),
	IN(FIELDS, "status"), AT(_STATUS), IN(STATE, "StatusCode"), IN(RESPONSESTATUS, "code"), AT(STATUSCODE3), AT(STATUS), IN(PAYLOAD, "status"), IN2(META, "res", "statusCode"), AT(RESPONSE), END};
static const struct place any_method[] = {AT(HTTP_REQUEST_METHOD), AT(HTTP_METHOD), AT(HTTP_METHOD2), AT(REQUEST_METHOD), AT(METHOD), AT(METHOD2), AT(REQUESTMETHOD),
	IN(HTTPREQUEST, "requestMethod"), IN(REQ, "method"), IN2(HTTP, "request", "method"), IN(REQUEST, "method"), IN(HTTP, "method"), AT(_METHOD), AT(VERB), IN(FIELDS, "method"), AT(REQUEST), IN(PAYLOAD, "method"), IN2(META, "req", "method"), END};
static const struct place any_route[] = {AT(HTTP_ROUTE), AT(ROUTE), AT(ROUTERNAME), AT(ROUTE_NAME), IN(HTTP, "route"), END};
static const struct place any_path[] = {AT(URL_PATH), AT(HTTP_TARGET), AT(PATH), AT(REQUEST_URI), AT(REQUESTPATH), AT(URI), AT(URL), AT(HTTP_URL), AT(URL_FULL), AT(PATH2),
	AT(REQUEST_PATH), IN(URL, "path"), IN(URL, "full"), IN(HTTPREQUEST, "requestUrl"), IN(REQ, "url"), IN(REQUEST, "uri"), IN(REQUEST, "url"), AT(REQUESTPATH2), AT(REQUESTURI), IN2(HTTP, "request", "path"), IN(HTTP, "url"), IN(URL, "original"), IN(PROPERTIES, "RequestPath"), IN(STATE, "Path"), IN(FIELDS, "path"), IN(PAYLOAD, "path"), AT(REQUESTED_URI), IN2(META, "req", "url"), AT(REQUEST), END};
static const struct place any_failure[] = {AT(ERROR_TYPE), AT(EXCEPTION_TYPE), AT(EXCEPTION_TYPE2), AT(ERROR_TYPE2), AT(EXCEPTION_CLASS), AT(THROWABLE_CLASS), AT(EXCEPTION_NAME), AT(ERROR), AT(ERR), AT(EXCEPTION),
	AT(THROWN), AT(AT_X), AT(EXCEPTION2), AT(EXC_INFO), AT(STACK_TRACE), AT(STACKTRACE), AT(STACK), AT(ERROR_MESSAGE), AT(ERROR_STACK_TRACE), AT(EXCEPTION_MESSAGE),
	AT(EXCEPTION_STACKTRACE), AT(ERRORVERBOSE), AT(THROWABLE), IN(FIELDS, "error"), IN(ATTR, "error"), AT(STATE_CODE), AT(ERROR_KIND), IN(CONTEXT, "exception"), END};

static const struct place *const generic[MEMBER_COUNT] = {any_time, any_level, any_message, any_template, any_service, any_logger, any_trace, any_span, any_parent,
	any_duration, any_status, any_method, any_route, any_path, any_failure};

/* What shippers write around a container's output. */
static const struct place shipper_time[] = {AT(TIME), AT(AT_TIMESTAMP), AT(TIMESTAMP), AT(TS), AT(DATE), END};
static const struct place shipper_text[] = {AT(MESSAGE), AT(LOG), END};
static const struct place shipper_service[] = {IN2(KUBERNETES, "labels", "app"), KUBERNETES_LABELS,
	IN2(KUBERNETES, "pod_labels", "app"), IN2(KUBERNETES, "pod_labels", "app.kubernetes.io/name"), IN2(KUBERNETES, "deployment", "name"), IN(SERVICE, "name"), AT(SERVICE), AT(SERVICE_NAME), IN(KUBERNETES, "container_name"),
	IN2(KUBERNETES, "container", "name"), AT(CONTAINER_NAME), IN(FIELDS, "service"), IN(FIELDS, "service.name"), IN(FIELDS, "app"), AT(USER_UNIT), AT(_SYSTEMD_UNIT), AT(SYSLOG_IDENTIFIER), AT(APP), IN(RESOURCE, "service.name"), AT(OTHER_SERVICE), END};
static const struct place no_places[] = {END};

/* Envelopes: what they hold. */
static const struct place of_payload[] = {AT(PAYLOAD), END};
static const struct place of_change[] = {AT(AFTER), AT(BEFORE), END};
static const struct place of_gcp[] = {AT(JSONPAYLOAD), AT(TEXTPAYLOAD), IN(PROTOPAYLOAD, "methodName"), END};
static const struct place of_data[] = {AT(DATA), END};
static const struct place of_sns[] = {AT(MESSAGE2), END};
static const struct place of_event[] = {AT(EVENT), END};
static const struct place of_container[] = {AT(LOG_PROCESSED), AT(LOG), AT(MESSAGE), END};
static const struct place of_filebeat[] = {AT(JSON), AT(MESSAGE), END};
static const struct place of_cloudwatch[] = {AT(LOGEVENTS), END};
static const struct place of_records[] = {AT(RECORDS), AT(RECORDS2), AT(ITEMS), END};
static const struct place change_time[] = {AT(TS_MS), END};
static const struct place gcp_service[] = {IN2(RESOURCE, "labels", "service_name"), IN(LABELS, "k8s-pod/app"), IN2(RESOURCE, "labels", "container_name"), IN2(RESOURCE, "labels", "module_id"), IN2(RESOURCE, "labels", "function_name"), IN2(RESOURCE, "labels", "backend_service_name"), IN(PROTOPAYLOAD, "serviceName"), END};
static const struct place loggroup_service[] = {AT(LOGGROUP), END};

static const struct place journald_service[] = {AT(CONTAINER_NAME), AT(USER_UNIT), AT(_SYSTEMD_UNIT), AT(SYSLOG_IDENTIFIER), AT(_COMM), END};
static const struct place journald_level[] = {SCALE(PRIORITY, SYSLOG), END};
static const struct place journald_time[] = {AT(__REALTIME_TIMESTAMP), AT(SOURCE_REALTIME), AT(AT_TIMESTAMP), AT(TIMESTAMP), AT(TIME), AT(DATE), END};
static const struct place syslog_service[] = {AT(APPNAME), AT(APPNAME2), AT(APP_NAME), AT(PROGRAMNAME), AT(PROGRAM), AT(PROGRAM2), AT(IDENT), AT(SYSLOG_PROGRAM), AT(SYSLOG_IDENTIFIER), AT(SYSLOGTAG), AT(SERVICE), AT(APP), AT(TAG), END};
static const struct place syslog_level[] = {AT(LEVEL), SCALE(SEVERITY, SYSLOG), AT(SYSLOG_SEVERITY), SCALE(SEVERITY_CODE, SYSLOG), SCALE(SYSLOG_SEVERITY_CODE, SYSLOG), SCALE(PRI, PRI), SCALE(PRIORITY2, PRI),
	SCALE(PRIORITY, SYSLOG), AT(SEVERITY3), AT(LEVEL3), END};
static const struct place syslog_time[] = {AT(AT_TIMESTAMP), AT(TIMESTAMP), AT(TIME), AT(TIMEREPORTED), AT(SYSLOG_TIMESTAMP), AT(ISODATE), AT(TS), AT(DATE), AT(DATE2), AT(OTHER_TIME), IN(SYSLOG, "timestamp"), END};
static const struct place mongodb_time[] = {AT(T), END};
static const struct place mongodb_service[] = {AT(SERVICE), AT(SERVICE_NAME), AT(APP), END};
static const struct place mongodb_level[] = {AT(S), END};
static const struct place mongodb_logger[] = {AT(C), END};
static const struct place message_is_template[] = {AT(MSG), END};
static const struct place postgres_service[] = {AT(APPLICATION_NAME), AT(DBNAME), END};
static const struct place postgres_level[] = {AT(ERROR_SEVERITY), END};
static const struct place nginx_service[] = {AT(SERVICE), AT(SERVICE_NAME), AT(APP), AT(SERVER_NAME), AT(HOST), END};
static const struct place nginx_message[] = {AT(MESSAGE), AT(MSG), AT(REQUEST), END};
static const struct place nginx_time[] = {AT(TIME_ISO8601), AT(AT_TIMESTAMP), AT(TIMESTAMP), AT(TIME), AT(MSEC), AT(TIME_LOCAL), AT(TS), AT(DATE), END};
static const struct place envoy_service[] = {AT(SERVICE), AT(SERVICE_NAME), AT(APP), AT(AUTHORITY), AT(UPSTREAM_CLUSTER), END};
static const struct place envoy_time[] = {AT(START_TIME), AT(TIMESTAMP), AT(TIME), AT(AT_TIMESTAMP), END};
static const struct place traefik_service[] = {AT(SERVICENAME2), END};
static const struct place traefik_time[] = {AT(TIME), AT(STARTUTC), END};
static const struct place caddy_service[] = {AT(SERVICE), IN(REQUEST, "host"), END};
static const struct place datadog_level[] = {AT(LEVEL), AT(SEVERITY), AT(LEVELNAME), SCALE(STATUS, WORDS), IN(SYSLOG, "severity"), END};
static const struct place gelf_service[] = {AT(_SERVICE), AT(_SERVICE_NAME), AT(UNDERSCORE_APP), AT(_APPLICATION), AT(SERVICE), AT(OTHER_SERVICE), AT(HOST), END};
static const struct place monolog_level[] = {AT(LEVEL_NAME), END};
static const struct place loguru_time[] = {IN2(RECORD, "time", "timestamp"), IN2(RECORD, "time", "repr"), END};
static const struct place loguru_level[] = {IN2(RECORD, "level", "name"), END};
static const struct place loguru_message[] = {IN(RECORD, "message"), AT(TEXT), END};
static const struct place loguru_logger[] = {IN(RECORD, "name"), END};
static const struct place loguru_service[] = {IN2(RECORD, "extra", "service"), IN2(RECORD, "extra", "service_name"), IN2(RECORD, "extra", "app"), END};
static const struct place loguru_trace[] = {IN2(RECORD, "extra", "trace_id"), IN2(RECORD, "extra", "otelTraceID"), IN2(RECORD, "extra", "traceId"), END};
static const struct place loguru_span[] = {IN2(RECORD, "extra", "span_id"), IN2(RECORD, "extra", "otelSpanID"), IN2(RECORD, "extra", "spanId"), END};
static const struct place encoder_message[] = {AT(FORMATTEDMESSAGE), AT(MESSAGE), END};
static const struct place encoder_template[] = {AT(MESSAGE), END};
static const struct place encoder_service[] = {IN(MDC, "service"), IN(CONTEXT, "name"), END};
static const struct place audit_service[] = {IN(OBJECTREF, "resource"), END};
static const struct place audit_time[] = {AT(STAGETIMESTAMP), END};


static const struct place name_is_logger[] = {AT(NAME), AT(LOGGER), END};
static const struct place name_is_service[] = {AT(SERVICE), IN(SERVICE, "name"), AT(SERVICE_NAME), AT(APP), IN(DD, "service"), AT(NAME), END};
static const struct place category_is_logger[] = {AT(CATEGORY), END};
static const struct place clef_message[] = {AT(AT_M), AT(AT_MT), END};
static const struct place rendered_message[] = {AT(RENDEREDMESSAGE), AT(MESSAGETEMPLATE), END};
static const struct place dotnet_message[] = {AT(MESSAGE2), END};
static const struct place python_time[] = {AT(ASCTIME), AT(TIMESTAMP), AT(TIME), AT(TS), AT(AT_TIMESTAMP), AT(CREATED), AT(DATETIME), AT(DATE), END};
static const struct place logback_template[] = {AT(RAW_MESSAGE), END};
static const struct place clock_time[] = {AT(AT_TIMESTAMP), AT(TIMESTAMP), AT(TIME), END};
static const struct place failure_error[] = {AT(ERROR_TYPE), IN(ERROR, "type"), AT(ERROR), AT(ERROR_MESSAGE), AT(ERROR_STACK_TRACE), END};

static const struct place zap_letters_time[] = {AT(T2), END};
static const struct place zap_letters_level[] = {AT(L), END};
static const struct place zap_letters_message[] = {AT(M), END};
static const struct place zap_letters_logger[] = {AT(N), END};
static const struct place zap_letters_failure[] = {AT(S2), AT(ERROR), END};
static const struct place azure_message[] = {AT(MESSAGE2), IN(PROPERTIES2, "message"), IN(PROPERTIES2, "log"), IN(PROPERTIES2, "Message"), AT(MESSAGE), AT(RESULTDESCRIPTION), IN(PROPERTIES2, "resultDescription"), AT(OPERATIONNAME), AT(OTHER_MESSAGE), AT(NAME), END};
static const struct place azure_span[] = {AT(PARENTID2), AT(SPANID2), AT(SPANID), END};
static const struct place azure_level[] = {AT(LEVEL), AT(LEVEL2), SCALE(SEVERITYLEVEL, AZURE), END};
static const struct place azure_service[] = {AT(APPROLENAME), AT(SERVICE), AT(SERVICE_NAME), IN(PROPERTIES2, "appName"), END};
static const struct place event_time[] = {AT(EVENTTIME), AT(LASTTIMESTAMP), AT(EVENTTIME2), AT(FIRSTTIMESTAMP), IN(METADATA, "creationTimestamp"), END};
static const struct place event_level[] = {SCALE(TYPE, WORDS), END};
static const struct place event_message[] = {AT(MESSAGE), AT(NOTE), AT(REASON), END};
static const struct place event_service[] = {IN(SOURCE, "component"), AT(REPORTINGCOMPONENT), END};
static const struct place heroku_level[] = {SCALE(AT, WORDS), END};
static const struct place heroku_message[] = {AT(DESC), END};
static const struct place heroku_duration[] = {UNIT(SERVICE, NS_PER_MS), END};
static const struct place label_is_level[] = {AT(LABEL), END};
static const struct place cloudtrail_service[] = {AT(EVENTSOURCE), END};
static const struct place cloudtrail_message[] = {AT(EVENTNAME), END};
static const struct place of_record[] = {AT(RECORD), END};
static const struct place lambda_trace[] = {IN2(RECORD, "tracing", "value"), END};
static const struct place lambda_span[] = {IN2(RECORD, "tracing", "spanId"), END};
static const struct place lambda_duration[] = {{.key = KEY_RECORD, .unit = NS_PER_MS, .inside = {{"metrics", 7}, {"durationMs", 10}}}, END};
static const struct place insights_item[] = {IN(DATA, "baseData"), END};
static const struct place insights_service[] = {IN(TAGS, "ai.cloud.role"), END};
static const struct place insights_trace[] = {IN(TAGS, "ai.operation.id"), END};
static const struct place insights_span[] = {IN(TAGS, "ai.operation.parentId"), END};
static const struct place of_logs[] = {AT(LOGS), END};
static const struct place logs_service[] = {IN2(COMMON, "attributes", "service.name"), IN2(COMMON, "attributes", "service"), IN2(COMMON, "attributes", "entity.name"), END};
static const struct place logs_time[] = {IN(COMMON, "timestamp"), END};
static const struct place falco_level[] = {SCALE(PRIORITY2, WORDS), END};
static const struct place code_is_status[] = {AT(CODE), AT(STATUS), END};

#define CLUES(...) {__VA_ARGS__}
#define K(id) KEY_##id

/* What is no record of one logger comes first, then what wraps, then loggers, the most telling names first. */
static const struct shape shapes[] = {
	{.name = "otlp_json", .any = CLUES(K(RESOURCELOGS), K(RESOURCESPANS)), .kind = SHAPE_OTLP},
	{.name = "otlp_json", .any = CLUES(K(SCOPELOGS), K(SCOPESPANS)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL)), .kind = SHAPE_OTLP},
	{.name = "otlp_json", .any = CLUES(K(RESOURCEMETRICS), K(RESOURCEPROFILES)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL)), .kind = SHAPE_OTHER_SIGNAL},
	{.name = "zipkin", .all = CLUES(K(TRACEID), K(ID)), .any = CLUES(K(LOCALENDPOINT), K(ANNOTATIONS), K(DURATION), K(TAGS), K(KIND)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL), K(OPERATIONNAME)),
		.kind = SHAPE_ZIPKIN},
	{.name = "jaeger_json", .all = CLUES(K(SPANS)), .any = CLUES(K(PROCESS), K(PROCESSES)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL)), .kind = SHAPE_JAEGER_BATCH},
	{.name = "jaeger_json", .all = CLUES(K(DATA), K(IS_DATA_TRACES)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL)), .kind = SHAPE_JAEGER_BATCH},
	{.name = "jaeger_json", .all = CLUES(K(OPERATIONNAME)), .any = CLUES(K(SPANID), K(SPANID2)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL)), .kind = SHAPE_JAEGER},
	{.name = "jaeger_json", .all = CLUES(K(OPERATION_NAME), K(SPAN_ID)), .any = CLUES(K(PROCESS), K(TAGS), K(START_TIME)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL)), .kind = SHAPE_JAEGER},
	{.name = "loki", .all = CLUES(K(STREAMS)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL)), .kind = SHAPE_STREAMS},
	{.name = "cloudwatch", .all = CLUES(K(LOGEVENTS)), .none = CLUES(K(MESSAGE), K(MSG)), .kind = SHAPE_LIST, .envelope = ENVELOPE_WHOLE,
		.columns = {[MEMBER_MESSAGE] = of_cloudwatch, [MEMBER_SERVICE] = loggroup_service}},
	{.name = "cloudwatch", .all = CLUES(K(ID), K(TIMESTAMP), K(MESSAGE)), .none = CLUES(K(LEVEL), K(SEVERITY), K(STATUS), K(SERVICE), K(MSG), K(LOG_LEVEL)), .envelope = ENVELOPE_WHOLE,
		.columns = {[MEMBER_MESSAGE] = shipper_text}},
	{.name = "newrelic", .all = CLUES(K(LOGS), K(COMMON)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL)), .kind = SHAPE_LIST,
		.columns = {[MEMBER_MESSAGE] = of_logs, [MEMBER_SERVICE] = logs_service, [MEMBER_TIME] = logs_time}},
	{.name = "records", .any = CLUES(K(RECORDS), K(RECORDS2)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL)), .kind = SHAPE_LIST, .columns = {[MEMBER_MESSAGE] = of_records}},
	{.name = "audit", .all = CLUES(K(ITEMS), K(KIND)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL)), .kind = SHAPE_LIST, .columns = {[MEMBER_MESSAGE] = of_records}},
	{.name = "connect", .all = CLUES(K(SCHEMA), K(PAYLOAD)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL)), .envelope = ENVELOPE_WHOLE, .columns = {[MEMBER_MESSAGE] = of_payload}},
	{.name = "debezium", .all = CLUES(K(OP)), .any = CLUES(K(AFTER), K(BEFORE)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL)), .envelope = ENVELOPE_WHOLE,
		.columns = {[MEMBER_MESSAGE] = of_change, [MEMBER_TIME] = change_time}},
	{.name = "gcp_entry", .any = CLUES(K(JSONPAYLOAD), K(TEXTPAYLOAD), K(PROTOPAYLOAD)), .none = CLUES(K(MESSAGE), K(MSG)), .envelope = ENVELOPE_WHOLE,
		.columns = {[MEMBER_MESSAGE] = of_gcp, [MEMBER_SERVICE] = gcp_service}},
	{.name = "cloudevents", .all = CLUES(K(SPECVERSION), K(DATA)), .none = CLUES(K(MESSAGE), K(MSG)), .envelope = ENVELOPE_WHOLE, .columns = {[MEMBER_MESSAGE] = of_data}},
	{.name = "sns", .all = CLUES(K(TOPICARN), K(MESSAGE2)), .envelope = ENVELOPE_WHOLE, .columns = {[MEMBER_MESSAGE] = of_sns}},
	{.name = "splunk", .all = CLUES(K(EVENT)), .any = CLUES(K(SOURCETYPE), K(INDEX)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL)), .envelope = ENVELOPE_WHOLE, .columns = {[MEMBER_MESSAGE] = of_event}},
	{.name = "splunk", .all = CLUES(K(EVENT), K(TIME), K(HOST), K(SOURCE)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL), K(LOG), K(AT_TIMESTAMP)), .envelope = ENVELOPE_WHOLE, .columns = {[MEMBER_MESSAGE] = of_event}},
	{.name = "splunk", .all = CLUES(K(EVENT), K(TIME)), .any = CLUES(K(HOST), K(SOURCE), K(FIELDS)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL), K(LOG), K(AT_TIMESTAMP), K(IS_EVENT_TEXT)), .envelope = ENVELOPE_WHOLE,
		.columns = {[MEMBER_MESSAGE] = of_event}},
	{.name = "appinsights", .all = CLUES(K(TIME), K(DATA), K(IKEY)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL)), .envelope = ENVELOPE_WHOLE,
		.columns = {[MEMBER_MESSAGE] = insights_item, [MEMBER_SERVICE] = insights_service, [MEMBER_TRACE] = insights_trace, [MEMBER_SPAN] = insights_span}},
	{.name = "k8s_event", .all = CLUES(K(REASON), K(TYPE)), .any = CLUES(K(INVOLVEDOBJECT), K(REGARDING)),
		.columns = {[MEMBER_TIME] = event_time, [MEMBER_LEVEL] = event_level, [MEMBER_MESSAGE] = event_message, [MEMBER_SERVICE] = event_service}},
	{.name = "azure", .all = CLUES(K(TIME), K(CATEGORY2)), .any = CLUES(K(RESOURCEID), K(OPERATIONNAME), K(RESULTTYPE), K(APPROLENAME), K(OPERATIONID)), .none = CLUES(K(MSG)), .envelope = ENVELOPE_WHOLE, .duration_unit = NS_PER_MS,
		.columns = {[MEMBER_MESSAGE] = azure_message, [MEMBER_LEVEL] = azure_level, [MEMBER_SERVICE] = azure_service, [MEMBER_SPAN] = azure_span}},
	{.name = "azure", .all = CLUES(K(TIME), K(OPERATIONID)), .any = CLUES(K(APPROLENAME), K(SEVERITYLEVEL)), .none = CLUES(K(MSG)), .envelope = ENVELOPE_WHOLE, .duration_unit = NS_PER_MS,
		.columns = {[MEMBER_MESSAGE] = azure_message, [MEMBER_LEVEL] = azure_level, [MEMBER_SERVICE] = azure_service, [MEMBER_SPAN] = azure_span}},
	{.name = "cloudtrail", .all = CLUES(K(EVENTSOURCE), K(EVENTNAME)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL)), .columns = {[MEMBER_MESSAGE] = cloudtrail_message, [MEMBER_SERVICE] = cloudtrail_service}},
	{.name = "k8s_event", .all = CLUES(K(VERB), K(EVENT)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL), K(IS_EVENT_TEXT)), .envelope = ENVELOPE_WHOLE, .columns = {[MEMBER_MESSAGE] = of_event}},
	{.name = "lambda", .all = CLUES(K(TIME), K(TYPE), K(RECORD)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL), K(TEXT)), .envelope = ENVELOPE_WHOLE,
		.columns = {[MEMBER_MESSAGE] = of_record, [MEMBER_TRACE] = lambda_trace, [MEMBER_SPAN] = lambda_span, [MEMBER_DURATION] = lambda_duration}},
	{.name = "container", .container = true, .all = CLUES(K(LOG), K(IS_LOG_TEXT)), .any = CLUES(K(STREAM), K(KUBERNETES), K(DOCKER), K(CONTAINER_NAME), K(CONTAINER_ID), K(TIME), K(AT_TIMESTAMP), K(DATE)),
		.none = CLUES(K(MESSAGE), K(MSG), K(LEVEL)), .envelope = ENVELOPE_WHOLE,
		.columns = {[MEMBER_TIME] = shipper_time, [MEMBER_MESSAGE] = of_container, [MEMBER_SERVICE] = shipper_service, [MEMBER_LOGGER] = no_places}},
	{.name = "container", .container = true, .all = CLUES(K(LOG), K(IS_LOG_OBJECT)), .any = CLUES(K(STREAM), K(KUBERNETES), K(DOCKER), K(CONTAINER_NAME)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL), K(ECS)), .envelope = ENVELOPE_WHOLE,
		.columns = {[MEMBER_TIME] = shipper_time, [MEMBER_LEVEL] = no_places, [MEMBER_MESSAGE] = of_container, [MEMBER_SERVICE] = shipper_service, [MEMBER_LOGGER] = no_places}},
	{.name = "vector", .all = CLUES(K(LOG), K(IS_LOG_OBJECT)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL), K(LOG_LEVEL), K(ECS), K(AT_TIMESTAMP), K(TIME), K(TIMESTAMP), K(AGENT), K(SEVERITY), K(EVENT), K(HOST)), .envelope = ENVELOPE_WHOLE,
		.columns = {[MEMBER_LEVEL] = no_places, [MEMBER_MESSAGE] = of_container, [MEMBER_LOGGER] = no_places}},
	{.name = "vector", .all = CLUES(K(MESSAGE), K(SOURCE_TYPE)), .none = CLUES(K(FACILITY), K(APPNAME)), .envelope = ENVELOPE_WHOLE,
		.columns = {[MEMBER_TIME] = shipper_time, [MEMBER_MESSAGE] = shipper_text, [MEMBER_SERVICE] = shipper_service}},
	{.name = "container", .all = CLUES(K(JSON), K(KUBERNETES)), .none = CLUES(K(MSG), K(AGENT), K(AT_METADATA)), .envelope = ENVELOPE_WHOLE,
		.columns = {[MEMBER_TIME] = shipper_time, [MEMBER_MESSAGE] = of_filebeat, [MEMBER_SERVICE] = shipper_service}},
	{.name = "filebeat", .any = CLUES(K(AGENT), K(AT_METADATA)), .all = CLUES(K(AT_TIMESTAMP), K(MESSAGE)), .envelope = ENVELOPE_WHOLE, .duration_unit = 1,
		.columns = {[MEMBER_TIME] = clock_time, [MEMBER_MESSAGE] = of_filebeat, [MEMBER_SERVICE] = shipper_service}},
	{.name = "filebeat", .any = CLUES(K(AGENT), K(AT_METADATA)), .all = CLUES(K(AT_TIMESTAMP), K(JSON)), .envelope = ENVELOPE_WHOLE, .duration_unit = 1,
		.columns = {[MEMBER_TIME] = clock_time, [MEMBER_MESSAGE] = of_filebeat, [MEMBER_SERVICE] = shipper_service}},
	{.name = "container", .container = true, .all = CLUES(K(MESSAGE), K(STREAM)), .any = CLUES(K(KUBERNETES), K(DOCKER), K(CONTAINER_NAME), K(CONTAINER_ID)), .none = CLUES(K(LEVEL), K(LOG_LEVEL), K(SEVERITY)), .envelope = ENVELOPE_WHOLE,
		.columns = {[MEMBER_TIME] = shipper_time, [MEMBER_MESSAGE] = of_container, [MEMBER_SERVICE] = shipper_service}},
	{.name = "container", .container = true, .all = CLUES(K(MESSAGE), K(KUBERNETES)), .any = CLUES(K(AT_TIMESTAMP), K(TIMESTAMP), K(TIME)),
		.none = CLUES(K(LEVEL), K(LOG_LEVEL), K(SEVERITY), K(MSG), K(LOG), K(ECS), K(ECS_VERSION), K(AGENT), K(AT_METADATA)), .envelope = ENVELOPE_WHOLE,
		.columns = {[MEMBER_TIME] = shipper_time, [MEMBER_MESSAGE] = of_container, [MEMBER_SERVICE] = shipper_service}},
	{.name = "journald", .all = CLUES(K(MESSAGE3)), .any = CLUES(K(__REALTIME_TIMESTAMP), K(_SYSTEMD_UNIT), K(SYSLOG_IDENTIFIER), K(_COMM)), .envelope = ENVELOPE_WHOLE, .scale = LEVEL_SYSLOG,
		.columns = {[MEMBER_TIME] = journald_time, [MEMBER_LEVEL] = journald_level, [MEMBER_SERVICE] = journald_service}},
	{.name = "mongodb", .all = CLUES(K(T), K(S), K(C), K(MSG)), .duration_unit = NS_PER_MS,
		.columns = {[MEMBER_TIME] = mongodb_time, [MEMBER_LEVEL] = mongodb_level, [MEMBER_SERVICE] = mongodb_service, [MEMBER_LOGGER] = mongodb_logger, [MEMBER_TEMPLATE] = message_is_template}},
	{.name = "postgres", .all = CLUES(K(ERROR_SEVERITY)), .any = CLUES(K(BACKEND_TYPE), K(SESSION_ID), K(STATE_CODE), K(LINE_NUM)),
		.columns = {[MEMBER_LEVEL] = postgres_level, [MEMBER_SERVICE] = postgres_service}},
	{.name = "zeek", .all = CLUES(K(TS), K(ID_ORIG_H)), .duration_unit = NS_PER_S, .columns = {[MEMBER_SERVICE] = no_places}},
	{.name = "falco", .all = CLUES(K(PRIORITY2), K(RULE), K(TIME)), .none = CLUES(K(LEVEL), K(MESSAGE), K(MSG)), .columns = {[MEMBER_LEVEL] = falco_level}},
	{.name = "mysql", .all = CLUES(K(PRIO), K(LABEL), K(MSG)), .columns = {[MEMBER_LEVEL] = label_is_level}},
	{.name = "envoy", .all = CLUES(K(RESPONSE_CODE)), .any = CLUES(K(RESPONSE_FLAGS), K(UPSTREAM_CLUSTER), K(UPSTREAM_HOST)), .access = true, .duration_unit = NS_PER_MS,
		.columns = {[MEMBER_TIME] = envoy_time, [MEMBER_SERVICE] = envoy_service}},
	{.name = "traefik", .any = CLUES(K(DOWNSTREAMSTATUS), K(DOWNSTREAMCONTENTSIZE)), .access = true, .duration_unit = 1, .columns = {[MEMBER_TIME] = traefik_time, [MEMBER_SERVICE] = traefik_service}},
	{.name = "caddy", .all = CLUES(K(TS), K(REQUEST), K(LOGGER)), .any = CLUES(K(STATUS), K(DURATION), K(RESP_HEADERS)), .access = true, .duration_unit = NS_PER_S, .columns = {[MEMBER_SERVICE] = caddy_service}},
	{.name = "audit", .all = CLUES(K(AUDITID), K(STAGE)), .access = true,
		.columns = {[MEMBER_TIME] = audit_time, [MEMBER_LEVEL] = no_places, [MEMBER_SERVICE] = audit_service}},
	{.name = "nginx", .all = CLUES(K(REQUEST_TIME)), .any = CLUES(K(STATUS), K(REQUEST_URI), K(REQUEST), K(UPSTREAM_RESPONSE_TIME), K(REMOTE_ADDR)), .none = CLUES(K(LEVEL)), .access = true, .duration_unit = NS_PER_S,
		.columns = {[MEMBER_TIME] = nginx_time, [MEMBER_MESSAGE] = nginx_message, [MEMBER_SERVICE] = nginx_service}},
	{.name = "nginx", .all = CLUES(K(REMOTE_ADDR), K(STATUS)), .any = CLUES(K(REQUEST_URI), K(REQUEST), K(BODY_BYTES_SENT), K(TIME_ISO8601), K(TIME_LOCAL), K(SERVER_NAME)), .none = CLUES(K(LEVEL)), .access = true, .duration_unit = NS_PER_S,
		.columns = {[MEMBER_TIME] = nginx_time, [MEMBER_MESSAGE] = nginx_message, [MEMBER_SERVICE] = nginx_service}},
	{.name = "access", .all = CLUES(K(METHOD), K(PATH), K(CODE)), .any = CLUES(K(SIZE), K(REFERER), K(AGENT)), .none = CLUES(K(LEVEL)), .access = true, .columns = {[MEMBER_STATUS] = code_is_status}},
	{.name = "echo", .all = CLUES(K(LATENCY_HUMAN), K(METHOD), K(URI)), .access = true, .duration_unit = 1},
	{.name = "heroku", .all = CLUES(K(AT), K(METHOD), K(SERVICE)), .any = CLUES(K(DYNO), K(FWD), K(STATUS)), .none = CLUES(K(LEVEL), K(MSG), K(MESSAGE)), .access = true,
		.columns = {[MEMBER_LEVEL] = heroku_level, [MEMBER_MESSAGE] = heroku_message, [MEMBER_SERVICE] = no_places, [MEMBER_DURATION] = heroku_duration}},
	{.name = "clef", .all = CLUES(K(AT_T)), .any = CLUES(K(AT_MT), K(AT_M), K(AT_L), K(AT_I), K(AT_X)), .absent_level = SEVERITY_INFO, .columns = {[MEMBER_MESSAGE] = clef_message}},
	{.name = "serilog", .all = CLUES(K(MESSAGETEMPLATE)), .any = CLUES(K(PROPERTIES), K(TIMESTAMP2), K(LEVEL2)), .columns = {[MEMBER_MESSAGE] = rendered_message}},
	{.name = "dotnet", .all = CLUES(K(LOGLEVEL), K(CATEGORY)), .columns = {[MEMBER_LOGGER] = category_is_logger, [MEMBER_MESSAGE] = dotnet_message}},
	{.name = "log4j2", .all = CLUES(K(LEVEL)), .any = CLUES(K(LOGGERFQCN), K(INSTANT), K(TIMEMILLIS))},
	{.name = "quarkus", .all = CLUES(K(LEVEL), K(MESSAGE)), .any = CLUES(K(LOGGERCLASSNAME), K(SEQUENCE))},
	{.name = "logback_json", .all = CLUES(K(SEQUENCENUMBER), K(LEVEL)), .any = CLUES(K(LOGGERNAME), K(ARGUMENTS), K(FORMATTEDMESSAGE)),
		.columns = {[MEMBER_MESSAGE] = encoder_message, [MEMBER_TEMPLATE] = encoder_template, [MEMBER_SERVICE] = encoder_service}},
	{.name = "logback", .all = CLUES(K(AT_VERSION)), .any = CLUES(K(LOGGER_NAME), K(LEVEL_VALUE), K(THREAD_NAME)), .columns = {[MEMBER_TIME] = clock_time, [MEMBER_TEMPLATE] = logback_template}},
	{.name = "logback", .all = CLUES(K(AT_VERSION), K(STATUS_CODE)), .any = CLUES(K(REQUESTED_URI), K(ELAPSED_TIME)), .access = true, .columns = {[MEMBER_TIME] = clock_time}},
	{.name = "logstash", .access = true, .all = CLUES(K(AT_VERSION), K(MESSAGE)), .none = CLUES(K(LEVEL), K(LOG_LEVEL), K(FACILITY), K(PROGRAM), K(IDENT), K(SYSLOG_FACILITY)), .envelope = ENVELOPE_WHOLE, .columns = {[MEMBER_TIME] = clock_time, [MEMBER_MESSAGE] = shipper_text}},
	{.name = "ecs", .all = CLUES(K(AT_TIMESTAMP)), .any = CLUES(K(LOG_LEVEL), K(ECS_VERSION), K(ECS), K(IS_LOG_OBJECT)), .envelope = ENVELOPE_JSON, .duration_unit = 1,
		.columns = {[MEMBER_TIME] = clock_time, [MEMBER_FAILURE] = failure_error}},
	{.name = "gelf", .all = CLUES(K(SHORT_MESSAGE), K(HOST)), .any = CLUES(K(VERSION), K(TIMESTAMP)), .envelope = ENVELOPE_JSON, .scale = LEVEL_SYSLOG, .columns = {[MEMBER_SERVICE] = gelf_service}},
	{.name = "syslog", .all = CLUES(K(MESSAGE)), .any = CLUES(K(FACILITY), K(SYSLOG_FACILITY), K(SYSLOG_FACILITY2), K(PROCID), K(MSGID), K(SYSLOGTAG), K(IDENT), K(PROGRAM), K(PROGRAMNAME), K(SYSLOG_PROGRAM), K(APPNAME2)),
		.envelope = ENVELOPE_WHOLE, .scale = LEVEL_SYSLOG, .columns = {[MEMBER_TIME] = syslog_time, [MEMBER_LEVEL] = syslog_level, [MEMBER_SERVICE] = syslog_service}},
	{.name = "syslog", .all = CLUES(K(MESSAGE3)), .any = CLUES(K(FACILITY2), K(PROGRAM2), K(PRIORITY)), .envelope = ENVELOPE_WHOLE, .scale = LEVEL_SYSLOG,
		.columns = {[MEMBER_TIME] = syslog_time, [MEMBER_LEVEL] = syslog_level, [MEMBER_SERVICE] = syslog_service}},
	{.name = "syslog", .all = CLUES(K(MSG)), .any = CLUES(K(FACILITY), K(SYSLOG_FACILITY2), K(PROCID), K(SYSLOGTAG)), .envelope = ENVELOPE_WHOLE, .scale = LEVEL_SYSLOG,
		.columns = {[MEMBER_TIME] = syslog_time, [MEMBER_LEVEL] = syslog_level, [MEMBER_SERVICE] = syslog_service}},
	{.name = "loguru", .all = CLUES(K(TEXT), K(RECORD)),
		.columns = {[MEMBER_TIME] = loguru_time, [MEMBER_LEVEL] = loguru_level, [MEMBER_MESSAGE] = loguru_message, [MEMBER_LOGGER] = loguru_logger, [MEMBER_SERVICE] = loguru_service,
			[MEMBER_TRACE] = loguru_trace, [MEMBER_SPAN] = loguru_span, [MEMBER_DURATION] = no_places}},
	{.name = "monolog", .all = CLUES(K(LEVEL_NAME), K(MESSAGE)), .any = CLUES(K(CHANNEL), K(CONTEXT), K(EXTRA)), .columns = {[MEMBER_LEVEL] = monolog_level}},
	{.name = "hclog", .all = CLUES(K(AT_LEVEL)), .any = CLUES(K(AT_MESSAGE), K(AT_TIMESTAMP)), .duration_unit = 1},
	{.name = "gcp", .all = CLUES(K(SEVERITY)), .any = CLUES(K(GOOGLE_TRACE), K(GOOGLE_SPANID), K(GOOGLE_LABELS), K(GOOGLE_TRACE_SAMPLED), K(GOOGLE_SOURCELOCATION), K(TIMESTAMPSECONDS), K(HTTPREQUEST), K(SERVICECONTEXT))},
	{.name = "semantic_logger", .all = CLUES(K(LEVEL), K(LEVEL_INDEX)), .duration_unit = NS_PER_MS, .columns = {[MEMBER_LOGGER] = name_is_logger}},
	{.name = "tracing", .all = CLUES(K(TIMESTAMP), K(LEVEL)), .any = CLUES(K(FIELDS), K(TARGET), K(SPANS))},
	{.name = "bunyan", .all = CLUES(K(V), K(LEVEL), K(TIME), K(NAME), K(IS_LEVEL_NUMBER)), .duration_unit = NS_PER_MS, .columns = {[MEMBER_SERVICE] = name_is_service}},
	{.name = "pino", .all = CLUES(K(LEVEL), K(TIME), K(IS_LEVEL_NUMBER), K(IS_TIME_NUMBER)), .duration_unit = NS_PER_MS, .columns = {[MEMBER_SERVICE] = name_is_service}},
	{.name = "pino", .all = CLUES(K(LEVEL), K(TIME), K(MSG), K(PID), K(HOSTNAME)), .duration_unit = NS_PER_MS, .columns = {[MEMBER_SERVICE] = name_is_service}},
	{.name = "python", .any = CLUES(K(LEVELNAME), K(ASCTIME), K(TASKNAME)), .columns = {[MEMBER_TIME] = python_time, [MEMBER_LOGGER] = name_is_logger}},
	{.name = "powertools", .any = CLUES(K(XRAY_TRACE_ID), K(FUNCTION_REQUEST_ID), K(COLD_START)), .all = CLUES(K(LEVEL), K(MESSAGE)), .duration_unit = NS_PER_MS},
	{.name = "structlog", .all = CLUES(K(EVENT), K(IS_EVENT_TEXT)), .any = CLUES(K(LEVEL), K(TIMESTAMP), K(LOGGER)), .none = CLUES(K(MESSAGE), K(MSG))},
	{.name = "klog", .all = CLUES(K(TS), K(MSG), K(V)), .none = CLUES(K(LEVEL), K(SEVERITY), K(LVL)), .absent_level = SEVERITY_INFO, .duration_unit = 1},
	{.name = "klog", .all = CLUES(K(TS), K(MSG), K(ERR)), .none = CLUES(K(LEVEL), K(SEVERITY), K(LVL)), .absent_level = SEVERITY_ERROR, .duration_unit = 1},
	{.name = "zap", .all = CLUES(K(TS), K(MSG)), .duration_unit = NS_PER_S},
	{.name = "zap", .all = CLUES(K(L), K(M)), .any = CLUES(K(T2), K(C2), K(N)), .none = CLUES(K(LEVEL), K(MSG), K(MESSAGE)), .duration_unit = NS_PER_S,
		.columns = {[MEMBER_TIME] = zap_letters_time, [MEMBER_LEVEL] = zap_letters_level, [MEMBER_MESSAGE] = zap_letters_message, [MEMBER_LOGGER] = zap_letters_logger, [MEMBER_FAILURE] = zap_letters_failure}},
	{.name = "slog", .all = CLUES(K(TIME), K(LEVEL), K(MSG), K(IS_LEVEL_UPPER)), .duration_unit = 1},
	{.name = "logrus", .all = CLUES(K(TIME), K(LEVEL), K(MSG)), .duration_unit = 1},
	{.name = "datadog", .any = CLUES(K(DD), K(DDSOURCE), K(DDTAGS), K(DD_TRACE_ID), K(DD_SERVICE), K(DD_ENV)), .all = CLUES(K(MESSAGE)), .any_request = true, .envelope = ENVELOPE_JSON, .duration_unit = 1,
		.columns = {[MEMBER_LEVEL] = datadog_level}},
	{.name = "zerolog", .all = CLUES(K(TIME), K(LEVEL), K(MESSAGE)), .envelope = ENVELOPE_JSON, .duration_unit = NS_PER_MS},
	{.name = "winston", .all = CLUES(K(LEVEL), K(MESSAGE)), .envelope = ENVELOPE_JSON, .duration_unit = NS_PER_MS},
	{.name = "connect", .all = CLUES(K(PAYLOAD)), .none = CLUES(K(MESSAGE), K(MSG), K(LEVEL), K(SEVERITY), K(TEXT), K(EVENT), K(LOG), K(METHOD), K(STATUS)), .envelope = ENVELOPE_WHOLE, .columns = {[MEMBER_MESSAGE] = of_payload}},
	{.name = "json", .any_request = true, .envelope = ENVELOPE_JSON, .duration_unit = NS_PER_MS},
};
_Static_assert(sizeof(shapes) / sizeof(shapes[0]) <= SHAPE_MAX, "shape table");

static bool collect(struct key_set *set, const uint16_t *keys)
{
	for (size_t i = 0; i < SHAPE_CLUES && keys[i]; i++)
		key_set_add(set, keys[i]);
	return keys[0] != KEY_NONE;
}

static void rank(struct shape_table *table)
{
	for (size_t m = 0; m < MEMBER_COUNT; m++)
		for (size_t i = 0; generic[m][i].key && i < UINT8_MAX - 1; i++)
			if (!place_is_inside(&generic[m][i]) && !table->ranks[m][generic[m][i].key])
				table->ranks[m][generic[m][i].key] = (uint8_t)(i + 1);
}

void shape_table_init(struct shape_table *table, const struct key_table *keys)
{
	*table = (struct shape_table){.len = sizeof(shapes) / sizeof(shapes[0]), .keys = keys};
	rank(table);
	for (size_t i = 0; i < table->len; i++) {
		struct shape_row *row = &table->rows[i];
		row->shape = &shapes[i];
		row->table = table;
		collect(&row->all, shapes[i].all);
		collect(&row->none, shapes[i].none);
		row->choosy = collect(&row->any, shapes[i].any);
		for (size_t m = 0; m < MEMBER_COUNT; m++) {
			row->places[m] = shapes[i].columns[m] ? shapes[i].columns[m] : generic[m];
			for (const struct place *p = row->places[m]; p->key; p++)
				key_set_add(&row->columns[m], p->key);
		}
	}
}

static bool fits(const struct shape_row *row, const struct key_set *seen)
{
	return key_set_covers(seen, &row->all) && (!row->choosy || key_set_meets(seen, &row->any)) && !key_set_meets(seen, &row->none);
}

/* The fields that have places inside; false if they are too many to be kept. */
static bool add_nested(struct shape_match *match, unsigned key)
{
	size_t i = 0;
	while (i < SHAPE_NESTED && match->nested[i] && match->nested[i] != key)
		i++;
	if (i == SHAPE_NESTED)
		return false;
	if (match->nested[i] == KEY_NONE) {
		match->nested[i] = (uint16_t)key;
		match->nested[i + 1] = KEY_NONE;
	}
	return true;
}

static void decide(const struct shape_table *table, struct shape_match *match)
{
	const struct shape_row *row = table->rows, *last = row + table->len - 1;
	while (row < last && !fits(row, &match->seen))
		row++;
	match->row = row;
	match->members = 0;
	match->nested[0] = KEY_NONE;
	size_t n = 0;
	for (unsigned m = 0; m < MEMBER_COUNT; m++) {
		match->present[m] = &match->places[n];
		/* a place for this column's end and for each of those after it is kept */
		for (const struct place *p = row->places[m]; p->key && n + (MEMBER_COUNT - m) < SHAPE_PRESENT; p++)
			if (key_set_has(&match->seen, p->key))
				match->places[n++] = (struct present){.place = p, .bit = place_is_inside(p) && add_nested(match, p->key) && p->inside[0].len ? name_bit(p->inside[0]) : 0, .step = SHAPE_NO_STEP};
		if (match->present[m] < &match->places[n])
			match->members |= 1u << m;
		match->places[n++] = (struct present){0};
	}
}

const struct shape_match *shape_detect(struct shape_table *table, unsigned layer, const struct key_set *seen)
{
	uint64_t hash = 0;
	for (size_t i = 0; i < KEY_SET_WORDS; i++)
		hash = (hash ^ seen->words[i]) * UINT64_C(0x9E3779B97F4A7C15);
	struct shape_match *match = &table->answers[layer][hash >> 32 & (SHAPE_ANSWERS - 1)];
	if (!match->row || memcmp(&match->seen, seen, sizeof(*seen)) != 0) {
		match->seen = *seen;
		decide(table, match);
	}
	return match;
}

const char *member_name(enum member member)
{
	static const char *const names[MEMBER_COUNT] = {"time", "severity", "message", "template", "service", "logger", "trace_id", "span_id", "parent_span_id", "duration",
		"http_status", "http_method", "http_route", "http_path", "exception_type"};
	assert(member < MEMBER_COUNT);
	return names[member];
}
