/* SPDX-License-Identifier: Apache-2.0 */
/* One shard: offset guard, decoding, naming, measuring. Everything a delta will say is gathered here and nothing leaves by itself.
 *
 * The offset guard makes the counts independent of how the source delivers: a record counts only at exactly the expected offset. One below it was
 * counted before; one above it is asked for again once (a client that lost its place), and if the gap is still there it is real (compaction, retention,
 * transaction markers) and goes into the delta as counted gap. */
#include "engine/shard.h"

#include "base/clock.h"
#include "base/mem.h"
#include "engine/example.h"
#include "engine/keying.h"
#include "engine/mask.h"
#include "engine/open.h"
#include "engine/red.h"
#include "engine/rekey.h"
#include "engine/sampler.h"
#include "metric/rule_family.h"

#include <stdlib.h>

enum { SERIES_LIMIT = 400000, LABEL_VALUES = 200 };
#define AHEAD_NS (10 * NS_PER_S)

struct shard {
	struct shard_opts opts;
	struct decoder *decoders[FORMAT_COUNT]; /* made when first needed */
	const struct ruleset *rules;
	struct rule_scratch *scratch;
	enum family_id *families; /* of the rules' own metrics */
	struct pattern **named;   /* by rule: the pattern it named last */
	int64_t rules_ns;
	int64_t now_ns;           /* of the message fed last */
	struct pattern_set *patterns;
	struct miner *miner;
	struct tally *tally;
	struct red *red;
	struct examples *examples;
	struct sampler *sampler; /* NULL: no sampling */
	struct buf masked;
	struct keying keying;
	struct rekey *rekey; /* NULL: nothing is re-keyed */
	struct incidents *incidents; /* NULL: none */
	bool unmask, wide;           /* wide: budgets are doubled for the record at hand */
	/* what the journal was told of each pattern: version + 1, 0: nothing */
	uint32_t *told;
	size_t told_cap;
	struct pattern **news;
	size_t news_len, news_cap;
	struct shard_totals totals;
	shard_visit *tap;       /* NULL: nobody looks on */
	void *tap_arg;
	size_t lost;            /* of the message fed last */
	enum undecodable lost_reason;
};

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
	s->red = red_new(s->tally, opts->step_ns, opts->label_values ? opts->label_values : LABEL_VALUES, &spans);
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

/* Doubles the budgets for a record of an incident, and puts them back for the next that is not. */
static void widen(struct shard *s, const struct red_event *e)
{
	bool wide = incidents_cover(s->incidents, e->service, e->time_ns);
	s->totals.incident += wide;
	if (wide == s->wide)
		return;
	s->wide = wide;
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

static struct decoder *decoder_for(struct shard *s, enum format format)
{
	if (!s->decoders[format]) {
		struct decoder_opts opts = {.format = format, .fields = s->opts.fields, .fields_len = s->opts.fields_len};
		s->decoders[format] = decoder_new(&opts);
	}
	return s->decoders[format];
}

/* Puts the pattern on the list for the next delta if the journal may not know it as it is now. */
static void tell(struct shard *s, struct pattern *p)
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

/* What naming a record found out. */
struct naming {
	struct red_event event;
	enum outcome outcome;
	struct pattern *pattern;
	struct rule_match match;
	struct rule_label labels[RULE_LABELS_MAX];
};

/* The same rule mostly meets the same service again. */
static struct pattern *pattern_of_rule(struct shard *s, const struct rule_match *match, struct slice service)
{
	struct pattern **last = &s->named[match->index];
	if (*last && slice_eq((*last)->service, service))
		return *last;
	char text[5 + 128];
	struct slice name = slice_sub(rule_name(match->rule), 0, 128);
	memcpy(text, "rule:", 5);
	memcpy(text + 5, name.ptr, name.len);
	return *last = pattern_set_add(s->patterns, ORIGIN_RULE, service, slice_of(text, 5 + name.len), rule_template(match->rule), rule_name(match->rule));
}

static void name_by_rule(struct shard *s, struct naming *n)
{
	const struct rule *rule = n->match.rule;
	struct red_event *e = &n->event;
	if (rule_drops(rule)) {
		n->outcome = OUTCOME_FILTERED;
		return;
	}
	if (rule_service(rule).len)
		e->service = rule_service(rule);
	if (rule_severity(rule) != SEVERITY_COUNT)
		e->severity = rule_severity(rule);
	int error = rule_match_error(&n->match);
	if (error >= 0)
		e->error = error;
	struct rule_http http;
	rule_match_http(&n->match, &http);
	if (http.status)
		e->http = http;
	int64_t duration = rule_duration_ns(&n->match);
	if (duration >= 0)
		e->duration_ns = duration;
	e->labels = n->labels;
	e->labels_len = rule_labels(&n->match, e->record, s->scratch, n->labels);
	n->pattern = pattern_of_rule(s, &n->match, e->service);
	n->outcome = OUTCOME_RULE;
}

static void name_by_miner(struct shard *s, struct naming *n)
{
	const struct record *record = n->event.record;
	struct mined mined;
	if (record->template_text.len) {
		n->pattern = pattern_set_add(s->patterns, ORIGIN_CARRIED, n->event.service, record->template_text, record->template_text, slice_of(NULL, 0));
		n->outcome = OUTCOME_CARRIED;
	} else {
		miner_name(s->miner, n->event.service, record->message, &mined);
		n->pattern = mined.pattern;
		n->outcome = OUTCOME_MINED;
		if (n->event.duration_ns < 0)
			n->event.duration_ns = mined.duration_ns;
	}
	n->pattern = pattern_survivor(n->pattern);
	if (n->pattern->overflow)
		n->outcome = OUTCOME_OVERFLOW;
}

static void report_given_up(struct shard *s, int64_t time_ns)
{
	for (int64_t rule; (rule = rule_scratch_take_given_up(s->scratch)) >= 0;)
		red_gave_up(s->red, time_ns, rule_name(ruleset_at(s->rules, (size_t)rule)));
}

static void name_log(struct shard *s, struct naming *n)
{
	bool matched = s->rules && ruleset_match(s->rules, s->scratch, n->event.record, &n->match);
	if (s->scratch)
		report_given_up(s, n->event.time_ns);
	if (matched)
		name_by_rule(s, n);
	else
		name_by_miner(s, n);
}

static void naming_init(struct naming *n, const struct record *record, int64_t time_ns)
{
	n->pattern = NULL;
	n->match.rule = NULL;
	n->event = (struct red_event){
		.record = record,
		.severity = record->severity,
		.service = record->service.len ? record->service : SLICE("unknown_service"),
		.time_ns = time_ns,
		.duration_ns = record->duration_ns,
		.error = record->error,
		.http = {.method = record->http_method, .path = record->http_path, .route = record->http_route, .status = record->http_status},
	};
}

/* What a rule counts in metrics of its own; behind red_log, as its labels take the place of those. */
static bool count_measures(struct shard *s, const struct naming *n)
{
	bool fits = true;
	struct rule_measure measure;
	for (size_t i = 0; i < rule_measures_len(n->match.rule); i++) {
		if (!rule_measure(&n->match, n->event.record, s->scratch, i, &measure))
			continue;
		enum family_id family = s->families[measure.metric];
		if (family != FAMILY_COUNT)
			fits &= red_measure(s->red, &n->event, family, &measure);
	}
	return fits;
}

static void offer_example(struct shard *s, const struct naming *n, const struct shard_example *where)
{
	const struct record *record = n->event.record;
	struct record traceless;
	if (s->opts.examples == EXAMPLES_NONE)
		return;
	if (where->traceless) {
		traceless = *record;
		traceless.trace_id = traceless.span_id = slice_of(NULL, 0);
		record = &traceless;
	}
	struct shard_example at = *where;
	at.unsure = n->event.unsure;
	at.time_ns = n->event.time_ns;
	at.severity = n->event.severity;
	bool incident = s->incidents && incidents_cover(s->incidents, n->event.service, at.time_ns);
	if (s->opts.examples == EXAMPLES_MASKED && !(incident && s->unmask) && examples_wants(s->examples, n->pattern, record, at.time_ns, n->event.error, incident))
		at.text = mask_example(s->miner, n->pattern, &n->match, record, &s->masked);
	examples_offer(s->examples, n->pattern, record, &at, n->event.error, incident);
}

/* What the record says of its trace; one that may be dropped gives no exemplar, one that may have been dropped already stands without it. */
static void note_trace(struct shard *s, struct naming *n, struct shard_example *where)
{
	if (s->wide)
		sampler_incident(s->sampler, n->event.record, where->newest_ns);
	enum sampler_says says = sampler_log(s->sampler, n->event.record, n->pattern, n->event.error, where->newest_ns);
	n->event.unsure = says != SAMPLER_SURE;
	where->traceless = says == SAMPLER_TOO_LATE;
}

static void count_log(struct shard *s, struct naming *n, struct shard_example *where)
{
	name_log(s, n);
	if (s->tap) {
		struct shard_view view = {.record = n->event.record, .pattern = n->pattern, .match = n->match.rule ? &n->match : NULL};
		s->tap(s->tap_arg, &view);
	}
	red_outcome(s->red, n->event.time_ns, n->outcome, 1);
	if (n->outcome == OUTCOME_FILTERED)
		return;
	if (n->outcome == OUTCOME_OVERFLOW)
		red_overflow(s->red, n->event.time_ns, "patterns_per_service", 1);
	n->event.pattern = n->pattern;
	if (s->sampler)
		note_trace(s, n, where);
	bool fits = red_log(s->red, &n->event);
	if (n->outcome == OUTCOME_RULE)
		fits &= count_measures(s, n);
	if (!fits)
		red_overflow(s->red, n->event.time_ns, "label_values", 1);
	if (n->pattern->overflow)
		return;
	tell(s, n->pattern);
	offer_example(s, n, where);
}

struct edge_sink {
	struct shard *shard;
	const struct red_event *event;
};

static void count_edge(void *arg, const struct graph_edge *edge)
{
	struct edge_sink *sink = arg;
	if (!red_edge(sink->shard->red, sink->event, edge))
		red_overflow(sink->shard->red, sink->event->time_ns, "label_values", 1);
}

/* The partition's event time with this record. Times come from the log alone: this has to come out the same whoever does it, whenever. */
static int64_t advance_open(struct shard *s, struct shard_partition *p, const struct record *r, int64_t source_time_ns)
{
	int64_t time_ns = r->time_ns;
	if (!p->open)
		p->open = open_new(&s->opts, p->keying, (struct replay_point){.offset = p->expected});
	if (source_time_ns > 0 && (time_ns <= 0 || time_ns > source_time_ns + AHEAD_NS))
		time_ns = source_time_ns;
	return replay_advance(&p->open->replay, time_ns);
}

/* A line of just that length is a whole one now and then: whether it goes on is the configuration's to say. */
static void settle_part(const struct shard *s, const struct decoded *decoded)
{
	if (decoded->len == 1 && decoded->records->part == PART_FULL)
		decoded->records->part = s->opts.join_full ? PART_UNFINISHED : PART_WHOLE;
}

/* Whether the payload is a piece of a line, or a line of a trace; *decoded becomes the whole line if this is its end. */
static bool join_lines(struct shard *s, struct shard_partition *p, struct slice payload, int64_t source_time_ns, int64_t now_ns, struct decoded *decoded)
{
	const struct record *r = decoded->records;
	bool open = p->open && !lines_empty(p->open->lines);
	struct slice before;
	settle_part(s, decoded);
	if (decoded->len != 1 || r->kind != RECORD_LOG || (open ? r->part == PART_WHOLE && !r->raw.ptr : r->part == PART_WHOLE || r->part == PART_HEADLINE))
		return false;
	int64_t newest_ns = advance_open(s, p, r, source_time_ns);
	enum lines_verdict verdict = lines_take(p->open->lines, r, newest_ns, &before);
	if (verdict == LINES_BEHIND) {
		decoder_decode_behind(decoder_for(s, p->format), before, payload, now_ns, decoded);
		settle_part(s, decoded);
		verdict = lines_again(p->open->lines, decoded->len == 1 ? decoded->records : NULL);
	}
	return verdict == LINES_JOINED;
}

static struct slice service_of(const struct record *record)
{
	return record->service.len ? record->service : SLICE("unknown_service");
}

/* Feeds a span to the service graph; e NULL: it is counted already. */
static void feed_graph(struct shard_partition *p, const struct record *span, uint64_t weight, int64_t newest_ns, struct shard *s, const struct red_event *e)
{
	struct edge_sink sink = {.shard = s, .event = e};
	if (p->open->graph)
		graph_span(p->open->graph, span, service_of(span), newest_ns, weight, e ? count_edge : NULL, &sink);
}

/* Feeds a span to the tail sampler; false if its trace may be dropped. */
static bool feed_tail(struct shard *s, struct shard_partition *p, const struct record *span, struct tail_message *m, size_t index, int64_t newest_ns, bool counts)
{
	if (!s->sampler)
		return true;
	if (!p->open->tail)
		p->open->tail = sampler_tail(s->sampler);
	return sampler_span(s->sampler, p->open->tail, span, service_of(span), m, index, newest_ns, counts);
}

static bool spans_records(const struct shard *s, const struct shard_partition *p, const struct record *record)
{
	return record->kind == RECORD_SPAN && p->keying != SHARD_TO_REKEY && (s->opts.hold_ns || s->sampler);
}

/* Its trace first: an exemplar is taken from it only if that is surely kept. */
static void count_span(struct shard *s, struct shard_partition *p, struct tail_message *m, size_t index, int64_t source_time_ns, struct red_event *e)
{
	enum weight_source source;
	uint64_t weight = weight_of(e->record, &source);
	if (!spans_records(s, p, e->record)) {
		e->unsure = s->sampler && !sampler_is_sure(s->sampler, e->record->trace_id, e->time_ns); /* its judge sits behind the topic that is re-keyed */
		red_span(s->red, e, weight, source);
		return;
	}
	int64_t newest_ns = advance_open(s, p, e->record, source_time_ns);
	e->unsure = !feed_tail(s, p, e->record, m, index, newest_ns, true);
	if (s->wide && s->sampler) {
		sampler_incident(s->sampler, e->record, newest_ns);
		e->unsure = e->unsure && e->record->trace_id.len == 0;
	}
	red_span(s->red, e, weight, source);
	feed_graph(p, e->record, weight, newest_ns, s, e);
}

/* When a message came. */
struct arrival {
	int64_t log_ns;  /* as the log has it; 0: it has none */
	int64_t ns;      /* the same, or now: for records without a time */
	int64_t now_ns;
};

static void count_record(struct shard *s, struct shard_partition *p, struct tail_message *m, const struct record *record, size_t index, const struct arrival *arrival, struct shard_example *where)
{
	struct naming n;
	int64_t time_ns = record->time_ns ? record->time_ns : arrival->ns;
	bool ahead = time_ns > arrival->now_ns + AHEAD_NS;
	if (ahead || time_ns <= 0)
		time_ns = arrival->now_ns;
	naming_init(&n, record, time_ns);
	if (ahead)
		red_clock_ahead(s->red, time_ns, n.event.service);
	if (time_ns > p->newest_ns)
		p->newest_ns = time_ns;
	where->newest_ns = p->newest_ns;
	if (s->incidents || s->wide)
		widen(s, &n.event);
	if (record->kind == RECORD_SPAN) {
		count_span(s, p, m, index, arrival->log_ns, &n.event);
		if (s->opts.hold_ns && p->keying == SHARD_KEYED)
			keying_span(&s->keying, record, p->topic, p->partition, s->opts.graph_of_services);
	} else {
		red_consumed(s->red, time_ns, 1, 0);
		count_log(s, &n, where);
	}
}

/* A piece of a line, which is counted with the line's end, or a line of a trace, which is counted with what it belongs to. */
static void count_joined(struct shard *s, struct shard_partition *p, const struct record *record, const struct arrival *arrival)
{
	int64_t time_ns = record->time_ns ? record->time_ns : arrival->ns;
	if (time_ns > arrival->now_ns + AHEAD_NS || time_ns <= 0)
		time_ns = arrival->now_ns;
	if (time_ns > p->newest_ns)
		p->newest_ns = time_ns;
	red_consumed(s->red, time_ns, 1, 0);
	red_outcome(s->red, time_ns, OUTCOME_JOINED, 1);
}

/* What sends the spans of a payload, once for each of its resources. */
static void count_targets(struct shard *s, const struct decoded *decoded, const struct arrival *arrival)
{
	for (size_t i = 0; i < decoded->len; i++) {
		const struct record *r = &decoded->records[i];
		if (r->kind != RECORD_SPAN || r->service.len == 0 || (i > 0 && r->resource == r[-1].resource))
			continue;
		struct red_event e = {.record = r, .service = r->service, .time_ns = r->time_ns > 0 && r->time_ns <= arrival->now_ns + AHEAD_NS ? r->time_ns : arrival->now_ns};
		if (!red_target(s->red, &e))
			red_overflow(s->red, e.time_ns, "targets", 1);
	}
}

/* Decodes, and has exceptions count as errors where that is wanted. */
static void read_payload(struct shard *s, const struct shard_partition *p, struct slice payload, int64_t now_ns, struct decoded *ret)
{
	decoder_decode(decoder_for(s, p->format), payload, now_ns, ret);
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

static void count_payload(struct shard *s, struct shard_partition *p, struct slice payload, int64_t offset, int64_t source_time_ns, int64_t now_ns)
{
	struct decoded decoded;
	struct arrival arrival = {.log_ns = source_time_ns, .ns = source_time_ns > 0 && source_time_ns < now_ns + AHEAD_NS ? source_time_ns : now_ns, .now_ns = now_ns};
	struct shard_example where = {.topic = p->topic, .partition = p->partition, .offset = offset};
	note_window(s, now_ns);
	if (!s->rules_ns)
		s->rules_ns = now_ns;
	read_payload(s, p, payload, now_ns, &decoded);
	bool joined = join_lines(s, p, payload, source_time_ns, now_ns, &decoded);
	struct tail_message message = {.bytes = payload, .format = p->format, .records = decoded.len};
	if (joined)
		count_joined(s, p, decoded.records, &arrival);
	for (size_t i = 0; i < decoded.len && !joined; i++)
		count_record(s, p, &message, &decoded.records[i], i, &arrival, &where);
	red_spans_end(s->red);
	count_targets(s, &decoded, &arrival);
	if (s->rekey && p->keying == SHARD_TO_REKEY)
		rekey_payload(s->rekey, &decoded);
	int64_t time_ns = decoded.len && decoded.records[0].time_ns && decoded.records[0].time_ns < now_ns ? decoded.records[0].time_ns : arrival.ns;
	if (decoded.undecodable) {
		red_consumed(s->red, arrival.ns, decoded.undecodable, 0);
		red_undecodable(s->red, arrival.ns, undecodable_name(decoded.reason), decoded.undecodable);
		red_outcome(s->red, arrival.ns, OUTCOME_UNDECODABLE, decoded.undecodable);
	}
	red_consumed(s->red, time_ns, 0, payload.len);
	s->totals.consumed += decoded.len + decoded.undecodable;
	s->totals.undecodable += decoded.undecodable;
	s->lost = decoded.undecodable;
	s->lost_reason = decoded.reason;
	s->totals.bytes += payload.len;
}

/* Spans that were counted in the topic they came from: only what spans records counts here. */
static void count_rekeyed(struct shard *s, struct shard_partition *p, struct slice payload, int64_t source_time_ns, int64_t now_ns)
{
	struct decoded decoded;
	enum weight_source source;
	note_window(s, now_ns);
	read_payload(s, p, payload, now_ns, &decoded);
	struct tail_message message = {.bytes = payload, .format = p->format, .records = decoded.len};
	for (size_t i = 0; i < decoded.len; i++) {
		struct naming n;
		const struct record *record = &decoded.records[i];
		int64_t time_ns = record->time_ns > 0 && record->time_ns <= now_ns + AHEAD_NS ? record->time_ns : now_ns;
		if (!spans_records(s, p, record))
			continue;
		naming_init(&n, record, time_ns);
		if (time_ns > p->newest_ns)
			p->newest_ns = time_ns;
		int64_t newest_ns = advance_open(s, p, record, source_time_ns);
		n.event.unsure = !feed_tail(s, p, record, &message, i, newest_ns, true);
		feed_graph(p, record, weight_of(record, &source), newest_ns, s, &n.event);
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
		if (!spans_records(s, p, record))
			continue;
		int64_t newest_ns = advance_open(s, p, record, source_time_ns);
		feed_tail(s, p, record, &message, i, newest_ns, false);
		feed_graph(p, record, weight_of(record, &source), newest_ns, NULL, NULL);
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

struct tally *shard_tally(struct shard *s)
{
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
			tell(s, changed[i]);
		}
	} while (n == 64);
	*ret_len = s->news_len;
	return s->news;
}

const struct shard_example *shard_examples(const struct shard *s, size_t *ret_len)
{
	return examples_open(s->examples, ret_len);
}

const struct shard_trace *shard_traces(struct shard *s, size_t *ret_len)
{
	size_t len;
	const struct shard_example *examples = examples_open(s->examples, &len);
	*ret_len = 0;
	if (!s->sampler)
		return NULL;
	sampler_examples(s->sampler, examples, len);
	return sampler_news(s->sampler, ret_len);
}

void shard_learn_trace(struct shard *s, const struct shard_trace *t)
{
	if (s->sampler)
		sampler_learn(s->sampler, t);
}

void shard_settled(struct shard *s, int64_t settled_ns)
{
	if (s->sampler)
		sampler_settled(s->sampler, settled_ns);
}

void shard_decide(struct shard *s, struct shard_partition *p, int64_t settled_ns, shard_kept_sink *sink, void *arg)
{
	if (s->sampler && p->open && p->open->tail)
		sampler_decide(s->sampler, p->open->tail, settled_ns, s->decoders, s->now_ns, sink, arg);
}

const struct shard_sampled *shard_sampled(const struct shard *s)
{
	return s->sampler ? sampler_totals(s->sampler) : NULL;
}

void shard_clear(struct shard *s)
{
	tally_clear(s->tally);
	examples_clear(s->examples);
	if (s->sampler)
		sampler_clear(s->sampler);
	s->news_len = 0;
	if (tally_series_len(s->tally) > s->opts.series_limit) {
		tally_forget(s->tally);
		red_forget(s->red);
	}
}

void shard_rewind(struct shard *s)
{
	tally_clear(s->tally);
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
			tell(s, p);
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
	struct shard_partition p = {.topic = SLICE("explain"), .format = format, .gap_asked = -1};
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
			count_log(s, &n, &where);
		red_spans_end(s->red);
		struct shard_view view = {.record = record, .pattern = n.pattern, .match = n.match.rule ? &n.match : NULL, .tally = s->tally};
		visit(arg, &view);
	}
	shard_clear(s);
}
