/* SPDX-License-Identifier: Apache-2.0 */
#include "record/attribute.h"

#include "record/key.h"

static void take_status(struct record *r, int64_t number)
{
	if (number >= 100 && number <= 599)
		r->http_status = (int)number;
}

static void take_exception(struct record *r, struct slice type, bool best)
{
	if (best || r->exception_type.len == 0)
		r->exception_type = type;
	r->error |= type.len > 0;
}

/* The best name for the other end of a call stays, and what kind of system it is. */
static void take_peer(struct record *r, struct slice name, uint8_t rank, enum span_system system)
{
	if (name.len == 0)
		return;
	if (rank > r->peer_rank) {
		r->peer = name;
		r->peer_rank = rank;
	}
	if (system != SYSTEM_NONE && r->system != SYSTEM_DATABASE)
		r->system = system;
}

static void take_word(struct slice *word, struct slice text, bool best)
{
	if (best || word->len == 0)
		*word = text;
}

/* What is known of spans only; the keys are those of record/key.h. */
static void take_of_span(struct record *r, unsigned key, const struct attribute *value)
{
	struct slice text = value->text;
	switch (key) {
	case KEY_PEER_SERVICE: take_peer(r, text, 6, SYSTEM_NONE); break;
	case KEY_SERVER_ADDRESS: take_peer(r, text, 5, SYSTEM_NONE); break;
	case KEY_NET_PEER_NAME: take_peer(r, text, 4, SYSTEM_NONE); break;
	case KEY_SERVICE_NAMESPACE: r->service_namespace = text; break;
	case KEY_SERVICE_INSTANCE_ID: r->service_instance = text; break;
	case KEY_DB_SYSTEM: take_peer(r, text, 3, SYSTEM_DATABASE); break;
	case KEY_DB_SYSTEM_NAME: take_peer(r, text, 2, SYSTEM_DATABASE); break;
	case KEY_MESSAGING_SYSTEM: take_peer(r, text, 1, SYSTEM_MESSAGING); break;
	case KEY_DB_OPERATION_NAME:
	case KEY_MESSAGING_OPERATION_NAME: take_word(&r->operation, text, true); break;
	case KEY_DB_OPERATION:
	case KEY_MESSAGING_OPERATION: take_word(&r->operation, text, false); break;
	case KEY_DB_COLLECTION_NAME:
	case KEY_MESSAGING_DESTINATION_NAME: take_word(&r->target, text, true); break;
	case KEY_DB_SQL_TABLE: take_word(&r->target, text, false); break;
	case KEY_RPC_SERVICE: take_word(&r->operation, text, true); r->system = SYSTEM_RPC; break;
	case KEY_RPC_METHOD: take_word(&r->target, text, true); r->system = SYSTEM_RPC; break;
	case KEY_SAMPLING_PROBABILITY:
		r->sampling = value->real > 0 ? value->real : (double)value->number;
		if (text.len && !slice_to_double(text, &r->sampling))
			r->sampling = -1;
		break;
	default: break;
	}
}

void attribute_take(struct record *r, unsigned key, const struct attribute *value)
{
	struct slice text = value->text;
	switch (key) {
	case KEY_HTTP_RESPONSE_STATUS_CODE:
	case KEY_HTTP_STATUS_CODE:
		take_status(r, value->number);
		break;
	case KEY_HTTP_REQUEST_METHOD:
	case KEY_HTTP_METHOD:
		r->http_method = text;
		break;
	case KEY_HTTP_ROUTE:
		r->http_route = text;
		break;
	case KEY_URL_PATH:
	case KEY_HTTP_TARGET:
	case KEY_URL_FULL:
	case KEY_HTTP_URL:
	case KEY_HTTP_PATH:
		r->http_path = r->http_path.len ? r->http_path : text;
		break;
	case KEY_EXCEPTION_TYPE:
	case KEY_ERROR_TYPE:
		take_exception(r, text, key == KEY_EXCEPTION_TYPE);
		break;
	case KEY_ERROR:
		r->error |= value->truth;
		break;
	case KEY_LOG_RECORD_TEMPLATE:
	case KEY_ORIGINAL_FORMAT:
		r->template_text = text;
		break;
	case KEY_LOGGER_NAME:
	case KEY_LOGGER:
		r->logger = text;
		break;
	case KEY_SERVICE_NAME:
		r->service = text;
		break;
	default:
		if (key >= KEY_PEER_SERVICE)
			take_of_span(r, key, value);
		break;
	}
}

struct attribute attribute_of_text(struct slice text)
{
	struct attribute a = {.text = text, .truth = slice_eq(text, SLICE("true"))};
	if (text.len > 0 && text.len <= 3 && (unsigned)(text.ptr[0] - '0') <= 9)
		slice_to_i64(text, &a.number);
	return a;
}
