/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of an object's members in the order in which they come, remembered: a logger writes the same ones in the same order again and again.
 *
 * Idea: a tree. From the root each member of a document's outermost object leads to the node of its name; a node expects what followed it before, so a
 * name that comes as expected is known by comparing sixteen bytes. Objects and arrays inside are part of the way: their brackets have nodes as names have, so two documents that end at the same node
 * have the same names in the same places, however deep (down to OUTLINE_DEPTH), and there stands what was found out about them. A topic
 * of mixed shapes has a branch for each; the one that came last is tried first, then the one that these first bytes led to before.
 *
 * Layout: a node keeps its name between its quotes, as it stands in a document, so one comparison covers its length too; or a bracket. Names with escapes are no nodes.
 *
 * Invariants: node 0 is nowhere: it is nobody's child, its only child is itself, and its text is what nothing is, so that it can stand where there is no node. Node 1 is the root. A node is never changed but
 * for its links, and what its owner notes in it. The tree is bounded: a node
 * has at most OUTLINE_BRANCHES children, and a full tree is cleared between documents. What cannot be a node (a name too long, one too many) ends
 * the walk, and the object is read without; if it lies in an object inside, that one is opaque from then on: its bracket is all that is known of it.
 */
#ifndef WINNOW_RECORD_OUTLINE_H
#define WINNOW_RECORD_OUTLINE_H

#include "base/arena.h"

enum { OUTLINE_NODES = 2048, OUTLINE_MEMBERS = 64, OUTLINE_TEXT = 80, OUTLINE_BRANCHES = 16, OUTLINE_DEPTH = 4, OUTLINE_GUESSES = 256 };

struct shape_plan;

struct outline_node {
	char text[OUTLINE_TEXT];          /* a quote, the name, a quote, or a bracket; zeros */
	uint64_t masks[2];                /* the first sixteen bytes in use */
	struct outline_node *first;       /* the child that came last; nowhere: none */
	struct outline_node *other;       /* the next child of the same parent; nowhere: none */
	uint64_t word;                    /* a name's, as a document has it (json.h), but for where it stands */
	uint16_t len;                     /* in use of text */
	uint16_t parent;                  /* its number */
	bool opaque;                      /* a bracket: what it opens is not looked into */
	struct shape_plan *plans;         /* notes of who reads objects (json_object.c): what was found out about those that end here */
};

struct outline {
	struct outline_node *nodes; /* NULL until the first is learnt */
	size_t len;
	uint64_t resets;            /* how often it was begun anew */
	struct outline_node *guesses[OUTLINE_GUESSES]; /* by parent and first eight bytes: the child that was found */
	struct arena notes;         /* lives as long as the nodes */
};

struct outline_step {
	struct outline_node *node;
	uint32_t at; /* where the member's value stands in the document */
};

/* A document's way through the tree. */
struct outline_walk {
	struct outline *outline;
	struct outline_node *end; /* where it leads; nowhere: it cannot be followed */
	bool opaque;              /* something on it is */
	size_t len;               /* names on it, those of objects inside too */
	struct outline_step steps[OUTLINE_MEMBERS];
};

void outline_done(struct outline *o);
/* Before a document: makes room. */
void outline_begin(struct outline *o);
/* The child of `parent` for a name with its quotes, or a bracket (sixteen readable bytes), made if there is none; nowhere: there can be none. */
struct outline_node *outline_search(struct outline *o, struct outline_node *parent, struct slice text);
struct outline_node *outline_search_bracket(struct outline *o, struct outline_node *parent, char bracket);

static inline struct outline_node *outline_nowhere(const struct outline *o)
{
	return o->nodes;
}

static inline struct outline_node *outline_root(const struct outline *o)
{
	return o->nodes + 1;
}

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

/* Where the child is remembered that text led to from parent. */
static inline size_t outline_place(const struct outline *o, const struct outline_node *parent, const char *text)
{
	return ((load_u64(text) + (size_t)(parent - o->nodes)) * UINT64_C(0x9E3779B97F4A7C15) >> 32) % OUTLINE_GUESSES;
}

/* The child of `parent` that text begins with, if it was found from there before; NULL: it has to be searched. Sixteen readable bytes. */
static inline struct outline_node *outline_guess(const struct outline *o, const struct outline_node *parent, const char *text)
{
	struct outline_node *guess = o->guesses[outline_place(o, parent, text)];
	return guess && guess->parent == parent - o->nodes && outline_is(guess, text) ? guess : NULL;
}

#endif
