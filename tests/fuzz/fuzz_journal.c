/* SPDX-License-Identifier: Apache-2.0 */
/* Journal records folded into a ledger: the input as it is, and as the insides of sealed records one after the other. Afterwards the ledger can be sent, saved
 * and loaded. */
#include "sealed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t counted(const struct ledger *l)
{
	struct ledger_value value;
	uint64_t sum = 0;
	for (size_t i = 0; i < ledger_series_len(l); i++)
		if (ledger_series_at(l, i, &value) && family_get(value.family)->type != METRIC_GAUGE)
			sum += value.count;
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ledger *l = ledger_new(&sealed_opts);
	struct ledger_event event;
	struct buf record = {0};
	struct slice input = slice_of((const char *)data, size);
	int64_t position = 1;
	ledger_post(l, input, position++, &event);
	while (sealed_next(&input, &record)) {
		ledger_post(l, buf_slice(&record), position++, &event);
		if (event.outcome == LEDGER_POSTED) { /* a duplicate never counts twice; one of a heartbeat may be posted, as it counts nothing */
			uint64_t before = counted(l);
			ledger_post(l, buf_slice(&record), position++, &event);
			if (counted(l) != before)
				abort();
		}
	}
	sealed_check_snapshot(l);
	sealed_send(l, position);
	sealed_check_snapshot(l);
	ledger_free(l);
	buf_done(&record);
	return 0;
}
