/*
 * error_meaning - what the errors of a device mean, and what to do, as data:
 * src/mdm/error_meaning.data, compiled into a table.
 *
 * Apple: the ErrorChain of an answer is an array of ErrorDomain, ErrorCode, LocalizedDescription
 * and USEnglishDescription, the top-level error first, then those that led to it.
 */
#ifndef POMONA_MDM_ERROR_MEANING_H
#define POMONA_MDM_ERROR_MEANING_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "codec/plist.h"

struct error_meaning {
	const char *domain;  /* NULL: any */
	const char *request; /* only when it answers this command; NULL: any */
	int64_t code;
	const char *meaning;
	const char *advice; /* what to do; NULL: nothing is known */
};

/* Row N of the table, NULL behind the last. */
const struct error_meaning *error_meaning_row(size_t n);

/* That of a code; REQUEST and DOMAIN may be NULL.  What is for the request counts most.  NULL: it
 * is not known. */
const struct error_meaning *error_meaning_find(
	const char *request, const char *domain, int64_t code);

/* One link of an ErrorChain. */
struct error_link {
	const char *path; /* where its chain is: "ErrorChain", "Settings[1].ErrorChain" */
	const char *domain;
	int64_t code;
	const char *english, *localized;     /* or NULL */
	const struct error_meaning *meaning; /* NULL: it is not known */
};

/*
 * Calls EACH for every link of every ErrorChain in an answer, those of the elements of Settings and
 * UpdateResults as well, in the order of the message.  What is malformed is passed over.
 */
typedef void (*error_link_fn)(const struct error_link *link, void *context);
void error_links(struct arena *arena, const char *request, const struct plist *answer,
	error_link_fn each, void *context);

/* The view error_meaning, in SQLite's dialect. */
void error_meaning_write_view(struct buf *buf);

#endif
