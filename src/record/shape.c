/* SPDX-License-Identifier: Apache-2.0 */
#include "record/shape.h"

#include "base/clock.h"

#include <assert.h>

#define AT(id) {.key = KEY_##id}
#define IN(id, name) {.key = KEY_##id, .inside = {{name, sizeof(name) - 1}}}
#define IN2(id, name, name2) {.key = KEY_##id, .inside = {{name, sizeof(name) - 1}, {name2, sizeof(name2) - 1}}}
#define UNIT(id, ns) {.key = KEY_##id, .unit = (ns)}
#define SCALE(id, what) {.key = KEY_##id, .scale = LEVEL_##what}
#define END {.key = KEY_NONE}

static const struct place any_time[] = {AT(TIMESTAMP), AT(TIME), AT(TS), AT(AT_TIMESTAMP), AT(AT_T), AT(TIMESTAMP2), AT(INSTANT), AT(TIMEMILLIS), AT(ASCTIME),
	AT(TIMESTAMPSECONDS), AT(__REALTIME_TIMESTAMP), AT(TIME_ISO8601), AT(MSEC), AT(EVENTTIME), AT(EVENT_TIME), AT(DATETIME), AT(DATE), AT(AT_TIME), AT(T), AT(START_TIME),
	AT(STARTUTC), AT(CREATED_AT), END};
static const struct place any_level[] = {AT(LEVEL), AT(LOG_LEVEL), IN(LOG, "level"), AT(SEVERITY), AT(AT_L), AT(LEVELNAME), AT(LOGLEVEL), AT(LVL), AT(LEVEL2),
	AT(LOG_LEVEL2), AT(LOGLEVEL2), AT(SEVERITY_TEXT), AT(SEVERITYTEXT), AT(SEVERITYTEXT2), AT(ERROR_SEVERITY), AT(LEVEL3), AT(SEVERITY2), AT(SEVERITY3), AT(LEVEL_NAME),
	SCALE(PRIORITY, SYSLOG), AT(LEVEL_VALUE), SCALE(LEVELNO, PYTHON), SCALE(SEVERITYNUMBER, OTEL), END};
static const struct place any_message[] = {AT(MESSAGE), AT(MSG), AT(AT_M), AT(SHORT_MESSAGE), AT(MESSAGE2), AT(RENDEREDMESSAGE), IN(FIELDS, "message"), AT(EVENT),
	AT(LOG), AT(BODY), AT(TEXT), AT(MESSAGE3), AT(LOG_MESSAGE), AT(BODY2), AT(AT_MT), AT(MESSAGETEMPLATE), AT(FULL_MESSAGE), END};
static const struct place any_template[] = {AT(LOG_RECORD_TEMPLATE), AT(ORIGINAL_FORMAT), AT(AT_MT), AT(MESSAGETEMPLATE), AT(MESSAGE_TEMPLATE),
	IN(STATE, "{OriginalFormat}"), IN(ATTRIBUTES, "log.record.template"), END};
static const struct place any_service[] = {AT(SERVICE), IN(SERVICE, "name"), AT(SERVICE_NAME), AT(SERVICE_NAME2), AT(SERVICENAME), AT(APP), AT(APPLICATION), AT(APP_NAME),
	AT(APPNAME), AT(APPLICATION_NAME), IN(SERVICECONTEXT, "service"), AT(DD_SERVICE), IN(DD, "service"), AT(OTELSERVICENAME), AT(APPLICATION2), AT(SERVICENAME2), AT(_SERVICE),
	IN(RESOURCE, "service.name"), IN(PROPERTIES, "Application"), IN(PROPERTIES, "ServiceName"), IN(LABELS, "app"), IN2(KUBERNETES, "labels", "app"), IN2(KUBERNETES, "labels", "app.kubernetes.io/name"),
	IN(KUBERNETES, "container_name"), AT(CONTAINER_NAME), AT(SYSLOG_IDENTIFIER), END};
static const struct place any_logger[] = {AT(LOGGER), AT(LOGGER_NAME), AT(LOGGERNAME), AT(LOG_LOGGER), IN(LOG, "logger"), AT(CATEGORY), AT(SOURCECONTEXT),
	IN(PROPERTIES, "SourceContext"), AT(TARGET), AT(_LOGGER), AT(MODULE), END};
static const struct place any_trace[] = {AT(TRACE_ID), AT(TRACEID), AT(TRACEID2), AT(TRACEID3), AT(TRACEID4), AT(TRACEID5), AT(TRACE_ID2), IN(TRACE, "id"), IN(TRACE, "trace_id"),
	AT(OTELTRACEID), AT(AT_TR), AT(DD_TRACE_ID), IN(DD, "trace_id"), AT(GOOGLE_TRACE), AT(TRACEPARENT), AT(XRAY_TRACE_ID), AT(X_B3_TRACEID), AT(X_B3_TRACEID2), AT(_TRACE_ID),
	AT(_TRACEID), AT(OTEL_TRACE_ID), AT(HTTP_TRACEPARENT), IN(FIELDS, "trace_id"), IN(SPAN, "trace_id"), IN(SPANS, "trace_id"), IN(MDC, "traceId"), IN(MDC, "trace_id"),
	IN(CONTEXTMAP, "trace_id"), IN(CONTEXTMAP, "traceId"), IN(LABELS, "trace_id"), IN(ATTRIBUTES, "trace_id"), IN(PROPERTIES, "TraceId"), IN(SCOPES, "TraceId"), AT(TRACE), END};
static const struct place any_span[] = {AT(SPAN_ID), AT(SPANID), AT(SPANID2), AT(SPANID3), AT(SPANID4), AT(SPANID5), AT(SPAN_ID2), IN(SPAN, "id"), IN(SPAN, "span_id"), AT(OTELSPANID),
	AT(AT_SP), AT(DD_SPAN_ID), IN(DD, "span_id"), AT(GOOGLE_SPANID), AT(_SPAN_ID), AT(_SPANID), AT(X_B3_SPANID), AT(X_B3_SPANID2), IN(FIELDS, "span_id"), IN(SPANS, "span_id"),
	IN(MDC, "spanId"), IN(MDC, "span_id"), IN(CONTEXTMAP, "span_id"), IN(CONTEXTMAP, "spanId"), IN(LABELS, "span_id"), IN(ATTRIBUTES, "span_id"), IN(PROPERTIES, "SpanId"),
	IN(SCOPES, "SpanId"), AT(TRANSACTION_ID), AT(SPAN), END};
static const struct place any_parent[] = {AT(PARENT_SPAN_ID), AT(PARENTSPANID), AT(PARENT_ID), AT(PARENTID), AT(PARENTID2), AT(PARENT_ID2), IN(SPAN, "parent_span_id"), IN(SCOPES, "ParentId"), END};
static const struct place any_duration[] = {UNIT(DURATION_MS, NS_PER_MS), UNIT(ELAPSED_MS, NS_PER_MS), UNIT(LATENCY_MS, NS_PER_MS), UNIT(DURATIONMS, NS_PER_MS),
	UNIT(ELAPSEDMS, NS_PER_MS), UNIT(LATENCYMS, NS_PER_MS), UNIT(TOOK_MS, NS_PER_MS), UNIT(DURATION_US, NS_PER_US), UNIT(ELAPSED_US, NS_PER_US), UNIT(DURATION_NS, 1),
	UNIT(ELAPSED_NS, 1), UNIT(DURATION_S, NS_PER_S), UNIT(DURATION_SEC, NS_PER_S), UNIT(DURATION_SECONDS, NS_PER_S), UNIT(ELAPSED_SECONDS, NS_PER_S),
	UNIT(LATENCY_SECONDS, NS_PER_S), UNIT(ELAPSED_TIME, NS_PER_MS), UNIT(RESPONSETIME, NS_PER_MS), UNIT(RESPONSE_TIME, NS_PER_MS), UNIT(RESPONSE_TIME_MS, NS_PER_MS),
	UNIT(REQUEST_TIME, NS_PER_S), UNIT(ELAPSED2, NS_PER_MS), UNIT(ELAPSEDMILLISECONDS, NS_PER_MS), UNIT(DURATION_MILLIS, NS_PER_MS), UNIT(DURATIONMILLIS, NS_PER_MS),
	UNIT(EVENT_DURATION, 1), {.key = KEY_EVENT, .unit = 1, .inside = {{"duration", 8}}}, UNIT(DURATION2, 1), IN(HTTPREQUEST, "latency"),
	{.key = KEY_PROPERTIES, .unit = NS_PER_MS, .inside = {{"Elapsed", 7}}}, {.key = KEY_FIELDS, .unit = NS_PER_MS, .inside = {{"elapsed_ms", 10}}},
	{.key = KEY_FIELDS, .unit = NS_PER_MS, .inside = {{"duration_ms", 11}}}, IN(FIELDS, "time.busy"), UNIT(_DURATION_MS, NS_PER_MS), AT(DURATION), AT(ELAPSED), AT(LATENCY), AT(TOOK), AT(DUR),
	AT(_DURATION), END};
static const struct place any_status[] = {AT(HTTP_RESPONSE_STATUS_CODE), AT(HTTP_STATUS_CODE), AT(HTTP_STATUS), AT(STATUS_CODE), AT(STATUSCODE), AT(STATUSCODE2), AT(RESPONSE_CODE),
	AT(DOWNSTREAMSTATUS), IN(HTTPREQUEST, "status"), IN(RES, "statusCode"), IN2(HTTP, "response", "status_code"), IN(HTTP, "status_code"), IN(RESPONSE, "status"), IN(PROPERTIES, "StatusCode"),
	IN(FIELDS, "status"), AT(_STATUS), AT(STATUS), END};
static const struct place any_method[] = {AT(HTTP_REQUEST_METHOD), AT(HTTP_METHOD), AT(HTTP_METHOD2), AT(REQUEST_METHOD), AT(METHOD), AT(METHOD2), AT(REQUESTMETHOD),
	IN(HTTPREQUEST, "requestMethod"), IN(REQ, "method"), IN2(HTTP, "request", "method"), IN(REQUEST, "method"), IN(HTTP, "method"), AT(_METHOD), AT(VERB), END};
static const struct place any_route[] = {AT(HTTP_ROUTE), AT(ROUTE), AT(ROUTERNAME), AT(ROUTE_NAME), IN(HTTP, "route"), END};
static const struct place any_path[] = {AT(URL_PATH), AT(HTTP_TARGET), AT(PATH), AT(REQUEST_URI), AT(REQUESTPATH), AT(URI), AT(URL), AT(HTTP_URL), AT(URL_FULL), AT(PATH2),
	AT(REQUEST_PATH), IN(URL, "path"), IN(URL, "full"), IN(HTTPREQUEST, "requestUrl"), IN(REQ, "url"), IN(REQUEST, "uri"), IN(REQUEST, "url"), END};
static const struct place any_failure[] = {AT(ERROR_TYPE), AT(EXCEPTION_TYPE), AT(EXCEPTION_TYPE2), AT(ERROR_TYPE2), AT(EXCEPTION_CLASS), AT(THROWABLE_CLASS), AT(EXCEPTION_NAME), AT(ERROR), AT(ERR), AT(EXCEPTION),
	AT(THROWN), AT(AT_X), AT(EXCEPTION2), AT(EXC_INFO), AT(STACK_TRACE), AT(STACKTRACE), AT(STACK), AT(ERROR_MESSAGE), AT(ERROR_STACK_TRACE), AT(EXCEPTION_MESSAGE),
	AT(EXCEPTION_STACKTRACE), AT(ERRORVERBOSE), IN(FIELDS, "error"), END};

static const struct place *const generic[MEMBER_COUNT] = {any_time, any_level, any_message, any_template, any_service, any_logger, any_trace, any_span, any_parent,
	any_duration, any_status, any_method, any_route, any_path, any_failure};

/* What shippers write around a container's output. */
static const struct place shipper_time[] = {AT(TIME), AT(AT_TIMESTAMP), AT(TIMESTAMP), AT(TS), AT(DATE), END};
static const struct place shipper_text[] = {AT(LOG), AT(MESSAGE), END};
static const struct place shipper_service[] = {IN2(KUBERNETES, "labels", "app"), IN2(KUBERNETES, "labels", "app.kubernetes.io/name"), IN2(KUBERNETES, "labels", "k8s-app"),
	IN2(KUBERNETES, "pod_labels", "app"), IN2(KUBERNETES, "pod_labels", "app.kubernetes.io/name"), IN2(KUBERNETES, "deployment", "name"), IN(SERVICE, "name"), AT(SERVICE), AT(SERVICE_NAME), IN(KUBERNETES, "container_name"),
	IN2(KUBERNETES, "container", "name"), AT(CONTAINER_NAME), END};
static const struct place no_places[] = {END};

static const struct place name_is_logger[] = {AT(NAME), AT(LOGGER), END};
static const struct place name_is_service[] = {AT(SERVICE), IN(SERVICE, "name"), AT(SERVICE_NAME), AT(APP), AT(NAME), END};
static const struct place category_is_logger[] = {AT(CATEGORY), END};
static const struct place clef_message[] = {AT(AT_M), AT(AT_MT), END};
static const struct place rendered_message[] = {AT(RENDEREDMESSAGE), AT(MESSAGETEMPLATE), END};
static const struct place dotnet_message[] = {AT(MESSAGE2), END};
static const struct place python_time[] = {AT(ASCTIME), AT(TIMESTAMP), AT(TIME), AT(TS), AT(AT_TIMESTAMP), END};
static const struct place logback_template[] = {AT(RAW_MESSAGE), END};
static const struct place clock_time[] = {AT(AT_TIMESTAMP), AT(TIMESTAMP), AT(TIME), END};
static const struct place failure_error[] = {AT(ERROR_TYPE), IN(ERROR, "type"), AT(ERROR), AT(ERROR_MESSAGE), AT(ERROR_STACK_TRACE), END};

#define CLUES(...) {__VA_ARGS__}
#define K(id) KEY_##id

static const struct shape shapes[] = {
	{.name = "container", .all = CLUES(K(LOG), K(IS_LOG_TEXT)), .any = CLUES(K(STREAM), K(KUBERNETES), K(DOCKER), K(CONTAINER_NAME), K(CONTAINER_ID), K(TIME), K(AT_TIMESTAMP), K(DATE)),
		.none = CLUES(K(MESSAGE), K(MSG), K(LEVEL)), .envelope = true,
		.columns = {[MEMBER_TIME] = shipper_time, [MEMBER_MESSAGE] = shipper_text, [MEMBER_SERVICE] = shipper_service, [MEMBER_LOGGER] = no_places}},
	{.name = "vector", .all = CLUES(K(MESSAGE), K(SOURCE_TYPE)), .envelope = true,
		.columns = {[MEMBER_TIME] = shipper_time, [MEMBER_MESSAGE] = shipper_text, [MEMBER_SERVICE] = shipper_service}},
	{.name = "filebeat", .all = CLUES(K(AT_TIMESTAMP), K(MESSAGE)), .any = CLUES(K(AGENT), K(AT_METADATA)), .envelope = true, .duration_unit = 1,
		.columns = {[MEMBER_TIME] = clock_time, [MEMBER_SERVICE] = shipper_service}},
	{.name = "clef", .all = CLUES(K(AT_T)), .any = CLUES(K(AT_MT), K(AT_M), K(AT_L), K(AT_I), K(AT_X)), .absent_level = SEVERITY_INFO, .columns = {[MEMBER_MESSAGE] = clef_message}},
	{.name = "serilog", .all = CLUES(K(MESSAGETEMPLATE)), .any = CLUES(K(PROPERTIES), K(TIMESTAMP2), K(LEVEL2)), .columns = {[MEMBER_MESSAGE] = rendered_message}},
	{.name = "dotnet", .all = CLUES(K(LOGLEVEL), K(CATEGORY)), .columns = {[MEMBER_LOGGER] = category_is_logger, [MEMBER_MESSAGE] = dotnet_message}},
	{.name = "log4j2", .all = CLUES(K(LEVEL)), .any = CLUES(K(LOGGERFQCN), K(INSTANT), K(TIMEMILLIS))},
	{.name = "logback", .all = CLUES(K(AT_VERSION)), .any = CLUES(K(LOGGER_NAME), K(LEVEL_VALUE), K(THREAD_NAME)), .columns = {[MEMBER_TIME] = clock_time, [MEMBER_TEMPLATE] = logback_template}},
	{.name = "ecs", .all = CLUES(K(AT_TIMESTAMP)), .any = CLUES(K(LOG_LEVEL), K(ECS_VERSION), K(ECS), K(IS_LOG_OBJECT)), .duration_unit = 1,
		.columns = {[MEMBER_TIME] = clock_time, [MEMBER_FAILURE] = failure_error}},
	{.name = "gelf", .all = CLUES(K(SHORT_MESSAGE), K(HOST)), .any = CLUES(K(VERSION), K(TIMESTAMP)), .scale = LEVEL_SYSLOG},
	{.name = "gcp", .all = CLUES(K(SEVERITY)), .any = CLUES(K(GOOGLE_TRACE), K(GOOGLE_SPANID), K(GOOGLE_LABELS), K(GOOGLE_TRACE_SAMPLED), K(GOOGLE_SOURCELOCATION), K(TIMESTAMPSECONDS), K(HTTPREQUEST), K(SERVICECONTEXT))},
	{.name = "tracing", .all = CLUES(K(TIMESTAMP), K(LEVEL)), .any = CLUES(K(FIELDS), K(TARGET), K(SPANS))},
	{.name = "bunyan", .all = CLUES(K(V), K(LEVEL), K(TIME), K(NAME), K(IS_LEVEL_NUMBER)), .duration_unit = NS_PER_MS, .columns = {[MEMBER_SERVICE] = name_is_service}},
	{.name = "pino", .all = CLUES(K(LEVEL), K(TIME), K(IS_LEVEL_NUMBER), K(IS_TIME_NUMBER)), .duration_unit = NS_PER_MS, .columns = {[MEMBER_SERVICE] = name_is_service}},
	{.name = "python", .any = CLUES(K(LEVELNAME), K(ASCTIME), K(TASKNAME)), .columns = {[MEMBER_TIME] = python_time, [MEMBER_LOGGER] = name_is_logger}},
	{.name = "structlog", .all = CLUES(K(EVENT), K(IS_EVENT_TEXT)), .any = CLUES(K(LEVEL), K(TIMESTAMP), K(LOGGER)), .none = CLUES(K(MESSAGE), K(MSG))},
	{.name = "zap", .all = CLUES(K(TS), K(MSG)), .duration_unit = NS_PER_S},
	{.name = "slog", .all = CLUES(K(TIME), K(LEVEL), K(MSG), K(IS_LEVEL_UPPER)), .duration_unit = 1},
	{.name = "logrus", .all = CLUES(K(TIME), K(LEVEL), K(MSG)), .duration_unit = 1},
	{.name = "zerolog", .all = CLUES(K(TIME), K(LEVEL), K(MESSAGE)), .duration_unit = NS_PER_MS},
	{.name = "winston", .all = CLUES(K(LEVEL), K(MESSAGE)), .duration_unit = NS_PER_MS},
	{.name = "json", .duration_unit = NS_PER_MS},
};
_Static_assert(sizeof(shapes) / sizeof(shapes[0]) <= SHAPE_MAX, "shape table");

static bool collect(struct key_set *set, const uint16_t *keys)
{
	for (size_t i = 0; i < SHAPE_CLUES && keys[i]; i++)
		key_set_add(set, keys[i]);
	return keys[0] != KEY_NONE;
}

void shape_table_init(struct shape_table *table)
{
	*table = (struct shape_table){.len = sizeof(shapes) / sizeof(shapes[0])};
	for (size_t i = 0; i < table->len; i++) {
		struct shape_row *row = &table->rows[i];
		row->shape = &shapes[i];
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

static void decide(const struct shape_table *table, struct shape_match *match)
{
	const struct shape_row *row = table->rows, *last = row + table->len - 1;
	while (row < last && !fits(row, &match->seen))
		row++;
	match->row = row;
	match->members = 0;
	for (unsigned m = 0; m < MEMBER_COUNT; m++)
		if (key_set_meets(&row->columns[m], &match->seen))
			match->members |= 1u << m;
}

const struct shape_match *shape_detect(struct shape_table *table, const struct key_set *seen)
{
	uint64_t hash = 0;
	for (size_t i = 0; i < KEY_SET_WORDS; i++)
		hash = (hash ^ seen->words[i]) * UINT64_C(0x9E3779B97F4A7C15);
	struct shape_match *match = &table->answers[hash >> 32 & (SHAPE_ANSWERS - 1)];
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
