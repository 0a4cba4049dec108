/*
 * The personal recovery key of a Mac's disk: made, rotated, and told to whoever holds the
 * certificate it is encrypted for.
 *
 * That is the one which a profile has named for the escrow
 * (com.apple.security.FDERecoveryKeyEscrow); on a Mac that has none, the key was escrowed before
 * its time, for somebody else.
 */
#include <string.h>

#include "codec/x509.h"
#include "sim/answer_work.h"
#include "sim/envelope.h"

enum { KEY_LETTERS = 24, GROUP = 4 };

/* The first one follows from the device's name, those after it from how many there were. */
static const char *
recovery_key(struct answer_work *work)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	const struct plist *rotations = answer_recall(work, "filevault-key");
	unsigned char b[KEY_LETTERS];
	struct buf key;

	persona_bytes(work->persona->name,
		arena_printf(work->arena, "recovery key %llu",
			rotations != NULL ? (unsigned long long)rotations->as.integer.magnitude
					  : 0),
		b, sizeof(b));
	buf_init(&key, work->arena, 64);
	for (size_t i = 0; i < sizeof(b); i++) {
		if (i > 0 && i % GROUP == 0)
			buf_byte(&key, '-');
		buf_byte(&key, letters[b[i] % (sizeof(letters) - 1)]);
	}
	return key.bytes;
}

/* ---- for whom ---- */

/* The payload of that type (NULL: any) and UUID (likewise); NULL: there is none. */
static const struct plist *
find_payload(const struct plist *profile, const char *type, const char *uuid)
{
	const struct plist *payloads = plist_get_typed(profile, "PayloadContent", PLIST_ARRAY);
	const struct plist *payload = payloads != NULL ? payloads->as.items.first : NULL;

	for (; payload != NULL; payload = payload->next) {
		const char *own_type = plist_get_string(payload, "PayloadType");
		const char *own_uuid = plist_get_string(payload, "PayloadUUID");

		if ((type == NULL || (own_type != NULL && strcmp(own_type, type) == 0)) &&
			(uuid == NULL || (own_uuid != NULL && strcmp(own_uuid, uuid) == 0)))
			return payload;
	}
	return NULL;
}

/* The certificate payload has DER, or PEM. */
static struct plist *
certificate_of(struct answer_work *work, const struct plist *payload)
{
	const struct plist *content = plist_get_typed(payload, "PayloadContent", PLIST_DATA);
	unsigned char *der;
	size_t len;

	if (content == NULL)
		return NULL;
	der = x509_pem_to_der(work->arena, content->as.string.bytes, content->as.string.len, &len);
	return der != NULL ? plist_data(work->arena, der, len) : plist_copy(work->arena, content);
}

void
answer_take_escrow(struct answer_work *work, const struct plist *profile)
{
	const struct plist *escrow =
		find_payload(profile, "com.apple.security.FDERecoveryKeyEscrow", NULL);
	const char *uuid = plist_get_string(escrow, "EncryptCertPayloadUUID");
	const char *device_key = plist_get_string(escrow, "DeviceKey");
	struct plist *kept = plist_dict(work->arena), *certificate;

	if (uuid == NULL)
		return;
	certificate = certificate_of(work, find_payload(profile, NULL, uuid));
	if (certificate == NULL)
		return;
	plist_set(work->arena, kept, "Certificate", certificate);
	plist_set(work->arena, kept, "Profile",
		plist_string(work->arena, plist_get_string(profile, "PayloadIdentifier")));
	if (device_key != NULL)
		plist_set(work->arena, kept, "DeviceKey", plist_string(work->arena, device_key));
	answer_keep(work, "filevault-escrow", kept);
}

void
answer_drop_escrow(struct answer_work *work, const char *identifier)
{
	const char *profile = plist_get_string(answer_recall(work, "filevault-escrow"), "Profile");

	if (profile != NULL && strcmp(profile, identifier) == 0)
		answer_forget(work, "filevault-escrow");
}

/* DER; the device's own one when none was named. */
static const struct plist *
escrow_certificate(struct answer_work *work)
{
	const struct plist *escrow = answer_recall(work, "filevault-escrow");

	escrow = plist_get_typed(escrow, "Certificate", PLIST_DATA);
	return escrow != NULL ? escrow : answer_identity_der(work);
}

/* NULL: it cannot be encrypted. */
static struct plist *
encrypted_key(struct answer_work *work, const struct plist *certificate)
{
	const char *key = recovery_key(work);
	unsigned char *der;
	size_t len;

	if (certificate == NULL ||
		envelope_encrypt(work->arena, certificate->as.string.bytes,
			certificate->as.string.len, key, strlen(key), &der, &len) != ERR_OK)
		return NULL;
	return plist_data(work->arena, der, len);
}

void
answer_add_filevault(struct answer_work *work, struct plist *info)
{
	const struct plist *escrow = answer_recall(work, "filevault-escrow");
	const char *device_key = plist_get_string(escrow, "DeviceKey");
	struct plist *cms = encrypted_key(work, escrow_certificate(work));

	if (cms != NULL)
		plist_set(work->arena, info, "FDE_PersonalRecoveryKeyCMS", cms);
	plist_set(work->arena, info, "FDE_PersonalRecoveryKeyDeviceKey",
		plist_string(work->arena, device_key != NULL ? device_key : work->persona->serial));
}

/* The new key goes to whom the command names, else to where the old one went. */
static void
rotate_personal(struct answer_work *work, struct plist *result)
{
	const struct plist *reply =
		plist_get_typed(work->args, "ReplyEncryptionCertificate", PLIST_DATA);
	const struct plist *rotations = answer_recall(work, "filevault-key");
	uint64_t count = rotations != NULL ? rotations->as.integer.magnitude : 0;
	struct plist *cms;

	answer_keep(work, "filevault-key", plist_unsigned(work->arena, count + 1));
	cms = encrypted_key(work, reply != NULL ? reply : escrow_certificate(work));
	if (cms != NULL) {
		plist_set(work->arena, result, "EncryptedNewRecoveryKey", cms);
		return;
	}
	answer_keep(work, "filevault-key", plist_unsigned(work->arena, count));
	answer_fail(work, "MCMDMErrorDomain", 12010,
		"The new recovery key could not be encrypted for the certificate.");
}

void
answer_rotate_filevault_key(struct answer_work *work)
{
	struct plist *result = plist_dict(work->arena);

	if (strcmp(plist_get_string(work->args, "KeyType"), "personal") == 0)
		rotate_personal(work, result);
	if (strcmp(work->answer->status, "Acknowledged") == 0)
		answer_set(work, "RotateResult", result);
}
