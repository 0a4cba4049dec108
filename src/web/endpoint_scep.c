#include "web/endpoint_scep.h"

#include <string.h>

#include "codec/text.h"
#include "mdm/scep.h"

enum { QUERY_MOST = 64 * 1024 };

/* The value of NAME in the query, decoded; NULL when it is not there or broken. */
static const char *
query_value(struct call *call, const char *name, size_t *len)
{
	const char *at = request_param(call->request, "QUERY_STRING");
	size_t name_len = strlen(name);

	while (*at != '\0') {
		size_t pair = strcspn(at, "&");

		/* A + stays one: clients put base64 there as it is. */
		if (pair > name_len && at[name_len] == '=' && strncmp(at, name, name_len) == 0)
			return text_url_decode(call->request->arena, at + name_len + 1,
				pair - name_len - 1, false, len);
		at += pair;
		at += *at == '&';
	}
	return NULL;
}

/*
 * A message comes as the body of a POST (some clients repeat it in the query, as bytes) or in the
 * query of a GET, in base64.
 */
static enum err_kind
take_message(struct call *call, struct scep_answer *answer, struct err *err)
{
	const struct request *request = call->request;
	const void *message = request->body;
	size_t len = request->body_len;

	if (strcmp(request->method, "GET") == 0) {
		const char *text = query_value(call, "message", &len);

		message = text == NULL ? NULL : text_base64_decode(request->arena, text, len, &len);
	}
	if (message == NULL || len == 0)
		return err_set(err, ERR_BAD_INPUT, "there is no message in the request");
	return scep_answer_message(call->mdm, message, len, answer, err);
}

static enum err_kind
caps(struct call *call, struct scep_answer *answer, struct err *err)
{
	return scep_answer_caps(call->mdm, answer, err);
}

static enum err_kind
certs(struct call *call, struct scep_answer *answer, struct err *err)
{
	return scep_answer_certs(call->mdm, answer, err);
}

static enum err_kind
next(struct call *call, struct scep_answer *answer, struct err *err)
{
	return scep_answer_next(call->mdm, answer, err);
}

static const struct operation {
	const char *name;
	enum err_kind (*run)(struct call *call, struct scep_answer *answer, struct err *err);
} operations[] = {
	{"GetCACaps", caps},
	{"GetCACert", certs},
	{"GetNextCACert", next},
	{"PKIOperation", take_message},
};

enum err_kind
endpoint_scep(struct call *call, struct reply *reply, struct err *err)
{
	struct scep_answer answer = {0};
	const struct operation *operation = NULL;
	enum err_kind kind;
	size_t len;
	const char *name;

	if (strlen(request_param(call->request, "QUERY_STRING")) > QUERY_MOST)
		return err_set(err, ERR_TOO_LARGE, "the query is too long");
	name = query_value(call, "operation", &len);
	for (size_t i = 0; name != NULL && i < sizeof(operations) / sizeof(operations[0]); i++)
		if (strcmp(operations[i].name, name) == 0)
			operation = &operations[i];
	if (operation == NULL)
		return err_set(err, ERR_BAD_INPUT, "there is no such operation of SCEP");
	kind = operation->run(call, &answer, err);
	call->message = answer.message;
	call->enrollment_id = answer.enrollment_id;
	call->remark = answer.remark;
	if (kind != ERR_OK)
		return kind;
	reply->content_type = answer.content_type;
	buf_add(&reply->body, answer.bytes, answer.len);
	return ERR_OK;
}
