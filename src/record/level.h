/* SPDX-License-Identifier: Apache-2.0 */
/* Every logger's levels onto six severities. */
#ifndef WINNOW_RECORD_LEVEL_H
#define WINNOW_RECORD_LEVEL_H

#include "record/record.h"

/* What a number in a level field means. LEVEL_PRI is a syslog priority, facility * 8 + severity; with LEVEL_WORDS a number is no level; LEVEL_AZURE counts from verbose, 0, to critical, 4. LEVEL_GUESS tells pino (10 to 60), logback (5000 to 40000), Google's (100 to 800) and syslog (0 to 7) apart by magnitude. */
enum level_scale { LEVEL_GUESS, LEVEL_SYSLOG, LEVEL_OTEL, LEVEL_PYTHON, LEVEL_PRI, LEVEL_WORDS, LEVEL_AZURE };

/* A level word in any case ("warn", "WARNING", "ERRO", "Information", "E", "Level(-2)", "INFO+2", "SEVERITY_NUMBER_WARN2") or a number as text. */
enum severity level_parse(struct slice text, enum level_scale scale);
/* A word of at least three letters that can only be a level: what a text line's header may hold. */
enum severity level_word(struct slice text);
enum severity level_of_number(int64_t number, enum level_scale scale);

#endif
