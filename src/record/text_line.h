/* SPDX-License-Identifier: Apache-2.0 */
/* Lines whose whole layout is known from how they begin: syslog, access logs, Apache's error log, Redis, Ruby's logger. */
#ifndef WINNOW_RECORD_TEXT_LINE_H
#define WINNOW_RECORD_TEXT_LINE_H

#include "record/text_header.h"

/* False, and nothing changed, if the line is none of them. */
bool text_line_read(struct slice line, struct text_header *ret);

#endif
