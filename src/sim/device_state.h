/*
 * device_state - what was changed on a simulated device since it left the factory: profiles put on
 * and taken off.
 *
 * Most devices never have one, and it is small: a profile is kept as the XML of its row in
 * ProfileList.
 */
#ifndef POMONA_SIM_DEVICE_STATE_H
#define POMONA_SIM_DEVICE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device_profile {
	struct device_profile *next;
	char *identifier; /* PayloadIdentifier */
	char *xml;        /* its row in ProfileList */
	size_t xml_len;
};

struct device_provision {
	struct device_provision *next;
	char *uuid, *name;
	int64_t expiry; /* ms since 1970 */
};

struct device_state {
	unsigned removed; /* bit n: built-in profile n is gone */
	bool passcode_cleared;
	struct device_profile *profiles;     /* in the order they came */
	struct device_provision *provisions; /* likewise */
};

/* As it left the factory.  Frees what STATE points to, not STATE. */
void device_state_release(struct device_state *state);

/* All of these copy; a profile with the same identifier (or UUID) is replaced. */
void device_state_install(
	struct device_state *state, const char *identifier, const char *xml, size_t xml_len);
bool device_state_remove(struct device_state *state, const char *identifier);
void device_state_provision(
	struct device_state *state, const char *uuid, const char *name, int64_t expiry);
bool device_state_unprovision(struct device_state *state, const char *uuid);

#endif
