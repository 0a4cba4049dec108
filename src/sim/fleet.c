/*
 * Who wakes, who waits, who sleeps.
 */
#include "sim/fleet.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "sim/persona.h"
#include "sim/session.h"

enum { NAME_MOST = 200, SUFFIX_LEN = 4 };

static void *
get(size_t count, size_t size)
{
	void *piece = calloc(count > 0 ? count : 1, size);

	if (piece == NULL) {
		fputs("level=error msg=\"out of memory\"\n", stderr);
		abort();
	}
	return piece;
}

/* ---- making the fleet ---- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* NAME of NAME.pem, or NULL. */
static char *
name_of(struct arena *arena, const char *file)
{
	size_t len = strlen(file);

	if (len <= SUFFIX_LEN || len - SUFFIX_LEN > NAME_MOST || file[0] == '.' ||
		strcmp(file + len - SUFFIX_LEN, ".pem") != 0)
		return NULL;
	return arena_memdup(arena, file, len - SUFFIX_LEN);
}

/* All names of the folder, sorted; *NAMES is malloc. */
static enum err_kind
list_names(struct fleet *fleet, const char ***names, size_t *count, struct err *err)
{
	DIR *dir = opendir(fleet->options.identities);
	size_t size = 1024;
	struct dirent *entry;

	if (dir == NULL)
		return err_set(err, ERR_IO, "%s: %s", fleet->options.identities, strerror(errno));
	*names = get(size, sizeof(**names));
	*count = 0;
	while ((entry = readdir(dir)) != NULL) {
		char *name = name_of(&fleet->arena, entry->d_name);

		if (name == NULL)
			continue;
		if (*count == size) {
			const char **more = get(size * 2, sizeof(*more));

			memcpy(more, *names, size * sizeof(*more));
			free(*names);
			*names = more;
			size *= 2;
		}
		(*names)[(*count)++] = name;
	}
	closedir(dir);
	qsort(*names, *count, sizeof(**names), by_name);
	return ERR_OK;
}

static enum err_kind
make_devices(struct fleet *fleet, struct err *err)
{
	size_t wanted = (size_t)fleet->options.devices, found = 0;
	const char **names = NULL;
	enum err_kind kind;

	if (wanted == 0)
		return ERR_OK;
	kind = list_names(fleet, &names, &found, err);
	if (kind != ERR_OK)
		return kind;
	if (found < wanted) {
		free(names);
		return err_set(err, ERR_NOT_FOUND, "%s: %zu identities, but %zu devices are wanted",
			fleet->options.identities, found, wanted);
	}
	fleet->devices = get(wanted, sizeof(*fleet->devices));
	fleet->count = wanted;
	for (size_t i = 0; i < wanted; i++) {
		fleet->devices[i].fleet = fleet;
		fleet->devices[i].name = names[i];
		fleet->devices[i].enrolled = fleet->options.enrolled;
		fleet->devices[i].was_enrolled = fleet->options.enrolled;
		fleet->devices[i].polls = (uint32_t)fleet->options.polls;
	}
	free(names);
	return ERR_OK;
}

/* Where the search for a token begins. */
static size_t
place_of(const struct fleet *fleet, const unsigned char *token)
{
	return ((size_t)token[0] << 24 | (size_t)token[1] << 16 | (size_t)token[2] << 8 |
		       token[3]) &
	       (fleet->index_size - 1);
}

static void
index_tokens(struct fleet *fleet)
{
	unsigned char token[PERSONA_TOKEN_SIZE];

	for (fleet->index_size = 64; fleet->index_size < fleet->count * 2;)
		fleet->index_size *= 2;
	fleet->index = get(fleet->index_size, sizeof(*fleet->index));
	for (size_t i = 0; i < fleet->count; i++) {
		size_t at;

		persona_token(fleet->devices[i].name, token);
		for (at = place_of(fleet, token); fleet->index[at] != 0;)
			at = (at + 1) & (fleet->index_size - 1);
		fleet->index[at] = (uint32_t)i + 1;
	}
}

enum err_kind
fleet_new(struct fleet **out, struct loop *loop, const struct http_target *target,
	const struct fleet_options *options, struct err *err)
{
	struct fleet *fleet = get(1, sizeof(*fleet));
	enum err_kind kind;

	*out = NULL;
	fleet->options = *options;
	fleet->loop = loop;
	fleet->target = target;
	fleet->random = (uint32_t)clock_ticks_us() | 1;
	arena_init(&fleet->scratch);
	arena_init(&fleet->arena);
	fleet->reader = plist_reader_new(plist_limits_default());
	kind = make_devices(fleet, err);
	if (kind != ERR_OK) {
		fleet_free(fleet);
		return kind;
	}
	index_tokens(fleet);
	fleet->to_enroll = options->enrolled ? 0 : fleet->count;
	fleet->polling = options->polls > 0 ? fleet->count : 0;
	*out = fleet;
	return ERR_OK;
}

enum err_kind
fleet_write_journal(struct fleet *fleet, const char *path, struct err *err)
{
	return jsonl_open(&fleet->journal, path, err);
}

enum err_kind
fleet_obey_rules(struct fleet *fleet, const char *path, struct err *err)
{
	return rules_open(&fleet->rules, RULES_DEVICE, path, err);
}

void
fleet_free(struct fleet *fleet)
{
	if (fleet == NULL)
		return;
	for (size_t i = 0; i < fleet->count; i++) {
		struct device *device = &fleet->devices[i];

		session_free(device->session);
		loop_timer_clear(fleet->loop, &device->timer);
		if (device->state != NULL)
			device_state_release(device->state);
		free(device->state);
		free(device->ticket);
		tls_identity_release(&device->identity);
	}
	free(fleet->devices);
	free(fleet->index);
	rules_free(fleet->rules);
	jsonl_close(&fleet->journal);
	plist_reader_free(fleet->reader);
	arena_release(&fleet->scratch);
	arena_release(&fleet->arena);
	free(fleet);
}

/* ---- places ---- */

static void
fill_places(struct fleet *fleet)
{
	if (fleet->filling) /* whoever is at it sees to it */
		return;
	fleet->filling = true;
	while (fleet->first != NULL && fleet->places < (size_t)fleet->options.concurrency) {
		struct device *device = fleet->first;

		fleet->first = device->next;
		if (fleet->first == NULL)
			fleet->last = NULL;
		device->next = NULL;
		device->queued = false;
		fleet->places++;
		session_run(device->session);
	}
	fleet->filling = false;
}

void
fleet_enter(struct fleet *fleet, struct device *device)
{
	if (device->queued)
		return;
	device->queued = true;
	if (fleet->last != NULL)
		fleet->last->next = device;
	else
		fleet->first = device;
	fleet->last = device;
	fill_places(fleet);
}

void
fleet_leave(struct fleet *fleet)
{
	fleet->places--;
	fill_places(fleet);
}

/* ---- identities ---- */

/* Reading a key and signing with it for the first time costs more than all else of a handshake. */
enum err_kind
fleet_take_identity(
	struct fleet *fleet, struct device *device, struct tls_identity *identity, struct err *err)
{
	bool keep = device - fleet->devices < fleet->options.identities_kept;
	enum err_kind kind;

	if (device->identity.key == NULL) {
		kind = tls_identity_load(identity, fleet->options.identities, device->name, err);
		if (kind != ERR_OK || !keep)
			return kind;
		device->identity = *identity;
	}
	*identity = device->identity;
	tls_identity_hold(identity);
	return ERR_OK;
}

/* ---- waking and sleeping ---- */

static void
wake(struct fleet *fleet, struct device *device)
{
	if (device->end != DEVICE_LIVES)
		return;
	if (device->session != NULL) {
		device->again = session_has_begun(device->session);
		return;
	}
	loop_timer_clear(fleet->loop, &device->timer);
	device->again = false;
	device->session = session_new(fleet, device);
	fleet_enter(fleet, device);
}

static void
on_not_now_over(struct loop_timer *timer)
{
	struct device *device = (struct device *)((char *)timer - offsetof(struct device, timer));

	wake(device->fleet, device);
}

/* One of its polls is made. */
static void
poll_again(struct fleet *fleet, struct device *device)
{
	if (--device->polls > 0)
		wake(fleet, device);
	else
		fleet->polling--;
}

void
fleet_asleep(struct fleet *fleet, struct device *device, bool not_now)
{
	bool fresh = device->fresh;

	device->session = NULL;
	device->fresh = false;
	if (device->end != DEVICE_LIVES) {
		fleet->polling -= device->polls > 0;
		device->polls = 0;
		return;
	}
	if (not_now)
		loop_timer_set(fleet->loop, &device->timer, fleet->options.not_now_retry_ms,
			on_not_now_over);
	if (!device->enrolled || device->again || (fresh && device->polls > 0))
		wake(fleet, device);
	else if (device->polls > 0)
		poll_again(fleet, device);
}

void
fleet_start(struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++)
		if (!fleet->options.enrolled || fleet->options.polls > 0)
			wake(fleet, &fleet->devices[i]);
}

void
fleet_push(struct fleet *fleet, const unsigned char *token, size_t len, const char *magic)
{
	unsigned char own[PERSONA_TOKEN_SIZE];
	char own_magic[CLOCK_UUID_SIZE];
	size_t at;

	for (at = len == sizeof(own) && fleet->count > 0 ? place_of(fleet, token) : 0;
		len == sizeof(own) && fleet->index[at] != 0;
		at = (at + 1) & (fleet->index_size - 1)) {
		struct device *device = &fleet->devices[fleet->index[at] - 1];

		persona_token(device->name, own);
		if (memcmp(own, token, len) != 0)
			continue;
		if (strcmp(persona_magic(device->name, own_magic), magic) != 0)
			break;
		fleet->stats.pushes++;
		wake(fleet, device);
		return;
	}
	fleet->stats.stray_pushes++;
}

/* ---- what the sessions tell ---- */

void
fleet_enrolled(struct fleet *fleet, struct device *device)
{
	fleet->stats.enrolled++;
	if (!device->was_enrolled)
		fleet->to_enroll--;
	device->enrolled = device->was_enrolled = device->fresh = true;
}

void
fleet_answered(struct fleet *fleet, struct device *device)
{
	if (++device->answered == (uint32_t)fleet->options.answers)
		fleet->reached++;
}

void
fleet_ended(struct fleet *fleet, struct device *device, enum device_end end)
{
	device->end = end;
	device->enrolled = false;
	if (end == DEVICE_ERASED)
		fleet->stats.erased++;
	else if (end == DEVICE_CHECKED_OUT)
		fleet->stats.checked_out++;
	else
		fleet->stats.refused++;
	if (device->answered < (uint32_t)fleet->options.answers)
		fleet->failed++;
}

bool
fleet_is_ready(const struct fleet *fleet)
{
	return fleet->to_enroll == 0;
}

enum fleet_verdict
fleet_verdict(const struct fleet *fleet)
{
	const struct fleet_options *options = &fleet->options;

	if (options->answers > 0) {
		if (fleet->reached == fleet->count)
			return FLEET_DONE;
		return fleet->reached + fleet->failed == fleet->count ? FLEET_FAILED
								      : FLEET_GOES_ON;
	}
	if (options->ends_after_polls && fleet->polling == 0)
		return fleet->stats.refused > 0 ? FLEET_FAILED : FLEET_DONE;
	return FLEET_GOES_ON;
}

/* xorshift: for spreading what would come at once, nothing else. */
uint32_t
fleet_random(struct fleet *fleet, uint32_t below)
{
	fleet->random ^= fleet->random << 13;
	fleet->random ^= fleet->random >> 17;
	fleet->random ^= fleet->random << 5;
	return below > 0 ? fleet->random % below : 0;
}
