/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elements of a line's header that few loggers write, each known by how it begins.
 *
 * Layouts: PostgreSQL's "[812] LOG:  text", "[812-1] app@shop ERROR:  text"; NLog's "time|LEVEL|name|text"; PostgreSQL behind a time, as Amazon sets it up, "10.2.3.4(5):app@shop:[812]:ERROR:  text", and as pgBadger asks for it,
 * "[812]: [3-1] user=app,db=shop LOG:  text"; a level behind pairs, as Sidekiq and Elixir have it, "pid=1 tid=x class=Job INFO: text"; MongoDB's and Semantic Logger's
 * letters, "I NETWORK  [conn7] text", "I [1:puma] Rails -- text"; Airflow's "{views.py:12} INFO - "; ClickHouse's "{query} <Error> "; PHP's "PHP Warning:  text";
 * SLF4J's "[main] INFO a.B - text"; what stands beside the ids in Quarkus, "parentId=, sampled=true"; a clock without a date, "9:15AM ".
 */
#include "base/clock.h"
#include "record/level.h"
#include "record/text_header.h"
#include "record/text_name.h"

enum { LONGEST_PAIRS = 300, LONGEST_BRACES = 120 };

/* A level in capitals; *ret_len: its length. */
static enum severity level_at(struct slice text, size_t *ret_len)
{
	size_t n = 0;
	while (n < text.len && n < 12 && text.ptr[n] >= 'A' && text.ptr[n] <= 'Z')
		n++;
	*ret_len = n;
	if (n < text.len && !is(text.ptr[n], LEVEL_END))
		return SEVERITY_UNKNOWN;
	return slice_eq(slice_of(text.ptr, n), SLICE("LOG")) ? SEVERITY_INFO : level_word(slice_of(text.ptr, n));
}

/* "|LEVEL|name|" */
static size_t read_bars(struct text_header *h, struct slice text)
{
	size_t len, end;
	enum severity severity = h->has_time ? level_at(behind(text, 1), &len) : SEVERITY_UNKNOWN;
	if (!severity || h->severity || 1 + len >= text.len || text.ptr[1 + len] != '|')
		return 0;
	h->severity = severity;
	end = slice_find(slice_sub(text, 0, LONGEST_TOKEN), '|', len + 2);
	if (end >= text.len || text.ptr[end] != '|' || token(slice_sub(text, len + 2, end - len - 2)).len != end - len - 2)
		return len + 2;
	h->logger = slice_sub(text, len + 2, end - len - 2);
	return end + 1;
}

/* "LEVEL:" at `from`, behind blanks; what is used up to its end. */
static size_t read_named_level(struct text_header *h, struct slice text, size_t from)
{
	size_t len;
	struct slice rest = after_blanks(slice_sub(text, from, text.len));
	enum severity severity = level_at(rest, &len);
	if (!severity || len >= rest.len || rest.ptr[len] != ':')
		return 0;
	h->severity = severity;
	return text.len - rest.len + len + 1;
}

/* "10.2.3.4(5):app@shop:[812]:ERROR:" */
static size_t read_amazon(struct text_header *h, struct slice text)
{
	struct slice word = h->has_time && !h->severity ? token(text) : slice_of(NULL, 0);
	size_t end = slice_search(word, SLICE("]:"));
	return end < word.len ? read_named_level(h, text, end + 2) : 0;
}

static bool is_pair(struct slice word)
{
	size_t equals = slice_find(word, '=', 0);
	return equals > 0 && equals < word.len && word_len(slice_of(word.ptr, equals)) == equals;
}

/* Words with an equals sign, before a level in capitals with a colon, or in brackets. */
static size_t read_pairs(struct text_header *h, struct slice text, size_t from)
{
	size_t at = from;
	while (at < text.len && at < LONGEST_PAIRS) {
		struct slice rest = after_blanks(behind(text, at)), word = token(rest);
		if (!is_pair(word))
			break;
		at = text.len - rest.len + word.len;
	}
	if (at == from)
		return 0;
	size_t used = read_named_level(h, text, at);
	struct slice next = after_blanks(slice_sub(text, at, text.len));
	if (used || !next.len || next.ptr[0] != '[')
		return used;
	return level_word(slice_sub(next, 1, slice_find(next, ']', 0) - 1)) ? text.len - next.len : 0;
}

/* PostgreSQL's process, "[812] LOG:", "[812-1] app@shop ERROR:", "[812]: [3-1] user=app,db=shop LOG:", PgBouncer's "[1] LOG " */
static size_t read_process(struct text_header *h, struct slice text)
{
	size_t end = slice_find(slice_sub(text, 0, 16), ']', 0), at = end + 1;
	if (!h->has_time || h->severity || end + 2 >= text.len || !is(text.ptr[1], DIGIT) || text.ptr[end] != ']')
		return 0;
	at += text.ptr[at] == ':';
	struct slice next = after_blanks(slice_sub(text, at, text.len));
	size_t close = next.len && next.ptr[0] == '[' ? slice_find(slice_sub(next, 0, 16), ']', 0) : 0;
	at = text.len - next.len + (close && close < next.len && next.ptr[close] == ']' ? close + 1 : 0);
	next = after_blanks(slice_sub(text, at, text.len));
	struct slice user = token(next);
	if (memchr(user.ptr, '@', user.len))
		at = text.len - next.len + user.len;
	next = after_blanks(slice_sub(text, at, text.len));
	if (slice_starts(next, SLICE("LOG "))) { /* PgBouncer's; its other levels are told without the process */
		h->severity = SEVERITY_INFO;
		return text.len - next.len + 4;
	}
	size_t used = read_named_level(h, text, at);
	return used ? used : read_pairs(h, text, at);
}

/* "[main] INFO a.B - ", with nothing before it */
static size_t read_thread(struct text_header *h, struct slice text)
{
	size_t end = slice_find(slice_sub(text, 0, LONGEST_BRACES), ']', 0), len, own;
	if (end < 2 || end >= text.len || text.ptr[end] != ']')
		return 0;
	struct slice rest = after_blanks(behind(text, end + 1));
	if (!level_at(rest, &len))
		return 0;
	rest = after_blanks(behind(rest, len));
	size_t name = text_logger_len(rest, &own);
	return name && !h->has_time && slice_starts(after_blanks(behind(rest, name)), SLICE("- ")) ? end + 1 : 0;
}

/* "{views.py:12} " and "{query} " before a level, "<Error> " */
static size_t read_braces(struct text_header *h, struct slice text)
{
	size_t len, end = slice_find(slice_sub(text, 0, LONGEST_BRACES), text.ptr[0] == '{' ? '}' : '>', 0);
	if (!h->has_time || h->severity || end >= text.len || end + 1 >= LONGEST_BRACES)
		return 0;
	struct slice next = after_blanks(behind(text, end + 1));
	if (text.ptr[0] == '{')
		return level_at(next, &len) || (next.len && next.ptr[0] == '<') ? end + 1 : 0;
	h->severity = level_word(slice_sub(text, 1, end - 1));
	return h->severity ? end + 1 : 0;
}

/* "I NETWORK  [conn7] ", "I [1:puma] ", Telegraf's "I! ": the letter. */
static size_t read_letter(struct text_header *h, struct slice text)
{
	if (!h->has_time || h->severity || !strchr("FEWIDT", text.ptr[0]))
		return 0;
	if (text.ptr[1] == '!') {
		h->severity = level_parse(slice_of(text.ptr, 1), LEVEL_WORDS);
		return 2;
	}
	struct slice next = after_blanks(behind(text, 1));
	size_t n = 0;
	while (n < next.len && ((next.ptr[n] >= 'A' && next.ptr[n] <= 'Z') || next.ptr[n] == '_' || next.ptr[n] == '-'))
		n++;
	struct slice bracket = after_blanks(behind(next, n));
	if (!bracket.len || bracket.ptr[0] != '[')
		return 0;
	h->severity = level_parse(slice_of(text.ptr, 1), LEVEL_WORDS);
	if (n > 1)
		h->logger = slice_of(next.ptr, n);
	return n > 1 ? text.len - bracket.len : 1;
}

/* "PHP Fatal error:  ", "PHP Warning:  " */
static size_t read_php(struct text_header *h, struct slice text)
{
	static const struct {
		struct slice words;
		enum severity severity;
	} kinds[] = {{{"PHP Fatal error:", 16}, SEVERITY_FATAL}, {{"PHP Parse error:", 16}, SEVERITY_ERROR}, {{"PHP Recoverable fatal error:", 28}, SEVERITY_ERROR}, {{"PHP Warning:", 12}, SEVERITY_WARN},
		{{"PHP Notice:", 11}, SEVERITY_INFO}, {{"PHP Deprecated:", 15}, SEVERITY_INFO}};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && h->severity == SEVERITY_UNKNOWN; i++)
		if (slice_starts(text, kinds[i].words)) {
			h->severity = kinds[i].severity;
			return kinds[i].words.len;
		}
	return 0;
}

/* What Quarkus has beside the trace's id: "parentId=," and "sampled=true". */
static size_t read_beside_ids(const struct text_header *h, struct slice text)
{
	struct slice word = token(text);
	if (!h->trace_id.len || !(slice_starts(word, SLICE("parentId=")) || slice_starts(word, SLICE("sampled="))))
		return 0;
	return word.len - (word.ptr[word.len - 1] == ',');
}

/* "9:15AM " */
static size_t read_clock(struct text_header *h, struct slice text)
{
	struct slice word = token(text);
	size_t colon = slice_find(word, ':', 0), len;
	if (h->has_time || word.len < 6 || word.len > 7 || colon + 5 != word.len || word.ptr[word.len - 1] != 'M' || !strchr("AP", word.ptr[word.len - 2]) || !level_at(after_blanks(behind(text, word.len)), &len))
		return 0;
	h->has_time = true;
	h->time = (struct timestamp){.len = word.len};
	return word.len;
}

/* .NET's console: "fail: ", of its words for levels the one that is no level elsewhere. */
static size_t read_fail(struct text_header *h, struct slice text)
{
	struct slice fail = SLICE("fail: "), name = slice_starts(text, fail) ? token(behind(text, fail.len)) : slice_of(NULL, 0);
	if (name.len < 4 || name.ptr[name.len - 1] != ']' || !memchr(name.ptr, '[', name.len))
		return 0;
	h->severity = SEVERITY_ERROR;
	return fail.len;
}

/* And behind it, "Acme.Pay[0]". */
static size_t read_category(struct text_header *h, struct slice text)
{
	struct slice name = token(text);
	size_t n = name.len;
	if (h->has_time || !h->severity || h->logger.len || n < 4 || name.ptr[n - 1] != ']')
		return 0;
	for (n--; n > 0 && is(name.ptr[n - 1], DIGIT); n--)
		;
	if (n < 2 || n + 1 == name.len || name.ptr[n - 1] != '[')
		return 0;
	h->logger = name;
	return name.len;
}

/* "0304", "260304" or "20260304" behind the letter and its time of day. */
static void take_klog_day(struct text_header *h, struct slice day, int64_t time_ns)
{
	int64_t year = 2000, month, date;
	size_t digits = day.len - 4; /* of the year */
	if ((digits && !slice_to_i64(slice_sub(day, 0, digits), &year)) || !slice_to_i64(slice_sub(day, digits, 2), &month) || !slice_to_i64(slice_sub(day, digits + 2, 2), &date))
		return;
	if (month < 1 || month > 12 || date < 1 || date > 31)
		return;
	year += digits == 2 ? 2000 : 0;
	h->has_time = true;
	h->time = (struct timestamp){.ns = timestamp_of_parts(clock_days(year, (unsigned)month, (unsigned)date) * 86400, time_ns), .dated = true, .yearless = !digits};
}

/* What CockroachDB writes behind the place: a mark, "[n1,s1]" and the line's number. */
static struct slice after_tags(struct slice text)
{
	struct slice mark = SLICE("\xE2\x8B\xAE");
	text = after_blanks(text);
	text = slice_starts(text, mark) ? after_blanks(behind(text, mark.len)) : text;
	size_t end = text.len && text.ptr[0] == '[' ? slice_find(text, ']', 0) : text.len, n = 0;
	if (end == text.len)
		return text;
	text = after_blanks(behind(text, end + 1));
	while (n < text.len && is(text.ptr[n], DIGIT))
		n++;
	return n && n < text.len && is_blank(text.ptr[n]) ? after_blanks(behind(text, n)) : text;
}

/* Where the place ends that text begins with, "store.go:118]"; CockroachDB's, "14@server/node.go:118 ", with what stands behind it. 0: it is none. */
static size_t klog_place(struct text_header *h, struct slice text, bool cockroach)
{
	struct slice place = cockroach ? token(text) : slice_sub(text, 0, slice_find(text, ']', 0));
	size_t colon = slice_find(place, ':', 0), channel = slice_find(place, '@', 0);
	if (place.len == text.len || place.len > LONGEST_BRACES || (cockroach && colon == place.len))
		return 0;
	channel = cockroach && channel < colon ? channel + 1 : 0;
	h->logger = slice_sub(place, channel, colon - channel);
	return cockroach ? text.len - after_tags(behind(text, place.len)).len : place.len + 1;
}

size_t text_klog_read(struct text_header *h, struct slice text)
{
	struct timestamp time;
	size_t day = text.ptr[5] == ' ' ? 4 : text.ptr[7] == ' ' ? 6 : 8;
	for (size_t i = 1; i <= day; i++)
		if (!is(text.ptr[i], DIGIT))
			return 0;
	if (text.ptr[day + 1] != ' ' || !timestamp_scan(slice_sub(text, day + 2, text.len), &time) || time.dated)
		return 0;
	struct slice tail = after_blanks(slice_sub(text, day + 2 + time.len, text.len));
	tail = after_blanks(slice_sub(tail, word_len(tail), tail.len));
	size_t used = klog_place(h, tail, day == 6);
	if (!used)
		return 0;
	take_klog_day(h, slice_sub(text, 1, day), time.ns);
	h->severity = level_parse(slice_of(text.ptr, 1), LEVEL_GUESS);
	return text.len - tail.len + used;
}

size_t text_element_read(struct text_header *h, struct slice text, bool first)
{
	switch (text.ptr[0]) {
	case '|':
		return read_bars(h, text);
	case '{':
	case '<':
		return read_braces(h, text);
	case '[':
		return first ? read_thread(h, text) : read_process(h, text);
	case 'P':
		return read_php(h, text);
	case '0' ... '9':
		return first ? read_clock(h, text) : read_amazon(h, text);
	default:
		break;
	}
	if (text.len > 2 && (is_blank(text.ptr[1]) || (text.ptr[1] == '!' && is_blank(text.ptr[2]))))
		return read_letter(h, text);
	size_t used = first ? read_fail(h, text) : read_beside_ids(h, text);
	used = used ? used : read_category(h, text);
	if (used || h->severity || !h->has_time)
		return used;
	used = read_amazon(h, text);
	return used ? used : read_pairs(h, text, 0);
}
