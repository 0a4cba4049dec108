/*
 * pomona scep challenge
 */
#include "cli/commands.h"

#include "base/clock.h"
#include "mdm/challenge.h"

static const struct table_column columns[] = {
	{"challenge", NULL, TABLE_TEXT, 0},
	{"for", NULL, TABLE_TEXT, 0},
	{"uses", NULL, TABLE_INTEGER, 0},
	{"expires", NULL, TABLE_TIME, 0},
};

static enum err_kind
take_terms(struct cli *cli, int64_t now, struct challenge_terms *terms, struct err *err)
{
	int64_t uses, expires;

	cli->usage = true;
	if (words_integer(&cli->words, "uses", 1, CHALLENGE_USES_MOST, 1, &uses, err) != ERR_OK ||
		words_time(&cli->words, "expires", &expires, err) != ERR_OK)
		return err->kind;
	if (expires == 0)
		expires = now + CHALLENGE_LIFETIME_S * (int64_t)1000;
	if (expires <= now)
		return err_set(err, ERR_BAD_INPUT, "--expires is in the past");
	cli->usage = false;
	*terms = (struct challenge_terms){
		.for_id = cli_option(cli, "for"), .uses = (int)uses, .lifetime_ms = expires - now};
	return ERR_OK;
}

enum err_kind
cli_scep_challenge(struct cli *cli, struct err *err)
{
	int64_t now = clock_now();
	struct challenge_terms terms;
	const char *secret;

	if (take_terms(cli, now, &terms, err) != ERR_OK ||
		challenge_create(&cli->mdm, &terms, &secret, err) != ERR_OK)
		return err->kind;
	if (!cli->json)
		fprintf(cli->out, "%s\n", secret);
	else
		table_show(cli->out, true, columns, sizeof(columns) / sizeof(columns[0]),
			(const struct db_value[]){DB_TEXT(secret), DB_TEXT(terms.for_id),
				DB_INT(terms.uses), DB_TIME(now + terms.lifetime_ms)});
	return ERR_OK;
}
