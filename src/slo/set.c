/* SPDX-License-Identifier: Apache-2.0 */
#include "slo/set.h"
#include "base/mem.h"
#include "slo/period.h"
#include "slo/query.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_FILE = 4 << 20 };

static void alert_done(struct slo_alert *a)
{
	slo_labels_done(&a->labels);
	slo_labels_done(&a->annotations);
}

void slo_set_done(struct slo_set *set)
{
	for (size_t i = 0; i < set->len; i++) {
		struct slo *s = set->items[i];
		slo_labels_done(&s->labels);
		slo_labels_done(&s->alert_labels);
		slo_labels_done(&s->alert_annotations);
		alert_done(&s->page);
		alert_done(&s->ticket);
		alert_done(&s->absent);
		free(s);
	}
	for (size_t i = 0; i < set->docs_len; i++)
		yaml_doc_free(set->docs[i]);
	free(set->items);
	free(set->docs);
	arena_done(&set->arena);
	buf_done(&set->found.errors);
	buf_done(&set->found.remarks);
	*set = (struct slo_set){0};
}

static void report(struct buf *out, const struct yaml_doc *doc, const struct yaml *at, const char *format, va_list args)
{
	struct buf text = {0};
	char line[1024];
	vsnprintf(line, sizeof(line), format, args);
	buf_add_str(&text, line);
	yaml_report(out, doc, at->line, at->column, "%s", buf_cstr(&text));
	buf_done(&text);
}

void slo_error(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *at, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	report(&set->found.errors, doc, at, format, args);
	va_end(args);
	set->found.errors_len++;
}

void slo_remark(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *at, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	report(&set->found.remarks, doc, at, format, args);
	va_end(args);
	set->found.remarks_len++;
}

static bool among(struct slice name, const char *const *names)
{
	for (; *names; names++)
		if (slice_eq(name, slice_str(*names)))
			return true;
	return false;
}

bool slo_keys(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *map, const char *what, const char *const *names)
{
	if (map->kind != YAML_MAP) {
		slo_error(set, doc, map, "%s must be a map", what);
		return false;
	}
	for (size_t i = 0; i < map->len; i++) {
		if (among(map->keys[i], names))
			continue;
		yaml_report_unknown(&set->found.errors, doc, map, i, names);
		set->found.errors_len++;
	}
	return true;
}

struct slice slo_text(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *map, const char *key, bool required)
{
	const struct yaml *value = yaml_get(map, key);
	if (!value) {
		if (required)
			slo_error(set, doc, map, "%s is missing", key);
		return slice_of(NULL, 0);
	}
	if (value->kind != YAML_SCALAR || (required && slice_trim(value->text).len == 0)) {
		slo_error(set, doc, value, "%s must be a text", key);
		return slice_of(NULL, 0);
	}
	return value->text;
}

bool slo_flag(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *map, const char *key)
{
	struct slice text = slo_text(set, doc, map, key, false);
	if (text.len && !slice_eq(text, SLICE("true")) && !slice_eq(text, SLICE("false")))
		slo_error(set, doc, yaml_get(map, key), "%s must be true or false, not \"%.*s\"", key, (int)text.len, text.ptr);
	return slice_eq(text, SLICE("true"));
}

int64_t slo_length(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *map, const char *key)
{
	struct slice text = slo_text(set, doc, map, key, false);
	int64_t ns = 0;
	if (text.len == 0)
		return 0;
	if (!period_parse(text, &ns) || ns < PERIOD_DAY || ns % PERIOD_MINUTE || ns > 366 * PERIOD_DAY)
		slo_error(set, doc, yaml_get(map, key), "%s must be a length of time from 1d to 366d, as 30d or 4w, not \"%.*s\"", key, (int)text.len, text.ptr);
	return ns;
}

void slo_objective(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *value, bool is_ratio, struct decimal *ret)
{
	struct slice text = value->kind == YAML_SCALAR ? slice_trim(value->text) : slice_of(NULL, 0);
	if (!is_ratio && slice_ends(text, SLICE("%")))
		text = slice_trim(slice_sub(text, 0, text.len - 1));
	struct decimal d;
	if (!decimal_parse(text, &d)) {
		slo_error(set, doc, value, "an objective is a number as %s, not \"%.*s\"", is_ratio ? "0.999" : "99.9", (int)text.len, text.ptr);
		return;
	}
	d = decimal_divide_10(d, is_ratio ? 0 : 2);
	if (d.mantissa == 0 || d.mantissa >= decimal_unit(d))
		slo_error(set, doc, value, "an objective lies between 0 and %s and leaves a budget for errors; %.*s does not", is_ratio ? "1" : "100", (int)text.len, text.ptr);
	else
		*ret = d;
}

void slo_map(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *map, const char *key, struct slo_labels *into)
{
	const struct yaml *value = yaml_get(map, key);
	if (!value || (value->kind == YAML_SCALAR && value->text.len == 0 && !value->quoted))
		return;
	if (value->kind != YAML_MAP) {
		slo_error(set, doc, value, "%s must be a map of names and texts", key);
		return;
	}
	for (size_t i = 0; i < value->len; i++) {
		const struct yaml *item = &value->items[i];
		if (item->kind != YAML_SCALAR)
			slo_error(set, doc, item, "%s.%.*s must be a text", key, (int)value->keys[i].len, value->keys[i].ptr);
		else if (!slo_label_name_ok(value->keys[i]))
			slo_error(set, doc, item, "\"%.*s\" is no name for a label", (int)value->keys[i].len, value->keys[i].ptr);
		else
			slo_labels_set(into, value->keys[i], item->text);
	}
}

struct slice slo_query(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *map, const char *key)
{
	struct slice text = slo_text(set, doc, map, key, true);
	size_t windows = 0;
	if (text.len == 0)
		return text;
	const char *wrong = slo_query_check(text, &windows);
	if (!wrong && windows == 0)
		wrong = "the query has no {{.window}}: put it where the range is, as in rate(requests_total[{{.window}}])";
	if (wrong)
		slo_error(set, doc, yaml_get(map, key), "%s: %s", key, wrong);
	return text;
}

struct slo *slo_new(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *at, const char *spec)
{
	struct slo *slo = mem_zalloc(1, sizeof(*slo));
	*slo = (struct slo){.doc = doc, .line = at->line, .column = at->column, .spec = slice_str(spec)};
	set->items = mem_grow(set->items, set->len, &set->cap, sizeof(struct slo *));
	set->items[set->len++] = slo;
	return slo;
}

struct slice slo_keep(struct slo_set *set, struct buf *text)
{
	struct slice kept = arena_copy(&set->arena, buf_slice(text));
	buf_done(text);
	return kept;
}

static bool name_ok(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!word && (i == 0 || (c != '-' && c != '_' && c != '.')))
			return false;
	}
	return name.len > 0 && name.len <= 200;
}

void slo_named(struct slo_set *set, struct slo *slo)
{
	struct yaml at = {.line = slo->line, .column = slo->column};
	struct slice both[2] = {slo->service, slo->name};
	for (size_t i = 0; i < 2; i++)
		if (both[i].len && !name_ok(both[i]))
			slo_error(set, slo->doc, &at, "\"%.*s\" is no name for %s: letters, digits, '-', '_', '.', the first a letter or digit", (int)both[i].len, both[i].ptr, i ? "an SLO" : "a service");
	struct buf id = {0};
	buf_printf(&id, "%.*s-%.*s", (int)slo->service.len, slo->service.ptr, (int)slo->name.len, slo->name.ptr);
	slo->id = slo_keep(set, &id);
}

static int read_file(const char *path, struct buf *ret, struct err *err)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return err_set(err, ERR_INPUT, "%s: %s", path, strerror(errno));
	size_t n = 1;
	while (n && ret->len <= MAX_FILE) {
		n = fread(buf_reserve(ret, 65536), 1, 65536, f);
		ret->len += n;
	}
	int code = ferror(f) ? err_set(err, ERR_INPUT, "%s: %s", path, strerror(errno)) : 0;
	fclose(f);
	return code || ret->len <= MAX_FILE ? code : err_set(err, ERR_INPUT, "%s: longer than 4 MiB", path);
}

/* Adds one document of a file: its text behind as many empty lines as stand before it, so that lines are those of the file. */
static int read_part(struct slo_set *set, const char *path, size_t lines, struct slice part, struct err *err)
{
	struct buf text = {0};
	struct yaml_doc *doc = NULL;
	for (size_t i = 0; i < lines; i++)
		buf_add_char(&text, '\n');
	buf_add_slice(&text, part);
	int code = yaml_load_text(buf_slice(&text), path, &doc, err);
	if (code == 0) {
		set->docs = mem_grow(set->docs, set->docs_len, &set->docs_cap, sizeof(*set->docs));
		set->docs[set->docs_len++] = doc;
	}
	buf_done(&text);
	return code;
}

static int read_parts(struct slo_set *set, const char *path, struct slice text, struct err *err)
{
	size_t begin = 0, first = 0, line = 0;
	for (size_t at = 0; at < text.len; line++) {
		size_t end = slice_find(text, '\n', at);
		struct slice row = slice_sub(text, at, end - at);
		at = end + 1;
		if (!slice_starts(row, SLICE("---")) || (row.len > 3 && row.ptr[3] != ' ' && row.ptr[3] != '\r'))
			continue;
		if (line > 0 && read_part(set, path, first, slice_sub(text, begin, end - row.len - begin), err))
			return err->code;
		begin = at < text.len ? at : text.len;
		first = line + 1;
	}
	return read_part(set, path, first, slice_sub(text, begin, text.len), err);
}

int slo_set_read(struct slo_set *set, const char *path)
{
	struct buf text = {0};
	struct err err = {0};
	int code = read_file(path, &text, &err);
	if (code == 0)
		code = read_parts(set, path, buf_slice(&text), &err);
	if (code) {
		buf_printf(&set->found.errors, "%s\n", err.text);
		set->found.errors_len++;
	}
	buf_done(&text);
	return code ? ERR_INPUT : 0;
}

/* Which form a document is in: by the key that only this form has. */
static void read_doc(struct slo_set *set, const struct yaml_doc *doc)
{
	const struct yaml *root = yaml_root(doc);
	const struct yaml *version = yaml_get(root, "version"), *api = yaml_get(root, "apiVersion");
	if (root->kind == YAML_MAP && root->len == 0)
		return;
	if (version) {
		if (version->kind == YAML_SCALAR && slice_eq(version->text, SLICE("prometheus/v1")))
			slo_read_sloth(set, doc);
		else
			slo_error(set, doc, version, "the version that is read is \"prometheus/v1\"");
	} else if (api) {
		if (api->kind == YAML_SCALAR && slice_eq(api->text, SLICE("openslo/v1")))
			slo_read_openslo(set, doc);
		else
			slo_error(set, doc, api, "the apiVersion that is read is \"openslo/v1\"");
	} else {
		slo_read_short(set, doc);
	}
}

/* Refuses the second of two with one id. */
static void check_unique(struct slo_set *set)
{
	for (size_t i = 0; i < set->len; i++) {
		const struct slo *slo = set->items[i];
		for (size_t k = 0; k < i; k++) {
			const struct slo *other = set->items[k];
			struct yaml at = {.line = slo->line, .column = slo->column};
			if (!slice_eq(slo->id, other->id) || slo->id.len == 0)
				continue;
			slo_error(set, slo->doc, &at, "\"%.*s\" is the name of an SLO already, see %s:%d", (int)slo->id.len, slo->id.ptr, yaml_name(other->doc), other->line);
			break;
		}
	}
}

int slo_set_close(struct slo_set *set)
{
	for (size_t i = 0; i < set->docs_len; i++)
		read_doc(set, set->docs[i]);
	check_unique(set);
	return set->found.errors_len ? ERR_INPUT : 0;
}
