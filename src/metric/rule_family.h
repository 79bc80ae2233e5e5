/* SPDX-License-Identifier: Apache-2.0 */
/* Families that rules define, beside those of family.c: a name, a help and, for histograms, the upper bounds of its buckets. */
#ifndef WINNOW_METRIC_RULE_FAMILY_H
#define WINNOW_METRIC_RULE_FAMILY_H

#include "metric/family.h"

enum { RULE_FAMILY_NAME_MAX = 128, RULE_FAMILY_HELP_MAX = 512 };

/* The number of this definition, past FAMILY_COUNT, for family_get(); copied. The same definition always gets the same number, but only in this process:
 * what is written down is the definition. FAMILY_COUNT: there are too many. Any thread. */
enum family_id rule_family_intern(const struct family *family);
/* Why this is no definition, or NULL. */
const char *rule_family_fault(const struct family *family);
static inline bool family_is_of_rule(enum family_id id)
{
	return (unsigned)id > FAMILY_COUNT;
}
/* family_get() for these; and the hash of the name, which tells series apart whatever the bounds are. */
const struct family *rule_family_get(enum family_id id);
uint64_t rule_family_key(enum family_id id);

#endif
