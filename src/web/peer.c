/*
 * The step between routing and decoding: no byte of a body is parsed for a caller who has not shown
 * a certificate.
 */
#include "web/peer.h"

#include <stdatomic.h>
#include <string.h>

#include "codec/cms.h"
#include "codec/text.h"

enum { CERTIFICATE_MOST = 32 * 1024 };

/* ---- the web server's word ---- */

static enum err_kind
decode(const struct request *request, const char *escaped, size_t len, struct peer_cached *made,
	struct err *err)
{
	size_t pem_len;
	const char *pem;

	if (len > CERTIFICATE_MOST)
		return err_set(err, ERR_FORBIDDEN, "the client certificate is too large");
	pem = text_url_decode(request->arena, escaped, len, false, &pem_len);
	made->der =
		pem == NULL ? NULL : x509_pem_to_der(request->arena, pem, pem_len, &made->der_len);
	if (made->der == NULL)
		return err_set(err, ERR_FORBIDDEN, "the client certificate cannot be read");
	x509_hash(made->der, made->der_len, made->certificate);
	return ERR_OK;
}

static enum err_kind
take_certificate(struct peer_cache *cache, const struct request *request, const char *escaped,
	struct peer *peer, struct err *err)
{
	size_t len = strlen(escaped);
	struct peer_cached certificate;
	enum err_kind kind = ERR_OK;

	if (!peer_cache_find(cache, request->arena, escaped, len, &certificate)) {
		kind = decode(request, escaped, len, &certificate, err);
		if (kind == ERR_OK)
			peer_cache_keep(cache, escaped, len, &certificate);
	}
	if (kind != ERR_OK)
		return kind;
	memcpy(peer->certificate, certificate.certificate, sizeof(peer->certificate));
	peer->der = certificate.der;
	peer->der_len = certificate.der_len;
	return ERR_OK;
}

/* ---- a load balancer's ---- */

static enum err_kind
take_header(const struct peer_rules *rules, struct mdm *mdm, const struct request *request,
	const char *value, struct peer *peer, struct err *err)
{
	const struct x509_trust *trust;
	unsigned char *der;
	size_t len;
	enum err_kind kind =
		peer_header_certificate(&rules->header, request->arena, value, &der, &len, err);

	if (kind != ERR_OK)
		return kind;
	kind = peer_trust_take(rules->trust, mdm, &trust, NULL, err);
	if (kind != ERR_OK)
		return kind;
	kind = x509_verify_chain(trust, der, len, err);
	peer_trust_give(rules->trust);
	if (kind == ERR_OK) {
		peer->der = der;
		peer->der_len = len;
		x509_hash(der, len, peer->certificate);
	}
	return kind;
}

/* ---- the device's own signature ---- */

typedef enum err_kind (*signer_fn)(
	const struct cms_detached *detached, struct cms_signer *signer, struct err *err);

/* BODY may be NULL: FIND does not look at it. */
static enum err_kind
find_signer(const struct peer_rules *rules, struct mdm *mdm, const char *signature,
	const struct request *body, signer_fn find, struct cms_signer *signer, struct err *err)
{
	struct cms_detached detached = {.arena = mdm->arena};
	enum err_kind kind;

	detached.signature = text_base64_decode(
		mdm->arena, signature, strlen(signature), &detached.signature_len);
	if (detached.signature == NULL)
		return err_set(err, ERR_FORBIDDEN, "the signature is no base64");
	if (body != NULL) {
		detached.body = body->body;
		detached.body_len = body->body_len;
	}
	kind = peer_trust_take(rules->trust, mdm, &detached.trust, &detached.allow_sha1, err);
	if (kind != ERR_OK)
		return kind;
	kind = find(&detached, signer, err);
	peer_trust_give(rules->trust);
	return kind;
}

enum err_kind
peer_claim(const struct peer_rules *rules, struct mdm *mdm, const struct peer *peer,
	char certificate[X509_HASH_SIZE], struct err *err)
{
	struct cms_signer signer = {0};
	enum err_kind kind =
		find_signer(rules, mdm, peer->signature, NULL, cms_claimed_signer, &signer, err);

	memcpy(certificate, signer.certificate, sizeof(signer.certificate));
	return kind;
}

enum err_kind
peer_verify_body(const struct peer_rules *rules, struct mdm *mdm, const struct request *request,
	struct peer *peer, struct err *err)
{
	static atomic_uint_fast64_t sha1_count;
	struct cms_signer signer;
	enum err_kind kind;

	if (peer->signature == NULL)
		return ERR_OK;
	kind = find_signer(rules, mdm, peer->signature, request, cms_verify_detached, &signer, err);
	if (kind != ERR_OK)
		return kind;
	memcpy(peer->certificate, signer.certificate, sizeof(peer->certificate));
	peer->der = signer.der;
	peer->der_len = signer.der_len;
	if (signer.sha1)
		peer->sha1_count = atomic_fetch_add(&sha1_count, 1) + 1;
	return ERR_OK;
}

/* ---- which of them ---- */

enum err_kind
peer_identify(const struct peer_rules *rules, struct mdm *mdm, const struct request *request,
	struct peer *peer, struct err *err)
{
	const char *verify = request_param(request, "SSL_CLIENT_VERIFY");
	const char *escaped = request_param(request, "SSL_CLIENT_CERT");
	const char *header;
	enum err_kind kind;

	*peer = (struct peer){0};
	if (strcmp(verify, "SUCCESS") == 0 && *escaped != '\0')
		return take_certificate(rules->cache, request, escaped, peer, err);
	if (*verify != '\0' && strcmp(verify, "NONE") != 0)
		return err_set(err, ERR_FORBIDDEN,
			"the client certificate is not acceptable (%.100s)", verify);
	kind = peer_header_find(&rules->header, request, &header, err);
	if (kind != ERR_OK)
		return kind;
	if (header != NULL)
		return take_header(rules, mdm, request, header, peer, err);
	peer->signature = request_param(request, "HTTP_MDM_SIGNATURE");
	if (*peer->signature != '\0')
		return ERR_OK;
	peer->signature = NULL;
	return err_set(err, ERR_FORBIDDEN, "a client certificate is required");
}
