/*
 * The four operations of SCEP, between web/endpoint_scep and the CA (mdm/ca).
 *
 * The work with private keys, most of what a request costs, is done outside of any transaction:
 * what the store says is read before, and read again in the write transaction that records the
 * identity.
 */
#include "mdm/scep.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mdm/ca.h"
#include "mdm/challenge.h"
#include "mdm/scep_desk.h"
#include "mdm/setting.h"

enum {
	CLOCKS_APART_MS = 24 * 60 * 60 * 1000,   /* of a device and us; also for how long a message
						    that   was overheard can be sent again */
	REMEMBERED_MS = 7 * 24 * 60 * 60 * 1000, /* what was issued, for those who ask again */
};

/* One request on its way. */
struct asking {
	struct mdm *mdm;
	struct scep_authority *authority;
	struct scep_answer *answer;
	struct scep_request request;
	bool legacy;
	int days;

	/* what is decided */
	char memory[X509_HASH_SIZE]; /* under which it is remembered, see table scep_issued */
	bool by_challenge;           /* which is to be taken */
	struct ca_request order;
	struct ca_issued issued;

	struct scep_bytes certificate; /* what is answered */
	const char *next;              /* PEM of the next CA */
};

/* ---- saying no ---- */

static enum err_kind
refuse(struct asking *asking, enum scep_fail fail, struct err *err, const char *why)
{
	asking->request.fail = fail;
	return err_set(err, ERR_FORBIDDEN, "%s", why);
}

/* ---- what the store says ---- */

static enum err_kind
read_settings(struct asking *asking, struct err *err)
{
	struct mdm *mdm = asking->mdm;
	const char *legacy, *days;

	if (setting_get(mdm, "scep_legacy", &legacy, err) != ERR_OK ||
		setting_get(mdm, "scep_days", &days, err) != ERR_OK)
		return err->kind;
	asking->legacy = strcmp(legacy, "on") == 0;
	asking->days = (int)strtol(days, NULL, 10);
	return scep_desk_take(mdm, &asking->authority, err);
}

/* Runs READ in a read transaction. */
static enum err_kind
look(struct asking *asking, enum err_kind (*read)(struct asking *asking, struct err *err),
	struct err *err)
{
	enum err_kind kind = db_begin(asking->mdm->db, DB_READ, err);

	if (kind != ERR_OK)
		return kind;
	kind = read(asking, err);
	db_rollback(asking->mdm->db);
	return kind;
}

/* The certificate that this client has got for this request already; ERR_NOT_FOUND: none. */
static enum err_kind
find_issued(struct asking *asking, struct err *err)
{
	const struct scep_request *request = &asking->request;
	struct db_row row;
	enum err_kind kind = db_first(
		asking->mdm->db, SQL_SCEP_ISSUED_FIND, DB_ARGS(DB_TEXT(asking->memory)), &row, err);

	if (kind != ERR_OK)
		return kind;
	/* A poll knows no CSR. */
	if (request->type != SCEP_CERT_POLL && strcmp(db_text(&row, 0), request->csr_sha256) != 0)
		return ERR_NOT_FOUND;
	asking->certificate.bytes = db_blob(&row, 1, &asking->certificate.len);
	asking->answer->remark = "asked again";
	return ERR_OK;
}

static bool
is_believed(const struct scep_authority *authority, const char *hash)
{
	for (size_t i = 0; authority->believed[i][0] != '\0'; i++)
		if (strcmp(authority->believed[i], hash) == 0)
			return true;
	return false;
}

/* May the identity of ROW (SQL_SCEP_IDENTITY) be renewed?  Why not, otherwise; NULL: it may. */
static const char *
not_renewable(const struct asking *asking, const struct db_row *row, enum scep_fail *fail)
{
	int64_t now = clock_now();

	*fail = SCEP_BAD_CERT_ID;
	if (!db_is_null(row, 3))
		return "the identity that has signed is revoked";
	if (db_int(row, 7) != 0)
		return "the identity that has signed was followed by a newer one";
	if (!is_believed(asking->authority, db_text(row, 4)))
		return "the identity that has signed is from a CA that is not believed any more";
	*fail = SCEP_BAD_TIME;
	if (db_int(row, 1) > now || db_int(row, 2) <= now)
		return "the identity that has signed is not valid at this time";
	*fail = SCEP_BAD_REQUEST;
	return db_int(row, 6) != 0 ? "the device is blocked" : NULL;
}

/* The signer is a device's identity, but is not in our books: it is from before them. */
static enum err_kind
judge_pinned(struct asking *asking, struct err *err)
{
	struct mdm *mdm = asking->mdm;
	struct scep_request *request = &asking->request;
	struct x509_info info;
	struct db_row row;
	enum err_kind kind = db_first(
		mdm->db, SQL_SCEP_PINNED, DB_ARGS(DB_TEXT(request->signer_sha256)), &row, err);

	if (kind != ERR_OK)
		return kind;
	if (x509_inspect_der(mdm->arena, request->signer.bytes, request->signer.len, &info, err) !=
		ERR_OK)
		return refuse(asking, SCEP_BAD_CERT_ID, err, "the identity cannot be read");
	if (info.not_before > clock_now() || info.not_after <= clock_now())
		return refuse(asking, SCEP_BAD_TIME, err,
			"the identity that has signed is not valid at this time");
	if (db_int(&row, 2) != 0)
		return refuse(asking, SCEP_BAD_REQUEST, err, "the device is blocked");
	asking->order.common_name = db_text(&row, 0);
	asking->order.enrollment_no = db_int(&row, 1);
	asking->order.replaces = request->signer_sha256;
	return ERR_OK;
}

/* ERR_NOT_FOUND: the signer is no identity of ours. */
static enum err_kind
judge_renewal(struct asking *asking, struct err *err)
{
	struct scep_request *request = &asking->request;
	enum scep_fail fail;
	const char *why;
	struct db_row row;
	enum err_kind kind = db_first(asking->mdm->db, SQL_SCEP_IDENTITY,
		DB_ARGS(DB_TEXT(request->signer_sha256)), &row, err);

	if (kind == ERR_NOT_FOUND)
		return judge_pinned(asking, err);
	if (kind != ERR_OK)
		return kind;
	why = not_renewable(asking, &row, &fail);
	if (why != NULL)
		return refuse(asking, fail, err, why);
	asking->order.common_name = db_text(&row, 0);
	asking->order.enrollment_no = db_int(&row, 5);
	asking->order.replaces = request->signer_sha256;
	return ERR_OK;
}

/* In whose name?  The enrollment need not be there yet. */
static enum err_kind
name_it(struct asking *asking, const char *for_id, struct err *err)
{
	struct mdm *mdm = asking->mdm;
	char uuid[CLOCK_UUID_SIZE];
	struct db_row row;
	enum err_kind kind;

	if (for_id == NULL) {
		asking->order.common_name = arena_strdup(mdm->arena, clock_uuid(uuid));
		return ERR_OK;
	}
	asking->order.common_name = asking->order.for_id = for_id;
	kind = db_first(mdm->db, SQL_SCEP_ENROLLMENT, DB_ARGS(DB_TEXT(for_id)), &row, err);
	if (kind == ERR_NOT_FOUND)
		return ERR_OK;
	if (kind == ERR_OK && db_int(&row, 1) != 0)
		return refuse(asking, SCEP_BAD_REQUEST, err, "the device is blocked");
	if (kind == ERR_OK)
		asking->order.enrollment_no = db_int(&row, 0);
	return kind;
}

static enum err_kind
judge_challenge(struct asking *asking, struct err *err)
{
	struct challenge_grant grant;
	enum err_kind kind = challenge_check(asking->mdm, asking->request.challenge, &grant, err);

	if (kind == ERR_FORBIDDEN)
		asking->request.fail = SCEP_BAD_REQUEST;
	asking->by_challenge = true;
	return kind == ERR_OK ? name_it(asking, grant.for_id, err) : kind;
}

/*
 * A renewal needs no challenge, whatever the type of the message says: some clients renew with
 * PKCSReq.  A challenge helps who has an identity that is good for nothing any more.
 */
static enum err_kind
judge(struct asking *asking, struct err *err)
{
	const char *challenge = asking->request.challenge;
	enum err_kind kind = find_issued(asking, err);

	if (kind != ERR_NOT_FOUND)
		return kind;
	kind = judge_renewal(asking, err);
	if (kind != ERR_NOT_FOUND && (kind != ERR_FORBIDDEN || challenge == NULL))
		return kind;
	err_clear(err);
	if (challenge != NULL && *challenge != '\0')
		return judge_challenge(asking, err);
	return asking->request.type == SCEP_RENEWAL_REQ
		       ? refuse(asking, SCEP_BAD_CERT_ID, err,
				 "the message is signed by no identity of ours")
		       : refuse(asking, SCEP_BAD_REQUEST, err,
				 "there is no challenge in the request");
}

/* ---- the identity ---- */

/* In the write transaction. */
static enum err_kind
record(void *context, struct err *err)
{
	struct asking *asking = context;
	struct mdm *mdm = asking->mdm;
	struct challenge_grant grant;
	enum err_kind kind = find_issued(asking, err);

	if (kind != ERR_NOT_FOUND)
		return kind; /* it was asked twice at the same time */
	kind = asking->by_challenge ? challenge_take(mdm, asking->request.challenge, &grant, err)
				    : judge_renewal(asking, err); /* is it still so? */
	if (kind == ERR_OK)
		kind = ca_record(
			mdm, asking->authority->issuer, &asking->order, &asking->issued, err);
	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_SCEP_ISSUED_FORGET,
			DB_ARGS(DB_INT(clock_now() - REMEMBERED_MS)), NULL, err);
	if (kind == ERR_OK)
		kind = db_run(mdm->db, SQL_SCEP_ISSUED_SET,
			DB_ARGS(DB_TEXT(asking->memory), DB_TEXT(asking->request.csr_sha256),
				DB_BLOB(asking->issued.der, asking->issued.der_len),
				DB_INT(clock_now())),
			NULL, err);
	return kind;
}

static enum err_kind
enroll(struct asking *asking, struct err *err)
{
	struct scep_request *request = &asking->request;
	enum err_kind kind;

	asking->order = (struct ca_request){.csr = request->csr.bytes,
		.csr_len = request->csr.len,
		.days = asking->days,
		.origin = "scep"};
	kind = look(asking, judge, err);
	if (kind != ERR_OK || asking->certificate.bytes != NULL)
		return kind;
	kind = ca_sign(
		asking->mdm, asking->authority->issuer, &asking->order, &asking->issued, err);
	if (kind == ERR_BAD_INPUT || kind == ERR_CONFLICT) {
		request->fail = SCEP_BAD_REQUEST;
		err->kind = ERR_FORBIDDEN;
		return err->kind;
	}
	if (kind == ERR_OK)
		kind = db_transact(asking->mdm->db, record, asking, err);
	if (kind == ERR_FORBIDDEN)
		request->fail = SCEP_BAD_REQUEST;
	if (kind != ERR_OK || asking->certificate.bytes != NULL)
		return kind;
	asking->certificate =
		(struct scep_bytes){.bytes = asking->issued.der, .len = asking->issued.der_len};
	asking->answer->enrollment_id = asking->order.common_name;
	asking->answer->remark = asking->by_challenge ? "issued" : "renewed";
	return ERR_OK;
}

/* There is nothing that a client would have to wait for: what is polled for has been answered. */
static enum err_kind
poll(struct asking *asking, struct err *err)
{
	enum err_kind kind = look(asking, find_issued, err);

	return kind == ERR_NOT_FOUND
		       ? refuse(asking, SCEP_BAD_CERT_ID, err,
				 "nothing was issued to this client in this transaction")
		       : kind;
}

static enum err_kind
not_served(struct asking *asking, struct err *err)
{
	return refuse(asking, SCEP_BAD_REQUEST, err, "messages of this type are not served");
}

static const struct message {
	enum scep_type type;
	const char *name;
	enum err_kind (*handle)(struct asking *asking, struct err *err);
} messages[] = {
	{SCEP_PKCS_REQ, "PKCSReq", enroll},
	{SCEP_RENEWAL_REQ, "RenewalReq", enroll},
	{SCEP_CERT_POLL, "CertPoll", poll},
	{SCEP_GET_CERT, "GetCert", not_served},
	{SCEP_GET_CRL, "GetCRL", not_served},
};

/* ---- a message ---- */

static const struct message *
find_message(enum scep_type type)
{
	static const struct message unknown = {0, "unknown", not_served};

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		if (messages[i].type == type)
			return &messages[i];
	return &unknown;
}

static enum err_kind
check_time(struct asking *asking, struct err *err)
{
	int64_t told = asking->request.signing_time, now = clock_now();

	if (told != 0 && (told < now - CLOCKS_APART_MS || told > now + CLOCKS_APART_MS))
		return refuse(asking, SCEP_BAD_TIME, err,
			"the message was signed more than a day ago or ahead of now");
	return ERR_OK;
}

static enum err_kind
handle(struct asking *asking, const void *bytes, size_t len, struct err *err)
{
	struct scep_request *request = &asking->request;
	struct mdm *mdm = asking->mdm;
	const struct message *message;
	enum err_kind kind = scep_read(mdm->arena, bytes, len, asking->legacy, request, err);

	if (kind == ERR_BAD_INPUT)
		return kind;
	message = find_message(request->type);
	asking->answer->message = message->name;
	if (kind == ERR_OK)
		kind = check_time(asking, err);
	if (kind == ERR_OK)
		kind = scep_open(mdm->arena,
			(const struct scep_key *const *)asking->authority->keys, asking->legacy,
			request, err);
	if (kind != ERR_OK)
		return kind;
	x509_hash(arena_printf(mdm->arena, "%s %s", request->signer_key, request->transaction_id),
		strlen(request->signer_key) + 1 + strlen(request->transaction_id), asking->memory);
	return message->handle(asking, err);
}

static enum err_kind
reply(struct asking *asking, enum err_kind kind, struct scep_bytes *bytes, struct err *err)
{
	const struct scep_request *request = &asking->request;
	const struct scep_key *key =
		request->key != NULL ? request->key : asking->authority->keys[0];
	struct arena *arena = asking->mdm->arena;

	if (kind == ERR_OK)
		return scep_write_success(arena, key, request, asking->certificate.bytes,
			asking->certificate.len, bytes, err);
	if (kind != ERR_FORBIDDEN)
		return kind;
	asking->answer->remark = arena_strdup(arena, err->message);
	err_clear(err);
	return scep_write_failure(arena, key, request, bytes, err);
}

enum err_kind
scep_answer_message(struct mdm *mdm, const void *message, size_t len, struct scep_answer *answer,
	struct err *err)
{
	struct asking asking = {.mdm = mdm, .answer = answer};
	struct scep_bytes bytes = {0};
	enum err_kind kind;

	*answer = (struct scep_answer){.content_type = "application/x-pki-message"};
	kind = look(&asking, read_settings, err);
	if (kind != ERR_OK)
		return kind;
	kind = handle(&asking, message, len, err);
	kind = reply(&asking, kind, &bytes, err);
	answer->bytes = bytes.bytes;
	answer->len = bytes.len;
	scep_desk_give(mdm, asking.authority);
	return kind;
}

/* ---- the others ---- */

/* strongSwan 5.9.8 believes in AES and Renewal only where it sees SHA-384. */
enum err_kind
scep_answer_caps(struct mdm *mdm, struct scep_answer *answer, struct err *err)
{
	const char *legacy = "off", *pem;
	enum err_kind kind = db_begin(mdm->db, DB_READ, err), next = ERR_NOT_FOUND;

	*answer = (struct scep_answer){.content_type = "text/plain", .message = "GetCACaps"};
	if (kind != ERR_OK)
		return kind;
	kind = setting_get(mdm, "scep_legacy", &legacy, err);
	if (kind == ERR_OK)
		next = ca_next_certificate(mdm, &pem, err);
	db_rollback(mdm->db);
	if (kind != ERR_OK || (next != ERR_OK && next != ERR_NOT_FOUND))
		return err->kind;
	answer->bytes = arena_printf(mdm->arena,
		"AES\nDES3\n%sSHA-256\nSHA-384\nSHA-512\nPOSTPKIOperation\nRenewal\nSCEPStandard\n%"
		"s",
		strcmp(legacy, "on") == 0 ? "SHA-1\n" : "",
		next == ERR_OK ? "GetNextCACert\n" : "");
	answer->len = strlen(answer->bytes);
	return ERR_OK;
}

enum err_kind
scep_answer_certs(struct mdm *mdm, struct scep_answer *answer, struct err *err)
{
	struct asking asking = {.mdm = mdm, .answer = answer};
	struct scep_bytes bytes = {0};
	bool many = false;
	enum err_kind kind;

	*answer = (struct scep_answer){.message = "GetCACert"};
	kind = look(&asking, read_settings, err);
	if (kind != ERR_OK)
		return kind;
	kind = scep_write_certs(mdm->arena, asking.authority->certs, &bytes, &many, err);
	answer->content_type =
		many ? "application/x-x509-ca-ra-cert" : "application/x-x509-ca-cert";
	answer->bytes = bytes.bytes;
	answer->len = bytes.len;
	scep_desk_give(mdm, asking.authority);
	return kind;
}

/* What the reply to GetNextCACert needs. */
static enum err_kind
read_next(struct asking *asking, struct err *err)
{
	enum err_kind kind = ca_next_certificate(asking->mdm, &asking->next, err);

	if (kind == ERR_NOT_FOUND)
		return err_set(err, kind, "there is no next CA");
	return kind == ERR_OK ? scep_desk_take(asking->mdm, &asking->authority, err) : kind;
}

enum err_kind
scep_answer_next(struct mdm *mdm, struct scep_answer *answer, struct err *err)
{
	struct asking asking = {.mdm = mdm, .answer = answer};
	struct scep_bytes bytes = {0};
	enum err_kind kind;

	*answer = (struct scep_answer){
		.content_type = "application/x-x509-next-ca-cert", .message = "GetNextCACert"};
	kind = look(&asking, read_next, err);
	if (kind != ERR_OK)
		return kind;
	kind = scep_write_next(mdm->arena, asking.authority->keys[0], asking.next, &bytes, err);
	answer->bytes = bytes.bytes;
	answer->len = bytes.len;
	scep_desk_give(mdm, asking.authority);
	return kind;
}
