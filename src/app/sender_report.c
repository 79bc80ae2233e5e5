/* SPDX-License-Identifier: Apache-2.0 */
/* What a sender says of itself: its status, its lines in the log. */
#include "app/sender_parts.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>

#define ASIDES_EVERY_NS (11 * NS_PER_S)

void sender_note_reply(struct sender *s, const struct http_reply *reply, enum sender_move move)
{
	pthread_mutex_lock(&s->mutex);
	reply_codes_count(&s->status.requests, reply->status);
	if (move == SENDER_PASSED || move == SENDER_ALREADY_THERE) {
		s->status.failing_since_ns = 0;
	} else {
		s->status.last_error_ns = clock_wall_ns();
		if (s->status.failing_since_ns == 0)
			s->status.failing_since_ns = s->status.last_error_ns;
		snprintf(s->status.last_error, sizeof(s->status.last_error), "%d: %s", reply->status, reply->reason);
	}
	s->status.already_there += move == SENDER_ALREADY_THERE;
	s->status.refused += move == SENDER_REFUSED;
	pthread_mutex_unlock(&s->mutex);
}

void sender_log_reply(const struct sender *s, const struct http_reply *reply, enum sender_move move, unsigned attempt)
{
	if (move == SENDER_REFUSED)
		log_line(LOG_WARN, "sender", "%sthe receiver refused a request with %d: %s; its series go in smaller requests from the next step on", s->about, reply->status, reply->reason);
	else if (sender_denied(reply->status))
		log_line(LOG_ERROR, "sender", "%sthe receiver denies us with %d: %s; steps wait until that is repaired", s->about, reply->status, reply->reason);
	else if (reply->status == 0)
		log_line(LOG_WARN, "sender", "%sno answer from the receiver (try %u): %s", s->about, attempt + 1, reply->reason);
	else
		log_line(LOG_WARN, "sender", "%sthe receiver answered %d (try %u): %s", s->about, reply->status, attempt + 1, reply->reason);
}

void sender_publish_quarantine(struct sender *s)
{
	pthread_mutex_lock(&s->mutex);
	s->status.suspects = quarantine_len(s->quarantine);
	s->status.aside = quarantine_aside_len(s->quarantine);
	s->status.aside_len = s->status.aside < SENDER_ASIDE_SHOWN ? s->status.aside : SENDER_ASIDE_SHOWN;
	for (size_t i = 0; i < s->status.aside_len; i++) {
		struct quarantine_aside aside;
		quarantine_aside_at(s->quarantine, i, &aside);
		snprintf(s->status.asides[i].name, sizeof(s->status.asides[i].name), "%.*s", (int)aside.name.len, aside.name.ptr);
		snprintf(s->status.asides[i].reason, sizeof(s->status.asides[i].reason), "%.*s", (int)aside.reason.len, aside.reason.ptr);
	}
	pthread_mutex_unlock(&s->mutex);
}

/* Who is set aside, by name, in one line when that has changed: the log holds back lines of one kind that follow each other too fast, so this one waits its turn. */
void sender_log_asides(struct sender *s, size_t before)
{
	size_t len = quarantine_aside_len(s->quarantine);
	struct buf text = {0};
	s->asides_changed |= len > before;
	if (!s->asides_changed || clock_mono_ns() < s->asides_told_ns + ASIDES_EVERY_NS)
		return;
	for (size_t i = 0; i < len && i < SENDER_ASIDE_SHOWN; i++) {
		struct quarantine_aside aside;
		quarantine_aside_at(s->quarantine, i, &aside);
		buf_printf(&text, "%s%.*s (%.*s)", i ? "; " : "", (int)aside.name.len, aside.name.ptr, (int)aside.reason.len, aside.reason.ptr);
	}
	log_line(LOG_WARN, "sender", "%s%zu series are set aside, because the receiver refuses them: %s%s", s->about, len, buf_cstr(&text), len > SENDER_ASIDE_SHOWN ? "; ..." : "");
	s->asides_changed = false;
	s->asides_told_ns = clock_mono_ns();
	buf_done(&text);
}

void sender_status(struct sender *s, struct sender_status *ret)
{
	pthread_mutex_lock(&s->mutex);
	*ret = s->status;
	pthread_mutex_unlock(&s->mutex);
}

void sender_note_partial(struct sender *s, const struct http_reply *reply, size_t series)
{
	log_line(LOG_WARN, "sender", "%sof %zu series in a request the receiver wrote %lld samples and %lld histograms, and refused the rest: %s", s->about, series,
		(long long)(reply->written_samples > 0 ? reply->written_samples : 0), (long long)(reply->written_histograms > 0 ? reply->written_histograms : 0), reply->reason);
	pthread_mutex_lock(&s->mutex);
	s->status.partial++;
	pthread_mutex_unlock(&s->mutex);
}
