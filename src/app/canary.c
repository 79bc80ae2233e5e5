/* SPDX-License-Identifier: Apache-2.0 */
/* The canary: every interval a few records of service winnow-canary go into an input topic, and the receiver is asked for that service's total. What was sent longer ago than
 * the way may take has to be there (else: missing), and no more than was sent (else: surplus).
 *
 * The count begins at what the receiver has when this instance begins to lead, once that has stood still for as long as the way takes: what another instance sent is there
 * by then. A total that falls (the series was forgotten, the receiver is new) begins the count anew.
 *
 * Threads: its own; the lock guards the status. */
#include "app/canary.h"

#include "app/instance.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "source/kafka_send.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { SENDINGS = 512 };
#define TURN_NS (NS_PER_S / 5)
#define SLACK_NS (20 * NS_PER_S)

struct canary {
	const struct config *config;
	struct books *books;
	struct kafka_send *to;
	struct instance *receiver;
	pthread_t thread;
	pthread_mutex_t lock;
	struct admin_canary status;
	_Atomic bool stopping;
	bool counting;
	double base, last;
	int64_t still_ns, next_ns; /* monotonic: since when the total stands still; when it goes on */
	struct {
		int64_t at_ns;
		uint64_t sent;     /* in all, with these */
	} sendings[SENDINGS];
	size_t sendings_len;
};

void canary_query_address(const struct config *config, size_t endpoint, const char *said, struct buf *out)
{
	static const struct {
		struct slice ends, becomes;
	} known[] = {{SLICE("/api/v1/write"), SLICE("")}, {SLICE("/api/v1/push"), SLICE("/prometheus")}};
	struct slice url = slice_str(said ? said : config->remote_write[endpoint].url);
	for (size_t i = 0; !said && i < sizeof(known) / sizeof(known[0]); i++)
		if (slice_ends(url, known[i].ends)) {
			buf_add_slice(out, slice_sub(url, 0, url.len - known[i].ends.len));
			buf_add_slice(out, known[i].becomes);
			return;
		}
	buf_add_slice(out, url);
}

static int64_t way_ns(const struct canary *c)
{
	return c->config->metrics.step_ns + c->config->metrics.lateness_ns + SLACK_NS;
}

/* The receiver's total; false if it does not say. */
static bool ask(struct canary *c, double *ret)
{
	struct json json;
	struct err err = {0};
	*ret = 0;
	if (instance_get(c->receiver, "/api/v1/query?query=sum(last_over_time(log_records_total%7Bservice_name%3D%22winnow-canary%22%7D%5B1h%5D))", &json, &err)) {
		log_line(LOG_WARN, "canary", "the receiver does not answer: %s", err.text);
		return false;
	}
	uint32_t list = json_get(&json, json_get(&json, JSON_ROOT, SLICE("data")), SLICE("result"));
	if (!list || !json_is_array(&json, list))
		return false;
	if (json_first(list) >= json_end(&json, list))
		return true; /* it has none */
	uint32_t pair = json_get(&json, json_first(list), SLICE("value"));
	if (!pair || !json_is_array(&json, pair))
		return false;
	struct slice number = json_text(&json, json_next(&json, json_first(pair)));
	*ret = number.len ? strtod(number.ptr, NULL) : 0;
	return isfinite(*ret);
}

static void send_some(struct canary *c, int64_t now)
{
	struct buf value = {0};
	char text[32];
	struct tm tm;
	time_t seconds = clock_wall_ns() / NS_PER_S;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
	buf_printf(&value, "{\"time\":\"%s\",\"level\":\"info\",\"service\":\"winnow-canary\",\"message\":\"canary\"}", text);
	size_t sent = kafka_send_values(c->to, buf_slice(&value), (size_t)c->config->canary.records);
	buf_done(&value);
	pthread_mutex_lock(&c->lock);
	c->status.sent += sent;
	c->status.unsent += (size_t)c->config->canary.records - sent;
	uint64_t all = c->status.sent;
	pthread_mutex_unlock(&c->lock);
	if (c->sendings_len == SENDINGS)
		memmove(&c->sendings[0], &c->sendings[1], --c->sendings_len * sizeof(c->sendings[0]));
	c->sendings[c->sendings_len].at_ns = now;
	c->sendings[c->sendings_len++].sent = all;
}

/* The total has changed hands, or is not known yet: waits until it stands still. */
static void settle(struct canary *c, double total, int64_t now)
{
	if (total != c->last)
		c->still_ns = now;
	c->last = total;
	if (now - c->still_ns < way_ns(c))
		return;
	c->counting = true;
	c->base = total;
	c->sendings_len = 0;
	pthread_mutex_lock(&c->lock);
	c->status.sent = c->status.received = c->status.missing = c->status.surplus = 0;
	c->status.delay_ns = 0;
	pthread_mutex_unlock(&c->lock);
}

static void compare(struct canary *c, double total, int64_t now)
{
	uint64_t received = (uint64_t)llround(total - c->base), due = 0;
	int64_t delay = 0;
	for (size_t i = 0; i < c->sendings_len; i++) {
		if (now - c->sendings[i].at_ns >= way_ns(c))
			due = c->sendings[i].sent;
		if (c->sendings[i].sent > received && delay == 0)
			delay = now - c->sendings[i].at_ns;
	}
	pthread_mutex_lock(&c->lock);
	struct admin_canary *s = &c->status;
	uint64_t missing = due > received ? due - received : 0, surplus = received > s->sent + s->unsent ? received - s->sent - s->unsent : 0;
	bool news = missing != s->missing || surplus != s->surplus;
	s->received = received;
	s->missing = missing;
	s->surplus = surplus;
	s->delay_ns = delay;
	pthread_mutex_unlock(&c->lock);
	if (news && (missing || surplus))
		log_line(LOG_ERROR, "canary", "of the canary's records %llu are missing at the receiver and %llu are too many", (unsigned long long)missing, (unsigned long long)surplus);
}

static void turn(struct canary *c, int64_t now)
{
	double total;
	bool known = ask(c, &total);
	pthread_mutex_lock(&c->lock);
	c->status.unanswered += !known;
	pthread_mutex_unlock(&c->lock);
	if (known && c->counting && total < c->base)
		c->counting = false;
	if (known && c->counting)
		compare(c, total, now);
	else if (known)
		settle(c, total, now);
	if (c->counting)
		send_some(c, now);
}

static void *run(void *arg)
{
	struct canary *c = arg;
	while (!c->stopping) {
		int64_t now = clock_mono_ns();
		if (!books_leads(c->books)) {
			c->counting = false;
			c->still_ns = now;
		} else if (now >= c->next_ns) {
			c->next_ns = now + c->config->canary.interval_ns;
			turn(c, now);
		}
		clock_sleep_ns(TURN_NS);
	}
	return NULL;
}

struct canary *canary_open(const struct config *config, struct books *books)
{
	struct err err = {0};
	struct buf address = {0};
	if (!config->canary.topic)
		return NULL;
	struct canary *c = mem_zalloc(1, sizeof(*c));
	c->config = config;
	c->books = books;
	c->last = -1;
	pthread_mutex_init(&c->lock, NULL);
	canary_query_address(config, 0, config->canary.query, &address);
	int rc = instance_open(buf_cstr(&address), NULL, &c->receiver, &err);
	buf_done(&address);
	_Static_assert(sizeof(struct kafka_property) == sizeof(struct config_pair), "both are a key and a value");
	if (!rc)
		rc = kafka_send_new(config->canary.brokers, config->canary.topic, (const struct kafka_property *)config->canary.properties.items, config->canary.properties.len, &c->to, &err);
	c->status.on = true;
	if (!rc && pthread_create(&c->thread, NULL, run, c))
		rc = err_set(&err, ERR_IO, "cannot start its thread");
	if (!rc)
		return c;
	log_line(LOG_ERROR, "canary", "%s", err.text);
	instance_free(c->receiver);
	kafka_send_free(c->to);
	pthread_mutex_destroy(&c->lock);
	free(c);
	return NULL;
}

void canary_close(struct canary *c)
{
	if (!c)
		return;
	c->stopping = true;
	pthread_join(c->thread, NULL);
	instance_free(c->receiver);
	kafka_send_free(c->to);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void canary_status(struct canary *c, struct admin_canary *ret)
{
	pthread_mutex_lock(&c->lock);
	*ret = c->status;
	pthread_mutex_unlock(&c->lock);
}
