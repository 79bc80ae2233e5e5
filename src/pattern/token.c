/* SPDX-License-Identifier: Apache-2.0 */
/* The token classifier: one pass over a message gives atoms, and over them segments.
 *
 * An ATOM is a word, a run of punctuation, or a place (a number, an address, ...). Blanks are not atoms; an atom knows whether one stood before it. Atoms
 * decide the TEXT of a template. A SEGMENT is a word, punctuation, or a value; segments decide IDENTITY. A value is one or more atoms: places, and words that
 * stand where values stand ("soft" words: eth0, name: word, "quoted", user X). Values that touch, or that only commas, colons, slashes, dashes, bars part, are
 * one value, so that lists of any length are the same. Two messages are of one identity when their segments agree: kind, blank before it, and for words and
 * punctuation the bytes. That two messages agree is a matter of their bytes alone, never of what was seen before: this is what lets ids agree everywhere.
 *
 *     bytes      "link eth0 up at Rect(1, 2) for user root"
 *     atoms      link | eth0 soft | up | at | Rect | ( | 1 num | , | 2 num | ) | for | user | root soft
 *     segments   link | VALUE | up | at | Rect | ( | VALUE | ) | for | user | VALUE
 *     identity   link <*> up at Rect(<*>) for user <*>
 *     text       link eth0 up at Rect(<num>, <num>) for user root          (until another eth or another user is seen)
 *
 * What makes a word SOFT, in the order in which it is asked; all of it looks at the bytes around and nothing else:
 *   - it stands behind name= (then it is a place at once, and reaches to the next field or closing bracket: piece_value);
 *   - it is a field of JSON, "name": word, unless the name is msg or its like (WORD_TEXTY), whose value is text;
 *   - it stands alone behind "name: ", or in a list behind a plural and a colon, and is no state or UPPER_CASE name;
 *   - it is one word in quotes and no state, or several in quotes behind a word (nest.c), but not a request and not a message with fields behind it;
 *   - a word in front announces it (user X, partition X), or those around do (for X from, from Xyz): name.c;
 *   - it is a unit or currency beside a number, a host in front of :port, a file's name, a content type, a locale;
 *   - it ends in one or two digits (eth0, G1).
 * What is a PLACE at once, by form: numbers, sizes, durations, times, addresses, paths, URLs, ids (lexeme.c), other mixes of letters and digits, null, names with
 * two dots or more, words of more than TOKENS_WORD_MAX bytes. A bracket that holds a list, quotes, "name: " or Go's name:value makes everything up to its end one
 * value; in detail up to NEST_DETAIL_MAX bytes, else as one place.
 *
 * Parts: piece.c (what no blank parts), name.c (words: names, units, parts of dates), nest.c (brackets, quotes, =), trace.c (lines behind the first), lexeme.c (forms of values),
 * word.c (the few words that say what stands beside them), bracket.c (which bracket closes which).
 *
 * A template's text reads back (tokens_scan_template) to the identity it came from; a test holds this over many messages. So a shard that learns a
 * pattern's text from another can compare messages with it.
 *
 * Bounds: TOKENS_BYTES_MAX bytes of a message are looked at, TOKENS_ATOMS_MAX atoms kept; what is behind is one value. A word of more than TOKENS_WORD_MAX
 * bytes is a value. */
#include "pattern/token.h"

#include "pattern/scan.h"

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

unsigned scan_classes(struct slice piece)
{
	unsigned classes = 0;
	for (size_t i = 0; i < piece.len; i++)
		classes |= lex_class[(uint8_t)piece.ptr[i]];
	return classes;
}

char scan_next(const struct scan *s, size_t at)
{
	while (at < s->end && (s->ptr[at] == ' ' || s->ptr[at] == '\t'))
		at++;
	return at < s->end ? s->ptr[at] : 0;
}

bool scan_closes_value(char c)
{
	return c == 0 || c == '\xef' /* a wide comma */ || c == ',' || c == ';' || c == ')' || c == ']' || c == '}' || c == '|';
}

/* Whether punctuation between two values makes them one: 1, 2 and 10.0.0.1:80 and a|b, but not "en0: up". */
static bool joins_values(const struct atom *a, bool space_after)
{
	if (a->len != 1 || a->space)
		return false;
	return a->ptr[0] == ',' || (!space_after && strchr(":/-|;.+@#", a->ptr[0]));
}

/* Adds the atom just written to the segments: values that touch become one. */
/* Takes the value's atom into the value segment before it, over a joining mark if there is one; false if there is none. */
static bool extend_value(struct tokens *t, const struct atom *a, bool open)
{
	if (t->segments_len == 0)
		return false;
	struct segment *last = &t->segments[t->segments_len - 1];
	if (last->kind == SEGMENT_PUNCT && !open && t->segments_len >= 2 && last[-1].kind == SEGMENT_VALUE && joins_values(&t->atoms[last->atom], a->space)) {
		t->segments_len--;
		last--;
	}
	if (last->kind != SEGMENT_VALUE)
		return false;
	last->atoms = (uint16_t)(t->atoms_len - last->atom);
	return true;
}

static void add_segment(struct scan *s, struct atom *a, uint32_t hash)
{
	struct tokens *t = s->t;
	bool open = (size_t)(a->ptr - s->ptr) < s->value_until;
	bool value = open || a->kind == ATOM_PLACE || a->soft;
	if (value && extend_value(t, a, open))
		return;
	t->segments[t->segments_len++] = (struct segment){
		.hash = value ? 1 : hash,
		.atom = (uint16_t)(t->atoms_len - 1),
		.atoms = 1,
		.kind = (uint8_t)(value ? SEGMENT_VALUE : a->kind == ATOM_WORD ? SEGMENT_WORD : SEGMENT_PUNCT),
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
	uint32_t hash = kind == ATOM_PLACE ? (uint32_t)place + 1 : word_hash(text);
	t->detail = scan_mix(t->detail, (uint64_t)hash << 3 | (uint64_t)kind << 1 | a->space);
	s->last_class = kind == ATOM_WORD && !soft ? word_class(hash) : 0;
	s->in_date = s->in_name = false;
	add_segment(s, a, hash);
}

void emit_word(struct scan *s, struct slice text, bool soft)
{
	if (text.len > TOKENS_WORD_MAX)
		emit(s, ATOM_PLACE, text, PLACE_ANY, false);
	else
		emit(s, ATOM_WORD, text, PLACE_ANY, soft);
}

void emit_nothing(struct scan *s)
{
	emit(s, ATOM_WORD, slice_of(s->ptr + s->pos, 0), PLACE_ANY, true);
}

void emit_text(struct scan *s, const char *literal, size_t len)
{
	emit(s, ATOM_PUNCT, slice_of(literal, len), PLACE_ANY, false);
}

void emit_punct(struct scan *s, size_t at, size_t len)
{
	emit_text(s, s->ptr + at, len > TOKENS_WORD_MAX ? TOKENS_WORD_MAX : len);
}

/* Date and time of day are one place, however many pieces they were printed in. */
static bool date_goes_on(struct scan *s, struct slice piece, enum place place)
{
	struct atom *last = scan_last(s);
	if (!last || last->kind != ATOM_PLACE || last->place != PLACE_TIME)
		return false;
	bool zone = piece.len == 5 && (piece.ptr[0] == '+' || piece.ptr[0] == '-');
	return place == PLACE_TIME || (place == PLACE_NUM && (s->in_date || zone));
}

void emit_place(struct scan *s, struct slice piece, enum place place, int64_t duration_ns)
{
	if (place == PLACE_DURATION && !s->t->duration) {
		s->t->duration_ns = duration_ns;
		s->t->duration = piece.ptr;
	}
	if (date_goes_on(s, piece, place)) {
		s->space = false;
		return;
	}
	emit(s, ATOM_PLACE, piece, place, false);
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
		h = scan_mix(h, (uint64_t)g->hash << 3 | (uint64_t)g->kind << 1 | g->space);
	}
	t->identity = scan_mix(h, t->segments_len);
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

/* End of the chunk that begins at i: the next segment behind a blank. */
static size_t chunk_to(const struct tokens *t, size_t i)
{
	size_t to = i + 1;
	while (to < t->segments_len && !t->segments[to].space)
		to++;
	return to;
}

uint64_t tokens_coarse(const struct tokens *t, bool *pure)
{
	uint64_t h = 0;
	bool after_value = false;
	bool words = false;
	*pure = true;
	for (size_t i = 0; i < t->segments_len;) {
		size_t to = chunk_to(t, i);
		size_t start = chunk_core_start(t, i, to);
		size_t end = chunk_core_end(t, start, to);
		bool glued = end - start > 1 && is_glued_value(t, start, end);
		for (; i < to; i++) {
			const struct segment *g = &t->segments[i];
			bool inside = glued && i >= start && i < end;
			bool value = inside || g->kind == SEGMENT_VALUE;
			if (!(value && after_value))
				h = scan_mix(h, value ? 1 : (uint64_t)g->hash << 3 | (uint64_t)g->kind << 1);
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
	struct scan s = {.t = t, .ptr = message.ptr, .quote_end = SIZE_MAX, .template = template};
	const char *line = len ? memchr(message.ptr, '\n', len) : NULL;
	s.end = line ? (size_t)(line - message.ptr) : len;
	t->atoms_len = t->segments_len = 0;
	t->detail = 0;
	t->duration_ns = -1;
	t->duration = NULL;
	while (s.pos < s.end && !s.full) {
		char c = s.ptr[s.pos];
		if (is_blank(c)) {
			s.space = true;
			s.pos++;
		} else if (lex_class[(uint8_t)c] & LEX_END) {
			nest_delimiter(&s);
		} else {
			piece_chunk(&s);
		}
	}
	if (line && s.end + 1 < len) {
		s.value_until = 0;
		trace_emit(&s, slice_of(line + 1, len - s.end - 1));
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
