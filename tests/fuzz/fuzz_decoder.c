/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte picks the format, the rest is the payload. */
#include "record/decoder.h"

#include <stdlib.h>

static const int64_t NOW_NS = INT64_C(1772618400000000000);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct record *r)
{
	static const char *const paths[] = {"kubernetes.labels.app", "a.b.c", "order.id", "elapsed"};
	struct slice value;
	if ((r->message.len && !slice_is_utf8(r->message)) || (r->service.len && !slice_is_utf8(r->service)) || (r->trace_id.len != 0 && r->trace_id.len != 16 && r->trace_id.len != 32))
		abort();
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (record_field(r, slice_str(paths[i]), &value) && !slice_is_utf8(value))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct decoder *decoders[FORMAT_COUNT];
	struct decoded out;
	if (size == 0)
		return 0;
	/* '{' and the other bytes that begin JSON pick "auto", so that plain files serve as seeds */
	enum format format = data[0] < FORMAT_COUNT ? (enum format)data[0] : FORMAT_AUTO;
	size_t skip = data[0] < FORMAT_COUNT;
	if (!decoders[format])
		decoders[format] = decoder_new(&(struct decoder_opts){.format = format, .notes = true});
	decoder_decode(decoders[format], slice_of((const char *)data + skip, size - skip), NOW_NS, &out);
	if ((out.undecodable > 0) != (out.reason != UNDECODABLE_NONE))
		abort();
	for (size_t i = 0; i < out.len; i++)
		look(&out.records[i]);
	return 0;
}
