/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/log.h"
#include "journal/kafka_client.h"

#include <stdlib.h>

enum { DAY_MS = 24 * 3600 * 1000, DESCRIBE_MS = 1000 };

struct topic {
	const char *name;
	const struct kafka_setting *settings;
	const char *policy; /* what cleanup.policy must hold */
	bool journal;
};

static const struct kafka_setting journal_settings[] = {
	{"cleanup.policy", "delete"},
	{"retention.ms", "604800000"},
	{"max.message.bytes", "8388608"},
	{NULL, NULL},
};
static const struct kafka_setting state_settings[] = {
	{"cleanup.policy", "compact"},
	{"max.message.bytes", "8388608"},
	{NULL, NULL},
};

/* Number of partitions the brokers know, 0 if the topic is not there; negative: no answer. */
static int partitions_of(rd_kafka_t *rk, const char *name, struct err *err)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
	if (!topic)
		return err_set(err, ERR_INPUT, "journal: topic name %s is not legal", name);
	rd_kafka_resp_err_t code = rd_kafka_metadata(rk, 0, topic, &metadata, KAFKA_WAIT_MS);
	rd_kafka_topic_destroy(topic);
	if (code)
		return err_set(err, ERR_UNREACHABLE, "journal: no Kafka broker answers: %s", rd_kafka_err2str(code));
	int partitions = 0;
	rd_kafka_resp_err_t refused = metadata->topic_cnt > 0 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_NO_ERROR;
	if (metadata->topic_cnt > 0 && !refused)
		partitions = metadata->topics[0].partition_cnt;
	rd_kafka_metadata_destroy(metadata);
	if (kafka_err_code(refused) == ERR_INPUT)
		return err_set(err, ERR_INPUT, "journal: topic %s: %s", name, rd_kafka_err2str(refused));
	return partitions;
}

static rd_kafka_resp_err_t create_result(rd_kafka_event_t *event, char *text, size_t text_len)
{
	rd_kafka_resp_err_t code = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
	const rd_kafka_CreateTopics_result_t *result = event ? rd_kafka_event_CreateTopics_result(event) : NULL;
	size_t len = 0;
	const rd_kafka_topic_result_t **topics = result ? rd_kafka_CreateTopics_result_topics(result, &len) : NULL;
	const char *reason = rd_kafka_err2str(code);
	if (!code && len > 0 && rd_kafka_topic_result_error(topics[0])) {
		code = rd_kafka_topic_result_error(topics[0]);
		reason = rd_kafka_topic_result_error_string(topics[0]);
	}
	strncpy(text, reason ? reason : rd_kafka_err2str(code), text_len - 1);
	return code;
}

static rd_kafka_resp_err_t create(rd_kafka_t *rk, const struct topic *t, char *text, size_t text_len)
{
	char reason[256];
	rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(t->name, 1, -1, reason, sizeof(reason));
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	for (const struct kafka_setting *s = t->settings; s->key; s++)
		rd_kafka_NewTopic_set_config(wanted, s->key, s->value);
	rd_kafka_AdminOptions_set_operation_timeout(options, KAFKA_WAIT_MS, reason, sizeof(reason));
	rd_kafka_CreateTopics(rk, &wanted, 1, options, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 2 * KAFKA_WAIT_MS);
	rd_kafka_resp_err_t code = create_result(event, text, text_len);
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_NewTopic_destroy(wanted);
	return code;
}

/* Asks until the brokers know the topic; with a producer's handle the asking itself makes them create it, where they may. */
static int await_topic(rd_kafka_t *rk, const char *name, struct err *err)
{
	int partitions = 0;
	for (int64_t until = clock_mono_ns() + KAFKA_WAIT_MS * NS_PER_MS; partitions == 0 && clock_mono_ns() < until;) {
		partitions = partitions_of(rk, name, err);
		if (partitions == 0)
			clock_sleep_ns(100 * NS_PER_MS);
	}
	return partitions;
}

static int ensure(rd_kafka_t *consumer, rd_kafka_t *producer, const struct topic *t, struct err *err)
{
	char reason[256] = "";
	int partitions = partitions_of(consumer, t->name, err);
	if (partitions == 0) {
		rd_kafka_resp_err_t code = create(producer, t, reason, sizeof(reason));
		bool made = !code || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS;
		if (!code)
			log_line(LOG_INFO, "journal", "created topic %s", t->name);
		partitions = await_topic(made ? consumer : producer, t->name, err);
	}
	if (partitions == 0)
		return err_set(err, ERR_UNREACHABLE, "journal: topic %s does not exist and could not be created: %s", t->name, reason);
	if (partitions > 1)
		log_line(LOG_WARN, "journal", "topic %s has %d partitions: only partition 0 is used", t->name, partitions);
	return partitions < 0 ? partitions : 0;
}

static int check_setting(const struct topic *t, const char *name, const char *value, struct err *err)
{
	int64_t ms;
	if (strcmp(name, "cleanup.policy") == 0 && !strstr(value, t->policy))
		return err_set(err, ERR_INPUT, "journal: topic %s has cleanup.policy=%s, it needs %s", t->name, value, t->policy);
	if (t->journal && strcmp(name, "cleanup.policy") == 0 && strstr(value, "compact"))
		return err_set(err, ERR_INPUT, "journal: topic %s has cleanup.policy=%s: compaction would tear holes into the journal", t->name, value);
	if (t->journal && strcmp(name, "retention.ms") == 0 && slice_to_i64(slice_str(value), &ms) && ms >= 0 && ms < DAY_MS)
		log_line(LOG_WARN, "journal", "topic %s keeps records for %lld min only: winnow must not be away for longer, or its counters start anew", t->name,
			(long long)(ms / 60000));
	return 0;
}

static int check_event(const rd_kafka_event_t *event, const struct topic *t, struct err *err)
{
	const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result((rd_kafka_event_t *)event);
	size_t resources_len = 0, len = 0;
	const rd_kafka_ConfigResource_t **resources = result ? rd_kafka_DescribeConfigs_result_resources(result, &resources_len) : NULL;
	if (resources_len == 0 || rd_kafka_ConfigResource_error(resources[0]))
		return 0; /* not allowed to look: then it is as the operator made it */
	const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resources[0], &len);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < len; i++) {
		const char *value = rd_kafka_ConfigEntry_value(entries[i]);
		if (value)
			rc = check_setting(t, rd_kafka_ConfigEntry_name(entries[i]), value, err);
	}
	return rc;
}

/* Sets *ret_mute if the broker does not know the question (librdkafka's mock): then there is nothing to wait for a second time. */
static int check_settings(rd_kafka_t *rk, const struct topic *t, bool *ret_mute, struct err *err)
{
	char reason[256];
	rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, t->name);
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	int rc = 0;
	rd_kafka_AdminOptions_set_request_timeout(options, DESCRIBE_MS, reason, sizeof(reason));
	rd_kafka_DescribeConfigs(rk, &resource, 1, options, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 2 * DESCRIBE_MS);
	*ret_mute = !event || rd_kafka_event_error(event);
	if (!*ret_mute)
		rc = check_event(event, t, err);
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_ConfigResource_destroy(resource);
	return rc;
}

int kafka_topics_ensure(rd_kafka_t *consumer, rd_kafka_t *producer, const struct journal_kafka_opts *opts, struct err *err)
{
	const struct topic topics[] = {
		{.name = opts->topic, .settings = journal_settings, .policy = "delete", .journal = true},
		{.name = opts->state_topic, .settings = state_settings, .policy = "compact"},
	};
	int rc = 0;
	bool mute = false;
	for (size_t i = 0; rc == 0 && i < sizeof(topics) / sizeof(topics[0]); i++) {
		rc = ensure(consumer, producer, &topics[i], err);
		if (rc == 0 && !mute)
			rc = check_settings(producer, &topics[i], &mute, err);
	}
	return rc;
}

int kafka_topic_ensure_compacted(rd_kafka_t *consumer, rd_kafka_t *producer, const char *name, struct err *err)
{
	const struct topic topic = {.name = name, .settings = state_settings, .policy = "compact"};
	bool mute;
	int rc = ensure(consumer, producer, &topic, err);
	return rc ? rc : check_settings(producer, &topic, &mute, err);
}
