/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads that their shipper packed as a whole: gzip, zstd, snappy in either of its stream formats. Told by their first bytes, none of which begins anything else that is read. */
#ifndef WINNOW_RECORD_PACKED_H
#define WINNOW_RECORD_PACKED_H

#include "record/decoder.h"

struct ZSTD_DCtx_s;

/* What unpacking keeps from payload to payload. Zero-initialise. One thread. */
struct packed {
	struct buf plain; /* the last payload, unpacked */
	struct ZSTD_DCtx_s *zstd;
};

void packed_done(struct packed *p);
/* Its name ("gzip", ..) if the payload is packed, else NULL. */
const char *packed_kind(struct slice payload);
/* Unpacks all of it into p->plain; UNDECODABLE_NONE, _GZIP, _ZSTD or _SNAPPY (broken), or _TOO_LARGE: no more than DECODER_LARGEST is unpacked. */
enum undecodable packed_open(struct packed *p, struct slice payload);

#endif
