/*
 * pomona identity issue
 */
#include "cli/commands.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/file.h"
#include "cli/identity_find.h"
#include "mdm/ca.h"
#include "mdm/identity.h"

enum { DAYS = 1825, COUNT_MOST = 999999, NAME_MOST = 64, BATCH = 64 };

static const struct table_column columns[] = {
	{"name", "NAME", TABLE_TEXT, 0},
	{"certificate", "CERTIFICATE", TABLE_TEXT, 0},
	{"key", NULL, TABLE_TEXT, 0},
	{"p12", NULL, TABLE_TEXT, 0},
	{"p12_password", NULL, TABLE_TEXT, 0},
	{"not_after", "GOOD UNTIL", TABLE_TIME, 0},
	{"sha256", NULL, TABLE_TEXT, 0},
};

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* The files of one identity. */
enum { CERTIFICATE, KEY, P12, PASSWORD, FILES };
static const char *const suffixes[FILES] = {".pem", ".key", ".p12", ".p12-password"};
static const mode_t modes[FILES] = {0644, 0600, 0600, 0600};

/* What there is to write: file names and bytes. */
struct outcome {
	const char *name;
	struct x509_info info;
	const char *paths[FILES];
	const void *bytes[FILES]; /* NULL: no such file */
	size_t lens[FILES];
};

struct issuing {
	struct cli *cli;
	struct err *err;
	struct x509_issuer *issuer;
	struct x509_client client;
	const char *dir;
	const char *password; /* NULL: each gets one of its own */
	int64_t count;        /* 0: the names as they are */
	const char *replaces; /* SHA-256 of the identity that is renewed; NULL: none */
	struct table table;
	struct arena arena; /* of a batch */
	struct outcome batch[BATCH];
	size_t batched;
};

/* It becomes the name of files. */
static enum err_kind
check_name(const char *name, struct err *err)
{
	if (*name == '\0' || *name == '.' || strlen(name) > NAME_MOST)
		return err_set(err, ERR_BAD_INPUT,
			"a name has 1 to %d characters and does not begin with a dot", NAME_MOST);
	for (const char *p = name; *p != '\0'; p++)
		if (*p == '/' || iscntrl((unsigned char)*p))
			return err_set(err, ERR_BAD_INPUT,
				"the name \"%.64s\" cannot be the name of a file", name);
	return ERR_OK;
}

static void
set_text(struct outcome *outcome, size_t file, const char *text)
{
	outcome->bytes[file] = text;
	outcome->lens[file] = strlen(text);
}

/* What is there already is not touched, and then nothing is made. */
static enum err_kind
check_free(const struct outcome *outcome, struct err *err)
{
	for (size_t i = 0; i < FILES; i++)
		if (access(outcome->paths[i], F_OK) == 0)
			return err_set(
				err, ERR_CONFLICT, "%s: is there already", outcome->paths[i]);
	return ERR_OK;
}

static enum err_kind
write_files(const struct outcome *outcome, struct err *err)
{
	enum err_kind kind = ERR_OK;

	for (size_t i = 0; i < FILES && kind == ERR_OK; i++)
		if (outcome->bytes[i] != NULL)
			kind = file_write(outcome->paths[i], outcome->bytes[i], outcome->lens[i],
				modes[i], err);
	return kind;
}

static enum err_kind
make(struct issuing *issuing, struct outcome *outcome)
{
	struct arena *arena = &issuing->arena;
	const char *password = issuing->password;
	struct x509_identity identity;
	char uuid[CLOCK_UUID_SIZE];
	unsigned char *p12;
	enum err_kind kind;

	kind = x509_issue_client(arena, issuing->issuer, &issuing->client, &identity, issuing->err);
	if (kind != ERR_OK)
		return kind;
	set_text(outcome, CERTIFICATE, identity.cert_pem);
	set_text(outcome, KEY, identity.key_pem);
	if (password == NULL) {
		password = arena_strdup(arena, clock_uuid(uuid));
		set_text(outcome, PASSWORD, arena_printf(arena, "%s\n", password));
	}
	kind = x509_write_p12(arena, &identity, issuing->client.common_name, password, &p12,
		&outcome->lens[P12], issuing->err);
	outcome->bytes[P12] = p12;
	if (kind == ERR_OK)
		kind = x509_inspect(arena, identity.cert_pem, &outcome->info, issuing->err);
	return kind;
}

static void
show(struct issuing *issuing, const struct outcome *outcome)
{
	table_add(&issuing->table,
		(const struct db_value[]){DB_TEXT(outcome->name),
			DB_TEXT(outcome->paths[CERTIFICATE]), DB_TEXT(outcome->paths[KEY]),
			DB_TEXT(outcome->paths[P12]),
			DB_TEXT(outcome->bytes[PASSWORD] == NULL ? NULL : outcome->paths[PASSWORD]),
			DB_INT(outcome->info.not_after), DB_TEXT(outcome->info.sha256)});
}

static enum err_kind
record_batch(struct issuing *issuing)
{
	struct mdm *mdm = &issuing->cli->mdm;
	const struct identity_origin origin = {.authority = x509_issuer_hash(issuing->issuer),
		.origin = "cli",
		.replaces = issuing->replaces};
	enum err_kind kind = db_begin(mdm->db, DB_WRITE, issuing->err);

	if (kind != ERR_OK)
		return kind;
	for (size_t i = 0; i < issuing->batched && kind == ERR_OK; i++)
		kind = identity_add(mdm, &issuing->batch[i].info, &origin, issuing->err);
	if (kind == ERR_OK)
		return db_commit(mdm->db, issuing->err);
	db_rollback(mdm->db);
	return kind;
}

/* On record first, and in files then: no identity is in the world that nobody knows of. */
static enum err_kind
end_batch(struct issuing *issuing)
{
	enum err_kind kind = issuing->batched == 0 ? ERR_OK : record_batch(issuing);

	for (size_t i = 0; i < issuing->batched && kind == ERR_OK; i++) {
		kind = write_files(&issuing->batch[i], issuing->err);
		if (kind == ERR_OK)
			show(issuing, &issuing->batch[i]);
	}
	issuing->batched = 0;
	arena_reset(&issuing->arena);
	return kind;
}

static enum err_kind
issue(struct issuing *issuing, const char *name)
{
	struct outcome *outcome = &issuing->batch[issuing->batched];
	enum err_kind kind = check_name(name, issuing->err);

	*outcome = (struct outcome){.name = name};
	for (size_t i = 0; i < FILES; i++)
		outcome->paths[i] =
			arena_printf(&issuing->arena, "%s/%s%s", issuing->dir, name, suffixes[i]);
	issuing->client.common_name = name;
	if (kind == ERR_OK)
		kind = check_free(outcome, issuing->err);
	if (kind == ERR_OK)
		kind = make(issuing, outcome);
	if (kind == ERR_OK && ++issuing->batched == BATCH)
		kind = end_batch(issuing);
	return kind;
}

static enum err_kind
issue_all(struct issuing *issuing)
{
	const struct words *words = &issuing->cli->words;
	int64_t count = issuing->count == 0 ? 1 : issuing->count;
	enum err_kind kind = ERR_OK, last;
	struct err err = {0};

	for (size_t w = 0; w < words->count; w++)
		for (int64_t n = 1; n <= count && kind == ERR_OK; n++) {
			const char *name = words->words[w];

			if (issuing->count != 0)
				name = arena_printf(
					&issuing->cli->arena, "%s-%06lld", name, (long long)n);
			kind = issue(issuing, name);
		}
	/* What was made before one failed is good. */
	if (kind == ERR_OK)
		return end_batch(issuing);
	err = *issuing->err;
	last = end_batch(issuing);
	if (last == ERR_OK)
		*issuing->err = err;
	return last == ERR_OK ? kind : last;
}

/* ---- what is asked for ---- */

static enum err_kind
take_key_type(struct issuing *issuing)
{
	const char *key = cli_option(issuing->cli, "key");

	issuing->client.key = X509_KEY_RSA_2048;
	if (key == NULL || strcmp(key, "rsa") == 0)
		return ERR_OK;
	if (strcmp(key, "ec") != 0)
		return cli_wrong_usage(issuing->cli, issuing->err, "--key is rsa or ec");
	issuing->client.key = X509_KEY_EC_P256;
	return ERR_OK;
}

static enum err_kind
take_options(struct issuing *issuing)
{
	struct cli *cli = issuing->cli;
	const char *path = cli_option(cli, "p12-password-file");
	int64_t days = DAYS;
	enum err_kind kind = take_key_type(issuing);

	issuing->dir = cli_option(cli, "out");
	if (cli_option(cli, "renew") != NULL &&
		(cli->words.count > 1 || cli_option(cli, "count") != NULL))
		return cli_wrong_usage(cli, issuing->err, "--renew issues one identity");
	if (issuing->dir == NULL)
		return cli_wrong_usage(cli, issuing->err, "where to? Give --out DIR");
	if (kind == ERR_OK)
		kind = words_integer(
			&cli->words, "days", 1, X509_DAYS_MOST, DAYS, &days, issuing->err);
	if (kind == ERR_OK)
		kind = words_integer(
			&cli->words, "count", 1, COUNT_MOST, 0, &issuing->count, issuing->err);
	cli->usage = kind != ERR_OK;
	issuing->client.days = (int)days;
	if (kind == ERR_OK && path != NULL)
		kind = file_read_password(&cli->arena, path, &issuing->password, issuing->err);
	if (kind == ERR_OK && issuing->password != NULL && *issuing->password == '\0')
		return err_set(issuing->err, ERR_BAD_INPUT, "%s: the password is empty", path);
	return kind;
}

static enum err_kind
load_issuer(struct issuing *issuing)
{
	const char *renew = cli_option(issuing->cli, "renew");
	struct mdm *mdm = &issuing->cli->mdm;
	enum err_kind kind = db_begin(mdm->db, DB_READ, issuing->err);

	if (kind != ERR_OK)
		return kind;
	kind = renew == NULL
		       ? ERR_OK
		       : identity_which(issuing->cli, renew, &issuing->replaces, issuing->err);
	if (kind == ERR_OK)
		kind = ca_issuer(mdm, &issuing->issuer, issuing->err);
	db_rollback(mdm->db);
	return kind;
}

enum err_kind
cli_identity_issue(struct cli *cli, struct err *err)
{
	struct issuing issuing = {.cli = cli, .err = err};
	enum err_kind kind = take_options(&issuing);

	if (kind == ERR_OK)
		kind = load_issuer(&issuing);
	if (kind != ERR_OK)
		return kind;
	arena_init(&issuing.arena);
	table_init(&issuing.table, cli->out, cli->json, columns, COLUMNS);
	if (mkdir(issuing.dir, 0700) != 0 && errno != EEXIST)
		kind = err_set(err, ERR_IO, "%s: %s", issuing.dir, strerror(errno));
	else
		kind = issue_all(&issuing);
	table_release(&issuing.table, kind == ERR_OK);
	arena_release(&issuing.arena);
	x509_issuer_free(issuing.issuer);
	return kind;
}
