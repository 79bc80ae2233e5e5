/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines with a layout of their own.
 *
 * Idea: a list of readers, each of which looks at the first bytes and gives up at the first that does not fit; text_header.c takes what none of them wants.
 *
 * Layouts: syslog of RFC 5424 "<pri>1 time host app pid msgid [data] text" and of RFC 3164 "<pri>Mar  4 09:15:02 host app[pid]: text", its priority left out
 * in files, or with a full date as rsyslog writes it, or with a year behind the day; common and combined access logs; Apache's
 * "[Wed Mar 04 09:15:02.123456 2026] [core:error] [pid 1] text"; those of text_w3c.c, text_proxy.c, text_device.c, text_columns.c, text_report.c and text_frame.c; systemd's "<6>text"; Redis' "1:M 04 Mar 2026 09:15:02.481 * text"; Ruby's "I, [time #41]  INFO -- : text".
 */
#include "record/text_line.h"

#include "base/clock.h"
#include "record/duration.h"
#include "record/level.h"
#include "record/text_word.h"

enum { LONGEST_HOST = 160 };

static bool is_dash(struct slice s)
{
	return s.len == 1 && s.ptr[0] == '-';
}

/* "app[pid]:" or "app:"; false if the word does not end so. */
static bool syslog_tag(struct slice tag, bool needs_pid, struct slice *ret_app)
{
	size_t bracket = slice_find(tag, '[', 0);
	if (tag.len < 2 || tag.ptr[tag.len - 1] != ':')
		return false;
	if (bracket == tag.len && needs_pid)
		return false;
	*ret_app = slice_of(tag.ptr, bracket < tag.len ? bracket : tag.len - 1);
	return ret_app->len > 0;
}

/* <pri>, with what follows it in *rest; -1 if there is none. */
static int priority(struct slice *rest)
{
	int64_t number;
	size_t end = slice_find(slice_sub(*rest, 0, 5), '>', 0);
	if (rest->len < 3 || rest->ptr[0] != '<' || end < 2 || end >= rest->len || rest->ptr[end] != '>' || !slice_to_i64(slice_sub(*rest, 1, end - 1), &number) || number < 0 || number > 191)
		return -1;
	*rest = text_rest(*rest, end + 1);
	return (int)number;
}

/* Structured data: "-" or "[id a="b"][..]"; the rest behind it. */
static struct slice after_data(struct slice rest)
{
	bool quoted = false;
	size_t i = 0;
	if (rest.len && rest.ptr[0] == '-')
		return slice_trim(text_rest(rest, 1));
	while (i < rest.len && (rest.ptr[i] == '[' || quoted)) {
		for (i++; i < rest.len && (quoted || rest.ptr[i] != ']'); i++) {
			if (rest.ptr[i] == '\\')
				i++;
			else if (rest.ptr[i] == '"')
				quoted = !quoted;
		}
		i++;
	}
	return slice_trim(text_rest(rest, i));
}

static bool read_5424(struct slice line, struct text_header *h)
{
	struct slice rest = line;
	struct timestamp time = {0};
	int pri = priority(&rest);
	if (pri < 0 || rest.len < 2 || !text_digit(rest.ptr[0]) || rest.ptr[1] != ' ')
		return false;
	text_word(&rest);
	struct slice when = text_word(&rest);
	bool timed = timestamp_scan(when, &time) && time.len == when.len;
	if (!timed && !is_dash(when))
		return false;
	text_word(&rest); /* host */
	struct slice app = text_word(&rest);
	text_word(&rest);
	text_word(&rest);
	struct slice message = after_data(rest), data = slice_sub(rest, 0, rest.len - message.len);
	if (slice_starts(message, SLICE("\xEF\xBB\xBF")))
		message = text_rest(message, 3);
	*h = (struct text_header){.has_time = timed, .time = time, .severity = level_of_number(pri, LEVEL_PRI), .service = is_dash(app) ? slice_of(NULL, 0) : app, .message = message};
	text_header_find_ids(h, data);
	return true;
}

/* "Mar 04 09:15:02.481  INFO pay: text", as Rust's tracing had it: no host is called so. */
static bool read_months_level(struct slice rest, const struct timestamp *time, struct text_header *h)
{
	struct slice word = text_word(&rest);
	enum severity severity = word.len && word.ptr[0] >= 'A' && word.ptr[word.len - 1] >= 'A' && word.ptr[word.len - 1] <= 'Z' ? level_word(word) : SEVERITY_UNKNOWN;
	if (!severity)
		return false;
	*h = (struct text_header){.has_time = true, .time = *time, .severity = severity, .message = rest};
	return true;
}

static bool read_3164(struct slice line, struct text_header *h)
{
	struct slice rest = line, app = {NULL, 0}, host;
	struct timestamp time;
	int pri = priority(&rest);
	bool dated = !timestamp_scan_month(rest, &time);
	if (dated && !(timestamp_scan(rest, &time) && time.dated))
		return false;
	rest = slice_trim(text_rest(rest, time.len));
	if (pri < 0 && read_months_level(rest, &time, h))
		return true;
	host = text_word(&rest);
	struct slice before = rest, tag = text_word(&rest);
	if (pri >= 0 && syslog_tag(host, false, &app)) { /* what /dev/log is sent has no host */
		tag = host;
		rest = before;
	}
	if (host.len == 0 || (host.ptr[host.len - 1] == ':' && pri < 0))
		return false;
	if (!syslog_tag(tag, dated && pri < 0, &app)) {
		if (pri < 0)
			return false;
		rest = before;
	}
	*h = (struct text_header){.has_time = true, .time = time, .severity = pri < 0 ? SEVERITY_UNKNOWN : level_of_number(pri, LEVEL_PRI), .service = app, .message = rest};
	return true;
}

/* The three words before the time, or four. */
static bool access_words(struct slice *rest, struct slice *ret_virtual)
{
	struct slice first = text_word(rest);
	*ret_virtual = slice_of(NULL, 0);
	if (first.len == 0 || text_word(rest).len == 0 || text_word(rest).len == 0)
		return false;
	if (rest->len && rest->ptr[0] != '[') {
		*ret_virtual = slice_sub(first, 0, slice_find(first, ':', 0));
		text_word(rest);
	}
	return true;
}

/* How long a request took, from what stands behind an access log's usual fields: Traefik's "12ms", Morgan's "12.345 ms", nginx' request time with its three decimals, or "rt=0.184". */
static bool access_duration(struct slice rest, int64_t *ret_ns)
{
	struct slice before = {NULL, 0};
	const char *quote = rest.len ? memrchr(rest.ptr, '"', rest.len) : NULL;
	size_t rt = slice_search(rest, SLICE(" rt="));
	if (rt < rest.len) {
		struct slice value = text_rest(rest, rt + 4);
		return duration_parse(text_word(&value), NS_PER_S, ret_ns);
	}
	rest = quote ? slice_trim(text_rest(rest, (size_t)(quote + 1 - rest.ptr))) : rest;
	while (rest.len) {
		struct slice word = text_word(&rest);
		if (text_is_seconds(word) && !slice_starts(rest, SLICE("ms")))
			return duration_parse(word, NS_PER_S, ret_ns);
		if (slice_ends(word, SLICE("ms")))
			return duration_parse(word.len == 2 ? before : word, NS_PER_MS, ret_ns);
		before = word;
	}
	return false;
}

/* host ident user [time] "METHOD path protocol" status size ..; Apache's vhost_combined has the virtual host before it. */
static bool read_access(struct slice line, struct text_header *h)
{
	struct slice rest = line, virtual;
	struct timestamp time;
	int64_t status;
	if (!access_words(&rest, &virtual) || rest.len < 30 || rest.ptr[0] != '[' || !timestamp_scan(text_rest(rest, 1), &time) || !time.dated || rest.len < time.len + 4 || rest.ptr[time.len + 1] != ']')
		return false;
	rest = slice_trim(text_rest(rest, time.len + 2));
	size_t end = rest.len > 1 && rest.ptr[0] == '"' ? slice_find(rest, '"', 1) : rest.len;
	if (end == rest.len)
		return false;
	struct slice request = slice_sub(rest, 1, end - 1), method = text_word(&request), path = text_word(&request);
	rest = slice_trim(text_rest(rest, end + 1));
	if (!text_status(text_word(&rest), &status))
		return false;
	bool good = text_is_method(method);
	*h = (struct text_header){.has_time = true, .time = time, .severity = text_severity_of_status(status), .status = (int)status, .service = virtual, .method = good ? method : slice_of(NULL, 0),
		.path = good ? path : slice_of(NULL, 0), .message = line};
	h->has_duration = access_duration(rest, &h->duration_ns);
	return true;
}

/* "[core:error] [pid 1] ..": the level and the module before it; then the text. */
static void apache_brackets(struct slice rest, struct text_header *h)
{
	while (rest.len && rest.ptr[0] == '[') {
		size_t end = slice_find(rest, ']', 0), colon = slice_find(slice_of(rest.ptr, end), ':', 0), from = colon < end ? colon + 1 : 1;
		enum severity severity = level_word(slice_sub(rest, from, end - from));
		if (h->severity == SEVERITY_UNKNOWN && severity != SEVERITY_UNKNOWN) {
			h->severity = severity;
			h->logger = slice_sub(rest, 1, from > 1 ? from - 2 : 0);
		}
		rest = slice_trim(text_rest(rest, end + 1));
	}
	h->message = rest;
}

/* [Wed Mar 04 09:15:02.123456 2026] [module:level] [pid 1:tid 2] text */
static bool read_apache(struct slice line, struct text_header *h)
{
	struct timestamp time;
	struct slice rest;
	int64_t year;
	if (line.len < 40 || line.ptr[0] != '[' || line.ptr[4] != ' ' || !timestamp_scan_month(text_rest(line, 5), &time) || !time.yearless)
		return false;
	rest = text_rest(line, 5 + time.len);
	if (rest.len < 8 || rest.ptr[0] != ' ' || !slice_to_i64(slice_sub(rest, 1, 4), &year) || rest.ptr[5] != ']')
		return false;
	*h = (struct text_header){.has_time = true, .time = time};
	h->time.ns = timestamp_in_year(time.ns, year);
	h->time.yearless = false;
	apache_brackets(slice_trim(text_rest(rest, 6)), h);
	return true;
}

/* pid:role day month year time mark text */
static bool read_redis(struct slice line, struct text_header *h)
{
	static const struct {
		char mark;
		enum severity severity;
	} marks[] = {{'.', SEVERITY_DEBUG}, {'-', SEVERITY_INFO}, {'*', SEVERITY_INFO}, {'#', SEVERITY_WARN}};
	struct slice rest = line, role = text_word(&rest);
	struct timestamp time;
	if (role.len < 3 || role.ptr[role.len - 2] != ':' || !strchr("MSCX", role.ptr[role.len - 1]) || !timestamp_scan(rest, &time) || !time.dated)
		return false;
	rest = slice_trim(text_rest(rest, time.len));
	if (rest.len < 2 || rest.ptr[1] != ' ')
		return false;
	*h = (struct text_header){.has_time = true, .time = time, .message = slice_trim(text_rest(rest, 2))};
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (rest.ptr[0] == marks[i].mark)
			h->severity = marks[i].severity;
	return h->severity != SEVERITY_UNKNOWN;
}

/* L, [time #pid] LEVEL -- program: text */
static bool read_ruby(struct slice line, struct text_header *h)
{
	struct timestamp time;
	size_t dashes = slice_search(line, SLICE(" -- ")), colon;
	if (line.len < 30 || line.ptr[1] != ',' || line.ptr[3] != '[' || !timestamp_scan(text_rest(line, 4), &time) || dashes == line.len)
		return false;
	struct slice rest = text_rest(line, dashes + 4);
	colon = slice_find(rest, ':', 0);
	if (colon == rest.len)
		return false;
	*h = (struct text_header){.has_time = true, .time = time, .severity = level_parse(slice_of(line.ptr, 1), LEVEL_WORDS), .logger = slice_trim(slice_of(rest.ptr, colon)),
		.message = slice_trim(text_rest(rest, colon + 1))};
	return h->severity != SEVERITY_UNKNOWN;
}

/* Before anything is read in earnest: "time host app[pid]:", as most lines that begin with a date are not. */
static bool may_be_tagged(struct slice line)
{
	size_t host = slice_find(line, ' ', 10) + 1;
	if (host >= line.len || line.ptr[host] == ' ')
		return false;
	size_t tag = slice_find(line, ' ', host) + 1, end = slice_find(line, ' ', tag);
	return tag > host + 1 && end > tag + 3 && end <= line.len && line.ptr[end - 1] == ':' && line.ptr[end - 2] == ']';
}

/* A line that begins with "2026-03-04". */
static bool read_dated(struct slice line, bool inside, struct text_header *h)
{
	if (line.ptr[10] == 'T')
		return (may_be_tagged(line) && read_3164(line, h)) || (!inside && text_frame_read(line, h));
	if (line.len <= 30)
		return false;
	if (line.ptr[19] == '.')
		return (line.ptr[26] == ',' || line.ptr[27] == ',' || line.ptr[28] == ',') && text_csvlog_read(line, h);
	return line.ptr[19] == line.ptr[10] && text_w3c_read(line, h);
}

/* What syslog carries may be HAProxy's line, which says more; always true. */
static bool behind_syslog(struct text_header *h)
{
	struct text_header inner;
	if (slice_eq(h->service, SLICE("haproxy")) && text_proxy_read(h->message, &inner)) {
		inner.service = h->service;
		*h = inner;
	}
	return true;
}

/* ".NET.Category[17]" at the start of text. */
static struct slice dotnet_category(struct slice text)
{
	struct slice name = slice_sub(text, 0, slice_find(text, ' ', 0));
	size_t n = name.len ? name.len - 1 : 0;
	if (n < 3 || name.len == text.len || name.ptr[n] != ']')
		return slice_of(NULL, 0);
	while (n > 0 && text_digit(name.ptr[n - 1]))
		n--;
	return n > 1 && n + 1 < name.len && name.ptr[n - 1] == '[' ? name : slice_of(NULL, 0);
}

/* "<6>text", as services tell systemd a level, .NET's "<6>Shop.Pay[17] text" among them, and the kernel: any line behind it. */
static bool read_daemon(struct slice line, struct text_header *h)
{
	if ((unsigned)(line.ptr[1] - '0') > 7 || line.ptr[2] != '>')
		return false;
	text_header_read_inside(text_rest(line, 3), h);
	if (h->severity == SEVERITY_UNKNOWN)
		h->severity = level_of_number(line.ptr[1] - '0', LEVEL_SYSLOG);
	struct slice category = h->logger.len ? slice_of(NULL, 0) : dotnet_category(h->message);
	if (category.len) {
		h->logger = category;
		h->message = slice_trim(text_rest(h->message, category.len));
	}
	return true;
}

/* A line that begins with a priority. */
static bool read_syslog(struct slice line, bool inside, struct text_header *h)
{
	return read_5424(line, h) || text_device_read(line, h) || (read_3164(line, h) && behind_syslog(h)) || (!inside && read_daemon(line, h));
}

/* "83 <40>1 ..": syslog over TCP with its length before it (RFC 6587). */
static bool read_framed(struct slice line, bool inside, struct text_header *h)
{
	size_t n = 0;
	while (n < 6 && text_digit(line.ptr[n])) /* a line has sixteen bytes at least */
		n++;
	return line.ptr[n] == ' ' && line.ptr[n + 1] == '<' && read_syslog(text_rest(line, n + 1), inside, h);
}

/* A line whose fields stand in a fixed order, or the first of several lines. */
static bool read_columns(struct slice line, struct text_header *h)
{
	if (line.len > 64 && line.ptr[64] == ' ' && text_s3_read(line, h))
		return true;
	if (text_digit(line.ptr[0]))
		return text_numbers_read(line, h);
	return line.ptr[0] == 't' ? slice_starts(line, SLICE("type=")) && text_audit_read(line, h) : line.ptr[0] == 'R' && text_lambda_read(line, h);
}

static bool read_numbered(struct slice line, bool inside, struct text_header *h)
{
	return read_redis(line, h) || text_device_read(line, h) || read_framed(line, inside, h);
}

/* A line that begins with a host or a process. */
static bool read_plain(struct slice line, bool inside, struct text_header *h)
{
	char c = line.ptr[0];
	if (read_columns(line, h) || (text_digit(c) && read_numbered(line, inside, h)))
		return true;
	/* an access log's time stands behind three words */
	struct slice head = slice_sub(line, 0, LONGEST_HOST);
	size_t bracket = slice_search(head, SLICE(" ["));
	bool timed = bracket + 2 < head.len && text_digit(line.ptr[bracket + 2]);
	return (timed && read_access(line, h)) || ((timed || c == 'h' || c == 'g' || c == 'w') && text_proxy_read(line, h));
}

/* A line that begins with the name of a month or of a day. */
static bool read_named(struct slice line, bool inside, struct text_header *h)
{
	return text_device_read(line, h) || (read_3164(line, h) && behind_syslog(h)) || (!inside && text_frame_read(line, h));
}

/* Apart, so that lines with a date do not pay for what is kept aside here. */
static __attribute__((noinline)) bool read_undated(struct slice line, bool inside, struct text_header *ret)
{
	switch (line.ptr[0]) {
	case '#':
		return text_slow_query_read(line, ret) || text_directive_read(line, ret);
	case '=':
		return text_erlang_read(line, ret);
	case '<':
		return read_syslog(line, inside, ret);
	case '[':
		return read_apache(line, ret) || text_proxy_read(line, ret) || (!inside && text_frame_read(line, ret));
	case '@':
		return !inside && text_tai_read(line, ret);
	case '*':
	case '.':
	case '%':
		return text_device_read(line, ret);
	default:
		break;
	}
	if (line.ptr[1] == ',')
		return read_ruby(line, ret);
	if (line.ptr[3] == ' ' && (unsigned)(line.ptr[0] - 'A') <= 'W' - 'A')
		return read_named(line, inside, ret);
	return read_plain(line, inside, ret);
}

bool text_line_read(struct slice line, bool inside, struct text_header *ret)
{
	if (line.len < 16)
		return text_directive_read(line, ret);
	if (text_digit(line.ptr[0]) && line.ptr[4] == '-' && line.ptr[7] == '-')
		return read_dated(line, inside, ret);
	return read_undated(line, inside, ret);
}
