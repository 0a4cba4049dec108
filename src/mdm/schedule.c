/*
 * The rules of recurring work: how they come and go.  What they do is in schedule_work.c.
 */
#include "mdm/schedule_parts.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "mdm/audit.h"
#include "mdm/enrollment.h"
#include "mdm/mask.h"
#include "mdm/selection.h"

enum { ARGS_MOST = 16 * 1024 * 1024 };

struct schedule_rule
schedule_rule_of(const struct db_row *row)
{
	return (struct schedule_rule){
		.no = db_int(row, 0),
		.name = db_text(row, 1),
		.every = db_int(row, 2) / 1000,
		.target = db_text(row, 3),
		.request = db_text(row, 4),
		.args = db_text(row, 5),
		.checked = db_int(row, 6) != 0,
		.invalid = db_text(row, 7),
		.done_to = db_int(row, 8) / 1000,
		.round = db_int(row, 9),
		.payload_no = db_int(row, 10),
		.paused = db_int(row, 11) != 0,
	};
}

enum err_kind
schedule_rule_args(struct mdm *mdm, const struct schedule_rule *rule, const struct plist **args,
	struct err *err)
{
	struct plist *read;
	enum err_kind kind;

	*args = NULL;
	if (rule->args == NULL)
		return ERR_OK;
	kind = plist_read_json(
		plist_limits_default(), mdm->arena, rule->args, strlen(rule->args), &read, err);
	if (kind == ERR_OK)
		*args = read;
	return kind;
}

/* ---- what is right ---- */

static enum err_kind
check_name(const char *name, struct err *err)
{
	size_t len = strlen(name);

	for (const char *p = name; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr(".-_", *p) == NULL)
			len = 0;
	return len > 0 && len <= SCHEDULE_NAME_MOST
		       ? ERR_OK
		       : err_set(err, ERR_BAD_INPUT,
				 "the name has 1 to %d letters, digits, \".\", \"-\" and \"_\"",
				 SCHEDULE_NAME_MOST);
}

static enum err_kind
check_request(const char *name, const struct catalogue_request **request, struct err *err)
{
	*request = catalogue_find(name);
	if (*request == NULL)
		return err_set(err, ERR_BAD_INPUT, "unknown request %.100s", name);
	if ((*request)->confirm)
		return err_set(err, ERR_BAD_INPUT,
			"%s destroys data: it goes to one device at a time, and once",
			(*request)->name);
	if (strcmp((*request)->name, "DeviceConfigured") == 0 ||
		strcmp((*request)->name, "UserConfigured") == 0)
		return err_set(err, ERR_BAD_INPUT, "%s goes out by itself", (*request)->name);
	return ERR_OK;
}

static enum err_kind
check_target(struct mdm *mdm, const char *target, struct err *err)
{
	struct enrollment enrollment;
	enum err_kind kind = selection_check(mdm, target, err);

	if (kind != ERR_OK || selection_is_many(target))
		return kind;
	kind = enrollment_find(mdm, target, &enrollment, err);
	return kind == ERR_NOT_FOUND ? err_set(err, kind, "unknown device %.255s", target) : kind;
}

enum err_kind
schedule_check(struct mdm *mdm, const struct schedule *schedule,
	const struct catalogue_request **request, struct err *err)
{
	const struct catalogue_options options = {.remarks = schedule->remarks};

	if (schedule->every < SCHEDULE_EVERY_LEAST || schedule->every > SCHEDULE_EVERY_MOST)
		return err_set(err, ERR_BAD_INPUT, "the interval is from 1 minute to 366 days");
	if (check_request(schedule->request, request, err) != ERR_OK ||
		catalogue_check_args(mdm->arena, *request, schedule->args, &options, NULL, err) !=
			ERR_OK)
		return err->kind;
	if (schedule->args != NULL &&
		mask_plist(mdm->arena, (*request)->name, false, schedule->args) != NULL)
		return err_set(err, ERR_BAD_INPUT,
			"%s: the arguments hold a secret, which would lie open in the store",
			(*request)->name);
	return check_target(mdm, schedule->target, err);
}

/* ---- coming and going ---- */

/* Of the arguments, the names of the keys. */
static enum err_kind
note_set(struct mdm *mdm, const struct schedule_rule *rule, const struct plist *args, bool paused,
	struct err *err)
{
	struct arena *arena = mdm->arena;
	struct plist *detail = plist_dict(arena), *keys = plist_array(arena);

	for (const struct plist *key = args == NULL ? NULL : args->as.items.first; key != NULL;
		key = key->next)
		plist_append(keys, plist_string(arena, key->key));
	plist_set(arena, detail, "every", plist_integer(arena, rule->every));
	plist_set(arena, detail, "target", plist_string(arena, rule->target));
	plist_set(arena, detail, "request", plist_string(arena, rule->request));
	plist_set(arena, detail, "keys", keys);
	plist_set(arena, detail, "paused", plist_boolean(arena, paused));
	return audit_add(mdm, AUDIT_SCHEDULE_SET, rule->name, NULL, detail, err);
}

static enum err_kind
args_value(struct mdm *mdm, const struct catalogue_request *request, const struct plist *args,
	struct db_value *value, struct err *err)
{
	struct buf json;

	*value = DB_NULL();
	if (args == NULL || args->as.items.count == 0)
		return ERR_OK;
	buf_init(&json, mdm->arena, ARGS_MOST);
	plist_write_json(&json, args, false);
	if (json.full)
		return err_set(
			err, ERR_TOO_LARGE, "%s: the arguments are too large", request->name);
	*value = DB_TEXT(json.bytes);
	return ERR_OK;
}

enum err_kind
schedule_add(struct mdm *mdm, const struct schedule *schedule, struct err *err)
{
	const struct catalogue_request *request;
	struct schedule_rule rule = {
		.name = schedule->name, .every = schedule->every, .target = schedule->target};
	struct db_value args;
	enum err_kind kind = check_name(schedule->name, err);

	if (kind == ERR_OK)
		kind = schedule_check(mdm, schedule, &request, err);
	if (kind == ERR_OK)
		kind = args_value(mdm, request, schedule->args, &args, err);
	if (kind != ERR_OK)
		return kind;
	rule.request = request->name;
	kind = db_run(mdm->db, SQL_SCHEDULE_ADD,
		DB_ARGS(DB_TEXT(rule.name), DB_INT(rule.every * 1000), DB_TEXT(rule.target),
			DB_TEXT(rule.request), args, DB_INT(clock_now())),
		NULL, err);
	if (kind == ERR_CONFLICT)
		return err_set(err, kind, "there is a schedule %s already", rule.name);
	return kind == ERR_OK ? note_set(mdm, &rule, schedule->args, false, err) : kind;
}

enum err_kind
schedule_rule_find(struct mdm *mdm, const char *name, struct schedule_rule *rule, struct err *err)
{
	struct db_row row;
	enum err_kind kind =
		db_first(mdm->db, SQL_SCHEDULE_FIND, DB_ARGS(DB_TEXT(name)), &row, err);

	if (kind == ERR_NOT_FOUND)
		return err_set(err, kind, "there is no schedule %.100s", name);
	if (kind == ERR_OK)
		*rule = schedule_rule_of(&row);
	return kind;
}

enum err_kind
schedule_remove(struct mdm *mdm, const char *name, struct err *err)
{
	struct schedule_rule rule;
	enum err_kind kind = schedule_rule_find(mdm, name, &rule, err);

	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_SCHEDULE_REMOVE, DB_ARGS(DB_TEXT(name)), NULL, err);
	return kind == ERR_OK ? audit_add(mdm, AUDIT_SCHEDULE_REMOVE, name, NULL, NULL, err) : kind;
}

enum err_kind
schedule_pause(struct mdm *mdm, const char *name, bool paused, struct err *err)
{
	struct schedule_rule rule;
	const struct plist *args;
	enum err_kind kind = schedule_rule_find(mdm, name, &rule, err);

	if (kind != ERR_OK || rule.paused == paused)
		return kind;
	kind = db_run(mdm->db, SQL_SCHEDULE_PAUSE,
		DB_ARGS(DB_TEXT(name), DB_INT(paused), DB_INT(clock_now())), NULL, err);
	if (kind == ERR_OK)
		kind = schedule_rule_args(mdm, &rule, &args, err);
	return kind == ERR_OK ? note_set(mdm, &rule, args, paused, err) : kind;
}

enum err_kind
schedule_recheck(struct mdm *mdm, bool wrong, struct err *err)
{
	struct db_row row;
	enum err_kind kind =
		db_first(mdm->db, SQL_SCHEDULE_HAS_CHECKED, DB_ARGS(DB_INT(wrong)), &row, err);

	if (kind != ERR_OK)
		return kind == ERR_NOT_FOUND ? ERR_OK : kind;
	return db_run(mdm->db, SQL_SCHEDULE_RECHECK, DB_ARGS(DB_INT(wrong)), NULL, err);
}
