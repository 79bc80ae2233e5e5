/* SPDX-License-Identifier: Apache-2.0 */
/* What servers answer, read: nothing in it is trusted. No I/O. */
#ifndef WINNOW_SINK_ANSWER_H
#define WINNOW_SINK_ANSWER_H

#include "base/buf.h"

enum { ANSWER_WRITTEN = 3 }; /* samples, histograms, exemplars */

/* A line of the answer's head: X-Prometheus-Remote-Write-*-Written sets its place of written, a status line sets all to -1 (what an interim answer said does not count).
 * Anything but a whole number is no word at all. */
void answer_take_header(struct slice line, int64_t written[ANSWER_WRITTEN]);
/* Text as one clean line of size - 1 bytes at most: valid UTF-8, white space and controls as single blanks. */
void answer_line(struct slice text, char *out, size_t size);
/* A token endpoint's JSON (RFC 6749, 5.1): false if there is no access_token that a header can hold. *ret_token is the caller's to free; *ret_seconds: its life, 300 if it does not say. */
bool answer_token(struct slice json, char **ret_token, int64_t *ret_seconds);

#endif
