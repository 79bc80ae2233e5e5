/* SPDX-License-Identifier: Apache-2.0 */
#include "record/timestamp.h"

#include "base/clock.h"

struct cursor {
	const char *p;
	const char *end;
};

static bool two_digits(struct cursor *c, unsigned *ret)
{
	if (c->end - c->p < 2)
		return false;
	unsigned tens = (unsigned)(c->p[0] - '0'), ones = (unsigned)(c->p[1] - '0');
	if (tens > 9 || ones > 9)
		return false;
	*ret = tens * 10 + ones;
	c->p += 2;
	return true;
}

static bool literal(struct cursor *c, char what)
{
	if (c->p >= c->end || *c->p != what)
		return false;
	c->p++;
	return true;
}

static bool is_digit(const struct cursor *c, size_t ahead)
{
	return (size_t)(c->end - c->p) > ahead && (unsigned)(c->p[ahead] - '0') <= 9;
}

int64_t timestamp_of_parts(int64_t seconds, int64_t ns)
{
	int64_t total;
	if (__builtin_mul_overflow(seconds, NS_PER_S, &total) || __builtin_add_overflow(total, ns, &total))
		return seconds < 0 ? INT64_MIN : INT64_MAX;
	return total;
}

/* The number whose digits these eight bytes are, the first one the lowest. (Johnny Lee's way, see "Faster integer parsing".) */
static inline int64_t eight_of(uint64_t digits)
{
	digits = digits * 2561 >> 8;
	digits = (digits & UINT64_C(0x00FF00FF00FF00FF)) * 6553601 >> 16;
	return (int64_t)((digits & UINT64_C(0x0000FFFF0000FFFF)) * UINT64_C(42949672960001) >> 32);
}

static const int64_t nine_digits[] = {1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};

/* Digits after . or , as nanoseconds; further digits are cut off. */
static int64_t slow_fraction(struct cursor *c)
{
	int64_t value = 0;
	size_t n = 0;
	if (c->end - c->p < 2 || (*c->p != '.' && *c->p != ',') || !is_digit(c, 1))
		return 0;
	for (c->p++; is_digit(c, 0); c->p++)
		if (n < 9) {
			value = value * 10 + (*c->p - '0');
			n++;
		}
	return value * nine_digits[n];
}

/* The same for what has eight bytes before its end: eight digits at a glance, as in json_number.c. */
static inline int64_t fraction(struct cursor *c, const char *begin)
{
	size_t left = (size_t)(c->end - c->p);
	if (left < 2 || (*c->p != '.' && *c->p != ','))
		return 0;
	if (c->end - begin < 8)
		return slow_fraction(c);
	uint64_t word = --left >= 8 ? load_u64(c->p + 1) : load_u64(c->end - 8) >> (64 - 8 * left);
	uint64_t odd = ((word & UINT64_C(0xF0F0F0F0F0F0F0F0)) ^ UINT64_C(0x3030303030303030)) | (((word + UINT64_C(0x0606060606060606)) & UINT64_C(0xF0F0F0F0F0F0F0F0)) ^ UINT64_C(0x3030303030303030));
	unsigned n = odd ? (unsigned)__builtin_ctzll(odd) / 8 : 8;
	if (n == 0)
		return 0;
	int64_t value = eight_of((word << (64 - 8 * n)) & UINT64_C(0x0F0F0F0F0F0F0F0F)) * nine_digits[n];
	c->p += 1 + n;
	if (n == 8 && is_digit(c, 0)) {
		value += *c->p++ - '0';
		while (is_digit(c, 0))
			c->p++;
	}
	return value;
}

static bool time_of_day(struct cursor *c, int64_t *ret_seconds, int64_t *ret_ns)
{
	unsigned hour, minute, second = 0;
	bool padded = is_digit(c, 1) && *c->p == ' '; /* MariaDB's " 9:15:02" */
	if (padded && c->end - c->p > 2 && c->p[2] == ':') {
		hour = (unsigned)(c->p[1] - '0');
		c->p += 2;
	} else if (!two_digits(c, &hour)) {
		return false;
	}
	if (!literal(c, ':') || !two_digits(c, &minute))
		return false;
	if (literal(c, ':') && !two_digits(c, &second))
		return false;
	if (hour > 24 || minute > 59 || second > 60)
		return false;
	*ret_seconds = (int64_t)hour * 3600 + minute * 60 + second;
	*ret_ns = slow_fraction(c);
	return true;
}

/* +01:00, +0530, +01 behind the sign; false (nothing consumed) if it is none. */
static bool offset(struct cursor *c, int64_t *ret_seconds)
{
	struct cursor at = *c;
	unsigned hour, minute = 0;
	int64_t sign = *at.p == '-' ? -1 : 1;
	at.p++;
	if (!two_digits(&at, &hour))
		return false;
	if (at.p < at.end && *at.p == ':' && is_digit(&at, 1))
		at.p++;
	if (is_digit(&at, 0) && !two_digits(&at, &minute))
		return false;
	if (hour > 18 || minute > 59 || is_digit(&at, 0))
		return false;
	*ret_seconds = sign * ((int64_t)hour * 3600 + (int64_t)minute * 60);
	*c = at;
	return true;
}

static bool starts(const struct cursor *c, const char *word, size_t len)
{
	return (size_t)(c->end - c->p) >= len && memcmp(c->p, word, len) == 0;
}

/* What PostgreSQL, date(1) and Java write after a blank; those that mean several zones have their most usual sense. */
static bool named_zone(struct cursor *c, int64_t *ret_seconds)
{
	static const struct {
		char name[5];
		int16_t minutes;
	} zones[] = {{"CET", 60}, {"CEST", 120}, {"EST", -300}, {"EDT", -240}, {"CST", -360}, {"CDT", -300}, {"MST", -420}, {"MDT", -360}, {"PST", -480}, {"PDT", -420}, {"BST", 60},
		{"IST", 330}, {"JST", 540}, {"WET", 0}, {"WEST", 60}, {"EET", 120}, {"EEST", 180}, {"MSK", 180}, {"AEST", 600}, {"AEDT", 660}, {"SGT", 480}};
	size_t n = 0;
	while (c->p + n < c->end && c->p[n] >= 'A' && c->p[n] <= 'Z')
		n++;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]) && n >= 3; i++)
		if (strlen(zones[i].name) == n && memcmp(c->p, zones[i].name, n) == 0) {
			*ret_seconds = (int64_t)zones[i].minutes * 60;
			c->p += n;
			return true;
		}
	return false;
}

/* The zone behind the time, if one is there: seconds east of Greenwich. */
static bool zone(struct cursor *c, int64_t *ret_seconds)
{
	struct cursor at = *c;
	*ret_seconds = 0;
	if (literal(c, 'Z'))
		return true;
	bool blank = literal(&at, ' ');
	if (at.p >= at.end)
		return false;
	if (*at.p == '+' || *at.p == '-') {
		/* behind a blank, "-7" is more likely a number than a zone */
		if ((blank && *at.p == '-' && !is_digit(&at, 4)) || !offset(&at, ret_seconds))
			return false;
	} else if (starts(&at, "UTC", 3) || starts(&at, "GMT", 3)) {
		at.p += 3;
	} else if (blank) {
		if (!named_zone(&at, ret_seconds))
			return false;
	} else if (*at.p != 'Z' && *at.p != 'z') {
		return false;
	} else {
		at.p++;
	}
	c->p = at.p;
	return true;
}

static unsigned month_of_name(struct cursor *c)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	if (c->end - c->p < 3)
		return 0;
	for (unsigned i = 0; i < 12; i++)
		if (memcmp(c->p, names + (size_t)i * 3, 3) == 0) {
			c->p += 3;
			return i + 1;
		}
	return 0;
}

static bool year_of(struct cursor *c, int64_t *ret_year)
{
	unsigned century, year;
	if (!two_digits(c, &century) || !two_digits(c, &year))
		return false;
	*ret_year = (int64_t)century * 100 + year;
	return true;
}

/* 2026-03-04, 2026/03/04 or 2026.03.04, then T, a blank, or Airflow's comma and blank. */
static bool numeric_date(struct cursor *c, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	if (!year_of(c, ret_year) || c->p >= c->end || (*c->p != '-' && *c->p != '/' && *c->p != '.'))
		return false;
	char separator = *c->p++;
	if (!two_digits(c, ret_month) || !literal(c, separator) || !two_digits(c, ret_day))
		return false;
	return literal(c, 'T') || literal(c, ' ') || literal(c, 't') || (literal(c, ',') && literal(c, ' '));
}

/* 04/Mar/2026: and with - or a blank in place of the slash. */
static bool common_log_date(struct cursor *c, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	if (!two_digits(c, ret_day) || c->p >= c->end || (*c->p != '/' && *c->p != '-' && *c->p != ' '))
		return false;
	char separator = *c->p++;
	*ret_month = month_of_name(c);
	return literal(c, separator) && year_of(c, ret_year) && (literal(c, ':') || literal(c, ' '));
}

/* 26/03/04, as Spark and Hadoop write it: the year first. */
static bool short_date(struct cursor *c, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	unsigned year;
	if (!two_digits(c, &year) || year < 13 || !literal(c, '/') || !two_digits(c, ret_month) || !literal(c, '/') || !two_digits(c, ret_day))
		return false;
	*ret_year = 2000 + (int64_t)year;
	return literal(c, ' ');
}

/* A date and what separates it from the time of day. */
static bool date(struct cursor *c, int64_t *ret_days)
{
	int64_t year;
	unsigned month, day;
	bool in_digits = is_digit(c, 2), in_twos = !in_digits && is_digit(c, 3) && is_digit(c, 6) && !is_digit(c, 8);
	if (!(in_digits ? numeric_date(c, &year, &month, &day) : in_twos ? short_date(c, &year, &month, &day) : common_log_date(c, &year, &month, &day)))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	*ret_days = clock_days(year, month, day);
	return true;
}

/* "Mar  4 " */
static bool month_and_day(struct cursor *c, unsigned *ret_month, unsigned *ret_day)
{
	*ret_month = month_of_name(c);
	if (!*ret_month || !literal(c, ' '))
		return false;
	if (!literal(c, ' ') && is_digit(c, 1))
		return two_digits(c, ret_day) && literal(c, ' ');
	if (!is_digit(c, 0))
		return false;
	*ret_day = (unsigned)(*c->p++ - '0');
	return literal(c, ' ');
}

bool timestamp_scan_month(struct slice text, struct timestamp *ret)
{
	struct cursor c = {.p = text.ptr, .end = text.ptr + text.len};
	int64_t seconds, ns, year = 2000, east;
	unsigned day, month;
	if (!month_and_day(&c, &month, &day) || day < 1 || day > 31)
		return false;
	bool yearless = !is_digit(&c, 2);
	if ((!yearless && !(year_of(&c, &year) && literal(&c, ' '))) || !time_of_day(&c, &seconds, &ns))
		return false;
	struct cursor behind = c;
	bool zoned = zone(&behind, &east) && literal(&behind, ':');
	*ret = (struct timestamp){.dated = true, .yearless = yearless, .zoned = zoned, .len = (size_t)((zoned ? behind.p - 1 : c.p) - text.ptr)};
	ret->ns = timestamp_of_parts(clock_days(year, month, day) * 86400 + seconds - (zoned ? east : 0), ns);
	return true;
}

int64_t timestamp_in_year(int64_t ns, int64_t year)
{
	int64_t day = 86400 * NS_PER_S, first = clock_days(2000, 1, 1), within = ns - first * day;
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	if (year < 1970 || year > 2200)
		return 0;
	if (!leap && within >= 60 * day)
		within -= day;
	return clock_days(year, 1, 1) * day + within;
}

int64_t timestamp_near(int64_t ns, int64_t now_ns)
{
	int64_t day = 86400 * NS_PER_S, year = 1970 + now_ns / day * 400 / 146097;
	for (year++; year > 1970 && timestamp_in_year(ns, year) > now_ns + day; year--)
		;
	return timestamp_in_year(ns, year);
}

/* Whether each byte of `word` less that of `zeros` is at most 9, or 0 where `zeros` has no digit. */
static inline bool fits_digits(uint64_t word, uint64_t zeros, uint64_t most)
{
	uint64_t rest = word ^ zeros;
	return !(((rest + most) | rest) & UINT64_C(0x8080808080808080));
}

/* As clock_days, for years from 1 to 9999. */
static inline int64_t usual_days(unsigned year, unsigned month, unsigned day)
{
	static const uint16_t since_march[] = {306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275};
	year -= month <= 2;
	unsigned century = year / 100;
	return (int64_t)(365 * year + year / 4 - century + century / 4 + since_march[month - 1] + day) - 719469;
}

/* "2026-03-04T09:15:02", eight bytes at a glance; what nearly every logger writes. */
static inline bool usual_time(struct cursor *c, int64_t *ret_seconds)
{
	const char *p = c->p;
	if (c->end - p < 19 || (p[10] != 'T' && p[10] != ' '))
		return false;
	/* "YYYY-MM-", "HH:MM:SS" as the words of a little-endian machine: 0x76 + 9 and 0x7F + 0 have no high bit */
	uint64_t date = load_u64(p), time = load_u64(p + 11);
	if (!fits_digits(date, UINT64_C(0x2D30302D30303030), UINT64_C(0x7F76767F76767676)) || !fits_digits(time, UINT64_C(0x30303A30303A3030), UINT64_C(0x76767F76767F7676)))
		return false;
	/* each byte ten times itself and the one behind it: no byte carries */
	date ^= UINT64_C(0x2D30302D30303030);
	time ^= UINT64_C(0x30303A30303A3030);
	date = date * 10 + (date >> 8);
	time = time * 10 + (time >> 8);
	unsigned tens = (unsigned)(p[8] - '0'), ones = (unsigned)(p[9] - '0'), year = (unsigned)(date & 0xFF) * 100 + (unsigned)(date >> 16 & 0xFF), month = date >> 40 & 0xFF, day = tens * 10 + ones;
	unsigned hour = time & 0xFF, minute = time >> 24 & 0xFF, second = time >> 48 & 0xFF;
	if (tens > 3 || ones > 9 || year == 0 || month - 1 > 11 || day - 1 > 30 || hour > 24 || minute > 59 || second > 60)
		return false;
	*ret_seconds = usual_days(year, month, day) * 86400 + (int64_t)(hour * 3600 + minute * 60 + second);
	c->p += 19;
	return true;
}

bool timestamp_scan(struct slice text, struct timestamp *ret)
{
	struct cursor c = {.p = text.ptr, .end = text.ptr + text.len};
	int64_t days = 0, seconds, ns, east = 0;
	if (!is_digit(&c, 0) || !is_digit(&c, 1))
		return false;
	bool dated = text.len > 2 && text.ptr[2] != ':';
	if (usual_time(&c, &seconds))
		ns = fraction(&c, text.ptr);
	else if ((dated && !date(&c, &days)) || !time_of_day(&c, &seconds, &ns))
		return false;
	bool zoned = dated && zone(&c, &east);
	if (is_digit(&c, 0))
		return false;
	*ret = (struct timestamp){.ns = timestamp_of_parts(days * 86400 + seconds - east, ns), .zoned = zoned, .dated = dated, .len = (size_t)(c.p - text.ptr)};
	return true;
}

int64_t timestamp_of_i64(int64_t number)
{
	static const struct {
		int64_t below;
		int64_t unit;
	} units[] = {{INT64_C(100000000000), NS_PER_S}, {INT64_C(100000000000000), NS_PER_MS}, {INT64_C(100000000000000000), NS_PER_US}};
	if (number <= 0)
		return 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (number < units[i].below) {
			int64_t ns;
			return __builtin_mul_overflow(number, units[i].unit, &ns) ? INT64_MAX : ns;
		}
	return number;
}

int64_t timestamp_of_double(double number)
{
	if (!(number > 0))
		return 0;
	if (number >= 1e17)
		return number < 9.2e18 ? (int64_t)number : INT64_MAX;
	int64_t unit = number < 1e11 ? NS_PER_S : number < 1e14 ? NS_PER_MS : NS_PER_US, whole = (int64_t)number;
	/* a double holds epoch seconds to a quarter of a microsecond: finer digits would be invented */
	int64_t step = unit == NS_PER_S ? NS_PER_US : unit / 1000;
	int64_t fraction_ns = (int64_t)((number - (double)whole) * (double)(unit / step) + 0.5) * step, ns;
	return __builtin_mul_overflow(whole, unit, &ns) || __builtin_add_overflow(ns, fraction_ns, &ns) ? INT64_MAX : ns;
}

/* The whole of "2026-03-04T09:15:02.481203117Z", which is what nearly every logger writes. */
static inline bool utc(struct slice text, struct timestamp *ret)
{
	struct cursor c = {.p = text.ptr, .end = text.ptr + text.len};
	int64_t seconds, ns = 0;
	if (text.len < 20 || text.len == 21 || text.len > 30 || c.end[-1] != 'Z' || !usual_time(&c, &seconds))
		return false;
	if (text.len > 20) {
		/* the last eight bytes before the Z; of fewer digits the ones before them shifted out */
		unsigned places = (unsigned)text.len - 21, others = places < 8 ? 64 - 8 * places : 0, first = places == 9 ? (unsigned)(c.p[1] - '0') : 0;
		uint64_t digits = (load_u64(c.end - 9) >> others << others) ^ UINT64_C(0x3030303030303030) << others;
		if (*c.p != '.' || first > 9 || ((digits + UINT64_C(0x7676767676767676)) | digits) & UINT64_C(0x8080808080808080))
			return false;
		ns = eight_of(digits) * (places == 9 ? 1 : nine_digits[places]) + first * INT64_C(100000000);
	}
	*ret = (struct timestamp){.ns = timestamp_of_parts(seconds, ns), .zoned = true, .dated = true, .len = text.len};
	return true;
}

/* Digits with a point among them, also with Java's "E9" behind it. */
static bool digits_only(struct slice text)
{
	size_t dots = 0, e = text.len > 4 ? slice_find(slice_sub(text, text.len - 3, 2), 'E', 0) : 2;
	if (e < 2 && (unsigned)(text.ptr[text.len - 1] - '0') <= 9)
		text.len -= 3 - e;
	for (size_t i = 0; i < text.len; i++) {
		dots += text.ptr[i] == '.';
		if ((unsigned)(text.ptr[i] - '0') > 9 && text.ptr[i] != '.')
			return false;
	}
	return text.len > 0 && dots <= 1;
}

/* Without blanks and brackets around it. */
static struct slice unwrapped(struct slice text)
{
	text = slice_trim(text);
	if (text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
		text = slice_sub(text, 1, text.len - 2);
	return text;
}

bool timestamp_parse(struct slice text, struct timestamp *ret)
{
	int64_t whole;
	double number;
	if (utc(text, ret))
		return true;
	if (timestamp_scan(text, ret) && ret->len == text.len)
		return true;
	struct slice bare = unwrapped(text);
	if (timestamp_scan(bare, ret))
		return ret->len == bare.len;
	text = bare;
	if (!digits_only(text))
		return false;
	*ret = (struct timestamp){.zoned = true, .dated = true, .len = text.len};
	size_t point = slice_find(text, '.', 0);
	if (slice_to_i64(text, &whole))
		ret->ns = timestamp_of_i64(whole);
	else if (point == 10 && slice_to_i64(slice_sub(text, 0, point), &whole)) /* seconds: every digit counts */
		ret->ns = timestamp_of_parts(whole, slow_fraction(&(struct cursor){.p = text.ptr + point, .end = text.ptr + text.len}));
	else if (slice_to_double(text, &number))
		ret->ns = timestamp_of_double(number);
	else
		return false;
	return true;
}

bool timestamp_parse_near(struct slice text, int64_t now_ns, struct timestamp *ret)
{
	/* fourteen digits, or seventeen, are a date: as a number of milliseconds they would be of the year 2286 or later */
	bool words_first = (text.len == 14 || text.len == 17) && text.ptr[0] == '2' && slice_find(text, '/', 0) == text.len;
	if (!words_first && timestamp_parse(text, ret))
		return true;
	if (!timestamp_parse_words(slice_trim(text), ret) || (ret->yearless && now_ns <= 0))
		return words_first && timestamp_parse(text, ret);
	if (ret->yearless)
		ret->ns = timestamp_near(ret->ns, now_ns);
	ret->yearless = false;
	return true;
}
