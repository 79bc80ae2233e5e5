/* SPDX-License-Identifier: Apache-2.0 */
/* The only C++ file. Index and tape are kept from document to document; after a large one they are given back, since simdjson reserves about fifteen bytes
 * per byte of its capacity. */
#include "record/json_shim.h"

#include <new>

#include <simdjson.h>

static constexpr size_t SMALLEST = 16 * 1024;
static constexpr size_t LARGEST_KEPT = 1024 * 1024;

struct json_shim {
	simdjson::dom::parser parser;
	size_t capacity;
};

extern "C" struct json_shim *json_shim_new(void)
{
	auto *p = new (std::nothrow) json_shim;
	if (p)
		p->capacity = 0;
	return p;
}

extern "C" void json_shim_free(struct json_shim *shim)
{
	delete shim;
}

static bool resize(struct json_shim *p, size_t len)
{
	size_t capacity = SMALLEST;
	while (capacity < len)
		capacity *= 2;
	p->capacity = 0;
	p->parser.doc = simdjson::dom::document();
	if (p->parser.allocate(capacity, JSON_MAX_DEPTH))
		return false;
	p->capacity = capacity;
	return true;
}

static inline bool fit(struct json_shim *p, size_t len)
{
	return p->capacity && len <= p->capacity && (p->capacity <= LARGEST_KEPT || len > LARGEST_KEPT) ? true : resize(p, len);
}

static enum json_status status_of(simdjson::error_code error)
{
	switch (error) {
	case simdjson::SUCCESS:
		return JSON_OK;
	case simdjson::DEPTH_ERROR:
		return JSON_DEPTH;
	case simdjson::NUMBER_ERROR:
	case simdjson::NUMBER_OUT_OF_RANGE:
		return JSON_NUMBER;
	case simdjson::UTF8_ERROR:
		return JSON_UTF8;
	case simdjson::MEMALLOC:
	case simdjson::CAPACITY:
		return JSON_MEMORY;
	default:
		return JSON_SYNTAX;
	}
}

extern "C" bool json_shim_is_utf8(const char *bytes, size_t len)
{
	return simdjson::validate_utf8(bytes, len);
}

extern "C" char *json_shim_unescape(struct json_shim *shim, const char *from, char *to)
{
	if (!shim->capacity && !resize(shim, SMALLEST))
		return nullptr;
	return reinterpret_cast<char *>(shim->parser.implementation->parse_string(reinterpret_cast<const uint8_t *>(from), reinterpret_cast<uint8_t *>(to)));
}

extern "C" enum json_status json_shim_parse(struct json_shim *shim, const char *bytes, size_t len, struct json_shim_tape *ret)
{
	if (!fit(shim, len))
		return JSON_MEMORY;
	simdjson::error_code error = shim->parser.parse(bytes, len, false).error();
	if (error)
		return status_of(error);
	ret->tape = shim->parser.doc.tape.get();
	ret->strings = shim->parser.doc.string_buf.get();
	return JSON_OK;
}

extern "C" size_t json_shim_strings_bound(size_t len)
{
	return 5 * len / 3 + simdjson::SIMDJSON_PADDING;
}
