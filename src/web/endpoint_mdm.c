#include "web/endpoint_mdm.h"

#include <string.h>

#include "mdm/checkin.h"
#include "mdm/connect.h"

/* An Idle mostly finds nothing and only reads; so do some check-ins. */
bool
endpoint_mdm_writes(const struct call *call)
{
	const char *status = plist_get_string(call->plist, "Status");

	return status == NULL ? !checkin_only_reads(call->plist) : strcmp(status, "Idle") != 0;
}

static struct pin_caller
caller_of(const struct call *call)
{
	return (struct pin_caller){.certificate = call->peer.certificate,
		.der = call->peer.der,
		.der_len = call->peer.der_len};
}

/* A back-end has the answer. */
static enum err_kind
run_errand(struct call *call, struct reply *reply, struct err *err)
{
	struct errand_reply answer = {.body = &reply->body};
	enum err_kind kind = errand_run(call->mdm, &call->checkin_after.errand, &answer, err);

	reply->content_type = answer.content_type;
	return kind;
}

static enum err_kind
take_checkin(struct call *call, struct reply *reply, struct err *err)
{
	struct checkin checkin = {
		.message = call->plist,
		.raw = call->request->body,
		.raw_len = call->request->body_len,
		.caller = caller_of(call),
		.after = &call->checkin_after,
	};
	enum err_kind kind;

	call->message = plist_get_string(call->plist, "MessageType");
	kind = checkin_handle(call->mdm, &checkin, &reply->body, &call->enrollment_id, err);
	call->remark = call->checkin_after.remark;
	if (kind == ERR_OK && call->checkin_after.errand.finish != NULL)
		call->after = run_errand;
	return kind;
}

static enum err_kind
take_report(struct call *call, struct reply *reply, struct err *err)
{
	struct connect connect = {
		.message = call->plist,
		.raw = call->request->body,
		.raw_len = call->request->body_len,
		.caller = caller_of(call),
	};
	struct connect_note note;
	enum err_kind kind = connect_handle(call->mdm, &connect, &reply->body, &note, err);

	call->enrollment_id = note.enrollment_id;
	call->message = note.status;
	call->command = note.answered;
	call->offered = note.offered;
	call->remark = note.remark;
	return kind;
}

enum err_kind
endpoint_mdm(struct call *call, struct reply *reply, struct err *err)
{
	enum err_kind kind;

	if (plist_get(call->plist, "MessageType") != NULL)
		kind = take_checkin(call, reply, err);
	else if (plist_get(call->plist, "Status") != NULL)
		kind = take_report(call, reply, err);
	else
		return err_set(
			err, ERR_BAD_INPUT, "the message has neither MessageType nor Status");
	if (kind == ERR_OK && reply->body.len > 0)
		reply->content_type = "application/xml";
	return kind;
}
