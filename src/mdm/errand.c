/*
 * Behind DeclarativeManagement (mdm/ddm.c) and GetToken (mdm/token_service.c).
 */
#include "mdm/errand.h"

#include "mdm/event.h"
#include "mdm/relay.h"

enum { DETAIL_MOST = 4096 };

void
errand_add_header(struct relay_request *request, const char *name, const char *value)
{
	request->headers[request->header_count++] = (struct relay_header){name, value};
}

void
errand_add_enrollment(struct relay_request *request, const struct enrollment_ids *ids)
{
	/* NanoMDM's names. */
	static const char *const types[] = {
		[ENROLLMENT_DEVICE] = "Device",
		[ENROLLMENT_USER] = "User",
		[ENROLLMENT_SHARED_IPAD] = "Shared iPad",
		[ENROLLMENT_USER_ENROLLMENT_DEVICE] = "User Enrollment (Device)",
		[ENROLLMENT_USER_ENROLLMENT] = "User Enrollment",
	};

	errand_add_header(request, "X-Enrollment-ID", ids->id);
	errand_add_header(request, "X-Enrollment-Type", types[ids->kind]);
	if (ids->id != ids->device_id)
		errand_add_header(request, "X-Enrollment-ParentID", ids->device_id);
}

static enum err_kind
kind_of(const struct relay_answer *answer, struct err *err)
{
	static const struct {
		int status;
		enum err_kind kind;
	} rows[] = {
		{400, ERR_BAD_INPUT},
		{404, ERR_NOT_FOUND},
		{410, ERR_NOT_FOUND},
		{413, ERR_TOO_LARGE},
		{422, ERR_BAD_INPUT},
	};

	if (answer->status >= 200 && answer->status < 300)
		return ERR_OK;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].status == answer->status)
			return err_set(err, rows[i].kind, "the back-end says %d", answer->status);
	return err_set(err, ERR_BUSY, "the back-end says %d", answer->status);
}

/* ---- telling ---- */

struct failure {
	struct mdm *mdm;
	const struct errand *errand;
	const char *reason;
};

static enum err_kind
add_event(void *context, struct err *err)
{
	const struct failure *failure = context;
	struct arena *arena = failure->mdm->arena;
	struct plist *detail = plist_dict(arena);
	struct buf json;

	plist_set(arena, detail, "service", plist_string(arena, failure->errand->request.service));
	plist_set(arena, detail, "reason", plist_string(arena, failure->reason));
	buf_init(&json, arena, DETAIL_MOST);
	plist_write_json(&json, detail, false);
	return event_add(failure->mdm, EVENT_RELAY_FAILED, failure->errand->enrollment_no,
		json.full ? NULL : json.bytes, NULL, 0, err);
}

/* That it cannot be written down changes nothing for the device; the log has it anyway. */
static void
tell(struct mdm *mdm, const struct errand *errand, const char *reason)
{
	struct failure failure = {.mdm = mdm, .errand = errand, .reason = reason};

	if (relay_may_tell(mdm->relay))
		db_transact(mdm->db, add_event, &failure, NULL);
}

enum err_kind
errand_run(
	struct mdm *mdm, const struct errand *errand, struct errand_reply *reply, struct err *err)
{
	struct relay_answer answer = {0};
	enum err_kind kind;

	if (mdm->relay == NULL)
		return err_set(err, ERR_BUSY, "there is no way to a back-end from here");
	kind = relay_ask(mdm->relay, mdm->arena, &errand->request, &answer, err);
	if (kind == ERR_OK)
		kind = kind_of(&answer, err);
	if (kind == ERR_BUSY)
		tell(mdm, errand, err->message);
	return kind == ERR_OK ? errand->finish(mdm, &answer, reply, err) : kind;
}
