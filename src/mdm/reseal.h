/*
 * reseal - a new master key for everything that is sealed in the store.
 *
 * Whoever adds a sealed column adds a row to the table in reseal.c.
 */
#ifndef POMONA_MDM_RESEAL_H
#define POMONA_MDM_RESEAL_H

#include "mdm/mdm.h"

struct reseal {
	int64_t resealed; /* values */
	int64_t lost;     /* values that no key opens: they stay as they are */
	bool resumed;     /* a rotation that had been interrupted was ended */
};

/*
 * Makes a new master key and seals everything under it, in small transactions, while other programs
 * go on; at the end the old key is gone.  Killed at any moment it leaves a store that works, with
 * both keys in the key file; the next call goes on from there.  Outside a transaction; mdm->arena
 * is reset on the way.
 *
 * ERR_CONFLICT when another program rotates the key just now.
 */
enum err_kind reseal_run(struct mdm *mdm, struct reseal *reseal, struct err *err);

#endif
