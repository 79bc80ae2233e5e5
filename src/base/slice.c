/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"

#include <stdlib.h>

int slice_cmp(struct slice a, struct slice b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.ptr, b.ptr, common) : 0;
	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	return true;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct slice slice_trim(struct slice s)
{
	while (s.len > 0 && is_space(s.ptr[0]))
		s = slice_of(s.ptr + 1, s.len - 1);
	while (s.len > 0 && is_space(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

size_t slice_find(struct slice s, char c, size_t from)
{
	if (from >= s.len)
		return s.len;
	const char *at = memchr(s.ptr + from, c, s.len - from);
	return at ? (size_t)(at - s.ptr) : s.len;
}

size_t slice_search(struct slice s, struct slice needle)
{
	if (needle.len == 0)
		return 0;
	const char *at = memmem(s.ptr, s.len, needle.ptr, needle.len);
	return at ? (size_t)(at - s.ptr) : s.len;
}

/* Well-formed UTF-8, table 3-7 of the Unicode standard: by first byte the length and what the second byte may be; all others are 80..BF. */
static const struct utf8_form {
	unsigned char first, last, len, low, high;
} utf8_forms[] = {
	{0x00, 0x7F, 1, 0, 0},
	{0xC2, 0xDF, 2, 0x80, 0xBF},
	{0xE0, 0xE0, 3, 0xA0, 0xBF},
	{0xE1, 0xEC, 3, 0x80, 0xBF},
	{0xED, 0xED, 3, 0x80, 0x9F},
	{0xEE, 0xEF, 3, 0x80, 0xBF},
	{0xF0, 0xF0, 4, 0x90, 0xBF},
	{0xF1, 0xF3, 4, 0x80, 0xBF},
	{0xF4, 0xF4, 4, 0x80, 0x8F},
};

/* Length of the well-formed sequence at p (end excluded), or 0. */
static size_t utf8_len(const unsigned char *p, const unsigned char *end)
{
	size_t left = (size_t)(end - p), n = 0;
	for (size_t i = 0; i < sizeof(utf8_forms) / sizeof(*utf8_forms) && n == 0; i++)
		if (p[0] >= utf8_forms[i].first && p[0] <= utf8_forms[i].last) {
			n = utf8_forms[i].len;
			if (n > left || (n > 1 && (p[1] < utf8_forms[i].low || p[1] > utf8_forms[i].high)))
				return 0;
		}
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	return n;
}

size_t slice_utf8_prefix(struct slice s)
{
	if (s.len == 0)
		return 0; /* there may be no pointer to reckon with */
	const unsigned char *p = (const unsigned char *)s.ptr, *end = p + s.len;
	while (p < end) {
		uint64_t eight;
		if (end - p >= 8) {
			memcpy(&eight, p, 8);
			if (!(eight & UINT64_C(0x8080808080808080))) {
				p += 8;
				continue;
			}
		}
		size_t n = utf8_len(p, end);
		if (n == 0)
			break;
		p += n;
	}
	return (size_t)(p - (const unsigned char *)s.ptr);
}

bool slice_to_u64(struct slice s, uint64_t *ret_value)
{
	uint64_t value = 0;
	if (s.len == 0 || s.len > 20)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned)(s.ptr[i] - '0');
		if (digit > 9 || __builtin_mul_overflow(value, 10U, &value) || __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*ret_value = value;
	return true;
}

bool slice_to_i64(struct slice s, int64_t *ret_value)
{
	bool negative = s.len > 0 && s.ptr[0] == '-';
	uint64_t value;
	if (!slice_to_u64(slice_sub(s, negative, s.len), &value) || value > (uint64_t)INT64_MAX)
		return false;
	*ret_value = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

bool slice_to_double(struct slice s, double *ret_value)
{
	char text[64], *end;
	if (s.len == 0 || s.len >= sizeof(text) || is_space(s.ptr[0]))
		return false;
	memcpy(text, s.ptr, s.len);
	text[s.len] = 0;
	double value = strtod(text, &end);
	if (end != text + s.len)
		return false;
	*ret_value = value;
	return true;
}
