/*
 * CAs come and go: made, imported, activated, retired.
 */
#include "mdm/ca.h"

#include <string.h>

#include "base/clock.h"
#include "mdm/audit.h"
#include "mdm/event.h"

enum { YEARS = 20, DETAIL_MOST = 1024 };

static const char usual_name[] = "Pomona Device CA";

/* One that is about to be stored. */
struct entry {
	const char *name, *role;
	const char *belongs_to;
	const char *certificate, *chain, *key_pem;
	int64_t not_after;
};

static enum err_kind
add(struct mdm *mdm, const struct entry *entry, struct err *err)
{
	struct db_value sealed;
	enum err_kind kind =
		mdm_seal(mdm, arena_printf(mdm->arena, "authority/key/%s", entry->name),
			entry->key_pem, strlen(entry->key_pem), &sealed, err);

	if (kind != ERR_OK)
		return kind;
	return db_run(mdm->db, SQL_AUTHORITY_ADD,
		DB_ARGS(DB_TEXT(entry->name), DB_TEXT(entry->certificate), sealed,
			DB_INT(clock_now()), DB_TEXT(entry->role), DB_TEXT(entry->belongs_to),
			DB_TEXT(entry->chain), DB_NULL(), DB_INT(entry->not_after)),
		NULL, err);
}

/* Whom to believe has changed: the files for the web server follow, it is told, and on record. */
static enum err_kind
note_change(struct mdm *mdm, const char *name, const char *change, enum audit_action action,
	struct err *err)
{
	struct plist *detail = plist_dict(mdm->arena);
	struct buf json;
	enum err_kind kind = db_run(mdm->db, SQL_AUTHORITY_CHANGED, DB_NONE, NULL, err);

	if (kind != ERR_OK)
		return kind;
	plist_set(mdm->arena, detail, "name", plist_string(mdm->arena, name));
	plist_set(mdm->arena, detail, "change", plist_string(mdm->arena, change));
	buf_init(&json, mdm->arena, DETAIL_MOST);
	plist_write_json(&json, detail, false);
	kind = event_add(mdm, EVENT_CA, 0, json.bytes, NULL, 0, err);
	return kind == ERR_OK ? audit_add(mdm, action, name, NULL, NULL, err) : kind;
}

/* ---- a new one ---- */

static enum err_kind
has_role(struct mdm *mdm, const char *role, const char **name, struct err *err)
{
	struct db_row row;
	enum err_kind kind =
		db_first(mdm->db, SQL_AUTHORITY_BY_ROLE, DB_ARGS(DB_TEXT(role)), &row, err);

	*name = kind == ERR_OK ? db_text(&row, 0) : NULL;
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

/* Its role and name; *NUMBER: how many there are with it. */
static enum err_kind
find_place(struct mdm *mdm, struct entry *entry, int64_t *number, struct err *err)
{
	const char *issuing, *next;
	struct db_row row;
	enum err_kind kind = has_role(mdm, "issuing", &issuing, err);

	if (kind == ERR_OK)
		kind = has_role(mdm, "next", &next, err);
	if (kind == ERR_OK && next != NULL)
		return err_set(err, ERR_CONFLICT,
			"there is a next device CA already, %s: activate or retire it first", next);
	if (kind == ERR_OK)
		kind = db_first(mdm->db, SQL_AUTHORITY_COUNT, DB_NONE, &row, err);
	if (kind != ERR_OK)
		return kind;
	*number = db_int(&row, 0) + 1;
	entry->role = issuing == NULL ? "issuing" : "next";
	entry->name = *number == 1 ? "device"
				   : arena_printf(mdm->arena, "device-%lld", (long long)*number);
	return ERR_OK;
}

/* SCEP wants an RSA key: the one of a registration authority when the CA has none. */
static enum err_kind
add_registrar(struct mdm *mdm, const char *ca_name, const struct x509_identity *ca, struct err *err)
{
	struct entry entry = {.role = "ra",
		.belongs_to = ca_name,
		.name = arena_printf(mdm->arena, "%s-ra", ca_name)};
	struct x509_issuer *issuer;
	struct x509_identity ra;
	struct x509_info info;
	enum err_kind kind = x509_issuer_new(ca, &issuer, err);

	if (kind == ERR_OK)
		kind = x509_make_ra(mdm->arena, issuer, "Pomona SCEP", &ra, err);
	x509_issuer_free(issuer);
	if (kind == ERR_OK)
		kind = x509_inspect(mdm->arena, ra.cert_pem, &info, err);
	if (kind != ERR_OK)
		return kind;
	entry.certificate = ra.cert_pem;
	entry.key_pem = ra.key_pem;
	entry.not_after = info.not_after;
	return add(mdm, &entry, err);
}

enum err_kind
ca_make(struct mdm *mdm, const struct ca_plan *plan, const char **name, struct err *err)
{
	struct x509_ca_plan wanted = {.common_name = plan->common_name,
		.organization = plan->organization,
		.key = plan->key,
		.years = YEARS};
	struct entry entry = {0};
	struct x509_identity ca;
	struct x509_info info;
	int64_t number;
	enum err_kind kind = find_place(mdm, &entry, &number, err);

	if (kind == ERR_OK && wanted.common_name == NULL)
		wanted.common_name = number == 1 ? usual_name
						 : arena_printf(mdm->arena, "%s %lld", usual_name,
							   (long long)number);
	if (kind == ERR_OK)
		kind = x509_make_ca_of(mdm->arena, &wanted, &ca, err);
	if (kind == ERR_OK)
		kind = x509_inspect(mdm->arena, ca.cert_pem, &info, err);
	if (kind != ERR_OK)
		return kind;
	entry.certificate = ca.cert_pem;
	entry.key_pem = ca.key_pem;
	entry.not_after = info.not_after;
	*name = entry.name;
	kind = add(mdm, &entry, err);
	if (kind == ERR_OK && plan->key != X509_KEY_RSA_2048)
		kind = add_registrar(mdm, entry.name, &ca, err);
	return kind == ERR_OK ? note_change(mdm, entry.name, "made", AUDIT_CA_MAKE, err) : kind;
}

enum err_kind
ca_create(struct mdm *mdm, const char *common_name, const char *organization, struct err *err)
{
	const struct ca_plan plan = {
		.common_name = common_name, .organization = organization, .key = X509_KEY_RSA_2048};
	const char *name;
	enum err_kind kind = has_role(mdm, "issuing", &name, err);

	if (kind == ERR_OK && name != NULL)
		return err_set(err, ERR_CONFLICT, "there is a device CA already");
	return kind == ERR_OK ? ca_make(mdm, &plan, &name, err) : kind;
}

static enum err_kind
check_new(const struct ca_authority *authority, void *context, struct err *err)
{
	const struct x509_info *info = context;

	if (strcmp(authority->info.sha256, info->sha256) == 0)
		return err_set(err, ERR_CONFLICT, "this CA is there already, as %s (%s)",
			authority->name, authority->role);
	return ERR_OK;
}

enum err_kind
ca_import(struct mdm *mdm, const void *bytes, size_t len, const char *password, const char **name,
	struct err *err)
{
	struct x509_identity ca;
	struct x509_ca_facts facts;
	struct x509_info info;
	struct entry entry = {0};
	int64_t number;
	enum err_kind kind = x509_identity_read(mdm->arena, bytes, len, password, &ca, err);

	if (kind == ERR_OK)
		kind = x509_check_ca(mdm->arena, &ca, &facts, err);
	if (kind == ERR_OK)
		kind = x509_inspect(mdm->arena, facts.cert_pem, &info, err);
	if (kind == ERR_OK)
		kind = ca_each(mdm, check_new, &info, err);
	if (kind == ERR_OK)
		kind = find_place(mdm, &entry, &number, err);
	if (kind != ERR_OK)
		return kind;
	entry.certificate = facts.cert_pem;
	entry.chain = facts.chain_pem;
	entry.key_pem = ca.key_pem;
	entry.not_after = facts.not_after;
	*name = entry.name;
	kind = add(mdm, &entry, err);
	if (kind == ERR_OK && !facts.is_rsa)
		kind = add_registrar(mdm, entry.name, &ca, err);
	return kind == ERR_OK ? note_change(mdm, entry.name, "imported", AUDIT_CA_IMPORT, err)
			      : kind;
}

/* ---- one that is there ---- */

struct search {
	const char *name;
	struct ca_authority found; /* its name is NULL: not found */
};

static enum err_kind
take_named(const struct ca_authority *authority, void *context, struct err *err)
{
	struct search *search = context;

	(void)err;
	if (strcmp(authority->name, search->name) != 0)
		return ERR_OK;
	search->found = *authority;
	return ERR_NOT_FOUND; /* that is enough */
}

static enum err_kind
find_named(struct mdm *mdm, const char *name, struct ca_authority *found, struct err *err)
{
	struct search search = {.name = name};
	enum err_kind kind = ca_each(mdm, take_named, &search, err);

	*found = search.found;
	if (kind == ERR_OK && found->name == NULL)
		return err_set(err, ERR_NOT_FOUND, "there is no device CA \"%.60s\"", name);
	return kind;
}

enum err_kind
ca_set_chain_crl(struct mdm *mdm, const char *name, const void *bytes, size_t len, bool *every,
	struct err *err)
{
	struct ca_authority authority;
	const char *pem;
	enum err_kind kind = find_named(mdm, name, &authority, err);

	if (kind == ERR_OK && authority.chain == NULL)
		return err_set(err, ERR_CONFLICT, "%s has no CA above it, and makes its own CRL",
			authority.name);
	if (kind == ERR_OK)
		kind = x509_check_crls(mdm->arena, authority.chain, bytes, len, &pem, every, err);
	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_AUTHORITY_SET_CHAIN_CRL,
			DB_ARGS(DB_TEXT(name), DB_TEXT(pem)), NULL, err);
	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_AUTHORITY_CHANGED, DB_NONE, NULL, err);
	return kind == ERR_OK ? audit_add(mdm, AUDIT_CA_CRL, name, NULL, NULL, err) : kind;
}

static enum err_kind
find_next(struct mdm *mdm, const char **name, struct err *err)
{
	enum err_kind kind = has_role(mdm, "next", name, err);

	if (kind == ERR_OK && *name == NULL)
		return err_set(err, ERR_NOT_FOUND, "there is no next device CA");
	return kind;
}

static enum err_kind
set_role(struct mdm *mdm, const char *name, const char *role, struct err *err)
{
	return db_run(
		mdm->db, SQL_AUTHORITY_SET_ROLE, DB_ARGS(DB_TEXT(name), DB_TEXT(role)), NULL, err);
}

enum err_kind
ca_activate(struct mdm *mdm, const char **name, struct err *err)
{
	const char *issuing;
	enum err_kind kind = find_next(mdm, name, err);

	if (kind == ERR_OK)
		kind = has_role(mdm, "issuing", &issuing, err);
	if (kind == ERR_OK && issuing != NULL)
		kind = set_role(mdm, issuing, "former", err);
	if (kind == ERR_OK)
		kind = set_role(mdm, *name, "issuing", err);
	return kind == ERR_OK ? note_change(mdm, *name, "activated", AUDIT_CA_ACTIVATE, err) : kind;
}

enum err_kind
ca_activate_at(struct mdm *mdm, int64_t at, const char **name, struct err *err)
{
	char when[CLOCK_ISO_SIZE];
	enum err_kind kind = find_next(mdm, name, err);

	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_AUTHORITY_SET_ACTIVATION,
			DB_ARGS(DB_TEXT(*name), DB_INT(at)), NULL, err);
	return kind == ERR_OK ? audit_add(mdm, AUDIT_CA_ACTIVATE, *name, NULL,
					audit_detail(mdm->arena, "at", clock_iso(at, when)), err)
			      : kind;
}

enum err_kind
ca_activate_when_due(struct mdm *mdm, const char **name, struct err *err)
{
	struct db_row row;
	enum err_kind kind =
		db_first(mdm->db, SQL_AUTHORITY_DUE, DB_ARGS(DB_INT(clock_now())), &row, err);

	*name = NULL;
	if (kind != ERR_OK)
		return kind == ERR_NOT_FOUND ? ERR_OK : kind;
	return ca_activate(mdm, name, err);
}

/* The web server may not know yet: what the CA has issued is good for nothing at once. */
static enum err_kind
end_identities(struct mdm *mdm, const char *sha256, struct err *err)
{
	static const enum statement statements[] = {
		SQL_AUTHORITY_REVOKE_ALL, SQL_AUTHORITY_END_PINS, SQL_AUTHORITY_TAKE_PINS};
	const struct db_value args[] = {DB_TEXT(sha256), DB_INT(clock_now())};
	enum err_kind kind = ERR_OK;

	for (size_t i = 0; i < 3 && kind == ERR_OK; i++)
		kind = db_run(mdm->db, statements[i], args, i == 2 ? 1 : 2, NULL, err);
	return kind;
}

static enum err_kind
refuse_in_use(struct mdm *mdm, const struct ca_authority *authority, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(mdm->db, SQL_AUTHORITY_DEVICES,
		DB_ARGS(DB_TEXT(authority->info.sha256)), &row, err);
	int64_t devices = kind == ERR_OK ? db_int(&row, 0) : 0;

	return devices == 0
		       ? kind
		       : err_set(err, ERR_CONFLICT,
				 "enrolled devices whose identity %s has issued: %lld; they would "
				 "be refused until they enroll anew: --force retires it anyhow",
				 authority->name, (long long)devices);
}

enum err_kind
ca_retire(struct mdm *mdm, const char *name, bool anyhow, struct err *err)
{
	struct ca_authority authority;
	enum err_kind kind = find_named(mdm, name, &authority, err);

	if (kind != ERR_OK)
		return kind;
	if (strcmp(authority.role, "former") != 0 && strcmp(authority.role, "next") != 0)
		return err_set(err, ERR_CONFLICT,
			"only a former or a next CA can be retired: %s is %s", name,
			strcmp(authority.role, "ra") == 0 ? "a registration authority"
							  : authority.role);
	if (!anyhow)
		kind = refuse_in_use(mdm, &authority, err);
	if (kind == ERR_OK)
		kind = set_role(mdm, name, "retired", err);
	if (kind == ERR_OK)
		kind = db_run(
			mdm->db, SQL_AUTHORITY_RETIRE_REGISTRAR, DB_ARGS(DB_TEXT(name)), NULL, err);
	if (kind == ERR_OK)
		kind = end_identities(mdm, authority.info.sha256, err);
	return kind == ERR_OK ? note_change(mdm, name, "retired", AUDIT_CA_RETIRE, err) : kind;
}
