/* SPDX-License-Identifier: Apache-2.0 */
/* Naming a log record, by a rule, by its own template or by the miner, and counting it under its name. */
#include "engine/mask.h"
#include "engine/shard_parts.h"

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

/* What a rule counts in metrics of its own; behind red_log, as its labels take the place of those. */
static enum red_refusal count_measures(struct shard *s, const struct naming *n)
{
	enum red_refusal worst = RED_FITS;
	struct rule_measure measure;
	for (size_t i = 0; i < rule_measures_len(n->match.rule); i++) {
		if (!rule_measure(&n->match, n->event.record, s->scratch, i, &measure))
			continue;
		enum family_id family = s->families[measure.metric];
		enum red_refusal refusal = family != FAMILY_COUNT ? red_measure(s->red, &n->event, family, &measure) : RED_FITS;
		worst = refusal > worst ? refusal : worst;
	}
	return worst;
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

void naming_init(struct naming *n, const struct record *record, int64_t time_ns)
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

void shard_count_log(struct shard *s, struct naming *n, struct shard_example *where)
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
	enum red_refusal refusal = red_log(s->red, &n->event), of_measures = n->outcome == OUTCOME_RULE ? count_measures(s, n) : RED_FITS;
	refusal = of_measures > refusal ? of_measures : refusal;
	if (refusal)
		red_overflow(s->red, n->event.time_ns, red_refusal_name(refusal), 1);
	if (n->pattern->overflow)
		return;
	shard_tell(s, n->pattern);
	offer_example(s, n, where);
}
