/* SPDX-License-Identifier: Apache-2.0 */
#include "base/failpoint.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[FAIL_COUNT] = {
	[FAIL_DELTA_BEFORE_APPEND] = "delta.before-append",
	[FAIL_DELTA_AFTER_APPEND] = "delta.after-append",
	[FAIL_DELTA_BEFORE_POST] = "delta.before-post",
	[FAIL_DELTA_AFTER_POST] = "delta.after-post",
	[FAIL_COMMIT_BEFORE] = "commit.before",
	[FAIL_COMMIT_AFTER] = "commit.after",
	[FAIL_REVOKE_BEFORE_APPEND] = "revoke.before-append",
	[FAIL_REVOKE_AFTER_APPEND] = "revoke.after-append",
	[FAIL_REWIND_BEFORE_READ] = "rewind.before-read",
	[FAIL_REWIND_BEFORE_SEEK] = "rewind.before-seek",
	[FAIL_LEAD_BEFORE_SEND] = "lead.before-send",
	[FAIL_STEP_BEFORE_SEND] = "step.before-send",
	[FAIL_REQUEST_BEFORE_SEND] = "request.before-send",
	[FAIL_REQUEST_AFTER_SEND] = "request.after-send",
	[FAIL_ANCHORS_AFTER_SEND] = "anchors.after-send",
	[FAIL_ANCHORS_AFTER_NOTE] = "anchors.after-note",
	[FAIL_MARK_BEFORE_APPEND] = "mark.before-append",
	[FAIL_MARK_AFTER_APPEND] = "mark.after-append",
	[FAIL_JOURNAL_HALF_RECORD] = "journal.half-record",
	[FAIL_SNAPSHOT_BEFORE] = "snapshot.before",
	[FAIL_SNAPSHOT_HALF] = "snapshot.half",
	[FAIL_SNAPSHOT_BEFORE_CLOSE] = "snapshot.before-close",
	[FAIL_SNAPSHOT_BEFORE_CLEANUP] = "snapshot.before-cleanup",
	[FAIL_ASSIGN_BEFORE_PART] = "assign.before-part",
};

struct action {
	unsigned long at;   /* 0: none */
	long delay_ms;      /* -1: crash */
	atomic_ulong hits;
};

static struct action actions[FAIL_COUNT];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void refuse(const char *text)
{
	fprintf(stderr, "WINNOW_FAIL: cannot read \"%s\"\n", text);
	_exit(2);
}

static void parse_one(const char *text)
{
	char name[64], verb[32];
	unsigned long at = 1;
	long delay = -1;
	if (sscanf(text, "%63[^:]:%31[^@]@%lu", name, verb, &at) < 2 || at == 0)
		refuse(text);
	if (strcmp(verb, "crash") != 0 && (sscanf(verb, "delay=%ld", &delay) != 1 || delay < 0))
		refuse(text);
	for (int i = 0; i < FAIL_COUNT; i++)
		if (strcmp(names[i], name) == 0) {
			actions[i].at = at;
			actions[i].delay_ms = delay;
			return;
		}
	refuse(text);
}

static void read_environment(void)
{
	const char *text = getenv("WINNOW_FAIL");
	char copy[512], *rest = copy;
	if (!text || snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return;
	for (char *one; (one = strsep(&rest, ",")) != NULL;)
		parse_one(one);
}

void failpoint_hit(enum failpoint point)
{
	struct action *a = &actions[point];
	pthread_once(&once, read_environment);
	if (a->at == 0)
		return;
	unsigned long hit = atomic_fetch_add(&a->hits, 1) + 1;
	if (hit < a->at)
		return;
	if (a->delay_ms >= 0) {
		clock_sleep_ns(a->delay_ms * NS_PER_MS);
		return;
	}
	static const char said[] = "failpoint: crash\n";
	if (write(STDERR_FILENO, said, sizeof(said) - 1) < 0)
		abort();
	_exit(77); /* as a kill -9 would: no destructor, no flush; the status tells it from other ends */
}

void failpoint_print(void)
{
	for (int i = 0; i < FAIL_COUNT; i++)
		printf("%s\n", names[i]);
}
