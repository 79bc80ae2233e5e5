/* SPDX-License-Identifier: Apache-2.0 */
/* winnow tap: records of a running instance as they pass, each with the pattern it got. */
#include "app/command.h"
#include "app/instance.h"
#include "base/buf.h"
#include "base/clock.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PAUSE_NS (300 * NS_PER_MS)

struct tapping {
	const char *admin, *config, *filter;
	uint64_t most, shown;   /* most 0: until interrupted */
	int64_t next;
	bool json;
	struct instance *instance;
	struct buf path, out;
};

static struct slice text_at(const struct json *json, uint32_t at, const char *name)
{
	return json_text(json, json_get(json, at, slice_str(name)));
}

static void add_clean(struct buf *out, struct slice text)
{
	size_t from = out->len;
	buf_add_utf8(out, text);
	for (size_t i = from; i < out->len; i++)
		if ((unsigned char)out->data[i] < ' ' || out->data[i] == 0x7f)
			out->data[i] = ' ';
}

static void show_line(struct tapping *t, const struct json *json, uint32_t at)
{
	static const char *const names[] = {"time", "severity", "service_name"};
	bool terminal = isatty(STDOUT_FILENO);
	struct slice rule = text_at(json, at, "rule"), message = text_at(json, at, "message"), severity = text_at(json, at, "severity");
	bool red = terminal && (slice_eq(severity, SLICE("error")) || slice_eq(severity, SLICE("fatal")));
	for (size_t i = 0; i < 3; i++) {
		add_clean(&t->out, i ? text_at(json, at, names[i]) : slice_sub(text_at(json, at, names[i]), 0, 23));
		buf_add_str(&t->out, "  ");
	}
	buf_add_char(&t->out, '[');
	add_clean(&t->out, rule.len ? rule : text_at(json, at, "pattern_id"));
	buf_add_str(&t->out, red ? "]  \033[31m" : "]  ");
	add_clean(&t->out, message.len ? message : text_at(json, at, "template"));
	buf_add_str(&t->out, red ? "\033[0m\n" : "\n");
}

static void show_object(struct tapping *t, const struct json *json, uint32_t at)
{
	static const char *const names[] = {"time", "severity", "service_name", "rule", "pattern_id", "template", "message", "trace_id"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		buf_printf(&t->out, "%s\"%s\":", i ? "," : "{", names[i]);
		buf_add_json_string(&t->out, text_at(json, at, names[i]));
	}
	buf_add_str(&t->out, "}\n");
}

static int look(struct tapping *t, struct err *err)
{
	struct json json;
	buf_reset(&t->path);
	buf_printf(&t->path, "/api/v1/tap?after=%lld&filter=", (long long)t->next);
	for (const char *c = t->filter; c && *c; c++)
		buf_printf(&t->path, "%%%02X", (unsigned char)*c);
	int code = instance_get(t->instance, buf_cstr(&t->path), &json, err);
	if (code)
		return code;
	json_i64(&json, json_get(&json, JSON_ROOT, SLICE("next")), &t->next);
	int64_t missed = 0;
	json_i64(&json, json_get(&json, JSON_ROOT, SLICE("missed")), &missed);
	uint32_t list = json_get(&json, JSON_ROOT, SLICE("records"));
	buf_reset(&t->out);
	for (uint32_t at = list ? json_first(list) : 0; json_is_array(&json, list) && at < json_end(&json, list) && (!t->most || t->shown < t->most); at = json_next(&json, at), t->shown++) {
		if (t->json)
			show_object(t, &json, at);
		else
			show_line(t, &json, at);
	}
	fwrite(t->out.data ? t->out.data : "", 1, t->out.len, stdout);
	if (missed)
		fprintf(stderr, "winnow tap: %lld more passed than are shown\n", (long long)missed);
	return fflush(stdout) ? err_set(err, ERR_IO, "cannot write") : 0;
}

static int parse(struct tapping *t, int argc, char **argv)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'}, {"admin", required_argument, NULL, 'a'}, {"json", no_argument, NULL, 'j'}, {0}};
	int option;
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "c:n:", longs, NULL)) != -1) {
		if (option == 'c')
			t->config = optarg;
		else if (option == 'a')
			t->admin = optarg;
		else if (option == 'j')
			t->json = true;
		else if (option == 'n' && (!slice_to_u64(slice_str(optarg), &t->most) || t->most == 0))
			return command_usage(&cmd_tap, "-n: \"%s\" is no number of records", optarg);
		else if (option == '?')
			return command_usage(&cmd_tap, "unknown option or missing value: %s", argv[optind - 1]);
	}
	if (optind < argc)
		t->filter = argv[optind++];
	return optind < argc ? command_usage(&cmd_tap, "takes one filter, not also \"%s\"", argv[optind]) : 0;
}

static int run(int argc, char **argv)
{
	struct tapping t = {.next = 0};
	struct err err = {0};
	int code = parse(&t, argc, argv);
	if (code)
		return code;
	code = instance_open(t.admin, t.config, &t.instance, &err);
	while (!code && (!t.most || t.shown < t.most)) {
		code = look(&t, &err);
		if (!code && (!t.most || t.shown < t.most))
			clock_sleep_ns(PAUSE_NS);
	}
	if (code)
		fprintf(stderr, "winnow tap: %s\n", err.text);
	buf_done(&t.path);
	buf_done(&t.out);
	instance_free(t.instance);
	return code ? command_status(code) : 0;
}

const struct command cmd_tap = {
	.name = "tap",
	.synopsis = "[-c FILE] [--admin ADDR] [-n N] [--json] [FILTER]",
	.summary = "Shows records of a running instance as they pass, each with its pattern",
	.help = "  -c, --config FILE  where the instance listens (winnow.yaml)\n"
		"      --admin ADDR   the same as HOST:PORT\n"
		"  -n N               ends after N records\n"
		"      --json         one JSON object per record\n"
		"  FILTER             only records with this text in service, rule, template, pattern id or message\n"
		"\n"
		"At most 200 records a second; how many more there were is said. With `examples: masked` or `none`\n"
		"templates stand for messages. Exit status: 3 nobody listens there.\n"
		"\n"
		"Example:\n  winnow tap -n 20 payment_failed\n",
	.run = run,
};
