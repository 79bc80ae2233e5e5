/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/rule_key.h"

#define END {NULL, false, NULL, NULL}

static const char *const severities[] = {"trace", "debug", "info", "warn", "error", "fatal", "unknown", NULL};
static const char *const units[] = {"ns", "us", "ms", "s", "m", "h", "d", NULL};

static const struct key_shape text = {.kinds = KEY_TEXT}, boolean = {.kinds = KEY_BOOL}, scalar = {.kinds = KEY_TEXT | KEY_NUMBER | KEY_BOOL};
static const struct key_shape severity = {.kinds = KEY_TEXT, .values = severities}, unit = {.kinds = KEY_TEXT, .values = units};
static const struct key_shape scalars = {.kinds = KEY_MAP, .others = &scalar}, texts = {.kinds = KEY_MAP, .others = &text};
static const struct key_shape number = {.kinds = KEY_NUMBER}, numbers = {.kinds = KEY_LIST, .items = &number};

static const struct key_shape condition = {.kinds = KEY_TEXT | KEY_NUMBER | KEY_BOOL | KEY_LIST, .items = &scalar};
static const struct key_shape conditions = {.kinds = KEY_MAP, .others = &condition};
static const struct key_shape error = {.kinds = KEY_BOOL | KEY_MAP, .others = &condition};

const struct rule_key rule_duration_keys[] = {
	{"from", true, &text, "the capture that holds the duration"},
	{"unit", false, &unit, "of a capture that is a bare number; default `s`"},
	END,
};
static const struct key_shape duration = {.kinds = KEY_MAP, .keys = rule_duration_keys};

const struct rule_key rule_label_keys[] = {
	{"from", true, &text, "a capture, or `record.FIELD`"},
	{"map", true, &scalars, "from conditions, written like values of `where`, to what the label becomes"},
	{"default", false, &scalar, "what it becomes if none holds; without it the value stays as it is"},
	END,
};
static const struct key_shape label = {.kinds = KEY_TEXT | KEY_NUMBER | KEY_BOOL | KEY_MAP, .keys = rule_label_keys};
static const struct key_shape labels = {.kinds = KEY_MAP, .others = &label};

const struct rule_key rule_counter_keys[] = {
	{"name", true, &text, "required; ends in `_total`, and in `_seconds_total` or `_bytes_total` if it sums durations or sizes"},
	{"help", false, &text, "one line for people"},
	{"value", false, &text, "the capture by which it grows; without it each match counts 1; what is negative or no number counts nothing"},
	{"unit", false, &unit, "of a duration that is a bare number (`ns us ms s m h d`); the counter counts seconds"},
	{"labels", false, &labels, "labels beside `service_name`, written like those of the rule"},
	END,
};
static const struct key_shape counter = {.kinds = KEY_MAP, .keys = rule_counter_keys}, counters = {.kinds = KEY_LIST, .items = &counter};

const struct rule_key rule_histogram_keys[] = {
	{"name", true, &text, "required; ends in `_seconds` or `_bytes` if it observes durations or sizes"},
	{"help", false, &text, "one line for people"},
	{"from", true, &text, "required: the capture that is observed"},
	{"unit", false, &unit, "of a duration that is a bare number (`ns us ms s m h d`); seconds are observed"},
	{"buckets", false, &numbers, "upper bounds, rising, at most 31; default: 0.001 to 30 for seconds, 256 to 1073741824 for bytes, else 1 to 1000000"},
	{"labels", false, &labels, "labels beside `service_name`, written like those of the rule"},
	END,
};
static const struct key_shape histogram = {.kinds = KEY_MAP, .keys = rule_histogram_keys}, histograms = {.kinds = KEY_LIST, .items = &histogram};

static const struct key_shape expect = {.kinds = KEY_TEXT | KEY_MAP, .others = &scalar};
const struct rule_key rule_test_keys[] = {
	{"message", false, &text, "the log line"},
	{"fields", false, &scalars, "the record's fields that `where` and labels look at"},
	{"expect", true, &expect, "`match`, `no match`, or a map of captures and labels"},
	END,
};
static const struct key_shape test = {.kinds = KEY_MAP, .keys = rule_test_keys}, tests = {.kinds = KEY_LIST, .items = &test};

const struct rule_key rule_keys[] = {
	{"name", true, &text, "required; unique over all files; the pattern's name and the `rule` label"},
	{"description", false, &text, "for people"},
	{"where", false, &conditions, "conditions on the record's fields; a rule may have nothing else"},
	{"match", false, &text, "what the message looks like: a log line with places"},
	{"grok", false, &text, "the same as a grok expression"},
	{"regex", false, &text, "the same as a PCRE2 regex; a rule has one of the three"},
	{"captures", false, &texts, "captures that are fields of the record: `{method: http.verb, status: response.code}`; empty where it has none"},
	{"duration", false, &duration, "`{from: CAPTURE, unit: ms}`; the unit (`ns us ms s m h d`, default `s`) is for captures that are a bare number"},
	{"labels", false, &labels, "labels on the pattern's series, see below"},
	{"counters", false, &counters, "counters of its own, see below"},
	{"histograms", false, &histograms, "histograms of its own, see below"},
	{"error", false, &error, "`true`, `false`, or a condition on captures: `{status: \">= 500\"}`; without it the record itself decides"},
	{"drop", false, &boolean, "`true`: the record is counted as `filtered` and nothing else"},
	{"service", false, &text, "what the record should have said"},
	{"severity", false, &severity, "what the record should have said"},
	{"allow_unbounded_label", false, &boolean, "`true`: labels that look like ids are meant"},
	{"tests", false, &tests, "a list of `message`, `fields`, `expect`"},
	END,
};

const char *const rule_text_keys[] = {"match", "grok", "regex", NULL};

static const struct key_shape paths = {.kinds = KEY_LIST, .items = &text};
static const struct key_shape rule = {.kinds = KEY_MAP, .keys = rule_keys}, rules = {.kinds = KEY_LIST, .items = &rule};

const struct rule_key rule_file_keys[] = {
	{"rules", false, &rules, "the rules, in the order in which they are tried"},
	{"grok_patterns", false, &texts, "grok names of this file's own"},
	{"grok_files", false, &paths, "files of grok names, a line each: `NAME regex`; relative to this file"},
	END,
};

void rule_key_names(const struct rule_key *keys, const char *ret[RULE_KEYS_MAX + 1])
{
	size_t n = 0;
	for (; keys->name && n < RULE_KEYS_MAX; keys++)
		ret[n++] = keys->name;
	ret[n] = NULL;
}

const struct rule_key *rule_key_find(const struct rule_key *keys, struct slice name)
{
	for (; keys->name; keys++)
		if (slice_eq(name, slice_str(keys->name)))
			return keys;
	return NULL;
}

static void print_table(struct buf *out, const char *of, const struct rule_key *keys)
{
	buf_printf(out, "| %s | meaning |\n|---|---|\n", of);
	for (; keys->name; keys++)
		buf_printf(out, "| `%s` | %s |\n", keys->name, keys->help);
}

void rule_print_keys(struct buf *out)
{
	print_table(out, "key", rule_keys);
}

void rule_print_metric_keys(struct buf *out)
{
	print_table(out, "key of a counter", rule_counter_keys);
	buf_add_char(out, '\n');
	print_table(out, "key of a histogram", rule_histogram_keys);
}
