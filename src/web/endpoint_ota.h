/*
 * endpoint_ota - /ota: the profile service, as Apple's "Over-the-Air Profile Delivery and
 * Configuration" has it.
 *
 * A device that has installed the profile service's profile (web/endpoint_enroll gives it, with
 * setting enroll_ota) posts its attributes, a plist in a CMS message that it signs:
 *
 *	with the certificate Apple gave it, and the profile's challenge: it gets an identity by
 *	SCEP, in the name of its UDID;
 *	with that identity, and the same UDID: it gets the enrollment profile.
 *
 * Whose certificate Apple's is, key apple_ca of the configuration file says; without it the
 * challenge alone lets a device in, whoever signs.
 */
#ifndef POMONA_WEB_ENDPOINT_OTA_H
#define POMONA_WEB_ENDPOINT_OTA_H

#include "web/route.h"

enum err_kind endpoint_ota(struct call *call, struct reply *reply, struct err *err);
bool endpoint_ota_writes(const struct call *call);

#endif
