#include "web/endpoint_status.h"

enum err_kind
endpoint_healthz(struct call *call, struct reply *reply, struct err *err)
{
	struct db_row row;
	enum err_kind kind =
		db_first(call->mdm->db, SQL_SCHEMA_STATE, DB_ARGS(DB_TEXT("step")), &row, err);

	if (kind == ERR_NOT_FOUND)
		return err_set(err, ERR_BUSY, "the store has no schema");
	if (kind != ERR_OK)
		return kind;
	reply->content_type = "text/plain; charset=utf-8";
	buf_str(&reply->body, "ok\n");
	return ERR_OK;
}

enum err_kind
endpoint_version(struct call *call, struct reply *reply, struct err *err)
{
	(void)call;
	(void)err;
	reply->content_type = "application/json";
	buf_str(&reply->body, "{\"version\":\"" PACKAGE_VERSION "\"}\n");
	return ERR_OK;
}
