/*
 * pomona command, and what a shell's completion is offered.
 */
#include "cli/cli.h"

#include "cli/complete.h"
#include "cli/example.h"
#include "mdm/catalogue_check.h"
#include <unistd.h>

#include "unit.h"

enum { ARGS_MOST = 16 };

static char *out, *errors; /* of the last run */
static struct arena arena;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(out);
	free(errors);
	out = errors = NULL;
	arena_release(&arena);
	return 0;
}

/* The exit code of these words, up to NULL. */
static int
run(const char *const *words)
{
	size_t out_len = 0, errors_len = 0;
	FILE *out_file, *errors_file;
	int argc = 0, code;

	free(out);
	free(errors);
	out_file = open_memstream(&out, &out_len);
	errors_file = open_memstream(&errors, &errors_len);
	while (words[argc] != NULL)
		argc++;
	code = cli_run(argc, words, out_file, errors_file);
	fclose(out_file);
	fclose(errors_file);
	return code;
}

#define RUN(code, ...)                                                                             \
	do {                                                                                       \
		const char *const words_[] = {"command", __VA_ARGS__, NULL};                       \
		int got_ = run(words_);                                                            \
		if (got_ != (code))                                                                \
			fail_msg("line %d: exit code %d, \"%s\", \"%s\"", __LINE__, got_, out,     \
				errors);                                                           \
	} while (0)

static void
expect(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void
expect_not(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		fail_msg("\"%s\" is in \"%s\"", part, text);
}

/* ---- examples ---- */

/* As a user would type them: through JSON; not even a warning that a key is unknown. */
static void
check_example(const struct catalogue_request *request, bool full)
{
	struct plist *args = example_args(&arena, request, full), *again = NULL;
	struct catalogue_remarks remarks = {0};
	const struct catalogue_options options = {.strict = true, .remarks = &remarks};
	struct err err = {0};
	struct buf json;

	buf_init(&json, &arena, 1 << 20);
	plist_write_json(&json, args, false);
	if (plist_read_json(plist_limits_default(), &arena, json.bytes, json.len, &again, &err) !=
			ERR_OK ||
		catalogue_check_args(&arena, request, again, &options, NULL, &err) != ERR_OK)
		fail_msg("%s: %s: %s", request->name, json.bytes, err.message);
	if (remarks.first != NULL)
		fail_msg("%s: %s: %s", request->name, json.bytes, remarks.first->text);
}

/* The least there is: without any one key it is refused, or another example. */
static void
check_least(const struct catalogue_request *request)
{
	const struct plist *args = example_args(&arena, request, false);
	const struct catalogue_options options = {0};
	struct err err = {0};

	for (const struct plist *key = args->as.items.first; key != NULL; key = key->next) {
		struct plist *less = plist_copy(&arena, args);

		plist_remove(less, key->key);
		if (catalogue_check_args(&arena, request, less, &options, NULL, &err) == ERR_OK)
			fail_msg("%s does not need %s", request->name, key->key);
	}
}

static void
test_examples(void **state)
{
	const struct catalogue_request *request;
	size_t count = 0, fuller = 0;

	(void)state;
	for (; (request = catalogue_row(count)) != NULL; count++) {
		check_example(request, false);
		check_example(request, true);
		check_least(request);
		fuller += !plist_equal(
			example_args(&arena, request, false), example_args(&arena, request, true));
		arena_reset(&arena);
	}
	assert_int_equal(count, 68);
	assert_true(fuller > 20);
}

/* ---- list ---- */

static void
test_list(void **state)
{
	(void)state;
	RUN(0, "list");
	expect(out, "DeviceInformation");
	expect(out, "9.0-27.0");
	RUN(0, "list", "--os", "ipados", "--json");
	expect(out, "{\"request\":\"EnableLostMode\",\"ios\":\"9.3\",\"macos\":null");
	expect_not(out, "SetRecoveryLock");
	RUN(0, "list", "--os=macOS", "--os-version=27.0");
	expect_not(out, "ScheduleOSUpdate");
	expect_not(out, "EnableLostMode");
	RUN(0, "list", "--os=macOS", "--os-version=26.4");
	expect(out, "ScheduleOSUpdate");
	expect_not(out, "TriggerEnhancedLogCollection");
	RUN(0, "list", "--os=macOS", "--channel=user");
	expect(out, "NSExtensionMappings");
	expect_not(out, "SetRecoveryLock");
	RUN(0, "list", "--os=iOS", "--unsupervised");
	expect_not(out, "RestartDevice");
	expect(out, "DeviceLock");
	RUN(2, "list", "--os", "Linux");
	RUN(2, "list", "--os-version", "17.0");
	RUN(2, "list", "--os", "iOS", "--os-version", "seventeen");
	RUN(2, "list", "--channel", "both");
}

/* ---- show ---- */

static void
test_show(void **state)
{
	const struct catalogue_request *request;
	struct plist *shown;
	struct err err;

	(void)state;
	RUN(0, "show", "EnableLostMode");
	expect(out, "at least one of Message and PhoneNumber");
	expect(out, "required"); /* supervision */
	expect(out, "{\"Message\":\"Please call IT\"}");
	RUN(0, "show", "DeviceInformation");
	expect(out, "Values of Queries[]");
	expect(out, "QueryResponses");
	RUN(0, "show", "EraseDevice");
	expect(out, "confirm=ID");
	expect(out, "  ShouldRetryEnrollment");
	RUN(1, "show", "NoSuchRequest");
	RUN(2, "show");
	for (size_t i = 0; (request = catalogue_row(i)) != NULL; i++) {
		const struct plist *keys;

		RUN(0, "show", request->name, "--json");
		assert_int_equal(plist_read_json(plist_limits_default(), &arena, out, strlen(out),
					 &shown, &err),
			ERR_OK);
		assert_string_equal(plist_get_string(shown, "request"), request->name);
		keys = plist_get_typed(shown, "response", PLIST_ARRAY);
		assert_true(
			(request->response != NULL) == (keys != NULL && keys->as.items.count > 0));
		assert_int_equal(plist_get(shown, "examples")->as.items.count, 2);
		RUN(0, "show", request->name);
		arena_reset(&arena);
	}
}

/* ---- check ---- */

static const struct {
	int code;
	const char *words[6];
	const char *out, *errors;
} checks[] = {
	{0, {"DeviceLock"}, "DeviceLock: nothing wrong", ""},
	{0, {"DeviceLock", "PIN=123456", "Message=Call IT"}, "nothing wrong", ""},
	{1, {"DeviceLock", "PIN=12345"}, "", "DeviceLock: PIN must have 6 characters"},
	{1, {"DeviceLock", "Pin=123456"}, "", "DeviceLock: \"Pin\" is spelt PIN"},
	{0, {"DeviceLock", "--args", "{\"Extra\":1}"}, "nothing wrong",
		"warning: DeviceLock: Extra"},
	{1, {"DeviceLock", "--args", "{\"Extra\":1}", "--strict"}, "", "Extra"},
	{1, {"RemoveProfile"}, "", "Identifier is missing"},
	{1, {"EnableLostMode"}, "", "Message"},
	{1, {"Settings", "--args", "{\"Settings\":[{\"Item\":\"Bluetooth\",\"Enabled\":true},{}]}"},
		"", "Settings[1].Item"},
	{0, {"EraseDevice", "confirm=X"}, "nothing wrong", ""},
	{1, {"NoSuchRequest"}, "",
		"unknown request NoSuchRequest (pomona command list names them)"},
	{1, {"devicelock"}, "", "\"devicelock\" is spelt DeviceLock"},
	{1, {"DeviceLock", "--args", "[]"}, "", "--args wants a JSON object"},
	{1, {"DeviceLock", "--args", "{"}, "", "--args"},
	{2, {"DeviceLock", "PIN=123456", "--args", "{}"}, "", "one of them"},
	{2, {"DeviceLock", "PIN"}, "", "KEY=VALUE"},
	{2, {"PIN=123456"}, "", "which request?"},
	{1, {"--plist", "/nowhere/at/all"}, "", "/nowhere/at/all"},
	{0, {"DeviceLock", "--json"},
		"{\"request\":\"DeviceLock\",\"valid\":true,\"error\":null,"
		"\"warnings\":[]}",
		""},
	{1, {"DeviceLock", "PIN=1", "--json"}, "\"valid\":false,\"error\":\"DeviceLock: PIN", ""},
	{1, {"NoSuchRequest", "--json"},
		"{\"request\":\"NoSuchRequest\",\"valid\":false,\"error\":\"unknown request", ""},
};

static void
test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(checks); i++) {
		const char *words[10] = {"command", "check"};
		int code;

		memcpy(words + 2, checks[i].words, sizeof(checks[i].words));
		code = run(words);
		if (code != checks[i].code || strstr(out, checks[i].out) == NULL ||
			strstr(errors, checks[i].errors) == NULL ||
			(checks[i].errors[0] == '\0' && errors[0] != '\0'))
			fail_msg("%s %s: exit code %d, \"%s\", \"%s\"", words[2],
				words[3] != NULL ? words[3] : "", code, out, errors);
	}
}

static void
write_plist(const char *path, const char *request, const char *keys)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file,
		"<plist version=\"1.0\"><dict><key>CommandUUID</key><string>u</string>"
		"<key>Command</key><dict><key>RequestType</key><string>%s</string>%s</dict>"
		"</dict></plist>",
		request, keys);
	assert_int_equal(fclose(file), 0);
}

static void
test_check_plist(void **state)
{
	char path[] = "pomona-command-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	write_plist(path, "RemoveProfile", "<key>Identifier</key><string>x</string>");
	RUN(0, "check", "--plist", path);
	RUN(0, "check", "RemoveProfile", "--plist", path);
	RUN(1, "check", "DeviceLock", "--plist", path);
	expect(errors, "the plist is a RemoveProfile, not a DeviceLock");
	RUN(2, "check", "--plist", path, "--args", "{}");
	write_plist(path, "InstallProfile", "<key>Payload</key><string>AAAA</string>");
	RUN(1, "check", "--plist", path); /* in a plist, data is no string */
	expect(errors, "Payload must be data");
	write_plist(path, "FutureThing", "");
	RUN(1, "check", "--plist", path);
	expect(errors, "unknown request FutureThing");
	unlink(path);
}

/* ---- completion ---- */

struct offers {
	struct buf text; /* " word word " */
};

static void
note_offer(const char *word, const char *about, void *context)
{
	struct offers *offers = context;

	buf_printf(&offers->text, "%s%s ", word, about == NULL ? "<file>" : "");
}

static void
offer_ids(struct completion *completion, const char *lead, const char *prefix)
{
	(void)prefix;
	complete_offer(completion, lead, "AB-1", "");
	complete_offer(completion, lead, "AB-1:jane", "");
}

static void
offer_groups(struct completion *completion, const char *lead, const char *prefix)
{
	(void)prefix;
	complete_offer(completion, lead, "group:old", "");
}

static const struct {
	const char *words[8]; /* the last one is being typed */
	const char *offered;  /* all of it */
} completions[] = {
	{{"dev"}, "device "},
	{{"command", ""}, "list show check "},
	{{"queue", "a"}, "add "},
	{{"queue", "add", "A"}, "AB-1 AB-1:jane AccountConfiguration ActivationLockBypassCode "
				"ActiveNSExtensions ApplyRedemptionCode AvailableOSUpdates "},
	{{"queue", "add", "AB-1:"}, "AB-1:jane "},
	{{"queue", "add", "g"}, "group:old "},
	{{"queue", "add", "group:old", "DeviceLoc"}, "DeviceLocation DeviceLock "},
	{{"queue", "cancel", "X", "AB"}, "AB-1 AB-1:jane "},
	{{"queue", "list", ""}, "AB-1 AB-1:jane group:old "},
	{{"schedule", "add", "daily", "--to", "g"}, "group:old "},
	{{"device", "show", "g"}, ""},
	{{"device", "show", ""}, "AB-1 AB-1:jane "},
	{{"device", "show", "AB-1", ""}, ""},
	{{"queue", "add", "AB-1", "DeviceLock", ""}, "Message= PhoneNumber= PIN= "},
	{{"queue", "add", "AB-1", "DeviceLock", "PIN=1", "P"}, "PhoneNumber= "},
	{{"queue", "add", "AB-1", "EraseDevice", "c"}, "confirm= "},
	{{"queue", "add", "AB-1", "EraseDevice", "confirm="}, "confirm=AB-1 "},
	{{"queue", "add", "--priority", "5", "AB-1", "EraseDevice", "R"}, "ReturnToService. "},
	{{"command", "check", "EraseDevice", "ReturnToService.E"}, "ReturnToService.Enabled= "},
	{{"command", "check", "EraseDevice", "ReturnToService.Enabled="},
		"ReturnToService.Enabled=true ReturnToService.Enabled=false "},
	{{"command", "check", "EraseDevice", "Nothing.E"}, ""},
	{{"command", "check", "EraseDevice", "ObliterationBehavior=D"},
		"ObliterationBehavior=Default ObliterationBehavior=DoNotObliterate "},
	{{"command", "check", "DeviceInformation", "Queries=UDID,UD"}, ""},
	{{"command", "check", "DeviceInformation", "Queries=UDID,OSV"}, "Queries=UDID,OSVersion "},
	{{"command", "check", "InstallProfile", "Payload="}, "Payload=@ "},
	{{"command", "check", "InstallProfile", "Payload=@x"}, "Payload=@<file> "},
	{{"command", "show", "DeviceLoc"}, "DeviceLocation DeviceLock "},
	{{"command", "list", "--os", "m"}, "macOS "},
	{{"command", "list", "--os=m"}, "--os=macOS "},
	{{"command", "list", "--channel", ""}, "device user "},
	{{"command", "list", "--o"}, "--os --os-version "},
	{{"command", "check", "--plist", ""}, "<file> "},
	{{"command", "check", "--plist=x"}, "--plist=<file> "},
	{{"command", "check", "--device", ""}, "AB-1 AB-1:jane "},
	{{"setting", "get", "scep_l"}, "scep_legacy "},
	{{"setting", "set", "scep_legacy", ""}, ""},
	{{"admission", "add", ""}, "udid serial "},
	{{"admission", "add", "udid", "X", ""}, "allow block "},
	{{"profile", "show", ""}, "<file> "},
	{{"--jso"}, "--json "},
	{{"complete", ""}, ""},
	{{"compl"}, ""},
};

static void
test_completion(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(completions); i++) {
		struct offers offers;
		struct completion completion = {.arena = &arena,
			.each = note_offer,
			.context = &offers,
			.ids = offer_ids,
			.groups = offer_groups};
		size_t count = 0;

		buf_init(&offers.text, &arena, 1 << 20);
		while (completions[i].words[count] != NULL)
			count++;
		complete_words(&completion, completions[i].words, count);
		if (strcmp(offers.text.bytes, completions[i].offered) != 0)
			fail_msg("%s %s: \"%s\"", completions[i].words[0],
				completions[i].words[count - 1], offers.text.bytes);
	}
}

/* All nouns, and no more than there are: each once. */
static void
test_completion_of_nothing(void **state)
{
	struct offers offers;
	struct completion completion = {.arena = &arena, .each = note_offer, .context = &offers};
	static const char *const nothing[] = {""};

	(void)state;
	buf_init(&offers.text, &arena, 1 << 20);
	complete_words(&completion, nothing, 1);
	for (const struct cli_command *row = cli_commands; row->noun != NULL; row++) {
		const char *word = arena_printf(&arena, "%s ", row->noun), *found;

		found = strstr(offers.text.bytes, word);
		if ((found != NULL) != (row->summary != NULL))
			fail_msg("%s: \"%s\"", row->noun, offers.text.bytes);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_examples),
		TEST(test_list),
		TEST(test_show),
		TEST(test_check),
		TEST(test_check_plist),
		TEST(test_completion),
		TEST(test_completion_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
