/*
 * setting - what the operator configured, in the store; the view `setting` is its SQL face.
 *
 * Names, and what their values may be, are rows of one table in setting.c: server_url,
 * organization, keep_results and keep_events (days, or "forever"; see mdm/retention.h),
 * enroll_topics
 * ("imported" (the default): the topics of the push certificates; "any"; or a list, separated by
 * blanks), enroll_devices ("any" (the default): all but those blocked in table admission; "listed":
 * those allowed there), pin_unknown ("on" or "off" (the default); see mdm/pin.h).
 */
#ifndef POMONA_MDM_SETTING_H
#define POMONA_MDM_SETTING_H

#include "mdm/mdm.h"

/* The value, or the name's default, or NULL when it has none. */
enum err_kind setting_get(struct mdm *mdm, const char *name, const char **value, struct err *err);

/* ERR_BAD_INPUT for an unknown name or a value that it cannot have. */
enum err_kind setting_check(const char *name, const char *value, struct err *err);

/* Sets it, after setting_check(). */
enum err_kind setting_set(struct mdm *mdm, const char *name, const char *value, struct err *err);

/* The number of days (1 to 36500) that VALUE stands for, 0 for "forever"; false: it is neither. */
bool setting_days(const char *value, int64_t *days);

/* Row N of the table of names (from 0), or NULL behind the last. */
const char *setting_name(size_t n);

#endif
