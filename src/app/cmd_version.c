/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command.h"

#include "base/failpoint.h"

#include <curl/curl.h>
#include <hs/hs.h>
#include <librdkafka/rdkafka.h>
#include <microhttpd.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <yaml.h>
#include <zlib.h>

static int run(int argc, char **argv)
{
	char pcre[64] = "";
	if (argc > 1)
		return command_usage(&cmd_version, "takes no argument, got \"%s\"", argv[1]);
	pcre2_config(PCRE2_CONFIG_VERSION, pcre);
	printf("winnow %s (%s)\n", WINNOW_VERSION, WINNOW_BUILD);
	printf("librdkafka %s, PCRE2 %s, Vectorscan %s, libcurl %s, libmicrohttpd %s, libyaml %s, zlib %s\n", rd_kafka_version_str(), pcre, hs_version(), curl_version_info(CURLVERSION_NOW)->version,
	       MHD_get_version(), yaml_get_version_string(), zlibVersion());
#ifdef WINNOW_FAILPOINTS
	printf("failpoints:\n");
	failpoint_print();
#endif
	return 0;
}

const struct command cmd_version = {
	.name = "version",
	.synopsis = "",
	.summary = "Prints the version, how it was built, and the libraries it runs with",
	.help = "Example:\n  winnow version\n",
	.run = run,
};
