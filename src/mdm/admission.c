#include "mdm/admission.h"

#include <string.h>

#include "mdm/push_certificate.h"
#include "mdm/setting.h"

/* Is TOPIC one of the words of LIST? */
static bool
is_listed(const char *list, const char *topic)
{
	size_t len = strlen(topic);

	while (*list != '\0') {
		size_t word = strcspn(list, " ,\t\n");

		if (word == len && memcmp(list, topic, len) == 0)
			return true;
		list += word;
		list += strspn(list, " ,\t\n");
	}
	return false;
}

enum err_kind
admission_check_topic(struct mdm *mdm, const char *topic, struct err *err)
{
	const char *rule;
	bool known = true;

	if (setting_get(mdm, "enroll_topics", &rule, err) != ERR_OK)
		return err->kind;
	if (strcmp(rule, "any") == 0)
		return ERR_OK;
	if (strcmp(rule, "imported") != 0)
		return is_listed(rule, topic)
			       ? ERR_OK
			       : err_set(err, ERR_FORBIDDEN,
					 "topic %s is not one of setting enroll_topics", topic);
	if (push_certificate_has_topic(mdm, topic, &known, err) != ERR_OK)
		return err->kind;
	return known ? ERR_OK
		     : err_set(err, ERR_FORBIDDEN, "there is no push certificate for topic %s",
			       topic);
}

enum err_kind
admission_check_device(struct mdm *mdm, const char *udid, const char *serial, struct err *err)
{
	const char *rule;
	struct db_row row;

	if (db_first(mdm->db, SQL_ADMISSION_CHECK, DB_ARGS(DB_TEXT(udid), DB_TEXT(serial)), &row,
		    err) != ERR_OK)
		return err->kind;
	if (db_int(&row, 0) > 0)
		return err_set(err, ERR_FORBIDDEN, "the device is on the list of blocked ones");
	if (setting_get(mdm, "enroll_devices", &rule, err) != ERR_OK)
		return err->kind;
	if (strcmp(rule, "listed") == 0 && db_int(&row, 1) == 0)
		return err_set(err, ERR_FORBIDDEN, "the device is not on the list of allowed ones");
	return ERR_OK;
}
