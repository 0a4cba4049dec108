/*
 * ca_files - what the web server is given to verify clients with: device-ca.pem, every CA that is
 * believed, and device-ca.crl, their CRLs.  Both are beside the master key, and written anew when
 * they are not what the store says: by the worker, and by the commands that change it.
 */
#ifndef POMONA_MDM_CA_FILES_H
#define POMONA_MDM_CA_FILES_H

#include "mdm/mdm.h"

enum {
	CA_FILES_CRL_DAYS = 7,                   /* until the CRL says that there is a newer one */
	CA_FILES_RENEW_MS = 24 * 60 * 60 * 1000, /* a CRL so old is made anew */
};

struct ca_files {
	const char *pem, *crl; /* their paths */
};

/* What was written. */
struct ca_files_done {
	bool pem, crl;
};

/* The files beside KEY_PATH; the strings are in ARENA. */
struct ca_files ca_files_beside(struct arena *arena, const char *key_path);

/*
 * Looks at both, and writes those that are missing, or not what they should be.  Costs next to
 * nothing when all is well.  Opens the keys of the CAs.  Outside a transaction.
 */
enum err_kind ca_files_refresh(
	struct mdm *mdm, const struct ca_files *files, struct ca_files_done *done, struct err *err);

/* The CRLs of all CAs that are believed, in PEM, in a transaction. */
enum err_kind ca_files_crl(struct mdm *mdm, const char **pem, struct err *err);

#endif
