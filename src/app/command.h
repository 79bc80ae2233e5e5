/* SPDX-License-Identifier: Apache-2.0 */
/* The table of sub-commands: help, man page and completion come from it. One cmd_NAME.c per command. */
#ifndef WINNOW_APP_COMMAND_H
#define WINNOW_APP_COMMAND_H

#include "base/err.h"

#include <stdio.h>

struct command {
	const char *name;
	const char *synopsis; /* "[-c FILE] [PATH...]" */
	const char *summary;  /* one line, for winnow --help */
	const char *help;     /* options and an example, fits one screen with the rest */
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit status: 0 done, 1 input, 2 usage, 3 peer unreachable */
};

/* Exit status for an err_code. */
int command_status(int code);
/* Prints "winnow NAME: text" and the synopsis to standard error; returns 2. */
int command_usage(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What --help prints, of all commands or of one; 0. */
int command_help_all(FILE *out);
int command_help(const struct command *command);
/* Says that there is no such command, and the nearest; 2. */
int command_unknown(const char *name);
/* NULL: there is none. */
const struct command *command_find(const char *name);
/* What the program is, and what its exit statuses mean. */
extern const char command_intro[], command_exits[];
/* The whole program: finds the command and runs it. */
int command_main(int argc, char **argv);
/* All commands, in the order of the help; NULL at the end. */
extern const struct command *const commands[];

extern const struct command cmd_audit, cmd_run, cmd_cardinality, cmd_check, cmd_explain, cmd_mine, cmd_suggest, cmd_plan, cmd_schema, cmd_top, cmd_slo, cmd_health, cmd_version, cmd_help, cmd_completion;

#endif
