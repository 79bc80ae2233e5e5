/* SPDX-License-Identifier: Apache-2.0 */
/* Every field that is read lies within the input, and written again reads as itself. */
#include "base/wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEPTH_MAX = 16 };

static void check_again(const struct wire_field *f)
{
	struct buf b = {0};
	struct wire_field again;
	if (f->type == WIRE_VARINT)
		wire_add_u64(&b, f->number, f->value);
	else if (f->type == WIRE_FIXED64)
		wire_add_fixed64(&b, f->number, f->value);
	else if (f->type == WIRE_BYTES)
		wire_add_bytes(&b, f->number, f->bytes);
	struct wire w = wire_of(buf_slice(&b));
	if (b.len && (wire_next(&w, &again) != 1 || again.number != f->number || again.type != f->type || !slice_eq(again.bytes, f->bytes) || (f->type != WIRE_BYTES && again.value != f->value) || wire_next(&w, &again) != 0))
		abort();
	buf_done(&b);
}

static void walk(struct slice s, unsigned depth)
{
	struct wire w = wire_of(s);
	struct wire_field f;
	int rc;
	while ((rc = wire_next(&w, &f)) == 1) {
		if (f.number == 0)
			abort();
		check_again(&f);
		if (f.type != WIRE_BYTES)
			continue;
		if (f.bytes.len && (f.bytes.ptr < s.ptr || f.bytes.ptr + f.bytes.len > s.ptr + s.len))
			abort();
		if (depth < DEPTH_MAX)
			walk(f.bytes, depth + 1);
	}
	if (rc == 0 && w.next != w.end)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	walk(slice_of((const char *)data, size), 0);
	return 0;
}
