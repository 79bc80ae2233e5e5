/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MessagePack: plain maps as Fluent Bit and Fluentd put them into Kafka, and the messages of Fluentd's forward protocol.
 *
 * Idea: a reader of our own turns each map into a document (tape.h), so that the shapes read it as JSON; no object tree in between. What a message holds is
 * told apart by its form: a map is a record, [time, map] is one with its time, [tag, time, map] and [tag, [[time, map]..]] and [tag, bytes of such
 * pairs] are forward messages (fluent/fluentd, Forward Protocol Specification v1), any other array is a list of maps. A payload may hold several.
 *
 * Layout: the first byte says the type; integers are big-endian. Extension 0 of eight bytes is Fluentd's EventTime, -1 MessagePack's own timestamp: both
 * become {seconds, nanos}. Byte strings that are UTF-8 are text; others of sixteen or eight bytes, as ids are, their digits; what is left is null.
 */
#include "base/clock.h"
#include "record/packed.h"
#include "record/tape.h"
#include "record/timestamp.h"
#include "record/trace_id.h"

struct pack {
	const unsigned char *next, *end;
	enum undecodable fault;
};

enum kind { KIND_NIL, KIND_BOOL, KIND_U64, KIND_I64, KIND_DOUBLE, KIND_TEXT, KIND_BYTES, KIND_ARRAY, KIND_MAP, KIND_EXT };

struct item {
	enum kind kind;
	uint64_t number; /* of an integer, bool, or the length of an array or map */
	double real;
	struct slice bytes;
	int ext;
};

static bool fail(struct pack *p, enum undecodable fault)
{
	if (!p->fault)
		p->fault = fault;
	return false;
}

static bool big_endian(struct pack *p, unsigned n, uint64_t *ret)
{
	if ((size_t)(p->end - p->next) < n)
		return fail(p, UNDECODABLE_TRUNCATED);
	*ret = 0;
	while (n-- > 0)
		*ret = *ret << 8 | *p->next++;
	return true;
}

static bool take_bytes(struct pack *p, uint64_t len, struct slice *ret)
{
	if (len > (uint64_t)(p->end - p->next))
		return fail(p, UNDECODABLE_TRUNCATED);
	*ret = slice_of((const char *)p->next, (size_t)len);
	p->next += len;
	return true;
}

static bool take_float(struct pack *p, unsigned n, struct item *ret)
{
	uint64_t bits;
	float narrow;
	if (!big_endian(p, n, &bits))
		return false;
	uint32_t low = (uint32_t)bits;
	memcpy(&narrow, &low, sizeof(narrow));
	memcpy(&ret->real, &bits, sizeof(ret->real));
	if (n == 4)
		ret->real = (double)narrow;
	return true;
}

static bool take_ext(struct pack *p, uint64_t len, struct item *ret)
{
	uint64_t type;
	if (!big_endian(p, 1, &type))
		return false;
	ret->ext = (int)(int8_t)(uint8_t)type;
	return take_bytes(p, len, &ret->bytes);
}

/* 0xC0..0xDF: kind, and how many bytes hold the number or the length. */
static const struct {
	unsigned char kind, width;
	bool sized; /* width is that of a length, and so many bytes follow */
} forms[32] = {
	[0x00] = {KIND_NIL, 0, false}, [0x02] = {KIND_BOOL, 0, false}, [0x03] = {KIND_BOOL, 0, false}, [0x04] = {KIND_BYTES, 1, true}, [0x05] = {KIND_BYTES, 2, true},
	[0x06] = {KIND_BYTES, 4, true}, [0x07] = {KIND_EXT, 1, true}, [0x08] = {KIND_EXT, 2, true}, [0x09] = {KIND_EXT, 4, true}, [0x0A] = {KIND_DOUBLE, 4, false},
	[0x0B] = {KIND_DOUBLE, 8, false}, [0x0C] = {KIND_U64, 1, false}, [0x0D] = {KIND_U64, 2, false}, [0x0E] = {KIND_U64, 4, false}, [0x0F] = {KIND_U64, 8, false},
	[0x10] = {KIND_I64, 1, false}, [0x11] = {KIND_I64, 2, false}, [0x12] = {KIND_I64, 4, false}, [0x13] = {KIND_I64, 8, false}, [0x14] = {KIND_EXT, 0, false},
	[0x15] = {KIND_EXT, 0, false}, [0x16] = {KIND_EXT, 0, false}, [0x17] = {KIND_EXT, 0, false}, [0x18] = {KIND_EXT, 0, false}, [0x19] = {KIND_TEXT, 1, true},
	[0x1A] = {KIND_TEXT, 2, true}, [0x1B] = {KIND_TEXT, 4, true}, [0x1C] = {KIND_ARRAY, 2, false}, [0x1D] = {KIND_ARRAY, 4, false}, [0x1E] = {KIND_MAP, 2, false},
	[0x1F] = {KIND_MAP, 4, false},
};

static bool take_long_form(struct pack *p, unsigned char first, struct item *ret)
{
	unsigned char at = first & 0x1F, width = forms[at].width;
	ret->kind = forms[at].kind;
	if (first == 0xC1)
		return fail(p, UNDECODABLE_NOT_MSGPACK);
	if (ret->kind == KIND_DOUBLE)
		return take_float(p, width, ret);
	if (ret->kind == KIND_EXT && !forms[at].sized)
		return take_ext(p, UINT64_C(1) << (first - 0xD4), ret);
	ret->number = first == 0xC3;
	if (width && !big_endian(p, width, &ret->number))
		return false;
	if (ret->kind == KIND_I64)
		ret->number = (uint64_t)((int64_t)(ret->number << (64 - 8 * width)) >> (64 - 8 * width));
	if (ret->kind == KIND_EXT)
		return take_ext(p, ret->number, ret);
	return !forms[at].sized || take_bytes(p, ret->number, &ret->bytes);
}

static bool take_item(struct pack *p, struct item *ret)
{
	*ret = (struct item){.kind = KIND_NIL};
	if (p->next >= p->end)
		return fail(p, UNDECODABLE_TRUNCATED);
	unsigned char first = *p->next++;
	if (first < 0x80 || first >= 0xE0) {
		ret->kind = KIND_I64;
		ret->number = (uint64_t)(int64_t)(int8_t)first;
		return true;
	}
	if (first < 0xA0) {
		ret->kind = first < 0x90 ? KIND_MAP : KIND_ARRAY;
		ret->number = first & 0x0F;
		return true;
	}
	if (first < 0xC0) {
		ret->kind = KIND_TEXT;
		return take_bytes(p, first & 0x1F, &ret->bytes);
	}
	return take_long_form(p, first, ret);
}

static uint64_t big(struct slice s, size_t from, size_t len)
{
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++)
		value = value << 8 | (unsigned char)s.ptr[from + i];
	return value;
}

/* EventTime, or a timestamp of 4, 8 or 12 bytes. */
static bool ext_time(const struct item *item, int64_t *ret_seconds, int64_t *ret_ns)
{
	struct slice b = item->bytes;
	*ret_ns = 0;
	if (item->kind != KIND_EXT || (item->ext != 0 && item->ext != -1))
		return false;
	if (b.len == 8 && item->ext == 0) {
		*ret_seconds = (int64_t)big(b, 0, 4);
		*ret_ns = (int64_t)big(b, 4, 4);
	} else if (b.len == 4) {
		*ret_seconds = (int64_t)big(b, 0, 4);
	} else if (b.len == 8) {
		*ret_ns = (int64_t)(big(b, 0, 8) >> 34);
		*ret_seconds = (int64_t)(big(b, 0, 8) & UINT64_C(0x3FFFFFFFF));
	} else if (b.len == 12) {
		*ret_ns = (int64_t)big(b, 0, 4);
		*ret_seconds = (int64_t)big(b, 4, 8);
	} else {
		return false;
	}
	return *ret_ns < NS_PER_S;
}

/* --- items to the tape --- */

static bool copy_item(struct decoder *d, struct pack *p, unsigned depth);

static bool copy_members(struct decoder *d, struct pack *p, const struct item *item, unsigned depth)
{
	bool map = item->kind == KIND_MAP;
	if (depth >= JSON_MAX_DEPTH)
		return fail(p, UNDECODABLE_TOO_DEEP);
	/* a member takes at least a byte: no length that the payload cannot hold is believed */
	if (item->number > (uint64_t)(p->end - p->next))
		return fail(p, UNDECODABLE_TRUNCATED);
	uint32_t opened = tape_open(d, map ? '{' : '[');
	for (uint64_t i = 0; i < item->number; i++) {
		struct item key;
		if (map) {
			if (!take_item(p, &key))
				return false;
			if ((key.kind != KIND_TEXT && key.kind != KIND_BYTES) || !slice_is_utf8(key.bytes))
				return fail(p, key.kind == KIND_TEXT ? UNDECODABLE_NOT_UTF8 : UNDECODABLE_WRONG_TYPE);
			tape_string(d, key.bytes);
		}
		if (!copy_item(d, p, depth + 1))
			return false;
	}
	tape_close(d, opened);
	return true;
}

static void copy_ext(struct decoder *d, const struct item *item)
{
	int64_t seconds, ns;
	if (!ext_time(item, &seconds, &ns)) {
		tape_constant(d, 'n');
		return;
	}
	uint32_t opened = tape_open(d, '{');
	tape_string(d, SLICE("seconds"));
	tape_i64(d, seconds);
	tape_string(d, SLICE("nanos"));
	tape_i64(d, ns);
	tape_close(d, opened);
}

/* Eight bytes may be UTF-8 by chance, one time in some hundred, but hardly without any control character. */
static bool is_text(struct slice bytes)
{
	for (size_t i = 0; i < bytes.len && (bytes.len == 8 || bytes.len == 16); i++)
		if ((unsigned char)bytes.ptr[i] < ' ' || bytes.ptr[i] == 0x7F)
			return false;
	return slice_is_utf8(bytes);
}

static void copy_bytes(struct decoder *d, struct slice bytes)
{
	struct slice id = is_text(bytes) ? bytes : trace_id_of_bytes(bytes, &d->arena);
	if (id.len || bytes.len == 0)
		tape_string(d, id);
	else
		tape_constant(d, 'n');
}

/* Recursion: at most JSON_MAX_DEPTH. */
static bool copy_item(struct decoder *d, struct pack *p, unsigned depth)
{
	struct item item;
	if (!take_item(p, &item))
		return false;
	switch (item.kind) {
	case KIND_BOOL:
		tape_constant(d, item.number ? 't' : 'f');
		return true;
	case KIND_U64:
		tape_u64(d, item.number);
		return true;
	case KIND_I64:
		tape_i64(d, (int64_t)item.number);
		return true;
	case KIND_DOUBLE:
		tape_double(d, item.real);
		return true;
	case KIND_TEXT:
		if (!slice_is_utf8(item.bytes))
			return fail(p, UNDECODABLE_NOT_UTF8);
		tape_string(d, item.bytes);
		return true;
	case KIND_BYTES:
		copy_bytes(d, item.bytes);
		return true;
	case KIND_ARRAY:
	case KIND_MAP:
		return copy_members(d, p, &item, depth);
	case KIND_EXT:
		copy_ext(d, &item);
		return true;
	default:
		tape_constant(d, 'n');
		return true;
	}
}

static bool skip_item(struct pack *p, unsigned depth)
{
	struct item item;
	if (depth > JSON_MAX_DEPTH)
		return fail(p, UNDECODABLE_TOO_DEEP);
	if (!take_item(p, &item))
		return false;
	uint64_t members = item.kind == KIND_MAP ? 2 * item.number : item.kind == KIND_ARRAY ? item.number : 0;
	for (uint64_t i = 0; i < members; i++)
		if (!skip_item(p, depth + 1))
			return false;
	return true;
}

/* --- what a payload holds --- */

/* The map that p stands at is one record. */
static bool read_map(struct decoder *d, struct pack *p)
{
	struct json json;
	tape_begin(d);
	if (!copy_item(d, p, 0))
		return false;
	tape_finish(d, &json);
	if (json_is_object(&json, JSON_ROOT))
		json_object_read(d, &json, JSON_ROOT);
	else
		decoder_lose(d, UNDECODABLE_WRONG_TYPE);
	return true;
}

static bool is_time(const struct item *item)
{
	return item->kind == KIND_U64 || item->kind == KIND_I64 || item->kind == KIND_DOUBLE || item->kind == KIND_EXT;
}

static int64_t time_of(const struct item *item)
{
	int64_t seconds, ns;
	if (ext_time(item, &seconds, &ns))
		return timestamp_of_parts(seconds, ns);
	if (item->kind == KIND_DOUBLE)
		return timestamp_of_double(item->real);
	return item->kind == KIND_EXT || item->number > INT64_MAX ? 0 : timestamp_of_i64((int64_t)item->number);
}

static bool read_value(struct decoder *d, struct pack *p, unsigned depth);

/* Pairs packed one behind the other, plain or compressed. */
static bool read_packed(struct decoder *d, struct slice bytes, unsigned depth)
{
	if (packed_kind(bytes)) {
		struct packed packed = {0}; /* the decoder's holds the payload, if that was packed */
		enum undecodable reason = packed_open(&packed, bytes);
		bytes = reason ? slice_of(NULL, 0) : arena_copy(&d->arena, buf_slice(&packed.plain));
		packed_done(&packed);
		if (reason)
			decoder_lose(d, reason);
	}
	struct pack inner = {.next = (const unsigned char *)bytes.ptr, .end = (const unsigned char *)bytes.ptr + bytes.len};
	while (inner.next < inner.end)
		if (!read_value(d, &inner, depth + 1)) {
			decoder_lose(d, inner.fault);
			break;
		}
	return true;
}

/* Behind the time in [time, map, ..], [[time, meta], map] or [tag, time, map, ..]: the map, and the rest skipped. */
static bool read_timed(struct decoder *d, struct pack *p, const struct item *time, uint64_t left)
{
	d->batch_time_ns = time_of(time);
	bool ok = left > 0 && read_map(d, p);
	d->batch_time_ns = 0;
	for (uint64_t i = 1; ok && i < left; i++)
		ok = skip_item(p, 0);
	return ok || fail(p, UNDECODABLE_NOT_MSGPACK);
}

/* Behind the tag of a forward message. */
static bool read_forward(struct decoder *d, struct pack *p, uint64_t left, unsigned depth)
{
	struct item item;
	struct pack before = *p;
	bool ok;
	if (left == 0 || !take_item(p, &item))
		return fail(p, UNDECODABLE_NOT_MSGPACK);
	if (is_time(&item))
		return read_timed(d, p, &item, left - 1);
	if (item.kind == KIND_BYTES || item.kind == KIND_TEXT) {
		ok = read_packed(d, item.bytes, depth);
	} else {
		*p = before;
		ok = item.kind == KIND_ARRAY && read_value(d, p, depth + 1);
	}
	for (uint64_t i = 1; ok && i < left; i++)
		ok = skip_item(p, 0);
	return ok || fail(p, UNDECODABLE_NOT_MSGPACK);
}

/* [[time, {metadata}], {record}], unless it is two pairs; p stands in the inner array, and behind it afterwards. */
static bool read_head(struct pack *p, struct item *ret_time)
{
	if (!take_item(p, ret_time) || !is_time(ret_time) || p->next >= p->end || (*p->next & 0xF0) != 0x80)
		return false;
	return skip_item(p, 0) && p->next < p->end && (*p->next & 0xF0) != 0x90;
}

static bool read_array(struct decoder *d, struct pack *p, uint64_t len, unsigned depth)
{
	struct pack before = *p, inner;
	struct item first, time;
	if (len == 0)
		return true;
	if (!take_item(p, &first))
		return false;
	if (first.kind == KIND_TEXT)
		return read_forward(d, p, len - 1, depth);
	if (is_time(&first))
		return read_timed(d, p, &first, len - 1);
	inner = *p;
	if (first.kind == KIND_ARRAY && first.number == 2 && len == 2 && read_head(&inner, &time)) {
		*p = inner;
		return read_timed(d, p, &time, 1);
	}
	*p = before;
	for (uint64_t i = 0; i < len; i++)
		if (!read_value(d, p, depth + 1))
			return false;
	return true;
}

/* Recursion: bounded by LAYERS. */
static bool read_value(struct decoder *d, struct pack *p, unsigned depth)
{
	struct pack before = *p;
	struct item item;
	if (depth > LAYERS)
		return fail(p, UNDECODABLE_TOO_DEEP);
	if (!take_item(p, &item))
		return false;
	if (item.kind == KIND_ARRAY)
		return read_array(d, p, item.number, depth);
	if (item.kind != KIND_MAP)
		return fail(p, UNDECODABLE_WRONG_TYPE);
	*p = before;
	return read_map(d, p);
}

bool msgpack_sniff(struct slice payload)
{
	unsigned char first = (unsigned char)payload.ptr[0];
	if (first >= 0x80 && first < 0xA0)
		return true;
	/* these begin two-byte letters as well, so the length must be possible, and the text must not be */
	if (first < 0xDC || first > 0xDF || payload.len < 4 || slice_is_utf8(payload))
		return false;
	return true;
}

void msgpack_read(struct decoder *d, struct slice payload)
{
	struct pack p = {.next = (const unsigned char *)payload.ptr, .end = (const unsigned char *)payload.ptr + payload.len};
	d->many = true;
	while (p.next < p.end)
		if (!read_value(d, &p, 0)) {
			decoder_lose(d, p.fault);
			return;
		}
}
