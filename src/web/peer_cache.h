/*
 * peer_cache - certificates of callers who were here a short time ago, decoded.
 *
 * A device comes several times in a row, and all the web server hands over is its certificate as
 * escaped text.  Taking that apart costs more than all of the store's part of an Idle; comparing it
 * costs next to nothing.  Nothing is believed that was not before: the text is the key, byte for
 * byte.
 *
 * A few hundred places for all threads; a newcomer takes the place of whoever was there.
 */
#ifndef POMONA_WEB_PEER_CACHE_H
#define POMONA_WEB_PEER_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "codec/x509.h"

struct peer_cache;

struct peer_cached {
	char certificate[X509_HASH_SIZE];
	const unsigned char *der;
	size_t der_len;
};

struct peer_cache *peer_cache_new(void);
void peer_cache_free(struct peer_cache *cache);

/* What TEXT was decoded to, its DER copied into ARENA; false: it is not there. */
bool peer_cache_find(struct peer_cache *cache, struct arena *arena, const char *text, size_t len,
	struct peer_cached *found);

/* Keeps it for a while. */
void peer_cache_keep(
	struct peer_cache *cache, const char *text, size_t len, const struct peer_cached *made);

#endif
