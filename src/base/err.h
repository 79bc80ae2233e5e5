/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of cold paths: a code and a sentence, wrapped outwards ("rules: patterns/nginx.yaml:14: unknown field ..."). Hot paths return codes only and count. */
#ifndef WINNOW_BASE_ERR_H
#define WINNOW_BASE_ERR_H

#include "base/slice.h"

enum err_code {
	ERR_OK = 0,
	ERR_INPUT = -1,       /* what the user gave is wrong; exit status 1 */
	ERR_USAGE = -2,       /* wrong command line; exit status 2 */
	ERR_UNREACHABLE = -3, /* a peer is not there; exit status 3 */
	ERR_IO = -4,          /* the system refused: disk full, permission */
	ERR_CORRUPT = -5,     /* stored bytes are not what was written */
	ERR_LIMIT = -6,       /* past a stated bound */
	ERR_AGAIN = -7,       /* nothing now; try later */
};

struct err {
	int code;
	char text[1024];
};

/* Fills e (which may be NULL) and returns code. */
int err_set(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Puts "prefix: " in front of the text and returns e's code. */
int err_wrap(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The name in names (NULL-terminated) nearest to word by edit distance, or NULL if none is near: for "did you mean". */
const char *err_nearest(struct slice word, const char *const *names);

#endif
