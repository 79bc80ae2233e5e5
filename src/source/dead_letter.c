/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters. A message is copied as it is, so that `winnow run` on this topic reads it again once what was wrong has been mended; where it came from and why it
 * is here are headers, which replace those of an earlier stay:
 *
 *     winnow.reason     the label of winnow_undecodable_total     winnow.topic, winnow.partition, winnow.offset     where it was
 *     winnow.records    how many records of it were lost (a batch may have lost only some)
 *
 * The timestamp is the message's own. Delivery is at least once: a worker settles before it appends the delta that counts the record as undecodable, so no crash
 * loses a letter, and one between the two writes it again. What cannot be stored is counted and given up: letters never hold up the counting. A message that came
 * from the topic itself is not written to it again, or one would go round for ever.
 *
 * Threads: any; librdkafka's producer is safe, the budget of a second has a lock (this is no hot path). */
#include "source/dead_letter.h"

#include "base/clock.h"
#include "base/mem.h"
#include "record/decoder.h"
#include "source/kafka_producer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { SETTLE_MS = 5000, BURST_SECONDS = 10, FULL_TRIES = 100, FULL_WAIT_MS = 10 };

struct dead_letters {
	rd_kafka_t *rk;
	char *topic;
	int64_t per_second;
	pthread_mutex_t lock;
	double left;       /* messages that may go now */
	int64_t filled_ns; /* monotonic */
	_Atomic size_t lost;
};

static void on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	(void)rk;
	if (m->err)
		((struct dead_letters *)opaque)->lost++;
}

int dead_letters_new(const struct dead_letter_opts *opts, struct dead_letters **ret, struct err *err)
{
	static const struct kafka_property usual[] = {{"linger.ms", "20"}, {"message.timeout.ms", "30000"}};
	struct dead_letters *d = mem_zalloc(1, sizeof(*d));
	const struct kafka_producer_opts producer = {
		.what = "dead letters",
		.brokers = opts->brokers,
		.usual = usual,
		.usual_len = sizeof(usual) / sizeof(usual[0]),
		.users = opts->properties,
		.users_len = opts->properties_len,
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
	pthread_mutex_init(&d->lock, NULL);
	*ret = d;
	return 0;
}

void dead_letters_free(struct dead_letters *d)
{
	if (!d)
		return;
	rd_kafka_flush(d->rk, SETTLE_MS);
	rd_kafka_destroy(d->rk);
	pthread_mutex_destroy(&d->lock);
	free(d->topic);
	free(d);
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

static rd_kafka_headers_t *headers_of(const rd_kafka_message_t *m, const char *topic, const char *reason, size_t lost)
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
	if (decoder_first_error(slice_of(m->payload, m->payload ? m->len : 0), reason, &at))
		put_number(ours, "winnow.position", (int64_t)at);
	return ours;
}

enum source_aside dead_letters_add(struct dead_letters *d, const rd_kafka_message_t *m, const char *topic, const char *reason, size_t lost)
{
	rd_kafka_timestamp_type_t type;
	int64_t time_ms = rd_kafka_message_timestamp(m, &type);
	rd_kafka_resp_err_t rc = RD_KAFKA_RESP_ERR_NO_ERROR;
	if (strcmp(topic, d->topic) == 0)
		return SOURCE_ASIDE_NOWHERE;
	if (!within_limit(d))
		return SOURCE_ASIDE_LIMITED;
	rd_kafka_headers_t *headers = headers_of(m, topic, reason, lost);
	for (unsigned tries = 0; tries < FULL_TRIES; tries++) {
		rc = rd_kafka_producev(d->rk, RD_KAFKA_V_TOPIC(d->topic), RD_KAFKA_V_KEY(m->key, m->key_len), RD_KAFKA_V_VALUE(m->payload, m->len),
			RD_KAFKA_V_TIMESTAMP(time_ms > 0 ? time_ms : 0), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
		if (rc != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			break;
		rd_kafka_poll(d->rk, FULL_WAIT_MS);
	}
	if (rc) {
		rd_kafka_headers_destroy(headers);
		d->lost++;
	}
	return SOURCE_ASIDE_TAKEN;
}

size_t dead_letters_settle(struct dead_letters *d)
{
	rd_kafka_flush(d->rk, SETTLE_MS);
	return atomic_exchange(&d->lost, 0);
}
