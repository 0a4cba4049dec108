/*
 * Between UserAuthenticate (checkin_user.c) and the table of users (user.c).
 */
#include "mdm/login.h"

#include <string.h>

#include "base/clock.h"
#include "codec/digest.h"
#include "codec/text.h"
#include "codec/x509.h"
#include "mdm/setting.h"
#include "mdm/user.h"

enum { NONCE_BYTES = 24, TOKEN_BYTES = 24 };

static const char *
random_text(struct mdm *mdm, size_t len)
{
	unsigned char bytes[NONCE_BYTES > TOKEN_BYTES ? NONCE_BYTES : TOKEN_BYTES];

	seal_random(bytes, len);
	return text_base64_encode(mdm->arena, bytes, len);
}

static enum err_kind
set_token(struct mdm *mdm, const struct login *login, struct db_value hash, struct err *err)
{
	return db_run(
		mdm->db, SQL_LOGIN_TOKEN, DB_ARGS(DB_INT(login->enrollment_no), hash), NULL, err);
}

enum err_kind
login_open(struct mdm *mdm, const struct login *login, struct err *err)
{
	return set_token(mdm, login, DB_NULL(), err);
}

bool
login_is_valid(const char *hash, const char *auth_token)
{
	char given[X509_HASH_SIZE];

	if (hash == NULL)
		return true;
	if (auth_token == NULL || *hash == '\0')
		return false;
	x509_hash(auth_token, strlen(auth_token), given);
	return seal_same(given, hash);
}

/* ---- wrong passwords ---- */

static const char *
device_subject(struct mdm *mdm, const struct login *login)
{
	return arena_printf(mdm->arena, "device/%lld", (long long)login->device_no);
}

static const char *
name_subject(struct mdm *mdm, const char *name)
{
	return arena_printf(mdm->arena, "name/%s", name);
}

static enum err_kind
is_locked(struct mdm *mdm, const char *subject, int64_t most, bool *locked, struct err *err)
{
	struct db_row row;
	enum err_kind kind = db_first(mdm->db, SQL_LOGIN_FAILURES,
		DB_ARGS(DB_TEXT(subject), DB_INT(clock_now())), &row, err);

	*locked = kind == ERR_OK && db_int(&row, 0) >= most;
	return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

static enum err_kind
count_failure(struct mdm *mdm, const char *subject, struct err *err)
{
	int64_t now = clock_now();

	return db_run(mdm->db, SQL_LOGIN_FAILED,
		DB_ARGS(DB_TEXT(subject), DB_INT(now),
			DB_INT(now + LOGIN_LOCKED_S * (int64_t)1000)),
		NULL, err);
}

/* ---- the challenge ---- */

static enum err_kind
forget_old(struct mdm *mdm, struct err *err)
{
	enum err_kind kind = db_run(
		mdm->db, SQL_LOGIN_FORGET_CHALLENGES, DB_ARGS(DB_INT(clock_now())), NULL, err);

	return kind == ERR_OK ? db_run(mdm->db, SQL_LOGIN_FORGET_FAILURES,
					DB_ARGS(DB_INT(clock_now())), NULL, err)
			      : kind;
}

static enum err_kind
check_device(struct mdm *mdm, const struct login *login, struct err *err)
{
	struct db_row row;
	bool locked = false;
	enum err_kind kind =
		is_locked(mdm, device_subject(mdm, login), LOGIN_DEVICE_MOST, &locked, err);

	if (kind == ERR_OK)
		kind = db_first(mdm->db, SQL_LOGIN_CHALLENGES, DB_ARGS(DB_INT(login->device_no)),
			&row, err);
	if (kind != ERR_OK)
		return kind;
	if (locked)
		return err_set(err, ERR_GONE, "too many wrong passwords from this device");
	if (db_int(&row, 0) >= LOGIN_CHALLENGES_MOST)
		return err_set(err, ERR_GONE, "too many challenges of this device are open");
	return ERR_OK;
}

enum err_kind
login_challenge(struct mdm *mdm, const struct login *login, const char **challenge, struct err *err)
{
	const char *nonce = random_text(mdm, NONCE_BYTES), *realm = NULL;
	int64_t expires = clock_now() + LOGIN_CHALLENGE_S * (int64_t)1000;
	enum err_kind kind = forget_old(mdm, err);

	if (kind == ERR_OK)
		kind = check_device(mdm, login, err);
	if (kind == ERR_OK)
		kind = setting_get(mdm, "user_realm", &realm, err);
	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_LOGIN_CHALLENGE,
			DB_ARGS(DB_TEXT(login->id), DB_INT(login->device_no), DB_TEXT(nonce),
				DB_INT(expires)),
			NULL, err);
	if (kind == ERR_OK)
		kind = set_token(mdm, login, DB_TEXT(""), err);
	*challenge = kind == ERR_OK ? digest_challenge(mdm->arena, realm, nonce) : NULL;
	return kind;
}

/* ---- its answer ---- */

/* An answer on its way. */
struct answer {
	struct mdm *mdm;
	const struct login *login;
	struct digest_response digest;
	const char *refusal;
	struct err *err;
};

/* The challenge it is to; there is none a second time. */
static enum err_kind
take_challenge(struct answer *answer)
{
	const struct login *login = answer->login;
	struct db_row row;
	enum err_kind kind = db_first(answer->mdm->db, SQL_LOGIN_TAKE,
		DB_ARGS(DB_TEXT(login->id), DB_INT(login->device_no)), &row, answer->err);

	if (kind == ERR_NOT_FOUND) {
		answer->refusal = "there is no challenge that is not answered";
		return ERR_OK;
	}
	if (kind != ERR_OK)
		return kind;
	if (db_int(&row, 1) <= clock_now())
		answer->refusal = "the challenge has expired";
	else if (!seal_same(db_text(&row, 0), answer->digest.nonce))
		answer->refusal = "the answer is to another challenge";
	else if (login->short_name != NULL &&
		 strcmp(login->short_name, answer->digest.username) != 0)
		answer->refusal = "the answer is another user's";
	return ERR_OK;
}

static enum err_kind
check_locks(struct answer *answer)
{
	struct mdm *mdm = answer->mdm;
	bool device = false, name = false;
	enum err_kind kind = is_locked(
		mdm, device_subject(mdm, answer->login), LOGIN_DEVICE_MOST, &device, answer->err);

	if (kind == ERR_OK)
		kind = is_locked(mdm, name_subject(mdm, answer->digest.username), LOGIN_NAME_MOST,
			&name, answer->err);
	if (device || name)
		answer->refusal = "too many wrong passwords";
	return kind;
}

/* *KNOWN: is there such a user? */
static enum err_kind
check_password(struct answer *answer, bool *known)
{
	const struct digest_response *digest = &answer->digest;
	const char *realm, *secret;
	enum err_kind kind = user_find(answer->mdm, digest->username, &realm, &secret, answer->err);

	*known = kind == ERR_OK;
	if (kind == ERR_NOT_FOUND) {
		answer->refusal = "there is no such user";
		return ERR_OK;
	}
	if (kind != ERR_OK)
		return kind;
	if (strcmp(realm, digest->realm) != 0)
		answer->refusal = "the password was set for another realm";
	else if (!digest_is_good(answer->mdm->arena, digest, secret))
		answer->refusal = "the password is wrong";
	return ERR_OK;
}

/* A name that nobody has is counted for the device alone, or anybody could fill the store with
 * names. */
static enum err_kind
note_outcome(struct answer *answer, bool known)
{
	struct mdm *mdm = answer->mdm;
	const char *device = device_subject(mdm, answer->login);
	const char *name = name_subject(mdm, answer->digest.username);
	enum err_kind kind;

	if (answer->refusal != NULL) {
		kind = count_failure(mdm, device, answer->err);
		return kind == ERR_OK && known ? count_failure(mdm, name, answer->err) : kind;
	}
	kind = db_run(mdm->db, SQL_LOGIN_SUCCEEDED, DB_ARGS(DB_TEXT(device)), NULL, answer->err);
	return kind == ERR_OK ? db_run(mdm->db, SQL_LOGIN_SUCCEEDED, DB_ARGS(DB_TEXT(name)), NULL,
					answer->err)
			      : kind;
}

static enum err_kind
grant(struct answer *answer, const char **token)
{
	char hash[X509_HASH_SIZE];

	*token = random_text(answer->mdm, TOKEN_BYTES);
	x509_hash(*token, strlen(*token), hash);
	return set_token(answer->mdm, answer->login, DB_TEXT(hash), answer->err);
}

enum err_kind
login_answer(struct mdm *mdm, const struct login *login, const char *response, const char **token,
	const char **name, const char **refusal, struct err *err)
{
	struct answer answer = {.mdm = mdm, .login = login, .err = err};
	bool known = false;
	enum err_kind kind = digest_parse(mdm->arena, response, &answer.digest, err);

	*token = "";
	*name = answer.digest.username;
	if (kind == ERR_OK)
		kind = take_challenge(&answer);
	if (kind == ERR_OK && answer.refusal == NULL)
		kind = check_locks(&answer);
	if (kind == ERR_OK && answer.refusal == NULL) {
		kind = check_password(&answer, &known);
		if (kind == ERR_OK)
			kind = note_outcome(&answer, known);
	}
	*refusal = answer.refusal;
	if (kind == ERR_OK && answer.refusal == NULL)
		kind = grant(&answer, token);
	return kind;
}
