/* SPDX-License-Identifier: Apache-2.0 */
/* The grok names that come with winnow: names and meaning are the ones that users know, the definitions are ours, from the formats themselves.
 * Captures are named as in the Elastic Common Schema, with _ between the parts: source_ip, http_response_status_code. */
#ifndef WINNOW_PATTERN_GROK_H
#define WINNOW_PATTERN_GROK_H

#include "base/slice.h"

struct grok_name {
	const char *name, *regex;
};

extern const struct grok_name grok_base[], grok_web[], grok_system[], grok_network[], grok_monitor[];
extern const size_t grok_base_len, grok_web_len, grok_system_len, grok_network_len, grok_monitor_len;

/* The definition, or NULL. */
const char *grok_find(struct slice name);
/* All names in order, NULL behind them; to be freed, the array only. */
const char **grok_all(size_t *ret_len);

#endif
