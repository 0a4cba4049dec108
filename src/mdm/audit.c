/*
 * The audit trail.  A row is added as it is, and gets its place in the chain in a second step, the
 * same for all doors: what is hashed is what the store holds.
 */
#include "mdm/audit.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

enum {
	DETAIL_MOST = 64 * 1024,
	ROW_MOST = 512 * 1024, /* what is hashed of one; triggers let none in that is longer */
	CHAIN_MOST = 200,      /* rows that an operator's act may have to wait for */
	PAGE_ROWS = 500,
};

static const char first_previous[] =
	"0000000000000000000000000000000000000000000000000000000000000000";

static const char *const action_names[AUDIT_ACTIONS] = {
	[AUDIT_QUEUE_ADD] = "queue_add",
	[AUDIT_QUEUE_CANCEL] = "queue_cancel",
	[AUDIT_QUEUE_CLEAR] = "queue_clear",
	[AUDIT_QUEUE_CHANGE] = "queue_change",
	[AUDIT_DEVICE_BLOCK] = "device_block",
	[AUDIT_DEVICE_UNBLOCK] = "device_unblock",
	[AUDIT_SETTING_SET] = "setting_set",
	[AUDIT_SETTING_UNSET] = "setting_unset",
	[AUDIT_SECRET_SHOW] = "secret_show",
	[AUDIT_SECRET_CHANGE] = "secret_change",
	[AUDIT_IDENTITY_ISSUE] = "identity_issue",
	[AUDIT_IDENTITY_REVOKE] = "identity_revoke",
	[AUDIT_CA_MAKE] = "ca_make",
	[AUDIT_CA_IMPORT] = "ca_import",
	[AUDIT_CA_ACTIVATE] = "ca_activate",
	[AUDIT_CA_RETIRE] = "ca_retire",
	[AUDIT_CA_CRL] = "ca_crl",
	[AUDIT_PUSH_CERT_REQUEST] = "push_cert_request",
	[AUDIT_PUSH_CERT_FORGET] = "push_cert_forget",
	[AUDIT_PUSH_CERT_IMPORT] = "push_cert_import",
	[AUDIT_PUSH_CERT_REMOVE] = "push_cert_remove",
	[AUDIT_KEY_ROTATE] = "key_rotate",
	[AUDIT_SCEP_CHALLENGE] = "scep_challenge",
	[AUDIT_ENROLL_LINK] = "enroll_link",
	[AUDIT_ENROLL_LINK_REVOKE] = "enroll_link_revoke",
	[AUDIT_PROFILE_ENROLL] = "profile_enroll",
	[AUDIT_ADMISSION_ADD] = "admission_add",
	[AUDIT_ADMISSION_REMOVE] = "admission_remove",
	[AUDIT_USER_SET] = "user_set",
	[AUDIT_USER_REMOVE] = "user_remove",
	[AUDIT_GROUP_SET] = "group_set",
	[AUDIT_GROUP_REMOVE] = "group_remove",
	[AUDIT_SCHEDULE_SET] = "schedule_set",
	[AUDIT_SCHEDULE_REMOVE] = "schedule_remove",
	[AUDIT_SETUP_ADD] = "setup_add",
	[AUDIT_SETUP_CHANGE] = "setup_change",
	[AUDIT_SETUP_REMOVE] = "setup_remove",
	[AUDIT_TOKEN_SERVICE] = "token_service",
	[AUDIT_RETURN_TO_SERVICE] = "return_to_service",
	[AUDIT_ESCROW] = "escrow",
};

const char *
audit_action_name(enum audit_action action)
{
	return action_names[action];
}

/* ---- what is hashed ---- */

/* The columns of audit_unchained and audit_page, of which the first nine are the same. */
enum column {
	COLUMN_NO,
	COLUMN_LAST_HASHED = 8, /* detail */
	COLUMN_PREVIOUS,
	COLUMN_HASH,
};

static void
add_text(struct buf *buf, const char *bytes, size_t len)
{
	buf_printf(buf, "%zu:", len);
	buf_add(buf, bytes, len);
	buf_byte(buf, '\n');
}

static void
add_value(struct buf *buf, const struct db_value *value)
{
	char number[24];

	if (value->type == DB_TYPE_NULL)
		buf_str(buf, "-\n");
	else if (value->type == DB_TYPE_INTEGER)
		add_text(buf, number,
			(size_t)snprintf(
				number, sizeof(number), "%lld", (long long)value->integer));
	else
		add_text(buf, value->bytes, value->len);
}

/* False: it is too long to be one of ours. */
static bool
hash_row(struct arena *arena, const struct db_row *row, const char *previous,
	char hash[X509_HASH_SIZE])
{
	struct buf buf;

	buf_init(&buf, arena, ROW_MOST);
	buf_str(&buf, "pomona-audit-1\n");
	add_text(&buf, previous, strlen(previous));
	for (size_t i = COLUMN_NO; i <= COLUMN_LAST_HASHED; i++)
		add_value(&buf, &row->values[i]);
	x509_hash(buf.bytes, buf.len, hash);
	return !buf.full;
}

/* ---- the chain ---- */

struct chaining {
	struct mdm *mdm;
	char previous[X509_HASH_SIZE]; /* empty: not known yet */
	int64_t count;
};

static void
set_hash(char to[X509_HASH_SIZE], const char *from)
{
	snprintf(to, X509_HASH_SIZE, "%s", from);
}

/* What the first unchained row is chained to.  Where rows are missing it is the last that is there:
 * audit_verify() tells. */
static enum err_kind
find_previous(struct chaining *chaining, int64_t no, struct err *err)
{
	struct db_row row;
	enum err_kind kind =
		db_first(chaining->mdm->db, SQL_AUDIT_BEFORE, DB_ARGS(DB_INT(no)), &row, err);

	if (kind != ERR_OK && kind != ERR_NOT_FOUND)
		return kind;
	set_hash(chaining->previous,
		kind == ERR_OK && !db_is_null(&row, 0) ? db_text(&row, 0) : first_previous);
	return ERR_OK;
}

static enum err_kind
chain_row(const struct db_row *row, void *context, struct err *err)
{
	struct chaining *chaining = context;
	struct mdm *mdm = chaining->mdm;
	char hash[X509_HASH_SIZE];
	enum err_kind kind = ERR_OK;

	if (chaining->previous[0] == '\0')
		kind = find_previous(chaining, db_int(row, COLUMN_NO), err);
	if (kind != ERR_OK)
		return kind;
	hash_row(mdm->arena, row, chaining->previous, hash);
	kind = db_run(mdm->db, SQL_AUDIT_CHAIN,
		DB_ARGS(row->values[COLUMN_NO], DB_TEXT(chaining->previous), DB_TEXT(hash)), NULL,
		err);
	set_hash(chaining->previous, hash);
	chaining->count++;
	return kind;
}

enum err_kind
audit_chain(struct mdm *mdm, int64_t most, int64_t *count, struct err *err)
{
	struct chaining chaining = {.mdm = mdm};
	enum err_kind kind = db_each(
		mdm->db, SQL_AUDIT_UNCHAINED, DB_ARGS(DB_INT(most)), chain_row, &chaining, err);

	*count = chaining.count;
	return kind;
}

/* ---- a new row ---- */

struct plist *
audit_detail(struct arena *arena, const char *key, const char *value)
{
	struct plist *detail = plist_dict(arena);

	if (value != NULL)
		plist_set(arena, detail, key, plist_string(arena, value));
	return detail;
}

static const char *
detail_text(struct arena *arena, const struct plist *detail)
{
	struct buf json;

	if (detail == NULL || detail->as.items.count == 0)
		return NULL;
	buf_init(&json, arena, DETAIL_MOST);
	plist_write_json(&json, detail, false);
	return json.full ? "{\"too_large\":true}" : json.bytes;
}

enum err_kind
audit_add(struct mdm *mdm, enum audit_action action, const char *object, const char *device,
	const struct plist *detail, struct err *err)
{
	const struct mdm_actor *actor = &mdm->actor;
	enum err_kind kind;
	int64_t count;

	if (actor->source == NULL)
		return ERR_OK;
	kind = db_run(mdm->db, SQL_AUDIT_ADD,
		DB_ARGS(DB_INT(clock_now()), DB_TEXT(actor->source), DB_TEXT(actor->name),
			DB_TEXT(actor->place), DB_TEXT(audit_action_name(action)), DB_TEXT(object),
			DB_TEXT(device), DB_TEXT(detail_text(mdm->arena, detail))),
		NULL, err);
	if (kind == ERR_OK)
		kind = audit_chain(mdm, CHAIN_MOST, &count, err);
	if (kind != ERR_OK)
		err_prefix(err, "audit trail");
	return kind;
}

/* ---- is it whole? ---- */

enum err_kind
audit_head(struct mdm *mdm, struct audit_head *head, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(mdm->db, SQL_AUDIT_HEAD, DB_NONE, &row, err);

	*head = (struct audit_head){0};
	if (kind != ERR_OK)
		return kind == ERR_NOT_FOUND ? ERR_OK : kind;
	head->no = db_int(&row, 0);
	set_hash(head->hash, db_text(&row, 1));
	return ERR_OK;
}

struct verifying {
	struct mdm *mdm;
	const struct audit_head *expected;
	struct audit_report *report;
	int64_t in_page;
};

/* A row that is wrong ends the search. */
static enum err_kind
breaks(struct verifying *verifying, int64_t no, const char *reason)
{
	verifying->report->broken = no;
	verifying->report->reason = reason;
	return ERR_NOT_FOUND;
}

/* What is wrong with the place of a chained row, or itself; NULL: nothing. */
static const char *
fault_of(const struct verifying *verifying, const struct db_row *row)
{
	const struct audit_head *head = &verifying->report->head;
	const char *previous = db_text(row, COLUMN_PREVIOUS);
	char hash[X509_HASH_SIZE];

	if (previous == NULL || strcmp(previous, head->no == 0 ? first_previous : head->hash) != 0)
		return "it is not chained to the row before it";
	if (!hash_row(verifying->mdm->arena, row, previous, hash) ||
		strcmp(hash, db_text(row, COLUMN_HASH)) != 0)
		return "it was changed";
	return NULL;
}

static bool
is_as_expected(const struct verifying *verifying, const struct db_row *row)
{
	const struct audit_head *expected = verifying->expected;
	const char *hash = db_text(row, COLUMN_HASH);

	return expected == NULL || expected->no != db_int(row, COLUMN_NO) ||
	       (hash != NULL && strcmp(hash, expected->hash) == 0);
}

static enum err_kind
look_at_row(const struct db_row *row, void *context, struct err *err)
{
	struct verifying *verifying = context;
	struct audit_report *report = verifying->report;
	int64_t no = db_int(row, COLUMN_NO), next = report->rows + 1;
	const char *fault;

	(void)err;
	verifying->in_page++;
	if (no != next)
		return breaks(verifying, next, "it is missing");
	report->rows = no;
	if (!is_as_expected(verifying, row))
		return breaks(verifying, no, "it is not the one whose hash was given");
	if (db_is_null(row, COLUMN_HASH)) {
		report->unchained++;
		return ERR_OK;
	}
	if (report->unchained > 0)
		return breaks(verifying, report->head.no + 1,
			"it is not chained, though rows behind it are");
	fault = fault_of(verifying, row);
	if (fault != NULL)
		return breaks(verifying, no, fault);
	report->head.no = no;
	set_hash(report->head.hash, db_text(row, COLUMN_HASH));
	return ERR_OK;
}

static enum err_kind
look_at_page(struct verifying *verifying, struct err *err)
{
	struct db *db = verifying->mdm->db;
	enum err_kind kind = db_begin(db, DB_READ, err);

	if (kind != ERR_OK)
		return kind;
	verifying->in_page = 0;
	kind = db_each(db, SQL_AUDIT_PAGE,
		DB_ARGS(DB_INT(verifying->report->rows), DB_INT(PAGE_ROWS)), look_at_row, verifying,
		err);
	db_rollback(db);
	arena_reset(verifying->mdm->arena);
	return kind;
}

enum err_kind
audit_verify(struct mdm *mdm, const struct audit_head *expected, struct audit_report *report,
	struct err *err)
{
	struct verifying verifying = {.mdm = mdm, .expected = expected, .report = report};
	enum err_kind kind;

	*report = (struct audit_report){0};
	do
		kind = look_at_page(&verifying, err);
	while (kind == ERR_OK && report->broken == 0 && verifying.in_page == PAGE_ROWS);
	if (kind == ERR_OK && report->broken == 0 && expected != NULL &&
		expected->no > report->rows)
		breaks(&verifying, report->rows + 1, "it is missing, and so are all behind it");
	return kind;
}
