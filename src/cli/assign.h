/*
 * assign - KEY=VALUE words, made into a command's arguments with the types of the catalogue.
 *
 *	Message=Call IT			a string, as it is
 *	ManagedOnly=true		true or false
 *	Queries=UDID,OSVersion		an array: separated by commas, or the key again, or JSON
 *	ReturnToService.Enabled=true	a key inside a dictionary
 *	ReturnToService={"Enabled":true}	a dictionary: JSON
 *	Payload=@wifi.mobileconfig	data: a file's bytes, or base64
 *	When=2026-11-24T08:00:00Z	a date
 */
#ifndef POMONA_CLI_ASSIGN_H
#define POMONA_CLI_ASSIGN_H

#include "mdm/catalogue_check.h"

/*
 * Puts the word into ARGS (a dict; data as base64 and dates as strings, as in JSON).  ERR_BAD_INPUT
 * when the request has no such key, the key was given before (and is no array), or the value is not
 * of the key's type; the message names the key.  Whether all required keys are there is
 * catalogue_check()'s.  Base64 that is also the name of a file is a remark (REMARKS may be NULL).
 */
enum err_kind assign_word(struct arena *arena, const struct catalogue_request *request,
	struct plist *args, const char *word, struct catalogue_remarks *remarks, struct err *err);

#endif
