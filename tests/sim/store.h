/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WINNOW_TESTS_SIM_STORE_H
#define WINNOW_TESTS_SIM_STORE_H

#include <stdbool.h>

/* Whether bodies go through zlib from now on, or are stored as they are. */
void store_real(bool use);

#endif
