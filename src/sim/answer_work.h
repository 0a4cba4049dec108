/*
 * answer_work - inside answers: a command while it is being answered, and the functions of the
 * table.
 */
#ifndef POMONA_SIM_ANSWER_WORK_H
#define POMONA_SIM_ANSWER_WORK_H

#include "sim/answers.h"

struct answer_work {
	struct arena *arena;
	const struct answer_device *device;
	const struct persona *persona;
	const struct plist *args; /* the Command dict */
	struct answer *answer;    /* its message is filled in */
};

/* Sets KEY of the answer. */
void answer_set(struct answer_work *work, const char *key, struct plist *value);

/* Makes it an Error; called again, the next link of the ErrorChain. */
void answer_fail(struct answer_work *work, const char *domain, int64_t code, const char *text);

/* Makes it a CommandFormatError. */
void answer_malformed(struct answer_work *work);

/* The device's state, made if there is none yet. */
struct device_state *answer_state(struct answer_work *work);

/* answer_info.c */
void answer_device_information(struct answer_work *work);
void answer_security_info(struct answer_work *work);
void answer_restrictions(struct answer_work *work);
/* answer_apps.c */
void answer_installed_application_list(struct answer_work *work);
/* answer_certificates.c */
void answer_certificate_list(struct answer_work *work);
/* answer_profiles.c */
void answer_profile_list(struct answer_work *work);
void answer_install_profile(struct answer_work *work);
void answer_remove_profile(struct answer_work *work);
/* answer_provisions.c */
void answer_provisioning_profile_list(struct answer_work *work);
void answer_install_provisioning_profile(struct answer_work *work);
void answer_remove_provisioning_profile(struct answer_work *work);

#endif
