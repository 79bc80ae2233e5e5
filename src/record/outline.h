/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of an object's members in the order in which they come, remembered: a logger writes the same ones in the same order again and again.
 *
 * Idea: a tree. From the root each member of a document's outermost object leads to the node of its name; a node expects what followed it before, so a
 * name that comes as expected is known by comparing sixteen bytes, and where the object ends stands what was found out about such an object. A topic
 * of mixed shapes has a branch for each; the one that came last is tried first.
 *
 * Layout: a node keeps its name between its quotes, as it stands in a document, so one comparison covers its length too. Names with escapes are no nodes.
 *
 * Invariants: node 0 is the root and nobody's child; its text is what no name is, so that it can stand where there is no node. A node is never changed but for its links and what its owner notes in it. The tree is bounded: a node
 * has at most OUTLINE_BRANCHES children, and a full tree is cleared between documents. A name that cannot be a node (too long, one too many) ends
 * the walk, and the object is read without.
 */
#ifndef WINNOW_RECORD_OUTLINE_H
#define WINNOW_RECORD_OUTLINE_H

#include "base/slice.h"

enum { OUTLINE_NODES = 2048, OUTLINE_MEMBERS = 64, OUTLINE_TEXT = 80, OUTLINE_BRANCHES = 16 };

struct shape_match;

struct outline_node {
	char text[OUTLINE_TEXT];          /* a quote, the name, a quote, zeros; the root's is no name */
	uint64_t masks[2];                /* the first sixteen bytes in use */
	struct outline_node *first;       /* the child that came last; the root: none */
	struct outline_node *other;       /* the next child of the same parent; the root: none */
	uint16_t len;                     /* in use of text */
	/* notes of who reads objects (json_log.c) */
	uint16_t key;                     /* which key the name is */
	uint16_t facts;
	uint32_t stamp;
	const struct shape_match *match;  /* of objects that end here, if its stamp is still the same */
};

struct outline {
	struct outline_node *nodes; /* NULL until the first is learnt */
	size_t len;
};

struct outline_step {
	struct outline_node *node;
	uint32_t at; /* where the member's value stands in the document */
};

/* A document's way through the tree. */
struct outline_walk {
	struct outline *outline;
	size_t len; /* members so far */
	struct outline_step steps[OUTLINE_MEMBERS];
};

void outline_done(struct outline *o);
/* Before a document: makes room. */
void outline_begin(struct outline *o);
/* The child of `parent` for a name (between quotes, sixteen readable bytes from the first), made if there is none; the root: there can be none. */
struct outline_node *outline_search(struct outline *o, struct outline_node *parent, struct slice name);

static inline struct slice outline_name(const struct outline_node *node)
{
	return slice_of(node->text + 1, node->len - 2U);
}

/* Whether the text (a quote and a name, sixteen readable bytes whatever the length) begins with the node's. */
static inline bool outline_is(const struct outline_node *node, const char *text)
{
	uint64_t a[2], b[2];
	memcpy(a, text, sizeof(a));
	memcpy(b, node->text, sizeof(b));
	if (((a[0] ^ b[0]) & node->masks[0]) | ((a[1] ^ b[1]) & node->masks[1]))
		return false;
	return node->len <= sizeof(a) || memcmp(text + sizeof(a), node->text + sizeof(a), node->len - sizeof(a)) == 0;
}

#endif
