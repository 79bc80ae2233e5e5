/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times in words, as languages print them when nobody asks for a format.
 *
 * Idea: split at blanks and commas, tell each piece by its look whatever its place, and write what was found as RFC 3339, which timestamp.c reads. Cold: nearly every
 * time is read before this is asked.
 *
 *     Go       2026-03-04 09:15:02.481 +0100 CET m=+0.012      Wed, 04 Mar 2026 09:15:02 GMT      Wednesday, 04-Mar-26 09:15:02 UTC      04 Mar 26 09:15 UTC
 *     C, Ruby  Wed Mar  4 09:15:02 2026      Wed Mar  4 09:15:02 UTC 2026      Wed Mar 04 09:15:02 +0000 2026
 *     Java     Mar 4, 2026 9:15:02 AM      Mar 4, 2026, 9:15:02 PM      2026-03-04T10:15:02.481+01:00[Europe/Berlin]
 *     ISO      20260304T091502.481Z      20260304091502
 *     .NET     3/4/2026 9:15:02 AM (month first, told by AM or PM)      /Date(1772615702481)/
 *     others   04.03.2026 09:15:02      Mar  4 09:15:02 (no year)
 */
#include "record/timestamp.h"

#include <stdio.h>

enum { LONGEST = 80, UNKNOWN = -1 };

struct words {
	int year, month, day, hour, minute, second; /* UNKNOWN: not found */
	struct slice fraction; /* with its point or comma */
	struct slice zone;
	bool numeric_zone, half, afternoon, slashes;
};

static bool is_digit(char c)
{
	return (unsigned)(c - '0') <= 9;
}

static bool is_letter(char c)
{
	return (unsigned)((c | 32) - 'a') <= 25;
}

static size_t digits(struct slice s)
{
	size_t n = 0;
	while (n < s.len && is_digit(s.ptr[n]))
		n++;
	return n;
}

/* Up to max digits off the front; UNKNOWN if there are none or more. */
static int number(struct slice *s, size_t max)
{
	size_t n = digits(*s);
	int64_t value;
	if (n == 0 || n > max || !slice_to_i64(slice_sub(*s, 0, n), &value))
		return UNKNOWN;
	*s = slice_sub(*s, n, s->len);
	return (int)value;
}

static bool sign(struct slice *s, char what)
{
	bool is = s->len && s->ptr[0] == what;
	*s = slice_sub(*s, is, s->len);
	return is;
}

/* Which of the names, three letters each, the word is or begins with; UNKNOWN: none. */
static int name_in(struct slice word, const char *names)
{
	if (word.len < 3)
		return UNKNOWN;
	for (int i = 0; names[i * 3]; i++)
		if (((word.ptr[0] ^ names[i * 3]) | 32) == 32 && (word.ptr[1] | 32) == names[i * 3 + 1] && (word.ptr[2] | 32) == names[i * 3 + 2])
			return i;
	return UNKNOWN;
}

static bool take_half(struct words *w, struct slice word)
{
	char first = (char)(word.ptr[0] | 32);
	w->half = word.len == 2 && (word.ptr[1] | 32) == 'm' && (first == 'a' || first == 'p');
	w->afternoon = first == 'p';
	return w->half;
}

/* "CET", also behind what it means in numbers. */
static bool take_zone(struct words *w, struct slice word)
{
	for (size_t i = 0; i < word.len; i++)
		if ((word.ptr[i] & 32) || !is_letter(word.ptr[i]))
			return false;
	if (word.len > 5 || w->hour == UNKNOWN || (w->zone.len && !w->numeric_zone))
		return false;
	if (!w->zone.len)
		w->zone = word;
	return true;
}

static bool take_name(struct words *w, struct slice word)
{
	int month = name_in(word, "JanFebMarAprMayJunJulAugSepOctNovDec");
	if (!w->half && take_half(w, word))
		return true;
	if (month != UNKNOWN && w->month == UNKNOWN) {
		w->month = month + 1;
		return true;
	}
	if (name_in(word, "MonTueWedThuFriSatSun") != UNKNOWN && w->hour == UNKNOWN)
		return true;
	return take_zone(w, word);
}

/* 9:15, 09:15:02, 09:15:02.481 */
static bool take_clock(struct words *w, struct slice word)
{
	int hour = number(&word, 2);
	if (w->hour != UNKNOWN || hour == UNKNOWN || !sign(&word, ':') || (w->minute = number(&word, 2)) == UNKNOWN)
		return false;
	w->hour = hour;
	w->second = 0;
	if (sign(&word, ':') && (w->second = number(&word, 2)) == UNKNOWN)
		return false;
	w->fraction = word;
	return word.len == 0 || ((word.ptr[0] == '.' || word.ptr[0] == ',') && digits(slice_sub(word, 1, word.len)) == word.len - 1);
}

static int full_year(int year)
{
	return year == UNKNOWN || year > 99 ? year : year + (year < 69 ? 2000 : 1900);
}

/* 2026-03-04, 2026/03/04, 04.03.2026, 3/4/2026, 04-Mar-26 */
static bool take_date(struct words *w, struct slice word)
{
	size_t first = digits(word);
	int a = number(&word, 4), b;
	char separator = word.len ? word.ptr[0] : 0;
	if (w->year != UNKNOWN || !strchr("-/.", separator) || !sign(&word, separator))
		return false;
	if (separator == '-' && word.len > 4 && is_letter(word.ptr[0])) {
		b = name_in(slice_sub(word, 0, 3), "JanFebMarAprMayJunJulAugSepOctNovDec") + 1;
		word = slice_sub(word, 3, word.len);
	} else {
		b = number(&word, 2);
	}
	if (!sign(&word, separator))
		return false;
	int c = number(&word, 4);
	bool month_first = separator == '/' && first <= 2;
	w->slashes = month_first;
	w->year = first == 4 ? a : full_year(c);
	w->month = month_first ? a : b;
	w->day = first == 4 ? c : month_first ? b : a;
	return word.len == 0;
}

static bool take_number(struct words *w, struct slice word)
{
	int value = number(&word, 4);
	if (word.len || value == UNKNOWN)
		return false;
	if (value > 31 || w->day != UNKNOWN) {
		if (w->year != UNKNOWN || w->month == UNKNOWN)
			return false;
		w->year = full_year(value);
	} else {
		w->day = value;
	}
	return true;
}

/* "GMT+0100", "UTC+01:00" as JavaScript writes them; the name of the zone in brackets behind it says nothing new. */
static struct slice without_gmt(struct slice word)
{
	bool offset = word.len > 4 && (word.ptr[3] == '+' || word.ptr[3] == '-');
	return offset && (slice_starts(word, SLICE("GMT")) || slice_starts(word, SLICE("UTC"))) ? slice_sub(word, 3, word.len) : word;
}

static bool take_word(struct words *w, struct slice word)
{
	word = without_gmt(word);
	size_t n = digits(word);
	char next = n < word.len ? word.ptr[n] : 0;
	if (is_letter(word.ptr[0]))
		return slice_starts(word, SLICE("m=")) || take_name(w, word);
	if (word.ptr[0] == '+' || word.ptr[0] == '-') {
		w->zone = w->numeric_zone ? w->zone : word;
		w->numeric_zone = true;
		return w->hour != UNKNOWN;
	}
	return n && (next == ':' ? take_clock(w, word) : next ? take_date(w, word) : take_number(w, word));
}

/* Where the word that begins there ends: at a blank, or at a comma that is none of a fraction. */
static size_t word_end(struct slice text, size_t i)
{
	while (i < text.len && text.ptr[i] != ' ' && !(text.ptr[i] == ',' && (i + 1 == text.len || text.ptr[i + 1] == ' ')))
		i++;
	return i;
}

static bool split(struct slice text, struct words *w)
{
	size_t i = 0, named = slice_search(text, SLICE(" ("));
	if (named < text.len && text.ptr[text.len - 1] == ')')
		text = slice_sub(text, 0, named);
	while (i < text.len) {
		size_t from = i;
		i = word_end(text, from);
		if (i > from && !take_word(w, slice_sub(text, from, i - from)))
			return false;
		i++;
	}
	if (w->half)
		w->hour = w->hour > 12 ? 99 : w->hour % 12 + (w->afternoon ? 12 : 0);
	return w->hour != UNKNOWN && w->month != UNKNOWN && w->day != UNKNOWN && (!w->slashes || w->half);
}

static bool read_words(struct slice text, struct timestamp *ret)
{
	struct words w = {.year = UNKNOWN, .month = UNKNOWN, .day = UNKNOWN, .hour = UNKNOWN, .minute = UNKNOWN, .second = UNKNOWN};
	char plain[128];
	if (!split(text, &w))
		return false;
	int len = snprintf(plain, sizeof(plain), "%04d-%02d-%02dT%02d:%02d:%02d%.*s%s%.*s", w.year == UNKNOWN ? 2000 : w.year, w.month, w.day, w.hour, w.minute, w.second, (int)w.fraction.len,
		w.fraction.len ? w.fraction.ptr : "", w.zone.len ? " " : "", (int)w.zone.len, w.zone.len ? w.zone.ptr : "");
	if (!timestamp_scan(slice_of(plain, (size_t)len), ret) || ret->len != (size_t)len)
		return false;
	ret->yearless = w.year == UNKNOWN;
	return true;
}

/* 20260304T091502, with a fraction and a zone; 20260304091502. */
static bool read_basic(struct slice text, struct timestamp *ret)
{
	char plain[LONGEST + 8];
	bool whole = text.len == 14 && digits(text) == 14, parted = text.len >= 15 && text.ptr[8] == 'T' && digits(text) == 8 && digits(slice_sub(text, 9, text.len)) == 6;
	if (!whole && !parted)
		return false;
	const char *p = text.ptr, *clock = p + 8 + parted;
	int len = snprintf(plain, sizeof(plain), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s%.*s", p, p + 4, p + 6, clock, clock + 2, clock + 4, (int)(text.len - (size_t)(clock + 6 - p)), clock + 6);
	return timestamp_scan(slice_of(plain, (size_t)len), ret) && ret->len == (size_t)len;
}

bool timestamp_parse_words(struct slice text, struct timestamp *ret)
{
	size_t bracket = slice_find(text, '[', 0);
	if (text.len < 8 || text.len > LONGEST)
		return false;
	if (slice_starts(text, SLICE("/Date(")) && slice_ends(text, SLICE(")/")))
		return timestamp_parse(slice_sub(text, 6, text.len - 8), ret);
	if (text.ptr[text.len - 1] == ']' && bracket < text.len)
		return timestamp_scan(slice_sub(text, 0, bracket), ret) && ret->zoned && ret->len == bracket;
	if (!read_basic(text, ret) && !read_words(text, ret))
		return false;
	ret->len = text.len;
	return true;
}
