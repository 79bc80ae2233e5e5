/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/lines.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"

#include <stdlib.h>

/* A line of which pieces are held, or a trace that goes on. */
struct line {
	uint64_t key;
	int64_t came_ns; /* its first piece, or its last line of a trace */
	size_t pieces;
	bool trace;
	struct buf text;
};

struct lines {
	struct map map;       /* by key: the lines */
	uint64_t asked;       /* the key of the last lines_take */
	int64_t oldest_ns;    /* nothing is older */
	struct note {
		uint64_t key;
		int64_t came_ns;
	} notes[LINES_NOTES]; /* the last errors; key 0: none */
	size_t next_note;
	int64_t noted_ns;     /* the last of them */
	bool noted;
};

struct lines *lines_new(void)
{
	return mem_zalloc(1, sizeof(struct lines));
}

static void forget(struct lines *l, struct line *line)
{
	map_remove(&l->map, line->key, NULL, NULL);
	buf_done(&line->text);
	free(line);
}

void lines_free(struct lines *l)
{
	struct line *line;
	size_t cursor = 0;
	if (!l)
		return;
	while ((line = map_next(&l->map, &cursor))) {
		buf_done(&line->text);
		free(line);
	}
	map_done(&l->map);
	free(l);
}

bool lines_empty(const struct lines *l)
{
	return !l || l->map.len == 0;
}

bool lines_noted(const struct lines *l)
{
	return l->noted;
}

void lines_expire(struct lines *l, int64_t newest_ns)
{
	struct line *line, *old[64];
	size_t n;
	if (l->noted && newest_ns - l->noted_ns >= LINES_HOLD_NS) {
		memset(l->notes, 0, sizeof(l->notes));
		l->noted = false;
	}
	if (l->map.len == 0 || newest_ns - l->oldest_ns < LINES_HOLD_NS)
		return;
	do {
		size_t cursor = 0;
		n = 0;
		l->oldest_ns = newest_ns;
		while (n < 64 && (line = map_next(&l->map, &cursor)))
			if (newest_ns - line->came_ns >= LINES_HOLD_NS)
				old[n++] = line;
			else if (line->came_ns < l->oldest_ns)
				l->oldest_ns = line->came_ns;
		for (size_t i = 0; i < n; i++)
			forget(l, old[i]);
	} while (n == 64);
}

/* Which container's stream wrote the record. */
static uint64_t key_of(const struct record *r)
{
	static const struct slice paths[] = {{"container_id", 12}, {"docker.container_id", 19}, {"kubernetes.docker_id", 20}, {"kubernetes.pod_name", 19}, {"kubernetes.pod.name", 19},
		{"kubernetes.container_name", 25}, {"container_name", 14}, {"partial_id", 10}};
	uint64_t key = hash_bytes(r->stream) * 31 + hash_bytes(r->service);
	struct slice value;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (record_field(r, paths[i], &value))
			key = key * UINT64_C(0x9E3779B97F4A7C15) + hash_bytes(value);
	return key | 1;
}

void lines_note(struct lines *l, const struct record *r, int64_t newest_ns)
{
	l->notes[l->next_note++ % LINES_NOTES] = (struct note){.key = key_of(r), .came_ns = newest_ns};
	l->noted_ns = newest_ns;
	l->noted = true;
}

/* Whether the stream wrote an error just before; a trace has one head. */
static bool take_note(struct lines *l, uint64_t key, int64_t newest_ns)
{
	for (size_t i = 0; l->noted && i < LINES_NOTES; i++)
		if (l->notes[i].key == key) {
			l->notes[i].key = 0;
			if (newest_ns - l->notes[i].came_ns < LINES_FOLLOW_NS)
				return true;
		}
	return false;
}

static struct line *open_line(struct lines *l, uint64_t key, int64_t newest_ns)
{
	if (l->map.len >= LINES_OPEN)
		return NULL;
	struct line *line = mem_zalloc(1, sizeof(*line));
	line->key = key;
	line->came_ns = newest_ns;
	if (l->map.len == 0 || newest_ns < l->oldest_ns)
		l->oldest_ns = newest_ns;
	map_put(&l->map, key, line);
	return line;
}

/* A piece that does not end its line; at the bounds it does. */
static enum lines_verdict keep(struct lines *l, struct line *line, const struct record *r, int64_t newest_ns, struct slice *ret_before)
{
	if (line && line->trace) {
		forget(l, line);
		line = NULL;
	}
	line = line ? line : open_line(l, l->asked, newest_ns);
	if (!line)
		return LINES_COUNT;
	if (line->pieces + 1 >= LINES_PIECES || line->text.len + r->raw.len > LINES_BYTES) {
		*ret_before = buf_slice(&line->text);
		return line->text.len ? LINES_BEHIND : LINES_COUNT;
	}
	buf_add_slice(&line->text, r->raw);
	line->pieces++;
	return LINES_JOINED;
}

static enum lines_verdict follow_trace(struct lines *l, struct line *line, int64_t newest_ns)
{
	if (line && !line->trace)
		return LINES_JOINED;
	line = line ? line : open_line(l, l->asked, newest_ns);
	if (line) {
		line->trace = true;
		line->came_ns = newest_ns;
	}
	return LINES_JOINED;
}

enum lines_verdict lines_take(struct lines *l, const struct record *r, int64_t newest_ns, struct slice *ret_before)
{
	lines_expire(l, newest_ns);
	l->asked = key_of(r);
	struct line *line = map_get(&l->map, l->asked, NULL, NULL);
	if (r->part == PART_UNFINISHED)
		return keep(l, line, r, newest_ns, ret_before);
	if (line && !line->trace && r->raw.ptr) {
		*ret_before = buf_slice(&line->text);
		return LINES_BEHIND;
	}
	if (r->part == PART_TRACE)
		return follow_trace(l, line, newest_ns);
	bool ends = r->part == PART_HEADLINE && ((line && line->trace) || take_note(l, l->asked, newest_ns));
	if (line && line->trace)
		forget(l, line);
	return ends ? LINES_JOINED : LINES_COUNT;
}

enum lines_verdict lines_again(struct lines *l, const struct record *r)
{
	struct line *line = map_get(&l->map, l->asked, NULL, NULL);
	if (!line)
		return LINES_COUNT;
	/* a piece in the middle of a cut document, which only the whole tells */
	if (r && r->part == PART_UNFINISHED && line->pieces + 1 < LINES_PIECES && r->raw.len <= LINES_BYTES) {
		buf_reset(&line->text);
		buf_add_slice(&line->text, r->raw);
		line->pieces++;
		return LINES_JOINED;
	}
	forget(l, line);
	return LINES_COUNT;
}
