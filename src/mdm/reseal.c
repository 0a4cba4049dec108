/*
 * The order is what makes it safe:
 *
 * 1. The key file gets the new key, which seals, beside the old one, which opens (seal_key.c).
 * 2. A write transaction, of a row of the audit trail alone: those that had begun before, and may
 * have sealed under the old key, have ended behind it.  Those that begin later look at the key file
 * and seal under the new one.
 * 3. All values are sealed anew, in passes until one finds nothing to do.
 * 4. The old key goes out of the file.
 */
#include "mdm/reseal.h"

#include <string.h>
#include <time.h>

#include "mdm/audit.h"
#include "mdm/await.h"

enum {
	PAGE_ROWS = 100,
	PASSES_MOST = 100,
	BREAK_NS = 2 * 1000 * 1000, /* between pages others get the write lock */
};

/* What is sealed: where, and the statements that find it and put it. */
static const struct field {
	const char *place; /* in front of the row's own part */
	enum statement find, put;
	bool by_text; /* its rows go by a text, and not by a number */
} fields[] = {
	{"authority/key/", SQL_RESEAL_AUTHORITY_FIND, SQL_RESEAL_AUTHORITY_PUT, true},
	{"push_certificate/key/", SQL_RESEAL_PUSH_CERTIFICATE_FIND, SQL_RESEAL_PUSH_CERTIFICATE_PUT,
		true},
	{"push_request/key/", SQL_RESEAL_PUSH_REQUEST_FIND, SQL_RESEAL_PUSH_REQUEST_PUT, true},
	{"enrollment/push_magic/", SQL_RESEAL_PUSH_MAGIC_FIND, SQL_RESEAL_PUSH_MAGIC_PUT, false},
	{"enrollment/unlock_token/", SQL_RESEAL_UNLOCK_TOKEN_FIND, SQL_RESEAL_UNLOCK_TOKEN_PUT,
		false},
	{"enrollment/bootstrap_token/", SQL_RESEAL_BOOTSTRAP_TOKEN_FIND,
		SQL_RESEAL_BOOTSTRAP_TOKEN_PUT, false},
	{"setting_value/sealed/", SQL_RESEAL_SETTING_FIND, SQL_RESEAL_SETTING_PUT, true},
	{"enroll_download/profile/", SQL_RESEAL_ENROLL_DOWNLOAD_FIND,
		SQL_RESEAL_ENROLL_DOWNLOAD_PUT, true},
	{"token_source/key/", SQL_RESEAL_TOKEN_SOURCE_FIND, SQL_RESEAL_TOKEN_SOURCE_PUT, true},
	{"return_profile/profile/", SQL_RESEAL_RETURN_PROFILE_FIND, SQL_RESEAL_RETURN_PROFILE_PUT,
		true},
	{"login_user/ha1/", SQL_RESEAL_LOGIN_USER_FIND, SQL_RESEAL_LOGIN_USER_PUT, true},
	{"event_log/raw/", SQL_RESEAL_EVENT_FIND, SQL_RESEAL_EVENT_PUT, false},
	{"secret/value/", SQL_RESEAL_SECRET_FIND, SQL_RESEAL_SECRET_PUT, false},
	{"escrow_certificate/key/", SQL_RESEAL_ESCROW_FIND, SQL_RESEAL_ESCROW_PUT, true},
	{"payload/sealed_args/", SQL_RESEAL_PAYLOAD_ARGS_FIND, SQL_RESEAL_PAYLOAD_ARGS_PUT, false},
	{"payload/sealed_body/", SQL_RESEAL_PAYLOAD_BODY_FIND, SQL_RESEAL_PAYLOAD_BODY_PUT, false},
	{AWAIT_ARGS_PLACE, SQL_RESEAL_SETUP_STEP_FIND, SQL_RESEAL_SETUP_STEP_PUT, false},
	{"answer_secret/raw/", SQL_RESEAL_ANSWER_FIND, SQL_RESEAL_ANSWER_PUT, false},
};

/* Values as they were found. */
struct page {
	struct db_row rows[PAGE_ROWS];
	size_t count;
};

static enum err_kind
collect(const struct db_row *row, void *context, struct err *err)
{
	struct page *page = context;

	(void)err;
	page->rows[page->count++] = *row;
	return ERR_OK;
}

static enum err_kind
find_page(struct mdm *mdm, const struct field *field, const struct db_value *behind,
	struct page *page, struct err *err)
{
	const char number = (char)seal_key_number(mdm->key);
	enum err_kind kind = db_begin(mdm->db, DB_READ, err);

	page->count = 0;
	if (kind != ERR_OK)
		return kind;
	kind = db_each(mdm->db, field->find,
		DB_ARGS(*behind, DB_INT(PAGE_ROWS), DB_BLOB(&number, 1)), collect, page, err);
	db_rollback(mdm->db);
	return kind;
}

static const char *
place_of(struct mdm *mdm, const struct field *field, const struct db_row *row)
{
	const struct db_value *part = &row->values[1];

	if (part->type == DB_TYPE_INTEGER)
		return arena_printf(mdm->arena, "%s%lld", field->place, (long long)part->integer);
	return arena_printf(mdm->arena, "%s%s", field->place, db_text(row, 1));
}

/* A value that has changed since it was found is sealed under the new key already. */
static enum err_kind
reseal_value(struct mdm *mdm, const struct field *field, const struct db_row *row,
	struct reseal *pass, struct err *err)
{
	const char *place = place_of(mdm, field, row);
	struct db_value value;
	unsigned char *plain;
	int64_t changed = 0;
	const void *sealed;
	struct err lost;
	enum err_kind kind;
	size_t len;

	sealed = db_blob(row, 2, &len);
	kind = seal_open(mdm->key, mdm->arena, place, sealed, len, &plain, &len, &lost);
	if (kind == ERR_INTERNAL) {
		pass->lost++;
		return ERR_OK;
	}
	if (kind != ERR_OK)
		return err_set(err, kind, "%s", lost.message);
	kind = mdm_seal(mdm, place, plain, len, &value, err);
	memset(plain, 0, len);
	if (kind == ERR_OK)
		kind = db_run(mdm->db, field->put, DB_ARGS(row->values[0], value, row->values[2]),
			&changed, err);
	pass->resealed += changed;
	return kind;
}

static enum err_kind
reseal_page(struct mdm *mdm, const struct field *field, const struct page *page,
	struct reseal *pass, struct err *err)
{
	enum err_kind kind = db_begin(mdm->db, DB_WRITE, err);

	if (kind != ERR_OK)
		return kind;
	for (size_t i = 0; i < page->count && kind == ERR_OK; i++)
		kind = reseal_value(mdm, field, &page->rows[i], pass, err);
	if (kind == ERR_OK)
		return db_commit(mdm->db, err);
	db_rollback(mdm->db);
	return kind;
}

static enum err_kind
reseal_field(struct mdm *mdm, const struct field *field, struct reseal *pass, struct err *err)
{
	const struct timespec pause = {.tv_nsec = BREAK_NS};
	struct arena kept;
	struct db_value behind = DB_INT(0);
	struct page page;
	enum err_kind kind;

	arena_init(&kept); /* the key of a page outlives what the page was read into */
	if (field->by_text)
		behind = DB_TEXT("");
	do {
		kind = find_page(mdm, field, &behind, &page, err);
		if (kind == ERR_OK && page.count > 0) {
			kind = reseal_page(mdm, field, &page, pass, err);
			behind = page.rows[page.count - 1].values[0];
			if (behind.type == DB_TYPE_TEXT)
				behind.bytes = arena_memdup(&kept, behind.bytes, behind.len);
			nanosleep(&pause, NULL);
		}
		arena_reset(mdm->arena);
	} while (kind == ERR_OK && page.count == PAGE_ROWS);
	arena_release(&kept);
	return kind;
}

/* Every value once. */
static enum err_kind
run_pass(struct mdm *mdm, struct reseal *pass, struct err *err)
{
	enum err_kind kind = ERR_OK;

	*pass = (struct reseal){0};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && kind == ERR_OK; i++)
		kind = reseal_field(mdm, &fields[i], pass, err);
	return kind;
}

/* When this transaction ends, those that were begun before the rotation have ended. */
static enum err_kind
wait_for_writers(struct mdm *mdm, struct err *err)
{
	enum err_kind kind = db_begin(mdm->db, DB_WRITE, err);

	if (kind != ERR_OK)
		return kind;
	kind = audit_add(mdm, AUDIT_KEY_ROTATE,
		arena_printf(mdm->arena, "%d", seal_key_number(mdm->key)), NULL, NULL, err);
	if (kind == ERR_OK)
		return db_commit(mdm->db, err);
	db_rollback(mdm->db);
	return kind;
}

enum err_kind
reseal_run(struct mdm *mdm, struct reseal *reseal, struct err *err)
{
	struct reseal pass = {.resealed = 1};
	enum err_kind kind = mdm_need_key(mdm, err);
	int passes = 0;

	*reseal = (struct reseal){0};
	if (kind == ERR_OK)
		kind = seal_key_begin_rotation(mdm->key, &reseal->resumed, err);
	if (kind == ERR_OK)
		kind = wait_for_writers(mdm, err);
	while (kind == ERR_OK && pass.resealed > 0) {
		if (passes++ == PASSES_MOST)
			return err_set(err, ERR_CONFLICT,
				"another program goes on sealing under the old key: stop it, and "
				"run this again");
		kind = run_pass(mdm, &pass, err);
		reseal->resealed += pass.resealed;
		reseal->lost = pass.lost;
	}
	return kind == ERR_OK ? seal_key_end_rotation(mdm->key, err) : kind;
}
