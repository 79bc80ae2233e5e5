/* SPDX-License-Identifier: Apache-2.0 */
#include "record/otlp_json_form.h"

void otlp_form_learn(struct member_memo *memo, const struct object *o)
{
	static const unsigned keys[] = {[AT_TRACE] = KEY_TRACEID, [AT_SPAN] = KEY_SPANID, [AT_NAME] = KEY_NAME, [AT_KIND] = KEY_KIND, [AT_START] = KEY_STARTTIMEUNIXNANO, [AT_END] = KEY_ENDTIMEUNIXNANO,
		[AT_PARENT] = KEY_PARENTSPANID};
	static const unsigned more[] = {KEY_ATTRIBUTES, KEY_EVENTS, KEY_LINKS, KEY_TRACESTATE, KEY_STATUS, KEY_PARENT_SPAN_ID};
	bool parent = key_set_has(&o->seen, KEY_PARENTSPANID), other = memo->words == 0;
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		other |= key_set_has(&o->seen, more[i]);
	for (size_t i = 0; i <= AT_PARENT; i++) {
		bool there = key_set_has(&o->seen, keys[i]);
		other |= !there && i != AT_PARENT;
		memo->places[i] = there ? (uint16_t)(o->at[keys[i]] - o->root) : 0;
	}
	memo->form = other ? FORM_OTHER : parent ? FORM_CHILD : FORM_ROOT;
}
