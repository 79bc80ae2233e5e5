/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights of spans that a head sampler let through.
 *
 * Idea: a span that was kept with probability p stands for 1/p spans. Counters hold whole numbers (a sum of fractions would depend on the order of its terms, and
 * the same counts have to come out whoever reads, however often), so a weight of 2.5 counts 2 or 3: which of them, a hash of the span's ids says. The expectation is exact,
 * the same span always counts the same, and powers of two and other whole weights are not rounded at all (docs/decisions/0012-whole-weights.md).
 *
 * Source of p: OpenTelemetry's consistent probability sampling (specification, "TraceState: Probability Sampling"): tracestate has a member `ot=..;th:HEX;..`, HEX being the rejection
 * threshold T of 2^56, at most 14 digits with trailing zeros left out; p = (2^56 - T) / 2^56.
 */
#include "engine/weight.h"

#include <math.h>

enum { THRESHOLD_DIGITS = 14 };
#define WHOLE (UINT64_C(1) << 56)

const char *weight_source_name(enum weight_source source)
{
	static const char *const names[WEIGHT_SOURCES] = {"one", "tracestate", "attribute", "unusable"};
	return names[source];
}

/* The part of s up to the separator; s becomes what is behind it. */
static struct slice take(struct slice *s, char separator)
{
	size_t end = slice_find(*s, separator, 0);
	struct slice part = slice_sub(*s, 0, end);
	*s = end < s->len ? slice_sub(*s, end + 1, s->len) : slice_of(NULL, 0);
	return part;
}

/* The digits of the threshold; ptr NULL: tracestate has none. */
static struct slice threshold_of(struct slice state)
{
	while (state.len) {
		struct slice member = slice_trim(take(&state, ','));
		if (!slice_starts(member, SLICE("ot=")))
			continue;
		member = slice_sub(member, 3, member.len);
		while (member.len) {
			struct slice value = take(&member, ';');
			if (slice_starts(value, SLICE("th:")))
				return slice_sub(value, 3, value.len);
		}
	}
	return slice_of(NULL, 0);
}

/* 0: it is no threshold, or stands for too many. */
static uint64_t of_threshold(struct slice digits)
{
	uint64_t threshold = 0;
	if (digits.len == 0 || digits.len > THRESHOLD_DIGITS)
		return 0;
	for (size_t i = 0; i < THRESHOLD_DIGITS; i++) {
		char c = i < digits.len ? digits.ptr[i] : '0';
		bool decimal = c >= '0' && c <= '9';
		if (!decimal && (c < 'a' || c > 'f'))
			return 0;
		threshold = threshold << 4 | (uint64_t)(decimal ? c - '0' : c - 'a' + 10);
	}
	uint64_t kept = WHOLE - threshold;
	unsigned __int128 weight = (((unsigned __int128)WHOLE << 32) + kept / 2) / kept;
	return weight <= (unsigned __int128)WEIGHT_MAX << 32 ? (uint64_t)weight : 0;
}

static uint64_t of_probability(double p)
{
	return p > 0 && p <= 1 && 1 / p <= WEIGHT_MAX ? (uint64_t)llround((double)WEIGHT_UNIT / p) : 0;
}

uint64_t weight_told(const struct record *span, enum weight_source *ret_source)
{
	uint64_t weight;
	struct slice digits = threshold_of(span->trace_state);
	if (!digits.ptr && span->sampling == 0)
		return WEIGHT_UNIT;
	weight = digits.ptr ? of_threshold(digits) : of_probability(span->sampling);
	*ret_source = !weight ? WEIGHT_UNUSABLE : weight == WEIGHT_UNIT ? WEIGHT_ONE : digits.ptr ? WEIGHT_TRACESTATE : WEIGHT_ATTRIBUTE;
	return weight ? weight : WEIGHT_UNIT;
}
