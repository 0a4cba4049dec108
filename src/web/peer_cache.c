/*
 * Between the web server's parameter and its decoding: see peer.c.
 */
#include "web/peer_cache.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	PLACES = 512,
	TEXT_MOST = 4096, /* longer ones are rare: they are decoded each time */
	SAMPLE = 64,      /* bytes that choose the place … */
	TAIL = 64,        /* … in front of these, which end all certificates alike */
};

struct place {
	pthread_mutex_t lock;
	char *text;
	size_t len;
	char certificate[X509_HASH_SIZE];
	unsigned char *der;
	size_t der_len;
};

struct peer_cache {
	struct place places[PLACES];
};

struct peer_cache *
peer_cache_new(void)
{
	struct peer_cache *cache = calloc(1, sizeof(*cache));

	if (cache == NULL)
		abort();
	for (size_t i = 0; i < PLACES; i++)
		pthread_mutex_init(&cache->places[i].lock, NULL);
	return cache;
}

void
peer_cache_free(struct peer_cache *cache)
{
	if (cache == NULL)
		return;
	for (size_t i = 0; i < PLACES; i++) {
		pthread_mutex_destroy(&cache->places[i].lock);
		free(cache->places[i].text);
		free(cache->places[i].der);
	}
	free(cache);
}

/* A certificate ends with its signature, which no two have alike. */
static struct place *
place_of(struct peer_cache *cache, const char *text, size_t len)
{
	size_t start = len > TAIL + SAMPLE ? len - TAIL - SAMPLE : 0;
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = start; i < len && i < start + SAMPLE; i++)
		hash = (hash ^ (unsigned char)text[i]) * 16777619u;
	return &cache->places[hash % PLACES];
}

bool
peer_cache_find(struct peer_cache *cache, struct arena *arena, const char *text, size_t len,
	struct peer_cached *found)
{
	struct place *place;
	bool is_there;

	if (cache == NULL || len > TEXT_MOST)
		return false;
	place = place_of(cache, text, len);
	pthread_mutex_lock(&place->lock);
	is_there = place->text != NULL && place->len == len && memcmp(place->text, text, len) == 0;
	if (is_there) {
		memcpy(found->certificate, place->certificate, sizeof(found->certificate));
		found->der = (unsigned char *)arena_memdup(arena, place->der, place->der_len);
		found->der_len = place->der_len;
	}
	pthread_mutex_unlock(&place->lock);
	return is_there;
}

void
peer_cache_keep(
	struct peer_cache *cache, const char *text, size_t len, const struct peer_cached *made)
{
	char *text_copy;
	unsigned char *der_copy;
	struct place *place;

	if (cache == NULL || len > TEXT_MOST)
		return;
	text_copy = malloc(len + 1);
	der_copy = malloc(made->der_len + 1);
	if (text_copy == NULL || der_copy == NULL) {
		free(text_copy);
		free(der_copy);
		return;
	}
	memcpy(text_copy, text, len);
	memcpy(der_copy, made->der, made->der_len);
	place = place_of(cache, text, len);
	pthread_mutex_lock(&place->lock);
	free(place->text);
	free(place->der);
	place->text = text_copy;
	place->len = len;
	place->der = der_copy;
	place->der_len = made->der_len;
	memcpy(place->certificate, made->certificate, sizeof(place->certificate));
	pthread_mutex_unlock(&place->lock);
}
