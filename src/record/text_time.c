/* SPDX-License-Identifier: Apache-2.0 */
/* The time at the beginning of a line of text. */
#include "record/text_name.h"
#include "record/time_memo.h"

/* Whether a blank and what follows it can be no zone: those begin with a sign and a digit, or are capitals, and no level begins as one of them. */
static bool no_zone_follows(const char *blank)
{
	static const char levels[][2] = {"IN", "ER", "WA", "DE", "TR", "FA"};
	if (blank[1] == '+' || (blank[1] == '-' && is(blank[2], DIGIT)))
		return false;
	if ((unsigned)(blank[1] - 'A') > 25)
		return true;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (blank[1] == levels[i][0] && blank[2] == levels[i][1])
			return true;
	return false;
}

/* timestamp_scan, from memory if it can be: a time that fills the text up to a blank. */
bool text_time_scan(struct slice text, struct time_memos *times, struct timestamp *ret)
{
	enum { LONGEST = 36 };
	size_t blank = TIME_SECOND;
	if (!times || text.len < LONGEST + 3 || text.ptr[4] != '-')
		return timestamp_scan(text, ret);
	while (blank < LONGEST && text.ptr[blank] != ' ')
		blank++;
	struct slice alone = slice_of(text.ptr, blank);
	if (time_memo_again(times, alone, ret) && text.ptr[blank] == ' ' && (ret->zoned || no_zone_follows(text.ptr + blank)))
		return true;
	if (!timestamp_scan(text, ret))
		return false;
	if (ret->len == blank)
		time_memo_learn(times, alone, ret);
	return true;
}
