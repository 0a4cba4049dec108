#include "web/endpoint_ota.h"

#include <string.h>

#include "base/conf.h"
#include "base/slurp.h"
#include "codec/cms_sign.h"
#include "mdm/admission.h"
#include "mdm/ca.h"
#include "mdm/challenge.h"
#include "mdm/enroll_link.h"
#include "mdm/event.h"
#include "mdm/identity.h"
#include "mdm/pin.h"
#include "mdm/profile.h"
#include "web/enroll_page.h"

enum { ANCHORS_MOST = 1024 * 1024 };

/* What a device has sent. */
struct attributes {
	struct cms_signed message;
	const char *udid, *serial, *challenge; /* serial and challenge may be NULL */
};

bool
endpoint_ota_writes(const struct call *call)
{
	(void)call;
	return true;
}

/* ---- who has signed ---- */

static enum err_kind
reopen(struct call *call, const struct cms_trust *trust, struct err *err)
{
	struct cms_signed opened;

	return cms_open(call->request->arena, call->request->body, call->request->body_len, trust,
		&opened, err);
}

/* Is the signer an identity of ours?  Then it has to be a good one, and the device's own. */
static enum err_kind
check_own(struct call *call, const struct attributes *attributes, bool *own, struct err *err)
{
	struct cms_trust trust = {0};
	struct identity identity;
	struct x509_info info;
	enum err_kind kind =
		x509_inspect(call->request->arena, attributes->message.signer, &info, err);

	*own = false;
	if (kind == ERR_OK)
		kind = identity_find(call->mdm, info.sha256, &identity, err);
	if (kind == ERR_NOT_FOUND) {
		err_clear(err);
		return ERR_OK;
	}
	if (kind == ERR_OK && (identity.common_name == NULL ||
				      strcmp(identity.common_name, attributes->udid) != 0))
		return err_set(err, ERR_FORBIDDEN, "the identity is in another device's name");
	if (kind == ERR_OK)
		kind = pin_may_claim(call->mdm, attributes->udid,
			&(struct pin_caller){.certificate = info.sha256}, err);
	if (kind == ERR_OK)
		kind = ca_trusted(call->mdm, &trust.anchors, err);
	if (kind == ERR_OK)
		kind = reopen(call, &trust, err);
	*own = kind == ERR_OK;
	return kind;
}

/* Apple's CAs of devices have expired long ago, and devices go on using what they gave. */
static enum err_kind
check_apple(struct call *call, struct err *err)
{
	struct cms_trust trust = {.ignore_time = true};
	const struct conf *conf = call->mdm->conf;
	char *pem;
	size_t len;
	enum err_kind kind;

	if (conf == NULL || conf->apple_ca == NULL)
		return ERR_OK;
	kind = slurp_file(call->request->arena, conf->apple_ca, ANCHORS_MOST, &pem, &len, err);
	trust.anchors = pem;
	return kind == ERR_OK ? reopen(call, &trust, err) : kind;
}

/* ---- what he says ---- */

static enum err_kind
read_attributes(struct call *call, struct attributes *attributes, struct err *err)
{
	const struct cms_trust anybody = {0};
	const struct request *request = call->request;
	struct plist *plist;
	enum err_kind kind = cms_open(request->arena, request->body, request->body_len, &anybody,
		&attributes->message, err);

	if (kind == ERR_OK)
		kind = plist_read_xml(call->mdm->reader, request->arena,
			(const char *)attributes->message.content, attributes->message.content_len,
			&plist, err);
	if (kind != ERR_OK)
		return kind;
	attributes->udid = plist_get_string(plist, "UDID");
	attributes->serial = plist_get_string(plist, "SERIAL");
	attributes->challenge = plist_get_string(plist, "CHALLENGE");
	if (attributes->udid == NULL || *attributes->udid == '\0' ||
		strlen(attributes->udid) > CHALLENGE_FOR_MOST)
		return err_set(err, ERR_BAD_INPUT, "the device does not tell its UDID");
	call->enrollment_id = attributes->udid;
	return ERR_OK;
}

/* ---- what he gets ---- */

static enum err_kind
give_identity(
	struct call *call, const struct attributes *attributes, struct buf *made, struct err *err)
{
	enum err_kind kind = check_apple(call, err);

	call->message = "OTA identity";
	if (kind == ERR_OK && attributes->challenge == NULL)
		return err_set(err, ERR_FORBIDDEN, "the challenge is missing");
	if (kind == ERR_OK)
		kind = enroll_ota_take(call->mdm, attributes->challenge, attributes->udid, err);
	return kind == ERR_OK ? profile_identity(call->mdm, attributes->udid, made, err) : kind;
}

static enum err_kind
give_enrollment(
	struct call *call, const struct attributes *attributes, struct buf *made, struct err *err)
{
	const struct profile_terms terms = {.for_id = attributes->udid};
	enum err_kind kind = profile_enrollment(call->mdm, &terms, made, err);

	call->message = "OTA profile";
	if (kind == ERR_OK)
		kind = event_add(call->mdm, EVENT_PROFILE, 0, "{\"by\":\"ota\"}", NULL, 0, err);
	return kind;
}

/* A device is not to blame for a server that is not ready; it may come again. */
static void
refuse(struct call *call, struct reply *reply, const struct err *err)
{
	const struct err busy = {.kind = ERR_BUSY};

	if (err->kind == ERR_CONFLICT || err->kind == ERR_IO)
		reply_error(reply, call->request->arena, &busy);
}

enum err_kind
endpoint_ota(struct call *call, struct reply *reply, struct err *err)
{
	struct attributes attributes = {0};
	const void *profile;
	struct buf made;
	bool own = false;
	size_t len;
	enum err_kind kind = read_attributes(call, &attributes, err);

	call->refuse = refuse;
	buf_init(&made, call->request->arena, PROFILE_MOST);
	if (kind == ERR_OK)
		kind = admission_check_device(call->mdm, attributes.udid, attributes.serial, err);
	if (kind == ERR_OK)
		kind = check_own(call, &attributes, &own, err);
	if (kind == ERR_OK)
		kind = own ? give_enrollment(call, &attributes, &made, err)
			   : give_identity(call, &attributes, &made, err);
	profile = made.bytes;
	len = made.len;
	if (kind == ERR_OK)
		kind = profile_sign(call->mdm, &profile, &len, err);
	if (kind != ERR_OK)
		return kind;
	reply->content_type = PROFILE_MEDIA_TYPE;
	reply->headers = enroll_page_private_headers;
	buf_add(&reply->body, profile, len);
	return ERR_OK;
}
