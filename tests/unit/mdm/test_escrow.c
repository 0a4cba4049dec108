/*
 * From an answer to a sealed secret, and to the person who needs it; and what is to be read of it
 * in the store meanwhile: nothing.
 */
#include "mdm/escrow.h"

#include "unit.h"
#include "unit_store.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "codec/text.h"
#include "mdm/connect.h"
#include "mdm/queue.h"
#include "mdm/reseal.h"
#include "mdm/secret.h"

static struct unit_store unit;
static const char *const CERT = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static int
setup(void **state)
{
	(void)state;
	unit_store_open(&unit);
	clock_fake(5000);
	unit_sql(&unit,
		arena_printf(&unit.arena,
			"INSERT INTO enrollment (no, id, kind, state, udid, certificate, "
			"enrolled_at) VALUES (1, 'A', 'device', 'enrolled', 'A', '%s', 1000)",
			CERT));
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

/* ---- a device ---- */

/* Queues a command with arguments in JSON (or, with RAW, as a plist). */
static const char *
queue(const char *request, const char *args, bool raw)
{
	struct queue_command command = {.request = request, .origin = "cli"};
	struct queue_payload payload;
	struct plist *keys = NULL, *whole;
	struct buf xml;

	if (args != NULL)
		assert_int_equal(plist_read_json(plist_limits_default(), &unit.arena, args,
					 strlen(args), &keys, &unit.err),
			ERR_OK);
	if (raw) {
		whole = plist_dict(&unit.arena);
		plist_set(&unit.arena, keys, "RequestType", plist_string(&unit.arena, request));
		plist_set(&unit.arena, whole, "Command", keys);
		buf_init(&xml, &unit.arena, 100000);
		plist_write_xml(&xml, whole, false);
		command.body = xml.bytes;
		command.body_len = xml.len;
	} else {
		command.args = keys;
	}
	unit_begin(&unit, DB_WRITE);
	if (queue_payload_add(&unit.mdm, &command, &payload, &unit.err) != ERR_OK ||
		queue_deliver(&unit.mdm, &command, &payload, "A", &unit.err) != ERR_OK)
		fail_msg("%s", unit.err.message);
	unit_commit(&unit);
	return arena_strdup(&unit.arena, payload.uuid);
}

/* Sends a report; gives the command that comes back, or NULL. */
static const struct plist *
report(const char *status, const char *uuid, const char *more)
{
	char *xml = arena_printf(&unit.arena,
		"<plist version=\"1.0\"><dict><key>UDID</key><string>A</string><key>Status</key>"
		"<string>%s</string>%s%s%s%s</dict></plist>",
		status, uuid == NULL ? "" : "<key>CommandUUID</key><string>",
		uuid == NULL ? "" : uuid, uuid == NULL ? "" : "</string>", more);
	struct plist *message, *command;
	struct connect_note note;
	struct connect connect;
	struct buf reply;

	assert_int_equal(
		plist_read_xml(unit.mdm.reader, &unit.arena, xml, strlen(xml), &message, &unit.err),
		ERR_OK);
	connect = (struct connect){
		.message = message, .raw = xml, .raw_len = strlen(xml), .caller.certificate = CERT};
	buf_init(&reply, &unit.arena, 1000000);
	unit_begin(&unit, DB_WRITE);
	if (connect_handle(&unit.mdm, &connect, &reply, &note, &unit.err) != ERR_OK)
		fail_msg("%s", unit.err.message);
	unit_commit(&unit);
	if (reply.len == 0)
		return NULL;
	assert_int_equal(plist_read_xml(unit.mdm.reader, &unit.arena, reply.bytes, reply.len,
				 &command, &unit.err),
		ERR_OK);
	return plist_get(command, "Command");
}

/* The newest secrets of a kind, "a,b,…", with the time each was replaced at; "" when there is none.
 */
static const char *
shown(enum secret_kind kind)
{
	struct secret_shown secrets[10];
	struct buf buf;
	size_t count;

	buf_init(&buf, &unit.arena, 100000);
	buf_str(&buf, "");
	unit_begin(&unit, DB_WRITE);
	if (secret_show(&unit.mdm, "A", kind, "test", secrets, COUNT(secrets), &count, &unit.err) !=
		ERR_OK)
		assert_int_equal(unit.err.kind, ERR_NOT_FOUND);
	for (size_t i = 0; i < count; i++) {
		buf_printf(&buf, "%s%s", i == 0 ? "" : ",", secrets[i].value);
		if (secrets[i].replaced_at != 0)
			buf_printf(&buf, "/%lld", (long long)secrets[i].replaced_at);
	}
	db_rollback(unit.mdm.db);
	return buf.len == 0 ? "" : buf.bytes;
}

/* Is the text in a file of the store? */
static void
assert_not_in_the_store(const char *text)
{
	static const char *const suffixes[] = {"", "-wal"};
	size_t len = strlen(text);

	for (size_t i = 0; i < COUNT(suffixes); i++) {
		char *path = arena_printf(&unit.arena, "%s%s", unit.path, suffixes[i]);
		FILE *file = fopen(path, "rb");
		char *bytes = arena_alloc(&unit.arena, 16 * 1024 * 1024);
		size_t size;

		if (file == NULL)
			continue;
		size = fread(bytes, 1, 16 * 1024 * 1024, file);
		fclose(file);
		for (size_t at = 0; at + len <= size; at++)
			if (memcmp(bytes + at, text, len) == 0)
				fail_msg("%s is in %s", text, path);
	}
}

/* ---- secrets of answers ---- */

static void
test_bypass_code(void **state)
{
	static const char code[] = "YY12-ACTL-LOCK-9CDE-XXXX-ABCD";
	const char *uuid = queue("ActivationLockBypassCode", NULL, false);

	(void)state;
	report("Idle", NULL, "");
	report("Acknowledged", uuid,
		arena_printf(&unit.arena, "<key>ActivationLockBypassCode</key><string>%s</string>",
			code));
	assert_string_equal(shown(SECRET_ACTIVATION_LOCK_BYPASS), code);
	assert_string_equal(unit_sql_text(&unit, "SELECT json_extract(response, "
						 "'$.ActivationLockBypassCode') FROM result"),
		"(secret)");
	assert_string_equal(
		unit_sql_text(&unit, "SELECT device || kind || since || before_enrollment FROM "
				     "escrowed_secret"),
		"Aactivation_lock_bypass1970-01-01T00:00:05.000Z0");
	assert_int_equal(unit_sql_int(&unit, "SELECT instr(raw, '(secret)') > 0 AND instr(raw, "
					     "'<plist') > 0 FROM answer"),
		1);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM answer_secret"), 1);
	assert_not_in_the_store(code);
	assert_string_equal(unit_sql_text(&unit, "SELECT detail FROM event WHERE kind = 'escrow'"),
		arena_printf(&unit.arena,
			"{\"kind\":\"activation_lock_bypass\",\"what\":\"kept\",\"uuid\":\"%s\"}",
			uuid));

	/* The same again is the same; another one takes its place; cleared, none counts. */
	uuid = queue("ActivationLockBypassCode", NULL, false);
	report("Acknowledged", uuid,
		arena_printf(&unit.arena, "<key>ActivationLockBypassCode</key><string>%s</string>",
			code));
	assert_string_equal(shown(SECRET_ACTIVATION_LOCK_BYPASS), code);
	clock_fake(6000);
	uuid = queue("ActivationLockBypassCode", NULL, false);
	report("Acknowledged", uuid, "<key>ActivationLockBypassCode</key><string>NEXT</string>");
	assert_string_equal(shown(SECRET_ACTIVATION_LOCK_BYPASS),
		arena_printf(&unit.arena, "NEXT,%s/6000", code));
	clock_fake(7000);
	uuid = queue("ClearActivationLockBypassCode", NULL, false);
	report("Acknowledged", uuid, "");
	assert_string_equal(shown(SECRET_ACTIVATION_LOCK_BYPASS),
		arena_printf(&unit.arena, "NEXT/7000,%s/6000", code));
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM escrowed_secret WHERE "
					     "replaced_at IS NULL"),
		0);
}

/* An error, a NotNow, an answer without the key: nothing is kept. */
static void
test_no_secret(void **state)
{
	static const struct {
		const char *status, *more;
	} cases[] = {
		{"Error", ""},
		{"Acknowledged", ""},
		{"Acknowledged", "<key>ActivationLockBypassCode</key><string></string>"},
		{"Acknowledged", "<key>ActivationLockBypassCode</key><array/>"},
		{"NotNow", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		report(cases[i].status, queue("ActivationLockBypassCode", NULL, false),
			cases[i].more);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM secret"), 0);
	assert_int_equal(
		unit_sql_int(&unit, "SELECT count(*) FROM event WHERE kind = 'escrow'"), 0);
}

static void
test_unlock_token(void **state)
{
	const char *uuid = queue("RequestUnlockToken", NULL, false);

	(void)state;
	report("Acknowledged", uuid, "<key>UnlockToken</key><data>VDBLM04tdW5sb2Nrcw==</data>");
	assert_string_equal(shown(SECRET_UNLOCK_TOKEN), "VDBLM04tdW5sb2Nrcw==");
	assert_not_in_the_store("VDBLM04tdW5sb2Nrcw==");
	assert_not_in_the_store("T0K3N-unlocks");
}

/* ---- secrets of commands ---- */

static const struct queued {
	const char *request, *args, *path; /* where in the command the device finds it */
	const char *answer;
	enum secret_kind kind;
	const char *secret; /* what counts when the device has acknowledged; "": none */
} queued[] = {
	{"SetRecoveryLock", "{\"NewPassword\":\"S3CRET-recovery\"}", "NewPassword", "",
		SECRET_RECOVERY_LOCK, "S3CRET-recovery"},
	{"SetFirmwarePassword",
		"{\"NewPassword\":\"S3CRET-firmware\",\"CurrentPassword\":\"S3CRET-before\"}",
		"NewPassword",
		"<key>SetFirmwarePassword</key><dict><key>PasswordChanged</key><true/></dict>",
		SECRET_FIRMWARE_PASSWORD, "S3CRET-firmware"},
	{"SetFirmwarePassword", "{\"NewPassword\":\"S3CRET-firmware\"}", "NewPassword",
		"<key>SetFirmwarePassword</key><dict><key>PasswordChanged</key><false/></dict>",
		SECRET_FIRMWARE_PASSWORD, ""},
	{"SetFirmwarePassword", "{\"NewPassword\":\"S3CRET-firmware\"}", "NewPassword", "",
		SECRET_FIRMWARE_PASSWORD, ""},
	{"SetAutoAdminPassword", "{\"GUID\":\"G\",\"passwordHash\":\"UzNDUkVULWhhc2g=\"}",
		"passwordHash", "", SECRET_AUTO_ADMIN_PASSWORD, "UzNDUkVULWhhc2g="},
	{"AccountConfiguration",
		"{\"AutoSetupAdminAccounts\":[{\"shortName\":\"a\",\"passwordHash\":"
		"\"UzNDUkVULWhhc2g=\"}]}",
		"AutoSetupAdminAccounts", "", SECRET_AUTO_ADMIN_PASSWORD, "UzNDUkVULWhhc2g="},
	{"AccountConfiguration", "{\"ManagedLocalUserShortName\":\"a\"}", NULL, "",
		SECRET_AUTO_ADMIN_PASSWORD, ""},
	{"VerifyRecoveryLock", "{\"Password\":\"S3CRET-recovery\"}", "Password", "",
		SECRET_RECOVERY_LOCK, ""},
};

/* From arguments, from a plist, through SQL. */
static void
run_queued(const struct queued *one, int door)
{
	const struct plist *command;
	const char *uuid;

	if (door < 2) {
		uuid = queue(one->request, one->args, door == 1);
	} else {
		unit_sql(&unit, arena_printf(&unit.arena,
					"INSERT INTO queue (device, request, args) VALUES "
					"('A', '%s', '%s')",
					one->request, one->args));
		uuid = arena_strdup(&unit.arena, unit_sql_text(&unit, "SELECT uuid FROM queue"));
	}
	if (door < 2)
		assert_not_in_the_store("S3CRET");
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM queue WHERE args LIKE "
					     "'%S3CRET%' OR args LIKE '%UzNDUkVU%'"),
		0);
	command = report("Idle", NULL, "");
	assert_string_equal(plist_get_string(command, "RequestType"), one->request);
	if (one->path != NULL) {
		struct buf json;

		buf_init(&json, &unit.arena, 10000);
		plist_write_json(&json, plist_get(command, one->path), false);
		assert_true(strstr(json.bytes, "S3CRET") != NULL ||
			    strstr(json.bytes, "UzNDUkVULWhhc2g=") != NULL);
	}
	/* Once sent, no row of the store holds it. */
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM payload WHERE args LIKE "
					     "'%S3CRET%' OR args LIKE '%UzNDUkVU%' OR "
					     "instr(COALESCE(body, x''), 'S3CRET') > 0"),
		0);
	/* The same again, after a lost reply. */
	command = report("Idle", NULL, "");
	assert_string_equal(plist_get_string(command, "RequestType"), one->request);
	assert_string_equal(shown(one->kind), "");
	report("Acknowledged", uuid, one->answer);
	assert_string_equal(shown(one->kind), one->secret);
}

static void
test_queued(void **state)
{
	for (size_t i = 0; i < COUNT(queued); i++)
		for (int door = 0; door < 3; door++) {
			assert_int_equal(setup(state), 0);
			run_queued(&queued[i], door);
			assert_int_equal(teardown(state), 0);
		}
}

/* An empty password clears. */
static void
test_cleared(void **state)
{
	(void)state;
	report("Acknowledged", queue("SetRecoveryLock", "{\"NewPassword\":\"one\"}", false), "");
	assert_string_equal(shown(SECRET_RECOVERY_LOCK), "one");
	clock_fake(6000);
	report("Acknowledged", queue("SetRecoveryLock", "{\"NewPassword\":\"\"}", false), "");
	assert_string_equal(shown(SECRET_RECOVERY_LOCK), "one/6000");
	clock_fake(7000);
	report("Error", queue("SetRecoveryLock", "{\"NewPassword\":\"two\"}", false), "");
	assert_string_equal(shown(SECRET_RECOVERY_LOCK), "one/6000");
}

/* The device had it before it was cancelled (or before its time was over), and has done it. */
static void
test_late(void **state)
{
	static const char *const ends[] = {"DELETE FROM queue",
		"UPDATE delivery SET state = 'expired', ended_at = 6000 WHERE ended_at IS NULL"};

	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		const char *value = arena_printf(&unit.arena, "late-%zu", i);
		const char *uuid = queue("SetRecoveryLock",
			arena_printf(&unit.arena, "{\"NewPassword\":\"%s\"}", value), false);

		assert_non_null(report("Idle", NULL, ""));
		unit_sql(&unit, ends[i]);
		report("Acknowledged", uuid, "");
		assert_true(strncmp(shown(SECRET_RECOVERY_LOCK), value, strlen(value)) == 0);
		/* Said again, it does not come back. */
		report("Acknowledged", queue("SetRecoveryLock", "{\"NewPassword\":\"\"}", false),
			"");
		report("Acknowledged", uuid, "");
		assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM escrowed_secret WHERE "
						     "replaced_at IS NULL"),
			0);
	}
	/* One that says no has changed nothing; nor has one of an enrollment that is over. */
	for (size_t i = 0; i < 2; i++) {
		const char *uuid = queue("SetRecoveryLock", "{\"NewPassword\":\"never\"}", false);

		assert_non_null(report("Idle", NULL, ""));
		unit_sql(&unit, i == 0 ? "DELETE FROM queue"
				       : "UPDATE delivery SET state = 'cleared', ended_at = 6000 "
					 "WHERE ended_at IS NULL");
		report(i == 0 ? "Error" : "Acknowledged", uuid, "");
		assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM escrowed_secret WHERE "
						     "replaced_at IS NULL"),
			0);
	}
}

static void
test_without_a_key_nothing_is_queued(void **state)
{
	struct queue_command command = {.request = "SetRecoveryLock", .origin = "cli"};
	struct queue_payload payload;
	struct plist *keys = plist_dict(&unit.arena);

	(void)state;
	plist_set(&unit.arena, keys, "NewPassword", plist_string(&unit.arena, "x"));
	command.args = keys;
	seal_key_release(&unit.key);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(queue_payload_add(&unit.mdm, &command, &payload, &unit.err), ERR_BUSY);
	db_rollback(unit.mdm.db);
	assert_non_null(strstr(unit.err.message, "no master key"));
}

/* ---- the FileVault key ---- */

static const char *
encrypted(const char *key, const char *pem)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	BIO *in = BIO_new_mem_buf(key, -1), *cert = BIO_new_mem_buf(pem, -1);
	unsigned char *der = NULL;
	CMS_ContentInfo *cms;
	const char *base64;
	int len;

	sk_X509_push(certs, PEM_read_bio_X509(cert, NULL, NULL, NULL));
	cms = CMS_encrypt(certs, in, EVP_aes_256_cbc(), CMS_BINARY);
	assert_non_null(cms);
	len = i2d_CMS_ContentInfo(cms, &der);
	assert_true(len > 0);
	base64 = text_base64_encode(&unit.arena, der, (size_t)len);
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	sk_X509_pop_free(certs, X509_free);
	BIO_free(in);
	BIO_free(cert);
	return base64;
}

static const char *
make_certificate(void)
{
	struct escrow_certificate certificate;

	unit_begin(&unit, DB_WRITE);
	if (escrow_make(&unit.mdm, "Escrow", NULL, &certificate, &unit.err) != ERR_OK)
		fail_msg("%s", unit.err.message);
	unit_commit(&unit);
	return arena_strdup(&unit.arena, certificate.pem);
}

static void
security_info(const char *cms)
{
	report("Acknowledged", queue("SecurityInfo", NULL, false),
		arena_printf(&unit.arena,
			"<key>SecurityInfo</key><dict><key>FDE_PersonalRecoveryKeyCMS</key>"
			"<data>%s</data></dict>",
			cms));
}

static long long
events(const char *what)
{
	return unit_sql_int(&unit,
		arena_printf(&unit.arena,
			"SELECT count(*) FROM event WHERE kind = 'escrow' AND json_extract(detail, "
			"'$.what') = '%s'",
			what));
}

static void
test_filevault_key(void **state)
{
	const char *pem = make_certificate(), *first = encrypted("AAAA-1111", pem), *next;

	(void)state;
	security_info(first);
	assert_string_equal(shown(SECRET_FILEVAULT_KEY), "AAAA-1111");
	assert_not_in_the_store("AAAA-1111");
	/* The message itself is no secret, and stays to be seen. */
	assert_string_equal(unit_sql_text(&unit, "SELECT value FROM security_info"), first);
	security_info(first);
	/* The same key, encrypted anew. */
	security_info(encrypted("AAAA-1111", pem));
	assert_string_equal(shown(SECRET_FILEVAULT_KEY), "AAAA-1111");
	assert_int_equal(events("kept"), 1);

	clock_fake(6000);
	report("Acknowledged",
		queue("RotateFileVaultKey",
			"{\"KeyType\":\"personal\",\"FileVaultUnlock\":{\"Password\":\"AAAA-1111\"}"
			"}",
			false),
		arena_printf(&unit.arena,
			"<key>RotateResult</key><dict><key>EncryptedNewRecoveryKey</key>"
			"<data>%s</data></dict>",
			encrypted("BBBB-2222", pem)));
	assert_string_equal(shown(SECRET_FILEVAULT_KEY), "BBBB-2222,AAAA-1111/6000");
	assert_not_in_the_store("AAAA-1111");

	/* A newer certificate; a Mac that has the older one still is understood. */
	clock_fake(7000);
	next = make_certificate();
	security_info(encrypted("CCCC-3333", next));
	clock_fake(8000);
	security_info(encrypted("DDDD-4444", pem));
	assert_string_equal(shown(SECRET_FILEVAULT_KEY),
		"DDDD-4444,CCCC-3333/8000,BBBB-2222/7000,AAAA-1111/6000");
}

/* What cannot be decrypted is stored all the same, and an event tells. */
static void
test_not_decrypted(void **state)
{
	const char *pem, *others = make_certificate();

	(void)state;
	unit_sql(&unit, "DELETE FROM escrow_certificate");
	/* Nobody has asked us to keep keys. */
	security_info(encrypted("AAAA-1111", others));
	assert_int_equal(events("not decrypted"), 0);
	pem = make_certificate();
	security_info(encrypted("AAAA-1111", others));
	assert_int_equal(events("not decrypted"), 1);
	security_info("AQID");
	assert_int_equal(events("not decrypted"), 2);
	security_info(encrypted("\xff\xfe", pem));
	assert_int_equal(events("not decrypted"), 3);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM answer"), 4);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM secret"), 0);
	assert_string_equal(
		unit_sql_text(&unit, "SELECT json_extract(detail, '$.reason') FROM event WHERE "
				     "kind = 'escrow' ORDER BY id LIMIT 1"),
		"the message is encrypted to another certificate");
	/* The certificate's key does not open. */
	unit_sql(&unit, "UPDATE escrow_certificate SET key = zeroblob(60)");
	security_info(encrypted("AAAA-1111", pem));
	assert_int_equal(events("not decrypted"), 4);
}

static void
test_profile(void **state)
{
	struct escrow_certificate certificate;
	const struct plist *content, *key, *escrow;
	struct plist *profile;
	struct buf xml;

	(void)state;
	make_certificate();
	unit_begin(&unit, DB_READ);
	assert_int_equal(escrow_find(&unit.mdm, &certificate, &unit.err), ERR_OK);
	buf_init(&xml, &unit.arena, 100000);
	assert_int_equal(
		escrow_profile(&unit.mdm, &certificate, "ask us", &xml, &unit.err), ERR_OK);
	unit_commit(&unit);
	assert_int_equal(plist_read_xml(unit.mdm.reader, &unit.arena, xml.bytes, xml.len, &profile,
				 &unit.err),
		ERR_OK);
	content = plist_get_typed(profile, "PayloadContent", PLIST_ARRAY);
	assert_int_equal(content->as.items.count, 2);
	key = content->as.items.first;
	escrow = key->next;
	assert_string_equal(plist_get_string(key, "PayloadType"), "com.apple.security.pkcs1");
	assert_string_equal(
		plist_get_string(escrow, "PayloadType"), "com.apple.security.FDERecoveryKeyEscrow");
	assert_string_equal(plist_get_string(escrow, "EncryptCertPayloadUUID"),
		plist_get_string(key, "PayloadUUID"));
	assert_string_equal(plist_get_string(escrow, "Location"), "ask us");
	assert_string_equal(plist_get_string(profile, "PayloadScope"), "System");
	assert_null(strstr(xml.bytes, "PRIVATE"));
}

/* ---- shown ---- */

static void
test_reasons(void **state)
{
	static const struct {
		const char *id, *reason;
		enum err_kind kind;
	} cases[] = {
		{"A", "ticket 42", ERR_OK},
		{"A", "é", ERR_OK},
		{"A", "", ERR_BAD_INPUT},
		{"A", "  ", ERR_BAD_INPUT},
		{"A", "a\nb", ERR_BAD_INPUT},
		{"A", "\xff", ERR_BAD_INPUT},
		{"B", "ticket 42", ERR_NOT_FOUND},
	};
	struct secret_shown secret;
	size_t count;

	(void)state;
	report("Acknowledged", queue("SetRecoveryLock", "{\"NewPassword\":\"one\"}", false), "");
	for (size_t i = 0; i < COUNT(cases); i++) {
		unit_begin(&unit, DB_WRITE);
		assert_int_equal(secret_show(&unit.mdm, cases[i].id, SECRET_RECOVERY_LOCK,
					 cases[i].reason, &secret, 1, &count, &unit.err),
			cases[i].kind);
		assert_int_equal(count, cases[i].kind == ERR_OK);
		if (cases[i].kind == ERR_OK)
			unit_commit(&unit);
		else
			db_rollback(unit.mdm.db);
	}
	assert_string_equal(
		unit_sql_text(&unit, "SELECT group_concat(device || json_extract(detail, '$.kind') "
				     "|| json_extract(detail, '$.reason')) FROM event WHERE kind = "
				     "'secret_shown'"),
		"Arecovery_lockticket 42,Arecovery_locké");
}

/* A sealed value in the place of another device's does not open. */
static void
test_bound_to_its_place(void **state)
{
	struct secret_shown secret;
	size_t count;

	(void)state;
	report("Acknowledged", queue("SetRecoveryLock", "{\"NewPassword\":\"one\"}", false), "");
	unit_sql(&unit, "INSERT INTO enrollment (no, id, kind, state) VALUES (2, 'B', 'device', "
			"'enrolled');"
			"UPDATE secret SET enrollment_no = 2");
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(secret_show(&unit.mdm, "B", SECRET_RECOVERY_LOCK, "why", &secret, 1,
				 &count, &unit.err),
		ERR_INTERNAL);
	db_rollback(unit.mdm.db);
}

/* A new master key; what is under way, and what was kept, opens as before. */
static void
test_key_rotation(void **state)
{
	const char *path =
		arena_strdup(&unit.arena, arena_printf(&unit.arena, "%s/master.key", unit.dir));
	char kept_path[128], pem[8192], uuid[64], raw_uuid[64];
	struct reseal reseal;
	unsigned char *message;
	const void *sealed;
	struct db_row row;
	size_t len;

	(void)state;
	snprintf(kept_path, sizeof(kept_path), "%s", path);
	assert_int_equal(seal_key_create(&unit.key, kept_path, &unit.err), ERR_OK);
	snprintf(pem, sizeof(pem), "%s", make_certificate());
	report("Acknowledged", queue("ActivationLockBypassCode", NULL, false),
		"<key>ActivationLockBypassCode</key><string>CODE</string>");
	snprintf(uuid, sizeof(uuid), "%s",
		queue("SetRecoveryLock", "{\"NewPassword\":\"one\"}", false));
	snprintf(raw_uuid, sizeof(raw_uuid), "%s",
		queue("SetFirmwarePassword", "{\"NewPassword\":\"two\"}", true));
	if (reseal_run(&unit.mdm, &reseal, &unit.err) != ERR_OK)
		fail_msg("%s", unit.err.message);
	assert_int_equal(reseal.lost, 0);
	assert_int_equal(reseal.resealed, 5); /* certificate, secret, message, two commands */
	assert_string_equal(shown(SECRET_ACTIVATION_LOCK_BYPASS), "CODE");
	assert_string_equal(plist_get_string(report("Idle", NULL, ""), "NewPassword"), "one");
	assert_string_equal(
		plist_get_string(report("Acknowledged", uuid, ""), "NewPassword"), "two");
	assert_string_equal(shown(SECRET_RECOVERY_LOCK), "one");
	report("Acknowledged", raw_uuid,
		"<key>SetFirmwarePassword</key><dict><key>PasswordChanged</key><true/></dict>");
	assert_string_equal(shown(SECRET_FIRMWARE_PASSWORD), "two");
	security_info(encrypted("AAAA-1111", pem));
	assert_string_equal(shown(SECRET_FILEVAULT_KEY), "AAAA-1111");
	/* The device's message opens, too. */
	unit_begin(&unit, DB_READ);
	assert_int_equal(db_first(unit.mdm.db, SQL_RESEAL_ANSWER_FIND,
				 DB_ARGS(DB_INT(0), DB_INT(1), DB_BLOB("", 1)), &row, &unit.err),
		ERR_OK);
	sealed = db_blob(&row, 2, &len);
	assert_int_equal(
		seal_open(&unit.key, &unit.arena,
			arena_printf(&unit.arena, "answer_secret/raw/%s", db_text(&row, 1)), sealed,
			len, &message, &len, &unit.err),
		ERR_OK);
	unit_commit(&unit);
	assert_non_null(strstr((char *)message, "<string>CODE</string>"));
	unlink(kept_path);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_bypass_code),
		STORE_TEST(test_no_secret),
		STORE_TEST(test_unlock_token),
		cmocka_unit_test(test_queued),
		STORE_TEST(test_cleared),
		STORE_TEST(test_late),
		STORE_TEST(test_without_a_key_nothing_is_queued),
		STORE_TEST(test_filevault_key),
		STORE_TEST(test_not_decrypted),
		STORE_TEST(test_profile),
		STORE_TEST(test_reasons),
		STORE_TEST(test_bound_to_its_place),
		STORE_TEST(test_key_rotation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
