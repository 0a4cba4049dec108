#include "worker/work.h"

enum err_kind
work_do(struct mdm *mdm, work_fn work, void *context, struct err *err)
{
	enum err_kind kind = db_begin(mdm->db, DB_READ, err);

	if (kind != ERR_OK)
		return kind;
	kind = work(mdm, context, err);
	db_rollback(mdm->db);
	if (kind != ERR_NEEDS_WRITE)
		return kind;
	kind = db_begin(mdm->db, DB_WRITE, err);
	if (kind != ERR_OK)
		return kind;
	kind = work(mdm, context, err);
	if (kind == ERR_OK)
		return db_commit(mdm->db, err);
	db_rollback(mdm->db);
	return kind;
}
