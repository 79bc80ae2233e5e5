/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports of several lines, whose first says what they are; they come as one message where the shipper joins lines.
 *
 * Layouts: Erlang's and OTP's "=ERROR REPORT==== 4-Mar-2026::09:15:02.481203 ===", also of a crash, a supervisor, progress, and of each level; the report stands below it. MySQL's and MariaDB's slow queries, "# Time: .." (left out
 * where the second is that of the query before), "# User@Host: ..", "# Query_time: 1.84  Lock_time: ..", perhaps "use shop;" and "SET timestamp=1772615702;", then the query. AWS Lambda's "REPORT RequestId: ..\tDuration: 184.20 ms\t..".
 */
#include "base/clock.h"
#include "record/duration.h"
#include "record/level.h"
#include "record/text_line.h"
#include "record/text_word.h"

static struct slice first_line(struct slice text)
{
	return slice_sub(text, 0, slice_find(text, '\n', 0));
}

static struct slice next_line(struct slice *rest)
{
	struct slice line = first_line(*rest);
	*rest = text_rest(*rest, line.len + 1);
	return slice_trim(line);
}

/* "4-Mar-2026::09:15:02.481203" */
static bool erlang_time(struct slice text, struct timestamp *ret)
{
	enum { LONGEST = 32 };
	char plain[LONGEST];
	size_t colons = slice_search(text, SLICE("::")), day = slice_find(text, '-', 0), pad = day == 1;
	if (colons >= text.len || text.len - colons < 10 || text.len >= LONGEST || day > 2)
		return false;
	plain[0] = '0';
	memcpy(plain + pad, text.ptr, colons);
	plain[pad + colons] = ' ';
	memcpy(plain + pad + colons + 1, text.ptr + colons + 2, text.len - colons - 2);
	struct slice whole = slice_of(plain, text.len + pad - 1);
	return timestamp_scan(whole, ret) && ret->dated && ret->len == whole.len;
}

static enum severity erlang_level(struct slice kind)
{
	if (slice_eq(kind, SLICE("CRASH")) || slice_eq(kind, SLICE("SUPERVISOR")))
		return SEVERITY_ERROR;
	return slice_eq(kind, SLICE("PROGRESS")) ? SEVERITY_INFO : level_word(kind);
}

bool text_erlang_read(struct slice line, struct text_header *ret)
{
	struct slice head = first_line(line), body = slice_trim(text_rest(line, head.len)), mark = SLICE(" REPORT==== ");
	size_t kind = slice_search(slice_sub(head, 0, 40), mark), from = kind + mark.len;
	struct text_header h = {.has_time = true, .message = body.len ? body : line};
	if (from >= head.len || !(h.severity = erlang_level(slice_sub(head, 1, kind - 1))))
		return false;
	head = text_rest(head, from);
	size_t end = slice_search(head, SLICE(" ==="));
	if (end == head.len || !erlang_time(slice_of(head.ptr, end), &h.time))
		return false;
	h.time.len = 0;
	*ret = h;
	return true;
}

/* What one line of a slow query's says. */
static void take_slow(struct slice line, struct text_header *h)
{
	struct slice time = SLICE("# Time: "), query = SLICE("# Query_time: "), set = SLICE("SET timestamp=");
	if (slice_starts(line, time)) {
		h->has_time = timestamp_scan(text_rest(line, time.len), &h->time) && h->time.dated;
	} else if (slice_starts(line, query)) {
		struct slice took = text_rest(line, query.len);
		h->has_duration = duration_parse(text_word(&took), NS_PER_S, &h->duration_ns);
	} else if (slice_starts(line, set) && !h->has_time) {
		struct slice when = text_rest(line, set.len);
		h->has_time = timestamp_parse(slice_sub(when, 0, slice_find(when, ';', 0)), &h->time);
	}
}

bool text_slow_query_read(struct slice line, struct text_header *ret)
{
	struct slice rest = line, at = line;
	struct text_header h = {0};
	if (!slice_starts(line, SLICE("# Time: ")) && !slice_starts(line, SLICE("# User@Host: ")))
		return false;
	while (rest.len) {
		at = rest;
		struct slice next = next_line(&rest);
		bool head = (next.len && next.ptr[0] == '#') || slice_starts(next, SLICE("SET timestamp=")) || slice_starts(next, SLICE("use "));
		if (!head)
			break;
		take_slow(next, &h);
		at = rest;
	}
	if (!h.has_duration)
		return false;
	h.message = at.len ? slice_trim(at) : line;
	*ret = h;
	return true;
}

bool text_lambda_read(struct slice line, struct text_header *ret)
{
	struct slice duration = SLICE("Duration: "), segment = SLICE("SegmentId: ");
	struct text_header h = {.message = line};
	size_t took = slice_search(line, duration) + duration.len, span = slice_search(line, segment) + segment.len;
	if (!slice_starts(line, SLICE("REPORT RequestId: ")) || took >= line.len)
		return false;
	struct slice value = text_rest(line, took);
	h.has_duration = duration_parse(text_word(&value), NS_PER_MS, &h.duration_ns);
	text_header_find_ids(&h, line);
	if (span < line.len && h.span_id.len == 0) {
		value = text_rest(line, span);
		h.span_id = slice_sub(value, 0, slice_find(value, '\t', 0));
		h.span_key = slice_sub(segment, 0, segment.len - 2);
	}
	*ret = h;
	return h.has_duration;
}
