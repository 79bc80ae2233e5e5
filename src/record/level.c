/* SPDX-License-Identifier: Apache-2.0 */
#include "record/level.h"

enum { LONGEST_WORD = 16 };

/* Lower case; the frequent ones first, as the search is linear. */
static const struct {
	char word[LONGEST_WORD];
	enum severity severity;
	bool header; /* unmistakable at the head of a text line */
} words[] = {
	{"info", SEVERITY_INFO, true}, {"error", SEVERITY_ERROR, true}, {"warn", SEVERITY_WARN, true}, {"debug", SEVERITY_DEBUG, true},
	{"warning", SEVERITY_WARN, true}, {"trace", SEVERITY_TRACE, true}, {"fatal", SEVERITY_FATAL, true}, {"information", SEVERITY_INFO, true},
	{"critical", SEVERITY_FATAL, true}, {"notice", SEVERITY_INFO, true}, {"err", SEVERITY_ERROR, true}, {"panic", SEVERITY_FATAL, true},
	{"severe", SEVERITY_ERROR, true}, {"verbose", SEVERITY_TRACE, true}, {"crit", SEVERITY_FATAL, true}, {"alert", SEVERITY_FATAL, true},
	{"emergency", SEVERITY_FATAL, true}, {"emerg", SEVERITY_FATAL, true}, {"dpanic", SEVERITY_FATAL, true}, {"informational", SEVERITY_INFO, false},
	{"inf", SEVERITY_INFO, true}, {"wrn", SEVERITY_WARN, true}, {"dbg", SEVERITY_DEBUG, true}, {"trc", SEVERITY_TRACE, true},
	{"ftl", SEVERITY_FATAL, true}, {"erro", SEVERITY_ERROR, true}, {"trce", SEVERITY_TRACE, true}, {"debg", SEVERITY_DEBUG, true}, {"dbug", SEVERITY_DEBUG, true},
	{"eror", SEVERITY_ERROR, true}, {"fatl", SEVERITY_FATAL, true}, {"pnc", SEVERITY_FATAL, false},
	{"finest", SEVERITY_TRACE, true}, {"finer", SEVERITY_DEBUG, true}, {"fine", SEVERITY_DEBUG, false}, {"config", SEVERITY_DEBUG, false},
	{"silly", SEVERITY_TRACE, false}, {"http", SEVERITY_INFO, false}, {"log", SEVERITY_INFO, false}, {"success", SEVERITY_INFO, false}, {"ok", SEVERITY_INFO, false}, {"statement", SEVERITY_INFO, false},
	{"failure", SEVERITY_ERROR, false}, {"fail", SEVERITY_ERROR, false}, {"default", SEVERITY_UNKNOWN, false}, {"unspecified", SEVERITY_UNKNOWN, false},
	{"vrb", SEVERITY_TRACE, true}, {"all", SEVERITY_TRACE, false}, {"t", SEVERITY_TRACE, false}, {"d", SEVERITY_DEBUG, false}, {"i", SEVERITY_INFO, false},
	{"w", SEVERITY_WARN, false}, {"e", SEVERITY_ERROR, false}, {"f", SEVERITY_FATAL, false}, {"c", SEVERITY_FATAL, false}, {"n", SEVERITY_INFO, false},
	{"v", SEVERITY_TRACE, false}, {"s", SEVERITY_ERROR, false}, {"a", SEVERITY_FATAL, false}, {"p", SEVERITY_FATAL, false},
};
enum { WORDS = sizeof(words) / sizeof(words[0]) };

/* Index of the word that text is, or WORDS. */
static size_t find_word(struct slice text)
{
	char folded[LONGEST_WORD] = {0};
	uint64_t want[2], have[2];
	if (text.len == 0 || text.len > LONGEST_WORD)
		return WORDS;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		folded[i] = c;
	}
	memcpy(want, folded, sizeof(want));
	for (size_t i = 0; i < WORDS; i++) {
		memcpy(have, words[i].word, sizeof(have));
		if (want[0] == have[0] && want[1] == have[1])
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

enum severity level_parse(struct slice text, enum level_scale scale)
{
	static const struct slice otel = {"SEVERITY_NUMBER_", 16};
	int64_t number;
	size_t i = find_word(text);
	if (i < WORDS)
		return words[i].severity;
	text = slice_trim(text);
	if (slice_starts(text, otel))
		text = slice_sub(text, otel.len, text.len);
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
