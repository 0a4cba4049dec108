#include "unit_device.h"

#include "mdm/checkin.h"
#include "mdm/connect.h"
#include "unit.h"

const char *const UNIT_CERTIFICATE =
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

void
unit_device_topic(struct unit_store *unit)
{
	unit_sql(unit, "INSERT INTO setting (name, value) VALUES ('enroll_topics', "
		       "'com.apple.mgmt.test')");
}

struct plist *
unit_message(struct unit_store *unit, const char *inner)
{
	char *xml =
		arena_printf(&unit->arena, "<plist version=\"1.0\"><dict>%s</dict></plist>", inner);
	struct plist *plist;

	if (plist_read_xml(unit->mdm.reader, &unit->arena, xml, strlen(xml), &plist, &unit->err) !=
		ERR_OK)
		fail_msg("%s", unit->err.message);
	return plist;
}

static struct plist *
read_reply(struct unit_store *unit, const struct buf *reply)
{
	struct plist *plist = NULL;

	if (reply->len > 0 && plist_read_xml(unit->mdm.reader, &unit->arena, reply->bytes,
				      reply->len, &plist, &unit->err) != ERR_OK)
		fail_msg("%s", unit->err.message);
	return plist;
}

enum err_kind
unit_check_in(
	struct unit_store *unit, const char *inner, const char *certificate, struct plist **reply)
{
	struct checkin checkin = {.message = unit_message(unit, inner),
		.raw = inner,
		.raw_len = strlen(inner),
		.caller.certificate = certificate};
	const char *id = NULL;
	struct buf answer;
	enum err_kind kind;

	buf_init(&answer, &unit->arena, 100000);
	unit_begin(unit, DB_WRITE);
	kind = checkin_handle(&unit->mdm, &checkin, &answer, &id, &unit->err);
	if (kind == ERR_OK)
		unit_commit(unit);
	else
		db_rollback(unit->mdm.db);
	if (reply != NULL)
		*reply = kind == ERR_OK ? read_reply(unit, &answer) : NULL;
	return kind;
}

/* "A:U1" */
static const char *
ids_of(struct unit_store *unit, const char *id)
{
	const char *colon = strchr(id, ':');
	int len = colon == NULL ? (int)strlen(id) : (int)(colon - id);

	return arena_printf(&unit->arena, "<key>UDID</key><string>%.*s</string>%s%s%s", len, id,
		colon == NULL ? "" : "<key>UserID</key><string>", colon == NULL ? "" : colon + 1,
		colon == NULL ? "" : "</string>");
}

enum err_kind
unit_say(struct unit_store *unit, const char *message_type, const char *id, const char *more,
	struct plist **reply)
{
	return unit_check_in(unit,
		arena_printf(&unit->arena,
			"<key>MessageType</key><string>%s</string><key>Topic</key>"
			"<string>com.apple.mgmt.test</string>%s%s%s",
			message_type, ids_of(unit, id),
			strcmp(message_type, "TokenUpdate") == 0
				? "<key>PushMagic</key><string>M</string>"
				  "<key>Token</key><data>AQID</data>"
				: "",
			more),
		UNIT_CERTIFICATE, reply);
}

void
unit_enroll(struct unit_store *unit, const char *id, const char *more)
{
	assert_int_equal(unit_say(unit, "Authenticate", id, "", NULL), ERR_OK);
	assert_int_equal(unit_say(unit, "TokenUpdate", id, more, NULL), ERR_OK);
}

const char *
unit_report(struct unit_store *unit, const char *id, const char *status, const char *uuid,
	const char *more, const char **next)
{
	char *inner = arena_printf(&unit->arena, "%s<key>Status</key><string>%s</string>%s%s%s%s",
		ids_of(unit, id), status, uuid == NULL ? "" : "<key>CommandUUID</key><string>",
		uuid == NULL ? "" : uuid, uuid == NULL ? "" : "</string>", more);
	struct connect connect = {.message = unit_message(unit, inner),
		.raw = inner,
		.raw_len = strlen(inner),
		.caller.certificate = UNIT_CERTIFICATE};
	struct connect_note note;
	struct plist *command;
	struct buf reply;

	buf_init(&reply, &unit->arena, 1000000);
	unit_begin(unit, DB_WRITE);
	if (connect_handle(&unit->mdm, &connect, &reply, &note, &unit->err) != ERR_OK) {
		db_rollback(unit->mdm.db);
		return "!";
	}
	unit_commit(unit);
	command = read_reply(unit, &reply);
	if (command == NULL)
		return "";
	if (next != NULL)
		*next = plist_get_string(command, "CommandUUID");
	return plist_get_string(plist_get(command, "Command"), "RequestType");
}
