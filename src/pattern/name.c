/* SPDX-License-Identifier: Apache-2.0 */
/* Words: which of them are names, units or parts of a date, by what stands around them. */
#include "pattern/scan.h"

unsigned scan_class_at(const struct scan *s, size_t at)
{
	while (at < s->end && s->ptr[at] == ' ')
		at++;
	size_t from = at;
	while (at < s->end && (lex_class[(uint8_t)s->ptr[at]] & LEX_LETTER))
		at++;
	return word_class(word_hash(slice_of(s->ptr + from, at - from)));
}

/* A month or weekday begins or continues a date where a number or another one follows. */
static bool begins_date(const struct scan *s, struct slice piece)
{
	size_t at = scan_end_of(s, piece);
	while (at < s->end && (s->ptr[at] == ' ' || s->ptr[at] == ','))
		at++;
	if (at == s->end)
		return false;
	return (lex_class[(uint8_t)s->ptr[at]] & LEX_DIGIT) || (scan_class_at(s, at) & WORD_CALENDAR);
}

/* CST in 16:43:15 CST 2023. */
static bool is_zone(const struct scan *s, struct slice piece)
{
	const struct atom *last = scan_last(s);
	char next = scan_next(s, scan_end_of(s, piece));
	return last && last->kind == ATOM_PLACE && last->place == PLACE_TIME && piece.len <= 5 && next >= '0' && next <= '9' && (lex_class[(uint8_t)*piece.ptr] & LEX_UPPER);
}

bool scan_behind_time(const struct scan *s)
{
	const struct atom *last = scan_last(s);
	return last && last->kind == ATOM_PLACE && last->place == PLACE_TIME;
}

/* 9:24:42 AM */
static bool is_half_day(const struct scan *s, struct slice piece)
{
	return piece.len == 2 && scan_behind_time(s) && (slice_eq(piece, SLICE("AM")) || slice_eq(piece, SLICE("PM")));
}

/* Whether the word looks like a verb's form: logged, starting. */
static bool is_verbal(struct slice piece)
{
	return piece.len > 4 && !memchr(piece.ptr, '.', piece.len) && (slice_ends(piece, SLICE("ed")) || slice_ends(piece, SLICE("ing")));
}

static bool is_capitalised(struct slice piece)
{
	if (piece.len < 2)
		return false;
	uint8_t a = (uint8_t)piece.ptr[0];
	uint8_t b = (uint8_t)piece.ptr[1];
	if ((a == 0xc3 && b < 0x9f) || (a == 0xd0 && b >= 0x90 && b < 0xb0)) /* Latin and Cyrillic capitals */
		return true;
	return (lex_class[a] & LEX_UPPER) && (lex_class[b] & (LEX_LOWER | LEX_HIGH));
}

/* Whether what follows leaves the word a name: user root, user root from; not user limit exceeded, which is a noun of two words. */
static bool ends_name(const struct scan *s, size_t end)
{
	char next = scan_next(s, end);
	if (end == s->end || s->ptr[end] != ' ' || !next)
		return true;
	return !(lex_class[(uint8_t)next] & (LEX_LETTER | LEX_UNDER)) || (scan_class_at(s, end) & WORD_FUNCTION);
}

/* Whether the words around say that this one is somebody's or something's name: user X, for X from. */
static bool is_named(const struct scan *s, struct slice piece, unsigned class)
{
	size_t end = scan_end_of(s, piece);
	if (!s->space || (class & (WORD_FUNCTION | WORD_STATE | WORD_ANNOUNCES)) || is_verbal(piece) || word_is_enumerator(piece))
		return false;
	if (end < s->end && strchr("=(:", s->ptr[end]))
		return false;
	if (s->last_class & WORD_ANNOUNCES)
		return ends_name(s, end) || is_capitalised(piece);
	if ((s->last_class & WORD_BEFORE) && is_capitalised(piece))
		return true;
	return (s->last_class & WORD_FOR) && end < s->end && s->ptr[end] == ' ' && (scan_next(s, end) == '[' || (scan_class_at(s, end) & WORD_FROM));
}

/* 12.50 EUR, from USD to EUR: which currency it is belongs to the value. */
static bool is_currency(const struct scan *s, struct slice piece)
{
	const struct atom *last = scan_last(s);
	size_t end = scan_end_of(s, piece);
	char next = scan_next(s, end);
	if ((last && last->kind == ATOM_PLACE && last->place == PLACE_NUM) || (s->last_class & (WORD_FUNCTION | WORD_ANNOUNCES)))
		return true;
	return (next >= '0' && next <= '9') || next == '-' || (s->template && next == '<') || (scan_class_at(s, end) & WORD_FUNCTION);
}

/* 12.5 MB: the unit goes with the number, since a large one may come with another. */
static bool is_size_unit(const struct scan *s, struct slice piece)
{
	const struct atom *last = scan_last(s);
	return piece.len <= 3 && s->space && last && last->kind == ATOM_PLACE && last->place == PLACE_NUM && lex_is_size_unit(piece);
}

/* "GET /x HTTP/1.1" 404 Not Found: what the number means goes with it. Takes in the words up to the end. */
static bool status_phrase(struct scan *s, struct slice *piece)
{
	const struct tokens *t = s->t;
	const struct atom *last = scan_last(s);
	size_t end = scan_end_of(s, *piece);
	size_t from = end;
	if (t->atoms_len < 2 || last->kind != ATOM_PLACE || last->place != PLACE_NUM || last[-1].kind != ATOM_PUNCT || last[-1].ptr[0] != '"' || end != s->pos)
		return false;
	if (last->len != 3 && !s->template)
		return false;
	while (end < s->end && end - from < 32 && (s->ptr[end] == ' ' || (lex_class[(uint8_t)s->ptr[end]] & LEX_LETTER)))
		end++;
	if (end < s->end)
		return false;
	piece->len += end - from;
	s->pos = end;
	return true;
}

/* Whether what stands before or behind the word, or its own form, makes it a value. */
static bool is_soft(const struct scan *s, struct slice piece, unsigned class, enum expect expect)
{
	if (expect == EXPECT_FIELD || ((class & WORD_CURRENCY) && is_currency(s, piece)) || is_size_unit(s, piece))
		return true;
	return expect != EXPECT_NOTHING && scan_closes_value(scan_next(s, scan_end_of(s, piece))) && !(class & WORD_STATE) && !word_is_enumerator(piece);
}

static bool goes_on_as_name(const struct scan *s, struct slice piece, unsigned class)
{
	return s->in_name && s->space && is_capitalised(piece) && !(class & (WORD_FUNCTION | WORD_STATE));
}

static bool is_part_of_time(const struct scan *s, struct slice piece, unsigned class)
{
	return ((class & WORD_CALENDAR) && begins_date(s, piece)) || is_zone(s, piece) || is_half_day(s, piece);
}

void name_word(struct scan *s, struct slice piece)
{
	enum expect expect = s->expect;
	unsigned class = word_class(word_hash(piece));
	s->expect = EXPECT_NOTHING;
	if ((class & WORD_NULL) || (piece.len >= 16 && lex_is_random(piece))) {
		emit_place(s, piece, PLACE_ANY, -1);
	} else if (is_part_of_time(s, piece, class)) {
		emit_place(s, piece, PLACE_TIME, -1);
		s->in_date = true;
	} else if (s->space && status_phrase(s, &piece)) {
		emit_word(s, piece, true);
	} else {
		bool named = (s->last_class && is_named(s, piece, class)) || goes_on_as_name(s, piece, class);
		emit_word(s, piece, named || is_soft(s, piece, class, expect));
		s->in_name = named && is_capitalised(piece);
	}
}
