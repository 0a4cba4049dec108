/*
 * return_to_service - what a device is told that is about to erase itself and comes back enrolled.
 *
 * Apple: "Return To Service" (check-in; supervised devices of Automated Device Enrollment in that
 * mode).  Setting return_to_service: "off" (the default), "erase", or "keep_apps", with which the
 * device gets its bootstrap token back; return_to_service_plan: its eSIM stays;
 * return_to_service_retry: it tries to enroll again and again.  The Wi-Fi profile it needs on the
 * way, and an enrollment profile where it is to have another than its organization's, are kept
 * sealed.
 */
#ifndef POMONA_MDM_RETURN_TO_SERVICE_H
#define POMONA_MDM_RETURN_TO_SERVICE_H

#include <stdbool.h>

#include "mdm/mdm.h"

enum { RETURN_PROFILE_MOST = 1024 * 1024 };

/* Is it a kind of profile, "wifi" or "mdm"? */
bool return_to_service_has_kind(const char *kind);

/* The profile of that kind; *PROFILE is NULL when there is none. */
enum err_kind return_to_service_profile(struct mdm *mdm, const char *kind,
	const unsigned char **profile, size_t *len, struct err *err);

/* Keeps a profile, signed or not; that it is one, the caller has seen. */
enum err_kind return_to_service_set(
	struct mdm *mdm, const char *kind, const void *profile, size_t len, struct err *err);

/* ERR_NOT_FOUND when there is none. */
enum err_kind return_to_service_remove(struct mdm *mdm, const char *kind, struct err *err);

#endif
