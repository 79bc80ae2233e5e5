/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of JSON, eight digits at a time.
 *
 * Idea: the digits of eight bytes become a number by three multiplications, and where they end is told by one addition. A decimal is its digits
 * without the point, divided by a power of ten: exact where both fit a double (Clinger, "How to Read Floating Point Numbers Accurately", 1990), else done
 * with the 64 bits of a long double, unless those leave it open which way to round; then it is not plain.
 */
#include "record/json_number.h"

enum { MOST_DIGITS = 19 };

/* Up to eight digits at p; how many. */
static inline unsigned eight_digits(const char *p, uint64_t *ret_value)
{
	uint64_t word = load_u64(p) ^ json_ones * '0', others = json_no_digits(word);
	unsigned n = others ? (unsigned)__builtin_ctzll(others) / 8 : 8;
	if (n == 0)
		return 0;
	*ret_value = json_eight_of(word << (64 - 8 * n));
	return n;
}

/* Appends the digits at p to *value; how many there are. More than MOST_DIGITS may have lost some. */
static inline size_t digits(const char *p, uint64_t *value)
{
	static const uint32_t scale[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
	size_t len = 0;
	uint64_t more;
	for (unsigned n = 8; n == 8 && len <= MOST_DIGITS; len += n) {
		n = eight_digits(p + len, &more);
		if (n)
			*value = *value * scale[n] + more;
	}
	return len;
}

/* all / 10^places, correctly rounded; false if that is not sure. */
static bool decimal(uint64_t all, size_t places, double *ret)
{
	static const double scale[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};
	if (all >> 53 == 0) {
		*ret = (double)all / scale[places];
		return true;
	}
	long double near = (long double)all / (long double)scale[places], step = near / (long double)(UINT64_C(1) << 62);
	*ret = (double)near;
	double below = (double)(near - step), above = (double)(near + step);
	return memcmp(&below, &above, sizeof(below)) == 0;
}

/* "184.2239": up to eight characters with a point among the digits, which is taken out of their word. NULL: it is something else. */
static inline const char *read_short(const char *p, double *ret)
{
	static const double scale[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
	uint64_t word = load_u64(p) ^ json_ones * '0', differ = word ^ json_ones * ('.' ^ '0'), found = (differ - json_ones) & ~differ & json_tops;
	uint64_t point = found & (0 - found), others = json_no_digits(word) & ~point; /* the lowest found is surely a point */
	unsigned len = others ? (unsigned)__builtin_ctzll(others) / 8 : 8, at = point ? (unsigned)__builtin_ctzll(point) - 7 : 64; /* a point's place in bits */
	if (at == 0 || at / 8 + 1 >= len || (*p == '0' && at != 8) || (len == 8 && (unsigned)(p[8] - '0') <= 9))
		return NULL;
	word <<= 64 - 8 * len;
	at += 64 - 8 * len;
	uint64_t below = (UINT64_C(1) << at) - 1;
	word = (word & below) << 8 | (word & ~below & ~(UINT64_C(0xFF) << at));
	*ret = (double)json_eight_of(word) / scale[(56 - at) / 8];
	return p + len;
}

/* Digits, and perhaps more of them behind a point. */
static const char *read_digits(const char *p, bool negative, char *ret_type, union json_number *ret)
{
	uint64_t all = 0;
	size_t whole = digits(p, &all), places;
	if (whole == 0 || whole > MOST_DIGITS || (whole > 1 && *p == '0'))
		return NULL;
	p += whole;
	if (*p != '.') {
		*ret_type = 'l';
		ret->bits = negative ? 0 - all : all;
		return all > INT64_MAX ? NULL : p;
	}
	places = digits(p + 1, &all);
	if (places == 0 || whole + places > MOST_DIGITS || !decimal(all, places, &ret->real))
		return NULL;
	ret->real = negative ? -ret->real : ret->real;
	return p + 1 + places;
}

const char *json_number(const char *p, char *ret_type, union json_number *ret)
{
	*ret_type = 'd';
	const char *end = read_short(p, &ret->real);
	return end ? end : read_digits(p + (*p == '-'), *p == '-', ret_type, ret);
}
