/*
 * SetBootstrapToken, GetBootstrapToken: what a Mac lets a new administrator become one with.
 */
#include "mdm/checkin_parts.h"

#include "mdm/event.h"

/* Apple's schema: on the device channel, and not of a User Enrollment. */
static enum err_kind
bind_device(struct checkin_visit *visit, struct enrollment *device)
{
	if (visit->ids.kind != ENROLLMENT_DEVICE)
		return err_set(visit->err, ERR_BAD_INPUT,
			"a bootstrap token is a device's: it comes on the device channel, and not "
			"of a User Enrollment");
	return checkin_bind(visit, device);
}

enum err_kind
checkin_set_bootstrap_token(struct checkin_visit *visit)
{
	const struct plist *token = NULL;
	struct enrollment enrollment;
	struct db_value value = DB_NULL();
	enum err_kind kind;

	kind = checkin_data(visit, "BootstrapToken", false, CHECKIN_SECRET_MOST, &token);
	if (kind == ERR_OK)
		kind = bind_device(visit, &enrollment);
	/* An empty token deletes. */
	if (kind == ERR_OK && token != NULL && token->as.string.len > 0)
		kind = checkin_seal(visit, "bootstrap_token", token->as.string.bytes,
			token->as.string.len, &value);
	if (kind == ERR_OK)
		kind = db_run(visit->mdm->db, SQL_ENROLLMENT_SET_BOOTSTRAP_TOKEN,
			DB_ARGS(DB_INT(enrollment.no), value), NULL, visit->err);
	if (kind == ERR_OK)
		kind = checkin_event(visit, EVENT_BOOTSTRAP_TOKEN, enrollment.no, NULL);
	return kind;
}

enum err_kind
checkin_bootstrap_token(struct checkin_visit *visit, int64_t enrollment_no,
	const unsigned char **token, size_t *len)
{
	struct mdm *mdm = visit->mdm;
	unsigned char *opened = NULL;
	const void *closed;
	struct db_row row;
	enum err_kind kind = db_first(mdm->db, SQL_ENROLLMENT_BOOTSTRAP_TOKEN,
		DB_ARGS(DB_INT(enrollment_no)), &row, visit->err);

	*token = NULL;
	if (kind != ERR_OK)
		return kind;
	closed = db_blob(&row, 1, len);
	if (closed == NULL)
		return ERR_OK;
	kind = seal_open(mdm->key, mdm->arena,
		arena_printf(mdm->arena, "enrollment/bootstrap_token/%s", db_text(&row, 0)), closed,
		*len, &opened, len, visit->err);
	*token = opened;
	return kind;
}

/* None stored is a success with an empty body. */
enum err_kind
checkin_get_bootstrap_token(struct checkin_visit *visit)
{
	struct arena *arena = visit->mdm->arena;
	struct enrollment enrollment;
	const unsigned char *token = NULL;
	struct plist *answer;
	size_t len = 0;
	enum err_kind kind = bind_device(visit, &enrollment);

	if (kind == ERR_OK)
		kind = checkin_bootstrap_token(visit, enrollment.no, &token, &len);
	if (kind != ERR_OK || token == NULL)
		return kind;
	answer = plist_dict(arena);
	plist_set(arena, answer, "BootstrapToken", plist_data(arena, token, len));
	plist_write_xml(visit->reply, answer, false);
	return ERR_OK;
}
