/* SPDX-License-Identifier: Apache-2.0 */
/* Every fixture, mutated at random from a fixed seed: nothing may crash, and whatever comes out must keep the promises of record.h. Meant for the sanitizers. */
#include "../check.h"

#include "base/clock.h"
#include "record/decoder.h"

#include <dirent.h>
#include <stdio.h>

enum { MUTATIONS = 100000, MAX_SEEDS = 64, MAX_LEN = 4096 };

static const int64_t NOW_NS = INT64_C(1772618400) * NS_PER_S;

struct seed {
	char bytes[MAX_LEN];
	size_t len;
};

static struct seed seeds[MAX_SEEDS];
static uint64_t random_state = 88172645463325252u;

static size_t pick(size_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)(random_state % below);
}

static size_t load_seeds(void)
{
	DIR *dir = opendir(WINNOW_SOURCE_DIR "/fixtures/shapes");
	size_t n = 0;
	assert_non_null(dir);
	for (struct dirent *entry; n < MAX_SEEDS && (entry = readdir(dir));) {
		char path[512];
		if (!slice_ends(slice_str(entry->d_name), SLICE(".json")))
			continue;
		snprintf(path, sizeof(path), WINNOW_SOURCE_DIR "/fixtures/shapes/%s", entry->d_name);
		FILE *file = fopen(path, "rb");
		assert_non_null(file);
		seeds[n].len = fread(seeds[n].bytes, 1, MAX_LEN, file);
		fclose(file);
		n++;
	}
	closedir(dir);
	return n;
}

static void mutate(struct seed *s, size_t count)
{
	static const char tokens[] = "{}[]\",:\\0123456789-+.eEtfn \n\0\xFF\xC3\x80TZ#";
	for (size_t times = 1 + pick(4); times > 0 && s->len > 2; times--) {
		size_t at = pick(s->len), len = 1 + pick(s->len - at < 40 ? s->len - at : 40), from;
		const struct seed *other;
		switch (pick(6)) {
		case 0:
			s->bytes[at] = (char)pick(256);
			break;
		case 1:
			s->bytes[at] = tokens[pick(sizeof(tokens) - 1)];
			break;
		case 2:
			s->len = at + 1;
			break;
		case 3:
			memmove(s->bytes + at, s->bytes + at + len, s->len - at - len);
			s->len -= len;
			break;
		case 4:
			if (s->len + len > MAX_LEN)
				break;
			memmove(s->bytes + at + len, s->bytes + at, s->len - at);
			s->len += len;
			break;
		default:
			other = &seeds[pick(count)];
			from = pick(other->len);
			len = len < other->len - from ? len : other->len - from;
			memcpy(s->bytes + at, other->bytes + from, len);
			break;
		}
	}
}

static void check_hex(struct slice id, size_t a, size_t b)
{
	assert_true(id.len == 0 || id.len == a || id.len == b);
	for (size_t i = 0; i < id.len; i++)
		assert_non_null(memchr("0123456789abcdef", id.ptr[i], 16));
}

static void check_record(const struct record *r)
{
	const struct slice texts[] = {r->service, r->message, r->template_text, r->logger, r->http_method, r->http_route, r->http_path, r->exception_type, r->name};
	struct slice value;
	check_hex(r->trace_id, 32, 16);
	check_hex(r->span_id, 16, 16);
	check_hex(r->parent_span_id, 16, 16);
	assert_true(r->duration_ns >= -1);
	assert_true(r->time_ns == 0 || (r->time_ns > INT64_C(946684799) * NS_PER_S && r->time_ns < NOW_NS + 3654 * 86400 * NS_PER_S));
	assert_true((unsigned)r->severity < SEVERITY_COUNT && (unsigned)r->span_kind < SPAN_KIND_COUNT && (unsigned)r->status < STATUS_COUNT);
	assert_non_null(r->shape);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_true(slice_is_utf8(texts[i]));
	if (record_field(r, SLICE("kubernetes.labels.app"), &value) || record_field(r, SLICE("elapsed"), &value) || record_field(r, SLICE("order.id"), &value))
		assert_true(slice_is_utf8(value));
}

static void a_hundred_thousand_mutations_neither_crash_nor_break_a_promise(void **state)
{
	size_t count = load_seeds(), records = 0, lost = 0;
	struct decoder *decoders[2] = {decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO}), decoder_new(&(struct decoder_opts){.format = FORMAT_TEXT, .notes = true})};
	struct decoder *noted = decoder_new(&(struct decoder_opts){.format = FORMAT_AUTO, .notes = true});
	(void)state;
	assert_true(count > 0);
	for (int i = 0; i < MUTATIONS; i++) {
		struct seed s = seeds[pick(count)];
		struct decoded out;
		struct decoder *d = i % 16 == 0 ? decoders[1] : i % 16 == 1 ? noted : decoders[0];
		mutate(&s, count);
		decoder_decode(d, slice_of(s.bytes, s.len), NOW_NS, &out);
		assert_true((out.undecodable > 0) == (out.reason != UNDECODABLE_NONE));
		for (size_t k = 0; k < out.len; k++)
			check_record(&out.records[k]);
		records += out.len;
		lost += out.undecodable;
	}
	/* the mutations reach both the readers and the refusals */
	assert_true(records > MUTATIONS / 10 && lost > MUTATIONS / 10);
	decoder_free(decoders[0]);
	decoder_free(decoders[1]);
	decoder_free(noted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_hundred_thousand_mutations_neither_crash_nor_break_a_promise)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
