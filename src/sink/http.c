/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/http.h"

#include "base/clock.h"
#include "base/mem.h"
#include "sink/answer.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ANSWER_MAX = 4096 }; /* of an answer's body: more is read and dropped */

/* A post under way and the connection it goes over. */
struct lane {
	struct http_sender *sender;
	CURL *curl;
	struct slice body;
	size_t taken;      /* of it, by libcurl */
	bool repeated;
	int64_t written[ANSWER_WRITTEN]; /* -1: not said */
	struct buf answer;
	char error[CURL_ERROR_SIZE];
};

struct http_sender {
	struct lane lanes[HTTP_JOBS_MAX]; /* the first one always; the others since they were needed first */
	CURLM *multi;                     /* since several posts went at once first */
	struct curl_slist *headers[2]; /* of remote write 1.0, of 2.0 */
	int version;
	enum http_body kind;
	struct token *token;
	bool signs;        /* libcurl does, and then wants the whole body at once */
	int64_t timeout_ns;
	atomic_bool aborted;
};

static void start_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* --- headers --- */

/* What the specifications of remote write, of OTLP and of HTTP itself fix; users cannot change these. */
static const char *const protocol_headers[] = {
	"User-Agent: winnow/" WINNOW_VERSION,
	"Content-Type", "Content-Encoding", "X-Prometheus-Remote-Write-Version",
	"Content-Length", "Transfer-Encoding", "Connection", "Retry-Attempt",
	"Expect:", /* no waiting for 100 Continue */
};

enum { BODY_HEADERS = 3 };
static const char *const version_headers[2][BODY_HEADERS] = {
	{"Content-Type: application/x-protobuf", "Content-Encoding: snappy", "X-Prometheus-Remote-Write-Version: 0.1.0"},
	{"Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request", "Content-Encoding: snappy", "X-Prometheus-Remote-Write-Version: 2.0.0"},
};
static const char *const otlp_headers[BODY_HEADERS] = {"Content-Type: application/x-protobuf"};
static const char *const otlp_gzip_headers[BODY_HEADERS] = {"Content-Type: application/x-protobuf", "Content-Encoding: gzip"};

static bool is_protocol_header(struct slice name)
{
	for (size_t i = 0; i < sizeof(protocol_headers) / sizeof(protocol_headers[0]); i++) {
		struct slice line = slice_str(protocol_headers[i]);
		if (slice_eq_nocase(name, slice_sub(line, 0, slice_find(line, ':', 0))))
			return true;
	}
	return false;
}

static bool is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7F || strchr("()<>@,;:\\\"/[]?={}", s.ptr[i]))
			return false;
	return s.len > 0;
}

static bool is_header_value(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (((unsigned char)s.ptr[i] < ' ' && s.ptr[i] != '\t') || s.ptr[i] == 0x7F)
			return false;
	return true;
}

static void append_header(struct curl_slist **headers, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*headers, line);
	if (!longer)
		abort(); /* out of memory */
	*headers = longer;
}

static void add_header(struct http_sender *s, const char *line)
{
	for (size_t v = 0; v < 2; v++)
		append_header(&s->headers[v], line);
}

static void add_pair(struct http_sender *s, const char *name, const char *separator, const char *value)
{
	struct buf line = {0};
	buf_printf(&line, "%s%s%s", name, separator, value);
	add_header(s, buf_cstr(&line));
	buf_done(&line);
}

static void set_protocol_headers(struct http_sender *s)
{
	for (size_t i = 0; i < sizeof(protocol_headers) / sizeof(protocol_headers[0]); i++)
		if (strchr(protocol_headers[i], ':') && !(s->signs && strcmp(protocol_headers[i], "Expect:") == 0)) /* libcurl would sign it, and not send it */
			add_header(s, protocol_headers[i]);
	for (size_t v = 0; v < 2; v++) {
		const char *const *of_body = s->kind == HTTP_OTLP ? otlp_headers : s->kind == HTTP_OTLP_GZIP ? otlp_gzip_headers : version_headers[v];
		for (size_t i = 0; i < BODY_HEADERS && of_body[i]; i++)
			append_header(&s->headers[v], of_body[i]);
	}
}

/* One of the user's; those that are ours to set are passed over. */
static int set_header(struct http_sender *s, const struct http_header *h, bool own_authorization, struct err *err)
{
	struct slice name = slice_str(h->name);
	if (!is_token(name) || !is_header_value(slice_str(h->value)))
		return err_set(err, ERR_INPUT, "header \"%s\" is not a valid HTTP header", h->name ? h->name : "");
	if (is_protocol_header(name) || (own_authorization && slice_eq_nocase(name, SLICE("Authorization"))))
		return 0;
	if (!h->value || !h->value[0])
		add_pair(s, h->name, ";", ""); /* how libcurl spells a header with no value */
	else
		add_pair(s, h->name, ": ", h->value);
	return 0;
}

static int set_headers(struct http_sender *s, const struct http_opts *opts, struct err *err)
{
	int rc = 0;
	set_protocol_headers(s);
	for (size_t i = 0; !rc && i < opts->headers_len; i++)
		rc = set_header(s, &opts->headers[i], opts->username || opts->bearer_token || opts->oauth2, err);
	if (rc || !opts->bearer_token)
		return rc;
	if (!is_header_value(slice_str(opts->bearer_token)))
		return err_set(err, ERR_INPUT, "the bearer token holds a line break or a control character");
	add_pair(s, "Authorization", ": Bearer ", opts->bearer_token);
	return 0;
}

/* --- set up --- */

static int check_url(const char *url, struct err *err)
{
	int status = 0;
	char *scheme = NULL;
	CURLU *parts = curl_url();
	if (!url || curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK || curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
		status = err_set(err, ERR_INPUT, "the URL is not valid; expected http://HOST:PORT/PATH");
	else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		status = err_set(err, ERR_INPUT, "the URL starts with %s://; expected http:// or https://", scheme);
	curl_free(scheme);
	curl_url_cleanup(parts);
	return status;
}

static size_t give_body(char *to, size_t size, size_t count, void *user)
{
	struct lane *lane = user;
	struct slice piece = slice_sub(lane->body, lane->taken, size * count);
	if (piece.len > 0)
		memcpy(to, piece.ptr, piece.len);
	lane->taken += piece.len;
	return piece.len;
}

/* libcurl starts over when a kept connection turns out to be dead; the peer may have read the first copy. */
static int give_again(void *user, curl_off_t offset, int origin)
{
	struct lane *lane = user;
	if (origin != SEEK_SET || offset < 0 || (size_t)offset > lane->body.len)
		return CURL_SEEKFUNC_FAIL;
	lane->taken = (size_t)offset;
	lane->repeated = true;
	return CURL_SEEKFUNC_OK;
}

static size_t take_answer(char *bytes, size_t size, size_t count, void *user)
{
	struct lane *lane = user;
	size_t room = ANSWER_MAX - lane->answer.len, len = size * count;
	buf_add(&lane->answer, bytes, len < room ? len : room);
	return len;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *user)
{
	answer_take_header(slice_of(bytes, size * count), ((struct lane *)user)->written);
	return size * count;
}

static int on_progress(void *user, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	(void)down_total, (void)down, (void)up_total, (void)up;
	struct http_sender *s = user;
	return atomic_load(&s->aborted);
}

static int set_file(struct http_sender *s, CURLoption option, const char *path, struct err *err)
{
	if (!path)
		return 0;
	if (access(path, R_OK) != 0)
		return err_set(err, ERR_INPUT, "cannot read %s", path);
	curl_easy_setopt(s->lanes[0].curl, option, path);
	return 0;
}

static int set_tls(struct http_sender *s, const struct http_opts *opts, struct err *err)
{
	int status = set_file(s, CURLOPT_CAINFO, opts->ca_file, err);
	if (status == 0)
		status = set_file(s, CURLOPT_SSLCERT, opts->cert_file, err);
	if (status == 0)
		status = set_file(s, CURLOPT_SSLKEY, opts->key_file, err);
	if (opts->insecure_skip_verify) {
		curl_easy_setopt(s->lanes[0].curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(s->lanes[0].curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	return status;
}

static void set_transfer(struct http_sender *s, const struct http_opts *opts)
{
	long timeout_ms = (long)(s->timeout_ns / NS_PER_MS);
	curl_easy_setopt(s->lanes[0].curl, CURLOPT_URL, opts->url);
	curl_easy_setopt(s->lanes[0].curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(s->lanes[0].curl, CURLOPT_POST, 1L);
	curl_easy_setopt(s->lanes[0].curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(s->lanes[0].curl, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(s->lanes[0].curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < 10000 ? timeout_ms : 10000L);
	curl_easy_setopt(s->lanes[0].curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(s->lanes[0].curl, CURLOPT_READFUNCTION, give_body);
	curl_easy_setopt(s->lanes[0].curl, CURLOPT_SEEKFUNCTION, give_again);
	curl_easy_setopt(s->lanes[0].curl, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(s->lanes[0].curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(s->lanes[0].curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(s->lanes[0].curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(s->lanes[0].curl, CURLOPT_XFERINFODATA, s);
	if (opts->proxy)
		curl_easy_setopt(s->lanes[0].curl, CURLOPT_PROXY, opts->proxy);
	if (opts->sigv4)
		curl_easy_setopt(s->lanes[0].curl, CURLOPT_AWS_SIGV4, opts->sigv4);
	s->signs = opts->sigv4 != NULL;
	if (opts->username && !opts->bearer_token) {
		curl_easy_setopt(s->lanes[0].curl, CURLOPT_HTTPAUTH, (long)(opts->sigv4 ? CURLAUTH_AWS_SIGV4 : CURLAUTH_BASIC));
		curl_easy_setopt(s->lanes[0].curl, CURLOPT_USERNAME, opts->username);
		curl_easy_setopt(s->lanes[0].curl, CURLOPT_PASSWORD, opts->password ? opts->password : "");
	}
}

/* What a connection has for itself. */
static void open_lane(struct http_sender *s, struct lane *lane, CURL *curl)
{
	if (!curl)
		abort(); /* out of memory */
	lane->sender = s;
	lane->curl = curl;
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, lane->error);
	curl_easy_setopt(curl, CURLOPT_READDATA, lane);
	curl_easy_setopt(curl, CURLOPT_SEEKDATA, lane);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, lane);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, lane);
	curl_easy_setopt(curl, CURLOPT_PRIVATE, lane);
}

int http_sender_new(const struct http_opts *opts, struct http_sender **ret, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, start_curl);
	int status = check_url(opts->url, err);
	if (status < 0)
		return status;
	struct http_sender *s = mem_zalloc(1, sizeof(*s));
	s->version = 1;
	s->kind = opts->body;
	s->timeout_ns = opts->timeout_ns > 0 ? opts->timeout_ns : 30 * NS_PER_S;
	open_lane(s, &s->lanes[0], curl_easy_init());
	set_transfer(s, opts);
	if (opts->oauth2)
		s->token = token_new(opts->oauth2);
	status = set_tls(s, opts, err);
	if (status == 0)
		status = set_headers(s, opts, err);
	if (status < 0) {
		http_sender_free(s);
		return status;
	}
	*ret = s;
	return 0;
}

void http_sender_free(struct http_sender *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < HTTP_JOBS_MAX && s->lanes[i].curl; i++) {
		curl_easy_cleanup(s->lanes[i].curl);
		buf_done(&s->lanes[i].answer);
	}
	if (s->multi)
		curl_multi_cleanup(s->multi);
	token_free(s->token);
	for (size_t v = 0; v < 2; v++)
		curl_slist_free_all(s->headers[v]);
	free(s);
}

void http_sender_set_version(struct http_sender *s, int version)
{
	s->version = version;
}

void http_sender_abort(struct http_sender *s)
{
	atomic_store(&s->aborted, true);
}

/* --- one post --- */

static enum http_verdict verdict_of(int status)
{
	if (status >= 200 && status < 300)
		return HTTP_OK;
	return status >= 400 && status < 500 && status != 429 ? HTTP_REFUSED : HTTP_RETRY;
}

static void read_reply(struct lane *lane, CURLcode code, struct http_reply *ret)
{
	long status = 0;
	curl_off_t sent = 0, retry_after = 0;
	curl_easy_getinfo(lane->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(lane->curl, CURLINFO_SIZE_UPLOAD_T, &sent);
	curl_easy_getinfo(lane->curl, CURLINFO_RETRY_AFTER, &retry_after); /* seconds; a date is turned into them */
	ret->delivered = sent > 0;
	ret->repeated = lane->repeated;
	if (code != CURLE_OK) { /* also when a status came but the rest of the answer did not */
		answer_line(slice_str(atomic_load(&lane->sender->aborted) ? "stopped" : lane->error[0] ? lane->error : curl_easy_strerror(code)), ret->reason, sizeof(ret->reason));
		return;
	}
	ret->status = (int)status;
	ret->answer = buf_slice(&lane->answer);
	ret->written_samples = lane->written[0];
	ret->written_histograms = lane->written[1];
	ret->written_exemplars = lane->written[2];
	ret->verdict = verdict_of(ret->status);
	if (retry_after > 0)
		ret->retry_after_ns = retry_after < 86400 ? retry_after * NS_PER_S : 86400 * NS_PER_S;
	if (ret->verdict != HTTP_OK)
		answer_line(buf_slice(&lane->answer), ret->reason, sizeof(ret->reason));
	if (ret->verdict != HTTP_OK && ret->reason[0] == 0)
		answer_line(SLICE("(the receiver gave no reason)"), ret->reason, sizeof(ret->reason));
}

static void no_reply_yet(struct http_reply *ret)
{
	*ret = (struct http_reply){.verdict = HTTP_RETRY, .retry_after_ns = -1, .written_samples = -1, .written_histograms = -1, .written_exemplars = -1, .reason = "stopped"};
}

static void load(struct lane *lane, struct slice body, struct curl_slist *headers)
{
	buf_reset(&lane->answer);
	lane->error[0] = 0;
	lane->body = body;
	lane->taken = 0;
	lane->repeated = false;
	lane->written[0] = lane->written[1] = lane->written[2] = -1;
	curl_easy_setopt(lane->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(lane->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
	if (lane->sender->signs)
		curl_easy_setopt(lane->curl, CURLOPT_POSTFIELDS, body.ptr);
}

/* With a token in front, which is fetched if need be; false: there is none, and *ret says why. */
static bool authorize(struct http_sender *s, struct curl_slist *authorization, struct curl_slist **headers, struct http_reply *ret)
{
	struct err err = {0};
	if (!s->token)
		return true;
	*authorization = (struct curl_slist){.data = (char *)(uintptr_t)token_header(s->token, s->lanes[0].curl, &err), .next = *headers};
	if (!authorization->data)
		answer_line(slice_str(err.text), ret->reason, sizeof(ret->reason));
	*headers = authorization;
	return authorization->data != NULL;
}

/* The lane's post has ended. */
static void unload(struct lane *lane, CURLcode code, struct http_reply *ret)
{
	struct http_sender *s = lane->sender;
	ret->reason[0] = 0;
	read_reply(lane, code, ret);
	if (s->token && (ret->status == 401 || ret->status == 403))
		token_drop(s->token);
	curl_easy_setopt(lane->curl, CURLOPT_HTTPHEADER, NULL); /* forget the headers on the caller's frame */
}

void http_sender_post(struct http_sender *s, struct slice body, unsigned attempt, struct http_reply *ret)
{
	char retry[40];
	struct curl_slist *headers = s->headers[s->version - 1], again = {.data = retry, .next = headers}, authorization;
	no_reply_yet(ret);
	if (atomic_load(&s->aborted))
		return;
	snprintf(retry, sizeof(retry), "Retry-Attempt: %u", attempt);
	if (attempt > 0 && s->kind == HTTP_REMOTE_WRITE)
		headers = &again;
	if (!authorize(s, &authorization, &headers, ret))
		return;
	load(&s->lanes[0], body, headers);
	unload(&s->lanes[0], curl_easy_perform(s->lanes[0].curl), ret);
}

/* --- several at once --- */

static struct lane *lane_at(struct http_sender *s, size_t i)
{
	if (!s->multi && !(s->multi = curl_multi_init()))
		abort(); /* out of memory */
	if (!s->lanes[i].curl)
		open_lane(s, &s->lanes[i], curl_easy_duphandle(s->lanes[0].curl));
	return &s->lanes[i];
}

/* Takes the ended ones out. */
static void collect(struct http_sender *s, struct http_job *jobs)
{
	CURLMsg *m;
	for (int left; (m = curl_multi_info_read(s->multi, &left));) {
		struct lane *lane = NULL;
		CURLcode code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &lane);
		curl_multi_remove_handle(s->multi, lane->curl);
		unload(lane, code, &jobs[lane - s->lanes].reply);
	}
}

void http_sender_post_all(struct http_sender *s, struct http_job *jobs, size_t len)
{
	struct curl_slist *headers = s->headers[s->version - 1], authorization;
	int running = 0;
	for (size_t i = 0; i < len; i++)
		no_reply_yet(&jobs[i].reply);
	if (len == 0 || len > HTTP_JOBS_MAX || atomic_load(&s->aborted))
		return;
	if (!authorize(s, &authorization, &headers, &jobs[0].reply)) {
		for (size_t i = 1; i < len; i++)
			jobs[i].reply = jobs[0].reply;
		return;
	}
	for (size_t i = 0; i < len; i++) {
		struct lane *lane = lane_at(s, i);
		load(lane, jobs[i].body, headers);
		curl_multi_add_handle(s->multi, lane->curl);
	}
	do {
		curl_multi_perform(s->multi, &running);
		collect(s, jobs);
		if (running)
			curl_multi_poll(s->multi, NULL, 0, 100, NULL);
	} while (running);
	collect(s, jobs);
}
