/* SPDX-License-Identifier: Apache-2.0 */
#include "app/window.h"

#include "base/clock.h"

/* Slower than this many times the best, and by more than a little, means that the receiver queues what we send. */
enum { SLOW = 3, FORGET = 32 };
#define LITTLE_NS (20 * NS_PER_MS)

void window_init(struct window *w, unsigned most)
{
	*w = (struct window){.width = 1, .most = most ? most : 1};
}

void window_hear(struct window *w, unsigned len, int64_t took_ns, bool pushed_back)
{
	bool slow = w->best_ns && took_ns > SLOW * w->best_ns + LITTLE_NS;
	if (!pushed_back)
		w->best_ns = w->best_ns && took_ns > w->best_ns ? w->best_ns + w->best_ns / FORGET + 1 : took_ns;
	if (pushed_back || slow)
		w->width = w->width > 1 ? w->width / 2 : 1;
	else if (len >= w->width && w->width < w->most)
		w->width++;
}
