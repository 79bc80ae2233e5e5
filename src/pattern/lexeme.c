/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/lexeme.h"

/* LEX_* of every byte. */
const uint8_t lex_class[256] = {
	128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,
	128, 16, 128, 16, 16, 16, 16, 128, 128, 128, 16, 16, 128, 16, 16, 16, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 16, 128, 128, 128, 128, 16,
	16, 2, 2, 2, 2, 2, 2, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 128, 16, 128, 16, 64,
	16, 1, 1, 1, 1, 1, 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 128, 128, 128, 16, 128,
	32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
	32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
	32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
	32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32,
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static size_t digits_at(struct slice s, size_t i)
{
	size_t from = i;
	while (i < s.len && is_digit(s.ptr[i]))
		i++;
	return i - from;
}

static size_t hex_at(struct slice s, size_t i)
{
	size_t from = i;
	while (i < s.len && is_hex(s.ptr[i]))
		i++;
	return i - from;
}

/* End of the number at i (sign, digits, fraction, exponent), or i if there is none. */
static size_t number_end(struct slice s, size_t i)
{
	size_t from = i;
	if (i < s.len && (s.ptr[i] == '-' || s.ptr[i] == '+'))
		i++;
	size_t whole = digits_at(s, i);
	i += whole;
	if (i < s.len && s.ptr[i] == '.') {
		size_t fraction = digits_at(s, i + 1);
		if (fraction == 0 && whole == 0)
			return from;
		if (fraction)
			i += 1 + fraction;
		whole += fraction;
	}
	if (whole == 0)
		return from;
	if (i + 1 < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
		size_t sign = s.ptr[i + 1] == '-' || s.ptr[i + 1] == '+';
		size_t power = digits_at(s, i + 1 + sign);
		if (power)
			i += 1 + sign + power;
	}
	return i;
}

struct unit {
	char name[8]; /* zeros behind, so that it compares as one number */
	int64_t ns;   /* 0: a size */
};

static const struct unit units[] = {
	{"ms", 1000000}, {"s", 1000000000}, {"us", 1000}, {"ns", 1}, {"\xc2\xb5s", 1000}, {"\xce\xbcs", 1000}, {"sec", 1000000000}, {"secs", 1000000000},
	{"msec", 1000000}, {"millis", 1000000}, {"m", 60000000000}, {"min", 60000000000}, {"mins", 60000000000}, {"h", 3600000000000}, {"hr", 3600000000000},
	{"hrs", 3600000000000}, {"d", 86400000000000}, {"B", 0}, {"b", 0}, {"K", 0}, {"k", 0}, {"M", 0}, {"G", 0}, {"T", 0}, {"KB", 0}, {"kB", 0}, {"kb", 0},
	{"MB", 0}, {"Mb", 0}, {"mb", 0}, {"GB", 0}, {"Gb", 0}, {"gb", 0}, {"TB", 0}, {"tb", 0}, {"PB", 0}, {"KiB", 0}, {"MiB", 0}, {"GiB", 0}, {"TiB", 0}, {"Ki", 0},
	{"Mi", 0}, {"Gi", 0}, {"bytes", 0}, {"Bytes", 0}, {"MHz", 0}, {"GHz", 0}, {"Mbps", 0}, {"Gbps", 0}, {"kbps", 0},
};

static const struct unit *unit_of(struct slice s)
{
	char name[8] = {0};
	uint64_t key;
	uint64_t other;
	if (s.len == 0 || s.len > 7)
		return NULL;
	memcpy(name, s.ptr, s.len);
	memcpy(&key, name, sizeof(key));
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		memcpy(&other, units[i].name, sizeof(other));
		if (key == other)
			return &units[i];
	}
	return NULL;
}

/* digits and a fraction, as a double; no allocation, no locale. */
static double number_value(struct slice s)
{
	double value = 0;
	double scale = 1;
	bool fraction = false;
	for (size_t i = 0; i < s.len; i++) {
		if (is_digit(s.ptr[i])) {
			value = value * 10 + (s.ptr[i] - '0');
			scale *= fraction ? 10 : 1;
		} else if (s.ptr[i] == '.') {
			fraction = true;
		} else if (s.ptr[i] != '+') {
			return slice_to_double(s, &value) ? value : -1;
		}
	}
	return value / scale;
}

/* 12ms, 1h30m5.2s, 3GB; PLACE_COUNT if the whole is not that. */
static enum place unit_place(struct slice s, int64_t *duration_ns)
{
	double total = 0;
	size_t i = 0;
	enum place place = PLACE_COUNT;
	if (s.len > 40)
		return PLACE_COUNT;
	while (i < s.len) {
		size_t end = number_end(s, i);
		if (end == i)
			return PLACE_COUNT;
		size_t tail = end;
		while (tail < s.len && !is_digit(s.ptr[tail]))
			tail++;
		const struct unit *unit = unit_of(slice_sub(s, end, tail - end));
		if (!unit || (place != PLACE_COUNT && (unit->ns == 0 || place == PLACE_SIZE)))
			return PLACE_COUNT;
		total += number_value(slice_sub(s, i, end - i)) * (double)unit->ns;
		place = unit->ns ? PLACE_DURATION : PLACE_SIZE;
		i = tail;
	}
	if (place == PLACE_DURATION && total >= 0 && total < 9e18)
		*duration_ns = (int64_t)total;
	return place;
}

/* End of a dotted quad at i, or i. */
static size_t quad_end(struct slice s, size_t i)
{
	size_t at = i;
	for (int part = 0; part < 4; part++) {
		size_t digits = digits_at(s, at);
		if (digits == 0 || digits > 3)
			return i;
		at += digits;
		if (part < 3) {
			if (at >= s.len || s.ptr[at] != '.')
				return i;
			at++;
		}
	}
	return at;
}

static bool is_ip(struct slice s)
{
	size_t i = s.len && s.ptr[0] == '/';
	size_t end = quad_end(s, i);
	if (end == i)
		return false;
	if (end < s.len && s.ptr[end] == '/') {
		size_t second = quad_end(s, end + 1);
		end = second > end + 1 ? second : end + 1 + digits_at(s, end + 1);
	}
	if (end < s.len && (s.ptr[end] == ':' || s.ptr[end] == '.' || s.ptr[end] == '#')) {
		size_t port = digits_at(s, end + 1);
		if (port)
			end += 1 + port;
	}
	return end == s.len;
}

static bool is_uuid(struct slice s)
{
	static const uint8_t groups[] = {8, 4, 4, 4, 12};
	size_t i = 0;
	if (s.len != 36)
		return false;
	for (size_t g = 0; g < sizeof(groups); g++) {
		if (hex_at(s, i) != groups[g] || (g < 4 && s.ptr[i + groups[g]] != '-'))
			return false;
		i += groups[g] + 1u;
	}
	return true;
}

/* mac and IPv6 addresses: hexadecimal groups between colons. */
static enum place colon_hex(struct slice s)
{
	size_t colons = 0;
	bool empty = false;
	for (size_t i = 0; i < s.len; i++) {
		size_t n = hex_at(s, i);
		if (n > 4)
			return PLACE_COUNT;
		i += n;
		if (i == s.len)
			break;
		if (s.ptr[i] == '%' && colons >= 2)
			return PLACE_IP;
		if (s.ptr[i] == '.' && colons >= 2 && quad_end(s, i - n) == s.len)
			return PLACE_IP;
		if (s.ptr[i] != ':')
			return PLACE_COUNT;
		colons++;
		empty = empty || n == 0;
	}
	if (colons < 2)
		return PLACE_COUNT;
	return empty || colons == 7 ? PLACE_IP : PLACE_ANY;
}

/* 10/Oct/2000:13:55:36 as web servers write it, or the date alone. */
static bool is_server_time(struct slice s)
{
	size_t day = digits_at(s, 0);
	if (s.len < 10 || day == 0 || day > 2 || s.ptr[day] != '/' || s.ptr[day + 4] != '/' || digits_at(s, day + 5) != 4)
		return false;
	return s.len == day + 9 || (s.len > day + 11 && s.ptr[day + 9] == ':' && digits_at(s, day + 10) == 2);
}

/* Dates, times and both: digits with at least two separators of those kinds, or hh:mm. */
static bool is_time(struct slice s)
{
	size_t separators = 0;
	size_t colons = 0;
	if (!is_digit(s.ptr[0]))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (is_digit(c))
			continue;
		if (c == '-' || c == ':' || c == '/')
			separators++, colons += c == ':';
		else if (c != '.' && c != 'T' && c != 'Z' && c != '+' && c != 'z')
			return false;
	}
	return s.len <= 40 && (separators >= 2 || colons == 1);
}

/* C:\x, /x, ./x, ../x, ~/x, \\host */
static bool starts_as_path(struct slice s)
{
	if (s.len > 1 && s.ptr[0] == '/' && s.ptr[1] != '/')
		return true;
	if (s.len <= 2)
		return false;
	if (s.ptr[1] == ':' && (s.ptr[2] == '\\' || s.ptr[2] == '/') && (lex_class[(uint8_t)s.ptr[0]] & LEX_LETTER))
		return true;
	return slice_starts(s, SLICE("./")) || slice_starts(s, SLICE("../")) || slice_starts(s, SLICE("~/")) || slice_starts(s, SLICE("\\\\"));
}

static bool is_path(struct slice s)
{
	size_t slashes = 0;
	bool named = false;
	if (starts_as_path(s))
		return true;
	if (slice_find(s, ':', 0) != s.len)
		return false;
	for (size_t i = 1; i + 1 < s.len; i++) {
		slashes += s.ptr[i] == '/' || s.ptr[i] == '\\';
		named = named || s.ptr[i] == '.' || s.ptr[i] == '_' || s.ptr[i] == '-' || is_digit(s.ptr[i]);
	}
	return slashes >= 2 && named;
}

static bool is_url(struct slice s)
{
	size_t at = slice_find(s, ':', 0);
	return at > 1 && at + 3 < s.len && s.ptr[at + 1] == '/' && s.ptr[at + 2] == '/';
}

static bool is_email(struct slice s)
{
	size_t at = slice_find(s, '@', 1);
	return at + 3 < s.len && slice_find(s, '.', at) + 1 < s.len;
}

/* Length in ns of the part that ends with this letter, before or behind the T; 0 if there is no such part. */
static int64_t iso_part(char c, bool time)
{
	if (!time)
		return c == 'D' ? 86400000000000 : 0;
	return c == 'H' ? 3600000000000 : c == 'M' ? 60000000000 : c == 'S' ? 1000000000 : 0;
}

/* PT1M2.5S as Java and XML write durations; days at most. */
static bool iso_duration(struct slice s, int64_t *duration_ns)
{
	double total = 0;
	bool time = false;
	if (s.len < 3 || s.len > 40 || s.ptr[0] != 'P')
		return false;
	for (size_t i = 1; i < s.len;) {
		if (!time && s.ptr[i] == 'T') {
			time = true;
			i++;
			continue;
		}
		size_t end = number_end(s, i);
		int64_t part = end > i && end < s.len ? iso_part(s.ptr[end], time) : 0;
		if (!part)
			return false;
		total += number_value(slice_sub(s, i, end - i)) * (double)part;
		i = end + 1;
	}
	if (total >= 0 && total < 9e18)
		*duration_ns = (int64_t)total;
	return true;
}

/* 0x7ffe12 */
static bool is_prefixed_hex(struct slice s)
{
	return s.len > 2 && s.ptr[0] == '0' && (s.ptr[1] == 'x' || s.ptr[1] == 'X') && hex_at(s, 2) == s.len - 2;
}

static enum place digit_place(struct slice s, unsigned classes, int64_t *duration_ns)
{
	if (!(classes & (unsigned)~LEX_DIGIT))
		return PLACE_NUM;
	size_t end = number_end(s, 0);
	if (end == s.len)
		return PLACE_NUM;
	if (end + 1 == s.len && s.ptr[end] == '%')
		return PLACE_NUM;
	if (is_prefixed_hex(s))
		return PLACE_HEX;
	if (iso_duration(s, duration_ns))
		return PLACE_DURATION;
	if (end > 0) {
		enum place place = unit_place(s, duration_ns);
		if (place != PLACE_COUNT)
			return place;
	}
	if (!(classes & LEX_NONHEX) && !(classes & (LEX_JOIN | LEX_HIGH | LEX_UNDER)) && s.len >= 5)
		return PLACE_HEX;
	return PLACE_COUNT;
}

enum place lex_place(struct slice s, unsigned classes, int64_t *duration_ns)
{
	if (classes & LEX_DIGIT) {
		enum place place = digit_place(s, classes, duration_ns);
		if (place != PLACE_COUNT)
			return place;
	}
	if (!(classes & LEX_JOIN))
		return PLACE_COUNT;
	if (classes & LEX_DIGIT) {
		if (is_ip(s))
			return PLACE_IP;
		if (is_uuid(s))
			return PLACE_UUID;
		if (is_time(s) || is_server_time(s))
			return PLACE_TIME;
		enum place place = colon_hex(s);
		if (place != PLACE_COUNT)
			return place;
	}
	if (is_url(s))
		return PLACE_URL;
	if (is_path(s))
		return PLACE_PATH;
	return is_email(s) ? PLACE_ANY : PLACE_COUNT;
}

/* End of the unit's name at i: letters, or the sign for micro and a letter. */
static size_t unit_end(struct slice s, size_t i)
{
	if (i + 1 < s.len && (slice_starts(slice_sub(s, i, 2), SLICE("\xc2\xb5")) || slice_starts(slice_sub(s, i, 2), SLICE("\xce\xbc"))))
		i += 2;
	while (i < s.len && (lex_class[(uint8_t)s.ptr[i]] & LEX_LETTER))
		i++;
	return i;
}

int64_t lex_duration(struct slice s)
{
	double total = 0;
	size_t i = 0;
	while (i < s.len && i < 40) {
		size_t end = number_end(s, i);
		size_t tail = unit_end(s, end);
		const struct unit *unit = end > i ? unit_of(slice_sub(s, end, tail - end)) : NULL;
		if (!unit || unit->ns == 0)
			break;
		total += number_value(slice_sub(s, i, end - i)) * (double)unit->ns;
		i = tail;
	}
	return i > 0 && total >= 0 && total < 9e18 ? (int64_t)total : -1;
}

bool lex_is_time_unit(struct slice name)
{
	const struct unit *unit = unit_of(name);
	return unit && unit->ns > 0;
}

bool lex_is_size_unit(struct slice name)
{
	const struct unit *unit = unit_of(name);
	return unit && unit->ns == 0 && slice_ends(name, SLICE("B"));
}

/* CamelCase changes often too, but hardly has capitals side by side then. */
bool lex_is_random(struct slice s)
{
	size_t changes = 0;
	size_t capitals = 0;
	for (size_t i = 1; i < s.len; i++) {
		unsigned a = lex_class[(uint8_t)s.ptr[i]];
		unsigned b = lex_class[(uint8_t)s.ptr[i - 1]];
		changes += ((a ^ b) & LEX_LETTER) == LEX_LETTER;
		capitals += (a & b & LEX_UPPER) != 0;
	}
	return s.len >= 16 && changes * 5 >= s.len * 2 && capitals * 8 >= s.len;
}

bool lex_exception(struct slice name)
{
	return slice_ends(name, SLICE("Exception")) || slice_ends(name, SLICE("Error"));
}
