#include "cli/identity_find.h"

struct candidates {
	const char *sha256;
	int64_t rank;
	int count; /* of that rank */
};

static enum err_kind
take(const struct db_row *row, void *context, struct err *err)
{
	struct candidates *candidates = context;

	(void)err;
	if (candidates->count > 0 && db_int(row, 1) != candidates->rank)
		return ERR_NOT_FOUND; /* what is less sure does not count */
	candidates->sha256 = db_text(row, 0);
	candidates->rank = db_int(row, 1);
	candidates->count++;
	return ERR_OK;
}

enum err_kind
identity_which(struct cli *cli, const char *word, const char **sha256, struct err *err)
{
	struct candidates candidates = {0};
	enum err_kind kind = db_each(cli->mdm.db, SQL_CLI_IDENTITY_WHICH, DB_ARGS(DB_TEXT(word)),
		take, &candidates, err);

	*sha256 = candidates.sha256;
	if (kind == ERR_OK && candidates.count == 0)
		return err_set(err, ERR_NOT_FOUND,
			"\"%.100s\" is neither the serial number, SHA-256 or name of an identity, "
			"nor "
			"a device that has one",
			word);
	if (kind == ERR_OK && candidates.count > 1)
		return err_set(err, ERR_CONFLICT,
			"several identities are named \"%.100s\": give the serial number (`pomona "
			"identity search`)",
			word);
	return kind;
}
