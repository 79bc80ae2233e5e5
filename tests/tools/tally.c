/* SPDX-License-Identifier: Apache-2.0 */
#include "tally.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void count(struct tally *t, const char *name, size_t len, uint64_t n)
{
	size_t i = 0;

	if (len >= TALLY_NAME)
		len = TALLY_NAME - 1;
	while (i < t->used && (strlen(t->services[i].name) != len || memcmp(t->services[i].name, name, len)))
		i++;
	if (i == TALLY_SERVICES) {
		fprintf(stderr, "produce: more than %d services\n", TALLY_SERVICES);
		exit(1);
	}
	if (i == t->used) {
		memcpy(t->services[i].name, name, len);
		t->services[t->used++].name[len] = '\0';
	}
	t->services[i].count += n;
	t->records += n;
}

/* The string value after `key` from `from` on: its start, its length; NULL if there is none. */
static const char *value_after(const char *from, const char *end, const char *key, size_t *ret_len)
{
	const char *p = from < end ? memmem(from, (size_t)(end - from), key, strlen(key)) : NULL;

	if (!p)
		return NULL;
	p += strlen(key);
	while (p < end && (*p == ' ' || *p == ':'))
		p++;
	const char *close = p < end && *p == '"' ? memchr(p + 1, '"', (size_t)(end - p - 1)) : NULL;
	if (!close)
		return NULL;
	*ret_len = (size_t)(close - p - 1);
	return p + 1;
}

/* Spans between two places, by their ids ("parentSpanId" does not match). */
static uint64_t spans_between(const char *from, const char *end)
{
	static const char key[] = "\"spanId\"";
	uint64_t n = 0;

	while ((from = memmem(from, (size_t)(end - from), key, sizeof(key) - 1)))
		n++, from += sizeof(key) - 1;
	return n;
}

static void tally_spans(struct tally *t, const char *line, const char *end)
{
	static const char key[] = "\"service.name\"";
	const char *at = memmem(line, (size_t)(end - line), key, sizeof(key) - 1);

	while (at) {
		const char *next = memmem(at + 1, (size_t)(end - at - 1), key, sizeof(key) - 1);
		size_t len;
		const char *name = value_after(at, end, "\"stringValue\"", &len);
		if (name)
			count(t, name, len, spans_between(at, next ? next : end));
		at = next;
	}
}

void tally_message(struct tally *t, const char *line, size_t len)
{
	static const char *const keys[] = {"\"app\"", "\"service\"", "\"service.name\"", "\"service_name\"", "\"Application\"", "\"name\""};
	const char *end = line + len, *name = NULL;
	size_t name_len = 0;

	t->messages++;
	t->bytes += len;
	if (memmem(line, len, "\"resourceSpans\"", 15)) {
		tally_spans(t, line, end);
		return;
	}
	for (size_t i = 0; !name && i < sizeof(keys) / sizeof(*keys); i++)
		name = value_after(line, end, keys[i], &name_len);
	count(t, name ? name : "", name_len, 1);
}

void tally_print(const struct tally *t, FILE *out)
{
	fprintf(out, "{\"messages\": %" PRIu64 ", \"records\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"services\": {", t->messages, t->records, t->bytes);
	for (size_t i = 0; i < t->used; i++)
		fprintf(out, "%s\"%s\": %" PRIu64, i ? ", " : "", t->services[i].name, t->services[i].count);
	fprintf(out, "}}\n");
}
