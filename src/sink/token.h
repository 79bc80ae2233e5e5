/* SPDX-License-Identifier: Apache-2.0 */
/* A bearer token by OAuth 2 client credentials (RFC 6749, 4.4), fetched when it is needed and again before it runs out. One thread. */
#ifndef WINNOW_SINK_TOKEN_H
#define WINNOW_SINK_TOKEN_H

#include "base/err.h"

#include <curl/curl.h>

struct token_opts {
	const char *url, *client_id, *client_secret;
	const char *scopes; /* separated by blanks, or NULL */
};

struct token;

/* Everything in opts is copied. */
struct token *token_new(const struct token_opts *opts);
void token_free(struct token *t);
/* "Authorization: Bearer ...", valid until the next call; or NULL and err. like: a handle whose TLS and proxy are used. */
const char *token_header(struct token *t, CURL *like, struct err *err);
/* The server does not take it: the next call fetches another one. */
void token_drop(struct token *t);

#endif
