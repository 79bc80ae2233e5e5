/* SPDX-License-Identifier: Apache-2.0 */
/* Against librdkafka's in-process cluster, or a real one: WINNOW_TEST_KAFKA=host:port. */
#include "../check.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "journal/journal.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static rd_kafka_t *host;
static rd_kafka_mock_cluster_t *cluster; /* NULL: a real one */
static const char *brokers;

struct place {
	char topic[64], state[64];
	struct journal *j;
	struct err err;
};

static struct journal *open_one(struct place *p)
{
	static const struct journal_property fast[] = {{"session.timeout.ms", "6000"}, {"heartbeat.interval.ms", "500"}};
	const struct journal_kafka_opts opts = {.brokers = brokers, .topic = p->topic, .state_topic = p->state, .group = p->topic, .properties = fast, .properties_len = 2};
	struct journal *j = NULL;
	int rc = journal_open_kafka(&opts, &j, &p->err);
	if (rc < 0)
		print_error("%s\n", p->err.text);
	assert_int_equal(rc, 0);
	return j;
}

static int set_up(void **state)
{
	static int count;
	struct place *p = calloc(1, sizeof(*p));
	snprintf(p->topic, sizeof(p->topic), "journal.%d.%d", (int)getpid(), ++count);
	snprintf(p->state, sizeof(p->state), "state.%d.%d", (int)getpid(), count);
	p->j = open_one(p);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	journal_close(p->j);
	free(p);
	return 0;
}

static void read_one(struct place *p, struct journal_entry *e)
{
	int rc = 0;
	for (int64_t until = clock_mono_ns() + 20 * NS_PER_S; rc == 0 && clock_mono_ns() < until;)
		rc = journal_read(p->j, NS_PER_S, e, &p->err);
	assert_int_equal(rc, 1);
}

static void records_come_back_in_order_from_any_position(void **state)
{
	struct place *p = *state;
	struct journal_entry e;
	int64_t begin, end, positions[3];
	static const char *const texts[] = {"one", "two", "three"};
	for (int i = 0; i < 3; i++)
		assert_int_equal(journal_append(p->j, slice_str(texts[i]), &p->err), 0);
	for (int i = 0; i < 3; i++) {
		read_one(p, &e);
		check_slice(e.bytes, texts[i]);
		positions[i] = e.position;
		assert_int_equal(e.next_position, e.position + 1);
	}
	assert_int_equal(journal_begin(p->j, &begin, &p->err), 0);
	assert_int_equal(journal_end(p->j, &end, &p->err), 0);
	assert_int_equal(begin, positions[0]);
	assert_int_equal(end, positions[2] + 1);
	assert_int_equal(journal_seek(p->j, positions[1], &p->err), 0);
	read_one(p, &e);
	check_slice(e.bytes, "two");
	assert_int_equal(journal_seek(p->j, end, &p->err), 0);
	assert_int_equal(journal_read(p->j, 300 * NS_PER_MS, &e, &p->err), 0);
	assert_int_equal(journal_append(p->j, SLICE("four"), &p->err), 0);
	read_one(p, &e);
	check_slice(e.bytes, "four");
	assert_int_equal(journal_seek(p->j, end + 5, &p->err), ERR_CORRUPT);
}

enum { THREADS = 4, EACH = 100 };

static void *writer(void *arg)
{
	for (uint32_t i = 0; i < EACH; i++)
		if (journal_append(((struct place *)arg)->j, slice_of((const char *)&i, sizeof(i)), NULL) < 0)
			return (void *)1;
	return NULL;
}

static void many_threads_append_and_each_ones_order_stays(void **state)
{
	struct place *p = *state;
	pthread_t threads[THREADS];
	uint32_t seen[EACH] = {0};
	struct journal_entry e;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, writer, p);
	for (int i = 0; i < THREADS * EACH; i++) {
		uint32_t n;
		read_one(p, &e);
		memcpy(&n, e.bytes.ptr, sizeof(n));
		seen[n]++;
		check(n == 0 || seen[n] <= seen[n - 1]);
	}
	for (int i = 0; i < THREADS; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

static bool wait_for(const struct place *a, const struct place *b, int leaders)
{
	for (int64_t until = clock_mono_ns() + 30 * NS_PER_S; clock_mono_ns() < until; clock_sleep_ns(50 * NS_PER_MS))
		if (journal_leads(a->j) + (b->j ? journal_leads(b->j) : 0) == leaders)
			return true;
	return false;
}

static void one_instance_leads_and_another_takes_over(void **state)
{
	struct place *p = *state;
	struct place other = *p;
	other.j = NULL;
	check(wait_for(p, &other, 1));
	other.j = open_one(&other);
	clock_sleep_ns(3 * NS_PER_S);
	check(wait_for(p, &other, 1));
	/* the leader leaves */
	struct place *leader = journal_leads(p->j) ? p : &other, *follower = leader == p ? &other : p;
	journal_close(leader->j);
	leader->j = NULL;
	for (int64_t until = clock_mono_ns() + 30 * NS_PER_S; !journal_leads(follower->j) && clock_mono_ns() < until;)
		clock_sleep_ns(50 * NS_PER_MS);
	check(journal_leads(follower->j));
	p->j = follower->j;
}

static void fill(struct buf *b, size_t len, unsigned seed)
{
	buf_reset(b);
	for (size_t i = 0; i < len; i++)
		buf_add_char(b, (char)((i * 2654435761u + seed) >> 13));
}

static void the_newest_whole_snapshot_is_loaded_by_another_instance(void **state)
{
	struct place *p = *state;
	struct buf big = {0}, out = {0};
	assert_int_equal(journal_load_snapshot(p->j, &out, &p->err), 0);
	assert_int_equal(out.len, 0);
	static const size_t sizes[] = {2500000, 10, 1000000, 900 * 1024};
	for (unsigned i = 0; i < 4; i++) {
		fill(&big, sizes[i], i);
		assert_int_equal(journal_save_snapshot(p->j, buf_slice(&big), (int64_t)i, &p->err), 0);
		struct place other = *p;
		other.j = open_one(&other);
		assert_int_equal(journal_load_snapshot(other.j, &out, &p->err), 0);
		check(slice_eq(buf_slice(&out), buf_slice(&big)));
		journal_close(other.j);
	}
	buf_done(&big);
	buf_done(&out);
}

static void send_raw(const char *topic, const char *key, const char *value, size_t value_len)
{
	char text[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof(text));
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_KEY(key, strlen(key)), RD_KAFKA_V_VALUE((void *)value, value_len),
		RD_KAFKA_V_END);
	assert_int_equal(rd_kafka_flush(rk, 20000), 0);
	rd_kafka_destroy(rk);
}

static void a_snapshot_that_was_cut_short_leaves_the_one_before(void **state)
{
	struct place *p = *state;
	struct buf out = {0};
	assert_int_equal(journal_save_snapshot(p->j, SLICE("whole"), 7, &p->err), 0);
	send_raw(p->state, "snapshot-1.000000", "\1\2\3\4\5\6\7\7partial", 15); /* the writer died here */
	send_raw(p->state, "snapshot-1.end", "0807060504030201 9 2 99 00000000", 32);
	send_raw(p->state, "a stranger", "x", 1);
	assert_int_equal(journal_load_snapshot(p->j, &out, &p->err), 0);
	check_slice(buf_slice(&out), "whole");
	/* the next one goes into the damaged slot, never over the whole one */
	assert_int_equal(journal_save_snapshot(p->j, SLICE("newer"), 12, &p->err), 0);
	send_raw(p->state, "snapshot-1.000000", "\1\2\3\4\5\6\7\7partial", 15);
	send_raw(p->state, "snapshot-1.end", "0807060504030201 13 2 99 00000000", 33);
	assert_int_equal(journal_load_snapshot(p->j, &out, &p->err), 0);
	check(slice_eq(buf_slice(&out), SLICE("newer")) || slice_eq(buf_slice(&out), SLICE("whole")));
	buf_done(&out);
}

static size_t records_in(const char *topic)
{
	char text[256];
	int64_t low = 0, high = 0;
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof(text));
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	assert_int_equal(rd_kafka_query_watermark_offsets(rk, topic, 0, &low, &high, 20000), 0);
	rd_kafka_destroy(rk);
	return (size_t)high;
}

struct saver {
	struct journal *j;
	struct buf bytes;
	int64_t position;
	int rc;
};

static void *save_often(void *arg)
{
	struct saver *s = arg;
	struct err err;
	for (int n = 0; n < 2 && s->rc == 0; n++)
		s->rc = journal_save_snapshot(s->j, buf_slice(&s->bytes), s->position, &err);
	return NULL;
}

/* Two that both believe they lead; what is left of each must be whole. (The mock broker keeps 5 MB.) */
static void two_that_write_at_once_spoil_nothing(void **state)
{
	struct place *p = *state, other = *p, third = *p;
	struct buf out = {0};
	pthread_t threads[2];
	other.j = open_one(&other);
	struct saver savers[2] = {{.j = p->j, .position = 5}, {.j = other.j, .position = 6}};
	for (unsigned i = 0; i < 2; i++) {
		fill(&savers[i].bytes, 1000000, i);
		pthread_create(&threads[i], NULL, save_often, &savers[i]);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	check(savers[0].rc == 0 && savers[1].rc == 0);
	third.j = open_one(&third);
	assert_int_equal(journal_load_snapshot(third.j, &out, &third.err), 0);
	check(slice_eq(buf_slice(&out), buf_slice(&savers[1].bytes)));
	/* the next writer removes what both have left, but for the newest while it has only one of its own */
	size_t before = records_in(p->state);
	assert_int_equal(journal_save_snapshot(third.j, SLICE("a"), 7, &third.err), 0);
	size_t first = records_in(p->state) - before;
	assert_int_equal(journal_save_snapshot(third.j, SLICE("b"), 8, &third.err), 0);
	size_t second = records_in(p->state) - before - first;
	assert_int_equal(first, 2 + 3 * 3);
	assert_int_equal(second, 2 + 3);
	journal_close(third.j);
	journal_close(other.j);
	for (int i = 0; i < 2; i++)
		buf_done(&savers[i].bytes);
	buf_done(&out);
}

static void a_broker_that_is_not_there_is_unreachable(void **state)
{
	(void)state;
	struct err err = {0};
	struct journal *j = NULL;
	const struct journal_kafka_opts opts = {.brokers = "127.0.0.1:1", .topic = "a", .state_topic = "b", .group = "g"};
	assert_int_equal(journal_open_kafka(&opts, &j, &err), ERR_UNREACHABLE);
	check(strstr(err.text, "no Kafka broker answers"));
}

static void a_property_that_is_none_is_named(void **state)
{
	(void)state;
	struct err err = {0};
	struct journal *j = NULL;
	static const struct journal_property wrong = {"sesion.timeout", "1"};
	const struct journal_kafka_opts opts = {.brokers = brokers, .topic = "a", .state_topic = "b", .group = "g", .properties = &wrong, .properties_len = 1};
	assert_int_equal(journal_open_kafka(&opts, &j, &err), ERR_INPUT);
	check(strstr(err.text, "sesion.timeout"));
}

static void topics_with_the_wrong_cleanup_are_refused(void **state)
{
	struct place *p = *state;
	struct journal *j = NULL;
	if (cluster)
		skip(); /* it does not tell settings */
	const struct journal_kafka_opts swapped = {.brokers = brokers, .topic = p->state, .state_topic = p->state, .group = "g"};
	assert_int_equal(journal_open_kafka(&swapped, &j, &p->err), ERR_INPUT);
	check(strstr(p->err.text, "cleanup.policy=compact, it needs delete"));
	const struct journal_kafka_opts other = {.brokers = brokers, .topic = p->topic, .state_topic = p->topic, .group = "g"};
	assert_int_equal(journal_open_kafka(&other, &j, &p->err), ERR_INPUT);
	check(strstr(p->err.text, "cleanup.policy=delete, it needs compact"));
}

static void an_append_that_brokers_refuse_at_first_is_there_once(void **state)
{
	struct place *p = *state;
	struct journal_entry e;
	if (!cluster)
		skip();
	assert_int_equal(journal_append(p->j, SLICE("one"), &p->err), 0);
	rd_kafka_mock_push_request_errors(cluster, 0 /* Produce */, 3, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR__TRANSPORT,
		RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
	assert_int_equal(journal_append(p->j, SLICE("two"), &p->err), 0);
	assert_int_equal(journal_append(p->j, SLICE("three"), &p->err), 0);
	read_one(p, &e);
	read_one(p, &e);
	check_slice(e.bytes, "two");
	read_one(p, &e);
	check_slice(e.bytes, "three");
	assert_int_equal(journal_read(p->j, 300 * NS_PER_MS, &e, &p->err), 0);
}

static void start_cluster(void)
{
	char text[256];
	log_set_level(LOG_ERROR + 1);
	brokers = getenv("WINNOW_TEST_KAFKA");
	if (brokers)
		return;
	host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof(text));
	cluster = rd_kafka_mock_cluster_new(host, 1);
	brokers = rd_kafka_mock_cluster_bootstraps(cluster);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(records_come_back_in_order_from_any_position),
		T(many_threads_append_and_each_ones_order_stays),
		T(one_instance_leads_and_another_takes_over),
		T(the_newest_whole_snapshot_is_loaded_by_another_instance),
		T(a_snapshot_that_was_cut_short_leaves_the_one_before),
		T(two_that_write_at_once_spoil_nothing),
		T(topics_with_the_wrong_cleanup_are_refused),
		T(an_append_that_brokers_refuse_at_first_is_there_once),
		cmocka_unit_test(a_broker_that_is_not_there_is_unreachable),
		cmocka_unit_test(a_property_that_is_none_is_named),
	};
#ifdef __SANITIZE_THREAD__
	puts("skipped: librdkafka starts its threads with thrd_create, which the thread sanitizer of GCC 12 does not know and dies of");
	return 0;
#endif
	start_cluster();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (cluster) {
		rd_kafka_mock_cluster_destroy(cluster);
		rd_kafka_destroy(host);
	}
	return failed;
}
