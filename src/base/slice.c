/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"

#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

struct slice slice_trim_blanks(struct slice s)
{
	while (s.len > 0 && is_space(s.ptr[0]))
		s = slice_of(s.ptr + 1, s.len - 1);
	while (s.len > 0 && is_space(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

#ifdef __SSE2__
/* Bit i: the needle's first two bytes stand at p + i; its last at p + i + last. */
static inline unsigned candidates(const char *p, size_t last, __m128i first, __m128i second, __m128i end)
{
	__m128i a = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), first);
	__m128i b = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + 1)), second);
	__m128i c = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + last)), end);
	return (unsigned)_mm_movemask_epi8(_mm_and_si128(_mm_and_si128(a, b), c));
}

/* Sixteen places at a time, the last ones perhaps twice; false if there are not as many. */
static bool search_blocks(struct slice s, struct slice needle, size_t *ret)
{
	__m128i first = _mm_set1_epi8(needle.ptr[0]), second = _mm_set1_epi8(needle.ptr[1]), end = _mm_set1_epi8(needle.ptr[needle.len - 1]);
	if (s.len < needle.len + 15)
		return false;
	size_t last = s.len - needle.len - 15;
	for (size_t i = 0;; i = i + 16 < last ? i + 16 : last) {
		for (unsigned found = candidates(s.ptr + i, needle.len - 1, first, second, end); found; found &= found - 1) {
			*ret = i + (unsigned)__builtin_ctz(found);
			if (memcmp(s.ptr + *ret, needle.ptr, needle.len) == 0)
				return true;
		}
		if (i == last)
			break;
	}
	*ret = s.len;
	return true;
}
#else
static bool search_blocks(struct slice s, struct slice needle, size_t *ret)
{
	(void)s;
	(void)needle;
	(void)ret;
	return false;
}
#endif

size_t slice_search(struct slice s, struct slice needle)
{
	size_t at;
	if (needle.len == 0 || needle.len > s.len)
		return needle.len ? s.len : 0;
	if (needle.len >= 2 && search_blocks(s, needle, &at))
		return at;
	for (size_t i = 0; i + needle.len <= s.len; i++) {
		const char *next = memchr(s.ptr + i, needle.ptr[0], s.len - needle.len + 1 - i);
		if (!next)
			break;
		if (memcmp(next, needle.ptr, needle.len) == 0)
			return (size_t)(next - s.ptr);
		i = (size_t)(next - s.ptr);
	}
	return s.len;
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

/* Digits with at most one point among them, few enough that both sides of one division are exact. */
static bool short_decimal(struct slice s, double *ret_value)
{
	static const double tens[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	uint64_t value = 0;
	size_t point = s.len;
	if (s.len == 0 || s.len > 16)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned)(s.ptr[i] - '0');
		if (digit <= 9)
			value = value * 10 + digit;
		else if (s.ptr[i] == '.' && point == s.len)
			point = i;
		else
			return false;
	}
	if (point == s.len ? s.len > 15 : s.len < 2)
		return false;
	*ret_value = (double)value / tens[point == s.len ? 0 : s.len - 1 - point];
	return true;
}

bool slice_to_double(struct slice s, double *ret_value)
{
	char text[64], *end;
	if (short_decimal(s, ret_value))
		return true;
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
