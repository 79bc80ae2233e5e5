/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots in the compacted state topic.
 *
 * Two slots take turns, so that compaction always leaves one whole snapshot while the other is being written. A snapshot is a run of records
 *
 *   key "snapshot-<slot>.<chunk>"   value: id (8 bytes) and up to CHUNK_BYTES of it
 *   key "snapshot-<slot>.end"       value: id, position, number of chunks, length, CRC-32, in text
 *
 * written in order by an idempotent producer. Loading reads the topic to its end and takes the whole snapshot with the greatest position: all chunks of one id in
 * order, then the end that matches. A writer that died in the middle, or two that wrote into one slot, leave no matching end. */
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/hash.h"
#include "base/log.h"
#include "journal/kafka_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

enum { CHUNK_BYTES = 900 * 1024, ID_BYTES = 8, STUCK_MS = 60000 };

static uint32_t checksum(struct slice s)
{
	return (uint32_t)crc32_z(0, (const Bytef *)s.ptr, s.len);
}

static struct slice chunk_key(char key[48], unsigned slot, uint32_t chunk)
{
	return slice_of(key, (size_t)snprintf(key, 48, "snapshot-%u.%06" PRIu32, slot, chunk));
}

static void send_chunks(struct kafka_wait *w, rd_kafka_t *producer, const char *topic, unsigned slot, uint64_t id, struct slice snapshot, uint32_t chunks)
{
	struct buf value = {0};
	char key[48];
	for (uint32_t i = 0; i < chunks; i++) {
		buf_reset(&value);
		buf_add(&value, &id, ID_BYTES);
		buf_add_slice(&value, slice_sub(snapshot, (size_t)i * CHUNK_BYTES, CHUNK_BYTES));
		kafka_wait_send(w, producer, topic, chunk_key(key, slot, i), buf_slice(&value), false);
		failpoint_hit(FAIL_SNAPSHOT_HALF);
	}
	buf_done(&value);
}

int kafka_state_save(struct kafka_state *s, rd_kafka_t *producer, struct slice snapshot, int64_t position, struct err *err)
{
	const char *topic = s->opts->state_topic;
	unsigned slot = s->next_slot;
	uint32_t chunks = (uint32_t)((snapshot.len + CHUNK_BYTES - 1) / CHUNK_BYTES);
	uint64_t id = hash_pair((uint64_t)clock_wall_ns(), hash_pair((uint64_t)clock_mono_ns(), (uint64_t)position));
	struct kafka_wait *w = kafka_wait_new();
	char key[48], end[160];
	send_chunks(w, producer, topic, slot, id, snapshot, chunks);
	failpoint_hit(FAIL_SNAPSHOT_BEFORE_CLOSE);
	size_t key_len = (size_t)snprintf(key, sizeof(key), "snapshot-%u.end", slot);
	size_t end_len = (size_t)snprintf(end, sizeof(end), "%016" PRIx64 " %" PRId64 " %" PRIu32 " %zu %08" PRIx32, id, position, chunks, snapshot.len, checksum(snapshot));
	kafka_wait_send(w, producer, topic, slice_of(key, key_len), slice_of(end, end_len), false);
	failpoint_hit(FAIL_SNAPSHOT_BEFORE_CLEANUP);
	for (uint32_t i = chunks; i < s->chunks[slot]; i++) /* what a longer one left behind */
		kafka_wait_send(w, producer, topic, chunk_key(key, slot, i), (struct slice){0}, true);
	rd_kafka_resp_err_t code = kafka_wait_done(w);
	if (code)
		return err_set(err, kafka_err_code(code), "journal: cannot write a snapshot to topic %s: %s", topic, rd_kafka_err2str(code));
	s->chunks[slot] = chunks;
	s->next_slot = 1 - slot;
	return 0;
}

/* One slot while the topic is read. */
struct slot {
	struct buf bytes;
	uint64_t id;
	uint32_t next; /* chunk expected; 0: none begun */
};

struct loader {
	struct slot slots[2];
	int64_t best_position; /* -1: none */
	struct buf *out;
	struct kafka_state *state;
};

static void take_chunk(struct slot *s, uint32_t chunk, struct slice value)
{
	uint64_t id;
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

static void take_end(struct loader *l, unsigned at, struct slice value)
{
	struct slot *s = &l->slots[at];
	uint64_t id;
	int64_t position;
	uint32_t chunks, crc;
	size_t len;
	char text[160];
	if (value.len >= sizeof(text))
		return;
	memcpy(text, value.ptr, value.len);
	text[value.len] = 0;
	if (sscanf(text, "%" SCNx64 " %" SCNd64 " %" SCNu32 " %zu %" SCNx32, &id, &position, &chunks, &len, &crc) != 5)
		return;
	if (id != s->id || chunks != s->next || len != s->bytes.len || crc != checksum(buf_slice(&s->bytes))) {
		log_line(LOG_WARN, "journal", "snapshot in slot %u at position %lld is not whole: passed over", at, (long long)position);
		return;
	}
	l->state->chunks[at] = chunks;
	if (position < l->best_position)
		return;
	l->best_position = position;
	l->state->next_slot = 1 - at;
	buf_reset(l->out);
	buf_add_slice(l->out, buf_slice(&s->bytes));
}

static void take(struct loader *l, const rd_kafka_message_t *m)
{
	struct slice key = slice_of(m->key, m->key_len), value = slice_of(m->payload, m->len);
	int64_t chunk;
	if (key.len < 12 || !slice_starts(key, SLICE("snapshot-")) || key.ptr[10] != '.' || (key.ptr[9] != '0' && key.ptr[9] != '1') || !m->payload)
		return;
	unsigned at = (unsigned)(key.ptr[9] - '0');
	struct slice what = slice_sub(key, 11, key.len);
	if (slice_eq(what, SLICE("end")))
		take_end(l, at, value);
	else if (slice_to_i64(what, &chunk) && chunk >= 0 && chunk < UINT32_MAX)
		take_chunk(&l->slots[at], (uint32_t)chunk, value);
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
	struct loader l = {.best_position = -1, .out = out, .state = s};
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
	buf_done(&l.slots[0].bytes);
	buf_done(&l.slots[1].bytes);
	return rc;
}
