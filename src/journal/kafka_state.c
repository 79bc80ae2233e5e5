/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots in the compacted state topic.
 *
 * Every writer has two slots of its own that take turns, so that compaction always leaves one whole snapshot while the other is being written, and two
 * instances that both believe they lead cannot spoil each other's. A snapshot is a run of records
 *
 *   key "SLOT.<chunk>"   value: id (8 bytes) and up to CHUNK_BYTES of it      SLOT: "snapshot-<writer, 16 hex digits>-<0 or 1>"; once it was "snapshot-<0 or 1>"
 *   key "SLOT.end"       value: id, position, number of chunks, length, CRC-32, in text
 *
 * written in order by an idempotent producer. Loading reads the topic to its end and takes the whole snapshot with the greatest position: all chunks of one id in
 * order, then the end that matches. A writer that died in the middle leaves no matching end. Slots of other writers that loading has seen are emptied
 * once a newer snapshot is there, the newest of them only when there are two. */
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "journal/kafka_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

enum { CHUNK_BYTES = 900 * 1024, ID_BYTES = 8, STUCK_MS = 60000, CHUNKS_MAX = 1000000 };

static uint32_t checksum(struct slice s)
{
	return (uint32_t)crc32_z(0, (const Bytef *)s.ptr, s.len);
}

/* KEY_BYTES holds a slot's name with the longest ending. */
enum { KEY_BYTES = KAFKA_SLOT_BYTES + 16 };

static struct slice chunk_key(char key[KEY_BYTES], const char *slot, uint32_t chunk)
{
	return slice_of(key, (size_t)snprintf(key, KEY_BYTES, "%s.%06" PRIu32, slot, chunk));
}

static struct slice end_key(char key[KEY_BYTES], const char *slot)
{
	return slice_of(key, (size_t)snprintf(key, KEY_BYTES, "%s.end", slot));
}

static void own_slot(const struct kafka_state *s, unsigned number, char name[KAFKA_SLOT_BYTES])
{
	snprintf(name, KAFKA_SLOT_BYTES, "snapshot-%016" PRIx64 "-%u", s->writer, number);
}

static void send_chunks(struct kafka_wait *w, rd_kafka_t *producer, const char *topic, const char *slot, uint64_t id, struct slice snapshot, uint32_t chunks)
{
	struct buf value = {0};
	char key[KEY_BYTES];
	for (uint32_t i = 0; i < chunks; i++) {
		buf_reset(&value);
		buf_add(&value, &id, ID_BYTES);
		buf_add_slice(&value, slice_sub(snapshot, (size_t)i * CHUNK_BYTES, CHUNK_BYTES));
		kafka_wait_send(w, producer, topic, chunk_key(key, slot, i), buf_slice(&value), false);
		failpoint_hit(FAIL_SNAPSHOT_HALF);
	}
	buf_done(&value);
}

/* The newest whole snapshot of another writer, to be kept while there is only one of ours; others_len: none. */
static size_t newest_other(const struct kafka_state *s)
{
	size_t best = s->others_len;
	for (size_t i = 0; i < s->others_len; i++)
		if (s->others[i].position >= 0 && (best == s->others_len || s->others[i].position > s->others[best].position))
			best = i;
	return best;
}

/* Empties slots of others that are behind position. Best effort: what stays is found again by the next that loads. */
static void clean_up(struct kafka_state *s, rd_kafka_t *producer, int64_t position)
{
	const char *topic = s->opts->state_topic;
	char key[KEY_BYTES];
	struct kafka_wait *w = kafka_wait_new();
	size_t keep = s->chunks[0] && s->chunks[1] ? s->others_len : newest_other(s), kept = 0;
	for (size_t i = 0; i < s->others_len; i++) {
		struct kafka_slot *o = &s->others[i];
		if (i == keep || o->position > position) {
			s->others[kept++] = *o;
			continue;
		}
		kafka_wait_send(w, producer, topic, end_key(key, o->name), (struct slice){0}, true);
		for (uint32_t c = 0; c < o->chunks; c++)
			kafka_wait_send(w, producer, topic, chunk_key(key, o->name, c), (struct slice){0}, true);
	}
	s->others_len = kept;
	rd_kafka_resp_err_t code = kafka_wait_done(w);
	if (code)
		log_line(LOG_WARN, "journal", "cannot remove old snapshots from topic %s: %s", topic, rd_kafka_err2str(code));
}

int kafka_state_save(struct kafka_state *s, rd_kafka_t *producer, struct slice snapshot, int64_t position, struct err *err)
{
	const char *topic = s->opts->state_topic;
	unsigned number = s->next_slot;
	uint32_t chunks = (uint32_t)((snapshot.len + CHUNK_BYTES - 1) / CHUNK_BYTES);
	uint64_t id = hash_pair((uint64_t)clock_wall_ns(), hash_pair((uint64_t)clock_mono_ns(), (uint64_t)position));
	struct kafka_wait *w = kafka_wait_new();
	char slot[KAFKA_SLOT_BYTES], key[KEY_BYTES], end[160];
	own_slot(s, number, slot);
	send_chunks(w, producer, topic, slot, id, snapshot, chunks);
	failpoint_hit(FAIL_SNAPSHOT_BEFORE_CLOSE);
	size_t end_len = (size_t)snprintf(end, sizeof(end), "%016" PRIx64 " %" PRId64 " %" PRIu32 " %zu %08" PRIx32, id, position, chunks, snapshot.len, checksum(snapshot));
	kafka_wait_send(w, producer, topic, end_key(key, slot), slice_of(end, end_len), false);
	for (uint32_t i = chunks; i < s->chunks[number]; i++) /* what a longer one left behind */
		kafka_wait_send(w, producer, topic, chunk_key(key, slot, i), (struct slice){0}, true);
	rd_kafka_resp_err_t code = kafka_wait_done(w);
	if (code)
		return err_set(err, kafka_err_code(code), "journal: cannot write a snapshot to topic %s: %s", topic, rd_kafka_err2str(code));
	s->chunks[number] = chunks;
	s->next_slot = 1 - number;
	failpoint_hit(FAIL_SNAPSHOT_BEFORE_CLEANUP);
	if (s->others_len)
		clean_up(s, producer, position);
	return 0;
}

void kafka_state_done(struct kafka_state *s)
{
	free(s->others);
}

/* One slot while the topic is read. */
struct slot {
	struct kafka_slot found;
	struct buf bytes;
	uint64_t id;
	uint32_t next; /* chunk expected; 0: none begun */
};

struct loader {
	struct slot *slots;
	size_t len, cap;
	int64_t best_position; /* -1: none */
	struct buf *out;
};

static struct slot *slot_of(struct loader *l, struct slice name)
{
	for (size_t i = 0; i < l->len; i++)
		if (slice_eq(slice_str(l->slots[i].found.name), name))
			return &l->slots[i];
	l->slots = mem_grow(l->slots, l->len, &l->cap, sizeof(*l->slots));
	struct slot *s = &l->slots[l->len++];
	*s = (struct slot){.found = {.position = -1}};
	memcpy(s->found.name, name.ptr, name.len);
	return s;
}

static void take_chunk(struct slot *s, uint32_t chunk, struct slice value)
{
	uint64_t id;
	if (chunk >= s->found.chunks)
		s->found.chunks = chunk + 1;
	if (value.len < ID_BYTES)
		return;
	memcpy(&id, value.ptr, ID_BYTES);
	if (chunk == 0) {
		buf_reset(&s->bytes);
		s->id = id;
		s->next = 0;
	}
	if (id != s->id || chunk != s->next) {
		s->id = 0;
		return;
	}
	buf_add_slice(&s->bytes, slice_sub(value, ID_BYTES, value.len));
	s->next++;
}

static void take_end(struct loader *l, struct slot *s, struct slice value)
{
	uint64_t id;
	int64_t position;
	uint32_t chunks, crc;
	size_t len;
	char text[160];
	s->found.position = -1;
	if (value.len >= sizeof(text))
		return;
	memcpy(text, value.ptr, value.len);
	text[value.len] = 0;
	if (sscanf(text, "%" SCNx64 " %" SCNd64 " %" SCNu32 " %zu %" SCNx32, &id, &position, &chunks, &len, &crc) != 5)
		return;
	if (id != s->id || chunks != s->next || len != s->bytes.len || crc != checksum(buf_slice(&s->bytes))) {
		log_line(LOG_WARN, "journal", "snapshot in slot %s at position %lld is not whole: passed over", s->found.name, (long long)position);
		return;
	}
	s->found.position = position;
	if (position < l->best_position)
		return;
	l->best_position = position;
	buf_reset(l->out);
	buf_add_slice(l->out, buf_slice(&s->bytes));
}

static void take(struct loader *l, const rd_kafka_message_t *m)
{
	struct slice key = slice_of(m->key, m->key_len), value = slice_of(m->payload, m->len);
	size_t dot = slice_find(key, '.', 0);
	int64_t chunk;
	if (!slice_starts(key, SLICE("snapshot-")) || dot >= key.len || dot >= KAFKA_SLOT_BYTES || !m->payload)
		return;
	struct slot *s = slot_of(l, slice_sub(key, 0, dot));
	struct slice what = slice_sub(key, dot + 1, key.len);
	if (slice_eq(what, SLICE("end")))
		take_end(l, s, value);
	else if (slice_to_i64(what, &chunk) && chunk >= 0 && chunk < CHUNKS_MAX)
		take_chunk(s, (uint32_t)chunk, value);
}

/* Keeps what there is of other writers, and frees the rest. */
static void finish(struct loader *l, struct kafka_state *state)
{
	char own[2][KAFKA_SLOT_BYTES];
	own_slot(state, 0, own[0]);
	own_slot(state, 1, own[1]);
	state->others_len = 0;
	for (size_t i = 0; i < l->len; i++) {
		const struct kafka_slot *found = &l->slots[i].found;
		buf_done(&l->slots[i].bytes);
		if (strcmp(found->name, own[0]) == 0 || strcmp(found->name, own[1]) == 0)
			continue;
		state->others = mem_grow(state->others, state->others_len, &state->others_cap, sizeof(*state->others));
		state->others[state->others_len++] = *found;
	}
	free(l->slots);
}

static int read_all(struct loader *l, rd_kafka_t *consumer, const char *topic, struct err *err)
{
	for (;;) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(consumer, STUCK_MS);
		rd_kafka_resp_err_t code = m ? m->err : RD_KAFKA_RESP_ERR__TIMED_OUT;
		if (m && !code)
			take(l, m);
		if (m)
			rd_kafka_message_destroy(m);
		if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF)
			return 0;
		if (code && code != RD_KAFKA_RESP_ERR__TRANSPORT)
			return err_set(err, kafka_err_code(code), "journal: cannot read snapshots from topic %s: %s", topic, rd_kafka_err2str(code));
	}
}

static const struct kafka_setting usual[] = {{"auto.offset.reset", "earliest"}, {NULL, NULL}};
static const struct kafka_setting must[] = {
	{"group.id", "winnow-state-reader"}, /* never joined */
	{"enable.auto.commit", "false"},
	{"enable.partition.eof", "true"},
	{"check.crcs", "true"},
	{NULL, NULL},
};

int kafka_state_load(struct kafka_state *s, struct buf *out, struct err *err)
{
	struct loader l = {.best_position = -1, .out = out};
	rd_kafka_conf_t *conf;
	rd_kafka_t *consumer = NULL;
	buf_reset(out);
	int rc = kafka_conf(s->opts, usual, must, &conf, err);
	if (rc == 0)
		rc = kafka_client(RD_KAFKA_CONSUMER, conf, &consumer, err);
	if (rc == 0)
		rc = kafka_assign(consumer, s->opts->state_topic, RD_KAFKA_OFFSET_BEGINNING, err);
	if (rc == 0)
		rc = read_all(&l, consumer, s->opts->state_topic, err);
	if (consumer) {
		rd_kafka_consumer_close(consumer);
		rd_kafka_destroy(consumer);
	}
	finish(&l, s);
	return rc;
}
