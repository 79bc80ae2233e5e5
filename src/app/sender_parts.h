/* SPDX-License-Identifier: Apache-2.0 */
/* What a sender is made of; private to sender.c and sender_report.c. */
#ifndef WINNOW_APP_SENDER_PARTS_H
#define WINNOW_APP_SENDER_PARTS_H

#include "app/quarantine.h"
#include "app/sender.h"
#include "app/window.h"

#include <pthread.h>
#include <stdatomic.h>

struct sender {
	struct sender_opts opts;
	struct sender_source source;
	char about[72];         /* "NAME: " before what is logged, where there are several; else empty */
	struct http_sender *http;
	struct quarantine *quarantine;
	struct dialect *dialect;
	struct queue *wake; /* never holds anything: closing it ends every wait */
	atomic_bool stopping;
	int64_t maybe_there_until;
	size_t max_samples;
	uint64_t random;
	int64_t metadata_at_ns; /* monotonic */
	bool asides_changed;    /* since the log told of them */
	int64_t asides_told_ns; /* monotonic */
	bool passed;            /* something did, in this step */
	int64_t step;
	struct buf packed;
	struct window window;
	bool waited;                    /* since the wave under way was sent */
	const struct http_reply *given; /* to the first try of the next body, which went out in a wave; NULL: it did not */
	struct cut cut; /* of the step under way */
	pthread_mutex_t mutex;
	struct sender_status status;
};

/* Answers about who we are or where we ask, given before anyone looked at the body. */
bool sender_denied(int status);

/* sender_report.c */
void sender_note_reply(struct sender *s, const struct http_reply *reply, enum sender_move move);
void sender_note_partial(struct sender *s, const struct http_reply *reply, size_t series);
void sender_log_reply(const struct sender *s, const struct http_reply *reply, enum sender_move move, unsigned attempt);
void sender_publish_quarantine(struct sender *s);
/* Who is set aside, if there are more than before. */
void sender_log_asides(struct sender *s, size_t before);

#endif
