#include "mdm/mdm.h"

#include "mdm/ca.h"
#include "mdm/catalogue.h"
#include "store/migrate.h"

enum { TRIGGERS_MOST = 4 * 1024 * 1024 };

enum err_kind
mdm_prepare_store(struct db *db, struct arena *arena, bool create, struct err *err)
{
	struct buf triggers;

	buf_init(&triggers, arena, TRIGGERS_MOST);
	catalogue_write_triggers(&triggers);
	if (triggers.full)
		return err_set(err, ERR_INTERNAL, "the triggers of the catalogue are too large");
	return migrate_run(db, triggers.bytes, create, err);
}

enum err_kind
mdm_start(struct mdm *mdm, struct err *err)
{
	enum err_kind kind = mdm_prepare_store(mdm->db, mdm->arena, false, err);

	if (kind == ERR_OK)
		kind = db_begin(mdm->db, DB_READ, err);
	if (kind != ERR_OK)
		return kind;
	kind = ca_check_key(mdm, err);
	db_rollback(mdm->db);
	return kind;
}
