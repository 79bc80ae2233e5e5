/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of the record room share: the decoder's insides. Private to the room. */
#ifndef WINNOW_RECORD_READER_H
#define WINNOW_RECORD_READER_H

#include "base/arena.h"
#include "record/decoder.h"
#include "record/json.h"
#include "record/shape.h"

/* An object of a document, read into known fields. */
struct object {
	struct json json;
	uint32_t root;
	struct key_set seen;
	const struct shape_row *row;
	unsigned members; /* bit m: the object has something in the column of member m */
	uint32_t at[KEY_COUNT]; /* the position of the value; only where seen has the key */
};

/* Where record_field looks, nearest first. */
struct record_fields {
	struct arena *arena;
	struct json inner;       /* the record inside an envelope, or the OTLP record */
	uint32_t inner_root;     /* 0: none */
	struct json outer;
	uint32_t outer_root;
	uint32_t attributes[3];  /* OTLP attribute lists in outer: record, scope, resource; 0: none */
};

enum { NOTES_MAX = 24, DOCUMENTS = 2 };

struct decoder {
	struct decoder_opts opts;
	struct arena arena;
	struct key_table keys;
	struct shape_table shapes;
	struct json_parser *parsers[DOCUMENTS]; /* a document and the one inside it */
	struct object outer, inner;
	struct buf scratch;
	struct record *records;
	size_t len, cap;
	enum undecodable reason;
	size_t undecodable;
	int64_t now_ns;
	bool many;       /* this payload holds several documents: each is copied to the arena, since the parsers' are reused */
	bool time_zoned; /* the open record's time names its offset from UTC */
	const char *envelope; /* the field of the envelope whose text is being read, or NULL */
	bool inside_json;     /* that text is JSON */
	struct decode_note notes[NOTES_MAX];
	size_t notes_len;
};

/* Parses text with parser number `which`; the document lives until the next decode (many) or the next parse with it. */
enum undecodable decoder_parse(struct decoder *d, unsigned which, struct slice text, struct json *ret);
/* A new record at the end of the list, empty; decoder_drop takes it away again and counts why. */
struct record *decoder_add(struct decoder *d);
void decoder_drop(struct decoder *d, enum undecodable reason);
void decoder_lose(struct decoder *d, enum undecodable reason);
/* Checks the event time and sets the error flag; UNDECODABLE_NONE if the record stands. */
enum undecodable decoder_finish(struct decoder *d, struct record *r);
/* Notes where the open record got a member from; the last word wins. Nothing happens unless notes are wanted. */
void decoder_note(struct decoder *d, const char *member, struct slice source);

/* json_log.c: one log record out of the object at root. */
void json_log_read(struct decoder *d, const struct json *json, uint32_t root);
enum undecodable object_scan(struct decoder *d, struct object *o);
/* otlp_json.c: a batch; kind says which of resourceLogs and resourceSpans. */
void otlp_json_read(struct decoder *d, const struct json *json, uint32_t root);
/* text_log.c: a line of plain text, and the text in an envelope. */
void text_log_read(struct decoder *d, struct slice text);
void text_log_fill(struct decoder *d, struct record *r, struct slice text);
/* json_log.c */
int64_t json_time(const struct json *json, uint32_t at, bool *ret_zoned, enum undecodable *ret_reason);

static inline bool noting(const struct decoder *d)
{
	return d->opts.notes && d->len == 1;
}

#endif
