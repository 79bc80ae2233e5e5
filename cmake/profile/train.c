/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train FILE...: reads what topics hold, so that the compiler sees which ways are gone (CMakeLists.txt beside it).
 *
 * A topic holds a few kinds of lines again and again, one after the other or mixed. So each payload is read many times in a row, then with its neighbours, at random but the same each time:
 * a build can be repeated to the byte. Nothing here depends on the clock or on where memory lies.
 *
 * FILE is fixtures/lines/NAME.txt, one payload a line but for comments ("# ") and expectations ("= "), "\n" in texts being a line's end; or fixtures/oracle/NAME.cases, binary payloads and
 * what is expected of them in turn, each behind its length in four bytes, lowest first.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "record/decoder.h"

#include <stdio.h>
#include <stdlib.h>

enum { IN_A_ROW = 200, MIXED = 200, NEIGHBOURS = 10 };

static const int64_t NOW_NS = INT64_C(1772618400) * NS_PER_S; /* the lines are of that day: 2026-03-04T10:00:00Z */

struct topic {
	struct slice *payloads;
	size_t len, cap;
};

static void add(struct topic *t, struct slice payload)
{
	t->payloads = mem_grow(t->payloads, t->len, &t->cap, sizeof(*t->payloads));
	t->payloads[t->len++] = payload;
}

/* In place: what is JSON keeps its escapes. */
static struct slice unescaped(char *line, size_t len)
{
	size_t n = 0;
	bool text = !strchr("{[\"", line[0]);
	for (size_t i = 0; i < len; i++) {
		bool end = text && i + 1 < len && line[i] == '\\' && line[i + 1] == 'n';
		line[n++] = end ? '\n' : line[i];
		i += end;
	}
	return slice_of(line, n);
}

static void add_lines(struct topic *t, char *text, size_t len)
{
	for (size_t from = 0, end; from < len; from = end + 1) {
		struct slice line;
		end = slice_find(slice_of(text, len), '\n', from);
		line = slice_of(text + from, end - from);
		if (line.len && !slice_starts(line, SLICE("# ")) && !slice_starts(line, SLICE("= ")))
			add(t, unescaped(text + from, line.len));
	}
}

static void add_cases(struct topic *t, const unsigned char *bytes, size_t len)
{
	bool payload = true;
	for (size_t at = 0, n; at + 4 <= len; at += n, payload = !payload) {
		n = bytes[at] | (size_t)bytes[at + 1] << 8 | (size_t)bytes[at + 2] << 16 | (size_t)bytes[at + 3] << 24;
		at += 4;
		if (n > len - at) {
			fprintf(stderr, "train: offset %zu: %zu bytes are said to follow, there are %zu\n", at, n, len - at);
			exit(1);
		}
		if (payload)
			add(t, slice_of((const char *)bytes + at, n));
	}
}

static void load(struct topic *t, const char *path, struct buf *file)
{
	FILE *f = fopen(path, "rb");
	if (!f) {
		perror(path);
		exit(1);
	}
	for (size_t n = 1; n > 0; file->len += n)
		n = fread(buf_reserve(file, 65536), 1, 65536, f);
	fclose(f);
	if (slice_ends(slice_str(path), SLICE(".cases")))
		add_cases(t, (const unsigned char *)file->data, file->len);
	else
		add_lines(t, file->data, file->len);
}

static size_t at_random(uint64_t *seed, size_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (size_t)(*seed % below);
}

static void read_topic(const struct topic *t)
{
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	struct decoded out;
	uint64_t seed = 88172645463325252u;
	for (size_t i = 0; i < t->len * IN_A_ROW; i++)
		decoder_decode(d, t->payloads[i / IN_A_ROW], NOW_NS, &out);
	for (size_t i = 0; i < t->len * MIXED; i++)
		decoder_decode(d, t->payloads[(i / MIXED + at_random(&seed, NEIGHBOURS)) % t->len], NOW_NS, &out);
	decoder_free(d);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct topic t = {0};
		struct buf file = {0};
		load(&t, argv[i], &file);
		if (t.len == 0) {
			fprintf(stderr, "train: %s: no payload\n", argv[i]);
			return 1;
		}
		read_topic(&t);
		free(t.payloads);
		buf_done(&file);
	}
	return 0;
}
