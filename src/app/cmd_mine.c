/* SPDX-License-Identifier: Apache-2.0 */
/* winnow mine: the patterns of a file or of standard input, as a table for people or as JSON. */
#include "app/command.h"
#include "app/fold.h"
#include "app/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "pattern/miner.h"
#include "record/decoder.h"

enum {
	RECORD_MAX_BYTES = 64 * 1024, /* of lines that are one record; more is left out */
	EXAMPLE_BYTES = 240,
	TOP_DEFAULT = 50,
	PROGRESS_LINES = 16384,
};

/* What is counted of one pattern, by its index in the set. */
struct tally_row {
	uint64_t count;
	uint64_t severities[SEVERITY_COUNT];
	char *example;
};

struct assigned {
	uint64_t id; /* at arrival */
	uint32_t index;
};

struct mine {
	bool json;
	bool assign;
	bool plain;
	size_t top;
	struct pattern_set *set;
	struct miner *miner;
	struct decoder *decoder;
	struct decoder *text_decoder;
	struct fold fold;
	struct buf held; /* a plain record whose lines are not all read */
	bool holds;
	struct tally_row *rows;
	size_t rows_cap;
	struct assigned *assigned;
	size_t assigned_len;
	size_t assigned_cap;
	uint64_t lines;
	uint64_t records;
	uint64_t undecodable;
	int64_t started_ns;
	int64_t reported_ns;
	bool progress;
};

static struct tally_row *row_of(struct mine *m, uint32_t index)
{
	if (index >= m->rows_cap) {
		size_t cap = m->rows_cap ? m->rows_cap : 1024;
		while (cap <= index)
			cap *= 2;
		m->rows = mem_realloc(m->rows, cap, sizeof(*m->rows));
		memset(m->rows + m->rows_cap, 0, (cap - m->rows_cap) * sizeof(*m->rows));
		m->rows_cap = cap;
	}
	return &m->rows[index];
}

static void mine_message(struct mine *m, struct slice service, struct slice message, enum severity severity)
{
	struct mined mined;
	miner_name(m->miner, service, message, &mined);
	m->records++;
	if (m->assign) {
		m->assigned = mem_grow(m->assigned, m->assigned_len, &m->assigned_cap, sizeof(*m->assigned));
		m->assigned[m->assigned_len++] = (struct assigned){mined.pattern->id, mined.pattern->index};
		return;
	}
	struct tally_row *row = row_of(m, mined.pattern->index);
	row->count++;
	row->severities[severity]++;
	if (!row->example)
		row->example = mem_strdup(slice_sub(message, 0, EXAMPLE_BYTES));
}

static void mine_json(struct mine *m, struct slice line)
{
	struct decoded decoded;
	if (!m->decoder)
		m->decoder = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	decoder_decode(m->decoder, line, clock_wall_ns(), &decoded);
	m->undecodable += decoded.undecodable;
	for (size_t i = 0; i < decoded.len; i++) {
		const struct record *r = &decoded.records[i];
		mine_message(m, r->service, r->kind == RECORD_SPAN ? r->name : r->message, r->severity);
	}
	if (decoded.len == 0)
		mine_message(m, slice_of("", 0), line, SEVERITY_UNKNOWN);
}

/* A record of plain text: what its header says is not part of the message. */
static void mine_text(struct mine *m, struct slice text)
{
	struct decoded decoded;
	if (!m->text_decoder)
		m->text_decoder = decoder_new(&(struct decoder_opts){.format = FORMAT_TEXT});
	decoder_decode(m->text_decoder, text, clock_wall_ns(), &decoded);
	if (decoded.len == 1)
		mine_message(m, decoded.records[0].service, decoded.records[0].message, decoded.records[0].severity);
	else
		mine_message(m, slice_of("", 0), text, SEVERITY_UNKNOWN);
}

/* The record that was held is whole. */
static void release(struct mine *m)
{
	if (m->holds)
		mine_text(m, buf_slice(&m->held));
	m->holds = false;
	buf_reset(&m->held);
}

static void hold(struct mine *m, struct slice line)
{
	if (!fold_continues(&m->fold, line))
		release(m);
	else if (m->held.len + line.len < RECORD_MAX_BYTES)
		buf_add_char(&m->held, '\n');
	else
		return;
	buf_add_slice(&m->held, line);
	m->holds = true;
}

static void show_progress(struct mine *m)
{
	int64_t now = clock_mono_ns();
	if (now - m->reported_ns < NS_PER_S / 4)
		return;
	m->reported_ns = now;
	fprintf(stderr, "\r%llu lines, %zu patterns, %.0f lines/s ", (unsigned long long)m->lines, pattern_set_len(m->set),
		(double)m->lines / ((double)(now - m->started_ns + 1) / 1e9));
}

static void mine_line(void *arg, struct slice line)
{
	struct mine *m = arg;
	m->lines++;
	if (m->plain) {
		mine_message(m, slice_of("", 0), line, SEVERITY_UNKNOWN);
	} else if (line.len && line.ptr[0] == '{') {
		release(m);
		m->fold = (struct fold){0};
		mine_json(m, line);
	} else {
		hold(m, line);
	}
	if (m->progress && m->lines % PROGRESS_LINES == 0)
		show_progress(m);
}

/* Counts of aliases go to their survivors. */
static void settle(struct mine *m)
{
	size_t len = pattern_set_len(m->set);
	for (uint32_t i = 0; i < len; i++) {
		struct pattern *p = pattern_set_at(m->set, i);
		struct pattern *survivor = pattern_survivor(p);
		if (p == survivor || i >= m->rows_cap)
			continue;
		struct tally_row *to = row_of(m, survivor->index);
		struct tally_row *from = row_of(m, i);
		to = row_of(m, survivor->index);
		to->count += from->count;
		for (int s = 0; s < SEVERITY_COUNT; s++)
			to->severities[s] += from->severities[s];
		if (!to->example) {
			to->example = from->example;
			from->example = NULL;
		}
		from->count = 0;
	}
}

struct ranked {
	uint64_t count;
	uint32_t index;
};

static int by_count(const void *a, const void *b)
{
	const struct ranked *x = a;
	const struct ranked *y = b;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static struct ranked *rank(struct mine *m, size_t *ret_len)
{
	size_t len = pattern_set_len(m->set);
	struct ranked *ranked = mem_zalloc(len + 1, sizeof(*ranked));
	size_t n = 0;
	for (uint32_t i = 0; i < len && i < m->rows_cap; i++)
		if (m->rows[i].count)
			ranked[n++] = (struct ranked){m->rows[i].count, i};
	qsort(ranked, n, sizeof(*ranked), by_count);
	*ret_len = n;
	return ranked;
}

/* The severity most of the pattern's records had. */
static enum severity main_severity(const struct tally_row *row)
{
	int best = SEVERITY_UNKNOWN;
	for (int s = 0; s < SEVERITY_COUNT; s++)
		if (row->severities[s] > row->severities[best])
			best = s;
	return (enum severity)best;
}

static const char *severity_word(enum severity severity)
{
	static const char *const words[SEVERITY_COUNT] = {"-", "trace", "debug", "info", "warn", "error", "fatal"};
	return words[severity];
}

/* Text on one line of a terminal: controls become blanks, at most width bytes, cut at a character. */
static void add_cell(struct buf *out, struct slice text, size_t width)
{
	struct slice cut = slice_sub(text, 0, width);
	if (cut.len < text.len)
		cut.len = slice_utf8_prefix(cut) ? slice_utf8_prefix(cut) : cut.len;
	size_t from = out->len;
	buf_add_utf8(out, cut);
	for (size_t i = from; i < out->len; i++)
		if ((uint8_t)out->data[i] < ' ' || out->data[i] == 0x7f)
			out->data[i] = ' ';
	if (cut.len < text.len)
		buf_add_str(out, "...");
}

static void print_table(struct mine *m, const struct ranked *ranked, size_t len)
{
	struct buf out = {0};
	size_t shown = m->top && len > m->top ? m->top : len;
	buf_printf(&out, "%12s %7s  %-8s  %s\n", "COUNT", "SHARE", "SEVERITY", "PATTERN / example");
	for (size_t i = 0; i < shown; i++) {
		const struct tally_row *row = &m->rows[ranked[i].index];
		const struct pattern *p = pattern_set_at(m->set, ranked[i].index);
		buf_printf(&out, "%12llu %6.2f%%  %-8s  ", (unsigned long long)row->count, 100.0 * (double)row->count / (double)m->records, severity_word(main_severity(row)));
		if (p->service.len) {
			add_cell(&out, p->service, 40);
			buf_add_str(&out, ": ");
		}
		add_cell(&out, p->template_text, 400);
		buf_add_str(&out, "\n");
		buf_printf(&out, "%31s  ", "");
		add_cell(&out, slice_str(row->example), 160);
		buf_add_char(&out, '\n');
		fwrite(out.data, 1, out.len, stdout);
		buf_reset(&out);
	}
	buf_done(&out);
	printf("%llu lines, %llu records, %zu patterns%s", (unsigned long long)m->lines, (unsigned long long)m->records, len, shown < len ? "" : "\n");
	if (shown < len)
		printf(" (%zu shown; --top 0 shows all)\n", shown);
	if (m->undecodable)
		printf("%llu records could not be decoded; their lines were read as text\n", (unsigned long long)m->undecodable);
}

static void print_json(struct mine *m, const struct ranked *ranked, size_t len)
{
	struct buf out = {0};
	for (size_t i = 0; i < len && (!m->top || i < m->top); i++) {
		const struct tally_row *row = &m->rows[ranked[i].index];
		const struct pattern *p = pattern_set_at(m->set, ranked[i].index);
		buf_reset(&out);
		buf_printf(&out, "{\"id\":\"%016llx\",\"count\":%llu,\"share\":%.6f,\"severity\":\"%s\",\"service\":", (unsigned long long)p->id, (unsigned long long)row->count,
			(double)row->count / (double)m->records, main_severity(row) ? severity_word(main_severity(row)) : "unknown");
		buf_add_json_string(&out, p->service);
		buf_add_str(&out, ",\"template\":");
		buf_add_json_string(&out, p->template_text);
		buf_add_str(&out, ",\"example\":");
		buf_add_json_string(&out, slice_str(row->example));
		buf_add_str(&out, "}\n");
		fwrite(out.data, 1, out.len, stdout);
	}
	buf_done(&out);
}

/* id at arrival TAB id at the end TAB template at the end, for every line. */
static void print_assigned(struct mine *m)
{
	struct buf out = {0};
	for (size_t i = 0; i < m->assigned_len; i++) {
		const struct pattern *p = pattern_survivor(pattern_set_at(m->set, m->assigned[i].index));
		buf_reset(&out);
		buf_printf(&out, "%016llx\t%016llx\t", (unsigned long long)m->assigned[i].id, (unsigned long long)p->id);
		size_t from = out.len;
		buf_add_utf8(&out, p->template_text);
		for (size_t k = from; k < out.len; k++)
			if (out.data[k] == '\n' || out.data[k] == '\t' || out.data[k] == '\r')
				out.data[k] = ' ';
		buf_add_char(&out, '\n');
		fwrite(out.data, 1, out.len, stdout);
	}
	buf_done(&out);
}

static void print_result(struct mine *m)
{
	size_t len;
	if (m->progress && m->reported_ns)
		fprintf(stderr, "\r%60s\r", "");
	if (m->assign) {
		print_assigned(m);
		return;
	}
	settle(m);
	struct ranked *ranked = rank(m, &len);
	if (m->json)
		print_json(m, ranked, len);
	else
		print_table(m, ranked, len);
	free(ranked);
}

static void mine_done(struct mine *m)
{
	for (size_t i = 0; i < m->rows_cap; i++)
		free(m->rows[i].example);
	free(m->rows);
	free(m->assigned);
	if (m->decoder)
		decoder_free(m->decoder);
	if (m->text_decoder)
		decoder_free(m->text_decoder);
	buf_done(&m->held);
	miner_free(m->miner);
	pattern_set_free(m->set);
}

/* Reads the options; returns the index of the first file, or -1 with the usage said. */
static int parse_options(struct mine *m, int argc, char **argv)
{
	int i = 1;
	for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		if (strcmp(argv[i], "--") == 0)
			return i + 1;
		if (strcmp(argv[i], "--json") == 0)
			m->json = true;
		else if (strcmp(argv[i], "--text") == 0)
			m->plain = true;
		else if (strcmp(argv[i], "--assign") == 0)
			m->assign = m->plain = true;
		else if (strcmp(argv[i], "--top") == 0 && i + 1 < argc) {
			uint64_t top;
			if (!slice_to_u64(slice_str(argv[++i]), &top)) {
				command_usage(&cmd_mine, "--top: \"%s\" is no number", argv[i]);
				return -1;
			}
			m->top = (size_t)top;
		} else {
			command_usage(&cmd_mine, "unknown option or missing value: %s", argv[i]);
			return -1;
		}
	}
	return i;
}

static int mine_file(struct mine *m, const char *path, struct err *e)
{
	int code = lines_read(path, mine_line, m, e);
	release(m);
	m->fold = (struct fold){0};
	return code;
}

static int run(int argc, char **argv)
{
	struct mine m = {.top = TOP_DEFAULT, .progress = isatty(STDERR_FILENO), .started_ns = clock_mono_ns()};
	struct err e = {0};
	int code = 0;
	int first = parse_options(&m, argc, argv);
	if (first < 0)
		return 2;
	m.set = pattern_set_new(&(struct pattern_limits){.patterns_per_service = 10000});
	m.miner = miner_new(m.set, 0);
	for (int i = first; i < argc && code == 0; i++)
		code = mine_file(&m, argv[i], &e);
	if (first == argc)
		code = mine_file(&m, "-", &e);
	if (code == 0)
		print_result(&m);
	else
		fprintf(stderr, "winnow mine: %s\n", e.text);
	mine_done(&m);
	return code ? command_status(code) : 0;
}

const struct command cmd_mine = {
	.name = "mine",
	.synopsis = "[--json] [--top N] [--text] [--assign] [FILE...]",
	.summary = "Shows the patterns of log files or standard input",
	.help = "Reads lines of plain text or JSON records (one per line; .gz too) and prints each pattern\n"
		"with its count, share, most frequent severity, template and one example. What a text line\n"
		"says before its message (time, level, ...) is not part of it, and a stack trace belongs to\n"
		"the line before.\n"
		"\n"
		"  --json     one JSON object per pattern, most frequent first\n"
		"  --top N    show the N most frequent patterns (50; 0: all)\n"
		"  --text     every line is a plain message, with all that is in it\n"
		"  --assign   for every line: id at arrival TAB id at the end TAB template at the end\n"
		"\n"
		"Example:\n  kubectl logs deploy/orders --since=1h | winnow mine --top 20\n",
	.run = run,
};
