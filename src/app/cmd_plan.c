/* SPDX-License-Identifier: Apache-2.0 */
/* winnow plan: what a change of rules would do to the series.
 *
 * Idea. Every value is taken apart twice, the way a shard does it: by the old rules and by the new. A record that gets another pattern has moved; the
 * increments of both sides are summed by series, and what has a count on one side only appears or vanishes. Mined patterns are compared by the pattern
 * they end as, because a rule that takes records away from the miner also changes what it learns from the rest. */
#include "app/command.h"
#include "app/config.h"
#include "app/lines.h"
#include "app/series_text.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "engine/shard.h"
#include "source/kafka_range.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { BEFORE, AFTER, SIDES, TOP_DEFAULT = 20, TEMPLATE_BYTES = 100 };

struct planned_series {
	struct pattern *pattern; /* of the label pattern_id, until the end */
	struct slice text;       /* with a gap for that label */
	uint64_t counts[SIDES];
};

struct planned_move {
	struct pattern *from, *to; /* NULL: dropped */
	uint64_t records;
};

struct side {
	struct ruleset *rules;
	struct shard *shard;
	struct pattern **named; /* by record of this value; NULL: dropped or a span */
	size_t named_len, named_cap;
};

struct plan {
	bool json;
	const char *brokers;   /* --brokers */
	const char *config;    /* -c: for the brokers and properties of its first Kafka source */
	size_t top;
	enum format format;
	struct side sides[SIDES];
	unsigned side; /* whose turn it is */
	struct arena arena;
	struct map series, moves;
	struct buf key;
	uint64_t values, records, undecodable;
};

/* Stands for the pattern's id while ids may still change. */
static const char gap[] = "\x01";

/* ---- counting ---- */

static bool same_series(const void *item, const void *key)
{
	const struct planned_series *a = item, *b = key;
	return a->pattern == b->pattern && slice_eq(a->text, b->text);
}

static uint64_t series_hash(const struct planned_series *s)
{
	return hash_pair(hash_bytes(s->text), s->pattern ? s->pattern->id : 0);
}

static struct planned_series *series_at(struct plan *p, struct map *map, const struct planned_series *wanted)
{
	uint64_t hash = series_hash(wanted);
	struct planned_series *s = map_get(map, hash, same_series, wanted);
	if (!s) {
		s = arena_zalloc(&p->arena, sizeof(*s));
		s->pattern = wanted->pattern;
		s->text = arena_copy(&p->arena, wanted->text);
		map_put(map, hash, s);
	}
	return s;
}

static struct pattern *pattern_of(const struct shard_view *view)
{
	return (struct pattern *)(uintptr_t)view->pattern;
}

static void note_record(void *arg, const struct shard_view *view)
{
	struct plan *p = arg;
	struct side *side = &p->sides[p->side];
	size_t n;
	const struct tally_entry *entries = tally_entries(view->tally, &n);
	for (size_t i = 0; i < n; i++) {
		const struct tally_series *s = tally_series_at(view->tally, entries[i].series);
		if (!series_leaves(s))
			continue;
		buf_reset(&p->key);
		series_text(&p->key, s, gap);
		struct planned_series wanted = {.text = buf_slice(&p->key)};
		if (slice_find(wanted.text, '\\', 0) < wanted.text.len && slice_search(wanted.text, SLICE("\"\\u0001\"")) < wanted.text.len)
			wanted.pattern = pattern_of(view);
		series_at(p, &p->series, &wanted)->counts[p->side] += entries[i].count;
	}
	side->named = mem_grow(side->named, side->named_len, &side->named_cap, sizeof(*side->named));
	side->named[side->named_len++] = view->record->kind == RECORD_LOG ? pattern_of(view) : NULL;
}

static bool same_move(const void *item, const void *key)
{
	const struct planned_move *a = item, *b = key;
	return a->from == b->from && a->to == b->to;
}

static void add_move(struct plan *p, struct map *map, struct pattern *from, struct pattern *to, uint64_t records)
{
	struct planned_move key = {.from = from, .to = to};
	uint64_t hash = hash_pair(from ? from->id : 1, to ? to->id : 2);
	struct planned_move *m = map_get(map, hash, same_move, &key);
	if (!m) {
		m = arena_zalloc(&p->arena, sizeof(*m));
		*m = key;
		map_put(map, hash, m);
	}
	m->records += records;
}

static void take_value(void *arg, struct slice value)
{
	struct plan *p = arg;
	if (value.ptr == NULL)
		return; /* a tombstone */
	struct decoded decoded;
	p->values++;
	for (p->side = BEFORE; p->side < SIDES; p->side++) {
		struct side *side = &p->sides[p->side];
		side->named_len = 0;
		shard_explain(side->shard, p->format, value, clock_wall_ns(), note_record, p, &decoded);
	}
	p->undecodable += decoded.undecodable;
	p->records += decoded.len;
	for (size_t i = 0; i < p->sides[BEFORE].named_len && i < p->sides[AFTER].named_len; i++)
		add_move(p, &p->moves, p->sides[BEFORE].named[i], p->sides[AFTER].named[i], 1);
}

/* ---- the end: patterns are what they became ---- */

static void resolve_series(struct plan *p)
{
	struct map resolved = {0};
	size_t cursor = 0;
	for (struct planned_series *s; (s = map_next(&p->series, &cursor));) {
		struct planned_series wanted = {.text = s->text};
		struct slice mark = SLICE("\\u0001");
		size_t at = s->pattern ? slice_search(s->text, mark) : s->text.len;
		if (s->pattern) {
			buf_reset(&p->key);
			buf_add_slice(&p->key, slice_sub(s->text, 0, at));
			buf_printf(&p->key, "%016llx", (unsigned long long)pattern_survivor(s->pattern)->id);
			buf_add_slice(&p->key, slice_sub(s->text, at + mark.len, s->text.len));
			wanted.text = buf_slice(&p->key);
		}
		struct planned_series *to = series_at(p, &resolved, &wanted);
		for (unsigned side = BEFORE; side < SIDES; side++)
			to->counts[side] += s->counts[side];
	}
	map_done(&p->series);
	p->series = resolved;
}

/* Patterns of the two sides are two objects: the same id is the same pattern. */
static bool same_pattern(const struct pattern *a, const struct pattern *b)
{
	return a == b || (a && b && a->id == b->id);
}

static void resolve_moves(struct plan *p)
{
	struct map resolved = {0};
	size_t cursor = 0;
	for (struct planned_move *m; (m = map_next(&p->moves, &cursor));) {
		struct pattern *from = m->from ? pattern_survivor(m->from) : NULL, *to = m->to ? pattern_survivor(m->to) : NULL;
		if (!same_pattern(from, to))
			add_move(p, &resolved, from, to, m->records);
	}
	map_done(&p->moves);
	p->moves = resolved;
}

/* ---- showing ---- */

enum change { APPEARS, VANISHES, CHANGES, CHANGES_KINDS };

static const struct {
	const char *word, *title, *sign;
} changes[CHANGES_KINDS] = {{"appears", "appear", "+"}, {"vanishes", "vanish", "-"}, {"changes", "change", "~"}};

static enum change change_of(const struct planned_series *s)
{
	return s->counts[BEFORE] == s->counts[AFTER] ? CHANGES_KINDS : !s->counts[BEFORE] ? APPEARS : !s->counts[AFTER] ? VANISHES : CHANGES;
}

static int by_text(const void *a, const void *b)
{
	const struct planned_series *const *x = a, *const *y = b;
	return slice_cmp((*x)->text, (*y)->text);
}

static int by_records(const void *a, const void *b)
{
	const struct planned_move *const *x = a, *const *y = b;
	if ((*x)->records != (*y)->records)
		return (*x)->records < (*y)->records ? 1 : -1;
	uint64_t i = (*x)->from ? (*x)->from->id : 0, k = (*y)->from ? (*y)->from->id : 0;
	return i < k ? -1 : i > k;
}

static void **sorted(const struct map *map, int (*order)(const void *, const void *))
{
	void **items = mem_zalloc(map->len + 1, sizeof(*items));
	size_t cursor = 0, n = 0;
	while ((items[n] = map_next(map, &cursor)))
		n++;
	qsort(items, n, sizeof(*items), order);
	return items;
}

static void say_pattern(struct buf *out, const struct pattern *p)
{
	if (!p) {
		buf_add_str(out, "dropped");
		return;
	}
	if (p->rule.len) {
		buf_add_str(out, "rule ");
		buf_add_slice(out, p->rule);
		return;
	}
	struct slice cut = slice_sub(p->template_text, 0, TEMPLATE_BYTES);
	buf_printf(out, "%s %016llx \"", pattern_origin_name(p->origin), (unsigned long long)p->id);
	buf_add_json(out, cut);
	buf_add_str(out, cut.len < p->template_text.len ? "...\"" : "\"");
}

static void more(struct buf *out, size_t shown, size_t all)
{
	if (shown < all)
		buf_printf(out, "  ... and %zu more (--top 0 shows all)\n", all - shown);
}

static void say_moves(const struct plan *p, struct buf *out)
{
	struct planned_move **moves = (struct planned_move **)sorted(&p->moves, by_records);
	size_t shown = 0;
	buf_printf(out, "records that move:%s\n", p->moves.len ? "" : " none");
	for (; moves[shown] && (!p->top || shown < p->top); shown++) {
		buf_printf(out, "%10llu  ", (unsigned long long)moves[shown]->records);
		say_pattern(out, moves[shown]->from);
		buf_add_str(out, "\n         -> ");
		say_pattern(out, moves[shown]->to);
		buf_add_char(out, '\n');
	}
	more(out, shown, p->moves.len);
	free(moves);
}

static void say_series(const struct plan *p, struct planned_series *const *series, enum change change, struct buf *out)
{
	size_t all = 0, shown = 0;
	for (size_t i = 0; series[i]; i++)
		all += change_of(series[i]) == change;
	buf_printf(out, "series that %s: %zu\n", changes[change].title, all);
	for (size_t i = 0; series[i] && (!p->top || shown < p->top); i++) {
		if (change_of(series[i]) != change)
			continue;
		buf_printf(out, "  %s %.*s  %llu -> %llu\n", changes[change].sign, (int)series[i]->text.len, series[i]->text.ptr, (unsigned long long)series[i]->counts[BEFORE], (unsigned long long)series[i]->counts[AFTER]);
		shown++;
	}
	more(out, shown, all);
}

static void print_people(const struct plan *p, struct buf *out)
{
	struct planned_series **series = (struct planned_series **)sorted(&p->series, by_text);
	size_t same = 0;
	for (size_t i = 0; series[i]; i++)
		same += change_of(series[i]) == CHANGES_KINDS;
	buf_printf(out, "%llu values, %llu records", (unsigned long long)p->values, (unsigned long long)p->records);
	if (p->undecodable)
		buf_printf(out, ", %llu undecodable", (unsigned long long)p->undecodable);
	buf_printf(out, "; rules: %zu before, %zu after\n", ruleset_len(p->sides[BEFORE].rules), ruleset_len(p->sides[AFTER].rules));
	say_moves(p, out);
	for (enum change c = APPEARS; c < CHANGES_KINDS; c++)
		say_series(p, series, c, out);
	buf_printf(out, "series that stay as they are: %zu\n", same);
	free(series);
}

static void add_json_pattern(struct buf *out, const char *key, const struct pattern *p)
{
	buf_printf(out, "\"%s\":", key);
	if (!p) {
		buf_add_str(out, "null");
		return;
	}
	buf_printf(out, "{\"pattern_id\":\"%016llx\",\"origin\":\"%s\",\"rule\":", (unsigned long long)p->id, pattern_origin_name(p->origin));
	if (p->rule.len)
		buf_add_json_string(out, p->rule);
	else
		buf_add_str(out, "null");
	buf_add_str(out, ",\"service_name\":");
	buf_add_json_string(out, p->service);
	buf_add_str(out, ",\"template\":");
	buf_add_json_string(out, p->template_text);
	buf_add_char(out, '}');
}

static void print_json(const struct plan *p, struct buf *out)
{
	struct planned_move **moves = (struct planned_move **)sorted(&p->moves, by_records);
	struct planned_series **series = (struct planned_series **)sorted(&p->series, by_text);
	size_t same = 0;
	buf_printf(out, "{\"values\":%llu,\"records\":%llu,\"undecodable\":%llu,\"moves\":[", (unsigned long long)p->values, (unsigned long long)p->records, (unsigned long long)p->undecodable);
	for (size_t i = 0; moves[i]; i++) {
		buf_add_str(out, i ? ",{" : "{");
		add_json_pattern(out, "from", moves[i]->from);
		buf_add_char(out, ',');
		add_json_pattern(out, "to", moves[i]->to);
		buf_printf(out, ",\"records\":%llu}", (unsigned long long)moves[i]->records);
	}
	buf_add_str(out, "],\"series\":[");
	for (size_t i = 0, first = 1; series[i]; i++) {
		enum change change = change_of(series[i]);
		same += change == CHANGES_KINDS;
		if (change == CHANGES_KINDS)
			continue;
		buf_add_str(out, first ? "{\"series\":" : ",{\"series\":");
		first = 0;
		buf_add_json_string(out, series[i]->text);
		buf_printf(out, ",\"change\":\"%s\",\"before\":%llu,\"after\":%llu}", changes[change].word, (unsigned long long)series[i]->counts[BEFORE], (unsigned long long)series[i]->counts[AFTER]);
	}
	buf_printf(out, "],\"unchanged\":%zu}\n", same);
	free(moves);
	free(series);
}

/* ---- the command ---- */

/* A rule file, a directory of them, or a winnow.yaml for the rules that it names. */
static int load_side(struct side *side, const char *path)
{
	struct config *config = NULL;
	struct config_errors errors = {0};
	struct rule_errors rule_errors = {0};
	const char *const *paths = &path;
	size_t len = 1;
	int rc = 0;
	if (config_is_one(path)) {
		rc = config_load(path, &config, &errors);
		paths = config ? config->rules.items : NULL;
		len = config ? config->rules.len : 0;
	}
	if (!rc)
		rc = ruleset_load(paths, len, &side->rules, &rule_errors);
	fprintf(stderr, "%s%s", buf_cstr(&errors.text), buf_cstr(&rule_errors.text));
	if (!rc)
		side->shard = shard_new(&(struct shard_opts){.step_ns = 10 * NS_PER_S, .rules = side->rules, .limits = {.patterns_per_service = 10000}});
	config_errors_done(&errors);
	buf_done(&rule_errors.text);
	config_free(config);
	return rc;
}

static int replay_kafka(struct plan *p, const struct kafka_range *range, struct err *err)
{
	struct config *config = NULL;
	struct config_errors errors = {0};
	const struct config_source *source = NULL;
	if (p->config && config_load(p->config, &config, &errors)) {
		err_set(err, ERR_INPUT, "%.*s", (int)slice_trim(buf_slice(&errors.text)).len, buf_cstr(&errors.text));
		config_errors_done(&errors);
		return ERR_INPUT;
	}
	for (size_t i = 0; config && i < config->sources_len && !source; i++)
		if (config->sources[i].kind == CONFIG_SOURCE_KAFKA)
			source = &config->sources[i];
	size_t len = source ? source->kafka.properties.len : 0;
	struct kafka_property *properties = mem_zalloc(len + 1, sizeof(*properties));
	for (size_t i = 0; i < len; i++)
		properties[i] = (struct kafka_property){source->kafka.properties.items[i].key, source->kafka.properties.items[i].value};
	const char *brokers = p->brokers ? p->brokers : source ? source->kafka.brokers : "localhost:9092";
	int code = kafka_range_read(brokers, properties, len, range, take_value, p, err);
	free(properties);
	config_free(config);
	return code;
}

/* A file if there is one of that name, else a range of offsets if it reads like one. */
static int replay(struct plan *p, const char *what, struct err *err)
{
	struct kafka_range range;
	struct stat st;
	if (stat(what, &st) != 0 && kafka_range_parse(slice_str(what), &range))
		return replay_kafka(p, &range, err);
	return lines_read(what, take_value, p, err);
}

static int parse_option(struct plan *p, int option, const char *value, const char *word)
{
	uint64_t top;
	switch (option) {
	case 'j': p->json = true; return 0;
	case 'b': p->brokers = value; return 0;
	case 'c': p->config = value; return 0;
	case 'f':
		p->format = format_by_name(slice_str(value));
		return p->format == FORMAT_COUNT ? command_usage(&cmd_plan, "does not know the format \"%s\"", value) : 0;
	case 't':
		if (!slice_to_u64(slice_str(value), &top))
			return command_usage(&cmd_plan, "--top: \"%s\" is no number", value);
		p->top = (size_t)top;
		return 0;
	default: return command_usage(&cmd_plan, "unknown option or missing value: %s", word);
	}
}

static int parse(struct plan *p, int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'}, {"top", required_argument, NULL, 't'}, {"format", required_argument, NULL, 'f'}, {"brokers", required_argument, NULL, 'b'},
					      {"config", required_argument, NULL, 'c'}, {0}};
	int option, code = 0;
	optind = 0;
	opterr = 0;
	while (!code && (option = getopt_long(argc, argv, "c:", longs, NULL)) != -1)
		code = parse_option(p, option, optarg, argv[optind - 1]);
	if (code)
		return code;
	if (argc - optind < 3)
		return command_usage(&cmd_plan, "needs the old rules, the new rules, and what to replay");
	return 0;
}

static void plan_done(struct plan *p)
{
	for (unsigned side = BEFORE; side < SIDES; side++) {
		shard_free(p->sides[side].shard);
		ruleset_free(p->sides[side].rules);
		free(p->sides[side].named);
	}
	map_done(&p->series);
	map_done(&p->moves);
	buf_done(&p->key);
	arena_done(&p->arena);
}

static int run(int argc, char **argv)
{
	struct plan p = {.format = FORMAT_AUTO, .top = TOP_DEFAULT};
	struct err err = {0};
	struct buf out = {0};
	int code = parse(&p, argc, argv);
	if (code)
		return code;
	for (unsigned side = BEFORE; side < SIDES; side++)
		code |= load_side(&p.sides[side], argv[optind + (int)side]);
	for (int i = optind + SIDES; i < argc && !code; i++)
		code = replay(&p, argv[i], &err);
	if (!code) {
		resolve_series(&p);
		resolve_moves(&p);
		if (p.json)
			print_json(&p, &out);
		else
			print_people(&p, &out);
		fwrite(out.data, 1, out.len, stdout);
	} else if (err.code) {
		fprintf(stderr, "winnow plan: %s\n", err.text);
	}
	buf_done(&out);
	plan_done(&p);
	return code ? command_status(code) : 0;
}

const struct command cmd_plan = {
	.name = "plan",
	.synopsis = "[-c FILE] [--brokers B] [--json] [--top N] [--format F] OLD NEW RECORDS...",
	.summary = "Shows what a change of rules would do to the series, by replaying records",
	.help = "  OLD, NEW           rules: a file, a directory, or a winnow.yaml that names them; /dev/null: none\n"
		"  RECORDS            a file of one record per line, .gz too, - for standard input; or offsets in\n"
		"                     Kafka, TOPIC:PARTITION:FROM-TO, up to but without TO, either may be left out\n"
		"      --brokers B    where Kafka is (localhost:9092)\n"
		"  -c, --config FILE  the same, with properties, from this configuration's first Kafka source\n"
		"      --json         one JSON object: moves, series with counts before and after\n"
		"      --top N        of each kind, show the first N (20; 0: all)\n"
		"      --format F     auto (default), json, otlp_json, otlp_proto, msgpack,\n"
		"                     zipkin, jaeger, text\n"
		"\n"
		"Shown are the records that get another pattern, and the series that would appear, vanish or count\n"
		"differently. Nothing is sent. Exit status: 0 also if much would change, 1 rules or file are wrong.\n"
		"\n"
		"Example:\n  winnow plan rules rules.new logs:0:4000-\n",
	.run = run,
};
