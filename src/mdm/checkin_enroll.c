/*
 * Authenticate, TokenUpdate, CheckOut: a device or a user comes, says where it is to be pushed to,
 * goes.
 */
#include "mdm/checkin_parts.h"

#include <string.h>

#include "base/clock.h"
#include "mdm/admission.h"
#include "mdm/ddm.h"
#include "mdm/await.h"
#include "mdm/event.h"
#include "mdm/identity.h"
#include "mdm/inventory.h"
#include "mdm/login.h"
#include "mdm/push.h"
#include "mdm/queue.h"

enum { PUSH_TOKEN_MOST = 256 };

/* ---- Authenticate ---- */

struct device_facts {
	const char *topic, *serial, *name, *model, *model_name, *product, *os_version, *build;
};

static enum err_kind
take_device_facts(struct checkin_visit *visit, struct device_facts *facts)
{
	const struct {
		const char *key;
		bool required;
		const char **value;
	} rows[] = {
		{"Topic", true, &facts->topic},
		{"SerialNumber", false, &facts->serial},
		{"DeviceName", false, &facts->name},
		{"Model", false, &facts->model},
		{"ModelName", false, &facts->model_name},
		{"ProductName", false, &facts->product},
		{"OSVersion", false, &facts->os_version},
		{"BuildVersion", false, &facts->build},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (checkin_string(visit, rows[i].key, rows[i].required, rows[i].value) != ERR_OK)
			return visit->err->kind;
	return ERR_OK;
}

static enum err_kind
store_authenticate(
	struct checkin_visit *visit, const struct device_facts *facts, int64_t expires, int64_t *no)
{
	const char *certificate = visit->checkin->caller.certificate;
	int64_t major = facts->os_version == NULL ? 0 : enrollment_os_major(facts->os_version);
	struct db_row row;
	enum err_kind kind;

	kind = db_first(visit->mdm->db, SQL_ENROLLMENT_AUTHENTICATE,
		DB_ARGS(DB_TEXT(visit->ids.id), DB_TEXT(enrollment_kind_name(visit->ids.kind)),
			DB_TEXT(visit->ids.udid), DB_TEXT(facts->serial), DB_TEXT(facts->name),
			DB_TEXT(facts->model), DB_TEXT(facts->product), DB_TEXT(facts->os_version),
			major == 0 ? DB_NULL() : DB_INT(major), DB_TEXT(facts->build),
			DB_TEXT(facts->topic), DB_TEXT(certificate), DB_INT(clock_now()),
			DB_TIME(expires), DB_TEXT(facts->model_name)),
		&row, visit->err);
	*no = db_int(&row, 0);
	return kind == ERR_OK ? identity_belongs(visit->mdm, certificate, *no, visit->err) : kind;
}

/* Nothing of an enrollment that ended may reach the next one: a stale RemoveProfile has unenrolled
 * Macs elsewhere. */
static enum err_kind
clear_device(struct checkin_visit *visit, int64_t device_no, const char *reason)
{
	struct mdm *mdm = visit->mdm;
	enum err_kind kind = queue_clear_device(mdm, device_no, reason, visit->err);

	if (kind == ERR_OK)
		kind = push_cancel(mdm, device_no, visit->err);
	if (kind == ERR_OK)
		kind = inventory_mark_stale(mdm, device_no, visit->err);
	if (kind == ERR_OK)
		kind = ddm_forget_status(mdm, device_no, visit->err);
	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_ENROLLMENT_END_USERS, DB_ARGS(DB_INT(device_no)), NULL,
			visit->err);
	return kind;
}

enum err_kind
checkin_authenticate(struct checkin_visit *visit)
{
	static const char *const detail[] = {"SerialNumber", "DeviceName", "Model", "ProductName",
		"OSVersion", "BuildVersion", "Topic", NULL};
	struct device_facts facts;
	enum err_kind kind;
	int64_t no = 0, expires = 0;

	if (checkin_is_user(visit))
		return err_set(
			visit->err, ERR_BAD_INPUT, "Authenticate comes on the device channel only");
	kind = take_device_facts(visit, &facts);
	if (kind == ERR_OK)
		kind = pin_claim(
			visit->mdm, visit->ids.id, &visit->checkin->caller, &expires, visit->err);
	if (kind == ERR_OK)
		kind = admission_check_topic(visit->mdm, facts.topic, visit->err);
	if (kind == ERR_OK)
		kind = admission_check_device(
			visit->mdm, visit->ids.udid, facts.serial, visit->err);
	if (kind == ERR_OK)
		kind = store_authenticate(visit, &facts, expires, &no);
	if (kind == ERR_OK)
		kind = clear_device(visit, no, "re-enrollment");
	if (kind == ERR_OK)
		kind = checkin_event(visit, EVENT_AUTHENTICATE, no, checkin_detail(visit, detail));
	return kind;
}

/* ---- TokenUpdate ---- */

struct token_facts {
	const char *topic, *magic;
	const struct plist *token, *unlock_token;
	bool awaiting_configuration;
	struct db_value not_on_console;
};

static enum err_kind
take_token_facts(struct checkin_visit *visit, struct token_facts *facts)
{
	const struct plist *console;
	enum err_kind kind = checkin_string(visit, "Topic", true, &facts->topic);

	if (kind == ERR_OK)
		kind = checkin_string(visit, "PushMagic", true, &facts->magic);
	if (kind == ERR_OK)
		kind = checkin_data(visit, "Token", true, PUSH_TOKEN_MOST, &facts->token);
	if (kind == ERR_OK)
		kind = checkin_data(
			visit, "UnlockToken", false, CHECKIN_SECRET_MOST, &facts->unlock_token);
	console = plist_get_typed(visit->message, "NotOnConsole", PLIST_BOOLEAN);
	facts->not_on_console =
		console == NULL ? DB_NULL()
				: DB_INT(plist_get_boolean(visit->message, "NotOnConsole", false));
	facts->awaiting_configuration =
		plist_get_boolean(visit->message, "AwaitingConfiguration", false);
	return kind;
}

/* The enrollment a TokenUpdate is for.  A user channel begins with it; a device channel has said
 * Authenticate before. */
static enum err_kind
token_enrollment(struct checkin_visit *visit, const struct token_facts *facts, int64_t *no)
{
	struct enrollment device, user;
	enum err_kind kind = checkin_bind_device(visit, &device);

	if (kind != ERR_OK)
		return kind;
	*no = device.no;
	if (!checkin_is_user(visit))
		return ERR_OK;
	kind = checkin_add_user(visit, &device, facts->topic, &user);
	if (kind == ERR_OK && !login_is_valid(user.auth_token, visit->ids.auth_token))
		return err_set(visit->err, ERR_FORBIDDEN, "the AuthToken is missing or wrong");
	*no = user.no;
	return kind;
}

static enum err_kind
store_token(struct checkin_visit *visit, const struct token_facts *facts, int64_t no)
{
	const struct plist *unlock = facts->unlock_token, *token = facts->token;
	struct db_value magic, unlock_token = DB_NULL();
	struct db_row row;
	enum err_kind kind =
		checkin_seal(visit, "push_magic", facts->magic, strlen(facts->magic), &magic);

	if (kind == ERR_OK && unlock != NULL)
		kind = checkin_seal(visit, "unlock_token", unlock->as.string.bytes,
			unlock->as.string.len, &unlock_token);
	if (kind != ERR_OK)
		return kind;
	return db_first(visit->mdm->db, SQL_ENROLLMENT_TOKEN_UPDATE,
		DB_ARGS(DB_INT(no), DB_BLOB(token->as.string.bytes, token->as.string.len), magic,
			unlock_token, DB_TEXT(facts->topic), DB_INT(clock_now()),
			facts->not_on_console, DB_TEXT(visit->ids.user_short_name),
			DB_TEXT(visit->ids.user_long_name)),
		&row, visit->err);
}

enum err_kind
checkin_token_update(struct checkin_visit *visit)
{
	static const char *const detail[] = {
		"Topic", "AwaitingConfiguration", "NotOnConsole", "UserShortName", NULL};
	struct token_facts facts;
	enum err_kind kind;
	int64_t no = 0;

	kind = take_token_facts(visit, &facts);
	if (kind == ERR_OK)
		kind = token_enrollment(visit, &facts, &no);
	if (kind == ERR_OK)
		kind = admission_check_topic(visit->mdm, facts.topic, visit->err);
	if (kind == ERR_OK)
		kind = store_token(visit, &facts, no);
	if (kind == ERR_OK)
		kind = push_token_updated(visit->mdm, no, visit->err);
	if (kind == ERR_OK && facts.awaiting_configuration)
		kind = await_begin(visit->mdm, no, visit->err);
	if (kind == ERR_OK)
		kind = checkin_event(visit, EVENT_TOKEN_UPDATE, no, checkin_detail(visit, detail));
	return kind;
}

/* ---- CheckOut ---- */

enum err_kind
checkin_check_out(struct checkin_visit *visit)
{
	static const char *const detail[] = {"Topic", NULL};
	struct enrollment enrollment;
	enum err_kind kind;

	kind = enrollment_bind(
		visit->mdm, &visit->ids, &visit->checkin->caller, &enrollment, visit->err);
	if (kind == ERR_OK)
		kind = db_run(visit->mdm->db, SQL_ENROLLMENT_CHECK_OUT,
			DB_ARGS(DB_INT(enrollment.no), DB_INT(clock_now())), NULL, visit->err);
	if (kind == ERR_OK)
		kind = clear_device(visit, enrollment.no, "checked out");
	if (kind == ERR_OK)
		kind = checkin_event(
			visit, EVENT_CHECK_OUT, enrollment.no, checkin_detail(visit, detail));
	return kind;
}
