/* SPDX-License-Identifier: Apache-2.0 */
/* The sender against a real HTTP receiver that keeps books as Prometheus does: whole requests refused, times in order, first sample wins. */
#include "../receiver.h"

#include "app/sender.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/wire.h"
#include "metric/remote_write.h"

#include <snappy-c.h>

#define STEP_NS NS_PER_S
enum { FIRST_STEP = 1700000000, SERIES_MAX = 1100, PER_STEP = 3 };

/* --- the receiver --- */

struct stored {
	int64_t time, samples;
	double first, last;
};

struct books {
	struct stored series[SERIES_MAX];
	struct map refused;        /* (series, time) of every sample in a refused request */
	const char *poison;        /* requests with a series whose name holds this get poison_status */
	unsigned poison_status;
	unsigned script[16];       /* statuses of the first requests, 0: as the books say; 1: connection cut after the books took it */
	size_t max_series;         /* 413 above, 0: any */
	size_t metadata, requests, refusals;
	unsigned all;              /* answers everything with this status, 0: not */
	bool resent;               /* a sample of a refused request came again */
	bool disorder;
};

struct sample {
	unsigned series;
	double value;
	int64_t time;
	bool poison;
};

static unsigned number_in(struct slice name)
{
	unsigned n = 0;
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] >= '0' && name.ptr[i] <= '9')
			n = n * 10 + (unsigned)(name.ptr[i] - '0');
	return n;
}

static struct sample read_sample(struct slice bytes, const struct books *b)
{
	struct wire w = wire_of(bytes), inside;
	struct wire_field f;
	struct sample s = {0};
	while (wire_next(&w, &f) == 1) {
		inside = wire_of(f.bytes);
		struct wire_field part;
		while (wire_next(&inside, &part) == 1) {
			if (f.number == 1 && part.number == 2 && slice_starts(part.bytes, SLICE("s"))) {
				s.series = number_in(part.bytes);
				s.poison = b->poison && slice_search(part.bytes, slice_str(b->poison)) < part.bytes.len;
			} else if (f.number == 2 && part.number == 1) {
				s.value = wire_to_double(part.value);
			} else if (f.number == 2 && part.number == 2) {
				s.time = (int64_t)part.value;
			}
		}
	}
	return s;
}

static size_t read_samples(const struct books *b, const struct buf *body, struct sample *out, size_t *metadata)
{
	static char raw[1 << 20];
	size_t len = sizeof(raw), count = 0;
	assert_int_equal(snappy_uncompress(body->data, body->len, raw, &len), SNAPPY_OK);
	struct wire w = wire_of(slice_of(raw, len));
	struct wire_field f;
	*metadata = 0;
	while (wire_next(&w, &f) == 1) {
		if (f.number == 3)
			++*metadata;
		else
			out[count++] = read_sample(f.bytes, b);
	}
	return count;
}

static unsigned judge(struct books *b, const struct sample *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const struct stored *known = &b->series[s[i].series];
		if (s[i].poison)
			return b->poison_status;
		if (known->samples && (s[i].time < known->time || (s[i].time == known->time && s[i].value != known->last)))
			return 400;
	}
	for (size_t i = 0; i < len; i++) {
		struct stored *known = &b->series[s[i].series];
		if (known->samples && known->time == s[i].time)
			continue;
		if (known->samples == 0)
			known->first = s[i].value;
		b->disorder |= s[i].value < known->last;
		*known = (struct stored){.time = s[i].time, .samples = known->samples + 1, .first = known->first, .last = s[i].value};
	}
	return 204;
}

static void remember_refused(struct books *b, const struct sample *s, size_t len)
{
	b->refusals++;
	for (size_t i = 0; i < len; i++)
		if (!map_get(&b->refused, hash_pair(s[i].series, (uint64_t)s[i].time), NULL, NULL))
			map_put(&b->refused, hash_pair(s[i].series, (uint64_t)s[i].time), b);
}

static struct receiver_answer keep_books(void *user, const struct receiver_request *request, size_t index)
{
	static struct sample samples[4 * SERIES_MAX];
	struct books *b = user;
	size_t metadata, len = read_samples(b, &request->body, samples, &metadata);
	unsigned scripted = index < 16 ? b->script[index] : 0, status;
	for (size_t i = 0; i < len; i++)
		b->resent |= map_get(&b->refused, hash_pair(samples[i].series, (uint64_t)samples[i].time), NULL, NULL) != NULL;
	b->requests++;
	b->metadata += metadata;
	if (b->all)
		status = b->all;
	else if (scripted > 1)
		status = scripted;
	else if (b->max_series && len > b->max_series)
		status = 413;
	else
		status = judge(b, samples, len);
	if (status >= 400 && status < 500 && status != 429 && status != 401 && status != 403 && status != 404)
		remember_refused(b, samples, len);
	return (struct receiver_answer){.status = status, .body = status >= 400 ? "because" : "", .close = scripted == 1};
}

/* --- the ledger's side --- */

struct shop {
	size_t series;
	int64_t born[SERIES_MAX]; /* step */
	const char *names[SERIES_MAX];
	int64_t marked;           /* up to and with this step: cut says no */
	bool unwanted;
	bool contested;           /* another one sends, says the journal */
	bool overtaken;           /* another leader has gone on, says the journal */
	size_t asked;
	double before;            /* what series that begin stood at before */
	size_t anchored;
	const struct books *books;
};

static void add_series(struct buf *bytes, const struct shop *shop, size_t i, double value, int64_t time_ns)
{
	struct buf block = {0};
	char name[32];
	snprintf(name, sizeof(name), "s%zu%s", i, shop->names[i] ? shop->names[i] : "");
	struct label label = {SLICE("service_name"), slice_str(name)};
	remote_write_label_block(&block, SLICE("m_total"), &label, 1, NULL);
	remote_write_add(bytes, buf_slice(&block), value, time_ns / NS_PER_MS, NULL);
	buf_done(&block);
}

static void add_requests(const struct shop *shop, int64_t step, bool anchors, size_t max, struct cut *ret)
{
	struct cut_request *r = NULL;
	for (size_t i = 0; i < shop->series; i++) {
		if (anchors ? shop->born[i] != step : shop->born[i] > step)
			continue;
		ret->begins |= anchors;
		if (!r || r->samples == max) {
			r = &ret->requests[ret->len++];
			*r = (struct cut_request){.anchors = anchors, .body = {.ptr = NULL, .len = ret->bytes.len}};
		}
		size_t before = ret->bytes.len;
		add_series(&ret->bytes, shop, i, shop->before + (anchors ? 0 : (double)((step - shop->born[i] + 1) * PER_STEP)), anchors ? step * STEP_NS : (step + 1) * STEP_NS);
		if (r->samples == 0)
			r->first = (uint32_t)before;
		r->samples++;
		r->last = (uint32_t)ret->bytes.len;
	}
}

static bool shop_cut(void *self, int64_t step, enum remote_write_version version, size_t max_samples, size_t max_bytes, struct cut *ret)
{
	(void)max_bytes, (void)version;
	struct shop *shop = self;
	if (step <= shop->marked)
		return false;
	*ret = (struct cut){.version = REMOTE_WRITE_1, .step = step, .end_ns = (step + 1) * STEP_NS};
	ret->requests = mem_zalloc(2 * SERIES_MAX, sizeof(*ret->requests));
	add_requests(shop, step, true, max_samples, ret);
	add_requests(shop, step, false, max_samples, ret);
	for (size_t i = 0; i < ret->len; i++)
		ret->requests[i].body = slice_of(ret->bytes.data + ret->requests[i].first, ret->requests[i].last - ret->requests[i].first);
	return true;
}

static void shop_done(void *self, struct cut *cut)
{
	(void)self;
	free(cut->requests);
	buf_done(&cut->bytes);
	*cut = (struct cut){0};
}

/* Called between the phases: no value is there yet. */
static bool shop_anchored(void *self, int64_t step)
{
	struct shop *shop = self;
	shop->anchored++;
	for (size_t i = 0; i < shop->series; i++)
		check(shop->born[i] != step || shop->books->series[i].samples == 0 || shop->books->series[i].last == shop->before);
	return true;
}

static bool shop_overtaken(void *self, int64_t step, bool anchors)
{
	struct shop *shop = self;
	(void)step;
	(void)anchors;
	shop->asked++;
	return shop->overtaken;
}

static bool shop_contested(void *self)
{
	return ((struct shop *)self)->contested;
}

static bool shop_wanted(void *self, int64_t step)
{
	struct shop *shop = self;
	return step > shop->marked && !shop->unwanted;
}

/* --- one of everything --- */

struct world {
	struct books books;
	struct shop shop;
	struct receiver receiver;
	struct sender *sender;
	struct sender_opts opts;
	int64_t step;
};

static void world_sender(struct world *w)
{
	const struct sender_source source = {.self = &w->shop, .cut = shop_cut, .cut_done = shop_done, .anchored = shop_anchored, .overtaken = shop_overtaken,
		.contested = shop_contested, .wanted = shop_wanted};
	struct err err = {0};
	if (sender_new(&w->opts, &source, &w->sender, &err) < 0)
		fail_msg("%s", err.text);
}

static struct world *world_new(size_t series)
{
	struct world *w = mem_zalloc(1, sizeof(*w));
	receiver_start(&w->receiver, keep_books, &w->books);
	w->shop.series = series;
	w->shop.books = &w->books;
	w->shop.marked = INT64_MIN;
	w->step = FIRST_STEP;
	for (size_t i = 0; i < series; i++)
		w->shop.born[i] = FIRST_STEP;
	sender_opts_default(&w->opts);
	w->opts.http.url = w->receiver.url;
	w->opts.step_ns = STEP_NS;
	w->opts.receiver_window_ns = INT64_MAX / 2;
	w->opts.backoff_min_ns = w->opts.backoff_max_ns = NS_PER_MS;
	w->opts.denied_pause_ns = NS_PER_MS;
	w->opts.metadata_every_ns = -1;
	world_sender(w);
	return w;
}

static void world_free(struct world *w)
{
	sender_free(w->sender);
	receiver_stop(&w->receiver);
	map_done(&w->books.refused);
	free(w);
}

static void send_steps(struct world *w, int64_t count)
{
	for (; count > 0; count--, w->step++)
		assert_int_equal(sender_send(w->sender, w->step, false), SENDER_ACKNOWLEDGED);
}

/* Every series but those in [from, to) has its exact total, began at 0 and never shrank; nothing refused came again. */
static void check_books_but(const struct world *w, size_t from, size_t to)
{
	for (size_t i = 0; i < w->shop.series; i++) {
		const struct stored *s = &w->books.series[i];
		if (i >= from && i < to)
			continue;
		if (s->samples == 0 || s->first != w->shop.before || s->last != w->shop.before + (double)((w->step - w->shop.born[i]) * PER_STEP))
			fail_msg("series %zu: %lld samples, first %g, last %g of %lld", i, (long long)s->samples, s->first, s->last, (long long)((w->step - w->shop.born[i]) * PER_STEP));
	}
	check(!w->books.resent);
	check(!w->books.disorder);
}

static struct sender_status status_of(struct world *w)
{
	struct sender_status status;
	sender_status(w->sender, &status);
	return status;
}

/* --- tests --- */

static void a_step_goes_anchors_first_and_once(void **state)
{
	(void)state;
	struct world *w = world_new(50);
	sender_free(w->sender);
	w->opts.max_samples = 20;
	world_sender(w);
	send_steps(w, 3);
	check_books_but(w, 0, 0);
	assert_int_equal(w->books.series[7].samples, 4);
	assert_int_equal(w->books.requests, 3 + 3 * 3);
	struct sender_status status = status_of(w);
	check(status.requests.len == 1 && status.requests.at[0].code == 204 && status.requests.at[0].count == 12);
	assert_int_equal(w->shop.anchored, 1);
	check(status.steps == 3 && status.samples == 200 && status.failing_since_ns == 0);
	world_free(w);
}

static void the_same_bytes_go_again_after_5xx_429_and_silence(void **state)
{
	(void)state;
	struct world *w = world_new(10);
	const unsigned script[16] = {500, 503, 429, 0, 0, 500, 1};
	memcpy(w->books.script, script, sizeof(script));
	send_steps(w, 3);
	check_books_but(w, 0, 0);
	check(slice_eq(buf_slice(&w->receiver.requests[0].body), buf_slice(&w->receiver.requests[3].body)));
	check(receiver_has_header(&w->receiver.requests[2], "retry-attempt: 2"));
	assert_int_equal(status_of(w).refused, 0);
	check(status_of(w).last_error_ns > 0 && status_of(w).failing_since_ns == 0);
	world_free(w);
}

static void one_poisoned_series_in_1001_is_found_and_nobody_else_loses(void **state)
{
	(void)state;
	struct world *w = world_new(1001);
	w->books.poison = "bad";
	w->books.poison_status = 400;
	w->shop.names[640] = "bad";
	int64_t steps = 0;
	for (; status_of(w).aside == 0 && steps < 20; steps++)
		send_steps(w, 1);
	check(steps <= 12); /* log2(1001) + 1, and the first refusal */
	check(w->books.refusals <= 12);
	struct sender_status status = status_of(w);
	assert_int_equal(status.suspects, 1);
	check_slice(slice_str(status.asides[0].name), "m_total{service_name=\"s640bad\"}");
	check_slice(slice_str(status.asides[0].reason), "because");
	check_books_but(w, 640, 641);
	size_t refusals = w->books.refusals;
	send_steps(w, 3);
	check_books_but(w, 640, 641);
	assert_int_equal(w->books.refusals, refusals); /* it is left alone now */
	world_free(w);
}

static void series_that_wake_up_at_an_old_total_keep_it_through_a_refusal(void **state)
{
	(void)state;
	struct world *w = world_new(40);
	w->shop.before = 1000;
	w->books.poison = "bad";
	w->books.poison_status = 400;
	w->shop.names[11] = "bad";
	send_steps(w, 7);
	assert_int_equal(status_of(w).aside, 1);
	check_books_but(w, 11, 12);
	world_free(w);
}

static void a_series_that_turns_bad_later_is_found_among_steady_ones(void **state)
{
	(void)state;
	struct world *w = world_new(300);
	send_steps(w, 2);
	w->books.poison = "s7";
	w->books.poison_status = 400; /* s7, s70..s79: eleven of them */
	send_steps(w, 12);
	assert_int_equal(status_of(w).aside, 11);
	for (size_t i = 0; i < 300; i++)
		check((w->books.series[i].last == 14 * PER_STEP) != (i == 7 || (i >= 70 && i < 80)));
	check(!w->books.resent && !w->books.disorder);
	world_free(w);
}

static void a_series_set_aside_comes_back_when_the_receiver_takes_it(void **state)
{
	(void)state;
	struct world *w = world_new(8);
	sender_free(w->sender);
	w->opts.aside_retry_ns = 0;
	world_sender(w);
	w->books.poison = "bad";
	w->books.poison_status = 422;
	w->shop.names[3] = "bad";
	send_steps(w, 6);
	assert_int_equal(status_of(w).aside, 1);
	w->books.poison = NULL;
	send_steps(w, 2);
	assert_int_equal(status_of(w).suspects, 0);
	check_books_but(w, 0, 0);
	world_free(w);
}

static void a_request_that_always_gets_500_is_poison_when_others_pass(void **state)
{
	(void)state;
	struct world *w = world_new(64);
	w->books.poison = "bad";
	w->books.poison_status = 500;
	w->shop.names[20] = "bad";
	send_steps(w, 9);
	assert_int_equal(status_of(w).aside, 1);
	check_books_but(w, 20, 21);
	world_free(w);
}

struct recovery {
	struct world *world;
	unsigned after;
};

static struct receiver_answer ill_for_a_while(void *user, const struct receiver_request *request, size_t index)
{
	struct recovery *r = user;
	r->world->books.all = index < r->after ? 500 : 0;
	return keep_books(&r->world->books, request, index);
}

static void a_receiver_that_answers_everything_with_500_is_waited_for(void **state)
{
	(void)state;
	struct world *w = world_new(64);
	struct recovery recovery = {.world = w, .after = 60};
	w->receiver.answer = ill_for_a_while;
	w->receiver.user = &recovery;
	send_steps(w, 2);
	check_books_but(w, 0, 0);
	check(status_of(w).refused == 0 && status_of(w).suspects == 0);
	world_free(w);
}

static void a_receiver_that_comes_back_between_try_and_probe_poisons_nothing(void **state)
{
	(void)state;
	struct world *w = world_new(64);
	struct recovery recovery = {.world = w, .after = 5}; /* the probe is the sixth request */
	w->receiver.answer = ill_for_a_while;
	w->receiver.user = &recovery;
	send_steps(w, 2);
	check_books_but(w, 0, 0);
	check(status_of(w).refused == 0 && status_of(w).suspects == 0);
	world_free(w);
}

static void a_denial_makes_no_suspects(void **state)
{
	(void)state;
	struct world *w = world_new(10);
	const unsigned script[16] = {401, 401, 404, 403, 401};
	memcpy(w->books.script, script, sizeof(script));
	send_steps(w, 2);
	check(status_of(w).suspects == 0 && status_of(w).refused == 0);
	check_books_but(w, 0, 0);
	world_free(w);
}

static void a_successor_takes_400_for_already_there(void **state)
{
	(void)state;
	struct world *w = world_new(10);
	send_steps(w, 2);
	/* the earlier leader sent the third step whole, and died before it could mark it */
	send_steps(w, 1);
	w->step--;
	sender_free(w->sender);
	world_sender(w);
	w->books.series[4].time += 1; /* another receiver of the pair: what we send is out of order there */
	sender_lead(w->sender, w->step);
	send_steps(w, 1);
	check(status_of(w).already_there == 1 && status_of(w).suspects == 0);
	w->books.resent = false;
	send_steps(w, 2);
	check_books_but(w, 0, 0);
	world_free(w);
}

static void anchors_that_come_late_are_never_sent_again(void **state)
{
	(void)state;
	struct world *w = world_new(10);
	/* another leader has sent the step's values meanwhile */
	w->books.series[4] = (struct stored){.time = INT64_C(1000) * (FIRST_STEP + 1), .samples = 2, .last = PER_STEP};
	w->shop.overtaken = true;
	assert_int_equal(sender_send(w->sender, w->step, false), SENDER_GONE);
	check(w->shop.asked == 1 && status_of(w).suspects == 0);
	w->shop.marked = w->step++;
	send_steps(w, 2);
	check(w->books.series[4].last == 3 * PER_STEP && !w->books.disorder);
	world_free(w);
}

static void a_400_for_anchors_is_not_taken_for_already_there(void **state)
{
	(void)state;
	struct world *w = world_new(10);
	const unsigned script[16] = {400};
	memcpy(w->books.script, script, sizeof(script));
	sender_lead(w->sender, w->step);
	send_steps(w, 1);
	check(status_of(w).already_there == 0 && status_of(w).suspects == 10 && w->shop.asked == 1);
	send_steps(w, 2);
	check_books_but(w, 0, 0); /* every series began at its 0 */
	world_free(w);
}

static void anchors_are_forgotten_when_others_may_have_sent(void **state)
{
	(void)state;
	struct world *w = world_new(10);
	const unsigned script[16] = {400};
	memcpy(w->books.script, script, sizeof(script));
	send_steps(w, 1);
	check(status_of(w).suspects == 10);
	for (size_t i = 0; i < 10; i++) /* another leader, that knows of no suspects, sent the next step */
		w->books.series[i] = (struct stored){.time = (w->step + 1) * 1000, .samples = 1, .last = 2 * PER_STEP};
	w->shop.marked = w->step++;
	w->step += 3; /* this one leads again: a 0 now would count everything twice */
	sender_lead(w->sender, w->step);
	sender_contested(w->sender);
	send_steps(w, 2);
	check(!w->books.disorder && w->books.series[3].last == 7 * PER_STEP);
	world_free(w);
}

static void anchors_are_forgotten_when_the_journal_says_that_another_sends(void **state)
{
	(void)state;
	struct world *w = world_new(10);
	const unsigned script[16] = {400};
	memcpy(w->books.script, script, sizeof(script));
	send_steps(w, 1);
	check(status_of(w).suspects == 10);
	for (size_t i = 0; i < 10; i++) /* it sent values behind the noted anchors */
		w->books.series[i] = (struct stored){.time = w->step * 1000, .samples = 1, .last = PER_STEP};
	w->step++;
	w->shop.contested = true;
	send_steps(w, 2);
	check(!w->books.disorder && w->books.series[3].last >= 3 * PER_STEP);
	world_free(w);
}

static void a_lost_acknowledgement_is_no_poison(void **state)
{
	(void)state;
	struct world *w = world_new(10);
	/* anchors pass; the values are taken, the answer is lost, and the receiver that has them answers the second copy with 400 */
	const unsigned script[16] = {0, 1, 400};
	memcpy(w->books.script, script, sizeof(script));
	send_steps(w, 1);
	check(status_of(w).already_there == 1 && status_of(w).suspects == 0);
	w->books.resent = false; /* by intent */
	send_steps(w, 1);
	check_books_but(w, 0, 0);
	world_free(w);
}

static void a_receiver_that_refuses_everything_is_neither_flooded_nor_believed(void **state)
{
	(void)state;
	struct world *w = world_new(1000);
	send_steps(w, 1);
	w->books.all = 400;
	send_steps(w, 15);
	check(status_of(w).aside == 0);
	check(w->books.requests < 15 * 70);
	size_t before = w->books.requests;
	w->books.all = 0;
	send_steps(w, 4);
	check(w->books.requests - before < 4 * 140);
	assert_int_equal(status_of(w).suspects, 0);
	check_books_but(w, 0, 0);
	world_free(w);
}

static void too_large_a_request_makes_later_ones_smaller(void **state)
{
	(void)state;
	struct world *w = world_new(1000);
	w->books.max_series = 300;
	send_steps(w, 8);
	check_books_but(w, 0, 0);
	assert_int_equal(status_of(w).suspects, 0);
	size_t refusals = w->books.refusals;
	send_steps(w, 2);
	assert_int_equal(w->books.refusals, refusals);
	world_free(w);
}

static void a_step_older_than_the_window_is_not_sent_unless_it_is_the_newest(void **state)
{
	(void)state;
	struct world *w = world_new(3);
	sender_free(w->sender);
	w->opts.receiver_window_ns = 3600 * NS_PER_S;
	world_sender(w);
	assert_int_equal(sender_send(w->sender, FIRST_STEP, false), SENDER_TOO_OLD);
	assert_int_equal(w->books.requests, 0);
	assert_int_equal(sender_send(w->sender, FIRST_STEP, true), SENDER_ACKNOWLEDGED);
	assert_int_equal(w->books.requests, 2);
	w->shop.marked = FIRST_STEP;
	assert_int_equal(sender_send(w->sender, FIRST_STEP, true), SENDER_GONE);
	world_free(w);
}

static void *stop_soon(void *user)
{
	usleep(150000);
	sender_stop(user);
	return NULL;
}

static void stopping_ends_a_long_wait(void **state)
{
	(void)state;
	struct world *w = world_new(3);
	sender_free(w->sender);
	w->opts.backoff_min_ns = w->opts.backoff_max_ns = 60 * NS_PER_S;
	world_sender(w);
	w->books.all = 503;
	pthread_t thread;
	pthread_create(&thread, NULL, stop_soon, w->sender);
	int64_t before = clock_mono_ns();
	assert_int_equal(sender_send(w->sender, w->step, false), SENDER_STOPPED);
	check(clock_mono_ns() - before < 3 * NS_PER_S);
	pthread_join(thread, NULL);
	assert_int_equal(sender_send(w->sender, w->step, false), SENDER_STOPPED);
	world_free(w);
}

static void a_lost_leadership_ends_the_tries(void **state)
{
	(void)state;
	struct world *w = world_new(3);
	w->books.all = 503;
	w->shop.unwanted = true;
	assert_int_equal(sender_send(w->sender, w->step, false), SENDER_GONE);
	assert_int_equal(w->books.requests, 1);
	world_free(w);
}

struct weather {
	struct world *world;
	uint64_t random;
	bool calm;
};

/* Storms of every kind of answer, deserved or not; poisoned series are refused in any weather. */
static struct receiver_answer stormy(void *user, const struct receiver_request *request, size_t index)
{
	static const unsigned kinds[] = {500, 503, 429, 502, 400, 1, 404, 413};
	struct weather *w = user;
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	unsigned dice = (unsigned)(w->random >> 40);
	bool wild = !w->calm && dice % 3 == 0;
	w->world->books.script[0] = wild ? kinds[dice / 3 % 8] : 0;
	(void)index;
	return keep_books(&w->world->books, request, 0);
}

static void after_any_weather_every_good_series_is_exact(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct world *w = world_new(120);
		sender_free(w->sender);
		w->opts.aside_retry_ns = 0; /* a storm may hit a good series alone: it is tried again */
		w->opts.in_flight = (unsigned)(1 + seed % 4);
		world_sender(w);
		struct weather weather = {.world = w, .random = seed * 7919};
		w->receiver.answer = stormy;
		w->receiver.user = &weather;
		w->books.poison = "bad";
		w->books.poison_status = 400;
		w->shop.names[seed] = "bad";
		for (size_t i = 60; i < 120; i++) /* half of them begin on the way */
			w->shop.born[i] = FIRST_STEP + (int64_t)(i % 10);
		send_steps(w, 14);
		weather.calm = true;
		send_steps(w, 12);
		w->books.resent = false; /* a lost answer may be followed by a 400 and the same bytes: both rightly */
		for (size_t i = 0; i < 120; i++) {
			const struct stored *s = &w->books.series[i];
			if (i != seed && s->last != (double)((w->step - w->shop.born[i]) * PER_STEP))
				fail_msg("seed %d, series %zu: %g", (int)seed, i, s->last);
		}
		check(!w->books.disorder);
		assert_int_equal(status_of(w).aside, 1);
		world_free(w);
	}
}

static void metadata_names_every_family(void **state)
{
	(void)state;
	struct world *w = world_new(3);
	sender_free(w->sender);
	w->opts.metadata_every_ns = 3600 * NS_PER_S;
	world_sender(w);
	send_steps(w, 3);
	assert_int_equal(w->books.metadata, FAMILY_COUNT - 1);
	world_free(w);
}

static void waits_grow_to_a_bound_and_heed_the_receiver(void **state)
{
	(void)state;
	struct sender_opts opts;
	sender_opts_default(&opts);
	struct http_reply reply = {.verdict = HTTP_RETRY, .status = 503, .retry_after_ns = -1};
	int64_t wait, last = 0;
	for (unsigned attempt = 0; attempt < 40; attempt++) {
		sender_decide(&opts, &(struct sender_try){.attempt = attempt}, &reply, attempt * 7919, &wait);
		int64_t base = attempt < 7 ? (100 * NS_PER_MS) << attempt : 10 * NS_PER_S;
		check(wait <= base && wait >= base - base / 10 - 1);
		check((double)wait >= 0.8 * (double)last);
		last = wait;
	}
	reply.retry_after_ns = 20 * NS_PER_S;
	assert_int_equal(sender_decide(&opts, &(struct sender_try){0}, &reply, 0, &wait), SENDER_RETRY);
	assert_int_equal(wait, 20 * NS_PER_S);
	reply.retry_after_ns = 3600 * NS_PER_S;
	sender_decide(&opts, &(struct sender_try){0}, &reply, 0, &wait);
	assert_int_equal(wait, 60 * NS_PER_S);
	assert_int_equal(sender_decide(&opts, &(struct sender_try){.server_errors = 4}, &reply, 0, &wait), SENDER_PROBE);
	reply = (struct http_reply){.verdict = HTTP_REFUSED, .status = 400, .retry_after_ns = -1};
	assert_int_equal(sender_decide(&opts, &(struct sender_try){.maybe_there = true}, &reply, 0, &wait), SENDER_ALREADY_THERE);
	assert_int_equal(sender_decide(&opts, &(struct sender_try){0}, &reply, 0, &wait), SENDER_REFUSED);
	reply.status = 401;
	assert_int_equal(sender_decide(&opts, &(struct sender_try){.maybe_there = true}, &reply, 0, &wait), SENDER_RETRY);
	assert_int_equal(wait, 10 * NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_goes_anchors_first_and_once),
		cmocka_unit_test(the_same_bytes_go_again_after_5xx_429_and_silence),
		cmocka_unit_test(one_poisoned_series_in_1001_is_found_and_nobody_else_loses),
		cmocka_unit_test(series_that_wake_up_at_an_old_total_keep_it_through_a_refusal),
		cmocka_unit_test(a_series_that_turns_bad_later_is_found_among_steady_ones),
		cmocka_unit_test(a_series_set_aside_comes_back_when_the_receiver_takes_it),
		cmocka_unit_test(a_request_that_always_gets_500_is_poison_when_others_pass),
		cmocka_unit_test(a_receiver_that_answers_everything_with_500_is_waited_for),
		cmocka_unit_test(a_receiver_that_comes_back_between_try_and_probe_poisons_nothing),
		cmocka_unit_test(a_denial_makes_no_suspects),
		cmocka_unit_test(a_successor_takes_400_for_already_there),
		cmocka_unit_test(anchors_that_come_late_are_never_sent_again),
		cmocka_unit_test(a_400_for_anchors_is_not_taken_for_already_there),
		cmocka_unit_test(anchors_are_forgotten_when_others_may_have_sent),
		cmocka_unit_test(anchors_are_forgotten_when_the_journal_says_that_another_sends),
		cmocka_unit_test(a_lost_acknowledgement_is_no_poison),
		cmocka_unit_test(a_receiver_that_refuses_everything_is_neither_flooded_nor_believed),
		cmocka_unit_test(too_large_a_request_makes_later_ones_smaller),
		cmocka_unit_test(a_step_older_than_the_window_is_not_sent_unless_it_is_the_newest),
		cmocka_unit_test(stopping_ends_a_long_wait),
		cmocka_unit_test(a_lost_leadership_ends_the_tries),
		cmocka_unit_test(after_any_weather_every_good_series_is_exact),
		cmocka_unit_test(metadata_names_every_family),
		cmocka_unit_test(waits_grow_to_a_bound_and_heed_the_receiver),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
