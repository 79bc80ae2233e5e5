/* SPDX-License-Identifier: Apache-2.0 */
/* Where bytes go by HTTP: keep-alive connections over libcurl, one unless several posts go at once; the caller decides what is sent again. One thread per sender. */
#ifndef WINNOW_SINK_HTTP_H
#define WINNOW_SINK_HTTP_H

#include "base/buf.h"
#include "base/err.h"
#include "sink/token.h"

struct http_header {
	const char *name, *value;
};

enum http_body { HTTP_REMOTE_WRITE, HTTP_OTLP, HTTP_OTLP_GZIP }; /* what is posted, which decides about the protocol's headers */

struct http_opts {
	const char *url;
	enum http_body body;
	const struct http_header *headers; /* the user's; protocol headers win over them */
	size_t headers_len;
	const char *username, *password;   /* basic auth, or NULL */
	const char *bearer_token;          /* or NULL */
	const char *ca_file, *cert_file, *key_file;
	bool insecure_skip_verify;
	const char *proxy;                 /* http://HOST:PORT, or NULL: what the environment says */
	const char *sigv4;                 /* aws:amz:REGION:SERVICE, or NULL: username and password are the keys that requests are signed with */
	const struct token_opts *oauth2;   /* or NULL */
	int64_t timeout_ns;                /* 30 s */
};

enum http_verdict {
	HTTP_OK,      /* 2xx */
	HTTP_RETRY,   /* 5xx, 429, no connection, timeout: send the same bytes again later */
	HTTP_REFUSED, /* other 4xx: never send these bytes again */
};

struct http_reply {
	enum http_verdict verdict;
	int status;                /* 0: no answer */
	int64_t retry_after_ns;    /* of Retry-After (seconds or HTTP date), -1: none */
	bool delivered;            /* bytes of the request left: without an answer, the receiver may have taken them all the same */
	bool repeated;             /* the kept connection died under the request and it was sent once more: the answer may be about the second copy */
	int64_t written_samples, written_histograms, written_exemplars; /* of X-Prometheus-Remote-Write-*-Written, -1: no such header */
	struct slice answer;       /* the first 4 KiB of the answer's body: a view, until the next post */
	char reason[512];          /* the receiver's words, or what kept us from reaching it; one line */
};

struct http_sender;

/* ERR_INPUT: the URL, a header or a TLS file is not usable. Everything in opts is copied. */
int http_sender_new(const struct http_opts *opts, struct http_sender **ret, struct err *err);
void http_sender_free(struct http_sender *s);
/* The version that the next posts' bodies have: 1 (as at first) or 2. */
void http_sender_set_version(struct http_sender *s, int version);
/* One POST of a body (already compressed). Of remote write, attempt > 0 adds Retry-Attempt. */
void http_sender_post(struct http_sender *s, struct slice body, unsigned attempt, struct http_reply *ret);
/* One of several posts at once. */
struct http_job {
	struct slice body;
	struct http_reply reply;
};
enum { HTTP_JOBS_MAX = 16 };
/* First tries of at most HTTP_JOBS_MAX bodies at once, each over a connection of its own; returns when all have their reply. */
void http_sender_post_all(struct http_sender *s, struct http_job *jobs, size_t len);
/* Makes a post that is under way, and every later one, return soon as HTTP_RETRY; any thread. */
void http_sender_abort(struct http_sender *s);

#endif
