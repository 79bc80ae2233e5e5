/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces: what no blank and no delimiter parts. A piece of letters is a word; with digits or punctuation inside it is looked at by form
 * (lexeme.c), then cut where names meet values (host:8080, core.2275), and what is left is a name or a value by what stands around it. */
#include "pattern/scan.h"

static void piece_emit(struct scan *s, struct slice piece, unsigned classes);

/* Words of letters with few digits behind (eth0, IPV6, ssh2) are constants as often as values: literal until another one is seen. */
static bool few_digits_behind(struct slice piece)
{
	size_t i = 0;
	while (i < piece.len && (lex_class[(uint8_t)piece.ptr[i]] & LEX_LETTER))
		i++;
	size_t letters = i;
	while (i < piece.len && (lex_class[(uint8_t)piece.ptr[i]] & LEX_DIGIT))
		i++;
	return i == piece.len && piece.len - letters <= 2 && (letters >= 2 || (piece.len == 2 && (lex_class[(uint8_t)piece.ptr[0]] & LEX_UPPER)));
}

/* letters SEP digits, as in core.2275 or thread-12: gives the offset of SEP, or 0. */
static size_t numbered_word(struct slice piece)
{
	size_t i = 0;
	while (i < piece.len && (lex_class[(uint8_t)piece.ptr[i]] & (LEX_LETTER | LEX_UNDER)))
		i++;
	size_t sep = i;
	if (i == 0 || piece.ptr[i - 1] == '_' || i + 1 >= piece.len || (piece.ptr[i] != '.' && piece.ptr[i] != '-' && piece.ptr[i] != '#'))
		return 0;
	for (i++; i < piece.len; i++)
		if (!(lex_class[(uint8_t)piece.ptr[i]] & LEX_DIGIT) && piece.ptr[i] != '.')
			return 0;
	return sep;
}

static size_t split_at(struct slice piece)
{
	for (size_t i = 1; i + 1 < piece.len; i++)
		if (piece.ptr[i] == ':' || piece.ptr[i] == '@' || piece.ptr[i] == '#' || (piece.ptr[i] == piece.ptr[i + 1] && piece.ptr[i] == '.'))
			return i;
	return 0;
}

static void split_emit(struct scan *s, struct slice piece, size_t at)
{
	size_t len = 1;
	while (at + len < piece.len && piece.ptr[at + len] == piece.ptr[at])
		len++;
	struct slice left = slice_sub(piece, 0, at);
	struct slice right = slice_sub(piece, at + len, SIZE_MAX);
	piece_emit(s, left, scan_classes(left));
	emit_punct(s, (size_t)(piece.ptr - s->ptr) + at, len);
	s->expect = piece.ptr[at] == ':' && len == 1 ? EXPECT_WORD : EXPECT_NOTHING;
	if (right.len)
		piece_emit(s, right, scan_classes(right));
}

static size_t count_byte(struct slice piece, char c)
{
	size_t n = 0;
	for (size_t i = 0; i < piece.len; i++)
		n += piece.ptr[i] == c;
	return n;
}

enum script { SCRIPT_LETTERS, SCRIPT_OTHER, SCRIPT_MARK };

/* What begins at i: ASCII and alphabets (a u with dots, Greek, Cyrillic, ...) make words with blanks between them; of other scripts and of symbols a run
 * stands for itself, parted by the marks of CJK text. */
static enum script script_at(struct slice s, size_t i)
{
	static const char *const marks[] = {"\xef\xbc\x8c", "\xef\xbc\x9a", "\xef\xbc\x9b", "\xef\xbc\x81", "\xef\xbc\x9f", "\xef\xbc\x88", "\xef\xbc\x89"};
	uint8_t c = (uint8_t)s.ptr[i];
	if (c < 0x80 || (c >= 0xc3 && c <= 0xe1))
		return SCRIPT_LETTERS;
	struct slice rest = slice_sub(s, i, 3);
	if (slice_starts(rest, SLICE("\xe3\x80")))
		return SCRIPT_MARK;
	for (size_t k = 0; k < sizeof(marks) / sizeof(*marks); k++)
		if (slice_starts(rest, slice_str(marks[k])))
			return SCRIPT_MARK;
	return SCRIPT_OTHER;
}

/* End of the run of one script at from; a mark is a run of its own. */
static size_t script_end(struct slice s, size_t from)
{
	enum script script = script_at(s, from);
	size_t i = from + 1;
	while (i < s.len && (((uint8_t)s.ptr[i] & 0xc0) == 0x80 || (script != SCRIPT_MARK && script_at(s, i) == script)))
		i++;
	return i;
}

static bool is_wide_colon(struct slice s)
{
	return slice_eq(s, SLICE("\xef\xbc\x9a"));
}

/* Cuts a piece where scripts meet: boundaries must hold next to CJK text. */
static void split_high(struct scan *s, struct slice piece)
{
	enum expect expect = s->expect;
	for (size_t from = 0, to; from < piece.len; from = to) {
		to = script_end(piece, from);
		struct slice part = slice_sub(piece, from, to - from);
		enum script script = script_at(piece, from);
		s->expect = expect;
		expect = EXPECT_NOTHING;
		if (script == SCRIPT_LETTERS) {
			piece_emit(s, part, scan_classes(part));
			continue;
		}
		bool ends = to < piece.len ? script_at(piece, to) == SCRIPT_MARK : scan_closes_value(scan_next(s, scan_end_of(s, part)));
		emit_word(s, part, script == SCRIPT_OTHER && s->expect == EXPECT_WORD && ends);
		if (is_wide_colon(part))
			expect = EXPECT_WORD;
	}
	s->expect = expect;
}

/* name.ext with an extension that files have. */
static bool is_file(struct slice piece)
{
	size_t dot = piece.len;
	while (dot > 0 && piece.ptr[dot - 1] != '.')
		dot--;
	return dot > 1 && (word_class(word_hash(slice_sub(piece, dot, SIZE_MAX))) & WORD_EXTENSION);
}

/* android.intent.action.SCREEN_ON: the last name is an enumerator. */
static bool ends_with_enumerator(struct slice piece)
{
	size_t dot = piece.len;
	while (dot > 0 && piece.ptr[dot - 1] != '.')
		dot--;
	return word_is_enumerator(slice_sub(piece, dot, SIZE_MAX));
}

/* Letters and punctuation, no digits. */
static void name_emit(struct scan *s, struct slice piece)
{
	size_t end = scan_end_of(s, piece);
	if (count_byte(piece, '.') >= 2) {
		s->expect = EXPECT_NOTHING;
		if (lex_exception(piece) || ends_with_enumerator(piece) || (end + 1 < s->end && s->ptr[end] == '(' && s->ptr[end + 1] == ')'))
			emit_word(s, piece, false);
		else
			emit_place(s, piece, PLACE_ANY, -1);
	} else if (is_file(piece) || (end < s->end && s->ptr[end] == '=' && count_byte(piece, '.'))) { /* os.name=Linux: a property of many */
		s->expect = EXPECT_NOTHING;
		emit_word(s, piece, true);
	} else {
		name_word(s, piece);
	}
}

/* en-US */
static bool is_locale(struct slice s)
{
	return s.len == 5 && s.ptr[2] == '-' && (lex_class[(uint8_t)s.ptr[0]] & lex_class[(uint8_t)s.ptr[1]] & LEX_LOWER) &&
		(lex_class[(uint8_t)s.ptr[3]] & lex_class[(uint8_t)s.ptr[4]] & LEX_UPPER);
}

/* application/json, text/html; charset=utf-8: takes in what follows the semicolon. */
static bool content_type(struct scan *s, struct slice *piece)
{
	static const char *const kinds[] = {"application/", "text/", "image/", "audio/", "video/", "multipart/", "font/"};
	size_t at = scan_end_of(s, *piece);
	size_t i = 0;
	while (i < sizeof(kinds) / sizeof(*kinds) && !slice_starts(*piece, slice_str(kinds[i])))
		i++;
	if (i == sizeof(kinds) / sizeof(*kinds) || piece->len == strlen(kinds[i]))
		return false;
	if (at != s->pos || at == s->end || s->ptr[at] != ';')
		return true;
	for (at++; at < s->end && (s->ptr[at] == ' ' || s->ptr[at] == '+'); at++)
		;
	if (!slice_starts(slice_of(s->ptr + at, s->end - at), SLICE("charset=")))
		return true;
	for (at += 8; at < s->end && !(lex_class[(uint8_t)s->ptr[at]] & LEX_END); at++)
		;
	piece->len += at - s->pos;
	s->pos = at;
	return true;
}

/* redis-cart, localhost, db.internal */
static bool is_host(struct slice s)
{
	bool joined = false;
	for (size_t i = 0; i < s.len; i++) {
		if (!(lex_class[(uint8_t)s.ptr[i]] & (LEX_LOWER | LEX_DIGIT)) && s.ptr[i] != '-' && s.ptr[i] != '.')
			return false;
		joined = joined || s.ptr[i] == '-' || s.ptr[i] == '.';
	}
	return (joined || slice_eq(s, SLICE("localhost"))) && !is_file(s);
}

static void host_emit(struct scan *s, struct slice host)
{
	s->expect = EXPECT_NOTHING;
	if ((scan_classes(host) & LEX_DIGIT) || count_byte(host, '.') >= 2)
		emit_place(s, host, PLACE_ANY, -1);
	else
		emit_word(s, host, true);
}

/* redis-cart:6379: a name that hosts have, and a number. */
static bool endpoint_emit(struct scan *s, struct slice piece, size_t colon)
{
	struct slice port = slice_sub(piece, colon + 1, SIZE_MAX);
	int64_t duration_ns;
	if (!colon || piece.ptr[colon] != ':' || !port.len || !is_host(slice_sub(piece, 0, colon)) || lex_place(port, scan_classes(port), &duration_ns) != PLACE_NUM)
		return false;
	host_emit(s, slice_sub(piece, 0, colon));
	emit_punct(s, (size_t)(piece.ptr - s->ptr) + colon, 1);
	emit_place(s, port, PLACE_NUM, -1);
	return true;
}

static void mixed_emit(struct scan *s, struct slice piece, unsigned classes)
{
	size_t at = split_at(piece);
	if (at && endpoint_emit(s, piece, at))
		return;
	if (is_locale(piece) || content_type(s, &piece)) {
		s->expect = EXPECT_NOTHING;
		emit_word(s, piece, true);
		return;
	}
	if (at) {
		split_emit(s, piece, at);
		return;
	}
	if (!(classes & LEX_DIGIT)) {
		name_emit(s, piece);
		return;
	}
	s->expect = EXPECT_NOTHING;
	at = numbered_word(piece);
	size_t end = scan_end_of(s, piece);
	if (at) {
		name_word(s, slice_sub(piece, 0, at)); /* a name in partition orders-0 */
		emit_punct(s, (size_t)(piece.ptr - s->ptr) + at, 1);
		emit_place(s, slice_sub(piece, at + 1, SIZE_MAX), PLACE_NUM, -1);
	} else if (end + 1 < s->end && s->ptr[end] == '(' && s->ptr[end + 1] == ')') {
		emit_word(s, piece, false);
	} else if (few_digits_behind(piece)) {
		emit_word(s, piece, true);
	} else {
		emit_place(s, piece, PLACE_ANY, -1);
	}
}

/* The protocol behind a request's path belongs to it: GET /index HTTP/1.1. */
static bool request_goes_on(struct scan *s, struct slice piece)
{
	struct atom *last = scan_last(s);
	if (!last || last->kind != ATOM_PLACE || (last->place != PLACE_PATH && last->place != PLACE_URL) || !slice_starts(piece, SLICE("HTTP/")))
		return false;
	s->space = false;
	return true;
}

/* GET / HTTP/1.1, redirected to /, serving / to: the shortest of all paths; not a / b. */
static bool is_root(const struct scan *s, struct slice piece)
{
	size_t end = scan_end_of(s, piece);
	const struct atom *last = scan_last(s);
	if (s->last_class & WORD_METHOD)
		return true;
	return s->space && last && last->kind == ATOM_WORD && (scan_next(s, end) == 0 || (s->ptr[end] == ' ' && (scan_class_at(s, end) & WORD_FUNCTION)));
}

static void piece_emit(struct scan *s, struct slice piece, unsigned classes)
{
	int64_t duration_ns = -1;
	if (!(classes & (LEX_DIGIT | LEX_JOIN | LEX_HIGH))) {
		name_word(s, piece);
		return;
	}
	enum place place = lex_place(piece, classes, &duration_ns);
	if (piece.len == 6 && (piece.ptr[0] == '+' || piece.ptr[0] == '-') && piece.ptr[3] == ':' && scan_behind_time(s)) /* 9:24 +02:00 */
		place = PLACE_TIME;
	if (request_goes_on(s, piece)) {
		;
	} else if (piece.len == 1 && piece.ptr[0] == '/' && is_root(s, piece)) {
		s->expect = EXPECT_NOTHING;
		emit_place(s, piece, PLACE_PATH, -1);
	} else if (place != PLACE_COUNT) {
		s->expect = EXPECT_NOTHING;
		emit_place(s, piece, place, duration_ns);
	} else if ((classes & LEX_HIGH) && (script_end(piece, 0) < piece.len || script_at(piece, 0) != SCRIPT_LETTERS)) {
		split_high(s, piece);
	} else {
		mixed_emit(s, piece, classes);
	}
}

enum { PHRASE_MAX = 96 };

static bool ends_phrase(const struct scan *s, size_t at)
{
	char c = s->ptr[at];
	if (s->open_len && c == s->open[s->open_len - 1])
		return true;
	if (c != ',' && c != ';')
		return false;
	for (at++; at < s->end && s->ptr[at] == ' '; at++)
		;
	size_t from = at;
	while (at < s->end && (lex_class[(uint8_t)s->ptr[at]] & (LEX_LETTER | LEX_UNDER) || s->ptr[at] == '.'))
		at++;
	return at > from && at < s->end && s->ptr[at] == '=';
}

/* Where the value ends that begins with this word, if words go on to where the next field or the bracket's end is: {reason=no such key, code=2}. */
static size_t phrase_end(const struct scan *s, size_t at)
{
	size_t limit = s->end - at < PHRASE_MAX ? s->end : at + PHRASE_MAX;
	size_t from = at;
	while (at < limit && (s->ptr[at] == ' ' || !(lex_class[(uint8_t)s->ptr[at]] & (LEX_END | LEX_HIGH | LEX_DIGIT))))
		at++;
	bool words = at < limit && at > from && s->ptr[from] == ' ' && scan_next(s, from) != s->ptr[at];
	return words && ends_phrase(s, at) ? at : from;
}

/* b'...' as Python prints bytes: takes in the quoted part. */
static bool prefixed_quote(struct scan *s, struct slice *piece)
{
	size_t at = scan_end_of(s, *piece);
	if (piece->len != 1 || at >= s->end || (s->ptr[at] != '\'' && s->ptr[at] != '"'))
		return false;
	size_t room = s->end - at - 1 < 1024 ? s->end - at - 1 : 1024;
	const char *close = memchr(s->ptr + at + 1, s->ptr[at], room);
	if (!close)
		return false;
	s->pos = (size_t)(close - s->ptr) + 1;
	piece->len += s->pos - at;
	return true;
}

/* A bracket glued to the end of a value, Seat(a=1): a small one is shown in detail (true: the piece is emitted), a large one belongs to the value. */
static bool glued_bracket(struct scan *s, struct slice *piece, size_t at)
{
	bool structured;
	if (at >= s->end || at < s->value_until || (s->ptr[at] != '(' && s->ptr[at] != '{' && s->ptr[at] != '['))
		return false;
	size_t end = nest_bracket_end(s, at, &structured);
	if (end == SIZE_MAX)
		return false;
	if (end - at <= NEST_DETAIL_MAX) {
		s->value_until = end + 1;
		emit_word(s, *piece, true);
		return true;
	}
	s->pos = end + 1;
	piece->len = s->pos - (size_t)(piece->ptr - s->ptr);
	return false;
}

void piece_value(struct scan *s, struct slice piece, unsigned classes)
{
	int64_t duration_ns = -1;
	enum place place = (classes & (LEX_DIGIT | LEX_JOIN)) ? lex_place(piece, classes, &duration_ns) : PLACE_COUNT;
	size_t at = (size_t)(piece.ptr - s->ptr) + piece.len;
	s->expect = EXPECT_NOTHING;
	if (place != PLACE_COUNT) {
		emit_place(s, piece, place, duration_ns);
		return;
	}
	if (at == s->pos && glued_bracket(s, &piece, at))
		return;
	if (at == s->pos && !prefixed_quote(s, &piece)) {
		s->pos = phrase_end(s, at);
		piece.len += s->pos - at;
		if (s->pos > at) {
			emit_word(s, piece, true);
			return;
		}
	}
	emit_place(s, piece, PLACE_ANY, duration_ns);
}

static bool strips_front(char c)
{
	return strchr("*:!&#@?^`,", c) != NULL;
}

static bool strips_back(char c)
{
	return strchr(".:!?*&~^-`", c) != NULL;
}

/* Punctuation in front of a piece: returns how many bytes. */
static size_t front_len(struct slice piece)
{
	size_t i = 0;
	while (i < piece.len && strips_front(piece.ptr[i]))
		i++;
	if (i < piece.len && piece.ptr[i] == '.' && i + 1 < piece.len && piece.ptr[i + 1] != '/' && !(slice_starts(slice_sub(piece, i, 3), SLICE("../"))))
		while (i < piece.len && piece.ptr[i] == '.')
			i++;
	if (i + 1 < piece.len && piece.ptr[i] == '-' && !(lex_class[(uint8_t)piece.ptr[i + 1]] & LEX_DIGIT))
		while (i < piece.len && piece.ptr[i] == '-')
			i++;
	return i;
}

/* A path or URL with a query goes on over = and ; and , to the next blank, quote or bracket. */
static size_t query_end(const struct scan *s, size_t from, size_t i, unsigned *classes)
{
	struct slice piece = slice_of(s->ptr + from, i - from);
	if (s->ptr[from] != '/' && slice_search(piece, SLICE("://")) == piece.len)
		return i;
	while (i < s->end && (!(lex_class[(uint8_t)s->ptr[i]] & LEX_END) || strchr("=;,|", s->ptr[i])))
		*classes |= lex_class[(uint8_t)s->ptr[i++]] & (unsigned)~LEX_END;
	return i;
}

/* **** between numbers: one that did not fit its field. */
static bool is_overflow(const struct scan *s, struct slice piece)
{
	const struct atom *last = scan_last(s);
	char next = scan_next(s, scan_end_of(s, piece));
	return piece.len >= 2 && s->space && last && last->kind == ATOM_PLACE && count_byte(piece, '*') == piece.len && (next == ')' || (next >= '0' && next <= '9'));
}

/* Where the piece at pos ends, and what classes its bytes are of. */
static size_t chunk_end(const struct scan *s, unsigned *classes)
{
	size_t i = s->pos;
	while (i < s->end && !(lex_class[(uint8_t)s->ptr[i]] & LEX_END))
		*classes |= lex_class[(uint8_t)s->ptr[i++]];
	if (i < s->end && (*classes & LEX_JOIN) && (s->ptr[i] == '=' || s->ptr[i] == ';' || s->ptr[i] == ',') && memchr(s->ptr + s->pos, '?', i - s->pos))
		return query_end(s, s->pos, i, classes);
	return i;
}

/* ::1 */
static bool is_short_ip(struct slice piece)
{
	int64_t duration_ns;
	return piece.len > 2 && piece.ptr[0] == ':' && piece.ptr[1] == ':' && lex_place(piece, scan_classes(piece), &duration_ns) == PLACE_IP;
}

/* Whether punctuation behind a piece is none of it. A value keeps all but that of the sentence. */
static bool is_behind(const struct scan *s, char c, bool value)
{
	if (value)
		return strchr(".:!", c) != NULL;
	return strips_back(c) || (s->template && (c == '@' || c == '#'));
}

/* Whether the colon stands behind a place of a template, as where a message is cut at the colon. */
static bool colon_behind_place(const struct scan *s, struct slice piece, size_t front)
{
	const struct atom *last = scan_last(s);
	return s->template && front == 1 && piece.ptr[0] == ':' && !s->space && last && last->kind == ATOM_PLACE;
}

/* Emits the punctuation in front and takes it and that behind off the piece; returns how many bytes stand behind. A value keeps its own. */
static size_t trim(struct scan *s, struct slice *piece)
{
	bool value = s->expect == EXPECT_VALUE;
	size_t front = value || is_short_ip(*piece) ? 0 : front_len(*piece);
	size_t back = 0;
	bool behind_place = colon_behind_place(s, *piece, front);
	if (front)
		emit_punct(s, (size_t)(piece->ptr - s->ptr), front);
	if (behind_place)
		s->expect = EXPECT_WORD;
	while (piece->len - back > front + value && is_behind(s, piece->ptr[piece->len - back - 1], value))
		back++;
	*piece = slice_sub(*piece, front, piece->len - front - back);
	return back;
}

/* Whether name= follows, not name==. */
static bool is_key(const struct scan *s, unsigned classes)
{
	size_t i = s->pos;
	return i < s->end && s->ptr[i] == '=' && !(i + 1 < s->end && s->ptr[i + 1] == '=') && (classes & LEX_LETTER) && !(classes & LEX_JOIN);
}

/* users, plugins; not class, status, analysis. */
static bool is_plural(struct slice piece)
{
	return piece.len > 3 && piece.ptr[piece.len - 1] == 's' && !strchr("sui", piece.ptr[piece.len - 2]);
}

/* redis-cart:<num> in a template's text. */
static bool is_template_host(const struct scan *s, struct slice piece, size_t back)
{
	struct slice rest = slice_of(s->ptr + s->pos, s->end - s->pos);
	return s->template && back == 1 && s->ptr[s->pos - 1] == ':' && is_host(piece) && slice_starts(rest, SLICE("<num>"));
}

/* Whether the chunk at from begins with the colon behind "name". */
static bool is_field_colon(const struct scan *s, size_t from)
{
	return s->key_end && s->ptr[from] == ':' && from <= s->key_end + 1;
}

static void trimmed_chunk(struct scan *s, struct slice piece, unsigned classes, size_t back)
{
	size_t end = s->pos;
	if (s->expect == EXPECT_VALUE)
		piece_value(s, piece, classes);
	else if (is_template_host(s, piece, back))
		host_emit(s, piece);
	else if (back == 0 && is_key(s, classes))
		emit_word(s, piece, false);
	else
		piece_emit(s, piece, classes);
	s->expect = EXPECT_NOTHING;
	if (back)
		emit_punct(s, end - back, back);
	if (back == 1 && s->ptr[end - 1] == ':') {
		s->expect = EXPECT_WORD;
		s->plural = is_plural(piece);
	}
}

/* A chunk that is more than a word: trimmed of joining characters, then a value, a key, or pieces. */
static void joined_chunk(struct scan *s, struct slice piece, unsigned classes)
{
	size_t from = (size_t)(piece.ptr - s->ptr);
	size_t back = 0;
	if (classes & LEX_JOIN) {
		back = trim(s, &piece);
		classes = scan_classes(piece);
	}
	bool colon = is_field_colon(s, from);
	if (colon && (piece.len == 0 || s->expect == EXPECT_NOTHING))
		s->expect = EXPECT_FIELD;
	if (piece.len) {
		trimmed_chunk(s, piece, classes, back);
	} else if (!colon && !(s->template && back == 0 && s->expect == EXPECT_WORD)) { /* there: the colon behind a place */
		s->expect = EXPECT_NOTHING;
		if (back)
			emit_punct(s, s->pos - back, back);
	}
}

void piece_chunk(struct scan *s)
{
	unsigned classes = 0;
	size_t from = s->pos;
	s->pos = chunk_end(s, &classes);
	struct slice piece = slice_of(s->ptr + from, s->pos - from);
	if (!(classes & (LEX_DIGIT | LEX_JOIN | LEX_HIGH)) && s->expect == EXPECT_NOTHING)
		name_word(s, piece);
	else if (classes == LEX_JOIN && is_overflow(s, piece))
		emit_place(s, piece, PLACE_ANY, -1);
	else
		joined_chunk(s, piece, classes);
}
