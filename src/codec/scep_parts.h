/*
 * scep_parts - what scep.c (requests) and scep_reply.c share.  Not for use outside of codec/.
 */
#ifndef POMONA_CODEC_SCEP_PARTS_H
#define POMONA_CODEC_SCEP_PARTS_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "codec/scep.h"

struct scep_key {
	X509 *cert;
	EVP_PKEY *key;
	EVP_PKEY *legacy_key; /* the same in the context of old ciphers; NULL: there is none */
};

/* Attributes of the signed message, section 3.2.1. */
#define SCEP_OID "2.16.840.1.113733.1.9."
#define SCEP_OID_MESSAGE_TYPE SCEP_OID "2"
#define SCEP_OID_PKI_STATUS SCEP_OID "3"
#define SCEP_OID_FAIL_INFO SCEP_OID "4"
#define SCEP_OID_SENDER_NONCE SCEP_OID "5"
#define SCEP_OID_RECIPIENT_NONCE SCEP_OID "6"
#define SCEP_OID_TRANSACTION_ID SCEP_OID "7"

/* The library context that knows this cipher; NULL is the usual one. */
OSSL_LIB_CTX *scep_context_of(int cipher);

#endif
