/*
 * UserAuthenticate: challenges, digests, tokens, and how often one may be wrong.
 */
#include "mdm/login.h"

#include "base/clock.h"
#include "codec/digest.h"
#include "mdm/user.h"
#include "unit.h"
#include "unit_device.h"

static struct unit_store unit;

static const int64_t T0 = 1800000000000;

static void
set(const char *name, const char *value)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "INSERT INTO setting (name, value) VALUES ('%s', '%s')", name,
		value);
	unit_sql(&unit, sql);
}

static void
add_user(const char *name, const char *password)
{
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(user_add(&unit.mdm, name, password, &unit.err), ERR_OK);
	unit_commit(&unit);
}

static int
setup(void **state)
{
	(void)state;
	clock_fake(T0);
	unit_store_open(&unit);
	unit_device_topic(&unit);
	unit_enroll(&unit, "A", "");
	add_user("ann", "apple");
	set("user_authenticate", "digest");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	clock_fake(-1);
	unit_store_close(&unit);
	return 0;
}

/* ---- a Mac ---- */

/* The nonce of a new challenge; NULL: none came. */
static const char *
challenge(const char *id)
{
	struct plist *reply;
	const char *text;
	char *nonce;

	if (unit_say(&unit, "UserAuthenticate", id, "", &reply) != ERR_OK)
		return NULL;
	text = plist_get_string(reply, "DigestChallenge");
	assert_non_null(text);
	assert_int_equal(strncmp(text, "Digest nonce=\"", 14), 0);
	nonce = arena_strdup(&unit.arena, text + 14);
	assert_non_null(strstr(nonce, "\",realm=\"Pomona\""));
	*strchr(nonce, '"') = '\0';
	return nonce;
}

/* A response as a Mac makes it, the secret in its place. */
static const char *
respond(const char *nonce, const char *name, const char *password, const char *realm)
{
	char secret[DIGEST_SIZE], ha2[DIGEST_SIZE], response[DIGEST_SIZE];

	/* MD5("a:b:c") is what digest_secret() gives. */
	assert_int_equal(
		digest_secret(&unit.arena, name, realm, password, secret, &unit.err), ERR_OK);
	memcpy(ha2, "71998c64aea37ae77020c49c00f73fa8", DIGEST_SIZE); /* MD5("GET:/") */
	assert_int_equal(
		digest_secret(&unit.arena, secret, nonce, ha2, response, &unit.err), ERR_OK);
	return arena_printf(&unit.arena,
		"<key>DigestResponse</key><string>Digest username=\"%s\",realm=\"%s\",nonce=\"%s\","
		"uri=\"/\",response=\"%s\"</string>",
		name, realm, nonce, response);
}

/* The AuthToken; "" when it was refused. */
static const char *
answer(const char *id, const char *response)
{
	struct plist *reply;
	const char *token;

	assert_int_equal(unit_say(&unit, "UserAuthenticate", id, response, &reply), ERR_OK);
	token = plist_get_string(reply, "AuthToken");
	assert_non_null(token);
	return token;
}

static const char *
log_in(const char *id, const char *name, const char *password)
{
	const char *nonce = challenge(id);

	assert_non_null(nonce);
	return answer(id, respond(nonce, name, password, "Pomona"));
}

static const char *
reason(void)
{
	return unit_sql_text(&unit, "SELECT json_extract(detail, '$.reason') FROM event WHERE kind "
				    "= 'user_authenticate' ORDER BY id DESC LIMIT 1");
}

static const char *
with_token(const char *token)
{
	return arena_printf(&unit.arena, "<key>AuthToken</key><string>%s</string>", token);
}

/* ---- the ways ---- */

static void
test_decline(void **state)
{
	(void)state;
	set("user_authenticate", "decline");
	assert_int_equal(unit_say(&unit, "UserAuthenticate", "A:U", "", NULL), ERR_GONE);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM device"), 1);
}

static void
test_accept(void **state)
{
	struct plist *reply;

	(void)state;
	set("user_authenticate", "accept");
	assert_int_equal(unit_say(&unit, "UserAuthenticate", "A:U", "", &reply), ERR_OK);
	assert_string_equal(plist_get_string(reply, "DigestChallenge"), "");
	assert_int_equal(unit_say(&unit, "UserAuthenticate", "A:U",
				 "<key>DigestResponse</key><string>x</string>", &reply),
		ERR_OK);
	assert_null(reply);
	assert_int_equal(unit_say(&unit, "TokenUpdate", "A:U", "", NULL), ERR_OK);
}

static void
test_who_may_ask(void **state)
{
	static const struct {
		const char *ids;
		enum err_kind kind;
	} cases[] = {
		{"<key>UDID</key><string>A</string>", ERR_BAD_INPUT},
		{"<key>UDID</key><string>B</string><key>UserID</key><string>U</string>",
			ERR_FORBIDDEN},
		{"<key>UDID</key><string>A</string><key>UserID</key>"
		 "<string>FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF</string><key>UserShortName</key>"
		 "<string>ann</string>",
			ERR_GONE},
		{"<key>UDID</key><string>A</string><key>UserID</key><string>U</string>"
		 "<key>DigestResponse</key><integer>1</integer>",
			ERR_BAD_INPUT},
		{"<key>UDID</key><string>A</string><key>UserID</key><string>U</string>"
		 "<key>DigestResponse</key><string>Basic x</string>",
			ERR_BAD_INPUT},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(
			unit_check_in(&unit,
				arena_printf(&unit.arena,
					"<key>MessageType</key><string>UserAuthenticate</string>%s",
					cases[i].ids),
				UNIT_CERTIFICATE, NULL),
			cases[i].kind);
	assert_int_equal(unit_say(&unit, "CheckOut", "A", "", NULL), ERR_OK);
	assert_int_equal(unit_say(&unit, "UserAuthenticate", "A:U", "", NULL), ERR_FORBIDDEN);
}

/* ---- digest ---- */

static void
test_a_session(void **state)
{
	const char *token, *next;

	(void)state;
	token = log_in("A:U", "ann", "apple");
	assert_int_equal(strlen(token), 32);
	assert_string_equal(unit_sql_text(&unit, "SELECT state FROM device WHERE id = 'A:U'"),
		"authenticating");
	/* Every message of the user's has to hold it. */
	assert_int_equal(unit_say(&unit, "TokenUpdate", "A:U", "", NULL), ERR_FORBIDDEN);
	assert_int_equal(
		unit_say(&unit, "TokenUpdate", "A:U", with_token("wrong"), NULL), ERR_FORBIDDEN);
	assert_int_equal(unit_say(&unit, "TokenUpdate", "A:U", with_token(token), NULL), ERR_OK);
	assert_string_equal(unit_report(&unit, "A:U", "Idle", NULL, "", NULL), "!");
	assert_int_equal(unit.err.kind, ERR_FORBIDDEN);
	assert_int_equal(unit_say(&unit, "CheckOut", "A:U", "", NULL), ERR_FORBIDDEN);
	/* The device and its other users do without. */
	assert_string_equal(unit_report(&unit, "A", "Idle", NULL, "", NULL), "");
	assert_int_equal(unit_say(&unit, "TokenUpdate", "A:V", "", NULL), ERR_OK);
	/* It is good until the next login begins. */
	next = challenge("A:U");
	assert_int_equal(
		unit_say(&unit, "TokenUpdate", "A:U", with_token(token), NULL), ERR_FORBIDDEN);
	token = answer("A:U", respond(next, "ann", "apple", "Pomona"));
	assert_int_equal(unit_say(&unit, "TokenUpdate", "A:U", with_token(token), NULL), ERR_OK);
	assert_int_equal(unit_say(&unit, "CheckOut", "A:U", with_token(token), NULL), ERR_OK);
	/* The store does not know it, nor the password. */
	assert_int_equal(
		unit_sql_int(&unit, "SELECT count(*) FROM enrollment WHERE auth_token = ''"), 0);
	assert_int_equal(unit_sql_int(&unit, "SELECT instr(ha1, CAST('apple' AS BLOB)) FROM "
					     "login_user"),
		0);
}

static void
test_refused(void **state)
{
	const char *nonce, *other;

	(void)state;
	assert_string_equal(log_in("A:U", "ann", "pear"), "");
	assert_string_equal(reason(), "the password is wrong");
	assert_int_equal(unit_say(&unit, "TokenUpdate", "A:U", "", NULL), ERR_FORBIDDEN);
	assert_string_equal(log_in("A:U", "bob", "apple"), "");
	assert_string_equal(reason(), "there is no such user");
	nonce = challenge("A:U");
	assert_string_equal(answer("A:U", respond(nonce, "ann", "apple", "Pear")), "");
	assert_string_equal(reason(), "the password was set for another realm");
	/* Once, for this user of this device, and not for long. */
	assert_string_equal(answer("A:U", respond(nonce, "ann", "apple", "Pomona")), "");
	assert_string_equal(reason(), "there is no challenge that is not answered");
	nonce = challenge("A:U");
	other = challenge("A:V");
	assert_string_equal(answer("A:V", respond(nonce, "ann", "apple", "Pomona")), "");
	assert_string_equal(reason(), "the answer is to another challenge");
	assert_string_equal(answer("A:V", respond(other, "ann", "apple", "Pomona")), "");
	nonce = challenge("A:U");
	clock_fake(T0 + LOGIN_CHALLENGE_S * (int64_t)1000);
	assert_string_equal(answer("A:U", respond(nonce, "ann", "apple", "Pomona")), "");
	assert_string_equal(reason(), "the challenge has expired");
	nonce = challenge("A:U");
	assert_string_equal(answer("A:U", arena_printf(&unit.arena,
						  "%s<key>UserShortName</key><string>bob</string>",
						  respond(nonce, "ann", "apple", "Pomona"))),
		"");
	assert_string_equal(reason(), "the answer is another user's");
	assert_string_not_equal(log_in("A:U", "ann", "apple"), "");
}

/* A response that was taken is good for nothing any more. */
static void
test_a_response_does_not_come_twice(void **state)
{
	const char *response = respond(challenge("A:U"), "ann", "apple", "Pomona");

	(void)state;
	assert_string_not_equal(answer("A:U", response), "");
	assert_string_equal(answer("A:U", response), "");
}

static void
test_too_many_of_one_name(void **state)
{
	(void)state;
	for (int i = 0; i < LOGIN_NAME_MOST; i++)
		assert_string_equal(log_in("A:U", "ann", "pear"), "");
	assert_string_equal(log_in("A:U", "ann", "apple"), "");
	assert_string_equal(reason(), "too many wrong passwords");
	/* It is the name's, whichever device it comes from. */
	assert_string_equal(log_in("A:V", "ann", "apple"), "");
	clock_fake(T0 + LOGIN_LOCKED_S * (int64_t)1000);
	assert_string_not_equal(log_in("A:U", "ann", "apple"), "");
	/* A good one begins the count anew. */
	for (int i = 0; i < LOGIN_NAME_MOST - 1; i++)
		assert_string_equal(log_in("A:U", "ann", "pear"), "");
	assert_string_not_equal(log_in("A:U", "ann", "apple"), "");
	assert_string_equal(log_in("A:U", "ann", "pear"), "");
	assert_string_not_equal(log_in("A:U", "ann", "apple"), "");
}

static void
test_too_many_of_one_device(void **state)
{
	char name[16];

	(void)state;
	for (int i = 0; i < LOGIN_DEVICE_MOST; i++) {
		snprintf(name, sizeof(name), "nobody%d", i);
		assert_string_equal(log_in("A:U", name, "x"), "");
	}
	assert_null(challenge("A:V"));
	assert_int_equal(unit.err.kind, ERR_GONE);
	/* Names that nobody has leave nothing behind. */
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM login_failure"), 1);
	clock_fake(T0 + LOGIN_LOCKED_S * (int64_t)1000);
	assert_string_not_equal(log_in("A:V", "ann", "apple"), "");
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM login_failure"), 0);
}

static void
test_too_many_challenges(void **state)
{
	char id[16];

	(void)state;
	for (int i = 0; i < LOGIN_CHALLENGES_MOST; i++) {
		snprintf(id, sizeof(id), "A:U%d", i);
		assert_non_null(challenge(id));
	}
	assert_null(challenge("A:V"));
	assert_int_equal(unit.err.kind, ERR_GONE);
	clock_fake(T0 + LOGIN_CHALLENGE_S * (int64_t)1000);
	assert_non_null(challenge("A:V"));
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM login_challenge"), 1);
}

/* What a user had to show is over with the enrollment, and with the setting. */
static void
test_when_no_token_is_wanted_any_more(void **state)
{
	(void)state;
	log_in("A:U", "ann", "apple");
	unit_enroll(&unit, "A", "");
	assert_int_equal(unit_say(&unit, "TokenUpdate", "A:U", "", NULL), ERR_OK);
	log_in("A:U", "ann", "apple");
	assert_int_equal(unit_say(&unit, "TokenUpdate", "A:U", "", NULL), ERR_FORBIDDEN);
	set("user_authenticate", "accept");
	assert_int_equal(unit_say(&unit, "UserAuthenticate", "A:U", "", NULL), ERR_OK);
	assert_int_equal(unit_say(&unit, "TokenUpdate", "A:U", "", NULL), ERR_OK);
	unit_sql(&unit, "UPDATE device SET state = 'blocked' WHERE id = 'A:U'");
	assert_int_equal(unit_say(&unit, "UserAuthenticate", "A:U", "", NULL), ERR_FORBIDDEN);
	assert_int_equal(unit_say(&unit, "TokenUpdate", "A:U", "", NULL), ERR_FORBIDDEN);
}

/* ---- the table of users ---- */

static void
test_users(void **state)
{
	static const struct {
		const char *name, *password;
		enum err_kind kind;
	} cases[] = {
		{"bea", "x", ERR_OK},
		{"Zo\xc3\xab", "p\xc3\xa4ss: w\"rd", ERR_OK},
		{"bea", "y", ERR_CONFLICT},
		{"", "x", ERR_BAD_INPUT},
		{"a:b", "x", ERR_BAD_INPUT},
		{"a\nb", "x", ERR_BAD_INPUT},
		{"\xff", "x", ERR_BAD_INPUT},
		{"carl", "", ERR_BAD_INPUT},
		{"carl", "\t", ERR_BAD_INPUT},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		unit_begin(&unit, DB_WRITE);
		assert_int_equal(user_add(&unit.mdm, cases[i].name, cases[i].password, &unit.err),
			cases[i].kind);
		unit_commit(&unit);
	}
	assert_string_not_equal(log_in("A:U", "Zo\xc3\xab", "p\xc3\xa4ss: w\"rd"), "");
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(user_set_password(&unit.mdm, "ann", "plum", &unit.err), ERR_OK);
	assert_int_equal(user_set_password(&unit.mdm, "dan", "plum", &unit.err), ERR_NOT_FOUND);
	assert_int_equal(user_remove(&unit.mdm, "bea", &unit.err), ERR_OK);
	assert_int_equal(user_remove(&unit.mdm, "bea", &unit.err), ERR_NOT_FOUND);
	unit_commit(&unit);
	assert_string_equal(log_in("A:U", "ann", "apple"), "");
	assert_string_not_equal(log_in("A:U", "ann", "plum"), "");
	assert_string_equal(log_in("A:U", "bea", "x"), "");
}

#define LOGIN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOGIN_TEST(test_decline),
		LOGIN_TEST(test_accept),
		LOGIN_TEST(test_who_may_ask),
		LOGIN_TEST(test_a_session),
		LOGIN_TEST(test_refused),
		LOGIN_TEST(test_a_response_does_not_come_twice),
		LOGIN_TEST(test_too_many_of_one_name),
		LOGIN_TEST(test_too_many_of_one_device),
		LOGIN_TEST(test_too_many_challenges),
		LOGIN_TEST(test_when_no_token_is_wanted_any_more),
		LOGIN_TEST(test_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
