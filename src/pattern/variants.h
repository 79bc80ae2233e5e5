/* SPDX-License-Identifier: Apache-2.0 */
/* Templates that differ in words, and which of these words they show to be values. Borrows the templates. Any thread, no shared state. */
#ifndef WINNOW_PATTERN_VARIANTS_H
#define WINNOW_PATTERN_VARIANTS_H

#include <stddef.h>
#include <stdint.h>

#include "pattern/template.h"

enum { VARIANTS_MAX = 64 };

/* Templates of one skeleton beside a new one; len is 0 at first. */
struct variants {
	const struct template *templates[VARIANTS_MAX];
	uint64_t masks[VARIANTS_MAX]; /* the words in which each differs from the new one */
	size_t len;
};

/* Adds a template of the skeleton of `fresh`, if it differs in no more words than a statement's variants may. */
void variants_add(struct variants *v, const struct template *fresh, const struct template *other);

/* The smallest set of words of `fresh` that has shown too many variants to be constant, as a mask; 0 if none has. */
uint64_t variants_learned(const struct variants *v, const struct template *fresh);

/* The words of an alias that its survivor shows as values: the places that the survivor has learned. Where a learned place touches a value, the survivor's
 * text shows both as one. 0 if the two do not fit. */
uint64_t variants_told(const struct template *alias, const struct template *survivor);

#endif
