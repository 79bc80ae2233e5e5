/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte picks the format, the rest is the payload; every record is judged, and so is what explain says of it. */
#include "decoding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct decoder *decoders[FORMAT_COUNT];
	if (size == 0)
		return 0;
	/* '{' and the other bytes that begin JSON pick "auto", so that plain files serve as seeds */
	enum format format = data[0] < FORMAT_COUNT ? (enum format)data[0] : FORMAT_AUTO;
	size_t skip = data[0] < FORMAT_COUNT;
	if (!decoders[format])
		decoders[format] = decoder_new(&(struct decoder_opts){.format = format, .notes = true});
	decoding_run(decoders[format], data + skip, size - skip, true);
	return 0;
}
