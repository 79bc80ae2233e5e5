/* SPDX-License-Identifier: Apache-2.0 */
/* One shard: offset guard, decoding, naming, measuring. Everything a delta will say is gathered here and nothing leaves by itself.
 *
 * The offset guard makes the counts independent of how the source delivers: a record counts only at exactly the expected offset. One below it was
 * counted before; one above it is asked for again once (a client that lost its place), and if the gap is still there it is real (compaction, retention,
 * transaction markers) and goes into the delta as counted gap. */
#include "engine/shard_parts.h"

#include "base/mem.h"
#include "metric/rule_family.h"

#include <stdlib.h>

enum { SERIES_LIMIT = 400000, LABEL_VALUES = 200, ID_VALUES = 16 };

struct shard *shard_new(const struct shard_opts *opts)
{
	struct shard *s = mem_zalloc(1, sizeof(*s));
	s->opts = *opts;
	if (!s->opts.series_limit)
		s->opts.series_limit = SERIES_LIMIT;
	s->patterns = pattern_set_new(&opts->limits);
	s->miner = miner_new(s->patterns, opts->miner_bytes);
	s->tally = tally_new();
	tally_native(s->tally, opts->native);
	const struct red_span_opts spans = {.preset = (enum span_preset)opts->span_preset, .dimensions = opts->span_dimensions, .dimensions_len = opts->span_dimensions_len};
	s->red = red_new(s->tally, opts->step_ns, opts->label_values ? opts->label_values : LABEL_VALUES, opts->id_values == SHARD_IDS_WELCOME ? 0 : opts->id_values ? opts->id_values : ID_VALUES, &spans);
	s->examples = examples_new();
	s->sampler = opts->sampling && opts->sampling->on ? sampler_new(opts->sampling) : NULL;
	shard_set_rules(s, opts->rules);
	return s;
}

void shard_free(struct shard *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < FORMAT_COUNT; i++)
		decoder_free(s->decoders[i]);
	rule_scratch_free(s->scratch);
	free(s->families);
	free(s->named);
	examples_free(s->examples);
	sampler_free(s->sampler);
	buf_done(&s->masked);
	rekey_free(s->rekey);
	incidents_free(s->incidents);
	red_free(s->red);
	tally_free(s->tally);
	miner_free(s->miner);
	pattern_set_free(s->patterns);
	free(s->told);
	free(s->news);
	free(s);
}

/* FAMILY_COUNT where the process has seen too many definitions: not counted then. */
static enum family_id family_of(const struct ruleset *rules, size_t metric)
{
	static const char *const kinds[] = {"Observed by a rule.", "Counted by a rule."};
	struct rule_metric_view m;
	ruleset_metric_at(rules, metric, &m);
	struct family f = {.name = m.name.ptr, .type = m.counter ? METRIC_COUNTER : METRIC_HISTOGRAM, .sums = m.counter, .unit = m.unit, .help = m.help.len ? m.help.ptr : kinds[m.counter], .bounds = m.bounds,
		.bounds_len = m.bounds_len};
	return rule_family_intern(&f);
}

void shard_set_rekey(struct shard *s, shard_rekey_sink *sink, void *arg)
{
	rekey_free(s->rekey);
	s->rekey = rekey_new(sink, arg);
}

void shard_set_rules(struct shard *s, const struct ruleset *rules)
{
	size_t metrics = rules ? ruleset_metrics_len(rules) : 0;
	rule_scratch_free(s->scratch);
	s->scratch = rules ? rule_scratch_new(rules) : NULL;
	s->rules = rules;
	s->rules_ns = 0;
	s->families = mem_realloc(s->families, metrics + 1, sizeof(*s->families));
	for (size_t i = 0; i < metrics; i++)
		s->families[i] = family_of(rules, i);
	free(s->named);
	s->named = mem_zalloc(rules ? ruleset_len(rules) + 1 : 1, sizeof(struct pattern *));
}

void shard_set_incidents(struct shard *s, struct incidents *incidents, bool unmask)
{
	incidents_free(s->incidents);
	s->incidents = incidents;
	s->unmask = unmask;
}

void shard_widen(struct shard *s, const struct red_event *e)
{
	bool wide = incidents_cover(s->incidents, e->service, e->time_ns);
	if (wide == s->wide)
		return;
	s->wide = wide;
	s->was_wide |= wide;
	pattern_set_widen(s->patterns, wide);
	red_widen(s->red, wide);
}

void shard_set_tap(struct shard *s, shard_visit *tap, void *arg)
{
	s->tap = tap;
	s->tap_arg = arg;
}

int64_t shard_rules_ns(const struct shard *s)
{
	return s->rules_ns;
}

static struct decoder *decoder_for(struct shard *s, const struct shard_partition *p)
{
	enum format format = p->format;
	if (!s->decoders[format]) {
		struct decoder_opts opts = {.format = format, .fields = s->opts.fields, .fields_len = s->opts.fields_len};
		s->decoders[format] = decoder_new(&opts);
	}
	decoder_set_zone(s->decoders[format], p->zone);
	return s->decoders[format];
}

static void decode(struct shard *s, const struct shard_partition *p, struct slice before, struct slice payload, int64_t now_ns, struct decoded *ret)
{
	const struct decoder_message m = {.payload = payload, .before = before, .headers = p->headers};
	decoder_decode_message(decoder_for(s, p), &m, now_ns, ret);
}

void shard_tell(struct shard *s, struct pattern *p)
{
	if (p->index >= s->told_cap) {
		size_t cap = s->told_cap ? s->told_cap : 64;
		while (cap <= p->index)
			cap *= 2;
		s->told = mem_realloc(s->told, cap, sizeof(*s->told));
		memset(s->told + s->told_cap, 0, (cap - s->told_cap) * sizeof(*s->told));
		s->told_cap = cap;
	}
	if (p->overflow || s->told[p->index] == p->version + 1)
		return;
	s->told[p->index] = p->version + 1;
	s->news = mem_grow(s->news, s->news_len, &s->news_cap, sizeof(*s->news));
	s->news[s->news_len++] = p;
}

/* A line of just that length is a whole one now and then: whether it goes on is the configuration's to say. */
static void settle_part(const struct shard *s, const struct decoded *decoded)
{
	if (decoded->len == 1 && decoded->records->part == PART_FULL)
		decoded->records->part = s->opts.join_full ? PART_UNFINISHED : PART_WHOLE;
}

/* An error in text: a trace may follow it line by line. */
static bool may_head_trace(const struct record *r)
{
	bool text = r->raw.ptr ? r->raw.len && r->raw.ptr[0] != '{' : r->shape[0] == 't' && strcmp(r->shape, "text") == 0;
	return r->severity >= SEVERITY_ERROR && r->part == PART_WHOLE && text;
}

/* Whether lines have to be asked about the record. open: some are held; noted: an error is, which the head of a trace may belong to. */
static bool may_join(const struct record *r, bool open, bool noted)
{
	if (open)
		return r->part != PART_WHOLE || r->raw.ptr;
	return r->part == PART_UNFINISHED || r->part == PART_TRACE || (noted && r->part == PART_HEADLINE);
}

/* Whether the payload is a piece of a line, or a line of a trace; *decoded becomes the whole line if this is its end. */
static bool join_lines(struct shard *s, struct shard_partition *p, struct slice payload, int64_t source_time_ns, int64_t now_ns, struct decoded *decoded)
{
	const struct record *r = decoded->records;
	bool open = p->open && !lines_empty(p->open->lines), noted = p->open && lines_noted(p->open->lines);
	struct slice before;
	enum lines_verdict verdict = LINES_COUNT;
	settle_part(s, decoded);
	if (decoded->len != 1 || r->kind != RECORD_LOG || !(noted || may_join(r, open, noted) || may_head_trace(r)))
		return false;
	int64_t newest_ns = shard_advance(s, p, r, source_time_ns);
	if (may_join(r, open, noted))
		verdict = lines_take(p->open->lines, r, newest_ns, &before);
	else
		lines_expire(p->open->lines, newest_ns);
	if (verdict == LINES_BEHIND) {
		decode(s, p, before, payload, now_ns, decoded);
		settle_part(s, decoded);
		verdict = lines_again(p->open->lines, decoded->len == 1 ? decoded->records : NULL);
	}
	if (verdict == LINES_COUNT && decoded->len == 1 && may_head_trace(decoded->records))
		lines_note(p->open->lines, decoded->records, newest_ns);
	return verdict == LINES_JOINED;
}

static void count_log(struct shard *s, struct shard_partition *p, const struct record *record, const struct arrival *arrival, struct shard_example *where)
{
	struct naming n;
	bool ahead;
	int64_t time_ns = shard_event_time(record, arrival, &ahead);
	naming_init(&n, record, time_ns);
	if (ahead)
		red_clock_ahead(s->red, time_ns, n.event.service);
	shard_newest(p, time_ns);
	where->newest_ns = p->newest_ns;
	if (s->incidents || s->wide)
		shard_widen(s, &n.event);
	s->totals.incident += s->wide;
	red_consumed(s->red, time_ns, 1, 0);
	shard_count_log(s, &n, where);
}

static void count_records(struct shard *s, struct shard_partition *p, struct tail_message *m, const struct decoded *decoded, const struct arrival *arrival, struct shard_example *where)
{
	if (decoded->len)
		shard_expect_span(p, decoded->records, m);
	for (size_t i = 0; (i = shard_count_spans(s, p, m, decoded, i, arrival)) < decoded->len; i++)
		count_log(s, p, &decoded->records[i], arrival, where);
}

/* A piece of a line, which is counted with the line's end, or a line of a trace, which is counted with what it belongs to. */
static void count_joined(struct shard *s, struct shard_partition *p, const struct record *record, const struct arrival *arrival)
{
	bool ahead;
	int64_t time_ns = shard_event_time(record, arrival, &ahead);
	shard_newest(p, time_ns);
	red_consumed(s->red, time_ns, 1, 0);
	red_outcome(s->red, time_ns, OUTCOME_JOINED, 1);
}

/* What sends the spans of a payload, once for each of its resources. */
static void count_targets(struct shard *s, const struct decoded *decoded, const struct arrival *arrival)
{
	bool one = decoded->len && decoded->records[0].resource == decoded->records[decoded->len - 1].resource; /* their numbers rise */
	for (size_t i = 0; i < decoded->len && !(one && i); i++) {
		const struct record *r = &decoded->records[i];
		if ((i > 0 && r->resource == r[-1].resource) || r->kind != RECORD_SPAN || r->service.len == 0)
			continue;
		bool ahead;
		struct red_event e = {.record = r, .service = r->service, .time_ns = shard_event_time(r, arrival, &ahead)};
		if (!red_target(s->red, &e))
			red_overflow(s->red, e.time_ns, "targets", 1);
	}
}

/* Decodes, and has exceptions count as errors where that is wanted. */
static void read_payload(struct shard *s, const struct shard_partition *p, struct slice payload, int64_t now_ns, struct decoded *ret)
{
	decode(s, p, slice_of(NULL, 0), payload, now_ns, ret);
	for (size_t i = 0; s->opts.exceptions_are_errors && i < ret->len; i++) {
		struct record *r = &ret->records[i];
		if (r->kind != RECORD_SPAN || r->status != STATUS_UNSET || !r->exception_event)
			continue;
		r->status = STATUS_ERROR;
		r->error = true;
	}
}

/* The ledger folds what is older than the receiver's window into one step; doing so here keeps the deltas of an old backlog small. Its window begins no earlier. */
static void note_window(struct shard *s, int64_t now_ns)
{
	if (s->opts.window_ns)
		red_set_oldest(s->red, (now_ns - s->opts.window_ns) / s->opts.step_ns);
}

static struct arrival arrival_of(int64_t source_time_ns, int64_t now_ns)
{
	return (struct arrival){.log_ns = source_time_ns, .ns = source_time_ns > 0 && source_time_ns < now_ns + AHEAD_NS ? source_time_ns : now_ns, .now_ns = now_ns, .latest_ns = now_ns + AHEAD_NS};
}

static void count_payload(struct shard *s, struct shard_partition *p, struct slice payload, int64_t offset, int64_t source_time_ns, int64_t now_ns)
{
	struct decoded decoded;
	struct arrival arrival = arrival_of(source_time_ns, now_ns);
	struct shard_example where = {.topic = p->topic, .partition = p->partition, .offset = offset};
	note_window(s, now_ns);
	if (!s->rules_ns)
		s->rules_ns = now_ns;
	read_payload(s, p, payload, now_ns, &decoded);
	bool joined = join_lines(s, p, payload, source_time_ns, now_ns, &decoded);
	struct tail_message message = {.bytes = payload, .format = p->format, .records = decoded.len};
	if (joined)
		count_joined(s, p, decoded.records, &arrival);
	else
		count_records(s, p, &message, &decoded, &arrival, &where);
	count_targets(s, &decoded, &arrival);
	if (s->rekey && p->keying == SHARD_TO_REKEY)
		rekey_payload(s->rekey, &decoded);
	int64_t time_ns = decoded.len && decoded.records[0].time_ns && decoded.records[0].time_ns < now_ns ? decoded.records[0].time_ns : arrival.ns;
	if (decoded.undecodable) {
		red_consumed(s->red, arrival.ns, decoded.undecodable, 0);
		red_undecodable(s->red, arrival.ns, undecodable_name(decoded.reason), decoded.undecodable);
		red_outcome(s->red, arrival.ns, OUTCOME_UNDECODABLE, decoded.undecodable);
	}
	red_payload(s->red, time_ns, payload.len);
	s->totals.consumed += decoded.len + decoded.undecodable;
	s->totals.undecodable += decoded.undecodable;
	s->lost = decoded.undecodable;
	s->lost_reason = decoded.reason;
	s->totals.bytes += payload.len;
}

/* Spans that were counted in the topic they came from: only what spans record counts here. */
static void count_rekeyed(struct shard *s, struct shard_partition *p, struct slice payload, int64_t source_time_ns, int64_t now_ns)
{
	struct decoded decoded;
	struct arrival arrival = arrival_of(source_time_ns, now_ns);
	enum weight_source source;
	bool ahead;
	note_window(s, now_ns);
	read_payload(s, p, payload, now_ns, &decoded);
	struct tail_message message = {.bytes = payload, .format = p->format, .records = decoded.len};
	for (size_t i = 0; i < decoded.len; i++) {
		struct naming n;
		const struct record *record = &decoded.records[i];
		if (!shard_spans_record(s, p, record))
			continue;
		naming_init(&n, record, shard_event_time(record, &arrival, &ahead));
		shard_newest(p, n.event.time_ns);
		if (s->incidents || s->wide)
			shard_widen(s, &n.event);
		shard_feed_span(s, p, record, &message, i, weight_of(record, &source), source_time_ns, &n.event);
	}
	s->lost = 0;
}

/* A record that is counted already and fed again. */
static void feed_again(struct shard *s, struct shard_partition *p, struct slice payload, int64_t source_time_ns, int64_t now_ns)
{
	struct decoded decoded;
	enum weight_source source;
	read_payload(s, p, payload, now_ns, &decoded);
	join_lines(s, p, payload, source_time_ns, now_ns, &decoded);
	struct tail_message message = {.bytes = payload, .format = p->format, .records = decoded.len};
	for (size_t i = 0; i < decoded.len; i++) {
		const struct record *record = &decoded.records[i];
		if (shard_spans_record(s, p, record))
			shard_feed_span(s, p, record, &message, i, weight_of(record, &source), source_time_ns, NULL);
	}
	s->lost = 0;
}

/* Offsets that are not there any more; those that were counted before they went are no gap. */
static void note_gap(struct shard *s, struct shard_partition *p, int64_t offset, int64_t time_ns)
{
	int64_t gap = offset - shard_partition_to(p);
	if (gap <= 0)
		return;
	p->gap += gap;
	s->totals.gaps += (uint64_t)gap;
	red_gap(s->red, time_ns, (uint64_t)gap);
}

enum shard_verdict shard_feed(struct shard *s, struct shard_partition *p, struct slice payload, int64_t offset, int64_t next_offset, int64_t source_time_ns, int64_t now_ns)
{
	if (offset < p->expected) {
		s->totals.behind++;
		return SHARD_BEHIND;
	}
	if (offset > p->expected) {
		if (p->gap_asked != p->expected) {
			p->gap_asked = p->expected;
			return SHARD_GAP;
		}
		note_gap(s, p, offset, source_time_ns > 0 ? source_time_ns : now_ns);
	}
	s->now_ns = now_ns;
	if (p->open) {
		open_keep(p->open);
		replay_note(&p->open->replay, offset);
	}
	if (offset < p->count_from)
		feed_again(s, p, payload, source_time_ns, now_ns);
	else if (p->keying == SHARD_REKEYED)
		count_rekeyed(s, p, payload, source_time_ns, now_ns);
	else
		count_payload(s, p, payload, offset, source_time_ns, now_ns);
	p->expected = next_offset;
	p->at_end = false;
	return SHARD_COUNTED;
}

size_t shard_lost(const struct shard *s, const char **ret_reason)
{
	*ret_reason = undecodable_name(s->lost_reason);
	return s->lost;
}

bool shard_wide(const struct shard *s)
{
	return s->was_wide;
}

struct tally *shard_tally(struct shard *s)
{
	red_books(s->red);
	return s->tally;
}

struct pattern *const *shard_news(struct shard *s, size_t *ret_len)
{
	struct pattern *changed[64];
	size_t n;
	do {
		n = pattern_set_take_changes(s->patterns, changed, 64);
		for (size_t i = 0; i < n; i++) {
			if (changed[i]->alias_of && changed[i]->index < s->told_cap)
				s->told[changed[i]->index] = 0;
			shard_tell(s, changed[i]);
		}
	} while (n == 64);
	*ret_len = s->news_len;
	return s->news;
}

const struct shard_example *shard_examples(const struct shard *s, size_t *ret_len)
{
	return examples_open(s->examples, ret_len);
}

void shard_clear(struct shard *s)
{
	tally_clear(s->tally);
	red_drop_books(s->red);
	examples_clear(s->examples);
	if (s->sampler)
		sampler_clear(s->sampler);
	s->news_len = 0;
	s->was_wide = s->wide;
	if (tally_series_len(s->tally) > s->opts.series_limit) {
		tally_forget(s->tally);
		red_forget(s->red);
	}
}

void shard_rewind(struct shard *s)
{
	tally_clear(s->tally);
	red_drop_books(s->red);
	examples_rewind(s->examples);
	if (s->sampler)
		sampler_rewind(s->sampler);
	s->news_len = 0;
	if (s->told_cap)
		memset(s->told, 0, s->told_cap * sizeof(*s->told));
	/* aliases are told once, when they happen: tell them again */
	for (size_t i = 0; i < pattern_set_len(s->patterns); i++) {
		struct pattern *p = pattern_set_at(s->patterns, (uint32_t)i);
		if (p->alias_of)
			shard_tell(s, p);
	}
}

void shard_import(struct shard *s, uint64_t id, enum pattern_origin origin, struct slice service, struct slice template_text, struct slice rule, uint64_t alias_id)
{
	struct pattern *p = pattern_set_import(s->patterns, id, origin, service, template_text, rule, alias_id);
	if (p && s->sampler)
		sampler_knows(s->sampler, p);
	if (p && origin == ORIGIN_MINED)
		miner_import(s->miner, p);
}

const struct shard_totals *shard_totals(const struct shard *s)
{
	return &s->totals;
}

void shard_explain(struct shard *s, enum format format, struct slice payload, int64_t now_ns, shard_visit *visit, void *arg, struct decoded *ret)
{
	struct shard_partition p = {.topic = SLICE("explain"), .format = format, .zone = s->opts.zone, .headers = s->opts.headers, .gap_asked = -1};
	struct shard_example where = {.topic = p.topic};
	read_payload(s, &p, payload, now_ns, ret);
	for (size_t i = 0; i < ret->len; i++) {
		struct naming n;
		const struct record *record = &ret->records[i];
		tally_clear(s->tally);
		naming_init(&n, record, record->time_ns ? record->time_ns : now_ns);
		enum weight_source source;
		uint64_t weight = weight_of(record, &source);
		if (record->kind == RECORD_SPAN)
			red_span(s->red, &n.event, weight, source);
		else
			shard_count_log(s, &n, &where);
		red_books(s->red);
		struct shard_view view = {.record = record, .pattern = n.pattern, .match = n.match.rule ? &n.match : NULL, .tally = s->tally};
		visit(arg, &view);
	}
	shard_clear(s);
}
