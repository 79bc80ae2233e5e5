/* SPDX-License-Identifier: Apache-2.0 */
#include "app/partition.h"

#include <stdlib.h>

static bool header_at(const struct message_headers *headers, size_t i, struct slice *ret_name, struct slice *ret_value)
{
	const struct partition_headers *h = (const struct partition_headers *)headers;
	return h->reader->ops->header(h->reader, h->message, i, ret_name, ret_value);
}

void partition_init_headers(struct partition *p)
{
	p->headers = (struct partition_headers){.base.at = header_at, .reader = p->reader};
	p->shard.headers = p->reader->ops->header ? &p->headers.base : NULL;
}

void partition_let_go(struct partition *p)
{
	if (p->batch.held_len || p->batch.len)
		p->reader->ops->release(p->reader, &p->batch);
	p->batch.len = p->next = 0;
	p->batch.at_end = false;
}

void partition_free(struct partition *p)
{
	partition_let_go(p);
	p->reader->ops->close(p->reader);
	shard_partition_done(&p->shard);
	free(p);
}

enum source_aside partition_set_aside(struct partition *p, const struct source_message *m, const char *reason, size_t lost)
{
	if (!p->reader->ops->set_aside || m->offset < p->aside_to)
		return SOURCE_ASIDE_NOWHERE; /* after a rewind it is read again, but it is there */
	enum source_aside became = p->reader->ops->set_aside(p->reader, m, reason, lost);
	p->aside_to = m->offset + 1;
	p->unsettled = p->unsettled || became == SOURCE_ASIDE_TAKEN;
	p->aside_full = became == SOURCE_ASIDE_TAKEN && p->reader->ops->aside_full(p->reader);
	return became;
}

bool partition_aside_full(struct partition *p)
{
	p->aside_full = p->aside_full && p->reader->ops->aside_full(p->reader);
	return p->aside_full;
}

bool partition_settle(struct partition *p, int64_t timeout_ns, size_t *lost)
{
	p->unsettled = p->unsettled && !p->reader->ops->settle(p->reader, timeout_ns, lost);
	return !p->unsettled;
}

static int by_time(const void *a, const void *b)
{
	const struct partition *x = *(struct partition *const *)a, *y = *(struct partition *const *)b;
	return (x->shard.newest_ns > y->shard.newest_ns) - (x->shard.newest_ns < y->shard.newest_ns);
}

void partitions_sort_by_time(struct partitions *all)
{
	if (all->len > 1)
		qsort(all->at, all->len, sizeof(struct partition *), by_time);
}
