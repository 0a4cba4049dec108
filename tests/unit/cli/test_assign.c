/*
 * KEY=VALUE words become values of the catalogue's types.
 */
#include "cli/assign.h"

#include <unistd.h>

#include "unit.h"

static char file_path[64]; /* holds the bytes 00 01 fe ff */

static const struct {
	const char *request;
	const char *words[4];
	const char *json;  /* of the arguments; NULL: refused */
	const char *error; /* a part of the message */
} cases[] = {
	{"DeviceLock", {"Message=Call IT", "PIN=012345"},
		"{\"Message\":\"Call IT\",\"PIN\":\"012345\"}", NULL},
	{"DeviceLock", {"Message=a=b"}, "{\"Message\":\"a=b\"}", NULL},
	{"DeviceLock", {"Message="}, "{\"Message\":\"\"}", NULL},
	{"CertificateList", {"ManagedOnly=true"}, "{\"ManagedOnly\":true}", NULL},
	{"CertificateList", {"ManagedOnly=false"}, "{\"ManagedOnly\":false}", NULL},
	{"DeviceInformation", {"Queries=UDID,OSVersion"}, "{\"Queries\":[\"UDID\",\"OSVersion\"]}",
		NULL},
	{"DeviceInformation", {"Queries=UDID", "Queries=OSVersion,IMEI"},
		"{\"Queries\":[\"UDID\",\"OSVersion\",\"IMEI\"]}", NULL},
	{"DeviceInformation", {"Queries=[\"a,b\"]"}, "{\"Queries\":[\"a,b\"]}", NULL},
	{"DeviceInformation", {"Queries="}, "{\"Queries\":[]}", NULL},
	{"EraseDevice", {"ReturnToService.Enabled=true", "ReturnToService.BootstrapToken=AAEC"},
		"{\"ReturnToService\":{\"Enabled\":true,\"BootstrapToken\":\"AAEC\"}}", NULL},
	{"EraseDevice", {"ReturnToService={\"Enabled\":false}"},
		"{\"ReturnToService\":{\"Enabled\":false}}", NULL},
	{"InstallProfile", {"Payload=@FILE"}, "{\"Payload\":\"AAH+/w==\"}", NULL},
	{"InstallProfile", {"Payload=AAH+/w=="}, "{\"Payload\":\"AAH+/w==\"}", NULL},

	{"DeviceLock", {"Message"}, NULL, "\"Message\" is not of the form KEY=VALUE"},
	{"DeviceLock", {"=x"}, NULL, "\"=x\" is not of the form KEY=VALUE"},
	{"DeviceLock", {"Massage=x"}, NULL, "DeviceLock has no key Massage"},
	{"DeviceLock", {"pin=123456"}, NULL, "DeviceLock: \"pin\" is spelt PIN"},
	{"EraseDevice", {"ReturnToService.enabled=true"}, NULL, "\"enabled\" is spelt Enabled"},
	{"EraseDevice", {"returntoservice.Enabled=true"}, NULL,
		"\"returntoservice\" is spelt ReturnToService"},
	{"DeviceLock", {"Message.x=y"}, NULL, "DeviceLock has no key Message.x"},
	{"DeviceLock", {"PIN=1", "PIN=2"}, NULL, "PIN is given twice"},
	{"DeviceLock", {"Message=\xff"}, NULL, "Message must be UTF-8 text"},
	{"CertificateList", {"ManagedOnly=yes"}, NULL,
		"ManagedOnly must be true or false, not \"yes\""},
	{"EraseDevice", {"ReturnToService.Enable=true"}, NULL,
		"EraseDevice has no key ReturnToService.Enable "},
	{"EraseDevice", {"ReturnToService.Enabled=1"}, NULL,
		"ReturnToService.Enabled must be true or false"},
	{"EraseDevice", {"ReturnToService=[]"}, NULL, "ReturnToService must be a JSON object"},
	{"EraseDevice", {"ReturnToService={"}, NULL, "ReturnToService: "},
	{"DeviceInformation", {"Queries=[1"}, NULL, "Queries: "},
	{"InstallProfile", {"Payload=@/nowhere/at/all"}, NULL, "/nowhere/at/all: "},
	{"InstallProfile", {"Payload=&&&&"}, NULL, "Payload must be @FILE or base64"},
};

static const char *
filled_in(struct arena *arena, const char *word)
{
	const char *at = strstr(word, "@FILE");

	if (at == NULL)
		return word;
	return arena_printf(arena, "%.*s@%s", (int)(at - word), word, file_path);
}

static void
test_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena arena;
		struct plist *args;
		struct err err = {0};
		struct buf json;
		enum err_kind kind = ERR_OK;

		arena_init(&arena);
		args = plist_dict(&arena);
		for (size_t w = 0; cases[i].words[w] != NULL && kind == ERR_OK; w++)
			kind = assign_word(&arena, catalogue_find(cases[i].request), args,
				filled_in(&arena, cases[i].words[w]), NULL, &err);
		if (cases[i].json == NULL) {
			assert_int_not_equal(kind, ERR_OK);
			if (strstr(err.message, cases[i].error) == NULL)
				fail_msg("\"%s\" is not in \"%s\"", cases[i].error, err.message);
		} else {
			assert_string_equal(err.message, "");
			buf_init(&json, &arena, 10000);
			plist_write_json(&json, args, false);
			assert_string_equal(json.bytes, cases[i].json);
		}
		arena_release(&arena);
	}
}

/* Types that no command of the catalogue has yet. */
static void
test_other_types(void **state)
{
	static const struct catalogue_key keys[] = {
		{.name = "Count", .type = PLIST_INTEGER, .depth = 1},
		{.name = "Ratio", .type = PLIST_REAL, .depth = 1},
		{.name = "When", .type = PLIST_DATE, .depth = 1},
		{.name = "Numbers", .type = PLIST_ARRAY, .depth = 1, .span = 1},
		{.name = "", .type = PLIST_INTEGER, .depth = 2},
		{.name = "Things", .type = PLIST_ARRAY, .depth = 1, .span = 1},
		{.name = "", .type = PLIST_DICT, .depth = 2},
	};
	static const struct catalogue_request request = {
		.name = "Odd", .keys = keys, .key_count = COUNT(keys)};
	static const struct {
		const char *word, *json; /* NULL: refused */
	} words[] = {
		{"Count=-9223372036854775808", "{\"Count\":-9223372036854775808}"},
		{"Count=18446744073709551615", "{\"Count\":18446744073709551615}"},
		{"Count=18446744073709551616", NULL},
		{"Count=-9223372036854775809", NULL},
		{"Count=1x", NULL},
		{"Count=", NULL},
		{"Ratio=0.5", "{\"Ratio\":0.5}"},
		{"Ratio=half", NULL},
		{"When=2026-11-24T08:00:00Z", "{\"When\":\"2026-11-24T08:00:00Z\"}"},
		{"When=today", NULL},
		{"Numbers=1,2,3", "{\"Numbers\":[1,2,3]}"},
		{"Numbers=1,two", NULL},
		{"Things=[{\"a\":1}]", "{\"Things\":[{\"a\":1}]}"},
		{"Things=a", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		struct arena arena;
		struct plist *args;
		struct buf json;
		enum err_kind kind;

		arena_init(&arena);
		args = plist_dict(&arena);
		kind = assign_word(&arena, &request, args, words[i].word, NULL, NULL);
		assert_int_equal(kind == ERR_OK, words[i].json != NULL);
		if (kind == ERR_OK) {
			buf_init(&json, &arena, 1000);
			plist_write_json(&json, args, false);
			assert_string_equal(json.bytes, words[i].json);
		}
		arena_release(&arena);
	}
}

static int
make_file(void **state)
{
	static const char bytes[] = {0, 1, (char)0xfe, (char)0xff};
	int fd;

	(void)state;
	snprintf(file_path, sizeof(file_path), "%s/pomona-assign-XXXXXX", P_tmpdir);
	fd = mkstemp(file_path);
	if (fd < 0 || write(fd, bytes, sizeof(bytes)) != sizeof(bytes))
		return -1;
	return close(fd);
}

static int
remove_file(void **state)
{
	(void)state;
	return unlink(file_path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_other_types),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
