/*
 * Certificates on the way in: the web server's PEM becomes a hash, without an X509 object, since
 * that is looked at for each request (x509_pem_to_der, x509_hash); an operator's becomes facts.
 */
#include "codec/x509.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;

/* Once, as looking an algorithm up takes longer than hashing a certificate. */
static void
fetch_sha256(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

void
x509_hash(const void *der, size_t len, char hash[X509_HASH_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	pthread_once(&sha256_once, fetch_sha256);
	if (sha256 == NULL || EVP_Digest(der, len, digest, &size, sha256, NULL) != 1) {
		fputs("level=error msg=\"libcrypto has no SHA-256\"\n", stderr);
		abort();
	}
	for (size_t i = 0; i < (X509_HASH_SIZE - 1) / 2; i++) {
		hash[2 * i] = digits[digest[i] >> 4];
		hash[2 * i + 1] = digits[digest[i] & 15];
	}
	hash[X509_HASH_SIZE - 1] = '\0';
}

/* ---- PEM to DER ---- */

/* The first MARK within LEN bytes, which need not end in a NUL; or NULL. */
static const char *
find_mark(const char *text, size_t len, const char *mark)
{
	const size_t mark_len = strlen(mark);
	const char *end = text + len;

	while ((size_t)(end - text) >= mark_len) {
		text = memchr(text, mark[0], (size_t)(end - text) - mark_len + 1);
		if (text == NULL)
			return NULL;
		if (memcmp(text, mark, mark_len) == 0)
			return text;
		text++;
	}
	return NULL;
}

static bool
is_space(char byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Decodes LEN characters of base64, squeezed; NULL when they are none.  EVP_DecodeBlock() takes '='
 * anywhere and counts it as a byte: both are seen to here. */
static unsigned char *
decode(struct arena *arena, const char *base64, size_t len, size_t *der_len)
{
	unsigned char *der;
	size_t padding = 0;

	while (padding < 2 && padding < len && base64[len - 1 - padding] == '=')
		padding++;
	if (len == 0 || len % 4 != 0 || len > INT_MAX || memchr(base64, '=', len - padding) != NULL)
		return NULL;
	der = arena_alloc(arena, len / 4 * 3);
	if (EVP_DecodeBlock(der, (const unsigned char *)base64, (int)len) < 0)
		return NULL;
	*der_len = len / 4 * 3 - padding;
	return der;
}

unsigned char *
x509_pem_to_der(struct arena *arena, const char *pem, size_t pem_len, size_t *der_len)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	static const char end[] = "-----END CERTIFICATE-----";
	const char *from = find_mark(pem, pem_len, begin), *to;
	size_t len = 0;
	char *base64;

	if (from == NULL)
		return NULL;
	from += sizeof(begin) - 1;
	to = find_mark(from, pem_len - (size_t)(from - pem), end);
	if (to == NULL)
		return NULL;
	base64 = arena_alloc(arena, (size_t)(to - from) + 1);
	for (; from < to; from++) {
		base64[len] = *from;
		len += !is_space(*from);
	}
	return decode(arena, base64, len, der_len);
}

/* ---- facts ---- */

/* The first attribute of this kind; one with U+0000 in it would say something else to us than to
 * whoever reads it as DER, and counts as none. */
static const char *
name_part(struct arena *arena, const X509_NAME *name, int nid)
{
	int at = X509_NAME_get_index_by_NID(name, nid, -1), len;
	const char *text = NULL;
	unsigned char *utf8;

	if (at < 0)
		return NULL;
	len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (len < 0)
		return NULL;
	if (memchr(utf8, '\0', (size_t)len) == NULL)
		text = arena_memdup(arena, utf8, (size_t)len);
	OPENSSL_free(utf8);
	return text;
}

static const char *
name_text(struct arena *arena, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const char *text = NULL;
	char *bytes;
	long len;

	if (bio != NULL &&
		X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		len = BIO_get_mem_data(bio, &bytes);
		text = arena_memdup(arena, bytes, len > 0 ? (size_t)len : 0);
	}
	BIO_free(bio);
	return text;
}

static const char *
serial_text(struct arena *arena, const ASN1_INTEGER *serial)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
	char *hex = number == NULL ? NULL : BN_bn2hex(number);
	const char *text = arena_strdup(arena, hex);

	OPENSSL_free(hex);
	BN_free(number);
	return text;
}

/* By the difference to 1970, as there is no timegm() in POSIX. */
static bool
time_ms(const ASN1_TIME *time, int64_t *ms)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days, seconds;
	bool known = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;

	if (known)
		*ms = ((int64_t)days * 86400 + seconds) * 1000;
	ASN1_TIME_free(epoch);
	return known;
}

static bool
inspect(struct arena *arena, const X509 *cert, struct x509_info *info)
{
	const X509_NAME *name = X509_get_subject_name(cert);

	info->subject = name_text(arena, name);
	info->common_name = name_part(arena, name, NID_commonName);
	info->user_id = name_part(arena, name, NID_userId);
	info->serial = serial_text(arena, X509_get0_serialNumber(cert));
	return info->subject != NULL && info->serial != NULL &&
	       time_ms(X509_get0_notBefore(cert), &info->not_before) &&
	       time_ms(X509_get0_notAfter(cert), &info->not_after);
}

enum err_kind
x509_inspect_der(
	struct arena *arena, const void *der, size_t len, struct x509_info *info, struct err *err)
{
	const unsigned char *at = der, *end = at + len;
	X509 *cert = len > LONG_MAX ? NULL : d2i_X509(NULL, &at, (long)len);
	enum err_kind kind = ERR_OK;

	*info = (struct x509_info){0};
	if (cert == NULL || at != end || !inspect(arena, cert, info))
		kind = err_set(err, ERR_BAD_INPUT, "the certificate is damaged");
	else
		x509_hash(der, len, info->sha256);
	X509_free(cert);
	ERR_clear_error();
	return kind;
}

enum err_kind
x509_inspect(struct arena *arena, const char *pem, struct x509_info *info, struct err *err)
{
	size_t len;
	unsigned char *der = x509_pem_to_der(arena, pem, strlen(pem), &len);

	*info = (struct x509_info){0};
	if (der == NULL)
		return err_set(err, ERR_BAD_INPUT, "there is no certificate in PEM here");
	return x509_inspect_der(arena, der, len, info, err);
}
