/* SPDX-License-Identifier: Apache-2.0 */
/* Fills a message template (messagetemplates.org) from the record's own fields: what a logger leaves to its reader. */
#ifndef WINNOW_RECORD_MESSAGE_TEMPLATE_H
#define WINNOW_RECORD_MESSAGE_TEMPLATE_H

#include "record/json.h"

/* Appends template with every {Name}, {@Name}, {Name,8} and {Name:format} replaced by the field of that name in the object at root; a format is not applied
 * unless the list at renderings (0: none) has the ready texts, as CLEF's @r has; a name that is not there stays as it is, {{ and }} are braces. */
void message_template_render(const struct json *json, uint32_t root, uint32_t renderings, struct slice template, struct buf *out);
/* The name in a hole's text: without @ or $ before it and ,align or :format behind it. */
struct slice message_template_name(struct slice hole);

#endif
