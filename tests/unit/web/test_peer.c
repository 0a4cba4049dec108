/*
 * peer, peer_header: the forms of a header, the addresses it is believed from, and which proof
 * decides.
 */
#include "unit.h"

#include "mdm/ca.h"
#include "unit_store.h"
#include "web/peer.h"

static struct arena arena;

/* The hash of three bytes "abc", which stand for a certificate where none is parsed. */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define PEM(base64) "-----BEGIN CERTIFICATE-----%0A" base64 "%0A-----END CERTIFICATE-----%0A"
#define CERT "Cert=\"" PEM("YWJj") "\""
#define OTHER "Cert=\"" PEM("eHl6") "\""

static int
reset(void **state)
{
	(void)state;
	arena_reset(&arena);
	return 0;
}

static int
release(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

/* ---- forms ---- */

static const struct form_case {
	enum peer_form form;
	const char *value;
	const char *der; /* NULL: refused */
} form_cases[] = {
	{PEER_FORM_PEM, PEM("YWJj"), "abc"},
	{PEER_FORM_PEM, PEM("YWJj") PEM("eHl6"), "abc"},
	{PEER_FORM_PEM, "-----BEGIN CERTIFICATE----- YW Jj -----END CERTIFICATE-----", "abc"},
	{PEER_FORM_PEM, PEM("%2B%2F%2B%2F"), "\xfb\xff\xbf"},
	{PEER_FORM_PEM, PEM("YWJj") ", " PEM("eHl6"), NULL},
	{PEER_FORM_PEM, PEM("YWJ"), NULL},
	{PEER_FORM_PEM, PEM(""), NULL},
	{PEER_FORM_PEM, PEM("%"), NULL},
	{PEER_FORM_PEM, PEM("%00"), NULL},
	{PEER_FORM_PEM, "-----BEGIN CERTIFICATE-----YWJj", NULL},
	{PEER_FORM_PEM, "YWJj", NULL},
	{PEER_FORM_RFC9440, ":YWJj:", "abc"},
	{PEER_FORM_RFC9440, "  :YWJj: ", "abc"},
	{PEER_FORM_RFC9440, "YWJj", NULL},
	{PEER_FORM_RFC9440, ":YWJj", NULL},
	{PEER_FORM_RFC9440, "YWJj:", NULL},
	{PEER_FORM_RFC9440, ":YWJj:;a=b", NULL},
	{PEER_FORM_RFC9440, ":YWJj:, :eHl6:", NULL},
	{PEER_FORM_RFC9440, "::", NULL},
	{PEER_FORM_RFC9440, ":", NULL},
	{PEER_FORM_BASE64, "YWJj", "abc"},
	{PEER_FORM_BASE64, "YWJj, eHl6", NULL},
	{PEER_FORM_BASE64, ":YWJj:", NULL},
	{PEER_FORM_BASE64, "", NULL},
	{PEER_FORM_BASE64, "?", NULL},
	{PEER_FORM_XFCC, CERT, "abc"},
	{PEER_FORM_XFCC, "Hash=" ABC ";" CERT, "abc"},
	{PEER_FORM_XFCC, "By=a;Hash=" ABC ";" CERT ";Subject=\"CN=\\\"b\\\", O=c\";URI=d?e=f",
		"abc"},
	{PEER_FORM_XFCC, "by=a;cert=" PEM("YWJj"), "abc"},
	{PEER_FORM_XFCC, OTHER "," CERT, "abc"},
	{PEER_FORM_XFCC, OTHER ", " CERT, "abc"},
	{PEER_FORM_XFCC, CERT "," OTHER, "xyz"},
	{PEER_FORM_XFCC, "Subject=\"a,b;c\\\",\"," CERT, "abc"},
	{PEER_FORM_XFCC, CERT ",By=a", NULL},
	{PEER_FORM_XFCC, CERT ",", NULL},
	{PEER_FORM_XFCC, CERT ";", NULL},
	{PEER_FORM_XFCC, CERT ";" CERT, NULL},
	{PEER_FORM_XFCC, CERT ";" OTHER, NULL},
	{PEER_FORM_XFCC, "Hash=" ABC ";Hash=" ABC ";" CERT, NULL},
	{PEER_FORM_XFCC, "Hash=" ABC ";" OTHER, NULL},
	{PEER_FORM_XFCC, "Hash=ba78;" CERT, NULL},
	{PEER_FORM_XFCC, "Hash=;" CERT, NULL},
	{PEER_FORM_XFCC, "Hash=" ABC, NULL},
	{PEER_FORM_XFCC, "Chain=\"" PEM("YWJj") "\"", NULL},
	{PEER_FORM_XFCC, "Cert=\"" PEM("YWJj"), NULL},
	{PEER_FORM_XFCC, "Cert=\"" PEM("YWJj") "\\", NULL},
	{PEER_FORM_XFCC, "Cert=", NULL},
	{PEER_FORM_XFCC, "Cert", NULL},
	{PEER_FORM_XFCC, "=x;" CERT, NULL},
	{PEER_FORM_XFCC, "By=\"a," CERT, NULL},
	{PEER_FORM_XFCC, "By=a\"," CERT, NULL},
	{PEER_FORM_XFCC, CERT "x", NULL},
	{PEER_FORM_XFCC, PEM("YWJj"), NULL},
	{PEER_FORM_XFCC, "", NULL},
};

static void
test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(form_cases); i++) {
		const struct form_case *form = &form_cases[i];
		const struct peer_header_rules rules = {.param = "HTTP_X", .form = form->form};
		unsigned char *der;
		size_t len;
		enum err_kind kind =
			peer_header_certificate(&rules, &arena, form->value, &der, &len, NULL);

		if (kind != (form->der == NULL ? ERR_FORBIDDEN : ERR_OK))
			fail_msg("case %zu: %s", i, form->value);
		if (form->der == NULL)
			continue;
		assert_int_equal(len, strlen(form->der));
		assert_memory_equal(der, form->der, len);
	}
}

static void
test_long_headers_are_refused(void **state)
{
	const struct peer_header_rules rules = {.param = "HTTP_X", .form = PEER_FORM_BASE64};
	char *value = arena_alloc(&arena, 40000);
	unsigned char *der;
	size_t len;

	(void)state;
	memset(value, 'A', 40000);
	value[39999] = '\0';
	assert_int_equal(
		peer_header_certificate(&rules, &arena, value, &der, &len, NULL), ERR_FORBIDDEN);
	value[32768] = '\0';
	assert_int_equal(peer_header_certificate(&rules, &arena, value, &der, &len, NULL), ERR_OK);
}

/* ---- addresses ---- */

static enum err_kind
read_rules(struct peer_header_rules *rules, const char *header, const char *form, const char *from)
{
	const struct conf conf = {.path = "pomona.conf",
		.certificate_header = header,
		.certificate_form = form,
		.certificate_from = from};

	return peer_header_rules_read(rules, &conf, &arena, NULL);
}

static void
test_addresses(void **state)
{
	static const struct {
		const char *from, *address;
		bool trusted;
	} cases[] = {
		{"192.0.2.10", "192.0.2.10", true},
		{"192.0.2.10", "192.0.2.11", false},
		{"192.0.2.10", "::ffff:192.0.2.10", true},
		{"::ffff:192.0.2.10", "192.0.2.10", true},
		{"192.0.2.10", "::192.0.2.10", false},
		{"192.0.2.0/24", "192.0.2.255", true},
		{"192.0.2.0/24", "192.0.3.0", false},
		{"192.0.2.77/24", "192.0.2.1", true},
		{"192.0.2.128/25", "192.0.2.127", false},
		{"192.0.2.128/25", "192.0.2.128", true},
		{"10.0.0.0/9", "10.127.255.255", true},
		{"10.0.0.0/9", "10.128.0.0", false},
		{"128.0.0.0/1", "255.255.255.255", true},
		{"128.0.0.0/1", "127.0.0.1", false},
		{"192.0.2.10/32", "192.0.2.10", true},
		{"2001:db8::/32", "2001:db8:ffff::1", true},
		{"2001:db8::/32", "2001:db9::1", false},
		{"2001:db8::1", "2001:DB8:0:0::1", true},
		{"2001:db8::1/128", "2001:db8::2", false},
		{"10.0.0.1,10.0.0.2 10.0.0.3", "10.0.0.3", true},
		{" 10.0.0.1 ,\t10.0.0.2", "10.0.0.2", true},
		{"10.0.0.1", "", false},
		{"10.0.0.1", "unix:", false},
		{"10.0.0.1", "10.0.0.1 ", false},
		{"10.0.0.1", "010.0.0.1", false},
		{"fe80::/10", "fe80::1%eth0", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct peer_header_rules rules;

		assert_int_equal(read_rules(&rules, "X-Cert", "pem", cases[i].from), ERR_OK);
		if (peer_header_trusts(&rules, cases[i].address) != cases[i].trusted)
			fail_msg("%s, %s", cases[i].from, cases[i].address);
	}
}

static void
test_rules(void **state)
{
	static const struct {
		const char *header, *form, *from;
		const char *param; /* NULL: refused, "": switched off */
	} cases[] = {
		{NULL, NULL, NULL, ""},
		{NULL, "pem", "10.0.0.1", ""},
		{"X-Client-Cert2", "pem", "10.0.0.1", "HTTP_X_CLIENT_CERT2"},
		{"client-cert", "rfc9440", "::1", "HTTP_CLIENT_CERT"},
		{"X", "base64", "::1", "HTTP_X"},
		{"X", "xfcc", "::1", "HTTP_X"},
		{"X_Y", "pem", "10.0.0.1", NULL},
		{"X Y", "pem", "10.0.0.1", NULL},
		{"X:", "pem", "10.0.0.1", NULL},
		{"Mdm-Signature", "pem", "10.0.0.1", NULL},
		{"X", "PEM", "10.0.0.1", NULL},
		{"X", NULL, "10.0.0.1", NULL},
		{"X", "pem", NULL, NULL},
		{"X", "pem", " , ", NULL},
		{"X", "pem", "10.0.0.1 x", NULL},
		{"X", "pem", "10.0.0.0/33", NULL},
		{"X", "pem", "10.0.0.0/0", NULL},
		{"X", "pem", "10.0.0.0/", NULL},
		{"X", "pem", "10.0.0.0/8x", NULL},
		{"X", "pem", "10.0.0.0/ 8", NULL},
		{"X", "pem", "10.0.0.0/+8", NULL},
		{"X", "pem", "::/0", NULL},
		{"X", "pem", "::/129", NULL},
		{"X", "pem", "10.0.0", NULL},
	};
	char many[1024] = "";

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct peer_header_rules rules;
		enum err_kind kind =
			read_rules(&rules, cases[i].header, cases[i].form, cases[i].from);

		if (kind != (cases[i].param == NULL ? ERR_BAD_INPUT : ERR_OK))
			fail_msg("case %zu", i);
		if (cases[i].param != NULL && *cases[i].param == '\0')
			assert_null(rules.param);
		else if (cases[i].param != NULL)
			assert_string_equal(rules.param, cases[i].param);
	}
	for (int i = 0; i <= PEER_RANGES_MOST; i++)
		memcpy(many + 10 * i, "10.0.0.1  ", 10);
	assert_int_equal(
		read_rules(&(struct peer_header_rules){0}, "X", "pem", many), ERR_BAD_INPUT);
}

/* ---- which proof decides ---- */

static int
count(void *handle, const char *name)
{
	return request_count_in(handle, name);
}

static const char *
param(void *handle, const char *name)
{
	size_t len = strlen(name);

	for (char *const *at = handle; *at != NULL; at++)
		if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
			return *at + len + 1;
	return NULL;
}

#define VERIFIED "SSL_CLIENT_VERIFY=SUCCESS"
#define ESCAPED "SSL_CLIENT_CERT=" PEM("YWJj")
#define FROM "REMOTE_ADDR=10.0.0.1"
#define HEADER "HTTP_CLIENT_CERT=:YWJj:"
#define SIGNATURE "HTTP_MDM_SIGNATURE=MA=="

static const struct identify_case {
	const char *params[5];
	enum err_kind kind;
	const char *certificate, *signature, *says;
} identify_cases[] = {
	{{VERIFIED, ESCAPED}, ERR_OK, ABC, NULL, NULL},
	{{VERIFIED, ESCAPED, SIGNATURE, HEADER, FROM}, ERR_OK, ABC, NULL, NULL},
	{{VERIFIED, "SSL_CLIENT_CERT=x"}, ERR_FORBIDDEN, "", NULL, "cannot be read"},
	{{VERIFIED, "SSL_CLIENT_CERT="}, ERR_FORBIDDEN, "", NULL, "not acceptable"},
	{{VERIFIED, SIGNATURE}, ERR_FORBIDDEN, "", NULL, "not acceptable"},
	{{ESCAPED}, ERR_FORBIDDEN, "", NULL, "required"},
	{{"SSL_CLIENT_VERIFY=NONE", ESCAPED}, ERR_FORBIDDEN, "", NULL, "required"},
	{{"SSL_CLIENT_VERIFY=success", ESCAPED}, ERR_FORBIDDEN, "", NULL, "not acceptable"},
	{{"SSL_CLIENT_VERIFY=GENEROUS", ESCAPED}, ERR_FORBIDDEN, "", NULL, "not acceptable"},
	{{"SSL_CLIENT_VERIFY=FAILED:expired", ESCAPED}, ERR_FORBIDDEN, "", NULL, "FAILED:expired"},
	{{"SSL_CLIENT_VERIFY=FAILED:x", SIGNATURE}, ERR_FORBIDDEN, "", NULL, "FAILED:x"},
	{{"SSL_CLIENT_VERIFY=FAILED:x", HEADER, FROM}, ERR_FORBIDDEN, "", NULL, "FAILED:x"},
	{{"HTTP_SSL_CLIENT_VERIFY=SUCCESS", "HTTP_SSL_CLIENT_CERT=" PEM("YWJj")}, ERR_FORBIDDEN, "",
		NULL, "required"},
	{{SIGNATURE}, ERR_OK, "", "MA==", NULL},
	{{"SSL_CLIENT_VERIFY=NONE", SIGNATURE}, ERR_OK, "", "MA==", NULL},
	{{"HTTP_MDM_SIGNATURE="}, ERR_FORBIDDEN, "", NULL, "required"},
	{{HEADER}, ERR_FORBIDDEN, "", NULL, "required"},
	{{HEADER, "REMOTE_ADDR=10.0.0.2"}, ERR_FORBIDDEN, "", NULL, "required"},
	{{HEADER, "HTTP_X_FORWARDED_FOR=10.0.0.1"}, ERR_FORBIDDEN, "", NULL, "required"},
	{{HEADER, SIGNATURE, "REMOTE_ADDR=10.0.0.2"}, ERR_OK, "", "MA==", NULL},
	{{"HTTP_CLIENT_CERT=", SIGNATURE, FROM}, ERR_OK, "", "MA==", NULL},
	{{HEADER, HEADER, FROM}, ERR_FORBIDDEN, "", NULL, "several"},
	{{HEADER, FROM}, ERR_FORBIDDEN, "", NULL, "cannot be read"}, /* "abc" is no certificate */
	{{"HTTP_CLIENT_CERT=x", SIGNATURE, FROM}, ERR_FORBIDDEN, "", NULL, "cannot be read"},
	{{NULL}, ERR_FORBIDDEN, "", NULL, "required"},
};

static void
make_ca(struct unit_store *unit)
{
	unit_begin(unit, DB_WRITE);
	if (ca_create(&unit->mdm, "Test CA", NULL, &unit->err) != ERR_OK)
		fail_msg("%s", unit->err.message);
	unit_commit(unit);
}

static void
test_which_proof_decides(void **state)
{
	struct peer_rules rules = {.trust = peer_trust_new()};
	struct unit_store unit;

	(void)state;
	unit_store_open(&unit);
	make_ca(&unit);
	assert_int_equal(read_rules(&rules.header, "Client-Cert", "rfc9440", "10.0.0.1"), ERR_OK);
	for (size_t i = 0; i < COUNT(identify_cases); i++) {
		const struct identify_case *given = &identify_cases[i];
		const char *params[6] = {0};
		const struct gateway gateway = {
			.param = param, .count = count, .handle = (void *)params};
		struct request request = {.gateway = &gateway, .arena = &arena};
		struct peer peer;
		struct err err = {0};

		memcpy(params, given->params, sizeof(given->params));
		if (peer_identify(&rules, &unit.mdm, &request, &peer, &err) != given->kind)
			fail_msg("case %zu: %s", i, err.message);
		assert_string_equal(peer.certificate, given->certificate);
		assert_int_equal(peer.signature == NULL, given->signature == NULL);
		if (given->says != NULL && strstr(err.message, given->says) == NULL)
			fail_msg("case %zu: %s", i, err.message);
	}
	peer_trust_free(rules.trust);
	unit_store_close(&unit);
}

/* Without a CA nobody is believed, and it is no fault of the server. */
static void
test_no_ca(void **state)
{
	struct peer_trust *trust = peer_trust_new();
	const struct x509_trust *cas;
	struct unit_store unit;
	bool allow_sha1;

	(void)state;
	unit_store_open(&unit);
	assert_int_equal(peer_trust_take(trust, &unit.mdm, &cas, &allow_sha1, NULL), ERR_FORBIDDEN);
	make_ca(&unit);
	assert_int_equal(peer_trust_take(trust, &unit.mdm, &cas, &allow_sha1, NULL), ERR_OK);
	assert_non_null(cas);
	assert_true(allow_sha1);
	peer_trust_give(trust);
	peer_trust_free(trust);
	unit_store_close(&unit);
}

/* ---- certificates that were here a short time ago ---- */

/* Texts that differ in one byte, in front of, within and behind what chooses their place. */
static void
test_the_cache_takes_no_text_for_another(void **state)
{
	static const size_t differs_at[] = {0, 150, 250, 299};
	struct peer_cache *cache = peer_cache_new();
	struct peer_cached made = {.der = (const unsigned char *)"abc", .der_len = 3}, found;
	char text[300], other[sizeof(text)];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(made.certificate, ABC, sizeof(ABC));
	assert_false(peer_cache_find(cache, &arena, text, sizeof(text), &found));
	peer_cache_keep(cache, text, sizeof(text), &made);
	assert_true(peer_cache_find(cache, &arena, text, sizeof(text), &found));
	assert_string_equal(found.certificate, ABC);
	assert_int_equal(found.der_len, 3);
	assert_memory_equal(found.der, "abc", 3);
	assert_false(peer_cache_find(cache, &arena, text, sizeof(text) - 1, &found));
	for (size_t i = 0; i < COUNT(differs_at); i++) {
		memcpy(other, text, sizeof(text));
		other[differs_at[i]] = 'b';
		assert_false(peer_cache_find(cache, &arena, other, sizeof(other), &found));
	}
	peer_cache_free(cache);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_forms, reset),
		cmocka_unit_test_setup(test_long_headers_are_refused, reset),
		cmocka_unit_test_setup(test_addresses, reset),
		cmocka_unit_test_setup(test_rules, reset),
		cmocka_unit_test_setup(test_which_proof_decides, reset),
		cmocka_unit_test_setup(test_no_ca, reset),
		cmocka_unit_test_setup(test_the_cache_takes_no_text_for_another, reset),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
