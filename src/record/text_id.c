/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of traces and spans in a line of text: behind their names, whatever these are spelled like. */
#include "record/text_name.h"
#include "record/trace_id.h"

/* Letters as the bytes of a number, first letter highest. */
#define LETTERS7(a, b, c, d, e, f, g) (((((((uint64_t)(a) << 8 | (b)) << 8 | (c)) << 8 | (d)) << 8 | (e)) << 8 | (f)) << 8 | (g))

/* "traceparent", "x-cloud-trace-context", "X-Amzn-Trace-Id", "x-trace-id": names that are told by their ends. */
static bool is_trace_header(struct slice name)
{
	static const struct slice ends[] = {{"traceparent", 11}, {"trace-context", 13}, {"amzn-trace-id", 13}, {"x-trace-id", 10}};
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (name.len >= ends[i].len && slice_eq_nocase(slice_sub(name, name.len - ends[i].len, ends[i].len), ends[i]))
			return true;
	return false;
}

/* "trace_id", "TraceID", "x-b3-traceid", "span-id", "dd.trace_id" ...: 't' or 's', or 0. */
static char id_key(struct slice name)
{
	uint64_t folded = 0;
	if (name.len > 9 && is_trace_header(name))
		return 't';
	if (name.len > 9 && (name.ptr[0] | 32) == 'x') /* x-b3- */
		name = slice_sub(name, 5, name.len);
	else if (name.len > 9 && (name.ptr[0] | 32) == 'd') /* dd. */
		name = slice_sub(name, 3, name.len);
	if (name.len < 5 || name.len > 9)
		return 0;
	for (size_t i = 0; i < name.len; i++)
		if (is(name.ptr[i], LETTER))
			folded = folded << 8 | (unsigned char)(name.ptr[i] | 32);
	switch (folded) {
	case LETTERS7('t', 'r', 'a', 'c', 'e', 'i', 'd'):
	case LETTERS7(0, 0, 't', 'r', 'a', 'c', 'e'):
		return 't';
	case LETTERS7(0, 's', 'p', 'a', 'n', 'i', 'd'):
		return 's';
	default:
		return 0;
	}
}

size_t text_id_len(struct slice text)
{
	bool zero;
	size_t n = 0;
	while (n < 32 && n + 16 <= text.len && trace_id_is_hex(text.ptr + n, &zero))
		n += 16;
	while (n < text.len && is(text.ptr[n], ID))
		n++;
	return n;
}

/* The names that most loggers give ids, eight bytes at a glance: "trace_id", "traceid", "span_id", "spanid", in capitals or not, and what ends them. Their length, or 0. */
static inline size_t usual_key(struct slice text, char *ret_kind)
{
	static const struct {
		char text[8];
		unsigned char len, bar; /* where the underscore is; folded it is not the only one of its kind */
		char kind;
	} names[] = {{"trace\x7fid", 8, 5, 't'}, {"traceid", 7, 0, 't'}, {"span\x7fid", 7, 4, 's'}, {"spanid", 6, 0, 's'}};
	if (text.len < 16)
		return 0;
	uint64_t word = load_u64(text.ptr) | UINT64_C(0x2020202020202020);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = names[i].len;
		if ((word ^ load_u64(names[i].text)) << (64 - 8 * n) || (text.ptr[n] != '=' && text.ptr[n] != ':') || (names[i].bar && text.ptr[names[i].bar] != '_'))
			continue;
		*ret_kind = names[i].kind;
		return n;
	}
	return 0;
}

/* Length of the name before ':' or '='; 0 if no such sign follows. */
static size_t id_key_len(struct slice text)
{
	size_t n = 0;
	while (n < text.len && n < 24 && is(text.ptr[n], ID | LOGGER) && text.ptr[n] != '[')
		n++;
	bool quoted = n + 1 < text.len && text.ptr[n] == '"' && text.ptr[n + 1] == ':'; /* in JSON behind a text */
	return n < text.len && (text.ptr[n] == ':' || text.ptr[n] == '=' || quoted) ? n : 0;
}

/* key, ':' or '=', blanks, id; the bytes used, or 0. */
size_t text_id_read(struct text_header *h, struct slice text)
{
	char kind = 0;
	size_t n = usual_key(text, &kind);
	if (!n) {
		n = id_key_len(text);
		kind = n ? id_key(slice_of(text.ptr, n)) : 0;
	}
	if (!kind)
		return 0;
	struct slice value = after_blanks(slice_sub(text, n + 1 + (text.ptr[n] == '"'), text.len));
	bool quoted = value.len && value.ptr[0] == '"';
	value = slice_sub(value, quoted, value.len);
	if (slice_starts(value, SLICE("Root=")))
		value = slice_sub(value, 5, value.len);
	size_t len = text_id_len(value);
	if (len == 32 && len < value.len && value.ptr[len] == '/') /* Google's has the span behind it */
		len = token(value).len;
	value.len = len;
	size_t used = (size_t)(value.ptr + value.len - text.ptr);
	used += quoted && used < text.len && text.ptr[used] == '"';
	struct slice *id = kind == 't' ? &h->trace_id : &h->span_id;
	if (value.len < 8 || id->len) /* a filler such as "-" or "" is no id, but it is the header's */
		return used;
	*id = value;
	*(kind == 't' ? &h->trace_key : &h->span_key) = slice_of(text.ptr, n + 1);
	return used;
}

/* Where the name begins that has `at` inside it. */
static size_t name_begin(struct slice text, size_t at)
{
	size_t from = at;
	while (from > 0 && (is_word_char(text.ptr[from - 1]) || text.ptr[from - 1] == '-' || text.ptr[from - 1] == '.') && at - from < 8)
		from--;
	return from;
}

enum { HINTS = 2 };

/* What the names of ids have in them. */
static const struct slice hints[HINTS] = {{"race", 4}, {"pan", 3}};

/* Where "rac" or "pan" begins within sixteen places, as bits; the last reads two bytes behind them. */
static inline unsigned hint_places(const char *p)
{
	block a = block_load(p), b = block_load(p + 1), c = block_load(p + 2);
	return block_bits(block_is(b, 'a') & ((block_is(a, 'r') & block_is(c, 'c')) | (block_is(a, 'p') & block_is(c, 'n'))));
}

/* Where each hint stands first, text.len if nowhere: both in one go, the last places perhaps twice. False if the text is too short for that. */
static bool find_blocks(struct slice text, size_t first[HINTS])
{
	if (text.len < BLOCK + 2)
		return false;
	size_t last = text.len - BLOCK - 2;
	for (size_t i = 0;; i = i + BLOCK < last ? i + BLOCK : last) {
		for (unsigned found = hint_places(text.ptr + i); found; found &= found - 1) {
			size_t at = i + (unsigned)__builtin_ctz(found), k = text.ptr[at] == 'p';
			if (at < first[k] && (k || (at + 3 < text.len && text.ptr[at + 3] == 'e')))
				first[k] = at;
		}
		if (i == last || (first[0] < text.len && first[1] < text.len))
			return true;
	}
}

static void find_hints(struct slice text, size_t first[HINTS])
{
	first[0] = first[1] = text.len;
	bool found = find_blocks(text, first);
	for (size_t k = 0; k < HINTS && !found; k++)
		first[k] = slice_search(text, hints[k]);
}

/* All the ids in text, wherever they stand. */
void text_header_find_ids(struct text_header *h, struct slice text)
{
	size_t first[HINTS];
	find_hints(text, first);
	for (size_t k = 0; k < HINTS; k++) {
		struct slice rest = text;
		for (int tries = 0; tries < 4 && rest.len; tries++) {
			size_t at = tries ? slice_search(rest, hints[k]) : first[k];
			if (at == rest.len)
				break;
			if (text_id_read(h, behind(rest, name_begin(rest, at))) && (k ? h->span_id.len : h->trace_id.len))
				break;
			rest = behind(rest, at + hints[k].len);
		}
		if (h->trace_id.len == 0)
			return;
	}
}
