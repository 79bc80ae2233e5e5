/* SPDX-License-Identifier: Apache-2.0 */
/* A mined template laid over its examples.
 *
 * Idea. A template's text is not its message: white space is made even, what a request line or a list holds beside its places is left out, of several
 * lines only some words are kept. So the template becomes a regex over its own parts, each a group, and the first example says what stands in each group
 * and between them. It is tried in four ways, from the strictest to the loosest: places that look like their type and nothing but white space between
 * parts; the same with text between parts; places that hold anything, without and with text between. If the template is longer than the example (which
 * may have been cut) the longest start of it that fits is taken, and anything may follow.
 *
 * What stands between parts stays as it is if it is white space, or the same in every example; else it is a place that takes anything. A place gets the
 * narrowest type that all examples agree with. */
#include "base/mem.h"
#include "pattern/suggest_draft.h"

#include <ctype.h>
#include <stdlib.h>

enum { MATCH_LIMIT = 200000, WAYS = 4, EXAMPLES_FOR_NARROW = 3 };

/* Types for a mined place, narrowest first. */
static const struct chain {
	const char *mined;
	enum place_type types[4];
	const char *look; /* what it looks like in a message, for the strict ways */
} chains[] = {
	{"num", {PLACE_INT, PLACE_NUM, PLACE_ANY}, "[+-]?\\d[\\d.,_]*"},
	{"ip", {PLACE_IP, PLACE_HOST, PLACE_WORD, PLACE_ANY}, "[0-9A-Fa-f.:\\[\\]]+"},
	{"uuid", {PLACE_UUID, PLACE_WORD, PLACE_ANY}, "[0-9A-Fa-f-]{32,}"},
	{"path", {PLACE_PATH, PLACE_WORD, PLACE_ANY}, "\\S+?"},
	{"url", {PLACE_URL, PLACE_WORD, PLACE_ANY}, "\\S+?"},
	{"duration", {PLACE_DURATION, PLACE_WORD, PLACE_ANY}, "[+-]?\\d\\S*?"},
	{"size", {PLACE_SIZE, PLACE_WORD, PLACE_ANY}, "[+-]?\\d\\S*?"},
	{"time", {PLACE_TIME, PLACE_ANY}, "\\S.*?\\d.*?"},
	{"hex", {PLACE_HEX, PLACE_WORD, PLACE_ANY}, "\\S+?"},
	{"*", {PLACE_WORD, PLACE_ANY}, ".+?"},
};
/* Of a logger's template nothing is known of its places but the values. */
static const enum place_type carried_types[] = {PLACE_UUID, PLACE_IP, PLACE_INT, PLACE_NUM, PLACE_TIME, PLACE_DURATION, PLACE_PATH, PLACE_URL, PLACE_WORD, PLACE_ANY};

enum { CHAINS = sizeof(chains) / sizeof(chains[0]) };

static const struct chain *chain_at(struct slice s, size_t *ret_len)
{
	for (size_t i = 0; i < CHAINS; i++) {
		size_t n = strlen(chains[i].mined);
		if (s.len >= n + 2 && s.ptr[0] == '<' && memcmp(s.ptr + 1, chains[i].mined, n) == 0 && s.ptr[n + 1] == '>') {
			*ret_len = n + 2;
			return &chains[i];
		}
	}
	return NULL;
}

static const struct chain *chain_of(enum place_type mined)
{
	for (size_t i = 0; i < CHAINS; i++)
		if (strcmp(chains[i].mined, places[mined].name) == 0)
			return &chains[i];
	return &chains[CHAINS - 1];
}

static enum place_type place_of(const struct chain *chain)
{
	size_t i = 0;
	while (strcmp(places[i].name, chain->mined) != 0)
		i++;
	return (enum place_type)i;
}

/* Bytes from i on that are letters, digits or one of these. */
static size_t skip_word(struct slice s, size_t i, const char *others)
{
	while (i < s.len && s.ptr[i] && (isalnum((unsigned char)s.ptr[i]) || strchr(others, s.ptr[i])))
		i++;
	return i;
}

/* %s, %5.2f, %-8ld */
static size_t printf_hole_len(struct slice s)
{
	size_t i = 1;
	while (i < s.len && strchr("-+#.0123456789l", s.ptr[i]) && s.ptr[i])
		i++;
	return i < s.len && s.ptr[i] && strchr("sdiufgexXvqct", s.ptr[i]) ? i + 1 : 0;
}

/* The length of a hole of a logger's template at the start of s: {Name}, {@Name,8:format}, {}, or one of printf's; 0 if there is none. */
static size_t hole_len(struct slice s, struct slice *ret_name)
{
	*ret_name = (struct slice){0};
	if (s.len < 2 || (s.ptr[0] != '{' && s.ptr[0] != '%'))
		return 0;
	if (s.ptr[0] == '%')
		return printf_hole_len(s);
	size_t from = s.ptr[1] == '@' || s.ptr[1] == '$' ? 2 : 1, to = skip_word(s, from, "_."), end = slice_find(s, '}', to);
	if (end == s.len || !strchr(",:}", s.ptr[to]))
		return 0;
	*ret_name = slice_sub(s, from, to - from);
	return end + 1;
}

/* The length of the place at the start of s; 0 if text stands there. */
static size_t read_place(const struct suggest_pattern *p, struct slice s, struct draft_part *part)
{
	size_t len = 0;
	part->mined = PLACE_STAR;
	if (p->carried)
		return hole_len(s, &part->given);
	const struct chain *chain = chain_at(s, &len);
	if (chain)
		part->mined = place_of(chain);
	return len;
}

/* Words and places of the template's text; what is past DRAFT_PARTS_MAX is left to what may follow. */
static void split_template(struct draft *d, const struct suggest_pattern *p)
{
	struct slice text = p->template_text;
	struct draft_part other;
	size_t at = 0, len;
	for (d->len = 0; at < text.len && d->len < DRAFT_PARTS_MAX / 2; at += len) {
		struct draft_part *part = &d->parts[d->len];
		*part = (struct draft_part){0};
		for (; at < text.len && isspace((unsigned char)text.ptr[at]); at++)
			part->space = true;
		if (at == text.len)
			return;
		struct slice rest = slice_sub(text, at, text.len);
		len = read_place(p, rest, part);
		part->kind = len ? DRAFT_PLACE : DRAFT_TEXT;
		if (!len)
			for (len = 1; len < rest.len && !isspace((unsigned char)rest.ptr[len]) && !read_place(p, slice_sub(rest, len, rest.len), &other);)
				len++;
		part->text = slice_sub(rest, 0, len);
		d->len++;
	}
	d->open = at < text.len;
}

/* ---- laying it over a message ---- */

static void add_quoted(struct buf *regex, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!isalnum((unsigned char)text.ptr[i]) && (unsigned char)text.ptr[i] < 0x80)
			buf_add_char(regex, '\\');
		buf_add_char(regex, text.ptr[i]);
	}
}

static pcre2_code *compile(const struct draft *d, size_t len, unsigned way, bool open)
{
	struct buf regex = {0};
	bool typed = way < 2, loose = way & 1;
	int code;
	size_t offset;
	buf_add_str(&regex, "\\A");
	for (size_t i = 0; i < len; i++) {
		const struct draft_part *part = &d->parts[i];
		if (part->space)
			buf_add_str(&regex, !loose ? "\\s+" : typed ? ".*?\\s" : "(?:.*?\\s)??");
		else
			buf_add_str(&regex, loose ? ".*?" : i ? "" : "\\s*");
		buf_add_char(&regex, '(');
		if (part->kind == DRAFT_TEXT)
			add_quoted(&regex, part->text);
		else if (typed && part->mined != PLACE_STAR)
			buf_printf(&regex, "(?:%s)|(?:%s)", places[part->mined].regex, chain_of(part->mined)->look);
		else
			buf_add_str(&regex, typed ? chain_of(part->mined)->look : ".*?");
		buf_add_char(&regex, ')');
	}
	buf_add_str(&regex, open ? "(?=\\W|\\z)" : "\\s*\\z");
	pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)buf_cstr(&regex), regex.len, PCRE2_DOTALL, &code, &offset, NULL);
	buf_done(&regex);
	if (compiled)
		pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
	return compiled;
}

struct laid {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
	size_t len; /* parts of the template that are in it */
};

static void laid_done(struct laid *l)
{
	pcre2_code_free(l->code);
	pcre2_match_data_free(l->data);
	pcre2_match_context_free(l->context);
	*l = (struct laid){0};
}

/* The message's groups, as pairs of offsets; NULL if it does not fit. */
static const size_t *lay_over(const struct laid *l, struct slice message)
{
	int code = pcre2_match(l->code, (PCRE2_SPTR)(message.len ? message.ptr : ""), message.len, 0, 0, l->data, l->context);
	return code > 0 ? pcre2_get_ovector_pointer(l->data) : NULL;
}

static bool try_way(const struct draft *d, size_t len, unsigned way, bool open, struct slice message, struct laid *ret)
{
	*ret = (struct laid){.code = compile(d, len, way, open), .data = pcre2_match_data_create((uint32_t)len + 1, NULL), .context = pcre2_match_context_create(NULL), .len = len};
	if (ret->context)
		pcre2_set_match_limit(ret->context, MATCH_LIMIT);
	if (ret->code && ret->data && ret->context && lay_over(ret, message))
		return true;
	laid_done(ret);
	return false;
}

static bool fit(struct draft *d, struct slice message, struct laid *ret)
{
	for (unsigned way = 0; way < WAYS; way++)
		if (try_way(d, d->len, way, d->open, message, ret))
			return true;
	/* the longest start of the template; each start of one that fits fits too */
	size_t low = 0, high = d->len;
	struct laid found = {0};
	while (low < high) {
		size_t middle = (low + high + 1) / 2;
		if (try_way(d, middle, 1, true, message, ret)) {
			laid_done(&found);
			found = *ret;
			low = middle;
		} else {
			high = middle - 1;
		}
	}
	*ret = found;
	d->open = true;
	return found.code != NULL;
}

/* ---- what the examples say ---- */

static bool type_takes(enum place_type type, struct slice value)
{
	struct buf regex = {0};
	int code;
	size_t offset;
	buf_printf(&regex, "\\A(?:%s)\\z", places[type].regex);
	pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)buf_cstr(&regex), regex.len, PCRE2_DOTALL, &code, &offset, NULL);
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	bool takes = compiled && data && pcre2_match(compiled, (PCRE2_SPTR)(value.len ? value.ptr : ""), value.len, 0, 0, data, NULL) >= 0;
	pcre2_match_data_free(data);
	pcre2_code_free(compiled);
	buf_done(&regex);
	return takes;
}

/* values[e * len + i]: part i of example e; gaps likewise: what stands before it. */
struct seen {
	struct slice *values, *gaps;
	size_t len, examples;
};

static void note_example(struct seen *s, const size_t *groups, struct slice message)
{
	size_t end = 0;
	for (size_t i = 0; i < s->len; i++) {
		size_t from = groups[2 * i + 2], to = groups[2 * i + 3];
		s->values[s->examples * s->len + i] = slice_sub(message, from, to - from);
		s->gaps[s->examples * s->len + i] = slice_sub(message, end, from - end);
		end = to;
	}
	s->examples++;
}

static bool all_take(const struct seen *s, size_t part, enum place_type type)
{
	for (size_t e = 0; e < s->examples; e++)
		if (!type_takes(type, s->values[e * s->len + part]))
			return false;
	return true;
}

static enum place_type narrowest(const struct seen *s, size_t part, enum place_type mined, bool carried)
{
	const enum place_type *types = carried ? carried_types : chain_of(mined)->types;
	for (; *types != PLACE_ANY; types++) {
		/* one or two whole numbers or single words are no proof that all are */
		bool bold = *types == PLACE_INT || mined == PLACE_STAR;
		if ((!bold || s->examples >= EXAMPLES_FOR_NARROW) && all_take(s, part, *types))
			return *types;
	}
	return PLACE_ANY;
}

static bool is_blank(struct slice s)
{
	return slice_trim(s).len == 0;
}

static bool same_gaps(const struct seen *s, size_t part)
{
	bool blank = is_blank(s->gaps[part]), same = s->examples >= EXAMPLES_FOR_NARROW;
	for (size_t e = 1; e < s->examples; e++)
		same &= slice_eq(s->gaps[e * s->len + part], s->gaps[part]);
	return blank || same;
}

static void push(struct draft *d, const struct draft_part *part)
{
	struct draft_part *last = d->len ? &d->parts[d->len - 1] : NULL;
	/* two places side by side, of which neither says what it takes, are one */
	if (last && last->kind != DRAFT_TEXT && last->type == PLACE_ANY && part->kind != DRAFT_TEXT && part->type == PLACE_ANY) {
		last->text.len += part->text.len;
		last->wordy &= part->wordy;
		if (part->kind == DRAFT_PLACE)
			last->kind = DRAFT_PLACE;
	} else if (d->len < DRAFT_PARTS_MAX && part->text.len + (part->kind != DRAFT_TEXT))
		d->parts[d->len++] = *part;
}

static bool gaps_wordy(const struct seen *s, size_t part)
{
	for (size_t e = 0; e < s->examples; e++)
		if (!type_takes(PLACE_WORD, slice_trim(s->gaps[e * s->len + part])))
			return false;
	return true;
}

static void build(struct draft *d, const struct draft *from, const struct seen *s, bool carried)
{
	d->len = 0;
	for (size_t i = 0; i < s->len; i++) {
		struct slice gap = s->gaps[i];
		bool text = same_gaps(s, i);
		/* the white space before a part is text even where the rest is not */
		size_t blank = gap.len;
		while (!text && blank > 0 && isspace((unsigned char)gap.ptr[blank - 1]))
			blank--;
		if (text)
			blank = 0;
		if (blank)
			push(d, &(struct draft_part){.kind = DRAFT_GAP, .type = PLACE_ANY, .mined = PLACE_STAR, .text = slice_sub(gap, 0, blank), .wordy = gaps_wordy(s, i)});
		push(d, &(struct draft_part){.kind = DRAFT_TEXT, .text = slice_sub(gap, blank, gap.len)});
		struct draft_part part = from->parts[i];
		part.text = s->values[i];
		if (part.kind == DRAFT_PLACE) {
			part.type = narrowest(s, i, part.mined, carried);
			part.wordy = all_take(s, i, PLACE_WORD);
		}
		push(d, &part);
	}
}

bool draft_align(struct draft *d, const struct suggest_pattern *p)
{
	struct draft *from = arena_zalloc(d->arena, sizeof(*from));
	struct laid laid;
	*from = (struct draft){.arena = d->arena};
	split_template(from, p);
	if (from->len == 0 || p->examples_len == 0 || !fit(from, p->examples[0], &laid))
		return false;
	struct seen seen = {.len = laid.len, .values = mem_zalloc(laid.len * p->examples_len, sizeof(*seen.values)), .gaps = mem_zalloc(laid.len * p->examples_len, sizeof(*seen.gaps))};
	for (size_t e = 0; e < p->examples_len; e++) {
		const size_t *groups = lay_over(&laid, p->examples[e]);
		if (groups)
			note_example(&seen, groups, p->examples[e]);
	}
	d->open = from->open;
	build(d, from, &seen, p->carried);
	free(seen.values);
	free(seen.gaps);
	laid_done(&laid);
	return true;
}

void draft_loosen(struct draft *d)
{
	for (size_t i = 0; i < d->len; i++)
		if (d->parts[i].kind != DRAFT_TEXT && d->parts[i].type != PLACE_DURATION)
			d->parts[i].type = PLACE_ANY;
}

void draft_tighten(struct draft *d)
{
	for (size_t i = 0; i < d->len; i++)
		if (d->parts[i].type == PLACE_ANY && d->parts[i].wordy && d->parts[i].kind != DRAFT_TEXT)
			d->parts[i].type = PLACE_WORD;
}

/* ---- the text of `match` ---- */

static void add_text(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		buf_add_char(out, text.ptr[i]);
		if (text.ptr[i] == '<')
			buf_add_char(out, '<');
	}
}

void draft_match(const struct draft *d, struct buf *out)
{
	for (size_t i = 0; i < d->len; i++) {
		const struct draft_part *part = &d->parts[i];
		bool last = i + 1 == d->len;
		if (part->kind == DRAFT_TEXT)
			add_text(out, part->text);
		else
			buf_printf(out, "<%s%s%s>", part->name, part->name[0] ? ":" : "", last && part->type == PLACE_ANY ? "rest" : places[part->type].name);
		if (last && d->open && (part->kind == DRAFT_TEXT || part->type != PLACE_ANY))
			buf_add_str(out, "<rest>");
	}
}
