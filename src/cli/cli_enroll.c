/*
 * pomona enroll link|links|revoke
 */
#include "cli/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "codec/qr.h"
#include "mdm/enroll_link.h"
#include "mdm/setting.h"

enum { CODE_MOST = 64 * 1024 };

static const struct table_column made_columns[] = {
	{"url", NULL, TABLE_TEXT, 0},
	{"number", NULL, TABLE_INTEGER, 0},
	{"for", NULL, TABLE_TEXT, 0},
	{"uses", NULL, TABLE_INTEGER, 0},
	{"expires", NULL, TABLE_TIME, 0},
};

static const struct table_column columns[] = {
	{"number", "NUMBER", TABLE_INTEGER, 0},
	{"state", "STATE", TABLE_TEXT, 0},
	{"for", "FOR", TABLE_TEXT, 0},
	{"uses", "USES", TABLE_INTEGER, 0},
	{"used", "USED", TABLE_INTEGER, 0},
	{"created_at", "MADE", TABLE_TIME, 0},
	{"expires", "EXPIRES", TABLE_TIME, 0},
	{"used_at", "LAST USED", TABLE_TIME, 0},
};

/* ---- link ---- */

static enum err_kind
take_terms(struct cli *cli, int64_t now, struct enroll_link_terms *terms, struct err *err)
{
	int64_t uses, expires;

	cli->usage = true;
	if (words_integer(&cli->words, "uses", 1, ENROLL_LINK_USES_MOST, 1, &uses, err) != ERR_OK ||
		words_time(&cli->words, "expires", &expires, err) != ERR_OK)
		return err->kind;
	if (expires == 0)
		expires = now + ENROLL_LINK_LIFETIME_S * (int64_t)1000;
	if (expires <= now)
		return err_set(err, ERR_BAD_INPUT, "--expires is in the past");
	cli->usage = false;
	*terms = (struct enroll_link_terms){
		.for_id = cli_option(cli, "for"), .uses = (int)uses, .lifetime_ms = expires - now};
	return ERR_OK;
}

static void
show_code(struct cli *cli, const char *url)
{
	struct buf code;

	buf_init(&code, &cli->arena, CODE_MOST);
	if (qr_write_text(&code, url) && !code.full)
		fputs(code.bytes, cli->out);
}

enum err_kind
cli_enroll_link(struct cli *cli, struct err *err)
{
	int64_t now = clock_now(), no;
	struct enroll_link_terms terms;
	const char *server_url, *secret, *url;

	if (take_terms(cli, now, &terms, err) != ERR_OK ||
		setting_get(&cli->mdm, "server_url", &server_url, err) != ERR_OK)
		return err->kind;
	if (server_url == NULL)
		return err_set(err, ERR_CONFLICT, "setting server_url is not set");
	if (enroll_link_create(&cli->mdm, &terms, &secret, &no, err) != ERR_OK)
		return err->kind;
	url = arena_printf(&cli->arena, "%s/enroll/%s", server_url, secret);
	if (cli->json)
		table_show(cli->out, true, made_columns,
			sizeof(made_columns) / sizeof(made_columns[0]),
			(const struct db_value[]){DB_TEXT(url), DB_INT(no), DB_TEXT(terms.for_id),
				DB_INT(terms.uses), DB_INT(now + terms.lifetime_ms)});
	else
		fprintf(cli->out, "%s\n", url);
	if (cli_option(cli, "qr") != NULL && !cli->json)
		show_code(cli, url);
	return ERR_OK;
}

/* ---- links, revoke ---- */

enum err_kind
cli_enroll_links(struct cli *cli, struct err *err)
{
	const struct db_value args[] = {DB_INT(0), DB_INT(clock_now())};
	struct cli_list list = {
		.statement = SQL_ENROLL_LINK_LIST, .args = args, .count = 2, .keys = 1};

	if (cli_limit(cli, &list.limit, err) != ERR_OK)
		return err->kind;
	return cli_list_table(cli, &list, columns, sizeof(columns) / sizeof(columns[0]), err);
}

enum err_kind
cli_enroll_revoke(struct cli *cli, struct err *err)
{
	for (size_t i = 0; i < cli->words.count; i++) {
		const char *word = cli->words.words[i];
		char *end;
		long long no;

		errno = 0;
		no = strtoll(word, &end, 10);
		if (errno != 0 || end == word || *end != '\0')
			return cli_wrong_usage(cli, err, "\"%.60s\" is no number of a link", word);
		if (enroll_link_revoke(&cli->mdm, no, err) != ERR_OK)
			return err->kind;
		if (!cli->json)
			fprintf(cli->out, "link %lld revoked\n", no);
	}
	return ERR_OK;
}
