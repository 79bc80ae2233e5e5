/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "journal/frame.h"
#include "journal/journal.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
	char root[32], directory[64];
	struct journal *j;
	struct err err;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	snprintf(p->root, sizeof(p->root), "/tmp/winnow-journal-XXXXXX");
	*state = p;
	log_set_level(LOG_ERROR + 1);
	if (!mkdtemp(p->root))
		return -1;
	snprintf(p->directory, sizeof(p->directory), "%s/a/b", p->root); /* made by opening */
	return journal_open_file(p->directory, &p->j, &p->err);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static int tear_down(void **state)
{
	struct place *p = *state;
	journal_close(p->j);
	int rc = nftw(p->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(p);
	return rc;
}

static void append(struct place *p, const char *text)
{
	assert_int_equal(journal_append(p->j, slice_str(text), &p->err), 0);
}

static void reopen(struct place *p)
{
	journal_close(p->j);
	p->j = NULL;
	assert_int_equal(journal_open_file(p->directory, &p->j, &p->err), 0);
}

/* Reads what is there from the current place: "a,b,c,". */
static void check_rest(struct place *p, const char *expect)
{
	struct buf all = {0};
	struct journal_entry e;
	int rc;
	while ((rc = journal_read(p->j, 0, &e, &p->err)) == 1) {
		check(e.next_position > e.position);
		buf_add_slice(&all, e.bytes);
		buf_add_char(&all, ',');
	}
	assert_int_equal(rc, 0);
	check_slice(buf_slice(&all), expect);
	buf_done(&all);
}

static char *segment(struct place *p, int64_t position)
{
	static char path[160];
	snprintf(path, sizeof(path), "%s/journal-%020lld", p->directory, (long long)position);
	return path;
}

static void what_is_appended_is_read_back_in_order_and_after_a_restart(void **state)
{
	struct place *p = *state;
	int64_t begin, end;
	append(p, "one");
	append(p, "");
	append(p, "three");
	check_rest(p, "one,,three,");
	reopen(p);
	append(p, "four");
	check_rest(p, "one,,three,four,");
	assert_int_equal(journal_begin(p->j, &begin, NULL), 0);
	assert_int_equal(journal_end(p->j, &end, NULL), 0);
	assert_int_equal(begin, 0);
	assert_int_equal(end, 4 * FRAME_HEAD + 12);
	check(journal_leads(p->j));
}

static void a_seek_goes_to_the_first_record_at_or_behind_the_position(void **state)
{
	struct place *p = *state;
	struct journal_entry e;
	int64_t end;
	append(p, "one");
	append(p, "two");
	append(p, "three");
	assert_int_equal(journal_read(p->j, 0, &e, NULL), 1);
	int64_t second = e.next_position;
	assert_int_equal(journal_seek(p->j, second, NULL), 0);
	check_rest(p, "two,three,");
	assert_int_equal(journal_seek(p->j, e.position + 1, NULL), 0); /* where a ledger says it stands */
	check_rest(p, "two,three,");
	assert_int_equal(journal_seek(p->j, second + 1, NULL), 0);
	assert_int_equal(journal_next(p->j), e.next_position + FRAME_HEAD + 3);
	check_rest(p, "three,");
	assert_int_equal(journal_end(p->j, &end, NULL), 0);
	assert_int_equal(journal_next(p->j), end);
	assert_int_equal(journal_seek(p->j, end - 1, NULL), 0); /* within the last record: a ledger that has it stands there */
	assert_int_equal(journal_next(p->j), end);
	assert_int_equal(journal_seek(p->j, 1000, &p->err), ERR_CORRUPT);
}

static void a_second_opener_is_refused(void **state)
{
	struct place *p = *state;
	struct journal *other = NULL;
	assert_int_equal(journal_open_file(p->directory, &other, &p->err), ERR_IO);
	check(strstr(p->err.text, "another winnow"));
}

static void a_torn_tail_is_cut_off_at_every_length(void **state)
{
	struct place *p = *state;
	append(p, "one");
	append(p, "a longer record that will be torn");
	const int64_t whole = 2 * FRAME_HEAD + 3 + 33;
	for (int64_t size = whole - 1; size > FRAME_HEAD + 3; size--) {
		journal_close(p->j);
		p->j = NULL;
		assert_int_equal(truncate(segment(p, 0), size), 0);
		assert_int_equal(journal_open_file(p->directory, &p->j, &p->err), 0);
		check_rest(p, "one,");
		append(p, "a longer record that will be torn");
		check_rest(p, "a longer record that will be torn,");
	}
}

static void flip(const char *path, off_t at)
{
	char c;
	int fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c = (char)(c ^ 4);
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

static void a_damaged_middle_is_said_loudly_wherever_it_is(void **state)
{
	struct place *p = *state;
	append(p, "first");
	append(p, "second");
	append(p, "third");
	for (off_t at = 0; at < 2 * FRAME_HEAD + 11; at++) {
		journal_close(p->j);
		p->j = NULL;
		flip(segment(p, 0), at);
		assert_int_equal(journal_open_file(p->directory, &p->j, &p->err), ERR_CORRUPT);
		check(strstr(p->err.text, "damaged"));
		flip(segment(p, 0), at);
		assert_int_equal(journal_open_file(p->directory, &p->j, &p->err), 0);
	}
	/* damage that comes while it is open is found on reading */
	flip(segment(p, 0), FRAME_HEAD + 1);
	struct journal_entry e;
	assert_int_equal(journal_read(p->j, 0, &e, &p->err), ERR_CORRUPT);
	flip(segment(p, 0), FRAME_HEAD + 1);
}

static void a_disk_that_is_full_loses_nothing_and_heals(void **state)
{
	struct place *p = *state;
	struct rlimit was, small = {.rlim_cur = 200};
	char big[400];
	memset(big, 'x', sizeof(big));
	signal(SIGXFSZ, SIG_IGN);
	append(p, "one");
	getrlimit(RLIMIT_FSIZE, &was);
	small.rlim_max = was.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small); /* a write past 200 bytes comes up short, the next one fails */
	assert_int_equal(journal_append(p->j, slice_of(big, sizeof(big)), &p->err), ERR_IO);
	check(strstr(p->err.text, "cannot write"));
	append(p, "two"); /* there is still room for a small one */
	setrlimit(RLIMIT_FSIZE, &was);
	check_rest(p, "one,two,");
	append(p, "three");
	check_rest(p, "three,");
	reopen(p);
	check_rest(p, "one,two,three,");
}

enum { THREADS = 4, EACH = 50 };

static void *writer(void *arg)
{
	struct place *p = arg;
	for (int i = 0; i < EACH; i++)
		if (journal_append(p->j, SLICE("record"), NULL) < 0)
			return (void *)1;
	return NULL;
}

static void many_threads_append_while_one_reads(void **state)
{
	struct place *p = *state;
	pthread_t threads[THREADS];
	struct journal_entry e;
	int seen = 0;
	int64_t last = -1;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, writer, p);
	while (seen < THREADS * EACH) {
		assert_int_equal(journal_read(p->j, 10 * NS_PER_S, &e, &p->err), 1);
		check_slice(e.bytes, "record");
		check(e.position > last);
		last = e.position;
		seen++;
	}
	for (int i = 0; i < THREADS; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	int64_t start = clock_mono_ns();
	assert_int_equal(journal_read(p->j, 50 * NS_PER_MS, &e, &p->err), 0);
	check(clock_mono_ns() - start >= 49 * NS_PER_MS);
}

static void segments_before_the_older_snapshot_go(void **state)
{
	struct place *p = *state;
	size_t len = 40 << 20;
	char *big = calloc(1, len);
	int64_t positions[6], begin;
	for (int i = 0; i < 6; i++) {
		assert_int_equal(journal_end(p->j, &positions[i], NULL), 0);
		assert_int_equal(journal_append(p->j, slice_of(big, len), &p->err), 0);
	}
	free(big);
	/* two records fill a segment: 0 1 | 2 3 | 4 5 */
	assert_int_equal(journal_save_snapshot(p->j, SLICE("first"), positions[3], &p->err), 0);
	assert_int_equal(journal_begin(p->j, &begin, NULL), 0);
	assert_int_equal(begin, 0); /* one snapshot alone could turn out damaged */
	assert_int_equal(journal_save_snapshot(p->j, SLICE("second"), positions[5], &p->err), 0);
	assert_int_equal(journal_begin(p->j, &begin, NULL), 0);
	assert_int_equal(begin, positions[2]);
	check(access(segment(p, 0), F_OK) < 0);
	reopen(p);
	assert_int_equal(journal_seek(p->j, positions[3], &p->err), 0);
	assert_int_equal(journal_seek(p->j, positions[1], &p->err), ERR_INPUT);
}

static void the_newest_whole_snapshot_is_loaded(void **state)
{
	struct place *p = *state;
	struct buf out = {0};
	char path[160];
	assert_int_equal(journal_load_snapshot(p->j, &out, &p->err), 0);
	assert_int_equal(out.len, 0);
	append(p, "some records");
	append(p, "more of them");
	assert_int_equal(journal_save_snapshot(p->j, SLICE("at 5"), 5, &p->err), 0);
	assert_int_equal(journal_save_snapshot(p->j, SLICE("at 10"), 10, &p->err), 0);
	assert_int_equal(journal_save_snapshot(p->j, SLICE("at 20"), 20, &p->err), 0);
	assert_int_equal(journal_load_snapshot(p->j, &out, &p->err), 0);
	check_slice(buf_slice(&out), "at 20");
	snprintf(path, sizeof(path), "%s/snapshot-%020d", p->directory, 20);
	flip(path, FRAME_HEAD);
	assert_int_equal(journal_load_snapshot(p->j, &out, &p->err), 0);
	check_slice(buf_slice(&out), "at 10");
	snprintf(path, sizeof(path), "%s/snapshot-%020d", p->directory, 5);
	check(access(path, F_OK) < 0); /* two are kept */
	buf_done(&out);
}

static void a_journal_that_was_deleted_goes_on_behind_its_snapshot(void **state)
{
	struct place *p = *state;
	struct journal_entry e;
	append(p, "one");
	append(p, "two");
	assert_int_equal(journal_save_snapshot(p->j, SLICE("state"), 30, &p->err), 0);
	unlink(segment(p, 0));
	reopen(p);
	append(p, "three");
	assert_int_equal(journal_read(p->j, 0, &e, &p->err), 1);
	assert_int_equal(e.position, 30);
	check_slice(e.bytes, "three");
}

static void a_missing_segment_is_said(void **state)
{
	struct place *p = *state;
	size_t len = 70 << 20;
	char *big = calloc(1, len);
	for (int i = 0; i < 3; i++)
		assert_int_equal(journal_append(p->j, slice_of(big, len), &p->err), 0);
	free(big);
	journal_close(p->j);
	p->j = NULL;
	unlink(segment(p, FRAME_HEAD + (int64_t)len));
	assert_int_equal(journal_open_file(p->directory, &p->j, &p->err), ERR_CORRUPT);
	check(strstr(p->err.text, "missing"));
}

/* kill -9 at random moments: everything acknowledged is there, in order, with at most one more behind it. */
static void what_was_acknowledged_survives_kill_9(void **state)
{
	struct place *p = *state;
	uint32_t acknowledged = 0;
	journal_close(p->j);
	p->j = NULL;
	for (int round = 0; round < 10; round++) {
		int ends[2];
		assert_int_equal(pipe(ends), 0);
		pid_t child = fork();
		if (child == 0) {
			struct journal *j;
			if (journal_open_file(p->directory, &j, NULL) < 0)
				_exit(1);
			for (uint32_t i = acknowledged;; i++)
				if (journal_append(j, slice_of((const char *)&i, sizeof(i)), NULL) < 0 || write(ends[1], &i, sizeof(i)) < 0)
					_exit(1);
		}
		close(ends[1]);
		clock_sleep_ns((5 + round) * NS_PER_MS);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		for (uint32_t i; read(ends[0], &i, sizeof(i)) == sizeof(i);)
			acknowledged = i + 1;
		close(ends[0]);
		struct journal_entry e;
		uint32_t count = 0;
		assert_int_equal(journal_open_file(p->directory, &p->j, &p->err), 0);
		for (; journal_read(p->j, 0, &e, &p->err) == 1; count++) {
			uint32_t i;
			memcpy(&i, e.bytes.ptr, sizeof(i));
			assert_int_equal(i, count);
		}
		assert_in_range(count, acknowledged, acknowledged + 1);
		acknowledged = count;
		journal_close(p->j);
		p->j = NULL;
	}
	check(acknowledged > 10);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_appended_is_read_back_in_order_and_after_a_restart),
		T(a_seek_goes_to_the_first_record_at_or_behind_the_position),
		T(a_second_opener_is_refused),
		T(a_torn_tail_is_cut_off_at_every_length),
		T(a_damaged_middle_is_said_loudly_wherever_it_is),
		T(a_disk_that_is_full_loses_nothing_and_heals),
		T(many_threads_append_while_one_reads),
		T(segments_before_the_older_snapshot_go),
		T(the_newest_whole_snapshot_is_loaded),
		T(a_journal_that_was_deleted_goes_on_behind_its_snapshot),
		T(a_missing_segment_is_said),
		T(what_was_acknowledged_survives_kill_9),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
