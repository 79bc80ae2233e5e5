/* SPDX-License-Identifier: Apache-2.0 */
/* Every policy is monotone: it looks at one span, and what it says can only make a trace kept. So the order of spans does not matter, a reason found is found for
 * good, and a trace is known to be kept from that span on, long before it is complete: exemplars may be taken from it at once. */
#include "engine/sampling.h"

#include "base/hash.h"

const char *sampling_reason_name(unsigned bit)
{
	static const char *const names[SAMPLING_REASONS] = {"error", "slow", "listed", "log_error", "pattern", "example", "share", "incident"};
	for (unsigned i = 0; i < SAMPLING_REASONS; i++)
		if (bit == 1u << i)
			return names[i];
	return NULL;
}

uint64_t sampling_hash(struct slice trace_id)
{
	return hash_bytes(trace_id);
}

void sampling_bits(struct slice trace_id, uint64_t ret[2])
{
	ret[0] = ret[1] = 0;
	for (size_t i = 0; i < trace_id.len && i < 32; i++) {
		char c = trace_id.ptr[i];
		uint64_t digit = c >= '0' && c <= '9' ? (uint64_t)(c - '0') : c >= 'a' && c <= 'f' ? (uint64_t)(c - 'a' + 10) : 0;
		ret[0] = ret[0] << 4 | ret[1] >> 60;
		ret[1] = ret[1] << 4 | digit;
	}
}

int64_t sampling_bound_ns(const struct sampling *s, struct slice service, struct slice name, int64_t usual_ns)
{
	for (size_t i = 0; i < s->bounds_len; i++)
		if ((s->bounds[i].service.len == 0 || slice_eq(s->bounds[i].service, service)) && slice_eq(s->bounds[i].name, name))
			return s->bounds[i].slow_ns;
	return usual_ns ? usual_ns : s->slow_ns;
}

static bool slow(const struct sampling *s, const struct record *span, struct slice service, int64_t usual_ns)
{
	int64_t bound = sampling_bound_ns(s, service, span->name, usual_ns);
	return bound > 0 && span->duration_ns > bound;
}

static bool listed(const struct sampling *s, const struct record *span)
{
	struct slice value;
	for (size_t i = 0; i < s->keep_len; i++)
		if (record_field(span, s->keep[i].field, &value) && (s->keep[i].value.len == 0 || slice_eq(value, s->keep[i].value)))
			return true;
	return false;
}

unsigned sampling_judge(const struct sampling *s, const struct record *span, struct slice service, int64_t usual_ns)
{
	unsigned reasons = 0;
	if (s->errors && span->error)
		reasons |= SAMPLING_ERROR;
	if (slow(s, span, service, usual_ns))
		reasons |= SAMPLING_SLOW;
	if (s->keep_len && listed(s, span))
		reasons |= SAMPLING_LISTED;
	return reasons;
}

static bool under(double share, uint64_t hash)
{
	return share >= 1 || (double)(hash >> 11) * 0x1p-53 < share;
}

bool sampling_shares(const struct sampling *s, struct slice service, uint64_t hash)
{
	for (size_t i = 0; i < s->shares_len; i++)
		if (slice_eq(s->shares[i].service, service))
			return under(s->shares[i].share, hash);
	return under(s->share, hash);
}

bool sampling_surely_shared(const struct sampling *s, uint64_t hash)
{
	double least = s->share;
	for (size_t i = 0; i < s->shares_len; i++)
		if (s->shares[i].share < least)
			least = s->shares[i].share;
	return s->per_second == 0 && under(least, hash);
}
