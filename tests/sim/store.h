/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WINNOW_TESTS_SIM_STORE_H
#define WINNOW_TESTS_SIM_STORE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether compression, checksums and decoding are the real ones from now on. */
void store_real(bool real);
/* A new seed: nothing is decoded yet. */
void store_forget(void);
/* The next delta_decode is of the journal's record of this number: the same bytes for everyone. SIZE_MAX: it is not. */
void store_show(size_t number);

#endif
