/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters. A message is copied as it is, so that `winnow run` on this topic reads it again once what was wrong has been mended; where it came from and why it
 * is here are headers, which replace those of an earlier stay:
 *
 *     winnow.reason     the label of winnow_undecodable_total     winnow.topic, winnow.partition, winnow.offset     where it was
 *     winnow.records    how many records of it were lost (a batch may have lost only some)
 *     winnow.tried      what each reader made of it, as explain says it
 *
 * The timestamp is the message's own. Delivery is at least once: a worker settles before it appends the delta that counts the record as undecodable, so no crash
 * loses a letter, and one between the two writes it again. A letter never times out: while the brokers do not take them the worker appends nothing, and stops reading
 * once OPEN_MAX letters or OPEN_BYTES_MAX bytes are on their way, so what waits is bounded. Only what brokers refuse for good (too large for the topic, not allowed) is
 * given up, and counted. A message that came from the topic itself is not written to it again, or one would go round for ever.
 *
 * A lane outlives the reader of its partition, because letters may be acknowledged after a partition went to somebody else.
 *
 * Threads: any; librdkafka's producer is safe, counts are atomic, the budget of a second and the list of lanes have a lock (this is no hot path). */
#include "source/dead_letter.h"

#include "base/clock.h"
#include "base/mem.h"
#include "record/decoder.h"
#include "source/kafka_producer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { LEAVE_MS = 5000, SETTLE_MS = 5, BURST_SECONDS = 10, FULL_WAIT_MS = 10, OPEN_MAX = 10000, OPEN_BYTES_MAX = 32 << 20 };

struct dead_lane {
	struct dead_lane *next;
	char *topic;
	int32_t partition;
	_Atomic size_t open; /* not acknowledged yet */
	_Atomic size_t lost; /* refused for good */
};

struct dead_letters {
	rd_kafka_t *rk;
	char *topic;
	int64_t per_second;
	pthread_mutex_t lock;
	double left;       /* messages that may go now */
	int64_t filled_ns; /* monotonic */
	struct dead_lane *lanes;
	struct decoder *decoder; /* says what was tried; under the lock */
	_Atomic size_t open, open_bytes;
};

static void on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct dead_letters *d = opaque;
	struct dead_lane *lane = m->_private;
	(void)rk;
	lane->lost += m->err != RD_KAFKA_RESP_ERR_NO_ERROR;
	lane->open--;
	d->open--;
	d->open_bytes -= m->len;
}

int dead_letters_new(const struct dead_letter_opts *opts, struct dead_letters **ret, struct err *err)
{
	static const struct kafka_property usual[] = {{"linger.ms", "5"}}, fixed[] = {{"message.timeout.ms", "0"}};
	struct dead_letters *d = mem_zalloc(1, sizeof(*d));
	const struct kafka_producer_opts producer = {
		.what = "dead letters",
		.brokers = opts->brokers,
		.usual = usual,
		.usual_len = sizeof(usual) / sizeof(usual[0]),
		.users = opts->properties,
		.users_len = opts->properties_len,
		.fixed = fixed,
		.fixed_len = sizeof(fixed) / sizeof(fixed[0]),
		.on_delivered = on_delivered,
		.opaque = d,
	};
	int rc = kafka_producer_new(&producer, &d->rk, err);
	if (rc) {
		free(d);
		return rc;
	}
	d->topic = mem_strdup(slice_str(opts->topic));
	d->per_second = opts->per_second;
	d->left = (double)(opts->per_second * BURST_SECONDS);
	d->filled_ns = clock_mono_ns();
	d->decoder = decoder_new(&(struct decoder_opts){.format = opts->format});
	pthread_mutex_init(&d->lock, NULL);
	*ret = d;
	return 0;
}

void dead_letters_free(struct dead_letters *d)
{
	if (!d)
		return;
	rd_kafka_flush(d->rk, LEAVE_MS);
	rd_kafka_destroy(d->rk);
	for (struct dead_lane *lane; (lane = d->lanes);) {
		d->lanes = lane->next;
		free(lane->topic);
		free(lane);
	}
	decoder_free(d->decoder);
	pthread_mutex_destroy(&d->lock);
	free(d->topic);
	free(d);
}

struct dead_lane *dead_letters_lane(struct dead_letters *d, const char *topic, int32_t partition)
{
	pthread_mutex_lock(&d->lock);
	struct dead_lane *lane = d->lanes;
	while (lane && (lane->partition != partition || strcmp(lane->topic, topic) != 0))
		lane = lane->next;
	if (!lane) {
		lane = mem_zalloc(1, sizeof(*lane));
		lane->topic = mem_strdup(slice_str(topic));
		lane->partition = partition;
		lane->next = d->lanes;
		d->lanes = lane;
	}
	pthread_mutex_unlock(&d->lock);
	return lane;
}

static bool within_limit(struct dead_letters *d)
{
	if (d->per_second <= 0)
		return true;
	pthread_mutex_lock(&d->lock);
	int64_t now = clock_mono_ns();
	double most = (double)(d->per_second * BURST_SECONDS);
	d->left += (double)(now - d->filled_ns) / (double)NS_PER_S * (double)d->per_second;
	d->left = d->left > most ? most : d->left;
	d->filled_ns = now;
	bool within = d->left >= 1;
	if (within)
		d->left -= 1;
	pthread_mutex_unlock(&d->lock);
	return within;
}

static void put(rd_kafka_headers_t *headers, const char *name, const char *value)
{
	rd_kafka_header_remove(headers, name);
	rd_kafka_header_add(headers, name, -1, value, -1);
}

static void put_number(rd_kafka_headers_t *headers, const char *name, int64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld", (long long)value);
	put(headers, name, text);
}

static void put_tried(struct dead_letters *d, rd_kafka_headers_t *headers, struct slice payload)
{
	struct buf tried = {0};
	pthread_mutex_lock(&d->lock);
	decoder_tried(d->decoder, payload, "; ", &tried);
	pthread_mutex_unlock(&d->lock);
	put(headers, "winnow.tried", buf_cstr(&tried));
	buf_done(&tried);
}

static rd_kafka_headers_t *headers_of(struct dead_letters *d, const rd_kafka_message_t *m, const char *topic, const char *reason, size_t lost)
{
	rd_kafka_headers_t *theirs, *ours;
	ours = rd_kafka_message_headers(m, &theirs) == RD_KAFKA_RESP_ERR_NO_ERROR ? rd_kafka_headers_copy(theirs) : rd_kafka_headers_new(6);
	put(ours, "winnow.reason", reason);
	put(ours, "winnow.topic", topic);
	put_number(ours, "winnow.partition", m->partition);
	put_number(ours, "winnow.offset", m->offset);
	put_number(ours, "winnow.records", (int64_t)lost);
	size_t at;
	rd_kafka_header_remove(ours, "winnow.position");
	struct slice payload = slice_of(m->payload, m->payload ? m->len : 0);
	if (decoder_first_error(payload, reason, &at))
		put_number(ours, "winnow.position", (int64_t)at);
	put_tried(d, ours, payload);
	return ours;
}

enum source_aside dead_letters_add(struct dead_letters *d, struct dead_lane *lane, const rd_kafka_message_t *m, const char *topic, const char *reason, size_t lost)
{
	rd_kafka_timestamp_type_t type;
	int64_t time_ms = rd_kafka_message_timestamp(m, &type);
	rd_kafka_resp_err_t rc;
	if (strcmp(topic, d->topic) == 0)
		return SOURCE_ASIDE_NOWHERE;
	if (!within_limit(d))
		return SOURCE_ASIDE_LIMITED;
	rd_kafka_headers_t *headers = headers_of(d, m, topic, reason, lost);
	lane->open++;
	d->open++;
	d->open_bytes += m->len;
	while ((rc = rd_kafka_producev(d->rk, RD_KAFKA_V_TOPIC(d->topic), RD_KAFKA_V_KEY(m->key, m->key_len), RD_KAFKA_V_VALUE(m->payload, m->len), RD_KAFKA_V_TIMESTAMP(time_ms > 0 ? time_ms : 0),
			RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(lane), RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		rd_kafka_poll(d->rk, FULL_WAIT_MS); /* only if the user made the queue smaller than ours */
	if (rc) {
		rd_kafka_headers_destroy(headers);
		lane->lost++;
		lane->open--;
		d->open--;
		d->open_bytes -= m->len;
	}
	return SOURCE_ASIDE_TAKEN;
}

bool dead_letters_full(struct dead_letters *d)
{
	rd_kafka_poll(d->rk, 0);
	return d->open >= OPEN_MAX || d->open_bytes >= OPEN_BYTES_MAX;
}

bool dead_letters_settle(struct dead_letters *d, struct dead_lane *lane, int64_t timeout_ns, size_t *lost)
{
	int64_t until = clock_mono_ns() + timeout_ns;
	while (lane->open > 0 && clock_mono_ns() < until)
		rd_kafka_poll(d->rk, SETTLE_MS);
	*lost += atomic_exchange(&lane->lost, 0);
	return lane->open == 0;
}
