/* SPDX-License-Identifier: Apache-2.0 */
/* What a record takes from one object: each member the first usable value of its column. A member that is already there is left alone. */
#include "base/clock.h"
#include "record/duration.h"
#include "record/message_template.h"
#include "record/reader.h"
#include "record/timestamp.h"
#include "record/trace_id.h"

/* Walks the values of a column that are there and not null. */
struct search {
	const struct object *o;
	const struct place *place; /* of the last value */
	const struct present *next;
	enum member member;
};

/* The value of a {"key": .., "value": ..}, without OTLP's {"stringValue": ..} around it. */
static uint32_t pair_value(const struct json *json, uint32_t pair)
{
	uint32_t value = json_get(json, pair, SLICE("value")), text = json_is_object(json, value) ? json_get(json, value, SLICE("stringValue")) : 0;
	return text ? text : value;
}

/* A name inside an object, or inside the last of an array's objects that has it; also of an array of {"key": .., "value": ..}. */
static uint32_t descend(const struct json *json, uint32_t at, struct slice name)
{
	if (!json_is_array(json, at))
		return json_get(json, at, name);
	uint32_t found = 0;
	for (uint32_t i = json_first(at), end = json_end(json, at); i < end; i = json_next(json, i)) {
		uint32_t here = json_get(json, i, name), pair = here ? 0 : json_get(json, i, SLICE("key"));
		if (pair && slice_eq(json_text(json, pair), name))
			here = pair_value(json, i);
		if (here)
			found = here;
	}
	return found;
}

static inline struct search search_start(const struct object *o, enum member member)
{
	return (struct search){.o = o, .next = o->present[member], .member = member};
}

/* Inside an object, or inside the last of an array's objects that has any: the value of the best of the names that the column has; of {"key": .., "value": ..} too. */
static uint32_t best_id(const struct object *o, enum member member, uint32_t at)
{
	const struct json *json = &o->json;
	const uint8_t *ranks = o->row->table->ranks[member];
	uint32_t found = 0;
	unsigned best = UINT8_MAX;
	bool array = json_is_array(json, at);
	if (!array && !json_is_object(json, at))
		return 0;
	for (uint32_t i = json_first(at), end = json_end(json, at); i < end; i = json_next(json, i + !array)) {
		if (array) {
			uint32_t pair = json_is_object(json, i) ? json_get(json, i, SLICE("key")) : 0, here;
			unsigned rank = pair && json_type(json, pair) == '"' ? ranks[key_find(o->row->table->keys, json_string(json, pair))] : 0;
			here = rank ? pair_value(json, i) : json_is_object(json, i) ? best_id(o, member, i) : 0;
			found = here ? here : found;
			continue;
		}
		unsigned rank = ranks[key_find(o->row->table->keys, json_string(json, i))];
		if (rank && rank < best) {
			best = rank;
			found = i + 1;
		}
	}
	return found;
}

uint32_t object_inside(const struct object *o, enum member member, const struct place *place, uint32_t at)
{
	if (place->ids) {
		at = place->inside[0].len ? descend(&o->json, at, place->inside[0]) : at;
		return at ? best_id(o, member, at) : 0;
	}
	for (size_t i = 0; i < 2 && at && place->inside[i].len; i++)
		at = descend(&o->json, at, place->inside[i]);
	return at;
}

/* Most names inside are not there: the bits of those that are tell without a search. */
static __attribute__((noinline)) uint32_t look_for(const struct object *o, enum member member, const struct present *p)
{
	const struct place *place = p->place;
	if (!place_is_inside(place))
		return o->at[place->key];
	return p->bit & ~o->names[place->key] ? 0 : object_inside(o, member, place, o->at[place->key]);
}

static inline __attribute__((always_inline)) uint32_t search_next(struct search *s)
{
	const struct object *o = s->o;
	for (const struct present *p; (p = s->next)->place;) {
		s->next++;
		uint32_t at = __builtin_expect(p->step != SHAPE_NO_STEP, 1) ? o->steps[p->step].at : look_for(o, s->member, p);
		if (!json_is_null(&o->json, at)) {
			s->place = p->place;
			return at;
		}
	}
	return 0;
}

uint32_t object_next(const struct object *o, enum member member, const struct place **place)
{
	struct search s = search_start(o, member);
	while (*place && s.next->place && s.next++->place != *place)
		;
	uint32_t at = search_next(&s);
	*place = s.place;
	return at;
}

struct slice object_text(const struct object *o, enum member member)
{
	const struct place *place = NULL;
	for (uint32_t at; (at = object_next(o, member, &place));)
		if (json_text(&o->json, at).len)
			return json_text(&o->json, at);
	return slice_of(NULL, 0);
}

void object_way(const struct decoder *d, unsigned layer, struct buf *out)
{
	for (unsigned i = 1; i <= layer; i++)
		if (d->objects[i].via)
			buf_printf(out, "%s%s", d->objects[i].via, d->objects[i].via_text ? " JSON, " : ".");
}

static __attribute__((noinline)) void write_note(struct decoder *d, const struct object *o, enum member member, const struct place *place)
{
	struct buf text = {0};
	object_way(d, (unsigned)(o - d->objects), &text);
	buf_add_slice(&text, json_string(&o->json, o->at[place->key] - 1)); /* the name before the value */
	for (size_t i = 0; i < 2 && place->inside[i].len; i++) {
		buf_add_char(&text, '.');
		buf_add_slice(&text, place->inside[i]);
	}
	if (place->ids) {
		struct slice name = json_string(&o->json, object_inside(o, member, place, o->at[place->key]) - 1);
		bool pair = slice_eq(name, SLICE("value")) || slice_eq(name, SLICE("stringValue"));
		buf_add_char(&text, '.');
		buf_add_slice(&text, pair ? SLICE("[]") : name);
	}
	decoder_note(d, member_name(member), buf_slice(&text));
	buf_done(&text);
}

static inline void note_place(struct decoder *d, struct search s)
{
	if (__builtin_expect(noting(d), 0))
		write_note(d, s.o, s.member, s.place);
}

/* PHP's DateTime as json_encode writes it: {"date": "2026-03-04 09:15:02.481203", "timezone_type": 3, "timezone": "UTC"}. */
static int64_t php_time(struct slice date, struct slice zone, bool *ret_zoned)
{
	char text[64];
	struct timestamp time;
	if (date.len == 0 || date.len + zone.len + 1 > sizeof(text))
		return 0;
	memcpy(text, date.ptr, date.len);
	text[date.len] = ' ';
	if (zone.len)
		memcpy(text + date.len + 1, zone.ptr, zone.len);
	if (!timestamp_parse(slice_of(text, date.len + 1 + zone.len), &time) && !timestamp_parse(date, &time))
		return 0;
	*ret_zoned = time.zoned;
	return time.ns;
}

/* {seconds, nanos} and its like in Java and Rust, {$date}, {date, timezone}. */
static int64_t object_time(struct decoder *d, const struct json *json, uint32_t at, bool *ret_zoned, enum undecodable *ret_reason)
{
	static const struct slice names[][2] = {{{"seconds", 7}, {"nanos", 5}}, {{"epochSecond", 11}, {"nanoOfSecond", 12}}, {{"epochSecond", 11}, {"nano", 4}}, {{"secs_since_epoch", 16}, {"nanos_since_epoch", 17}}};
	enum { EPOCH = 1 }; /* the first of two that have the same seconds */
	int64_t seconds, ns;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!json_i64(json, json_get(json, at, names[i][0]), &seconds))
			continue;
		ns = 0;
		if (!json_i64(json, json_get(json, at, names[i][1]), &ns) && i == EPOCH)
			continue;
		*ret_zoned = true;
		return seconds > 0 ? timestamp_of_parts(seconds, ns) : 0;
	}
	uint32_t date = json_get(json, at, SLICE("$date")), zone = json_get(json, at, SLICE("timezone"));
	if (zone && !date)
		return php_time(json_text(json, json_get(json, at, SLICE("date"))), json_text(json, zone), ret_zoned);
	uint32_t canonical = date && json_is_object(json, date) ? json_get(json, date, SLICE("$numberLong")) : 0;
	date = canonical ? canonical : date;
	return date && !json_is_object(json, date) ? json_time(d, json, date, ret_zoned, ret_reason) : 0;
}

/* [2026,3,4,9,15,2,481203117], as Jackson writes a LocalDateTime; 0 if it is none. */
static int64_t array_time(const struct json *json, uint32_t at, bool *ret_zoned)
{
	static const struct {
		int64_t least, most;
	} bounds[] = {{1970, 2200}, {1, 12}, {1, 31}, {0, 23}, {0, 59}, {0, 60}, {0, 999999999}};
	int64_t parts[7] = {0};
	size_t n = 0;
	for (uint32_t i = json_first(at), end = json_end(json, at); i < end; i = json_next(json, i), n++)
		if (n == 7 || !json_i64(json, i, &parts[n]) || parts[n] < bounds[n].least || parts[n] > bounds[n].most)
			return 0;
	*ret_zoned = false;
	return n < 5 ? 0 : timestamp_of_parts(clock_days(parts[0], (unsigned)parts[1], (unsigned)parts[2]) * 86400 + parts[3] * 3600 + parts[4] * 60 + parts[5], parts[6]);
}

static __attribute__((noinline)) int64_t new_time(struct decoder *d, struct slice text, bool *ret_zoned)
{
	struct timestamp t;
	if (!timestamp_parse_near(text, d->now_ns, &t) || !t.dated || t.ns == INT64_MIN)
		return 0;
	*ret_zoned = t.zoned;
	time_memo_learn(&d->times, text, &t);
	/* a date in or before 1970 is a wrong time, not a missing one; zero as a number is missing */
	return t.ns > 0 || slice_find(text, ':', 0) == text.len ? t.ns : 1;
}

static inline int64_t text_time(struct decoder *d, struct slice text, bool *ret_zoned)
{
	struct timestamp t;
	if (!time_memo_again(&d->times, text, &t))
		return new_time(d, text, ret_zoned);
	*ret_zoned = t.zoned;
	return t.ns;
}

int64_t json_time(struct decoder *d, const struct json *json, uint32_t at, bool *ret_zoned, enum undecodable *ret_reason)
{
	double number;
	int64_t whole, ns;
	*ret_zoned = true;
	switch (json_type(json, at)) {
	case '"':
		return text_time(d, json_string(json, at), ret_zoned);
	case 'l':
		return json_i64(json, at, &whole) ? timestamp_of_i64(whole) : 0;
	case 'u':
	case 'd':
		return json_double(json, at, &number) ? timestamp_of_double(number) : 0;
	case '{':
		return object_time(d, json, at, ret_zoned, ret_reason);
	case '[':
		ns = array_time(json, at, ret_zoned);
		*ret_reason = ns ? *ret_reason : UNDECODABLE_WRONG_TYPE;
		return ns;
	default:
		*ret_reason = UNDECODABLE_WRONG_TYPE;
		return 0;
	}
}

/* Names that say something else as often: what is no time then is none, and costs no record. */
static bool is_weak_time(unsigned key)
{
	return key == KEY_OTHER_TIME || key == KEY_T || key == KEY_CREATED || key == KEY_DATE || key == KEY_MSEC;
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
		int64_t more, ns = json_type(&o->json, at) == '"' ? text_time(d, json_string(&o->json, at), &zoned) : json_time(d, &o->json, at, &zoned, &reason);
		if (__builtin_expect(reason || !decoder_time_is_sane(d, ns), 0) && is_weak_time(s.place->key)) {
			reason = UNDECODABLE_NONE;
			continue;
		}
		if (reason)
			return reason;
		if (s.place->key == KEY_TIMESTAMPSECONDS && key_set_has(&o->seen, KEY_TIMESTAMPNANOS) && json_i64(&o->json, o->at[KEY_TIMESTAMPNANOS], &more))
			ns += more;
		if (ns == 0)
			continue;
		bool by_itself = zoned;
		r->time_ns = decoder_utc(d, ns, &zoned);
		d->time_zoned = zoned;
		note_place(d, s);
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
			note_place(d, s);
	}
	return UNDECODABLE_NONE;
}

static bool is_message_proper(unsigned key)
{
	return key == KEY_MESSAGE || key == KEY_MSG || key == KEY_BODY || key == KEY_LOG || key == KEY_SHORT_MESSAGE || key == KEY_AT_M;
}

/* Anything but text rendered: a body may be an object, a message a number. */
static struct slice rendered(struct decoder *d, const struct json *json, uint32_t at)
{
	buf_reset(&d->scratch);
	json_render(json, at, &d->scratch);
	return arena_copy(&d->arena, buf_slice(&d->scratch));
}

/* A template without its text beside it: the values stand in the record, or in its Properties. */
static struct slice filled(struct decoder *d, const struct object *o, struct slice template)
{
	bool apart = key_set_has(&o->seen, KEY_PROPERTIES) && json_is_object(&o->json, o->at[KEY_PROPERTIES]);
	uint32_t root = apart ? o->at[KEY_PROPERTIES] : o->root, renderings = key_set_has(&o->seen, KEY_AT_R) ? o->at[KEY_AT_R] : 0;
	struct slice text;
	if (o->steps && template_memo_again(&d->templates, &o->json, renderings, template, &d->arena, &d->scratch, &text))
		return text;
	if (slice_find(template, '{', 0) == template.len)
		return template;
	if (o->steps)
		template_memo_learn(&d->templates, &o->json, root, template);
	buf_reset(&d->scratch);
	message_template_render(&o->json, root, renderings, template, &d->scratch);
	return arena_copy(&d->arena, buf_slice(&d->scratch));
}

/* SLF4J's "{}" one by one from the list of arguments. */
static struct slice with_arguments(struct decoder *d, const struct object *o, struct slice template)
{
	uint32_t list = o->at[KEY_ARGUMENTS], next = json_is_array(&o->json, list) ? json_first(list) : 0;
	struct slice hole = SLICE("{}");
	if (!next || slice_search(template, hole) == template.len)
		return template;
	buf_reset(&d->scratch);
	while (template.len) {
		size_t at = next < json_end(&o->json, list) ? slice_search(template, hole) : template.len;
		buf_add(&d->scratch, template.ptr, at);
		if (at < template.len) {
			if (json_type(&o->json, next) == '"')
				buf_add_slice(&d->scratch, json_string(&o->json, next));
			else
				json_render(&o->json, next, &d->scratch);
			next = json_next(&o->json, next);
		}
		template = slice_sub(template, at + hole.len, template.len);
	}
	return arena_copy(&d->arena, buf_slice(&d->scratch));
}

/* The value as a message; empty if it is none. */
static struct slice message_of(struct decoder *d, const struct object *o, uint32_t at, const struct place *place)
{
	bool proper = is_message_proper(place->key) || place->inside[0].len;
	if (json_type(&o->json, at) == '"') {
		struct slice text = json_string(&o->json, at);
		if (place->key == KEY_AT_MT || place->key == KEY_MESSAGETEMPLATE)
			return filled(d, o, text);
		return key_set_has(&o->seen, KEY_ARGUMENTS) ? with_arguments(d, o, text) : text;
	}
	/* what an object named log or event holds is not text */
	bool object = json_type(&o->json, at) == '{' && (place->key == KEY_LOG || place->key == KEY_EVENT);
	return proper && !object ? rendered(d, &o->json, at) : slice_of(NULL, 0);
}

/* journald's way to write what is not UTF-8, [104, 105], and a field that was there twice, ["a", "b"]: the first. */
static struct slice of_bytes(struct decoder *d, const struct json *json, uint32_t list)
{
	uint32_t i = json_first(list), end = json_end(json, list);
	int64_t byte;
	if (i < end && json_type(json, i) == '"')
		return json_string(json, i);
	buf_reset(&d->scratch);
	for (; i < end && json_i64(json, i, &byte) && byte >= 0 && byte <= 255; i = json_next(json, i))
		buf_add_char(&d->scratch, byte < 128 ? (char)byte : '?');
	return arena_copy(&d->arena, slice_trim(buf_slice(&d->scratch)));
}

static enum undecodable take_message(struct decoder *d, const struct object *o, struct record *r)
{
	struct search s = search_start(o, MEMBER_MESSAGE);
	for (uint32_t at; r->message.len == 0 && (at = search_next(&s));) {
		if (json_type(&o->json, at) == '[' && s.place->key == KEY_MESSAGE3) {
			r->message = of_bytes(d, &o->json, at);
			continue;
		}
		if (json_type(&o->json, at) == '[' && (is_message_proper(s.place->key) || s.place->inside[0].len))
			return UNDECODABLE_WRONG_TYPE;
		r->message = message_of(d, o, at, s.place);
		if (r->message.len)
			note_place(d, s);
	}
	return UNDECODABLE_NONE;
}

static inline __attribute__((always_inline)) struct slice take_text(struct decoder *d, const struct object *o, enum member member)
{
	if (!(o->columns >> member & 1))
		return slice_of(NULL, 0);
	struct search s = search_start(o, member);
	for (uint32_t at; (at = search_next(&s));) {
		struct slice text = json_text(&o->json, at);
		if (text.len == 0)
			continue;
		note_place(d, s);
		return text;
	}
	return slice_of(NULL, 0);
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
				note_place(d, s);
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
			note_place(d, s);
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
	size_t method = slice_find(line, ' ', 0), path = slice_find(line, ' ', method + 1);
	if (!is_method(slice_of(line.ptr, method)) || method + 1 >= line.len || (line.ptr[method + 1] != '/' && slice_search(line, SLICE("://")) == line.len))
		return;
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
		note_place(d, s);
	}
	if (r->http_method.len == 0) {
		struct slice method = take_text(d, o, MEMBER_METHOD);
		r->http_method = is_method(method) ? method : r->http_method;
		if (r->http_method.len == 0)
			http_request_line(method, r);
	}
	if (r->http_route.len == 0)
		r->http_route = take_text(d, o, MEMBER_ROUTE);
	if (r->http_path.len == 0) {
		struct slice path = take_text(d, o, MEMBER_PATH);
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
			note_place(d, s);
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
		r->service = service_name(o, take_text(d, o, MEMBER_SERVICE));
	if (r->logger.len == 0)
		r->logger = take_text(d, o, MEMBER_LOGGER);
	if (r->template_text.len == 0)
		r->template_text = take_text(d, o, MEMBER_TEMPLATE);
}

enum undecodable object_fill(struct decoder *d, const struct object *o, struct record *r, bool with_message)
{
	enum undecodable reason = take_time(d, o, r);
	reason = reason ? reason : take_level(d, o, r);
	reason = reason || !with_message ? reason : take_message(d, o, r);
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

