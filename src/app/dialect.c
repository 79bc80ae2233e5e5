/* SPDX-License-Identifier: Apache-2.0 */
/*
 * THE DIALECT: remote write 1.0 or 2.0.
 *
 * A receiver of 1.0 that gets a body of 2.0 answers 415 if it looks at the content type, or takes it for an empty 1.0 request and says 2xx (Prometheus 2.42,
 * measured): then the X-Prometheus-Remote-Write-*-Written headers are missing, which a receiver of 2.0 must send. Both mean 1.0, and nothing was stored, so the same
 * samples go again at once in 1.0. A 400 may mean it too, but may be about the samples, so those are not sent again; if 2.0 was never understood, the next request is 1.0.
 *
 *            415, 2xx without Written, 400 before any 2.0 was understood
 *      2.0 -------------------------------------------------------------> 1.0
 *          <-------------------------------------------------------------
 *                    retry_ns later, at the beginning of a step
 *
 * Source: specs/prw/remote_write_spec_2_0.md, "Content negotiation" and "Partial write".
 */
#include "app/dialect.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/wire.h"
#include "metric/write2.h"

#include <stdlib.h>

enum { SERIES_1 = 1, SERIES_2 = 5 };

struct dialect {
	enum sender_version choice;
	enum remote_write_version version;
	int64_t retry_ns, retry_at_ns; /* while 1.0 is spoken by SENDER_AUTO */
	bool understood; /* 2.0 was, once */
	struct write2 *write2;
	struct buf fitted;
};

struct dialect *dialect_new(enum sender_version choice, int64_t retry_ns)
{
	struct dialect *d = mem_zalloc(1, sizeof(*d));
	d->choice = choice;
	d->version = choice == SENDER_ONLY_1 ? REMOTE_WRITE_1 : REMOTE_WRITE_2;
	d->retry_ns = retry_ns;
	d->write2 = write2_new();
	return d;
}

void dialect_free(struct dialect *d)
{
	if (!d)
		return;
	write2_free(d->write2);
	buf_done(&d->fitted);
	free(d);
}

enum remote_write_version dialect_version(const struct dialect *d)
{
	return d->version;
}

enum remote_write_version dialect_begin(struct dialect *d, int64_t mono_ns)
{
	if (d->choice == SENDER_AUTO && d->version == REMOTE_WRITE_1 && mono_ns >= d->retry_at_ns)
		d->version = REMOTE_WRITE_2;
	return d->version;
}

/* Our own bytes: that they cannot be read is a bug, and a body that says so is refused by any receiver. */
void dialect_to_portable(struct dialect_body body, struct buf *out)
{
	if (body.form == DIALECT_FORM_2)
		write2_to_portable(body.bytes, out);
	else
		buf_add_slice(out, body.bytes);
}

struct slice dialect_fit(struct dialect *d, struct dialect_body body)
{
	struct buf portable = {0};
	if (body.form == (d->version == REMOTE_WRITE_2 ? DIALECT_FORM_2 : DIALECT_FORM_1))
		return body.bytes;
	buf_reset(&d->fitted);
	if (d->version == REMOTE_WRITE_2) {
		write2_of_portable(body.bytes, d->write2, &d->fitted);
		return buf_slice(&d->fitted);
	}
	dialect_to_portable(body, &portable);
	write2_strip(buf_slice(&portable), &d->fitted);
	buf_done(&portable);
	return buf_slice(&d->fitted);
}

size_t dialect_series(struct dialect_body body)
{
	struct wire w = wire_of(body.bytes);
	struct wire_field f;
	size_t len = 0;
	while (wire_next(&w, &f) == 1)
		len += f.number == (body.form == DIALECT_FORM_2 ? SERIES_2 : SERIES_1);
	return len;
}

static bool says_written(const struct http_reply *reply)
{
	return reply->written_samples >= 0 || reply->written_histograms >= 0 || reply->written_exemplars >= 0;
}

static enum dialect_news not_understood(struct dialect *d, const struct http_reply *reply, int64_t mono_ns)
{
	if (d->choice == SENDER_ONLY_2)
		return DIALECT_NOT_SPOKEN;
	d->version = REMOTE_WRITE_1;
	d->retry_at_ns = mono_ns + d->retry_ns;
	if (!d->understood)
		log_line(LOG_INFO, "sender", "the receiver does not understand remote write 2.0 (it answered %d): 1.0 from now on", reply->status);
	else
		log_line(LOG_WARN, "sender", "the receiver understood remote write 2.0 and does no more (it answered %d): 1.0 from now on", reply->status);
	return DIALECT_CHANGED;
}

enum dialect_news dialect_hear(struct dialect *d, const struct http_reply *reply, size_t series, int64_t mono_ns)
{
	if (d->version != REMOTE_WRITE_2 || reply->status == 0)
		return DIALECT_AS_IT_WAS;
	bool well = reply->verdict == HTTP_OK, says = says_written(reply);
	if (reply->status == 415 || (well && !says))
		return not_understood(d, reply, mono_ns);
	d->understood |= says;
	if (reply->status != 400)
		return DIALECT_AS_IT_WAS;
	if (!d->understood) {
		if (d->choice == SENDER_AUTO)
			not_understood(d, reply, mono_ns);
		return DIALECT_AS_IT_WAS;
	}
	int64_t written = (reply->written_samples > 0 ? reply->written_samples : 0) + (reply->written_histograms > 0 ? reply->written_histograms : 0);
	if (says && series > 0 && written >= (int64_t)series)
		return DIALECT_ALL_WRITTEN;
	return written > 0 ? DIALECT_PARTLY : DIALECT_AS_IT_WAS;
}
