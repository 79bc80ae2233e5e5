/* SPDX-License-Identifier: Apache-2.0 */
#include "record/trace_id.h"

enum { TRACE_DIGITS = 32, SPAN_DIGITS = 16 };

static const struct slice none = {NULL, 0};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whether s, 16 or 32 bytes, is lower-case hex already and not all zeros. */
static bool is_clean(struct slice s)
{
	bool zero, more = true;
	if (!trace_id_is_hex(s.ptr, &zero))
		return false;
	return s.len == SPAN_DIGITS ? !zero : trace_id_is_hex(s.ptr + SPAN_DIGITS, &more) && !(zero && more);
}

/* Sixteen digits at a time, in capitals too, as lower-case ones; false if there is anything else. */
static bool fold_sixteen(const char *from, char *to)
{
	typedef unsigned char v16 __attribute__((vector_size(16)));
	uint64_t good[2];
	v16 c, low;
	memcpy(&c, from, sizeof(c));
	low = c | 0x20;
	v16 ok = ((v16)((low - '0') <= 9) | (v16)((low - 'a') <= 5)) & (v16)(c >= '0');
	memcpy(good, &ok, sizeof(good));
	memcpy(to, &low, sizeof(low));
	return (good[0] & good[1]) == UINT64_MAX;
}

static bool is_zero(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != '0')
			return false;
	return true;
}

/* The hex digits of s without dashes, lower-cased; their number, or 0 if s holds anything else or more than max. */
static size_t fold_hex(struct slice s, char *out, size_t max)
{
	size_t n = 0;
	bool whole = s.len <= max && (s.len == SPAN_DIGITS || s.len == TRACE_DIGITS);
	if (whole && fold_sixteen(s.ptr, out) && fold_sixteen(s.ptr + s.len - SPAN_DIGITS, out + s.len - SPAN_DIGITS))
		return s.len;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '-')
			continue;
		int digit = hex_digit(s.ptr[i]);
		if (digit < 0 || n == max)
			return 0;
		out[n++] = "0123456789abcdef"[digit];
	}
	return n;
}

static struct slice keep(const char *digits, size_t n, struct arena *a)
{
	struct slice s = slice_of(digits, n);
	return is_zero(s) ? none : arena_copy(a, s);
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* base64 of exactly `bytes` bytes, padding optional, as hex. */
static bool unbase64(struct slice s, size_t bytes, char *out)
{
	uint32_t bits = 0;
	unsigned held = 0;
	size_t n = 0;
	while (s.len > 0 && s.ptr[s.len - 1] == '=')
		s.len--;
	if (s.len != (bytes * 8 + 5) / 6)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int digit = base64_digit(s.ptr[i]);
		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		held += 6;
		if (held >= 8 && n < bytes) {
			held -= 8;
			uint32_t byte = bits >> held & 0xFF;
			out[2 * n] = "0123456789abcdef"[byte >> 4];
			out[2 * n + 1] = "0123456789abcdef"[byte & 15];
			n++;
		}
	}
	return n == bytes;
}

static struct slice of_decimal(struct slice s, struct arena *a)
{
	uint64_t number;
	char digits[SPAN_DIGITS];
	if (!slice_to_u64(s, &number))
		return none;
	for (size_t i = SPAN_DIGITS; i-- > 0; number >>= 4)
		digits[i] = "0123456789abcdef"[number & 15];
	return keep(digits, SPAN_DIGITS, a);
}

static bool all_decimal(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned)(s.ptr[i] - '0') > 9)
			return false;
	return s.len > 0;
}

/* "0x6e0c..", as OpenTelemetry prints ids on a console. */
static struct slice without_0x(struct slice text, size_t digits)
{
	return text.len == digits + 2 && text.ptr[0] == '0' && text.ptr[1] == 'x' ? slice_sub(text, 2, digits) : text;
}

struct slice span_id_of_other(struct slice text, struct arena *a)
{
	char digits[TRACE_DIGITS];
	text = without_0x(text, SPAN_DIGITS);
	if (text.len == SPAN_DIGITS && is_clean(text))
		return text;
	size_t n = text.len >= SPAN_DIGITS ? fold_hex(text, digits, SPAN_DIGITS) : 0;
	if (n == SPAN_DIGITS)
		return keep(digits, n, a);
	if (unbase64(text, 8, digits))
		return keep(digits, SPAN_DIGITS, a);
	return all_decimal(text) ? of_decimal(text, a) : none;
}

/* "1-67891233-abcdef012345678912345678", also as "Root=1-...;Parent=...", which a load balancer puts behind a "Self=1-...;". */
static struct slice xray(struct slice text)
{
	size_t root = slice_search(text, SLICE("Root="));
	if (root < text.len)
		text = slice_sub(text, root + 5, slice_find(text, ';', root) - root - 5);
	return text.len == 35 && text.ptr[0] == '1' && text.ptr[1] == '-' && text.ptr[10] == '-' ? slice_sub(text, 2, 33) : text;
}

static bool is_traceparent(struct slice text)
{
	return text.len >= 55 && text.ptr[2] == '-' && text.ptr[35] == '-' && text.ptr[52] == '-';
}

/* B3's single header: trace-span, trace-span-sampled, trace-span-sampled-parent. */
static bool is_b3(struct slice text)
{
	size_t dash = slice_find(text, '-', 0);
	return (dash == TRACE_DIGITS || dash == SPAN_DIGITS) && text.len >= dash + 1 + SPAN_DIGITS && (text.len == dash + 1 + SPAN_DIGITS || text.ptr[dash + 1 + SPAN_DIGITS] == '-');
}

static struct slice without_b3_span(struct slice text, struct arena *a, struct slice *ret_span)
{
	if (!is_b3(text))
		return text;
	size_t dash = slice_find(text, '-', 0);
	if (ret_span && ret_span->len == 0)
		*ret_span = span_id_of(slice_sub(text, dash + 1, SPAN_DIGITS), a);
	return slice_sub(text, 0, dash);
}

/* Jaeger's trace:span:parent:flags, X-Ray's trace@span as its SDK for Java puts it into logs, Google's trace/span;o=1 with the span in decimal, X-Ray's Root=..;Parent=span: what is left for the trace. */
static struct slice without_other_span(struct slice text, struct arena *a, struct slice *ret_span)
{
	size_t at = text.len > TRACE_DIGITS && text.ptr[TRACE_DIGITS] == '/' ? TRACE_DIGITS : slice_find(text, ':', 0), parent = slice_search(text, SLICE(";Parent="));
	bool header = at == TRACE_DIGITS || (at == SPAN_DIGITS && text.len > SPAN_DIGITS);
	struct slice span = {NULL, 0};
	if (parent < text.len) {
		span = slice_sub(text, parent + 8, slice_find(text, ';', parent + 1) - parent - 8);
	} else if (text.len > 36 && text.ptr[35] == '@' && text.ptr[1] == '-') {
		span = slice_sub(text, 36, text.len);
		text = slice_sub(text, 0, 35);
	} else if (header && at < text.len) {
		char ends = text.ptr[at] == '/' ? ';' : ':';
		span = slice_sub(text, at + 1, slice_find(text, ends, at + 1) - at - 1);
		text = slice_sub(text, 0, at);
	}
	if (span.len && ret_span && ret_span->len == 0)
		*ret_span = span_id_of(span, a);
	return text;
}

/* The id alone, whatever it is spelled in. */
static struct slice of_digits(struct slice text, struct arena *a)
{
	char digits[TRACE_DIGITS];
	size_t n = text.len >= SPAN_DIGITS ? fold_hex(text, digits, TRACE_DIGITS) : 0;
	if (n == TRACE_DIGITS || n == SPAN_DIGITS)
		return keep(digits, n, a);
	if (unbase64(text, 16, digits))
		return keep(digits, TRACE_DIGITS, a);
	if (unbase64(text, 8, digits))
		return keep(digits, SPAN_DIGITS, a);
	return all_decimal(text) ? of_decimal(text, a) : none;
}

/* SkyWalking's sw8, "1-trace-segment-3-..." with the first two in base64, where the trace is a UUID; the other kind, which counts behind a process's UUID, has no place in 32 digits. */
static struct slice sw8(struct slice text, struct arena *a)
{
	enum { LONGEST = 120 };
	char plain[LONGEST];
	size_t first = slice_find(text, '-', 0), second = slice_find(text, '-', first + 1), n = 0;
	struct slice id = slice_sub(text, first + 1, second - first - 1);
	if (first != 1 || second >= text.len || (text.ptr[0] | 1) != '1' || id.len > LONGEST || id.len < 16 || slice_find(text, '-', second + 1) >= text.len)
		return none;
	uint32_t bits = 0;
	unsigned held = 0;
	for (size_t i = 0; i < id.len && id.ptr[i] != '='; i++) {
		int digit = base64_digit(id.ptr[i]);
		if (digit < 0)
			return none;
		bits = bits << 6 | (uint32_t)digit;
		held += 6;
		if (held >= 8) {
			held -= 8;
			plain[n] = (char)(bits >> held & 0xFF);
			if (plain[n] <= ' ' || plain[n] > '~')
				return none;
			n++;
		}
	}
	char digits[TRACE_DIGITS];
	size_t hex = fold_hex(slice_of(plain, n), digits, TRACE_DIGITS);
	return hex == TRACE_DIGITS ? keep(digits, hex, a) : none;
}

/* What may be the id of Google's "projects/p/traces/id"; empty if it is something else. */
static struct slice of_project(struct slice text)
{
	static const struct slice traces = {"/traces/", 8}, projects = {"projects/", 9};
	bool is = text.len > projects.len + traces.len + TRACE_DIGITS && memcmp(text.ptr + text.len - TRACE_DIGITS - traces.len, traces.ptr, traces.len) == 0 && slice_starts(text, projects);
	return is ? slice_sub(text, text.len - TRACE_DIGITS, TRACE_DIGITS) : none;
}

struct slice trace_id_of(struct slice text, struct arena *a, struct slice *ret_span)
{
	if (text.len == TRACE_DIGITS && is_clean(text))
		return text;
	struct slice end = of_project(text);
	if (end.len && is_clean(end))
		return end;
	text = without_0x(text, TRACE_DIGITS);
	if (is_traceparent(text)) {
		if (ret_span && ret_span->len == 0)
			*ret_span = span_id_of(slice_sub(text, 36, SPAN_DIGITS), a);
		text = slice_sub(text, 3, TRACE_DIGITS);
		if (is_clean(text))
			return text;
	}
	if (text.len > 36 && text.ptr[1] == '-') {
		struct slice id = sw8(text, a);
		if (id.len)
			return id;
	}
	text = without_other_span(without_b3_span(text, a, ret_span), a, ret_span);
	if (slice_starts(text, SLICE("projects/"))) {
		size_t at = slice_search(text, SLICE("/traces/"));
		text = slice_sub(text, at + 8, text.len);
		if (text.len == TRACE_DIGITS && is_clean(text))
			return text;
	}
	return of_digits(xray(text), a);
}

struct slice trace_id_of_bytes(struct slice bytes, struct arena *a)
{
	if (bytes.len == 16)
		return trace_id_of_16(bytes.ptr, arena_alloc(a, TRACE_DIGITS));
	return bytes.len == 8 ? span_id_of_8(bytes.ptr, arena_alloc(a, SPAN_DIGITS)) : none;
}

struct slice span_id_of_bytes(struct slice bytes, struct arena *a)
{
	return bytes.len == 8 ? trace_id_of_bytes(bytes, a) : none;
}
