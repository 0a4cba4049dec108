/*
 * device_state - what was changed on a simulated device since it left the factory: profiles put on
 * and taken off, and whatever else commands have left behind.
 *
 * Most devices never have one, and it is small: what is kept is the XML of a plist under a name.
 */
#ifndef POMONA_SIM_DEVICE_STATE_H
#define POMONA_SIM_DEVICE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Something that is kept: a profile (by PayloadIdentifier: its row in ProfileList), or a memo (by
 * what answer_work.h says). */
struct device_memo {
	struct device_memo *next;
	char *name;
	char *xml;
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
	struct device_memo *profiles;        /* in the order they came */
	struct device_memo *memos;           /* likewise */
	struct device_provision *provisions; /* likewise */
};

/* As it left the factory.  Frees what STATE points to, not STATE. */
void device_state_release(struct device_state *state);

/* All of these copy; one with the same name (or UUID) is replaced. */
void device_memo_keep(struct device_memo **list, const char *name, const char *xml, size_t xml_len);
const struct device_memo *device_memo_find(const struct device_memo *list, const char *name);
bool device_memo_forget(struct device_memo **list, const char *name);
void device_state_provision(
	struct device_state *state, const char *uuid, const char *name, int64_t expiry);
bool device_state_unprovision(struct device_state *state, const char *uuid);

#endif
