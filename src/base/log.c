/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { REMEMBERED = 64 };

static struct {
	const char *format;
	int64_t last_ns;
	unsigned held;
} seen[REMEMBERED];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum log_level least = LOG_INFO;

void log_set_level(enum log_level level)
{
	__atomic_store_n(&least, level, __ATOMIC_RELAXED);
}

/* Whether a line of this format may go out now; *ret_held is how many were held back before it. */
static bool admit(const char *format, unsigned *ret_held)
{
	int64_t now = clock_mono_ns();
	size_t at = ((uintptr_t)format >> 4) % REMEMBERED;
	bool same, go;
	pthread_mutex_lock(&lock);
	same = seen[at].format == format;
	go = !same || now - seen[at].last_ns >= 10 * NS_PER_S;
	*ret_held = same && go ? seen[at].held : 0;
	if (go) {
		seen[at].format = format;
		seen[at].last_ns = now;
		seen[at].held = 0;
	} else {
		seen[at].held++;
	}
	pthread_mutex_unlock(&lock);
	return go;
}

static void add_head(struct buf *line, bool terminal, enum log_level level, const char *component)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	static const char *const colours[] = {"\033[2m", "", "\033[33m", "\033[31m"};
	if (terminal) {
		buf_printf(line, "%swinnow: %s: ", colours[level], component);
		return;
	}
	buf_add_str(line, "{\"time\":\"");
	clock_format(line, clock_wall_ns());
	buf_printf(line, "\",\"level\":\"%s\",\"component\":\"%s\",\"msg\":\"", names[level], component);
}

void log_line(enum log_level level, const char *component, const char *format, ...)
{
	unsigned held = 0;
	if (level < __atomic_load_n(&least, __ATOMIC_RELAXED) || (level >= LOG_WARN && !admit(format, &held)))
		return;
	bool terminal = isatty(2);
	struct buf line = {0};
	char text[2048];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	add_head(&line, terminal, level, component);
	if (terminal)
		buf_add_str(&line, text);
	else
		buf_add_json(&line, slice_str(text));
	if (held)
		buf_printf(&line, terminal ? " (and %u more like it)" : "\",\"held\":%u", held);
	buf_add_str(&line, terminal ? "\033[0m\n" : held ? "}\n" : "\"}\n");
	if (write(2, line.data, line.len) < 0)
		(void)line;
	buf_done(&line);
}
