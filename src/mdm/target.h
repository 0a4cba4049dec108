/*
 * target - what is known of an enrollment that a command is for: its OS, channel, kind,
 * supervision.
 *
 * It comes from what the device said when it enrolled, and from its answers to DeviceInformation
 * and SecurityInfo.
 */
#ifndef POMONA_MDM_TARGET_H
#define POMONA_MDM_TARGET_H

#include "mdm/catalogue_check.h"
#include "mdm/mdm.h"

struct target {
	int64_t no;
	const char *id;
	struct catalogue_target known;
};

/* ERR_NOT_FOUND when there is no such enrollment. */
enum err_kind target_find(
	struct mdm *mdm, const char *enrollment_id, struct target *target, struct err *err);

/*
 * The enrolled device channels whose numbers are above AFTER, up to LAST, in their order.  Ends
 * with what EACH returns, when that is not ERR_OK.
 */
typedef enum err_kind (*target_each_fn)(
	const struct target *target, void *context, struct err *err);
enum err_kind target_each(struct mdm *mdm, int64_t after, int64_t last, target_each_fn each,
	void *context, struct err *err);

/* The OS of a product ("iPad13,4") or, where that is NULL or unknown, of a model ("Apple TV");
 * false: it cannot be told. */
bool target_os_of(const char *product, const char *model_name, enum catalogue_os *os);

#endif
