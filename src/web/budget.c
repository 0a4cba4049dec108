#include "web/budget.h"

#include <stdatomic.h>
#ifdef HAVE_MALLOC_TRIM
#include <malloc.h>
#endif

enum {
	FREE_MOST = 64 * 1024, /* bytes of a body that is not counted */
	COPIES = 4,            /* the body, its text in the tree, what is stored of it */
	NODES_PER_BYTE = 12,   /* bytes of tree for a byte of the densest plist … */
	TREE_MOST = 48 << 20,  /* … which the cap of values ends */
	BUDGET = 256 << 20,    /* for all threads */
	TRIM_FROM = 1 << 20,   /* after such a body, memory goes back to the system */
};

static atomic_size_t used;

static size_t
weight_of(size_t body_len)
{
	size_t tree = body_len * NODES_PER_BYTE;

	if (body_len <= FREE_MOST)
		return 0;
	return body_len * COPIES + (tree < TREE_MOST ? tree : TREE_MOST);
}

bool
budget_take(size_t body_len)
{
	size_t weight = weight_of(body_len), before;

	if (weight == 0)
		return true;
	before = atomic_fetch_add(&used, weight);
	if (before == 0 || before + weight <= BUDGET)
		return true; /* a single one is always served: its own caps are its limit */
	atomic_fetch_sub(&used, weight);
	return false;
}

void
budget_give(size_t body_len)
{
	size_t weight = weight_of(body_len);

	if (weight == 0)
		return;
	atomic_fetch_sub(&used, weight);
#ifdef HAVE_MALLOC_TRIM
	if (body_len >= TRIM_FROM)
		malloc_trim(0);
#endif
}
