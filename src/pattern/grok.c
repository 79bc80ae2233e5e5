/* SPDX-License-Identifier: Apache-2.0 */
/* Looks grok names up in the tables, which are sorted by name. */
#include "pattern/grok.h"

#include "base/mem.h"

#include <stdlib.h>

static const struct {
	const struct grok_name *names;
	const size_t *len;
} tables[] = {{grok_base, &grok_base_len}, {grok_web, &grok_web_len}, {grok_system, &grok_system_len}, {grok_network, &grok_network_len}, {grok_monitor, &grok_monitor_len}};
enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

static int by_name(const void *key, const void *item)
{
	const struct slice *name = key;
	const struct grok_name *entry = item;
	return slice_cmp(*name, slice_str(entry->name));
}

const char *grok_find(struct slice name)
{
	for (size_t i = 0; i < TABLES; i++) {
		const struct grok_name *found = bsearch(&name, tables[i].names, *tables[i].len, sizeof(*found), by_name);
		if (found)
			return found->regex;
	}
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return slice_cmp(slice_str(*(const char *const *)a), slice_str(*(const char *const *)b));
}

const char **grok_all(size_t *ret_len)
{
	size_t len = 0, most = 0;
	for (size_t i = 0; i < TABLES; i++)
		most += *tables[i].len;
	const char **names = mem_zalloc(most + 1, sizeof(*names));
	for (size_t i = 0; i < TABLES; i++)
		for (size_t k = 0; k < *tables[i].len; k++)
			names[len++] = tables[i].names[k].name;
	qsort(names, len, sizeof(*names), by_text);
	*ret_len = len;
	return names;
}
