/* SPDX-License-Identifier: Apache-2.0 */
#include "app/status.h"

#include "admin/admin.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARTS_MAX = 8 };

struct trouble {
	const char *part;
	char text[512];
	bool told; /* in the log */
};

struct status {
	const struct config *config;
	_Atomic bool *reload;
	pthread_mutex_t lock;
	struct books *books;
	struct worker *const *workers;
	size_t workers_len;
	struct sender *senders[BOOKS_ENDPOINTS_MAX];
	struct span_sender *otlp;
	struct desk *desk;
	struct canary *canary;
	status_end_fn *end;
	void *end_arg;
	struct trouble troubles[PARTS_MAX];
	size_t troubles_len;
	bool reload_successful;
	int64_t rules_loaded_ns;
	uint64_t reloads, overruled;
	struct admin *admin;
	struct tap *tap;
};

/* --- what the admin server asks --- */

static const struct ledger *lock_ledger(void *app)
{
	struct status *s = app;
	pthread_mutex_lock(&s->lock);
	struct books *books = s->books;
	pthread_mutex_unlock(&s->lock);
	return books ? books_lock(books) : NULL;
}

static void unlock_ledger(void *app)
{
	books_unlock(((struct status *)app)->books);
}

/* How many there are. */
static size_t copy_codes(struct admin_requests *to, const struct reply_codes *from)
{
	_Static_assert((int)ADMIN_CODES_MAX == (int)REPLY_CODES_MAX, "the admin room shows all that the senders say");
	for (size_t i = 0; i < from->len; i++)
		to[i] = (struct admin_requests){.code = from->at[i].code, .count = from->at[i].count};
	return from->len;
}

static void fill_sender(const struct sender_status *from, struct admin_endpoint *to)
{
	_Static_assert((int)ADMIN_ASIDE_MAX == (int)SENDER_ASIDE_SHOWN, "the admin room shows all that the sender says");
	to->requests_len = copy_codes(to->requests, &from->requests);
	to->write_version = (int)from->version;
	to->partial_writes = from->partial;
	to->in_flight = from->in_flight;
	to->steps_sent = from->steps;
	to->samples_sent = from->samples;
	to->bytes_sent = from->bytes;
	to->failing_since_ns = from->failing_since_ns;
	to->last_error_ns = from->last_error_ns;
	snprintf(to->last_error, sizeof(to->last_error), "%s", from->last_error);
	to->suspects = from->suspects;
	to->aside = from->aside;
	to->aside_len = from->aside_len;
	for (size_t i = 0; i < from->aside_len; i++) {
		snprintf(to->asides[i].name, sizeof(to->asides[i].name), "%s", from->asides[i].name);
		snprintf(to->asides[i].reason, sizeof(to->asides[i].reason), "%s", from->asides[i].reason);
	}
}

/* Scheme and host of a URL; what may be secret in it stays out. */
static void copy_host(char *to, size_t size, const char *url)
{
	const char *host = strstr(url, "://") ? strstr(url, "://") + 3 : url;
	size_t scheme = (size_t)(host - url), len = strcspn(host, "/?#");
	for (const char *at; (at = memchr(host, '@', len)) != NULL;) {
		len -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	snprintf(to, size, "%.*s%.*s", (int)scheme, url, (int)len, host);
}

static void fill_endpoints(struct status *s, struct admin_status *ret)
{
	_Static_assert((int)ADMIN_ENDPOINTS_MAX == (int)BOOKS_ENDPOINTS_MAX, "the admin room shows all of them");
	ret->endpoints_len = s->config->remote_write_len;
	for (size_t i = 0; i < ret->endpoints_len; i++) {
		struct admin_endpoint *e = &ret->endpoints[i];
		struct sender_status sender;
		struct books_waiting waiting = {0};
		snprintf(e->name, sizeof(e->name), "%s", s->config->remote_write[i].name);
		copy_host(e->url, sizeof(e->url), s->config->remote_write[i].url);
		if (s->senders[i]) {
			sender_status(s->senders[i], &sender);
			fill_sender(&sender, e);
		}
		if (s->books)
			books_waiting(s->books, i, &waiting);
		e->pending_steps = waiting.steps;
		e->pending_bytes = waiting.bytes;
		e->waiting_since_ns = waiting.since_ns;
		e->folded_steps = waiting.folded;
		if (e->last_error_ns > ret->last_error_ns) {
			ret->last_error_ns = e->last_error_ns;
			snprintf(ret->last_error, sizeof(ret->last_error), "%s", e->last_error);
		}
	}
}

/* One of several that fails keeps nobody from working, as long as another does not. */
static void add_receivers(const struct status *s, struct buf *text)
{
	size_t failing = 0, senders = 0;
	struct sender_status sender;
	for (size_t i = 0; i < s->config->remote_write_len; i++) {
		if (!s->senders[i])
			continue;
		senders++;
		sender_status(s->senders[i], &sender);
		failing += sender.failing_since_ns != 0;
	}
	for (size_t i = 0; senders && failing == senders && i < s->config->remote_write_len; i++) {
		char host[200];
		if (!s->senders[i])
			continue;
		sender_status(s->senders[i], &sender);
		copy_host(host, sizeof(host), s->config->remote_write[i].url);
		buf_printf(text, "%sremote write to %s: %s", text->len ? "; " : "", host, sender.last_error);
	}
}

/* Called under the lock: every part that does not work, in one line. */
static void fill_troubles(struct status *s, char *out, size_t size)
{
	struct buf text = {0};
	char one[512] = "";
	for (size_t i = 0; i < s->troubles_len; i++)
		if (s->troubles[i].text[0])
			buf_printf(&text, "%s%s: %s", text.len ? "; " : "", s->troubles[i].part, s->troubles[i].text);
	if (s->books)
		books_trouble(s->books, one, sizeof(one));
	else if (text.len == 0)
		buf_add_str(&text, "journal: not read yet");
	for (size_t i = 0; !one[0] && i < s->workers_len; i++)
		worker_trouble(s->workers[i], one, sizeof(one));
	if (one[0])
		buf_printf(&text, "%s%s", text.len ? "; " : "", one);
	add_receivers(s, &text);
	snprintf(out, size, "%s", buf_cstr(&text));
	buf_done(&text);
}

static void add_traces(const struct worker_status *w, struct admin_status *ret)
{
	ret->traces.kept += w->traces_kept;
	ret->traces.dropped += w->traces_dropped;
	ret->traces.early += w->traces_early;
	ret->traces.kept_spans += w->spans_kept;
	ret->traces.dropped_spans += w->spans_dropped;
	ret->traces.untraced += w->spans_untraced;
	ret->traces.kept_bytes += w->kept_bytes;
	ret->traces.lost += w->kept_lost;
	ret->traces.undecided += w->traces_undecided;
	ret->traces.bytes += w->traces_bytes;
}

static void fill_otlp(struct span_sender *from, struct admin_status *to)
{
	struct span_sender_status status;
	span_sender_status(from, &status);
	to->otlp.on = true;
	to->otlp.requests_len = copy_codes(to->otlp.requests, &status.requests);
	to->otlp.sent = status.sent;
	to->otlp.overflow = status.overflow;
	to->otlp.expired = status.expired;
	to->otlp.refused = status.refused;
	to->otlp.queued = status.queued;
	to->otlp.bytes = status.bytes;
	snprintf(to->otlp.last_error, sizeof(to->otlp.last_error), "%s", status.last_error);
}

static bool shared(void *app, struct slice trace_id)
{
	const struct sampling *policy = &((struct status *)app)->config->sampling.policy;
	return policy->on && sampling_surely_shared(policy, sampling_hash(trace_id));
}

static void fill_status(void *app, struct admin_status *ret)
{
	struct status *s = app;
	*ret = (struct admin_status){0};
	pthread_mutex_lock(&s->lock);
	fill_troubles(s, ret->not_ready, sizeof(ret->not_ready));
	ret->rules_reload_successful = s->reload_successful;
	ret->rules_loaded_ns = s->rules_loaded_ns;
	ret->overruled = s->overruled;
	if (s->canary)
		canary_status(s->canary, &ret->canary);
	ret->traces.on = s->config->sampling.policy.on;
	ret->leader = s->books && books_leads(s->books);
	for (size_t i = 0; i < s->workers_len; i++) {
		const struct worker_status *w = worker_status(s->workers[i]);
		ret->dead_letters.taken += w->aside;
		ret->dead_letters.limited += w->aside_limited;
		ret->dead_letters.lost += w->aside_lost;
		ret->incident_records += w->incident;
		add_traces(w, ret);
	}
	if (s->desk)
		desk_status(s->desk, ret);
	if (s->otlp)
		fill_otlp(s->otlp, ret);
	fill_endpoints(s, ret);
	pthread_mutex_unlock(&s->lock);
}

static int64_t end_offset(void *app, struct slice topic, int32_t partition)
{
	struct status *s = app;
	char name[256];
	int64_t end = -1;
	if (topic.len >= sizeof(name))
		return -1;
	memcpy(name, topic.ptr, topic.len);
	name[topic.len] = 0;
	pthread_mutex_lock(&s->lock);
	if (s->end)
		end = s->end(s->end_arg, name, partition);
	pthread_mutex_unlock(&s->lock);
	return end;
}

/* The desk outlives the server's answers: it is set once, and closed after the server. */
static struct desk *desk_of(struct status *s)
{
	pthread_mutex_lock(&s->lock);
	struct desk *desk = s->desk;
	pthread_mutex_unlock(&s->lock);
	return desk;
}

static int post_incident(void *app, struct slice body, struct buf *out, struct err *err)
{
	struct desk *desk = desk_of(app);
	return desk ? desk_post(desk, body, out, err) : err_set(err, ERR_AGAIN, "incidents are not looked after yet, or not in a run until the end");
}

static void list_incidents(void *app, struct buf *out)
{
	struct desk *desk = desk_of(app);
	if (desk)
		desk_list(desk, out);
	else
		buf_add_str(out, "{\"incidents\":[]}\n");
}

static void show_control(void *app, struct slice service, struct buf *out)
{
	struct desk *desk = desk_of(app);
	if (desk)
		desk_control(desk, service, out);
	else
		buf_add_str(out, "{}\n");
}

/* Asks the control thread and waits for its answer. */
static int ask_reload(void *app, struct err *err)
{
	struct status *s = app;
	int64_t until = clock_mono_ns() + 10 * NS_PER_S;
	pthread_mutex_lock(&s->lock);
	uint64_t before = s->reloads;
	bool successful = false, answered = false;
	*s->reload = true;
	while (!answered && clock_mono_ns() < until) {
		pthread_mutex_unlock(&s->lock);
		clock_sleep_ns(10 * NS_PER_MS);
		pthread_mutex_lock(&s->lock);
		answered = s->reloads != before;
		successful = s->reload_successful;
	}
	pthread_mutex_unlock(&s->lock);
	if (!answered)
		return err_set(err, ERR_AGAIN, "not reloaded yet: the control thread is busy");
	return successful ? 0 : err_set(err, ERR_INPUT, "the rules have mistakes (see the log); those in force stay");
}

static void show_tap(void *app, struct slice filter, uint64_t after, struct buf *out)
{
	tap_read(((struct status *)app)->tap, filter, after, out);
}

struct tap *status_tap(struct status *s)
{
	return s->tap;
}

int status_start(const struct config *config, _Atomic bool *reload, struct status **ret)
{
	struct status *s = mem_zalloc(1, sizeof(*s));
	s->config = config;
	s->reload = reload;
	s->reload_successful = true;
	s->rules_loaded_ns = clock_wall_ns();
	pthread_mutex_init(&s->lock, NULL);
	struct err err = {0};
	struct admin_opts opts = {
		.listen = config->admin.listen,
		.token = config->admin.token,
		.insecure = config->admin.insecure,
		.version = WINNOW_VERSION,
		.app = s,
		.lock = lock_ledger,
		.unlock = unlock_ledger,
		.status = fill_status,
		.end_offset = end_offset,
		.reload = ask_reload,
		.reason = sampling_reason_name,
		.shared = shared,
		.incident = post_incident,
		.incidents = list_incidents,
		.control = show_control,
		.tap = show_tap,
	};
	s->tap = tap_new(config->examples == EXAMPLES_FULL);
	if (admin_start(&opts, &s->admin, &err) < 0) {
		log_line(LOG_ERROR, "admin", "%s", err.text);
		pthread_mutex_destroy(&s->lock);
		tap_free(s->tap);
		free(s);
		return 1;
	}
	*ret = s;
	return 0;
}

void status_stop(struct status *s)
{
	if (!s)
		return;
	admin_stop(s->admin);
	tap_free(s->tap);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void status_set_books(struct status *s, struct books *books)
{
	pthread_mutex_lock(&s->lock);
	s->books = books;
	pthread_mutex_unlock(&s->lock);
}

void status_set_workers(struct status *s, struct worker *const *workers, size_t len)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->workers = workers;
	s->workers_len = len;
	pthread_mutex_unlock(&s->lock);
}

void status_set_desk(struct status *s, struct desk *desk)
{
	pthread_mutex_lock(&s->lock);
	s->desk = desk;
	pthread_mutex_unlock(&s->lock);
}

void status_set_ends(struct status *s, status_end_fn *end, void *arg)
{
	pthread_mutex_lock(&s->lock);
	s->end = end;
	s->end_arg = arg;
	pthread_mutex_unlock(&s->lock);
}

void status_set_sender(struct status *s, size_t endpoint, struct sender *sender)
{
	pthread_mutex_lock(&s->lock);
	s->senders[endpoint] = sender;
	pthread_mutex_unlock(&s->lock);
}

void status_set_otlp(struct status *s, struct span_sender *otlp)
{
	pthread_mutex_lock(&s->lock);
	s->otlp = otlp;
	pthread_mutex_unlock(&s->lock);
}

static struct trouble *trouble_of(struct status *s, const char *part)
{
	for (size_t i = 0; i < s->troubles_len; i++)
		if (strcmp(s->troubles[i].part, part) == 0)
			return &s->troubles[i];
	if (s->troubles_len == PARTS_MAX)
		return &s->troubles[PARTS_MAX - 1];
	s->troubles[s->troubles_len].part = part;
	return &s->troubles[s->troubles_len++];
}

/* Whether that is news, and whether something that was said is over with it. */
static bool set_trouble(struct status *s, const char *part, const char *text, bool told, bool *ret_over)
{
	pthread_mutex_lock(&s->lock);
	struct trouble *t = trouble_of(s, part);
	bool news = strcmp(t->text, text) != 0;
	*ret_over = news && !text[0] && t->told;
	if (news) {
		snprintf(t->text, sizeof(t->text), "%s", text);
		t->told = told;
	}
	pthread_mutex_unlock(&s->lock);
	return news;
}

void status_trouble(struct status *s, const char *part, const char *text)
{
	bool over, news = set_trouble(s, part, text, true, &over);
	if (over)
		log_line(LOG_INFO, part, "all is well");
	else if (news && text[0])
		log_line(LOG_WARN, part, "%s", text);
}

void status_expect(struct status *s, const char *part, const char *text)
{
	bool over;
	set_trouble(s, part, text, false, &over);
}

void status_set_canary(struct status *s, struct canary *canary)
{
	pthread_mutex_lock(&s->lock);
	s->canary = canary;
	pthread_mutex_unlock(&s->lock);
}

void status_overruled(struct status *s)
{
	pthread_mutex_lock(&s->lock);
	s->overruled++;
	pthread_mutex_unlock(&s->lock);
}

void status_reloaded(struct status *s, bool successful)
{
	pthread_mutex_lock(&s->lock);
	s->reload_successful = successful;
	if (successful)
		s->rules_loaded_ns = clock_wall_ns();
	s->reloads++;
	pthread_mutex_unlock(&s->lock);
}
