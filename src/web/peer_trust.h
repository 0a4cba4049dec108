/*
 * peer_trust - the device CAs of the store, parsed and kept, for all threads of a process.
 *
 * Once a second at most, and only when somebody needs them, it is looked whether the store has
 * other ones.
 */
#ifndef POMONA_WEB_PEER_TRUST_H
#define POMONA_WEB_PEER_TRUST_H

#include <stdbool.h>

#include "codec/x509_chain.h"
#include "mdm/mdm.h"

struct peer_trust;

struct peer_trust *peer_trust_new(void);
void peer_trust_free(struct peer_trust *trust);

/*
 * Lends the CAs until peer_trust_give(), by the same thread.  ALLOW_SHA1 (may be NULL) is the
 * setting signature_sha1.  Nothing is lent when it fails: ERR_FORBIDDEN when there is no CA, else
 * what the store says.  Outside a transaction.
 */
enum err_kind peer_trust_take(struct peer_trust *trust, struct mdm *mdm,
	const struct x509_trust **cas, bool *allow_sha1, struct err *err);
void peer_trust_give(struct peer_trust *trust);

#endif
