/* SPDX-License-Identifier: Apache-2.0 */
#include "record/record.h"

const char *severity_name(enum severity severity)
{
	static const char *const names[SEVERITY_COUNT] = {"unknown", "trace", "debug", "info", "warn", "error", "fatal"};
	return (unsigned)severity < SEVERITY_COUNT ? names[severity] : names[SEVERITY_UNKNOWN];
}
