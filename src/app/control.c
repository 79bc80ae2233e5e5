/* SPDX-License-Identifier: Apache-2.0 */
#include "app/control.h"

#include "app/status.h"
#include "app/watch.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LOADS = 5 };

static void signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

static struct ruleset *load_once(const struct control *c, struct rule_errors *errors)
{
	struct ruleset *rules = NULL;
	if (c->config->rules.len)
		ruleset_load(c->config->rules.items, c->config->rules.len, &rules, errors);
	return rules;
}

/* The rules as the files stood at one moment: what changes while it is read is read again, and if there is no end to it, not at all. */
static struct ruleset *load_rules(struct control *c, struct rule_errors *errors)
{
	struct buf files = {0};
	struct ruleset *rules = NULL;
	bool whole = false;
	errors->files = &files;
	for (int i = 0; i < LOADS && !whole; i++) {
		buf_reset(&files);
		uint64_t before = watch_print(c->watch);
		rules = load_once(c, errors);
		watch_seen(c->watch, before);
		whole = watch_print(c->watch) == before;
		if (whole)
			break;
		ruleset_free(rules);
		rules = NULL;
		buf_reset(&errors->text);
		errors->len = 0;
	}
	if (whole) { /* also those that are missing: they may come */
		watch_more(c->watch, buf_slice(&files));
	} else {
		buf_add_str(&errors->text, "the files change while they are read\n");
		errors->len = 1;
	}
	errors->files = NULL;
	buf_done(&files);
	return rules;
}

int control_init(struct control *c)
{
	sigset_t set;
	struct rule_errors errors = {0};
	signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	c->watch = watch_new(c->config->rules.items, c->config->rules.len);
	c->rules = load_rules(c, &errors);
	if (errors.len)
		fprintf(stderr, "%s", buf_cstr(&errors.text));
	int rc = errors.len ? 1 : 0;
	buf_done(&errors.text);
	return rc;
}

void control_done(struct control *c)
{
	for (size_t i = 0; i < c->places_len; i++)
		free(c->places[i].topic);
	free(c->places);
	free(c->workers);
	free((void *)c->low_ns);
	free(c->sources);
	ruleset_free(c->rules);
	watch_free(c->watch);
}

bool control_wait_signal(struct control *c, int64_t timeout_ns)
{
	sigset_t set;
	struct timespec t = {.tv_sec = timeout_ns / NS_PER_S, .tv_nsec = timeout_ns % NS_PER_S};
	signals(&set);
	int got = sigtimedwait(&set, NULL, &t);
	if (got == SIGHUP)
		c->reload = true;
	else if (got > 0)
		c->leaving = true;
	return got > 0;
}

void control_place(struct control *c, struct control_source *source, struct source_reader *reader, const struct shard_start *at)
{
	c->places = mem_grow(c->places, c->places_len, &c->places_cap, sizeof(*c->places));
	c->places[c->places_len++] = (struct control_place){.source = source, .reader = reader, .topic = mem_strdup(slice_str(reader->topic)), .partition = reader->partition, .at = *at};
}

static struct worker *least_busy(struct control *c)
{
	struct worker *best = c->workers[0];
	size_t least = SIZE_MAX;
	for (size_t i = 0; i < c->workers_len; i++) {
		size_t n = 0;
		for (size_t k = 0; k < c->places_len; k++)
			n += c->places[k].worker == c->workers[i];
		if (n < least) {
			least = n;
			best = c->workers[i];
		}
	}
	return best;
}

void control_hand_over(struct control *c, struct source_reader *reader)
{
	for (size_t i = 0; i < c->places_len; i++) {
		struct control_place *p = &c->places[i];
		if (p->reader != reader || p->worker)
			continue;
		p->worker = least_busy(c);
		worker_take(p->worker, reader, p->source->format, p->source->zone, &p->at);
	}
}

static bool is_at(const struct control_place *p, const char *topic, int32_t partition)
{
	return p->partition == partition && strcmp(p->topic, topic) == 0;
}

void control_take_back(struct control *c, const char *const *topics, const int32_t *partitions, size_t len)
{
	for (size_t i = 0; i < len; i++)
		for (size_t k = 0; k < c->places_len; k++) {
			struct control_place *p = &c->places[k];
			if (!p->worker || !is_at(p, topics[i], partitions[i]))
				continue;
			worker_drop(p->worker, p->topic, p->partition);
			free(p->topic);
			c->places[k--] = c->places[--c->places_len];
		}
	for (size_t i = 0; i < c->workers_len; i++)
		worker_wait_dropped(c->workers[i]);
}

size_t control_places(const struct control *c)
{
	return c->places_len;
}

void control_commit(struct control *c, const struct control_source *source)
{
	const char **topics = mem_zalloc(c->places_len, sizeof(char *));
	int32_t *partitions = mem_zalloc(c->places_len, sizeof(int32_t));
	int64_t *offsets = mem_zalloc(c->places_len, sizeof(int64_t));
	size_t n = 0;
	for (size_t i = 0; i < c->places_len; i++) {
		const struct control_place *p = &c->places[i];
		struct ledger_partition at;
		if (p->source != source || !books_partition(c->books, slice_str(p->topic), p->partition, &at))
			continue;
		topics[n] = p->topic;
		partitions[n] = p->partition;
		offsets[n++] = at.absorbed;
	}
	failpoint_hit(FAIL_COMMIT_BEFORE);
	kafka_source_commit(source->kafka, topics, partitions, offsets, n);
	failpoint_hit(FAIL_COMMIT_AFTER);
	free(topics);
	free(partitions);
	free(offsets);
}

void control_reload(struct control *c)
{
	struct rule_errors errors = {0};
	c->reload = false;
	struct ruleset *fresh = load_rules(c, &errors);
	if (errors.len) {
		log_line(LOG_ERROR, "rules", "not reloaded, the rules in force (%016llx) stay:\n%s", c->rules ? (unsigned long long)ruleset_hash(c->rules) : 0ULL, buf_cstr(&errors.text));
	} else {
		log_line(LOG_INFO, "rules", "reloaded: %016llx -> %016llx", c->rules ? (unsigned long long)ruleset_hash(c->rules) : 0ULL, fresh ? (unsigned long long)ruleset_hash(fresh) : 0ULL);
		for (size_t i = 0; i < c->workers_len; i++)
			worker_set_rules(c->workers[i], fresh);
		ruleset_free(c->rules);
		c->rules = fresh;
	}
	status_reloaded(c->status, errors.len == 0);
	buf_done(&errors.text);
}

void control_look_at_rules(struct control *c)
{
	bool changed = c->config->rules.len && watch_changed(c->watch, clock_mono_ns());
	if (c->reload || changed)
		control_reload(c);
}
