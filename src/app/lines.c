/* SPDX-License-Identifier: Apache-2.0 */
#include "app/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/mem.h"

enum {
	READ_BYTES = 256 * 1024,
	LINE_MAX_BYTES = 8 << 20, /* the rest of a longer line is skipped */
};

struct reading {
	line_fn *fn;
	void *arg;
	struct buf carry; /* the start of a line whose end is not read yet */
};

static void give(const struct reading *r, struct slice line)
{
	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	r->fn(r->arg, line);
}

/* Gives whole lines out of data; what is left over stays in carry. */
static void take_bytes(struct reading *r, struct slice data)
{
	while (data.len) {
		size_t end = slice_find(data, '\n', 0);
		struct slice part = slice_sub(data, 0, end);
		if (r->carry.len + part.len > LINE_MAX_BYTES)
			part.len = LINE_MAX_BYTES - r->carry.len;
		if (end == data.len) {
			buf_add_slice(&r->carry, part);
			return;
		}
		if (r->carry.len) {
			buf_add_slice(&r->carry, part);
			part = buf_slice(&r->carry);
		}
		give(r, part);
		buf_reset(&r->carry);
		data = slice_sub(data, end + 1, SIZE_MAX);
	}
}

static int read_stream(struct reading *r, gzFile file, const char *name, struct err *e)
{
	char *block = mem_zalloc(1, READ_BYTES);
	int n;
	int code = 0;
	while ((n = gzread(file, block, READ_BYTES)) > 0)
		take_bytes(r, slice_of(block, (size_t)n));
	if (r->carry.len)
		give(r, buf_slice(&r->carry));
	if (n < 0)
		code = err_set(e, ERR_INPUT, "%s: %s", name, gzerror(file, &n));
	free(block);
	return code;
}

int lines_read(const char *path, line_fn *fn, void *arg, struct err *e)
{
	struct reading r = {.fn = fn, .arg = arg};
	bool standard = strcmp(path, "-") == 0;
	gzFile file = standard ? gzdopen(dup(STDIN_FILENO), "rb") : gzopen(path, "rb");
	if (!file)
		return err_set(e, ERR_INPUT, "%s: %s", path, strerror(errno ? errno : ENOMEM));
	gzbuffer(file, READ_BYTES);
	int code = read_stream(&r, file, standard ? "standard input" : path, e);
	buf_done(&r.carry);
	gzclose(file);
	return code;
}
