/*
 * admission - may this device enroll?  The operator's rules.
 *
 * Topics: setting enroll_topics.  Devices: table admission (UDIDs and serial numbers, allowed or
 * blocked; blocked wins) and setting enroll_devices ("any": all that are not blocked; "listed":
 * only those allowed).
 */
#ifndef POMONA_MDM_ADMISSION_H
#define POMONA_MDM_ADMISSION_H

#include "mdm/mdm.h"

/* ERR_FORBIDDEN, with the rule that says no. */
enum err_kind admission_check_topic(struct mdm *mdm, const char *topic, struct err *err);

/* UDID and SERIAL may be NULL (a User Enrollment tells neither). */
enum err_kind admission_check_device(
	struct mdm *mdm, const char *udid, const char *serial, struct err *err);

#endif
