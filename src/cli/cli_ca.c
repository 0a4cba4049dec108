/*
 * pomona ca list|show|import|roll-over|crl|retire|files
 */
#include "cli/commands.h"

#include <string.h>

#include "cli/ca_files.h"
#include "cli/file.h"
#include "mdm/ca.h"

enum { FILE_MOST = 1024 * 1024 };

/* ---- what there is ---- */

static const struct table_column list_columns[] = {
	{"name", "NAME", TABLE_TEXT, 0},
	{"role", "ROLE", TABLE_TEXT, 0},
	{"subject", "SUBJECT", TABLE_TEXT, 40},
	{"not_before", NULL, TABLE_TIME, 0},
	{"not_after", "GOOD UNTIL", TABLE_TIME, 0},
	{"activate_at", "ISSUES FROM", TABLE_TIME, 0},
	{"belongs_to", NULL, TABLE_TEXT, 0},
	{"created_at", NULL, TABLE_TIME, 0},
	{"serial", NULL, TABLE_TEXT, 0},
	{"sha256", NULL, TABLE_TEXT, 0},
};

static enum err_kind
list_one(const struct ca_authority *authority, void *context, struct err *err)
{
	const struct x509_info *info = &authority->info;

	(void)err;
	table_add(context,
		(const struct db_value[]){DB_TEXT(authority->name), DB_TEXT(authority->role),
			DB_TEXT(info->subject), DB_INT(info->not_before), DB_INT(info->not_after),
			DB_TIME(authority->activate_at), DB_TEXT(authority->belongs_to),
			DB_INT(authority->created_at), DB_TEXT(info->serial),
			DB_TEXT(info->sha256)});
	return ERR_OK;
}

enum err_kind
cli_ca_list(struct cli *cli, struct err *err)
{
	struct table table;
	enum err_kind kind;

	table_init(&table, cli->out, cli->json, list_columns,
		sizeof(list_columns) / sizeof(list_columns[0]));
	kind = ca_each(&cli->mdm, list_one, &table, err);
	table_release(&table, kind == ERR_OK);
	return kind;
}

static const struct table_column show_columns[] = {
	{"certificate", NULL, TABLE_TEXT, 0},
	{"subject", NULL, TABLE_TEXT, 0},
	{"serial", NULL, TABLE_TEXT, 0},
	{"not_before", NULL, TABLE_TIME, 0},
	{"not_after", NULL, TABLE_TIME, 0},
	{"sha256", NULL, TABLE_TEXT, 0},
	{"name", NULL, TABLE_TEXT, 0},
	{"role", NULL, TABLE_TEXT, 0},
	{"chain", NULL, TABLE_TEXT, 0},
};

struct search {
	const char *name; /* NULL: the one that issues */
	struct ca_authority found;
};

static enum err_kind
take_one(const struct ca_authority *authority, void *context, struct err *err)
{
	struct search *search = context;

	(void)err;
	if (search->name == NULL ? strcmp(authority->role, "issuing") != 0
				 : strcmp(authority->name, search->name) != 0)
		return ERR_OK;
	search->found = *authority;
	return ERR_NOT_FOUND; /* that is enough */
}

enum err_kind
cli_ca_show(struct cli *cli, struct err *err)
{
	struct search search = {.name = cli->words.count > 0 ? cli->words.words[0] : NULL};
	const struct ca_authority *found = &search.found;
	const struct x509_info *info = &found->info;
	enum err_kind kind = ca_each(&cli->mdm, take_one, &search, err);

	if (kind != ERR_OK)
		return kind;
	if (found->name == NULL && search.name == NULL)
		return err_set(err, ERR_NOT_FOUND, "there is no device CA yet: run pomona init");
	if (found->name == NULL)
		return err_set(err, ERR_NOT_FOUND, "there is no device CA \"%.60s\"", search.name);
	if (!cli->json) {
		fputs(found->certificate, cli->out);
		fputs(found->chain == NULL ? "" : found->chain, cli->out);
		return ERR_OK;
	}
	table_show(cli->out, true, show_columns, sizeof(show_columns) / sizeof(show_columns[0]),
		(const struct db_value[]){DB_TEXT(found->certificate), DB_TEXT(info->subject),
			DB_TEXT(info->serial), DB_INT(info->not_before), DB_INT(info->not_after),
			DB_TEXT(info->sha256), DB_TEXT(found->name), DB_TEXT(found->role),
			DB_TEXT(found->chain)});
	return ERR_OK;
}

/* ---- changes ---- */

/* A change, and what of it is told when it is on the disk. */
struct change {
	struct cli *cli;
	const char *name; /* of the CA */
	const char *password;
	char *bytes;
	size_t len;
	char *crl; /* NULL: none was given */
	size_t crl_len;
	int64_t at;        /* of --at; 0: none */
	bool activated;    /* it issues now */
	bool crls_missing; /* of those above it */
};

typedef enum err_kind (*change_fn)(struct change *change, struct err *err);

/* Runs CHANGE in a write transaction, and brings the web server's files to what the store says. */
static enum err_kind
run_change(struct change *change, change_fn run, struct err *err)
{
	struct db *db = change->cli->mdm.db;
	enum err_kind kind = db_begin(db, DB_WRITE, err);

	if (kind != ERR_OK)
		return kind;
	kind = run(change, err);
	if (kind != ERR_OK) {
		db_rollback(db);
		return kind;
	}
	kind = db_commit(db, err);
	if (kind == ERR_OK)
		cli_refresh_ca_files(change->cli);
	return kind;
}

static enum err_kind
take_when(struct change *change, struct err *err)
{
	struct cli *cli = change->cli;

	if (cli_option(cli, "activate") != NULL && cli_option(cli, "at") != NULL)
		return cli_wrong_usage(cli, err, "--activate or --at, not both");
	if (words_time(&cli->words, "at", &change->at, err) != ERR_OK) {
		cli->usage = true;
		return err->kind;
	}
	return ERR_OK;
}

static enum err_kind
activate(struct change *change, struct err *err)
{
	struct mdm *mdm = &change->cli->mdm;

	if (change->at != 0)
		return ca_activate_at(mdm, change->at, &change->name, err);
	if (cli_option(change->cli, "activate") == NULL)
		return ERR_OK;
	change->activated = true;
	return ca_activate(mdm, &change->name, err);
}

/* The row of the CA that was changed, as `ca list` shows it. */
static enum err_kind
show_change(struct change *change, struct err *err)
{
	struct cli *cli = change->cli;
	struct search search = {.name = change->name};
	struct table table;
	enum err_kind kind = db_begin(cli->mdm.db, DB_READ, err);

	if (kind != ERR_OK)
		return kind;
	kind = ca_each(&cli->mdm, take_one, &search, err);
	db_rollback(cli->mdm.db);
	if (kind != ERR_OK || search.found.name == NULL)
		return kind;
	table_init(&table, cli->out, cli->json, list_columns,
		sizeof(list_columns) / sizeof(list_columns[0]));
	list_one(&search.found, &table, err);
	table_release(&table, true);
	return ERR_OK;
}

/* ---- import ---- */

static enum err_kind
set_crl(struct change *change, struct err *err)
{
	bool every = false;
	enum err_kind kind = ca_set_chain_crl(
		&change->cli->mdm, change->name, change->crl, change->crl_len, &every, err);

	change->crls_missing = !every;
	return kind;
}

static enum err_kind
import(struct change *change, struct err *err)
{
	struct search search;
	struct mdm *mdm = &change->cli->mdm;
	enum err_kind kind =
		ca_import(mdm, change->bytes, change->len, change->password, &change->name, err);

	if (kind == ERR_OK && change->crl != NULL)
		kind = set_crl(change, err);
	else if (kind == ERR_OK) {
		search = (struct search){.name = change->name};
		kind = ca_each(mdm, take_one, &search, err);
		change->crls_missing = search.found.chain != NULL;
	}
	return kind == ERR_OK ? activate(change, err) : kind;
}

static enum err_kind
read_crl(struct change *change, const char *path, struct err *err)
{
	return path == NULL ? ERR_OK
			    : file_read(&change->cli->arena, path, FILE_MOST, &change->crl,
				      &change->crl_len, err);
}

static void
tell_of_crls(const struct change *change)
{
	if (change->crls_missing)
		cli_complain(change->cli,
			"device-ca.crl lacks the CRL of a CA above %s: a web server that looks at "
			"CRLs "
			"would refuse every device; `pomona ca crl` takes it",
			change->name);
}

enum err_kind
cli_ca_import(struct cli *cli, struct err *err)
{
	struct change change = {.cli = cli};
	const char *path = cli->words.words[0];
	const char *password = cli_option(cli, "password-file");
	enum err_kind kind = take_when(&change, err);

	if (kind == ERR_OK && password != NULL)
		kind = file_read_password(&cli->arena, password, &change.password, err);
	if (kind == ERR_OK)
		kind = file_read(&cli->arena, path, FILE_MOST, &change.bytes, &change.len, err);
	if (kind == ERR_OK)
		kind = read_crl(&change, cli_option(cli, "crl"), err);
	if (kind == ERR_OK)
		kind = run_change(&change, import, err);
	if (kind != ERR_OK)
		return kind;
	tell_of_crls(&change);
	return show_change(&change, err);
}

enum err_kind
cli_ca_crl(struct cli *cli, struct err *err)
{
	struct change change = {.cli = cli, .name = cli->words.words[0]};
	enum err_kind kind = read_crl(&change, cli->words.words[1], err);

	if (kind == ERR_OK)
		kind = run_change(&change, set_crl, err);
	if (kind == ERR_OK)
		tell_of_crls(&change);
	return kind;
}

/* ---- roll-over ---- */

static enum err_kind
make_next(struct change *change, struct err *err)
{
	struct cli *cli = change->cli;
	const char *key = cli_option(cli, "key");
	const struct ca_plan plan = {.common_name = cli_option(cli, "ca-name"),
		.organization = cli_option(cli, "organization"),
		.key = key != NULL && strcmp(key, "ec") == 0 ? X509_KEY_EC_P256
							     : X509_KEY_RSA_2048};

	return ca_make(&cli->mdm, &plan, &change->name, err);
}

/* With a next one there, that is the one to activate. */
static enum err_kind
roll_over(struct change *change, struct err *err)
{
	struct cli *cli = change->cli;
	bool when = change->at != 0 || cli_option(cli, "activate") != NULL;
	const char *pem;
	enum err_kind kind = ca_next_certificate(&cli->mdm, &pem, err);

	if (kind == ERR_NOT_FOUND) {
		err_clear(err);
		kind = make_next(change, err);
	} else if (kind == ERR_OK && !when)
		return err_set(err, ERR_CONFLICT,
			"there is a next device CA already: --activate lets it issue");
	else if (kind == ERR_OK &&
		 (cli_option(cli, "key") != NULL || cli_option(cli, "ca-name") != NULL ||
			 cli_option(cli, "organization") != NULL))
		return err_set(err, ERR_CONFLICT,
			"there is a next device CA already: it stays as it was made");
	return kind == ERR_OK ? activate(change, err) : kind;
}

enum err_kind
cli_ca_roll_over(struct cli *cli, struct err *err)
{
	struct change change = {.cli = cli};
	enum err_kind kind = take_when(&change, err);

	if (kind == ERR_OK && words_choice(&cli->words, "key", "rsa ec", err) != ERR_OK) {
		cli->usage = true;
		return err->kind;
	}
	if (kind == ERR_OK)
		kind = run_change(&change, roll_over, err);
	return kind == ERR_OK ? show_change(&change, err) : kind;
}

static enum err_kind
retire(struct change *change, struct err *err)
{
	return ca_retire(
		&change->cli->mdm, change->name, cli_option(change->cli, "force") != NULL, err);
}

enum err_kind
cli_ca_retire(struct cli *cli, struct err *err)
{
	struct change change = {.cli = cli, .name = cli->words.words[0]};
	enum err_kind kind = run_change(&change, retire, err);

	return kind == ERR_OK ? show_change(&change, err) : kind;
}

/* ---- the web server's files ---- */

enum err_kind
cli_ca_files(struct cli *cli, struct err *err)
{
	static const struct table_column columns[] = {
		{"file", "FILE", TABLE_TEXT, 0}, {"state", "STATE", TABLE_TEXT, 0}};
	struct ca_files files = ca_files_beside(&cli->arena, cli->conf.key);
	struct ca_files_done done;
	struct table table;
	enum err_kind kind = ca_files_refresh(&cli->mdm, &files, &done, err);

	if (kind != ERR_OK)
		return kind;
	table_init(&table, cli->out, cli->json, columns, 2);
	table_add(&table, (const struct db_value[]){
				  DB_TEXT(files.pem), DB_TEXT(done.pem ? "written" : "current")});
	table_add(&table, (const struct db_value[]){
				  DB_TEXT(files.crl), DB_TEXT(done.crl ? "written" : "current")});
	table_release(&table, true);
	return ERR_OK;
}
