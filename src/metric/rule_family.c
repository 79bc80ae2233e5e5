/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions are interned once for the life of the process and never change or move, so numbers can be handed between threads and family_get() takes no
 * lock. A definition is a few hundred bytes and comes with a rule set or a journal, so what a process ever sees of them is little; there is a bound all the same. */
#include "metric/rule_family.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

enum { CHUNK = 256, CHUNKS = 256 };

struct entry {
	struct family family;
	uint64_t key;
	enum family_id id;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry *_Atomic chunks[CHUNKS];
static size_t entries_len;
static struct map by_definition;

static struct entry *entry_at(size_t n)
{
	return &atomic_load_explicit(&chunks[n / CHUNK], memory_order_acquire)[n % CHUNK];
}

const struct family *rule_family_get(enum family_id id)
{
	return &entry_at((size_t)id - FAMILY_COUNT - 1)->family;
}

uint64_t rule_family_key(enum family_id id)
{
	return entry_at((size_t)id - FAMILY_COUNT - 1)->key;
}

static bool same_family(const void *item, const void *key)
{
	const struct family *a = &((const struct entry *)item)->family, *b = key;
	return a->type == b->type && a->sums == b->sums && a->bounds_len == b->bounds_len && strcmp(a->name, b->name) == 0 && strcmp(a->unit, b->unit) == 0 && strcmp(a->help, b->help) == 0 &&
		(a->bounds_len == 0 || memcmp(a->bounds, b->bounds, a->bounds_len * sizeof(*a->bounds)) == 0);
}

static uint64_t definition_hash(const struct family *f)
{
	uint64_t hash = hash_pair(hash_bytes(slice_str(f->name)), hash_bytes(slice_str(f->help)));
	return hash_pair(hash, hash_bytes(slice_of((const char *)f->bounds, f->bounds_len * sizeof(*f->bounds))));
}

static void fill(struct entry *e, const struct family *f)
{
	double *bounds = mem_zalloc(f->bounds_len + 1, sizeof(*bounds));
	if (f->bounds_len)
		memcpy(bounds, f->bounds, f->bounds_len * sizeof(*bounds));
	*e = (struct entry){
		.family = {.name = mem_strdup(slice_str(f->name)), .type = f->type, .sums = f->sums, .unit = mem_strdup(slice_str(f->unit)), .help = mem_strdup(slice_str(f->help)),
			.bounds = bounds, .bounds_len = f->bounds_len, .labels = ""},
		.key = hash_pair(FAMILY_COUNT, hash_bytes(slice_str(f->name))),
	};
}

static enum family_id add(const struct family *family, uint64_t hash)
{
	size_t n = entries_len;
	if (n == (size_t)CHUNK * CHUNKS)
		return FAMILY_COUNT;
	if (n % CHUNK == 0)
		atomic_store_explicit(&chunks[n / CHUNK], mem_zalloc(CHUNK, sizeof(struct entry)), memory_order_release);
	struct entry *e = entry_at(n);
	fill(e, family);
	e->id = (enum family_id)(FAMILY_COUNT + 1 + n);
	map_put(&by_definition, hash, e);
	entries_len++;
	return e->id;
}

enum family_id rule_family_intern(const struct family *family)
{
	uint64_t hash = definition_hash(family);
	pthread_mutex_lock(&lock);
	struct entry *e = map_get(&by_definition, hash, same_family, family);
	enum family_id id = e ? e->id : add(family, hash);
	pthread_mutex_unlock(&lock);
	return id;
}

static bool name_ok(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!isalnum((unsigned char)name.ptr[i]) && name.ptr[i] != '_' && name.ptr[i] != ':')
			return false;
	return name.len > 0 && name.len <= RULE_FAMILY_NAME_MAX && !isdigit((unsigned char)name.ptr[0]);
}

const char *rule_family_fault(const struct family *f)
{
	struct slice name = slice_str(f->name);
	bool counter = f->type == METRIC_COUNTER;
	if (!name_ok(name) || strlen(f->help) > RULE_FAMILY_HELP_MAX)
		return "its name or help is none";
	if (counter != slice_ends(name, SLICE("_total")) || counter != f->sums || f->type == METRIC_GAUGE)
		return "its type does not fit its name";
	if (f->bounds_len > BOUNDS_MAX || (counter && f->bounds_len))
		return "it has too many bounds";
	for (size_t i = 0; i < f->bounds_len; i++)
		if (!isfinite(f->bounds[i]) || (i > 0 && f->bounds[i] <= f->bounds[i - 1]))
			return "its bounds do not rise";
	return NULL;
}
