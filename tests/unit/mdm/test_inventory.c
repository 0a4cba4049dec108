/*
 * What an answer tells, in the view where an operator looks for it; how facts change; what becomes
 * of them when the device enrolls anew.
 */
#include "mdm/inventory.h"

#include "unit.h"
#include "unit_store.h"

#include "base/clock.h"
#include "mdm/catalogue.h"
#include "mdm/fact.h"

static struct unit_store unit;

static int
setup(void **state)
{
	(void)state;
	unit_store_open(&unit);
	clock_fake(1000);
	unit_sql(&unit, "INSERT INTO enrollment (no, id, kind, state, serial) VALUES "
			"(1, 'A', 'device', 'enrolled', 'S');"
			"INSERT INTO enrollment (no, id, kind, state, device_no) VALUES "
			"(2, 'A:U', 'user', 'enrolled', 1)");
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

/* An Acknowledged answer to command NO with the keys in XML, as mdm/connect takes it. */
static void
answer(int no, int enrollment, const char *request, const char *args, const char *xml)
{
	char *whole = arena_printf(&unit.arena,
		"<plist version=\"1.0\"><dict><key>Status</key><string>Acknowledged</string>%s"
		"</dict></plist>",
		xml);
	struct plist *message;
	struct buf json;
	char sql[300];

	if (plist_read_xml(unit.mdm.reader, &unit.arena, whole, strlen(whole), &message,
		    &unit.err) != ERR_OK)
		fail_msg("%s", unit.err.message);
	snprintf(sql, sizeof(sql),
		"INSERT INTO payload (no, uuid, request, origin, created_at) "
		"VALUES (%d, 'U%d', '%s', 'cli', 0)",
		no, no, request);
	unit_sql(&unit, sql);
	buf_init(&json, &unit.arena, 100000);
	plist_write_json(&json, message, false);
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(
		db_run(unit.mdm.db, SQL_CONNECT_ANSWER,
			DB_ARGS(DB_INT(enrollment), DB_INT(no), DB_TEXT("Acknowledged"), DB_INT(1),
				DB_TEXT(json.bytes), DB_NULL(), DB_BLOB(whole, strlen(whole))),
			NULL, &unit.err),
		ERR_OK);
	if (inventory_update(&unit.mdm, enrollment, no, request, args, message, &unit.err) !=
		ERR_OK)
		fail_msg("%s", unit.err.message);
	unit_commit(&unit);
}

/* ---- each inventory ---- */

#define S(key, value) "<key>" key "</key><string>" value "</string>"
#define I(key, value) "<key>" key "</key><integer>" value "</integer>"
#define R(key, value) "<key>" key "</key><real>" value "</real>"
#define T(key) "<key>" key "</key><true/>"
#define F(key) "<key>" key "</key><false/>"
#define D(key, inner) "<key>" key "</key><dict>" inner "</dict>"
#define A(key, inner) "<key>" key "</key><array>" inner "</array>"
#define ITEM(inner) "<dict>" inner "</dict>"

static const struct {
	const char *request, *xml;
	const char *columns, *view, *expected; /* columns joined by |, rows by ; in their order */
} inventories[] = {
	{"DeviceInformation",
		D("QueryResponses",
			S("DeviceName", "Mac") T("IsSupervised") R("BatteryLevel", "0.5")),
		"name || '=' || value", "device_info ORDER BY name",
		"BatteryLevel=0.5;DeviceName=Mac;IsSupervised=1"},
	{"SecurityInfo",
		D("SecurityInfo", T("FDE_Enabled") D("ManagementStatus", T("EnrolledViaDEP"))),
		"name || '=' || value", "security_info ORDER BY name",
		"FDE_Enabled=1;ManagementStatus={\"EnrolledViaDEP\":true}"},
	{"InstalledApplicationList",
		A("InstalledApplicationList",
			ITEM(S("Identifier", "com.x") S("Name", "X") S("ShortVersion", "1.2")
					I("BundleSize", "7")) ITEM(S("Identifier", "com.y"))),
		"identifier || '|' || COALESCE(name, '-') || '|' || COALESCE(short_version, '-') "
		"|| "
		"'|' || COALESCE(bundle_size, '-')",
		"installed_app ORDER BY identifier", "com.x|X|1.2|7;com.y|-|-|-"},
	{"ProfileList",
		A("ProfileList", ITEM(S("PayloadIdentifier", "p.a") S("PayloadUUID", "U-A")
						 S("PayloadDisplayName", "Wi-Fi") T("IsManaged"))),
		"identifier || '|' || uuid || '|' || name || '|' || managed", "installed_profile",
		"p.a|U-A|Wi-Fi|1"},
	{"ProvisioningProfileList",
		A("ProvisioningProfileList",
			ITEM(S("UUID", "PP") S("Name", "Team") "<key>ExpiryDate</key>"
							       "<date>2030-01-02T03:04:05Z</"
							       "date>")),
		"uuid || '|' || name || '|' || expires", "installed_provisioning_profile",
		"PP|Team|2030-01-02T03:04:05Z"},
	{"CertificateList",
		A("CertificateList",
			ITEM(S("CommonName", "CA") F("IsIdentity") "<key>Data</key><data>AQID</"
								   "data>")),
		"common_name || '|' || is_identity || '|' || certificate", "installed_certificate",
		"CA|0|AQID"},
	{"Restrictions",
		D("GlobalRestrictions",
			D("restrictedBool", D("allowCamera", F("value"))) D("restrictedValue",
				D("maxInactivity", I("value", "5")))) D("ProfileRestrictions",
			D("p.a", D("restrictedBool", D("allowSiri", T("value"))))),
		"kind || '|' || name || '|' || value", "restriction ORDER BY kind",
		"restrictedBool|allowCamera|{\"value\":false};"
		"restrictedValue|maxInactivity|{\"value\":5}"},
	{"Restrictions",
		D("GlobalRestrictions", "") D("ProfileRestrictions",
			D("p.a", D("restrictedBool", D("allowSiri", T("value"))))),
		"profile || '|' || kind || '|' || name || '|' || value", "profile_restriction",
		"p.a|restrictedBool|allowSiri|{\"value\":true}"},
	{"UserList",
		A("Users", ITEM(S("UserName", "ann") S("FullName", "Ann A") I("UID", "501")
					   T("IsLoggedIn") T("HasSecureToken"))
				   ITEM(S("UserName", "bob") F("IsLoggedIn"))),
		"user_name || '|' || COALESCE(full_name, '-') || '|' || COALESCE(uid, '-') || '|' "
		"|| logged_in || '|' || COALESCE(secure_token, '-')",
		"device_user ORDER BY user_name", "ann|Ann A|501|1|1;bob|-|-|0|-"},
	{"AvailableOSUpdates",
		A("AvailableOSUpdates",
			ITEM(S("ProductKey", "K1") S("HumanReadableName", "macOS 15.1")
					S("Version", "15.1") S("Build", "24B83")
						T("IsMajorOSUpdate") T("RestartRequired"))),
		"product_key || '|' || name || '|' || version || '|' || build || '|' || major || "
		"'|' || restart",
		"available_os_update", "K1|macOS 15.1|15.1|24B83|1|1"},
	{"OSUpdateStatus",
		A("OSUpdateStatus", ITEM(S("ProductKey", "K1") F("IsDownloaded")
						    R("DownloadPercentComplete", "0.25")
							    S("Status", "Downloading"))),
		"product_key || '|' || status || '|' || downloaded || '|' || download_percent",
		"os_update_status", "K1|Downloading|0|0.25"},
	{"ManagedApplicationList",
		D("ManagedApplicationList",
			D("com.x.app", S("Status", "Managed") I("ManagementFlags", "1")
					       T("HasConfiguration") F("HasFeedback"))),
		"identifier || '|' || status || '|' || management_flags || '|' || "
		"has_configuration || '|' || has_feedback",
		"managed_app", "com.x.app|Managed|1|1|0"},
	{"ManagedApplicationAttributes",
		A("ApplicationAttributes",
			ITEM(S("Identifier", "com.x") D("Attributes", T("Removable")))),
		"identifier || '|' || attributes", "managed_app_attribute",
		"com.x|{\"Removable\":true}"},
	{"ManagedApplicationConfiguration",
		A("ApplicationConfigurations",
			ITEM(S("Identifier", "com.x") D("Configuration", S("url", "u")))),
		"identifier || '|' || configuration", "managed_app_configuration",
		"com.x|{\"url\":\"u\"}"},
	{"ManagedApplicationFeedback",
		A("ManagedApplicationFeedback",
			ITEM(S("Identifier", "com.x") D("Feedback", I("n", "3")))),
		"identifier || '|' || feedback", "managed_app_feedback", "com.x|{\"n\":3}"},
	{"ManagedMediaList",
		A("Books",
			ITEM(I("iTunesStoreID", "42") S("State", "Managed") S("Title", "A Book"))),
		"itunes_store_id || '|' || state || '|' || title", "managed_media",
		"42|Managed|A Book"},
	{"ActiveNSExtensions",
		A("Extensions", ITEM(S("Identifier", "e.a") S("ExtensionPoint", "com.apple.share")
						S("UserElection", "Use"))),
		"identifier || '|' || extension_point || '|' || user_election", "active_extension",
		"e.a|com.apple.share|Use"},
	{"NSExtensionMappings",
		A("Extensions", ITEM(S("Identifier", "e.b") S("ExtensionPoint", "com.apple.x"))),
		"identifier || '|' || extension_point", "extension_mapping", "e.b|com.apple.x"},
};

static const char *
rows_of(const char *columns, const char *view)
{
	return unit_sql_text(&unit, arena_printf(&unit.arena,
					    "SELECT group_concat(c, ';') FROM (SELECT %s AS c "
					    "FROM %s)",
					    columns, view));
}

static void
test_each_inventory(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(inventories); i++) {
		const char *view = inventories[i].view;
		size_t len = strcspn(view, " ");

		answer((int)i + 1, 1, inventories[i].request, NULL, inventories[i].xml);
		assert_string_equal(rows_of(inventories[i].columns, view), inventories[i].expected);
		assert_string_equal(rows_of("DISTINCT device || stale || seen_at",
					    arena_printf(&unit.arena, "%.*s", (int)len, view)),
			"A01970-01-01T00:00:01.000Z");
	}
}

/* Every request whose answers are kept has a case above. */
static void
test_no_inventory_is_forgotten(void **state)
{
	const struct catalogue_request *row;

	(void)state;
	for (size_t n = 0; (row = catalogue_row(n)) != NULL; n++) {
		bool found = row->answer == NULL;

		for (size_t i = 0; i < COUNT(inventories); i++)
			found = found || strcmp(inventories[i].request, row->name) == 0;
		if (!found)
			fail_msg("%s: which view shows its answers?", row->name);
	}
}

/* ---- partial answers ---- */

static void
test_a_part_does_not_replace_the_whole(void **state)
{
	static const struct {
		const char *args, *expected;
	} cases[] = {
		{NULL, "com.1"},
		{"{\"Identifiers\":[\"com.x\"]}", "com.1"},
		{"{\"ManagedAppsOnly\":true}", "com.1"},
		{"{\"ManagedAppsOnly\":false}", "com.4"},
		{"{\"Items\":[\"Name\"]}", "com.4"},
		{"{}", "com.6"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		answer((int)i + 1, 1, "InstalledApplicationList", cases[i].args,
			arena_printf(&unit.arena,
				A("InstalledApplicationList", ITEM(S("Identifier", "com.%zu"))),
				i + 1));
		assert_string_equal(unit_sql_text(&unit, "SELECT identifier FROM installed_app"),
			cases[i].expected);
	}
}

/* Feedback and the like are asked for app by app. */
static void
test_answers_about_some_apps(void **state)
{
	static const struct {
		const char *args, *xml, *expected;
	} cases[] = {
		{"{\"Identifiers\":[\"a\",\"b\"]}",
			ITEM(S("Identifier", "a") D("Feedback", I("n", "1")))
				ITEM(S("Identifier", "b") D("Feedback", I("n", "1"))),
			"a{\"n\":1};b{\"n\":1}"},
		{"{\"Identifiers\":[\"b\"]}", ITEM(S("Identifier", "b") D("Feedback", I("n", "2"))),
			"a{\"n\":1};b{\"n\":2}"},
		/* a is managed no more. */
		{"{\"Identifiers\":[\"a\"]}", "", "b{\"n\":2}"},
		/* What has no name, and what is no dictionary, is nothing. */
		{"{\"Identifiers\":[\"c\"]}", ITEM(D("Feedback", "")) "<string>c</string>",
			"b{\"n\":2}"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		answer((int)i + 1, 1, "ManagedApplicationFeedback", cases[i].args,
			arena_printf(&unit.arena,
				"<key>ManagedApplicationFeedback</key><array>%s</array>",
				cases[i].xml));
		assert_string_equal(rows_of("identifier || feedback",
					    "managed_app_feedback ORDER BY identifier"),
			cases[i].expected);
	}
}

/* ---- history ---- */

static const struct {
	const char *request, *first, *second, *expected; /* name:old>new of the history */
} changes[] = {
	{"DeviceInformation", S("OSVersion", "17.1"), S("OSVersion", "17.2"),
		"OSVersion:17.1>17.2"},
	{"DeviceInformation", S("OSVersion", "17.1"), S("OSVersion", "17.1"), ""},
	{"DeviceInformation", S("OSVersion", "17.1"), S("DeviceName", "new"), ""},
	{"DeviceInformation", F("IsSupervised"), T("IsSupervised"), "IsSupervised:0>1"},
	{"DeviceInformation", R("DeviceCapacity", "64.1"), R("DeviceCapacity", "64.1"), ""},
	{"DeviceInformation", R("DeviceCapacity", "64.0"), I("DeviceCapacity", "128"),
		"DeviceCapacity:64.0>128"},
	{"DeviceInformation", R("BatteryLevel", "0.5"), R("BatteryLevel", "0.6"), ""},
	{"DeviceInformation", R("AvailableDeviceCapacity", "5"), R("AvailableDeviceCapacity", "6"),
		""},
	/* Dates and data go through JSON as text: the same is the same. */
	{"DeviceInformation", "<key>X</key><date>2026-01-02T03:04:05Z</date>",
		"<key>X</key><date>2026-01-02T03:04:05Z</date>", ""},
	{"DeviceInformation", "<key>X</key><data>AQID</data>", "<key>X</key><data>AQIE</data>",
		"X:AQID>AQIE"},
	/* The order of keys says nothing. */
	{"DeviceInformation", D("MDMOptions", T("a") F("b")), D("MDMOptions", F("b") T("a")), ""},
	{"DeviceInformation", D("MDMOptions", T("a")), D("MDMOptions", F("a")),
		"MDMOptions:{\"a\":true}>{\"a\":false}"},
	{"SecurityInfo", T("FDE_Enabled"), F("FDE_Enabled"), "FDE_Enabled:1>0"},
	{"SecurityInfo", "<key>FDE_PersonalRecoveryKeyCMS</key><data>AQID</data>",
		"<key>FDE_PersonalRecoveryKeyCMS</key><data>AQIE</data>", ""},
};

static void
test_history(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(changes); i++) {
		const char *request = changes[i].request;
		bool device = strcmp(request, "DeviceInformation") == 0;
		const char *format = device ? D("QueryResponses", "%s") : D("SecurityInfo", "%s");

		unit_sql(&unit, "DELETE FROM inventory; DELETE FROM fact_change; DELETE FROM "
				"answer; DELETE FROM payload");
		answer(1, 1, request, NULL, arena_printf(&unit.arena, format, changes[i].first));
		answer(2, 1, request, NULL, arena_printf(&unit.arena, format, changes[i].second));
		assert_string_equal(
			rows_of("name || ':' || old || '>' || new",
				device ? "device_info_history" : "security_info_history"),
			changes[i].expected);
		assert_string_equal(
			rows_of("name", device ? "security_info_history" : "device_info_history"),
			"");
	}
}

/* A fact of many kilobytes is no history, and does no harm. */
static void
test_large_facts_have_no_history(void **state)
{
	char *large = arena_alloc(&unit.arena, FACT_BYTES_MOST + 1);

	(void)state;
	for (char c = 'a'; c <= 'b'; c++) {
		memset(large, c, FACT_BYTES_MOST);
		large[FACT_BYTES_MOST] = '\0';
		answer(c - 'a' + 1, 1, "DeviceInformation", NULL,
			arena_printf(&unit.arena, D("QueryResponses", S("X", "%s") S("Y", "%c")),
				large, c));
	}
	assert_string_equal(rows_of("name", "device_info_history"), "Y");
}

/* ---- columns of `device` ---- */

static void
test_columns_of_device(void **state)
{
	static const struct {
		const char *request, *xml, *expected;
	} cases[] = {
		{"DeviceInformation", D("QueryResponses", S("OSVersion", "18.1")), "----|18.1"},
		{"DeviceInformation",
			D("QueryResponses", T("IsSupervised") S("ModelName", "iPad Air")),
			"1--iPad Air|18.1"},
		{"SecurityInfo",
			D("SecurityInfo", D("ManagementStatus",
						  T("EnrolledViaDEP") F("UserApprovedEnrollment"))),
			"110iPad Air|18.1"},
		/* What is not told stays; what is of a wrong type is not told. */
		{"DeviceInformation", D("QueryResponses", S("IsSupervised", "no")),
			"110iPad Air|18.1"},
		{"SecurityInfo", D("SecurityInfo", S("ManagementStatus", "x")), "110iPad Air|18.1"},
		{"SecurityInfo", D("SecurityInfo", D("ManagementStatus", "")), "110iPad Air|18.1"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		answer((int)i + 1, 1, cases[i].request, NULL, cases[i].xml);
		assert_string_equal(
			rows_of("COALESCE(supervised, '-') || COALESCE(enrolled_via_dep, '-') || "
				"COALESCE(user_approved, '-') || COALESCE(model_name, '-') || '|' "
				"|| "
				"os_version",
				"device WHERE id = 'A'"),
			cases[i].expected);
	}
	/* A user channel has those of its device. */
	assert_string_equal(
		rows_of("supervised || model_name", "device WHERE id = 'A:U'"), "1iPad Air");
}

/* ---- a new enrollment ---- */

static void
test_stale(void **state)
{
	(void)state;
	answer(1, 1, "DeviceInformation", NULL,
		D("QueryResponses", S("OSVersion", "17.1") S("DeviceName", "old")));
	answer(2, 1, "ProfileList", NULL, A("ProfileList", ITEM(S("PayloadIdentifier", "p.a"))));
	answer(3, 2, "ProfileList", NULL, A("ProfileList", ITEM(S("PayloadIdentifier", "p.u"))));
	unit_begin(&unit, DB_WRITE);
	assert_int_equal(inventory_mark_stale(&unit.mdm, 1, &unit.err), ERR_OK);
	unit_commit(&unit);
	assert_string_equal(
		rows_of("name || stale", "device_info ORDER BY name"), "DeviceName1;OSVersion1");
	assert_string_equal(rows_of("identifier || stale", "installed_profile ORDER BY identifier"),
		"p.a1;p.u1");
	/* What is told now is all that is known; the history goes on. */
	answer(4, 1, "DeviceInformation", NULL, D("QueryResponses", S("OSVersion", "18.0")));
	assert_string_equal(rows_of("name || value || stale", "device_info"), "OSVersion18.00");
	assert_string_equal(
		rows_of("name || old || new", "device_info_history"), "OSVersion17.118.0");
	answer(5, 1, "ProfileList", NULL, A("ProfileList", ITEM(S("PayloadIdentifier", "p.b"))));
	assert_string_equal(rows_of("identifier || stale", "installed_profile ORDER BY identifier"),
		"p.b0;p.u1");
}

/* ---- nonsense ---- */

static void
test_nonsense(void **state)
{
	static const struct {
		const char *request, *xml;
	} cases[] = {
		{"DeviceInformation", S("QueryResponses", "x")},
		{"DeviceInformation", A("QueryResponses", "<string>x</string>")},
		{"DeviceInformation", ""},
		{"ProfileList", A("ProfileList", "<string>x</string><integer>1</integer>")},
		{"UserList", D("Users", S("UserName", "x"))},
		{"ManagedApplicationList", A("ManagedApplicationList", "<string>x</string>")},
		{"ManagedApplicationList", D("ManagedApplicationList", S("com.x", "no dict"))},
		{"Restrictions", D("GlobalRestrictions", S("restrictedBool", "x"))},
		{"Sing", D("QueryResponses", S("OSVersion", "1"))},
	};
	static const char *const views[] = {"device_info", "installed_profile", "device_user",
		"managed_app", "restriction", "device_info_history"};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		answer((int)i + 1, 1, cases[i].request, NULL, cases[i].xml);
	for (size_t i = 0; i < COUNT(views); i++)
		assert_string_equal(rows_of("device", views[i]), "");
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_each_inventory),
		STORE_TEST(test_no_inventory_is_forgotten),
		STORE_TEST(test_a_part_does_not_replace_the_whole),
		STORE_TEST(test_answers_about_some_apps),
		STORE_TEST(test_history),
		STORE_TEST(test_large_facts_have_no_history),
		STORE_TEST(test_columns_of_device),
		STORE_TEST(test_stale),
		STORE_TEST(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
