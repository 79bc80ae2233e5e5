/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "app/config.h"
#include "engine/shard.h"
#include "base/clock.h"
#include "base/log.h"
#include "record/decoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SOURCES "sources: [{file: {path: a.jsonl}}]\n"
#define WRITE "remote_write: {url: \"http://localhost:9090/api/v1/write\"}\n"

static struct config *accepted(const char *text)
{
	struct config *c = NULL;
	struct config_errors errors = {0};
	if (config_load_text(slice_str(text), "w.yaml", &c, &errors) != 0)
		fail_msg("%s", buf_cstr(&errors.text));
	assert_int_equal(errors.len, 0);
	config_errors_done(&errors);
	return c;
}

static void refused_at(const char *text, const char *expect, const char *file, int line)
{
	struct config *c = NULL;
	struct config_errors errors = {0};
	int code = config_load_text(slice_str(text), "w.yaml", &c, &errors);
	const char *got = buf_cstr(&errors.text);
	size_t lines = 0;
	for (const char *p = got; (p = strchr(p, '\n')); p++)
		lines++;
	if (code != ERR_INPUT || lines != errors.len || strcmp(got, expect) != 0) {
		print_error("got %d \"%s\"\nexpected \"%s\"\n", code, got, expect);
		_fail(file, line);
	}
	assert_null(c);
	config_errors_done(&errors);
}
#define refused(text, expect) refused_at(text, expect, __FILE__, __LINE__)

static const char sample[] =
	"sources:\n"
	"  - kafka:\n"
	"      brokers: localhost:9092\n"
	"      topics: [logs, \"^app\\\\..*\"]\n"
	"      group: winnow\n"
	"      start: earliest\n"
	"      properties: {security.protocol: SASL_SSL}\n"
	"    format: auto\n"
	"  - file: {path: app.jsonl, follow: true}\n"
	"journal:\n"
	"  kafka: {topic: winnow.journal, state_topic: winnow.state}\n"
	"rules: [patterns]\n"
	"metrics: {step: 10s, lateness: 2s, expire: 15m, spans: otel, histograms: classic}\n"
	"budgets: {series: 200000, patterns_per_service: 1000, label_values: 200}\n"
	"remote_write:\n"
	"  url: http://localhost:9090/api/v1/write\n"
	"  version: auto\n"
	"  headers: {X-Scope-OrgID: team-a}\n"
	"  basic_auth: {username: u, password: \"${file:%s}\"}\n"
	"  tls: {ca: ca.pem, cert: c.pem, key: k.pem, insecure_skip_verify: true}\n"
	"  timeout: 5s\n"
	"admin: {listen: 127.0.0.1:9465}\n"
	"shards: 0\n"
	"examples: masked\n"
	"log_level: debug\n";

static void the_documented_sample_is_read_whole(void **state)
{
	(void)state;
	char path[] = "/tmp/test_config_XXXXXX", text[4096];
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "s3cret\n", 7), 7);
	close(fd);
	snprintf(text, sizeof(text), sample, path);
	struct config *c = accepted(text);
	unlink(path);
	assert_int_equal(c->sources_len, 2);
	assert_int_equal(c->sources[0].kind, CONFIG_SOURCE_KAFKA);
	assert_string_equal(c->sources[0].kafka.brokers, "localhost:9092");
	assert_int_equal(c->sources[0].kafka.topics.len, 2);
	assert_string_equal(c->sources[0].kafka.topics.items[1], "^app\\..*");
	assert_string_equal(c->sources[0].kafka.properties.items[0].key, "security.protocol");
	assert_string_equal(c->sources[0].kafka.properties.items[0].value, "SASL_SSL");
	assert_int_equal(c->sources[0].format, FORMAT_AUTO);
	assert_int_equal(c->sources[1].kind, CONFIG_SOURCE_FILE);
	assert_string_equal(c->sources[1].file.path, "app.jsonl");
	check(c->sources[1].file.follow);
	assert_int_equal(c->journal.kind, CONFIG_JOURNAL_KAFKA);
	assert_string_equal(c->journal.kafka.brokers, "localhost:9092");
	assert_int_equal(c->journal.kafka.properties.len, 1);
	assert_string_equal(c->rules.items[0], "patterns");
	check(c->metrics.step_ns == 10 * NS_PER_S && c->metrics.window_ns == 55 * 60 * NS_PER_S);
	assert_int_equal(c->budgets.series, 200000);
	assert_int_equal(c->examples, EXAMPLES_MASKED);
	assert_string_equal(c->remote_write[0].headers.items[0].value, "team-a");
	assert_string_equal(c->remote_write[0].password, "s3cret");
	assert_string_equal(c->remote_write[0].key, "k.pem");
	check(c->remote_write[0].insecure_skip_verify);
	check(c->remote_write[0].timeout_ns == 5 * NS_PER_S);
	assert_int_equal(c->log_level, LOG_DEBUG);
	config_free(c);
}

static void everything_but_source_and_url_has_a_default(void **state)
{
	(void)state;
	struct config *c = accepted("sources: [{kafka: {topics: logs}}]\n" WRITE);
	assert_string_equal(c->sources[0].kafka.brokers, "localhost:9092");
	assert_string_equal(c->sources[0].kafka.group, "winnow");
	assert_int_equal(c->sources[0].kafka.topics.len, 1);
	assert_int_equal(c->journal.kind, CONFIG_JOURNAL_FILE);
	assert_string_equal(c->journal.directory, "/var/lib/winnow");
	assert_int_equal(c->rules.len, 0);
	assert_int_equal(c->budgets.patterns_per_service, 1000);
	check(c->remote_write[0].timeout_ns == 30 * NS_PER_S);
	assert_null(c->remote_write[0].username);
	assert_string_equal(c->admin.listen, "127.0.0.1:9465");
	config_free(c);
	c = config_defaults();
	assert_int_equal(c->sources_len, 0);
	assert_null(c->remote_write[0].url);
	check(c->metrics.lateness_ns == 2 * NS_PER_S);
	config_free(c);
}

static void remote_write_may_be_a_list_of_endpoints(void **state)
{
	(void)state;
	struct config *c = accepted(SOURCES "remote_write:\n"
		"  - url: http://x/api/v1/write\n"
		"    timeout: 5s\n"
		"  - {name: mimir, url: http://y/api/v1/push, version: \"1.0\", bearer_token: t, headers: {X-Scope-OrgID: a}}\n"
		"  - {name: tenant-b, url: http://y/api/v1/push, bearer_token: t, headers: {X-Scope-OrgID: b}}\n");
	assert_int_equal(c->remote_write_len, 3);
	assert_string_equal(c->remote_write[0].name, "default");
	check(c->remote_write[0].id == 0 && c->remote_write[0].timeout_ns == 5 * NS_PER_S && c->remote_write[0].version == CONFIG_WRITE_AUTO);
	assert_string_equal(c->remote_write[1].name, "mimir");
	check(c->remote_write[1].id != 0 && c->remote_write[1].timeout_ns == 30 * NS_PER_S && c->remote_write[1].version == CONFIG_WRITE_1_0);
	assert_string_equal(c->remote_write[1].bearer_token, "t");
	assert_null(c->remote_write[0].bearer_token);
	check(c->remote_write[2].id != c->remote_write[1].id);
	uint64_t mimir = c->remote_write[1].id;
	config_free(c);
	c = accepted(SOURCES "remote_write: {name: mimir, url: http://z/api/v1/push}\n");
	check(c->remote_write_len == 1 && c->remote_write[0].id == mimir); /* by its name alone, wherever it stands */
	config_free(c);
}

static void mistakes_in_endpoints_are_shown_where_they_are(void **state)
{
	(void)state;
	refused(SOURCES "remote_write:\n"
		"  - {url: http://x/w, timout: 1s}\n"
		"  - {url: http://y/w}\n"
		"  - {name: \"a b\", url: http://z/w}\n"
		"  - {name: c, url: http://x/w}\n"
		"  - {name: d}\n"
		"  - {name: e, url: http://e/w, tls: {cert: c.pem}, basic_auth: {username: u}}\n"
		"  - text\n",
		"w.yaml:3:23: unknown key \"timout\"; did you mean \"timeout\"?\n"
		"w.yaml:9:5: expected a map of options of remote_write\n"
		"w.yaml:4:5: a second endpoint called \"default\", as it is without a name: each needs one of its own, which the journal knows it by\n"
		"w.yaml:5:12: \"a b\" is no name for an endpoint: letters, digits, \"_\", \"-\" and \".\", 63 at most\n"
		"w.yaml:6:20: \"default\" and \"c\" are the same place: it would get every sample twice\n"
		"w.yaml:7:5: remote_write.url is required, for example http://localhost:9090/api/v1/write\n"
		"w.yaml:8:64: basic_auth needs both username and password\n"
		"w.yaml:8:37: tls needs both cert and key\n");
	refused(SOURCES "remote_write: []\n", "w.yaml:2:15: remote_write.url is required, for example http://localhost:9090/api/v1/write\n");
	refused(SOURCES "remote_write:\n"
		"  - {url: http://x/1}\n  - {name: b, url: http://x/2}\n  - {name: c, url: http://x/3}\n  - {name: d, url: http://x/4}\n  - {name: e, url: http://x/5}\n"
		"  - {name: f, url: http://x/6}\n  - {name: g, url: http://x/7}\n  - {name: h, url: http://x/8}\n  - {name: i, url: http://x/9}\n",
		"w.yaml:3:3: 9 endpoints; at most 8\n");
}

static void all_mistakes_are_shown_at_once_with_their_line(void **state)
{
	(void)state;
	refused("sources:\n"
		"  - kafka:\n"
		"      brokres: x\n"
		"      topics: [logs]\n"
		"metrics:\n"
		"  step: 10\n"
		"  lateness: 2h\n"
		"budgets: {series: many}\n"
		"shard: 1\n"
		"remote_write: {url: \"ftp://x\", timout: 1s}\n",
		"w.yaml:3:7: unknown key \"brokres\"; did you mean \"brokers\"?\n"
		"w.yaml:6:9: \"10\" is not a duration like 10s, 250ms or 1h30m\n"
		"w.yaml:7:13: 2h is out of range; 0s to 5m are allowed\n"
		"w.yaml:8:19: \"many\" is not a whole number\n"
		"w.yaml:9:1: unknown key \"shard\"; did you mean \"shards\"?\n"
		"w.yaml:10:32: unknown key \"timout\"; did you mean \"timeout\"?\n"
		"w.yaml:10:21: url must be http://HOST[:PORT]/PATH or https://...\n");
}

static void what_is_missing_is_named(void **state)
{
	(void)state;
	refused("", "w.yaml:1:1: sources is required: at least one kafka or file to read from\n"
		"w.yaml:1:1: remote_write.url is required, for example http://localhost:9090/api/v1/write\n");
	refused("sources:\n  - format: json\n" WRITE, "w.yaml:2:5: a source needs kafka or file\n");
	refused("sources:\n  - kafka: {}\n" WRITE, "w.yaml:2:12: a Kafka source needs topics\n");
	refused("sources:\n  - file: {follow: true}\n" WRITE, "w.yaml:2:11: a file source needs a path; - is standard input\n");
	refused(SOURCES "journal: {kafka: {}}\n" WRITE, "w.yaml:2:18: journal.kafka.brokers is required when no source is Kafka\n");
}

static void what_excludes_each_other_is_refused(void **state)
{
	(void)state;
	refused("sources:\n  - {kafka: {topics: a}, file: {path: x}}\n" WRITE, "w.yaml:2:5: a source is either kafka or file, not both\n");
	refused(SOURCES WRITE "journal:\n  file: x\n  kafka: {brokers: b}\n", "w.yaml:5:10: the journal is either kafka or file, not both\n");
	refused(SOURCES "remote_write:\n  url: http://x\n  basic_auth: {username: u}\n", "w.yaml:4:15: basic_auth needs both username and password\n");
	refused(SOURCES "remote_write:\n  url: http://x\n  basic_auth: {username: u, password: p}\n  bearer_token: t\n",
		"w.yaml:5:17: either basic_auth or bearer_token, not both\n");
	refused(SOURCES "remote_write:\n  url: http://x\n  tls: {cert: c}\n", "w.yaml:4:8: tls needs both cert and key\n");
	refused(SOURCES WRITE "admin: {listen: \"0.0.0.0:9465\"}\n", "w.yaml:3:17: \"0.0.0.0:9465\" is reachable from outside: set admin.token, or insecure: true\n");
	refused(SOURCES WRITE "admin: {listen: nowhere}\n", "w.yaml:3:17: listen must be HOST:PORT, for example 127.0.0.1:9465\n");
	refused(SOURCES WRITE "metrics: {step: 5m, window: 2m}\n", "w.yaml:3:29: window must be longer than step and lateness together\n");
	config_free(accepted(SOURCES WRITE "admin: {listen: \"0.0.0.0:9465\", token: t}\n"));
}

static void what_this_version_does_not_do_is_said(void **state)
{
	(void)state;
	refused(SOURCES "remote_write: {url: http://x, version: 3.0}\n", "w.yaml:2:40: \"3.0\" is none of auto, 1.0, 2.0; did you mean \"1.0\"?\n");
	refused(SOURCES WRITE "examples: partly\n", "w.yaml:3:11: \"partly\" is none of full, masked, none\n");
	refused(SOURCES WRITE "metrics: {spans: temp}\n", "w.yaml:3:18: \"temp\" is none of otel, tempo, semconv; did you mean \"tempo\"?\n");
	refused("sources: [{file: {path: x}}]\nmetrics: {histograms: natives}\n" WRITE, "w.yaml:2:23: \"natives\" is none of classic, native, both; did you mean \"native\"?\n");
	refused("sources: [{file: {path: x}, format: jsn}]\n" WRITE, "w.yaml:1:37: \"jsn\" is none of auto, json, otlp_json, otlp_proto, msgpack, zipkin, jaeger, text; did you mean \"json\"?\n");
	refused("sources: [{file: {path: x}, timezone: Europe/Berln}]\n" WRITE, "w.yaml:1:39: \"Europe/Berln\" is neither a time zone like Europe/Berlin, an offset like +01:00 nor UTC; did you mean \"Europe/Berlin\"?\n");
	refused("sources: [{file: {path: x}, timezone: +25:00}]\n" WRITE, "w.yaml:1:39: \"+25:00\" is neither a time zone like Europe/Berlin, an offset like +01:00 nor UTC\n");
}

static void variables_are_replaced_in_values(void **state)
{
	(void)state;
	setenv("WT_HOST", "kafka:9092", 1);
	setenv("WT_EMPTY", "", 1);
	unsetenv("WT_NONE");
	struct config *c = accepted("sources: [{kafka: {topics: [\"${WT_NONE:-logs}\"], brokers: \"a,${WT_HOST}\", group: \"$${x}$\"}}]\n"
				    "shards: ${WT_EMPTY:-3}\n" WRITE);
	assert_string_equal(c->sources[0].kafka.brokers, "a,kafka:9092");
	assert_string_equal(c->sources[0].kafka.topics.items[0], "logs");
	assert_string_equal(c->sources[0].kafka.group, "${x}$");
	assert_int_equal(c->shards, 3);
	config_free(c);
	refused(SOURCES WRITE "shards: ${WT_NONE}\n", "w.yaml:3:9: the environment has no variable \"WT_NONE\"; ${WT_NONE:-default} would give it a default\n");
	refused(SOURCES WRITE "shards: ${WT_NONE\n", "w.yaml:3:9: \"${\" without \"}\"\n");
	refused(SOURCES WRITE "shards: ${a b}\n", "w.yaml:3:9: \"${a b}\" is neither ${NAME}, ${NAME:-default} nor ${file:PATH}\n");
	refused(SOURCES WRITE "shards: ${file:/nowhere/x}\n", "w.yaml:3:9: ${file:/nowhere/x}: No such file or directory\n");
}

static void secrets_stay_out_of_the_messages(void **state)
{
	(void)state;
	static const char *const texts[] = {
		SOURCES "remote_write: {url: \"http://u:hunter2@x y\"}\n",
		SOURCES "remote_write: {url: http://x, basic_auth: {username: u, password: [hunter2]}}\n",
		SOURCES "remote_write: {url: http://x, headers: {\"a b\": hunter2}}\n",
		SOURCES WRITE "shards: ${WT_SECRET}\n",
		"sources: [{kafka: {topics: a, properties: {sasl.password: hunter2, security.protocol: hunter2}}}]\n" WRITE,
	};
	setenv("WT_SECRET", "hunter2", 1);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct config *c = NULL;
		struct config_errors errors = {0};
		assert_int_equal(config_load_text(slice_str(texts[i]), "w.yaml", &c, &errors), ERR_INPUT);
		check(errors.len > 0);
		assert_null(strstr(buf_cstr(&errors.text), "hunter2"));
		config_errors_done(&errors);
	}
}

static void librdkafka_properties_are_checked(void **state)
{
	(void)state;
	refused("sources:\n  - kafka:\n      topics: a\n      properties:\n        fetch.wait.max.msx: 1\n        fetch.wait.max.ms: abc\n        group.id: x\n" WRITE,
		"w.yaml:5:29: librdkafka has no property \"fetch.wait.max.msx\"\n"
		"w.yaml:6:28: librdkafka does not accept this value for \"fetch.wait.max.ms\"\n"
		"w.yaml:7:19: winnow sets \"group.id\" itself\n");
	refused("sources:\n  - kafka:\n      topics: [\"a b\", \"^(\"]\n" WRITE,
		"w.yaml:3:15: \"a b\" is no topic name; a regular expression starts with ^\nw.yaml:3:15: topic \"^(\": Unmatched ( or \\(\n");
	refused("sources: [{kafka: {topics: \"^(((((((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+\"}}]\n" WRITE,
		"w.yaml:1:28: topic \"^(((((((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+\": too many repeats in one another\n");
	refused("sources: [{kafka: {topics: \"^(a{1,255}){255}\"}}]\n" WRITE, "w.yaml:1:28: topic \"^(a{1,255}){255}\": too many repeats in one another\n");
}

static int64_t start_of(const char *start)
{
	char text[256];
	snprintf(text, sizeof(text), "sources: [{kafka: {topics: a, start: \"%s\"}}]\n" WRITE, start);
	struct config *c = accepted(text);
	assert_int_equal(c->sources[0].kafka.start.kind, CONFIG_START_TIME);
	int64_t ns = c->sources[0].kafka.start.time_ns;
	config_free(c);
	return ns;
}

static void a_start_may_be_a_time(void **state)
{
	(void)state;
	check(start_of("2026-03-04T09:15:02Z") == 1772615702 * NS_PER_S);
	check(start_of("2026-03-04T09:15:02.25Z") == 1772615702 * NS_PER_S + 250 * NS_PER_MS);
	check(start_of("2026-03-04T11:15:02+02:00") == 1772615702 * NS_PER_S);
	struct config *c = accepted("sources: [{kafka: {topics: a, start: latest}}]\n" WRITE);
	assert_int_equal(c->sources[0].kafka.start.kind, CONFIG_START_LATEST);
	config_free(c);
	refused("sources: [{kafka: {topics: a, start: yesterday}}]\n" WRITE, "w.yaml:1:38: \"yesterday\" is neither earliest, latest nor a time like 2026-03-04T09:15:02Z\n");
}

static void wrong_kinds_of_values_are_refused(void **state)
{
	(void)state;
	refused("sources: logs\n" WRITE, "w.yaml:1:10: expected a list: each source starts with \"- kafka:\" or \"- file:\"\n");
	refused("sources: [logs]\n" WRITE, "w.yaml:1:11: expected a map of options of sources[]\n");
	refused(SOURCES WRITE "metrics: 10s\n", "w.yaml:3:10: expected a map of options of metrics\n");
	refused(SOURCES WRITE "shards: [1]\n", "w.yaml:3:9: expected a value, not a list\n");
	refused(SOURCES WRITE "admin: {insecure: yes}\n", "w.yaml:3:19: \"yes\" is neither true nor false\n");
	refused("- a\n", "w.yaml:1:1: expected a map of options\n");
	refused(SOURCES WRITE "metrics.step: 10s\n", "w.yaml:3:1: unknown key \"metrics.step\"; did you mean \"metrics\"?\n");
}

/* With UPDATE_DOCS in the environment the file is written instead of compared. */
static void the_documentation_is_what_the_table_says(void **state)
{
	(void)state;
	struct buf expect = {0}, got = {0};
	config_print_docs(&expect);
	FILE *f = fopen(WINNOW_SOURCE_DIR "/docs/configuration.md", getenv("UPDATE_DOCS") ? "w+" : "r");
	assert_non_null(f);
	if (getenv("UPDATE_DOCS")) {
		fwrite(expect.data, 1, expect.len, f);
		rewind(f);
	}
	got.len = fread(buf_reserve(&got, 1 << 20), 1, 1 << 20, f);
	fclose(f);
	assert_string_equal(buf_cstr(&got), buf_cstr(&expect));
	buf_done(&got);
	buf_done(&expect);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_documented_sample_is_read_whole), cmocka_unit_test(everything_but_source_and_url_has_a_default),
		cmocka_unit_test(remote_write_may_be_a_list_of_endpoints),
		cmocka_unit_test(mistakes_in_endpoints_are_shown_where_they_are),
		cmocka_unit_test(all_mistakes_are_shown_at_once_with_their_line), cmocka_unit_test(what_is_missing_is_named),
		cmocka_unit_test(what_excludes_each_other_is_refused), cmocka_unit_test(what_this_version_does_not_do_is_said),
		cmocka_unit_test(variables_are_replaced_in_values), cmocka_unit_test(secrets_stay_out_of_the_messages),
		cmocka_unit_test(librdkafka_properties_are_checked), cmocka_unit_test(a_start_may_be_a_time),
		cmocka_unit_test(wrong_kinds_of_values_are_refused), cmocka_unit_test(the_documentation_is_what_the_table_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
