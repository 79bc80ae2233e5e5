/* SPDX-License-Identifier: Apache-2.0 */
/* A real HTTP server on a loopback port for tests of senders: answers as a function says and keeps what it was sent. */
#ifndef WINNOW_TESTS_UNIT_RECEIVER_H
#define WINNOW_TESTS_UNIT_RECEIVER_H

#include "check.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

struct receiver_request {
	struct buf body;
	struct buf headers; /* "name: value\n" each, names in lower case */
	unsigned short port; /* the client's: the same for all requests of one connection */
};

struct receiver_answer {
	unsigned status;
	const char *retry_after; /* or NULL */
	const char *body;
	bool close; /* no answer at all */
	int delay_ms;
};

struct receiver {
	struct MHD_Daemon *daemon;
	pthread_mutex_t mutex;
	struct receiver_request *requests;
	size_t len, cap;
	/* Decides an answer; index is the request's number. Called under the mutex. */
	struct receiver_answer (*answer)(void *user, const struct receiver_request *request, size_t index);
	void *user;
	char url[64];
};

static enum MHD_Result receiver_header(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
	(void)kind;
	struct buf *out = cls;
	for (; *key; key++)
		buf_add_char(out, *key >= 'A' && *key <= 'Z' ? (char)(*key + 32) : *key);
	buf_printf(out, ": %s\n", value ? value : "");
	return MHD_YES;
}

static enum MHD_Result receiver_reply(struct receiver *r, struct MHD_Connection *connection, struct receiver_request *request)
{
	pthread_mutex_lock(&r->mutex);
	r->requests = mem_grow(r->requests, r->len, &r->cap, sizeof(*r->requests));
	r->requests[r->len++] = *request;
	struct receiver_answer answer = r->answer(r->user, &r->requests[r->len - 1], r->len - 1);
	pthread_mutex_unlock(&r->mutex);
	if (answer.delay_ms)
		usleep((useconds_t)answer.delay_ms * 1000);
	if (answer.close)
		return MHD_NO;
	const char *text = answer.body ? answer.body : "";
	struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	if (answer.retry_after)
		MHD_add_response_header(response, "Retry-After", answer.retry_after);
	enum MHD_Result result = MHD_queue_response(connection, answer.status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result receiver_handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method, const char *version, const char *bytes, size_t *len, void **state)
{
	(void)url, (void)version;
	struct receiver_request *request = *state;
	if (!request) {
		*state = mem_zalloc(1, sizeof(*request));
		return MHD_YES;
	}
	if (*len > 0) {
		buf_add(&request->body, bytes, *len);
		*len = 0;
		return MHD_YES;
	}
	buf_printf(&request->headers, "method: %s\n", method);
	MHD_get_connection_values(connection, MHD_HEADER_KIND, receiver_header, &request->headers);
	const struct sockaddr *address = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
	request->port = ((const struct sockaddr_in *)(const void *)address)->sin_port;
	enum MHD_Result result = receiver_reply(cls, connection, request);
	free(request);
	*state = NULL;
	return result;
}

/* A request that a client gave up in the middle. */
static void receiver_dropped(void *cls, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code)
{
	(void)cls, (void)connection, (void)code;
	struct receiver_request *request = *state;
	if (!request)
		return;
	buf_done(&request->body);
	buf_done(&request->headers);
	free(request);
}

static inline void receiver_start(struct receiver *r, struct receiver_answer (*answer)(void *, const struct receiver_request *, size_t), void *user)
{
	*r = (struct receiver){.answer = answer, .user = user};
	pthread_mutex_init(&r->mutex, NULL);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	r->daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, receiver_handle, r, MHD_OPTION_SOCK_ADDR, &address,
		MHD_OPTION_NOTIFY_COMPLETED, receiver_dropped, NULL, MHD_OPTION_END);
	assert_non_null(r->daemon);
	snprintf(r->url, sizeof(r->url), "http://127.0.0.1:%u/api/v1/write", MHD_get_daemon_info(r->daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
}

static inline void receiver_stop(struct receiver *r)
{
	MHD_stop_daemon(r->daemon);
	for (size_t i = 0; i < r->len; i++) {
		buf_done(&r->requests[i].body);
		buf_done(&r->requests[i].headers);
	}
	free(r->requests);
	pthread_mutex_destroy(&r->mutex);
}

static inline bool receiver_has_header(const struct receiver_request *request, const char *line)
{
	struct buf whole = {0};
	buf_printf(&whole, "%s\n", line);
	struct slice all = buf_slice(&request->headers);
	bool found = slice_search(all, buf_slice(&whole)) < all.len;
	buf_done(&whole);
	return found;
}

#endif
