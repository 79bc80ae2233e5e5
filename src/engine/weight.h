/* SPDX-License-Identifier: Apache-2.0 */
/* How many spans one stands for that was sampled at its source. Private to the engine room. */
#ifndef WINNOW_ENGINE_WEIGHT_H
#define WINNOW_ENGINE_WEIGHT_H

#include "record/record.h"

/* Who says so; the label value is weight_source_name(). */
enum weight_source { WEIGHT_ONE, WEIGHT_TRACESTATE, WEIGHT_ATTRIBUTE, WEIGHT_UNUSABLE, WEIGHT_SOURCES };
const char *weight_source_name(enum weight_source source);

/* Fixed point: WEIGHT_UNIT is 1. */
#define WEIGHT_UNIT (UINT64_C(1) << 32)
enum { WEIGHT_MAX = 1 << 20 };

/* 1/p in fixed point, from the threshold in the span's tracestate (ot=th:..), else from its attribute sampling.probability. What is no probability, or stands for
 * more than WEIGHT_MAX spans, is WEIGHT_UNUSABLE and weighs 1. */
uint64_t weight_told(const struct record *span, enum weight_source *ret_source);
static inline uint64_t weight_of(const struct record *span, enum weight_source *ret_source)
{
	*ret_source = WEIGHT_ONE;
	return !span->plain && (span->trace_state.len || span->sampling != 0) ? weight_told(span, ret_source) : WEIGHT_UNIT;
}

/* The whole number that is counted: rounded up as often as its fraction says, by a hash of what is counted, so that everyone rounds alike. */
static inline uint32_t weight_round(uint64_t weight, uint64_t hash)
{
	return (uint32_t)(weight >> 32) + ((uint32_t)hash < (uint32_t)weight);
}

#endif
