/* SPDX-License-Identifier: Apache-2.0 */
/* winnow suggest: a mined pattern, of a running instance or of a file, becomes a rule file. */
#include "app/command.h"
#include "app/instance.h"
#include "app/lines.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "pattern/miner.h"
#include "pattern/suggest.h"
#include "record/decoder.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TOP_DEFAULT = 10, EXAMPLES_MAX = 16, EXAMPLE_BYTES = 2048, OTHERS = 50 };

/* What is kept of one pattern of a file. */
struct sample {
	uint64_t count, errors;
	struct slice examples[EXAMPLES_MAX];
	size_t examples_len;
};

struct suggest_run {
	const char *service; /* NULL: all */
	const char *admin, *config;
	size_t top;
	struct decoder *decoder;
	struct pattern_set *set;
	struct miner *miner;
	struct sample *samples; /* by the pattern's index */
	size_t samples_cap;
	struct arena arena;
	struct buf out, left_out, scratch;
};

/* Text as a rule file can hold it. */
static struct slice keep_text(struct suggest_run *r, struct slice text)
{
	struct slice cut = slice_sub(text, 0, EXAMPLE_BYTES);
	if (cut.len < text.len && slice_utf8_prefix(cut))
		cut.len = slice_utf8_prefix(cut);
	buf_reset(&r->scratch);
	buf_add_utf8(&r->scratch, cut);
	return arena_copy(&r->arena, buf_slice(&r->scratch));
}

/* ---- patterns of a file ---- */

static struct sample *sample_of(struct suggest_run *r, uint32_t index)
{
	if (index >= r->samples_cap) {
		size_t cap = r->samples_cap ? r->samples_cap : 256;
		while (cap <= index)
			cap *= 2;
		r->samples = mem_realloc(r->samples, cap, sizeof(*r->samples));
		memset(r->samples + r->samples_cap, 0, (cap - r->samples_cap) * sizeof(*r->samples));
		r->samples_cap = cap;
	}
	return &r->samples[index];
}

/* The first few of a pattern, and then the one at each power of two, so that late forms are seen too. */
static bool worth_keeping(const struct sample *s)
{
	return s->examples_len < EXAMPLES_MAX && (s->count <= EXAMPLES_MAX / 2 || (s->count & (s->count - 1)) == 0);
}

/* Named as a shard does: by the template that the logger sent along, else by the miner. */
static void sample_message(struct suggest_run *r, struct slice service, struct slice template, struct slice message, bool error)
{
	struct mined mined = {0};
	if (r->service && !slice_eq(service, slice_str(r->service)))
		return;
	if (template.len)
		mined.pattern = pattern_survivor(pattern_set_add(r->set, ORIGIN_CARRIED, service, template, template, (struct slice){0}));
	else
		miner_name(r->miner, service, message, &mined);
	struct sample *s = sample_of(r, mined.pattern->index);
	s->count++;
	s->errors += error;
	if (worth_keeping(s))
		s->examples[s->examples_len++] = keep_text(r, message);
}

static void sample_line(void *arg, struct slice line)
{
	struct suggest_run *r = arg;
	struct decoded decoded = {0};
	if (line.len && line.ptr[0] == '{')
		decoder_decode(r->decoder, line, clock_wall_ns(), &decoded);
	for (size_t i = 0; i < decoded.len; i++)
		if (decoded.records[i].kind == RECORD_LOG)
			sample_message(r, decoded.records[i].service, decoded.records[i].template_text, decoded.records[i].message, decoded.records[i].error);
	if (decoded.len == 0)
		sample_message(r, (struct slice){0}, (struct slice){0}, line, false);
}

/* What a pattern's aliases had goes to it. */
static void settle(struct suggest_run *r, size_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		struct pattern *p = pattern_set_at(r->set, i), *survivor = pattern_survivor(p);
		if (p == survivor)
			continue;
		sample_of(r, survivor->index);
		struct sample *from = sample_of(r, i), *to = sample_of(r, survivor->index);
		to->count += from->count;
		to->errors += from->errors;
		for (size_t k = 0; k < from->examples_len && to->examples_len < EXAMPLES_MAX; k++)
			to->examples[to->examples_len++] = from->examples[k];
		from->count = 0;
	}
}

static int by_count(const void *a, const void *b)
{
	const struct suggest_pattern *x = a, *y = b;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static size_t suggest_samples(struct suggest_run *r, const char *path)
{
	size_t len = pattern_set_len(r->set), n = 0;
	settle(r, len);
	struct suggest_pattern *found = mem_zalloc(len + 1, sizeof(*found));
	for (uint32_t i = 0; i < len; i++) {
		const struct pattern *p = pattern_set_at(r->set, i);
		const struct sample *s = sample_of(r, i);
		if (s->count && s->examples_len && !p->overflow)
			found[n++] = (struct suggest_pattern){.id = p->id, .count = s->count, .service = p->service, .template_text = p->template_text, .carried = p->origin == ORIGIN_CARRIED, .error = s->errors * 2 > s->count, .examples = s->examples, .examples_len = s->examples_len};
	}
	qsort(found, n, sizeof(*found), by_count);
	buf_reset(&r->scratch);
	buf_printf(&r->scratch, "Suggested by winnow from %s: %zu of %zu patterns.", path, r->top && n > r->top ? r->top : n, n);
	size_t rules = suggest_rules(found, r->top && n > r->top ? r->top : n, n, buf_slice(&r->scratch), &r->out, &r->left_out);
	free(found);
	return rules;
}

static int from_file(struct suggest_run *r, const char *path, size_t *ret_rules, struct err *err)
{
	r->decoder = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	r->set = pattern_set_new(&(struct pattern_limits){.patterns_per_service = 10000});
	r->miner = miner_new(r->set, 0);
	int code = lines_read(path, sample_line, r, err);
	if (!code)
		*ret_rules = suggest_samples(r, strcmp(path, "-") == 0 ? "standard input" : path);
	miner_free(r->miner);
	pattern_set_free(r->set);
	decoder_free(r->decoder);
	free(r->samples);
	return code;
}

/* ---- a pattern of a running instance ---- */

static struct slice member(struct suggest_run *r, const struct json *json, uint32_t at, const char *name)
{
	return arena_copy(&r->arena, json_text(json, json_get(json, at, slice_str(name))));
}

/* Most of what is known of it speaks of errors. */
static bool mostly_errors(const struct json *json, uint32_t at)
{
	int64_t count = 0, error = 0, fatal = 0;
	uint32_t severities = json_get(json, at, SLICE("severities"));
	json_i64(json, json_get(json, at, SLICE("count")), &count);
	json_i64(json, json_get(json, severities, SLICE("error")), &error);
	json_i64(json, json_get(json, severities, SLICE("fatal")), &fatal);
	return (error + fatal) * 2 > count;
}

static struct suggest_pattern read_pattern(struct suggest_run *r, const struct json *json, uint32_t at)
{
	struct suggest_pattern p = {.service = member(r, json, at, "service_name"), .template_text = member(r, json, at, "template"), .error = mostly_errors(json, at), .carried = slice_eq(member(r, json, at, "origin"), SLICE("carried"))};
	int64_t count = 0;
	struct slice id = member(r, json, at, "id"), text = json_text(json, json_get(json, json_get(json, at, SLICE("example")), SLICE("text")));
	json_i64(json, json_get(json, at, SLICE("count")), &count);
	p.count = (uint64_t)count;
	buf_reset(&r->scratch);
	buf_add_slice(&r->scratch, id);
	p.id = strtoull(buf_cstr(&r->scratch), NULL, 16);
	if (text.len) {
		struct slice *example = arena_alloc(&r->arena, sizeof(*example));
		*example = keep_text(r, text);
		p.examples = example;
		p.examples_len = 1;
	}
	return p;
}

/* The other patterns of its service give the message that the rule must not match. */
static size_t read_others(struct suggest_run *r, struct instance *i, struct suggest_pattern *patterns)
{
	struct json json;
	struct buf path = {0};
	struct slice service = patterns[0].service;
	size_t len = 1;
	buf_printf(&path, "/api/v1/patterns?limit=%d&service=", OTHERS);
	for (size_t k = 0; k < service.len; k++)
		buf_printf(&path, "%%%02X", (unsigned char)service.ptr[k]);
	if (!instance_get(i, buf_cstr(&path), &json, NULL)) {
		uint32_t list = json_get(&json, JSON_ROOT, SLICE("patterns"));
		for (uint32_t at = json_first(list); json_is_array(&json, list) && at < json_end(&json, list) && len <= OTHERS; at = json_next(&json, at)) {
			struct suggest_pattern p = read_pattern(r, &json, at);
			if (p.id != patterns[0].id)
				patterns[len++] = p;
		}
	}
	buf_done(&path);
	return len;
}

static int from_instance(struct suggest_run *r, const char *id, size_t *ret_rules, struct err *err)
{
	struct instance *i = NULL;
	struct json json;
	char path[64];
	struct suggest_pattern patterns[OTHERS + 1];
	int code = instance_open(r->admin, r->config, &i, err);
	snprintf(path, sizeof(path), "/api/v1/patterns/%.16s", id);
	if (!code)
		code = instance_get(i, path, &json, err);
	if (!code) {
		struct slice origin = json_text(&json, json_get(&json, JSON_ROOT, SLICE("origin")));
		bool rule = slice_eq(origin, SLICE("rule"));
		patterns[0] = read_pattern(r, &json, JSON_ROOT);
		if (rule)
			code = err_set(err, ERR_INPUT, "pattern %s is a rule's already", id);
		else if (!patterns[0].examples_len)
			code = err_set(err, ERR_INPUT, "pattern %s has no example yet", id);
	}
	if (!code) {
		size_t len = read_others(r, i, patterns);
		buf_reset(&r->scratch);
		buf_printf(&r->scratch, "Suggested by winnow from pattern %s of %s.", id, instance_url(i));
		*ret_rules = suggest_rules(patterns, 1, len, buf_slice(&r->scratch), &r->out, &r->left_out);
	}
	instance_free(i);
	return code;
}

/* ---- the command ---- */

static bool is_id(const char *word)
{
	return strlen(word) == 16 && strspn(word, "0123456789abcdefABCDEF") == 16 && access(word, F_OK) != 0;
}

static int parse(struct suggest_run *r, int argc, char **argv)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'}, {"admin", required_argument, NULL, 'a'}, {"top", required_argument, NULL, 't'}, {"service", required_argument, NULL, 's'}, {0}};
	int option;
	uint64_t top = TOP_DEFAULT;
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "c:", longs, NULL)) != -1) {
		if (option == 'c')
			r->config = optarg;
		else if (option == 'a')
			r->admin = optarg;
		else if (option == 's')
			r->service = optarg;
		else if (option != 't')
			return command_usage(&cmd_suggest, "unknown option or missing value: %s", argv[optind - 1]);
		else if (!slice_to_u64(slice_str(optarg), &top))
			return command_usage(&cmd_suggest, "--top: \"%s\" is no number", optarg);
	}
	r->top = (size_t)top;
	if (argc - optind != 1)
		return command_usage(&cmd_suggest, "needs one pattern id or file");
	return 0;
}

static int run(int argc, char **argv)
{
	struct suggest_run r = {0};
	struct err err = {0};
	size_t rules = 0;
	int code = parse(&r, argc, argv);
	if (code)
		return code;
	const char *word = argv[optind];
	code = is_id(word) ? from_instance(&r, word, &rules, &err) : from_file(&r, word, &rules, &err);
	if (code)
		fprintf(stderr, "winnow suggest: %s\n", err.text);
	fputs(buf_cstr(&r.left_out), stderr);
	fwrite(r.out.data ? r.out.data : "", 1, r.out.len, stdout);
	if (!code && !rules)
		fputs("winnow suggest: no pattern that a rule can be made of\n", stderr);
	buf_done(&r.out);
	buf_done(&r.left_out);
	buf_done(&r.scratch);
	arena_done(&r.arena);
	return code ? command_status(code) : rules ? 0 : 1;
}

const struct command cmd_suggest = {
	.name = "suggest",
	.synopsis = "[-c FILE] [--admin ADDR] [--top N] [--service S] ID|FILE",
	.summary = "Turns mined patterns into a rule file, with typed places and tests",
	.help = "  -c, --config FILE  where the instance with the pattern listens (winnow.yaml)\n"
		"      --admin ADDR   the same as HOST:PORT\n"
		"      --top N        of a file: its N most frequent patterns (10; 0: all)\n"
		"      --service S    of a file: only this service's\n"
		"  ID                 a pattern's id, as the page and the label pattern_id show it\n"
		"  FILE               lines of JSON or plain text, .gz too; - is standard input\n"
		"\n"
		"The rule file goes to standard output and passes winnow check as it is. Patterns of which no rule\n"
		"can be made are named on standard error. Exit status: 0 there is a rule, 1 there is none.\n"
		"\n"
		"Example:\n  winnow suggest --top 3 app.log > rules/app.yaml && winnow check rules\n",
	.run = run,
};
