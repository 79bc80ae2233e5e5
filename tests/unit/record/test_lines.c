/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixtures/lines/NAME.txt, but for lines that begin with "# ": a payload in one line, then for each of its records a line "= {member: value}". Time, severity, service, message, trace_id,
 * span_id and duration_ns must be as they stand there, and empty if they do not; other members only if they stand there. "*" is anything.
 */
#include "../check.h"

#include "base/clock.h"
#include "record/decoder.h"
#include "record/json.h"

#include <dirent.h>
#include <stdio.h>

static const int64_t NOW_NS = INT64_C(1772618400) * NS_PER_S; /* 2026-03-04T10:00:00Z */

struct expect {
	struct json json;
	const char *file, *payload;
	size_t wrong;
};

static bool stands(const struct expect *e, const char *member, struct slice *ret)
{
	uint32_t at = json_get(&e->json, JSON_ROOT, slice_str(member));
	*ret = json_text(&e->json, at);
	return at != 0;
}

static void complain(struct expect *e, const char *member, struct slice got, struct slice want)
{
	print_error("%s: %.200s\n    %s is \"%.*s\", expected \"%.*s\"\n", e->file, e->payload, member, (int)got.len, got.len ? got.ptr : "", (int)want.len, want.len ? want.ptr : "");
	e->wrong++;
}

static void check_text(struct expect *e, const char *member, struct slice got, bool strict)
{
	struct slice want;
	bool there = stands(e, member, &want);
	if ((!there && !strict) || slice_eq(want, SLICE("*")))
		return;
	if (!slice_eq(got, want))
		complain(e, member, got, want);
}

static void check_number(struct expect *e, const char *member, int64_t got, int64_t absent, bool strict)
{
	char text[2][24];
	int64_t want = absent;
	uint32_t at = json_get(&e->json, JSON_ROOT, slice_str(member));
	if (!at && !strict)
		return;
	if (at)
		json_i64(&e->json, at, &want);
	snprintf(text[0], sizeof(text[0]), "%lld", (long long)got);
	snprintf(text[1], sizeof(text[1]), "%lld", (long long)want);
	if (got != want)
		complain(e, member, slice_str(text[0]), slice_str(text[1]));
}

/* "2026-03-04T09:15:02.5Z" of the expectation against nine digits of fraction. */
static void check_time(struct expect *e, const struct record *r)
{
	struct buf text = {0};
	struct slice want, got;
	stands(e, "time", &want);
	if (r->time_ns)
		clock_format(&text, r->time_ns);
	got = buf_slice(&text);
	while (got.len > 2 && (got.ptr[got.len - 2] == '0' || got.ptr[got.len - 2] == '.') && slice_find(got, '.', 0) < got.len) {
		text.data[got.len - 2] = 'Z';
		got.len--;
	}
	if (!slice_eq(got, want) && !slice_eq(want, SLICE("*")))
		complain(e, "time", got, want);
	buf_done(&text);
}

static void check_record(struct expect *e, const struct record *r)
{
	check_time(e, r);
	check_text(e, "shape", slice_str(r->shape), false);
	check_text(e, "severity", slice_str(severity_name(r->severity)), r->kind == RECORD_LOG);
	check_text(e, "service", r->service, true);
	check_text(e, "message", r->message, true);
	check_text(e, "trace_id", r->trace_id, true);
	check_text(e, "span_id", r->span_id, true);
	check_text(e, "name", r->name, true);
	check_text(e, "parent_span_id", r->parent_span_id, false);
	check_text(e, "template", r->template_text, false);
	check_text(e, "logger", r->logger, false);
	check_text(e, "http_method", r->http_method, false);
	check_text(e, "http_path", r->http_path, false);
	check_text(e, "http_route", r->http_route, false);
	check_text(e, "exception_type", r->exception_type, false);
	check_number(e, "duration_ns", r->duration_ns, -1, true);
	check_number(e, "http_status", r->http_status, 0, false);
	uint32_t error = json_get(&e->json, JSON_ROOT, SLICE("error"));
	if (error && (json_type(&e->json, error) == 't') != r->error)
		complain(e, "error", r->error ? SLICE("true") : SLICE("false"), SLICE("the other"));
}

static bool next_line(struct slice *text, struct slice *ret)
{
	size_t end = slice_find(*text, '\n', 0);
	if (text->len == 0)
		return false;
	*ret = slice_of(text->ptr, end);
	*text = slice_sub(*text, end + 1, text->len);
	return true;
}

/* "\n" written out in a text payload is a line end. */
static struct slice unescaped(struct slice line, struct buf *out)
{
	buf_reset(out);
	for (size_t i = 0; i < line.len; i++) {
		bool end = line.ptr[0] != '{' && line.ptr[0] != '[' && line.ptr[0] != '"' && slice_starts(slice_sub(line, i, 2), SLICE("\\n"));
		buf_add_char(out, end ? '\n' : line.ptr[i]);
		i += end;
	}
	return buf_slice(out);
}

static size_t check_file(const char *name, struct slice text, size_t *ret_lines)
{
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	struct json_parser *parser = json_parser_new();
	struct expect e = {.file = name};
	struct slice line;
	struct decoded out = {0};
	struct buf payload = {0};
	size_t record = 0;
	while (next_line(&text, &line)) {
		if (line.len == 0 || slice_starts(line, SLICE("# ")))
			continue;
		if (!slice_starts(line, SLICE("= "))) {
			if (record != out.len || out.undecodable)
				complain(&e, "number of records", slice_str(undecodable_name(out.reason)), slice_str("all"));
			unescaped(line, &payload);
			e.payload = buf_cstr(&payload);
			decoder_decode(d, buf_slice(&payload), NOW_NS, &out);
			record = 0;
			++*ret_lines;
			continue;
		}
		line = slice_sub(line, 2, line.len);
		assert_int_equal(json_parser_parse(parser, line.ptr, line.len, &e.json), JSON_OK);
		if (record < out.len)
			check_record(&e, &out.records[record]);
		else
			complain(&e, "record", slice_str(undecodable_name(out.reason)), line);
		record++;
	}
	buf_done(&payload);
	json_parser_free(parser);
	decoder_free(d);
	return e.wrong;
}

static void every_line_reads_as_its_system_documents_it(void **state)
{
	DIR *dir = opendir(WINNOW_SOURCE_DIR "/fixtures/lines");
	struct buf text = {0};
	size_t wrong = 0, lines = 0;
	(void)state;
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		char path[512];
		if (!slice_ends(slice_str(entry->d_name), SLICE(".txt")))
			continue;
		snprintf(path, sizeof(path), WINNOW_SOURCE_DIR "/fixtures/lines/%s", entry->d_name);
		FILE *file = fopen(path, "rb");
		assert_non_null(file);
		buf_reset(&text);
		for (size_t n = 1; n > 0; text.len += n)
			n = fread(buf_reserve(&text, 65536), 1, 65536, file);
		fclose(file);
		wrong += check_file(entry->d_name, buf_slice(&text), &lines);
	}
	closedir(dir);
	buf_done(&text);
	assert_true(lines >= 200);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_line_reads_as_its_system_documents_it)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
