/* SPDX-License-Identifier: Apache-2.0 */
/* Spans on their way to a topic that is keyed by trace id. Private to the engine room; one thread. */
#ifndef WINNOW_ENGINE_REKEY_H
#define WINNOW_ENGINE_REKEY_H

#include "engine/shard.h"

struct rekey;

struct rekey *rekey_new(shard_rekey_sink *sink, void *arg);
void rekey_free(struct rekey *r);
/* Cuts the spans of a payload into their traces and sends each. Spans without a trace id have no other end and stay. */
void rekey_payload(struct rekey *r, const struct decoded *decoded);

#endif
