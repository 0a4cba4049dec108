#include "mdm/mdm.h"

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
