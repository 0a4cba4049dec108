/*
 * Between the store, which has the device CAs as text, and those who verify against them.
 */
#include "web/peer_trust.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mdm/ca.h"
#include "mdm/setting.h"

enum { FRESH_US = 1000000 };

struct peer_trust {
	pthread_mutex_t looking;   /* one thread asks the store */
	atomic_int_fast64_t until; /* clock_ticks_us(); then it is asked again */
	pthread_rwlock_t lock;     /* of what follows: lent, or being replaced */
	char *pem;
	struct x509_trust *cas;
	bool allow_sha1;
};

struct peer_trust *
peer_trust_new(void)
{
	struct peer_trust *trust = calloc(1, sizeof(*trust));

	if (trust == NULL)
		abort();
	pthread_mutex_init(&trust->looking, NULL);
	pthread_rwlock_init(&trust->lock, NULL);
	atomic_init(&trust->until, INT64_MIN);
	return trust;
}

void
peer_trust_free(struct peer_trust *trust)
{
	x509_trust_free(trust->cas);
	free(trust->pem);
	pthread_rwlock_destroy(&trust->lock);
	pthread_mutex_destroy(&trust->looking);
	free(trust);
}

/* What the store says now. */
static enum err_kind
ask(struct mdm *mdm, const char **pem, bool *allow_sha1, struct err *err)
{
	const char *sha1 = NULL;
	enum err_kind kind = db_begin(mdm->db, DB_READ, err);

	if (kind != ERR_OK)
		return kind;
	kind = ca_anchors(mdm, pem, err);
	if (kind == ERR_OK)
		kind = setting_get(mdm, "signature_sha1", &sha1, err);
	db_rollback(mdm->db);
	*allow_sha1 = sha1 != NULL && strcmp(sha1, "accept") == 0;
	return kind == ERR_NOT_FOUND ? err_set(err, ERR_FORBIDDEN, "there is no device CA yet")
				     : kind;
}

static void
replace(struct peer_trust *trust, const char *pem, struct x509_trust *cas)
{
	char *copy = strdup(pem);

	if (copy == NULL)
		abort();
	x509_trust_free(trust->cas);
	free(trust->pem);
	trust->cas = cas;
	trust->pem = copy;
}

/* With `looking` held, so that pem does not change while it is compared. */
static enum err_kind
refresh(struct peer_trust *trust, struct mdm *mdm, struct err *err)
{
	struct x509_trust *cas = NULL;
	const char *pem;
	bool allow_sha1;
	enum err_kind kind = ask(mdm, &pem, &allow_sha1, err);

	if (kind == ERR_OK && (trust->pem == NULL || strcmp(trust->pem, pem) != 0))
		kind = x509_trust_new(pem, &cas, err);
	if (kind != ERR_OK)
		return kind == ERR_BAD_INPUT
			       ? err_set(err, ERR_INTERNAL, "the device CA in the store is damaged")
			       : kind;
	pthread_rwlock_wrlock(&trust->lock);
	if (cas != NULL)
		replace(trust, pem, cas);
	trust->allow_sha1 = allow_sha1;
	pthread_rwlock_unlock(&trust->lock);
	atomic_store(&trust->until, clock_ticks_us() + FRESH_US);
	return ERR_OK;
}

enum err_kind
peer_trust_take(struct peer_trust *trust, struct mdm *mdm, const struct x509_trust **cas,
	bool *allow_sha1, struct err *err)
{
	enum err_kind kind = ERR_OK;

	if (clock_ticks_us() >= atomic_load(&trust->until)) {
		pthread_mutex_lock(&trust->looking);
		if (clock_ticks_us() >= atomic_load(&trust->until))
			kind = refresh(trust, mdm, err);
		pthread_mutex_unlock(&trust->looking);
	}
	if (kind != ERR_OK)
		return kind;
	pthread_rwlock_rdlock(&trust->lock);
	*cas = trust->cas;
	if (allow_sha1 != NULL)
		*allow_sha1 = trust->allow_sha1;
	return ERR_OK;
}

void
peer_trust_give(struct peer_trust *trust)
{
	pthread_rwlock_unlock(&trust->lock);
}
