/*
 * What a CA has revoked, in the form web servers take it.
 */
#include "codec/x509_ca.h"

#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "codec/x509_draft.h"
#include "codec/x509_parts.h"

enum { SLOW_CLOCK = 3600 /* seconds that another's clock may be behind ours */ };

static const struct {
	const char *name;
	long code;
} reasons[] = {
	{"keyCompromise", 1},
	{"cACompromise", 2},
	{"affiliationChanged", 3},
	{"superseded", 4},
	{"cessationOfOperation", 5},
	{"privilegeWithdrawn", 9},
};

/* ---- written ---- */

/* "Unspecified" is written by leaving it out. */
static bool
add_reason(X509_REVOKED *entry, const char *reason)
{
	ASN1_ENUMERATED *code;
	bool added = true;

	for (size_t i = 0; reason != NULL && i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (strcmp(reasons[i].name, reason) != 0)
			continue;
		code = ASN1_ENUMERATED_new();
		added = code != NULL && ASN1_ENUMERATED_set(code, reasons[i].code) == 1 &&
			X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, code, 0, 0) == 1;
		ASN1_ENUMERATED_free(code);
	}
	return added;
}

/* The entry is CRL's from here on. */
static bool
add_entry(X509_CRL *crl, const struct x509_revoked *revoked)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	BIGNUM *number = NULL;
	ASN1_INTEGER *serial = NULL;
	ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)(revoked->at / 1000));
	bool added = false;

	if (BN_hex2bn(&number, revoked->serial) > 0)
		serial = BN_to_ASN1_INTEGER(number, NULL);
	if (entry != NULL && serial != NULL && at != NULL &&
		X509_REVOKED_set_serialNumber(entry, serial) == 1 &&
		X509_REVOKED_set_revocationDate(entry, at) == 1 &&
		add_reason(entry, revoked->reason))
		added = X509_CRL_add0_revoked(crl, entry) == 1;
	if (!added)
		X509_REVOKED_free(entry);
	ASN1_TIME_free(at);
	ASN1_INTEGER_free(serial);
	BN_free(number);
	return added;
}

static bool
set_times(X509_CRL *crl, int days)
{
	time_t now = (time_t)(clock_now() / 1000);
	ASN1_TIME *from = ASN1_TIME_adj(NULL, now, 0, -SLOW_CLOCK);
	ASN1_TIME *until = ASN1_TIME_adj(NULL, now, days, 0);
	bool set = from != NULL && until != NULL && X509_CRL_set1_lastUpdate(crl, from) == 1 &&
		   X509_CRL_set1_nextUpdate(crl, until) == 1;

	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	return set;
}

static bool
add_number(X509_CRL *crl, int64_t number)
{
	ASN1_INTEGER *value = ASN1_INTEGER_new();
	bool added = value != NULL && ASN1_INTEGER_set_int64(value, number) == 1 &&
		     X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, 0) == 1;

	ASN1_INTEGER_free(value);
	return added;
}

/* Which key has signed: two CAs may have one name. */
static bool
add_key_id(X509_CRL *crl, X509 *issuer)
{
	X509V3_CTX context;
	X509_EXTENSION *made;
	bool added;

	if (X509_get0_subject_key_id(issuer) == NULL)
		return true;
	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, NULL, NULL, crl, 0);
	made = X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid");
	added = made != NULL && X509_CRL_add_ext(crl, made, -1) == 1;
	X509_EXTENSION_free(made);
	return added;
}

static X509_CRL *
make_crl(const struct x509_issuer *issuer, const struct x509_crl_plan *plan)
{
	X509_CRL *crl = X509_CRL_new();
	bool made = crl != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
		    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert)) == 1 &&
		    set_times(crl, plan->days) && add_key_id(crl, issuer->cert) &&
		    add_number(crl, plan->number);

	for (size_t i = 0; made && i < plan->count; i++)
		made = add_entry(crl, &plan->revoked[i]);
	if (made && X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0)
		return crl;
	X509_CRL_free(crl);
	return NULL;
}

static const char *
crl_to_pem(struct arena *arena, const X509_CRL *crl)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const char *pem = NULL;
	char *bytes;
	long len;

	if (bio != NULL && PEM_write_bio_X509_CRL(bio, crl) == 1 &&
		(len = BIO_get_mem_data(bio, &bytes)) > 0)
		pem = arena_memdup(arena, bytes, (size_t)len);
	BIO_free(bio);
	return pem;
}

enum err_kind
x509_write_crl(struct arena *arena, const struct x509_issuer *issuer,
	const struct x509_crl_plan *plan, const char **pem, struct err *err)
{
	X509_CRL *crl = make_crl(issuer, plan);
	enum err_kind kind = ERR_OK;

	*pem = crl == NULL ? NULL : crl_to_pem(arena, crl);
	if (*pem == NULL)
		kind = x509_failed(err, "making a CRL");
	X509_CRL_free(crl);
	ERR_clear_error();
	return kind;
}

/* ---- read ---- */

static STACK_OF(X509_CRL) * read_crls(const void *bytes, size_t len)
{
	STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
	const unsigned char *at = bytes;
	BIO *bio = BIO_new_mem_buf(bytes, (int)len);
	X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)len);

	if (crl == NULL && bio != NULL)
		crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
	while (crl != NULL && crls != NULL && sk_X509_CRL_push(crls, crl) > 0)
		crl = bio == NULL ? NULL : PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return crls;
}

static bool
is_signed_by(X509_CRL *crl, X509 *cert)
{
	return X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(cert)) == 0 &&
	       X509_CRL_verify(crl, X509_get0_pubkey(cert)) == 1;
}

/* How many of CHAIN have a CRL among CRLS; *FOREIGN: one of them is nobody's. */
static int
count_signed(STACK_OF(X509_CRL) * crls, STACK_OF(X509) * chain, bool *foreign)
{
	int found = 0, used = 0;

	for (int c = 0; c < sk_X509_num(chain); c++) {
		bool any = false;

		for (int i = 0; i < sk_X509_CRL_num(crls); i++)
			if (is_signed_by(sk_X509_CRL_value(crls, i), sk_X509_value(chain, c))) {
				any = true;
				used++;
			}
		found += any;
	}
	*foreign = used < sk_X509_CRL_num(crls);
	return found;
}

static const char *
crls_to_pem(struct arena *arena, STACK_OF(X509_CRL) * crls)
{
	const char *all = "";

	for (int i = 0; i < sk_X509_CRL_num(crls) && all != NULL; i++) {
		const char *pem = crl_to_pem(arena, sk_X509_CRL_value(crls, i));

		all = pem == NULL ? NULL : arena_printf(arena, "%s%s", all, pem);
	}
	return all;
}

enum err_kind
x509_check_crls(struct arena *arena, const char *chain_pem, const void *bytes, size_t len,
	const char **pem, bool *every, struct err *err)
{
	STACK_OF(X509_CRL) *crls = len > X509_IDENTITY_MOST ? NULL : read_crls(bytes, len);
	struct x509_parts parts = {0};
	enum err_kind kind = ERR_OK;
	bool foreign;

	*pem = NULL;
	if (sk_X509_CRL_num(crls) <= 0)
		kind = err_set(err, ERR_BAD_INPUT, "there is no CRL in it");
	if (kind == ERR_OK)
		kind = x509_parts_read(&parts, chain_pem, strlen(chain_pem), NULL, err);
	if (kind == ERR_OK) {
		*every = count_signed(crls, parts.certs, &foreign) == sk_X509_num(parts.certs);
		if (foreign)
			kind = err_set(err, ERR_BAD_INPUT,
				"a CRL in it is of none of the CAs above the device CA");
	}
	if (kind == ERR_OK && (*pem = crls_to_pem(arena, crls)) == NULL)
		kind = x509_failed(err, "writing a CRL");
	x509_parts_release(&parts);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	ERR_clear_error();
	return kind;
}
