/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access lines of proxies and load balancers, which begin otherwise than a web server's (text_line.c).
 *
 * Layouts: Envoy's default and Istio's `[time] "METHOD path protocol" status flags .. received sent duration ..`, of which the three numbers in a row are found
 * whatever stands before them; HAProxy's `client:port [time] frontend backend/server Tq/Tw/Tc/Tr/Ta status bytes .. "METHOD path protocol"`; Amazon's
 * `type time balancer client:port target:port request target response status target_status received sent "METHOD url protocol" ..`; Gin's.
 */
#include "base/clock.h"
#include "record/duration.h"
#include "record/text_word.h"

enum { LONGEST_HEAD = 200 };

/* The request between quotes at the start of text into h; what stands behind it. */
static bool take_request(struct slice text, struct text_header *h, struct slice *ret_rest)
{
	size_t end = text.len > 1 && text.ptr[0] == '"' ? slice_find(text, '"', 1) : text.len;
	if (end == text.len)
		return false;
	struct slice request = slice_sub(text, 1, end - 1), method = text_word(&request), path = text_word(&request);
	if (text_is_method(method)) {
		h->method = method;
		h->path = path;
	}
	*ret_rest = slice_trim(text_rest(text, end + 1));
	return true;
}

static void take_status(struct text_header *h, int64_t status)
{
	h->status = (int)status;
	h->severity = text_severity_of_status(status);
}

/* Negative: it did not come so far. */
static void take_ms(struct text_header *h, int64_t ms)
{
	h->has_duration = duration_of((double)ms, NS_PER_MS, &h->duration_ns);
}

/* received sent duration: the last of the first three numbers in a row; -1 if there are none. */
static int64_t envoy_duration(struct slice rest)
{
	int64_t number, row = 0;
	while (rest.len && rest.ptr[0] != '[') {
		row = slice_to_i64(text_word(&rest), &number) && number >= 0 ? row + 1 : 0;
		if (row == 3)
			return number;
	}
	return -1;
}

static bool read_envoy(struct slice line, struct text_header *h)
{
	struct text_header found = {.has_time = true, .message = line};
	struct slice rest;
	int64_t status;
	size_t end = slice_find(slice_sub(line, 0, 40), ']', 0);
	if (end + 3 >= line.len || line.ptr[end] != ']' || line.ptr[end + 2] != '"' || !timestamp_scan(text_rest(line, 1), &found.time) || !found.time.dated)
		return false;
	if (!take_request(slice_trim(text_rest(line, end + 1)), &found, &rest))
		return false;
	struct slice code = text_word(&rest);
	bool none = code.len == 1 && code.ptr[0] == '0'; /* no response came */
	if (!none && !text_status(code, &status))
		return false;
	if (none)
		found.severity = SEVERITY_ERROR;
	else
		take_status(&found, status);
	take_ms(&found, envoy_duration(rest));
	*h = found;
	return true;
}

/* The last of HAProxy's times, Tq/Tw/Tc/Tr/Ta in milliseconds, which may have a plus before it. */
static bool haproxy_total(struct slice times, int64_t *ret_ms)
{
	const char *slash = times.len ? memrchr(times.ptr, '/', times.len) : NULL;
	if (!slash)
		return false;
	struct slice last = text_rest(times, (size_t)(slash + 1 - times.ptr));
	if (last.len && last.ptr[0] == '+')
		last = text_rest(last, 1);
	return slice_to_i64(last, ret_ms);
}

static bool read_haproxy(struct slice line, struct text_header *h)
{
	struct text_header found = {.has_time = true, .message = line};
	struct slice rest = line, tag = text_word(&rest);
	int64_t status, ms;
	if (slice_starts(tag, SLICE("haproxy")) && tag.ptr[tag.len - 1] == ':') {
		found.service = SLICE("haproxy");
		tag = text_word(&rest);
	}
	if (!memchr(tag.ptr, ':', tag.len) || rest.len < 40 || rest.ptr[0] != '[' || !timestamp_scan(text_rest(rest, 1), &found.time) || !found.time.dated || found.time.len + 1 >= rest.len || rest.ptr[found.time.len + 1] != ']')
		return false;
	rest = slice_trim(text_rest(rest, found.time.len + 2));
	text_word(&rest); /* the frontend */
	struct slice backend = text_word(&rest), times = text_word(&rest);
	if (!memchr(backend.ptr, '/', backend.len) || !haproxy_total(times, &ms) || !text_status(text_word(&rest), &status))
		return false;
	take_status(&found, status);
	take_ms(&found, ms);
	take_request(text_rest(rest, slice_find(rest, '"', 0)), &found, &rest);
	*h = found;
	return true;
}

/* Three times in seconds, each -1 if it did not come so far. */
static bool balancer_duration(struct slice *rest, int64_t *ret_ns)
{
	double total = 0, part;
	for (size_t i = 0; i < 3; i++) {
		if (!slice_to_double(text_word(rest), &part))
			return false;
		total = part < 0 || total < 0 ? -1 : total + part;
	}
	return total < 0 || duration_of(total, NS_PER_S, ret_ns);
}

static bool read_balancer(struct slice line, struct text_header *h)
{
	static const struct slice types[] = {{"http ", 5}, {"https ", 6}, {"h2 ", 3}, {"grpcs ", 6}, {"ws ", 3}, {"wss ", 4}};
	struct text_header found = {.has_time = true, .message = line, .duration_ns = -1};
	struct slice rest = line;
	int64_t status;
	size_t type = 0;
	while (type < sizeof(types) / sizeof(types[0]) && !slice_starts(line, types[type]))
		type++;
	if (type == sizeof(types) / sizeof(types[0]))
		return false;
	text_word(&rest);
	struct slice time = text_word(&rest);
	if (!timestamp_scan(time, &found.time) || found.time.len != time.len || !found.time.zoned)
		return false;
	for (int i = 0; i < 3; i++)
		text_word(&rest); /* the balancer, the client, the target */
	if (!balancer_duration(&rest, &found.duration_ns) || !text_status(text_word(&rest), &status))
		return false;
	take_status(&found, status);
	found.has_duration = found.duration_ns >= 0;
	take_request(text_rest(rest, slice_find(rest, '"', 0)), &found, &rest);
	size_t root = slice_search(rest, SLICE("\"Root="));
	if (root < rest.len) {
		found.trace_id = slice_sub(rest, root + 1, slice_find(rest, '"', root + 1) - root - 1);
		found.trace_key = SLICE("Root=");
	}
	*h = found;
	return true;
}

/* Gin's "[GIN] 2026/03/04 - 09:15:02 | 200 |  184.2µs |  10.2.3.4 | GET  "/ping"". */
static bool read_gin(struct slice line, struct text_header *h)
{
	enum { HEAD = 6, DATE = 10, CLOCK = 8 };
	struct text_header found = {.has_time = true, .message = line};
	struct slice rest = text_rest(line, HEAD);
	char time[DATE + 1 + CLOCK];
	int64_t status;
	if (rest.len < DATE + 3 + CLOCK + 3 || !slice_eq(slice_sub(rest, DATE, 3), SLICE(" - ")))
		return false;
	memcpy(time, rest.ptr, DATE);
	time[DATE] = ' ';
	memcpy(time + DATE + 1, rest.ptr + DATE + 3, CLOCK);
	if (!timestamp_scan(slice_of(time, sizeof(time)), &found.time) || found.time.len != sizeof(time))
		return false;
	struct slice parts[5] = {{NULL, 0}};
	rest = text_rest(rest, DATE + 3 + CLOCK);
	for (size_t i = 0; i < 5; i++) {
		size_t bar = slice_find(rest, '|', 0);
		parts[i] = slice_trim(slice_sub(rest, 0, bar));
		rest = text_rest(rest, bar + 1);
	}
	if (!text_status(parts[1], &status))
		return false;
	take_status(&found, status);
	found.has_duration = duration_parse(parts[2], 0, &found.duration_ns);
	struct slice method = text_word(&parts[4]), path = slice_trim(parts[4]);
	if (text_is_method(method) && path.len > 2 && path.ptr[0] == '"') {
		found.method = method;
		found.path = slice_sub(path, 1, slice_find(path, '"', 1) - 1);
	}
	*h = found;
	return true;
}

bool text_proxy_read(struct slice line, struct text_header *ret)
{
	if (line.len < 40)
		return false;
	if (slice_starts(line, SLICE("[GIN] ")))
		return read_gin(line, ret);
	if (line.ptr[0] == '[')
		return read_envoy(line, ret);
	struct slice head = slice_sub(line, 0, LONGEST_HEAD);
	size_t bracket = slice_search(head, SLICE(" ["));
	if (bracket + 4 < head.len && line.ptr[bracket + 4] == '/')
		return text_digit(line.ptr[bracket + 2]) && read_haproxy(line, ret);
	return (line.ptr[0] == 'h' || line.ptr[0] == 'g' || line.ptr[0] == 'w') && read_balancer(line, ret);
}
