/*
 * push_certificate - the certificates that APNs knows this server by, one per topic.
 */
#ifndef POMONA_MDM_PUSH_CERTIFICATE_H
#define POMONA_MDM_PUSH_CERTIFICATE_H

#include "codec/x509.h"
#include "mdm/mdm.h"

struct push_certificate {
	const char *topic;
	const char *subject;
	int64_t not_after, imported_at; /* milliseconds since 1970 */
	const char *stopped;            /* why APNs refuses it; NULL: it does not */
};

/*
 * Takes a certificate and its key out of PKCS#12 or PEM and stores it under the topic in its UID,
 * in the place of an older one.  ERR_BAD_INPUT, with the reason, when it could not be used: no key,
 * another key, no UID that begins with "com.apple.mgmt.", expired.
 */
enum err_kind push_certificate_import(struct mdm *mdm, const void *bytes, size_t len,
	const char *password, struct push_certificate *certificate, struct err *err);

enum err_kind push_certificate_has_topic(
	struct mdm *mdm, const char *topic, bool *has, struct err *err);

/* Calls EACH for every one, by topic. */
enum err_kind push_certificate_each(struct mdm *mdm,
	enum err_kind (*each)(
		const struct push_certificate *certificate, void *context, struct err *err),
	void *context, struct err *err);

/* The same for those that are not stopped, without their subjects: cheap. */
enum err_kind push_certificate_each_usable(struct mdm *mdm,
	enum err_kind (*each)(
		const struct push_certificate *certificate, void *context, struct err *err),
	void *context, struct err *err);

/* Certificate and key, opened; ERR_NOT_FOUND. */
enum err_kind push_certificate_load(
	struct mdm *mdm, const char *topic, struct x509_identity *identity, struct err *err);

/*
 * APNs refuses the certificate that was imported then: nothing is sent for its topic until the next
 * import.
 */
enum err_kind push_certificate_stop(struct mdm *mdm, const char *topic, int64_t imported_at,
	const char *reason, struct err *err);

#endif
