#include "cli/actor.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/text.h"

enum { NAME_MOST = 256, HOST_MOST = 256, TTY_MOST = 128 };

static const char *
user_of_process(struct arena *arena)
{
	const struct passwd *user = getpwuid(getuid());

	return user != NULL ? arena_strdup(arena, user->pw_name)
			    : arena_printf(arena, "uid %lld", (long long)getuid());
}

/* Whose terminal it is, or who became root by sudo; NULL when nobody knows. */
static const char *
user_behind(char login[NAME_MOST])
{
	const char *sudo = getuid() == 0 ? getenv("SUDO_USER") : NULL;

	if (sudo != NULL && sudo[0] != '\0' && strlen(sudo) < NAME_MOST &&
		text_is_utf8(sudo, strlen(sudo)))
		return sudo;
	if (!isatty(STDIN_FILENO) || getlogin_r(login, NAME_MOST) != 0 || login[0] == '\0')
		return NULL;
	return login;
}

static const char *
place_of_process(struct arena *arena)
{
	char host[HOST_MOST] = "?", tty[TTY_MOST] = "";
	const char *shown = tty;

	if (gethostname(host, sizeof(host)) != 0)
		host[0] = '?';
	host[sizeof(host) - 1] = '\0';
	if (ttyname_r(STDIN_FILENO, tty, sizeof(tty)) != 0)
		return arena_strdup(arena, host);
	if (strncmp(shown, "/dev/", strlen("/dev/")) == 0)
		shown += strlen("/dev/");
	return arena_printf(arena, "%s %s", host, shown);
}

struct mdm_actor
actor_of_process(struct arena *arena)
{
	char login[NAME_MOST];
	const char *user = user_of_process(arena), *behind = user_behind(login);

	if (behind != NULL && strcmp(behind, user) != 0)
		user = arena_printf(arena, "%s as %s", behind, user);
	return (struct mdm_actor){.source = "cli", .name = user, .place = place_of_process(arena)};
}
