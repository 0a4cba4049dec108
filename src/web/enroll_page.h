/*
 * enroll_page - the pages that a person sees on the way to an enrolled device.
 *
 * Plain HTML with its style in it: no script, no picture from elsewhere, nothing to load.  All that
 * comes from outside is escaped.
 */
#ifndef POMONA_WEB_ENROLL_PAGE_H
#define POMONA_WEB_ENROLL_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "web/reply.h"

struct enroll_page {
	const char *organization; /* or NULL */
	const char *description;  /* setting enroll_description, or NULL */
	const char *host;         /* of the server */
	const char *action;       /* where the form that gets the profile is posted to, relative */
	const char *url;          /* of this page, for the QR code */
	int64_t rights;           /* of the profile */
	bool once;                /* it came by a link, which the download uses up */
};

/* The page with the profile to download. */
void enroll_page_write(struct reply *reply, struct arena *arena, const struct enroll_page *page);

/* A page that says TITLE and ADVICE, with that status. */
void enroll_page_refuse(struct reply *reply, struct arena *arena, int status, const char *title,
	const char *advice);

/* Headers of whatever is for this person alone. */
extern const char enroll_page_private_headers[];

#endif
