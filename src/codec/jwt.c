/*
 * The token com.apple.maid wants of GetToken is one (mdm/token_service.c).
 */
#include "codec/jwt.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "codec/text.h"
#include "codec/x509_parts.h"

enum { BITS_LEAST = 2048, BITS_MOST = 8192, TOKEN_MOST = 16 * 1024 };

static enum err_kind
check_key(const EVP_PKEY *key, struct err *err)
{
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
		return err_set(err, ERR_BAD_INPUT, "the private key is not an RSA key");
	if (EVP_PKEY_get_bits(key) < BITS_LEAST || EVP_PKEY_get_bits(key) > BITS_MOST)
		return err_set(err, ERR_BAD_INPUT,
			"the private key has %d bits: RSA of %d to %d bits will do",
			EVP_PKEY_get_bits(key), BITS_LEAST, BITS_MOST);
	return ERR_OK;
}

enum err_kind
jwt_read_key(struct arena *arena, const void *bytes, size_t len, const char *password,
	const char **pem, struct err *err)
{
	struct x509_parts parts = {0};
	enum err_kind kind = x509_parts_read(&parts, bytes, len, password, err);

	*pem = NULL;
	if (kind == ERR_OK && parts.key_count != 1)
		kind = err_set(err, ERR_BAD_INPUT,
			parts.key_count == 0 ? "there is no private key in it"
					     : "there is more than one private key in it");
	if (kind == ERR_OK)
		kind = check_key(parts.keys[0], err);
	if (kind == ERR_OK) {
		*pem = x509_key_to_pem(arena, parts.keys[0]);
		if (*pem == NULL)
			kind = x509_failed(err, "writing the key");
	}
	x509_parts_release(&parts);
	ERR_clear_error();
	return kind;
}

static void
add_json(struct buf *token, const struct plist *value)
{
	struct buf json;

	buf_init(&json, token->arena, TOKEN_MOST);
	plist_write_json(&json, value, false);
	token->full = token->full || json.full;
	text_base64url_append(token, json.bytes, json.len);
}

static void
add_head(struct buf *token)
{
	struct plist *head = plist_dict(token->arena);

	plist_set(token->arena, head, "alg", plist_string(token->arena, "RS256"));
	plist_set(token->arena, head, "typ", plist_string(token->arena, "JWT"));
	add_json(token, head);
}

/* PKCS#1 v1.5 is what EVP does with an RSA key unless told otherwise. */
static enum err_kind
add_signature(struct buf *token, EVP_PKEY *key, struct err *err)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char signature[BITS_MOST / 8];
	size_t len = sizeof(signature);
	enum err_kind kind = ERR_OK;

	if (context == NULL || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
		EVP_DigestSign(context, signature, &len, (const unsigned char *)token->bytes,
			token->len) != 1)
		kind = x509_failed(err, "signing");
	EVP_MD_CTX_free(context);
	if (kind != ERR_OK)
		return kind;
	buf_byte(token, '.');
	text_base64url_append(token, signature, len);
	return ERR_OK;
}

enum err_kind
jwt_sign(struct arena *arena, const char *key_pem, const struct plist *claims, const char **token,
	struct err *err)
{
	struct x509_parts parts = {0};
	struct buf made;
	enum err_kind kind = x509_parts_read(&parts, key_pem, strlen(key_pem), NULL, err);

	*token = NULL;
	buf_init(&made, arena, TOKEN_MOST);
	if (kind == ERR_OK && parts.key_count != 1)
		kind = err_set(err, ERR_INTERNAL, "the key that is kept is none");
	if (kind == ERR_OK)
		kind = check_key(parts.keys[0], err);
	if (kind == ERR_OK) {
		add_head(&made);
		buf_byte(&made, '.');
		add_json(&made, claims);
		kind = add_signature(&made, parts.keys[0], err);
	}
	if (kind == ERR_OK && made.full)
		kind = err_set(err, ERR_TOO_LARGE, "the token is too large");
	if (kind == ERR_OK)
		*token = made.bytes;
	x509_parts_release(&parts);
	ERR_clear_error();
	return kind;
}
