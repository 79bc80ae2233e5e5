/* SPDX-License-Identifier: Apache-2.0 */
/* What the lines behind the first say: the pattern of a stack trace is its first line, the type of the exception and the innermost function, as in
 *
 *     Order 17 failed                                   Order <num> failed java.lang.IllegalStateException at com.acme.Stock.take()
 *     java.lang.IllegalStateException: none left
 *         at com.acme.Stock.take(Stock.java:71)
 *
 * Java, .NET and JavaScript put the innermost frame first, behind "at"; Python last, in front of the type; Go first, behind "goroutine". The rest of the
 * lines is example text. */
#include "pattern/scan.h"

enum { LINES_MAX = 100 };

struct trace {
	struct slice type;
	struct slice frame;
	bool python;
	bool goroutine;
};

/* The longest prefix that is a dotted name. */
static struct slice name_prefix(struct slice line)
{
	size_t i = 0;
	while (i < line.len && ((lex_class[(uint8_t)line.ptr[i]] & (LEX_LETTER | LEX_DIGIT | LEX_UNDER)) || line.ptr[i] == '.' || line.ptr[i] == '$' || line.ptr[i] == '/'))
		i++;
	while (i > 0 && (line.ptr[i - 1] == '.' || line.ptr[i - 1] == '/'))
		i--;
	return slice_sub(line, 0, i);
}

static void read_frame(struct trace *t, struct slice line)
{
	if (slice_starts(line, SLICE("at ")) && !t->frame.len) {
		struct slice name = slice_sub(line, 3, SIZE_MAX);
		if (slice_starts(name, SLICE("async ")) || slice_starts(name, SLICE("new ")))
			name = slice_sub(name, slice_find(name, ' ', 0) + 1, SIZE_MAX);
		t->frame = name_prefix(name);
	} else if (slice_starts(line, SLICE("File \""))) {
		size_t in = slice_search(line, SLICE(", in "));
		t->python = true;
		if (in < line.len)
			t->frame = name_prefix(slice_sub(line, in + 5, SIZE_MAX));
	} else if (t->goroutine && !t->frame.len) {
		struct slice name = name_prefix(line);
		if (name.len < line.len && line.ptr[name.len] == '(')
			t->frame = name;
	}
}

static void read_line(struct trace *t, struct slice line)
{
	static const char caused[] = "Caused by: ";
	if (slice_starts(line, SLICE("goroutine "))) {
		t->goroutine = true;
		return;
	}
	read_frame(t, line);
	if (slice_starts(line, SLICE("Caused by: ")))
		line = slice_sub(line, sizeof(caused) - 1, SIZE_MAX);
	struct slice name = name_prefix(line);
	if (!t->type.len && lex_exception(name) && (name.len == line.len || line.ptr[name.len] == ':' || line.ptr[name.len] == ' '))
		t->type = name;
}

/* A function's name without what compilers number: lambda$take$0 is lambda$take. */
static struct slice stable_name(struct slice name)
{
	while (name.len && ((lex_class[(uint8_t)name.ptr[name.len - 1]] & LEX_DIGIT) || name.ptr[name.len - 1] == '$'))
		name.len--;
	return name;
}

void trace_emit(struct scan *s, struct slice rest)
{
	struct trace t = {0};
	for (int i = 0; i < LINES_MAX && rest.len; i++) {
		size_t end = slice_find(rest, '\n', 0);
		read_line(&t, slice_trim(slice_sub(rest, 0, end)));
		rest = slice_sub(rest, end + 1, SIZE_MAX);
	}
	t.frame = stable_name(t.frame);
	if (t.type.len && t.type.len <= TOKENS_WORD_MAX) {
		s->space = true;
		emit_word(s, t.type, false);
	}
	if (t.frame.len && t.frame.len <= TOKENS_WORD_MAX) {
		s->space = true;
		emit_word(s, SLICE("at"), false);
		s->space = true;
		emit_word(s, t.frame, false);
		emit_text(s, "(", 1);
		emit_text(s, ")", 1);
	}
}
