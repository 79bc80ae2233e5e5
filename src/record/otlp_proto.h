/* SPDX-License-Identifier: Apache-2.0 */
/* What the levels of a batch (otlp_proto.c), its spans (otlp_proto_span.c) and its values (otlp_proto_value.c) share. Private to the room. */
#ifndef WINNOW_RECORD_OTLP_PROTO_H
#define WINNOW_RECORD_OTLP_PROTO_H

#include "base/wire.h"
#include "record/otlp.h"
#include "record/span_parts.h"

enum { LOG_ATTRIBUTES = 6, OTLP_ITEMS = 2 /* of a ResourceX and of a ScopeX */ };

/* What lies around the records of a scope; in the decoder's arena. */
struct otlp_around {
	struct slice scope, resource;
};

/* Where record_field looks: the record's bytes, its scope's, its resource's. */
struct otlp_fields {
	struct record_fields base;
	struct slice bytes;
	const struct otlp_around *around;
	unsigned attributes; /* the number that they have in bytes */
};

/* The trace that a span of the payload said last: mostly the next one's as well. */
struct otlp_trace {
	uint64_t words[2];
	struct slice digits;
};

/* What looking whether a payload is a batch found out: its first scope and that one's head, and what the records there say they are (0: nothing). */
struct otlp_first {
	struct slice bytes, head;
	unsigned found;
};

struct otlp_batch {
	struct decoder *d;
	struct record blank; /* what all records of a scope have in common */
	struct otlp_fields fields;
	struct otlp_trace trace;
	struct otlp_first first;
	bool logger_is_utf8;
	bool usual; /* spans of the usual form may be taken as such: neither the logger's name, nor notes, nor the configuration have anything to say of them */
};

static inline bool otlp_is_utf8(struct slice s)
{
	typedef uint64_t two __attribute__((vector_size(16)));
	two piece, high = {0, 0};
	uint64_t word, some = 0;
	if (s.len < sizeof(word)) {
		for (size_t i = 0; i < s.len; i++)
			some |= (unsigned char)s.ptr[i]; /* in the lowest byte, which the mask covers as well */
	} else if (s.len < sizeof(piece)) {
		some = load_u64(s.ptr) | load_u64(s.ptr + s.len - sizeof(word)); /* some of them twice */
	} else {
		for (size_t i = 0; i + sizeof(piece) < s.len; i += sizeof(piece)) {
			memcpy(&piece, s.ptr + i, sizeof(piece));
			high |= piece;
		}
		memcpy(&piece, s.ptr + s.len - sizeof(piece), sizeof(piece));
		high |= piece;
		some = high[0] | high[1];
	}
	return !(some & UINT64_C(0x8080808080808080)) || slice_is_utf8(s);
}

/* Any of AnyValue's forms; number 0: nothing was set. Nearly all are texts of fewer than 128 bytes, which is seen at a glance. */
bool otlp_any_value_of(struct slice bytes, struct wire_field *ret);
static inline bool otlp_any_value(struct slice bytes, struct wire_field *ret)
{
	if (bytes.len < 2 || bytes.ptr[0] != 0x0A || (size_t)(signed char)bytes.ptr[1] != bytes.len - 2)
		return otlp_any_value_of(bytes, ret);
	*ret = (struct wire_field){.number = 1, .type = WIRE_BYTES, .bytes = {bytes.ptr + 2, bytes.len - 2}};
	return true;
}

/* A pair's halves. Nearly all are {key, value} with lengths of one byte. */
bool otlp_pair_of(struct slice pair, struct slice *ret_name, struct slice *ret_value);
static inline bool otlp_pair(struct slice pair, struct slice *ret_name, struct slice *ret_value)
{
	const unsigned char *p = (const unsigned char *)pair.ptr;
	size_t name = pair.len > 4 ? p[1] : 0;
	if (pair.len <= 4 || p[0] != 0x0A || name >= 0x80 || name + 4 > pair.len || p[2 + name] != 0x12 || p[3 + name] != pair.len - name - 4 || p[3 + name] >= 0x80)
		return otlp_pair_of(pair, ret_name, ret_value);
	*ret_name = slice_of(pair.ptr + 2, name);
	*ret_value = slice_of(pair.ptr + 4 + name, pair.len - name - 4);
	return true;
}

/* An AnyValue as text for a log's body: a scalar without quotes, else the JSON that it stands for. */
void otlp_render(struct slice value, const struct wire_field *v, struct buf *out);
/* Takes an attribute into the record; false if it is malformed. */
bool otlp_take_attribute(struct decoder *d, struct record *r, struct slice pair);
/* The attributes of a message that has them as field `number`; false if it is malformed. */
bool otlp_take_attributes(struct decoder *d, struct record *r, struct slice message, unsigned number);
/* What the fields of such records have in common. */
struct otlp_fields otlp_proto_fields_of(struct arena *arena, enum record_kind kind);

/* Calls each for every field `number`; what is malformed counts as one lost record. */
static inline __attribute__((always_inline)) void otlp_each_item(struct otlp_batch *b, struct slice message, unsigned number, void (*each)(struct otlp_batch *b, struct slice item))
{
	const uint8_t tag = (uint8_t)(number << 3 | WIRE_BYTES);
	struct wire w = wire_of(message);
	struct wire_field f;
	int rc = 1;
	while (rc == 1) {
		while (wire_take(&w, tag, &f.bytes))
			each(b, f.bytes);
		rc = wire_step(&w, &f);
		if (rc == 1 && f.number == number && f.type == WIRE_BYTES)
			each(b, f.bytes);
	}
	if (rc < 0)
		decoder_lose(b->d, UNDECODABLE_NOT_PROTOBUF);
}

/* Adds the spans of a scope to the list, or counts them as lost. */
void otlp_spans_add(struct otlp_batch *b, struct slice scope);
/* What is behind the fields with which a span's message mostly begins, as far as they stand there in their usual form (otlp_proto_span.c); bytes.ptr if it begins with others. */
const char *otlp_span_head(struct slice bytes);
/* Notes where the members of the batch's first record are. */
void otlp_note_record(struct otlp_batch *b, const struct record *r);

/* Whether all texts of a record are UTF-8 that are not checked yet: attributes are, one by one. text: the message or name. */
static inline bool otlp_texts_are_utf8(const struct otlp_batch *b, const struct record *r, struct slice text)
{
	return (r->logger.ptr != b->blank.logger.ptr || b->logger_is_utf8) && otlp_is_utf8(text);
}

#endif
