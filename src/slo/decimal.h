/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal fractions as people write them: 99.9 % is 0.999 and leaves 0.001, not 0.0009999999999999432. One thread, no state. */
#ifndef WINNOW_SLO_DECIMAL_H
#define WINNOW_SLO_DECIMAL_H

#include "base/buf.h"

/* mantissa / 10^scale; scale 0 to 17, no zero at the end unless the scale is 0. */
struct decimal {
	int64_t mantissa;
	int scale;
};

/* Reads digits with at most one point, at most 13 digits after leading zeros; no sign, no exponent. */
bool decimal_parse(struct slice text, struct decimal *ret);
/* value / 10^places, places at most 4. */
struct decimal decimal_divide_10(struct decimal value, int places);
/* 1 - value, for a value from 0 to 1. */
struct decimal decimal_complement(struct decimal value);
/* The product; the caller keeps the sum of scales at most 17. */
struct decimal decimal_mul(struct decimal a, struct decimal b);
/* 10^scale: what mantissa is a part of. */
int64_t decimal_unit(struct decimal value);
double decimal_double(struct decimal value);
void decimal_print(struct buf *out, struct decimal value);

#endif
