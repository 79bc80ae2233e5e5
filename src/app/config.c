/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_option.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { PATH_BYTES = 128, NAMES_MAX = 32 };

void loader_complain(struct loader *l, const struct yaml *at, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	yaml_report(&l->errors->text, l->doc, at->line, at->column, "%s", text);
	l->errors->len++;
}

static const struct option *find(const char *path)
{
	for (size_t i = 0; i < options_len; i++)
		if (strcmp(options[i].path, path) == 0)
			return &options[i];
	return NULL;
}

static bool leads_somewhere(const char *prefix)
{
	for (size_t i = 0; i < options_len; i++)
		if (strncmp(options[i].path, prefix, strlen(prefix)) == 0)
			return true;
	return false;
}

/* The keys that may stand under prefix, each once, for the complaint about one that may not. */
static void complain_unknown(struct loader *l, const struct yaml *map, size_t key, const char *prefix)
{
	char segments[NAMES_MAX][PATH_BYTES];
	const char *names[NAMES_MAX + 1];
	size_t len = 0;
	for (size_t i = 0; i < options_len && len < NAMES_MAX; i++) {
		if (strncmp(options[i].path, prefix, strlen(prefix)) != 0)
			continue;
		const char *segment = options[i].path + strlen(prefix);
		snprintf(segments[len], PATH_BYTES, "%.*s", (int)strcspn(segment, ".["), segment);
		if (len == 0 || strcmp(segments[len], segments[len - 1]) != 0) {
			names[len] = segments[len];
			len++;
		}
	}
	names[len] = NULL;
	yaml_report_unknown(&l->errors->text, l->doc, map, key, names);
	l->errors->len++;
}

static void walk(struct loader *l, const struct yaml *map, const char *prefix, void *base);

static void walk_sources(struct loader *l, const struct yaml *list)
{
	struct config *c = l->config;
	if (list->kind != YAML_LIST) {
		loader_complain(l, list, "expected a list: each source starts with \"- kafka:\" or \"- file:\"");
		return;
	}
	c->sources = arena_zalloc(&c->memory->arena, (list->len + 1) * sizeof(*c->sources));
	c->sources_len = list->len;
	for (size_t i = 0; i < list->len; i++) {
		loader_defaults(l, SCOPE_SOURCE, &c->sources[i]);
		walk(l, &list->items[i], "sources[].", &c->sources[i]);
	}
}

/* One mapping, or a list of them. */
static void walk_endpoints(struct loader *l, const struct yaml *node)
{
	struct config *c = l->config;
	bool list = node->kind == YAML_LIST;
	size_t len = list ? node->len : 1;
	if (len == 0)
		return; /* what is missing is said later */
	c->remote_write = arena_zalloc(&c->memory->arena, len * sizeof(*c->remote_write));
	c->remote_write_len = len;
	for (size_t i = 0; i < len; i++) {
		loader_defaults(l, SCOPE_ENDPOINT, &c->remote_write[i]);
		walk(l, list ? &node->items[i] : node, "remote_write.", &c->remote_write[i]);
	}
}

static void walk_key(struct loader *l, const struct yaml *map, size_t key, const char *prefix, void *base)
{
	char path[PATH_BYTES], below[PATH_BYTES + 4];
	bool plain = map->keys[key].len < 64 && !strpbrk(map->keys[key].ptr, ".[");
	snprintf(path, sizeof(path), "%.60s%.64s", prefix, map->keys[key].ptr);
	const struct option *option = plain ? find(path) : NULL;
	if (option) {
		loader_store(l, option, &map->items[key], base);
		return;
	}
	snprintf(below, sizeof(below), "%s[].", path);
	if (plain && leads_somewhere(below)) {
		walk_sources(l, &map->items[key]);
		return;
	}
	snprintf(below, sizeof(below), "%s.", path);
	if (strcmp(below, "remote_write.") == 0)
		walk_endpoints(l, &map->items[key]);
	else if (plain && leads_somewhere(below))
		walk(l, &map->items[key], below, base);
	else
		complain_unknown(l, map, key, prefix);
}

static void walk(struct loader *l, const struct yaml *map, const char *prefix, void *base)
{
	if (map->kind == YAML_SCALAR && map->text.len == 0 && !map->quoted)
		return; /* "metrics:" with nothing below */
	if (map->kind != YAML_MAP) {
		loader_complain(l, map, "expected a map of options%s%.*s", *prefix ? " of " : "", (int)(*prefix ? strlen(prefix) - 1 : 0), prefix);
		return;
	}
	for (size_t i = 0; i < map->len; i++)
		walk_key(l, map, i, prefix, base);
}

static struct config *config_new(void)
{
	struct config_memory *memory = mem_zalloc(1, sizeof(*memory));
	struct config *c = mem_zalloc(1, sizeof(*c));
	c->memory = memory;
	struct config_errors none = {0};
	struct loader l = {.config = c, .errors = &none};
	loader_defaults(&l, SCOPE_CONFIG, c);
	c->remote_write = arena_zalloc(&memory->arena, sizeof(*c->remote_write));
	c->remote_write_len = 1;
	loader_defaults(&l, SCOPE_ENDPOINT, c->remote_write);
	c->rules.items = arena_zalloc(&memory->arena, sizeof(*c->rules.items));
	return c;
}

struct config *config_defaults(void)
{
	return config_new();
}

void config_free(struct config *c)
{
	if (!c)
		return;
	arena_done(&c->memory->arena);
	free(c->memory);
	free(c);
}

void config_errors_done(struct config_errors *errors)
{
	buf_done(&errors->text);
	errors->len = 0;
}

static int load(struct yaml_doc *doc, struct config **ret, struct config_errors *errors)
{
	size_t before = errors->len;
	struct loader l = {.config = config_new(), .doc = doc, .errors = errors};
	walk(&l, yaml_root(doc), "", l.config);
	loader_check(&l);
	yaml_doc_free(doc);
	if (errors->len > before) {
		config_free(l.config);
		return ERR_INPUT;
	}
	*ret = l.config;
	return 0;
}

static int unreadable(struct config_errors *errors, const struct err *err)
{
	buf_printf(&errors->text, "%s\n", err->text);
	errors->len++;
	return ERR_INPUT;
}

int config_load(const char *path, struct config **ret, struct config_errors *errors)
{
	struct yaml_doc *doc;
	struct err err = {0};
	return yaml_load_file(path, &doc, &err) ? unreadable(errors, &err) : load(doc, ret, errors);
}

int config_load_text(struct slice text, const char *name, struct config **ret, struct config_errors *errors)
{
	struct yaml_doc *doc;
	struct err err = {0};
	return yaml_load_text(text, name, &doc, &err) ? unreadable(errors, &err) : load(doc, ret, errors);
}

bool config_is_one(const char *path)
{
	struct yaml_doc *doc;
	struct stat st;
	if ((stat(path, &st) == 0 && S_ISDIR(st.st_mode)) || yaml_load_file(path, &doc, NULL))
		return false;
	const struct yaml *root = yaml_root(doc), *rules = yaml_get(root, "rules");
	bool yes = yaml_get(root, "sources") || yaml_get(root, "remote_write") || yaml_get(root, "journal") || (rules && rules->kind == YAML_LIST && rules->len && rules->items[0].kind == YAML_SCALAR);
	yaml_doc_free(doc);
	return yes;
}
