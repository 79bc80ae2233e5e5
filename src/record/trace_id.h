/* SPDX-License-Identifier: Apache-2.0 */
/* Trace and span ids from every notation to lower-case hex. */
#ifndef WINNOW_RECORD_TRACE_ID_H
#define WINNOW_RECORD_TRACE_ID_H

#include "base/arena.h"

/* text as 32 hex digits (16 where the source has 64 bits): hex in any case, with dashes (UUID), X-Ray "1-a-b", "projects/p/traces/..", base64 of 16 or 8
 * bytes, decimal of at most 64 bits. A W3C traceparent and B3's single header also yield the span id, if *ret_span is empty. Empty if text is none of them, or a filler (all
 * zeros, "0", "null"). Text that is right already is not copied; else the digits live in a. */
struct slice trace_id_of(struct slice text, struct arena *a, struct slice *ret_span);
/* text as 16 hex digits. */
struct slice span_id_of(struct slice text, struct arena *a);
/* The ids as they stand in binary encodings, 16 or 8 bytes (a span's 8), as digits in a; empty for any other length and for all zeros. */
struct slice trace_id_of_bytes(struct slice bytes, struct arena *a);
struct slice span_id_of_bytes(struct slice bytes, struct arena *a);
/* Whether these 16 bytes are lower-case hex digits; *ret_zero says whether all are '0'. */
bool trace_id_is_hex(const char *sixteen, bool *ret_zero);

#endif
