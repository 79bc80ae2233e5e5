/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a file or of standard input as messages; the offset of a line is the position of its first byte. */
#ifndef WINNOW_SOURCE_FILE_H
#define WINNOW_SOURCE_FILE_H

#include "source/source.h"

/* path "-": standard input (its offsets start at 0 each run, under a topic of its own, so nothing is skipped). follow: wait for more at the end and
 * reopen the path when another file has taken its place (rotation). A last line without newline is read when the file is not followed. */
int file_source_open(const char *path, bool follow, struct source_reader **ret, struct err *err);

#endif
