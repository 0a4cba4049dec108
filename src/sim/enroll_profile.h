/*
 * enroll_profile - an enrollment profile as the device that installs it reads it: where the server
 * is, and how to come by an identity.
 *
 * Apple: Configuration Profile Reference, payloads com.apple.mdm, com.apple.security.scep and
 * com.apple.security.pkcs12.
 */
#ifndef POMONA_SIM_ENROLL_PROFILE_H
#define POMONA_SIM_ENROLL_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "codec/plist.h"
#include "codec/scep.h"

/* What is told by the payload com.apple.security.scep. */
struct enroll_scep {
	const char *url;
	const char *challenge;         /* NULL: none */
	const char *common_name;       /* of Subject; NULL: none */
	struct scep_bytes fingerprint; /* CAFingerprint; empty: none */
};

/* Strings and bytes are in the arena. */
struct enroll_profile {
	const char *server_url;
	const char *check_in_url; /* the server's when it is not told */
	const char *topic;
	bool sign_message;
	struct enroll_scep scep; /* url NULL: the identity is in the profile */
	struct scep_bytes p12;
	const char *p12_password; /* NULL: none */
};

struct enroll_trust {
	const char *anchors; /* PEM: the signer's certificate has to come from one of these */
	bool unsigned_too;   /* a profile without a signature is taken */
};

/*
 * ERR_FORBIDDEN when the signature is not right, or not by somebody trusted, or missing;
 * ERR_BAD_INPUT, with the payload and the key, when it is no enrollment profile that this device
 * can follow.
 */
enum err_kind enroll_profile_read(struct arena *arena, struct plist_reader *reader,
	const void *bytes, size_t len, const struct enroll_trust *trust,
	struct enroll_profile *profile, struct err *err);

#endif
