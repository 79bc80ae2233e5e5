/* SPDX-License-Identifier: Apache-2.0 */
#include "slo/query.h"
#include "slo/period.h"

/* Length of a placeholder at the beginning of text: {{.window}}, with spaces or without. 0: another one. */
static size_t window_at(struct slice text)
{
	size_t end = slice_search(text, SLICE("}}"));
	if (end == text.len)
		return 0;
	struct slice inside = slice_trim(slice_sub(text, 2, end - 2));
	return slice_eq(inside, SLICE(".window")) || slice_eq(inside, SLICE("$window")) ? end + 2 : 0;
}

const char *slo_query_check(struct slice query, size_t *ret_windows)
{
	*ret_windows = 0;
	if (slice_trim(query).len == 0)
		return "the query is empty";
	for (;;) {
		size_t at = slice_search(query, SLICE("{{"));
		if (at == query.len)
			return NULL;
		size_t len = window_at(slice_sub(query, at, query.len));
		if (len == 0)
			return "the only placeholder of a query is {{.window}}";
		(*ret_windows)++;
		query = slice_sub(query, at + len, query.len);
	}
}

void slo_query_print(struct buf *out, struct slice query, int64_t window_ns)
{
	query = slice_trim(query);
	while (query.len) {
		size_t at = slice_search(query, SLICE("{{"));
		buf_add_slice(out, slice_sub(query, 0, at));
		if (at == query.len)
			return;
		query = slice_sub(query, at, query.len);
		size_t len = window_at(query);
		if (len)
			period_print(out, window_ns);
		else
			buf_add_slice(out, slice_sub(query, 0, len = 2));
		query = slice_sub(query, len, query.len);
	}
}

/* Position behind the PromQL string that begins at `at`. */
static size_t behind_string(struct slice s, size_t at)
{
	char quote = s.ptr[at++];
	while (at < s.len && s.ptr[at] != quote)
		at += s.ptr[at] == '\\' && quote != '`' ? 2 : 1;
	return at < s.len ? at + 1 : s.len;
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

/* Replaces what stands in square brackets outside strings; returns how many there were. */
static size_t replace_ranges(struct buf *out, struct slice query)
{
	size_t found = 0;
	for (size_t i = 0; i < query.len;) {
		size_t next = i + 1;
		if (is_quote(query.ptr[i]))
			next = behind_string(query, i);
		buf_add_slice(out, slice_sub(query, i, next - i));
		if (query.ptr[i] == '[') {
			size_t close = slice_find(query, ']', i);
			size_t colon = slice_find(slice_sub(query, i, close - i), ':', 0);
			buf_add_str(out, "{{.window}}");
			buf_add_slice(out, slice_sub(query, i + colon, close - i - colon));
			found++;
			next = close;
		}
		i = next;
	}
	return found;
}

/* Whether s is one selector: a name, perhaps with matchers, nothing else. */
static bool is_selector(struct slice s)
{
	size_t i = 0;
	while (i < s.len && s.ptr[i] != '{' && s.ptr[i] != '(' && s.ptr[i] != ' ' && s.ptr[i] != '/' && s.ptr[i] != '+' && s.ptr[i] != '-' && s.ptr[i] != '*')
		i++;
	if (i == s.len)
		return s.len > 0;
	if (s.ptr[i] != '{')
		return false;
	while (i < s.len && s.ptr[i] != '}')
		i = is_quote(s.ptr[i]) ? behind_string(s, i) : i + 1;
	return i + 1 == s.len;
}

void slo_query_with_window(struct buf *out, struct slice query, bool counter)
{
	size_t windows;
	query = slice_trim(query);
	if (slo_query_check(query, &windows) || windows) {
		buf_add_slice(out, query);
		return;
	}
	size_t before = out->len;
	if (replace_ranges(out, query))
		return;
	out->len = before;
	struct slice inside = slice_starts(query, SLICE("sum(")) && slice_ends(query, SLICE(")")) ? slice_trim(slice_sub(query, 4, query.len - 5)) : query;
	if (counter && is_selector(inside))
		buf_printf(out, "sum(rate(%.*s[{{.window}}]))", (int)inside.len, inside.ptr);
	else
		buf_printf(out, "sum_over_time((%.*s)[{{.window}}:])", (int)query.len, query.ptr);
}
