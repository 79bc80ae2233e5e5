/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says why refused bytes are no JSON document: the parser's error codes do not tell a document cut off in the middle from nonsense.
 *
 * Idea: RFC 8259 as a recursive descent that returns a view's position, or NULL with the fault noted. "Truncated" is the end of the text where something
 * more had to come. Only refused payloads come here, so it is written for clarity, not speed.
 */
#include "record/json.h"

struct look {
	const char *end;
	const char *at; /* of the fault */
	enum json_fault fault;
	int depth;
};

static const char *value(struct look *l, const char *p);

static const char *refuse(struct look *l, const char *p)
{
	l->fault = p >= l->end ? JSON_FAULT_TRUNCATED : JSON_FAULT_SYNTAX;
	l->at = p;
	return NULL;
}

static const char *blank(const struct look *l, const char *p)
{
	while (p < l->end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

static const char *word(struct look *l, const char *p, const char *text)
{
	for (; *text; text++, p++)
		if (p >= l->end || *p != *text)
			return refuse(l, p);
	return p;
}

static const char *escape(struct look *l, const char *p)
{
	if (p >= l->end || !memchr("\"\\/bfnrtu", *p, 9))
		return refuse(l, p);
	if (*p++ != 'u')
		return p;
	for (int i = 0; i < 4; i++, p++)
		if (p >= l->end || !memchr("0123456789abcdefABCDEF", *p, 22))
			return refuse(l, p);
	return p;
}

static const char *string(struct look *l, const char *p)
{
	if (p >= l->end || *p != '"')
		return refuse(l, p);
	for (p++; p < l->end && *p != '"';) {
		if ((unsigned char)*p < 0x20)
			return refuse(l, p);
		if (*p++ == '\\' && !(p = escape(l, p)))
			return NULL;
	}
	return p < l->end ? p + 1 : refuse(l, p);
}

static const char *digits(struct look *l, const char *p)
{
	if (p >= l->end || *p < '0' || *p > '9')
		return refuse(l, p);
	while (p < l->end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static const char *exponent(struct look *l, const char *p)
{
	if (p >= l->end || (*p != 'e' && *p != 'E'))
		return p;
	p++;
	return digits(l, p < l->end && (*p == '+' || *p == '-') ? p + 1 : p);
}

static const char *number(struct look *l, const char *p)
{
	if (*p == '-')
		p++;
	const char *from = p;
	p = digits(l, p);
	if (p && *from == '0' && p > from + 1)
		return refuse(l, from);
	if (p && p < l->end && *p == '.')
		p = digits(l, p + 1);
	return p ? exponent(l, p) : NULL;
}

/* Members up to the closing bracket; p is behind the opening one. */
static const char *members(struct look *l, const char *p, char close)
{
	p = blank(l, p);
	if (p < l->end && *p == close)
		return p + 1;
	for (;;) {
		if (close == '}') {
			p = string(l, blank(l, p));
			if (!p)
				return NULL;
			p = blank(l, p);
			if (p >= l->end || *p != ':')
				return refuse(l, p);
			p++;
		}
		p = value(l, p);
		if (!p)
			return NULL;
		p = blank(l, p);
		if (p < l->end && *p == close)
			return p + 1;
		if (p >= l->end || *p != ',')
			return refuse(l, p);
		p = blank(l, p + 1);
	}
}

static const char *nested(struct look *l, const char *p, char close)
{
	if (++l->depth > JSON_MAX_DEPTH) {
		l->fault = JSON_FAULT_DEPTH;
		l->at = p;
		return NULL;
	}
	p = members(l, p, close);
	l->depth--;
	return p;
}

static const char *value(struct look *l, const char *p)
{
	p = blank(l, p);
	if (p >= l->end)
		return refuse(l, p);
	switch (*p) {
	case '{':
		return nested(l, p + 1, '}');
	case '[':
		return nested(l, p + 1, ']');
	case '"':
		return string(l, p);
	case 't':
		return word(l, p, "true");
	case 'f':
		return word(l, p, "false");
	case 'n':
		return word(l, p, "null");
	default:
		return number(l, p);
	}
}

enum json_fault json_fault_at(struct slice text, size_t *ret_at)
{
	struct look l = {.end = text.ptr + text.len};
	const char *p = value(&l, text.ptr);
	if (p && blank(&l, p) < l.end) {
		l.fault = JSON_FAULT_SYNTAX;
		l.at = blank(&l, p);
	}
	*ret_at = l.at ? (size_t)(l.at - text.ptr) : text.len;
	return l.fault;
}

enum json_fault json_fault(struct slice text)
{
	size_t at;
	return json_fault_at(text, &at);
}
