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
#include "base/slurp.h"
#include "sim/enrollee.h"
#include "sim/persona.h"
#include "sim/session.h"

enum { NAME_MOST = 200, SUFFIX_LEN = 4, ANCHORS_MOST = 1024 * 1024 };

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

/* The next device of the list, as it is at the start. */
static struct device *
add_device(struct fleet *fleet, const char *name)
{
	const struct fleet_options *options = &fleet->options;
	struct device *device = &fleet->devices[fleet->count++];

	device->fleet = fleet;
	device->name = name;
	device->server = &fleet->server;
	device->enrolled = device->was_enrolled = options->enrolled;
	device->wants_renewal = options->enrolled && options->renew;
	device->polls = (uint32_t)options->polls;
	return device;
}

/* Those that have no identity yet. */
static void
add_enrolling(struct fleet *fleet)
{
	const struct fleet_options *options = &fleet->options;
	struct device *device;

	for (size_t i = 0; i < (size_t)options->enrolling; i++) {
		device = add_device(
			fleet, arena_printf(&fleet->arena, "%s-%06zu", options->name, i + 1));
		device->link = options->links[i % options->link_count];
		device->wants_identity = true;
		device->wants_renewal = device->enrolled = device->was_enrolled = false;
	}
}

/* Is it the name of one that is there? */
static bool
is_taken(const struct fleet *fleet, const char *name)
{
	for (size_t i = 0; i < fleet->count; i++)
		if (strcmp(fleet->devices[i].name, name) == 0)
			return true;
	return false;
}

/* Those of the folder, but for an identity that is to be replaced. */
static enum err_kind
add_equipped(struct fleet *fleet, struct err *err)
{
	size_t wanted = (size_t)fleet->options.devices, found = 0, enrolling = fleet->count;
	const char **names = NULL;
	enum err_kind kind = ERR_OK;

	if (wanted == 0)
		return ERR_OK;
	kind = list_names(fleet, &names, &found, err);
	if (kind != ERR_OK)
		return kind;
	for (size_t i = 0; i < found && fleet->count < enrolling + wanted; i++)
		if (enrolling == 0 || !is_taken(fleet, names[i]))
			add_device(fleet, names[i]);
	free(names);
	if (fleet->count < enrolling + wanted)
		return err_set(err, ERR_NOT_FOUND, "%s: %zu identities, but %zu devices are wanted",
			fleet->options.identities, fleet->count - enrolling, wanted);
	return ERR_OK;
}

static enum err_kind
make_devices(struct fleet *fleet, struct err *err)
{
	const struct fleet_options *options = &fleet->options;
	enum err_kind kind;

	fleet->devices =
		get((size_t)options->devices + (size_t)options->enrolling, sizeof(*fleet->devices));
	add_enrolling(fleet);
	kind = add_equipped(fleet, err);
	for (size_t i = 0; i < fleet->count; i++) {
		struct device *device = &fleet->devices[i];

		device->busy = !device->enrolled || device->wants_renewal || device->polls > 0;
		fleet->busy += device->busy;
		fleet->to_enroll += !device->enrolled;
	}
	return kind;
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

/* What verifies the signatures of profiles. */
static enum err_kind
read_anchors(struct fleet *fleet, struct err *err)
{
	char *pem;
	size_t len;
	enum err_kind kind =
		slurp_file(&fleet->arena, fleet->options.ca, ANCHORS_MOST, &pem, &len, err);

	fleet->anchors = kind == ERR_OK ? pem : NULL;
	return kind;
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
	fleet->server = (struct fleet_server){.target = *target,
		.checkin_path = options->checkin_path,
		.command_path = options->command_path,
		.topic = options->topic};
	kind = options->link_count > 0 || options->renew ? read_anchors(fleet, err) : ERR_OK;
	if (kind == ERR_OK)
		kind = make_devices(fleet, err);
	if (kind != ERR_OK) {
		fleet_free(fleet);
		return kind;
	}
	index_tokens(fleet);
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
		enrollee_free(device->enrollee);
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
		if (device->enrollee != NULL)
			enrollee_run(device->enrollee);
		else
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
	if (device->enrollee != NULL) {
		device->again = true;
		return;
	}
	loop_timer_clear(fleet->loop, &device->timer);
	device->again = false;
	if (device->wants_identity || device->wants_renewal)
		device->enrollee = enrollee_new(fleet, device);
	else
		device->session = session_new(fleet, device);
	fleet_enter(fleet, device);
}

static void
on_rest_over(struct loop_timer *timer)
{
	struct device *device = (struct device *)((char *)timer - offsetof(struct device, timer));

	wake(device->fleet, device);
}

/* It has done all that it does by itself, or will never. */
static void
settle(struct fleet *fleet, struct device *device)
{
	if (!device->busy ||
		(device->end == DEVICE_LIVES && (!device->enrolled || device->wants_renewal ||
							device->polls > 0 || device->awaiting)))
		return;
	device->busy = false;
	fleet->busy--;
}

void
fleet_asleep(struct fleet *fleet, struct device *device, bool not_now)
{
	bool fresh = device->fresh;

	device->session = NULL;
	device->fresh = false;
	if (device->awaiting && device->enrolled && !device->again) {
		loop_timer_set(
			fleet->loop, &device->timer, fleet->options.await_poll_ms, on_rest_over);
		return;
	}
	if (not_now && device->end == DEVICE_LIVES)
		loop_timer_set(
			fleet->loop, &device->timer, fleet->options.not_now_retry_ms, on_rest_over);
	if (!fresh && device->enrolled && !device->again && device->polls > 0)
		device->polls--; /* this was one */
	settle(fleet, device);
	if (device->busy || (device->end == DEVICE_LIVES && (!device->enrolled || device->again)))
		wake(fleet, device);
}

/* An identity is used from the next connection on. */
void
fleet_equipped(struct fleet *fleet, struct device *device)
{
	bool renewed = !device->wants_identity;

	device->enrollee = NULL;
	if (device->end == DEVICE_LIVES) {
		if (renewed)
			fleet->stats.renewed++;
		device->wants_identity = device->wants_renewal = false;
		tls_identity_release(&device->identity);
		free(device->ticket);
		device->ticket = NULL;
	}
	settle(fleet, device);
	if (device->busy || (device->end == DEVICE_LIVES && device->again))
		wake(fleet, device);
}

void
fleet_start(struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++)
		if (fleet->devices[i].busy)
			wake(fleet, &fleet->devices[i]);
}

void
fleet_poll_again(struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++) {
		struct device *device = &fleet->devices[i];

		if (device->end != DEVICE_LIVES || device->busy)
			continue;
		device->polls = (uint32_t)fleet->options.polls;
		device->busy = true;
		fleet->busy++;
	}
	fleet_start(fleet);
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
	if (!device->was_enrolled) {
		fleet->to_enroll--;
		device->wants_renewal = fleet->options.renew;
	}
	device->enrolled = device->was_enrolled = device->fresh = true;
}

void
fleet_awaits(struct fleet *fleet, struct device *device, bool awaiting)
{
	if (awaiting && !device->awaiting)
		fleet->awaiting++;
	else if (!awaiting && device->awaiting)
		fleet->awaiting--;
	device->awaiting = awaiting;
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
	fleet_awaits(fleet, device, false);
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
	const struct fleet_options *options = &fleet->options;

	return fleet->to_enroll == 0 && fleet->awaiting == 0 &&
	       (!options->renew || fleet->stats.renewed >= fleet->count);
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
	if (options->ends_when_idle && fleet->busy == 0)
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
