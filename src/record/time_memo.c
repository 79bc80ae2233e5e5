/* SPDX-License-Identifier: Apache-2.0 */
#include "record/time_memo.h"

enum { LONGEST_TAIL = 7 };

static bool is_dated_minute(const char *p)
{
	static const char form[] = "0000-00-00 00:00:";
	for (size_t i = 0; i < TIME_MINUTE; i++)
		if (form[i] == '0' ? (unsigned)(p[i] - '0') > 9 : form[i] == ' ' ? p[i] != 'T' && p[i] != ' ' : p[i] != form[i])
			return false;
	return true;
}

/* The form of a text whose date and time are whole seconds; false if it is none that a memo can have. */
static bool form_of(struct slice text, struct time_memo *ret)
{
	const char *p = text.ptr;
	size_t places = 0, from = TIME_SECOND + 1;
	bool point = text.len > from && (p[TIME_SECOND] == '.' || p[TIME_SECOND] == ',');
	while (point && from + places < text.len && (unsigned)(p[from + places] - '0') <= 9)
		places++;
	size_t tail = text.len - (point ? from + places : TIME_SECOND);
	if (places > TIME_PLACES || point != (places > 0) || tail > LONGEST_TAIL)
		return false;
	uint64_t mask = tail ? UINT64_MAX << (64 - 8 * tail) : 0;
	*ret = (struct time_memo){.head = {load_u64(p), load_u64(p + 8)}, .tail = load_u64(p + text.len - 8) & mask, .mask = mask, .len = (uint8_t)text.len, .places = (uint8_t)places, .point = point ? p[TIME_SECOND] : 0};
	return true;
}

void time_memo_learn(struct time_memos *memos, struct slice text, const struct timestamp *time)
{
	struct time_memo m;
	int64_t ns;
	if (time->ns <= 0 || time->ns >= INT64_MAX / 2 || text.len < TIME_SECOND || text.len > TIME_SECOND + 1 + TIME_PLACES + LONGEST_TAIL || !is_dated_minute(text.ptr) || !form_of(text, &m) || !time_memo_seconds(&m, text.ptr, &ns))
		return;
	m.minute_ns = time->ns - ns;
	m.zoned = time->zoned;
	if (m.minute_ns > 0)
		memos->at[text.len % TIME_MEMOS] = m;
}
