/*
 * The step between routing and decoding: no byte of a body is parsed for a caller who has not shown
 * a certificate.
 */
#include "web/peer.h"

#include <string.h>

#include "codec/text.h"

enum { CERTIFICATE_MOST = 32 * 1024 };

enum err_kind
peer_identify(const struct request *request, struct peer *peer, struct err *err)
{
	const char *verify = request_param(request, "SSL_CLIENT_VERIFY");
	const char *escaped = request_param(request, "SSL_CLIENT_CERT");
	size_t len = strlen(escaped), pem_len, der_len;
	const unsigned char *der;
	const char *pem;

	peer->certificate[0] = '\0';
	if (*escaped == '\0' || strcmp(verify, "NONE") == 0)
		return err_set(err, ERR_FORBIDDEN, "a client certificate is required");
	if (strcmp(verify, "SUCCESS") != 0)
		return err_set(err, ERR_FORBIDDEN,
			"the client certificate is not acceptable (%.100s)", verify);
	if (len > CERTIFICATE_MOST)
		return err_set(err, ERR_FORBIDDEN, "the client certificate is too large");
	pem = text_url_decode(request->arena, escaped, len, false, &pem_len);
	der = pem == NULL ? NULL : x509_pem_to_der(request->arena, pem, pem_len, &der_len);
	if (der == NULL)
		return err_set(err, ERR_FORBIDDEN, "the client certificate cannot be read");
	peer->der = der;
	peer->der_len = der_len;
	x509_hash(der, der_len, peer->certificate);
	return ERR_OK;
}
