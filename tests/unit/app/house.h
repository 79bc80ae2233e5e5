/* SPDX-License-Identifier: Apache-2.0 */
/* Books over a real file journal in a folder of its own, and files of log lines to read. */
#ifndef WINNOW_TESTS_UNIT_APP_HOUSE_H
#define WINNOW_TESTS_UNIT_APP_HOUSE_H

#include "../check.h"

#include "app/books.h"
#include "app/gather.h"
#include "app/worker.h"
#include "base/clock.h"
#include "source/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HOUSE_STEP (10 * NS_PER_S)

static char house_folder[128];

static inline int house_setup(void **state)
{
	(void)state;
	snprintf(house_folder, sizeof(house_folder), "%s/winnow-house-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	return mkdtemp(house_folder) == NULL;
}

static inline void house_remove(const char *folder)
{
	DIR *d = opendir(folder);
	for (struct dirent *e; d && (e = readdir(d));) {
		struct buf path = {0};
		buf_printf(&path, "%s/%s", folder, e->d_name);
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlink(buf_cstr(&path)) < 0 && (errno == EISDIR || errno == EPERM))
			house_remove(path.data);
		buf_done(&path);
	}
	if (d)
		closedir(d);
	rmdir(folder);
}

static inline int house_teardown(void **state)
{
	(void)state;
	house_remove(house_folder);
	return 0;
}

static inline const char *house_path(const char *name)
{
	static char path[2][400];
	static unsigned turn;
	char *out = path[turn++ % 2];
	snprintf(out, sizeof(path[0]), "%s/%s", house_folder, name);
	return out;
}

/* Lines [from, to) of a service's log, a tenth of a second of event time apart, the last one just now. */
static inline void house_write(const char *name, const char *service, unsigned from, unsigned to, unsigned all)
{
	FILE *f = fopen(house_path(name), "a");
	int64_t now = clock_wall_ns();
	assert_non_null(f);
	for (unsigned i = from; i < to; i++) {
		struct buf time = {0};
		clock_format(&time, now - (int64_t)(all - i) * NS_PER_S / 10);
		fprintf(f, "{\"time\":\"%s\",\"level\":\"%s\",\"service\":\"%s\",\"message\":\"%s %u\"}\n", buf_cstr(&time), i % 10 ? "info" : "error", service, i % 3 ? "stored item" : "took order", i);
		buf_done(&time);
	}
	assert_int_equal(fclose(f), 0);
}

static inline struct books *house_open_with(const struct books_opts *opts)
{
	struct journal *journal;
	struct books *books = NULL;
	struct err err = {0};
	if (journal_open_file(house_path("journal"), &journal, &err) < 0 || books_open(journal, opts, &books, &err) < 0)
		fail_msg("%s", err.text);
	return books;
}

/* One endpoint, and room for everything. */
static inline struct books_opts house_books_opts(void)
{
	return (struct books_opts){
		.ledger = {.step_ns = HOUSE_STEP, .lateness_ns = 2 * NS_PER_S, .expire_ns = 900 * NS_PER_S, .receiver_window_ns = 3300 * NS_PER_S, .series_limit = 10000},
		.snapshot_interval_ns = NS_PER_S / 10,
		.max_pending_steps = SIZE_MAX,
		.max_pending_bytes = SIZE_MAX,
	};
}

static inline struct books *house_open(void)
{
	const struct books_opts opts = house_books_opts();
	return house_open_with(&opts);
}

/* One delta of a writer: n records of a service and the pattern 500 + writer, offsets [from, from + n) of partition 0. */
static inline void house_append(struct books *books, uint64_t writer, uint64_t seq, int64_t from, uint64_t n, int64_t time_ns)
{
	struct label labels[] = {{SLICE("service_name"), SLICE("cart")}, {SLICE("severity"), SLICE("info")}};
	struct tally *t = tally_new();
	struct buf record = {0};
	size_t entries;
	tally_count(t, tally_series(t, FAMILY_LOG_RECORDS, labels, 2), time_ns / HOUSE_STEP, n, NULL);
	const struct delta_pattern pattern = {.id = 500 + writer, .origin = ORIGIN_MINED, .service = SLICE("cart"), .template_text = SLICE("stored item <num>")};
	struct delta_body body = {.series = tally_series_at(t, 0), .series_len = 1, .entries = tally_entries(t, &entries), .entries_len = 1, .patterns = &pattern, .patterns_len = 1};
	struct delta_range range = {.topic = SLICE("t"), .from = from, .to = from + (int64_t)n, .replay = from + (int64_t)n, .newest_ns = time_ns};
	struct delta_header header = {.writer = writer, .seq = seq, .journal_time_ns = time_ns, .ranges = &range, .ranges_len = 1};
	delta_encode(&record, &header, &body);
	assert_int_equal(books_append(books, buf_slice(&record), NULL), 0);
	assert_true(books_catch_up(books, 5 * NS_PER_S));
	buf_done(&record);
	tally_free(t);
}

static inline struct worker *house_worker(struct books *books, _Atomic int64_t *low_ns, size_t number, size_t count)
{
	const struct worker_opts opts = {.shard = {.step_ns = HOUSE_STEP}, .cut_interval_ns = 3 * NS_PER_MS, .window_ns = 3300 * NS_PER_S, .cut_bytes = 20000, .low_ns = low_ns, .number = number, .count = count};
	struct worker *w;
	struct err err = {0};
	if (worker_start(books, &opts, &w, &err) < 0)
		fail_msg("%s", err.text);
	return w;
}

/* Hands the file to the worker as the pipeline does: from where the ledger stands. */
static inline void house_take(struct books *books, struct worker *w, const char *name, bool follow)
{
	struct source_reader *r;
	struct ledger_partition at;
	struct err err = {0};
	if (file_source_open(house_path(name), follow, &r, &err) < 0)
		fail_msg("%s", err.text);
	bool known = books_partition(books, slice_str(r->topic), 0, &at);
	struct shard_start start = {0};
	if (known)
		start = (struct shard_start){.offset = at.absorbed, .replay = at.replay, .replay_time_ns = at.replay_time_ns, .newest_ns = at.newest_ns};
	if (known && r->ops->seek(r, start.replay, &err) < 0)
		fail_msg("%s", err.text);
	worker_take(w, r, FORMAT_AUTO, NULL, &start);
}

static inline int64_t house_absorbed(struct books *books, const char *name)
{
	struct ledger_partition at;
	char topic[300];
	snprintf(topic, sizeof(topic), "file:%s", house_path(name));
	return books_partition(books, slice_str(topic), 0, &at) ? at.absorbed : 0;
}

static inline void house_wait_absorbed(struct books *books, const char *name, int64_t offset)
{
	int64_t until = clock_mono_ns() + 20 * NS_PER_S;
	while (house_absorbed(books, name) < offset) {
		if (clock_mono_ns() > until)
			fail_msg("%s: absorbed %lld of %lld", name, (long long)house_absorbed(books, name), (long long)offset);
		clock_sleep_ns(NS_PER_MS);
	}
}

/* Everything posted of a family, of the series with this label (name NULL: all). */
static inline uint64_t house_total(struct books *books, enum family_id family, const char *name, const char *value)
{
	const struct ledger *l = books_lock(books);
	uint64_t sum = 0;
	for (size_t i = 0; i < ledger_series_len(l); i++) {
		struct ledger_value v;
		if (!ledger_series_at(l, i, &v) || v.family != family)
			continue;
		bool fits = !name;
		for (size_t k = 0; k < v.labels_len; k++)
			fits |= name && slice_eq(v.labels[k].name, slice_str(name)) && slice_eq(v.labels[k].value, slice_str(value));
		sum += fits ? v.count : 0;
	}
	books_unlock(books);
	return sum;
}

/* lines of each service were counted, each once, in every way there is. */
static inline void house_check_totals(struct books *books, const char *const *services, size_t len, uint64_t lines)
{
	assert_int_equal(house_total(books, FAMILY_RECORDS_CONSUMED, NULL, NULL), lines * len);
	assert_int_equal(house_total(books, FAMILY_RECORDS, NULL, NULL), lines * len);
	assert_int_equal(house_total(books, FAMILY_LOG_PATTERN_RECORDS, NULL, NULL), lines * len);
	assert_int_equal(house_total(books, FAMILY_OFFSET_GAPS, NULL, NULL), 0);
	assert_int_equal(house_total(books, FAMILY_LOG_RECORDS, "severity", "error"), lines / 10 * len);
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(house_total(books, FAMILY_LOG_RECORDS, "service_name", services[i]), lines);
		assert_int_equal(house_total(books, FAMILY_LOG_PATTERN_RECORDS, "service_name", services[i]), lines);
	}
}

#endif
