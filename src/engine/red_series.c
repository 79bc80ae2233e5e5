/* SPDX-License-Identifier: Apache-2.0 */
/* Which series a span counts in, as the presets have them, and what they are labelled with. */
#include "engine/red_memo.h"

enum { LABELS_OWN = 6 };

struct slice red_label_name(struct slice name, char out[LABEL_NAME_MAX])
{
	size_t len = 0;
	if (name.len && name.ptr[0] >= '0' && name.ptr[0] <= '9') {
		memcpy(out, "key_", 4);
		len = 4;
	}
	for (size_t i = 0; i < name.len && len < LABEL_NAME_MAX; i++) {
		char c = name.ptr[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		out[len++] = plain ? c : '_';
	}
	return slice_of(out, len);
}

struct slice red_in_budget(struct red *r, struct slice service, const char *what, struct slice value, enum red_refusal *refusal)
{
	bool first;
	enum red_refusal verdict = red_value(r, hash_pair(hash_bytes(slice_str(what)), hash_bytes(service)), value, IDS_BY_SHAPE, &first);
	if (first)
		red_warn(r, verdict, "service", service, slice_str(what), value);
	if (verdict > *refusal)
		*refusal = verdict;
	return verdict ? SLICE("other") : value;
}

/* The dimensions of the configuration that the span has, behind labels[len]; names are kept in `names`. */
static size_t add_dimensions(struct red *r, const struct red_event *e, struct label *labels, size_t len, char names[][LABEL_NAME_MAX], enum red_refusal *refusal)
{
	for (size_t i = 0; i < r->spans.dimensions_len; i++) {
		struct slice value;
		if (!record_field(e->record, slice_str(r->spans.dimensions[i]), &value) || value.len == 0)
			continue;
		struct slice name = red_label_name(slice_str(r->spans.dimensions[i]), names[i]);
		labels[len++] = (struct label){.name = name, .value = red_in_budget(r, e->service, r->spans.dimensions[i], value, refusal)};
	}
	return len;
}

static void join(struct buf *out, struct slice first, const char *between, struct slice second)
{
	buf_add_slice(out, first);
	if (first.len && second.len)
		buf_add_str(out, between);
	buf_add_slice(out, second);
}

/* What the span is called: by its attributes of few values, else by its name. Without ids. */
static struct slice span_name(const struct record *span, char out[ROUTE_MAX])
{
	char text[2 * ROUTE_MAX];
	struct buf name = {.data = text, .cap = sizeof(text)};
	struct slice first = slice_sub(span->operation, 0, ROUTE_MAX / 2), second = slice_sub(span->target, 0, ROUTE_MAX / 2);
	if (span->http_route.len)
		join(&name, slice_sub(span->http_method, 0, 16), " ", slice_sub(span->http_route, 0, ROUTE_MAX));
	else if (first.len && (span->system == SYSTEM_RPC ? second.len > 0 : span->system != SYSTEM_NONE))
		join(&name, first, span->system == SYSTEM_RPC ? "/" : " ", second);
	return slice_of(out, route_template(name.len ? buf_slice(&name) : span->name, out));
}

struct slice red_job(const struct red_event *e, char out[ROUTE_MAX])
{
	struct buf job = {.data = out, .cap = ROUTE_MAX};
	join(&job, slice_sub(e->record->service_namespace, 0, ROUTE_MAX / 2 - 1), "/", slice_sub(e->service, 0, ROUTE_MAX / 2));
	return buf_slice(&job);
}

static const struct {
	enum family_id calls, duration;
	const char *service;
	double unit_ns;
} presets[] = {
	[SPANS_OTEL] = {FAMILY_SPAN_CALLS, FAMILY_SPAN_DURATION, "service_name", 1e6},
	[SPANS_TEMPO] = {FAMILY_TEMPO_CALLS, FAMILY_TEMPO_LATENCY, "service", 1e9},
};

static void fill_named(struct red *r, const struct red_event *e, struct memo *m)
{
	static const char *const kinds[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"};
	static const char *const statuses[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"};
	char name[ROUTE_MAX], names[SPAN_DIMENSIONS_MAX][LABEL_NAME_MAX];
	struct label labels[LABELS_OWN + SPAN_DIMENSIONS_MAX];
	size_t len = 0;
	labels[len++] = red_label(presets[r->spans.preset].service, e->service);
	labels[len++] = red_label("span_name", red_in_budget(r, e->service, "span_name", span_name(e->record, name), &m->refusal));
	labels[len++] = red_label("span_kind", slice_str(kinds[e->record->span_kind]));
	labels[len++] = red_label("status_code", slice_str(statuses[e->record->status]));
	len = add_dimensions(r, e, labels, len, names, &m->refusal);
	uint32_t calls = tally_series(r->tally, presets[r->spans.preset].calls, labels, len);
	m->series[0] = tally_series(r->tally, presets[r->spans.preset].duration, labels, len);
	tally_twin(r->tally, (uint32_t)m->series[0], calls);
}

/* error.type: the exception, else the status code if it is one of failure. */
static struct slice error_type(const struct red_event *e, struct slice status)
{
	const struct record *span = e->record;
	bool server = span->span_kind == SPAN_SERVER;
	if (span->exception_type.len)
		return span->exception_type;
	if (span->http_status >= (server ? 500 : 400))
		return status;
	return span->status == STATUS_ERROR ? SLICE("_OTHER") : slice_of(NULL, 0);
}

static void fill_http(struct red *r, const struct red_event *e, struct memo *m)
{
	char route[ROUTE_MAX], job[ROUTE_MAX], status_text[24], names[SPAN_DIMENSIONS_MAX][LABEL_NAME_MAX];
	const struct record *span = e->record;
	struct label labels[LABELS_OWN + SPAN_DIMENSIONS_MAX];
	struct buf status = {.data = status_text, .cap = sizeof(status_text)};
	bool server = span->span_kind == SPAN_SERVER;
	size_t len = 0;
	m->none = (!server && span->span_kind != SPAN_CLIENT) || (span->http_method.len == 0 && span->http_status == 0);
	if (m->none)
		return;
	if (span->http_status)
		buf_add_i64(&status, span->http_status);
	labels[len++] = red_label("http_request_method", red_method(span->http_method) == UINT32_MAX ? SLICE("_OTHER") : span->http_method);
	labels[len++] = red_label("http_response_status_code", buf_slice(&status));
	struct slice place = server ? slice_of(route, route_template(span->http_route, route)) : span->peer_rank >= 4 ? span->peer : slice_of(NULL, 0);
	if (place.len)
		labels[len++] = red_label(server ? "http_route" : "server_address", red_in_budget(r, e->service, server ? "http_route" : "server_address", place, &m->refusal));
	struct slice type = error_type(e, buf_slice(&status));
	if (type.len)
		labels[len++] = red_label("error_type", red_in_budget(r, e->service, "error_type", type, &m->refusal));
	labels[len++] = red_label("job", red_job(e, job));
	len = add_dimensions(r, e, labels, len, names, &m->refusal);
	m->series[0] = tally_series(r->tally, server ? FAMILY_HTTP_SERVER : FAMILY_HTTP_CLIENT, labels, len);
}

void red_fill_span(struct red *r, const struct red_event *e, struct memo *m)
{
	r->spans.preset == SPANS_SEMCONV ? fill_http(r, e, m) : fill_named(r, e, m);
}

double red_unit_ns(const struct red *r)
{
	return r->spans.preset == SPANS_SEMCONV ? 1e9 : presets[r->spans.preset].unit_ns;
}
