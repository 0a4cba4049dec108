/*
 * pomona init: the files and the store, step by step.  What is there is kept, so that it can be run
 * again after an interruption; the key comes before the store, so that a store without its key is
 * never half of an init but a key that was lost.
 */
#include "cli/commands.h"

#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/file.h"
#include "mdm/ca.h"
#include "mdm/ca_files.h"
#include "mdm/setting.h"

enum { NAME_MOST = 64 };

struct init {
	struct cli *cli;
	struct err *err;
	struct table table;
	const char *dir;       /* of --dir, absolute; NULL: not given */
	struct ca_files files; /* for the web server */
	bool had_store;
	const struct passwd *user; /* of --user; NULL: not given */
};

static const struct table_column columns[] = {
	{"what", "WHAT", TABLE_TEXT, 0},
	{"state", "STATE", TABLE_TEXT, 0},
	{"where", "WHERE", TABLE_TEXT, 0},
};

static void
say(struct init *init, const char *what, bool made, const char *where)
{
	table_add(&init->table, (const struct db_value[]){DB_TEXT(what),
					DB_TEXT(made ? "made" : "kept"), DB_TEXT(where)});
}

/* ---- the configuration file ---- */

/* The directory's name becomes values of an INI file. */
static enum err_kind
check_dir_name(const char *dir, struct err *err)
{
	for (const char *p = dir; *p != '\0'; p++)
		if (iscntrl((unsigned char)*p) || strchr(";#\"", *p) != NULL)
			return err_set(err, ERR_BAD_INPUT,
				"--dir: a name with ; # \" or control characters cannot be used");
	return ERR_OK;
}

static enum err_kind
make_dir(struct init *init, const char *dir)
{
	char path[PATH_MAX];

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return err_set(init->err, ERR_IO, "%s: %s", dir, strerror(errno));
	if (realpath(dir, path) == NULL)
		return err_set(init->err, ERR_IO, "%s: %s", dir, strerror(errno));
	init->dir = arena_strdup(&init->cli->arena, path);
	return check_dir_name(path, init->err);
}

/* --dir: a configuration file with everything beside it. */
static enum err_kind
make_conf(struct init *init, const char **path)
{
	struct arena *arena = &init->cli->arena;
	enum err_kind kind = make_dir(init, cli_option(init->cli, "dir"));
	const char *text;

	if (kind != ERR_OK)
		return kind;
	*path = arena_printf(arena, "%s/pomona.conf", init->dir);
	text = arena_printf(arena,
		"# Made by pomona init; pomona.conf(5) tells all there is.\n\n"
		"[store]\ndatabase = %s/pomona.db\nkey = %s/pomona.key\n",
		init->dir, init->dir);
	kind = file_write(*path, text, strlen(text), 0644, init->err);
	if (kind != ERR_OK && kind != ERR_CONFLICT)
		return kind;
	say(init, "configuration", kind == ERR_OK, *path);
	return ERR_OK;
}

static enum err_kind
step_conf(struct init *init)
{
	struct cli *cli = init->cli;
	const char *path = cli_option(cli, "config");
	enum err_kind kind = ERR_OK;

	if (cli_option(cli, "dir") != NULL)
		kind = make_conf(init, &path);
	if (kind == ERR_OK)
		kind = conf_read(&cli->conf, path, &cli->arena, init->err);
	if (kind == ERR_IO && cli_option(cli, "dir") == NULL)
		return err_set(init->err, kind,
			"%s (make it first, or give --dir DIR to have one made)",
			arena_strdup(&cli->arena, init->err->message));
	init->had_store = kind == ERR_OK && access(cli->conf.database, F_OK) == 0;
	return kind;
}

/* ---- key and store ---- */

static enum err_kind
step_key(struct init *init)
{
	struct cli *cli = init->cli;
	enum err_kind kind = seal_key_read(&cli->key, cli->conf.key, init->err);
	bool made = kind == ERR_NOT_FOUND;

	if (made && init->had_store)
		return err_set(init->err, ERR_CONFLICT,
			"the store %s is there but its master key %s is not: put the key back",
			cli->conf.database, cli->conf.key);
	if (made)
		kind = seal_key_create(&cli->key, cli->conf.key, init->err);
	if (kind == ERR_OK)
		say(init, "master key", made, cli->conf.key);
	return kind;
}

static enum err_kind
step_store(struct init *init)
{
	enum err_kind kind = cli_open_store(init->cli, true, init->err);

	if (kind == ERR_OK)
		say(init, "store", !init->had_store, init->cli->conf.database);
	return kind;
}

/* ---- what is in the store ---- */

/* A CA that is there must open with the key that is there. */
static enum err_kind
keep_ca(struct init *init)
{
	struct x509_issuer *issuer;
	enum err_kind kind = ca_issuer(&init->cli->mdm, &issuer, init->err);

	if (kind == ERR_OK)
		x509_issuer_free(issuer);
	return kind;
}

/* The organization goes into the CA's name when it fits (RFC 5280: 64 characters). */
static enum err_kind
step_ca(struct init *init)
{
	struct cli *cli = init->cli;
	const char *organization = cli_option(cli, "organization");
	const char *key = cli_option(cli, "ca-key"), *name, *pem;
	struct ca_plan plan = {.common_name = cli_option(cli, "ca-name"),
		.organization = organization,
		.key = key != NULL && strcmp(key, "ec") == 0 ? X509_KEY_EC_P256
							     : X509_KEY_RSA_2048};
	struct x509_info info;
	enum err_kind kind;
	bool made;

	if (organization != NULL && strlen(organization) > NAME_MOST)
		plan.organization = NULL;
	kind = ca_certificate(&cli->mdm, &pem, init->err);
	made = kind == ERR_NOT_FOUND;
	if (kind == ERR_OK)
		kind = keep_ca(init);
	else if (made)
		kind = ca_make(&cli->mdm, &plan, &name, init->err);
	if (kind == ERR_OK)
		kind = ca_certificate(&cli->mdm, &pem, init->err);
	if (kind == ERR_OK)
		kind = x509_inspect(&cli->arena, pem, &info, init->err);
	if (kind == ERR_OK)
		say(init, "device CA", made, info.subject);
	return kind;
}

/* A setting that has a value keeps it: init changes nothing that works. */
static enum err_kind
set_once(struct init *init, const char *name, const char *option)
{
	struct cli *cli = init->cli;
	const char *value = cli_option(cli, option), *old;
	enum err_kind kind = setting_get(&cli->mdm, name, &old, init->err);

	if (kind != ERR_OK || (value == NULL && old == NULL))
		return kind;
	if (old == NULL)
		kind = setting_set(&cli->mdm, name, value, init->err);
	else if (value != NULL && strcmp(value, old) != 0)
		cli_complain(cli, "%s stays \"%s\": `pomona setting set` changes it", name, old);
	if (kind == ERR_OK)
		say(init, name, old == NULL, old == NULL ? value : old);
	return kind;
}

static enum err_kind
step_contents(struct init *init)
{
	struct db *db = init->cli->mdm.db;
	enum err_kind kind = db_begin(db, DB_WRITE, init->err);

	if (kind != ERR_OK)
		return kind;
	kind = step_ca(init);
	if (kind == ERR_OK)
		kind = set_once(init, "server_url", "server-url");
	if (kind == ERR_OK)
		kind = set_once(init, "organization", "organization");
	if (kind == ERR_OK)
		return db_commit(db, init->err);
	db_rollback(db);
	return kind;
}

/* ---- for the web server, and for whom ---- */

static enum err_kind
step_ca_files(struct init *init)
{
	struct cli *cli = init->cli;
	struct ca_files_done done;
	enum err_kind kind;

	init->files = ca_files_beside(&cli->arena, cli->conf.key);
	kind = ca_files_refresh(&cli->mdm, &init->files, &done, init->err);
	if (kind == ERR_OK) {
		say(init, "CA certificate", done.pem, init->files.pem);
		say(init, "CRL", done.crl, init->files.crl);
	}
	return kind;
}

/* SQLite, run by root, gives -wal and -shm to whom the database belongs: once is enough. */
static enum err_kind
step_user(struct init *init)
{
	struct cli *cli = init->cli;
	const char *database = cli->conf.database;
	const char *const paths[] = {
		init->dir,
		init->dir == NULL ? NULL : cli->conf.path,
		cli->conf.key,
		init->files.pem,
		init->files.crl,
		database,
		arena_printf(&cli->arena, "%s-wal", database),
		arena_printf(&cli->arena, "%s-shm", database),
	};

	if (init->user == NULL)
		return ERR_OK;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (paths[i] != NULL &&
			lchown(paths[i], init->user->pw_uid, init->user->pw_gid) != 0 &&
			errno != ENOENT)
			return err_set(init->err, ERR_IO, "%s: %s", paths[i], strerror(errno));
	return ERR_OK;
}

/* ---- all of it ---- */

/* What was asked for is looked at before anything is made. */
static enum err_kind
check_options(struct init *init)
{
	struct cli *cli = init->cli;
	const char *url = cli_option(cli, "server-url"), *user = cli_option(cli, "user");
	const char *organization = cli_option(cli, "organization");
	enum err_kind kind = ERR_OK;

	if (cli_option(cli, "dir") != NULL && cli_option(cli, "config") != NULL)
		return cli_wrong_usage(cli, init->err, "--dir or --config, not both");
	if (words_choice(&cli->words, "ca-key", "rsa ec", init->err) != ERR_OK) {
		cli->usage = true;
		return init->err->kind;
	}
	if (url != NULL)
		kind = setting_check("server_url", url, init->err);
	if (kind == ERR_OK && organization != NULL)
		kind = setting_check("organization", organization, init->err);
	if (kind != ERR_OK || user == NULL)
		return kind;
	if (geteuid() != 0)
		return err_set(init->err, ERR_FORBIDDEN, "--user is for root");
	init->user = getpwnam(user);
	return init->user == NULL ? err_set(init->err, ERR_NOT_FOUND, "there is no user %s", user)
				  : ERR_OK;
}

enum err_kind
cli_init(struct cli *cli, struct err *err)
{
	static enum err_kind (*const steps[])(struct init * init) = {
		step_conf, step_key, step_store, step_contents, step_ca_files, step_user};
	struct init init = {.cli = cli, .err = err};
	enum err_kind kind = check_options(&init);

	if (kind != ERR_OK)
		return kind;
	table_init(&init.table, cli->out, cli->json, columns, 3);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && kind == ERR_OK; i++)
		kind = steps[i](&init);
	table_release(&init.table, kind == ERR_OK);
	return kind;
}
