/* SPDX-License-Identifier: Apache-2.0 */
/* Whether text may be logfmt, at a glance: nearly all text is not. Private to the room. */
#ifndef WINNOW_RECORD_LOGFMT_H
#define WINNOW_RECORD_LOGFMT_H

#include "base/slice.h"
#include "record/text_block.h"

/* Whether a blank comes before any '=', by the first sixteen bytes: then the first word is no pair. */
static inline bool logfmt_word_first(struct slice text)
{
	if (text.len < BLOCK)
		return false;
	block c = block_load(text.ptr);
	unsigned signs = block_bits(block_is(c, '=')), blanks = block_bits(block_is(c, ' '));
	return blanks && (signs & (blanks ^ (blanks - 1))) == 0;
}

/* False: the text is no logfmt, its first word is no pair. */
static inline bool logfmt_may_begin(struct slice text)
{
	if (text.len == 0 || ((unsigned)((text.ptr[0] | 32) - 'a') > 25 && text.ptr[0] != '_' && text.ptr[0] != '@'))
		return false;
	return !logfmt_word_first(text);
}

#endif
