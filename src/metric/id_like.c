/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WHAT LOOKS LIKE AN ID
 *
 * Idea: ids are made to be different, and that shows. A value is taken apart into runs of letters and digits, and one run that is an id makes the whole value one
 * ("load 5e0b1c9e-7d2a-4f33-9d0b-1a2b3c4d5e6f"). A run is an id if it is
 *
 *   a UUID                    five runs of 8, 4, 4, 4 and 12 hexadecimal digits, joined by dashes
 *   a number nobody reads     10 decimal digits or more; 16 hexadecimal digits or more, of them at least 3 of 0 to 9
 *   of high entropy           20 letters and digits or more that go back and forth between them 5 times (or between digits, small and capital letters at
 *                             every other place), and as many different ones as if it had 10 equally frequent symbols (n^2 / sum of squared frequencies: the inverse of the chance that two places
 *                             agree, the collision entropy without its logarithm)
 *
 * Words, versions, hosts, the names of pods, short hashes and addresses are none of these. One such value is no accident (a build's hash is a fine label):
 * who asks counts how many different ones a label has. Only integers, so that every instance that folds the same journal decides alike. */
#include "metric/id_like.h"

enum { NUMBER_MIN = 10, HEX_MIN = 16, HEX_DIGITS_MIN = 3, RANDOM_MIN = 20, EACH_MIN = 3, CHANGES_MIN = 5, MIXED_MIN = 2, SYMBOLS_MIN = 10, PERHAPS_MIN = 8 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static int class_of(char c)
{
	return is_digit(c) ? 0 : c >= 'a' ? 1 : 2;
}

struct run {
	size_t len, digits, letters, hex;
	size_t changes, mixes; /* between digits and letters; between digits, small and capital letters */
	uint32_t frequency[128];
};

static size_t measure(const char *s, size_t len, struct run *ret)
{
	size_t i = 0;
	*ret = (struct run){0};
	for (; i < len && (is_digit(s[i]) || is_letter(s[i])); i++) {
		ret->digits += is_digit(s[i]);
		ret->letters += is_letter(s[i]);
		ret->hex += is_hex(s[i]);
		ret->changes += i > 0 && is_digit(s[i]) != is_digit(s[i - 1]);
		ret->mixes += i > 0 && class_of(s[i]) != class_of(s[i - 1]);
		ret->frequency[(unsigned char)s[i]]++;
	}
	ret->len = i;
	return i;
}

/* As many symbols as if it had SYMBOLS_MIN of them, equally frequent. */
static bool is_varied(const struct run *r)
{
	uint64_t squares = 0;
	for (size_t i = 0; i < 128; i++)
		squares += (uint64_t)r->frequency[i] * r->frequency[i];
	return (uint64_t)r->len * r->len >= SYMBOLS_MIN * squares;
}

static bool is_id(const struct run *r)
{
	if (r->digits == r->len)
		return r->len >= NUMBER_MIN;
	if (r->hex == r->len && r->len >= HEX_MIN)
		return r->digits >= HEX_DIGITS_MIN;
	if (r->len < RANDOM_MIN || !is_varied(r))
		return false;
	return (r->digits >= EACH_MIN && r->letters >= EACH_MIN && r->changes >= CHANGES_MIN) || (r->digits >= MIXED_MIN && r->mixes * 2 >= r->len);
}

/* A UUID at the beginning of s; what comes before and behind it does not matter. */
static bool is_uuid(const char *s, size_t len)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	if (len < sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == '-' ? s[i] != '-' : !is_hex(s[i]))
			return false;
	return true;
}

bool id_like(struct slice value)
{
	for (size_t at = 0; at + NUMBER_MIN <= value.len;) {
		struct run run;
		size_t len = measure(value.ptr + at, value.len - at, &run);
		if (is_id(&run) || (run.len >= 8 && is_uuid(value.ptr + at + run.len - 8, value.len - at - run.len + 8)))
			return true;
		at += len + 1;
	}
	return false;
}

bool id_like_perhaps(struct slice value)
{
	size_t digits = 0;
	for (size_t i = 0; i < value.len; i++)
		digits += is_digit(value.ptr[i]);
	return value.len >= PERHAPS_MIN && digits * 3 >= value.len;
}
