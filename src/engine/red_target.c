/* SPDX-License-Identifier: Apache-2.0 */
/* target_info: what sends spans, by its resource's attributes. */
#include "base/mem.h"
#include "engine/red_memo.h"

#include <stdlib.h>

struct target {
	uint32_t series;
	int64_t step; /* the last one that it was shown in */
};

void red_targets_forget(struct red *r)
{
	size_t cursor = 0;
	for (struct target *t; (t = map_next(&r->targets, &cursor));)
		free(t);
	map_clear(&r->targets);
	memset(r->near_targets, 0, sizeof(r->near_targets));
}

static bool is_identity(struct slice name)
{
	return slice_eq(name, SLICE("service.name")) || slice_eq(name, SLICE("service.namespace")) || slice_eq(name, SLICE("service.instance.id"));
}

static uint64_t target_hash(const struct red_event *e)
{
	struct slice name, value;
	uint64_t hash = hash_pair(hash_bytes(e->service), hash_pair(hash_bytes(e->record->service_namespace), hash_bytes(e->record->service_instance)));
	for (size_t cursor = 0; record_resource_next(e->record, &cursor, &name, &value);)
		hash = hash_pair(hash, hash_pair(hash_bytes(name), hash_bytes(value)));
	return hash;
}

static uint32_t target_series(struct red *r, const struct red_event *e)
{
	char names[LABELS_MAX][LABEL_NAME_MAX], job[ROUTE_MAX];
	struct label labels[LABELS_MAX];
	size_t len = 0;
	struct slice name, value;
	labels[len++] = red_label("job", red_job(e, job));
	if (e->record->service_instance.len)
		labels[len++] = red_label("instance", e->record->service_instance);
	for (size_t cursor = 0; len < LABELS_MAX && record_resource_next(e->record, &cursor, &name, &value);) {
		if (is_identity(name))
			continue;
		name = red_label_name(name, names[len]);
		labels[len++] = (struct label){.name = name, .value = value};
	}
	return tally_series(r->tally, FAMILY_TARGET_INFO, labels, len);
}

/* NULL if there is no room for another one: nothing is kept of it. */
static struct target *target_get(struct red *r, const struct red_event *e, uint64_t hash)
{
	char digits[17];
	struct buf id = {.data = digits, .cap = sizeof(digits)};
	bool first;
	struct target *t = map_get(&r->targets, hash, NULL, NULL);
	if (t)
		return t;
	buf_printf(&id, "%016llx", (unsigned long long)hash);
	enum red_refusal refusal = red_value(r, hash_pair(hash_bytes(SLICE("target_info")), hash_bytes(e->service)), buf_slice(&id), IDS_WELCOME, &first);
	if (first)
		red_warn(r, refusal, "service", e->service, SLICE("target_info"), e->record->service_instance);
	if (refusal)
		return NULL;
	t = mem_zalloc(1, sizeof(*t));
	*t = (struct target){.step = INT64_MIN, .series = target_series(r, e)};
	map_put(&r->targets, hash, t);
	return t;
}

/* The same bytes under the same service are the same target: its attributes need not be read again. */
static struct target *target_near(struct red *r, const struct red_event *e)
{
	struct slice bytes = record_resource_bytes(e->record);
	if (bytes.len == 0)
		return target_get(r, e, target_hash(e));
	uint64_t key = hash_bytes(bytes) ^ (uintptr_t)red_service(r, e->service);
	struct near_target *near = &r->near_targets[key % RED_NEAR_TARGETS];
	if (!near->target || near->key != key)
		*near = (struct near_target){key, target_get(r, e, target_hash(e))};
	return near->target;
}

bool red_target(struct red *r, const struct red_event *e)
{
	int64_t step = red_step(r, e->time_ns);
	struct target *t = target_near(r, e);
	if (t && step > t->step) {
		tally_count(r->tally, t->series, step, 1, NULL);
		t->step = step;
	}
	return t != NULL;
}
