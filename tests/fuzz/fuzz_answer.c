/* SPDX-License-Identifier: Apache-2.0 */
/* What a receiver, or a token endpoint, answers: whatever it is, numbers stay in their range, a line is one clean line, and a token can be put into a header. */
#include "sink/answer.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Header lines, one after the other, as they come: at the end each number is unknown or one of a line. */
static void take_head(struct slice text)
{
	int64_t written[ANSWER_WRITTEN] = {-1, -1, -1};
	for (size_t at = 0; at < text.len;) {
		size_t end = slice_find(text, '\n', at);
		struct slice line = slice_sub(text, at, end);
		answer_take_header(line, written);
		for (size_t i = 0; i < ANSWER_WRITTEN; i++)
			assert(written[i] >= -1 && written[i] <= INT64_C(999999999999999999));
		if (slice_starts(line, SLICE("HTTP/")))
			for (size_t i = 0; i < ANSWER_WRITTEN; i++)
				assert(written[i] == -1);
		at = end + 1;
	}
}

static void take_line(struct slice text, size_t size)
{
	char *out = malloc(size); /* of just that size: a byte behind it is seen */
	if (!out)
		abort();
	answer_line(text, out, size);
	size_t len = strnlen(out, size);
	assert(len < size && slice_is_utf8(slice_of(out, len)));
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)out[i];
		assert(c >= ' ' && c != 0x7F && (c != ' ' || (i > 0 && i + 1 < size && out[i - 1] != ' ')));
	}
	free(out);
}

static void take_token(struct slice text)
{
	char *token = NULL;
	int64_t seconds = 0;
	if (!answer_token(text, &token, &seconds)) {
		assert(!token);
		return;
	}
	assert(token && token[0] && seconds >= 1 && seconds <= 86400);
	for (const char *c = token; *c; c++)
		assert(*c > ' ' && *c < 0x7F);
	free(token);
}

/* The first byte says what it is: a head, a body to be shown in so many bytes, or a token. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct slice rest = slice_of((const char *)data + 1, size - 1);
	switch (data[0] % 3) {
	case 0:
		take_head(rest);
		break;
	case 1:
		take_line(rest, 1 + data[0]);
		break;
	default:
		take_token(rest);
	}
	return 0;
}
