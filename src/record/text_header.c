/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a text line.
 *
 * Idea: no list of layouts but a loop over elements. At each step the next token is tried as every element that may still come (a time, a level, a thread
 * in brackets, a process id, a logger's name, "TraceID: x", Sleuth's "[service,trace,span]", klog's "E0304 ..."); the first token that is none of them
 * begins the message. Words are dangerous, so a level in running text must be in capitals or follow a time, and a logger's name needs proof: a line
 * number, two dots, or a separator behind it. A line that shows neither time nor level nor trace has no header: its message is the whole line.
 */
#include "record/text_header.h"

#include "base/clock.h"

#include "record/level.h"
#include "record/text_line.h"
#include "record/text_scan.h"
#include "record/trace_id.h"

enum { MAX_ELEMENTS = 16, LONGEST_BRACKET = 120 };

static bool looks_like_level(struct slice text)
{
	size_t n = word_len(text);
	return n >= 3 && text.ptr[0] <= 'Z' && text.ptr[n - 1] <= 'Z' && level_word(slice_of(text.ptr, n));
}

static size_t digits(struct slice text, size_t from)
{
	size_t n = from;
	while (n < text.len && is(text.ptr[n], DIGIT))
		n++;
	return n - from;
}

/* "1772615702.481 ", or "1772615702 " before a level: seconds, milliseconds if there are thirteen digits. */
static bool scan_epoch(struct slice text, struct timestamp *ret)
{
	size_t n = digits(text, 0);
	if ((n != 10 && n != 13) || text.ptr[0] != '1')
		return false;
	bool fraction = n < text.len && text.ptr[n] == '.' && digits(text, n + 1);
	n += fraction ? 1 + digits(text, n + 1) : 0;
	struct slice next = slice_sub(text, n, text.len);
	if (next.len < 2 || !is_blank(next.ptr[0]) || !(fraction || looks_like_level(after_blanks(next)) || slice_starts(after_blanks(next), SLICE("["))))
		return false;
	return timestamp_parse(slice_of(text.ptr, n), ret);
}

static bool read_time(struct scan *s)
{
	if (s->h->has_time || !(text_time_scan(s->rest, s->times, &s->h->time) || (!s->anything && scan_epoch(s->rest, &s->h->time))))
		return false;
	skip(s, s->h->time.len);
	s->h->has_time = true;
	/* the container runtime's own words behind its time */
	static const struct slice streams[] = {{" stdout F ", 10}, {" stderr F ", 10}, {" stdout P ", 10}, {" stderr P ", 10}};
	bool stream = slice_starts(s->rest, SLICE(" std"));
	for (size_t i = 0; stream && i < 4; i++)
		if (slice_starts(s->rest, streams[i])) {
			skip(s, streams[i].len);
			s->h->contained = true;
			s->h->container = s->h->time;
			s->h->has_time = false; /* the program may have written its own behind it */
			break;
		}
	return true;
}

static bool is_klog_letter(char c)
{
	return c == 'I' || c == 'W' || c == 'E' || c == 'F';
}

/* At a line's beginning, or behind what a container's runtime wrote. */
static bool may_be_klog(const struct scan *s)
{
	bool begins = !s->anything || (s->h->contained && !s->h->has_time && s->h->severity == SEVERITY_UNKNOWN);
	return begins && s->rest.len >= 20 && is_klog_letter(s->rest.ptr[0]) && (s->rest.ptr[5] == ' ' || s->rest.ptr[7] == ' ' || s->rest.ptr[9] == ' ');
}

static bool read_klog(struct scan *s)
{
	size_t used = may_be_klog(s) ? text_klog_read(s->h, s->rest) : 0;
	skip(s, used);
	return used > 0;
}

static bool is_level_end(struct slice text, size_t n)
{
	return n == text.len || is(text.ptr[n], LEVEL_END);
}

/* ":name:" directly behind a level, as Python's basic format has it. */
static void read_colon_name(struct scan *s)
{
	size_t n = 1;
	while (n < s->rest.len && (is_word_char(s->rest.ptr[n]) || s->rest.ptr[n] == '.'))
		n++;
	if (n < 2 || n >= s->rest.len || s->rest.ptr[0] != ':' || s->rest.ptr[n] != ':')
		return;
	s->h->logger = slice_sub(s->rest, 1, n - 1);
	skip(s, n + 1);
}

/* "INFO[0012] ", as logrus counts the seconds on a terminal, or "INFO[2026-03-04T09:15:02Z] ". */
static void skip_logrus_seconds(struct scan *s)
{
	size_t n = s->rest.len > 2 && s->rest.ptr[0] == '[' ? digits(s->rest, 1) : 0;
	if (n && n + 1 < s->rest.len && s->rest.ptr[n + 1] == ']')
		skip(s, n + 2);
}

/* etcd's "I | " behind a time. */
static bool read_letter(struct scan *s)
{
	if (!s->h->has_time || !slice_starts(slice_sub(s->rest, 1, 3), SLICE(" | ")))
		return false;
	s->h->severity = level_parse(slice_of(s->rest.ptr, 1), LEVEL_WORDS);
	skip(s, 3);
	return true;
}

/* Whether a word for a level may be one here: in capitals, behind a time, or "error: " with nothing before it; but for Go's "panic: ", which is of the message. */
static bool may_be_level(const struct scan *s, size_t n)
{
	char first = s->rest.ptr[0], last = s->rest.ptr[n - 1];
	return s->h->has_time || (first <= 'Z' && last <= 'Z') || (!s->anything && first >= 'a' && first != 'p' && slice_starts(behind(s->rest, n), SLICE(": ")));
}

static bool read_level(struct scan *s)
{
	size_t n = 0;
	if (s->h->severity)
		return false;
	while (n < s->rest.len && n < 12 && is(s->rest.ptr[n], LETTER))
		n++;
	if (n == 1)
		return read_letter(s);
	bool logrus = n == 4 && !s->anything && digits(slice_sub(s->rest, n, 2), 1);
	if (n < 3 || !(is_level_end(s->rest, n) || logrus) || !may_be_level(s, n))
		return false;
	s->h->severity = level_word(slice_of(s->rest.ptr, n));
	if (!s->h->severity)
		return false;
	skip(s, n);
	read_colon_name(s);
	skip_logrus_seconds(s);
	return true;
}

static bool read_module(struct scan *s)
{
	size_t n = s->h->logger.len || s->h->severity == SEVERITY_UNKNOWN ? 0 : text_module_len(s->rest);
	if (n) {
		s->h->logger = slice_sub(s->rest, 0, n);
		skip(s, n);
	}
	return n > 0;
}

static bool read_loguru(struct scan *s)
{
	size_t name, n = s->h->logger.len || s->h->severity == SEVERITY_UNKNOWN ? 0 : text_loguru_len(s->rest, &name);
	if (n) {
		s->h->logger = slice_sub(s->rest, 0, name);
		skip(s, n);
	}
	return n > 0;
}

/* Monolog's "channel.LEVEL: ". */
static bool read_channel(struct scan *s)
{
	if (s->h->severity || !s->h->has_time)
		return false;
	struct slice name = token(s->rest);
	const char *dot = name.len > 5 && name.ptr[name.len - 1] == ':' ? memrchr(name.ptr, '.', name.len) : NULL;
	if (!dot)
		return false;
	size_t from = (size_t)(dot + 1 - name.ptr);
	struct slice level = slice_sub(name, from, name.len - from - 1);
	if (!looks_like_level(level) || word_len(level) != level.len)
		return false;
	s->h->severity = level_word(level);
	s->h->logger = slice_sub(name, 0, from - 1);
	skip(s, name.len);
	return true;
}

static bool read_logger(struct scan *s)
{
	size_t own, n = s->h->logger.len || !s->anything ? 0 : text_logger_len(s->rest, &own);
	if (n == 0)
		return false;
	struct slice name = slice_of(s->rest.ptr, n);
	if (name.ptr[n - 1] == ':')
		name.len--;
	s->h->logger = slice_of(name.ptr, own < name.len ? own : name.len);
	skip(s, name.len);
	return true;
}

/* The comma behind an id of 32, 16 or no digits; 0 if there is none there. */
static size_t comma_behind_id(struct slice inside, size_t from)
{
	for (size_t digits = 48; digits > 0; digits -= 16) {
		size_t comma = from + digits - 16;
		if (comma < inside.len && inside.ptr[comma] == ',' && text_id_len(slice_sub(inside, from, digits - 16)) == digits - 16)
			return comma;
	}
	return 0;
}

bool text_sleuth_read(struct text_header *h, struct slice inside)
{
	if (h->trace_id.len || h->service.len)
		return false;
	size_t first = slice_find(inside, ',', 0), second = first < inside.len ? comma_behind_id(inside, first + 1) : 0;
	if (!second || !is_word_char(inside.ptr[0]))
		return false;
	struct slice service = slice_sub(inside, 0, first), trace = slice_sub(inside, first + 1, second - first - 1), rest = slice_sub(inside, second + 1, 17);
	struct slice span = slice_sub(rest, 0, slice_find(rest, ',', 0));
	if (span.len != 0 && span.len != 16)
		return false;
	h->service = service;
	if (trace.len) {
		h->trace_id = trace;
		h->span_id = span;
		h->trace_key = h->span_key = SLICE("[service,trace,span]");
	}
	return true;
}

/* What may follow a bracket while there is a time and no level, "[label] error: text", "[ 12 ] {query} <Error> text", or a level and no time, "INFO  [main] 2026-03-04 ..". */
static bool half_follows(const struct text_header *h, struct slice text)
{
	size_t n = word_len(text);
	if (!text.len || h->has_time == (h->severity != SEVERITY_UNKNOWN))
		return false;
	if (!h->has_time)
		return is(text.ptr[0], DIGIT);
	return text.ptr[0] == '{' || text.ptr[0] == '<' || (n < text.len && text.ptr[n] == ':' && level_word(slice_of(text.ptr, n)));
}

/* Whether a bracket before text was a thread's: more header follows. */
static bool header_follows(const struct scan *s, struct slice text)
{
	size_t own;
	text = after_blanks(text);
	if (slice_starts(text, SLICE("---")) || slice_starts(text, SLICE("[")))
		return !s->h->logger.len && s->h->severity == SEVERITY_UNKNOWN;
	if (looks_like_level(text) || half_follows(s->h, text) || slice_starts(text, SLICE("- ")))
		return true;
	return !s->h->logger.len && (text_logger_len(text, &own) || text_loguru_len(text, &own));
}

/* "[time LEVEL name]": env_logger, Serilog's console. */
static bool read_timed_bracket(struct text_header *h, struct slice inside, const struct timestamp *time)
{
	struct slice rest = slice_sub(inside, time->len, inside.len);
	bool celery = rest.len && rest.ptr[0] == ':'; /* "[time: LEVEL/process]" */
	rest = after_blanks(slice_sub(rest, celery, rest.len));
	struct slice level = token(rest);
	enum severity severity = level_word(celery ? slice_sub(level, 0, slice_find(level, '/', 0)) : level);
	if (h->has_time || h->severity || time->len == inside.len || severity == SEVERITY_UNKNOWN)
		return false;
	h->time = *time;
	h->has_time = true;
	h->severity = severity;
	rest = after_blanks(slice_sub(rest, level.len, rest.len));
	if (rest.len && token(rest).len == rest.len)
		h->logger = rest;
	return true;
}

/* "[trace-span]" from the inside, or as many blanks. */
static bool is_correlation(struct slice inside)
{
	return slice_trim(inside).len == 0 || (inside.len == 49 && inside.ptr[32] == '-');
}

/* Behind Spring's dashes: [application] [thread] [trace-span], of which only the thread is always there. */
static bool read_spring_bracket(struct scan *s, struct slice inside, struct slice after)
{
	struct slice next = after_blanks(after);
	if (inside.len == 49 && inside.ptr[32] == '-' && text_id_len(slice_of(inside.ptr, 32)) == 32 && !s->h->trace_id.len) {
		s->h->trace_id = slice_sub(inside, 0, 32);
		s->h->span_id = slice_sub(inside, 33, 16);
		s->h->trace_key = s->h->span_key = SLICE("[trace-span]");
		return true;
	}
	bool thread_next = next.len && next.ptr[0] == '[' && !is_correlation(slice_sub(next, 1, slice_find(next, ']', 0) - 1));
	if (thread_next && !s->h->service.len && token(inside).len == inside.len && inside.len)
		s->h->service = inside;
	return true;
}

static bool read_whole_bracket(struct scan *s, struct slice inside, struct slice after)
{
	struct timestamp time;
	if (inside.len && is(inside.ptr[0], DIGIT) && timestamp_scan(inside, &time) && read_timed_bracket(s->h, inside, &time))
		return true;
	return s->dashes && !s->h->logger.len && read_spring_bracket(s, inside, after);
}

/* "shop.pay.Charge", nothing else. */
static bool is_dotted(struct slice text)
{
	size_t dots = 0;
	if (text.len < 3 || !is(text.ptr[0], LETTER))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!is(text.ptr[i], WORD) && text.ptr[i] != '.' && text.ptr[i] != '$')
			return false;
		dots += text.ptr[i] == '.';
	}
	return dots && text.ptr[text.len - 1] != '.';
}

/* Behind a level: the "[name] [file:line] " that OpenTelemetry puts before Python's ids, or "[shop.pay.Charge] ", as Quarkus writes it with " (thread)" behind it. */
static bool read_name_bracket(struct scan *s, struct slice inside, struct slice *after)
{
	struct slice next = after_blanks(*after);
	if (s->h->severity == SEVERITY_UNKNOWN || inside.len == 0)
		return false;
	bool otel = next.len && next.ptr[0] == '[' && slice_search(slice_sub(next, 0, LONGEST_BRACKET), SLICE("[trace_id=")) < LONGEST_BRACKET && slice_search(next, SLICE("[trace_id=")) < next.len;
	if (s->h->logger.len || !(otel || is_dotted(inside)))
		return otel;
	s->h->logger = inside;
	size_t end = slice_find(slice_sub(next, 0, LONGEST_BRACKET), ')', 0);
	if (next.len && next.ptr[0] == '(' && end < next.len && next.ptr[end] == ')')
		*after = slice_sub(next, end + 1, next.len);
	return true;
}

/* What OpenTelemetry's Python instrumentation writes beside the ids; inside a span or not. */
static bool read_otel_service(struct text_header *h, struct slice inside)
{
	struct slice name = SLICE("resource.service.name=");
	size_t at = slice_search(inside, name);
	if (at == inside.len)
		return false;
	struct slice service = token(slice_sub(inside, at + name.len, inside.len));
	if (service.len && !h->service.len)
		h->service = service;
	return true;
}

static bool read_other_bracket(struct scan *s, struct slice inside, struct slice *after)
{
	return text_sleuth_read(s->h, inside) || read_name_bracket(s, inside, after) || header_follows(s, *after);
}

/* Ids in a bracket; one that has the service beside them may be without any. */
static bool read_id_bracket(struct text_header *h, struct slice inside)
{
	text_header_find_ids(h, inside);
	return read_otel_service(h, inside) || h->trace_id.len;
}

/* Behind a time a letter will do, and MySQL's [Note] and [System]. */
static enum severity bracket_level(const struct text_header *h, struct slice inside)
{
	if (h->has_time && ((inside.len == 1 && strchr("TDIWEFC", inside.ptr[0])) || slice_eq(inside, SLICE("Note"))))
		return level_parse(inside, LEVEL_WORDS);
	return h->has_time && slice_eq(inside, SLICE("System")) ? SEVERITY_INFO : level_word(inside);
}

static bool read_bracket(struct scan *s)
{
	struct text_header *h = s->h;
	size_t end = slice_find(slice_sub(s->rest, 0, LONGEST_BRACKET), ']', 0);
	if (end >= s->rest.len || s->rest.ptr[end] != ']')
		return false;
	struct slice inside = slice_trim(slice_of(s->rest.ptr + 1, end - 1)), after = behind(s->rest, end + 1);
	struct timestamp time;
	enum severity severity = h->severity ? SEVERITY_UNKNOWN : bracket_level(h, inside);
	if (read_whole_bracket(s, inside, after)) {
		s->rest = after;
		return true;
	}
	bool ids = !h->trace_id.len && slice_search(inside, SLICE("race")) < inside.len;
	if (severity) {
		h->severity = severity;
	} else if (!h->has_time && timestamp_scan(inside, &time) && time.len == inside.len) {
		h->time = time;
		h->has_time = true;
	} else if (!(ids ? read_id_bracket(h, inside) : s->anything && read_other_bracket(s, inside, &after))) {
		return false;
	}
	s->rest = after;
	return true;
}

/* nginx: "41#41: " */
static bool skip_process(struct scan *s, size_t n)
{
	size_t end = n + 1;
	if (n >= s->rest.len || s->rest.ptr[n] != '#')
		return false;
	while (end < s->rest.len && is(s->rest.ptr[end], DIGIT))
		end++;
	if (end >= s->rest.len || s->rest.ptr[end] != ':')
		return false;
	skip(s, end + 1);
	return true;
}

/* Spring's "---", logback's "--". */
static bool skip_dashes(struct scan *s)
{
	bool three = slice_starts(s->rest, SLICE("--- "));
	if (!three && !slice_starts(s->rest, SLICE("-- ")))
		return false;
	s->dashes = three;
	skip(s, three ? 3 : 2);
	return true;
}

/* MySQL's thread, OpenStack's process: a number between the time and the level. */
static bool skip_thread(struct scan *s, size_t n, struct slice next)
{
	if (n > 10 || !s->h->has_time || s->h->severity || n == s->rest.len || !is_blank(s->rest.ptr[n]) || !(slice_starts(next, SLICE("[")) || looks_like_level(next)))
		return false;
	s->rest = next;
	return true;
}

/* Digits that are no time: "12345 ---", or another number before what goes on. */
static bool read_number(struct scan *s)
{
	size_t n = digits(s->rest, 0);
	struct slice next = after_blanks(slice_sub(s->rest, n, s->rest.len));
	if (n <= 8 && slice_starts(next, SLICE("--- "))) {
		s->rest = slice_sub(next, 3, next.len);
		s->dashes = true;
		return true;
	}
	return skip_thread(s, n, next) || (s->h->severity && skip_process(s, n));
}

/* "---" or a lone separator between elements. */
static bool read_separator(struct scan *s)
{
	if (!s->anything)
		return false;
	if (s->rest.ptr[0] == '-' && skip_dashes(s))
		return true;
	if (s->rest.len > 1 && is(s->rest.ptr[0], SEPARATOR) && (is_blank(s->rest.ptr[1]) || s->rest.ptr[0] == ':')) {
		skip(s, 1);
		return true;
	}
	return false;
}

/* AWS Lambda's request, "\t6e0c6325-7de3-4c92-aef1-d0a1b2c3d4e5\t", between a time and a level or a text. */
static bool skip_request(struct scan *s)
{
	enum { UUID = 36 };
	if (!s->h->has_time || s->rest.len <= UUID || s->rest.ptr[UUID] != '\t' || s->rest.ptr[8] != '-')
		return false;
	for (size_t i = 0; i < UUID; i++)
		if (!is(s->rest.ptr[i], DIGIT | LETTER) && s->rest.ptr[i] != '-')
			return false;
	skip(s, UUID);
	return true;
}

static bool read_name(struct scan *s)
{
	return read_channel(s) || read_logger(s) || read_loguru(s) || read_module(s);
}

static bool read_element(struct scan *s)
{
	char c = s->rest.ptr[0];
	if (s->rest.len > 36 && s->rest.ptr[36] == '\t' && skip_request(s))
		return true;
	if ((unsigned)(c - '0') <= 9)
		return read_time(s) || read_number(s);
	if (c == '[')
		return read_bracket(s);
	if ((unsigned)((c | 32) - 'a') > 25 && c != '_')
		return read_separator(s);
	if (read_level(s) || read_klog(s))
		return true;
	size_t used = text_id_begins(s->rest) ? text_id_read(s->h, s->rest) : 0;
	if (used) {
		skip(s, used);
		return true;
	}
	return read_name(s);
}

static inline bool read_rare(struct scan *s)
{
	if (s->h->severity && s->h->has_time && (!s->h->trace_id.len || s->h->logger.len)) /* complete, and nearly every line */
		return false;
	size_t used = text_element_read(s->h, s->rest, !s->anything);
	skip(s, used);
	return used > 0;
}

static inline void read_elements(struct scan *s)
{
	for (int left = MAX_ELEMENTS; left > 0; left--) {
		if (s->h->has_time && text_quick_read(s, &left))
			break;
		skip_blanks(s);
		if (s->rest.len == 0 || !(read_element(s) || read_rare(s)))
			break;
		s->anything = true;
	}
}

static void read_header(struct slice line, bool inside, struct time_memos *times, struct text_header *ret)
{
	*ret = (struct text_header){0};
	if (text_line_read(line, inside, ret))
		return;
	struct scan s = {.rest = line, .h = ret, .times = times};
	read_elements(&s);
	if (ret->trace_id.len == 0)
		text_header_find_ids(ret, s.rest);
	if (!ret->has_time && after_blanks(s.rest).len == 0) /* .NET's first line of two has nothing else */
		s.rest = ret->logger;
	if (ret->contained && !ret->has_time) {
		ret->time = ret->container;
		ret->has_time = true;
	}
	bool header = ret->has_time || ret->severity != SEVERITY_UNKNOWN || (ret->trace_id.len && s.anything);
	ret->message = header ? slice_trim(s.rest) : line;
	if (!header)
		ret->logger = ret->service = slice_of(NULL, 0);
}

void text_header_read(struct slice line, struct time_memos *times, struct text_header *ret)
{
	read_header(line, false, times, ret);
}

void text_header_read_inside(struct slice line, struct text_header *ret)
{
	read_header(line, true, NULL, ret);
}

bool text_header_tells(const struct text_header *h)
{
	return h->has_time || (h->severity != SEVERITY_UNKNOWN && h->message.len) || h->status || h->has_duration;
}

bool text_header_is(struct slice line)
{
	struct text_header h;
	text_header_read(line, NULL, &h);
	return text_header_tells(&h);
}
