/* SPDX-License-Identifier: Apache-2.0 */
#include "record/template_memo.h"

#include "record/message_template.h"

/* Eight bytes are enough of most templates, if they are the last. */
static inline size_t slot_of(struct slice template, const struct outline_walk *way)
{
	uint64_t last = template.len < 8 ? template.len : load_u64(template.ptr + template.len - 8) + template.len;
	return ((last ^ (uintptr_t)way->end) * UINT64_C(0x9E3779B97F4A7C15)) >> 56;
}
_Static_assert(TEMPLATE_MEMOS == 1 << (64 - 56), "slot_of shifts by it");

static inline bool is_remembered(const struct template_memo *m, const struct outline_walk *way, struct slice template)
{
	return m->end == way->end && m->resets == way->outline->resets && m->len == template.len && memcmp(m->text, template.ptr, template.len) == 0;
}

/* What fills a hole: a string as it is, or anything else rendered into scratch. */
static inline struct slice value_of(const struct json *json, uint32_t at, struct buf *scratch)
{
	if (json_type(json, at) == '"')
		return json_string(json, at);
	buf_reset(scratch);
	json_render(json, at, scratch);
	buf_reserve(scratch, sizeof(uint64_t));
	return buf_slice(scratch);
}

/* Pieces are short: a word or two, of which there is room behind what is read (a document's strings have it too) and behind what is written. */
static inline char *append(char *to, const char *from, size_t len)
{
	uint64_t words[2];
	if (len > sizeof(words)) {
		memcpy(to, from, len);
		return to + len;
	}
	words[0] = load_u64(from);
	memcpy(to, &words[0], sizeof(words[0]));
	if (len > sizeof(words[0])) {
		words[1] = load_u64(from + len - sizeof(words[1]));
		memcpy(to + len - sizeof(words[1]), &words[1], sizeof(words[1]));
	}
	return to + len;
}

bool template_memo_again(const struct template_memos *memos, const struct json *json, uint32_t renderings, struct slice template, struct arena *arena, struct buf *scratch, struct slice *ret)
{
	enum { LONGEST_VALUES = 1024 }; /* all of them */
	const struct outline_walk *way = json->walk;
	const struct template_memo *m = &memos->at[slot_of(template, way)];
	bool ready = json_is_array(json, renderings);
	uint32_t rendering = ready ? json_first(renderings) : 0, last = ready ? json_end(json, renderings) : 0;
	size_t left = json->text_len < LONGEST_VALUES ? json->text_len : LONGEST_VALUES;
	if (!is_remembered(m, way, template))
		return false;
	char *text = arena_alloc(arena, template.len + left + sizeof(uint64_t)), *to = text;
	for (const struct template_piece *p = m->pieces, *end = p + m->pieces_len; p < end; p++) {
		to = append(to, m->text + p->from, p->len);
		if (!p->hole)
			continue;
		uint32_t at = way->steps[p->step].at;
		if (p->formatted && rendering < last) {
			at = rendering;
			rendering = json_next(json, rendering);
		}
		struct slice value = value_of(json, at, scratch);
		if (value.len > left)
			return false;
		left -= value.len;
		to = append(to, value.ptr, value.len);
	}
	*ret = slice_of(text, (size_t)(to - text));
	return true;
}

/* Which name on the way has its value at `at`. */
static bool step_of(const struct outline_walk *way, uint32_t at, uint16_t *ret)
{
	for (size_t i = 0; at && i < way->len; i++)
		if (way->steps[i].at == at) {
			*ret = (uint16_t)i;
			return true;
		}
	return false;
}

/* The piece at *from; false if a record like this one is not rendered by pieces. */
static bool cut(const struct json *json, uint32_t root, struct slice template, size_t *from, struct template_piece *ret)
{
	size_t i = *from;
	while (i < template.len && template.ptr[i] != '{' && template.ptr[i] != '}')
		i++;
	*ret = (struct template_piece){.from = (uint8_t)*from, .len = (uint8_t)(i - *from)};
	*from = i;
	if (i == template.len)
		return true;
	if (i + 1 < template.len && template.ptr[i + 1] == template.ptr[i]) { /* a brace */
		ret->len++;
		*from = i + 2;
		return true;
	}
	size_t end = slice_find(template, '}', i);
	struct slice hole = slice_sub(template, i + 1, end - i - 1), name = message_template_name(hole);
	*from = end + 1;
	ret->hole = true;
	ret->formatted = slice_find(hole, ':', 0) < hole.len;
	return template.ptr[i] == '{' && end < template.len && name.len && step_of(json->walk, json_get(json, root, name), &ret->step);
}

void template_memo_learn(struct template_memos *memos, const struct json *json, uint32_t root, struct slice template)
{
	const struct outline_walk *way = json->walk;
	struct template_memo *m = &memos->at[slot_of(template, way)];
	m->end = NULL;
	m->pieces_len = 0;
	if (template.len > TEMPLATE_TEXT)
		return;
	for (size_t from = 0; from < template.len;)
		if (m->pieces_len == TEMPLATE_PIECES || !cut(json, root, template, &from, &m->pieces[m->pieces_len++]))
			return;
	memcpy(m->text, template.ptr, template.len);
	m->len = (uint8_t)template.len;
	m->resets = way->outline->resets;
	m->end = way->end;
}
