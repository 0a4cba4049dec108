/*
 * identity - what the CA has issued: a row for each certificate, from its issue to its end.
 */
#ifndef POMONA_MDM_IDENTITY_H
#define POMONA_MDM_IDENTITY_H

#include "codec/x509.h"
#include "mdm/mdm.h"

struct identity_origin {
	const char *authority; /* SHA-256 of the CA's certificate */
	const char *origin;    /* the door it goes out of: scep, cli, p12 */
	int64_t enrollment_no; /* whose it is; 0: not known yet */
	const char *replaces;  /* SHA-256 of the identity that it renews; NULL: none */
};

/* Records a certificate that was issued, in a write transaction. */
enum err_kind identity_add(struct mdm *mdm, const struct x509_info *info,
	const struct identity_origin *origin, struct err *err);

#endif
