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

/* What is to be imported, and under which conditions. */
struct push_certificate_file {
	const void *bytes; /* PKCS#12, PEM, or a certificate in DER */
	size_t len;
	const char *password; /* NULL: none */
	const char *replace;  /* only in the place of this topic's certificate; NULL: of any */
	bool new_topic;       /* take it for another topic than the one its request was to renew */
};

/*
 * Takes a certificate and its key and stores them under the topic in its UID, in the place of an
 * older one.  Without a key in the file, the one of a kept request (mdm/push_request.h) belongs to
 * it; that request has been answered then, and goes.
 *
 * ERR_BAD_INPUT, with the reason, when it could not be used: no key here or there, another key, no
 * UID that begins with "com.apple.mgmt.", expired.  ERR_CONFLICT when it is for another topic than
 * the one it is to replace: devices that are enrolled under that one would never be woken again.
 */
enum err_kind push_certificate_import(struct mdm *mdm, const struct push_certificate_file *file,
	struct push_certificate *certificate, struct err *err);

/* How many devices are enrolled under the topic, and how many under others. */
enum err_kind push_certificate_devices(
	struct mdm *mdm, const char *topic, int64_t *here, int64_t *elsewhere, struct err *err);

/* One, with its subject; ERR_NOT_FOUND.  PEM (may be NULL): the certificate (chain) itself. */
enum err_kind push_certificate_find(struct mdm *mdm, const char *topic,
	struct push_certificate *certificate, const char **pem, struct err *err);

/*
 * Takes one away with its key.  ERR_NOT_FOUND; ERR_CONFLICT when devices are enrolled under its
 * topic, unless ANYHOW.
 */
enum err_kind push_certificate_remove(
	struct mdm *mdm, const char *topic, bool anyhow, struct err *err);

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
