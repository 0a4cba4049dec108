/*
 * What a command changes on a simulated device, later ones show.
 */
#include "sim_ask.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/pem.h>

#define ACK "Acknowledged"

static const struct plist *
get(const struct plist *answer, const char *key, const char *inner)
{
	const struct plist *value = plist_get(answer, key);

	return inner == NULL ? value : plist_get(value, inner);
}

/* One fact of DeviceInformation. */
static const struct plist *
fact(const char *device, const char *query)
{
	const struct plist *answer = sim_ask_json(device, "DeviceInformation",
		arena_printf(&arena, "{\"Queries\":[\"%s\"]}", query), ACK);

	return get(answer, "QueryResponses", query);
}

static const struct plist *
managed_app(const char *device, const char *identifier)
{
	return get(sim_ask_json(device, "ManagedApplicationList", NULL, ACK),
		"ManagedApplicationList", identifier);
}

/* Does the array of dictionaries have one whose KEY is TEXT? */
static const struct plist *
row_of(const struct plist *array, const char *key, const char *text)
{
	assert_non_null(array);
	for (const struct plist *row = array->as.items.first; row != NULL; row = row->next) {
		const char *own = plist_get_string(row, key);

		if (own != NULL && strcmp(own, text) == 0)
			return row;
	}
	return NULL;
}

static const struct plist *
installed_app(const char *device, const char *identifier)
{
	return row_of(get(sim_ask_json(device, "InstalledApplicationList", NULL, ACK),
			      "InstalledApplicationList", NULL),
		"Identifier", identifier);
}

/* ---- apps and books ---- */

static void
test_app(void **unused)
{
	static const char app[] = "{\"Identifier\":\"org.example.new\"}";
	const char *phone = sim_device(PERSONA_IPHONE, NULL);
	const struct plist *answer;

	(void)unused;
	assert_null(managed_app(phone, "org.example.new"));
	answer = sim_ask_json(phone, "InstallApplication",
		"{\"Identifier\":\"org.example.new\",\"ManagementFlags\":5,"
		"\"Configuration\":{\"Server\":\"x\"},\"Attributes\":{\"Removable\":false}}",
		ACK);
	assert_string_equal(plist_get_string(answer, "Identifier"), "org.example.new");
	assert_string_equal(plist_get_string(answer, "State"), "Managed");
	answer = managed_app(phone, "org.example.new");
	assert_string_equal(plist_get_string(answer, "Status"), "Managed");
	assert_true(plist_get_boolean(answer, "HasConfiguration", false));
	assert_non_null(installed_app(phone, "org.example.new"));
	/* again: it is there */
	answer = sim_ask_json(phone, "InstallApplication", app, "Error");
	assert_string_equal(plist_get_string(answer, "RejectionReason"), "AppAlreadyInstalled");
	answer = sim_ask_json(phone, "ManagedApplicationConfiguration",
		"{\"Identifiers\":[\"org.example.new\"]}", ACK);
	answer = plist_get(answer, "ApplicationConfigurations")->as.items.first;
	assert_string_equal(plist_get_string(plist_get(answer, "Configuration"), "Server"), "x");
	sim_ask_json(phone, "RemoveApplication", app, ACK);
	assert_null(managed_app(phone, "org.example.new"));
	assert_null(installed_app(phone, "org.example.new"));
	sim_ask_json(phone, "RemoveApplication", app, "Error");
}

/* One that was managed from the start can be removed too, and come again. */
static void
test_old_app(void **unused)
{
	const char *phone = sim_device(PERSONA_IPHONE, NULL), *identifier, *args;
	const struct plist *list;

	(void)unused;
	list = get(sim_ask_json(phone, "ManagedApplicationList", NULL, ACK),
		"ManagedApplicationList", NULL);
	assert_non_null(list->as.items.first);
	identifier = list->as.items.first->key;
	args = arena_printf(&arena, "{\"Identifier\":\"%s\"}", identifier);
	sim_ask_json(phone, "RemoveApplication", args, ACK);
	assert_null(managed_app(phone, identifier));
	assert_null(installed_app(phone, identifier));
	sim_ask_json(phone, "InstallApplication", args, ACK);
	assert_non_null(installed_app(phone, identifier));
}

static void
test_redemption(void **unused)
{
	static const char code[] =
		"{\"Identifier\":\"org.example.new\",\"RedemptionCode\":\"ABC\"}";
	const char *phone = sim_device(PERSONA_IPHONE, NULL);

	(void)unused;
	sim_ask_json(phone, "ApplyRedemptionCode", code, "Error");
	sim_ask_json(phone, "InstallApplication",
		"{\"Identifier\":\"org.example.new\",\"Options\":{\"PurchaseMethod\":0}}", ACK);
	assert_string_equal(plist_get_string(managed_app(phone, "org.example.new"), "Status"),
		"NeedsRedemption");
	assert_null(installed_app(phone, "org.example.new"));
	sim_ask_json(phone, "ApplyRedemptionCode", code, ACK);
	assert_non_null(installed_app(phone, "org.example.new"));
	sim_ask_json(phone, "ApplyRedemptionCode", code, "Error");
}

static void
test_books(void **unused)
{
	const char *pad = sim_device(PERSONA_IPAD, NULL);
	const struct plist *books;

	(void)unused;
	sim_ask_json(pad, "InstallMedia",
		"{\"iTunesStoreID\":77,\"MediaType\":\"Book\",\"Title\":\"Handbook\"}", ACK);
	sim_ask_json(pad, "InstallMedia",
		"{\"MediaURL\":\"https://x/y/guide.pdf\",\"MediaType\":\"Book\"}", ACK);
	books = get(sim_ask_json(pad, "ManagedMediaList", NULL, ACK), "Books", NULL);
	assert_int_equal(books->as.items.count, 2);
	assert_non_null(row_of(books, "Title", "Handbook"));
	assert_non_null(row_of(books, "PersistentID", "org.example.guide"));
	sim_ask_json(pad, "RemoveMedia", "{\"MediaType\":\"Book\",\"iTunesStoreID\":\"77\"}", ACK);
	books = get(sim_ask_json(pad, "ManagedMediaList", NULL, ACK), "Books", NULL);
	assert_int_equal(books->as.items.count, 1);
	assert_string_equal(plist_get_string(sim_ask_json(pad, "InstallMedia",
						     "{\"MediaType\":\"Book\"}", "Error"),
				    "RejectionReason"),
		"CouldNotVerifyITunesStoreID");
}

/* ---- Settings ---- */

static const struct {
	enum persona_kind kind;
	const char *setting, *query, *value; /* as JSON */
} settings[] = {
	{PERSONA_IPHONE, "{\"Item\":\"DeviceName\",\"DeviceName\":\"Lobby\"}", "DeviceName",
		"\"Lobby\""},
	{PERSONA_IPHONE, "{\"Item\":\"DataRoaming\",\"Enabled\":true}", "DataRoamingEnabled",
		"true"},
	{PERSONA_IPHONE,
		"{\"Item\":\"OrganizationInfo\",\"OrganizationInfo\":{\"OrganizationName\":\"X\"}}",
		"OrganizationInfo", "{\"OrganizationName\":\"X\"}"},
	{PERSONA_IPAD, "{\"Item\":\"TimeZone\",\"TimeZone\":\"Asia/Tokyo\"}", "TimeZone",
		"\"Asia/Tokyo\""},
	{PERSONA_IPAD, "{\"Item\":\"AccessibilitySettings\",\"ZoomEnabled\":true}",
		"AccessibilitySettings", "{\"ZoomEnabled\":true}"},
	{PERSONA_IPAD, "{\"Item\":\"SharedDeviceConfiguration\",\"QuotaSize\":4096}", "QuotaSize",
		"4096"},
	{PERSONA_MAC, "{\"Item\":\"HostName\",\"HostName\":\"mac.example.org\"}", "HostName",
		"\"mac.example.org\""},
};

static void
test_settings(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(settings); i++) {
		const char *device = sim_device(settings[i].kind, NULL);
		const struct plist *value;
		struct plist *wanted;
		struct err err;

		sim_ask_json(device, "Settings",
			arena_printf(&arena, "{\"Settings\":[%s]}", settings[i].setting), ACK);
		value = fact(device, settings[i].query);
		assert_int_equal(plist_read_json(plist_limits_default(), &arena, settings[i].value,
					 strlen(settings[i].value), &wanted, &err),
			ERR_OK);
		if (value == NULL || !plist_equal(value, wanted))
			fail_msg("%s is not %s", settings[i].query, settings[i].value);
	}
}

/* Each element for itself: one that is good, one that is not there, one that lacks its key. */
static void
test_settings_each(void **unused)
{
	const char *phone = sim_device(PERSONA_IPHONE, NULL);
	static const char *const statuses[] = {
		"Acknowledged", "Error", "CommandFormatError", "CommandFormatError"};
	const struct plist *row;
	size_t i = 0;

	(void)unused;
	row = get(sim_ask_json(phone, "Settings",
			  "{\"Settings\":[{\"Item\":\"DeviceName\",\"DeviceName\":\"x\"},"
			  "{\"Item\":\"HostName\",\"HostName\":\"x\"},{\"Item\":\"Bluetooth\"},"
			  "{}]}",
			  ACK),
		"Settings", NULL)
		      ->as.items.first;
	for (; row != NULL; row = row->next)
		assert_string_equal(plist_get_string(row, "Status"), statuses[i++]);
	assert_int_equal(i, COUNT(statuses));
}

/* ---- lost, locked, shared ---- */

static void
test_lost_mode(void **unused)
{
	const char *phone = sim_device(PERSONA_IPHONE, NULL);
	const struct plist *answer;

	(void)unused;
	assert_false(fact(phone, "IsMDMLostModeEnabled")->as.boolean);
	sim_ask_json(phone, "EnableLostMode", NULL, "CommandFormatError");
	sim_ask_json(phone, "EnableLostMode", "{\"Message\":\"Lost\"}", ACK);
	assert_true(fact(phone, "IsMDMLostModeEnabled")->as.boolean);
	answer = sim_ask_json(phone, "DeviceLocation", NULL, ACK);
	assert_non_null(plist_get_typed(answer, "Latitude", PLIST_REAL));
	sim_ask_json(phone, "PlayLostModeSound", NULL, ACK);
	answer = sim_ask_json(
		phone, "InstallApplication", "{\"Identifier\":\"org.example.new\"}", "Error");
	answer = sim_ask_json(phone, "DeviceLock", "{\"Message\":\"x\"}", ACK);
	assert_string_equal(plist_get_string(answer, "MessageResult"), "DeviceInLostMode");
	sim_ask_json(phone, "DisableLostMode", NULL, ACK);
	sim_ask_json(phone, "DeviceLocation", NULL, "Error");
	assert_false(fact(phone, "IsMDMLostModeEnabled")->as.boolean);
}

static size_t
user_count(const char *device)
{
	return get(sim_ask_json(device, "UserList", NULL, ACK), "Users", NULL)->as.items.count;
}

static void
test_users(void **unused)
{
	const char *pad = sim_device(PERSONA_IPAD, NULL), *mac = sim_device(PERSONA_MAC, NULL);
	const struct plist *accounts;

	(void)unused;
	assert_int_equal(user_count(pad), 3);
	sim_ask_json(pad, "DeleteUser", "{\"UserName\":\"mei\"}", ACK);
	sim_ask_json(pad, "DeleteUser", "{\"UserName\":\"mei\"}", "Error");
	sim_ask_json(pad, "DeleteUser", "{\"UserName\":\"jonas\",\"ForceDeletion\":true}", ACK);
	assert_int_equal(user_count(pad), 1);
	sim_ask_json(mac, "AccountConfiguration",
		"{\"AutoSetupAdminAccounts\":[{\"shortName\":\"itadmin\"}]}", ACK);
	accounts = fact(mac, "AutoSetupAdminAccounts");
	assert_non_null(row_of(accounts, "shortName", "itadmin"));
}

/* The hash is data, which JSON has not. */
static void
test_auto_admin_password(void **unused)
{
	const char *mac = sim_device(PERSONA_MAC, NULL);
	struct plist *args = plist_dict(&arena);

	(void)unused;
	sim_ask_json(mac, "AccountConfiguration",
		"{\"AutoSetupAdminAccounts\":[{\"shortName\":\"itadmin\"}]}", ACK);
	plist_set(&arena, args, "passwordHash", plist_data(&arena, "x", 1));
	plist_set(&arena, args, "GUID", plist_string(&arena, "none"));
	assert_string_equal(sim_ask(mac, "SetAutoAdminPassword", args).status, "Error");
	plist_set(&arena, args, "GUID",
		plist_string(&arena,
			plist_get_string(
				fact(mac, "AutoSetupAdminAccounts")->as.items.first, "GUID")));
	assert_string_equal(sim_ask(mac, "SetAutoAdminPassword", args).status, ACK);
}

/* ---- updates ---- */

static void
test_updates(void **unused)
{
	const char *phone = sim_device(PERSONA_IPHONE, "17.5.1");
	const struct plist *list, *row;

	(void)unused;
	list = get(
		sim_ask_json(phone, "AvailableOSUpdates", NULL, ACK), "AvailableOSUpdates", NULL);
	row = row_of(list, "Version", "18.3.1");
	assert_non_null(row);
	list = get(sim_ask_json(phone, "ScheduleOSUpdate",
			   arena_printf(&arena,
				   "{\"Updates\":[{\"ProductKey\":\"%s\",\"InstallAction\":"
				   "\"InstallASAP\"},{\"ProductVersion\":\"1.0\","
				   "\"InstallAction\":\"Default\"}]}",
				   plist_get_string(row, "ProductKey")),
			   ACK),
		"UpdateResults", NULL);
	assert_int_equal(list->as.items.count, 2);
	assert_string_equal(plist_get_string(list->as.items.first, "Status"), "Installing");
	assert_non_null(plist_get(list->as.items.last, "ErrorChain"));
	list = get(sim_ask_json(phone, "OSUpdateStatus", NULL, ACK), "OSUpdateStatus", NULL);
	assert_int_equal(list->as.items.count, 1);
	assert_string_equal(plist_get_string(list->as.items.first, "Status"), "Installing");
}

/* ---- passwords and keys ---- */

static bool
security(const char *device, const char *key, const char *inner)
{
	const struct plist *info =
		plist_get(sim_ask_json(device, "SecurityInfo", NULL, ACK), "SecurityInfo");

	return inner == NULL ? plist_get_boolean(info, key, false)
			     : plist_get_boolean(plist_get(info, key), inner, false);
}

static bool
verified(const char *device, const char *request, const char *password)
{
	const struct plist *answer = sim_ask_json(
		device, request, arena_printf(&arena, "{\"Password\":\"%s\"}", password), ACK);
	const struct plist *inner = plist_get(answer, request);

	return plist_get_boolean(inner != NULL ? inner : answer, "PasswordVerified", false);
}

static void
test_passwords(void **unused)
{
	const char *mac = sim_device(PERSONA_MAC, NULL);

	(void)unused;
	assert_false(security(mac, "IsRecoveryLockEnabled", NULL));
	sim_ask_json(mac, "SetRecoveryLock", "{\"NewPassword\":\"one\"}", ACK);
	assert_true(security(mac, "IsRecoveryLockEnabled", NULL));
	assert_true(verified(mac, "VerifyRecoveryLock", "one"));
	assert_false(verified(mac, "VerifyRecoveryLock", "two"));
	sim_ask_json(mac, "SetRecoveryLock", "{\"NewPassword\":\"two\"}", "Error");
	sim_ask_json(
		mac, "SetRecoveryLock", "{\"CurrentPassword\":\"one\",\"NewPassword\":\"\"}", ACK);
	assert_false(security(mac, "IsRecoveryLockEnabled", NULL));
	sim_ask_json(mac, "SetFirmwarePassword", "{\"NewPassword\":\"one\"}", ACK);
	assert_true(security(mac, "FirmwarePasswordStatus", "PasswordExists"));
	assert_true(verified(mac, "VerifyFirmwarePassword", "one"));
	assert_false(plist_get_boolean(
		get(sim_ask_json(mac, "SetFirmwarePassword", "{\"NewPassword\":\"two\"}", ACK),
			"SetFirmwarePassword", NULL),
		"PasswordChanged", true));
	assert_true(verified(mac, "VerifyFirmwarePassword", "one"));
}

static void
test_remote_desktop(void **unused)
{
	const char *mac = sim_device(PERSONA_MAC, NULL);

	(void)unused;
	sim_ask_json(mac, "EnableRemoteDesktop", NULL, ACK);
	assert_true(security(mac, "RemoteDesktopEnabled", NULL));
	sim_ask_json(mac, "DisableRemoteDesktop", NULL, ACK);
	assert_false(security(mac, "RemoteDesktopEnabled", NULL));
}

static void
test_bypass_code(void **unused)
{
	const char *pad = sim_device(PERSONA_IPAD, NULL), *code;

	(void)unused;
	code = plist_get_string(sim_ask_json(pad, "ActivationLockBypassCode", NULL, ACK),
		"ActivationLockBypassCode");
	assert_int_equal(strlen(code), 26 + 5);
	sim_ask_json(pad, "ClearActivationLockBypassCode", NULL, ACK);
	sim_ask_json(pad, "ActivationLockBypassCode", NULL, "Error");
}

/* ---- FileVault ---- */

/* What the holder of leaf.key reads in the envelope. */
static const char *
opened(const struct plist *data)
{
	const unsigned char *at;
	BIO *out = BIO_new(BIO_s_mem()), *file = BIO_new_file(sim_data("leaf.key"), "r");
	EVP_PKEY *key = PEM_read_bio_PrivateKey(file, NULL, NULL, NULL);
	CMS_ContentInfo *message;
	const char *text;
	char *bytes;
	long len;

	assert_non_null(data);
	assert_non_null(key);
	at = (const unsigned char *)data->as.string.bytes;
	message = d2i_CMS_ContentInfo(NULL, &at, (long)data->as.string.len);
	assert_non_null(message);
	assert_int_equal(CMS_decrypt(message, key, NULL, NULL, out, 0), 1);
	len = BIO_get_mem_data(out, &bytes);
	text = arena_memdup(&arena, bytes, (size_t)len);
	CMS_ContentInfo_free(message);
	EVP_PKEY_free(key);
	BIO_free(file);
	BIO_free(out);
	return text;
}

static struct plist *
file_data(const char *name)
{
	FILE *file = fopen(sim_data(name), "r");
	char text[8192];
	size_t len;

	assert_non_null(file);
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	return plist_data(&arena, text, len);
}

static void
set_payload(struct plist *payload, const char *type, const char *uuid)
{
	plist_set(&arena, payload, "PayloadType", plist_string(&arena, type));
	plist_set(&arena, payload, "PayloadUUID", plist_string(&arena, uuid));
	plist_set(&arena, payload, "PayloadIdentifier", plist_string(&arena, uuid));
	plist_set(&arena, payload, "PayloadVersion", plist_integer(&arena, 1));
}

/* A profile by which the recovery key is escrowed for the holder of NAME. */
static struct plist *
escrow_profile(const char *name)
{
	struct plist *profile = plist_dict(&arena), *payloads = plist_array(&arena);
	struct plist *escrow = plist_dict(&arena), *certificate = plist_dict(&arena);
	struct plist *args = plist_dict(&arena);
	struct buf xml;

	set_payload(profile, "Configuration", "org.example.escrow");
	set_payload(escrow, "com.apple.security.FDERecoveryKeyEscrow", "escrow-1");
	set_payload(certificate, "com.apple.security.pkcs1", "certificate-1");
	plist_set(&arena, escrow, "EncryptCertPayloadUUID", plist_string(&arena, "certificate-1"));
	plist_set(&arena, escrow, "DeviceKey", plist_string(&arena, "key-of-this-mac"));
	plist_set(&arena, certificate, "PayloadContent", file_data(name));
	plist_append(payloads, escrow);
	plist_append(payloads, certificate);
	plist_set(&arena, profile, "PayloadContent", payloads);
	buf_init(&xml, &arena, 1 << 20);
	plist_write_xml(&xml, profile, false);
	plist_set(&arena, args, "Payload", plist_data(&arena, xml.bytes, xml.len));
	return args;
}

static const struct plist *
recovery_key(const char *mac, const char *key)
{
	return get(sim_ask_json(mac, "SecurityInfo", NULL, ACK), "SecurityInfo", key);
}

/* The device's identity in these tests is leaf.pem too. */
static void
test_filevault(void **unused)
{
	const char *mac = NULL, *first, *second;
	struct plist *rotate = plist_dict(&arena), *unlock = plist_dict(&arena);
	struct answer answer;

	(void)unused;
	for (int i = 3; mac == NULL; i += 4) {
		mac = arena_printf(&arena, "mac-%d", i);
		if (!security(mac, "FDE_Enabled", NULL))
			mac = NULL;
	}
	assert_string_equal(sim_ask(mac, "InstallProfile", escrow_profile("leaf.pem")).status, ACK);
	first = opened(recovery_key(mac, "FDE_PersonalRecoveryKeyCMS"));
	assert_int_equal(strlen(first), 24 + 5);
	assert_string_equal(recovery_key(mac, "FDE_PersonalRecoveryKeyDeviceKey")->as.string.bytes,
		"key-of-this-mac");
	plist_set(&arena, unlock, "Password", plist_string(&arena, first));
	plist_set(&arena, rotate, "KeyType", plist_string(&arena, "personal"));
	plist_set(&arena, rotate, "FileVaultUnlock", unlock);
	answer = sim_ask(mac, "RotateFileVaultKey", rotate);
	assert_string_equal(answer.status, ACK);
	second = opened(get(answer.message, "RotateResult", "EncryptedNewRecoveryKey"));
	assert_string_not_equal(first, second);
	assert_string_equal(opened(recovery_key(mac, "FDE_PersonalRecoveryKeyCMS")), second);
	/* for somebody whose certificate cannot be read: the key stays as it is */
	plist_set(&arena, rotate, "ReplyEncryptionCertificate", plist_data(&arena, "x", 1));
	assert_string_equal(sim_ask(mac, "RotateFileVaultKey", rotate).status, "Error");
	assert_string_equal(opened(recovery_key(mac, "FDE_PersonalRecoveryKeyCMS")), second);
	/* the profile gone, so is what it said */
	sim_ask_json(mac, "RemoveProfile", "{\"Identifier\":\"org.example.escrow\"}", ACK);
	assert_string_not_equal(
		recovery_key(mac, "FDE_PersonalRecoveryKeyDeviceKey")->as.string.bytes,
		"key-of-this-mac");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sim_setup, sim_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_app),
		TEST(test_old_app),
		TEST(test_redemption),
		TEST(test_books),
		TEST(test_settings),
		TEST(test_settings_each),
		TEST(test_lost_mode),
		TEST(test_users),
		TEST(test_auto_admin_password),
		TEST(test_updates),
		TEST(test_passwords),
		TEST(test_remote_desktop),
		TEST(test_bypass_code),
		TEST(test_filevault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
