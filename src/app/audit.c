/* SPDX-License-Identifier: Apache-2.0 */
/* The journal is folded by a ledger of our own, from its beginning if it still has that, else from the newest snapshot. Beside the ledger, each posted delta of the range adds
 * its offsets to what is to be read of the topic, and its increments to what was counted; so both sides of that comparison are of the same records, however
 * late they were. What was sent is compared at the end of the last marked step: then the receiver has every live series' total, no more and no less.
 *
 * A journal in files belongs to its process alone, so it is copied first. One in Kafka is read with a group of our own, in which we lead and send nothing. */
#include "app/audit.h"

#include "app/pipeline.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "journal/journal.h"
#include "ledger/ledger.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_NS (2 * NS_PER_S)

/* --- lines --- */

struct line_key {
	struct slice service;
	bool spans;
};

static bool same_line(const void *item, const void *key)
{
	const struct audit_line *a = item;
	const struct line_key *k = key;
	return a->spans == k->spans && slice_eq(a->service, k->service);
}

struct audit_line *audit_line(struct audit *a, struct slice service, bool spans)
{
	struct line_key key = {.service = service, .spans = spans};
	uint64_t hash = hash_pair(hash_bytes(service), spans);
	struct audit_line *line = map_get(&a->by_service, hash, same_line, &key);
	if (line)
		return line;
	line = arena_zalloc(&a->arena, sizeof(*line));
	line->service = arena_copy(&a->arena, service);
	line->spans = spans;
	map_put(&a->by_service, hash, line);
	a->lines = mem_grow(a->lines, a->len, &a->cap, sizeof(struct audit_line *));
	a->lines[a->len++] = line;
	return line;
}

static struct slice label_of(const struct label *labels, size_t len, struct slice name)
{
	for (size_t i = 0; i < len; i++)
		if (slice_eq(labels[i].name, name))
			return labels[i].value;
	return (struct slice){0};
}

bool audit_service(enum family_id family, const struct label *labels, size_t len, struct slice *ret_service, bool *ret_spans)
{
	*ret_spans = family == FAMILY_SPAN_CALLS;
	*ret_service = label_of(labels, len, SLICE("service_name"));
	return family == FAMILY_LOG_RECORDS || family == FAMILY_SPAN_CALLS;
}

static struct audit_range *range_of(struct audit *a, const struct delta_range *r)
{
	for (size_t i = 0; i < a->ranges_len; i++)
		if (a->ranges[i].partition == r->partition && slice_eq(slice_str(a->ranges[i].topic), r->topic))
			return &a->ranges[i];
	a->ranges = mem_grow(a->ranges, a->ranges_len, &a->ranges_cap, sizeof(*a->ranges));
	struct audit_range *range = &a->ranges[a->ranges_len++];
	*range = (struct audit_range){.topic = mem_strdup(r->topic), .partition = r->partition, .from = r->from, .to = r->from};
	return range;
}

/* --- the journal --- */

static void add_delta(struct audit *a, const struct delta *d)
{
	a->deltas++;
	a->first_ns = a->first_ns ? a->first_ns : d->header.journal_time_ns;
	a->last_ns = d->header.journal_time_ns;
	for (size_t i = 0; i < d->header.ranges_len; i++) {
		const struct delta_range *r = &d->header.ranges[i];
		struct audit_range *range = range_of(a, r);
		range->to = r->to;
		range->gaps += r->gap;
	}
	for (size_t i = 0; i < d->body.entries_len; i++) {
		struct slice service;
		bool spans;
		const struct tally_series *s = &d->body.series[d->body.entries[i].series];
		if (audit_service(s->family, s->labels, s->labels_len, &service, &spans))
			audit_line(a, service, spans)->counted += d->body.entries[i].count;
	}
}

/* The endpoint begins in the middle of the journal. What it begins with is what is counted, which every ledger knows. */
static void begin(struct ledger **l, const struct ledger_event *event, uint64_t endpoint)
{
	if (event->outcome != LEDGER_BEGUN || event->endpoint != endpoint)
		return;
	struct ledger *before = *l;
	*l = ledger_begin(before, endpoint);
	ledger_free(before);
}

static void fold(struct audit *a, struct ledger **at, uint64_t endpoint, const struct journal_entry *entry)
{
	struct ledger *l = *at;
	struct ledger_event event;
	struct arena arena = {0};
	struct buf scratch = {0};
	struct delta d;
	ledger_post(l, entry->bytes, entry->position, &event);
	bool inside = ledger_journal_time(l) >= a->from_ns;
	a->rejected += inside && event.outcome == LEDGER_REJECTED;
	if (inside && event.outcome == LEDGER_POSTED && delta_decode(entry->bytes, &arena, &scratch, &d) == 0)
		add_delta(a, &d);
	arena_done(&arena);
	buf_done(&scratch);
	begin(at, &event, endpoint);
}

/* What marks say that the receiver has. */
static void read_totals(struct audit *a, const struct ledger *l, int64_t step_ns)
{
	struct ledger_value value;
	int64_t pending = ledger_pending_first(l);
	a->sent_ns = pending == INT64_MIN ? ledger_watermark(l) : pending * step_ns;
	for (size_t i = 0; ledger_series_len(l) > i; i++) {
		if (!ledger_series_at(l, i, &value) || !value.live)
			continue;
		struct slice service;
		bool spans;
		if (audit_service(value.family, value.labels, value.labels_len, &service, &spans))
			audit_line(a, service, spans)->sent += value.sent;
	}
}

static int read_through(struct audit *a, struct journal *journal, struct ledger **l, uint64_t endpoint, struct err *err)
{
	struct journal_entry entry;
	int64_t end;
	int rc = journal_end(journal, &end, err);
	while (!rc && journal_next(journal) < end && ledger_journal_time(*l) <= a->until_ns) {
		int got = journal_read(journal, READ_NS, &entry, err);
		if (got < 0)
			return got;
		if (got == 0)
			return err_set(err, ERR_UNREACHABLE, "the journal does not go on at %lld, though it ends at %lld", (long long)journal_next(journal), (long long)end);
		fold(a, l, endpoint, &entry);
	}
	return rc;
}

/* The endpoint's ledger out of a snapshot; another's if it is not in it: it begins after that. */
static int load(struct slice saved, struct ledger **l, struct err *err)
{
	struct ledger_opts opts = *ledger_options(*l);
	struct slice one, found = {0};
	uint64_t whose = opts.endpoint, of;
	while (ledger_next_saved(&saved, &one, &of))
		if (!found.len || of == opts.endpoint) {
			found = one;
			whose = of;
		}
	opts.endpoint = whose;
	ledger_free(*l);
	*l = ledger_new(&opts);
	return ledger_load(*l, found.len ? found : saved, err);
}

static int fold_all(struct audit *a, struct journal *journal, struct ledger **at, struct err *err)
{
	uint64_t endpoint = ledger_options(*at)->endpoint;
	struct buf snapshot = {0};
	int64_t begin = 0;
	int rc = journal_begin(journal, &begin, err);
	if (!rc && begin > 0)
		rc = journal_load_snapshot(journal, &snapshot, err);
	if (!rc && snapshot.len)
		rc = load(buf_slice(&snapshot), at, err);
	if (!rc && begin > 0 && (!snapshot.len || ledger_position(*at) < begin))
		rc = err_set(err, ERR_INPUT, "the journal begins at %lld, and no snapshot reaches there", (long long)begin);
	if (!rc)
		rc = journal_seek(journal, ledger_position(*at), err);
	buf_done(&snapshot);
	return rc ? rc : read_through(a, journal, at, endpoint, err);
}

/* --- a copy of a journal in files --- */

static int copy_file(const char *from, const char *to, struct err *err)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ssize_t n = in < 0 || out < 0 ? -1 : 1;
	while (n > 0)
		n = sendfile(out, in, NULL, 1 << 20);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return n < 0 ? err_set(err, ERR_INPUT, "%s cannot be copied to %s", from, to) : 0;
}

/* Calls for every plain file of a folder. */
static int each_file(const char *folder, const char *other, int (*call)(const char *path, const char *other, struct err *err), struct err *err)
{
	DIR *dir = opendir(folder);
	int rc = dir ? 0 : err_set(err, ERR_INPUT, "%s: cannot be read", folder);
	for (struct dirent *e; !rc && (e = readdir(dir));) {
		struct buf path = {0}, to = {0};
		struct stat st;
		buf_printf(&path, "%s/%s", folder, e->d_name);
		buf_printf(&to, "%s/%s", other, e->d_name);
		if (stat(buf_cstr(&path), &st) == 0 && S_ISREG(st.st_mode))
			rc = call(buf_cstr(&path), buf_cstr(&to), err);
		buf_done(&path);
		buf_done(&to);
	}
	if (dir)
		closedir(dir);
	return rc;
}

static int remove_file(const char *path, const char *other, struct err *err)
{
	(void)other;
	return unlink(path) ? err_set(err, ERR_IO, "%s: cannot be removed", path) : 0;
}

static int open_copy(const char *directory, char *folder, struct journal **ret, struct err *err)
{
	if (!mkdtemp(folder))
		return err_set(err, ERR_IO, "%s: cannot be made", folder);
	int rc = each_file(directory, folder, copy_file, err);
	return rc ? rc : journal_open_file(folder, ret, err);
}

int audit_journal(struct audit *a, const struct config *config, struct err *err)
{
	struct ledger_opts opts;
	struct journal *journal = NULL;
	char folder[] = "/tmp/winnow-audit-XXXXXX";
	bool files = config->journal.kind == CONFIG_JOURNAL_FILE;
	pipeline_ledger_opts(config, &opts);
	int rc = files ? open_copy(config->journal.directory, folder, &journal, err) : pipeline_open_journal(config, ".audit", &journal, err);
	opts.endpoint = config->remote_write[a->endpoint].id;
	struct ledger *l = ledger_new(&opts);
	if (!rc)
		rc = fold_all(a, journal, &l, err);
	if (!rc && ledger_options(l)->endpoint != opts.endpoint)
		rc = err_set(err, ERR_INPUT, "the journal does not know the endpoint \"%s\" yet", config->remote_write[a->endpoint].name);
	if (!rc)
		read_totals(a, l, opts.step_ns);
	ledger_free(l);
	if (journal)
		journal_close(journal);
	if (files && strchr(folder, 'X') == NULL) {
		struct err ignored;
		each_file(folder, folder, remove_file, &ignored);
		rmdir(folder);
	}
	return rc;
}

void audit_done(struct audit *a)
{
	for (size_t i = 0; i < a->ranges_len; i++)
		free(a->ranges[i].topic);
	free(a->ranges);
	free(a->lines);
	map_done(&a->by_service);
	arena_done(&a->arena);
}
