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
free_memo(struct device_memo *memo)
{
	free(memo->name);
	free(memo->xml);
	free(memo);
}

static void
free_memos(struct device_memo *memo)
{
	while (memo != NULL) {
		struct device_memo *next = memo->next;
		free_memo(memo);
		memo = next;
	}
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
	free_memos(state->profiles);
	free_memos(state->memos);
	while (state->provisions != NULL) {
		struct device_provision *next = state->provisions->next;
		free_provision(state->provisions);
		state->provisions = next;
	}
	*state = (struct device_state){0};
}

/* The link that points to it, or the one at the end. */
static struct device_memo **
find_memo(struct device_memo **link, const char *name)
{
	while (*link != NULL && strcmp((*link)->name, name) != 0)
		link = &(*link)->next;
	return link;
}

void
device_memo_keep(struct device_memo **list, const char *name, const char *xml, size_t xml_len)
{
	struct device_memo **link = find_memo(list, name);

	if (*link == NULL) {
		*link = get(sizeof(**link));
		(*link)->name = copy(name, strlen(name));
	}
	free((*link)->xml);
	(*link)->xml = copy(xml, xml_len);
	(*link)->xml_len = xml_len;
}

const struct device_memo *
device_memo_find(const struct device_memo *list, const char *name)
{
	while (list != NULL && strcmp(list->name, name) != 0)
		list = list->next;
	return list;
}

bool
device_memo_forget(struct device_memo **list, const char *name)
{
	struct device_memo **link = find_memo(list, name), *gone = *link;

	if (gone == NULL)
		return false;
	*link = gone->next;
	free_memo(gone);
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
