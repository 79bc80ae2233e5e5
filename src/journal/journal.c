/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal.h"

#include "journal/backend.h"

void journal_close(struct journal *j)
{
	if (j)
		j->backend->close(j);
}

int journal_append(struct journal *j, struct slice record, struct err *err)
{
	return j->backend->append(j, record, err);
}

int journal_begin(struct journal *j, int64_t *ret_position, struct err *err)
{
	return j->backend->begin(j, ret_position, err);
}

int journal_end(struct journal *j, int64_t *ret_position, struct err *err)
{
	return j->backend->end(j, ret_position, err);
}

int journal_seek(struct journal *j, int64_t position, struct err *err)
{
	return j->backend->seek(j, position, err);
}

int64_t journal_next(const struct journal *j)
{
	return j->backend->next(j);
}

int journal_read(struct journal *j, int64_t timeout_ns, struct journal_entry *ret, struct err *err)
{
	return j->backend->read(j, timeout_ns, ret, err);
}

bool journal_leads(struct journal *j)
{
	return j->backend->leads(j);
}

int journal_save_snapshot(struct journal *j, struct slice snapshot, int64_t position, struct err *err)
{
	return j->backend->save_snapshot(j, snapshot, position, err);
}

int journal_load_snapshot(struct journal *j, struct buf *out, struct err *err)
{
	return j->backend->load_snapshot(j, out, err);
}
