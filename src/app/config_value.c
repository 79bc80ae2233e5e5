/* SPDX-License-Identifier: Apache-2.0 */
/* Values of winnow.yaml: ${...} replaced, then parsed by the option's type. Complaints show the text as it stands in the file, never what a variable
 * or a secret file held. */
#include "app/config_option.h"
#include "base/clock.h"
#include "record/timestamp.h"

#include <ctype.h>
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

enum { SECRET_FILE_MAX = 65536 };

static struct slice keep(struct loader *l, struct slice s)
{
	char *copy = arena_alloc(&l->config->memory->arena, s.len + 1);
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = 0;
	return slice_of(copy, s.len);
}

static bool add_file(struct loader *l, const struct yaml *at, const char *path, struct buf *out)
{
	FILE *f = fopen(path, "re");
	if (!f) {
		loader_complain(l, at, "${file:%s}: %s", path, strerror(errno));
		return false;
	}
	size_t n = fread(buf_reserve(out, SECRET_FILE_MAX), 1, SECRET_FILE_MAX, f);
	bool failed = ferror(f) || n == SECRET_FILE_MAX;
	if (failed)
		loader_complain(l, at, "${file:%s}: %s", path, n == SECRET_FILE_MAX ? "larger than 64 KiB" : strerror(errno));
	fclose(f);
	out->len += n;
	while (!failed && n-- > 0 && (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
		out->len--; /* secrets are written with an end of line that is none of theirs */
	return !failed;
}

static bool name_ok(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!isalnum((unsigned char)name.ptr[i]) && name.ptr[i] != '_')
			return false;
	return name.len > 0 && !isdigit((unsigned char)name.ptr[0]);
}

static bool add_variable(struct loader *l, const struct yaml *at, struct slice inside, struct buf *out)
{
	size_t colon = slice_search(inside, SLICE(":-"));
	struct slice name = keep(l, slice_sub(inside, 0, colon));
	if (!name_ok(name)) {
		loader_complain(l, at, "\"${%.*s}\" is neither ${NAME}, ${NAME:-default} nor ${file:PATH}", (int)(inside.len < 100 ? inside.len : 100), inside.ptr);
		return false;
	}
	const char *value = getenv(name.ptr);
	if (colon < inside.len && (!value || !*value)) {
		buf_add_slice(out, slice_sub(inside, colon + 2, inside.len));
		return true;
	}
	if (!value)
		loader_complain(l, at, "the environment has no variable \"%s\"; ${%s:-default} would give it a default", name.ptr, name.ptr);
	else
		buf_add_str(out, value);
	return value != NULL;
}

static bool add_reference(struct loader *l, const struct yaml *at, struct slice inside, struct buf *out)
{
	if (slice_starts(inside, SLICE("file:")))
		return add_file(l, at, keep(l, slice_sub(inside, 5, inside.len)).ptr, out);
	return add_variable(l, at, inside, out);
}

static bool expand(struct loader *l, const struct yaml *value, struct buf *out)
{
	struct slice s = value->text;
	while (s.len > 0) {
		size_t dollar = slice_find(s, '$', 0);
		buf_add_slice(out, slice_sub(s, 0, dollar));
		s = slice_sub(s, dollar, s.len);
		if (slice_starts(s, SLICE("$${"))) { /* ${ itself */
			buf_add_str(out, "${");
			s = slice_sub(s, 3, s.len);
		} else if (slice_starts(s, SLICE("${"))) {
			size_t end = slice_find(s, '}', 2);
			if (end == s.len) {
				loader_complain(l, value, "\"${\" without \"}\"");
				return false;
			}
			if (!add_reference(l, value, slice_sub(s, 2, end - 2), out))
				return false;
			s = slice_sub(s, end + 1, s.len);
		} else if (s.len) {
			buf_add_char(out, '$');
			s = slice_sub(s, 1, s.len);
		}
	}
	return true;
}

bool loader_expand(struct loader *l, const struct yaml *value, struct slice *ret)
{
	if (value->kind != YAML_SCALAR) {
		loader_complain(l, value, "expected a value, not a %s", value->kind == YAML_LIST ? "list" : "map");
		return false;
	}
	struct buf out = {0};
	bool ok = expand(l, value, &out);
	if (ok && memchr(out.len ? out.data : "", 0, out.len)) {
		loader_complain(l, value, "a value with a NUL byte");
		ok = false;
	}
	if (ok)
		*ret = keep(l, buf_slice(&out));
	buf_done(&out);
	return ok;
}

/* Numbers of options with a range, from the file, the fallback, min and max alike. */
static bool to_number(enum option_type type, struct slice s, int64_t *ret)
{
	return type == OPTION_DURATION ? clock_parse_duration(s, ret) : slice_to_i64(s, ret);
}

static void store_number(struct loader *l, const struct option *o, const struct yaml *value, struct slice s, int64_t *ret)
{
	int64_t number, min, max;
	if (!to_number(o->type, s, &number))
		loader_complain(l, value, "\"%.100s\" is not %s", value->text.ptr, o->type == OPTION_DURATION ? "a duration like 10s, 250ms or 1h30m" : "a whole number");
	else if (o->min && to_number(o->type, slice_str(o->min), &min) && to_number(o->type, slice_str(o->max), &max) && (number < min || number > max))
		loader_complain(l, value, "%s is out of range; %s to %s are allowed", value->text.ptr, o->min, o->max);
	else
		*ret = number;
}

static void store_bool(struct loader *l, const struct yaml *value, struct slice s, bool *ret)
{
	bool yes = slice_eq(s, SLICE("true"));
	if (!yes && !slice_eq(s, SLICE("false")))
		loader_complain(l, value, "\"%.100s\" is neither true nor false", value->text.ptr);
	else
		*ret = yes;
}

static void store_choice(struct loader *l, const struct option *o, const struct yaml *value, struct slice s, int *ret)
{
	struct buf known = {0};
	for (int i = 0; o->choices[i]; i++) {
		const char *name = o->choices[i];
		if (slice_eq(s, slice_str(name))) {
			*ret = i;
			goto out;
		}
		if (*name == '~' && slice_eq(s, slice_str(name + 1))) {
			loader_complain(l, value, "\"%s\" is not supported yet", name + 1);
			goto out;
		}
		if (*name != '~')
			buf_printf(&known, "%s%s", known.len ? ", " : "", name);
	}
	const char *nearest = err_nearest(s, o->choices);
	nearest = nearest && *nearest != '~' ? nearest : NULL;
	loader_complain(l, value, "\"%.100s\" is none of %s%s%s%s", value->text.ptr, buf_cstr(&known), nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
out:
	buf_done(&known);
}

static void store_strings(struct loader *l, const struct yaml *value, struct config_strings *ret)
{
	size_t len = value->kind == YAML_LIST ? value->len : 1;
	const struct yaml *items = value->kind == YAML_LIST ? value->items : value;
	if (value->kind == YAML_SCALAR && value->text.len == 0 && !value->quoted)
		len = 0;
	ret->items = arena_zalloc(&l->config->memory->arena, (len + 1) * sizeof(*ret->items));
	ret->len = 0;
	for (size_t i = 0; i < len; i++) {
		struct slice s;
		if (!loader_expand(l, &items[i], &s))
			continue;
		if (s.len == 0)
			loader_complain(l, &items[i], "an empty name");
		else
			ret->items[ret->len++] = s.ptr;
	}
}

/* librdkafka itself knows its properties; those that the protocol rests on are not the user's to set. */
static void check_kafka_property(struct loader *l, const struct yaml *value, struct slice key, const char *text)
{
	static const char *const ours[] = {"bootstrap.servers", "metadata.broker.list", "group.id", "enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset",
		"partition.assignment.strategy", "enable.idempotence", "enable.partition.eof", NULL};
	for (size_t i = 0; ours[i]; i++)
		if (slice_eq(key, slice_str(ours[i]))) {
			loader_complain(l, value, "winnow sets \"%s\" itself", ours[i]);
			return;
		}
	char why[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, key.ptr, text, why, sizeof(why));
	rd_kafka_conf_destroy(conf);
	if (result == RD_KAFKA_CONF_UNKNOWN)
		loader_complain(l, value, "librdkafka has no property \"%.100s\"", key.ptr);
	else if (result != RD_KAFKA_CONF_OK)
		loader_complain(l, value, "librdkafka does not accept this value for \"%.100s\"", key.ptr);
}

static bool header_ok(struct slice key, const char *value)
{
	for (size_t i = 0; i < key.len; i++)
		if (!isalnum((unsigned char)key.ptr[i]) && !strchr("-_.", key.ptr[i]))
			return false;
	return key.len > 0 && !strpbrk(value, "\r\n");
}

static void store_pairs(struct loader *l, const struct option *o, const struct yaml *value, struct config_pairs *ret)
{
	if (value->kind != YAML_MAP) {
		loader_complain(l, value, "expected a map of names and values");
		return;
	}
	ret->items = arena_zalloc(&l->config->memory->arena, (value->len + 1) * sizeof(*ret->items));
	ret->len = 0;
	for (size_t i = 0; i < value->len; i++) {
		struct slice s;
		if (!loader_expand(l, &value->items[i], &s))
			continue;
		if (o->type == OPTION_KAFKA)
			check_kafka_property(l, &value->items[i], value->keys[i], s.ptr);
		else if (!header_ok(value->keys[i], s.ptr))
			loader_complain(l, &value->items[i], "not a valid header");
		ret->items[ret->len++] = (struct config_pair){.key = keep(l, value->keys[i]).ptr, .value = s.ptr};
	}
}

/* RFC 3339: 2026-03-04T09:15:02Z, with or without fraction, Z or an offset. */
static bool to_time(struct slice s, int64_t *ret_ns)
{
	struct timestamp t;
	if (!timestamp_scan(s, &t) || !t.dated || !t.zoned || t.len != s.len || s.ptr[4] != '-')
		return false;
	*ret_ns = t.ns;
	return true;
}

static void store_start(struct loader *l, const struct yaml *value, struct slice s, struct config_start *ret)
{
	int64_t time_ns = 0;
	if (slice_eq(s, SLICE("earliest")))
		*ret = (struct config_start){.kind = CONFIG_START_EARLIEST};
	else if (slice_eq(s, SLICE("latest")))
		*ret = (struct config_start){.kind = CONFIG_START_LATEST};
	else if (to_time(s, &time_ns))
		*ret = (struct config_start){.kind = CONFIG_START_TIME, .time_ns = time_ns};
	else
		loader_complain(l, value, "\"%.100s\" is neither earliest, latest nor a time like 2026-03-04T09:15:02Z", value->text.ptr);
}

static void store_zone(struct loader *l, const struct yaml *value, struct slice s, const struct zone **ret)
{
	struct err err = {0};
	if (zone_load(s.ptr, &l->config->memory->arena, ret, &err))
		loader_complain(l, value, "%s", err.text);
}

static void store_scalar(struct loader *l, const struct option *o, const struct yaml *value, struct slice s, void *member)
{
	switch (o->type) {
	case OPTION_BOOL:
		store_bool(l, value, s, member);
		break;
	case OPTION_INT:
	case OPTION_DURATION:
		store_number(l, o, value, s, member);
		break;
	case OPTION_CHOICE:
		store_choice(l, o, value, s, member);
		break;
	case OPTION_START:
		store_start(l, value, s, member);
		break;
	case OPTION_ZONE:
		store_zone(l, value, s, member);
		break;
	default:
		if (s.len == 0)
			loader_complain(l, value, "%s is empty", o->path);
		memcpy(member, &s.ptr, sizeof(s.ptr));
	}
}

void loader_store(struct loader *l, const struct option *o, const struct yaml *value, void *base)
{
	void *member = (char *)base + o->offset;
	struct slice s;
	if (o->type == OPTION_STRINGS)
		store_strings(l, value, member);
	else if (o->type == OPTION_PAIRS || o->type == OPTION_KAFKA)
		store_pairs(l, o, value, member);
	else if (loader_expand(l, value, &s))
		store_scalar(l, o, value, s, member);
}

enum option_scope option_scope(const struct option *option)
{
	return strstr(option->path, "[].") ? SCOPE_SOURCE : strncmp(option->path, "remote_write.", 13) == 0 ? SCOPE_ENDPOINT : SCOPE_CONFIG;
}

void loader_defaults(struct loader *l, enum option_scope scope, void *base)
{
	for (size_t i = 0; i < options_len; i++) {
		const struct option *o = &options[i];
		if (!o->fallback || option_scope(o) != scope)
			continue;
		struct yaml value = {.kind = YAML_SCALAR, .text = slice_str(o->fallback)};
		loader_store(l, o, &value, base);
	}
}
