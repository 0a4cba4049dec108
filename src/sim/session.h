/*
 * session - an awake device: it enrolls, or it says Idle and obeys command after command until
 * nothing is waiting.
 *
 * A message that the server has not answered 200 is sent again, the same bytes, until it has; or
 * until it is refused.
 */
#ifndef POMONA_SIM_SESSION_H
#define POMONA_SIM_SESSION_H

#include <stdbool.h>

struct device;
struct fleet;
struct session;

struct session *session_new(struct fleet *fleet, struct device *device);

/* The session has a place: it connects and sends what is due. */
void session_run(struct session *session);

/* Has its first message gone out?  Then a push that comes now is for another session. */
bool session_has_begun(const struct session *session);

/* Closes without more ado; NULL is taken. */
void session_free(struct session *session);

#endif
