/*
 * Where a device that has enrolled by a profile goes, as the profile says.
 */
#include <string.h>

#include "sim/enroll_profile.h"
#include "sim/fleet.h"

/* The parts of a profile's two URLs. */
static enum err_kind
read_urls(const struct enroll_profile *profile, struct url *server, struct url *check_in,
	struct err *err)
{
	if (address_read_url(server, profile->server_url, err) != ERR_OK)
		return err_prefix(err, "ServerURL");
	if (address_read_url(check_in, profile->check_in_url, err) != ERR_OK)
		return err_prefix(err, "CheckInURL");
	if (!server->tls || !check_in->tls)
		return err_set(err, ERR_BAD_INPUT, "ServerURL or CheckInURL is not https");
	if (strcmp(server->address.authority, check_in->address.authority) != 0)
		return err_set(err, ERR_BAD_INPUT,
			"ServerURL and CheckInURL on two hosts are not followed");
	return ERR_OK;
}

static bool
is_it(const struct fleet_server *server, const struct enroll_profile *profile,
	const struct url *command, const struct url *check_in)
{
	return strcmp(server->target.address.authority, command->address.authority) == 0 &&
	       strcmp(server->command_path, command->path) == 0 &&
	       strcmp(server->checkin_path, check_in->path) == 0 &&
	       strcmp(server->topic, profile->topic) == 0 &&
	       server->sign_messages == profile->sign_message;
}

enum err_kind
fleet_find_server(struct fleet *fleet, const struct enroll_profile *profile,
	const struct fleet_server **found, struct err *err)
{
	struct url command, check_in;
	struct fleet_server *server;
	enum err_kind kind = read_urls(profile, &command, &check_in, err);

	if (kind != ERR_OK)
		return kind;
	for (server = fleet->servers; server != NULL; server = server->next)
		if (is_it(server, profile, &command, &check_in)) {
			*found = server;
			return ERR_OK;
		}
	server = arena_calloc(&fleet->arena, 1, sizeof(*server));
	server->target = *fleet->target;
	server->target.address = command.address;
	server->command_path = arena_strdup(&fleet->arena, command.path);
	server->checkin_path = arena_strdup(&fleet->arena, check_in.path);
	server->topic = arena_strdup(&fleet->arena, profile->topic);
	server->sign_messages = profile->sign_message;
	server->next = fleet->servers;
	fleet->servers = server;
	*found = server;
	return ERR_OK;
}
