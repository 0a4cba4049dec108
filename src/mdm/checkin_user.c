/*
 * UserAuthenticate: a network or mobile user logs in at a Mac.
 */
#include "mdm/checkin_parts.h"

/* Declined: a local user of a Mac goes on without an MDM session of its own. */
enum err_kind
checkin_user_authenticate(struct checkin_visit *visit)
{
	struct enrollment_ids device_ids = visit->ids;
	struct enrollment device;
	enum err_kind kind;

	device_ids.id = visit->ids.device_id;
	kind = enrollment_bind(
		visit->mdm, &device_ids, &visit->checkin->caller, &device, visit->err);
	return kind == ERR_OK ? err_set(visit->err, ERR_GONE, "UserAuthenticate is declined")
			      : kind;
}
