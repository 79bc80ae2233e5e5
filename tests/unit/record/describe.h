/* SPDX-License-Identifier: Apache-2.0 */
/* A decoded payload as text, one "member value" a line: what the .expect files of fixtures/shapes hold. */
#ifndef WINNOW_TESTS_UNIT_RECORD_DESCRIBE_H
#define WINNOW_TESTS_UNIT_RECORD_DESCRIBE_H

#include "base/clock.h"
#include "record/decoder.h"

static inline void describe_text(struct buf *out, const char *member, struct slice value)
{
	if (value.len == 0)
		return;
	buf_printf(out, "%s ", member);
	buf_add_json(out, value);
	buf_add_char(out, '\n');
}

static inline void describe_record(struct buf *out, const struct record *r)
{
	static const char *const kinds[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
	static const char *const statuses[] = {"unset", "ok", "error"};
	buf_printf(out, "%s %s\n", r->kind == RECORD_LOG ? "log" : "span", r->shape);
	if (r->time_ns) {
		buf_add_str(out, "time ");
		clock_format(out, r->time_ns);
		buf_add_char(out, '\n');
	}
	if (r->kind == RECORD_LOG)
		buf_printf(out, "severity %s\n", severity_name(r->severity));
	else
		buf_printf(out, "kind %s\nstatus %s\n", kinds[r->span_kind], statuses[r->status]);
	describe_text(out, "name", r->name);
	describe_text(out, "service", r->service);
	describe_text(out, "message", r->message);
	describe_text(out, "template", r->template_text);
	describe_text(out, "logger", r->logger);
	describe_text(out, "trace_id", r->trace_id);
	describe_text(out, "span_id", r->span_id);
	describe_text(out, "parent_span_id", r->parent_span_id);
	if (r->duration_ns >= 0)
		buf_printf(out, "duration_ns %lld\n", (long long)r->duration_ns);
	if (r->http_status)
		buf_printf(out, "http_status %d\n", r->http_status);
	describe_text(out, "http_method", r->http_method);
	describe_text(out, "http_route", r->http_route);
	describe_text(out, "http_path", r->http_path);
	describe_text(out, "exception_type", r->exception_type);
	if (r->error)
		buf_add_str(out, "error\n");
}

static inline void describe(struct buf *out, struct decoder *d, const struct decoded *decoded)
{
	size_t notes;
	const struct decode_note *note = decoder_notes(d, &notes);
	for (size_t i = 0; i < decoded->len; i++)
		describe_record(out, &decoded->records[i]);
	if (decoded->undecodable)
		buf_printf(out, "lost %zu %s\n", decoded->undecodable, undecodable_name(decoded->reason));
	for (size_t i = 0; i < notes; i++) {
		buf_printf(out, "note %s from ", note[i].member);
		buf_add_slice(out, note[i].source);
		buf_add_char(out, '\n');
	}
}

#endif
