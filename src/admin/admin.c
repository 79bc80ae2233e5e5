/* SPDX-License-Identifier: Apache-2.0 */
/*
 * THE ADMIN SERVER.
 *
 * One thread of libmicrohttpd's serves everything: answers are made at once from views, under the ledger's lock, and handed over as one buffer, so a slow
 * reader holds nothing. Routes are a table.
 *
 * Who may ask: on loopback everyone on this machine; elsewhere only with a token, unless `insecure` says otherwise. Health and the (empty) page need none. Without
 * a token the Host header must be an address or localhost: else any web site could have a browser on this machine read the patterns for it (DNS rebinding). What a page of another
 * origin posts is refused.
 */
#include "admin/admin.h"

#include "admin/view.h"
#include "base/clock.h"
#include "base/mem.h"
#include "metric/openmetrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 64, IDLE_SECONDS = 30, BODY_MAX = 1 << 20 };

/* page.html, as it is in the source tree. */
__asm__(".pushsection .rodata\n.global winnow_page\n.hidden winnow_page\nwinnow_page:\n.incbin \"" WINNOW_PAGE "\"\n"
	".global winnow_page_end\n.hidden winnow_page_end\nwinnow_page_end:\n.popsection\n");
extern const char winnow_page[] __attribute__((visibility("hidden"))), winnow_page_end[] __attribute__((visibility("hidden")));

struct admin {
	struct admin_opts opts;
	char *token, *version;
	struct MHD_Daemon *daemon;
	unsigned port;
	bool loopback;
	int64_t started_ns;
};

/* An answer in the making. */
struct answer {
	struct buf body;
	const char *type;
	unsigned status;
	const char *allow; /* for 405 */
	struct slice given; /* what was posted */
};

#define TEXT "text/plain; charset=utf-8"
#define JSON "application/json"

/* --- routes --- */

static void answer_error(struct answer *a, unsigned status, const char *text)
{
	buf_reset(&a->body);
	a->status = status;
	a->type = JSON;
	buf_add_str(&a->body, "{\"error\":");
	buf_add_json_string(&a->body, slice_str(text));
	buf_add_str(&a->body, "}\n");
}

static void get_page(struct admin *admin, struct MHD_Connection *c, struct slice rest, struct answer *a)
{
	(void)admin, (void)c, (void)rest;
	a->type = "text/html; charset=utf-8";
	buf_add(&a->body, winnow_page, (size_t)(winnow_page_end - winnow_page));
}

static void get_healthy(struct admin *admin, struct MHD_Connection *c, struct slice rest, struct answer *a)
{
	(void)admin, (void)c, (void)rest;
	buf_add_str(&a->body, "healthy\n");
}

static void get_ready(struct admin *admin, struct MHD_Connection *c, struct slice rest, struct answer *a)
{
	(void)c, (void)rest;
	struct admin_status *status = mem_zalloc(1, sizeof(*status));
	admin->opts.status(admin->opts.app, status);
	if (status->not_ready[0])
		a->status = MHD_HTTP_SERVICE_UNAVAILABLE;
	buf_printf(&a->body, "%s\n", status->not_ready[0] ? status->not_ready : "ready");
	free(status);
}

static void post_reload(struct admin *admin, struct MHD_Connection *c, struct slice rest, struct answer *a)
{
	(void)c, (void)rest;
	struct err err = {0};
	if (!admin->opts.reload)
		answer_error(a, MHD_HTTP_NOT_IMPLEMENTED, "this instance cannot reload");
	else if (admin->opts.reload(admin->opts.app, &err) < 0)
		answer_error(a, MHD_HTTP_INTERNAL_SERVER_ERROR, err.text);
	else
		buf_add_str(&a->body, "reloading\n");
}

static void post_incident(struct admin *admin, struct MHD_Connection *c, struct slice rest, struct answer *a)
{
	(void)c, (void)rest;
	struct err err = {0};
	a->type = JSON;
	if (!admin->opts.incident)
		answer_error(a, MHD_HTTP_NOT_IMPLEMENTED, "this instance knows no incidents");
	else if (admin->opts.incident(admin->opts.app, a->given, &a->body, &err) < 0)
		answer_error(a, err.code == ERR_INPUT || err.code == ERR_LIMIT ? MHD_HTTP_BAD_REQUEST : MHD_HTTP_SERVICE_UNAVAILABLE, err.text);
}

static void get_incidents(struct admin *admin, struct MHD_Connection *c, struct slice rest, struct answer *a)
{
	(void)c, (void)rest;
	a->type = JSON;
	if (admin->opts.incidents)
		admin->opts.incidents(admin->opts.app, &a->body);
	else
		answer_error(a, MHD_HTTP_NOT_IMPLEMENTED, "this instance knows no incidents");
}

static void get_control(struct admin *admin, struct MHD_Connection *c, struct slice rest, struct answer *a)
{
	(void)c;
	a->type = JSON;
	if (admin->opts.control)
		admin->opts.control(admin->opts.app, rest, &a->body);
	else
		answer_error(a, MHD_HTTP_NOT_IMPLEMENTED, "this instance knows no incidents");
}

/* The view and its lock; every view_begin has its view_end. */
static void view_begin(struct admin *admin, struct admin_status *status, struct view *v)
{
	admin->opts.status(admin->opts.app, status);
	*v = (struct view){.opts = &admin->opts, .status = status, .now_ns = clock_wall_ns(), .started_ns = admin->started_ns};
	v->ledger = admin->opts.lock(admin->opts.app);
}

static void view_end(struct admin *admin, const struct view *v)
{
	if (v->ledger)
		admin->opts.unlock(admin->opts.app);
}

static void get_metrics(struct admin *admin, struct MHD_Connection *c, struct slice rest, struct answer *a)
{
	(void)c, (void)rest;
	struct admin_status *status = mem_zalloc(1, sizeof(*status));
	struct view v;
	a->type = OPENMETRICS_CONTENT_TYPE;
	view_begin(admin, status, &v);
	view_metrics(&v, &a->body);
	view_end(admin, &v);
	free(status);
}

static void get_status(struct admin *admin, struct MHD_Connection *c, struct slice rest, struct answer *a)
{
	(void)c, (void)rest;
	struct admin_status *status = mem_zalloc(1, sizeof(*status));
	struct view v;
	a->type = JSON;
	view_begin(admin, status, &v);
	view_status(&v, &a->body);
	view_end(admin, &v);
	free(status);
}

static struct slice parameter(void *request, const char *name)
{
	return slice_str(MHD_lookup_connection_value(request, MHD_GET_ARGUMENT_KIND, name));
}

static void get_patterns(struct admin *admin, struct MHD_Connection *c, struct slice rest, struct answer *a)
{
	(void)rest;
	struct admin_status *status = mem_zalloc(1, sizeof(*status));
	struct err err = {0};
	struct view v;
	a->type = JSON;
	view_begin(admin, status, &v);
	int result = view_patterns(&v, parameter, c, &a->body, &err);
	view_end(admin, &v);
	if (result < 0)
		answer_error(a, MHD_HTTP_BAD_REQUEST, err.text);
	free(status);
}

/* 16 hexadecimal digits. */
static bool read_id(struct slice text, uint64_t *ret)
{
	uint64_t id = 0;
	for (size_t i = 0; i < text.len; i++) {
		const char *digits = "0123456789abcdef", *at = text.ptr[i] ? strchr(digits, text.ptr[i] | 0x20) : NULL;
		if (!at)
			return false;
		id = id << 4 | (uint64_t)(at - digits);
	}
	*ret = id;
	return text.len == 16;
}

static void get_pattern(struct admin *admin, struct MHD_Connection *c, struct slice rest, struct answer *a)
{
	(void)c;
	struct admin_status *status = mem_zalloc(1, sizeof(*status));
	struct view v;
	uint64_t id;
	a->type = JSON;
	view_begin(admin, status, &v);
	bool found = read_id(rest, &id) && view_pattern(&v, id, &a->body);
	view_end(admin, &v);
	if (!found)
		answer_error(a, MHD_HTTP_NOT_FOUND, "no pattern has this id (16 hexadecimal digits)");
	free(status);
}

static void get_cardinality(struct admin *admin, struct MHD_Connection *c, struct slice rest, struct answer *a)
{
	(void)c, (void)rest;
	struct admin_status *status = mem_zalloc(1, sizeof(*status));
	struct view v;
	a->type = JSON;
	view_begin(admin, status, &v);
	view_cardinality(&v, &a->body);
	view_end(admin, &v);
	free(status);
}

static bool is_trace_id(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!text.ptr[i] || !strchr("0123456789abcdef", text.ptr[i]))
			return false;
	return text.len == 32 || text.len == 16;
}

static void get_trace(struct admin *admin, struct MHD_Connection *c, struct slice rest, struct answer *a)
{
	(void)c;
	struct view v;
	a->type = JSON;
	if (!is_trace_id(rest)) {
		answer_error(a, MHD_HTTP_BAD_REQUEST, "no trace id (32 lower-case hexadecimal digits)");
		return;
	}
	struct admin_status *status = mem_zalloc(1, sizeof(*status));
	view_begin(admin, status, &v);
	view_trace(&v, rest, &a->body);
	view_end(admin, &v);
	free(status);
}

static void get_traces(struct admin *admin, struct MHD_Connection *c, struct slice rest, struct answer *a)
{
	(void)rest;
	struct view v;
	uint64_t id;
	int64_t limit = 100;
	struct slice text = parameter(c, "limit");
	a->type = JSON;
	if (!read_id(parameter(c, "pattern"), &id) || (text.len && (!slice_to_i64(text, &limit) || limit < 1 || limit > 10000))) {
		answer_error(a, MHD_HTTP_BAD_REQUEST, "give the pattern's id as pattern=, and a limit from 1 to 10000 if you like");
		return;
	}
	struct admin_status *status = mem_zalloc(1, sizeof(*status));
	view_begin(admin, status, &v);
	view_pattern_traces(&v, id, (size_t)limit, &a->body);
	view_end(admin, &v);
	free(status);
}

struct route {
	const char *method;
	const char *path; /* ending in /: and what follows */
	bool open;        /* needs no token */
	void (*serve)(struct admin *, struct MHD_Connection *, struct slice rest, struct answer *);
};

static const struct route routes[] = {
	{"GET", "/", true, get_page},
	{"GET", "/-/healthy", true, get_healthy},
	{"GET", "/-/ready", true, get_ready},
	{"POST", "/-/reload", false, post_reload},
	{"POST", "/api/v1/incident", false, post_incident},
	{"GET", "/api/v1/incidents", false, get_incidents},
	{"GET", "/api/v1/control/", false, get_control},
	{"GET", "/metrics", false, get_metrics},
	{"GET", "/api/v1/status", false, get_status},
	{"GET", "/api/v1/patterns", false, get_patterns},
	{"GET", "/api/v1/traces/", false, get_trace},
	{"GET", "/api/v1/traces", false, get_traces},
	{"GET", "/api/v1/cardinality", false, get_cardinality},
	{"GET", "/api/v1/patterns/", false, get_pattern},
};

static const struct route *find_route(struct slice path, struct slice *ret_rest)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		struct slice known = slice_str(routes[i].path);
		bool prefix = known.len > 1 && slice_ends(known, SLICE("/"));
		if (!(prefix ? slice_starts(path, known) && path.len > known.len : slice_eq(path, known)))
			continue;
		*ret_rest = slice_sub(path, known.len, path.len);
		return &routes[i];
	}
	return NULL;
}

/* --- who may ask --- */

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* In a time that depends on the lengths only. */
static bool same_secret(struct slice a, struct slice b)
{
	unsigned char different = a.len != b.len;
	for (size_t i = 0; i < a.len && b.len > 0; i++)
		different |= (unsigned char)(a.ptr[i] ^ b.ptr[i % b.len]);
	return !different;
}

static bool has_token(const struct admin *admin, struct MHD_Connection *c)
{
	struct slice given = slice_str(header(c, "Authorization")), scheme = SLICE("Bearer ");
	if (given.len < scheme.len || !slice_eq_nocase(slice_sub(given, 0, scheme.len), scheme))
		return false;
	return same_secret(slice_trim(slice_sub(given, scheme.len, given.len)), slice_str(admin->token));
}

static bool is_address(struct slice host)
{
	char text[64];
	unsigned char address[16];
	if (host.len >= sizeof(text))
		return false;
	memcpy(text, host.ptr, host.len);
	text[host.len] = 0;
	return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static bool is_local_host(struct slice host)
{
	if (host.len == 0)
		return true;
	if (host.ptr[0] == '[')
		return is_address(slice_sub(host, 1, slice_find(host, ']', 0) - 1));
	host.len = slice_find(host, ':', 0);
	return slice_eq_nocase(host, SLICE("localhost")) || is_address(host);
}

/* A page of another origin may have a browser post without asking first; browsers say so. */
static bool is_foreign(struct MHD_Connection *c)
{
	struct slice origin = slice_str(header(c, "Origin")), host = slice_str(header(c, "Host"));
	size_t scheme = slice_search(origin, SLICE("://"));
	return origin.len > 0 && !slice_eq_nocase(slice_sub(origin, scheme + 3, origin.len), host);
}

/* 0, or the status to answer with. */
static unsigned denial(const struct admin *admin, struct MHD_Connection *c, const struct route *route)
{
	if (route->open)
		return 0;
	if (strcmp(route->method, MHD_HTTP_METHOD_POST) == 0 && is_foreign(c))
		return MHD_HTTP_FORBIDDEN;
	if (admin->token)
		return has_token(admin, c) ? 0 : MHD_HTTP_UNAUTHORIZED;
	return !admin->loopback || is_local_host(slice_str(header(c, "Host"))) ? 0 : MHD_HTTP_FORBIDDEN;
}

/* --- one request --- */

static void serve(struct admin *admin, struct MHD_Connection *c, const char *path, const char *method, struct answer *a)
{
	struct slice rest;
	const struct route *route = find_route(slice_str(path), &rest);
	unsigned denied = route ? denial(admin, c, route) : 0;
	bool head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
	if (!route)
		answer_error(a, MHD_HTTP_NOT_FOUND, "no such page; see /, /metrics, /-/healthy, /-/ready, /api/v1/status, /api/v1/patterns, /api/v1/incidents, /api/v1/cardinality");
	else if (strcmp(head ? "GET" : method, route->method) != 0) {
		answer_error(a, MHD_HTTP_METHOD_NOT_ALLOWED, "wrong method");
		a->allow = route->method;
	} else if (denied == MHD_HTTP_UNAUTHORIZED)
		answer_error(a, denied, "a token is needed: Authorization: Bearer TOKEN");
	else if (denied)
		answer_error(a, denied, "ask by address or as localhost, or set admin.token");
	else
		route->serve(admin, c, rest, a);
}

static enum MHD_Result reply(struct MHD_Connection *c, struct answer *a)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(a->body.len, a->body.data, MHD_RESPMEM_MUST_FREE);
	a->body = (struct buf){0};
	MHD_add_response_header(response, "Content-Type", a->type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Content-Security-Policy", "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'");
	if (a->status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
	if (a->allow)
		MHD_add_response_header(response, "Allow", a->allow);
	enum MHD_Result result = MHD_queue_response(c, a->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *c, const char *path, const char *method, const char *version, const char *bytes, size_t *len, void **state)
{
	(void)version;
	struct buf *given = *state;
	if (!given) { /* the headers are there, the body is not: answering now would close the connection */
		*state = mem_zalloc(1, sizeof(*given));
		return MHD_YES;
	}
	if (*len > 0) {
		if (given->len <= BODY_MAX) /* what is longer is cut, and no JSON any more */
			buf_add(given, bytes, *len);
		*len = 0;
		return MHD_YES;
	}
	struct answer a = {.type = TEXT, .status = MHD_HTTP_OK, .given = buf_slice(given)};
	if (given->len > BODY_MAX)
		answer_error(&a, MHD_HTTP_CONTENT_TOO_LARGE, "the body is longer than 1 MiB");
	else
		serve(cls, c, path, method, &a);
	return reply(c, &a);
}

static void completed(void *cls, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode how)
{
	(void)cls, (void)c, (void)how;
	struct buf *given = *state;
	if (given)
		buf_done(given);
	free(given);
	*state = NULL;
}

/* --- start and stop --- */

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == 127;
	return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

/* "HOST:PORT" or "[HOST]:PORT". */
static int resolve(const char *listen, struct addrinfo **ret, struct err *err)
{
	struct slice all = slice_str(listen), host;
	const char *colon = listen ? strrchr(listen, ':') : NULL;
	if (!colon || colon == listen || !colon[1])
		return err_set(err, ERR_INPUT, "\"%s\" is not HOST:PORT", listen ? listen : "");
	host = slice_of(all.ptr, (size_t)(colon - listen));
	if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
		host = slice_sub(host, 1, host.len - 2);
	char *name = mem_strdup(host);
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	int status = getaddrinfo(name, colon + 1, &hints, ret);
	free(name);
	return status ? err_set(err, ERR_INPUT, "\"%s\": %s", listen, gai_strerror(status)) : 0;
}

static int open_socket(struct admin *a, const struct admin_opts *opts, struct err *err)
{
	struct addrinfo *address;
	int one = 1, fd = resolve(opts->listen, &address, err);
	if (fd < 0)
		return fd;
	a->loopback = is_loopback(address->ai_addr);
	if (!a->loopback && !opts->token && !opts->insecure) {
		fd = err_set(err, ERR_INPUT, "%s can be reached from other machines: set a token, or insecure: true", opts->listen);
		goto out;
	}
	fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, CONNECTIONS_MAX) < 0) {
		int code = err_set(err, ERR_IO, "cannot listen on %s: %s", opts->listen, strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = code;
	}
out:
	freeaddrinfo(address);
	return fd;
}

int admin_start(const struct admin_opts *opts, struct admin **ret, struct err *err)
{
	struct admin *a = mem_zalloc(1, sizeof(*a));
	int fd = open_socket(a, opts, err);
	if (fd < 0) {
		free(a);
		return fd;
	}
	a->opts = *opts;
	a->token = opts->token ? mem_strdup(slice_str(opts->token)) : NULL;
	a->version = mem_strdup(slice_str(opts->version));
	a->opts.version = a->version;
	a->opts.token = a->opts.listen = NULL; /* borrowed: not kept */
	a->started_ns = clock_wall_ns();
	a->daemon = MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, handle, a, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_END);
	if (!a->daemon) {
		close(fd);
		admin_stop(a);
		return err_set(err, ERR_IO, "cannot start the HTTP server");
	}
	a->port = MHD_get_daemon_info(a->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	*ret = a;
	return 0;
}

void admin_stop(struct admin *a)
{
	if (!a)
		return;
	if (a->daemon)
		MHD_stop_daemon(a->daemon);
	free(a->token);
	free(a->version);
	free(a);
}

unsigned admin_port(const struct admin *a)
{
	return a->port;
}
