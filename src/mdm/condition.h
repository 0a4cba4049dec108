/*
 * condition - a condition over what is known of an enrollment, as an operator writes it:
 *
 *	os_version < '17' AND model LIKE 'iPad%'
 *	supervised AND NOT (state IN ('blocked', 'checked_out') OR last_seen < '7 days ago')
 *
 * It is SQL in looks and in sense (three-valued: what is not known neither holds nor fails), and
 * never given to a database.  Operators, the weakest first: OR, AND, NOT; = <> != < <= > >=,
 * [NOT] LIKE ('%' any text, '_' one character, capitals or not), [NOT] IN (…), IS [NOT] NULL; a
 * column of truth values may stand alone.  On the left is a column of the view `device`, on the
 * right a value: text in single quotes ('' is one in it), a number, TRUE or FALSE.
 *
 * Versions compare part by part as numbers: 17.10 is above 17.9, 17 equals 17.0.  Times are
 * '2026-11-24', '2026-11-24T08:00:00Z' or '7 days ago' (seconds, minutes, hours, days, weeks).
 */
#ifndef POMONA_MDM_CONDITION_H
#define POMONA_MDM_CONDITION_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/db.h"

enum {
	CONDITION_BYTES_MOST = 4000,
	CONDITION_NODES_MOST = 500, /* operators and values */
	CONDITION_DEPTH_MOST = 50,  /* parentheses and NOTs in one another */
};

/* What a row has to have, in this order: the columns of the statements selection_… in sql/. */
enum condition_column {
	CONDITION_ID,
	CONDITION_DEVICE_ID,
	CONDITION_KIND,
	CONDITION_UDID,
	CONDITION_SERIAL,
	CONDITION_NAME,
	CONDITION_MODEL,
	CONDITION_MODEL_NAME,
	CONDITION_PRODUCT,
	CONDITION_OS_VERSION,
	CONDITION_OS_MAJOR,
	CONDITION_BUILD,
	CONDITION_TOPIC,
	CONDITION_STATE,
	CONDITION_ENROLLED_AT,
	CONDITION_LAST_SEEN,
	CONDITION_SUPERVISED,
	CONDITION_ENROLLED_VIA_DEP,
	CONDITION_USER_APPROVED,
	CONDITION_USER_SHORT_NAME,
	CONDITION_COLUMNS,
};

struct condition;

/* In the arena.  ERR_BAD_INPUT: what is wrong, and where ("at 14: …", counted in bytes from 1). */
enum err_kind condition_parse(
	struct arena *arena, const char *text, struct condition **condition, struct err *err);

/* Does it hold for the row?  NOW in milliseconds since 1970. */
bool condition_matches(const struct condition *condition, const struct db_value *row, int64_t now);

/* Is the column named in it? */
bool condition_names(const struct condition *condition, enum condition_column column);

/* May what it gives change by time alone, or with each message of a device? */
bool condition_is_timed(const struct condition *condition);

/* The name of a column, as in the view. */
const char *condition_column_name(enum condition_column column);

/*
 * Compares versions, "17.6.1" or "17.6.1 (a)": below, above or equal to 0.  False: VERSION or OTHER
 * does not begin with a number.
 */
bool condition_compare_versions(const char *version, const char *other, int *order);

#endif
