/* SPDX-License-Identifier: Apache-2.0 */
#include "record/time_memo.h"

#include "base/clock.h"
#include "record/nanos.h"

enum { LONGEST_TAIL = 7, MOST_PLACES = 9 };

static const uint32_t scale[] = {1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};

/* Up to nine digits behind the point as nanoseconds; there are more than eight bytes before them. */
static inline bool fraction(const char *p, unsigned places, int64_t *ret)
{
	unsigned first = places == MOST_PLACES ? (unsigned)(p[0] - '0') : 0, others = places < 8 ? 64 - 8 * places : 0;
	uint64_t value, digits = load_u64(p + places - 8) >> others << others | (UINT64_C(0x3030303030303030) & ((UINT64_C(1) << others) - 1));
	if (first > 9 || !nanos_eight(digits, &value))
		return false;
	*ret = (int64_t)value * (places == MOST_PLACES ? 1 : scale[places]) + first * INT64_C(100000000);
	return true;
}

/* Seconds and fraction of a text that has the memo's form. */
static inline bool within_minute(const struct time_memo *m, const char *p, int64_t *ret_ns)
{
	unsigned tens = (unsigned)(p[TIME_MINUTE] - '0'), ones = (unsigned)(p[TIME_MINUTE + 1] - '0');
	int64_t ns = 0;
	if (tens > 5 || ones > 9 || (m->places && (p[TIME_SECOND] != m->point || !fraction(p + TIME_SECOND + 1, m->places, &ns))))
		return false;
	*ret_ns = (int64_t)(tens * 10 + ones) * NS_PER_S + ns;
	return true;
}

bool time_memo_again(const struct time_memos *memos, struct slice text, struct timestamp *ret)
{
	const struct time_memo *m = &memos->at[text.len % TIME_MEMOS];
	const char *p = text.ptr;
	int64_t ns;
	if (text.len != m->len || text.len == 0)
		return false;
	uint64_t differ = (load_u64(p) ^ m->head[0]) | (load_u64(p + 8) ^ m->head[1]) | ((load_u64(p + text.len - 8) & m->mask) ^ m->tail);
	if (differ || p[TIME_MINUTE - 1] != ':' || !within_minute(m, p, &ns))
		return false;
	*ret = (struct timestamp){.ns = m->minute_ns + ns, .zoned = m->zoned, .dated = true, .len = text.len};
	return true;
}

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
	if (places > MOST_PLACES || point != (places > 0) || tail > LONGEST_TAIL)
		return false;
	uint64_t mask = tail ? UINT64_MAX << (64 - 8 * tail) : 0;
	*ret = (struct time_memo){.head = {load_u64(p), load_u64(p + 8)}, .tail = load_u64(p + text.len - 8) & mask, .mask = mask, .len = (uint8_t)text.len, .places = (uint8_t)places, .point = point ? p[TIME_SECOND] : 0};
	return true;
}

void time_memo_learn(struct time_memos *memos, struct slice text, const struct timestamp *time)
{
	struct time_memo m;
	int64_t ns;
	if (text.len < TIME_SECOND || text.len > TIME_SECOND + 1 + MOST_PLACES + LONGEST_TAIL || !is_dated_minute(text.ptr) || !form_of(text, &m) || !within_minute(&m, text.ptr, &ns))
		return;
	m.minute_ns = time->ns - ns;
	m.zoned = time->zoned;
	if (m.minute_ns > 0 && time->ns < INT64_MAX / 2)
		memos->at[text.len % TIME_MEMOS] = m;
}
