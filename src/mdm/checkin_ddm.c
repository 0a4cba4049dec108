/*
 * DeclarativeManagement: what the back-end says goes to the device as it is.
 */
#include "mdm/checkin_parts.h"

#include <string.h>

#include "mdm/ddm.h"
#include "mdm/errand.h"
#include "mdm/setting.h"

enum { REPORT_MOST = 4 * 1024 * 1024 };

static enum err_kind
finish(struct mdm *mdm, const struct relay_answer *answer, struct errand_reply *reply,
	struct err *err)
{
	(void)mdm;
	buf_add(reply->body, answer->body, answer->body_len);
	if (reply->body->full)
		return err_set(err, ERR_INTERNAL, "the answer of the back-end is too large");
	reply->content_type = answer->body_len > 0 ? "application/json" : NULL;
	return ERR_OK;
}

/* Data comes with status, and with nothing else. */
static enum err_kind
take_request(struct checkin_visit *visit, struct ddm_endpoint *endpoint, const struct plist **data)
{
	const char *text;
	enum err_kind kind = checkin_string(visit, "Endpoint", true, &text);

	if (kind == ERR_OK)
		kind = ddm_endpoint_read(visit->mdm->arena, text, endpoint, visit->err);
	if (kind == ERR_OK)
		kind = checkin_data(visit, "Data", endpoint->is_status, REPORT_MOST, data);
	return kind;
}

static enum err_kind
keep_report(
	struct checkin_visit *visit, const struct enrollment *enrollment, const struct plist *data)
{
	bool kept = false;
	enum err_kind kind = ddm_keep_status(visit->mdm, enrollment->no, data->as.string.bytes,
		data->as.string.len, &kept, visit->err);

	if (kind == ERR_OK && !kept)
		visit->after->remark = "the status report is no JSON that can be kept";
	return kind;
}

static void
send_out(struct checkin_visit *visit, const struct ddm_endpoint *endpoint, const char *base,
	const struct plist *data)
{
	struct errand *errand = &visit->after->errand;

	errand->request = (struct relay_request){.service = "ddm",
		.method = endpoint->is_status ? "PUT" : "GET",
		.url = ddm_endpoint_url(visit->mdm->arena, base, endpoint)};
	errand_add_enrollment(&errand->request, &visit->ids);
	if (endpoint->is_status) {
		errand_add_header(&errand->request, "Content-Type", "application/json");
		errand->request.body = data->as.string.bytes;
		errand->request.body_len = data->as.string.len;
	}
	errand->finish = finish;
}

enum err_kind
checkin_declarative_management(struct checkin_visit *visit)
{
	const struct plist *data = NULL;
	struct ddm_endpoint endpoint;
	struct enrollment enrollment;
	const char *base = NULL;
	enum err_kind kind = take_request(visit, &endpoint, &data);

	if (kind == ERR_OK)
		kind = checkin_bind(visit, &enrollment);
	if (kind == ERR_OK)
		kind = setting_get(visit->mdm, "ddm_url", &base, visit->err);
	if (kind == ERR_OK && base == NULL)
		kind = err_set(visit->err, ERR_NOT_FOUND,
			"there is no declarative management here (setting ddm_url)");
	if (kind == ERR_OK && endpoint.is_status)
		kind = keep_report(visit, &enrollment, data);
	if (kind != ERR_OK)
		return kind;
	visit->after->errand.enrollment_no = enrollment.no;
	send_out(visit, &endpoint, base, data);
	return ERR_OK;
}
