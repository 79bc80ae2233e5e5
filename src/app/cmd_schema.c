/* SPDX-License-Identifier: Apache-2.0 */
/* winnow schema: the JSON Schemas of rule files and winnow.yaml, for editors. */
#include "app/command.h"
#include "app/schema.h"

#include <stdio.h>

static int run(int argc, char **argv)
{
	struct buf out = {0};
	if (argc != 2)
		return command_usage(&cmd_schema, "needs one name: rules or config");
	for (const struct schema *s = schemas; s->name; s++) {
		if (strcmp(s->name, argv[1]) != 0)
			continue;
		schema_print(s, &out);
		fwrite(out.data, 1, out.len, stdout);
		buf_done(&out);
		return 0;
	}
	return command_usage(&cmd_schema, "there is no schema \"%s\"", argv[1]);
}

const struct command cmd_schema = {
	.name = "schema",
	.synopsis = "rules|config",
	.summary = "Prints the JSON Schema of rule files or of winnow.yaml, for editors",
	.help = "  rules   of rule files\n"
		"  config  of winnow.yaml\n"
		"\n"
		"An editor that speaks with yaml-language-server completes keys and marks mistakes when the file\n"
		"begins with a line that names the schema:\n"
		"\n"
		"  # yaml-language-server: $schema=winnow-rules.json\n"
		"\n"
		"Example:\n  winnow schema rules > winnow-rules.json\n",
	.run = run,
};
