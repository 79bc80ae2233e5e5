/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/answer.h"

#include "base/mem.h"
#include "base/yaml.h"

static int64_t whole_number(struct slice s)
{
	int64_t number = 0;
	if (s.len == 0 || s.len > 18)
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return -1;
		number = number * 10 + (s.ptr[i] - '0');
	}
	return number;
}

void answer_take_header(struct slice line, int64_t written[ANSWER_WRITTEN])
{
	static const char *const names[] = {"x-prometheus-remote-write-samples-written", "x-prometheus-remote-write-histograms-written", "x-prometheus-remote-write-exemplars-written"};
	size_t colon = slice_find(line, ':', 0);
	struct slice value = slice_trim(slice_sub(line, colon + 1, line.len));
	for (size_t i = 0; i < ANSWER_WRITTEN; i++) {
		if (slice_starts(line, SLICE("HTTP/")))
			written[i] = -1;
		else if (colon < line.len && slice_eq_nocase(slice_sub(line, 0, colon), slice_str(names[i])) && value.len > 0 && value.len <= 18)
			written[i] = whole_number(value);
	}
}

void answer_line(struct slice text, char *out, size_t size)
{
	struct buf clean = {0};
	buf_add_utf8(&clean, slice_trim(text));
	size_t len = 0;
	for (size_t i = 0; i < clean.len && len < size - 1; i++) {
		char c = clean.data[i];
		bool blank = (unsigned char)c <= ' ' || c == 0x7F;
		if (!blank || (len > 0 && out[len - 1] != ' '))
			out[len++] = blank ? ' ' : c;
	}
	while (len > 0 && out[len - 1] == ' ')
		len--;
	out[slice_utf8_prefix(slice_of(out, len))] = 0;
	buf_done(&clean);
}

static bool fits_header(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7F)
			return false;
	return s.len > 0;
}

bool answer_token(struct slice json, char **ret_token, int64_t *ret_seconds)
{
	enum { LIFE = 300, LIFE_MAX = 86400 };
	struct yaml_doc *doc;
	if (json.len == 0 || json.ptr[0] != '{' || yaml_load_text(json, "the token endpoint's answer", &doc, NULL) != 0) /* JSON is YAML */
		return false;
	const struct yaml *token = yaml_get(yaml_root(doc), "access_token"), *life = yaml_get(yaml_root(doc), "expires_in");
	bool has = token && token->kind == YAML_SCALAR && fits_header(token->text);
	int64_t seconds = life && life->kind == YAML_SCALAR ? whole_number(life->text) : -1;
	if (has) {
		*ret_token = mem_strdup(token->text);
		*ret_seconds = seconds <= 0 ? LIFE : seconds < LIFE_MAX ? seconds : LIFE_MAX;
	}
	yaml_doc_free(doc);
	return has;
}
