/*
 * Between the download and what the device does next (sim/enrollee.c).
 */
#include "sim/enroll_profile.h"

#include <ctype.h>
#include <string.h>

#include "codec/cms_sign.h"

enum { KEY_BITS = 2048 };

/* ---- the signature ---- */

/* XML begins with a '<', a signed message with the tag of a SEQUENCE. */
static bool
is_xml(const unsigned char *bytes, size_t len)
{
	static const unsigned char bom[] = {0xef, 0xbb, 0xbf};

	if (len >= sizeof(bom) && memcmp(bytes, bom, sizeof(bom)) == 0) {
		bytes += sizeof(bom);
		len -= sizeof(bom);
	}
	while (len > 0 && isspace(*bytes)) {
		bytes++;
		len--;
	}
	return len > 0 && *bytes == '<';
}

/* *XML is what was signed. */
static enum err_kind
open_profile(struct arena *arena, struct scep_bytes bytes, const struct enroll_trust *trust,
	struct scep_bytes *xml, struct err *err)
{
	const struct cms_trust anchors = {.anchors = trust->anchors};
	struct cms_signed opened;

	*xml = bytes;
	if (is_xml(bytes.bytes, bytes.len))
		return trust->unsigned_too
			       ? ERR_OK
			       : err_set(err, ERR_FORBIDDEN, "the profile is not signed");
	if (cms_open(arena, bytes.bytes, bytes.len, &anchors, &opened, err) != ERR_OK)
		return err_prefix(err, "the profile's signature");
	*xml = (struct scep_bytes){.bytes = opened.content, .len = opened.content_len};
	return ERR_OK;
}

/* ---- payloads ---- */

/* The one payload whose KEY is VALUE. */
static enum err_kind
find_payload(const struct plist *profile, const char *key, const char *value,
	const struct plist **found, struct err *err)
{
	const struct plist *content = plist_get_typed(profile, "PayloadContent", PLIST_ARRAY);

	*found = NULL;
	for (const struct plist *payload = content != NULL ? content->as.items.first : NULL;
		payload != NULL; payload = payload->next) {
		const char *own = plist_get_string(payload, key);

		if (own == NULL || strcmp(own, value) != 0)
			continue;
		if (*found != NULL)
			return err_set(
				err, ERR_BAD_INPUT, "two payloads have the %s %.100s", key, value);
		*found = payload;
	}
	return *found != NULL
		       ? ERR_OK
		       : err_set(err, ERR_BAD_INPUT, "no payload has the %s %.100s", key, value);
}

static enum err_kind
need_string(const struct plist *payload, const char *key, const char **value, struct err *err)
{
	*value = plist_get_string(payload, key);
	if (*value != NULL && **value != '\0')
		return ERR_OK;
	return err_set(err, ERR_BAD_INPUT, "the payload has no %s", key);
}

static struct scep_bytes
data_of(const struct plist *payload, const char *key)
{
	const struct plist *data = plist_get_typed(payload, key, PLIST_DATA);

	if (data == NULL)
		return (struct scep_bytes){0};
	return (struct scep_bytes){
		.bytes = (const unsigned char *)data->as.string.bytes, .len = data->as.string.len};
}

/* The CN of [[["O", "Orchard"]], [["CN", "name"]]]; NULL: there is none. */
static const char *
common_name_of(const struct plist *subject)
{
	for (const struct plist *set = subject != NULL ? subject->as.items.first : NULL;
		set != NULL; set = set->next) {
		const struct plist *pair = set->type == PLIST_ARRAY ? set->as.items.first : NULL;
		const struct plist *type;

		if (pair == NULL || pair->type != PLIST_ARRAY || pair->as.items.count != 2)
			continue;
		type = pair->as.items.first;
		if (type->type == PLIST_STRING && strcmp(type->as.string.bytes, "CN") == 0 &&
			type->next->type == PLIST_STRING)
			return type->next->as.string.bytes;
	}
	return NULL;
}

static enum err_kind
read_scep(const struct plist *payload, struct enroll_profile *profile, struct err *err)
{
	const struct plist *content = plist_get_typed(payload, "PayloadContent", PLIST_DICT);
	const char *type = plist_get_string(content, "Key Type");
	int64_t bits = 0;

	if (content == NULL)
		return err_set(err, ERR_BAD_INPUT, "the payload has no PayloadContent");
	plist_get_int64(content, "Keysize", &bits);
	if (bits != KEY_BITS || (type != NULL && strcmp(type, "RSA") != 0))
		return err_set(err, ERR_BAD_INPUT,
			"a key other than RSA with %d bits (Key Type, Keysize) is not made",
			(int)KEY_BITS);
	profile->scep.challenge = plist_get_string(content, "Challenge");
	profile->scep.common_name =
		common_name_of(plist_get_typed(content, "Subject", PLIST_ARRAY));
	profile->scep.fingerprint = data_of(content, "CAFingerprint");
	return need_string(content, "URL", &profile->scep.url, err);
}

static enum err_kind
read_pkcs12(const struct plist *payload, struct enroll_profile *profile, struct err *err)
{
	profile->p12 = data_of(payload, "PayloadContent");
	profile->p12_password = plist_get_string(payload, "Password");
	return profile->p12.len > 0
		       ? ERR_OK
		       : err_set(err, ERR_BAD_INPUT, "the payload has no PayloadContent");
}

static const struct {
	const char *type;
	enum err_kind (*read)(
		const struct plist *payload, struct enroll_profile *profile, struct err *err);
} identities[] = {
	{"com.apple.security.scep", read_scep},
	{"com.apple.security.pkcs12", read_pkcs12},
};

static enum err_kind
read_identity(
	const struct plist *root, const char *uuid, struct enroll_profile *profile, struct err *err)
{
	const struct plist *payload;
	const char *type;

	if (find_payload(root, "PayloadUUID", uuid, &payload, err) != ERR_OK ||
		need_string(payload, "PayloadType", &type, err) != ERR_OK)
		return err_prefix(err, "the identity (IdentityCertificateUUID)");
	for (size_t i = 0; i < sizeof(identities) / sizeof(identities[0]); i++)
		if (strcmp(identities[i].type, type) == 0)
			return identities[i].read(payload, profile, err) == ERR_OK
				       ? ERR_OK
				       : err_prefix(err, "%s", type);
	return err_set(err, ERR_BAD_INPUT, "%.100s gives no identity", type);
}

static enum err_kind
read_mdm(const struct plist *root, struct enroll_profile *profile, const char **uuid,
	struct err *err)
{
	const struct plist *payload;

	if (find_payload(root, "PayloadType", "com.apple.mdm", &payload, err) != ERR_OK ||
		need_string(payload, "ServerURL", &profile->server_url, err) != ERR_OK ||
		need_string(payload, "Topic", &profile->topic, err) != ERR_OK ||
		need_string(payload, "IdentityCertificateUUID", uuid, err) != ERR_OK)
		return err_prefix(err, "com.apple.mdm");
	profile->check_in_url = plist_get_string(payload, "CheckInURL");
	if (profile->check_in_url == NULL)
		profile->check_in_url = profile->server_url;
	profile->sign_message = plist_get_boolean(payload, "SignMessage", false);
	return ERR_OK;
}

enum err_kind
enroll_profile_read(struct arena *arena, struct plist_reader *reader, const void *bytes, size_t len,
	const struct enroll_trust *trust, struct enroll_profile *profile, struct err *err)
{
	const struct scep_bytes message = {.bytes = bytes, .len = len};
	struct scep_bytes xml;
	struct plist *root;
	const char *uuid = NULL, *type;

	*profile = (struct enroll_profile){0};
	if (open_profile(arena, message, trust, &xml, err) != ERR_OK)
		return err->kind;
	if (plist_read_xml(reader, arena, (const char *)xml.bytes, xml.len, &root, err) != ERR_OK)
		return err_prefix(err, "the profile");
	type = plist_get_string(root, "PayloadType");
	if (type == NULL || strcmp(type, "Configuration") != 0)
		return err_set(err, ERR_BAD_INPUT,
			"a profile with the PayloadType %.100s is not followed",
			type != NULL ? type : "(none)");
	if (read_mdm(root, profile, &uuid, err) != ERR_OK)
		return err->kind;
	return read_identity(root, uuid, profile, err);
}
