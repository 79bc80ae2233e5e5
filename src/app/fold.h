/* SPDX-License-Identifier: Apache-2.0 */
/* Which lines of a plain file belong to the record before them: stack traces as Java, .NET, JavaScript, Python and Go print them. */
#ifndef WINNOW_APP_FOLD_H
#define WINNOW_APP_FOLD_H

#include "base/slice.h"

struct fold {
	bool open;      /* there is a record that lines may belong to */
	bool panic;     /* a Go program's last words: a blank line may follow */
	bool traceback; /* Python's: indented lines, then the exception */
	bool goroutine; /* Go's: up to a blank line */
};

/* Whether the line goes on with the record before it; to be asked of every line in turn. */
bool fold_continues(struct fold *f, struct slice line);

#endif
