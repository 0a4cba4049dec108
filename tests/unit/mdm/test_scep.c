/*
 * SCEP with CAs of either key and with CAs that come and go; what the messages do is tested with
 * real clients (tests/server/test_scep.py).
 */
#include "mdm/scep.h"

#include "codec/scep_client.h"
#include "mdm/ca.h"
#include "mdm/challenge.h"
#include "mdm/scep_desk.h"
#include "unit.h"
#include "unit_store.h"

static void
must(struct unit_store *unit, enum err_kind kind)
{
	if (kind != ERR_OK)
		fail_msg("%s", unit->err.message);
}

static void
open_with_ca(struct unit_store *unit, enum x509_key_type key)
{
	const char *name;

	unit_store_open(unit);
	unit->mdm.scep_desk = scep_desk_new();
	unit_begin(unit, DB_WRITE);
	must(unit, ca_make(&unit->mdm, &(struct ca_plan){.key = key}, &name, &unit->err));
	unit_commit(unit);
}

static void
close_all(struct unit_store *unit)
{
	scep_desk_free(unit->mdm.scep_desk);
	unit_store_close(unit);
}

static const char *
challenge(struct unit_store *unit)
{
	const char *secret;

	unit_begin(unit, DB_WRITE);
	must(unit, challenge_create(&unit->mdm, &(struct challenge_terms){.for_id = "iPad-1"},
			   &secret, &unit->err));
	unit_commit(unit);
	return secret;
}

/* All that is believed, as a client gets it. */
static const char *
authorities(struct unit_store *unit)
{
	struct scep_authority *authority;
	const char *pem;

	unit_begin(unit, DB_READ);
	must(unit, scep_desk_take(&unit->mdm, &authority, &unit->err));
	pem = arena_strdup(&unit->arena, authority->certs);
	scep_desk_give(&unit->mdm, authority);
	unit_commit(unit);
	return pem;
}

/* Asks, and gives what comes of it. */
static enum err_kind
ask(struct unit_store *unit, struct scep_client_terms terms, enum scep_type type,
	struct x509_identity *identity, enum scep_fail *fail)
{
	struct scep_client *client;
	struct scep_answer answer;
	struct scep_bytes message;
	enum err_kind kind;

	terms.common_name = "anybody";
	must(unit, scep_client_new(&terms, &client, &unit->err));
	must(unit, scep_client_ask(&unit->arena, client, type, &message, &unit->err));
	must(unit,
		scep_answer_message(&unit->mdm, message.bytes, message.len, &answer, &unit->err));
	assert_string_equal(answer.content_type, "application/x-pki-message");
	kind = scep_client_take(
		&unit->arena, client, answer.bytes, answer.len, identity, fail, &unit->err);
	scep_client_free(client);
	return kind;
}

static struct x509_identity
enroll(struct unit_store *unit, const char *ca_pem)
{
	struct scep_client_terms terms = {.ca_pem = ca_pem, .challenge = challenge(unit)};
	struct x509_identity identity;
	struct x509_info info;
	enum scep_fail fail;

	must(unit, ask(unit, terms, SCEP_PKCS_REQ, &identity, &fail));
	must(unit, x509_inspect(&unit->arena, identity.cert_pem, &info, &unit->err));
	assert_string_equal(info.subject, "CN=iPad-1");
	return identity;
}

static bool
offers_next(struct unit_store *unit)
{
	struct scep_answer answer;

	must(unit, scep_answer_caps(&unit->mdm, &answer, &unit->err));
	return strstr(answer.bytes, "GetNextCACert\n") != NULL;
}

static void
test_no_ca(void **state)
{
	struct scep_answer answer;
	struct unit_store unit;

	(void)state;
	unit_store_open(&unit);
	assert_int_equal(scep_answer_certs(&unit.mdm, &answer, &unit.err), ERR_NOT_FOUND);
	assert_int_equal(scep_answer_message(&unit.mdm, "x", 1, &answer, &unit.err), ERR_NOT_FOUND);
	assert_int_equal(scep_answer_next(&unit.mdm, &answer, &unit.err), ERR_NOT_FOUND);
	unit_store_close(&unit);
}

/* An RSA CA does it itself; beside an EC CA there is one that does it. */
static void
test_either_key(void **state)
{
	static const struct {
		enum x509_key_type key;
		const char *content_type;
	} cases[] = {
		{X509_KEY_RSA_2048, "application/x-x509-ca-cert"},
		{X509_KEY_EC_P256, "application/x-x509-ca-ra-cert"},
	};
	struct scep_answer answer;
	struct unit_store unit;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct x509_identity old, renewed;
		enum scep_fail fail;

		open_with_ca(&unit, cases[i].key);
		must(&unit, scep_answer_certs(&unit.mdm, &answer, &unit.err));
		assert_string_equal(answer.content_type, cases[i].content_type);
		assert_false(offers_next(&unit));
		old = enroll(&unit, authorities(&unit));
		must(&unit, ask(&unit,
				    (struct scep_client_terms){
					    .ca_pem = authorities(&unit), .old = &old},
				    SCEP_RENEWAL_REQ, &renewed, &fail));
		close_all(&unit);
	}
}

/* Who still has the old CA's certificate is served; who has its identity renews, until it is
 * retired. */
static void
test_roll_over(void **state)
{
	struct x509_identity old, renewed;
	struct scep_answer answer;
	struct unit_store unit;
	const char *before, *name;
	enum scep_fail fail;

	(void)state;
	open_with_ca(&unit, X509_KEY_RSA_2048);
	before = authorities(&unit);
	old = enroll(&unit, before);
	unit_begin(&unit, DB_WRITE);
	must(&unit,
		ca_make(&unit.mdm, &(struct ca_plan){.key = X509_KEY_EC_P256}, &name, &unit.err));
	unit_commit(&unit);
	assert_true(offers_next(&unit));
	must(&unit, scep_answer_next(&unit.mdm, &answer, &unit.err));
	assert_string_equal(answer.content_type, "application/x-x509-next-ca-cert");
	assert_string_equal(authorities(&unit), before);

	unit_begin(&unit, DB_WRITE);
	must(&unit, ca_activate(&unit.mdm, &name, &unit.err));
	unit_commit(&unit);
	assert_false(offers_next(&unit));
	assert_string_not_equal(authorities(&unit), before);
	enroll(&unit, authorities(&unit));
	enroll(&unit, before);
	must(&unit,
		ask(&unit, (struct scep_client_terms){.ca_pem = authorities(&unit), .old = &old},
			SCEP_RENEWAL_REQ, &renewed, &fail));

	unit_begin(&unit, DB_WRITE);
	must(&unit, ca_retire(&unit.mdm, "device", false, &unit.err));
	unit_commit(&unit);
	assert_int_equal(
		ask(&unit, (struct scep_client_terms){.ca_pem = authorities(&unit), .old = &old},
			SCEP_RENEWAL_REQ, &renewed, &fail),
		ERR_FORBIDDEN);
	assert_int_equal(fail, SCEP_BAD_CERT_ID);
	close_all(&unit);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_ca),
		cmocka_unit_test(test_either_key),
		cmocka_unit_test(test_roll_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
