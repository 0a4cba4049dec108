/*
 * The device CA: made once, sealed under the master key, and it issues.
 */
#include "mdm/ca.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "unit.h"
#include "unit_store.h"

static void
make(struct unit_store *unit)
{
	unit_begin(unit, DB_WRITE);
	if (ca_create(&unit->mdm, "Test CA", "Orchard", &unit->err) != ERR_OK)
		fail_msg("%s", unit->err.message);
	unit_commit(unit);
}

static void
test_none(void **state)
{
	struct x509_issuer *issuer;
	struct unit_store unit;
	const char *pem;

	(void)state;
	unit_store_open(&unit);
	unit_begin(&unit, DB_READ);
	assert_int_equal(ca_certificate(&unit.mdm, &pem, &unit.err), ERR_NOT_FOUND);
	assert_null(pem);
	assert_int_equal(ca_issuer(&unit.mdm, &issuer, &unit.err), ERR_NOT_FOUND);
	assert_null(issuer);
	assert_non_null(strstr(unit.err.message, "pomona init"));
	unit_commit(&unit);
	unit_store_close(&unit);
}

static void
test_make_and_issue(void **state)
{
	struct x509_client client = {.common_name = "iPad 7", .key = X509_KEY_EC_P256, .days = 10};
	struct x509_identity identity;
	struct x509_issuer *issuer;
	struct unit_store unit;
	struct x509_info info;
	const char *pem;

	(void)state;
	unit_store_open(&unit);
	make(&unit);
	unit_begin(&unit, DB_READ);
	assert_int_equal(ca_certificate(&unit.mdm, &pem, &unit.err), ERR_OK);
	assert_int_equal(x509_inspect(&unit.arena, pem, &info, &unit.err), ERR_OK);
	assert_string_equal(info.common_name, "Test CA");
	assert_null(strstr(pem, "PRIVATE"));
	assert_int_equal(ca_issuer(&unit.mdm, &issuer, &unit.err), ERR_OK);
	unit_commit(&unit);
	assert_int_equal(
		x509_issue_client(&unit.arena, issuer, &client, &identity, &unit.err), ERR_OK);
	assert_int_equal(x509_inspect(&unit.arena, identity.cert_pem, &info, &unit.err), ERR_OK);
	assert_string_equal(info.common_name, "iPad 7");
	x509_issuer_free(issuer);
	unit_store_close(&unit);
}

/* The second one is refused, and the first stays. */
static void
test_only_once(void **state)
{
	struct unit_store unit;
	const char *pem, *first;

	(void)state;
	unit_store_open(&unit);
	make(&unit);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(ca_certificate(&unit.mdm, &first, &unit.err), ERR_OK);
	assert_int_equal(ca_create(&unit.mdm, "Other", NULL, &unit.err), ERR_CONFLICT);
	assert_int_equal(ca_certificate(&unit.mdm, &pem, &unit.err), ERR_OK);
	assert_string_equal(pem, first);
	unit_commit(&unit);
	unit_store_close(&unit);
}

/* The key is not in the store in the clear, and opens under its master key alone. */
static void
test_sealed(void **state)
{
	static const unsigned char other[SEAL_KEY_SIZE] = {1};
	struct x509_issuer *issuer;
	struct unit_store unit;

	(void)state;
	unit_store_open(&unit);
	make(&unit);
	assert_int_equal(
		unit_sql_int(&unit, "SELECT instr(key, CAST('PRIVATE' AS BLOB)) FROM authority"),
		0);
	seal_key_set(&unit.key, other);
	unit_begin(&unit, DB_READ);
	assert_int_equal(ca_issuer(&unit.mdm, &issuer, &unit.err), ERR_INTERNAL);
	assert_null(issuer);
	assert_non_null(strstr(unit.err.message, "device CA"));
	unit_commit(&unit);
	unit_store_close(&unit);
}

/* What is issued for a CSR is on record; all that is believed is told. */
static void
test_issue(void **state)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509_REQ *csr = X509_REQ_new();
	struct ca_request request = {.common_name = "iPad 7", .days = 30, .origin = "scep"};
	struct x509_issuer *issuer;
	struct ca_issued issued;
	unsigned char *der = NULL;
	struct unit_store unit;
	const char *pem, *all;
	char sql[200];

	(void)state;
	X509_REQ_set_pubkey(csr, key);
	assert_true(X509_REQ_sign(csr, key, EVP_sha256()) > 0);
	request.csr_len = (size_t)i2d_X509_REQ(csr, &der);
	request.csr = der;
	unit_store_open(&unit);
	make(&unit);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(ca_issuer(&unit.mdm, &issuer, &unit.err), ERR_OK);
	if (ca_issue(&unit.mdm, issuer, &request, &issued, &unit.err) != ERR_OK)
		fail_msg("%s", unit.err.message);
	assert_int_equal(ca_certificate(&unit.mdm, &pem, &unit.err), ERR_OK);
	assert_int_equal(ca_trusted(&unit.mdm, &all, &unit.err), ERR_OK);
	assert_string_equal(all, pem);
	unit_commit(&unit);
	snprintf(sql, sizeof(sql),
		"SELECT origin || common_name || serial FROM issued_identity WHERE sha256 = '%s'",
		issued.sha256);
	assert_string_equal(unit_sql_text(&unit, sql),
		arena_printf(&unit.arena, "scepiPad 7%s", issued.serial));
	OPENSSL_free(der);
	X509_REQ_free(csr);
	EVP_PKEY_free(key);
	x509_issuer_free(issuer);
	unit_store_close(&unit);
}

/* Does SCEP decrypt with this CA, or a registration authority of it? */
static void
expect_scep(struct unit_store *unit, const char *common_name)
{
	struct x509_identity identity;
	struct x509_info info;

	assert_int_equal(ca_scep_identity(&unit->mdm, &identity, &unit->err), ERR_OK);
	assert_int_equal(x509_inspect(&unit->arena, identity.cert_pem, &info, &unit->err), ERR_OK);
	assert_string_equal(info.common_name, common_name);
	assert_non_null(strstr(identity.key_pem, "PRIVATE KEY"));
}

/* Both are believed in between; what a retired one has issued is good for nothing. */
static void
test_roll_over(void **state)
{
	const struct ca_plan plan = {.key = X509_KEY_EC_P256};
	const char *first, *next, *all, *name;
	struct x509_info info;
	struct unit_store unit;

	(void)state;
	unit_store_open(&unit);
	make(&unit);
	unit_begin(&unit, DB_WRITE);
	expect_scep(&unit, "Test CA");
	assert_int_equal(ca_certificate(&unit.mdm, &first, &unit.err), ERR_OK);
	assert_int_equal(ca_next_certificate(&unit.mdm, &next, &unit.err), ERR_NOT_FOUND);
	assert_int_equal(ca_activate(&unit.mdm, &name, &unit.err), ERR_NOT_FOUND);
	assert_int_equal(ca_make(&unit.mdm, &plan, &name, &unit.err), ERR_OK);
	assert_string_equal(name, "device-2");
	assert_int_equal(ca_make(&unit.mdm, &plan, &name, &unit.err), ERR_CONFLICT);
	assert_int_equal(ca_next_certificate(&unit.mdm, &next, &unit.err), ERR_OK);
	expect_scep(&unit, "Test CA");
	assert_int_equal(ca_activate_at(&unit.mdm, clock_now() + 60000, &name, &unit.err), ERR_OK);
	assert_int_equal(ca_activate_when_due(&unit.mdm, &name, &unit.err), ERR_OK);
	assert_null(name);
	clock_fake(clock_now() + 60000);
	assert_int_equal(ca_activate_when_due(&unit.mdm, &name, &unit.err), ERR_OK);
	clock_fake(-1);
	assert_string_equal(name, "device-2");
	expect_scep(&unit, "Pomona SCEP");
	assert_int_equal(ca_trusted(&unit.mdm, &all, &unit.err), ERR_OK);
	assert_string_equal(all, arena_printf(&unit.arena, "%s%s", first, next));
	assert_int_equal(ca_retire(&unit.mdm, "device-2", false, &unit.err), ERR_CONFLICT);
	assert_int_equal(ca_retire(&unit.mdm, "device-2-ra", false, &unit.err), ERR_CONFLICT);
	assert_int_equal(ca_retire(&unit.mdm, "device-9", false, &unit.err), ERR_NOT_FOUND);
	assert_int_equal(x509_inspect(&unit.arena, first, &info, &unit.err), ERR_OK);
	unit_commit(&unit);
	unit_sql(&unit,
		arena_printf(&unit.arena,
			"INSERT INTO issued_identity (sha256, serial, authority, subject, "
			"not_before, not_after, issued_at, origin) VALUES ('A', '01', '%s', "
			"'a', 1, 9000000000000, 1, 'scep');"
			"INSERT INTO enrollment (no, id, kind, state, certificate) VALUES (1, "
			"'D', 'device', 'enrolled', 'A')",
			info.sha256));
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(ca_retire(&unit.mdm, "device", false, &unit.err), ERR_CONFLICT);
	assert_int_equal(ca_retire(&unit.mdm, "device", true, &unit.err), ERR_OK);
	assert_int_equal(ca_trusted(&unit.mdm, &all, &unit.err), ERR_OK);
	assert_string_equal(all, next);
	unit_commit(&unit);
	assert_string_equal(unit_sql_text(&unit, "SELECT state FROM identity"), "revoked");
	assert_int_equal(
		unit_sql_int(&unit, "SELECT count(*) FROM enrollment WHERE certificate IS NULL"),
		1);
	unit_store_close(&unit);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_make_and_issue),
		cmocka_unit_test(test_only_once),
		cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_issue),
		cmocka_unit_test(test_roll_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
