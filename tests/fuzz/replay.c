/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for libFuzzer where it is not built in: runs the target on every file of the folders named, on damaged forms of each (from a fixed seed: the
 * same every time), and on nothing at all. */
#include "base/buf.h"
#include "base/hash.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DAMAGES = 300, INPUT_MAX = 1 << 20 };

static void damage(struct buf *b, uint64_t seed)
{
	for (uint64_t i = 0; i < 1 + seed % 4 && b->len; i++) {
		uint64_t r = hash_pair(seed, i);
		size_t at = (size_t)(r >> 16) % b->len;
		switch (r % 4) {
		case 0:
			b->data[at] = (char)(r >> 8);
			break;
		case 1:
			b->len = at;
			break;
		case 2:
			memmove(b->data + at, b->data + at + 1, --b->len - at);
			break;
		case 3:
			b->data[at] = (char)(b->data[at] ^ (1 << ((r >> 8) % 8)));
			break;
		}
	}
}

/* From a block of its own size, so that a read behind the end is seen. */
static void run(struct slice input)
{
	char *copy = malloc(input.len ? input.len : 1);
	if (!copy)
		abort();
	if (input.len)
		memcpy(copy, input.ptr, input.len);
	LLVMFuzzerTestOneInput((const uint8_t *)copy, input.len);
	free(copy);
}

static int replay_file(const char *path)
{
	struct buf whole = {0}, damaged = {0};
	FILE *f = fopen(path, "rb");
	if (!f)
		return -1;
	whole.len = fread(buf_reserve(&whole, INPUT_MAX), 1, INPUT_MAX, f);
	fclose(f);
	run(buf_slice(&whole));
	for (uint64_t i = 0; i < DAMAGES; i++) {
		buf_reset(&damaged);
		buf_add_slice(&damaged, buf_slice(&whole));
		damage(&damaged, hash_pair(hash_bytes(buf_slice(&whole)), i));
		run(buf_slice(&damaged));
	}
	buf_done(&whole);
	buf_done(&damaged);
	return 0;
}

static int replay_folder(const char *folder)
{
	DIR *d = opendir(folder);
	int files = 0;
	if (!d)
		return 0;
	for (struct dirent *e; (e = readdir(d));) {
		struct buf path = {0};
		if (e->d_name[0] == '.')
			continue;
		buf_printf(&path, "%s/%s", folder, e->d_name);
		files += replay_file(buf_cstr(&path)) == 0;
		buf_done(&path);
	}
	closedir(d);
	return files;
}

int main(int argc, char **argv)
{
	int files = 0;
	run(slice_of(NULL, 0));
	for (int i = 1; i < argc; i++)
		files += replay_folder(argv[i]);
	printf("%d files\n", files);
	return files ? 0 : 1;
}
