/*
 * Finds things in the catalogue's tables.
 */
#include "mdm/catalogue.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mdm/catalogue_data.h"

const struct catalogue_request *
catalogue_row(size_t n)
{
	return n < catalogue_request_count ? &catalogue_requests[n] : NULL;
}

static int
compare_name(const void *name, const void *request)
{
	return strcmp(name, ((const struct catalogue_request *)request)->name);
}

const struct catalogue_request *
catalogue_find(const char *request)
{
	const struct catalogue_request *found = bsearch(request, catalogue_requests,
		catalogue_request_count, sizeof(catalogue_requests[0]), compare_name);

	for (size_t i = 0; found == NULL && i < catalogue_request_count; i++)
		if (catalogue_requests[i].alias != NULL &&
			strcmp(catalogue_requests[i].alias, request) == 0)
			found = &catalogue_requests[i];
	return found;
}

const struct catalogue_request *
catalogue_spelling(const char *request)
{
	for (size_t i = 0; i < catalogue_request_count; i++)
		if (strcasecmp(catalogue_requests[i].name, request) == 0)
			return &catalogue_requests[i];
	return NULL;
}

const struct catalogue_key *
catalogue_subkey(const struct catalogue_key *parent, const char *name)
{
	for (const struct catalogue_key *key = catalogue_first(parent);
		key != catalogue_end(parent); key = catalogue_next(key))
		if (strcmp(key->name, name) == 0 && strcmp(name, "*") != 0)
			return key;
	return NULL;
}

const struct catalogue_key *
catalogue_wildcard(const struct catalogue_key *parent)
{
	for (const struct catalogue_key *key = catalogue_first(parent);
		key != catalogue_end(parent); key = catalogue_next(key))
		if (strcmp(key->name, "*") == 0)
			return key;
	return NULL;
}

const struct catalogue_fact *
catalogue_fact_of(const struct catalogue_fact *facts, size_t count, enum catalogue_os os)
{
	for (size_t i = 0; i < count; i++)
		if (facts[i].os == os)
			return &facts[i];
	return NULL;
}

void
catalogue_fact_over(struct catalogue_fact *known, const struct catalogue_fact *own)
{
	known->unsupported |= own->unsupported;
	known->supervised |= own->supervised;
	known->automated |= own->automated;
	known->user_approved |= own->user_approved;
	if (own->introduced != 0)
		known->introduced = own->introduced;
	if (own->deprecated != 0)
		known->deprecated = own->deprecated;
	if (own->removed != 0)
		known->removed = own->removed;
	if (own->channels != 0)
		known->channels = own->channels;
	if (own->user_enrollment != CATALOGUE_MODE_UNSAID)
		known->user_enrollment = own->user_enrollment;
	if (own->shared_ipad != CATALOGUE_MODE_UNSAID)
		known->shared_ipad = own->shared_ipad;
	if (own->shared_channels != 0)
		known->shared_channels = own->shared_channels;
	if (own->right != CATALOGUE_RIGHT_UNSAID)
		known->right = own->right;
}

const char *
catalogue_os_name(enum catalogue_os os)
{
	static const char *const names[] = {
		[CATALOGUE_IOS] = "iOS",
		[CATALOGUE_MACOS] = "macOS",
		[CATALOGUE_TVOS] = "tvOS",
		[CATALOGUE_VISIONOS] = "visionOS",
		[CATALOGUE_WATCHOS] = "watchOS",
	};

	return names[os];
}

const char *
catalogue_version_text(int version, char *out)
{
	int patch = version & 0xff;

	snprintf(out, CATALOGUE_VERSION_SIZE, patch == 0 ? "%d.%d" : "%d.%d.%d", version >> 16,
		version >> 8 & 0xff, patch);
	return out;
}

int
catalogue_version_of(const char *text)
{
	int parts[3] = {0};

	for (size_t i = 0; i < 3; i++) {
		char *end;
		long part = strtol(text, &end, 10);

		if (!isdigit((unsigned char)*text) || part > 255)
			return 0;
		parts[i] = (int)part;
		text = end;
		if (*text != '.')
			break;
		text++;
	}
	return CATALOGUE_VERSION(parts[0], parts[1], parts[2]);
}
