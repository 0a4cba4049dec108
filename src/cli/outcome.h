/*
 * outcome - what came of something that was done for several devices, each for itself.
 */
#ifndef POMONA_CLI_OUTCOME_H
#define POMONA_CLI_OUTCOME_H

#include "cli/who.h"

struct outcome {
	struct arena *arena;
	const char **ids;
	size_t count;
	const char **errors; /* of each id; NULL: it went well */
	const char **notes;  /* what is to be known though it went well; or NULL */
	size_t failed;
};

/* Takes the ids. */
void outcome_init(struct outcome *outcome, struct arena *arena, const struct who *who);

/*
 * Notes what came of id N: an unknown device, a conflict, or that it does not take the command is
 * its own failure, and gives ERR_OK; any other error is everybody's, and is given back.
 */
enum err_kind outcome_note(struct outcome *outcome, struct arena *arena, size_t n,
	const struct err *what, struct err *err);

/* {"id":{},"other":{"error":"…"},"third":{"note":"…"}} */
void outcome_add_json(const struct outcome *outcome, struct buf *buf);

/* The table of devices, with DONE, and the note, for those that went well. */
void outcome_print(const struct outcome *outcome, FILE *out, const char *done);

/* Says each failure; ERR_NOT_FOUND, without a message, when there was one. */
enum err_kind outcome_end(const struct outcome *outcome, struct cli *cli);

#endif
