/* SPDX-License-Identifier: Apache-2.0 */
/* Payload in, records out. One decoder per shard (one thread): it keeps parser buffers and, per call, the arena its records point into. */
#ifndef WINNOW_RECORD_DECODER_H
#define WINNOW_RECORD_DECODER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/zone.h"
#include "record/record.h"

enum format { FORMAT_AUTO, FORMAT_JSON, FORMAT_OTLP_JSON, FORMAT_OTLP_PROTO, FORMAT_MSGPACK, FORMAT_ZIPKIN, FORMAT_JAEGER, FORMAT_TEXT, FORMAT_COUNT };

/* Why a payload (or one record in it) could not be decoded; the label value is undecodable_name(). */
enum undecodable {
	UNDECODABLE_NONE,
	UNDECODABLE_NULL,         /* no payload: a tombstone */
	UNDECODABLE_EMPTY,
	UNDECODABLE_TOO_LARGE,    /* longer than the limit (8 MiB) */
	UNDECODABLE_NOT_UTF8,
	UNDECODABLE_NUL,          /* a NUL byte outside an escape */
	UNDECODABLE_NOT_JSON,
	UNDECODABLE_TRUNCATED,    /* JSON that ends in the middle */
	UNDECODABLE_TOO_DEEP,
	UNDECODABLE_NUMBER,       /* a number out of range */
	UNDECODABLE_WRONG_TYPE,   /* a known field holds something that cannot be it */
	UNDECODABLE_DUPLICATE_KEY,/* a known field stands there twice */
	UNDECODABLE_TIME,         /* event time before the year 2000 or more than ten years ahead of now */
	UNDECODABLE_UNSUPPORTED,  /* a kind of data that winnow has no use for: metrics, profiles */
	UNDECODABLE_NOT_PROTOBUF,
	UNDECODABLE_NOT_MSGPACK,
	UNDECODABLE_GZIP,         /* packed, and broken */
	UNDECODABLE_ZSTD,
	UNDECODABLE_SNAPPY,
	UNDECODABLE_SCHEMA_AVRO,  /* behind a schema registry's prefix: cannot be read without its schema */
	UNDECODABLE_SCHEMA_PROTOBUF,
	UNDECODABLE_COUNT
};

const char *undecodable_name(enum undecodable reason);

struct decoded {
	struct record *records;
	size_t len;
	/* records of this payload that are lost, by reason; at most one reason is reported per payload (the first) */
	enum undecodable reason;
	size_t undecodable;
};

/* For explain: which field of the payload became which member of the record. Only filled when asked for. */
struct decode_note {
	const char *member;  /* "time", "severity", ... */
	struct slice source; /* "kubernetes.labels.app", "log text, TraceID:" */
};

/* A member of the record that the configuration says where to find, before any shape is asked. */
struct decoder_field {
	const char *member;       /* one of decoder_members */
	const char *const *paths; /* dotted, the first that is there wins; NULL-terminated */
};

/* Members that may be configured: "time", "severity", "service", "message", "logger", "trace_id", "span_id", "duration". NULL-terminated. */
extern const char *const decoder_members[];

enum { DECODER_LARGEST = 8 * 1024 * 1024 };

struct decoder_opts {
	enum format format;
	const struct decoder_field *fields; /* must outlive the decoder */
	size_t fields_len;
	bool notes;
};

/* What a message carries beside its payload. It is asked only where the payload leaves something open. */
struct message_headers {
	/* The header with this number; false behind the last. The views live as long as the payload. */
	bool (*at)(const struct message_headers *h, size_t i, struct slice *ret_name, struct slice *ret_value);
};

struct decoder_message {
	struct slice payload; /* ptr NULL: a tombstone */
	struct slice before;  /* text that goes before the container's own: the pieces of a line that came earlier */
	const struct message_headers *headers; /* NULL: none. A log record without a trace id has that of the headers, if it is not one of a batch. */
};

struct decoder;

struct decoder *decoder_new(const struct decoder_opts *opts);
void decoder_free(struct decoder *d);
/* The zone of times that name none, from the next payload on; NULL: UTC. */
void decoder_set_zone(struct decoder *d, const struct zone *zone);
/* Decodes one payload (ptr NULL: a tombstone). now_ns bounds plausible event times. Never fails: what cannot be read is counted in *ret. The
 * records and everything they point to are valid until the next call; payload must outlive them. */
void decoder_decode(struct decoder *d, struct slice payload, int64_t now_ns, struct decoded *ret);
/* The same of all that belongs to a message. */
void decoder_decode_message(struct decoder *d, const struct decoder_message *m, int64_t now_ns, struct decoded *ret);
/* Where in a payload that was lost for this reason (undecodable_name) the first wrong byte is; false where there is no such byte, as with a wrong time. */
bool decoder_first_error(struct slice payload, const char *reason, size_t *ret_at);
/* Notes on the first record of the last payload, in member order; empty unless opts.notes. */
const struct decode_note *decoder_notes(const struct decoder *d, size_t *ret_len);
/* For explain and dead letters: each reader of the chain in its order, and why it declined the payload ("json: no, truncated at byte 11, ..."). As good as a
 * decode: records and notes of the last one are gone. */
void decoder_tried(struct decoder *d, struct slice payload, const char *between, struct buf *out);
/* Behind decoder_decode with opts.notes, of a payload with one record: the shape of each object it lies in, and the nearest that were asked before, in lines. */
void decoder_shapes(const struct decoder *d, struct buf *out);
/* The names that were asked for a member before the one that the note says had it; source empty: nothing had it. */
void decoder_asked_before(const struct decoder *d, const char *member, struct slice source, struct buf *out);
/* "auto", "json", ...: FORMAT_COUNT if name is none. */
enum format format_by_name(struct slice name);
const char *const *format_names(void); /* NULL-terminated */

#endif
