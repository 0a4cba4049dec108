/*
 * Enrollment profiles and the links to them.
 */
#include "mdm/profile.h"

#include "unit.h"
#include "unit_store.h"

#include "base/clock.h"
#include "base/conf.h"
#include "mdm/ca.h"
#include "mdm/challenge.h"
#include "mdm/enroll_link.h"
#include "mdm/setting.h"

static const char topic[] = "com.apple.mgmt.External.a";

static void
set(struct unit_store *unit, const char *name, const char *value)
{
	unit_begin(unit, DB_WRITE);
	if (setting_set(&unit->mdm, name, value, &unit->err) != ERR_OK)
		fail_msg("%s", unit->err.message);
	unit_commit(unit);
}

/* A store with a CA, server_url and a topic. */
static void
open_ready(struct unit_store *unit)
{
	unit_store_open(unit);
	set(unit, "server_url", "https://mdm.example.com");
	set(unit, "enroll_topic", topic);
	unit_begin(unit, DB_WRITE);
	assert_int_equal(ca_create(&unit->mdm, "Test CA", "Orchard", &unit->err), ERR_OK);
	unit_commit(unit);
}

/* The enrollment profile, read back; NULL with the error set. */
static const struct plist *
make(struct unit_store *unit, const struct profile_terms *terms)
{
	struct plist *plist = NULL;
	struct buf out;
	enum err_kind kind;

	buf_init(&out, &unit->arena, PROFILE_MOST);
	unit_begin(unit, DB_WRITE);
	kind = profile_enrollment(&unit->mdm, terms, &out, &unit->err);
	if (kind != ERR_OK) {
		db_rollback(unit->mdm.db);
		return NULL;
	}
	unit_commit(unit);
	assert_int_equal(plist_read_xml(unit->mdm.reader, &unit->arena, out.bytes, out.len, &plist,
				 &unit->err),
		ERR_OK);
	return plist;
}

/* Its one payload of the type. */
static const struct plist *
payload(const struct plist *profile, const char *type)
{
	const struct plist *content = plist_get_typed(profile, "PayloadContent", PLIST_ARRAY);
	const struct plist *found = NULL;

	assert_non_null(content);
	for (const struct plist *item = content->as.items.first; item != NULL; item = item->next)
		if (strcmp(plist_get_string(item, "PayloadType"), type) == 0) {
			assert_null(found);
			found = item;
		}
	if (found == NULL)
		fail_msg("there is no %s", type);
	return found;
}

static void
test_what_is_missing(void **state)
{
	const struct profile_terms terms = {0};
	struct unit_store unit;

	(void)state;
	unit_store_open(&unit);
	assert_null(make(&unit, &terms));
	assert_int_equal(unit.err.kind, ERR_CONFLICT);
	assert_non_null(strstr(unit.err.message, "server_url"));
	set(&unit, "server_url", "https://mdm.example.com");
	assert_null(make(&unit, &terms)); /* no CA */
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(ca_create(&unit.mdm, "Test CA", NULL, &unit.err), ERR_OK);
	unit_commit(&unit);
	assert_null(make(&unit, &terms));
	assert_int_equal(unit.err.kind, ERR_CONFLICT);
	assert_non_null(strstr(unit.err.message, "push certificate"));
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM scep_challenge"), 0);
	set(&unit, "enroll_topic", topic);
	assert_non_null(make(&unit, &terms));
	unit_store_close(&unit);
}

static void
test_identifiers(void **state)
{
	static const struct {
		const char *url, *identifier;
	} cases[] = {
		{"https://mdm.example.com", "com.example.mdm.enroll"},
		{"https://mdm.example.com:8443/pomona", "com.example.mdm.enroll"},
		{"https://localhost", "localhost.enroll"},
		{"https://10.0.0.1:8443", "1.0.0.10.enroll"},
		{"https://[2001:db8::1]:8443", "2001:db8::1.enroll"},
	};
	struct unit_store unit;

	(void)state;
	open_ready(&unit);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct plist *profile;

		set(&unit, "server_url", cases[i].url);
		profile = make(&unit, &(struct profile_terms){0});
		assert_string_equal(
			plist_get_string(profile, "PayloadIdentifier"), cases[i].identifier);
		assert_string_equal(
			plist_get_string(payload(profile, "com.apple.mdm"), "CheckInURL"),
			arena_printf(&unit.arena, "%s/checkin", cases[i].url));
	}
	unit_store_close(&unit);
}

/* The challenge in it opens SCEP, once, for whom it was made. */
static void
test_challenge(void **state)
{
	const struct profile_terms terms = {.for_id = "X1"};
	struct challenge_grant grant;
	const struct plist *scep;
	struct unit_store unit;

	(void)state;
	open_ready(&unit);
	scep = plist_get(payload(make(&unit, &terms), "com.apple.security.scep"), "PayloadContent");
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(
		challenge_take(&unit.mdm, plist_get_string(scep, "Challenge"), &grant, &unit.err),
		ERR_OK);
	assert_string_equal(grant.for_id, "X1");
	assert_int_equal(
		challenge_take(&unit.mdm, plist_get_string(scep, "Challenge"), &grant, &unit.err),
		ERR_FORBIDDEN);
	unit_commit(&unit);
	unit_store_close(&unit);
}

static void
test_p12(void **state)
{
	const struct profile_terms terms = {
		.p12 = "p12 bytes", .p12_len = 9, .p12_password = "secret"};
	const struct plist *profile, *p12, *content;
	struct unit_store unit;

	(void)state;
	open_ready(&unit);
	profile = make(&unit, &terms);
	p12 = payload(profile, "com.apple.security.pkcs12");
	content = plist_get_typed(p12, "PayloadContent", PLIST_DATA);
	assert_memory_equal(content->as.string.bytes, "p12 bytes", 9);
	assert_string_equal(plist_get_string(p12, "Password"), "secret");
	assert_string_equal(
		plist_get_string(payload(profile, "com.apple.mdm"), "IdentityCertificateUUID"),
		plist_get_string(p12, "PayloadUUID"));
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM scep_challenge"), 0);
	unit_store_close(&unit);
}

static void
test_files(void **state)
{
	static const struct {
		struct conf conf;
		const char *says;
	} cases[] = {
		{{.enroll_trust = "/nowhere/trust.pem"}, "/nowhere/trust.pem"},
		{{.enroll_trust = "/dev/null"}, "/dev/null: "},
	};
	struct unit_store unit;

	(void)state;
	open_ready(&unit);
	for (size_t i = 0; i < COUNT(cases); i++) {
		unit.mdm.conf = &cases[i].conf;
		assert_null(make(&unit, &(struct profile_terms){0}));
		assert_int_equal(unit.err.kind, ERR_CONFLICT);
		assert_non_null(strstr(unit.err.message, cases[i].says));
	}
	unit_store_close(&unit);
}

/* ---- links ---- */

static const char *
create(struct unit_store *unit, const struct enroll_link_terms *terms, int64_t *no)
{
	const char *secret;

	unit_begin(unit, DB_WRITE);
	if (enroll_link_create(&unit->mdm, terms, &secret, no, &unit->err) != ERR_OK)
		fail_msg("%s", unit->err.message);
	unit_commit(unit);
	return secret;
}

static enum err_kind
use(struct unit_store *unit, const char *secret)
{
	struct enroll_link link;
	enum err_kind kind;

	unit_begin(unit, DB_WRITE);
	kind = enroll_link_use(&unit->mdm, secret, &link, &unit->err);
	unit_commit(unit);
	return kind;
}

static void
test_terms(void **state)
{
	static const struct {
		struct enroll_link_terms terms;
		enum err_kind kind;
	} cases[] = {
		{{0}, ERR_OK},
		{{.uses = ENROLL_LINK_USES_MOST}, ERR_OK},
		{{.uses = ENROLL_LINK_USES_MOST + 1}, ERR_BAD_INPUT},
		{{.uses = -1}, ERR_BAD_INPUT},
		{{.for_id = ""}, ERR_BAD_INPUT},
		{{.for_id = "\xff"}, ERR_BAD_INPUT},
		{{.lifetime_ms = -1}, ERR_BAD_INPUT},
		{{.lifetime_ms = INT64_MAX}, ERR_BAD_INPUT},
	};
	struct unit_store unit;

	(void)state;
	unit_store_open(&unit);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *secret;
		int64_t no;

		unit_begin(&unit, DB_WRITE);
		assert_int_equal(
			enroll_link_create(&unit.mdm, &cases[i].terms, &secret, &no, &unit.err),
			cases[i].kind);
		unit_commit(&unit);
		assert_int_equal(secret != NULL, cases[i].kind == ERR_OK);
	}
	unit_store_close(&unit);
}

static void
test_uses_and_time(void **state)
{
	int64_t now = clock_now(), no;
	struct unit_store unit;
	const char *secret;

	(void)state;
	unit_store_open(&unit);
	clock_fake(now);
	secret = create(&unit, &(struct enroll_link_terms){.uses = 3, .lifetime_ms = 1000}, &no);
	assert_int_equal(use(&unit, secret), ERR_OK);
	clock_fake(now + 999);
	assert_int_equal(use(&unit, secret), ERR_OK);
	clock_fake(now + 1000);
	assert_int_equal(use(&unit, secret), ERR_GONE);
	assert_non_null(strstr(unit.err.message, "expired"));
	clock_fake(now + 999);
	assert_int_equal(use(&unit, secret), ERR_OK);
	assert_int_equal(use(&unit, secret), ERR_GONE);
	assert_non_null(strstr(unit.err.message, "used"));
	assert_int_equal(use(&unit, "0"), ERR_NOT_FOUND);
	/* A new one sweeps out those that expired long ago. */
	clock_fake(now + (int64_t)40 * 24 * 3600 * 1000);
	create(&unit, &(struct enroll_link_terms){0}, &no);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM enroll_link"), 1);
	clock_fake(-1);
	unit_store_close(&unit);
}

/* What is rolled back uses nothing up. */
static void
test_rolled_back(void **state)
{
	struct enroll_link link;
	struct unit_store unit;
	const char *secret;
	int64_t no;

	(void)state;
	unit_store_open(&unit);
	secret = create(&unit, &(struct enroll_link_terms){0}, &no);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(enroll_link_use(&unit.mdm, secret, &link, &unit.err), ERR_OK);
	db_rollback(unit.mdm.db);
	assert_int_equal(use(&unit, secret), ERR_OK);
	assert_int_equal(use(&unit, secret), ERR_GONE);
	unit_store_close(&unit);
}

static void
test_kept(void **state)
{
	int64_t now = clock_now(), no;
	struct enroll_link link = {0};
	unsigned char *profile;
	struct unit_store unit;
	const char *secret;
	size_t len;

	(void)state;
	unit_store_open(&unit);
	clock_fake(now);
	secret = create(&unit, &(struct enroll_link_terms){0}, &no);
	link.no = no;
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(enroll_link_keep(&unit.mdm, &link, secret, "192.0.2.1", "the profile", 11,
				 &unit.err),
		ERR_OK);
	assert_int_equal(
		enroll_link_kept(&unit.mdm, secret, "192.0.2.1", &profile, &len, &unit.err),
		ERR_OK);
	assert_int_equal(len, 11);
	assert_memory_equal(profile, "the profile", 12);
	assert_int_equal(
		enroll_link_kept(&unit.mdm, secret, "192.0.2.2", &profile, &len, &unit.err),
		ERR_NOT_FOUND);
	assert_null(profile);
	assert_int_equal(
		enroll_link_kept(&unit.mdm, "other", "192.0.2.1", &profile, &len, &unit.err),
		ERR_NOT_FOUND);
	unit_commit(&unit);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM enroll_download "
					     "WHERE instr(profile, CAST('profile' AS BLOB)) > 0"),
		0);
	clock_fake(now + ENROLL_REPEAT_S * (int64_t)1000);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(
		enroll_link_kept(&unit.mdm, secret, "192.0.2.1", &profile, &len, &unit.err),
		ERR_NOT_FOUND);
	assert_int_equal(
		enroll_link_keep(&unit.mdm, &link, secret, "192.0.2.3", "x", 1, &unit.err), ERR_OK);
	unit_commit(&unit);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM enroll_download"), 1);
	clock_fake(-1);
	unit_store_close(&unit);
}

static void
test_revoked(void **state)
{
	struct unit_store unit;
	const char *secret;
	int64_t no;

	(void)state;
	unit_store_open(&unit);
	secret = create(&unit, &(struct enroll_link_terms){.uses = 9}, &no);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(enroll_link_revoke(&unit.mdm, no, &unit.err), ERR_OK);
	assert_int_equal(enroll_link_revoke(&unit.mdm, no, &unit.err), ERR_OK);
	assert_int_equal(enroll_link_revoke(&unit.mdm, no + 1, &unit.err), ERR_NOT_FOUND);
	unit_commit(&unit);
	assert_int_equal(use(&unit, secret), ERR_GONE);
	assert_non_null(strstr(unit.err.message, "taken back"));
	unit_store_close(&unit);
}

/* A link is no challenge of the profile service, and the other way round. */
static void
test_over_the_air(void **state)
{
	struct unit_store unit;
	const char *link, *challenge;
	int64_t no;

	(void)state;
	unit_store_open(&unit);
	link = create(&unit, &(struct enroll_link_terms){0}, &no);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(enroll_ota_create(&unit.mdm, NULL, &challenge, &unit.err), ERR_OK);
	assert_int_equal(enroll_ota_take(&unit.mdm, link, "A", &unit.err), ERR_FORBIDDEN);
	assert_int_equal(enroll_ota_take(&unit.mdm, challenge, "A", &unit.err), ERR_OK);
	assert_int_equal(enroll_ota_take(&unit.mdm, challenge, "A", &unit.err), ERR_OK);
	assert_int_equal(enroll_ota_take(&unit.mdm, challenge, "B", &unit.err), ERR_FORBIDDEN);
	unit_commit(&unit);
	assert_int_equal(use(&unit, challenge), ERR_NOT_FOUND);
	unit_store_close(&unit);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_missing),
		cmocka_unit_test(test_identifiers),
		cmocka_unit_test(test_challenge),
		cmocka_unit_test(test_p12),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_uses_and_time),
		cmocka_unit_test(test_rolled_back),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_over_the_air),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
