/* SPDX-License-Identifier: Apache-2.0 */
/* winnow's own log: one line on standard error, for people on a terminal and as JSON elsewhere. Only the app room and the worlds at the edges log;
 * repeated lines (same format string) are held back to one in 10 s with a count of what was held. Any thread. */
#ifndef WINNOW_BASE_LOG_H
#define WINNOW_BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level level);
/* component is a short literal ("journal", "sender"). */
void log_line(enum log_level level, const char *component, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
