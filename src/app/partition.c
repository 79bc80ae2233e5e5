/* SPDX-License-Identifier: Apache-2.0 */
#include "app/partition.h"

#include <stdlib.h>

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
	free(p);
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
