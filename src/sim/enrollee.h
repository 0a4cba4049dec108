/*
 * enrollee - an awake device that comes by its identity: from the enrollment page, or by renewing
 * the one it has.
 *
 *	GET the page, POST (or GET) what it offers: the profile, whose signature is verified
 *	GetCACaps, GetCACert, PKIOperation: the identity, by SCEP; or it is in the profile
 *
 * A renewal begins at GetCACaps, with the profile that was kept.  A step that was not answered is
 * done again; one that was refused ends the device.
 *
 * Profile, certificate and key are then in the fleet's folder, as NAME.mobileconfig, NAME.pem and
 * NAME.key, and the device goes on with a session (sim/session.h).
 */
#ifndef POMONA_SIM_ENROLLEE_H
#define POMONA_SIM_ENROLLEE_H

struct device;
struct enrollee;
struct fleet;

/* For device->wants_identity, or else a renewal. */
struct enrollee *enrollee_new(struct fleet *fleet, struct device *device);

/* It has a place: goes on with the step that is due. */
void enrollee_run(struct enrollee *enrollee);

/* Closes without more ado; NULL is taken. */
void enrollee_free(struct enrollee *enrollee);

#endif
