/* SPDX-License-Identifier: Apache-2.0 */
/* A body of 2.0 that can be read becomes portable and comes back, and from then on each way gives the same bytes; whatever cannot be read is said to be none. */
#include "metric/write2.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(struct slice body)
{
	struct write2 *w = write2_new();
	struct buf portable = {0}, back = {0}, again = {0}, twice = {0}, plain = {0}, plainer = {0};
	if (write2_to_portable(body, &portable) == 0 && write2_of_portable(buf_slice(&portable), w, &back) == 0) {
		assert(write2_to_portable(buf_slice(&back), &again) == 0);
		assert(write2_of_portable(buf_slice(&again), w, &twice) == 0);
		assert(slice_eq(buf_slice(&twice), buf_slice(&back)));
		if (write2_strip(buf_slice(&again), &plain) == 0) /* a sample is first read here */
			assert(write2_strip(buf_slice(&plain), &plainer) == 0 && slice_eq(buf_slice(&plain), buf_slice(&plainer)));
	}
	buf_done(&portable);
	buf_done(&back);
	buf_done(&again);
	buf_done(&twice);
	buf_done(&plain);
	buf_done(&plainer);
	write2_free(w);
}

/* The first byte says which way the rest is read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = {0};
	if (size == 0)
		return 0;
	struct slice body = slice_of((const char *)data + 1, size - 1);
	if (data[0] & 1) {
		round_trip(body);
		return 0;
	}
	struct write2 *w = write2_new();
	if (write2_of_portable(body, w, &out) == 0)
		round_trip(buf_slice(&out));
	write2_free(w);
	buf_reset(&out);
	(void)write2_strip(body, &out);
	buf_done(&out);
	return 0;
}
