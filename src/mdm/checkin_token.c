/*
 * GetToken: a token for one of Apple's services, made here or by a hook.
 *
 * A hook gets POST with {"service_type", "parameters"} as JSON and the headers of
 * errand_add_enrollment(); what it answers, byte for byte, is the token.
 */
#include "mdm/checkin_parts.h"

#include <string.h>

#include "mdm/token_service.h"

enum { BODY_MOST = 256 * 1024 };

/* {"TokenData": …} */
static void
write_token(struct arena *arena, struct buf *reply, const void *bytes, size_t len)
{
	struct plist *answer = plist_dict(arena);

	plist_set(arena, answer, "TokenData", plist_data(arena, bytes, len));
	plist_write_xml(reply, answer, false);
}

static enum err_kind
finish(struct mdm *mdm, const struct relay_answer *answer, struct errand_reply *reply,
	struct err *err)
{
	if (answer->body_len == 0)
		return err_set(err, ERR_BUSY, "the back-end gives an empty token");
	write_token(mdm->arena, reply->body, answer->body, answer->body_len);
	if (reply->body->full)
		return err_set(err, ERR_BUSY, "the token of the back-end is too large");
	reply->content_type = "application/xml";
	return ERR_OK;
}

/* Apple: a watch's token wants these parameters. */
static enum err_kind
take_parameters(struct checkin_visit *visit, const char *type, const struct plist **parameters)
{
	static const char *const wanted[] = {"SecurityToken", "PhoneUDID", "WatchUDID"};

	*parameters = plist_get(visit->message, "TokenParameters");
	if (*parameters != NULL && (*parameters)->type != PLIST_DICT)
		return err_set(visit->err, ERR_BAD_INPUT, "TokenParameters must be a dictionary");
	if (strcmp(type, TOKEN_SERVICE_WATCH) != 0)
		return ERR_OK;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (plist_get_string(*parameters, wanted[i]) == NULL)
			return err_set(visit->err, ERR_BAD_INPUT,
				"TokenParameters.%s must be a string", wanted[i]);
	return ERR_OK;
}

/* A type that is not set up is one that this server does not know. */
static enum err_kind
find_service(struct checkin_visit *visit, const char *type, struct token_service *service)
{
	struct err err;
	enum err_kind kind = token_service_find(visit->mdm, type, service, &err);

	return err_set(visit->err, kind == ERR_NOT_FOUND ? ERR_BAD_INPUT : kind, "%s",
		kind == ERR_OK ? "" : err.message);
}

static enum err_kind
make_token(struct checkin_visit *visit, const struct token_service *service)
{
	const char *token;
	enum err_kind kind = token_service_make(visit->mdm, service, &token, visit->err);

	if (kind == ERR_OK)
		write_token(visit->mdm->arena, visit->reply, token, strlen(token));
	return kind;
}

static enum err_kind
send_out(struct checkin_visit *visit, const char *type, const struct plist *parameters,
	const struct token_service *service)
{
	struct errand *errand = &visit->after->errand;
	struct arena *arena = visit->mdm->arena;
	struct plist *body = plist_dict(arena);
	struct buf json;

	plist_set(arena, body, "service_type", plist_string(arena, type));
	plist_set(arena, body, "parameters",
		parameters == NULL ? plist_dict(arena) : plist_copy(arena, parameters));
	buf_init(&json, arena, BODY_MOST);
	plist_write_json(&json, body, false);
	if (json.full)
		return err_set(visit->err, ERR_TOO_LARGE, "TokenParameters are too large");
	errand->request = (struct relay_request){.service = type,
		.method = "POST",
		.url = service->url,
		.body = json.bytes,
		.body_len = json.len};
	errand_add_enrollment(&errand->request, &visit->ids);
	errand_add_header(&errand->request, "Content-Type", "application/json");
	errand->finish = finish;
	return ERR_OK;
}

enum err_kind
checkin_get_token(struct checkin_visit *visit)
{
	static const char *const detail[] = {"TokenServiceType", NULL};
	const struct plist *parameters = NULL;
	struct token_service service;
	struct enrollment enrollment;
	const char *type;
	enum err_kind kind = checkin_string(visit, "TokenServiceType", true, &type);

	if (kind == ERR_OK)
		kind = take_parameters(visit, type, &parameters);
	if (kind == ERR_OK)
		kind = checkin_bind(visit, &enrollment);
	if (kind == ERR_OK)
		kind = find_service(visit, type, &service);
	if (kind == ERR_OK)
		kind = service.url != NULL ? send_out(visit, type, parameters, &service)
					   : make_token(visit, &service);
	if (kind != ERR_OK)
		return kind;
	visit->after->errand.enrollment_no = enrollment.no;
	return checkin_event(visit, EVENT_GET_TOKEN, enrollment.no, checkin_detail(visit, detail));
}
