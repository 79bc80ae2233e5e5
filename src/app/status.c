/* SPDX-License-Identifier: Apache-2.0 */
#include "app/status.h"

#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARTS_MAX = 8 };

struct trouble {
	const char *part;
	char text[512];
};

struct status {
	const struct config *config;
	_Atomic bool *reload;
	pthread_mutex_t lock;
	struct books *books;
	struct worker *const *workers;
	size_t workers_len;
	struct sender *sender;
	struct trouble troubles[PARTS_MAX];
	size_t troubles_len;
	bool reload_successful;
	int64_t reloaded_ns;
};

int status_start(const struct config *config, _Atomic bool *reload, struct status **ret)
{
	struct status *s = mem_zalloc(1, sizeof(*s));
	s->config = config;
	s->reload = reload;
	s->reload_successful = true;
	pthread_mutex_init(&s->lock, NULL);
	*ret = s;
	return 0;
}

void status_stop(struct status *s)
{
	if (!s)
		return;
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

void status_set_sender(struct status *s, struct sender *sender)
{
	pthread_mutex_lock(&s->lock);
	s->sender = sender;
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

void status_trouble(struct status *s, const char *part, const char *text)
{
	pthread_mutex_lock(&s->lock);
	struct trouble *t = trouble_of(s, part);
	bool news = strcmp(t->text, text) != 0;
	bool over = news && !text[0];
	if (news)
		snprintf(t->text, sizeof(t->text), "%s", text);
	pthread_mutex_unlock(&s->lock);
	if (over)
		log_line(LOG_INFO, part, "all is well");
	else if (news)
		log_line(LOG_WARN, part, "%s", text);
}

void status_reloaded(struct status *s, bool successful)
{
	pthread_mutex_lock(&s->lock);
	s->reload_successful = successful;
	pthread_mutex_unlock(&s->lock);
}
