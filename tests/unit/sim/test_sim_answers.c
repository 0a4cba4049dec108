/*
 * What a simulated device answers: the table of commands, and the rules that want it otherwise.
 */
#include "unit.h"

#include <unistd.h>

#include "sim/answers.h"

#define IPHONE "phone-1"
#define IPAD "pad-2"
#define MAC "mac-3"

static struct arena arena;
static struct plist_reader *reader;
static struct device_state *state;

static int
setup(void **unused)
{
	(void)unused;
	arena_init(&arena);
	reader = plist_reader_new(plist_limits_default());
	return 0;
}

static int
teardown(void **unused)
{
	(void)unused;
	if (state != NULL)
		device_state_release(state);
	free(state);
	state = NULL;
	plist_reader_free(reader);
	arena_release(&arena);
	return 0;
}

static struct plist *
parse(const char *xml)
{
	struct plist *plist;
	struct err err = {0};

	if (plist_read_xml(reader, &arena, xml, strlen(xml), &plist, &err) != ERR_OK)
		fail_msg("%s", err.message);
	return plist;
}

/* The answer of device NAME to a command whose Command dict is XML. */
static struct answer
ask_as_told(const char *name, const char *xml, const struct rule *rule)
{
	struct persona persona;
	const struct answer_device device = {
		.persona = &persona, .state = &state, .reader = reader, .certificate = ""};
	struct plist *command = plist_dict(&arena);
	struct answer answer;
	struct err err = {0};

	persona_make(&persona, name);
	plist_set(&arena, command, "CommandUUID", plist_string(&arena, "u-1"));
	if (xml != NULL)
		plist_set(&arena, command, "Command", parse(xml));
	if (answer_command(&answer, &arena, &device, command, rule, &err) != ERR_OK)
		fail_msg("%s", err.message);
	assert_string_equal(plist_get_string(answer.message, "CommandUUID"), "u-1");
	assert_string_equal(plist_get_string(answer.message, "UDID"), persona.udid);
	assert_string_equal(plist_get_string(answer.message, "Status"), answer.status);
	return answer;
}

static struct answer
ask(const char *name, const char *xml)
{
	return ask_as_told(name, xml, NULL);
}

/* <dict> with RequestType TYPE and, behind it, REST. */
static const char *
command(const char *type, const char *rest)
{
	return arena_printf(&arena,
		"<plist "
		"version=\"1.0\"><dict><key>RequestType</key><string>%s</string>%s</dict></plist>",
		type, rest);
}

static int64_t
error_code(const struct answer *answer, const char *domain)
{
	const struct plist *chain = plist_get_typed(answer->message, "ErrorChain", PLIST_ARRAY);
	int64_t code = -1;

	assert_string_equal(answer->status, "Error");
	assert_non_null(chain);
	assert_non_null(chain->as.items.first);
	assert_string_equal(plist_get_string(chain->as.items.first, "ErrorDomain"), domain);
	assert_non_null(plist_get_string(chain->as.items.first, "LocalizedDescription"));
	assert_true(plist_get_int64(chain->as.items.first, "ErrorCode", &code));
	return code;
}

static size_t
count_of(const struct answer *answer, const char *key)
{
	const struct plist *list = plist_get_typed(answer->message, key, PLIST_ARRAY);

	assert_string_equal(answer->status, "Acknowledged");
	assert_non_null(list);
	return list->as.items.count;
}

/* ---- the table ---- */

#define ARRAY(key, items) "<key>" key "</key><array>" items "</array>"
#define STRING(key, text) "<key>" key "</key><string>" text "</string>"
#define DATA(key, base64) "<key>" key "</key><data>" base64 "</data>"

static const struct {
	const char *device, *type, *rest;
	const char *status;
	const char *key; /* of the answer that has to be there; or NULL */
} cases[] = {
	{IPHONE, "DeviceLock", "", "Acknowledged", NULL},
	{MAC, "DeviceLock", STRING("PIN", "123456"), "Acknowledged", NULL},
	{IPAD, "DeviceLock", STRING("Message", "Hi"), "Acknowledged", "MessageResult"},
	{MAC, "DeviceLock", STRING("PIN", "12345"), "Error", "ErrorChain"},
	{MAC, "DeviceLock", "<key>PIN</key><integer>123456</integer>", "CommandFormatError", NULL},
	{IPHONE, "EraseDevice", "", "Acknowledged", NULL},
	{IPHONE, "ClearPasscode", "", "CommandFormatError", NULL},
	{IPHONE, "ClearPasscode", DATA("UnlockToken", "AAAA"), "Error", "ErrorChain"},
	{MAC, "ClearPasscode", DATA("UnlockToken", "AAAA"), "Error", "ErrorChain"},
	{IPHONE, "SecurityInfo", "", "Acknowledged", "SecurityInfo"},
	{MAC, "SecurityInfo", "", "Acknowledged", "SecurityInfo"},
	{IPHONE, "InstalledApplicationList", "", "Acknowledged", "InstalledApplicationList"},
	{MAC, "InstalledApplicationList", "", "Acknowledged", "InstalledApplicationList"},
	{IPAD, "InstalledApplicationList", STRING("Identifiers", "x"), "CommandFormatError", NULL},
	{IPHONE, "DeviceInformation", "", "CommandFormatError", NULL},
	{IPHONE, "DeviceInformation", ARRAY("Queries", "<integer>1</integer>"),
		"CommandFormatError", NULL},
	{IPHONE, "DeviceInformation", ARRAY("Queries", ""), "Acknowledged", "QueryResponses"},
	{MAC, "CertificateList", "", "Acknowledged", "CertificateList"},
	{IPHONE, "ProfileList", "", "Acknowledged", "ProfileList"},
	{IPHONE, "ProvisioningProfileList", "", "Acknowledged", "ProvisioningProfileList"},
	{MAC, "ProvisioningProfileList", "", "Acknowledged", "ProvisioningProfileList"},
	{IPHONE, "Restrictions", "", "Acknowledged", "GlobalRestrictions"},
	{MAC, "Restrictions", "<key>ProfileRestrictions</key><true/>", "Acknowledged",
		"ProfileRestrictions"},
	{IPHONE, "InstallProfile", "", "CommandFormatError", NULL},
	{IPHONE, "InstallProfile", DATA("Payload", "AAAA"), "Error", "ErrorChain"},
	{IPHONE, "RemoveProfile", "", "CommandFormatError", NULL},
	{IPHONE, "RemoveProfile", STRING("Identifier", "org.example.none"), "Error", "ErrorChain"},
	{IPHONE, "RemoveProfile", STRING("Identifier", "org.example.passcode"), "Acknowledged",
		NULL},
	{IPHONE, "InstallProvisioningProfile", DATA("ProvisioningProfile", "AAAA"), "Error",
		"ErrorChain"},
	{IPHONE, "RemoveProvisioningProfile", STRING("UUID", "none"), "Error", "ErrorChain"},
	{IPHONE, "NoSuchRequest", "", "Error", "ErrorChain"},
	{MAC, "", "", "CommandFormatError", NULL},
};

static void
test_table(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct answer answer = ask(cases[i].device, command(cases[i].type, cases[i].rest));

		if (strcmp(answer.status, cases[i].status) != 0)
			fail_msg("%s: %s, not %s", cases[i].type, answer.status, cases[i].status);
		if (cases[i].key != NULL && plist_get(answer.message, cases[i].key) == NULL)
			fail_msg("%s: no %s", cases[i].type, cases[i].key);
	}
}

static void
test_malformed(void **unused)
{
	struct persona persona;
	const struct answer_device device = {
		.persona = &persona, .state = &state, .reader = reader, .certificate = ""};
	struct answer answer;
	struct err err;

	(void)unused;
	persona_make(&persona, IPHONE);
	answer = ask(IPHONE, NULL); /* no Command */
	assert_string_equal(answer.status, "CommandFormatError");
	assert_string_equal(answer.request_type, "");
	answer = ask(IPHONE, "<plist version=\"1.0\"><dict/></plist>"); /* no RequestType */
	assert_string_equal(answer.status, "CommandFormatError");
	assert_int_equal(answer_command(&answer, &arena, &device, plist_dict(&arena), NULL, &err),
		ERR_BAD_INPUT);
}

/* A Mac repeats the RequestType in its answer, as old ones do; the others do not. */
static void
test_request_type(void **unused)
{
	struct answer mac = ask(MAC, command("SecurityInfo", ""));
	struct answer phone = ask(IPHONE, command("SecurityInfo", ""));

	(void)unused;
	assert_string_equal(plist_get_string(mac.message, "RequestType"), "SecurityInfo");
	assert_null(plist_get(phone.message, "RequestType"));
	assert_string_equal(phone.request_type, "SecurityInfo");
}

static void
test_unknown_request(void **unused)
{
	struct answer answer = ask(IPHONE, command("NoSuchRequest", ""));

	(void)unused;
	assert_int_equal(error_code(&answer, "MCMDMErrorDomain"), 12021);
}

/* ---- single commands ---- */

static void
test_device_information(void **unused)
{
	struct answer answer = ask(IPHONE,
		command("DeviceInformation",
			ARRAY("Queries",
				"<string>SerialNumber</string><string>HostName</string><string>"
				"NoSuchQuery</string><string>BatteryLevel</string>")));
	const struct plist *responses = plist_get(answer.message, "QueryResponses");
	struct persona persona;

	(void)unused;
	persona_make(&persona, IPHONE);
	/* HostName is a Mac's */
	assert_int_equal(responses->as.items.count, 2);
	assert_string_equal(plist_get_string(responses, "SerialNumber"), persona.serial);
	assert_non_null(plist_get_typed(responses, "BatteryLevel", PLIST_REAL));
}

static void
test_apps(void **unused)
{
	struct answer all = ask(IPAD, command("InstalledApplicationList", ""));
	size_t count = count_of(&all, "InstalledApplicationList");
	const struct plist *first =
		plist_get(all.message, "InstalledApplicationList")->as.items.first;
	const char *identifier = plist_get_string(first, "Identifier");
	struct answer one, cut;

	(void)unused;
	assert_in_range(count, 10, 40);
	one = ask(
		IPAD, command("InstalledApplicationList",
			      arena_printf(&arena,
				      ARRAY("Identifiers", "<string>%s</string><string>x</string>"),
				      identifier)));
	assert_int_equal(count_of(&one, "InstalledApplicationList"), 1);
	assert_true(plist_equal(
		plist_get(one.message, "InstalledApplicationList")->as.items.first, first));
	cut = ask(
		IPAD, command("InstalledApplicationList", ARRAY("Items", "<string>Name</string>")));
	assert_int_equal(count_of(&cut, "InstalledApplicationList"), count);
	first = plist_get(cut.message, "InstalledApplicationList")->as.items.first;
	assert_int_equal(first->as.items.count, 2);
	assert_string_equal(plist_get_string(first, "Identifier"), identifier);
	assert_non_null(plist_get_string(first, "Name"));
}

static void
test_managed_apps(void **unused)
{
	struct answer all = ask(IPAD, command("InstalledApplicationList", ""));
	struct answer managed =
		ask(IPAD, command("InstalledApplicationList", "<key>ManagedAppsOnly</key><true/>"));

	(void)unused;
	assert_true(count_of(&managed, "InstalledApplicationList") <
		    count_of(&all, "InstalledApplicationList"));
}

static void
test_clear_passcode(void **unused)
{
	struct persona persona;
	unsigned char token[PERSONA_UNLOCK_SIZE];
	struct plist *args = plist_dict(&arena), *whole = plist_dict(&arena);
	const struct answer_device device = {
		.persona = &persona, .state = &state, .reader = reader, .certificate = ""};
	struct answer answer = ask(IPHONE, command("ClearPasscode", DATA("UnlockToken", "AAAA")));
	struct answer security;

	(void)unused;
	assert_int_equal(error_code(&answer, "MCPasscodeErrorDomain"), 5013);
	persona_make(&persona, IPHONE);
	persona_unlock_token(&persona, token);
	plist_set(&arena, args, "RequestType", plist_string(&arena, "ClearPasscode"));
	plist_set(&arena, args, "UnlockToken", plist_data(&arena, token, sizeof(token)));
	plist_set(&arena, whole, "CommandUUID", plist_string(&arena, "u"));
	plist_set(&arena, whole, "Command", args);
	assert_int_equal(answer_command(&answer, &arena, &device, whole, NULL, NULL), ERR_OK);
	assert_string_equal(answer.status, "Acknowledged");
	security = ask(IPHONE, command("SecurityInfo", ""));
	assert_false(plist_get_boolean(
		plist_get(security.message, "SecurityInfo"), "PasscodePresent", true));
	/* the token in its TokenUpdate is this one */
	assert_memory_equal(
		plist_get(answer_token_update(&arena, &persona, "t", false), "UnlockToken")
			->as.string.bytes,
		token, sizeof(token));
}

static void
test_erase(void **unused)
{
	struct answer answer = ask(IPHONE, command("EraseDevice", ""));

	(void)unused;
	assert_int_equal(answer.effect, ANSWER_ERASED);
	answer = ask(IPHONE,
		command("EraseDevice",
			"<key>ReturnToService</key><dict><key>Enabled</key><true/></dict>"));
	assert_int_equal(answer.effect, ANSWER_RETURNS);
	answer = ask(IPHONE, command("EraseDevice", STRING("PIN", "1")));
	assert_string_equal(answer.status, "Error");
	assert_int_equal(answer.effect, ANSWER_STAYS);
}

/* ---- profiles ---- */

#define PAYLOAD_KEYS(type, id)                                                                     \
	STRING("PayloadType", type)                                                                \
	STRING("PayloadIdentifier", id)                                                            \
	STRING("PayloadUUID", "AAAA-" id) "<key>PayloadVersion</key><integer>1</integer>"
#define PROFILE(id, content)                                                                       \
	"<plist version=\"1.0\"><dict>" PAYLOAD_KEYS("Configuration", id) STRING(                  \
		"PayloadDisplayName", "Wi-Fi") ARRAY("PayloadContent", content) "</dict></plist>"

static struct answer
install(const char *profile)
{
	struct plist *args = plist_dict(&arena), *whole = plist_dict(&arena);
	struct persona persona;
	const struct answer_device device = {
		.persona = &persona, .state = &state, .reader = reader, .certificate = ""};
	struct answer answer;

	persona_make(&persona, IPHONE);
	plist_set(&arena, args, "RequestType", plist_string(&arena, "InstallProfile"));
	plist_set(&arena, args, "Payload", plist_data(&arena, profile, strlen(profile)));
	plist_set(&arena, whole, "CommandUUID", plist_string(&arena, "u"));
	plist_set(&arena, whole, "Command", args);
	assert_int_equal(answer_command(&answer, &arena, &device, whole, NULL, NULL), ERR_OK);
	return answer;
}

/* The row of ProfileList with this identifier, or NULL. */
static const struct plist *
listed(const char *identifier)
{
	struct answer answer = ask(IPHONE, command("ProfileList", ""));
	const struct plist *row =
		plist_get_typed(answer.message, "ProfileList", PLIST_ARRAY)->as.items.first;

	while (row != NULL && strcmp(plist_get_string(row, "PayloadIdentifier"), identifier) != 0)
		row = row->next;
	return row;
}

static void
test_profiles(void **unused)
{
	struct answer answer = install(PROFILE("org.test.wifi",
		"<dict>" PAYLOAD_KEYS("com.apple.wifi.managed", "org.test.wifi.1") "</dict>"));
	const struct plist *row, *content;
	const char *remove;

	(void)unused;
	assert_string_equal(answer.status, "Acknowledged");
	row = listed("org.test.wifi");
	assert_non_null(row);
	assert_string_equal(plist_get_string(row, "PayloadDisplayName"), "Wi-Fi");
	content = plist_get_typed(row, "PayloadContent", PLIST_ARRAY);
	assert_int_equal(content->as.items.count, 1);
	assert_string_equal(
		plist_get_string(content->as.items.first, "PayloadType"), "com.apple.wifi.managed");
	/* again, with another content: replaced, not doubled */
	assert_string_equal(install(PROFILE("org.test.wifi", "")).status, "Acknowledged");
	row = listed("org.test.wifi");
	assert_int_equal(plist_get(row, "PayloadContent")->as.items.count, 0);
	assert_null(row->next);
	remove = command("RemoveProfile", STRING("Identifier", "org.test.wifi"));
	assert_string_equal(ask(IPHONE, remove).status, "Acknowledged");
	assert_null(listed("org.test.wifi"));
	answer = ask(IPHONE, remove);
	assert_int_equal(error_code(&answer, "MCMDMErrorDomain"), 12013);
}

static const char *const bad_profiles[] = {"", "nonsense",
	"<plist version=\"1.0\"><array/></plist>", "<plist version=\"1.0\"><dict/></plist>",
	/* no PayloadContent */
	"<plist version=\"1.0\"><dict>" PAYLOAD_KEYS("Configuration", "org.test") "</dict></plist>",
	/* not a Configuration */
	"<plist version=\"1.0\"><dict>" PAYLOAD_KEYS("com.apple.wifi.managed", "org.test")
		ARRAY("PayloadContent", "") "</dict></plist>",
	/* a payload without its keys, one that is no dict */
	PROFILE("org.test", "<dict/>"), PROFILE("org.test", "<string>x</string>")};

static void
test_bad_profiles(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(bad_profiles); i++) {
		struct answer answer = install(bad_profiles[i]);

		assert_int_equal(error_code(&answer, "MCInstallationErrorDomain"), 4001);
	}
	assert_null(listed("org.test"));
}

static void
test_enrollment_profile(void **unused)
{
	const char *remove = command("RemoveProfile", STRING("Identifier", "org.example.mdm"));
	struct answer answer = ask(IPHONE, remove);

	(void)unused;
	assert_string_equal(answer.status, "Acknowledged");
	assert_int_equal(answer.effect, ANSWER_CHECKS_OUT);
	assert_null(listed("org.example.mdm"));
}

/* ---- who a device is ---- */

static void
test_persona(void **unused)
{
	struct persona a, b, again;
	struct plist *message;

	(void)unused;
	persona_make(&a, "phone-1");
	persona_make(&again, "phone-1");
	persona_make(&b, "phone-5");
	assert_int_equal(a.model->kind, PERSONA_IPHONE);
	assert_int_equal(b.model->kind, PERSONA_IPHONE);
	assert_string_equal(a.udid, again.udid);
	assert_string_equal(a.push_magic, again.push_magic);
	assert_memory_equal(a.token, again.token, sizeof(a.token));
	assert_string_not_equal(a.udid, b.udid);
	assert_string_not_equal(a.serial, b.serial);
	assert_memory_not_equal(a.token, b.token, sizeof(a.token));
	persona_make(&b, MAC);
	assert_int_equal(b.model->kind, PERSONA_MAC);
	message = answer_token_update(&arena, &b, "topic", true);
	assert_null(plist_get(message, "UnlockToken")); /* a Mac has none */
	assert_true(plist_get_boolean(message, "AwaitingConfiguration", false));
	assert_string_equal(plist_get_string(message, "Topic"), "topic");
	message = answer_authenticate(&arena, &a, "topic");
	assert_string_equal(plist_get_string(message, "SerialNumber"), a.serial);
}

/* ---- rules ---- */

static void
test_told(void **unused)
{
	const struct rule not_now = {.action = RULE_NOT_NOW, .error_code = -1};
	const struct rule error = {.action = RULE_ERROR, .error_code = 4711};
	const struct rule format = {.action = RULE_FORMAT_ERROR, .error_code = -1};
	const struct rule normal = {.action = RULE_NORMAL, .error_code = -1};
	const char *erase = command("EraseDevice", "");
	struct answer answer;

	(void)unused;
	answer = ask_as_told(IPHONE, erase, &not_now);
	assert_string_equal(answer.status, "NotNow");
	assert_int_equal(answer.effect, ANSWER_STAYS);
	answer = ask_as_told(IPHONE, erase, &error);
	assert_int_equal(error_code(&answer, "MCMDMErrorDomain"), 4711);
	assert_int_equal(answer.effect, ANSWER_STAYS);
	answer = ask_as_told(IPHONE, erase, &format);
	assert_string_equal(answer.status, "CommandFormatError");
	answer = ask_as_told(IPHONE, erase, &normal);
	assert_string_equal(answer.status, "Acknowledged");
	assert_int_equal(answer.effect, ANSWER_ERASED);
}

static struct rules *
rules_of(enum rules_kind kind, const char *text)
{
	struct rules *rules = rules_new(kind);
	struct err err = {0};

	if (rules_parse(rules, text, strlen(text), &err) != ERR_OK)
		fail_msg("%s", err.message);
	return rules;
}

static void
test_device_rules(void **unused)
{
	struct rules *rules = rules_of(RULES_DEVICE,
		"[{\"device\":\"AB-1\",\"request\":\"DeviceLock\",\"answer\":\"NotNow\","
		"\"times\":2,\"delay_ms\":5},"
		"{\"device\":\"ab-1\",\"answer\":\"Error\",\"error_code\":7},"
		"{\"request\":\"ProfileList\",\"answer\":\"repeat\"}]");
	const struct rule *rule;

	(void)unused;
	for (int i = 0; i < 2; i++) {
		rule = rules_match(rules, "AB-1", "DeviceLock");
		assert_non_null(rule);
		assert_int_equal(rule->action, RULE_NOT_NOW);
		assert_int_equal(rule->delay_ms, 5);
	}
	rule = rules_match(rules, "AB-1", "DeviceLock"); /* the first is used up */
	assert_int_equal(rule->action, RULE_ERROR);
	assert_int_equal(rule->error_code, 7);
	assert_int_equal(rules_match(rules, "AB-1", "ProfileList")->action, RULE_ERROR);
	assert_int_equal(rules_match(rules, "CD-2", "ProfileList")->action, RULE_REPEAT);
	assert_null(rules_match(rules, "CD-2", "DeviceLock"));
	assert_null(rules_match(NULL, "CD-2", "ProfileList"));
	rules_free(rules);
}

static void
test_apns_rules(void **unused)
{
	struct rules *rules = rules_of(RULES_APNS,
		"[{\"token\":\"aa\",\"answer\":{\"status\":410,\"reason\":\"Unregistered\","
		"\"timestamp\":1234567890123}},"
		"{\"token\":\"bb\",\"answer\":{\"status\":429},\"retry_after\":3},"
		"{\"token\":\"cc\",\"answer\":\"goaway\",\"times\":1},"
		"{\"token\":\"*\",\"delay_ms\":10}]");
	const struct rule *rule = rules_match(rules, "aa", NULL);

	(void)unused;
	assert_int_equal(rule->action, RULE_STATUS);
	assert_int_equal(rule->status, 410);
	assert_string_equal(rule->reason, "Unregistered");
	assert_int_equal(rule->timestamp, 1234567890123);
	assert_int_equal(rule->times, -1);
	rule = rules_match(rules, "bb", NULL);
	assert_int_equal(rule->status, 429);
	assert_null(rule->reason);
	assert_int_equal(rule->retry_after, 3);
	assert_int_equal(rules_match(rules, "cc", NULL)->action, RULE_GOAWAY);
	rule = rules_match(rules, "cc", NULL);
	assert_int_equal(rule->action, RULE_NORMAL);
	assert_int_equal(rule->delay_ms, 10);
	rules_free(rules);
}

static const struct {
	enum rules_kind kind;
	const char *text, *error;
} bad_rules[] = {
	{RULES_APNS, "", "line"},
	{RULES_APNS, "[{\"token\":\"a\"", "line"},
	{RULES_APNS, "{}", "rules are a JSON array"},
	{RULES_APNS, "[{},1]", "rule 2: it is no object"},
	{RULES_APNS, "[{\"device\":\"x\"}]", "rule 1: unknown key device"},
	{RULES_APNS, "[{\"answer\":\"NotNow\"}]", "rule 1: there is no answer \"NotNow\""},
	{RULES_APNS, "[{\"answer\":{\"status\":42}}]", "rule 1: status is not"},
	{RULES_APNS, "[{\"answer\":{\"reason\":\"x\"}}]", "rule 1: answer has no status"},
	{RULES_APNS, "[{\"times\":-1}]", "rule 1: times is no number"},
	{RULES_DEVICE, "[{\"token\":\"x\"}]", "rule 1: unknown key token"},
	{RULES_DEVICE, "[{\"device\":1}]", "rule 1: device is no string"},
	{RULES_DEVICE, "[{\"answer\":\"goaway\"}]", "rule 1: there is no answer"},
	{RULES_DEVICE, "[{\"answer\":\"drop\",\"answer\":\"drop\"}]", "line"},
};

static void
test_bad_rules(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(bad_rules); i++) {
		struct rules *rules = rules_of(bad_rules[i].kind, "[{\"answer\":\"drop\"}]");
		struct err err = {0};

		assert_int_equal(
			rules_parse(rules, bad_rules[i].text, strlen(bad_rules[i].text), &err),
			ERR_BAD_INPUT);
		if (strstr(err.message, bad_rules[i].error) == NULL)
			fail_msg("%s: %s", bad_rules[i].text, err.message);
		/* the old ones stay */
		assert_int_equal(rules_match(rules, "x", "y")->action, RULE_DROP);
		rules_free(rules);
	}
}

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* A file that comes, changes, is wrong, and goes. */
static void
test_rules_file(void **unused)
{
	char path[] = "sim-rules-XXXXXX";
	struct rules *rules;
	struct err err = {0};
	int fd = mkstemp(path);

	(void)unused;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(rules_open(&rules, RULES_DEVICE, path, &err), ERR_BAD_INPUT); /* empty */
	unlink(path);
	assert_int_equal(rules_open(&rules, RULES_DEVICE, path, &err), ERR_OK);
	assert_null(rules_match(rules, "d", "r"));
	write_file(path, "[{\"answer\":\"NotNow\",\"times\":1}]");
	assert_int_equal(rules_match(rules, "d", "r")->action, RULE_NOT_NOW);
	assert_null(rules_match(rules, "d", "r"));
	write_file(path, "[{\"answer\":\"repeat\"}]");
	assert_int_equal(rules_match(rules, "d", "r")->action, RULE_REPEAT);
	write_file(path, "[{\"answer\":");
	assert_int_equal(rules_match(rules, "d", "r")->action, RULE_REPEAT);
	unlink(path);
	assert_null(rules_match(rules, "d", "r"));
	rules_free(rules);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_request_type, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_request, setup, teardown),
		cmocka_unit_test_setup_teardown(test_device_information, setup, teardown),
		cmocka_unit_test_setup_teardown(test_apps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_managed_apps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clear_passcode, setup, teardown),
		cmocka_unit_test_setup_teardown(test_erase, setup, teardown),
		cmocka_unit_test_setup_teardown(test_profiles, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_profiles, setup, teardown),
		cmocka_unit_test_setup_teardown(test_enrollment_profile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_persona, setup, teardown),
		cmocka_unit_test_setup_teardown(test_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_device_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_apns_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rules_file, setup, teardown),
	};

	return cmocka_run_group_tests_name("sim answers", tests, NULL, NULL);
}
