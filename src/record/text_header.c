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
#include "record/trace_id.h"

enum { MAX_ELEMENTS = 16, LONGEST_BRACKET = 120, LONGEST_TOKEN = 200 };

struct scan {
	struct slice rest;
	struct text_header *h;
	bool anything; /* an element was found */
	bool dashes;   /* Spring's "---" was */
};

enum { DIGIT = 1, LETTER = 2, WORD = 4, ID = 8, LOGGER = 16, BLANK = 32, LEVEL_END = 64, SEPARATOR = 128 };

static const unsigned char classes[256] = {
	['0' ... '9'] = DIGIT | WORD | ID | LOGGER, ['a' ... 'z'] = LETTER | WORD | ID | LOGGER, ['A' ... 'Z'] = LETTER | WORD | ID | LOGGER, ['_'] = WORD | ID | LOGGER,
	['-'] = ID | LOGGER | LEVEL_END | SEPARATOR, ['.'] = LOGGER, ['$'] = LOGGER, ['['] = LOGGER, [']'] = LOGGER | LEVEL_END, ['/'] = LOGGER,
	[' '] = BLANK | LEVEL_END, ['\t'] = BLANK | LEVEL_END, ['\n'] = LEVEL_END, [':'] = LEVEL_END | SEPARATOR, ['|'] = LEVEL_END | SEPARATOR, [','] = LEVEL_END | SEPARATOR,
};

static bool is(char c, unsigned what)
{
	return classes[(unsigned char)c] & what;
}

static bool is_blank(char c)
{
	return is(c, BLANK);
}

static bool is_word_char(char c)
{
	return is(c, WORD);
}

static void skip(struct scan *s, size_t n)
{
	s->rest = slice_sub(s->rest, n, s->rest.len);
}

static void skip_blanks(struct scan *s)
{
	size_t n = 0;
	while (n < s->rest.len && is_blank(s->rest.ptr[n]))
		n++;
	skip(s, n);
}

static struct slice token(struct slice text)
{
	size_t n = 0;
	while (n < text.len && n < LONGEST_TOKEN && !is_blank(text.ptr[n]) && text.ptr[n] != '\n')
		n++;
	return slice_of(text.ptr, n);
}

static struct slice after_blanks(struct slice text)
{
	size_t n = 0;
	while (n < text.len && is_blank(text.ptr[n]))
		n++;
	return slice_sub(text, n, text.len);
}

static size_t word_len(struct slice text)
{
	size_t n = 0;
	while (n < text.len && is_word_char(text.ptr[n]))
		n++;
	return n;
}

/* Letters as the bytes of a number, first letter highest. */
#define LETTERS7(a, b, c, d, e, f, g) (((((((uint64_t)(a) << 8 | (b)) << 8 | (c)) << 8 | (d)) << 8 | (e)) << 8 | (f)) << 8 | (g))

/* "trace_id", "TraceID", "x-b3-traceid", "span-id", "dd.trace_id" ...: 't' or 's', or 0. */
static char id_key(struct slice name)
{
	uint64_t folded = 0;
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

static size_t id_len(struct slice text)
{
	bool zero;
	size_t n = 0;
	while (n < 32 && n + 16 <= text.len && trace_id_is_hex(text.ptr + n, &zero))
		n += 16;
	while (n < text.len && is(text.ptr[n], ID))
		n++;
	return n;
}

/* Length of the name before ':' or '='; 0 if no such sign follows. */
static size_t id_key_len(struct slice text)
{
	size_t n = 0;
	while (n < text.len && n < 24 && is(text.ptr[n], ID | LOGGER) && text.ptr[n] != '[')
		n++;
	return n < text.len && (text.ptr[n] == ':' || text.ptr[n] == '=') ? n : 0;
}

/* key, ':' or '=', blanks, id; the bytes used, or 0. */
static size_t read_id(struct text_header *h, struct slice text)
{
	size_t n = id_key_len(text);
	char kind = n ? id_key(slice_of(text.ptr, n)) : 0;
	if (!kind)
		return 0;
	struct slice value = after_blanks(slice_sub(text, n + 1, text.len));
	bool quoted = value.len && value.ptr[0] == '"';
	value = slice_sub(value, quoted, value.len);
	value.len = id_len(value);
	size_t used = (size_t)(value.ptr + value.len - text.ptr);
	used += quoted && used < text.len && text.ptr[used] == '"';
	struct slice *id = kind == 't' ? &h->trace_id : &h->span_id;
	if (value.len < 8 || id->len) /* a filler such as "-" or "" is no id, but it is the header's */
		return used;
	*id = value;
	*(kind == 't' ? &h->trace_key : &h->span_key) = slice_of(text.ptr, n + 1);
	return used;
}

/* All the ids in text, wherever they stand. */
void text_header_find_ids(struct text_header *h, struct slice text)
{
	static const struct slice needles[] = {{"race", 4}, {"pan", 3}};
	for (size_t k = 0; k < 2; k++) {
		struct slice rest = text;
		for (int tries = 0; tries < 4 && rest.len; tries++) {
			size_t at = slice_search(rest, needles[k]);
			if (at == rest.len)
				break;
			size_t from = at;
			while (from > 0 && (is_word_char(rest.ptr[from - 1]) || rest.ptr[from - 1] == '-' || rest.ptr[from - 1] == '.') && at - from < 8)
				from--;
			if (read_id(h, slice_sub(rest, from, rest.len)) && (k ? h->span_id.len : h->trace_id.len))
				break;
			rest = slice_sub(rest, at + needles[k].len, rest.len);
		}
		if (h->trace_id.len == 0)
			return;
	}
}

static bool read_time(struct scan *s)
{
	if (s->h->has_time || !timestamp_scan(s->rest, &s->h->time))
		return false;
	skip(s, s->h->time.len);
	s->h->has_time = true;
	/* the container runtime's own words behind its time */
	static const struct slice streams[] = {{" stdout F ", 10}, {" stderr F ", 10}, {" stdout P ", 10}, {" stderr P ", 10}};
	for (size_t i = 0; i < 4; i++)
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
	return begins && s->rest.len >= 20 && is_klog_letter(s->rest.ptr[0]) && s->rest.ptr[5] == ' ';
}

/* klog and glog: "E0304 09:15:02.481203   41 store.go:118] message". */
static bool read_klog(struct scan *s)
{
	struct timestamp time;
	struct slice t = s->rest;
	if (!may_be_klog(s) || !timestamp_scan(slice_sub(t, 6, t.len), &time) || time.dated)
		return false;
	struct slice tail = after_blanks(slice_sub(t, 6 + time.len, t.len));
	tail = after_blanks(slice_sub(tail, word_len(tail), tail.len));
	size_t end = slice_find(tail, ']', 0);
	if (end == tail.len || end > LONGEST_BRACKET)
		return false;
	int64_t month, day;
	if (slice_to_i64(slice_sub(t, 1, 2), &month) && slice_to_i64(slice_sub(t, 3, 2), &day) && month >= 1 && month <= 12 && day >= 1 && day <= 31) {
		s->h->has_time = true;
		s->h->time = (struct timestamp){.ns = clock_days(2000, (unsigned)month, (unsigned)day) * 86400 * NS_PER_S + time.ns, .dated = true, .yearless = true};
	}
	s->h->severity = level_parse(slice_of(t.ptr, 1), LEVEL_GUESS);
	s->h->logger = slice_sub(tail, 0, slice_find(slice_of(tail.ptr, end), ':', 0));
	s->rest = slice_sub(tail, end + 1, tail.len);
	return true;
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

static bool read_level(struct scan *s)
{
	size_t n = 0;
	while (n < s->rest.len && n < 12 && is(s->rest.ptr[n], LETTER))
		n++;
	if (s->h->severity || n < 3 || !is_level_end(s->rest, n))
		return false;
	bool capitals = s->rest.ptr[0] <= 'Z' && s->rest.ptr[n - 1] <= 'Z';
	if (!capitals && !s->h->has_time)
		return false;
	s->h->severity = level_word(slice_of(s->rest.ptr, n));
	if (!s->h->severity)
		return false;
	skip(s, n);
	read_colon_name(s);
	return true;
}

static bool looks_like_level(struct slice text)
{
	size_t n = word_len(text);
	return n >= 3 && text.ptr[0] <= 'Z' && text.ptr[n - 1] <= 'Z' && level_word(slice_of(text.ptr, n));
}

/* What the characters of a token say about its being a logger's name. */
struct name_marks {
	size_t len;    /* of the token */
	size_t dots;
	size_t others; /* brackets and slashes */
	size_t hash;   /* where the first '#' is; len: nowhere */
	bool wrong;    /* holds what no name does */
};

static struct name_marks marks_of(struct slice text)
{
	struct name_marks m = {.hash = SIZE_MAX};
	for (; m.len < text.len && m.len < LONGEST_TOKEN; m.len++) {
		char c = text.ptr[m.len];
		if (is(c, WORD))
			continue;
		if (is_blank(c) || c == '\n')
			break;
		if (c == '#' && m.hash == SIZE_MAX)
			m.hash = m.len;
		m.dots += c == '.';
		m.others += c == '[' || c == ']' || c == '/';
		m.wrong |= !is(c, LOGGER) && m.hash == SIZE_MAX && !(c == ':' && (m.len + 1 == text.len || is_blank(text.ptr[m.len + 1]) || text.ptr[m.len + 1] == '\n'));
	}
	return m;
}

/* " - " or " : " */
static bool is_separator(struct slice text)
{
	return text.len > 1 && (text.ptr[0] == '-' || text.ptr[0] == ':') && is_blank(text.ptr[1]);
}

/* Length of a logger's name at the start of text, its line number included; 0 if it does not look like one. */
static size_t logger_len(struct slice text)
{
	if (text.len < 2 || !is(text.ptr[0], LETTER))
		return 0;
	struct name_marks m = marks_of(text);
	if (m.len < 2 || m.wrong)
		return 0;
	bool colon = text.ptr[m.len - 1] == ':';
	if (m.hash != SIZE_MAX)
		return m.hash + 1 < m.len - colon && is(text.ptr[m.len - colon - 1], DIGIT) ? m.len : 0;
	struct slice next = after_blanks(slice_sub(text, m.len, text.len));
	if (is_separator(next) || (colon && m.dots + m.others) || m.dots >= 2)
		return m.len;
	return m.dots && next.len && next.ptr[0] == '[' ? m.len : 0;
}

static bool is_dotted_or_word(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is(text.ptr[i], WORD) && text.ptr[i] != '.')
			return false;
	return text.len > 0;
}

/* Loguru's "name:function:line - "; the length of all but the separator, or 0. */
static size_t loguru_len(struct slice text, size_t *ret_name)
{
	struct slice whole = token(text);
	size_t first = slice_find(whole, ':', 0), second = slice_find(whole, ':', first + 1);
	if (second >= whole.len || second + 1 == whole.len || !is_dotted_or_word(slice_sub(whole, 0, first)) || !is_separator(after_blanks(slice_sub(text, whole.len, text.len))))
		return 0;
	for (size_t i = second + 1; i < whole.len; i++)
		if (!is(whole.ptr[i], DIGIT))
			return 0;
	*ret_name = first;
	return whole.len;
}

static bool read_loguru(struct scan *s)
{
	size_t name, n = s->h->logger.len || s->h->severity == SEVERITY_UNKNOWN ? 0 : loguru_len(s->rest, &name);
	if (n) {
		s->h->logger = slice_sub(s->rest, 0, name);
		skip(s, n);
	}
	return n > 0;
}

static bool read_logger(struct scan *s)
{
	size_t n = s->h->logger.len || !s->anything ? 0 : logger_len(s->rest);
	if (n == 0)
		return false;
	struct slice name = slice_of(s->rest.ptr, n);
	if (name.ptr[n - 1] == ':')
		name.len--;
	s->h->logger = slice_sub(name, 0, slice_find(name, '#', 0));
	skip(s, name.len);
	return true;
}

/* Sleuth: [service,trace,span] or [service,trace,span,exportable]; each may be empty. */
static bool read_sleuth(struct text_header *h, struct slice inside)
{
	if (h->trace_id.len || h->service.len)
		return false;
	size_t first = slice_find(inside, ',', 0), second = slice_find(inside, ',', first + 1);
	if (second >= inside.len)
		return false;
	struct slice service = slice_sub(inside, 0, first), trace = slice_sub(inside, first + 1, second - first - 1);
	struct slice span = slice_sub(inside, second + 1, slice_find(inside, ',', second + 1) - second - 1);
	if (id_len(trace) != trace.len || (trace.len != 0 && trace.len != 16 && trace.len != 32) || (span.len != 0 && span.len != 16) || word_len(token(service)) == 0)
		return false;
	h->service = service;
	if (trace.len) {
		h->trace_id = trace;
		h->span_id = span;
		h->trace_key = h->span_key = SLICE("[service,trace,span]");
	}
	return true;
}

/* Whether a bracket before text was a thread's: more header follows. */
static bool header_follows(const struct scan *s, struct slice text)
{
	text = after_blanks(text);
	if (slice_starts(text, SLICE("---")) || slice_starts(text, SLICE("[")))
		return !s->h->logger.len && s->h->severity == SEVERITY_UNKNOWN;
	return looks_like_level(text) || (!s->h->logger.len && logger_len(text)) || slice_starts(text, SLICE("- "));
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
	if (inside.len == 49 && inside.ptr[32] == '-' && id_len(slice_of(inside.ptr, 32)) == 32 && !s->h->trace_id.len) {
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
	if (timestamp_scan(inside, &time) && read_timed_bracket(s->h, inside, &time))
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
	return read_sleuth(s->h, inside) || read_name_bracket(s, inside, after) || header_follows(s, *after);
}

/* Ids in a bracket; one that has the service beside them may be without any. */
static bool read_id_bracket(struct text_header *h, struct slice inside)
{
	text_header_find_ids(h, inside);
	return read_otel_service(h, inside) || h->trace_id.len;
}

static bool read_bracket(struct scan *s)
{
	struct text_header *h = s->h;
	size_t end = slice_find(slice_sub(s->rest, 0, LONGEST_BRACKET), ']', 0);
	if (end >= s->rest.len || s->rest.ptr[end] != ']')
		return false;
	struct slice inside = slice_trim(slice_sub(s->rest, 1, end - 1)), after = slice_sub(s->rest, end + 1, s->rest.len);
	struct timestamp time;
	enum severity severity = h->severity ? SEVERITY_UNKNOWN : level_word(inside);
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

/* "12345 ---" or "---" or a lone separator between elements. */
static bool read_separator(struct scan *s)
{
	size_t n = 0;
	while (n < s->rest.len && (unsigned)(s->rest.ptr[n] - '0') <= 9)
		n++;
	struct slice next = after_blanks(slice_sub(s->rest, n, s->rest.len));
	if (n && n <= 8 && slice_starts(next, SLICE("--- "))) {
		s->rest = slice_sub(next, 3, next.len);
		s->dashes = true;
		return true;
	}
	if (n || !s->anything)
		return n && s->h->severity && skip_process(s, n);
	if (skip_dashes(s))
		return true;
	if (s->rest.len > 1 && is(s->rest.ptr[0], SEPARATOR) && (is_blank(s->rest.ptr[1]) || s->rest.ptr[0] == ':')) {
		skip(s, 1);
		return true;
	}
	return false;
}

/* Two letters tell most words from "trace", "span", "x-b3-" and "dd." at once. */
static bool may_be_id(struct slice text)
{
	if (text.len < 8)
		return false;
	switch ((text.ptr[0] | 32) << 8 | (text.ptr[1] | 32)) {
	case 't' << 8 | 'r':
	case 's' << 8 | 'p':
	case 'd' << 8 | 'd':
		return true;
	default:
		return (text.ptr[0] | 32) == 'x' && !is(text.ptr[1], LETTER);
	}
}

static bool read_element(struct scan *s)
{
	char c = s->rest.ptr[0];
	if ((unsigned)(c - '0') <= 9)
		return read_time(s) || read_separator(s);
	if (c == '[')
		return read_bracket(s);
	if ((unsigned)((c | 32) - 'a') > 25)
		return read_separator(s);
	if (read_level(s) || read_klog(s))
		return true;
	size_t used = may_be_id(s->rest) ? read_id(s->h, s->rest) : 0;
	if (used) {
		skip(s, used);
		return true;
	}
	return read_logger(s) || read_loguru(s);
}

void text_header_read(struct slice line, struct text_header *ret)
{
	*ret = (struct text_header){0};
	if (text_line_read(line, ret))
		return;
	struct scan s = {.rest = line, .h = ret};
	for (int i = 0; i < MAX_ELEMENTS; i++) {
		skip_blanks(&s);
		if (s.rest.len == 0 || !read_element(&s))
			break;
		s.anything = true;
	}
	if (ret->trace_id.len == 0)
		text_header_find_ids(ret, s.rest);
	if (ret->contained && !ret->has_time) {
		ret->time = ret->container;
		ret->has_time = true;
	}
	bool header = ret->has_time || ret->severity != SEVERITY_UNKNOWN || (ret->trace_id.len && s.anything);
	ret->message = header ? slice_trim(s.rest) : line;
	if (!header)
		ret->logger = ret->service = slice_of(NULL, 0);
}

bool text_header_is(struct slice line)
{
	struct text_header h;
	text_header_read(line, &h);
	return h.has_time || (h.severity != SEVERITY_UNKNOWN && h.message.len) || h.status;
}
