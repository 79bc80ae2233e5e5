/* SPDX-License-Identifier: Apache-2.0 */
/* bench_sampling: what tail sampling adds to the work on spans, and what a million undecided traces take.
 *
 * Batches as a topic keyed by trace id has them, OTLP in protobuf and in JSON: a server span with attributes, its parent's database span, three spans of one trace in a message. The same messages go through
 * a shard without sampling and through one with it in turn; kept ones (share 1 %, errors, slower than 500 ms: 2.5 % in all) are written as well. CPU time of the thread; medians. */
#include "base/clock.h"
#include "base/hash.h"
#include "base/wire.h"
#include "engine/shard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGES = 60000, SPANS = 3, ROUNDS = 9, DELTA = 20000, MILLION = 1000000 };
#define GOAL_ADDED 0.40
#define GOAL_MIB 512

static const struct sampling policy = {.on = true, .errors = true, .share = 0.01, .slow_ns = 500 * NS_PER_MS, .hold_ns = 30 * NS_PER_S, .quiet_ns = 5 * NS_PER_S, .grace_ns = 10 * NS_PER_S, .memory = (size_t)2 << 30};

static uint64_t at_random(uint64_t n)
{
	return hash_pair(n, 0x5EED);
}

static size_t open_field(struct buf *b, unsigned number)
{
	wire_add_tag(b, number, WIRE_BYTES);
	buf_add_str(b, "\x80\x80\x80\x80");
	buf_add_char(b, 0);
	return b->len;
}

static void close_field(struct buf *b, size_t opened)
{
	size_t len = b->len - opened;
	for (unsigned i = 0; i < 5; i++, len >>= 7)
		b->data[opened - 5 + i] = (char)((len & 0x7F) | (i < 4 ? 0x80 : 0));
}

static void add_attribute(struct buf *b, unsigned number, const char *name, const char *value)
{
	struct buf pair = {0}, any = {0};
	wire_add_bytes(&any, 1, slice_str(value));
	wire_add_bytes(&pair, 1, slice_str(name));
	wire_add_bytes(&pair, 2, buf_slice(&any));
	wire_add_bytes(b, number, buf_slice(&pair));
	buf_done(&pair);
	buf_done(&any);
}

struct span {
	uint64_t trace[2], id, parent;
	int64_t begin_ns, end_ns;
	const char *name;
	int kind, status;
};

static struct span span_of(uint64_t n, unsigned i, int64_t at_ns)
{
	static const char *const names[] = {"GET /api/orders", "orders.find", "SELECT orders"};
	uint64_t r = at_random(n * 8 + i);
	return (struct span){
		.trace = {at_random(n), at_random(n + MILLION * 16ull)}, .id = r, .parent = i ? at_random(n * 8 + i - 1) : 0, .begin_ns = at_ns, .end_ns = at_ns + (int64_t)(r % 1000 < 5 ? 600 : r % 90) * NS_PER_MS,
		.name = names[i % 3], .kind = i == 0 ? 2 : i == 1 ? 1 : 3, .status = r >> 32 == 0 || (r >> 20) % 200 == 0 ? 2 : 0};
}

static void add_proto(struct buf *b, const struct span *s)
{
	size_t span = open_field(b, 2);
	char bytes[16];
	for (int i = 0; i < 16; i++)
		bytes[i] = (char)(s->trace[i / 8] >> (56 - i % 8 * 8));
	wire_add_bytes(b, 1, slice_of(bytes, 16));
	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(s->id >> (56 - i * 8));
	wire_add_bytes(b, 2, slice_of(bytes, 8));
	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(s->parent >> (56 - i * 8));
	if (s->parent)
		wire_add_bytes(b, 4, slice_of(bytes, 8));
	wire_add_bytes(b, 5, slice_str(s->name));
	wire_add_u64(b, 6, (uint64_t)s->kind);
	wire_add_fixed64(b, 7, (uint64_t)s->begin_ns);
	wire_add_fixed64(b, 8, (uint64_t)s->end_ns);
	add_attribute(b, 9, "http.request.method", "GET");
	add_attribute(b, 9, "server.address", "orders-7f9c");
	if (s->status) {
		wire_add_tag(b, 15, WIRE_BYTES);
		wire_add_varint(b, 2);
		wire_add_u64(b, 3, 2);
	}
	close_field(b, span);
}

static void add_json(struct buf *b, const struct span *s)
{
	char parent[48] = "";
	if (s->parent)
		snprintf(parent, sizeof(parent), "\"parentSpanId\":\"%016llx\",", (unsigned long long)s->parent);
	buf_printf(b, "{\"traceId\":\"%016llx%016llx\",\"spanId\":\"%016llx\",%s\"name\":\"%s\",\"kind\":%d,\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":\"%lld\",\"attributes\":[{\"key\":\"http.request.method\","
		"\"value\":{\"stringValue\":\"GET\"}},{\"key\":\"server.address\",\"value\":{\"stringValue\":\"orders-7f9c\"}}],\"status\":{\"code\":%d}}",
		(unsigned long long)s->trace[0], (unsigned long long)s->trace[1], (unsigned long long)s->id, parent, s->name, s->kind, (long long)s->begin_ns, (long long)s->end_ns, s->status);
}

/* Message n: spans of one trace. */
static void add_message(struct buf *b, bool json, uint64_t n, unsigned spans, int64_t at_ns)
{
	size_t resource_spans = 0, scope_spans = 0;
	if (json) {
		buf_add_str(b, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"orders\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"lib\"},\"spans\":[");
	} else {
		resource_spans = open_field(b, 1);
		struct buf resource = {0};
		add_attribute(&resource, 1, "service.name", "orders");
		wire_add_bytes(b, 1, buf_slice(&resource));
		buf_done(&resource);
		scope_spans = open_field(b, 2);
	}
	for (unsigned i = 0; i < spans; i++) {
		struct span s = span_of(n, i, at_ns);
		if (json && i)
			buf_add_char(b, ',');
		(json ? add_json : add_proto)(b, &s);
	}
	if (json) {
		buf_add_str(b, "]}]}]}");
	} else {
		close_field(b, scope_spans);
		close_field(b, resource_spans);
	}
}

static double cpu_seconds(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static size_t kept_bytes;

static void take(void *arg, const struct shard_kept *kept)
{
	(void)arg;
	kept_bytes += kept->otlp.len;
}

static double feed(const struct slice *messages, const struct sampling *p, enum format format, int64_t now)
{
	const struct shard_opts opts = {.step_ns = 10 * NS_PER_S, .window_ns = 55 * 60 * NS_PER_S, .hold_ns = 30 * NS_PER_S, .sampling = p};
	struct shard *s = shard_new(&opts);
	struct shard_partition part = {.topic = SLICE("t"), .format = format};
	shard_partition_start(&part, &(struct shard_start){0}, &opts);
	double begun = cpu_seconds();
	for (size_t i = 0; i < MESSAGES; i++) {
		shard_feed(s, &part, messages[i], (int64_t)i, (int64_t)i + 1, now, now);
		if (p && i % 500 == 499)
			shard_decide(s, &part, part.newest_ns, take, NULL);
		if (i % DELTA == DELTA - 1)
			shard_clear(s);
	}
	double took = cpu_seconds() - begun;
	shard_partition_done(&part);
	shard_free(s);
	return took / (MESSAGES * SPANS) * 1e9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static bool measure(bool json)
{
	struct buf bytes = {0};
	size_t *places = calloc(MESSAGES + 1, sizeof(*places));
	struct slice *messages = calloc(MESSAGES, sizeof(*messages));
	double off[ROUNDS], on[ROUNDS], added[ROUNDS];
	int64_t now = clock_wall_ns(), from = now - 600 * NS_PER_S;
	for (size_t i = 0; i < MESSAGES; i++) { /* a minute and a half of event time: 2,000 spans a second */
		add_message(&bytes, json, i, SPANS, from + (int64_t)i * 90 * NS_PER_S / MESSAGES);
		places[i + 1] = bytes.len;
	}
	for (size_t i = 0; i < MESSAGES; i++)
		messages[i] = slice_of(bytes.data + places[i], places[i + 1] - places[i]);
	for (int i = 0; i < ROUNDS; i++) {
		off[i] = feed(messages, NULL, json ? FORMAT_OTLP_JSON : FORMAT_OTLP_PROTO, now);
		kept_bytes = 0;
		on[i] = feed(messages, &policy, json ? FORMAT_OTLP_JSON : FORMAT_OTLP_PROTO, now);
		added[i] = on[i] / off[i] - 1;
	}
	qsort(off, ROUNDS, sizeof(*off), by_value);
	qsort(on, ROUNDS, sizeof(*on), by_value);
	qsort(added, ROUNDS, sizeof(*added), by_value);
	printf("sampling.%s  %.0f  %.0f  %.3f  ns per span with tail sampling and without it (goal: at most %.2f); %zu of %zu bytes kept\n", json ? "json" : "proto", on[ROUNDS / 2], off[ROUNDS / 2],
		1 + added[ROUNDS / 2], 1 + GOAL_ADDED, kept_bytes, bytes.len);
	free(messages);
	free(places);
	buf_done(&bytes);
	return added[ROUNDS / 2] <= GOAL_ADDED;
}

static double resident_mib(void)
{
	long pages = 0, ignored;
	FILE *f = fopen("/proc/self/statm", "r");
	if (!f || fscanf(f, "%ld %ld", &ignored, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

static bool measure_memory(unsigned spans)
{
	const struct shard_opts opts = {.step_ns = 10 * NS_PER_S, .sampling = &policy};
	struct shard *s = shard_new(&opts);
	struct shard_partition part = {.topic = SLICE("t"), .format = FORMAT_OTLP_PROTO};
	struct buf message = {0};
	uint64_t traces = 0, bytes = 0;
	int64_t now = clock_wall_ns();
	double before = resident_mib();
	shard_partition_start(&part, &(struct shard_start){0}, &opts);
	for (uint64_t i = 0; i < MILLION; i++) {
		buf_reset(&message);
		add_message(&message, false, i, spans, now - 10 * NS_PER_S + (int64_t)i);
		shard_feed(s, &part, buf_slice(&message), (int64_t)i, (int64_t)i + 1, now, now);
		if (i % DELTA == DELTA - 1)
			shard_clear(s);
	}
	shard_undecided(&part, &traces, &bytes);
	double took = resident_mib() - before;
	printf("sampling.memory.%u  %.0f  %d  %.3f  MiB for %llu undecided traces of %u spans, %.0f bytes of OTLP each\n", spans, took, GOAL_MIB, took / GOAL_MIB, (unsigned long long)traces, spans, (double)message.len);
	shard_partition_done(&part);
	shard_free(s);
	buf_done(&message);
	return traces == MILLION && took <= GOAL_MIB;
}

int main(void)
{
	bool ok = measure_memory(1);
	ok &= measure_memory(2);
	ok &= measure(false);
	ok &= measure(true);
	return ok ? 0 : 1;
}
