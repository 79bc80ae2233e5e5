/* SPDX-License-Identifier: Apache-2.0 */
#include "../unit/record/slow_header.h"

#include "decoding.h"
#include "record/time_memo.h"

/* A header read at a glance, and with times remembered from the inputs before, says what one says that is read with care. */
static void compare_headers(struct slice line)
{
	static struct time_memos times;
	struct text_header quick, slow;
	text_header_read(line, &times, &quick);
	slow_header_read(line, NULL, &slow);
	if (!slow_same(&quick, &slow))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	if (size)
		memcpy(copy, data, size);
	compare_headers(slice_of(copy, size));
	free(copy);
	return decoding_target(FORMAT_TEXT, data, size);
}
