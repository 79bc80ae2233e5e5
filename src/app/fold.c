/* SPDX-License-Identifier: Apache-2.0 */
#include "app/fold.h"

#include "pattern/lexeme.h"
#include "record/text_header.h"

/* at com.acme.Stock.take(Stock.java:71) */
static bool is_frame(struct slice text)
{
	return slice_starts(text, SLICE("at ")) || slice_starts(text, SLICE("File \"")) || (slice_starts(text, SLICE("... ")) && slice_ends(text, SLICE(" more")));
}

/* java.io.IOException: disk full */
static bool is_exception(struct slice text)
{
	size_t end = 0;
	size_t dots = 0;
	while (end < text.len && ((lex_class[(uint8_t)text.ptr[end]] & (LEX_LETTER | LEX_DIGIT | LEX_UNDER)) || text.ptr[end] == '.' || text.ptr[end] == '$'))
		dots += text.ptr[end++] == '.';
	return dots && lex_exception(slice_sub(text, 0, end)) && (end == text.len || text.ptr[end] == ':');
}

static bool continues(struct fold *f, struct slice line, struct slice text)
{
	bool indented = line.len && (line.ptr[0] == ' ' || line.ptr[0] == '\t');
	if (f->traceback) {
		f->traceback = indented;
		return true;
	}
	if (f->goroutine) {
		f->goroutine = text.len > 0;
		return true;
	}
	if (text.len == 0)
		return f->panic;
	f->traceback = slice_starts(text, SLICE("Traceback (most recent call last):"));
	f->goroutine = slice_starts(text, SLICE("goroutine ")) && slice_ends(text, SLICE("]:"));
	return f->traceback || f->goroutine || (indented && is_frame(text)) || slice_starts(line, SLICE("Caused by: ")) || is_exception(line);
}

bool fold_continues(struct fold *f, struct slice line)
{
	struct slice text = slice_trim(line);
	if (text_header_is(line))
		*f = (struct fold){0};
	if (f->open && continues(f, line, text))
		return true;
	*f = (struct fold){.open = text.len > 0, .panic = slice_starts(text, SLICE("panic: ")), .traceback = slice_starts(text, SLICE("Traceback (most recent"))};
	return false;
}
