/* SPDX-License-Identifier: Apache-2.0 */
/* winnow health: asks a running instance how it is, for health checks where there is no curl. */
#include "app/command.h"
#include "app/config.h"
#include "base/buf.h"

#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>

struct question {
	struct buf url, answer;
	bool ready;
};

static size_t take(char *bytes, size_t size, size_t count, void *into)
{
	struct question *q = into;
	if (q->answer.len < 4096)
		buf_add(&q->answer, bytes, size * count);
	return size * count;
}

/* Where an instance with this admin.listen is found from its own machine. */
static void address(struct buf *url, const char *listen)
{
	struct slice at = slice_str(listen);
	static const struct {
		struct slice any, own;
	} wild[] = {{SLICE("0.0.0.0:"), SLICE("127.0.0.1:")}, {SLICE("[::]:"), SLICE("[::1]:")}, {SLICE(":"), SLICE("127.0.0.1:")}};
	buf_reset(url);
	buf_add_str(url, "http://");
	for (size_t i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
		if (!slice_starts(at, wild[i].any))
			continue;
		buf_add_slice(url, wild[i].own);
		at = slice_sub(at, wild[i].any.len, at.len);
		break;
	}
	buf_add_slice(url, at);
}

static int configured(struct question *q, const char *path)
{
	struct config *config = NULL;
	struct config_errors errors = {0};
	if (config_load(path, &config, &errors)) {
		fwrite(errors.text.data, 1, errors.text.len, stderr);
		buf_done(&errors.text);
		return 1;
	}
	address(&q->url, config->admin.listen);
	config_free(config);
	return 0;
}

static int parse(struct question *q, int argc, char **argv)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'}, {"ready", no_argument, NULL, 'r'}, {0}};
	int option, status = 0;
	optind = 0;
	opterr = 0;
	buf_add_str(&q->url, "http://127.0.0.1:9465");
	while (status == 0 && (option = getopt_long(argc, argv, "c:", longs, NULL)) != -1) {
		if (option == 'c')
			status = configured(q, optarg);
		else if (option == 'r')
			q->ready = true;
		else
			return command_usage(&cmd_health, "unknown option or missing value: %s", argv[optind - 1]);
	}
	if (status || optind == argc)
		return status;
	if (argc - optind > 1)
		return command_usage(&cmd_health, "takes one address, got \"%s\" too", argv[optind + 1]);
	if (slice_starts(slice_str(argv[optind]), SLICE("http"))) {
		buf_reset(&q->url);
		buf_add_str(&q->url, argv[optind]);
	} else {
		address(&q->url, argv[optind]);
	}
	return 0;
}

static int ask(struct question *q)
{
	long code = 0;
	CURL *curl = curl_easy_init();
	buf_add_str(&q->url, q->ready ? "/-/ready" : "/-/healthy");
	curl_easy_setopt(curl, CURLOPT_URL, buf_cstr(&q->url));
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 3L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, q);
	CURLcode done = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
	curl_easy_cleanup(curl);
	if (done) {
		fprintf(stderr, "winnow health: %s: %s\n", buf_cstr(&q->url), curl_easy_strerror(done));
		return 3;
	}
	struct slice said = slice_trim(buf_slice(&q->answer));
	fprintf(code == 200 ? stdout : stderr, "%.*s\n", (int)said.len, said.ptr);
	return code == 200 ? 0 : 1;
}

static int run(int argc, char **argv)
{
	struct question q = {0};
	int status = parse(&q, argc, argv);
	if (status == 0)
		status = ask(&q);
	buf_done(&q.url);
	buf_done(&q.answer);
	return status;
}

const struct command cmd_health = {
	.name = "health",
	.synopsis = "[-c FILE] [--ready] [ADDRESS]",
	.summary = "Asks a running instance whether it is well, for health checks",
	.help = "  -c, --config FILE  asks at admin.listen of this configuration\n"
		"      --ready        whether it does its work, and if not, why; without it: whether it answers\n"
		"  ADDRESS            host:port or URL (127.0.0.1:9465)\n"
		"\n"
		"Exit status: 0 well, 1 not, 2 wrong usage, 3 nobody answers.\n"
		"\n"
		"Example:\n  winnow health --ready 127.0.0.1:9465\n",
	.run = run,
};
