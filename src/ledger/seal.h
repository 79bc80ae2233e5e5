/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope of every journal record and snapshot: kind, format version, a head in the clear, a body under zstd, a checksum over all of it. */
#ifndef WINNOW_LEDGER_SEAL_H
#define WINNOW_LEDGER_SEAL_H

#include "base/buf.h"
#include "base/err.h"

/* "wn", kind, version | head length (u32) | head | raw body length (u32) | packed body length (u32) | packed body | CRC-32 of all before (u32).
 * Numbers are little-endian. An empty body takes no packed bytes. Version 1, which is still read, has the body under zlib. */
enum { SEAL_VERSION = 2, SEAL_SNAPSHOT = 's', SEAL_BODY_MAX = 256 << 20 };
#define SEAL_SNAPSHOT_MAX UINT32_C(2147483648)

void seal_close(struct buf *out, char kind, struct slice head, struct slice body);
/* Of the seal at the beginning of these bytes, going by its lengths alone: how long it is (0: it is none, or not all there), and its head. */
size_t seal_len(struct slice bytes);
struct slice seal_head(struct slice bytes);
/* Views: *ret_head into record, *ret_body into scratch (reset first). ERR_CORRUPT for anything but what seal_close wrote, unknown versions included. */
int seal_open(struct slice record, struct buf *scratch, char *ret_kind, struct slice *ret_head, struct slice *ret_body);

#endif
