/* SPDX-License-Identifier: Apache-2.0 */
/* winnow help, and what is made of the same table: the man page and the completion for bash. */
#include "app/command.h"
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

/* ---- the man page ---- */

/* Text that troff must take as it stands. */
static void add_troff(struct buf *out, const char *text)
{
	bool fresh = true; /* at the start of a line, where . and ' are commands */
	for (; *text; text++) {
		if (fresh && (*text == '.' || *text == '\''))
			buf_add_str(out, "\\&");
		if (*text == '\\')
			buf_add_str(out, "\\e");
		else if (*text == '-')
			buf_add_str(out, "\\-");
		else
			buf_add_char(out, *text);
		fresh = *text == '\n';
	}
}

static void add_verbatim(struct buf *out, const char *text)
{
	buf_add_str(out, ".nf\n");
	add_troff(out, text);
	buf_add_str(out, ".fi\n");
}

static void add_man_command(struct buf *out, const struct command *c)
{
	buf_add_str(out, ".SS winnow ");
	add_troff(out, c->name);
	buf_add_char(out, ' ');
	add_troff(out, c->synopsis);
	buf_add_str(out, "\n");
	add_troff(out, c->summary);
	buf_add_str(out, ".\n.PP\n");
	add_verbatim(out, c->help);
}

static void add_man(struct buf *out)
{
	buf_add_str(out, ".TH WINNOW 1 \"\" \"winnow " WINNOW_VERSION "\" \"User Commands\"\n.SH NAME\nwinnow \\- patterns and RED metrics of logs and spans, for Prometheus\n"
			 ".SH SYNOPSIS\n.B winnow\n.I COMMAND\n.RI [ ARGUMENT ...]\n.SH DESCRIPTION\n");
	add_troff(out, command_intro);
	buf_add_str(out, ".SH COMMANDS\n");
	for (const struct command *const *c = commands; *c; c++)
		add_man_command(out, *c);
	buf_add_str(out, ".SH EXIT STATUS\n");
	add_troff(out, command_exits);
	buf_add_str(out, ".SH FILES\n.TP\n.I winnow.yaml\nThe configuration, in the working directory unless\n.B \\-c\nnames another.\n.TP\n.I /usr/share/winnow/patterns\nRules for common products.\n");
}

/* ---- completion ---- */

/* The options that the lines of a help begin with, as in "  -c, --config FILE  ...", parted by blanks. */
static void add_options(struct buf *out, const char *help)
{
	static const char letters[] = "-abcdefghijklmnopqrstuvwxyz";
	for (const char *line = help; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *at = line + strspn(line, " ");
		while (*at == '-' && at > line) {
			size_t len = strspn(at, letters);
			buf_add_slice(out, slice_of(at, len));
			buf_add_char(out, ' ');
			at += len + strspn(at + len, ", ");
		}
	}
	buf_add_str(out, "--help");
}

/* Words that a synopsis offers to choose from: rules|config. */
static void add_choices(struct buf *out, const char *synopsis)
{
	size_t len = strspn(synopsis, "abcdefghijklmnopqrstuvwxyz|");
	for (size_t i = 0; synopsis[len] == 0 && i < len; i++)
		buf_add_char(out, synopsis[i] == '|' ? ' ' : synopsis[i]);
}

static void add_bash(struct buf *out)
{
	buf_add_str(out, "# winnow completion bash\n_winnow()\n{\n\tlocal word=${COMP_WORDS[COMP_CWORD]} options= words=\n\tif [ \"$COMP_CWORD\" = 1 ]; then\n\t\tmapfile -t COMPREPLY < <(compgen -W \"");
	for (const struct command *const *c = commands; *c; c++)
		buf_printf(out, "%s ", (*c)->name);
	buf_add_str(out, "--help --version\" -- \"$word\")\n\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]} in\n");
	for (const struct command *const *c = commands; *c; c++) {
		buf_printf(out, "\t%s)\n\t\toptions=\"", (*c)->name);
		add_options(out, (*c)->help);
		buf_add_str(out, "\"\n\t\twords=\"");
		add_choices(out, (*c)->synopsis);
		buf_add_str(out, "\"\n\t\t;;\n");
	}
	buf_add_str(out, "\tesac\n\tif [ \"${word#-}\" != \"$word\" ]; then\n\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n\telif [ -n \"$words\" ]; then\n"
			 "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n\telse\n\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n\tfi\n}\ncomplete -o filenames -F _winnow winnow\n");
}

/* ---- the commands ---- */

static int print(void (*add)(struct buf *out))
{
	struct buf out = {0};
	add(&out);
	fwrite(out.data, 1, out.len, stdout);
	buf_done(&out);
	return 0;
}

static int run_help(int argc, char **argv)
{
	if (argc > 2)
		return command_usage(&cmd_help, "takes one word");
	if (argc == 1)
		return command_help_all(stdout);
	if (strcmp(argv[1], "--man") == 0)
		return print(add_man);
	const struct command *c = command_find(argv[1]);
	return c ? command_help(c) : command_unknown(argv[1]);
}

static int run_completion(int argc, char **argv)
{
	if (argc != 2 || strcmp(argv[1], "bash") != 0)
		return command_usage(&cmd_completion, "knows bash only");
	return print(add_bash);
}

const struct command cmd_help = {
	.name = "help",
	.synopsis = "[--man] [COMMAND]",
	.summary = "Tells what a command does, or prints the man page",
	.help = "  --man    the man page of all commands, for man -l -\n"
		"  COMMAND  the same as winnow COMMAND --help\n"
		"\n"
		"Example:\n  winnow help --man | man -l -\n",
	.run = run_help,
};

const struct command cmd_completion = {
	.name = "completion",
	.synopsis = "bash",
	.summary = "Prints what makes a shell complete commands, options and files",
	.help = "  bash  for bash, to be read at its start\n"
		"\n"
		"Example:\n  winnow completion bash > ~/.local/share/bash-completion/completions/winnow\n",
	.run = run_completion,
};
