/* SPDX-License-Identifier: Apache-2.0 */
/* The table of options behind config.h, and the state of one load: private to the config_*.c files. */
#ifndef WINNOW_APP_CONFIG_OPTION_H
#define WINNOW_APP_CONFIG_OPTION_H

#include "app/config.h"
#include "base/arena.h"
#include "base/yaml.h"

enum option_type {
	OPTION_BOOL,
	OPTION_INT,
	OPTION_DURATION,
	OPTION_STRING,
	OPTION_SECRET,  /* a string whose text is never shown */
	OPTION_CHOICE,  /* one of choices */
	OPTION_STRINGS, /* a list, or one */
	OPTION_PAIRS,   /* a map of strings, whose values are never shown */
	OPTION_KAFKA,   /* the same, of librdkafka properties */
	OPTION_START,
	OPTION_ZONE,
};

struct option {
	const char *path; /* "sources[].kafka.brokers": offset is then within struct config_source; of "remote_write.url": within struct config_endpoint */
	enum option_type type;
	size_t offset;
	const char *fallback; /* as it would stand in the file; NULL: empty */
	const char *min, *max;
	const char *const *choices; /* NULL-terminated, in the order of their enum; one that starts with ~ is known but not built yet */
	const char *help;
};

extern const struct option options[];
extern const size_t options_len;

struct config_memory {
	struct arena arena;
};

struct loader {
	struct config *config;
	const struct yaml_doc *doc;
	struct config_errors *errors;
};

/* Adds a mistake at a place of the file. */
void loader_complain(struct loader *l, const struct yaml *at, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The scalar with ${...} replaced, NUL-terminated, in the configuration's memory; false after a complaint. */
bool loader_expand(struct loader *l, const struct yaml *value, struct slice *ret);
/* Stores the value of an option in the struct at base. */
void loader_store(struct loader *l, const struct option *option, const struct yaml *value, void *base);
/* What an option's offset is within. */
enum option_scope { SCOPE_CONFIG, SCOPE_SOURCE, SCOPE_ENDPOINT };
enum option_scope option_scope(const struct option *option);
/* Sets every option of a struct to its fallback. */
void loader_defaults(struct loader *l, enum option_scope scope, void *base);
/* Checks what no single option can: journal's brokers, loopback, pairs of options. */
void loader_check(struct loader *l);
/* config_endpoints.c: remote_write, a mapping or a list of them. */
void loader_check_endpoints(struct loader *l);
/* Whether it is http:// or https:// with a host. */
bool loader_http_url(const char *url);
/* config_sampling.c: makes the policy. */
void loader_check_sampling(struct loader *l, const struct yaml *at);

#endif
