/* SPDX-License-Identifier: Apache-2.0 */
#include "app/schema.h"

#include <stdio.h>

#include "app/config_option.h"
#include "pattern/rule_key.h"

enum { SEGMENT_BYTES = 64 };

static const char head[] = "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"title\":";

static void add_text(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, ",\"%s\":", key);
	buf_add_json_string(out, slice_str(value));
}

/* ---- rule files ---- */

static void add_shape(struct buf *out, const struct key_shape *shape);

static void add_keys(struct buf *out, const struct rule_key *keys)
{
	buf_add_str(out, ",\"properties\":{");
	for (const struct rule_key *key = keys; key->name; key++) {
		buf_printf(out, "%s\"%s\":{", key == keys ? "" : ",", key->name);
		add_shape(out, key->shape);
		add_text(out, "description", key->help);
		buf_add_char(out, '}');
	}
	buf_add_str(out, "},\"additionalProperties\":false");
	const char *separator = ",\"required\":[";
	for (const struct rule_key *key = keys; key->name; key++)
		if (key->required) {
			buf_printf(out, "%s\"%s\"", separator, key->name);
			separator = ",";
		}
	if (separator[1] == 0)
		buf_add_char(out, ']');
}

/* One of the ways to say what a message looks like, or where alone. */
static void add_ways(struct buf *out)
{
	buf_add_str(out, ",\"anyOf\":[");
	for (const char *const *way = rule_text_keys; *way; way++)
		buf_printf(out, "{\"required\":[\"%s\"]},", *way);
	buf_add_str(out, "{\"required\":[\"where\"]}],\"not\":{\"anyOf\":[");
	for (const char *const *way = rule_text_keys; *way; way++)
		for (const char *const *other = way + 1; *other; other++)
			buf_printf(out, "%s{\"required\":[\"%s\",\"%s\"]}", way == rule_text_keys && other == way + 1 ? "" : ",", *way, *other);
	buf_add_str(out, "]}");
}

static void add_types(struct buf *out, unsigned kinds)
{
	static const struct {
		unsigned kind;
		const char *name;
	} types[] = {{KEY_TEXT, "string"}, {KEY_NUMBER, "number"}, {KEY_BOOL, "boolean"}, {KEY_MAP, "object"}, {KEY_LIST, "array"}};
	bool several = (kinds & (kinds - 1)) != 0;
	const char *separator = "";
	buf_add_str(out, several ? "\"type\":[" : "\"type\":");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (kinds & types[i].kind) {
			buf_printf(out, "%s\"%s\"", separator, types[i].name);
			separator = ",";
		}
	buf_add_str(out, several ? "]" : "");
}

static void add_inner(struct buf *out, const char *key, const struct key_shape *shape)
{
	buf_printf(out, ",\"%s\":{", key);
	add_shape(out, shape);
	buf_add_char(out, '}');
}

static void add_shape(struct buf *out, const struct key_shape *shape)
{
	add_types(out, shape->kinds);
	for (size_t i = 0; shape->values && shape->values[i]; i++)
		buf_printf(out, "%s\"%s\"%s", i ? "," : ",\"enum\":[", shape->values[i], shape->values[i + 1] ? "" : "]");
	if (shape->items)
		add_inner(out, "items", shape->items);
	if (shape->others)
		add_inner(out, "additionalProperties", shape->others);
	if (shape->keys)
		add_keys(out, shape->keys);
	if (shape->keys == rule_keys)
		add_ways(out);
}

static void print_rules(struct buf *out)
{
	buf_printf(out, "%s\"winnow rule file\",\"type\":\"object\"", head);
	add_keys(out, rule_file_keys);
	buf_add_char(out, '}');
}

/* ---- winnow.yaml ---- */

static const char variable[] = "{\"type\":\"string\",\"pattern\":\"\\\\$\\\\{\"}";

static void add_choice(struct buf *out, const char *const *choices)
{
	const char *separator = "";
	buf_add_str(out, "\"anyOf\":[{\"enum\":[");
	for (; *choices; choices++) {
		if (**choices == '~')
			continue;
		buf_printf(out, "%s\"%s\"", separator, *choices);
		separator = ",";
	}
	buf_printf(out, "]},%s]", variable);
}

static void add_option_type(struct buf *out, const struct option *o)
{
	switch (o->type) {
	case OPTION_BOOL:
		buf_printf(out, "\"anyOf\":[{\"type\":\"boolean\"},%s]", variable);
		break;
	case OPTION_INT:
		buf_add_str(out, "\"anyOf\":[{\"type\":\"integer\"");
		if (o->min)
			buf_printf(out, ",\"minimum\":%s,\"maximum\":%s", o->min, o->max);
		buf_printf(out, "},%s]", variable);
		break;
	case OPTION_CHOICE:
		add_choice(out, o->choices);
		break;
	case OPTION_STRINGS:
		buf_add_str(out, "\"type\":[\"string\",\"array\"],\"items\":{\"type\":\"string\"}");
		break;
	case OPTION_PAIRS:
	case OPTION_KAFKA:
		buf_add_str(out, "\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"number\",\"boolean\"]}");
		break;
	default:
		buf_add_str(out, "\"type\":\"string\"");
	}
}

static void add_option(struct buf *out, const struct option *o)
{
	add_option_type(out, o);
	add_text(out, "description", o->help);
	if (!o->fallback)
		return;
	bool bare = o->type == OPTION_INT || o->type == OPTION_BOOL;
	if (bare)
		buf_printf(out, ",\"default\":%s", o->fallback);
	else
		add_text(out, "default", o->fallback);
}

static void add_options(struct buf *out, const char *prefix);

/* A mapping, or a list of such. */
static void add_one_or_several(struct buf *out, const char *prefix)
{
	buf_add_str(out, "\"anyOf\":[{");
	add_options(out, prefix);
	buf_add_str(out, "},{\"type\":\"array\",\"minItems\":1,\"maxItems\":");
	buf_add_u64(out, CONFIG_ENDPOINTS_MAX);
	buf_add_str(out, ",\"items\":{");
	add_options(out, prefix);
	buf_add_str(out, "}}]");
}

/* The properties below a prefix, which are neighbours in the table. */
static void add_options(struct buf *out, const char *prefix)
{
	size_t skip = strlen(prefix);
	char last[SEGMENT_BYTES] = "";
	buf_add_str(out, "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
	for (size_t i = 0; i < options_len; i++) {
		const struct option *o = &options[i];
		char segment[SEGMENT_BYTES], below[SEGMENT_BYTES * 2];
		if (strncmp(o->path, prefix, skip) != 0)
			continue;
		size_t len = strcspn(o->path + skip, ".[");
		snprintf(segment, sizeof(segment), "%.*s", (int)len, o->path + skip);
		if (strcmp(segment, last) == 0)
			continue;
		buf_printf(out, "%s\"%s\":{", last[0] ? "," : "", segment);
		memcpy(last, segment, sizeof(last));
		bool list = o->path[skip + len] == '[', leaf = o->path[skip + len] == 0;
		snprintf(below, sizeof(below), "%s%s%s", prefix, segment, list ? "[]." : ".");
		if (leaf)
			add_option(out, o);
		else if (list)
			buf_add_str(out, "\"type\":\"array\",\"items\":{");
		if (!leaf && option_scope(o) == SCOPE_ENDPOINT && !*prefix)
			add_one_or_several(out, below);
		else if (!leaf)
			add_options(out, below);
		buf_add_str(out, list ? "}}" : "}");
	}
	buf_add_char(out, '}');
}

static void print_config(struct buf *out)
{
	buf_printf(out, "%s\"winnow.yaml\",", head);
	add_options(out, "");
	buf_add_char(out, '}');
}

/* ---- */

const struct schema schemas[] = {
	{"rules", "rule files", print_rules},
	{"config", "winnow.yaml", print_config},
	{NULL, NULL, NULL},
};

static size_t string_len(struct slice s, size_t at)
{
	size_t i = at + 1;
	while (i < s.len && s.ptr[i] != '"')
		i += s.ptr[i] == '\\' ? 2 : 1;
	return i + 1 - at;
}

/* The length of an object or list of scalars that is short enough to stay on its line; 0: it is not. */
static size_t short_group(struct slice s, size_t at)
{
	enum { SHORT = 80 };
	for (size_t i = at + 1; i < s.len && i < at + SHORT; i += s.ptr[i] == '"' ? string_len(s, i) : 1) {
		if (strchr("{[", s.ptr[i]))
			return 0;
		if (strchr("}]", s.ptr[i]))
			return i + 1 - at;
	}
	return 0;
}

static void break_line(struct buf *out, unsigned depth)
{
	buf_add_char(out, '\n');
	while (depth--)
		buf_add_str(out, "  ");
}

/* Compact JSON as people read it. */
static void indent(struct slice s, struct buf *out)
{
	unsigned depth = 0;
	for (size_t i = 0, len; i < s.len; i += len) {
		char c = s.ptr[i];
		len = c == '"' ? string_len(s, i) : strchr("{[", c) ? short_group(s, i) : 0;
		if (len) {
			buf_add_slice(out, slice_sub(s, i, len));
			continue;
		}
		len = 1;
		if (strchr("}]", c))
			break_line(out, --depth);
		buf_add_char(out, c);
		if (strchr("{[", c))
			break_line(out, ++depth);
		else if (c == ',')
			break_line(out, depth);
		else if (c == ':')
			buf_add_char(out, ' ');
	}
	buf_add_char(out, '\n');
}

void schema_print(const struct schema *schema, struct buf *out)
{
	struct buf compact = {0};
	schema->print(&compact);
	indent(buf_slice(&compact), out);
	buf_done(&compact);
}
