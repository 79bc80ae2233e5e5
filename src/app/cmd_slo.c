/* SPDX-License-Identifier: Apache-2.0 */
/* winnow slo: objectives in, Prometheus rules out. */
#include "app/command.h"
#include "slo/period.h"
#include "slo/rules.h"

#include <getopt.h>
#include <stdio.h>

static struct slice address(const char *text)
{
	struct slice s = slice_str(text);
	while (s.len && s.ptr[s.len - 1] == '/')
		s.len--;
	return s;
}

static int parse(int argc, char **argv, struct slo_options *options, const char **test)
{
	static const struct option longs[] = {{"runbooks", required_argument, NULL, 'r'}, {"dashboards", required_argument, NULL, 'd'}, {"period", required_argument, NULL, 'p'}, {"test", required_argument, NULL, 't'}, {0}};
	int option;
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option == 'r')
			options->runbooks = address(optarg);
		else if (option == 'd')
			options->dashboards = address(optarg);
		else if (option == 't')
			*test = optarg;
		else if (option != 'p')
			return command_usage(&cmd_slo, "unknown option or missing value: %s", argv[optind - 1]);
		else if (!period_parse(slice_str(optarg), &options->period_ns) || options->period_ns < PERIOD_DAY || options->period_ns % PERIOD_MINUTE || options->period_ns > 366 * PERIOD_DAY)
			return command_usage(&cmd_slo, "--period is a length of time from 1d to 366d, not \"%s\"", optarg);
	}
	return optind == argc ? command_usage(&cmd_slo, "which files?") : 0;
}

static void say(const struct buf *text)
{
	if (text->len)
		fwrite(text->data, 1, text->len, stderr);
}

/* Alerts that the objective leaves no room for. */
static void remark_unreachable(const struct slo_set *set, const struct slo_options *options, struct buf *remarks)
{
	for (size_t i = 0; i < set->len; i++) {
		const struct slo *slo = set->items[i];
		struct slo_burn burns[SLO_BURNS];
		slo_burns(slo, slo_period(slo, options), burns);
		for (size_t k = 0; k < SLO_BURNS; k++) {
			if (burns[k].reachable)
				continue;
			struct buf rate = {0};
			decimal_print(&rate, burns[k].rate);
			yaml_report(remarks, slo->doc, slo->line, slo->column, "no alert for the burn rate %s: with this objective, not even a total failure reaches it", buf_cstr(&rate));
			buf_done(&rate);
		}
	}
}

static int run(int argc, char **argv)
{
	struct slo_options options = {.runbooks = SLICE("file:///usr/share/doc/winnow/runbooks"), .dashboards = SLICE("http://localhost:3000"), .version = SLICE(WINNOW_VERSION), .period_ns = 30 * PERIOD_DAY};
	struct slo_set set = {0};
	struct buf out = {0};
	const char *test = NULL;
	int status = parse(argc, argv, &options, &test), failed = 0;
	if (status)
		return status;
	for (int i = optind; i < argc; i++)
		failed |= slo_set_read(&set, argv[i]);
	failed |= slo_set_close(&set);
	if (!failed && set.len == 0) {
		fprintf(stderr, "winnow slo: there is no SLO in these files\n");
		failed = ERR_INPUT;
	}
	if (!failed) {
		remark_unreachable(&set, &options, &set.found.remarks);
		if (test)
			slo_promtest_print(&out, &set, &options, slice_str(test));
		else
			slo_rules_print(&out, &set, &options);
		fwrite(out.data, 1, out.len, stdout);
	}
	say(&set.found.errors);
	say(&set.found.remarks);
	slo_set_done(&set);
	buf_done(&out);
	fflush(stdout);
	return failed || ferror(stdout) ? 1 : 0;
}

const struct command cmd_slo = {
	.name = "slo",
	.synopsis = "[--period D] [--runbooks URL] [--dashboards URL] [--test RULES] FILE...",
	.summary = "Turns SLO files into Prometheus recording and alerting rules",
	.help = "      --period D        period of the error budget where a file names none (30d)\n"
		"      --runbooks URL    where the runbooks are (file:///usr/share/doc/winnow/runbooks)\n"
		"      --dashboards URL  Grafana's address, for dashboard_url (http://localhost:3000)\n"
		"      --test RULES      prints a test file for `promtool test rules` instead; RULES is what this\n"
		"                        command printed without it\n"
		"  FILE                  Sloth's prometheus/v1, OpenSLO v1, or the short form:\n"
		"                        {service: payment, objective: 99.9, indicator: availability}\n"
		"                        {service: payment, objective: 99, indicator: latency < 400ms}\n"
		"\n"
		"Rules go to standard output, mistakes and remarks to standard error as file:line:column: message.\n"
		"Recordings have Sloth's names, so Grafana's dashboards 14348 and 14643 show them.\n"
		"Exit status: 0 done, 1 a file has mistakes, 2 wrong usage.\n"
		"\n"
		"Example:\n  winnow slo payment.yaml > /etc/prometheus/rules/payment.yaml\n",
	.run = run,
};
