/* SPDX-License-Identifier: Apache-2.0 */
/* How many requests may be in flight at once: one more after each that went well, half as many when the receiver is pushed too hard. One thread. */
#ifndef WINNOW_APP_WINDOW_H
#define WINNOW_APP_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct window {
	unsigned width, most; /* width: 1 to most */
	int64_t best_ns;      /* the shortest wave seen, slowly forgotten; 0: none yet */
};

void window_init(struct window *w, unsigned most);
/* len requests went out at once and all had their answers after took_ns; pushed_back: one was a 429, a 503 or none at all. */
void window_hear(struct window *w, unsigned len, int64_t took_ns, bool pushed_back);

#endif
