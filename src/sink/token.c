/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/token.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "sink/answer.h"

#include <stdlib.h>

enum { ANSWER_MAX = 65536 };

struct token {
	char *url, *client_id, *client_secret, *scopes;
	struct buf header;
	int64_t until_ns; /* monotonic; 0: there is none */
};

static char *copy(const char *text)
{
	return text ? mem_strdup(slice_str(text)) : NULL;
}

struct token *token_new(const struct token_opts *opts)
{
	struct token *t = mem_zalloc(1, sizeof(*t));
	t->url = copy(opts->url);
	t->client_id = copy(opts->client_id);
	t->client_secret = copy(opts->client_secret);
	t->scopes = copy(opts->scopes);
	return t;
}

void token_free(struct token *t)
{
	if (!t)
		return;
	free(t->url);
	free(t->client_id);
	free(t->client_secret);
	free(t->scopes);
	buf_done(&t->header);
	free(t);
}

void token_drop(struct token *t)
{
	t->until_ns = 0;
}

static size_t take(char *bytes, size_t size, size_t count, void *user)
{
	struct buf *answer = user;
	size_t room = ANSWER_MAX - answer->len, len = size * count;
	buf_add(answer, bytes, len < room ? len : room);
	return len;
}

static void add_escaped(struct buf *form, const char *name, const char *value)
{
	char *escaped = curl_easy_escape(NULL, value, 0);
	if (!escaped)
		abort(); /* out of memory */
	buf_printf(form, "&%s=%s", name, escaped);
	curl_free(escaped);
}

/* The credentials go in the form's body: servers must know that way, or basic authentication; the body keeps what is no ASCII. */
static CURLcode fetch(const struct token *t, CURL *like, struct buf *answer, long *ret_status)
{
	struct buf form = {0};
	CURL *curl = curl_easy_duphandle(like);
	if (!curl)
		abort(); /* out of memory */
	buf_add_str(&form, "grant_type=client_credentials");
	add_escaped(&form, "client_id", t->client_id);
	add_escaped(&form, "client_secret", t->client_secret);
	if (t->scopes)
		add_escaped(&form, "scope", t->scopes);
	curl_easy_setopt(curl, CURLOPT_URL, t->url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, NULL);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, NULL);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)form.len);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, buf_cstr(&form));
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
	curl_easy_cleanup(curl);
	buf_done(&form);
	return code;
}

static int renew(struct token *t, CURL *like, struct err *err)
{
	struct buf answer = {0};
	char *token = NULL, said[200];
	int64_t seconds = 0;
	long status = 0;
	CURLcode code = fetch(t, like, &answer, &status);
	answer_line(buf_slice(&answer), said, sizeof(said));
	int rc = 0;
	if (code != CURLE_OK)
		rc = err_set(err, ERR_UNREACHABLE, "no token from %s: %s", t->url, curl_easy_strerror(code));
	else if (status != 200)
		rc = err_set(err, ERR_UNREACHABLE, "no token from %s: it answered %ld: %s", t->url, status, said);
	else if (!answer_token(buf_slice(&answer), &token, &seconds))
		rc = err_set(err, ERR_UNREACHABLE, "no token from %s: its answer has none", t->url); /* not shown: it may hold half of one */
	buf_done(&answer);
	if (rc)
		return rc;
	buf_reset(&t->header);
	buf_printf(&t->header, "Authorization: Bearer %s", token);
	t->until_ns = clock_mono_ns() + seconds * NS_PER_S * 9 / 10;
	free(token);
	return 0;
}

const char *token_header(struct token *t, CURL *like, struct err *err)
{
	if ((!t->until_ns || clock_mono_ns() >= t->until_ns) && renew(t, like, err) < 0)
		return NULL;
	return buf_cstr(&t->header);
}
