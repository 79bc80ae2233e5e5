/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One span of OTLP in protobuf.
 *
 * Idea: writers put a span's fields in the order of their numbers and in one form each: a trace id has 16 bytes, a span id eight, a name fewer than 128, a time is eight bytes. Such a
 * head is taken in one go, each field known by its tag and length together, both ids made digits at once (usual_head). What is there besides, or stands elsewhere or in another form, goes through the cursor of
 * base/wire.h (other). Both take the same members, so order and form decide nothing but the pace. A span that has nothing else is known by where its end is, too (otlp_span_add).
 */
#include "base/err.h"
#include "record/otlp_proto.h"

struct reading {
	struct decoder *d;
	struct record *r;
	int64_t start_ns, end_ns;
};

/* Where record_field looks, and where the ids go: the span's behind the trace's, the parent's behind that. */
struct span_room {
	struct otlp_fields fields;
	char trace[32], ids[32];
};

enum { TAG_TRACE = 0x0A, TAG_SPAN = 0x12, TAG_PARENT = 0x22, TAG_NAME = 0x2A, TAG_KIND = 0x30, TAG_START = 0x39, TAG_END = 0x41 };
enum { TRACE_BYTES = 16, ID_BYTES = 8, ID_DIGITS = 16, FIXED = 9, TIMES = 2 * FIXED, KIND = 2 };
/* Where the heads of the ids stand, and what is behind them, if the span has a parent. */
enum { AT_SPAN = 2 + TRACE_BYTES, AT_PARENT = AT_SPAN + 2 + ID_BYTES, BEHIND_IDS = AT_PARENT + 2 + ID_BYTES };

static inline int64_t ns_of(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* Whether a tag and a length of one byte stand at p. */
static inline bool stands(const uint8_t *p, uint8_t tag, uint8_t len)
{
	const uint8_t want[2] = {tag, len};
	uint16_t a, b;
	memcpy(&a, p, sizeof(a));
	memcpy(&b, want, sizeof(b));
	return a == b;
}

/* The sixteen bytes as digits, which are in `digits` or where the span before has them. */
static inline struct slice trace_of(struct otlp_trace *last, const uint8_t *bytes, char *digits)
{
	uint64_t words[2];
	memcpy(words, bytes, sizeof(words));
	if ((words[0] ^ last->words[0]) | (words[1] ^ last->words[1]))
		*last = (struct otlp_trace){{words[0], words[1]}, trace_id_of_16((const char *)bytes, digits)};
	return last->digits;
}

/* Whether a span begins with its ids in their usual form; *ret_parent: and with its parent's. */
static inline bool usual_ids(const uint8_t *p, const uint8_t *end, bool *ret_parent)
{
	if (end - p < BEHIND_IDS || !stands(p, TAG_TRACE, TRACE_BYTES) || !stands(p + AT_SPAN, TAG_SPAN, ID_BYTES))
		return false;
	*ret_parent = stands(p + AT_PARENT, TAG_PARENT, ID_BYTES);
	return true;
}

/* The ids that stand at p, as usual_ids has it; returns what is behind them. */
static inline const uint8_t *take_ids(struct record *r, const uint8_t *p, bool parent, struct span_room *room, struct otlp_trace *last)
{
	uint64_t id = load_u64((const char *)p + AT_SPAN + 2), parent_id = parent ? load_u64((const char *)p + AT_PARENT + 2) : 0;
	r->trace_id = trace_of(last, p + 2, room->trace);
	trace_id_digits(id, parent_id, room->ids);
	r->span_id = slice_of(room->ids, id ? ID_DIGITS : 0);
	r->parent_span_id = slice_of(room->ids + ID_DIGITS, parent_id ? ID_DIGITS : 0);
	return p + (parent ? BEHIND_IDS : AT_PARENT);
}

/* Ids, name, kind and times, as far as they stand there in their usual form; returns what is behind them. */
static inline const uint8_t *usual_head(struct reading *s, const uint8_t *p, const uint8_t *end, struct span_room *room, struct otlp_trace *last)
{
	struct record *r = s->r;
	bool parent;
	if (!usual_ids(p, end, &parent))
		return p;
	p = take_ids(r, p, parent, room, last);
	size_t left = (size_t)(end - p), name = left > 1 ? p[1] : 0;
	if (left < 2 + name + KIND + TIMES || p[0] != TAG_NAME || name >= 0x80)
		return p;
	r->name = slice_of((const char *)p + 2, name);
	p += 2 + name;
	if (p[0] == TAG_KIND && p[1] < SPAN_KIND_COUNT) {
		r->span_kind = (enum span_kind)p[1];
		p += KIND;
	}
	if (p[0] == TAG_START && p[FIXED] == TAG_END) {
		s->start_ns = ns_of(wire_load64(p + 1));
		s->end_ns = ns_of(wire_load64(p + FIXED + 1));
		p += TIMES;
	}
	return p;
}

const char *otlp_span_head(struct slice bytes)
{
	struct wire w = wire_of(bytes);
	bool parent;
	if (!usual_ids(w.next, w.end, &parent))
		return bytes.ptr;
	const uint8_t *p = w.next + (parent ? BEHIND_IDS : AT_PARENT);
	size_t left = (size_t)(w.end - p), name = left > 1 ? p[1] : 0;
	if (left >= 2 + name + KIND + TIMES && p[0] == TAG_NAME && name < 0x80) {
		p += 2 + name;
		p += p[0] == TAG_KIND && p[1] < 0x80 ? KIND : 0;
		p += p[0] == TAG_START && p[FIXED] == TAG_END ? TIMES : 0;
	}
	return (const char *)p;
}

static bool take_status(struct record *r, struct slice bytes)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	int rc;
	while ((rc = wire_step(&w, &f)) == 1)
		if (f.number == 3 && f.type == WIRE_VARINT && f.value < STATUS_COUNT)
			r->status = (enum span_status)f.value;
	return rc == 0;
}

/* The exception among a span's events: its type is the span's. */
static bool take_event(struct reading *s, struct slice bytes)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	struct record event = {0};
	bool exception = false;
	int rc;
	while ((rc = wire_step(&w, &f)) == 1)
		exception |= f.number == 2 && slice_eq(f.bytes, SLICE("exception"));
	if (rc < 0 || (exception && !otlp_take_attributes(s->d, &event, bytes, EVENT_ATTRIBUTES)))
		return false;
	s->r->exception_event |= exception;
	if (event.exception_type.len)
		s->r->exception_type = event.exception_type;
	return true;
}

/* The first link. */
static bool take_link(struct reading *s, struct slice bytes)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	struct record *r = s->r;
	int rc;
	while ((rc = wire_step(&w, &f)) == 1) {
		if (r->link_trace_id.len == 0 && f.number == 1 && f.type == WIRE_BYTES)
			r->link_trace_id = trace_id_of_bytes(f.bytes, &s->d->arena);
		else if (r->link_span_id.len == 0 && f.number == 2 && f.type == WIRE_BYTES)
			r->link_span_id = span_id_of_bytes(f.bytes, &s->d->arena);
	}
	return rc == 0;
}

/* Any field, in any form. */
static bool other(struct reading *s, const struct wire_field *f)
{
	struct record *r = s->r;
	switch ((unsigned)f->number << 3 | f->type) {
	case TAG_TRACE: r->trace_id = trace_id_of_bytes(f->bytes, &s->d->arena); break;
	case TAG_SPAN: r->span_id = span_id_of_bytes(f->bytes, &s->d->arena); break;
	case 3 << 3 | WIRE_BYTES: r->trace_state = f->bytes; break;
	case TAG_PARENT: r->parent_span_id = span_id_of_bytes(f->bytes, &s->d->arena); break;
	case TAG_NAME: r->name = f->bytes; break;
	case TAG_KIND: r->span_kind = f->value < SPAN_KIND_COUNT ? (enum span_kind)f->value : SPAN_UNSPECIFIED; break;
	case TAG_START: s->start_ns = ns_of(f->value); break;
	case TAG_END: s->end_ns = ns_of(f->value); break;
	case 11 << 3 | WIRE_BYTES: return take_event(s, f->bytes);
	case 13 << 3 | WIRE_BYTES: return r->link_span_id.len || take_link(s, f->bytes);
	case 15 << 3 | WIRE_BYTES: return take_status(r, f->bytes);
	default: break;
	}
	return true;
}

static inline bool read_span(struct reading *s, struct slice bytes, struct span_room *room, struct otlp_trace *last)
{
	struct record *r = s->r;
	struct wire w = wire_of(bytes);
	struct wire_field f;
	int rc = 0;
	bool ok = true;
	w.next = usual_head(s, w.next, w.end, room, last);
	if (w.next < w.end || s->d->opts.fields_len)
		decoder_not_plain(s->d, r);
	while (ok && w.next < w.end && (rc = wire_step(&w, &f)) == 1)
		ok = f.number == SPAN_ATTRIBUTES && f.type == WIRE_BYTES ? otlp_take_attribute(s->d, r, f.bytes) : other(s, &f);
	r->time_ns = s->end_ns > 0 ? s->end_ns : s->start_ns;
	r->duration_ns = s->start_ns > 0 && s->end_ns >= s->start_ns ? s->end_ns - s->start_ns : -1;
	r->backwards = s->end_ns > 0 && s->end_ns < s->start_ns;
	r->error |= r->status == STATUS_ERROR;
	return ok && rc >= 0;
}

static struct record *new_record(struct otlp_batch *b, struct slice bytes, struct span_room **ret_room)
{
	struct span_room *room = arena_alloc(&b->d->arena, sizeof(*room));
	struct record *r = decoder_add_span(b->d, &b->blank);
	room->fields = b->fields;
	room->fields.bytes = bytes;
	r->fields = &room->fields.base;
	*ret_room = room;
	return r;
}

/* Any span. */
static __attribute__((noinline)) void add_any(struct otlp_batch *b, struct slice bytes)
{
	struct decoder *d = b->d;
	struct span_room *room;
	struct record *r = new_record(b, bytes, &room);
	struct reading s = {.d = d, .r = r};
	enum undecodable reason = UNDECODABLE_NOT_PROTOBUF;
	if (read_span(&s, bytes, room, &b->trace))
		reason = otlp_texts_are_utf8(b, r, r->name) ? decoder_finish(d, r) : UNDECODABLE_NOT_UTF8;
	if (reason)
		decoder_drop(d, reason);
	else if (noting(d))
		otlp_note_record(b, r);
}

/* What a span is that has nothing but ids, name, kind and times, all in their usual form. */
struct usual {
	bool parent;
	struct slice name;
	enum span_kind kind;
	int64_t start_ns, end_ns;
};

static inline bool is_usual(struct slice bytes, struct usual *ret)
{
	const uint8_t *p = (const uint8_t *)bytes.ptr, *end = p + bytes.len;
	if (!usual_ids(p, end, &ret->parent))
		return false;
	const uint8_t *at = p + (ret->parent ? BEHIND_IDS : AT_PARENT), *kind = end - TIMES - KIND, *times = end - TIMES;
	if (kind - at < 2 || at[0] != TAG_NAME || at[1] >= 0x80 || at[1] != kind - at - 2 || kind[0] != TAG_KIND || kind[1] >= SPAN_KIND_COUNT || times[0] != TAG_START || times[FIXED] != TAG_END)
		return false;
	ret->name = slice_of((const char *)at + 2, at[1]);
	ret->kind = (enum span_kind)kind[1];
	ret->start_ns = (int64_t)wire_load64(times + 1);
	ret->end_ns = (int64_t)wire_load64(times + FIXED + 1);
	return true;
}

/* A usual span with nothing odd about it comes to what add_any would make of it. */
void otlp_span_add(struct otlp_batch *b, struct slice bytes)
{
	struct usual u;
	struct span_room *room;
	if (!b->plain || !is_usual(bytes, &u) || u.start_ns <= 0 || u.end_ns < u.start_ns || !decoder_time_is_sane(b->d, u.end_ns) || !otlp_is_utf8(u.name)) {
		add_any(b, bytes);
		return;
	}
	struct record *r = new_record(b, bytes, &room);
	take_ids(r, (const uint8_t *)bytes.ptr, u.parent, room, &b->trace);
	r->name = u.name;
	r->span_kind = u.kind;
	r->time_ns = u.end_ns;
	r->duration_ns = u.end_ns - u.start_ns;
}
