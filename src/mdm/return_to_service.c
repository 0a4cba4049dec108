/*
 * Beneath ReturnToService (mdm/checkin_return.c) and `pomona return-to-service`.
 */
#include "mdm/return_to_service.h"

#include <string.h>

#include "base/clock.h"
#include "mdm/audit.h"

static const char *const kinds[] = {"wifi", "mdm"};

bool
return_to_service_has_kind(const char *kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i], kind) == 0)
			return true;
	return false;
}

static const char *
place_of(struct mdm *mdm, const char *kind)
{
	return arena_printf(mdm->arena, "return_profile/profile/%s", kind);
}

enum err_kind
return_to_service_profile(struct mdm *mdm, const char *kind, const unsigned char **profile,
	size_t *len, struct err *err)
{
	struct db_row row;
	const void *sealed;
	unsigned char *opened;
	enum err_kind failed =
		db_first(mdm->db, SQL_RETURN_TO_SERVICE_GET, DB_ARGS(DB_TEXT(kind)), &row, err);

	*profile = NULL;
	if (failed != ERR_OK)
		return failed == ERR_NOT_FOUND ? ERR_OK : failed;
	sealed = db_blob(&row, 0, len);
	failed = seal_open(
		mdm->key, mdm->arena, place_of(mdm, kind), sealed, *len, &opened, len, err);
	*profile = opened;
	return failed;
}

enum err_kind
return_to_service_set(
	struct mdm *mdm, const char *kind, const void *profile, size_t len, struct err *err)
{
	struct db_value sealed;

	if (len > RETURN_PROFILE_MOST)
		return err_set(err, ERR_TOO_LARGE, "a profile has at most %d bytes here",
			RETURN_PROFILE_MOST);
	if (mdm_seal(mdm, place_of(mdm, kind), profile, len, &sealed, err) != ERR_OK)
		return err->kind;
	if (db_run(mdm->db, SQL_RETURN_TO_SERVICE_SET,
		    DB_ARGS(DB_TEXT(kind), sealed, DB_INT((int64_t)len), DB_INT(clock_now())), NULL,
		    err) != ERR_OK)
		return err->kind;
	return audit_add(mdm, AUDIT_RETURN_TO_SERVICE, kind, NULL,
		audit_detail(mdm->arena, "profile", "set"), err);
}

enum err_kind
return_to_service_remove(struct mdm *mdm, const char *kind, struct err *err)
{
	int64_t count = 0;
	enum err_kind failed =
		db_run(mdm->db, SQL_RETURN_TO_SERVICE_REMOVE, DB_ARGS(DB_TEXT(kind)), &count, err);

	if (failed == ERR_OK && count == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no %s profile", kind);
	return failed == ERR_OK ? audit_add(mdm, AUDIT_RETURN_TO_SERVICE, kind, NULL,
					  audit_detail(mdm->arena, "profile", "removed"), err)
				: failed;
}
