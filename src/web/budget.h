/*
 * budget - how much memory the bodies of all threads together may take while they are served.
 *
 * A small body is free; that of a large one is reserved first, with what its decoded form may grow
 * to.
 */
#ifndef POMONA_WEB_BUDGET_H
#define POMONA_WEB_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

/* Reserves what a body of so many bytes may take; false when there is no room now. */
bool budget_take(size_t body_len);

/* Gives it back. */
void budget_give(size_t body_len);

#endif
