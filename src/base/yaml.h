/* SPDX-License-Identifier: Apache-2.0 */
/* A YAML document as a tree that remembers lines, for configuration and rule files (libyaml underneath). Boot-time only. */
#ifndef WINNOW_BASE_YAML_H
#define WINNOW_BASE_YAML_H

#include "base/buf.h"
#include "base/err.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
	enum yaml_kind kind;
	int line, column;       /* 1-based, of the value */
	struct slice text;      /* scalars: the value; NUL-terminated behind its end */
	bool quoted;            /* the scalar was quoted: "true" and "10" are then texts */
	struct yaml *items;     /* lists, maps: values in file order */
	struct slice *keys;     /* maps */
	int *key_lines;         /* maps */
	int *key_columns;
	size_t len;
};

struct yaml_doc;

/* Reads a whole file (at most 16 MiB). Errors carry "file:line:column: what". Duplicate keys, anchors' cycles, several documents and tabs are errors. An empty file is an empty map. */
int yaml_load_file(const char *path, struct yaml_doc **ret, struct err *err);
int yaml_load_text(struct slice text, const char *name_for_errors, struct yaml_doc **ret, struct err *err);
/* Not yaml_free: libyaml exports that name, and calls whichever of the two the program exports. */
void yaml_doc_free(struct yaml_doc *doc);
const struct yaml *yaml_root(const struct yaml_doc *doc);
const char *yaml_name(const struct yaml_doc *doc);
/* Of the bytes it was read from. */
uint64_t yaml_hash(const struct yaml_doc *doc);
/* The value of a key in a map, or NULL. */
const struct yaml *yaml_get(const struct yaml *map, const char *key);
/* Appends "file:line:column: message" and a newline: what loaders collect to show all mistakes at once. */
void yaml_report(struct buf *out, const struct yaml_doc *doc, int line, int column, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same for a key of a map that is not among names (NULL-terminated), with the nearest of them. */
void yaml_report_unknown(struct buf *out, const struct yaml_doc *doc, const struct yaml *map, size_t key, const char *const *names);

#endif
