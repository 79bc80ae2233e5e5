/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

int err_set(struct err *e, int code, const char *format, ...)
{
	if (!e)
		return code;
	va_list args;
	va_start(args, format);
	e->code = code;
	vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	return code;
}

int err_wrap(struct err *e, const char *format, ...)
{
	if (!e)
		return ERR_IO;
	char inner[sizeof(e->text)], prefix[sizeof(e->text)];
	memcpy(inner, e->text, sizeof(inner));
	va_list args;
	va_start(args, format);
	vsnprintf(prefix, sizeof(prefix), format, args);
	va_end(args);
	if (snprintf(e->text, sizeof(e->text), "%.500s: %s", prefix, inner) < 0)
		e->text[0] = 0;
	return e->code;
}

enum { WORD_MAX = 48 };

/* Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours cost 1 each. */
static size_t distance(struct slice a, struct slice b)
{
	size_t rows[3][WORD_MAX + 1];
	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *now = rows[i % 3], *before = rows[(i - 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t best = before[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);
			if (before[j] + 1 < best)
				best = before[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1] && rows[(i - 2) % 3][j - 2] + 1 < best)
				best = rows[(i - 2) % 3][j - 2] + 1;
			now[j] = best;
		}
	}
	return rows[a.len % 3][b.len];
}

const char *err_nearest(struct slice word, const char *const *names)
{
	const char *best = NULL;
	size_t least = word.len / 3 + 2;
	if (word.len == 0 || word.len > WORD_MAX)
		return NULL;
	for (; *names; names++) {
		struct slice name = slice_str(*names);
		if (name.len > WORD_MAX)
			continue;
		size_t d = distance(word, name);
		if (d < least) {
			least = d;
			best = *names;
		}
	}
	return best;
}
