/*
 * Between the settings and a device that is to be enrolled: who asks (the page, the command line,
 * the over-the-air service) has been let in already.
 */
#include "mdm/profile.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/slurp.h"
#include "codec/anchor.h"
#include "codec/cms_sign.h"
#include "codec/text.h"
#include "mdm/ca.h"
#include "mdm/challenge.h"
#include "mdm/push_certificate.h"
#include "mdm/setting.h"

enum { FILE_MOST = 1024 * 1024, KEY_BITS = 2048, KEY_SIGNS_AND_ENCRYPTS = 1 | 4 };

/* A profile in the making. */
struct making {
	struct mdm *mdm;
	struct arena *arena;
	const char *server_url;
	const char *organization; /* or NULL */
	const char *identifier;   /* com.example.mdm */
	struct plist *content;    /* its payloads */
};

/* ---- what is configured ---- */

static enum err_kind
need(struct mdm *mdm, const char *name, const char **value, struct err *err)
{
	enum err_kind kind = setting_get(mdm, name, value, err);

	if (kind == ERR_OK && *value == NULL)
		return err_set(err, ERR_CONFLICT, "setting %s is not set", name);
	return kind;
}

static enum err_kind
is_on(struct mdm *mdm, const char *name, const char *on, bool *is, struct err *err)
{
	const char *value;
	enum err_kind kind = setting_get(mdm, name, &value, err);

	*is = kind == ERR_OK && value != NULL && strcmp(value, on) == 0;
	return kind;
}

/* mdm.example.com of https://mdm.example.com:8443/x becomes com.example.mdm. */
static const char *
reverse_host(struct arena *arena, const char *url)
{
	const char *host = strstr(url, "://") + 3, *end;
	size_t len = strcspn(host, ":/");
	struct buf out;

	if (*host == '[') { /* an IPv6 address */
		host++;
		len = strcspn(host, "]");
	}
	buf_init(&out, arena, len + 1);
	for (end = host + len; end > host;) {
		const char *label = end;

		while (label > host && label[-1] != '.')
			label--;
		if (out.len > 0)
			buf_byte(&out, '.');
		buf_add(&out, label, (size_t)(end - label));
		end = label > host ? label - 1 : host;
	}
	return out.bytes;
}

static enum err_kind
begin(struct making *making, struct mdm *mdm, struct err *err)
{
	enum err_kind kind = need(mdm, "server_url", &making->server_url, err);

	making->mdm = mdm;
	making->arena = mdm->arena;
	making->content = plist_array(mdm->arena);
	if (kind == ERR_OK)
		kind = setting_get(mdm, "organization", &making->organization, err);
	if (kind == ERR_OK)
		making->identifier = reverse_host(mdm->arena, making->server_url);
	return kind;
}

struct topics {
	const char *first;
	size_t count;
};

static enum err_kind
count_topic(const struct push_certificate *certificate, void *context, struct err *err)
{
	struct topics *topics = context;

	(void)err;
	if (topics->count++ == 0)
		topics->first = certificate->topic;
	return ERR_OK;
}

static enum err_kind
find_topic(struct mdm *mdm, const char **topic, struct err *err)
{
	struct topics topics = {0};
	enum err_kind kind = setting_get(mdm, "enroll_topic", topic, err);

	if (kind != ERR_OK || *topic != NULL)
		return kind;
	kind = push_certificate_each_usable(mdm, count_topic, &topics, err);
	if (kind == ERR_OK && topics.count == 0)
		return err_set(err, ERR_CONFLICT, "there is no push certificate yet: import one");
	if (kind == ERR_OK && topics.count > 1)
		return err_set(err, ERR_CONFLICT,
			"there are several push certificates: setting enroll_topic has to say "
			"which one new devices get");
	*topic = topics.first;
	return kind;
}

/* ---- pieces ---- */

static void
set_string(struct making *making, struct plist *dict, const char *key, const char *value)
{
	plist_set(making->arena, dict, key, plist_string(making->arena, value));
}

static void
set_boolean(struct making *making, struct plist *dict, const char *key, bool value)
{
	plist_set(making->arena, dict, key, plist_boolean(making->arena, value));
}

static void
set_integer(struct making *making, struct plist *dict, const char *key, int64_t value)
{
	plist_set(making->arena, dict, key, plist_integer(making->arena, value));
}

/* The keys that every payload has; UUID NULL: a new one, which is given back. */
static const char *
set_common(struct making *making, struct plist *dict, const char *type, const char *name,
	const char *display, const char *uuid)
{
	char fresh[CLOCK_UUID_SIZE];

	if (uuid == NULL)
		uuid = arena_strdup(making->arena, clock_uuid(fresh));
	set_string(making, dict, "PayloadType", type);
	set_integer(making, dict, "PayloadVersion", 1);
	set_string(making, dict, "PayloadIdentifier",
		arena_printf(making->arena, "%s.%s", making->identifier, name));
	set_string(making, dict, "PayloadUUID", uuid);
	set_string(making, dict, "PayloadDisplayName", display);
	if (making->organization != NULL)
		set_string(making, dict, "PayloadOrganization", making->organization);
	return uuid;
}

/* The same UUID for the same certificate: of its SHA-256 (RFC 9562, version 8). */
static const char *
certificate_uuid(struct making *making, const char sha256[X509_HASH_SIZE])
{
	char *uuid = arena_printf(making->arena, "%.8s-%.4s-8%.3s-%c%.3s-%.12s", sha256, sha256 + 8,
		sha256 + 13, "89ab"[sha256[16] & 3], sha256 + 17, sha256 + 20);

	for (char *p = uuid; *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'f')
			*p = (char)(*p - 'a' + 'A');
	return uuid;
}

/* Roots in DER, what leads up to them in PEM, as their payloads have it. */
static void
add_certificate(struct making *making, const struct anchor *anchor)
{
	const char *type =
		anchor->self_signed ? "com.apple.security.root" : "com.apple.security.pem";
	struct plist *payload = plist_dict(making->arena);

	set_common(making, payload, type,
		arena_printf(making->arena, "certificate.%.16s", anchor->sha256), anchor->name,
		certificate_uuid(making, anchor->sha256));
	plist_set(making->arena, payload, "PayloadContent",
		anchor->self_signed ? plist_data(making->arena, anchor->der, anchor->der_len)
				    : plist_data(making->arena, anchor->pem, strlen(anchor->pem)));
	plist_append(making->content, payload);
}

static enum err_kind
add_certificates(struct making *making, const char *pem, struct err *err)
{
	struct anchor *anchors;
	size_t count;
	enum err_kind kind = anchor_read(making->arena, pem, &anchors, &count, err);

	for (size_t i = 0; i < count; i++)
		add_certificate(making, &anchors[i]);
	return kind;
}

/* What is wrong with a file is the machine's fault, and not that of who asks. */
static enum err_kind
blame(struct mdm *mdm, const char *path, struct err *err)
{
	return err_set(err, ERR_CONFLICT, "%s: %s", path, arena_strdup(mdm->arena, err->message));
}

/* A file of the configuration, *TEXT NULL when it is not named. */
static enum err_kind
read_file(struct mdm *mdm, const char *path, const char **text, struct err *err)
{
	char *bytes = NULL;
	size_t len;
	enum err_kind kind = ERR_OK;

	if (path != NULL)
		kind = slurp_file(mdm->arena, path, FILE_MOST, &bytes, &len, err);
	*text = bytes;
	return kind == ERR_OK
		       ? ERR_OK
		       : err_set(err, ERR_CONFLICT, "%s", arena_strdup(mdm->arena, err->message));
}

static enum err_kind
add_trust(struct making *making, struct err *err)
{
	const struct conf *conf = making->mdm->conf;
	const char *pem = NULL;
	enum err_kind kind;

	if (ca_trusted(making->mdm, &pem, err) != ERR_OK)
		return err->kind;
	kind = add_certificates(making, pem, err);
	if (kind != ERR_OK || conf == NULL || conf->enroll_trust == NULL)
		return kind;
	kind = read_file(making->mdm, conf->enroll_trust, &pem, err);
	if (kind == ERR_OK && add_certificates(making, pem, err) != ERR_OK)
		return blame(making->mdm, conf->enroll_trust, err);
	return kind;
}

/* [[["O", "Orchard"]], [["CN", "…"]]]: the server rules the name, the device has to send one. */
static struct plist *
make_subject(struct making *making, const char *common_name)
{
	const char *const parts[][2] = {{"O", making->organization}, {"CN", common_name}};
	struct plist *subject = plist_array(making->arena);

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct plist *set = plist_array(making->arena), *pair = plist_array(making->arena);

		if (parts[i][1] == NULL)
			continue;
		plist_append(pair, plist_string(making->arena, parts[i][0]));
		plist_append(pair, plist_string(making->arena, parts[i][1]));
		plist_append(set, pair);
		plist_append(subject, set);
	}
	return subject;
}

static enum err_kind
scep_url(struct making *making, const char **url, struct err *err)
{
	enum err_kind kind = setting_get(making->mdm, "scep_url", url, err);

	if (kind == ERR_OK && *url == NULL)
		*url = arena_printf(making->arena, "%s/scep", making->server_url);
	return kind;
}

static enum err_kind
make_scep(struct making *making, const char *for_id, struct plist **content, struct err *err)
{
	const struct challenge_terms terms = {.for_id = for_id};
	const char *url, *secret, *pem;
	struct anchor *ca;
	size_t count;
	struct plist *dict = plist_dict(making->arena);

	if (scep_url(making, &url, err) != ERR_OK ||
		ca_certificate(making->mdm, &pem, err) != ERR_OK ||
		anchor_read(making->arena, pem, &ca, &count, err) != ERR_OK ||
		challenge_create(making->mdm, &terms, &secret, err) != ERR_OK)
		return err->kind;
	set_string(making, dict, "URL", url);
	set_string(making, dict, "Name", ca[0].name);
	plist_set(making->arena, dict, "Subject",
		make_subject(making, for_id != NULL ? for_id : "Apple device"));
	set_string(making, dict, "Challenge", secret);
	set_string(making, dict, "Key Type", "RSA");
	set_integer(making, dict, "Keysize", KEY_BITS);
	set_integer(making, dict, "Key Usage", KEY_SIGNS_AND_ENCRYPTS);
	plist_set(making->arena, dict, "CAFingerprint",
		plist_data(making->arena, ca[0].sha1, sizeof(ca[0].sha1)));
	set_integer(making, dict, "Retries", 3);
	set_integer(making, dict, "RetryDelay", 10);
	set_boolean(making, dict, "KeyIsExtractable", false);
	*content = dict;
	return ERR_OK;
}

/* The identity, by SCEP; *UUID is the payload's. */
static enum err_kind
add_scep(struct making *making, const char *for_id, const char **uuid, struct err *err)
{
	struct plist *payload = plist_dict(making->arena), *content = NULL;
	enum err_kind kind = make_scep(making, for_id, &content, err);

	if (kind != ERR_OK)
		return kind;
	*uuid = set_common(
		making, payload, "com.apple.security.scep", "identity", "Device identity", NULL);
	plist_set(making->arena, payload, "PayloadContent", content);
	plist_append(making->content, payload);
	return ERR_OK;
}

static void
add_p12(struct making *making, const struct profile_terms *terms, const char **uuid)
{
	struct plist *payload = plist_dict(making->arena);

	*uuid = set_common(
		making, payload, "com.apple.security.pkcs12", "identity", "Device identity", NULL);
	set_string(making, payload, "Password", terms->p12_password);
	set_boolean(making, payload, "KeyIsExtractable", false);
	plist_set(making->arena, payload, "PayloadContent",
		plist_data(making->arena, terms->p12, terms->p12_len));
	plist_append(making->content, payload);
}

/* What the server understands beyond the first version of the protocol; com.apple.mdm.token would
 * be a promise that GetToken is answered. */
static struct plist *
make_capabilities(struct making *making)
{
	static const char *const names[] = {"com.apple.mdm.per-user-connections",
		"com.apple.mdm.bootstraptoken", "com.apple.mdm.token"};
	struct plist *array = plist_array(making->arena);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		plist_append(array, plist_string(making->arena, names[i]));
	return array;
}

static enum err_kind
add_mdm(struct making *making, const char *identity_uuid, struct err *err)
{
	struct plist *payload = plist_dict(making->arena);
	struct mdm *mdm = making->mdm;
	bool sign = false, development = false;
	const char *topic;
	int64_t rights;

	if (find_topic(mdm, &topic, err) != ERR_OK || profile_rights(mdm, &rights, err) != ERR_OK ||
		is_on(mdm, "enroll_sign_message", "on", &sign, err) != ERR_OK ||
		is_on(mdm, "enroll_apns", "development", &development, err) != ERR_OK)
		return err->kind;
	set_common(making, payload, "com.apple.mdm", "mdm", "Device management", NULL);
	set_string(making, payload, "ServerURL",
		arena_printf(making->arena, "%s/mdm", making->server_url));
	set_string(making, payload, "CheckInURL",
		arena_printf(making->arena, "%s/checkin", making->server_url));
	set_string(making, payload, "Topic", topic);
	set_string(making, payload, "IdentityCertificateUUID", identity_uuid);
	set_integer(making, payload, "AccessRights", rights);
	set_boolean(making, payload, "SignMessage", sign);
	set_boolean(making, payload, "CheckOutWhenRemoved", true);
	plist_set(making->arena, payload, "ServerCapabilities", make_capabilities(making));
	if (development)
		set_boolean(making, payload, "UseDevelopmentAPNS", true);
	plist_append(making->content, payload);
	return ERR_OK;
}

/* ---- whole profiles ---- */

static enum err_kind
write_out(struct plist *profile, struct buf *out, struct err *err)
{
	plist_write_xml(out, profile, false);
	return out->full ? err_set(err, ERR_TOO_LARGE, "the profile is too large") : ERR_OK;
}

static enum err_kind
set_texts(struct making *making, struct plist *profile, struct err *err)
{
	struct plist *consent = plist_dict(making->arena);
	const char *description, *text;

	if (setting_get(making->mdm, "enroll_description", &description, err) != ERR_OK ||
		setting_get(making->mdm, "enroll_consent", &text, err) != ERR_OK)
		return err->kind;
	if (description == NULL)
		description = arena_printf(making->arena, "Lets %s manage this device.",
			making->organization != NULL ? making->organization : making->server_url);
	set_string(making, profile, "PayloadDescription", description);
	if (text != NULL) {
		set_string(making, consent, "default", text);
		plist_set(making->arena, profile, "ConsentText", consent);
	}
	return ERR_OK;
}

/* Puts the payloads into their envelope, and writes it. */
static enum err_kind
finish(struct making *making, const char *name, const char *display, struct buf *out,
	struct err *err)
{
	struct plist *profile = plist_dict(making->arena);
	enum err_kind kind;

	set_common(making, profile, "Configuration", name, display, NULL);
	kind = set_texts(making, profile, err);
	if (kind != ERR_OK)
		return kind;
	set_string(making, profile, "PayloadScope", "System");
	set_boolean(making, profile, "PayloadRemovalDisallowed", false);
	plist_set(making->arena, profile, "PayloadContent", making->content);
	return write_out(profile, out, err);
}

enum err_kind
profile_enrollment(
	struct mdm *mdm, const struct profile_terms *terms, struct buf *out, struct err *err)
{
	struct making making = {0};
	const char *identity = NULL;
	enum err_kind kind = begin(&making, mdm, err);

	if (kind == ERR_OK)
		kind = add_trust(&making, err);
	if (kind == ERR_OK && terms->p12 != NULL)
		add_p12(&making, terms, &identity);
	else if (kind == ERR_OK)
		kind = add_scep(&making, terms->for_id, &identity, err);
	if (kind == ERR_OK)
		kind = add_mdm(&making, identity, err);
	return kind == ERR_OK ? finish(&making, "enroll", "Device management", out, err) : kind;
}

enum err_kind
profile_service(struct mdm *mdm, const char *challenge, struct buf *out, struct err *err)
{
	static const char *const attributes[] = {"UDID", "VERSION", "PRODUCT", "SERIAL"};
	struct plist *profile = plist_dict(mdm->arena), *content = plist_dict(mdm->arena);
	struct plist *array = plist_array(mdm->arena);
	struct making making = {0};
	enum err_kind kind = begin(&making, mdm, err);

	if (kind == ERR_OK)
		set_common(&making, profile, "Profile Service", "ota", "Device management", NULL);
	if (kind == ERR_OK)
		kind = set_texts(&making, profile, err);
	if (kind != ERR_OK)
		return kind;
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		plist_append(array, plist_string(mdm->arena, attributes[i]));
	set_string(&making, content, "URL", arena_printf(mdm->arena, "%s/ota", making.server_url));
	plist_set(mdm->arena, content, "DeviceAttributes", array);
	set_string(&making, content, "Challenge", challenge);
	plist_set(mdm->arena, profile, "PayloadContent", content);
	return write_out(profile, out, err);
}

enum err_kind
profile_identity(struct mdm *mdm, const char *for_id, struct buf *out, struct err *err)
{
	struct making making = {0};
	const char *uuid;
	enum err_kind kind = begin(&making, mdm, err);

	if (kind == ERR_OK)
		kind = add_scep(&making, for_id, &uuid, err);
	return kind == ERR_OK ? finish(&making, "ota-identity", "Device identity", out, err) : kind;
}

/* ---- signed ---- */

bool
profile_is_signed(const struct mdm *mdm)
{
	return mdm->conf != NULL && mdm->conf->sign_certificate != NULL;
}

enum err_kind
profile_sign(struct mdm *mdm, const void **bytes, size_t *len, struct err *err)
{
	const struct conf *conf = mdm->conf;
	struct x509_identity identity;
	unsigned char *message;
	enum err_kind kind;

	if (!profile_is_signed(mdm))
		return ERR_OK;
	kind = read_file(mdm, conf->sign_certificate, &identity.cert_pem, err);
	if (kind == ERR_OK)
		kind = read_file(mdm,
			conf->sign_key != NULL ? conf->sign_key : conf->sign_certificate,
			&identity.key_pem, err);
	if (kind != ERR_OK)
		return kind;
	/* Read together, the leaf is found and its key is compared with it. */
	if (conf->sign_key != NULL)
		identity.cert_pem =
			arena_printf(mdm->arena, "%s\n%s", identity.cert_pem, identity.key_pem);
	kind = x509_identity_read(
		mdm->arena, identity.cert_pem, strlen(identity.cert_pem), NULL, &identity, err);
	if (kind == ERR_OK)
		kind = cms_sign(mdm->arena, &identity, *bytes, *len, &message, len, err);
	if (kind != ERR_OK)
		return blame(mdm, conf->sign_certificate, err);
	*bytes = message;
	return ERR_OK;
}

/* ---- rights ---- */

/* Apple's bits of AccessRights, in the order of the page. */
static const struct {
	int64_t bit;
	const char *text;
} rights_table[] = {
	{16, "See device details: model, serial number, system version, free space"},
	{32, "See network details: phone number, SIM and hardware addresses"},
	{256, "See the list of installed apps, by name and size"},
	{1024, "See security settings, such as whether a passcode is set and storage is encrypted"},
	{1, "See which configuration profiles are installed"},
	{64, "See which app provisioning profiles are installed"},
	{512, "See the restrictions that apply"},
	{2, "Install and remove settings: accounts, Wi-Fi, VPN, passcode rules, restrictions"},
	{128, "Install and remove app provisioning profiles"},
	{4096, "Install, update and remove apps that it manages"},
	{2048, "Change settings such as the device name, voice and data roaming"},
	{4, "Lock the device and clear its passcode"},
	{8, "Erase all content and settings of the device"},
};

const char *
profile_right(size_t n, int64_t *bit)
{
	if (n >= sizeof(rights_table) / sizeof(rights_table[0]))
		return NULL;
	*bit = rights_table[n].bit;
	return rights_table[n].text;
}

enum err_kind
profile_rights(struct mdm *mdm, int64_t *rights, struct err *err)
{
	const char *value;
	enum err_kind kind = setting_get(mdm, "enroll_access_rights", &value, err);

	*rights = kind == ERR_OK ? strtoll(value, NULL, 10) : 0;
	return kind;
}
