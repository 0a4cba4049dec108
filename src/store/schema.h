/*
 * schema - the SQL that makes a store: numbered steps and, per dialect, views and triggers.
 *
 * schema.c is made by the build from sql/schema/NNNN-*.sql and sql/<dialect>.sql.
 */
#ifndef POMONA_STORE_SCHEMA_H
#define POMONA_STORE_SCHEMA_H

struct schema_step {
	int number; /* 0 ends the table */
	const char *name;
	const char *sql;
};

struct schema_interface {
	const char *dialect; /* NULL ends the table */
	const char *sql;
};

extern const struct schema_step schema_steps[];
extern const struct schema_interface schema_interfaces[];

#endif
