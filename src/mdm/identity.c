/*
 * What the CA has issued.  Whom an identity speaks for is not told here but by the pin
 * (mdm/enrollment).
 */
#include "mdm/identity.h"

#include "base/clock.h"

enum err_kind
identity_add(struct mdm *mdm, const struct x509_info *info, const struct identity_origin *origin,
	struct err *err)
{
	return db_run(mdm->db, SQL_IDENTITY_ADD,
		DB_ARGS(DB_TEXT(info->sha256), DB_TEXT(info->serial), DB_TEXT(origin->authority),
			DB_TEXT(info->common_name), DB_TEXT(info->subject),
			DB_INT(info->not_before), DB_INT(info->not_after), DB_INT(clock_now()),
			DB_TEXT(origin->origin),
			origin->enrollment_no == 0 ? DB_NULL() : DB_INT(origin->enrollment_no),
			DB_TEXT(origin->replaces)),
		NULL, err);
}
