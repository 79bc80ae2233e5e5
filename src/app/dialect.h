/* SPDX-License-Identifier: Apache-2.0 */
/* Which version of remote write the receiver is spoken to in, and bodies made to fit it. One thread. */
#ifndef WINNOW_APP_DIALECT_H
#define WINNOW_APP_DIALECT_H

#include "metric/remote_write.h"
#include "sink/http.h"

enum sender_version {
	SENDER_ONLY_1, /* remote write 1.0 */
	SENDER_ONLY_2, /* 2.0; a receiver that does not understand it is one that denies us */
	SENDER_AUTO,   /* 2.0 until the receiver shows that it does not understand it, then 1.0 for a time */
};

enum dialect_form {
	DIALECT_FORM_1,        /* 1.0, with nothing in it that is 2.0's alone */
	DIALECT_FORM_PORTABLE, /* 1.0, perhaps with what only 2.0 has (metric/write2.h) */
	DIALECT_FORM_2,
};

struct dialect_body {
	struct slice bytes;
	enum dialect_form form;
};

struct dialect;

struct dialect *dialect_new(enum sender_version choice, int64_t retry_ns);
void dialect_free(struct dialect *d);
/* A step begins: 2.0 is tried again when its time has come. */
enum remote_write_version dialect_begin(struct dialect *d, int64_t mono_ns);
enum remote_write_version dialect_version(const struct dialect *d);
/* The body in the version that is spoken now; a view into it or into d, valid until the next call. */
struct slice dialect_fit(struct dialect *d, struct dialect_body body);
/* A body in the portable form, appended. */
void dialect_to_portable(struct dialect_body body, struct buf *out);

enum dialect_news {
	DIALECT_AS_IT_WAS,
	DIALECT_CHANGED,     /* the receiver did not understand: the same again in 1.0, at once */
	DIALECT_NOT_SPOKEN,  /* it did not understand, and nothing else is allowed */
	DIALECT_ALL_WRITTEN, /* refused, but it says that every sample was written: what it refuses are exemplars */
	DIALECT_PARTLY,      /* refused, with some of the samples written */
};

/* What an answer to a body of 2.0 says beside its status. series: TimeSeries in it. */
enum dialect_news dialect_hear(struct dialect *d, const struct http_reply *reply, size_t series, int64_t mono_ns);
/* TimeSeries in a body. */
size_t dialect_series(struct dialect_body body);

#endif
