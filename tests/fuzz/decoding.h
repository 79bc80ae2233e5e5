/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes an input in one format and judges what comes out by the promises of record.h: shared by the fuzz targets of the decoders. */
#ifndef WINNOW_TESTS_FUZZ_DECODING_H
#define WINNOW_TESTS_FUZZ_DECODING_H

#include "base/buf.h"
#include "record/decoder.h"

#include <stdlib.h>

static const int64_t NOW_NS = INT64_C(1772618400000000000);

static inline void decoding_text(struct slice text)
{
	if (text.len && !slice_is_utf8(text))
		abort();
}

static inline void decoding_id(struct slice id)
{
	if (id.len != 0 && id.len != 16 && id.len != 32)
		abort();
	for (size_t i = 0; i < id.len; i++)
		if (!memchr("0123456789abcdef", id.ptr[i], 16))
			abort();
}

static inline void decoding_look(const struct record *r)
{
	static const char *const paths[] = {"kubernetes.labels.app", "a.b.c", "order.id", "elapsed", "http.method", "tags.error", "app.a"};
	struct slice value;
	decoding_text(r->message);
	decoding_text(r->service);
	decoding_text(r->name);
	decoding_text(r->logger);
	decoding_text(r->template_text);
	decoding_text(r->http_method);
	decoding_text(r->http_route);
	decoding_text(r->http_path);
	decoding_text(r->exception_type);
	decoding_id(r->trace_id);
	decoding_id(r->span_id);
	decoding_id(r->parent_span_id);
	if (!r->shape || r->duration_ns < -1 || r->time_ns < 0 || (unsigned)r->severity >= SEVERITY_COUNT || (unsigned)r->span_kind >= SPAN_KIND_COUNT || (unsigned)r->status >= STATUS_COUNT)
		abort();
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (record_field(r, slice_str(paths[i]), &value))
			decoding_text(value);
}

/* What explain and dead letters say of how the input was read: text, whatever the input is. */
static inline void decoding_tried(struct decoder *d, struct slice payload)
{
	static struct buf said;
	buf_reset(&said);
	decoder_tried(d, payload, "; ", &said);
	decoding_text(buf_slice(&said));
}

/* Headers that name a trace, each with the input as its value. */
struct decoding_headers {
	struct message_headers base;
	struct slice value;
};

static inline bool decoding_header_at(const struct message_headers *headers, size_t i, struct slice *ret_name, struct slice *ret_value)
{
	static const char *const names[] = {"sw8", "X-Cloud-Trace-Context", "x-amzn-trace-id", "uber-trace-id", "x-datadog-trace-id", "x-datadog-parent-id", "X-B3-TraceId", "X-B3-SpanId", "b3", "traceparent"};
	if (i >= sizeof(names) / sizeof(names[0]))
		return false;
	*ret_name = slice_str(names[i]);
	*ret_value = ((const struct decoding_headers *)headers)->value;
	return true;
}

/* The input in a buffer of its own size, so that every byte read beyond it is seen. explained: also as explain reads it. */
static inline void decoding_run(struct decoder *d, const uint8_t *data, size_t size, bool explained)
{
	struct decoded out;
	char *copy = malloc(size ? size : 1);
	if (size)
		memcpy(copy, data, size);
	const struct decoding_headers headers = {.base.at = decoding_header_at, .value = slice_of(copy, size)};
	decoder_decode_message(d, &(struct decoder_message){.payload = headers.value, .headers = &headers.base}, NOW_NS, &out);
	if ((out.undecodable > 0) != (out.reason != UNDECODABLE_NONE))
		abort();
	for (size_t i = 0; i < out.len; i++)
		decoding_look(&out.records[i]);
	if (explained)
		decoding_tried(d, slice_of(copy, size));
	free(copy);
}

static inline void decoding_same(const struct record *a, const struct record *b)
{
	const struct slice *const texts[][2] = {{&a->message, &b->message}, {&a->service, &b->service}, {&a->logger, &b->logger}, {&a->template_text, &b->template_text}, {&a->trace_id, &b->trace_id},
		{&a->span_id, &b->span_id}, {&a->name, &b->name}, {&a->http_method, &b->http_method}, {&a->http_path, &b->http_path}, {&a->exception_type, &b->exception_type}};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!slice_eq(*texts[i][0], *texts[i][1]))
			abort();
	if (a->time_ns != b->time_ns || a->severity != b->severity || a->duration_ns != b->duration_ns || a->http_status != b->http_status || a->error != b->error || a->part != b->part)
		abort();
}

/* What a decoder remembers of the inputs before must not show: one that has seen none says the same. */
static inline void decoding_fresh(struct decoder *d, enum format format, const uint8_t *data, size_t size)
{
	struct decoder *fresh = decoder_new(&(struct decoder_opts){.format = format});
	struct decoded mine, other;
	decoder_decode(d, slice_of((const char *)data, size), NOW_NS, &mine);
	decoder_decode(fresh, slice_of((const char *)data, size), NOW_NS, &other);
	if (mine.len != other.len || mine.undecodable != other.undecodable || mine.reason != other.reason)
		abort();
	for (size_t i = 0; i < mine.len; i++)
		decoding_same(&mine.records[i], &other.records[i]);
	decoder_free(fresh);
}

/* A target of one format, with notes at every second input, explained at every fourth. */
static inline int decoding_target(enum format format, const uint8_t *data, size_t size)
{
	static struct decoder *decoders[2];
	static unsigned turn;
	unsigned i = turn++ & 1;
	if (!decoders[i])
		decoders[i] = decoder_new(&(struct decoder_opts){.format = format, .notes = i});
	decoding_run(decoders[i], data, size, turn % 4 == 0);
	if (turn % 64 == 0)
		decoding_fresh(decoders[i], format, data, size);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
