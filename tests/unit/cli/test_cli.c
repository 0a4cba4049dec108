/*
 * Whole commands, as a shell would call them, on a store of their own: what they print, what they
 * leave behind, and their exit codes.
 */
#include "cli/cli.h"

#include <dirent.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

enum { ARGS_MOST = 32 };

static char dir[64], conf[128];
static char *out, *errors; /* of the last run */

/* ---- helpers ---- */

/* Runs pomona with these words; gives the exit code. */
static int
run_words(int argc, const char *const *argv)
{
	size_t out_len = 0, errors_len = 0;
	FILE *out_file, *errors_file;
	int code;

	free(out);
	free(errors);
	out_file = open_memstream(&out, &out_len);
	errors_file = open_memstream(&errors, &errors_len);
	assert_non_null(out_file);
	assert_non_null(errors_file);
	code = cli_run(argc, argv, out_file, errors_file);
	fclose(out_file);
	fclose(errors_file);
	return code;
}

/* The same with one line, split at blanks; ~ becomes the test's directory. */
static int
run(const char *line)
{
	const char *argv[ARGS_MOST];
	struct arena arena;
	char *rest, *text;
	int argc = 0, code;

	arena_init(&arena);
	text = arena_strdup(&arena, line);
	for (char *word = strtok_r(text, " ", &rest); word != NULL;
		word = strtok_r(NULL, " ", &rest)) {
		char *mark = strchr(word, '~');

		assert_true(argc < ARGS_MOST);
		argv[argc++] = mark == NULL ? word
					    : arena_printf(&arena, "%.*s%s%s", (int)(mark - word),
						      word, dir, mark + 1);
	}
	code = run_words(argc, argv);
	arena_release(&arena);
	return code;
}

#define RUN(line, code)                                                                            \
	do {                                                                                       \
		int got = run(line);                                                               \
		if (got != (code))                                                                 \
			fail_msg("%s: exit code %d, stdout \"%s\", stderr \"%s\"", line, got, out, \
				errors);                                                           \
	} while (0)

static void
expect(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static sqlite3 *
shell(void)
{
	char path[128];
	sqlite3 *sqlite;

	snprintf(path, sizeof(path), "%s/pomona.db", dir);
	assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
	return sqlite;
}

static void
sql(const char *statements)
{
	sqlite3 *sqlite = shell();
	char *message = NULL;

	if (sqlite3_exec(sqlite, statements, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", statements, message);
	sqlite3_close(sqlite);
}

static const char *
sql_text(const char *query)
{
	static char text[4000];
	sqlite3 *sqlite = shell();
	sqlite3_stmt *stmt;

	text[0] = '\0';
	if (sqlite3_prepare_v2(sqlite, query, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", query, sqlite3_errmsg(sqlite));
	if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0) != NULL)
		snprintf(text, sizeof(text), "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	sqlite3_close(sqlite);
	return text;
}

static void
write_file(const char *name, const char *text)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* Permission bits of a file in the test's directory; -1: there is none. */
static int
mode_of(const char *name)
{
	char path[160];
	struct stat status;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return stat(path, &status) == 0 ? (int)(status.st_mode & 0777) : -1;
}

static void
make_dir(void)
{
	snprintf(dir, sizeof(dir), "%s/pomona-cli-XXXXXX", P_tmpdir);
	assert_non_null(mkdtemp(dir));
	snprintf(conf, sizeof(conf), "%s/pomona.conf", dir);
	assert_int_equal(setenv("POMONA_CONF", conf, 1), 0);
}

static void
remove_tree(const char *path)
{
	DIR *stream = opendir(path);
	struct dirent *entry;

	while (stream != NULL && (entry = readdir(stream)) != NULL) {
		char inner[400];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
		if (unlink(inner) != 0)
			remove_tree(inner);
	}
	if (stream != NULL)
		closedir(stream);
	rmdir(path);
}

/* A store with three devices, of which B has no good name and C is not enrolled. */
static int
setup(void **state)
{
	(void)state;
	make_dir();
	RUN("init --dir ~", 0);
	sql("INSERT INTO enrollment (no, id, kind, state, serial, name, os_version, push_token, "
	    "certificate) VALUES "
	    "(1, 'A', 'device', 'enrolled', 'SERIAL-A', 'Anna''s iPad', '17.5', x'00', 'aa'),"
	    "(2, 'B', 'device', 'enrolled', 'SERIAL-B', 'bell' || char(7) || char(27) || '[2J', "
	    "'18.0', x'00', NULL),"
	    "(3, 'C', 'device', 'checked_out', 'SERIAL-C', NULL, NULL, NULL, NULL);"
	    "INSERT INTO enrollment (no, id, kind, state, device_no) VALUES "
	    "(4, 'A:USER', 'user', 'enrolled', 1)");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	remove_tree(dir);
	free(out);
	free(errors);
	out = errors = NULL;
	return 0;
}

/* ---- how it is called ---- */

static void
test_help_and_usage(void **state)
{
	(void)state;
	unsetenv("POMONA_CONF");
	RUN("--help", 0);
	expect(out, "queue add");
	expect(out, "identity issue");
	RUN("device --help", 0);
	expect(out, "usage: pomona device list");
	RUN("queue add --help", 0);
	expect(out, "--not-before TIME");
	assert_string_equal(errors, "");
	RUN("", 2);
	expect(errors, "usage: pomona NOUN");
	RUN("devcie list", 2);
	expect(errors, "pomona: there is no command \"devcie\"\nusage: ");
	RUN("help queue add", 0);
	expect(out, "usage: pomona queue add ID");
	RUN("help devcie", 2);
	RUN("devcie --help", 2);
	RUN("device eat", 2);
	expect(errors, "usage: pomona device list");
	RUN("device list --eat", 2);
	expect(errors, "there is no option --eat here");
	assert_string_equal(out, "");
	RUN("version", 0);
	assert_string_equal(out, "pomona " PACKAGE_VERSION "\n");
	RUN("version --json", 0);
	assert_string_equal(out, "{\"version\":\"" PACKAGE_VERSION "\"}\n");
	RUN("device list --config /nowhere/pomona.conf", 1);
	expect(errors, "pomona: /nowhere/pomona.conf: ");
}

/* ---- init ---- */

static void
test_init(void **state)
{
	(void)state;
	make_dir();
	RUN("init --dir ~/new --server-url https://mdm.example.com/", 1);
	assert_int_equal(mode_of("new"), -1);
	RUN("init --dir ~/new --server-url https://mdm.example.com --organization Orchard", 0);
	expect(out, "master key      made");
	assert_int_equal(mode_of("new"), 0700);
	assert_int_equal(mode_of("new/pomona.key"), 0600);
	assert_int_equal(mode_of("new/device-ca.pem"), 0644);
	RUN("setting get server_url --config ~/new/pomona.conf", 0);
	assert_string_equal(out, "https://mdm.example.com\n");
	RUN("ca show --config ~/new/pomona.conf", 0);
	expect(out, "-----BEGIN CERTIFICATE-----\n");
	remove_tree(dir);
}

static void
test_init_again(void **state)
{
	char key[80];

	(void)state;
	snprintf(key, sizeof(key), "%s/pomona.key", dir);
	RUN("ca show", 0);
	char *ca = strdup(out);

	RUN("init --dir ~ --server-url https://new.example.com --json", 0);
	assert_null(strstr(out, "\"master key\",\"state\":\"made\""));
	expect(out, "{\"what\":\"server_url\",\"state\":\"made\",\"where\":\"https://"
		    "new.example.com\"}");
	RUN("init --dir ~ --server-url https://other.example.com", 0);
	assert_null(strstr(out, "made"));
	expect(errors, "server_url stays \"https://new.example.com\"");
	RUN("ca show", 0);
	assert_string_equal(out, ca);
	free(ca);
	/* what was made half is completed */
	assert_int_equal(mode_of("device-ca.pem"), 0644);
	sql("DELETE FROM authority");
	RUN("init --dir ~", 0);
	expect(out, "device CA       made");
	expect(out, "CA certificate  made");
	assert_int_equal(mode_of("device-ca.crl"), 0644);
	/* a store without its key */
	assert_int_equal(unlink(key), 0);
	RUN("init --dir ~", 1);
	expect(errors, "put the key back");
	assert_int_equal(mode_of("pomona.key"), -1);
}

/* ---- lists ---- */

static void
test_devices(void **state)
{
	(void)state;
	RUN("device list", 0);
	expect(out, "ID      SERIAL    NAME");
	expect(out, "bell\\x07\\x1b[2J");
	assert_null(strchr(out, '\x1b'));
	RUN("device list --json --state enrolled --kind device", 0);
	expect(out, "[\n{\"id\":\"A\",\"device_id\":\"A\",\"kind\":\"device\"");
	expect(out, "\"name\":\"bell\\u0007\\u001b[2J\"");
	assert_null(strstr(out, "USER"));
	assert_null(strstr(out, "\"C\""));
	RUN("device list --limit 1 --json", 0);
	assert_null(strstr(out, "\"B\""));
	RUN("device list --limit 0", 2);
	RUN("queue add A DeviceLock", 0);
	RUN("device show A", 0);
	expect(out, "Serial number          SERIAL-A\n");
	expect(out, "Commands               1 queued\n");
	expect(out, "User channels          A:USER\n");
	RUN("device show A --json", 0);
	expect(out, "\"commands\":{\"queued\":1},\"facts\":[],\"channels\":[\"A:USER\"]}");
	RUN("device show Z", 1);
	assert_string_equal(errors, "pomona: unknown device Z\n");
	assert_string_equal(out, "");
}

/* More rows than a page of a list has. */
static void
test_many_devices(void **state)
{
	int lines = 0;

	(void)state;
	sql("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) "
	    "INSERT INTO enrollment (id, kind, state) SELECT printf('N%05d', i), 'device', "
	    "'enrolled' "
	    "FROM n");
	RUN("device list --json --kind device", 0);
	for (const char *p = out; (p = strstr(p, "{\"id\":")) != NULL; p++)
		lines++;
	assert_int_equal(lines, 1203);
	RUN("queue add --all SecurityInfo --json", 0);
	expect(out, "\"request_type\":\"SecurityInfo\",\"count\":1202,\"refused\":0}");
	assert_string_equal(sql_text("SELECT COUNT(*) FROM payload"), "1");
	RUN("queue list --json", 0);
	lines = 0;
	for (const char *p = out; (p = strstr(p, "{\"device\":")) != NULL; p++)
		lines++;
	assert_int_equal(lines, 1202);
}

/* ---- the queue ---- */

static void
test_queue_add(void **state)
{
	const char *const spaced[] = {"queue", "add", "A", "DeviceLock", "Message=Call IT"};

	(void)state;
	assert_int_equal(run_words(5, spaced), 0);
	assert_string_equal(sql_text("SELECT device || request || args || state FROM queue"),
		"ADeviceLock{\"Message\":\"Call IT\"}queued");
	assert_int_equal(strncmp(out, sql_text("SELECT uuid FROM queue"), 36), 0);
	RUN("queue add A Z B A RestrictionsList --json", 1);
	expect(out,
		"{\"A\":{},\"Z\":{\"error\":\"unknown device Z\"},\"B\":{\"note\":\"the device");
	assert_string_equal(errors, "pomona: unknown device Z\n");
	assert_string_equal(
		sql_text("SELECT COUNT(*) FROM queue WHERE request = 'Restrictions'"), "2");
	/* nobody gets it: it is not kept */
	RUN("queue add Z Y ProfileList", 1);
	RUN("queue add Z ProfileList", 1);
	assert_string_equal(errors, "pomona: unknown device Z\n");
	assert_string_equal(
		sql_text("SELECT COUNT(*) FROM payload WHERE request = 'ProfileList'"), "0");
	RUN("queue add A ProfileList --priority 5 --not-before 2030-01-01T00:00:00Z --expires "
	    "+900000d",
		2);
	RUN("queue add A ProfileList --priority 5 --not-before 2030-01-01T00:00:00Z --expires "
	    "2031-01-01T00:00:00Z",
		0);
	assert_string_equal(sql_text("SELECT priority || not_before || expires FROM queue WHERE "
				     "request = 'ProfileList'"),
		"52030-01-01T00:00:00.000Z2031-01-01T00:00:00.000Z");
}

static void
test_queue_add_args(void **state)
{
	(void)state;
	write_file("args.json", "{\"Identifier\":\"org.example\"}");
	RUN("queue add A RemoveProfile --args @~/args.json", 0);
	RUN("queue add A RemoveProfile --args {\"Identifier\":\"org.example\"}", 0);
	RUN("queue add A RemoveProfile Identifier=org.example", 0);
	assert_string_equal(sql_text("SELECT COUNT(*) FROM queue WHERE args = "
				     "'{\"Identifier\":\"org.example\"}'"),
		"3");
	RUN("queue add A RemoveProfile", 1);
	expect(errors, "RemoveProfile: the required key Identifier is missing");
	RUN("queue add A RemoveProfile --args []", 1);
	RUN("queue add A RemoveProfile --args {}", 1);
	RUN("queue add A RemoveProfile Identifier=a --args {}", 2);
	RUN("queue add A RemoveProfile Identifier", 2);
	RUN("queue add A", 2);
	RUN("queue add", 2);
	RUN("queue add SecurityInfo", 2);
	RUN("queue add --all", 2);
	RUN("queue add A --all SecurityInfo", 2);
	RUN("queue add A NoSuchThing", 1);
	expect(errors, "unknown request NoSuchThing (pomona command list");
	RUN("queue add --all NoSuchThing", 1);
	assert_string_equal(sql_text("SELECT COUNT(*) FROM payload"), "3");
}

static void
test_erase(void **state)
{
	(void)state;
	RUN("queue add A EraseDevice", 1);
	expect(errors, "confirm it with confirm=A");
	RUN("queue add A EraseDevice confirm=B", 1);
	RUN("queue add A B EraseDevice confirm=A", 1);
	expect(errors, "one device at a time");
	RUN("queue add --all EraseDevice confirm=A", 1);
	RUN("queue add A DeviceLock confirm=A", 1);
	expect(errors, "DeviceLock wants no confirmation");
	assert_string_equal(sql_text("SELECT COUNT(*) FROM payload"), "0");
	RUN("queue add A EraseDevice confirm=A PIN=123456", 0);
	RUN("queue add A EraseDevice --args {\"confirm\":\"A\",\"PIN\":\"123456\"}", 0);
	assert_string_equal(
		sql_text("SELECT COUNT(*) FROM payload WHERE args = '{\"PIN\":\"123456\"}'"), "2");
}

static void
test_queue_add_plist(void **state)
{
	static const char odd[] =
		"<?xml version=\"1.0\"?>\n<!-- kept -->\n<plist><dict><key>CommandUUID</key>"
		"<string>my-own</string>  <key>Command</key><dict><key>RequestType</key>"
		"<string>FutureThing</string></dict></dict></plist>\n";
	static const char erase[] = "<plist><dict><key>Command</key><dict><key>RequestType</key>"
				    "<string>EraseDevice</string></dict></dict></plist>";

	(void)state;
	write_file("odd.plist", odd);
	write_file("erase.plist", erase);
	RUN("queue add A B --plist ~/odd.plist --json", 0);
	expect(out, "{\"command_uuid\":\"my-own\",\"request_type\":\"FutureThing\"");
	assert_string_equal(sql_text("SELECT CAST(body AS TEXT) FROM payload"), odd);
	RUN("queue add A --plist ~/odd.plist", 1); /* its UUID is taken */
	expect(errors, "my-own");
	RUN("queue add A FutureThing --plist ~/odd.plist", 1);
	expect(errors, "my-own");
	RUN("queue add A --plist ~/odd.plist Key=Value", 2);
	RUN("queue add --all --plist ~/erase.plist", 1);
	RUN("queue add A --plist ~/erase.plist", 1);
	expect(errors, "confirm=A");
	RUN("queue add A --plist ~/erase.plist confirm=A", 0);
	RUN("queue add A --plist ~/nothing.plist", 1);
	RUN("queue add A --plist ~/pomona.conf", 1);
	expect(errors, "pomona.conf: ");
}

/* A Mac and an iPad: each takes what is for it, with the reason why not. */
static void
test_queue_add_checked(void **state)
{
	(void)state;
	sql("UPDATE enrollment SET product = 'iPad13,18' WHERE id = 'A';"
	    "UPDATE enrollment SET product = 'Mac14,2' WHERE id = 'B'");
	RUN("queue add A B EnableLostMode Message=Lost", 1);
	expect(out, "queued");
	expect(errors, "pomona: B: ");
	expect(errors, "macOS");
	assert_string_equal(sql_text("SELECT group_concat(device) FROM queue"), "A");
	RUN("queue add B EnableLostMode Message=Lost --force", 0);
	expect(errors, "pomona: warning: B: ");
	RUN("command check EnableLostMode Message=Lost --device A", 0);
	RUN("command check EnableLostMode Message=Lost --device B", 1);
	expect(errors, "macOS");
	RUN("command check EnableLostMode Message=Lost --device Z", 1);
	expect(errors, "unknown device Z");
	RUN("queue add A DeviceLock --args {\"Extra\":1}", 0);
	expect(errors, "warning: DeviceLock: Extra");
	RUN("queue add A DeviceLock --args {\"Extra\":1} --strict", 1);
	write_file("lock.plist", "<plist><dict><key>Command</key><dict><key>RequestType</key>"
				 "<string>DeviceLock</string><key>PIN</key><integer>1</integer>"
				 "</dict></dict></plist>");
	RUN("queue add A --plist ~/lock.plist", 0);
	expect(errors, "warning: DeviceLock: PIN must be a string; it is queued as it is");
	RUN("queue add A --plist ~/lock.plist --strict", 1);
	write_file("new.plist", "<plist><dict><key>Command</key><dict><key>RequestType</key>"
				"<string>NewThing</string></dict></dict></plist>");
	RUN("queue add A --plist ~/new.plist", 0);
	expect(errors, "warning: unknown request NewThing; it is queued as it is");
}

static void
test_queue_list_and_cancel(void **state)
{
	char line[200], uuid[40];

	(void)state;
	RUN("queue add A B SecurityInfo", 0);
	RUN("queue add A ClearPasscode UnlockToken=c2VjcmV0", 0);
	RUN("queue list", 0);
	expect(out, "SecurityInfo");
	RUN("queue list A --json", 0);
	expect(out, "\"args\":{\"UnlockToken\":\"(secret)\"}");
	assert_null(strstr(out, "c2VjcmV0"));
	assert_null(strstr(out, "\"B\""));
	RUN("queue list Z", 1);
	snprintf(uuid, sizeof(uuid), "%s", sql_text("SELECT uuid FROM queue WHERE device = 'B'"));
	snprintf(line, sizeof(line), "queue cancel %s B", uuid);
	RUN(line, 0);
	assert_string_equal(out, "cancelled: 1\n");
	RUN(line, 1);
	expect(errors, "there is no open command");
	snprintf(line, sizeof(line), "queue cancel %s Z", uuid);
	RUN(line, 1);
	expect(errors, "unknown device Z");
	snprintf(line, sizeof(line), "queue cancel %s", uuid);
	RUN(line, 0); /* of A */
	RUN("queue clear A --json", 0);
	assert_string_equal(out, "{\"cancelled\":1}\n");
	RUN("queue clear Z", 1);
	RUN("queue list --json", 0);
	assert_string_equal(out, "[]\n");
	RUN("queue list --ended A --json", 0);
	expect(out, "\"state\":\"cancelled\"");
	expect(out, "\"reason\":\"cancelled on the command line\"");
}

/* ---- answers ---- */

static const char answer_sql[] =
	"INSERT INTO payload (no, uuid, request, origin, created_at) VALUES "
	"(1, 'U1', 'DeviceInformation', 'cli', 1000), (2, 'U2', 'ProfileList', 'cli', 2000);"
	"INSERT INTO delivery (enrollment_no, payload_no, state, queued_at, ended_at, reason) "
	"VALUES "
	"(1, 1, 'acknowledged', 1000, 3000, NULL), (2, 1, 'error', 1000, 3000, 'MDMErrorDomain 1: "
	"no'),"
	"(1, 2, 'acknowledged', 2000, 3000, NULL), (2, 2, 'queued', 2000, NULL, NULL);"
	"INSERT INTO answer (enrollment_no, payload_no, status, received_at, response, raw) VALUES "
	"(1, 1, 'Acknowledged', 3000, '{\"Status\":\"Acknowledged\",\"x\":\"' || char(155) || "
	"'\"}', "
	"CAST('<plist><dict><key>Status</key><string>Acknowledged</string><key>UDID</key>"
	"<string>A</string><key>QueryResponses</key><dict><key>DeviceName</key><string>Anna''s "
	"iPad</string><key>BatteryLevel</key><real>0.5</real><key>OrganizationInfo</key><dict>"
	"<key>Name</key><string>Orchard</string></dict><key>Languages</key><array><string>en</"
	"string>"
	"<string>de</string></array></dict></dict></plist>' AS BLOB)),"
	"(2, 1, 'Error', 3000, '{}', CAST('<plist><dict><key>Status</key><string>Error</string>"
	"<key>ErrorChain</key><array><dict><key>ErrorCode</key><integer>1</integer>"
	"<key>ErrorDomain</key><string>MDMErrorDomain</string></dict></array></dict></plist>' AS "
	"BLOB)),"
	"(1, 2, 'Acknowledged', 3000, '{}', CAST('<plist><dict><key>ProfileList</key><array><dict>"
	"<key>PayloadVersion</key><integer>1</integer>"
	"<key>PayloadIdentifier</key><string>org.example</string><key>PayloadContent</key><array/>"
	"</dict></array></dict></plist>' AS BLOB));";

static void
test_results(void **state)
{
	(void)state;
	sql(answer_sql);
	RUN("result list --json", 0);
	expect(out, "[\n{\"device\":\"A\",\"uuid\":\"U2\""); /* the newest command first */
	expect(out, "\"reason\":\"MDMErrorDomain 1: no\"");
	RUN("result list A --json", 0);
	assert_null(strstr(out, "\"B\""));
	RUN("result list --uuid U1 --json", 0);
	expect(out, "{\"device\":\"B\",\"uuid\":\"U1\"");
	expect(out, "{\"device\":\"A\",\"uuid\":\"U1\"");
	assert_null(strstr(out, "U2"));
	RUN("result list A --uuid U1 --json", 0);
	expect(out, "[\n{\"device\":\"A\",\"uuid\":\"U1\"");
	assert_null(strstr(out, "U2"));
	RUN("result list --uuid U9", 1);
	RUN("result list --limit 1 --json", 0);
	assert_null(strstr(out, "U1"));
	RUN("result list Z", 1);
}

static void
test_result_show(void **state)
{
	(void)state;
	sql(answer_sql);
	RUN("result show U1", 1);
	expect(errors, "choose one with --device ID");
	RUN("result show U1 --device A", 0);
	expect(out,
		"Device    A\nCommand   U1\nRequest   DeviceInformation\nStatus    Acknowledged\n");
	expect(out, "\nQueryResponses\nNAME                   VALUE\n"
		    "DeviceName             Anna's iPad\nBatteryLevel           0.5\n"
		    "OrganizationInfo.Name  Orchard\nLanguages              en, de\n");
	RUN("result show U1 --device B", 0);
	expect(out, "Reason    MDMErrorDomain 1: no\n");
	expect(out, "\nErrorChain\nErrorCode  ErrorDomain\n1          MDMErrorDomain\n");
	RUN("result show U2", 0);
	expect(out, "\nProfileList\nPayloadIdentifier  PayloadVersion\norg.example        "
		    "1\n(there is more: --json shows "
		    "all)\n");
	RUN("result show U1 --device A --json", 0);
	assert_string_equal(out, "{\"Status\":\"Acknowledged\",\"x\":\"\\u009b\"}\n");
	RUN("result show U2 --plist", 0);
	expect(out, "<plist><dict><key>ProfileList</key>");
	RUN("result show U2 --plist --json", 2);
	RUN("result show U2 --device B", 1);
	expect(errors, "U2 has no answer yet (1 queued)");
	RUN("result show U9", 1);
	expect(errors, "there is no command U9");
}

/* ---- settings and rules ---- */

static void
test_settings(void **state)
{
	(void)state;
	RUN("setting get server_url", 1);
	expect(errors, "server_url is not set");
	RUN("setting get server_url --json", 0);
	assert_string_equal(out, "{\"name\":\"server_url\",\"value\":null}\n");
	RUN("setting set server_url https://mdm.example.com", 0);
	RUN("setting list", 0);
	expect(out, "server_url  ");
	expect(out, "  https://mdm.example.com  ");
	expect(out, "enroll_devices  ");
	RUN("setting set server_url ftp://mdm.example.com", 1);
	RUN("setting set no_such x", 1);
	RUN("setting set server_url", 2);
}

static void
test_admission(void **state)
{
	(void)state;
	RUN("admission add serial DX123 block", 0);
	RUN("admission add udid 0000-1 allow", 0);
	RUN("admission add serial DX123 allow", 0); /* another verdict */
	RUN("admission list --json", 0);
	assert_string_equal(out,
		"[\n{\"kind\":\"serial\",\"value\":\"DX123\",\"verdict\":\"allow\"},\n"
		"{\"kind\":\"udid\",\"value\":\"0000-1\",\"verdict\":\"allow\"}\n]\n");
	RUN("admission remove serial DX123", 0);
	RUN("admission remove serial DX123", 1);
	RUN("admission add imei 1 allow", 2);
	RUN("admission add serial 1 maybe", 2);
}

/* ---- pushes ---- */

static const char *
data(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/tests/data/x509/%s",
		getenv("srcdir") == NULL ? "." : getenv("srcdir"), name);
	return path;
}

static void
test_push(void **state)
{
	(void)state;
	RUN("push A Z C --json", 1);
	expect(out, "{\"status\":{\"A\":{},\"Z\":{\"error\":\"");
	expect(errors, "pomona: ");
	expect(errors, "Z");
	expect(errors, "C");
	assert_string_equal(sql_text("SELECT group_concat(enrollment_no) FROM push "
				     "WHERE due_at IS NOT NULL"),
		"1");
	RUN("push A", 0);
	RUN("push", 2);
}

static void
test_push_certificates(void **state)
{
	static const char topic[] = "com.apple.mgmt.External.6b1c1d4e-2f0a-4c53-9d7e-0a4f7e6b9c21";
	char line[600];

	(void)state;
	write_file("password", "open sesame\n");
	write_file("wrong", "close sesame\n");
	RUN("push-cert list --json", 0);
	assert_string_equal(out, "[]\n");
	snprintf(
		line, sizeof(line), "push-cert import %s --password-file ~/wrong", data("rc2.p12"));
	RUN(line, 1);
	expect(errors, "rc2.p12: ");
	assert_null(strstr(errors, "sesame"));
	snprintf(line, sizeof(line), "push-cert import %s --password-file ~/password",
		data("rc2.p12"));
	RUN(line, 0);
	expect(out, topic);
	expect(out, "Expires  ");
	RUN("push-cert list", 0);
	expect(out, topic);
	snprintf(line, sizeof(line), "push-cert import %s", data("root.pem"));
	RUN(line, 1);
	RUN("push-cert import ~/nothing", 1);
	assert_string_equal(sql_text("SELECT COUNT(*) FROM push_certificate"), "1");
	assert_string_equal(
		sql_text("SELECT instr(key, CAST('PRIVATE' AS BLOB)) FROM push_certificate"), "0");
}

/* ---- identities and profiles ---- */

static void
test_identities(void **state)
{
	(void)state;
	write_file("password", "open sesame\n");
	RUN("identity issue ipad --out ~/ids --key ec --days 7", 0);
	assert_int_equal(mode_of("ids"), 0700);
	assert_int_equal(mode_of("ids/ipad.pem"), 0644);
	assert_int_equal(mode_of("ids/ipad.key"), 0600);
	assert_int_equal(mode_of("ids/ipad.p12"), 0600);
	assert_int_equal(mode_of("ids/ipad.p12-password"), 0600);
	RUN("identity issue ipad --out ~/ids --key ec", 1);
	expect(errors, "ids/ipad.pem: is there already");
	RUN("identity issue mac --out ~/ids --key ec --count 2 --p12-password-file ~/password "
	    "--json",
		0);
	expect(out, "\"name\":\"mac-000002\"");
	assert_int_equal(mode_of("ids/mac-000001.key"), 0600);
	assert_int_equal(mode_of("ids/mac-000001.p12-password"), -1);
	RUN("identity issue ipad", 2);
	RUN("identity issue x --out ~/ids --key dsa", 2);
	RUN("identity issue x --out ~/ids --days 0", 2);
	RUN("identity issue ../x --out ~/ids", 1);
	RUN("identity issue a/b --out ~/ids", 1);
	assert_int_equal(mode_of("x.pem"), -1);
}

static void
test_profiles(void **state)
{
	static const struct {
		const char *file, *is_signed;
	} files[] = {{"profile.mobileconfig", "\"signed\":false"},
		{"signed.der", "\"signed\":true"}, {"signed.ber", "\"signed\":true"}};
	char line[600];

	(void)state;
	unsetenv("POMONA_CONF");
	for (size_t i = 0; i < COUNT(files); i++) {
		snprintf(line, sizeof(line), "profile uuid %s", data(files[i].file));
		RUN(line, 0);
		expect(out, "UUID          0E4F3B62-5A1D-4C7B-8D3A-6E2F9C1B7A55\n");
		expect(out, "Identifier    org.example.pomona.profile\n");
		snprintf(line, sizeof(line), "profile uuid --bare %s", data(files[i].file));
		RUN(line, 0);
		assert_string_equal(out, "0E4F3B62-5A1D-4C7B-8D3A-6E2F9C1B7A55\n");
		snprintf(line, sizeof(line), "profile uuid --json %s", data(files[i].file));
		RUN(line, 0);
		expect(out, files[i].is_signed);
	}
	write_file("app.mobileprovision",
		"<plist><dict><key>UUID</key><string>abc</string><key>Name</key><string>App</"
		"string>"
		"<key>ExpirationDate</key><date>2027-01-01T00:00:00Z</date></dict></plist>");
	write_file("none.plist", "<plist><dict/></plist>");
	RUN("profile uuid ~/app.mobileprovision", 0);
	expect(out, "Kind          provisioning\nUUID          abc\n");
	expect(out, "Expires       2027-01-01T00:00:00Z\n");
	RUN("profile uuid ~/none.plist", 1);
	RUN("profile uuid ~/pomona.conf", 1);
	RUN("profile uuid ~/nothing", 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_help_and_usage, setup, teardown),
		cmocka_unit_test(test_init),
		cmocka_unit_test_setup_teardown(test_init_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue_add, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue_add_args, setup, teardown),
		cmocka_unit_test_setup_teardown(test_erase, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue_add_plist, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue_add_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue_list_and_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_results, setup, teardown),
		cmocka_unit_test_setup_teardown(test_result_show, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_admission, setup, teardown),
		cmocka_unit_test_setup_teardown(test_push, setup, teardown),
		cmocka_unit_test_setup_teardown(test_push_certificates, setup, teardown),
		cmocka_unit_test_setup_teardown(test_identities, setup, teardown),
		cmocka_unit_test_setup_teardown(test_profiles, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
