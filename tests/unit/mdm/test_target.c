/*
 * What is known of a device, and what it gets: a command that it does not take is refused.
 */
#include "mdm/target.h"

#include "unit.h"
#include "unit_store.h"

#include "mdm/inventory.h"
#include "mdm/queue.h"

static struct unit_store unit;

static int
setup(void **state)
{
	(void)state;
	unit_store_open(&unit);
	unit_sql(&unit,
		"INSERT INTO enrollment (no, id, kind, state, product, os_version, device_no) "
		"VALUES "
		"(1, 'PHONE', 'device', 'enrolled', 'iPhone14,7', '17.4.1', NULL), "
		"(2, 'MAC', 'device', 'enrolled', 'Mac14,2', '14.5', NULL), "
		"(3, 'MAC:USER', 'user', 'enrolled', NULL, NULL, 2), "
		"(4, 'OWN', 'user_enrollment_device', 'enrolled', 'iPhone14,7', '17.4', NULL), "
		"(5, 'PAD', 'device', 'enrolled', 'iPad13,4', '18.0', NULL), "
		"(6, 'PAD:USER', 'shared_ipad', 'enrolled', NULL, NULL, 5), "
		"(7, 'BLANK', 'device', 'enrolled', NULL, NULL, NULL), "
		"(8, 'AWAY', 'device', 'checked_out', 'Mac14,2', '14.5', NULL)");
	unit_begin(&unit, DB_WRITE);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unit_commit(&unit);
	unit_store_close(&unit);
	return 0;
}

static struct plist *
json(const char *text)
{
	struct plist *plist;

	if (plist_read_json(plist_limits_default(), &unit.arena, text, strlen(text), &plist,
		    &unit.err) != ERR_OK)
		fail_msg("%s", unit.err.message);
	return plist;
}

static struct catalogue_target
known(const char *id)
{
	struct target target;

	if (target_find(&unit.mdm, id, &target, &unit.err) != ERR_OK)
		fail_msg("%s: %s", id, unit.err.message);
	assert_string_equal(target.id, id);
	return target.known;
}

static void
test_what_an_enrollment_tells(void **state)
{
	struct target target;

	(void)state;
	assert_true(known("PHONE").has_os);
	assert_int_equal(known("PHONE").os, CATALOGUE_IOS);
	assert_int_equal(known("PHONE").version, CATALOGUE_VERSION(17, 4, 1));
	assert_int_equal(known("PHONE").channel, CATALOGUE_CHANNEL_DEVICE);
	assert_int_equal(known("PHONE").user_enrollment, CATALOGUE_NO);
	assert_int_equal(known("PHONE").supervised, CATALOGUE_UNKNOWN);
	assert_int_equal(known("PHONE").shared_ipad, CATALOGUE_UNKNOWN);
	/* A user channel has the OS of its device. */
	assert_int_equal(known("MAC:USER").os, CATALOGUE_MACOS);
	assert_int_equal(known("MAC:USER").version, CATALOGUE_VERSION(14, 5, 0));
	assert_int_equal(known("MAC:USER").channel, CATALOGUE_CHANNEL_USER);
	assert_int_equal(known("PAD:USER").shared_ipad, CATALOGUE_YES);
	assert_int_equal(known("OWN").user_enrollment, CATALOGUE_YES);
	assert_false(known("BLANK").has_os);
	assert_int_equal(known("BLANK").version, 0);
	assert_int_equal(target_find(&unit.mdm, "NOBODY", &target, NULL), ERR_NOT_FOUND);
}

static void
learn(int64_t enrollment_no, const char *request, const char *report)
{
	if (inventory_update(&unit.mdm, enrollment_no, 1, request, NULL, json(report), &unit.err) !=
		ERR_OK)
		fail_msg("%s", unit.err.message);
}

static void
test_what_answers_tell(void **state)
{
	(void)state;
	learn(5, "DeviceInformation",
		"{\"QueryResponses\":{\"IsSupervised\":true,\"IsMultiUser\":true,\"OSVersion\":"
		"\"18.2\"}}");
	learn(2, "SecurityInfo",
		"{\"SecurityInfo\":{\"ManagementStatus\":{\"EnrolledViaDEP\":false,"
		"\"UserApprovedEnrollment\":true}}}");
	assert_int_equal(known("PAD").supervised, CATALOGUE_YES);
	assert_int_equal(known("PAD").shared_ipad, CATALOGUE_YES);
	assert_int_equal(known("PAD").version, CATALOGUE_VERSION(18, 2, 0));
	assert_int_equal(known("PAD:USER").supervised, CATALOGUE_YES);
	assert_int_equal(known("MAC").automated, CATALOGUE_NO);
	assert_int_equal(known("MAC").user_approved, CATALOGUE_YES);
	/* One that does not tell leaves it as it is. */
	learn(5, "DeviceInformation", "{\"QueryResponses\":{\"OSVersion\":\"18.3\"}}");
	assert_int_equal(known("PAD").supervised, CATALOGUE_YES);
	learn(5, "DeviceInformation",
		"{\"QueryResponses\":{\"IsSupervised\":false,\"IsMultiUser\":false}}");
	assert_int_equal(known("PAD").supervised, CATALOGUE_NO);
	assert_int_equal(known("PAD").shared_ipad, CATALOGUE_NO);
}

/* ---- who gets it ---- */

static struct queue_payload payload;
static struct catalogue_remarks remarks;

static struct queue_command
command(const char *request, const char *args)
{
	remarks = (struct catalogue_remarks){0};
	return (struct queue_command){.request = request,
		.args = args == NULL ? NULL : json(args),
		.origin = "cli",
		.remarks = &remarks};
}

static void
store(const struct queue_command *command)
{
	if (queue_payload_add(&unit.mdm, command, &payload, &unit.err) != ERR_OK)
		fail_msg("%s", unit.err.message);
}

static const char *
deliver(const struct queue_command *command, const char *id)
{
	err_clear(&unit.err);
	queue_deliver(&unit.mdm, command, &payload, id, &unit.err);
	return unit.err.message;
}

static void
test_one_by_one(void **state)
{
	struct queue_command lock = command("DeviceLock", "{\"PIN\":\"123456\"}");

	(void)state;
	store(&lock);
	assert_string_equal(deliver(&lock, "MAC"), "");
	assert_string_equal(deliver(&lock, "PHONE"), "DeviceLock: PIN is not for iOS");
	assert_string_equal(deliver(&lock, "MAC:USER"),
		"DeviceLock cannot be sent on a user channel, only to the device");
	assert_string_equal(deliver(&lock, "BLANK"), "");
	assert_string_equal(deliver(&lock, "NOBODY"), "unknown device NOBODY");
	assert_string_equal(deliver(&lock, "MAC"), "MAC has this command already");
	assert_int_equal(remarks.count, 0);
	unit_commit(&unit);
	assert_int_equal(unit_sql_int(&unit, "SELECT count(*) FROM queue"), 2);
	unit_begin(&unit, DB_WRITE);
}

static void
test_force(void **state)
{
	struct queue_command lock = command("DeviceLock", "{\"PIN\":\"123456\"}");

	(void)state;
	lock.force = true;
	store(&lock);
	assert_string_equal(deliver(&lock, "PHONE"), "");
	assert_int_equal(remarks.count, 1);
	assert_string_equal(remarks.first->text,
		"PHONE: DeviceLock: PIN is not for iOS; it is sent all the same");
	assert_string_equal(deliver(&lock, "NOBODY"), "unknown device NOBODY");
}

static void
test_remarks_name_the_device(void **state)
{
	struct queue_command info =
		command("DeviceInformation", "{\"Queries\":[\"OSVersion\",\"IMEI\"],\"Odd\":1}");

	(void)state;
	store(&info);
	assert_string_equal(deliver(&info, "MAC"), "");
	assert_int_equal(remarks.count, 2);
	assert_string_equal(
		remarks.first->text, "DeviceInformation: Odd is no key that is known here");
	assert_string_equal(
		remarks.last->text, "MAC: DeviceInformation: Queries[1] (IMEI) is not for macOS");
	info.strict = true;
	assert_int_equal(queue_payload_add(&unit.mdm, &info, &payload, &unit.err), ERR_BAD_INPUT);
	assert_string_equal(
		unit.err.message, "DeviceInformation: Odd is no key that is known here");
}

#define PLIST_HEAD                                                                                 \
	"<plist version=\"1.0\"><dict><key>Command</key><dict><key>RequestType</key><string>"
#define PLIST_FOOT "</dict><key>CommandUUID</key><string>mine</string></dict></plist>"

static struct queue_command
raw(const char *body)
{
	struct queue_command command = {
		.body = body, .body_len = strlen(body), .origin = "cli", .remarks = &remarks};

	remarks = (struct catalogue_remarks){0};
	return command;
}

/* A raw plist goes as it is, to whom it may; checked it is only when that is asked for. */
static void
test_raw(void **state)
{
	static const char lock[] =
		PLIST_HEAD "DeviceLock</string><key>PIN</key><integer>1</integer>" PLIST_FOOT;
	static const char coffee[] = PLIST_HEAD "MakeCoffee</string>" PLIST_FOOT;
	struct queue_command command = raw(lock);

	(void)state;
	store(&command);
	assert_string_equal(deliver(&command, "PHONE"), "");
	command.checked = true;
	assert_int_equal(
		queue_payload_add(&unit.mdm, &command, &payload, &unit.err), ERR_BAD_INPUT);
	assert_string_equal(unit.err.message, "DeviceLock: PIN must be a string");
	command = raw(coffee);
	command.checked = true;
	assert_int_equal(
		queue_payload_add(&unit.mdm, &command, &payload, &unit.err), ERR_BAD_INPUT);
	assert_string_equal(unit.err.message, "unknown request MakeCoffee");
}

static void
test_raw_is_checked_against_the_device(void **state)
{
	static const char lock[] =
		PLIST_HEAD "DeviceLock</string><key>PIN</key><string>123456</string>" PLIST_FOOT;
	struct queue_command command = raw(lock);

	(void)state;
	command.checked = true;
	store(&command);
	assert_string_equal(deliver(&command, "PHONE"), "DeviceLock: PIN is not for iOS");
	assert_string_equal(deliver(&command, "MAC"), "");
}

/* ---- all ---- */

static size_t refused;

static void
note_refused(const char *enrollment_id, const char *reason, void *context)
{
	(void)context;
	refused++;
	if (strcmp(enrollment_id, "OWN") == 0)
		assert_string_equal(reason, "ClearPasscode is not for a User Enrollment");
	else
		assert_string_equal(reason, "ClearPasscode is not for macOS");
}

static void
deliver_all(const struct queue_command *command, int64_t limit, int64_t wanted)
{
	int64_t after = 0, count, total = 0;

	refused = 0;
	store(command);
	do {
		if (queue_deliver_all(&unit.mdm, command, &payload, limit, &after, &count,
			    &unit.err) != ERR_OK)
			fail_msg("%s", unit.err.message);
		total += count;
	} while (count > 0);
	assert_int_equal(total, wanted);
}

static void
test_all(void **state)
{
	struct queue_command clear = command("ClearPasscode", NULL);

	(void)state;
	clear.refused = note_refused;
	/* Wherever a page ends, those that take it get it once. */
	for (int64_t limit = 1; limit < 10; limit++) {
		deliver_all(&clear, limit, 3);
		assert_int_equal(refused, 2);
	}
	clear.force = true;
	deliver_all(&clear, 3, 5);
	assert_int_equal(refused, 0);
	unit_commit(&unit);
	assert_string_equal(unit_sql_text(&unit, "SELECT group_concat(device || n) FROM (SELECT "
						 "device, count(*) AS n FROM queue "
						 "GROUP BY device ORDER BY device)"),
		"BLANK10,MAC1,OWN1,PAD10,PHONE10");
	unit_begin(&unit, DB_WRITE);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_what_an_enrollment_tells),
		STORE_TEST(test_what_answers_tell),
		STORE_TEST(test_one_by_one),
		STORE_TEST(test_force),
		STORE_TEST(test_remarks_name_the_device),
		STORE_TEST(test_raw),
		STORE_TEST(test_raw_is_checked_against_the_device),
		STORE_TEST(test_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
