/*
 * catalogue_parts - what the parts of the check share; nobody else includes it.
 */
#ifndef POMONA_MDM_CATALOGUE_PARTS_H
#define POMONA_MDM_CATALOGUE_PARTS_H

#include "mdm/catalogue_check.h"

/* A check on its way. */
struct catalogue_check {
	struct arena *arena;
	const struct catalogue_request *request;
	struct catalogue_options options;
	struct err *err; /* never NULL */
};

/* Where in the arguments it is.  The path is put together only when a message wants it. */
struct catalogue_place {
	const struct catalogue_place *up; /* NULL: this is the root */
	const char *name;                 /* NULL: an element of an array */
	size_t index;
};

/* "Settings[2].Item"; NAME: a key of the dictionary at PLACE; NULL: PLACE itself. */
const char *catalogue_path(
	struct arena *arena, const struct catalogue_place *place, const char *name);

/* "REQUEST: PATH TEXT", where PATH is as in catalogue_path(). */
enum err_kind catalogue_refuse(const struct catalogue_check *check,
	const struct catalogue_place *place, const char *name, const char *text);
void catalogue_remark(const struct catalogue_check *check, const struct catalogue_place *place,
	const char *name, const char *text);

/* The shape of an array's element; NULL: any will do, or (with a `by`) it is none of them. */
const struct catalogue_key *catalogue_shape(
	const struct catalogue_key *array, const struct plist *element);

/* "A, B, C": the texts up to NULL. */
const char *catalogue_join(struct arena *arena, const char *const *texts);

/* The rules about the keys of DICT, which has its types on the wire. */
enum err_kind catalogue_check_rules(const struct catalogue_check *check,
	const struct catalogue_key *parent, const struct plist *dict,
	const struct catalogue_place *place);

/* The number VALUE is (0 when it is none). */
double catalogue_number(const struct plist *value);

/* Is VALUE a string or an integer that reads TEXT? */
bool catalogue_is(const struct plist *value, const char *text);

/* What is no number is in every range. */
bool catalogue_in_range(
	const struct plist *value, bool has_min, double min, bool has_max, double max);

/* "must be from 10 to 300" */
const char *catalogue_range_text(
	struct arena *arena, bool has_min, double min, bool has_max, double max);

/* What the rule says, of the keys of the dictionary at PLACE: "PIN must have 6 characters". */
const char *catalogue_rule_text(struct arena *arena, const struct catalogue_rule *rule,
	const struct catalogue_place *place);

/* Does the text match the POSIX extended regular expression?  A broken expression matches nothing.
 */
bool catalogue_matches(const char *regex, const char *text);

#endif
