/*
 * command_facts - the catalogue in words.
 */
#ifndef POMONA_CLI_COMMAND_FACTS_H
#define POMONA_CLI_COMMAND_FACTS_H

#include "mdm/catalogue.h"

/* "iOS", in any case; also "iPadOS". */
bool command_os(const char *name, enum catalogue_os *os);

/* "iOS 16.0, supervised; not tvOS", or "" when nothing is said. */
const char *command_fact_words(
	struct arena *arena, const struct catalogue_fact *facts, size_t count);

/* What is allowed: "A, B or C", "10 to 300", "default false", or ""; of more than MOST values only
 * how many. */
const char *command_limit_words(struct arena *arena, const struct catalogue_key *key, size_t most);

/* "ManifestURL begins with https:" */
const char *command_rule_words(struct arena *arena, const struct catalogue_rule *rule);

/* "device", "device, user" */
const char *command_channel_words(int channels);

/* "string", or "any" */
const char *command_type_word(const struct catalogue_key *key);
const char *command_presence_word(enum catalogue_presence presence);
const char *command_mode_word(enum catalogue_mode mode); /* NULL: unsaid */

#endif
