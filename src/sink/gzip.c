/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/gzip.h"

#include <stdlib.h>
#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16, MEMORY_LEVEL = 8 }; /* 16: with gzip's header */

void gzip_pack(struct slice text, struct buf *out)
{
	z_stream z = {.next_in = (unsigned char *)(uintptr_t)text.ptr, .avail_in = (unsigned)text.len};
	if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	size_t most = deflateBound(&z, (uLong)text.len);
	z.next_out = (unsigned char *)buf_reserve(out, most);
	z.avail_out = (unsigned)most;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort(); /* the bound is one */
	out->len += most - z.avail_out;
	deflateEnd(&z);
}
