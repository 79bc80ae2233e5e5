/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines whose fields stand in a fixed order, each known by its place.
 *
 * Layouts: Amazon S3's server access log, `owner bucket [time] address requester request operation key "GET /a HTTP/1.1" status error sent size ms turnaround ..`, whose owner is 64 hex digits (Amazon S3 User Guide, "Log
 * file format"); VPC flow logs of version 2, `2 account eni-.. from to ports protocol packets bytes start end ACCEPT OK`; Squid's own format, `seconds.ms ms client RESULT/status bytes METHOD url ..`; Linux' audit records,
 * `type=SYSCALL msg=audit(seconds.ms:serial): ..`; PostgreSQL's csvlog, 23 columns or more, the first a time with its zone's name.
 * What such a line says of a request is all it says, so it is its own message; of PostgreSQL's columns one is the message.
 */
#include "base/clock.h"
#include "record/duration.h"
#include "record/level.h"
#include "record/text_line.h"
#include "record/text_word.h"

enum { OWNER = 64, EPOCH = 10 };

static bool is_epoch(struct slice s)
{
	size_t n = 0;
	while (n < s.len && n < EPOCH && text_digit(s.ptr[n]))
		n++;
	return n == EPOCH && s.ptr[0] == '1';
}

/* Ten digits, perhaps with three behind a dot. */
static bool epoch(struct slice s, struct text_header *h)
{
	h->has_time = is_epoch(s) && (s.len == EPOCH || s.ptr[EPOCH] == '.') && timestamp_parse(s, &h->time);
	return h->has_time;
}

static bool milliseconds(struct slice s, struct text_header *h)
{
	int64_t ms;
	h->has_duration = slice_to_i64(s, &ms) && ms >= 0 && ms < 86400000;
	if (h->has_duration)
		h->duration_ns = ms * NS_PER_MS;
	return h->has_duration;
}

/* --- Amazon S3 --- */

/* "GET /a HTTP/1.1" with its quotes, off *rest; a request of Amazon's own has "-". */
static void s3_request(struct slice *rest, struct text_header *h)
{
	size_t end = rest->len && rest->ptr[0] == '"' ? slice_find(*rest, '"', 1) : rest->len;
	struct slice request = slice_sub(*rest, 1, end - (end > 0)), method;
	if (end == rest->len) {
		text_word(rest);
		return;
	}
	*rest = slice_trim(text_rest(*rest, end + 1));
	method = text_word(&request);
	if (text_is_method(method)) {
		h->method = method;
		h->path = text_word(&request);
	}
}

bool text_s3_read(struct slice line, struct text_header *ret)
{
	enum { BEFORE_REQUEST = 5, BEFORE_TIME_TAKEN = 3 };
	struct slice rest = text_rest(line, OWNER + 1);
	struct text_header h = {.message = line};
	int64_t status;
	for (size_t i = 0; i < OWNER; i++)
		if (!text_digit(line.ptr[i]) && (line.ptr[i] < 'a' || line.ptr[i] > 'f'))
			return false;
	text_word(&rest); /* the bucket */
	if (rest.len < 30 || rest.ptr[0] != '[' || !timestamp_scan(text_rest(rest, 1), &h.time) || !h.time.dated || rest.len < h.time.len + 4 || rest.ptr[h.time.len + 1] != ']')
		return false;
	h.has_time = true;
	rest = slice_trim(text_rest(rest, h.time.len + 2));
	for (int i = 0; i < BEFORE_REQUEST; i++)
		text_word(&rest);
	s3_request(&rest, &h);
	if (text_status(text_word(&rest), &status)) {
		h.status = (int)status;
		h.severity = text_severity_of_status(status);
	}
	for (int i = 0; i < BEFORE_TIME_TAKEN; i++)
		text_word(&rest);
	milliseconds(text_word(&rest), &h);
	*ret = h;
	return true;
}

/* --- VPC flow logs, Squid --- */

static bool read_flow(struct slice line, struct text_header *ret)
{
	enum { COLUMNS = 14, START = 10, ACTION = 12 };
	struct slice at[COLUMNS], rest = line;
	struct text_header h = {.message = line};
	for (size_t i = 0; i < COLUMNS; i++)
		at[i] = text_word(&rest);
	bool judged = slice_eq(at[ACTION], SLICE("ACCEPT")) || slice_eq(at[ACTION], SLICE("REJECT")) || slice_eq(at[ACTION], SLICE("-"));
	if (rest.len || !slice_starts(at[2], SLICE("eni-")) || !judged || at[START].len != EPOCH || !epoch(at[START], &h))
		return false;
	*ret = h;
	return true;
}

static bool read_squid(struct slice line, struct text_header *ret)
{
	struct slice rest = line, when = text_word(&rest), took = text_word(&rest), result, bytes, method, url;
	struct text_header h = {.message = line};
	int64_t status, number;
	text_word(&rest); /* the client */
	result = text_word(&rest);
	bytes = text_word(&rest);
	method = text_word(&rest);
	url = text_word(&rest);
	size_t slash = slice_find(result, '/', 0);
	if (when.len != EPOCH + 4 || !epoch(when, &h) || !milliseconds(took, &h) || slash == result.len || !slice_to_i64(text_rest(result, slash + 1), &status))
		return false;
	if (!slice_to_i64(bytes, &number) || !text_is_method(method) || url.len == 0)
		return false;
	if (status >= 100 && status <= 599) {
		h.status = (int)status;
		h.severity = text_severity_of_status(status);
	}
	h.method = method;
	h.path = url;
	*ret = h;
	return true;
}

bool text_numbers_read(struct slice line, struct text_header *ret)
{
	if (line.ptr[1] == ' ')
		return line.ptr[0] == '2' && read_flow(line, ret);
	return line.ptr[EPOCH] == '.' && is_epoch(line) && read_squid(line, ret);
}

/* --- Linux' audit --- */

bool text_audit_read(struct slice line, struct text_header *ret)
{
	size_t audit = slice_search(slice_sub(line, 0, 160), SLICE(" msg=audit(")) + 11, colon = slice_find(slice_sub(line, 0, audit + 20), ':', audit);
	struct text_header h = {.message = line};
	if (audit >= line.len || colon >= line.len || line.ptr[colon] != ':' || !epoch(slice_sub(line, audit, colon - audit), &h))
		return false;
	*ret = h;
	return true;
}

/* --- PostgreSQL's csvlog --- */

/* The next column, without its quotes, and the comma behind it, off *rest; *ret_quotes: it has quotes within, doubled. */
static struct slice column(struct slice *rest, bool *ret_quotes)
{
	struct slice found;
	size_t end = 0;
	*ret_quotes = false;
	if (rest->len == 0 || rest->ptr[0] != '"') {
		end = slice_find(*rest, ',', 0);
		found = slice_sub(*rest, 0, end);
	} else {
		for (end = slice_find(*rest, '"', 1); end + 1 < rest->len && rest->ptr[end + 1] == '"'; end = slice_find(*rest, '"', end + 2))
			*ret_quotes = true;
		found = slice_sub(*rest, 1, end - 1);
		end = slice_find(*rest, ',', end);
	}
	*rest = text_rest(*rest, end + 1);
	return found;
}

bool text_csvlog_read(struct slice line, struct text_header *ret)
{
	enum { COLUMNS = 23, DATABASE = 2, LEVEL = 11, STATE = 12, MESSAGE = 13, APPLICATION = 22 };
	struct slice at[COLUMNS], rest = line;
	bool quotes, doubled = false;
	for (size_t i = 0; i < COLUMNS; i++) {
		at[i] = column(&rest, &quotes);
		doubled = i == MESSAGE ? quotes : doubled;
	}
	struct text_header h = {.has_time = true, .severity = level_parse(at[LEVEL], LEVEL_WORDS), .message = at[MESSAGE], .doubled_quotes = doubled};
	if (!h.severity || at[STATE].len != 5 || !timestamp_scan(at[0], &h.time) || h.time.len != at[0].len || !h.time.dated)
		return false;
	h.service = at[APPLICATION].len ? at[APPLICATION] : at[DATABASE];
	*ret = h;
	return true;
}
