/* SPDX-License-Identifier: Apache-2.0 */
#include "record/level.h"

enum { LONGEST_WORD = 16 };

/* Lower case, by first letter; among those the frequent ones first, as the search is linear. */
static const struct {
	char word[LONGEST_WORD];
	enum severity severity;
	bool header; /* unmistakable at the head of a text line */
} words[] = {
	{"alert", SEVERITY_FATAL, true}, {"all", SEVERITY_TRACE, false}, {"audit", SEVERITY_INFO, false}, {"a", SEVERITY_FATAL, false},
	{"critical", SEVERITY_FATAL, true}, {"crit", SEVERITY_FATAL, true}, {"config", SEVERITY_DEBUG, false}, {"c", SEVERITY_FATAL, false},
	{"debug", SEVERITY_DEBUG, true}, {"dpanic", SEVERITY_FATAL, true}, {"dbg", SEVERITY_DEBUG, true}, {"debg", SEVERITY_DEBUG, true}, {"dbug", SEVERITY_DEBUG, true}, {"debu", SEVERITY_DEBUG, true}, {"default", SEVERITY_UNKNOWN, false}, {"d", SEVERITY_DEBUG, false},
	{"error", SEVERITY_ERROR, true}, {"err", SEVERITY_ERROR, true}, {"emergency", SEVERITY_FATAL, true}, {"emerg", SEVERITY_FATAL, true}, {"erro", SEVERITY_ERROR, true}, {"eror", SEVERITY_ERROR, true}, {"exception", SEVERITY_ERROR, false}, {"e", SEVERITY_ERROR, false},
	{"fatal", SEVERITY_FATAL, true}, {"ftl", SEVERITY_FATAL, true}, {"fatl", SEVERITY_FATAL, true}, {"fata", SEVERITY_FATAL, true}, {"finest", SEVERITY_TRACE, true}, {"finer", SEVERITY_DEBUG, true}, {"fine", SEVERITY_DEBUG, false}, {"failure", SEVERITY_ERROR, false}, {"fail", SEVERITY_ERROR, false}, {"f", SEVERITY_FATAL, false},
	{"http", SEVERITY_INFO, false},
	{"info", SEVERITY_INFO, true}, {"information", SEVERITY_INFO, true}, {"informational", SEVERITY_INFO, false}, {"inf", SEVERITY_INFO, true}, {"i", SEVERITY_INFO, false},
	{"log", SEVERITY_INFO, false},
	{"notice", SEVERITY_INFO, true}, {"normal", SEVERITY_INFO, false}, {"note", SEVERITY_INFO, false}, {"n", SEVERITY_INFO, false},
	{"ok", SEVERITY_INFO, false},
	{"panic", SEVERITY_FATAL, true}, {"pnc", SEVERITY_FATAL, false}, {"pani", SEVERITY_FATAL, true}, {"p", SEVERITY_FATAL, false},
	{"severe", SEVERITY_ERROR, true}, {"silly", SEVERITY_TRACE, false}, {"success", SEVERITY_INFO, true}, {"statement", SEVERITY_INFO, false}, {"system", SEVERITY_INFO, false}, {"s", SEVERITY_ERROR, false},
	{"trace", SEVERITY_TRACE, true}, {"trc", SEVERITY_TRACE, true}, {"trce", SEVERITY_TRACE, true}, {"trac", SEVERITY_TRACE, true}, {"t", SEVERITY_TRACE, false},
	{"unspecified", SEVERITY_UNKNOWN, false},
	{"verbose", SEVERITY_TRACE, true}, {"vrb", SEVERITY_TRACE, true}, {"v", SEVERITY_TRACE, false},
	{"warn", SEVERITY_WARN, true}, {"warning", SEVERITY_WARN, true}, {"wrn", SEVERITY_WARN, true}, {"w", SEVERITY_WARN, false},
};
enum { WORDS = sizeof(words) / sizeof(words[0]) };

/* Where the words of each letter begin, and at last where those of z end. */
static const unsigned char letters[] = {0, 4, 4, 8, 16, 24, 34, 34, 35, 40, 40, 40, 41, 41, 45, 46, 50, 50, 50, 56, 61, 62, 65, 69, 69, 69, 69};
_Static_assert(WORDS == 69, "letters counts the words");

/* Up to eight bytes as a word, zero-padded: two loads that overlap, and what both have is the same. */
static inline uint64_t load_upto8(const char *p, size_t len)
{
	uint32_t low, high;
	uint64_t eight = 0;
	if (len >= 8) {
		memcpy(&eight, p, 8);
		return eight;
	}
	if (len >= 4) {
		memcpy(&low, p, 4);
		memcpy(&high, p + len - 4, 4);
		return low | (uint64_t)high << (len - 4) * 8;
	}
	for (size_t i = 0; i < len; i++)
		eight |= (uint64_t)(unsigned char)p[i] << i * 8;
	return eight;
}

/* The bit that makes letters lower-case, in the first len bytes. Nothing but letters becomes a letter by it. */
static inline uint64_t lower_bits(size_t len)
{
	return len >= 8 ? UINT64_C(0x2020202020202020) : UINT64_C(0x2020202020202020) & ((UINT64_C(1) << len * 8) - 1);
}

/* Index of the word that text is, or WORDS. */
static size_t find_word(struct slice text)
{
	uint64_t have[2];
	if (text.len == 0 || text.len > LONGEST_WORD)
		return WORDS;
	unsigned letter = (unsigned)((text.ptr[0] | 32) - 'a');
	if (letter > 25)
		return WORDS;
	size_t more = text.len > 8 ? text.len - 8 : 0;
	uint64_t first = load_upto8(text.ptr, text.len) | lower_bits(text.len), second = load_upto8(text.ptr + 8, more) | lower_bits(more);
	for (size_t i = letters[letter]; i < letters[letter + 1]; i++) {
		memcpy(have, words[i].word, sizeof(have));
		if (first == have[0] && second == have[1])
			return i;
	}
	return WORDS;
}

enum severity level_word(struct slice text)
{
	if (text.len < 3)
		return SEVERITY_UNKNOWN;
	size_t i = find_word(text);
	return i < WORDS && words[i].header ? words[i].severity : SEVERITY_UNKNOWN;
}

static enum severity clamp(int64_t number)
{
	return number < SEVERITY_TRACE ? SEVERITY_TRACE : number > SEVERITY_FATAL ? SEVERITY_FATAL : (enum severity)number;
}

static enum severity of_syslog(int64_t number)
{
	static const enum severity map[] = {SEVERITY_FATAL, SEVERITY_FATAL, SEVERITY_FATAL, SEVERITY_ERROR, SEVERITY_WARN, SEVERITY_INFO, SEVERITY_INFO, SEVERITY_DEBUG};
	return number >= 0 && number <= 7 ? map[number] : SEVERITY_UNKNOWN;
}

static enum severity of_google(int64_t number)
{
	static const enum severity map[] = {SEVERITY_UNKNOWN, SEVERITY_DEBUG, SEVERITY_INFO, SEVERITY_INFO, SEVERITY_WARN, SEVERITY_ERROR, SEVERITY_FATAL, SEVERITY_FATAL, SEVERITY_FATAL};
	return map[number / 100];
}

static enum severity of_logback(int64_t number)
{
	return number <= 5000 ? SEVERITY_TRACE : clamp(number / 10000 + 1);
}

static enum severity guess(int64_t number)
{
	if (number < 0)
		return number > -4 ? SEVERITY_DEBUG : SEVERITY_TRACE;
	if (number <= 7)
		return of_syslog(number);
	if (number < 100)
		return clamp(number / 10);
	if (number <= 800)
		return of_google(number);
	return number >= 1000 ? of_logback(number) : SEVERITY_FATAL;
}

enum severity level_of_number(int64_t number, enum level_scale scale)
{
	switch (scale) {
	case LEVEL_SYSLOG:
		return of_syslog(number);
	case LEVEL_OTEL:
		return number >= 1 && number <= 24 ? (enum severity)((number - 1) / 4 + 1) : SEVERITY_UNKNOWN;
	case LEVEL_PYTHON:
		return number > 0 ? clamp(number / 10 + 1) : SEVERITY_UNKNOWN;
	case LEVEL_PRI:
		return number >= 0 && number <= 191 ? of_syslog(number & 7) : SEVERITY_UNKNOWN;
	case LEVEL_AZURE:
		return number >= 0 && number <= 4 ? clamp(number + SEVERITY_DEBUG) : SEVERITY_UNKNOWN;
	case LEVEL_WORDS:
		return SEVERITY_UNKNOWN;
	default:
		return guess(number);
	}
}

/* "Level(-2)": zap's way to write a level without a name; the numbers are zap's own. */
static enum severity of_zap_number(struct slice text)
{
	static const struct slice prefix = {"level(", 6};
	int64_t number;
	if (text.len < 8 || !slice_eq_nocase(slice_sub(text, 0, 6), prefix) || !slice_to_i64(slice_sub(text, 6, text.len - 7), &number))
		return SEVERITY_UNKNOWN;
	return number < -1 ? SEVERITY_TRACE : clamp(number + SEVERITY_INFO);
}

/* The letters before "+2", "-4", a digit ("WARN2", "D1") or a colon. */
static struct slice leading_letters(struct slice text)
{
	size_t n = 0;
	while (n < text.len && ((text.ptr[n] | 32) >= 'a' && (text.ptr[n] | 32) <= 'z'))
		n++;
	return slice_of(text.ptr, n);
}

/* What is between a terminal's colours: "\x1b[32minfo\x1b[39m". */
static struct slice uncoloured(struct slice text)
{
	while (text.len > 2 && text.ptr[0] == '\x1b') {
		size_t m = slice_find(text, 'm', 0);
		text = slice_sub(text, m + 1, text.len);
	}
	return slice_sub(text, 0, slice_find(text, '\x1b', 0));
}

enum severity level_parse(struct slice text, enum level_scale scale)
{
	static const struct slice otel = {"SEVERITY_NUMBER_", 16}, syslog = {"LOG_", 4}; /* names in protobuf and in C */
	int64_t number;
	size_t i = find_word(text);
	if (i < WORDS)
		return words[i].severity;
	text = slice_trim(uncoloured(text));
	if (slice_starts(text, otel))
		text = slice_sub(text, otel.len, text.len);
	else if (slice_starts(text, syslog))
		text = slice_sub(text, syslog.len, text.len);
	if (text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
		text = slice_sub(text, 1, text.len - 2);
	if (slice_to_i64(text, &number))
		return level_of_number(number, scale);
	enum severity severity = of_zap_number(text);
	if (severity != SEVERITY_UNKNOWN)
		return severity;
	i = find_word(leading_letters(text));
	return i < WORDS ? words[i].severity : SEVERITY_UNKNOWN;
}
