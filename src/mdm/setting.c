/*
 * What the operator configured: the command line and the API write it here, the view `setting`
 * (sql/sqlite.sql) beside it.
 */
#include "mdm/setting.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "codec/text.h"
#include "mdm/audit.h"
#include "mdm/event.h"

enum {
	VALUE_MOST = 4000,
	ORGANIZATION_MOST = 200,
	DETAIL_MOST = 1024,
	DAYS_MOST = 36500,
	RIGHTS_ALL = 8191,
	TEXT_MOST = 1000,
	SECRET_LEAST = 12,
	SECRET_MOST = 200,
	REALM_MOST = 100,
	MINUTES_MOST = 24 * 60,
};

/* ---- what a value may be ---- */

static bool
is_printable(const char *value)
{
	for (const char *p = value; *p != '\0'; p++)
		if (iscntrl((unsigned char)*p))
			return false;
	return text_is_utf8(value, strlen(value));
}

/* Paths are put behind it: no slash at the end, no query. */
static bool
takes_server_url(const char *value)
{
	static const char scheme[] = "https://";
	size_t len = strlen(value);

	if (strncmp(value, scheme, sizeof(scheme) - 1) != 0 || len == sizeof(scheme) - 1)
		return false;
	for (const char *p = value; *p != '\0'; p++)
		if (!isgraph((unsigned char)*p) || strchr("?#\"<>\\", *p) != NULL)
			return false;
	return value[sizeof(scheme) - 1] != '/' && value[len - 1] != '/';
}

static bool
takes_organization(const char *value)
{
	return *value != '\0' && strlen(value) <= ORGANIZATION_MOST && is_printable(value);
}

/* "imported", "any", or topics; none at all would be a mistake. */
static bool
takes_topics(const char *value)
{
	bool word = false;

	for (const char *p = value; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && strchr(" .-_", *p) == NULL)
			return false;
		word = word || *p != ' ';
	}
	return word;
}

/* A number as people write it: no sign, no blank, no zero in front. */
static bool
takes_days(const char *value)
{
	int64_t days;

	return setting_days(value, &days);
}

static bool
takes_lifetime(const char *value)
{
	int64_t days;

	return setting_days(value, &days) && days > 0;
}

static bool
takes_switch(const char *value)
{
	return strcmp(value, "on") == 0 || strcmp(value, "off") == 0;
}

/* A PrintableString or UTF8String of a CSR holds it, and a person may have to type it. */
static bool
takes_challenge(const char *value)
{
	size_t len = strlen(value);

	for (const char *p = value; *p != '\0'; p++)
		if (!isgraph((unsigned char)*p))
			return false;
	return (len >= SECRET_LEAST && len <= SECRET_MOST) || strcmp(value, SETTING_NO_SECRET) == 0;
}

static bool
takes_devices(const char *value)
{
	return strcmp(value, "any") == 0 || strcmp(value, "listed") == 0;
}

/* Does VALUE begin with PREFIX, and is the rest fit for a place in a URL? */
static bool
is_url(const char *value, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(value, prefix, len) != 0 || value[len] == '\0' || value[len] == '/')
		return false;
	for (const char *p = value; *p != '\0'; p++)
		if (!isgraph((unsigned char)*p) || strchr("#\"<>\\", *p) != NULL)
			return false;
	return true;
}

static bool
takes_scep_url(const char *value)
{
	return is_url(value, "http://") || is_url(value, "https://");
}

bool
setting_is_backend_url(const char *url)
{
	const char *host = strstr(url, "://");
	size_t len;

	if (!takes_scep_url(url) || strchr(url, '?') != NULL)
		return false;
	/* A password in it would be in the view, and in the log of every proxy. */
	len = strcspn(host + 3, "/");
	return memchr(host + 3, '@', len) == NULL;
}

static bool
takes_return(const char *value)
{
	return strcmp(value, "off") == 0 || strcmp(value, "erase") == 0 ||
	       strcmp(value, "keep_apps") == 0;
}

static bool
takes_topic(const char *value)
{
	static const char prefix[] = "com.apple.mgmt.";

	return strncmp(value, prefix, sizeof(prefix) - 1) == 0 && takes_topics(value) &&
	       strchr(value, ' ') == NULL;
}

static bool
takes_enroll_open(const char *value)
{
	return strcmp(value, "links") == 0 || strcmp(value, "person") == 0 ||
	       strcmp(value, "open") == 0;
}

static bool
takes_apns(const char *value)
{
	return strcmp(value, "production") == 0 || strcmp(value, "development") == 0;
}

static bool
takes_text(const char *value)
{
	return *value != '\0' && strlen(value) <= TEXT_MOST && is_printable(value);
}

/* Apple: 1 to 8191; who may install profiles (2) may see them (1), and likewise 128 and 64. */
static bool
takes_rights(const char *value)
{
	int64_t rights;

	if (!setting_days(value, &rights) || rights == 0 || rights > RIGHTS_ALL)
		return false;
	return ((rights & 2) == 0 || (rights & 1) != 0) &&
	       ((rights & 128) == 0 || (rights & 64) != 0);
}

static bool
takes_choice(const char *value)
{
	return strcmp(value, "accept") == 0 || strcmp(value, "refuse") == 0;
}

static bool
takes_user_authenticate(const char *value)
{
	return strcmp(value, "decline") == 0 || strcmp(value, "accept") == 0 ||
	       strcmp(value, "digest") == 0;
}

/* It stands between quotation marks in a digest. */
static bool
takes_realm(const char *value)
{
	for (const char *p = value; *p != '\0'; p++)
		if (*p < ' ' || *p > '~' || *p == '"' || *p == '\\')
			return false;
	return *value != '\0' && strlen(value) <= REALM_MOST;
}

static bool
takes_minutes(const char *value)
{
	int64_t minutes;

	return setting_days(value, &minutes) && minutes > 0 && minutes <= MINUTES_MOST;
}

#define DAYS_SHOULD_BE "a whole number of days from 1 to 36500, or forever"

static const struct setting {
	const char *name;
	const char *otherwise; /* the default; NULL: none */
	bool (*takes)(const char *value);
	const char *should_be;
	bool secret; /* kept sealed, and never shown */
} settings[] = {
	{"server_url", NULL, takes_server_url,
		"the URL devices reach the server under, like https://mdm.example.com, without a / "
		"at its end",
		false},
	{"organization", NULL, takes_organization, "a name of 1 to 200 bytes", false},
	{"enroll_topics", "imported", takes_topics,
		"imported (those of the push certificates), any, or topics separated by blanks",
		false},
	{"enroll_devices", "any", takes_devices, "any or listed", false},
	{"keep_results", "365", takes_days, DAYS_SHOULD_BE, false},
	{"keep_events", "90", takes_days, DAYS_SHOULD_BE, false},
	{"keep_history", "365", takes_days, DAYS_SHOULD_BE, false},
	{"keep_secrets", "forever", takes_days, DAYS_SHOULD_BE, false},
	{"scep_challenge", NULL, takes_challenge,
		"12 to 200 printable ASCII characters without a blank, or none", true},
	{"scep_days", "1825", takes_lifetime, "a whole number of days from 1 to 36500", false},
	{"scep_legacy", "on", takes_switch, "on or off", false},
	{"scep_url", NULL, takes_scep_url, "an http:// or https:// URL", false},
	{"enroll_open", "links", takes_enroll_open, "links, person or open", false},
	{"enroll_topic", NULL, takes_topic, "a topic, com.apple.mgmt.…", false},
	{"enroll_description", NULL, takes_text, "a text of 1 to 1000 bytes", false},
	{"enroll_consent", NULL, takes_text, "a text of 1 to 1000 bytes", false},
	{"enroll_access_rights", "8191", takes_rights,
		"a sum of rights from 1 to 8191, 2 not without 1, 128 not without 64", false},
	{"enroll_sign_message", "off", takes_switch, "on or off", false},
	{"enroll_apns", "production", takes_apns, "production or development", false},
	{"enroll_ota", "off", takes_switch, "on or off", false},
	{"signature_sha1", "accept", takes_choice, "accept or refuse", false},
	{"pin_unknown", "off", takes_switch, "on or off", false},
	{"ddm_url", NULL, setting_is_backend_url, SETTING_BACKEND_URL, false},
	{"return_to_service", "off", takes_return, "off, erase or keep_apps", false},
	{"return_to_service_plan", "off", takes_switch, "on or off", false},
	{"return_to_service_retry", "off", takes_switch, "on or off", false},
	{"user_authenticate", "decline", takes_user_authenticate, "decline, accept or digest",
		false},
	{"user_realm", "Pomona", takes_realm,
		"1 to 100 printable ASCII characters without \" or \\", false},
	{"await_timeout", "15", takes_minutes, "a whole number of minutes from 1 to 1440", false},
};

static const struct setting *
find(const char *name)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}

const char *
setting_name(size_t n)
{
	return n < sizeof(settings) / sizeof(settings[0]) ? settings[n].name : NULL;
}

bool
setting_is_secret(const char *name)
{
	const struct setting *setting = find(name);

	return setting != NULL && setting->secret;
}

enum err_kind
setting_check(const char *name, const char *value, struct err *err)
{
	const struct setting *setting = find(name);

	if (setting == NULL)
		return err_set(err, ERR_BAD_INPUT, "there is no setting \"%.60s\"", name);
	if (strlen(value) > VALUE_MOST || !setting->takes(value))
		return err_set(err, ERR_BAD_INPUT, "%s must be %s", name, setting->should_be);
	return ERR_OK;
}

bool
setting_days(const char *value, int64_t *days)
{
	const char *p = value;

	*days = 0;
	if (strcmp(value, "forever") == 0)
		return true;
	if (*p == '0')
		return false;
	while (isdigit((unsigned char)*p) && *days <= DAYS_MOST)
		*days = *days * 10 + (*p++ - '0');
	return p != value && *p == '\0' && *days <= DAYS_MOST;
}

/* ---- the store ---- */

enum err_kind
setting_get(struct mdm *mdm, const char *name, const char **value, struct err *err)
{
	const struct setting *setting = find(name);
	struct db_row row;
	enum err_kind kind;

	*value = NULL;
	if (setting == NULL)
		return err_set(err, ERR_BAD_INPUT, "there is no setting \"%.60s\"", name);
	kind = db_first(mdm->db, SQL_SETTING_GET, DB_ARGS(DB_TEXT(name)), &row, err);
	if (kind == ERR_NOT_FOUND) {
		*value = setting->otherwise;
		return ERR_OK;
	}
	if (kind == ERR_OK)
		*value = db_text(&row, 0);
	return kind;
}

static const char *
secret_place(struct mdm *mdm, const char *name)
{
	return arena_printf(mdm->arena, "setting_value/sealed/%s", name);
}

enum err_kind
setting_get_secret(struct mdm *mdm, const char *name, const char **value, struct err *err)
{
	const void *sealed;
	unsigned char *opened;
	struct db_row row;
	size_t len;
	enum err_kind kind = db_first(mdm->db, SQL_SETTING_GET, DB_ARGS(DB_TEXT(name)), &row, err);

	*value = NULL;
	if (kind != ERR_OK)
		return kind == ERR_NOT_FOUND ? ERR_OK : kind;
	sealed = db_blob(&row, 2, &len);
	if (sealed == NULL)
		return ERR_OK;
	kind = seal_open(
		mdm->key, mdm->arena, secret_place(mdm, name), sealed, len, &opened, &len, err);
	*value = (const char *)opened;
	return kind;
}

static enum err_kind
add_event(struct mdm *mdm, const char *name, struct err *err)
{
	struct plist *detail = plist_dict(mdm->arena);
	struct buf json;

	plist_set(mdm->arena, detail, "name", plist_string(mdm->arena, name));
	buf_init(&json, mdm->arena, DETAIL_MOST);
	plist_write_json(&json, detail, false);
	return event_add(mdm, EVENT_SETTING, 0, json.bytes, NULL, 0, err);
}

static enum err_kind
set_secret(struct mdm *mdm, const char *name, const char *value, struct err *err)
{
	struct db_value sealed;
	enum err_kind kind;

	if (strcmp(value, SETTING_NO_SECRET) == 0)
		return db_run(mdm->db, SQL_SETTING_REMOVE, DB_ARGS(DB_TEXT(name)), NULL, err);
	kind = mdm_seal(mdm, secret_place(mdm, name), value, strlen(value), &sealed, err);
	if (kind != ERR_OK)
		return kind;
	return db_run(mdm->db, SQL_SETTING_SET,
		DB_ARGS(DB_TEXT(name), DB_TEXT(SETTING_SECRET_SHOWN), DB_INT(clock_now()), sealed),
		NULL, err);
}

/* Event and audit row of a change; values (NULL: none) go into the latter alone. */
static enum err_kind
note_change(
	struct mdm *mdm, const char *name, const char *value, const char *before, struct err *err)
{
	bool set = value != NULL, secret = setting_is_secret(name);
	struct plist *detail = audit_detail(mdm->arena, "value", secret ? NULL : value);
	enum err_kind kind = add_event(mdm, name, err);

	if (before != NULL && !secret)
		plist_set(mdm->arena, detail, "before", plist_string(mdm->arena, before));
	if (kind == ERR_OK)
		kind = audit_add(mdm, set ? AUDIT_SETTING_SET : AUDIT_SETTING_UNSET, name, NULL,
			detail, err);
	return kind;
}

enum err_kind
setting_set(struct mdm *mdm, const char *name, const char *value, struct err *err)
{
	const char *old;
	enum err_kind kind = setting_check(name, value, err);

	if (kind == ERR_OK && setting_is_secret(name)) {
		kind = set_secret(mdm, name, value, err);
		old = strcmp(value, SETTING_NO_SECRET) == 0 ? NULL : SETTING_SECRET_SHOWN;
		return kind == ERR_OK ? note_change(mdm, name, old, NULL, err) : kind;
	}
	if (kind == ERR_OK)
		kind = setting_get(mdm, name, &old, err);
	if (kind != ERR_OK || (old != NULL && strcmp(old, value) == 0))
		return kind;
	kind = db_run(mdm->db, SQL_SETTING_SET,
		DB_ARGS(DB_TEXT(name), DB_TEXT(value), DB_INT(clock_now()), DB_NULL()), NULL, err);
	return kind == ERR_OK ? note_change(mdm, name, value, old, err) : kind;
}

enum err_kind
setting_unset(struct mdm *mdm, const char *name, struct err *err)
{
	struct db_row row;
	enum err_kind kind;

	if (find(name) == NULL)
		return err_set(err, ERR_BAD_INPUT, "there is no setting \"%.60s\"", name);
	kind = db_first(mdm->db, SQL_SETTING_GET, DB_ARGS(DB_TEXT(name)), &row, err);
	if (kind != ERR_OK)
		return kind == ERR_NOT_FOUND ? ERR_OK : kind;
	kind = db_run(mdm->db, SQL_SETTING_REMOVE, DB_ARGS(DB_TEXT(name)), NULL, err);
	return kind == ERR_OK ? note_change(mdm, name, NULL, db_text(&row, 0), err) : kind;
}
