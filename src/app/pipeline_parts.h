/* SPDX-License-Identifier: Apache-2.0 */
/* What pipeline.c runs and pipeline_open.c opens. Private to the pipeline. */
#ifndef WINNOW_APP_PIPELINE_PARTS_H
#define WINNOW_APP_PIPELINE_PARTS_H

#include "app/control.h"

/* Journal and books, waiting for a broker that is not reachable; 0, or the exit status. */
int pipeline_open_books(struct control *c);
/* Where kept spans and spans under another key go; 0, or the exit status. Once the status is there. */
int pipeline_open_outputs(struct control *c);

#endif
