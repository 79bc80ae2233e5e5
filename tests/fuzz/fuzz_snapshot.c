/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: the input as it is, and as the insides of a sealed one. What loads can be read, sent and saved. (That it loads again is not asked for: nobody but
 * us writes snapshots, and what we would not have written is not put right by loading it.) */
#include "sealed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf record = {0};
	struct slice input = slice_of((const char *)data, size);
	struct ledger *l = ledger_new(&sealed_opts);
	struct err err = {0};
	if (ledger_load(l, input, &err) < 0 && !err.text[0])
		abort();
	ledger_free(l);
	l = ledger_new(&sealed_opts);
	if (sealed_next(&input, &record) && ledger_load(l, buf_slice(&record), &err) == 0) {
		sealed_send(l, ledger_position(l));
		buf_reset(&record);
		ledger_save(l, &record);
		ledger_free(l);
		l = ledger_new(&sealed_opts);
		if (ledger_load(l, buf_slice(&record), &err) == 0)
			sealed_send(l, ledger_position(l));
	}
	ledger_free(l);
	buf_done(&record);
	return 0;
}
