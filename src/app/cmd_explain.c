/* SPDX-License-Identifier: Apache-2.0 */
/* Takes one raw value apart, the way a shard does, and says what it found. */
#include "app/command.h"
#include "app/config.h"
#include "app/explain_trace.h"
#include "app/series_text.h"
#include "base/clock.h"
#include "base/mem.h"
#include "engine/shard.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Headers of the message that the value is taken for, as given: NAME=VALUE. */
struct given_headers {
	struct message_headers base;
	const char **items;
	size_t len, cap;
};

struct explain {
	bool json, lines;
	enum format format;
	struct ruleset_explain_opts wanted;
	const char *config;
	struct slice trace; /* of which to say why it is kept; empty: values are taken apart */
	struct config *loaded; /* its fields are in use to the end */
	struct given_headers headers;
	const char **paths; /* of rules */
	size_t paths_len, paths_cap;
	struct ruleset *rules;
	struct rule_scratch *scratch;
	struct shard *shard;
	struct decoder *noting; /* decodes once more, with notes */
	struct slice payload;
	struct buf out;
	int status;
};

/* --- series of one record --- */

static void add_series(struct buf *out, const struct tally_series *s, bool json)
{
	struct buf text = {0};
	series_text(&text, s, NULL);
	if (json)
		buf_add_json_string(out, buf_slice(&text));
	else
		buf_add_slice(out, buf_slice(&text));
	buf_done(&text);
}

/* --- JSON --- */

static void add_text(struct buf *out, const char *key, struct slice value)
{
	buf_printf(out, ",\"%s\":", key);
	if (value.len)
		buf_add_json_string(out, value);
	else
		buf_add_str(out, "null");
}

static void add_pattern(struct buf *out, const struct shard_view *view)
{
	if (!view->pattern) {
		buf_add_str(out, ",\"pattern_id\":null,\"template\":null,\"origin\":null,\"rule\":null");
		return;
	}
	buf_printf(out, ",\"pattern_id\":\"%016llx\"", (unsigned long long)view->pattern->id);
	add_text(out, "template", view->pattern->template_text);
	add_text(out, "origin", slice_str(pattern_origin_name(view->pattern->origin)));
	add_text(out, "rule", view->pattern->rule);
}

static void visit_json(void *arg, const struct shard_view *view)
{
	struct explain *x = arg;
	const struct record *r = view->record;
	struct buf *out = &x->out;
	size_t n;
	buf_printf(out, "{\"shape\":\"%s\",\"time\":", r->shape);
	if (r->time_ns) {
		buf_add_char(out, '"');
		clock_format(out, r->time_ns);
		buf_add_char(out, '"');
	} else {
		buf_add_str(out, "null");
	}
	buf_printf(out, ",\"severity\":\"%s\"", severity_name(r->severity));
	add_text(out, "service_name", r->service);
	add_text(out, "message", r->kind == RECORD_SPAN ? r->name : r->message);
	add_text(out, "trace_id", r->trace_id);
	add_text(out, "span_id", r->span_id);
	if (r->duration_ns >= 0)
		buf_printf(out, ",\"duration_seconds\":%.9g", (double)r->duration_ns / 1e9);
	else
		buf_add_str(out, ",\"duration_seconds\":null");
	buf_printf(out, ",\"error\":%s", r->error ? "true" : "false");
	add_pattern(out, view);
	buf_add_str(out, ",\"series\":[");
	const struct tally_entry *entries = tally_entries(view->tally, &n);
	for (size_t i = 0, first = 1; i < n; i++) {
		const struct tally_series *s = tally_series_at(view->tally, entries[i].series);
		if (!series_leaves(s))
			continue;
		if (!first)
			buf_add_char(out, ',');
		first = 0;
		add_series(out, s, true);
	}
	buf_add_str(out, "]}\n");
}

/* --- for people --- */

static void say(struct buf *out, const char *name, struct slice value)
{
	buf_printf(out, "  %-12s ", name);
	if (value.len)
		buf_add_slice(out, value);
	else
		buf_add_char(out, '-');
	buf_add_char(out, '\n');
}

static void say_fields(struct explain *x, const struct record *r)
{
	struct buf time = {0}, duration = {0};
	if (r->time_ns)
		clock_format(&time, r->time_ns);
	if (r->duration_ns >= 0)
		buf_printf(&duration, "%.9g s", (double)r->duration_ns / 1e9);
	buf_printf(&x->out, "%s, shape %s\n", r->kind == RECORD_SPAN ? "span" : "log record", r->shape);
	say(&x->out, "time", buf_slice(&time));
	say(&x->out, "severity", slice_str(severity_name(r->severity)));
	say(&x->out, "service", r->service);
	say(&x->out, r->kind == RECORD_SPAN ? "span name" : "message", r->kind == RECORD_SPAN ? r->name : r->message);
	say(&x->out, "trace_id", r->trace_id);
	say(&x->out, "span_id", r->span_id);
	say(&x->out, "duration", buf_slice(&duration));
	say(&x->out, "error", r->error ? SLICE("yes") : SLICE("no"));
	buf_done(&time);
	buf_done(&duration);
}

static void say_note(struct explain *x, const struct decode_note *note, size_t records)
{
	struct buf text = {0};
	buf_add_slice(&text, note->source);
	if (records == 1)
		decoder_asked_before(x->noting, note->member, note->source, &text);
	say(&x->out, note->member, buf_slice(&text));
	buf_done(&text);
}

/* What every record should have and this one has not. */
static void say_missing(struct explain *x, const struct decode_note *notes, size_t len)
{
	static const char *const members[] = {"time", "severity", "service", "message", "trace_id", "span_id"};
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		struct buf text = {0};
		size_t n = 0;
		while (n < len && strcmp(notes[n].member, members[i]) != 0)
			n++;
		if (n == len)
			decoder_asked_before(x->noting, members[i], slice_of(NULL, 0), &text);
		if (text.len)
			say(&x->out, members[i], buf_slice(&text));
		buf_done(&text);
	}
}

static void say_notes(struct explain *x)
{
	const struct decoder_message message = {.payload = x->payload, .headers = &x->headers.base};
	struct decoded again;
	size_t n;
	decoder_decode_message(x->noting, &message, clock_wall_ns(), &again);
	const struct decode_note *notes = decoder_notes(x->noting, &n);
	if (n)
		buf_add_str(&x->out, "where the fields came from\n");
	for (size_t i = 0; i < n; i++)
		say_note(x, &notes[i], again.len);
	if (again.len == 1)
		say_missing(x, notes, n);
	buf_add_str(&x->out, "what was tried\n  ");
	decoder_tried(x->noting, x->payload, "\n  ", &x->out);
	buf_add_char(&x->out, '\n');
	if (again.len == 1) {
		decoder_decode_message(x->noting, &message, clock_wall_ns(), &again); /* trying takes its buffers */
		decoder_shapes(x->noting, &x->out);
	}
}

static void visit_people(void *arg, const struct shard_view *view)
{
	struct explain *x = arg;
	const struct record *r = view->record;
	size_t n;
	say_fields(x, r);
	say_notes(x);
	if (r->kind == RECORD_LOG && x->rules) {
		buf_add_str(&x->out, "rules\n");
		ruleset_explain(x->rules, x->scratch, r, &x->wanted, &x->out);
	}
	if (view->pattern) {
		buf_printf(&x->out, "pattern %016llx, %s\n", (unsigned long long)view->pattern->id, pattern_origin_name(view->pattern->origin));
		say(&x->out, "template", view->pattern->template_text);
	} else if (r->kind == RECORD_LOG) {
		buf_add_str(&x->out, "dropped by a rule\n");
	}
	buf_add_str(&x->out, "series\n");
	const struct tally_entry *entries = tally_entries(view->tally, &n);
	for (size_t i = 0; i < n; i++) {
		const struct tally_series *s = tally_series_at(view->tally, entries[i].series);
		if (!series_leaves(s))
			continue;
		buf_add_str(&x->out, "  ");
		add_series(&x->out, s, false);
		if (entries[i].exemplar.rank)
			buf_printf(&x->out, "  # exemplar trace_id=%.*s", (int)entries[i].exemplar.trace_len, entries[i].exemplar.trace_id);
		buf_add_char(&x->out, '\n');
	}
}

/* --- reading and running --- */

static bool header_at(const struct message_headers *headers, size_t i, struct slice *ret_name, struct slice *ret_value)
{
	const struct given_headers *h = (const struct given_headers *)headers;
	if (i >= h->len)
		return false;
	struct slice item = slice_str(h->items[i]);
	size_t equals = slice_find(item, '=', 0);
	*ret_name = slice_sub(item, 0, equals);
	*ret_value = slice_sub(item, equals + 1, item.len);
	return true;
}

static int add_header(struct explain *x, const char *item)
{
	struct given_headers *h = &x->headers;
	if (!strchr(item, '=') || item[0] == '=')
		return command_usage(&cmd_explain, "takes a header as NAME=VALUE, which \"%s\" is not", item);
	h->items = mem_grow(h->items, h->len, &h->cap, sizeof(*h->items));
	h->items[h->len++] = item;
	return 0;
}

static void add_path(struct explain *x, const char *path)
{
	x->paths = mem_grow(x->paths, x->paths_len, &x->paths_cap, sizeof(*x->paths));
	x->paths[x->paths_len++] = path;
}

static void say_undecodable(struct explain *x, const struct decoded *decoded)
{
	struct buf tried = {0};
	size_t at;
	const char *reason = undecodable_name(decoded->reason);
	decoder_tried(x->noting, x->payload, x->json ? "; " : "\n  ", &tried);
	if (x->json) {
		buf_printf(&x->out, "{\"undecodable\":\"%s\"", reason);
		if (decoder_first_error(x->payload, reason, &at))
			buf_printf(&x->out, ",\"position\":%zu", at);
		buf_add_str(&x->out, ",\"tried\":");
		buf_add_json_string(&x->out, buf_slice(&tried));
		buf_add_str(&x->out, "}\n");
	} else {
		buf_printf(&x->out, "undecodable: %s (%zu record%s of this value)\nwhat was tried\n  %s\n", reason, decoded->undecodable, decoded->undecodable == 1 ? "" : "s", buf_cstr(&tried));
	}
	buf_done(&tried);
}

static void explain(struct explain *x, struct slice payload)
{
	struct decoded decoded;
	x->payload = payload;
	shard_explain(x->shard, x->format, payload, clock_wall_ns(), x->json ? visit_json : visit_people, x, &decoded);
	if (decoded.undecodable)
		say_undecodable(x, &decoded);
	if (decoded.undecodable)
		x->status = 1;
	fwrite(x->out.data, 1, x->out.len, stdout);
	buf_reset(&x->out);
}

static void read_all(struct buf *in)
{
	size_t n;
	do {
		n = fread(buf_reserve(in, 1 << 16), 1, 1 << 16, stdin);
		in->len += n;
	} while (n > 0);
}

static void explain_input(struct explain *x, struct slice input)
{
	if (!x->lines) {
		if (input.len && input.ptr[input.len - 1] == '\n')
			input.len--;
		explain(x, input);
		return;
	}
	while (input.len) {
		size_t end = slice_find(input, '\n', 0);
		explain(x, slice_of(input.ptr, end));
		input = slice_sub(input, end + 1, input.len);
	}
}

/* Rules and format of the configuration, rules of --rules. */
static int load_rules(struct explain *x)
{
	struct config_errors errors = {0};
	struct rule_errors rule_errors = {0};
	struct config *config = NULL;
	int rc = x->config ? config_load(x->config, &config, &errors) : 0;
	bool given = x->paths_len > 0; /* --rules stands for what the configuration names */
	for (size_t i = 0; config && !given && i < config->rules.len; i++)
		add_path(x, config->rules.items[i]);
	if (!rc && x->paths_len)
		rc = ruleset_load(x->paths, x->paths_len, &x->rules, &rule_errors);
	if (rc)
		fprintf(stderr, "%s%s", buf_cstr(&errors.text), buf_cstr(&rule_errors.text));
	else if (config && x->format == FORMAT_AUTO && config->sources_len)
		x->format = (enum format)config->sources[0].format;
	config_errors_done(&errors);
	buf_done(&rule_errors.text);
	x->loaded = config;
	return rc;
}

/* The rule of --rule is one of them. */
static int find_rule(const struct explain *x)
{
	struct slice name = x->wanted.rule;
	size_t len = x->rules ? ruleset_len(x->rules) : 0;
	if (!name.len || (len && ruleset_find(x->rules, name) < len))
		return 0;
	const char **names = mem_zalloc(len + 1, sizeof(*names));
	for (size_t i = 0; i < len; i++)
		names[i] = rule_name(ruleset_at(x->rules, i)).ptr;
	const char *near = err_nearest(name, names);
	fprintf(stderr, "winnow explain: there is no rule \"%.*s\"%s%s%s\n", (int)name.len, name.ptr, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	free(names);
	return 1;
}

static int parse_option(struct explain *x, int option, const char *value, const char *word)
{
	switch (option) {
	case 'c': x->config = value; return 0;
	case 'r': add_path(x, value); return 0;
	case 'n': x->wanted.rule = slice_str(value); return 0;
	case 'a': x->wanted.all = true; return 0;
	case 'j': x->json = true; return 0;
	case 'l': x->lines = true; return 0;
	case 't': x->trace = slice_str(value); return 0;
	case 'h': return add_header(x, value);
	case 'f':
		x->format = format_by_name(slice_str(value));
		return x->format == FORMAT_COUNT ? command_usage(&cmd_explain, "does not know the format \"%s\"", value) : 0;
	default: return command_usage(&cmd_explain, "does not know \"%s\", or it needs a value", word);
	}
}

static int parse(struct explain *x, int argc, char **argv)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'}, {"rules", required_argument, NULL, 'r'}, {"rule", required_argument, NULL, 'n'}, {"all", no_argument, NULL, 'a'}, {"json", no_argument, NULL, 'j'},
					      {"lines", no_argument, NULL, 'l'}, {"header", required_argument, NULL, 'h'}, {"trace", required_argument, NULL, 't'}, {"format", required_argument, NULL, 'f'}, {0}};
	int option, rc = 0;
	optind = 0;
	opterr = 0;
	while (!rc && (option = getopt_long(argc, argv, "c:", longs, NULL)) != -1)
		rc = parse_option(x, option, optarg, argv[optind - 1]);
	if (!rc && optind < argc)
		rc = command_usage(&cmd_explain, "does not know \"%s\"; the value comes on standard input", argv[optind]);
	return rc;
}

static int run_trace(struct explain *x)
{
	struct buf in = {0};
	if (!isatty(STDIN_FILENO))
		read_all(&in);
	int rc = explain_trace(x->loaded, x->config, x->format, x->trace, buf_slice(&in));
	buf_done(&in);
	ruleset_free(x->rules);
	config_free(x->loaded);
	free(x->paths);
	free(x->headers.items);
	return rc;
}

static int run(int argc, char **argv)
{
	struct explain x = {.format = FORMAT_AUTO, .headers.base.at = header_at};
	struct buf in = {0};
	int rc = parse(&x, argc, argv);
	if (!rc && (load_rules(&x) || find_rule(&x)))
		rc = 1;
	if (rc) {
		ruleset_free(x.rules);
		config_free(x.loaded);
		free(x.paths);
		free(x.headers.items);
		return rc;
	}
	if (x.trace.len)
		return run_trace(&x);
	struct shard_opts opts = {.step_ns = 10 * NS_PER_S, .rules = x.rules, .headers = &x.headers.base};
	struct decoder_opts noting = {.format = x.format, .notes = true};
	if (x.loaded) {
		if (x.loaded->sources_len)
			opts.zone = x.loaded->sources[0].zone;
		opts.fields = noting.fields = x.loaded->decoder_fields;
		opts.fields_len = noting.fields_len = x.loaded->decoder_fields_len;
	}
	x.shard = shard_new(&opts);
	x.noting = decoder_new(&noting);
	decoder_set_zone(x.noting, opts.zone);
	x.scratch = x.rules ? rule_scratch_new(x.rules) : NULL;
	read_all(&in);
	explain_input(&x, buf_slice(&in));
	rule_scratch_free(x.scratch);
	decoder_free(x.noting);
	shard_free(x.shard);
	ruleset_free(x.rules);
	config_free(x.loaded);
	buf_done(&in);
	buf_done(&x.out);
	free(x.paths);
	free(x.headers.items);
	return x.status;
}

const struct command cmd_explain = {
	.name = "explain",
	.synopsis = "[-c F --rules P --rule R --all --json --lines --format F --header H --trace T]",
	.summary = "Takes one raw value apart, step by step: fields, rules, template, series, exemplar",
	.help = "  -c, --config F     use this configuration's rules and format\n"
		"      --rules P      a rule file or directory instead; may be given more than once\n"
		"      --rule R       only the rule of this name, even if an earlier one matches\n"
		"      --all          of more than 10 rules too: say of each why it does not match\n"
		"      --json         one JSON object per record\n"
		"      --lines        one value per input line\n"
		"      --header H     NAME=VALUE, a header of the Kafka message: it may name the trace; repeatable\n"
		"      --format F     auto (default), json, otlp_json, otlp_proto, msgpack, zipkin, jaeger, text\n"
		"      --trace T      why tail sampling keeps the trace T or not, by the records on standard input\n"
		"                     (lines; may be none) and by the instance with this configuration\n\n"
		"The value comes on standard input. Of a rule that does not fit it shows how far the message does,\n"
		"and what is expected there.\n\n"
		"Example:\n  echo '{\"level\":\"error\",\"msg\":\"payment 81422 failed after 31.2ms\"}' | winnow explain\n",
	.run = run,
};
