/* SPDX-License-Identifier: Apache-2.0 */
#include "app/sending.h"

#include "app/status.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>

#define IDLE_NS (50 * NS_PER_MS)

struct sending {
	struct books *books;
	size_t endpoint;     /* which one, in the configuration and the books */
	uint64_t generation; /* of the ledger that memory of cuts is of */
	struct status *status;
	struct sender *sender;
	uint64_t leadership;
	pthread_t thread;
	_Atomic bool stopping;
};

static bool wanted(void *self, int64_t step)
{
	struct sending *s = self;
	bool newest;
	return !s->stopping && books_leadership(s->books) == s->leadership && books_step_to_send(s->books, s->endpoint, &newest) == step;
}

/* An earlier leader (perhaps ourselves before a restart) may have sent the oldest step, and never one behind it: that waits for the mark. */
static void note_leadership(struct sending *s, int64_t step)
{
	uint64_t now = books_leadership(s->books);
	if (now == s->leadership)
		return;
	s->leadership = now;
	sender_lead(s->sender, step);
	sender_contested(s->sender); /* what this instance held back from an earlier time */
}

static void mark(struct sending *s, int64_t step, bool skipped)
{
	struct err err = {0};
	failpoint_hit(FAIL_MARK_BEFORE_APPEND);
	int rc = books_mark(s->books, s->endpoint, step, skipped, &err);
	failpoint_hit(FAIL_MARK_AFTER_APPEND);
	if (rc == 0)
		return;
	log_line(LOG_WARN, "sender", "step sent but not marked: %s", err.text);
	sender_lead(s->sender, step); /* it goes out again: a 400 then means that it is there */
	clock_sleep_ns(NS_PER_S / 2);
}

static bool cut(void *self, int64_t step, enum remote_write_version version, size_t max_samples, size_t max_bytes, struct cut *ret)
{
	struct sending *s = self;
	if (ret->more && books_generation(s->books, s->endpoint) != s->generation)
		return false; /* the endpoint began anew in the middle of a step */
	return books_cut(s->books, s->endpoint, step, version, max_samples, max_bytes, ret);
}

static void done(void *self, struct cut *c)
{
	struct sending *s = self;
	uint64_t now = books_generation(s->books, s->endpoint);
	if (now == s->generation)
		cut_again(c); /* a step's requests take as much memory as the last one's */
	else
		cut_done(c);
	s->generation = now;
}

static bool anchored(void *self, int64_t step)
{
	struct sending *s = self;
	struct err err = {0};
	failpoint_hit(FAIL_ANCHORS_AFTER_SEND);
	int rc = books_anchored(s->books, s->endpoint, step, &err);
	failpoint_hit(FAIL_ANCHORS_AFTER_NOTE);
	if (rc == 0)
		return true;
	log_line(LOG_WARN, "sender", "first values sent but not noted: %s", err.text);
	clock_sleep_ns(NS_PER_S / 2);
	return false;
}

static bool overtaken(void *self, int64_t step, bool anchors)
{
	struct sending *s = self;
	return books_overtaken(s->books, s->endpoint, step, anchors);
}

static bool contested(void *self)
{
	return books_contested(((struct sending *)self)->books);
}

static void send_step(struct sending *s, int64_t step, bool newest)
{
	note_leadership(s, step);
	failpoint_hit(FAIL_STEP_BEFORE_SEND);
	enum sender_result result = sender_send(s->sender, step, newest);
	if (result == SENDER_ACKNOWLEDGED || result == SENDER_TOO_OLD)
		mark(s, step, result == SENDER_TOO_OLD);
}

static void *run(void *arg)
{
	struct sending *s = arg;
	while (!s->stopping) {
		bool newest;
		int64_t step = books_step_to_send(s->books, s->endpoint, &newest);
		if (step == INT64_MIN)
			clock_sleep_ns(IDLE_NS);
		else
			send_step(s, step, newest);
	}
	return NULL;
}

static void fill_http(const struct config_endpoint *e, struct http_opts *http)
{
	_Static_assert(sizeof(struct http_header) == sizeof(struct config_pair), "both are a name and a value");
	*http = (struct http_opts){
		.url = e->url,
		.headers = (const struct http_header *)e->headers.items,
		.headers_len = e->headers.len,
		.username = e->username,
		.password = e->password,
		.bearer_token = e->bearer_token,
		.ca_file = e->ca,
		.cert_file = e->cert,
		.key_file = e->key,
		.insecure_skip_verify = e->insecure_skip_verify,
		.proxy = e->proxy,
		.timeout_ns = e->timeout_ns,
	};
}

int sending_start(const struct config *config, size_t endpoint, struct books *books, struct status *status, struct sending **ret)
{
	const struct config_endpoint *e = &config->remote_write[endpoint];
	struct sending *s = mem_zalloc(1, sizeof(*s));
	struct sender_opts opts;
	struct err err = {0};
	struct sender_source source = {.self = s, .cut = cut, .cut_done = done, .anchored = anchored, .overtaken = overtaken, .contested = contested, .wanted = wanted};
	s->books = books;
	s->endpoint = endpoint;
	s->generation = books_generation(books, endpoint);
	s->status = status;
	sender_opts_default(&opts);
	opts.name = config->remote_write_len > 1 ? e->name : NULL;
	fill_http(e, &opts.http);
	const struct token_opts oauth2 = {.url = e->oauth2.token_url, .client_id = e->oauth2.client_id,
		.client_secret = e->oauth2.client_secret, .scopes = e->oauth2.scopes};
	if (oauth2.url)
		opts.http.oauth2 = &oauth2;
	struct buf sigv4 = {0};
	if (e->sigv4.region) {
		buf_printf(&sigv4, "aws:amz:%s:%s", e->sigv4.region, e->sigv4.service);
		opts.http.sigv4 = buf_cstr(&sigv4);
		opts.http.username = e->sigv4.access_key;
		opts.http.password = e->sigv4.secret_key;
	}
	opts.aside_retry_ns = e->aside_retry_ns;
	static const enum sender_version versions[] = {[CONFIG_WRITE_AUTO] = SENDER_AUTO, [CONFIG_WRITE_1_0] = SENDER_ONLY_1, [CONFIG_WRITE_2_0] = SENDER_ONLY_2};
	opts.version = versions[e->version];
	opts.in_flight = (unsigned)e->in_flight;
	opts.step_ns = config->metrics.step_ns;
	opts.receiver_window_ns = config->metrics.window_ns;
	if (opts.aside_retry_ns > config->metrics.expire_ns / 2)
		opts.aside_retry_ns = config->metrics.expire_ns / 2; /* while the ledger still shows it: its last total would go unsaid */
	int rc = sender_new(&opts, &source, &s->sender, &err);
	buf_done(&sigv4);
	if (rc < 0) {
		log_line(LOG_ERROR, "sender", "%s%s%s", opts.name ? opts.name : "", opts.name ? ": " : "", err.text);
		free(s);
		return 1;
	}
	status_set_sender(status, endpoint, s->sender);
	if (pthread_create(&s->thread, NULL, run, s)) {
		log_line(LOG_ERROR, "sender", "cannot start the sender thread");
		sender_free(s->sender);
		free(s);
		return 1;
	}
	*ret = s;
	return 0;
}

void sending_stop(struct sending *s)
{
	if (!s)
		return;
	s->stopping = true;
	sender_stop(s->sender);
	pthread_join(s->thread, NULL);
	status_set_sender(s->status, s->endpoint, NULL);
	sender_free(s->sender);
	free(s);
}
