/* SPDX-License-Identifier: Apache-2.0 */
/* Times in JSON: text, numbers, and what loggers write as objects and lists. */
#include "record/json_time.h"

#include "base/clock.h"

/* PHP's DateTime as json_encode writes it: {"date": "2026-03-04 09:15:02.481203", "timezone_type": 3, "timezone": "UTC"}. */
static int64_t php_time(struct slice date, struct slice zone, bool *ret_zoned)
{
	char text[64];
	struct timestamp time;
	if (date.len == 0 || date.len + zone.len + 1 > sizeof(text))
		return 0;
	memcpy(text, date.ptr, date.len);
	text[date.len] = ' ';
	if (zone.len)
		memcpy(text + date.len + 1, zone.ptr, zone.len);
	if (!timestamp_parse(slice_of(text, date.len + 1 + zone.len), &time) && !timestamp_parse(date, &time))
		return 0;
	*ret_zoned = time.zoned;
	return time.ns;
}

/* {seconds, nanos} and its like in Java and Rust, {$date}, {date, timezone}. */
static int64_t object_time(struct decoder *d, const struct json *json, uint32_t at, bool *ret_zoned, enum undecodable *ret_reason)
{
	static const struct slice names[][2] = {{{"seconds", 7}, {"nanos", 5}}, {{"epochSecond", 11}, {"nanoOfSecond", 12}}, {{"epochSecond", 11}, {"nano", 4}}, {{"secs_since_epoch", 16}, {"nanos_since_epoch", 17}}};
	enum { EPOCH = 1 }; /* the first of two that have the same seconds */
	int64_t seconds, ns;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!json_i64(json, json_get(json, at, names[i][0]), &seconds))
			continue;
		ns = 0;
		if (!json_i64(json, json_get(json, at, names[i][1]), &ns) && i == EPOCH)
			continue;
		*ret_zoned = true;
		return seconds > 0 ? timestamp_of_parts(seconds, ns) : 0;
	}
	uint32_t date = json_get(json, at, SLICE("$date")), zone = json_get(json, at, SLICE("timezone"));
	if (zone && !date)
		return php_time(json_text(json, json_get(json, at, SLICE("date"))), json_text(json, zone), ret_zoned);
	uint32_t canonical = date && json_is_object(json, date) ? json_get(json, date, SLICE("$numberLong")) : 0;
	date = canonical ? canonical : date;
	return date && !json_is_object(json, date) ? json_time(d, json, date, ret_zoned, ret_reason) : 0;
}

/* [2026,3,4,9,15,2,481203117], as Jackson writes a LocalDateTime; 0 if it is none. */
static int64_t array_time(const struct json *json, uint32_t at, bool *ret_zoned)
{
	static const struct {
		int64_t least, most;
	} bounds[] = {{1970, 2200}, {1, 12}, {1, 31}, {0, 23}, {0, 59}, {0, 60}, {0, 999999999}};
	int64_t parts[7] = {0};
	size_t n = 0;
	for (uint32_t i = json_first(at), end = json_end(json, at); i < end; i = json_next(json, i), n++)
		if (n == 7 || !json_i64(json, i, &parts[n]) || parts[n] < bounds[n].least || parts[n] > bounds[n].most)
			return 0;
	*ret_zoned = false;
	return n < 5 ? 0 : timestamp_of_parts(clock_days(parts[0], (unsigned)parts[1], (unsigned)parts[2]) * 86400 + parts[3] * 3600 + parts[4] * 60 + parts[5], parts[6]);
}

int64_t json_time_new(struct decoder *d, struct slice text, bool *ret_zoned)
{
	struct timestamp t;
	if (!timestamp_parse_near(text, d->now_ns, &t) || !t.dated || t.ns == INT64_MIN)
		return 0;
	*ret_zoned = t.zoned;
	time_memo_learn(&d->times, text, &t);
	/* a date in or before 1970 is a wrong time, not a missing one; zero as a number is missing */
	return t.ns > 0 || slice_find(text, ':', 0) == text.len ? t.ns : 1;
}

int64_t json_time(struct decoder *d, const struct json *json, uint32_t at, bool *ret_zoned, enum undecodable *ret_reason)
{
	double number;
	int64_t whole, ns;
	*ret_zoned = true;
	switch (json_type(json, at)) {
	case '"':
		return json_time_text(d, json_string(json, at), ret_zoned);
	case 'l':
		return json_i64(json, at, &whole) ? timestamp_of_i64(whole) : 0;
	case 'u':
	case 'd':
		return json_double(json, at, &number) ? timestamp_of_double(number) : 0;
	case '{':
		return object_time(d, json, at, ret_zoned, ret_reason);
	case '[':
		ns = array_time(json, at, ret_zoned);
		*ret_reason = ns ? *ret_reason : UNDECODABLE_WRONG_TYPE;
		return ns;
	default:
		*ret_reason = UNDECODABLE_WRONG_TYPE;
		return 0;
	}
}
