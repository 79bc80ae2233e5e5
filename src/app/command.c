/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command.h"

#include <stdarg.h>
#include <stdio.h>

const struct command *const commands[] = {&cmd_run, &cmd_check, &cmd_explain, &cmd_mine, &cmd_top, &cmd_cardinality, &cmd_suggest, &cmd_plan, &cmd_schema, &cmd_slo, &cmd_audit, &cmd_health, &cmd_version, &cmd_help, &cmd_completion, NULL};

int command_status(int code)
{
	switch (code) {
	case ERR_OK: return 0;
	case ERR_USAGE: return 2;
	case ERR_UNREACHABLE: return 3;
	default: return 1;
	}
}

int command_usage(const struct command *command, const char *format, ...)
{
	va_list args;
	fprintf(stderr, "winnow %s: ", command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nusage: winnow %s %s\nTry 'winnow %s --help'.\n", command->name, command->synopsis, command->name);
	return 2;
}

const char command_intro[] = "winnow turns JSON logs and spans from Kafka into counted patterns and\nRED metrics with exemplars, for Prometheus.\n";
const char command_exits[] = "0 done, 1 something is wrong with what it was given, 2 wrong usage,\n3 a needed peer was not reachable.\n";

int command_help_all(FILE *out)
{
	fprintf(out, "%s\nusage: winnow COMMAND [ARGUMENT...]\n\n", command_intro);
	for (const struct command *const *c = commands; *c; c++)
		fprintf(out, "  %-11s  %s\n", (*c)->name, (*c)->summary);
	fprintf(out, "\nwinnow COMMAND --help tells more of each. A first look at your own log, no configuration needed:\n\n  winnow mine app.log\n\nExit status: %s", command_exits);
	return 0;
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int command_help(const struct command *c)
{
	printf("usage: winnow %s%s%s\n\n%s.\n\n%s", c->name, c->synopsis[0] ? " " : "", c->synopsis, c->summary, c->help);
	return 0;
}

int command_unknown(const char *word)
{
	const char *names[32];
	size_t n = 0;
	for (; commands[n] && n < 31; n++)
		names[n] = commands[n]->name;
	names[n] = NULL;
	const char *near = err_nearest(slice_str(word), names);
	fprintf(stderr, "winnow: there is no command \"%s\"%s%s%s\nTry 'winnow --help'.\n", word, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return 2;
}

const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

int command_main(int argc, char **argv)
{
	if (argc < 2) {
		command_help_all(stderr);
		return 2;
	}
	if (is_help(argv[1]))
		return command_help_all(stdout);
	const char *word = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
	const struct command *c = command_find(word);
	if (!c)
		return command_unknown(word);
	for (int i = 2; i < argc; i++)
		if (is_help(argv[i]))
			return command_help(c);
	return c->run(argc - 1, argv + 1);
}
