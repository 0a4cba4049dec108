/*
 * answers - what a simulated device answers to a command, as a real one might.
 *
 * Which commands a device knows goes by the catalogue: another RequestType, or one that is not for
 * its OS, version or supervision, gets Error 12021, as real devices give it; one whose keys are
 * missing or of the wrong type CommandFormatError.  What is told by hand is a table in answers.c;
 * the keys that it lacks are added from the catalogue.  Error domains and codes are Apple's (Mobile
 * Device Management Protocol Reference, appendix "Error Codes").
 */
#ifndef POMONA_SIM_ANSWERS_H
#define POMONA_SIM_ANSWERS_H

#include "base/arena.h"
#include "codec/plist.h"
#include "sim/device_state.h"
#include "sim/persona.h"
#include "sim/rules.h"

/* Of whom is asked. */
struct answer_device {
	const struct persona *persona;
	struct device_state **state; /* points to NULL until something changes; then made */
	struct plist_reader *reader;
	const char *certificate; /* PEM file of the device's identity */
	const char *authority;   /* PEM file of the server's CA; NULL: none */
	bool automated;          /* enrolled by Automated Device Enrollment, hence supervised */
	bool awaiting;           /* DeviceConfigured */
};

/* What becomes of the device once its answer has arrived. */
enum answer_effect {
	ANSWER_STAYS,
	ANSWER_ERASED,
	ANSWER_RETURNS,    /* erased, and enrolls again by itself (ReturnToService) */
	ANSWER_CHECKS_OUT, /* the enrollment profile was taken off */
	ANSWER_CONFIGURED, /* it need not wait any more */
};

struct answer {
	const char *status; /* "Acknowledged", "Error", "CommandFormatError", "NotNow" */
	struct plist *message;
	const char *uuid;         /* of the command */
	const char *request_type; /* of the command; "" when it has none */
	enum answer_effect effect;
};

/*
 * COMMAND is what the server sent.  RULE, unless NULL, may want another answer than the true one;
 * the device then does not do what it was asked.  ERR_BAD_INPUT when there is no CommandUUID: such
 * a command cannot be answered at all.
 */
enum err_kind answer_command(struct answer *answer, struct arena *arena,
	const struct answer_device *device, const struct plist *command, const struct rule *rule,
	struct err *err);

/* UUID and RequestType of a command, without answering it; NULL and "" where they are not there. */
void answer_peek(const struct plist *command, const char **uuid, const char **request_type);

/* The messages a device sends of itself. */
struct plist *answer_authenticate(
	struct arena *arena, const struct persona *persona, const char *topic);
struct plist *answer_token_update(
	struct arena *arena, const struct persona *persona, const char *topic, bool awaiting);
struct plist *answer_check_out(
	struct arena *arena, const struct persona *persona, const char *topic);
struct plist *answer_idle(struct arena *arena, const struct persona *persona);

#endif
