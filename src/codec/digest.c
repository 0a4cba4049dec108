/*
 * The parameters of a digest, and what they have to come to.
 */
#include "codec/digest.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "codec/seal.h"

enum { MD5_BYTES = 16 };

static const char scheme[] = "Digest ";

static bool
md5(const char *text, char hex[DIGEST_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[EVP_MAX_MD_SIZE];
	size_t len = 0;

	if (EVP_Q_digest(NULL, "MD5", NULL, text, strlen(text), bytes, &len) != 1 ||
		len != MD5_BYTES)
		return false;
	for (size_t i = 0; i < len; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 0xf];
	}
	hex[2 * len] = '\0';
	return true;
}

const char *
digest_challenge(struct arena *arena, const char *realm, const char *nonce)
{
	return arena_printf(arena, "%snonce=\"%s\",realm=\"%s\"", scheme, nonce, realm);
}

/* ---- the parameters ---- */

static const struct {
	const char *name;
	size_t offset; /* in struct digest_response */
	bool required;
} parameters[] = {
	{"username", offsetof(struct digest_response, username), true},
	{"realm", offsetof(struct digest_response, realm), true},
	{"nonce", offsetof(struct digest_response, nonce), true},
	{"uri", offsetof(struct digest_response, uri), true},
	{"response", offsetof(struct digest_response, response), true},
	{"algorithm", offsetof(struct digest_response, algorithm), false},
	{"qop", offsetof(struct digest_response, qop), false},
	{"nc", offsetof(struct digest_response, nc), false},
	{"cnonce", offsetof(struct digest_response, cnonce), false},
};

enum { PARAMETERS = sizeof(parameters) / sizeof(parameters[0]) };

static const char **
member(struct digest_response *response, size_t i)
{
	return (const char **)(void *)((char *)response + parameters[i].offset);
}

static const char *
skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
		p++;
	return p;
}

static bool
is_token(char c)
{
	return isgraph((unsigned char)c) && strchr("\",\\=", c) == NULL;
}

/* A token or a quoted string; *P is behind it then.  NULL: neither. */
static const char *
take_value(struct arena *arena, const char **p)
{
	const char *at = *p;
	char *value = arena_alloc(arena, strlen(at) + 1), *to = value;
	bool quoted = *at == '"';

	if (quoted)
		at++;
	while (quoted ? *at != '"' && *at != '\0' : is_token(*at)) {
		if (quoted && *at == '\\' && at[1] != '\0')
			at++;
		*to++ = *at++;
	}
	*to = '\0';
	if (quoted && *at++ != '"')
		return NULL;
	if (!quoted && to == value)
		return NULL;
	*p = at;
	return value;
}

/* NAME=VALUE; one that is not known is passed over. */
static bool
take_parameter(struct arena *arena, const char **p, struct digest_response *response)
{
	const char *name = *p, *value;
	size_t len = 0;

	while (is_token(name[len]))
		len++;
	*p = skip_blanks(name + len);
	if (len == 0 || **p != '=')
		return false;
	*p = skip_blanks(*p + 1);
	value = take_value(arena, p);
	for (size_t i = 0; i < PARAMETERS && value != NULL; i++) {
		if (strlen(parameters[i].name) != len ||
			strncasecmp(parameters[i].name, name, len) != 0)
			continue;
		if (*member(response, i) != NULL)
			return false;
		*member(response, i) = value;
	}
	return value != NULL;
}

static enum err_kind
check(struct digest_response *response, struct err *err)
{
	for (size_t i = 0; i < PARAMETERS; i++)
		if (parameters[i].required && *member(response, i) == NULL)
			return err_set(
				err, ERR_BAD_INPUT, "the digest has no %s", parameters[i].name);
	if (response->algorithm != NULL && strcasecmp(response->algorithm, "MD5") != 0)
		return err_set(err, ERR_BAD_INPUT, "the digest is not one with MD5");
	if (response->qop != NULL && strcmp(response->qop, "auth") != 0)
		return err_set(err, ERR_BAD_INPUT, "the digest's qop is not auth");
	if (response->qop != NULL && (response->nc == NULL || response->cnonce == NULL))
		return err_set(err, ERR_BAD_INPUT, "the digest has a qop, but no nc or no cnonce");
	return ERR_OK;
}

enum err_kind
digest_parse(
	struct arena *arena, const char *text, struct digest_response *response, struct err *err)
{
	const char *p = skip_blanks(text);

	*response = (struct digest_response){0};
	if (strncasecmp(p, scheme, sizeof(scheme) - 1) != 0)
		return err_set(err, ERR_BAD_INPUT, "that is no digest");
	p = skip_blanks(p + sizeof(scheme) - 1);
	do {
		if (*p == ',')
			p = skip_blanks(p + 1);
		if (!take_parameter(arena, &p, response))
			return err_set(err, ERR_BAD_INPUT, "the digest is malformed");
		p = skip_blanks(p);
	} while (*p == ',');
	if (*p != '\0')
		return err_set(err, ERR_BAD_INPUT, "the digest is malformed");
	return check(response, err);
}

/* ---- what they come to ---- */

enum err_kind
digest_secret(struct arena *arena, const char *username, const char *realm, const char *password,
	char secret[DIGEST_SIZE], struct err *err)
{
	char *text = arena_printf(arena, "%s:%s:%s", username, realm, password);
	bool done = md5(text, secret);

	memset(text, 0, strlen(text));
	return done ? ERR_OK : err_set(err, ERR_INTERNAL, "libcrypto does no MD5");
}

bool
digest_is_good(struct arena *arena, const struct digest_response *response, const char *secret)
{
	/* The message goes by PUT; AUTHENTICATE is SASL's (RFC 2831). */
	static const char *const methods[] = {"PUT", "POST", "GET", "AUTHENTICATE"};
	char ha2[DIGEST_SIZE], wanted[DIGEST_SIZE], given[DIGEST_SIZE] = "";
	const char *middle = response->nonce;
	bool good = false;

	if (strlen(response->response) != DIGEST_SIZE - 1)
		return false;
	for (size_t i = 0; i < DIGEST_SIZE - 1; i++)
		given[i] = (char)tolower((unsigned char)response->response[i]);
	if (response->qop != NULL)
		middle = arena_printf(arena, "%s:%s:%s:%s", response->nonce, response->nc,
			response->cnonce, response->qop);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		good |= md5(arena_printf(arena, "%s:%s", methods[i], response->uri), ha2) &&
			md5(arena_printf(arena, "%s:%s:%s", secret, middle, ha2), wanted) &&
			seal_same(wanted, given);
	return good;
}
