/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/token.h"

#include "pattern/lexeme.h"

/* What the bytes before a piece say about it. */
enum expect { EXPECT_NOTHING, EXPECT_VALUE /* name= */, EXPECT_WORD /* name: */ };

struct scan {
	struct tokens *t;
	const char *ptr;
	size_t pos;
	size_t end;
	size_t value_until; /* atoms before this offset belong to the value that is open */
	size_t quote_end;   /* offset of a quote that closes, or SIZE_MAX */
	size_t bracket_work;/* bytes that bracket matching may still look at */
	char open[16];      /* what closes the brackets of the text, innermost last */
	uint8_t open_len;
	enum expect expect;
	bool space;
	bool full;
	bool template;      /* <num> and its like are places */
};

static const char *const place_texts[PLACE_COUNT] = {"<*>", "<num>", "<ip>", "<uuid>", "<path>", "<url>", "<duration>", "<size>", "<time>", "<hex>"};

struct slice place_text(enum place place)
{
	return slice_str(place_texts[place]);
}

enum place place_at(struct slice s)
{
	for (int place = 0; place < PLACE_COUNT; place++)
		if (slice_starts(s, place_text((enum place)place)))
			return (enum place)place;
	return PLACE_COUNT;
}

static inline uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ (h >> 32);
}

static inline uint32_t hash_word(const char *p, size_t len)
{
	uint64_t h = len;
	uint64_t v;
	while (len >= 8) {
		memcpy(&v, p, 8);
		h = mix(h, v);
		p += 8;
		len -= 8;
	}
	v = 0;
	for (size_t i = 0; i < len; i++)
		v |= (uint64_t)(uint8_t)p[i] << (8 * i);
	h = mix(h, v);
	return (uint32_t)(h >> 16);
}

/* Whether punctuation between two values makes them one: 1, 2 and 10.0.0.1:80 and a|b, but not "en0: up". */
static bool joins_values(const struct atom *a, bool space_after)
{
	if (a->len != 1 || a->space)
		return false;
	return a->ptr[0] == ',' || (!space_after && strchr(":/-|;.+@#", a->ptr[0]));
}

/* Adds the atom just written to the segments: values that touch become one. */
static void add_segment(struct scan *s, struct atom *a, uint32_t hash)
{
	struct tokens *t = s->t;
	struct segment *last = t->segments_len ? &t->segments[t->segments_len - 1] : NULL;
	bool value = a->kind == ATOM_PLACE || a->soft;
	bool open = (size_t)(a->ptr - s->ptr) < s->value_until;
	if (value || open) {
		if (last && last->kind == SEGMENT_PUNCT && !open && t->segments_len >= 2 && last[-1].kind == SEGMENT_VALUE && joins_values(&t->atoms[last->atom], a->space)) {
			t->segments_len--;
			last--;
		}
		if (last && last->kind == SEGMENT_VALUE) {
			last->atoms = (uint16_t)(t->atoms_len - last->atom);
			return;
		}
	}
	t->segments[t->segments_len++] = (struct segment){
		.hash = value || open ? 1 : hash,
		.atom = (uint16_t)(t->atoms_len - 1),
		.atoms = 1,
		.kind = (uint8_t)(value || open ? SEGMENT_VALUE : a->kind == ATOM_WORD ? SEGMENT_WORD : SEGMENT_PUNCT),
		.space = a->space,
	};
}

static void emit(struct scan *s, enum atom_kind kind, struct slice text, enum place place, bool soft)
{
	struct tokens *t = s->t;
	if (s->full)
		return;
	s->full = t->atoms_len >= TOKENS_ATOMS_MAX || t->segments_len >= TOKENS_SEGMENTS_MAX;
	if (s->full)
		kind = ATOM_PLACE, place = PLACE_ANY;
	struct atom *a = &t->atoms[t->atoms_len++];
	*a = (struct atom){.ptr = text.ptr, .len = (uint32_t)text.len, .kind = (uint8_t)kind, .place = (uint8_t)place, .space = s->space && t->atoms_len > 1, .soft = soft};
	s->space = false;
	uint32_t hash = kind == ATOM_PLACE ? (uint32_t)place + 1 : hash_word(text.ptr, text.len);
	t->detail = mix(t->detail, (uint64_t)hash << 3 | (uint64_t)kind << 1 | a->space);
	add_segment(s, a, hash);
}

static void emit_word(struct scan *s, struct slice text, bool soft)
{
	if (text.len > TOKENS_WORD_MAX)
		emit(s, ATOM_PLACE, text, PLACE_ANY, false);
	else
		emit(s, ATOM_WORD, text, PLACE_ANY, soft);
}

static void emit_punct(struct scan *s, size_t at, size_t len)
{
	if (len > TOKENS_WORD_MAX)
		len = TOKENS_WORD_MAX;
	emit(s, ATOM_PUNCT, slice_of(s->ptr + at, len), PLACE_ANY, false);
}

static unsigned classes_of(struct slice piece)
{
	unsigned classes = 0;
	for (size_t i = 0; i < piece.len; i++)
		classes |= lex_class[(uint8_t)piece.ptr[i]];
	return classes;
}

/* What is the next byte that is not a blank, 0 at the end. */
static char next_solid(const struct scan *s, size_t at)
{
	while (at < s->end && (s->ptr[at] == ' ' || s->ptr[at] == '\t'))
		at++;
	return at < s->end ? s->ptr[at] : 0;
}

static bool closes_value(char c)
{
	return c == 0 || c == ',' || c == ';' || c == ')' || c == ']' || c == '}' || c == '|';
}

static void piece_emit(struct scan *s, struct slice piece, unsigned classes);

static void emit_place(struct scan *s, struct slice piece, enum place place, int64_t duration_ns)
{
	if (place == PLACE_DURATION && s->t->duration_ns < 0)
		s->t->duration_ns = duration_ns;
	emit(s, ATOM_PLACE, piece, place, false);
}

/* Words of letters with few digits behind (eth0, IPV6, ssh2) are names as often as constants. */
static bool few_digits_behind(struct slice piece)
{
	size_t i = 0;
	while (i < piece.len && (lex_class[(uint8_t)piece.ptr[i]] & LEX_LETTER))
		i++;
	size_t letters = i;
	while (i < piece.len && (lex_class[(uint8_t)piece.ptr[i]] & LEX_DIGIT))
		i++;
	return i == piece.len && letters >= 2 && piece.len - letters <= 2;
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
	piece_emit(s, left, classes_of(left));
	emit_punct(s, (size_t)(piece.ptr - s->ptr) + at, len);
	s->expect = piece.ptr[at] == ':' && len == 1 ? EXPECT_WORD : EXPECT_NOTHING;
	if (right.len)
		piece_emit(s, right, classes_of(right));
}

static size_t count_byte(struct slice piece, char c)
{
	size_t n = 0;
	for (size_t i = 0; i < piece.len; i++)
		n += piece.ptr[i] == c;
	return n;
}

/* Characters outside ASCII stand for themselves; what is between them is looked at alone: boundaries must hold next to CJK text. */
static void split_high(struct scan *s, struct slice piece)
{
	size_t from = 0;
	while (from < piece.len) {
		bool high = lex_class[(uint8_t)piece.ptr[from]] & LEX_HIGH;
		size_t i = from + 1;
		while (i < piece.len && (bool)(lex_class[(uint8_t)piece.ptr[i]] & LEX_HIGH) == high)
			i++;
		struct slice part = slice_sub(piece, from, i - from);
		if (high)
			emit_word(s, part, false);
		else
			piece_emit(s, part, classes_of(part));
		from = i;
	}
}

/* Whether a month or weekday follows. */
static bool date_goes_on(const struct scan *s, size_t at)
{
	while (at < s->end && (s->ptr[at] == ' ' || s->ptr[at] == ','))
		at++;
	return at + 3 < s->end && s->ptr[at + 3] == ' ' && lex_calendar(slice_of(s->ptr + at, 3));
}

/* CST in 16:43:15 CST 2023. */
static bool is_zone(const struct scan *s, struct slice piece)
{
	const struct atom *last = s->t->atoms_len ? &s->t->atoms[s->t->atoms_len - 1] : NULL;
	char next = next_solid(s, (size_t)(piece.ptr - s->ptr) + piece.len);
	return piece.len <= 5 && last && last->kind == ATOM_PLACE && last->place == PLACE_TIME && next >= '0' && next <= '9' && (lex_class[(uint8_t)*piece.ptr] & LEX_UPPER);
}

static void word_emit(struct scan *s, struct slice piece)
{
	enum expect expect = s->expect;
	s->expect = EXPECT_NOTHING;
	if (expect == EXPECT_WORD && closes_value(next_solid(s, (size_t)(piece.ptr - s->ptr) + piece.len)) && !lex_state(piece)) {
		emit_word(s, piece, true);
		return;
	}
	if (lex_null(piece)) {
		emit(s, ATOM_PLACE, piece, PLACE_ANY, false);
		return;
	}
	if (is_zone(s, piece)) {
		emit(s, ATOM_PLACE, piece, PLACE_TIME, false);
		return;
	}
	if (lex_calendar(piece)) {
		char next = next_solid(s, (size_t)(piece.ptr - s->ptr) + piece.len);
		if ((next >= '0' && next <= '9') || date_goes_on(s, (size_t)(piece.ptr - s->ptr) + piece.len)) {
			emit(s, ATOM_PLACE, piece, PLACE_TIME, false);
			return;
		}
	}
	emit_word(s, piece, false);
}

static void mixed_emit(struct scan *s, struct slice piece, unsigned classes)
{
	size_t at = split_at(piece);
	if (at) {
		split_emit(s, piece, at);
		return;
	}
	if (!(classes & LEX_DIGIT)) {
		if (count_byte(piece, '.') >= 2 && s->expect != EXPECT_VALUE) {
			s->expect = EXPECT_NOTHING;
			if (lex_exception(piece))
				emit_word(s, piece, false);
			else
				emit(s, ATOM_PLACE, piece, PLACE_ANY, false);
		} else {
			word_emit(s, piece);
		}
		return;
	}
	s->expect = EXPECT_NOTHING;
	at = numbered_word(piece);
	if (at) {
		emit_word(s, slice_sub(piece, 0, at), false);
		emit_punct(s, (size_t)(piece.ptr - s->ptr) + at, 1);
		emit(s, ATOM_PLACE, slice_sub(piece, at + 1, SIZE_MAX), PLACE_NUM, false);
		return;
	}
	if (few_digits_behind(piece))
		emit_word(s, piece, true);
	else
		emit(s, ATOM_PLACE, piece, PLACE_ANY, false);
}

/* The protocol behind a request's path belongs to it: GET /index HTTP/1.1. */
static bool request_goes_on(struct scan *s, struct slice piece)
{
	struct atom *last = s->t->atoms_len ? &s->t->atoms[s->t->atoms_len - 1] : NULL;
	if (!last || last->kind != ATOM_PLACE || (last->place != PLACE_PATH && last->place != PLACE_URL) || !slice_starts(piece, SLICE("HTTP/")))
		return false;
	s->space = false;
	return true;
}

static void piece_emit(struct scan *s, struct slice piece, unsigned classes)
{
	int64_t duration_ns = -1;
	if (!(classes & (LEX_DIGIT | LEX_JOIN | LEX_HIGH))) {
		word_emit(s, piece);
		return;
	}
	enum place place = lex_place(piece, classes, &duration_ns);
	if (request_goes_on(s, piece)) {
		;
	} else if (place != PLACE_COUNT) {
		s->expect = EXPECT_NOTHING;
		emit_place(s, piece, place, duration_ns);
	} else if ((classes & LEX_HIGH) && (classes & (unsigned)~LEX_HIGH)) {
		split_high(s, piece);
	} else {
		mixed_emit(s, piece, classes);
	}
}

static char closing(char open)
{
	return open == '(' ? ')' : open == '[' ? ']' : '}';
}

/* Offset of the bracket that closes the one at pos; *structured tells whether what is between is a printed value. SIZE_MAX if it never closes. */
static size_t bracket_end(struct scan *s, bool *structured)
{
	char stack[64];
	size_t depth = 0;
	*structured = false; /* told for a bracket that never closes too */
	size_t limit = s->end - s->pos < s->bracket_work ? s->end : s->pos + s->bracket_work;
	for (size_t i = s->pos; i < limit; i++) {
		char c = s->ptr[i];
		if (!(lex_class[(uint8_t)c] & (LEX_END | LEX_JOIN)))
			continue;
		if (c == '(' || c == '[' || c == '{') {
			if (depth == sizeof(stack))
				break;
			stack[depth++] = closing(c);
		} else if (c == ')' || c == ']' || c == '}') {
			if (stack[depth - 1] != c)
				break;
			if (--depth == 0) {
				s->bracket_work -= i - s->pos;
				return i;
			}
		} else if (c == ',' || c == '"' || (c == ':' && s->ptr[s->pos] != '{' && i > s->pos + 1 && i + 1 < limit && s->ptr[i + 1] == ' ')) {
			*structured = true;
		}
	}
	s->bracket_work -= limit - s->pos < s->bracket_work ? limit - s->pos : s->bracket_work;
	return SIZE_MAX;
}

enum { DETAIL_MAX = 160 }; /* a printed value longer than this is one place in the text too */

/* What stands behind name= is a value whatever it looks like. */
static void value_emit(struct scan *s, struct slice piece, unsigned classes)
{
	int64_t duration_ns = -1;
	enum place place = (classes & (LEX_DIGIT | LEX_JOIN)) ? lex_place(piece, classes, &duration_ns) : PLACE_COUNT;
	s->expect = EXPECT_NOTHING;
	size_t at = (size_t)(piece.ptr - s->ptr) + piece.len;
	bool structured;
	if (place == PLACE_COUNT && at == s->pos && at < s->end && (s->ptr[at] == '(' || s->ptr[at] == '{' || s->ptr[at] == '[') && at >= s->value_until && s->bracket_work) {
		size_t end = bracket_end(s, &structured);
		if (end != SIZE_MAX && end - at <= DETAIL_MAX) {
			s->value_until = end + 1;
			emit_word(s, piece, true);
			return;
		}
		if (end != SIZE_MAX) {
			s->pos = end + 1;
			piece.len = s->pos - (size_t)(piece.ptr - s->ptr);
		}
	}
	emit_place(s, piece, place == PLACE_COUNT ? PLACE_ANY : place, duration_ns);
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

static void chunk(struct scan *s)
{
	size_t from = s->pos;
	size_t i = from;
	unsigned classes = 0;
	while (i < s->end && !(lex_class[(uint8_t)s->ptr[i]] & LEX_END))
		classes |= lex_class[(uint8_t)s->ptr[i++]];
	if (i < s->end && (classes & LEX_JOIN) && (s->ptr[i] == '=' || s->ptr[i] == ';' || s->ptr[i] == ',') && memchr(s->ptr + from, '?', i - from))
		i = query_end(s, from, i, &classes);
	s->pos = i;
	struct slice piece = slice_of(s->ptr + from, i - from);
	if (!(classes & (LEX_DIGIT | LEX_JOIN | LEX_HIGH)) && s->expect == EXPECT_NOTHING) {
		word_emit(s, piece);
		return;
	}
	size_t front = 0;
	size_t back = 0;
	if (classes & LEX_JOIN) {
		front = front_len(piece);
		if (front)
			emit_punct(s, from, front);
		while (piece.len - back > front && (strips_back(piece.ptr[piece.len - back - 1]) || (s->template && strchr("@#", piece.ptr[piece.len - back - 1]))))
			back++;
		piece = slice_sub(piece, front, piece.len - front - back);
		classes = classes_of(piece);
	}
	bool key = back == 0 && i < s->end && s->ptr[i] == '=' && !(i + 1 < s->end && s->ptr[i + 1] == '=') && (classes & LEX_LETTER);
	if (piece.len == 0)
		;
	else if (s->expect == EXPECT_VALUE)
		value_emit(s, piece, classes);
	else if (key && !(classes & LEX_JOIN))
		emit_word(s, piece, false);
	else
		piece_emit(s, piece, classes);
	s->expect = EXPECT_NOTHING;
	if (back) {
		emit_punct(s, i - back, back);
		if (back == 1 && s->ptr[i - 1] == ':' && piece.len)
			s->expect = EXPECT_WORD;
	}
}


static bool after_section(const struct scan *s)
{
	const struct atom *last = &s->t->atoms[s->t->atoms_len - 1];
	return last->kind == ATOM_PUNCT && last->len == 1 && last->ptr[0] == ']';
}

enum { CUT_MIN = 200 };

/* A long printed value that never closes was cut off by whoever carried the message: one value up to the end, and all that is open closes behind it,
 * so that the message meets its uncut kin. */
static void cut_value(struct scan *s)
{
	static const char closers[] = ")]}";
	char close = closing(s->ptr[s->pos]);
	emit_punct(s, s->pos++, 1);
	emit(s, ATOM_PLACE, slice_of(s->ptr + s->pos, s->end - s->pos), PLACE_ANY, false);
	s->pos = s->end;
	s->value_until = 0;
	for (;;) {
		emit(s, ATOM_PUNCT, slice_of(strchr(closers, close), 1), PLACE_ANY, false);
		if (s->open_len == 0)
			return;
		close = s->open[--s->open_len];
	}
}

static void open_bracket(struct scan *s)
{
	bool structured = false;
	bool glued = s->pos > 0 && !s->space;
	bool section = s->ptr[s->pos] == '[' && s->expect == EXPECT_NOTHING && (s->t->atoms_len == 0 || after_section(s));
	size_t end = s->pos < s->value_until || s->bracket_work == 0 ? SIZE_MAX : bracket_end(s, &structured);
	bool forced = s->expect != EXPECT_NOTHING;
	s->expect = EXPECT_NOTHING;
	if (end == SIZE_MAX && !section && structured && s->end - s->pos > CUT_MIN) {
		cut_value(s);
		return;
	}
	if (end == SIZE_MAX || section || !(structured || forced)) {
		if (s->open_len < sizeof(s->open))
			s->open[s->open_len++] = closing(s->ptr[s->pos]);
		emit_punct(s, s->pos++, 1);
		if (end == s->pos && !section && !glued)
			emit(s, ATOM_WORD, slice_of(s->ptr + s->pos, 0), PLACE_ANY, true);
		return;
	}
	emit_punct(s, s->pos++, 1);
	if (end == s->pos) {
		if (!glued || forced)
			emit(s, ATOM_WORD, slice_of(s->ptr + s->pos, 0), PLACE_ANY, true);
	} else if ((structured || forced) && end - s->pos > DETAIL_MAX) {
		emit(s, ATOM_PLACE, slice_of(s->ptr + s->pos, end - s->pos), PLACE_ANY, false);
		s->pos = end;
		s->space = false;
	} else if (structured || forced) {
		s->value_until = end;
	}
}

static void quote(struct scan *s)
{
	char c = s->ptr[s->pos];
	size_t from = s->pos + 1;
	bool inside_word = s->pos > 0 && (lex_class[(uint8_t)s->ptr[s->pos - 1]] & (LEX_LETTER | LEX_DIGIT)) && !s->space;
	size_t room = s->end - from < 1024 ? s->end - from : 1024;
	const char *close = inside_word || s->pos < s->value_until || s->quote_end != SIZE_MAX ? NULL : memchr(s->ptr + from, c, room);
	if (s->quote_end == s->pos)
		s->quote_end = SIZE_MAX;
	emit_punct(s, s->pos++, 1);
	enum expect expect = s->expect;
	s->expect = EXPECT_NOTHING;
	if (!close)
		return;
	struct slice inside = slice_of(s->ptr + from, (size_t)(close - s->ptr) - from);
	unsigned classes = classes_of(inside);
	if (inside.len == 0) {
		emit(s, ATOM_WORD, inside, PLACE_ANY, true);
	} else if (expect == EXPECT_VALUE || (expect == EXPECT_WORD && inside.len > TOKENS_WORD_MAX)) {
		value_emit(s, inside, classes);
	} else if (!memchr(inside.ptr, ' ', inside.len)) {
		int64_t duration_ns = -1;
		enum place place = (classes & (LEX_DIGIT | LEX_JOIN)) ? lex_place(inside, classes, &duration_ns) : PLACE_COUNT;
		if (place != PLACE_COUNT)
			emit_place(s, inside, place, duration_ns);
		else
			emit_word(s, inside, !lex_state(inside));
	} else {
		s->quote_end = (size_t)(close - s->ptr);
		return;
	}
	s->pos = (size_t)(close - s->ptr);
	emit_punct(s, s->pos++, 1);
}

static void equals(struct scan *s)
{
	size_t from = s->pos;
	bool spaced = s->space;
	while (s->pos < s->end && (s->ptr[s->pos] == '=' || (s->ptr[s->pos] == '>' && s->pos == from + 1)))
		s->pos++;
	emit_punct(s, from, s->pos - from);
	s->expect = EXPECT_NOTHING;
	if (s->pos - from != 1 || s->ptr[from] != '=')
		return;
	bool blank = s->pos == s->end || s->ptr[s->pos] == ' ';
	if (!spaced && (blank || closes_value(s->ptr[s->pos])))
		emit(s, ATOM_WORD, slice_of(s->ptr + s->pos, 0), PLACE_ANY, true);
	else
		s->expect = EXPECT_VALUE;
}

static bool template_place(struct scan *s)
{
	struct slice rest = slice_of(s->ptr + s->pos, s->end - s->pos);
	enum place place = place_at(rest);
	if (place == PLACE_COUNT)
		return false;
	s->expect = EXPECT_NOTHING;
	emit(s, ATOM_PLACE, slice_sub(rest, 0, place_text(place).len), place, false);
	s->pos += place_text(place).len;
	return true;
}

static void delimiter(struct scan *s)
{
	switch (s->ptr[s->pos]) {
	case '<':
		if (s->template && template_place(s))
			break;
		s->expect = EXPECT_NOTHING;
		emit_punct(s, s->pos++, 1);
		break;
	case '(':
	case '[':
	case '{':
		open_bracket(s);
		break;
	case ')':
	case ']':
	case '}':
		if (s->open_len && s->open[s->open_len - 1] == s->ptr[s->pos])
			s->open_len--;
		s->expect = EXPECT_NOTHING;
		emit_punct(s, s->pos++, 1);
		break;
	case '"':
	case '\'':
		quote(s);
		break;
	case '=':
		equals(s);
		break;
	default:
		s->expect = EXPECT_NOTHING;
		emit_punct(s, s->pos++, 1);
	}
}

static bool is_blank(char c)
{
	return (uint8_t)c <= ' ' || c == 0x7f;
}

static void finish(struct tokens *t)
{
	uint64_t h = 0;
	for (size_t i = 0; i < t->segments_len; i++) {
		struct segment *g = &t->segments[i];
		h = mix(h, (uint64_t)g->hash << 3 | (uint64_t)g->kind << 1 | g->space);
	}
	t->identity = mix(h, t->segments_len);
}

static char punct_of(const struct tokens *t, const struct segment *g)
{
	return g->kind == SEGMENT_PUNCT && t->atoms[g->atom].len == 1 ? t->atoms[g->atom].ptr[0] : 0;
}

/* Whether the segments [from, to), which no blank parts, are as a whole one value: LOCAL(0) or #3#, but not name=3. */
static bool is_glued_value(const struct tokens *t, size_t from, size_t to)
{
	bool value = false;
	if (punct_of(t, &t->segments[from]) == '[' || punct_of(t, &t->segments[from]) == '{')
		return false;
	for (size_t i = from; i < to; i++) {
		value = value || t->segments[i].kind == SEGMENT_VALUE;
		char c = punct_of(t, &t->segments[i]);
		if (c == '=' || (c == ':' && i > from && t->segments[i - 1].kind == SEGMENT_WORD))
			return false;
	}
	return value;
}

static size_t count_punct(const struct tokens *t, size_t from, size_t to, char c)
{
	size_t n = 0;
	for (size_t i = from; i < to; i++)
		n += punct_of(t, &t->segments[i]) == c;
	return n;
}

/* Where the chunk's text ends: punctuation of the sentence and brackets that were opened before it stay outside. */
static size_t chunk_core_end(const struct tokens *t, size_t from, size_t to)
{
	for (; to > from + 1; to--) {
		char c = punct_of(t, &t->segments[to - 1]);
		bool open = (c == ')' && count_punct(t, from, to, '(') < count_punct(t, from, to, ')')) || (c == ']' && count_punct(t, from, to, '[') < count_punct(t, from, to, ']'));
		if (!open && (c == 0 || !strchr(",;.:", c)))
			break;
	}
	return to;
}

static size_t chunk_core_start(const struct tokens *t, size_t from, size_t to)
{
	while (from + 1 < to) {
		char c = punct_of(t, &t->segments[from]);
		bool open = (c == '(' && count_punct(t, from, to, '(') > count_punct(t, from, to, ')')) || (c == '[' && count_punct(t, from, to, '[') > count_punct(t, from, to, ']'));
		if (!open)
			break;
		from++;
	}
	return from;
}

uint64_t tokens_coarse(const struct tokens *t, bool *pure)
{
	uint64_t h = 0;
	bool after_value = false;
	bool words = false;
	*pure = true;
	for (size_t i = 0; i < t->segments_len;) {
		size_t to = i + 1;
		while (to < t->segments_len && !t->segments[to].space)
			to++;
		size_t start = chunk_core_start(t, i, to);
		size_t end = chunk_core_end(t, start, to);
		bool glued = end - start > 1 && is_glued_value(t, start, end);
		for (; i < to; i++) {
			const struct segment *g = &t->segments[i];
			bool inside = glued && i >= start && i < end;
			bool value = inside || g->kind == SEGMENT_VALUE;
			if (!(value && after_value))
				h = mix(h, value ? 1 : (uint64_t)g->hash << 3 | (uint64_t)g->kind << 1);
			after_value = value;
			words = words || (!value && g->kind == SEGMENT_WORD);
		}
		*pure = *pure && !glued;
	}
	return words ? h : t->identity;
}

static void scan(struct tokens *t, struct slice message, bool template)
{
	size_t len = message.len < TOKENS_BYTES_MAX ? message.len : TOKENS_BYTES_MAX;
	struct scan s = {.t = t, .ptr = message.ptr, .quote_end = SIZE_MAX, .bracket_work = 4 * len, .template = template};
	const char *line = len ? memchr(message.ptr, '\n', len) : NULL;
	s.end = line ? (size_t)(line - message.ptr) : len;
	t->atoms_len = t->segments_len = 0;
	t->detail = 0;
	t->duration_ns = -1;
	while (s.pos < s.end && !s.full) {
		char c = s.ptr[s.pos];
		if (is_blank(c)) {
			s.space = true;
			s.pos++;
		} else if (lex_class[(uint8_t)c] & LEX_END) {
			delimiter(&s);
		} else {
			chunk(&s);
		}
	}
	finish(t);
}

void tokens_scan(struct tokens *t, struct slice message)
{
	scan(t, message, false);
}

void tokens_scan_template(struct tokens *t, struct slice text)
{
	scan(t, text, true);
}
