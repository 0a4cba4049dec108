/*
 * doctor - what the checks of `pomona doctor` work with, and how they tell what they find.
 *
 * cli_doctor.c has the table of checks.  A check says at least one thing: that all is well, or what
 * is wrong and how to mend it.
 */
#ifndef POMONA_CLI_DOCTOR_H
#define POMONA_CLI_DOCTOR_H

#include "cli/cli.h"

enum doctor_state { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_PROBLEM };

struct doctor {
	struct cli *cli;
	struct table table;
	const char *check; /* the one at work */
	bool problem;      /* one was found, by any */

	/* what the checks before have made sure of */
	bool has_conf, has_store, has_schema, has_key;
};

/* MEND (may be NULL) is how to mend it. */
void doctor_say(struct doctor *doctor, enum doctor_state state, const char *mend,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* How long WHAT is good for: a problem when it is over, or in a week; a warning in 60 days. */
void doctor_say_end(struct doctor *doctor, const char *what, int64_t not_after, const char *mend);

/* A reader of the store, in a transaction; what fails is a problem. */
void doctor_read(
	struct doctor *doctor, enum err_kind (*read)(struct doctor *doctor, struct err *err));

/* ---- doctor_store.c ---- */

void doctor_check_ca(struct doctor *doctor);
void doctor_check_push_certificates(struct doctor *doctor);
void doctor_check_worker(struct doctor *doctor);
void doctor_check_pushes(struct doctor *doctor);
void doctor_check_queue(struct doctor *doctor);
void doctor_check_devices(struct doctor *doctor);
void doctor_check_identities(struct doctor *doctor);
void doctor_check_groups(struct doctor *doctor);
void doctor_check_schedules(struct doctor *doctor);
void doctor_check_audit(struct doctor *doctor);

/* ---- doctor_server.c ---- */

void doctor_check_server(struct doctor *doctor);
void doctor_check_apns(struct doctor *doctor);

/* ---- doctor_backend.c ---- */

void doctor_check_backends(struct doctor *doctor);

#endif
