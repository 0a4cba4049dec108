/*
 * selection - which enrollments a word of an operator means: an enrollment id, "group:NAME"
 * (mdm/group.h), or "all": the enrolled device channels.
 *
 * A group that has a condition is looked through anew each time: what comes is what matches now.
 * They come in the order of their numbers: the order in which they enrolled first.
 */
#ifndef POMONA_MDM_SELECTION_H
#define POMONA_MDM_SELECTION_H

#include "mdm/enrollment.h"

#define SELECTION_ALL "all"
#define SELECTION_GROUP "group:"

/* May more than one be meant? */
bool selection_is_many(const char *word);

/* ERR_BAD_INPUT: a word that can mean nobody.  ERR_NOT_FOUND: there is no such group (an id is not
 * looked for). */
enum err_kind selection_check(struct mdm *mdm, const char *word, struct err *err);

/* EACH ends it with anything but ERR_OK, which is then returned. */
typedef enum err_kind (*selection_each_fn)(
	const char *enrollment_id, void *context, struct err *err);

/* How far it has come; {0} at its beginning. */
struct selection_at {
	int64_t no; /* of the last enrollment that was looked at */
	bool done;
};

/*
 * The next of them: of the next MOST enrollments behind *AT, those that are meant; *AT moves on,
 * and says when it is over.  There may be none in a page that is not the last.  A page may be in
 * another transaction than the one before.
 *
 * An id is given as it is, known or not.  ERR_NOT_FOUND: there is no such group; ERR_BAD_INPUT: its
 * condition is wrong.
 */
enum err_kind selection_page(struct mdm *mdm, const char *word, struct selection_at *at,
	int64_t most, selection_each_fn each, void *context, struct err *err);

/* All of them, page by page, in one transaction. */
enum err_kind selection_each(
	struct mdm *mdm, const char *word, selection_each_fn each, void *context, struct err *err);

#endif
