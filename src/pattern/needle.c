/* SPDX-License-Identifier: Apache-2.0 */
/* Idea. Of each text the two bytes that logs have most rarely are chosen. Where both stand at their distance, found 32 (or 16) places of the message at once, the whole
 * text is compared. That is two loads and two comparisons for each text and 32 bytes, and hardly ever a branch taken, which for a few texts is less than any
 * automaton costs to start. The last places are covered by a block that overlaps the one before it, so nothing behind the message is read.
 *
 * Source. The generic form of SIMD search by two bytes: Wojciech Mula, "SIMD-friendly algorithms for substring searching". */
#include "pattern/needle.h"

#include "base/mem.h"

#include <stdlib.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

struct needle {
	struct slice text;
	size_t first, second; /* places of its two rare bytes */
};

struct needles {
	struct needle items[NEEDLES_MAX];
	size_t len;
	bool wide; /* the CPU has AVX2 */
};

/* The most common bytes of log messages first; those that are not here are rarer than any. */
static const char common[] = " eatinorsldcmupgbfhvyw0123456789.:-/=[](),_\"'kTSIRECAONLDPMUGFHBVKW{}@xjzq";

static size_t rarity(char c)
{
	const char *at = c ? strchr(common, c) : NULL;
	return at ? (size_t)(at - common) : sizeof(common);
}

static size_t rarest(struct slice text, size_t but)
{
	size_t best = but == 0;
	for (size_t i = best; i < text.len; i++)
		if (i != but && rarity(text.ptr[i]) > rarity(text.ptr[best]))
			best = i;
	return best;
}

struct needles *needles_new(const struct slice *texts, size_t len)
{
	struct needles *n = mem_zalloc(1, sizeof(*n));
#ifdef __x86_64__
	n->wide = __builtin_cpu_supports("avx2");
#endif
	for (size_t i = 0; i < len; i++) {
		size_t first = rarest(texts[i], SIZE_MAX);
		n->items[n->len++] = (struct needle){.text = texts[i], .first = first, .second = rarest(texts[i], first)};
	}
	return n;
}

void needles_free(struct needles *n)
{
	free(n);
}

static bool stands_at(const struct needle *n, const char *at)
{
	return memcmp(at, n->text.ptr, n->text.len) == 0;
}

/* places: how many of them the text may begin at. */
static bool scan_plain(const struct needle *n, const char *message, size_t places)
{
	for (size_t i = 0; i < places; i++)
		if (message[i + n->first] == n->text.ptr[n->first] && message[i + n->second] == n->text.ptr[n->second] && stands_at(n, message + i))
			return true;
	return false;
}

#ifdef __x86_64__
static bool any_stands(const struct needle *n, const char *at, unsigned hits)
{
	for (; hits; hits &= hits - 1)
		if (stands_at(n, at + __builtin_ctz(hits)))
			return true;
	return false;
}

static inline unsigned hits_narrow(const struct needle *n, const char *at)
{
	__m128i a = _mm_loadu_si128((const __m128i *)(const void *)(at + n->first)), b = _mm_loadu_si128((const __m128i *)(const void *)(at + n->second));
	a = _mm_cmpeq_epi8(a, _mm_set1_epi8(n->text.ptr[n->first]));
	b = _mm_cmpeq_epi8(b, _mm_set1_epi8(n->text.ptr[n->second]));
	return (unsigned)_mm_movemask_epi8(_mm_and_si128(a, b));
}

static inline __attribute__((target("avx2"))) __m256i hits_wide(const struct needle *n, const char *at)
{
	__m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(at + n->first)), b = _mm256_loadu_si256((const __m256i *)(const void *)(at + n->second));
	a = _mm256_cmpeq_epi8(a, _mm256_set1_epi8(n->text.ptr[n->first]));
	b = _mm256_cmpeq_epi8(b, _mm256_set1_epi8(n->text.ptr[n->second]));
	return _mm256_and_si256(a, b);
}

/* Of a block and more. */
static bool scan_narrow(const struct needle *n, const char *message, size_t places)
{
	enum { BLOCK = 16 };
	for (size_t i = 0; i < places; i += BLOCK) {
		const char *at = message + (i + BLOCK <= places ? i : places - BLOCK);
		unsigned hits = hits_narrow(n, at);
		if (hits && any_stands(n, at, hits))
			return true;
	}
	return false;
}

static __attribute__((target("avx2"))) bool scan_wide(const struct needle *n, const char *message, size_t places)
{
	enum { BLOCK = 32 };
	size_t i = 0;
	for (; i + 2 * BLOCK <= places; i += 2 * BLOCK) { /* one branch for two */
		__m256i a = hits_wide(n, message + i), b = hits_wide(n, message + i + BLOCK), any = _mm256_or_si256(a, b);
		if (!_mm256_testz_si256(any, any) && (any_stands(n, message + i, (unsigned)_mm256_movemask_epi8(a)) || any_stands(n, message + i + BLOCK, (unsigned)_mm256_movemask_epi8(b))))
			return true;
	}
	for (; i < places; i += BLOCK) {
		const char *at = message + (i + BLOCK <= places ? i : places - BLOCK);
		if (any_stands(n, at, (unsigned)_mm256_movemask_epi8(hits_wide(n, at))))
			return true;
	}
	return false;
}
#endif

static bool scan(const struct needle *n, const char *message, size_t places, bool wide)
{
#ifdef __x86_64__
	if (wide && places >= 32)
		return scan_wide(n, message, places);
	if (places >= 16)
		return scan_narrow(n, message, places);
#else
	(void)wide;
#endif
	return scan_plain(n, message, places);
}

void needles_scan(const struct needles *n, struct slice message, needle_found *found, void *arg)
{
	for (size_t i = 0; i < n->len; i++) {
		const struct needle *needle = &n->items[i];
		if (message.len >= needle->text.len && scan(needle, message.ptr, message.len - needle->text.len + 1, n->wide))
			found(arg, (uint32_t)i);
	}
}
