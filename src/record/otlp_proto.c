/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP in protobuf: a batch of log records or spans (opentelemetry-proto v1, logs.proto and trace.proto; field numbers are the layout).
 *
 * Layout, the same for both: a payload is fields 1, each a ResourceLogs or ResourceSpans {1 resource, 2 scope..}, each of those {1 scope, 2 record..}.
 * Nothing but the types on the wire says which of the two it is: a log record begins with a fixed64, a span with bytes, and so on (classify). Writers put
 * the resource behind what belongs to it (Go's pdata writes backwards), so each level is walked twice: once for what describes, once for what it holds.
 *
 * Invariants: every view points into the payload or the arena; strings that are taken are UTF-8, or the record is lost; a record that is malformed inside
 * costs itself alone, a level that is malformed costs what came after in it, and counts once.
 */
#include "base/err.h"
#include "record/otlp_proto.h"

enum { PART_HEAD = 1, PART_ITEMS = OTLP_ITEMS, TAG_ITEMS = PART_ITEMS << 3 | WIRE_BYTES }; /* of a ResourceX and of a ScopeX */

/* --- records --- */

static int64_t ns_of(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static bool take_body(struct decoder *d, struct record *r, struct slice body)
{
	struct wire_field v;
	if (!otlp_any_value(body, &v))
		return false;
	if (v.number == 1) {
		r->message = v.bytes;
		return true;
	}
	if (v.number == 0)
		return true;
	buf_reset(&d->scratch);
	otlp_render(body, &v, &d->scratch);
	r->message = arena_copy(&d->arena, buf_slice(&d->scratch));
	return true;
}

static bool read_log(struct decoder *d, struct record *r, struct slice bytes)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	struct slice severity_text = {NULL, 0};
	int64_t observed_ns = 0;
	int rc;
	bool ok = true;
	while (ok && (rc = wire_step(&w, &f)) == 1) {
		switch ((unsigned)f.number << 3 | f.type) {
		case 1 << 3 | WIRE_FIXED64: r->time_ns = ns_of(f.value); break;
		case 2 << 3 | WIRE_VARINT: r->severity = level_of_number((int64_t)(f.value & 0xFF), LEVEL_OTEL); break;
		case 3 << 3 | WIRE_BYTES: severity_text = f.bytes; break;
		case 5 << 3 | WIRE_BYTES: ok = take_body(d, r, f.bytes); break;
		case LOG_ATTRIBUTES << 3 | WIRE_BYTES: ok = otlp_take_attribute(d, r, f.bytes); break;
		case 9 << 3 | WIRE_BYTES: r->trace_id = trace_id_of_bytes(f.bytes, &d->arena); break;
		case 10 << 3 | WIRE_BYTES: r->span_id = span_id_of_bytes(f.bytes, &d->arena); break;
		case 11 << 3 | WIRE_FIXED64: observed_ns = ns_of(f.value); break;
		default: break;
		}
	}
	if (!ok || rc < 0)
		return false;
	if (r->time_ns <= 0)
		r->time_ns = observed_ns;
	if (r->severity == SEVERITY_UNKNOWN && severity_text.len)
		r->severity = level_parse(severity_text, LEVEL_GUESS);
	return true;
}

void otlp_note_record(struct otlp_batch *b, const struct record *r)
{
	bool log = b->blank.kind == RECORD_LOG;
	const struct {
		const char *member, *source;
		bool found;
	} rows[] = {{"time", log ? "time_unix_nano" : "end_time_unix_nano", r->time_ns != 0}, {"severity", "severity_number", r->severity != SEVERITY_UNKNOWN},
		{"service", "resource.attributes.service.name", r->service.len > 0}, {"message", "body", r->message.len > 0}, {"logger", "scope.name", r->logger.len > 0},
		{"trace_id", "trace_id", r->trace_id.len > 0}, {"span_id", "span_id", r->span_id.len > 0}, {"parent_span_id", "parent_span_id", r->parent_span_id.len > 0},
		{"name", "name", r->name.len > 0}};
	for (size_t i = 0; noting(b->d) && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].found)
			decoder_note(b->d, rows[i].member, slice_str(rows[i].source));
}

static void add_log(struct otlp_batch *b, struct slice bytes)
{
	struct otlp_fields *fields = arena_alloc(&b->d->arena, sizeof(*fields));
	struct record *r = decoder_add_like(b->d, &b->blank);
	*fields = b->fields;
	fields->bytes = bytes;
	r->fields = &fields->base;
	enum undecodable reason = UNDECODABLE_NOT_PROTOBUF;
	if (read_log(b->d, r, bytes))
		reason = otlp_texts_are_utf8(b, r, r->message) ? decoder_finish(b->d, r) : UNDECODABLE_NOT_UTF8;
	if (reason)
		decoder_drop(b->d, reason);
	else if (noting(b->d))
		otlp_note_record(b, r);
}

/* The bytes of field 1 in a message, the last of several; empty if there is none. */
static struct slice head_of(struct slice message)
{
	struct wire w = wire_of(message);
	struct wire_field f;
	struct slice found = {NULL, 0};
	for (wire_pass(&w, TAG_ITEMS); wire_step(&w, &f) == 1; wire_pass(&w, TAG_ITEMS))
		if (f.number == PART_HEAD && f.type == WIRE_BYTES)
			found = f.bytes;
	return found;
}

static void read_scope(struct otlp_batch *b, struct slice bytes)
{
	struct otlp_around *around = arena_alloc(&b->d->arena, sizeof(*around));
	*around = (struct otlp_around){.scope = bytes.ptr == b->first.bytes.ptr ? b->first.head : head_of(bytes), .resource = b->fields.around->resource};
	b->fields.around = around;
	b->blank.logger = head_of(around->scope);
	b->logger_is_utf8 = otlp_is_utf8(b->blank.logger);
	b->usual = b->logger_is_utf8 && !b->d->opts.notes && !b->d->opts.fields_len;
	if (b->blank.kind == RECORD_SPAN)
		otlp_spans_add(b, bytes);
	else
		otlp_each_item(b, bytes, PART_ITEMS, add_log);
}

/* What all records of a resource have of it; false if it is malformed. */
static bool take_resource(struct otlp_batch *b, struct slice resource)
{
	struct resource_memo *memo = resource_memo_for(&b->d->resources, resource);
	struct record r = {0};
	if (memo && resource_memo_take(memo, resource, &b->blank))
		return true;
	if (!otlp_take_attributes(b->d, &r, resource, RESOURCE_ATTRIBUTES))
		return false;
	b->blank.service = r.service;
	b->blank.service_namespace = r.service_namespace;
	b->blank.service_instance = r.service_instance;
	if (memo)
		resource_memo_learn(memo, resource, &r);
	return true;
}

static void read_resource(struct otlp_batch *b, struct slice bytes)
{
	struct otlp_around around = {.resource = head_of(bytes)};
	if (!take_resource(b, around.resource)) {
		decoder_lose(b->d, UNDECODABLE_NOT_PROTOBUF);
		return;
	}
	b->blank.resource++;
	b->fields.around = &around;
	otlp_each_item(b, bytes, PART_ITEMS, read_scope);
}

/* --- logs or spans? --- */

enum { IS_LOG = 1, IS_SPAN = 2, IS_NEITHER = 4 };

/* What the type of a record's field says; 0 if it fits both. */
static inline unsigned evidence(const struct wire_field *f)
{
	/* number: 1 time | trace_id; 2 severity | span_id; 6 attribute | kind; 7 dropped | start; 8 flags | end; 11 observed | event; the rest are bytes in both */
#define ROW(varint, fixed64, bytes, fixed32) {[WIRE_VARINT] = varint, [WIRE_FIXED64] = fixed64, [WIRE_BYTES] = bytes, [WIRE_FIXED32] = fixed32}
	enum { N = IS_NEITHER, L = IS_LOG, S = IS_SPAN };
	static const unsigned char types[17][8] = {
		[1] = ROW(N, L, S, N), [2] = ROW(L, N, S, N), [6] = ROW(S, N, L, N), [7] = ROW(L, S, N, N), [8] = ROW(N, S, N, L), [10] = ROW(S, 0, 0, 0), [11] = ROW(N, L, S, N),
		[13] = ROW(N, N, S, N), [14] = ROW(S, N, N, N), [15] = ROW(N, N, S, N), [16] = ROW(N, N, N, S),
	};
#undef ROW
	return f->number <= 16 ? types[f->number][f->type & 7] : 0;
}

static unsigned classify_record(struct slice bytes)
{
	const char *behind = otlp_span_head(bytes); /* fields that are a span's alone */
	struct wire w = wire_of(slice_of(behind, bytes.len - (size_t)(behind - bytes.ptr)));
	struct wire_field f;
	unsigned found = behind == bytes.ptr ? 0 : IS_SPAN;
	int rc;
	while ((rc = wire_step(&w, &f)) == 1)
		found |= evidence(&f);
	return rc < 0 ? 0 : found;
}

/* The first records that tell decide for the whole payload. Neither: a metric's name is bytes as a trace id is, but its data points are not where a span
 * has its times. */
static unsigned classify(struct slice message, unsigned level)
{
	struct wire w = wire_of(message);
	struct wire_field f;
	unsigned found = 0;
	while (!found && wire_step(&w, &f) == 1) {
		if (f.type != WIRE_BYTES || f.number != (level == 0 ? 1 : PART_ITEMS))
			continue;
		found = level == 2 ? classify_record(f.bytes) : classify(f.bytes, level + 1);
	}
	return found;
}

/* Whether a message is nothing but bytes with these numbers, as the upper levels of a batch are; what later versions may add has higher numbers. *ret_head: as of head_of. */
static bool only(struct slice message, uint32_t numbers, struct slice *ret_head)
{
	struct wire w = wire_of(message);
	struct wire_field f;
	const bool items = numbers >> PART_ITEMS & 1;
	int rc;
	*ret_head = slice_of(NULL, 0);
	do {
		if (items)
			wire_pass(&w, TAG_ITEMS);
		rc = wire_step(&w, &f);
		if (rc == 1 && f.number < 16 && (f.type != WIRE_BYTES || !(numbers >> f.number & 1)))
			return false;
		if (rc == 1 && f.number == PART_HEAD)
			*ret_head = f.bytes;
	} while (rc == 1);
	return rc == 0;
}

/* Whether a payload is built as a batch is; *ret: its first scope, if it has one. */
static bool sniff(struct slice payload, struct otlp_first *ret)
{
	const uint32_t top = 1 << 1, parts = 1 << 1 | 1 << 2 | 1 << 3;
	struct wire w = wire_of(payload), inside;
	struct wire_field f, part;
	struct slice head;
	*ret = (struct otlp_first){0};
	slice_prefetch(payload);
	if (payload.len < 2 || payload.ptr[0] != 0x0A || !only(payload, top, &head) || wire_step(&w, &f) != 1)
		return false;
	if (!only(f.bytes, parts, &head))
		return false;
	for (inside = wire_of(f.bytes); wire_step(&inside, &part) == 1;)
		if (part.number == PART_ITEMS) {
			ret->bytes = part.bytes;
			return only(part.bytes, parts, &ret->head) && (ret->found = classify(part.bytes, 2)) != IS_NEITHER;
		}
	return f.bytes.len == 0 || part.number == PART_HEAD;
}

bool otlp_proto_sniff(struct slice payload)
{
	struct otlp_first first;
	return sniff(payload, &first);
}

static void read_batch(struct decoder *d, struct slice payload, const struct otlp_first *first)
{
	unsigned found = first->found ? first->found : classify(payload, 0);
	enum record_kind kind = found & IS_SPAN ? RECORD_SPAN : RECORD_LOG;
	struct otlp_batch b = {.d = d, .blank = {.kind = kind, .shape = "otlp_proto", .duration_ns = -1}, .fields = otlp_proto_fields_of(&d->arena, kind), .first = *first};
	size_t before = d->undecodable;
	struct slice head;
	d->batch = true;
	if (found & IS_NEITHER || found == (IS_LOG | IS_SPAN)) {
		decoder_lose(d, UNDECODABLE_UNSUPPORTED);
		return;
	}
	otlp_each_item(&b, payload, 1, read_resource);
	if (d->len == 0 && d->undecodable == before && payload.len && !only(payload, 1 << 1, &head))
		decoder_lose(d, UNDECODABLE_WRONG_TYPE);
}

void otlp_proto_read(struct decoder *d, struct slice payload)
{
	read_batch(d, payload, &(struct otlp_first){0});
}

bool otlp_proto_try(struct decoder *d, struct slice payload)
{
	struct otlp_first first;
	bool is = sniff(payload, &first);
	if (is)
		read_batch(d, payload, &first);
	return is;
}
