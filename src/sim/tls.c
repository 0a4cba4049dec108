/*
 * Under both the devices' HTTP/1.1 and the stand-in's HTTP/2.
 */
#include "sim/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MOST = 4096 };

/* ---- contexts ---- */

/* The first error of OpenSSL's queue, which is then empty. */
static const char *
openssl_reason(void)
{
	unsigned long code = ERR_get_error();
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return reason != NULL ? reason : "unknown error";
}

static SSL_CTX *
context_new(const SSL_METHOD *method)
{
	SSL_CTX *context = SSL_CTX_new(method);

	if (context == NULL)
		return NULL;
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_RELEASE_BUFFERS);
	return context;
}

enum err_kind
tls_client_new(SSL_CTX **context, const char *ca_file, struct err *err)
{
	enum err_kind kind;

	*context = context_new(TLS_client_method());
	if (*context == NULL)
		return err_set(err, ERR_INTERNAL, "TLS: %s", openssl_reason());
	SSL_CTX_set_verify(*context, SSL_VERIFY_PEER, NULL);
	/* A server certificate that is its own CA, or whose intermediate is in the file, is good
	 * enough. */
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(*context), X509_V_FLAG_PARTIAL_CHAIN);
	if (SSL_CTX_load_verify_file(*context, ca_file) == 1)
		return ERR_OK;
	kind = err_set(err, ERR_IO, "%s: %s", ca_file, openssl_reason());
	SSL_CTX_free(*context);
	*context = NULL;
	return kind;
}

static int
choose_h2(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
	unsigned int in_len, void *unused)
{
	(void)ssl;
	(void)unused;
	for (unsigned at = 0; at < in_len && at + in[at] < in_len; at += in[at] + 1u) {
		if (in[at] == 2 && memcmp(in + at + 1, "h2", 2) == 0) {
			*out = in + at + 1;
			*out_len = 2;
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static enum err_kind
load_server(SSL_CTX *context, const struct tls_server_options *options, struct err *err)
{
	STACK_OF(X509_NAME) * names;

	if (SSL_CTX_use_certificate_chain_file(context, options->certificate) != 1)
		return err_set(err, ERR_IO, "%s: %s", options->certificate, openssl_reason());
	if (SSL_CTX_use_PrivateKey_file(context, options->key, SSL_FILETYPE_PEM) != 1)
		return err_set(err, ERR_IO, "%s: %s", options->key, openssl_reason());
	if (SSL_CTX_load_verify_file(context, options->client_ca) != 1 ||
		(names = SSL_load_client_CA_file(options->client_ca)) == NULL)
		return err_set(err, ERR_IO, "%s: %s", options->client_ca, openssl_reason());
	SSL_CTX_set_client_CA_list(context, names);
	return ERR_OK;
}

enum err_kind
tls_server_new(SSL_CTX **context, const struct tls_server_options *options, struct err *err)
{
	static const unsigned char session_id[] = "pomona-sim";
	enum err_kind kind;

	*context = context_new(TLS_server_method());
	if (*context == NULL)
		return err_set(err, ERR_INTERNAL, "TLS: %s", openssl_reason());
	SSL_CTX_set_verify(*context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(*context), X509_V_FLAG_PARTIAL_CHAIN);
	SSL_CTX_set_session_id_context(*context, session_id, sizeof(session_id) - 1);
	SSL_CTX_set_alpn_select_cb(*context, choose_h2, NULL);
	kind = load_server(*context, options, err);
	if (kind != ERR_OK) {
		SSL_CTX_free(*context);
		*context = NULL;
	}
	return kind;
}

/* ---- identities ---- */

static enum err_kind
read_pem(const char *path, X509 **certificate, EVP_PKEY **key, struct err *err)
{
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	if (certificate != NULL)
		*certificate = PEM_read_X509(file, NULL, NULL, NULL);
	else
		*key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	if (certificate != NULL ? *certificate == NULL : *key == NULL)
		return err_set(err, ERR_BAD_INPUT, "%s: %s", path, openssl_reason());
	return ERR_OK;
}

enum err_kind
tls_identity_load(struct tls_identity *identity, const char *dir, const char *name, struct err *err)
{
	char path[PATH_MOST];
	enum err_kind kind;

	*identity = (struct tls_identity){0};
	snprintf(path, sizeof(path), "%s/%s.pem", dir, name);
	kind = read_pem(path, &identity->certificate, NULL, err);
	if (kind != ERR_OK)
		return kind;
	snprintf(path, sizeof(path), "%s/%s.key", dir, name);
	kind = read_pem(path, NULL, &identity->key, err);
	if (kind == ERR_OK && X509_check_private_key(identity->certificate, identity->key) != 1)
		kind = err_set(err, ERR_BAD_INPUT, "%s: %s", path, openssl_reason());
	if (kind != ERR_OK)
		tls_identity_release(identity);
	return kind;
}

void
tls_identity_hold(struct tls_identity *identity)
{
	X509_up_ref(identity->certificate);
	EVP_PKEY_up_ref(identity->key);
}

void
tls_identity_release(struct tls_identity *identity)
{
	X509_free(identity->certificate);
	EVP_PKEY_free(identity->key);
	*identity = (struct tls_identity){0};
}

/* ---- a connection ---- */

static enum tls_outcome
outcome_of(SSL *ssl, int result)
{
	switch (SSL_get_error(ssl, result)) {
	case SSL_ERROR_NONE:
		return TLS_DONE;
	case SSL_ERROR_WANT_READ:
		return TLS_WANTS_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANTS_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_CLOSED;
	default:
		return TLS_FAILED;
	}
}

enum tls_outcome
tls_handshake(SSL *ssl)
{
	ERR_clear_error();
	return outcome_of(ssl, SSL_do_handshake(ssl));
}

enum tls_outcome
tls_read(SSL *ssl, void *bytes, size_t size, size_t *got)
{
	*got = 0;
	ERR_clear_error();
	return outcome_of(ssl, SSL_read_ex(ssl, bytes, size, got));
}

enum tls_outcome
tls_write(SSL *ssl, const void *bytes, size_t len, size_t *put)
{
	*put = 0;
	ERR_clear_error();
	return outcome_of(ssl, SSL_write_ex(ssl, bytes, len, put));
}

const char *
tls_reason(SSL *ssl, char *text, size_t size)
{
	long verified = SSL_get_verify_result(ssl);
	unsigned long code = ERR_peek_error();

	if (verified != X509_V_OK)
		snprintf(text, size, "certificate: %s", X509_verify_cert_error_string(verified));
	else if (code != 0)
		snprintf(text, size, "%s", openssl_reason());
	else
		snprintf(text, size, "%s", errno != 0 ? strerror(errno) : "closed");
	ERR_clear_error();
	return text;
}

/* ---- resumption ---- */

void
tls_ticket_save(struct tls_ticket **ticket, SSL_SESSION *session)
{
	int len = i2d_SSL_SESSION(session, NULL);
	struct tls_ticket *saved = len > 0 ? malloc(sizeof(*saved) + (size_t)len) : NULL;
	unsigned char *end;

	if (saved == NULL)
		return;
	end = saved->bytes;
	saved->len = (size_t)i2d_SSL_SESSION(session, &end);
	free(*ticket);
	*ticket = saved;
}

void
tls_ticket_use(const struct tls_ticket *ticket, SSL *ssl)
{
	const unsigned char *bytes = ticket->bytes;
	SSL_SESSION *session = d2i_SSL_SESSION(NULL, &bytes, (long)ticket->len);

	if (session != NULL)
		SSL_set_session(ssl, session);
	SSL_SESSION_free(session);
	ERR_clear_error();
}
