/* SPDX-License-Identifier: Apache-2.0 */
#include "slo/decimal.h"

enum { MAX_DIGITS = 13 };

static struct decimal trim(struct decimal v)
{
	for (; v.scale > 0 && v.mantissa % 10 == 0; v.scale--)
		v.mantissa /= 10;
	return v;
}

bool decimal_parse(struct slice text, struct decimal *ret)
{
	struct decimal v = {0};
	bool point = false;
	int digits = 0, seen = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '.' && !point) {
			point = true;
			continue;
		}
		if (c < '0' || c > '9')
			return false;
		seen++;
		digits += v.mantissa > 0 || c != '0';
		if (digits > MAX_DIGITS || v.scale >= MAX_DIGITS)
			return false;
		v.mantissa = v.mantissa * 10 + (c - '0');
		v.scale += point;
	}
	if (seen == 0)
		return false;
	*ret = trim(v);
	return true;
}

struct decimal decimal_divide_10(struct decimal value, int places)
{
	value.scale += places;
	return trim(value);
}

int64_t decimal_unit(struct decimal value)
{
	int64_t unit = 1;
	for (int i = 0; i < value.scale; i++)
		unit *= 10;
	return unit;
}

struct decimal decimal_complement(struct decimal value)
{
	value.mantissa = decimal_unit(value) - value.mantissa;
	return trim(value);
}

struct decimal decimal_mul(struct decimal a, struct decimal b)
{
	return trim((struct decimal){.mantissa = a.mantissa * b.mantissa, .scale = a.scale + b.scale});
}

double decimal_double(struct decimal value)
{
	return (double)value.mantissa / (double)decimal_unit(value);
}

void decimal_print(struct buf *out, struct decimal value)
{
	int64_t unit = decimal_unit(value);
	buf_add_i64(out, value.mantissa / unit);
	if (value.scale)
		buf_printf(out, ".%0*lld", value.scale, (long long)(value.mantissa % unit));
}
