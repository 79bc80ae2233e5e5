/* SPDX-License-Identifier: Apache-2.0 */
#include "decoding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return decoding_target(FORMAT_OTLP_PROTO, data, size);
}
