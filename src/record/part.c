/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts.
 *
 * Idea: what can be said of a line by itself is said here, so that it holds whoever reads the line and whenever; what needs memory (the piece before) is
 * the engine's (engine/lines.h). CRI tags each piece, P or F; Fluent Bit keeps the tag as logtag; Docker's drivers say partial_message; its files say
 * nothing, but a whole line ends there with its newline, so one that does not and fills Docker's buffer, or is JSON that stops in the middle, goes on.
 * A line of a trace is known by how it begins, as runtimes print it: Java, .NET, Node, Python, Ruby, Go, Rust.
 */
#include "record/part.h"

static bool is_stream(struct slice s)
{
	return slice_eq(s, SLICE("stdout")) || slice_eq(s, SLICE("stderr"));
}

size_t part_cri_read(struct slice line, struct slice *ret_stream, bool *ret_unfinished)
{
	if ((unsigned)(line.ptr[0] - '0') > 9)
		return 0;
	size_t time = slice_find(slice_sub(line, 0, 40), ' ', 19), stream = time + 1, tag = stream + 7;
	if (tag + 1 > line.len || !is_stream(slice_sub(line, stream, 6)) || line.ptr[tag - 1] != ' ' || (line.ptr[tag] != 'P' && line.ptr[tag] != 'F'))
		return 0;
	if (tag + 1 < line.len && line.ptr[tag + 1] != ' ')
		return 0;
	*ret_stream = slice_sub(line, stream, 6);
	*ret_unfinished = line.ptr[tag] == 'P';
	return tag + 2 < line.len ? tag + 2 : line.len;
}

static bool is_true(const struct object *o, unsigned key)
{
	if (!key_set_has(&o->seen, key))
		return false;
	return json_type(&o->json, o->at[key]) == 't' || slice_eq(json_text(&o->json, o->at[key]), SLICE("true"));
}

static enum record_part part_of_file(struct slice raw)
{
	if (raw.len == 0 || raw.ptr[raw.len - 1] == '\n')
		return PART_WHOLE;
	if (raw.ptr[0] == '{' && raw.ptr[raw.len - 1] != '}' && json_fault(raw) == JSON_FAULT_TRUNCATED)
		return PART_UNFINISHED;
	return raw.len >= PART_DOCKER_BUFFER ? PART_FULL : PART_WHOLE;
}

enum record_part part_of_container(const struct object *o, struct slice raw, bool cri, bool unfinished, struct slice *ret_stream)
{
	if (key_set_has(&o->seen, KEY_STREAM))
		*ret_stream = json_text(&o->json, o->at[KEY_STREAM]);
	if (key_set_has(&o->seen, KEY_LOGTAG))
		return slice_eq(json_text(&o->json, o->at[KEY_LOGTAG]), SLICE("P")) ? PART_UNFINISHED : PART_WHOLE;
	if (key_set_has(&o->seen, KEY_PARTIAL_MESSAGE))
		return is_true(o, KEY_PARTIAL_MESSAGE) && !is_true(o, KEY_PARTIAL_LAST) ? PART_UNFINISHED : PART_WHOLE;
	if (cri)
		return unfinished ? PART_UNFINISHED : PART_WHOLE;
	return part_of_file(raw);
}

/* "0: rust_begin_unwind", indented by Rust; "#0 /app/pay.php(12): charge()", PHP's, which is not. */
static bool is_numbered_frame(struct slice text, bool indented)
{
	size_t n = !indented, from = n;
	if (!indented && (text.len < 6 || text.ptr[0] != '#'))
		return false;
	while (n < text.len && (unsigned)(text.ptr[n] - '0') <= 9)
		n++;
	if (n == from || n - from > 4 || n + 2 >= text.len)
		return false;
	return indented ? text.ptr[n] == ':' && text.ptr[n + 1] == ' ' : text.ptr[n] == ' ' && strchr("/{[", text.ptr[n + 1]);
}

static bool begins(struct slice text, const char *const *words)
{
	for (; *words; words++)
		if (slice_starts(text, slice_str(*words)))
			return true;
	return false;
}

/* "... 23 more", "... 3 common frames omitted" */
static bool is_ellipsis(struct slice text)
{
	return slice_starts(text, SLICE("... ")) && text.len > 4 && (unsigned)(text.ptr[4] - '0') <= 9;
}

/* "main.(*Server).handle(0xc000, 0x1)": Go's frames stand at the line's beginning. */
static bool is_go_frame(struct slice text)
{
	size_t open = slice_find(text, '(', 0);
	if (text.len < 6 || text.ptr[text.len - 1] != ')' || slice_find(text, ' ', 0) < (open < text.len ? open : 0))
		return false;
	size_t last = text.len - 1;
	while (last > 0 && text.ptr[last] != '(')
		last--;
	struct slice name = slice_sub(text, 0, last), inside = slice_sub(text, last + 1, text.len - last - 2);
	bool arguments = inside.len == 0 || slice_starts(inside, SLICE("0x")) || slice_starts(inside, SLICE("{0x")) || slice_eq(inside, SLICE("..."));
	return arguments && slice_find(name, '.', 0) < name.len && slice_find(name, ' ', 0) == name.len;
}

/* "ValueError: no", "java.lang.IllegalStateException: no" */
static bool is_headline(struct slice text)
{
	static const char *const ends[] = {"Error", "Exception", "Throwable", "Warning", "Interrupt", "Exit", NULL};
	size_t n = 0;
	while (n < text.len && ((unsigned)((text.ptr[n] | 32) - 'a') <= 25 || (unsigned)(text.ptr[n] - '0') <= 9 || text.ptr[n] == '.' || text.ptr[n] == '_' || text.ptr[n] == '$'))
		n++;
	if (n < 5 || (n < text.len && text.ptr[n] != ':') || (n + 1 < text.len && text.ptr[n + 1] != ' '))
		return false;
	for (const char *const *end = ends; *end; end++)
		if (slice_ends(slice_of(text.ptr, n), slice_str(*end)))
			return true;
	return false;
}

enum record_part part_of_trace(struct slice raw)
{
	static const char *const at_once[] = {"Caused by: ", "Suppressed: ", "Traceback (most recent call last)", "During handling of the above exception", "The above exception was the direct cause",
		"goroutine ", "created by ", "stack backtrace:", "Stack trace:", "[stack trace]", "note: run with ", "note: Some details are omitted", NULL};
	static const char *const indented[] = {"at ", "from ", "File \"", "Caused by: ", "Suppressed: ", "--- End of ", NULL};
	struct slice text = slice_trim(raw);
	size_t blanks = text.len ? (size_t)(text.ptr - raw.ptr) : 0;
	if (text.len == 0 || text.ptr[0] == '{')
		return PART_WHOLE;
	if ((strchr("CSTDgcns[", text.ptr[0]) && begins(text, at_once)) || is_ellipsis(text) || is_go_frame(text) || is_numbered_frame(text, blanks > 0))
		return PART_TRACE;
	if (blanks && (raw.ptr[blanks - 1] == '\t' || blanks >= 4 || begins(text, indented)))
		return PART_TRACE;
	return !blanks && is_headline(text) ? PART_HEADLINE : PART_WHOLE;
}
