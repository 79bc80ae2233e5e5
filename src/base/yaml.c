/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

enum { FILE_MAX = 16 << 20, DEPTH_MAX = 64, NODES_MAX = 1 << 20 };

struct yaml_doc {
	struct arena arena;
	struct yaml root;
	char *name;
	uint64_t hash;
};

/* One conversion of libyaml's graph into a tree: aliases are expanded, so both depth and size need a bound. */
struct reader {
	struct yaml_doc *doc;
	yaml_document_t *graph;
	bool *open; /* per node of the graph: we are inside it */
	size_t nodes;
	struct err *err;
};

static int complain(struct reader *r, yaml_mark_t mark, const char *what, struct slice detail)
{
	return err_set(r->err, ERR_INPUT, "%s:%zu:%zu: %s%.*s", r->doc->name, mark.line + 1, mark.column + 1, what, (int)(detail.len < 200 ? detail.len : 200), detail.len ? detail.ptr : "");
}

static struct slice scalar_text(struct reader *r, const yaml_node_t *node)
{
	struct slice s = slice_of((const char *)node->data.scalar.value, node->data.scalar.length);
	char *copy = arena_alloc(&r->doc->arena, s.len + 1);
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = 0;
	return slice_of(copy, s.len);
}

static bool tag_known(const yaml_node_t *node)
{
	static const char *const tags[] = {YAML_STR_TAG, YAML_SEQ_TAG, YAML_MAP_TAG, YAML_INT_TAG, YAML_FLOAT_TAG, YAML_BOOL_TAG, YAML_NULL_TAG};
	for (size_t i = 0; node->tag && i < sizeof(tags) / sizeof(tags[0]); i++)
		if (strcmp((const char *)node->tag, tags[i]) == 0)
			return true;
	return !node->tag;
}

static int read_node(struct reader *r, int id, unsigned depth, struct yaml *ret);

static int read_list(struct reader *r, const yaml_node_t *node, unsigned depth, struct yaml *ret)
{
	size_t len = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	ret->kind = YAML_LIST;
	ret->items = arena_zalloc(&r->doc->arena, (len + 1) * sizeof(*ret->items));
	for (ret->len = 0; ret->len < len; ret->len++) {
		int code = read_node(r, node->data.sequence.items.start[ret->len], depth, &ret->items[ret->len]);
		if (code)
			return code;
	}
	return 0;
}

static int read_key(struct reader *r, int id, struct yaml *map)
{
	const yaml_node_t *key = yaml_document_get_node(r->graph, id);
	if (key->type != YAML_SCALAR_NODE)
		return complain(r, key->start_mark, "a key must be a plain word", SLICE(""));
	struct slice text = scalar_text(r, key);
	for (size_t i = 0; i < map->len; i++)
		if (slice_eq(map->keys[i], text)) {
			char detail[300];
			snprintf(detail, sizeof(detail), "%.200s\" (first on line %d)", text.ptr, map->key_lines[i]);
			return complain(r, key->start_mark, "duplicate key \"", slice_str(detail));
		}
	map->keys[map->len] = text;
	map->key_lines[map->len] = (int)key->start_mark.line + 1;
	map->key_columns[map->len] = (int)key->start_mark.column + 1;
	return 0;
}

static int read_map(struct reader *r, const yaml_node_t *node, unsigned depth, struct yaml *ret)
{
	size_t len = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
	ret->kind = YAML_MAP;
	ret->items = arena_zalloc(&r->doc->arena, (len + 1) * sizeof(*ret->items));
	ret->keys = arena_zalloc(&r->doc->arena, (len + 1) * sizeof(*ret->keys));
	ret->key_lines = arena_zalloc(&r->doc->arena, (len + 1) * sizeof(*ret->key_lines));
	ret->key_columns = arena_zalloc(&r->doc->arena, (len + 1) * sizeof(*ret->key_columns));
	for (ret->len = 0; ret->len < len; ret->len++) {
		yaml_node_pair_t pair = node->data.mapping.pairs.start[ret->len];
		int code = read_key(r, pair.key, ret);
		if (!code)
			code = read_node(r, pair.value, depth, &ret->items[ret->len]);
		if (code)
			return code;
	}
	return 0;
}

static int read_node(struct reader *r, int id, unsigned depth, struct yaml *ret)
{
	const yaml_node_t *node = yaml_document_get_node(r->graph, id);
	ret->line = (int)node->start_mark.line + 1;
	ret->column = (int)node->start_mark.column + 1;
	if (r->open[id])
		return complain(r, node->start_mark, "an anchor holds an alias of itself", SLICE(""));
	if (depth > DEPTH_MAX)
		return complain(r, node->start_mark, "nested too deep", SLICE(""));
	if (++r->nodes > NODES_MAX)
		return complain(r, node->start_mark, "too large once its aliases are expanded", SLICE(""));
	if (!tag_known(node))
		return complain(r, node->start_mark, "a value that starts with ! must be quoted: ", slice_str((const char *)node->tag));
	if (node->type == YAML_SCALAR_NODE) {
		ret->kind = YAML_SCALAR;
		ret->text = scalar_text(r, node);
		ret->quoted = node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
		return 0;
	}
	r->open[id] = true;
	int code = node->type == YAML_SEQUENCE_NODE ? read_list(r, node, depth + 1, ret) : read_map(r, node, depth + 1, ret);
	r->open[id] = false;
	return code;
}

/* libyaml gives bytes it cannot read as an offset, not as a mark. */
static yaml_mark_t mark_at(struct slice text, size_t offset)
{
	yaml_mark_t mark = {0};
	for (size_t i = 0; i < offset && i < text.len; i++) {
		mark.column = text.ptr[i] == '\n' ? 0 : mark.column + 1;
		mark.line += text.ptr[i] == '\n';
	}
	return mark;
}

static int complain_syntax(struct reader *r, const yaml_parser_t *parser, struct slice text)
{
	struct slice what = slice_str(parser->problem);
	if (parser->error == YAML_READER_ERROR)
		return complain(r, mark_at(text, parser->problem_offset), "not UTF-8 text: ", what);
	yaml_mark_t mark = parser->problem_mark;
	if (mark.index < text.len && text.ptr[mark.index] == '\t')
		return complain(r, mark, "a tab; indent with spaces", SLICE(""));
	if (parser->context && strcmp(parser->problem, "could not find expected ':'") == 0)
		return complain(r, parser->context_mark, "a key without \":\" behind it", SLICE(""));
	char detail[300];
	snprintf(detail, sizeof(detail), "%.120s (%.100s from line %zu)", parser->problem, parser->context ? parser->context : "", parser->context_mark.line + 1);
	return complain(r, mark, "not YAML: ", parser->context ? slice_str(detail) : what);
}

static int read_document(struct reader *r, yaml_parser_t *parser, struct slice text)
{
	yaml_document_t graph, next;
	if (!yaml_parser_load(parser, &graph))
		return complain_syntax(r, parser, text);
	int code = 0;
	r->graph = &graph;
	if (!yaml_document_get_root_node(&graph)) {
		r->doc->root = (struct yaml){.kind = YAML_MAP, .line = 1, .column = 1};
		goto out;
	}
	r->open = mem_zalloc((size_t)(graph.nodes.top - graph.nodes.start) + 1, sizeof(*r->open));
	code = read_node(r, 1, 0, &r->doc->root);
	free(r->open);
	if (code)
		goto out;
	if (!yaml_parser_load(parser, &next)) {
		code = complain_syntax(r, parser, text);
		goto out;
	}
	if (yaml_document_get_root_node(&next))
		code = complain(r, next.start_mark, "a second document; one file holds one", SLICE(""));
	yaml_document_delete(&next);
out:
	yaml_document_delete(&graph);
	return code;
}

int yaml_load_text(struct slice text, const char *name_for_errors, struct yaml_doc **ret, struct err *err)
{
	struct yaml_doc *doc = mem_zalloc(1, sizeof(*doc));
	doc->name = mem_strdup(slice_str(name_for_errors));
	doc->hash = hash_bytes(text);
	struct reader r = {.doc = doc, .err = err};
	yaml_parser_t parser;
	if (!yaml_parser_initialize(&parser))
		abort(); /* only for want of memory */
	yaml_parser_set_input_string(&parser, (const unsigned char *)(text.len ? text.ptr : ""), text.len);
	int code = read_document(&r, &parser, text);
	yaml_parser_delete(&parser);
	if (code) {
		yaml_doc_free(doc);
		return code;
	}
	*ret = doc;
	return 0;
}

static int read_file(const char *path, struct buf *out, struct err *err)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return err_set(err, ERR_INPUT, "%s: %s", path, strerror(errno));
	int code = 0;
	size_t n;
	do {
		n = fread(buf_reserve(out, 65536), 1, 65536, f);
		out->len += n;
	} while (n > 0 && out->len <= FILE_MAX);
	if (ferror(f))
		code = err_set(err, ERR_INPUT, "%s: %s", path, strerror(errno));
	else if (out->len > FILE_MAX)
		code = err_set(err, ERR_INPUT, "%s: larger than 16 MiB", path);
	fclose(f);
	return code;
}

int yaml_load_file(const char *path, struct yaml_doc **ret, struct err *err)
{
	struct buf text = {0};
	int code = read_file(path, &text, err);
	if (!code)
		code = yaml_load_text(buf_slice(&text), path, ret, err);
	buf_done(&text);
	return code;
}

void yaml_doc_free(struct yaml_doc *doc)
{
	if (!doc)
		return;
	arena_done(&doc->arena);
	free(doc->name);
	free(doc);
}

const struct yaml *yaml_root(const struct yaml_doc *doc)
{
	return &doc->root;
}

const char *yaml_name(const struct yaml_doc *doc)
{
	return doc->name;
}

uint64_t yaml_hash(const struct yaml_doc *doc)
{
	return doc->hash;
}

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
	for (size_t i = 0; map && map->kind == YAML_MAP && i < map->len; i++)
		if (slice_eq(map->keys[i], slice_str(key)))
			return &map->items[i];
	return NULL;
}

void yaml_report(struct buf *out, const struct yaml_doc *doc, int line, int column, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_printf(out, "%s:%d:%d: %s\n", doc->name, line, column, text);
}

void yaml_report_unknown(struct buf *out, const struct yaml_doc *doc, const struct yaml *map, size_t key, const char *const *names)
{
	const char *nearest = err_nearest(map->keys[key], names);
	struct buf known = {0};
	for (size_t i = 0; !nearest && names[i]; i++)
		buf_printf(&known, "%s%s", i ? ", " : "", names[i]);
	yaml_report(out, doc, map->key_lines[key], map->key_columns[key], nearest ? "unknown key \"%.100s\"; did you mean \"%s\"?" : "unknown key \"%.100s\"; known here: %s",
		map->keys[key].ptr, nearest ? nearest : buf_cstr(&known));
	buf_done(&known);
}
