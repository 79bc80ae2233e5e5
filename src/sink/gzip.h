/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies packed with gzip. */
#ifndef WINNOW_SINK_GZIP_H
#define WINNOW_SINK_GZIP_H

#include "base/buf.h"

/* Appends text as one member, packed for speed. */
void gzip_pack(struct slice text, struct buf *out);

#endif
