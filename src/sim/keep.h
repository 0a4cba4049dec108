/*
 * keep - what an enrolled device keeps in the fleet's folder: NAME.pem and NAME.key, and the
 * profile it has enrolled with, NAME.mobileconfig.
 */
#ifndef POMONA_SIM_KEEP_H
#define POMONA_SIM_KEEP_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "codec/scep.h"
#include "codec/x509.h"

/* In place of what is there, with mode 0600; PROFILE may be empty: it stays as it is. */
enum err_kind keep_write(const char *dir, const char *name, const struct x509_identity *identity,
	struct scep_bytes profile, struct err *err);

/* What keep_write() has written. */
enum err_kind keep_read(struct arena *arena, const char *dir, const char *name,
	struct x509_identity *identity, struct scep_bytes *profile, struct err *err);

#endif
