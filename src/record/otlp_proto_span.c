/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One span of OTLP in protobuf.
 *
 * Idea: writers put a span's fields in the order of their numbers and in one form each: a trace id has 16 bytes, a span id eight, a name fewer than 128, a time is eight bytes. Such a
 * head is taken in one go, each field known by its tag and length together (usual_head). What is there besides, or stands elsewhere or in another form, goes through the cursor of
 * base/wire.h (other). Both take the same members, so order and form decide nothing but the pace.
 */
#include "base/err.h"
#include "record/otlp_proto.h"

struct reading {
	struct decoder *d;
	struct record *r;
	int64_t start_ns, end_ns;
};

enum { TAG_TRACE = 0x0A, TAG_SPAN = 0x12, TAG_PARENT = 0x22, TAG_NAME = 0x2A, TAG_KIND = 0x30, TAG_START = 0x39, TAG_END = 0x41 };
enum { TRACE_BYTES = 16, ID_BYTES = 8, FIXED = 9, TIMES = 2 * FIXED, KIND = 2, SPAN_DIGITS = 32, PARENT_DIGITS = 48 };

static int64_t ns_of(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* Whether bytes with this tag and length, and of this length, stand at p. */
static inline bool stands(const uint8_t *p, const uint8_t *end, unsigned tag, unsigned len)
{
	return (size_t)(end - p) >= len + 2 && p[0] == tag && p[1] == len;
}

/* Ids, name, kind and times, as far as they stand there in their usual form; returns what is behind them. */
static inline const uint8_t *usual_head(struct reading *s, const uint8_t *p, const uint8_t *end, char *digits, struct otlp_trace *last)
{
	struct record *r = s->r;
	if (stands(p, end, TAG_TRACE, TRACE_BYTES)) {
		r->trace_id = otlp_trace_id(last, (const char *)p + 2, digits);
		p += 2 + TRACE_BYTES;
	}
	if (stands(p, end, TAG_SPAN, ID_BYTES)) {
		r->span_id = span_id_of_8((const char *)p + 2, digits + SPAN_DIGITS);
		p += 2 + ID_BYTES;
	}
	if (stands(p, end, TAG_PARENT, ID_BYTES)) {
		r->parent_span_id = span_id_of_8((const char *)p + 2, digits + PARENT_DIGITS);
		p += 2 + ID_BYTES;
	}
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

bool otlp_span_read(struct decoder *d, struct record *r, struct slice bytes, char *digits, struct otlp_trace *last)
{
	struct reading s = {.d = d, .r = r};
	struct wire w = wire_of(bytes);
	struct wire_field f;
	int rc;
	bool ok = true;
	w.next = usual_head(&s, w.next, w.end, digits, last);
	while (ok && (rc = wire_step(&w, &f)) == 1)
		ok = f.number == SPAN_ATTRIBUTES && f.type == WIRE_BYTES ? otlp_take_attribute(d, r, f.bytes) : other(&s, &f);
	r->time_ns = s.end_ns > 0 ? s.end_ns : s.start_ns;
	r->duration_ns = s.start_ns > 0 && s.end_ns >= s.start_ns ? s.end_ns - s.start_ns : -1;
	r->backwards = s.end_ns > 0 && s.end_ns < s.start_ns;
	r->error |= r->status == STATUS_ERROR;
	return ok && rc == 0;
}
