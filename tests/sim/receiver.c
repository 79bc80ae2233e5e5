/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/wire.h"
#include "metric/remote_write.h"

#include <stdio.h>
#include <stdlib.h>

enum { SAMPLES_MAX = 512, LABEL_TAG = 1 << 3 | WIRE_BYTES };

struct incoming {
	struct slice labels;
	uint64_t key, bits;
	int64_t ms;
	struct receiver_series *series; /* NULL: new */
	bool bad; /* a histogram whose buckets are not its count */
};

void receiver_done(struct receiver *r)
{
	for (size_t i = 0; i < r->len; i++) {
		free((void *)r->list[i]->labels.ptr);
		free(r->list[i]->text);
		free(r->list[i]);
	}
	free(r->list);
	map_done(&r->series);
}

static bool same_labels(const void *item, const void *key)
{
	return slice_eq(((const struct receiver_series *)item)->labels, *(const struct slice *)key);
}

static void read_sample(struct slice bytes, struct incoming *in)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	while (wire_next(&w, &f) == 1) {
		if (f.number == 1)
			in->bits = f.value;
		else
			in->ms = (int64_t)f.value;
	}
}

static int64_t zigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static int64_t read_span(struct slice bytes, uint64_t *ret_len)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	int64_t offset = 0;
	while (wire_next(&w, &f) == 1) {
		if (f.number == 1)
			offset = zigzag(f.value);
		else
			*ret_len = f.value;
	}
	return offset;
}

static uint64_t read_varint(struct slice *s)
{
	uint64_t value = 0;
	for (unsigned shift = 0; s->len; shift += 7) {
		uint8_t byte = (uint8_t)*s->ptr;
		*s = slice_sub(*s, 1, s->len);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			break;
	}
	return value;
}

/* A native histogram stands for one number that any observation in any other bucket would change: check.c expects native_weight() of each. */
static void read_native(struct slice bytes, struct incoming *in)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	int64_t index[512], behind = 0, count = 0, total = 0;
	size_t len = 0, at = 0;
	double sum = 0;
	while (wire_next(&w, &f) == 1) {
		if (f.number == 3 && f.value == REMOTE_WRITE_STALE_BITS)
			in->bits = f.value;
		else if (f.number == 6)
			total += (int64_t)f.value, sum += native_weight(0) * (double)f.value;
		else if (f.number == 15)
			in->ms = (int64_t)f.value;
		else if (f.number == 1)
			total -= (int64_t)f.value;
		else if (f.number == 11) {
			uint64_t n = 0;
			behind += read_span(f.bytes, &n);
			for (; n > 0 && len < 512; n--)
				index[len++] = behind++;
		}
		for (struct slice deltas = f.bytes; f.number == 12 && deltas.len && at < len; at++) {
			count += zigzag(read_varint(&deltas));
			total += count;
			sum += (double)count * (double)(NATIVE_OFFSET + index[at]);
		}
	}
	if (in->bits != REMOTE_WRITE_STALE_BITS)
		memcpy(&in->bits, &sum, sizeof(sum));
	in->bad = total != 0;
}

/* The labels are the leading fields of a series: a run of bytes that names it. */
static void read_series(struct slice bytes, struct incoming *in)
{
	struct wire w;
	struct wire_field f;
	size_t at = 0;
	*in = (struct incoming){0};
	while (at + 2 < bytes.len && bytes.ptr[at] == LABEL_TAG && (unsigned char)bytes.ptr[at + 1] < 0x80) /* the usual, short ones */
		at += 2 + (size_t)bytes.ptr[at + 1];
	in->labels = slice_of(bytes.ptr, at);
	w = wire_of(slice_sub(bytes, at, bytes.len));
	while (wire_next(&w, &f) == 1) {
		if (f.number == 1)
			in->labels = slice_of(bytes.ptr, (size_t)((const char *)w.next - bytes.ptr));
		else if (f.number == 2)
			read_sample(f.bytes, in);
		else if (f.number == 4)
			read_native(f.bytes, in);
	}
	in->key = hash_bytes(in->labels);
}

static char *label_text(struct slice labels)
{
	struct wire w = wire_of(labels);
	struct wire_field f;
	struct buf out = {0};
	while (wire_next(&w, &f) == 1) {
		struct wire pair = wire_of(f.bytes);
		struct wire_field g;
		while (wire_next(&pair, &g) == 1) {
			buf_add_slice(&out, g.bytes);
			buf_add_char(&out, g.number == 1 ? '=' : ',');
		}
	}
	buf_cstr(&out);
	return out.data;
}

static struct receiver_series *add_series(struct receiver *r, const struct incoming *in)
{
	struct receiver_series *s = mem_zalloc(1, sizeof(*s));
	s->labels = slice_of(mem_strdup(in->labels), in->labels.len);
	s->text = label_text(in->labels);
	s->key = in->key;
	s->now.last_ms = INT64_MIN;
	s->gauge = strstr(s->text, "=log_pattern_info,") != NULL;
	r->list = mem_grow(r->list, r->len, &r->cap, sizeof(struct receiver_series *));
	r->list[r->len++] = s;
	map_put(&r->series, s->key, s);
	return s;
}

static void complain(struct receiver *r, const struct receiver_series *s, const char *what, double before, double now)
{
	if (!r->failure[0])
		snprintf(r->failure, sizeof(r->failure), "%.150s %s: %g then %g", s->text, what, before, now);
}

static void remember(struct receiver_series *s)
{
	s->before[s->next_before] = s->now;
	s->next_before = (s->next_before + 1) % HISTORY;
}

/* A value that says that another life has begun: nobody will say again what was lost of the old one. */
static bool is_another_life(const struct receiver_state *n, double value)
{
	return n->samples > 0 && (value < n->last || (n->stale && value == 0));
}

static void store_value(struct receiver *r, struct receiver_series *s, double value)
{
	struct receiver_state *n = &s->now;
	if (n->samples == 0 && value != 0 && !s->gauge && !r->relaxed)
		complain(r, s, "began without its 0", 0, value);
	if (n->samples > 0 && value < n->last && !(n->stale && value == 0) && !s->lost) /* its stale marker and its 0 may be among what was lost */
		complain(r, s, "shrank", n->last, value);
	s->gone |= s->lost && is_another_life(n, value);
	n->increase += n->samples > 0 && value >= n->last ? value - n->last : value;
	n->last = value;
	n->stale = false;
	n->samples++;
	s->lost = false;
}

static void store(struct receiver *r, struct incoming *in)
{
	struct receiver_series *s = in->series ? in->series : add_series(r, in);
	if (in->ms == s->now.last_ms)
		return; /* the very same sample again */
	remember(s);
	s->now.arrived_ns = r->now_ns;
	s->now.last_ms = in->ms;
	s->now.last_bits = in->bits;
	if (in->ms > r->head_ms)
		r->head_ms = in->ms;
	if (in->bits == REMOTE_WRITE_STALE_BITS)
		s->now.stale = true;
	else
		store_value(r, s, wire_to_double(in->bits));
}

void receiver_lose(struct receiver *r, int64_t ns)
{
	for (size_t i = 0; i < r->len; i++) {
		struct receiver_series *s = r->list[i];
		for (unsigned n = 0; n + 1 < HISTORY && s->now.last_ms != INT64_MIN && s->now.arrived_ns > r->now_ns - ns; n++) {
			s->next_before = (s->next_before + HISTORY - 1) % HISTORY;
			s->gone |= s->before[s->next_before].stale && !s->now.stale; /* the 0 of a new life, by which its value is told from the old one's */
			s->now = s->before[s->next_before];
			s->lost = true;
		}
	}
}

static bool poisoned(const struct receiver *r, struct slice labels)
{
	return r->poison[0] && memmem(labels.ptr, labels.len, r->poison, strlen(r->poison)) != NULL;
}

static bool acceptable(const struct receiver *r, const struct incoming *in)
{
	if (in->ms <= r->head_ms - r->window_ms)
		return false;
	if (!in->series || in->ms > in->series->now.last_ms)
		return true;
	return in->ms == in->series->now.last_ms && in->bits == in->series->now.last_bits;
}

enum reply receiver_write(struct receiver *r, struct slice body)
{
	struct incoming in[SAMPLES_MAX];
	size_t len = 0;
	struct wire w = wire_of(body);
	struct wire_field f;
	while (wire_next(&w, &f) == 1) {
		if (f.number != 1 || len == SAMPLES_MAX)
			continue;
		read_series(f.bytes, &in[len]);
		in[len].series = map_get(&r->series, in[len].key, same_labels, &in[len].labels);
		for (size_t i = 0; i < len; i++)
			if (in[i].key == in[len].key)
				snprintf(r->failure, sizeof(r->failure), "a series twice in one request");
		if (in[len].bad)
			snprintf(r->failure, sizeof(r->failure), "the buckets of a histogram do not add up to its count");
		if (poisoned(r, in[len].labels))
			return r->poison_reply;
		if (!acceptable(r, &in[len])) {
			r->refused++;
			return REPLY_REFUSED;
		}
		len++;
	}
	for (size_t i = 0; i < len; i++)
		store(r, &in[i]);
	return REPLY_OK;
}
