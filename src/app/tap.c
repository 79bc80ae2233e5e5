/* SPDX-License-Identifier: Apache-2.0 */
#include "app/tap.h"

#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { RING = 512, RATE_MAX = 200, FILTER_MAX = 256, MESSAGE_MAX = 4096 };
#define WANTED_NS (5 * NS_PER_S)

struct taken {
	struct buf json;
	struct buf words; /* what a filter looks at */
};

struct tap {
	bool texts;
	_Atomic int64_t wanted_until_ns; /* monotonic */
	pthread_mutex_t lock;            /* of what follows */
	char filter[FILTER_MAX];         /* what everybody asks for who asks */
	size_t filter_len;
	int64_t asked_ns, mixed_until_ns; /* monotonic: when it was asked for last; until when others ask for something else, so that all is taken */
	int64_t second;                  /* the rate is counted by seconds */
	size_t in_second;
	uint64_t next, missed;
	struct buf words;                /* of the record at hand */
	struct taken ring[RING];
};

struct tap *tap_new(bool texts)
{
	struct tap *t = mem_zalloc(1, sizeof(*t));
	t->texts = texts;
	t->wanted_until_ns = INT64_MIN;
	t->asked_ns = -WANTED_NS;
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void tap_free(struct tap *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < RING; i++) {
		buf_done(&t->ring[i].json);
		buf_done(&t->ring[i].words);
	}
	buf_done(&t->words);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

bool tap_wanted(const struct tap *t)
{
	return clock_mono_ns() < atomic_load_explicit(&t->wanted_until_ns, memory_order_relaxed);
}

static void id_text(const struct pattern *p, char out[17])
{
	for (int i = 0; i < 16; i++)
		out[i] = "0123456789abcdef"[p->id >> (60 - 4 * i) & 15];
	out[16] = 0;
}

static bool holds(struct slice text, struct slice filter)
{
	return !filter.len || slice_search(text, filter) < text.len;
}

static void add_word(struct buf *out, struct slice text)
{
	buf_add_slice(out, text);
	buf_add_char(out, 0);
}

static void write_words(const struct tap *t, const struct shard_view *v, struct buf *out)
{
	char id[17];
	buf_reset(out);
	add_word(out, v->record->service);
	add_word(out, v->match ? rule_name(v->match->rule) : (struct slice){0});
	if (v->pattern) {
		id_text(v->pattern, id);
		add_word(out, slice_str(id));
		add_word(out, v->pattern->template_text);
	}
	if (t->texts)
		add_word(out, slice_sub(v->record->message, 0, MESSAGE_MAX));
}

static void add_text(struct buf *out, const char *name, struct slice text)
{
	if (!text.len)
		return;
	buf_printf(out, ",\"%s\":", name);
	buf_add_json_string(out, text);
}

static void write_record(const struct tap *t, const struct shard_view *v, struct buf *out)
{
	char id[17];
	buf_reset(out);
	buf_add_str(out, "{\"time\":\"");
	clock_format(out, v->record->time_ns);
	buf_printf(out, "\",\"severity\":\"%s\"", severity_name(v->record->severity));
	add_text(out, "service_name", v->record->service);
	add_text(out, "rule", v->match ? rule_name(v->match->rule) : (struct slice){0});
	if (v->pattern) {
		id_text(v->pattern, id);
		add_text(out, "pattern_id", slice_str(id));
		add_text(out, "template", v->pattern->template_text);
	} else {
		buf_add_str(out, ",\"filtered\":true");
	}
	add_text(out, "message", t->texts ? slice_sub(v->record->message, 0, MESSAGE_MAX) : (struct slice){0});
	add_text(out, "trace_id", v->record->trace_id);
	buf_add_char(out, '}');
}

/* Never waits: a record that comes while somebody else is at it counts as over the rate. */
void tap_take(void *arg, const struct shard_view *view)
{
	struct tap *t = arg;
	int64_t second = clock_mono_ns() / NS_PER_S;
	if (pthread_mutex_trylock(&t->lock))
		return;
	if (second != t->second)
		t->in_second = 0;
	t->second = second;
	struct taken *place = &t->ring[t->next % RING];
	write_words(t, view, &t->words);
	if (clock_mono_ns() < t->mixed_until_ns || holds(buf_slice(&t->words), slice_of(t->filter, t->filter_len))) {
		if (t->in_second++ < RATE_MAX) {
			struct buf words = place->words;
			place->words = t->words;
			t->words = words;
			write_record(t, view, &place->json);
			t->next++;
		} else {
			t->missed++;
		}
	}
	pthread_mutex_unlock(&t->lock);
}

static void ask_for(struct tap *t, struct slice filter, int64_t now)
{
	bool same = slice_eq(filter, slice_of(t->filter, t->filter_len));
	if (!same && now < t->asked_ns + WANTED_NS)
		t->mixed_until_ns = now + WANTED_NS;
	if (!same && filter.len)
		memcpy(t->filter, filter.ptr, filter.len);
	t->filter_len = filter.len;
	t->asked_ns = now;
}

void tap_read(struct tap *t, struct slice filter, uint64_t after, struct buf *out)
{
	const char *comma = "\n";
	int64_t now = clock_mono_ns();
	filter = slice_sub(filter, 0, FILTER_MAX);
	pthread_mutex_lock(&t->lock);
	ask_for(t, filter, now);
	if (after > t->next)
		after = t->next; /* of an instance before this one */
	if (t->next - after > RING)
		after = t->next - RING;
	buf_printf(out, "{\"next\":%llu,\"missed\":%llu,\"records\":[", (unsigned long long)t->next, (unsigned long long)t->missed);
	for (uint64_t i = after; i < t->next; i++) {
		if (!holds(buf_slice(&t->ring[i % RING].words), filter))
			continue;
		buf_add_str(out, comma);
		buf_add_slice(out, buf_slice(&t->ring[i % RING].json));
		comma = ",\n";
	}
	buf_add_str(out, "]}\n");
	t->missed = 0;
	pthread_mutex_unlock(&t->lock);
	atomic_store_explicit(&t->wanted_until_ns, now + WANTED_NS, memory_order_relaxed);
}
