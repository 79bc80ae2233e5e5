/* SPDX-License-Identifier: Apache-2.0 */
/* Lines whose whole layout is known from how they begin: syslog, access logs, Apache's error log, Redis, Ruby's logger. */
#ifndef WINNOW_RECORD_TEXT_LINE_H
#define WINNOW_RECORD_TEXT_LINE_H

#include "record/text_header.h"

/* False, and nothing changed, if the line is none of them. */
/* inside: it is what another line carried, and carries none itself. */
bool text_line_read(struct slice line, bool inside, struct text_header *ret);

/* text_header.c: of what another line carried. It carries nothing more itself: a long line cannot lead deeper and deeper. */
void text_header_read_inside(struct slice line, struct text_header *ret);

#endif
