/* SPDX-License-Identifier: Apache-2.0 */
/* Records with a sound seal around fuzzed insides: what a checksum would else keep the fuzzer from. */
#ifndef WINNOW_TESTS_FUZZ_SEALED_H
#define WINNOW_TESTS_FUZZ_SEALED_H

#include "base/clock.h"
#include "ledger/ledger.h"
#include "ledger/seal.h"

#include <stdlib.h>

static const struct ledger_opts sealed_opts = {
	.step_ns = 10 * NS_PER_S,
	.lateness_ns = 2 * NS_PER_S,
	.expire_ns = 60 * NS_PER_S,
	.receiver_window_ns = 3300 * NS_PER_S,
	.series_limit = 1000,
};

/* Takes from *input: kind, length of the head (u16, little-endian), head, length of the body (u16), body; puts the sealed record in out. False at the end. */
static inline bool sealed_next(struct slice *input, struct buf *out)
{
	struct slice parts[2];
	if (input->len < 5)
		return false;
	char kind = input->ptr[0];
	*input = slice_sub(*input, 1, input->len);
	for (size_t i = 0; i < 2; i++) {
		const unsigned char *at = (const unsigned char *)input->ptr;
		size_t len = input->len < 2 ? 0 : (size_t)at[0] | (size_t)at[1] << 8;
		parts[i] = slice_sub(*input, 2, len);
		*input = slice_sub(*input, 2 + parts[i].len, input->len);
	}
	buf_reset(out);
	seal_close(out, kind, parts[0], parts[1]);
	return true;
}

/* What was saved loads, and saved again it is the same bytes. */
static inline void sealed_check_snapshot(const struct ledger *l)
{
	struct buf first = {0}, second = {0};
	struct ledger *copy = ledger_new(&sealed_opts);
	ledger_save(l, &first);
	if (ledger_load(copy, buf_slice(&first), NULL) < 0)
		abort();
	ledger_save(copy, &second);
	if (!slice_eq(buf_slice(&first), buf_slice(&second)))
		abort();
	ledger_free(copy);
	buf_done(&first);
	buf_done(&second);
}

/* Sends what is pending, as the sender would; the views are read through. */
static inline void sealed_send(struct ledger *l, int64_t position)
{
	struct buf record = {0};
	struct ledger_event event;
	struct ledger_value value;
	struct ledger_pattern pattern;
	for (unsigned n = 0; n < 8 && ledger_pending_steps(l); n++) {
		struct cut cut;
		int64_t step = ledger_pending_first(l);
		ledger_cut(l, step, REMOTE_WRITE_1, 100, 1 << 16, &cut);
		cut_done(&cut);
		buf_reset(&record);
		mark_encode(&record, 0, step, n % 2, ledger_journal_time(l), 0);
		ledger_post(l, buf_slice(&record), position + n, &event);
	}
	for (size_t i = 0; i < ledger_series_len(l); i++)
		ledger_series_at(l, i, &value);
	for (size_t i = 0; i < ledger_patterns_len(l); i++)
		ledger_pattern_at(l, i, &pattern);
	buf_done(&record);
}

#endif
