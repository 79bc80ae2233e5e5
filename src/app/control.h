/* SPDX-License-Identifier: Apache-2.0 */
/* What the control thread keeps: which partition is with which worker, signals, the rules in force. Private to the pipeline. */
#ifndef WINNOW_APP_CONTROL_H
#define WINNOW_APP_CONTROL_H

#include "app/config.h"
#include "app/worker.h"
#include "source/kafka.h"

struct control;

struct control_source {
	struct control *control;
	struct kafka_source *kafka; /* NULL for a file */
	enum format format;
	const struct zone *zone;
};

/* A partition of ours. */
struct control_place {
	struct control_source *source;
	struct source_reader *reader; /* the worker's; only its address and, until it is handed over, its contents */
	char *topic;
	int32_t partition;
	struct shard_start at;
	struct worker *worker;        /* NULL until it is handed over */
};

enum phase { PHASE_READING, PHASE_POSTING, PHASE_SENDING };

struct control {
	const struct config *config;
	struct ruleset *rules;
	struct watch *watch;  /* of the rules' files */
	struct books *books;
	struct worker **workers;
	size_t workers_len;
	_Atomic int64_t *low_ns;
	struct control_source *sources;
	size_t sources_len;
	struct control_place *places;
	size_t places_len, places_cap;
	struct span_topic *kept; /* NULL: no sampling */
	struct span_sender *otlp; /* NULL: kept spans go to the topic alone */
	struct span_topic *rekey; /* NULL: no source has spans to be keyed */
	const char *rekey_topic;
	struct sending *sending[BOOKS_ENDPOINTS_MAX];
	struct canary *canary; /* NULL: none */
	struct desk *desk; /* NULL in a run until the end */
	struct status *status;
	int64_t commit_at_ns;
	enum phase phase;
	int64_t started_ns;     /* monotonic */
	int exit_status;
	bool until_end, leaving, leaving_sources;
	_Atomic bool reload;
};

/* Blocks the signals in every thread to come and loads the rules; 0 or the exit status. */
int control_init(struct control *c);
void control_done(struct control *c);
/* Waits up to timeout for a signal; true if one came (leaving or reload is set). */
bool control_wait_signal(struct control *c, int64_t timeout_ns);
void control_place(struct control *c, struct control_source *source, struct source_reader *reader, const struct shard_start *at);
/* Gives the partition to the worker that has the fewest. */
void control_hand_over(struct control *c, struct source_reader *reader);
void control_take_back(struct control *c, const char *const *topics, const int32_t *partitions, size_t len);
size_t control_places(const struct control *c);
void control_commit(struct control *c, const struct control_source *source);
/* Reads the rules anew; the old ones stay if there is any mistake. */
void control_reload(struct control *c);
/* The same if somebody asked for it or the files have changed. */
void control_look_at_rules(struct control *c);

#endif
