/* SPDX-License-Identifier: Apache-2.0 */
#include "record/gzip.h"

#include <stdlib.h>
#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16, PIECE = 64 * 1024 };

/* The members one behind the other; Z_STREAM_END if the last one ended. */
static int inflate_all(z_stream *z, struct buf *out)
{
	int rc = Z_OK;
	while (rc == Z_OK && out->len <= DECODER_LARGEST) {
		z->next_out = (unsigned char *)buf_reserve(out, PIECE);
		z->avail_out = PIECE;
		rc = inflate(z, Z_NO_FLUSH);
		out->len += PIECE - z->avail_out;
		if (rc == Z_STREAM_END && z->avail_in > 2)
			rc = inflateReset(z);
		else if (rc == Z_OK && z->avail_in == 0 && z->avail_out > 0)
			rc = Z_BUF_ERROR;
	}
	return rc;
}

enum undecodable gzip_unpack(struct slice packed, struct buf *out)
{
	z_stream z = {.next_in = (unsigned char *)(uintptr_t)packed.ptr, .avail_in = (unsigned)packed.len};
	buf_reset(out);
	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		abort();
	int rc = inflate_all(&z, out);
	inflateEnd(&z);
	if (out->len > DECODER_LARGEST)
		return UNDECODABLE_TOO_LARGE;
	return rc == Z_STREAM_END ? UNDECODABLE_NONE : UNDECODABLE_GZIP;
}

