/* SPDX-License-Identifier: Apache-2.0 */
/* bench_decode FILE...: decodes every line of the files, some rounds, and prints what came out and the time per line.
 * bench_decode: one line per encoding and shape, ours beside simdjson parsing the same bytes without looking at them; exit 1 if a goal is missed. */
#include "base/clock.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/wire.h"
#include "record/decoder.h"
#include "record/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 9, REPEATS = 10000, BATCH = 100 };

static const double FLAT_GOAL = 1.6, WRAPPED_GOAL = 2.2, SPANS_GOAL = 5e6, MIXED_GOAL = 0.8;

struct totals {
	size_t lines, logs, spans, undecodable, with_time, with_trace, with_span, errors, message_bytes, with_logger;
	size_t severities[SEVERITY_COUNT];
	struct map services;
};

static void count(struct totals *t, const struct record *r)
{
	static char mark;
	uint64_t hash = hash_bytes(r->service);
	*(r->kind == RECORD_LOG ? &t->logs : &t->spans) += 1;
	t->with_time += r->time_ns != 0;
	t->with_trace += r->trace_id.len == 32;
	t->with_span += r->span_id.len == 16;
	t->errors += r->error;
	t->with_logger += r->logger.len > 0;
	t->message_bytes += r->message.len;
	t->severities[r->severity]++;
	if (!map_get(&t->services, hash, NULL, NULL))
		map_put(&t->services, hash, &mark);
}

static int64_t pass(struct decoder *d, struct slice text, struct totals *t)
{
	int64_t now_ns = clock_wall_ns(), start_ns = clock_mono_ns();
	for (size_t from = 0, end; from < text.len; from = end + 1) {
		struct decoded out;
		end = slice_find(text, '\n', from);
		decoder_decode(d, slice_sub(text, from, end - from), now_ns, &out);
		if (!t)
			continue;
		t->lines++;
		t->undecodable += out.undecodable;
		for (size_t i = 0; i < out.len; i++)
			count(t, &out.records[i]);
	}
	return clock_mono_ns() - start_ns;
}

static void report(const char *path, struct slice text, struct decoder *d)
{
	struct totals t = {0};
	int64_t best_ns = INT64_MAX;
	pass(d, text, &t);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t ns = pass(d, text, NULL);
		best_ns = ns < best_ns ? ns : best_ns;
	}
	printf("%s: %zu lines, %zu log records, %zu spans, %zu undecodable\n", path, t.lines, t.logs, t.spans, t.undecodable);
	printf("  with time %zu, trace id %zu, span id %zu, logger %zu, errors %zu, services %zu, message bytes %zu\n", t.with_time, t.with_trace, t.with_span, t.with_logger,
		t.errors, t.services.len, t.message_bytes);
	for (unsigned i = 0; i < SEVERITY_COUNT; i++)
		if (t.severities[i])
			printf("  %s %zu\n", severity_name((enum severity)i), t.severities[i]);
	printf("  %.0f ns a line, %.0f ns a record, %.0f MB/s (best of %d)\n", (double)best_ns / (double)t.lines,
		(double)best_ns / (double)(t.logs + t.spans + t.undecodable), (double)text.len * 1e3 / (double)best_ns, ROUNDS);
	map_done(&t.services);
}

/* --- without files --- */

static int64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static const struct {
	const char *name;
	bool wrapped;
} files[] = {{"zap", false}, {"pino", false}, {"slog", false}, {"logrus", false}, {"ecs_dotted", false}, {"logback", false}, {"clef", false}, {"python", false}, {"gcp", false},
	{"tracing", false}, {"container_json", true}, {"container_spring", true}, {"docker", true}, {"filebeat", true}, {"vector", true}};
enum { FILES = sizeof(files) / sizeof(files[0]) };

/* ns a payload, one round. */
static double ours_once(struct decoder *d, const struct slice *payloads, size_t len)
{
	int64_t now_ns = clock_wall_ns(), start = cpu_ns();
	struct decoded out;
	for (size_t i = 0; i < REPEATS; i++)
		decoder_decode(d, payloads[i % len], now_ns, &out);
	return (double)(cpu_ns() - start) / REPEATS;
}

/* A payload has no room behind it, so a parser that wants some begins with a copy. */
static double reference_once(struct json_shim *parser, const struct slice *payloads, size_t len)
{
	static char copy[(1 << 16) + JSON_SHIM_PADDING];
	struct json_shim_tape json;
	int64_t start = cpu_ns();
	for (size_t i = 0; i < REPEATS; i++) {
		struct slice payload = payloads[i % len];
		memcpy(copy, payload.ptr, payload.len);
		memset(copy + payload.len, 0, JSON_SHIM_PADDING);
		if (json_shim_parse(parser, copy, payload.len, &json) != JSON_OK)
			abort();
	}
	return (double)(cpu_ns() - start) / REPEATS;
}

/* The best round of each, in turn: the machine changes its pace. */
static void beside(struct decoder *d, struct json_shim *parser, const struct slice *payload, double *ret_mine, double *ret_theirs)
{
	*ret_mine = *ret_theirs = 1e9;
	for (int round = 0; round < ROUNDS; round++) {
		double mine = ours_once(d, payload, 1), theirs = reference_once(parser, payload, 1);
		*ret_mine = mine < *ret_mine ? mine : *ret_mine;
		*ret_theirs = theirs < *ret_theirs ? theirs : *ret_theirs;
	}
}

static void add_attribute(struct buf *out, uint32_t field, const char *name, const char *text)
{
	struct buf value = {0}, pair = {0};
	wire_add_bytes(&value, 1, slice_str(text));
	wire_add_bytes(&pair, 1, slice_str(name));
	wire_add_bytes(&pair, 2, buf_slice(&value));
	wire_add_bytes(out, field, buf_slice(&pair));
	buf_done(&value);
	buf_done(&pair);
}

/* A batch of spans as an instrumented HTTP service sends them: about 300 bytes and eight attributes each. */
static void make_spans(struct buf *out)
{
	struct buf resource = {0}, scope = {0}, group = {0}, span = {0};
	add_attribute(&resource, 1, "service.name", "checkout");
	add_attribute(&resource, 1, "service.version", "1.2.3");
	for (uint64_t i = 0; i < BATCH; i++) {
		buf_reset(&span);
		wire_add_bytes(&span, 1, SLICE("\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e\x0e\x47\x36"));
		wire_add_bytes(&span, 2, SLICE("\x00\xf0\x67\xaa\x0b\xa9\x02\xb7"));
		wire_add_bytes(&span, 4, SLICE("\x01\x02\x03\x04\x05\x06\x07\x08"));
		wire_add_bytes(&span, 5, SLICE("POST /charge"));
		wire_add_u64(&span, 6, 2);
		wire_add_fixed64(&span, 7, UINT64_C(1772615702297000000) + i);
		wire_add_fixed64(&span, 8, UINT64_C(1772615702481203117) + i);
		add_attribute(&span, 9, "http.request.method", "POST");
		add_attribute(&span, 9, "http.response.status_code", "503");
		add_attribute(&span, 9, "http.route", "/charge");
		add_attribute(&span, 9, "url.path", "/charge");
		add_attribute(&span, 9, "server.address", "pay.example");
		add_attribute(&span, 9, "user_agent.original", "curl/8.1");
		add_attribute(&span, 9, "network.protocol.version", "1.1");
		add_attribute(&span, 9, "app.tier", "gold");
		wire_add_bytes(&span, 15, SLICE("\x18\x02"));
		wire_add_bytes(&scope, 2, buf_slice(&span));
	}
	wire_add_bytes(&group, 1, buf_slice(&resource));
	wire_add_bytes(&group, 2, buf_slice(&scope));
	wire_add_bytes(out, 1, buf_slice(&group));
	buf_done(&resource);
	buf_done(&scope);
	buf_done(&group);
	buf_done(&span);
}

static bool bench_spans(struct decoder *d)
{
	struct buf payload = {0};
	struct decoded out;
	int64_t best = INT64_MAX, now_ns = clock_wall_ns();
	make_spans(&payload);
	for (int round = 0; round < ROUNDS; round++) {
		int64_t start = cpu_ns();
		for (int i = 0; i < REPEATS / BATCH * 10; i++)
			decoder_decode(d, buf_slice(&payload), now_ns, &out);
		int64_t ns = cpu_ns() - start;
		best = ns < best ? ns : best;
	}
	double rate = (double)REPEATS * 10 * 1e9 / (double)best;
	if (out.len != BATCH)
		abort();
	printf("decode.otlp_proto  %.2f  %.2f  %.2f  million spans per CPU second (%.0f ns and %zu bytes each)\n", rate / 1e6, SPANS_GOAL / 1e6, rate / SPANS_GOAL, 1e9 / rate,
		payload.len / BATCH);
	buf_done(&payload);
	return rate >= SPANS_GOAL;
}

static struct slice load(const char *name)
{
	char path[512];
	struct buf text = {0};
	snprintf(path, sizeof(path), WINNOW_SOURCE_DIR "/fixtures/shapes/%s.json", name);
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		exit(1);
	}
	text.len = fread(buf_reserve(&text, 1 << 16), 1, 1 << 16, file);
	fclose(file);
	return slice_trim(buf_slice(&text));
}

/* The table, and ten shapes at random in one stream beside the same ten one by one. */
static int bench_all(struct decoder *d)
{
	struct slice payloads[FILES], mixed[1000];
	struct json_shim *parser = json_shim_new();
	double alone = 0;
	uint64_t seed = 88172645463325252u;
	bool good = bench_spans(d);
	for (size_t i = 0; i < FILES; i++) {
		payloads[i] = load(files[i].name);
		double mine, theirs, goal = files[i].wrapped ? WRAPPED_GOAL : FLAT_GOAL;
		beside(d, parser, &payloads[i], &mine, &theirs);
		alone += mine / FILES;
		good &= mine <= theirs * goal;
		printf("decode.%s  %.0f  %.0f  %.2f  ns a record, %.0f MB/s (goal at most %.1f)\n", files[i].name, mine, theirs, mine / theirs, (double)payloads[i].len * 1e3 / mine, goal);
	}
	for (size_t i = 0; i < 1000; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		mixed[i] = payloads[seed % FILES];
	}
	double together = 1e9;
	for (int round = 0; round < ROUNDS; round++) {
		double once = ours_once(d, mixed, 1000);
		together = once < together ? once : together;
	}
	printf("decode.mixed  %.0f  %.0f  %.2f  ns a record of all of these at random, beside one after the other (goal at least %.1f)\n", together, alone, alone / together, MIXED_GOAL);
	json_shim_free(parser);
	return good && alone >= together * MIXED_GOAL ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct decoder *d = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO});
	int rc = argc < 2 ? bench_all(d) : 0;
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		struct buf text = {0};
		size_t n = 0;
		if (!file) {
			perror(argv[i]);
			return 1;
		}
		do {
			text.len += n;
			n = fread(buf_reserve(&text, 1 << 20), 1, 1 << 20, file);
		} while (n > 0);
		fclose(file);
		report(argv[i], buf_slice(&text), d);
		buf_done(&text);
	}
	decoder_free(d);
	return rc;
}
