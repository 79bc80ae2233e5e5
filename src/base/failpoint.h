/* SPDX-License-Identifier: Apache-2.0 */
/* Named steps of the protocol at which a test makes the process die or dawdle. Compiled in by -DWINNOW_FAILPOINTS=ON only (preset failpoints); else nothing is
 * left of them. Which ones act is said by the environment, once:
 *
 *   WINNOW_FAIL=NAME:crash[@N][,NAME:delay=MS[@N]]...    at the N-th time it is reached (1); a delay acts at every time from then on
 *
 * `winnow version` lists the names in such a build. Any thread. */
#ifndef WINNOW_BASE_FAILPOINT_H
#define WINNOW_BASE_FAILPOINT_H

enum failpoint {
	FAIL_DELTA_BEFORE_APPEND,     /* a delta is encoded, nothing of it is in the journal */
	FAIL_DELTA_AFTER_APPEND,      /* it is in the journal, its writer does not count it as appended yet */
	FAIL_DELTA_BEFORE_POST,       /* the ledger has read a record and has not folded it */
	FAIL_DELTA_AFTER_POST,        /* folded, no writer has heard of it */
	FAIL_COMMIT_BEFORE,           /* posted, the group's offsets are not committed */
	FAIL_COMMIT_AFTER,
	FAIL_REVOKE_BEFORE_APPEND,    /* a partition is asked back, what was read of it is not appended */
	FAIL_REVOKE_AFTER_APPEND,
	FAIL_REWIND_BEFORE_READ,      /* a delta was rejected, the journal is not read back */
	FAIL_REWIND_BEFORE_SEEK,
	FAIL_LEAD_BEFORE_SEND,        /* leadership began, nothing is sent */
	FAIL_STEP_BEFORE_SEND,
	FAIL_REQUEST_BEFORE_SEND,
	FAIL_REQUEST_AFTER_SEND,      /* acknowledged; between the requests of a step */
	FAIL_ANCHORS_AFTER_SEND,      /* the first values are there, the journal does not know */
	FAIL_ANCHORS_AFTER_NOTE,      /* it does, no value is sent */
	FAIL_MARK_BEFORE_APPEND,      /* a step is there, its mark is not */
	FAIL_MARK_AFTER_APPEND,
	FAIL_JOURNAL_HALF_RECORD,     /* file journal: the head of a record is written, the rest is not */
	FAIL_SNAPSHOT_BEFORE,
	FAIL_SNAPSHOT_HALF,           /* half its bytes are written */
	FAIL_SNAPSHOT_BEFORE_CLOSE,   /* all bytes are there, but for the rename or the closing record */
	FAIL_SNAPSHOT_BEFORE_CLEANUP, /* it is there, what it makes needless is there, too */
	FAIL_ASSIGN_BEFORE_PART,      /* partitions are assigned, their queues are not parted from the consumer's own */
	FAIL_COUNT
};

#ifdef WINNOW_FAILPOINTS
void failpoint_hit(enum failpoint point);
/* Prints the names, one a line. */
void failpoint_print(void);
#else
static inline void failpoint_hit(enum failpoint point)
{
	(void)point;
}
#endif

#endif
