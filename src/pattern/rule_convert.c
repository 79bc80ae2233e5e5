/* SPDX-License-Identifier: Apache-2.0 */
/* What a capture is as a number, in base units: seconds (here as ns), bytes. Never allocates: matching calls it. */
#include "base/clock.h"
#include "pattern/rule.h"

static const struct {
	const char *name;
	int64_t ns;
} units[] = {
	{"ns", 1}, {"us", NS_PER_US}, {"\xC2\xB5s", NS_PER_US}, {"\xB5s", NS_PER_US}, {"ms", NS_PER_MS}, {"msec", NS_PER_MS}, {"msecs", NS_PER_MS}, {"millis", NS_PER_MS},
	{"millisecond", NS_PER_MS}, {"milliseconds", NS_PER_MS}, {"s", NS_PER_S}, {"sec", NS_PER_S}, {"secs", NS_PER_S}, {"second", NS_PER_S}, {"seconds", NS_PER_S},
	{"m", 60 * NS_PER_S}, {"min", 60 * NS_PER_S}, {"mins", 60 * NS_PER_S}, {"minute", 60 * NS_PER_S}, {"minutes", 60 * NS_PER_S},
	{"h", 3600 * NS_PER_S}, {"hour", 3600 * NS_PER_S}, {"hours", 3600 * NS_PER_S}, {"d", 86400 * NS_PER_S}, {"day", 86400 * NS_PER_S}, {"days", 86400 * NS_PER_S},
};

bool convert_unit(struct slice name, double *ret_ns)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (slice_eq(name, slice_str(units[i].name))) {
			*ret_ns = (double)units[i].ns;
			return true;
		}
	return false;
}

static size_t number_len(struct slice s)
{
	size_t i = 0;
	while (i < s.len && ((s.ptr[i] >= '0' && s.ptr[i] <= '9') || s.ptr[i] == '.' || ((s.ptr[i] == '-' || s.ptr[i] == '+') && i == 0)))
		i++;
	return i;
}

/* One or more numbers with units ("1h30m", "2 min 5 sec"), or one bare number. */
bool convert_duration(struct slice text, double bare_unit_ns, double *ret_ns)
{
	double total = 0, number, unit;
	struct slice s = slice_trim(text);
	if (slice_to_double(s, &number)) {
		*ret_ns = number * bare_unit_ns;
		return true;
	}
	while (s.len > 0) {
		size_t digits = number_len(s), start = digits, end;
		while (start < s.len && s.ptr[start] == ' ')
			start++;
		for (end = start; end < s.len && s.ptr[end] != ' ' && (s.ptr[end] < '0' || s.ptr[end] > '9');)
			end++;
		if (!slice_to_double(slice_sub(s, 0, digits), &number) || !convert_unit(slice_sub(s, start, end - start), &unit))
			return false;
		total += number * unit;
		s = slice_trim(slice_sub(s, end, s.len));
	}
	*ret_ns = total;
	return text.len > 0;
}

bool convert_size(struct slice text, double *ret_bytes)
{
	static const char prefixes[] = "kMGTP";
	struct slice s = slice_trim(text);
	size_t digits = number_len(s);
	double number, scale = 1;
	if (!slice_to_double(slice_sub(s, 0, digits), &number))
		return false;
	struct slice unit = slice_trim(slice_sub(s, digits, s.len));
	const char *prefix = unit.len ? strchr(prefixes, unit.ptr[0] == 'K' ? 'k' : unit.ptr[0]) : NULL;
	if (prefix && *prefix) {
		bool binary = unit.len > 1 && unit.ptr[1] == 'i';
		for (const char *p = prefixes; p <= prefix; p++)
			scale *= binary ? 1024 : 1000;
	}
	*ret_bytes = number * scale;
	return true;
}

bool convert_capture(const struct rule *rule, size_t capture, struct slice text, double *ret)
{
	enum place_type type = rule->captures[capture].type;
	if (type == PLACE_DURATION || capture == rule->duration) {
		if (!convert_duration(text, rule->duration_unit_ns, ret))
			return false;
		*ret /= (double)NS_PER_S;
		return true;
	}
	if (type == PLACE_SIZE)
		return convert_size(text, ret);
	return type != PLACE_HEX && slice_to_double(text, ret);
}
