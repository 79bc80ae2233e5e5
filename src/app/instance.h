/* SPDX-License-Identifier: Apache-2.0 */
/* A running instance, asked by its admin address. One thread. */
#ifndef WINNOW_APP_INSTANCE_H
#define WINNOW_APP_INSTANCE_H

#include "base/err.h"
#include "record/json.h"

struct instance;

/* address: HOST:PORT or a URL; NULL: that of the configuration file, with its token;
   both NULL: that of ./winnow.yaml, or, where there is none, 127.0.0.1:9465. ERR_INPUT: neither is usable. */
int instance_open(const char *address, const char *config_path, struct instance **ret, struct err *err);
void instance_free(struct instance *i);
/* The answer to a GET, parsed; valid until the next one. ERR_UNREACHABLE: nobody answers there; ERR_INPUT: it refuses, in its own words. */
int instance_get(struct instance *i, const char *path, struct json *ret, struct err *err);
/* The bytes of the last answer; valid until the next one. */
struct slice instance_answer(const struct instance *i);
/* Where it is asked. */
const char *instance_url(const struct instance *i);

#endif
