/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads that were packed with gzip. */
#ifndef WINNOW_RECORD_GZIP_H
#define WINNOW_RECORD_GZIP_H

#include "record/decoder.h"

/* Unpacks all members into *out; UNDECODABLE_NONE, _GZIP (broken), or _TOO_LARGE. */
enum undecodable gzip_unpack(struct slice packed, struct buf *out);

#endif
