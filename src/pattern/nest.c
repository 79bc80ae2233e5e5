/* SPDX-License-Identifier: Apache-2.0 */
/* Brackets, quotes and other delimiters. A bracket that holds a list, quotes or "name: value" is one printed value whatever its length and depth; one that
 * holds plain words is text. Long values are skipped without being looked into. */
#include "pattern/scan.h"

static char closing(char open)
{
	return open == '(' ? ')' : open == '[' ? ']' : '}';
}

/* End of the name at i, or i. */
static size_t name_end(const struct scan *s, size_t i)
{
	while (i < s->end && (lex_class[(uint8_t)s->ptr[i]] & (LEX_LETTER | LEX_DIGIT | LEX_UNDER)))
		i++;
	return i;
}

/* {Id:7 Name:x}, map[a:1 b:2], { 'a' => 1 }: what Go prints has no commas, and what has one field has none either. */
static bool has_fields(const struct scan *s, size_t pos)
{
	if (s->ptr[pos] == '[')
		return pos >= 3 && memcmp(s->ptr + pos - 3, "map", 3) == 0 && (pos == 3 || (lex_class[(uint8_t)s->ptr[pos - 4]] & (LEX_END | LEX_JOIN)));
	if (s->ptr[pos] != '{')
		return false;
	if (scan_next(s, pos + 1) == '\'')
		return true;
	size_t end = name_end(s, pos + 1);
	return end > pos + 1 && end + 1 < s->end && s->ptr[end] == ':' && !strchr(" :/", s->ptr[end + 1]);
}

/* (words=[a, b]): the only thing in it is a name's value, which may have no commas another time. */
static bool one_value(const struct scan *s, const struct bracket *b)
{
	size_t end = name_end(s, b->open + 1);
	const struct brackets *all = &s->t->brackets;
	if (s->ptr[b->open] != '(' || end == b->open + 1 || end >= s->end || s->ptr[end] != '=' || b + 1 >= all->items + all->len)
		return false;
	return b[1].open == end + 1 && b[1].close != BRACKET_NONE && b[1].close + 1 == b->close;
}

size_t nest_bracket_end(struct scan *s, size_t pos, bool *structured)
{
	if (!s->paired) {
		brackets_find(&s->t->brackets, s->ptr, pos, s->end);
		s->paired = true;
	}
	const struct bracket *b = brackets_at(&s->t->brackets, pos);
	*structured = b && ((b->listed && !one_value(s, b)) || (b->named && s->ptr[pos] != '{') || has_fields(s, pos));
	return b && b->close != BRACKET_NONE ? b->close : SIZE_MAX;
}

static bool after_section(const struct scan *s)
{
	const struct atom *last = scan_last(s);
	return last && last->kind == ATOM_PUNCT && last->len == 1 && last->ptr[0] == ']';
}

enum { CUT_MIN = 200 };

/* A long printed value that never closes was cut off by whoever carried the message: one value up to the end, and all that is open closes behind it,
 * so that the message meets its uncut kin. */
static void cut_value(struct scan *s, char close)
{
	static const char closers[] = ")]}>";
	emit_punct(s, s->pos++, 1);
	emit_place(s, slice_of(s->ptr + s->pos, s->end - s->pos), PLACE_ANY, -1);
	s->pos = s->end;
	s->value_until = 0;
	for (;;) {
		emit_text(s, strchr(closers, close), 1);
		if (s->open_len == 0)
			return;
		close = s->open[--s->open_len];
	}
}

/* [like][this] at the head of a message, or a message that is an object: text with keys, whatever it holds. */
static bool is_section(const struct scan *s)
{
	if (s->expect != EXPECT_NOTHING)
		return false;
	return (s->ptr[s->pos] == '[' && (s->t->atoms_len == 0 || after_section(s))) || (s->ptr[s->pos] == '{' && s->t->atoms_len == 0);
}

/* A bracket that is text: its inside is scanned like the rest. */
static void open_text(struct scan *s, size_t end, bool show_nothing)
{
	if (s->open_len < sizeof(s->open))
		s->open[s->open_len++] = closing(s->ptr[s->pos]);
	emit_punct(s, s->pos++, 1);
	if (end == s->pos && show_nothing)
		emit_nothing(s);
}

/* A bracket that holds a value: a large one is one place, a small one is shown in detail. */
static void open_value(struct scan *s, size_t end, bool show_nothing)
{
	emit_punct(s, s->pos++, 1);
	if (end == s->pos) {
		if (show_nothing)
			emit_nothing(s);
	} else if (end - s->pos > NEST_DETAIL_MAX) {
		emit_place(s, slice_of(s->ptr + s->pos, end - s->pos), PLACE_ANY, -1);
		s->pos = end;
		s->space = false;
	} else {
		s->value_until = end;
	}
}

static void open_bracket(struct scan *s)
{
	bool structured = false;
	bool glued = s->pos > 0 && !s->space;
	bool section = is_section(s);
	size_t end = s->pos < s->value_until ? SIZE_MAX : nest_bracket_end(s, s->pos, &structured);
	bool forced = s->expect != EXPECT_NOTHING;
	s->expect = EXPECT_NOTHING;
	if (end == SIZE_MAX && !section && structured && s->end - s->pos > CUT_MIN)
		cut_value(s, closing(s->ptr[s->pos]));
	else if (end == SIZE_MAX || section || !(structured || forced))
		open_text(s, end, !section && !glued);
	else
		open_value(s, end, !glued || forced);
}

/* Mozilla/5.0 (...) ..., curl/7.68: what clients call themselves. */
static bool is_agent(struct slice inside)
{
	size_t i = 0;
	while (i < inside.len && (lex_class[(uint8_t)inside.ptr[i]] & (LEX_LETTER | LEX_UNDER) || inside.ptr[i] == '-'))
		i++;
	return i > 1 && i + 1 < inside.len && inside.ptr[i] == '/' && (lex_class[(uint8_t)inside.ptr[i + 1]] & LEX_DIGIT);
}

/* What a quote holds that has no blanks. */
static void quoted_word(struct scan *s, struct slice inside, unsigned classes, bool field)
{
	int64_t duration_ns = -1;
	enum place place = (classes & (LEX_DIGIT | LEX_JOIN)) ? lex_place(inside, classes, &duration_ns) : PLACE_COUNT;
	bool key = scan_next(s, scan_end_of(s, inside) + 1) == ':' && s->ptr[s->pos - 1] == '"';
	if (key) {
		s->key_class = word_class(word_hash(inside));
		s->key_end = scan_end_of(s, inside) + 1;
		emit_word(s, inside, false);
	} else if (place != PLACE_COUNT) {
		emit_place(s, inside, place, duration_ns);
	} else {
		emit_word(s, inside, field ? !(s->key_class & WORD_TEXTY) : !(word_class(word_hash(inside)) & WORD_STATE) && !word_is_enumerator(inside));
	}
}

/* Handles what stands in the quote; false if it is text that the scan goes on with. */
static bool quoted_value(struct scan *s, struct slice inside, enum expect expect)
{
	unsigned classes = scan_classes(inside);
	if (inside.len == 0)
		emit_nothing(s);
	else if (expect == EXPECT_VALUE || (expect == EXPECT_WORD && inside.len > TOKENS_WORD_MAX))
		piece_value(s, inside, classes);
	else if (!memchr(inside.ptr, ' ', inside.len))
		quoted_word(s, inside, classes, expect == EXPECT_FIELD);
	else if ((expect == EXPECT_FIELD && !(s->key_class & WORD_TEXTY)) || is_agent(inside))
		piece_value(s, inside, classes);
	else
		return false;
	return true;
}

/* Search for "blue mug": several words in quotes behind a word are a value, unless they are a request, or a message with fields behind it. */
static bool is_phrase(const struct scan *s, struct slice inside, bool behind_word)
{
	size_t first = slice_find(inside, ' ', 0);
	size_t behind = scan_end_of(s, inside) + 1;
	size_t end = behind < s->end && s->ptr[behind] == ' ' ? name_end(s, behind + 1) : behind;
	return behind_word && !(word_class(word_hash(slice_sub(inside, 0, first))) & WORD_METHOD) && !(end < s->end && end > behind + 1 && s->ptr[end] == '=');
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
	enum expect expect = s->expect;
	const struct atom *last = scan_last(s);
	bool behind_word = s->space && last && last->kind == ATOM_WORD && !last->soft;
	emit_punct(s, s->pos++, 1);
	s->expect = EXPECT_NOTHING;
	if (!close)
		return;
	size_t end = (size_t)(close - s->ptr);
	if (quoted_value(s, slice_of(s->ptr + from, end - from), expect)) {
		s->pos = end;
		emit_punct(s, s->pos++, 1);
	} else {
		s->quote_end = end;
		if (is_phrase(s, slice_of(s->ptr + from, end - from), behind_word))
			s->value_until = end;
	}
}

static void equals(struct scan *s)
{
	size_t from = s->pos;
	bool spaced = s->space;
	bool texty = s->last_class & WORD_TEXTY;
	while (s->pos < s->end && (s->ptr[s->pos] == '=' || (s->ptr[s->pos] == '>' && s->pos == from + 1)))
		s->pos++;
	emit_punct(s, from, s->pos - from);
	s->expect = EXPECT_NOTHING;
	if (s->pos - from != 1)
		return;
	bool blank = s->pos == s->end || s->ptr[s->pos] == ' ';
	if (!spaced && (blank || scan_closes_value(s->ptr[s->pos])))
		emit_nothing(s);
	else if (!texty)
		s->expect = EXPECT_VALUE;
}

/* <NUM>, <*>, <private>: what somebody masked before us. Its length, or 0. */
static size_t masked_len(struct slice rest)
{
	static const char *const marks[] = {"<*>", "<nil>", "<null>", "<none>", "<private>", "<redacted>", "<masked>", "<hidden>"};
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (slice_starts(rest, slice_str(marks[i])))
			return strlen(marks[i]);
	size_t len = 1;
	while (len < rest.len && len < 24 && (lex_class[(uint8_t)rest.ptr[len]] & (LEX_UPPER | LEX_UNDER)))
		len++;
	return len > 2 && len < rest.len && rest.ptr[len] == '>' ? len + 1 : 0;
}

/* <1 sec, >5 min: a duration with what it is compared by. Its length, or 0. */
static size_t compared_len(struct slice rest)
{
	size_t digits = 1;
	while (digits < rest.len && (lex_class[(uint8_t)rest.ptr[digits]] & LEX_DIGIT))
		digits++;
	size_t unit = digits < rest.len && rest.ptr[digits] == ' ' ? digits + 1 : digits;
	size_t end = unit;
	while (end < rest.len && (lex_class[(uint8_t)rest.ptr[end]] & LEX_LETTER))
		end++;
	return digits > 1 && lex_is_time_unit(slice_sub(rest, unit, end - unit)) ? end : 0;
}

/* <200,Response(...),[...]>: a pair or response printed between angles, perhaps cut off. */
static bool angle_value(struct scan *s, struct slice rest)
{
	size_t i = 1;
	while (i < rest.len && (lex_class[(uint8_t)rest.ptr[i]] & LEX_DIGIT))
		i++;
	if (rest.ptr[0] != '<' || i == 1 || i >= rest.len || rest.ptr[i] != ',' || s->pos < s->value_until)
		return false;
	const char *close = memrchr(rest.ptr, '>', rest.len);
	if (!close && rest.len > CUT_MIN) {
		cut_value(s, '>');
		return true;
	}
	if (!close)
		return false;
	emit_punct(s, s->pos++, 1);
	size_t end = (size_t)(close - s->ptr);
	emit_place(s, slice_of(s->ptr + s->pos, end - s->pos), PLACE_ANY, -1);
	s->pos = end;
	emit_punct(s, s->pos++, 1);
	return true;
}

static void angle(struct scan *s)
{
	struct slice rest = slice_of(s->ptr + s->pos, s->end - s->pos);
	if (angle_value(s, rest)) {
		s->expect = EXPECT_NOTHING;
		return;
	}
	size_t len = masked_len(rest);
	if (len == 0)
		len = compared_len(rest);
	s->expect = EXPECT_NOTHING;
	if (len == 0) {
		emit_punct(s, s->pos++, 1);
		return;
	}
	emit_place(s, slice_sub(rest, 0, len), PLACE_ANY, -1);
	s->pos += len;
}

static bool template_place(struct scan *s)
{
	struct slice rest = slice_of(s->ptr + s->pos, s->end - s->pos);
	enum place place = place_at(rest);
	if (place == PLACE_COUNT)
		return false;
	s->expect = EXPECT_NOTHING;
	emit_place(s, slice_sub(rest, 0, place_text(place).len), place, -1);
	s->pos += place_text(place).len;
	return true;
}

/* a,b,c behind "name: " is a list of values, and a, b, c behind "names: ". */
static bool list_goes_on(const struct scan *s)
{
	const struct atom *last = scan_last(s);
	size_t next = s->pos + 1;
	if (!last || !last->soft || !last->len || s->space || s->ptr[s->pos] != ',')
		return false;
	next += s->plural && next < s->end && s->ptr[next] == ' ';
	return next < s->end && !(lex_class[(uint8_t)s->ptr[next]] & LEX_END);
}

void nest_delimiter(struct scan *s)
{
	switch (s->ptr[s->pos]) {
	case '<':
	case '>':
		if (!s->template || !template_place(s))
			angle(s);
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
		s->expect = list_goes_on(s) ? EXPECT_WORD : EXPECT_NOTHING;
		emit_punct(s, s->pos++, 1);
	}
}
