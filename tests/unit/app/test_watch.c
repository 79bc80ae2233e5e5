/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of rule files on a real file system: writes, renames, links that are swapped, writers that are not done. */
#include "../check.h"
#include "app/watch.h"
#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOON (3 * NS_PER_S)

static char folder[64];

static const char *at(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];
	snprintf(path, 256, "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Whether a change is told within the time. */
static bool told(struct watch *w, int64_t within_ns)
{
	int64_t end = clock_mono_ns() + within_ns;
	while (clock_mono_ns() < end) {
		if (watch_changed(w, clock_mono_ns()))
			return true;
		clock_sleep_ns(5 * NS_PER_MS);
	}
	return false;
}

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_watch_XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command);
}

static void what_happens_to_a_rule_file_in_a_directory_is_told_once(void **state)
{
	(void)state;
	put("a.yaml", "rules: []\n");
	const char *paths[] = {folder};
	struct watch *w = watch_new(paths, 1);
	check(!told(w, NS_PER_S / 2));
	put("a.yaml", "rules: [] # other\n");
	check(told(w, SOON));
	check(!told(w, NS_PER_S / 2));
	put("b.yaml", "rules: []\n");
	check(told(w, SOON));
	put("notes.txt", "no rule file\n");
	put(".hidden.yaml", "no rule file\n");
	check(!told(w, NS_PER_S));
	rename(at("b.yaml"), at("c.yaml"));
	check(told(w, SOON));
	unlink(at("c.yaml"));
	check(told(w, SOON));
	watch_free(w);
}

/* As Kubernetes does with a ConfigMap: a.yaml -> ..data/a.yaml, ..data -> ..1, and ..data is replaced. */
static void a_swapped_link_is_told(void **state)
{
	(void)state;
	mkdir(at("..1"), 0755);
	mkdir(at("..2"), 0755);
	put("..1/a.yaml", "rules: []\n");
	put("..2/a.yaml", "rules: []\n");
	check(symlink("..1", at("..data")) == 0 && symlink("..data/a.yaml", at("a.yaml")) == 0);
	char file[256];
	snprintf(file, sizeof(file), "%s", at("a.yaml"));
	const char *directory[] = {folder}, *one[] = {file};
	struct watch *w = watch_new(directory, 1), *v = watch_new(one, 1);
	check(symlink("..2", at("..data_tmp")) == 0 && rename(at("..data_tmp"), at("..data")) == 0);
	check(told(w, SOON));
	check(told(v, SOON));
	watch_free(w);
	watch_free(v);
}

static void a_directory_that_is_a_link_or_is_replaced_is_told(void **state)
{
	(void)state;
	mkdir(at("one"), 0755);
	mkdir(at("two"), 0755);
	put("one/a.yaml", "rules: []\n");
	put("two/a.yaml", "rules: []\n");
	check(symlink("one", at("rules")) == 0);
	char path[256];
	snprintf(path, sizeof(path), "%s", at("rules"));
	const char *paths[] = {path};
	struct watch *w = watch_new(paths, 1);
	check(symlink("two", at("new")) == 0 && rename(at("new"), at("rules")) == 0);
	check(told(w, SOON));
	put("two/a.yaml", "rules: [] # in the new one\n"); /* which is looked at now */
	check(told(w, SOON));
	watch_free(w);
}

static void a_file_that_is_being_written_is_waited_for(void **state)
{
	(void)state;
	put("a.yaml", "rules: []\n");
	const char *paths[] = {folder};
	struct watch *w = watch_new(paths, 1);
	int fd = open(at("a.yaml"), O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "rules:\n", 7), 7);
	check(!told(w, NS_PER_S)); /* it would be a rule file without rules */
	assert_int_equal(write(fd, "  []\n", 5), 5);
	close(fd);
	check(told(w, SOON));
	watch_free(w);
}

static void a_file_that_appears_later_is_told_and_the_print_tells_readings_apart(void **state)
{
	(void)state;
	char path[256];
	snprintf(path, sizeof(path), "%s", at("later.yaml"));
	const char *paths[] = {path};
	struct watch *w = watch_new(paths, 1);
	uint64_t none = watch_print(w);
	check(!told(w, NS_PER_S / 2));
	put("later.yaml", "rules: []\n");
	check(told(w, SOON));
	check(watch_print(w) != none && watch_print(w) == watch_print(w));
	put("later.yaml", "rules: [] # read already\n");
	watch_seen(w, watch_print(w));
	check(!told(w, NS_PER_S));
	put("names", "ORDER x\n");
	char more[256];
	int len = snprintf(more, sizeof(more), "%s", at("names"));
	watch_more(w, slice_of(more, (size_t)len + 1));
	check(!told(w, NS_PER_S / 2));
	put("names", "ORDER y\n");
	check(told(w, SOON));
	watch_free(w);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_happens_to_a_rule_file_in_a_directory_is_told_once),
		T(a_swapped_link_is_told),
		T(a_directory_that_is_a_link_or_is_replaced_is_told),
		T(a_file_that_is_being_written_is_waited_for),
		T(a_file_that_appears_later_is_told_and_the_print_tells_readings_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
