/* SPDX-License-Identifier: Apache-2.0 */
/* winnow top: the patterns of a running instance by how often they come now. A rate is what a count grew by between two looks. */
#include "app/command.h"
#include "app/instance.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ROWS_DEFAULT = 20, PATTERNS_ASKED = 1000, WIDTH_DEFAULT = 120, WIDTH_MIN = 60, SERVICE_WIDTH = 20 };

struct row {
	uint64_t id;
	int64_t count, before; /* before: -1 when it was not there yet */
	double rate;
	bool errors;
	struct slice service, text;
};

struct top {
	const char *admin, *config, *service;
	size_t rows;
	int64_t interval_ns;
	bool once;
	struct instance *instance;
	struct map known; /* struct row, as of the last look; theirs are the counts only */
	struct buf out, path;
};

static struct row *known(struct top *t, uint64_t id)
{
	struct row *r = map_get(&t->known, id, NULL, NULL);
	if (!r) {
		r = mem_zalloc(1, sizeof(*r));
		r->before = -1;
		map_put(&t->known, id, r);
	}
	return r;
}

static int64_t number_at(const struct json *json, uint32_t at, const char *name)
{
	int64_t value = 0;
	json_i64(json, json_get(json, at, slice_str(name)), &value);
	return value;
}

static struct row read_row(struct top *t, const struct json *json, uint32_t at, double seconds)
{
	struct row r = {.count = number_at(json, at, "count"), .service = json_text(json, json_get(json, at, SLICE("service_name"))), .text = json_text(json, json_get(json, at, SLICE("rule")))};
	uint32_t severities = json_get(json, at, SLICE("severities"));
	char id[17] = "";
	struct slice text = json_text(json, json_get(json, at, SLICE("id")));
	memcpy(id, text.ptr ? text.ptr : "", text.len < 16 ? text.len : 16);
	r.id = strtoull(id, NULL, 16);
	r.errors = (number_at(json, severities, "error") + number_at(json, severities, "fatal")) * 2 > r.count;
	if (!r.text.len)
		r.text = json_text(json, json_get(json, at, SLICE("template")));
	struct row *last = known(t, r.id);
	r.before = last->before;
	if (seconds > 0)
		r.rate = (double)(r.count - (r.before > 0 ? r.before : 0)) / seconds;
	else
		json_double(json, json_get(json, at, SLICE("rate")), &r.rate);
	last->before = r.count;
	return r;
}

static int by_rate(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	if (x->rate != y->rate)
		return x->rate < y->rate ? 1 : -1;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static size_t terminal_width(void)
{
	struct winsize size = {0};
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return isatty(STDOUT_FILENO) ? WIDTH_DEFAULT : 400;
	return size.ws_col > WIDTH_MIN ? size.ws_col : WIDTH_MIN;
}

/* At most width bytes, cut at a character, controls as blanks. */
static void add_cell(struct buf *out, struct slice text, size_t width)
{
	struct slice cut = slice_sub(text, 0, width);
	if (cut.len < text.len && slice_utf8_prefix(cut))
		cut.len = slice_utf8_prefix(cut);
	size_t from = out->len;
	buf_add_utf8(out, cut);
	for (size_t i = from; i < out->len; i++)
		if ((unsigned char)out->data[i] < ' ' || out->data[i] == 0x7f)
			out->data[i] = ' ';
}

static void show(struct top *t, const struct row *rows, size_t len, int64_t total)
{
	bool terminal = isatty(STDOUT_FILENO);
	size_t width = terminal_width();
	double rate = 0;
	for (size_t i = 0; i < len; i++)
		rate += rows[i].rate;
	buf_reset(&t->out);
	if (terminal && !t->once)
		buf_add_str(&t->out, "\033[H\033[J");
	buf_printf(&t->out, "%lld patterns, %.1f records/s  (%s)\n%10s %12s  %-16s  %-*s  %s\n", (long long)total, rate, instance_url(t->instance), "RATE/s", "COUNT", "PATTERN", SERVICE_WIDTH, "SERVICE", "RULE or template");
	for (size_t i = 0; i < len && i < t->rows; i++) {
		buf_printf(&t->out, "%10.1f %12lld  %016llx  ", rows[i].rate, (long long)rows[i].count, (unsigned long long)rows[i].id);
		size_t from = t->out.len;
		add_cell(&t->out, rows[i].service, SERVICE_WIDTH);
		buf_printf(&t->out, "%*s  ", (int)(SERVICE_WIDTH - (t->out.len - from)), "");
		if (terminal && rows[i].errors)
			buf_add_str(&t->out, "\033[31m");
		add_cell(&t->out, rows[i].text, width - WIDTH_MIN + 10);
		buf_add_str(&t->out, terminal && rows[i].errors ? "\033[0m\n" : "\n");
	}
	if (!terminal && !t->once)
		buf_add_char(&t->out, '\n');
	fwrite(t->out.data, 1, t->out.len, stdout);
	fflush(stdout);
}

/* One look; seconds since the one before, 0 at the first. */
static int look(struct top *t, double seconds, struct err *err)
{
	struct json json;
	int code = instance_get(t->instance, buf_cstr(&t->path), &json, err);
	if (code)
		return code;
	uint32_t list = json_get(&json, JSON_ROOT, SLICE("patterns"));
	struct row *rows = mem_zalloc(PATTERNS_ASKED, sizeof(*rows));
	size_t len = 0;
	for (uint32_t at = list ? json_first(list) : 0; json_is_array(&json, list) && at < json_end(&json, list) && len < PATTERNS_ASKED; at = json_next(&json, at))
		rows[len++] = read_row(t, &json, at, seconds);
	qsort(rows, len, sizeof(*rows), by_rate);
	show(t, rows, len, number_at(&json, JSON_ROOT, "total"));
	free(rows);
	return 0;
}

/* Until it is interrupted, or once. */
static int watch(struct top *t, struct err *err)
{
	int64_t last = 0;
	for (;;) {
		int64_t now = clock_mono_ns();
		int code = look(t, last ? (double)(now - last) / (double)NS_PER_S : 0, err);
		if (code || t->once)
			return code;
		last = now;
		clock_sleep_ns(t->interval_ns);
	}
}

static int parse(struct top *t, int argc, char **argv)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'}, {"admin", required_argument, NULL, 'a'}, {"service", required_argument, NULL, 's'}, {"interval", required_argument, NULL, 'i'},
					      {"once", no_argument, NULL, 'o'}, {0}};
	int option;
	uint64_t rows = ROWS_DEFAULT;
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "c:n:", longs, NULL)) != -1) {
		if (option == 'c')
			t->config = optarg;
		else if (option == 'a')
			t->admin = optarg;
		else if (option == 's')
			t->service = optarg;
		else if (option == 'o')
			t->once = true;
		else if (option == 'i' && !clock_parse_duration(slice_str(optarg), &t->interval_ns))
			return command_usage(&cmd_top, "--interval: \"%s\" is no duration", optarg);
		else if (option == 'n' && !slice_to_u64(slice_str(optarg), &rows))
			return command_usage(&cmd_top, "-n: \"%s\" is no number", optarg);
		else if (option == '?')
			return command_usage(&cmd_top, "unknown option or missing value: %s", argv[optind - 1]);
	}
	t->rows = (size_t)rows;
	return optind < argc ? command_usage(&cmd_top, "does not know \"%s\"", argv[optind]) : 0;
}

static int run(int argc, char **argv)
{
	struct top t = {.interval_ns = 2 * NS_PER_S};
	struct err err = {0};
	int code = parse(&t, argc, argv);
	if (code)
		return code;
	buf_printf(&t.path, "/api/v1/patterns?sort=count&limit=%d%s", PATTERNS_ASKED, t.service ? "&service=" : "");
	for (const char *c = t.service; c && *c; c++)
		buf_printf(&t.path, "%%%02X", (unsigned char)*c);
	code = instance_open(t.admin, t.config, &t.instance, &err);
	if (!code)
		code = watch(&t, &err);
	if (code)
		fprintf(stderr, "winnow top: %s\n", err.text);
	size_t cursor = 0;
	for (struct row *r; (r = map_next(&t.known, &cursor));)
		free(r);
	map_done(&t.known);
	buf_done(&t.out);
	buf_done(&t.path);
	instance_free(t.instance);
	return code ? command_status(code) : 0;
}

const struct command cmd_top = {
	.name = "top",
	.synopsis = "[-c FILE] [--admin ADDR] [-n N] [--service S] [--interval D] [--once]",
	.summary = "Shows the patterns of a running instance by how often they come now",
	.help = "  -c, --config FILE  where the instance listens (winnow.yaml)\n"
		"      --admin ADDR   the same as HOST:PORT\n"
		"  -n N               as many rows (20)\n"
		"      --service S    only this service's patterns\n"
		"      --interval D   time between two looks (2s)\n"
		"      --once         one look: rates are those since a pattern was first seen\n"
		"\n"
		"Patterns of errors are red on a terminal. Exit status: 3 nobody listens there.\n"
		"\n"
		"Example:\n  winnow top --admin 127.0.0.1:9465\n",
	.run = run,
};
