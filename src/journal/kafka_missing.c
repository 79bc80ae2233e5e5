/* SPDX-License-Identifier: Apache-2.0 */
/* Says that this build has no Kafka journal; goes when kafka_journal.c comes. */
#include "journal/journal.h"
int journal_open_kafka(const struct journal_kafka_opts *o, struct journal **r, struct err *e){(void)o;(void)r;return err_set(e,ERR_INPUT,"not yet");}
