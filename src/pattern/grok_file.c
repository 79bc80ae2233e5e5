/* SPDX-License-Identifier: Apache-2.0 */
/* The grok names that a rule file brings: grok_patterns, a map in the file itself, and grok_files, files of lines "NAME regex" as other programs use them
 * (# starts a comment line). Of two definitions of a name the later one counts, and grok_patterns stand behind all files. */
#include "base/hash.h"
#include "pattern/rule.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { FILE_MAX = 1 << 20 };

static struct grok_own *add(struct rule_loader *l, struct grok_own ***end, struct slice name, struct slice regex, const struct yaml *node)
{
	struct grok_own *own = arena_zalloc(l->arena, sizeof(*own));
	*own = (struct grok_own){.name = rule_keep(l, name), .regex = rule_keep(l, regex), .node = node};
	**end = own;
	*end = &own->next;
	return own;
}

/* The path beside the rule file, unless it is absolute. */
static void find_path(const struct rule_loader *l, struct slice path, struct buf *ret)
{
	struct slice file = slice_str(yaml_name(l->doc));
	size_t slash = file.len;
	while (slash > 0 && file.ptr[slash - 1] != '/')
		slash--;
	if (!slice_starts(path, SLICE("/")))
		buf_add_slice(ret, slice_sub(file, 0, slash));
	buf_add_slice(ret, path);
}

static bool read_all(struct rule_loader *l, const struct yaml *node, const char *path, struct buf *text)
{
	struct stat st;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) { /* reading from a pipe or terminal might never end */
		rule_complain(l, node, "%.500s: not a file", path);
		return false;
	}
	FILE *f = fopen(path, "re");
	if (f)
		text->len = fread(buf_reserve(text, FILE_MAX + 1), 1, FILE_MAX + 1, f);
	bool failed = !f || ferror(f);
	if (failed)
		rule_complain(l, node, "%.500s: %s", path, strerror(errno));
	else if (text->len > FILE_MAX)
		rule_complain(l, node, "%.500s: larger than 1 MiB", path);
	else if (slice_find(buf_slice(text), 0, 0) < text->len)
		rule_complain(l, node, "%.500s: not a text file", path);
	else
		l->hash = hash_pair(l->hash, hash_bytes(buf_slice(text)));
	if (f)
		fclose(f);
	return !failed && text->len <= FILE_MAX && slice_find(buf_slice(text), 0, 0) == text->len;
}

static size_t name_len(struct slice line)
{
	size_t i = 0;
	while (i < line.len && (isalnum((unsigned char)line.ptr[i]) || line.ptr[i] == '_'))
		i++;
	return i;
}

static void load_line(struct rule_loader *l, struct grok_own ***end, const struct yaml *node, const char *path, int number, struct slice line)
{
	struct slice trimmed = slice_trim(line);
	if (trimmed.len == 0 || trimmed.ptr[0] == '#')
		return;
	size_t start = (size_t)(trimmed.ptr - line.ptr), name = name_len(trimmed), regex = name;
	while (regex < trimmed.len && isspace((unsigned char)trimmed.ptr[regex]))
		regex++;
	if (name == 0 || regex == name || regex == trimmed.len) {
		buf_printf(&l->errors->text, "%s:%d:%zu: a line of a grok file is a name (letters, digits, _), a space and a regex\n", path, number, start + 1);
		l->errors->len++;
		return;
	}
	struct slice rest = slice_sub(line, start + regex, line.len);
	if (slice_ends(rest, SLICE("\r")))
		rest.len--;
	struct grok_own *own = add(l, end, slice_sub(trimmed, 0, name), rest, node);
	own->file = path;
	own->line = number;
	own->column = start + regex + 1;
}

static void load_grok_file(struct rule_loader *l, struct grok_own ***end, const struct yaml *node)
{
	struct buf path = {0}, text = {0};
	struct slice name;
	if (!rule_text(l, node, &name))
		return;
	find_path(l, name, &path);
	const char *kept = rule_keep(l, buf_slice(&path)).ptr;
	buf_add(l->files, kept, strlen(kept) + 1);
	if (read_all(l, node, kept, &text)) {
		int number = 1;
		for (size_t i = 0, next; i < text.len; i = next + 1, number++) {
			next = slice_find(buf_slice(&text), '\n', i);
			load_line(l, end, node, kept, number, slice_sub(buf_slice(&text), i, next - i));
		}
	}
	buf_done(&path);
	buf_done(&text);
}

void rule_load_grok(struct rule_loader *l, const struct yaml *root)
{
	const struct yaml *files = yaml_get(root, "grok_files"), *patterns = yaml_get(root, "grok_patterns");
	struct grok_own **end = &l->grok;
	if (files && files->kind != YAML_LIST)
		rule_complain(l, files, "expected a list of files, for example [grok/shop]");
	for (size_t i = 0; files && files->kind == YAML_LIST && i < files->len; i++)
		load_grok_file(l, &end, &files->items[i]);
	if (patterns && patterns->kind != YAML_MAP)
		rule_complain(l, patterns, "expected a map of grok names and regexes");
	for (size_t i = 0; patterns && patterns->kind == YAML_MAP && i < patterns->len; i++) {
		if (patterns->items[i].kind == YAML_SCALAR)
			add(l, &end, patterns->keys[i], patterns->items[i].text, &patterns->items[i]);
		else
			rule_complain(l, &patterns->items[i], "a grok definition is a regex");
	}
	rule_check_grok(l);
}
