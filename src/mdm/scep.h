/*
 * scep - who gets an identity by SCEP (RFC 8894), and in whose name.
 *
 * An identity is given to who shows a challenge (mdm/challenge.h), or renews one: the message is
 * signed by an identity that is his, and neither expired nor revoked nor followed by another one.
 * The server chooses the name: that of the enrollment the challenge was made for, that of the
 * identity renewed, or a random one.  What the request says of a subject does not count.
 *
 * A request that comes again, after a lost reply, gets the same certificate and uses up nothing.
 */
#ifndef POMONA_MDM_SCEP_H
#define POMONA_MDM_SCEP_H

#include "mdm/mdm.h"

/* What goes back; the texts are for the log. */
struct scep_answer {
	const char *content_type; /* exactly this one: clients look at it */
	const void *bytes;
	size_t len;
	const char *message;       /* PKCSReq, RenewalReq, … */
	const char *enrollment_id; /* in whose name the identity is */
	const char *remark;        /* how it came to it, or why it was refused */
};

/*
 * The four operations.  They have transactions of their own: none is open when they are called.
 * ERR_BAD_INPUT when the message is none; that somebody gets no identity is an answer like another.
 */
enum err_kind scep_answer_caps(struct mdm *mdm, struct scep_answer *answer, struct err *err);
enum err_kind scep_answer_certs(struct mdm *mdm, struct scep_answer *answer, struct err *err);
/* ERR_NOT_FOUND when there is no next CA. */
enum err_kind scep_answer_next(struct mdm *mdm, struct scep_answer *answer, struct err *err);
enum err_kind scep_answer_message(struct mdm *mdm, const void *message, size_t len,
	struct scep_answer *answer, struct err *err);

#endif
