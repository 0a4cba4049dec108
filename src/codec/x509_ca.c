/*
 * Certificate authorities: made here, or brought from elsewhere and looked at.
 */
#include "codec/x509_ca.h"

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "codec/x509_draft.h"
#include "codec/x509_parts.h"

/* SCEP needs the RSA key three times for an identity: with 3072 bits that is 4 ms, with 2048 less
 * than 2. */
enum { CA_BITS = 2048, RA_BITS = 2048, CA_YEARS_MOST = 100 };

static const struct x509_extension ec_ca_extensions[] = {
	{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
	{NID_key_usage, "critical,keyCertSign,cRLSign"},
	{NID_subject_key_identifier, "hash"},
	{0, NULL},
};

/* Its key does SCEP's part, too, and some clients look whether it may. */
static const struct x509_extension rsa_ca_extensions[] = {
	{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
	{NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature,keyEncipherment"},
	{NID_subject_key_identifier, "hash"},
	{0, NULL},
};

/* It signs messages and opens envelopes, and no device may come with it: no clientAuth would say
 * so, but some clients look for a purpose of their own there.  Its key never leaves the store. */
static const struct x509_extension ra_extensions[] = {
	{NID_basic_constraints, "critical,CA:FALSE"},
	{NID_key_usage, "critical,digitalSignature,keyEncipherment"},
	{NID_subject_key_identifier, "hash"},
	{NID_authority_key_identifier, "keyid,issuer"},
	{0, NULL},
};

/* Others encrypt to it, and that is all. */
static const struct x509_extension recipient_extensions[] = {
	{NID_basic_constraints, "critical,CA:FALSE"},
	{NID_key_usage, "critical,keyEncipherment,dataEncipherment"},
	{NID_subject_key_identifier, "hash"},
	{0, NULL},
};

/* ---- made here ---- */

/* The names and the days of a draft. */
static enum err_kind
fill_draft(struct x509_draft *draft, const char *what, const struct x509_ca_plan *plan,
	struct err *err)
{
	enum err_kind kind = x509_check_name(what, plan->common_name, err);

	draft->common_name = plan->common_name;
	if (kind == ERR_OK && plan->organization != NULL && *plan->organization != '\0') {
		draft->organization = plan->organization;
		kind = x509_check_name("organization", plan->organization, err);
	}
	if (kind == ERR_OK && (plan->years < 1 || plan->years > CA_YEARS_MOST))
		kind = err_set(err, ERR_BAD_INPUT, "a CA is made for 1 to %d years", CA_YEARS_MOST);
	draft->days = plan->years * 365 + plan->years / 4;
	return kind;
}

enum err_kind
x509_make_ca_of(struct arena *arena, const struct x509_ca_plan *plan, struct x509_identity *ca,
	struct err *err)
{
	bool is_rsa = plan->key == X509_KEY_RSA_2048;
	struct x509_draft draft = {.extensions = is_rsa ? rsa_ca_extensions : ec_ca_extensions};
	enum err_kind kind = fill_draft(&draft, "name of the CA", plan, err);

	*ca = (struct x509_identity){0};
	if (kind != ERR_OK)
		return kind;
	draft.key = is_rsa ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)CA_BITS)
			   : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	kind = x509_draft_identity(arena, &draft, ca, err);
	EVP_PKEY_free(draft.key);
	return kind;
}

enum err_kind
x509_make_ca(struct arena *arena, const char *common_name, const char *organization, int years,
	struct x509_identity *ca, struct err *err)
{
	return x509_make_ca_of(arena,
		&(const struct x509_ca_plan){.common_name = common_name,
			.organization = organization,
			.key = X509_KEY_RSA_2048,
			.years = years},
		ca, err);
}

enum err_kind
x509_make_ra(struct arena *arena, const struct x509_issuer *issuer, const char *common_name,
	struct x509_identity *ra, struct err *err)
{
	struct x509_draft draft = {.common_name = common_name,
		.extensions = ra_extensions,
		.days = X509_DAYS_MOST,
		.issuer = issuer};
	enum err_kind kind = x509_check_days(issuer, draft.days, err);

	if (kind == ERR_OK)
		kind = x509_check_name("name of the registration authority", common_name, err);
	if (kind != ERR_OK)
		return kind;
	draft.key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RA_BITS);
	kind = x509_draft_identity(arena, &draft, ra, err);
	EVP_PKEY_free(draft.key);
	return kind;
}

enum err_kind
x509_make_recipient(struct arena *arena, const char *common_name, const char *organization,
	int years, struct x509_identity *recipient, struct err *err)
{
	const struct x509_ca_plan plan = {
		.common_name = common_name, .organization = organization, .years = years};
	struct x509_draft draft = {.extensions = recipient_extensions};
	enum err_kind kind = fill_draft(&draft, "name in the certificate", &plan, err);

	*recipient = (struct x509_identity){0};
	if (kind != ERR_OK)
		return kind;
	draft.key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)CA_BITS);
	kind = x509_draft_identity(arena, &draft, recipient, err);
	EVP_PKEY_free(draft.key);
	return kind;
}

/* ---- from elsewhere ---- */

static enum err_kind
check_rights(X509 *cert, struct err *err)
{
	uint32_t usage = X509_get_key_usage(cert);

	if (X509_check_ca(cert) != 1)
		return err_set(err, ERR_BAD_INPUT, "the certificate is not that of a CA");
	if ((usage & X509v3_KU_KEY_CERT_SIGN) == 0)
		return err_set(
			err, ERR_BAD_INPUT, "the CA may not sign certificates (keyCertSign)");
	if ((usage & X509v3_KU_CRL_SIGN) == 0)
		return err_set(err, ERR_BAD_INPUT, "the CA may not sign CRLs (cRLSign)");
	return ERR_OK;
}

/* Does a client's certificate of this CA verify, up to the root alone? */
static enum err_kind
verify_client(STACK_OF(X509) * chain, X509 *client, struct err *err)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509 *root = sk_X509_value(chain, sk_X509_num(chain) - 1);
	enum err_kind kind = ERR_OK;

	if (store == NULL || ctx == NULL || X509_STORE_add_cert(store, root) != 1 ||
		X509_STORE_CTX_init(ctx, store, client, chain) != 1 ||
		X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT) != 1) {
		kind = x509_failed(err, "verifying the CA");
		goto out;
	}
	X509_STORE_CTX_set_time(ctx, 0, (time_t)(clock_now() / 1000));
	if (X509_verify_cert(ctx) != 1)
		kind = err_set(err, ERR_BAD_INPUT, "the CA and those above it do not verify: %s",
			X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
out:
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return kind;
}

/* Issues one, and looks. */
static enum err_kind
try_out(struct arena *arena, const struct x509_identity *ca, STACK_OF(X509) * chain,
	struct err *err)
{
	const struct x509_client client = {
		.common_name = "trial", .key = X509_KEY_EC_P256, .days = 1};
	struct x509_issuer *issuer;
	struct x509_identity identity;
	struct x509_parts parts = {0};
	enum err_kind kind = x509_issuer_new(ca, &issuer, err);

	if (kind == ERR_OK)
		kind = x509_issue_client(arena, issuer, &client, &identity, err);
	if (kind == ERR_OK)
		kind = x509_parts_read_identity(&parts, &identity, err);
	if (kind == ERR_OK)
		kind = verify_client(chain, sk_X509_value(parts.certs, 0), err);
	x509_parts_release(&parts);
	x509_issuer_free(issuer);
	return kind == ERR_CONFLICT ? err_set(err, ERR_BAD_INPUT, "the CA has expired") : kind;
}

/* Every one is issued by the next, and the last by itself. */
static enum err_kind
check_order(STACK_OF(X509) * chain, struct err *err)
{
	int count = sk_X509_num(chain);

	for (int i = 0; i < count; i++) {
		X509 *cert = sk_X509_value(chain, i);
		X509 *above = sk_X509_value(chain, i + 1 < count ? i + 1 : i);

		if (X509_check_issued(above, cert) == X509_V_OK)
			continue;
		return i + 1 < count
			       ? err_set(err, ERR_BAD_INPUT,
					 "a certificate in the file belongs to neither the CA nor "
					 "one above it")
			       : err_set(err, ERR_BAD_INPUT,
					 "the chain does not end in a root certificate: put those "
					 "above the CA into the file, up to the root");
	}
	return ERR_OK;
}

static enum err_kind
tell_facts(struct arena *arena, const struct x509_identity *ca, STACK_OF(X509) * chain,
	struct x509_ca_facts *facts, struct err *err)
{
	struct x509_info info;
	X509 *cert = sk_X509_shift(chain);
	STACK_OF(X509) *own = sk_X509_new_null();
	enum err_kind kind = x509_inspect(arena, ca->cert_pem, &info, err);

	if (own != NULL && sk_X509_push(own, cert) > 0)
		facts->cert_pem = x509_certs_to_pem(arena, own);
	if (sk_X509_num(chain) > 0)
		facts->chain_pem = x509_certs_to_pem(arena, chain);
	facts->subject = info.subject;
	facts->not_after = info.not_after;
	facts->is_rsa = EVP_PKEY_get_base_id(X509_get0_pubkey(cert)) == EVP_PKEY_RSA;
	if (kind == ERR_OK &&
		(facts->cert_pem == NULL || (sk_X509_num(chain) > 0 && facts->chain_pem == NULL)))
		kind = x509_failed(err, "the certificate of the CA");
	sk_X509_free(own);
	X509_free(cert);
	return kind;
}

enum err_kind
x509_check_ca(struct arena *arena, const struct x509_identity *ca, struct x509_ca_facts *facts,
	struct err *err)
{
	struct x509_parts parts;
	enum err_kind kind = x509_parts_read_identity(&parts, ca, err);

	*facts = (struct x509_ca_facts){0};
	if (kind == ERR_OK)
		kind = check_rights(sk_X509_value(parts.certs, 0), err);
	if (kind == ERR_OK)
		kind = x509_check_key(parts.keys[0], err);
	if (kind == ERR_OK)
		kind = check_order(parts.certs, err);
	if (kind == ERR_OK)
		kind = try_out(arena, ca, parts.certs, err);
	if (kind == ERR_OK)
		kind = tell_facts(arena, ca, parts.certs, facts, err);
	x509_parts_release(&parts);
	ERR_clear_error();
	return kind;
}
