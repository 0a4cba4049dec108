/*
 * Written by InstallProfile and its like, read by ProfileList.
 */
#include "sim/device_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
get(size_t size)
{
	void *piece = calloc(1, size);

	if (piece == NULL) {
		fputs("level=error msg=\"out of memory\"\n", stderr);
		abort();
	}
	return piece;
}

static char *
copy(const char *bytes, size_t len)
{
	char *out = get(len + 1);

	memcpy(out, bytes, len);
	return out;
}

static void
free_profile(struct device_profile *profile)
{
	free(profile->identifier);
	free(profile->xml);
	free(profile);
}

static void
free_provision(struct device_provision *provision)
{
	free(provision->uuid);
	free(provision->name);
	free(provision);
}

void
device_state_release(struct device_state *state)
{
	while (state->profiles != NULL) {
		struct device_profile *next = state->profiles->next;
		free_profile(state->profiles);
		state->profiles = next;
	}
	while (state->provisions != NULL) {
		struct device_provision *next = state->provisions->next;
		free_provision(state->provisions);
		state->provisions = next;
	}
	*state = (struct device_state){0};
}

/* The link that points to the profile, or the one at the end. */
static struct device_profile **
find_profile(struct device_state *state, const char *identifier)
{
	struct device_profile **link = &state->profiles;

	while (*link != NULL && strcmp((*link)->identifier, identifier) != 0)
		link = &(*link)->next;
	return link;
}

void
device_state_install(
	struct device_state *state, const char *identifier, const char *xml, size_t xml_len)
{
	struct device_profile **link = find_profile(state, identifier);

	if (*link == NULL) {
		*link = get(sizeof(**link));
		(*link)->identifier = copy(identifier, strlen(identifier));
	}
	free((*link)->xml);
	(*link)->xml = copy(xml, xml_len);
	(*link)->xml_len = xml_len;
}

bool
device_state_remove(struct device_state *state, const char *identifier)
{
	struct device_profile **link = find_profile(state, identifier), *gone = *link;

	if (gone == NULL)
		return false;
	*link = gone->next;
	free_profile(gone);
	return true;
}

static struct device_provision **
find_provision(struct device_state *state, const char *uuid)
{
	struct device_provision **link = &state->provisions;

	while (*link != NULL && strcmp((*link)->uuid, uuid) != 0)
		link = &(*link)->next;
	return link;
}

void
device_state_provision(
	struct device_state *state, const char *uuid, const char *name, int64_t expiry)
{
	struct device_provision **link = find_provision(state, uuid);

	if (*link == NULL) {
		*link = get(sizeof(**link));
		(*link)->uuid = copy(uuid, strlen(uuid));
	}
	free((*link)->name);
	(*link)->name = copy(name, strlen(name));
	(*link)->expiry = expiry;
}

bool
device_state_unprovision(struct device_state *state, const char *uuid)
{
	struct device_provision **link = find_provision(state, uuid), *gone = *link;

	if (gone == NULL)
		return false;
	*link = gone->next;
	free_provision(gone);
	return true;
}
