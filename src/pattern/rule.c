/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule says about a record that it matched. */
#include "pattern/rule.h"

struct slice rule_name(const struct rule *rule)
{
	return rule->name;
}

struct slice rule_template(const struct rule *rule)
{
	return rule->shown;
}

bool rule_drops(const struct rule *rule)
{
	return rule->drop;
}

int rule_error(const struct rule *rule)
{
	return rule->error;
}

int rule_match_error(const struct rule_match *match)
{
	const struct where *when = &match->rule->error_when;
	for (size_t i = 0; i < when->len; i++) {
		struct slice text = match->captures[when->fields[i].capture];
		if (!where_field_holds(&when->fields[i], text.len > 0, text))
			return 0;
	}
	return when->len ? 1 : match->rule->error;
}

struct slice rule_service(const struct rule *rule)
{
	return rule->service;
}

enum severity rule_severity(const struct rule *rule)
{
	return rule->severity;
}

int64_t rule_duration_ns(const struct rule_match *match)
{
	const struct rule *rule = match->rule;
	double ns;
	if (rule->duration == RULE_NO_CAPTURE || !convert_duration(match->captures[rule->duration], rule->duration_unit_ns, &ns))
		return -1;
	return ns >= 0 && ns < 9e18 ? (int64_t)(ns + 0.5) : -1;
}

static struct slice capture_or_none(const struct rule_match *match, uint32_t capture)
{
	return capture == RULE_NO_CAPTURE ? (struct slice){0} : match->captures[capture];
}

void rule_match_http(const struct rule_match *match, struct rule_http *ret)
{
	const struct rule *rule = match->rule;
	int64_t status;
	*ret = (struct rule_http){
		.method = capture_or_none(match, rule->http_method),
		.path = capture_or_none(match, rule->http_path),
		.route = capture_or_none(match, rule->http_route),
	};
	if (slice_to_i64(capture_or_none(match, rule->http_status), &status) && status >= 100 && status <= 599)
		ret->status = (int)status;
}

static struct slice piece_text(const struct label_piece *piece, const struct rule_match *match, const struct record *record, const struct rule_scratch *scratch)
{
	struct slice s = {0};
	if (piece->capture != RULE_NO_CAPTURE)
		return match->captures[piece->capture];
	if (!piece->field)
		return piece->text;
	rule_field(scratch, record, piece->text, &s);
	return s;
}

/* The value through the label's map, itself where the map does not name it and there is no default. */
static struct slice mapped(const struct label_rule *label, struct slice value)
{
	for (size_t i = 0; i < label->map_len; i++)
		if (where_value_holds(&label->keys[i], true, value) != label->keys[i].negated)
			return label->becomes[i];
	return label->has_fallback ? label->fallback : value;
}

size_t rule_labels(const struct rule_match *match, const struct record *record, struct rule_scratch *scratch, struct rule_label out[RULE_LABELS_MAX])
{
	return rule_make_labels(match->rule->labels, match->rule->labels_len, match, record, scratch, out);
}

static size_t names_of(const struct label_rule *labels, size_t len, struct slice out[RULE_LABELS_MAX])
{
	for (size_t i = 0; i < len; i++)
		out[i] = labels[i].name;
	return len;
}

size_t rule_label_names(const struct rule *rule, struct slice out[RULE_LABELS_MAX])
{
	return names_of(rule->labels, rule->labels_len, out);
}

size_t rule_measure_names(const struct rule *rule, size_t index, struct slice *ret_metric, struct slice out[RULE_LABELS_MAX])
{
	*ret_metric = rule->metrics[index].name;
	return names_of(rule->metrics[index].labels, rule->metrics[index].labels_len, out);
}

size_t rule_make_labels(const struct label_rule *labels, size_t labels_len, const struct rule_match *match, const struct record *record, struct rule_scratch *scratch,
	struct rule_label out[RULE_LABELS_MAX])
{
	size_t offsets[RULE_LABELS_MAX], len = 0;
	buf_reset(&scratch->text);
	for (size_t i = 0; i < labels_len; i++) {
		const struct label_rule *label = &labels[i];
		out[len].name = label->name;
		offsets[len] = SIZE_MAX;
		if (label->len == 1) { /* the usual one: no copy */
			out[len].value = mapped(label, piece_text(&label->pieces[0], match, record, scratch));
		} else {
			offsets[len] = scratch->text.len;
			for (size_t k = 0; k < label->len; k++)
				buf_add_slice(&scratch->text, piece_text(&label->pieces[k], match, record, scratch));
			out[len].value.len = scratch->text.len - offsets[len];
		}
		len += out[len].value.len > 0; /* an empty label is none */
	}
	for (size_t i = 0; i < len; i++)
		if (offsets[i] != SIZE_MAX)
			out[i].value.ptr = scratch->text.data + offsets[i];
	return len;
}

size_t rule_captures_len(const struct rule *rule)
{
	return rule->captures_len;
}

struct slice rule_capture_name(const struct rule *rule, size_t capture)
{
	return rule->captures[capture].name;
}
