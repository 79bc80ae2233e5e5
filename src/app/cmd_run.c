/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command.h"
#include "app/config.h"
#include "app/pipeline.h"
#include "base/log.h"

#include <stdio.h>

static int load(const char *path, struct config **ret)
{
	struct config_errors errors = {0};
	int rc = config_load(path, ret, &errors);
	if (rc)
		fprintf(stderr, "%s", buf_cstr(&errors.text));
	config_errors_done(&errors);
	return rc;
}

static int run(int argc, char **argv)
{
	const char *path = NULL;
	bool until_end = false;
	struct config *config;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-c") == 0 && i + 1 < argc)
			path = argv[++i];
		else if (strcmp(argv[i], "--until-end") == 0)
			until_end = true;
		else
			return command_usage(&cmd_run, "does not know \"%s\"", argv[i]);
	}
	if (!path)
		return command_usage(&cmd_run, "needs a configuration: -c winnow.yaml");
	int rc = load(path, &config);
	if (rc)
		return command_status(rc);
	log_set_level((enum log_level)config->log_level);
	rc = pipeline_run(config, until_end);
	config_free(config);
	return rc;
}

const struct command cmd_run = {
	.name = "run",
	.synopsis = "-c winnow.yaml [--until-end]",
	.summary = "Reads the sources, names and counts, and sends metrics: the daemon",
	.help = "  -c FILE      the configuration (docs/configuration.md)\n"
		"  --until-end  read every source to the end it has now, send every step, exit with 0: for backfills\n\n"
		"SIGTERM ends it cleanly, SIGHUP reads the rules again. While it runs, http://127.0.0.1:9465/ shows\n"
		"the patterns, /metrics its metrics, /-/ready whether all is well and if not, why.\n\n"
		"Example:\n  winnow run -c winnow.yaml\n",
	.run = run,
};
