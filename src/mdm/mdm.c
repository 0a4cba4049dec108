#include "mdm/mdm.h"

#include "mdm/ca.h"
#include "mdm/catalogue.h"
#include "mdm/error_meaning.h"
#include "store/migrate.h"

enum { INTERFACE_MOST = 4 * 1024 * 1024 };

enum err_kind
mdm_prepare_store(struct db *db, struct arena *arena, bool create, struct err *err)
{
	struct buf interface;

	buf_init(&interface, arena, INTERFACE_MOST);
	catalogue_write_tables(&interface);
	catalogue_write_triggers(&interface);
	error_meaning_write_view(&interface);
	if (interface.full)
		return err_set(err, ERR_INTERNAL,
			"the catalogue's part of the SQL interface is too large");
	return migrate_run(db, interface.bytes, create, err);
}

/* Is it the key of this store? */
static enum err_kind
check_key(struct mdm *mdm, struct err *err)
{
	enum err_kind kind = db_begin(mdm->db, DB_READ, err);

	if (kind != ERR_OK)
		return kind;
	kind = ca_check_key(mdm, err);
	db_rollback(mdm->db);
	return kind;
}

enum err_kind
mdm_start(struct mdm *mdm, struct err *err)
{
	enum err_kind kind = mdm_prepare_store(mdm->db, mdm->arena, false, err);

	return kind == ERR_OK ? check_key(mdm, err) : kind;
}

enum err_kind
mdm_find_key(struct mdm *mdm, const char *path, struct err *err)
{
	struct seal_key found;
	struct mdm trial = *mdm;
	enum err_kind kind;

	seal_key_init(&found);
	trial.key = &found;
	kind = seal_key_read(&found, path, err);
	if (kind == ERR_OK)
		kind = check_key(&trial, err);
	if (kind == ERR_OK)
		seal_key_take(mdm->key, &found);
	seal_key_release(&found);
	return kind;
}

enum err_kind
mdm_need_key(struct mdm *mdm, struct err *err)
{
	struct err why;
	enum err_kind kind = seal_key_refresh(mdm->key, &why);

	/* Behind a rotation that is not heard of, what is sealed under the old key would be lost.
	 */
	if (kind == ERR_IO)
		return err_set(err, ERR_BUSY, "%s", why.message);
	return seal_key_is_there(mdm->key)
		       ? ERR_OK
		       : err_set(err, ERR_BUSY, "there is no master key: nothing can be sealed");
}

enum err_kind
mdm_seal(struct mdm *mdm, const char *place, const void *bytes, size_t len, struct db_value *value,
	struct err *err)
{
	enum err_kind kind = bytes == NULL ? ERR_OK : mdm_need_key(mdm, err);
	size_t sealed_len;

	*value = DB_NULL();
	if (kind != ERR_OK || bytes == NULL)
		return kind;
	bytes = seal_close(mdm->key, mdm->arena, place, bytes, len, &sealed_len);
	*value = DB_BLOB(bytes, sealed_len);
	return ERR_OK;
}
