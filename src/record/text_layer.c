/* SPDX-License-Identifier: Apache-2.0 */
/* What a record takes from the header of a text. A member that is already there is left alone. */
#include "record/text_layer.h"
#include "record/trace_id.h"

static void note_text(struct decoder *d, const struct text_layer *text, const char *member, struct slice key)
{
	struct buf way = {0};
	if (text->under > 0)
		object_way(d, text->under - 1, &way);
	buf_printf(&way, "%s%stext", text->via ? text->via : "", text->via ? " " : "");
	if (key.len) {
		buf_add_str(&way, ", ");
		buf_add_slice(&way, key);
	}
	decoder_note(d, member, buf_slice(&way));
	buf_done(&way);
}

void text_layer_take(struct decoder *d, const struct text_layer *text, struct slice *member, struct slice value, const char *name)
{
	if (member->len || value.len == 0)
		return;
	*member = value;
	if (noting(d))
		note_text(d, text, name, slice_of(NULL, 0));
}

static void ids_from_text(struct decoder *d, const struct text_layer *text, struct record *r)
{
	const struct text_header *h = &text->h;
	if (h->trace_id.len && r->trace_id.len == 0) {
		r->trace_id = trace_id_of(h->trace_id, &d->arena, &r->span_id);
		if (noting(d) && r->trace_id.len)
			note_text(d, text, "trace_id", h->trace_key);
	}
	if (h->span_id.len && r->span_id.len == 0) {
		r->span_id = span_id_of(h->span_id, &d->arena);
		if (noting(d) && r->span_id.len)
			note_text(d, text, "span_id", h->span_key);
	}
}

/* A container's time names its zone: it is better than one behind it that does not, unless it is known which that is. */
static const struct timestamp *time_of(const struct decoder *d, const struct text_header *h)
{
	bool better = h->contained && (!h->time.dated || !(h->time.zoned || d->zone));
	return better ? &h->container : &h->time;
}

static void time_from_text(struct decoder *d, const struct text_layer *text, struct record *r)
{
	const struct timestamp *time = time_of(d, &text->h);
	if (time->yearless && d->now_ns <= 0)
		return;
	bool zoned = time->zoned;
	if (!text->h.has_time || !time->dated || (r->time_ns && (d->time_zoned || !(zoned || d->zone))))
		return;
	int64_t ns = time->yearless ? timestamp_near(time->ns, d->now_ns) : time->ns > 0 ? time->ns : 1;
	r->time_ns = decoder_utc(d, ns, &zoned);
	d->time_zoned = zoned;
	if (noting(d)) {
		note_text(d, text, "time", slice_of(NULL, 0));
		decoder_note_zone(d, time->zoned);
	}
}

/* A text whose quotes stand there twice, with each once. */
static struct slice undoubled(struct decoder *d, struct slice text)
{
	char *out = arena_alloc(&d->arena, text.len + JSON_STRING_SLACK);
	size_t n = 0;
	for (size_t i = 0; i < text.len; i++) {
		out[n++] = text.ptr[i];
		i += text.ptr[i] == '"';
	}
	return slice_of(out, n);
}

void text_layer_fill(struct decoder *d, const struct text_layer *text, struct record *r)
{
	const struct text_header *h = &text->h;
	time_from_text(d, text, r);
	if (r->severity == SEVERITY_UNKNOWN && h->severity != SEVERITY_UNKNOWN) {
		r->severity = h->severity;
		if (noting(d))
			note_text(d, text, "severity", slice_of(NULL, 0));
	}
	text_layer_take(d, text, &r->service, h->service, "service");
	text_layer_take(d, text, &r->logger, h->logger, "logger");
	if (!text->json)
		text_layer_take(d, text, &r->message, h->doubled_quotes ? undoubled(d, h->message) : h->message, "message");
	ids_from_text(d, text, r);
	if (h->status && r->http_status == 0) {
		r->http_status = h->status;
		r->http_method = h->method;
		r->http_path = h->path;
	}
	if (h->has_duration && r->duration_ns < 0)
		r->duration_ns = h->duration_ns;
}
