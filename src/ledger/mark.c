/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's short records: marks, anchored records, claims, closes, beginnings of endpoints. delta.c reads them. */
#include "ledger/delta.h"
#include "ledger/item.h"
#include "ledger/ledger.h"
#include "ledger/seal.h"

static void encode_short(struct buf *out, enum delta_kind kind, int64_t journal_time_ns, int64_t step, bool skipped, uint64_t leader, uint64_t endpoint)
{
	struct buf head = {0};
	pack_i64(&head, journal_time_ns);
	if (kind == DELTA_MARK || kind == DELTA_ANCHORED)
		pack_i64(&head, step);
	if (kind == DELTA_MARK)
		pack_bool(&head, skipped);
	if (leader || endpoint)
		pack_u64(&head, leader);
	if (endpoint)
		pack_u64(&head, endpoint);
	seal_close(out, (char)kind, buf_slice(&head), (struct slice){0});
	buf_done(&head);
}

void mark_encode(struct buf *out, uint64_t endpoint, int64_t step, bool skipped, int64_t journal_time_ns, uint64_t leader)
{
	encode_short(out, DELTA_MARK, journal_time_ns, step, skipped, leader, endpoint);
}

void anchored_encode(struct buf *out, uint64_t endpoint, int64_t step, int64_t journal_time_ns, uint64_t leader)
{
	encode_short(out, DELTA_ANCHORED, journal_time_ns, step, false, leader, endpoint);
}

void close_encode(struct buf *out, int64_t journal_time_ns)
{
	encode_short(out, DELTA_CLOSE, journal_time_ns, 0, false, 0, 0);
}

void claim_encode(struct buf *out, int64_t journal_time_ns, uint64_t leader)
{
	encode_short(out, DELTA_CLAIM, journal_time_ns, 0, false, leader, 0);
}

void begin_encode(struct buf *out, uint64_t endpoint, uint64_t base, int64_t journal_time_ns, uint64_t leader)
{
	struct buf head = {0};
	pack_i64(&head, journal_time_ns);
	pack_u64(&head, leader);
	pack_u64(&head, endpoint);
	pack_u64(&head, base);
	seal_close(out, DELTA_BEGIN, buf_slice(&head), (struct slice){0});
	buf_done(&head);
}

void rules_encode(struct buf *out, const struct delta_rules *rules, int64_t journal_time_ns)
{
	struct buf head = {0}, body = {0};
	pack_i64(&head, journal_time_ns);
	pack_u64(&head, rules->writer);
	pack_u64(&head, rules->number);
	pack_u64(&head, rules->from_seq);
	pack_u64(&head, rules->hash);
	pack_u64(&body, rules->len);
	for (size_t i = 0; i < rules->len; i++) {
		const struct delta_rule *r = &rules->at[i];
		pack_bool(&body, r->metric);
		pack_bytes(&body, r->name);
		pack_bytes(&body, r->service);
		pack_u64(&body, r->labels_len);
		for (size_t k = 0; k < r->labels_len; k++)
			pack_bytes(&body, r->labels[k]);
	}
	seal_close(out, DELTA_RULES, buf_slice(&head), buf_slice(&body));
	buf_done(&head);
	buf_done(&body);
}
