/* SPDX-License-Identifier: Apache-2.0 */
/* The record room's two functions for tests of rules alone; weak, so that the real ones win where they are linked. */
#ifndef WINNOW_TESTS_UNIT_PATTERN_FIELDS_H
#define WINNOW_TESTS_UNIT_PATTERN_FIELDS_H

#include "record/record.h"

__attribute__((weak)) bool record_field(const struct record *record, struct slice path, struct slice *ret_value)
{
	*ret_value = slice_eq(path, SLICE("service")) ? record->service : slice_eq(path, SLICE("logger")) ? record->logger : (struct slice){0};
	return ret_value->len > 0;
}

__attribute__((weak)) const char *severity_name(enum severity severity)
{
	static const char *const names[] = {"unknown", "trace", "debug", "info", "warn", "error", "fatal"};
	return names[severity];
}

#endif
