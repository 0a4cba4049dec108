#include "base/conf.h"

#define INI_HANDLER_LINENO 0
#include <ini.h>

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum conf_type { CONF_STRING, CONF_NUMBER };

/* One row per key: where it goes and what it may be. */
static const struct conf_key {
	const char *section, *name;
	enum conf_type type;
	size_t offset;
	long min, max;
} conf_keys[] = {
	{"store", "database", CONF_STRING, offsetof(struct conf, database), 0, 0},
	{"store", "key", CONF_STRING, offsetof(struct conf, key), 0, 0},
	{"fcgi", "listen", CONF_STRING, offsetof(struct conf, listen), 0, 0},
	{"fcgi", "threads", CONF_NUMBER, offsetof(struct conf, threads), 1, 1024},
	{"fcgi", "max_body", CONF_NUMBER, offsetof(struct conf, max_body), 1024,
		256L * 1024 * 1024},
	{"peer", "certificate_header", CONF_STRING, offsetof(struct conf, certificate_header), 0,
		0},
	{"peer", "certificate_form", CONF_STRING, offsetof(struct conf, certificate_form), 0, 0},
	{"peer", "certificate_from", CONF_STRING, offsetof(struct conf, certificate_from), 0, 0},
	{"push", "apns_url", CONF_STRING, offsetof(struct conf, apns_url), 0, 0},
	{"push", "apns_ca", CONF_STRING, offsetof(struct conf, apns_ca), 0, 0},
	{"push", "lease", CONF_NUMBER, offsetof(struct conf, lease), 1, 3600},
	{"push", "streams", CONF_NUMBER, offsetof(struct conf, streams), 1, 1000},
	{"push", "poll_ms", CONF_NUMBER, offsetof(struct conf, poll_ms), 5, 1000},
	{"push", "backoff", CONF_NUMBER, offsetof(struct conf, backoff), 1, 86400},
	{"push", "backoff_429", CONF_NUMBER, offsetof(struct conf, backoff_429), 1, 86400},
	{"push", "retry", CONF_NUMBER, offsetof(struct conf, retry), 1, 86400},
	{"relay", "socket", CONF_STRING, offsetof(struct conf, relay_socket), 0, 0},
	{"relay", "ca", CONF_STRING, offsetof(struct conf, relay_ca), 0, 0},
	{"relay", "timeout", CONF_NUMBER, offsetof(struct conf, relay_timeout), 1, 25},
	{"enroll", "sign_certificate", CONF_STRING, offsetof(struct conf, sign_certificate), 0, 0},
	{"enroll", "sign_key", CONF_STRING, offsetof(struct conf, sign_key), 0, 0},
	{"enroll", "trust", CONF_STRING, offsetof(struct conf, enroll_trust), 0, 0},
	{"enroll", "apple_ca", CONF_STRING, offsetof(struct conf, apple_ca), 0, 0},
	{"log", "level", CONF_STRING, offsetof(struct conf, log_level), 0, 0},
};

struct reader {
	struct conf *conf;
	struct arena *arena;
	char wrong[200];
};

static const struct conf_key *
key_find(const char *section, const char *name)
{
	for (size_t i = 0; i < sizeof(conf_keys) / sizeof(conf_keys[0]); i++)
		if (strcmp(conf_keys[i].section, section) == 0 &&
			strcmp(conf_keys[i].name, name) == 0)
			return &conf_keys[i];
	return NULL;
}

static bool
parse_number(const char *text, long *number)
{
	char *end;

	errno = 0;
	*number = strtol(text, &end, 10);
	return errno == 0 && end != text && *end == '\0';
}

/* inih calls this for each key; 0 tells it that the line is wrong. */
static int
take(void *user, const char *section, const char *name, const char *value)
{
	struct reader *reader = user;
	const struct conf_key *key = key_find(section, name);
	char *place;
	long number;

	if (key == NULL) {
		snprintf(reader->wrong, sizeof(reader->wrong),
			"there is no key \"%s\" in section [%s]", name, section);
		return 0;
	}
	place = (char *)reader->conf + key->offset;
	if (key->type == CONF_STRING) {
		const char *copy = *value == '\0' ? NULL : arena_strdup(reader->arena, value);
		memcpy(place, &copy, sizeof(copy));
		return 1;
	}
	if (!parse_number(value, &number) || number < key->min || number > key->max) {
		snprintf(reader->wrong, sizeof(reader->wrong), "%s wants a number from %ld to %ld",
			name, key->min, key->max);
		return 0;
	}
	memcpy(place, &number, sizeof(number));
	return 1;
}

static void
set_defaults(struct conf *conf)
{
	*conf = (struct conf){
		.database = LOCALSTATEDIR "/lib/pomona/pomona.db",
		.key = SYSCONFDIR "/pomona/pomona.key",
		.threads = 64,
		.max_body = 16L * 1024 * 1024,
		.apns_url = "https://api.push.apple.com:443",
		.lease = 30,
		.streams = 100,
		.poll_ms = 40,
		.retry = 300,
		.backoff = 900,
		.backoff_429 = 30,
		.relay_timeout = 10,
		.log_level = "info",
	};
}

enum err_kind
conf_read(struct conf *conf, const char *path, struct arena *arena, struct err *err)
{
	struct reader reader = {.conf = conf, .arena = arena};
	int line;

	if (path == NULL)
		path = getenv("POMONA_CONF");
	if (path == NULL || *path == '\0')
		path = SYSCONFDIR "/pomona/pomona.conf";
	set_defaults(conf);
	conf->path = arena_strdup(arena, path);
	line = ini_parse(path, take, &reader);
	if (line < 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	if (line > 0)
		return err_set(err, ERR_BAD_INPUT, "%s, line %d: %s", path, line,
			reader.wrong[0] != '\0' ? reader.wrong : "not of the form \"key = value\"");
	if (conf->database == NULL || conf->key == NULL || conf->apns_url == NULL)
		return err_set(err, ERR_BAD_INPUT,
			"%s: database, key and apns_url must not be empty", path);
	if (conf->relay_socket == NULL)
		conf->relay_socket = arena_printf(arena, "%s-relay", conf->database);
	if (conf->sign_key != NULL && conf->sign_certificate == NULL)
		return err_set(err, ERR_BAD_INPUT, "%s: sign_key without sign_certificate", path);
	if (conf->log_level == NULL || log_level_from_name(conf->log_level) < 0)
		return err_set(
			err, ERR_BAD_INPUT, "%s: level is error, warning, info or debug", path);
	return ERR_OK;
}
