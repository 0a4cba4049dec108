/*
 * Whatever stands in a header that tells who is calling, it is taken or refused, and nothing is
 * read beyond it: the certificate's four forms, and a signature.
 *
 * With driver.c it is a test of `make check`; fuzz_plist.c tells how to run it under libFuzzer.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/cms.h"
#include "web/peer_header.h"

const char *const fuzz_files[] = {
	"tests/data/peer/*.txt", "tests/data/x509/*.der", "tests/data/x509/signed.ber", NULL};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct arena arena;

static void
promise(bool kept, const char *which)
{
	if (kept)
		return;
	fprintf(stderr, "broken: %s\n", which);
	abort();
}

static void
check_forms(const char *text)
{
	for (int form = PEER_FORM_PEM; form <= PEER_FORM_XFCC; form++) {
		const struct peer_header_rules rules = {
			.param = "HTTP_X", .form = (enum peer_form)form};
		struct err err = {0};
		unsigned char *der;
		size_t len;
		enum err_kind kind =
			peer_header_certificate(&rules, &arena, text, &der, &len, &err);

		promise(kind == ERR_OK || kind == ERR_FORBIDDEN, "it is taken or refused");
		promise((kind == ERR_OK) == (err.message[0] == '\0'), "a refusal has a reason");
		promise(kind != ERR_OK || (der != NULL && len > 0),
			"what is taken holds something");
	}
}

/* The CA of those who signed the files. */
static struct x509_trust *
read_trust(void)
{
	const char *top = getenv("srcdir");
	char path[4096], pem[16384] = "";
	struct x509_trust *trust;
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/data/x509/middle.pem", top == NULL ? "." : top);
	file = fopen(path, "rb");
	promise(file != NULL && fread(pem, 1, sizeof(pem) - 1, file) > 0, "the CA is there");
	fclose(file);
	promise(x509_trust_new(pem, &trust, NULL) == ERR_OK, "the CA is one");
	return trust;
}

/* Some are good signatures, and none is of this body. */
static void
check_signature(const uint8_t *bytes, size_t len)
{
	static struct x509_trust *trust;
	struct cms_detached detached = {
		.signature = bytes, .signature_len = len, .body = "x", .body_len = 1};
	struct cms_signer signer;
	struct err err = {0};

	if (trust == NULL)
		trust = read_trust();
	detached.trust = trust;
	promise(cms_verify_detached(&detached, &signer, &err) == ERR_FORBIDDEN, "it is refused");
	promise(signer.certificate[0] == '\0', "it is nobody's");
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	check_forms(arena_memdup(&arena, bytes, strnlen((const char *)bytes, len)));
	check_signature(bytes, len);
	arena_reset(&arena);
	return 0;
}
