/* SPDX-License-Identifier: Apache-2.0 */
/* libwinnow: the engine without the world around it. Open an engine, feed it the bytes of JSON log records and spans, read patterns and samples.
 *
 * An engine belongs to one thread at a time. Strings it hands out are views that live until the next call on the same engine, and are not
 * NUL-terminated. Running out of memory ends the process. */
#ifndef WINNOW_WINNOW_H
#define WINNOW_WINNOW_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WINNOW_API __attribute__((visibility("default")))

struct winnow_engine;

struct winnow_text {
	const char *ptr;
	size_t len;
};

struct winnow_pattern {
	uint64_t id;                 /* the same on every engine for the same service and birth template */
	struct winnow_text service;
	struct winnow_text template_text;
	struct winnow_text origin;   /* "rule", "carried", "mined" */
	struct winnow_text rule;     /* the rule's name, or empty */
	uint64_t count;              /* records named by it so far */
	struct winnow_text example;  /* the representative record's message, or empty */
	struct winnow_text trace_id; /* of the example, or empty */
};

struct winnow_sample {
	struct winnow_text name;     /* log_records_total; histograms give their _count */
	const struct winnow_text *label_names;
	const struct winnow_text *label_values;
	size_t labels_len;
	double value;                /* cumulative */
};

/* The library's version, "0.1.0". */
WINNOW_API const char *winnow_version(void);
/* An engine with the rules in these files and directories (len 0: none). NULL if a rule has a mistake: *ret_error (may be NULL) then says which, on the heap for
 * free(). step_ns: length of a time step, 0 for 10 s. */
WINNOW_API struct winnow_engine *winnow_open(const char *const *rule_paths, size_t len, int64_t step_ns, char **ret_error);
WINNOW_API void winnow_close(struct winnow_engine *e);
/* Counts one value (one Kafka message's payload: a JSON log record, an OTLP/JSON batch, ...). now_ns: wall time in ns since 1970, bounds plausible event times.
 * Returns how many records of it could not be decoded: 0 if all is well. */
WINNOW_API size_t winnow_feed(struct winnow_engine *e, const void *bytes, size_t len, int64_t now_ns);
/* Patterns in order of their birth; index from 0. Returns 0 past the end, else 1. */
WINNOW_API int winnow_pattern_at(struct winnow_engine *e, size_t index, struct winnow_pattern *ret);
/* Every live series with its cumulative value; index from 0. Returns 0 past the end, else 1. */
WINNOW_API int winnow_sample_at(struct winnow_engine *e, size_t index, struct winnow_sample *ret);

#ifdef __cplusplus
}
#endif

#endif
