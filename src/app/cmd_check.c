/* SPDX-License-Identifier: Apache-2.0 */
/* winnow check: everything that can be known about a configuration and its rules without running them. */
#include "app/command.h"
#include "app/config.h"
#include "app/watch.h"
#include "base/clock.h"
#include "base/mem.h"
#include "pattern/ruleset.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char default_file[] = "winnow.yaml";

struct findings {
	struct buf *named; /* further files that rule files name */
	size_t files, rules, tests;
	size_t errors, failed, remarks;
};

struct check {
	const char **configs, **paths; /* paths: rule files and directories */
	size_t configs_len, configs_cap, paths_len, paths_cap;
	bool strict, watch;
	struct buf more; /* files that rule files name, for --watch */
	struct findings found;
};

static void print(struct buf *text)
{
	if (text->len)
		fwrite(text->data, 1, text->len, stdout);
	buf_done(text);
}

static void check_rules(struct findings *found, const char *const *paths, size_t len)
{
	struct ruleset *set = NULL;
	struct rule_errors errors = {.files = found->named};
	struct buf failures = {0}, remarks = {0};
	size_t run = 0;
	if (len == 0)
		return;
	if (ruleset_load(paths, len, &set, &errors)) {
		found->errors += errors.len;
		print(&errors.text);
		return;
	}
	found->rules += ruleset_len(set);
	found->failed += ruleset_run_tests(set, &failures, &run);
	found->tests += run;
	found->remarks += ruleset_lint(set, &remarks);
	print(&failures);
	print(&remarks);
	ruleset_free(set);
}

static void check_config(struct findings *found, const char *path)
{
	struct config *config = NULL;
	struct config_errors errors = {0};
	if (config_load(path, &config, &errors)) {
		found->errors += errors.len;
		print(&errors.text);
		return;
	}
	check_rules(found, config->rules.items, config->rules.len);
	config_free(config);
}

static void add(const char ***items, size_t *len, size_t *cap, const char *item)
{
	*items = mem_grow(*items, *len, cap, sizeof(**items));
	(*items)[(*len)++] = item;
}

static int parse(struct check *c, int argc, char **argv)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'}, {"strict", no_argument, NULL, 's'}, {"watch", no_argument, NULL, 'w'}, {0}};
	int option;
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "c:", longs, NULL)) != -1) {
		if (option == 'c')
			add(&c->configs, &c->configs_len, &c->configs_cap, optarg);
		else if (option == 's')
			c->strict = true;
		else if (option == 'w')
			c->watch = true;
		else
			return command_usage(&cmd_check, "unknown option or missing value: %s", argv[optind - 1]);
	}
	for (int i = optind; i < argc; i++) {
		if (config_is_one(argv[i]))
			add(&c->configs, &c->configs_len, &c->configs_cap, argv[i]);
		else
			add(&c->paths, &c->paths_len, &c->paths_cap, argv[i]);
	}
	if (c->configs_len + c->paths_len == 0)
		add(&c->configs, &c->configs_len, &c->configs_cap, default_file);
	return 0;
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static int summary(const struct check *c)
{
	const struct findings *f = &c->found;
	fflush(stdout); /* the sum stands behind what it sums, wherever the two go */
	bool bad = f->errors || f->failed || (c->strict && f->remarks);
	fprintf(stderr, "winnow check: %zu rule%s, %zu test%s: %zu error%s, %zu failed test%s, %zu remark%s\n", f->rules, plural(f->rules), f->tests, plural(f->tests), f->errors, plural(f->errors), f->failed,
		plural(f->failed), f->remarks, plural(f->remarks));
	return bad ? 1 : 0;
}

static int check(struct check *c)
{
	buf_reset(&c->more);
	c->found = (struct findings){.named = &c->more};
	for (size_t i = 0; i < c->configs_len; i++)
		check_config(&c->found, c->configs[i]);
	check_rules(&c->found, c->paths, c->paths_len);
	return summary(c);
}

/* ---- --watch ---- */

struct watched {
	const char **paths; /* owned */
	size_t len, cap;
};

static void watched_add(struct watched *w, const char *path)
{
	add(&w->paths, &w->len, &w->cap, mem_strdup(slice_str(path)));
}

static void watched_done(struct watched *w)
{
	for (size_t i = 0; i < w->len; i++)
		free((void *)(uintptr_t)w->paths[i]);
	free(w->paths);
	*w = (struct watched){0};
}

/* What is checked, and what the configurations name as it stands now. */
static void watched_list(struct watched *w, const struct check *c)
{
	for (size_t i = 0; i < c->paths_len; i++)
		watched_add(w, c->paths[i]);
	for (size_t i = 0; i < c->configs_len; i++) {
		struct config *config = NULL;
		struct config_errors errors = {0};
		watched_add(w, c->configs[i]);
		if (config_load(c->configs[i], &config, &errors) == 0)
			for (size_t k = 0; k < config->rules.len; k++)
				watched_add(w, config->rules.items[k]);
		config_errors_done(&errors);
		config_free(config);
	}
}

static void start_over(void)
{
	struct buf now = {0};
	clock_format(&now, clock_wall_ns());
	if (isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J\033[3J", stdout);
	printf("-- %.19sZ\n", buf_cstr(&now));
	fflush(stdout);
	buf_done(&now);
}

/* Until it is interrupted. */
static void check_on_change(struct check *c)
{
	for (;;) {
		struct watched w = {0};
		watched_list(&w, c);
		struct watch *watch = watch_new(w.paths, w.len);
		start_over();
		check(c);
		watch_more(watch, buf_slice(&c->more));
		while (!watch_changed(watch, clock_mono_ns()))
			clock_sleep_ns(50 * NS_PER_MS);
		watch_free(watch);
		watched_done(&w);
	}
}

static int run(int argc, char **argv)
{
	struct check c = {0};
	int status = parse(&c, argc, argv);
	if (status)
		goto out;
	if (c.watch)
		check_on_change(&c);
	status = check(&c);
out:
	fflush(stdout);
	buf_done(&c.more);
	free(c.configs);
	free(c.paths);
	return status;
}

const struct command cmd_check = {
	.name = "check",
	.synopsis = "[-c FILE] [--strict] [--watch] [PATH...]",
	.summary = "Checks a configuration and rule files, and runs the rules' tests",
	.help = "  -c, --config FILE  configuration, with the rules it names (winnow.yaml unless a PATH is given)\n"
		"      --strict       remarks count as errors\n"
		"      --watch        again whenever one of the files changes, until it is interrupted\n"
		"  PATH               a rule file, a directory of them, or a winnow.yaml\n"
		"\n"
		"Prints file:line:column: message for everything it finds: mistakes, failed tests, and remarks (rules\n"
		"that are slow, shadowed or untested). Exit status: 0 nothing wrong, 1 mistakes or failed tests,\n"
		"2 wrong usage.\n"
		"\n"
		"Example:\n  winnow check patterns/nginx.yaml\n",
	.run = run,
};
