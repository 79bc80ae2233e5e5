/* SPDX-License-Identifier: Apache-2.0 */
/* What no single option can know: kinds that exclude each other, what is required, what one option takes from another. */
#include "app/config_option.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

enum { SPAN_DIMENSIONS = 16 };

/* The node under a chain of keys, or the nearest above it: where a complaint about something missing points. */
static const struct yaml *nearest_node(const struct loader *l, const char *first, const char *second)
{
	const struct yaml *root = yaml_root(l->doc), *node = yaml_get(root, first), *below = node && second ? yaml_get(node, second) : NULL;
	return below ? below : node ? node : root;
}

static bool given(const struct loader *l, const char *first, const char *second)
{
	const struct yaml *node = yaml_get(yaml_root(l->doc), first);
	return node && yaml_get(node, second);
}

/*
 * How many copies of its smallest part the C library may make of a pattern: it writes x+ as xx* and x{1,n} as n times x, so nested ones multiply to
 * gigabytes. Every repeat is taken to be inside every other, which no topic name needs more of than the bound allows.
 */
static double regex_copies(const char *pattern)
{
	double copies = 1;
	for (const char *p = pattern; *p; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '+')
			copies *= 2;
		else if (*p == '{')
			for (const char *q = p + 1; *q && *q != '}' && copies < 1e9; q += strcspn(q, ",}") + (q[strcspn(q, ",}")] == ','))
				copies *= 1 + strtod(q, NULL);
	}
	return copies;
}

static int compile_topic(regex_t *regex, const char *topic, char *why, size_t why_size)
{
	if (strlen(topic) > 1000 || !(regex_copies(topic) <= 100000)) {
		snprintf(why, why_size, "too many repeats in one another");
		return REG_ESPACE;
	}
	int code = regcomp(regex, topic, REG_EXTENDED | REG_NOSUB);
	regerror(code, regex, why, why_size);
	return code;
}

static void check_topics(struct loader *l, const struct config_source *s, const struct yaml *at)
{
	if (s->kafka.topics.len == 0)
		loader_complain(l, at, "a Kafka source needs topics");
	for (size_t i = 0; i < s->kafka.topics.len; i++) {
		const char *topic = s->kafka.topics.items[i];
		regex_t regex;
		if (*topic != '^') {
			if (strlen(topic) > 249 || strspn(topic, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != strlen(topic))
				loader_complain(l, at, "\"%.100s\" is no topic name; a regular expression starts with ^", topic);
			continue;
		}
		char why[128];
		if (compile_topic(&regex, topic, why, sizeof(why)))
			loader_complain(l, at, "topic \"%.100s\": %s", topic, why);
		else
			regfree(&regex);
	}
}

static void check_source(struct loader *l, struct config_source *s, const struct yaml *at)
{
	const struct yaml *kafka = yaml_get(at, "kafka"), *file = yaml_get(at, "file");
	if (!kafka == !file) {
		loader_complain(l, at, kafka ? "a source is either kafka or file, not both" : "a source needs kafka or file");
		return;
	}
	s->kind = kafka ? CONFIG_SOURCE_KAFKA : CONFIG_SOURCE_FILE;
	if (kafka)
		check_topics(l, s, yaml_get(kafka, "topics") ? yaml_get(kafka, "topics") : kafka);
	else if (!s->file.path)
		loader_complain(l, file, "a file source needs a path; - is standard input");
	else if (s->file.follow && strcmp(s->file.path, "-") == 0)
		loader_complain(l, yaml_get(file, "follow"), "standard input is read to its end; follow means files");
}

/* The topic that re-keyed spans go to is read like the others. */
static void check_rekey(struct loader *l, struct config_source *s, const struct yaml *at)
{
	struct config_strings *topics = &s->kafka.topics;
	for (size_t i = 0; i < topics->len; i++)
		if (strcmp(topics->items[i], s->kafka.rekey_topic) == 0)
			loader_complain(l, at, "rekey.topic \"%.100s\" is one of the topics whose spans would go there", s->kafka.rekey_topic);
	const char **items = arena_alloc(&l->config->memory->arena, (topics->len + 2) * sizeof(*items));
	for (size_t i = 0; i < topics->len; i++)
		items[i] = topics->items[i];
	items[topics->len] = s->kafka.rekey_topic;
	items[topics->len + 1] = NULL;
	*topics = (struct config_strings){.items = items, .len = topics->len + 1};
	for (size_t i = 0; i < l->config->sources_len && &l->config->sources[i] != s; i++)
		if (l->config->sources[i].kafka.rekey_topic)
			loader_complain(l, at, "only one source can have rekey");
}

static void check_sources(struct loader *l)
{
	const struct yaml *list = yaml_get(yaml_root(l->doc), "sources");
	if (l->config->sources_len == 0 && (!list || list->kind != YAML_SCALAR || list->text.len == 0))
		loader_complain(l, nearest_node(l, "sources", NULL), "sources is required: at least one kafka or file to read from");
	for (size_t i = 0; i < l->config->sources_len; i++) {
		if (list->items[i].kind != YAML_MAP)
			continue;
		check_source(l, &l->config->sources[i], &list->items[i]);
		if (l->config->sources[i].kafka.rekey_topic)
			check_rekey(l, &l->config->sources[i], &list->items[i]);
	}
}

static void check_journal(struct loader *l)
{
	struct config *c = l->config;
	const struct yaml *kafka = nearest_node(l, "journal", "kafka");
	c->journal.kind = given(l, "journal", "kafka") ? CONFIG_JOURNAL_KAFKA : CONFIG_JOURNAL_FILE;
	if (c->journal.kind == CONFIG_JOURNAL_FILE)
		return;
	if (given(l, "journal", "file"))
		loader_complain(l, kafka, "the journal is either kafka or file, not both");
	for (size_t i = 0; i < c->sources_len; i++) {
		if (c->sources[i].kind != CONFIG_SOURCE_KAFKA)
			continue;
		if (!c->journal.kafka.brokers) {
			c->journal.kafka.brokers = c->sources[i].kafka.brokers;
			if (!yaml_get(kafka, "properties"))
				c->journal.kafka.properties = c->sources[i].kafka.properties;
		}
		break;
	}
	if (!c->journal.kafka.brokers)
		loader_complain(l, kafka, "journal.kafka.brokers is required when no source is Kafka");
	if (strcmp(c->journal.kafka.topic, c->journal.kafka.state_topic) == 0)
		loader_complain(l, kafka, "topic and state_topic must differ");
}

/* Where incidents are written down. */
static void check_incident(struct loader *l)
{
	struct config *c = l->config;
	if (c->journal.kind == CONFIG_JOURNAL_KAFKA) {
		if (!c->incident.topic)
			c->incident.topic = "winnow.control";
		c->incident.brokers = c->journal.kafka.brokers;
		c->incident.properties = c->journal.kafka.properties;
	}
	for (size_t i = 0; i < c->sources_len && !c->incident.brokers; i++)
		if (c->sources[i].kind == CONFIG_SOURCE_KAFKA) {
			c->incident.brokers = c->sources[i].kafka.brokers;
			c->incident.properties = c->sources[i].kafka.properties;
		}
	if (c->journal.kind == CONFIG_JOURNAL_FILE && c->incident.topic && !c->incident.brokers)
		loader_complain(l, nearest_node(l, "incident", "topic"), "a topic needs Kafka, as a source or for the journal");
}

static bool reads(const struct config_source *s, const char *topic)
{
	for (size_t i = 0; s->kind == CONFIG_SOURCE_KAFKA && i < s->kafka.topics.len; i++)
		if (strcmp(s->kafka.topics.items[i], topic) == 0)
			return true;
	return false;
}

static void check_canary(struct loader *l)
{
	struct config *c = l->config;
	for (size_t i = 0; c->canary.topic && i < c->sources_len && !c->canary.brokers; i++)
		if (reads(&c->sources[i], c->canary.topic)) {
			c->canary.brokers = c->sources[i].kafka.brokers;
			c->canary.properties = c->sources[i].kafka.properties;
		}
	if (c->canary.topic && !c->canary.brokers)
		loader_complain(l, nearest_node(l, "canary", "topic"), "no Kafka source reads this topic: what the canary writes there would never be counted");
}

bool loader_http_url(const char *url)
{
	size_t scheme = strncmp(url, "http://", 7) == 0 ? 7 : strncmp(url, "https://", 8) == 0 ? 8 : 0;
	return scheme && url[scheme] && url[scheme] != '/' && !strpbrk(url, " \t\r\n");
}

static bool is_loopback(const char *listen)
{
	return strncmp(listen, "127.", 4) == 0 || strncmp(listen, "[::1]:", 6) == 0 || strncmp(listen, "localhost:", 10) == 0;
}

static void check_admin(struct loader *l)
{
	const char *listen = l->config->admin.listen, *colon = strrchr(listen, ':');
	const struct yaml *at = nearest_node(l, "admin", "listen");
	int64_t port;
	if (!colon || colon == listen || !slice_to_i64(slice_str(colon + 1), &port) || port < 0 || port > 65535)
		loader_complain(l, at, "listen must be HOST:PORT, for example 127.0.0.1:9465");
	else if (!is_loopback(listen) && !l->config->admin.token && !l->config->admin.insecure)
		loader_complain(l, at, "\"%.100s\" is reachable from outside: set admin.token, or insecure: true", listen);
}

static void check_metrics(struct loader *l)
{
	const struct config *c = l->config;
	if (c->metrics.window_ns <= c->metrics.step_ns + c->metrics.lateness_ns)
		loader_complain(l, nearest_node(l, "metrics", "window"), "window must be longer than step and lateness together");
	if (c->metrics.span_dimensions.len > SPAN_DIMENSIONS)
		loader_complain(l, nearest_node(l, "metrics", "span_dimensions"), "at most %d span_dimensions", SPAN_DIMENSIONS);
	if (c->metrics.expire_ns < c->metrics.step_ns)
		loader_complain(l, nearest_node(l, "metrics", "expire"), "expire must not be shorter than step");
}

static void collect_fields(struct config *c)
{
	for (size_t i = 0; decoder_members[i]; i++)
		if (c->fields[i].len)
			c->decoder_fields[c->decoder_fields_len++] = (struct decoder_field){.member = decoder_members[i], .paths = c->fields[i].items};
}

void loader_check(struct loader *l)
{
	collect_fields(l->config);
	if (yaml_root(l->doc)->kind != YAML_MAP)
		return; /* said already */
	check_sources(l);
	check_journal(l);
	loader_check_sampling(l, nearest_node(l, "sampling", NULL));
	check_incident(l);
	check_canary(l);
	loader_check_endpoints(l);
	check_admin(l);
	check_metrics(l);
}
