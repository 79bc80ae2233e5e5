/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One span of OTLP in protobuf.
 *
 * Idea: writers put a span's fields in the order of their numbers and in one form each: a trace id has 16 bytes, a span id eight, a name fewer than 128, a time is eight bytes. Such a
 * head is found in one go, each field known by its tag and length together (head_of), and both ids are made digits at once. What is there besides, or stands elsewhere or in another form, goes through the
 * cursor of base/wire.h (other). Both take the same members, so order and form decide nothing but the pace. A span that is nothing but a whole head is read in line (otlp_spans_add).
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

/* The fields with which a span begins, as far as they stand there in their usual form: where they are; NULL: not there. */
struct head {
	const uint8_t *ids, *name, *kind, *times;
	const uint8_t *behind; /* what comes next */
	bool parent;           /* among the ids is the parent's */
};

static inline __attribute__((always_inline)) struct head head_of(const uint8_t *p, const uint8_t *end)
{
	struct head h = {.behind = p};
	if (end - p < BEHIND_IDS || !stands(p, TAG_TRACE, TRACE_BYTES) || !stands(p + AT_SPAN, TAG_SPAN, ID_BYTES))
		return h;
	h.ids = p;
	h.parent = stands(p + AT_PARENT, TAG_PARENT, ID_BYTES);
	h.behind = p += h.parent ? BEHIND_IDS : AT_PARENT;
	size_t left = (size_t)(end - p), name = left > 1 ? p[1] : 0;
	if (left < 2 + name + KIND + TIMES || p[0] != TAG_NAME || name >= 0x80)
		return h;
	h.name = p;
	p += 2 + name;
	if (p[0] == TAG_KIND && p[1] < SPAN_KIND_COUNT) {
		h.kind = p;
		p += KIND;
	}
	if (p[0] == TAG_START && p[FIXED] == TAG_END) {
		h.times = p;
		p += TIMES;
	}
	h.behind = p;
	return h;
}

const char *otlp_span_head(struct slice bytes)
{
	struct wire w = wire_of(bytes);
	return (const char *)head_of(w.next, w.end).behind;
}

static inline void take_ids(struct record *r, const struct head *h, struct span_room *room, struct otlp_trace *last)
{
	const char *p = (const char *)h->ids;
	uint64_t id = load_u64(p + AT_SPAN + 2), parent_id = h->parent ? load_u64(p + AT_PARENT + 2) : 0;
	r->trace_id = trace_of(last, h->ids + 2, room->trace);
	trace_id_digits(id, parent_id, room->ids);
	r->span_id = slice_of(room->ids, id ? ID_DIGITS : 0);
	r->parent_span_id = slice_of(room->ids + ID_DIGITS, parent_id ? ID_DIGITS : 0);
}

static inline struct slice name_of(const struct head *h)
{
	return slice_of((const char *)h->name + 2, h->name[1]);
}

/* What is there of a head. */
static inline void take_head(struct reading *s, const struct head *h, struct span_room *room, struct otlp_trace *last)
{
	struct record *r = s->r;
	if (h->ids)
		take_ids(r, h, room, last);
	if (h->name)
		r->name = name_of(h);
	if (h->kind)
		r->span_kind = (enum span_kind)h->kind[1];
	if (h->times) {
		s->start_ns = ns_of(wire_load64(h->times + 1));
		s->end_ns = ns_of(wire_load64(h->times + FIXED + 1));
	}
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
	const struct head head = head_of(w.next, w.end);
	take_head(s, &head, room, last);
	w.next = head.behind;
	if (w.next < w.end || s->d->opts.fields_len)
		r->plain = false;
	while (ok && w.next < w.end && (rc = wire_step(&w, &f)) == 1)
		ok = f.number == SPAN_ATTRIBUTES && f.type == WIRE_BYTES ? otlp_take_attribute(s->d, r, f.bytes) : other(s, &f);
	r->time_ns = s->end_ns > 0 ? s->end_ns : s->start_ns;
	r->duration_ns = s->start_ns > 0 && s->end_ns >= s->start_ns ? s->end_ns - s->start_ns : -1;
	r->backwards = s->end_ns > 0 && s->end_ns < s->start_ns;
	r->error |= r->status == STATUS_ERROR;
	return ok && rc >= 0;
}

static inline __attribute__((always_inline)) struct record *new_record(struct otlp_batch *b, struct slice bytes, struct span_room **ret_room)
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

/* A span that is nothing but a whole head with nothing odd about it comes to what add_any would make of it; false: it is another. */
static inline __attribute__((always_inline)) bool add_usual(struct otlp_batch *b, struct slice bytes)
{
	const uint8_t *end = (const uint8_t *)bytes.ptr + bytes.len;
	const struct head h = head_of((const uint8_t *)bytes.ptr, end);
	if (h.behind != end || !h.kind || !h.times)
		return false;
	const struct slice name = name_of(&h);
	int64_t start_ns = (int64_t)wire_load64(h.times + 1), end_ns = (int64_t)wire_load64(h.times + FIXED + 1);
	if (start_ns <= 0 || end_ns < start_ns || !decoder_time_is_sane(b->d, end_ns) || !otlp_is_utf8(name))
		return false;
	struct span_room *room;
	struct record *r = new_record(b, bytes, &room);
	take_ids(r, &h, room, &b->trace);
	r->name = name;
	r->span_kind = (enum span_kind)h.kind[1];
	r->time_ns = end_ns;
	r->duration_ns = end_ns - start_ns;
	return true;
}

static inline __attribute__((always_inline)) void add_span(struct otlp_batch *b, struct slice bytes)
{
	if (!b->usual || !add_usual(b, bytes))
		add_any(b, bytes);
}

void otlp_spans_add(struct otlp_batch *b, struct slice scope)
{
	otlp_each_item(b, scope, OTLP_ITEMS, add_span);
}
