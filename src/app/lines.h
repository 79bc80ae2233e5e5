/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a log file, plain or gzip-compressed, for the commands that read one. */
#ifndef WINNOW_APP_LINES_H
#define WINNOW_APP_LINES_H

#include "base/err.h"

/* A line without its end (LF or CR LF); the view lasts for the call. */
typedef void line_fn(void *arg, struct slice line);

/* Calls fn for every line of the file; path "-" is standard input. A line past 8 MiB is cut. ERR_INPUT: the file cannot be read. */
int lines_read(const char *path, line_fn *fn, void *arg, struct err *err);

#endif
