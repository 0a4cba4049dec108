/*
 * CertificateList: the device's identity, the server's CA, and one that came with a profile.  All
 * are real.
 */
#include "sim/answer_work.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "codec/x509.h"

enum { FILE_MOST = 256 * 1024 };

/* A self-signed CA whose key is thrown away. */
static const char organization_ca[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIB4jCCAYmgAwIBAgIUZSghbxIoZ020dujRubH9iiEfBr4wCgYIKoZIzj0EAwIwRjEdMBsGA1UE\n"
	"CgwURXhhbXBsZSBPcmdhbml6YXRpb24xJTAjBgNVBAMMHEV4YW1wbGUgT3JnYW5pemF0aW9uIFJv\n"
	"b3QgQ0EwIBcNMjYxMTI0MDkyOTI2WhgPMjA1MTA3MTYwOTI5MjZaMEYxHTAbBgNVBAoMFEV4YW1w\n"
	"bGUgT3JnYW5pemF0aW9uMSUwIwYDVQQDDBxFeGFtcGxlIE9yZ2FuaXphdGlvbiBSb290IENBMFkw\n"
	"EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8IilgzHXGUih5bWsNegyFKmzrDVHjjHBWoHvhlYqM7Gd\n"
	"scdYO2cg9VyDTvbgff94PX+uQYdjwjSq3aOJmzC2pqNTMFEwHQYDVR0OBBYEFDCM/iFfzY5EmICg\n"
	"YIFtfjx+FBHRMB8GA1UdIwQYMBaAFDCM/iFfzY5EmICgYIFtfjx+FBHRMA8GA1UdEwEB/wQFMAMB\n"
	"Af8wCgYIKoZIzj0EAwIDRwAwRAIgeo61kzKvfLRWygwh/6hcxPjd0Y+UOQ01KETT25NEDP8CIDW+\n"
	"jPZ/w2kdPuF9CI1c/0iGReoiGSZ4SGl7Fj1Xmdl1\n"
	"-----END CERTIFICATE-----\n";

/* NULL when it cannot be read. */
static const char *
read_pem(struct arena *arena, const char *path)
{
	FILE *file = path != NULL ? fopen(path, "re") : NULL;
	struct buf text;
	char piece[4096];
	size_t got;

	if (file == NULL)
		return NULL;
	buf_init(&text, arena, FILE_MOST);
	while ((got = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(&text, piece, got);
	fclose(file);
	return text.full ? NULL : text.bytes;
}

/* Nothing when there is no such certificate: the list is then shorter. */
static void
add(struct answer_work *work, struct plist *list, const char *pem, bool is_identity)
{
	struct arena *arena = work->arena;
	struct plist *row = plist_dict(arena);
	struct x509_info info;
	unsigned char *der;
	size_t len;

	if (pem == NULL || x509_inspect(arena, pem, &info, NULL) != ERR_OK ||
		(der = x509_pem_to_der(arena, pem, strlen(pem), &len)) == NULL)
		return;
	plist_set(arena, row, "CommonName",
		plist_string(arena, info.common_name != NULL ? info.common_name : ""));
	plist_set(arena, row, "Data", plist_data(arena, der, len));
	plist_set(arena, row, "IsIdentity", plist_boolean(arena, is_identity));
	plist_append(list, row);
}

struct plist *
answer_identity_der(struct answer_work *work)
{
	const char *pem = read_pem(work->arena, work->device->certificate);
	unsigned char *der;
	size_t len;

	if (pem == NULL || (der = x509_pem_to_der(work->arena, pem, strlen(pem), &len)) == NULL)
		return NULL;
	return plist_data(work->arena, der, len);
}

void
answer_certificate_list(struct answer_work *work)
{
	struct plist *list = plist_array(work->arena);

	add(work, list, read_pem(work->arena, work->device->certificate), true);
	add(work, list, read_pem(work->arena, work->device->authority), false);
	add(work, list, organization_ca, false);
	answer_set(work, "CertificateList", list);
}
