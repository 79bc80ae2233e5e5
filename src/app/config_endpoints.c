/* SPDX-License-Identifier: Apache-2.0 */
/* remote_write: what one endpoint cannot have together, and what several cannot have in common. */
#include "app/config_option.h"
#include "base/hash.h"

#include <stdio.h>

enum { NAME_MAX_LEN = 63 };

/* Where a complaint about a key of an endpoint points: to it, if it is there. */
static const struct yaml *at_key(const struct yaml *endpoint, const char *key)
{
	const struct yaml *node = endpoint->kind == YAML_MAP ? yaml_get(endpoint, key) : NULL;
	return node ? node : endpoint;
}

static void check_authorization(struct loader *l, const struct config_endpoint *e, const struct yaml *at)
{
	if (!e->username != !e->password)
		loader_complain(l, at_key(at, "basic_auth"), "basic_auth needs both username and password");
	if (e->username && e->bearer_token)
		loader_complain(l, at_key(at, "bearer_token"), "either basic_auth or bearer_token, not both");
	bool signs = e->sigv4.region, asks = e->oauth2.token_url;
	if (signs && (!e->sigv4.access_key || !e->sigv4.secret_key))
		loader_complain(l, at_key(at, "sigv4"), "sigv4 needs both access_key and secret_key");
	if (asks && (!e->oauth2.client_id || !e->oauth2.client_secret))
		loader_complain(l, at_key(at, "oauth2"), "oauth2 needs both client_id and client_secret");
	if (signs + asks + (e->username || e->bearer_token) > 1)
		loader_complain(l, at, "one of basic_auth, bearer_token, sigv4 and oauth2, not several");
}

static void check_name(struct loader *l, struct config_endpoint *e, const struct yaml *at)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	if (strlen(e->name) > NAME_MAX_LEN || strspn(e->name, letters) != strlen(e->name))
		loader_complain(l, at_key(at, "name"), "\"%.100s\" is no name for an endpoint: letters, digits, \"_\", \"-\" and \".\", %d at most", e->name, (int)NAME_MAX_LEN);
	e->id = strcmp(e->name, CONFIG_ENDPOINT_FIRST) == 0 ? 0 : hash_bytes(slice_str(e->name)) | 1;
}

static void check_endpoint(struct loader *l, struct config_endpoint *e, const struct yaml *at)
{
	if (!e->url) {
		if (at->kind != YAML_MAP || !yaml_get(at, "url"))
			loader_complain(l, at, "remote_write.url is required, for example http://localhost:9090/api/v1/write");
	} else if (!loader_http_url(e->url)) {
		loader_complain(l, at_key(at, "url"), "url must be http://HOST[:PORT]/PATH or https://...");
	}
	check_name(l, e, at);
	check_authorization(l, e, at);
	if (!e->cert != !e->key)
		loader_complain(l, at_key(at, "tls"), "tls needs both cert and key");
}

static bool same_header(const struct config_pairs *headers, const struct config_pair *p)
{
	for (size_t i = 0; i < headers->len; i++)
		if (strcmp(headers->items[i].key, p->key) == 0 && strcmp(headers->items[i].value, p->value) == 0)
			return true;
	return false;
}

/* Tenants of one receiver differ in headers alone. */
static bool same_headers(const struct config_pairs *a, const struct config_pairs *b)
{
	for (size_t i = 0; i < a->len; i++)
		if (!same_header(b, &a->items[i]))
			return false;
	return a->len == b->len;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_place(const struct config_endpoint *a, const struct config_endpoint *b)
{
	return a->url && same_text(a->url, b->url) && same_headers(&a->headers, &b->headers) && same_text(a->username, b->username) && same_text(a->bearer_token, b->bearer_token) &&
		same_text(a->oauth2.client_id, b->oauth2.client_id) && same_text(a->sigv4.access_key, b->sigv4.access_key);
}

/* Against those before it. */
static void check_distinct(struct loader *l, size_t index, const struct yaml *at)
{
	const struct config_endpoint *all = l->config->remote_write, *e = &all[index];
	for (size_t i = 0; i < index; i++) {
		if (all[i].id == e->id) {
			loader_complain(l, at_key(at, "name"), "a second endpoint called \"%s\"%s", e->name, e->id ? "" : ", as it is without a name: each needs one of its own, which the journal knows it by");
			return;
		}
		if (same_place(&all[i], e)) {
			loader_complain(l, at_key(at, "url"), "\"%s\" and \"%s\" are the same place: it would get every sample twice", all[i].name, e->name);
			return;
		}
	}
}

void loader_check_endpoints(struct loader *l)
{
	const struct yaml *root = yaml_root(l->doc), *node = yaml_get(root, "remote_write");
	struct config *c = l->config;
	bool list = node && node->kind == YAML_LIST && node->len;
	if (c->remote_write_len > CONFIG_ENDPOINTS_MAX)
		loader_complain(l, node, "%zu endpoints; at most %d", c->remote_write_len, (int)CONFIG_ENDPOINTS_MAX);
	for (size_t i = 0; i < c->remote_write_len; i++) {
		const struct yaml *at = list ? &node->items[i] : node ? node : root;
		if (list && at->kind != YAML_MAP)
			continue; /* said already */
		check_endpoint(l, &c->remote_write[i], at);
		check_distinct(l, i, at);
	}
}
