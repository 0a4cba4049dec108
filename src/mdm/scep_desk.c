/*
 * Between mdm/ca, which keeps sealed keys, and mdm/scep, which wants them at hand.
 */
#include "mdm/scep_desk.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "mdm/ca.h"

enum { STAMP_MOST = 4096, CERTS_MOST = 64 * 1024 };

struct scep_desk {
	pthread_mutex_t lock;
	struct scep_authority *current; /* counts as a user; NULL: none yet */
};

/* ---- loading ---- */

static void
authority_free(struct scep_authority *authority)
{
	x509_issuer_free(authority->issuer);
	for (size_t i = 0; authority->keys[i] != NULL; i++)
		scep_key_free(authority->keys[i]);
	free(authority->certs);
	free(authority->stamp);
	free(authority);
}

static char *
copy(const char *text)
{
	char *copied = strdup(text);

	if (copied == NULL)
		abort();
	return copied;
}

static enum err_kind
add_to_stamp(const struct db_row *row, void *context, struct err *err)
{
	(void)err;
	buf_printf(context, "%s %s %lld\n", db_text(row, 0), db_text(row, 1),
		(long long)db_int(row, 2));
	return ERR_OK;
}

static enum err_kind
read_stamp(struct mdm *mdm, struct buf *stamp, struct err *err)
{
	buf_init(stamp, mdm->arena, STAMP_MOST);
	buf_str(stamp, "");
	return db_each(mdm->db, SQL_AUTHORITY_STAMP, DB_NONE, add_to_stamp, stamp, err);
}

struct loading {
	struct mdm *mdm;
	struct scep_authority *authority;
	struct buf certs;
	size_t keys, believed;
};

static enum err_kind
add_key(struct loading *loading, const struct db_row *row, struct err *err)
{
	struct x509_identity identity = {.cert_pem = db_text(row, 1)};
	size_t len;
	const void *sealed = db_blob(row, 2, &len);
	enum err_kind kind =
		ca_open_key(loading->mdm, db_text(row, 0), sealed, len, &identity.key_pem, err);

	if (kind != ERR_OK)
		return kind;
	kind = scep_key_new(&identity, &loading->authority->keys[loading->keys], err);
	if (kind == ERR_OK)
		loading->keys++;
	/* One that is not RSA's has a registration authority that is. */
	return kind == ERR_BAD_INPUT ? ERR_OK : kind;
}

static void
add_believed(struct loading *loading, const char *pem)
{
	size_t len;
	unsigned char *der = x509_pem_to_der(loading->mdm->arena, pem, strlen(pem), &len);

	if (der != NULL)
		x509_hash(der, len, loading->authority->believed[loading->believed++]);
}

/* The rows come in the order of their use. */
static enum err_kind
add_authority(const struct db_row *row, void *context, struct err *err)
{
	struct loading *loading = context;
	int64_t rank = db_int(row, 4);

	if (loading->keys == SCEP_KEYS_MOST || loading->believed == SCEP_KEYS_MOST)
		return ERR_NOT_FOUND; /* that is enough */
	if (rank <= 1) {
		buf_str(&loading->certs, db_text(row, 1));
		buf_str(&loading->certs, db_is_null(row, 3) ? "" : db_text(row, 3));
	}
	if (rank != 0)
		add_believed(loading, db_text(row, 1));
	return add_key(loading, row, err);
}

static enum err_kind
load(struct mdm *mdm, const char *stamp, struct scep_authority **authority, struct err *err)
{
	struct loading loading = {.mdm = mdm, .authority = calloc(1, sizeof(**authority))};
	enum err_kind kind;

	if (loading.authority == NULL)
		abort();
	loading.authority->stamp = copy(stamp);
	loading.authority->users = 1;
	buf_init(&loading.certs, mdm->arena, CERTS_MOST);
	kind = ca_issuer(mdm, &loading.authority->issuer, err);
	if (kind == ERR_OK)
		kind = db_each(
			mdm->db, SQL_AUTHORITY_SCEP_KEYS, DB_NONE, add_authority, &loading, err);
	if (kind == ERR_OK && (loading.keys == 0 || loading.certs.len == 0))
		kind = err_set(err, ERR_CONFLICT,
			"SCEP needs an RSA key: the CA has none, and no registration authority");
	if (kind == ERR_OK) {
		loading.authority->certs = copy(loading.certs.bytes);
		*authority = loading.authority;
	} else
		authority_free(loading.authority);
	return kind;
}

/* ---- sharing ---- */

struct scep_desk *
scep_desk_new(void)
{
	struct scep_desk *desk = calloc(1, sizeof(*desk));

	if (desk == NULL || pthread_mutex_init(&desk->lock, NULL) != 0)
		abort();
	return desk;
}

void
scep_desk_free(struct scep_desk *desk)
{
	if (desk == NULL)
		return;
	if (desk->current != NULL)
		authority_free(desk->current);
	pthread_mutex_destroy(&desk->lock);
	free(desk);
}

/* With the lock held. */
static void
drop(struct scep_authority *authority)
{
	if (authority != NULL && --authority->users == 0)
		authority_free(authority);
}

/* The one at the desk, when it is the one of STAMP. */
static struct scep_authority *
find(struct scep_desk *desk, const char *stamp)
{
	struct scep_authority *found = NULL;

	pthread_mutex_lock(&desk->lock);
	if (desk->current != NULL && strcmp(desk->current->stamp, stamp) == 0) {
		found = desk->current;
		found->users++;
	}
	pthread_mutex_unlock(&desk->lock);
	return found;
}

static void
keep(struct scep_desk *desk, struct scep_authority *authority)
{
	pthread_mutex_lock(&desk->lock);
	drop(desk->current);
	desk->current = authority;
	authority->users++;
	pthread_mutex_unlock(&desk->lock);
}

enum err_kind
scep_desk_take(struct mdm *mdm, struct scep_authority **authority, struct err *err)
{
	struct scep_desk *desk = mdm->scep_desk;
	struct buf stamp;
	enum err_kind kind = read_stamp(mdm, &stamp, err);

	*authority = NULL;
	if (kind != ERR_OK)
		return kind;
	if (desk != NULL)
		*authority = find(desk, stamp.bytes);
	if (*authority != NULL)
		return ERR_OK;
	kind = load(mdm, stamp.bytes, authority, err);
	if (kind == ERR_OK && desk != NULL)
		keep(desk, *authority);
	return kind;
}

void
scep_desk_give(struct mdm *mdm, struct scep_authority *authority)
{
	struct scep_desk *desk = mdm->scep_desk;

	if (desk != NULL)
		pthread_mutex_lock(&desk->lock);
	drop(authority);
	if (desk != NULL)
		pthread_mutex_unlock(&desk->lock);
}
