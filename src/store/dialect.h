/*
 * dialect - one SQL text for several databases: a comment that opens with the name of a dialect is
 * SQL for that database alone; to the others it stays a comment.
 */
#ifndef POMONA_STORE_DIALECT_H
#define POMONA_STORE_DIALECT_H

/* Turns TEXT's comments of DIALECT into SQL, in place; gives TEXT. */
char *dialect_apply(char *text, const char *dialect);

#endif
