/* SPDX-License-Identifier: Apache-2.0 */
/* What a record takes from one object: each member the first usable value of its column. A member that is already there is left alone. */
#include "base/clock.h"
#include "record/duration.h"
#include "record/json_search.h"
#include "record/json_time.h"
#include "record/trace_id.h"

/* Names that say something else as often: what is no time then is none, and costs no record. */
static bool is_weak_time(unsigned key)
{
	return key == KEY_OTHER_TIME || key == KEY_T || key == KEY_CREATED || key == KEY_DATE || key == KEY_MSEC;
}

/* Google's way to give the fraction: a field of its own beside the seconds. */
static inline int64_t nanos_beside(const struct object *o, const struct place *place)
{
	int64_t ns;
	bool split = place->key == KEY_TIMESTAMPSECONDS && key_set_has(&o->seen, KEY_TIMESTAMPNANOS);
	return split && json_i64(&o->json, o->at[KEY_TIMESTAMPNANOS], &ns) && ns >= 0 && ns < NS_PER_S ? ns : 0;
}

/* A time that names its zone is not replaced; one that does not gives way to the envelope's. */
static enum undecodable take_time(struct decoder *d, const struct object *o, struct record *r)
{
	struct search s = search_start(o, MEMBER_TIME);
	enum undecodable reason = UNDECODABLE_NONE;
	if (r->time_ns && d->time_zoned)
		return UNDECODABLE_NONE;
	for (uint32_t at; (at = search_next(&s));) {
		bool zoned;
		int64_t ns = json_type(&o->json, at) == '"' ? json_time_text(d, json_string(&o->json, at), &zoned) : json_time(d, &o->json, at, &zoned, &reason);
		if (__builtin_expect(reason || !decoder_time_is_sane(d, ns), 0) && is_weak_time(s.place->key)) {
			reason = UNDECODABLE_NONE;
			continue;
		}
		if (reason)
			return reason;
		if (ns == 0)
			continue;
		ns += nanos_beside(o, s.place);
		bool by_itself = zoned;
		r->time_ns = decoder_utc(d, ns, &zoned);
		d->time_zoned = zoned;
		search_note(d, s);
		if (noting(d))
			decoder_note_zone(d, by_itself);
		break;
	}
	return UNDECODABLE_NONE;
}

/* As level_parse, from memory if it can be; strings of a document have eight readable bytes. */
static inline enum severity level_of(struct decoder *d, struct slice text, enum level_scale scale)
{
	if (text.len - 1 > 7)
		return level_parse(text, scale);
	uint64_t word = key_load(text.ptr, text.len);
	struct level_memo *memo = &d->levels[(word * UINT64_C(0x9E3779B97F4A7C15) >> 56 ^ scale) % LEVEL_MEMOS];
	if (memo->text != word || memo->len != text.len || memo->scale != scale)
		*memo = (struct level_memo){.text = word, .len = (uint8_t)text.len, .scale = (uint8_t)scale, .severity = (uint8_t)level_parse(text, scale)};
	return (enum severity)memo->severity;
}

/* {"name": "ERROR", "value": 40000} and its like: what names the level. */
static uint32_t level_inside(const struct json *json, uint32_t at)
{
	static const struct slice names[] = {{"name", 4}, {"text", 4}, {"levelStr", 8}, {"label", 5}, {"value", 5}};
	uint32_t found = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !found; i++)
		found = json_get(json, at, names[i]);
	return found ? found : at;
}

static enum undecodable take_level(struct decoder *d, const struct object *o, struct record *r)
{
	struct search s = search_start(o, MEMBER_LEVEL);
	for (uint32_t at; r->severity == SEVERITY_UNKNOWN && (at = search_next(&s));) {
		enum level_scale scale = s.place->scale ? s.place->scale : o->row->shape->scale;
		int64_t number;
		if (json_is_object(&o->json, at))
			at = level_inside(&o->json, at);
		if (json_type(&o->json, at) == '"')
			r->severity = level_of(d, json_string(&o->json, at), scale);
		else if (json_is_number(&o->json, at))
			r->severity = json_i64(&o->json, at, &number) ? level_of_number(number, scale) : SEVERITY_UNKNOWN;
		else
			return UNDECODABLE_WRONG_TYPE;
		if (r->severity != SEVERITY_UNKNOWN)
			search_note(d, s);
	}
	return UNDECODABLE_NONE;
}

/* An id may be text or a decimal number; false if the field holds something else. */
static bool id_text(struct decoder *d, const struct object *o, const struct place *place, uint32_t at, struct slice *ret)
{
	if (json_is_array(&o->json, at) && place_is_inside(place) && json_first(at) < json_end(&o->json, at)) /* headers, as Go has them */
		at = json_first(at);
	if (json_type(&o->json, at) == '"') {
		*ret = json_string(&o->json, at);
		return true;
	}
	if (json_is_object(&o->json, at) || json_is_array(&o->json, at) || json_is_bool(&o->json, at)) {
		*ret = slice_of(NULL, 0);
		return place->key == KEY_TRACE || place->key == KEY_SPAN || place_is_inside(place);
	}
	if (!json_scalar(&o->json, at, &d->scratch, ret))
		*ret = slice_of(NULL, 0);
	return true;
}

static enum undecodable take_ids(struct decoder *d, const struct object *o, struct record *r)
{
	static const enum member members[] = {MEMBER_TRACE, MEMBER_SPAN, MEMBER_PARENT};
	struct slice *const ids[] = {&r->trace_id, &r->span_id, &r->parent_span_id};
	for (size_t i = 0; i < 3; i++) {
		struct search s = search_start(o, members[i]);
		for (uint32_t at; ids[i]->len == 0 && (at = search_next(&s));) {
			struct slice text;
			if (!id_text(d, o, s.place, at, &text))
				return UNDECODABLE_WRONG_TYPE;
			*ids[i] = i == 0 ? trace_id_of(text, &d->arena, &r->span_id) : span_id_of(text, &d->arena);
			if (ids[i]->len)
				search_note(d, s);
		}
	}
	return UNDECODABLE_NONE;
}

/* {"secs": 1, "nanos": 500000000}, as Rust and protobuf in Java write it. */
static bool duration_object(const struct json *json, uint32_t at, int64_t *ret_ns)
{
	int64_t seconds, ns = 0;
	uint32_t secs = json_get(json, at, SLICE("secs"));
	if (!json_i64(json, secs ? secs : json_get(json, at, SLICE("seconds")), &seconds) || seconds < 0)
		return false;
	json_i64(json, json_get(json, at, SLICE("nanos")), &ns);
	return ns >= 0 && duration_of((double)seconds + (double)ns / 1e9, NS_PER_S, ret_ns);
}

static void take_duration(struct decoder *d, const struct object *o, struct record *r)
{
	struct search s = search_start(o, MEMBER_DURATION);
	for (uint32_t at; r->duration_ns < 0 && (at = search_next(&s));) {
		int64_t unit = s.place->unit ? s.place->unit : o->row->shape->duration_unit ? o->row->shape->duration_unit : NS_PER_MS;
		double number;
		bool found;
		if (json_type(&o->json, at) == '"')
			found = duration_parse(json_string(&o->json, at), unit, &r->duration_ns);
		else if (json_is_object(&o->json, at))
			found = duration_object(&o->json, at, &r->duration_ns);
		else
			found = json_double(&o->json, at, &number) && duration_of(number, unit, &r->duration_ns);
		if (found)
			search_note(d, s);
	}
}

static bool is_method(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < 'A' || text.ptr[i] > 'Z')
			return false;
	return text.len >= 3 && text.len <= 10;
}

/* "GET /cart?x=1 HTTP/1.1" */
void http_request_line(struct slice line, struct record *r)
{
	size_t method = slice_find(line, ' ', 0);
	if (!is_method(slice_of(line.ptr, method)) || method + 1 >= line.len || (line.ptr[method + 1] != '/' && slice_search(line, SLICE("://")) == line.len))
		return;
	size_t path = slice_find(line, ' ', method + 1);
	r->http_method = slice_of(line.ptr, method);
	if (r->http_path.len == 0)
		r->http_path = slice_sub(line, method + 1, path - method - 1);
}

static void take_http(struct decoder *d, const struct object *o, struct record *r)
{
	struct search s = search_start(o, MEMBER_STATUS);
	for (uint32_t at; r->http_status == 0 && (at = search_next(&s));) {
		int64_t status;
		if (!json_i64(&o->json, at, &status) || status < 100 || status > 599)
			continue;
		r->http_status = (int)status;
		search_note(d, s);
	}
	if (r->http_method.len == 0) {
		struct slice method = search_text(d, o, MEMBER_METHOD);
		r->http_method = is_method(method) ? method : r->http_method;
		if (r->http_method.len == 0)
			http_request_line(method, r);
	}
	if (r->http_route.len == 0)
		r->http_route = search_text(d, o, MEMBER_ROUTE);
	if (r->http_path.len == 0) {
		struct slice path = search_text(d, o, MEMBER_PATH);
		if (path.len && (path.ptr[0] == '/' || slice_search(path, SLICE("://")) < path.len))
			r->http_path = path;
	}
}

static void take_failure(struct decoder *d, const struct object *o, struct record *r)
{
	struct search s = search_start(o, MEMBER_FAILURE);
	for (uint32_t at; r->exception_type.len == 0 && (at = search_next(&s));) {
		if (!json_failure(&o->json, at, s.place->key, &r->exception_type))
			continue;
		r->error = true;
		if (r->exception_type.len)
			search_note(d, s);
	}
}

enum { HTTP_MEMBERS = 1 << MEMBER_STATUS | 1 << MEMBER_METHOD | 1 << MEMBER_ROUTE | 1 << MEMBER_PATH, ID_MEMBERS = 1 << MEMBER_TRACE | 1 << MEMBER_SPAN | 1 << MEMBER_PARENT };

/* An access log has no level of its own. A status of 0 beside Envoy's flags means that no response came. */
static enum severity of_status(const struct object *o, int status)
{
	if (status == 0) {
		struct slice flags = key_set_has(&o->seen, KEY_RESPONSE_FLAGS) ? json_text(&o->json, o->at[KEY_RESPONSE_FLAGS]) : slice_of(NULL, 0);
		return flags.len && !slice_eq(flags, SLICE("-")) ? SEVERITY_ERROR : SEVERITY_UNKNOWN;
	}
	return status >= 500 ? SEVERITY_ERROR : status >= 400 ? SEVERITY_WARN : SEVERITY_INFO;
}

/* Without what some writers put around the name, and without names that are none: logback's contexts, systemd's units, syslog's tags ("sshd[7]:"). */
static struct slice service_name(const struct object *o, struct slice name)
{
	if (key_set_has(&o->seen, KEY_SEQUENCENUMBER) && (slice_eq(name, SLICE("default")) || slice_eq(name, SLICE("null"))))
		return slice_of(NULL, 0);
	if (key_set_has(&o->seen, KEY__SYSTEMD_UNIT) && slice_ends(name, SLICE(".service")))
		name.len -= 8;
	if (name.len > 1 && name.ptr[0] == '/' && key_set_has(&o->seen, KEY_CONTAINER_NAME))
		name = slice_sub(name, 1, name.len);
	if (key_set_has(&o->seen, KEY_SYSLOGTAG) || key_set_has(&o->seen, KEY_TAG))
		name.len = slice_find(slice_sub(name, 0, slice_find(name, ':', 0)), '[', 0);
	return name;
}

static void take_texts(struct decoder *d, const struct object *o, struct record *r)
{
	if (r->service.len == 0)
		r->service = service_name(o, search_text(d, o, MEMBER_SERVICE));
	if (r->logger.len == 0)
		r->logger = search_text(d, o, MEMBER_LOGGER);
	if (r->template_text.len == 0)
		r->template_text = search_text(d, o, MEMBER_TEMPLATE);
}

enum undecodable object_fill(struct decoder *d, const struct object *o, struct record *r, bool with_message)
{
	enum undecodable reason = take_time(d, o, r);
	reason = reason ? reason : take_level(d, o, r);
	reason = reason || !with_message ? reason : object_take_message(d, o, r);
	reason = reason || !(o->columns & ID_MEMBERS) ? reason : take_ids(d, o, r);
	if (reason)
		return reason;
	take_texts(d, o, r);
	if (o->columns >> MEMBER_DURATION & 1)
		take_duration(d, o, r);
	if (o->columns & HTTP_MEMBERS)
		take_http(d, o, r);
	if (o->columns >> MEMBER_FAILURE & 1)
		take_failure(d, o, r);
	if (r->severity == SEVERITY_UNKNOWN)
		r->severity = o->row->shape->access || (o->row->shape->any_request && r->http_method.len && r->http_status) ? of_status(o, r->http_status) : o->row->shape->absent_level;
	return UNDECODABLE_NONE;
}
