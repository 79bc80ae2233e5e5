/* SPDX-License-Identifier: Apache-2.0 */
/* Every line of the fixtures, changed in many ways, is read with the quick readers and with a memory of times, and without both. */
#include "slow_header.h"

#include "../check.h"

#include "base/buf.h"
#include "record/time_memo.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINES = 4000, ROUNDS = 40 };

struct lines {
	struct buf text;
	struct slice at[LINES];
	size_t len;
};

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void add_file(const char *path, struct buf *text)
{
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	for (size_t n = 1; n > 0; text->len += n)
		n = fread(buf_reserve(text, 65536), 1, 65536, file);
	fclose(file);
}

/* Payloads that are text, and the text that is what a JSON line begins with in "log" or "message". */
static void add_line(struct lines *lines, struct slice line)
{
	if (line.len == 0 || slice_starts(line, SLICE("= ")) || slice_starts(line, SLICE("# ")) || lines->len == LINES)
		return;
	size_t inside = slice_search(line, SLICE("\"log\":\""));
	if (line.ptr[0] == '{' && inside < line.len)
		line = slice_sub(line, inside + 7, line.len);
	lines->at[lines->len++] = line;
}

static void load(struct lines *lines)
{
	DIR *dir = opendir(WINNOW_SOURCE_DIR "/fixtures/lines");
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		char path[512];
		if (!slice_ends(slice_str(entry->d_name), SLICE(".txt")))
			continue;
		snprintf(path, sizeof(path), WINNOW_SOURCE_DIR "/fixtures/lines/%s", entry->d_name);
		add_file(path, &lines->text);
	}
	closedir(dir);
	struct slice text = buf_slice(&lines->text);
	for (size_t from = 0, end; from < text.len; from = end + 1) {
		end = slice_find(text, '\n', from);
		add_line(lines, slice_sub(text, from, end - from));
	}
}

/* One change at a place that is among the first bytes as often as anywhere: what headers are made of put in, a byte or a word taken out, another letter or digit. */
static void change(struct buf *line, uint64_t *seed)
{
	static const char *const parts[] = {" ", "  ", "\t", " - ", "[", "]", ":", ": ", "=", "trace_id=", "span", "ERROR", " INFO ", "warn ", "a.b.C", "a.b.C ", "--- ", "-- ", "1 --- ", "#12", "|", ",", "[main]", "[x-1] ", "[a,,]", "[a,b] ", "race", ".", "/", "_",
		"[pay,4bf92f3577b34da6a3ce929d0e0e4736,00f067aa0ba902b7] ", "Note", "I ", "E | ", "stdout F ", "n: n: n: n: ", "\xC3\xBC", "09:15:02 ", "2026-03-04 09:15:02,481 ", "dd.trace_id=", "x-", "6e0c6325-7de3-4c92-aef1-d0a1b2c3d4e5\t"};
	size_t most = next_random(seed) % 2 && line->len > 80 ? 80 : line->len, at = most ? next_random(seed) % most : 0, n = next_random(seed) % 8;
	const char *part = parts[next_random(seed) % (sizeof(parts) / sizeof(parts[0]))];
	switch (next_random(seed) % 4) {
	case 0:
		buf_reserve(line, strlen(part));
		memmove(line->data + at + strlen(part), line->data + at, line->len - at);
		memcpy(line->data + at, part, strlen(part));
		line->len += strlen(part);
		break;
	case 1:
		n = n < line->len - at ? n : line->len - at;
		memmove(line->data + at, line->data + at + n, line->len - at - n);
		line->len -= n;
		break;
	case 2:
		line->len = next_random(seed) % 4 ? line->len : at;
		break;
	default:
		if (at < line->len)
			line->data[at] = (char)(' ' + next_random(seed) % 95);
	}
}

/* Read in memory of its own, so that sanitizers see who reads behind it. */
static bool reads_the_same(struct slice line, struct time_memos *times, bool *ret_complete)
{
	struct text_header with, without;
	char *copy = malloc(line.len ? line.len : 1);
	assert_non_null(copy);
	memcpy(copy, line.ptr, line.len);
	line.ptr = copy;
	slow_header_read(line, NULL, &without);
	text_header_read(line, times, &with);
	*ret_complete = with.has_time && with.severity && with.logger.len;
	bool same = slow_same(&with, &without);
	if (!same)
		print_error("%.*s\n", (int)line.len, line.ptr);
	free(copy);
	return same;
}

static void what_is_read_at_a_glance_is_what_is_read_with_care(void **state)
{
	static struct lines lines;
	struct time_memos times = {0};
	struct buf line = {0};
	uint64_t seed = UINT64_C(88172645463325252);
	size_t wrong = 0, complete = 0;
	(void)state;
	load(&lines);
	assert_true(lines.len > 1000);
	for (size_t i = 0; i < lines.len * ROUNDS && wrong < 10; i++) {
		struct slice from = lines.at[i % 3 ? i / 3 % lines.len : next_random(&seed) % lines.len];
		bool is_complete;
		buf_reset(&line);
		buf_add_slice(&line, from);
		for (uint64_t changes = next_random(&seed) % 4; changes; changes--)
			change(&line, &seed);
		wrong += !reads_the_same(buf_slice(&line), &times, &is_complete);
		complete += is_complete;
	}
	assert_int_equal(wrong, 0);
	assert_true(complete > 1000);
	buf_done(&line);
	buf_done(&lines.text);
}

/* Elements in any order behind a time, three of them and a rest: what one leaves open is seen by the next. */
static void elements_come_in_any_order(void **state)
{
	static const char *const elements[] = {"INFO ", "error ", "ERROR:", "warning ", "- ", ": ", "| ", ", ", "--- ", "1 --- ", "shop.pay.Charge ", "pay.views ", "pay-service ", "root ", "pay ", "Charge: ", "a.b.C#12 ", "[main] ", "[nio-8080-exec-1] ", "[INFO] ", "[a,b] ", "[pay,,] ",
		"[pay,4bf92f3577b34da6a3ce929d0e0e4736,00f067aa0ba902b7] ", "[4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7] ", "[abf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7] ", "[trace_id=4bf92f3577b34da6a3ce929d0e0e4736] ", "TraceID: 4bf92f3577b34da6a3ce929d0e0e4736 ", "12 ", "(main) ", "{x} ", "I | ", "trace ", "\t", "span.x ", "info-service ", "informationals ", "informational-x ", "I-x ", "[Note] ", "[I] ", "[System] ", "ae0c6325-7de3-4c92-aef1-d0a1b2c3d4e5\t", "- - - - - - - - - - - - - - - ", "E0304 09:15:02.481203 41 store.go:118] "};
	enum { ELEMENTS = sizeof(elements) / sizeof(elements[0]) };
	static const char *const rests[] = {"charge 81422 was declined, race over", "x", "", "[cart] 12 items sold to somebody", "order: 12", "a.b.C - sold twice this morning", "span_id=00f067aa0ba902b7 and what follows"};
	struct time_memos times = {0};
	(void)state;
	for (size_t i = 0; i < (size_t)ELEMENTS * ELEMENTS * ELEMENTS; i++) {
		char line[512];
		bool complete;
		snprintf(line, sizeof(line), "2026-03-04 09:15:02,481 %s%s%s%s", elements[i % ELEMENTS], elements[i / ELEMENTS % ELEMENTS], elements[i / ELEMENTS / ELEMENTS], rests[i % (sizeof(rests) / sizeof(rests[0]))]);
		assert_true(reads_the_same(slice_str(line), &times, &complete));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_at_a_glance_is_what_is_read_with_care),
		cmocka_unit_test(elements_come_in_any_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
