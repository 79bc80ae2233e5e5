/* SPDX-License-Identifier: Apache-2.0 */
/* docs/configuration.md out of the table of options; a test compares the file with this. */
#include "app/config_option.h"

static const char *const type_names[] = {
	[OPTION_BOOL] = "true or false", [OPTION_INT] = "number", [OPTION_DURATION] = "duration", [OPTION_STRING] = "text", [OPTION_SECRET] = "secret",
	[OPTION_CHOICE] = "", [OPTION_STRINGS] = "list of texts", [OPTION_PAIRS] = "map of texts", [OPTION_KAFKA] = "map of texts", [OPTION_START] = "text", [OPTION_ZONE] = "text",
};

static const char intro[] =
	"# Configuration\n"
	"\n"
	"<!-- Generated from the table in src/app/config_option.c; a test compares. -->\n"
	"\n"
	"winnow reads one YAML file, `winnow.yaml` (`-c FILE`). Every key has a default but the first source and `remote_write.url`.\n"
	"A key that is not in this table is an error with its line and the nearest name; `winnow check -c FILE` shows all mistakes at once.\n"
	"\n"
	"* In values, `${NAME}` is the environment's variable (an error if there is none), `${NAME:-default}` gives it a default, `${file:PATH}` is\n"
	"  what the file holds without the end of line, and `$${` is `${` itself. Secrets are never shown.\n"
	"* `winnow schema config` prints a JSON Schema of the file (`docs/schema/config.json`). With `# yaml-language-server: $schema=PATH` as the file's first\n"
	"  line, editors complete keys and mark mistakes.\n"
	"* Durations: `250ms`, `10s`, `1h30m`, `2d`. Paths are relative to the working directory.\n"
	"\n"
	"```yaml\n"
	"sources:\n"
	"  - kafka: {brokers: \"localhost:9092\", topics: [logs, \"^app\\\\..*\"]}\n"
	"rules: [patterns]\n"
	"remote_write:\n"
	"  url: http://localhost:9090/api/v1/write\n"
	"```\n"
	"\n"
	"`remote_write` may also be a list of such mappings, each with its own `name` (one may go without): every endpoint gets every series and has its own progress,\n"
	"so that one that is down does not stop the others ([remote write](remote-write.md#several-endpoints)). At most 8.\n"
	"\n"
	"```yaml\n"
	"remote_write:\n"
	"  - url: http://localhost:9090/api/v1/write\n"
	"  - {name: mimir, url: \"https://mimir.example.com/api/v1/push\", headers: {X-Scope-OrgID: team-a}}\n"
	"```\n"
	"\n"
	"| key | type | default | meaning |\n"
	"|---|---|---|---|\n";

static void print_choices(struct buf *out, const struct option *o)
{
	const char *separator = "";
	for (size_t i = 0; o->choices[i]; i++) {
		if (o->choices[i][0] == '~')
			continue;
		buf_printf(out, "%s`%s`", separator, o->choices[i]);
		separator = ", ";
	}
}

static void print_option(struct buf *out, const struct option *o)
{
	buf_printf(out, "| `%s` | ", o->path);
	if (o->type == OPTION_CHOICE)
		print_choices(out, o);
	else
		buf_add_str(out, type_names[o->type]);
	if (o->min)
		buf_printf(out, ", %s to %s", o->min, o->max);
	if (o->fallback)
		buf_printf(out, " | `%s` | ", o->fallback);
	else
		buf_add_str(out, " | | ");
	buf_printf(out, "%s |\n", o->help);
}

void config_print_docs(struct buf *out)
{
	buf_add_str(out, intro);
	for (size_t i = 0; i < options_len; i++)
		print_option(out, &options[i]);
}
