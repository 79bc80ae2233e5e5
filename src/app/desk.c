/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INCIDENTS.
 *
 * Somebody, or Alertmanager, says that a service is in trouble: for so many minutes all of it is to be kept. That is a notice on the board (journal/board.h),
 *
 *   key SERVICE   {"service":"payment","level":"debug","sampling":1,"from":"2026-03-04T09:15:02Z","until":"2026-03-04T09:45:02Z","by":"api"}
 *
 * of which the newest of a service counts. Every instance reads all of them, in the same order, and tells its workers from when to when (event time) a service is
 * under incident; services read the same topic, or ask /api/v1/control/SERVICE, for the log level that is wanted of them.
 *
 * It ends by itself: `until` is in the notice, and whoever reads one compares it with the clock. Nobody has to do anything for it, so nothing can be forgotten. An hour
 * later it is let go of here (records of its time may come late), and the instance that leads takes the notice down. Should that meet a new one of the same
 * service, the instance that knows better puts it up again.
 */
#include "app/desk.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "journal/board.h"
#include "record/json.h"
#include "record/level.h"
#include "record/timestamp.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MINUTES_MAX = 24 * 60, SERVICE_MAX = 200, BY_MAX = 100 };
#define NS_PER_MINUTE (60 * NS_PER_S)
#define KEEP_NS (60 * NS_PER_MINUTE)
#define READ_NS (200 * NS_PER_MS)
#define RETRY_NS (2 * NS_PER_S)
#define FIRST_READ_NS (5 * NS_PER_S)

struct entry {
	char service[SERVICE_MAX + 1], by[BY_MAX + 1];
	int64_t from_ns, until_ns;
	enum severity level;
	bool announced; /* that it is over */
};

struct desk {
	const struct config *config;
	pthread_t thread;
	_Atomic bool stop, read; /* read: all that was there at the start */
	pthread_mutex_t lock;    /* of all that follows */
	struct board *board;     /* NULL: not open yet; closed at the end only */
	struct entry entries[INCIDENTS_MAX];
	size_t len;
	uint64_t raised;
	struct worker *const *workers;
	size_t workers_len;
	bool (*leads)(void *arg);
	void *leads_arg;
	struct json_parser *parser; /* of notices */
	char trouble[512];
};

/* --- telling the workers; all under the lock --- */

static void tell(struct desk *d)
{
	struct incident items[INCIDENTS_MAX];
	for (size_t i = 0; i < d->len; i++)
		items[i] = (struct incident){.service = slice_str(d->entries[i].service), .from_ns = d->entries[i].from_ns, .until_ns = d->entries[i].until_ns};
	for (size_t i = 0; i < d->workers_len; i++)
		worker_set_incidents(d->workers[i], incidents_new(items, d->len), d->config->incident.examples == CONFIG_INCIDENT_FULL);
}

static struct entry *find(struct desk *d, struct slice service)
{
	for (size_t i = 0; i < d->len; i++)
		if (slice_eq(slice_str(d->entries[i].service), service))
			return &d->entries[i];
	return NULL;
}

static bool active(const struct entry *e, int64_t now_ns)
{
	return e && e->until_ns > now_ns;
}

static void drop(struct desk *d, struct entry *e)
{
	*e = d->entries[--d->len];
}

/* The entry for a service, made if there is room: one that is over goes first. NULL: there is none. */
static struct entry *place(struct desk *d, struct slice service, int64_t now_ns)
{
	struct entry *e = find(d, service);
	if (e)
		return e;
	for (size_t i = 0; d->len == INCIDENTS_MAX && i < d->len; i++)
		if (!active(&d->entries[i], now_ns))
			drop(d, &d->entries[i]);
	return d->len < INCIDENTS_MAX ? &d->entries[d->len++] : NULL;
}

/* --- notices --- */

static void add_time(struct buf *out, const char *name, int64_t ns)
{
	buf_printf(out, ",\"%s\":\"", name);
	clock_format(out, ns);
	buf_add_char(out, '"');
}

/* As it stands on the board and in answers. */
static void print(const struct entry *e, struct buf *out)
{
	buf_add_str(out, "{\"service\":");
	buf_add_json_string(out, slice_str(e->service));
	buf_printf(out, ",\"level\":\"%s\",\"sampling\":1", severity_name(e->level));
	add_time(out, "from", e->from_ns);
	add_time(out, "until", e->until_ns);
	buf_add_str(out, ",\"by\":");
	buf_add_json_string(out, slice_str(e->by));
	buf_add_char(out, '}');
}

static bool read_time(const struct json *json, const char *name, int64_t *ret_ns)
{
	struct timestamp t;
	if (!timestamp_parse(json_text(json, json_get(json, JSON_ROOT, slice_str(name))), &t))
		return false;
	*ret_ns = t.ns;
	return true;
}

static bool parse(struct desk *d, const struct board_notice *n, struct entry *ret)
{
	struct json json;
	*ret = (struct entry){0};
	if (n->key.len == 0 || n->key.len > SERVICE_MAX || json_parser_parse(d->parser, n->text.ptr, n->text.len, &json) != JSON_OK || !json_is_object(&json, JSON_ROOT))
		return false;
	struct slice by = json_text(&json, json_get(&json, JSON_ROOT, SLICE("by")));
	memcpy(ret->service, n->key.ptr, n->key.len);
	if (by.len)
		memcpy(ret->by, by.ptr, by.len < BY_MAX ? by.len : BY_MAX);
	ret->level = level_word(json_text(&json, json_get(&json, JSON_ROOT, SLICE("level"))));
	return ret->level != SEVERITY_UNKNOWN && read_time(&json, "from", &ret->from_ns) && read_time(&json, "until", &ret->until_ns);
}

static int put(struct desk *d, const struct entry *e, struct err *err)
{
	struct buf text = {0};
	print(e, &text);
	int rc = board_put(d->board, slice_str(e->service), buf_slice(&text), err);
	buf_done(&text);
	return rc;
}

static void say_raised(const struct entry *e)
{
	struct buf until = {0};
	clock_format(&until, e->until_ns);
	log_line(LOG_INFO, "incident", "%s: all of it is kept, and level %s wanted, until %s (%s)", e->service, severity_name(e->level), buf_cstr(&until), e->by);
	buf_done(&until);
}

static void learn(struct desk *d, const struct board_notice *n)
{
	struct entry fresh;
	int64_t now = clock_wall_ns();
	struct entry *known = find(d, n->key);
	if (!n->text.ptr) {
		if (active(known, now)) {
			struct err err = {0};
			if (put(d, known, &err) < 0)
				log_line(LOG_ERROR, "incident", "%s", err.text);
		} else if (known) {
			drop(d, known);
		}
		return;
	}
	if (!parse(d, n, &fresh)) {
		log_line(LOG_WARN, "incident", "a notice for \"%.*s\" is not understood: passed over", (int)(n->key.len < 100 ? n->key.len : 100), n->key.ptr);
		return;
	}
	if (fresh.until_ns + KEEP_NS < now || !(known = place(d, n->key, now)))
		return;
	bool same = known->until_ns == fresh.until_ns && known->from_ns == fresh.from_ns;
	*known = fresh;
	if (!same && active(known, now))
		say_raised(known);
}

/* Says what is over; lets go of what has been for an hour. */
static bool expire(struct desk *d)
{
	int64_t now = clock_wall_ns();
	bool changed = false;
	for (size_t i = 0; i < d->len; i++) {
		struct entry *e = &d->entries[i];
		if (!active(e, now) && !e->announced) {
			e->announced = true;
			log_line(LOG_INFO, "incident", "%s: over", e->service);
		}
		if (e->until_ns + KEEP_NS > now)
			continue;
		struct err err = {0};
		if (d->leads && d->leads(d->leads_arg) && board_put(d->board, slice_str(e->service), slice_of(NULL, 0), &err) < 0)
			log_line(LOG_WARN, "incident", "%s", err.text);
		drop(d, e);
		i--;
		changed = true;
	}
	return changed;
}

/* --- the thread --- */

static int open_board(const struct config *config, struct board **ret, struct err *err)
{
	if (!config->incident.topic) {
		struct buf path = {0};
		buf_printf(&path, "%s/incidents", config->journal.directory);
		int rc = board_open_file(buf_cstr(&path), ret, err);
		buf_done(&path);
		return rc;
	}
	const struct journal_kafka_opts opts = {
		.brokers = config->incident.brokers,
		.properties = (const struct journal_property *)config->incident.properties.items,
		.properties_len = config->incident.properties.len,
	};
	return board_open_kafka(&opts, config->incident.topic, ret, err);
}

static void set_trouble(struct desk *d, const char *text)
{
	pthread_mutex_lock(&d->lock);
	bool news = strcmp(d->trouble, text) != 0;
	snprintf(d->trouble, sizeof(d->trouble), "%s", text);
	pthread_mutex_unlock(&d->lock);
	if (news && text[0])
		log_line(LOG_WARN, "incident", "%s", text);
}

static bool opened(struct desk *d)
{
	struct board *board = NULL;
	struct err err = {0};
	if (d->board)
		return true;
	if (open_board(d->config, &board, &err) < 0) {
		set_trouble(d, err.text);
		for (int64_t until = clock_mono_ns() + RETRY_NS; !d->stop && clock_mono_ns() < until;)
			clock_sleep_ns(READ_NS / 4);
		return false;
	}
	set_trouble(d, "");
	pthread_mutex_lock(&d->lock);
	d->board = board;
	pthread_mutex_unlock(&d->lock);
	return true;
}

static void *run(void *arg)
{
	struct desk *d = arg;
	while (!d->stop) {
		struct board_notice notice;
		struct err err = {0};
		if (!opened(d))
			continue;
		int answer = board_read(d->board, READ_NS, &notice, &err);
		if (answer < 0)
			set_trouble(d, err.text);
		pthread_mutex_lock(&d->lock);
		if (answer == BOARD_NOTICE)
			learn(d, &notice);
		if (expire(d) || answer == BOARD_NOTICE)
			tell(d);
		pthread_mutex_unlock(&d->lock);
		if (answer == BOARD_END)
			d->read = true;
	}
	return NULL;
}

struct desk *desk_open(const struct config *config)
{
	struct desk *d = mem_zalloc(1, sizeof(*d));
	d->config = config;
	d->parser = json_parser_new();
	pthread_mutex_init(&d->lock, NULL);
	if (!d->parser || pthread_create(&d->thread, NULL, run, d))
		abort(); /* only for want of memory */
	for (int64_t until = clock_mono_ns() + FIRST_READ_NS; !d->read && clock_mono_ns() < until;)
		clock_sleep_ns(5 * NS_PER_MS);
	return d;
}

void desk_close(struct desk *d)
{
	if (!d)
		return;
	d->stop = true;
	pthread_join(d->thread, NULL);
	board_close(d->board);
	json_parser_free(d->parser);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

void desk_set_workers(struct desk *d, struct worker *const *workers, size_t len)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->workers = workers;
	d->workers_len = workers ? len : 0;
	tell(d);
	pthread_mutex_unlock(&d->lock);
}

void desk_set_leads(struct desk *d, bool (*leads)(void *arg), void *arg)
{
	pthread_mutex_lock(&d->lock);
	d->leads = leads;
	d->leads_arg = arg;
	pthread_mutex_unlock(&d->lock);
}

void desk_trouble(struct desk *d, char *out, size_t size)
{
	pthread_mutex_lock(&d->lock);
	snprintf(out, size, "%s", d->trouble);
	pthread_mutex_unlock(&d->lock);
}

/* --- what comes over HTTP --- */

/* What one call wants. */
struct wanted {
	struct slice service, by;
	double minutes;
	enum severity level;
	bool only_longer; /* it may prolong an incident, not shorten it */
};

/* Writes it down and acts on it; the notice comes back from the board and changes nothing more. Under the lock. */
static int raise_one(struct desk *d, const struct wanted *w, struct buf *out, struct err *err)
{
	int64_t now = clock_wall_ns();
	if (w->service.len == 0 || w->service.len > SERVICE_MAX)
		return err_set(err, ERR_INPUT, "service is missing, or longer than %d bytes", SERVICE_MAX);
	struct entry *e = place(d, w->service, now), fresh = {.from_ns = now, .until_ns = now + (int64_t)(w->minutes * (double)NS_PER_MINUTE), .level = w->level};
	if (!e)
		return err_set(err, ERR_LIMIT, "%d services are under incident: end one (minutes: 0) first", INCIDENTS_MAX);
	memcpy(fresh.service, w->service.ptr, w->service.len);
	if (w->by.len)
		memcpy(fresh.by, w->by.ptr, w->by.len < BY_MAX ? w->by.len : BY_MAX);
	if (active(e, now)) {
		fresh.from_ns = e->from_ns;
		if (w->only_longer && e->until_ns > fresh.until_ns)
			fresh = *e;
	}
	struct entry before = *e;
	if (put(d, &fresh, err) < 0) {
		if (before.service[0] == 0)
			d->len--; /* it was made for this */
		return err->code;
	}
	if (active(&fresh, now)) {
		d->raised += !active(&before, now);
		say_raised(&fresh);
	}
	*e = fresh;
	print(e, out);
	return 0;
}

static enum severity usual_level(const struct desk *d)
{
	return (enum severity)(d->config->incident.level + SEVERITY_TRACE);
}

/* {service, minutes, level} */
static int post_own(struct desk *d, const struct json *json, struct buf *out, struct err *err)
{
	struct wanted w = {.by = SLICE("api"), .minutes = (double)d->config->incident.minutes, .level = usual_level(d)};
	uint32_t minutes = json_get(json, JSON_ROOT, SLICE("minutes")), level = json_get(json, JSON_ROOT, SLICE("level"));
	w.service = json_text(json, json_get(json, JSON_ROOT, SLICE("service")));
	if (minutes && (!json_double(json, minutes, &w.minutes) || !(w.minutes >= 0 && w.minutes <= MINUTES_MAX)))
		return err_set(err, ERR_INPUT, "minutes is not a number from 0 (ends it) to %d", MINUTES_MAX);
	if (level && (w.level = level_word(json_text(json, level))) == SEVERITY_UNKNOWN)
		return err_set(err, ERR_INPUT, "level is none of trace, debug, info, warn, error, fatal");
	return raise_one(d, &w, out, err);
}

/* The service that an alert is about. */
static struct slice service_of(const struct json *json, uint32_t alert)
{
	static const char *const names[] = {"service_name", "sloth_service", "service"};
	uint32_t labels = json_get(json, alert, SLICE("labels"));
	struct slice service = {0};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && service.len == 0; i++)
		service = json_text(json, json_get(json, labels, slice_str(names[i])));
	return service;
}

/* Alertmanager's webhook: every alert that fires and names a service raises it, or keeps it up; one that is resolved ends nothing, others may go on. */
static int post_alerts(struct desk *d, const struct json *json, uint32_t alerts, struct buf *out, struct err *err)
{
	size_t skipped = 0, raised = 0;
	buf_add_str(out, "{\"incidents\":[");
	for (uint32_t at = json_first(alerts); at < json_end(json, alerts); at = json_next(json, at)) {
		char by[BY_MAX + 1];
		struct wanted w = {.service = service_of(json, at), .minutes = (double)d->config->incident.minutes, .level = usual_level(d), .only_longer = true};
		struct slice name = json_text(json, json_get(json, json_get(json, at, SLICE("labels")), SLICE("alertname")));
		if (w.service.len == 0 || !slice_eq(json_text(json, json_get(json, at, SLICE("status"))), SLICE("firing"))) {
			skipped++;
			continue;
		}
		snprintf(by, sizeof(by), "alert %.*s", (int)(name.len < 90 ? name.len : 90), name.len ? name.ptr : "");
		w.by = slice_str(by);
		if (raised++)
			buf_add_char(out, ',');
		if (raise_one(d, &w, out, err) < 0)
			return err->code;
	}
	buf_printf(out, "],\"skipped\":%zu}", skipped);
	return 0;
}

int desk_post(struct desk *d, struct slice body, struct buf *out, struct err *err)
{
	struct json json;
	struct json_parser *parser = json_parser_new();
	int rc;
	if (!parser)
		abort(); /* only for want of memory */
	if (json_parser_parse(parser, body.ptr ? body.ptr : "", body.len, &json) != JSON_OK || !json_is_object(&json, JSON_ROOT)) {
		json_parser_free(parser);
		return err_set(err, ERR_INPUT, "the body is not a JSON object; expected {\"service\": NAME, \"minutes\": NUMBER}, or Alertmanager's");
	}
	uint32_t alerts = json_get(&json, JSON_ROOT, SLICE("alerts"));
	pthread_mutex_lock(&d->lock);
	if (!d->board)
		rc = err_set(err, ERR_UNREACHABLE, "incidents cannot be written down yet: %.500s", d->trouble[0] ? d->trouble : "their topic is not open");
	else if (json_is_array(&json, alerts))
		rc = post_alerts(d, &json, alerts, out, err);
	else
		rc = post_own(d, &json, out, err);
	tell(d);
	pthread_mutex_unlock(&d->lock);
	json_parser_free(parser);
	buf_add_char(out, '\n');
	return rc;
}

void desk_list(struct desk *d, struct buf *out)
{
	int64_t now = clock_wall_ns();
	size_t n = 0;
	buf_add_str(out, "{\"incidents\":[");
	pthread_mutex_lock(&d->lock);
	for (size_t i = 0; i < d->len; i++)
		if (active(&d->entries[i], now)) {
			if (n++)
				buf_add_char(out, ',');
			print(&d->entries[i], out);
		}
	pthread_mutex_unlock(&d->lock);
	buf_add_str(out, "]}\n");
}

void desk_control(struct desk *d, struct slice service, struct buf *out)
{
	int64_t now = clock_wall_ns();
	pthread_mutex_lock(&d->lock);
	const struct entry *e = find(d, service);
	if (active(e, now)) {
		print(e, out);
		out->len--;
		buf_printf(out, ",\"seconds_left\":%lld}\n", (long long)((e->until_ns - now) / NS_PER_S + 1));
	} else {
		buf_add_str(out, "{\"service\":");
		buf_add_json_string(out, service);
		buf_add_str(out, ",\"level\":null,\"sampling\":null,\"until\":null,\"seconds_left\":0}\n");
	}
	pthread_mutex_unlock(&d->lock);
}

void desk_status(struct desk *d, struct admin_status *ret)
{
	int64_t now = clock_wall_ns();
	pthread_mutex_lock(&d->lock);
	ret->incidents_raised = d->raised;
	for (size_t i = 0; i < d->len && ret->incidents_len < ADMIN_INCIDENTS_MAX; i++) {
		const struct entry *e = &d->entries[i];
		if (!active(e, now))
			continue;
		struct admin_incident *to = &ret->incidents[ret->incidents_len++];
		snprintf(to->service, sizeof(to->service), "%s", e->service);
		snprintf(to->level, sizeof(to->level), "%s", severity_name(e->level));
		snprintf(to->by, sizeof(to->by), "%s", e->by);
		to->from_ns = e->from_ns;
		to->until_ns = e->until_ns;
	}
	pthread_mutex_unlock(&d->lock);
}
