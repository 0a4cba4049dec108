/*
 * doctor - what may be wrong in a store that works: facts for `pomona doctor`.
 */
#ifndef POMONA_MDM_DOCTOR_H
#define POMONA_MDM_DOCTOR_H

#include "mdm/mdm.h"

enum doctor_fact {
	DOCTOR_TOPICS,       /* enrollments whose topic has no certificate; `reason` is the topic */
	DOCTOR_STALLED,      /* commands open since before SINCE, of devices that came after it */
	DOCTOR_SHUT_OUT,     /* open commands of devices that are blocked */
	DOCTOR_NO_IDENTITY,  /* those of devices without a valid identity at SINCE */
	DOCTOR_PUSH_STOPPED, /* enrollments that APNs wants no pushes for */
	DOCTOR_PUSH_FAILING, /* enrollments whose last push failed */
	DOCTOR_PUSH_LATE,    /* pushes that are due since before SINCE */
	DOCTOR_UNSEEN,       /* devices that were not here since SINCE */
	DOCTOR_IDENTITIES,   /* devices whose identity ends before SINCE */
	DOCTOR_GROUPS,       /* groups whose condition is wrong; `example` is the name of one */
	DOCTOR_SCHEDULES,    /* recurring commands that are not right */
};

struct doctor_finding {
	int64_t count, devices;
	const char *example; /* the id of one of them */
	const char *reason;  /* or NULL */
};

/* Calls EACH for every finding of the kind: none when all is well.  SINCE is in ms since 1970. */
enum err_kind doctor_find(struct mdm *mdm, enum doctor_fact fact, int64_t since,
	enum err_kind (*each)(const struct doctor_finding *finding, void *context, struct err *err),
	void *context, struct err *err);

#endif
