/*
 * errand - what is left to be done when a message's transaction has ended: an HTTP back-end is
 * asked (mdm/relay.h), and its answer becomes the device's.
 *
 * The back-end's status is not the device's: 401 would unenroll it, 500 is for our own faults.  So
 * 2xx is 200; 400 and 422 are 400, 404 and 410 are 404, 413 is 413, as to ask again would be in
 * vain; all others, and no answer at all, are 503: the device comes again.
 */
#ifndef POMONA_MDM_ERRAND_H
#define POMONA_MDM_ERRAND_H

#include "codec/relay_frame.h"
#include "mdm/enrollment.h"
#include "mdm/mdm.h"

/* What the device gets. */
struct errand_reply {
	struct buf *body;
	const char *content_type; /* NULL: none, for an empty body */
};

struct errand {
	struct relay_request request;
	int64_t enrollment_no; /* whose it is */

	/* Makes the reply of a 2xx answer.  NULL: there is no errand. */
	enum err_kind (*finish)(struct mdm *mdm, const struct relay_answer *answer,
		struct errand_reply *reply, struct err *err);
};

/*
 * The headers that tell a back-end whose request it is, as NanoMDM names them: X-Enrollment-ID,
 * X-Enrollment-Type, and X-Enrollment-ParentID on a user channel.
 */
void errand_add_enrollment(struct relay_request *request, const struct enrollment_ids *ids);

/* One more header; there must be room. */
void errand_add_header(struct relay_request *request, const char *name, const char *value);

/*
 * Goes and comes back.  Outside a transaction; it may take as long as a call to a back-end may.
 * ERR_BUSY, ERR_BAD_INPUT, ERR_NOT_FOUND, ERR_TOO_LARGE as above; a failure of the first kind is
 * told of as an event, now and then.
 */
enum err_kind errand_run(
	struct mdm *mdm, const struct errand *errand, struct errand_reply *reply, struct err *err);

#endif
