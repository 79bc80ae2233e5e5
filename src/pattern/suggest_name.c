/* SPDX-License-Identifier: Apache-2.0 */
/* Names for the places of a suggested rule: the key or the word before a place, else the word behind it, else what its type is called. */
#include "pattern/suggest_draft.h"

#include <ctype.h>
#include <stdio.h>

enum { RULE_NAME_MAX = 60, RULE_NAME_WORDS = 6 };

/* Words that name nothing. */
static const char *const stopwords[] = {"a", "about", "after", "all", "an", "and", "are", "as", "at", "be", "been", "before", "but", "by", "did", "do", "for", "from", "has", "have", "in", "into", "is",
	"it", "its", "no", "not", "of", "off", "on", "or", "out", "over", "than", "that", "the", "then", "there", "this", "to", "took", "under", "up", "was", "were", "while", "will", "with", "within", NULL};
static const char *const negations[] = {"no", "not", NULL}; /* but they tell one rule from another */
static const char *const http_methods[] = {"GET", "PUT", "POST", "HEAD", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", NULL};

static const struct {
	enum place_type type;
	const char *name;
} by_type[] = {
	{PLACE_INT, "value"}, {PLACE_NUM, "value"}, {PLACE_IP, "ip"}, {PLACE_HOST, "host"}, {PLACE_UUID, "uuid"}, {PLACE_PATH, "file"}, {PLACE_URL, "url"}, {PLACE_DURATION, "took"}, {PLACE_SIZE, "size"},
	{PLACE_HEX, "hex"}, {PLACE_TIME, "time"},
};

/* A number that is followed by one of these, or whose name ends so, is a duration. */
static const struct {
	const char *word, *unit;
} units[] = {
	{"ns", "ns"}, {"nanos", "ns"}, {"us", "us"}, {"micros", "us"}, {"ms", "ms"}, {"msec", "ms"}, {"msecs", "ms"}, {"millis", "ms"}, {"milliseconds", "ms"}, {"s", "s"}, {"sec", "s"}, {"secs", "s"}, {"seconds", "s"},
	{"minutes", "m"},
};

static bool is_one_of(struct slice word, const char *const *words)
{
	for (; *words; words++)
		if (slice_eq_nocase(word, slice_str(*words)))
			return true;
	return false;
}

static const char *unit_of(struct slice word)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (slice_eq(word, slice_str(units[i].word)))
			return units[i].unit;
	return NULL;
}

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* A hump of camelCase begins at i. */
static bool is_hump(struct slice word, size_t i)
{
	return i > 0 && isupper((unsigned char)word.ptr[i]) && (islower((unsigned char)word.ptr[i - 1]) || isdigit((unsigned char)word.ptr[i - 1]));
}

/* camelCase and Words as snake_case; at most size - 1 bytes; empty if nothing of it can stand in a name. */
static void to_snake(struct slice word, char *out, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < word.len && n + 2 < size; i++) {
		char c = word.ptr[i];
		bool parts = !in_word(c) || is_hump(word, i);
		if (parts && n && out[n - 1] != '_')
			out[n++] = '_';
		if (in_word(c) && (n || isalpha((unsigned char)c)))
			out[n++] = (char)tolower((unsigned char)c);
	}
	while (n && out[n - 1] == '_')
		n--;
	out[n] = 0;
}

static bool is_word(struct slice s)
{
	bool letter = false;
	for (size_t i = 0; i < s.len; i++)
		letter |= isalpha((unsigned char)s.ptr[i]) != 0;
	return letter;
}

/* The word that ends right before a place, past blanks, quotes and brackets; *ret_key: it is a key, as in `port=` or `"port": `. */
static struct slice word_before(struct slice text, bool *ret_key)
{
	size_t end = text.len;
	*ret_key = false;
	while (end > 0 && strchr(" \t\"'=:([{<#-", text.ptr[end - 1]) && text.ptr[end - 1]) {
		*ret_key |= text.ptr[end - 1] == '=' || text.ptr[end - 1] == ':';
		end--;
	}
	size_t from = end;
	while (from > 0 && (in_word(text.ptr[from - 1]) || (*ret_key && strchr(".-", text.ptr[from - 1]) && text.ptr[from - 1])))
		from--;
	/* of a dotted key the last part is the name */
	struct slice word = slice_sub(text, from, end - from);
	for (size_t i = word.len; i > 0; i--)
		if (word.ptr[i - 1] == '.')
			return slice_sub(word, i, word.len);
	return word;
}

/* The word that stands one blank behind a place, or touches it. */
static struct slice word_behind(struct slice text, bool *ret_touches)
{
	size_t from = text.len && text.ptr[0] == ' ' ? 1 : 0, to;
	*ret_touches = from == 0;
	for (to = from; to < text.len && isalpha((unsigned char)text.ptr[to]); to++)
		;
	return slice_sub(text, from, to - from);
}

static struct slice text_at(const struct draft *d, size_t part)
{
	return part < d->len && d->parts[part].kind == DRAFT_TEXT ? d->parts[part].text : (struct slice){0};
}

/* Literal text right before a part; blanks and words are parts of their own. */
static struct slice text_before(const struct draft *d, size_t part, struct buf *scratch)
{
	size_t from = part;
	buf_reset(scratch);
	while (from > 0 && d->parts[from - 1].kind == DRAFT_TEXT && part - from < 4)
		from--;
	for (; from < part; from++)
		buf_add_slice(scratch, d->parts[from].text);
	return buf_slice(scratch);
}

static struct slice text_behind(const struct draft *d, size_t part, struct buf *scratch)
{
	buf_reset(scratch);
	for (size_t i = part + 1; i < part + 3; i++)
		buf_add_slice(scratch, text_at(d, i));
	return buf_slice(scratch);
}

static bool good_word(struct slice word)
{
	return word.len > 1 && is_word(word) && !is_one_of(word, stopwords);
}

static bool is_number(const struct draft_part *part)
{
	return part->type == PLACE_INT || part->type == PLACE_NUM;
}

static const char *type_name(const struct draft_part *part)
{
	for (size_t i = 0; i < sizeof(by_type) / sizeof(by_type[0]); i++)
		if (by_type[i].type == part->type)
			return by_type[i].name;
	return "what";
}

/* What a place should be called, and the unit it is followed by. */
static void propose(const struct draft *d, size_t i, char *out, size_t size, const char **ret_unit)
{
	struct draft_part const *part = &d->parts[i];
	struct buf before_text = {0}, behind_text = {0};
	bool key, touches;
	struct slice before = word_before(text_before(d, i, &before_text), &key), behind = word_behind(text_behind(d, i, &behind_text), &touches);
	const char *unit = is_number(part) ? unit_of(behind) : NULL;
	out[0] = 0;
	*ret_unit = unit;
	if (part->given.len)
		to_snake(part->given, out, size);
	else if (part->mined == PLACE_PATH && is_one_of(before, http_methods))
		to_snake(SLICE("path"), out, size);
	else if (key ? is_word(before) : good_word(before) && part->type != PLACE_DURATION)
		to_snake(before, out, size);
	if (!out[0] && unit)
		to_snake(SLICE("took"), out, size);
	if (!out[0] && !touches && is_number(part) && good_word(behind))
		to_snake(behind, out, size);
	if (!out[0])
		to_snake(slice_str(type_name(part)), out, size);
	buf_done(&before_text);
	buf_done(&behind_text);
}

static bool taken(const struct draft *d, size_t until, const char *name)
{
	for (size_t i = 0; i < until; i++)
		if (strcmp(d->parts[i].name, name) == 0)
			return true;
	return false;
}

static void note_duration(struct draft *d, size_t i, const char *unit)
{
	struct draft_part *part = &d->parts[i];
	const char *last = strrchr(part->name, '_');
	if (!unit && is_number(part) && last)
		unit = unit_of(slice_str(last + 1));
	bool typed = part->type == PLACE_DURATION;
	if (!part->name[0] || !(typed || unit))
		return;
	/* a place that is written as a duration is a surer one than a number with a unit */
	if (d->duration < DRAFT_PARTS_MAX && (!typed || d->parts[d->duration].type == PLACE_DURATION))
		return;
	d->duration = (uint32_t)i;
	d->unit = typed ? NULL : unit;
}

void draft_name(struct draft *d)
{
	size_t named = 0;
	d->duration = DRAFT_PARTS_MAX;
	d->unit = NULL;
	for (size_t i = 0; i < d->len; i++) {
		char name[DRAFT_NAME_MAX - 3]; /* room for a number */
		const char *unit;
		d->parts[i].name[0] = 0;
		if (d->parts[i].kind != DRAFT_PLACE || named == RULE_CAPTURES_MAX)
			continue;
		propose(d, i, name, sizeof(name), &unit);
		snprintf(d->parts[i].name, sizeof(d->parts[i].name), "%s", name);
		for (unsigned n = 2; taken(d, i, d->parts[i].name); n++)
			snprintf(d->parts[i].name, sizeof(d->parts[i].name), "%.28s_%u", name, n);
		named++;
		note_duration(d, i, unit);
	}
}

static void add_name_word(struct buf *out, size_t from, struct slice word)
{
	char snake[40];
	to_snake(word, snake, sizeof(snake));
	if (!snake[0])
		return;
	if (out->len > from)
		buf_add_char(out, '_');
	buf_add_str(out, snake);
}

void draft_rule_name(const struct draft *d, const struct suggest_pattern *p, struct buf *out)
{
	size_t from = out->len, words = 0;
	add_name_word(out, from, p->service);
	for (size_t i = 0; i < d->len && words < RULE_NAME_WORDS; i++) {
		struct slice text = text_at(d, i);
		for (size_t at = 0, end; at < text.len && words < RULE_NAME_WORDS; at = end + 1) {
			for (end = at; end < text.len && isalnum((unsigned char)text.ptr[end]); end++)
				;
			struct slice word = slice_sub(text, at, end - at);
			if (!(good_word(word) || is_one_of(word, negations)) || out->len - from + word.len > RULE_NAME_MAX)
				continue;
			add_name_word(out, from, word);
			words++;
		}
	}
	if (words == 0)
		buf_printf(out, "%spattern_%08llx", out->len > from ? "_" : "", (unsigned long long)(p->id >> 32));
}
