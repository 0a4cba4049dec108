/*
 * SetBootstrapToken, GetBootstrapToken: what a Mac lets a new administrator become one with.
 */
#include "mdm/checkin_parts.h"

#include "mdm/event.h"

enum err_kind
checkin_set_bootstrap_token(struct checkin_visit *visit)
{
	const struct plist *token = NULL;
	struct enrollment enrollment;
	struct db_value value = DB_NULL();
	enum err_kind kind;

	kind = checkin_data(visit, "BootstrapToken", false, CHECKIN_SECRET_MOST, &token);
	if (kind == ERR_OK)
		kind = checkin_bind(visit, &enrollment);
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

/* None stored is a success with an empty body. */
enum err_kind
checkin_get_bootstrap_token(struct checkin_visit *visit)
{
	struct mdm *mdm = visit->mdm;
	struct enrollment enrollment;
	struct plist *answer;
	unsigned char *token;
	const void *closed;
	struct db_row row;
	enum err_kind kind;
	size_t len;

	kind = checkin_bind(visit, &enrollment);
	if (kind == ERR_OK)
		kind = db_first(mdm->db, SQL_ENROLLMENT_BOOTSTRAP_TOKEN,
			DB_ARGS(DB_INT(enrollment.no)), &row, visit->err);
	if (kind != ERR_OK)
		return kind;
	closed = db_blob(&row, 1, &len);
	if (closed == NULL)
		return ERR_OK;
	kind = seal_open(mdm->key, mdm->arena,
		arena_printf(mdm->arena, "enrollment/bootstrap_token/%s", db_text(&row, 0)), closed,
		len, &token, &len, visit->err);
	if (kind != ERR_OK)
		return kind;
	answer = plist_dict(mdm->arena);
	plist_set(mdm->arena, answer, "BootstrapToken", plist_data(mdm->arena, token, len));
	plist_write_xml(visit->reply, answer, false);
	return ERR_OK;
}
