/*
 * scep_desk - the authority's keys, opened and parsed once for all threads of a process.
 *
 * They are loaded again when the authorities in the store are others (roll-over, import).
 */
#ifndef POMONA_MDM_SCEP_DESK_H
#define POMONA_MDM_SCEP_DESK_H

#include "codec/scep.h"
#include "mdm/mdm.h"

enum { SCEP_KEYS_MOST = 8 };

struct scep_authority {
	struct x509_issuer *issuer;
	/* Those a message may be encrypted to, with NULL behind the last; the first is the one to
	 * use. */
	struct scep_key *keys[SCEP_KEYS_MOST + 1];
	/* SHA-256 of the CAs whose identities are believed, with "" behind the last. */
	char believed[SCEP_KEYS_MOST + 1][X509_HASH_SIZE];
	char *certs; /* the answer to GetCACert, PEM */

	char *stamp; /* of the rows it was made of */
	int users;
};

struct scep_desk;

struct scep_desk *scep_desk_new(void);

/* NULL does nothing.  Nobody may hold an authority. */
void scep_desk_free(struct scep_desk *desk);

/*
 * The authority as it is now, in a read transaction; to be given back.  Without a desk
 * (mdm->scep_desk is NULL) it is loaded for this one use.
 */
enum err_kind scep_desk_take(struct mdm *mdm, struct scep_authority **authority, struct err *err);

/* NULL does nothing. */
void scep_desk_give(struct mdm *mdm, struct scep_authority *authority);

#endif
