/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records per service, counted while producing: the truth that checks compare with. It looks for the few places where the shapes it is
 * used with name their service, and knows nothing of winnow.
 */
#ifndef WINNOW_TESTS_TOOLS_TALLY_H
#define WINNOW_TESTS_TOOLS_TALLY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TALLY_SERVICES = 256, TALLY_NAME = 128 };

struct tally {
	struct {
		char name[TALLY_NAME];
		uint64_t count;
	} services[TALLY_SERVICES];
	size_t used;
	uint64_t messages, records, bytes;
};

/* Counts one message: its spans if it holds any, else one log record. */
void tally_message(struct tally *t, const char *line, size_t len);
/* {"messages": n, "records": n, "bytes": n, "services": {"name": n, ...}} and a newline. */
void tally_print(const struct tally *t, FILE *out);

#endif
