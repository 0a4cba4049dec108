/*
 * endpoint_enroll - /enroll: where a person gets the enrollment profile.
 *
 *	/enroll/SECRET                        the page, by a link (mdm/enroll_link.h)
 *	/enroll/SECRET/profile.mobileconfig   POST: the profile, which uses the link up
 *	/enroll                               the page, without a link, as setting enroll_open says
 *	/enroll/profile.mobileconfig          POST: the profile
 *
 * GET changes nothing: programs that look at links before people do, in chats and in mail, use
 * nothing up.  A GET for a profile leads to its page, but for whom has just downloaded it from the
 * same address: he gets it again.
 *
 * With enroll_open "person" the web server has to have authenticated who calls: the parameter
 * REMOTE_USER names him.  No header is ever believed.
 */
#ifndef POMONA_WEB_ENDPOINT_ENROLL_H
#define POMONA_WEB_ENDPOINT_ENROLL_H

#include "web/route.h"

enum err_kind endpoint_enroll(struct call *call, struct reply *reply, struct err *err);
bool endpoint_enroll_writes(const struct call *call);

#endif
