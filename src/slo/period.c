/* SPDX-License-Identifier: Apache-2.0 */
#include "slo/period.h"

static const struct unit {
	struct slice name;
	int64_t ns;
} units[] = {
	{SLICE("Y"), 365 * PERIOD_DAY},
	{SLICE("Q"), 90 * PERIOD_DAY},
	{SLICE("M"), 30 * PERIOD_DAY},
	{SLICE("w"), 7 * PERIOD_DAY},
	{SLICE("d"), PERIOD_DAY},
	{SLICE("h"), PERIOD_HOUR},
	{SLICE("ms"), 1000000}, /* before m, which is its beginning */
	{SLICE("us"), 1000},
	{SLICE("m"), PERIOD_MINUTE},
	{SLICE("s"), PERIOD_SECOND},
};
enum { UNITS = sizeof(units) / sizeof(*units) };
static const int64_t longest = 3650 * PERIOD_DAY;

static const struct unit *unit_at(struct slice text)
{
	for (size_t i = 0; i < UNITS; i++)
		if (slice_starts(text, units[i].name))
			return &units[i];
	return NULL;
}

bool period_parse(struct slice text, int64_t *ret_ns)
{
	int64_t sum = 0;
	if (text.len == 0)
		return false;
	while (text.len) {
		size_t digits = 0;
		uint64_t n;
		while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
			digits++;
		if (digits == 0 || digits > 9 || !slice_to_u64(slice_sub(text, 0, digits), &n))
			return false;
		text = slice_sub(text, digits, text.len);
		const struct unit *unit = unit_at(text);
		if (!unit || (int64_t)n > (longest - sum) / unit->ns)
			return false;
		sum += (int64_t)n * unit->ns;
		text = slice_sub(text, unit->name.len, text.len);
	}
	if (sum <= 0)
		return false;
	*ret_ns = sum;
	return true;
}

static void print_unit(struct buf *out, int64_t *ns, int64_t unit, const char *name)
{
	if (*ns >= unit) {
		buf_add_i64(out, *ns / unit);
		buf_add_str(out, name);
		*ns %= unit;
	}
}

void period_print(struct buf *out, int64_t ns)
{
	print_unit(out, &ns, PERIOD_DAY, "d");
	print_unit(out, &ns, PERIOD_HOUR, "h");
	print_unit(out, &ns, PERIOD_MINUTE, "m");
	print_unit(out, &ns, PERIOD_SECOND, "s");
	print_unit(out, &ns, 1000000, "ms");
}
