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
