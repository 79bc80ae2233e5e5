/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/template.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "pattern/lexeme.h"
#include "pattern/word.h"

static char *bytes_of(const struct template *t)
{
	return (char *)(uintptr_t)&t->pieces[t->len];
}

struct slice template_piece_text(const struct template *t, const struct piece *p)
{
	return slice_of(bytes_of(t) + p->text, p->text_len);
}

static struct slice atom_text(const struct atom *a)
{
	return a->kind == ATOM_PLACE ? place_text((enum place)a->place) : slice_of(a->ptr, a->len);
}

enum { VALUE_TEXT_MAX = 200 };

static size_t value_len(const struct tokens *t, const struct segment *g)
{
	size_t len = 0;
	for (size_t i = g->atom; i < (size_t)g->atom + g->atoms; i++)
		len += (i > g->atom && t->atoms[i].space) + atom_text(&t->atoms[i]).len;
	return len;
}

/* How a value looks, as text; more than VALUE_TEXT_MAX bytes is <*>. Returns its length; out may be NULL to measure. */
static size_t value_text(const struct tokens *t, const struct segment *g, char *out)
{
	size_t len = value_len(t, g);
	bool any = len > VALUE_TEXT_MAX;
	if (!out)
		return any ? 3 : len;
	if (any) {
		memcpy(out, "<*>", 3);
		return 3;
	}
	len = 0;
	for (size_t i = g->atom; i < (size_t)g->atom + g->atoms; i++) {
		struct slice text = atom_text(&t->atoms[i]);
		if (i > g->atom && t->atoms[i].space)
			out[len++] = ' ';
		if (text.len)
			memcpy(out + len, text.ptr, text.len);
		len += text.len;
	}
	return len;
}

static size_t segment_text_len(const struct tokens *t, const struct segment *g)
{
	return g->kind == SEGMENT_VALUE ? value_text(t, g, NULL) : t->atoms[g->atom].len;
}

static bool is_any(struct slice text)
{
	return slice_eq(text, SLICE("<*>"));
}

static uint64_t skeleton_add(uint64_t h, unsigned kind, uint32_t hash, bool space)
{
	uint64_t v = kind == PIECE_PUNCT ? hash : kind == PIECE_WORD ? 7 : 1;
	return hash_pair(h, v << 3 | kind << 1 | space);
}

static uint64_t skeleton_of(const struct tokens *t)
{
	uint64_t h = t->segments_len;
	for (size_t i = 0; i < t->segments_len; i++)
		h = skeleton_add(h, t->segments[i].kind, t->segments[i].hash, t->segments[i].space);
	return h;
}

struct template *template_new(const struct tokens *t)
{
	size_t bytes = sizeof(struct template) + t->segments_len * sizeof(struct piece);
	for (size_t i = 0; i < t->segments_len; i++)
		bytes += segment_text_len(t, &t->segments[i]);
	struct template *n = mem_zalloc(1, bytes);
	n->identity = t->identity;
	n->len = (uint32_t)t->segments_len;
	n->bytes = (uint32_t)bytes;
	uint32_t at = 0;
	for (size_t i = 0; i < t->segments_len; i++) {
		const struct segment *g = &t->segments[i];
		struct piece *p = &n->pieces[i];
		*p = (struct piece){.hash = g->hash, .text = at, .text_len = (uint32_t)segment_text_len(t, g), .kind = g->kind, .space = g->space};
		if (g->kind == SEGMENT_VALUE)
			value_text(t, g, bytes_of(n) + at);
		else if (p->text_len)
			memcpy(bytes_of(n) + at, t->atoms[g->atom].ptr, p->text_len);
		struct slice text = template_piece_text(n, p);
		p->any = g->kind == SEGMENT_VALUE && is_any(text);
		p->state = g->kind == SEGMENT_WORD && word_is_state(text);
		n->detailed |= g->kind == SEGMENT_VALUE && !p->any;
		n->words += g->kind == SEGMENT_WORD;
		at += p->text_len;
	}
	n->skeleton = skeleton_of(t);
	return n;
}

struct template *template_generalised(const struct template *from, uint64_t mask)
{
	struct template *n = mem_zalloc(1, from->bytes);
	memcpy(n, from, from->bytes);
	size_t word = 0;
	uint64_t h = n->len;
	n->words = 0;
	for (size_t i = 0; i < n->len; i++) {
		struct piece *p = &n->pieces[i];
		if (p->kind == PIECE_WORD && word < 64 && (mask >> word++ & 1)) {
			p->kind = PIECE_LEARNED;
			p->hash = 1;
			p->any = true;
		}
		n->words += p->kind == PIECE_WORD;
		h = skeleton_add(h, p->kind, p->hash, p->space);
	}
	n->skeleton = h;
	n->identity = 0;
	return n;
}

size_t template_word(const struct template *t, size_t i)
{
	for (size_t at = 0; at < t->len; at++)
		if (t->pieces[at].kind == PIECE_WORD && i-- == 0)
			return at;
	return t->len;
}

static bool is_value(const struct piece *p)
{
	return p->kind == PIECE_VALUE || p->kind == PIECE_LEARNED;
}

static void add_text(const struct template *t, struct buf *out, bool birth)
{
	bool after_value = false;
	for (size_t i = 0; i < t->len; i++) {
		const struct piece *p = &t->pieces[i];
		bool value = is_value(p);
		if (birth && value && after_value)
			continue;
		after_value = value;
		if (p->space && i > 0)
			buf_add_char(out, ' ');
		if (value && (birth || p->any))
			buf_add_str(out, "<*>");
		else
			buf_add_slice(out, template_piece_text(t, p));
	}
}

void template_birth_text(const struct template *t, struct buf *out)
{
	add_text(t, out, true);
}

void tokens_birth_text(const struct tokens *t, struct buf *out)
{
	for (size_t i = 0; i < t->segments_len; i++) {
		const struct segment *g = &t->segments[i];
		const struct atom *a = &t->atoms[g->atom];
		if (g->kind == SEGMENT_VALUE && i > 0 && g[-1].kind == SEGMENT_VALUE)
			continue;
		if (g->space && i > 0)
			buf_add_char(out, ' ');
		buf_add_slice(out, g->kind == SEGMENT_VALUE ? SLICE("<*>") : slice_of(a->ptr, a->len));
	}
}

void tokens_masked_text(const struct tokens *t, struct buf *out)
{
	for (size_t i = 0; i < t->atoms_len; i++) {
		const struct atom *a = &t->atoms[i];
		if (a->space)
			buf_add_char(out, ' ');
		buf_add_slice(out, a->soft && a->len ? SLICE("<*>") : atom_text(a));
	}
}

void template_text(const struct template *t, struct buf *out)
{
	add_text(t, out, false);
}

/* Whether a template's piece can take a segment of this kind and hash. */
static bool takes(const struct piece *p, unsigned kind, uint32_t hash)
{
	if (p->kind == PIECE_LEARNED)
		return kind == SEGMENT_WORD || kind == SEGMENT_VALUE || kind == PIECE_LEARNED;
	return p->kind == kind && p->hash == hash;
}

enum { LEARNED_EXTRA = 2 }; /* words a learned place may take beside its first: names of people, titles */

/* Whether a learned place may take the segment beside those before: it must look like the rest of a name. */
static bool continues_name(const struct tokens *t, const struct segment *g)
{
	const struct atom *a = &t->atoms[g->atom];
	if (g->kind == SEGMENT_PUNCT)
		return !g->space && a->len == 1 && (a->ptr[0] == '-' || a->ptr[0] == '.');
	return g->kind == SEGMENT_VALUE || (g->kind == SEGMENT_WORD && a->len && (lex_class[(uint8_t)a->ptr[0]] & LEX_UPPER));
}

static bool match_from(const struct template *m, size_t i, const struct tokens *t, size_t j)
{
	for (; i < m->len; i++, j++) {
		const struct piece *p = &m->pieces[i];
		if (j >= t->segments_len || !takes(p, t->segments[j].kind, t->segments[j].hash) || p->space != t->segments[j].space)
			return false;
		if (p->kind != PIECE_LEARNED || t->segments_len - j <= m->len - i)
			continue;
		for (size_t extra = 1; extra <= LEARNED_EXTRA && j + extra < t->segments_len && continues_name(t, &t->segments[j + extra]); extra++)
			if (m->len - i == t->segments_len - j - extra && match_from(m, i + 1, t, j + extra + 1))
				return true;
	}
	return j == t->segments_len;
}

bool template_match(const struct template *m, const struct tokens *t)
{
	if (t->segments_len < m->len || t->segments_len > m->len + LEARNED_EXTRA)
		return false;
	return match_from(m, 0, t, 0);
}

bool template_covers(const struct template *m, const struct template *other)
{
	if (m->len != other->len)
		return false;
	for (size_t i = 0; i < m->len; i++)
		if (!takes(&m->pieces[i], other->pieces[i].kind, other->pieces[i].hash) || m->pieces[i].space != other->pieces[i].space)
			return false;
	return true;
}

bool template_refine(struct template *m, const struct tokens *t)
{
	char text[VALUE_TEXT_MAX];
	bool changed = false;
	if (!m->detailed || m->len != t->segments_len)
		return false;
	m->detailed = false;
	for (size_t i = 0; i < m->len; i++) {
		struct piece *p = &m->pieces[i];
		if (p->kind != PIECE_VALUE || p->any)
			continue;
		size_t len = t->segments[i].kind == SEGMENT_VALUE ? value_text(t, &t->segments[i], text) : 0;
		if (slice_eq(slice_of(text, len), template_piece_text(m, p))) {
			m->detailed = true;
			continue;
		}
		p->any = changed = true;
	}
	return changed;
}
