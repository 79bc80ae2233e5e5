/* SPDX-License-Identifier: Apache-2.0 */
/* The rule set: the first rule in file order that matches, at a cost that hardly depends on how many rules there are.
 *
 * Idea. A rule that says how its messages start is found by the first bytes of the message (ruleset_start.c). Every other rule that has texts of which it needs one
 * to match (its literals, rule_regex.c) is found by them, in a pass over the message: a few literals each by its rarest bytes (needle.c), more by Vectorscan,
 * and of many, those that hold a word at the words of the message (anchor.c), whatever their number. Where too many rules start alike their literals
 * are looked for as well, but only in messages that start so. Each literal that occurs sets the bits of its rules, less the ones that start with other
 * text; only those are tried, in file order, so what is found first does not matter: templates by their program (rule_program.c), which decides nearly
 * always, else by PCRE2. Rules with neither a start nor a literal are candidates always - by service where their `where` names the services
 * exactly, so that a thousand rules for other services cost one hash look-up. Start and literal only ever exclude rules that cannot match: the set
 * answers like one that tries all regexes in turn.
 *
 * Layout. `words` holds a bit per rule, `summary` a bit per word of it that is not zero; both are all zero between matches, and a match touches only what
 * it sets. Literals that several rules share stand in the database once; literal_first[i]..literal_first[i + 1] are the rules of literal i.
 *
 * Bounds. PCRE2 runs under a match limit of 10,000 and 4 for each byte (one lazy place costs a step a byte: 10,000 alone would lose a 16 KiB stack trace) and a
 * heap limit, on at most the first 64 KiB of a message, with a JIT stack of 1 MiB per thread; a match that needs more stack is tried again by the interpreter, a limit that is hit counts as no match (limit_hits). Where the CPU cannot run Vectorscan every rule
 * is a candidate always.
 *
 * The texts are chosen and compiled in ruleset_prefilter.c.
 *
 * Threads. A loaded set is immutable and may be shared; a scratch belongs to one thread. */
#include "pattern/ruleset_parts.h"

#include "base/hash.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <hs.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { MATCH_LIMIT = 10000, MATCH_LIMIT_PER_BYTE = 4, HEAP_LIMIT_KIB = 4096, JIT_STACK_START = 32 << 10, JIT_STACK_MAX = 1 << 20 };

static bool same_name(const void *item, const void *key)
{
	return slice_eq(((const struct rule *)item)->name, *(const struct slice *)key);
}

/* ---- loading ---- */

static void load_rules(struct ruleset *set, struct rule_loader *l, const struct yaml *list)
{
	for (size_t i = 0; i < list->len; i++) {
		set->rules = mem_grow(set->rules, set->len, &set->cap, sizeof(*set->rules));
		rule_load(l, &list->items[i], &set->rules[set->len]);
		set->len++;
	}
}

static void load_doc(struct ruleset *set, struct rule_errors *errors, const struct yaml_doc *doc)
{
	struct rule_loader l = {.arena = &set->arena, .doc = doc, .errors = errors, .files = &set->files};
	const struct yaml *root = yaml_root(doc), *rules = yaml_get(root, "rules");
	if (root->kind != YAML_MAP) {
		rule_complain(&l, root, "a rule file is a map with the key rules");
		return;
	}
	rule_check_keys(&l, root, rule_file_keys);
	rule_load_grok(&l, root);
	set->hash = hash_pair(set->hash, l.hash);
	if (rules && rules->kind == YAML_LIST)
		load_rules(set, &l, rules);
	else if (rules && (rules->kind != YAML_SCALAR || rules->text.len))
		rule_complain(&l, rules, "rules is a list: each rule starts with \"- name: ...\"");
}

static void complain_path(struct rule_errors *errors, const char *text)
{
	buf_printf(&errors->text, "%s\n", text);
	errors->len++;
}

static void load_file(struct ruleset *set, struct rule_errors *errors, const char *path)
{
	struct yaml_doc *doc;
	struct err err = {0};
	if (yaml_load_file(path, &doc, &err)) {
		complain_path(errors, err.text);
		return;
	}
	set->hash = hash_pair(set->hash, hash_pair(hash_bytes(slice_str(path)), yaml_hash(doc)));
	load_doc(set, errors, doc);
	yaml_doc_free(doc);
}

static int is_rule_file(const struct dirent *entry)
{
	struct slice name = slice_str(entry->d_name);
	return name.ptr[0] != '.' && (slice_ends(name, SLICE(".yaml")) || slice_ends(name, SLICE(".yml")));
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_directory(struct ruleset *set, struct rule_errors *errors, const char *path)
{
	struct dirent **entries;
	struct buf file = {0};
	size_t length = strlen(path);
	int n = scandir(path, &entries, is_rule_file, by_bytes);
	if (n < 0) {
		buf_printf(&file, "%s: %s", path, strerror(errno));
		complain_path(errors, buf_cstr(&file));
		buf_done(&file);
		return;
	}
	for (int i = 0; i < n; i++) {
		buf_reset(&file);
		buf_printf(&file, "%s%s%s", path, length && path[length - 1] == '/' ? "" : "/", entries[i]->d_name);
		load_file(set, errors, buf_cstr(&file));
		free(entries[i]);
	}
	free(entries);
	buf_done(&file);
}

static void check_names(struct ruleset *set, struct rule_errors *errors)
{
	struct map names = {0};
	for (size_t i = 0; i < set->len; i++) {
		struct rule *rule = &set->rules[i];
		uint64_t hash = hash_bytes(rule->name);
		const struct rule *first = rule->name.len ? map_get(&names, hash, same_name, &rule->name) : NULL;
		if (first) {
			buf_printf(&errors->text, "%s:%d:%d: duplicate name \"%s\" (first at %s:%d)\n", rule->file, rule->line, rule->column, rule->name.ptr, first->file, first->line);
			errors->len++;
		} else if (rule->name.len) {
			map_put(&names, hash, rule);
		}
	}
	map_done(&names);
}

static void make_fronts(struct ruleset *set)
{
	set->fronts = arena_zalloc(&set->arena, (set->len + 1) * sizeof(*set->fronts));
	for (size_t i = 0; i < set->len; i++) {
		struct rule *rule = &set->rules[i];
		if (rule->program)
			rule->program = (const uint8_t *)arena_copy(&set->arena, slice_of((const char *)rule->program, program_len(rule->program))).ptr;
		set->fronts[i] = (struct rule_front){.program = rule->program, .severities = rule->where.severities, .fields = rule->where.len + rule->field_captures_len > 0};
	}
}

static void count_groups(struct ruleset *set)
{
	set->groups_max = 1;
	for (size_t i = 0; i < set->len; i++) {
		uint32_t groups = 0;
		if (set->rules[i].code)
			pcre2_pattern_info(set->rules[i].code, PCRE2_INFO_CAPTURECOUNT, &groups);
		if (groups + 1 > set->groups_max)
			set->groups_max = groups + 1;
	}
}

int ruleset_load(const char *const *paths, size_t len, struct ruleset **ret, struct rule_errors *errors)
{
	struct ruleset *set = mem_zalloc(1, sizeof(*set));
	size_t before = errors->len;
	for (size_t i = 0; i < len; i++) {
		struct stat st;
		if (stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode))
			load_directory(set, errors, paths[i]);
		else
			load_file(set, errors, paths[i]);
	}
	check_names(set, errors);
	set->metrics = rule_join_metrics(&set->arena, set->rules, set->len, errors, &set->metrics_len);
	if (errors->files)
		buf_add_slice(errors->files, buf_slice(&set->files));
	if (errors->len > before) {
		ruleset_free(set);
		return ERR_INPUT;
	}
	count_groups(set);
	ruleset_compile_prefilter(set);
	make_fronts(set);
	*ret = set;
	return 0;
}

void ruleset_free(struct ruleset *set)
{
	if (!set)
		return;
	size_t cursor = 0;
	struct service_rules *entry;
	while ((entry = map_next(&set->services, &cursor))) {
		free(entry->rules);
		free(entry);
	}
	map_done(&set->services);
	for (size_t i = 0; i < set->len; i++)
		rule_done(&set->rules[i]);
	free(set->rules);
	for (size_t i = 0; i < FINDERS; i++) {
		hs_free_database(set->finders[i].literals);
		anchors_free(set->finders[i].anchors);
		needles_free(set->finders[i].needles);
	}
	buf_done(&set->files);
	arena_done(&set->arena);
	free(set);
}

size_t ruleset_len(const struct ruleset *set)
{
	return set->len;
}

const struct rule *ruleset_at(const struct ruleset *set, size_t index)
{
	return &set->rules[index];
}

uint64_t ruleset_hash(const struct ruleset *set)
{
	return set->hash;
}

size_t ruleset_metrics_len(const struct ruleset *set)
{
	return set->metrics_len;
}

void ruleset_metric_at(const struct ruleset *set, size_t index, struct rule_metric_view *ret)
{
	const struct rule_metric *m = set->metrics[index];
	*ret = (struct rule_metric_view){.name = m->name, .help = m->help, .unit = m->unit, .counter = m->counter, .bounds = m->bounds, .bounds_len = m->bounds_len};
}

/* ---- scratch ---- */

struct rule_scratch *rule_scratch_new(const struct ruleset *set)
{
	struct rule_scratch *s = mem_zalloc(1, sizeof(*s));
	s->data = pcre2_match_data_create(set->groups_max, NULL);
	s->context = pcre2_match_context_create(NULL);
	s->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
	bool enough = s->data && s->context;
	for (size_t i = 0; i < FINDERS; i++)
		enough &= !set->finders[i].literals || hs_alloc_scratch(set->finders[i].literals, &s->literals) == HS_SUCCESS;
	if (!enough)
		abort();
	pcre2_set_heap_limit(s->context, HEAP_LIMIT_KIB);
	if (s->stack)
		pcre2_jit_stack_assign(s->context, NULL, s->stack);
	s->words = mem_zalloc(set->words_len + 1, sizeof(*s->words));
	s->summary = mem_zalloc(set->words_len / WORD_BITS + 1, sizeof(*s->summary));
	s->limit_hits = mem_zalloc(set->len + 1, sizeof(*s->limit_hits));
	return s;
}

void rule_scratch_free(struct rule_scratch *s)
{
	if (!s)
		return;
	pcre2_match_data_free(s->data);
	pcre2_match_context_free(s->context);
	pcre2_jit_stack_free(s->stack);
	hs_free_scratch(s->literals);
	buf_done(&s->text);
	free(s->words);
	free(s->summary);
	free(s->limit_hits);
	free(s);
}

uint64_t rule_scratch_limit_hits(const struct rule_scratch *scratch, size_t index)
{
	return scratch->limit_hits[index];
}

int64_t rule_scratch_take_given_up(struct rule_scratch *scratch)
{
	return scratch->given_up_len ? (int64_t)scratch->given_up[--scratch->given_up_len] : -1;
}

/* ---- matching ---- */

bool rule_field(const struct rule_scratch *scratch, const struct record *record, struct slice path, struct slice *ret)
{
	const struct rule_test *test = scratch->test;
	for (size_t i = 0; test && i < test->fields_len; i++)
		if (slice_eq(test->fields[i].name, path)) {
			*ret = test->fields[i].value;
			return true;
		}
	if (slice_eq(path, SLICE("service"))) {
		*ret = record->service;
		return record->service.len > 0;
	}
	return record_field(record, path, ret);
}

static bool where_holds(const struct where *where, const struct rule_scratch *scratch, const struct record *record, size_t *ret_field)
{
	for (size_t i = 0; i < where->len; i++) {
		struct slice text = {0};
		bool present = rule_field(scratch, record, where->fields[i].path, &text);
		if (!where_field_holds(&where->fields[i], present, text)) {
			*ret_field = i;
			return false;
		}
	}
	return true;
}

static struct slice group_text(const size_t *offsets, uint32_t group, struct slice subject)
{
	size_t from = offsets[2 * group], to = offsets[2 * group + 1];
	return from == PCRE2_UNSET || to < from ? slice_of(subject.ptr, 0) : slice_of(subject.ptr + from, to - from);
}

static void take_captures(const struct rule *rule, const struct rule_scratch *scratch, struct slice subject, struct rule_match *ret)
{
	const size_t *offsets = pcre2_get_ovector_pointer(scratch->data);
	for (size_t i = 0; i < rule->captures_len - rule->field_captures_len; i++) {
		struct slice s = group_text(offsets, rule->captures[i].group, subject);
		if (rule->captures[i].type == PLACE_QUOTED && s.len >= 2)
			s = slice_of(s.ptr + 1, s.len - 2);
		ret->captures[i] = s;
	}
	for (size_t i = 0; i < rule->alternatives_len; i++)
		if (!ret->captures[rule->alternatives[i].capture].len)
			ret->captures[rule->alternatives[i].capture] = group_text(offsets, rule->alternatives[i].group, subject);
}

static void take_fields(const struct rule *rule, const struct rule_scratch *scratch, const struct record *record, struct rule_match *ret)
{
	for (size_t i = 0; i < rule->field_captures_len; i++) {
		struct slice s = {0};
		rule_field(scratch, record, rule->field_captures[i].path, &s);
		ret->captures[rule->field_captures[i].capture] = s;
	}
}

int rule_exec(const struct rule *rule, struct rule_scratch *scratch, struct slice subject)
{
	PCRE2_SPTR text = (PCRE2_SPTR)(subject.len ? subject.ptr : "");
	pcre2_set_match_limit(scratch->context, MATCH_LIMIT + MATCH_LIMIT_PER_BYTE * (uint32_t)subject.len);
	/* the short way in checks nothing, UTF-8 among it */
	int code = rule->jit && !rule->utf ? pcre2_jit_match(rule->code, text, subject.len, 0, 0, scratch->data, scratch->context) : pcre2_match(rule->code, text, subject.len, 0, 0, scratch->data, scratch->context);
	if (code == PCRE2_ERROR_JIT_STACKLIMIT)
		code = pcre2_match(rule->code, text, subject.len, 0, PCRE2_NO_JIT, scratch->data, scratch->context);
	return code;
}

static enum rule_miss match_text(const struct rule *rule, size_t index, struct rule_scratch *scratch, struct slice subject, struct rule_match *ret)
{
	if (rule->program && !scratch->by_regex) {
		enum program_answer answer = program_run(rule->program, subject, ret->captures);
		if (answer != PROGRAM_UNSURE)
			return answer == PROGRAM_HIT ? RULE_HIT : RULE_MISS_TEXT;
	}
	int code = rule_exec(rule, scratch, subject);
	if (code > 0) {
		take_captures(rule, scratch, subject, ret);
		return RULE_HIT;
	}
	if (code == PCRE2_ERROR_NOMATCH)
		return RULE_MISS_TEXT;
	scratch->limit_hits[index]++;
	if (scratch->given_up_len < RULE_GIVEN_UP_MAX)
		scratch->given_up[scratch->given_up_len++] = (uint32_t)index;
	return RULE_MISS_LIMIT;
}

enum rule_miss rule_try(const struct rule *rule, size_t index, struct rule_scratch *scratch, const struct record *record, struct rule_match *ret, size_t *ret_field)
{
	if (!(rule->where.severities >> record->severity & 1))
		return RULE_MISS_SEVERITY;
	if (rule->where.len && !where_holds(&rule->where, scratch, record, ret_field))
		return RULE_MISS_FIELD;
	if (rule->code) {
		enum rule_miss miss = match_text(rule, index, scratch, slice_sub(record->message, 0, RULE_MESSAGE_MAX), ret);
		if (miss != RULE_HIT)
			return miss;
	}
	take_fields(rule, scratch, record, ret);
	ret->rule = rule;
	ret->index = index;
	return RULE_HIT;
}

struct scan {
	const struct ruleset *set;
	struct rule_scratch *scratch;
	struct slice subject;
	uint64_t start; /* its first bytes */
	uint32_t base;
};

static void found_literal(const struct scan *scan, uint32_t number)
{
	for (uint32_t i = scan->set->literal_first[number]; i < scan->set->literal_first[number + 1]; i++)
		if (starts_with(scan->subject, scan->start, &scan->set->literal_rules[i]))
			add_candidate(scan->scratch, scan->set->literal_rules[i].rule);
}

static void on_numbered(void *arg, uint32_t number)
{
	const struct scan *scan = arg;
	found_literal(scan, scan->base + number);
}

static int on_literal(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
	(void)from;
	(void)to;
	(void)flags;
	found_literal(context, id);
	return 0;
}

static void find(const struct finder *finder, struct scan *scan)
{
	if (finder->anchors) {
		scan->base = finder->anchors_base;
		anchors_scan(finder->anchors, scan->subject, on_numbered, scan);
	}
	if (finder->needles) {
		scan->base = finder->needles_base;
		needles_scan(finder->needles, scan->subject, on_numbered, scan);
	}
	if (finder->literals && scan->subject.len >= RULE_LITERAL_MIN)
		hs_scan(finder->literals, scan->subject.ptr, (unsigned)scan->subject.len, 0, scan->scratch->literals, on_literal, scan);
}

static void add_candidates(const struct ruleset *set, struct rule_scratch *s, const struct record *record)
{
	for (size_t i = 0; i < set->always_len; i++)
		add_candidate(s, set->always[i]);
	if (set->services.len) {
		struct slice service = {0};
		rule_field(s, record, SLICE("service"), &service);
		const struct service_rules *entry = map_get(&set->services, hash_bytes(service), same_service, &service);
		for (size_t i = 0; entry && i < entry->len; i++)
			add_candidate(s, entry->rules[i]);
	}
	struct slice subject = slice_sub(record->message, 0, RULE_MESSAGE_MAX);
	struct scan scan = {.set = set, .scratch = s, .subject = subject, .start = start_word(subject)};
	find(&set->finders[FIND_ANYWHERE], &scan);
	if (ruleset_find_starts(set, s, subject, scan.start))
		find(&set->finders[FIND_OPENED], &scan);
}

/* rule_try, but most rules are decided without a look at them. */
static bool try_candidate(const struct ruleset *set, size_t index, struct rule_scratch *s, const struct record *record, struct rule_match *ret)
{
	const struct rule_front *front = &set->fronts[index];
	size_t field;
	if (!(front->severities >> record->severity & 1))
		return false;
	if (!front->program || front->fields)
		return rule_try(&set->rules[index], index, s, record, ret, &field) == RULE_HIT;
	enum program_answer answer = program_run(front->program, slice_sub(record->message, 0, RULE_MESSAGE_MAX), ret->captures);
	if (answer == PROGRAM_UNSURE)
		return rule_try(&set->rules[index], index, s, record, ret, &field) == RULE_HIT;
	ret->rule = &set->rules[index];
	ret->index = index;
	return answer == PROGRAM_HIT;
}

bool ruleset_match(const struct ruleset *set, struct rule_scratch *s, const struct record *record, struct rule_match *ret)
{
	bool found = false;
	add_candidates(set, s, record);
	for (size_t i = 0; i * WORD_BITS < set->words_len; i++) {
		for (; s->summary[i]; s->summary[i] &= s->summary[i] - 1) {
			size_t word = i * WORD_BITS + (size_t)__builtin_ctzll(s->summary[i]);
			for (; !found && s->words[word]; s->words[word] &= s->words[word] - 1) {
				size_t index = word * WORD_BITS + (size_t)__builtin_ctzll(s->words[word]);
				found = try_candidate(set, index, s, record, ret);
			}
			s->words[word] = 0;
		}
	}
	return found;
}

bool ruleset_match_naive(const struct ruleset *set, struct rule_scratch *s, const struct record *record, struct rule_match *ret)
{
	size_t field;
	bool found = false;
	s->by_regex = true;
	for (size_t i = 0; !found && i < set->len; i++)
		found = rule_try(&set->rules[i], i, s, record, ret, &field) == RULE_HIT;
	s->by_regex = false;
	return found;
}
