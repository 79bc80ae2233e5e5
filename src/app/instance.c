/* SPDX-License-Identifier: Apache-2.0 */
#include "app/instance.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/config.h"
#include "base/mem.h"

/* admin.listen where nobody has set it */
#define USUAL "127.0.0.1:9465"

enum { TIMEOUT_MS = 10000, ANSWER_MAX = 64 << 20 };

struct instance {
	char *url;
	struct curl_slist *headers;
	CURL *curl;
	struct json_parser *parser;
	struct buf body;
	char trouble[CURL_ERROR_SIZE];
};

static size_t take_answer(char *bytes, size_t size, size_t n, void *arg)
{
	struct instance *i = arg;
	if (i->body.len + size * n > ANSWER_MAX)
		return 0;
	buf_add(&i->body, bytes, size * n);
	return size * n;
}

/* Address and token out of the file. */
static int from_config(const char *path, char **ret_address, char **ret_token, struct err *err)
{
	struct config *config = NULL;
	struct config_errors errors = {0};
	if (config_load(path, &config, &errors)) {
		err_set(err, ERR_INPUT, "%.*s", (int)slice_trim(buf_slice(&errors.text)).len, buf_cstr(&errors.text));
		config_errors_done(&errors);
		return ERR_INPUT;
	}
	*ret_address = mem_strdup(slice_str(config->admin.listen));
	if (config->admin.token)
		*ret_token = mem_strdup(slice_str(config->admin.token));
	config_free(config);
	return 0;
}

static void set_up(struct instance *i, const char *address, const char *token)
{
	struct buf text = {0};
	bool url = strstr(address, "://") != NULL;
	buf_printf(&text, "%s%s%s", url ? "" : "http://", address[0] == ':' ? "localhost" : "", address);
	while (text.len && text.data[text.len - 1] == '/')
		text.len--;
	i->url = mem_strdup(buf_slice(&text));
	buf_reset(&text);
	if (token) {
		buf_printf(&text, "Authorization: Bearer %s", token);
		i->headers = curl_slist_append(NULL, buf_cstr(&text));
	}
	buf_done(&text);
	curl_easy_setopt(i->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(i->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(i->curl, CURLOPT_PROXY, ""); /* it is near */
	curl_easy_setopt(i->curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
	curl_easy_setopt(i->curl, CURLOPT_ERRORBUFFER, i->trouble);
	curl_easy_setopt(i->curl, CURLOPT_HTTPHEADER, i->headers);
	curl_easy_setopt(i->curl, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(i->curl, CURLOPT_WRITEDATA, i);
}

int instance_open(const char *address, const char *config_path, struct instance **ret, struct err *err)
{
	char *listen = NULL, *token = NULL;
	if (!address && !config_path) {
		config_path = access("winnow.yaml", F_OK) == 0 ? "winnow.yaml" : NULL;
		address = config_path ? NULL : USUAL;
	}
	if (config_path) {
		int code = from_config(config_path, &listen, &token, err);
		if (code)
			return code;
	}
	struct instance *i = mem_zalloc(1, sizeof(*i));
	curl_global_init(CURL_GLOBAL_DEFAULT);
	i->curl = curl_easy_init();
	i->parser = json_parser_new();
	if (!i->curl || !i->parser)
		abort(); /* only for want of memory */
	set_up(i, address ? address : listen, token);
	free(listen);
	free(token);
	*ret = i;
	return 0;
}

void instance_free(struct instance *i)
{
	if (!i)
		return;
	curl_easy_cleanup(i->curl);
	curl_slist_free_all(i->headers);
	json_parser_free(i->parser);
	buf_done(&i->body);
	free(i->url);
	free(i);
}

struct slice instance_answer(const struct instance *i)
{
	return buf_slice(&i->body);
}

const char *instance_url(const struct instance *i)
{
	return i->url;
}

/* What an error says: the text in {"error": ...}, else its first line. */
static struct slice words(struct instance *i)
{
	struct json json;
	struct slice body = buf_slice(&i->body);
	if (body.len && json_parser_parse(i->parser, body.ptr, body.len, &json) == JSON_OK) {
		struct slice error = json_text(&json, json_get(&json, JSON_ROOT, SLICE("error")));
		if (error.len)
			return slice_sub(error, 0, 300);
	}
	return slice_trim(slice_sub(body, 0, slice_find(slice_sub(body, 0, 300), '\n', 0)));
}

int instance_get(struct instance *i, const char *path, struct json *ret, struct err *err)
{
	struct buf url = {0};
	long status = 0;
	buf_printf(&url, "%s%s", i->url, path);
	curl_easy_setopt(i->curl, CURLOPT_URL, buf_cstr(&url));
	buf_done(&url);
	buf_reset(&i->body);
	CURLcode code = curl_easy_perform(i->curl);
	if (code != CURLE_OK)
		return err_set(err, ERR_UNREACHABLE, "no answer from %s: %s", i->url, i->trouble[0] ? i->trouble : curl_easy_strerror(code));
	curl_easy_getinfo(i->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		struct slice said = words(i);
		return err_set(err, ERR_INPUT, "%s%s: %ld %.*s", i->url, path, status, (int)said.len, said.len ? said.ptr : "");
	}
	if (json_parser_parse(i->parser, i->body.data ? i->body.data : "", i->body.len, ret) != JSON_OK)
		return err_set(err, ERR_INPUT, "%s%s: what it answers is not JSON", i->url, path);
	return 0;
}
